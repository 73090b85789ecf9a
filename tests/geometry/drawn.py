"""Areas and legs drawn in metres east and north of a place, as columns and for kernels; and truth by geodesics.

Truth shares nothing with the engines: distances are PROJ's, to places on edges found by narrowing; whether a place is
within is how often the outline goes round it, by bearings.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from pyproj import Geod

from keepclear.geometry.columns import Plans
from keepclear.geometry.earth import FloatArray, points_in_space
from keepclear.geometry.pack import Packed, pack

GEOD = Geod(ellps="WGS84")
DESERT, DATELINE, POLE = (35.1, 40.4), (-18.0, 180.0), (89.99, 10.0)
PLACES = (DESERT, DATELINE, POLE)

Place = tuple[float, float]
"""Latitude and longitude."""
Ring = Sequence[tuple[float, float]] | FloatArray
"""Metres east and north of the place about which it is drawn."""
Drawn = float | Sequence[Ring]
"""The radius of a circle about the place, or an outline and its holes."""


def at(xy: npt.ArrayLike, place: Place) -> FloatArray:
    """Latitudes and longitudes, shape (n, 2)."""
    x, y = np.asarray(xy, dtype=np.float64).reshape(-1, 2).T
    n = np.ones(len(x))
    lon, lat, _ = GEOD.fwd(n * place[1], n * place[0], np.degrees(np.arctan2(x, y)), np.hypot(x, y))
    return np.column_stack((lat, lon))


def plans_of(
    *areas: Drawn,
    place: Place = DESERT,
    limits: tuple[float, float, float, float] = (0.0, 1e6, 0.0, 1_000.0),
    places: Sequence[Place] = (),
) -> Plans:
    """Plans of one volume each, all of the same window and band; `places` if they are drawn about several."""
    k = len(areas)
    about = places or [place] * k
    circles = np.array(
        [(*about[j], area) if isinstance(area, float | int) else (np.nan,) * 3 for j, area in enumerate(areas)]
    ).reshape(k, 3)
    rings = [
        [] if isinstance(area, float | int) else [at(ring, about[j]) for ring in area] for j, area in enumerate(areas)
    ]
    return of_rings(rings, circles, limits)


def of_rings(
    rings: Sequence[Sequence[npt.ArrayLike]],
    circles: FloatArray | None = None,
    limits: tuple[float, float, float, float] = (0.0, 1e6, 0.0, 1_000.0),
) -> Plans:
    """Plans of one volume each from rings in degrees."""
    k = len(rings)
    every = [np.asarray(ring, dtype=np.float64).reshape(-1, 2) for area in rings for ring in area]
    return Plans(
        ids=tuple(f"plan{j}" for j in range(k)),
        kind=np.zeros(k, dtype=np.uint8),
        datum=np.zeros(k, dtype=np.uint8),
        band_m=np.tile([-np.inf, np.inf], (k, 1)),
        room=np.zeros((k, 4)),
        point_from=np.zeros(k + 1, dtype=np.int64),
        t_s=np.empty(0),
        lat_deg=np.empty(0),
        lon_deg=np.empty(0),
        alt_m=np.empty(0),
        volume_from=np.arange(k + 1),
        volumes=np.tile(limits, (k, 1)),
        circles=np.full((k, 3), np.nan) if circles is None else circles,
        ring_from=np.concatenate(([0], np.cumsum([len(area) for area in rings]))).astype(np.int64),
        vertex_from=np.concatenate(([0], np.cumsum([len(ring) for ring in every]))).astype(np.int64),
        vertices=np.vstack([*every, np.empty((0, 2))]),
    )


def packed_of(*areas: Drawn, place: Place = DESERT) -> Packed:
    """The same for the kernels: from 0 s to 1e6 s, from the ellipsoid to 1,000 m above it."""
    return pack(plans_of(*areas, place=place))


def leg_of(
    xy: npt.ArrayLike,
    place: Place = DESERT,
    t_s: tuple[float, float] = (100.0, 200.0),
    height_m: tuple[float, float] = (500.0, 500.0),
) -> FloatArray:
    """Two nodes, from the first to the second of two points."""
    ends = points_in_space(*at(xy, place).T)
    return np.column_stack((t_s, ends, height_m, height_m))


def rough_ring(random: np.random.Generator, radius: float, corners: int) -> FloatArray:
    """An outline that does not cross itself, as often dented as not."""
    bearings = np.linspace(0.0, 2.0 * np.pi, corners, endpoint=False) + random.uniform(0, 1)
    away = radius * random.uniform(0.5, 1.0, corners)
    return np.column_stack((away * np.sin(bearings), away * np.cos(bearings)))


# ── truth ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def along(start: FloatArray, end: FloatArray, share: FloatArray) -> FloatArray:
    """Places a share of the way along geodesics, degrees, shape (n, 2); one geodesic or n."""
    start, end = (np.broadcast_to(each, (len(share), 2)) for each in (start, end))
    azimuth, _, length = GEOD.inv(start[:, 1], start[:, 0], end[:, 1], end[:, 0])
    lon, lat, _ = GEOD.fwd(start[:, 1], start[:, 0], azimuth, length * share)
    return np.column_stack((lat, lon))


def _away(place: FloatArray, start: FloatArray, end: FloatArray, share: FloatArray) -> FloatArray:
    on = along(start, end, share)
    return np.asarray(GEOD.inv(place[:, 1], place[:, 0], on[:, 1], on[:, 0])[2])


def true_depths(rings: Sequence[FloatArray], points: FloatArray) -> FloatArray:
    """Metres from n places to the nearest edge of rings, all in degrees; negative within by the odd-even rule."""
    nearest = np.full(len(points), np.inf)
    inside = np.zeros(len(points), dtype=bool)
    for ring in rings:
        start, end = np.repeat(ring[None], len(points), 0), np.repeat(np.roll(ring, -1, axis=0)[None], len(points), 0)
        start, end = start.reshape(-1, 2), end.reshape(-1, 2)
        place = np.repeat(points, len(ring), axis=0)
        low, high = np.zeros(len(start)), np.ones(len(start))

        for _ in range(45):
            third = (high - low) / 3.0
            left = _away(place, start, end, low + third) < _away(place, start, end, high - third)
            low, high = np.where(left, low, low + third), np.where(left, high - third, high)
        least = np.min([_away(place, start, end, share) for share in ((low + high) / 2, 0.0 * low, 0.0 * low + 1.0)], 0)
        nearest = np.minimum(nearest, least.reshape(len(points), len(ring)).min(axis=1))
        shares = np.linspace(0.0, 1.0, 33)[:-1]
        dense = along(
            np.repeat(ring, len(shares), axis=0),
            np.repeat(np.roll(ring, -1, axis=0), len(shares), axis=0),
            np.tile(shares, len(ring)),
        )
        for i, (lat, lon) in enumerate(points.tolist()):
            n = np.ones(len(dense))
            bearing = np.asarray(GEOD.inv(n * lon, n * lat, dense[:, 1], dense[:, 0])[0])
            turns = (np.roll(bearing, -1) - bearing + 180.0) % 360.0 - 180.0
            inside[i] ^= abs(turns.sum()) > 180.0
    return np.where(inside, -nearest, nearest)


def distances_from(place: Place, points: FloatArray) -> FloatArray:
    """Metres from a place to n others, in degrees."""
    n = np.ones(len(points))
    return np.asarray(GEOD.inv(n * place[1], n * place[0], points[:, 1], points[:, 0])[2])

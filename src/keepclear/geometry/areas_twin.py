"""What the kernels of areas say, slowly: on planes of PROJ, with NumPy and shapely. Serves where nothing is compiled.

`areas.py` says what each function promises. Whether two areas of hundreds of kilometres overlap by a millimetre is less
certain here where they share a side but not its vertices: edges are straight on one plane about what they share.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import Geod

from keepclear.geometry.earth import FloatArray, LocalPlane, distance_m, plane_about, points_in_space
from keepclear.geometry.pack_areas import polygons_of

if TYPE_CHECKING:
    from keepclear.geometry.pack import Packed

DEPTH_M = 0.001
"""A breach is deeper than this: `KC_DEPTH_M`."""
MET = np.dtype(
    [
        ("t0_s", "f8"),
        ("t1_s", "f8"),
        ("nearest_s", "f8"),
        ("horizontal_m", "f8"),
        ("vertical_m", "f8"),
        ("place", "f8", 3),
    ]
)
"""`kc_met`: a stay too near, how near at most, and a point in space where."""

_WGS84 = Geod(ellps="WGS84")
_STANDS_M = 1e-6
_FAR_M = 1e6


class Span(NamedTuple):
    """A part of a path, metres along it; the least distance of it from what is asked about, and where."""

    lo: float
    hi: float
    least: float
    at: float


def leg_in_volume(
    leg: FloatArray, early_s: float, late_s: float, packed: Packed, volume: int, across_m: float, height_m: float
) -> npt.NDArray[np.void]:
    """The stays of a mover on one leg within both figures of a volume; see `areas.leg_in_volume`."""
    zero, span = float(leg[0, 0]), float(leg[1, 0] - leg[0, 0])
    opens, closes, lower, upper = (float(each) for each in packed.volumes[volume])
    opens, closes = opens - zero, closes - zero
    begin, end = max(0.0, opens - late_s), min(span, closes + early_s)
    if not begin < end:
        return np.empty(0, dtype=MET)
    if height_m < math.inf:
        enough = height_m - DEPTH_M
        for gap0, gap1 in (
            (leg[0, 4] - upper - enough, leg[1, 4] - upper - enough),
            (lower - leg[0, 5] - enough, lower - leg[1, 5] - enough),
        ):
            begin, end = _below(float(gap0), float(gap1), span, begin, end)
    if not begin < end:
        return np.empty(0, dtype=MET)
    path = _Path.of(leg[:, 1:4], begin / span, end / span)
    spans = _stays(path, packed, volume, across_m - DEPTH_M)
    found = []
    for one in spans:
        if path.length > 0.0 and one.lo >= one.hi:
            continue
        whole = path.length == 0.0
        first, last, at = (
            begin + (end - begin) * (u / path.length) if not whole else u for u in (one.lo, one.hi, one.at)
        )
        if whole:
            first, last, at = begin, end, begin
        t0, t1 = zero + max(first - early_s, opens), zero + min(last + late_s, closes)
        share = at / span
        low = leg[0, 4] + share * (leg[1, 4] - leg[0, 4])
        high = leg[0, 5] + share * (leg[1, 5] - leg[0, 5])
        place = points_in_space(*path.places(np.array([one.at])))[0]
        nearest = min(max(zero + at, t0), t1)
        found.append((t0, t1, nearest, one.least, max(0.0, low - upper, lower - high), place))
    return np.array(found, dtype=MET)


def depths_m(packed: Packed, volume: int, points: FloatArray) -> FloatArray:
    """Metres from each of n places to the rim of a volume's area, negative within; see `areas.depths_m`."""
    lat, lon = degrees_of(points)
    return np.array(
        [_depth(packed, volume, float(a), float(b))[0] for a, b in zip(lat, lon, strict=True)], dtype=np.float64
    )


def volumes_meet(
    packed: Packed, volume: int, others: Packed, other: int, across_m: float, height_m: float
) -> npt.NDArray[np.void]:
    """Where two volumes are within both figures while both last; see `areas.volumes_meet`."""
    (from0, upto0, low0, high0), (from1, upto1, low1, high1) = packed.volumes[volume], others.volumes[other]
    begin, end = max(from0, from1), min(upto0, upto1)
    gap = max(low0 - high1, low1 - high0)
    reach = across_m - DEPTH_M
    nothing = np.empty(0, dtype=MET)
    if not begin < end or (height_m < math.inf and not gap < height_m - DEPTH_M):
        return nothing
    balls = packed.areas[volume], others.areas[other]
    if np.linalg.norm(balls[0][:3] - balls[1][:3]) > balls[0][3] + balls[1][3] + max(reach, 0.0):
        return nothing
    apart, place = _areas_apart((packed, volume), (others, other), across_m)
    if apart is None or not apart < max(reach, DEPTH_M / 2):
        return nothing
    return np.array([(begin, end, begin, apart, max(0.0, gap), place)], dtype=MET)


# ── paths ────────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Path(NamedTuple):
    """Part of a leg: its geodesic, and a plane about its middle turned so that it runs along u from 0 to `length`."""

    lat_deg: float
    lon_deg: float
    azimuth: float
    plane: LocalPlane
    start: FloatArray
    along: FloatArray
    length: float

    @classmethod
    def of(cls, ends: FloatArray, begin: float, finish: float) -> _Path:
        lat, lon = degrees_of(ends)
        azimuth, _, length = _WGS84.inv(lon[0], lat[0], lon[1], lat[1])
        n, shares = np.ones(3), np.array([begin, (begin + finish) / 2, finish])
        lons, lats, _ = _WGS84.fwd(n * lon[0], n * lat[0], n * azimuth, length * shares)
        plane = LocalPlane(lats[1], lons[1])
        xy = plane.to_xy(lats[[0, 2]], lons[[0, 2]])
        step = xy[1] - xy[0]
        size = float(np.hypot(*step))
        along = step / size if size >= _STANDS_M else np.array([1.0, 0.0])
        toward = _WGS84.inv(lons[0], lats[0], lons[2], lats[2])[0] if size >= _STANDS_M else 0.0
        return cls(
            float(lats[0]), float(lons[0]), float(toward), plane, xy[0], along, size if size >= _STANDS_M else 0.0
        )

    def in_frame(self, points: FloatArray) -> FloatArray:
        """(u, v) of n points in space, shape (n, 2)."""
        xy = self.plane.to_xy(*degrees_of(points)) - self.start
        aside = np.array([-self.along[1], self.along[0]])
        return np.column_stack((xy @ self.along, xy @ aside))

    def places(self, u: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Latitudes and longitudes, shape (n,), so many metres along."""
        n = np.ones(len(u))
        lon, lat, _ = _WGS84.fwd(n * self.lon_deg, n * self.lat_deg, n * self.azimuth, u)
        return np.asarray(lat), np.asarray(lon)


def _below(gap0: float, gap1: float, span: float, begin: float, end: float) -> tuple[float, float]:
    """The part of [begin, end] in which a gap that goes evenly from gap0 at 0 to gap1 at `span` is below zero."""
    if gap0 < 0.0 and gap1 < 0.0:
        return begin, end
    if gap0 >= 0.0 and gap1 >= 0.0:
        return begin, begin
    zero = span * (gap0 / (gap0 - gap1))
    return (max(begin, zero), end) if gap0 >= 0.0 else (begin, min(end, zero))


def _stays(path: _Path, packed: Packed, volume: int, reach: float) -> list[Span]:
    if packed.ring_from[volume] == packed.ring_from[volume + 1]:
        return _stays_in_circle(path, packed.areas[volume], reach)
    crossings, inside, rim = [], False, []
    for ring in _rings(packed, volume):
        b = path.in_frame(ring)
        a = np.roll(b, 1, axis=0)
        meets = (a[:, 1] > 0.0) != (b[:, 1] > 0.0)
        at = a[meets, 0] + (b[meets, 0] - a[meets, 0]) * (a[meets, 1] / (a[meets, 1] - b[meets, 1]))
        inside ^= bool((at > path.length).sum() % 2)
        crossings += at[(at >= 0.0) & (at <= path.length)].tolist()
        rim += _by_edges(a, b, abs(reach), path.length)
    within, hi = [], path.length
    for at in sorted(crossings, reverse=True):
        if inside:
            within.append(Span(at, hi, 0.0, at))
        inside, hi = not inside, at
    if inside:
        within.append(Span(0.0, hi, 0.0, 0.0))
    return _joined([*within, *rim]) if reach >= 0.0 else _without(_joined(within), _joined(rim))


def _by_edges(a: FloatArray, b: FloatArray, reach: float, length: float) -> list[Span]:
    """The parts of [0, length] on the line v = 0 within `reach` of edges from a to b, both of shape (n, 2)."""
    near = (np.minimum(a[:, 1], b[:, 1]) <= reach) & (np.maximum(a[:, 1], b[:, 1]) >= -reach)
    near &= (np.minimum(a[:, 0], b[:, 0]) <= length + reach) & (np.maximum(a[:, 0], b[:, 0]) >= -reach)
    spans = []
    for (u0, v0), (u1, v1) in zip(a[near].tolist(), b[near].tolist(), strict=True):
        parts = [
            (u - half, u + half)
            for u, v in ((u0, v0), (u1, v1))
            if abs(v) <= reach
            for half in [math.sqrt(reach * reach - v * v)]
        ]
        du, dv = u1 - u0, v1 - v0
        size = math.hypot(du, dv)
        if size > 0.0:
            lo, hi = -math.inf, math.inf
            for slope, at, low, high in ((du, -v0 * dv, 0.0, size * size), (dv, v0 * du, -reach * size, reach * size)):
                if slope:
                    first, last = sorted(((low - at) / slope, (high - at) / slope))
                    lo, hi = max(lo, first), min(hi, last)
                elif not low <= at <= high:
                    lo = math.inf
            if lo <= hi:
                parts.append((u0 + lo, u0 + hi))
        if not parts:
            continue
        lo, hi = max(0.0, min(part[0] for part in parts)), min(length, max(part[1] for part in parts))
        if lo > hi:
            continue
        crosses = (v0 > 0.0) != (v1 > 0.0)
        if crosses:
            at = u0 + du * (v0 / (v0 - v1))
        elif abs(v0) != abs(v1):
            at = u0 if abs(v0) < abs(v1) else u1
        else:
            at = min(max(0.0, min(u0, u1)), max(u0, u1))
        held = min(max(at, 0.0), length)
        share = min(max(((held - u0) * du - v0 * dv) / size**2, 0.0), 1.0) if size > 0.0 else 0.0
        least = 0.0 if crosses and held == at else math.hypot(u0 + share * du - held, v0 + share * dv)
        spans.append(Span(lo, hi, least, held))
    return spans


def _stays_in_circle(path: _Path, area: FloatArray, reach: float) -> list[Span]:
    middle_lat, middle_lon = (float(each[0]) for each in degrees_of(area[None, :3]))
    radius = float(area[4])
    if radius + reach <= 0.0:
        return []

    def away(u: float) -> float:
        lat, lon = path.places(np.array([u]))
        return distance_m(middle_lat, middle_lon, float(lat[0]), float(lon[0]))

    # The distance falls, then rises: two thirds of what is left hold the least.
    lo, hi = 0.0, path.length
    for _ in range(100 if path.length else 0):
        third = (hi - lo) / 3
        lo, hi = (lo + third, hi) if away(lo + third) > away(hi - third) else (lo, hi - third)
    near = min((0.0, (lo + hi) / 2, path.length), key=away)

    def meets(outside: float, of: float) -> float:
        within = near
        if away(outside) <= of:
            return outside
        for _ in range(80):
            half = (outside + within) / 2
            outside, within = (half, within) if away(half) > of else (outside, half)
        return within

    if not away(near) < radius + reach:
        return []
    first, last = meets(0.0, radius + reach), meets(path.length, radius + reach)
    least = away(near) - radius
    if least <= 0.0:
        return [Span(first, last, 0.0, meets(0.0, radius) if reach > 0.0 else first)]
    return [Span(first, last, least, near)]


def _joined(spans: list[Span]) -> list[Span]:
    """Those that touch made one, nearest where the nearer of them is."""
    whole: list[Span] = []
    for one in sorted(spans):
        if whole and one.lo <= whole[-1].hi:
            last = whole.pop()
            least, at = min((last.least, last.at), (one.least, one.at))
            one = Span(last.lo, max(last.hi, one.hi), least, at)
        whole.append(one)
    return whole


def _without(spans: list[Span], others: list[Span]) -> list[Span]:
    """What of `spans` none of `others` holds; both are joined."""
    left = []
    for lo, hi, _, _ in spans:
        begin, covered = lo, False
        for other in others:
            if other.hi < begin or other.lo > hi:
                continue
            if other.lo > begin:
                left.append(Span(begin, other.lo, 0.0, begin))
            begin, covered = max(begin, other.hi), True
        if begin < hi or (begin == hi == lo and not covered):
            left.append(Span(begin, hi, 0.0, begin))
    return left


# ── places and areas ─────────────────────────────────────────────────────────────────────────────────────────────────


def degrees_of(points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Latitudes and longitudes of n points on the ellipsoid, shape (n, 3)."""
    x, y, z = points.T
    lat = np.degrees(np.arctan2(z, np.hypot(x, y) * (1.0 - _WGS84.es)))
    return lat, np.degrees(np.arctan2(y, x))


def _rings(packed: Packed, volume: int) -> list[FloatArray]:
    return [
        packed.vertices[packed.vertex_from[ring] : packed.vertex_from[ring + 1]]
        for ring in range(packed.ring_from[volume], packed.ring_from[volume + 1])
    ]


def _depth(packed: Packed, volume: int, lat: float, lon: float) -> tuple[float, tuple[float, float]]:
    """Metres from a place to the rim of an area, negative within, and the latitude and longitude nearest on it."""
    area = packed.areas[volume]
    if packed.ring_from[volume] == packed.ring_from[volume + 1]:
        middle_lat, middle_lon = (float(each[0]) for each in degrees_of(area[None, :3]))
        azimuth, _, away = _WGS84.inv(middle_lon, middle_lat, lon, lat)
        foot = _WGS84.fwd(middle_lon, middle_lat, azimuth, area[4])
        return float(away - area[4]), (float(foot[1]), float(foot[0]))
    straight = float(np.linalg.norm(points_in_space(np.array([lat]), np.array([lon]))[0] - area[:3]) - area[3])
    if straight > _FAR_M:
        middle_lat, middle_lon = (float(each[0]) for each in degrees_of(area[None, :3]))
        return straight, (middle_lat, middle_lon)
    plane = LocalPlane(lat, lon)
    inside, nearest = False, (math.inf, 0.0, np.zeros(2), np.zeros(2))
    for ring in _rings(packed, volume):
        b = plane.to_xy(*degrees_of(ring))
        a = np.roll(b, 1, axis=0)
        meets = (a[:, 1] > 0.0) != (b[:, 1] > 0.0)
        at = a[meets, 0] + (b[meets, 0] - a[meets, 0]) * (a[meets, 1] / (a[meets, 1] - b[meets, 1]))
        inside ^= bool((at > 0.0).sum() % 2)
        step = b - a
        size2 = (step * step).sum(axis=1)
        share = np.clip(np.where(size2 > 0.0, -(a * step).sum(axis=1) / np.where(size2 > 0.0, size2, 1.0), 0.0), 0, 1)
        away = np.hypot(*(a + share[:, None] * step).T)
        k = int(away.argmin())
        if away[k] < nearest[0]:
            nearest = float(away[k]), float(share[k]), a[k], b[k]
    (lat0, lat1), (lon0, lon1) = plane.to_latlon(np.vstack(nearest[2:]))
    azimuth, _, length = _WGS84.inv(lon0, lat0, lon1, lat1)
    foot_lon, foot_lat, _ = _WGS84.fwd(lon0, lat0, azimuth, length * nearest[1])
    away_m = distance_m(lat, lon, float(foot_lat), float(foot_lon))
    return (-away_m if inside and straight <= 0.0 else away_m), (float(foot_lat), float(foot_lon))


_Area = tuple["Packed", int]


def _is_circle(one: _Area) -> bool:
    return bool(one[0].ring_from[one[1]] == one[0].ring_from[one[1] + 1])


def _areas_apart(one: _Area, other: _Area, across_m: float) -> tuple[float | None, FloatArray]:
    """Metres between two areas and a place in both or between; None if `across_m` is 0 and neither is in the other."""
    if _is_circle(other) and not _is_circle(one):
        one, other = other, one
    if _is_circle(one):
        middle_lat, middle_lon = (float(each[0]) for each in degrees_of(one[0].areas[one[1]][None, :3]))
        radius = float(one[0].areas[one[1]][4])
        depth, foot = _depth(*other, middle_lat, middle_lon)
        deep = depth - radius < across_m - DEPTH_M
        if depth <= 0.0:
            return (0.0 if deep else None), points_in_space(np.array([middle_lat]), np.array([middle_lon]))[0]
        azimuth = _WGS84.inv(middle_lon, middle_lat, foot[1], foot[0])[0]
        lon, lat, _ = _WGS84.fwd(middle_lon, middle_lat, azimuth, min(depth, (depth + radius) / 2))
        place = points_in_space(np.array([lat]), np.array([lon]))[0]
        return (max(0.0, depth - radius) if deep else None), place
    return _polygons_deep(one, other) if across_m <= DEPTH_M else _polygons_apart(one, other)


def _polygons_apart(one: _Area, other: _Area) -> tuple[float, FloatArray]:
    """Rings that do not cross are nearest at a vertex of one of them, unless one area holds the other."""
    plane, shapes = _on_one_plane(one, other)
    if shapely.intersects(*shapes):
        lat, lon = plane.to_latlon(shapely.get_coordinates(shapely.intersection(*shapes))[:1])
        return 0.0, points_in_space(lat, lon)[0]
    least, place = math.inf, np.zeros(3)
    for area, another in ((one, other), (other, one)):
        for ring in _rings(*area):
            near = np.linalg.norm(ring - another[0].areas[another[1], :3], axis=1) - another[0].areas[another[1], 3]
            lat, lon = degrees_of(ring)
            for k in np.flatnonzero(near < least).tolist():
                depth, foot = _depth(*another, float(lat[k]), float(lon[k]))
                if depth < least:
                    least = max(depth, 0.0)
                    place = (ring[k] + points_in_space(np.array([foot[0]]), np.array([foot[1]]))[0]) / 2
    return least, place


def _polygons_deep(one: _Area, other: _Area) -> tuple[float | None, FloatArray]:
    plane, shapes = _on_one_plane(one, other)
    for inner, outer in (shapes, shapes[::-1]):
        both = shapely.intersection(shapely.buffer(inner, -DEPTH_M, join_style="mitre"), outer)
        if not both.is_empty:
            lat, lon = plane.to_latlon(shapely.get_coordinates(shapely.point_on_surface(both)))
            return 0.0, points_in_space(lat, lon)[0]
    return None, np.zeros(3)


def _on_one_plane(one: _Area, other: _Area) -> tuple[LocalPlane, tuple[shapely.Polygon, shapely.Polygon]]:
    """Two areas on a plane about the middle of what they share, or of both."""
    rings = [np.vstack(_rings(*area)) for area in (one, other)]
    plane = plane_about(*degrees_of(np.vstack(rings)))
    for _ in range(2):
        shapes = [
            polygons_of(
                plane.to_xy(*degrees_of(np.vstack(_rings(*area)))),
                np.array([0, len(_rings(*area))]),
                np.concatenate(([0], np.cumsum([len(ring) for ring in _rings(*area)]))),
            )[0]
            for area in (one, other)
        ]
        shared = shapely.intersection(*shapes)
        if shared.is_empty:
            break
        lat, lon = plane.to_latlon([shapely.centroid(shared).coords[0]])
        plane = LocalPlane(float(lat[0]), float(lon[0]))
    return plane, (shapes[0], shapes[1])

"""Made-up fences and live positions, in metres about a place anywhere on earth."""

from __future__ import annotations

from collections.abc import Sequence
from unittest.mock import patch

import numpy as np
import numpy.typing as npt

from keepclear.geometry.columns import Datum, Plans, Positions
from keepclear.geometry.earth import LocalPlane
from keepclear.watch import fences as fences_file
from keepclear.watch import intake as intake_file
from keepclear.watch import proximity as proximity_file
from keepclear.watch.fences import Fences
from keepclear.watch.intake import Intake
from keepclear.watch.live import Watch
from keepclear.watch.live_findings import LiveFindings
from keepclear.watch.proximity import Proximity

ORIGINS = ((46.0, 8.0), (0.0, 180.0), (-17.5, -179.99), (89.99, 30.0), (-90.0, 0.0), (71.0, 179.999))
"""Places on earth, among them both poles and the antimeridian."""
T0 = 1_700_000_000.0
FOREVER = (T0 - 1e6, T0 + 1e6, -np.inf, np.inf)

Rings = Sequence[npt.ArrayLike]
Volume = tuple[tuple[float, float, float, float], Rings | tuple[float, float, float]]
"""Window and band; then rings in metres about the origin, or the middle of a circle and its radius in metres."""


def plans_of(origin: tuple[float, float], volumes: dict[str, Sequence[Volume]], datum: Datum = Datum.WGS84) -> Plans:
    """Plans with volumes about an origin."""
    plane = LocalPlane(*origin)
    limits, circles, rings_of, rings, counts = [], [], [], [], []
    for of_one in volumes.values():
        counts.append(len(of_one))
        for limit, shape in of_one:
            limits.append(limit)
            if isinstance(shape, tuple):
                lat, lon = plane.to_latlon([shape[:2]])
                circles.append((lat[0], lon[0], shape[2]))
                rings_of.append(0)
                continue
            circles.append((np.nan, np.nan, np.nan))
            rings_of.append(len(shape))
            rings += [np.column_stack(plane.to_latlon(np.asarray(ring))) for ring in shape]
    n = len(counts)
    return Plans.of(
        Plans(
            ids=tuple(volumes),
            kind=np.full(n, 3, dtype=np.uint8),
            datum=np.full(n, tuple(Datum).index(datum), dtype=np.uint8),
            band_m=np.tile([-np.inf, np.inf], (n, 1)),
            room=np.zeros((n, 4)),
            point_from=np.zeros(n + 1, dtype=np.int64),
            t_s=np.empty(0),
            lat_deg=np.empty(0),
            lon_deg=np.empty(0),
            alt_m=np.empty(0),
            volume_from=np.concatenate(([0], np.cumsum(counts))),
            volumes=np.array(limits, dtype=np.float64).reshape(-1, 4),
            circles=np.array(circles, dtype=np.float64).reshape(-1, 3),
            ring_from=np.concatenate(([0], np.cumsum(rings_of))).astype(np.int64),
            vertex_from=np.concatenate(([0], np.cumsum([len(ring) for ring in rings]))).astype(np.int64),
            vertices=np.vstack([np.empty((0, 2)), *rings]),
        )
    )


def star(
    middle: tuple[float, float], reach_m: npt.ArrayLike, corners: int, turn: float = 0.0
) -> npt.NDArray[np.float64]:
    """An outline of so many corners about a middle, each as far out as `reach_m` says."""
    angle = turn + 2.0 * np.pi * np.arange(corners) / corners
    return np.asarray(
        middle + np.column_stack((np.cos(angle), np.sin(angle))) * np.broadcast_to(reach_m, corners)[:, None]
    )


def some_fences(rng: np.random.Generator, origin: tuple[float, float], count: int, side_m: float) -> Plans:
    """Fences of all sizes: outlines, some with holes, and circles; some with a window or a band, or of two volumes."""
    volumes: dict[str, Sequence[Volume]] = {}
    for fence in range(count):
        of_one: list[Volume] = []
        for _ in range(1 + (fence % 4 == 3)):
            middle = (float(rng.uniform(-side_m, side_m)), float(rng.uniform(-side_m, side_m)))
            reach, corners = side_m * 10 ** rng.uniform(-1.2, 0.2), int(rng.integers(3, 30))
            limits = list(FOREVER)
            if rng.random() < 0.3:
                limits[:2] = sorted(T0 + rng.uniform(0.0, 300.0, 2))
            if rng.random() < 0.3:
                limits[2:] = sorted(rng.uniform(0.0, 500.0, 2))
            limit = (limits[0], limits[1], limits[2], limits[3])
            if rng.random() < 0.3:
                of_one.append((limit, (*middle, reach)))
                continue
            rings = [star(middle, reach * rng.uniform(0.6, 1.0, corners), corners)]
            if rng.random() < 0.4:
                rings.append(star(middle, reach * 0.2, 5))
            of_one.append((limit, rings))
        volumes[f"f{fence}"] = of_one
    return plans_of(origin, volumes)


def stream(
    rng: np.random.Generator, origin: tuple[float, float], movers: int, reports: int, side_m: float
) -> Positions:
    """Movers that wander about, with reports that come late, twice, at odds, from far away, and after a silence."""
    xy = rng.uniform(-side_m, side_m, (movers, 2))
    clock = np.full(movers, T0)
    mover = rng.integers(0, movers, reports)
    t, place, alt = np.empty(reports), np.empty((reports, 2)), rng.uniform(0.0, 500.0, reports)
    alt[rng.random(reports) < 0.2] = np.nan
    for i, who in enumerate(mover):
        fate = rng.random()
        xy[who] += rng.normal(0.0, side_m * 0.15, 2)
        clock[who] += rng.choice([0.5, 10.0, 90.0], p=[0.3, 0.6, 0.1])
        t[i], place[i] = clock[who], xy[who]
        if fate < 0.1:
            t[i] -= 35.0
        elif fate < 0.2:
            earlier = np.flatnonzero(mover[:i] == who)
            if len(earlier):
                t[i], place[i] = t[earlier[-1]], place[earlier[-1]] + (50.0 if fate < 0.15 else 0.0)
        elif fate < 0.25:
            place[i] = rng.uniform(-20.0 * side_m, 20.0 * side_m, 2)
    lat, lon = LocalPlane(*origin).to_latlon(place)
    return Positions(
        ids=tuple(f"m{k}" for k in range(movers)),
        mover=mover.astype(np.int64),
        t_s=t,
        lat_deg=lat,
        lon_deg=lon,
        alt_m=alt,
        uncertainty_m=rng.uniform(0.0, 30.0, reports),
    )


def at(
    origin: tuple[float, float],
    reports: Sequence[tuple[str, float, float, float]],
    alt_m: float = np.nan,
    datum: Datum = Datum.WGS84,
) -> Positions:
    """Reports as (mover, seconds after T0, metres east, metres north)."""
    lat, lon = LocalPlane(*origin).to_latlon([report[2:] for report in reports])
    ids = tuple(dict.fromkeys(report[0] for report in reports))
    n = len(reports)
    return Positions(
        ids=ids,
        mover=np.array([ids.index(report[0]) for report in reports]),
        t_s=np.array([T0 + report[1] for report in reports]),
        lat_deg=lat,
        lon_deg=lon,
        alt_m=np.full(n, alt_m),
        uncertainty_m=np.zeros(n),
        datum=datum,
    )


def part_of(positions: Positions, rows: slice) -> Positions:
    """Some of the positions, in their order."""
    columns = ("mover", "t_s", "lat_deg", "lon_deg", "alt_m", "uncertainty_m")
    return Positions(
        ids=positions.ids, datum=positions.datum, **{name: getattr(positions, name)[rows] for name in columns}
    )


class Setting:
    """Makes a watch on the compiled kernels, or on their twins."""

    def __init__(self, twin: bool) -> None:
        self.twin = twin

    def fences(
        self, plans: object = None, *, dwell_s: float = np.inf, max_gap_s: float = 60.0, between_reports: bool = False
    ) -> Fences:
        if not self.twin:
            return Fences(plans, dwell_s=dwell_s, max_gap_s=max_gap_s, between_reports=between_reports)
        with patch.object(fences_file, "LIBRARY", None):
            return Fences(plans, dwell_s=dwell_s, max_gap_s=max_gap_s, between_reports=between_reports)

    def proximity(
        self, radius_m: float, *, vertical_m: float = np.inf, max_age_s: float = 60.0, hysteresis: float = 0.1
    ) -> Proximity:
        if not self.twin:
            return Proximity(radius_m, vertical_m=vertical_m, max_age_s=max_age_s, hysteresis=hysteresis)
        with patch.object(proximity_file, "LIBRARY", None):
            return Proximity(radius_m, vertical_m=vertical_m, max_age_s=max_age_s, hysteresis=hysteresis)

    def feed(self, watch: Watch, positions: Positions) -> LiveFindings:
        if not self.twin:
            return watch.feed(positions)
        with patch.object(intake_file, "LIBRARY", None):
            return watch.feed(positions)

    def watch(self, **what: Fences | Proximity) -> Watch:
        return Watch(intake=Intake(max_gap_s=60.0), **what)  # type: ignore[arg-type]


def same(one: LiveFindings, other: LiveFindings, *, within_m: float = 0.01) -> None:
    """Asserts that two say the same: what, of whom, when; figures and places to a centimetre."""
    assert [tuple(row) for row in zip(one.kind, one.subject, one.other, one.flags, strict=True)] == [
        tuple(row) for row in zip(other.kind, other.subject, other.other, other.flags, strict=True)
    ]
    np.testing.assert_allclose(one.t_s, other.t_s, rtol=0.0, atol=1e-4 * (within_m > 0.0))
    np.testing.assert_allclose(one.margin_m, other.margin_m, rtol=3e-6, atol=within_m)
    np.testing.assert_allclose(one.value, other.value, rtol=3e-6, atol=within_m)
    np.testing.assert_allclose(one.lat_deg, other.lat_deg, atol=1e-7)

"""A mover in or near an area, and places in one: kernels, their twins, the old way on values, and geodesic truth."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from types import ModuleType

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.geometry import areas, areas_twin, kernels
from keepclear.geometry.earth import FloatArray, points_in_space
from keepclear.geometry.pack import Packed, pack, trajectory_legs
from keepclear.geometry.passage import Outline, passages
from keepclear.model.places import LatLon
from keepclear.model.plans import Trajectory, Waypoint
from keepclear.model.times import Window
from keepclear.model.volumes import AltitudeBand, Area, Circle, Polygon
from tests.geometry.drawn import (
    DESERT,
    PLACES,
    Drawn,
    Place,
    along,
    at,
    distances_from,
    leg_of,
    of_rings,
    packed_of,
    plans_of,
    rough_ring,
    true_depths,
)

pytestmark = pytest.mark.kernels

ENGINES = pytest.mark.parametrize("engine", [areas, areas_twin], ids=["kernels", "twin"])
SQUARE = ((-4_000.0, -4_000.0), (4_000.0, -4_000.0), (4_000.0, 4_000.0), (-4_000.0, 4_000.0))
HOLE = ((-1_000.0, -1_000.0), (1_000.0, -1_000.0), (1_000.0, 1_000.0), (-1_000.0, 1_000.0))
NOTCHED = ((-4_000.0, -4_000.0), (4_000.0, -4_000.0), (4_000.0, 4_000.0), (0.0, -2_000.0), (-4_000.0, 4_000.0))

places = st.sampled_from(PLACES)
seeds = st.integers(0, 2**32 - 1)
sizes = st.sampled_from([100.0, 5_000.0, 300_000.0])
reaches = st.sampled_from([0.0, 0.5, 300.0, 10_000.0])
steps = st.sampled_from([0.0, 3.0, 400.0, 8_000.0, 19_900.0])


def area_of(random: np.random.Generator, size: float) -> Drawn:
    """A circle, a rough outline, or one with a hole in its middle."""
    kind = random.integers(4)
    if kind == 0:
        return size
    rings = [rough_ring(random, size, int(random.integers(3, 12)))]
    return rings if kind < 3 else [*rings, rough_ring(random, 0.2 * size, int(random.integers(3, 7)))]


def way_by(random: np.random.Generator, size: float, reach: float, step: float) -> FloatArray:
    """The ends of a leg of some length that begins in or about an area: metres east and north."""
    bearing, onward = random.uniform(0.0, 2.0 * np.pi, 2)
    away = size * random.uniform(0.0, 1.1) + reach * random.uniform(-1.1, 1.1)
    start = away * np.array([np.sin(bearing), np.cos(bearing)])
    return np.vstack((start, start + step * np.array([np.sin(onward), np.cos(onward)])))


def stays(
    engine: ModuleType,
    leg: FloatArray,
    packed: Packed,
    across: float,
    height: float = math.inf,
    early: float = 0.0,
    late: float = 0.0,
) -> npt.NDArray[np.void]:
    found: npt.NDArray[np.void] = engine.leg_in_volume(leg, early, late, packed, 0, across, height)
    return found


def spans(found: npt.NDArray[np.void]) -> list[tuple[float, float]]:
    return list(zip(found["t0_s"].tolist(), found["t1_s"].tolist(), strict=True))


# ── against the twin, the truth and the old way ──────────────────────────────────────────────────────────────────────


@given(places, seeds, sizes, reaches, steps, st.sampled_from([0.0, 300.0, math.inf]), st.booleans())
def test_a_leg_agrees_with_the_twin(
    place: Place, seed: int, size: float, reach: float, step: float, height: float, vague: bool
) -> None:
    random = np.random.default_rng(seed)
    packed = packed_of(area_of(random, size), place=place)
    heights = (float(random.uniform(-500, 1_500)), float(random.uniform(-500, 1_500)))
    leg = leg_of(way_by(random, size, reach, step), place, height_m=heights)
    slack = (30.0, 70.0) if vague else (0.0, 0.0)
    one, other = (stays(engine, leg, packed, reach, height, *slack) for engine in (areas, areas_twin))
    # A stay of next to nothing may be there for one and not for the other.
    one, other = (each[each["t1_s"] - each["t0_s"] > 0.011 * 100.0 / max(step, 0.01)] for each in (one, other))
    if step > 0.05:
        assert len(one) == len(other)
        a_centimetre = 0.01 * 100.0 / step + 1e-9
        for name in ("t0_s", "t1_s"):
            assert np.abs(one[name] - other[name]).max(initial=0.0) < a_centimetre
    for mine, theirs in zip(one, other, strict=False):
        assert mine["horizontal_m"] == pytest.approx(theirs["horizontal_m"], abs=0.01)
        assert mine["vertical_m"] == pytest.approx(theirs["vertical_m"], abs=max(0.01, 0.2 / max(step, 1.0)))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("size", [100.0, 5_000.0, 300_000.0])
@ENGINES
def test_a_leg_agrees_with_geodesics(engine: ModuleType, place: Place, size: float) -> None:
    random = np.random.default_rng(int(size))
    met = 0
    for reach in (0.0, 300.0, 10_000.0):
        rings = [at(rough_ring(random, size, 7), place), at(rough_ring(random, 0.2 * size, 4), place)]
        packed = pack(of_rings([rings]))
        path = at(way_by(random, size, reach, 19_900.0), place)
        leg = np.column_stack(((0.0, 100.0), points_in_space(*path.T), (0.0, 0.0), (1e3, 1e3)))
        found = stays(engine, leg, packed, reach)
        t = np.linspace(0.0, 100.0, 60)
        depths = true_depths(rings, along(path[0], path[1], t / 100.0))
        for when, depth in zip(t.tolist(), depths.tolist(), strict=True):
            inside = any(begin <= when <= end for begin, end in spans(found))
            if abs(depth - reach) > 0.01:
                assert inside == (depth < reach)
        for one in found:
            met += 1
            there = along(path[:1], path[1:], np.array([one["nearest_s"] / 100.0]))
            true = max(0.0, float(true_depths(rings, there)[0]))
            assert one["horizontal_m"] == pytest.approx(true, abs=0.01)
            assert np.abs(one["place"] - points_in_space(*there.T)[0]).max() < 0.05
            within = (t >= one["t0_s"]) & (t <= one["t1_s"])
            assert one["horizontal_m"] <= max(0.0, float(depths[within].min(initial=np.inf))) + 0.01
    assert met or size > 1e5


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("radius", [100.0, 5_000.0, 300_000.0, 500_000.0])
@ENGINES
def test_a_circle_agrees_with_geodesics(engine: ModuleType, place: Place, radius: float) -> None:
    packed = packed_of(radius, place=place)
    for reach, offset in ((0.0, -50.0), (10_000.0, 9_000.0), (300.0, 299.9)):
        # The leg runs nearly along the rim: the hardest to place.
        path = at([(-9_000.0, radius + offset), (9_000.0, radius + offset + 20.0)], place)
        leg = np.column_stack(((0.0, 100.0), points_in_space(*path.T), (0.0, 0.0), (1e3, 1e3)))
        found = stays(engine, leg, packed, reach)
        t = np.linspace(0.0, 100.0, 2_001)
        on = along(path[0], path[1], t / 100.0)
        depths = distances_from(place, on) - radius
        inside = np.array([any(begin <= when <= end for begin, end in spans(found)) for when in t.tolist()])
        clear = np.abs(depths - reach) > 0.01
        assert (inside == (depths < reach))[clear].all()
        if len(found):
            assert found["horizontal_m"][0] == pytest.approx(max(0.0, float(depths.min())), abs=0.01)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("reach", [100_000.0, 500_000.0])
@pytest.mark.parametrize("size", [5_000.0, 300_000.0])
def test_a_wide_reach_is_right_to_a_millionth(place: Place, reach: float, size: float) -> None:
    ring = at(rough_ring(np.random.default_rng(2), size, 7), place)
    out = 0.6 * size + reach
    path = at([(0.5 * out, 0.8 * out), (0.5 * out - 12_000.0, 0.8 * out - 15_000.0)], place)
    leg = np.column_stack(((0.0, 100.0), points_in_space(*path.T), (0.0, 0.0), (1e3, 1e3)))
    packed = pack(of_rings([[ring]]))
    depths = true_depths([ring], path)
    asked = float(depths.mean())
    assert depths[1] < asked < depths[0]
    (found,) = stays(areas, leg, packed, asked)
    enters = true_depths([ring], along(path[0], path[1], np.array([found["t0_s"] / 100.0])))
    assert enters[0] == pytest.approx(asked, rel=1e-6)
    assert found["horizontal_m"] == pytest.approx(depths[1], rel=1e-6)


START = datetime(2017, 9, 8, 7, tzinfo=UTC)


@given(
    places,
    seeds,
    st.sampled_from([0.0, 2.0, 300.0, 2_000.0]),
    st.sampled_from([0.0, 200.0, math.inf]),
    st.sampled_from([(0.0, 0.0), (15.0, 40.0), (500.0, 0.0)]),
)
def test_a_leg_agrees_with_values(
    place: Place, seed: int, across: float, height: float, slack: tuple[float, float]
) -> None:
    random = np.random.default_rng(seed)
    ring = at(rough_ring(random, 3_000.0, 7), place)
    area: Area = Polygon(vertices=tuple(LatLon(lat_deg=lat, lon_deg=lon) for lat, lon in ring.tolist()))
    rings = [[ring]]
    circles = None
    if seed % 3 == 0:
        area = Circle(centre=LatLon(lat_deg=place[0], lon_deg=place[1]), radius_m=3_000.0)
        rings, circles = [[]], np.array([(*place, 3_000.0)])
    window = (20.0, 70.0) if seed % 2 else (-1e4, 1e4)
    zero = START.timestamp()
    packed = pack(of_rings(rings, circles, (zero + window[0], zero + window[1], 100.0, 600.0)))
    ends = at(way_by(random, 3_000.0, across, float(random.uniform(100.0, 9_000.0))), place)
    heights = random.uniform(-500, 1_500, 2).round(1).tolist()
    way = Trajectory(
        waypoints=tuple(
            Waypoint(at=START + timedelta(seconds=100 * k), lat_deg=lat, lon_deg=lon, alt_wgs84_m=heights[k])
            for k, (lat, lon) in enumerate(ends.tolist())
        ),
        buffer_m=0.0,
    )
    depth = areas_twin.DEPTH_M
    expected = passages(
        trajectory_legs(way, AltitudeBand(lower_wgs84_m=0.0, upper_wgs84_m=1.0)),
        Outline.of(area),
        AltitudeBand(lower_wgs84_m=100.0, upper_wgs84_m=600.0),
        Window(starts_at=START + timedelta(seconds=window[0]), ends_at=START + timedelta(seconds=window[1])),
        reach_m=across - depth,
        vertical_m=height - depth,
        early_s=slack[0],
        late_s=slack[1],
    )
    leg = np.column_stack(((zero, zero + 100.0), points_in_space(*ends.T), heights, heights))
    found = stays(areas, leg, packed, across, height, *slack)
    a_little = 0.05 * 100.0 / float(np.linalg.norm(leg[1, 1:4] - leg[0, 1:4])) + 1e-6
    mine = [span for span in spans(found) if span[1] - span[0] > a_little]
    theirs = [(each.t0_s, each.t1_s) for each in expected if each.t1_s - each.t0_s > a_little]
    assert len(mine) == len(theirs)
    assert np.abs(np.subtract(mine, theirs)).max(initial=0.0) < a_little


# ── what counts as within ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("place", PLACES)
@ENGINES
def test_a_hole_is_outside(engine: ModuleType, place: Place) -> None:
    packed = packed_of([SQUARE, HOLE], place=place)
    leg = leg_of([(-8_000.0, 0.0), (8_000.0, 0.0)], place, t_s=(0.0, 1_600.0))
    found = stays(engine, leg, packed, 0.0)
    assert np.array(spans(found)) == pytest.approx(np.array([(400.0, 700.0), (900.0, 1_200.0)]), abs=0.1)
    assert found["horizontal_m"].tolist() == [0.0, 0.0]
    assert found["nearest_s"] == pytest.approx(found["t0_s"])
    assert len(stays(engine, leg, packed, 900.0)) == 2
    assert len(stays(engine, leg, packed, 1_001.0)) == 1
    in_hole = leg_of([(-500.0, 100.0), (500.0, 100.0)], place)
    assert len(stays(engine, in_hole, packed, 0.0)) == 0
    assert stays(engine, in_hole, packed, 600.0)["horizontal_m"] == pytest.approx([500.0, 500.0], abs=0.1)


@pytest.mark.parametrize("place", PLACES)
@ENGINES
def test_a_notch_is_outside(engine: ModuleType, place: Place) -> None:
    packed = packed_of([NOTCHED], place=place)
    leg = leg_of([(-6_000.0, 1_000.0), (6_000.0, 1_000.0)], place, t_s=(0.0, 1_200.0))
    found = stays(engine, leg, packed, 0.0)
    assert np.array(spans(found)) == pytest.approx(np.array([(200.0, 400.0), (800.0, 1_000.0)]), abs=0.1)


@pytest.mark.parametrize(("off", "expected"), [(-0.0005, 0), (0.0, 0), (0.0005, 0), (0.0025, 1)])
@pytest.mark.parametrize("place", PLACES)
@ENGINES
def test_along_an_edge_is_not_within(engine: ModuleType, place: Place, off: float, expected: int) -> None:
    # The edge and the leg are the same geodesic, but for `off` metres.
    ring = at([(-3_000.0, 0.0), (3_000.0, 0.0), (3_000.0, 3_000.0), (-3_000.0, 3_000.0)], place)
    packed = pack(of_rings([[ring]]))
    leg = leg_of([(-2_000.0, off), (2_500.0, off)], place)
    assert len(stays(engine, leg, packed, 0.0)) == expected
    assert len(stays(engine, leg, packed, 1.0)) == 1


@pytest.mark.parametrize(("off", "expected"), [(0.0, 0), (0.001, 0), (0.003, 1), (1.0, 1)])
@pytest.mark.parametrize("place", PLACES)
@ENGINES
def test_to_touch_is_not_to_be_within(engine: ModuleType, place: Place, off: float, expected: int) -> None:
    """Passing at 300 m from a corner, the reach that is asked for, or so much nearer."""
    packed = packed_of([((0.0, 0.0), (-3_000.0, 4_000.0), (3_000.0, 4_000.0))], 500.0, place=place)
    leg = leg_of([(-700.0, off - 300.0), (700.0, off - 300.0)], place)
    assert len(stays(engine, leg, packed, 300.0)) == expected
    by_circle = leg_of([(-700.0, off - 800.0), (700.0, off - 800.0)], place)
    assert len(engine.leg_in_volume(by_circle, 0.0, 0.0, packed, 1, 300.0, math.inf)) == expected


@ENGINES
def test_one_that_stands(engine: ModuleType) -> None:
    packed = packed_of([SQUARE, HOLE], 500.0)
    for x, across, expected in (
        (2_000.0, 0.0, [(100.0, 200.0, 0.0)]),
        (0.0, 0.0, []),
        (0.0, 1_500.0, [(100.0, 200.0, 1_000.0)]),
        (4_700.0, 600.0, []),
        (4_700.0, 800.0, [(100.0, 200.0, 700.0)]),
    ):
        found = stays(engine, leg_of([(x, 10.0), (x, 10.0)]), packed, across)
        assert [(one["t0_s"], one["t1_s"]) for one in found] == [each[:2] for each in expected]
        assert found["horizontal_m"] == pytest.approx([each[2] for each in expected], abs=11.0)
    inside = leg_of([(499.0, 0.0), (499.0, 0.0)])
    assert len(engine.leg_in_volume(inside, 0.0, 0.0, packed, 1, 0.0, math.inf)) == 1
    assert len(engine.leg_in_volume(leg_of([(501.0, 0.0)] * 2), 0.0, 0.0, packed, 1, 0.0, math.inf)) == 0


@pytest.mark.parametrize(
    ("heights", "height", "expected"),
    [
        ((1_000.0, 1_000.0), 0.0, []),  # on the upper edge
        ((999.998, 999.998), 0.0, [(100.0, 200.0)]),
        ((1_300.0, 1_300.0), 300.0, []),
        ((1_299.0, 1_299.0), 300.0, [(100.0, 200.0)]),
        ((1_100.0, 1_100.0), math.inf, [(100.0, 200.0)]),
        ((500.0, 1_500.0), 0.0, [(100.0, 150.0)]),
        ((1_500.0, -500.0), 0.0, [(125.0, 175.0)]),
        ((-700.0, -400.0), 0.0, []),
    ],
)
@ENGINES
def test_heights(
    engine: ModuleType, heights: tuple[float, float], height: float, expected: list[tuple[float, float]]
) -> None:
    packed = packed_of([SQUARE])
    leg = leg_of([(-1_000.0, 0.0), (1_000.0, 0.0)], height_m=heights)
    assert np.array(spans(stays(engine, leg, packed, 0.0, height))) == pytest.approx(np.array(expected), abs=1e-3)


@ENGINES
def test_the_gap_in_height_is_that_where_nearest(engine: ModuleType) -> None:
    packed = packed_of([SQUARE])
    leg = leg_of([(-9_000.0, 0.0), (1_000.0, 0.0)], height_m=(2_200.0, 1_200.0))
    (found,) = stays(engine, leg, packed, 3_000.0, 2_000.0)
    assert (found["t0_s"], found["nearest_s"]) == pytest.approx((120.0, 150.0), abs=1e-3)
    assert found["vertical_m"] == pytest.approx(700.0, abs=0.01)


@pytest.mark.parametrize(
    ("window", "slack", "expected"),
    [
        ((0.0, 1_000.0), (0.0, 0.0), [(120.0, 180.0)]),
        ((140.0, 150.0), (0.0, 0.0), [(140.0, 150.0)]),
        ((180.0, 300.0), (0.0, 0.0), []),
        ((0.0, 120.0), (0.0, 0.0), []),  # the window is over as the mover arrives
        ((180.0, 300.0), (0.0, 15.0), [(180.0, 195.0)]),
        ((0.0, 120.0), (15.0, 0.0), [(105.0, 120.0)]),
        ((0.0, 1_000.0), (15.0, 25.0), [(105.0, 205.0)]),
        ((300.0, 400.0), (50.0, 100.0), []),
    ],
)
@ENGINES
def test_windows(
    engine: ModuleType,
    window: tuple[float, float],
    slack: tuple[float, float],
    expected: list[tuple[float, float]],
) -> None:
    square = [(-3_000.0, -3_000.0), (3_000.0, -3_000.0), (3_000.0, 3_000.0), (-3_000.0, 3_000.0)]
    packed = pack(plans_of([square], limits=(*window, 0.0, 1_000.0)))
    leg = leg_of([(-5_000.0, 0.0), (5_000.0, 0.0)])
    assert np.array(spans(stays(engine, leg, packed, 0.0, 0.0, *slack))) == pytest.approx(np.array(expected), abs=0.01)


@pytest.mark.parametrize("place", PLACES)
@ENGINES
def test_what_is_beyond_the_ball_is_passed_over_and_nothing_else(engine: ModuleType, place: Place) -> None:
    # The far corner of a thin triangle: all of the ball but this is empty.
    packed = packed_of([((0.0, 0.0), (200_000.0, -50.0), (200_000.0, 50.0))], place=place)
    for away, expected in ((999.9, 1), (1_000.1, 0), (5_000.0, 0)):
        leg = np.tile(points_in_space(*at([(-away, 0.0)], place).T), (2, 1))
        both = np.column_stack(((0.0, 1.0), leg, (1.0, 1.0), (1.0, 1.0)))
        assert len(stays(engine, both, packed, 1_000.0)) == expected


@pytest.mark.parametrize("spikes", [20, 100, 400])
@ENGINES
def test_a_comb_is_entered_often(engine: ModuleType, spikes: int) -> None:
    x = np.linspace(-4_000.0, 4_000.0, 2 * spikes + 1)
    teeth = np.column_stack((x, np.where(np.arange(len(x)) % 2, 2_000.0, 0.0)))
    packed = packed_of([np.vstack((teeth, [(4_000.0, -500.0), (-4_000.0, -500.0)]))])
    found = stays(engine, leg_of([(-5_000.0, 1_000.0), (5_000.0, 1_000.0)]), packed, 0.0)
    assert len(found) == spikes
    assert (found["t0_s"][1:] > found["t1_s"][:-1]).all()
    assert found["t1_s"] - found["t0_s"] == pytest.approx(np.full(spikes, 100.0 * 0.4 / spikes), rel=0.02)
    assert len(stays(engine, leg_of([(-5_000.0, 1_000.0), (5_000.0, 1_000.0)]), packed, 500.0)) == 1


# ── places ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("size", [100.0, 5_000.0, 300_000.0])
@ENGINES
def test_depths_agree_with_geodesics(engine: ModuleType, place: Place, size: float) -> None:
    random = np.random.default_rng(7)
    rings = [at(rough_ring(random, size, 9), place), at(rough_ring(random, 0.2 * size, 4), place)]
    points = at(random.normal(0.0, 0.7 * size, (40, 2)), place)
    depths = engine.depths_m(pack(of_rings([rings])), 0, points_in_space(*points.T))
    true = true_depths(rings, points)
    assert (np.sign(depths) == np.sign(true)).all()
    assert {-1.0, 1.0} == set(np.sign(true).tolist())
    near = np.abs(true) < 100_000.0
    assert depths[near] == pytest.approx(true[near], abs=0.01)
    assert depths == pytest.approx(true, rel=1e-6, abs=0.01)


@ENGINES
def test_far_places_are_at_least_as_far_as_told(engine: ModuleType) -> None:
    packed = packed_of([SQUARE], 3_000.0)
    points = points_in_space(np.array([-35.1, 35.1, 60.0]), np.array([-139.6, 70.0, 40.4]))
    true = distances_from(DESERT, np.array([(-35.1, -139.6), (35.1, 70.0), (60.0, 40.4)]))
    told = engine.depths_m(packed, 0, points)
    assert ((told > 1e6) & (told < true)).all()
    assert engine.depths_m(packed, 1, points)[1:] == pytest.approx(true[1:] - 3_000.0, abs=0.01)


@ENGINES
def test_an_area_round_the_pole(engine: ModuleType) -> None:
    ring = [(85.0, lon) for lon in (-150.0, -90.0, -30.0, 30.0, 90.0, 150.0)]
    packed = pack(of_rings([[ring]]))
    inside = engine.depths_m(packed, 0, points_in_space(np.array([90.0, 88.0, 84.0]), np.array([0.0, 179.0, -90.0])))
    assert (inside < 0.0).tolist() == [True, True, False]
    over = leg_of([(-9_000.0, 0.0), (9_000.0, 0.0)], (90.0, 0.0))
    assert spans(stays(engine, over, packed, 0.0)) == [(100.0, 200.0)]


# ── the same seen otherwise ──────────────────────────────────────────────────────────────────────────────────────────


@given(seeds, reaches, st.floats(-180.0, 180.0), st.sampled_from(["turn", "mirror", "south", "reverse", "shift"]))
def test_it_does_not_matter_how_it_is_seen(seed: int, reach: float, by: float, how: str) -> None:
    random = np.random.default_rng(seed)
    rings = [at(rough_ring(random, 5_000.0, 9), DESERT), at(rough_ring(random, 1_000.0, 5), DESERT)]
    path = at(way_by(random, 5_000.0, reach, 15_000.0), DESERT)

    def seen(points: FloatArray) -> FloatArray:
        lat, lon = points.T
        if how == "turn":
            return np.column_stack((lat, (lon + by + 180.0) % 360.0 - 180.0))
        if how == "mirror":
            return np.column_stack((lat, -lon))
        return np.column_stack((-lat, lon)) if how == "south" else points

    def found(see: bool) -> npt.NDArray[np.void]:
        drawn = [seen(ring) for ring in rings] if see else rings
        if see and how == "reverse":
            drawn = [ring[::-1] for ring in drawn]
        if see and how == "shift":
            drawn = [np.roll(ring, 3, axis=0) for ring in drawn]
        ends = seen(path) if see else path
        leg = np.column_stack(((0.0, 100.0), points_in_space(*ends.T), (0.0, 0.0), (1e3, 1e3)))
        return stays(areas, leg, pack(of_rings([drawn])), reach)

    one, other = (each[each["t1_s"] - each["t0_s"] > 1e-4] for each in (found(False), found(True)))
    assert len(one) == len(other)
    for name in ("t0_s", "t1_s"):
        assert np.abs(one[name] - other[name]).max(initial=0.0) < 1e-5
    assert np.abs(one["horizontal_m"] - other["horizontal_m"]).max(initial=0.0) < 1e-5


@given(places, seeds, sizes, reaches, st.floats(0.05, 0.95))
def test_two_halves_of_a_leg_find_what_the_whole_finds(
    place: Place, seed: int, size: float, reach: float, share: float
) -> None:
    random = np.random.default_rng(seed)
    packed = packed_of(area_of(random, size), place=place)
    path = at(way_by(random, size, reach, 18_000.0), place)
    cut = along(path[:1], path[1:], np.array([share]))
    t = np.array([0.0, 100.0 * share, 100.0])
    nodes = np.column_stack((t, points_in_space(*np.vstack((path[:1], cut, path[1:])).T), np.zeros(3), np.full(3, 1e3)))
    whole = stays(areas, nodes[[0, 2]], packed, reach)
    halves = np.concatenate([stays(areas, nodes[k : k + 2], packed, reach) for k in (0, 1)])
    assert (whole["t1_s"] - whole["t0_s"]).sum() == pytest.approx((halves["t1_s"] - halves["t0_s"]).sum(), abs=2e-4)
    assert whole["horizontal_m"].min(initial=1e9) == pytest.approx(halves["horizontal_m"].min(initial=1e9), abs=0.01)


@pytest.mark.skipif(kernels.LIBRARY is None, reason="no compiled kernels here")
def test_where_nothing_is_compiled_the_twin_serves(monkeypatch: pytest.MonkeyPatch) -> None:
    packed = packed_of([SQUARE, HOLE])
    leg = leg_of([(-8_000.0, 0.0), (8_000.0, 0.0)])
    points = points_in_space(*at([(0.0, 0.0), (3_000.0, 0.0)], DESERT).T)

    def asked() -> tuple[npt.NDArray[np.void], FloatArray, npt.NDArray[np.void]]:
        same = areas.volumes_meet(packed, 0, packed, 0, 0.0, 0.0)
        return stays(areas, leg, packed, 0.0), areas.depths_m(packed, 0, points), same

    compiled = asked()
    monkeypatch.setattr(kernels, "LIBRARY", None)
    slow = asked()
    assert slow[0]["t0_s"] == pytest.approx(compiled[0]["t0_s"], abs=1e-3)
    assert slow[1] == pytest.approx(compiled[1], abs=0.01)
    assert len(slow[2]) == len(compiled[2]) == 1

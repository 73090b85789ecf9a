"""Plan against plan: where breaches lie, what is left alone, and a slow twin that samples."""

from __future__ import annotations

import math
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.conflict.detect import Breach, Reason, conflicts
from keepclear.conflict.separation import Minimum
from keepclear.geometry.earth import bearing_deg, destination, distance_m
from keepclear.model.basis import Basis, BasisKind
from keepclear.model.plans import Plan, Trajectory, Waypoint
from keepclear.model.volumes import Area
from tests.conflict.plans import (
    DATELINE,
    DESERT,
    PLACES,
    START,
    Stop,
    circle,
    moment,
    plan,
    square,
    volume,
    way,
)

CYLINDER = Minimum(1_000.0, 300.0)


def seconds(at: datetime) -> float:
    return (at - START).total_seconds()


# ── the slow twin ────────────────────────────────────────────────────────────────────────────────────────────────────


def place_at(path: Trajectory, t: float) -> tuple[float, float, float | None] | None:
    """Where a plan has its mover at `t`: by bearing and distance from the way-point before."""
    for before, after in zip(path.waypoints, path.waypoints[1:], strict=False):
        t0, t1 = seconds(before.at), seconds(after.at)
        if t0 <= t <= t1:
            share = (t - t0) / (t1 - t0)
            ends = before.lat_deg, before.lon_deg, after.lat_deg, after.lon_deg
            lat, lon = destination(before.lat_deg, before.lon_deg, bearing_deg(*ends), distance_m(*ends) * share)
            if before.alt_wgs84_m is None or after.alt_wgs84_m is None:
                return lat, lon, None
            return lat, lon, before.alt_wgs84_m + (after.alt_wgs84_m - before.alt_wgs84_m) * share
    return None


def separation(a: Plan, b: Plan, t_a: float, t_b: float) -> tuple[float, float]:
    """Metres apart on the ground, and between the bands (negative where they overlap), by plan at `t_a` and `t_b`."""
    assert a.trajectory is not None
    assert b.trajectory is not None
    one, other = place_at(a.trajectory, t_a), place_at(b.trajectory, t_b)
    if one is None or other is None:
        return math.inf, math.inf
    bands = [
        (whose.band.lower_wgs84_m, whose.band.upper_wgs84_m) if here[2] is None else (here[2], here[2])
        for whose, here in ((a, one), (b, other))
    ]
    gap = max(bands[0][0] - bands[1][1], bands[1][0] - bands[0][1])
    return distance_m(one[0], one[1], other[0], other[1]), gap


def excess(a: Plan, b: Plan, t_a: float, t_b: float, minimum: Minimum) -> float:
    """By how much two movers are too far apart."""
    assert a.trajectory is not None
    assert b.trajectory is not None
    apart, gap = separation(a, b, t_a, t_b)
    buffers = a.trajectory.buffer_m + b.trajectory.buffer_m
    return max(apart - minimum.horizontal_m - buffers, gap - minimum.vertical_m)


def during(breaches: tuple[Breach, ...], t: float) -> bool:
    return any(seconds(breach.starts_at) - 1e-3 <= t <= seconds(breach.ends_at) + 1e-3 for breach in breaches)


def well_inside(breaches: tuple[Breach, ...], t: float) -> bool:
    return any(seconds(breach.starts_at) + 1e-3 < t < seconds(breach.ends_at) - 1e-3 for breach in breaches)


@st.composite
def journeys(draw: st.DrawFn) -> list[Stop]:
    t = draw(st.integers(0, 120))
    stops: list[Stop] = []
    for _ in range(draw(st.integers(2, 4))):
        east, north = draw(st.integers(-6_000, 6_000)), draw(st.integers(-6_000, 6_000))
        height = draw(st.sampled_from([None, 0.0, 200.0, 500.0, 1_200.0]))
        stops.append((float(t), float(east), float(north), height))
        t += draw(st.integers(1, 300))
    return stops


@given(journeys(), journeys(), st.sampled_from(PLACES), st.sampled_from([0.0, 400.0]))
def test_two_movers_agree_with_dense_sampling(
    one: list[Stop], other: list[Stop], place: tuple[float, float], buffer: float
) -> None:
    a, b = plan(way(one, place=place, buffer_m=buffer), heights=(0.0, 300.0)), plan(way(other, place=place))
    breaches = conflicts(a, b, CYLINDER)
    for k in range(141):
        t = k * 7.0 + 0.25
        value = excess(a, b, t, t, CYLINDER)
        if value < -0.011:  # a centimetre, and the millimetre of the rule
            assert during(breaches, t)
        if well_inside(breaches, t):
            assert value < 0.01
    for breach in breaches:
        t = seconds(breach.nearest_at)
        if any(abs(t - stop[0]) < 1e-3 for stop in (*one, *other)):
            continue  # where a height becomes unknown there are two answers
        apart, gap = separation(a, b, t, t)
        assert (breach.horizontal_m, breach.vertical_m) == pytest.approx((apart, max(gap, 0.0)), abs=0.01)


@given(
    journeys(),
    journeys(),
    st.sampled_from(PLACES),
    st.tuples(*[st.sampled_from([0.0, 30.0, 120.0])] * 4),
)
def test_nobody_early_or_late_is_missed(
    one: list[Stop], other: list[Stop], place: tuple[float, float], slack: tuple[float, float, float, float]
) -> None:
    a = plan(way(one, place=place, early_s=slack[0], late_s=slack[1]))
    b = plan(way(other, place=place, early_s=slack[2], late_s=slack[3]))
    breaches = conflicts(a, b, CYLINDER)
    for t in range(-110, 1100, 31):
        for k in range(5):
            for m in range(5):
                t_a = t + slack[0] - (slack[0] + slack[1]) * k / 4
                t_b = t + slack[2] - (slack[2] + slack[3]) * m / 4
                if excess(a, b, t_a, t_b, CYLINDER) < -0.011:
                    assert during(breaches, t)


@given(journeys(), st.sampled_from(PLACES), st.booleans(), st.sampled_from([0.0, 700.0]))
def test_a_mover_and_a_volume_agree_with_dense_sampling(
    stops: list[Stop], place: tuple[float, float], round_: bool, reach: float
) -> None:
    area = circle(1_000, 2_000, 4_000, place) if round_ else square(1_000, 2_000, 4_000, place)
    a = plan(way(stops, place=place, buffer_m=reach), heights=(0.0, 300.0))
    b = plan(volumes=[volume(area, 100.0, 500.0, 250.0, 400.0)])
    breaches = conflicts(a, b, Minimum(0.0, 100.0))
    assert a.trajectory is not None
    for k in range(301):
        t = k * 4.0 + 0.25
        here = place_at(a.trajectory, t)
        if here is None:
            continue
        outside = beyond(here, round_, place)
        lower, upper = (0.0, 300.0) if here[2] is None else (here[2], here[2])
        value = max(outside - reach, lower - 500.0, 150.0 - upper, 100.0 - t, t - 500.0)
        if value < -0.1:
            assert during(breaches, t)
        if well_inside(breaches, t):
            assert value < 0.1


def beyond(here: tuple[float, float, float | None], round_: bool, place: tuple[float, float]) -> float:
    """Metres outside the square or circle of the test above; by bearing and distance from its middle."""
    if round_:
        middle = circle(1_000, 2_000, 4_000, place).centre
        return distance_m(middle.lat_deg, middle.lon_deg, here[0], here[1]) - 4_000.0
    away, toward = distance_m(*place, here[0], here[1]), math.radians(bearing_deg(*place, here[0], here[1]))
    x, y = abs(away * math.sin(toward) - 1_000.0) - 4_000.0, abs(away * math.cos(toward) - 2_000.0) - 4_000.0
    return math.hypot(max(x, 0.0), max(y, 0.0)) if max(x, y) > 0.0 else max(x, y)


# ── two movers ───────────────────────────────────────────────────────────────────────────────────────────────────────


def flight(*stops: Stop, late_s: float = 0.0) -> Plan:
    return plan(way(stops, late_s=late_s))


def test_head_on_has_the_time_place_and_margin_known_by_hand() -> None:
    east, west = (
        flight((0, -10_000, 0, 500), (200, 10_000, 0, 500)),
        flight((0, 10_000, 0, 600), (200, -10_000, 0, 600)),
    )
    (breach,) = conflicts(east, west, CYLINDER)
    assert seconds(breach.starts_at) == pytest.approx(95.0, abs=0.001)
    assert seconds(breach.ends_at) == pytest.approx(105.0, abs=0.001)
    assert seconds(breach.nearest_at) == pytest.approx(100.0, abs=0.001)
    assert breach.horizontal_m == pytest.approx(0.0, abs=0.01)
    assert breach.vertical_m == pytest.approx(100.0)
    assert breach.margin_m == pytest.approx(-200.0, abs=0.01)
    assert distance_m(breach.lat_deg, breach.lon_deg, *DESERT) < 0.01
    assert breach.reason is Reason.WAYS_NEAR
    assert not breach.synthetic


def test_crossing_one_after_the_other_is_no_conflict_until_they_may_be_late() -> None:
    one, other = flight((0, -5_000, 0, 500), (100, 5_000, 0, 500)), flight((120, 0, -5_000, 500), (220, 0, 5_000, 500))
    assert conflicts(one, other, CYLINDER) == ()
    late = flight((0, -5_000, 0, 500), (100, 5_000, 0, 500), late_s=120.0)
    assert len(conflicts(late, other, CYLINDER)) == 1


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("apart", "breached"), [(1_000.0, False), (999.98, True), (1_000.02, False)])
def test_exactly_the_minimum_apart_is_enough(place: tuple[float, float], apart: float, breached: bool) -> None:
    one = plan(way([(0, 0, -200, 500), (100, 0, 200, 500)], place=place))
    other = plan(way([(0, apart, -200, 500), (100, apart, 200, 500)], place=place))
    assert bool(conflicts(one, other, CYLINDER)) is breached


@pytest.mark.parametrize(("gap", "breached"), [(300.0, False), (299.9995, False), (299.998, True), (300.001, False)])
def test_flight_levels_exactly_the_minimum_apart_are_enough(gap: float, breached: bool) -> None:
    one, other = flight((0, 0, 0, 500), (100, 9_000, 0, 500)), flight((0, 0, 0, 500 + gap), (100, 9_000, 0, 500 + gap))
    assert bool(conflicts(one, other, CYLINDER)) is breached


def test_buffers_are_added() -> None:
    one, other = flight((0, 0, 0, 500), (100, 9_000, 0, 500)), flight((0, 0, 1_500, 900), (100, 9_000, 1_500, 900))
    assert conflicts(one, other, CYLINDER) == ()
    wide = plan(way([(0, 0, 0, 500), (100, 9_000, 0, 500)], buffer_m=600.0, vertical_buffer_m=150.0))
    (breach,) = conflicts(wide, other, CYLINDER)
    assert breach.margin_m == pytest.approx(-50.0)


def test_an_unknown_height_fills_the_band_of_its_plan() -> None:
    unknown = way([(0, 0, 0, None), (100, 9_000, 0, None)])
    other = flight((0, 0, 100, 2_000), (100, 9_000, 100, 2_000))
    assert conflicts(plan(unknown, heights=(0.0, 1_600.0)), other, CYLINDER) == ()
    (breach,) = conflicts(plan(unknown, heights=(0.0, 1_800.0)), other, CYLINDER)
    assert breach.vertical_m == pytest.approx(200.0)


def test_a_conflict_is_a_list_of_intervals() -> None:
    straight = flight((0, -20_000, 0, 500), (400, 20_000, 0, 500))
    weaving = flight((0, -20_000, 0, 500), (200, 0, 5_000, 500), (400, 20_000, 0, 500))
    first, second = conflicts(straight, weaving, CYLINDER)
    assert first.ends_at < moment(200.0) < second.starts_at


def test_without_a_minimum_there_is_no_conflict() -> None:
    one = flight((0, 0, 0, 500), (100, 9_000, 0, 500))
    assert conflicts(one, one, None) == ()
    assert conflicts(one, one, Minimum(0.0, 300.0)) == ()
    assert len(conflicts(one, one, Minimum(0.002, 300.0))) == 1


def test_what_was_made_up_says_so() -> None:
    one = flight((0, 0, 0, 500), (100, 9_000, 0, 500))
    story = plan(one.trajectory, basis=Basis(kind=BasisKind.ASSUMED))
    assert conflicts(one, story, CYLINDER)[0].synthetic


@given(journeys(), journeys())
def test_the_order_of_two_plans_does_not_matter(one: list[Stop], other: list[Stop]) -> None:
    a, b = plan(way(one, early_s=10.0)), plan(way(other, late_s=20.0))
    forth, back = conflicts(a, b, CYLINDER), conflicts(b, a, CYLINDER)
    assert [seconds(breach.starts_at) for breach in forth] == pytest.approx(
        [seconds(breach.starts_at) for breach in back], abs=1e-3
    )


def moved(stops: list[Stop], mirrored: bool) -> list[Stop]:
    return [(t, -east if mirrored else east, north, height) for t, east, north, height in stops]


@given(journeys(), journeys(), st.booleans())
def test_the_same_story_mirrored_and_across_the_antimeridian_ends_the_same(
    one: list[Stop], other: list[Stop], mirrored: bool
) -> None:
    here = conflicts(plan(way(one, place=(-18.0, 40.0))), plan(way(other, place=(-18.0, 40.0))), CYLINDER)
    there = conflicts(
        plan(way(moved(one, mirrored), place=DATELINE)), plan(way(moved(other, mirrored), place=DATELINE)), CYLINDER
    )
    # One that only grazes the minimum may be there or not.
    lasting = [[b for b in each if (b.ends_at - b.starts_at).total_seconds() > 1.0] for each in (here, there)]
    assert [breach.horizontal_m for breach in lasting[0]] == pytest.approx(
        [breach.horizontal_m for breach in lasting[1]], abs=0.05
    )


def test_a_long_leg_follows_the_geodesic() -> None:
    """Over 1,000 km a straight line on one plane would be kilometres off; the twin goes by bearing and distance."""
    a = plan(way([(0, -500_000, 0, 9_000), (4_000, 500_000, 0, 9_000)]))
    assert a.trajectory is not None
    here = place_at(a.trajectory, 1_234.0)
    assert here is not None
    lat, lon = destination(here[0], here[1], 0.0, 990.0)
    still = Trajectory(
        waypoints=tuple(Waypoint(at=moment(t), lat_deg=lat, lon_deg=lon, alt_wgs84_m=9_000.0) for t in (1_000, 1_500)),
        buffer_m=0.0,
    )
    (breach,) = conflicts(a, plan(still), CYLINDER)
    assert breach.horizontal_m == pytest.approx(990.0, abs=2.0)


# ── movers and volumes ───────────────────────────────────────────────────────────────────────────────────────────────


def closure(begin: float = 0.0, end: float = 1_000.0, lower: float = 0.0, upper: float = 3_000.0) -> Plan:
    return plan(volumes=[volume(square(0, 0, 5_000), begin, end, lower, upper)])


ENTERING = Minimum(0.0, 0.0)


def test_a_way_through_a_volume() -> None:
    (breach,) = conflicts(flight((0, -10_000, 0, 500), (200, 10_000, 0, 500)), closure(), ENTERING)
    assert seconds(breach.starts_at) == pytest.approx(50.0, abs=0.01)
    assert seconds(breach.ends_at) == pytest.approx(150.0, abs=0.01)
    assert (breach.horizontal_m, breach.vertical_m) == (0.0, 0.0)
    assert breach.reason is Reason.WAY_THROUGH_VOLUME


@pytest.mark.parametrize(
    "passing",
    [
        flight((0, -10_000, 5_100, 500), (200, 10_000, 5_100, 500)),
        flight((0, -10_000, 0, 3_000), (200, 10_000, 0, 3_000)),
        flight((1_000, -10_000, 0, 500), (1_200, 10_000, 0, 500)),
        flight((-200, 0, 0, 500), (0, 10, 0, 500)),
    ],
    ids=["beside it", "just on top of it", "after it", "just before it"],
)
def test_a_way_past_a_volume_is_no_conflict(passing: Plan) -> None:
    assert conflicts(passing, closure(), ENTERING) == ()


def test_a_late_mover_may_still_be_in_when_the_window_opens() -> None:
    passing = flight((0, -10_000, 0, 500), (200, 10_000, 0, 500), late_s=60.0)
    (breach,) = conflicts(passing, closure(begin=180.0), ENTERING)
    assert seconds(breach.starts_at) == pytest.approx(180.0, abs=0.01)
    assert seconds(breach.ends_at) == pytest.approx(210.0, abs=0.01)


# ── volumes ──────────────────────────────────────────────────────────────────────────────────────────────────────────


AREAS: dict[str, tuple[Area, Area, bool]] = {
    "apart": (square(0, 0, 5_000), square(11_000, 0, 5_000), False),
    "side by side": (square(0, 0, 5_000), square(10_000, 0, 5_000), False),
    "overlapping": (square(0, 0, 5_000), square(9_000, 0, 5_000), True),
    "one in the other": (square(0, 0, 5_000), square(100, 0, 50), True),
    "circle in square": (circle(0, 0, 50), square(100, 0, 5_000), True),
    "circle beside square": (circle(10_200, 0, 5_000), square(0, 0, 5_000), False),
    "circle about square": (circle(0, 0, 50_000), square(0, 0, 5_000), True),
    "two circles": (circle(0, 0, 5_000), circle(9_000, 0, 5_000), True),
    "two circles apart": (circle(0, 0, 5_000), circle(10_001, 0, 5_000), False),
    "circle in circle": (circle(0, 0, 5_000), circle(10, 0, 5), True),
}


@pytest.mark.parametrize("name", AREAS)
def test_two_volumes(name: str) -> None:
    one, other, meet = AREAS[name]
    a, b = plan(volumes=[volume(one, 0, 1_000)]), plan(volumes=[volume(other, 600, 2_000)])
    for found in (conflicts(a, b, ENTERING), conflicts(b, a, ENTERING)):
        assert bool(found) is meet
        if found:
            assert [found[0].starts_at, found[0].ends_at] == [moment(600), moment(1_000)]
            assert found[0].reason is Reason.VOLUMES_MEET


def test_volumes_one_after_the_other_or_on_top_of_one_another_do_not_meet() -> None:
    area = square(0, 0, 5_000)
    first = plan(volumes=[volume(area, 0, 1_000, 0, 1_000)])
    assert conflicts(first, plan(volumes=[volume(area, 1_000, 2_000, 0, 1_000)]), ENTERING) == ()
    assert conflicts(first, plan(volumes=[volume(area, 0, 1_000, 1_000, 2_000)]), ENTERING) == ()
    assert len(conflicts(first, plan(volumes=[volume(area, 0, 1_000, 999, 2_000)]), ENTERING)) == 1


def test_volumes_keep_the_minimum_apart() -> None:
    one, other = (
        plan(volumes=[volume(square(0, 0, 5_000), 0, 10)]),
        plan(volumes=[volume(square(11_000, 0, 5_000), 0, 10)]),
    )
    assert conflicts(one, other, Minimum(999.0, 0.0)) == ()
    (breach,) = conflicts(one, other, Minimum(1_100.0, 0.0))
    assert breach.horizontal_m == pytest.approx(1_000.0, abs=1.0)


# ── two ways too long and vague to go through ────────────────────────────────────────────────────────────────────────


def test_of_ways_with_too_many_legs_one_breach_is_told_that_holds_all(monkeypatch: pytest.MonkeyPatch) -> None:
    there: list[Stop] = [(600.0 * k, -40_000.0 if k % 2 else 40_000.0, 2_000.0 * k, 5e3) for k in range(7)]
    here: list[Stop] = [(600.0 * k, 40_000.0 if k % 2 else -40_000.0, 500.0, 5e3) for k in range(7)]
    a, b = (plan(way(stops, late_s=600.0)) for stops in (there, here))
    exact = conflicts(a, b, CYLINDER)
    monkeypatch.setattr("keepclear.conflict.detect.MOST_PAIRS", 3)
    (bound,) = conflicts(a, b, CYLINDER)
    assert exact
    assert bound.starts_at <= exact[0].starts_at
    assert bound.ends_at >= max(each.ends_at for each in exact)
    assert bound.horizontal_m <= min(each.horizontal_m for each in exact)
    assert bound.margin_m <= min(each.margin_m for each in exact)
    apart = plan(way([(t, east, north + 100_000.0, height) for t, east, north, height in here], late_s=600.0))
    assert conflicts(a, apart, CYLINDER) == ()

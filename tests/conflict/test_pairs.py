"""All pairs at once: against pairs one by one, the twin in NumPy, the values of `detect`, and itself turned about.

`test_truth.py` holds the same engine to geodesics.
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import combinations
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as changed

from keepclear.conflict import detect, pairs_twin
from keepclear.conflict.breaches import Breaches
from keepclear.conflict.pairs import conflicts, counted, stays_between, stays_of_pair
from keepclear.conflict.reasons import Reason
from keepclear.conflict.separation import Minimum, minima, minimum
from keepclear.errors import Malformed
from keepclear.geometry import kernels
from keepclear.geometry.columns import DATUMS, Datum, Plans
from keepclear.geometry.pack import along, pack
from keepclear.model.plans import Plan, PlanKind
from tests.conflict.plans import DATELINE, DESERT, PLACES, POLE, Stop, circle, plan, square, volume, way

pytestmark = pytest.mark.kernels
compiled = pytest.mark.skipif(kernels.LIBRARY is None, reason="of the compiled kernels alone")

NARROW = Minimum(500.0, 100.0)
ANYWHERE = Minimum(9_260.0, 300.0)
KINDS = (PlanKind.FLIGHT, PlanKind.FLIGHT, PlanKind.GROUND_MOVEMENT, PlanKind.CLOSURE, PlanKind.OBSERVATION)
seeds = st.integers(0, 2**32 - 1)
places = st.sampled_from(PLACES)


def drawn(seed: int, place: tuple[float, float], n: int = 7, *, mixed: bool = True) -> list[Plan]:
    """Plans within some kilometres and an hour; if mixed some have volumes, slack, room, unknown heights."""
    rng = np.random.default_rng(seed)
    made = []
    for k in range(n):
        points = int(rng.integers(2, 8))
        times = np.sort(rng.choice(3_000, points, replace=False)).astype(float)
        steps = rng.normal(0.0, 2_500.0, (points, 2)).cumsum(axis=0) + rng.normal(0.0, 2_000.0, 2)
        if rng.random() < 0.15:
            steps[:] = steps[0]  # it stands
        heights: list[float | None] = [float(each) * 50.0 for each in rng.integers(0, 12, points)]
        if mixed and rng.random() < 0.2:
            heights[int(rng.integers(points))] = None
        room: dict[str, float] = {}
        if mixed and rng.random() < 0.4:
            room = {"buffer_m": 150.0, "vertical_buffer_m": 20.0}
        if mixed and rng.random() < 0.3:
            room |= {"early_s": float(rng.integers(0, 200)), "late_s": float(rng.integers(1, 400))}
        volumes = []
        if mixed and rng.random() < 0.4:
            begin = float(rng.integers(0, 2_000))
            x, y = rng.normal(0.0, 3_000.0, 2).tolist()
            area = circle(x, y, 700.0, place) if rng.random() < 0.5 else square(x, y, 600.0, place)
            volumes = [volume(area, begin, begin + float(rng.integers(60, 1_500)), 0.0, 150.0)]
        stops = [(t, *xy, h) for t, xy, h in zip(times.tolist(), steps.tolist(), heights, strict=True)]
        trajectory = None if volumes and rng.random() < 0.5 else way(stops, place=place, **room)
        kind = KINDS[int(rng.integers(len(KINDS)))] if mixed else PlanKind.FLIGHT
        made.append(changed(plan(trajectory, volumes, kind=kind, heights=(0.0, 600.0)), id=f"p{k}"))
    return made


def ways(*stops: list[Stop], place: tuple[float, float] = DESERT, **room: float) -> Plans:
    """Flights, by their stops."""
    plans = [changed(plan(way(each, place=place, **room)), id=f"p{k}") for k, each in enumerate(stops)]
    return Plans.of(plans)


def rows(found: Breaches) -> list[tuple[Any, ...]]:
    """What was found, by ids, the pair either way round."""
    names = [
        (*sorted((found.ids[row["a"]], found.other_ids[row["b"]])), int(row["reason"]), row) for row in found.array
    ]
    return sorted(names, key=lambda each: (*each[:3], each[3]["t0_s"]))


def alike(one: Breaches, other: Breaches, later_s: float = 0.0) -> None:
    """The same pairs and breaches to a centimetre, but for those not much deeper than a millimetre."""
    left, right = rows(one), rows(other)
    deep = [{each[:3] for each in side if each[3]["margin_m"] < -0.02} for side in (left, right)]
    every = [{each[:3] for each in side} for side in (left, right)]
    assert deep[0] <= every[1]
    assert deep[1] <= every[0]
    if len(left) == len(right):
        for (*_, a), (*_, b) in zip(left, right, strict=True):
            assert a["horizontal_m"] == pytest.approx(b["horizontal_m"], abs=0.01)
            # In a millisecond nothing goes far, but two that pass just at the minimum are so for long.
            if a["horizontal_m"] < 400.0 and a["vertical_m"] < 90.0 and a["reason"] == 0:
                assert a["t0_s"] + later_s == pytest.approx(b["t0_s"], abs=0.01)


# ── twins ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@compiled
@given(seed=seeds, place=places, slab_s=st.sampled_from([0.0, 3.0, 40.0, 5_000.0]), threads=st.sampled_from([1, 2, 3]))
def test_the_sweep_finds_what_pairs_one_by_one_do(
    seed: int, place: tuple[float, float], slab_s: float, threads: int
) -> None:
    packed, least = pack(Plans.of(drawn(seed, place))), minima()
    found = stays_between(packed, least, threads=threads, slab_s=slab_s)
    single = [stays_of_pair(packed, i, packed, j, least) for i, j in combinations(range(len(packed)), 2)]
    assert found.tobytes() == np.concatenate(single).tobytes()


@compiled
@given(seed=seeds, place=places)
def test_the_twin_in_numpy_finds_the_same(seed: int, place: tuple[float, float]) -> None:
    plans = Plans.of(drawn(seed, place, 4))
    packed, least = pack(plans), minima()
    found = conflicts(plans)
    twin = Breaches(pairs_twin.stays_between(packed, least), plans.ids, plans.ids, np.zeros((0, 2)))
    alike(found, twin)
    for i, j in combinations(range(len(packed)), 2):
        both = found.array[(found.array["a"] == i) & (found.array["b"] == j)]
        alone = pairs_twin.stays_of_pair(packed, i, packed, j, least)
        deep = [each["margin_m"].min(initial=0.0) < -0.02 for each in (both, alone)]
        assert not deep[0] or len(alone)
        assert not deep[1] or len(both)


@given(seed=seeds, place=places)
def test_agrees_with_values(seed: int, place: tuple[float, float]) -> None:
    plans = drawn(seed, place, 5)
    found = {(each.a, each.b): each.breaches for each in conflicts(plans)}
    for one, other in combinations(plans, 2):
        told = found.get((one.id, other.id), ())
        expected = detect.conflicts(one, other, minimum(one.kind, other.kind))
        # A polygon's edges are straight on a plane there and geodesics here; the set may differ by what that makes.
        assert any(each.margin_m < -0.05 for each in told) <= bool(expected)
        assert any(each.margin_m < -0.05 for each in expected) <= bool(told)
        for reason in Reason:
            here = [each.horizontal_m for each in told if each.reason is reason]
            there = [each.horizontal_m for each in expected if each.reason is reason]
            if here and there and reason is Reason.WAYS_NEAR:
                assert min(here) == pytest.approx(min(there), abs=0.01)


# ── the rule of one millimetre ───────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(("gap", "told"), [(100.0, 0), (99.998, 1), (99.9995, 0)])
def test_levels_a_minimum_apart(place: tuple[float, float], gap: float, told: int) -> None:
    one: list[Stop] = [(0.0, -5_000.0, 0.0, 3_000.0), (200.0, 5_000.0, 0.0, 3_000.0)]
    other: list[Stop] = [(0.0, 0.0, -5_000.0, 3_000.0 + gap), (200.0, 0.0, 5_000.0, 3_000.0 + gap)]
    assert len(conflicts(ways(one, other, place=place), NARROW)) == told


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("across", [1.0, 500.0, 10_000.0])
@pytest.mark.parametrize(("nearer", "told"), [(0.0, 0), (-0.012, 0), (0.012, 1)])
def test_side_by_side_at_the_minimum(place: tuple[float, float], across: float, nearer: float, told: int) -> None:
    aside = across - nearer
    one: list[Stop] = [(0.0, -aside / 2, 0.0, 0.0), (60.0, -aside / 2, 1.0, 0.0)]
    other: list[Stop] = [(0.0, aside / 2, 0.0, 0.0), (60.0, aside / 2, 1.0, 0.0)]
    assert len(conflicts(ways(one, other, place=place), Minimum(across, 100.0))) == told


def test_head_on_is_told_with_its_moment_place_and_rule() -> None:
    one: list[Stop] = [(0.0, -20_000.0, 0.0, 100.0), (400.0, 20_000.0, 0.0, 100.0)]
    other: list[Stop] = [(0.0, 20_000.0, 0.0, 130.0), (400.0, -20_000.0, 0.0, 130.0)]
    found = conflicts(ways(one, other, buffer_m=50.0, vertical_buffer_m=5.0), NARROW)
    assert (len(found), found.pairs()) == (1, [("p0", "p1")])
    (breach,) = found[0].breaches
    assert breach.nearest_s - breach.starts_s == pytest.approx(600.0 / 200.0, abs=1e-3)
    assert breach.ends_s - breach.starts_s == pytest.approx(6.0, abs=1e-3)
    assert (breach.horizontal_m, breach.vertical_m) == pytest.approx((0.0, 30.0), abs=1e-3)
    assert (breach.required_horizontal_m, breach.required_vertical_m) == (600.0, 110.0)
    assert breach.depth_m == -breach.margin_m == pytest.approx(80.0)
    assert (breach.lat_deg, breach.lon_deg) == pytest.approx(DESERT, abs=1e-6)
    assert breach.reason is Reason.WAYS_NEAR
    assert breach.heights_comparable
    assert breach.starts_at < breach.nearest_at < breach.ends_at


# ── turned about ─────────────────────────────────────────────────────────────────────────────────────────────────────


def turned(plans: Plans, by_deg: float) -> Plans:
    def about(lon: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return (lon + by_deg + 180.0) % 360.0 - 180.0

    circles, vertices = plans.circles.copy(), plans.vertices.copy()
    circles[:, 1], vertices[:, 1] = about(circles[:, 1]), about(vertices[:, 1])
    return replace(plans, lon_deg=about(plans.lon_deg), circles=circles, vertices=vertices)


def mirrored(plans: Plans) -> Plans:
    sign = np.array([-1.0, 1.0])
    circles = plans.circles * np.array([-1.0, 1.0, 1.0])
    return replace(plans, lat_deg=-plans.lat_deg, circles=circles, vertices=plans.vertices * sign)


def split(plans: Plans) -> Plans:
    """A point in the middle of every leg of which both heights are known."""
    n = len(plans.t_s)
    owner = np.repeat(np.arange(len(plans)), np.diff(plans.point_from))
    first = np.flatnonzero(owner[:-1] == owner[1:])
    first = first[~np.isnan(plans.alt_m[first] + plans.alt_m[first + 1])]
    ends = plans.lat_deg[first], plans.lon_deg[first], plans.lat_deg[first + 1], plans.lon_deg[first + 1]
    lat, lon = along(*ends, np.full(len(first), 0.5))
    order = np.argsort(np.concatenate((np.arange(n), first + 0.5)), kind="stable")
    middle = {
        "t_s": 0.5 * (plans.t_s[first] + plans.t_s[first + 1]),
        "lat_deg": lat,
        "lon_deg": lon,
        "alt_m": 0.5 * (plans.alt_m[first] + plans.alt_m[first + 1]),
    }
    columns: dict[str, Any] = {
        name: np.concatenate((getattr(plans, name), fresh))[order] for name, fresh in middle.items()
    }
    counts = np.diff(plans.point_from) + np.bincount(owner[first], minlength=len(plans))
    return replace(plans, point_from=np.concatenate(([0], np.cumsum(counts))), **columns)


@given(seed=seeds, place=places, by_deg=st.sampled_from([360.0, 90.0, 139.6, -0.37]))
def test_turning_the_earth_changes_nothing(seed: int, place: tuple[float, float], by_deg: float) -> None:
    plans = Plans.of(drawn(seed, place))
    alike(conflicts(plans), conflicts(turned(plans, by_deg)))


@given(seed=seeds, place=places)
def test_mirroring_changes_nothing(seed: int, place: tuple[float, float]) -> None:
    plans = Plans.of(drawn(seed, place))
    alike(conflicts(plans), conflicts(mirrored(plans)))


@given(seed=seeds, place=places)
def test_a_shift_in_time_changes_nothing_else(seed: int, place: tuple[float, float]) -> None:
    plans = Plans.of(drawn(seed, place))
    later = 86_400.0 * 365.0 + 0.25
    volumes = plans.volumes + np.array([later, later, 0.0, 0.0])
    alike(conflicts(plans), conflicts(replace(plans, t_s=plans.t_s + later, volumes=volumes)), later)


@given(seed=seeds, place=places)
def test_splitting_legs_changes_nothing(seed: int, place: tuple[float, float]) -> None:
    plans = Plans.of(drawn(seed, place))
    alike(conflicts(plans), conflicts(split(plans)))


@given(seed=seeds, place=places)
def test_the_order_of_plans_changes_nothing(seed: int, place: tuple[float, float]) -> None:
    plans = Plans.of(drawn(seed, place))
    alike(conflicts(plans), conflicts(plans.take(np.random.default_rng(seed).permutation(len(plans)))))


# ── what each filter lets go, and what it must not ───────────────────────────────────────────────────────────────────

EASTWARD: list[Stop] = [(0.0, -10_000.0, 0.0, 1_000.0), (200.0, 10_000.0, 0.0, 1_000.0)]


def northward(at: float = 0.0, east: float = 0.0, height: float = 1_000.0) -> list[Stop]:
    return [(at, east, -10_000.0, height), (at + 200.0, east, 10_000.0, height)]


@compiled
def test_time_lets_go_of_what_is_never_there_together() -> None:
    packed = pack(ways(EASTWARD, northward(at=201.0)))
    assert counted(packed, minima(NARROW)).near == 0
    late = pack(ways(EASTWARD, northward(at=201.0), late_s=210.0))
    assert counted(late, minima(NARROW)).near > 0
    assert len(conflicts(ways(EASTWARD, northward(at=201.0), late_s=210.0), NARROW)) == 1


@compiled
def test_balls_let_go_of_what_is_far() -> None:
    assert counted(pack(ways(EASTWARD, northward(east=40_000.0))), minima(NARROW)).near == 0
    beside = ways(EASTWARD, northward(at=100.0, east=10_499.0))  # abeam as the first ends
    assert counted(pack(beside), minima(NARROW)).near > 0
    assert len(conflicts(beside, NARROW)) == 1


@compiled
@pytest.mark.parametrize(("height", "near"), [(1_100.0, False), (1_099.998, True), (900.0, False), (900.002, True)])
def test_bands_let_go_of_what_is_above_or_below(height: float, near: bool) -> None:
    packed = pack(ways(EASTWARD, northward(height=height)))
    assert (counted(packed, minima(NARROW)).near > 0) == near
    apart = replace(ways(EASTWARD, northward(height=9_000.0)), datum=np.array([0, 1], dtype=np.uint8))
    assert counted(pack(apart), minima(NARROW)).near > 0


@compiled
def test_going_evenly_lets_go_of_ways_that_cross_apart_in_time() -> None:
    # The second is at the crossing 20 s after the first, which then is 2 km on.
    behind: list[Stop] = [(0.0, 0.0, -12_000.0, 1_000.0), (200.0, 0.0, 8_000.0, 1_000.0)]
    assert counted(pack(ways(EASTWARD, behind)), minima(NARROW), slab_s=100.0).near == 0
    assert len(conflicts(ways(EASTWARD, behind), NARROW)) == 0
    closer: list[Stop] = [(t, x, y + 1_400.0, height) for t, x, y, height in behind]
    counts = counted(pack(ways(EASTWARD, closer)), minima(NARROW), slab_s=100.0)
    assert counts.near > 0
    assert counts.exact > 0
    assert len(conflicts(ways(EASTWARD, closer), NARROW)) == 1


@compiled
@pytest.mark.parametrize(("least_m", "told"), [(500.0, 0), (3_000.0, 1)])
def test_balls_of_kinds_that_keep_little_from_one_another_are_held_to_it(least_m: float, told: int) -> None:
    behind: list[Stop] = [(0.0, 0.0, -12_000.0, 1_000.0), (200.0, 0.0, 8_000.0, 1_000.0)]
    plans = Plans.of(
        [
            changed(plan(way(EASTWARD)), id="flight"),
            changed(plan(way(behind), kind=PlanKind.OBSERVATION), id="observation"),
        ]
    )
    far, flight, observation = Minimum(8_000.0, 100.0), PlanKind.FLIGHT, PlanKind.OBSERVATION
    separation = {
        frozenset({flight}): far,
        frozenset({observation}): far,
        frozenset({flight, observation}): Minimum(least_m, 100.0),
    }
    counts = counted(pack(plans), minima(separation), slab_s=100.0)
    assert counts.near > 0
    assert (counts.ways > 0) == (told > 0)
    assert len(conflicts(plans, separation)) == told


@compiled
@pytest.mark.parametrize("many", [1, 7, 8, 9, 40])
def test_legs_worked_out_side_by_side_are_as_one_by_one(many: int) -> None:
    def stop(k: int, t: int) -> Stop:
        aside = 700.0 * k * (-1) ** (t + k) if t < many else 0.0
        return 20.0 * t, 1_000.0 * t + 90.0 * k, aside, 1_000.0 + 40.0 * (t % 3)

    turning = [[stop(k, t) for t in range(many + 1)] for k in range(3)]
    packed, least = pack(ways(*turning)), minima(NARROW)
    single = [stays_of_pair(packed, i, packed, j, least) for i, j in combinations(range(3), 2)]
    found = stays_between(packed, least, threads=1)
    assert len(found) > 0
    assert found.tobytes() == np.concatenate(single).tobytes()


@compiled
def test_legs_are_let_go_of_where_ways_turn_away() -> None:
    # It comes near and turns back: in the slab it does not go evenly, and leg by leg it stays away.
    hairpin: list[Stop] = [(0.0, -900.0, -10_000.0, 1_000.0), (50.0, -900.0, -5_000.0, 1_000.0)]
    hairpin += [(100.0, 0.0, -10_000.0, 1_000.0), (200.0, 900.0, -10_000.0, 1_000.0)]
    counts = counted(pack(ways(EASTWARD, hairpin)), minima(Minimum(3_000.0, 100.0)), slab_s=400.0)
    assert counts.legs > 0
    assert counts.exact == 0
    hairpin[1] = (50.0, -900.0, -2_500.0, 1_000.0)
    assert counted(pack(ways(EASTWARD, hairpin)), minima(Minimum(6_000.0, 100.0)), slab_s=400.0).exact > 0
    assert len(conflicts(ways(EASTWARD, hairpin), Minimum(6_000.0, 100.0))) == 1


@compiled
def test_slow_long_and_fast_short_plans_do_not_multiply() -> None:
    year = 365.0 * 86_400.0
    posts = [plan(way([(0.0, 9_000.0 * k, 0.0, 0.0), (year, 9_000.0 * k, 0.0, 0.0)])) for k in range(20)]
    convoys = [
        plan(way([(0.0, -9_000.0 * k, 50.0, 0.0), (5.0 * 86_400.0, 4e6 - 9_000.0 * k, 0.0, 0.0)])) for k in range(1, 5)
    ]
    sites = [plan(None, [volume(circle(0.0, 30_000.0 * k, 2_000.0), 0.0, year)]) for k in range(1, 10)]
    jets = [
        plan(way([(hour * 3_600.0, -200_000.0, 20_000.0, 100.0), (hour * 3_600.0 + 2_000.0, 200_000.0, 2_000.0, 90.0)]))
        for hour in range(0, 24 * 30, 7)
    ]
    plans = [changed(each, id=f"p{k}") for k, each in enumerate([*posts, *convoys, *sites, *jets])]
    packed, least = pack(Plans.of(plans)), minima(ANYWHERE)
    assert counted(packed, least).balls < 40_000
    found = stays_between(packed, least, threads=2)
    single = [stays_of_pair(packed, i, packed, j, least) for i, j in combinations(range(len(packed)), 2)]
    assert found.tobytes() == np.concatenate(single).tobytes()
    assert len(found) > 100


# ── heights, datums and odd sets ─────────────────────────────────────────────────────────────────────────────────────


def test_heights_of_two_datums_are_not_compared() -> None:
    plans = ways(EASTWARD, northward(height=9_000.0), northward(height=9_000.0))
    assert conflicts(plans, NARROW).pairs() == [("p1", "p2")]
    datums = [DATUMS.index(each) for each in (Datum.MSL, Datum.PRESSURE, Datum.PRESSURE)]
    found = conflicts(replace(plans, datum=np.array(datums, dtype=np.uint8)), NARROW)
    assert found.pairs() == [("p0", "p1"), ("p0", "p2"), ("p1", "p2")]
    flagged = [breach for conflict in found for breach in conflict.breaches]
    assert [each.heights_comparable for each in flagged] == [False, False, True]
    assert [each.required_vertical_m for each in flagged] == [math.inf, math.inf, 100.0]
    assert flagged[0].margin_m == pytest.approx(-500.0, abs=0.01)


def test_an_unknown_height_is_every_height_of_the_band() -> None:
    def drawn_with(height: float | None, band: tuple[float, float]) -> int:
        one = changed(plan(way([(t, x, y, height) for t, x, y, _ in EASTWARD]), heights=band), id="unknown")
        other = changed(plan(way(northward(height=1_000.0))), id="known")
        return len(conflicts([one, other], NARROW))

    assert drawn_with(None, (0.0, 899.0)) == 0
    assert drawn_with(None, (0.0, 901.0)) == 1
    assert drawn_with(899.0, (0.0, 901.0)) == 0


def test_kinds_that_need_no_separation_are_passed_over() -> None:
    above = changed(plan(way(EASTWARD), kind=PlanKind.OBSERVATION), id="above")
    below = changed(plan(way(northward()), kind=PlanKind.GROUND_MOVEMENT), id="below")
    assert len(conflicts([above, below])) == 0
    kinds = frozenset({PlanKind.OBSERVATION, PlanKind.GROUND_MOVEMENT})
    assert len(conflicts([above, below], {kinds: NARROW})) == 1
    assert len(conflicts([above, below], {kinds: None})) == 0


def test_who_is_told_first_of_a_way_and_a_volume() -> None:
    closed = plan(None, [volume(circle(0.0, 0.0, 1_000.0), 0.0, 300.0)], kind=PlanKind.CLOSURE)
    flight = plan(way(EASTWARD, buffer_m=70.0))
    for order in ((closed, flight), (flight, closed)):
        found = conflicts([changed(each, id=f"p{k}") for k, each in enumerate(order)])
        assert found.pairs() == [("p0", "p1")]
        (breach,) = found[0].breaches
        assert breach.reason is Reason.WAY_THROUGH_VOLUME
        assert breach.required_horizontal_m == 70.0
        assert breach.ends_s - breach.starts_s == pytest.approx(2_140.0 / 100.0, abs=0.01)


def test_volumes_meet() -> None:
    areas = [square(0.0, 0.0, 500.0), square(1_000.0, 0.0, 500.0), square(990.0, 0.0, 500.0)]
    plans = [changed(plan(None, [volume(area, 0.0, 60.0)]), id=f"p{k}") for k, area in enumerate(areas)]
    assert conflicts(plans, Minimum(0.0, 0.0)).pairs() == [("p0", "p2"), ("p1", "p2")]
    assert conflicts(plans, Minimum(1.0, 0.0)).pairs() == [("p0", "p1"), ("p0", "p2"), ("p1", "p2")]


@pytest.mark.parametrize("n", [0, 1])
def test_none_and_one(n: int) -> None:
    found = conflicts(drawn(1, DESERT, n), ANYWHERE)
    assert (len(found), found.pairs(), list(found), found.to_dicts()) == (0, [], [], [])


@pytest.mark.parametrize("place", PLACES)
def test_all_standing_at_one_place(place: tuple[float, float]) -> None:
    stand: list[Stop] = [(0.0, 0.0, 0.0, 10.0), (50.0, 0.0, 0.0, 10.0), (100.0, 0.0, 0.0, 10.0)]
    found = conflicts(ways(*[stand] * 6, place=place), NARROW)
    assert len(found) == len(found.array) == 15
    for conflict in found:
        assert [(each.ends_s - each.starts_s, each.horizontal_m) for each in conflict.breaches] == [(100.0, 0.0)]


@pytest.mark.parametrize("place", [DATELINE, POLE])
def test_over_the_antimeridian_and_the_pole(place: tuple[float, float]) -> None:
    rings: list[list[Stop]] = [
        [(0.0, 8_000.0 * math.sin(turn), 8_000.0 * math.cos(turn), 0.0), (80.0, 0.0, 0.0, 0.0)]
        for turn in np.linspace(0.0, 2.0 * math.pi, 8, endpoint=False).tolist()
    ]
    found = conflicts(ways(*rings, place=place), NARROW)
    assert len(found) == 28
    # Neighbours come at 45 degrees: 500 m apart when 653 m from the middle, at 100 m a second.
    neighbours = next(each for each in found if (each.a, each.b) == ("p0", "p1"))
    assert neighbours.breaches[0].ends_s - neighbours.breaches[0].starts_s == pytest.approx(6.533, abs=0.002)


# ── what is handed back ──────────────────────────────────────────────────────────────────────────────────────────────


def test_progress_and_threads() -> None:
    plans = Plans.of(
        [each for seed in range(4) for each in (changed(one, id=f"{seed}{one.id}") for one in drawn(seed, DESERT, 12))]
    )
    told: list[tuple[int, int]] = []
    found = conflicts(plans, threads=2, progress=lambda done, total: told.append((done, total)))
    assert found.array.tobytes() == conflicts(plans, threads=1).array.tobytes()
    assert told == [(k + 1, len(told)) for k in range(len(told))]
    assert told


@compiled
def test_many_at_once_and_few_after_them() -> None:
    """A run works in what the one before left, unless that was more than is kept."""
    n, few = 17_000, pack(Plans.of(drawn(5, DESERT, 12)))
    least = minima(ANYWHERE)
    before = stays_between(few, least)
    ends = np.repeat(np.arange(n), 2)
    times, heights = np.tile([0.0, 60.0], n), np.zeros(2 * n)
    crowd = Plans.of_ways([f"p{i}" for i in range(n)], np.arange(n + 1) * 2, times, ends * 0.001, heights, heights)
    # They stand 110.6 m from one another in a line: each has the one before it and the one after it within 150 m.
    found = stays_between(pack(crowd), minima(Minimum(150.0, 100.0)))
    assert [(a, b) for a, b in zip(found["a"], found["b"], strict=True)] == [(i, i + 1) for i in range(n - 1)]
    assert before.tobytes() == stays_between(few, least).tobytes()
    assert len(before)


def test_a_progress_that_fails_ends_the_work() -> None:
    def refuse(done: int, total: int) -> None:
        raise KeyboardInterrupt

    for threads in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            conflicts(drawn(3, DESERT), threads=threads, progress=refuse)


def test_as_columns_tables_and_frames() -> None:
    found = conflicts(drawn(8, DESERT, 12))
    assert len(found) == len(found.pairs()) > 5
    assert repr(found) == f"<Breaches: {len(found)} pairs, {len(found.array)} breaches>"
    flat = [(each.a, each.b, breach.starts_s) for each in found for breach in each.breaches]
    assert flat == [(each["a"], each["b"], each["starts_s"]) for each in found.to_dicts()]
    assert found[-1] == list(found)[-1]
    with pytest.raises(IndexError):
        found[len(found)]
    table = found.to_arrow()
    assert table.num_rows == len(found.array)
    assert str(table.schema.field("starts_at").type) == "timestamp[us, tz=UTC]"
    frame = found.to_pandas()
    assert frame["a"].tolist() == [each[0] for each in flat]
    assert frame["starts_at"].iloc[0].timestamp() == pytest.approx(flat[0][2], abs=1e-6)


@pytest.mark.parametrize(
    "separation",
    [
        Minimum(-1.0, 0.0),
        Minimum(math.nan, 0.0),
        Minimum(math.inf, 0.0),
        Minimum(1.0, math.nan),
        Minimum(1.0, -1.0),
        5.0,
    ],
)
def test_minima_that_are_none(separation: Any) -> None:
    with pytest.raises(Malformed) as caught:
        minima(separation)
    assert caught.value.field == "separation"


def test_minima_as_the_kernels_have_them() -> None:
    table = minima()
    for i, one in enumerate(PlanKind):
        for j, other in enumerate(PlanKind):
            least = minimum(one, other)
            assert math.isnan(table.across[i * 5 + j]) == (least is None)
            assert table.across[i * 5 + j] == (least.horizontal_m if least else pytest.approx(math.nan, nan_ok=True))
            assert table.height[i * 5 + j] == (least.vertical_m if least else pytest.approx(math.nan, nan_ok=True))
    assert set(minima(NARROW).across) == {500.0}

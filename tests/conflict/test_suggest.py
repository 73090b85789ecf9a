"""Suggestions: each is free of conflicts, and every smaller change of its kind is not."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from keepclear.conflict.airspace import Airspace
from keepclear.conflict.changes import Moved, Parallel, at_another_height, at_another_time, length_m
from keepclear.conflict.separation import Minimum
from keepclear.conflict.shortfall import Met
from keepclear.conflict.suggest import MOST_TRIES, Change, Limits, Suggestions, most_tries
from keepclear.errors import Malformed
from keepclear.geometry import kernels
from keepclear.geometry.columns import Plans
from keepclear.geometry.earth import distance_m
from keepclear.model.plans import PlanKind
from tests.conflict.scenes import GEOD, START_S
from tests.conflict.test_airspace import block, way
from tests.rounds import rounds

compiled = pytest.mark.skipif(kernels.LIBRARY is None, reason="hundreds of checks, slow on the twins")
CLOSE = Minimum(500.0, 50.0)
SMALL = Limits(earlier_s=60.0, later_s=60.0, higher_m=80.0, lower_m=80.0, aside_m=400.0)
SIGNS = {Change.EARLIER: -1.0, Change.LATER: 1.0, Change.HIGHER: 1.0, Change.LOWER: -1.0, Change.LEFT: -1.0}


def crowd(seed: int, n: int, place: tuple[float, float]) -> Plans:
    """Flights within five kilometres and minutes of one another."""
    rng = np.random.default_rng(seed)
    ways = []
    for i in range(n):
        points = int(rng.integers(2, 6))
        t = np.cumsum(rng.uniform(20.0, 90.0, points)) + rng.uniform(0.0, 120.0)
        heading = rng.uniform(0.0, 2.0 * np.pi) + np.cumsum(rng.normal(0.0, 0.5, points))
        step = np.diff(t, prepend=t[0]) * rng.uniform(5.0, 60.0)
        start = rng.uniform(-2_500.0, 2_500.0, 2)
        east, north = start[0] + np.cumsum(step * np.sin(heading)), start[1] + np.cumsum(step * np.cos(heading))
        height = rng.choice([300.0, 330.0, 360.0]) + np.cumsum(rng.choice([0.0, 0.0, 20.0], points))
        slack = (0.0, 0.0, *rng.choice([0.0, 5.0], 2))
        stops = list(zip(t.tolist(), east.tolist(), north.tolist(), height.tolist(), strict=True))
        ways.append(way(f"p{i}", stops, place=place, room=slack if rng.random() < 0.3 else (0.0, 0.0, 0.0, 0.0)))
    return Plans.of(ways)


def steps(change: Change, plan: Plans, limits: Limits) -> tuple[float, float, Callable[[float], Plans]]:
    """The step and the limit of a kind of change, and the change by an amount."""
    sign = SIGNS.get(change, 1.0)
    if change in (Change.EARLIER, Change.LATER):
        limit = limits.earlier_s if change is Change.EARLIER else limits.later_s
        return 1.0, limit, lambda amount: at_another_time(plan, sign * amount)
    if change in (Change.HIGHER, Change.LOWER):
        limit = limits.higher_m if change is Change.HIGHER else limits.lower_m
        return 1.0, limit, lambda amount: at_another_height(plan, sign * amount)
    return 10.0, limits.aside_m, lambda amount: Parallel(plan).at(sign * amount)


@compiled
@given(seed=st.integers(0, 10_000), place=st.sampled_from([(35.0, 40.0), (10.0, 180.0), (89.99, 0.0)]))
@rounds(12)
def test_no_smaller_change_is_free(seed: int, place: tuple[float, float]) -> None:
    plans = crowd(seed, 8, place)
    air = Airspace(CLOSE)
    air.put(plans.take(range(1, 8)))
    asked = plans.take([0])
    found = {one.change: one for one in air.suggest(asked, limits=SMALL)}
    if len(air.check(asked)) == 0:
        assert not found
        assume(False)
    for change in (Change.EARLIER, Change.LATER, Change.HIGHER, Change.LOWER, Change.LEFT, Change.RIGHT):
        step, limit, changed = steps(change, asked, SMALL)
        free = (k * step for k in range(1, int(limit / step) + 1) if len(air.check(changed(k * step))) == 0)
        least = next(free, None)
        assert (found[change].amount if change in found else None) == least, change
        if change in found:
            assert len(air.check(found[change].plan)) == 0
            assert air.ids() == tuple(f"p{i}" for i in range(1, 8))


@compiled
def test_no_smaller_change_of_a_block_is_free() -> None:
    air = Airspace({frozenset({PlanKind.CLOSURE}): Minimum(0.0, 0.0)})
    air.put([block("early", (0.0, 100.0), radius=100.0), block("late", (130.0, 200.0), radius=100.0)])
    found = {one.change: one for one in air.suggest(block("asked", (90.0, 125.0), radius=100.0))}
    # Thirty-five seconds do not fit between the two, so it goes before the one or behind the other.
    assert found[Change.EARLIER].amount == 125.0
    assert found[Change.LATER].amount == 110.0
    # Bands of 3,000 m stand one on the other; circles of 100 m side by side.
    assert found[Change.HIGHER].amount == 3_000.0
    assert Change.LOWER not in found
    assert found[Change.MOVED].amount == 200.0
    assert found[Change.MOVED].bearing_deg in range(0, 360, 45)
    shorter = air.suggest(block("asked", (90.0, 115.0), radius=100.0), limits=Limits(aside_m=0.0))
    assert changes(shorter)[Change.LATER] == 10.0


@compiled
@given(seed=st.integers(0, 10_000), tries=st.integers(0, 120))
@rounds(25)
def test_what_the_tries_were_not_enough_for_is_told(seed: int, tries: int) -> None:
    plans = crowd(seed, 8, (35.0, 40.0))
    air = Airspace(CLOSE)
    air.put(plans.take(range(1, 8)))
    asked = plans.take([0])
    whole = air.suggest(asked, limits=replace(SMALL, tries=1_000_000))
    assert whole.unfinished == ()
    found = air.suggest(asked, limits=replace(SMALL, tries=tries))
    assert found.tries == min(tries, whole.tries)
    told = changes(found)
    assert all(len(air.check(one.plan)) == 0 for one in found)
    assert told.items() <= changes(whole).items()  # what is found is the least, also when it stopped early
    assert not told.keys() & set(found.unfinished)
    assert changes(whole).keys() - told.keys() <= set(found.unfinished)
    assert bool(found.unfinished) == (tries < whole.tries)


@compiled
def test_one_kind_that_takes_long_keeps_no_other_from_being_found() -> None:
    air = Airspace({frozenset({PlanKind.CLOSURE}): Minimum(0.0, 0.0)})
    air.put([block(f"p{i}", (50.0 * i - 1_000.0, 50.0 * i - 900.0), radius=100.0) for i in range(40)])
    asked = block("asked", (0.0, 20.0), radius=100.0)
    both = np.vstack((asked.volumes, asked.volumes + np.array([30.0, 30.0, 0.0, 0.0])))
    asked = replace(
        asked,
        volume_from=np.array([0, 2]),
        volumes=both,
        circles=np.repeat(asked.circles, 2, axis=0),
        ring_from=np.zeros(3, dtype=np.int64),
    )
    found = air.suggest(asked, limits=Limits(earlier_s=400.0, later_s=400.0, tries=600))
    assert found.unfinished == (Change.EARLIER, Change.LATER)
    assert changes(found) == {Change.HIGHER: 3_000.0, Change.MOVED: 200.0}
    assert found.tries == 600
    assert "unfinished=(earlier, later), tries=600" in repr(found)
    none = air.suggest(asked, limits=Limits(earlier_s=400.0, later_s=400.0, tries=0))
    assert len(none) == 0
    assert none.unfinished == (Change.EARLIER, Change.LATER, Change.HIGHER, Change.MOVED)
    assert air.suggest(asked, limits=Limits(earlier_s=400.0, later_s=400.0)).unfinished == ()


@pytest.mark.parametrize(
    ("name", "figure"), [("tries", -1), ("later_s", -1.0), ("aside_m", np.nan), ("not_before_s", np.nan)]
)
def test_limits_that_cannot_be_are_refused(name: str, figure: Any) -> None:
    with pytest.raises(Malformed) as refused:
        Limits(**{name: figure})
    assert (refused.value.field, refused.value.code) == (f"limits.{name}", "out_of_range")


def test_a_plan_of_many_points_is_tried_less_often() -> None:
    def tries(points: int) -> int:
        zigzag = [(float(i), 0.0, float(i), 100.0) for i in range(points)]
        return most_tries(way("a", zigzag))

    assert tries(2) == tries(2_000) == MOST_TRIES
    assert tries(4_000) == MOST_TRIES / 2
    assert (
        most_tries(replace(way("a", [(0.0, 0.0, 0.0, 0.0), (1.0, 0.0, 1.0, 0.0)]), vertices=np.zeros((10**7, 2))))
        == 100
    )


def two(height: float = 1_000.0, **asked: object) -> tuple[Airspace, Plans]:
    """One that flies east, and one that flies north through it at the same moment."""
    air = Airspace(Minimum(5_000.0, 300.0))
    air.put(way("east", [(0.0, -60_000.0, 0.0, 1_000.0), (600.0, 60_000.0, 0.0, 1_000.0)]))
    stops = [(0.0, 0.0, -60_000.0, height), (600.0, 0.0, 60_000.0, height)]
    return air, way("north", stops, **asked)  # type: ignore[arg-type]


def changes(found: Suggestions) -> dict[Change, float]:
    return {one.change: one.amount for one in found}


def test_the_figures_of_a_crossing() -> None:
    air, north = two()
    limits = Limits(aside_m=0.0, higher_m=400.0, lower_m=400.0, later_s=40.0, earlier_s=0.0)
    found = air.suggest(north, limits=limits)
    # Both fly 200 m/s across one another: a shift of s seconds leaves 200 s / sqrt(2) m between them.
    assert changes(found) == {Change.LATER: 36.0, Change.HIGHER: 300.0, Change.LOWER: 300.0}
    assert all(one.longer_m == 0.0 for one in found)
    assert found[0].plan.t_s[0] == START_S + 36.0
    assert all(len(air.check(one.plan)) == 0 for one in found)
    assert len(air.check(at_another_time(north, 35.0))) == 1


@compiled
def test_limits_are_kept() -> None:
    air, north = two()
    wide = changes(air.suggest(north))
    assert wide[Change.EARLIER] == wide[Change.LATER] == 36.0
    assert changes(air.suggest(north, limits=Limits(not_before_s=START_S - 35.0))).get(Change.EARLIER) is None
    assert changes(air.suggest(north, limits=Limits(not_before_s=START_S - 36.0)))[Change.EARLIER] == 36.0
    assert Change.HIGHER not in changes(air.suggest(north, limits=Limits(ceiling_m=1_299.0)))
    assert Change.HIGHER in changes(air.suggest(north, limits=Limits(ceiling_m=1_300.0)))
    assert Change.LOWER not in changes(air.suggest(north, limits=Limits(floor_m=701.0)))
    assert air.suggest(north, limits=Limits(earlier_s=9, later_s=9, higher_m=9, lower_m=9, aside_m=9)) == ()


@compiled
def test_heights_stay_where_they_mean_nothing_or_are_unknown() -> None:
    air, north = two(kind=PlanKind.GROUND_MOVEMENT)
    assert {Change.LATER, Change.HIGHER, Change.LOWER} & changes(air.suggest(north)).keys() == {Change.LATER}
    air, unknown = two(np.nan)
    unknown = replace(unknown, band_m=np.array([[0.0, 2_000.0]]))
    assert {Change.LATER, Change.HIGHER, Change.LOWER} & changes(air.suggest(unknown)).keys() == {Change.LATER}


@compiled
def test_a_closure_is_gone_round_or_waited_for() -> None:
    air = Airspace()
    air.put(block("closed", (0.0, 900.0)))
    through = way("through", [(100.0, -6_000.0, 200.0, 500.0), (160.0, 6_000.0, 200.0, 500.0)])
    found = changes(air.suggest(through))
    # It is in the circle from 125.1 s to 134.9 s, and right of its middle is south.
    assert found[Change.LATER] == 775.0
    assert found[Change.EARLIER] == 135.0
    assert found[Change.HIGHER] == 2_500.0
    assert found[Change.LEFT] == 800.0
    assert found[Change.RIGHT] == 1_200.0


def test_what_is_free_needs_no_change() -> None:
    air, north = two(9_000.0)
    assert air.suggest(north) == ()
    air, north = two()
    air.remove("east")
    air.put(north)
    assert air.suggest(north) == ()  # it is not held against itself


# ── the changes themselves ───────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("place", [(35.0, 40.0), (0.0, 180.0), (89.9, 0.0)])
@pytest.mark.parametrize("aside", [500.0, -2_000.0])
def test_a_parallel_way_runs_beside(place: tuple[float, float], aside: float) -> None:
    stops = [(0.0, 0.0, 0.0, 0.0), (60.0, 9_000.0, 0.0, 0.0), (70.0, 9_000.0, 0.0, 0.0), (120.0, 9_000.0, 9_000.0, 0.0)]
    plan = way("a", stops, place=place)
    beside = Parallel(plan).at(aside)
    apart = [distance_m(*ends) for ends in zip(plan.lat_deg, plan.lon_deg, beside.lat_deg, beside.lon_deg, strict=True)]
    diagonal = abs(aside) * np.sqrt(2.0)
    assert apart == pytest.approx([abs(aside), diagonal, diagonal, abs(aside)], rel=1e-3)
    # The way turns to the left, so what runs on its right is longer, on both legs by as much as it is aside.
    assert length_m(beside) - length_m(plan) == pytest.approx(2.0 * aside, rel=1e-2)
    assert np.array_equal(beside.t_s, plan.t_s)


@pytest.mark.parametrize("place", [(35.0, 40.0), (0.0, 179.99), (89.9, 0.0), (-89.95, 70.0)])
@pytest.mark.parametrize("bearing_deg", [0.0, 90.0, 225.0])
def test_a_plan_is_shoved_as_it_is(place: tuple[float, float], bearing_deg: float) -> None:
    plan = way("a", [(0.0, 0.0, 0.0, 0.0), (60.0, 9_000.0, 0.0, 0.0), (120.0, 3_000.0, 9_000.0, 0.0)], place=place)
    there = Moved(plan, bearing_deg).at(20_000.0)
    for i in range(3):
        k = (i + 1) % 3
        sides = [
            GEOD.inv(each.lon_deg[i], each.lat_deg[i], each.lon_deg[k], each.lat_deg[k])[2] for each in (plan, there)
        ]
        assert sides[1] == pytest.approx(sides[0], rel=1e-3)
        assert distance_m(plan.lat_deg[i], plan.lon_deg[i], there.lat_deg[i], there.lon_deg[i]) == pytest.approx(
            20_000.0, rel=1e-3
        )


def test_others_use_the_set_while_it_looks(monkeypatch: pytest.MonkeyPatch) -> None:
    """A search of many tries must not keep everybody else waiting until it is over."""
    plans = crowd(1, 8, (35.0, 40.0))
    air = Airspace(CLOSE)
    air.put(plans.take(range(1, 7)))
    against = air._against
    waited: list[bool] = []

    def with_somebody_else(plan: Plans) -> Met:
        other = threading.Thread(target=air.put, args=(plans.take([7]),), daemon=True)
        other.start()
        other.join(10.0)
        waited.append(other.is_alive())
        return against(plan)

    monkeypatch.setattr(air, "_against", with_somebody_else)
    air.suggest(plans.take([0]), limits=SMALL)
    assert waited
    assert not any(waited)

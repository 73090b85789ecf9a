"""The live set: whatever was done to it before, a check finds what pair by pair is there to be found."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import lru_cache

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from keepclear.conflict.airspace import Airspace
from keepclear.conflict.airspace_kernel import KernelPlans
from keepclear.conflict.airspace_twin import TwinPlans, single
from keepclear.conflict.breaches import Breaches
from keepclear.conflict.pairs import conflicts, stays_of_pair
from keepclear.conflict.separation import Minimum, Separation, minima
from keepclear.errors import Malformed
from keepclear.geometry import kernels
from keepclear.geometry.columns import KINDS, Datum, Plans
from keepclear.geometry.pack import pack
from keepclear.model.plans import PlanKind
from tests.conflict.scenes import GEOD, START_S, scene
from tests.rounds import rounds

pytestmark = pytest.mark.kernels

compiled = pytest.mark.skipif(kernels.LIBRARY is None, reason="no compiled kernels here")
MIXED: Separation = {
    frozenset({PlanKind.FLIGHT}): Minimum(9_260.0, 300.0),
    frozenset({PlanKind.FLIGHT, PlanKind.PROTECTED_SITE}): Minimum(500.0, np.inf),
    frozenset({PlanKind.GROUND_MOVEMENT, PlanKind.OBSERVATION}): Minimum(0.0, 0.0),
}
Make = Callable[[Separation], Airspace]


def on_kernel(separation: Separation = None) -> Airspace:
    return Airspace(separation)


def on_twin(separation: Separation = None) -> Airspace:
    air = Airspace(separation)
    air._live = TwinPlans(minima(separation))
    return air


@pytest.fixture(params=[pytest.param(on_kernel, marks=compiled), on_twin], ids=["kernel", "twin"])
def make(request: pytest.FixtureRequest) -> Make:
    made: Make = request.param
    return made


Told = dict[tuple[str, str], list[tuple[float, float, float, float]]]


def told(found: Breaches) -> Told:
    """Times and figures of the breaches of each pair."""
    return {
        (conflict.a, conflict.b): [
            (each.starts_s, each.ends_s, each.horizontal_m, each.required_horizontal_m) for each in conflict.breaches
        ]
        for conflict in found
    }


def same(one: Told, other: Told) -> None:
    assert one.keys() == other.keys()
    for pair, breaches in one.items():
        assert np.allclose(breaches, other[pair], rtol=0.0, atol=0.01), pair


def way(
    id: str,
    stops: list[tuple[float, float, float, float]],
    *,
    place: tuple[float, float] = (35.0, 40.0),
    kind: PlanKind = PlanKind.FLIGHT,
    room: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0),
    datum: Datum = Datum.WGS84,
) -> Plans:
    """A plan with a way. Stops are seconds after the start, metres east and north of a place, height."""
    t, east, north, height = np.array(stops, dtype=float).T
    lon, lat, _ = GEOD.fwd(
        np.full(len(t), place[1]), np.full(len(t), place[0]), np.degrees(np.arctan2(east, north)), np.hypot(east, north)
    )
    return Plans.of_ways([id], [0, len(t)], START_S + t, lat, lon, height, kind=kind, room=room, datum=datum)


def block(id: str, window: tuple[float, float], *, radius: float = 1_000.0, kind: PlanKind = PlanKind.CLOSURE) -> Plans:
    """A round block of air, from the ground to 3,000 m, in the place where the ways are laid out."""
    none = Plans.of_ways([id], [0, 0], [], [], [], [], kind=kind)
    return replace(
        none,
        volume_from=np.array([0, 1]),
        volumes=np.array([[START_S + window[0], START_S + window[1], 0.0, 3_000.0]]),
        circles=np.array([[35.0, 40.0, radius]]),
        ring_from=np.array([0, 0]),
    )


# ── against all pairs ────────────────────────────────────────────────────────────────────────────────────────────────


@compiled
@given(seed=st.integers(0, 10_000))
@rounds(15)
def test_put_in_one_after_the_other_all_pairs_are_found(seed: int) -> None:
    plans = scene(seed, 50)
    found = told(on_kernel(MIXED).check_and_put(plans))
    batch = told(conflicts(plans, MIXED, threads=1))
    same({(b, a): breaches for (a, b), breaches in found.items()}, batch)


@pytest.mark.parametrize("seed", range(3))
def test_the_twin_finds_the_same(seed: int) -> None:
    plans = scene(seed, 8)
    air = on_twin(MIXED)
    found = told(air.check_and_put(plans))
    same({(b, a): breaches for (a, b), breaches in found.items()}, told(conflicts(plans, MIXED, threads=1)))
    air.remove("p3")
    asked = replace(plans, ids=tuple(f"q{i}" for i in range(8)))
    again = on_kernel(MIXED)
    again.put(plans.take([i for i in range(8) if i != 3]))
    same(told(air.check(asked)), told(again.check(asked)))


@lru_cache
def pool(seed: int, ids: int) -> tuple[Plans, dict[tuple[int, int], list[tuple[float, float, float]]]]:
    """Ids with two plans each, and the breaches between any two of the plans."""
    n = 2 * ids
    plans = scene(seed, n)
    packed, least = pack(plans), minima(MIXED)
    rows = {(i, j): stays_of_pair(packed, i, packed, j, least) for i in range(n) for j in range(n) if i != j}
    return plans, {
        pair: [(float(row["t0_s"]), float(row["t1_s"]), float(row["horizontal_m"])) for row in found]
        for pair, found in rows.items()
        if len(found)
    }


class Live(RuleBasedStateMachine):
    """Anything in any order, beside a dictionary and a look at every pair."""

    make: Make = staticmethod(on_kernel)
    seeds, count = 8, 20

    @initialize(seed=st.integers(0, 100))
    def begin(self, seed: int) -> None:
        self.plans, self.pairs = pool(seed % self.seeds, self.count)
        self.air = self.make(MIXED)
        self.model: dict[str, int] = {}

    def asked(self, chosen: list[int]) -> tuple[Plans, list[int]]:
        """Those plans, with no id twice; the two of an id are i and i + `count`."""
        last = sorted({i % self.count: i % (2 * self.count) for i in chosen}.values())
        plans = self.plans.take(last)
        return replace(plans, ids=tuple(map(self.id, last))), last

    def id(self, i: int) -> str:
        return f"p{i % self.count}"

    def expected(self, i: int, but: str) -> dict[str, list[tuple[float, float, float]]]:
        near = {id: self.pairs.get((i, j), []) for id, j in self.model.items() if id != but}
        return {id: breaches for id, breaches in near.items() if breaches}

    def held(self, found: Breaches, expected: dict[tuple[str, str], list[tuple[float, float, float]]]) -> None:
        assert sorted(found.pairs()) == sorted(expected)
        for conflict in found:
            breaches = [(each.starts_s, each.ends_s, each.horizontal_m) for each in conflict.breaches]
            assert np.allclose(breaches, expected[conflict.a, conflict.b], rtol=0.0, atol=0.01)

    @rule(chosen=st.lists(st.integers(0, 39), max_size=12))
    def put(self, chosen: list[int]) -> None:
        plans, last = self.asked(chosen)
        self.air.put(plans)
        self.model.update({self.id(i): i for i in last})

    @rule(chosen=st.lists(st.integers(0, 39), min_size=1, max_size=6))
    def check(self, chosen: list[int]) -> None:
        plans, last = self.asked(chosen)
        each = {self.id(i): self.expected(i, self.id(i)) for i in last}
        self.held(self.air.check(plans), {(a, b): rows for a, found in each.items() for b, rows in found.items()})

    @rule(chosen=st.lists(st.integers(0, 39), min_size=1, max_size=6), only_free=st.booleans())
    def check_and_put(self, chosen: list[int], only_free: bool) -> None:
        plans, last = self.asked(chosen)
        expected = {}
        for i in last:
            id = self.id(i)
            breaches = self.expected(i, id)
            expected.update({(id, b): rows for b, rows in breaches.items()})
            if not (only_free and breaches):
                self.model[id] = i
        self.held(self.air.check_and_put(plans, only_free=only_free), expected)

    @rule(i=st.integers(0, 19))
    def remove(self, i: int) -> None:
        if self.model.pop(self.id(i), None) is not None:
            self.air.remove(self.id(i))
        else:
            with pytest.raises(KeyError):
                self.air.remove(self.id(i))

    @rule(hours=st.sampled_from([0.1, 1.0, 12.0, 3_000.0]))
    def expire(self, hours: float) -> None:
        now = START_S + 3_600.0 * hours
        over = {id for id, i in self.model.items() if self.ends(i) <= now}
        assert set(self.air.expire(now)) == over
        for id in over:
            del self.model[id]

    def ends(self, i: int) -> float:
        plan = self.plans.take([i])
        return float(max([*(plan.t_s[-1:] + plan.room[0, 3]), *plan.volumes[:, 1]]))

    @invariant()
    def the_same_are_in(self) -> None:
        if hasattr(self, "air"):
            assert set(self.air.ids()) == set(self.model)
            assert len(self.air) == len(self.model) == len(self.air._live)
            assert all(id in self.air for id in self.model)


class LiveTwin(Live):
    make = staticmethod(on_twin)
    seeds, count = 1, 5


TestLive = compiled(Live.TestCase)
TestLive.settings = settings(rounds(15), stateful_step_count=15)
TestLiveTwin = LiveTwin.TestCase
TestLiveTwin.settings = settings(rounds(2), stateful_step_count=5)


# ── anywhere on earth ────────────────────────────────────────────────────────────────────────────────────────────────


@compiled
@pytest.mark.parametrize("turn_deg", [140.0, -97.0, 179.99])
@pytest.mark.parametrize("lat_deg", [35.0, 89.9, -72.0])
def test_turning_the_earth_changes_nothing(turn_deg: float, lat_deg: float) -> None:
    plans = scene(5, 40, place=(lat_deg, 40.0))

    def turned(lon: np.ndarray[tuple[int], np.dtype[np.float64]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
        return np.asarray((lon + turn_deg + 180.0) % 360.0 - 180.0)

    moved = replace(
        plans,
        lon_deg=turned(plans.lon_deg),
        circles=np.column_stack((plans.circles[:, 0], turned(plans.circles[:, 1]), plans.circles[:, 2])),
        vertices=np.column_stack((plans.vertices[:, 0], turned(plans.vertices[:, 1]))),
    )
    found = told(on_kernel(MIXED).check_and_put(plans))
    assert found
    same(found, told(on_kernel(MIXED).check_and_put(moved)))


def test_long_and_brief_slow_and_fast_meet(make: Make) -> None:
    day = 86_400.0
    air = make(None)
    air.put(Plans.of([block("site", (-100 * day, 200 * day), kind=PlanKind.PROTECTED_SITE)]))
    air.put(block("closed", (2 * day, 2 * day + 60.0)))
    convoy = [(0.0, -50_000.0, 0.0, 400.0), (4 * day, 50_000.0, 0.0, 400.0)]
    air.put(way("convoy", convoy, kind=PlanKind.GROUND_MOVEMENT))
    at = 2 * day
    jet = [(at - 600.0, -150_000.0, 0.0, 1_000.0), (at + 600.0, 150_000.0, 0.0, 1_000.0)]
    assert sorted(air.check(way("jet", jet)).pairs()) == [("jet", "closed"), ("jet", "convoy"), ("jet", "site")]
    late = [(t + 120.0, east, north, height) for t, east, north, height in jet]
    assert sorted(air.check(way("late", late)).pairs()) == [("late", "convoy"), ("late", "site")]
    high = [(t, east, north, 9_000.0) for t, east, north, _ in jet]
    assert len(air.check(way("high", high))) == 0


# ── what is passed over ──────────────────────────────────────────────────────────────────────────────────────────────


NEAR = (0.0, 0.0, 0.0, 1_000.0), (600.0, 60_000.0, 0.0, 1_000.0)


@compiled
@pytest.mark.parametrize(
    ("what", "stops", "kept"),
    [
        ("too far away", [(0.0, 0.0, 40_000.0, 1_000.0), (600.0, 60_000.0, 40_000.0, 1_000.0)], False),
        ("near enough", [(0.0, 0.0, 9_000.0, 1_000.0), (600.0, 60_000.0, 9_000.0, 1_000.0)], True),
        ("too late", [(601.0, 0.0, 0.0, 1_000.0), (1_200.0, 60_000.0, 0.0, 1_000.0)], False),
        ("in time", [(599.0, 60_000.0, 0.0, 1_000.0), (1_200.0, 0.0, 0.0, 1_000.0)], True),
        ("just a level above", [(0.0, 0.0, 0.0, 1_300.0), (600.0, 60_000.0, 0.0, 1_300.0)], False),
        ("a little less", [(0.0, 0.0, 0.0, 1_298.0), (600.0, 60_000.0, 0.0, 1_298.0)], True),
        (
            "through the same cells, always behind",
            [(0.0, -12_000.0, 0.0, 1_000.0), (600.0, 48_000.0, 0.0, 1_000.0)],
            False,
        ),
        ("through the same cells, just behind", [(0.0, -9_000.0, 0.0, 1_000.0), (600.0, 51_000.0, 0.0, 1_000.0)], True),
    ],
)
def test_what_cannot_be_near_is_passed_over(what: str, stops: list[tuple[float, ...]], kept: bool) -> None:
    live = KernelPlans(minima(Minimum(9_260.0, 300.0)))
    here = pack(Plans.of(way("here", list(NEAR))))
    live.put(here, np.array([-1]))
    asked = pack(Plans.of(way("asked", stops)))  # type: ignore[arg-type]
    assert (len(live.near(asked, 0)) == 1) is kept, what
    assert (len(live.check(asked, np.array([-1]))[0]) > 0) is kept, what


@compiled
@pytest.mark.parametrize("room", [(0.0, 0.0, 0.0, 0.0), (500.0, 50.0, 200.0, 900.0)])
@pytest.mark.parametrize("kind", [PlanKind.FLIGHT, PlanKind.OBSERVATION])
def test_all_times_at_which_two_meet_are_told_whatever_lies_between(
    room: tuple[float, float, float, float], kind: PlanKind
) -> None:
    """Only legs between the first and the last time at which two may meet are gone through."""
    hour = 3_600.0
    there = [(k * hour / 20, 20_000.0 * k, 0.0, 1_000.0) for k in range(21)]
    back = [(hour + k * hour / 20, 20_000.0 * (20 - k), 5_000.0 * (k == 10), 1_100.0) for k in range(1, 21)]
    shuttle = Plans.of(way("shuttle", there + back, kind=kind, room=room))
    posts = [way(f"post{k}", [(-hour, 20_000.0 * k, 1e3, 900.0), (3 * hour, 20_000.0 * k, 1e3, 900.0)]) for k in (3, 7)]
    live, least = KernelPlans(minima(Minimum(4_000.0, 300.0))), minima(Minimum(4_000.0, 300.0))
    others = pack(Plans.of(Plans.concatenated(posts)))
    live.put(others, np.array([-1, -1]))
    asked = pack(shuttle)
    rows, known = live.check(asked, np.array([-1]))
    each = [stays_of_pair(asked, 0, others, j, least) for j in (0, 1)]
    assert [len(stays) for stays in each] == [2, 2]
    assert known["slot"][rows["b"]].tolist() == [0, 0, 1, 1]
    assert rows["t0_s"].tolist() == np.concatenate([stays["t0_s"] for stays in each]).tolist()
    assert rows["margin_m"].tolist() == np.concatenate([stays["margin_m"] for stays in each]).tolist()


@compiled
def test_other_datums_are_judged_on_the_ground_alone() -> None:
    live = KernelPlans(minima(Minimum(9_260.0, 300.0)))
    live.put(pack(Plans.of(way("here", list(NEAR)))), np.array([-1]))
    high = [(t, east, north, 9_000.0) for t, east, north, _ in NEAR]
    assert len(live.near(pack(Plans.of(way("asked", high))), 0)) == 0
    asked = pack(Plans.of(way("asked", high, datum=Datum.PRESSURE)))
    assert len(live.near(asked, 0)) == 1
    assert live.check(asked, np.array([-1]))[0]["flags"].tolist() == [1]


@compiled
def test_few_of_many_are_held_against_a_plan() -> None:
    """Were the grid to let everything through, nothing else here would notice."""
    plans = scene(1, 60, place=(35.0, 40.0))
    spread = Plans.concatenated(
        [
            replace(
                plans, ids=tuple(f"{k}-{id}" for id in plans.ids), t_s=plans.t_s + 90_000.0 * k, volumes=later(plans, k)
            )
            for k in range(20)
        ]
    )
    live = KernelPlans(minima(MIXED))
    live.put(pack(Plans.of(spread)), np.full(len(spread), -1))
    packed = pack(plans)
    brief = [
        i for i in range(60) if np.diff(plans.volumes[slice(*plans.volume_from[i : i + 2]), :2]).max(initial=0.0) < 1e6
    ]
    assert max(len(live.near(packed, i)) for i in brief) < len(spread) / 3


def later(plans: Plans, days: int) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    return np.asarray(plans.volumes + np.array([90_000.0, 90_000.0, 0.0, 0.0]) * days)


# ── nothing is left, nothing is half done ────────────────────────────────────────────────────────────────────────────


@compiled
def test_what_was_taken_out_leaves_nothing() -> None:
    plans = scene(2, 50)
    air = on_kernel(MIXED)
    air.put(plans)
    live, slots = air._live, air._old(plans)
    packed, none = pack(plans), np.full(50, -1)
    live.remove(slots)
    before = None
    for _ in range(200):  # ten thousand plans in all
        slots = live.put(packed, none)
        assert len(live) == 50
        live.remove(slots[::-1].copy())
        before = before or live.memory_bytes
        assert live.memory_bytes == before
    assert len(live.check(packed, none)[0]) == 0


def test_a_batch_with_a_fault_changes_nothing(make: Make) -> None:
    air = make(None)
    air.put(way("a", list(NEAR)))
    good, bad = (
        way("a", [(t, x, y, 2_000.0) for t, x, y, _ in NEAR]),
        way("b", [(0.0, 0.0, 0.0, 1.0), (0.0, 1.0, 0.0, 1.0)]),
    )
    for call in (air.put, air.check_and_put, air.check):
        with pytest.raises(Malformed, match="points"):
            call([good, bad])
    assert air.ids() == ("a",)
    assert len(air.check(way("c", list(NEAR)))) == 1
    with pytest.raises(KeyError):
        air.remove("b")
    with pytest.raises(Malformed, match="one plan"):
        air.suggest([good, way("d", list(NEAR))])
    with pytest.raises(Malformed):
        Airspace(Minimum(-1.0, 0.0))


def test_replaced_plans_are_not_held_against_themselves(make: Make) -> None:
    air = make(None)
    low, high = list(NEAR), [(t, x, y, 9_000.0) for t, x, y, _ in NEAR]
    air.put(way("a", low))
    assert len(air.check(way("a", low))) == 0
    assert air.check(way("b", low)).pairs() == [("b", "a")]
    # b is held against the a that is in when its turn comes.
    found = air.check_and_put([way("b", low), way("a", high), way("c", low), way("d", high)])
    assert found.pairs() == [("b", "a"), ("c", "b"), ("d", "a")]
    assert len(air) == 4
    assert sorted(air.check(way("e", high)).pairs()) == [("e", "a"), ("e", "d")]


@pytest.mark.parametrize("only_free", [False, True])
def test_many_in_one_call_are_held_against_those_before_them_only(make: Make, only_free: bool) -> None:
    """Each sees what came before it in the call as it was then: some replace what others were held against."""
    first, later = scene(5, 40), scene(6, 40)
    assert first.ids == later.ids
    together, singly = make(MIXED), make(MIXED)
    for air in (together, singly):
        air.put(first.take(np.arange(0, 40, 2)))
    one_by_one: Told = {}
    for i in range(40):
        one_by_one |= told(singly.check_and_put(later.take([i]), only_free=only_free))
    assert one_by_one
    assert told(together.check_and_put(later, only_free=only_free)) == one_by_one
    assert set(together.ids()) == set(singly.ids())
    assert told(together.check(first)) == told(singly.check(first))


def test_only_what_is_free_goes_in(make: Make) -> None:
    air = make(None)
    low, high = list(NEAR), [(t, x, y, 9_000.0) for t, x, y, _ in NEAR]
    found = air.check_and_put([way("a", low), way("b", low), way("c", high)], only_free=True)
    assert found.pairs() == [("b", "a")]
    assert set(air.ids()) == {"a", "c"}
    # What a plan that is left out would have replaced stays.
    assert air.check_and_put(way("c", low), only_free=True).pairs() == [("c", "a")]
    assert air.check(way("d", high)).pairs() == [("d", "c")]


def test_what_is_over_goes_at_its_end_and_not_before(make: Make) -> None:
    air = make(None)
    air.put([way("way", list(NEAR), room=(0.0, 0.0, 0.0, 50.0)), block("block", (0.0, 700.0))])
    assert air.expire(START_S + 649.9) == ()
    assert air.expire(START_S + 650.0) == ("way",)
    assert air.expire(START_S + 699.9) == ()
    assert air.expire(START_S + 700.0) == ("block",)
    assert len(air) == 0
    assert air.memory_bytes >= 0


def test_kinds_that_need_keep_nothing_pass(make: Make) -> None:
    air = make(None)
    air.put([block("closed", (0.0, 600.0)), block("site", (0.0, 600.0), kind=PlanKind.PROTECTED_SITE)])
    assert len(air.check(block("other", (0.0, 600.0)))) == 0
    watcher = way("watcher", list(NEAR), kind=PlanKind.OBSERVATION)
    assert air.check(watcher).pairs() == [("watcher", "closed")]


def test_threads_take_turns() -> None:
    each, rounds = (6, 5) if kernels.LIBRARY is not None else (2, 1)
    plans = scene(3, 4 * each)
    air = on_kernel(MIXED)

    def work(thread: int) -> None:
        own = plans.take(range(each * thread, each * (thread + 1)))
        for _ in range(rounds):
            air.check_and_put(own)
            air.check(plans)
            for id in own.ids[: each // 2]:
                air.remove(id)
            assert all(id in air for id in own.ids[each // 2 :])

    with ThreadPoolExecutor(4) as workers:
        list(workers.map(work, range(4)))
    left = [i for i in range(4 * each) if i % each >= each // 2]
    assert set(air.ids()) == {f"p{i}" for i in left}
    fresh = on_kernel(MIXED)
    fresh.put(plans.take(left))
    same(told(air.check(plans)), told(fresh.check(plans)))


def test_a_plan_by_itself_is_the_plan_among_many() -> None:
    packed = pack(scene(4, 10))
    for i in range(10):
        one = single(packed, i)
        assert len(one) == 1
        assert KINDS[one.kind[0]] == KINDS[packed.kind[i]]
        assert one.ring_from[-1] == len(one.vertex_from) - 1
        assert one.vertex_from[-1] == len(one.vertices)
        assert np.array_equal(one.nodes, packed.nodes[slice(*packed.node_from[i : i + 2])])

"""The sweep where it could go wrong: at the borders of its slabs, with many legs in one, across levels, in crowds.

What it must find is what pairs one by one find, whatever the width of the slabs and whoever sweeps them.
"""

from __future__ import annotations

import ctypes
import os
from dataclasses import replace
from itertools import combinations, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace as changed

from keepclear.conflict import pairs, pairs_twin
from keepclear.conflict.breaches import Breaches
from keepclear.conflict.pairs import MOST_THREADS, conflicts, stays_between, stays_of_pair
from keepclear.conflict.separation import Minimum, minima
from keepclear.errors import Malformed
from keepclear.geometry import kernels
from keepclear.geometry.columns import DATUMS, Plans
from keepclear.geometry.kernels import MinimaStruct, pointer
from keepclear.geometry.pack import Packed, pack
from keepclear.model.plans import Plan, PlanKind
from tests.conflict.plans import DATELINE, DESERT, PLACES, circle, plan, spot, volume, way
from tests.conflict.test_pairs import alike

pytestmark = pytest.mark.kernels
compiled = pytest.mark.skipif(kernels.LIBRARY is None, reason="of the compiled kernels alone")

SLAB_S = 8.0
BEGIN_S = 1_504_854_000.0
SLIP_S = 1e-5
"""`KC_SLIP_S` of `kernels/tracks.h`: the first slab begins so long before the first plan."""
MOST_STAYS = 150_000
"""Of `kernels/sweep.c`."""
NARROW = Minimum(500.0, 100.0)
seeds = st.integers(0, 2**32 - 1)


def packed_tightly(source: object) -> Packed:
    """Nodes with nothing after the last, so that the sanitizers see whoever looks beyond it."""
    packed = pack(Plans.of(source))
    return replace(packed, nodes=packed.nodes.copy())


def one_by_one(packed: Packed, least: MinimaStruct) -> bytes:
    single = [stays_of_pair(packed, i, packed, j, least) for i, j in combinations(range(len(packed)), 2)]
    return np.concatenate(single).tobytes()


def bordering(seed: int, place: tuple[float, float], n: int = 6) -> Plans:
    """Ways whose points lie on the borders of slabs, just beside them, or many in one; some halt, some not on time."""
    rng = np.random.default_rng(seed)
    columns: dict[str, list[npt.NDArray[Any]]] = {"t_s": [], "lat_deg": [], "lon_deg": [], "alt_m": []}
    counts = []
    for k in range(n):
        points = int(rng.choice([2, 3, 5, 6, 7, 11, 40]))
        steps = rng.choice([2.0**-8, 0.25, 0.2, 1.0, 1.0, 1.0, 3.0], points) * SLAB_S
        if points in (5, 6, 7) and rng.random() < 0.5:
            steps[:] = SLAB_S / (points - 1)  # so many nodes just in a slab
        beside = rng.choice([0.0, -SLIP_S, -1.5 * SLIP_S, SLIP_S, -0.5 * SLIP_S], points)
        times = (0 if k == 0 else float(rng.integers(0, 5))) * SLAB_S + np.concatenate(([0.0], steps[1:].cumsum()))
        times[1:] += beside[1:]
        speed = float(rng.choice([1.0, 40.0, 250.0]))
        heading = rng.uniform(0.0, 2.0 * np.pi) + rng.normal(0.0, 0.7, points).cumsum()
        lengths = speed * steps * (rng.random(points) < 0.8)  # else it halts
        lengths[0] = 0.0
        xy = np.stack((lengths * np.cos(heading), lengths * np.sin(heading)), axis=1).cumsum(axis=0)
        xy += rng.normal(0.0, 600.0, 2) - xy[points // 2]
        at = np.array([spot(place, *each) for each in xy.tolist()])
        heights = rng.choice([0.0, 50.0, 99.999, 100.0, 150.0, np.nan], points, p=[0.3, 0.3, 0.1, 0.1, 0.15, 0.05])
        for name, column in zip(columns, (BEGIN_S + times, at[:, 0], at[:, 1], heights), strict=True):
            columns[name].append(column)
        counts.append(points)
    joined = [np.concatenate(each) for each in columns.values()]
    plans = Plans.of_ways([f"p{k}" for k in range(n)], np.cumsum([0, *counts]), *joined)
    plans.room[:, 0] = rng.choice([0.0, 0.0, 120.0], n)
    plans.room[:, 2:] = rng.choice([0.0, 0.0, 0.0, SLAB_S, 13.7], (n, 2))
    plans.datum[:] = rng.choice(
        len(DATUMS), n, p=np.array([1.0, *[0.05] * (len(DATUMS) - 1)]) / (0.95 + 0.05 * len(DATUMS))
    )
    return plans


def mixed_speeds(seed: int, place: tuple[float, float]) -> list[Plan]:
    """Walkers for an hour, jets for a minute or two, closures and areas that last an hour, with and without slack."""
    rng = np.random.default_rng(seed)
    made = []
    for k in range(14):
        begin, height = float(rng.integers(0, 3_000)), float(rng.integers(0, 4)) * 60.0
        x, y, dx, dy = rng.normal(0.0, 1_500.0, 4).tolist()
        room = {"early_s": 20.0, "late_s": float(rng.integers(0, 300))} if rng.random() < 0.25 else {}
        if k % 3 == 0:
            stops = [
                (t, x + dx * t / 3_600.0, y + dy * t / 3_600.0, height) for t in np.linspace(0.0, 3_600.0, 9).tolist()
            ]
            one = plan(way(stops, place=place, **room), kind=PlanKind.GROUND_MOVEMENT)
        elif k % 3 == 1:
            points = int(rng.choice([2, 6, 13]))
            shares = np.linspace(0.0, 1.0, points).tolist()
            stops = [(begin + 80.0 * s, x + 20_000.0 * (s - 0.5), y + dy * (s - 0.5), height) for s in shares]
            one = plan(way(stops, place=place, **room))
        else:
            area = volume(circle(x, y, 400.0, place), begin, begin + 3_600.0, height, height + 60.0)
            one = plan(None, [area], kind=PlanKind.CLOSURE)
        made.append(changed(one, id=f"p{k}"))
    return made


# ── whatever the slabs ───────────────────────────────────────────────────────────────────────────────────────────────


@compiled
@given(
    seed=seeds,
    place=st.sampled_from(PLACES),
    slab_s=st.sampled_from([SLAB_S, SLAB_S / 8.0, 8.0 * SLAB_S, 0.0]),
    threads=st.sampled_from([1, 3, 16]),
)
def test_points_on_the_borders_of_slabs(seed: int, place: tuple[float, float], slab_s: float, threads: int) -> None:
    packed, least = packed_tightly(bordering(seed, place)), minima(NARROW)
    assert stays_between(packed, least, threads=threads, slab_s=slab_s).tobytes() == one_by_one(packed, least)


@compiled
@given(
    seed=seeds,
    place=st.sampled_from(PLACES),
    slab_s=st.sampled_from([0.0, 0.5, 4.0, 300.0]),
    threads=st.sampled_from([1, 2, 5]),
)
def test_slow_and_fast_short_and_long(seed: int, place: tuple[float, float], slab_s: float, threads: int) -> None:
    packed, least = packed_tightly(mixed_speeds(seed, place)), minima()
    assert stays_between(packed, least, threads=threads, slab_s=slab_s).tobytes() == one_by_one(packed, least)


@compiled
@given(seed=seeds, place=st.sampled_from(PLACES))
def test_the_twin_in_numpy_at_the_borders(seed: int, place: tuple[float, float]) -> None:
    plans = Plans.of(bordering(seed, place, 3))
    packed, least = packed_tightly(plans), minima(NARROW)
    found = stays_between(packed, least, slab_s=SLAB_S)
    swept, twin = (
        Breaches(each, plans.ids, plans.ids, np.zeros((0, 2)))
        for each in (found, pairs_twin.stays_between(packed, least))
    )
    alike(swept, twin)


@compiled
@pytest.mark.parametrize("over_s", [0.5 * SLIP_S, SLIP_S, 1.5 * SLIP_S])
def test_a_run_begins_just_after_a_long_way_is_over(over_s: float) -> None:
    """Each slab is a part of the work here: of one that finds all legs of the last way over, none is looked at."""
    slabs, points = 40, 33
    times = np.linspace(0.0, 7.0 * SLAB_S - SLIP_S - over_s, points)  # of the finest level
    t_s = BEGIN_S + np.concatenate(([0.0, slabs * SLAB_S], times))
    still = np.zeros(len(t_s))
    packed = packed_tightly(Plans.of_ways(["post", "long"], [0, 2, 2 + points], t_s, still, still, still))
    least = minima(NARROW)
    found = stays_between(packed, least, threads=16, slab_s=SLAB_S)
    assert found.tobytes() == one_by_one(packed, least)
    assert len(found) == 1


@compiled
@pytest.mark.parametrize("nodes", [3, 4, 5, 6, 9])
def test_a_way_that_is_over_before_its_slab_is(nodes: int) -> None:
    """Until it is over it does not go as evenly as if it had all of the slab."""
    along = [(4.0 * k, 10.0 * k, 0.0, 0.0) for k in range(nodes)] + [(60.0, 20_000.0, 0.0, 0.0)]
    waits = [(0.0, 20_000.0, 0.0, 0.0), (60.5, 20_000.0, 0.0, 0.0)]
    plans = [changed(plan(way(each, place=DESERT)), id=f"p{k}") for k, each in enumerate((along, waits))]
    packed, least = packed_tightly(plans), minima(NARROW)
    found = stays_between(packed, least, slab_s=200.0)
    assert found.tobytes() == one_by_one(packed, least)
    assert len(found) == 1


def in_pieces(packed: Packed, least: MinimaStruct, slab_s: float, hands: int, seed: int) -> npt.NDArray[np.void]:
    """The sweep in pieces of chance, each run by a hand of chance, now and then two that follow by the same."""
    rng, lib = np.random.default_rng(seed), kernels.LIBRARY
    assert lib is not None
    parts = int(rng.integers(1, len(packed) + 3))
    sweep, rooms = lib.kc_sweep_new(packed.struct(), least, parts), [lib.kc_sweep_room_new() for _ in range(hands)]
    try:
        for part in rng.permutation(parts).tolist():
            lib.kc_sweep_lay(sweep, part)
        assert lib.kc_sweep_order(sweep, slab_s)
        whole = np.empty(2, dtype=np.int64)
        lib.kc_sweep_cut(sweep, 1, pointer(whole))
        begin, end = whole.tolist()
        between = rng.integers(begin, end + 1, int(rng.integers(0, 12))).tolist()
        pieces = list(pairwise(sorted([begin, *between, end])))
        if rng.random() < 0.5:
            pieces = [pieces[k] for k in rng.permutation(len(pieces))]
        for piece in pieces:
            assert lib.kc_sweep_run(sweep, *piece, rooms[int(rng.integers(hands))], None)
        found = np.empty(sum(map(lib.kc_sweep_found, rooms)), dtype=kernels.BREACH)
        addresses, joined = (ctypes.c_void_p * hands)(*rooms), []
        shares = int(rng.integers(1, 6))
        for share in rng.permutation(shares).tolist():
            start = ctypes.c_int64()
            many = lib.kc_sweep_join(addresses, hands, len(packed), share, shares, pointer(found), start)
            joined.append((start.value, many))
        return np.concatenate([found[:0], *(found[at : at + many] for at, many in sorted(joined))])
    finally:
        for room in rooms:
            lib.kc_sweep_room_free(room)
        lib.kc_sweep_free(sweep)


@compiled
@given(seed=seeds, slab_s=st.sampled_from([0.0, 0.5, SLAB_S, 300.0]), hands=st.integers(1, 4))
def test_whatever_the_pieces_and_whoever_runs_them(seed: int, slab_s: float, hands: int) -> None:
    for source in (mixed_speeds(seed, DATELINE), bordering(seed, DESERT)):
        packed, least = packed_tightly(source), minima(NARROW)
        assert in_pieces(packed, least, slab_s, hands, seed).tobytes() == one_by_one(packed, least)


@compiled
@pytest.mark.parametrize("slab_s", [0.0, 3.0])
def test_whoever_touches_whom_what_they_must_keep_is_added_up_alike(slab_s: float) -> None:
    n, rng = 30, np.random.default_rng(7)
    starts, steps = rng.normal(0.0, 3e-3, (n, 1, 2)), rng.normal(0.0, 3e-3, (n, 1, 2))
    at = (starts + steps * np.linspace(-1.0, 1.0, 4)[:, None]).reshape(-1, 2)
    times, heights = np.tile(np.linspace(BEGIN_S, BEGIN_S + 60.0, 4), n), rng.uniform(0.0, 200.0, 4 * n)
    plans = Plans.of_ways([f"p{k}" for k in range(n)], np.arange(n + 1) * 4, times, at[:, 0], at[:, 1], heights)
    plans.room[:, :2] = rng.uniform(0.0, (100.0, 10.0), (n, 2))
    packed, least = packed_tightly(plans), minima(NARROW)
    found = stays_between(packed, least, slab_s=slab_s)
    assert found.tobytes() == one_by_one(packed, least)
    assert len(found) > 100


# ── crowds ───────────────────────────────────────────────────────────────────────────────────────────────────────────


@compiled
@pytest.mark.parametrize("points", [2, 5, 6, 12])
@pytest.mark.parametrize("threads", [1, 2])
def test_more_touches_and_legs_in_a_slab_than_are_gone_through_at_once(points: int, threads: int) -> None:
    n = 66  # 2,145 pairs
    times = np.tile(np.linspace(BEGIN_S, BEGIN_S + 60.0, points), n)
    east = np.repeat(np.arange(n) * 1e-5, points) + np.tile(np.arange(points) * 1e-4, n)
    still = np.zeros(n * points)
    packed = packed_tightly(
        Plans.of_ways([f"p{k}" for k in range(n)], np.arange(n + 1) * points, times, still, east, still)
    )
    least = minima(NARROW)
    found = stays_between(packed, least, threads=threads, slab_s=100.0)
    assert list(zip(found["a"].tolist(), found["b"].tolist(), strict=True)) == list(combinations(range(n), 2))
    assert found.tobytes() == one_by_one(packed, least)


@compiled
@pytest.mark.parametrize(("slow", "fast"), [(40, 60), (60, 40)])
def test_crowds_of_two_levels(slow: int, fast: int) -> None:
    """Whichever of the two slabs holds fewer is gone through, and the other looked up."""
    convoy = [way([(0.0, 2.0 * k, 0.0, 0.0), (4_000.0, 2.0 * k, 30_000.0, 0.0)], place=DATELINE) for k in range(slow)]
    jets = [
        way([(280.0, -5_000.0, 2_250.0 + k, 0.0), (320.0, 5_000.0, 2_250.0 + k, 0.0)], place=DATELINE)
        for k in range(fast)
    ]
    plans = [changed(plan(each), id=f"p{k}") for k, each in enumerate([*convoy, *jets])]
    packed, least = packed_tightly(plans), minima(NARROW)
    found = stays_between(packed, least, threads=2, slab_s=10.0)
    assert found.tobytes() == one_by_one(packed, least)
    assert len(found) == (slow + fast) * (slow + fast - 1) // 2


@compiled
@pytest.mark.parametrize("least", [Minimum(500.0, np.inf), Minimum(500.0, 1e39), Minimum(500.0, 0.0)])
def test_heights_without_limit(least: Minimum) -> None:
    """Unknown ones, in a band that has no ends, and minima that no height satisfies."""
    times = BEGIN_S + np.tile([0.0, 30.0, 60.0], 4)
    lon = np.tile([0.0, 1e-4, 2e-4], 4)
    heights = np.array([np.nan] * 3 + [9_000.0] * 3 + [np.nan, 10.0, np.nan] + [0.0] * 3)
    plans = Plans.of(Plans.of_ways(list("abcd"), np.arange(5) * 3, times, np.zeros(12), lon, heights))
    packed, struct = packed_tightly(plans), minima(least)
    found = stays_between(packed, struct, slab_s=7.0)
    assert found.tobytes() == one_by_one(packed, struct)
    pairs = {("abcd"[row["a"]], "abcd"[row["b"]]) for row in found}
    assert pairs == {*combinations("abcd", 2)} - ({("b", "d")} if least.vertical_m == 0.0 else set())


# ── rooms that are used again ────────────────────────────────────────────────────────────────────────────────────────


@compiled
def test_few_after_so_many_that_what_was_found_is_not_kept() -> None:
    n, least = 560, minima(NARROW)
    ends, still = np.tile([BEGIN_S, BEGIN_S + 60.0], n), np.zeros(2 * n)
    one_place = Plans.of_ways([f"p{k}" for k in range(n)], np.arange(n + 1) * 2, ends, still, still, still)
    crowd, few = packed_tightly(one_place), packed_tightly(bordering(1, DESERT))
    assert len(stays_between(crowd, least)) == n * (n - 1) // 2 > MOST_STAYS
    assert stays_between(few, least).tobytes() == one_by_one(few, least)


@compiled
def test_no_more_rooms_are_kept_than_there_are_processors() -> None:
    packed = packed_tightly(bordering(1, DESERT))
    stays_between(packed, minima(NARROW), threads=3 + 2 * (os.cpu_count() or 1))
    assert len(pairs._ROOMS) <= (os.cpu_count() or 1)


@compiled
def test_a_cleared_room_goes_on_nowhere() -> None:
    """A run that begins where the last one ended finds all of the wide slab in which that is, as in a fresh room."""
    lib, middle, least = kernels.LIBRARY, 32, minima(NARROW)
    assert lib is not None
    head_on = [[(0.0, x, 0.0, 0.0), (80.0, -0.6 * x, 0.0, 0.0)] for x in (-5_000.0, 5_000.0)]  # near after 47.5 s
    plans = [changed(plan(way(each, place=DESERT)), id=f"p{k}") for k, each in enumerate(head_on)]
    packed = packed_tightly(plans)
    sweep, room = lib.kc_sweep_new(packed.struct(), least, 1), lib.kc_sweep_room_new()
    lib.kc_sweep_lay(sweep, 0)
    assert lib.kc_sweep_order(sweep, 1.0)
    assert lib.kc_sweep_run(sweep, 0, middle, room, None)
    assert lib.kc_sweep_found(room) == 1  # both are in one slab of 64 s
    lib.kc_sweep_clear(room)
    assert lib.kc_sweep_found(room) == 0
    assert lib.kc_sweep_run(sweep, middle, 81, room, None)
    assert lib.kc_sweep_found(room) == 1
    lib.kc_sweep_room_free(room)
    lib.kc_sweep_free(sweep)


# ── threads ──────────────────────────────────────────────────────────────────────────────────────────────────────────


@compiled
def test_more_threads_than_there_is_to_do() -> None:
    stand = [(0.0, 0.0, 0.0, 10.0), (50.0, 0.0, 0.0, 10.0)]
    plans = [changed(plan(way(stand, place=DESERT)), id=f"p{k}") for k in range(2)]
    for some in (plans, plans[:1], []):
        packed, least = packed_tightly(some), minima(NARROW)
        found = [stays_between(packed, least, threads=each, slab_s=1e4) for each in (1, 40)]
        assert found[0].tobytes() == found[1].tobytes()
        assert len(found[0]) == (len(some) == 2)


@pytest.mark.parametrize("threads", [0, -1, MOST_THREADS + 1])
def test_threads_that_are_none_or_too_many(threads: int) -> None:
    with pytest.raises(Malformed) as caught:
        conflicts([], threads=threads)
    assert (caught.value.field, caught.value.code) == ("threads", "not_between")

"""A live set of plans: checking one against all, and putting it in, beside PostGIS, SQLite's R*Tree and rtree."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Iterator
from functools import partial
from statistics import median

import numpy as np

from bench import ours
from bench.brute import Pairs
from bench.clock import latencies
from bench.flat import flatten
from bench.machine import leg_test_s, touch_s
from bench.outlines import Blocks, blocks
from bench.peers import postgis
from bench.peers.boxes import Live, Rtree, Sqlite
from bench.row import OURS, Row
from bench.ways import ACROSS_M, HEIGHT_M, flights
from keepclear.conflict.airspace import Airspace
from keepclear.conflict.airspace_kernel import KernelPlans
from keepclear.conflict.separation import Minimum, minima
from keepclear.geometry.columns import Plans
from keepclear.geometry.pack import pack

TITLE = "Live plans"
ROUNDS = 3
QUERIES = 2_000
SLOW_QUERIES = 100
BATCH = 500
RIM_M = 0.002
"""The rule's millimetre, and one more for what a flat plane is off."""
MINIMUM, TOUCHING = Minimum(ACROSS_M, HEIGHT_M), Minimum(0.0, 0.0)
MOST_FOR_RTREE = 100_000


def live(small: bool) -> Iterator[Row]:
    """One flight against 20,000 (small: 2,000); one block against 10,000 to 1,000,000 (small: 1,000)."""
    yield from _flights(2_000 if small else 20_000)
    for n in (1_000,) if small else (10_000, 100_000, 1_000_000):
        yield from _blocks(n)


def _flights(n: int) -> Iterator[Row]:
    whole = flights(n + QUERIES)
    here, asked = whole.take(np.arange(n)), [whole.take([i]) for i in range(n, n + QUERIES)]
    packed = [pack(plan) for plan in asked]
    truth: Pairs = {(a, b) for a, b in ours.pairs(pack(whole), ACROSS_M, HEIGHT_M) if a < n <= b}
    air = _filled(here)
    kernel = KernelPlans(minima(MINIMUM))
    kernel.put(pack(here), np.full(n, -1))
    found: Pairs = set()
    for i, plan in enumerate(asked):
        found.update((int(other[1:]), n + i) for other in air.check(plan).other_ids)
    job = f"one flight of 65 way-points against {n:,}"
    calls = latencies([partial(air.check, plan) for plan in asked])
    nothing = np.full(1, -1)
    bare = latencies([partial(kernel.check, one, nothing) for one in packed])
    told = f"{len(found):,} pairs of {QUERIES:,} checks, as from all pairs"
    if found != truth:
        told = f"{len(found ^ truth):,} pairs differ from those of all pairs"
    yield Row(
        job=f"{job}: check",
        who=f"{OURS}, kernel, plan packed",
        seconds=median(bare),
        answer=told,
        agrees=found == truth,
        remark=_tail(bare),
        floor_s=_floor_s(sum(len(one.nodes) for one in packed) / QUERIES, len(found) / QUERIES, air.memory_bytes),
    )
    yield Row(job=f"{job}: check", who=f"{OURS}, one call, plan checked", seconds=median(calls), remark=_tail(calls))
    put = f"{job}: check and put in"
    one = _rate(lambda: _filled(here), asked)
    batches = [whole.take(np.arange(i, i + BATCH)) for i in range(n, n + QUERIES, BATCH)]
    batch = _rate(lambda: _filled(here), batches)
    yield Row(job=put, who=f"{OURS}, {BATCH} a call, one after the other", rate=batch, unit="plans")
    memory = f"{air.memory_bytes / n:,.0f} B a plan"
    yield Row(job=put, who=f"{OURS}, one call each", rate=one, unit="plans", remark=memory)
    who = "PostGIS nd-GiST and ST_CPAWithin"
    if postgis.programs() is None:
        yield Row(job=f"{job}: check", who=who, remark="SKIPPED: PostgreSQL with PostGIS is not installed here")
        return
    flat = flatten(pack(whole), ACROSS_M, HEIGHT_M)
    some = range(n, n + SLOW_QUERIES)
    narrower = flat.within({(a, b) for a, b in truth if b in some}, ACROSS_M)
    with postgis.server() as base:
        postgis.load(base, flat, n)
        begin = time.perf_counter()
        for i in some:
            postgis.insert(base, flat, i)
        put_s = (time.perf_counter() - begin) / SLOW_QUERIES
        answers: Pairs = set()

        def ask(i: int) -> None:
            answers.update((other, i) for other in postgis.check(base, i, ACROSS_M) if other < n)

        slow = latencies([partial(ask, i) for i in some])
    told = (
        f"the same {len(narrower):,} of the {sum(b in some for _, b in truth):,} that are within its narrower question"
    )
    yield Row(
        job=f"{job}: check",
        who=who,
        seconds=median(slow),
        times=median(slow) / median(calls),
        answer=told if answers == narrower else f"{len(answers ^ narrower):,} pairs differ",
        agrees=answers == narrower,
        remark=_tail(slow),
    )
    rate = 1.0 / (sum(slow) / SLOW_QUERIES + put_s)
    yield Row(job=f"{job}: check and put in", who=who, rate=rate, unit="plans", remark="no sync to disk")


def _blocks(n: int) -> Iterator[Row]:
    """Blocks of air: outline, band and window, checked and then put in, one after the other."""
    many = blocks(n + QUERIES)
    job = f"one block of air against {n:,}: check and put in"
    here = many.plans(0, n)
    asked = [many.plans(i, i + 1) for i in range(n, n + QUERIES)]
    batches = [many.plans(i, i + BATCH) for i in range(n, n + QUERIES, BATCH)]
    begin = time.perf_counter()
    air = _filled(here, TOUCHING)
    load_s = time.perf_counter() - begin
    truth = [sorted(int(other[1:]) for other in air.check_and_put(plan).other_ids) for plan in asked]
    memory = air.memory_bytes / (n + QUERIES)
    hits = sum(map(len, truth))
    del air
    one = _rate(lambda: _filled(here, TOUCHING), asked)
    batch = _rate(lambda: _filled(here, TOUCHING), batches)
    packed, nothing = [pack(plan) for plan in asked], np.full(1, -1)
    kernel = KernelPlans(minima(TOUCHING))
    kernel.put(pack(here), np.full(n, -1))
    begin = time.perf_counter()
    for block in packed:
        kernel.check_and_put(block, nothing, only_free=False)
    bare = QUERIES / (time.perf_counter() - begin)
    del kernel
    loaded = f"{n / load_s:,.0f} a second when loaded at once; {memory:,.0f} B a plan"
    found = f"{hits:,} hits in {QUERIES:,} checks"
    who = f"{OURS}, {BATCH} a call, one after the other"
    yield Row(job=job, who=who, rate=batch, unit="plans", answer=found, remark=loaded)
    floor_s = 2.0 * _floor_s(1.0 + hits / QUERIES, 0.0, round(memory * n))
    yield Row(job=job, who=f"{OURS}, kernel, one call each, plan packed", rate=bare, unit="plans", floor_s=floor_s)
    yield Row(job=job, who=f"{OURS}, one call each, plan checked", rate=one, unit="plans")
    peers: list[tuple[str, Callable[[Blocks], Live]]] = [("SQLite R*Tree :memory: + shapely", Sqlite)]
    if n <= MOST_FOR_RTREE:
        peers.append(("rtree + shapely", Rtree))
    _ = many.shapes
    for who, make in peers:
        peer = make(many)
        begin = time.perf_counter()
        peer.load(n)
        load_s = time.perf_counter() - begin
        begin = time.perf_counter()
        answers = []
        for i in range(n, n + QUERIES):
            answers.append(peer.check(i))
            peer.put(i)
        rate = QUERIES / (time.perf_counter() - begin)
        answer, agrees = _differences(many, n, truth, answers)
        yield Row(
            job=job,
            who=who,
            rate=rate,
            unit="plans",
            times=batch / rate,
            answer=answer,
            agrees=agrees,
            remark=f"{n / load_s:,.0f} a second when loaded at once; {bare / rate:.2g}x against our kernel",
        )
    if n > MOST_FOR_RTREE:
        yield Row(job=job, who="rtree + shapely", remark=f"not run: loading takes minutes beyond {MOST_FOR_RTREE:,}")


def _differences(many: Blocks, first: int, truth: list[list[int]], answers: list[list[int]]) -> tuple[str, bool]:
    """What only one of the two tells of, and whether all of it is on the rim: no deeper than the millimetre by which
    blocks must overlap to be a breach for us and need not for the peer."""
    apart = [
        (first + k, other)
        for k, pair in enumerate(zip(truth, answers, strict=True))
        for other in set(pair[0]) ^ set(pair[1])
    ]
    hits = sum(map(len, answers))
    if not apart:
        return f"the same {hits:,} hits", True
    deepest = max(_depth_m(many, a, b) for a, b in apart)
    return f"{hits:,} hits: {len(apart)} differ, at most {deepest * 1e3:.2g} mm deep", deepest <= RIM_M


def _depth_m(many: Blocks, a: int, b: int) -> float:
    """How deep two blocks overlap: in height, or as far as either outline must shrink for them to be apart."""
    import shapely

    low, high = many.boxes[[a, b], 2, 0].max(), many.boxes[[a, b], 2, 1].min()
    shapes = many.shapes
    shrunk = shapely.intersects(shapely.buffer(shapes[a], -RIM_M), shapes[b])
    return min(float(high - low), np.inf if shrunk else RIM_M)


def _filled(plans: Plans, least: Minimum = MINIMUM) -> Airspace:
    air = Airspace(least)
    air.put(plans)
    return air


def _rate(make: Callable[[], Airspace], calls: list[Plans]) -> float:
    """Plans a second checked and put in, the median of some rounds, each on an airspace of its own."""
    rates = []
    for _ in range(ROUNDS):
        air = make()
        gc.collect()
        begin = time.perf_counter()
        for plans in calls:
            air.check_and_put(plans)
        rates.append(sum(map(len, calls)) / (time.perf_counter() - begin))
    return median(rates)


def _floor_s(touches: float, legs: float, table_bytes: int) -> float:
    """Seconds to look at so many places in what is live, and to work out so many pairs of legs."""
    return touches * touch_s(table_bytes) + (0.0 if math.isnan(leg_test_s()) else legs * leg_test_s())


def _tail(rising: list[float]) -> str:
    """The 99th of a hundred."""
    at = rising[min(len(rising) - 1, round(0.99 * len(rising)))]
    return f"p99 {at * 1e3:.3g} ms"

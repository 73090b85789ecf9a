"""All pairs of many plans: ours beside a database's join, trajectory databases, a k-d tree, and no index at all."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import partial
from statistics import harmonic_mean
from typing import Any

from bench import ours
from bench.brute import Pairs, brute, compiler
from bench.clock import seconds_in_turn
from bench.flat import Flat, flatten
from bench.machine import floor_s, leg_test_s, read_once_s
from bench.peers import duck, postgis, ticks
from bench.peers.meos import Meos
from bench.row import OURS, Row
from bench.ways import ACROSS_M, HEIGHT_M, flights
from keepclear.geometry.pack import Packed, pack

TITLE = "All pairs of plans"
ROUNDS = 3
THREAD_ROUNDS = 40
"""One thread beside two, both quick: in many rounds, as a core may be lent to others for some of them."""
CORES = sorted(os.sched_getaffinity(0))[:2] if hasattr(os, "sched_getaffinity") else []
"""The two on which that is. One thread is timed on each of them: often one is slower, being lent to others too."""
TICK_S = 10.0
SAMPLE = 500
"""So many outer rows of PostGIS's join are timed where all of them would take minutes."""


def conflict(small: bool) -> Iterator[Row]:
    """2,000 and 20,000 flights (small: 200 and 2,000) within 9,260 m and 300 m of one another."""
    for n in (200, 2_000) if small else (2_000, 20_000):
        yield from _beside(n)


def _beside(n: int) -> Iterator[Row]:
    plans = flights(n)
    packed = pack(plans)
    job = f"{n:,} plans, {len(plans.t_s):,} way-points"
    truth = ours.pairs(packed, ACROSS_M, HEIGHT_M)
    work: dict[str, Callable[[], object]] = {
        "whole": lambda: ours.call(plans, ACROSS_M, HEIGHT_M),
        "pack": lambda: pack(plans),
        "one": lambda: ours.detect(packed, ACROSS_M, HEIGHT_M),
        "two": lambda: ours.detect(packed, ACROSS_M, HEIGHT_M, threads=2),
    }
    answers: dict[str, Pairs] = {"two": ours.pairs(packed, ACROSS_M, HEIGHT_M, threads=2)}
    bases = {}
    for threads in (1, 2):
        base = bases[threads] = duck.connect(threads)
        duck.load(base, packed)
        answers[f"duck {threads}"] = duck.pairs(base, ACROSS_M, HEIGHT_M)
        work[f"duck {threads}"] = partial(duck.pairs, base, ACROSS_M, HEIGHT_M)
    plain = None
    if compiler() and n <= 2_000:
        plain = brute(packed, ACROSS_M, HEIGHT_M)
        answers["plain"] = plain.pairs
        work["plain"] = lambda: brute(packed, ACROSS_M, HEIGHT_M)
    took = seconds_in_turn(ROUNDS, work)
    for base in bases.values():
        base.close()
    faster, two_s = _threads_beside(work["one"], work["two"])

    legs = ours.exact_tests(packed, ACROSS_M, HEIGHT_M)
    tests = f"{legs:,} tests of two legs of {leg_test_s() * 1e9:.0f} ns, and {packed.nodes.nbytes / 1e6:,.0f} MB read"
    found = f"{len(truth):,} pairs"
    yield Row(
        job=job,
        who=f"{OURS}, 1 thread",
        seconds=took["one"],
        answer=found,
        floor_s=floor_s(legs, packed.nodes),
        remark=tests,
    )
    yield Row(
        job=job,
        who=f"{OURS}, 2 threads",
        seconds=two_s,
        remark=f"{faster:.2f}x as fast as one, in turn with it on either core",
        **_same(answers["two"], truth),
    )
    yield Row(
        job=job,
        who=f"{OURS}, from latitudes and longitudes to points in space",
        seconds=took["pack"],
        floor_s=read_once_s(plans.t_s, plans.lat_deg, plans.lon_deg, plans.alt_m),
        remark="done once for a set of plans",
    )
    yield Row(job=job, who=f"{OURS}, the whole call: checked, packed, found", seconds=took["whole"])
    for threads in (1, 2):
        name = f"duck {threads}"
        against = took["one" if threads == 1 else "two"]
        yield Row(
            job=job,
            who=f"DuckDB, SQL grid join, {threads} thread{'s' if threads > 1 else ''}",
            seconds=took[name],
            times=took[name] / against,
            **_same(answers[name], truth),
            remark="of points in space, loaded before the clock starts",
        )
    if plain:
        yield Row(
            job=job,
            who="no index, plain C loop with our test of two legs",
            seconds=took["plain"],
            times=took["plain"] / took["one"],
            **_same(plain.pairs, truth),
            remark=f"{plain.tested:,} tests, {plain.met:,} of them too near",
        )
    yield from _flat(job, packed, truth, took["one"])


def _threads_beside(one: Callable[[], object], two: Callable[[], object]) -> tuple[float, float]:
    """How many times as fast two threads are as one is on average on the same cores; and the seconds of two."""
    work = {f"one on {core}": partial(_on, {core}, one) for core in CORES or [0]}
    took = seconds_in_turn(THREAD_ROUNDS, {**work, "two": partial(_on, set(CORES), two)})
    return harmonic_mean([took[name] for name in work]) / took["two"], took["two"]


def _on(cores: set[int], work: Callable[[], object]) -> None:
    """Do it on these cores, where the system lets one choose."""
    if not CORES:
        work()
        return
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        work()
    finally:
        os.sched_setaffinity(0, before)


def _same(answer: Pairs, truth: Pairs) -> dict[str, Any]:
    """Whether a peer that answers the same question found the same pairs."""
    if answer == truth:
        return {"answer": f"the same {len(answer):,} pairs"}
    told = f"{len(answer):,} pairs: {len(truth - answer):,} of ours missing, {len(answer - truth):,} more"
    return {"answer": told, "agrees": False}


def _flat(job: str, packed: Packed, truth: Pairs, ours_s: float) -> Iterator[Row]:
    """Those who know a plane and one distance in space only."""
    flat = flatten(packed, ACROSS_M, HEIGHT_M)
    narrower = flat.within(truth, ACROSS_M)
    n = len(packed)
    question = f"a narrower question: {len(narrower):,} of our {len(truth):,} pairs"
    found = ticks.pairs(flat, ACROSS_M, TICK_S)
    took = seconds_in_turn(1, {"ticks": lambda: ticks.pairs(flat, ACROSS_M, TICK_S)})["ticks"]
    yield Row(
        job=job,
        who=f"scipy cKDTree every {TICK_S:.0f} s",
        seconds=took,
        times=took / ours_s,
        answer=f"misses {len(narrower - found):,} of {len(narrower):,}",
        agrees=not found - narrower,
        remark=f"not exact; {question}",
    )
    if n <= 2_000:
        meos = Meos(flat)
        found = meos.pairs(ACROSS_M)
        took = seconds_in_turn(ROUNDS, {"meos": lambda: meos.pairs(ACROSS_M)})["meos"]
        yield Row(
            job=job,
            who="MEOS edwithin, pairs whose boxes meet",
            seconds=took,
            times=took / ours_s,
            **_same(found, narrower),
            remark=question,
        )
    yield from _postgis(job, flat, narrower, ours_s, question)


def _postgis(job: str, flat: Flat, narrower: Pairs, ours_s: float, question: str) -> Iterator[Row]:
    who = "PostGIS nd-GiST and ST_CPAWithin"
    if postgis.programs() is None:
        yield Row(job=job, who=who, remark="SKIPPED: PostgreSQL with PostGIS is not installed here")
        return
    n = len(flat)
    with postgis.server() as base:
        postgis.load(base, flat)
        sample = n if n <= 2_000 else SAMPLE
        found = postgis.pairs(base, ACROSS_M, sample)
        took = seconds_in_turn(ROUNDS, {"postgis": lambda: postgis.pairs(base, ACROSS_M, sample)})["postgis"]
    if sample < n:
        narrower = {(a, b) for a, b in narrower if a % (n // sample) == 0}
        question = f"{sample:,} of {n:,} outer rows timed, {took:.3g} s, times {n // sample}; {question}"
        took *= n / sample
    yield Row(job=job, who=who, seconds=took, times=took / ours_s, **_same(found, narrower), remark=question)

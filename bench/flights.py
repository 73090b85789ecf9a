"""One day of real flights, as the `traffic` library ships it: ours beside that library's own search."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import numpy as np

from bench import ours
from bench.clock import seconds_in_turn
from bench.machine import floor_s
from bench.peers import cpa, duck
from bench.row import OURS, Row
from keepclear.geometry.pack import pack

TITLE = "A day of real flights"
ROUNDS = 5
HALF_HOURS = ("10:00", "12:00")
"""Of 2018-08-01, UTC: quiet and busier parts of the day that the library can do in seconds."""


def flights(small: bool) -> Iterator[Row]:
    """1,244 flights over Switzerland within 5 NM and 1,000 ft; and half an hour of them (small: that alone)."""
    day = cpa.switzerland()
    if not small:
        yield from _day(list(day))
    for begins in HALF_HOURS[:1] if small else HALF_HOURS:
        yield from _half_hour(cpa.half_hour(day, begins), begins)


def _day(day: list[Any]) -> Iterator[Row]:
    plans = cpa.plans(day)
    packed = pack(plans)
    found = ours.pairs(packed, cpa.ACROSS_M, cpa.HEIGHT_M)
    base = duck.connect(1)
    duck.load(base, packed)
    theirs = duck.pairs(base, cpa.ACROSS_M, cpa.HEIGHT_M)
    took = seconds_in_turn(
        ROUNDS,
        {
            "whole": lambda: ours.call(plans, cpa.ACROSS_M, cpa.HEIGHT_M),
            "pack": lambda: pack(plans),
            "one": lambda: ours.detect(packed, cpa.ACROSS_M, cpa.HEIGHT_M),
            "duck": lambda: duck.pairs(base, cpa.ACROSS_M, cpa.HEIGHT_M),
        },
    )
    base.close()
    job = f"a day: {len(plans):,} flights, {len(plans.t_s):,} fixes"
    legs = ours.exact_tests(packed, cpa.ACROSS_M, cpa.HEIGHT_M)
    yield Row(
        job=job,
        who=f"{OURS}, 1 thread",
        seconds=took["one"],
        floor_s=floor_s(legs, packed.nodes),
        answer=f"{len(found):,} pairs",
        remark=_rim(packed),
    )
    yield Row(job=job, who=f"{OURS}, packing", seconds=took["pack"])
    yield Row(job=job, who=f"{OURS}, the whole call: checked, packed, found", seconds=took["whole"])
    same = theirs == found
    yield Row(
        job=job,
        who="DuckDB, SQL grid join, 1 thread",
        seconds=took["duck"],
        times=took["duck"] / took["one"],
        answer=f"the same {len(theirs):,} pairs" if same else f"{len(theirs ^ found):,} pairs differ",
        agrees=same,
    )


def _rim(packed: Any) -> str:
    """How sure the set is: what a little more or less of either minimum would change."""
    nearer, farther = (len(ours.pairs(packed, cpa.ACROSS_M + by, cpa.HEIGHT_M)) for by in (-5.0, 5.0))
    higher = len(ours.pairs(packed, cpa.ACROSS_M, cpa.HEIGHT_M + 0.01))
    return f"{nearer:,} and {farther:,} with 5 m less and more on the ground; {higher:,} with 1 cm more of height"


def _half_hour(part: Any, begins: str) -> Iterator[Row]:
    some = list(part)
    plans = cpa.plans(some)
    packed = pack(plans)
    truth = {
        frozenset((some[a].callsign, some[b].callsign)): (a, b)
        for a, b in ours.pairs(packed, cpa.ACROSS_M, cpa.HEIGHT_M)
    }
    workers = os.cpu_count() or 1
    took = seconds_in_turn(ROUNDS, {"one": lambda: ours.call(plans, cpa.ACROSS_M, cpa.HEIGHT_M)})["one"]
    theirs: set[frozenset[str]] = set()

    def library() -> None:
        theirs.update(cpa.closest_point_of_approach(part, workers))

    slow = seconds_in_turn(1, {"library": library})["library"]
    job = f"half an hour from {begins}: {len(some)} flights, {len(plans.t_s):,} fixes"
    yield Row(job=job, who=f"{OURS}, the whole call, 1 thread", seconds=took, answer=f"{len(truth)} pairs")
    missed = [f"{_why(some, packed, *pair)}" for names, pair in sorted(truth.items(), key=str) if names not in theirs]
    more = theirs - truth.keys()
    yield Row(
        job=job,
        who=f"traffic, closest_point_of_approach, {workers} workers",
        seconds=slow,
        times=slow / took,
        answer=f"{len(theirs)} pairs: misses {len(missed)}" + (f", {len(more)} more" if more else ""),
        agrees=not more,
        remark="; ".join(missed),
    )


def _why(some: list[Any], packed: Any, a: int, b: int) -> str:
    """What kind of breach the library did not see."""
    stays = ours.detect(packed, cpa.ACROSS_M, cpa.HEIGHT_M)
    stays = stays[(np.minimum(stays["a"], stays["b"]) == a) & (np.maximum(stays["a"], stays["b"]) == b)]
    lasted = float((stays["t1_s"] - stays["t0_s"]).sum())
    why = "its filter lets it go" if cpa.sampled(some[a], some[b]) else "it lies between two fixes"
    names = " and ".join(sorted((some[a].callsign, some[b].callsign)))
    return f"{names} for {lasted:.1f} s in {len(stays)}: {why}"

"""Aircraft at one moment, 300 s ahead: ours beside BlueSky's detection in C++."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial

from bench import ours
from bench.clock import seconds_in_turn
from bench.machine import floor_s
from bench.peers import bluesky
from bench.row import OURS, Row
from bench.skies import AHEAD_S, sky
from bench.ways import ACROSS_M, HEIGHT_M
from keepclear.geometry.pack import pack

TITLE = "Look-ahead of 300 s"
ROUNDS = 5
RIM_M = 5.0
"""Two models of the earth may differ on a pair that passes so near the minimum, 200 km from the equator."""


def ahead(small: bool) -> Iterator[Row]:
    """500, 2,000 and 5,000 aircraft over one square (small: 500): who comes within 9,260 m and 300 m."""
    for n in (500,) if small else (500, 2_000, 5_000):
        here = sky(n)
        plans = here.plans()
        packed = pack(plans)
        traffic = here.traffic()
        truth = ours.pairs(packed, ACROSS_M, HEIGHT_M)
        found = bluesky.detect(traffic, ACROSS_M, HEIGHT_M, AHEAD_S)
        # Whoever differs must pass within a few metres of the minimum.
        inner = ours.pairs(packed, ACROSS_M - RIM_M, HEIGHT_M)
        outer = ours.pairs(packed, ACROSS_M + RIM_M, HEIGHT_M)
        took = seconds_in_turn(
            ROUNDS,
            {
                "whole": partial(ours.call, plans, ACROSS_M, HEIGHT_M),
                "one": partial(ours.detect, packed, ACROSS_M, HEIGHT_M),
                "bluesky": partial(bluesky.detect, traffic, ACROSS_M, HEIGHT_M, AHEAD_S),
            },
        )
        job = f"{n:,} aircraft"
        legs = ours.exact_tests(packed, ACROSS_M, HEIGHT_M)
        answer = f"{len(truth):,} pairs"
        yield Row(
            job=job, who=f"{OURS}, 1 thread", seconds=took["one"], answer=answer, floor_s=floor_s(legs, packed.nodes)
        )
        yield Row(job=job, who=f"{OURS}, the whole call: checked, packed, found", seconds=took["whole"])
        apart = truth ^ found
        told = f"the same {len(found):,} pairs"
        if apart:
            told = f"{len(found):,} pairs: {len(truth - found)} of ours missing, {len(found - truth)} more"
            told += f", all of which pass within {RIM_M:.0f} m of the minimum" if apart <= outer - inner else ""
        yield Row(
            job=job,
            who="BlueSky, state-based, C++",
            seconds=took["bluesky"],
            times=took["bluesky"] / took["one"],
            answer=told,
            agrees=apart <= outer - inner,
            remark=f"{took['bluesky'] / took['whole']:,.0f}x against the whole call",
        )

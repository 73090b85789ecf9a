"""How time and memory grow with how many there are, at one density and over one area."""

from __future__ import annotations

import json
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bench import fleet, ways
from bench.row import OURS, Row

TITLE = "Growth"
SAME, MORE = "area grows too", "area stays"
PLANS, PLANS_HERE, MOVERS, MOVERS_HERE = 20_000, 300_000, 50_000, 300_000
"""How many the area is meant for; and how many at most are put into it, for then the output is all there is."""


def growth(small: bool) -> Iterator[Row]:
    """1,000 to 1,000,000 plans and movers (small: to 3,000), each point in a process of its own, on one thread."""
    counts = (1_000, 3_000) if small else (1_000, 3_000, 10_000, 30_000, 100_000, 300_000, 1_000_000)
    for density in (SAME, MORE):
        for n in counts:
            if density == SAME or n <= PLANS_HERE:
                side_m = ways.SIDE_M * (math.sqrt(n / PLANS) if density == SAME else 1.0)
                yield _row("plans", n, density, side_m)
    for density in (SAME, MORE):
        for n in counts:
            if density == SAME or n <= MOVERS_HERE:
                scale = n / MOVERS if density == SAME else 1.0
                yield _row("movers", n, density, fleet.SIDE_M * math.sqrt(scale), round(10_000 * scale))


def _row(what: str, n: int, density: str, side_m: float, around: int = 0) -> Row:
    command = [sys.executable, "-W", "ignore", "-m", "bench.grow", what, str(n), str(side_m), str(around)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, cwd=Path(__file__).parent.parent)
    figures = json.loads(done.stdout)
    found = int(figures["found"])
    kept = f"{figures['bytes'] / 1e6:,.0f} MB at the most, {figures['given_bytes'] / 1e6:,.0f} MB of it there before"
    if what == "plans":
        job, answer = f"all pairs of {n:,} plans, {density}", f"{found:,} breaches ({found / n:.1f} a plan)"
        remark = f"packing {figures['before']:.3g} s; {kept}"
    else:
        job, answer = (
            f"one tick of {n:,} movers, {around:,} fences, {density}",
            f"{found:,} events ({found / n:.1f} each)",
        )
        remark = f"laying the fences {figures['before']:.3g} s; {kept}"
    return Row(
        job=job,
        who=OURS,
        seconds=figures["work"],
        rate=n / figures["work"],
        unit=what,
        answer=answer,
        remark=remark,
        figures={"what": what, "n": n, "density": density, **figures},
    )

"""One point of a curve, in a process of its own: `python -m bench.grow plans 1000 500000`; prints JSON."""

from __future__ import annotations

import gc
import json
import sys
import time
from pathlib import Path
from statistics import median

from bench import ours
from bench.fleet import NEAR_M, fences, fleet
from bench.ways import ACROSS_M, HEIGHT_M, flights
from keepclear.geometry.pack import pack
from keepclear.watch.live import Watch
from keepclear.watch.proximity import Proximity
from keepclear.watch.sightings import SEEN

TICKS = 4


def plans(n: int, side_m: float) -> dict[str, float]:
    """All pairs of n flights over a square: seconds to pack, seconds to find, what was found, and bytes."""
    made = flights(n, side_m=side_m)
    start_bytes = _begin()
    begin = time.perf_counter()
    packed = pack(made)
    packed_at = time.perf_counter()
    found = ours.detect(packed, ACROSS_M, HEIGHT_M)
    done = time.perf_counter()
    return {
        "before": packed_at - begin,
        "work": done - packed_at,
        "found": len(found),
        "found_bytes": found.nbytes,
        "given_bytes": start_bytes,
        "bytes": _peak(),
    }


def movers(n: int, side_m: float, around: int) -> dict[str, float]:
    """One tick of n movers over so many fences, all of them known already."""
    some, many = fences(around, side_m=side_m).plans(), fleet(n, TICKS, side_m=side_m)
    start_bytes = _begin()
    begin = time.perf_counter()
    watch = Watch(fences=some, proximity=Proximity(NEAR_M, hysteresis=0.0))
    laid_at = time.perf_counter()
    taken, found = [], 0
    for tick in range(TICKS):
        reports = many.reports(tick)
        start = time.perf_counter()
        found = len(watch.feed(reports))
        taken.append(time.perf_counter() - start)
    return {
        "before": laid_at - begin,
        "work": median(taken[1:]),
        "found": found,
        "found_bytes": found * SEEN.itemsize,
        "given_bytes": start_bytes,
        "bytes": _peak(),
    }


def _begin() -> float:
    """Forget the memory that making the data took at its highest; what is in use now."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    return _status("VmRSS")


def _peak() -> float:
    """The most memory in use since `_begin`."""
    return _status("VmHWM")


def _status(name: str) -> float:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return float(line.split()[1]) * 1024.0
    raise LookupError(name)


if __name__ == "__main__":
    kind, count, side, *more = sys.argv[1:]
    if kind == "plans":
        print(json.dumps(plans(int(count), float(side))))
    else:
        print(json.dumps(movers(int(count), float(side), int(more[0]))))

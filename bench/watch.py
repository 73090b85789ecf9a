"""Live positions: who is in which fence and who is near whom, beside shapely's and scipy's trees."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Iterator
from functools import partial
from statistics import median

import numpy as np

from bench.fleet import NEAR_M, Fences, Fleet, fences, fleet
from bench.machine import read_once_s, touch_s
from bench.peers.live import Tick, Trees, changes
from bench.row import OURS, Row
from keepclear.geometry.columns import IntArray, Plans, Positions
from keepclear.geometry.earth import distance_m
from keepclear.watch.live import Watch
from keepclear.watch.live_findings import LIVE_KINDS, LiveFindings, LiveKind
from keepclear.watch.proximity import Proximity

TITLE = "Live positions"
ROUNDS = 7
TICKS = 5


def watch(small: bool) -> Iterator[Row]:
    """50,000 movers (small: 2,000) that report five times, over 10,000 fences (small: 400), near at 1 km."""
    n, k = (2_000, 400) if small else (50_000, 10_000)
    side_m = 300_000.0 * math.sqrt(n / 50_000)
    yield from _beside(fleet(n, TICKS, side_m=side_m), fences(k, side_m=side_m))


def _beside(movers: Fleet, around: Fences) -> Iterator[Row]:
    n, k = movers.xy.shape[1], len(around)
    reports = [movers.reports(tick) for tick in range(TICKS)]
    plans = around.plans()
    trees = Trees(around)
    truth = trees.run(movers)
    watcher = _watch(plans)
    told = [watcher.feed(batch) for batch in reports]
    answer = _agreement(told, truth, movers, around)
    taken: dict[str, list[list[float]]] = {}
    # All in turn, all on one thread, our watch made anew each round.
    for _ in range(ROUNDS):
        for name, fenced, near in (("both", True, True), ("fences", True, False), ("near", False, True)):
            taken.setdefault(name, []).append(_ticks(partial(_feed, _watch(plans, fenced=fenced, near=near), reports)))
        nothing: list[IntArray] = [np.empty(0, dtype=np.int64)] * 2
        taken.setdefault("trees", []).append(_ticks(partial(_changes, trees, movers, nothing)))
        taken.setdefault("trees within", []).append(_ticks(partial(trees.within, movers)))
        taken.setdefault("trees near", []).append(_ticks(partial(trees.near, movers)))
    seconds = {name: median(map(sum, each)) for name, each in taken.items()}
    later = {name: median(sum(ticks[1:]) for ticks in each) for name, each in taken.items()}
    all_reports = n * TICKS
    corners = len(around.xy)
    parts = (
        ("both", f"fences and nearness, {n:,} movers, {k:,} fences ({corners:,} edges), {NEAR_M:,.0f} m", "trees"),
        ("fences", "fences alone", "trees within"),
        ("near", "nearness alone", "trees near"),
    )
    # A report, its mover and the cells about it, and whatever it turns out to be within or near.
    columns = (getattr(reports[0], name) for name in ("mover", "t_s", "lat_deg", "lon_deg", "alt_m"))
    report_s, touch = read_once_s(*columns) / n, touch_s(64 * n)
    within, near = (
        sum(map(len, each)) / all_reports for each in zip(*((t.inside, t.near) for t in truth), strict=True)
    )
    touches = {"fences": 2.0 + within, "near": 10.0 + 2.0 * near}
    touches["both"] = touches["fences"] + touches["near"] - 1.0
    for name, job, peer in parts:
        yield Row(
            job=job,
            who=f"{OURS}, one thread, findings told",
            rate=all_reports / seconds[name],
            unit="positions",
            floor_s=report_s + touches[name] * touch,
            answer=answer if name == "both" else "",
            remark=f"{(all_reports - n) / later[name]:,.0f}/s after the first reports of all",
        )
        tool = {"trees": "shapely STRtree + scipy cKDTree", "trees within": "shapely STRtree, prepared outlines"}
        yield Row(
            job=job,
            who=tool.get(peer, "scipy cKDTree built every tick"),
            rate=all_reports / seconds[peer],
            unit="positions",
            times=seconds[peer] / seconds[name],
            answer=f"{len(truth[0].inside):,} within, {len(truth[0].near):,} near after the first tick"
            if name == "both"
            else "",
            remark="what is; what changed by sorting and comparing" if name == "both" else "what is, no changes told",
        )


def _watch(plans: Plans, *, fenced: bool = True, near: bool = True) -> Watch:
    proximity = Proximity(NEAR_M, hysteresis=0.0) if near else None
    return Watch(fences=plans if fenced else None, proximity=proximity)


def _ticks(work: Callable[[int], object]) -> list[float]:
    """Seconds of each tick."""
    gc.collect()
    taken = []
    for tick in range(TICKS):
        start = time.perf_counter()
        work(tick)
        taken.append(time.perf_counter() - start)
    return taken


def _feed(watch: Watch, reports: list[Positions], tick: int) -> None:
    watch.feed(reports[tick])


def _changes(trees: Trees, movers: Fleet, before: list[IntArray], tick: int) -> None:
    """What is after a tick, and what began and ended since the one before, which is then kept."""
    now = [trees.within(movers, tick), trees.near(movers, tick)]
    for was, held in zip(before, now, strict=True):
        changes(was, held)
    before[:] = now


def _agreement(told: list[LiveFindings], truth: list[Tick], movers: Fleet, around: Fences) -> str:
    """Folds what we told into what holds after every tick, and compares it with what the trees say holds then.

    Where the two differ, how far that position is from the rim, or that pair from the radius, is said.
    """
    n, k = movers.xy.shape[1], len(around)
    inside = near = np.empty(0, dtype=np.int64)
    apart_m: list[float] = []
    passing = 0
    for tick, (found, true) in enumerate(zip(told, truth, strict=True)):
        inside, twice = _folded(found, inside, LiveKind.ENTERED, LiveKind.LEFT, k)
        near, more = _folded(found, near, LiveKind.NEAR, LiveKind.APART, n)
        passing += twice + more
        apart_m += [_off_rim_m(movers, around, tick, *divmod(key, k)) for key in np.setxor1d(inside, true.inside)]
        apart_m += [_off_radius_m(movers, tick, *divmod(key, n)) for key in np.setxor1d(near, true.near)]
    total = sum(len(found) for found in told)
    states = sum(len(true.inside) + len(true.near) for true in truth)
    verdict = f"after every tick the same as the trees' ({states:,} states)"
    if apart_m:
        verdict = (
            f"{len(apart_m):,} of {states:,} states differ from the trees', by {max(apart_m) * 1000:.2g} mm at most"
        )
    return f"{total:,} events, {passing:,} of them within one tick; {verdict}"


def _off_rim_m(movers: Fleet, around: Fences, tick: int, mover: int, fence: int) -> float:
    import shapely

    return float(shapely.distance(shapely.boundary(around.shapes[fence]), shapely.points(movers.xy[tick, mover])))


def _off_radius_m(movers: Fleet, tick: int, one: int, other: int) -> float:
    lat, lon = movers.lat_deg[tick], movers.lon_deg[tick]
    return abs(distance_m(lat[one], lon[one], lat[other], lon[other]) - NEAR_M)


def _folded(found: LiveFindings, held: IntArray, begins: LiveKind, ends: LiveKind, size: int) -> tuple[IntArray, int]:
    """What holds after these findings, and how many began and ended again within them."""
    kind = found.kind
    some = np.flatnonzero((kind == LIVE_KINDS.index(begins)) | (kind == LIVE_KINDS.index(ends)))
    subject = np.array([int(name[1:]) for name in found.subject[some]], dtype=np.int64)
    other = np.array([int(name[1:]) for name in found.other[some]], dtype=np.int64)
    if begins is LiveKind.NEAR:
        subject, other = np.minimum(subject, other), np.maximum(subject, other)
    key = subject * size + other
    last = len(key) - 1 - np.unique(key[::-1], return_index=True)[1]
    on = kind[some][last] == LIVE_KINDS.index(begins)
    now = np.union1d(held, key[last][on])
    now = np.setdiff1d(now, key[last][~on])
    return now, len(key) - len(np.setxor1d(held, now))

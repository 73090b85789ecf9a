"""The UTM listener as its clients find it: over sockets, durable, client included, on the machine's two cores.

The field's reference keeps its cells in a database cluster and cannot be had here, so nothing stands beside ours but
what the standard and the field's published figures ask for.
"""

from __future__ import annotations

import asyncio
import random
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from pathlib import Path

from bench.row import OURS, Row, time_text
from bench.utm_client import Caller
from bench.utm_host import busy_s, folder, resident_mb, serving, settled, token
from bench.utm_intents import INTENTS, LENGTH, Chain, chains, square_km
from bench.utm_notices import EVERY_S, SUBSCRIBERS, notices

TITLE = "UTM services: the DSS over sockets"
CALLERS = 48
Work = Callable[[Caller], Awaitable[None]]


def utm(small: bool) -> Iterator[Row]:
    """Writes spread out and in one cell, queries, growth, and memory."""
    live = 2_000 if small else 20_000
    many = 5_000 if small else 100_000
    with tempfile.TemporaryDirectory(dir=".") as scratch:
        yield from _writes(Path(scratch) / "busy", f"create an intent, {live:,} live, all in one cell", live, busy=True)
        yield from _writes(Path(scratch) / "spread", f"create an intent, {live:,} live, spread", live, busy=False)
        yield from _grown(Path(scratch) / "grown", many)
        waits = notices(Path(scratch) / "notices", 5 if small else 50)
        job = f"word of a change to {SUBSCRIBERS} subscribers, asked for to received"
        yield Row(job=job, who=f"{OURS}, a change every {EVERY_S} s", seconds=_at(waits, 0.5), answer=_spread(waits))


def _writes(at: Path, job: str, live: int, *, busy: bool) -> Iterator[Row]:
    shown = token(folder(at), "uss1")
    with serving(at) as (port, pid):
        waiting = [chain for chain in chains(live // LENGTH * 3, busy=busy) for _ in range(LENGTH)]
        asyncio.run(_at_full_load(port, shown, _writers(waiting[:live])))
        measured = live // 4
        before = busy_s(pid)
        rate, _ = asyncio.run(_at_full_load(port, shown, _writers(waiting[live : live + measured])))
        spent = (busy_s(pid) - before) / measured
        who = f"{OURS}, {CALLERS} callers as fast as they are answered"
        yield Row(job=job, who=who, rate=rate, unit="intents", remark=f"{time_text(spent)} of a core for each")
        rest = waiting[live + measured :]
        half = asyncio.run(_at_rate(port, shown, _writers(rest[: int(rate / 2 * 10)]), rate / 2))
        yield Row(job=job, who=f"{OURS}, at half of that rate", seconds=_at(half, 0.5), answer=_spread(half))


def _grown(at: Path, many: int) -> Iterator[Row]:
    """One node filled up, looked at on the way."""
    shown = token(folder(at), "uss1")
    waiting = [chain for chain in chains(many // LENGTH + 1_000, busy=False) for _ in range(LENGTH)]
    done = 0
    with serving(at) as (port, pid):
        before = resident_mb(pid)
        for size in sorted({1_000, 10_000, many}):
            measured = min(1_000, size // 2)
            asyncio.run(_at_full_load(port, shown, _writers(waiting[done : size - measured])))
            rate, _ = asyncio.run(_at_full_load(port, shown, _writers(waiting[size - measured : size])))
            done = size
            yield Row(job="create an intent as they grow", who=f"{OURS}, {size:,} live", rate=rate, unit="intents")
        settled(pid)
        each = (resident_mb(pid) - before) / many * 10_000
        remark = "with subscriptions, their history and every act in the record"
        yield Row(job="memory", who=f"{OURS}, {many:,} live", answer=f"{each:.0f} MB for 10,000 intents", remark=remark)
        chance = random.Random(2)
        queries = [_query(square_km(chance)) for _ in range(many // 5)]
        rate, _ = asyncio.run(_at_full_load(port, shown, queries))
        job = f"query 1 km² among {many:,} live"
        yield Row(job=job, who=f"{OURS}, {CALLERS} callers as fast as they are answered", rate=rate, unit="queries")
        half = asyncio.run(_at_rate(port, shown, queries[: int(rate * 5)], rate / 2))
        yield Row(job=job, who=f"{OURS}, at half of that rate", seconds=_at(half, 0.5), answer=_spread(half))


def _writers(waiting: Sequence[Chain]) -> list[Work]:
    """One piece of work for each place in a chain."""
    return [chain.write for chain in waiting]


def _query(body: bytes) -> Work:
    async def ask(caller: Caller) -> None:
        status, found = await caller.call("POST", f"{INTENTS}/query", body)
        assert status == 200, found[:500]

    return ask


async def _at_full_load(port: int, shown: str, work: Sequence[Work]) -> tuple[float, list[float]]:
    """Pieces a second when each caller asks again as soon as it is answered, and the seconds of each.

    What follows on one another (pieces of the same chain stand side by side) is asked by one caller.
    """
    callers = [await Caller.to(port, shown) for _ in range(CALLERS)]
    runs = _runs(work)
    taken: list[float] = []

    async def keep_asking(caller: Caller) -> None:
        while runs:
            for piece in runs.pop():
                start = time.perf_counter()
                await piece(caller)
                taken.append(time.perf_counter() - start)

    begun = time.perf_counter()
    await asyncio.gather(*(keep_asking(caller) for caller in callers))
    rate = len(work) / max(time.perf_counter() - begun, 1e-9)
    for caller in callers:
        caller.close()
    return rate, sorted(taken)


async def _at_rate(port: int, shown: str, work: Sequence[Work], rate: float) -> list[float]:
    """Seconds of each piece from the moment it was due, when they come at a rate whatever the answers do."""
    callers = [await Caller.to(port, shown) for _ in range(CALLERS)]
    lanes: list[list[tuple[float, Work]]] = [[] for _ in callers]
    due = 0.0
    chance = random.Random(3)
    for number, run in enumerate(_runs(work)):
        for piece in run:
            lanes[number % len(lanes)].append((0.0, piece))
    order = [(number, place) for number, lane in enumerate(lanes) for place in range(len(lane))]
    order.sort(key=lambda each: (each[1], each[0]))
    for number, place in order:
        due += chance.expovariate(rate)
        lanes[number][place] = (due, lanes[number][place][1])
    taken: list[float] = []
    begun = time.perf_counter()

    async def ask_in_time(caller: Caller, lane: list[tuple[float, Work]]) -> None:
        for due_s, piece in lane:
            early = begun + due_s - time.perf_counter()
            if early > 0:
                await asyncio.sleep(early)
            await piece(caller)
            taken.append(time.perf_counter() - begun - due_s)

    await asyncio.gather(*(ask_in_time(*each) for each in zip(callers, lanes, strict=True)))
    for caller in callers:
        caller.close()
    return sorted(taken)


def _runs(work: Sequence[Work]) -> list[list[Work]]:
    """Pieces that are of one chain, together and in order."""
    runs: list[list[Work]] = []
    last: object = None
    for piece in work:
        owner = getattr(piece, "__self__", piece)
        if owner is last:
            runs[-1].append(piece)
        else:
            runs.append([piece])
        last = owner
    return runs


def _at(taken: Sequence[float], share: float) -> float:
    return taken[min(int(len(taken) * share), len(taken) - 1)]


def _spread(taken: Sequence[float]) -> str:
    return f"p50 {time_text(_at(taken, 0.5))}, p99 {time_text(_at(taken, 0.99))}, of {len(taken):,}"

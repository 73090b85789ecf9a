"""kill -9 while the bridge speaks: each plan is on the line once, and the services' changes with it."""

from __future__ import annotations

import asyncio
import contextlib
import multiprocessing
import random
import time
from datetime import UTC, datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

from keepclear.model import acts as a
from keepclear.model.utm import UtmVolume
from keepclear.node.clock import SystemClock
from keepclear.node.utm_bridge import UtmBridge
from keepclear.store import SqliteStore
from tests.node.skies import RULES, Sky, sky
from tests.node.test_utm_bridge import LINE, TERMS
from tests.utm.cast import ALFA, HOME, at, uuid, volume

INTENTS = 30
ROUNDS = 6
URL = "http://127.0.0.1:9"


def place(number: int, radius_m: float) -> UtmVolume:
    now = datetime.now(UTC).replace(microsecond=0)
    where = volume((HOME[0] + number * 0.02, HOME[1]), radius_m)
    return at(where, starts_at=now + timedelta(minutes=1), ends_at=now + timedelta(hours=1))


def speak(record: Path, told: Connection) -> None:
    """A node whose bridge speaks without a pause, while its intents change; for a process of its own."""

    async def run() -> None:
        here = await sky(SqliteStore(record), SystemClock(), start=False)
        if LINE.id not in here.node.state.lines:
            await here.node.open_line(LINE)
        UtmBridge(here.node, here.uss, TERMS, RULES, pause_s=0.0).start()
        told.send("up")
        held = len(here.node.state.utm.intents)
        for number in range(held + 1, min(held + 10, INTENTS) + 1):
            await here.put(number, ALFA, URL, place(number, 300.0))
        while True:
            number = random.randrange(max(1, len(here.node.state.utm.intents))) + 1
            await here.put(number, ALFA, URL, place(number, random.uniform(100.0, 500.0)))
            await asyncio.sleep(0.01)

    asyncio.run(run())


async def caught_up(here: Sky) -> None:
    bridge = UtmBridge(here.node, here.uss, TERMS, RULES, pause_s=0.0)
    bridge.start()
    async with asyncio.timeout(30):
        while len(notices(here)) < INTENTS:
            await bridge.settled()
            await asyncio.sleep(0.01)
    await bridge.stop()


def notices(here: Sky) -> dict[str, list[str]]:
    """By plan: the notices of it."""
    found: dict[str, list[str]] = {}
    for message in here.node.state.log:
        if isinstance(message.act, a.Notice) and message.author == TERMS.party:
            found.setdefault(message.act.plan.id, []).append(message.id)
    return found


def test_each_plan_is_said_once_though_the_node_is_killed_again_and_again(tmp_path: Path) -> None:
    record, chance = tmp_path / "record.sqlite", random.Random(7)
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["tests.node.test_utm_bridge_kill"])
    for _ in range(ROUNDS):
        ours, theirs = processes.Pipe(duplex=False)
        process = processes.Process(target=speak, args=(record, theirs), daemon=True)
        process.start()
        theirs.close()
        assert ours.poll(60), "the node does not start"
        time.sleep(chance.uniform(0.0, 0.2))
        process.kill()
        process.join()
        with contextlib.suppress(EOFError, OSError):
            ours.close()

    async def look() -> None:
        here = await sky(SqliteStore(record), SystemClock(), start=False)
        try:
            assert notices(here), "it was killed before it had said anything"
            for number in range(1, INTENTS + 1):
                if uuid(number) not in here.node.state.utm.intents:
                    await here.put(number, ALFA, URL, place(number, 300.0))
            await caught_up(here)
            assert {plan: len(each) for plan, each in notices(here).items()} == {
                f"intent.{uuid(number)}": 1 for number in range(1, INTENTS + 1)
            }
            numbers = [m.act.number for m in here.node.state.log if isinstance(m.act, a.UtmChange)]
            assert numbers == list(range(1, len(numbers) + 1))
        finally:
            await here.stop()

    asyncio.run(look())

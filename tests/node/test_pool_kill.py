"""Instances as real processes: killed or stopped at any moment, they lose nothing and hold up nobody for long."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable, Sequence
from datetime import timedelta
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess

from keepclear.node.node import Node
from keepclear.store import NewRow, Turn
from keepclear.store import postgres as postgres_store
from keepclear.store.postgres import PostgresStore, PostgresTurn
from tests.node import saying
from tests.node.pool import DESK, NODE, instance, one_record, pool
from tests.node.test_composition import outcomes, taking
from tests.postgres import Server
from tests.world import START

SPEAKERS = 8

Answered = tuple[str, int]
"""(act id, index)"""


def process(work: Callable[..., None], *arguments: object) -> tuple[BaseProcess, Connection]:
    """A process of its own, and what it tells."""
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["tests.node.test_pool_kill"])
    ours, theirs = processes.Pipe()
    started = processes.Process(target=work, args=(*arguments, theirs), daemon=True)
    started.start()
    theirs.close()
    return started, ours


def told(connection: Connection) -> list[Answered]:
    """All that a process told before it ended."""
    heard: list[Answered] = []
    try:
        while True:
            heard.append(connection.recv())
    except (EOFError, OSError):
        connection.close()
    return heard


# ── killed ──


def speak_without_end(url: str, name: str, tell: Connection) -> None:
    """An instance that speaks, and tells what it was answered. For a process of its own."""
    asyncio.run(_speak_without_end(url, name, tell))


async def _speak_without_end(url: str, name: str, tell: Connection) -> None:
    node = await instance(PostgresStore(url, NODE), tick_every_s=0.05)
    if "desk" not in node.state.lines:
        await node.open_line(DESK)

    async def speak(speaker: int) -> None:
        number = 0
        while True:
            number += 1
            at = START + timedelta(seconds=number)
            receipt = await node.submit("convoy", "desk", saying.positions(at, f"{name}-{speaker}"))
            tell.send((receipt.act_id, receipt.index))
            message = await node.compose(taking(f"{name}.{speaker}.{number}", "a"))
            assert message is not None
            tell.send((message.id, message.index))

    await asyncio.gather(*(speak(speaker) for speaker in range(SPEAKERS)))


def test_kill_minus_nine_of_one_loses_nothing_and_the_others_go_on(database: Server) -> None:
    asyncio.run(_kill_minus_nine(database.without(NODE), random.Random(2017)))


async def _kill_minus_nine(url: str, chance: random.Random) -> None:
    async with pool(url, 1) as (here,):
        answered: list[Answered] = []
        stays, of_it = process(speak_without_end, url, "stays")
        assert await asyncio.to_thread(of_it.poll, 60)
        for round_ in range(4):
            killed, of_killed = process(speak_without_end, url, f"killed{round_}")
            assert await asyncio.to_thread(of_killed.poll, 60)
            end = time.monotonic() + chance.uniform(0.02, 0.2)
            while time.monotonic() < end:
                answered.append(await said(here, f"{round_}.{len(answered)}"))
            killed.kill()
            answered.append(await said(here, f"{round_}.after"))
            answered += await asyncio.to_thread(told, of_killed)
            killed.join()
        stays.kill()
        answered += await asyncio.to_thread(told, of_it)
        stays.join()
        assert len(answered) > 100
        again = await instance(PostgresStore(url, NODE))
        await one_record([here, again])
        assert {act: here.state.acts[act].index for act, _ in answered} == dict(answered)
        await again.stop()
        again.store.close()


async def said(node: Node, uss: str) -> Answered:
    message = await node.compose(taking(uss, "a"))
    assert message is not None
    return message.id, message.index


# ── stopped ──


class Holding(PostgresStore):
    """Waits, the first time it is about to append, until it is told to go on."""

    def __init__(self, url: str, tell: Connection) -> None:
        super().__init__(url, NODE)
        self.tell = tell
        self.armed = False

    def turn(self, known: int, last: bytes) -> Turn | None:  # type: ignore[override]
        turn = super().turn(known, last)
        return None if turn is None else HeldTurn(turn, self)


class HeldTurn:
    """See `Holding`."""

    def __init__(self, turn: PostgresTurn, store: Holding) -> None:
        self._turn = turn
        self._store = store
        self.new = turn.new

    def append(self, batch: Sequence[NewRow]) -> list[int]:
        if self._store.armed:
            self._store.armed = False
            self._store.tell.send("holding")
            self._store.tell.recv()
        return self._turn.append(batch)

    def end(self) -> None:
        self._turn.end()


def hold_the_turn(url: str, tell: Connection) -> None:
    """An instance that keeps its first turn, and tells what came of its acts. For a process of its own."""

    async def work() -> None:
        postgres_store.SILENT_HOLDER_S = 1
        store = Holding(url, tell)
        node = await instance(store)
        store.armed = True
        tell.send(await outcomes(node, taking("uss1", "stopped"), taking("uss2", "stopped")))

    asyncio.run(work())


def test_an_instance_stopped_with_the_turn_holds_up_nobody_and_is_judged_again(database: Server) -> None:
    async def work(url: str) -> None:
        async with pool(url) as (here, there):
            stopped, of_it = process(hold_the_turn, url)
            try:
                assert await asyncio.to_thread(of_it.recv) == "holding"
                assert stopped.pid is not None
                os.kill(stopped.pid, signal.SIGSTOP)
                # Readers wait for nobody.
                assert not (await here.current()).utm.availability
                async with asyncio.timeout(30):
                    assert await outcomes(here, taking("uss1", "here")) == ["Message"]
                assert (await there.current()).utm.availability["uss1"].version == "here"
                of_it.send("go on")
                os.kill(stopped.pid, signal.SIGCONT)
                assert await asyncio.to_thread(of_it.recv) == ["NotNow", "Message"]
            finally:
                stopped.kill()
                stopped.join()
            held = (await there.current()).utm.availability
            assert {uss: each.version for uss, each in held.items()} == {"uss1": "here", "uss2": "stopped"}

    asyncio.run(work(database.without(NODE)))

"""kill -9 while acts pour in: nothing answered is lost, nothing is there twice, and the record proves itself."""

from __future__ import annotations

import asyncio
import multiprocessing
import random
import time
from datetime import datetime, timedelta
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from keepclear.model import acts as a
from keepclear.model.base import Name
from keepclear.model.parties import LineCard
from keepclear.node.clock import SystemClock
from keepclear.node.network import HttpNetwork
from keepclear.node.node import Node
from keepclear.record import Entry
from keepclear.record.export import write_export
from keepclear.record.verify import verify_export
from keepclear.store import SqliteStore
from tests.node import saying
from tests.world import CAST, START, key, node_card

AUTHORS = ("desk.node", *CAST["desk.node"])
DESK = LineCard(id="desk", name=Name(en="At the desk", ar="على المكتب"), members=("convoy", "ground"))
SPEAKERS = 20

Report = tuple[str, datetime]
"""Which asset was where at what time: said once."""
Answered = tuple[Report, str, int]
"""(report, act id, index)"""


def run_node(record: Path, round_: int, told: Connection) -> None:
    """A node that speaks without end, and tells what it was answered. For a process of its own."""
    asyncio.run(_run_node(record, round_, told))


async def _run_node(record: Path, round_: int, told: Connection) -> None:
    keys = {author: key(author) for author in AUTHORS}
    node = Node(node_card("desk.node"), keys, SqliteStore(record), SystemClock(), HttpNetwork())
    await node.start()
    if "desk" not in node.state.lines:
        await node.open_line(DESK)

    async def speak(speaker: int) -> None:
        number = 0
        while True:
            number += 1
            asset, at = f"bus-{speaker}", START + timedelta(hours=round_, seconds=number)
            receipt = await node.submit("convoy", "desk", saying.positions(at, asset))
            told.send(((asset, at), receipt.act_id, receipt.index))

    await asyncio.gather(*(speak(speaker) for speaker in range(SPEAKERS)))


def kill_many_times(record: Path, rounds: int, seed: int) -> list[Answered]:
    """What was answered in all rounds."""
    chance = random.Random(seed)
    processes = multiprocessing.get_context("forkserver")
    processes.set_forkserver_preload(["tests.node.test_kill"])
    answered: list[Answered] = []
    for round_ in range(rounds):
        ours, theirs = processes.Pipe(duplex=False)
        process = processes.Process(target=run_node, args=(record, round_, theirs), daemon=True)
        process.start()
        theirs.close()
        assert ours.poll(60), f"seed {seed}, round {round_}: the node does not start"
        end = time.monotonic() + chance.uniform(0.0, 0.12)
        while (left := end - time.monotonic()) > 0:
            if ours.poll(left):
                answered.append(ours.recv())
        process.kill()
        process.join()
        try:
            while True:
                answered.append(ours.recv())
        except (EOFError, OSError):
            ours.close()
    return answered


async def check(record: Path, answered: list[Answered], directory: Path) -> None:
    store = SqliteStore(record)
    keys = {author: key(author) for author in AUTHORS}
    node = Node(node_card("desk.node"), keys, store, SystemClock(), HttpNetwork(), tick_every_s=None)
    await node.start()
    reported: dict[Report, tuple[str, int]] = {}
    for message in node.state.log:
        if isinstance(message.act, a.Positions):
            (track,) = message.act.tracks
            report = (track.asset, track.fixes[0].at)
            assert report not in reported
            reported[report] = (message.id, message.index)
    for report, act, index in answered:
        assert reported[report] == (act, index)
        assert store.row(index).act_id == act
    entries = (Entry(row.index, row.recorded_at, row.envelope) for row in store.rows())
    verifiers = {author: key_.verifier for author, key_ in keys.items()}
    write_export(directory, entries, verifiers, node.key, node.id)
    assert verify_export(directory, list(verifiers.values())).size == node.size
    await node.stop()
    store.close()


@pytest.mark.parametrize("rounds", [50, pytest.param(1000, marks=pytest.mark.soak)])
def test_kill_minus_nine_at_any_moment(tmp_path: Path, rounds: int) -> None:
    record = tmp_path / "record.sqlite"
    answered = kill_many_times(record, rounds, seed=rounds)
    assert len(answered) > rounds
    asyncio.run(check(record, answered, tmp_path / "export"))

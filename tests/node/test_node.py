"""A node's life: it begins with itself, goes on where it was, and does not start from a record that was touched."""

from __future__ import annotations

import asyncio
import dataclasses
import random
from collections.abc import Callable
from datetime import timedelta
from typing import TypeVar

import msgspec
import pytest

from keepclear.errors import BrokenRecord, Malformed, StoreFailed
from keepclear.line.state import State
from keepclear.model import acts as a
from keepclear.node import node as node_module
from keepclear.node.clock import HandClock
from keepclear.node.node import Node
from keepclear.record import Entry, check_consistency, check_inclusion, leaf_bytes, leaf_hash, open_checkpoint
from keepclear.store import MemoryStore
from tests.node import saying
from tests.node.test_writer import desk, inline
from tests.world import CAST, START, TearingDisk, Way, World, key, node_card, play

NOW = START
T = TypeVar("T")
KEY = key("desk.node").verifier


def told(state: State) -> list[tuple[str, int, str]]:
    return [(message.id, message.index, str(message.recorded_at)) for message in state.log]


def test_an_empty_record_begins_with_the_node_itself() -> None:
    async def story() -> None:
        store = MemoryStore()
        node = await desk(store)
        first = node.state.log[0]
        assert (first.line, first.author) == ("own.desk.node", "desk.node")
        assert isinstance(first.act, a.Enrol)
        assert first.act.node == node.card
        assert node.state.hosted() == ("convoy", "ground")
        size = node.size
        await node.stop()
        again = await desk(store)
        assert again.size == size
        await again.stop()

    play(story())


def test_a_node_that_moved_says_so() -> None:
    async def story() -> None:
        store = MemoryStore()
        await (await desk(store)).stop()
        world = World(0)
        card = msgspec.structs.replace(node_card("desk.node"), address="http://127.0.0.2:2")
        keys = {author: key(author) for author in ("desk.node", *CAST["desk.node"])}
        node = Node(card, keys, store, HandClock(NOW), Way(world, "desk.node"), aside=inline, tick_every_s=None)
        await node.start()
        assert node.state.nodes["desk.node"] == card
        assert isinstance(node.state.log[-1].act, a.Enrol)
        await node.stop()

    play(story())


def test_a_node_holds_the_keys_on_its_card() -> None:
    world = World(0)
    keys = {author: key(author) for author in ("desk.node", *CAST["desk.node"])}
    for wrong in ({**keys, "convoy": key("ground")}, {"desk.node": keys["desk.node"]}):
        with pytest.raises(Malformed) as refused:
            Node(node_card("desk.node"), wrong, MemoryStore(), HandClock(NOW), Way(world, "desk.node"))
        assert refused.value.field == "keys"


def test_a_node_goes_on_where_it_was() -> None:
    async def story() -> None:
        store = MemoryStore()
        node = await desk(store)
        call = await node.submit("convoy", "desk", saying.danger("ground"))
        await node.submit("ground", "desk", saying.said(a.Take(re=call.act_id)))
        await node.tick()
        before, root = told(node.state), node.checkpoint()
        await node.stop()
        again = await desk(store)
        assert told(again.state) == before
        assert again.checkpoint() == root
        receipt = await again.submit("ground", "desk", saying.positions(NOW))
        assert receipt.index == len(before)
        assert again.state.log[-1].seq == 2
        await again.stop()

    play(story())


class Touched(MemoryStore):
    """A platter that somebody wrote on."""

    def touch(self, at: int, **changes: object) -> None:
        self._rows[at] = dataclasses.replace(self._rows[at], **changes)  # type: ignore[arg-type]

    def cut(self, size: int) -> None:
        del self._rows[size:]

    def take_out(self, index: int) -> None:
        del self._rows[index]


def written() -> Touched:
    async def story() -> Touched:
        store = Touched()
        node = await desk(store)
        for number in range(4):
            await node.submit("convoy", "desk", saying.danger("ground", text=f"call {number}"))
        await node.tick()
        await node.stop()
        return store

    return play(story())


def start_again(store: MemoryStore) -> None:
    async def story() -> None:
        await (await desk(store)).stop()

    play(story())


def test_an_untouched_record_starts() -> None:
    start_again(written())


def test_every_touched_entry_is_found_and_named() -> None:
    size = written().size()
    for index in range(size):
        envelope = written().row(index).envelope
        place = envelope.index(b"said ")
        for changes in (
            {"envelope": envelope[:place] + b"s" + envelope[place + 1 :].replace(b"Z", b"z", 1)},
            {"recorded_at": NOW + timedelta(microseconds=1)},
            {"leaf_hash": leaf_hash(b"other")},
        ):
            store = written()
            store.touch(index, **changes)
            with pytest.raises(BrokenRecord) as broken:
                start_again(store)
            assert broken.value.where == f"entry {index}"


def test_an_entry_changed_with_its_hash_is_found_by_the_last_checkpoint() -> None:
    store = written()
    index = store.size() - 1
    row = store.row(index)
    recorded_at = row.recorded_at + timedelta(seconds=1)
    hash_ = leaf_hash(leaf_bytes(Entry(index, recorded_at, row.envelope)))
    store.touch(index, recorded_at=recorded_at, leaf_hash=hash_)
    with pytest.raises(BrokenRecord) as broken:
        start_again(store)
    assert broken.value.where == "checkpoint"


def test_what_is_cut_off_or_taken_out_is_found() -> None:
    for size in range(written().size()):
        store = written()
        store.cut(size)
        with pytest.raises(BrokenRecord):
            start_again(store)
        store = written()
        store.take_out(size)
        with pytest.raises(BrokenRecord):
            start_again(store)


def test_a_checkpoint_of_another_node_is_found() -> None:
    async def other() -> bytes:
        world = World(0)
        await world.start("russia.node")
        raw = world.nodes["russia.node"].checkpoint()
        await world.end()
        return raw

    store = written()
    store.set_note("checkpoint", play(other()))
    with pytest.raises(BrokenRecord) as broken:
        start_again(store)
    assert broken.value.where == "checkpoint"


def test_a_disk_that_cannot_be_written_at_the_start_is_said() -> None:
    async def story() -> None:
        disk = TearingDisk(MemoryStore(), random.Random(0))
        disk.fails = 1.0
        with pytest.raises(StoreFailed):
            await desk(disk)

    play(story())


def test_proofs_lead_to_the_checkpoint() -> None:
    async def story() -> None:
        node = await desk(MemoryStore())
        small, _ = open_checkpoint(node.checkpoint(), [KEY])
        receipts = [await node.submit("convoy", "desk", saying.positions(NOW)) for _ in range(5)]
        large, _ = open_checkpoint(node.checkpoint(), [KEY])
        assert large.origin == "desk.node"
        for receipt in receipts:
            proof = node.inclusion_proof(receipt.index)
            check_inclusion(receipt.index, large.size, receipt.leaf_hash, proof, large.root)
        check_consistency(small.size, large.size, node.consistency_proof(small.size), small.root, large.root)
        rows = await node.entries(receipts[1].index, receipts[3].index)
        assert [row.act_id for row in rows] == [receipt.act_id for receipt in receipts[1:3]]
        await node.stop()

    play(story())


def test_subscribers_hear_everything_once_and_in_order() -> None:
    async def story() -> None:
        node = await desk(MemoryStore())
        subscription = node.subscribe()
        left = node.subscribe()
        left.close()
        start = node.size
        await asyncio.gather(*(node.submit("convoy", "desk", saying.positions(NOW)) for _ in range(10)))
        await node.stop()
        assert [message.index async for message in subscription] == list(range(start, start + 10))
        assert [message.index async for message in left] == []

    play(story())


def test_a_subscriber_that_falls_too_far_behind_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        monkeypatch.setattr(node_module, "MAX_BEHIND", 3)
        node = await desk(MemoryStore())
        slow = node.subscribe()
        for _ in range(5):
            await node.submit("convoy", "desk", saying.positions(NOW))
        assert len([message async for message in slow]) == 3
        await node.stop()

    play(story())


def test_a_slow_disk_does_not_hold_up_the_loop() -> None:
    async def story() -> list[str]:
        events: list[str] = []

        async def slowly(work: Callable[[], T]) -> T:
            events.append("writing")
            await asyncio.sleep(1.0)
            events.append("written")
            return work()

        node = await desk(MemoryStore(), aside=slowly)
        events.clear()
        saying_it = asyncio.create_task(node.submit("convoy", "desk", saying.positions(NOW)))
        await asyncio.sleep(0.5)
        events.append("others go on")
        await saying_it
        await node.stop()
        return events

    assert play(story())[:3] == ["writing", "others go on", "written"]

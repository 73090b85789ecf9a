"""Several instances of a node over one record: each hears the others, none contradicts another, none is needed."""

from __future__ import annotations

import asyncio
import random
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar

import psycopg
import pytest
from psycopg.conninfo import make_conninfo

from keepclear.errors import BrokenRecord, NodeStopped, PeerUnreachable, StoreFailed, StoreLost
from keepclear.model import acts as a
from keepclear.model.acts import Said
from keepclear.model.parties import LineCard, NodeCard
from keepclear.node import turns
from keepclear.node.clock import HandClock, SystemClock
from keepclear.node.node import Node
from keepclear.node.peers import handle_pull, handle_push
from keepclear.record import Checkpoint, Entry, open_checkpoint
from keepclear.record.export import write_export
from keepclear.record.verify import verify_export
from keepclear.store import MemoryStore, NewRow, Turn
from keepclear.store.postgres import PostgresStore, PostgresTurn
from tests.node import saying
from tests.node.pool import AUTHORS, NODE, changes, instance, one_record, pool
from tests.node.test_composition import outcomes, taking
from tests.postgres import Server
from tests.world import MOVEMENT, START, key, node_card

T = TypeVar("T")


def played(story: Callable[[str], Coroutine[Any, Any, None]]) -> Callable[[Server], None]:
    """A test that is given the address of a database without a record, run to its end."""

    @wraps(story)
    def test(database: Server) -> None:
        asyncio.run(story(database.without(NODE)))

    del test.__wrapped__  # pytest would ask for the story's argument
    return test


async def outcome(work: Awaitable[object]) -> str:
    """The kind of what came of it."""
    try:
        return type(await work).__name__
    except Exception as error:
        return type(error).__name__


# ── one record ──


@played
async def test_what_one_answered_for_another_reads_at_once(url: str) -> None:
    async with pool(url, 3) as nodes:
        for number in range(30):
            writer, *readers = random.Random(number).sample(nodes, 3)
            needs = f"v{number - 1}" if number else ""
            message = await writer.compose(taking("uss1", f"v{number}", needs=needs))
            assert message is not None
            for reader in readers:
                state = await reader.current()
                assert state.utm.availability["uss1"].version == f"v{number}"
                assert state.acts[message.id].index == message.index
                assert reader.leaf_hash(message.index) == writer.leaf_hash(message.index)


@played
async def test_of_two_who_exclude_each_other_at_different_instances_one_is_refused(url: str) -> None:
    async with pool(url, 3) as nodes:
        for number in range(25):
            needs = nodes[0].state.utm.availability["uss1"].version if number else ""
            tries = (node.compose(taking("uss1", f"{number}{who}", needs=needs)) for who, node in enumerate(nodes))
            assert sorted(await asyncio.gather(*map(outcome, tries))) == ["Message", "NotNow", "NotNow"]
            await nodes[0].current()
        assert [change.number for change in changes(nodes[0])] == list(range(1, 26))


@played
async def test_many_speak_at_every_instance_and_chains_stay_whole(url: str) -> None:
    async with pool(url, 3) as nodes:

        async def speak(node: Node, speaker: int) -> None:
            for number in range(8):
                at = START + timedelta(seconds=number)
                author = ("convoy", "ground")[speaker % 2]
                await node.submit(author, "desk", saying.positions(at, f"bus-{speaker}"))

        await asyncio.gather(*(speak(node, 10 * which + n) for which, node in enumerate(nodes) for n in range(5)))
        await nodes[0].current()
        assert sum(isinstance(message.act, a.Positions) for message in nodes[0].state.log) == 3 * 5 * 8


@played
async def test_the_same_form_handed_to_two_instances_is_on_record_once(url: str) -> None:
    async with pool(url) as nodes:
        form = Said(role=saying.OFFICER, act=saying.notice(SystemClock().now(), "ground").act, draft="d" * 32)
        receipts = await asyncio.gather(*(node.submit("convoy", "desk", form) for node in nodes))
        assert len({receipt.index for receipt in receipts}) == 1


@played
async def test_an_idle_instance_hears_what_another_wrote_without_being_asked(url: str) -> None:
    async with pool(url, tick_every_s=1.0) as (writer, idle):
        heard = idle.subscribe()
        message = await writer.compose(taking("uss1", "a"))
        assert message is not None
        async with asyncio.timeout(30):
            async for each in heard:
                if each.id == message.id:
                    break
        assert each.index == message.index
        assert idle.state.utm.availability["uss1"].version == "a"
        heard.close()


@played
async def test_subscribers_hear_every_act_once_and_in_order_whoever_wrote_it(url: str) -> None:
    async with pool(url) as nodes:
        first = nodes[0].size
        heard = [node.subscribe() for node in nodes]
        await asyncio.gather(*(node.compose(taking(f"uss{n}", "a")) for n in range(20) for node in nodes[n % 2 :][:1]))
        for node in nodes:
            await node.current()
        for each in heard:
            each.close()
            assert [message.index async for message in each] == list(range(first, first + 20))


@played
async def test_instances_that_start_at_once_enrol_their_node_once(url: str) -> None:
    stores = [PostgresStore(url, NODE) for _ in range(3)]
    nodes = await asyncio.gather(*map(instance, stores))
    await one_record(nodes)
    assert [type(message.act) for message in nodes[0].state.log] == [a.Enrol]
    for node, store in zip(nodes, stores, strict=True):
        await node.stop()
        store.close()


@played
async def test_the_record_time_never_goes_back_though_clocks_differ(url: str) -> None:
    ahead, behind = HandClock(START + timedelta(seconds=40)), HandClock(START)
    stores = [PostgresStore(url, NODE) for _ in range(2)]
    nodes = [await instance(store, clock=clock) for store, clock in zip(stores, (ahead, behind), strict=True)]
    for number in range(6):
        await nodes[number % 2].compose(taking(f"uss{number}", "a"))
    await one_record(nodes)
    assert nodes[1].clock_behind_s == 40.0
    for node, store in zip(nodes, stores, strict=True):
        await node.stop()
        store.close()


# ── what the node says of itself ──


def said_by_node(node: Node) -> list[str]:
    return [f"{m.act}" for m in node.state.log if isinstance(m.act, a.Receipt | a.Noticed)]


@played
async def test_what_a_node_owes_is_said_by_one_instance_only(url: str) -> None:
    async with pool(url, 3) as (first, second, third):
        before = len(said_by_node(first))

        async def silent() -> None:
            """As if it died before it did what it owes."""

        first._writer._do_duties = silent  # type: ignore[method-assign]
        await first.submit("convoy", "desk", saying.notice(SystemClock().now(), "ground"))
        await asyncio.gather(second.current(), third.current())
        assert len(said_by_node(second)) == before
        # Both see what is owed before either has its turn.
        await asyncio.gather(second.tick(), third.tick())
        await first.current()
        owed = said_by_node(first)
        assert len(owed) > before
        assert len(set(owed)) == len(owed)


# ── checkpoints ──


@played
async def test_the_checkpoint_that_is_kept_never_gets_smaller(url: str) -> None:
    async with pool(url) as (lagging, leading):
        before = lagging.size
        await leading.compose(taking("uss1", "a"))
        await leading._keep_checkpoints()
        assert lagging.size == before
        await lagging._keep_checkpoints()
        assert kept_checkpoint(leading).size == leading.size > before
        await lagging.current()
        await lagging.compose(taking("uss1", "b", needs="a"))
        await lagging._keep_checkpoints()
        assert kept_checkpoint(leading).size == lagging.size


def kept_checkpoint(node: Node) -> Checkpoint:
    raw = node.store.note("checkpoint")
    assert raw is not None
    return open_checkpoint(raw, [node.key.verifier])[0]


# ── turns that are lost ──


class Losing(PostgresStore):
    """Loses its turn where a test says so. `meanwhile` is what happens then."""

    def __init__(self, url: str) -> None:
        super().__init__(url, NODE)
        self.url = url
        self.loses: list[str] = []
        self.meanwhile: Callable[[], object] = lambda: None

    def turn(self, known: int, last: bytes) -> Turn | None:  # type: ignore[override]
        turn = super().turn(known, last)
        return None if turn is None else LosingTurn(turn, self)


class LosingTurn:
    """The server cuts it off before it appends, or its answer is lost after it has."""

    def __init__(self, turn: PostgresTurn, store: Losing) -> None:
        self._turn = turn
        self._store = store
        self.new = turn.new

    def append(self, batch: Sequence[NewRow]) -> list[int]:
        loses = self._store.loses.pop() if self._store.loses else ""
        if loses == "before":
            pid = self._turn._connection.info.backend_pid
            with psycopg.connect(self._store.url, autocommit=True) as other:
                other.execute("SELECT pg_terminate_backend(%s, 5000)", (pid,))
            self._store.meanwhile()
        indices = self._turn.append(batch)
        if loses == "after":
            self._store.meanwhile()
            raise StoreLost("the answer did not come")
        return indices

    def end(self) -> None:
        self._turn.end()


@asynccontextmanager
async def losing_pool(url: str) -> AsyncIterator[tuple[Node, Losing, Node]]:
    """An instance that loses its turns, its store, and another instance."""
    async with pool(url, 1) as (other,):
        store = Losing(url)
        node = await instance(store)
        try:
            yield node, store, other
            await one_record([node, other])
        finally:
            await node.stop()
            store.close()


def beside(work: Callable[[], Coroutine[Any, Any, T]]) -> Callable[[], T]:
    """A call for another thread that waits until this loop has done the work."""
    loop = asyncio.get_running_loop()
    return lambda: asyncio.run_coroutine_threadsafe(work(), loop).result(30)


@played
async def test_a_turn_that_was_lost_is_taken_again(url: str) -> None:
    async with losing_pool(url) as (node, store, _):
        store.loses = ["before"]
        many = [taking(f"uss{number}", "a") for number in range(5)]
        assert await outcomes(node, *many) == ["Message"] * 5
        assert [change.number for change in changes(node)] == [1, 2, 3, 4, 5]
        store.loses = ["before"]
        receipt = await node.submit("convoy", "desk", saying.notice(SystemClock().now(), "ground"))
        assert store.index_of(receipt.act_id) == receipt.index


@played
async def test_what_others_kept_meanwhile_counts_when_it_is_judged_again(url: str) -> None:
    async with losing_pool(url) as (node, store, other):
        store.loses = ["before"]
        store.meanwhile = beside(lambda: other.compose(taking("uss1", "theirs")))
        assert await outcomes(node, taking("uss1", "ours"), taking("uss2", "ours")) == ["NotNow", "Message"]
        held = (await other.current()).utm.availability
        assert (held["uss1"].version, held["uss2"].version) == ("theirs", "ours")


@played
async def test_what_turns_out_to_be_kept_is_answered_and_not_said_again(url: str) -> None:
    async with losing_pool(url) as (node, store, other):
        store.loses = ["after"]
        store.meanwhile = beside(lambda: other.compose(taking("uss1", "b", needs="a")))
        message, receipt = await asyncio.gather(
            node.compose(taking("uss1", "a")), node.submit("convoy", "desk", saying.positions(START, "bus-1"))
        )
        assert message is not None
        assert store.row(message.index).act_id == message.id
        assert store.row(receipt.index).act_id == receipt.act_id
        assert [change.put[0].version for change in changes(node)] == ["a", "b"]  # type: ignore[union-attr]
        assert sum(isinstance(each.act, a.Positions) for each in node.state.log) == 1


@played
async def test_a_turn_lost_again_and_again_is_told_and_leaves_nothing(url: str) -> None:
    async with losing_pool(url) as (node, store, other):
        await node.compose(taking("uss1", "a"))
        size = store.size()
        store.loses = ["before"] * 6
        assert await outcomes(node, taking("uss1", "b", needs="a")) == ["StoreLost"]
        assert (store.size(), node.state.utm.ahead, node.state.utm.availability["uss1"].version) == (size, False, "a")
        assert await outcomes(node, taking("uss1", "b", needs="a")) == ["Message"]
        assert (await other.current()).utm.availability["uss1"].version == "b"


@played
async def test_while_the_database_is_away_everything_is_refused_and_then_goes_on(url: str) -> None:
    async with losing_pool(url) as (node, store, other):
        kept, store._conninfo = store._conninfo, make_conninfo("", host="/nowhere")
        store._forget_idle()
        assert await outcomes(node, taking("uss1", "a")) == ["StoreFailed"]
        with pytest.raises(StoreFailed):
            await node.current()
        assert not node.state.utm.ahead
        store._conninfo = kept
        await other.compose(taking("uss1", "b"))
        assert (await node.current()).utm.availability["uss1"].version == "b"
        assert await outcomes(node, taking("uss1", "a")) == ["NotNow"]


@played
async def test_another_record_under_the_same_name_ends_the_writer(url: str) -> None:
    async with pool(url) as nodes:
        await nodes[0].current()
        store = PostgresStore(url, NODE)
        node = await instance(store)
        await node.current()
        node._writer.tree.append(b"x" * 32)
        assert await outcomes(node, taking("uss1", "a")) == ["NodeStopped"]
        assert isinstance(node.failed, BrokenRecord)
        with pytest.raises((BrokenRecord, NodeStopped)):
            await node.current()
        await node.stop()
        store.close()


# ── far behind ──


@played
async def test_an_instance_far_behind_reads_first_and_then_takes_its_turn(url: str) -> None:
    async with pool(url) as (ahead, behind):
        many = [taking(f"uss{number}", "a") for number in range(1300)]
        assert await outcomes(ahead, *many) == ["Message"] * 1300
        message = await behind.compose(taking("uss7", "b", needs="a"))
        assert message is not None
        assert message.index == ahead.size


# ── one question for many ──


class Asked:
    """A store that is only asked for its size, and says when."""

    def __init__(self) -> None:
        self.sizes = 0
        self.may_answer = asyncio.Event()

    async def aside(self, work: Callable[[], T]) -> T:
        result = work()
        await self.may_answer.wait()
        return result

    def size(self) -> int:
        self.sizes += 1
        return self.sizes


def test_who_asks_while_a_question_is_out_waits_for_the_next() -> None:
    async def work() -> None:
        store = Asked()
        shared = turns.Shared(store, store.aside)  # type: ignore[arg-type]
        first = [asyncio.ensure_future(shared.size()) for _ in range(3)]
        while not store.sizes:
            await asyncio.sleep(0)
        later = [asyncio.ensure_future(shared.size()) for _ in range(3)]
        await asyncio.sleep(0)
        first[0].cancel()
        store.may_answer.set()
        assert await asyncio.gather(*first[1:]) == [1, 1]
        assert await asyncio.gather(*later) == [2, 2, 2]
        assert await shared.size() == 3

    asyncio.run(work())


# ── readers under load ──


@played
async def test_a_reader_is_answered_though_writes_never_cease(url: str) -> None:
    async with pool(url) as (node, other):
        ended = asyncio.Event()

        async def write(speaker: int) -> None:
            number = 0
            while not ended.is_set():
                number += 1
                await node.compose(taking(f"uss{speaker}.{number}", "a"))

        writers = [asyncio.create_task(write(speaker)) for speaker in range(20)]
        try:
            async with asyncio.timeout(30):
                for reader in (node, other):
                    for _ in range(10):
                        state = await reader.current()
                        assert not state.utm.ahead
        finally:
            ended.set()
            await asyncio.gather(*writers)


@played
async def test_a_reader_does_not_wait_for_a_turn_that_this_instance_waits_for(url: str) -> None:
    async with pool(url) as (node, other):
        await other.compose(taking("uss1", "a"))
        store = PostgresStore(url, NODE)
        last = store.row(store.size() - 1)
        turn = store.turn(last.index + 1, last.leaf_hash)
        assert turn is not None
        writing = asyncio.create_task(node.compose(taking("uss1", "b", needs="a")))
        await asyncio.sleep(0)
        assert (await node.current()).utm.availability["uss1"].version == "a"
        assert not writing.done()
        turn.end()
        assert await outcome(writing) == "Message"
        store.close()


# ── peers ──


class Streets:
    """The way between nodes of one process; what goes to a node that has instances goes to each of them in turn."""

    def __init__(self) -> None:
        self.nodes: dict[str, list[Node]] = {}

    async def push(self, peer: NodeCard, body: bytes) -> bytes:
        return await handle_push(self._next(peer), body)

    async def pull(self, peer: NodeCard, body: bytes) -> bytes:
        return await handle_pull(self._next(peer), body)

    async def close(self) -> None:
        pass

    def _next(self, peer: NodeCard) -> Node:
        if not self.nodes.get(peer.id):
            raise PeerUnreachable(f"{peer.id} is not there")
        instances = self.nodes[peer.id]
        instances.append(instances.pop(0))
        return instances[-1]


@played
async def test_a_peer_takes_what_every_instance_brings_once_and_is_heard_by_all(url: str) -> None:
    streets = Streets()
    stores = [PostgresStore(url, NODE) for _ in range(2)]
    nodes = [await instance(store, network=streets, tick_every_s=0.1) for store in stores]
    keys = {author: key(author) for author in ("coalition.node", "coalition")}
    peer = Node(node_card("coalition.node"), keys, MemoryStore(), SystemClock(), streets, tick_every_s=0.1)
    await peer.start()
    streets.nodes = {NODE: [*nodes], "coalition.node": [peer]}
    line = LineCard(id="shared", name=MOVEMENT.name, members=("coalition", "convoy"))
    await nodes[0].enrol(node_card("coalition.node"))
    await nodes[1].current()
    await nodes[1].open_line(line)
    await peer.enrol(node_card(NODE))
    await peer.open_line(line)
    said = [await node.submit("convoy", "shared", saying.positions(START, f"bus-{n}")) for n, node in enumerate(nodes)]
    answer = await peer.submit("coalition", "shared", saying.positions(START, "jet"))
    async with asyncio.timeout(30):
        while answer.act_id not in nodes[0].state.acts or answer.act_id not in nodes[1].state.acts:
            await asyncio.gather(*(node.current() for node in nodes))
            await asyncio.sleep(0.01)
        await asyncio.gather(*(each.settled() for each in (*nodes, peer)))
        while any(receipt.act_id not in peer.state.acts for receipt in said):
            await asyncio.sleep(0.01)
    assert peer.state.chain("shared", "convoy").ids == nodes[0].state.chain("shared", "convoy").ids
    assert nodes[0].state.chain("shared", "coalition").ids == peer.state.chain("shared", "coalition").ids
    assert not [view.stuck for node in (*nodes, peer) for view in node.peers() if view.stuck]
    await peer.stop()
    for node, store in zip(nodes, stores, strict=True):
        await node.stop()
        store.close()


# ── proof ──


@played
async def test_the_export_of_a_shared_record_proves_itself(url: str) -> None:
    async with pool(url) as nodes:
        for number in range(6):
            await nodes[number % 2].compose(taking(f"uss{number}", "a"))
        node = nodes[0]
        await node.current()
        with tempfile.TemporaryDirectory() as folder:
            export = Path(folder) / "export"
            entries = (Entry(row.index, row.recorded_at, row.envelope) for row in node.store.rows())
            verifiers = {author: key(author).verifier for author in AUTHORS}
            write_export(export, entries, verifiers, node.key, node.id)
            assert verify_export(export, list(verifiers.values())).size == node.size

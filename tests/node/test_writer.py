"""One writer: what is answered is on disk, what is refused changes nothing, many at once are judged as one by one."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from typing import TypeVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.errors import (
    BrokenRecord,
    Forged,
    Forked,
    KeepclearError,
    Malformed,
    NodeStopped,
    NotNow,
    OutOfOrder,
    Refused,
    StoreFailed,
)
from keepclear.formats.wire import write_said
from keepclear.line.duties import Draft
from keepclear.line.standing import standing
from keepclear.line.state import State
from keepclear.model import acts as a
from keepclear.model.acts import Said
from keepclear.model.base import Name
from keepclear.model.findings import FindingKind
from keepclear.model.parties import LineCard
from keepclear.model.tracks import Fix, Track
from keepclear.node import writer
from keepclear.node.clock import HandClock
from keepclear.node.node import Node, Receipt
from keepclear.node.turns import Aside
from keepclear.node.urgent import URGENT
from keepclear.record import NO_PREVIOUS, Entry, Header, SigningKey, leaf_bytes, leaf_hash, parse, seal
from keepclear.server.problems import of_error
from keepclear.store import MemoryStore, NewRow
from tests.node import saying
from tests.node.saying import said
from tests.world import AVOIDANCE, CAST, START, TearingDisk, Way, World, key, node_card, play

DESK = LineCard(id="desk", name=Name(en="At the desk", ar="على المكتب"), members=("convoy", "ground"))
NOW = START

T = TypeVar("T")


class CountingStore(MemoryStore):
    """Counts transactions."""

    def __init__(self) -> None:
        super().__init__()
        self.batches: list[int] = []

    def append(self, batch: Sequence[NewRow]) -> list[int]:
        self.batches.append(len(batch))
        return super().append(batch)


async def inline(work: Callable[[], T]) -> T:
    return work()


async def desk(store: MemoryStore | TearingDisk, clock: HandClock | None = None, aside: Aside = inline) -> Node:
    """The neutral desk alone, with a line between the two parties it speaks for."""
    keys = {author: key(author) for author in ("desk.node", *CAST["desk.node"])}
    world = World(0, {"desk.node": CAST["desk.node"]})
    node = Node(
        node_card("desk.node"),
        keys,
        store,
        clock or HandClock(NOW),
        Way(world, "desk.node"),
        aside=aside,
        rng=random.Random(0),
        tick_every_s=None,
    )
    await node.start()
    if "desk" not in node.state.lines:
        await node.open_line(DESK)
    return node


async def russia(world: World) -> Node:
    """Russia's node, paired with a coalition whose node is not there: a test plays it by hand."""
    await world.start("russia.node")
    node = world.nodes["russia.node"]
    await node.enrol(node_card("coalition.node"))
    await node.open_line(AVOIDANCE)
    return node


class ByHand:
    """The coalition's acts on the avoidance line, sealed by the test."""

    def __init__(self, key_: SigningKey | None = None) -> None:
        self.key = key_ or key("coalition")
        self.seq = 0
        self.prev = NO_PREVIOUS

    def say(self, what: Said, *, author: str = "coalition", line: str = "avoidance") -> bytes:
        raw = seal(Header(line, author, self.seq + 1, self.prev, NOW), write_said(what), self.key)
        self.seq, self.prev = self.seq + 1, parse(raw).id
        return raw


async def outcome(work: Awaitable[Receipt]) -> str:
    """The act id, or the code of the refusal."""
    try:
        receipt = await work
    except Refused as error:
        return error.code
    return receipt.act_id


# ── many at once ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_many_acts_share_few_transactions() -> None:
    async def story() -> list[int]:
        store = CountingStore()
        node = await desk(store)
        store.batches.clear()
        lots = [node.submit("convoy", "desk", saying.positions(NOW + timedelta(seconds=n))) for n in range(100)]
        receipts = await asyncio.gather(*lots)
        assert [receipt.index for receipt in receipts] == list(range(receipts[0].index, receipts[0].index + 100))
        await node.stop()
        return store.batches

    batches = play(story())
    assert sum(batches) == 100
    assert len(batches) <= 2


Choice = tuple[str, str, int]
"""What is said, by whom, and about the first or the second of its kind."""


def choices() -> st.SearchStrategy[list[Choice]]:
    kinds = [
        "notice",
        "danger",
        "positions",
        "proposal",
        "take",
        "close",
        "cancel",
        "correction",
        "answer",
        "read_back",
        "acknowledged",
        "suspend",
        "resume",
        "remark",
        "check",
        "opened",
    ]
    return st.lists(
        st.tuples(st.sampled_from(kinds), st.sampled_from(["convoy", "ground"]), st.integers(0, 1)),
        min_size=1,
        max_size=14,
    )


def act_for(choice: Choice, threads: dict[str, list[str]]) -> tuple[str, Said]:
    kind, author, which = choice
    other = "ground" if author == "convoy" else "convoy"
    acts: dict[str, Callable[[], Said]] = {
        "notice": lambda: saying.notice(NOW, other, id=f"plan-{which}"),
        "danger": lambda: saying.danger(other),
        "positions": lambda: saying.positions(NOW, f"bus-{which}"),
        "proposal": lambda: saying.proposal(NOW, other, topic=f"topic-{which}"),
        "take": lambda: said(a.Take(re=threads["danger"][which])),
        "close": lambda: said(a.Close(re=threads["danger"][which], outcome=saying.words("over"))),
        "cancel": lambda: said(a.Cancel(re=threads["notice"][which], reason=saying.words("not today"))),
        "correction": lambda: said(
            a.Correction(
                re=threads["notice"][which], plan=saying.plan(NOW, f"first-{which}"), reason=saying.words("later")
            )
        ),
        "answer": lambda: said(a.Answer(re=threads["proposal"][which], reply=a.Reply.WILL_COMPLY)),
        "read_back": lambda: saying.read_back(threads["notice"][which], NOW),
        "acknowledged": lambda: said(a.Receipt(re=threads["notice"][which], hop=a.Hop.ACKNOWLEDGED)),
        "suspend": lambda: said(a.Suspend(reason=saying.words("storm"))),
        "resume": lambda: said(a.Resume()),
        "remark": lambda: said(a.Remark(re=threads["danger"][which], words=saying.words("noted"))),
        "check": lambda: said(a.LineCheck()),
        "opened": lambda: said(a.Receipt(re=threads["notice"][which], hop=a.Hop.OPENED)),
    }
    return author, acts[kind]()


@given(choices())
def test_acts_that_come_at_once_are_judged_as_if_they_came_one_by_one(chosen: list[Choice]) -> None:
    async def outcomes(at_once: bool) -> tuple[list[str], dict[str, str]]:
        node = await desk(MemoryStore())
        threads: dict[str, list[str]] = {
            "danger": [
                (await node.submit("convoy", "desk", saying.danger("ground", text=f"{n}"))).act_id for n in range(2)
            ],
            "notice": [
                (await node.submit("convoy", "desk", saying.notice(NOW, "ground", id=f"first-{n}"))).act_id
                for n in range(2)
            ],
            "proposal": [
                (await node.submit("convoy", "desk", saying.proposal(NOW, "ground", topic=f"first-{n}"))).act_id
                for n in range(2)
            ],
        }
        acts = [act_for(choice, threads) for choice in chosen]
        acts.sort(key=lambda each: not isinstance(each[1].act, URGENT))  # as the writer does with those that wait
        if at_once:
            found = list(await asyncio.gather(*(outcome(node.submit(author, "desk", act)) for author, act in acts)))
        else:
            found = [await outcome(node.submit(author, "desk", act)) for author, act in acts]
        await node.tick()
        statuses = {id: standing(node.state, thread, NOW).status for id, thread in node.state.threads.items()}
        await node.stop()
        return found, statuses

    assert play(outcomes(at_once=True)) == play(outcomes(at_once=False))


# ── the disk ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_the_disk_refuses_was_not_said_and_the_node_goes_on() -> None:
    async def story() -> None:
        platter = MemoryStore()
        disk = TearingDisk(platter, random.Random(0))
        node = await desk(disk)
        before, root = node.size, node.checkpoint()
        disk.fails = 1.0
        attempts = [node.submit("convoy", "desk", saying.positions(NOW)) for _ in range(5)]
        answers = await asyncio.gather(*attempts, return_exceptions=True)
        assert [type(answer) for answer in answers] == [StoreFailed] * 5
        assert node.size == before == platter.size()
        assert node.checkpoint() == root
        assert node.state.chain("desk", "convoy").seq == 0
        disk.fails = 0.0
        receipt = await node.submit("convoy", "desk", saying.positions(NOW))
        assert receipt.index == before
        assert parse(platter.row(before).envelope).header.seq == 1
        assert node.failed is None
        await node.stop()

    play(story())


def test_nobody_sees_an_act_before_it_is_on_disk() -> None:
    async def story() -> None:
        store = MemoryStore()
        node = await desk(store)
        seen: list[tuple[int, int, int]] = []
        plain = store.append

        def append(batch: Sequence[NewRow]) -> list[int]:
            seen.append((node.size, len(node.state.log), node.state.chain("desk", "convoy").seq))
            return plain(batch)

        store.append = append  # type: ignore[method-assign]
        size = node.size
        await asyncio.gather(*(node.submit("convoy", "desk", saying.positions(NOW)) for _ in range(3)))
        assert seen == [(size, size, 0)]
        await node.stop()

    play(story())


def test_after_stopping_nothing_is_taken() -> None:
    async def story() -> None:
        node = await desk(MemoryStore())
        await node.stop()
        with pytest.raises(StoreFailed):
            await node.submit("convoy", "desk", saying.positions(NOW))
        with pytest.raises(NodeStopped, match="told to stop"):
            await node.tick()

    play(story())


def test_a_store_that_keeps_acts_elsewhere_ends_the_writing_and_is_said() -> None:
    async def story() -> None:
        store = MemoryStore()
        node = await desk(store)
        plain = store.append
        store.append = lambda batch: [index + 1 for index in plain(batch)]  # type: ignore[method-assign]
        attempts = [node.submit("convoy", "desk", saying.positions(NOW)) for _ in range(3)]
        answers = await asyncio.gather(*attempts, return_exceptions=True)
        assert [type(answer) for answer in answers] == [NodeStopped] * 3
        assert isinstance(node.failed, BrokenRecord)
        with pytest.raises(NodeStopped, match="BrokenRecord: store: it put acts at") as stopped:
            await node.submit("convoy", "desk", saying.positions(NOW))
        detail = of_error(stopped.value, "en").detail
        assert "has stopped" in detail
        assert "BrokenRecord" in detail
        await node.stop()

    play(story())


def test_too_much_at_once_is_refused_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> list[str]:
        node = await desk(MemoryStore())
        monkeypatch.setattr(writer, "MAX_WAITING", 3)
        attempts = [outcome(node.submit("convoy", "desk", saying.positions(NOW))) for _ in range(5)]
        found = await asyncio.gather(*attempts)
        await node.stop()
        return list(found)

    found = play(story())
    assert found[3:] == ["busy", "busy"]
    assert len(set(found[:3])) == 3


def test_a_fault_in_what_is_owed_does_not_end_the_writing_and_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(state: State, now: datetime) -> list[Draft]:
        raise ZeroDivisionError("two points opposite each other")

    async def story() -> None:
        node = await desk(MemoryStore())
        assert node.duties_failed is None
        with monkeypatch.context() as patched:
            patched.setattr(writer, "duties", broken)
            await node.submit("convoy", "desk", saying.danger("ground"))
            await node.tick()
            assert node.duties_failed == "ZeroDivisionError: two points opposite each other"
            await node.submit("convoy", "desk", saying.positions(NOW))
        assert node.failed is None
        await node.tick()
        assert node.duties_failed is None
        await node.stop()

    play(story())


# ── what is urgent ───────────────────────────────────────────────────────────────────────────────────────────────────


def told(node: Node, since: int) -> list[str]:
    return [type(message.act).__name__ for message in node.state.log[since:]]


def test_a_danger_call_goes_before_what_waits() -> None:
    async def story() -> None:
        node = await desk(MemoryStore())
        before = node.size
        waiting = [node.submit("convoy", "desk", saying.positions(NOW + timedelta(seconds=n))) for n in range(5)]
        await asyncio.gather(*waiting, node.submit("ground", "desk", saying.danger("convoy")))
        assert told(node, before)[:6] == ["DangerCall", *["Positions"] * 5]
        await node.stop()

    play(story())


def test_a_danger_call_goes_before_what_is_left_of_a_round() -> None:
    async def story() -> None:
        calls: list[asyncio.Task[Receipt]] = []

        async def calling_meanwhile(work: Callable[[], T]) -> T:
            if said_all.is_set() and not calls:
                calls.append(asyncio.create_task(node.submit("ground", "desk", saying.danger("convoy"))))
                await asyncio.sleep(0)
            return work()

        said_all = asyncio.Event()
        node = await desk(MemoryStore(), aside=calling_meanwhile)
        before = node.size
        said_all.set()
        # A suspension is judged and kept alone, so this takes several transactions.
        await asyncio.gather(
            *(
                node.submit("convoy", "desk", act)
                for act in [said(a.Suspend(reason=saying.words("storm"))), said(a.Resume())] * 3
            )
        )
        await calls[0]
        assert told(node, before)[:3] == ["Suspend", "DangerCall", "Resume"]
        await node.stop()

    play(story())


def test_what_a_peers_author_said_before_a_danger_call_goes_with_it() -> None:
    async def story() -> None:
        world = World(0)
        node = await russia(world)
        coalition, other = ByHand(), ByHand(key("coalition.node"))
        slow = [other.say(said(a.LineCheck()), author="coalition.node") for _ in range(3)]
        first, call, after = (
            coalition.say(what) for what in (saying.positions(NOW), saying.danger("russia"), saying.positions(NOW))
        )
        before = node.size
        taken = await node.take_in([*slow, first, call, after], "coalition.node")
        assert [index for index in taken if isinstance(index, KeepclearError)] == []
        heard = [message for message in node.state.log[before:] if not node.state.is_hosted(message.author)]
        assert [type(message.act).__name__ for message in heard] == [
            *("Positions", "DangerCall"),
            *["LineCheck"] * 3,
            "Positions",
        ]
        await world.end()

    play(story())


def test_what_is_forged_never_waits_with_the_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        world = World(0)
        node = await russia(world)
        forged = ByHand(SigningKey.from_raw("coalition", b"9" * 32)).say(saying.danger("russia"))
        true = ByHand().say(saying.danger("russia"))
        monkeypatch.setattr(writer, "MAX_WAITING", 0)
        answers = await node.take_in([forged, true, b"x"], "coalition.node")
        assert [answer.code for answer in answers if isinstance(answer, Refused)] == ["forged", "busy", "malformed"]
        monkeypatch.undo()
        await world.end()

    play(story())


# ── own acts ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("author", "line", "act", "kind", "field"),
    [
        ("russia", "desk", saying.positions(NOW), Forged, "author"),
        ("convoy", "nowhere", saying.positions(NOW), Malformed, "line"),
        ("convoy", "desk", said(a.Take(re="0" * 64)), Malformed, "act.re"),
        ("convoy", "desk", said(a.Resume()), NotNow, "act"),
        ("convoy", "Desk!", saying.positions(NOW), Malformed, "line"),
    ],
)
def test_a_refusal_names_the_field_and_changes_nothing(
    author: str, line: str, act: Said, kind: type[Refused], field: str
) -> None:
    async def story() -> None:
        node = await desk(MemoryStore())
        before = node.checkpoint()
        with pytest.raises(kind) as refused:
            await node.submit(author, line, act)
        assert refused.value.field == field
        assert node.checkpoint() == before
        await node.stop()

    play(story())


def test_an_act_too_large_for_an_envelope_is_refused() -> None:
    async def story() -> None:
        node = await desk(MemoryStore())
        tracks = saying.positions(NOW).act
        assert isinstance(tracks, a.Positions)
        fixes = tuple(
            Fix(at=NOW + timedelta(seconds=n), lat_deg=35.123456, lon_deg=40.0, uncertainty_m=1.0) for n in range(500)
        )
        many = tuple(
            Track(asset=f"bus-{n}", kind=track.kind, sensor=track.sensor, fixes=fixes, basis=track.basis)
            for n, track in enumerate([*tracks.tracks] * 3)
        )
        with pytest.raises(Malformed, match="bytes"):
            await node.submit("convoy", "desk", said(a.Positions(tracks=many)))
        await node.stop()

    play(story())


def test_record_time_never_goes_back() -> None:
    async def story() -> None:
        store = MemoryStore()
        clock = HandClock(NOW)
        node = await desk(store, clock)
        clock.set(NOW + timedelta(seconds=60))
        first = await node.submit("convoy", "desk", saying.positions(NOW))
        clock.set(NOW - timedelta(seconds=30))
        second = await node.submit("convoy", "desk", saying.positions(NOW))
        assert (first.recorded_at, second.recorded_at) == (NOW + timedelta(seconds=60),) * 2
        assert node.clock_behind_s == 90.0
        clock.set(NOW + timedelta(seconds=61))
        third = await node.submit("convoy", "desk", saying.positions(NOW))
        assert third.recorded_at == NOW + timedelta(seconds=61)
        assert node.clock_behind_s == 0.0
        await node.stop()

    play(story())


def test_a_receipt_says_where_the_act_is() -> None:
    async def story() -> None:
        store = MemoryStore()
        node = await desk(store)
        receipt = await node.submit("convoy", "desk", saying.positions(NOW))
        row = store.row(receipt.index)
        assert row.act_id == receipt.act_id
        assert leaf_hash(leaf_bytes(Entry(row.index, receipt.recorded_at, row.envelope))) == receipt.leaf_hash
        assert receipt.checkpoint == node.checkpoint()
        await node.stop()

    play(story())


# ── peers' acts ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_same_bytes_give_the_same_index_also_at_once() -> None:
    async def story() -> None:
        world = World(0)
        node = await russia(world)
        raw = ByHand().say(saying.danger("russia"))
        both = await asyncio.gather(*(node.receive(raw, "coalition.node") for _ in range(3)))
        again = await node.receive(raw, "somebody else")
        assert {receipt.index for receipt in [*both, again]} == {both[0].index}
        assert again.recorded_at == both[0].recorded_at
        assert [message.id for message in node.state.log].count(again.act_id) == 1
        await world.end()

    play(story())


def test_an_answer_that_comes_together_with_what_it_answers_is_taken() -> None:
    async def story() -> None:
        world = World(0)
        node = await russia(world)
        raw = ByHand().say(saying.danger("russia"))
        remark = said(a.Remark(re=parse(raw).id, words=saying.words("on our way")))
        call, answer = await asyncio.gather(
            node.receive(raw, "coalition.node"), node.submit("russia", "avoidance", remark)
        )
        assert answer.index == call.index + 1
        await world.end()

    play(story())


def test_what_cannot_be_placed_is_refused_and_can_come_again() -> None:
    async def story() -> None:
        world = World(0)
        node = await russia(world)
        coalition = ByHand()
        first, second, third = (coalition.say(saying.danger("russia", text=str(n))) for n in range(3))
        with pytest.raises(OutOfOrder) as early:
            await node.receive(third, "coalition.node")
        assert early.value.need_seq == 1
        answers = await node.take_in([first, third, second], "coalition.node")
        assert [type(answer) for answer in answers] == [int, OutOfOrder, int]
        assert isinstance(answers[1], OutOfOrder)
        assert answers[1].need_seq == 2
        assert isinstance((await node.take_in([third], "coalition.node"))[0], int)
        await world.end()

    play(story())


def hostile() -> list[tuple[str, bytes, type[Refused]]]:
    good = ByHand().say(saying.danger("russia"))
    text, _, signature = good.rpartition(b"\n\n")
    return [
        ("nothing", b"", Malformed),
        ("garbage", b"\xff\xfe\n\n", Malformed),
        ("too large", b"x" * 60_001, Malformed),
        ("cut off", good[:-5], Malformed),
        ("changed word", good.replace(b"danger", b"laughs"), Forged),
        ("changed line", good.replace(b"line avoidance", b"line movement"), Forged),
        ("other key", ByHand(SigningKey.from_raw("coalition", b"7" * 32)).say(saying.danger("russia")), Forged),
        ("no signature", text + b"\n\n", Malformed),
        ("doubled signature", text + b"\n\n" + signature + signature, Malformed),
        ("unknown author", ByHand(key("convoy")).say(saying.danger("russia"), author="convoy"), Forged),
        ("own line", ByHand().say(saying.danger("russia"), line="own.russia.node"), Forged),
        ("unknown line", ByHand().say(saying.danger("russia"), line="elsewhere"), Malformed),
        (
            "enrols a node",
            ByHand(key("coalition.node")).say(
                said(a.Enrol(node=node_card("desk.node"))), author="coalition.node", line="own.russia.node"
            ),
            Forged,
        ),
        (
            "not an act",
            seal(
                Header("avoidance", "coalition", 1, NO_PREVIOUS, NOW),
                b'{"role":"x","act":{"act":"strike"}}',
                key("coalition"),
            ),
            Malformed,
        ),
        (
            "from the future",
            seal(
                Header("avoidance", "coalition", 1, NO_PREVIOUS, NOW + timedelta(days=3)),
                write_said(saying.danger("russia")),
                key("coalition"),
            ),
            Refused,
        ),
    ]


@pytest.mark.parametrize(("raw", "kind"), [case[1:] for case in hostile()], ids=[case[0] for case in hostile()])
def test_hostile_envelopes_are_refused_and_change_nothing(raw: bytes, kind: type[Refused]) -> None:
    async def story() -> None:
        world = World(0)
        node = await russia(world)
        await node.tick()
        before = node.checkpoint()
        with pytest.raises(kind):
            await node.receive(raw, "coalition.node")
        assert node.checkpoint() == before
        assert isinstance((await node.take_in([ByHand().say(saying.danger("russia"))], "x"))[0], int)
        await world.end()

    play(story())


def test_two_acts_for_one_place_are_evidence() -> None:
    async def story() -> None:
        world = World(0)
        node = await russia(world)
        one, other = (ByHand().say(saying.danger("russia", text=text)) for text in ("here", "there"))
        third = ByHand().say(saying.danger("russia", text="nowhere"))
        answers = await node.take_in([one, other, third], "coalition.node")
        assert [type(answer) for answer in answers] == [int, Forked, Forked]
        assert isinstance((await node.take_in([other], "coalition.node"))[0], Forked)
        await node.tick()
        assert node.store.note(f"fork.{parse(other).id}") == other
        noticed = [message.act.finding for message in node.state.log if isinstance(message.act, a.Noticed)]
        (finding,) = [finding for finding in noticed if finding.kind is FindingKind.FORK]
        assert finding.evidence == (parse(one).id,)
        assert finding.values["offered"] == parse(other).id
        await world.end()

    play(story())


def test_a_fault_in_a_rule_refuses_one_act_and_stops_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def faulty(*args: object, **named: object) -> None:
        raise ZeroDivisionError

    async def story() -> None:
        node = await desk(MemoryStore())
        with monkeypatch.context() as patched:
            patched.setattr(writer, "decide", faulty)
            with pytest.raises(Refused) as refused:
                await node.submit("convoy", "desk", saying.positions(NOW))
        assert refused.value.code == "not_judged"
        await node.submit("convoy", "desk", saying.positions(NOW))
        await node.stop()

    play(story())


def test_errors_keep_their_kind_on_the_way_to_a_peer() -> None:
    async def story() -> list[KeepclearError | int]:
        world = World(0)
        node = await russia(world)
        answers = await node.take_in([b"x"], "coalition.node")
        await world.end()
        return answers

    assert isinstance(play(story())[0], Malformed)

"""One draft, one act: however often, and in whatever company, a desk hands it in, and whatever is killed meanwhile."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import signal
from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.errors import Forged, Malformed, NotNow, Refused, StoreFailed
from keepclear.model import acts as a
from keepclear.model.acts import Said
from keepclear.node.clock import HandClock, SystemClock
from keepclear.node.network import HttpNetwork
from keepclear.node.node import Node, Receipt
from keepclear.store import MemoryStore, NewRow, SqliteStore
from tests.node import saying
from tests.node.saying import said
from tests.node.test_writer import NOW, ByHand, desk, outcome, russia
from tests.world import CAST, TearingDisk, World, key, node_card, play

DRAFTS = ("0" * 31 + "1", "0" * 31 + "2", "f" * 32)


def under(draft: str, what: Said) -> Said:
    return msgspec.structs.replace(what, draft=draft)


def held(node: Node, author: str, draft: str) -> list[str]:
    """The slow twin of the register: every act of the author that bears the draft, from the whole log."""
    return [each.id for each in node.state.log if each.author == author and each.said.draft == draft]


# ── any retries in any company ───────────────────────────────────────────────────────────────────────────────────────

Try = tuple[str, str, str]
"""Who says what kind of thing under which draft."""

KINDS = ("positions", "danger", "notice", "check", "suspend", "resume")


def words(kind: str, who: str) -> Said:
    other = "ground" if who == "convoy" else "convoy"
    return {
        "positions": saying.positions(NOW),
        "danger": saying.danger(other),
        "notice": saying.notice(NOW, other, id=f"plan-{who}"),
        "check": said(a.LineCheck()),
        "suspend": said(a.Suspend(reason=saying.words("storm"))),
        "resume": said(a.Resume()),
    }[kind]


def tries() -> st.SearchStrategy[list[list[Try]]]:
    """Rounds; the tries of one round come at once."""
    one = st.tuples(st.sampled_from(["convoy", "ground"]), st.sampled_from(KINDS), st.sampled_from(DRAFTS))
    return st.lists(st.lists(one, min_size=1, max_size=8), min_size=1, max_size=4)


@given(tries(), st.integers(0, 2**32))
def test_each_draft_is_said_once_whatever_is_tried_again(rounds: list[list[Try]], seed: int) -> None:
    async def story() -> None:
        platter = MemoryStore()
        disk = TearingDisk(platter, random.Random(seed))
        disk.fails = 0.3
        node = await _start(disk)
        answers: dict[tuple[str, str], Receipt] = {}
        first: dict[tuple[str, str], str] = {}
        for number, together in enumerate(rounds):
            if number == len(rounds) - 1:
                disk.fails = 0.0
            before = dict(answers)
            work = [node.submit(who, "desk", under(draft, words(kind, who))) for who, kind, draft in together]
            found = await asyncio.gather(*work, return_exceptions=True)
            for (who, kind, draft), answer in zip(together, found, strict=True):
                place = (who, draft)
                if isinstance(answer, Receipt):
                    # The first words answered hold the draft, and everybody is answered alike from then on.
                    assert first.setdefault(place, kind) == kind
                    known = answers.setdefault(place, answer)
                    same = (known.act_id, known.index, known.recorded_at, known.leaf_hash)
                    assert (answer.act_id, answer.index, answer.recorded_at, answer.leaf_hash) == same
                elif isinstance(answer, NotNow) and answer.code == "draft_reused":
                    assert answer.field == "draft"
                    assert first.get(place) != kind
                    assert [answer.values["held"]] == held(node, *place)
                else:
                    # Refused for its own sake, or not kept; what was answered before is never answered so.
                    assert isinstance(answer, StoreFailed | Refused), answer
                    assert place not in before
        for who in ("convoy", "ground"):
            for draft in DRAFTS:
                assert held(node, who, draft) == [each.act_id for at, each in answers.items() if at == (who, draft)]
        assert node.state.drafts == {place: receipt.act_id for place, receipt in answers.items()}
        await node.stop()
        again = await desk(platter)
        assert again.state.drafts == node.state.drafts
        for (who, draft), receipt in answers.items():
            after = await again.submit(who, "desk", under(draft, words(first[who, draft], who)))
            assert (after.act_id, after.index) == (receipt.act_id, receipt.index)
        assert again.size == node.size
        await again.stop()

    async def _start(disk: TearingDisk) -> Node:
        fails, disk.fails = disk.fails, 0.0
        node = await desk(disk)
        disk.fails = fails
        return node

    play(story())


def test_without_a_draft_the_same_words_are_said_each_time() -> None:
    async def story() -> None:
        node = await desk(MemoryStore())
        receipts = [await node.submit("convoy", "desk", saying.danger("ground")) for _ in range(3)]
        assert len({receipt.index for receipt in receipts}) == 3
        assert node.state.drafts == {}
        await node.stop()

    play(story())


def test_a_retry_is_answered_also_where_the_rules_would_no_longer_take_the_act() -> None:
    async def story() -> None:
        clock = HandClock(NOW)
        node = await desk(MemoryStore(), clock)
        notice = saying.notice(NOW, "ground")
        first = await node.submit("convoy", "desk", under(DRAFTS[0], notice))
        clock.set(NOW + timedelta(days=30))
        assert await outcome(node.submit("convoy", "desk", notice)) == "in_the_past"
        size = node.size
        again = await node.submit("convoy", "desk", under(DRAFTS[0], notice))
        assert (again.act_id, again.index, again.recorded_at) == (first.act_id, first.index, first.recorded_at)
        assert node.size == size
        await node.stop()

    play(story())


@pytest.mark.parametrize("change", ["words", "role", "exercise", "line"])
def test_anything_else_under_a_used_draft_is_refused(change: str) -> None:
    async def story() -> None:
        node = await desk(MemoryStore())
        call = under(DRAFTS[0], saying.danger("ground"))
        first = await node.submit("convoy", "desk", call)
        other = {
            "words": under(DRAFTS[0], saying.danger("ground", text="another")),
            "role": msgspec.structs.replace(call, role="driver"),
            "exercise": msgspec.structs.replace(call, exercise=True),
            "line": call,
        }[change]
        before = node.checkpoint()
        with pytest.raises(NotNow) as refused:
            await node.submit("convoy", "own.desk.node" if change == "line" else "desk", other)
        assert (refused.value.code, refused.value.field) == ("draft_reused", "draft")
        assert refused.value.values == {"held": first.act_id}
        assert node.checkpoint() == before
        await node.stop()

    play(story())


def test_a_draft_is_its_authors_own() -> None:
    async def story() -> None:
        node = await desk(MemoryStore())
        convoy = await node.submit("convoy", "desk", under(DRAFTS[0], said(a.LineCheck())))
        ground = await node.submit("ground", "desk", under(DRAFTS[0], said(a.LineCheck())))
        assert convoy.index != ground.index
        await node.stop()

    play(story())


@pytest.mark.parametrize("draft", ["", "0" * 31, "0" * 33, "F" * 32, "g" * 32, "0" * 32 + "\n"])
def test_a_draft_is_32_hex_digits(draft: str) -> None:
    async def story() -> None:
        node = await desk(MemoryStore())
        with pytest.raises(Malformed) as refused:
            await node.submit("convoy", "desk", under(draft, said(a.LineCheck())))
        assert refused.value.field == "draft"
        await node.stop()

    play(story())


# ── peers ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_what_a_peer_says_twice_under_one_draft_is_recorded_twice_and_answers_nobody() -> None:
    async def story() -> None:
        world = World(0)
        node = await russia(world)
        coalition = ByHand()
        call = under(DRAFTS[0], saying.danger("russia"))
        raws = [coalition.say(call), coalition.say(call), coalition.say(under(DRAFTS[0], said(a.LineCheck())))]
        found = [await node.receive(raw, "coalition.node") for raw in raws]
        assert len({receipt.index for receipt in found}) == 3
        assert held(node, "coalition", DRAFTS[0]) == [receipt.act_id for receipt in found]
        with pytest.raises(Forged):
            await node.submit("coalition", "avoidance", call)
        await world.end()

    play(story())


# ── kill -9 after the act is on disk, before it is answered ──────────────────────────────────────────────────────────

AUTHORS = ("desk.node", *CAST["desk.node"])
CALL = under(DRAFTS[0], saying.danger("ground"))


class DiesAfterKeeping(SqliteStore):
    """Kills its own process, as the kernel would, when an act under the draft is on disk."""

    def append(self, batch: Sequence[NewRow]) -> list[int]:
        indices = super().append(batch)
        if any(DRAFTS[0].encode() in row.envelope for row in batch):
            os.kill(os.getpid(), signal.SIGKILL)
        return indices


async def on_disk(store: SqliteStore) -> Node:
    keys = {author: key(author) for author in AUTHORS}
    node = Node(node_card("desk.node"), keys, store, SystemClock(), HttpNetwork(), tick_every_s=None)
    await node.start()
    return node


def say_and_die(record: Path) -> None:
    """For a process of its own."""

    async def story() -> None:
        node = await on_disk(DiesAfterKeeping(record))
        await node.submit("convoy", "own.desk.node", CALL)

    asyncio.run(story())


def test_killed_before_the_answer_the_act_is_there_once_when_it_is_said_again(tmp_path: Path) -> None:
    record = tmp_path / "record.sqlite"
    process = multiprocessing.get_context("forkserver").Process(target=say_and_die, args=(record,), daemon=True)
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL

    async def story() -> None:
        store = SqliteStore(record)
        node = await on_disk(store)
        (there,) = held(node, "convoy", DRAFTS[0])
        receipts = await asyncio.gather(*(node.submit("convoy", "own.desk.node", CALL) for _ in range(3)))
        assert {(each.act_id, each.index) for each in receipts} == {(there, node.state.acts[there].index)}
        assert held(node, "convoy", DRAFTS[0]) == [there]
        await node.stop()
        store.close()

    asyncio.run(story())

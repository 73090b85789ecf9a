"""Requests that hang on one another are judged one after the other, share a transaction, and fall together."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Sequence
from datetime import datetime

import pytest

from keepclear.errors import Forged, NotNow
from keepclear.line.state import State
from keepclear.model.acts import Act, Said, UtmChange
from keepclear.model.utm import Availability, IntentState, UtmAvailability, UtmIntent, UtmSubscription
from keepclear.node.node import Node
from keepclear.node.turns import Aside
from keepclear.utm.carried import packed
from tests.node.test_writer import CountingStore, desk
from tests.utm.cast import uuid, volume
from tests.world import TearingDisk


def taking(uss: str, version: str, *, needs: str = "") -> Callable[[State, datetime], Sequence[Act]]:
    """Sets a service's availability if its version is `needs`, as compare-and-set."""

    def compose(state: State, now: datetime) -> Sequence[Act]:
        held = state.utm.availability.get(uss)
        if (held.version if held else "") != needs:
            raise NotNow("another version is held", field="version", code="utm_stale")
        entity = UtmAvailability(uss=uss, state=Availability.NORMAL, version=version)
        return [UtmChange(number=state.utm.number + 1, by="arbiter", did="setUssAvailability", put=(entity,))]

    return compose


async def outcomes(node: Node, *composes: Callable[[State, datetime], Sequence[Act]]) -> list[str]:
    found = await asyncio.gather(*(node.compose(each) for each in composes), return_exceptions=True)
    return [type(each).__name__ for each in found]


def test_each_is_judged_by_what_those_before_it_made_and_all_share_a_transaction() -> None:
    async def work() -> None:
        store = CountingStore()
        node = await desk(store)
        before = len(store.batches)
        chain = [taking("uss1", f"v{number}", needs=f"v{number - 1}" if number else "") for number in range(50)]
        assert await outcomes(node, *chain) == ["Message"] * 50
        assert store.batches[before:] == [50]
        assert (await node.current()).utm.availability["uss1"].version == "v49"
        assert len(node.state.utm.history["uss1"]) == 50

    asyncio.run(work())


def test_of_two_that_exclude_each_other_one_is_refused_and_leaves_no_trace() -> None:
    async def work() -> None:
        node = await desk(CountingStore())
        size = node.size
        assert await outcomes(node, taking("uss1", "a"), taking("uss1", "b")) == ["Message", "NotNow"]
        assert node.size == size + 1
        assert node.state.utm.availability["uss1"].version == "a"
        assert node.state.utm.number == 1

    asyncio.run(work())


def test_nothing_to_say_is_answered_and_not_kept() -> None:
    async def work() -> None:
        node = await desk(CountingStore())
        size = node.size
        assert await node.compose(lambda state, now: []) is None
        assert node.size == size

    asyncio.run(work())


def test_what_the_disk_refuses_is_taken_back_and_every_caller_told() -> None:
    async def work() -> None:
        disk = TearingDisk(CountingStore(), random.Random(0))
        node = await desk(disk)
        await node.compose(taking("uss1", "a"))
        size = node.size
        disk.fails = 1.0
        assert await outcomes(node, taking("uss1", "b", needs="a"), taking("uss2", "c")) == ["StoreFailed"] * 2
        assert (node.size, node.state.utm.number, node.state.utm.ahead) == (size, 1, False)
        assert node.state.utm.availability.keys() == {"uss1"}
        assert node.state.utm.availability["uss1"].version == "a"
        assert "uss2" not in node.state.utm.history or not node.state.utm.history["uss2"]
        disk.fails = 0.0
        assert await outcomes(node, taking("uss1", "b", needs="a")) == ["Message"]

    asyncio.run(work())


def test_a_reader_sees_nothing_that_is_not_on_disk() -> None:
    async def work() -> None:
        may_write = asyncio.Event()
        writing = asyncio.Event()
        slow = False

        async def aside(call: Callable[[], object]) -> object:
            if slow:
                writing.set()
                await may_write.wait()
            return call()

        held: Aside = aside  # type: ignore[assignment]
        node = await desk(CountingStore(), aside=held)
        slow = True
        wrote = asyncio.create_task(node.compose(taking("uss1", "a")))
        await writing.wait()
        assert node.state.utm.ahead
        read = asyncio.create_task(node.current())
        await asyncio.sleep(0)
        assert not read.done()
        may_write.set()
        state = await read
        assert not state.utm.ahead
        assert state.utm.availability["uss1"].version == "a"
        await wrote

    asyncio.run(work())


def test_a_restart_folds_the_same_ledger() -> None:
    async def work() -> None:
        store = CountingStore()
        node = await desk(store)
        await outcomes(node, taking("uss1", "a"), taking("uss2", "b"), taking("uss1", "c", needs="a"))
        held = node.state.utm
        await node.stop()
        again = (await desk(store)).state.utm
        assert (again.number, again.availability, again.history) == (held.number, held.availability, held.history)

    asyncio.run(work())


def test_only_the_node_says_what_its_ledger_holds() -> None:
    async def work() -> None:

        node = await desk(CountingStore())
        change = UtmChange(number=1, by="arbiter", did="setUssAvailability")
        for author, line in (("convoy", node.state.own_line), ("desk.node", "desk")):
            with pytest.raises(Forged):
                await node.submit(author, line, Said(role="watch officer", act=change))
        assert node.state.utm.number == 0

    asyncio.run(work())


def test_a_reader_is_answered_between_two_transactions_though_writes_never_cease() -> None:
    async def work() -> None:
        async def aside(call: Callable[[], object]) -> object:
            await asyncio.sleep(0)
            result = call()
            await asyncio.sleep(0)
            return result

        held: Aside = aside  # type: ignore[assignment]
        node = await desk(CountingStore(), aside=held)
        ended = asyncio.Event()

        async def write(speaker: int) -> None:
            number = 0
            while not ended.is_set():
                number += 1
                await node.compose(taking(f"uss{speaker}.{number}", "a"))

        # They begin one after the other, so that there is always one whose turn is next.
        writers = []
        for speaker in range(12):
            writers.append(asyncio.create_task(write(speaker)))
            await asyncio.sleep(0)
        try:
            async with asyncio.timeout(10):
                for _ in range(20):
                    assert not (await node.current()).utm.ahead
        finally:
            ended.set()
            await asyncio.gather(*writers)

    asyncio.run(work())


@pytest.mark.parametrize("padding", [0, 1_000])  # in its envelope, and attached
def test_what_could_not_be_folded_again_is_not_kept(padding: int) -> None:
    """Else the node could not be started any more."""

    def compose(state: State, now: datetime) -> Sequence[Act]:
        wide = tuple(volume((20.0 * number, 0.0), radius_m=56_000.0) for number in range(4))
        boundless = UtmSubscription(
            id=uuid(1),
            manager="alfa",
            uss_base_url="https://alfa.example",
            version="1",
            notification_index=0,
            for_intents=True,
            for_constraints=False,
            implicit=True,
            volumes=(*wide, *(volume(radius_m=1.0 + number) for number in range(padding))),
        )
        return packed(
            UtmChange(number=state.utm.number + 1, by="alfa", did="createSubscription", put=(boundless,)),
        )

    async def work() -> None:
        node = await desk(CountingStore())
        size = node.size
        assert await outcomes(node, compose, taking("uss1", "a")) == ["Malformed", "Message"]
        assert node.size == size + 1
        assert not node.state.utm.subscriptions
        assert not node.state.attachments

    asyncio.run(work())


def accepted(state: State, now: datetime) -> Sequence[Act]:
    """An intent with an OVN of its service's own."""
    intent = UtmIntent(
        id=uuid(1),
        manager="alfa",
        state=IntentState.ACCEPTED,
        uss_base_url="https://alfa.example",
        version=1,
        ovn=f"{uuid(1)}_{uuid(2)}",
        volumes=(volume(),),
    )
    return [UtmChange(number=state.utm.number + 1, by="alfa", did="createOperationalIntent", put=(intent,))]


def test_an_ovn_that_was_not_kept_may_be_asked_for_again() -> None:
    async def work() -> None:
        disk = TearingDisk(CountingStore(), random.Random(0))
        node = await desk(disk)
        disk.fails = 1.0
        assert await outcomes(node, accepted) == ["StoreFailed"]
        assert not node.state.utm.requested_ovns
        disk.fails = 0.0
        assert await outcomes(node, accepted) == ["Message"]
        assert node.state.utm.requested_ovns == {f"{uuid(1)}_{uuid(2)}"}

    asyncio.run(work())


def test_the_ledger_and_the_log_share_their_entities() -> None:
    async def work() -> None:
        node = await desk(CountingStore())
        message = await node.compose(accepted)
        assert message is not None
        assert isinstance(message.act, UtmChange)
        assert node.state.utm.intents[uuid(1)] is message.act.put[0]

    asyncio.run(work())

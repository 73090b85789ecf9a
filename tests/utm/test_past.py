"""What an entity was at any instant, and who was told of each change with what answer."""

from __future__ import annotations

import asyncio

import pytest

from keepclear.model.utm import EntityKind, UtmIntent
from keepclear.node.clock import HandClock
from keepclear.store import MemoryStore
from keepclear.utm.past import Meetings, live, meetings, past, whole_change
from keepclear.utm.versions import NO_OVN
from tests.node.skies import Service, Sky, sky
from tests.utm.cast import ALFA, BRAVO, HOME, SUB, T0, TWO, minutes, uuid, volume

SUBSCRIPTION = 11
NEAR = (HOME[0], HOME[1] + 0.0075)
"""Some 690 m east: in a cell with what is at home, and apart from it at 300 m."""


async def put_twice(here: Sky, clock: HandClock, url: str) -> None:
    """An intent of alfa, made at T0 and changed at T0 + 5, in an area that bravo watches."""
    await here.subscribe(SUBSCRIPTION, BRAVO, url)
    await here.put(2, ALFA, url)
    clock.set(T0 + minutes(5))
    await here.put(2, ALFA, url, volume(radius_m=400.0))


def test_an_intent_is_shown_as_it_was_with_who_was_told_and_what_they_answered() -> None:
    async def played() -> None:
        async with Service() as bravo:
            clock = HandClock(T0)
            here = await sky(MemoryStore(), clock, bravo, push="all")
            try:
                await put_twice(here, clock, bravo.url())
                await here.notifier.settled()
                state = here.node.state
                first = past(state, TWO, T0 + minutes(4))
                (intent,) = first.state
                assert isinstance(intent, UtmIntent)
                assert (intent.version, intent.ovn, intent.volumes) == (1, NO_OVN, (volume(),))
                (change,) = first.changes
                assert (change.by, change.did, change.at) == ("alfa", "createOperationalIntentReference", T0)
                assert state.log[change.entry].id == change.act

                whole = past(state, TWO, T0 + minutes(5))
                assert [each.number for each in whole.changes] == [2, 3]
                told = {each.subscription: each for each in whole.changes[1].told}
                assert told[SUB].service == "bravo"
                (answer,) = told[SUB].answers
                assert (answer.outcome, answer.final, answer.change) == ("204", True, 3)
                assert state.log[answer.entry].id == answer.act
                assert {each.change for each in whole.messages if each.did.startswith("notify")} == {2, 3}
                assert past(state, TWO, T0 - minutes(1)).state == ()
                with pytest.raises(KeyError):
                    past(state, uuid(3), T0)
            finally:
                await here.stop()

    asyncio.run(played())


def test_what_was_too_large_for_one_envelope_is_whole_in_its_past() -> None:
    async def played() -> None:
        clock = HandClock(T0)
        here = await sky(MemoryStore(), clock)
        try:
            volumes = [volume((HOME[0] + number * 1e-5, HOME[1])) for number in range(600)]
            await here.put(2, ALFA, "http://127.0.0.1:9", *volumes)
            state = here.node.state
            found = past(state, TWO, T0)
            (intent,) = found.state
            assert isinstance(intent, UtmIntent)
            assert intent.volumes == tuple(volumes)
            kept = state.acts[found.changes[0].act]
            assert kept.act.attached is not None  # type: ignore[union-attr]
            assert TWO in {getattr(each, "id", "") for each in whole_change(state, kept).put}
        finally:
            await here.stop()

    asyncio.run(played())


def test_pairs_that_meet_in_cells_are_told_from_those_that_meet_in_truth() -> None:
    async def played() -> None:
        here = await sky(MemoryStore(), HandClock(T0))
        try:
            await here.put(1, ALFA, "http://127.0.0.1:9")
            await here.put(2, BRAVO, "http://127.0.0.1:9")
            await here.put(3, BRAVO, "http://127.0.0.1:9", volume(NEAR))
            await here.put(4, BRAVO, "http://127.0.0.1:9", volume(times=(120, 180)))
            ledger = here.node.state.utm
            *_, found = meetings(ledger, T0)
            assert found == Meetings(coarse=3, exact=1, undecided=0)
            assert found.saved == 2
            assert len(live(ledger, EntityKind.INTENT, T0)) == 4
            assert live(ledger, EntityKind.INTENT, T0 + minutes(61)) == [uuid(4)]
        finally:
            await here.stop()

    asyncio.run(played())

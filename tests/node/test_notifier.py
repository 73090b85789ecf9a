"""Subscribers on loopback hear what they are owed: slow, gone and failing ones too, and after the node was killed."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from keepclear.model.utm import Way
from keepclear.node import notifier
from keepclear.node.clock import HandClock
from keepclear.node.notifier import PATIENCE
from keepclear.store import MemoryStore, SqliteStore
from keepclear.utm.owing import GIVE_UP_AFTER_S
from tests.node.skies import OWN, Service, Sky, flight, full, no_content, sky, telling
from tests.utm.cast import ALFA, BRAVO, FAR, HOME, T0, uuid, volume

FLIGHT = uuid(100)


async def until_due(clock: HandClock, sky: Sky, url: str, failures: int) -> None:
    """Wait until so many failures in a row are on record, then let the pause go by."""
    async with asyncio.timeout(10):
        while (lane := sky.node.state.owing.lanes.get(url)) is None or lane.failures < failures:
            await asyncio.sleep(0)
    until = sky.node.state.owing.not_before(url)
    assert until is not None
    clock.set(max(until, clock.now()))


def sent(sky: Sky) -> list[tuple[int | None, str, int, bool]]:
    """(change, outcome, attempt, final) of what was told to others."""
    told = sky.exchanges("notifyOperationalIntentDetailsChanged", Way.SENT)
    return [(each.change, each.outcome, each.attempt, each.final) for each in told]


def test_a_subscriber_hears_the_details_of_a_planned_flight_and_that_it_is_on_record() -> None:
    async def work() -> None:
        async with Service() as bravo:
            here = await sky(MemoryStore(), HandClock(T0), bravo)
            await here.subscribe(11, BRAVO, bravo.url("uss"))
            await here.subscribe(12, BRAVO, bravo.url("uss"))
            await here.subscribe(13, BRAVO, bravo.url("uss"), volume(FAR))
            await here.uss.plan("desk", FLIGHT, flight(priority=7))
            await here.notifier.settled()
            ((method, path, body),) = bravo.asked
            assert (method, path) == ("POST", "/uss/uss/v1/operational_intents")
            assert body["operational_intent_id"] == FLIGHT
            assert [each["subscription_id"] for each in body["subscriptions"]] == [uuid(11), uuid(12)]
            assert [each["notification_index"] for each in body["subscriptions"]] == [1, 1]
            told = body["operational_intent"]
            held = here.node.state.utm.intents[FLIGHT]
            assert (told["reference"]["ovn"], told["reference"]["manager"]) == (held.ovn, OWN)
            assert told["details"]["priority"] == 7
            assert told["details"]["volumes"][0]["volume"]["outline_circle"]["radius"] == {"value": 300.0, "units": "M"}
            assert told["details"]["off_nominal_volumes"] == []
            assert sent(here) == [(here.node.state.utm.number, "204", 1, True)]
            (receipt,) = here.exchanges("notifyOperationalIntentDetailsChanged")
            assert [each.subscription for each in receipt.told] == [uuid(11), uuid(12)]
            assert (receipt.entity, receipt.body) == (FLIGHT, None)
            assert receipt.body_sha256
            assert here.tokens.scopes == ["utm.strategic_coordination"]
            await here.stop()

    asyncio.run(work())


def test_of_a_flight_that_ended_only_its_id_is_told() -> None:
    async def work() -> None:
        async with Service() as bravo:
            here = await sky(MemoryStore(), HandClock(T0), bravo)
            await here.subscribe(11, BRAVO, bravo.url())
            await here.uss.plan("desk", FLIGHT, flight())
            await here.uss.end("desk", FLIGHT)
            await here.notifier.settled()
            assert bravo.asked[-1][2] == {
                "operational_intent_id": FLIGHT,
                "subscriptions": [{"subscription_id": uuid(11), "notification_index": 2}],
            }
            await here.stop()

    asyncio.run(work())


def test_who_writes_through_the_dss_tells_his_subscribers_himself_unless_all_is_pushed() -> None:
    async def work(push: str) -> list[Any]:
        async with Service() as bravo, Service() as alfa:
            here = await sky(MemoryStore(), HandClock(T0), bravo, alfa, push=push)
            await here.subscribe(11, BRAVO, bravo.url())
            alfa.answers = telling(lambda id: full(here.node.state.utm.intents[id], priority=3))
            intent = await here.put(1, ALFA, alfa.url())
            await here.notifier.settled()
            await here.stop()
            assert [path for method, path, _ in alfa.asked if method == "GET"] == (
                [f"/uss/v1/operational_intents/{intent.id}"] if push == "all" else []
            )
            return bravo.asked

    assert asyncio.run(work("own")) == []
    ((_, _, body),) = asyncio.run(work("all"))
    assert body["operational_intent"]["details"]["priority"] == 3
    assert len(body["operational_intent"]["reference"]["ovn"]) >= 16


@pytest.mark.parametrize("tells", ["nothing", "another version", "nonsense"])
def test_of_others_intents_what_the_manager_does_not_say_is_told_without_ovn_and_priority(tells: str) -> None:
    async def work() -> None:
        async with Service() as bravo, Service() as alfa:
            clock = HandClock(T0)
            here = await sky(MemoryStore(), clock, bravo, alfa, push="all")
            await here.subscribe(11, BRAVO, bravo.url())

            def found(id: str) -> Any:
                held = here.node.state.utm.intents[id]
                clock.set(clock.now() + timedelta(seconds=1))
                if tells == "another version":
                    return full(held, reference_={"version": held.version + 1})
                return full(held, priority="high") if tells == "nonsense" else None

            alfa.answers = telling(found)
            await here.put(1, ALFA, alfa.url())
            async with asyncio.timeout(10):
                while here.node.state.owing.count:
                    clock.set(clock.now() + timedelta(seconds=1))
                    await asyncio.sleep(0.001)
            ((_, _, body),) = bravo.asked
            told = body["operational_intent"]
            assert told["reference"]["ovn"] == "Available from USS"
            assert "priority" not in told["details"]
            assert told["details"]["volumes"][0]["volume"]["altitude_upper"]["value"] == 120.0
            failures = here.exchanges("getOperationalIntentDetails") + here.exchanges("checkDetails")
            assert failures
            assert all(each.entity == uuid(1) for each in failures)
            await here.stop()

    asyncio.run(work())


def test_what_is_pushed_to_this_node_itself_stays_here_and_warns_the_operators_of_its_flights() -> None:
    async def work() -> None:
        async with Service() as alfa:
            here = await sky(MemoryStore(), HandClock(T0), alfa, push="all")
            alfa.answers = telling(lambda id: full(here.node.state.utm.intents[id], priority=9))
            await here.uss.plan("operator", FLIGHT, flight())
            await here.put(1, ALFA, alfa.url())
            await here.notifier.settled()
            (notice,) = here.uss.notices.between("operator", T0, T0)
            assert (notice.flight, notice.why.value) == (FLIGHT, "SCD0095")
            assert {each.outcome for each in here.exchanges(way=Way.SENT) if each.url == here.uss.base_url} == {"here"}
            await here.stop()

    asyncio.run(work())


def test_who_is_slow_gone_or_failing_holds_up_nobody_else() -> None:
    async def work() -> None:
        held_back = asyncio.Event()

        async def slow(method: str, path: str, body: bytes) -> tuple[int, bytes]:
            await held_back.wait()
            return 204, b""

        async def failing(method: str, path: str, body: bytes) -> tuple[int, bytes]:
            return 500, b"oops"

        async with Service() as well, Service(slow) as late, Service(failing) as ill, Service() as gone:
            await gone.close()
            clock = HandClock(T0)
            here = await sky(MemoryStore(), clock, well, late, ill, gone)
            for number, service in enumerate((late, ill, gone, well), start=11):
                await here.subscribe(number, BRAVO, service.url())
            await here.uss.plan("desk", FLIGHT, flight())
            await here.uss.plan("desk", FLIGHT, flight(priority=1))
            assert len(await well.heard(2)) == 2
            await until_due(clock, here, ill.url(), 1)
            await ill.heard(2)
            assert len(late.asked) == 1
            held_back.set()
            await late.heard(2)
            versions = [body["operational_intent"]["reference"]["version"] for _, _, body in late.asked]
            assert versions == [1, 2]
            assert here.node.state.owing.lanes[gone.url()].debts[0].number == 5
            await here.stop()

    asyncio.run(work())


def test_a_host_with_many_slow_urls_holds_up_only_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notifier, "AT_ONCE", notifier.AT_ONE_HOST + 2)

    async def work() -> None:
        held_back = asyncio.Event()

        async def slow(method: str, path: str, body: bytes) -> tuple[int, bytes]:
            await held_back.wait()
            return 204, b""

        async with Service() as well, Service(slow) as mallory:
            here = await sky(MemoryStore(), HandClock(T0), well, mallory)
            for number in range(notifier.AT_ONE_HOST + 10):
                await here.subscribe(1000 + number, BRAVO, mallory.url(f"u{number}"))
            await here.subscribe(2000, ALFA, well.url())
            await here.uss.plan("desk", FLIGHT, flight())
            await well.heard(1)
            await mallory.heard(notifier.AT_ONE_HOST)
            assert not [each for each in sent(here) if each[1] != "204"]  # nobody was given up for it
            held_back.set()
            await here.notifier.settled()
            assert {each[1] for each in sent(here)} == {"204"}
            await here.stop()

    asyncio.run(work())


def test_who_fails_is_told_again_in_order_and_once_well_hears_everything() -> None:
    async def work() -> None:
        well = False

        async def sometimes(method: str, path: str, body: bytes) -> tuple[int, bytes]:
            return (204, b"") if well else (503, b"")

        async with Service(sometimes) as bravo:
            clock = HandClock(T0)
            here = await sky(MemoryStore(), clock, bravo)
            await here.subscribe(11, BRAVO, bravo.url())
            await here.uss.plan("desk", FLIGHT, flight())
            await here.uss.end("desk", FLIGHT)
            await until_due(clock, here, bravo.url(), 1)
            await until_due(clock, here, bravo.url(), 2)
            well = True
            await bravo.heard(4)
            await here.notifier.settled()
            assert sent(here) == [(2, "503", 1, False), (2, "503", 2, False), (2, "204", 3, True), (3, "204", 1, True)]
            assert ["operational_intent" in body for _, _, body in bravo.asked] == [True, True, True, False]
            await here.stop()

    asyncio.run(work())


def test_after_ten_minutes_a_subscriber_is_given_up_and_the_record_says_why() -> None:
    async def work() -> None:
        async with Service() as bravo:
            await bravo.close()
            clock = HandClock(T0)
            here = await sky(MemoryStore(), clock, bravo)
            await here.subscribe(11, BRAVO, bravo.url())
            await here.uss.plan("desk", FLIGHT, flight())
            await until_due(clock, here, bravo.url(), 1)
            clock.set(T0 + timedelta(seconds=GIVE_UP_AFTER_S))
            await here.notifier.settled()
            assert sent(here)[-1][1:] == ("outbound_no_connection", 2, True)
            await here.stop()

    asyncio.run(work())


def test_a_subscription_that_moved_hears_at_its_new_url_once_the_old_one_is_given_up() -> None:
    async def work() -> None:
        async with Service() as gone, Service() as bravo:
            await gone.close()
            clock = HandClock(T0)
            here = await sky(MemoryStore(), clock, gone, bravo)
            await here.subscribe(11, BRAVO, gone.url())
            await here.uss.plan("desk", FLIGHT, flight())
            await until_due(clock, here, gone.url(), 1)
            await until_due(clock, here, gone.url(), 2)
            await here.subscribe(11, BRAVO, bravo.url())
            await here.uss.plan("desk", FLIGHT, flight(priority=1))
            assert here.node.state.owing.next(bravo.url()) is None
            clock.set(T0 + timedelta(seconds=GIVE_UP_AFTER_S))
            ((_, _, body),) = await bravo.heard(1)
            assert body["operational_intent"]["details"]["priority"] == 1
            await here.notifier.settled()
            await here.stop()

    asyncio.run(work())


def test_who_may_not_be_called_is_not_and_who_no_longer_listens_neither() -> None:
    async def work() -> None:
        async with Service() as bravo, Service() as stranger:
            clock = HandClock(T0)
            here = await sky(MemoryStore(), clock, bravo, start=False)
            await here.subscribe(11, BRAVO, bravo.url())
            await here.subscribe(12, BRAVO, stranger.url())
            await here.uss.plan("desk", FLIGHT, flight(volume(times=(0, 180))))
            clock.set(T0 + timedelta(minutes=59))
            await here.subscribe(13, ALFA, bravo.url(), volume(HOME, times=(59, 180)))
            clock.set(T0 + timedelta(minutes=61))
            await here.uss.plan("desk", FLIGHT, flight(volume(times=(0, 180)), priority=1))
            here.notifier.start()
            await here.notifier.settled()
            outcomes = {(each.url, each.outcome) for each in here.exchanges(way=Way.SENT) if each.change}
            assert outcomes == {
                (bravo.url(), "expired"),
                (stranger.url(), "expired"),
                (bravo.url("uss/v1/operational_intents"), "204"),
                ("http://127.0.0.1:9/own", "here"),
            }
            assert [body["subscriptions"][0]["subscription_id"] for _, _, body in bravo.asked] == [uuid(13)]
            clock.set(T0)
            await here.stop()

    asyncio.run(work())


def test_a_host_that_is_not_enrolled_is_not_called_and_that_is_final() -> None:
    async def work() -> None:
        async with Service() as stranger:
            here = await sky(MemoryStore(), HandClock(T0))
            await here.subscribe(12, BRAVO, stranger.url())
            await here.uss.plan("desk", FLIGHT, flight())
            await here.notifier.settled()
            assert stranger.asked == []
            assert [each[1:] for each in sent(here)] == [("not_callable outbound_not_enrolled", 1, True)]
            await here.stop()

    asyncio.run(work())


def test_what_is_owed_when_the_node_is_killed_is_said_after_the_next_start_and_nothing_else(tmp_path: Path) -> None:
    async def work() -> None:
        answered = asyncio.Event()

        async def never(method: str, path: str, body: bytes) -> tuple[int, bytes]:
            answered.set()
            await asyncio.Event().wait()
            return 204, b""

        async with Service() as bravo, Service(never) as alfa:
            store = SqliteStore(tmp_path / "record.sqlite")
            here = await sky(store, HandClock(T0), bravo, alfa)
            await here.subscribe(11, BRAVO, bravo.url())
            await here.subscribe(12, ALFA, alfa.url())
            await here.uss.plan("desk", FLIGHT, flight())
            await bravo.heard(1)
            await answered.wait()
            async with asyncio.timeout(10):
                while here.node.state.owing.lanes.keys() != {alfa.url()}:
                    await asyncio.sleep(0)
            await here.notifier.stop()
            await here.uss.plan("desk", FLIGHT, flight(priority=1))
            await here.stop()
            store.close()

            alfa.answers = no_content
            store = SqliteStore(tmp_path / "record.sqlite")
            again = await sky(store, HandClock(T0), bravo, alfa)
            await again.notifier.settled()
            versions = [body["operational_intent"]["reference"]["version"] for _, _, body in alfa.asked]
            assert versions == [1, 1, 2], "what was said and is not on record is said again"
            assert [body["operational_intent"]["reference"]["version"] for _, _, body in bravo.asked] == [1, 2]
            await again.stop()
            store.close()

    asyncio.run(work())


def test_a_url_with_a_thousand_subscriptions_is_told_of_all_and_the_receipt_fits_its_envelope() -> None:
    async def work() -> None:
        async with Service() as bravo:
            here = await sky(MemoryStore(), HandClock(T0), bravo)
            for number in range(1000):
                await here.subscribe(1000 + number, BRAVO, bravo.url())
            await here.uss.plan("desk", FLIGHT, flight())
            await here.notifier.settled()
            ((_, _, body),) = bravo.asked
            assert len(body["subscriptions"]) == 1000
            (receipt,) = here.exchanges("notifyOperationalIntentDetailsChanged")
            assert (receipt.outcome, len(receipt.told)) == ("204", 100)
            await here.stop()

    asyncio.run(work())


def test_a_receipt_fits_its_envelope_however_long_the_urls_are() -> None:
    async def work() -> None:
        async with Service() as bravo:
            here = await sky(MemoryStore(), HandClock(T0), bravo)
            url = bravo.url("x" * (1_999 - len(bravo.url())))
            assert len(url) == 2_000
            for number in range(60):
                await here.subscribe(1000 + number, BRAVO, url)
            await here.uss.plan("desk", FLIGHT, flight())
            await here.notifier.settled()
            (receipt,) = here.exchanges("notifyOperationalIntentDetailsChanged")
            assert receipt.final
            assert 1 <= len(receipt.told) < 60
            assert len(receipt.url or "") == 2_000
            await here.stop()

    asyncio.run(work())


@pytest.mark.parametrize("wrote_here", [True, False])
def test_what_another_instance_wrote_is_said_here_only_if_it_does_not_say_it_itself(wrote_here: bool) -> None:
    async def work() -> None:
        async with Service() as bravo:
            clock = HandClock(T0)
            here = await sky(MemoryStore(), clock, bravo, wrote_here=wrote_here)
            here.notifier._shared = True
            await here.subscribe(11, BRAVO, bravo.url())
            await here.uss.plan("desk", FLIGHT, flight())
            if not wrote_here:
                async with asyncio.timeout(10):
                    while len(clock._sleepers) < 2:  # the lanes to bravo and to itself wait
                        await asyncio.sleep(0)
                assert bravo.asked == []
                clock.set(T0 + PATIENCE)
            await bravo.heard(1)
            await here.notifier.settled()
            await here.stop()

    asyncio.run(work())


def test_two_hundred_subscribers_each_hear_once_and_their_receipts_share_transactions() -> None:
    async def work() -> None:
        async with Service() as many:
            here = await sky(MemoryStore(), HandClock(T0), many)
            for number in range(200):
                await here.subscribe(1000 + number, BRAVO, many.url(f"s{number}"))
            await here.uss.plan("desk", FLIGHT, flight())
            await here.notifier.settled()
            assert sorted(path for _, path, _ in many.asked) == sorted(
                f"/s{number}/uss/v1/operational_intents" for number in range(200)
            )
            assert len(sent(here)) == 200
            await here.stop()

    asyncio.run(work())

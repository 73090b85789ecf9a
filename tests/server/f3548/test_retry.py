"""A write whose answer was lost is sent again and gets its answer, not a stale OVN; what was delivered is not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from keepclear.errors import StoreFailed
from keepclear.server.f3548.retry import KEY_LASTS, LOST_WITHIN
from tests.server.f3548.surface import CONSTRAINTS, INTENTS, ONE, SUB, SUBSCRIPTIONS, TWO, USS, Dss, Reply, with_dss
from tests.world import START

KEY = {"Idempotency-Key": "a1"}


async def create(dss: Dss) -> tuple[str, str, Any]:
    await dss.subscribe(SUB, by="bravo")
    return "PUT", f"{INTENTS}/{ONE}", dss.intent()


async def update(dss: Dss) -> tuple[str, str, Any]:
    ovn = (await dss.plan(ONE))["ovn"]
    return "PUT", f"{INTENTS}/{ONE}/{ovn}", dss.intent(state="Activated")


async def delete(dss: Dss) -> tuple[str, str, Any]:
    await dss.subscribe(SUB, by="bravo")
    ovn = (await dss.plan(ONE))["ovn"]
    return "DELETE", f"{INTENTS}/{ONE}/{ovn}", None


async def create_constraint(dss: Dss) -> tuple[str, str, Any]:
    return "PUT", f"{CONSTRAINTS}/{ONE}", dss.constraint()


async def update_constraint(dss: Dss) -> tuple[str, str, Any]:
    made = await dss.ask("PUT", f"{CONSTRAINTS}/{ONE}", dss.constraint())
    return "PUT", f"{CONSTRAINTS}/{ONE}/{made['constraint_reference']['ovn']}", dss.constraint()


async def delete_constraint(dss: Dss) -> tuple[str, str, Any]:
    made = await dss.ask("PUT", f"{CONSTRAINTS}/{ONE}", dss.constraint())
    return "DELETE", f"{CONSTRAINTS}/{ONE}/{made['constraint_reference']['ovn']}", None


async def subscribe(dss: Dss) -> tuple[str, str, Any]:
    await dss.plan(ONE, by="bravo")
    return "PUT", f"{SUBSCRIPTIONS}/{SUB}", dss.subscription()


async def subscribe_anew(dss: Dss) -> tuple[str, str, Any]:
    version = (await dss.subscribe(SUB))["version"]
    return "PUT", f"{SUBSCRIPTIONS}/{SUB}/{version}", dss.subscription(notify_for_constraints=True)


async def unsubscribe(dss: Dss) -> tuple[str, str, Any]:
    version = (await dss.subscribe(SUB))["version"]
    await dss.plan(ONE, by="bravo")  # raises the notification index
    return "DELETE", f"{SUBSCRIPTIONS}/{SUB}/{version}", None


async def arbitrate(dss: Dss) -> tuple[str, str, Any]:
    return "PUT", f"{USS}/bravo", {"old_version": "", "availability": "Down"}


WRITES: list[Callable[[Dss], Awaitable[tuple[str, str, Any]]]] = [
    create,
    update,
    delete,
    create_constraint,
    update_constraint,
    delete_constraint,
    subscribe,
    subscribe_anew,
    unsubscribe,
    arbitrate,
]
STALE = {400, 404, 409}
"""What a repeated write is answered with where it is taken for a new one."""


def of_then(reply: Reply) -> dict[str, Any]:
    """An answer but for what is in a subscription, which is said as it is now."""
    return {name: said for name, said in reply.json.items() if not name.endswith("_references")}


def changes(dss: Dss) -> int:
    return dss.node.state.utm.number


@pytest.mark.parametrize("write", WRITES, ids=lambda write: write.__name__)
def test_an_answer_that_was_lost_is_given_again_once_and_the_write_is_done_once(tmp_path: Path, write: Any) -> None:
    async def work(dss: Dss) -> None:
        asked = await write(dss)
        assert (await dss.ask(*asked, gone=True)).status == 0
        done = changes(dss)
        reply = await dss.ask(*asked)
        assert reply.status in (200, 201)
        assert changes(dss) == done
        # Now it was delivered: the same again is another request.
        assert (await dss.ask(*asked)).status in STALE

    with_dss(tmp_path, work)


@pytest.mark.parametrize("write", WRITES, ids=lambda write: write.__name__)
def test_after_a_restart_the_answer_is_made_again_from_the_record(tmp_path: Path, write: Any) -> None:
    async def before(dss: Dss) -> tuple[tuple[str, str, Any], Reply]:
        asked = await write(dss)
        return asked, await dss.ask(*asked)

    asked, first = with_dss(tmp_path, before)

    async def after(dss: Dss) -> None:
        done = changes(dss)
        again = await dss.ask(*asked)
        assert (again.status, again.json) == (first.status, first.json)
        assert changes(dss) == done
        assert (await dss.ask(*asked)).status in STALE

    with_dss(tmp_path, after, at=START + timedelta(minutes=9))


@pytest.mark.parametrize("write", WRITES, ids=lambda write: write.__name__)
def test_with_a_key_the_answer_is_given_again_however_often_and_after_a_restart(tmp_path: Path, write: Any) -> None:
    async def before(dss: Dss) -> tuple[tuple[str, str, Any], Reply]:
        asked = await write(dss)
        first = await dss.ask(*asked, headers=KEY)
        assert first.status in (200, 201)
        done = changes(dss)
        for _ in range(2):
            again = await dss.ask(*asked, headers=KEY)
            assert (again.status, again.json) == (first.status, first.json)
        assert changes(dss) == done
        return asked, first

    asked, first = with_dss(tmp_path, before)

    async def after(dss: Dss) -> None:
        for _ in range(2):
            again = await dss.ask(*asked, headers=KEY)
            assert (again.status, of_then(again)) == (first.status, of_then(first))

    with_dss(tmp_path, after, at=START + KEY_LASTS - timedelta(minutes=1))


def test_with_a_key_the_answer_stays_that_of_then_though_the_intent_went_on(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        asked = await create(dss)
        first = (await dss.ask(*asked, headers=KEY)).must(201)
        ovn = first["operational_intent_reference"]["ovn"]
        (await dss.ask("PUT", f"{INTENTS}/{ONE}/{ovn}", dss.intent(state="Activated"))).must(200)
        again = (await dss.ask(*asked, headers=KEY)).must(201)
        assert again.json == first.json
        assert dss.node.state.utm.intents[ONE].version == 2

    with_dss(tmp_path, work)


def test_another_request_under_the_same_key_is_refused(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        (await dss.ask("PUT", f"{CONSTRAINTS}/{ONE}", dss.constraint(), headers=KEY)).must(201)
        done = changes(dss)
        other_body = dss.constraint(dss.volume(radius_m=200))
        for path, body in ((f"{CONSTRAINTS}/{ONE}", other_body), (f"{CONSTRAINTS}/{TWO}", dss.constraint())):
            (await dss.ask("PUT", path, body, headers=KEY)).refused(422, "Idempotency-Key")
        assert changes(dss) == done
        # Keys are each service's own.
        (await dss.ask("PUT", f"{CONSTRAINTS}/{TWO}", dss.constraint(), headers=KEY, by="bravo")).must(201)

    with_dss(tmp_path, work)


def test_after_a_restart_too_another_request_under_the_key_is_refused(tmp_path: Path) -> None:
    async def before(dss: Dss) -> None:
        (await dss.ask("PUT", f"{CONSTRAINTS}/{ONE}", dss.constraint(), headers=KEY)).must(201)

    async def after(dss: Dss) -> None:
        body = dss.constraint(dss.volume(radius_m=200))
        (await dss.ask("PUT", f"{CONSTRAINTS}/{ONE}", body, headers=KEY)).refused(422, "Idempotency-Key")

    with_dss(tmp_path, before)
    with_dss(tmp_path, after)


@pytest.mark.parametrize("key", ["", "x" * 201, "مفتاح"])
def test_a_key_that_is_none_is_refused(tmp_path: Path, key: str) -> None:
    async def work(dss: Dss) -> None:
        reply = await dss.ask("PUT", f"{CONSTRAINTS}/{ONE}", dss.constraint(), headers={"Idempotency-Key": key})
        reply.refused(400, "Idempotency-Key")

    with_dss(tmp_path, work)


def test_a_lost_answer_is_not_given_to_another_service_for_another_body_or_version_or_too_late(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        method, path, body = await update(dss)
        await dss.ask(method, path, body, gone=True)
        (await dss.ask(method, path, body, by="bravo")).refused(403, "entityid")
        (await dss.ask(method, path, {**body, "state": "Accepted"})).refused(409, "ovn")
        (await dss.ask(method, f"{INTENTS}/{ONE}/{'x' * 32}", body)).refused(409, "ovn")
        dss.clock.set(START + LOST_WITHIN)
        (await dss.ask(method, path, body)).refused(409, "ovn")

    with_dss(tmp_path, work)


def test_a_lost_answer_is_not_given_once_the_intent_has_gone_on(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        asked = await create(dss)
        await dss.ask(*asked, gone=True)
        seen = (await dss.ask("GET", f"{INTENTS}/{ONE}"))["operational_intent_reference"]
        (await dss.ask("PUT", f"{INTENTS}/{ONE}/{seen['ovn']}", dss.intent(state="Activated"))).must(200)
        (await dss.ask(*asked)).refused(409, "entityid")

    with_dss(tmp_path, work)


def test_after_a_restart_a_lost_answer_is_not_given_too_late(tmp_path: Path) -> None:
    async def before(dss: Dss) -> tuple[str, str, Any]:
        asked = await create(dss)
        await dss.ask(*asked, gone=True)
        return asked

    asked = with_dss(tmp_path, before)

    async def after(dss: Dss) -> None:
        (await dss.ask(*asked)).refused(409, "entityid")

    with_dss(tmp_path, after, at=START + LOST_WITHIN)


def test_a_retry_that_overtakes_its_first_attempt_gets_the_same_answer(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        asked = await create(dss)
        first, again, third = await asyncio.gather(*(dss.ask(*asked) for _ in range(3)))
        assert first.status == again.status == third.status == 201
        assert first.json == again.json == third.json
        assert dss.node.state.utm.intents[ONE].version == 1

    with_dss(tmp_path, work)


@pytest.mark.parametrize("headers", [None, KEY])
def test_what_the_disk_refused_was_not_done_and_is_done_when_it_is_asked_again(
    tmp_path: Path, headers: dict[str, str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(dss: Dss) -> None:
        asked = await create(dss)

        def refuses(batch: object) -> list[int]:
            raise StoreFailed("no room")

        with monkeypatch.context() as patch:
            patch.setattr(dss.node.store, "append", refuses)
            tries = (dss.ask(*asked, headers=headers, disk_fails=True) for _ in range(3))
            for reply in await asyncio.gather(*tries):
                assert reply.must(503).headers["retry-after"] == "1"
        assert ONE not in dss.node.state.utm.intents
        (await dss.ask(*asked, headers=headers)).must(201)

    with_dss(tmp_path, work)


def test_what_is_too_large_for_one_envelope_is_answered_again_too(tmp_path: Path) -> None:
    async def before(dss: Dss) -> tuple[tuple[str, str, Any], Reply]:
        volumes = [dss.volume(at=(34.55 + number / 100_000, 69.2)) for number in range(900)]
        asked = ("PUT", f"{INTENTS}/{ONE}", dss.intent(*volumes))
        return asked, await dss.ask(*asked)

    asked, first = with_dss(tmp_path, before)
    assert first.status == 201

    async def after(dss: Dss) -> Reply:
        return await dss.ask(*asked)

    again = with_dss(tmp_path, after)
    assert again.json == first.json

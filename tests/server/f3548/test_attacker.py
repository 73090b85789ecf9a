"""Somebody with a good token of one service: reads no other's OVN, changes nothing of others, and stops nobody's work.

What is kept must always fold again: a request after which the node could not be started would be the worst of all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from keepclear.model.utm import EntityKind
from keepclear.server.f3548.own_uss import Requests
from keepclear.server.f3548.routes import Answer
from keepclear.utm import holding
from keepclear.utm.attaching import MAX_VERTICES
from tests.server.f3548.surface import (
    CONSTRAINTS,
    INTENTS,
    ONE,
    SUB,
    SUBSCRIPTIONS,
    TWO,
    Dss,
    Reply,
    uuid,
    with_dss,
)

Work = Callable[[Dss], Awaitable[None]]


def survives(folder: Path, work: Work) -> None:
    """Do the work; the node then starts again from its record, and holds what it held."""
    held: list[tuple[Any, ...]] = []

    async def first(dss: Dss) -> None:
        await work(dss)
        held.append(state(dss))

    async def again(dss: Dss) -> None:
        held.append(state(dss))

    with_dss(folder, first)
    with_dss(folder, again)
    assert held[0] == held[1]


def state(dss: Dss) -> tuple[Any, ...]:
    utm = dss.node.state.utm
    extents = {kind: dict(index.extents) for kind, index in utm.places.items()}
    return utm.number, dict(utm.intents), dict(utm.subscriptions), dict(utm.constraints), extents


# ── the node can always be started again ──


def test_an_intent_that_wanders_over_half_the_earth_does_not_make_its_subscription_too_large(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        ref = await dss.plan(ONE, dss.volume(at=(0.0, 0.0), radius_m=55_000.0))
        for lat in range(1, 8):
            wide = dss.volume(at=(float(lat), 0.0), radius_m=55_000.0)
            asked = dss.intent(wide, subscription_id=ref["subscription_id"])
            reply = await dss.ask("PUT", f"{INTENTS}/{ONE}/{ref['ovn']}", asked)
            ref = reply.must(200)["operational_intent_reference"]
        held = dss.node.state.utm.subscriptions[ref["subscription_id"]]
        assert held.volumes[-1] == dss.node.state.utm.intents[ONE].volumes[0]

    survives(tmp_path, work)


def test_a_subscription_that_its_intents_need_all_of_grows_to_its_limit_and_no_further(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        first = await dss.plan(uuid(100), dss.volume(at=(0.0, 0.0), radius_m=55_000.0))
        sub, refused = first["subscription_id"], None
        for lat in range(1, 8):
            wide = dss.volume(at=(2.0 * lat, 0.0), radius_m=55_000.0)
            before = state(dss)
            reply = await dss.ask("PUT", f"{INTENTS}/{uuid(100 + lat)}", dss.intent(wide, subscription_id=sub))
            if reply.status != 201:
                refused = reply.refused(400, "subscription_id")
                assert refused["code"] == "too_large"
                assert state(dss) == before
                break
        assert refused is not None

    survives(tmp_path, work)


def test_changing_an_intent_again_and_again_does_not_swell_its_subscription(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        ref = await dss.plan(ONE)
        for turn in range(6):
            many = [dss.volume(radius_m=1.0 + turn + number / 10_000) for number in range(9_000)]
            asked = dss.intent(*many, subscription_id=ref["subscription_id"])
            reply = await dss.ask("PUT", f"{INTENTS}/{ONE}/{ref['ovn']}", asked)
            ref = reply.must(200)["operational_intent_reference"]
            assert len(dss.node.state.utm.subscriptions[ref["subscription_id"]].volumes) <= MAX_VERTICES

    survives(tmp_path, work)


# ── what is another's ──


def test_no_answer_to_a_stranger_holds_an_ovn_of_another(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        ref = await dss.plan(ONE)
        made = await dss.ask("PUT", f"{CONSTRAINTS}/{TWO}", dss.constraint(), by="civil")
        ovns = [ref["ovn"], made.must(201)["constraint_reference"]["ovn"]]
        area = {"area_of_interest": dss.volume()}
        wants = dss.subscription(by="mallory", notify_for_constraints=True)
        asks: list[tuple[str, str, object]] = [
            ("GET", f"{INTENTS}/{ONE}", None),
            ("GET", f"{CONSTRAINTS}/{TWO}", None),
            ("POST", f"{INTENTS}/query", area),
            ("POST", f"{CONSTRAINTS}/query", area),
            ("POST", f"{SUBSCRIPTIONS}/query", area),
            ("PUT", f"{SUBSCRIPTIONS}/{SUB}", wants),
            ("GET", f"{SUBSCRIPTIONS}/{SUB}", None),
            ("GET", f"{SUBSCRIPTIONS}/{ref['subscription_id']}", None),
            ("PUT", f"{INTENTS}/{uuid(3)}", dss.intent(by="mallory", subscription_id=SUB)),
            ("PUT", f"{INTENTS}/{ONE}", dss.intent()),  # the very request its manager made
            ("PUT", f"{INTENTS}/{ONE}/{'x' * 43}", dss.intent(by="mallory")),
            ("DELETE", f"{INTENTS}/{ONE}/{'x' * 43}", None),
            ("DELETE", f"{CONSTRAINTS}/{TWO}/{'x' * 43}", None),
        ]
        for method, path, body in asks:
            reply = await dss.ask(method, path, body, by="mallory", headers={"idempotency-key": "alfa's"})
            assert reply.body, path
            assert not any(ovn.encode() in reply.body for ovn in ovns), (method, path)

    with_dss(tmp_path, work)


def test_with_the_right_ovn_too_nothing_of_anothers_is_changed(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        ref = await dss.plan(ONE)
        made = await dss.ask("PUT", f"{CONSTRAINTS}/{TWO}", dss.constraint(), by="civil")
        constraint = made.must(201)["constraint_reference"]
        subscription = await dss.subscribe(SUB)
        before = state(dss)
        for method, path, body in (
            ("PUT", f"{INTENTS}/{ONE}/{ref['ovn']}", dss.intent(by="mallory")),
            ("DELETE", f"{INTENTS}/{ONE}/{ref['ovn']}", None),
            ("PUT", f"{CONSTRAINTS}/{TWO}/{constraint['ovn']}", dss.constraint(by="mallory")),
            ("DELETE", f"{CONSTRAINTS}/{TWO}/{constraint['ovn']}", None),
            ("PUT", f"{SUBSCRIPTIONS}/{SUB}/{subscription['version']}", dss.subscription(by="mallory")),
            ("DELETE", f"{SUBSCRIPTIONS}/{SUB}/{subscription['version']}", None),
        ):
            (await dss.ask(method, path, body, by="mallory")).must(403)
        theirs = dss.intent(by="mallory", key=[ref["ovn"]], subscription_id=SUB)
        (await dss.ask("PUT", f"{INTENTS}/{uuid(3)}", theirs, by="mallory")).refused(403, "subscription_id")
        assert state(dss) == before

    with_dss(tmp_path, work)


def test_an_ovn_never_comes_twice_so_nobody_plans_beside_what_he_read_of_an_older_version(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        first, second = suffix(dss, 1), suffix(dss, 2)
        ref = await dss.plan(ONE, requested_ovn_suffix=first)
        changed = dss.intent(requested_ovn_suffix=second)
        reply = await dss.ask("PUT", f"{INTENTS}/{ONE}/{ref['ovn']}", changed)
        ref = reply.must(200)["operational_intent_reference"]
        back = dss.intent(dss.volume(heights=(0.0, 500.0)), requested_ovn_suffix=first)
        reply = await dss.ask("PUT", f"{INTENTS}/{ONE}/{ref['ovn']}", back)
        assert reply.refused(400, "requested_ovn_suffix")["code"] == "utm_ovn_suffix"
        (await dss.ask("DELETE", f"{INTENTS}/{ONE}/{ref['ovn']}")).must(200)
        (await dss.ask("PUT", f"{INTENTS}/{ONE}", back)).refused(400, "requested_ovn_suffix")

    survives(tmp_path, work)


def suffix(dss: Dss, number: int) -> str:
    digits = f"{int(dss.clock.now().timestamp() * 1_000):012x}"
    return f"{digits[:8]}-{digits[8:]}-7a18-9b61-{number:012x}"


# ── what all share ──


def test_a_service_has_only_so_many_subscriptions_in_one_place_and_others_are_free(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of them is told of every change there, in the transaction of whoever makes it."""
    monkeypatch.setattr(holding, "MAX_IN_ONE_PLACE", 5)

    async def work(dss: Dss) -> None:
        for number in range(5):
            await dss.subscribe(uuid(100 + number), by="mallory")
        many = await dss.ask("PUT", f"{SUBSCRIPTIONS}/{SUB}", dss.subscription(by="mallory"), by="mallory")
        assert many.refused(429, "extents")["code"] == "utm_too_many"
        held = dss.node.state.utm.subscriptions[uuid(100)]
        again = f"{SUBSCRIPTIONS}/{held.id}/{held.version}"
        (await dss.ask("PUT", again, dss.subscription(by="mallory"), by="mallory")).must(200)
        await dss.subscribe(SUB, by="mallory", extents=dss.volume(at=(10.0, 10.0)))
        await dss.subscribe(uuid(200), by="mallory", extents=dss.volume(heights=(500.0, 600.0)))
        await dss.subscribe(uuid(300), by="bravo")
        for number in range(3):
            await dss.plan(uuid(400 + number), dss.volume(heights=(1_000.0 + 10 * number, 1_005.0 + 10 * number)))

    survives(tmp_path, work)


def test_a_service_fills_only_so_many_cells_until_what_it_held_is_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(holding, "MAX_WIDE_CELLS", 20_000)

    async def work(dss: Dss) -> None:
        utm = dss.node.state.utm

        async def wide(number: int, by: str = "mallory") -> Reply:
            area = dss.volume(at=(3.0 * number, 0.0), radius_m=50_000.0)
            return await dss.ask("PUT", f"{SUBSCRIPTIONS}/{uuid(number)}", dss.subscription(area, by=by), by=by)

        replies = [await wide(number) for number in range(1, 6)]
        assert [reply.status for reply in replies].count(429) >= 2
        assert 10_000 < utm.wide_cells["mallory"] <= 20_000
        reply = await dss.ask("PUT", f"{SUBSCRIPTIONS}/{SUB}", dss.subscription(by="mallory"), by="mallory")
        reply.must(200)  # what is not wide
        (await wide(9, by="bravo")).must(200)
        taken = utm.subscriptions[uuid(1)]
        (await dss.ask("DELETE", f"{SUBSCRIPTIONS}/{uuid(1)}/{taken.version}", by="mallory")).must(200)
        (await wide(1)).must(200)
        dss.clock.set(dss.clock.now() + timedelta(hours=30))
        (await wide(8)).must(200)
        assert utm.wide_cells["mallory"] < 10_000
        assert utm.places[EntityKind.SUBSCRIPTION].extents.keys() == {uuid(8)}
        (await dss.ask("GET", f"{SUBSCRIPTIONS}/{uuid(1)}", by="mallory")).must(200)
        (await wide(1)).must(200)  # over, so it may begin anew

    with_dss(tmp_path, work)


def test_what_is_taken_back_counts_no_more(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        ref = await dss.plan(ONE, dss.volume(radius_m=20_000.0))
        (await dss.ask("DELETE", f"{INTENTS}/{ONE}/{ref['ovn']}")).must(200)
        made = dss.constraint(dss.volume(radius_m=20_000.0))
        reply = await dss.ask("PUT", f"{CONSTRAINTS}/{TWO}", made, by="civil")
        assert dss.node.state.utm.wide_cells.keys() == {"civil"}
        ovn = reply.must(201)["constraint_reference"]["ovn"]
        (await dss.ask("DELETE", f"{CONSTRAINTS}/{TWO}/{ovn}", by="civil")).must(200)
        assert not dss.node.state.utm.wide_cells

    survives(tmp_path, work)


# ── what is remembered ──


def test_of_a_request_that_is_remembered_only_its_digest_is() -> None:
    async def work() -> None:
        requests = Requests()

        async def answer() -> Answer:
            return Answer(204)

        for number in range(3):
            await requests.once("mallory", str(number), b"x" * 1_000_000, answer)
        kept = sum(len(digest) for digest, _ in requests._answers.values())
        assert kept == 3 * 32

    asyncio.run(work())

"""Subscriptions, availability and reports over HTTP, in the words of F3548-21."""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path

from keepclear.model.acts import UtmExchange
from tests.server.f3548.surface import (
    AA,
    CP,
    FAR,
    INTENTS,
    ONE,
    SC,
    SUB,
    SUBSCRIPTIONS,
    TWO,
    USS,
    Dss,
    time,
    with_dss,
)
from tests.server.f3548.test_checks import report


def test_a_subscription_is_created_read_found_changed_and_taken_back(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        await dss.plan(ONE, by="bravo")
        put = (await dss.ask("PUT", f"{SUBSCRIPTIONS}/{SUB}", dss.subscription(), scopes=SC)).must(200)
        made = put["subscription"]
        assert made == {
            "id": SUB,
            "version": made["version"],
            "notification_index": 0,
            "uss_base_url": "https://alfa.example/utm",
            "notify_for_operational_intents": True,
            "notify_for_constraints": False,
            "implicit_subscription": False,
            "dependent_operational_intents": [],
            **dss.times(),
            "time_start": {"value": "2017-09-08T05:00:00Z", "format": "RFC3339"},
            "time_end": {"value": "2017-09-08T06:00:00Z", "format": "RFC3339"},
        }
        assert [each["id"] for each in put["operational_intent_references"]] == [ONE]
        assert "constraint_references" not in put.json
        assert (await dss.ask("GET", f"{SUBSCRIPTIONS}/{SUB}")).must(200).json == {"subscription": made}
        area = {"area_of_interest": dss.volume()}
        assert (await dss.ask("POST", f"{SUBSCRIPTIONS}/query", area)).must(200).json == {"subscriptions": [made]}
        (await dss.ask("PUT", f"{SUBSCRIPTIONS}/{SUB}", dss.subscription())).refused(409, "subscriptionid")

        other = dss.subscription(notify_for_operational_intents=False, notify_for_constraints=True)
        path = f"{SUBSCRIPTIONS}/{SUB}/{made['version']}"
        (await dss.ask("PUT", path, other, scopes=SC)).refused(403, "notify_for_constraints")
        changed = (await dss.ask("PUT", path, other, scopes=CP)).must(200)
        assert changed["constraint_references"] == []
        assert "operational_intent_references" not in changed.json
        (await dss.ask("DELETE", path)).refused(409, "version")
        gone = await dss.ask("DELETE", f"{SUBSCRIPTIONS}/{SUB}/{changed['subscription']['version']}")
        assert gone.must(200).json == {"subscription": changed["subscription"]}
        (await dss.ask("GET", f"{SUBSCRIPTIONS}/{SUB}")).refused(404, "subscriptionid")

    with_dss(tmp_path, work)


def test_a_subscription_is_shown_and_given_to_its_manager_only(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        version = (await dss.subscribe(SUB))["version"]
        path = f"{SUBSCRIPTIONS}/{SUB}"
        (await dss.ask("GET", path, by="bravo")).refused(403, "subscriptionid")
        (await dss.ask("PUT", f"{path}/{version}", dss.subscription(), by="bravo")).refused(403, "subscriptionid")
        (await dss.ask("DELETE", f"{path}/{version}", by="bravo")).refused(403, "subscriptionid")
        area = {"area_of_interest": dss.volume()}
        assert (await dss.ask("POST", f"{SUBSCRIPTIONS}/query", area, by="bravo")).json == {"subscriptions": []}

    with_dss(tmp_path, work)


def test_a_subscription_lasts_a_day_at_most_and_asks_for_something(tmp_path: Path) -> None:
    """DSSMaxSubscriptionDurationHours; a subscription that tells of nothing is none."""

    async def work(dss: Dss) -> None:
        path = f"{SUBSCRIPTIONS}/{SUB}"
        day = 24 * 60
        cases = [
            (dss.subscription(dss.volume(times_min=(0, day + 1))), "extents.time_end"),
            (dss.subscription(dss.volume(times_min=(-6, 60))), "extents.time_start"),
            (dss.subscription(dss.volume(times_min=(60, 0))), "extents.time_end"),
            (dss.subscription(notify_for_operational_intents=False), "notify_for_operational_intents"),
        ]
        for body, field in cases:
            (await dss.ask("PUT", path, body)).refused(400, field)
        (await dss.ask("PUT", path, dss.subscription(dss.volume(times_min=(0, day))))).must(200)

    with_dss(tmp_path, work)


def test_without_times_a_subscription_begins_now_and_ends_in_a_day(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        volume = {"volume": dss.volume()["volume"]}
        made = await dss.subscribe(SUB, extents=volume)
        now = dss.clock.now()
        assert made["time_start"]["value"].rstrip("Z") == now.isoformat().removesuffix("+00:00")
        assert made["time_end"]["value"].rstrip("Z") == (now + timedelta(hours=24)).isoformat().removesuffix("+00:00")

    with_dss(tmp_path, work)


def test_an_implicit_subscription_names_the_intent_that_hangs_on_it_and_goes_with_it(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        intent = await dss.plan(ONE)
        path = f"{SUBSCRIPTIONS}/{intent['subscription_id']}"
        implicit = (await dss.ask("GET", path)).must(200)["subscription"]
        assert implicit["implicit_subscription"] is True
        assert implicit["dependent_operational_intents"] == [ONE]
        (await dss.ask("DELETE", f"{path}/{implicit['version']}")).refused(400, "subscriptionid")
        (await dss.ask("DELETE", f"{INTENTS}/{ONE}/{intent['ovn']}")).must(200)
        (await dss.ask("GET", path)).refused(404, "subscriptionid")

    with_dss(tmp_path, work)


def test_a_subscription_that_has_ended_is_found_no_more_and_may_begin_anew(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        await dss.subscribe(SUB)
        area = dss.volume(times_min=(0, 600))
        dss.clock.set(dss.clock.now() + timedelta(minutes=61))
        assert (await dss.ask("POST", f"{SUBSCRIPTIONS}/query", {"area_of_interest": area}))["subscriptions"] == []
        assert (await dss.subscribe(SUB, extents=dss.volume(at=FAR)))["notification_index"] == 0

    with_dss(tmp_path, work)


def test_availability_is_unknown_until_an_arbitrator_says_otherwise_and_changes_by_version(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        path = f"{USS}/north%20wing"
        unknown = {"version": "", "status": {"uss": "north wing", "availability": "Unknown"}}
        assert (await dss.ask("GET", path)).must(200).json == unknown
        body = {"old_version": "", "availability": "Down"}
        (await dss.ask("PUT", path, body, scopes=SC)).refused(403, "authorization")
        down = (await dss.ask("PUT", path, body, scopes=AA)).must(200)
        assert down["status"] == {"uss": "north wing", "availability": "Down"}
        assert (await dss.ask("GET", path)).json == down.json
        (await dss.ask("PUT", path, {"availability": "Normal"})).refused(409, "old_version")
        for odd in ("pUrPlE", "DOWN", "", None, 1):
            wrong = {"old_version": down["version"], "availability": odd}
            (await dss.ask("PUT", path, wrong)).refused(400, "availability")
        normal = {"old_version": down["version"], "availability": "normal"}
        assert (await dss.ask("PUT", path, normal)).must(200)["status"]["availability"] == "Normal"

    with_dss(tmp_path, work)


def test_a_report_is_kept_and_comes_back_with_an_id(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        told = {**report(), "of_no_meaning_here": [1]}
        reply = (await dss.ask("POST", "/dss/v1/reports", told)).must(201)
        assert reply.json == {**told, "report_id": reply["report_id"]}
        assert 0 < len(reply["report_id"]) <= 128
        assert (await dss.ask("POST", "/dss/v1/reports", told))["report_id"] == reply["report_id"]
        assert (await dss.ask("POST", "/dss/v1/reports", told, by="bravo"))["report_id"] != reply["report_id"]
        kept = [message.act for message in dss.node.state.log if isinstance(message.act, UtmExchange)]
        assert [(each.peer, each.did) for each in kept[:1]] == [("alfa", "makeDssReport")]
        assert kept[0].body is not None
        assert json.loads(kept[0].body) == told

    with_dss(tmp_path, work)


def test_of_a_report_that_is_long_or_hides_something_the_digest_is_kept(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        for odd in ("x" * 30_000, "\u202e", "ء" * 9_800, "\\" * 9_000):
            told = report()
            told["exchange"]["problem"] = odd
            (await dss.ask("POST", "/dss/v1/reports", json.dumps(told, ensure_ascii=False).encode())).must(201)
        kept = [message.act for message in dss.node.state.log if isinstance(message.act, UtmExchange)]
        assert [each.body is not None for each in kept] == [False, False, True, True]
        assert all(each.body_sha256 for each in kept)

    with_dss(tmp_path, work)


def test_a_report_without_an_exchange_or_with_a_moment_that_is_none_is_refused(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        (await dss.ask("POST", "/dss/v1/reports", {})).refused(400, "exchange")
        for name in ("url", "method", "recorder_role", "request_time"):
            told = report()
            del told["exchange"][name]
            (await dss.ask("POST", "/dss/v1/reports", told)).refused(400, f"exchange.{name}")
        told = report()
        told["exchange"]["response_time"] = {**time(dss.clock.now()), "value": "2026-01-01T00:00:00"}
        (await dss.ask("POST", "/dss/v1/reports", told)).refused(400, "exchange.response_time.value")
        assert TWO not in dss.node.state.utm.intents

    with_dss(tmp_path, work)

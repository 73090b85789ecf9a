"""Operational intent and constraint references over HTTP, in the words of F3548-21."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from keepclear.server.f3548.settings import Settings
from tests.server.f3548.surface import (
    AA,
    CM,
    CONSTRAINTS,
    CP,
    FAR,
    INTENTS,
    ONE,
    SC,
    SUB,
    SUBSCRIPTIONS,
    THREE,
    TWO,
    USS,
    Dss,
    time,
    uuid,
    with_dss,
)


def test_an_intent_is_created_read_found_changed_and_ended(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        volume = dss.volume()
        starts = time(dss.clock.now() + timedelta(microseconds=123_456))
        volume["time_start"] = starts
        made = (await dss.ask("PUT", f"{INTENTS}/{ONE}", dss.intent(volume), scopes=SC)).must(201)
        reference = made["operational_intent_reference"]
        assert reference == {
            "id": ONE,
            "manager": "alfa",
            "uss_availability": "Unknown",
            "version": 1,
            "state": "Accepted",
            "ovn": reference["ovn"],
            "time_start": starts,
            "time_end": {"value": "2017-09-08T06:00:00Z", "format": "RFC3339"},
            "uss_base_url": "https://alfa.example/utm",
            "subscription_id": reference["subscription_id"],
        }
        assert 16 <= len(reference["ovn"]) <= 128
        assert (await dss.ask("GET", f"{INTENTS}/{ONE}")).must(200).json == {"operational_intent_reference": reference}
        area = {"area_of_interest": dss.volume()}
        found = (await dss.ask("POST", f"{INTENTS}/query", area)).must(200).json
        assert found == {"operational_intent_references": [reference]}

        path = f"{INTENTS}/{ONE}/{reference['ovn']}"
        keeps = dss.intent(state="Activated", subscription_id=reference["subscription_id"])
        changed = (await dss.ask("PUT", path, keeps)).must(200)["operational_intent_reference"]
        assert (changed["version"], changed["state"]) == (2, "Activated")
        assert changed["subscription_id"] == reference["subscription_id"]
        assert changed["ovn"] != reference["ovn"]
        (await dss.ask("DELETE", path)).refused(409, "ovn")
        ended = (await dss.ask("DELETE", f"{INTENTS}/{ONE}/{changed['ovn']}")).must(200)
        assert ended["operational_intent_reference"] == changed
        (await dss.ask("GET", f"{INTENTS}/{ONE}")).refused(404, "entityid")
        assert (await dss.ask("POST", f"{INTENTS}/query", area)).json == {"operational_intent_references": []}
        (await dss.ask("DELETE", f"{INTENTS}/{ONE}/{changed['ovn']}", by="bravo")).refused(404, "entityid")

    with_dss(tmp_path, work)


def test_an_ovn_is_shown_to_its_manager_only(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        await dss.plan(ONE)
        await dss.ask("PUT", f"{CONSTRAINTS}/{TWO}", dss.constraint(by="alfa"))
        area = {"area_of_interest": dss.volume()}
        seen: list[Any] = [
            (await dss.ask("GET", f"{INTENTS}/{ONE}", by="bravo"))["operational_intent_reference"],
            *(await dss.ask("POST", f"{INTENTS}/query", area, by="bravo"))["operational_intent_references"],
            (await dss.ask("GET", f"{CONSTRAINTS}/{TWO}", by="bravo"))["constraint_reference"],
            *(await dss.ask("POST", f"{CONSTRAINTS}/query", area, by="bravo"))["constraint_references"],
        ]
        body = dss.subscription(by="bravo", notify_for_constraints=True)
        put = (await dss.ask("PUT", f"{SUBSCRIPTIONS}/{SUB}", body, by="bravo")).must(200)
        seen += [*put["operational_intent_references"], *put["constraint_references"]]
        refused = (await dss.ask("PUT", f"{INTENTS}/{THREE}", dss.intent(by="bravo"), by="bravo")).must(409)
        seen += refused["missing_operational_intents"]
        assert len(seen) == 7
        assert not [each for each in seen if each["manager"] != "alfa" or "ovn" in each]

    with_dss(tmp_path, work)


def test_a_key_must_show_knowledge_of_all_that_is_there(tmp_path: Path) -> None:
    """SCD0030, DSS0005: AirspaceConflictResponse lists exactly what is missing."""

    async def work(dss: Dss) -> None:
        first = (await dss.plan(ONE))["ovn"]
        second = (await dss.plan(TWO, key=[first]))["ovn"]
        await dss.plan(uuid(9), dss.volume(at=FAR))
        path = f"{INTENTS}/{THREE}"
        for key, lacks in (([], [ONE, TWO]), ([first], [TWO]), ([second], [ONE]), ([first, "x" * 32], [TWO])):
            refused = (await dss.ask("PUT", path, dss.intent(by="bravo", key=key), by="bravo")).refused(409, "key")
            assert [each["id"] for each in refused["missing_operational_intents"]] == lacks
            assert refused["missing_constraints"] == []
        (await dss.ask("GET", path)).must(404)
        (await dss.ask("PUT", path, dss.intent(by="bravo", key=[first, second]), by="bravo")).must(201)

    with_dss(tmp_path, work)


def test_whom_to_tell_is_said_once_for_each_url_with_a_raised_index(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        await dss.subscribe(SUB, by="bravo")
        await dss.subscribe(uuid(12), by="bravo")
        await dss.subscribe(uuid(13), by="civil", extents=dss.volume(at=FAR))
        for version in (1, 2):
            if version == 1:
                reply = await dss.ask("PUT", f"{INTENTS}/{ONE}", dss.intent(subscription_id=None))
            else:
                ovn = reply["operational_intent_reference"]["ovn"]
                reply = await dss.ask("PUT", f"{INTENTS}/{ONE}/{ovn}", dss.intent(subscription_id=None))
            states = [{"subscription_id": each, "notification_index": version} for each in (SUB, uuid(12))]
            assert reply["subscribers"] == [{"uss_base_url": "https://bravo.example/utm", "subscriptions": states}]
        shown = (await dss.ask("GET", f"{SUBSCRIPTIONS}/{SUB}", by="bravo"))["subscription"]
        assert shown["notification_index"] == 2

    with_dss(tmp_path, work)


def test_an_intent_without_a_subscription_says_so_with_the_id_of_none(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        made = await dss.plan(ONE, subscription_id=None)
        assert made["subscription_id"] == "00000000-0000-4000-8000-000000000000"

    with_dss(tmp_path, work)


def test_ids_are_taken_in_either_case_and_mean_the_same(tmp_path: Path) -> None:
    id = "abcdefab-cdef-4abc-8def-abcdefabcdef"

    async def work(dss: Dss) -> None:
        assert (await dss.plan(id.upper()))["id"] == id
        (await dss.ask("GET", f"{INTENTS}/{id}")).must(200)
        (await dss.ask("PUT", f"{INTENTS}/{id}", dss.intent())).refused(409, "entityid")
        for odd in (id[:-1], id.replace("-4", "-1"), id.replace("-8", "-c"), f"{id}%0a", "x"):
            (await dss.ask("GET", f"{INTENTS}/{odd}")).refused(400, "entityid")

    with_dss(tmp_path, work)


def test_another_service_cannot_change_or_end_what_is_not_its_own(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        ovn = (await dss.plan(ONE))["ovn"]
        (await dss.ask("PUT", f"{INTENTS}/{ONE}/{ovn}", dss.intent(by="bravo"), by="bravo")).refused(403, "entityid")
        (await dss.ask("DELETE", f"{INTENTS}/{ONE}/{ovn}", by="bravo")).refused(403, "entityid")
        made = (await dss.ask("PUT", f"{CONSTRAINTS}/{TWO}", dss.constraint())).must(201)["constraint_reference"]
        path = f"{CONSTRAINTS}/{TWO}/{made['ovn']}"
        (await dss.ask("PUT", path, dss.constraint(by="bravo"), by="bravo")).refused(403, "entityid")
        (await dss.ask("DELETE", path, by="bravo")).refused(403, "entityid")

    with_dss(tmp_path, work)


def test_the_ovn_may_be_asked_for_as_a_uuid_of_version_7(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        digits = f"{round(dss.clock.now().timestamp() * 1000):012x}"
        suffix = f"{digits[:8]}-{digits[8:]}-7abc-8def-0123456789ab"
        assert (await dss.plan(ONE, requested_ovn_suffix=suffix))["ovn"] == f"{ONE}_{suffix}"
        old = "00000000-0000-7abc-8def-0123456789ab"
        for odd in (old, suffix.replace("-7", "-4"), "x", f"{suffix}\n"):
            body = dss.intent(dss.volume(at=FAR), requested_ovn_suffix=odd)
            (await dss.ask("PUT", f"{INTENTS}/{TWO}", body)).refused(400, "requested_ovn_suffix")

    with_dss(tmp_path, work)


def test_only_conformance_monitoring_takes_an_intent_out_of_conformance(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        made = await dss.plan(ONE)
        for state in ("Nonconforming", "Contingent"):
            body = dss.intent(state=state)
            (await dss.ask("PUT", f"{INTENTS}/{ONE}/{made['ovn']}", body, scopes=SC)).refused(403, "state")
            made = (await dss.ask("PUT", f"{INTENTS}/{ONE}/{made['ovn']}", body)).must(200)[
                "operational_intent_reference"
            ]
            assert made["state"] == state
        (await dss.ask("PUT", f"{INTENTS}/{TWO}", dss.intent(state="Activated"))).refused(400, "state")

    with_dss(tmp_path, work)


def test_a_service_that_is_down_may_not_plan(tmp_path: Path) -> None:
    """UssAvailabilityState, and 412 of the operations."""

    async def work(dss: Dss) -> None:
        ovn = (await dss.plan(ONE))["ovn"]
        (await dss.ask("PUT", f"{USS}/alfa", {"old_version": "", "availability": "Down"}, by="x", scopes=AA)).must(200)
        (await dss.ask("PUT", f"{INTENTS}/{TWO}", dss.intent())).must(412)
        (await dss.ask("PUT", f"{INTENTS}/{ONE}/{ovn}", dss.intent())).must(412)
        (await dss.ask("DELETE", f"{INTENTS}/{ONE}/{ovn}")).must(412)
        shown = (await dss.ask("GET", f"{INTENTS}/{ONE}", by="bravo"))["operational_intent_reference"]
        assert shown["uss_availability"] == "Down"
        (await dss.plan(TWO, by="bravo"))  # what a service that is down has only planned need not be known

    with_dss(tmp_path, work)


def test_a_base_url_is_https_unless_the_operator_says_otherwise(tmp_path: Path) -> None:
    async def strict(dss: Dss) -> None:
        body = dss.intent(uss_base_url="http://alfa.example")
        (await dss.ask("PUT", f"{INTENTS}/{ONE}", body)).refused(400, "uss_base_url")
        nested = dss.intent(new_subscription={"uss_base_url": "http://alfa.example"})
        (await dss.ask("PUT", f"{INTENTS}/{ONE}", nested)).refused(400, "new_subscription.uss_base_url")
        constraint = {**dss.constraint(), "uss_base_url": "http://alfa.example"}
        (await dss.ask("PUT", f"{CONSTRAINTS}/{ONE}", constraint)).refused(400, "uss_base_url")
        subscription = dss.subscription(uss_base_url="http://alfa.example")
        (await dss.ask("PUT", f"{SUBSCRIPTIONS}/{ONE}", subscription)).refused(400, "uss_base_url")

    async def loose(dss: Dss) -> None:
        await dss.plan(ONE, uss_base_url="http://alfa.example")

    with_dss(tmp_path, strict)
    with_dss(tmp_path, loose, settings=Settings(allow_http_base_urls=True))


@pytest.mark.parametrize("kind", [INTENTS, CONSTRAINTS])
def test_what_stands_in_a_request_is_checked_before_anything_is_looked_up(tmp_path: Path, kind: str) -> None:
    async def work(dss: Dss) -> None:
        now = dss.clock.now()

        def asked(**changed: Any) -> dict[str, Any]:
            volume = dss.volume()
            shape = volume["volume"]
            body = dss.intent(volume) if kind == INTENTS else dss.constraint(volume)
            for name, value in changed.items():
                target = shape if name in ("altitude_upper", "outline_circle") else volume
                target[name] = value
            return body

        early, late = time(now - timedelta(hours=2)), time(now + timedelta(hours=2))
        cases = [
            (asked(time_start=None), "extents[0].time_start"),
            (asked(time_end=None), "extents[0].time_end"),
            (asked(time_start=late), "extents[0].time_end"),
            (asked(time_end={**late, "format": "RFC3330"}), "extents[0].time_end.format"),
            (asked(time_end={**late, "value": "2017-09-08T09:00:00+02:00"}), "extents[0].time_end.value"),
            (
                asked(altitude_upper={"value": 1, "reference": "W84", "units": "FT"}),
                "extents[0].volume.altitude_upper.units",
            ),
            (
                asked(altitude_upper={"value": 1, "reference": "MSL", "units": "M"}),
                "extents[0].volume.altitude_upper.reference",
            ),
            (
                asked(altitude_upper={"value": 1e6, "reference": "W84", "units": "M"}),
                "extents[0].volume.altitude_upper.value",
            ),
            (asked(outline_circle=None), "extents[0].volume.outline_polygon"),
            ({**asked(), "extents": []}, "extents"),
            ({**asked(), "extents": asked()["extents"][0]}, "extents"),
            ({**asked(), "uss_base_url": None}, "uss_base_url"),
        ]
        for body, field in cases:
            (await dss.ask("PUT", f"{kind}/{ONE}", body)).refused(400, field)
        over = asked(time_start=early, time_end=time(now - timedelta(hours=1)))
        assert (await dss.ask("PUT", f"{kind}/{ONE}", over)).must(400)["field"].startswith("extents")
        assert dss.node.state.utm.number == 0

    with_dss(tmp_path, work)


def test_a_query_needs_an_area_and_may_look_at_what_is_over(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        await dss.plan(ONE)
        for kind in (INTENTS, CONSTRAINTS, SUBSCRIPTIONS):
            (await dss.ask("POST", f"{kind}/query")).refused(400, "body")
            (await dss.ask("POST", f"{kind}/query", {})).refused(400, "area_of_interest")
            (await dss.ask("POST", f"{kind}/query", {"area_of_interest": {}})).refused(400, "area_of_interest.volume")
        past = {"area_of_interest": dss.volume(times_min=(-600, -500))}
        assert (await dss.ask("POST", f"{INTENTS}/query", past)).must(200)["operational_intent_references"] == []
        elsewhere = {"area_of_interest": dss.volume(at=FAR)}
        assert (await dss.ask("POST", f"{INTENTS}/query", elsewhere)).must(200)["operational_intent_references"] == []

    with_dss(tmp_path, work)


def test_a_constraint_is_created_read_found_changed_and_taken_back(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        await dss.subscribe(SUB, by="bravo", notify_for_constraints=True)
        await dss.subscribe(uuid(12), by="bravo")
        made = (await dss.ask("PUT", f"{CONSTRAINTS}/{ONE}", dss.constraint(), by="civil", scopes=CM)).must(201)
        reference = made["constraint_reference"]
        assert (reference["manager"], reference["version"]) == ("civil", 1)
        told = [each["subscription_id"] for group in made["subscribers"] for each in group["subscriptions"]]
        assert told == [SUB]
        shown = (await dss.ask("GET", f"{CONSTRAINTS}/{ONE}", by="bravo", scopes=CP)).must(200)["constraint_reference"]
        assert {**shown, "ovn": reference["ovn"]} == reference
        path = f"{CONSTRAINTS}/{ONE}/{reference['ovn']}"
        changed = (await dss.ask("PUT", path, dss.constraint(), by="civil")).must(200)
        assert changed["constraint_reference"]["version"] == 2
        (await dss.ask("DELETE", path, by="civil")).refused(409, "ovn")
        path = f"{CONSTRAINTS}/{ONE}/{changed['constraint_reference']['ovn']}"
        gone = (await dss.ask("DELETE", path, by="civil")).must(200)
        assert gone["constraint_reference"] == changed["constraint_reference"]
        assert gone["subscribers"][0]["subscriptions"] == [{"subscription_id": SUB, "notification_index": 3}]
        (await dss.ask("GET", f"{CONSTRAINTS}/{ONE}")).refused(404, "entityid")

    with_dss(tmp_path, work)

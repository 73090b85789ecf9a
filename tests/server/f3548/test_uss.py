"""What this node tells other services as a USS, whom it believes, and that each look and each message is on record."""

from __future__ import annotations

import base64
import json
from typing import Any

import pytest

from keepclear.model.utm import Way
from tests.node.skies import OWN, Service, full
from tests.server.f3548.surface import CM, CMSA, CP, SC
from tests.server.f3548.test_planning import put
from tests.server.f3548.uss_side import UssSide, plan, uss_side, wire
from tests.utm.cast import ALFA, FAR, T0, minutes, uuid, volume

FLIGHT = uuid(100)
INTENTS, CONSTRAINTS = "/uss/v1/operational_intents", "/uss/v1/constraints"


async def told(side: UssSide, number: int, **changed: Any) -> dict[str, Any]:
    """A notification of alfa's intent as it now is in the DSS."""
    intent = side.node.state.utm.intents[uuid(number)]
    states = [{"subscription_id": uuid(50), "notification_index": 1}]
    return {"operational_intent_id": intent.id, "subscriptions": states, **full(intent), **changed}


# ── what is told ──


def test_details_are_those_of_the_reference_in_the_dss_and_who_looked_is_on_record() -> None:
    async def work(side: UssSide, alfa: Service) -> None:
        await put(side, FLIGHT, plan(priority=4))
        held = side.node.state.utm.intents[FLIGHT]
        answer = (await side.ask("GET", f"{INTENTS}/{FLIGHT}", by="bravo", scopes=SC)).must(200)
        intent = answer["operational_intent"]
        reference = intent["reference"]
        assert (reference["id"], reference["ovn"], reference["manager"]) == (FLIGHT, held.ovn, OWN)
        assert (reference["version"], reference["state"]) == (1, "Accepted")
        assert (reference["subscription_id"], reference["uss_base_url"]) == (held.subscription, held.uss_base_url)
        assert reference["time_start"] == {"value": "2026-03-01T12:00:00Z", "format": "RFC3339"}
        assert reference["uss_availability"] == "Unknown"
        assert intent["details"] == {"volumes": [wire()], "off_nominal_volumes": [], "priority": 4}
        (look,) = side.here.exchanges("getOperationalIntentDetails", Way.RECEIVED)
        assert (look.peer, look.entity, look.outcome) == ("bravo", FLIGHT, "200")

    uss_side(work)


def test_only_own_intents_are_told_of_and_what_is_not_there_leaves_no_mark() -> None:
    async def work(side: UssSide, alfa: Service) -> None:
        await side.here.put(1, ALFA, alfa.url())
        size = side.node.size
        for id in (uuid(1), FLIGHT):
            (await side.ask("GET", f"{INTENTS}/{id}", scopes=SC)).must(404)
            (await side.ask("GET", f"{INTENTS}/{id}/telemetry", scopes=CMSA)).must(404)
            (await side.ask("GET", f"{CONSTRAINTS}/{id}", scopes=CP)).must(404)
        (await side.ask("GET", f"{INTENTS}/nonsense", scopes=SC)).refused(400, "entityid")
        assert side.node.size == size

    uss_side(work)


@pytest.mark.parametrize(
    ("method", "path", "scopes"),
    [
        ("GET", f"{INTENTS}/{FLIGHT}", {SC}),
        ("POST", INTENTS, {SC}),
        ("GET", f"{INTENTS}/{FLIGHT}/telemetry", {CMSA}),
        ("GET", f"{CONSTRAINTS}/{FLIGHT}", {CP}),
        ("POST", CONSTRAINTS, {CM}),
        ("POST", "/uss/v1/reports", {SC, CM, CP, CMSA}),
    ],
)
def test_each_door_opens_with_the_scopes_of_the_standard_only(method: str, path: str, scopes: set[str]) -> None:
    async def work(side: UssSide, alfa: Service) -> None:
        (await side.ask(method, path, by=None)).must(401)
        for scope in (SC, CM, CP, CMSA, "utm.nothing"):
            status = (await side.ask(method, path, scopes=scope)).status
            assert (status == 403) is (scope not in scopes)

    uss_side(work)


def test_the_position_is_told_only_of_what_is_off_nominal_and_only_what_was_reported_by_now() -> None:
    async def work(side: UssSide, alfa: Service) -> None:
        def state(id: str, minute: float, lat: float) -> dict[str, Any]:
            at = (T0 + minutes(minute)).isoformat().replace("+00:00", "Z")
            position = {
                "location": {"lat": lat, "lng": 69.2},
                "altitudes": [
                    {"value": 40.0, "reference": "SFC", "units": "M"},
                    {"value": 1800.5, "reference": "W84", "units": "M"},
                ],
                "accuracy_h": "HA3m",
            }
            timestamp = {"value": at, "format": "RFC3339"}
            return {"id": id, "timestamp": timestamp, "position": position, "speed": 12.5, "track": 270.0}

        states = {"states": [state("b", 3, 34.57), state("a", 1, 34.55), state("c", 5, 34.59)]}
        path = f"{INTENTS}/{FLIGHT}/telemetry"
        await put(side, FLIGHT, plan(usage="InUse", telemetry=states))
        (await side.ask("GET", path, scopes=CMSA)).must(409)
        await put(side, FLIGHT, plan(usage="InUse", uas="OffNominal", telemetry=states))
        (await side.ask("GET", path, scopes=CMSA)).must(412)
        side.clock.set(T0 + minutes(4))
        answer = (await side.ask("GET", path, by="bravo", scopes=CMSA)).must(200)
        assert answer["operational_intent_id"] == FLIGHT
        telemetry = answer["telemetry"]
        assert telemetry["time_measured"]["value"] == "2026-03-01T12:03:00Z"
        assert telemetry["position"]["latitude"] == 34.57
        assert telemetry["position"]["altitude"] == {"value": 1800.5, "reference": "W84", "units": "M"}
        assert telemetry["position"]["accuracy_h"] == "HA3m"
        assert telemetry["velocity"] == {"speed": 12.5, "units_speed": "MetersPerSecond", "track": 270.0}
        assert answer["next_telemetry_opportunity"]["value"] == "2026-03-01T12:05:00Z"
        (look,) = side.here.exchanges("getOperationalIntentTelemetry")
        assert look.peer == "bravo"

    uss_side(work)


# ── what is heard ──


def test_a_managers_notification_is_taken_remembered_and_on_record() -> None:
    async def work(side: UssSide, alfa: Service) -> None:
        await put(side, FLIGHT, plan(), by="operator")
        near = volume((34.55, 69.2075))
        await side.here.put(1, ALFA, alfa.url(), near)
        message = await told(side, 1)
        answer = (await side.ask("POST", INTENTS, message, by="alfa", scopes=SC)).must(204)
        assert answer.body == b""
        (heard,) = side.here.exchanges("notifyOperationalIntentDetailsChanged", Way.RECEIVED)
        assert (heard.peer, heard.outcome, heard.entity) == ("alfa", "204", uuid(1))
        assert heard.body is not None
        assert json.loads(heard.body) == message
        assert (await put(side, FLIGHT, plan(usage="InUse")))[0] == "Completed"
        assert alfa.asked == [], "planned by what was told"
        assert side.here.uss.notices.between("operator", T0, T0) == []

    uss_side(work)


def test_the_operator_of_a_flight_that_another_now_meets_is_told() -> None:
    async def work(side: UssSide, alfa: Service) -> None:
        await put(side, FLIGHT, plan(), by="operator")
        await put(side, uuid(101), plan(volume(FAR)), by="elsewhere")
        await side.here.put(1, ALFA, alfa.url())
        message = await told(side, 1, **full(side.node.state.utm.intents[uuid(1)], priority=9))
        (await side.ask("POST", INTENTS, message, by="alfa", scopes=SC)).must(204)
        (notice,) = side.here.uss.notices.between("operator", T0, T0)
        assert (notice.flight, notice.why.value) == (FLIGHT, "SCD0095")
        assert side.here.uss.notices.between("elsewhere", T0, T0) == []
        assert side.node.state.utm.intents.keys() == {FLIGHT, uuid(101), uuid(1)}

    uss_side(work)


def test_that_something_ended_is_taken_from_who_managed_it_last() -> None:
    async def work(side: UssSide, alfa: Service) -> None:
        intent = await side.here.put(1, ALFA, alfa.url())
        states = [{"subscription_id": uuid(50), "notification_index": 2}]
        message = {"operational_intent_id": intent.id, "subscriptions": states}
        path = f"/dss/v1/operational_intent_references/{intent.id}/{intent.ovn}"
        (await side.ask("DELETE", path, by="alfa", scopes=SC)).must(200)
        (await side.ask("POST", INTENTS, message, by="bravo", scopes=SC)).must(403)
        (await side.ask("POST", INTENTS, message, by="alfa", scopes=SC)).must(204)
        unheard_of = {"operational_intent_id": uuid(77), "subscriptions": states}
        (await side.ask("POST", INTENTS, unheard_of, by="alfa", scopes=SC)).must(403)
        outcomes = [each.outcome for each in side.here.exchanges("notifyOperationalIntentDetailsChanged", Way.RECEIVED)]
        assert outcomes == ["403 utm_not_manager", "204", "403 utm_not_manager"]

    uss_side(work)


def test_something_else_under_the_id_of_what_ended_gives_nobody_a_say_in_it() -> None:
    async def work(side: UssSide, alfa: Service) -> None:
        intent = await side.here.put(1, ALFA, alfa.url())
        late = await told(side, 1)
        path = f"/dss/v1/operational_intent_references/{intent.id}/{intent.ovn}"
        (await side.ask("DELETE", path, by="alfa", scopes=SC)).must(200)
        wants = side.subscription(by="mallory")
        (await side.ask("PUT", f"/dss/v1/subscriptions/{intent.id}", wants, by="mallory", scopes=SC)).must(200)
        forged = json.loads(json.dumps(late))
        forged["operational_intent"]["reference"] |= {"version": 2**31 - 1, "manager": "mallory"}
        (await side.ask("POST", INTENTS, forged, by="mallory", scopes=SC)).must(403)
        forged["operational_intent"]["reference"]["manager"] = "alfa"
        (await side.ask("POST", INTENTS, forged, by="alfa", scopes=SC)).must(204)
        await side.here.put(1, ALFA, alfa.url())
        (await side.ask("POST", INTENTS, await told(side, 1), by="alfa", scopes=SC)).must(204)

    uss_side(work)


def test_an_intent_that_ended_and_began_anew_is_told_of_from_its_first_version_on() -> None:
    async def work(side: UssSide, alfa: Service) -> None:
        for radius_m in (300.0, 200.0):
            intent = await side.here.put(1, ALFA, alfa.url(), volume(radius_m=radius_m))
        old = await told(side, 1)
        (await side.ask("POST", INTENTS, old, by="alfa", scopes=SC)).must(204)
        path = f"/dss/v1/operational_intent_references/{intent.id}/{intent.ovn}"
        (await side.ask("DELETE", path, by="alfa", scopes=SC)).must(200)
        await side.here.put(1, ALFA, alfa.url())
        (await side.ask("POST", INTENTS, await told(side, 1), by="alfa", scopes=SC)).must(204)

    uss_side(work)


def test_nobody_tells_of_anothers_intent() -> None:
    async def work(side: UssSide, alfa: Service) -> None:
        await put(side, FLIGHT, plan(), by="operator")
        await side.here.put(1, ALFA, alfa.url())
        message = await told(side, 1)
        (await side.ask("POST", INTENTS, message, by="bravo", scopes=SC)).must(403)
        own = full(side.node.state.utm.intents[FLIGHT])
        states = [{"subscription_id": uuid(50), "notification_index": 2}]
        in_anothers_name = {**message, **full(side.node.state.utm.intents[uuid(1)], reference_={"manager": "bravo"})}
        answer = await side.ask("POST", INTENTS, in_anothers_name, by="alfa", scopes=SC)
        answer.refused(403, "reference.manager")
        forged = {"operational_intent_id": FLIGHT, "subscriptions": states, **own}
        (await side.ask("POST", INTENTS, forged, by="bravo", scopes=SC)).must(403)
        assert side.here.uss.notices.between("operator", T0, T0) == []
        assert side.here.uss.book.known(uuid(1), side.node.state.utm.intents[uuid(1)].ovn) is None

    uss_side(work)


HOSTILE: dict[str, dict[str, Any]] = {
    "operational_intent.reference.state": {"reference_": {"state": "Flying"}},
    "operational_intent.details.priority": {"priority": 1.2},
    "reference.ovn": {"reference_": {"ovn": "0123456789abcdef0123"}},
    "reference.version": {"reference_": {"version": 8}},
    "details.volumes": {"volumes": [wire(volume(FAR))]},
    "operational_intent.reference.id": {"reference_": {"id": uuid(2)}},
}


@pytest.mark.parametrize("field", HOSTILE)
def test_what_a_manager_cannot_mean_is_refused_and_kept_as_evidence(field: str) -> None:
    async def work(side: UssSide, alfa: Service) -> None:
        await put(side, FLIGHT, plan(), by="operator")
        intent = await side.here.put(1, ALFA, alfa.url())
        message = await told(side, 1, **full(intent, **HOSTILE[field]))
        (await side.ask("POST", INTENTS, message, by="alfa", scopes=SC)).refused(400, field)
        (heard,) = side.here.exchanges("notifyOperationalIntentDetailsChanged", Way.RECEIVED)
        assert heard.outcome.startswith("400 ")
        assert heard.body is not None
        assert json.loads(heard.body) == message
        assert side.here.uss.book.known(uuid(1), intent.ovn) is None
        assert side.here.uss.notices.between("operator", T0, T0) == []

    uss_side(work)


def test_an_older_version_than_was_told_or_the_same_otherwise_is_refused() -> None:
    async def work(side: UssSide, alfa: Service) -> None:
        await side.here.put(1, ALFA, alfa.url())
        first = await told(side, 1)
        await side.here.put(1, ALFA, alfa.url(), volume(radius_m=200.0))
        second = await told(side, 1)
        for message, status in (
            (first, 204),
            (second, 204),
            (second, 204),
            (first, 409),
            ({**second, **full(side.node.state.utm.intents[uuid(1)], priority=3)}, 409),
        ):
            (await side.ask("POST", INTENTS, message, by="alfa", scopes=SC)).must(status)

    uss_side(work)


def test_a_constraints_notification_is_taken_from_its_manager_only() -> None:
    async def work(side: UssSide, alfa: Service) -> None:
        put_it = {"extents": [wire()], "uss_base_url": alfa.url()}
        path = f"/dss/v1/constraint_references/{uuid(5)}"
        made = (await side.ask("PUT", path, put_it, by="civil", scopes=CM)).must(201)["constraint_reference"]
        message: dict[str, Any] = {
            "constraint_id": uuid(5),
            "constraint": {"reference": made, "details": {"volumes": [wire()], "type": "com.example.closed"}},
            "subscriptions": [{"subscription_id": uuid(50), "notification_index": 1}],
        }
        (await side.ask("POST", CONSTRAINTS, message, by="alfa", scopes=CM)).must(403)
        (await side.ask("POST", CONSTRAINTS, message, by="civil", scopes=CM)).must(204)
        message["constraint"]["details"]["volumes"] = [wire(volume(FAR))]
        (await side.ask("POST", CONSTRAINTS, message, by="civil", scopes=CM)).must(409)

    uss_side(work)


# ── reports and logs ──


def test_a_report_is_kept_and_has_an_id() -> None:
    async def work(side: UssSide, alfa: Service) -> None:
        exchange = {
            "url": "https://own.example/uss/v1/operational_intents",
            "method": "GET",
            "recorder_role": "Client",
            "request_time": {"value": "2026-03-01T12:00:00Z", "format": "RFC3339"},
            "problem": "no answer",
        }
        answer = (await side.ask("POST", "/uss/v1/reports", {"exchange": exchange}, by="bravo", scopes=SC)).must(201)
        assert answer["report_id"]
        assert answer["exchange"] == exchange
        (kept,) = side.here.exchanges("makeUssReport")
        assert kept.peer == "bravo"

    uss_side(work)


def test_a_service_reads_its_own_messages_about_an_entity_and_nobody_elses() -> None:
    async def work(side: UssSide, alfa: Service) -> None:
        await put(side, FLIGHT, plan())
        await side.ask("GET", f"{INTENTS}/{FLIGHT}", by="bravo", scopes=SC)
        await side.here.put(1, ALFA, alfa.url(), volume(FAR))
        message = await told(side, 1)
        await side.ask("POST", INTENTS, message, by="alfa", scopes=SC)
        (own,) = (await side.ask("GET", f"/uss/v1/log_sets/{uuid(1)}", by="alfa", scopes=SC)).must(200)["messages"]
        assert (own["method"], own["recorder_role"], own["response_code"]) == ("POST", "Server", 204)
        assert json.loads(base64.b64decode(own["request_body"])) == message
        (await side.ask("GET", f"/uss/v1/log_sets/{FLIGHT}", by="alfa", scopes=SC)).must(404)
        (await side.ask("GET", f"/uss/v1/log_sets/{FLIGHT}", by="bravo", scopes=SC)).must(200)

    uss_side(work)

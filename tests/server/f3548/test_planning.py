"""flight_planning v1 and versioning: an operator, played by a test, at this USS."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from keepclear.model.utm import IntentState
from keepclear.phrases import say
from tests.node.skies import Service
from tests.server.f3548.uss_side import DIRECT, PLAN, PLANS, UssSide, plan, uss_side, wire
from tests.utm.cast import FAR, T0, minutes, uuid, volume

FLIGHT, SECOND = uuid(100), uuid(101)


async def put(side: UssSide, id: str, body: dict[str, Any], by: str = "operator") -> tuple[str, str, str]:
    """(planning_result, flight_plan_status, includes_advisories)"""
    answer = (await side.ask("PUT", f"{PLANS}/{id}", body, by=by, scopes=PLAN)).must(200)
    if answer["planning_result"] == "Completed":
        assert "notes" not in answer.json
    else:
        assert answer["notes"]
    return answer["planning_result"], answer["flight_plan_status"], answer.json.get("includes_advisories", "Unknown")


def test_the_interface_says_what_it_is_and_that_it_is_ready() -> None:
    async def work(side: UssSide, alfa: Service) -> None:
        answer = (await side.ask("GET", "/flight_planning/v1/status", scopes=DIRECT)).must(200)
        assert answer.json == {
            "status": "Ready",
            "api_name": "Flight Planning Automated Testing Interface",
            "api_version": "v0.7.0",
        }
        version = (
            await side.ask(
                "GET",
                "/versioning/versions/gov.example.v1",
                scopes="interuss.versioning.read_system_versions",
            )
        ).must(200)
        assert version["system_identity"] == "gov.example.v1"
        assert version["system_version"].startswith("v")

    uss_side(work)


@pytest.mark.parametrize(
    ("method", "path", "scope"),
    [
        ("GET", "/flight_planning/v1/status", DIRECT),
        ("POST", "/flight_planning/v1/clear_area_requests", DIRECT),
        ("PUT", f"{PLANS}/{FLIGHT}", PLAN),
        ("GET", "/flight_planning/v1/user_notifications", PLAN),
        ("GET", "/versioning/versions/x", "interuss.versioning.read_system_versions"),
    ],
)
def test_each_door_has_its_own_scope(method: str, path: str, scope: str) -> None:
    async def work(side: UssSide, alfa: Service) -> None:
        (await side.ask(method, path, by=None)).must(401)
        for other in {DIRECT, PLAN, "utm.strategic_coordination"} - {scope}:
            (await side.ask(method, path, scopes=other)).must(403)
        assert (await side.ask(method, path, scopes=scope)).status not in (401, 403)

    uss_side(work)


def test_a_flight_from_plan_to_close_in_the_words_of_the_interface() -> None:
    async def work(side: UssSide, alfa: Service) -> None:
        none = "NoAdvisoriesOrConditions"
        assert await put(side, FLIGHT, plan()) == ("Completed", "Planned", none)
        assert await put(side, FLIGHT, plan(usage="InUse")) == ("Completed", "OkToFly", none)
        assert await put(side, FLIGHT, plan(usage="InUse", uas="OffNominal")) == ("Completed", "OffNominal", none)
        assert side.node.state.utm.intents[FLIGHT].state is IntentState.NONCONFORMING
        assert await put(side, FLIGHT, plan(usage="InUse", uas="Contingent")) == ("Completed", "OffNominal", none)
        assert await put(side, FLIGHT, plan(usage="InUse")) == ("Rejected", "OffNominal", "Unknown")
        assert await put(side, FLIGHT, plan(usage="Closed")) == ("Completed", "Closed", none)
        assert side.node.state.utm.intents == {}

    uss_side(work)


def test_what_conflicts_is_rejected_and_what_was_planned_stays() -> None:
    async def work(side: UssSide, alfa: Service) -> None:
        await put(side, FLIGHT, plan(priority=1))
        assert (await put(side, SECOND, plan()))[:2] == ("Rejected", "NotPlanned")
        assert (await put(side, SECOND, plan(usage="InUse")))[:2] == ("Rejected", "NotPlanned")
        await put(side, SECOND, plan(volume(FAR)))
        assert (await put(side, SECOND, plan()))[:2] == ("Rejected", "Planned")
        await put(side, SECOND, plan(volume(FAR), usage="InUse"))
        assert (await put(side, SECOND, plan(usage="InUse")))[:2] == ("Rejected", "OkToFly")
        assert side.node.state.utm.flights[SECOND].volumes == (volume(FAR),)

    uss_side(work)


def test_the_reason_is_given_in_the_callers_language() -> None:
    async def work(side: UssSide, alfa: Service) -> None:
        body = plan(volume(times=(-10, -1)))
        english = await side.ask("PUT", f"{PLANS}/{FLIGHT}", body, scopes=PLAN)
        assert english["notes"] == say("en", "errors.in_the_past")
        arabic = await side.ask(
            "PUT",
            f"{PLANS}/{FLIGHT}",
            plan(volume(times=(-10, -1))),
            scopes=PLAN,
            headers={"accept-language": "ar"},
        )
        assert arabic["notes"] == say("ar", "errors.in_the_past") != english["notes"]

    uss_side(work)


def test_a_hypothetical_flight_is_judged_and_not_planned() -> None:
    async def work(side: UssSide, alfa: Service) -> None:
        await put(side, FLIGHT, plan())
        assert (await put(side, SECOND, plan(style="Hypothetical")))[:2] == ("Rejected", "NotPlanned")
        planned = await put(side, SECOND, plan(style="Hypothetical", priority=1))
        assert planned == ("Completed", "Planned", "AtLeastOneAdvisoryOrCondition")
        assert side.node.state.utm.flights.keys() == {FLIGHT}

    uss_side(work)


def test_heights_above_ground_are_not_supported_and_change_nothing() -> None:
    async def work(side: UssSide, alfa: Service) -> None:
        body = plan()
        body["flight_plan"]["basic_information"]["area"] = [wire(reference="SFC")]
        assert (await put(side, FLIGHT, body))[:2] == ("NotSupported", "NotPlanned")
        assert side.node.state.utm.number == 0

    uss_side(work)


def test_a_volume_without_a_start_begins_now() -> None:
    async def work(side: UssSide, alfa: Service) -> None:
        assert (await put(side, FLIGHT, plan(volume(times=(None, 30)))))[0] == "Completed"
        assert side.node.state.utm.flights[FLIGHT].volumes[0].starts_at == T0

    uss_side(work)


BAD: dict[str, tuple[str, Any]] = {
    "flight_plan.basic_information.usage_state": ("usage_state", "Flying"),
    "flight_plan.basic_information.uas_state": ("uas_state", "Broken"),
    "flight_plan.basic_information.area[0].volume": ("area", [{}]),
}


@pytest.mark.parametrize("field", BAD)
def test_what_is_not_as_the_interface_has_it_is_malformed(field: str) -> None:
    async def work(side: UssSide, alfa: Service) -> None:
        body = plan()
        name, value = BAD[field]
        body["flight_plan"]["basic_information"][name] = value
        (await side.ask("PUT", f"{PLANS}/{FLIGHT}", body, scopes=PLAN)).refused(400, field)
        (await side.ask("PUT", f"{PLANS}/nonsense", plan(), scopes=PLAN)).refused(400, "flight_plan_id")
        assert side.node.state.utm.number == 0

    uss_side(work)


def test_a_request_sent_twice_is_done_once_and_another_under_its_id_is_refused() -> None:
    async def work(side: UssSide, alfa: Service) -> None:
        body = plan(request_id="one")
        path = f"{PLANS}/{FLIGHT}"
        answers = await asyncio.gather(*(side.ask("PUT", path, body, scopes=PLAN) for _ in range(3)))
        assert len({each.must(200).body for each in answers}) == 1
        assert side.node.state.utm.intents[FLIGHT].version == 1
        (await side.ask("PUT", path, plan(priority=3, request_id="one"), scopes=PLAN)).must(409)
        assert (await put(side, SECOND, plan(volume(FAR), request_id="one"), by="another"))[0] == "Completed"

    uss_side(work)


def test_a_flight_is_closed_by_its_operator_or_the_director_and_by_nobody_else() -> None:
    async def work(side: UssSide, alfa: Service) -> None:
        path = f"{PLANS}/{FLIGHT}"
        await put(side, FLIGHT, plan())
        (await side.ask("DELETE", path, by="another", scopes=PLAN)).must(409)
        (await side.ask("PUT", path, plan(), by="another", scopes=PLAN)).must(409)
        closed = (await side.ask("DELETE", path, by="director", scopes=DIRECT)).must(200)
        assert (closed["planning_result"], closed["flight_plan_status"]) == ("Completed", "Closed")
        (await side.ask("DELETE", path, by="operator", scopes=PLAN)).must(404)
        await put(side, FLIGHT, plan())
        (await side.ask("DELETE", path, by="operator", scopes=PLAN)).must(200)
        assert side.node.state.utm.intents == {}

    uss_side(work)


def test_an_area_is_cleared_of_own_flights() -> None:
    async def work(side: UssSide, alfa: Service) -> None:
        await put(side, FLIGHT, plan())
        await put(side, SECOND, plan(volume(FAR)))
        body = {"request_id": "clear", "extent": wire(volume(heights=(-10, 500)))}
        answer = (await side.ask("POST", "/flight_planning/v1/clear_area_requests", body, scopes=DIRECT)).must(200)
        assert answer.json == {"outcome": {"success": True}}
        assert side.node.state.utm.intents.keys() == {SECOND}

    uss_side(work)


def test_an_operator_reads_his_own_notices_of_conflicts_in_a_span_of_time() -> None:
    async def work(side: UssSide, alfa: Service) -> None:
        await put(side, FLIGHT, plan(), by="low")
        side.clock.set(T0 + minutes(1))
        assert (await put(side, SECOND, plan(priority=1), by="high"))[2] == "AtLeastOneAdvisoryOrCondition"
        path = "/flight_planning/v1/user_notifications"

        async def told(by: str, query: str) -> list[Any]:
            answer = (await side.ask("GET", f"{path}?{query}", by=by, scopes=PLAN)).must(200)
            notices: list[Any] = answer["user_notifications"]
            return notices

        (low,) = await told("low", "after=2026-03-01T12:00:00Z")
        assert low["conflicts"] == "Single"
        assert low["observed_at"] == {"value": "2026-03-01T12:01:00Z", "format": "RFC3339"}
        assert FLIGHT in low["message"]
        assert len(await told("high", "after=2026-03-01T12:00:00%2B00:00")) == 1
        assert await told("somebody", "after=2026-03-01T12:00:00Z") == []
        assert await told("low", "after=2026-03-01T12:01:01Z&before=2026-03-01T13:00:00Z") == []
        assert await told("low", "after=2026-03-01T11:00:00Z&before=2026-03-01T12:00:59Z") == []
        (await side.ask("GET", path, scopes=PLAN)).refused(400, "after")
        backwards = f"{path}?after=2026-03-01T12:00:00Z&before=2026-03-01T11:00:00Z"
        (await side.ask("GET", backwards, scopes=PLAN)).refused(400, "before")

    uss_side(work)

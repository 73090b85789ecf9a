"""InterUSS flight_planning v1, under /flight_planning/v1: how an operator, played by a test, plans flights here.

The words of its answers are the interface's; "OkToFly" says that the intent is Activated in the DSS, no more: nobody is
given permission to fly by this node.
"""

from __future__ import annotations

from typing import Literal

from keepclear.errors import Malformed, Refused
from keepclear.formats.f3548.volumes import Time, entity_id
from keepclear.formats.flight_planning import (
    OtherDatum,
    PlanAnswer,
    UserNotification,
    UserNotifications,
    read_clear,
    read_plan,
)
from keepclear.model.utm import IntentState
from keepclear.node.uss import Outcome, Planned
from keepclear.server.f3548.app import Services
from keepclear.server.f3548.routes import Answer, Call, Route, answer_json
from keepclear.server.problems import language, of_error
from keepclear.server.reading import instant
from keepclear.utm.flights import Condition, FlightAsked, Usage
from keepclear.utm.ruling import NotFound

DIRECT, PLAN = "interuss.flight_planning.direct_automated_test", "interuss.flight_planning.plan"
API_NAME, API_VERSION = "Flight Planning Automated Testing Interface", "v0.7.0"

_STATUS: dict[IntentState | None, Literal["NotPlanned", "Planned", "OkToFly", "OffNominal"]] = {
    None: "NotPlanned",
    IntentState.ACCEPTED: "Planned",
    IntentState.ACTIVATED: "OkToFly",
    IntentState.NONCONFORMING: "OffNominal",
    IntentState.CONTINGENT: "OffNominal",
}


async def get_status(services: Services, call: Call) -> Answer:
    """GetStatus."""
    return answer_json({"status": "Ready", "api_name": API_NAME, "api_version": API_VERSION})


async def put_plan(services: Services, call: Call) -> Answer:
    """UpsertFlightPlan. What a rule refuses is answered with 200 and the reason, as the interface has it."""
    id = entity_id(call.path["flight_plan_id"], "flight_plan_id")
    own = services.own
    try:
        asked = read_plan(call.body, services.desk.now())
    except OtherDatum as error:
        held = own.uss.flight(await services.desk.ledger(), id)
        status = _STATUS[None if held is None else held[0].state]
        return answer_json(PlanAnswer("NotSupported", status, _words(error, call)))
    flight = FlightAsked(asked.volumes, Usage(asked.usage), Condition(asked.condition), asked.priority)
    really = asked.style != "Hypothetical"

    async def answer() -> Answer:
        planned = await own.uss.plan(call.asker.sub, id, flight, really=really)
        if planned.outcome is Outcome.COMPLETED and really:
            if flight.usage is Usage.CLOSED:
                own.telemetry.pop(id, None)
            else:
                own.telemetry[id] = asked.telemetry
        return answer_json(_answer(planned, call, closed=flight.usage is Usage.CLOSED))

    return await own.requests.once(call.asker.sub, asked.request_id, call.body, answer)


async def delete_plan(services: Services, call: Call) -> Answer:
    """DeleteFlightPlan. A test director may end anybody's flight, an operator its own."""
    id = entity_id(call.path["flight_plan_id"], "flight_plan_id")
    own = services.own
    ended = await own.uss.end(None if call.asker.has(DIRECT) else call.asker.sub, id)
    if ended is None:
        raise NotFound("there is no flight under this id", field="flight_plan_id", id=id)
    own.telemetry.pop(id, None)
    return answer_json(_answer(ended, call, closed=True))


async def clear_area(services: Services, call: Call) -> Answer:
    """ClearArea."""
    own = services.own
    request_id, volume = read_clear(call.body)

    async def answer() -> Answer:
        left = await own.uss.clear(volume)
        outcome: dict[str, object] = {"success": not left}
        if left:
            outcome["message"] = f"still there: {', '.join(left)}"
        return answer_json({"outcome": outcome})

    return await own.requests.once(call.asker.sub, request_id, call.body, answer)


async def user_notifications(services: Services, call: Call) -> Answer:
    """QueryUserNotifications: what the operator that asks was told of conflicts."""
    now = services.desk.now()
    after = instant(call.query.get("after"), "after")
    before = instant(call.query.get("before"), "before") or now
    if after is None:
        raise Malformed("from when on must be given", field="after", code="missing_field")
    if before < after:
        raise Malformed("it ends before it starts", field="before", code="times_order")
    found = services.own.uss.notices.between(call.asker.sub, after, min(before, now))
    return answer_json(
        UserNotifications(
            tuple(
                [
                    UserNotification(
                        Time(each.at, "RFC3339"),
                        f"{each.why.value}: {each.flight}",
                        "Single" if each.conflicts == 1 else "Multiple",
                    )
                    for each in found
                ]
            )
        )
    )


def _answer(planned: Planned, call: Call, *, closed: bool) -> PlanAnswer:
    done = planned.outcome is Outcome.COMPLETED
    return PlanAnswer(
        planned.outcome.value,
        "Closed" if closed and done else _STATUS[planned.state],
        "" if planned.why is None else _words(planned.why, call),
        "Unknown"
        if not done
        else "AtLeastOneAdvisoryOrCondition"
        if planned.advisories
        else "NoAdvisoriesOrConditions",
    )


def _words(error: Refused, call: Call) -> str:
    return of_error(error, language(call.headers.get("accept-language"))).error.message


_PLANS = "/flight_planning/v1"
ROUTES = (
    Route("GET", f"{_PLANS}/status", get_status, (DIRECT,)),
    Route("POST", f"{_PLANS}/clear_area_requests", clear_area, (DIRECT,)),
    Route("PUT", f"{_PLANS}/flight_plans/{{flight_plan_id}}", put_plan, (PLAN,)),
    Route("DELETE", f"{_PLANS}/flight_plans/{{flight_plan_id}}", delete_plan, (PLAN, DIRECT)),
    Route("GET", f"{_PLANS}/user_notifications", user_notifications, (PLAN,)),
)

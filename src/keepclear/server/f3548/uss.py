"""F3548-21, the paths under /uss/v1: what this node tells other services of its own, and what it is told.

Whoever looks at details is put on record before the answer goes out.
"""

from __future__ import annotations

import base64
from typing import Any

from keepclear.errors import NotNow
from keepclear.formats.f3548 import details as says
from keepclear.formats.f3548.volumes import entity_id, wire_time
from keepclear.formats.flight_planning import telemetry_answer
from keepclear.model.acts import UtmExchange
from keepclear.model.utm import IntentState, Way
from keepclear.node.calling import exchange
from keepclear.server.f3548.app import Services
from keepclear.server.f3548.dss import file_report
from keepclear.server.f3548.faults import NoTelemetry
from keepclear.server.f3548.routes import Answer, Call, Route, answer_json
from keepclear.server.f3548.writing import availability_in
from keepclear.utm.ruling import NotFound
from keepclear.utm.scopes import (
    AVAILABILITY_ARBITRATION,
    CONFORMANCE_MONITORING,
    CONSTRAINT_MANAGEMENT,
    CONSTRAINT_PROCESSING,
    STRATEGIC_COORDINATION,
)

MAX_LOOKED_THROUGH = 10_000
"""Entries of the record, from the last, in which a set of logs is looked for."""


async def get_intent_details(services: Services, call: Call) -> Answer:
    """getOperationalIntentDetails."""
    id = entity_id(call.path["entityid"], "entityid")
    ledger = await services.desk.ledger()
    found = services.own.uss.flight(ledger, id)
    if found is None:
        raise NotFound("this service manages no intent under this id", field="entityid", id=id)
    answer = answer_json(says.GotIntent(says.intent_of_own(*found, availability_in(ledger))))
    await _looked_at(services, call, "getOperationalIntentDetails", id)
    return answer


async def get_intent_telemetry(services: Services, call: Call) -> Answer:
    """getOperationalIntentTelemetry: where an off-nominal flight was reported last."""
    id = entity_id(call.path["entityid"], "entityid")
    own = services.own
    found = own.uss.flight(await services.desk.ledger(), id)
    if found is None:
        raise NotFound("this service manages no intent under this id", field="entityid", id=id)
    if found[0].state not in (IntentState.NONCONFORMING, IntentState.CONTINGENT):
        raise NotNow("only of what is off-nominal is the position told", field="entityid", code="utm_nominal")
    now = services.desk.now()
    points = own.telemetry.get(id, ())
    past = [point for point in points if point.at <= now]
    if not past:
        raise NoTelemetry("nothing was reported of where it is", field="entityid")
    ahead = next((point.at for point in points if point.at > now), None)
    await _looked_at(services, call, "getOperationalIntentTelemetry", id)
    return answer_json(telemetry_answer(id, past[-1], ahead))


async def notify_intent(services: Services, call: Call) -> Answer:
    """notifyOperationalIntentDetailsChanged."""
    await services.own.hearing.intent(call.asker, call.body)
    return Answer(204)


async def get_constraint_details(services: Services, call: Call) -> Answer:
    """getConstraintDetails."""
    id = entity_id(call.path["entityid"], "entityid")
    ledger = await services.desk.ledger()
    constraint, closure = ledger.constraints.get(id), ledger.closures.get(id)
    if constraint is None or closure is None or constraint.manager != services.own.uss.manager:
        raise NotFound("this service manages no constraint under this id", field="entityid", id=id)
    answer = answer_json(says.GotConstraint(says.constraint_of_own(constraint, closure, availability_in(ledger))))
    await _looked_at(services, call, "getConstraintDetails", id)
    return answer


async def notify_constraint(services: Services, call: Call) -> Answer:
    """notifyConstraintDetailsChanged."""
    await services.own.hearing.constraint(call.asker, call.body)
    return Answer(204)


async def make_report(services: Services, call: Call) -> Answer:
    """makeUssReport."""
    return await file_report(services, call, "makeUssReport")


async def get_log_set(services: Services, call: Call) -> Answer:
    """getLogSet: the messages about an entity that came from the service that asks, of the last entries of the record.

    The whole record is exported and proved with `keepclear export`; here a service sees only its own part of it.
    """
    id = entity_id(call.path["log_set_id"], "log_set_id")
    state = await services.node.current()  # another instance may have been the one that was told
    acts = [message.act for message in state.log[-MAX_LOOKED_THROUGH:]]
    found = [
        _exchange_record(services, act)
        for act in acts
        if isinstance(act, UtmExchange) and act.entity == id and act.way is Way.RECEIVED and act.peer == call.asker.sub
    ]
    if not found:
        raise NotFound("there are no messages of this service about this entity", field="log_set_id", id=id)
    return answer_json({"messages": found})


def _exchange_record(services: Services, act: UtmExchange) -> dict[str, Any]:
    path = "constraints" if "Constraint" in act.did else "operational_intents"
    record: dict[str, Any] = {
        "url": f"{services.own.uss.base_url}/uss/v1/{path}",
        "method": "GET" if act.did.startswith("get") else "POST",
        "recorder_role": "Server",
        "request_time": wire_time(act.at),
        "response_code": int(act.outcome[:3]) if act.outcome[:3].isdigit() else 0,
    }
    if act.body is not None:
        record["request_body"] = base64.b64encode(act.body.encode()).decode()
    return record


async def _looked_at(services: Services, call: Call, did: str, id: str) -> None:
    at = services.desk.now()
    await services.desk.file(exchange(Way.RECEIVED, call.asker.sub, did, at, "200", entity=id))


_EVERY = (
    STRATEGIC_COORDINATION,
    CONSTRAINT_PROCESSING,
    CONSTRAINT_MANAGEMENT,
    CONFORMANCE_MONITORING,
    AVAILABILITY_ARBITRATION,
)

ROUTES = (
    Route("GET", "/uss/v1/operational_intents/{entityid}", get_intent_details, (STRATEGIC_COORDINATION,)),
    Route("GET", "/uss/v1/operational_intents/{entityid}/telemetry", get_intent_telemetry, (CONFORMANCE_MONITORING,)),
    Route("POST", "/uss/v1/operational_intents", notify_intent, (STRATEGIC_COORDINATION,)),
    Route("GET", "/uss/v1/constraints/{entityid}", get_constraint_details, (CONSTRAINT_PROCESSING,)),
    Route("POST", "/uss/v1/constraints", notify_constraint, (CONSTRAINT_MANAGEMENT,)),
    Route("POST", "/uss/v1/reports", make_report, _EVERY),
    Route("GET", "/uss/v1/log_sets/{log_set_id}", get_log_set, _EVERY),
)

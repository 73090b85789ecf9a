"""The DSS of ASTM F3548-21: the table of its 18 operations, and those on availability and reports.

Each handler reads what is asked, has it judged by the rules in `keepclear.utm` when it is its turn, and writes what it
came to. The scopes are those of the standard's API, operation by operation.
"""

from __future__ import annotations

import hashlib

from keepclear.formats.f3548 import answers as says
from keepclear.formats.f3548.requests import read_availability, read_report
from keepclear.model.acts import UtmExchange
from keepclear.model.base import hidden_in
from keepclear.model.utm import EntityKind, UtmAvailability, Way
from keepclear.server.f3548.app import Services
from keepclear.server.f3548.references import (
    CONSTRAINT,
    INTENT,
    get_constraint,
    get_intent,
    query_constraints,
    query_intents,
)
from keepclear.server.f3548.routes import Answer, Call, Route, answer_json
from keepclear.server.f3548.subscribers import SUBSCRIPTION, get_subscription, query_subscriptions
from keepclear.server.f3548.writing import expect, written
from keepclear.utm import availability
from keepclear.utm.scopes import (
    AVAILABILITY_ARBITRATION,
    CONFORMANCE_MONITORING,
    CONSTRAINT_MANAGEMENT,
    CONSTRAINT_PROCESSING,
    STRATEGIC_COORDINATION,
)

MAX_KEPT = 20_000
"""Bytes of a report up to which all of it is kept."""


async def get_availability(services: Services, call: Call) -> Answer:
    """getUssAvailability."""
    ledger = await services.desk.ledger()
    return answer_json(_availability_got(availability.get(ledger, call.path["uss_id"])))


async def set_availability(services: Services, call: Call) -> Answer:
    """setUssAvailability."""
    uss = call.path["uss_id"]
    state, old_version = read_availability(call.body)
    return await written(
        services,
        call,
        "setUssAvailability",
        EntityKind.AVAILABILITY,
        uss,
        None,
        lambda ledger, now, nonce: availability.set(ledger, call.asker, uss, state, old_version, now, nonce),
        lambda ledger, ruling, asker: _availability_got(expect(UtmAvailability, ruling.of)),
    )


def _availability_got(held: UtmAvailability) -> says.AvailabilityGot:
    return says.AvailabilityGot(held.version, says.AvailabilityStatus(held.uss, held.state))


async def make_report(services: Services, call: Call) -> Answer:
    """makeDssReport."""
    return await file_report(services, call, "makeDssReport")


async def file_report(services: Services, call: Call, did: str) -> Answer:
    """Keep a report in the record as it came, or only its digest if it is long or hides characters.

    The id is made of the reporter and the report, so the same report sent again has the same id.
    """
    report = read_report(call.body)
    digest = hashlib.sha256(call.body).hexdigest()
    text = call.body.decode("utf-8")
    plain = len(call.body) <= MAX_KEPT and hidden_in(text) is None
    exchange = UtmExchange(
        way=Way.RECEIVED,
        peer=call.asker.sub,
        did=did,
        at=services.desk.now(),
        outcome="201",
        body_sha256=digest,
        body=text if plain else None,
    )
    await services.desk.file(exchange)
    report["report_id"] = hashlib.sha256(f"{call.asker.sub}\n{digest}".encode()).hexdigest()[:32]
    return answer_json(report, 201)


_INTENTS, _CONSTRAINTS = "/dss/v1/operational_intent_references", "/dss/v1/constraint_references"
_SUBSCRIPTIONS, _USS = "/dss/v1/subscriptions", "/dss/v1/uss_availability/{uss_id}"
_PLANS = (STRATEGIC_COORDINATION, CONFORMANCE_MONITORING)
_READS_CONSTRAINTS = (CONSTRAINT_MANAGEMENT, CONSTRAINT_PROCESSING)
_MANAGES = (CONSTRAINT_MANAGEMENT,)
_LISTENS = (STRATEGIC_COORDINATION, CONSTRAINT_PROCESSING)

ROUTES = (
    Route("POST", f"{_INTENTS}/query", query_intents, _PLANS),
    Route("GET", f"{_INTENTS}/{{entityid}}", get_intent, _PLANS),
    Route("PUT", f"{_INTENTS}/{{entityid}}", INTENT.create, _PLANS),
    Route("PUT", f"{_INTENTS}/{{entityid}}/{{ovn}}", INTENT.update, _PLANS),
    Route("DELETE", f"{_INTENTS}/{{entityid}}/{{ovn}}", INTENT.delete, _PLANS),
    Route("POST", f"{_CONSTRAINTS}/query", query_constraints, _READS_CONSTRAINTS),
    Route("GET", f"{_CONSTRAINTS}/{{entityid}}", get_constraint, _READS_CONSTRAINTS),
    Route("PUT", f"{_CONSTRAINTS}/{{entityid}}", CONSTRAINT.create, _MANAGES),
    Route("PUT", f"{_CONSTRAINTS}/{{entityid}}/{{ovn}}", CONSTRAINT.update, _MANAGES),
    Route("DELETE", f"{_CONSTRAINTS}/{{entityid}}/{{ovn}}", CONSTRAINT.delete, _MANAGES),
    Route("POST", f"{_SUBSCRIPTIONS}/query", query_subscriptions, _LISTENS),
    Route("GET", f"{_SUBSCRIPTIONS}/{{subscriptionid}}", get_subscription, _LISTENS),
    Route("PUT", f"{_SUBSCRIPTIONS}/{{subscriptionid}}", SUBSCRIPTION.create, _LISTENS),
    Route("PUT", f"{_SUBSCRIPTIONS}/{{subscriptionid}}/{{version}}", SUBSCRIPTION.update, _LISTENS),
    Route("DELETE", f"{_SUBSCRIPTIONS}/{{subscriptionid}}/{{version}}", SUBSCRIPTION.delete, _LISTENS),
    Route("POST", "/dss/v1/reports", make_report, (*_PLANS, *_READS_CONSTRAINTS, AVAILABILITY_ARBITRATION)),
    Route("GET", _USS, get_availability, (AVAILABILITY_ARBITRATION, *_PLANS)),
    Route("PUT", _USS, set_availability, (AVAILABILITY_ARBITRATION,)),
)

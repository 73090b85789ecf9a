"""Operational intent references and constraint references at the DSS of F3548-21: ten of its operations."""

from __future__ import annotations

from keepclear.formats.f3548 import answers as says
from keepclear.formats.f3548.requests import read_constraint, read_intent, read_query
from keepclear.formats.f3548.volumes import entity_id, volumes_of
from keepclear.model.utm import EntityKind, UtmConstraint, UtmIntent
from keepclear.server.f3548.app import Services
from keepclear.server.f3548.routes import Answer, Call, answer_json
from keepclear.server.f3548.writing import Writes, availability_in, expect
from keepclear.utm import constraints, intents
from keepclear.utm.asked import ConstraintAsked, ImplicitAsked, IntentAsked
from keepclear.utm.ledger import Ledger
from keepclear.utm.ruling import Ruling

# ── operational intent references ──


async def query_intents(services: Services, call: Call) -> Answer:
    """queryOperationalIntentReferences."""
    volume = read_query(call.body)
    ledger = await services.desk.ledger()
    found = intents.query(ledger, call.asker, volume, services.desk.now())
    return answer_json(says.IntentsFound(intents_shown(ledger, found, call.asker.sub)))


async def get_intent(services: Services, call: Call) -> Answer:
    """getOperationalIntentReference."""
    id = entity_id(call.path["entityid"], "entityid")
    ledger = await services.desk.ledger()
    intent = intents.get(ledger, call.asker, id)
    return answer_json(says.IntentGot(says.intent_reference(intent, call.asker.sub, availability_in(ledger))))


def _intent_asked(body: bytes) -> IntentAsked:
    put = read_intent(body)
    new = put.new_subscription
    return IntentAsked(
        volumes=volumes_of(put.extents, "extents"),
        state=put.state,
        uss_base_url=put.uss_base_url,
        key=frozenset(put.key or ()),
        subscription=None if put.subscription_id is None else put.subscription_id.lower(),
        new_subscription=None if new is None else ImplicitAsked(new.uss_base_url, new.notify_for_constraints),
        ovn_suffix=put.requested_ovn_suffix,
    )


def intents_shown(ledger: Ledger, found: list[UtmIntent], asker: str) -> tuple[says.IntentReference, ...]:
    """References as `asker` may see them."""
    known = availability_in(ledger)
    return tuple([says.intent_reference(each, asker, known) for each in found])


def _intent_changed(services: Services, ledger: Ledger, ruling: Ruling, asker: str) -> says.IntentChanged:
    intent = expect(UtmIntent, ruling.of)
    return says.IntentChanged(
        says.subscribers_to_notify(ruling.told), says.intent_reference(intent, asker, availability_in(ledger))
    )


INTENT = Writes(
    name="OperationalIntentReference",
    kind=EntityKind.INTENT,
    read=_intent_asked,
    creates=intents.create,
    updates=intents.update,
    deletes=intents.delete,
    put=_intent_changed,
    gone=_intent_changed,
)


# ── constraint references ──


async def query_constraints(services: Services, call: Call) -> Answer:
    """queryConstraintReferences."""
    volume = read_query(call.body)
    ledger = await services.desk.ledger()
    found = constraints.query(ledger, call.asker, volume, services.desk.now())
    return answer_json(says.ConstraintsFound(constraints_shown(ledger, found, call.asker.sub)))


async def get_constraint(services: Services, call: Call) -> Answer:
    """getConstraintReference."""
    id = entity_id(call.path["entityid"], "entityid")
    ledger = await services.desk.ledger()
    constraint = constraints.get(ledger, call.asker, id)
    return answer_json(
        says.ConstraintGot(says.constraint_reference(constraint, call.asker.sub, availability_in(ledger)))
    )


def _constraint_asked(body: bytes) -> ConstraintAsked:
    put = read_constraint(body)
    return ConstraintAsked(volumes_of(put.extents, "extents"), put.uss_base_url)


def constraints_shown(ledger: Ledger, found: list[UtmConstraint], asker: str) -> tuple[says.ConstraintReference, ...]:
    """References as `asker` may see them."""
    known = availability_in(ledger)
    return tuple([says.constraint_reference(each, asker, known) for each in found])


def _constraint_changed(services: Services, ledger: Ledger, ruling: Ruling, asker: str) -> says.ConstraintChanged:
    constraint = expect(UtmConstraint, ruling.of)
    return says.ConstraintChanged(
        says.subscribers_to_notify(ruling.told), says.constraint_reference(constraint, asker, availability_in(ledger))
    )


CONSTRAINT = Writes(
    name="ConstraintReference",
    kind=EntityKind.CONSTRAINT,
    read=_constraint_asked,
    creates=constraints.create,
    updates=constraints.update,
    deletes=constraints.delete,
    put=_constraint_changed,
    gone=_constraint_changed,
)

"""What a DSS is asked (F3548-21, the paths under /dss/v1), read from JSON.

Each function takes the bytes of a body and raises Malformed naming the field, and nothing else.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from msgspec import Meta

from keepclear.errors import Malformed
from keepclear.formats.f3548.volumes import (
    Time,
    Uuid4,
    Uuid7,
    Volume4D,
    Wire,
    WireUrl,
    decoded,
    moment_of,
    volume_of,
)
from keepclear.model.utm import Availability, IntentState, UtmVolume

MAX_VOLUMES = 10_000
"""Volumes in one entity; each has three vertices or more, or a circle (F3548-21 OiMaxVertices)."""
Extents = Annotated[tuple[Volume4D, ...], Meta(min_length=1, max_length=MAX_VOLUMES)]


class ImplicitSubscriptionParameters(Wire, frozen=True):
    """The subscription that comes with an intent."""

    uss_base_url: WireUrl
    notify_for_constraints: bool = False


class PutIntent(Wire, frozen=True):
    """PutOperationalIntentReferenceParameters."""

    extents: Extents
    state: IntentState
    uss_base_url: WireUrl
    key: tuple[str, ...] | None = None
    subscription_id: Uuid4 | None = None
    new_subscription: ImplicitSubscriptionParameters | None = None
    requested_ovn_suffix: Uuid7 | None = None


class PutConstraint(Wire, frozen=True):
    """PutConstraintReferenceParameters."""

    extents: Extents
    uss_base_url: WireUrl


class PutSubscription(Wire, frozen=True):
    """PutSubscriptionParameters."""

    extents: Volume4D
    uss_base_url: WireUrl
    notify_for_operational_intents: bool = False
    notify_for_constraints: bool = False


class PutAvailability(Wire, frozen=True):
    """SetUssAvailabilityStatusParameters. An absent version is "", which is that of a service never spoken of."""

    availability: str
    old_version: str | None = None


class Query(Wire, frozen=True):
    """QueryOperationalIntentReferenceParameters, and those of constraints and subscriptions."""

    area_of_interest: Volume4D | None = None


class Conflicts(Wire, frozen=True):
    """What is in the way of these volumes in truth; `entityid` is the asker's own, which is not in its own way."""

    extents: Extents
    entityid: Uuid4 | None = None


class ExchangeRecord(Wire, frozen=True):
    """What a service reports of an exchange that went wrong."""

    url: Annotated[str, Meta(max_length=4_000)]
    method: Annotated[str, Meta(max_length=20)]
    recorder_role: Annotated[str, Meta(pattern="^(Client|Server)$(?!\n)")]
    request_time: Time
    headers: tuple[str, ...] | None = None
    request_body: str = ""
    response_time: Time | None = None
    response_body: str = ""
    response_code: Annotated[int, Meta(ge=0, le=999)] = 0
    problem: str | None = None


class ErrorReport(Wire, frozen=True):
    """A report about communication (GEN0305, reports of issues)."""

    exchange: ExchangeRecord


_intent = msgspec.json.Decoder(PutIntent)
_constraint = msgspec.json.Decoder(PutConstraint)
_subscription = msgspec.json.Decoder(PutSubscription)
_availability = msgspec.json.Decoder(PutAvailability)
_query = msgspec.json.Decoder(Query)
_conflicts = msgspec.json.Decoder(Conflicts)
_report = msgspec.json.Decoder(ErrorReport)
_whole: msgspec.json.Decoder[Any] = msgspec.json.Decoder()
_STATES = {state.value.lower(): state for state in Availability}


def read_intent(body: bytes) -> PutIntent:
    """What `createOperationalIntentReference` and `update…` are asked."""
    return decoded(_intent, body)


def read_constraint(body: bytes) -> PutConstraint:
    """What `createConstraintReference` and `update…` are asked."""
    return decoded(_constraint, body)


def read_subscription(body: bytes) -> PutSubscription:
    """What `createSubscription` and `updateSubscription` are asked."""
    return decoded(_subscription, body)


def read_availability(body: bytes) -> tuple[Availability, str]:
    """What `setUssAvailability` is asked: the state and the version it replaces.

    The field's clients also write the states in lower case, which is taken; any other spelling is not.
    """
    asked = decoded(_availability, body)
    state = _STATES.get(asked.availability.lower())
    if state is None or asked.availability not in (state.value, state.value.lower()):
        message = "availability is Unknown, Normal or Down"
        raise Malformed(message, field="availability", code="utm_availability")
    return state, asked.old_version or ""


def read_query(body: bytes) -> UtmVolume:
    """The area of interest of a query. It must be there, though the schema does not require it."""
    area = decoded(_query, body).area_of_interest
    if area is None:
        raise Malformed("Object missing required field", field="area_of_interest", code="missing_field")
    return volume_of(area, "area_of_interest")


def read_conflicts(body: bytes) -> Conflicts:
    """What `queryExactConflicts` is asked."""
    return decoded(_conflicts, body)


def read_report(body: bytes) -> dict[str, Any]:
    """The whole of a report that is as the standard has it."""
    exchange = decoded(_report, body).exchange
    moment_of(exchange.request_time, "exchange.request_time")
    moment_of(exchange.response_time, "exchange.response_time")
    report: dict[str, Any] = decoded(_whole, body)  # what the report may have beside it is looked at here
    return report

"""What services tell each other (F3548-21, the paths under /uss/v1): details of intents and constraints, telemetry.

Reading is strict in what planning rests on: a state, an id, a priority or a volume that is not as the standard has it
is Malformed, naming the field. Whether it is also true is a matter for `keepclear.utm.peers`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from keepclear.errors import Malformed
from keepclear.formats.f3548.answers import (
    AvailabilityOf,
    ConstraintReference,
    IntentReference,
    SubscriptionState,
    constraint_reference,
    intent_reference,
)
from keepclear.formats.f3548.requests import MAX_VOLUMES
from keepclear.formats.f3548.volumes import (
    Time,
    Uuid4,
    Volume4D,
    Wire,
    WireUrl,
    decoded,
    moment_of,
    volumes_of,
    wire_volume,
)
from keepclear.model.utm import IntentState, Told, UtmClosure, UtmConstraint, UtmFlight, UtmIntent, UtmVolume

AVAILABLE_FROM_USS = "Available from USS"
"""Stands for an OVN that only the manager gives away; no OVN has its form."""

Priority = Annotated[int, Meta(ge=-(2**31), lt=2**31)]
Manager = Annotated[str, Meta(min_length=1, max_length=200)]
Ovn = Annotated[str, Meta(min_length=16, max_length=128)]
Volumes = Annotated[tuple[Volume4D, ...], Meta(max_length=MAX_VOLUMES)]


# ── read ──


@dataclass(frozen=True, slots=True)
class IntentTold:
    """An operational intent as a service tells of it: the reference and the details behind it."""

    id: str
    manager: str
    version: int
    state: IntentState
    ovn: str
    starts_at: datetime
    ends_at: datetime
    volumes: tuple[UtmVolume, ...]
    off_nominal: tuple[UtmVolume, ...]
    priority: int


@dataclass(frozen=True, slots=True)
class ConstraintTold:
    """A constraint as a service tells of it."""

    id: str
    manager: str
    version: int
    ovn: str
    starts_at: datetime
    ends_at: datetime
    volumes: tuple[UtmVolume, ...]


@dataclass(frozen=True, slots=True)
class Notification:
    """A notification: the id of what changed, what it is now (None: it is gone), and the subscriptions it names."""

    id: str
    now: IntentTold | ConstraintTold | None
    subscriptions: tuple[tuple[str, int], ...]


class _IntentReference(Wire, frozen=True):
    id: Uuid4
    manager: Manager
    version: Annotated[int, Meta(ge=0, lt=2**31)]
    state: IntentState
    time_start: Time
    time_end: Time
    uss_base_url: WireUrl
    ovn: Ovn


class _IntentDetails(Wire, frozen=True):
    volumes: Volumes | None = None
    off_nominal_volumes: Volumes | None = None
    priority: Priority = 0


class _Intent(Wire, frozen=True):
    reference: _IntentReference
    details: _IntentDetails


class _GotIntent(Wire, frozen=True):
    operational_intent: _Intent


class _ConstraintReference(Wire, frozen=True):
    id: Uuid4
    manager: Manager
    version: Annotated[int, Meta(ge=0, lt=2**31)]
    time_start: Time
    time_end: Time
    uss_base_url: WireUrl
    ovn: Ovn


class _ConstraintDetails(Wire, frozen=True):
    volumes: Annotated[tuple[Volume4D, ...], Meta(min_length=1, max_length=MAX_VOLUMES)]


class _Constraint(Wire, frozen=True):
    reference: _ConstraintReference
    details: _ConstraintDetails


class _GotConstraint(Wire, frozen=True):
    constraint: _Constraint


class _State(Wire, frozen=True):
    subscription_id: Uuid4
    notification_index: Annotated[int, Meta(ge=0)]


_States = Annotated[tuple[_State, ...], Meta(min_length=1, max_length=10_000)]


class IntentHeard(Wire, frozen=True):
    """PutOperationalIntentDetailsParameters."""

    operational_intent_id: Uuid4
    subscriptions: _States
    operational_intent: _Intent | None = None


class ConstraintHeard(Wire, frozen=True):
    """PutConstraintDetailsParameters."""

    constraint_id: Uuid4
    subscriptions: _States
    constraint: _Constraint | None = None


_encoder = msgspec.json.Encoder()
_got_intent = msgspec.json.Decoder(_GotIntent)
_got_constraint = msgspec.json.Decoder(_GotConstraint)
_intent_notification = msgspec.json.Decoder(IntentHeard)
_constraint_notification = msgspec.json.Decoder(ConstraintHeard)


def read_intent_details(body: bytes) -> IntentTold:
    """GetOperationalIntentDetailsResponse. Malformed naming the field."""
    return _intent(decoded(_got_intent, body).operational_intent, "operational_intent")


def read_constraint_details(body: bytes) -> ConstraintTold:
    """GetConstraintDetailsResponse. Malformed naming the field."""
    return _constraint(decoded(_got_constraint, body).constraint, "constraint")


def read_intent_notification(body: bytes) -> Notification:
    """PutOperationalIntentDetailsParameters. Malformed naming the field."""
    read = decoded(_intent_notification, body)
    told = None if read.operational_intent is None else _intent(read.operational_intent, "operational_intent")
    return _notification(read.operational_intent_id, told, read.subscriptions, "operational_intent.reference.id")


def read_constraint_notification(body: bytes) -> Notification:
    """PutConstraintDetailsParameters. Malformed naming the field."""
    read = decoded(_constraint_notification, body)
    told = None if read.constraint is None else _constraint(read.constraint, "constraint")
    return _notification(read.constraint_id, told, read.subscriptions, "constraint.reference.id")


def _notification(
    id: str, told: IntentTold | ConstraintTold | None, states: Iterable[_State], field: str
) -> Notification:
    if told is not None and told.id != id.lower():
        raise Malformed("the notification is about another entity", field=field, code="utm_other_entity")
    return Notification(
        id.lower(), told, tuple((each.subscription_id.lower(), each.notification_index) for each in states)
    )


def _intent(read: _Intent, field: str) -> IntentTold:
    reference, details = read.reference, read.details
    starts_at, ends_at = _span(reference.time_start, reference.time_end, field)
    return IntentTold(
        reference.id.lower(),
        reference.manager,
        reference.version,
        reference.state,
        reference.ovn,
        starts_at,
        ends_at,
        volumes_of(details.volumes or (), f"{field}.details.volumes"),
        volumes_of(details.off_nominal_volumes or (), f"{field}.details.off_nominal_volumes"),
        details.priority,
    )


def _constraint(read: _Constraint, field: str) -> ConstraintTold:
    reference = read.reference
    starts_at, ends_at = _span(reference.time_start, reference.time_end, field)
    volumes = volumes_of(read.details.volumes, f"{field}.details.volumes")
    return ConstraintTold(
        reference.id.lower(), reference.manager, reference.version, reference.ovn, starts_at, ends_at, volumes
    )


def _span(time_start: Time, time_end: Time, field: str) -> tuple[datetime, datetime]:
    starts_at = moment_of(time_start, f"{field}.reference.time_start")
    ends_at = moment_of(time_end, f"{field}.reference.time_end")
    if starts_at is None or ends_at is None:
        raise TypeError("moment_of gives a moment for a time")
    return starts_at, ends_at


# ── written ──


class IntentDetails(Wire, frozen=True, omit_defaults=False):
    """OperationalIntentDetails."""

    volumes: tuple[Volume4D, ...]
    off_nominal_volumes: tuple[Volume4D, ...]
    priority: int


class IntentKnown(Wire, frozen=True, omit_defaults=False):
    """OperationalIntentDetails without a priority, where only the manager knows it."""

    volumes: tuple[Volume4D, ...]
    off_nominal_volumes: tuple[Volume4D, ...]


class Intent(Wire, frozen=True):
    """OperationalIntent."""

    reference: IntentReference
    details: IntentDetails | IntentKnown


class GotIntent(Wire, frozen=True):
    """GetOperationalIntentDetailsResponse."""

    operational_intent: Intent


class ConstraintDetails(Wire, frozen=True):
    """ConstraintDetails."""

    volumes: tuple[Volume4D, ...]
    type: str | None = None


class Constraint(Wire, frozen=True):
    """Constraint."""

    reference: ConstraintReference
    details: ConstraintDetails


class GotConstraint(Wire, frozen=True):
    """GetConstraintDetailsResponse."""

    constraint: Constraint


class IntentNotification(Wire, frozen=True):
    """PutOperationalIntentDetailsParameters; what is raw is JSON already, for it goes to many."""

    operational_intent_id: str
    subscriptions: tuple[SubscriptionState, ...]
    operational_intent: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


class ConstraintNotification(Wire, frozen=True):
    """PutConstraintDetailsParameters."""

    constraint_id: str
    subscriptions: tuple[SubscriptionState, ...]
    constraint: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET


def intent_of_own(intent: UtmIntent, flight: UtmFlight, availability: AvailabilityOf) -> Intent:
    """One of this node's own intents, for whoever may have the details."""
    details = IntentDetails(_wire(flight.volumes), _wire(flight.off_nominal_volumes), flight.priority)
    return Intent(intent_reference(intent, intent.manager, availability), details)


def intent_of_another(intent: UtmIntent, told: IntentTold, availability: AvailabilityOf) -> Intent:
    """Another service's intent, as its manager told of it."""
    details = IntentDetails(_wire(told.volumes), _wire(told.off_nominal), told.priority)
    return Intent(intent_reference(intent, intent.manager, availability), details)


def intent_as_referred(intent: UtmIntent, availability: AvailabilityOf) -> Intent:
    """Another service's intent of which nothing but the reference is known.

    The volumes are those its manager gave the DSS, which contain it; the OVN is kept back, so that nobody plans beside
    it without having asked the manager (F3548-21, Key).
    """
    reference = msgspec.structs.replace(intent_reference(intent, "", availability), ovn=AVAILABLE_FROM_USS)
    extents = _wire(intent.volumes)
    nominal = intent.state is not IntentState.CONTINGENT
    off_nominal = intent.state in (IntentState.NONCONFORMING, IntentState.CONTINGENT)
    return Intent(reference, IntentKnown(extents if nominal else (), extents if off_nominal else ()))


def constraint_of_own(constraint: UtmConstraint, closure: UtmClosure, availability: AvailabilityOf) -> Constraint:
    """One of this node's own constraints."""
    details = ConstraintDetails(_wire(closure.volumes), closure.kind)
    return Constraint(constraint_reference(constraint, constraint.manager, availability), details)


def constraint_of_another(constraint: UtmConstraint, told: ConstraintTold, availability: AvailabilityOf) -> Constraint:
    """Another service's constraint, as its manager told of it."""
    return Constraint(
        constraint_reference(constraint, constraint.manager, availability), ConstraintDetails(_wire(told.volumes))
    )


def constraint_as_referred(constraint: UtmConstraint, availability: AvailabilityOf) -> Constraint:
    """Another service's constraint of which nothing but the reference is known: see `intent_as_referred`."""
    reference = msgspec.structs.replace(constraint_reference(constraint, "", availability), ovn=AVAILABLE_FROM_USS)
    return Constraint(reference, ConstraintDetails(_wire(constraint.volumes)))


def intent_notification(id: str, intent: bytes | None, told: Sequence[Told]) -> bytes:
    """The message to one URL. `intent` is an `Intent` as JSON, None if it is gone."""
    raw: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET if intent is None else msgspec.Raw(intent)
    return _encoder.encode(IntentNotification(id, _states(told), raw))


def constraint_notification(id: str, constraint: bytes | None, told: Sequence[Told]) -> bytes:
    """The message to one URL. `constraint` is a `Constraint` as JSON, None if it is gone."""
    raw: msgspec.Raw | msgspec.UnsetType = msgspec.UNSET if constraint is None else msgspec.Raw(constraint)
    return _encoder.encode(ConstraintNotification(id, _states(told), raw))


def _states(told: Sequence[Told]) -> tuple[SubscriptionState, ...]:
    return tuple([SubscriptionState(each.subscription, each.index) for each in told])


def _wire(volumes: Sequence[UtmVolume]) -> tuple[Volume4D, ...]:
    return tuple([wire_volume(each) for each in volumes])

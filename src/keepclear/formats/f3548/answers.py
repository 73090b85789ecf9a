"""What a DSS says (F3548-21, the paths under /dss/v1), written from the values of the ledger.

Who asks decides what is shown: an OVN is given to its manager only, everybody else asks the manager for it
(F3548-21, OperationalIntentReference).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from keepclear.formats.f3548.volumes import Time, Wire, wire_time
from keepclear.model.utm import (
    NO_SUBSCRIPTION,
    Availability,
    Told,
    UtmConstraint,
    UtmIntent,
    UtmSubscription,
    span_of,
)

AvailabilityOf = Callable[[str], Availability]
"""What is known of a service by its name."""


class IntentReference(Wire, frozen=True):
    """OperationalIntentReference."""

    id: str
    manager: str
    uss_availability: Availability
    version: int
    state: str
    time_start: Time | None
    time_end: Time | None
    uss_base_url: str
    subscription_id: str
    ovn: str | None = None


class ConstraintReference(Wire, frozen=True):
    """ConstraintReference."""

    id: str
    manager: str
    uss_availability: Availability
    version: int
    time_start: Time | None
    time_end: Time | None
    uss_base_url: str
    ovn: str | None = None


class Subscription(Wire, frozen=True):
    """Subscription. A time that is not bounded is left out."""

    id: str
    version: str
    notification_index: int
    uss_base_url: str
    notify_for_operational_intents: bool
    notify_for_constraints: bool
    implicit_subscription: bool
    dependent_operational_intents: tuple[str, ...]
    time_start: Time | None = None
    time_end: Time | None = None


class SubscriptionState(Wire, frozen=True):
    """A subscription and the number of the notification."""

    subscription_id: str
    notification_index: int


class SubscriberToNotify(Wire, frozen=True):
    """Whom the manager tells: one entry for each URL."""

    subscriptions: tuple[SubscriptionState, ...]
    uss_base_url: str


class IntentChanged(Wire, frozen=True):
    """ChangeOperationalIntentReferenceResponse."""

    subscribers: tuple[SubscriberToNotify, ...]
    operational_intent_reference: IntentReference


class IntentGot(Wire, frozen=True):
    """GetOperationalIntentReferenceResponse."""

    operational_intent_reference: IntentReference


class IntentsFound(Wire, frozen=True):
    """QueryOperationalIntentReferenceResponse."""

    operational_intent_references: tuple[IntentReference, ...]


class ConflictsFound(Wire, frozen=True):
    """What really is in the way, and what the DSS only names by its cells (`false_alarms`).

    `undecided` are ids among those in the way of which it could not be worked out.
    """

    operational_intent_references: tuple[IntentReference, ...]
    constraint_references: tuple[ConstraintReference, ...]
    false_alarms: tuple[str, ...]
    undecided: tuple[str, ...]


class ConstraintChanged(Wire, frozen=True):
    """ChangeConstraintReferenceResponse."""

    subscribers: tuple[SubscriberToNotify, ...]
    constraint_reference: ConstraintReference


class ConstraintGot(Wire, frozen=True):
    """GetConstraintReferenceResponse."""

    constraint_reference: ConstraintReference


class ConstraintsFound(Wire, frozen=True):
    """QueryConstraintReferencesResponse."""

    constraint_references: tuple[ConstraintReference, ...]


class SubscriptionPut(Wire, frozen=True):
    """PutSubscriptionResponse: only the kinds that were subscribed to are there."""

    subscription: Subscription
    operational_intent_references: tuple[IntentReference, ...] | None = None
    constraint_references: tuple[ConstraintReference, ...] | None = None


class SubscriptionGot(Wire, frozen=True):
    """GetSubscriptionResponse and DeleteSubscriptionResponse."""

    subscription: Subscription


class SubscriptionsFound(Wire, frozen=True):
    """QuerySubscriptionsResponse."""

    subscriptions: tuple[Subscription, ...]


class AvailabilityStatus(Wire, frozen=True):
    """UssAvailabilityStatus."""

    uss: str
    availability: Availability


class AvailabilityGot(Wire, frozen=True):
    """UssAvailabilityStatusResponse. The version of a service never spoken of is ""."""

    version: str
    status: AvailabilityStatus


class AirspaceConflict(Wire, frozen=True):
    """AirspaceConflictResponse, with the fields every error has here."""

    message: str
    code: str
    field: str
    missing_operational_intents: tuple[IntentReference, ...]
    missing_constraints: tuple[ConstraintReference, ...]


def intent_reference(intent: UtmIntent, asker: str, availability: AvailabilityOf) -> IntentReference:
    """A reference as `asker` may see it."""
    starts_at, ends_at = span_of(intent.volumes)
    return IntentReference(
        intent.id,
        intent.manager,
        availability(intent.manager),
        intent.version,
        intent.state.value,
        wire_time(starts_at),
        wire_time(ends_at),
        intent.uss_base_url,
        intent.subscription or NO_SUBSCRIPTION,
        intent.ovn if intent.manager == asker else None,
    )


def constraint_reference(constraint: UtmConstraint, asker: str, availability: AvailabilityOf) -> ConstraintReference:
    """A reference as `asker` may see it."""
    starts_at, ends_at = span_of(constraint.volumes)
    return ConstraintReference(
        constraint.id,
        constraint.manager,
        availability(constraint.manager),
        constraint.version,
        wire_time(starts_at),
        wire_time(ends_at),
        constraint.uss_base_url,
        constraint.ovn if constraint.manager == asker else None,
    )


def subscription_shown(subscription: UtmSubscription, dependents: Iterable[str]) -> Subscription:
    """A subscription; `dependents` are the intents that hang on it."""
    starts_at, ends_at = span_of(subscription.volumes)
    return Subscription(
        subscription.id,
        subscription.version,
        subscription.notification_index,
        subscription.uss_base_url,
        subscription.for_intents,
        subscription.for_constraints,
        subscription.implicit,
        tuple(dependents),
        wire_time(starts_at),
        wire_time(ends_at),
    )


def subscribers_to_notify(told: Sequence[Told]) -> tuple[SubscriberToNotify, ...]:
    """Whom to tell, one entry for each URL, in the order in which the URLs first come."""
    by_url: dict[str, list[SubscriptionState]] = {}
    for each in told:
        by_url.setdefault(each.url, []).append(SubscriptionState(each.subscription, each.index))
    return tuple([SubscriberToNotify(tuple(states), url) for url, states in by_url.items()])

"""Subscriptions: the rules of F3548-21, Annex A4, by which services ask to be told of changes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec.structs import replace

from keepclear.errors import Malformed
from keepclear.model.utm import NO_SUBSCRIPTION, EntityKind, Gone, UtmConstraint, UtmIntent, UtmSubscription, UtmVolume
from keepclear.utm.asked import Rules, SubscriptionAsked
from keepclear.utm.attaching import covers
from keepclear.utm.demands import check_id, check_url
from keepclear.utm.held import check_owner, check_version, find
from keepclear.utm.holding import check_in_one_place, check_wide
from keepclear.utm.index import extent_of
from keepclear.utm.ledger import Ledger
from keepclear.utm.limits import QUERY, SUBSCRIPTION, check_volumes
from keepclear.utm.ruling import Asker, NotAllowed, Ruling, Stale
from keepclear.utm.scopes import CONSTRAINT_PROCESSING, STRATEGIC_COORDINATION
from keepclear.utm.shown import begins, ends, shown
from keepclear.utm.telling import ended, present
from keepclear.utm.versions import CLOCK_SKEW, version_of

LASTS = timedelta(hours=24)
"""How long a subscription without an end lasts: as long as it may (F3548-21, DSSMaxSubscriptionDurationHours)."""


class Relevant(NamedTuple):
    """What is in or near a subscription, as its manager may see it; None of what it does not ask to be told of."""

    intents: list[UtmIntent] | None
    constraints: list[UtmConstraint] | None


def create(
    ledger: Ledger, asker: Asker, id: str, asked: SubscriptionAsked, now: datetime, nonce: str, rules: Rules
) -> Ruling:
    """createSubscription. Stale if the id is taken, unless by one of the asker's that has ended: it begins anew.

    Without a start it starts now, without an end it ends 24 hours after its start.
    """
    _check_asked(asker, id, asked, rules)
    volume = _timed(asked.volume, now, None)
    held = ledger.subscriptions.get(id)
    if held is not None and not (held.manager == asker.sub and ended(extent_of(held.volumes), now)):
        raise Stale("there is a subscription under this id", field="subscriptionid", code="id_taken", id=id)
    return _put(ledger, asker, id, asked, volume, now, nonce, "createSubscription", index=0)


def update(
    ledger: Ledger,
    asker: Asker,
    id: str,
    version: str,
    asked: SubscriptionAsked,
    now: datetime,
    nonce: str,
    rules: Rules,
) -> Ruling:
    """updateSubscription: it becomes what is asked, and explicit if it was implicit. Times not given stay as they are.

    Malformed if there is none under this id, or an intent that hangs on it would no longer be covered.
    """
    _check_asked(asker, id, asked, rules)
    held = ledger.subscriptions.get(id)
    volume = _timed(asked.volume, now, held)
    if held is None:
        raise Malformed("there is no subscription under this id", field="subscriptionid", code="utm_not_here", id=id)
    check_version(held, asker, version)
    return _put(ledger, asker, id, asked, volume, now, nonce, "updateSubscription", index=held.notification_index)


def delete(ledger: Ledger, asker: Asker, id: str, version: str, now: datetime) -> Ruling:
    """deleteSubscription. Malformed while an intent hangs on it. `of` is the subscription as it was."""
    check_id(id, "subscriptionid")
    held = find(ledger.subscriptions, id, "subscriptionid")
    check_version(held, asker, version)
    if ledger.dependents.get(id):
        raise Malformed(
            "operational intents hang on this subscription",
            field="subscriptionid",
            code="utm_dependents",
            count=len(ledger.dependents[id]),
        )
    return Ruling(did="deleteSubscription", of=held, gone=(Gone(kind=EntityKind.SUBSCRIPTION, id=id),))


def get(ledger: Ledger, asker: Asker, id: str) -> UtmSubscription:
    """getSubscription, only of the asker's own: also of one that has ended and was not put anew."""
    check_id(id, "subscriptionid")
    held = find(ledger.subscriptions, id, "subscriptionid")
    check_owner(held, asker, "subscriptionid")
    return held


def query(ledger: Ledger, asker: Asker, volume: UtmVolume, now: datetime) -> list[UtmSubscription]:
    """querySubscriptions: the asker's own that meet the volume and have not ended. TooLarge if the area is."""
    extent = check_volumes((volume,), now, QUERY, "area_of_interest")
    names = present(ledger, EntityKind.SUBSCRIPTION, extent, now)
    return [ledger.subscriptions[name] for name in names if ledger.subscriptions[name].manager == asker.sub]


def dependents(ledger: Ledger, id: str) -> list[str]:
    """The intents that hang on a subscription, sorted (`dependent_operational_intents`)."""
    return sorted(ledger.dependents.get(id, ()))


def relevant(ledger: Ledger, subscription: UtmSubscription, now: datetime) -> Relevant:
    """What a service must know of when it subscribes (PutSubscriptionResponse)."""
    extent = extent_of(subscription.volumes)
    sub = subscription.manager
    return Relevant(
        [shown(ledger.intents[name], sub) for name in present(ledger, EntityKind.INTENT, extent, now)]
        if subscription.for_intents
        else None,
        [shown(ledger.constraints[name], sub) for name in present(ledger, EntityKind.CONSTRAINT, extent, now)]
        if subscription.for_constraints
        else None,
    )


def _check_asked(asker: Asker, id: str, asked: SubscriptionAsked, rules: Rules) -> None:
    check_id(id, "subscriptionid")
    if id == NO_SUBSCRIPTION:
        raise Malformed("this id stands for no subscription", field="subscriptionid", code="utm_null_id")
    check_url(asked.uss_base_url, "uss_base_url", rules)
    if not asked.for_intents and not asked.for_constraints:
        raise Malformed(
            "at least one form of notification must be asked for",
            field="notify_for_operational_intents",
            code="utm_no_trigger",
        )
    for wanted, scope, field in (
        (asked.for_intents, STRATEGIC_COORDINATION, "notify_for_operational_intents"),
        (asked.for_constraints, CONSTRAINT_PROCESSING, "notify_for_constraints"),
    ):
        if wanted and not asker.has(scope):
            raise NotAllowed(f"to be told of these needs {scope}", field=field, code="utm_scope", scope=scope)


def _timed(volume: UtmVolume, now: datetime, held: UtmSubscription | None) -> UtmVolume:
    """The volume with both its times. Malformed if it does not keep to the limits of subscriptions.

    A start lies at most `CLOCK_SKEW` in the past, or is the one the subscription has.
    """
    first, last = (None, None) if held is None else (begins(held.volumes), ends(held.volumes))
    starts_at = volume.starts_at or first or now
    ends_at = volume.ends_at or last or starts_at + LASTS
    timed = replace(volume, starts_at=starts_at, ends_at=ends_at)
    check_volumes((timed,), now, SUBSCRIPTION)
    if starts_at != first and now - starts_at > CLOCK_SKEW:
        raise Malformed("a subscription starts now or later", field="extents.time_start", code="in_the_past")
    return timed


def _put(
    ledger: Ledger,
    asker: Asker,
    id: str,
    asked: SubscriptionAsked,
    volume: UtmVolume,
    now: datetime,
    nonce: str,
    did: str,
    index: int,
) -> Ruling:
    extent = extent_of((volume,))
    check_wide(ledger, asker, extent)
    held = ledger.subscriptions.get(id)
    if held is None or held.implicit:
        check_in_one_place(ledger, asker, extent, now)
    for name in dependents(ledger, id):
        intent = ledger.places[EntityKind.INTENT].extents.get(name)
        if (
            intent is not None
            and not ended(intent, now)
            and not (asked.for_intents and covers(extent, intent, now, CLOCK_SKEW))
        ):
            raise Malformed(
                "an operational intent that hangs on the subscription would not be covered",
                field="extents",
                code="utm_not_covered",
                id=name,
            )
    subscription = UtmSubscription(
        id=id,
        manager=asker.sub,
        uss_base_url=asked.uss_base_url,
        version=version_of(id, nonce),
        notification_index=index,
        for_intents=asked.for_intents,
        for_constraints=asked.for_constraints,
        implicit=False,
        volumes=(volume,),
    )
    return Ruling(did=did, of=subscription, put=(subscription,))

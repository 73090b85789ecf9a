"""The subscription that keeps an operational intent informed: named, made for it, grown with it, or none.

An implicit subscription is made for an intent and lives as long as an intent hangs on it. It grows with its intents
and does not shrink, so what it was told of before stays right; unless it would become too large, for then it covers
what hangs on it now and no more. An explicit one must cover its intents by itself.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec.structs import replace

from keepclear.errors import Malformed
from keepclear.model.utm import MAX_OUTLINE, NO_SUBSCRIPTION, UtmIntent, UtmSubscription, UtmVolume
from keepclear.utm.asked import IntentAsked
from keepclear.utm.index import Extent, extent_of
from keepclear.utm.ledger import Ledger
from keepclear.utm.ruling import Asker, NotAllowed
from keepclear.utm.versions import id_of, version_of

NO_TIME = timedelta(0)
MAX_VERTICES = 4 * MAX_OUTLINE
"""Of an implicit subscription: each time it grows all of it is written down again."""


class Attached(NamedTuple):
    """The subscription of an intent, if it has one, and whether the request made or grew it."""

    subscription: UtmSubscription | None
    changed: bool = False


def attach(
    ledger: Ledger, asker: Asker, id: str, asked: IntentAsked, extent: Extent, now: datetime, nonce: str
) -> Attached:
    """The subscription that intent `id`, of this extent, is to have.

    Malformed if it is not here, tells of no intents, is explicit and does not cover the intent, or would become too
    large; NotAllowed if it is another service's. A new one may tell of constraints under any scope that opens the
    operation, as the field's own suite has it, though F3548-21 (ImplicitSubscriptionParameters) wants that of
    constraint processing.
    """
    if asked.new_subscription is not None:
        return Attached(_made(asker, id, asked, nonce), changed=True)
    if asked.subscription in (None, NO_SUBSCRIPTION):
        return Attached(None)
    field = "subscription_id"
    held = ledger.subscriptions.get(asked.subscription or "")
    if held is None:
        raise Malformed("there is no such subscription", field=field, code="utm_no_subscription")
    if held.manager != asker.sub:
        raise NotAllowed("the subscription is another service's", field=field)
    if not held.for_intents:
        raise Malformed("the subscription does not tell of intents", field=field, code="utm_no_subscription")
    if covers(extent_of(held.volumes), extent, now):
        return Attached(held)
    if not held.implicit:
        raise Malformed("the subscription does not cover the intent", field=field, code="utm_not_covered", id=id)
    volumes = grown_by(held.volumes, asked.volumes)
    if not _can_be_held(volumes):
        volumes = _needed(ledger, held, id, asked.volumes)
    return Attached(replace(held, volumes=volumes, version=version_of(held.id, nonce)), changed=True)


def covers(subscription: Extent, intent: Extent, now: datetime, skew: timedelta = NO_TIME) -> bool:
    """Whether a subscription covers an intent: in cells, heights and times, at the grain a DSS works at.

    What is over cannot be told of, so from an intent that has begun only the rest must be covered. `skew`: how much
    later than the intent the subscription may start.
    """
    return (
        set(intent.cells) <= set(subscription.cells)
        and subscription.lower_m <= intent.lower_m
        and intent.upper_m <= subscription.upper_m
        and subscription.starts_s <= max(intent.starts_s + skew.total_seconds(), now.timestamp())
        and intent.ends_s <= subscription.ends_s
    )


def orphaned(ledger: Ledger, intent: UtmIntent | None, stays: str | None = None) -> str | None:
    """The implicit subscription that nothing hangs on once this intent is gone or hangs on `stays`, if there is one."""
    name = None if intent is None else intent.subscription
    held = None if name is None else ledger.subscriptions.get(name)
    if intent is None or held is None or held.id == stays or not held.implicit:
        return None
    hanging = ledger.dependents.get(held.id, {})
    return held.id if len(hanging) == (intent.id in hanging) else None


def grown_by(volumes: Sequence[UtmVolume], more: Iterable[UtmVolume]) -> tuple[UtmVolume, ...]:
    """Volumes that cover both. Two of one outline become one, so a subscription does not swell with every update."""
    by_outline = {(volume.polygon, volume.circle): volume for volume in volumes}
    for volume in more:
        outline = (volume.polygon, volume.circle)
        held = by_outline.get(outline)
        by_outline[outline] = volume if held is None else _joined(held, volume)
    return tuple(by_outline.values())


def _needed(ledger: Ledger, held: UtmSubscription, id: str, asked: Sequence[UtmVolume]) -> tuple[UtmVolume, ...]:
    """What the intents need that hang on a subscription, with intent `id` as it is to be."""
    volumes, count = [*asked], _vertices(asked)
    for name in ledger.dependents.get(held.id, ()):
        if name != id and count <= MAX_VERTICES:
            volumes += ledger.intents[name].volumes
            count += _vertices(ledger.intents[name].volumes)
    grown = grown_by((), volumes) if count <= MAX_VERTICES else ()
    if not grown or not _can_be_held(grown):
        raise Malformed("the subscription would become too large", field="subscription_id", code="too_large")
    return grown


def _can_be_held(volumes: Sequence[UtmVolume]) -> bool:
    if _vertices(volumes) > MAX_VERTICES:
        return False
    try:
        extent_of(volumes)
    except Malformed:
        return False
    return True


def _vertices(volumes: Iterable[UtmVolume]) -> int:
    return sum(len(volume.polygon) or 1 for volume in volumes)


def _joined(one: UtmVolume, other: UtmVolume) -> UtmVolume:
    return replace(
        one,
        lower_m=None if one.lower_m is None or other.lower_m is None else min(one.lower_m, other.lower_m),
        upper_m=None if one.upper_m is None or other.upper_m is None else max(one.upper_m, other.upper_m),
        starts_at=None if one.starts_at is None or other.starts_at is None else min(one.starts_at, other.starts_at),
        ends_at=None if one.ends_at is None or other.ends_at is None else max(one.ends_at, other.ends_at),
    )


def _made(asker: Asker, id: str, asked: IntentAsked, nonce: str) -> UtmSubscription:
    wanted = asked.new_subscription
    assert wanted is not None
    name = id_of(f"subscription of {id}", nonce)
    return UtmSubscription(
        id=name,
        manager=asker.sub,
        uss_base_url=wanted.uss_base_url,
        version=version_of(name, nonce),
        notification_index=0,
        for_intents=True,
        for_constraints=wanted.for_constraints,
        implicit=True,
        volumes=asked.volumes,
    )

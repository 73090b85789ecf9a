"""What is there now, and whom a change concerns: both by where and when entities are, at the grain of cells."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

from keepclear.model.utm import EntityKind, Told, UtmSubscription
from keepclear.utm.index import Extent
from keepclear.utm.ledger import Ledger


def present(ledger: Ledger, kind: EntityKind, extent: Extent, now: datetime) -> list[str]:
    """The ids of what meets an extent and has not ended, sorted. All of them: there is no limit to the answer."""
    return ledger.places[kind].meeting(extent._replace(starts_s=max(extent.starts_s, now.timestamp())))


def ended(extent: Extent, now: datetime) -> bool:
    """Whether what has this extent is over: in nobody's way, found by no search, told of nothing."""
    return extent.ends_s < now.timestamp()


def told(
    ledger: Ledger,
    kind: EntityKind,
    extents: Iterable[Extent],
    now: datetime,
    *,
    changed: Collection[UtmSubscription] = (),
    gone: Collection[str] = (),
) -> tuple[Told, ...]:
    """The subscriptions that a change of an intent or a constraint concerns, each with its raised notification index.

    `extents` is where the entity was and where it now is: a subscriber must hear of what leaves as well. Concerned is
    who asked to be told of this kind, has not ended, and meets one of them in cells, heights and times (F3548-21,
    SubscriberToNotify). `changed` are subscriptions that the same request makes or grows for the entity, `gone` those
    that it removes: who no longer subscribes is not told.
    """
    met = {name: ledger.subscriptions[name] for one in extents for name in _subscribed(ledger, one, now)}
    met |= {subscription.id: subscription for subscription in changed}
    return tuple(
        Told(subscription=name, index=subscription.notification_index + 1, url=subscription.uss_base_url)
        for name, subscription in sorted(met.items())
        if name not in gone and _wants(subscription, kind)
    )


def _subscribed(ledger: Ledger, extent: Extent, now: datetime) -> list[str]:
    return present(ledger, EntityKind.SUBSCRIPTION, extent, now)


def _wants(subscription: UtmSubscription, kind: EntityKind) -> bool:
    return subscription.for_intents if kind is EntityKind.INTENT else subscription.for_constraints

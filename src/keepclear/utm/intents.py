"""Operational intent references: the rules of F3548-21, Annex A4, by which a DSS takes them in.

Every request is checked in one order: the request in itself (Malformed), what the token covers (NotAllowed), whether
its service may act at all (Down), then what is held: whose it is (NotAllowed), in which version (Stale), and last what
else is in the airspace (MissingKnowledge).
"""

from __future__ import annotations

from datetime import datetime

from keepclear.errors import Malformed
from keepclear.model.utm import (
    NO_SUBSCRIPTION,
    Availability,
    EntityKind,
    Gone,
    IntentState,
    UtmIntent,
    UtmSubscription,
    UtmVolume,
)
from keepclear.utm.asked import IntentAsked, Rules
from keepclear.utm.attaching import attach, orphaned
from keepclear.utm.availability import check_not_down, of_manager
from keepclear.utm.demands import check_id, check_searched, check_url
from keepclear.utm.held import check_ovn, find, find_to_update
from keepclear.utm.holding import check_wide
from keepclear.utm.index import Extent, extent_of
from keepclear.utm.ledger import Ledger
from keepclear.utm.limits import INTENT, check_volumes
from keepclear.utm.ruling import Asker, MissingKnowledge, NotAllowed, Ruling, Stale
from keepclear.utm.scopes import CONFORMANCE_MONITORING
from keepclear.utm.shown import shown
from keepclear.utm.telling import present, told
from keepclear.utm.versions import ovn_of, requested_ovn

NOMINAL = frozenset({IntentState.ACCEPTED, IntentState.ACTIVATED})
"""States whose intents must know of what else is there; in the others the airspace is as it is flown."""


def create(
    ledger: Ledger, asker: Asker, id: str, asked: IntentAsked, now: datetime, nonce: str, rules: Rules
) -> Ruling:
    """createOperationalIntentReference. Stale if the id is taken, by an intent that has ended too."""
    _check_asked(asker, id, asked, now, rules)
    if asked.state is not IntentState.ACCEPTED:
        raise Malformed("an intent begins as Accepted", field="state", code="utm_state", state=asked.state.value)
    check_not_down(ledger, asker.sub)
    if id in ledger.intents:
        raise Stale("there is an intent under this id", field="entityid", code="id_taken", id=id)
    return _put(ledger, asker, id, asked, now, nonce, "createOperationalIntentReference", None)


def update(
    ledger: Ledger, asker: Asker, id: str, ovn: str, asked: IntentAsked, now: datetime, nonce: str, rules: Rules
) -> Ruling:
    """updateOperationalIntentReference. Malformed if there is none under this id, as the field has it."""
    _check_asked(asker, id, asked, now, rules)
    if asked.state in NOMINAL:
        check_not_down(ledger, asker.sub)
    held = find_to_update(ledger.intents, id)
    check_ovn(held, asker, ovn)
    if held.state is IntentState.CONTINGENT and asked.state is not IntentState.CONTINGENT:
        raise Malformed(
            "from Contingent an intent can only end", field="state", code="utm_state", state=asked.state.value
        )
    return _put(ledger, asker, id, asked, now, nonce, "updateOperationalIntentReference", held)


def delete(ledger: Ledger, asker: Asker, id: str, ovn: str, now: datetime) -> Ruling:
    """deleteOperationalIntentReference. `of` is the intent as it was."""
    check_id(id, "entityid")
    check_not_down(ledger, asker.sub)
    held = find(ledger.intents, id)
    check_ovn(held, asker, ovn)
    orphan = orphaned(ledger, held)
    return Ruling(
        did="deleteOperationalIntentReference",
        of=held,
        gone=(Gone(kind=EntityKind.INTENT, id=id), *_gone(orphan)),
        told=told(ledger, EntityKind.INTENT, [extent_of(held.volumes)], now, gone=_names(orphan)),
    )


def get(ledger: Ledger, asker: Asker, id: str) -> UtmIntent:
    """getOperationalIntentReference, as the asker may see it: also of an intent that has ended."""
    check_id(id, "entityid")
    return shown(find(ledger.intents, id), asker.sub)


def query(ledger: Ledger, asker: Asker, volume: UtmVolume, now: datetime) -> list[UtmIntent]:
    """queryOperationalIntentReferences: all that meet the volume and have not ended, as the asker may see them."""
    names = present(ledger, EntityKind.INTENT, check_searched(volume, now), now)
    return [shown(ledger.intents[name], asker.sub) for name in names]


def missing(
    ledger: Ledger, asker: Asker, id: str, key: frozenset[str], extent: Extent, now: datetime, *, constraints: bool
) -> MissingKnowledge | None:
    """What `key` should show knowledge of, and does not; None if it shows all. For intent `id`, of this extent.

    Not asked for are the intent itself, and what a service that is marked as down has only planned.
    """
    intents = [ledger.intents[name] for name in present(ledger, EntityKind.INTENT, extent, now)]
    unknown = [
        shown(intent, asker.sub)
        for intent in intents
        if intent.id != id and intent.ovn not in key and not _abandoned(ledger, intent)
    ]
    names = present(ledger, EntityKind.CONSTRAINT, extent, now) if constraints else []
    barred = [shown(ledger.constraints[name], asker.sub) for name in names if ledger.constraints[name].ovn not in key]
    return MissingKnowledge(tuple(unknown), tuple(barred)) if unknown or barred else None


def _abandoned(ledger: Ledger, intent: UtmIntent) -> bool:
    return intent.state is IntentState.ACCEPTED and of_manager(ledger, intent.manager) is Availability.DOWN


def _check_asked(asker: Asker, id: str, asked: IntentAsked, now: datetime, rules: Rules) -> None:
    check_id(id, "entityid")
    check_url(asked.uss_base_url, "uss_base_url", rules)
    check_volumes(asked.volumes, now, INTENT)
    if asked.new_subscription is not None:
        check_url(asked.new_subscription.uss_base_url, "new_subscription.uss_base_url", rules)
        if asked.subscription is not None:
            raise Malformed(
                "either a subscription or a new one", field="new_subscription", code="utm_two_subscriptions"
            )
    if asked.subscription is not None:
        check_id(asked.subscription, "subscription_id")
    without = asked.new_subscription is None and asked.subscription in (None, NO_SUBSCRIPTION)
    if without and asked.state is not IntentState.ACCEPTED:
        raise Malformed(
            "only an Accepted intent may be without a subscription",
            field="subscription_id",
            code="utm_subscription_needed",
        )
    if asked.ovn_suffix is not None:
        requested_ovn(id, asked.ovn_suffix, now)
    if asked.state not in NOMINAL and not asker.has(CONFORMANCE_MONITORING):
        raise NotAllowed(
            f"an intent becomes {asked.state.value} only with {CONFORMANCE_MONITORING}",
            field="state",
            code="utm_scope",
            scope=CONFORMANCE_MONITORING,
        )


def _put(
    ledger: Ledger,
    asker: Asker,
    id: str,
    asked: IntentAsked,
    now: datetime,
    nonce: str,
    did: str,
    held: UtmIntent | None,
) -> Ruling:
    ovn = ovn_of(id, nonce) if asked.ovn_suffix is None else requested_ovn(id, asked.ovn_suffix, now)
    if ovn in ledger.requested_ovns:
        raise Malformed("each version needs an OVN of its own", field="requested_ovn_suffix", code="utm_ovn_suffix")
    extent = extent_of(asked.volumes)
    check_wide(ledger, asker, extent)
    subscription, changed = attach(ledger, asker, id, asked, extent, now, nonce)
    if asked.state in NOMINAL:
        processes = subscription is not None and subscription.for_constraints
        lack = missing(ledger, asker, id, asked.key, extent, now, constraints=processes)
        if lack is not None:
            raise lack
    intent = UtmIntent(
        id=id,
        manager=asker.sub,
        state=asked.state,
        uss_base_url=asked.uss_base_url,
        version=1 if held is None else held.version + 1,
        ovn=ovn,
        volumes=asked.volumes,
        subscription=None if subscription is None else subscription.id,
    )
    put: tuple[UtmSubscription, ...] = (subscription,) if subscription is not None and changed else ()
    orphan = orphaned(ledger, held, intent.subscription)
    extents = [extent] if held is None else [extent, extent_of(held.volumes)]
    return Ruling(
        did=did,
        of=intent,
        put=(*put, intent),
        gone=_gone(orphan),
        told=told(ledger, EntityKind.INTENT, extents, now, changed=put, gone=_names(orphan)),
    )


def _gone(subscription: str | None) -> tuple[Gone, ...]:
    return () if subscription is None else (Gone(kind=EntityKind.SUBSCRIPTION, id=subscription),)


def _names(subscription: str | None) -> tuple[str, ...]:
    return () if subscription is None else (subscription,)

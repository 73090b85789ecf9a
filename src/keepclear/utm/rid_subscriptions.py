"""Subscriptions to identification service areas (F3411, DSS)."""

from __future__ import annotations

import math
from collections import Counter
from datetime import datetime

from keepclear.errors import Malformed
from keepclear.model.utm import EntityKind, Gone, RidArea, RidEdition, RidSubscription, UtmVolume
from keepclear.utm import rid
from keepclear.utm.asked import RidAsked, Rules
from keepclear.utm.holding import check_wide
from keepclear.utm.index import extent_of
from keepclear.utm.ledger import Ledger
from keepclear.utm.limits import SUBSCRIPTION
from keepclear.utm.ruling import Asker, Ruling, TooMany
from keepclear.utm.subscriptions import LASTS
from keepclear.utm.telling import ended
from keepclear.utm.versions import version_of

MAX_PER_AREA = 10
"""Of one service in one cell (F3411, NetDSSMaxSubscriptionPerArea)."""


def create(ledger: Ledger, asker: Asker, id: str, asked: RidAsked, now: datetime, nonce: str, rules: Rules) -> Ruling:
    """createSubscription. Stale if the id is taken, unless by one of the asker's that has ended: it begins anew.

    Without a start it starts now, without an end it ends 24 hours after its start. TooMany if the asker holds as many
    there as it may.
    """
    rid.check_asked(id, asked, rid.WORDS[asked.edition].subscription_url, rules)
    volume = rid.timed(asked, now, None, SUBSCRIPTION, LASTS)
    held = ledger.rid_subscriptions.get(id)
    if held is not None and not (held.owner == asker.sub and ended(extent_of((held.volume,)), now)):
        raise rid.taken(id)
    return _put(ledger, asker, id, asked, volume, now, nonce, "createSubscription", index=0)


def update(
    ledger: Ledger, asker: Asker, id: str, version: str, asked: RidAsked, now: datetime, nonce: str, rules: Rules
) -> Ruling:
    """updateSubscription. Times not given stay as they are. Malformed if there is none under this id; TooMany."""
    rid.check_asked(id, asked, rid.WORDS[asked.edition].subscription_url, rules)
    rid.check_version(version)
    held = _find(ledger, id, asked.edition)
    volume = rid.timed(asked, now, None if held is None else held.volume, SUBSCRIPTION, LASTS)
    if held is None:
        raise Malformed("there is no subscription under this id", field="id", code="utm_not_here", id=id)
    rid.check_held(held, asker, version)
    return _put(ledger, asker, id, asked, volume, now, nonce, "updateSubscription", index=held.notification_index)


def delete(ledger: Ledger, asker: Asker, id: str, version: str, edition: RidEdition) -> Ruling:
    """deleteSubscription. `of` is the subscription as it was."""
    rid.check_version(version)
    held = get(ledger, id, edition)
    rid.check_held(held, asker, version)
    return Ruling(did="deleteSubscription", of=held, gone=(Gone(kind=EntityKind.RID_SUBSCRIPTION, id=id),))


def get(ledger: Ledger, id: str, edition: RidEdition) -> RidSubscription:
    """getSubscription: whoever's, as the standard has it, for a service provider to see that it is. NotFound."""
    held = _find(ledger, id, edition)
    if held is None:
        raise rid.not_here(id)
    return held


def query(ledger: Ledger, asker: Asker, volume: UtmVolume, edition: RidEdition, now: datetime) -> list[RidSubscription]:
    """searchSubscriptions: the asker's own that meet the volume and have not ended. TooLarge if the area is."""
    found = rid.subscriptions_in(ledger, rid.searched(volume, now), edition, now)
    return [each for each in found if each.owner == asker.sub]


def relevant(ledger: Ledger, subscription: RidSubscription, now: datetime) -> list[RidArea]:
    """The areas a service must know of when it subscribes (PutSubscriptionResponse)."""
    return rid.areas_in(ledger, extent_of((subscription.volume,)), subscription.edition, now)


def _find(ledger: Ledger, id: str, edition: RidEdition) -> RidSubscription | None:
    held = ledger.rid_subscriptions.get(id)
    return held if held is not None and held.edition is edition else None


def _put(
    ledger: Ledger,
    asker: Asker,
    id: str,
    asked: RidAsked,
    volume: UtmVolume,
    now: datetime,
    nonce: str,
    did: str,
    index: int,
) -> Ruling:
    check_wide(ledger, asker, extent_of((volume,)))
    _check_room(ledger, asker, id, volume, asked.edition, now)
    subscription = RidSubscription(
        id=id,
        owner=asker.sub,
        uss_base_url=asked.uss_base_url,
        version=version_of(id, nonce),
        notification_index=index,
        volume=volume,
        edition=asked.edition,
    )
    return Ruling(did=did, of=subscription, put=(subscription,))


def _check_room(ledger: Ledger, asker: Asker, id: str, volume: UtmVolume, edition: RidEdition, now: datetime) -> None:
    """TooMany if another one would be too many in any of its cells, at whatever height and time to come."""
    extent = extent_of((volume,))
    column = extent._replace(lower_m=-math.inf, upper_m=math.inf, starts_s=now.timestamp(), ends_s=math.inf)
    others = [
        each.id
        for each in rid.subscriptions_in(ledger, column, edition, now)
        if each.owner == asker.sub and each.id != id
    ]
    if len(others) < MAX_PER_AREA:
        return
    here = set(extent.cells)
    extents = ledger.places[EntityKind.RID_SUBSCRIPTION].extents
    crowd = Counter(cell for name in others for cell in here.intersection(extents[name].cells))
    if crowd and max(crowd.values()) >= MAX_PER_AREA:
        raise TooMany(
            f"a service has at most {MAX_PER_AREA} subscriptions in one area", field="extents", most=MAX_PER_AREA
        )

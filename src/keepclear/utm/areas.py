"""Identification service areas (F3411, DSS): where services may have flights to show, and who is told of a change."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from keepclear.errors import Malformed
from keepclear.model.utm import EntityKind, Gone, RidArea, RidEdition, Told, UtmVolume
from keepclear.utm import rid
from keepclear.utm.asked import RidAsked, Rules
from keepclear.utm.holding import check_wide
from keepclear.utm.index import extent_of
from keepclear.utm.ledger import Ledger
from keepclear.utm.limits import AREA
from keepclear.utm.ruling import Asker, Ruling
from keepclear.utm.versions import version_of


def create(ledger: Ledger, asker: Asker, id: str, asked: RidAsked, now: datetime, nonce: str, rules: Rules) -> Ruling:
    """createIdentificationServiceArea. Without a start it starts now. Stale if the id is taken, also by what ended."""
    rid.check_asked(id, asked, rid.WORDS[asked.edition].area_url, rules)
    volume = rid.timed(asked, now, None, AREA, None)
    if id in ledger.areas:
        raise rid.taken(id)
    return _put(ledger, asker, id, asked, volume, (), now, nonce, "createIdentificationServiceArea")


def update(
    ledger: Ledger, asker: Asker, id: str, version: str, asked: RidAsked, now: datetime, nonce: str, rules: Rules
) -> Ruling:
    """updateIdentificationServiceArea. Times not given stay as they are. Malformed if there is none under this id."""
    rid.check_asked(id, asked, rid.WORDS[asked.edition].area_url, rules)
    rid.check_version(version)
    held = _find(ledger, id, asked.edition)
    volume = rid.timed(asked, now, None if held is None else held.volume, AREA, None)
    if held is None:
        raise Malformed("there is no area under this id", field="id", code="utm_not_here", id=id)
    rid.check_held(held, asker, version)
    return _put(ledger, asker, id, asked, volume, (held.volume,), now, nonce, "updateIdentificationServiceArea")


def delete(ledger: Ledger, asker: Asker, id: str, version: str, edition: RidEdition, now: datetime) -> Ruling:
    """deleteIdentificationServiceArea. `of` is the area as it was."""
    rid.check_version(version)
    held = get(ledger, id, edition)
    rid.check_held(held, asker, version)
    told = _told(ledger, (held.volume,), edition, now)
    gone = (Gone(kind=EntityKind.AREA, id=id),)
    return Ruling(did="deleteIdentificationServiceArea", of=held, gone=gone, told=told)


def get(ledger: Ledger, id: str, edition: RidEdition) -> RidArea:
    """getIdentificationServiceArea: whoever's, also one that has ended. NotFound."""
    held = _find(ledger, id, edition)
    if held is None:
        raise rid.not_here(id)
    return held


def query(ledger: Ledger, volume: UtmVolume, edition: RidEdition, now: datetime) -> list[RidArea]:
    """searchIdentificationServiceAreas: those that meet the volume and have not ended. TooLarge if the area is."""
    return rid.areas_in(ledger, rid.searched(volume, now), edition, now)


def _find(ledger: Ledger, id: str, edition: RidEdition) -> RidArea | None:
    held = ledger.areas.get(id)
    return held if held is not None and held.edition is edition else None


def _put(
    ledger: Ledger,
    asker: Asker,
    id: str,
    asked: RidAsked,
    volume: UtmVolume,
    before: tuple[UtmVolume, ...],
    now: datetime,
    nonce: str,
    did: str,
) -> Ruling:
    check_wide(ledger, asker, extent_of((volume,)))
    area = RidArea(
        id=id,
        owner=asker.sub,
        uss_base_url=asked.uss_base_url,
        version=version_of(id, nonce),
        volume=volume,
        edition=asked.edition,
    )
    return Ruling(did=did, of=area, put=(area,), told=_told(ledger, (*before, volume), asked.edition, now))


def _told(ledger: Ledger, volumes: Iterable[UtmVolume], edition: RidEdition, now: datetime) -> tuple[Told, ...]:
    """Whom a change concerns: who subscribes where the area was, or where it now is."""
    met = {
        each.id: each for volume in volumes for each in rid.subscriptions_in(ledger, extent_of((volume,)), edition, now)
    }
    return tuple(
        Told(subscription=id, index=each.notification_index + 1, url=each.uss_base_url, rid=True)
        for id, each in sorted(met.items())
    )

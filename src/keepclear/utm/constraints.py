"""Constraint references: the rules of F3548-21, Annex A4, by which a DSS takes them in."""

from __future__ import annotations

from datetime import datetime

from keepclear.model.utm import EntityKind, Gone, UtmConstraint, UtmVolume
from keepclear.utm.asked import ConstraintAsked, Rules
from keepclear.utm.demands import check_id, check_searched, check_url
from keepclear.utm.held import check_ovn, find, find_to_update
from keepclear.utm.holding import check_wide
from keepclear.utm.index import extent_of
from keepclear.utm.ledger import Ledger
from keepclear.utm.limits import CONSTRAINT, check_volumes
from keepclear.utm.ruling import Asker, Ruling, Stale
from keepclear.utm.shown import shown
from keepclear.utm.telling import present, told
from keepclear.utm.versions import ovn_of


def create(
    ledger: Ledger, asker: Asker, id: str, asked: ConstraintAsked, now: datetime, nonce: str, rules: Rules
) -> Ruling:
    """createConstraintReference. Stale if the id is taken, by a constraint that has ended too."""
    _check_asked(id, asked, now, rules)
    if id in ledger.constraints:
        raise Stale("there is a constraint under this id", field="entityid", code="id_taken", id=id)
    return _put(ledger, asker, id, asked, now, nonce, "createConstraintReference", None)


def update(
    ledger: Ledger, asker: Asker, id: str, ovn: str, asked: ConstraintAsked, now: datetime, nonce: str, rules: Rules
) -> Ruling:
    """updateConstraintReference. Malformed if there is none under this id, as the field has it."""
    _check_asked(id, asked, now, rules)
    held = find_to_update(ledger.constraints, id)
    check_ovn(held, asker, ovn)
    return _put(ledger, asker, id, asked, now, nonce, "updateConstraintReference", held)


def delete(ledger: Ledger, asker: Asker, id: str, ovn: str, now: datetime) -> Ruling:
    """deleteConstraintReference. `of` is the constraint as it was."""
    check_id(id, "entityid")
    held = find(ledger.constraints, id)
    check_ovn(held, asker, ovn)
    return Ruling(
        did="deleteConstraintReference",
        of=held,
        gone=(Gone(kind=EntityKind.CONSTRAINT, id=id),),
        told=told(ledger, EntityKind.CONSTRAINT, [extent_of(held.volumes)], now),
    )


def get(ledger: Ledger, asker: Asker, id: str) -> UtmConstraint:
    """getConstraintReference, as the asker may see it: also of a constraint that has ended."""
    check_id(id, "entityid")
    return shown(find(ledger.constraints, id), asker.sub)


def query(ledger: Ledger, asker: Asker, volume: UtmVolume, now: datetime) -> list[UtmConstraint]:
    """queryConstraintReferences: all that meet the volume and have not ended, as the asker may see them."""
    names = present(ledger, EntityKind.CONSTRAINT, check_searched(volume, now), now)
    return [shown(ledger.constraints[name], asker.sub) for name in names]


def _check_asked(id: str, asked: ConstraintAsked, now: datetime, rules: Rules) -> None:
    check_id(id, "entityid")
    check_url(asked.uss_base_url, "uss_base_url", rules)
    check_volumes(asked.volumes, now, CONSTRAINT)


def _put(
    ledger: Ledger,
    asker: Asker,
    id: str,
    asked: ConstraintAsked,
    now: datetime,
    nonce: str,
    did: str,
    held: UtmConstraint | None,
) -> Ruling:
    constraint = UtmConstraint(
        id=id,
        manager=asker.sub,
        uss_base_url=asked.uss_base_url,
        version=1 if held is None else held.version + 1,
        ovn=ovn_of(id, nonce),
        volumes=asked.volumes,
    )
    extents = [extent_of(each.volumes) for each in (constraint, held) if each is not None]
    check_wide(ledger, asker, extents[0])
    return Ruling(did=did, of=constraint, put=(constraint,), told=told(ledger, EntityKind.CONSTRAINT, extents, now))

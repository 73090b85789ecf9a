"""What an entity looked like at any instant, who changed it, who was told of each change, when, and with what answer.

All of it is read from kept acts (F3548-21, Annex A5 asks services to log the like): each answer names the acts it rests
on, and their places in the record, so that it can be proven (`/api/proof/inclusion`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Protocol

import msgspec

from keepclear.model.acts import Attachment, UtmChange, UtmExchange
from keepclear.model.utm import (
    Entity,
    EntityKind,
    Told,
    UtmAvailability,
    UtmConstraint,
    UtmIntent,
    UtmSubscription,
    Way,
)
from keepclear.utm.carried import unpacked
from keepclear.utm.exact import sift
from keepclear.utm.index import Extent
from keepclear.utm.ledger import KINDS, Ledger
from keepclear.utm.shown import shown
from keepclear.utm.telling import ended, present

MOST_HELD_AGAINST = 2_000
"""Live intents up to which all are held against each other."""


class Kept(Protocol):
    """An act in the record: its id, its place, when it was recorded."""

    @property
    def id(self) -> str:
        """The act's id."""
        ...

    @property
    def index(self) -> int:
        """Its place in the record."""
        ...

    @property
    def recorded_at(self) -> datetime | None:
        """When it was recorded."""
        ...

    @property
    def act(self) -> Any:
        """What it says."""
        ...


class Record(Protocol):
    """What of a record is looked at: all of it in order, its acts by id, and the messages about each entity."""

    @property
    def log(self) -> Sequence[Kept]:
        """Every act; `log[i].index == i`."""
        ...

    @property
    def utm(self) -> Ledger:
        """The ledger as it is now."""
        ...

    @property
    def utm_messages(self) -> dict[str, list[str]]:
        """By entity: the acts that tell of messages about it."""
        ...

    @property
    def acts(self) -> dict[str, Any]:
        """Every act by its id (`Kept`)."""
        ...


class _View(msgspec.Struct, frozen=True, kw_only=True):
    """The base of what is shown of the past."""


class Exchanged(_View, frozen=True, kw_only=True):
    """One message between this node and a service about an entity. `entry` is its place in the record."""

    act: str
    entry: int
    way: Way
    peer: str
    did: str
    at: datetime
    outcome: str
    attempt: int
    final: bool
    change: int | None = None


class Telling(_View, frozen=True, kw_only=True):
    """A subscription that a change concerned: whose, the number its notification bears, and what came of it.

    `answers` are the attempts this node made, in order; empty where the writer is the one to tell, or nothing is on
    record yet.
    """

    subscription: str
    service: str | None
    index: int
    url: str
    answers: tuple[Exchanged, ...] = ()


class Change(_View, frozen=True, kw_only=True):
    """One change of an entity: what it then was (`put`; a flight's details are kept beside its intent) or is no more
    (`gone`), who asked for it by what operation, and whom it concerned.

    `pushed`: this node carries the notifications; else the service that asked for the change does.
    """

    act: str
    entry: int
    at: datetime
    number: int
    by: str
    did: str
    put: tuple[Entity, ...]
    gone: tuple[EntityKind, ...]
    pushed: bool
    told: tuple[Telling, ...]


class Past(_View, frozen=True, kw_only=True):
    """An entity as it was at an instant, all changes up to then, and all messages about it."""

    id: str
    at: datetime
    state: tuple[Entity, ...]
    changes: tuple[Change, ...]
    messages: tuple[Exchanged, ...]


class Meetings(_View, frozen=True, kw_only=True):
    """Pairs of live intents that meet: at the grain of the DSS, and in truth. `undecided` of the latter are only held
    to meet, for want of a shape that can be computed with.
    """

    coarse: int
    exact: int
    undecided: int

    @property
    def saved(self) -> int:
        """Warnings that exactness saves."""
        return self.coarse - self.exact


def past(record: Record, id: str, at: datetime) -> Past:
    """The past of an entity up to `at`, a time of the record. KeyError if nothing under this id was ever there.

    OVNs are left out: only its manager hands one out.
    """
    history = record.utm.history.get(id)
    if not history:
        raise KeyError(id)
    heard = [_exchanged(kept) for kept in _kept(record, record.utm_messages.get(id, ()), at)]
    changes = [_change(record, kept, id, heard) for kept in _kept(record, dict.fromkeys(history), at)]
    state: dict[EntityKind, Entity] = {}
    for change in changes:
        for kind in change.gone:
            state.pop(kind, None)
        state.update({KINDS[type(entity)]: entity for entity in change.put})
    return Past(id=id, at=at, state=tuple(state.values()), changes=tuple(changes), messages=tuple(heard))


def whole_change(record: Record, kept: Kept) -> UtmChange:
    """The change an act carries, with what is attached to it: the attachments stand right before it."""
    change: UtmChange = kept.act
    if change.attached is None:
        return change
    parts: dict[int, str] = {}
    for place in range(kept.index - 1, -1, -1):
        act = record.log[place].act
        if not isinstance(act, Attachment) or act.sha256 != change.attached or act.part in parts:
            break
        parts[act.part] = act.base64
    return unpacked(change, parts)


def manager_of(record: Record, subscription: str) -> str | None:
    """Whose a subscription is, or was; None if there never was one."""
    held = record.utm.subscriptions.get(subscription)
    if held is not None:
        return held.manager
    for act_id in record.utm.history.get(subscription, ()):
        kept = record.acts.get(act_id)
        if kept is None:
            continue
        for entity in whole_change(record, kept).put:
            if isinstance(entity, UtmSubscription) and entity.id == subscription:
                return entity.manager
    return None


def live(ledger: Ledger, kind: EntityKind, now: datetime) -> list[str]:
    """The ids of what is of a kind and has not ended."""
    return [id for id, extent in ledger.places[kind].extents.items() if not ended(extent, now)]


def meetings(ledger: Ledger, now: datetime) -> Iterator[Meetings]:
    """The meetings so far, after each live intent that was held against those that come after it by id.

    A caller may let others work between two; what has gone by then is passed over.
    """
    coarse = exact = undecided = 0
    for id in sorted(live(ledger, EntityKind.INTENT, now)):
        held, extent = ledger.intents.get(id), _extent(ledger, id)
        if held is not None and extent is not None:
            names = [name for name in present(ledger, EntityKind.INTENT, extent, now) if name > id]
            found = sift(held.volumes, [ledger.intents[name] for name in names])
            coarse += len(names)
            exact += len(found.real)
            undecided += len(found.undecided)
        yield Meetings(coarse=coarse, exact=exact, undecided=undecided)


# ── inside ──


def _extent(ledger: Ledger, id: str) -> Extent | None:
    return ledger.places[EntityKind.INTENT].extents.get(id)


def _kept(record: Record, ids: Sequence[str] | dict[str, None], at: datetime) -> Iterator[Kept]:
    """Those of the acts that were recorded by a time; what is not on disk yet is not among them."""
    for act_id in ids:
        kept = record.acts.get(act_id)
        if kept is not None and kept.recorded_at is not None and kept.recorded_at <= at:
            yield kept


def _exchanged(kept: Kept) -> Exchanged:
    act: UtmExchange = kept.act
    return Exchanged(
        act=kept.id,
        entry=kept.index,
        way=act.way,
        peer=act.peer,
        did=act.did,
        at=act.at,
        outcome=act.outcome,
        attempt=act.attempt,
        final=act.final,
        change=act.change,
    )


def _change(record: Record, kept: Kept, id: str, heard: Sequence[Exchanged]) -> Change:
    change = whole_change(record, kept)
    answers = [each for each in heard if each.change == change.number and each.way is Way.SENT]
    return Change(
        act=kept.id,
        entry=kept.index,
        at=_recorded(kept),
        number=change.number,
        by=change.by,
        did=change.did,
        put=tuple(_without_ovn(each) for each in change.put if _name(each) == id),
        gone=tuple(each.kind for each in change.gone if each.id == id),
        pushed=change.pushed,
        told=tuple(_telling(record, told, answers) for told in change.told),
    )


def _telling(record: Record, told: Told, answers: Sequence[Exchanged]) -> Telling:
    def concerns(each: Exchanged) -> bool:
        act: UtmExchange = record.acts[each.act].act
        return any(said.subscription == told.subscription for said in act.told)

    return Telling(
        subscription=told.subscription,
        service=None if told.rid else manager_of(record, told.subscription),
        index=told.index,
        url=told.url,
        answers=tuple(each for each in answers if concerns(each)),
    )


def _without_ovn(entity: Entity) -> Entity:
    if isinstance(entity, UtmIntent):
        return shown(entity, "")
    return shown(entity, "") if isinstance(entity, UtmConstraint) else entity


def _name(entity: Entity) -> str:
    return entity.uss if isinstance(entity, UtmAvailability) else entity.id


def _recorded(kept: Kept) -> datetime:
    if kept.recorded_at is None:
        raise ValueError("only a kept act has a past")
    return kept.recorded_at

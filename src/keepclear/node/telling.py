"""What subscribers are told of a change: the details of our own, as they were kept with it; of others' what they say.

Of another service's entity the manager is asked (`push` set to "all"). If it cannot be asked, or tells what cannot be
true, the reference is said with the volumes the manager gave the DSS, which contain it, and without its OVN: a
subscriber may warn by it, and must ask the manager before planning beside it.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping, Sequence

import msgspec

from keepclear.errors import Refused
from keepclear.formats.f3548 import details as wire
from keepclear.formats.f3548.answers import AvailabilityOf
from keepclear.model.utm import (
    Availability,
    EntityKind,
    Told,
    UtmClosure,
    UtmConstraint,
    UtmFlight,
    UtmIntent,
)
from keepclear.node.notifier import Message, Speaker
from keepclear.node.peer_book import PeerBook
from keepclear.node.utm_desk import UtmDesk
from keepclear.utm.availability import of_manager
from keepclear.utm.owing import Debt
from keepclear.utm.scopes import CONSTRAINT_MANAGEMENT, STRATEGIC_COORDINATION

MAX_KEPT = 64
_encoder = msgspec.json.Encoder()


class Telling:
    """Puts notifications together; the part that is the same for all subscribers of a change only once."""

    def __init__(self, desk: UtmDesk, book: PeerBook) -> None:
        self._desk = desk
        self._book = book
        self._kept: OrderedDict[tuple[int, str], bytes] = OrderedDict()

    @property
    def speakers(self) -> Mapping[EntityKind, Speaker]:
        """For `keepclear.node.notifier.Notifier`."""
        return {EntityKind.INTENT: self.intent, EntityKind.CONSTRAINT: self.constraint}

    async def intent(self, debt: Debt, told: Sequence[Told]) -> Message:
        """notifyOperationalIntentDetailsChanged."""
        body = wire.intent_notification(debt.subject, await self._said(debt), told)
        url = f"{debt.url.rstrip('/')}/uss/v1/operational_intents"
        return Message("notifyOperationalIntentDetailsChanged", url, body, STRATEGIC_COORDINATION)

    async def constraint(self, debt: Debt, told: Sequence[Told]) -> Message:
        """notifyConstraintDetailsChanged."""
        body = wire.constraint_notification(debt.subject, await self._said(debt), told)
        url = f"{debt.url.rstrip('/')}/uss/v1/constraints"
        return Message("notifyConstraintDetailsChanged", url, body, CONSTRAINT_MANAGEMENT)

    async def _said(self, debt: Debt) -> bytes | None:
        """What the entity of a debt is now, as JSON; None if it is gone."""
        if debt.entity is None:
            return None
        place = (debt.number, debt.subject)
        if place not in self._kept:
            said = _encoder.encode(await self._entity(debt))
            self._kept[place] = said
            if len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
            return said
        return self._kept[place]

    async def _entity(self, debt: Debt) -> wire.Intent | wire.Constraint:
        entity, availability = debt.entity, self._availability()
        if isinstance(entity, UtmIntent):
            if isinstance(debt.details, UtmFlight):
                return wire.intent_of_own(entity, debt.details, availability)
            try:
                found = await self._book.intent(entity.id)
            except Refused:
                found = None
            return (
                wire.intent_as_referred(entity, availability)
                if found is None
                else wire.intent_of_another(*found, availability)
            )
        if isinstance(entity, UtmConstraint):
            if isinstance(debt.details, UtmClosure):
                return wire.constraint_of_own(entity, debt.details, availability)
            try:
                barred = await self._book.constraint(entity.id)
            except Refused:
                barred = None
            if barred is None:
                return wire.constraint_as_referred(entity, availability)
            return wire.constraint_of_another(*barred, availability)
        raise TypeError(f"nothing is told of {debt.kind} in F3548-21")

    def _availability(self) -> AvailabilityOf:
        ledger = self._desk.node.state.utm

        def of(manager: str) -> Availability:
            return of_manager(ledger, manager)

        return of

"""What other services tell of their intents and constraints: asked for, checked, kept by OVN, and on record.

Nothing in here is believed further than `keepclear.utm.peers` can check it. It comes from whoever holds a token, so for
a picture it is a source that can be spoofed: it may add a warning and never takes one away.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable
from typing import TypeVar

from keepclear.errors import Malformed, Refused
from keepclear.formats.f3548.details import (
    ConstraintTold,
    IntentTold,
    read_constraint_details,
    read_intent_details,
)
from keepclear.model.utm import EntityKind, UtmConstraint, UtmIntent, Way
from keepclear.node.calling import Caller, exchange, host_of
from keepclear.node.utm_desk import UtmDesk
from keepclear.utm.ledger import Ledger
from keepclear.utm.peers import Untrue, check_constraint, check_intent
from keepclear.utm.scopes import CONSTRAINT_PROCESSING, STRATEGIC_COORDINATION

MAX_KEPT = 10_000
TRIES = 3
"""How often a manager is asked who tells of another version than the DSS holds: its answer may be on the way."""
PAUSE_S = 0.2

Told = IntentTold | ConstraintTold
T = TypeVar("T")


class Unasked(Refused):
    """The manager of an entity gave no answer that could be used."""

    code = "utm_unasked"


class PeerBook:
    """Details of other services' entities."""

    def __init__(self, desk: UtmDesk, caller: Caller) -> None:
        self._desk = desk
        self._caller = caller
        self._kept: OrderedDict[tuple[str, str], Told] = OrderedDict()
        self._under_way: dict[tuple[str, str], asyncio.Task[tuple[UtmIntent | UtmConstraint, Told] | None]] = {}

    async def intent(self, id: str) -> tuple[UtmIntent, IntentTold] | None:
        """Another service's intent as it now is, with its details; None if there is none under this id.

        Untrue if its manager tells something else than the DSS holds, or nonsense; Unasked if it cannot be asked.
        """
        found = await self._current(EntityKind.INTENT, id)
        if found is None or not isinstance(found[0], UtmIntent) or not isinstance(found[1], IntentTold):
            return None
        return found[0], found[1]

    async def constraint(self, id: str) -> tuple[UtmConstraint, ConstraintTold] | None:
        """The same for a constraint."""
        found = await self._current(EntityKind.CONSTRAINT, id)
        if found is None or not isinstance(found[0], UtmConstraint) or not isinstance(found[1], ConstraintTold):
            return None
        return found[0], found[1]

    def keep(self, told: Told) -> None:
        """Details that were checked, as a notification brought them."""
        self._kept[told.id, told.ovn] = told
        self._kept.move_to_end((told.id, told.ovn))
        if len(self._kept) > MAX_KEPT:
            self._kept.popitem(last=False)

    def known(self, id: str, ovn: str) -> Told | None:
        """The details of this version, if they were told before."""
        return self._kept.get((id, ovn))

    # ── inside ──

    async def _current(self, kind: EntityKind, id: str) -> tuple[UtmIntent | UtmConstraint, Told] | None:
        held = _held(await self._desk.ledger(), kind, id)
        if held is None:
            return None
        kept = self.known(id, held.ovn)
        if kept is not None:
            return held, kept
        asked = self._under_way.get((id, held.ovn))
        if asked is None:
            asked = self._under_way[id, held.ovn] = asyncio.create_task(self._ask(kind, id))
            asked.add_done_callback(lambda _: self._under_way.pop((id, held.ovn), None))
        return await asyncio.shield(asked)

    async def _ask(self, kind: EntityKind, id: str) -> tuple[UtmIntent | UtmConstraint, Told] | None:
        for tries in range(1, TRIES + 1):
            held = _held(await self._desk.ledger(), kind, id)
            if held is None:
                return None
            told = await self._fetch(kind, held)
            ledger = await self._desk.ledger()
            now_held = _held(ledger, kind, id)
            if now_held is None:
                return None
            if told.version == now_held.version or tries == TRIES:
                await self._check(ledger, now_held, told)
                self.keep(told)
                return now_held, told
            await self._desk.node.clock.sleep(PAUSE_S)
        raise AssertionError("the last try ends it")

    async def _fetch(self, kind: EntityKind, held: UtmIntent | UtmConstraint) -> Told:
        intent = kind is EntityKind.INTENT
        path = "operational_intents" if intent else "constraints"
        scope = STRATEGIC_COORDINATION if intent else CONSTRAINT_PROCESSING
        read: Callable[[bytes], Told] = read_intent_details if intent else read_constraint_details
        url = f"{held.uss_base_url.rstrip('/')}/uss/v1/{path}/{held.id}"
        answered = await self._caller.call("GET", url, None, scope)
        outcome, error = answered.outcome, None
        told: Told | None = None
        if answered.ok:
            try:
                told = read(answered.body)
            except Malformed as malformed:
                error = Untrue(malformed.message, field=malformed.field, code="utm_untrue_form")
                outcome = f"{outcome} {error.code} {error.field}"
        await self._desk.file(
            exchange(
                Way.SENT,
                host_of(url),
                "getOperationalIntentDetails" if intent else "getConstraintDetails",
                self._desk.now(),
                outcome,
                url=url,
                entity=held.id,
                body=answered.body,
            )
        )
        if error is not None:
            raise error
        if told is None:
            raise Unasked("its manager gave no details", manager=held.manager, outcome=answered.outcome)
        return told

    async def _check(self, ledger: Ledger, held: UtmIntent | UtmConstraint, told: Told) -> None:
        """Untrue if it cannot be; which goes on record, for the manager will want to know."""
        try:
            if isinstance(held, UtmIntent) and isinstance(told, IntentTold):
                check_intent(ledger, held, told)
            elif isinstance(held, UtmConstraint) and isinstance(told, ConstraintTold):
                check_constraint(ledger, held, told)
        except Untrue as error:
            outcome = f"{error.code} {error.field}"
            said = exchange(Way.RECEIVED, held.manager, "checkDetails", self._desk.now(), outcome, entity=held.id)
            await self._desk.file(said)
            raise


def _held(ledger: Ledger, kind: EntityKind, id: str) -> UtmIntent | UtmConstraint | None:
    return ledger.intents.get(id) if kind is EntityKind.INTENT else ledger.constraints.get(id)

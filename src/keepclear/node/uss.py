"""This node as a USS (F3548-21): plans flights against what the DSS and the other services say, and hears from them.

A plan is weighed against the details of everything in its way: this node's own as it keeps them, others' as their
managers tell of them. What cannot be learnt, or cannot be true, bars planning. Then the intent is written with a key
that names all of it; if meanwhile somebody else was quicker, it is weighed again. The details (`UtmFlight`) are part of
the same change. That a plan is accepted tells what was checked, and gives nobody permission.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from keepclear.errors import NotNow, Refused
from keepclear.model.utm import (
    Availability,
    EntityKind,
    Gone,
    IntentState,
    UtmConstraint,
    UtmFlight,
    UtmIntent,
    UtmVolume,
)
from keepclear.node.peer_book import PeerBook, Unasked
from keepclear.node.user_notices import UserNotices, Why
from keepclear.node.utm_desk import Judge, UtmDesk
from keepclear.utm import intents
from keepclear.utm.asked import ImplicitAsked, IntentAsked, Rules
from keepclear.utm.availability import of_manager
from keepclear.utm.deconflict import Other, Weighed, meeting, weigh
from keepclear.utm.exact import sift
from keepclear.utm.flights import FlightAsked, Usage, flight_of, state_of
from keepclear.utm.index import extent_of
from keepclear.utm.ledger import Ledger
from keepclear.utm.peers import Untrue
from keepclear.utm.ruling import Asker, MissingKnowledge, Ruling, Stale
from keepclear.utm.scopes import CONFORMANCE_MONITORING, STRATEGIC_COORDINATION
from keepclear.utm.telling import present

TRIES = 5
"""How often a plan is weighed anew because somebody else was quicker."""
NOMINAL = (IntentState.ACCEPTED, IntentState.ACTIVATED)


class Conflicting(NotNow):
    """The plan meets intents that it must not meet."""

    code = "utm_conflict"


class Outcome(StrEnum):
    """How an attempt to plan ended. Failed: not for what the plan is, but for want of what others should have told."""

    COMPLETED = "Completed"
    REJECTED = "Rejected"
    FAILED = "Failed"


@dataclass(frozen=True, slots=True)
class Planned:
    """The outcome, the state the flight's intent now has (None: there is none), why it was refused, and of what the
    operator is told: intents of lower priority, or met before, and constraints that the volumes meet.
    """

    outcome: Outcome
    state: IntentState | None
    why: Refused | None = None
    advisories: int = 0


class Uss:
    """Flights of this node's clients. `desk` must push; `manager` is the name under which this node writes."""

    def __init__(self, desk: UtmDesk, book: PeerBook, manager: str, base_url: str, rules: Rules) -> None:
        self.manager = manager
        self.base_url = base_url
        self.desk = desk
        self.book = book
        self.notices = UserNotices(desk)
        self._asker = Asker(manager, frozenset({STRATEGIC_COORDINATION, CONFORMANCE_MONITORING}))
        self._rules = rules
        self._turns: dict[str, asyncio.Lock] = {}

    # ── planning ──

    async def plan(self, client: str, id: str, asked: FlightAsked, *, really: bool = True) -> Planned:
        """Create or change a flight; after a refusal it is as it was. Not `really`: only say what would come of it.

        NotNow (`utm_not_yours`) if it is another client's.
        """
        if asked.usage is Usage.CLOSED:
            ended = await self.end(client, id) if really else None
            return Planned(Outcome.COMPLETED, None) if ended is None else ended
        async with self._turn(id):
            self._held(await self.desk.ledger(), client, id)
            try:
                return await self._plan(client, id, asked, really)
            except Refused as error:
                outcome = Outcome.FAILED if isinstance(error, Untrue | Unasked) else Outcome.REJECTED
                held = self._held(await self.desk.ledger(), client, id)
                return Planned(outcome, None if held is None else held[1].state, error)

    async def end(self, client: str | None, id: str) -> Planned | None:
        """End a flight: its intent is removed from the DSS. None if there is no such flight.

        `client` None: whoever's it is. NotNow (`utm_not_yours`) if it is another client's.
        """
        async with self._turn(id):
            for _ in range(TRIES):
                ledger = await self.desk.ledger()
                if id not in ledger.flights:
                    return None
                self._held(ledger, client or ledger.flights[id].client, id)
                try:
                    await self._write(lambda ledger, now, nonce: self._ended(ledger, id, now))
                except Stale:
                    continue
                except Refused as error:
                    held = (await self.desk.ledger()).intents.get(id)
                    return Planned(Outcome.FAILED, None if held is None else held.state, error)
                return Planned(Outcome.COMPLETED, None)
            raise NotNow("the flight changes faster than it can be ended", code="busy")

    async def clear(self, volume: UtmVolume) -> list[str]:
        """End every flight of this node whose intent meets a volume, at the grain of the DSS; the ids of those left."""
        ledger = await self.desk.ledger()
        left = []
        for id in ledger.places[EntityKind.INTENT].meeting(extent_of((volume,))):
            ended = await self.end(None, id)
            if ended is not None and ended.outcome is not Outcome.COMPLETED:
                left.append(id)
        return left

    def flight(self, ledger: Ledger, id: str) -> tuple[UtmIntent, UtmFlight] | None:
        """One of this node's own intents with the details behind it."""
        intent, flight = ledger.intents.get(id), ledger.flights.get(id)
        return None if intent is None or flight is None or intent.manager != self.manager else (intent, flight)

    # ── hearing ──

    async def observe(self, intent: UtmIntent, volumes: Sequence[UtmVolume]) -> None:
        """Another intent is now known to be there: tell the operators of own flights that it meets (SCD0095)."""
        ledger = await self.desk.ledger()
        own = [
            Other(held, _all(flight), flight.priority)
            for name in present(ledger, EntityKind.INTENT, extent_of(volumes), self.desk.now())
            if name != intent.id and (found := self.flight(ledger, name)) is not None
            for held, flight in (found,)
        ]
        for each in meeting(volumes, own):
            flight = ledger.flights[each.intent.id]
            await self.notices.give(flight.client, flight.id, Why.OBSERVED, 1)

    # ── inside ──

    async def _plan(self, client: str, id: str, asked: FlightAsked, really: bool) -> Planned:
        for _ in range(TRIES):
            ledger = await self.desk.ledger()
            held = self._held(ledger, client, id)
            now = self.desk.now()
            state = state_of(asked, None if held is None else held[1].state, now)
            before = None if held is None else held[0]
            flight = flight_of(id, client, asked, state, before, id)
            weighed, key = Weighed(), frozenset[str]()
            if state in NOMINAL:
                others = await self._others(ledger, id, flight.volumes, now)
                flown = _all(before) if before and held and held[1].state is IntentState.ACTIVATED else ()
                weighed = weigh(flight.volumes, asked.priority, others, flown)
                if weighed.barring:
                    raise _conflicting(weighed.barring)
                key = frozenset(each.intent.ovn for each in others)
            advisories = len(weighed.under) + len(weighed.before) + len(_constraints(ledger, flight.volumes, now))
            if not really:
                return Planned(Outcome.COMPLETED, state, advisories=advisories)
            try:
                await self._put(flight, state, key, new=held is None)
            except (MissingKnowledge, Stale):
                continue
            await self._tell(client, id, weighed)
            return Planned(Outcome.COMPLETED, state, advisories=advisories)
        raise NotNow("the airspace changes faster than it can be planned in", code="busy")

    async def _others(self, ledger: Ledger, id: str, volumes: Sequence[UtmVolume], now: datetime) -> list[Other]:
        """All that the DSS says is in the way, with its details; but what a service that is down had only planned."""
        names = present(ledger, EntityKind.INTENT, extent_of(volumes), now)
        found = await asyncio.gather(*[self._other(ledger, ledger.intents[name]) for name in names if name != id])
        return [each for each in found if each is not None]

    async def _other(self, ledger: Ledger, intent: UtmIntent) -> Other | None:
        own = self.flight(ledger, intent.id)
        if own is not None:
            return Other(intent, _all(own[1]), own[1].priority)
        try:
            found = await self.book.intent(intent.id)
        except (Unasked, Untrue):
            if of_manager(ledger, intent.manager) is not Availability.DOWN:
                raise
            # F3548-21 SCD0005 and after: who is down and cannot be asked loses what it had only planned, and keeps
            # what is flown against everybody.
            return None if intent.state is IntentState.ACCEPTED else Other(intent, intent.volumes, None)
        if found is None:
            return None
        held, told = found
        return Other(held, (*told.volumes, *told.off_nominal), told.priority)

    async def _put(self, flight: UtmFlight, state: IntentState, key: frozenset[str], *, new: bool) -> None:
        """Write the intent and its details. One in use at once is accepted first, as the standard's diagram has it."""
        if new:
            await self._write(lambda ledger, now, nonce: self._created(ledger, flight, key, now, nonce))
            if state is IntentState.ACCEPTED:
                return
        await self._write(lambda ledger, now, nonce: self._updated(ledger, flight, state, key, now, nonce))

    async def _write(self, judge: Judge) -> Ruling:
        return await self.desk.write(self._asker, b"", judge)

    def _created(self, ledger: Ledger, flight: UtmFlight, key: frozenset[str], now: datetime, nonce: str) -> Ruling:
        asked = self._asked(flight, IntentState.ACCEPTED, key, None)
        ruling = intents.create(ledger, self._asker, flight.id, asked, now, nonce, self._rules)
        return _with_details(ruling, flight)

    def _updated(
        self, ledger: Ledger, flight: UtmFlight, state: IntentState, key: frozenset[str], now: datetime, nonce: str
    ) -> Ruling:
        held = ledger.intents.get(flight.id)
        if held is None:
            raise Stale("the intent is gone", field="entityid")
        asked = self._asked(flight, state, key, held.subscription)
        ruling = intents.update(ledger, self._asker, flight.id, held.ovn, asked, now, nonce, self._rules)
        return _with_details(ruling, flight)

    def _ended(self, ledger: Ledger, id: str, now: datetime) -> Ruling:
        flight, held = ledger.flights.get(id), ledger.intents.get(id)
        if flight is None:
            raise Stale("the flight is gone", field="entityid")
        gone = Gone(kind=EntityKind.FLIGHT, id=id)
        if held is None or held.manager != self.manager:
            return Ruling(did="endFlight", of=flight, gone=(gone,))
        ruling = intents.delete(ledger, self._asker, id, held.ovn, now)
        return Ruling(ruling.did, ruling.of, ruling.put, (*ruling.gone, gone), ruling.told)

    def _asked(
        self, flight: UtmFlight, state: IntentState, key: frozenset[str], subscription: str | None
    ) -> IntentAsked:
        return IntentAsked(
            volumes=_all(flight),
            state=state,
            uss_base_url=self.base_url,
            key=key,
            subscription=subscription,
            new_subscription=ImplicitAsked(self.base_url) if subscription is None else None,
        )

    async def _tell(self, client: str, id: str, weighed: Weighed) -> None:
        """Tell the operator what his plan meets (SCD0090), and those of own flights that it was planned over."""
        if weighed.under or weighed.before:
            await self.notices.give(client, id, Why.CAUSED, len(weighed.under) + len(weighed.before))
        ledger = await self.desk.ledger()
        for each in weighed.under:
            own = ledger.flights.get(each.intent.id)
            if own is not None:
                await self.notices.give(own.client, own.id, Why.OBSERVED, 1)

    def _held(self, ledger: Ledger, client: str, id: str) -> tuple[UtmFlight, UtmIntent] | None:
        flight = ledger.flights.get(id)
        if flight is not None and flight.client != client:
            raise NotYours("the flight is another client's", field="flight_plan_id")
        intent = ledger.intents.get(id)
        return None if flight is None or intent is None else (flight, intent)

    def _turn(self, id: str) -> asyncio.Lock:
        """One request for one flight at a time."""
        for name in [name for name, lock in self._turns.items() if not lock.locked()]:
            if name != id:
                del self._turns[name]
        return self._turns.setdefault(id, asyncio.Lock())


class NotYours(NotNow):
    """The flight is another client's."""

    code = "utm_not_yours"


def _with_details(ruling: Ruling, flight: UtmFlight) -> Ruling:
    """The ruling, with the details kept in the same change."""
    return Ruling(ruling.did, ruling.of, (*ruling.put, flight), ruling.gone, ruling.told)


def _all(flight: UtmFlight) -> tuple[UtmVolume, ...]:
    return (*flight.volumes, *flight.off_nominal_volumes)


def _constraints(ledger: Ledger, volumes: Sequence[UtmVolume], now: datetime) -> list[UtmConstraint]:
    """The constraints whose references the volumes meet."""
    names = present(ledger, EntityKind.CONSTRAINT, extent_of(volumes), now)
    found = sift(volumes, [ledger.constraints[name] for name in names]) if names else None
    return [] if found is None else [each for each in found.real if isinstance(each, UtmConstraint)]


def _conflicting(barring: Sequence[Other]) -> Conflicting:
    named = ", ".join(f"{each.intent.id} ({each.intent.manager})" for each in barring[:10])
    return Conflicting(f"the volumes meet {named}", field="area", count=len(barring), intents=named)

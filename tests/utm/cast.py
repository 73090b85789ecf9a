"""Two services, a constraint manager and a ledger with a hand-set clock.

Whatever is ruled here is first taken and undone, which must leave the ledger as it was, and only then taken for good.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

from keepclear.model.acts import UtmChange
from keepclear.model.utm import (
    Availability,
    Entity,
    EntityKind,
    IntentState,
    UtmCircle,
    UtmConstraint,
    UtmIntent,
    UtmPoint,
    UtmSubscription,
    UtmVolume,
)
from keepclear.utm import availability, constraints, intents, subscriptions
from keepclear.utm.asked import ConstraintAsked, ImplicitAsked, IntentAsked, Rules, SubscriptionAsked
from keepclear.utm.ledger import INDEXED, Ledger
from keepclear.utm.ruling import Asker, Ruling
from keepclear.utm.scopes import (
    AVAILABILITY_ARBITRATION,
    CONFORMANCE_MONITORING,
    CONSTRAINT_MANAGEMENT,
    CONSTRAINT_PROCESSING,
    STRATEGIC_COORDINATION,
)

T0 = datetime(2026, 3, 1, 12, tzinfo=UTC)
HOME = (34.55, 69.2)
FAR = (34.75, 69.2)
"""Some 22 km from `HOME`: no cell in common."""

ALFA = Asker("alfa", frozenset({STRATEGIC_COORDINATION}))
BRAVO = Asker("bravo", frozenset({STRATEGIC_COORDINATION}))
BRAVO_CP = Asker("bravo", frozenset({STRATEGIC_COORDINATION, CONSTRAINT_PROCESSING}))
ALFA_CM = Asker("alfa", frozenset({STRATEGIC_COORDINATION, CONFORMANCE_MONITORING}))
CIVIL = Asker("civil", frozenset({CONSTRAINT_MANAGEMENT}))
ARBITER = Asker("arbiter", frozenset({AVAILABILITY_ARBITRATION}))

STRICT = Rules()
URL = {name: f"https://{name}.example/utm" for name in ("alfa", "bravo", "civil")}


def uuid(number: int) -> str:
    """An id to speak of."""
    return f"00000000-0000-4000-8000-{number:012d}"


ONE, TWO, THREE = uuid(1), uuid(2), uuid(3)
SUB, OTHER_SUB = uuid(11), uuid(12)


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def volume(
    at: tuple[float, float] = HOME,
    radius_m: float = 300.0,
    heights: tuple[float | None, float | None] = (0.0, 120.0),
    times: tuple[float | None, float | None] = (0.0, 60.0),
) -> UtmVolume:
    """A circle about a place; times in minutes from `T0`."""
    starts, ends = (None if moment is None else T0 + minutes(moment) for moment in times)
    return UtmVolume(
        circle=UtmCircle(centre=UtmPoint(lat_deg=at[0], lng_deg=at[1]), radius_m=radius_m),
        lower_m=heights[0],
        upper_m=heights[1],
        starts_at=starts,
        ends_at=ends,
    )


def wanted(
    *volumes: UtmVolume,
    by: Asker = ALFA,
    state: IntentState = IntentState.ACCEPTED,
    key: Sequence[str] = (),
    subscription: str | None = None,
    implicit: bool = False,
    told_of_constraints: bool = False,
    **more: Any,
) -> IntentAsked:
    """What a service asks for an operational intent; over `HOME` unless volumes are given."""
    return IntentAsked(
        volumes=volumes or (volume(),),
        state=state,
        uss_base_url=URL[by.sub],
        key=frozenset(key),
        subscription=subscription,
        new_subscription=ImplicitAsked(URL[by.sub] + "/told", told_of_constraints) if implicit else None,
        **more,
    )


def closing(*volumes: UtmVolume) -> ConstraintAsked:
    return ConstraintAsked(volumes or (volume(),), URL["civil"])


def watching(
    where: UtmVolume | None = None, *, by: Asker = ALFA, intents: bool = True, constraints: bool = False
) -> SubscriptionAsked:
    return SubscriptionAsked(where or volume(), URL[by.sub] + "/subscribed", intents, constraints)


def state_of(ledger: Ledger) -> dict[str, Any]:
    """All that a ledger holds, to compare: registers, dependents, history, and what its indexes answer."""
    places: dict[str, Any] = {}
    for kind in INDEXED:
        index = ledger.places[kind]
        extents = {name: index.extents[name] for name in sorted(index.extents)}
        places[kind.value] = {name: (extent, index.meeting(extent)) for name, extent in extents.items()}
    return {
        "number": ledger.number,
        "intents": dict(ledger.intents),
        "constraints": dict(ledger.constraints),
        "subscriptions": dict(ledger.subscriptions),
        "availability": dict(ledger.availability),
        "areas": dict(ledger.areas),
        "rid_subscriptions": dict(ledger.rid_subscriptions),
        "dependents": {name: sorted(hanging) for name, hanging in ledger.dependents.items()},
        "history": {name: list(acts) for name, acts in ledger.history.items() if acts},
        "places": places,
    }


class Desk:
    """A ledger, a clock, and nonces that count up."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.now = T0
        self.changes: list[UtmChange] = []
        self._nonces = 0

    def nonce(self) -> str:
        self._nonces += 1
        return f"{self._nonces:032x}"

    def pass_minutes(self, count: float) -> None:
        self.now += minutes(count)

    def take(self, ruling: Ruling) -> Ruling:
        """Take a ruling, once to undo it and once to keep it."""
        change = UtmChange(
            number=self.ledger.number + 1,
            by="whoever",
            did=ruling.did,
            put=ruling.put,
            gone=ruling.gone,
            told=ruling.told,
        )
        before = state_of(self.ledger)
        self.ledger.take(change, f"{change.number:064x}", ahead=True)
        self.ledger.undo(change.number)
        assert state_of(self.ledger) == before
        self.ledger.take(change, f"{change.number:064x}")
        self.changes.append(change)
        return ruling

    # ── intents ──

    def plan(self, asker: Asker, id: str, asked: IntentAsked) -> UtmIntent:
        return _intent(self.planned(asker, id, asked).of)

    def planned(self, asker: Asker, id: str, asked: IntentAsked) -> Ruling:
        """The ruling: created if the id is free, else updated with its current OVN."""
        held = self.ledger.intents.get(id)
        if held is None:
            ruling = intents.create(self.ledger, asker, id, asked, self.now, self.nonce(), STRICT)
        else:
            ruling = intents.update(self.ledger, asker, id, held.ovn, asked, self.now, self.nonce(), STRICT)
        return self.take(ruling)

    def end(self, asker: Asker, id: str) -> Ruling:
        return self.take(intents.delete(self.ledger, asker, id, self.ledger.intents[id].ovn, self.now))

    # ── constraints ──

    def close(self, id: str, asked: ConstraintAsked) -> Ruling:
        held = self.ledger.constraints.get(id)
        if held is None:
            ruling = constraints.create(self.ledger, CIVIL, id, asked, self.now, self.nonce(), STRICT)
        else:
            ruling = constraints.update(self.ledger, CIVIL, id, held.ovn, asked, self.now, self.nonce(), STRICT)
        return self.take(ruling)

    def open(self, id: str) -> Ruling:
        return self.take(constraints.delete(self.ledger, CIVIL, id, self.ledger.constraints[id].ovn, self.now))

    def constraint(self, id: str) -> UtmConstraint:
        return self.ledger.constraints[id]

    # ── subscriptions and availability ──

    def subscribe(self, asker: Asker, id: str, asked: SubscriptionAsked) -> UtmSubscription:
        ruling = subscriptions.create(self.ledger, asker, id, asked, self.now, self.nonce(), STRICT)
        return _subscription(self.take(ruling).of)

    def resubscribe(self, asker: Asker, id: str, asked: SubscriptionAsked) -> UtmSubscription:
        version = self.ledger.subscriptions[id].version
        ruling = subscriptions.update(self.ledger, asker, id, version, asked, self.now, self.nonce(), STRICT)
        return _subscription(self.take(ruling).of)

    def unsubscribe(self, asker: Asker, id: str) -> Ruling:
        version = self.ledger.subscriptions[id].version
        return self.take(subscriptions.delete(self.ledger, asker, id, version, self.now))

    def say(self, uss: str, state: Availability) -> Ruling:
        version = availability.get(self.ledger, uss).version
        return self.take(availability.set(self.ledger, ARBITER, uss, state, version, self.now, self.nonce()))


def indices(ruling: Ruling) -> dict[str, int]:
    """Who is told by a ruling, and under what number."""
    assert len({told.subscription for told in ruling.told}) == len(ruling.told)
    return {told.subscription: told.index for told in ruling.told}


def gone(ruling: Ruling) -> set[tuple[EntityKind, str]]:
    return {(each.kind, each.id) for each in ruling.gone}


def at(where: UtmVolume, **changes: Any) -> UtmVolume:
    """The volume with times given in full."""
    return UtmVolume(**{name: getattr(where, name) for name in where.__struct_fields__} | changes)


def without(rules: Rules, **changes: Any) -> Rules:
    return replace(rules, **changes)


def _intent(entity: Entity) -> UtmIntent:
    assert isinstance(entity, UtmIntent)
    return entity


def _subscription(entity: Entity) -> UtmSubscription:
    assert isinstance(entity, UtmSubscription)
    return entity

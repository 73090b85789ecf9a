"""UTM services for tests of the line: their ledger at the coalition's node, which stands for them on a line."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from keepclear.line.decide import decide
from keepclear.line.message import Message
from keepclear.line.utm_plans import Owed, Terms, owed
from keepclear.model import acts as a
from keepclear.model.places import LatLon
from keepclear.model.utm import (
    EntityKind,
    Gone,
    IntentState,
    Told,
    UtmCircle,
    UtmConstraint,
    UtmIntent,
    UtmPoint,
    UtmSubscription,
    UtmVolume,
    Way,
)
from keepclear.model.volumes import Circle
from tests.line.cast import AVOIDANCE, STALL, World, at, name

ID = "00000000-0000-4000-8000-000000000001"
INTENT = f"intent.{ID}"
AWAY = (STALL[0] + 0.6, STALL[1])
"""67 km north: outside of the requested volume, within the area of the line."""
ELSEWHERE = (STALL[0] + 5.0, STALL[1])
TERMS = Terms(
    line=AVOIDANCE,
    party="coalition",
    area=Circle(centre=LatLon(lat_deg=STALL[0], lon_deg=STALL[1]), radius_m=150_000.0),
    place=name("Sukhna"),
    ahead=timedelta(hours=24),
    manager="own",
)


def circle(
    where: tuple[float, float] = STALL,
    radius_m: float = 300.0,
    minutes: tuple[float, float] = (30, 200),
    heights: tuple[float | None, float | None] = (0.0, 120.0),
) -> UtmVolume:
    return UtmVolume(
        circle=UtmCircle(centre=UtmPoint(lat_deg=where[0], lng_deg=where[1]), radius_m=radius_m),
        lower_m=heights[0],
        upper_m=heights[1],
        starts_at=at(minutes[0]),
        ends_at=at(minutes[1]),
    )


class Services:
    """What services do in the ledger, and what the bridge owes for it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.node = world["coalition"]

    def change(self, *put: UtmIntent | UtmConstraint | UtmSubscription, gone: Sequence[Gone] = ()) -> Message:
        number = self.node.state.utm.number + 1
        act = a.UtmChange(number=number, by="alfa", did="put", put=put, gone=tuple(gone))
        return self.node.say("coalition.node", act, self.node.state.own_line, role="node")

    def intent(
        self, *volumes: UtmVolume, id: str = ID, state: IntentState = IntentState.ACCEPTED, manager: str = "alfa"
    ) -> Message:
        held = self.node.state.utm.intents.get(id)
        return self.change(
            UtmIntent(
                id=id,
                manager=manager,
                state=state,
                uss_base_url="https://alfa.example",
                version=1 if held is None else held.version + 1,
                ovn="o" * 16,
                volumes=volumes or (circle(),),
            )
        )

    def constraint(self, *volumes: UtmVolume, id: str = ID, manager: str = "civil") -> Message:
        return self.change(
            UtmConstraint(
                id=id,
                manager=manager,
                uss_base_url="https://civil.example",
                version=1,
                ovn="o" * 16,
                volumes=volumes or (circle(),),
            )
        )

    def end(self, id: str = ID, kind: EntityKind = EntityKind.INTENT) -> Message:
        return self.change(gone=(Gone(kind=kind, id=id),))

    def told(self, entity: str, subscription: str, outcome: str = "204") -> Message:
        """A message about an entity went to a subscription."""
        act = a.UtmExchange(
            way=Way.SENT,
            peer="alfa.example",
            did="notifyConstraintDetailsChanged",
            at=self.node.now,
            outcome=outcome,
            entity=entity,
            change=1,
            told=(Told(subscription=subscription, index=1, url="https://alfa.example"),),
        )
        return self.node.say("coalition.node", act, self.node.state.own_line, role="node")

    def owed(
        self,
        plan: str = INTENT,
        details: Sequence[UtmVolume] | None = None,
        *,
        requested: bool = False,
        terms: Terms = TERMS,
    ) -> Owed:
        return owed(self.node.state, terms, plan, details, self.node.now, requested=requested)

    def say(self, plan: str = INTENT, details: Sequence[UtmVolume] | None = None, *, requested: bool = False) -> a.Act:
        """Say what is owed, and bring it to everybody; afterwards nothing is owed of it."""
        said = self.owed(plan, details, requested=requested).said
        assert said is not None
        message = self.node.draft("coalition", said.act, role=said.role)
        message = Message(
            id=message.id,
            line=message.line,
            author=message.author,
            seq=message.seq,
            prev=message.prev,
            said_at=message.said_at,
            said=said,
        )
        decide(self.node.state, message, self.node.now, own=True)
        self.node.keep(message)
        self.world.settle()
        assert self.owed(plan, details, requested=requested).said is None
        return said.act

    def pass_to(self, now: datetime) -> None:
        self.world.set(now)
        self.world.settle()

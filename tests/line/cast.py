"""A named cast for tests of the line: three nodes, four parties, hand-set clocks. Nothing is signed here.

`World` gives each node its own state. What a party says is decided and kept at its node, and travels only when told to:
`deliver` brings what a node has not heard yet, in each author's order.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from keepclear.geometry.grids import to_mgrs
from keepclear.line.apply import apply
from keepclear.line.decide import decide
from keepclear.line.duties import duties
from keepclear.line.message import Message, kept
from keepclear.line.state import State
from keepclear.model import acts as a
from keepclear.model.base import Name, Words
from keepclear.model.basis import DECLARED, Basis
from keepclear.model.findings import Finding, FindingKind
from keepclear.model.groups import AssetKind, Group, Member
from keepclear.model.parties import Desk, EscalationStep, LineCard, NodeCard, PartyCard, Watch
from keepclear.model.places import LatLon, PlaceNames
from keepclear.model.plans import Plan, PlanKind, Trajectory, Waypoint
from keepclear.model.times import Window
from keepclear.model.tracks import Fix, SensorClass, Track
from keepclear.model.volumes import AltitudeBand, Circle, Volume

T = datetime(2017, 9, 8, 5, 0, tzinfo=UTC)
HOME = {
    "coalition": "coalition.node",
    "russia": "russia.node",
    "convoy": "desk.node",
    "ground": "desk.node",
}
NODES = ("coalition.node", "russia.node", "desk.node")
AVOIDANCE, DESK = "avoidance", "desk"
STALL = (34.75, 39.40)


def name(text: str) -> Name:
    return Name(en=text, ar="اسم")


def words(text: str = "words") -> Words:
    return Words(text=text, lang="en")


def at(minutes: float) -> datetime:
    return T + timedelta(minutes=minutes)


def key(author: str) -> str:
    return f"{author}+{hashlib.sha256(author.encode()).hexdigest()[:8]}+" + "A" * 44


def card(node: str) -> NodeCard:
    parties = tuple(PartyCard(id=p, name=name(p), key=key(p)) for p, home in HOME.items() if home == node)
    return NodeCard(id=node, key=key(node), address="http://127.0.0.1:8001", parties=parties)


LINES = (
    LineCard(id=AVOIDANCE, name=name("line"), members=("coalition", "russia"), check_every_s=3600, answer_within_s=300),
    LineCard(
        id=DESK,
        name=name("desk"),
        members=("coalition", "russia", "convoy", "ground"),
        check_every_s=86400,
        answer_within_s=3600,
    ),
)


class Node:
    """One node: its state, its clock, and what its hosted authors said last on each line."""

    def __init__(self, node_id: str) -> None:
        self.state = State(node_id)
        self.now = T
        self.chains: dict[tuple[str, str], list[Message]] = {}

    def say(
        self,
        author: str,
        act: a.Act,
        line: str = AVOIDANCE,
        *,
        role: str = "duty officer",
        exercise: bool = False,
        said_at: datetime | None = None,
        own: bool = True,
    ) -> Message:
        """Decide and keep an act of a hosted author. With `own` False its node does not hold it to the rules."""
        message = self.draft(author, act, line, role=role, exercise=exercise, said_at=said_at)
        decide(self.state, message, self.now, own=own)
        return self.keep(message)

    def draft(
        self,
        author: str,
        act: a.Act,
        line: str = AVOIDANCE,
        *,
        role: str = "duty officer",
        exercise: bool = False,
        said_at: datetime | None = None,
    ) -> Message:
        chain = self.state.chain(line, author)
        said = a.Said(role=role, act=act, exercise=exercise)
        when = said_at or self.now
        text = f"{line} {author} {chain.seq + 1} {chain.last} {when} {said}"
        return Message(
            id=hashlib.sha256(text.encode()).hexdigest(),
            line=line,
            author=author,
            seq=chain.seq + 1,
            prev=chain.last,
            said_at=when,
            said=said,
        )

    def keep(self, message: Message) -> Message:
        held = kept(message, len(self.state.log), self.now)
        apply(self.state, held)
        return held

    def hear(self, message: Message) -> Message:
        bare = kept(message, -1, message.said_at)
        decide(self.state, bare, self.now, own=False)
        return self.keep(bare)

    def do_duties(self) -> list[a.Act]:
        """Do what the node owes until nothing is owed; what it said."""
        said: list[a.Act] = []
        for _ in range(20):
            drafts = duties(self.state, self.now)
            if not drafts:
                return said
            for draft in drafts:
                self.say(draft.author, draft.act, draft.line, role=draft.role, exercise=draft.exercise)
                said.append(draft.act)
        raise AssertionError(f"duties do not come to an end: {drafts}")

    def findings(self, kind: FindingKind) -> list[Finding]:
        found = (self.state.finding(key) for key in self.state.findings)
        return [each for each in found if each is not None and each.kind is kind]


class World:
    """The three nodes, enrolled with one another, with both lines open."""

    def __init__(self) -> None:
        self.nodes = {node: Node(node) for node in NODES}
        for node_id, node in self.nodes.items():
            own = node.state.own_line
            for other in (node_id, *(each for each in NODES if each != node_id)):
                node.say(node_id, a.Enrol(node=card(other)), own, role="node")
            for line in LINES:
                if any(HOME[member] == node_id for member in line.members):
                    node.say(node_id, a.OpenLine(line=line), own, role="node")

    def __getitem__(self, who: str) -> Node:
        return self.nodes[HOME.get(who, who)]

    def say(self, author: str, act: a.Act, line: str = AVOIDANCE, **options: object) -> Message:
        """Say it at the author's own node; nobody else has heard it yet."""
        return self[author].say(author, act, line, **options)  # type: ignore[arg-type]

    def tell(self, author: str, act: a.Act, line: str = AVOIDANCE, **options: object) -> Message:
        """Say it, and bring it to everybody on the line."""
        message = self.say(author, act, line, **options)
        self.deliver()
        return message

    def set(self, now: datetime) -> None:
        for node in self.nodes.values():
            node.now = now

    def deliver(self) -> int:
        """Every node hears what it has not heard yet; how much that was."""
        heard = 0
        for sender in self.nodes.values():
            for message in sender.state.log:
                if message.line == sender.state.own_line or not sender.state.is_hosted(message.author):
                    continue
                for receiver in sender.state.peers(message.line):
                    node = self.nodes[receiver]
                    if node.state.chain(message.line, message.author).seq < message.seq:
                        node.hear(message)
                        heard += 1
        return heard

    def settle(self) -> None:
        """Duties and deliveries until nothing is owed and nothing is on the way."""
        for _ in range(10):
            said = [act for node in self.nodes.values() for act in node.do_duties()]
            if not self.deliver() and not said:
                return
        raise AssertionError("the world does not settle")

    def pass_time(self, to: datetime, step: timedelta = timedelta(minutes=10)) -> None:
        """Let time pass on all nodes, doing duties on the way."""
        moment = self["coalition"].now
        while moment < to:
            moment = min(moment + step, to)
            self.set(moment)
            self.settle()


# ── values ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def names(lat: float = STALL[0], lon: float = STALL[1]) -> PlaceNames:
    return PlaceNames(grid=to_mgrs(lat, lon), nearest=name("Sukhna"), bearing_deg=110.0, distance_m=51_000.0)


def window(start: float = 60, end: float = 240) -> Window:
    return Window(starts_at=at(start), ends_at=at(end))


BAND = AltitudeBand(lower_wgs84_m=0.0, upper_wgs84_m=9000.0)


def way(
    *points: tuple[float, float, float], buffer_m: float = 500.0, late_s: float = 0.0, alt: float | None = None
) -> Trajectory:
    """A trajectory through (minute, lat, lon)."""
    waypoints = tuple(Waypoint(at=at(m), lat_deg=lat, lon_deg=lon, alt_wgs84_m=alt) for m, lat, lon in points)
    return Trajectory(waypoints=waypoints, buffer_m=buffer_m, late_s=late_s)


def movement(plan_id: str = "advance", *, east: float = 0.0, group: str | None = None) -> Plan:
    """A ground movement through the stall area from minute 60 to 240."""
    return Plan(
        id=plan_id,
        kind=PlanKind.GROUND_MOVEMENT,
        name=name("advance"),
        window=window(),
        band=BAND,
        trajectory=way((60, STALL[0], STALL[1] - 0.5 + east), (240, STALL[0], STALL[1] + 0.5 + east)),
        names=(names(STALL[0], STALL[1] - 0.5 + east), names(STALL[0], STALL[1] + 0.5 + east)),
        group=group,
    )


def notice(
    to: tuple[str, ...] = ("coalition",), urgency: a.Urgency = a.Urgency.ROUTINE, plan: Plan | None = None
) -> a.Notice:
    return a.Notice(to=to, plan=plan or movement(), urgency=urgency)


def read_back(re: str, plan: Plan | None = None, **changes: object) -> a.ReadBack:
    plan = plan or movement()
    fields: dict[str, object] = {"grid": plan.names[0].grid, "window": plan.window, "band": plan.band}
    return a.ReadBack(re=re, **(fields | changes))  # type: ignore[arg-type]


VOLUME = Volume(
    area=Circle(centre=LatLon(lat_deg=STALL[0], lon_deg=STALL[1]), radius_m=20_000.0), band=BAND, window=window(60, 240)
)


def clear_request(
    to: tuple[str, ...] = ("coalition",), answer_by: float = 30, plan: str | None = None
) -> a.ClearRequest:
    return a.ClearRequest(
        to=to, volume=VOLUME, names=(names(),), why=words("forces will pass"), answer_by=at(answer_by), plan=plan
    )


def drone(asset: str, *fixes: tuple[float, float, float], basis: Basis = DECLARED, alt: float | None = 5000.0) -> Track:
    """A drone's own positions: (minute, lat, lon)."""
    return track(asset, AssetKind.DRONE, *fixes, basis=basis, alt=alt)


def track(
    asset: str,
    kind: AssetKind,
    *fixes: tuple[float, float, float],
    basis: Basis = DECLARED,
    alt: float | None = None,
    uncertainty_m: float = 50.0,
    sensor: SensorClass = SensorClass.TRACKER,
) -> Track:
    return Track(
        asset=asset,
        kind=kind,
        sensor=sensor,
        fixes=tuple(
            Fix(at=at(m), lat_deg=lat, lon_deg=lon, uncertainty_m=uncertainty_m, alt_wgs84_m=alt)
            for m, lat, lon in fixes
        ),
        basis=basis,
    )


def buses(count: int = 3) -> tuple[Member, ...]:
    return tuple(Member(asset=f"bus-{n}", kind=AssetKind.BUS) for n in range(1, count + 1))


def group(group_id: str = "buses", count: int = 3, plan: str | None = None, split_from: str | None = None) -> Group:
    return Group(id=group_id, name=name(group_id), members=buses(count), plan=plan, split_from=split_from)


def desk(*ladder: tuple[str, float], on_watch: tuple[str, ...] = ("duty officer",)) -> a.Roster:
    day = Window(starts_at=at(-600), ends_at=at(6000))
    return a.Roster(
        desk=Desk(
            id="night",
            name=name("night desk"),
            watches=tuple(Watch(role=role, window=day) for role in on_watch),
            escalation=tuple(EscalationStep(role=role, after_s=seconds) for role, seconds in ladder),
        )
    )

"""The state of a node: what follows from the acts it holds, folded in the order of its record.

`State` holds registers only; `keepclear.line.apply` is the one place that changes them, and everything that has a
meaning (is the notice received? who holds responsibility?) is computed from the registers by the file that bears its
name. Registers keep facts apart by author, whose own acts have one order (their chain); no register depends on which
author was heard first. So two nodes that hold the same acts come to the same threads.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, TypeVar

from keepclear.conflict.airspace import Airspace
from keepclear.conflict.breaches import Breach
from keepclear.line.agenda import Agenda
from keepclear.line.message import Message
from keepclear.model import acts as a
from keepclear.model.base import Name
from keepclear.model.findings import Finding
from keepclear.model.groups import Group
from keepclear.model.parties import LineCard, NodeCard, PartyCard
from keepclear.model.places import Place
from keepclear.model.plans import Plan
from keepclear.record.envelope import NO_PREVIOUS
from keepclear.utm.ledger import Ledger as UtmLedger
from keepclear.utm.owing import Owing
from keepclear.watch.coverage import Ledger
from keepclear.watch.history import History

A = TypeVar("A")

THREAD_KINDS: dict[type, str] = {
    a.Notice: "notice",
    a.ClearRequest: "clear_request",
    a.Proposal: "proposal",
    a.DangerCall: "danger_call",
    a.Agreement: "agreement",
    a.ResponsibilityOffer: "responsibility",
    a.ResponsibilityAssertion: "responsibility",
    a.PublishStatement: "statement",
    a.LegBlocked: "leg_blocked",
    a.Suspend: "line",
}
"""The acts that open a thread, and its kind."""

OWN_LINE_NAME = Name(en="Own log", ar="السجل الخاص")


def own_line(node_id: str) -> str:
    """The line a node keeps for itself and its hosted parties; it is never sent anywhere."""
    return f"own.{node_id}"


class Chain:
    """What one author has said on one line: act ids by sequence number, the first at 1."""

    __slots__ = ("ids",)

    def __init__(self) -> None:
        self.ids: list[str] = []

    @property
    def seq(self) -> int:
        """How many acts, and the number of the last."""
        return len(self.ids)

    @property
    def last(self) -> str:
        """The id of the last act; 64 zeros before the first."""
        return self.ids[-1] if self.ids else NO_PREVIOUS


class Check:
    """A line check, and the first answer to it from each node."""

    __slots__ = ("answers", "message")

    def __init__(self, message: Message) -> None:
        self.message = message
        self.answers: dict[str, Message] = {}


class Line:
    """One line: its terms, its checks by act id in the order heard, who suspended it, whom it heard when."""

    __slots__ = ("card", "checks", "heard", "last_check", "opened_at", "suspensions")

    def __init__(self, card: LineCard, opened_at: datetime | None) -> None:
        self.card = card
        self.opened_at = opened_at
        self.checks: dict[str, Check] = {}
        self.last_check: dict[str, Check] = {}
        """By author: its last check, as this node heard them."""
        self.suspensions: dict[str, list[str]] = {}
        """By author: the threads its suspensions opened; a later one replaces an earlier one."""
        self.heard: dict[str, datetime] = {}
        """By author: when this node last recorded an act of it."""


class Thread:
    """The act that opened a matter and all acts that refer to it, in the order heard (the opener first)."""

    __slots__ = ("acts", "id", "kind", "opener")

    def __init__(self, kind: str, opener: Message) -> None:
        self.id = opener.id
        self.kind = kind
        self.opener = opener
        self.acts: list[Message] = [opener]

    @property
    def line(self) -> str:
        """The line it runs on."""
        return self.opener.line

    @property
    def author(self) -> str:
        """Who opened it."""
        return self.opener.author

    @property
    def exercise(self) -> bool:
        """Whether the whole of it is an exercise."""
        return self.opener.exercise

    @property
    def to(self) -> tuple[str, ...]:
        """The parties it is addressed to; empty for what is said to everybody on the line."""
        act = self.opener.act
        if isinstance(act, a.ResponsibilityOffer):
            return (act.to,)
        return act.to if isinstance(act, a.Notice | a.ClearRequest | a.Proposal | a.DangerCall) else ()

    def of(self, kind: type[A]) -> list[tuple[Message, A]]:
        """The acts of one kind in the order every node finds alike (`Message.order`), with their messages."""
        found: list[tuple[Message, A]] = []
        for message in self.acts:
            act = message.act
            if isinstance(act, kind):
                found.append((message, act))
        found.sort(key=lambda pair: pair[0].order)
        return found


class HeldPlan(NamedTuple):
    """The act that carries a plan, the plan, and from when to when it is anywhere, with the slack it allows itself."""

    message: Message
    plan: Plan
    begins_at: datetime
    over_at: datetime


GroupKey = tuple[str, str]
"""A group: the party that declares it, and its id."""


class Declared(NamedTuple):
    """One declaration of a group: the group, the act, and its place among its declarer's."""

    group: Group
    message: Message
    order: tuple[datetime, str, int]


class State:
    """All registers of one node, or, with `party`, of one hosted party: only what that party could know."""

    def __init__(self, node_id: str, party: str | None = None) -> None:
        self.node_id = node_id
        self.party = party
        # who is here
        self.nodes: dict[str, NodeCard] = {}
        self.parties: dict[str, PartyCard] = {}
        self.home: dict[str, str] = {}
        """By party or node id: the node that speaks for it."""
        own = own_line(node_id)
        self.lines: dict[str, Line] = {own: Line(LineCard(id=own, name=OWN_LINE_NAME, members=(node_id,)), None)}
        self.rosters: dict[tuple[str, str], dict[str, list[Message]]] = {}
        """By (line, party), then by desk id: its Rosters, in the party's order."""
        self.places: dict[str, dict[str, Place]] = {}
        """By place id, then by author."""
        # what was said
        self.log: list[Message] = []
        """Every act in record order; `log[i].index == i` on a whole record, not on a party's share of it."""
        self.acts: dict[str, Message] = {}
        self.drafts: dict[tuple[str, str], str] = {}
        """By (author, draft): the first act recorded under it. Only the author's own node asks."""
        self.chains: dict[tuple[str, str], Chain] = {}
        """By (line, author)."""
        self.threads: dict[str, Thread] = {}
        self.thread_of: dict[str, str] = {}
        """By act id: the thread the act belongs to."""
        self.unresolved: dict[str, list[Message]] = {}
        """By the id of an act not yet heard, or not yet filed itself: the acts that refer to it."""
        # matters that are looked up by what they are about
        self.plan_threads: dict[str, list[str]] = {}
        """By plan id: the threads of notices that carry it."""
        self.plans: dict[str, HeldPlan] = {}
        """By thread of a real notice that is not cancelled: the plan it now carries."""
        self.air = Airspace()
        """The same plans, by their threads, as the engine of conflicts has them."""
        self.requests: list[str] = []
        """The threads of clear-airspace requests."""
        self.calls: dict[str, None] = {}
        """The threads of danger calls that may be open still."""
        self.groups: dict[GroupKey, list[Declared]] = {}
        """By declarer and id: its declarations, the last of which holds; see `keepclear.line.groups`."""
        self.groups_named: dict[str, dict[GroupKey, None]] = {}
        """By group id: the groups of all parties under it."""
        self.groups_with: dict[str, dict[GroupKey, None]] = {}
        """By asset: the groups that have it as a member."""
        self.parts: dict[GroupKey, dict[GroupKey, None]] = {}
        """By group: those that its declarer says split from it."""
        self.followers: dict[str, dict[GroupKey, None]] = {}
        """By plan id: the groups that follow it, or did."""
        self.declared_ids: dict[tuple[str, str], set[str]] = {}
        """By (line, author): the ids of the groups declared there."""
        self.waiting_acts: dict[str, list[Message]] = {}
        """By group id: acts that say it waits."""
        self.blocked_legs: dict[str, list[str]] = {}
        """By plan id: the threads of acts that say a leg of it is blocked."""
        self.responsibility: dict[str, list[str]] = {}
        """By group id: the threads of offers and assertions."""
        self.proposals: dict[str, list[str]] = {}
        """By topic: the threads of proposals."""
        self.statements: list[str] = []
        """The threads of filed statements."""
        # what is seen
        self.histories: dict[str, dict[str, History]] = {}
        """By asset, then by author: what it reported; see `keepclear.line.reports`."""
        self.aircraft: dict[str, set[str]] = {}
        """By party: the aircraft that are its own (see `keepclear.line.clearing`)."""
        self.boundaries: dict[str, dict[str, Message]] = {}
        """By boundary id, then by author: the last version."""
        self.ledger = Ledger()
        self.utm = UtmLedger()
        """What UTM services hold here; see `keepclear.utm`."""
        self.owing = Owing()
        """Who is still owed word of what changed there."""
        self.utm_messages: dict[str, list[str]] = {}
        """By entity id: the acts that tell of messages about it, in the order of the record."""
        self.attachments: dict[str, dict[int, str]] = {}
        """By SHA-256: the parts of attachments no act has named yet, by number."""
        self.findings: dict[str, Message] = {}
        """By key: the node's own last finding."""
        self.clock_ahead: dict[str, Message] = {}
        """By author: its last act that was dated later than this node's clock, if the last act was."""
        self.agenda = Agenda()
        self.conflicts: dict[str, tuple[str | None, dict[str, tuple[Breach, ...]]]] = {}
        """A note, like the agenda: by thread of a notice, the version held against all others, and what was found."""
        self.shares: dict[str, State] = {}
        """By hosted party: what of all this it may know; see `keepclear.line.disclosure`."""
        self.taken_in = 0
        """Of a share: how much of the whole log has been gone through for it."""

    # ── who ──

    @property
    def own_line(self) -> str:
        """The id of this node's own line."""
        return own_line(self.node_id)

    @property
    def size(self) -> int:
        """How many entries of the record are in this state."""
        return self.log[-1].index + 1 if self.log else 0

    def key_of(self, author: str) -> str | None:
        """The verifier key text of an enrolled party or node; None if it is not enrolled."""
        card = self.parties.get(author) or self.nodes.get(author)
        return None if card is None else card.key

    def hosted(self) -> tuple[str, ...]:
        """The parties this node speaks for."""
        card = self.nodes.get(self.node_id)
        return () if card is None else tuple(party.id for party in card.parties)

    def is_hosted(self, author: str) -> bool:
        """Whether this node speaks for a party (or is itself the author)."""
        return author == self.node_id or self.home.get(author) == self.node_id

    def members(self, line: str) -> tuple[str, ...]:
        """The member parties of a line; of the own line, all hosted parties."""
        return self.hosted() if line == self.own_line else self.lines[line].card.members

    def member_nodes(self, line: str) -> tuple[str, ...]:
        """The nodes that speak for the members of a line, in the members' order."""
        return tuple(dict.fromkeys(self.home[party] for party in self.members(line) if party in self.home))

    def peers(self, line: str) -> tuple[str, ...]:
        """The other nodes on a line: everything said on it goes to them."""
        return tuple(node for node in self.member_nodes(line) if node != self.node_id)

    def may_speak(self, line: str, author: str) -> bool:
        """Whether an author is a member of a line, or the node of one."""
        if line == self.own_line:
            return self.is_hosted(author)
        return author in self.lines[line].card.members or author in self.member_nodes(line)

    def chain(self, line: str, author: str) -> Chain:
        """What an author has said on a line so far; empty if nothing."""
        return self.chains.get((line, author)) or Chain()

    # ── what ──

    def thread_for(self, act_id: str) -> Thread | None:
        """The thread an act belongs to."""
        thread_id = self.thread_of.get(act_id)
        return None if thread_id is None else self.threads[thread_id]

    def finding(self, key: str) -> Finding | None:
        """The node's last finding on a matter."""
        message = self.findings.get(key)
        return message.act.finding if message is not None and isinstance(message.act, a.Noticed) else None

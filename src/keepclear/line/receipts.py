"""How far a notice or request has come on its way to the crew (B1).

The way: queued, delivered, opened, read back (received), acknowledged, passed to a named echelon, crew briefed, crew
acknowledged. Hops may be said in any order or left out; what is said is shown. Proven is what was said of the version
in force, and delivery and opening by anything the party itself said of it. The missing hop is the first not proven.

Where several crews are briefed, crew acknowledged is proven when each crew briefed has acknowledged: one crew's word
says nothing of another.

A correction makes a new version: the whole way begins again, for a crew briefed on the old plan is not briefed on the
new one. An act speaks of the version whose act it names by `re`, and of the first if it names the thread or another act
of it: no time that anybody writes moves a word from one version to another.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from keepclear.line.message import Message
from keepclear.line.procedure import objection
from keepclear.line.read_back import differences
from keepclear.line.state import State, Thread
from keepclear.line.timings import HOP_LIMITS_S, STEPS
from keepclear.line.views import Difference, HopView
from keepclear.model import acts as a
from keepclear.model.plans import Plan

REACHED = {
    "delivered": "delivered",
    "opened": "opened",
    "read_back": "received",
    "acknowledged": "acknowledged",
    "passed": "passed",
    "crew_briefed": "crew_briefed",
    "crew_acknowledged": "crew_acknowledged",
}
"""The recipient's state after each step."""


class Way(NamedTuple):
    """How far one recipient has come. `proven`: the earliest proof of each step, for the version in force."""

    state: str
    received: bool
    received_at: datetime | None
    proven: dict[str, datetime]
    missing: str | None
    missing_since: datetime | None
    hops: tuple[HopView, ...]
    differences: tuple[Difference, ...]


def versions(state: State, thread: Thread) -> list[Message]:
    """The opener and every correction that took effect, in their author's order."""
    corrections = [message for message, _ in thread.of(a.Correction) if objection(state, message) is None]
    return [thread.opener, *sorted(corrections, key=lambda message: message.seq)]


def in_force(state: State, thread: Thread) -> Message:
    """The act that carries what now holds: the last correction, or the opener."""
    return versions(state, thread)[-1]


def plan_of(message: Message) -> Plan | None:
    """The plan a notice or correction carries."""
    return message.act.plan if isinstance(message.act, a.Notice | a.Correction) else None


def spoken_of(known: list[Message], message: Message) -> Message:
    """Which of the versions an act speaks of: the one it names, else the first."""
    re = getattr(message.act, "re", None)
    return next((version for version in known if version.id == re), known[0])


def way(state: State, thread: Thread, party: str) -> Way:
    """How far a notice or request has come with one addressed party."""
    known = versions(state, thread)
    current = known[-1]
    plan = plan_of(current)
    proven: dict[str, datetime] = {}
    hops: list[HopView] = []
    last: tuple[Message, a.ReadBack] | None = None
    briefed: dict[str | None, datetime] = {}
    answered: dict[str | None, datetime] = {}

    def prove(step: str, at: datetime) -> None:
        proven[step] = min(at, proven.get(step, at))

    for message in sorted(thread.acts[1:], key=lambda each: each.order):
        act = message.act
        by_node = isinstance(act, a.Receipt) and message.author == state.home.get(party)
        if (message.author != party and not by_node) or objection(state, message) is not None:
            continue
        version = spoken_of(known, message)
        current_version = version is current
        if isinstance(act, a.Receipt):
            hops.append(_hop(message, act, version.id))
            if current_version and act.hop is a.Hop.CREW_BRIEFED:
                briefed.setdefault(act.crew, message.at)
            elif current_version and act.hop is a.Hop.CREW_ACKNOWLEDGED:
                answered.setdefault(act.crew, message.at)
            elif current_version:
                prove(act.hop.value, message.at)
        if current_version:
            prove("delivered", message.at)
            if not by_node and not (isinstance(act, a.Receipt) and act.hop is a.Hop.DELIVERED):
                prove("opened", message.at)
            if isinstance(act, a.ReadBack) and (last is None or message.seq > last[0].seq):
                last = (message, act)
    wrong: tuple[Difference, ...] = ()
    if last is not None and plan is not None:
        wrong = differences(plan, last[1])
        if not wrong:
            prove("read_back", last[0].at)
    if briefed:
        prove("crew_briefed", max(briefed.values()))
    if answered and briefed.keys() <= answered.keys():
        prove("crew_acknowledged", max(answered.values()))
    hops.sort(key=lambda hop: (hop.said_at, STEPS.index(hop.hop.value)))
    going = _way(current, plan is not None, proven, tuple(hops), wrong)
    # A party that files a plan on its node's own log owes itself no receipt.
    return going._replace(missing=None, missing_since=None) if party == thread.author else going


def overdue_at(way: Way, urgency: a.Urgency) -> datetime | None:
    """When the missing hop becomes a finding; None if nothing is missing that this urgency waits for."""
    if way.missing is None or way.missing_since is None:
        return None
    limit = HOP_LIMITS_S[urgency][way.missing]
    return None if limit is None else way.missing_since + timedelta(seconds=limit)


def received_by_all(state: State, thread: Thread) -> datetime | None:
    """When the last addressed party had read back the version in force rightly; None if one has not."""
    moments = [way(state, thread, party).received_at for party in thread.to]
    known = [moment for moment in moments if moment is not None]
    return max(known) if known and len(known) == len(moments) else None


def owed_by_node(state: State, thread: Thread) -> list[Message]:
    """The acts of a thread whose delivery this node must still confirm for the parties it hosts."""
    if not any(state.is_hosted(party) for party in thread.to):
        return []
    confirmed = {
        act.re
        for message, act in thread.of(a.Receipt)
        if message.author == state.node_id and act.hop is a.Hop.DELIVERED
    }
    return [version for version in versions(state, thread) if version.id not in confirmed]


def _hop(message: Message, act: a.Receipt, version: str) -> HopView:
    return HopView(
        hop=act.hop,
        version=version,
        said_at=message.said_at,
        recorded_at=message.recorded_at or message.said_at,
        act=message.id,
        echelon=act.echelon,
        crew=act.crew,
    )


def _way(
    current: Message,
    is_notice: bool,
    proven: dict[str, datetime],
    hops: tuple[HopView, ...],
    wrong: tuple[Difference, ...],
) -> Way:
    reached, since, missing = "queued", current.at, None
    for step in STEPS:
        if step == "read_back" and not is_notice:
            continue
        if step not in proven:
            missing = step
            break
        reached, since = REACHED[step], max(since, proven[step])
    if not is_notice and missing not in ("delivered", "opened"):
        missing = None
    if reached == "opened" and wrong:
        reached = "read_back_wrong"
    return Way(
        state=reached,
        received="read_back" in proven,
        received_at=proven.get("read_back"),
        proven=proven,
        missing=missing,
        missing_since=None if missing is None else since,
        hops=hops,
        differences=wrong,
    )

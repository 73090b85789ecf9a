"""Danger calls: anybody on watch may take one, and it climbs by the clock until somebody has (B6)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from keepclear.line.message import Message
from keepclear.line.procedure import first
from keepclear.line.state import State, Thread
from keepclear.model import acts as a
from keepclear.model.base import EARLIEST
from keepclear.model.parties import Desk, EscalationStep

NOBODY_NAMED = (EscalationStep(role="any", after_s=60.0),)
"""The ladder of a party that has shown none: after a minute, anybody."""


class Climb(NamedTuple):
    """One step of a danger call up a party's ladder: the role it goes to, after how long, when, and since when this
    node knows of that ladder (None: it is the one of a party that has shown none).
    """

    party: str
    role: str
    after_s: float
    at: datetime
    known_at: datetime | None


def rosters(state: State, line: str, party: str) -> list[list[Message]]:
    """Of each desk of a party, what it showed on a line, or, showing nothing there, on its node's own line."""
    shown = state.rosters.get((line, party)) or state.rosters.get((state.own_line, party)) or {}
    return list(shown.values())


def desks(state: State, line: str, party: str) -> tuple[Desk, ...]:
    """A party's desks as it last showed them."""
    shown = (versions[-1].act for versions in rosters(state, line, party))
    return tuple(act.desk for act in shown if isinstance(act, a.Roster))


def on_watch(state: State, line: str, party: str, at: datetime) -> tuple[str, ...]:
    """The roles a party has on watch at a moment."""
    watches = (watch for desk in desks(state, line, party) for watch in desk.watches)
    covering = (watch.role for watch in watches if watch.window.starts_at <= at < watch.window.ends_at)
    return tuple(dict.fromkeys(covering))


def staffed(state: State, line: str, party: str, at: datetime) -> bool | None:
    """Whether anybody is on watch; None where the party has shown no roster."""
    return bool(on_watch(state, line, party, at)) if desks(state, line, party) else None


def taken(state: State, thread: Thread) -> Message | None:
    """The act by which a call was first taken."""
    return first(state, thread, a.Take)


def taken_on_roster(state: State, thread: Thread) -> bool | None:
    """Whether the role that took a call was on the roster then; None if it is not taken."""
    message = taken(state, thread)
    return None if message is None else message.role in on_watch(state, thread.line, message.author, message.at)


def steps_due(state: State, line: str, party: str, called_at: datetime) -> list[Climb]:
    """How a call to a party climbs: each step of a desk that stood in its ladder when the step fell due."""
    found: list[Climb] = []
    for versions in rosters(state, line, party):
        replaced_at: datetime | None = None
        for message in reversed(versions):
            if isinstance(message.act, a.Roster) and (replaced_at is None or replaced_at > called_at):
                for step in message.act.desk.escalation:
                    due = called_at + timedelta(seconds=step.after_s)
                    if message.at <= due and (replaced_at is None or due < replaced_at):
                        found.append(Climb(party, step.role, step.after_s, due, message.recorded_at))
            replaced_at = message.at if replaced_at is None else min(replaced_at, message.at)
    for step in NOBODY_NAMED:
        due = called_at + timedelta(seconds=step.after_s)
        if not any(_has_ladder(versions, due) for versions in rosters(state, line, party)):
            found.append(Climb(party, step.role, step.after_s, due, None))
    return found


def _known(climb: Climb) -> datetime:
    return climb.known_at or EARLIEST


def _has_ladder(versions: list[Message], at: datetime) -> bool:
    """Whether a desk had any ladder at a moment."""
    last = next((message for message in reversed(versions) if message.at <= at), None)
    return last is not None and isinstance(last.act, a.Roster) and bool(last.act.desk.escalation)


def climbs(state: State, thread: Thread) -> list[Climb]:
    """Every step a call takes while nobody takes it, of each addressed party, in order of time; past ones and to come.

    A step counts if it stood in the ladder that held when it fell due: a roster shown later changes what is to come,
    not what was. Steps that would come after the call was taken or closed are left out. One role is gone to once for
    each time it falls due.
    """
    ends = [message for message in (taken(state, thread), first(state, thread, a.Close)) if message is not None]
    end = min((message.at for message in ends), default=None)
    found: dict[tuple[datetime, str, str], Climb] = {}
    for climb in (climb for party in thread.to for climb in steps_due(state, thread.line, party, thread.opener.at)):
        key = (climb.at, climb.party, climb.role)
        if (end is None or climb.at < end) and (key not in found or _known(climb) < _known(found[key])):
            found[key] = climb
    return [found[key] for key in sorted(found)]


def escalated_to(state: State, thread: Thread, now: datetime) -> tuple[str, ...]:
    """The roles a call has reached by now, `party: role`, in order of time."""
    reached = (climb for climb in climbs(state, thread) if climb.at <= now)
    return tuple(f"{climb.party}: {climb.role}" for climb in reached)

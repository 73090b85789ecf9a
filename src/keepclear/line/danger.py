"""Danger calls: anybody on watch may take one, and it climbs by the clock until somebody has (B6)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import NamedTuple

from keepclear.line.message import Message
from keepclear.line.procedure import first
from keepclear.line.state import State, Thread
from keepclear.model import acts as a
from keepclear.model.parties import Desk, EscalationStep

NOBODY_NAMED = (EscalationStep(role="any", after_s=60.0),)
"""The ladder of a party that has shown none: after a minute, anybody."""


class Climb(NamedTuple):
    """One step of a danger call up a party's ladder: the role it goes to, after how long, and when."""

    party: str
    step: int
    role: str
    after_s: float
    at: datetime


def desks(state: State, line: str, party: str) -> tuple[Desk, ...]:
    """A party's desks as it last showed them on a line, or, showing none there, on its node's own line."""
    rosters = state.rosters.get((line, party)) or state.rosters.get((state.own_line, party)) or {}
    return tuple(message.act.desk for message in rosters.values() if isinstance(message.act, a.Roster))


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


def ladder(state: State, line: str, party: str) -> tuple[EscalationStep, ...]:
    """How a call to a party climbs: the steps of all its desks, in order of time."""
    steps = [step for desk in desks(state, line, party) for step in desk.escalation]
    return tuple(sorted(steps, key=lambda step: step.after_s)) or NOBODY_NAMED


def climbs(state: State, thread: Thread) -> list[Climb]:
    """Every step a call takes while nobody takes it, of each addressed party, in order of time; past ones and to come.

    Steps that would come after it was taken or closed are left out.
    """
    ends = [message for message in (taken(state, thread), first(state, thread, a.Close)) if message is not None]
    end = min((message.at for message in ends), default=None)
    found = [
        Climb(party, number, step.role, step.after_s, thread.opener.at + timedelta(seconds=step.after_s))
        for party in thread.to
        for number, step in enumerate(ladder(state, thread.line, party))
    ]
    return sorted(
        (c for c in found if end is None or c.at < end), key=lambda climb: (climb.at, climb.party, climb.step)
    )


def escalated_to(state: State, thread: Thread, now: datetime) -> tuple[str, ...]:
    """The roles a call has reached by now, `party: role`, in order of time."""
    reached = (climb for climb in climbs(state, thread) if climb.at <= now)
    return tuple(f"{climb.party}: {climb.role}" for climb in reached)

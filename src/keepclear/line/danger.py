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
    """One step of a danger call up a party's ladder: the role it goes to, after how long, when, and since when this
    node knows of that ladder (None: it is the one of a party that has shown none).
    """

    party: str
    role: str
    after_s: float
    at: datetime
    known_at: datetime | None


class Ladder(NamedTuple):
    """The steps of a party's desks that held from a moment on, each with the act that showed it."""

    since: datetime
    steps: tuple[tuple[EscalationStep, Message | None], ...]


def rosters(state: State, line: str, party: str) -> list[list[Message]]:
    """Of each desk of a party, what it showed on a line, or, showing nothing there, on its node's own line."""
    shown = state.rosters.get((line, party)) or state.rosters.get((state.own_line, party)) or {}
    return list(shown.values())


def desks(state: State, line: str, party: str, at: datetime | None = None) -> tuple[Desk, ...]:
    """A party's desks as it showed them last, or last by a moment."""
    return tuple(desk for desk, _ in _desks(state, line, party, at))


def _desks(state: State, line: str, party: str, at: datetime | None) -> list[tuple[Desk, Message]]:
    found: list[tuple[Desk, Message]] = []
    for versions in rosters(state, line, party):
        by_then = [message for message in versions if at is None or message.at <= at]
        if by_then and isinstance(by_then[-1].act, a.Roster):
            found.append((by_then[-1].act.desk, by_then[-1]))
    return found


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


def ladders(state: State, line: str, party: str, since: datetime) -> list[Ladder]:
    """How a call to a party climbs: the ladder at `since`, and each that it showed later, in order of time."""
    shown = {message.at for versions in rosters(state, line, party) for message in versions if message.at > since}
    found: list[Ladder] = []
    for moment in (since, *sorted(shown)):
        steps = [(step, by) for desk, by in _desks(state, line, party, moment) for step in desk.escalation]
        steps.sort(key=lambda pair: pair[0].after_s)
        found.append(Ladder(moment, tuple(steps) or tuple((step, None) for step in NOBODY_NAMED)))
    return found


def climbs(state: State, thread: Thread) -> list[Climb]:
    """Every step a call takes while nobody takes it, of each addressed party, in order of time; past ones and to come.

    A step counts if it stood in the ladder that held when it fell due: a roster shown later changes what is to come,
    not what was. Steps that would come after the call was taken or closed are left out. One role is gone to once for
    each time it falls due.
    """
    ends = [message for message in (taken(state, thread), first(state, thread, a.Close)) if message is not None]
    end = min((message.at for message in ends), default=None)
    called_at = thread.opener.at
    found: dict[tuple[datetime, str, str], Climb] = {}
    for party in thread.to:
        held = ladders(state, thread.line, party, called_at)
        for ladder, later in zip(held, [*held[1:], None], strict=True):
            for step, shown_by in ladder.steps:
                due = called_at + timedelta(seconds=step.after_s)
                if due < ladder.since or (later is not None and due >= later.since) or (end is not None and due >= end):
                    continue
                known_at = None if shown_by is None else shown_by.recorded_at
                found.setdefault((due, party, step.role), Climb(party, step.role, step.after_s, due, known_at))
    return [found[key] for key in sorted(found)]


def escalated_to(state: State, thread: Thread, now: datetime) -> tuple[str, ...]:
    """The roles a call has reached by now, `party: role`, in order of time."""
    reached = (climb for climb in climbs(state, thread) if climb.at <= now)
    return tuple(f"{climb.party}: {climb.role}" for climb in reached)

"""Line checks: is the other side there, how fast does it answer, and since when is it not.

A node checks every line it shares, each `check_every_s`; peers' nodes answer by themselves. How a line stands toward a
peer is judged from this node's own checks and by this node's own clock:

    suspended   the member's last word on it is a suspension
    down        a check has stood unanswered for `answer_within_s`, and none after it was answered
    unchecked   no check was answered within one and a half intervals
    up          else
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from statistics import median
from typing import NamedTuple

from keepclear.line.message import Message
from keepclear.line.state import Check, State
from keepclear.model import acts as a

PATIENCE = 1.5
"""In intervals: how old the last answered check may be."""


class Standing(NamedTuple):
    """How a member stands and since when (None where that was never known)."""

    state: str
    since: datetime | None


class Answers(NamedTuple):
    """What this node's own checks of a line came to; an answered one was answered by every peer."""

    checks: int
    answered: int
    last_check_at: datetime | None
    median_answer_s: float | None


def take_check(state: State, message: Message) -> None:
    """File a line check. To be called by `apply` only."""
    held = state.lines[message.line]
    held.checks[message.id] = held.last_check[message.author] = Check(message)
    state.agenda.touch("line", message.line)


def take_answer(state: State, message: Message, referred: Message) -> None:
    """File the first answer of a node to a check. To be called by `apply` only."""
    if message.exercise or referred.line != message.line:
        return
    check = state.lines[message.line].checks.get(referred.id)
    node = state.home.get(message.author)
    if check is None or node is None or node == state.home.get(referred.author):
        return
    check.answers.setdefault(node, message)
    state.agenda.touch("line", message.line)


def recorded(message: Message) -> datetime:
    """When this node recorded a kept message."""
    if message.recorded_at is None:
        raise ValueError("the message is not kept")
    return message.recorded_at


def own_checks(state: State, line: str, at: datetime) -> list[Check]:
    """The checks made by this node, or by hand by a party it hosts, up to a moment."""
    return list(latest_own_checks(state, line, at))[::-1]


def latest_own_checks(state: State, line: str, at: datetime) -> Iterator[Check]:
    """The same from the last one back, for whoever need not see them all."""
    for check in reversed(state.lines[line].checks.values()):
        if state.is_hosted(check.message.author) and recorded(check.message) <= at:
            yield check


def peer_trouble(state: State, line: str, node: str, at: datetime) -> Standing | None:
    """How a line stands toward a peer's node, if it is not up. Looks back no further than the last answered check."""
    card = state.lines[line].card
    within, patience = timedelta(seconds=card.answer_within_s), timedelta(seconds=card.check_every_s * PATIENCE)
    down_since: datetime | None = None
    for check in latest_own_checks(state, line, at):
        asked = recorded(check.message)
        answer = check.answers.get(node)
        if answer is not None and recorded(answer) <= at:
            if down_since is not None:
                break
            return Standing("unchecked", asked + patience) if at > asked + patience else None
        if at - asked > within:
            down_since = asked
    if down_since is not None:
        return Standing("down", down_since)
    return Standing("unchecked", state.lines[line].opened_at)


def peer_standing(state: State, line: str, node: str, at: datetime) -> Standing:
    """How a line stands toward a peer's node at a moment, as far as this node's record tells. Never `suspended`."""
    trouble = peer_trouble(state, line, node, at)
    if trouble is not None:
        return trouble
    card = state.lines[line].card
    within, patience = timedelta(seconds=card.answer_within_s), timedelta(seconds=card.check_every_s * PATIENCE)
    up_since: datetime | None = None
    first_asked: datetime | None = None
    for check in latest_own_checks(state, line, at):  # back to where it came up
        asked = recorded(check.message)
        answer = check.answers.get(node)
        if answer is not None and recorded(answer) <= at:
            if first_asked is not None and first_asked > asked + patience:
                break
            first_asked, up_since = asked, recorded(answer)
        elif first_asked is not None and at - asked > within:
            break
    return Standing("up", up_since)


def member_standing(state: State, line: str, party: str, at: datetime) -> Standing:
    """How a member stands at a moment. One hosted here is up unless it suspended the line itself."""
    suspended = suspended_since(state, line, party, at)
    if suspended is not None:
        return Standing("suspended", suspended)
    if state.is_hosted(party):
        return Standing("up", None)
    return peer_standing(state, line, state.home.get(party, ""), at)


def line_standing(state: State, line: str, at: datetime) -> Standing:
    """How a line stands as a whole: the worst of its members, and since when that was so of the first of them."""
    if line == state.own_line:
        return Standing("own", None)
    members = [member_standing(state, line, party, at) for party in state.members(line)]
    for worst in ("suspended", "down", "unchecked"):
        since = [standing.since for standing in members if standing.state == worst]
        if since:
            known = [moment for moment in since if moment is not None]
            return Standing(worst, min(known) if known else None)
    since = [standing.since for standing in members if standing.since is not None]
    return Standing("up", max((moment for moment in since if moment is not None), default=None))


def suspended_since(state: State, line: str, party: str, at: datetime | None = None) -> datetime | None:
    """Since when a member has suspended a line, as of a moment (None: of all that is known); None if it has not."""
    for thread_id in reversed(state.lines[line].suspensions.get(party, [])):
        thread = state.threads[thread_id]
        if at is None or thread.opener.at <= at:
            resumed = any(isinstance(m.act, a.Resume) and (at is None or m.at <= at) for m in thread.acts)
            return None if resumed else thread.opener.at
    return None


def suspended_by(state: State, line: str) -> tuple[str, ...]:
    """The members whose last word on a line is a suspension, in the members' order."""
    return tuple(party for party in state.members(line) if suspended_since(state, line, party) is not None)


def answer_times(state: State, line: str, at: datetime) -> Answers:
    """What this node's checks of a line came to, by its own clock, from the recording of a check to that of answers."""
    peers = state.peers(line)
    checks = own_checks(state, line, at)
    times = [
        (recorded(check.answers[node]) - recorded(check.message)).total_seconds()
        for check in checks
        for node in peers
        if node in check.answers
    ]
    return Answers(
        checks=len(checks),
        answered=sum(1 for check in checks if peers and all(node in check.answers for node in peers)),
        last_check_at=recorded(checks[-1].message) if checks else None,
        median_answer_s=median(times) if times else None,
    )


def last_answer_s(state: State, line: str, party: str, at: datetime) -> float | None:
    """How long a member's node took to answer the last check it did answer."""
    node = state.home.get(party, "")
    for check in reversed(own_checks(state, line, at)):
        if node in check.answers:
            return (recorded(check.answers[node]) - recorded(check.message)).total_seconds()
    return None


def check_due_at(state: State, line: str) -> datetime | None:
    """When the node must make its next check of a line; None if it has no peer there or none of its own uses it."""
    held = state.lines[line]
    using = [
        party for party in state.members(line) if state.is_hosted(party) and party not in suspended_by(state, line)
    ]
    if not state.peers(line) or not using or held.opened_at is None:
        return None
    last = held.last_check.get(state.node_id)
    return held.opened_at if last is None else recorded(last.message) + timedelta(seconds=held.card.check_every_s)


def answers_owed(state: State, line: str) -> list[str]:
    """The checks this node must answer: of each author elsewhere the last one, if it has no answer from here.

    After days apart the older ones stay unanswered: they were.
    """
    return [
        check.message.id
        for author, check in state.lines[line].last_check.items()
        if not state.is_hosted(author) and state.node_id not in check.answers
    ]

"""Findings about the line itself: a peer that does not answer, and a clock that runs ahead."""

from __future__ import annotations

from datetime import timedelta
from itertools import islice

from keepclear.line.line_check import PATIENCE, check_due_at, latest_own_checks, peer_trouble, recorded
from keepclear.line.noticing import Noticing, finding
from keepclear.model.findings import FindingKind


def line_findings(noticing: Noticing, line: str) -> None:
    """For each peer on a line: down (a check stands unanswered), or unchecked (no check answered for too long)."""
    state, now = noticing.state, noticing.now
    card = state.lines[line].card
    patience = timedelta(seconds=card.check_every_s * PATIENCE)
    opened_at = state.lines[line].opened_at
    unused = check_due_at(state, line) is None
    for node in state.peers(line):
        trouble = peer_trouble(state, line, node, now)
        state_now, began = trouble or ("up", None)
        parties = tuple(party for party in state.members(line) if state.home.get(party) == node)
        for kind, word in ((FindingKind.LINE_DOWN, "down"), (FindingKind.LINE_UNCHECKED, "unchecked")):
            key = f"{kind.value}:{line}:{node}"
            since = began or opened_at
            fresh = word == "unchecked" and since == opened_at and since is not None and now <= since + patience
            if state_now != word or since is None or fresh or unused:
                noticing.notice(key, None)
                continue
            last = list(islice(latest_own_checks(state, line, now), 3))
            evidence = tuple(check.message.id for check in reversed(last) if node not in check.answers)
            values = {"line": line, "node": node}
            noticing.notice(key, finding(kind, key, since, parties, values=dict(values), evidence=evidence))
        answered = next((check for check in latest_own_checks(state, line, now) if node in check.answers), None)
        within = timedelta(seconds=card.answer_within_s, milliseconds=1)
        for check in latest_own_checks(state, line, now):
            if node in check.answers or recorded(check.message) + within <= now:
                break
            noticing.look_at(recorded(check.message) + within)
        if opened_at is not None:
            noticing.look_at(opened_at + patience + timedelta(milliseconds=1))
        if answered is not None:
            noticing.look_at(recorded(answered.message) + patience + timedelta(milliseconds=1))


def clock_findings(noticing: Noticing, author: str) -> None:
    """An author whose acts are dated later than this node's clock, by how much."""
    key = f"{FindingKind.CLOCK_AHEAD.value}:{author}"
    message = noticing.state.clock_ahead.get(author)
    if message is None or message.recorded_at is None:
        noticing.notice(key, None)
        return
    ahead_s = (message.said_at - message.recorded_at).total_seconds()
    found = finding(
        FindingKind.CLOCK_AHEAD,
        key,
        message.recorded_at,
        (author,),
        values={"ahead_s": ahead_s},
        evidence=(message.id,),
    )
    noticing.notice(key, found)

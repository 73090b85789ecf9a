"""What this node owes to say now: receipts of delivery, line checks and answers, findings.

Duties follow from the state and `now` alone, so a crash loses none: after a restart the fold shows them again. When the
drafts are kept and applied, asking again at the same moment gives nothing. What is asked costs only what changed or
came due since; see `keepclear.line.agenda`.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from keepclear.line.agenda import Matter
from keepclear.line.line_check import answers_owed, check_due_at
from keepclear.line.line_findings import clock_findings, line_findings
from keepclear.line.movement import group_findings, groups_of, pair_findings, pairs_of
from keepclear.line.noticing import Noticing
from keepclear.line.receipts import owed_by_node
from keepclear.line.state import State
from keepclear.line.thread_findings import requests_of, thread_findings
from keepclear.model import acts as a
from keepclear.model.acts import Said
from keepclear.model.findings import Finding, FindingKind

NODE_ROLE = "node"


class Draft(msgspec.Struct, frozen=True, kw_only=True):
    """An act that the node is to sign and keep, as `author` on `line`."""

    author: str
    line: str
    role: str
    act: a.Act
    exercise: bool = False

    @property
    def said(self) -> Said:
        """The body to be signed."""
        return Said(role=self.role, act=self.act, exercise=self.exercise)


def duties(state: State, now: datetime) -> list[Draft]:
    """What the node owes at `now`, in the order in which it became known. Changes nothing but the agenda.

    A matter stays on the agenda until nothing is owed on it, so drafts that could not be kept are given again.
    """
    _spread(state, now)
    drafts: list[Draft] = []
    for matter, since in state.agenda.due(now):
        own, looks = _owed(state, matter, since, now)
        if own:
            drafts += own
        else:
            state.agenda.settled(matter, looks)
    return drafts


def fork_finding(line: str, author: str, seq: int, held: str, offered: str, node_id: str, at: datetime) -> Draft:
    """The finding that an author signed two acts under one number: `held` is kept here, `offered` was refused.

    The refused envelope is not in the record; its id is. Whoever holds it can show it.
    """
    key = f"{FindingKind.FORK.value}:{line}:{author}:{seq}"
    found = Finding(
        kind=FindingKind.FORK,
        key=key,
        subjects=(author,),
        since=at,
        until=at,
        values={"line": line, "seq": float(seq), "held": held, "offered": offered},
        evidence=(held,),
    )
    return _noticed(node_id, found)


def _spread(state: State, now: datetime) -> None:
    """New positions of an asset concern its groups, what those may meet, and the requests that may affect it."""
    for kind in ("asset", "group"):
        for matter, since in state.agenda.due(now):
            if matter[0] != kind:
                continue
            if kind == "asset":
                for group in groups_of(state, matter[1]):
                    state.agenda.touch("group", group, since)
                for request in requests_of(state, matter[1]):
                    state.agenda.touch("thread", request)
                state.agenda.settled(matter)
            else:
                for pair in pairs_of(state, matter[1]):
                    state.agenda.touch("pair", pair, since)


def _owed(
    state: State, matter: Matter, since: datetime | None, now: datetime
) -> tuple[list[Draft], list[datetime | None]]:
    kind, name = matter
    noticing = Noticing(state, now)
    drafts: list[Draft] = []
    if kind == "thread":
        thread = state.threads[name]
        drafts = [
            Draft(
                author=state.node_id,
                line=thread.line,
                role=NODE_ROLE,
                act=a.Receipt(re=version.id, hop=a.Hop.DELIVERED),
                exercise=thread.exercise,
            )
            for version in owed_by_node(state, thread)
        ]
        thread_findings(noticing, thread)
    elif kind == "line":
        due = check_due_at(state, name)
        if due is not None and due <= now:
            drafts.append(Draft(author=state.node_id, line=name, role=NODE_ROLE, act=a.LineCheck()))
        else:
            noticing.look_at(due)
        drafts += [
            Draft(author=state.node_id, line=name, role=NODE_ROLE, act=a.LineCheckAnswer(re=check))
            for check in answers_owed(state, name)
        ]
        line_findings(noticing, name)
    elif kind == "group":
        group_findings(noticing, name, since)
    elif kind == "pair":
        pair_findings(noticing, name, since)
    elif kind == "clock":
        clock_findings(noticing, name)
    return drafts + [_noticed(state.node_id, found) for found in noticing.owed], noticing.looks


def _noticed(node_id: str, found: Finding) -> Draft:
    return Draft(author=node_id, line=f"own.{node_id}", role=NODE_ROLE, act=a.Noticed(finding=found))

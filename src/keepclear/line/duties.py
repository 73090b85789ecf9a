"""What this node owes to say now: receipts of delivery, line checks and answers, findings.

Duties follow from the state and `now` alone, so a crash loses none: after a restart the fold shows them again. When the
drafts are kept and applied, asking again at the same moment gives nothing. What is asked costs only what changed or
came due since; see `keepclear.line.agenda`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from datetime import datetime
from functools import partial
from pathlib import Path
from traceback import extract_tb

import msgspec

from keepclear.line.agenda import Matter
from keepclear.line.groups import declared, key_of, name_of, pair_of
from keepclear.line.line_check import answers_owed, check_due_at
from keepclear.line.line_findings import clock_findings, line_findings
from keepclear.line.movement import group_findings, groups_of, pair_findings, pairs_of
from keepclear.line.noticing import Noticing, finding
from keepclear.line.receipts import owed_by_node
from keepclear.line.state import State
from keepclear.line.thread_findings import requests_of, thread_findings
from keepclear.line.whereabouts import Whereabouts
from keepclear.model import acts as a
from keepclear.model.acts import Said
from keepclear.model.findings import FigureValue, Finding, FindingKind

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

    A matter stays on the agenda until nothing is owed on it, so drafts that could not be kept are given again. One that
    cannot be looked at, because a rule fails on it, stops nobody from looking at the others: it is put on record as
    not looked at, and left until something new is known of it.
    """
    failed = _spread(state, now)
    drafts: list[Draft] = []
    for matter, since in state.agenda.due(now):
        try:
            own, looks = _owed(state, matter, since, now)
        except Exception as error:
            own, looks = [], []
            failed[matter] = error
        own += _looked_at(state, matter, failed.get(matter), now)
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


def _looked_at(state: State, matter: Matter, error: Exception | None, now: datetime) -> list[Draft]:
    """The finding owed on whether a matter can be looked at (`error` None: it can), with where in the code it fails."""
    kind, name = matter
    key = f"{FindingKind.NOT_LOOKED_AT.value}:{kind}:{hashlib.sha256(name.encode()).hexdigest()[:16]}"
    noticing = Noticing(state, now)
    if error is None:
        noticing.notice(key, None)
    else:
        thread = name if kind == "thread" else None
        failed_in = extract_tb(error.__traceback__)[-1]
        where = f"{Path(failed_in.filename).name}: {failed_in.name}"
        values: dict[str, FigureValue] = {"matter": kind, "error": type(error).__name__, "where": where}
        since = now
        held = state.finding(key)
        if held is not None and held.until is None:
            since = held.since
        noticing.notice(
            key,
            finding(
                FindingKind.NOT_LOOKED_AT,
                key,
                since,
                (),
                thread=thread,
                values=values,
                evidence=_told_of(state, matter),
            ),
        )
    return [_noticed(state.node_id, found) for found in noticing.owed]


def _told_of(state: State, matter: Matter) -> tuple[str, ...]:
    """The acts by which a matter is known, so that who may know those is told of it, and nobody else."""
    kind, name = matter
    if kind == "thread":
        return (name,)
    keys = [key_of(name)] if kind == "group" else pair_of(name) if kind == "pair" else ()
    found = (declared(state, key) for key in keys)
    return tuple(each.message.id for each in found if each is not None)


def _spread(state: State, now: datetime) -> dict[Matter, Exception]:
    """New positions of an asset concern its groups, what those may meet, and the requests that may affect it.

    Gives the matters of which that cannot be found out.
    """
    failed: dict[Matter, Exception] = {}

    def each_of(kind: str, spread: Callable[[str, datetime | None], None]) -> None:
        for matter, since in state.agenda.due(now):
            if matter[0] == kind:
                try:
                    spread(matter[1], since)
                except Exception as error:
                    failed[matter] = error

    each_of("asset", partial(_spread_asset, state))
    news = [since for (kind, _), since in state.agenda.due(now) if kind == "group" and since is not None]
    if news:  # that time passed brings no two groups together
        each_of("group", partial(_spread_group, state, Whereabouts.since(state, min(news))))
    return failed


def _spread_asset(state: State, name: str, since: datetime | None) -> None:
    news = since if state.groups_with.get(name) else None  # a stray moves no group: it may join one, no more
    for group in groups_of(state, name):
        state.agenda.touch("group", name_of(group), news)
    for request in requests_of(state, name):
        state.agenda.touch("thread", request)


def _spread_group(state: State, whereabouts: Whereabouts, name: str, since: datetime | None) -> None:
    if since is not None:
        for pair in pairs_of(state, key_of(name), whereabouts):
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
        group_findings(noticing, key_of(name), since)
    elif kind == "pair":
        pair_findings(noticing, name, since)
    elif kind == "clock":
        clock_findings(noticing, name)
    return drafts + [_noticed(state.node_id, found) for found in noticing.owed], noticing.looks


def _noticed(node_id: str, found: Finding) -> Draft:
    return Draft(author=node_id, line=f"own.{node_id}", role=NODE_ROLE, act=a.Noticed(finding=found))

"""Findings: what a node noticed by itself, when, and on what evidence. A finding is an act of the node."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from keepclear.model.base import ActId, Id, Instant, Short, Value, utc

FigureValue = str | float | bool | None


class FindingKind(StrEnum):
    """What can be noticed."""

    # the line
    LINE_UNCHECKED = "line_unchecked"
    LINE_DOWN = "line_down"
    FORK = "fork"
    WITHOUT_EFFECT = "without_effect"
    CLOCK_AHEAD = "clock_ahead"
    NOT_LOOKED_AT = "not_looked_at"
    # notices and requests
    READ_BACK_WRONG = "read_back_wrong"
    HOP_MISSING = "hop_missing"
    ANSWER_OVERDUE = "answer_overdue"
    AFFECTED = "affected"
    RESIDUAL = "residual"
    INTENT_UNCHANGED = "intent_unchanged"
    NOT_GIVEN_BACK = "not_given_back"
    ESCALATED = "escalated"
    # plans
    CONFLICT = "conflict"
    # movements
    LATE = "late"
    OFF_ROUTE = "off_route"
    HALTED = "halted"
    WAITING = "waiting"
    LEG_BLOCKED = "leg_blocked"
    SPLIT = "split"
    JOINER = "joiner"
    LEAVER = "leaver"
    LOST_CONTACT = "lost_contact"
    ENCOUNTER = "encounter"
    BOUNDARY_APPROACH = "boundary_approach"
    BOUNDARY_CROSSED = "boundary_crossed"


class Finding(Value, frozen=True, kw_only=True):
    """Something a node noticed.

    `key` names the matter: a second finding with the same key replaces the first (it grew, or ended). `since` and
    `until` are when it was true in the world; `until` is absent while it lasts. `values` are its figures, each key
    carrying its unit (`distance_m`, `duration_s`, `lat_deg`). `synthetic` is true if any position it rests on was made
    up between reports.
    """

    kind: FindingKind
    key: Short
    subjects: Annotated[tuple[Id, ...], Meta(max_length=100)]
    since: Instant
    until: Instant | None = None
    thread: ActId | None = None
    values: dict[str, FigureValue] = msgspec.field(default_factory=dict)
    evidence: Annotated[tuple[ActId, ...], Meta(max_length=200)] = ()
    synthetic: bool = False

    def __post_init__(self) -> None:
        utc(self.since, "since")
        if self.until is not None:
            utc(self.until, "until")

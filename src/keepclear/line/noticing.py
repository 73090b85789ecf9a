"""When a finding is worth an entry: when it begins, when it changes in a way that matters, when it ends.

A finding is kept under a key. What is noticed now is held against what was last put on record under that key; an entry
follows only if they differ in what is listed here. So days of standing still are one finding, not one a report.
"""

from __future__ import annotations

from datetime import datetime
from math import isfinite

import msgspec

from keepclear.line.state import State
from keepclear.model.findings import FigureValue, Finding, FindingKind

DOUBLED: dict[FindingKind, tuple[str, ...]] = {
    FindingKind.LATE: ("late_s",),
    FindingKind.OFF_ROUTE: ("off_route_m",),
    FindingKind.CLOCK_AHEAD: ("ahead_s",),
}
"""Figures that matter again each time they have doubled."""
HALVED: dict[FindingKind, tuple[str, ...]] = {
    FindingKind.ENCOUNTER: ("nearest_m",),
    FindingKind.BOUNDARY_APPROACH: ("nearest_m",),
    FindingKind.CONFLICT: ("horizontal_m",),
}
"""Figures that matter again each time they have halved."""

MOST_SUBJECTS = 100
MOST_EVIDENCE = 200


class Noticing:
    """What one look at a matter brings: the findings owed, and when to look again."""

    def __init__(self, state: State, now: datetime) -> None:
        self.state = state
        self.now = now
        self.owed: list[Finding] = []
        self.looks: list[datetime | None] = []

    def notice(self, key: str, noticed: Finding | None) -> None:
        """Hold what is seen of a matter (None: nothing, or no longer) against what is on record."""
        found = owed(self.state, key, noticed, self.now)
        if found is not None:
            self.owed.append(found)

    def look_at(self, moment: datetime | None) -> None:
        """Look again at a moment, if it lies ahead."""
        if moment is not None and moment > self.now:
            self.looks.append(moment)


def owed(state: State, key: str, noticed: Finding | None, now: datetime) -> Finding | None:
    """The entry that is owed under `key`, given what is noticed now (None: nothing, or no longer)."""
    held = state.finding(key)
    if noticed is None:
        if held is None or held.until is not None:
            return None
        return msgspec.structs.replace(held, until=max(now, held.since))
    return noticed if held is None or matters(held, noticed) else None


def matters(held: Finding, noticed: Finding) -> bool:
    """Whether what is noticed differs enough from what is held to be put on record.

    It does if the kind, the subjects, any word or yes-or-no among its figures (times apart), or whether it lasts is
    another; or if a
    figure of `DOUBLED` has doubled, or one of `HALVED` has halved.
    """
    if (held.kind, held.subjects, held.until is None) != (noticed.kind, noticed.subjects, noticed.until is None):
        return True
    if _words(held) != _words(noticed):
        return True
    return any(_figure(noticed, name) >= 2.0 * _figure(held, name) > 0.0 for name in DOUBLED.get(held.kind, ())) or any(
        2.0 * _figure(noticed, name) <= _figure(held, name) and _figure(held, name) > 0.0
        for name in HALVED.get(held.kind, ())
    )


def finding(
    kind: FindingKind,
    key: str,
    since: datetime,
    subjects: tuple[str, ...],
    *,
    until: datetime | None = None,
    thread: str | None = None,
    values: dict[str, FigureValue] | None = None,
    evidence: tuple[str, ...] = (),
    synthetic: bool = False,
) -> Finding:
    """A finding within its bounds: at most 100 subjects and the 200 latest acts of evidence, each once."""
    return Finding(
        kind=kind,
        key=key,
        subjects=tuple(dict.fromkeys(subjects))[:MOST_SUBJECTS],
        since=since,
        until=None if until is None else max(until, since),
        thread=thread,
        values={name: value for name, value in (values or {}).items() if _written(value)},
        evidence=tuple(dict.fromkeys(evidence))[-MOST_EVIDENCE:],
        synthetic=synthetic,
    )


def _written(value: FigureValue) -> bool:
    """Whether JSON can hold a figure."""
    return not isinstance(value, float) or isfinite(value)


def _words(found: Finding) -> dict[str, str | bool | None]:
    words = found.values.items()
    return {name: value for name, value in words if not isinstance(value, float) and not name.endswith("_at")}


def _figure(found: Finding, name: str) -> float:
    value = found.values.get(name)
    return value if isinstance(value, float) else 0.0

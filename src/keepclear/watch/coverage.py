"""The ledger of coverage: which class of sensor watched, or was declared not to, and where nobody said anything."""

from __future__ import annotations

from bisect import insort
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from itertools import pairwise

from keepclear.geometry.passage import holds
from keepclear.model.coverage import CoverageSpan, CoverageState
from keepclear.model.times import Window
from keepclear.model.tracks import SensorClass
from keepclear.model.volumes import Area


@dataclass(frozen=True, slots=True, order=True)
class Declaration:
    """One span a party declared, and where: the `place`-th of act `act`, said at `said_at`."""

    said_at: datetime
    act: str
    place: int
    span: CoverageSpan = field(compare=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class CoverageAnswer:
    """What is known of a part of the time asked about.

    `acts` are those the answer rests on; with `UNKNOWN`, those that say something but not enough, or took it back.
    """

    window: Window
    state: CoverageState
    acts: tuple[str, ...]
    synthetic: bool


class Ledger:
    """What each party declared of its own watching. It speaks for nobody else and fills nothing in.

    The order in which declarations come in makes no difference: by the same party the one said later wins, of one
    moment the one with the greater act id, of one act the last.
    """

    __slots__ = ("_declared",)

    def __init__(self) -> None:
        self._declared: dict[str, list[Declaration]] = {}

    def declare(self, party: str, spans: Iterable[CoverageSpan], act: str, said_at: datetime) -> None:
        """Take in the spans of one act. The same act again changes nothing."""
        declared = self._declared.setdefault(party, [])
        for place, span in enumerate(spans):
            declaration = Declaration(said_at, act, place, span)
            if declaration not in declared:
                insort(declared, declaration)

    def parties(self) -> tuple[str, ...]:
        """Who declared anything, in order of id."""
        return tuple(sorted(self._declared))

    def declarations(self, party: str) -> tuple[Declaration, ...]:
        """All that a party declared, in the order in which it was said."""
        return tuple(self._declared.get(party, ()))

    def ask(
        self,
        party: str,
        window: Window,
        *,
        group: str | None = None,
        area: Area | None = None,
        sensor: SensorClass | None = None,
    ) -> tuple[CoverageAnswer, ...]:
        """What `party` said of its watching of a group or an area in `window`, split where the answer changes.

        A declaration bears on a group if it names it, and on an area if its own area holds the whole of it: who watches
        part of an area has not said that it watches the area. `sensor` absent asks for every kind of watching: watched
        if any class is, a gap only if every class is declared one, else unknown. Raises ValueError unless a group, an
        area, or both (either will do) are given.
        """
        if group is None and area is None:
            raise ValueError("group or area must be given")
        bearing = [
            declaration
            for declaration in self._declared.get(party, ())
            if declaration.span.window.starts_at < window.ends_at
            and declaration.span.window.ends_at > window.starts_at
            and _bears_on(declaration.span, group, area)
        ]
        sensors = (sensor,) if sensor is not None else tuple(SensorClass)
        cuts = {window.starts_at, window.ends_at}
        for declaration in bearing:
            span = declaration.span.window
            cuts |= {max(span.starts_at, window.starts_at), min(span.ends_at, window.ends_at)}
        moments = sorted(cuts)
        answers: list[CoverageAnswer] = []
        for starts_at, ends_at in pairwise(moments):
            part = _answer(bearing, Window(starts_at=starts_at, ends_at=ends_at), sensors)
            if answers and (answers[-1].state, answers[-1].acts, answers[-1].synthetic) == (
                part.state,
                part.acts,
                part.synthetic,
            ):
                starts_at = answers.pop().window.starts_at
                part = CoverageAnswer(
                    window=Window(starts_at=starts_at, ends_at=ends_at),
                    state=part.state,
                    acts=part.acts,
                    synthetic=part.synthetic,
                )
            answers.append(part)
        return tuple(answers)


def _bears_on(span: CoverageSpan, group: str | None, area: Area | None) -> bool:
    if group is not None and span.group == group:
        return True
    return area is not None and holds(span.area, area)


def _answer(bearing: list[Declaration], window: Window, sensors: tuple[SensorClass, ...]) -> CoverageAnswer:
    """The answer for a window in which no declaration begins or ends."""
    latest: dict[SensorClass, Declaration] = {}
    for declaration in bearing:  # in the order said, so that the last one stays
        span = declaration.span
        if span.sensor in sensors and span.window.starts_at <= window.starts_at < span.window.ends_at:
            latest[span.sensor] = declaration
    states = [latest[sensor].span.state if sensor in latest else CoverageState.UNKNOWN for sensor in sensors]
    if CoverageState.WATCHED in states:
        state = CoverageState.WATCHED
    elif all(said is CoverageState.GAP for said in states):
        state = CoverageState.GAP
    else:
        state = CoverageState.UNKNOWN
    used = sorted(d for d in latest.values() if state in (d.span.state, CoverageState.UNKNOWN))
    return CoverageAnswer(
        window=window,
        state=state,
        acts=tuple(dict.fromkeys(declaration.act for declaration in used)),
        synthetic=any(not declaration.span.basis.is_fact for declaration in used),
    )

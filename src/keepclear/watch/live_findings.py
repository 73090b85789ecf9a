"""What live watchers tell: findings as columns, one row each, in the order in which they were found."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from keepclear.geometry.columns import ByteArray
from keepclear.geometry.earth import FloatArray
from keepclear.watch.batch import Batch, Movers, Names


class LiveKind(StrEnum):
    """What was found. After each: who the subject and the other are, what `margin_m` and `value` hold."""

    # Of reports themselves (`intake.py`). The subject is the mover.
    DOUBLED = "doubled"
    """The same report again. Counted, never told."""
    LATE_REPORT = "late_report"
    """Older than what was known. Value: by how many seconds."""
    AT_ODDS = "at_odds"
    """Of the same moment as what was known, and elsewhere. Value: metres between the two."""
    JUMP = "jump"
    """Too far from the report before to be joined to it. Value: metres between the two."""

    # Of a mover and a fence (`fences.py`). Margin: metres within the rim, negative outside.
    ENTERED = "entered"
    LEFT = "left"
    """Value: seconds since it was first found within."""
    DWELT = "dwelt"
    """Value: seconds since it was first found within."""

    # Of two movers (`proximity.py`). Margin: metres by which they are nearer than the radius. Value: metres between.
    NEAR = "near"
    APART = "apart"

    # Of two groups (`live_encounters.py`). Margin: metres by which they were nearer than the distance given. Value:
    # metres between them; of an encounter that ended, the least there were. A mover within a group's own fence is
    # `ENTERED` and `LEFT`, the group being the other.
    ENCOUNTER_BEGAN = "encounter_began"
    ENCOUNTER_ENDED = "encounter_ended"
    """Its time is the end, its place where they were nearest. Value: seconds from its beginning."""

    # Of a mover and a group (`live_membership.py`). Margin: metres within the group's spread, negative beyond. Value:
    # seconds since it was first found so.
    JOINED = "joined"
    LEFT_GROUP = "left_group"
    # Of a group. Margin: the spread less the metres between the two bodies that are nearest. Value: seconds since.
    SPLIT = "split"
    REUNITED = "reunited"

    # Of a group and its route (`live_routes.py`). Margin: metres within the corridor, negative beyond it. Value: metres
    # off the route.
    OFF_ROUTE = "off_route"
    BACK_ON_ROUTE = "back_on_route"
    # Margin: metres ahead of the plan, negative behind. Value: seconds late, negative early, as far as that is certain.
    LATE = "late"
    EARLY = "early"
    ON_TIME = "on_time"

    # Of a group (`live_standing.py`). Margin: how uncertain its place is, m. Value: seconds stood, or silent.
    HALTED = "halted"
    MOVING = "moving"
    LOST_CONTACT = "lost_contact"
    HEARD_AGAIN = "heard_again"

    # Of a mover and a boundary (`live_boundaries.py`).
    BOUNDARY_APPROACH = "boundary_approach"
    """Margin: metres it can have been within the distance of approach. Value: seconds to reach it, by arithmetic."""
    BOUNDARY_LEFT = "boundary_left"
    """No longer near. Margin as above."""
    BOUNDARY_CROSSED = "boundary_crossed"
    """Margin: metres by which the report after it is surely clear of the line. Value: 1 if certain."""

    # Of an area and the sensors that are to watch it (`live_coverage.py`). Value: seconds the state before had lasted.
    COVERAGE_BEGAN = "coverage_began"
    """Watched. Margin: metres of the footprint beyond the area."""
    COVERAGE_ENDED = "coverage_ended"
    """Not known to be watched any more, nor that it is not."""
    COVERAGE_GAP = "coverage_gap"
    """Certainly not watched, all its sensors being heard of. Margin: as above, negative."""


LIVE_KINDS = tuple(LiveKind)
"""`LiveFindings.kind` holds places in this list."""

HEIGHTS_NOT_COMPARABLE = 1
"""A flag: the heights are above different things, so they were not compared, and the ground alone decided."""
HEIGHT_UNKNOWN = 2
"""A flag: a height is not known, so every height was held possible."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveFinding:
    """One row of `LiveFindings`."""

    kind: LiveKind
    subject: str
    other: str
    t_s: float
    lat_deg: float
    lon_deg: float
    margin_m: float
    value: float
    flags: int


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class LiveFindings:
    """n findings. `subject` and `other` hold names ("" where there is none); a figure that does not apply is NaN.

    `t_s` is seconds since 1970 UTC, the place in degrees WGS 84. `LiveKind` says what `margin_m` and `value` are.
    """

    kind: ByteArray  # (n,) places in LIVE_KINDS
    subject: Names  # (n,)
    other: Names  # (n,)
    t_s: FloatArray  # (n,)
    lat_deg: FloatArray  # (n,)
    lon_deg: FloatArray  # (n,)
    margin_m: FloatArray  # (n,)
    value: FloatArray  # (n,)
    flags: ByteArray  # (n,) sums of HEIGHTS_NOT_COMPARABLE and HEIGHT_UNKNOWN

    @classmethod
    def of(
        cls,
        kind: LiveKind | npt.ArrayLike,
        subject: Sequence[str] | Names,
        t_s: npt.ArrayLike,
        lat_deg: npt.ArrayLike,
        lon_deg: npt.ArrayLike,
        *,
        other: str | Sequence[str] | Names = "",
        margin_m: npt.ArrayLike = np.nan,
        value: npt.ArrayLike = np.nan,
        flags: npt.ArrayLike = 0,
    ) -> LiveFindings:
        """As many findings as there are subjects; what is one figure (or one name) for all of them is repeated.

        `kind` is one kind, or n places in LIVE_KINDS.
        """
        n = len(subject)
        if n == 0:
            return cls.none()

        def column(values: npt.ArrayLike, dtype: type) -> npt.NDArray[Any]:
            return np.ascontiguousarray(np.broadcast_to(np.asarray(values, dtype=dtype), n))

        return cls(
            kind=column(LIVE_KINDS.index(kind) if isinstance(kind, LiveKind) else kind, np.uint8),
            subject=column(subject, object),
            other=column(other, object),
            t_s=column(t_s, np.float64),
            lat_deg=column(lat_deg, np.float64),
            lon_deg=column(lon_deg, np.float64),
            margin_m=column(margin_m, np.float64),
            value=column(value, np.float64),
            flags=column(flags, np.uint8),
        )

    @classmethod
    def none(cls) -> LiveFindings:
        """No findings."""
        return _NOTHING

    @classmethod
    def joined(cls, parts: Iterable[LiveFindings]) -> LiveFindings:
        """The findings of all parts, one after the other."""
        some = [part for part in parts if len(part)]
        if len(some) <= 1:
            return some[0] if some else cls.none()
        columns = {
            field.name: np.concatenate([getattr(part, field.name) for part in some]) for field in fields(LiveFindings)
        }
        return cls(**columns)

    def __repr__(self) -> str:
        counts = np.bincount(self.kind, minlength=len(LIVE_KINDS)).tolist()
        told = ", ".join(f"{kind} {count}" for kind, count in zip(LIVE_KINDS, counts, strict=True) if count)
        return f"<LiveFindings: {told or 'none'}>"

    def __len__(self) -> int:
        return len(self.kind)

    def __getitem__(self, index: int) -> LiveFinding:
        return LiveFinding(
            kind=LIVE_KINDS[self.kind[index]],
            subject=self.subject[index],
            other=self.other[index],
            t_s=float(self.t_s[index]),
            lat_deg=float(self.lat_deg[index]),
            lon_deg=float(self.lon_deg[index]),
            margin_m=float(self.margin_m[index]),
            value=float(self.value[index]),
            flags=int(self.flags[index]),
        )

    def __iter__(self) -> Iterator[LiveFinding]:
        return (self[i] for i in range(len(self)))

    def where(self, rows: npt.NDArray[np.bool_] | npt.NDArray[np.intp]) -> LiveFindings:
        """Some of them: those where a mask is true, or those at the places given, in that order."""
        return LiveFindings(**{field.name: getattr(self, field.name)[rows] for field in fields(LiveFindings)})

    def of_kind(self, *kinds: LiveKind) -> LiveFindings:
        """Those of the kinds given."""
        return self.where(np.isin(self.kind, [LIVE_KINDS.index(kind) for kind in kinds]))

    def to_dicts(self) -> list[dict[str, str | float | int | None]]:
        """One dictionary each, ready for JSON: a figure that is not a finite number is None."""
        columns: dict[str, list[Any]] = {
            "kind": [LIVE_KINDS[kind].value for kind in self.kind.tolist()],
            "subject": self.subject.tolist(),
            "other": self.other.tolist(),
        }
        for name in ("t_s", "lat_deg", "lon_deg", "margin_m", "value"):
            figures = getattr(self, name)
            columns[name] = [figure if math.isfinite(figure) else None for figure in figures.tolist()]
        columns["flags"] = self.flags.tolist()
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]


_BYTES, _NAMES, _FIGURES = np.empty(0, dtype=np.uint8), np.empty(0, dtype=object), np.empty(0)
_NOTHING = LiveFindings(
    kind=_BYTES,
    subject=_NAMES,
    other=_NAMES,
    t_s=_FIGURES,
    lat_deg=_FIGURES,
    lon_deg=_FIGURES,
    margin_m=_FIGURES,
    value=_FIGURES,
    flags=_BYTES,
)
"""The same for all: most calls find nothing, and columns take longer to make than small batches to look at."""


class Watcher(Protocol):
    """Whatever `Watch` hands positions to. It keeps what it must know of movers under their numbers."""

    def feed(self, batch: Batch, movers: Movers) -> LiveFindings:
        """What these positions show. `movers` already holds them; where they were before is in the batch."""

    def tick(self, now_s: float, movers: Movers) -> LiveFindings:
        """What the passing of time shows. `now_s` never goes back."""

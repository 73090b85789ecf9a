"""What an audit is asked: which files, by which rules, in which slices of time."""

from __future__ import annotations

import math
from dataclasses import dataclass

import msgspec

from keepclear.errors import Malformed

DAY_S = 86_400.0
SHORTEST_SLICE_S = 60.0


class Rules(msgspec.Struct, frozen=True, kw_only=True):
    """What counts.

    Two tracks are in conflict where they are nearer than `across_m` on the ground and `height_m` in height (None: at
    any height) at one moment; they meet where they are nearer than `encounter_m` at any height (None: encounters are
    not asked for). Two reports of a track further apart in time than `max_gap_s` are not joined.
    """

    across_m: float = 9_260.0
    height_m: float | None = 300.0
    encounter_m: float | None = None
    max_gap_s: float = 300.0

    def checked(self) -> Rules:
        """These rules; raises `Malformed` naming the one that makes no sense."""
        for field in ("across_m", "height_m", "encounter_m", "max_gap_s"):
            value = getattr(self, field)
            if value is not None and not 0.0 < value < math.inf:
                raise Malformed(f"must be above 0, not {value:g}", field=field, code="not_positive", value=value)
        return self


class InputFile(msgspec.Struct, frozen=True, kw_only=True):
    """A file as it was when the audit began: one that has changed since is another input."""

    path: str
    size: int
    changed_ns: int


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """A whole audit. `bounds_s` are the n + 1 bounds of n slices, seconds since 1970."""

    files: tuple[InputFile, ...]
    rules: Rules
    bounds_s: tuple[float, ...]

    def slices(self) -> list[Slice]:
        """The slices in order of time."""
        return [Slice(k, self.bounds_s[k], self.bounds_s[k + 1]) for k in range(len(self.bounds_s) - 1)]


@dataclass(frozen=True, slots=True)
class Slice:
    """From `from_s` up to, not including, `upto_s`."""

    number: int
    from_s: float
    upto_s: float


def bounds(first_s: float, last_s: float, rows: int, rows_a_slice: int) -> tuple[float, ...]:
    """Bounds of slices of one length, whole minutes, that hold about `rows_a_slice` rows each on the average.

    They reach from the first report to beyond the last. No slice is longer than a day or shorter than a minute.
    """
    share = rows_a_slice / max(rows, 1)
    length = min(max((last_s - first_s) * share, SHORTEST_SLICE_S), DAY_S)
    length = math.floor(length / SHORTEST_SLICE_S) * SHORTEST_SLICE_S
    begin = math.floor(first_s / SHORTEST_SLICE_S) * SHORTEST_SLICE_S
    count = math.floor((last_s - begin) / length) + 1
    return tuple(begin + k * length for k in range(count + 1))

"""What slices find, as rows; and one row for what went on across the bound of two slices."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

import numpy as np
import numpy.typing as npt

from keepclear.geometry.earth import FloatArray

TextArray = npt.NDArray[np.object_]

CONFLICT, ENCOUNTER = "conflict", "encounter"
JOIN_S = 1e-5
"""Breaches of one pair nearer in time than this are one, as in `conflict`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Findings:
    """n findings. Each array has shape (n,); `a` comes before `b` in the order of letters.

    From `starts_s` to `ends_s` the two tracks were too near; nearest at `nearest_s`, (`lat_deg`, `lon_deg`) halfway
    between them, `horizontal_m` and `vertical_m` apart then (NaN where a height is unknown or not comparable).
    """

    rule: TextArray
    a: TextArray
    b: TextArray
    starts_s: FloatArray
    ends_s: FloatArray
    nearest_s: FloatArray
    horizontal_m: FloatArray
    vertical_m: FloatArray
    lat_deg: FloatArray
    lon_deg: FloatArray

    def __len__(self) -> int:
        return len(self.starts_s)

    def take(self, at: npt.NDArray[np.int64] | npt.NDArray[np.bool_]) -> Findings:
        """The findings at these places, in this order."""
        return Findings(**{field.name: getattr(self, field.name)[at] for field in fields(self)})


def together(parts: list[Findings]) -> Findings:
    """All findings of several parts, one after the other."""
    return Findings(
        **{
            field.name: np.concatenate([getattr(part, field.name) for part in parts])
            if parts
            else np.empty(0, dtype=object if field.name in ("rule", "a", "b") else np.float64)
            for field in fields(Findings)
        }
    )


def joined(found: Findings) -> Findings:
    """Findings of one pair by one rule that follow upon one another, made one; in order of rule, pair and time."""
    if not len(found):
        return found
    # Whole numbers for the texts, so that sorting does not compare them again and again.
    codes = [np.unique(texts, return_inverse=True)[1] for texts in (found.rule, found.a, found.b)]
    found = found.take(np.lexsort((found.ends_s, found.starts_s, codes[2], codes[1], codes[0])))
    same = (found.rule[1:] == found.rule[:-1]) & (found.a[1:] == found.a[:-1]) & (found.b[1:] == found.b[:-1])
    first = np.flatnonzero(np.append(True, ~same.astype(bool)))
    until = np.array(found.ends_s)  # the latest end of the pair so far
    for start, stop in zip(first.tolist(), [*first.tolist()[1:], len(found)], strict=True):
        if stop - start > 1:
            until[start:stop] = np.maximum.accumulate(found.ends_s[start:stop])
    begins = np.append(True, ~same.astype(bool) | (found.starts_s[1:] > until[:-1] + JOIN_S))
    starts = np.flatnonzero(begins)
    which = np.cumsum(begins) - 1
    # Of each whole the nearest moment: the least distance, then the least gap, then the earliest.
    best = np.lexsort((found.nearest_s, found.vertical_m, found.horizontal_m, which))
    nearest = best[np.searchsorted(which[best], np.arange(len(starts)))]
    return replace(
        found.take(nearest), starts_s=found.starts_s[starts], ends_s=np.maximum.reduceat(found.ends_s, starts)
    )


class AcrossBounds:
    """Joins the findings of slices given in order of time; keeps back only what may go on beyond the next bound."""

    def __init__(self) -> None:
        self._open = together([])

    def add(self, found: Findings, upto_s: float) -> Findings:
        """What is finished after the slice that ends at `upto_s`; findings of later slices start no earlier."""
        whole = joined(together([self._open, found]))
        lasts = whole.ends_s + JOIN_S >= upto_s
        self._open = whole.take(np.flatnonzero(lasts))
        return whole.take(np.flatnonzero(~lasts))

    def rest(self) -> Findings:
        """What was still kept back."""
        rest, self._open = self._open, together([])
        return rest

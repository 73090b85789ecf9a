"""States that hold until something else is shown, for many things at once and over many rows in order."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from keepclear.geometry.columns import IntArray
from keepclear.geometry.earth import FloatArray
from keepclear.geometry.shapes import BoolArray


class Switches:
    """n things, each on or off; off at first."""

    __slots__ = ("on",)

    def __init__(self, n: int) -> None:
        self.on: BoolArray = np.zeros(n, dtype=bool)

    def turn(self, which: IntArray, on: BoolArray, off: BoolArray) -> tuple[IntArray, IntArray]:
        """Go through rows in order, each of one thing and shown on, shown off, or neither: the rows at which a thing
        turned on, and those at which one turned off."""
        now = self.on[which]
        if not ((on & ~now) | (off & now)).any():  # as nearly always
            return np.empty(0, dtype=np.int64), np.empty(0, dtype=np.int64)
        order = np.argsort(which, kind="stable")
        thing = which[order]
        said = np.where(on[order], 1, np.where(off[order], 0, -1))
        first, start, last = _runs_of(thing)
        row = np.arange(len(thing))
        newest = np.maximum.accumulate(np.where(said >= 0, row, -1))
        state = np.where(newest >= start, said[newest] == 1, self.on[thing])
        before = np.where(first, self.on[thing], np.roll(state, 1))
        self.on[thing[last]] = state[last]
        return np.sort(order[state & ~before]), np.sort(order[before & ~state])


class Turn(NamedTuple):
    """A run that came to last, or ceased: the row that shows it, and since when and by how many rows it ran."""

    row: IntArray
    since_s: FloatArray


class Runs:
    """For each of many keys, the last rows of it in a row that showed something: how many, since when, until when.

    A run breaks at a row that shows it is not so, or after more than the gap without a row. It lasts once it holds
    `rows` of them or more over `lasting_s` or more. Keys are whole numbers; those with no run are forgotten.
    """

    __slots__ = ("count", "keys", "lasting_s", "rows", "since_s", "until_s")

    def __init__(self, rows: int, lasting_s: float) -> None:
        self.rows = rows
        self.lasting_s = lasting_s
        self.keys: IntArray = np.empty(0, dtype=np.int64)
        self.count: IntArray = np.empty(0, dtype=np.int64)
        self.since_s: FloatArray = np.empty(0)
        self.until_s: FloatArray = np.empty(0)

    def of(self, keys: IntArray) -> tuple[IntArray, FloatArray, FloatArray]:
        """How many rows the run of each key has (0: none), since when and until when."""
        if not len(self.keys):
            return np.zeros(len(keys), dtype=np.int64), np.full(len(keys), np.nan), np.full(len(keys), np.nan)
        slot = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        there = self.keys[slot] == keys
        return (
            np.where(there, self.count[slot], 0),
            np.where(there, self.since_s[slot], np.nan),
            np.where(there, self.until_s[slot], np.nan),
        )

    def lasting(self) -> BoolArray:
        """Which of `keys` have a run that lasts."""
        return self._lasts(self.count, self.since_s, self.until_s)

    def add(self, keys: IntArray, t_s: FloatArray, shown: BoolArray, gap_s: FloatArray) -> tuple[Turn, Turn]:
        """Go through rows in order: where a run came to last, and where one that lasted ceased."""
        active = keys[shown | (self.of(keys)[0] > 0)]
        if not len(active):
            none = Turn(np.empty(0, dtype=np.int64), np.empty(0))
            return none, none
        rows = np.flatnonzero(np.isin(keys, active))  # of the others nothing can come
        order = rows[np.argsort(keys[rows], kind="stable")]
        key, t, show, gap = keys[order], t_s[order], shown[order], gap_s[order]
        first, start, last = _runs_of(key)
        held, held_since, held_until = self.of(key)
        row = np.arange(len(key))
        goes_on = np.where(first, (held > 0) & ~(t - held_until > gap), np.roll(show, 1) & ~(t - np.roll(t, 1) > gap))
        begins = np.maximum.accumulate(np.where(~(show & goes_on), row, -1))  # the last row that was not a going on
        from_held = begins < start
        count = np.where(from_held, held + row - start + 1, row - begins + 1)
        since = np.where(from_held, held_since, t[begins])
        count = np.where(show, count, 0)
        lasts = show & self._lasts(count, since, t)
        lasted = self._lasts(held, held_since, held_until)
        before = np.where(first, lasted, np.roll(lasts, 1))
        before_since = np.where(first, held_since, np.roll(since, 1))
        came = lasts & ~(before & goes_on)
        ceased = before & ~(show & goes_on)
        self._keep(key[last], count[last], since[last], t[last])
        return Turn(order[came], since[came]), Turn(order[ceased], before_since[ceased])

    def _lasts(self, count: IntArray, since_s: FloatArray, until_s: FloatArray) -> BoolArray:
        return np.asarray((count >= max(self.rows, 1)) & (until_s - since_s >= self.lasting_s))

    def _keep(self, keys: IntArray, count: IntArray, since_s: FloatArray, until_s: FloatArray) -> None:
        others = ~np.isin(self.keys, keys, assume_unique=True)
        some = count > 0
        merged = np.concatenate((self.keys[others], keys[some]))
        order = np.argsort(merged)
        self.keys = merged[order]
        self.count = np.concatenate((self.count[others], count[some]))[order]
        self.since_s = np.concatenate((self.since_s[others], since_s[some]))[order]
        self.until_s = np.concatenate((self.until_s[others], until_s[some]))[order]


def _runs_of(sorted_keys: IntArray) -> tuple[BoolArray, IntArray, BoolArray]:
    """Of rows in order of key: which are the first of their key, at which row each one's key begins, which are last."""
    first = np.append(True, sorted_keys[1:] != sorted_keys[:-1])
    start = np.maximum.accumulate(np.where(first, np.arange(len(first)), 0))
    return first, start, np.append(first[1:], True)

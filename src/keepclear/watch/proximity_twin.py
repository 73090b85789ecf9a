"""Who is near whom without the compiled kernel: every report held against every mover, in NumPy."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from keepclear.geometry.columns import IntArray
from keepclear.geometry.earth import FloatArray
from keepclear.geometry.pack import lengths_m
from keepclear.watch.batch import Batch
from keepclear.watch.live_findings import HEIGHT_UNKNOWN, HEIGHTS_NOT_COMPARABLE
from keepclear.watch.sightings import APART, NEAR, SEEN

_DEPTH_M = 0.001
_T, _LAT, _LON, _ALT, _DATUM = range(5)


class NeighboursTwin:
    """The same as `Neighbours`, with distances from PROJ."""

    def __init__(self, radius_m: float, vertical_m: float, max_age_s: float, hysteresis: float) -> None:
        self._radius_m, self._vertical_m = radius_m, vertical_m
        self._max_age_s, self._wider = max_age_s, 1.0 + hysteresis
        self._last = np.empty((0, 5))
        self._place = np.empty((0, 3))
        self._near: list[set[int]] = []

    def feed(self, batch: Batch, movers: int) -> npt.NDArray[np.void]:
        """What the reports show, shape (n,) of `SEEN`."""
        more = movers - len(self._last)
        self._last = np.vstack((self._last, np.full((more, 5), np.nan)))
        self._place = np.vstack((self._place, np.full((more, 3), np.nan)))
        self._near += [set() for _ in range(more)]
        found: list[tuple[object, ...]] = []
        for row in range(len(batch)):
            found += self._report(batch, row)
        return np.array(found, dtype=SEEN)

    def _report(self, batch: Batch, row: int) -> list[tuple[object, ...]]:
        who = int(batch.mover[row])
        t, lat, lon = batch.t_s[row], batch.lat_deg[row], batch.lon_deg[row]
        self._last[who] = t, lat, lon, batch.alt_m[row], batch.datum[row]
        self._place[who] = batch.place[row]
        # No one is nearer along the ground than straight through it.
        straight = np.linalg.norm(self._place - batch.place[row], axis=1)
        at_hand = straight <= self._radius_m * self._wider + 1.0
        at_hand[list(self._near[who])] = True
        at_hand[who] = False
        numbers = np.flatnonzero(at_hand & (np.abs(self._last[:, _T] - t) <= self._max_age_s))
        metres = self._metres(who, numbers)
        up, flags = self._heights(who, numbers)
        for number in self._near[who] - set(numbers.tolist()):
            self._forget(who, number)
        found: list[tuple[object, ...]] = []
        for what in (APART, NEAR):
            reach = self._wider if what == APART else 1.0
            within = metres < self._radius_m * reach - _DEPTH_M
            within &= up < self._vertical_m * reach - _DEPTH_M
            for k, number in enumerate(numbers.tolist()):
                was = number in self._near[who]
                if was == (what == NEAR) or within[k] == was:
                    continue
                if was:
                    self._forget(who, number)
                else:
                    self._near[who].add(number)
                    self._near[number].add(who)
                halfway = 0.5 * (self._place[who] + self._place[number])
                margin = self._radius_m - metres[k]
                found.append((what, int(flags[k]), row, who, number, t, tuple(halfway), margin, metres[k]))
        return found

    def pairs(self) -> IntArray:
        """The pairs that are near, shape (n, 2)."""
        pairs = [(one, other) for one, circle in enumerate(self._near) for other in circle if one < other]
        return np.array(pairs, dtype=np.int64).reshape(-1, 2)

    def _forget(self, one: int, other: int) -> None:
        self._near[one].discard(other)
        self._near[other].discard(one)

    def _metres(self, who: int, numbers: IntArray) -> FloatArray:
        last, here = self._last[numbers], self._last[who]
        same = np.ones(len(numbers))
        return lengths_m(here[_LAT] * same, here[_LON] * same, last[:, _LAT], last[:, _LON])

    def _heights(self, who: int, numbers: IntArray) -> tuple[FloatArray, npt.NDArray[np.uint8]]:
        """Metres between heights, 0 where they cannot be compared, and flags that say so."""
        up, flags = np.zeros(len(numbers)), np.zeros(len(numbers), dtype=np.uint8)
        if math.isinf(self._vertical_m):
            return up, flags
        last, here = self._last[numbers], self._last[who]
        apart = np.abs(last[:, _ALT] - here[_ALT])
        flags[np.isnan(apart)] = HEIGHT_UNKNOWN
        other_datum = last[:, _DATUM] != here[_DATUM]
        flags[other_datum] = HEIGHTS_NOT_COMPARABLE
        return np.where(flags > 0, up, apart), flags

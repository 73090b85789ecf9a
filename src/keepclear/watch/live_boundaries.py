"""Members of groups and lines they should not cross: `watch/boundary.py`, kept up to date.

Approaching: the last report can, with its uncertainty and the line's, be within `approach_m`. Crossed: an even way goes
from one side to the other; certainly so once it was first on one side and then on the other by more than the
uncertainties, which may be known only later, and is then told again. Of lines farther away nothing is worked out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keepclear.geometry.columns import IntArray
from keepclear.geometry.earth import FloatArray
from keepclear.geometry.pack import LONGEST_LEG_M
from keepclear.geometry.shapes import BoolArray
from keepclear.model.boundaries import Boundary
from keepclear.watch.live_findings import LiveFindings, LiveKind
from keepclear.watch.live_ground import apart_m, between, latlon, stray_m
from keepclear.watch.live_groups import Following, Heard
from keepclear.watch.live_lines import APART, CROSSINGS, FIRST_SHARE, LEAST, SHARE, Lines, legs_and_lines
from keepclear.watch.live_switches import Runs


@dataclass(frozen=True, slots=True)
class _Unclear:
    """What is open of a mover whose last report may lie on either side: was it clear of the line before, how many times
    did its way cross since, and when and where first."""

    had_clear: bool
    crossings: int
    first_s: float
    first_place: FloatArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Nearest:
    """How near a mover came to a boundary, of what was near enough to be worked out: when, metres, and at least."""

    at_s: float
    nearest_m: float
    low_m: float


class Boundaries:
    """`BOUNDARY_APPROACH`, `BOUNDARY_LEFT` and `BOUNDARY_CROSSED` of members of groups and boundaries.

    Keys are a mover's number times the number of boundaries, plus the boundary's. `near` holds the runs of reports that
    may be within `approach_m`; `crossed` of each key that crossed when, and whether that is certain: the first certain
    crossing, or the first of all. Reports farther apart than `max_gap_s` are not joined.
    """

    def __init__(self, following: Following, boundaries: Sequence[Boundary], *, max_gap_s: float = 10_800.0) -> None:
        self._following = following
        self._boundaries = tuple(boundaries)
        self._max_gap_s = max_gap_s
        self.ids = np.array([boundary.id for boundary in boundaries], dtype=object)
        self._approach_m = np.array([boundary.approach_m for boundary in boundaries])
        self._doubt_m = np.array([boundary.uncertainty_m for boundary in boundaries])
        self.lines = Lines.of([_points(boundary) for boundary in boundaries])
        firsts = zip(self.lines.block_from[:-1].tolist(), self.lines.block_from[1:].tolist(), strict=True)
        self._balls = [self.lines.balls[first:last] for first, last in firsts]
        self.near = Runs(1, 0.0)
        self.crossed: dict[int, tuple[float, bool]] = {}
        self._unclear: dict[int, _Unclear] = {}
        self._nearest = np.empty((0, 4))  # key, metres, s, metres at least

    def key(self, mover: int, boundary: int) -> int:
        """The key of a mover and a boundary."""
        return mover * len(self._boundaries) + boundary

    def nearest(self, mover: int, boundary: int) -> Nearest | None:
        """How near a mover came to a boundary; None if it was never near enough to be worked out."""
        slot = int(np.searchsorted(self._nearest[:, 0], self.key(mover, boundary)))
        if slot == len(self._nearest) or self._nearest[slot, 0] != self.key(mover, boundary):
            return None
        _, metres, at, low = self._nearest[slot].tolist()
        return Nearest(at_s=at, nearest_m=metres, low_m=low)

    def hear(self, heard: Heard) -> LiveFindings:
        """What reports show."""
        rows = np.flatnonzero(heard.group >= 0)
        if not len(rows) or not self._boundaries:
            return LiveFindings.none()
        batch = heard.batch
        joined = batch.joined[rows] & (batch.t_s[rows] - batch.before_t_s[rows] <= self._max_gap_s)
        end = batch.place[rows]
        begin = np.where(joined[:, None], batch.before_place[rows], end)
        length = apart_m(begin, end)
        doubt = batch.uncertainty_m[rows]
        before = self._doubt_before(batch.mover[rows], joined)
        stray = stray_m(length, np.full(len(rows), 0.5))
        near, line = self._pairs(begin, end, np.fmax(doubt, before) + stray)
        found = self._measured(near, line, begin, end, length, np.fmax(doubt, before) + stray)
        times = _times(batch.before_t_s[rows], batch.t_s[rows], joined)
        key = batch.mover[rows[near]] * len(self._boundaries) + line
        clear_m = found[:, APART] - doubt[near] - self._doubt_m[line]
        at = times[near, 0] + found[:, SHARE] * (times[near, 1] - times[near, 0])
        low = np.maximum(0.0, found[:, LEAST] - (np.fmax(doubt, before) + stray)[near] - self._doubt_m[line])
        self._keep_nearest(key, found[:, LEAST], at, low)
        return LiveFindings.joined(
            (
                *self._approaches(heard, rows, near, line, clear_m),
                self._crossings(heard, rows, near, line, found, clear_m, joined, begin, end, times),
            )
        )

    def _doubt_before(self, mover: IntArray, joined: BoolArray) -> FloatArray:
        """How uncertain the report before was; nothing where it is not joined."""
        reports = self._following.reports
        before = reports.reports[mover, (reports.heard[mover] - 2) % reports.reports.shape[1], 4]
        return np.where(joined, before, 0.0)

    def _pairs(self, begin: FloatArray, end: FloatArray, doubt: FloatArray) -> tuple[IntArray, IntArray]:
        """The legs and the boundaries that may be near one another."""
        middle, half = (begin + end) / 2, np.sqrt(((end - begin) ** 2).sum(axis=1)) / 2
        found = []
        for k, balls in enumerate(self._balls):
            reach = self._approach_m[k] + self._doubt_m[k] + doubt + half + 10.0
            around = (balls[:, :3].min(axis=0) + balls[:, :3].max(axis=0)) / 2
            size = (np.sqrt(((balls[:, :3] - around) ** 2).sum(axis=1)) + balls[:, 3]).max()
            near = np.flatnonzero(np.sqrt(((middle - around) ** 2).sum(axis=1)) <= size + reach)
            if len(near):
                away = np.sqrt(((middle[near, None] - balls[None, :, :3]) ** 2).sum(axis=2)) - balls[:, 3]
                near = near[away.min(axis=1) <= reach[near]]
            found.append(np.column_stack((near, np.full(len(near), k))))
        pairs = np.concatenate(found)
        return pairs[:, 0], pairs[:, 1]

    def _measured(
        self, near: IntArray, line: IntArray, begin: FloatArray, end: FloatArray, length: FloatArray, doubt: FloatArray
    ) -> FloatArray:
        """`legs_and_lines` of legs of any length: in pieces no longer than 10 km, put together again."""
        parts = np.maximum(1, np.ceil(length[near] / LONGEST_LEG_M)).astype(np.int64)
        pair = np.repeat(np.arange(len(near)), parts)
        part = np.arange(len(pair)) - np.repeat(np.cumsum(parts) - parts, parts)
        leg = near[pair]
        ends = [between(begin[leg], end[leg], (part + k) / parts[pair]) for k in (0, 1)]
        reach = (self._approach_m + self._doubt_m)[line[pair]] + doubt[leg]
        found = legs_and_lines(self.lines, line[pair], ends[0], ends[1], reach)
        if (parts == 1).all():
            return found
        for column in (SHARE, FIRST_SHARE):
            found[:, column] = (part + found[:, column]) / parts[pair]
        whole = found[np.cumsum(parts) - 1]  # the last piece ends at the report
        order = np.lexsort((found[:, LEAST], pair))
        best = order[np.append(True, pair[order][1:] != pair[order][:-1])]
        whole[:, (LEAST, SHARE)] = found[best][:, (LEAST, SHARE)]
        whole[:, CROSSINGS] = np.bincount(pair, weights=found[:, CROSSINGS], minlength=len(near))
        whole[:, FIRST_SHARE] = np.nan
        np.fmin.at(whole[:, FIRST_SHARE], pair, found[:, FIRST_SHARE])
        return whole

    def _keep_nearest(self, key: IntArray, nearest: FloatArray, at: FloatArray, low: FloatArray) -> None:
        some = np.isfinite(nearest)
        both = np.concatenate((self._nearest, np.column_stack((key, nearest, at, low))[some]))
        both = both[np.lexsort((both[:, 2], both[:, 1], both[:, 0]))]
        first = np.flatnonzero(np.append(True, both[1:, 0] != both[:-1, 0])) if len(both) else np.empty(0, dtype=int)
        self._nearest = both[first]
        if len(first):
            self._nearest[:, 3] = np.minimum.reduceat(both[:, 3], first)

    def _approaches(
        self, heard: Heard, rows: IntArray, near: IntArray, line: IntArray, clear_m: FloatArray
    ) -> tuple[LiveFindings, LiveFindings]:
        batch, count = heard.batch, len(self._boundaries)
        key = batch.mover[rows[near]] * count + line
        shown = clear_m <= self._approach_m[line]
        # Those near before of which nothing is near now are shown not to be.
        running = self.near.keys
        held = running[np.isin(running // count, batch.mover[rows]) & ~np.isin(running, key)]
        slot = np.full(len(self._following.group_of), -1)
        slot[batch.mover[rows]] = np.arange(len(rows))
        far = slot[held // count]
        keys = np.concatenate((key, held))
        row = np.concatenate((near, far))
        margin = np.concatenate((self._approach_m[line] - clear_m, np.full(len(held), np.nan)))
        t = batch.t_s[rows][row]
        came, went = self.near.add(
            keys, t, np.concatenate((shown, np.zeros(len(held), dtype=bool))), np.full(len(keys), self._max_gap_s)
        )
        told = []
        for kind, turn in ((LiveKind.BOUNDARY_APPROACH, came), (LiveKind.BOUNDARY_LEFT, went)):
            which = rows[row[turn.row]]
            boundary = keys[turn.row] % count
            value = self._reach_s(heard, which, boundary) if kind is LiveKind.BOUNDARY_APPROACH else np.nan
            told.append(
                LiveFindings.of(
                    kind,
                    self._following.names[batch.mover[which]],
                    batch.t_s[which],
                    batch.lat_deg[which],
                    batch.lon_deg[which],
                    other=self.ids[boundary],
                    margin_m=margin[turn.row],
                    value=value,
                )
            )
        return told[0], told[1]

    def _reach_s(self, heard: Heard, which: IntArray, line: IntArray) -> FloatArray:
        """The distance of reports divided by the speed at which it shrank since those before; NaN unless it shrank by
        more than their uncertainties. Arithmetic, no prediction."""
        batch = heard.batch
        everywhere = np.full(len(which), 2e7)
        now, then = (
            legs_and_lines(self.lines, line, place, place, everywhere)[:, APART]
            for place in (
                batch.place[which],
                np.where(np.isnan(batch.before_t_s[which])[:, None], batch.place[which], batch.before_place[which]),
            )
        )
        elapsed = batch.t_s[which] - batch.before_t_s[which]
        heard_before = ~np.isnan(elapsed) & (elapsed <= self._max_gap_s)
        doubt = batch.uncertainty_m[which] + self._doubt_before(batch.mover[which], heard_before)
        shrunk = then - now
        good = heard_before & (shrunk > doubt)
        return np.where(good, now * elapsed / np.where(good, shrunk, 1.0), np.nan)

    def _crossings(
        self,
        heard: Heard,
        rows: IntArray,
        near: IntArray,
        line: IntArray,
        found: FloatArray,
        clear_m: FloatArray,
        joined: BoolArray,
        begin: FloatArray,
        end: FloatArray,
        times: FloatArray,
    ) -> LiveFindings:
        """Goes one by one through what crossed, and what is not clear of a line: few at any time."""
        batch, count = heard.batch, len(self._boundaries)
        key = batch.mover[rows[near]] * count + line
        open_keys = np.array(sorted(self._unclear), dtype=np.int64)
        here = set(batch.mover[rows].tolist()) if len(open_keys) else set()
        gone = set(open_keys.tolist()) - set(key.tolist())
        told: list[tuple[int, int, float, FloatArray, float, bool]] = []  # mover, boundary, s, place, margin, certain
        looked = np.flatnonzero((found[:, CROSSINGS] > 0) | (clear_m <= 0.0) | np.isin(key, open_keys))
        for k in looked.tolist():
            share = float(found[k, FIRST_SHARE])
            row, crossings = int(near[k]), int(found[k, CROSSINGS])
            at, place = np.nan, end[row]
            if crossings:
                at = float(times[row, 0] + share * (times[row, 1] - times[row, 0]))
                place = between(begin[row], end[row], np.asarray(share))
            told += self._look(int(key[k]), bool(joined[row]), crossings, at, place, float(clear_m[k]))
        slot = {mover: row for row, mover in enumerate(batch.mover[rows].tolist())} if gone else {}
        for each in sorted(gone):  # far from the line, so clear of it
            if each // count in here:
                row = slot[each // count]
                told += self._look(each, bool(joined[row]), 0, np.nan, end[row], np.inf)
        lat, lon = latlon(np.array([place for *_, place, _, _ in told]).reshape(-1, 3))
        return LiveFindings.of(
            LiveKind.BOUNDARY_CROSSED,
            self._following.names[[mover for mover, *_ in told]],
            [at for _, _, at, *_ in told],
            lat,
            lon,
            other=self.ids[[boundary for _, boundary, *_ in told]],
            margin_m=[margin for *_, margin, _ in told],
            value=[float(certain) for *_, certain in told],
        )

    def _look(
        self, key: int, joined: bool, crossings: int, at_s: float, place: FloatArray, clear_m: float
    ) -> list[tuple[int, int, float, FloatArray, float, bool]]:
        """What one report shows of a mover and a line: that it crossed, or that a crossing told before is certain."""
        before = self._unclear.pop(key, None)
        clear = clear_m > 0.0
        if not joined:
            if not clear:
                self._unclear[key] = _Unclear(False, 0, np.nan, place)
            return []
        had_clear = before is None or before.had_clear
        earlier = before.crossings if before is not None else 0
        first_s, first_place = (before.first_s, before.first_place) if before and earlier else (at_s, place)
        certain = clear and had_clear and (earlier + crossings) % 2 == 1
        mover, boundary = divmod(key, len(self._boundaries))
        told = []
        if crossings and not (earlier and certain):
            told.append((mover, boundary, at_s, place, clear_m, certain))
        if earlier and certain:
            told.append((mover, boundary, first_s, first_place, clear_m, True))
        for _, _, t, _, _, sure in told:
            known = self.crossed.get(key)
            if known is None or (not sure, t) < (not known[1], known[0]):
                self.crossed[key] = (t, sure)
        if not clear:
            self._unclear[key] = _Unclear(had_clear, earlier + crossings, first_s, first_place)
        return told


def _points(boundary: Boundary) -> tuple[FloatArray, FloatArray, FloatArray]:
    lat = np.array([vertex.lat_deg for vertex in boundary.vertices])
    lon = np.array([vertex.lon_deg for vertex in boundary.vertices])
    return lat, lon, np.full(len(lat), np.nan)


def _times(before: FloatArray, t: FloatArray, joined: BoolArray) -> FloatArray:
    return np.column_stack((np.where(joined, before, t), t))

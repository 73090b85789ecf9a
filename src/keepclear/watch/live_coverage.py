"""Areas watched by sensors that move: from when to when, where there is a gap, and where nobody can tell.

A sensor sees a circle about its place. An area is watched while the whole of it lies within one circle, the uncertainty
of the place and of the way between reports taken off; it is a gap only while it certainly lies whole in none, every one
of its sensors being heard of. All else is unknown: within the uncertainties, and whenever a sensor is silent while no
other watches. Two sensors that see a half each are not held to watch the whole.

An area is its vertices, and a margin about them for one that is a circle: a circle that holds the vertices of an
outline holds the outline.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from keepclear.errors import Malformed
from keepclear.geometry.columns import IntArray
from keepclear.geometry.earth import FloatArray, points_in_space
from keepclear.geometry.pack import LONGEST_LEG_M
from keepclear.model.coverage import CoverageState
from keepclear.watch.batch import Batch, Movers
from keepclear.watch.live_findings import LiveFindings, LiveKind
from keepclear.watch.live_ground import Plane, apart_m, between, latlon, stray_m

_GAP, _UNKNOWN, _WATCHED = range(3)
_STATES = (CoverageState.GAP, CoverageState.UNKNOWN, CoverageState.WATCHED)
_KINDS = (LiveKind.COVERAGE_GAP, LiveKind.COVERAGE_ENDED, LiveKind.COVERAGE_BEGAN)


@dataclass(frozen=True, slots=True, kw_only=True)
class WatchedArea:
    """An area and the sensors that are to watch it, by id. `vertices` is its outline, (latitude, longitude) in degrees,
    or the middle of a circle of `radius_m`."""

    id: str
    vertices: Sequence[tuple[float, float]]
    sensors: Sequence[str]
    radius_m: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What is known of an area from one moment to the next."""

    start_s: float
    end_s: float
    state: CoverageState


class Coverage:
    """`COVERAGE_BEGAN`, `COVERAGE_GAP` and `COVERAGE_ENDED` (unknown from then on) of areas, of which at first nothing
    is known. Told once every sensor of the area that is not silent was heard of after the moment.

    `footprint_m` is the radius that each sensor sees. Reports farther apart than `max_gap_s`, or that the intake did
    not join, are not joined, and a sensor not heard of for as long is silent.
    """

    def __init__(
        self, areas: Sequence[WatchedArea], footprint_m: Mapping[str, float], *, max_gap_s: float = 300.0
    ) -> None:
        for area in areas:
            for sensor in area.sensors:
                if sensor not in footprint_m:
                    raise Malformed(
                        f"{sensor} has no footprint", field=f"areas[{area.id}].sensors", code="missing_field"
                    )
            if not len(area.vertices) or not len(area.sensors):
                field = f"areas[{area.id}].{'vertices' if not len(area.vertices) else 'sensors'}"
                raise Malformed("there must be one at least", field=field, code="empty")
        for sensor, radius in footprint_m.items():
            if not 0.0 < radius < np.inf:
                raise Malformed(f"{radius} is not greater than 0", field=f"footprint_m[{sensor}]", code="out_of_range")
        self._areas = tuple(areas)
        self._max_gap_s = max_gap_s
        self._points = [_in_space(area) for area in areas]
        names = sorted({sensor for area in areas for sensor in area.sensors})
        self._slots = {name: k for k, name in enumerate(names)}
        self._footprint = np.array([footprint_m[name] for name in names])
        pairs = [(self._slots[sensor], k) for k, area in enumerate(areas) for sensor in area.sensors]
        self._sensor = np.array([sensor for sensor, _ in pairs], dtype=np.int64)
        self._area = np.array([area for _, area in pairs], dtype=np.int64)
        self._said = np.full(len(pairs), _UNKNOWN)  # of each pair, by what it last reported
        self._holds = np.full(len(pairs), _UNKNOWN)  # and at the moment up to which its area was told
        self._coming: dict[int, list[tuple[float, int, int, float]]] = {}  # of areas: s, pair, state, margin m
        self._last_s = np.full(len(names), np.nan)
        self._last_doubt = np.full(len(names), np.nan)
        self._newest_s = -np.inf
        self._slot_of = np.empty(0, dtype=np.int64)
        self._told_s = np.full(len(areas), -np.inf)
        self._changes: list[list[tuple[float, int]]] = [[] for _ in areas]

    def feed(self, batch: Batch, movers: Movers) -> LiveFindings:
        """What these positions show. A mover comes no more than once."""
        self._meet(movers)
        slot = self._slot_of[batch.mover]
        rows = np.flatnonzero(slot >= 0)
        if not len(rows):
            return LiveFindings.none()
        self._newest_s = max(self._newest_s, float(batch.t_s[rows].max()))
        joined = batch.joined[rows] & (batch.t_s[rows] - batch.before_t_s[rows] <= self._max_gap_s)
        self._legs(batch, rows, joined)
        self._last_s[slot[rows]] = batch.t_s[rows]
        self._last_doubt[slot[rows]] = batch.uncertainty_m[rows]
        return self._tell(np.unique(self._area[np.isin(self._sensor, slot[rows])]))

    def tick(self, now_s: float, movers: Movers) -> LiveFindings:
        """What the silence of sensors shows."""
        self._newest_s = max(self._newest_s, now_s)
        return self._tell(np.arange(len(self._areas)))

    def spans(self, area: int, start_s: float, end_s: float) -> list[Watched]:
        """What is known of an area between two moments, split where it changes; unknown beyond what was told."""
        told = [(t, state) for t, state in self._changes[area] if t < self._told_s[area]]
        marks = [(-np.inf, _UNKNOWN), *told, (float(self._told_s[area]), _UNKNOWN), (np.inf, _UNKNOWN)]
        found: list[Watched] = []
        for (begin, state), (end, _) in pairwise(marks):
            begin, end = max(begin, start_s), min(end, end_s)
            if begin >= end:
                continue
            if found and found[-1].state is _STATES[state]:
                begin = found.pop().start_s
            found.append(Watched(start_s=begin, end_s=end, state=_STATES[state]))
        return found

    def forget(self, before_s: float) -> None:
        """Keep no more of what was told than is needed from a moment on."""
        for changes in self._changes:
            while len(changes) > 1 and changes[1][0] <= before_s:
                del changes[0]

    def _meet(self, movers: Movers) -> None:
        new = movers.ids[len(self._slot_of) :]
        if len(new):
            slots = [self._slots.get(name, -1) for name in new.tolist()]
            self._slot_of = np.concatenate((self._slot_of, np.array(slots, dtype=np.int64)))

    def _legs(self, batch: Batch, rows: IntArray, joined: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> None:
        """What each leg shows of each area its sensor is to watch."""
        row_of = np.full(len(self._last_s), -1)
        row_of[self._slot_of[batch.mover[rows]]] = np.arange(len(rows))
        pairs = np.flatnonzero(row_of[self._sensor] >= 0)
        leg = row_of[self._sensor[pairs]]
        for pair in pairs[~joined[leg]].tolist():  # silent since it was last heard of
            self._say(pair, float(self._last_s[self._sensor[pair]]), _UNKNOWN, np.nan)
        pairs, leg = pairs[joined[leg]], leg[joined[leg]]
        begin, end = batch.before_place[rows], batch.place[rows]
        before_s, t = batch.before_t_s[rows], batch.t_s[rows]
        length = apart_m(begin, end)
        doubt = np.fmax(batch.uncertainty_m[rows], self._last_doubt[self._slot_of[batch.mover[rows]]])
        doubt = doubt + stray_m(length, np.full(len(rows), 0.5))
        for area in np.unique(self._area[pairs]).tolist():
            mine = self._area[pairs] == area
            some, its = pairs[mine], leg[mine]
            pieces = np.maximum(1, np.ceil(length[its] / LONGEST_LEG_M)).astype(np.int64)
            which = np.repeat(np.arange(len(some)), pieces)
            part = np.arange(len(which)) - np.repeat(np.cumsum(pieces) - pieces, pieces)
            shares = [(part + k) / pieces[which] for k in (0, 1)]
            ends = [between(begin[its[which]], end[its[which]], share) for share in shares]
            reach = self._footprint[self._sensor[some]] - self._areas[area].radius_m
            sure = _within(self._points[area], ends, (reach - doubt[its])[which])
            possible = _within(self._points[area], ends, (reach + doubt[its])[which])
            # Most legs show nothing new: wholly beyond reach, as the one before.
            news = ~np.isnan(possible[:, 0]) | (self._said[some] != _GAP)[which]
            for k in np.flatnonzero(news).tolist():
                pair, row = int(some[which[k]]), int(its[which[k]])
                times = before_s[row] + np.array([shares[0][k], shares[1][k]]) * (t[row] - before_s[row])
                farthest = float(apart_m(end[row], self._points[area]).max())
                margin = float(reach[which[k]]) - farthest
                self._stretch(pair, times, possible[k], sure[k], margin)

    def _stretch(self, pair: int, times: FloatArray, possible: FloatArray, sure: FloatArray, margin: float) -> None:
        """What one piece of a leg shows: a gap, unknown within the possible, watched within the sure."""
        begin, end = times.tolist()
        span = end - begin

        def at(share: float) -> float:
            return float(begin + share * span)

        self._say(pair, begin, _GAP if not possible[0] <= 0.0 else _UNKNOWN if not sure[0] <= 0.0 else _WATCHED, margin)
        if np.isnan(possible[0]):
            return
        if possible[0] > 0.0:
            self._say(pair, at(possible[0]), _UNKNOWN, margin)
        if not np.isnan(sure[0]):
            self._say(pair, at(sure[0]), _WATCHED, margin)
            if sure[1] < 1.0:
                self._say(pair, at(sure[1]), _UNKNOWN, margin)
        if possible[1] < 1.0:
            self._say(pair, at(possible[1]), _GAP, margin)

    def _say(self, pair: int, t: float, state: int, margin: float) -> None:
        if self._said[pair] != state:
            self._said[pair] = state
            self._coming.setdefault(int(self._area[pair]), []).append((t, pair, state, margin))

    def _tell(self, areas: IntArray) -> LiveFindings:
        """The changes of areas up to the moment up to which all their sensors are known, or silent."""
        told: list[tuple[LiveKind, int, float, float, float]] = []
        for area in areas.tolist():
            pairs = np.flatnonzero(self._area == area)
            last = self._last_s[self._sensor[pairs]]
            silent = ~(self._newest_s - last <= self._max_gap_s)
            for pair in pairs[silent & ~np.isnan(last)].tolist():
                self._say(pair, float(self._last_s[self._sensor[pair]]), _UNKNOWN, np.nan)
            known = float(last[~silent].min()) if (~silent).any() else self._newest_s - self._max_gap_s
            if known <= self._told_s[area]:
                continue
            coming = sorted(self._coming.get(area, ()), key=lambda change: change[0])
            due = [change for change in coming if change[0] <= known]
            self._coming[area] = coming[len(due) :]
            for k, (t, pair, state, margin) in enumerate(due):
                t = max(t, float(self._told_s[area]))  # of one that was held to be silent: what was told stands
                self._holds[pair] = state
                if k + 1 < len(due) and due[k + 1][0] == t:
                    continue
                states = self._holds[pairs]
                whole = _WATCHED if (states == _WATCHED).any() else _GAP if (states == _GAP).all() else _UNKNOWN
                changes = self._changes[area]
                before_s, before = changes[-1] if changes else (np.nan, _UNKNOWN)
                if whole != before:
                    changes.append((t, whole))
                    told.append((_KINDS[whole], area, t, margin, t - before_s))
            self._told_s[area] = known
        middles = [self._points[area].mean(axis=0) for _, area, *_ in told]
        lat, lon = latlon(np.array(middles).reshape(-1, 3))
        parts = [
            LiveFindings.of(kind, [self._areas[area].id], t, lat[k], lon[k], margin_m=margin, value=value)
            for k, (kind, area, t, margin, value) in enumerate(told)
        ]
        return LiveFindings.joined(parts)


def _in_space(area: WatchedArea) -> FloatArray:
    lat, lon = np.array(area.vertices, dtype=np.float64).reshape(-1, 2).T
    for name, values, limit in (("lat_deg", lat, 90.0), ("lon_deg", lon, 180.0)):
        if not (np.abs(values) <= limit).all():
            i = int((~(np.abs(values) <= limit)).argmax())
            field = f"areas[{area.id}].vertices[{i}].{name}"
            raise Malformed(f"{values[i]} is not between {-limit:g} and {limit:g}", field=field, code="out_of_range")
    return points_in_space(lat, lon)


def _within(points: FloatArray, ends: list[FloatArray], reach_m: FloatArray) -> FloatArray:
    """From which to which share of n legs, none longer than 10 km, all the points lie within a reach; shape (n, 2), NaN
    where at no time."""
    plane = Plane.at(np.asarray((ends[0] + ends[1]) / 2)[:, None, :])
    begin, end = (plane.to_xy(np.asarray(each)[:, None, :]) for each in ends)  # (n, 1, 2)
    apart, step = begin - plane.to_xy(points[None]), end - begin  # (n, points, 2)
    square = (step * step).sum(axis=-1)
    safe = np.where(square > 0.0, square, 1.0)
    foot = np.where(square > 0.0, -(apart * step).sum(axis=-1) / safe, 0.0)
    miss = ((apart + foot[..., None] * step) ** 2).sum(axis=-1)
    room = np.where(reach_m > 0.0, reach_m, np.nan)[:, None] ** 2 - miss
    half = np.where(square > 0.0, np.sqrt(np.maximum(room, 0.0) / safe), np.inf)
    first = np.where(room >= 0.0, foot - half, np.inf).max(axis=1)
    last = np.where(room >= 0.0, foot + half, -np.inf).min(axis=1)
    # What begins or ends within a millionth of an end of the leg goes on in the next one.
    first, last = np.where(first < 1e-6, 0.0, first), np.where(last > 1.0 - 1e-6, 1.0, last)
    never = ~(first < last)
    return np.column_stack((np.where(never, np.nan, first), np.where(never, np.nan, last)))

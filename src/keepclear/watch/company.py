"""Who comes near whom: the kernels of `kernels/company.c`, and their twins in NumPy."""

from __future__ import annotations

import ctypes

import numpy as np

from keepclear.geometry.columns import IntArray
from keepclear.geometry.earth import FloatArray
from keepclear.geometry.kernels import LIBRARY, pointer
from keepclear.watch.group_reports import DOUBT, JOINED, KEPT, Reports, T, X
from keepclear.watch.live_ground import Plane, apart_m, between, stray_m

(TASK, T0, T1, INNER_T0, NEAREST_T, NEAREST, LOW, HIGH) = range(8)
PLACE, MOVED, OPEN_START, OPEN_END = slice(8, 11), 11, 12, 13
ONE, OTHER, WIDTH = slice(14, 22), slice(22, 30), 30
"""Columns of `meetings`."""
_AT_ONCE = 1_000

if LIBRARY is not None:
    _P, _N, _R = ctypes.c_void_p, ctypes.c_int64, ctypes.c_double
    LIBRARY.kc_near_balls.argtypes = [_N, _P, _P, _N, _P, _P, _R, _R, _P, _N]
    LIBRARY.kc_near_balls.restype = _N
    LIBRARY.kc_track_balls.argtypes = [_N, _P, _P, _P, _N, _P]
    LIBRARY.kc_track_balls.restype = None
    LIBRARY.kc_meetings.argtypes = [_N, *[_P] * 6, _R, _P, _N, _P, _N]
    LIBRARY.kc_meetings.restype = _N


def near_balls(asked: FloatArray, asked_team: IntArray, there: FloatArray, team: IntArray, near_m: float) -> IntArray:
    """Pairs of balls, one of each list and not of one team, that come within a distance of one another; shape (k, 2),
    in order. Balls are x, y, z and radius."""
    if not len(asked) or not len(there):
        return np.empty((0, 2), dtype=np.int64)
    if LIBRARY is None:
        found = near_balls_slowly(asked, asked_team, there, team, near_m)
    else:
        cell = max(near_m, 2.0 * float(np.median(there[:, 3])), 100.0)
        given = tuple(np.ascontiguousarray(array, dtype=np.float64) for array in (asked, there))
        teams = tuple(np.ascontiguousarray(array, dtype=np.int64) for array in (asked_team, team))
        room = 4 * len(asked) + 1024
        while True:
            pairs = np.empty((room, 2), dtype=np.int64)
            count = LIBRARY.kc_near_balls(
                *(len(asked), pointer(given[0]), pointer(teams[0]), len(there), pointer(given[1]), pointer(teams[1])),
                *(near_m, cell, pointer(pairs), room),
            )
            if count < 0:
                raise MemoryError
            if count <= room:
                break
            room = int(count)
        found = pairs[:count]
    return found[np.lexsort((found[:, 1], found[:, 0]))]


def near_balls_slowly(
    asked: FloatArray, asked_team: IntArray, there: FloatArray, team: IntArray, near_m: float
) -> IntArray:
    """The twin of the kernel: each with each."""
    found = [np.empty((0, 2), dtype=np.int64)]
    for first in range(0, len(asked), _AT_ONCE):
        some = slice(first, first + _AT_ONCE)
        away = np.sqrt(((asked[some, None, :3] - there[None, :, :3]) ** 2).sum(axis=2))
        close = away <= near_m + asked[some, None, 3] + there[None, :, 3]
        one, other = np.nonzero(close & (asked_team[some, None] != team[None]))
        found.append(np.column_stack((one + first, other)))
    return np.concatenate(found)


def track_balls(kept: Reports, mover: IntArray) -> FloatArray:
    """A ball that holds all that is kept of each of n movers, shape (n, 4): `kc_track_balls`."""
    if LIBRARY is None:
        return track_balls_slowly(kept, mover)
    balls, movers = np.empty((len(mover), 4)), np.ascontiguousarray(mover, dtype=np.int64)
    reports = (pointer(kept.reports), pointer(kept.heard))
    LIBRARY.kc_track_balls(len(movers), pointer(movers), *reports, KEPT, pointer(balls))
    return balls


def track_balls_slowly(kept: Reports, mover: IntArray) -> FloatArray:
    """The twin of the kernel."""
    balls = np.full((len(mover), 4), np.nan)
    for row, m in enumerate(mover.tolist()):
        if kept.heard[m]:
            places = kept.reports[m, : min(int(kept.heard[m]), KEPT), X]
            low, high = places.min(axis=0), places.max(axis=0)
            square = float(((high - low) ** 2).sum())
            balls[row] = *(low + high) / 2, np.sqrt(square) / 2 + square / (8.0 * 6_335_439.0) + 1.0
    return balls


def meetings(
    kept: Reports,
    mover: IntArray,
    last_from: IntArray,
    other: IntArray,
    other_from: IntArray,
    near_m: FloatArray,
    outer_m: FloatArray,
    gap_s: float,
) -> FloatArray:
    """When n movers, on the legs that their last reports ended, were near others; shape (k, 30): `kc_meetings`.

    In order of task and time.
    """
    if LIBRARY is None:
        rows = meetings_slowly(kept, mover, last_from, other, other_from, near_m, outer_m, gap_s)
    else:
        numbers = [np.ascontiguousarray(array, dtype=np.int64) for array in (mover, last_from, other, other_from)]
        metres = [np.ascontiguousarray(array, dtype=np.float64) for array in (near_m, outer_m)]
        pointers = [pointer(array) for array in (*numbers, *metres)]
        room = 2 * len(mover) + 64
        while True:
            rows = np.empty((room, WIDTH))
            count = LIBRARY.kc_meetings(len(mover), *pointers, gap_s, pointer(kept.reports), KEPT, pointer(rows), room)
            if count <= room:
                break
            room = int(count)
        rows = rows[:count]
    return rows[np.lexsort((rows[:, T0], rows[:, TASK]))]


def meetings_slowly(
    kept: Reports,
    mover: IntArray,
    last_from: IntArray,
    other: IntArray,
    other_from: IntArray,
    near_m: FloatArray,
    outer_m: FloatArray,
    gap_s: float,
) -> FloatArray:
    """The twin of the kernel."""
    found = []
    for task in range(len(mover)):
        last, end = int(last_from[task]) - 1, int(other_from[task]) - 1
        if last < 1 or end < 1:
            continue
        mine = _leg(kept, int(mover[task]), last, gap_s)
        for i in range(end, max(0, end + 2 - KEPT), -1):
            its = _leg(kept, int(other[task]), i, gap_s)
            if mine is not None and its is not None:
                found += _meet(task, mine, its, float(near_m[task]), float(outer_m[task]))
    return np.array(found).reshape(-1, WIDTH)


_Leg = tuple[FloatArray, FloatArray]


def _leg(kept: Reports, mover: int, i: int, gap_s: float) -> _Leg | None:
    before, after = kept.reports[mover, (i - 1) % KEPT], kept.reports[mover, i % KEPT]
    return (before, after) if after[JOINED] > 0.0 and 0.0 < after[T] - before[T] <= gap_s else None


def _at(leg: _Leg, t: float) -> FloatArray:
    return between(leg[0][X], leg[1][X], np.asarray((t - leg[0][T]) / (leg[1][T] - leg[0][T])))


def _apart(one: _Leg, other: _Leg, t: float) -> float:
    return float(np.linalg.norm(_at(one, t) - _at(other, t)))


def _meet(task: int, one: _Leg, other: _Leg, near_m: float, outer_m: float) -> list[list[float]]:
    """The stays of two legs within `outer_m`, as rows: in pieces no longer than 10 km, each on a plane of its own."""
    t0, t1 = max(one[0][T], other[0][T]), min(one[1][T], other[1][T])
    if not t0 < t1:
        return []
    longest = max(float(np.linalg.norm(_at(leg, t1) - _at(leg, t0))) for leg in (one, other))
    pieces = 1 + int(longest / 10_000.0)
    doubts = max(one[0][DOUBT], one[1][DOUBT]) + max(other[0][DOUBT], other[1][DOUBT])
    lengths = tuple(float(apart_m(leg[0][X], leg[1][X])) for leg in (one, other))
    rows: list[list[float]] = []
    for piece in range(pieces):
        s0, s1 = (t0 + (t1 - t0) * k / pieces if 0 < k < pieces else (t0, t1)[k > 0] for k in (piece, piece + 1))
        places = np.array([[_at(leg, s) for s in (s0, s1)] for leg in (one, other)])
        plane = Plane.at(places.mean(axis=(0, 1)))
        xy = plane.to_xy(places)
        apart, change = xy[0, 0] - xy[1, 0], (xy[0, 1] - xy[1, 1]) - (xy[0, 0] - xy[1, 0])
        stay = _within(apart, change, outer_m)
        if stay is None:
            continue
        begin, end = s0 + stay[0] * (s1 - s0), s0 + stay[1] * (s1 - s0)
        if not rows or begin > rows[-1][T1] + 1e-5:
            moved = any(apart_m(leg[0][X], leg[1][X]) > leg[0][DOUBT] + leg[1][DOUBT] for leg in (one, other))
            open_start = begin <= t0 and _apart(one, other, t0) < outer_m - 0.001
            rows.append([task, begin, end, np.nan, np.nan, np.inf, 0.0, 0.0, *[0.0] * 3, moved, open_start, False])
            rows[-1] += [float(figure) for leg in (one, other) for report in leg for figure in report[1:5]]
        row = rows[-1]
        row[T1] = end
        row[OPEN_END] = end >= t1 - 1e-7 and _apart(one, other, t1) < outer_m - 0.001
        inner = _within(apart, change, near_m)
        if inner is not None and np.isnan(row[INNER_T0]):
            row[INNER_T0] = s0 + inner[0] * (s1 - s0)
        square = float(change @ change)
        share = float(np.clip(-(apart @ change) / square, 0.0, 1.0)) if square > 0.0 else 0.0
        distance = float(np.linalg.norm(apart + share * change))
        if distance >= row[NEAREST]:
            continue
        at = s0 + share * (s1 - s0)
        shares = tuple((at - leg[0][T]) / (leg[1][T] - leg[0][T]) for leg in (one, other))
        strays = sum(
            float(stray_m(np.asarray(size), np.asarray(part))) for size, part in zip(lengths, shares, strict=True)
        )
        row[NEAREST_T], row[NEAREST] = at, distance
        row[LOW] = max(0.0, distance - doubts - float(stray_m(np.asarray(sum(lengths)), np.asarray(0.5))))
        row[HIGH] = distance + doubts + strays
        row[PLACE] = ((_at(one, at) + _at(other, at)) / 2).tolist()
    return rows


def _within(apart: FloatArray, change: FloatArray, reach_m: float) -> tuple[float, float] | None:
    """From which to which share of a motion that begins at `apart` the distance is less than a reach."""
    square = float(change @ change)
    foot = -float(apart @ change) / square if square > 0.0 else 0.0
    least = float(np.linalg.norm(apart + min(max(foot, 0.0), 1.0) * change))
    if least >= reach_m:
        return None
    if square == 0.0:
        return 0.0, 1.0
    miss = float(np.linalg.norm(apart + foot * change))
    half = float(np.sqrt(max(reach_m**2 - miss**2, 0.0) / square))
    return max(0.0, foot - half), min(1.0, foot + half)

"""On which legs of their ways two movers are near one another: the kernel of `kernels/near_legs.c`, and its twin.

Distances are along the ground. The twin works on a plane of PROJ about each pair of legs.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence

import numpy as np

from keepclear.geometry.columns import IntArray
from keepclear.geometry.earth import FloatArray, Planes, points_in_space
from keepclear.geometry.kernels import LIBRARY, pointer
from keepclear.geometry.pack import LONGEST_LEG_M, Legs, lengths_m, pairs_in_time
from keepclear.geometry.shapes import TOUCH_M
from keepclear.geometry.surface import places

PAIR, LEG, OTHER_LEG, T0, T1, NEAREST_T, NEAREST = range(7)
PLACE, OPEN_START, OPEN_END, WIDTH = slice(7, 10), 10, 11, 12
"""Columns of `near_legs`."""
FARTHEST_M = 100_000.0
"""Beyond this the kernel's planes bend by more than a centimetre; the twin serves."""
_OPEN_M = 1e-3

if LIBRARY is not None:
    _P, _N = ctypes.c_void_p, ctypes.c_int64
    LIBRARY.kc_near_legs.argtypes = [_N, *[_P] * 5, ctypes.c_double, _P, _N]
    LIBRARY.kc_near_legs.restype = _N


def near_legs(ours: Sequence[Legs], theirs: Sequence[Legs], pairs: IntArray, near_m: float) -> FloatArray:
    """When the movers of n pairs of ways, `pairs` of shape (n, 2), are nearer than `near_m`; shape (k, 12).

    A row is a pair of legs: which pair; the legs; from when to when near, s; the nearest moment s, metres, and the
    point in space halfway between; whether (1) they are nearer already where the time that both legs last begins, and
    where it ends. In order of the pairs, then of the legs. The ways are of `fix_legs`: in order of time, legs cut.
    """
    if LIBRARY is None or near_m > FARTHEST_M:
        return near_legs_slowly(ours, theirs, pairs, near_m)
    which = np.ascontiguousarray(pairs, dtype=np.int64)
    leg_from, legs = _table(ours)
    other_from, others = _table(theirs)
    given = (which, leg_from, legs, other_from, others)
    room = 4 * len(legs) + 64
    while True:
        rows = np.empty((room, WIDTH))
        count = LIBRARY.kc_near_legs(len(which), *(pointer(each) for each in given), near_m, pointer(rows), room)
        if count <= room:
            return rows[:count]
        room = int(count)


def _table(ways: Sequence[Legs]) -> tuple[IntArray, FloatArray]:
    """Where the legs of each way begin, shape (n + 1,), and of each leg two nodes, shape (m, 12)."""
    table = np.zeros((sum(len(way) for way in ways), 12))
    for node, names in ((0, ("t0_s", "lat0_deg", "lon0_deg")), (6, ("t1_s", "lat1_deg", "lon1_deg"))):
        t, lat, lon = (np.concatenate([getattr(way, name) for way in ways]) for name in names)
        table[:, node], table[:, node + 1 : node + 4] = t, places(lat, lon)
    return np.cumsum([0, *(len(way) for way in ways)], dtype=np.int64), table


def near_legs_slowly(ours: Sequence[Legs], theirs: Sequence[Legs], pairs: IntArray, near_m: float) -> FloatArray:
    """The twin of the kernel."""
    found = [np.empty((0, WIDTH))]
    for pair, (i, j) in enumerate(pairs.tolist()):
        rows = _near(ours[i], theirs[j], near_m)
        rows[:, PAIR] = pair
        found.append(rows)
    return np.concatenate(found)


def _near(one: Legs, other: Legs, near_m: float) -> FloatArray:
    leg, other_leg = _overlaps(one, other)
    at_hand = _through_m(one, leg, other, other_leg) < near_m
    leg, other_leg = leg[at_hand], other_leg[at_hand]
    if not len(leg):
        return np.empty((0, WIDTH))
    t0 = np.maximum(one.t0_s[leg], other.t0_s[other_leg])
    t1 = np.minimum(one.t1_s[leg], other.t1_s[other_leg])
    begin = one.at(leg, t0), other.at(other_leg, t0)
    end = one.at(leg, t1), other.at(other_leg, t1)
    at0, at1 = lengths_m(*begin[0], *begin[1]), lengths_m(*end[0], *end[1])
    lat = np.vstack((begin[0][0], end[0][0], begin[1][0], end[1][0]))
    lon = np.vstack((begin[0][1], end[0][1], begin[1][1], end[1][1]))
    planes = Planes.about(lat, lon)
    xy = planes.to_xy(lat, lon)
    apart, change = xy[2] - xy[0], (xy[3] - xy[1]) - (xy[2] - xy[0])
    first, last = _shares_within(apart, change, near_m)
    square = (change * change).sum(axis=1)
    share = np.clip(-(apart * change).sum(axis=1) / np.where(square > 0.0, square, 1.0), 0.0, 1.0)
    place = xy[0] + share[:, None] * (xy[1] - xy[0])
    other_place = xy[2] + share[:, None] * (xy[3] - xy[2])
    lats, lons = planes.to_latlon(np.stack((place, other_place, (place + other_place) / 2)))
    rows = np.empty((len(leg), WIDTH))
    rows[:, LEG], rows[:, OTHER_LEG] = leg, other_leg
    rows[:, T0], rows[:, T1] = t0 + first * (t1 - t0), np.where(last < 1.0, t0 + last * (t1 - t0), t1)
    rows[:, NEAREST_T] = t0 + share * (t1 - t0)
    rows[:, NEAREST] = lengths_m(lats[0], lons[0], lats[1], lons[1])
    rows[:, PLACE] = points_in_space(lats[2], lons[2])
    rows[:, OPEN_START] = (first == 0.0) & (at0 < near_m - _OPEN_M)
    rows[:, OPEN_END] = (last == 1.0) & (at1 < near_m - _OPEN_M)
    return rows[first <= last]


def _through_m(one: Legs, leg: IntArray, other: Legs, other_leg: IntArray) -> FloatArray:
    """A bound that pairs of legs are no nearer than: straight through the earth between their beginnings, less both."""
    begin, other_begin = points_in_space(one.lat0_deg, one.lon0_deg), points_in_space(other.lat0_deg, other.lon0_deg)
    through = begin[leg] - other_begin[other_leg]
    return np.asarray(np.sqrt((through * through).sum(axis=1)) - 2.0 * LONGEST_LEG_M - 1.0, dtype=np.float64)


def _shares_within(apart: FloatArray, change: FloatArray, near_m: float) -> tuple[FloatArray, FloatArray]:
    """From which to which share of its way each of n motions, each from `apart` by `change`, is within `near_m` of 0.

    Both of shape (n,); the first is greater than the last for one that never is.
    """
    length = np.hypot(change[:, 0], change[:, 1])
    goes = length > TOUCH_M
    safe = np.where(goes, length, 1.0)
    nearest = -(apart * change).sum(axis=1) / safe  # metres along the way
    miss = np.abs(apart[:, 0] * change[:, 1] - apart[:, 1] * change[:, 0]) / safe
    half_chord = np.sqrt(np.maximum((near_m - miss) * (near_m + miss), 0.0))
    begins, ends = nearest - half_chord, nearest + half_chord
    never = np.where(
        goes,
        (miss > near_m + TOUCH_M) | (ends < -TOUCH_M) | (begins > length + TOUCH_M),
        np.hypot(apart[:, 0], apart[:, 1]) > near_m + TOUCH_M,
    )
    first = np.where(goes, np.clip(begins / safe, 0.0, 1.0), 0.0)
    last = np.where(goes, np.clip(ends / safe, 0.0, 1.0), 1.0)
    return np.where(never, 1.0, first), np.where(never, 0.0, last)


def _overlaps(one: Legs, other: Legs) -> tuple[IntArray, IntArray]:
    """The pairs of legs that have time in common: more than a moment, unless one of them is itself but a moment."""
    leg, other_leg = pairs_in_time(one, other)
    shared = np.minimum(one.t1_s[leg], other.t1_s[other_leg]) > np.maximum(one.t0_s[leg], other.t0_s[other_leg])
    brief = (one.t0_s[leg] == one.t1_s[leg]) | (other.t0_s[other_leg] == other.t1_s[other_leg])
    return leg[shared | brief], other_leg[shared | brief]

"""What `kernels/ways.c` says of two legs, in NumPy: for many pairs at once, or for one whose movers may be late.

A leg is two nodes of a `Packed`, shape (2, 6): t, x, y, z, lower, upper. `kernels/earth.h` explains planes and places.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from keepclear.conflict.near import Leg, Slack, near
from keepclear.conflict.reasons import DEPTH_M
from keepclear.geometry.areas_twin import MET
from keepclear.geometry.columns import IntArray
from keepclear.geometry.earth import FloatArray

Truths = npt.NDArray[np.bool_]

_MAJOR_M, _ECCENTRICITY2 = 6_378_137.0, 6.69437999014131699614e-3
_MEAN_RADIUS_M, _LEAST_RADIUS_M = 6_371_008.8, 6_335_439.0
_T, _LOWER, _UPPER = 0, 4, 5


def legs_meet(
    legs: FloatArray, others: FloatArray, across_m: FloatArray, height_m: FloatArray
) -> tuple[IntArray, npt.NDArray[np.void]]:
    """Which of n pairs of legs, each (n, 2, 6), come nearer than both figures by more than 1 mm: their places among the
    n, shape (k,), and the stays, shape (k,) of `MET`."""
    keep: IntArray = np.arange(len(legs))
    zero = legs[:, 0, _T]
    t1 = legs[:, 1, _T] - zero
    s0, s1 = others[:, 0, _T] - zero, others[:, 1, _T] - zero
    begin, end = np.maximum(0.0, s0), np.minimum(t1, s1)
    reach = across_m - DEPTH_M
    fits = (begin < end) & (reach > 0.0) & (t1 > 0.0) & (s1 > s0)

    def narrowed(which: Truths) -> None:
        nonlocal keep, legs, others, zero, t1, s0, s1, begin, end, reach, height_m
        keep, legs, others = keep[which], legs[which], others[which]
        columns = (zero, t1, s0, s1, begin, end, reach, height_m)
        zero, t1, s0, s1, begin, end, reach, height_m = (each[which] for each in columns)

    narrowed(fits)
    span, other_span = t1, s1 - s0
    with np.errstate(invalid="ignore"):  # of heights that do not count
        above = np.empty((2, len(keep)))
        below = np.empty((2, len(keep)))
        for k, at in enumerate((begin, end)):
            lower, upper = _bands(legs, at / span)
            other_lower, other_upper = _bands(others, (at - s0) / other_span)
            above[k] = lower - other_upper - (height_m - DEPTH_M)
            below[k] = other_lower - upper - (height_m - DEPTH_M)
    from_, upto = begin.copy(), end.copy()
    fits = np.ones(len(keep), dtype=bool)
    for gap in (above, below):
        fits &= _clip_below(from_, upto, gap[0], gap[1], begin, end)
    narrowed(fits)
    if not len(keep):
        return keep, np.empty(0, dtype=MET)

    span, other_span = t1, s1 - s0
    first, last = (_at(legs, at / span) - _at(others, (at - s0) / other_span) for at in (begin, end))
    part, other_part = (end - begin) / span, (end - begin) / other_span
    bow = (_chord2(legs) * part**2 + _chord2(others) * other_part**2) / (8.0 * _LEAST_RADIUS_M)
    rough = reach + bow + 0.01
    share, square = _least(first, last)
    low, high = _shares_within(first, last, rough)
    fits = square <= rough**2
    share, low, high = share[fits], low[fits], high[fits]
    narrowed(fits)
    span, other_span, length = t1, s1 - s0, end - begin
    nearest = begin + share * length
    begin, end = begin + low * length, begin + high * length

    middle = 0.5 * (_at(legs, nearest / span) + _at(others, (nearest - s0) / other_span))
    plane = Plane(middle)
    first, last = (
        plane.on(_at(legs, at / span)) - plane.on(_at(others, (at - s0) / other_span)) for at in (begin, end)
    )
    share, square = _least(first, last)
    low, high = _shares_within(first, last, reach)
    fits = square < reach**2
    share, square, low, high = share[fits], square[fits], low[fits], high[fits]
    narrowed(fits)
    span, other_span, length = t1, s1 - s0, end - begin
    nearest = begin + share * length
    lower, upper = _bands(legs, nearest / span)
    other_lower, other_upper = _bands(others, (nearest - s0) / other_span)
    stays = np.empty(len(keep), dtype=MET)
    stays["t0_s"], stays["t1_s"] = zero + begin + low * length, zero + begin + high * length
    stays["nearest_s"], stays["horizontal_m"] = zero + nearest, np.sqrt(square)
    stays["vertical_m"] = np.maximum(0.0, np.maximum(lower - other_upper, other_lower - upper))
    stays["place"] = 0.5 * (_at(legs, nearest / span) + _at(others, (nearest - s0) / other_span))
    return keep, stays


def legs_meet_loosely(
    leg: FloatArray, slack: Slack, other: FloatArray, other_slack: Slack, across_m: float, height_m: float
) -> npt.NDArray[np.void] | None:
    """The stay of two movers that may be early or late, shape () of `MET`, or None: `conflict/near.py` on a plane."""
    zero, reach, height = float(leg[0, _T]), across_m - DEPTH_M, height_m - DEPTH_M
    if reach <= 0.0 or leg[1, _T] <= leg[0, _T] or other[1, _T] <= other[0, _T]:
        return None
    ends = np.concatenate((leg[:, 1:4], other[:, 1:4]))
    flat = Plane(ends.mean(axis=0)).on(ends)
    far = float(np.hypot(flat[:, 0], flat[:, 1]).max())
    one, two = _flat(leg, flat[:2], zero), _flat(other, flat[2:], zero)
    met = near(one, two, slack, other_slack, reach * (1.0 + (far / _MEAN_RADIUS_M) ** 2) + 1.0, height)
    if met is None:
        return None
    here = _at(leg[None], np.array([(met.u - one.t0) / (one.t1 - one.t0)]))[0]
    there = _at(other[None], np.array([(met.v - two.t0) / (two.t1 - two.t0)]))[0]
    flat = Plane(0.5 * (here + there)).on(np.concatenate((ends, here[None], there[None])))
    one = _through(_flat(leg, flat[:2], zero), met.u, flat[4])
    two = _through(_flat(other, flat[2:4], zero), met.v, flat[5])
    met = near(one, two, slack, other_slack, reach, height)
    if met is None:
        return None
    here = _at(leg[None], np.array([(met.u - one.t0) / (one.t1 - one.t0)]))[0]
    there = _at(other[None], np.array([(met.v - two.t0) / (two.t1 - two.t0)]))[0]
    lower, upper = one.heights(met.u)
    other_lower, other_upper = two.heights(met.v)
    stay = np.zeros((), dtype=MET)
    stay["t0_s"], stay["t1_s"] = zero + met.t0, zero + met.t1
    stay["nearest_s"] = zero + min(max((met.u + met.v) / 2, met.t0), met.t1)
    stay["horizontal_m"] = math.dist(one.place(met.u), two.place(met.v))
    stay["vertical_m"] = max(0.0, lower - other_upper, other_lower - upper)
    stay["place"] = 0.5 * (here + there)
    return stay


class Plane:
    """Planes that touch the earth at points, shape (n, 3), or one at a point, (3,): `kc_plane`."""

    def __init__(self, origin: FloatArray) -> None:
        self.origin = origin
        up = _up(origin)
        across = np.hypot(up[..., 0], up[..., 1])
        beside = across > 1e-12
        safe = np.where(beside, across, 1.0)
        self.east = np.stack(
            (
                np.where(beside, -up[..., 1] / safe, 1.0),
                np.where(beside, up[..., 0] / safe, 0.0),
                np.zeros_like(across),
            ),
            axis=-1,
        )
        self.north = np.cross(up, self.east)
        flat = 1.0 - _ECCENTRICITY2 * up[..., 2] ** 2
        self.east_bend = flat / (6.0 * _MAJOR_M**2)
        self.north_bend = flat**3 / (6.0 * (_MAJOR_M * (1.0 - _ECCENTRICITY2)) ** 2)

    def on(self, points: FloatArray) -> FloatArray:
        """Metres east and north, shape (n, 2), of n points in space."""
        away = points - self.origin
        x, y = (away * self.east).sum(axis=-1), (away * self.north).sum(axis=-1)
        bend = x * x * self.east_bend + y * y * self.north_bend
        longer = 1.0 + bend * (1.0 + 2.7 * bend)
        return np.stack((x * longer, y * longer), axis=-1)


def _up(points: FloatArray) -> FloatArray:
    scaled = points * np.array([1.0, 1.0, 1.0 / (1.0 - _ECCENTRICITY2)])
    return np.asarray(scaled / np.linalg.norm(scaled, axis=-1, keepdims=True))


def _at(legs: FloatArray, share: FloatArray) -> FloatArray:
    """Where n movers are, shape (n, 3): on the chord, lifted back to the surface."""
    start, chord = legs[:, 0, 1:4], legs[:, 1, 1:4] - legs[:, 0, 1:4]
    lift = share * (1.0 - share) * (chord**2).sum(axis=1) / (2.0 * _MEAN_RADIUS_M)
    return np.asarray(start + share[:, None] * chord + lift[:, None] * _up(start + 0.5 * chord))


def _chord2(legs: FloatArray) -> FloatArray:
    return np.asarray(((legs[:, 1, 1:4] - legs[:, 0, 1:4]) ** 2).sum(axis=1))


def _bands(legs: FloatArray, share: FloatArray) -> tuple[FloatArray, FloatArray]:
    lower = legs[:, 0, _LOWER] + share * (legs[:, 1, _LOWER] - legs[:, 0, _LOWER])
    upper = legs[:, 0, _UPPER] + share * (legs[:, 1, _UPPER] - legs[:, 0, _UPPER])
    return lower, upper


def _clip_below(
    t0: FloatArray, t1: FloatArray, q0: FloatArray, q1: FloatArray, begin: FloatArray, end: FloatArray
) -> Truths:
    """Cuts [begin, end] in place to where a quantity that goes evenly from q0 to q1 is below zero; false if nowhere."""
    with np.errstate(invalid="ignore", divide="ignore"):
        zero = t0 + (t1 - t0) * (q0 / (q0 - q1))
    falls, rises = (q0 >= 0.0) & (q1 < 0.0), (q0 < 0.0) & (q1 >= 0.0)
    np.copyto(begin, np.maximum(begin, zero), where=falls)
    np.copyto(end, np.minimum(end, zero), where=rises)
    return ((q0 < 0.0) | (q1 < 0.0)) & (begin < end)


def _least(first: FloatArray, last: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Where n vectors that go evenly from one to another are shortest: the shares, and their squares there."""
    step = last - first
    a, b = (step**2).sum(axis=1), (first * step).sum(axis=1)
    share = np.clip(np.where(a > 0.0, -b / np.where(a > 0.0, a, 1.0), 0.0), 0.0, 1.0)
    return share, ((first + share[:, None] * step) ** 2).sum(axis=1)


def _shares_within(first: FloatArray, last: FloatArray, reach: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The part of [0, 1] in which those are no longer than `reach`, where they ever are."""
    step = last - first
    a, b = (step**2).sum(axis=1), (first * step).sum(axis=1)
    moves = a > 0.0
    foot = np.where(moves, -b / np.where(moves, a, 1.0), 0.0)
    miss = ((first + foot[:, None] * step) ** 2).sum(axis=1)
    half = np.sqrt(np.where(moves, np.maximum(0.0, reach**2 - miss) / np.where(moves, a, 1.0), 0.0))
    begin = np.where((first**2).sum(axis=1) <= reach**2, 0.0, np.maximum(0.0, foot - half))
    end = np.where((last**2).sum(axis=1) <= reach**2, 1.0, np.minimum(1.0, foot + half))
    return begin, end


def _flat(leg: FloatArray, ends: FloatArray, zero: float) -> Leg:
    (t0, *_, lower0, upper0), (t1, *_, lower1, upper1) = leg.tolist()
    (x0, y0), (x1, y1) = ends.tolist()
    return Leg(t0 - zero, t1 - zero, (x0, y0), (x1, y1), lower0, lower1, upper0, upper1)


def _through(leg: Leg, t: float, place: FloatArray) -> Leg:
    """The same motion, shifted so that it is at a place at t."""
    x, y = leg.place(t)
    dx, dy = float(place[0]) - x, float(place[1]) - y
    return leg._replace(start=(leg.start[0] + dx, leg.start[1] + dy), end=(leg.end[0] + dx, leg.end[1] + dy))

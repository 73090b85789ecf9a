"""The smallest changes of one plan after which it breaches nothing in a live set.

How near others are is no even function of a change: a plan may be free, then not, then free again as it is shifted. So
every shift of the resolution is gone through from nothing outward, but for those of which a breach found before says
that it must still be there: after a shift so small that neither the ground nor the height it clears can be enough, the
nearest moment of the breach is a breach still. What is told was held against the set, as it is told, by the engine.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import NamedTuple

import numpy as np

from keepclear.conflict.breaches import Breaches
from keepclear.conflict.changes import (
    Moved,
    Parallel,
    at_another_height,
    at_another_time,
    fastest_m_s,
    length_m,
)
from keepclear.conflict.reasons import DEPTH_M, REASONS, Reason
from keepclear.errors import Malformed
from keepclear.geometry.columns import KINDS, IntArray, Plans
from keepclear.geometry.earth import FloatArray
from keepclear.geometry.pack import Packed
from keepclear.geometry.soundness import HIGHEST_M, LOWEST_M
from keepclear.model.plans import PlanKind

RESOLUTION_S = 1.0
RESOLUTION_UP_M = 1.0
RESOLUTION_ASIDE_M = 10.0
BEARINGS_DEG = tuple(range(0, 360, 45))
"""In which a plan with volumes, or one that goes nowhere, may be shoved over the ground."""
_ON_THE_GROUND = (PlanKind.GROUND_MOVEMENT, PlanKind.PROTECTED_SITE)
_SPARE = 1.01  # what a plane or a series may stretch a shift by


class Change(StrEnum):
    """What is changed, and which way."""

    EARLIER = "earlier"
    LATER = "later"
    HIGHER = "higher"
    LOWER = "lower"
    LEFT = "left"
    RIGHT = "right"
    MOVED = "moved"
    """Shoved over the ground on a bearing, all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How far a change may go. 0 rules it out."""

    earlier_s: float = 3_600.0
    later_s: float = 3_600.0
    higher_m: float = 3_000.0
    lower_m: float = 3_000.0
    aside_m: float = 10_000.0
    not_before_s: float = -math.inf
    """Nothing of the plan may begin before this moment."""
    floor_m: float = LOWEST_M
    ceiling_m: float = HIGHEST_M
    """Heights, above what the plan's datum says, that it may not leave downward or upward."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A change, what it costs, and the plan changed so.

    `amount` is seconds for `EARLIER` and `LATER`, else metres. `longer_m` is what the way grows by, less than 0 if it
    gets shorter. `bearing_deg` is for `MOVED` alone.
    """

    change: Change
    amount: float
    longer_m: float
    plan: Plans
    bearing_deg: float | None = None


class Met(NamedTuple):
    """What one plan breaches, and of each of m breaches how many volumes the other plan has, shape (m,), and its
    `ends_m`, shape (m, 2); then the plan's own."""

    found: Breaches
    volumes: IntArray
    ends_m: FloatArray
    own_ends_m: FloatArray


Against = Callable[[Plans], Met]
"""Holds one plan against the others."""


def ends_m(plans: Packed) -> FloatArray:
    """The highest place of the lower ends, and the lowest of the upper ends, of all bands of n plans, shape (n, 2)."""
    ends = np.empty((len(plans), 2))
    ends[:, 0], ends[:, 1] = -np.inf, np.inf
    for offsets, lower, upper in (
        (plans.node_from, plans.nodes[:, 4], plans.nodes[:, 5]),
        (plans.volume_from, plans.volumes[:, 2], plans.volumes[:, 3]),
    ):
        if len(lower):
            has = (offsets[1:] > offsets[:-1]).nonzero()[0]
            ends[has, 0] = np.maximum(ends[has, 0], np.maximum.reduceat(lower, offsets[has]))
            ends[has, 1] = np.minimum(ends[has, 1], np.minimum.reduceat(upper, offsets[has]))
    return ends


def suggestions(plan: Plans, against: Against, limits: Limits) -> tuple[Suggestion, ...]:
    """For each way of changing one plan the least change after which it breaches nothing, the kinds of change in the
    order of `Change`, of `MOVED` the least of `BEARINGS_DEG`. None for a plan that breaches nothing.

    Least is meant among whole steps: `RESOLUTION_S`, `RESOLUTION_UP_M`, `RESOLUTION_ASIDE_M`. Heights are not changed
    of what is on the ground, or of a plan of which a height is unknown or without limit.
    """
    shorts = _shorts(plan, against)
    if not shorts:
        return ()
    was_m = length_m(plan)
    found: dict[Change, Suggestion] = {}
    for search in _searches(plan, limits):
        if (before := found.get(search.change)) is not None:  # on another bearing: only a lesser change counts
            search = replace(search, limit=before.amount - search.step)
        least = _least(search, plan, shorts, against)
        if least is not None:
            amount, changed = least
            found[search.change] = Suggestion(
                change=search.change,
                amount=amount,
                longer_m=length_m(changed) - was_m if search.change in (Change.LEFT, Change.RIGHT) else 0.0,
                plan=changed,
                bearing_deg=search.bearing_deg,
            )
    return tuple(found.values())


@dataclass(frozen=True, slots=True)
class _Short:
    """One breach, and by how many metres it falls short of none, on the ground and in height, at its nearest."""

    reason: Reason
    across_m: float
    height_m: float
    nearest_s: float
    lasts_s: float
    single: bool
    """Neither plan has more than one volume."""
    up_m: float
    down_m: float
    """A change of height upward, or downward, by less than this leaves it."""


def _shorts(plan: Plans, against: Against) -> list[_Short]:
    met = against(plan)
    rows, required = met.found.array, met.found.required_m
    short = required - np.column_stack((rows["horizontal_m"], rows["vertical_m"])) - 2.0 * DEPTH_M
    single = (met.volumes <= 1) & (len(plan.volumes) <= 1)
    # Whoever goes up is clear of the other once its lower end is as far as required above the other's upper end, which
    # is not below the lowest of all those; and so downward.
    height = required[:, 1] - 2.0 * DEPTH_M
    up = np.maximum(short[:, 1], met.ends_m[:, 1] + height - met.own_ends_m[0])
    down = np.maximum(short[:, 1], met.own_ends_m[1] + height - met.ends_m[:, 0])
    columns = rows["reason"], *short.T, rows["nearest_s"], rows["t1_s"] - rows["t0_s"], single, up, down
    listed = zip(*(column.tolist() for column in columns), strict=True)
    return [_Short(REASONS[reason], *rest) for reason, *rest in listed]


@dataclass(frozen=True, slots=True)
class _Search:
    change: Change
    step: float
    limit: float
    changed: Callable[[float], Plans]
    needed: Callable[[Plans, _Short], float]
    """A further change of the plan by less than this leaves a breach what it is."""
    bearing_deg: float | None = None


def _least(search: _Search, plan: Plans, shorts: list[_Short], against: Against) -> tuple[float, Plans] | None:
    steps, changed = 0, plan
    while shorts:
        needed = max(search.needed(changed, short) for short in shorts)
        if needed == math.inf:
            return None
        steps += max(1, math.ceil(needed / search.step - 1e-6))
        if steps * search.step > search.limit:
            return None
        try:
            changed = Plans.of(search.changed(steps * search.step))
        except Malformed:  # beyond the times or the places that a plan may have
            return None
        shorts = _shorts(changed, against)
    return steps * search.step, changed


def _searches(plan: Plans, limits: Limits) -> Iterator[_Search]:
    starts_s = min([*plan.t_s[:1], *plan.volumes[:, 0]])
    earlier_s = min(limits.earlier_s, starts_s - limits.not_before_s)
    for change, sign, limit in ((Change.EARLIER, -1.0, earlier_s), (Change.LATER, 1.0, limits.later_s)):
        yield _Search(change, RESOLUTION_S, limit, _by(at_another_time, plan, sign), _SecondsNeeded(plan, sign))
    if (heights := _heights(plan)) is not None:
        lowest, highest = heights
        up, down = min(limits.higher_m, limits.ceiling_m - highest), min(limits.lower_m, lowest - limits.floor_m)
        yield _Search(Change.HIGHER, RESOLUTION_UP_M, up, _by(at_another_height, plan, 1.0), _up_needed)
        yield _Search(Change.LOWER, RESOLUTION_UP_M, down, _by(at_another_height, plan, -1.0), _down_needed)
    if len(plan.volumes) or length_m(plan) < 1.0:
        for bearing in BEARINGS_DEG:
            moved = Moved(plan, float(bearing))
            yield _Search(
                Change.MOVED, RESOLUTION_ASIDE_M, limits.aside_m, moved.at, _ground_needed(1.0), float(bearing)
            )
        return
    parallel = Parallel(plan)
    for change, sign in ((Change.LEFT, -1.0), (Change.RIGHT, 1.0)):
        yield _Search(
            change, RESOLUTION_ASIDE_M, limits.aside_m, _aside(parallel, sign), _ground_needed(parallel.farthest)
        )


def _by(change: Callable[[Plans, float], Plans], plan: Plans, sign: float) -> Callable[[float], Plans]:
    return lambda amount: change(plan, sign * amount)


def _aside(parallel: Parallel, sign: float) -> Callable[[float], Plans]:
    return lambda amount: parallel.at(sign * amount)


def _heights(plan: Plans) -> tuple[float, float] | None:
    """The lowest and the highest of a plan's heights; None if they are not to be changed."""
    if KINDS[plan.kind[0]] in _ON_THE_GROUND:
        return None
    heights = np.concatenate([plan.alt_m, plan.volumes[:, 2:].reshape(-1)])
    if not np.isfinite(heights).all():
        return None
    return float(heights.min()), float(heights.max())


# ── what a change must at least be ───────────────────────────────────────────────────────────────────────────────────


def _up_needed(plan: Plans, short: _Short) -> float:
    return short.up_m


def _down_needed(plan: Plans, short: _Short) -> float:
    return short.down_m


def _ground_needed(farthest: float) -> Callable[[Plans, _Short], float]:
    """`farthest` is how far a place of the plan goes at most for every metre of the change."""
    return lambda plan, short: short.across_m / (farthest * _SPARE)


class _SecondsNeeded:
    """The least shift in time, forward (`sign` 1) or back (-1)."""

    def __init__(self, plan: Plans, sign: float) -> None:
        self._early_s, self._late_s = (float(slack) for slack in plan.room[0, 2:])
        self._sign = sign
        self._fastest_m_s, self._steepest_m_s = fastest_m_s(plan)

    def __call__(self, plan: Plans, short: _Short) -> float:
        if short.reason is not Reason.WAYS_NEAR:
            # Where one of the two stands still, what meets it does so for as long as before, only at another time: it
            # takes that long to shift it out of a window. Of several volumes any one may have been met, for less long.
            return short.lasts_s - 0.001 if short.single else 0.0
        # At the nearest moment the other is where it was. The breach is over there once this one is far enough from
        # where it was, on the ground or in height, or not on its way yet, or no longer.
        started = short.nearest_s - self._late_s - float(plan.t_s[0])
        to_go = float(plan.t_s[-1]) - short.nearest_s - self._early_s
        on_ground = short.across_m / (self._fastest_m_s * _SPARE) if self._fastest_m_s > 0.0 else math.inf
        in_height = short.height_m / (self._steepest_m_s * _SPARE) if self._steepest_m_s > 0.0 else math.inf
        return min(on_ground, in_height, started if self._sign > 0.0 else to_go)

"""By how much the breaches of one plan fall short of none, and what a change of it must at least be to undo one.

After a lesser change the nearest moment of the breach is a breach still, whatever else the change does.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from keepclear.conflict.breaches import Breaches
from keepclear.conflict.changes import fastest_m_s
from keepclear.conflict.reasons import DEPTH_M, REASONS, Reason
from keepclear.geometry.columns import IntArray, Plans
from keepclear.geometry.earth import FloatArray
from keepclear.geometry.pack import Packed

_SPARE = 1.01  # what a plane or a series may stretch a shift by


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


@dataclass(frozen=True, slots=True)
class Short:
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


def shorts_of(plan: Plans, against: Against) -> list[Short]:
    """Every breach of a plan, held against the others."""
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
    return [Short(REASONS[reason], *rest) for reason, *rest in listed]


def up_needed(plan: Plans, short: Short) -> float:
    """Metres upward."""
    return short.up_m


def down_needed(plan: Plans, short: Short) -> float:
    """Metres downward."""
    return short.down_m


def ground_needed(farthest: float) -> Callable[[Plans, Short], float]:
    """Metres over the ground. `farthest` is how far a place of the plan goes at most for every metre of the change."""
    return lambda plan, short: short.across_m / (farthest * _SPARE)


class SecondsNeeded:
    """The least shift in time, forward (`sign` 1) or back (-1)."""

    def __init__(self, plan: Plans, sign: float) -> None:
        self._early_s, self._late_s = (float(slack) for slack in plan.room[0, 2:])
        self._sign = sign
        self._fastest_m_s, self._steepest_m_s = fastest_m_s(plan)

    def __call__(self, plan: Plans, short: Short) -> float:
        """Seconds, of the plan as it is by now."""
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

"""What `kernels/sweep.h` and `kernels/plan_pair.h` say, in NumPy. Serves where nothing is compiled.

Legs and volumes are gone through in order of when they begin; each lot of fresh ones is held to all that are not over,
ball to ball and band to band; what is left is worked out, pairs of legs without slack in arrays, the others one by one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from keepclear.conflict.breaches import HEIGHTS_NOT_COMPARABLE, WAY_OF_B
from keepclear.conflict.near import Slack
from keepclear.conflict.reasons import REASONS, Reason
from keepclear.conflict.ways_twin import legs_meet, legs_meet_loosely
from keepclear.geometry import areas_twin
from keepclear.geometry.columns import KINDS, IntArray
from keepclear.geometry.earth import FloatArray
from keepclear.geometry.kernels import BREACH, MinimaStruct
from keepclear.geometry.pack import Packed

_LOT = 512
_LEAST_RADIUS_M = 6_335_439.0
_JOIN_S = 1e-5
_WAYS, _THROUGH, _VOLUMES = (
    REASONS.index(each) for each in (Reason.WAYS_NEAR, Reason.WAY_THROUGH_VOLUME, Reason.VOLUMES_MEET)
)


@dataclass(frozen=True, slots=True)
class _Things:
    """Legs and volumes of packed plans. Every array has length n; `leg` is the first node of a leg, or -1."""

    packed: Packed
    plan: IntArray
    leg: IntArray
    volume: IntArray
    begin: FloatArray
    end: FloatArray
    middle: FloatArray  # (n, 3)
    radius: FloatArray
    lower: FloatArray
    upper: FloatArray

    def __len__(self) -> int:
        return len(self.plan)

    def room(self, which: IntArray) -> FloatArray:
        """Room of their plans as it counts for each: that of a volume is nothing. Shape (k, 4)."""
        return np.where((self.leg[which] >= 0)[:, None], self.packed.room[self.plan[which]], 0.0)

    def legs(self, which: IntArray) -> FloatArray:
        """Shape (k, 2, 6)."""
        first = self.leg[which]
        return np.stack((self.packed.nodes[first], self.packed.nodes[first + 1]), axis=1)

    def of_plan(self, plan: int) -> IntArray:
        """Which are of one plan."""
        return np.flatnonzero(self.plan == plan)


@dataclass(frozen=True, slots=True)
class _Minima:
    across: FloatArray  # (kinds, kinds)
    height: FloatArray

    @classmethod
    def of(cls, least: MinimaStruct) -> _Minima:
        shape = (len(KINDS), len(KINDS))
        return cls(*(np.ctypeslib.as_array(each).reshape(shape) for each in (least.across, least.height)))


def stays_between(
    packed: Packed, least: MinimaStruct, *, progress: Callable[[int, int], None] | None = None
) -> npt.NDArray[np.void]:
    """The breaches of all pairs; see `pairs.stays_between`."""
    things, rules = _things(packed), _Minima.of(least)
    lots = list(_lots(things, rules))
    found = []
    for done, (one, other) in enumerate(lots, start=1):
        first = things.plan[one] < things.plan[other]
        a, b = np.where(first, one, other), np.where(first, other, one)
        found.append(_stays(things, a, things, b, rules))
        if progress is not None:
            progress(done, len(lots))
    return _joined(np.concatenate([np.empty(0, dtype=BREACH), *found]))


def stays_of_pair(packed: Packed, i: int, other: Packed, j: int, least: MinimaStruct) -> npt.NDArray[np.void]:
    """The breaches between two plans; see `pairs.stays_of_pair`."""
    things, others = _things(packed), _things(other)
    a, b = things.of_plan(i), others.of_plan(j)
    return _joined(_stays(things, np.repeat(a, len(b)), others, np.tile(b, len(a)), _Minima.of(least)))


def _things(packed: Packed) -> _Things:
    nodes = packed.nodes
    owner = np.repeat(np.arange(len(packed)), np.diff(packed.node_from))
    leg = np.flatnonzero(owner[:-1] == owner[1:])
    leg = leg[nodes[leg + 1, 0] > nodes[leg, 0]]
    plan, start, stop = owner[leg], nodes[leg], nodes[leg + 1]
    chord = np.linalg.norm(stop[:, 1:4] - start[:, 1:4], axis=1)
    volume = np.arange(len(packed.volumes))
    volume_plan = np.repeat(np.arange(len(packed)), np.diff(packed.volume_from))
    none = np.full(len(leg), -1)
    return _Things(
        packed=packed,
        plan=np.concatenate((plan, volume_plan)),
        leg=np.concatenate((leg, np.full(len(volume), -1))),
        volume=np.concatenate((none, volume)),
        begin=np.concatenate((start[:, 0] - packed.room[plan, 2], packed.volumes[:, 0])),
        end=np.concatenate((stop[:, 0] + packed.room[plan, 3], packed.volumes[:, 1])),
        middle=np.concatenate((0.5 * (start[:, 1:4] + stop[:, 1:4]), packed.areas[:, :3])),
        radius=np.concatenate((0.5 * chord + chord**2 / (8.0 * _LEAST_RADIUS_M) + 0.1, packed.areas[:, 3] + 0.1)),
        lower=np.concatenate((np.minimum(start[:, 4], stop[:, 4]), packed.volumes[:, 2])),
        upper=np.concatenate((np.maximum(start[:, 5], stop[:, 5]), packed.volumes[:, 3])),
    )


def _lots(things: _Things, rules: _Minima) -> Iterator[tuple[IntArray, IntArray]]:
    """Pairs of things of different plans whose times and balls may touch: places of both, each pair once."""
    present = np.unique(things.packed.kind)
    across = rules.across[np.ix_(present, present)]
    if not len(things) or np.isnan(across).all():
        return
    reach = np.nanmax(across) / 2.0 + things.packed.room[things.plan, 0] + things.radius
    middle = things.middle - things.middle.mean(axis=0)
    order = np.argsort(things.begin, kind="stable")
    standing = np.empty(0, dtype=np.int64)
    for first in range(0, len(order), _LOT):
        fresh = order[first : first + _LOT]
        standing = standing[things.end[standing] > things.begin[fresh[0]]]
        others = np.concatenate((standing, fresh))
        square = (middle[fresh] ** 2).sum(axis=1)[:, None] + (middle[others] ** 2).sum(axis=1)
        square -= 2.0 * middle[fresh] @ middle[others].T
        far = reach[fresh][:, None] + reach[others]
        touch = square <= far * far + 1.0
        touch &= things.plan[fresh][:, None] != things.plan[others]
        touch &= np.arange(len(others)) < len(standing) + np.arange(len(fresh))[:, None]
        one, other = np.nonzero(touch)
        yield fresh[one], others[other]
        standing = others


def _stays(one: _Things, i: IntArray, other: _Things, j: IntArray, rules: _Minima) -> npt.NDArray[np.void]:
    """The stays of things i of one set and things j of another, not joined: shape (n,) of `BREACH`."""
    a, b = one.packed, other.packed
    kinds = a.kind[one.plan[i]], b.kind[other.plan[j]]
    needed = ~np.isnan(rules.across[kinds])
    needed &= (one.begin[i] < other.end[j]) & (other.begin[j] < one.end[i])
    i, j = i[needed], j[needed]
    kinds = a.kind[one.plan[i]], b.kind[other.plan[j]]
    apart = a.datum[one.plan[i]] != b.datum[other.plan[j]]
    room, other_room = one.room(i), other.room(j)
    across = rules.across[kinds] + room[:, 0] + other_room[:, 0]
    height = np.where(apart, np.inf, rules.height[kinds]) + room[:, 1] + other_room[:, 1]
    near = ((one.middle[i] - other.middle[j]) ** 2).sum(axis=1) <= (one.radius[i] + other.radius[j] + across) ** 2
    near &= (one.lower[i] - other.upper[j] < height) & (other.lower[j] - one.upper[i] < height)
    i, j, apart, room, other_room, across, height = (
        each[near] for each in (i, j, apart, room, other_room, across, height)
    )
    flags = np.where(apart, HEIGHTS_NOT_COMPARABLE, 0)
    ways, other_ways = one.leg[i] >= 0, other.leg[j] >= 0
    tight = ways & other_ways & ~(room[:, 2:].any(axis=1) | other_room[:, 2:].any(axis=1))

    which = np.flatnonzero(tight)
    met, stays = legs_meet(one.legs(i[which]), other.legs(j[which]), across[which], height[which])
    close = which[met]
    plans = one.plan[i[close]], other.plan[j[close]]
    found = [_rows(stays, *plans, _WAYS, flags[close], across[close], height[close])]
    for k in np.flatnonzero(~tight).tolist():
        stays, reason, more = _one_by_one(one, int(i[k]), other, int(j[k]), float(across[k]), float(height[k]))
        a_plan, b_plan = np.full(len(stays), one.plan[i[k]]), np.full(len(stays), other.plan[j[k]])
        found.append(_rows(stays, a_plan, b_plan, reason, flags[k] | more, across[k], height[k]))
    return np.concatenate(found)


def _one_by_one(
    one: _Things, i: int, other: _Things, j: int, across: float, height: float
) -> tuple[npt.NDArray[np.void], int, int]:
    """The stays of two things, shape (n,) of `MET`; the reason, and what flag they have."""
    if one.leg[i] >= 0 and other.leg[j] >= 0:
        legs = one.legs(np.array([i]))[0], other.legs(np.array([j]))[0]
        room, other_room = one.packed.room[one.plan[i]].tolist(), other.packed.room[other.plan[j]].tolist()
        met = legs_meet_loosely(legs[0], Slack(*room[2:]), legs[1], Slack(*other_room[2:]), across, height)
        return np.empty(0, dtype=areas_twin.MET) if met is None else met[None], _WAYS, 0
    if one.leg[i] >= 0 or other.leg[j] >= 0:
        flag = 0 if one.leg[i] >= 0 else WAY_OF_B
        if flag:
            one, i, other, j = other, j, one, i
        early, late = one.packed.room[one.plan[i], 2:].tolist()
        leg = one.legs(np.array([i]))[0]
        stays = areas_twin.leg_in_volume(leg, early, late, other.packed, int(other.volume[j]), across, height)
        return stays, _THROUGH, flag
    volumes = int(one.volume[i]), int(other.volume[j])
    return areas_twin.volumes_meet(one.packed, volumes[0], other.packed, volumes[1], across, height), _VOLUMES, 0


def _rows(
    stays: npt.NDArray[np.void],
    a: IntArray,
    b: IntArray,
    reason: int,
    flags: npt.ArrayLike,
    across: npt.ArrayLike,
    height: npt.ArrayLike,
) -> npt.NDArray[np.void]:
    rows = np.empty(len(stays), dtype=BREACH)
    for name in ("t0_s", "t1_s", "nearest_s", "horizontal_m", "vertical_m", "place"):
        rows[name] = stays[name]
    rows["a"], rows["b"], rows["reason"], rows["flags"] = a, b, reason, flags
    rows["margin_m"] = np.minimum(0.0, np.maximum(stays["horizontal_m"] - across, stays["vertical_m"] - height))
    return rows


def _joined(rows: npt.NDArray[np.void]) -> npt.NDArray[np.void]:
    """Those of one pair and reason that follow upon one another made one, in order of pair and time: `kc_joined`."""
    order = ("a", "b", "reason", "t0_s", "t1_s")
    rows = rows[np.lexsort(tuple(rows[name] for name in reversed(order)))]
    whole: list[tuple[npt.NDArray[np.void], float, float]] = []

    def rank(row: npt.NDArray[np.void]) -> tuple[float, ...]:
        return (row["horizontal_m"], row["vertical_m"], row["nearest_s"], *row["place"].tolist(), row["flags"])

    for row in rows:
        if whole:
            last, begin, end = whole[-1]
            same = all(last[name] == row[name] for name in ("a", "b", "reason"))
            if same and row["t0_s"] <= end + _JOIN_S:
                whole[-1] = (row if rank(row) < rank(last) else last, begin, max(end, row["t1_s"]))
                continue
        whole.append((row, row["t0_s"], row["t1_s"]))
    kept = [one for one in whole if one[2] - one[1] > _JOIN_S]
    found = np.empty(len(kept), dtype=BREACH)
    for k, (row, begin, end) in enumerate(kept):
        found[k] = row
        found[k]["t0_s"], found[k]["t1_s"] = begin, end
    return found[np.lexsort(tuple(found[name] for name in ("reason", "t1_s", "t0_s", "b", "a")))]

"""Live plans without a compiler: the twin of `airspace_kernel`, plan by plan, in NumPy."""

from __future__ import annotations

import itertools

import numpy as np

from keepclear.conflict import pairs_twin
from keepclear.conflict.airspace_kernel import KNOWN, Rows
from keepclear.conflict.shortfall import ends_m
from keepclear.geometry.columns import IntArray
from keepclear.geometry.earth import FloatArray
from keepclear.geometry.kernels import BREACH, MinimaStruct
from keepclear.geometry.pack import Packed
from keepclear.geometry.pack_sound import Given

_SPARE_M = 10.0
"""Chords of legs lie so much under the surface at most, and a little more."""


class TwinPlans:
    """Live plans, each in a slot. What the methods promise stands at `KernelPlans`."""

    def __init__(self, minima: MinimaStruct) -> None:
        self._minima = minima
        self._live: dict[int, Packed] = {}
        self._balls: dict[int, FloatArray] = {}
        self._spare: list[int] = []
        across = np.ctypeslib.as_array(minima.across)
        self._reach_m = float(np.nanmax(across)) if not np.isnan(across).all() else 0.0

    def put(self, plans: Given | Packed, old: IntArray) -> IntArray:
        """Put n plans in; their slots."""
        return self.check_and_put(plans, old, only_free=False, checked=False)[2]

    def check(self, plans: Given | Packed, old: IntArray) -> tuple[Rows, Rows]:
        """What is found of n plans against those that are in, but for what each would replace."""
        packed = _packed(plans)
        return self._known([self._check(packed, i, frozenset((slot,))) for i, slot in enumerate(old.tolist())])

    def check_and_put(
        self, given: Given | Packed, old: IntArray, *, only_free: bool, checked: bool = True
    ) -> tuple[Rows, Rows, IntArray]:
        """Check each plan and put it in, one after the other: what is found, and the slots, -1 where left out."""
        rows, gone, plans = list[Rows](), set[int](), _packed(given)
        slots = np.full(len(plans), -1, dtype=np.int64)
        for i, replaced in enumerate(old.tolist()):
            if checked:
                rows.append(self._check(plans, i, gone | {replaced}))
                if only_free and len(rows[-1]):
                    continue
            slot = self._spare.pop() if self._spare else len(self._live)
            self._live[slot], self._balls[slot] = single(plans, i), _ball(plans, i)
            slots[i] = slot
            gone.add(replaced)
        found = self._known(rows)
        self.remove(np.array(sorted(gone - {-1}), dtype=np.int64))
        return *found, slots

    def remove(self, slots: IntArray) -> None:
        """Take out what is at these slots."""
        for slot in slots.tolist():
            del self._live[slot], self._balls[slot]
            self._spare.append(slot)

    def expire(self, now_s: float) -> IntArray:
        """Take out what is over, its lateness included; the slots at which it was."""
        over = np.array([slot for slot, ball in self._balls.items() if ball[1] <= now_s], dtype=np.int64)
        self.remove(over)
        return over

    def __len__(self) -> int:
        return len(self._live)

    @property
    def memory_bytes(self) -> int:
        """Bytes of the arrays of the plans."""
        arrays = (getattr(plan, name) for plan in self._live.values() for name in Packed.__slots__)
        return sum(array.nbytes for array in itertools.chain(arrays, self._balls.values()))

    def _known(self, parts: list[Rows]) -> tuple[Rows, Rows]:
        """The rows with places among the known for slots, and the known."""
        rows = np.concatenate(parts) if parts else np.empty(0, dtype=BREACH)
        slots, rows["b"] = np.unique(rows["b"], return_inverse=True)
        known = np.empty(len(slots), dtype=KNOWN)
        known["slot"] = slots
        for one, slot in zip(known, slots.tolist(), strict=True):
            plan = self._live[slot]
            one["kind"], one["volumes"], one["room"] = plan.kind[0], len(plan.volumes), plan.room[0]
            one["ends_m"] = ends_m(plan)[0]
        return rows, known

    def _check(self, plans: Packed, i: int, but: frozenset[int] | set[int]) -> Rows:
        slots = np.array(sorted(self._live.keys() - but), dtype=np.int64)
        balls = np.array([self._balls[slot] for slot in slots.tolist()]).reshape(-1, 6)
        starts, ends, x, y, z, radius = _ball(plans, i)
        apart = np.linalg.norm(balls[:, 2:5] - (x, y, z), axis=1)
        near = (balls[:, 0] < ends) & (balls[:, 1] > starts) & (apart < balls[:, 5] + radius + self._reach_m)
        found = []
        for slot in slots[near].tolist():
            rows = pairs_twin.stays_of_pair(plans, i, self._live[slot], 0, self._minima)
            rows["b"] = slot
            found.append(rows)
        return np.concatenate(found) if found else np.empty(0, dtype=BREACH)


def single(plans: Packed, i: int) -> Packed:
    """One of many packed plans, by itself."""
    nodes = slice(*plans.node_from[i : i + 2])
    volumes = slice(*plans.volume_from[i : i + 2])
    ring_from = plans.ring_from[volumes.start : volumes.stop + 1]
    vertex_from = plans.vertex_from[ring_from[0] : ring_from[-1] + 1]
    return Packed(
        plans.kind[i : i + 1].copy(),
        plans.datum[i : i + 1].copy(),
        plans.room[i : i + 1].copy(),
        np.array([0, nodes.stop - nodes.start], dtype=np.int64),
        plans.nodes[nodes].copy(),
        np.array([0, volumes.stop - volumes.start], dtype=np.int64),
        plans.volumes[volumes].copy(),
        plans.areas[volumes].copy(),
        ring_from - ring_from[0],
        vertex_from - vertex_from[0],
        plans.vertices[vertex_from[0] : vertex_from[-1]].copy(),
    )


def _ball(plans: Packed, i: int) -> FloatArray:
    """From when to when a plan may be anywhere, and the middle and radius of a ball that holds it: shape (6,)."""
    nodes = plans.nodes[slice(*plans.node_from[i : i + 2])]
    volumes = slice(*plans.volume_from[i : i + 2])
    buffer, _, early, late = plans.room[i]
    starts = np.concatenate([nodes[:1, 0] - early, plans.volumes[volumes, 0]])
    ends = np.concatenate([nodes[-1:, 0] + late, plans.volumes[volumes, 1]])
    middles = np.concatenate([nodes[:, 1:4], plans.areas[volumes, :3]])
    radii = np.concatenate([np.full(len(nodes), buffer + _SPARE_M), plans.areas[volumes, 3] + _SPARE_M])
    middle = middles.mean(axis=0)
    radius = float((np.linalg.norm(middles - middle, axis=1) + radii).max())
    return np.array([starts.min(), ends.max(), *middle, radius])


def _packed(plans: Given | Packed) -> Packed:
    return plans.packed if isinstance(plans, Given) else plans

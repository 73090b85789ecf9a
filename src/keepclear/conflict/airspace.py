"""A set of plans that lives: they are put in, replaced and taken out, and asked about, under load.

    air = Airspace()
    air.put(plans)
    air.check(plan)      # what it would breach; it is not put in
    air.suggest(plan)    # the smallest changes after which it would breach nothing in here
    air.remove("alpha")

Any number of threads may use one airspace: each call has it alone while others wait, and a call with many plans is one
turn. A call that is refused, or that there is not memory enough for, changes nothing.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from queue import SimpleQueue

import numpy as np
import numpy.typing as npt

from keepclear.conflict.airspace_kernel import KernelPlans
from keepclear.conflict.airspace_twin import TwinPlans
from keepclear.conflict.breaches import Breaches, required_m
from keepclear.conflict.separation import Separation, minima
from keepclear.conflict.suggest import Limits, Met, Suggestion, ends_m, suggestions
from keepclear.errors import Malformed
from keepclear.geometry import kernels
from keepclear.geometry.columns import ByteArray, IntArray, Plans
from keepclear.geometry.earth import FloatArray
from keepclear.geometry.pack import Packed, pack


class Airspace:
    """Plans by their ids, and what they must keep. `separation` is as for `conflict.pairs.conflicts`.

    `plans` of its methods are one plan or many: anything `Plans.of` takes, no id twice. Raises `Malformed` naming what
    is wrong with a plan or a minimum.
    """

    def __init__(self, separation: Separation = None) -> None:
        kernels.notice()
        self._minima = minima(separation)
        self._live = KernelPlans(self._minima) if kernels.LIBRARY is not None else TwinPlans(self._minima)
        self._slots: dict[str, int] = {}
        self._by_slot = _BySlot()
        self._turn: SimpleQueue[None] = SimpleQueue()
        self._turn.put(None)

    def put(self, plans: object) -> None:
        """Put plans in. One whose id is in here already takes that one's place."""
        given = Plans.of(plans)
        packed = pack(given)
        with self._alone():
            old = self._old(given)
            self._file(given, packed, old, self._live.put(packed, old))

    def remove(self, id: str) -> None:
        """Take a plan out. Raises `KeyError` if there is none of this id."""
        with self._alone():
            slot = self._slots.pop(id)
            self._by_slot.ids[slot] = ""
            self._live.remove(np.array([slot], dtype=np.int64))

    def check(self, plans: object) -> Breaches:
        """What plans would breach if they were put in; they are not, and are not held against one another.

        A plan is not held against one with its own id. In what is found `a` is the plan asked about, `b` one in here.
        """
        given = Plans.of(plans)
        packed = pack(given)
        with self._alone():
            return self._told(given, self._live.check(packed, self._old(given)))

    def check_and_put(self, plans: object, *, only_free: bool = False) -> Breaches:
        """Check plans and put each in, one after the other, so that each is held against those before it as well.

        With `only_free` a plan that breaches anything is left out, and what it would have replaced stays in.
        """
        given = Plans.of(plans)
        packed = pack(given)
        with self._alone():
            old = self._old(given)
            rows, slots = self._live.check_and_put(packed, old, only_free=only_free)
            replaced = {slot: self._by_slot.ids[slot] for slot in old.tolist() if slot >= 0}
            self._file(given, packed, old, slots)
            return self._told(given, rows, replaced)

    def suggest(self, plan: object, *, limits: Limits | None = None) -> tuple[Suggestion, ...]:
        """The smallest changes of one plan after which it is free of conflicts with the plans in this set, and no more
        than that: it says nothing about anybody who is not in the set.

        Others may use the set while it looks: each suggestion was free of conflicts with the set as it was when that
        was checked. In a crowded set it may look for seconds. What is changed, to which resolution, and what is told
        stands at `suggest.suggestions`. A kind of change that is not enough within `limits` is not told; a plan in
        conflict with nothing needs none. Raises `Malformed` for several plans.
        """
        given = Plans.of(plan)
        if len(given) != 1:
            raise Malformed(f"one plan is needed, not {len(given)}", field="plan", code="one_plan", count=len(given))
        return suggestions(given, self._against, limits or Limits())

    def expire(self, now_s: float) -> tuple[str, ...]:
        """Take out the plans that are over at `now_s` (since 1970), late as they may run; their ids."""
        with self._alone():
            slots = self._live.expire(now_s)
            ids = tuple(self._by_slot.ids[slot] for slot in slots.tolist())
            for id, slot in zip(ids, slots.tolist(), strict=True):
                del self._slots[id]
                self._by_slot.ids[slot] = ""
            return ids

    def __len__(self) -> int:
        return len(self._slots)

    def __contains__(self, id: object) -> bool:
        return id in self._slots

    def ids(self) -> tuple[str, ...]:
        """The ids of the plans that are in, in no order."""
        return tuple(self._slots)

    @property
    def memory_bytes(self) -> int:
        """Bytes held for the plans, but for their ids."""
        with self._alone():
            return self._live.memory_bytes + self._by_slot.memory_bytes

    @contextmanager
    def _alone(self) -> Iterator[None]:
        self._turn.get()
        try:
            yield
        finally:
            self._turn.put(None)

    def _old(self, given: Plans) -> IntArray:
        get = self._slots.get
        return np.array([get(id, -1) for id in given.ids], dtype=np.int64)

    def _file(self, given: Plans, packed: Packed, old: IntArray, slots: IntArray) -> None:
        """Remember who is where, once it is so."""
        in_now = slots >= 0
        for slot in old[in_now & (old >= 0)].tolist():
            self._by_slot.ids[slot] = ""
        self._by_slot.put(given, packed, slots, in_now)
        for id, slot in zip(given.ids, slots.tolist(), strict=True):
            if slot >= 0:
                self._slots[id] = slot

    def _against(self, plan: Plans) -> Met:
        packed = pack(plan)
        with self._alone():
            rows = self._live.check(packed, self._old(plan))
            slots = rows["b"].copy()
            told = self._told(plan, rows)
            return Met(told, self._by_slot.volumes[slots], self._by_slot.ends_m[slots], ends_m(packed)[0])

    def _told(self, given: Plans, rows: npt.NDArray[np.void], replaced: dict[int, str] | None = None) -> Breaches:
        """What was found, with ids for slots. `replaced` are those that were in when it was found, and are not now."""
        if not len(rows):
            return Breaches(rows, given.ids, (), np.empty((0, 2)))
        at, of, now = rows["b"].copy(), rows["a"], self._by_slot
        slots = sorted(set(at.tolist()))
        required = required_m(rows, self._minima, (given.kind[of], now.kind[at]), (given.room[of], now.room[at]))
        rows["b"] = np.searchsorted(slots, at)
        if replaced:
            return Breaches(rows, given.ids, tuple(replaced.get(slot) or now.ids[slot] for slot in slots), required)
        return Breaches(rows, given.ids, tuple([now.ids[slot] for slot in slots]), required)


class _BySlot:
    """What is known of the plan in each slot. Slots are few more than plans, so these are arrays."""

    def __init__(self) -> None:
        self.ids: list[str] = []  # empty text: a free slot
        self.kind: ByteArray = np.empty(0, dtype=np.uint8)
        self.room: FloatArray = np.empty((0, 4))
        self.volumes: IntArray = np.empty(0, dtype=np.int64)
        self.ends_m: FloatArray = np.empty((0, 2))

    def put(self, given: Plans, packed: Packed, slots: IntArray, which: npt.NDArray[np.bool_]) -> None:
        """Set down the plans of `which` at their slots."""
        needed = int(slots.max(initial=-1)) + 1
        if needed > len(self.ids):
            self.ids += [""] * (needed - len(self.ids))
        if needed > len(self.kind):
            more = max(needed + needed // 2, 64)
            self.kind = np.resize(self.kind, more)
            self.room = np.resize(self.room, (more, 4))
            self.volumes = np.resize(self.volumes, more)
            self.ends_m = np.resize(self.ends_m, (more, 2))
        at = slots[which]
        self.kind[at], self.room[at] = given.kind[which], given.room[which]
        self.volumes[at] = (given.volume_from[1:] - given.volume_from[:-1])[which]
        self.ends_m[at] = ends_m(packed)[which]
        for i, slot in zip(np.flatnonzero(which).tolist(), at.tolist(), strict=True):
            self.ids[slot] = given.ids[i]

    @property
    def memory_bytes(self) -> int:
        """Bytes of the arrays."""
        return self.kind.nbytes + self.room.nbytes + self.volumes.nbytes + self.ends_m.nbytes

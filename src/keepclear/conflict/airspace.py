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

import math
from functools import partial
from queue import SimpleQueue

import numpy as np

from keepclear.conflict.airspace_kernel import KernelPlans, Rows
from keepclear.conflict.airspace_twin import TwinPlans
from keepclear.conflict.breaches import Breaches, required_m
from keepclear.conflict.separation import Separation, minima
from keepclear.conflict.shortfall import Met, ends_m
from keepclear.conflict.suggest import Limits, Suggestions, suggestions
from keepclear.errors import Malformed
from keepclear.geometry import kernels
from keepclear.geometry.columns import IntArray, Plans
from keepclear.geometry.earth import FloatArray
from keepclear.geometry.kernels import MinimaStruct
from keepclear.geometry.pack import pack
from keepclear.geometry.pack_sound import Given


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
        self._ids: list[str] = []  # by slot; empty: a free one
        self._alone = _Turn()

    def put(self, plans: object) -> None:
        """Put plans in. One whose id is in here already takes that one's place."""
        given = Given.of(plans)
        with self._alone:
            old = self._old(given.plans)
            self._file(given.plans, old, self._live.put(given, old))

    def remove(self, id: str) -> None:
        """Take a plan out. Raises `KeyError` if there is none of this id."""
        with self._alone:
            slot = self._slots.pop(id)
            self._ids[slot] = ""
            self._live.remove(np.array([slot], dtype=np.int64))

    def check(self, plans: object) -> Breaches:
        """What plans would breach if they were put in; they are not, and are not held against one another.

        A plan is not held against one with its own id. In what is found `a` is the plan asked about, `b` one in here.
        """
        given = Given.of(plans)
        with self._alone:
            rows, known = self._live.check(given, self._old(given.plans))
            return self._told(given.plans, rows, known)

    def check_and_put(self, plans: object, *, only_free: bool = False) -> Breaches:
        """Check plans and put each in, one after the other, so that each is held against those before it as well.

        With `only_free` a plan that breaches anything is left out, and what it would have replaced stays in.
        """
        given = Given.of(plans)
        with self._alone:
            old = self._old(given.plans)
            rows, known, slots = self._live.check_and_put(given, old, only_free=only_free)
            replaced = {slot: self._ids[slot] for slot in old.tolist() if slot >= 0}
            self._file(given.plans, old, slots)
            return self._told(given.plans, rows, known, replaced)

    def suggest(self, plan: object, *, limits: Limits | None = None) -> Suggestions:
        """The smallest changes of one plan after which it is free of conflicts with the plans in this set, and no more
        than that: it says nothing about anybody who is not in the set.

        Others may use the set while it looks: each suggestion was free of conflicts with the set as it was when that
        was checked. What is changed, to which resolution, and what is told stands at `suggest.suggestions`. A kind of
        change that is not enough within `limits` is not told; one for which `limits.tries` were not enough is told as
        `unfinished`. A plan in conflict with nothing needs no change. Raises `Malformed` for several plans.
        """
        given = Plans.of(plan)
        if len(given) != 1:
            raise Malformed(f"one plan is needed, not {len(given)}", field="plan", code="one_plan", count=len(given))
        return suggestions(given, self._against, limits or Limits())

    def expire(self, now_s: float) -> tuple[str, ...]:
        """Take out the plans that are over at `now_s` (since 1970), late as they may run; their ids.

        Raises `Malformed` for NaN.
        """
        if math.isnan(now_s):
            raise Malformed(f"{now_s} is not a number", field="now_s", code="not_finite")
        with self._alone:
            slots = self._live.expire(now_s)
            ids = tuple(self._ids[slot] for slot in slots.tolist())
            for id, slot in zip(ids, slots.tolist(), strict=True):
                del self._slots[id]
                self._ids[slot] = ""
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
        with self._alone:
            return self._live.memory_bytes

    def _old(self, given: Plans) -> IntArray:
        get = self._slots.get
        return np.array([get(id, -1) for id in given.ids], dtype=np.int64)

    def _file(self, given: Plans, old: IntArray, slots: IntArray) -> None:
        """Remember who is where, once it is so."""
        ids = self._ids
        ids += [""] * (int(slots.max(initial=-1)) + 1 - len(ids))
        for was, slot in zip(old.tolist(), slots.tolist(), strict=True):
            if was >= 0 and slot >= 0:
                ids[was] = ""
        for id, slot in zip(given.ids, slots.tolist(), strict=True):
            if slot >= 0:
                self._slots[id] = slot
                ids[slot] = id

    def _against(self, plan: Plans) -> Met:
        packed = pack(plan)
        with self._alone:
            rows, known = self._live.check(packed, self._old(plan))
            told = self._told(plan, rows, known)
        others = known[rows["b"]]
        return Met(told, others["volumes"], others["ends_m"], ends_m(packed)[0])

    def _told(self, given: Plans, rows: Rows, known: Rows, replaced: dict[int, str] | None = None) -> Breaches:
        """What was found, with ids for slots. `replaced` are those that were in when it was found, and are not now."""
        slots = known["slot"].tolist()
        ids = [self._ids[slot] for slot in slots]
        if replaced:
            ids = [replaced.get(slot) or id for slot, id in zip(slots, ids, strict=True)]
        return Breaches(rows, given.ids, tuple(ids), partial(_required_m, rows, self._minima, given, known))


def _required_m(rows: Rows, minima: MinimaStruct, given: Plans, known: Rows) -> FloatArray:
    of, others = rows["a"], known[rows["b"]]
    return required_m(rows, minima, (given.kind[of], others["kind"]), (given.room[of], others["room"]))


class _Turn:
    """For whoever needs to be alone: one at a time, the others wait."""

    def __init__(self) -> None:
        self._free: SimpleQueue[None] = SimpleQueue()
        self._free.put(None)

    def __enter__(self) -> None:
        self._free.get()

    def __exit__(self, *fault: object) -> None:
        self._free.put(None)

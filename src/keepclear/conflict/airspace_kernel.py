"""Live plans in the kernel of `kernels/airspace.h`: its functions, and the object it makes."""

from __future__ import annotations

import ctypes
from typing import Any

import numpy as np
import numpy.typing as npt

from keepclear.geometry import kernels
from keepclear.geometry.columns import IntArray
from keepclear.geometry.kernels import BreachList, MinimaStruct, pointer, taken
from keepclear.geometry.pack import Packed
from keepclear.geometry.pack_sound import Given

_ADDRESS, _COUNT = ctypes.c_void_p, ctypes.c_int64

KNOWN = np.dtype(
    [("slot", "i8"), ("kind", "i8"), ("volumes", "i8"), ("room", "f8", 4), ("ends_m", "f8", 2)],
)
"""`kc_known`: of a plan that is in its slot, its place in `KINDS`, how many volumes it has, its room as in `Plans`, and
the highest of the lower ends and the lowest of the upper ends of all its bands, metres."""

Rows = npt.NDArray[np.void]

if kernels.LIBRARY is not None:
    for _name, _arguments, _result in (
        ("new", [_ADDRESS], _ADDRESS),
        ("free", [_ADDRESS], None),
        ("put", [_ADDRESS] * 4, ctypes.c_int),
        ("check", [_ADDRESS] * 5, ctypes.c_int),
        ("near", [_ADDRESS, _ADDRESS, _COUNT, _ADDRESS], _COUNT),
        ("check_and_put", [*[_ADDRESS] * 3, ctypes.c_int, *[_ADDRESS] * 3], ctypes.c_int),
        ("remove", [_ADDRESS, _ADDRESS, _COUNT], None),
        ("expire", [_ADDRESS, ctypes.c_double, _ADDRESS], _COUNT),
        ("count", [_ADDRESS], _COUNT),
        ("bytes", [_ADDRESS], _COUNT),
    ):
        _function = getattr(kernels.LIBRARY, f"kc_airspace_{_name}")
        _function.argtypes, _function.restype = _arguments, _result


class KernelPlans:
    """Live plans, each in a slot: a number that is free again when the plan is out. For one thread at a time.

    `old`, shape (n,), are the slots of what n plans replace, -1 for nothing. What is found are rows of `kernels.BREACH`
    and of `KNOWN`: in a breach `a` is a plan's index and `b` a place among the known, which are in order of slot; the
    breaches of one plan are in order of slot and of time. Too little memory raises `MemoryError`, and then nothing
    changed.
    """

    def __init__(self, minima: MinimaStruct) -> None:
        assert kernels.LIBRARY is not None
        self._library = kernels.LIBRARY
        self._air: int | None = self._library.kc_airspace_new(ctypes.byref(minima))
        if self._air is None:
            raise MemoryError

    def __del__(self) -> None:
        if getattr(self, "_air", None) is not None:
            self._library.kc_airspace_free(self._air)

    def put(self, plans: Given | Packed, old: IntArray) -> IntArray:
        """Put n plans in; their slots."""
        slots = np.empty(len(plans), dtype=np.int64)
        _or_no_memory(self._library.kc_airspace_put(self._air, _at(plans), pointer(old), pointer(slots)))
        return slots

    def check(self, plans: Given | Packed, old: IntArray) -> tuple[Rows, Rows]:
        """What is found of n plans against those that are in, but for what each would replace."""
        found, known = BreachList(), BreachList()
        at, known_at = ctypes.addressof(found), ctypes.addressof(known)
        done = self._library.kc_airspace_check(self._air, _at(plans), pointer(old), at, known_at)
        rows = taken(found), taken(known, KNOWN)
        _or_no_memory(done)
        return rows

    def near(self, plans: Packed, i: int) -> IntArray:
        """The slots of those that plan i is held against exactly, in no order; all others are passed over."""
        slots, struct = np.empty(len(self), dtype=np.int64), plans.struct()
        count = self._library.kc_airspace_near(self._air, ctypes.byref(struct), i, pointer(slots))
        _or_no_memory(count >= 0)
        return slots[:count]

    def check_and_put(self, plans: Given | Packed, old: IntArray, *, only_free: bool) -> tuple[Rows, Rows, IntArray]:
        """Check each plan and put it in, one after the other: what is found, and the slots, -1 where left out."""
        found, known, slots = BreachList(), BreachList(), np.empty(len(plans), dtype=np.int64)
        at, known_at = ctypes.addressof(found), ctypes.addressof(known)
        done = self._library.kc_airspace_check_and_put(
            self._air, _at(plans), pointer(old), only_free, pointer(slots), at, known_at
        )
        rows = taken(found), taken(known, KNOWN)
        _or_no_memory(done)
        return *rows, slots

    def remove(self, slots: IntArray) -> None:
        """Take out what is at these slots."""
        self._library.kc_airspace_remove(self._air, pointer(slots), len(slots))

    def expire(self, now_s: float) -> IntArray:
        """Take out what is over, its lateness included; the slots at which it was."""
        slots = np.empty(len(self), dtype=np.int64)
        return slots[: self._library.kc_airspace_expire(self._air, now_s, pointer(slots))]

    def __len__(self) -> int:
        return int(self._library.kc_airspace_count(self._air))

    @property
    def memory_bytes(self) -> int:
        """Bytes that the kernel holds."""
        return int(self._library.kc_airspace_bytes(self._air))


def _at(plans: Given | Packed) -> Any:
    """Where plans are, as a kernel is told."""
    return plans.at if isinstance(plans, Given) else ctypes.byref(plans.struct())


def _or_no_memory(done: int) -> None:
    if not done:
        raise MemoryError

"""Every pair of many plans at once: the sweep of `kernels/sweep.h`, or its twin in NumPy (`pairs_twin`)."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, as_completed
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from keepclear.conflict import pairs_twin
from keepclear.conflict.breaches import Breaches, required_m
from keepclear.conflict.separation import Separation, minima
from keepclear.geometry import kernels
from keepclear.geometry.columns import Plans
from keepclear.geometry.kernels import BREACH, BreachList, MinimaStruct, PlansStruct, pointer, taken
from keepclear.geometry.pack import Packed, pack

SHARES = (4, 2, 1, 1)
"""The time swept is cut in so many parts for each thread, of about so much work: few, as each has to begin anew among
movers on their way, and the last small, so that no thread waits long for another."""
FEW_NODES = 20_000
"""Fewer than this are swept by one thread in less time than others need to begin."""

Progress = Callable[[int, int], None]
"""Told how many parts of the work are done, and of how many."""

_ADDRESS, _COUNT = ctypes.c_void_p, ctypes.c_int64
_ROOMS: list[int] = []
"""Memory in which sweeps were run (`kc_sweep_room`), for whoever runs the next: to have it from the system anew each
time takes more than a quarter of the time of a small set."""

if kernels.LIBRARY is not None:
    kernels.LIBRARY.kc_sweep_lay.argtypes = [ctypes.POINTER(PlansStruct), ctypes.POINTER(MinimaStruct), ctypes.c_double]
    kernels.LIBRARY.kc_sweep_lay.restype = _ADDRESS
    kernels.LIBRARY.kc_sweep_free.argtypes = [_ADDRESS]
    kernels.LIBRARY.kc_sweep_free.restype = None
    kernels.LIBRARY.kc_sweep_cut.argtypes = [_ADDRESS, _COUNT, _ADDRESS]
    kernels.LIBRARY.kc_sweep_cut.restype = None
    kernels.LIBRARY.kc_sweep_room_new.argtypes = []
    kernels.LIBRARY.kc_sweep_room_new.restype = _ADDRESS
    kernels.LIBRARY.kc_sweep_run.argtypes = [
        *(_ADDRESS, _COUNT, _COUNT, _ADDRESS),
        ctypes.POINTER(BreachList),
        _ADDRESS,
    ]
    kernels.LIBRARY.kc_sweep_run.restype = ctypes.c_int
    kernels.LIBRARY.kc_sweep_join.argtypes = [_ADDRESS, _COUNT, _COUNT, _ADDRESS]
    kernels.LIBRARY.kc_sweep_join.restype = _COUNT
    kernels.LIBRARY.kc_plans_meet.argtypes = [
        *(ctypes.POINTER(PlansStruct), _COUNT) * 2,
        ctypes.POINTER(MinimaStruct),
        ctypes.POINTER(BreachList),
    ]
    kernels.LIBRARY.kc_plans_meet.restype = ctypes.c_int


def conflicts(
    plans: object,
    separation: Separation = None,
    *,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Breaches:
    """Every pair of `plans` that is in conflict, and every breach of theirs.

    `plans` is anything `Plans.of` takes. `separation` is one minimum for all pairs, minima by two kinds, or None for
    the table of `conflict/separation.py`. `threads` is how many may work (None: as many as there are processors; the
    twin in NumPy has one), `progress` is called in this thread as parts of the work are done. What is found depends on
    neither. Raises `Malformed` naming what is wrong with a plan or a minimum.
    """
    kernels.notice()
    columns, least = Plans.of(plans), minima(separation)
    packed = pack(columns)
    array = stays_between(packed, least, threads=threads, progress=progress)
    ends = array["a"], array["b"]
    kinds, rooms = [columns.kind[end] for end in ends], [columns.room[end] for end in ends]
    required = required_m(array, least, (kinds[0], kinds[1]), (rooms[0], rooms[1]))
    return Breaches(array, columns.ids, columns.ids, required)


def stays_between(
    packed: Packed,
    least: MinimaStruct,
    *,
    threads: int | None = None,
    progress: Progress | None = None,
    slab_s: float = 0.0,
) -> npt.NDArray[np.void]:
    """The breaches of all pairs, rows of `kernels.BREACH` in order of pair and time, `a` before `b`.

    `slab_s` is the width of the slabs of time that are swept, 0 for one that suits the plans.
    """
    if kernels.LIBRARY is None:
        return pairs_twin.stays_between(packed, least, progress=progress)
    workers = threads or (os.cpu_count() or 1 if len(packed.nodes) >= FEW_NODES else 1)
    with _Sweep(packed, least, slab_s) as sweep:
        return sweep.run(workers, progress)


def stays_of_pair(packed: Packed, i: int, other: Packed, j: int, least: MinimaStruct) -> npt.NDArray[np.void]:
    """The breaches between plan i of one set and plan j of another, rows of `kernels.BREACH` in order of time."""
    if kernels.LIBRARY is None:
        return pairs_twin.stays_of_pair(packed, i, other, j, least)
    found = BreachList()
    done = kernels.LIBRARY.kc_plans_meet(packed.struct(), i, other.struct(), j, least, found)
    rows = taken(found)
    if not done:
        raise MemoryError
    return rows


class Counts(NamedTuple):
    """What the sweep went through: balls made, pairs of them that touch, of those the ways that may pass near one
    another, pairs of legs looked at, and worked out exactly."""

    balls: int
    near: int
    ways: int
    legs: int
    exact: int


def counted(packed: Packed, least: MinimaStruct, *, slab_s: float = 0.0) -> Counts:
    """How much is left for each stage of the sweep. For whoever measures; needs the compiled kernels."""
    with _Sweep(packed, least, slab_s) as sweep:
        return sweep.counts()


class _Sweep:
    """Plans laid out in the kernel's memory for as long as the `with` lasts."""

    def __init__(self, packed: Packed, least: MinimaStruct, slab_s: float) -> None:
        assert kernels.LIBRARY is not None
        self._library = kernels.LIBRARY
        self._packed = packed  # whose arrays the kernel reads
        self._sweep: int | None = self._library.kc_sweep_lay(packed.struct(), least, slab_s)
        if self._sweep is None:
            raise MemoryError

    def __enter__(self) -> _Sweep:
        return self

    def __exit__(self, *_: object) -> None:
        self._library.kc_sweep_free(self._sweep)

    def run(self, workers: int, progress: Progress | None) -> npt.NDArray[np.void]:
        shares = [1] if workers == 1 and progress is None else [share for share in SHARES for _ in range(workers)]
        parts, evenly = len(shares), np.empty(sum(shares) + 1, dtype=np.int64)
        self._library.kc_sweep_cut(self._sweep, len(evenly) - 1, pointer(evenly))
        cuts = evenly[np.cumsum([0, *shares])].tolist()
        lists = (BreachList * parts)()

        def one(part: int) -> bool:
            return self._part(cuts[part], cuts[part + 1], lists[part], None)

        try:
            if workers == 1:
                for part in range(parts):
                    _or_no_memory(one(part))
                    if progress is not None:
                        progress(part + 1, parts)
            else:
                with ThreadPoolExecutor(workers) as pool:
                    tasks = [pool.submit(one, part) for part in range(parts)]
                    try:
                        for done, task in enumerate(as_completed(tasks), start=1):
                            _or_no_memory(task.result())
                            if progress is not None:
                                progress(done, parts)
                    finally:
                        pool.shutdown(cancel_futures=True)
            found = np.empty(sum(each.count for each in lists), dtype=BREACH)
            count = self._library.kc_sweep_join(ctypes.byref(lists), parts, len(self._packed), pointer(found))
            _or_no_memory(count >= 0)
        finally:
            for each in lists:
                self._library.kc_free(each.list)
        return found[:count]

    def counts(self) -> Counts:
        numbers = np.zeros(len(Counts._fields), dtype=np.int64)
        cuts = np.empty(2, dtype=np.int64)
        self._library.kc_sweep_cut(self._sweep, 1, pointer(cuts))
        found = BreachList()
        done = self._part(cuts[0], cuts[1], found, pointer(numbers))
        self._library.kc_free(found.list)
        _or_no_memory(done)
        return Counts(*numbers.tolist())

    def _part(self, begin: int, end: int, found: BreachList, counts: int | None) -> bool:
        try:
            room = _ROOMS.pop()
        except IndexError:
            room = self._library.kc_sweep_room_new()
            if room is None:
                return False
        try:
            return bool(self._library.kc_sweep_run(self._sweep, begin, end, room, found, counts))
        finally:
            _ROOMS.append(room)


def _or_no_memory(done: bool) -> None:
    if not done:
        raise MemoryError

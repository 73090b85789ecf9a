"""Every pair of many plans at once: the sweep of `kernels/sweep.h`, or its twin in NumPy (`pairs_twin`)."""

from __future__ import annotations

import ctypes
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
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
from keepclear.geometry.soundness import not_between

SHARES = (5, 2, 1)
"""The time swept is cut in so many parts for each thread, of about so much work: few, as each has to begin anew among
movers on their way, and the last small, so that no thread waits long for another."""
FEW_NODES = 20_000
"""Fewer than this are swept by one thread in less time than others need to begin."""

MOST_THREADS = 1_024

Progress = Callable[[int, int], None]
"""Told how many parts of the work are done, and of how many."""

_ADDRESS, _COUNT = ctypes.c_void_p, ctypes.c_int64
_ROOMS: list[int] = []
"""Memory in which sweeps were run (`kc_sweep_room`), cleared, for whoever runs the next: to have it from the system
anew each time takes more than a quarter of the time of a small set."""

if kernels.LIBRARY is not None:
    kernels.LIBRARY.kc_sweep_lay.argtypes = [ctypes.POINTER(PlansStruct), ctypes.POINTER(MinimaStruct), ctypes.c_double]
    kernels.LIBRARY.kc_sweep_lay.restype = _ADDRESS
    kernels.LIBRARY.kc_sweep_free.argtypes = [_ADDRESS]
    kernels.LIBRARY.kc_sweep_free.restype = None
    kernels.LIBRARY.kc_sweep_cut.argtypes = [_ADDRESS, _COUNT, _ADDRESS]
    kernels.LIBRARY.kc_sweep_cut.restype = None
    kernels.LIBRARY.kc_sweep_room_new.argtypes = []
    kernels.LIBRARY.kc_sweep_room_new.restype = _ADDRESS
    kernels.LIBRARY.kc_sweep_run.argtypes = [_ADDRESS, _COUNT, _COUNT, _ADDRESS, _ADDRESS]
    kernels.LIBRARY.kc_sweep_run.restype = ctypes.c_int
    kernels.LIBRARY.kc_sweep_found.argtypes = [_ADDRESS]
    kernels.LIBRARY.kc_sweep_found.restype = _COUNT
    kernels.LIBRARY.kc_sweep_clear.argtypes = [_ADDRESS]
    kernels.LIBRARY.kc_sweep_clear.restype = None
    kernels.LIBRARY.kc_sweep_join.argtypes = [_ADDRESS, *(_COUNT,) * 4, _ADDRESS, ctypes.POINTER(_COUNT)]
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
    neither. Raises `Malformed` naming what is wrong with a plan, a minimum or `threads` (1 to `MOST_THREADS`).
    """
    if threads is not None and not 1 <= threads <= MOST_THREADS:
        raise not_between(threads, 1, MOST_THREADS, "threads")
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
        with ExitStack() as stack:
            rooms = [stack.enter_context(self._room()) for _ in range(workers)]
            helpers = stack.enter_context(ThreadPoolExecutor(workers - 1)) if workers > 1 else None
            self._sweep_all(rooms, helpers, progress)
            return self._joined(rooms, helpers)

    def counts(self) -> Counts:
        numbers = np.zeros(len(Counts._fields), dtype=np.int64)
        with self._room() as room:
            begin, end = self._cuts([1])
            _or_no_memory(self._library.kc_sweep_run(self._sweep, begin, end, room, pointer(numbers)))
        return Counts(*numbers.tolist())

    def _sweep_all(self, rooms: Sequence[int], helpers: Executor | None, progress: Progress | None) -> None:
        """Sweep all of the time in these rooms, a part after the other in each."""
        shares = [1] if len(rooms) == 1 and progress is None else [share for share in SHARES for _ in rooms]
        cuts, free = self._cuts(shares), deque(rooms)

        def sweep(part: int) -> None:
            room = free.popleft()
            try:
                _or_no_memory(self._library.kc_sweep_run(self._sweep, cuts[part], cuts[part + 1], room, None))
            finally:
                free.append(room)

        _each(sweep, len(shares), helpers, len(rooms) - 1, progress)

    def _joined(self, rooms: Sequence[int], helpers: Executor | None) -> npt.NDArray[np.void]:
        """What was found in these rooms, in order, a share of it by each thread."""
        count, plans, addresses = len(rooms), len(self._packed), (_ADDRESS * len(rooms))(*rooms)
        found = np.empty(sum(map(self._library.kc_sweep_found, rooms)), dtype=BREACH)
        shares: dict[int, tuple[int, int]] = {}

        def join(share: int) -> None:
            start = _COUNT()
            many = self._library.kc_sweep_join(addresses, count, plans, share, count, pointer(found), start)
            _or_no_memory(many >= 0)
            shares[share] = start.value, many

        _each(join, count, helpers, count - 1)
        kept = 0
        for _, (start, many) in sorted(shares.items()):  # what was joined left gaps between the shares
            if kept < start:
                ctypes.memmove(pointer(found[kept:]), pointer(found[start:]), many * BREACH.itemsize)
            kept += many
        return found[:kept]

    def _cuts(self, shares: Sequence[int]) -> list[int]:
        """The slabs, from the first to the one after the last, between which there are such shares of the work."""
        evenly = np.empty(sum(shares) + 1, dtype=np.int64)
        self._library.kc_sweep_cut(self._sweep, len(evenly) - 1, pointer(evenly))
        cuts: list[int] = evenly[np.cumsum([0, *shares])].tolist()
        return cuts

    @contextmanager
    def _room(self) -> Iterator[int]:
        """A room with nothing in it."""
        try:
            room = _ROOMS.pop()
        except IndexError:
            room = self._library.kc_sweep_room_new()
            _or_no_memory(room is not None)
        try:
            yield room
        finally:
            self._library.kc_sweep_clear(room)
            _ROOMS.append(room)


def _each(
    work: Callable[[int], None],
    count: int,
    helpers: Executor | None,
    threads: int,
    progress: Progress | None = None,
) -> None:
    """Do `count` pieces of work, in this thread and in so many of the helpers'; `progress` is called in this one."""
    left, done, told = deque(range(count)), deque[None](), 0

    def help_out(tell: Callable[[], None] | None = None) -> None:
        while left:
            try:
                piece = left.popleft()
            except IndexError:  # another was quicker
                return
            work(piece)
            done.append(None)
            if tell is not None:
                tell()

    def tell() -> None:
        nonlocal told
        while progress is not None and told < len(done):
            told += 1
            progress(told, count)

    others = [helpers.submit(help_out) for _ in range(threads)] if helpers is not None else []
    try:
        help_out(tell)
    finally:
        left.clear()  # it may have failed: then nobody begins anything more
    for other in others:
        other.result()
    tell()


def _or_no_memory(done: object) -> None:
    if not done:
        raise MemoryError

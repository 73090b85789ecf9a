"""Every pair of many plans at once: the sweep of `kernels/sweep.h`, or its twin in NumPy (`pairs_twin`)."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from keepclear.conflict import pairs_twin
from keepclear.conflict.breaches import Breaches, required_m
from keepclear.conflict.crew import Crew, Progress
from keepclear.conflict.separation import Separation, minima
from keepclear.geometry import kernels
from keepclear.geometry.columns import Plans
from keepclear.geometry.kernels import BREACH, BreachList, MinimaStruct, PlansStruct, pointer, taken
from keepclear.geometry.pack import Packed, pack
from keepclear.geometry.soundness import not_between

PIECES = 64
"""The time swept is cut in so many pieces for each thread, of about as much work: no thread waits longer for another
than one of them takes."""
PARTS = 4
"""The plans are laid out in so many parts for each thread, where there are several."""
FEW_NODES = 20_000
"""Fewer than this are swept by one thread in less time than others need to begin."""

MOST_THREADS = 1_024

_ADDRESS, _COUNT = ctypes.c_void_p, ctypes.c_int64
_ROOMS: list[int] = []
"""Memory in which sweeps were run (`kc_sweep_room`), cleared, for whoever runs the next: to have it from the system
anew each time takes more than a quarter of the time of a small set. No more are kept than there are processors."""

if kernels.LIBRARY is not None:
    kernels.LIBRARY.kc_sweep_new.argtypes = [ctypes.POINTER(PlansStruct), ctypes.POINTER(MinimaStruct), _COUNT]
    kernels.LIBRARY.kc_sweep_new.restype = _ADDRESS
    kernels.LIBRARY.kc_sweep_lay.argtypes = [_ADDRESS, _COUNT]
    kernels.LIBRARY.kc_sweep_lay.restype = None
    kernels.LIBRARY.kc_sweep_order.argtypes = [_ADDRESS, ctypes.c_double]
    kernels.LIBRARY.kc_sweep_order.restype = ctypes.c_int
    kernels.LIBRARY.kc_sweep_free.argtypes = [_ADDRESS]
    kernels.LIBRARY.kc_sweep_free.restype = None
    kernels.LIBRARY.kc_sweep_cut.argtypes = [_ADDRESS, _COUNT, _ADDRESS]
    kernels.LIBRARY.kc_sweep_cut.restype = None
    kernels.LIBRARY.kc_sweep_room_new.argtypes = []
    kernels.LIBRARY.kc_sweep_room_new.restype = _ADDRESS
    kernels.LIBRARY.kc_sweep_room_free.argtypes = [_ADDRESS]
    kernels.LIBRARY.kc_sweep_room_free.restype = None
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
    with Crew(workers) as crew, _Sweep(packed, least, slab_s, crew) as sweep:
        return sweep.run(progress)


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
    with Crew(1) as crew, _Sweep(packed, least, slab_s, crew) as sweep:
        return sweep.counts()


class _Sweep:
    """Plans laid out in the kernel's memory for as long as the `with` lasts."""

    def __init__(self, packed: Packed, least: MinimaStruct, slab_s: float, crew: Crew) -> None:
        assert kernels.LIBRARY is not None
        self._library = kernels.LIBRARY
        self._packed = packed  # whose arrays the kernel reads
        self._crew = crew
        parts = 1 if crew.hands == 1 else PARTS * crew.hands
        self._sweep: int | None = self._library.kc_sweep_new(packed.struct(), least, parts)
        _or_no_memory(self._sweep is not None)
        with ExitStack() as held:
            held.callback(self._library.kc_sweep_free, self._sweep)
            crew.each(range(parts), lambda _, part: self._library.kc_sweep_lay(self._sweep, part))
            _or_no_memory(self._library.kc_sweep_order(self._sweep, slab_s))
            self._held = held.pop_all()

    def __enter__(self) -> _Sweep:
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def run(self, progress: Progress | None) -> npt.NDArray[np.void]:
        with ExitStack() as stack:
            rooms = [stack.enter_context(self._room()) for _ in range(self._crew.hands)]
            self._sweep_all(rooms, progress)
            return self._joined(rooms)

    def counts(self) -> Counts:
        numbers = np.zeros(len(Counts._fields), dtype=np.int64)
        with self._room() as room:
            begin, end = self._cuts(1)
            _or_no_memory(self._library.kc_sweep_run(self._sweep, begin, end, room, pointer(numbers)))
        return Counts(*numbers.tolist())

    def _sweep_all(self, rooms: Sequence[int], progress: Progress | None) -> None:
        """Sweep all of the time in these rooms, one for each hand."""
        cuts = self._cuts(1 if len(rooms) == 1 and progress is None else PIECES * len(rooms))

        def sweep(hand: int, piece: tuple[int, int]) -> None:
            _or_no_memory(self._library.kc_sweep_run(self._sweep, *piece, rooms[hand], None))

        self._crew.each([each for each in pairwise(cuts) if each[0] < each[1]], sweep, progress)

    def _joined(self, rooms: Sequence[int]) -> npt.NDArray[np.void]:
        """What was found in these rooms, in order, a share of it by each hand."""
        count, plans, addresses = len(rooms), len(self._packed), (_ADDRESS * len(rooms))(*rooms)
        found = np.empty(sum(map(self._library.kc_sweep_found, rooms)), dtype=BREACH)
        shares: dict[int, tuple[int, int]] = {}  # where each is, and how long

        def join(_: int, share: int) -> None:
            start = _COUNT()
            many = self._library.kc_sweep_join(addresses, count, plans, share, count, pointer(found), start)
            _or_no_memory(many >= 0)
            shares[share] = start.value, many

        self._crew.each(range(count), join)
        begin = end = min(shares.values())[0]
        for start, many in sorted(shares.values()):  # what was joined left a gap after every second share
            if end < start:
                ctypes.memmove(pointer(found[end:]), pointer(found[start:]), many * BREACH.itemsize)
            end += many
        return found[begin:end]

    def _cuts(self, pieces: int) -> list[int]:
        """The slabs, from the first to the one after the last, between which there are pieces of about as much work."""
        cuts = np.empty(pieces + 1, dtype=np.int64)
        self._library.kc_sweep_cut(self._sweep, pieces, pointer(cuts))
        return cuts.tolist()

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
            if len(_ROOMS) < (os.cpu_count() or 1):
                _ROOMS.append(room)
            else:
                self._library.kc_sweep_room_free(room)


def _or_no_memory(done: object) -> None:
    if not done:
        raise MemoryError

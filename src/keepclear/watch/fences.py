"""Who is within which fence, as reports come in.

A fence is a plan that has volumes: a mover is within it when it is in the area of one of them, at a height in its band
and at a moment in its window. In the area means more than 1 mm within the rim, in the band more than 1 mm above its
lower and below its upper limit; a window begins with its first moment and ends before its last. What counts is the
reported point; how much of its uncertainty reaches over the rim is told by `margin_m`, metres within the rim (negative
outside), of the reported point. Edges are geodesics; fences may be of any size, hold holes, lie over a pole or the
antimeridian.

A height that is not known is held to be any height; heights above different things are not compared, and the area alone
decides: the finding is flagged.

`entered` and `left` are told of the report that shows it. With `between_reports` what lies between two reports that are
joined counts too: the mover is held to go evenly along the geodesic, its height evenly, and each time it enters or
leaves, by area, band or window, is told with the moment and the place; so is a fence it went right through. `dwelt` is
told once of each stay: at the first report by which it has lasted for `dwell_s`, or at the first such `tick` while the
last report is no older than `max_gap_s`. After a silence longer than that, or a jump, nobody knows whether the mover
stayed: a stay that goes on is then counted anew.

Fences may be put up and removed at any time. Whoever is within a new one is told to have entered at its next report; of
a fence that is removed nothing more is told.
"""

from __future__ import annotations

import ctypes
import math
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from keepclear.errors import Malformed
from keepclear.geometry.columns import IntArray, Plans
from keepclear.geometry.kernels import LIBRARY, PlansStruct, notice, pointer
from keepclear.geometry.pack import Packed, pack
from keepclear.geometry.turns import Turns
from keepclear.watch.batch import Batch, Movers
from keepclear.watch.fences_twin import InsidersTwin
from keepclear.watch.live_findings import LiveFindings
from keepclear.watch.sightings import Reports, Sightings, findings_of

if LIBRARY is not None:
    _ALL, _SEEN = ctypes.c_void_p, ctypes.POINTER(Sightings)
    LIBRARY.kc_fences_new.argtypes = (ctypes.c_int,)
    LIBRARY.kc_fences_new.restype = _ALL
    LIBRARY.kc_fences_drop.argtypes = (_ALL,)
    LIBRARY.kc_fences_drop.restype = None
    LIBRARY.kc_fence_put.argtypes = (_ALL, ctypes.c_int32, ctypes.POINTER(PlansStruct), ctypes.c_int64)
    LIBRARY.kc_fence_put.restype = ctypes.c_int
    LIBRARY.kc_fence_remove.argtypes = (_ALL, ctypes.c_int32)
    LIBRARY.kc_fence_remove.restype = None
    LIBRARY.kc_fences_feed.argtypes = (_ALL, ctypes.POINTER(Reports), ctypes.c_double, _SEEN)
    LIBRARY.kc_fences_feed.restype = ctypes.c_int
    LIBRARY.kc_fences_tick.argtypes = (_ALL, ctypes.c_double, ctypes.c_double, ctypes.c_double, _SEEN)
    LIBRARY.kc_fences_tick.restype = ctypes.c_int
    LIBRARY.kc_fences_stays.argtypes = (_ALL, ctypes.c_void_p)
    LIBRARY.kc_fences_stays.restype = ctypes.c_int64
    LIBRARY.kc_fences_cells.argtypes = (_ALL, ctypes.POINTER(ctypes.c_int64))
    LIBRARY.kc_fences_cells.restype = ctypes.c_int64


class Fences:
    """Fences, by the rule at the head of this file. One `Watch` uses it; any number of threads may.

    `fences` are plans with volumes, or anything `Plans.of` takes; `dwell_s` infinite: nobody is told to have dwelt.
    `max_gap_s` is that of the `Watch`'s intake. `between_reports` costs several times what reports alone do.
    """

    def __init__(
        self,
        fences: object = None,
        *,
        dwell_s: float = math.inf,
        max_gap_s: float = 300.0,
        between_reports: bool = False,
    ) -> None:
        if not dwell_s > 0.0:
            raise Malformed(f"{dwell_s} is not more than 0", field="dwell_s", code="out_of_range", value=dwell_s)
        notice()
        self._dwell_s, self._max_gap_s = float(dwell_s), float(max_gap_s)
        self._insiders: Insiders | InsidersTwin = (InsidersTwin if LIBRARY is None else Insiders)(between_reports)
        self._turns = Turns()
        self._numbers: dict[str, int] = {}
        self._free: list[int] = []
        self._names = np.empty(0, dtype=object)
        if fences is not None:
            self.put(fences)

    def __len__(self) -> int:
        return len(self._numbers)

    def __contains__(self, fence: object) -> bool:
        return fence in self._numbers

    def put(self, fences: object) -> None:
        """Put up fences; one with the id of another takes its place, and its stays begin anew.

        Raises `Malformed` as `Plans.of` does, or naming a plan that has no volumes; nothing is then changed. If there
        is no memory for them, `MemoryError`: none of them is then up, nor what they were to take the place of.
        """
        plans = Plans.of(fences)
        without = np.flatnonzero(np.diff(plans.volume_from) == 0)
        if len(without):
            where = f"plans[{plans.ids[without[0]]}].volumes"
            raise Malformed("a fence needs a volume", field=where, code="nothing_planned")
        packed = pack(plans)
        with self._turns:
            self._remove(fence for fence in plans.ids if fence in self._numbers)
            numbers = []
            for fence in plans.ids:
                numbers.append(self._free.pop() if self._free else len(self._numbers) + len(self._free))
                self._numbers[fence] = numbers[-1]
            if max(numbers, default=-1) >= len(self._names):
                names = np.empty(2 * max(numbers) + 16, dtype=object)
                names[: len(self._names)] = self._names
                self._names = names
            self._names[numbers] = plans.ids
            try:
                self._insiders.put(numbers, plans, packed)
            except MemoryError:
                self._remove(plans.ids)
                raise

    def remove(self, fences: Iterable[str]) -> None:
        """Take down fences by their ids. Raises `KeyError` for one that is not up."""
        wanted = tuple(fences)
        with self._turns:
            self._remove(wanted)

    def _remove(self, fences: Iterable[str]) -> None:
        for fence in tuple(fences):
            number = self._numbers.pop(fence)
            self._insiders.remove(number)
            self._free.append(number)

    def feed(self, batch: Batch, movers: Movers) -> LiveFindings:
        """Who entered, left and dwelt; in the order of the reports.

        `MemoryError`: what this batch showed is lost, and it may be fed again; what comes later is told as ever.
        """
        with self._turns:
            return findings_of(self._insiders.feed(batch, len(movers), self._dwell_s), movers, self._names)

    def tick(self, now_s: float, movers: Movers) -> LiveFindings:
        """Who has dwelt by now."""
        with self._turns:
            return findings_of(self._insiders.tick(now_s, self._dwell_s, self._max_gap_s), movers, self._names)

    def stays(self) -> list[tuple[int, str]]:
        """The number of each mover within a fence, and the fence, as last told; in order of both."""
        with self._turns:
            return [(mover, self._names[fence]) for mover, fence in sorted(map(tuple, self._insiders.stays().tolist()))]


class Insiders:
    """The kernel: `kc_fences` of fences.c."""

    def __init__(self, between_reports: bool) -> None:
        assert LIBRARY is not None
        self._drop = LIBRARY.kc_fences_drop
        self._kept: dict[int, tuple[PlansStruct, Packed]] = {}
        self._all = LIBRARY.kc_fences_new(between_reports)
        if not self._all:
            raise MemoryError

    def __del__(self) -> None:
        self._drop(self._all)

    def put(self, numbers: list[int], plans: Plans, packed: Packed) -> None:
        """Put up plan i under number `numbers[i]`, which is free."""
        assert LIBRARY is not None
        struct = packed.struct()
        self._kept.update(dict.fromkeys(numbers, (struct, packed)))
        for plan, number in enumerate(numbers):
            if LIBRARY.kc_fence_put(self._all, number, struct, plan):
                raise MemoryError

    def remove(self, number: int) -> None:
        """Take down a fence."""
        assert LIBRARY is not None
        LIBRARY.kc_fence_remove(self._all, number)
        del self._kept[number]

    def feed(self, batch: Batch, movers: int, dwell_s: float) -> npt.NDArray[np.void]:
        """What the reports show, shape (n,) of `SEEN`."""
        assert LIBRARY is not None
        seen = Sightings()
        failed = LIBRARY.kc_fences_feed(self._all, Reports.of(batch, movers), dwell_s, seen)
        found = seen.taken()
        if failed:
            raise MemoryError
        return found

    def tick(self, now_s: float, dwell_s: float, max_gap_s: float) -> npt.NDArray[np.void]:
        """What time shows, shape (n,) of `SEEN`."""
        assert LIBRARY is not None
        seen = Sightings()
        failed = LIBRARY.kc_fences_tick(self._all, now_s, dwell_s, max_gap_s, seen)
        found = seen.taken()
        if failed:
            raise MemoryError
        return found

    def stays(self) -> IntArray:
        """The numbers of movers and of the fences they are within, shape (n, 2)."""
        assert LIBRARY is not None
        stays = np.empty((LIBRARY.kc_fences_stays(self._all, None), 2), dtype=np.int64)
        LIBRARY.kc_fences_stays(self._all, pointer(stays))
        return stays

    def cells(self) -> tuple[int, int]:
        """How many cells of the surface hold a fence or a rim, and for how many there is room."""
        assert LIBRARY is not None
        room = ctypes.c_int64()
        return LIBRARY.kc_fences_cells(self._all, room), room.value

"""Our engine as the benches call it, and what it went through."""

from __future__ import annotations

import ctypes

import numpy as np
import numpy.typing as npt

from bench.brute import Pairs
from keepclear.conflict.pairs import conflicts, stays_between
from keepclear.conflict.separation import Minimum, minima
from keepclear.geometry.columns import Plans
from keepclear.geometry.kernels import LIBRARY, BreachList, pointer
from keepclear.geometry.pack import Packed


class SweepCounts(ctypes.Structure):
    """`kc_sweep_counts` of kernels/sweep.h."""

    _fields_ = tuple((name, ctypes.c_int64) for name in ("balls", "near", "ways", "legs", "exact"))


def call(plans: Plans, across_m: float, height_m: float, threads: int = 1) -> object:
    """The whole call of the library: columns checked, packed, all pairs found."""
    return conflicts(plans, Minimum(across_m, height_m), threads=threads)


def detect(packed: Packed, across_m: float, height_m: float, threads: int = 1) -> npt.NDArray[np.void]:
    """All breaches of packed plans, rows of `kernels.BREACH`."""
    return stays_between(packed, minima(Minimum(across_m, height_m)), threads=threads)


def pairs(packed: Packed, across_m: float, height_m: float, threads: int = 1) -> Pairs:
    """The numbers of the plans of each pair in conflict, the lower first."""
    found = detect(packed, across_m, height_m, threads)
    return set(zip(found["a"].tolist(), found["b"].tolist(), strict=True))


def exact_tests(packed: Packed, across_m: float, height_m: float) -> int:
    """How many pairs of legs were worked out to the end; 0 where there are no kernels that count."""
    if LIBRARY is None:
        return 0
    counts, cuts, found = SweepCounts(), np.empty(2, dtype=np.int64), BreachList()
    sweep = LIBRARY.kc_sweep_lay(packed.struct(), minima(Minimum(across_m, height_m)), 0.0)
    try:
        LIBRARY.kc_sweep_cut(sweep, 1, pointer(cuts))
        LIBRARY.kc_sweep_run(sweep, cuts[0], cuts[1], ctypes.byref(found), ctypes.addressof(counts))
    finally:
        LIBRARY.kc_sweep_free(sweep)
        LIBRARY.kc_free(found.list)
    return int(counts.exact)

"""Our engine as the benches call it, and what it went through."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bench.brute import Pairs
from keepclear.conflict.pairs import conflicts, counted, stays_between
from keepclear.conflict.separation import Minimum, minima
from keepclear.geometry.columns import Plans
from keepclear.geometry.kernels import LIBRARY
from keepclear.geometry.pack import Packed


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
    return counted(packed, minima(Minimum(across_m, height_m))).exact

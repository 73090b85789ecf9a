"""Our engine as the benches call it."""

from __future__ import annotations

import ctypes
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.brute import Pairs
from keepclear.geometry.kernels import LIBRARY, BreachList, MinimaStruct, pointer, taken
from keepclear.geometry.pack import Packed

P = ctypes.c_void_p


def _minima(across_m: float, height_m: float) -> MinimaStruct:
    one = MinimaStruct()
    for i in range(25):
        one.across[i] = across_m
        one.height[i] = height_m
    return one


def detect(packed: Packed, across_m: float, height_m: float, threads: int = 1, counts: Any = None) -> npt.NDArray[np.void]:
    L = LIBRARY
    L.kc_sweep_lay.restype = P
    L.kc_sweep_lay.argtypes = [P, P, ctypes.c_double]
    L.kc_sweep_cut.argtypes = [P, ctypes.c_int64, P]
    L.kc_sweep_run.argtypes = [P, ctypes.c_int64, ctypes.c_int64, P, P]
    L.kc_sweep_join.argtypes = [P, ctypes.c_int64]
    L.kc_sweep_free.argtypes = [P]
    s = packed.struct(); m = _minima(across_m, height_m)
    sw = L.kc_sweep_lay(ctypes.byref(s), ctypes.byref(m), 0.0)
    parts = 1 if threads == 1 else 8
    cuts = np.zeros(parts + 1, dtype=np.int64)
    L.kc_sweep_cut(sw, parts, pointer(cuts))
    lists = [BreachList() for _ in range(parts)]
    if threads == 1:
        L.kc_sweep_run(sw, int(cuts[0]), int(cuts[1]), ctypes.byref(lists[0]), None if counts is None else pointer(counts))
        L.kc_sweep_join(ctypes.byref(lists[0]), len(packed))
        out = taken(lists[0])
    else:
        with ThreadPoolExecutor(threads) as ex:
            list(ex.map(lambda k: L.kc_sweep_run(sw, int(cuts[k]), int(cuts[k+1]), ctypes.byref(lists[k]), None), range(parts)))
        out = np.concatenate([taken(x) for x in lists])
    L.kc_sweep_free(sw)
    return out


def pairs(packed: Packed, across_m: float, height_m: float, threads: int = 1) -> Pairs:
    f = detect(packed, across_m, height_m, threads)
    return set(zip(np.minimum(f["a"], f["b"]).tolist(), np.maximum(f["a"], f["b"]).tolist(), strict=True))


def exact_tests(packed: Packed, across_m: float, height_m: float) -> int:
    c = np.zeros(6, dtype=np.int64)
    detect(packed, across_m, height_m, 1, c)
    print(c)
    return int(c[5])

"""The plainest way: every pair of plans, every pair of legs, no index. An answer to hold the others against."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
import time
from functools import cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from keepclear.geometry.earth import points_in_space
from keepclear.geometry.kernels import FOLDER, pointer
from keepclear.geometry.pack import Packed

Pairs = set[tuple[int, int]]


class Brute(NamedTuple):
    """The pairs, how many pairs of legs were tested, and how many of those came too near."""

    pairs: Pairs
    tested: int
    met: int


def compiler() -> str | None:
    """The C compiler, if there is one."""
    return shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")


@cache
def _library() -> ctypes.CDLL:
    cc = compiler()
    assert cc is not None
    with tempfile.TemporaryDirectory() as folder:
        built = Path(folder) / "brute.so"
        flags = ["-std=c11", "-O3", "-march=native", "-ffp-contract=off", "-fno-math-errno", "-fPIC", "-shared"]
        sources = [str(path) for path in (Path(__file__).with_suffix(".c"), *sorted(FOLDER.glob("*.c")))]
        subprocess.run([cc, *flags, f"-I{FOLDER}", "-o", str(built), *sources, "-lm"], check=True)
        library = ctypes.CDLL(str(built))
    library.bench_brute.restype = ctypes.c_int64
    library.bench_brute.argtypes = (
        [ctypes.c_int64] + [ctypes.c_void_p] * 2 + [ctypes.c_double] * 2 + [ctypes.c_void_p] * 2
    )
    library.bench_leg_test.restype = ctypes.c_int64
    library.bench_leg_test.argtypes = [ctypes.c_void_p] * 2 + [ctypes.c_double] * 2 + [ctypes.c_int64]
    return library


def brute(packed: Packed, across_m: float, height_m: float) -> Brute:
    """The pairs of plans whose ways come nearer than both figures; their numbers, the lower first."""
    n = len(packed)
    met = np.zeros((n, n), dtype=np.uint8)
    legs_met = np.zeros(1, dtype=np.int64)
    tested = _library().bench_brute(
        n, pointer(packed.node_from), pointer(packed.nodes), across_m, height_m, pointer(met), pointer(legs_met)
    )
    return Brute({(int(i), int(j)) for i, j in np.argwhere(met)}, int(tested), int(legs_met[0]))


def repeat_leg_test(times: int = 20_000) -> float:
    """Seconds of one test of two legs that cross a kilometre apart, everything at hand; the best of twenty runs."""
    there = points_in_space(np.array([35.0, 35.1, 35.0, 35.1]), np.array([40.0, 40.1, 40.11, 40.0]))
    nodes = np.column_stack(([0.0, 80.0, 0.0, 80.0], there, np.full((4, 2), 3_000.0)))
    leg, other = np.ascontiguousarray(nodes[:2]), np.ascontiguousarray(nodes[2:])
    best = float("inf")
    for _ in range(20):
        start = time.perf_counter()
        met = _library().bench_leg_test(pointer(leg), pointer(other), 9_260.0, 300.0, times)
        best = min(best, time.perf_counter() - start)
        assert met == times
    return best / times

"""What the figures were measured on, and what this machine can at best do: the floors."""

from __future__ import annotations

import importlib.metadata
import math
import os
import platform
import time
from functools import cache
from pathlib import Path

import numpy as np

import keepclear
from keepclear.geometry import kernels

PEERS = ("bluesky-simulator", "duckdb", "pymeos", "rtree", "scipy", "shapely", "traffic", "numpy", "apsw")


def described() -> dict[str, str]:
    """The machine, our kernels, the peers' versions, and how busy it was."""
    cpu = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines() if Path("/proc/cpuinfo").exists() else ():
        if line.startswith("model name"):
            cpu = line.partition(":")[2].strip()
            break
    versions = {}
    for name in PEERS:
        try:
            versions[name] = importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            versions[name] = "not installed"
    return {
        "processor": f"{cpu}, {os.cpu_count()} cores",
        "load when begun": f"{os.getloadavg()[0]:.2f}",
        "memory read by one core": f"{read_speed() / 1e9:.1f} GB/s",
        "python": platform.python_version(),
        "keepclear": f"{keepclear.__version__}, kernels {kernels.variant()}",
        "peers": ", ".join(f"{name} {version}" for name, version in versions.items()),
    }


@cache
def read_speed() -> float:
    """Bytes a second that one core reads out of memory, in one piece, the best of five."""
    many = np.ones(32_000_000)
    best = 0.0
    for _ in range(5):
        start = time.perf_counter()
        many.sum()
        best = max(best, many.nbytes / (time.perf_counter() - start))
    return best


def read_once_s(*arrays: np.ndarray) -> float:
    """Seconds to read so much once."""
    return sum(array.nbytes for array in arrays) / read_speed()


@cache
def leg_test_s() -> float:
    """Seconds of one exact test of two legs that do come too near, on data at hand, by the kernel's own function.

    Nan where there is no C compiler to build the plain loop with.
    """
    from bench.brute import compiler, repeat_leg_test

    return repeat_leg_test() if compiler() else float("nan")


def floor_s(legs: int, *arrays: np.ndarray) -> float:
    """Seconds to read so much once and to work out so many pairs of legs; the former alone where nothing compiles."""
    return read_once_s(*arrays) + (0.0 if math.isnan(leg_test_s()) else legs * leg_test_s())


@cache
def touch_s(table_bytes: int) -> float:
    """Seconds to fetch a number from a place nobody could foretell in a table of so many bytes; the best of five."""
    lines = max(table_bytes // 64, 1_000)
    table = np.zeros((lines, 8))[:, 0]
    places = np.random.default_rng(6).integers(0, lines, 2_000_000)
    best = float("inf")
    for _ in range(5):
        start = time.perf_counter()
        table[places].sum()
        best = min(best, time.perf_counter() - start)
    return best / len(places)

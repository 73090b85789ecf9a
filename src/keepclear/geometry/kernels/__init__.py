"""The kernels in C: which library is loaded, its functions, and the structs it shares with Python.

`LIBRARY` is None where none was compiled or `KEEPCLEAR_KERNELS=off`; then the NumPy twins serve, slower and with the
same answers, and `variant()` says "numpy". `KEEPCLEAR_KERNELS=baseline` (or v3, v4) asks for one instruction set,
a path for one library.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

FOLDER = Path(__file__).parent
VARIANTS = ("v4", "v3", "baseline")
"""Widest first."""

BREACH = np.dtype(
    [
        ("a", "i8"),
        ("b", "i8"),
        ("t0_s", "f8"),
        ("t1_s", "f8"),
        ("nearest_s", "f8"),
        ("horizontal_m", "f8"),
        ("vertical_m", "f8"),
        ("margin_m", "f8"),
        ("place", "f8", 3),
        ("reason", "i4"),
        ("flags", "i4"),
    ]
)
"""`kc_breach`: the two plans, when, how near, and a point in space where."""


class BreachList(ctypes.Structure):
    """`kc_breaches`."""

    _fields_ = (("list", ctypes.c_void_p), ("count", ctypes.c_int64), ("room", ctypes.c_int64))


class PlansStruct(ctypes.Structure):
    """`kc_plans`: pointers into the arrays of a `Packed`."""

    _fields_ = (
        ("count", ctypes.c_int64),
        *((name, ctypes.c_void_p) for name in ("kind", "datum", "room", "node_from", "nodes", "volume_from")),
        *((name, ctypes.c_void_p) for name in ("volumes", "areas", "ring_from", "vertex_from", "vertices")),
    )


class MinimaStruct(ctypes.Structure):
    """`kc_minima`."""

    _fields_ = (("across", ctypes.c_double * 25), ("height", ctypes.c_double * 25))


def _load() -> tuple[ctypes.CDLL | None, str]:
    wanted = os.environ.get("KEEPCLEAR_KERNELS", "")
    if wanted == "off":
        return None, "numpy"
    if os.sep in wanted:
        return ctypes.CDLL(wanted), Path(wanted).stem
    features = np._core._multiarray_umath.__cpu_features__  # type: ignore[attr-defined]
    knows = {"v4": features.get("AVX512_SKX", False), "v3": features.get("AVX2", False), "baseline": True}
    for name in VARIANTS:
        path = FOLDER / f"_{name}.so"
        if (wanted or name) == name and knows[name] and path.exists():
            return ctypes.CDLL(str(path)), name
    return None, "numpy"


LIBRARY, _VARIANT = _load()


def variant() -> str:
    """Which kernels serve: v4, v3, baseline, or numpy where none is compiled."""
    return _VARIANT


def pointer(array: npt.NDArray[Any]) -> int:
    """Where an array's numbers begin. The caller keeps the array."""
    assert array.flags.c_contiguous
    return int(array.ctypes.data)


def taken(found: BreachList) -> npt.NDArray[np.void]:
    """The breaches of a list, shape (count,) of `BREACH`; the list's own memory is given back."""
    assert LIBRARY is not None
    try:
        if not found.count:
            return np.empty(0, dtype=BREACH)
        raw = ctypes.string_at(found.list, found.count * BREACH.itemsize)
        return np.frombuffer(raw, dtype=BREACH).copy()
    finally:
        LIBRARY.kc_free(ctypes.c_void_p(found.list))

"""The kernels in C: which library is loaded, its functions, and the structs it shares with Python.

`LIBRARY` is None where none can be loaded or `KEEPCLEAR_KERNELS=off`; then the NumPy twins serve, slower and with the
same answers, and `variant()` says "numpy". `KEEPCLEAR_KERNELS=baseline` (or v3, v4) asks for one instruction set,
a path for one library. A library that was cut short, is for another machine or of another age is not used; `notice`
warns of it when an engine is.
"""

from __future__ import annotations

import ctypes
import os
import struct
import warnings
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

FOLDER = Path(__file__).parent
VARIANTS = ("v4", "v3", "baseline")
"""Widest first."""

_NOTHING = ctypes.c_char * 0

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


class ColumnsStruct(ctypes.Structure):
    """`kc_columns`: pointers into the arrays of a `Plans`."""

    _fields_ = (
        *((name, ctypes.c_int64) for name in ("plans", "points", "volumes", "rings", "vertices")),
        *(
            (name, ctypes.c_void_p)
            for name in ("kind", "datum", "band", "room", "point_from", "t", "lat", "lon", "alt")
        ),
        *(
            (name, ctypes.c_void_p)
            for name in ("volume_from", "volume", "circle", "ring_from", "vertex_from", "vertex")
        ),
    )


class MinimaStruct(ctypes.Structure):
    """`kc_minima`."""

    _fields_ = (("across", ctypes.c_double * 25), ("height", ctypes.c_double * 25))


Mirror = np.dtype[np.void] | type[ctypes.Structure]
SHARED: dict[str, Mirror] = {
    "kc_plans": PlansStruct,
    "kc_columns": ColumnsStruct,
    "kc_minima": MinimaStruct,
    "kc_breach": BREACH,
    "kc_breaches": BreachList,
}
"""The structs without which no library is used, by their names in C. A room that mirrors others tests them alike."""


class Unloadable(Exception):
    """A file that is no library for this machine and this version of keepclear."""


class Library(ctypes.CDLL):
    """A loaded library. A function that it lacks was written after it was compiled."""

    def __getattr__(self, name: str) -> Any:
        try:
            return super().__getattr__(name)
        except AttributeError:
            raise AttributeError(f"{self._name} has no {name}: compile the kernels again (make kernels)") from None


def layout(mirror: Mirror) -> int:
    """What `kc_layout` of a library must answer for the struct that this mirrors."""
    if isinstance(mirror, np.dtype):
        numbers = [mirror.itemsize]
        for of, offset, *_ in mirror.fields.values() if mirror.fields else ():
            numbers += [offset, of.itemsize]
    else:
        numbers = [ctypes.sizeof(mirror)]
        for name, *_ in mirror._fields_:
            numbers += [getattr(mirror, name).offset, getattr(mirror, name).size]
    total = 14695981039346656037
    for number in numbers:
        total = (total ^ number) * 1099511628211 % 2**64
    return total


def load(wanted: str = "", folder: Path = FOLDER) -> tuple[Library | None, str, tuple[str, ...]]:
    """The library that serves for a value of `KEEPCLEAR_KERNELS`, which it is, and what is wrong with better ones."""
    if wanted == "off":
        return None, "numpy", ()
    try:
        if os.sep in wanted:
            return _opened(Path(wanted)), Path(wanted).stem, ()
        baseline = _opened(folder / "_baseline.so")  # it alone runs everywhere, and can be asked what the others need
    except Unloadable as fault:
        return None, "numpy", (str(fault),)
    faults = []
    for name in [wanted] if wanted else VARIANTS:
        path = folder / f"_{name}.so"
        if not baseline.kc_knows(name.encode()):
            if wanted:
                faults.append(f"this machine has no {name}")
            continue
        if not (wanted or path.exists()):
            continue  # the compiler did not know it
        try:
            return baseline if name == "baseline" else _opened(path), name, tuple(faults)
        except Unloadable as fault:
            faults.append(str(fault))
    return None, "numpy", tuple(faults)


def _opened(path: Path) -> Library:
    """A library that is whole and lays out its structs as the mirrors here do."""
    try:
        with path.open("rb") as file:
            head = file.read(64)
        if len(head) == 64 and head[:6] == b"\x7fELF\x02\x01":
            # The system maps a file that was cut short, and ends the process at the first touch of what is missing.
            table, (size, count) = struct.unpack_from("<Q", head, 40)[0], struct.unpack_from("<HH", head, 58)
            if path.stat().st_size < table + size * count:
                raise Unloadable(f"{path.name} is cut short")
        library = Library(str(path))
        library.kc_layout.argtypes = [ctypes.c_char_p]
        library.kc_layout.restype = ctypes.c_uint64
        library.kc_knows.argtypes = [ctypes.c_char_p]
        library.kc_free.argtypes = [ctypes.c_void_p]
        library.kc_free.restype = None
    except FileNotFoundError:
        raise Unloadable(f"{path.name} was never built") from None
    except OSError as error:
        raise Unloadable(f"{path.name} cannot be loaded: {error}") from None
    except AttributeError:
        raise Unloadable(f"{path.name} is of another version of keepclear") from None
    if any(library.kc_layout(name.encode()) != layout(mirror) for name, mirror in SHARED.items()):
        raise Unloadable(f"{path.name} is of another version of keepclear")
    return library


LIBRARY, _VARIANT, _FAULTS = load(os.environ.get("KEEPCLEAR_KERNELS", ""))


def variant() -> str:
    """Which kernels serve: v4, v3, baseline, the name of a library asked for, or numpy where none can be loaded."""
    return _VARIANT


@cache
def notice() -> None:
    """Warn (`RuntimeWarning`), once in a process, of a library that could not be loaded. Engines call it at work."""
    if _FAULTS:
        cost = (
            f"The narrower {_VARIANT} serves, somewhat slower."
            if LIBRARY is not None
            else "Their twins in NumPy serve: the same answers, many times slower."
        )
        warnings.warn(
            f"keepclear's compiled kernels are not all here: {'; '.join(_FAULTS)}. {cost} To have them built, install "
            "a C compiler (Debian: apt install gcc), then install keepclear again (in its sources: make kernels).",
            RuntimeWarning,
            stacklevel=3,
        )


def pointer(array: npt.NDArray[Any]) -> int:
    """Where an array's numbers begin. The caller keeps the array."""
    try:  # three times as quick as the way that is always open; what is not contiguous is refused
        return ctypes.addressof(_NOTHING.from_buffer(array))  # type: ignore[arg-type] # NumPy's arrays are buffers
    except (TypeError, ValueError):  # it is not to be written to, or not contiguous
        assert array.flags.c_contiguous
        return int(array.ctypes.data)


def taken(found: ctypes.Structure, row: np.dtype[np.void] = BREACH) -> npt.NDArray[np.void]:
    """The rows of a list that a kernel grew (`list`, `count`), shape (count,); the list's own memory is given back."""
    assert LIBRARY is not None
    try:
        rows = np.empty(found.count, dtype=row)
        if found.count:
            ctypes.memmove(pointer(rows), found.list, rows.nbytes)
        return rows
    finally:
        LIBRARY.kc_free(found.list)

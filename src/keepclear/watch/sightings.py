"""Reports handed to the kernels of `kernels/movers.h`, and what they saw as columns."""

from __future__ import annotations

import ctypes
import weakref

import numpy as np
import numpy.typing as npt

from keepclear.geometry.kernels import LIBRARY, pointer
from keepclear.watch.batch import Batch, Movers, Names
from keepclear.watch.live_findings import LIVE_KINDS, LiveFindings, LiveKind

SEEN = np.dtype(
    [
        ("what", "i4"),
        ("flags", "i4"),
        ("row", "i8"),
        ("mover", "i8"),
        ("other", "i8"),
        ("t_s", "f8"),
        ("place", "f8", 3),
        ("margin_m", "f8"),
        ("value", "f8"),
    ]
)
"""`kc_seen`."""

ENTERED, LEFT, DWELT, NEAR, APART = range(5)
_KINDS = np.array(
    [
        LIVE_KINDS.index(kind)
        for kind in (LiveKind.ENTERED, LiveKind.LEFT, LiveKind.DWELT, LiveKind.NEAR, LiveKind.APART)
    ],
    dtype=np.uint8,
)
_ECCENTRICITY2 = 6.69437999014131699614e-3


class Reports(ctypes.Structure):
    """`kc_reports`: pointers into the arrays of a `Batch`."""

    _fields_ = (
        ("count", ctypes.c_int64),
        ("movers", ctypes.c_int64),
        *(
            (name, ctypes.c_void_p)
            for name in ("mover", "t", "lat", "lon", "place", "alt", "datum", "before", "joined")
        ),
    )

    @classmethod
    def of(cls, batch: Batch, movers: int) -> Reports:
        """The reports of a batch, which must outlive them; every number of a mover is below `movers`."""
        columns = (batch.mover, batch.t_s, batch.lat_deg, batch.lon_deg, batch.place, batch.alt_m)
        rest = (batch.datum, batch.before, batch.joined)
        return cls(len(batch), movers, *(pointer(column) for column in (*columns, *rest)))


class Sightings(ctypes.Structure):
    """`kc_sightings`."""

    _fields_ = (("list", ctypes.c_void_p), ("count", ctypes.c_int64), ("room", ctypes.c_int64))
    list: int | None
    count: int

    def taken(self) -> npt.NDArray[np.void]:
        """What is in the list, shape (count,) of `SEEN`: the list itself, whose memory goes when the array does."""
        assert LIBRARY is not None
        address = self.list
        if address is None:
            return np.empty(0, dtype=SEEN)
        self.list = None
        raw = (ctypes.c_char * (self.count * SEEN.itemsize)).from_address(address)
        weakref.finalize(raw, LIBRARY.kc_free, address).atexit = False
        return np.frombuffer(memoryview(raw), dtype=SEEN)


def findings_of(seen: npt.NDArray[np.void], movers: Movers, others: Names) -> LiveFindings:
    """What was seen, with names. `others` are those of the numbers in `other`.

    What no report showed, but time, is at the last place of its mover.
    """
    if not len(seen):
        return LiveFindings.none()
    lat, lon = degrees(seen["place"])
    late = np.flatnonzero(seen["row"] < 0)
    lat[late], lon[late] = movers.lat_deg[seen["mover"][late]], movers.lon_deg[seen["mover"][late]]
    return LiveFindings(
        kind=_KINDS[seen["what"]],
        subject=movers.ids[seen["mover"]],
        other=others[seen["other"]],
        t_s=seen["t_s"].copy(),
        lat_deg=lat,
        lon_deg=lon,
        margin_m=seen["margin_m"].copy(),
        value=seen["value"].copy(),
        flags=seen["flags"].astype(np.uint8),
    )


def degrees(places: npt.NDArray[np.float64]) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Latitudes and longitudes of n points on, or some metres off, the surface, shape (n, 3)."""
    x, y, z = np.ascontiguousarray(places.T)  # each in one piece, which is quicker than across the rows of many
    return np.degrees(np.arctan2(z, (1.0 - _ECCENTRICITY2) * np.hypot(x, y))), np.degrees(np.arctan2(y, x))

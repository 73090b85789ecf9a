"""Who is near whom, as reports come in.

Two movers are near when their last known positions lie nearer than `radius_m` along the ground and, if that is asked,
`vertical_m` up and down, each by more than 1 mm, neither report being more than `max_age_s` older than the other. They
are apart again when they are no longer nearer than `1 + hysteresis` times either figure. Each report is held against
the last of every other mover when it comes, so `near` and `apart` of a pair take turns, in whatever batches they come.

A height that is not known is held to be any height, and heights above different things are not compared: such a pair is
judged on the ground alone, and its findings are flagged. Where one of a pair falls silent for longer than `max_age_s`
the pair is forgotten when the other reports next, and nothing is told: nobody saw them part. Should both be seen near
again, that is told again.

The findings' place is halfway between the two, the time that of the report which showed it, `value` the distance in
metres, and `margin_m` how much nearer than the radius that is (negative: farther).
"""

from __future__ import annotations

import ctypes
import math

import numpy as np

from keepclear.errors import Malformed
from keepclear.geometry.columns import IntArray
from keepclear.geometry.kernels import LIBRARY, notice, pointer
from keepclear.geometry.turns import Turns
from keepclear.watch.batch import Batch, Movers
from keepclear.watch.live_findings import LiveFindings
from keepclear.watch.proximity_twin import NeighboursTwin
from keepclear.watch.sightings import Reports, Sightings, findings_of

WIDEST_M = 500_000.0
"""The largest radius."""

if LIBRARY is not None:
    LIBRARY.kc_neighbours_new.argtypes = (ctypes.c_double,) * 4
    LIBRARY.kc_neighbours_new.restype = ctypes.c_void_p
    LIBRARY.kc_neighbours_drop.argtypes = (ctypes.c_void_p,)
    LIBRARY.kc_neighbours_drop.restype = None
    LIBRARY.kc_neighbours_feed.argtypes = (ctypes.c_void_p, ctypes.POINTER(Reports), ctypes.POINTER(Sightings))
    LIBRARY.kc_neighbours_feed.restype = ctypes.c_int
    LIBRARY.kc_neighbours_pairs.argtypes = (ctypes.c_void_p, ctypes.c_void_p)
    LIBRARY.kc_neighbours_pairs.restype = ctypes.c_int64


class Proximity:
    """Pairs of movers near one another, by the rule at the head of this file. One `Watch` uses it.

    `radius_m` is more than 1 mm and at most 500 km; `vertical_m` may be infinite (heights play no part).
    """

    def __init__(
        self,
        radius_m: float,
        *,
        vertical_m: float = math.inf,
        max_age_s: float = 60.0,
        hysteresis: float = 0.1,
    ) -> None:
        for name, value, least, most in (
            ("radius_m", radius_m, 0.002, WIDEST_M),
            ("vertical_m", vertical_m, 0.002, math.inf),
            ("max_age_s", max_age_s, 0.0, math.inf),
            ("hysteresis", hysteresis, 0.0, 100.0),
        ):
            if not least <= value <= most:
                message = f"{value} is not between {least:g} and {most:g}"
                raise Malformed(message, field=name, code="not_between", value=value, least=least, most=most)
        notice()
        kernel = NeighboursTwin if LIBRARY is None else Neighbours
        self._turns = Turns()
        self._kernel: Neighbours | NeighboursTwin = kernel(radius_m, vertical_m, max_age_s, hysteresis)

    def feed(self, batch: Batch, movers: Movers) -> LiveFindings:
        """Who came near whom, and who parted; in the order of the reports, first who parted, then who came near.

        `MemoryError`: what this batch showed is lost, and it may be fed again; what comes later is told as ever.
        """
        with self._turns:
            return findings_of(self._kernel.feed(batch, len(movers)), movers, movers.ids)

    def tick(self, now_s: float, movers: Movers) -> LiveFindings:
        """Nothing: what is near or apart, reports show."""
        return LiveFindings.none()

    def pairs(self) -> IntArray:
        """The pairs that were last told to be near, as numbers of movers, the lower first; sorted, shape (n, 2)."""
        with self._turns:
            pairs = self._kernel.pairs()
        return pairs[np.lexsort((pairs[:, 1], pairs[:, 0]))]


class Neighbours:
    """The kernel: `kc_neighbours` of movers.c."""

    def __init__(self, radius_m: float, vertical_m: float, max_age_s: float, hysteresis: float) -> None:
        assert LIBRARY is not None
        self._drop = LIBRARY.kc_neighbours_drop
        self._all = LIBRARY.kc_neighbours_new(radius_m, vertical_m, max_age_s, hysteresis)
        if not self._all:
            raise MemoryError

    def __del__(self) -> None:
        self._drop(self._all)

    def feed(self, batch: Batch, movers: int) -> np.ndarray[tuple[int], np.dtype[np.void]]:
        """What the reports show, shape (n,) of `SEEN`."""
        assert LIBRARY is not None
        seen = Sightings()
        failed = LIBRARY.kc_neighbours_feed(self._all, Reports.of(batch, movers), seen)
        found = seen.taken()
        if failed:
            raise MemoryError
        return found

    def pairs(self) -> IntArray:
        """The pairs that are near, shape (n, 2)."""
        assert LIBRARY is not None
        pairs = np.empty((LIBRARY.kc_neighbours_pairs(self._all, None), 2), dtype=np.int64)
        LIBRARY.kc_neighbours_pairs(self._all, pointer(pairs))
        return pairs

"""What a live watcher is handed: positions that were taken in, each mover once, with where it was before."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from keepclear.geometry.columns import ByteArray, IntArray
from keepclear.geometry.earth import FloatArray

Names = npt.NDArray[np.object_]
"""Of str."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Movers:
    """The last position of each of n movers, by number; a time of NaN where none is known. Changed in place by `Watch`.

    `place` is the point in space of the position on the surface, metres (`geometry.earth.points_in_space`). More
    movers may be known at the next call, none fewer, and a number stays its mover's.
    """

    ids: Names  # (n,)
    t_s: FloatArray  # (n,)
    lat_deg: FloatArray  # (n,)
    lon_deg: FloatArray  # (n,)
    place: FloatArray  # (n, 3)
    alt_m: FloatArray  # (n,) NaN: unknown
    datum: ByteArray  # (n,) places in DATUMS, of the height
    uncertainty_m: FloatArray  # (n,)

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch:
    """m positions of m different movers, none older than what was known of its mover.

    `joined[i]` is whether mover i is held to have gone evenly from `before_place` at `before_t_s` to `place` at `t_s`;
    false for a first report, after too long a silence, or after a jump (the rule is in `watch/intake.py`).
    """

    mover: IntArray  # (m,) numbers in Movers
    t_s: FloatArray
    lat_deg: FloatArray
    lon_deg: FloatArray
    place: FloatArray  # (m, 3)
    alt_m: FloatArray
    datum: ByteArray  # (m,) places in DATUMS
    uncertainty_m: FloatArray
    before_t_s: FloatArray
    before_place: FloatArray  # (m, 3)
    before_alt_m: FloatArray
    joined: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.mover)

"""What a live watcher is handed: positions that were taken in, with where each mover was before."""

from __future__ import annotations

from dataclasses import dataclass, fields

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
    movers may be known at the next call, none fewer, and a number stays its mover's. Columns need not be contiguous.
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
    """m positions that were taken in, in the order in which they came, none older than what was known of its mover.

    A watcher added to `Watch` is handed each mover no more than once in a batch; fences and proximity, which go through
    them one after the other, take a mover as often as it comes. `joined[i]` is whether mover i is held to have gone
    evenly from where it was before to `place` at `t_s`; false for a first report, after too long a silence, or after a
    jump (the rule is in `watch/intake.py`).
    """

    mover: IntArray  # (m,) numbers in Movers
    t_s: FloatArray
    lat_deg: FloatArray
    lon_deg: FloatArray
    place: FloatArray  # (m, 3)
    alt_m: FloatArray
    datum: ByteArray  # (m,) places in DATUMS
    uncertainty_m: FloatArray
    before: FloatArray  # (m, 5) of the report before: t_s (NaN if there was none), place, alt_m in this one's datum
    joined: npt.NDArray[np.bool_]

    def __len__(self) -> int:
        return len(self.mover)

    @property
    def before_t_s(self) -> FloatArray:
        """When the report before was, shape (m,); NaN if there was none."""
        return self.before[:, 0]

    @property
    def before_place(self) -> FloatArray:
        """Where, shape (m, 3)."""
        return self.before[:, 1:4]

    @property
    def before_alt_m(self) -> FloatArray:
        """At what height, shape (m,)."""
        return self.before[:, 4]

    def take(self, rows: IntArray) -> Batch:
        """Some of them, by their places in this batch."""
        return Batch(**{field.name: getattr(self, field.name)[rows] for field in fields(Batch)})

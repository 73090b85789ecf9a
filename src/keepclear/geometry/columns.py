"""Many plans, or many positions, as columns: the form in which the engines take them.

Angles are degrees WGS 84, latitudes -90 to 90, longitudes -180 to 180; times are seconds since 1970 UTC; heights are
metres above what `datum` says. Arrays are contiguous and are not changed after they were given.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
import numpy.typing as npt

from keepclear.geometry.earth import FloatArray
from keepclear.model.plans import PlanKind

IntArray = npt.NDArray[np.int64]
ByteArray = npt.NDArray[np.uint8]

KINDS = tuple(PlanKind)
"""`Plans.kind` holds places in this list."""


class Datum(StrEnum):
    """Above what a height is counted. Heights above different things are never compared: see docs/conflict.md."""

    WGS84 = "wgs84"
    """The WGS 84 ellipsoid."""
    MSL = "msl"
    """Mean sea level, by whichever geoid."""
    PRESSURE = "pressure"
    """The standard pressure surface of 1013.25 hPa: flight levels."""
    GROUND = "ground"
    """The ground beneath."""


DATUMS = tuple(Datum)
"""`Plans.datum` and `Positions.datum` hold places in this list."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plans:
    """n plans, each with a way (two or more points), with volumes, or with both.

    The points of plan i are `point_from[i]` up to `point_from[i + 1]` of `t_s`, `lat_deg`, `lon_deg`, `alt_m`. A height
    of NaN is unknown: the mover then fills its plan's band, `band_m`, which may be infinite. The volumes of plan i are
    `volume_from[i]` up to `volume_from[i + 1]`; each is a circle (`circles`, NaN if it is none) or a polygon: rings
    `ring_from[j]` up to `ring_from[j + 1]`, its outline first, then its holes; the points of ring r are
    `vertex_from[r]` up to `vertex_from[r + 1]` of `vertices`, the last joined to the first along the geodesic, whether
    or not it repeats it.
    """

    ids: tuple[str, ...]
    kind: ByteArray  # (n,) places in KINDS
    datum: ByteArray  # (n,) places in DATUMS
    band_m: FloatArray  # (n, 2) lower, upper
    room: FloatArray  # (n, 4) of the way: buffer m, vertical buffer m, early s, late s
    point_from: IntArray  # (n + 1,)
    t_s: FloatArray  # (m,)
    lat_deg: FloatArray  # (m,)
    lon_deg: FloatArray  # (m,)
    alt_m: FloatArray  # (m,)
    volume_from: IntArray  # (n + 1,)
    volumes: FloatArray  # (k, 4) from s, up to s, lower m, upper m
    circles: FloatArray  # (k, 3) latitude and longitude of the middle, radius m
    ring_from: IntArray  # (k + 1,)
    vertex_from: IntArray  # (rings + 1,)
    vertices: FloatArray  # (v, 2) latitude, longitude

    def __len__(self) -> int:
        return len(self.ids)

    @classmethod
    def of_ways(
        cls,
        ids: Sequence[str],
        point_from: npt.ArrayLike,
        t_s: npt.ArrayLike,
        lat_deg: npt.ArrayLike,
        lon_deg: npt.ArrayLike,
        alt_m: npt.ArrayLike,
        *,
        kind: PlanKind = PlanKind.FLIGHT,
        datum: Datum = Datum.WGS84,
        room: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0),
    ) -> Plans:
        """n plans of one kind that have ways only. Shapes as of the class; nothing is checked yet (`checked`)."""
        n = len(ids)
        return cls(
            ids=tuple(ids),
            kind=np.full(n, KINDS.index(kind), dtype=np.uint8),
            datum=np.full(n, DATUMS.index(datum), dtype=np.uint8),
            band_m=np.tile([-np.inf, np.inf], (n, 1)),
            room=np.tile(room, (n, 1)),
            point_from=np.ascontiguousarray(point_from, dtype=np.int64),
            t_s=np.ascontiguousarray(t_s, dtype=np.float64),
            lat_deg=np.ascontiguousarray(lat_deg, dtype=np.float64),
            lon_deg=np.ascontiguousarray(lon_deg, dtype=np.float64),
            alt_m=np.ascontiguousarray(alt_m, dtype=np.float64),
            volume_from=np.zeros(n + 1, dtype=np.int64),
            volumes=np.empty((0, 4)),
            circles=np.empty((0, 3)),
            ring_from=np.zeros(1, dtype=np.int64),
            vertex_from=np.zeros(1, dtype=np.int64),
            vertices=np.empty((0, 2)),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Positions:
    """n reported positions, in the order in which they came. `mover[i]` is a place in `ids`.

    A height of NaN is unknown. `uncertainty_m` is a radius within which the true place is held to be.
    """

    ids: tuple[str, ...]
    mover: IntArray  # (n,)
    t_s: FloatArray  # (n,)
    lat_deg: FloatArray  # (n,)
    lon_deg: FloatArray  # (n,)
    alt_m: FloatArray  # (n,)
    uncertainty_m: FloatArray  # (n,)
    datum: Datum = Datum.WGS84

    def __len__(self) -> int:
        return len(self.mover)

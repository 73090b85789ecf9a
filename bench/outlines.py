"""Made-up plans of blocks of air: an outline, a band of heights and a window each, as delivery drones file them."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bench.ways import DAY_S, LAT_DEG, LON_DEG, START_S
from keepclear.geometry.columns import DATUMS, KINDS, Datum, IntArray, Plans
from keepclear.geometry.earth import FloatArray, LocalPlane
from keepclear.model.plans import PlanKind

SIDE_M = 100_000.0
CEILING_M = 400.0


@dataclass(frozen=True)
class Blocks:
    """n blocks. The corners of block i are `corner_from[i]` up to `corner_from[i + 1]` of `xy`, metres on a plane about
    the middle of the square (which is where other tools have them), and of `latlon` on the earth.
    """

    corner_from: IntArray
    xy: FloatArray  # (m, 2)
    latlon: FloatArray  # (m, 2)
    window_s: FloatArray  # (n, 2) seconds of the day
    band_m: FloatArray  # (n, 2)

    def __len__(self) -> int:
        return len(self.window_s)

    def plans(self, first: int = 0, stop: int | None = None) -> Plans:
        """Blocks `first` up to `stop` as plans."""
        stop = len(self) if stop is None else stop
        n = stop - first
        corners = slice(self.corner_from[first], self.corner_from[stop])
        return Plans(
            ids=tuple(f"b{i}" for i in range(first, stop)),
            kind=np.full(n, KINDS.index(PlanKind.FLIGHT), dtype=np.uint8),
            datum=np.full(n, DATUMS.index(Datum.WGS84), dtype=np.uint8),
            band_m=self.band_m[first:stop],
            room=np.zeros((n, 4)),
            point_from=np.zeros(n + 1, dtype=np.int64),
            t_s=np.empty(0),
            lat_deg=np.empty(0),
            lon_deg=np.empty(0),
            alt_m=np.empty(0),
            volume_from=np.arange(n + 1),
            volumes=np.column_stack((self.window_s[first:stop] + START_S, self.band_m[first:stop])),
            circles=np.full((n, 3), np.nan),
            ring_from=np.arange(n + 1),
            vertex_from=self.corner_from[first : stop + 1] - self.corner_from[first],
            vertices=np.ascontiguousarray(self.latlon[corners]),
        )

    @cached_property
    def shapes(self) -> Any:
        """The outlines as an array of shapely's polygons, on the plane."""
        import shapely

        owner = np.repeat(np.arange(len(self)), np.diff(self.corner_from))
        return shapely.polygons(shapely.linearrings(self.xy, indices=owner))

    @cached_property
    def boxes(self) -> FloatArray:
        """Least and greatest x, y, height and time, shape (n, 4, 2)."""
        low, high = (pick.reduceat(self.xy, self.corner_from[:-1]) for pick in (np.minimum, np.maximum))
        return np.concatenate((np.stack((low, high), axis=2), self.band_m[:, None], self.window_s[:, None]), axis=1)


def blocks(n: int, *, side_m: float = SIDE_M, seed: int = 3) -> Blocks:
    """n blocks: 4 to 10 corners 0.3 to 1.5 km about a middle, 20 to 100 m thick, open for 10 to 60 minutes of a day."""
    rng = np.random.default_rng(seed)
    corners = rng.integers(4, 11, n)
    corner_from = np.concatenate(([0], np.cumsum(corners)))
    owner = np.repeat(np.arange(n), corners)
    place = np.arange(len(owner)) - corner_from[owner]
    angle = 2.0 * np.pi * (place + rng.uniform(-0.3, 0.3, len(owner))) / corners[owner]
    reach = rng.uniform(300.0, 1_500.0, n)[owner] * rng.uniform(0.6, 1.0, len(owner))
    middle = rng.uniform(-side_m / 2.0, side_m / 2.0, (n, 2))
    xy = middle[owner] + reach[:, None] * np.column_stack((np.sin(angle), np.cos(angle)))[:, ::-1]
    lasts = rng.uniform(600.0, 3_600.0, n)
    begins = rng.uniform(0.0, DAY_S - lasts)
    lower = rng.uniform(0.0, CEILING_M - 100.0, n)
    lat, lon = LocalPlane(LAT_DEG, LON_DEG).to_latlon(xy)
    return Blocks(
        corner_from,
        xy,
        np.column_stack((lat, lon)),
        np.column_stack((begins, begins + lasts)),
        np.column_stack((lower, lower + rng.uniform(20.0, 100.0, n))),
    )

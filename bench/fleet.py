"""Made-up movers that report where they are, and fences around places they come to."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bench.ways import DAY_S, LAT_DEG, LON_DEG, START_S
from keepclear.geometry.columns import DATUMS, KINDS, Datum, IntArray, Plans, Positions
from keepclear.geometry.earth import FloatArray, LocalPlane
from keepclear.model.plans import PlanKind

SIDE_M = 300_000.0
NEAR_M = 1_000.0
EVERY_S = 10.0
ALT_M = 1_000.0


@dataclass(frozen=True)
class Fleet:
    """n movers that all report at every tick. `xy` has shape (ticks, n, 2), metres on a plane about the middle."""

    xy: FloatArray
    lat_deg: FloatArray  # (ticks, n)
    lon_deg: FloatArray

    def reports(self, tick: int) -> Positions:
        """What comes in at one tick, in order of the movers."""
        n = self.xy.shape[1]
        return Positions(
            ids=self.ids,
            mover=np.arange(n),
            t_s=np.full(n, START_S + tick * EVERY_S),
            lat_deg=self.lat_deg[tick],
            lon_deg=self.lon_deg[tick],
            alt_m=np.full(n, ALT_M),
            uncertainty_m=np.zeros(n),
        )

    @cached_property
    def ids(self) -> tuple[str, ...]:
        """The movers' names."""
        return tuple(f"m{i}" for i in range(self.xy.shape[1]))


@dataclass(frozen=True)
class Fences:
    """k outlines; the corners of fence j are `corner_from[j]` up to `corner_from[j + 1]`."""

    corner_from: IntArray
    xy: FloatArray
    latlon: FloatArray

    def __len__(self) -> int:
        return len(self.corner_from) - 1

    def plans(self) -> Plans:
        """The fences as plans: closed at every height the movers have, for a day."""
        k = len(self)
        band_m = np.tile([0.0, 10.0 * ALT_M], (k, 1))
        return Plans(
            ids=tuple(f"z{j}" for j in range(k)),
            kind=np.full(k, KINDS.index(PlanKind.CLOSURE), dtype=np.uint8),
            datum=np.full(k, DATUMS.index(Datum.WGS84), dtype=np.uint8),
            band_m=band_m,
            room=np.zeros((k, 4)),
            point_from=np.zeros(k + 1, dtype=np.int64),
            t_s=np.empty(0),
            lat_deg=np.empty(0),
            lon_deg=np.empty(0),
            alt_m=np.empty(0),
            volume_from=np.arange(k + 1),
            volumes=np.column_stack((np.full(k, START_S), np.full(k, START_S + DAY_S), band_m)),
            circles=np.full((k, 3), np.nan),
            ring_from=np.arange(k + 1),
            vertex_from=self.corner_from,
            vertices=self.latlon,
        )

    @cached_property
    def shapes(self) -> Any:
        """The outlines as an array of shapely's polygons, on the plane."""
        import shapely

        owner = np.repeat(np.arange(len(self)), np.diff(self.corner_from))
        return shapely.polygons(shapely.linearrings(self.xy, indices=owner))


def fleet(n: int, ticks: int = 5, *, side_m: float = SIDE_M, seed: int = 4) -> Fleet:
    """n movers over a square, 5 to 50 m/s, each straight on, with a report every ten seconds."""
    rng = np.random.default_rng(seed)
    heading, speed = rng.uniform(0.0, 2.0 * np.pi, n), rng.uniform(5.0, 50.0, n)
    step = np.column_stack((np.sin(heading), np.cos(heading))) * (speed * EVERY_S)[:, None]
    start = rng.uniform(-side_m / 2.0, side_m / 2.0, (n, 2))
    xy = start + step * np.arange(ticks)[:, None, None]
    lat, lon = LocalPlane(LAT_DEG, LON_DEG).to_latlon(xy.reshape(-1, 2))
    return Fleet(xy, lat.reshape(ticks, n), lon.reshape(ticks, n))


def fences(k: int, *, side_m: float = SIDE_M, seed: int = 5) -> Fences:
    """k outlines of 8 to 40 corners, 0.5 to 5 km about a middle, over the same square."""
    rng = np.random.default_rng(seed)
    corners = rng.integers(8, 41, k)
    corner_from = np.concatenate(([0], np.cumsum(corners)))
    owner = np.repeat(np.arange(k), corners)
    angle = 2.0 * np.pi * (np.arange(len(owner)) - corner_from[owner]) / corners[owner]
    reach = rng.uniform(500.0, 5_000.0, k)[owner] * rng.uniform(0.7, 1.0, len(owner))
    middle = rng.uniform(-side_m / 2.0, side_m / 2.0, (k, 2))
    xy = middle[owner] + reach[:, None] * np.column_stack((np.cos(angle), np.sin(angle)))
    lat, lon = LocalPlane(LAT_DEG, LON_DEG).to_latlon(xy)
    return Fences(corner_from, xy, np.column_stack((lat, lon)))

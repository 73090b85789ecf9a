"""Aircraft at one moment, over the equator, each going straight on: what short-term conflict detection looks at."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from pyproj import Geod

from bench.peers.bluesky import RADIUS_M, Traffic
from bench.ways import START_S
from keepclear.geometry.columns import Plans
from keepclear.geometry.earth import FloatArray

AHEAD_S = 300.0
SIDE_M = 400_000.0
_WGS84 = Geod(ellps="WGS84")
# Radii of curvature of the ellipsoid at the equator, across the meridian and along it.
_ACROSS_M, _ALONG_M = _WGS84.a, _WGS84.a * (1.0 - _WGS84.es)


@dataclass(frozen=True)
class Sky:
    """n aircraft. One in four climbs or descends; the others keep to levels 300 m apart."""

    lat_deg: FloatArray
    lon_deg: FloatArray
    track_deg: FloatArray
    speed_m_s: FloatArray
    alt_m: FloatArray
    climb_m_s: FloatArray

    def plans(self) -> Plans:
        """Each as a plan of two points: now, and straight on (along the geodesic) for the look-ahead."""
        n = len(self.lat_deg)
        way = self.speed_m_s * AHEAD_S
        lon, lat, _ = _WGS84.fwd(self.lon_deg, self.lat_deg, self.track_deg, way)
        ends = [
            np.column_stack(pair).ravel()
            for pair in (
                (np.full(n, START_S), np.full(n, START_S + AHEAD_S)),
                (self.lat_deg, np.asarray(lat)),
                (self.lon_deg, np.asarray(lon)),
                (self.alt_m, self.alt_m + self.climb_m_s * AHEAD_S),
            )
        ]
        return Plans.of_ways([f"a{i}" for i in range(n)], np.arange(n + 1) * 2, *ends)

    def traffic(self) -> Traffic:
        """The same for BlueSky: its sphere is stretched to the ellipsoid, by scaling latitudes and longitudes."""
        return Traffic(
            list(range(len(self.lat_deg))),
            self.lat_deg * (_ALONG_M / RADIUS_M),
            self.lon_deg * (_ACROSS_M / RADIUS_M),
            self.track_deg,
            self.speed_m_s,
            self.alt_m,
            self.climb_m_s,
        )


def sky(n: int, *, side_m: float = SIDE_M, seed: int = 2) -> Sky:
    """n aircraft at random over a square on the equator; speeds 60 to 250 m/s, forty levels."""
    rng = np.random.default_rng(seed)
    return Sky(
        np.degrees(rng.uniform(-side_m / 2.0, side_m / 2.0, n) / _ALONG_M),
        np.degrees(rng.uniform(-side_m / 2.0, side_m / 2.0, n) / _ACROSS_M),
        rng.uniform(0.0, 360.0, n),
        rng.uniform(60.0, 250.0, n),
        300.0 * rng.integers(11, 51, n).astype(np.float64),
        np.where(rng.random(n) < 0.25, rng.uniform(-10.0, 10.0, n), 0.0),
    )

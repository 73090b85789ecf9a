"""Mixed plans, made up from a seed: of every kind, fast and slow, brief and long, with room and without."""

from __future__ import annotations

import numpy as np
from pyproj import Geod

from keepclear.geometry.columns import KINDS, Plans

GEOD = Geod(ellps="WGS84")
START_S = 1_780_000_000.0
PLACES = ((35.0, 40.0), (0.0, 180.0), (89.95, 10.0), (-89.9, 0.0), (-60.0, -179.9))
"""On land, over the antimeridian, about both poles."""


def scene(seed: int, n: int, *, place: tuple[float, float] | None = None) -> Plans:
    """n plans, checked, many of them near one another; ids p0, p1 and so on."""
    rng = np.random.default_rng(seed)
    lat0, lon0 = place or PLACES[rng.integers(len(PLACES))]
    spread, span = rng.choice([2e3, 3e4, 3e5]), rng.choice([60.0, 3_600.0, 86_400.0])
    room = np.zeros((n, 4))
    points: list[tuple[float, float, float, float]] = []
    volumes: list[tuple[float, float, float, float]] = []
    circles: list[tuple[float, float, float]] = []
    vertices: list[tuple[float, float]] = []
    point_from, volume_from, ring_from, vertex_from = [0], [0], [0], [0]
    for i in range(n):
        if rng.random() < 0.3:
            room[i, :2] = rng.uniform(0.0, 2_000.0), rng.uniform(0.0, 100.0)
        if rng.random() < 0.3:
            room[i, 2:] = rng.choice([0.0, 5.0, 60.0, 1_000.0]), rng.choice([0.0, 5.0, 60.0, 4_000.0])
        lon, lat, _ = GEOD.fwd(lon0, lat0, rng.uniform(0.0, 360.0), rng.uniform(0.0, spread))
        t = START_S + rng.uniform(0.0, span)
        has = rng.integers(3)  # a way, volumes, or both
        if has != 1:
            speed, heading = rng.choice([0.0, 1.0, 10.0, 60.0, 250.0, 900.0]), rng.uniform(0.0, 360.0)
            for _ in range(rng.integers(2, 30)):
                height = rng.choice(
                    [300.0, 600.0, 900.0, rng.uniform(0.0, 3_000.0), np.nan], p=[0.3, 0.3, 0.2, 0.15, 0.05]
                )
                points.append((t, lat, lon, height))
                step = rng.choice([1.0, 20.0, 120.0, 1_500.0, rng.uniform(1.0, 300.0)])
                step = min(step, 120.0) if speed > 100.0 else step
                heading += rng.normal(0.0, 30.0)
                lon, lat, _ = GEOD.fwd(lon, lat, heading, speed * step)
                t += step
        point_from.append(len(points))
        for _ in range(rng.integers(1, 3) if has != 0 else 0):
            starts = t + rng.uniform(-600.0, 600.0)
            lasts = rng.choice([60.0, 1_800.0, 86_400.0, 1e7])
            volumes.append((starts, starts + lasts, rng.uniform(0.0, 1_000.0), rng.uniform(1_000.0, 2_000.0)))
            radius = rng.choice([50.0, 500.0, 5_000.0, 60_000.0])
            if rng.random() < 0.4:
                circles.append((lat, lon, radius))
            else:
                circles.append((np.nan, np.nan, np.nan))
                corners, turn = int(rng.integers(3, 8)), rng.uniform(0.0, 360.0)
                for corner in range(corners):
                    corner_lon, corner_lat, _ = GEOD.fwd(lon, lat, turn + 360.0 * corner / corners, radius)
                    vertices.append((corner_lat, corner_lon))
                vertex_from.append(len(vertices))
            ring_from.append(len(vertex_from) - 1)
        volume_from.append(len(volumes))
    columns = np.array(points, dtype=float).reshape(-1, 4)
    return Plans.of(
        Plans(
            ids=tuple(f"p{i}" for i in range(n)),
            kind=rng.integers(len(KINDS), size=n).astype(np.uint8),
            datum=rng.choice([0, 0, 0, 1], size=n).astype(np.uint8),
            band_m=np.tile([0.0, 3_000.0], (n, 1)),
            room=room,
            point_from=np.array(point_from),
            t_s=columns[:, 0].copy(),
            lat_deg=columns[:, 1].copy(),
            lon_deg=columns[:, 2].copy(),
            alt_m=columns[:, 3].copy(),
            volume_from=np.array(volume_from),
            volumes=np.array(volumes).reshape(-1, 4),
            circles=np.array(circles).reshape(-1, 3),
            ring_from=np.array(ring_from),
            vertex_from=np.array(vertex_from),
            vertices=np.array(vertices).reshape(-1, 2),
        )
    )

"""What the kernels make of one set of data, each as a digest of its bytes: the same on every instruction set."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from keepclear.conflict.pairs import stays_between
from keepclear.geometry import areas, surface
from keepclear.geometry.cells import cells_of_circle, cells_of_polygon
from keepclear.geometry.columns import KINDS, Plans
from keepclear.geometry.kernels import MinimaStruct
from keepclear.geometry.pack import pack
from keepclear.geometry.simple import simple_area_km2

WAYS, POINTS, AREAS, CORNERS = 500, 12, 60, 9


def plans(random: np.random.Generator) -> Plans:
    """Ways with short, long and very long legs, heights known and unknown, and polygons, many near one another."""
    long = random.choice([0.02, 0.2, 2.0], (WAYS, 1, 1), p=[0.8, 0.15, 0.05])
    steps = random.exponential(long, (WAYS, POINTS, 2)) * random.choice([-1.0, 1.0], (WAYS, 1, 2))
    place = np.cumsum(steps, axis=1) + random.uniform((34, 178), (36, 182), (WAYS, 1, 2))
    middles = random.uniform((34, 178), (36, 179.5), (AREAS, 1, 2))
    angles = np.linspace(0.0, 2.0 * np.pi, CORNERS, endpoint=False)[None, :]
    reach = random.uniform(0.02, 0.2, (AREAS, CORNERS))
    corners = middles + np.stack((reach * np.cos(angles), reach * np.sin(angles)), axis=-1)
    begin = random.uniform(0.0, 7_200.0, AREAS)
    floor = random.choice([0.0, 300.0], AREAS)
    every = WAYS + AREAS
    return Plans(
        ids=tuple(str(k) for k in range(every)),
        kind=(np.arange(every) % len(KINDS)).astype(np.uint8),
        datum=np.zeros(every, dtype=np.uint8),
        band_m=np.tile([-np.inf, np.inf], (every, 1)),
        room=np.tile([50.0, 10.0, 0.0, 30.0], (every, 1)),
        point_from=np.minimum(np.arange(every + 1), WAYS) * POINTS,
        t_s=np.cumsum(random.uniform(10.0, 600.0, (WAYS, POINTS)), axis=1).ravel(),
        lat_deg=np.clip(place[..., 0], -90.0, 90.0).ravel(),
        lon_deg=(place[..., 1].ravel() + 180.0) % 360.0 - 180.0,
        alt_m=random.choice([np.nan, 300.0, 600.0], WAYS * POINTS, p=[0.1, 0.5, 0.4]),
        volume_from=np.maximum(np.arange(every + 1) - WAYS, 0),
        volumes=np.column_stack((begin, begin + 3_600.0, floor, floor + 1_000.0)),
        circles=np.full((AREAS, 3), np.nan),
        ring_from=np.arange(AREAS + 1),
        vertex_from=np.arange(AREAS + 1) * CORNERS,
        vertices=corners.reshape(-1, 2),
    )


def digests() -> dict[str, str]:
    """By name, with how much there is of it."""
    random = np.random.default_rng(20170908)
    drawn = plans(random)
    packed, minima = pack(drawn), MinimaStruct()
    minima.across[:], minima.height[:] = [2_000.0] * 25, [150.0] * 25
    first, share = random.integers(0, len(packed.nodes) - 1, 5_000), random.uniform(0, 1, 5_000)
    on_legs = surface.on_legs(packed.nodes, first, share)
    legs = [packed.nodes[i : i + 2] for i in first[:300].tolist() if packed.nodes[i, 0] < packed.nodes[i + 1, 0]]

    def stays(k: int) -> list[np.ndarray[Any, np.dtype[np.void]]]:
        through = [areas.leg_in_volume(leg, 5.0, 5.0, packed, k, 500.0, np.inf) for leg in legs]
        return [*through, areas.volumes_meet(packed, k, packed, (k + 1) % AREAS, 5_000.0, np.inf)]

    rings = [(lat, lon) for lat, lon in drawn.vertices.reshape(AREAS, CORNERS, 2).transpose(0, 2, 1).tolist()]
    found: dict[str, np.ndarray[Any, Any]] = {
        "places": surface.places(drawn.lat_deg, drawn.lon_deg),
        "nodes": packed.nodes,
        "on legs": on_legs,
        "on plane": surface.on_plane(packed.nodes[0, 1:4].copy(), packed.nodes[:200, 1:4].copy()),
        "areas": packed.areas,
        "vertices": packed.vertices,
        "depths": np.concatenate([areas.depths_m(packed, k, on_legs[:100]) for k in range(AREAS)]),
        "cells": np.concatenate([cells_of_polygon(lat, lon) for lat, lon in rings]),
        "cells of circles": np.concatenate([cells_of_circle(lat[0], lon[0], 9e3) for lat, lon in rings]),
        "simple": np.array([simple_area_km2(lat, lon, "") for lat, lon in rings]),
        "stays": np.concatenate([stay for k in range(AREAS) for stay in stays(k)]),
        "breaches": stays_between(packed, minima, threads=1),
    }
    return {
        f"{len(array)} {name}": hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest()
        for name, array in found.items()
    }

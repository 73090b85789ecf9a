"""What the kernels make of one set of data, each as a digest of its bytes: the same on every instruction set."""

from __future__ import annotations

import hashlib

import numpy as np

from keepclear.geometry import surface
from keepclear.geometry.columns import Plans
from keepclear.geometry.pack import pack


def digests() -> dict[str, str]:
    """By name, those of a seeded set of ways with short, long and very long legs, heights known and unknown."""
    random = np.random.default_rng(20170908)
    n, per = 300, 20
    steps = random.exponential(random.choice([0.01, 0.2, 2.0], (n, 1, 1)), (n, per, 2))
    steps *= random.choice([-1.0, 1.0], (n, 1, 2))
    place = np.cumsum(steps, axis=1) + random.uniform((-60, -180), (60, 180), (n, 1, 2))
    lat, lon = np.clip(place[..., 0], -90, 90).ravel(), (place[..., 1].ravel() + 180.0) % 360.0 - 180.0
    alt = random.choice([np.nan, 300.0, 600.0], n * per, p=[0.1, 0.5, 0.4])
    t = np.cumsum(random.uniform(10, 600, (n, per)), axis=1).ravel()
    packed = pack(Plans.of_ways([str(k) for k in range(n)], np.arange(n + 1) * per, t, lat, lon, alt))
    first = random.integers(0, len(packed.nodes) - 1, 5_000)
    found = {
        "places": surface.places(lat, lon),
        "nodes": packed.nodes,
        "on legs": surface.on_legs(packed.nodes, first, random.uniform(0, 1, 5_000)),
        "on plane": surface.on_plane(packed.nodes[0, 1:4].copy(), packed.nodes[:200, 1:4].copy()),
    }
    return {name: hashlib.sha256(np.ascontiguousarray(array).tobytes()).hexdigest() for name, array in found.items()}

"""Made-up flights: timed way-points over a square somewhere on the earth, the same for the same seed everywhere."""

from __future__ import annotations

import math
from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from keepclear.geometry.columns import Plans

LAT_DEG, LON_DEG = 35.0, 40.0
"""The middle of the square."""
SIDE_M = 500_000.0
DAY_S = 86_400.0
START_S = 1_780_272_000.0
"""The first of June 2026, seconds since 1970."""
ACROSS_M, HEIGHT_M = 9_260.0, 300.0
"""The minimum: 5 nautical miles, and just the distance of two flight levels, so that who keeps it is on its rim."""
LEVELS = 40
FEWEST, MOST = 10, 120
_TOGETHER = 20_000
"""Flights are made in lots of this many, each from a seed of its own, so that a million need little memory."""


def flights(n: int, *, side_m: float = SIDE_M, seed: int = 1) -> Plans:
    """n flights of 10 to 120 way-points (65 on average), 20 to 150 minutes, 60 to 250 m/s, on levels 300 m apart.

    They begin at any time of a day, fly on with small turns, and turn back at the edges of the square. They climb two
    levels a leg to their own and descend so at the end; one in four changes its level once.
    """
    lots = list(_lots(n, side_m, seed))
    counts = np.concatenate([lot[0] for lot in lots])
    columns = [np.concatenate([lot[k] for lot in lots]) for k in range(1, 5)]
    point_from = np.concatenate(([0], np.cumsum(counts)))
    return Plans.of_ways([f"f{i}" for i in range(n)], point_from, *columns)


def _lots(n: int, side_m: float, seed: int) -> Iterator[tuple[npt.NDArray[np.generic], ...]]:
    for lot, first in enumerate(range(0, n, _TOGETHER)):
        yield _lot(min(_TOGETHER, n - first), side_m, np.random.default_rng([seed, lot]))


def _lot(n: int, side_m: float, rng: np.random.Generator) -> tuple[npt.NDArray[np.generic], ...]:
    count = rng.integers(FEWEST, MOST + 1, n)
    lasts = rng.uniform(20 * 60.0, 150 * 60.0, n)
    speed = rng.uniform(60.0, 250.0, n)
    begins = rng.uniform(0.0, DAY_S - lasts)
    place = np.arange(MOST)[None, :]
    used = place < count[:, None]
    step = rng.uniform(0.5, 1.5, (n, MOST - 1))  # legs are not all of one length
    passed = np.concatenate((np.zeros((n, 1)), np.cumsum(step, axis=1)), axis=1)
    passed *= lasts[:, None] / np.take_along_axis(passed, (count - 1)[:, None], axis=1)
    heading = rng.uniform(0.0, 2.0 * math.pi, (n, 1)) + np.cumsum(rng.normal(0.0, 0.15, (n, MOST - 1)), axis=1)
    length = np.diff(passed, axis=1) * speed[:, None]
    start = rng.uniform(0.0, side_m, (n, 2))
    x = np.cumsum(np.concatenate((start[:, :1], length * np.sin(heading)), axis=1), axis=1)
    y = np.cumsum(np.concatenate((start[:, 1:], length * np.cos(heading)), axis=1), axis=1)
    level = rng.integers(1, LEVELS + 1, n)
    later = np.clip(level + rng.integers(-3, 4, n), 1, LEVELS)
    changes_at = np.where(rng.random(n) < 0.25, rng.integers(1, MOST, n), MOST)
    cruise = np.where(place < changes_at[:, None], level[:, None], later[:, None])
    climb = 1 + 2 * np.minimum(place, count[:, None] - 1 - place)
    height = np.minimum(cruise, climb) * HEIGHT_M
    x, y = _folded(x[used], side_m), _folded(y[used], side_m)
    lat = LAT_DEG + np.degrees(y / 6_371_008.8)
    lon = LON_DEG + np.degrees(x / (6_371_008.8 * np.cos(np.radians(lat))))
    t = START_S + begins[:, None] + passed
    return count, t[used], lat, (lon + 180.0) % 360.0 - 180.0, height[used]


def _folded(x: npt.NDArray[np.float64], side_m: float) -> npt.NDArray[np.float64]:
    """Between -side/2 and side/2, as a ball between two walls."""
    return np.abs((x + side_m) % (2.0 * side_m) - side_m) - side_m / 2.0

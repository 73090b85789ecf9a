"""The same ways for those who know no ellipsoid and no cylinder: points of a plane, heights stretched.

Trajectory databases and k-d trees know one distance in three dimensions. With heights multiplied by (minimum on the
ground / minimum in height) a ball of that distance is an ellipsoid, which lies within the cylinder we ask about: they
answer a narrower question. The plane is azimuthal equidistant about the middle of the square; it stretches and never
shrinks. So all they find must be among ours, and which of ours they should find is worked out here, plainly.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from bench.brute import Pairs
from bench.ways import LAT_DEG, LON_DEG
from keepclear.geometry.columns import IntArray
from keepclear.geometry.earth import FloatArray, LocalPlane
from keepclear.geometry.pack import Packed

_ECCENTRICITY2 = 6.69437999014131699614e-3


@dataclass(frozen=True)
class Flat:
    """n ways; the nodes of way i are `node_from[i]` up to `node_from[i + 1]` of `t_s` and `xyz`."""

    node_from: IntArray
    t_s: FloatArray
    xyz: FloatArray

    def __len__(self) -> int:
        return len(self.node_from) - 1

    def way(self, i: int) -> tuple[FloatArray, FloatArray]:
        """Times, shape (m,), and points, shape (m, 3), of one way."""
        part = slice(self.node_from[i], self.node_from[i + 1])
        return self.t_s[part], self.xyz[part]

    def nearest_m(self, a: int, b: int) -> float:
        """The least stretched distance of two ways while both last; infinite if they never do."""
        t, p = self.way(a)
        s, q = self.way(b)
        begin, end = max(t[0], s[0]), min(t[-1], s[-1])
        if begin >= end:
            return np.inf
        at = np.unique(np.concatenate(([begin, end], t[(t > begin) & (t < end)], s[(s > begin) & (s < end)])))
        apart = np.column_stack([np.interp(at, t, p[:, k]) - np.interp(at, s, q[:, k]) for k in range(3)])
        step = np.diff(apart, axis=0)
        length2 = (step**2).sum(axis=1)
        share = -(apart[:-1] * step).sum(axis=1) / np.where(length2 > 0.0, length2, 1.0)
        nearest = apart[:-1] + np.clip(share, 0.0, 1.0)[:, None] * step
        return float(np.sqrt((nearest**2).sum(axis=1).min()))

    def within(self, pairs: Iterable[tuple[int, int]], reach_m: float) -> Pairs:
        """Those of the pairs that come nearer than this."""
        return {(a, b) for a, b in pairs if self.nearest_m(a, b) < reach_m}


def flatten(packed: Packed, across_m: float, height_m: float) -> Flat:
    """Ways on the plane, heights stretched."""
    nodes = packed.nodes
    lat = np.degrees(np.arctan2(nodes[:, 3] / (1.0 - _ECCENTRICITY2), np.hypot(nodes[:, 1], nodes[:, 2])))
    lon = np.degrees(np.arctan2(nodes[:, 2], nodes[:, 1]))
    xy = LocalPlane(LAT_DEG, LON_DEG).to_xy(lat, lon)
    return Flat(packed.node_from, nodes[:, 0], np.column_stack((xy, nodes[:, 4] * (across_m / height_m))))


def boxes_near(flat: Flat, reach_m: float) -> Pairs:
    """The pairs of ways whose boxes in space and time come so near: what a caller of a pairwise library tests first."""
    low, high = (np.column_stack((flat.t_s, flat.xyz)) for _ in range(2))
    low = np.minimum.reduceat(low, flat.node_from[:-1])
    high = np.maximum.reduceat(high, flat.node_from[:-1])
    high[:, 1:] += reach_m
    found: Pairs = set()
    for i in range(len(flat)):
        others = np.flatnonzero((low[i + 1 :] < high[i]).all(axis=1) & (high[i + 1 :] > low[i]).all(axis=1)) + i + 1
        found.update((i, int(j)) for j in others)
    return found

"""shapely and scipy for live positions: a tree of fences asked for all points at once, a k-d tree built every tick.

Both say what is; what began and what ended since the last tick is worked out from that by sorting and comparing.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from bench.fleet import NEAR_M, Fences, Fleet
from keepclear.geometry.columns import IntArray
from keepclear.geometry.earth import points_in_space


@dataclass(frozen=True)
class Tick:
    """What holds after a tick, as sorted numbers: mover * fences + fence; lower mover * movers + higher mover."""

    inside: IntArray
    near: IntArray


class Trees:
    """shapely's STRtree over the fences, and scipy's cKDTree over the movers' points in space."""

    def __init__(self, fences: Fences) -> None:
        import shapely

        shapely.prepare(fences.shapes)
        self.fences = fences
        self._tree = shapely.STRtree(fences.shapes)

    def within(self, fleet: Fleet, tick: int) -> IntArray:
        """Who is in which fence."""
        import shapely

        xy = fleet.xy[tick]
        mover, fence = self._tree.query(shapely.points(xy))  # by boxes
        inside = shapely.contains_xy(self.fences.shapes[fence], xy[mover, 0], xy[mover, 1])  # on prepared outlines
        return np.sort(mover[inside].astype(np.int64) * len(self.fences) + fence[inside])

    def near(self, fleet: Fleet, tick: int) -> IntArray:
        """Who is near whom: straight through the earth, a millionth of a metre less than along it."""
        from scipy.spatial import cKDTree

        n = fleet.xy.shape[1]
        pairs = cKDTree(points_in_space(fleet.lat_deg[tick], fleet.lon_deg[tick])).query_pairs(
            NEAR_M, output_type="ndarray"
        )
        return np.sort(pairs.min(axis=1) * n + pairs.max(axis=1))

    def run(self, fleet: Fleet) -> list[Tick]:
        """What holds after each tick."""
        return [Tick(self.within(fleet, tick), self.near(fleet, tick)) for tick in range(len(fleet.xy))]


def changes(before: IntArray, now: IntArray) -> tuple[IntArray, IntArray]:
    """What began and what ended."""
    return np.setdiff1d(now, before, assume_unique=True), np.setdiff1d(before, now, assume_unique=True)

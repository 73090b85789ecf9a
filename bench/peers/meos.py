"""MEOS, the library of MobilityDB: its own moving points, and whether two ever come within a distance."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from bench.brute import Pairs
from bench.flat import Flat, boxes_near


class Meos:
    """Every way as a MEOS moving point in three dimensions."""

    def __init__(self, flat: Flat) -> None:
        import pymeos
        import pymeos_cffi

        pymeos.pymeos_initialize("UTC")
        self.flat = flat
        self._edwithin = pymeos_cffi.edwithin_tgeo_tgeo
        self.points: list[Any] = [pymeos_cffi.tgeompoint_in(self._text(i)) for i in range(len(flat))]

    def _text(self, i: int) -> str:
        t, xyz = self.flat.way(i)
        stops = (
            f"POINT Z({x:.9f} {y:.9f} {z:.9f})@{datetime.fromtimestamp(at, UTC).isoformat()}"
            for at, (x, y, z) in zip(t.tolist(), xyz.tolist(), strict=True)
        )
        return f"[{', '.join(stops)}]"

    def pairs(self, reach_m: float) -> Pairs:
        """Boxes first, with NumPy; then one call of the library for each pair that is left."""
        near = self._edwithin
        return {(a, b) for a, b in boxes_near(self.flat, reach_m) if near(self.points[a], self.points[b], reach_m) > 0}

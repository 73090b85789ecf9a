"""Cells of the earth's surface: S2 cells of level 13 (about 1.2 km² each), the grain of a DSS.

A covering names every cell that an outline touches; it may name one beside it within `MARGIN_M`, and never leaves one
out. Pole and antimeridian are no cases: a cell is a place on a cube around the earth (S2 Geometry, `S2CellId`), with
geodetic latitude and longitude taken as those of a sphere, as the field does.
"""

from __future__ import annotations

from collections.abc import Sequence

LEVEL = 13
MARGIN_M = 1.0
MAX_CELLS = 20_000
_MAX_SIZE = 1 << LEVEL
_EARTH_M = 6_371_010.0


def cells_of_circle(lat_deg: float, lng_deg: float, radius_m: float) -> tuple[int, ...]:
    """The ids (S2 cell ids, unsigned 64 bit) of all cells that a circle touches, sorted; at least one.

    Malformed (`too_large`) if there would be more than `MAX_CELLS`.
    """
    raise NotImplementedError


def cells_of_polygon(lat_deg: Sequence[float], lng_deg: Sequence[float]) -> tuple[int, ...]:
    """The ids of all cells that the smaller side of an outline touches, sorted; at least one.

    Edges are the shortest ways between vertices. Malformed (`too_large`) if there would be more than `MAX_CELLS`.
    """
    raise NotImplementedError

"""Cells of the earth's surface: S2 cells of level 13 (about 1.2 km² each), the grain of a DSS.

A covering names every cell that a shape touches, be its edges geodesics of the ellipsoid or great circles of a sphere,
and never leaves one out. It may name one beside it within `MARGIN_M`, and a little more where the ellipsoid differs
from a sphere: within 1 % of the radius of a circle, or of an outline within three times what its longest edge may bend
(0.5 m for an edge of 50 km, 0.8 km for one of 2,000 km). Pole and antimeridian are no cases: a cell is a place on a
cube around the earth (S2 Geometry, `S2CellId`), with geodetic latitude and longitude taken as those of a sphere, as
the field does.
"""

from __future__ import annotations

import ctypes
import math
from array import array
from collections.abc import Sequence

from pyproj import Geod

from keepclear.errors import Malformed
from keepclear.geometry import cells_twin, kernels

LEVEL = 13
MARGIN_M = 1.0
MAX_CELLS = cells_twin.MOST_CELLS

_TOO_MANY = -1
_FEW = ctypes.c_uint64 * 32
_WGS84 = Geod(ellps="WGS84")
_MEAN_M = 6_371_007.2
"""The radius of a sphere with the area of the ellipsoid."""

if kernels.LIBRARY is not None:
    _DOUBLE, _LONG, _POINTER = ctypes.c_double, ctypes.c_int64, ctypes.c_void_p
    kernels.LIBRARY.kc_s2_circle.argtypes = (_DOUBLE, _DOUBLE, _DOUBLE, _POINTER, _LONG)
    kernels.LIBRARY.kc_s2_circle.restype = _LONG
    kernels.LIBRARY.kc_s2_polygon.argtypes = (_POINTER, _POINTER, _LONG, _POINTER, _LONG)
    kernels.LIBRARY.kc_s2_polygon.restype = _LONG


def cells_of_circle(lat_deg: float, lng_deg: float, radius_m: float) -> tuple[int, ...]:
    """The ids (S2 cell ids, unsigned 64 bit) of all cells that a circle touches, sorted; at least one.

    Malformed (`too_large`) if there would be more than `MAX_CELLS`.
    """
    library = kernels.LIBRARY
    if library is None:
        return _whole(cells_twin.circle(lat_deg, lng_deg, radius_m))
    few = _FEW()
    count = library.kc_s2_circle(lat_deg, lng_deg, radius_m, few, len(few))
    if 0 < count <= len(few):
        return tuple(few[:count])
    many = (ctypes.c_uint64 * _room(count))()
    library.kc_s2_circle(lat_deg, lng_deg, radius_m, many, count)
    return tuple(many)


def cells_of_polygon(lat_deg: Sequence[float], lng_deg: Sequence[float]) -> tuple[int, ...]:
    """The ids of all cells that the smaller side of an outline touches, sorted; at least one.

    Edges are the shortest ways between vertices; one vertex or two, or some that lie on one line, are covered as they
    are. Where the outline crosses itself, what it goes round an odd number of times is inside. Malformed (`too_large`)
    if there would be more than `MAX_CELLS`, if a vertex lies farther than 1,000 km from the middle of all, or if the
    edges together pass more than 1,000,000 cells.
    """
    library = kernels.LIBRARY
    if library is None:
        return _whole(cells_twin.polygon(lat_deg, lng_deg))
    lat, lng, few = array("d", lat_deg), array("d", lng_deg), _FEW()
    assert len(lat) == len(lng) > 0
    asked = lat.buffer_info()[0], lng.buffer_info()[0], len(lat)
    count = library.kc_s2_polygon(*asked, few, len(few))
    if 0 < count <= len(few):
        return tuple(few[:count])
    many = (ctypes.c_uint64 * _room(count))()
    library.kc_s2_polygon(*asked, many, count)
    return tuple(many)


def area_km2(lat_deg: Sequence[float], lng_deg: Sequence[float]) -> float:
    """The area of the smaller side of an outline on WGS 84, its edges geodesics; 0 if it has fewer than 3 vertices.

    Of an outline that crosses itself it is the difference of what it goes round either way.
    """
    if len(lat_deg) < 3:
        return 0.0
    return abs(float(_WGS84.polygon_area_perimeter(lng_deg, lat_deg)[0])) / 1e6


def circle_area_km2(radius_m: float) -> float:
    """The area of a circle, on a sphere (on the ellipsoid it differs by less than 0.7 %)."""
    return 2.0 * math.pi * (_MEAN_M / 1e3) ** 2 * (1.0 - math.cos(min(math.pi, radius_m / _MEAN_M)))


def _room(count: int) -> int:
    """Room for what a kernel counted."""
    if count == _TOO_MANY:
        raise _too_large()
    if count < 0:
        raise MemoryError
    return count


def _whole(found: Sequence[int] | None) -> tuple[int, ...]:
    if found is None:
        raise _too_large()
    return tuple(found)


def _too_large() -> Malformed:
    return Malformed("the area is too large to be covered", code="too_large")

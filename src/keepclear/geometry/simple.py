"""Whether an outline on the sphere is simple: three vertices or more, none twice, no two edges crossing; and its area.

Looked at from the middle of the earth (a gnomonic plane about the middle of the vertices), where great circles are
straight lines. Whatever its size, an outline that goes once round something is in order: flights are planned by the
metre. Touching counts as crossing, as nobody can tell the two apart to the last bit.
"""

from __future__ import annotations

import ctypes
import re
from array import array
from collections.abc import Sequence

import numpy as np
import shapely

from keepclear.errors import Malformed
from keepclear.geometry import kernels
from keepclear.geometry.cells import area_km2
from keepclear.geometry.earth import FloatArray

LEAST_M2 = 1e-4
"""One square centimetre: less is no area at the precision of F3548-21 (`IntersectionMinimumPrecision`, 1 cm)."""
FARTHEST = 0.157
"""Radians, 1,000 km: how far a vertex may lie from the middle of all."""
SURE_KM2 = 1_000.0
"""Below it the area of the sphere, off by up to 1 %, is taken for that of the ellipsoid."""
_EARTH_M = 6_371_010.0

if kernels.LIBRARY is not None:
    kernels.LIBRARY.kc_simple_area.argtypes = (ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int64)
    kernels.LIBRARY.kc_simple_area.restype = ctypes.c_double


def simple_area_km2(lat_deg: Sequence[float], lng_deg: Sequence[float], field: str) -> float:
    """The area of the smaller side of a simple outline, in km²: to 1 % up to `SURE_KM2`, exactly beyond.

    Angles are degrees, latitudes -90 to 90, longitudes -180 to 180; edges are the shortest ways between vertices, the
    last vertex is joined to the first. Malformed naming `field`, or a vertex of it: `utm_vertices` if they are too few,
    `utm_vertex_twice` (the first said again at the end too), `too_large` if one is farther than 1,000 km from the
    middle, `polygon_no_area`, `polygon_crossing`.
    """
    if kernels.LIBRARY is not None and len(lat_deg) == len(lng_deg):
        lat, lng = array("d", lat_deg), array("d", lng_deg)
        sure_m2 = kernels.LIBRARY.kc_simple_area(lat.buffer_info()[0], lng.buffer_info()[0], len(lat))
        if sure_m2 > 0.0:
            return float(sure_m2) / 1e6
    return closely(lat_deg, lng_deg, field)


def closely(lat_deg: Sequence[float], lng_deg: Sequence[float], field: str) -> float:
    """The same without the kernel, which knows only what is surely in order."""
    if len(lat_deg) < 3:
        raise Malformed("an outline has 3 vertices or more", field=field, code="utm_vertices")
    _check_apart(lat_deg, lng_deg, field)
    points = _in_space(np.array((lat_deg, lng_deg)))
    middle = 0.5 * (points.min(axis=1) + points.max(axis=1))
    length = float(np.sqrt(middle @ middle))
    if length > 0.5:
        middle /= length
    up = middle @ points
    if length <= 0.5 or not up.min() >= np.cos(FARTHEST):
        raise Malformed("the outline reaches farther than 1,000 km from its middle", field=field, code="too_large")
    axes = _across(middle)
    ring = np.empty((len(lat_deg) + 1, 2))
    np.divide(points.T @ axes.T, up[:, None], out=ring[:-1])
    ring *= _EARTH_M
    ring[-1] = ring[0]
    polygon = shapely.polygons(ring)
    area_m2 = float(shapely.area(polygon))
    if not shapely.is_valid(polygon):
        raise _fault(polygon, middle, axes, field)
    if area_m2 < LEAST_M2:
        raise Malformed("the outline encloses next to nothing", field=field, code="polygon_no_area")
    return area_m2 / 1e6 if area_m2 < SURE_KM2 * 1e6 else area_km2(lat_deg, lng_deg)


def _check_apart(lat_deg: Sequence[float], lng_deg: Sequence[float], field: str) -> None:
    """Malformed naming the vertex that was said before."""
    places = list(zip(lat_deg, lng_deg, strict=True))
    if -180.0 in lng_deg or 90.0 in lat_deg or -90.0 in lat_deg:  # one place may have several names
        places = [(lat, 0.0 if abs(lat) == 90.0 else 180.0 if lng == -180.0 else lng) for lat, lng in places]
    if len(set(places)) == len(places):
        return
    seen: set[tuple[float, float]] = set()
    for number, place in enumerate(places):
        if place in seen:
            raise Malformed(
                "a vertex is said once only, the first not again at the end",
                field=f"{field}[{number}]",
                code="utm_vertex_twice",
            )
        seen.add(place)


def _in_space(degrees: FloatArray) -> FloatArray:
    """Unit vectors, shape (3, n)."""
    (south, west), (north, east) = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    return np.array((south * west, south * east, north))


def _across(up: FloatArray) -> FloatArray:
    """Two directions at right angles to one another and to `up`, shape (2, 3)."""
    x, y, z = up.tolist()
    flat = (x * x + y * y) ** 0.5
    if flat < 0.1:  # about a pole
        flat = (y * y + z * z) ** 0.5
        return np.array(((0.0, z / flat, -y / flat), (-flat, x * y / flat, x * z / flat)))
    return np.array(((-y / flat, x / flat, 0.0), (-x * z / flat, -y * z / flat, flat)))


def _fault(polygon: shapely.Polygon, middle: FloatArray, axes: FloatArray, field: str) -> Malformed:
    """What is wrong, and about where."""
    if shapely.area(shapely.convex_hull(polygon)) < LEAST_M2:
        return Malformed("the vertices lie on one line, or on one spot", field=field, code="polygon_no_area")
    found = re.search(r"\[(\S+) (\S+)\]", str(shapely.is_valid_reason(polygon)))
    near = ""
    if found:
        x, y, z = (middle + (float(found[1]) * axes[0] + float(found[2]) * axes[1]) / _EARTH_M).tolist()
        lat, lng = np.degrees(np.arctan2((z, y), ((x * x + y * y) ** 0.5, x)))
        near = f" near {lat:.5f}, {lng:.5f}"
    return Malformed(f"the outline crosses or touches itself{near}", field=field, code="polygon_crossing")

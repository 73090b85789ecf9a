"""Whether the outlines and holes of many areas lie as they should: what `shapes.check_polygon` asks, of all at once."""

from __future__ import annotations

import ctypes
import re

import numpy as np
import numpy.typing as npt
import shapely

from keepclear.errors import Malformed
from keepclear.geometry import kernels
from keepclear.geometry.areas_twin import degrees_of
from keepclear.geometry.columns import IntArray, Plans
from keepclear.geometry.earth import FloatArray, distances_m, plane_about
from keepclear.geometry.kernels import PlansStruct, pointer
from keepclear.geometry.pack_areas import (
    axes_at,
    lifted,
    polygons_of,
    rings_in_space,
    seen_from_above,
    too_wide,
    volume_name,
)
from keepclear.geometry.shapes import MAX_REACH_M, MIN_AREA_M2

NOT_WIDE_M = 400_000.0
"""Where no vertex is farther than this from one middle, none is 1,000 km from another."""

BoolArray = npt.NDArray[np.bool_]

if kernels.LIBRARY is not None:
    kernels.LIBRARY.kc_plain_outlines.argtypes = (ctypes.POINTER(PlansStruct), ctypes.c_int64, ctypes.c_void_p)
    kernels.LIBRARY.kc_plain_outlines.restype = None


def check_outlines(plans: Plans) -> None:
    """Refuse plans with an area that is no simple polygon with simple holes in it; never repair one.

    No vertex lies farther than 1,000 km from the middle of its outline. Outlines span an area, neither cross nor touch
    themselves, and enclose, holes taken off, at least 1 m². Holes lie within, neither in nor across one another, and
    touch the outline in one point at most. Edges are geodesics. Every ring has vertices, and every number is in range.

    Raises `Malformed` naming the first volume at fault, such as `plans[alpha].volumes[0].rings`.
    """
    vertex_from, vertices = rings_in_space(plans)
    volumes = np.flatnonzero(~_plain(plans.ring_from, vertex_from, vertices))
    if not len(volumes):
        return
    ring_from, vertex_from, vertices = _of(volumes, plans.ring_from, vertex_from, vertices)
    middles, owner, xy = seen_from_above(ring_from, vertex_from, vertices)
    wide = np.zeros(len(volumes), dtype=bool)
    for each in np.unique(owner[np.linalg.norm(vertices - middles[owner], axis=1) > NOT_WIDE_M]).tolist():
        wide[each] = _is_wide(plans, int(volumes[each]))
    short = np.zeros(len(volumes), dtype=bool)
    rings = np.repeat(np.arange(len(volumes)), np.diff(ring_from))
    short[rings[np.diff(vertex_from) < 3]] = True
    drawn = np.flatnonzero(~short & ~wide)
    polygons = polygons_of(xy[np.isin(owner, drawn)], *_of(drawn, ring_from, vertex_from, vertices)[:2])
    faulty = short | wide
    faulty[drawn] = ~shapely.is_valid(polygons) | ~(shapely.area(polygons) >= MIN_AREA_M2)
    if not faulty.any():
        return
    first = int(faulty.argmax())
    where = volume_name(plans, int(volumes[first]))
    if wide[first]:
        raise too_wide(where)
    if short[first]:
        raise _no_area(where)
    raise _fault(where, polygons[int(np.searchsorted(drawn, first))], middles[first : first + 1])


def _plain(ring_from: IntArray, vertex_from: IntArray, vertices: FloatArray) -> BoolArray:
    """Which areas are surely in order; without the kernels only circles are."""
    if kernels.LIBRARY is None:
        return np.asarray(np.diff(ring_from) == 0)
    sure = np.empty(len(ring_from) - 1, dtype=np.uint8)
    rings = PlansStruct(ring_from=pointer(ring_from), vertex_from=pointer(vertex_from), vertices=pointer(vertices))
    kernels.LIBRARY.kc_plain_outlines(rings, len(sure), pointer(sure))
    return sure.astype(bool)


def _of(
    volumes: IntArray, ring_from: IntArray, vertex_from: IntArray, vertices: FloatArray
) -> tuple[IntArray, IntArray, FloatArray]:
    """The rings and vertices of some volumes only."""
    rings = _members(volumes, ring_from)
    return (
        _running(np.diff(ring_from)[volumes]),
        _running(np.diff(vertex_from)[rings]),
        vertices[_members(rings, vertex_from)],
    )


def _members(chosen: IntArray, offsets: IntArray) -> IntArray:
    count = np.diff(offsets)[chosen]
    return np.asarray(np.arange(count.sum()) + np.repeat(offsets[chosen] - _running(count)[:-1], count))


def _running(counts: IntArray) -> IntArray:
    return np.concatenate(([0], np.cumsum(counts)))


def _is_wide(plans: Plans, volume: int) -> bool:
    outline = plans.ring_from[volume]
    lat, lon = plans.vertices[plans.vertex_from[outline] : plans.vertex_from[outline + 1]].T
    try:
        middle = plane_about(lat, lon)
    except Malformed:  # they lie all round the earth
        return True
    return bool(distances_m(middle.lat0_deg, middle.lon0_deg, lat, lon).max() > MAX_REACH_M)


def _no_area(where: str) -> Malformed:
    return Malformed("the vertices lie on one line, or on one spot", field=f"{where}.rings", code="polygon_no_area")


def _fault(where: str, polygon: shapely.Polygon, middle: FloatArray) -> Malformed:
    """What is wrong with a polygon drawn as seen from straight above `middle`, shape (1, 3)."""
    if polygon.convex_hull.area < MIN_AREA_M2:
        return _no_area(where)
    reason = str(shapely.is_valid_reason(polygon))
    found = re.search(r"\[(\S+) (\S+)\]", reason)
    near = ""
    if found:
        east, north, up = axes_at(middle)
        lat, lon = degrees_of(lifted(middle + float(found[1]) * east + float(found[2]) * north, up))
        near = f" near {lat[0]:.5f}, {lon[0]:.5f}"
    if reason.startswith(("Hole lies outside", "Holes are nested")):
        message = f"a hole lies outside its outline, or in another hole{near}"
        return Malformed(message, field=f"{where}.rings", code="hole_outside")
    if reason != "Valid Geometry":
        message = f"an outline or hole crosses or touches itself or another{near}"
        return Malformed(message, field=f"{where}.rings", code="polygon_crossing")
    message = f"the outline encloses {polygon.area:.2g} m², next to nothing"
    return Malformed(message, field=f"{where}.rings", code="polygon_no_area")

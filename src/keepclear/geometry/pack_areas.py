"""Areas for the kernels: rings as points in space with their edges cut, a ball about each area, a point within it."""

from __future__ import annotations

import ctypes

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import Geod

from keepclear.errors import Malformed
from keepclear.geometry import kernels, surface
from keepclear.geometry.columns import IntArray, Plans
from keepclear.geometry.earth import FloatArray
from keepclear.geometry.kernels import PlansStruct, pointer
from keepclear.geometry.shapes import MAX_REACH_M

LONGEST_EDGE_M = 10_000.0
"""Edges are cut to this along the geodesic: on a plane 20 km away such an edge bows by 2 mm from the straight line."""
CLOSES_M = 1e-6
"""A last vertex this near the first repeats it."""
UNCUT_EDGE_M = 0.999 * LONGEST_EDGE_M
"""A chord so long is cut nowhere."""
BALL_SLACK_M = 0.1

_WGS84 = Geod(ellps="WGS84")
_FLAT = np.array([1.0, 1.0, 1.0 - _WGS84.es])
"""What a point on the ellipsoid is divided by for the direction away from the ground."""

if kernels.LIBRARY is not None:
    kernels.LIBRARY.kc_pack_areas.argtypes = (
        ctypes.POINTER(PlansStruct),
        ctypes.c_int64,
        ctypes.c_void_p,
        ctypes.c_void_p,
    )
    kernels.LIBRARY.kc_pack_areas.restype = ctypes.c_int
    kernels.LIBRARY.kc_rings_in_space.argtypes = [
        ctypes.c_int64,
        *[ctypes.c_void_p] * 2,
        *[ctypes.c_double] * 2,
        *[ctypes.c_void_p] * 2,
    ]
    kernels.LIBRARY.kc_rings_in_space.restype = ctypes.c_int


def pack_areas(plans: Plans) -> tuple[FloatArray, IntArray, IntArray, FloatArray]:
    """The areas of k volumes, shape (k, 8), their rings and the rings' vertices, as `kc_plans` has them.

    A vertex that closes a ring by repeating its first is dropped; edges are cut to `LONGEST_EDGE_M`. What lies inside
    an outline but also inside a hole is outside. Raises `Malformed` as `rings_in_space`; whether outlines cross
    themselves is not looked at (`outlines.check_outlines`).
    """
    vertex_from, vertices = rings_in_space(plans)
    k = len(plans.volumes)
    if kernels.LIBRARY is None:
        return areas_twin(plans.circles, plans.ring_from, vertex_from, vertices), plans.ring_from, vertex_from, vertices
    areas = np.empty((k, 8))
    struct = PlansStruct(
        ring_from=pointer(plans.ring_from), vertex_from=pointer(vertex_from), vertices=pointer(vertices)
    )
    if not kernels.LIBRARY.kc_pack_areas(struct, k, pointer(plans.circles), pointer(areas)):
        raise MemoryError
    return areas, plans.ring_from, vertex_from, vertices


def rings_in_space(plans: Plans) -> tuple[IntArray, FloatArray]:
    """Where each ring begins, shape (rings + 1,), and the vertices of all, shape (v, 3), edges cut.

    Raises `Malformed` naming the volume of a ring without vertices, or of an edge longer than an area may be wide.
    """
    return _plain_rings(plans) or _cut_rings(plans)


def _plain_rings(plans: Plans) -> tuple[IntArray, FloatArray] | None:
    """The same through the kernels; None where there are none, or an edge is to be cut, or something is wrong."""
    if kernels.LIBRARY is None:
        return None
    begin, vertices = plans.vertex_from, plans.vertices
    vertex_from, places = np.empty(len(begin), dtype=np.int64), np.empty((len(vertices), 3))
    done = kernels.LIBRARY.kc_rings_in_space(
        len(begin) - 1,
        pointer(begin),
        pointer(vertices),
        CLOSES_M,
        UNCUT_EDGE_M,
        pointer(vertex_from),
        pointer(places),
    )
    return (vertex_from, places[: vertex_from[-1]]) if done else None


def _cut_rings(plans: Plans) -> tuple[IntArray, FloatArray]:
    """The same of any rings."""
    first, count = plans.vertex_from[:-1], np.diff(plans.vertex_from)
    if (count < 1).any():
        where = volume_of_ring(plans, int((count < 1).argmax()))
        raise Malformed("a ring has no vertices", field=f"{where}.rings", code="outline_vertices", value=0)
    lat, lon = plans.vertices[:, 0], plans.vertices[:, 1]
    places = surface.places(lat, lon)
    last = first + count - 1
    repeats = (count > 1) & (np.abs(places[last] - places[first]).max(axis=1, initial=0.0) <= CLOSES_M)
    if repeats.any():
        kept = np.ones(len(places), dtype=bool)
        kept[last[repeats]] = False
        lat, lon, places = lat[kept], lon[kept], places[kept]
        count = count - repeats
        first = np.cumsum(count) - count
        last = first + count - 1
    following = np.arange(1, len(places) + 1)
    following[last] = first
    edge = places[following] - places
    long = np.flatnonzero(np.einsum("ij,ij->i", edge, edge) > UNCUT_EDGE_M**2)
    if not len(long):
        return np.concatenate(([0], np.cumsum(count))), places
    to = following[long]
    azimuth, _, length = _WGS84.inv(lon[long], lat[long], lon[to], lat[to])
    if length.max() > 2.0 * MAX_REACH_M:
        edge_of = int(np.searchsorted(first, long[length.argmax()], side="right")) - 1
        raise too_wide(volume_of_ring(plans, edge_of))
    cuts = np.zeros(len(places), dtype=np.int64)  # vertices put in after each
    cuts[long] = np.maximum(np.ceil(length / LONGEST_EDGE_M).astype(np.int64), 1) - 1
    source = np.repeat(np.arange(len(places)), cuts + 1)
    part = np.arange(len(source)) - np.repeat(np.cumsum(cuts + 1) - (cuts + 1), cuts + 1)
    cut_places = places[source]
    between = np.flatnonzero(part)
    row = np.searchsorted(long, source[between])
    share = part[between] / (cuts[source[between]] + 1)
    cut_lon, cut_lat, _ = _WGS84.fwd(lon[long][row], lat[long][row], azimuth[row], length[row] * share)
    cut_places[between] = surface.places(cut_lat, cut_lon)
    ring = np.repeat(np.arange(len(count)), count)
    more = np.bincount(ring, weights=cuts, minlength=len(count)).astype(np.int64)
    return np.concatenate(([0], np.cumsum(count + more))), cut_places


def areas_twin(circles: FloatArray, ring_from: IntArray, vertex_from: IntArray, vertices: FloatArray) -> FloatArray:
    """`kc_pack_areas` in NumPy, but for which of the points within each area it chooses."""
    areas = np.empty((len(circles), 8))
    areas[:, :3] = areas[:, 5:] = surface.places(circles[:, 0], circles[:, 1])
    areas[:, 3] = circles[:, 2] + BALL_SLACK_M
    areas[:, 4] = circles[:, 2]
    polygons = np.flatnonzero(np.diff(ring_from))
    if not len(polygons):
        return areas
    middles, owner, xy = seen_from_above(ring_from, vertex_from, vertices)
    areas[polygons, :3], areas[polygons, 4] = middles, 0.0
    far = np.zeros(len(polygons))
    np.maximum.at(far, owner, np.linalg.norm(vertices - middles[owner], axis=1))
    areas[polygons, 3] = far + BALL_SLACK_M
    east, north, up = axes_at(middles)
    inner = shapely.get_coordinates(shapely.point_on_surface(polygons_of(xy, ring_from, vertex_from)))
    areas[polygons, 5:] = lifted(middles + inner[:, :1] * east + inner[:, 1:] * north, up)
    return areas


def seen_from_above(
    ring_from: IntArray, vertex_from: IntArray, vertices: FloatArray
) -> tuple[FloatArray, IntArray, FloatArray]:
    """Of the n volumes that have rings: a middle of each, shape (n, 3), on the ellipsoid; and of all v vertices the one
    of these they belong to, (v,), and metres east and north of its middle as seen from straight above it, (v, 2)."""
    polygons = np.flatnonzero(np.diff(ring_from))
    outlines = ring_from[polygons]
    bounds = np.column_stack((vertex_from[outlines], vertex_from[outlines + 1])).ravel()
    bounds = bounds[:-1] if bounds[-1] == len(vertices) else bounds
    middles = (np.minimum.reduceat(vertices, bounds)[::2] + np.maximum.reduceat(vertices, bounds)[::2]) / 2
    square = (middles * middles / _FLAT).sum(axis=1)
    middles[square < 1.0] = _WGS84.a, 0.0, 0.0  # they lie all round the earth: any place is a middle
    middles *= np.sqrt(_WGS84.a**2 / np.where(square < 1.0, _WGS84.a**2, square))[:, None]
    owner = np.repeat(np.repeat(np.arange(len(polygons)), np.diff(ring_from)[polygons]), np.diff(vertex_from))
    east, north, _ = axes_at(middles)
    away = vertices - middles[owner]
    xy = np.column_stack((np.einsum("ij,ij->i", away, east[owner]), np.einsum("ij,ij->i", away, north[owner])))
    return middles, owner, xy


def axes_at(places: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """East, north and up at n places of the ellipsoid, each of shape (n, 3); at a pole any east will do."""
    up = places / _FLAT
    up /= np.linalg.norm(up, axis=1)[:, None]
    across = np.hypot(up[:, 0], up[:, 1])
    polar = across <= 1e-12
    across = np.where(polar, 1.0, across)
    east = np.column_stack(
        (np.where(polar, 1.0, -up[:, 1] / across), np.where(polar, 0.0, up[:, 0] / across), np.zeros(len(up)))
    )
    return east, np.cross(up, east), up


def polygons_of(xy: FloatArray, ring_from: IntArray, vertex_from: IntArray) -> npt.NDArray[np.object_]:
    """Shapely polygons of those volumes that have rings; `xy`, shape (v, 2), are their vertices on planes."""
    count = np.diff(vertex_from)
    first = np.cumsum(count) - count
    source = np.arange(len(xy) + len(count)) - np.repeat(np.arange(len(count)), count + 1)
    source[np.cumsum(count + 1) - 1] = first  # a shapely ring repeats its first vertex
    offsets = np.concatenate(([0], np.cumsum(count + 1)))
    owners = np.concatenate(([0], np.cumsum(np.diff(ring_from)[np.diff(ring_from) > 0])))
    return np.asarray(shapely.from_ragged_array(shapely.GeometryType.POLYGON, xy[source], (offsets, owners)))


def lifted(places: FloatArray, up: FloatArray) -> FloatArray:
    """The places on the ellipsoid that stand straight above or below others, along `up`."""
    a = (up * up / _FLAT).sum(axis=1)
    b = (up * places / _FLAT).sum(axis=1)
    c = (places * places / _FLAT).sum(axis=1) - _WGS84.a**2
    return np.asarray(places + (-c / (b + np.sqrt(b * b - a * c)))[:, None] * up)


def volume_name(plans: Plans, volume: int) -> str:
    """How a refusal names one of the volumes of all plans."""
    plan = int(np.searchsorted(plans.volume_from, volume, side="right")) - 1
    return f"plans[{plans.ids[plan]}].volumes[{volume - int(plans.volume_from[plan])}]"


def volume_of_ring(plans: Plans, ring: int) -> str:
    """How a refusal names the volume that a ring belongs to."""
    return volume_name(plans, int(np.searchsorted(plans.ring_from, ring, side="right")) - 1)


def too_wide(volume: str) -> Malformed:
    """The refusal of an area that reaches too far."""
    far = f"a vertex is farther than {MAX_REACH_M / 1000.0:.0f} km from the middle of its outline"
    return Malformed(far, field=f"{volume}.rings", code="too_wide")

"""Points, outlines and routes on a local plane: inside, how far, where along, from when to when.

Everything but `check_polygon` works in metres east and north of the origin of a `LocalPlane`. Points have shape (n, 2).
A polygon has shape (m, 2), its last vertex joined to its first, either way round; a polyline has shape (m, 2), its
vertices in the order of travel. Segments of no length do no harm.

**Boundary.** An outline belongs to its shape, and so does what lies within `TOUCH_M` (a micrometre) of it: whoever
touches is inside. A mere touch is an interval of no length, or next to none.

Work and memory grow with points times vertices. `Malformed` is raised for a wrong shape or a number that is not finite.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from keepclear.errors import Malformed
from keepclear.geometry.earth import FloatArray, LocalPlane, plane_about

BoolArray = npt.NDArray[np.bool_]
Interval = tuple[float, float]

TOUCH_M = 1e-6
MIN_VERTICES = 3
MAX_VERTICES = 1000
MAX_REACH_M = 1_000_000.0
MIN_AREA_M2 = 1.0


class OnPolyline(NamedTuple):
    """Where on a polyline n points are nearest to it: metres from its start, and metres off it (never negative)."""

    chainage_m: FloatArray
    cross_track_m: FloatArray


class NearestApproach(NamedTuple):
    """The least distance between two lines, and the point of each where it is found."""

    distance_m: float
    on_first: tuple[float, float]
    on_second: tuple[float, float]


def check_polygon(
    lat_deg: Sequence[float] | FloatArray, lon_deg: Sequence[float] | FloatArray, field: str = "vertices"
) -> None:
    """Refuse an outline that is not a simple polygon on the ellipsoid; never repair one.

    In this order: 3 to 1,000 vertices; latitudes -90 to 90 and longitudes -180 to 180 (so neither NaN nor infinity); no
    vertex farther than 1,000 km from their middle; vertices that span an area; an outline that neither crosses nor
    touches itself, and encloses at least 1 m². The antimeridian and the poles may lie within. Edges are straight on the
    plane about the middle of the vertices.

    Raises `Malformed` naming `field`, or the vertex at fault within it.
    """
    count = len(lat_deg)
    if len(lon_deg) != count:
        raise Malformed(f"{count} latitudes but {len(lon_deg)} longitudes", field=field, code="shape")
    if not MIN_VERTICES <= count <= MAX_VERTICES:
        raise Malformed(
            f"an outline has {MIN_VERTICES} to {MAX_VERTICES} vertices, not {count}",
            field=field,
            code="polygon_vertices",
            value=count,
        )
    lat, lon = np.asarray(lat_deg, dtype=np.float64), np.asarray(lon_deg, dtype=np.float64)
    for name, values, limit in (("lat_deg", lat, 90.0), ("lon_deg", lon, 180.0)):
        wrong = ~(np.abs(values) <= limit)
        if wrong.any():
            at = int(wrong.argmax())
            hint = "; are latitude and longitude swapped?" if name == "lat_deg" and 90.0 < abs(lat[at]) <= 180.0 else ""
            raise Malformed(
                f"{values[at]} is not between {-limit:g} and {limit:g}{hint}",
                field=f"{field}[{at}].{name}",
                code="out_of_range",
                value=float(values[at]),
            )
    try:
        plane = plane_about(lat, lon)
    except Malformed as refusal:
        raise Malformed("the outline goes round the whole earth", field=field, code="too_wide") from refusal
    xy = plane.to_xy(lat, lon)
    reach = np.hypot(xy[:, 0], xy[:, 1])
    if reach.max() > MAX_REACH_M:
        raise Malformed(
            f"the vertex is {reach.max() / 1000.0:.0f} km from the middle of the outline; "
            f"{MAX_REACH_M / 1000.0:.0f} km is the most",
            field=f"{field}[{reach.argmax()}]",
            code="too_wide",
            value=float(reach.max()),
        )
    polygon = shapely.Polygon(xy)
    if polygon.convex_hull.area < MIN_AREA_M2:
        raise Malformed("the vertices lie on one line, or on one spot", field=field, code="polygon_no_area")
    if not shapely.is_valid(polygon):
        raise Malformed(
            f"the outline crosses or touches itself{_whereabouts(polygon, plane)}", field=field, code="polygon_crossing"
        )
    if polygon.area < MIN_AREA_M2:
        raise Malformed(
            f"the outline encloses {polygon.area:.2g} m², next to nothing", field=field, code="polygon_no_area"
        )


def points_in_polygon(points: npt.ArrayLike, polygon: npt.ArrayLike) -> BoolArray:
    """For each of n points whether it lies in the polygon, boundary included; shape (n,)."""
    at, ring = _points(points, "points"), _points(polygon, "polygon", at_least=3)
    x, y = at[:, :1], at[:, 1:]
    x1, y1 = ring[:, 0], ring[:, 1]
    x2, y2 = np.roll(x1, -1), np.roll(y1, -1)
    # A ray to the east crosses an odd number of edges; an edge owns its lower end, so a vertex counts once.
    straddles = (y1 > y) != (y2 > y)
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        crosses = straddles & (x < x1 + (x2 - x1) * (y - y1) / (y2 - y1))
    inside = crosses.sum(axis=1) % 2 == 1
    return np.asarray(inside | (distance_to_edge_m(at, ring) <= TOUCH_M))


def distance_to_edge_m(points: npt.ArrayLike, polygon: npt.ArrayLike) -> FloatArray:
    """Metres from each of n points to the outline of the polygon, whichever side it lies on; shape (n,)."""
    at, ring = _points(points, "points"), _points(polygon, "polygon", at_least=3)
    distance, _ = _to_segments(at, ring, np.roll(ring, -1, axis=0))
    return np.asarray(distance.min(axis=1))


def chainages_m(polyline: npt.ArrayLike) -> FloatArray:
    """Metres along the polyline from its start to each of its vertices, shape (m,); the last is its length."""
    line = _points(polyline, "polyline", at_least=1)
    steps = np.diff(line, axis=0)
    return np.concatenate(([0.0], np.cumsum(np.hypot(steps[:, 0], steps[:, 1]))))


def locate_on_polyline(points: npt.ArrayLike, polyline: npt.ArrayLike) -> OnPolyline:
    """Where along a route each of n points is, and how far off it; arrays of shape (n,).

    Of places equally near, the first along the route is meant. Beyond an end, the end is the nearest place, and
    `cross_track_m` the distance to it.
    """
    at, line = _points(points, "points"), _points(polyline, "polyline", at_least=2)
    distance, share = _to_segments(at, line[:-1], line[1:])
    nearest = distance.argmin(axis=1)
    rows = np.arange(len(at))
    along = chainages_m(line)
    chainage = along[nearest] + share[rows, nearest] * (along[nearest + 1] - along[nearest])
    return OnPolyline(chainage, distance[rows, nearest])


def points_at_chainages(polyline: npt.ArrayLike, chainage_m: npt.ArrayLike) -> FloatArray:
    """The points that lie so many metres along a polyline, shape (n, 2); no farther than its ends."""
    line = _points(polyline, "polyline", at_least=1)
    wanted = np.atleast_1d(np.asarray(chainage_m, dtype=np.float64))
    if wanted.ndim != 1 or not np.isfinite(wanted).all():
        raise Malformed("must be finite numbers in one row", field="chainage_m", code="not_finite")
    along = chainages_m(line)
    return np.column_stack((np.interp(wanted, along, line[:, 0]), np.interp(wanted, along, line[:, 1])))


def nearest_approach(first: npt.ArrayLike, second: npt.ArrayLike) -> NearestApproach:
    """The least distance between two polylines standing still: 0 and the crossing where they cross.

    A polyline of one vertex is a point; one of two is a segment. Where two polylines cross more than once, the first
    crossing along `first` is given; of other places equally near, any one.
    """
    one, other = _points(first, "first", at_least=1), _points(second, "second", at_least=1)
    a, b = (one, one) if len(one) == 1 else (one[:-1], one[1:])
    c, d = (other, other) if len(other) == 1 else (other[:-1], other[1:])
    crossing = _first_crossing(a, b, c, d)
    if crossing is not None:
        return NearestApproach(0.0, crossing, crossing)
    # Segments that do not cross are nearest at an end of one of them.
    from_one, share_on_other = _to_segments(one, c, d)
    from_other, share_on_one = _to_segments(other, a, b)
    if from_one.min() <= from_other.min():
        row, column = np.unravel_index(from_one.argmin(), from_one.shape)
        foot = c[column] + share_on_other[row, column] * (d[column] - c[column])
        return NearestApproach(float(from_one[row, column]), _pair(one[row]), _pair(foot))
    row, column = np.unravel_index(from_other.argmin(), from_other.shape)
    foot = a[column] + share_on_one[row, column] * (b[column] - a[column])
    return NearestApproach(float(from_other[row, column]), _pair(foot), _pair(other[row]))


def times_in_polygon(
    start: npt.ArrayLike, end: npt.ArrayLike, t0: float, t1: float, polygon: npt.ArrayLike
) -> list[Interval]:
    """From when to when a point that moves evenly from `start` at `t0` to `end` at `t1` is in a polygon.

    Closed form, no sampling. The intervals [t_in, t_out] are disjoint, in order, and lie within [t0, t1]; boundary and
    touches are included (see the head of this file). Times are in any one unit. Raises `Malformed` if `t1` is before
    `t0`, or at `t0` and the point has moved.
    """
    origin, step = _motion(start, end, t0, t1)
    ring = _points(polygon, "polygon", at_least=3)
    length = math.hypot(*step)
    if length <= TOUCH_M:
        return [(t0, t1)] if points_in_polygon(origin[None, :], ring)[0] else []
    cuts = np.unique(np.concatenate(([0.0, 1.0], _meets_outline(origin, step, length, ring))))
    middles = (cuts[:-1] + cuts[1:]) / 2
    held_between = points_in_polygon(origin + middles[:, None] * step, ring)
    held_at = points_in_polygon(origin + cuts[:, None] * step, ring)
    spans: list[Interval] = []
    for k, cut in enumerate(cuts.tolist()):
        if held_at[k]:
            _extend(spans, cut, cut)
        if k < len(held_between) and held_between[k]:
            _extend(spans, cut, float(cuts[k + 1]))
    return [(_moment(a, t0, t1), _moment(b, t0, t1)) for a, b in spans]


def times_in_circle(
    start: npt.ArrayLike, end: npt.ArrayLike, t0: float, t1: float, centre: npt.ArrayLike, radius_m: float
) -> list[Interval]:
    """From when to when a point that moves evenly from `start` at `t0` to `end` at `t1` is in a circle.

    One interval or none, by the rules of `times_in_polygon`. What lies within `radius_m` of a place on the ellipsoid
    is a circle only on the plane about that place. For two that move, give the motion of one relative to the other.
    Raises `Malformed` as there, or if the radius is negative.
    """
    origin, step = _motion(start, end, t0, t1)
    middle = _point(centre, "centre")
    if not (radius_m >= 0.0 and math.isfinite(radius_m)):
        raise Malformed(f"must be 0 or more, not {radius_m}", field="radius_m", code="out_of_range", value=radius_m)
    to_centre = middle - origin
    length = math.hypot(*step)
    if length <= TOUCH_M:
        return [(t0, t1)] if math.hypot(*to_centre) <= radius_m + TOUCH_M else []
    nearest = float(to_centre @ step) / length  # metres along the path
    miss = abs(float(to_centre[0] * step[1] - to_centre[1] * step[0])) / length
    if miss > radius_m + TOUCH_M:
        return []
    half_chord = math.sqrt(max((radius_m - miss) * (radius_m + miss), 0.0))
    first, last = nearest - half_chord, nearest + half_chord
    if last < -TOUCH_M or first > length + TOUCH_M:
        return []
    shares = (min(max(first / length, 0.0), 1.0), min(max(last / length, 0.0), 1.0))
    return [(_moment(shares[0], t0, t1), _moment(shares[1], t0, t1))]


def _points(xy: npt.ArrayLike, field: str, at_least: int = 0) -> FloatArray:
    points = np.asarray(xy, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2:
        raise Malformed(f"must have shape (n, 2), not {points.shape}", field=field, code="shape")
    if len(points) < at_least:
        raise Malformed(f"must have {at_least} vertices or more, not {len(points)}", field=field, code="shape")
    if not np.isfinite(points).all():
        raise Malformed("must hold finite numbers only", field=field, code="not_finite")
    return points


def _point(xy: npt.ArrayLike, field: str) -> FloatArray:
    point = np.asarray(xy, dtype=np.float64)
    if point.shape != (2,):
        raise Malformed(f"must have shape (2,), not {point.shape}", field=field, code="shape")
    if not np.isfinite(point).all():
        raise Malformed("must hold finite numbers only", field=field, code="not_finite")
    return point


def _pair(point: FloatArray) -> tuple[float, float]:
    return float(point[0]), float(point[1])


def _to_segments(points: FloatArray, a: FloatArray, b: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Distance from n points to m segments a-b, and the share of each segment at its nearest place; both (n, m)."""
    span = b - a
    square = (span * span).sum(axis=1)
    from_a = points[:, None, :] - a[None, :, :]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        share = np.where(square > 0.0, (from_a * span).sum(axis=2) / square, 0.0)
    share = np.clip(share, 0.0, 1.0)
    off = from_a - share[:, :, None] * span
    return np.hypot(off[:, :, 0], off[:, :, 1]), share


def _first_crossing(a: FloatArray, b: FloatArray, c: FloatArray, d: FloatArray) -> tuple[float, float] | None:
    """Where the segments a-b first cross the segments c-d; parallel ones are left to the distances of their ends."""
    along, across = (b - a)[:, None, :], (d - c)[None, :, :]
    between = c[None, :, :] - a[:, None, :]
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        turn = _cross(along, across)
        share = _cross(between, across) / turn
        other = _cross(between, along) / turn
    meets = (share >= 0.0) & (share <= 1.0) & (other >= 0.0) & (other <= 1.0)
    if not meets.any():
        return None
    segment = int(meets.any(axis=1).argmax())
    earliest = float(share[segment][meets[segment]].min())
    return _pair(a[segment] + earliest * (b[segment] - a[segment]))


def _meets_outline(origin: FloatArray, step: FloatArray, length: float, ring: FloatArray) -> FloatArray:
    """The shares (0 to 1) of a path at which it meets an edge or passes a vertex of an outline."""
    edge = np.roll(ring, -1, axis=0) - ring
    edge_length = np.hypot(edge[:, 0], edge[:, 1])
    between = ring - origin
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        turn = _cross(step, edge)
        share = _cross(between, edge) / turn
        on_edge = _cross(between, step) / turn * edge_length
    slack = TOUCH_M / length
    meets = (share >= -slack) & (share <= 1.0 + slack) & (on_edge >= -TOUCH_M) & (on_edge <= edge_length + TOUCH_M)
    # An edge that runs along the path has no one meeting point; its vertices say where it begins and ends.
    passed = (between @ step) / length**2
    passes = (np.abs(_cross(between, step)) <= TOUCH_M * length) & (passed >= -slack) & (passed <= 1.0 + slack)
    return np.clip(np.concatenate((share[meets], passed[passes])), 0.0, 1.0)


def _cross(one: FloatArray, other: FloatArray) -> FloatArray:
    return np.asarray(one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0])


def _motion(start: npt.ArrayLike, end: npt.ArrayLike, t0: float, t1: float) -> tuple[FloatArray, FloatArray]:
    origin, goal = _point(start, "start"), _point(end, "end")
    if not (math.isfinite(t0) and math.isfinite(t1)):
        raise Malformed("must be finite", field="t1" if math.isfinite(t0) else "t0", code="not_finite")
    if t1 < t0 or (t1 == t0 and (origin != goal).any()):
        raise Malformed(f"{t1} is not after t0, {t0}", field="t1", code="times_order")
    return origin, goal - origin


def _extend(spans: list[Interval], begin: float, end: float) -> None:
    """Add an interval that begins no earlier than the last one does, joining the two if they meet."""
    if spans and begin <= spans[-1][1]:
        spans[-1] = (spans[-1][0], max(end, spans[-1][1]))
    else:
        spans.append((begin, end))


def _moment(share: float, t0: float, t1: float) -> float:
    return t1 if share >= 1.0 else min(t0 + share * (t1 - t0), t1)


def _whereabouts(polygon: shapely.Polygon, plane: LocalPlane) -> str:
    """Where GEOS finds an outline at fault, in degrees ("Self-intersection[12.5 -3]" on the plane), or nothing."""
    found = re.search(r"\[(\S+) (\S+)\]", str(shapely.is_valid_reason(polygon)))
    if not found:
        return ""
    lat, lon = plane.to_latlon([[float(found[1]), float(found[2])]])
    return f" near {lat[0]:.5f}, {lon[0]:.5f}"

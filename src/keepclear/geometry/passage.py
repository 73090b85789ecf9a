"""From when to when a mover is within reach of an area, and how far two areas lie apart.

Closed form on a `LocalPlane`: about the centre of a circle, about the middle of the vertices of a polygon. Edges of a
polygon are straight on that plane, as in `shapes.check_polygon`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import shapely

from keepclear.geometry.earth import (
    FloatArray,
    LocalPlane,
    bearing_deg,
    destination,
    distance_m,
    distances_m,
    plane_about,
)
from keepclear.geometry.pack import Legs, seconds
from keepclear.geometry.shapes import (
    Interval,
    distance_to_edge_m,
    nearest_approach,
    points_in_polygon,
    times_in_circle,
    times_in_polygon,
)
from keepclear.model.places import LatLon
from keepclear.model.times import Window
from keepclear.model.volumes import AltitudeBand, Area, Circle, Polygon

FAR_M = 3_000_000.0
"""Areas farther apart than this are not drawn on one plane: at the antipode of its origin a plane means nothing."""


@dataclass(frozen=True, slots=True)
class Outline:
    """An area on its own plane: a ring of shape (m, 2), or a circle of `radius_m` about the origin."""

    plane: LocalPlane
    ring: FloatArray | None
    radius_m: float

    @classmethod
    def of(cls, area: Area) -> Outline:
        """The outline of a polygon or circle. Raises `Malformed` for a polygon that goes round the whole earth."""
        if isinstance(area, Circle):
            return cls(LocalPlane(area.centre.lat_deg, area.centre.lon_deg), None, area.radius_m)
        plane = plane_about(*_vertices(area))
        return cls(plane, _ring(area, plane), 0.0)

    def extent_m(self) -> float:
        """Metres from the origin of the plane to the farthest point of the area."""
        return self.radius_m if self.ring is None else float(np.hypot(self.ring[:, 0], self.ring[:, 1]).max())

    def depths_m(self, lat_deg: npt.ArrayLike, lon_deg: npt.ArrayLike) -> FloatArray:
        """Metres from each of n points to the outline, shape (n,): negative within the area, positive outside."""
        points = self.plane.to_xy(lat_deg, lon_deg)
        if self.ring is None:
            return np.asarray(np.hypot(points[:, 0], points[:, 1]) - self.radius_m)
        distance = distance_to_edge_m(points, self.ring)
        return np.where(points_in_polygon(points, self.ring), -distance, distance)

    def times_within(self, start: FloatArray, end: FloatArray, t0: float, t1: float, reach_m: float) -> list[Interval]:
        """From when to when a point going evenly from `start` to `end` on the plane is no farther than `reach_m` away.

        A negative reach asks for how long it is at least that deep within. The intervals are disjoint and in order.
        """
        if self.ring is None:
            radius = self.radius_m + reach_m
            return times_in_circle(start, end, t0, t1, (0.0, 0.0), radius) if radius >= 0.0 else []
        inside = times_in_polygon(start, end, t0, t1, self.ring)
        if reach_m == 0.0:
            return inside
        rim = self._times_by_the_rim(start, end, t0, t1, abs(reach_m))
        return _without(inside, rim) if reach_m < 0.0 else joined([*inside, *rim])

    def _times_by_the_rim(
        self, start: FloatArray, end: FloatArray, t0: float, t1: float, reach_m: float
    ) -> list[Interval]:
        """The times within `reach_m` of an edge: of its ends, or of the strip on both sides of it."""
        assert self.ring is not None
        spans: list[Interval] = []
        path = np.vstack((start, end))
        following = np.roll(self.ring, -1, axis=0)
        for a, b in zip(self.ring, following, strict=True):
            if nearest_approach(path, np.vstack((a, b))).distance_m > reach_m:
                continue
            spans += times_in_circle(start, end, t0, t1, a, reach_m)
            spans += times_in_circle(start, end, t0, t1, b, reach_m)
            length = float(np.hypot(*(b - a)))
            if length > 0.0:
                aside = np.array([a[1] - b[1], b[0] - a[0]]) * (reach_m / length)
                spans += times_in_polygon(start, end, t0, t1, np.vstack((a + aside, b + aside, b - aside, a - aside)))
        return joined(spans)

    def nearest(self, start: FloatArray, end: FloatArray) -> tuple[float, float]:
        """The least distance from a straight path to the area (0 if it meets it), and the share of the path there.

        Where the path runs within, the share is where it is first within.
        """
        path = np.vstack((start, end))
        length = float(np.hypot(*(end - start)))
        if self.ring is None:
            share = float(np.clip(-(start @ (end - start)) / length**2, 0.0, 1.0)) if length > 0.0 else 0.0
            distance = float(np.hypot(*(start + share * (end - start)))) - self.radius_m
            within = times_in_circle(start, end, 0.0, 1.0, (0.0, 0.0), self.radius_m)
            return (0.0, within[0][0]) if within else (distance, share)
        within = times_in_polygon(start, end, 0.0, 1.0, self.ring)
        if within:
            return 0.0, within[0][0]
        if length == 0.0:
            return float(distance_to_edge_m(start[None, :], self.ring)[0]), 0.0
        found = nearest_approach(path, np.vstack((self.ring, self.ring[:1])))
        return found.distance_m, float(np.hypot(*(np.array(found.on_first) - start))) / length


class Passage(NamedTuple):
    """A stay of a mover within reach of a volume: from `t0_s` to `t1_s`, while its plan has it on leg `leg` between
    `planned0_s` and `planned1_s`."""

    t0_s: float
    t1_s: float
    leg: int
    planned0_s: float
    planned1_s: float


def passages(
    legs: Legs,
    outline: Outline,
    band: AltitudeBand,
    window: Window,
    *,
    reach_m: float,
    vertical_m: float,
    early_s: float = 0.0,
    late_s: float = 0.0,
) -> list[Passage]:
    """When a mover is within `reach_m` of an area and `vertical_m` of its band while the window lasts, leg by leg.

    The mover may run up to `early_s` ahead of and `late_s` behind its times: it counts as being wherever it then may
    be. A negative reach, or vertical reach, asks for that much depth. A height of NaN is within every band.
    """
    opens, closes = seconds(window.starts_at), seconds(window.ends_at)
    at_hand = (legs.t1_s + late_s >= opens) & (legs.t0_s - early_s < closes)
    lowest, highest = np.minimum(legs.lower0_m, legs.lower1_m), np.maximum(legs.upper0_m, legs.upper1_m)
    # A leg that goes somewhere in less than a microsecond has no speed; its ends belong to its neighbours too.
    at_hand &= (legs.t1_s > legs.t0_s) | (legs.lengths_m() == 0.0)
    at_hand &= ~(lowest > band.upper_wgs84_m + vertical_m) & ~(highest < band.lower_wgs84_m - vertical_m)
    origin = outline.plane.lat0_deg, outline.plane.lon0_deg
    near = outline.extent_m() + max(reach_m, 0.0) + 1.0
    at_hand &= distances_m(*origin, legs.lat0_deg, legs.lon0_deg) <= near + 2.0 * legs.lengths_m()
    found: list[Passage] = []
    for i in np.flatnonzero(at_hand).tolist():
        start, end = outline.plane.to_xy([legs.lat0_deg[i], legs.lat1_deg[i]], [legs.lon0_deg[i], legs.lon1_deg[i]])
        t0, t1 = float(legs.t0_s[i]), float(legs.t1_s[i])
        level = _times_level(legs, i, band, vertical_m)
        if level is None:
            continue
        for a, b in outline.times_within(start, end, t0, t1, reach_m):
            begin = max(a, level[0], opens - late_s)
            finish = min(b, level[1], closes + early_s)
            # The window does not include its end; a mere touch of it is no stay.
            if begin <= finish and begin - early_s < closes:
                found.append(Passage(max(begin - early_s, opens), min(finish + late_s, closes), i, begin, finish))
    return found


def holds(outer: Area, inner: Area) -> bool:
    """Whether an area holds the whole of another; the same area does."""
    if isinstance(outer, Circle):
        shape = Outline.of(outer)
        if isinstance(inner, Circle):
            apart = distance_m(outer.centre.lat_deg, outer.centre.lon_deg, inner.centre.lat_deg, inner.centre.lon_deg)
            return apart + inner.radius_m <= outer.radius_m
        return bool((shape.depths_m(*_vertices(inner)) <= 0.0).all())
    shape = Outline.of(outer)
    assert shape.ring is not None
    if isinstance(inner, Circle):
        return float(shape.depths_m([inner.centre.lat_deg], [inner.centre.lon_deg])[0]) <= -inner.radius_m
    return bool(shapely.Polygon(shape.ring).covers(shapely.Polygon(_ring(inner, shape.plane))))


def meeting(one: Area, other: Area) -> tuple[float, float, float]:
    """Metres between two areas (0 where they meet), and a latitude and longitude: in both, or where they are nearest.

    Of areas more than `FAR_M` apart the distance is at least the one given, and the place is halfway between them.
    """
    if isinstance(one, Circle) and isinstance(other, Circle):
        return _circles(one, other)
    far = _circles(_round(one), _round(other))
    if far[0] > FAR_M:
        return far
    if isinstance(one, Circle):
        return meeting(other, one)
    if isinstance(other, Circle):
        middle = [other.centre.lat_deg], [other.centre.lon_deg]
        plane = LocalPlane(middle[0][0], middle[1][0])
        ring = _ring(one, plane)
        if points_in_polygon([[0.0, 0.0]], ring)[0]:
            return 0.0, middle[0][0], middle[1][0]
        foot = nearest_approach([[0.0, 0.0]], np.vstack((ring, ring[:1])))
        lat, lon = plane.to_latlon([foot.on_second])
        return max(0.0, foot.distance_m - other.radius_m), float(lat[0]), float(lon[0])
    plane = _common_plane(one, other)
    ring, other_ring = _ring(one, plane), _ring(other, plane)
    for inner, outer in ((ring, other_ring), (other_ring, ring)):
        if points_in_polygon(inner[:1], outer)[0]:
            lat, lon = plane.to_latlon(inner[:1])
            return 0.0, float(lat[0]), float(lon[0])
    found = nearest_approach(np.vstack((ring, ring[:1])), np.vstack((other_ring, other_ring[:1])))
    lat, lon = plane.to_latlon([(np.array(found.on_first) + np.array(found.on_second)) / 2])
    return found.distance_m, float(lat[0]), float(lon[0])


def within(one: Area, other: Area, reach_m: float) -> bool:
    """Whether two areas are no farther apart than `reach_m`; a negative reach asks for an overlap that wide."""
    if isinstance(one, Circle) and isinstance(other, Circle):
        apart = distance_m(one.centre.lat_deg, one.centre.lon_deg, other.centre.lat_deg, other.centre.lon_deg)
        return apart - one.radius_m - other.radius_m <= reach_m
    apart = meeting(one, other)[0]
    if reach_m >= 0.0 or apart > 0.0:
        return apart <= reach_m
    if isinstance(one, Circle):
        return within(other, one, reach_m)
    if isinstance(other, Circle):
        depth = float(Outline.of(one).depths_m([other.centre.lat_deg], [other.centre.lon_deg])[0])
        return depth - other.radius_m <= reach_m
    plane = _common_plane(one, other)
    shrunk = shapely.Polygon(_ring(one, plane)).buffer(reach_m, join_style="mitre")
    return not shrunk.is_empty and bool(shrunk.intersects(shapely.Polygon(_ring(other, plane))))


def joined(spans: list[Interval]) -> list[Interval]:
    """The union of intervals, disjoint and in order."""
    whole: list[Interval] = []
    for begin, end in sorted(spans):
        if whole and begin <= whole[-1][1]:
            whole[-1] = (whole[-1][0], max(end, whole[-1][1]))
        else:
            whole.append((begin, end))
    return whole


def _round(area: Area) -> Circle:
    """A circle that holds the area."""
    if isinstance(area, Circle):
        return area
    outline = Outline.of(area)
    middle = LatLon(lat_deg=outline.plane.lat0_deg, lon_deg=outline.plane.lon0_deg)
    return Circle(centre=middle, radius_m=outline.extent_m())


def _circles(one: Circle, other: Circle) -> tuple[float, float, float]:
    apart = distance_m(one.centre.lat_deg, one.centre.lon_deg, other.centre.lat_deg, other.centre.lon_deg)
    toward = bearing_deg(one.centre.lat_deg, one.centre.lon_deg, other.centre.lat_deg, other.centre.lon_deg)
    # Halfway between the rims that face each other, but not past the middle of either circle.
    halfway = min(max((one.radius_m + apart - other.radius_m) / 2, 0.0), apart)
    lat, lon = destination(one.centre.lat_deg, one.centre.lon_deg, toward, halfway)
    return max(0.0, apart - one.radius_m - other.radius_m), lat, lon


def _vertices(area: Polygon) -> tuple[list[float], list[float]]:
    return [vertex.lat_deg for vertex in area.vertices], [vertex.lon_deg for vertex in area.vertices]


def _ring(area: Polygon, plane: LocalPlane) -> FloatArray:
    return plane.to_xy(*_vertices(area))


def _common_plane(one: Polygon, other: Polygon) -> LocalPlane:
    lat, lon = _vertices(one)
    more_lat, more_lon = _vertices(other)
    return plane_about(lat + more_lat, lon + more_lon)


def _without(spans: list[Interval], holes: list[Interval]) -> list[Interval]:
    """What is left of disjoint intervals outside others, both in order; a remainder of no length is dropped."""
    left: list[Interval] = []
    for begin, end in spans:
        for hole_begin, hole_end in holes:
            if hole_end <= begin or hole_begin >= end:
                continue
            if hole_begin > begin:
                left.append((begin, hole_begin))
            begin = max(begin, hole_end)
        if begin < end:
            left.append((begin, end))
    return left


def _times_level(legs: Legs, i: int, band: AltitudeBand, vertical_m: float) -> Interval | None:
    """From when to when a leg is within `vertical_m` of a band: where two falling or rising lines stay below zero."""
    t0, t1 = float(legs.t0_s[i]), float(legs.t1_s[i])
    begin, end = t0, t1
    for at0, at1 in (
        (legs.lower0_m[i] - band.upper_wgs84_m, legs.lower1_m[i] - band.upper_wgs84_m),
        (band.lower_wgs84_m - legs.upper0_m[i], band.lower_wgs84_m - legs.upper1_m[i]),
    ):
        first, last = float(at0) - vertical_m, float(at1) - vertical_m
        if np.isnan(first) or (first <= 0.0 and last <= 0.0):
            continue
        if first > 0.0 and last > 0.0:
            return None
        meets = t0 + (t1 - t0) * first / (first - last)
        begin, end = (max(begin, meets), end) if first > 0.0 else (begin, min(end, meets))
    return (begin, end) if begin <= end else None

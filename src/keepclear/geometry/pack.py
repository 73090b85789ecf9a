"""The bridge from values to arrays: moments become seconds, reports and way-points become legs.

A leg is travelled evenly along the geodesic from its first point to its last. Seconds are since 1970 in UTC, float64,
which holds a microsecond until 2100. Heights are metres above the WGS 84 ellipsoid.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import numpy as np
import numpy.typing as npt
from pyproj import Geod

from keepclear.geometry import kernels, surface
from keepclear.geometry.columns import ByteArray, IntArray, Plans
from keepclear.geometry.earth import FloatArray, points_in_space
from keepclear.geometry.kernels import PlansStruct, pointer
from keepclear.geometry.pack_areas import pack_areas
from keepclear.model.base import EARLIEST, LATEST
from keepclear.model.places import LatLon
from keepclear.model.plans import Trajectory
from keepclear.model.tracks import Fix
from keepclear.model.volumes import AltitudeBand

LONGEST_LEG_M = 10_000.0
"""Legs are cut to this length, so that each is straight on a plane about its middle (2 mm off at 10 km from it)."""

FASTEST_M_S = 1_500.0
"""Two reports that only something faster could join are not joined: one of them is wrong."""
LONGEST_STEP_M = 500_000.0
"""Nor are two reports farther apart than this: nothing is known of the way between them."""
_LAST = LATEST - timedelta(microseconds=1)

_WGS84 = Geod(ellps="WGS84")

BOUNDLESS_M = 1e6
"""A height without end is this far up or down, for the kernels."""
LONGEST_CHORD_M = 20_000.0
"""Ways are cut to this for the kernels, which lift the chord back to the surface (`kernels/earth.h`)."""
_LEAST_RADIUS_M = 6_335_439.0
_HALF_ROUND_M = 20_003_931.5


_NO_AREAS = np.empty((0, 8)), np.zeros(1, dtype=np.int64), np.zeros(1, dtype=np.int64), np.empty((0, 3))


@dataclass(frozen=True, slots=True)
class Packed:
    """Plans as the kernels have them: `kc_plans` of `kernels/kernels.h`, which gives the shapes."""

    kind: ByteArray
    datum: ByteArray
    room: FloatArray
    node_from: IntArray
    nodes: FloatArray
    volume_from: IntArray
    volumes: FloatArray
    areas: FloatArray
    ring_from: IntArray
    vertex_from: IntArray
    vertices: FloatArray

    def __len__(self) -> int:
        return len(self.kind)

    def struct(self) -> PlansStruct:
        """The same as a C struct; this object must outlive it."""
        columns = (self.kind, self.datum, self.room, self.node_from, self.nodes, self.volume_from, self.volumes)
        areas = (self.areas, self.ring_from, self.vertex_from, self.vertices)
        return PlansStruct(len(self), *(pointer(array) for array in (*columns, *areas)))


def pack(plans: Plans) -> Packed:
    """Plans for the kernels: points in space, legs and edges no longer than `LONGEST_CHORD_M`.

    A leg with an end of unknown height fills its plan's band from end to end: at such a point two nodes stand at one
    moment, one for the leg before and one for the leg after. Warns (`RuntimeWarning`) if compiled kernels are missing.
    """
    kernels.notice()
    node_from, nodes = _nodes(plans)
    volumes = plans.volumes
    areas, ring_from, vertex_from, vertices = _NO_AREAS
    if len(volumes):
        areas, ring_from, vertex_from, vertices = pack_areas(plans)
        volumes = volumes.copy()
        volumes[:, 2:] = _bounded(volumes[:, 2:])
    return Packed(
        plans.kind,
        plans.datum,
        plans.room,
        node_from,
        nodes,
        plans.volume_from,
        volumes,
        areas,
        ring_from,
        vertex_from,
        vertices,
    )


@dataclass(frozen=True, slots=True)
class Legs:
    """n legs in order of time. Each array has shape (n,), but `source` of which several may share a value.

    `source[i]` is the index of the report or way-point at which the uncut leg began. A leg with `t0_s == t1_s` is a
    single report with none near enough in time to join it to. The heights are those of a band that moves with the
    mover: for one whose height is known, lower and upper are the same; where it is not, they are the plan's band, or
    NaN if there is none.
    """

    t0_s: FloatArray
    t1_s: FloatArray
    lat0_deg: FloatArray
    lon0_deg: FloatArray
    lat1_deg: FloatArray
    lon1_deg: FloatArray
    lower0_m: FloatArray
    lower1_m: FloatArray
    upper0_m: FloatArray
    upper1_m: FloatArray
    source: IntArray

    def __len__(self) -> int:
        return len(self.t0_s)

    def at(self, index: npt.ArrayLike, t_s: npt.ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Latitudes and longitudes of the movers on legs `index` at times `t_s`, both of shape (m,)."""
        i = np.atleast_1d(np.asarray(index, dtype=np.int64))
        t = np.atleast_1d(np.asarray(t_s, dtype=np.float64))
        duration = self.t1_s[i] - self.t0_s[i]
        share = np.where(duration > 0.0, (t - self.t0_s[i]) / np.where(duration > 0.0, duration, 1.0), 0.0)
        return along(self.lat0_deg[i], self.lon0_deg[i], self.lat1_deg[i], self.lon1_deg[i], share)

    def lengths_m(self) -> FloatArray:
        """Metres along the ellipsoid, shape (n,)."""
        return lengths_m(self.lat0_deg, self.lon0_deg, self.lat1_deg, self.lon1_deg)


def seconds(at: datetime) -> float:
    """Seconds since 1970 of a moment that has a zone."""
    return at.timestamp()


def moment(t_s: float) -> datetime:
    """The moment in UTC, to the nearest microsecond; the first or the last that can be told, if it lies outside."""
    return min(max(datetime.fromtimestamp(t_s, UTC), EARLIEST), _LAST)


def along(
    lat0_deg: FloatArray, lon0_deg: FloatArray, lat1_deg: FloatArray, lon1_deg: FloatArray, share: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """The points a `share` (0 to 1) of the way along n geodesics: latitudes, longitudes (-180 to 180), shape (n,)."""
    azimuth, _, length = _WGS84.inv(lon0_deg, lat0_deg, lon1_deg, lat1_deg)
    lon, lat, _ = _WGS84.fwd(lon0_deg, lat0_deg, azimuth, np.asarray(length) * share)
    return np.asarray(lat, dtype=np.float64), np.asarray(lon, dtype=np.float64)


def trajectory_legs(trajectory: Trajectory, band: AltitudeBand) -> Legs:
    """The legs of a trajectory. A leg with an end of unknown height fills the whole `band`."""
    points = trajectory.waypoints
    t = np.array([seconds(point.at) for point in points])
    lat = np.array([point.lat_deg for point in points])
    lon = np.array([point.lon_deg for point in points])
    height = np.array([np.nan if point.alt_wgs84_m is None else point.alt_wgs84_m for point in points])
    unknown = np.isnan(height[:-1]) | np.isnan(height[1:])
    return _cut(
        t[:-1],
        t[1:],
        lat[:-1],
        lon[:-1],
        lat[1:],
        lon[1:],
        np.where(unknown, band.lower_wgs84_m, height[:-1]),
        np.where(unknown, band.lower_wgs84_m, height[1:]),
        np.where(unknown, band.upper_wgs84_m, height[:-1]),
        np.where(unknown, band.upper_wgs84_m, height[1:]),
    )


def fix_legs(fixes: Sequence[Fix], max_gap_s: float) -> Legs:
    """The legs between reports no further apart than `max_gap_s`; a report with no neighbour so near is a point leg.

    `fixes` are in order of time. Nothing is said of the time between reports further apart, nor between two that lie
    more than `LONGEST_STEP_M` apart, or farther than `FASTEST_M_S` allows after taking off both uncertainties. Heights
    are NaN where either end is unknown.
    """
    t = np.array([seconds(fix.at) for fix in fixes], dtype=np.float64)
    lat = np.array([fix.lat_deg for fix in fixes], dtype=np.float64)
    lon = np.array([fix.lon_deg for fix in fixes], dtype=np.float64)
    height = np.array([np.nan if fix.alt_wgs84_m is None else fix.alt_wgs84_m for fix in fixes], dtype=np.float64)
    doubt = np.array([fix.uncertainty_m for fix in fixes], dtype=np.float64)
    step = lengths_m(lat[:-1], lon[:-1], lat[1:], lon[1:])
    joined = np.diff(t) <= max_gap_s
    joined &= (step <= LONGEST_STEP_M) & (step - doubt[:-1] - doubt[1:] <= FASTEST_M_S * np.diff(t))
    alone = ~(np.append(joined, False) | np.insert(joined, 0, False))[: len(t)]
    first = np.flatnonzero(np.append(joined, False)[: len(t)] | alone)
    last = np.where(alone[first], first, np.minimum(first + 1, len(t) - 1))
    h0, h1 = height[first], height[last]
    unknown = np.isnan(h0) | np.isnan(h1)
    h0, h1 = np.where(unknown, np.nan, h0), np.where(unknown, np.nan, h1)
    return _cut(t[first], t[last], lat[first], lon[first], lat[last], lon[last], h0, h1, h0, h1, source=first)


def pairs_in_time(one: Legs, other: Legs, behind_s: float = 0.0, ahead_s: float = 0.0) -> tuple[IntArray, IntArray]:
    """The pairs of legs, one of each, with a moment in common, ends included: their indices, both of shape (k,).

    A leg of `other` also counts if it lies no more than `behind_s` before, or `ahead_s` after, the leg of `one`.
    """
    first = np.searchsorted(other.t1_s, one.t0_s - behind_s, side="left")
    stop = np.searchsorted(other.t0_s, one.t1_s + ahead_s, side="right")
    count = np.maximum(stop - first, 0)
    leg = np.repeat(np.arange(len(one)), count)
    other_leg = np.arange(len(leg)) - np.repeat(np.cumsum(count) - count, count) + first[leg]
    return leg, other_leg


def line_points(vertices: Sequence[LatLon]) -> tuple[FloatArray, FloatArray]:
    """Latitudes and longitudes of a line through m vertices, with points put in so that no leg is longer than
    `LONGEST_LEG_M`; shape (n,), n not less than m."""
    lat = np.array([vertex.lat_deg for vertex in vertices])
    lon = np.array([vertex.lon_deg for vertex in vertices])
    no_height = np.zeros(len(lat) - 1)
    legs = _cut(no_height, no_height, lat[:-1], lon[:-1], lat[1:], lon[1:], no_height, no_height, no_height, no_height)
    return np.append(legs.lat0_deg, legs.lat1_deg[-1]), np.append(legs.lon0_deg, legs.lon1_deg[-1])


def _cut(
    t0: FloatArray,
    t1: FloatArray,
    lat0: FloatArray,
    lon0: FloatArray,
    lat1: FloatArray,
    lon1: FloatArray,
    lower0: FloatArray,
    lower1: FloatArray,
    upper0: FloatArray,
    upper1: FloatArray,
    *,
    source: IntArray | None = None,
) -> Legs:
    """The same legs, cut evenly so that none is longer than `LONGEST_LEG_M`."""
    parts = np.maximum(1, np.ceil(lengths_m(lat0, lon0, lat1, lon1) / LONGEST_LEG_M)).astype(np.int64)
    if len(parts) == parts.sum():  # nothing is cut
        whole = np.arange(len(t0)) if source is None else source
        return Legs(t0, t1, lat0, lon0, lat1, lon1, lower0, lower1, upper0, upper1, whole)
    leg = np.repeat(np.arange(len(t0)), parts)
    part = np.arange(len(leg)) - np.repeat(np.cumsum(parts) - parts, parts)
    begin, end = part / parts[leg], (part + 1) / parts[leg]
    begin_lat, begin_lon = along(lat0[leg], lon0[leg], lat1[leg], lon1[leg], begin)
    end_lat, end_lon = along(lat0[leg], lon0[leg], lat1[leg], lon1[leg], end)

    def share(a: FloatArray, b: FloatArray, s: FloatArray) -> FloatArray:
        return np.asarray(np.where(s >= 1.0, b[leg], a[leg] + (b[leg] - a[leg]) * s), dtype=np.float64)

    return Legs(
        t0_s=share(t0, t1, begin),
        t1_s=share(t0, t1, end),
        lat0_deg=begin_lat,
        lon0_deg=begin_lon,
        lat1_deg=end_lat,
        lon1_deg=end_lon,
        lower0_m=share(lower0, lower1, begin),
        lower1_m=share(lower0, lower1, end),
        upper0_m=share(upper0, upper1, begin),
        upper1_m=share(upper0, upper1, end),
        source=leg.astype(np.int64) if source is None else source[leg],
    )


def lengths_m(lat0_deg: FloatArray, lon0_deg: FloatArray, lat1_deg: FloatArray, lon1_deg: FloatArray) -> FloatArray:
    """Metres along the ellipsoid from each of n points to its partner, shape (n,)."""
    _, _, length = _WGS84.inv(lon0_deg, lat0_deg, lon1_deg, lat1_deg)
    return np.asarray(length, dtype=np.float64)


def _bounded(heights_m: FloatArray) -> FloatArray:
    """Heights without infinities."""
    return np.asarray(np.minimum(np.maximum(heights_m, -BOUNDLESS_M), BOUNDLESS_M))


def _nodes(plans: Plans) -> tuple[IntArray, FloatArray]:
    """Where each plan's nodes begin, shape (n + 1,), and the nodes, shape (m, 6)."""
    if not len(plans.t_s):
        return np.zeros(len(plans) + 1, dtype=np.int64), np.empty((0, 6))
    bands = _bounded(plans.band_m)
    if kernels.LIBRARY is None:
        return _nodes_slowly(plans, bands)
    node_from, nodes, undone = surface.nodes(plans, bands)
    for point, parts, node in undone.tolist():
        leg = np.full(parts - 1, point)
        lat, lon, next_lat, next_lon = (
            plans.lat_deg[leg],
            plans.lon_deg[leg],
            plans.lat_deg[leg + 1],
            plans.lon_deg[leg + 1],
        )
        between = along(lat, lon, next_lat, next_lon, np.arange(1, parts) / parts)
        nodes[node : node + parts - 1, 1:4] = points_in_space(*between)
    return node_from, nodes


def _nodes_slowly(plans: Plans, bands: FloatArray) -> tuple[IntArray, FloatArray]:
    """The same without compiled kernels, to a millimetre."""
    counts = np.diff(plans.point_from)
    owner = np.repeat(np.arange(len(plans)), counts)
    first = np.flatnonzero(owner[:-1] == owner[1:])  # the point at which each leg begins
    if not len(first):
        return np.zeros(len(plans) + 1, dtype=np.int64), np.empty((0, 6))
    last = first + 1
    unknown = np.isnan(plans.alt_m[first]) | np.isnan(plans.alt_m[last])
    band = bands[owner[first]]
    lower0, upper0 = (np.where(unknown, band[:, k], plans.alt_m[first]) for k in (0, 1))
    lower1, upper1 = (np.where(unknown, band[:, k], plans.alt_m[last]) for k in (0, 1))
    places = points_in_space(plans.lat_deg, plans.lon_deg)
    parts = parts_of(np.linalg.norm(places[last] - places[first], axis=1))
    ends = plans.lat_deg[first], plans.lon_deg[first], plans.lat_deg[last], plans.lon_deg[last]
    # A leg's start is a node of its own where the leg before does not end there: at the first point, and where the
    # heights jump.
    starts = np.ones(len(first), dtype=bool)
    starts[1:] = (owner[first[1:]] != owner[first[:-1]]) | (lower0[1:] != lower1[:-1]) | (upper0[1:] != upper1[:-1])
    count = starts + parts
    leg = np.repeat(np.arange(len(first)), count)
    within = np.arange(len(leg)) - np.repeat(np.cumsum(count) - count, count)
    part = within + ~starts[leg]
    share = part / parts[leg]
    nodes = np.empty((len(leg), 6))
    nodes[:, 0] = plans.t_s[first[leg]] + share * (plans.t_s[last[leg]] - plans.t_s[first[leg]])
    nodes[:, 1:4] = places[np.where(share >= 0.5, last[leg], first[leg])]
    between = np.flatnonzero((part > 0) & (part < parts[leg]))
    inner = leg[between]
    nodes[between, 1:4] = points_in_space(
        *along(ends[0][inner], ends[1][inner], ends[2][inner], ends[3][inner], share[between])
    )
    nodes[:, 4] = lower0[leg] + share * (lower1[leg] - lower0[leg])
    nodes[:, 5] = upper0[leg] + share * (upper1[leg] - upper0[leg])
    at_end = part == parts[leg]
    for column, values in ((0, plans.t_s[last]), (4, lower1), (5, upper1)):
        nodes[at_end, column] = values[leg[at_end]]
    per_plan = np.bincount(owner[first], weights=count, minlength=len(plans)).astype(np.int64)
    return np.concatenate((np.zeros(1, dtype=np.int64), np.cumsum(per_plan))), nodes


def parts_of(chord_m: FloatArray) -> IntArray:
    """Into how many parts geodesics with these chords, shape (n,), are cut so that none is longer than
    `LONGEST_CHORD_M`: `kc_parts` of `kernels/surface.h`, which says why a chord is enough to know."""
    least = 2.0 * _LEAST_RADIUS_M
    length = np.where(chord_m < 12e6, least * np.arcsin(np.minimum(chord_m / least, 1.0)), _HALF_ROUND_M)
    parts = np.ceil(length / LONGEST_CHORD_M)
    return np.where(parts > 1.0, parts, 1.0).astype(np.int64)

"""Boundary watch: how near a group came to a line, whether it is near now, whether it crossed.

A boundary is one party's version of a line; another party's is another boundary, watched by another call. Between two
reports an asset is held to move evenly along the geodesic; nothing is said of time outside the reports.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import numpy as np

from keepclear.geometry import surface
from keepclear.geometry.earth import FloatArray, LocalPlane, distance_m, distances_m, plane_about
from keepclear.geometry.pack import Legs, lengths_m, line_points, moment, seconds
from keepclear.geometry.shapes import locate_on_polyline, nearest_approach, points_at_chainages
from keepclear.model.boundaries import Boundary
from keepclear.model.places import LatLon
from keepclear.watch.company import near_balls
from keepclear.watch.history import History, Report, acts_of
from keepclear.watch.path import Path, path_balls

Line = tuple[FloatArray, FloatArray]

_ALIKE_M = 1e-3  # of places whose distances differ by less, any may be called the nearest
MOST_LEGS = 400
"""Of one path: how many legs that may meet the line are gone through one by one in a look."""
_PLANE_REACH_M = 50_000.0
_AT_ONCE = 500


@dataclass(frozen=True, slots=True, kw_only=True)
class BoundaryWatch:
    """What reports up to a moment show of a group and one version of a boundary.

    `nearest_m` is the least distance on even paths, of `nearest_asset`; with the uncertainty of the reports, of the
    time between them and of the boundary itself no asset was nearer than `nearest_low_m`.

    `approaching` speaks of the last report of each asset: one of them may be, with its uncertainty, within the
    boundary's `approach_m`; `approaching_since` is the first of the reports in a row of which that is true.

    `reach_s` is arithmetic on the last two reports of the asset now nearest, not a prediction: its distance divided by
    the speed at which that shrank. It is missing if it did not shrink by more than the uncertainties of the two.

    `crossed_at` is when an even path first crosses; `crossed_certain` if the asset was first on one side and then on
    the other by more than the uncertainties (the first such crossing, where there is one). The fields are None where
    there is no report.
    """

    boundary: str
    nearest_m: float | None
    nearest_low_m: float | None
    nearest_at: datetime | None
    nearest_asset: str | None
    approaching: bool
    approaching_since: datetime | None
    reach_s: float | None
    crossed_at: datetime | None
    crossed_certain: bool
    crossed_asset: str | None
    synthetic: bool
    acts: tuple[str, ...]


def watch_boundary(
    histories: Iterable[History],
    boundary: Boundary,
    until: datetime,
    *,
    max_gap_s: float = 10_800.0,
    since: datetime | None = None,
) -> BoundaryWatch:
    """What the reports of a group's members up to `until` show of their distance from one version of a boundary.

    Where several authors report a member, each history is a path of its own: what one shows another does not undo.

    Reports further apart than `max_gap_s` are not joined: a crossing in such a gap is not seen, only where the reports
    before and after it were. With `since`, only the reports needed for the time from then on are looked at.
    """
    line = _drawn(boundary.vertices)
    paths = [path for history in histories if (path := Path.of(history, max_gap_s, since, until)).reports]
    if not paths:
        return _nothing(boundary)
    found = [_on_path(path, away, line, boundary) for path, away in zip(paths, _from_line(paths, line), strict=True)]
    nearest = min(found, key=lambda one: (one.nearest_m, one.path.asset))
    near_now = min(found, key=lambda one: (float(one.apart_m[-1]), one.path.asset))
    approaches = [began for one in found if (began := _approaching_since(one, boundary, max_gap_s)) is not None]
    crossed = min((c for one in found for c in one.crossings), key=lambda c: (not c.certain, c.at_s), default=None)
    used = [
        *nearest.path.ends(nearest.nearest_leg),
        *(crossed.reports if crossed else ()),
        *near_now.path.reports[-2:],
    ]
    return BoundaryWatch(
        boundary=boundary.id,
        nearest_m=nearest.nearest_m,
        nearest_low_m=min(one.low_m for one in found),
        nearest_at=moment(nearest.nearest_s),
        nearest_asset=nearest.path.asset,
        approaching=bool(approaches),
        approaching_since=min(approaches, default=None),
        reach_s=_reach_s(near_now, max_gap_s),
        crossed_at=moment(crossed.at_s) if crossed else None,
        crossed_certain=crossed is not None and crossed.certain,
        crossed_asset=crossed.asset if crossed else None,
        synthetic=any(report.synthetic for report in used),
        acts=acts_of(used),
    )


def is_out_of_reach(
    histories: Iterable[History], boundary: Boundary, until: datetime, *, since: datetime | None = None
) -> bool:
    """The quick look before `watch_boundary`: if true, that would find nobody approaching and nobody crossing.

    It looks at the same reports. False says nothing.
    """
    runs = [reports for history in histories if (reports := history.since(since, until))]
    if not runs:
        return True
    fixes = [report.fix for reports in runs for report in reports]
    farthest = boundary.approach_m + boundary.uncertainty_m + max(fix.uncertainty_m for fix in fixes)
    if not _at_hand(path_balls(runs), boundary.vertices, farthest + _ALIKE_M):
        return True
    line = _drawn(boundary.vertices)
    lat, lon = np.array([fix.lat_deg for fix in fixes]), np.array([fix.lon_deg for fix in fixes])
    places, which = np.unique(np.column_stack((lat, lon)), axis=0, return_inverse=True)
    away = _from_line_m(places[:, 0], places[:, 1], line)[which.reshape(-1)]
    within = boundary.approach_m + boundary.uncertainty_m + np.array([fix.uncertainty_m for fix in fixes])
    if (away <= within).any():
        return False
    step = lengths_m(lat[:-1], lon[:-1], lat[1:], lon[1:])
    same = np.ones(len(step), dtype=bool)
    same[np.cumsum([len(reports) for reports in runs])[:-1] - 1] = (
        False  # from one asset's last report to another's first
    )
    least = (away[:-1] + away[1:] - step) / 2
    return not bool((least[same] <= _ALIKE_M).any())


def _at_hand(balls: FloatArray, vertices: tuple[LatLon, ...], within_m: float) -> bool:
    """Whether any ball comes within a distance of one of those that hold the line: the quickest look."""
    line = _balls_along(vertices)
    teams = np.zeros(len(balls), dtype=np.int64), np.ones(len(line), dtype=np.int64)
    return bool(len(near_balls(balls, teams[0], line, teams[1], within_m)))


@lru_cache(maxsize=64)
def _balls_along(vertices: tuple[LatLon, ...]) -> FloatArray:
    """A ball about each leg of a line, with room for the bow of the longest over its chord (2 m)."""
    nodes = surface.places(*_drawn(vertices))
    radius = np.sqrt((np.diff(nodes, axis=0) ** 2).sum(axis=1)) / 2 + 5.0
    return np.column_stack(((nodes[:-1] + nodes[1:]) / 2, radius))


@lru_cache(maxsize=64)
def _drawn(vertices: tuple[LatLon, ...]) -> Line:
    return line_points(vertices)


@dataclass(frozen=True, slots=True)
class _Crossing:
    asset: str
    at_s: float
    certain: bool
    reports: tuple[Report, Report]


@dataclass(frozen=True, slots=True)
class _OnPath:
    """One asset and the line: `apart_m[k]` is the distance of report k."""

    path: Path
    apart_m: FloatArray
    nearest_m: float
    nearest_s: float
    nearest_leg: int
    low_m: float
    crossings: list[_Crossing]


@dataclass(frozen=True, slots=True)
class _Away:
    """Metres from the line of a path's reports, and of the beginning and the end of each of its legs."""

    reports: FloatArray
    begin: FloatArray
    end: FloatArray


def _from_line(paths: list[Path], line: Line) -> list[_Away]:
    """The distances of several paths from the line, taken together: each place once, however often it was reported."""
    parts = [
        np.column_stack((lat_deg, lon_deg))
        for path in paths
        for lat_deg, lon_deg in (
            ([r.fix.lat_deg for r in path.reports], [r.fix.lon_deg for r in path.reports]),
            (path.legs.lat0_deg, path.legs.lon0_deg),
            (path.legs.lat1_deg, path.legs.lon1_deg),
        )
    ]
    places, which = np.unique(np.concatenate(parts), axis=0, return_inverse=True)
    away = _from_line_m(places[:, 0], places[:, 1], line)[which.reshape(-1)]
    pieces = np.split(away, np.cumsum([len(part) for part in parts])[:-1])
    return [_Away(*pieces[k : k + 3]) for k in range(0, len(pieces), 3)]


def _on_path(path: Path, away: _Away, line: Line, boundary: Boundary) -> _OnPath:
    """The least distance of a path from the line, the least it can have been, and where it crosses.

    A leg of length L whose ends are p and q from the line comes no nearer than (p + q - L) / 2; legs that by this can
    neither come nearer than what was found, nor be lower with their uncertainty, nor cross, are passed over. After
    `MOST_LEGS` only the ends of the others, and that bound, are looked at: no vehicle goes to and fro so often.
    """
    legs, apart = path.legs, away.reports
    least = (away.begin + away.end - legs.lengths_m()) / 2
    doubt = path.uncertainties_m() + boundary.uncertainty_m
    nearest, nearest_s, nearest_leg, low = np.inf, 0.0, 0, np.inf
    crossed: list[tuple[float, int]] = []
    crossings: list[float] = []
    looked_at = 0
    for i in np.argsort(least, kind="stable").tolist():
        nearer, lower = least[i] < nearest - _ALIKE_M, max(0.0, least[i] - doubt[i]) < low - _ALIKE_M
        if not (nearer or lower or least[i] < _ALIKE_M):
            continue
        looked_at += 1
        if looked_at > MOST_LEGS:
            at_end = bool(away.end[i] < away.begin[i])
            distance, share, crossings = float(min(away.begin[i], away.end[i])), float(at_end), []
            low = min(low, max(0.0, float(least[i] - doubt[i])))
        else:
            distance, share, crossings = _leg_and_line(legs, i, line)
        if distance < nearest:
            nearest, nearest_s, nearest_leg = distance, _at(legs, i, share), i
        low = min(low, max(0.0, distance - float(doubt[i])))
        crossed += [(_at(legs, i, crossing), i) for crossing in crossings]
    crossed.sort()
    return _OnPath(path, apart, nearest, nearest_s, nearest_leg, low, _crossings(path, apart, crossed, boundary))


def _from_line_m(lat_deg: FloatArray, lon_deg: FloatArray, line: Line) -> FloatArray:
    """Metres from each of n points to the line, shape (n,).

    The nearest place is found on a plane about points that lie together; the distance to it is along the ellipsoid.
    """
    distance = np.full(len(lat_deg), np.nan)
    while (left := np.flatnonzero(np.isnan(distance))).size:
        first = int(left[0])
        left = left[:_AT_ONCE]
        together = distances_m(float(lat_deg[first]), float(lon_deg[first]), lat_deg[left], lon_deg[left])
        chosen = left[together <= _PLANE_REACH_M]
        plane = LocalPlane(float(lat_deg[first]), float(lon_deg[first]))
        drawn = plane.to_xy(*line)
        chainage = locate_on_polyline(plane.to_xy(lat_deg[chosen], lon_deg[chosen]), drawn).chainage_m
        foot_lat, foot_lon = plane.to_latlon(points_at_chainages(drawn, chainage))
        distance[chosen] = lengths_m(lat_deg[chosen], lon_deg[chosen], foot_lat, foot_lon)
    return distance


def _leg_and_line(legs: Legs, i: int, line: Line) -> tuple[float, float, list[float]]:
    """The distance of leg i from the line, the share of the leg at which it is least, and where on it it crosses."""
    lat, lon = np.array([legs.lat0_deg[i], legs.lat1_deg[i]]), np.array([legs.lon0_deg[i], legs.lon1_deg[i]])
    plane = plane_about(lat, lon)
    ends, drawn = plane.to_xy(lat, lon), plane.to_xy(*line)
    found = nearest_approach(ends, drawn)
    length = float(np.hypot(*(ends[1] - ends[0])))
    share = float(np.hypot(*(np.array(found.on_first) - ends[0]))) / length if length > 0.0 else 0.0
    distance = found.distance_m
    if distance > 0.0:
        lats, lons = plane.to_latlon([found.on_first, found.on_second])
        distance = distance_m(float(lats[0]), float(lons[0]), float(lats[1]), float(lons[1]))
    return distance, share, _shares_crossed(ends[0], ends[1] - ends[0], drawn)


def _shares_crossed(origin: FloatArray, step: FloatArray, drawn: FloatArray) -> list[float]:
    """The shares of a leg at which it goes from one side of a line to the other.

    A point on the line counts as on its right, so that of two legs that meet on the line just one crosses, or both
    (there and back), or none; and a vertex of the line counts to one of its segments only.
    """
    a, span = drawn[:-1], np.diff(drawn, axis=0)
    from_a = origin - a
    side0 = span[:, 0] * from_a[:, 1] - span[:, 1] * from_a[:, 0]
    turn = span[:, 0] * step[1] - span[:, 1] * step[0]
    ahead = step[0] * (drawn[:, 1] - origin[1]) - step[1] * (drawn[:, 0] - origin[0]) > 0.0
    crosses = ((side0 > 0.0) != (side0 + turn > 0.0)) & (ahead[:-1] != ahead[1:])
    return sorted((-side0[crosses] / turn[crosses]).tolist())


def _crossings(
    path: Path, apart_m: FloatArray, crossed: list[tuple[float, int]], boundary: Boundary
) -> list[_Crossing]:
    """The crossings of a path, and which of them are certain.

    A report is clear if it lies off the line by more than the uncertainties. A crossing is certain if between the last
    clear report before it and the first after it the path crosses an odd number of times, with no gap between.
    """
    times = [seconds(report.fix.at) for report in path.reports]
    clear = [
        k
        for k, (report, distance) in enumerate(zip(path.reports, apart_m.tolist(), strict=True))
        if distance > report.fix.uncertainty_m + boundary.uncertainty_m
    ]
    joined = {int(path.legs.source[i]) for i in np.flatnonzero(path.legs.t1_s > path.legs.t0_s).tolist()}
    breaks = [0, *(k for k in range(1, len(times)) if k - 1 not in joined), len(times)]
    moments = [at_s for at_s, _ in crossed]
    found: list[_Crossing] = []
    for at_s, leg in crossed:
        source = int(path.legs.source[leg])
        chain = bisect_right(breaks, source)
        after = bisect_right(clear, source)
        certain = (
            0 < after < len(clear)
            and clear[after - 1] >= breaks[chain - 1]
            and clear[after] < breaks[chain]
            and (bisect_left(moments, times[clear[after]]) - bisect_left(moments, times[clear[after - 1]])) % 2 == 1
        )
        found.append(_Crossing(path.asset, at_s, certain, path.ends(leg)))
    return found


def _at(legs: Legs, i: int, share: float) -> float:
    return float(legs.t0_s[i]) + share * float(legs.t1_s[i] - legs.t0_s[i])


def _approaching_since(found: _OnPath, boundary: Boundary, max_gap_s: float) -> datetime | None:
    """The first of the last reports in a row that may be within `approach_m`; None if the last one is not."""
    since: datetime | None = None
    for report, distance in zip(reversed(found.path.reports), reversed(found.apart_m.tolist()), strict=True):
        if distance - report.fix.uncertainty_m - boundary.uncertainty_m > boundary.approach_m:
            break
        if since is not None and (since - report.fix.at).total_seconds() > max_gap_s:
            break
        since = report.fix.at
    return since


def _reach_s(found: _OnPath, max_gap_s: float) -> float | None:
    if len(found.path.reports) < 2:
        return None
    before, last = found.path.reports[-2:]
    elapsed = (last.fix.at - before.fix.at).total_seconds()
    shrunk = float(found.apart_m[-2] - found.apart_m[-1])
    if elapsed > max_gap_s or shrunk <= before.fix.uncertainty_m + last.fix.uncertainty_m:
        return None
    return float(found.apart_m[-1]) * elapsed / shrunk


def _nothing(boundary: Boundary) -> BoundaryWatch:
    return BoundaryWatch(
        boundary=boundary.id,
        nearest_m=None,
        nearest_low_m=None,
        nearest_at=None,
        nearest_asset=None,
        approaching=False,
        approaching_since=None,
        reach_s=None,
        crossed_at=None,
        crossed_certain=False,
        crossed_asset=None,
        synthetic=False,
        acts=(),
    )

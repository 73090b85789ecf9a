"""Where two plans come nearer than their separation: a list of breaches, each with its time, place and margin.

Continuous time, closed form, no sampling. A plan's movers go evenly along the geodesic from way-point to way-point, and
may be anywhere their `early_s` and `late_s` allow; their buffers are added to the minimum. A breach is where both the
distance on the ground and the gap in height are less than required **by more than `DEPTH_M`**: two plans exactly one
minimum apart are not in conflict, whatever the rounding. Distances are right to a centimetre up to 10 km of required
distance, and to a millionth of it above; see docs/conflict.md.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from keepclear.conflict.near import Leg, Near, Slack, near
from keepclear.conflict.reasons import DEPTH_M, Reason
from keepclear.conflict.separation import Minimum
from keepclear.geometry.columns import IntArray
from keepclear.geometry.earth import FloatArray, LocalPlane, distance_m, plane_about, points_in_space, stretch
from keepclear.geometry.pack import Legs, lengths_m, moment, pairs_in_time, seconds, trajectory_legs
from keepclear.geometry.passage import Outline, meeting, passages, within
from keepclear.model.plans import Plan, Trajectory
from keepclear.model.volumes import Volume

__all__ = ["DEPTH_M", "MOST_PAIRS", "Breach", "Reason", "conflicts"]

MOST_PAIRS = 3_000
"""Pairs of legs gone through one by one. Of two ways with more, long and vague in time, only a bound is worked out."""
_JOIN_S = 1e-5  # breaches of the same ways nearer in time than this are one


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """Two plans are too near from `starts_at` to `ends_at`.

    `horizontal_m` is the least distance on the ground while the gap in height is too small, `vertical_m` that gap then
    (0 where the bands overlap). `margin_m` is how far from enough that is: the larger of the two after taking off what
    is required, never positive. (`lat_deg`, `lon_deg`) is halfway between two movers, the mover's place where it is
    near a volume, or a place in both volumes. `synthetic` if either plan was made up.
    """

    starts_at: datetime
    ends_at: datetime
    nearest_at: datetime
    horizontal_m: float
    vertical_m: float
    margin_m: float
    lat_deg: float
    lon_deg: float
    reason: Reason
    synthetic: bool


def conflicts(a: Plan, b: Plan, minimum: Minimum | None) -> tuple[Breach, ...]:
    """The breaches of `minimum` between two plans, in order of time; none if it is None.

    Breaches of one kind that follow upon one another without a break are one. Of two ways of which more than
    `MOST_PAIRS` pairs of legs may be too near (long, and vague in time) one breach is told that holds all there may be;
    its `horizontal_m` is then a bound from below. Raises `Malformed` for areas that go
    round the whole earth.
    """
    if minimum is None:
        return ()
    found: list[_Found] = []
    if a.trajectory is not None and b.trajectory is not None:
        found += _joined(_ways(a, a.trajectory, b, b.trajectory, minimum))
    through = [
        stay
        for plan, other in ((a, b), (b, a))
        if plan.trajectory is not None
        for volume in other.volumes
        for stay in _way_through(plan, plan.trajectory, volume, minimum)
    ]
    found += _joined(through)
    meet = [one for own in a.volumes for other in b.volumes for one in _volumes(own, other, minimum)]
    found += _joined(meet)
    synthetic = not (a.basis.is_fact and b.basis.is_fact)
    return tuple(_breach(one, synthetic) for one in sorted(found, key=lambda one: (one.t0_s, one.t1_s, one.reason)))


@dataclass(frozen=True, slots=True)
class _Found:
    t0_s: float
    t1_s: float
    nearest_s: float
    horizontal_m: float
    vertical_m: float
    margin_m: float
    lat_deg: float
    lon_deg: float
    reason: Reason


# ── two movers ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _ways(a: Plan, way: Trajectory, b: Plan, other_way: Trajectory, minimum: Minimum) -> list[_Found]:
    horizontal = minimum.horizontal_m + way.buffer_m + other_way.buffer_m
    vertical = minimum.vertical_m + way.vertical_buffer_m + other_way.vertical_buffer_m
    if horizontal <= DEPTH_M:
        return []
    slack, other_slack = Slack(way.early_s, way.late_s), Slack(other_way.early_s, other_way.late_s)
    legs, other_legs = trajectory_legs(way, a.band), trajectory_legs(other_way, b.band)
    pairs = _candidates(legs, other_legs, slack, other_slack, horizontal, vertical)
    if len(pairs[0]) > MOST_PAIRS:
        return [_at_most(legs, other_legs, slack, other_slack, pairs, horizontal)]
    found: list[_Found] = []
    for i, j in zip(pairs[0].tolist(), pairs[1].tolist(), strict=True):
        pair = _Pair(legs, i, other_legs, j, slack, other_slack)
        if (met := pair.near(horizontal, vertical)) is not None:
            found.append(_at_nearest(pair, met, horizontal, vertical))
    return found


def _candidates(
    legs: Legs, other_legs: Legs, slack: Slack, other_slack: Slack, horizontal_m: float, vertical_m: float
) -> tuple[IntArray, IntArray]:
    """The pairs of legs that may be too near: at one time, with heights and middles near enough for their lengths.

    Middles are first held to the straight line through the earth, which is never longer than the way along it.
    """
    i, j = pairs_in_time(legs, other_legs, slack.early + other_slack.late, slack.late + other_slack.early)
    lowest, highest = np.minimum(legs.lower0_m, legs.lower1_m), np.maximum(legs.upper0_m, legs.upper1_m)
    other_lowest = np.minimum(other_legs.lower0_m, other_legs.lower1_m)
    other_highest = np.maximum(other_legs.upper0_m, other_legs.upper1_m)
    # A leg of less than a microsecond has no speed; its ends belong to its neighbours too.
    lasting = (legs.t1_s > legs.t0_s)[i] & (other_legs.t1_s > other_legs.t0_s)[j]
    level = lasting & (lowest[i] - other_highest[j] < vertical_m) & (other_lowest[j] - highest[i] < vertical_m)
    i, j = i[level], j[level]
    middles, other_middles = _middles(legs), _middles(other_legs)
    half, other_half = legs.lengths_m() / 2, other_legs.lengths_m() / 2
    through = points_in_space(*middles)[i] - points_in_space(*other_middles)[j]
    close = np.sqrt((through * through).sum(axis=1)) - half[i] - other_half[j] < horizontal_m + 1.0
    i, j = i[close], j[close]
    close = _middles_apart(middles, i, other_middles, j) - half[i] - other_half[j] < horizontal_m
    return i[close], j[close]


def _middles_apart(one: _Points, i: IntArray, other: _Points, j: IntArray) -> FloatArray:
    return lengths_m(one[0][i], one[1][i], other[0][j], other[1][j])


def _at_most(
    legs: Legs,
    other_legs: Legs,
    slack: Slack,
    other_slack: Slack,
    pairs: tuple[IntArray, IntArray],
    horizontal_m: float,
) -> _Found:
    """One breach for all pairs of legs that may be too near: not less than there is, and how near only as a bound."""
    i, j = pairs
    middles, other_middles = _middles(legs), _middles(other_legs)
    apart = _middles_apart(middles, i, other_middles, j) - (legs.lengths_m()[i] + other_legs.lengths_m()[j]) / 2
    nearest = int(apart.argmin())
    at, other_at = int(i[nearest]), int(j[nearest])
    plane = plane_about([middles[0][at], other_middles[0][other_at]], [middles[1][at], other_middles[1][other_at]])
    begins = np.maximum(legs.t0_s[i] - slack.early, other_legs.t0_s[j] - other_slack.early)
    ends = np.minimum(legs.t1_s[i] + slack.late, other_legs.t1_s[j] + other_slack.late)
    least = max(0.0, float(apart[nearest]))
    return _Found(
        t0_s=float(begins.min()),
        t1_s=float(ends.max()),
        nearest_s=float(begins[nearest]),
        horizontal_m=least,
        vertical_m=0.0,
        margin_m=min(0.0, least - horizontal_m),
        lat_deg=plane.lat0_deg,
        lon_deg=plane.lon0_deg,
        reason=Reason.WAYS_NEAR,
    )


_Points = tuple[FloatArray, FloatArray]
"""Latitudes and longitudes."""


def _middles(legs: Legs) -> _Points:
    return legs.at(np.arange(len(legs)), (legs.t0_s + legs.t1_s) / 2)


@dataclass(frozen=True, slots=True)
class _Pair:
    """One leg of each of two ways. Times are seconds from the start of the first leg, to keep them small."""

    legs: Legs
    i: int
    other_legs: Legs
    j: int
    slack: Slack
    other_slack: Slack

    def near(self, horizontal_m: float, vertical_m: float) -> Near | None:
        """When the two are nearer than required by more than `DEPTH_M`.

        Once on a plane about the four ends, with the distance stretched as far as that plane can stretch it, so that
        none is missed; then on a plane about the nearest two places, where their distance is true.
        """
        lat, lon = self._ends()
        plane = plane_about(lat, lon)
        reach = float(np.hypot(*plane.to_xy(lat, lon).T).max())
        horizontal, vertical = horizontal_m - DEPTH_M, vertical_m - DEPTH_M
        rough = self._near(plane, horizontal * stretch(reach), vertical)
        if rough is None:
            return None
        lats, lons = self.places(rough)
        return self._near(plane_about(lats, lons), horizontal, vertical)

    def places(self, at: Near) -> tuple[FloatArray, FloatArray]:
        """Latitudes and longitudes of the two where they are nearest."""
        lat, lon = self.legs.at(self.i, at.u + self._start())
        other_lat, other_lon = self.other_legs.at(self.j, at.v + self._start())
        return np.append(lat, other_lat), np.append(lon, other_lon)

    def on(self, plane: LocalPlane) -> tuple[Leg, Leg]:
        """The two legs on a plane."""
        lat, lon = self._ends()
        ends = [(float(x), float(y)) for x, y in plane.to_xy(lat, lon)]
        return _leg(self.legs, self.i, ends[0], ends[1], self._start()), _leg(
            self.other_legs, self.j, ends[2], ends[3], self._start()
        )

    def _near(self, plane: LocalPlane, horizontal_m: float, vertical_m: float) -> Near | None:
        return near(*self.on(plane), self.slack, self.other_slack, horizontal_m, vertical_m)

    def _start(self) -> float:
        return float(self.legs.t0_s[self.i])

    def _ends(self) -> tuple[FloatArray, FloatArray]:
        legs, i, other, j = self.legs, self.i, self.other_legs, self.j
        return (
            np.array([legs.lat0_deg[i], legs.lat1_deg[i], other.lat0_deg[j], other.lat1_deg[j]]),
            np.array([legs.lon0_deg[i], legs.lon1_deg[i], other.lon0_deg[j], other.lon1_deg[j]]),
        )


def _leg(legs: Legs, i: int, start: tuple[float, float], end: tuple[float, float], zero_s: float) -> Leg:
    return Leg(
        t0=float(legs.t0_s[i]) - zero_s,
        t1=float(legs.t1_s[i]) - zero_s,
        start=start,
        end=end,
        lower0=float(legs.lower0_m[i]),
        lower1=float(legs.lower1_m[i]),
        upper0=float(legs.upper0_m[i]),
        upper1=float(legs.upper1_m[i]),
    )


def _at_nearest(pair: _Pair, met: Near, horizontal_m: float, vertical_m: float) -> _Found:
    lats, lons = pair.places(met)
    plane = plane_about(lats, lons)
    one, other = pair.on(plane)
    lower, upper = one.heights(met.u)
    other_lower, other_upper = other.heights(met.v)
    apart = distance_m(float(lats[0]), float(lons[0]), float(lats[1]), float(lons[1]))
    gap = max(0.0, lower - other_upper, other_lower - upper)
    zero = float(pair.legs.t0_s[pair.i])
    return _Found(
        t0_s=met.t0 + zero,
        t1_s=met.t1 + zero,
        # The true times at which plans may have them at u and at v; the middle of the two if that is one of them.
        nearest_s=min(max((met.u + met.v) / 2, met.t0), met.t1) + zero,
        horizontal_m=apart,
        vertical_m=gap,
        margin_m=min(0.0, max(apart - horizontal_m, gap - vertical_m)),
        lat_deg=plane.lat0_deg,
        lon_deg=plane.lon0_deg,
        reason=Reason.WAYS_NEAR,
    )


# ── a mover and a volume ─────────────────────────────────────────────────────────────────────────────────────────────


def _way_through(plan: Plan, way: Trajectory, volume: Volume, minimum: Minimum) -> list[_Found]:
    horizontal = minimum.horizontal_m + way.buffer_m
    vertical = minimum.vertical_m + way.vertical_buffer_m
    legs = trajectory_legs(way, plan.band)
    outline = Outline.of(volume.area)
    stays = passages(
        legs,
        outline,
        volume.band,
        volume.window,
        reach_m=horizontal - DEPTH_M,
        vertical_m=vertical - DEPTH_M,
        early_s=way.early_s,
        late_s=way.late_s,
    )
    found: list[_Found] = []
    for stay in stays:
        lat, lon = legs.at([stay.leg, stay.leg], [stay.planned0_s, stay.planned1_s])
        start, end = outline.plane.to_xy(lat, lon)
        apart, share = outline.nearest(start, end)
        planned = stay.planned0_s + share * (stay.planned1_s - stay.planned0_s)
        lower, upper = _heights(legs, stay.leg, planned)
        gap = max(0.0, lower - volume.band.upper_wgs84_m, volume.band.lower_wgs84_m - upper)
        here_lat, here_lon = legs.at([stay.leg], [planned])
        found.append(
            _Found(
                t0_s=stay.t0_s,
                t1_s=stay.t1_s,
                nearest_s=min(max(planned, stay.t0_s), stay.t1_s),
                horizontal_m=apart,
                vertical_m=gap,
                margin_m=min(0.0, max(apart - horizontal, gap - vertical)),
                lat_deg=float(here_lat[0]),
                lon_deg=float(here_lon[0]),
                reason=Reason.WAY_THROUGH_VOLUME,
            )
        )
    return found


def _heights(legs: Legs, i: int, at_s: float) -> tuple[float, float]:
    share = (at_s - float(legs.t0_s[i])) / float(legs.t1_s[i] - legs.t0_s[i])
    return (
        float(legs.lower0_m[i] + (legs.lower1_m[i] - legs.lower0_m[i]) * share),
        float(legs.upper0_m[i] + (legs.upper1_m[i] - legs.upper0_m[i]) * share),
    )


# ── two volumes ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _volumes(one: Volume, other: Volume, minimum: Minimum) -> list[_Found]:
    begin = max(seconds(one.window.starts_at), seconds(other.window.starts_at))
    end = min(seconds(one.window.ends_at), seconds(other.window.ends_at))
    above = one.band.lower_wgs84_m - other.band.upper_wgs84_m
    below = other.band.lower_wgs84_m - one.band.upper_wgs84_m
    if begin >= end or max(above, below) > minimum.vertical_m - DEPTH_M:
        return []
    if not within(one.area, other.area, minimum.horizontal_m - DEPTH_M):
        return []
    apart, lat, lon = meeting(one.area, other.area)
    gap = max(0.0, above, below)
    return [
        _Found(
            t0_s=begin,
            t1_s=end,
            nearest_s=begin,
            horizontal_m=apart,
            vertical_m=gap,
            margin_m=min(0.0, max(apart - minimum.horizontal_m, gap - minimum.vertical_m)),
            lat_deg=lat,
            lon_deg=lon,
            reason=Reason.VOLUMES_MEET,
        )
    ]


# ── in order of time ─────────────────────────────────────────────────────────────────────────────────────────────────


def _joined(found: list[_Found]) -> list[_Found]:
    """Those that follow upon one another made one, with the nearest place of all; what takes no time is dropped."""
    whole: list[_Found] = []
    for one in sorted(found, key=lambda one: (one.t0_s, one.t1_s)):
        if whole and one.t0_s <= whole[-1].t1_s + _JOIN_S:
            last = whole.pop()
            nearest = min(last, one, key=lambda each: (each.horizontal_m, each.vertical_m, each.nearest_s))
            one = replace(nearest, t0_s=last.t0_s, t1_s=max(last.t1_s, one.t1_s))
        whole.append(one)
    return [one for one in whole if one.t1_s - one.t0_s > _JOIN_S]


def _breach(found: _Found, synthetic: bool) -> Breach:
    return Breach(
        starts_at=moment(found.t0_s),
        ends_at=moment(found.t1_s),
        nearest_at=moment(found.nearest_s),
        horizontal_m=found.horizontal_m,
        vertical_m=found.vertical_m,
        margin_m=found.margin_m,
        lat_deg=found.lat_deg,
        lon_deg=found.lon_deg,
        reason=found.reason,
        synthetic=synthetic,
    )

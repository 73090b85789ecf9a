"""Encounters: two groups come near one another while at least one of them moves. When, how near, how long.

Between two reports an asset is held to move evenly along the geodesic; the least distance and the moments at which it
passes `near_m` follow in closed form. Distances are along the ground: heights play no part.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from keepclear.geometry.columns import IntArray
from keepclear.geometry.earth import FloatArray, Planes, points_in_space
from keepclear.geometry.pack import LONGEST_LEG_M, Legs, lengths_m, moment, pairs_in_time
from keepclear.geometry.shapes import TOUCH_M
from keepclear.watch.company import near_balls
from keepclear.watch.history import History, Report, acts_of
from keepclear.watch.path import Path, path_balls

_JOIN_S = 1e-5  # two stretches nearer in time than this are one


@dataclass(frozen=True, slots=True, kw_only=True)
class Encounter:
    """Two groups were nearer than the given distance from `starts_at` to `ends_at`.

    `open_start` and `open_end`: the reports begin, end or break off there, rather than the distance passing the limit;
    it may have begun earlier or lasted longer. `nearest_m` is the least distance on even paths, between `a_asset` and
    `b_asset`, halfway between which lies (`lat_deg`, `lon_deg`); with the uncertainty of the reports and of the time
    between them it lay between `nearest_low_m` and `nearest_high_m`. `a_assets` and `b_assets` are all that came near.
    `acts` are the reports around the nearest moment.
    """

    starts_at: datetime
    ends_at: datetime
    open_start: bool
    open_end: bool
    nearest_at: datetime
    nearest_m: float
    nearest_low_m: float
    nearest_high_m: float
    duration_s: float
    lat_deg: float
    lon_deg: float
    a_asset: str
    b_asset: str
    a_assets: tuple[str, ...]
    b_assets: tuple[str, ...]
    synthetic: bool
    acts: tuple[str, ...]


def encounters(
    a: Sequence[History],
    b: Sequence[History],
    near_m: float,
    max_gap_s: float,
    since: datetime | None = None,
) -> tuple[Encounter, ...]:
    """The encounters of the members of one group with those of another, in order of time.

    Reports further apart than `max_gap_s` are not joined. With `since`, only what goes on at or after it is looked for,
    from the reports around it on: give the start of an encounter that was still open, and it is found whole. Two groups
    that both stand still near one another do not meet: at least one must have moved by more than the uncertainties of
    its reports during the encounter. An asset does not meet itself.

    Where several authors report an asset, each history is a path of its own. An encounter is open at its end if it is
    so by the reports of any two authors: what one reports does not end what another shows.
    """
    ours, theirs = ([each for each in histories if len(each)] for histories in (a, b))
    pairs = [(i, j) for i, j in _at_hand(ours, theirs, near_m, since) if ours[i].asset != theirs[j].asset]
    one_at = {i: Path.of(ours[i], max_gap_s, since) for i in dict.fromkeys(i for i, _ in pairs)}
    other_at = {j: Path.of(theirs[j], max_gap_s, since) for j in dict.fromkeys(j for _, j in pairs)}
    stretches = [stretch for i, j in pairs for stretch in _stretches(one_at[i], other_at[j], near_m)]
    return tuple(_encounter(group) for group in _joined(stretches) if _any_moved(group))


@dataclass(frozen=True, slots=True)
class _Stretch:
    """Two assets nearer than the limit while each is on one leg."""

    one: Path
    other: Path
    leg: int
    other_leg: int
    t0_s: float
    t1_s: float
    open_start: bool
    open_end: bool
    nearest_s: float
    nearest_m: float
    low_m: float
    lat_deg: float
    lon_deg: float

    def reports(self) -> tuple[Report, ...]:
        return (*self.one.ends(self.leg), *self.other.ends(self.other_leg))


def _at_hand(
    ours: Sequence[History], theirs: Sequence[History], near_m: float, since: datetime | None
) -> list[tuple[int, int]]:
    """The pairs that may come near, as indices: the balls that hold their ways do."""
    balls, others = (path_balls([each.since(since) for each in histories]) for histories in (ours, theirs))
    teams = np.zeros(len(balls), dtype=np.int64), np.ones(len(others), dtype=np.int64)
    return [(i, j) for i, j in near_balls(balls, teams[0], others, teams[1], near_m).tolist()]


def _stretches(one: Path, other: Path, near_m: float) -> list[_Stretch]:
    """When two assets are nearer than `near_m`, one stretch for each pair of legs."""
    leg, other_leg = _overlaps(one.legs, other.legs)
    at_hand = _through_m(one.legs, leg, other.legs, other_leg) < near_m
    leg, other_leg = leg[at_hand], other_leg[at_hand]
    if not len(leg):
        return []
    t0 = np.maximum(one.legs.t0_s[leg], other.legs.t0_s[other_leg])
    t1 = np.minimum(one.legs.t1_s[leg], other.legs.t1_s[other_leg])
    begin = one.legs.at(leg, t0), other.legs.at(other_leg, t0)
    end = one.legs.at(leg, t1), other.legs.at(other_leg, t1)
    at0, at1, length, other_length = (
        lengths_m(*begin[0], *begin[1]),
        lengths_m(*end[0], *end[1]),
        lengths_m(*begin[0], *end[0]),
        lengths_m(*begin[1], *end[1]),
    )
    # However the two go, they cannot come nearer than this between the two moments (triangle inequality).
    least = (at0 + at1 - length - other_length) / 2
    close = least < near_m
    if not close.any():
        return []
    lat = np.vstack((begin[0][0], end[0][0], begin[1][0], end[1][0]))[:, close]
    lon = np.vstack((begin[0][1], end[0][1], begin[1][1], end[1][1]))[:, close]
    leg, other_leg = leg[close], other_leg[close]
    t0, t1, at0, at1 = t0[close], t1[close], at0[close], at1[close]
    planes = Planes.about(lat, lon)
    xy = planes.to_xy(lat, lon)
    apart, change = xy[2] - xy[0], (xy[3] - xy[1]) - (xy[2] - xy[0])
    first, last = _shares_within(apart, change, near_m)
    square = (change * change).sum(axis=1)
    share = np.clip(-(apart * change).sum(axis=1) / np.where(square > 0.0, square, 1.0), 0.0, 1.0)
    place = xy[0] + share[:, None] * (xy[1] - xy[0])
    other_place = xy[2] + share[:, None] * (xy[3] - xy[2])
    lats, lons = planes.to_latlon(np.stack((place, other_place, (place + other_place) / 2)))
    nearest = lengths_m(lats[0], lons[0], lats[1], lons[1])
    lasts = t1 - t0
    return [
        _Stretch(
            one=one,
            other=other,
            leg=int(leg[k]),
            other_leg=int(other_leg[k]),
            t0_s=float(t0[k] + first[k] * lasts[k]),
            t1_s=float(t0[k] + last[k] * lasts[k]) if last[k] < 1.0 else float(t1[k]),
            open_start=bool(first[k] == 0.0 and at0[k] < near_m - 1e-3),
            open_end=bool(last[k] == 1.0 and at1[k] < near_m - 1e-3),
            nearest_s=float(t0[k] + share[k] * lasts[k]),
            nearest_m=float(nearest[k]),
            low_m=max(0.0, float(nearest[k]) - one.uncertainty_m(int(leg[k])) - other.uncertainty_m(int(other_leg[k]))),
            lat_deg=float(lats[2, k]),
            lon_deg=float(lons[2, k]),
        )
        for k in np.flatnonzero(first <= last).tolist()
    ]


def _through_m(one: Legs, leg: IntArray, other: Legs, other_leg: IntArray) -> FloatArray:
    """A bound that pairs of legs are no nearer than: straight through the earth between their beginnings, less both."""
    begin, other_begin = points_in_space(one.lat0_deg, one.lon0_deg), points_in_space(other.lat0_deg, other.lon0_deg)
    through = begin[leg] - other_begin[other_leg]
    return np.asarray(np.sqrt((through * through).sum(axis=1)) - 2.0 * LONGEST_LEG_M - 1.0, dtype=np.float64)


def _shares_within(apart: FloatArray, change: FloatArray, near_m: float) -> tuple[FloatArray, FloatArray]:
    """From which to which share of its way each of n motions, each from `apart` by `change`, is within `near_m` of 0.

    Both of shape (n,); the first is greater than the last for one that never is.
    """
    length = np.hypot(change[:, 0], change[:, 1])
    goes = length > TOUCH_M
    safe = np.where(goes, length, 1.0)
    nearest = -(apart * change).sum(axis=1) / safe  # metres along the way
    miss = np.abs(apart[:, 0] * change[:, 1] - apart[:, 1] * change[:, 0]) / safe
    half_chord = np.sqrt(np.maximum((near_m - miss) * (near_m + miss), 0.0))
    begins, ends = nearest - half_chord, nearest + half_chord
    never = np.where(
        goes,
        (miss > near_m + TOUCH_M) | (ends < -TOUCH_M) | (begins > length + TOUCH_M),
        np.hypot(apart[:, 0], apart[:, 1]) > near_m + TOUCH_M,
    )
    first = np.where(goes, np.clip(begins / safe, 0.0, 1.0), 0.0)
    last = np.where(goes, np.clip(ends / safe, 0.0, 1.0), 1.0)
    return np.where(never, 1.0, first), np.where(never, 0.0, last)


def _overlaps(one: Legs, other: Legs) -> tuple[IntArray, IntArray]:
    """The pairs of legs that have time in common: more than a moment, unless one of them is itself but a moment."""
    leg, other_leg = pairs_in_time(one, other)
    shared = np.minimum(one.t1_s[leg], other.t1_s[other_leg]) > np.maximum(one.t0_s[leg], other.t0_s[other_leg])
    brief = (one.t0_s[leg] == one.t1_s[leg]) | (other.t0_s[other_leg] == other.t1_s[other_leg])
    return leg[shared | brief], other_leg[shared | brief]


def _joined(stretches: list[_Stretch]) -> list[list[_Stretch]]:
    """Stretches that follow upon one another without a break, whichever members they are of."""
    groups: list[list[_Stretch]] = []
    until = -np.inf
    for stretch in sorted(stretches, key=lambda s: (s.t0_s, s.t1_s, s.one.asset, s.other.asset)):
        if stretch.t0_s > until + _JOIN_S:
            groups.append([])
            until = stretch.t1_s
        groups[-1].append(stretch)
        until = max(until, stretch.t1_s)
    return groups


def _any_moved(group: list[_Stretch]) -> bool:
    """Whether any asset that takes part moved while the whole of it lasted."""
    begin, end = group[0].t0_s, max(stretch.t1_s for stretch in group)
    paths = {id(path): path for stretch in group for path in (stretch.one, stretch.other)}
    return any(path.moved(begin, end) for path in paths.values())


def _encounter(group: list[_Stretch]) -> Encounter:
    nearest = min(group, key=lambda s: (s.nearest_m, s.nearest_s, s.one.asset, s.other.asset))
    lasts: dict[tuple[str, str], _Stretch] = {}
    for stretch in group:
        held = lasts.setdefault((stretch.one.author, stretch.other.author), stretch)
        if stretch.t1_s > held.t1_s:
            lasts[stretch.one.author, stretch.other.author] = stretch
    high = (
        nearest.nearest_m
        + nearest.one.uncertainty_m(nearest.leg, nearest.nearest_s)
        + nearest.other.uncertainty_m(nearest.other_leg, nearest.nearest_s)
    )
    starts_at, ends_at = moment(group[0].t0_s), moment(max(stretch.t1_s for stretch in group))
    return Encounter(
        starts_at=starts_at,
        ends_at=ends_at,
        open_start=group[0].open_start,
        open_end=any(stretch.open_end for stretch in lasts.values()),
        nearest_at=moment(nearest.nearest_s),
        nearest_m=nearest.nearest_m,
        nearest_low_m=min(stretch.low_m for stretch in group),
        nearest_high_m=high,
        duration_s=(ends_at - starts_at).total_seconds(),
        lat_deg=nearest.lat_deg,
        lon_deg=nearest.lon_deg,
        a_asset=nearest.one.asset,
        b_asset=nearest.other.asset,
        a_assets=tuple(sorted({stretch.one.asset for stretch in group})),
        b_assets=tuple(sorted({stretch.other.asset for stretch in group})),
        synthetic=any(report.synthetic for stretch in group for report in stretch.reports()),
        acts=acts_of(nearest.reports()),
    )

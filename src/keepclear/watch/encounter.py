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
from keepclear.geometry.pack import moment
from keepclear.watch.company import near_balls
from keepclear.watch.history import History, Report, acts_of
from keepclear.watch.live_ground import latlon
from keepclear.watch.near_legs import (
    LEG,
    NEAREST,
    NEAREST_T,
    OPEN_END,
    OPEN_START,
    OTHER_LEG,
    PAIR,
    PLACE,
    T0,
    T1,
    near_legs,
)
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
    if not pairs:
        return ()
    mine, its = (np.unique([pair[k] for pair in pairs]) for k in (0, 1))
    ones = [Path.of(ours[i], max_gap_s, since) for i in mine.tolist()]
    others = [Path.of(theirs[j], max_gap_s, since) for j in its.tolist()]
    which = np.array(pairs, dtype=np.int64)
    which = np.column_stack((np.searchsorted(mine, which[:, 0]), np.searchsorted(its, which[:, 1])))
    stretches = _stretches(ones, others, which, near_m)
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


def _stretches(ours: list[Path], theirs: list[Path], pairs: IntArray, near_m: float) -> list[_Stretch]:
    """When the two of each pair, shape (n, 2), are nearer than `near_m`, one stretch for each pair of legs."""
    rows = near_legs([path.legs for path in ours], [path.legs for path in theirs], pairs, near_m)
    lat, lon = latlon(rows[:, PLACE])
    doubt, other_doubt = ([path.uncertainties_m() for path in paths] for paths in (ours, theirs))
    found = []
    for row, lat_deg, lon_deg in zip(rows.tolist(), lat.tolist(), lon.tolist(), strict=True):
        i, j = pairs[int(row[PAIR])].tolist()
        leg, other_leg = int(row[LEG]), int(row[OTHER_LEG])
        found.append(
            _Stretch(
                one=ours[i],
                other=theirs[j],
                leg=leg,
                other_leg=other_leg,
                t0_s=row[T0],
                t1_s=row[T1],
                open_start=bool(row[OPEN_START]),
                open_end=bool(row[OPEN_END]),
                nearest_s=row[NEAREST_T],
                nearest_m=row[NEAREST],
                low_m=max(0.0, row[NEAREST] - float(doubt[i][leg] + other_doubt[j][other_leg])),
                lat_deg=lat_deg,
                lon_deg=lon_deg,
            )
        )
    return found


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
        nearest_at=min(max(moment(round(nearest.nearest_s, 3)), starts_at), ends_at),  # no sharper is it known
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

"""How a group stands: where along its route, how late, how far off it, standing or moving, when last heard of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

import numpy as np

from keepclear.errors import Malformed
from keepclear.geometry import surface
from keepclear.geometry.earth import at_most_m, distance_m, plane_about
from keepclear.geometry.pack import seconds
from keepclear.model.groups import Group
from keepclear.model.plans import Trajectory
from keepclear.model.tracks import Fix
from keepclear.watch.history import Estimate, History, Report, acts_of
from keepclear.watch.live_lines import CHAINAGE, EXPECTED, LATE, OFF, Lines, on_routes


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How a group stood at `at`, the last moment at which the whereabouts of half of its members can be told.

    Place: the middle of the members, within `uncertainty_m`. Along the route: `chainage_m` from its start, of
    `route_m`; `expected_chainage_m` is where the plan has it at `at`. `late_s` is positive when late and negative when
    early, and never more than the uncertainty of the place leaves certain. `off_route_m` is the distance to the route.

    `halted_since` is since when more than half of the members have stood, if they have for the group's
    `halted_after_s`: the first report from which on none differs from the last by more than the uncertainties of the
    two. `moving` is true if more than half showed themselves elsewhere within that time. Neither: it cannot be told.

    `lost_contact_since` is the moment of the newest report of all, once that is older than the group's
    `silent_after_s`; `silent` are the members of which that is true (or never heard of), each on its own.
    """

    at: datetime | None
    lat_deg: float | None
    lon_deg: float | None
    uncertainty_m: float | None
    chainage_m: float | None
    route_m: float | None
    expected_chainage_m: float | None
    late_s: float | None
    off_route_m: float | None
    halted_since: datetime | None
    moving: bool
    last_report_at: datetime | None
    lost_contact_since: datetime | None
    silent: tuple[str, ...]
    synthetic: bool
    acts: tuple[str, ...]


def assess(group: Group, trajectory: Trajectory | None, histories: Mapping[str, History], now: datetime) -> Progress:
    """How the group stands as its reports up to `now` tell; `histories` by asset id.

    Members last heard of more than the group's `silent_after_s` before its newest report play no part, and reports
    further apart than that are not joined. Where a route passes one place more than once, the passage nearest to where
    the plan has the group is meant.
    """
    newest = {
        member.asset: report
        for member in group.members
        if member.asset in histories and (report := histories[member.asset].last(now)) is not None
    }
    last_report_at = max((report.fix.at for report in newest.values()), default=None)
    heard = [
        histories[asset]
        for asset, report in newest.items()
        if last_report_at is not None and (last_report_at - report.fix.at).total_seconds() <= group.silent_after_s
    ]
    places = _places(heard, now, group.silent_after_s)
    middle = _middle(places)
    route = _route(trajectory) if trajectory is not None else None
    on_route = _on_route(route, middle) if route is not None and middle is not None else None
    stands = [_standing(history, now, group.silent_after_s) for history in heard]
    halted_since, moving, reports = _motion(stands, len(heard), group.halted_after_s)
    silent_since = None
    if last_report_at is not None and (now - last_report_at).total_seconds() > group.silent_after_s:
        silent_since = last_report_at
    return Progress(
        at=middle.at if middle else None,
        lat_deg=middle.lat_deg if middle else None,
        lon_deg=middle.lon_deg if middle else None,
        uncertainty_m=middle.uncertainty_m if middle else None,
        chainage_m=on_route[CHAINAGE] if on_route else None,
        route_m=route.length_m(0) if route else None,
        expected_chainage_m=on_route[EXPECTED] if on_route else None,
        late_s=on_route[LATE] if on_route else None,
        off_route_m=on_route[OFF] if on_route else None,
        halted_since=halted_since,
        moving=moving,
        last_report_at=last_report_at,
        lost_contact_since=silent_since,
        silent=tuple(
            member.asset
            for member in group.members
            if member.asset not in newest or (now - newest[member.asset].fix.at).total_seconds() > group.silent_after_s
        ),
        synthetic=any(place.synthetic for place in places) or any(report.synthetic for report in reports),
        acts=tuple(dict.fromkeys([*(act for place in places for act in place.acts), *acts_of(reports)])),
    )


def _places(heard: list[History], now: datetime, max_gap_s: float) -> list[Estimate]:
    """Where the members were at the last moment at which half of those heard of can be placed."""
    lasts = sorted((report.fix.at for history in heard if (report := history.last(now))), reverse=True)
    if not lasts:
        return []
    at = lasts[(len(lasts) - 1) // 2]
    return [place for history in heard if (place := history.estimate(at, max_gap_s)) is not None]


def _middle(places: list[Estimate]) -> Estimate | None:
    """The median of places on a plane, as uncertain as the least certain of them; None if they lie round the earth."""
    if not places:
        return None
    lats, lons = [place.lat_deg for place in places], [place.lon_deg for place in places]
    try:
        plane = plane_about(lats, lons)
    except Malformed:
        return None
    lat, lon = plane.to_latlon(np.median(plane.to_xy(lats, lons), axis=0)[None, :])
    return Estimate(
        at=places[0].at,
        lat_deg=float(lat[0]),
        lon_deg=float(lon[0]),
        uncertainty_m=max(place.uncertainty_m for place in places),
        alt_wgs84_m=None,
        synthetic=any(place.synthetic for place in places),
        acts=tuple(dict.fromkeys(act for place in places for act in place.acts)),
    )


# ── along the route ──────────────────────────────────────────────────────────────────────────────────────────────────


@lru_cache(maxsize=256)
def _route(trajectory: Trajectory) -> Lines:
    """A trajectory as a line, with the planned time at each of its points."""
    points = trajectory.waypoints
    lat, lon = (np.array(column) for column in zip(*((each.lat_deg, each.lon_deg) for each in points), strict=True))
    return Lines.of([(lat, lon, np.array([seconds(each.at) for each in points]))])


def _on_route(route: Lines, place: Estimate) -> list[float]:
    """Where a place lies along a route, as `on_routes` has it."""
    here = surface.places([place.lat_deg], [place.lon_deg])
    doubt = np.array([place.uncertainty_m], dtype=np.float64)
    found = on_routes(route, np.zeros(1, dtype=np.int64), np.array([seconds(place.at)]), here, doubt)[0]
    # A place on the other side of the earth means nothing on a plane; it is at least as far off as straight through.
    straight = np.sqrt(((route.balls[:, :3] - here) ** 2).sum(axis=1)) - route.balls[:, 3]
    found[OFF] = max(found[OFF], straight.min())
    return [float(figure) for figure in found]


# ── standing or moving ───────────────────────────────────────────────────────────────────────────────────────────────


@dataclass(frozen=True, slots=True)
class _Stand:
    """An asset has not been seen elsewhere than at its `last` report since `first`; `came` if it was before that."""

    first: Report
    last: Report
    came: bool

    @property
    def duration_s(self) -> float:
        return (self.last.fix.at - self.first.fix.at).total_seconds()


def _standing(history: History, now: datetime, max_gap_s: float) -> _Stand | None:
    """How long the last report has held. Reports are compared with the last one, not with the one before: a slow
    crawl made of small steps is movement too."""
    newest_first = iter(history.backwards(now))
    last = next(newest_first, None)
    if last is None:
        return None
    first = last
    for report in newest_first:
        if (first.fix.at - report.fix.at).total_seconds() > max_gap_s:
            break
        if _is_elsewhere(report.fix, last.fix):
            return _Stand(first, last, came=True)
        first = report
    return _Stand(first, last, came=False)


def _is_elsewhere(one: Fix, other: Fix) -> bool:
    """Whether two reported places differ by more than both uncertainties."""
    here, there = (one.lat_deg, one.lon_deg), (other.lat_deg, other.lon_deg)
    doubt = one.uncertainty_m + other.uncertainty_m
    return at_most_m(*here, *there) > doubt and distance_m(*here, *there) > doubt


def _motion(
    stands: list[_Stand | None], heard: int, halted_after_s: float
) -> tuple[datetime | None, bool, list[Report]]:
    """Since when more than half stand, whether more than half move, and the reports that show it."""
    known = [stand for stand in stands if stand is not None]
    halted = sorted((s for s in known if s.duration_s >= halted_after_s), key=lambda s: s.first.fix.at)
    moving = [s for s in known if s.came and s.duration_s < halted_after_s]
    majority = heard // 2 + 1
    if heard and len(halted) >= majority:
        used = [report for stand in halted for report in (stand.first, stand.last)]
        return halted[majority - 1].first.fix.at, False, used
    if heard and len(moving) >= majority:
        return None, True, [report for stand in moving for report in (stand.first, stand.last)]
    return None, False, []

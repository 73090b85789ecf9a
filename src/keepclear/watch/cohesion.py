"""Who is with a group: split into bodies, members that left, vehicles that joined.

Two members belong to one body if they are no farther apart than the group's `spread_m`, or if others between them make
a chain of such steps. Positions are compared at the same moment only; one that is not known then plays no part. A
distance counts as too far only if it is so after taking off both uncertainties.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from keepclear.geometry.earth import at_most_m, distances_m
from keepclear.model.groups import Group
from keepclear.watch.history import Estimate, History, Report


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """An asset that is with a group, or away from it, in each of its reports from `since` to `until`."""

    asset: str
    since: datetime
    until: datetime
    reports: int
    synthetic: bool
    acts: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cohesion:
    """How a group held together at `at`, the last moment at which half of its members can be placed.

    `bodies`: the members that are together, the largest first, each of two or more; `apart`: those placed but with
    nobody; `unplaced`: those whose whereabouts at `at` cannot be told. `split_since` is the first of the moments in a
    row at which there were two bodies or more. `leavers` and `joiners` hold for some time: see `cohesion`.
    """

    at: datetime | None
    bodies: tuple[tuple[str, ...], ...]
    apart: tuple[str, ...]
    unplaced: tuple[str, ...]
    split_since: datetime | None
    leavers: tuple[Stay, ...]
    joiners: tuple[Stay, ...]
    synthetic: bool
    acts: tuple[str, ...]


def cohesion(
    group: Group,
    histories: Mapping[str, History],
    others: Iterable[History],
    now: datetime,
    *,
    reports: int = 3,
    lasting_s: float = 900.0,
    since: datetime | None = None,
) -> Cohesion:
    """How the group holds together as reports up to `now` tell; `histories` by asset id, of members at least.

    A member that was with no other in each of its last `reports` reports or more, over `lasting_s` or more, is a
    leaver; one of `others` (no member, not flying) that was with a member in each of as many is a joiner. Reports
    further apart than the group's `silent_after_s` are not joined. With `since`, nothing before it is looked at, so
    what began before is said to begin there or later.
    """
    members = [histories[member.asset] for member in group.members if member.asset in histories]
    newest = {history.asset: report for history in members if (report := history.last(now)) is not None}
    at = _last_common(newest.values(), group.silent_after_s)
    if at is None:
        return _nothing(group)
    known: _Known = {}
    places = _places(members, at, group.silent_after_s, known)
    bodies = _bodies(places, group.spread_m)
    together = tuple(body for body in bodies if len(body) > 1)
    named = {member.asset for member in group.members}
    leavers = [
        stay
        for history in members
        if (stay := _stay(history, members, group, now, since, known, near=False)) is not None
        and _lasts(stay, reports, lasting_s)
    ]
    joiners = [
        stay
        for history in others
        if history.asset not in named
        and not history.flies
        and (stay := _stay(history, members, group, now, since, known, near=True)) is not None
        and _lasts(stay, reports, lasting_s)
    ]
    return Cohesion(
        at=at,
        bodies=together,
        apart=tuple(body[0] for body in bodies if len(body) == 1),
        unplaced=tuple(member.asset for member in group.members if member.asset not in places),
        split_since=_split_since(members, group, at, since, known) if len(together) > 1 else None,
        leavers=tuple(leavers),
        joiners=tuple(joiners),
        synthetic=any(place.synthetic for place in places.values())
        or any(stay.synthetic for stay in (*leavers, *joiners)),
        acts=tuple(dict.fromkeys(act for place in places.values() for act in place.acts)),
    )


def _last_common(newest: Iterable[Report], silent_after_s: float) -> datetime | None:
    """The last moment at which half of the members not silent can be placed."""
    lasts = sorted((report.fix.at for report in newest), reverse=True)
    heard = [at for at in lasts if (lasts[0] - at).total_seconds() <= silent_after_s]
    return heard[(len(heard) - 1) // 2] if heard else None


_Known = dict[datetime, dict[str, Estimate]]
"""Where the members of a group were at each moment looked at so far: many report at the same moments."""


def _places(members: Iterable[History], at: datetime, max_gap_s: float, known: _Known) -> dict[str, Estimate]:
    found = known.get(at)
    if found is None:
        found = known[at] = {
            history.asset: place for history in members if (place := history.estimate(at, max_gap_s)) is not None
        }
    return found


def _bodies(places: Mapping[str, Estimate], spread_m: float) -> list[tuple[str, ...]]:
    """The members that are together, each body in order of id; the largest first, then by id."""
    left = sorted(places)
    bodies: list[tuple[str, ...]] = []
    while left:
        body, reached = [left.pop(0)], 0
        while reached < len(body):
            near = _within(places[body[reached]], [places[asset] for asset in left], spread_m)
            body += [asset for asset, is_near in zip(left, near, strict=True) if is_near]
            left = [asset for asset, is_near in zip(left, near, strict=True) if not is_near]
            reached += 1
        bodies.append(tuple(sorted(body)))
    return sorted(bodies, key=lambda body: (-len(body), body))


def _within(place: Estimate, others: list[Estimate], spread_m: float) -> list[bool]:
    """For each other place whether it may be within `spread_m`, given both uncertainties."""
    return [low <= spread_m for low in _lows_m(place, others)]


def _surely_within(place: Estimate, other: Estimate, spread_m: float) -> bool:
    """The quick look before `_within`: if true, that is true of the two. False says nothing."""
    most = at_most_m(place.lat_deg, place.lon_deg, other.lat_deg, other.lon_deg)
    return most - place.uncertainty_m - other.uncertainty_m <= spread_m


def _lows_m(place: Estimate, others: list[Estimate]) -> list[float]:
    if not others:
        return []
    away = distances_m(place.lat_deg, place.lon_deg, [o.lat_deg for o in others], [o.lon_deg for o in others])
    return [
        distance - place.uncertainty_m - other.uncertainty_m
        for distance, other in zip(away.tolist(), others, strict=True)
    ]


def _lasts(stay: Stay, reports: int, lasting_s: float) -> bool:
    return stay.reports >= reports and (stay.until - stay.since).total_seconds() >= lasting_s


def _stay(
    history: History,
    members: Iterable[History],
    group: Group,
    now: datetime,
    since: datetime | None,
    known: _Known,
    *,
    near: bool,
) -> Stay | None:
    """The last reports in a row that show an asset near (or, if not `near`, away from) the members of a group.

    A report that cannot be compared, because too few members can be placed at its moment, is passed over.
    """
    others = sum(member.asset != history.asset for member in members)
    run: list[Report] = []
    acts: dict[str, None] = {}
    synthetic = False
    for report in history.backwards(now):
        if since is not None and report.fix.at < since:
            break
        if run and (run[-1].fix.at - report.fix.at).total_seconds() > group.silent_after_s:
            break
        place = history.estimate(report.fix.at, group.silent_after_s)
        assert place is not None
        at_once = _places(members, report.fix.at, group.silent_after_s, known)
        placed = [other for asset, other in at_once.items() if asset != history.asset]
        shown = _is_near(place, placed, group.spread_m) if near else _is_away(place, placed, others, group.spread_m)
        if shown is None:
            continue
        if not shown:
            break
        run.append(report)
        acts |= dict.fromkeys((report.act, *(act for other in placed for act in other.acts)))
        synthetic |= report.synthetic or any(other.synthetic for other in placed)
    if not run:
        return None
    return Stay(
        asset=history.asset,
        since=run[-1].fix.at,
        until=run[0].fix.at,
        reports=len(run),
        synthetic=synthetic,
        acts=tuple(acts),
    )


def _is_near(place: Estimate, placed: list[Estimate], spread_m: float) -> bool | None:
    """Near some member, on the places as reported; one more uncertain than `spread_m` tells nothing."""
    known = [other for other in placed if other.uncertainty_m <= spread_m]
    if place.uncertainty_m > spread_m or not known:
        return None
    lows = _lows_m(place, known)
    return any(
        low + place.uncertainty_m + other.uncertainty_m <= spread_m for low, other in zip(lows, known, strict=True)
    )


def _is_away(place: Estimate, placed: list[Estimate], others: int, spread_m: float) -> bool | None:
    """Away from every member placed; half of them must be."""
    if not placed or 2 * len(placed) < others:
        return None
    if any(_surely_within(place, other, spread_m) for other in placed):
        return False
    return not any(_within(place, placed, spread_m))


def _split_since(members: list[History], group: Group, at: datetime, since: datetime | None, known: _Known) -> datetime:
    """The first of the moments in a row, back from `at`, at which the members placed were in two bodies or more."""
    began = at
    for moment in _moments(members, at):
        if (since is not None and moment < since) or (began - moment).total_seconds() > group.silent_after_s:
            break
        places = _places(members, moment, group.silent_after_s, known)
        if 2 * len(places) < len(members):
            continue
        if sum(len(body) > 1 for body in _bodies(places, group.spread_m)) < 2:
            break
        began = moment
    return began


def _moments(members: Iterable[History], at: datetime) -> Iterator[datetime]:
    """The moments of all reports not after `at`, newest first, each once."""
    streams = [(report.fix.at for report in history.backwards(at)) for history in members]
    return (moment for moment, _ in groupby(heapq.merge(*streams, reverse=True)))


def _nothing(group: Group) -> Cohesion:
    return Cohesion(
        at=None,
        bodies=(),
        apart=(),
        unplaced=tuple(member.asset for member in group.members),
        split_since=None,
        leavers=(),
        joiners=(),
        synthetic=False,
        acts=(),
    )

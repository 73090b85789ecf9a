"""Encounters of groups, and fences that move with a group: `watch/encounter.py`, kept up to date.

Two are near while any mover of the one is nearer than the distance given to any of the other, each going evenly between
reports that are joined; from when to when follows in closed form. An encounter begins where the distance is first
passed and ends where all are farther than a tenth more (`hysteresis`), once everybody heard of was heard of after that;
or with the reports. A lone report, joined to none, shows no encounter.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from keepclear.errors import Malformed
from keepclear.geometry.columns import IntArray
from keepclear.geometry.earth import FloatArray
from keepclear.geometry.soundness import WIDEST_M
from keepclear.watch.company import (
    HIGH,
    INNER_T0,
    LOW,
    MOVED,
    NEAREST,
    NEAREST_T,
    ONE,
    OPEN_END,
    OPEN_START,
    OTHER,
    PLACE,
    T0,
    T1,
    TASK,
    meetings,
    near_balls,
    track_balls,
)
from keepclear.watch.live_findings import LiveFindings, LiveKind
from keepclear.watch.live_ground import apart_m, latlon
from keepclear.watch.live_groups import Following, Heard

_JOIN_S = 1e-5  # two stretches nearer in time than this are one
HYSTERESIS = 0.1


@dataclass(slots=True, kw_only=True, eq=False)
class Stay:
    """Two that are near, or were. `began_s` is NaN as long as they were only within the wider distance; `open_start`
    and `open_end`: the reports begin or end there rather than the nearness. Nearest: when, metres on even ways, at
    least and at most, and the point in space halfway between."""

    one: int
    other: int
    start_s: float
    until_s: float
    began_s: float
    open_start: bool
    open_end: bool
    nearest_s: float
    nearest_m: float
    low_m: float
    high_m: float
    place: FloatArray
    moved: bool
    told: bool = False
    anchors: dict[int, FloatArray] = field(default_factory=dict)
    """The first leg of each that takes part, until one of them is seen elsewhere."""

    def take(self, later: Stay) -> None:
        """Make one of two that follow upon one another."""
        if later.start_s < self.start_s:
            self.start_s, self.open_start = later.start_s, later.open_start
        if later.until_s > self.until_s:
            self.until_s, self.open_end = later.until_s, later.open_end
        self.began_s = float(np.fmin(self.began_s, later.began_s))
        if (later.nearest_m, later.nearest_s) < (self.nearest_m, self.nearest_s):
            self.nearest_m, self.nearest_s = later.nearest_m, later.nearest_s
            self.high_m, self.place = later.high_m, later.place
        self.low_m = min(self.low_m, later.low_m)
        self.told |= later.told
        self.moved |= later.moved
        for mover, leg in later.anchors.items():
            self.see(mover, leg)

    def see(self, mover: int, leg: FloatArray) -> None:
        """Take note of a leg (place and uncertainty at its ends): does it end elsewhere than the first began?"""
        first = self.anchors.setdefault(mover, leg)
        self.moved |= bool(apart_m(first[:3], leg[4:7]) > first[3] + leg[7])


class Nearness:
    """Which pairs of `one` and `other` are near. Groups are numbered from 0, other movers on from there."""

    def __init__(self, following: Following, *, hysteresis: float, max_gap_s: float, must_move: bool) -> None:
        self._following = following
        self._wider = 1.0 + hysteresis
        self._max_gap_s = max_gap_s
        self._must_move = must_move
        self._stays: dict[tuple[int, int], list[Stay]] = {}
        self._of: dict[int, set[tuple[int, int]]] = {}
        self.balls: FloatArray = np.full((0, 4), np.nan)

    @property
    def stays(self) -> list[Stay]:
        """All that has not ended, by what is known so far."""
        return [stay for stays in self._stays.values() for stay in stays]

    def hear(self, heard: Heard, radius_m: FloatArray, *, strangers: bool) -> tuple[list[Stay], list[Stay]]:
        """The stays that began and those that ended. `radius_m` is that of each group, NaN for none; with `strangers`
        other movers count too."""
        batch, following = heard.batch, self._following
        self._measure(batch.mover)
        largest = float(np.nanmax(radius_m, initial=0.0)) * self._wider
        rows, movers = self._pairs(heard, largest, strangers=strangers)
        pushed = np.full(len(following.group_of), len(batch))
        pushed[batch.mover] = np.arange(len(batch))
        mover, count = batch.mover[rows], following.reports.heard
        later = (pushed[movers] < len(batch)) & (pushed[movers] > rows)
        team, other_team = self._team(mover), self._team(movers)
        began: list[Stay] = []
        parts: list[tuple[IntArray, FloatArray]] = []
        for swapped in (False, True):  # whose radius counts
            owner = other_team if swapped else team
            radius = np.where(owner < len(following), radius_m[np.minimum(owner, len(following) - 1)], np.nan)
            some = np.flatnonzero(~np.isnan(radius) & (strangers | (not swapped)))
            if not len(some):
                continue
            met = meetings(
                following.reports,
                mover[some],
                count[mover[some]],
                movers[some],
                count[movers[some]] - later[some],
                radius[some],
                radius[some] * self._wider,
                self._max_gap_s,
            )
            task = some[met[:, TASK].astype(np.int64)]
            pair = np.column_stack((team[task], other_team[task]))
            pair = pair[:, ::-1] if swapped else pair
            pair = pair if strangers else np.sort(pair, axis=1)
            parts.append((np.column_stack((pair, rows[task], mover[task], movers[task])), met))
        if parts:
            began = self._fold(np.concatenate([part[0] for part in parts]), np.concatenate([part[1] for part in parts]))
        teams = set(np.unique(np.concatenate((self._team(batch.mover), team))).tolist()) & self._of.keys()
        return began, self._over({key for each in teams for key in self._of[each]})

    def silence(self, now_s: float) -> list[Stay]:
        """The stays that end because nothing more was heard."""
        ended = []
        for key, stays in list(self._stays.items()):
            for stay in [stay for stay in stays if now_s - stay.until_s > self._max_gap_s]:
                stays.remove(stay)
                ended.append(stay)
            self._forget(key)
        return [stay for stay in ended if stay.told]

    def _measure(self, mover: IntArray) -> None:
        more = len(self._following.group_of) - len(self.balls)
        if more > 0:
            self.balls = np.concatenate((self.balls, np.full((more, 4), np.nan)))
        self.balls[mover] = track_balls(self._following.reports, mover)

    def _team(self, mover: IntArray) -> IntArray:
        group = self._following.group_of[mover]
        return np.where(group >= 0, group, len(self._following) + mover)

    def _pairs(self, heard: Heard, near_m: float, *, strangers: bool) -> tuple[IntArray, IntArray]:
        """Rows of the batch, and movers that may have come near, one of the two in a group."""
        known = np.flatnonzero(~np.isnan(self.balls[:, 3]))
        members = known[self._following.group_of[known] >= 0]
        found = []
        mine = np.flatnonzero(heard.group >= 0)
        batch = heard.batch
        begin = np.where(batch.joined[:, None], batch.before_place, batch.place)
        half2 = ((batch.place - begin) ** 2).sum(axis=1) / 4
        # A ball about the way from the report before: half the chord wide, and more than the bow above it.
        legs = np.column_stack(((begin + batch.place) / 2, np.sqrt(half2) + half2 / 1e7 + 1.0))
        for rows, there in ((mine, known if strangers else members), (np.flatnonzero(heard.group < 0), members)):
            if not strangers and rows is not mine:
                continue
            mover = heard.batch.mover[rows]
            pairs = near_balls(legs[rows], self._team(mover), self.balls[there], self._team(there), near_m)
            found.append((rows[pairs[:, 0]], there[pairs[:, 1]]))
        return np.concatenate([rows for rows, _ in found]), np.concatenate([there for _, there in found])

    def _fold(self, who: IntArray, met: FloatArray) -> list[Stay]:
        """Take in stretches, report by report until a stay was told, then all at once; the stays that began.

        `who`: one, other, the row of the batch, and the two movers.
        """
        began: list[Stay] = []
        order = np.lexsort((met[:, T0], who[:, 2], who[:, 1], who[:, 0]))
        who, met = who[order], met[order]
        change = np.flatnonzero((np.diff(who[:, :2], axis=0) != 0).any(axis=1)) + 1
        for rows in np.split(np.arange(len(who)), change):
            if not len(rows):
                continue
            key = (int(who[rows[0], 0]), int(who[rows[0], 1]))
            stays = self._stays.setdefault(key, [])
            for team in key:
                self._of.setdefault(team, set()).add(key)
            if len(stays) == 1 and stays[0].told:
                new = self._united(key, who[rows], met[rows])
                if len(new) == 1 and _touch(new[0], stays[0]):
                    self._merge(stays, new)
                    continue
            for part in np.split(rows, np.flatnonzero(np.diff(who[rows, 2])) + 1):
                self._merge(stays, self._united(key, who[part], met[part]))
                for stay in stays:
                    if not stay.told and not np.isnan(stay.began_s) and (stay.moved or not self._must_move):
                        stay.told = True
                        stay.anchors.clear()
                        began.append(_copied(stay))
        return began

    @staticmethod
    def _united(key: tuple[int, int], who: IntArray, met: FloatArray) -> list[Stay]:
        """Stretches of one pair, put together where they follow upon one another."""
        order = np.argsort(met[:, T0], kind="stable")
        who, met = who[order], met[order]
        reach = np.maximum.accumulate(met[:, T1])
        breaks = np.flatnonzero(met[1:, T0] > reach[:-1] + _JOIN_S) + 1
        found = []
        for part in np.split(np.arange(len(met)), breaks):
            some = met[part]
            nearest = some[np.lexsort((some[:, NEAREST_T], some[:, NEAREST]))[0]]
            last = some[some[:, T1].argmax()]
            inner = some[:, INNER_T0]
            stay = Stay(
                one=key[0],
                other=key[1],
                start_s=float(some[0, T0]),
                until_s=float(last[T1]),
                began_s=float(np.fmin.reduce(inner)),
                open_start=bool(some[0, OPEN_START]),
                open_end=bool(last[OPEN_END]),
                nearest_s=float(nearest[NEAREST_T]),
                nearest_m=float(nearest[NEAREST]),
                low_m=float(some[:, LOW].min()),
                high_m=float(nearest[HIGH]),
                place=nearest[PLACE],
                moved=bool(some[:, MOVED].any()),
            )
            for k in part.tolist() if not stay.moved else ():
                for mover, leg in ((int(who[k, 3]), met[k, ONE]), (int(who[k, 4]), met[k, OTHER])):
                    stay.see(mover, leg)
            found.append(stay)
        return found

    @staticmethod
    def _merge(stays: list[Stay], new: Iterable[Stay]) -> None:
        for stay in new:
            touching = [old for old in stays if _touch(stay, old)]
            if not touching:
                stays.append(stay)
                continue
            first = min(touching, key=lambda old: old.start_s)
            for other in (*(old for old in touching if old is not first), stay):
                first.take(other)
                if other in stays:
                    stays.remove(other)

    def _over(self, keys: Iterable[tuple[int, int]]) -> list[Stay]:
        """Those of some pairs that are over, everybody heard of having been heard of since."""
        ended = []
        for key in sorted(keys):
            known = min(self._known_s(key[0]), self._known_s(key[1]))
            stays = self._stays[key]
            for stay in [stay for stay in stays if known > stay.until_s + _JOIN_S]:
                stays.remove(stay)
                ended.append(stay)
            self._forget(key)
        return [stay for stay in ended if stay.told]

    def _known_s(self, team: int) -> float:
        following = self._following
        if team < len(following):
            return float(following.known_s[team])
        return float(following.reports.last_t_s(np.array([team - len(following)]))[0])

    def _forget(self, key: tuple[int, int]) -> None:
        if not self._stays[key]:
            del self._stays[key]
            for team in key:
                self._of[team].discard(key)
                if not self._of[team]:
                    del self._of[team]


def _touch(one: Stay, other: Stay) -> bool:
    return one.start_s <= other.until_s + _JOIN_S and other.start_s <= one.until_s + _JOIN_S


def _copied(stay: Stay) -> Stay:
    return Stay(**{name: getattr(stay, name) for name in Stay.__slots__})


class Encounters:
    """`ENCOUNTER_BEGAN` and `ENCOUNTER_ENDED` of two groups, one of which moves. `ended`: those of the last call."""

    def __init__(
        self, following: Following, near_m: float, *, hysteresis: float = HYSTERESIS, max_gap_s: float = 10_800.0
    ) -> None:
        if not 0.0 < near_m <= WIDEST_M:
            message = f"{near_m} is not above 0, or more than {WIDEST_M:.0f}"
            raise Malformed(message, field="encounters_m", code="not_between", value=near_m, least=0.0, most=WIDEST_M)
        self._following = following
        self._near_m = np.full(len(following), near_m)
        self._nearness = Nearness(following, hysteresis=hysteresis, max_gap_s=max_gap_s, must_move=True)
        self.ended: list[Stay] = []

    @property
    def going_on(self) -> list[Stay]:
        """Those that began and did not end."""
        return [stay for stay in self._nearness.stays if stay.told]

    def hear(self, heard: Heard) -> LiveFindings:
        """What reports show."""
        began, self.ended = self._nearness.hear(heard, self._near_m, strangers=False)
        return LiveFindings.joined((self._told(began, began=True), self._told(self.ended, began=False)))

    def tick(self, now_s: float) -> LiveFindings:
        """The encounters that silence ends."""
        self.ended = self._nearness.silence(now_s)
        return self._told(self.ended, began=False)

    def _told(self, stays: list[Stay], *, began: bool) -> LiveFindings:
        ids = self._following.ids
        lat, lon = latlon(np.array([stay.place for stay in stays]).reshape(-1, 3))
        return LiveFindings.of(
            LiveKind.ENCOUNTER_BEGAN if began else LiveKind.ENCOUNTER_ENDED,
            ids[[stay.one for stay in stays]],
            [stay.began_s if began else stay.until_s for stay in stays],
            lat,
            lon,
            other=ids[[stay.other for stay in stays]],
            margin_m=[self._near_m[stay.one] - stay.nearest_m for stay in stays],
            value=[stay.nearest_m if began else stay.until_s - stay.began_s for stay in stays],
        )


class GroupFences:
    """`ENTERED` and `LEFT` of movers, and of other groups, that come within `fence_m` of any member of a group.

    Margin: metres they were within it. Value, when they leave: seconds since they came.
    """

    def __init__(self, following: Following, *, hysteresis: float = HYSTERESIS, max_gap_s: float = 10_800.0) -> None:
        self._following = following
        self._nearness = Nearness(following, hysteresis=hysteresis, max_gap_s=max_gap_s, must_move=False)
        self.ended: list[Stay] = []

    @property
    def within(self) -> list[Stay]:
        """Those that came in and did not go out: `one` is the group, `other` a group or, numbered on, a mover."""
        return [stay for stay in self._nearness.stays if stay.told]

    def hear(self, heard: Heard) -> LiveFindings:
        """What reports show."""
        if np.isnan(self._following.groups.fence_m).all():
            return LiveFindings.none()
        began, self.ended = self._nearness.hear(heard, self._following.groups.fence_m, strangers=True)
        return LiveFindings.joined((self._told(began, began=True), self._told(self.ended, began=False)))

    def tick(self, now_s: float) -> LiveFindings:
        """Those of whom nothing more was heard."""
        self.ended = self._nearness.silence(now_s)
        return self._told(self.ended, began=False)

    def _told(self, stays: list[Stay], *, began: bool) -> LiveFindings:
        following = self._following
        n = len(following)
        lat, lon = latlon(np.array([stay.place for stay in stays]).reshape(-1, 3))
        return LiveFindings.of(
            LiveKind.ENTERED if began else LiveKind.LEFT,
            [following.ids[s.other] if s.other < n else following.names[s.other - n] for s in stays],
            [stay.began_s if began else stay.until_s for stay in stays],
            lat,
            lon,
            other=following.ids[[stay.one for stay in stays]],
            margin_m=[following.groups.fence_m[stay.one] - stay.nearest_m for stay in stays],
            value=[np.nan if began else stay.until_s - stay.began_s for stay in stays],
        )

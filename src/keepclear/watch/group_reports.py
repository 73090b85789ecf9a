"""What the reports of members do to their groups: the kernels of `kernels/groups.c`, and their twins in Python.

A mover's last reports are kept, `KEPT` of them; what hangs on older ones can no longer be told. Shapes and units are
those of the kernels' own comments; both ways change the same arrays and give the same figures to a millimetre.
"""

from __future__ import annotations

import ctypes
from dataclasses import dataclass, field

import numpy as np

from keepclear.geometry.columns import ByteArray, IntArray
from keepclear.geometry.earth import FloatArray
from keepclear.geometry.kernels import LIBRARY, pointer
from keepclear.watch.live_ground import ECCENTRICITY2, MAJOR_M, Plane, apart_m, between, stray_m, up

KEPT = 16
"""Reports kept of each mover."""
STANDS_KEPT = 32
"""Reports kept of each mover for telling how long it has stood: a 24th of `halted_after_s` apart, or elsewhere."""

T, X, DOUBT, JOINED = 0, slice(1, 4), 4, 5
"""Columns of a report."""
AT, MIDDLE, SPREAD_OF_DOUBT, PLACED, HALTED_SINCE, MOVING, BEFORE, HORIZON, HEARD = (
    0,
    slice(1, 4),
    *range(4, 11),
)
"""Columns of a row of `hear`."""


@dataclass(slots=True)
class Reports:
    """The last reports of n movers, by number. Grows; changed in place by `hear`."""

    reports: FloatArray = field(default_factory=lambda: np.full((0, KEPT, 6), np.nan))
    heard: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    stands: FloatArray = field(default_factory=lambda: np.full((0, STANDS_KEPT, 5), np.nan))
    stand_count: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    stand_since: FloatArray = field(default_factory=lambda: np.zeros(0))
    stand_came: ByteArray = field(default_factory=lambda: np.zeros(0, dtype=np.uint8))

    def grow(self, n: int) -> None:
        """Make room for movers 0 to n - 1."""
        more = n - len(self.heard)
        if more <= 0:
            return
        more = max(more, len(self.heard) // 2)
        self.reports = np.concatenate((self.reports, np.full((more, KEPT, 6), np.nan)))
        self.heard = np.concatenate((self.heard, np.zeros(more, dtype=np.int64)))
        self.stands = np.concatenate((self.stands, np.full((more, STANDS_KEPT, 5), np.nan)))
        self.stand_count = np.concatenate((self.stand_count, np.zeros(more, dtype=np.int64)))
        self.stand_since = np.concatenate((self.stand_since, np.zeros(more)))
        self.stand_came = np.concatenate((self.stand_came, np.zeros(more, dtype=np.uint8)))

    def last_t_s(self, movers: IntArray) -> FloatArray:
        """When movers last reported; NaN for one never heard of, or numbered -1."""
        known = (movers >= 0) & (self.heard[movers] > 0) if len(self.heard) else np.zeros(len(movers), dtype=bool)
        found = np.full(len(movers), np.nan)
        which = movers[known]
        found[known] = self.reports[which, (self.heard[which] - 1) % KEPT, T]
        return found

    def last_place(self, movers: IntArray) -> FloatArray:
        """Where movers, all heard of, last reported to be, shape (n, 3)."""
        return np.asarray(self.reports[movers, (self.heard[movers] - 1) % KEPT, X])

    def placed(self, mover: int, at_s: float, gap_s: float) -> tuple[FloatArray, float] | None:
        """Where one mover was at a moment and how uncertain that is: `kc_placed` of reports.h."""
        count = int(self.heard[mover])
        after: FloatArray | None = None
        for i in range(count - 1, max(0, count - KEPT) - 1, -1):
            report = self.reports[mover, i % KEPT]
            if report[T] == at_s:
                return report[X], float(report[DOUBT])
            if report[T] < at_s:
                if after is None or after[T] - report[T] > gap_s:
                    return None
                share = np.asarray((at_s - report[T]) / (after[T] - report[T]))
                stray = stray_m(apart_m(report[X], after[X]), share)
                return between(report[X], after[X], share), float(max(report[DOUBT], after[DOUBT]) + stray)
            after = report
        return None


@dataclass(frozen=True, slots=True)
class Rosters:
    """Who is in which group, by numbers. `group_of` grows with the movers; `member` is filled in as they are heard of.

    `silent_s`, `halted_after_s` and `spread_m` have shape (groups,); `newest_s` too, NaN before the first report.
    """

    member_from: IntArray  # (groups + 1,)
    member: IntArray  # (members,) -1: never heard of
    silent_s: FloatArray
    halted_after_s: FloatArray
    spread_m: FloatArray
    newest_s: FloatArray

    def __len__(self) -> int:
        return len(self.silent_s)

    def scratch(self, doubles: int) -> FloatArray:
        """Room for so many doubles a member of the largest group."""
        return np.empty(doubles * int(np.diff(self.member_from).max(initial=1)))


if LIBRARY is not None:
    _P, _N = ctypes.c_void_p, ctypes.c_int64
    LIBRARY.kc_hear_groups.argtypes = [_N, *[_P] * 7, _N, *[_P] * 4, _N, *[_P] * 7]
    LIBRARY.kc_hear_groups.restype = None
    LIBRARY.kc_hold_together.argtypes = [_N, *[_P] * 4, _N, *[_P] * 7]
    LIBRARY.kc_hold_together.restype = None
    LIBRARY.kc_near_groups.argtypes = [_N, *[_P] * 6, _N, *[_P] * 5]
    LIBRARY.kc_near_groups.restype = None


def hear(
    kept: Reports,
    rosters: Rosters,
    group_of: IntArray,
    mover: IntArray,
    t_s: FloatArray,
    place: FloatArray,
    doubt_m: FloatArray,
    joined: ByteArray,
) -> FloatArray:
    """Take in n reports one after the other; what each does to its group, shape (n, 11): `kc_hear_groups`."""
    if LIBRARY is None:
        return hear_slowly(kept, rosters, group_of, mover, t_s, place, doubt_m, joined)
    rows = np.empty((len(mover), 11))
    limits = np.column_stack((rosters.silent_s, rosters.halted_after_s))
    scratch = rosters.scratch(4)
    given = tuple(np.ascontiguousarray(array) for array in (mover, t_s, place, doubt_m, joined))
    LIBRARY.kc_hear_groups(
        len(mover),
        *(pointer(array) for array in (*given, kept.reports, kept.heard)),
        KEPT,
        *(pointer(array) for array in (kept.stands, kept.stand_count, kept.stand_since, kept.stand_came)),
        STANDS_KEPT,
        *(pointer(array) for array in (rosters.newest_s, group_of, rosters.member_from, rosters.member)),
        *(pointer(array) for array in (limits, scratch, rows)),
    )
    return rows


def hear_slowly(
    kept: Reports,
    rosters: Rosters,
    group_of: IntArray,
    mover: IntArray,
    t_s: FloatArray,
    place: FloatArray,
    doubt_m: FloatArray,
    joined: ByteArray,
) -> FloatArray:
    """The twin of the kernel."""
    rows = np.full((len(mover), 11), np.nan)
    for row, m in enumerate(mover.tolist()):
        g = int(group_of[m])
        last = float(kept.last_t_s(np.array([m]))[0])
        report = np.array([t_s[row], *place[row], doubt_m[row], joined[row]])
        kept.reports[m, kept.heard[m] % KEPT] = report
        kept.heard[m] += 1
        if g < 0:
            continue
        silent, halted_after = float(rosters.silent_s[g]), float(rosters.halted_after_s[g])
        _stand(kept, m, report[:5], last, halted_after / 24.0, silent)
        out = rows[row]
        out[BEFORE] = rosters.newest_s[g]
        rosters.newest_s[g] = np.fmax(rosters.newest_s[g], t_s[row])
        members = rosters.member[rosters.member_from[g] : rosters.member_from[g + 1]]
        lasts = kept.last_t_s(members)
        heard = members[rosters.newest_s[g] - lasts <= silent]
        lasts = kept.last_t_s(heard)
        many = heard[kept.heard[heard] > KEPT]
        horizon = lasts.min()
        if len(many):
            horizon = max(horizon, kept.reports[many, (kept.heard[many] - KEPT + 1) % KEPT, T].max())
        stood = lasts - kept.stand_since[heard]
        halted = np.sort(kept.stand_since[heard[stood >= halted_after]])
        moving = int(((stood < halted_after) & (kept.stand_came[heard] > 0)).sum())
        majority = len(heard) // 2 + 1
        out[HEARD], out[HORIZON] = len(heard), horizon
        out[MOVING] = len(halted) < majority and moving >= majority
        if len(halted) >= majority:
            out[HALTED_SINCE] = halted[majority - 1]
        at = np.sort(lasts)[::-1][(len(lasts) - 1) // 2]
        out[AT] = at
        places = [found for other in heard.tolist() if (found := kept.placed(other, float(at), silent)) is not None]
        points = np.array([point for point, _ in places]).reshape(-1, 3)
        toward = up(points).sum(axis=0)
        length = float(np.linalg.norm(toward))
        if not places or length <= 1e-6 * len(places):
            continue
        toward /= length
        normal = MAJOR_M / np.sqrt(1.0 - ECCENTRICITY2 * toward[2] ** 2)
        origin = normal * toward * np.array([1.0, 1.0, 1.0 - ECCENTRICITY2])
        plane = Plane.at(origin)
        out[MIDDLE] = plane.to_space(np.median(plane.to_xy(points), axis=0))
        out[SPREAD_OF_DOUBT] = max(doubt for _, doubt in places)
        out[PLACED] = len(places)
    return rows


def _elsewhere(one: FloatArray, other: FloatArray) -> bool:
    return bool(apart_m(one[X], other[X]) > one[DOUBT] + other[DOUBT])


def _stand(kept: Reports, m: int, report: FloatArray, last_s: float, apart_s: float, gap_s: float) -> None:
    t = float(report[T])
    if kept.stand_count[m] == 0 or t - last_s > gap_s:
        kept.stand_count[m] = 0
        kept.stand_since[m] = t
    count = int(kept.stand_count[m])
    oldest = max(0, count - STANDS_KEPT)
    first, found = t, False
    for i in range(count - 1, oldest - 1, -1):
        if _elsewhere(kept.stands[m, i % STANDS_KEPT], report):
            found = True
            break
        first = float(kept.stands[m, i % STANDS_KEPT, T])
    if not found and oldest > 0:
        first = min(float(kept.stand_since[m]), first)
    kept.stand_since[m] = first
    kept.stand_came[m] = found or oldest > 0
    newest = kept.stands[m, (count - 1) % STANDS_KEPT]
    if count == 0 or t - newest[T] >= apart_s or _elsewhere(newest, report):
        kept.stands[m, count % STANDS_KEPT] = report
        kept.stand_count[m] += 1


def hold_together(kept: Reports, rosters: Rosters, group_of: IntArray, mover: IntArray, at_s: FloatArray) -> FloatArray:
    """How the groups of n members held together at moments of their reports, shape (n, 6): `kc_hold_together`."""
    if LIBRARY is None:
        return hold_together_slowly(kept, rosters, group_of, mover, at_s)
    out, scratch = np.empty((len(mover), 6)), rosters.scratch(5)
    LIBRARY.kc_hold_together(
        len(mover),
        *(pointer(array) for array in (mover, at_s, kept.reports, kept.heard)),
        KEPT,
        *(pointer(array) for array in (group_of, rosters.member_from, rosters.member, rosters.spread_m)),
        *(pointer(array) for array in (rosters.silent_s, scratch, out)),
    )
    return out


def hold_together_slowly(
    kept: Reports, rosters: Rosters, group_of: IntArray, mover: IntArray, at_s: FloatArray
) -> FloatArray:
    """The twin of the kernel."""
    out = np.full((len(mover), 6), np.nan)
    for row, (m, at) in enumerate(zip(mover.tolist(), at_s.tolist(), strict=True)):
        g = int(group_of[m])
        members = rosters.member[rosters.member_from[g] : rosters.member_from[g + 1]]
        known = [other for other in members.tolist() if other >= 0 and kept.heard[other]]
        others = sum(other != m for other in known)
        places = {other: at_place for other in known if (at_place := kept.placed(other, at, rosters.silent_s[g]))}
        out[row, 2], out[row, 5] = len(places), others + 1
        if m not in places:
            continue
        names = list(places)
        points, doubts = np.array([places[o][0] for o in names]), np.array([places[o][1] for o in names])
        low = apart_m(points[:, None], points[None]) - doubts[:, None] - doubts
        mine = np.delete(low[names.index(m)], names.index(m))
        if len(mine) and 2 * len(mine) >= others:
            out[row, 0] = mine.min() > rosters.spread_m[g]
        out[row, 1] = mine.min(initial=np.inf)
        left, bodies = set(range(len(names))), []
        while left:
            body, grown = [left.pop()], 0
            while grown < len(body):
                near = {other for other in left if low[body[grown], other] <= rosters.spread_m[g]}
                body += near
                left -= near
                grown += 1
            bodies.append(body)
        large = [body for body in bodies if len(body) > 1]
        out[row, 3] = len(large)
        gaps = [low[np.ix_(one, other)].min() for k, one in enumerate(large) for other in large[:k]]
        out[row, 4] = min(gaps, default=0.0)
    return out


def near_groups(
    kept: Reports, rosters: Rosters, group: IntArray, at_s: FloatArray, place: FloatArray, doubt_m: FloatArray
) -> FloatArray:
    """Whether n places of movers were near some member of a group, and how near, shape (n, 2): `kc_near_groups`."""
    if LIBRARY is None:
        return near_groups_slowly(kept, rosters, group, at_s, place, doubt_m)
    out = np.empty((len(group), 2))
    LIBRARY.kc_near_groups(
        len(group),
        *(pointer(array) for array in (group, at_s, place, doubt_m, kept.reports, kept.heard)),
        KEPT,
        *(pointer(array) for array in (rosters.member_from, rosters.member, rosters.spread_m, rosters.silent_s, out)),
    )
    return out


def near_groups_slowly(
    kept: Reports, rosters: Rosters, group: IntArray, at_s: FloatArray, place: FloatArray, doubt_m: FloatArray
) -> FloatArray:
    """The twin of the kernel."""
    out = np.full((len(group), 2), np.nan)
    for row, g in enumerate(group.tolist()):
        members = rosters.member[rosters.member_from[g] : rosters.member_from[g + 1]].tolist()
        found = (kept.placed(m, float(at_s[row]), rosters.silent_s[g]) for m in members if m >= 0 and kept.heard[m])
        certain = [point for point, doubt in filter(None, found) if doubt <= rosters.spread_m[g]]
        if certain and doubt_m[row] <= rosters.spread_m[g]:
            nearest = float(apart_m(place[row], np.array(certain)).min())
            out[row] = nearest <= rosters.spread_m[g], nearest
    return out

"""Who is with a group: members that left, movers that joined, groups that split: `watch/cohesion.py`, kept up to date.

A report is compared with where the members were at its own moment, so it waits until all of them not silent have been
heard of after it (or until what is kept of one of them would no longer reach back to it). What flies joins nobody.
Before every member was heard of once, an answer may hang on who already was.
"""

from __future__ import annotations

from collections.abc import Collection

import numpy as np

from keepclear.geometry.columns import IntArray
from keepclear.geometry.earth import FloatArray
from keepclear.watch.company import near_balls
from keepclear.watch.group_reports import AT, hold_together, near_groups
from keepclear.watch.live_findings import LiveFindings, LiveKind
from keepclear.watch.live_ground import latlon
from keepclear.watch.live_groups import FASTEST_ON_THE_GROUND_M_S, Following, Heard
from keepclear.watch.live_switches import Runs

REPORTS = 3
LASTING_S = 900.0
_MEMBER, _AT, _PLACE, _DOUBT, _GROUP = 0, 1, slice(2, 5), 5, 6  # columns of reports that wait; group of movers only


class Membership:
    """`LEFT_GROUP` and `JOINED` of members and of others, `SPLIT` and `REUNITED` of groups.

    `away` holds the runs of reports that show a member with no other (keys: movers), `near` those that show another
    mover with a member (keys: mover times the number of groups, plus group), `split` those that show two bodies.
    """

    def __init__(
        self,
        following: Following,
        *,
        reports: int = REPORTS,
        lasting_s: float = LASTING_S,
        flying: Collection[str] = (),
    ) -> None:
        self._following = following
        self._flying = frozenset(flying)
        self._flies = np.zeros(0, dtype=bool)
        self.away = Runs(reports, lasting_s)
        self.near = Runs(reports, lasting_s)
        self.split = Runs(1, 0.0)
        self._members = np.empty((0, 7))
        self._others = np.empty((0, 7))

    def hear(self, heard: Heard) -> LiveFindings:
        """What reports show."""
        batch, group = heard.batch, heard.group
        waiting = np.column_stack((batch.mover, batch.t_s, batch.place, batch.uncertainty_m, group)).astype(np.float64)
        self._members = np.concatenate((self._members, waiting[group >= 0]))
        self._others = np.concatenate((self._others, self._candidates(waiting[group < 0])))
        known_s = self._following.known_s
        return LiveFindings.joined((*self._of_members(known_s), *self._of_others(known_s)))

    def _of_members(self, known_s: FloatArray) -> tuple[LiveFindings, ...]:
        following = self._following
        due = self._members[:, _AT] <= known_s[self._members[:, _GROUP].astype(np.int64)]
        rows, self._members = self._members[due], self._members[~due]
        rows = rows[np.argsort(rows[:, _AT], kind="stable")]
        mover, group = rows[:, _MEMBER].astype(np.int64), rows[:, _GROUP].astype(np.int64)
        at = np.ascontiguousarray(rows[:, _AT])
        shown = hold_together(following.reports, following.rosters, following.group_of, mover, at)
        gap, spread = following.rosters.silent_s[group], following.rosters.spread_m[group]
        told = []
        sure = np.flatnonzero(~np.isnan(shown[:, 0]))
        left, back = self.away.add(mover[sure], at[sure], shown[sure, 0] > 0.0, gap[sure])
        for kind, turn in ((LiveKind.LEFT_GROUP, left), (LiveKind.JOINED, back)):
            which = sure[turn.row]
            told.append(
                self._told(
                    kind,
                    mover[which],
                    group[which],
                    rows[which],
                    (spread - shown[:, 1])[which],
                    at[which] - turn.since_s,
                )
            )
        half = np.flatnonzero(2.0 * shown[:, 2] >= shown[:, 5])
        split, again = self.split.add(group[half], at[half], shown[half, 3] >= 2.0, gap[half])
        for kind, turn in ((LiveKind.SPLIT, split), (LiveKind.REUNITED, again)):
            which = half[turn.row]
            margin = (spread - shown[:, 4])[which]
            told.append(self._told(kind, None, group[which], rows[which], margin, at[which] - turn.since_s))
        return tuple(told)

    def _of_others(self, known_s: FloatArray) -> tuple[LiveFindings, ...]:
        following = self._following
        due = self._others[:, _AT] <= known_s[self._others[:, _GROUP].astype(np.int64)]
        rows, self._others = self._others[due], self._others[~due]
        rows = rows[np.argsort(rows[:, _AT], kind="stable")]
        mover, group = rows[:, _MEMBER].astype(np.int64), rows[:, _GROUP].astype(np.int64)
        at, place, doubt = (np.ascontiguousarray(rows[:, k]) for k in (_AT, _PLACE, _DOUBT))
        shown = near_groups(following.reports, following.rosters, group, at, place, doubt)
        sure = np.flatnonzero(~np.isnan(shown[:, 0]))
        key = mover * len(following) + group
        gap = following.rosters.silent_s[group]
        came, went = self.near.add(key[sure], at[sure], shown[sure, 0] > 0.0, gap[sure])
        margin = following.rosters.spread_m[group] - shown[:, 1]
        told = []
        for kind, turn in ((LiveKind.JOINED, came), (LiveKind.LEFT_GROUP, went)):
            which = sure[turn.row]
            told.append(
                self._told(kind, mover[which], group[which], rows[which], margin[which], at[which] - turn.since_s)
            )
        return tuple(told)

    def _candidates(self, others: FloatArray) -> FloatArray:
        """Reports of movers that are no members, once for each group that may be near, or of which a run must end."""
        following = self._following
        names = following.names
        if len(names) > len(self._flies):
            new = [name in self._flying for name in names[len(self._flies) :].tolist()]
            self._flies = np.concatenate((self._flies, np.array(new, dtype=bool)))
        others = others[~self._flies[others[:, _MEMBER].astype(np.int64)]]
        if not len(others):
            return others
        balls = following.balls(others[:, _AT])
        balls[:, 3] += following.rosters.spread_m
        heard = np.flatnonzero(~np.isnan(balls[:, 3]))
        asked = np.column_stack((others[:, _PLACE], np.zeros(len(others))))
        pairs = near_balls(asked, np.full(len(asked), -1), balls[heard], heard, 0.0)
        row, group = pairs[:, 0], heard[pairs[:, 1]]
        # Of these, only those that the group can have come near to by the moment of the report itself.
        since = np.abs(others[row, _AT] - following.row[group, AT])
        reach = following.balls(np.empty(0))[group, 3] + following.rosters.spread_m[group]
        away = np.sqrt(((others[row, _PLACE] - balls[group, :3]) ** 2).sum(axis=1))
        close = away <= reach + FASTEST_ON_THE_GROUND_M_S * since
        row, group = row[close], group[close]
        running = self.near.keys
        mine = np.isin(running // max(1, len(following)), others[:, _MEMBER].astype(np.int64))
        held_mover, held_group = np.divmod(running[mine], max(1, len(following)))
        order = np.argsort(others[:, _MEMBER], kind="stable")
        held_row = order[np.searchsorted(others[order, _MEMBER], held_mover)]
        both = np.unique(
            np.concatenate((np.column_stack((row, group)), np.column_stack((held_row, held_group)))), axis=0
        )
        found: FloatArray = others[both[:, 0]]
        found[:, _GROUP] = both[:, 1]
        return found

    def _told(
        self,
        kind: LiveKind,
        mover: IntArray | None,
        group: IntArray,
        rows: FloatArray,
        margin: FloatArray,
        value: FloatArray,
    ) -> LiveFindings:
        following = self._following
        lat, lon = latlon(rows[:, _PLACE])
        return LiveFindings.of(
            kind,
            following.ids[group] if mover is None else following.names[mover],
            rows[:, _AT],
            lat,
            lon,
            other="" if mover is None else following.ids[group],
            margin_m=margin,
            value=value,
        )

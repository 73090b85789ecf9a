"""Whether groups stand or move, and which have fallen silent: `watch/progress.py`, kept up to date.

A stand is told from `STANDS_KEPT` reports of each member, at least a 24th of `halted_after_s` apart unless they differ
by more than their uncertainties: who went elsewhere and came back within that is seen only if reported elsewhere. One
that crawls for longer than a third beyond `halted_after_s` is seen to do so only by what lies within it.
"""

from __future__ import annotations

import numpy as np

from keepclear.geometry.columns import IntArray
from keepclear.geometry.earth import FloatArray
from keepclear.watch.group_reports import BEFORE, HALTED_SINCE, MIDDLE, MOVING, SPREAD_OF_DOUBT
from keepclear.watch.live_findings import LiveFindings, LiveKind
from keepclear.watch.live_ground import latlon
from keepclear.watch.live_groups import Following, Heard
from keepclear.watch.live_switches import Switches


class Standing:
    """`HALTED` and `MOVING`; `LOST_CONTACT`, of the moment at which the silence grew too long, and `HEARD_AGAIN`."""

    def __init__(self, following: Following) -> None:
        self._following = following
        self.halted = Switches(len(following))
        self.lost = Switches(len(following))

    def hear(self, heard: Heard) -> LiveFindings:
        """What reports show."""
        rows = np.flatnonzero(heard.group >= 0)
        group, row = heard.group[rows], heard.rows[rows]
        halts, moves = self.halted.turn(group, ~np.isnan(row[:, HALTED_SINCE]), row[:, MOVING] > 0.0)
        t = heard.batch.t_s[rows]
        return LiveFindings.joined(
            (
                *self._silences(group, row, t),
                self._told(LiveKind.HALTED, group, row, t, halts, t - row[:, HALTED_SINCE]),
                self._told(LiveKind.MOVING, group, row, t, moves, np.full(len(t), np.nan)),
            )
        )

    def tick(self, now_s: float) -> LiveFindings:
        """Which groups have been silent for too long by now."""
        newest, silent = self._following.rosters.newest_s, self._following.rosters.silent_s
        lost = np.flatnonzero((now_s - newest > silent) & ~self.lost.on)
        self.lost.on[lost] = True
        return self._lost(lost, self._following.row[lost], newest[lost])

    def _silences(self, group: IntArray, row: FloatArray, t: FloatArray) -> tuple[LiveFindings, LiveFindings]:
        """A silence that nobody looked at while it lasted is told with its end."""
        silent = self._following.rosters.silent_s[group]
        broken = t - row[:, BEFORE] > silent
        first = np.zeros(len(group), dtype=bool)
        first[np.unique(group, return_index=True)[1]] = True
        known = self.lost.on[group] & first
        self.lost.on[group] = False
        again = np.flatnonzero(broken | known)
        unseen = np.flatnonzero(broken & ~known)
        return (
            self._lost(group[unseen], row[unseen], row[unseen, BEFORE]),
            self._told(LiveKind.HEARD_AGAIN, group, row, t, again, t - row[:, BEFORE]),
        )

    def _lost(self, group: IntArray, row: FloatArray, newest: FloatArray) -> LiveFindings:
        silent = self._following.rosters.silent_s[group]
        everything = np.arange(len(group))
        return self._told(LiveKind.LOST_CONTACT, group, row, newest + silent, everything, silent)

    def _told(
        self, kind: LiveKind, group: IntArray, row: FloatArray, t: FloatArray, which: IntArray, value: FloatArray
    ) -> LiveFindings:
        lat, lon = latlon(row[which][:, MIDDLE])
        return LiveFindings.of(
            kind,
            self._following.ids[group[which]],
            t[which],
            lat,
            lon,
            margin_m=row[which, SPREAD_OF_DOUBT],
            value=value[which],
        )


def halted_since_s(following: Following, group: int) -> float | None:
    """Since when more than half of a group's members have stood, if they have for its `halted_after_s`."""
    since = float(following.row[group, HALTED_SINCE])
    return None if np.isnan(since) else since


def is_moving(following: Following, group: int) -> bool:
    """Whether more than half showed themselves elsewhere within that time. Neither: it cannot be told."""
    return bool(following.row[group, MOVING] > 0.0)

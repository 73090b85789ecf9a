"""Groups along their routes: how far, how late by what is certain, off or on: `watch/progress.py`, kept up to date.

Off the route once the middle is certainly farther from it than `off_route_m`; back when it can be within that less a
tenth. Late or early once by more than `late_s`, as far as the uncertainty of the place leaves it certain; on time again
within that less a tenth. A halt that was planned makes nobody late.
"""

from __future__ import annotations

import numpy as np

from keepclear.geometry.columns import IntArray
from keepclear.geometry.earth import FloatArray
from keepclear.watch.group_reports import AT, MIDDLE, SPREAD_OF_DOUBT
from keepclear.watch.live_findings import LiveFindings, LiveKind
from keepclear.watch.live_ground import latlon
from keepclear.watch.live_groups import Following, Heard
from keepclear.watch.live_lines import CHAINAGE, EXPECTED, LATE, OFF, Lines, on_routes
from keepclear.watch.live_switches import Switches

HYSTERESIS = 0.1


class Routes:
    """`OFF_ROUTE`, `BACK_ON_ROUTE`, `LATE`, `EARLY`, `ON_TIME`. `along[g]` holds the last answer of group g: metres
    from the start, metres off, metres where the plan has it, seconds late; NaN where there is none."""

    def __init__(self, following: Following) -> None:
        self._following = following
        groups = following.groups
        used = np.unique(groups.route[groups.route >= 0])
        self.lines = Lines.of_ways(groups.routes, used.tolist()) if groups.routes is not None else Lines.of([])
        self._line = np.where(groups.route >= 0, np.searchsorted(used, groups.route), -1)
        self.along: FloatArray = np.full((len(groups), 4), np.nan)
        self.off = Switches(len(groups))
        self.late = Switches(len(groups))
        self.early = Switches(len(groups))

    def hear(self, heard: Heard) -> LiveFindings:
        """What reports show."""
        has_route = (heard.group >= 0) & (self._line[heard.group] >= 0)
        rows = np.flatnonzero(has_route & ~np.isnan(heard.rows[:, SPREAD_OF_DOUBT]))
        if not len(rows):
            return LiveFindings.none()
        group, row = heard.group[rows], heard.rows[rows]
        doubt = row[:, SPREAD_OF_DOUBT]
        found = on_routes(self.lines, self._line[group], row[:, AT], row[:, MIDDLE], doubt)
        self.along[group] = found  # of several rows of one group the last stays
        groups = self._following.groups
        corridor, allowed = groups.off_route_m[group], groups.late_s[group]
        surely_off = found[:, OFF] - doubt
        off, back = self.off.turn(group, surely_off > corridor, surely_off <= corridor * (1.0 - HYSTERESIS))
        late_s = found[:, LATE]
        again = allowed * (1.0 - HYSTERESIS)
        late, not_late = self.late.turn(group, late_s > allowed, late_s <= again)
        early, not_early = self.early.turn(group, late_s < -allowed, late_s >= -again)
        on_time = np.union1d(not_late, not_early)
        on_time = on_time[np.abs(late_s[on_time]) <= allowed[on_time]]
        ahead = found[:, CHAINAGE] - found[:, EXPECTED]
        return LiveFindings.joined(
            (
                *(
                    self._told(kind, group, row, which, corridor - surely_off, found[:, OFF])
                    for kind, which in ((LiveKind.OFF_ROUTE, off), (LiveKind.BACK_ON_ROUTE, back))
                ),
                *(
                    self._told(kind, group, row, which, ahead, late_s)
                    for kind, which in ((LiveKind.LATE, late), (LiveKind.EARLY, early), (LiveKind.ON_TIME, on_time))
                ),
            )
        )

    def share(self, group: int) -> float | None:
        """How much of its route a group has behind it, 0 to 1; None if it has none or cannot be placed."""
        chainage = float(self.along[group, CHAINAGE])
        return None if np.isnan(chainage) else chainage / self.lines.length_m(int(self._line[group]))

    def _told(
        self,
        kind: LiveKind,
        group: IntArray,
        row: FloatArray,
        which: IntArray,
        margin: FloatArray,
        value: FloatArray,
    ) -> LiveFindings:
        lat, lon = latlon(row[which][:, MIDDLE])
        return LiveFindings.of(
            kind,
            self._following.ids[group[which]],
            row[which, AT],
            lat,
            lon,
            margin_m=margin[which],
            value=value[which],
        )

"""The way an asset went as its reports tell: even legs between reports near enough in time, and how far it may have
strayed from them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from keepclear.geometry.earth import FloatArray, distance_m, distances_m
from keepclear.geometry.pack import Legs, fix_legs, seconds
from keepclear.geometry.surface import places
from keepclear.watch.history import History, Report, stray_m

LEAST_RADIUS_M = 6_335_439.0
"""No way along the ground curves more than a circle of this radius."""
_ROOM_M = 10.0  # the bow of the longest step is 2 m more than what is reckoned


@dataclass(frozen=True, slots=True)
class Path:
    """The reports of an asset and the legs they span; `reports[legs.source[i]]` begins leg i.

    Long legs are cut, so several may lie between the same two reports. A report that is joined to none is a leg of no
    length.
    """

    asset: str
    author: str
    reports: tuple[Report, ...]
    legs: Legs

    @classmethod
    def of(
        cls, history: History, max_gap_s: float, since: datetime | None = None, until: datetime | None = None
    ) -> Path:
        """The path from `since` to `until`, from the last report not after `since` on; either may be open."""
        reports = history.since(since, until)
        return cls(history.asset, history.author, reports, fix_legs([report.fix for report in reports], max_gap_s))

    def ends(self, i: int) -> tuple[Report, Report]:
        """The reports between which leg i lies; twice the same for a lone report."""
        source = int(self.legs.source[i])
        alone = self.legs.t0_s[i] == self.legs.t1_s[i]
        return self.reports[source], self.reports[source if alone else source + 1]

    def uncertainty_m(self, i: int, t_s: float) -> float:
        """How uncertain the place is at a time on leg i."""
        before, after = self.ends(i)
        worst = max(before.fix.uncertainty_m, after.fix.uncertainty_m)
        if before is after:
            return worst
        length = distance_m(before.fix.lat_deg, before.fix.lon_deg, after.fix.lat_deg, after.fix.lon_deg)
        begin, end = seconds(before.fix.at), seconds(after.fix.at)
        return worst + stray_m(length, (t_s - begin) / (end - begin))

    def uncertainties_m(self) -> FloatArray:
        """How uncertain the place is on each leg at most, shape (n,)."""
        legs = self.legs
        doubt = np.array([report.fix.uncertainty_m for report in self.reports])
        worst = np.where(
            legs.t0_s == legs.t1_s,
            doubt[legs.source],
            np.maximum(doubt[legs.source], doubt[np.minimum(legs.source + 1, len(doubt) - 1)]),
        )
        length = np.bincount(legs.source, weights=legs.lengths_m(), minlength=len(doubt))[legs.source]
        return np.asarray(worst + stray_m(1.0, 0.5) * length)

    def moved(self, t0_s: float, t1_s: float) -> bool:
        """Whether a report about a stretch of time differs from the first of them by more than both uncertainties."""
        during = (self.legs.t1_s > t0_s) & (self.legs.t0_s < t1_s)
        if t0_s == t1_s:
            during = (self.legs.t1_s >= t0_s) & (self.legs.t0_s <= t1_s)
        fixes = [report.fix for i in np.flatnonzero(during).tolist() for report in self.ends(i)]
        if not fixes:
            return False
        first = fixes[0]
        away = distances_m(first.lat_deg, first.lon_deg, [fix.lat_deg for fix in fixes], [fix.lon_deg for fix in fixes])
        return any(
            distance > fix.uncertainty_m + first.uncertainty_m
            for distance, fix in zip(away.tolist(), fixes, strict=True)
        )


def path_balls(runs: Sequence[Sequence[Report]]) -> FloatArray:
    """A ball in space about each of n runs of reports, shape (n, 4): x, y, z and radius. No run is empty.

    It holds the reports and the even ways between those that are joined, however the chord of one may bow.
    """
    if not runs:
        return np.empty((0, 4))
    fixes = [report.fix for run in runs for report in run]
    points = places([fix.lat_deg for fix in fixes], [fix.lon_deg for fix in fixes])
    first = np.cumsum([0, *(len(run) for run in runs[:-1])])
    low, high = np.minimum.reduceat(points, first), np.maximum.reduceat(points, first)
    square = ((high - low) ** 2).sum(axis=1)
    radius = np.sqrt(square) / 2 + square / (8.0 * LEAST_RADIUS_M) + _ROOM_M
    return np.column_stack(((low + high) / 2, radius))

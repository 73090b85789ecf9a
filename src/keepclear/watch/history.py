"""The reports of one asset in order of time, and what may be said between two of them."""

from __future__ import annotations

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

import numpy as np

from keepclear.geometry.earth import distance_m
from keepclear.geometry.pack import along
from keepclear.model.basis import Basis
from keepclear.model.groups import AssetKind
from keepclear.model.tracks import Fix, SensorClass, Track

HASTE = 1.2
"""Between two reports an asset is held to have gone no faster than this times the speed that just joins them.

A convention, not a fact: a vehicle that went out and came back between two reports is not seen.
"""

FLYING = frozenset({AssetKind.AIRCRAFT, AssetKind.DRONE})
"""Kinds that pass above a group rather than travel with it."""

_STRAY = math.sqrt(HASTE**2 - 1.0)


@dataclass(frozen=True, slots=True)
class Report:
    """One reported position: by what sensor, on what basis, in which act."""

    fix: Fix
    sensor: SensorClass
    basis: Basis
    act: str

    @property
    def synthetic(self) -> bool:
        """True where the position was made up."""
        return not self.basis.is_fact

    def _rank(self) -> tuple[bool, float, str, str]:
        return self.synthetic, self.fix.uncertainty_m, self.act, self.sensor.value


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """Where an asset was at a moment, within `uncertainty_m`, as its reports around that moment tell.

    `alt_wgs84_m` is missing if either report has none. `acts` are those of the one or two reports it rests on.
    """

    at: datetime
    lat_deg: float
    lon_deg: float
    uncertainty_m: float
    alt_wgs84_m: float | None
    synthetic: bool
    acts: tuple[str, ...]


class History:
    """All reports of one asset by one author, by whatever sensor.

    The order in which tracks are added makes no difference, nor does adding one twice. If two reports are of the same
    moment one is kept: fact before what was made up, then the smaller uncertainty, then the smaller act id.
    """

    __slots__ = ("_reports", "_times", "asset", "author", "flies", "kind")

    def __init__(self, asset: str, kind: AssetKind, author: str = "") -> None:
        self.asset = asset
        self.kind = kind
        self.author = author
        self.flies = kind in FLYING
        """Whether any report so far says that it flies."""
        self._times: list[datetime] = []
        self._reports: list[Report] = []

    def __len__(self) -> int:
        return len(self._reports)

    def __repr__(self) -> str:
        return f"History({self.asset!r}, {self.kind.value!r}, {len(self)} reports)"

    def add(self, track: Track, act: str) -> None:
        """Take in the fixes of a track said in `act`. Raises ValueError if the track is of another asset."""
        if track.asset != self.asset:
            raise ValueError(f"asset {track.asset} is not {self.asset}")
        self.flies |= track.kind in FLYING
        for fix in track.fixes:
            report = Report(fix, track.sensor, track.basis, act)
            i = bisect_left(self._times, fix.at)
            if i == len(self._times) or self._times[i] != fix.at:
                self._times.insert(i, fix.at)
                self._reports.insert(i, report)
            elif report._rank() < self._reports[i]._rank():
                self._reports[i] = report

    def last(self, at: datetime | None = None) -> Report | None:
        """The newest report, or the newest not after `at`; None if there is none."""
        i = len(self._times) if at is None else bisect_right(self._times, at)
        return self._reports[i - 1] if i else None

    def following(self, at: datetime) -> Report | None:
        """The first report after `at`, or None."""
        i = bisect_right(self._times, at)
        return self._reports[i] if i < len(self._reports) else None

    def between(self, start: datetime | None = None, end: datetime | None = None) -> tuple[Report, ...]:
        """The reports from `start` to `end`, both included; an end that is missing is open."""
        first = 0 if start is None else bisect_left(self._times, start)
        stop = len(self._times) if end is None else bisect_right(self._times, end)
        return tuple(self._reports[first:stop])

    def since(self, start: datetime | None, until: datetime | None = None) -> tuple[Report, ...]:
        """The reports needed to speak of every moment from `start` on: from the last one not after it.

        With `until`, none after that; either may be open.
        """
        first = 0 if start is None else max(0, bisect_right(self._times, start) - 1)
        stop = len(self._times) if until is None else bisect_right(self._times, until)
        return tuple(self._reports[first:stop])

    def backwards(self, at: datetime | None = None) -> Iterable[Report]:
        """The reports not after `at`, newest first; nothing is copied, so a caller may stop early at no cost."""
        stop = len(self._times) if at is None else bisect_right(self._times, at)
        return (self._reports[i] for i in range(stop - 1, -1, -1))

    def estimate(self, at: datetime, max_gap_s: float) -> Estimate | None:
        """Where the asset was at `at`; None outside the reports, or between two further apart than `max_gap_s`.

        At a report it is the report. Between two it is the point reached by going evenly along the geodesic, and the
        uncertainty is the larger of the two plus `stray_m`.
        """
        i = bisect_left(self._times, at)
        if i < len(self._times) and self._times[i] == at:
            report = self._reports[i]
            fix = report.fix
            return Estimate(
                at=at,
                lat_deg=fix.lat_deg,
                lon_deg=fix.lon_deg,
                uncertainty_m=fix.uncertainty_m,
                alt_wgs84_m=fix.alt_wgs84_m,
                synthetic=report.synthetic,
                acts=(report.act,),
            )
        if i in (0, len(self._times)):
            return None
        before, after = self._reports[i - 1], self._reports[i]
        return _between(before, after, at, max_gap_s)


def stray_m(length_m: float, share: float) -> float:
    """How far an asset may have been from the even path, a `share` of the time into a leg of `length_m`.

    It is the farthest point from the even path that can be reached from both ends at `HASTE` times the speed that just
    joins them: with k for `HASTE` and f for the share, the two circles of radius k·f·L and k·(1-f)·L about the ends
    meet at L·sqrt((k²-1)·f·(1-f)) from it. (Near the ends, where one circle lies within the other, this is a little
    more than what can be reached.) Zero at the reports themselves, and for an asset that did not move.
    """
    return length_m * _STRAY * math.sqrt(max(0.0, share * (1.0 - share)))


def acts_of(reports: Iterable[Report]) -> tuple[str, ...]:
    """The acts of reports, each once, in order of first use."""
    return tuple(dict.fromkeys(report.act for report in reports))


def _between(before: Report, after: Report, at: datetime, max_gap_s: float) -> Estimate | None:
    gap_s = (after.fix.at - before.fix.at).total_seconds()
    if gap_s > max_gap_s:
        return None
    share = (at - before.fix.at).total_seconds() / gap_s
    a, b = before.fix, after.fix
    lat, lon = along(
        np.array([a.lat_deg]), np.array([a.lon_deg]), np.array([b.lat_deg]), np.array([b.lon_deg]), np.array([share])
    )
    length = distance_m(a.lat_deg, a.lon_deg, b.lat_deg, b.lon_deg)
    height: float | None = None
    if a.alt_wgs84_m is not None and b.alt_wgs84_m is not None:
        height = a.alt_wgs84_m + (b.alt_wgs84_m - a.alt_wgs84_m) * share
    return Estimate(
        at=at,
        lat_deg=float(lat[0]),
        lon_deg=float(lon[0]),
        uncertainty_m=max(a.uncertainty_m, b.uncertainty_m) + stray_m(length, share),
        alt_wgs84_m=height,
        synthetic=before.synthetic or after.synthetic,
        acts=acts_of((before, after)),
    )

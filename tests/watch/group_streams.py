"""Streams of reports for tests of live watchers: cut into batches as one likes, and as histories for the twins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

import numpy as np

from keepclear.geometry.earth import points_in_space
from keepclear.model.groups import AssetKind
from keepclear.watch.batch import Batch, Movers
from keepclear.watch.history import History
from tests.watch.reports import DESERT, START, Spot, history, spot


class Report(NamedTuple):
    """An asset, minutes after `START`, metres east and north, metres of uncertainty."""

    asset: str
    minutes: float
    east: float
    north: float
    uncertainty_m: float = 10.0


def seconds(minutes: float) -> float:
    return START.timestamp() + 60.0 * minutes


class Stream:
    """Hands reports on as `Watch` would: each mover once a batch, none older than what was known of it."""

    def __init__(self, place: tuple[float, float] = DESERT, max_gap_s: float = 1_200.0) -> None:
        self.place = place
        self.max_gap_s = max_gap_s
        self.movers = Movers(
            ids=np.empty(0, dtype=object),
            t_s=np.empty(0),
            lat_deg=np.empty(0),
            lon_deg=np.empty(0),
            place=np.empty((0, 3)),
            alt_m=np.empty(0),
            datum=np.empty(0, dtype=np.uint8),
            uncertainty_m=np.empty(0),
        )

    def batches(self, reports: Iterable[Report], cuts: Sequence[int] = ()) -> Iterator[tuple[Batch, Movers]]:
        """The reports in their order, cut before the places given and wherever a mover comes a second time."""
        waiting: list[Report] = []
        for k, report in enumerate(reports):
            if waiting and (k in cuts or any(report.asset == other.asset for other in waiting)):
                yield self._batch(waiting), self.movers
                waiting = []
            waiting.append(report)
        if waiting:
            yield self._batch(waiting), self.movers

    def _batch(self, reports: list[Report]) -> Batch:
        new = [r.asset for r in reports if r.asset not in self.movers.ids.tolist()]
        self._grow(new)
        names = self.movers.ids.tolist()
        mover = np.array([names.index(r.asset) for r in reports], dtype=np.int64)
        lat, lon = np.array([spot(self.place, r.east, r.north) for r in reports]).T.copy()
        t = np.array([seconds(r.minutes) for r in reports])
        place = points_in_space(lat, lon)
        doubt = np.array([r.uncertainty_m for r in reports])
        before_t = self.movers.t_s[mover]
        before = np.column_stack((before_t, self.movers.place[mover], self.movers.alt_m[mover]))
        n = len(reports)
        batch = Batch(
            mover=mover,
            t_s=t,
            lat_deg=lat,
            lon_deg=lon,
            place=place,
            alt_m=np.full(n, np.nan),
            datum=np.zeros(n, dtype=np.uint8),
            uncertainty_m=doubt,
            before=before,
            joined=t - before_t <= self.max_gap_s,
        )
        assert not (t <= before_t).any(), "a stream is in order of time for each mover"
        self.movers.t_s[mover], self.movers.lat_deg[mover], self.movers.lon_deg[mover] = t, lat, lon
        self.movers.place[mover], self.movers.uncertainty_m[mover] = place, doubt
        return batch

    def _grow(self, new: list[str]) -> None:
        old, n = self.movers, len(new)
        nan = np.full(n, np.nan)
        self.movers = Movers(
            ids=np.concatenate((old.ids, np.array(new, dtype=object))),
            t_s=np.concatenate((old.t_s, nan)),
            lat_deg=np.concatenate((old.lat_deg, nan)),
            lon_deg=np.concatenate((old.lon_deg, nan)),
            place=np.concatenate((old.place, np.full((n, 3), np.nan))),
            alt_m=np.concatenate((old.alt_m, nan)),
            datum=np.concatenate((old.datum, np.zeros(n, dtype=np.uint8))),
            uncertainty_m=np.concatenate((old.uncertainty_m, nan)),
        )


def histories(
    reports: Iterable[Report], place: tuple[float, float] = DESERT, kind: AssetKind = AssetKind.BUS
) -> dict[str, History]:
    """The same reports, as the rooms that work on values take them."""
    by_asset: dict[str, list[Report]] = {}
    for report in reports:
        by_asset.setdefault(report.asset, []).append(report)
    found = {}
    for asset, its in by_asset.items():
        whole = History(asset, kind)
        for k, report in enumerate(its):
            spots: list[Spot] = [(report.minutes, report.east, report.north)]
            one = history(asset, spots, kind=kind, place=place, uncertainty_m=report.uncertainty_m, said=k)
            (only,) = one.between()
            whole._times.append(only.fix.at)
            whole._reports.append(only)
        found[asset] = whole
    return found

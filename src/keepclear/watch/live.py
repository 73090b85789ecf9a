"""Live positions, batch by batch, and what they show."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from keepclear.errors import Malformed
from keepclear.geometry.columns import Positions
from keepclear.geometry.turns import Turns
from keepclear.watch.batch import Batch, Movers
from keepclear.watch.fences import Fences
from keepclear.watch.intake import Counts, Intake
from keepclear.watch.live_findings import LiveFindings, Watcher
from keepclear.watch.live_group_watch import GroupWatch
from keepclear.watch.live_groups import Groups
from keepclear.watch.proximity import Proximity


class Watch:
    """Takes in positions of any number of movers, and tells what changes.

    Any number of threads may share one: each call has it alone while others wait.

    `fences` are a `Fences`, or what it takes; `proximity` a `Proximity`, or a radius in metres; `groups` a
    `GroupWatch`, or a `Groups`. `watchers` are handed every batch after them. The same positions in the same order give
    the same findings of fences, proximity and groups, in whatever batches they come.
    """

    def __init__(
        self,
        *,
        fences: object = None,
        proximity: Proximity | float | None = None,
        groups: GroupWatch | Groups | None = None,
        watchers: Sequence[Watcher] = (),
        intake: Intake | None = None,
    ) -> None:
        self._intake = Intake() if intake is None else intake
        self.fences: Fences | None = None
        self.proximity: Proximity | None = None
        if fences is not None:
            gap = self._intake.max_gap_s
            self.fences = fences if isinstance(fences, Fences) else Fences(fences, max_gap_s=gap)
        if proximity is not None:
            self.proximity = proximity if isinstance(proximity, Proximity) else Proximity(proximity)
        self.groups = GroupWatch(groups) if isinstance(groups, Groups) else groups
        self._straight = tuple(each for each in (self.fences, self.proximity, self.groups) if each is not None)
        self._watchers = tuple(watchers)
        self._turns = Turns()

    @property
    def counts(self) -> Counts:
        """How many reports came, and what became of them."""
        return self._intake.counts

    @property
    def movers(self) -> Movers:
        """The movers as they are now known."""
        return self._intake.movers()

    def feed(self, positions: Positions) -> LiveFindings:
        """What these positions show: of the reports themselves, then of fences, proximity, groups, each other watcher.

        Raises `Malformed` naming the first position at fault, such as `positions[17].lat_deg`; nothing is then changed.
        """
        with self._turns:
            batch, notes = self._intake.take(positions)
            movers = self._intake.movers()
            parts = [notes, *(each.feed(batch, movers) for each in self._straight)]
            if self._watchers:
                for once in rounds(batch):
                    parts += [watcher.feed(once, movers) for watcher in self._watchers]
        return LiveFindings.joined(parts)

    def tick(self, now_s: float) -> LiveFindings:
        """What the passing of time shows, with no position having come. `now_s` is seconds since 1970 UTC.

        Raises `Malformed` for one that is not finite.
        """
        if not math.isfinite(now_s):
            raise Malformed(f"{now_s} is not a finite number", field="now_s", code="not_finite")
        with self._turns:
            movers = self._intake.movers()
            return LiveFindings.joined(each.tick(now_s, movers) for each in (*self._straight, *self._watchers))


def rounds(batch: Batch) -> Iterable[Batch]:
    """The same positions, in batches that hold no mover twice; those of each mover stay in their order."""
    if not len(batch):
        return ()
    order = np.argsort(batch.mover, kind="stable")
    sorted_mover = batch.mover[order]
    begins = np.concatenate(([True], sorted_mover[1:] != sorted_mover[:-1]))
    first = np.maximum.accumulate(np.where(begins, np.arange(len(order)), 0))
    time = np.empty(len(order), dtype=np.int64)  # the how manieth of its mover
    time[order] = np.arange(len(order)) - first
    last = int(time.max())
    return (batch,) if last == 0 else tuple(batch.take(np.flatnonzero(time == k)) for k in range(last + 1))

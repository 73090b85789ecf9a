"""Everything that is watched of groups, in one watcher for `Watch`."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

import numpy as np

from keepclear.model.boundaries import Boundary
from keepclear.watch.batch import Batch, Movers
from keepclear.watch.live_boundaries import Boundaries
from keepclear.watch.live_encounters import Encounters, GroupFences
from keepclear.watch.live_findings import LiveFindings
from keepclear.watch.live_groups import Following, Groups
from keepclear.watch.live_membership import Membership
from keepclear.watch.live_routes import Routes
from keepclear.watch.live_standing import Standing


class GroupWatch:
    """Follows groups: `Standing`, `Routes`, `Membership`, `GroupFences`, and, if asked for, `Encounters` (nearer than
    `encounters_m`) and `Boundaries`; each in a page of its own, and here under its name.

    What flies (`flying`, ids) joins no group. Encounters, fences and boundaries go by ways between reports that the
    intake joined: where groups report seldom its `max_gap_s` must allow that. Positions in the same order show the same
    in whatever batches they come, once every member was heard of.
    """

    def __init__(
        self,
        groups: Groups,
        *,
        encounters_m: float | None = None,
        boundaries: Sequence[Boundary] = (),
        flying: Collection[str] = (),
    ) -> None:
        self.following = Following(groups)
        self.standing = Standing(self.following)
        self.routes = Routes(self.following)
        self.membership = Membership(self.following, flying=flying)
        self.fences = GroupFences(self.following)
        self.encounters = Encounters(self.following, encounters_m) if encounters_m is not None else None
        self.boundaries = Boundaries(self.following, boundaries) if boundaries else None

    def feed(self, batch: Batch, movers: Movers) -> LiveFindings:
        """What these positions show."""
        parts: list[LiveFindings] = []
        for part in in_order(batch):
            heard = self.following.hear(part, movers)
            parts += [self.standing.hear(heard), self.routes.hear(heard), self.membership.hear(heard)]
            parts.append(self.fences.hear(heard))
            parts += [each.hear(heard) for each in (self.encounters, self.boundaries) if each is not None]
        return LiveFindings.joined(parts)

    def tick(self, now_s: float, movers: Movers) -> LiveFindings:
        """What the passing of time shows: groups not heard of, encounters and stays that end with the reports."""
        timed = (self.standing, self.fences, self.encounters)
        return LiveFindings.joined([each.tick(now_s) for each in timed if each is not None])


def in_order(batch: Batch) -> Iterable[Batch]:
    """The same positions in the same order, cut wherever a mover comes a second time."""
    order = np.argsort(batch.mover, kind="stable")
    again = np.flatnonzero(batch.mover[order][1:] == batch.mover[order][:-1]) + 1
    if not len(again):
        return (batch,)
    earlier = np.full(len(batch), -1)
    earlier[order[again]] = order[again - 1]
    cuts, begin = [], 0
    for row in np.flatnonzero(earlier >= 0).tolist():
        if earlier[row] >= begin:
            cuts.append(row)
            begin = row
    return [batch.take(rows) for rows in np.split(np.arange(len(batch)), cuts)]

"""A live watch that takes fences, routes and positions in any shape, and groups as they are declared."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from keepclear.engine.sources import plans, positions
from keepclear.model.boundaries import Boundary
from keepclear.model.groups import Group
from keepclear.watch import live
from keepclear.watch.fences import Fences
from keepclear.watch.live_findings import LiveFindings
from keepclear.watch.live_group_watch import GroupWatch
from keepclear.watch.live_groups import Groups


class Watch(live.Watch):
    """`watch.live.Watch`, which tells what else it is made with; fences and positions are all that `engine.sources`
    takes.

    `groups` may be declared groups too: each is then followed along the way of its plan among `routes`, with encounters
    nearer than `encounters_m` (None: not looked for) and `boundaries` watched.
    """

    def __init__(
        self,
        *,
        fences: object = None,
        groups: GroupWatch | Groups | Sequence[Group] | None = None,
        routes: object = None,
        encounters_m: float | None = None,
        boundaries: Sequence[Boundary] = (),
        **more: Any,
    ) -> None:
        ready = fences is None or isinstance(fences, Fences)
        if groups is not None and not isinstance(groups, GroupWatch | Groups):
            groups = Groups.of(groups, None if routes is None else plans(routes))
        if isinstance(groups, Groups):
            groups = GroupWatch(groups, encounters_m=encounters_m, boundaries=boundaries)
        super().__init__(fences=fences if ready else plans(fences), groups=groups, **more)

    def feed(self, reported: object) -> LiveFindings:
        """What these positions show."""
        return super().feed(positions(reported))

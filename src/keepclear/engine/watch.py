"""A live watch that takes fences, routes and positions in any shape, and groups as they are declared."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TypeVar

from keepclear.engine.sources import plans, positions
from keepclear.errors import Malformed
from keepclear.model.boundaries import Boundary
from keepclear.model.groups import Group
from keepclear.watch import fences as of_plans
from keepclear.watch import live
from keepclear.watch.intake import Intake
from keepclear.watch.live_findings import LiveFindings, Watcher
from keepclear.watch.live_group_watch import GroupWatch
from keepclear.watch.live_groups import Groups
from keepclear.watch.proximity import Proximity

T = TypeVar("T")


class Fences(of_plans.Fences):
    """`watch.fences.Fences`, which tells what it is made with; plans are all that `engine.sources.plans` takes."""

    def put(self, fences: object) -> None:
        """Put up fences; one with the id of another takes its place, and its stays begin anew."""
        super().put(plans(fences))


class Watch(live.Watch):
    """`watch.live.Watch`; fences, routes and positions are all that `engine.sources` takes.

    `groups` may be declared groups: each is then followed along the way of its plan among `routes`, with encounters
    nearer than `encounters_m` (None: not looked for) and `boundaries` watched. Two reports of a mover more than
    `max_gap_s` apart are not joined. Raises `Malformed` naming what cannot be, or would be passed over.
    """

    def __init__(
        self,
        *,
        fences: object = None,
        proximity: Proximity | float | None = None,
        groups: GroupWatch | Groups | Group | Iterable[Group] | None = None,
        routes: object = None,
        encounters_m: float | None = None,
        boundaries: Boundary | Iterable[Boundary] = (),
        watchers: Sequence[Watcher] = (),
        max_gap_s: float = 300.0,
    ) -> None:
        ready = fences is None or isinstance(fences, of_plans.Fences)
        lines = _each(boundaries, Boundary, "boundaries")
        if groups is None or isinstance(groups, GroupWatch):
            _not_along(routes=routes, encounters_m=encounters_m, boundaries=lines or None)
        else:
            if isinstance(groups, Groups):
                _not_along(routes=routes)
            else:
                declared = _each(groups, Group, "groups")
                groups = Groups.of(declared, None if routes is None else plans(routes))
            groups = GroupWatch(groups, encounters_m=encounters_m, boundaries=lines)
        super().__init__(
            fences=fences if ready else plans(fences),
            proximity=proximity,
            groups=groups,
            watchers=watchers,
            intake=Intake(max_gap_s=max_gap_s),
        )

    def feed(self, reported: object) -> LiveFindings:
        """What these positions show."""
        return super().feed(positions(reported))


def _each(values: object, kind: type[T], name: str) -> tuple[T, ...]:
    """One value of a kind, or several; `Malformed` naming the first that is something else."""
    found = tuple(values) if isinstance(values, Iterable) and not isinstance(values, str | bytes) else (values,)
    for place, each in enumerate(found):
        if not isinstance(each, kind):
            message = f"{type(each).__name__} is not taken; a {kind.__name__} is needed"
            raise Malformed(message, field=f"{name}[{place}]")
    return found


def _not_along(**given: object) -> None:
    """Refuse what would be passed over, with no groups or with groups that were made ready before."""
    for name, value in given.items():
        if value is not None:
            message = "this is for groups as they are declared; none are given, or they were made ready before"
            raise Malformed(message, field=name, code="groups_otherwise")

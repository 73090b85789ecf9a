"""Declared groups as columns, and where their members' reports put them, for thousands of groups at once.

A group stands at the last moment at which half of its members not silent can be placed, in the middle of those placed:
`watch/progress.py` says how. Reports are taken one after the other, so what is found does not depend on how they were
cut into batches. `KEPT` reports of each mover are kept; a member that has reported oftener than that since the moment
that is looked at cannot be placed there.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from keepclear.errors import Malformed
from keepclear.geometry.columns import IntArray, Plans
from keepclear.geometry.earth import FloatArray
from keepclear.model.groups import Group
from keepclear.watch.batch import Batch, Movers, Names
from keepclear.watch.group_reports import AT, HORIZON, MIDDLE, Reports, Rosters, hear

FASTEST_ON_THE_GROUND_M_S = 70.0
"""What a group may have moved since it was last placed, when a look is taken at who may be near it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Groups:
    """n groups. The members of group i are `member_from[i]` up to `member_from[i + 1]` of `members`; a mover is a
    member of one group at most. `route[i]` is a place in `routes`, -1 for none; `fence_m` the radius of the fence that
    moves with the group, NaN for none; the others are as in `model.groups.Group`."""

    ids: tuple[str, ...]
    member_from: IntArray  # (n + 1,)
    members: tuple[str, ...]
    spread_m: FloatArray  # (n,)
    off_route_m: FloatArray  # (n,)
    late_s: FloatArray  # (n,)
    halted_after_s: FloatArray  # (n,)
    silent_after_s: FloatArray  # (n,)
    fence_m: FloatArray  # (n,)
    route: IntArray  # (n,)
    routes: Plans | None = None

    @classmethod
    def of(cls, groups: Sequence[Group], routes: Plans | None = None, *, fence_m: npt.ArrayLike = np.nan) -> Groups:
        """Groups as declared, and the plans whose ways they are to go; a plan that is not among these is no route."""
        known = {plan: i for i, plan in enumerate(routes.ids)} if routes is not None else {}

        def column(name: str) -> FloatArray:
            return np.array([getattr(group, name) for group in groups], dtype=np.float64)

        return cls(
            ids=tuple(group.id for group in groups),
            member_from=np.concatenate(([0], np.cumsum([len(group.members) for group in groups]))).astype(np.int64),
            members=tuple(member.asset for group in groups for member in group.members),
            spread_m=column("spread_m"),
            off_route_m=column("off_route_m"),
            late_s=column("late_s"),
            halted_after_s=column("halted_after_s"),
            silent_after_s=column("silent_after_s"),
            fence_m=np.broadcast_to(np.asarray(fence_m, dtype=np.float64), len(groups)).copy(),
            route=np.array([known.get(group.plan or "", -1) for group in groups], dtype=np.int64),
            routes=routes,
        ).checked()

    def checked(self) -> Groups:
        """Itself. Raises `Malformed` naming the item: an id twice, a member of two groups, an odd figure, no route."""
        n = len(self.ids)
        if len(self.member_from) != n + 1 or (n and int(self.member_from[-1]) != len(self.members)):
            raise Malformed("members are not as many as member_from says", field="groups.member_from", code="shape")
        for name in ("spread_m", "off_route_m", "late_s", "halted_after_s", "silent_after_s", "fence_m", "route"):
            figures = getattr(self, name)
            if figures.shape != (n,):
                raise Malformed(f"has shape {figures.shape}, not ({n},)", field=f"groups.{name}", code="shape")
            if name == "route":
                continue
            wrong = ~(figures > 0.0) & ~(np.isnan(figures) if name == "fence_m" else False)
            if wrong.any():
                i = int(wrong.argmax())
                field = f"groups[{self.ids[i]}].{name}"
                raise Malformed(f"{figures[i]} is not greater than 0", field=field, code="out_of_range")
        ways = len(self.routes) if self.routes is not None else 0
        if ((self.route < -1) | (self.route >= ways)).any():
            i = int(((self.route < -1) | (self.route >= ways)).argmax())
            raise Malformed("there is no such route", field=f"groups[{self.ids[i]}].route", code="out_of_range")
        if self.routes is not None:
            points = np.diff(self.routes.point_from)
            for i in np.flatnonzero(self.route >= 0).tolist():
                if points[self.route[i]] < 2:
                    field = f"groups[{self.ids[i]}].route"
                    raise Malformed("its plan has no way to go along", field=field, code="empty")
        for name, names in (("id", self.ids), ("members", self.members)):
            seen: set[str] = set()
            for each in names:
                if each in seen:
                    raise Malformed(f"{each} is given twice", field=f"groups.{name}", code="id_taken", id=each)
                seen.add(each)
        return self

    def __len__(self) -> int:
        return len(self.ids)


@dataclass(frozen=True, slots=True)
class Heard:
    """A batch, and what each of its m reports does to its mover's group (-1: none): `rows` are of `hear`."""

    batch: Batch
    group: IntArray  # (m,)
    rows: FloatArray  # (m, 11)

    def __len__(self) -> int:
        return len(self.group)


class Following:
    """Where the members of groups are by their last reports, and the groups by them; the part that all watchers of
    groups share. `group_of[m]` is the group of mover m, -1 for none; `row[g]` the last row of group g;
    up to `known_s[g]` all members of group g that are not silent have been heard of."""

    __slots__ = ("_known", "_places", "group_of", "groups", "ids", "known_s", "names", "reports", "rosters", "row")

    def __init__(self, groups: Groups) -> None:
        self.groups = groups
        self.ids: Names = np.array(groups.ids, dtype=object)
        self.reports = Reports()
        self.rosters = Rosters(
            np.ascontiguousarray(groups.member_from, dtype=np.int64),
            np.full(len(groups.members), -1, dtype=np.int64),
            np.ascontiguousarray(groups.silent_after_s, dtype=np.float64),
            np.ascontiguousarray(groups.halted_after_s, dtype=np.float64),
            np.ascontiguousarray(groups.spread_m, dtype=np.float64),
            np.full(len(groups), np.nan),
        )
        owner = np.repeat(np.arange(len(groups)), np.diff(groups.member_from))
        self._places = {name: (k, int(owner[k])) for k, name in enumerate(groups.members)}
        self.group_of: IntArray = np.empty(0, dtype=np.int64)
        self.names: Names = np.empty(0, dtype=object)
        self._known = 0
        self.known_s: FloatArray = np.full(len(groups), -np.inf)
        self.row: FloatArray = np.full((len(groups), 11), np.nan)

    def __len__(self) -> int:
        return len(self.groups)

    def hear(self, batch: Batch, movers: Movers) -> Heard:
        """Take in the positions of a batch, in its order."""
        self._meet(movers)
        joined = np.ascontiguousarray(batch.joined, dtype=np.uint8)
        rows = hear(
            self.reports, self.rosters, self.group_of, batch.mover, batch.t_s, batch.place, batch.uncertainty_m, joined
        )
        group = self.group_of[batch.mover]
        last, of_members = np.full(len(self), -1), np.flatnonzero(group >= 0)
        np.maximum.at(last, group[of_members], of_members)
        np.fmax.at(self.known_s, group[of_members], rows[of_members, HORIZON])
        told = np.flatnonzero(last >= 0)
        self.row[told] = rows[last[told]]
        return Heard(batch, group, rows)

    def _meet(self, movers: Movers) -> None:
        """Number the movers that are new."""
        n = len(movers.ids)
        if n > self._known:
            new = movers.ids[self._known : n]
            seats = [self._places.get(name, (-1, -1)) for name in new.tolist()]
            for m, (seat, _) in enumerate(seats, start=self._known):
                if seat >= 0:
                    self.rosters.member[seat] = m
            self.group_of = np.concatenate((self.group_of, np.array([g for _, g in seats], dtype=np.int64)))
            self._known = n
            self.reports.grow(n)
        self.names = movers.ids

    def balls(self, at_s: FloatArray) -> FloatArray:
        """A ball about each group that holds its members at any of the moments given, shape (groups, 4): about the
        middle, as wide as where its members last were, and as far more as it can have gone. NaN where none is known."""
        middle = self.row[:, MIDDLE]
        found = np.column_stack((middle, np.zeros(len(self))))
        member = self.rosters.member
        known = np.flatnonzero(~np.isnan(self.reports.last_t_s(member)))
        owner = np.repeat(np.arange(len(self)), np.diff(self.rosters.member_from))[known]
        away = np.sqrt(((self.reports.last_place(member[known]) - middle[owner]) ** 2).sum(axis=1))
        np.fmax.at(found[:, 3], owner, away)
        if len(at_s):
            since = np.fmax(np.abs(at_s.max() - self.row[:, AT]), np.abs(at_s.min() - self.row[:, AT]))
            found[:, 3] += FASTEST_ON_THE_GROUND_M_S * since
        return found

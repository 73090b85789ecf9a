"""Which groups may have come near which others, at a glance: each reported member's way lies within a ball."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from keepclear.geometry.columns import IntArray
from keepclear.geometry.earth import FloatArray
from keepclear.line.groups import declared
from keepclear.line.reports import all_reports
from keepclear.line.state import GroupKey, State
from keepclear.line.timings import ENCOUNTER_GAP_S, ENCOUNTER_NEAR_M
from keepclear.watch.company import near_balls
from keepclear.watch.path import path_balls


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """The balls within which the members of all groups went from a moment on: `balls[k]` is one of group `group[k]`."""

    numbers: dict[GroupKey, int]
    group: IntArray  # (n,)
    balls: FloatArray  # (n, 4)

    @classmethod
    def since(cls, state: State, news: datetime) -> Whereabouts:
        """By all that a look for meetings goes through where there is news of the time from `news` on."""
        numbers = {key: number for number, key in enumerate(state.groups)}
        start = news - timedelta(seconds=ENCOUNTER_GAP_S)  # as `pair_findings` has it
        group: list[int] = []
        runs = []
        for key, number in numbers.items():
            own = declared(state, key)
            if own is not None:
                found = all_reports(state, (member.asset for member in own.group.members))
                group += [number] * len(found)
                runs += [history.since(start) for history in found]
        return cls(numbers, np.array(group, dtype=np.int64), path_balls(runs))

    def near(self, key: GroupKey) -> set[GroupKey]:
        """The groups that may have come near this one, beside it; a group never reported is near nobody."""
        own = self.group == self.numbers[key]
        pairs = near_balls(self.balls[own], self.group[own], self.balls, self.group, ENCOUNTER_NEAR_M)
        found = set(self.group[pairs[:, 1]].tolist())
        return {other for other, number in self.numbers.items() if number in found}

"""The smallest changes of one plan after which it breaches nothing in a live set.

How near others are is no even function of a change: a plan may be free, then not, then free again as it is shifted. So
every shift of the resolution is gone through from nothing outward, but for those of which a breach found before says
that it must still be there: after a shift so small that neither the ground nor the height it clears can be enough, the
nearest moment of the breach is a breach still. What is told was held against the set, as it is told, by the engine.

That is a few dozen tries for most plans, and thousands for some: of several volumes any may be met at any shift. So the
tries are counted, the kinds of change take turns, and what was not gone through to its limit is told.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from keepclear.conflict.changes import Moved, Parallel, at_another_height, at_another_time, length_m
from keepclear.conflict.shortfall import Against, SecondsNeeded, Short, down_needed, ground_needed, shorts_of, up_needed
from keepclear.errors import Malformed
from keepclear.geometry.columns import KINDS, Plans
from keepclear.geometry.soundness import HIGHEST_M, LOWEST_M
from keepclear.model.plans import PlanKind

MOST_TRIES = 2_000
"""Of 491 flights in conflict, among 1,000 to 10,000 others, half took 80 tries or fewer, and none more than 326. A plan
of many areas in a crowded set can take thousands for each direction in time."""
FEWEST_TRIES = 100
MANY_POINTS = 2_000
"""Way-points and vertices of a plan from which on a try takes longer, by as much as there are more. As many fewer are
then made, down to `FEWEST_TRIES`, so that a search takes some seconds at most."""
RESOLUTION_S = 1.0
RESOLUTION_UP_M = 1.0
RESOLUTION_ASIDE_M = 10.0
BEARINGS_DEG = tuple(range(0, 360, 45))
"""In which a plan with volumes, or one that goes nowhere, may be shoved over the ground."""
_ON_THE_GROUND = (PlanKind.GROUND_MOVEMENT, PlanKind.PROTECTED_SITE)


class Change(StrEnum):
    """What is changed, and which way."""

    EARLIER = "earlier"
    LATER = "later"
    HIGHER = "higher"
    LOWER = "lower"
    LEFT = "left"
    RIGHT = "right"
    MOVED = "moved"
    """Shoved over the ground on a bearing, all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How far a change may go, 0 rules it out, and how long to look. `Malformed` names a figure that cannot be."""

    earlier_s: float = 3_600.0
    later_s: float = 3_600.0
    higher_m: float = 3_000.0
    lower_m: float = 3_000.0
    aside_m: float = 10_000.0
    not_before_s: float = -math.inf
    """Nothing of the plan may begin before this moment."""
    floor_m: float = LOWEST_M
    ceiling_m: float = HIGHEST_M
    """Heights, above what the plan's datum says, that it may not leave downward or upward."""
    tries: int | None = None
    """How many changed plans are held against the set at most, of all kinds of change together; None: `most_tries`."""

    def __post_init__(self) -> None:
        for name in self.__slots__:
            figure = getattr(self, name)
            if figure is None:
                continue
            if math.isnan(figure):
                raise Malformed(f"{figure} is not a number", field=f"limits.{name}", code="out_of_range")
            if figure < 0.0 and name not in ("not_before_s", "floor_m", "ceiling_m"):
                raise Malformed(f"{figure:g} is below 0", field=f"limits.{name}", code="out_of_range")


@dataclass(frozen=True, slots=True, kw_only=True)
class Suggestion:
    """A change, what it costs, and the plan changed so.

    `amount` is seconds for `EARLIER` and `LATER`, else metres. `longer_m` is what the way grows by, less than 0 if it
    gets shorter. `bearing_deg` is for `MOVED` alone.
    """

    change: Change
    amount: float
    longer_m: float
    plan: Plans
    bearing_deg: float | None = None


class Suggestions(tuple[Suggestion, ...]):
    """What was found, at most one of each kind of change, in the order of `Change`.

    `unfinished` are the kinds of change that were not gone through to their limits when the tries ran out: whether one
    of these would be enough is not known. A kind that is neither among the suggestions nor here is not enough within
    the limits, or the plan cannot be changed so. `tries` is how many changed plans were held against the set.
    """

    unfinished: tuple[Change, ...]
    tries: int

    def __new__(
        cls, found: Iterable[Suggestion] = (), *, unfinished: tuple[Change, ...] = (), tries: int = 0
    ) -> Suggestions:
        """All of it; a tuple is made in one go."""
        self = super().__new__(cls, found)
        self.unfinished, self.tries = unfinished, tries
        return self

    def __repr__(self) -> str:
        unfinished = ", ".join(self.unfinished)
        return f"Suggestions({super().__repr__()}, unfinished=({unfinished}), tries={self.tries})"


def most_tries(plan: Plans) -> int:
    """How many changed plans are held against a set if nobody says otherwise."""
    points = max(MANY_POINTS, len(plan.t_s) + len(plan.vertices))
    return max(FEWEST_TRIES, MOST_TRIES * MANY_POINTS // points)


def suggestions(plan: Plans, against: Against, limits: Limits) -> Suggestions:
    """For each way of changing one plan the least change after which it breaches nothing, of `MOVED` the least of
    `BEARINGS_DEG`. None for a plan that breaches nothing.

    Least is meant among whole steps: `RESOLUTION_S`, `RESOLUTION_UP_M`, `RESOLUTION_ASIDE_M`. Heights are not changed
    of what is on the ground, or of a plan of which a height is unknown or without limit.
    """
    shorts = shorts_of(plan, against)
    if not shorts:
        return Suggestions()
    trails: dict[Change, list[_Trail]] = {}
    for search in _searches(plan, limits):
        trails.setdefault(search.change, []).append(_Trail(search, plan, shorts))
    found: dict[Change, Suggestion] = {}
    most = most_tries(plan) if limits.tries is None else limits.tries
    waiting, tries = deque(trails), 0
    while waiting:
        change = waiting.popleft()
        trail = min(trails[change], key=lambda each: each.amount)  # of several bearings the least change comes first
        if trail.over:
            continue
        if tries >= most:
            waiting.append(change)
            break
        tries += 1
        amount, changed = trail.amount, trail.tried(against)
        if changed is None:
            waiting.append(change)
        else:
            found[change] = _suggestion(trail.search, amount, plan, changed)
    return Suggestions(
        (found[change] for change in Change if change in found),
        unfinished=tuple(
            change for change in Change if change in waiting and any(not trail.over for trail in trails[change])
        ),
        tries=tries,
    )


def _suggestion(search: _Search, amount: float, plan: Plans, changed: Plans) -> Suggestion:
    aside = search.change in (Change.LEFT, Change.RIGHT)
    longer_m = length_m(changed) - length_m(plan) if aside else 0.0
    return Suggestion(
        change=search.change, amount=amount, longer_m=longer_m, plan=changed, bearing_deg=search.bearing_deg
    )


@dataclass(frozen=True, slots=True)
class _Search:
    change: Change
    step: float
    limit: float
    changed: Callable[[float], Plans]
    needed: Callable[[Plans, Short], float]
    """A further change of the plan by less than this leaves a breach what it is."""
    bearing_deg: float | None = None


class _Trail:
    """The steps of a search, from nothing outward."""

    def __init__(self, search: _Search, plan: Plans, shorts: list[Short]) -> None:
        self.search = search
        self.amount = 0.0
        """Of the change to be tried next."""
        self._steps = 0
        self._leap(plan, shorts)

    @property
    def over(self) -> bool:
        """Whether no step within the limit is left."""
        return self.amount > self.search.limit or self.amount == math.inf

    def tried(self, against: Against) -> Plans | None:
        """The plan changed by `amount` if that is enough; else None, and `amount` is the next."""
        try:
            changed = Plans.of(self.search.changed(self.amount))
        except Malformed:  # beyond the times or the places that a plan may have
            self.amount = math.inf
            return None
        shorts = shorts_of(changed, against)
        if not shorts:
            return changed
        self._leap(changed, shorts)
        return None

    def _leap(self, changed: Plans, shorts: list[Short]) -> None:
        """On to the next step at which none of these breaches must still be there."""
        needed = max(self.search.needed(changed, short) for short in shorts)
        if needed == math.inf:
            self.amount = math.inf
        else:
            self._steps += max(1, math.ceil(needed / self.search.step - 1e-6))
            self.amount = self._steps * self.search.step


def _searches(plan: Plans, limits: Limits) -> Iterator[_Search]:
    starts_s = min([*plan.t_s[:1], *plan.volumes[:, 0]])
    earlier_s = min(limits.earlier_s, starts_s - limits.not_before_s)
    for change, sign, limit in ((Change.EARLIER, -1.0, earlier_s), (Change.LATER, 1.0, limits.later_s)):
        yield _Search(change, RESOLUTION_S, limit, _by(at_another_time, plan, sign), SecondsNeeded(plan, sign))
    if (heights := _heights(plan)) is not None:
        lowest, highest = heights
        up, down = min(limits.higher_m, limits.ceiling_m - highest), min(limits.lower_m, lowest - limits.floor_m)
        yield _Search(Change.HIGHER, RESOLUTION_UP_M, up, _by(at_another_height, plan, 1.0), up_needed)
        yield _Search(Change.LOWER, RESOLUTION_UP_M, down, _by(at_another_height, plan, -1.0), down_needed)
    if len(plan.volumes) or length_m(plan) < 1.0:
        for bearing in BEARINGS_DEG:
            moved = Moved(plan, float(bearing))
            yield _Search(
                Change.MOVED, RESOLUTION_ASIDE_M, limits.aside_m, moved.at, ground_needed(1.0), float(bearing)
            )
        return
    parallel = Parallel(plan)
    for change, sign in ((Change.LEFT, -1.0), (Change.RIGHT, 1.0)):
        yield _Search(
            change, RESOLUTION_ASIDE_M, limits.aside_m, _aside(parallel, sign), ground_needed(parallel.farthest)
        )


def _by(change: Callable[[Plans, float], Plans], plan: Plans, sign: float) -> Callable[[float], Plans]:
    return lambda amount: change(plan, sign * amount)


def _aside(parallel: Parallel, sign: float) -> Callable[[float], Plans]:
    return lambda amount: parallel.at(sign * amount)


def _heights(plan: Plans) -> tuple[float, float] | None:
    """The lowest and the highest of a plan's heights; None if they are not to be changed."""
    if KINDS[plan.kind[0]] in _ON_THE_GROUND:
        return None
    heights = np.concatenate([plan.alt_m, plan.volumes[:, 2:].reshape(-1)])
    if not np.isfinite(heights).all():
        return None
    return float(heights.min()), float(heights.max())

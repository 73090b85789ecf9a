"""How far apart two plans must keep, by what they are about.

These figures are this project's own defaults, chosen to be cautious between parties that share sky and road but no
command. They are no standard's, and parties may agree on others. Buffers that a plan asks for itself come on top.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

from keepclear.model.plans import PlanKind


@dataclass(frozen=True, slots=True)
class Minimum:
    """Two plans breach it where they are nearer than both figures at once; metres on the ground, metres of height."""

    horizontal_m: float
    vertical_m: float


_FLIGHT, _GROUND, _SITE = PlanKind.FLIGHT, PlanKind.GROUND_MOVEMENT, PlanKind.PROTECTED_SITE
_CLOSURE, _OBSERVATION = PlanKind.CLOSURE, PlanKind.OBSERVATION

_MINIMA: dict[frozenset[PlanKind], Minimum] = {
    # Aircraft under no common control: about a minute of flight for each to see the mistake and turn.
    frozenset({_FLIGHT}): Minimum(10_000.0, 600.0),
    frozenset({_FLIGHT, _OBSERVATION}): Minimum(10_000.0, 600.0),
    # Two that watch are slow and stay where they said.
    frozenset({_OBSERVATION}): Minimum(5_000.0, 300.0),
    # Low over people who were announced is what a notice is there to prevent; high above them is not.
    frozenset({_FLIGHT, _GROUND}): Minimum(3_000.0, 1_500.0),
    frozenset({_FLIGHT, _SITE}): Minimum(3_000.0, 1_500.0),
    # Two groups that would meet on the road should know of it beforehand; heights on the ground say nothing.
    frozenset({_GROUND}): Minimum(2_000.0, math.inf),
    frozenset({_GROUND, _SITE}): Minimum(500.0, math.inf),
    # Air that was asked to be clear: to be in it at all is the breach.
    frozenset({_FLIGHT, _CLOSURE}): Minimum(0.0, 0.0),
    frozenset({_OBSERVATION, _CLOSURE}): Minimum(0.0, 0.0),
}


def minimum(one: PlanKind, other: PlanKind) -> Minimum | None:
    """The least separation of two plans of these kinds, in either order; None where they need none.

    None is meant for: observation above a ground movement or a site (to watch is not to endanger; who wants it gone
    asks for the air to be cleared, and then the closure counts); a closure and what is on the ground beneath it, which
    it is often there for; two closures; two sites.
    """
    return _MINIMA.get(frozenset({one, other}))

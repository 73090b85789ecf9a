"""How far apart two plans must keep, by what they are about.

These figures are this project's own defaults, chosen to be cautious between parties that share sky and road but no
command. They are no standard's, and parties may agree on others. Buffers that a plan asks for itself come on top.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass

from keepclear.errors import Malformed
from keepclear.geometry.columns import KINDS
from keepclear.geometry.kernels import MinimaStruct
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


_PAIRS = {frozenset({one, other}) for one in KINDS for other in KINDS}


def minimum(one: PlanKind, other: PlanKind) -> Minimum | None:
    """The least separation of two plans of these kinds, in either order; None where they need none.

    None is meant for: observation above a ground movement or a site (to watch is not to endanger; who wants it gone
    asks for the air to be cleared, and then the closure counts); a closure and what is on the ground beneath it, which
    it is often there for; two closures; two sites.
    """
    return _MINIMA.get(frozenset({one, other}))


Separation = Minimum | Mapping[frozenset[PlanKind], Minimum | None] | None
"""What plans must keep: one minimum for all, minima by kinds (what is left out as in the table), or None: the table."""


def minima(separation: Separation = None) -> MinimaStruct:
    """What plans of each two kinds must keep, as the kernels have it: NaN where they need none.

    Raises `Malformed` (field `separation`) for a figure that is negative or not a number, or an infinite one on the
    ground, and for what is no minimum, or not by two kinds.
    """
    if separation is not None and not isinstance(separation, Minimum | Mapping):
        name = type(separation).__name__
        message = f"{name} is not taken as minima: it is a Minimum, or Minimum by frozenset of kinds"
        raise Malformed(message, field="separation", code="not_minima")
    if isinstance(separation, Mapping):
        for pair, asked in separation.items():
            if pair not in _PAIRS or not (asked is None or isinstance(asked, Minimum)):
                message = f"{pair!r}: {asked!r} is not a frozenset of one or two kinds and its Minimum, or None"
                raise Malformed(message, field="separation", code="not_minima")
    struct = MinimaStruct()
    for i, one in enumerate(KINDS):
        for j, other in enumerate(KINDS):
            if isinstance(separation, Minimum):
                least: Minimum | None = separation
            elif separation is not None and frozenset({one, other}) in separation:
                least = separation[frozenset({one, other})]
            else:
                least = minimum(one, other)
            place = i * len(KINDS) + j
            struct.across[place], struct.height[place] = _figures(least)
    return struct


def _figures(least: Minimum | None) -> tuple[float, float]:
    if least is None:
        return math.nan, math.nan
    across, height = float(least.horizontal_m), float(least.vertical_m)
    if not 0.0 <= across < math.inf or not height >= 0.0:
        raise Malformed(f"minimum of {across} m and {height} m", field="separation", code="out_of_range")
    return across, height

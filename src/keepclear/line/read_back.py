"""What a read-back got wrong: grid, time and altitude of the plan in force, repeated by the receiver.

A grid is right if it names the same square as the plan's first place, compared at the coarser of the two precisions,
but never coarser than 1 km (MGRS) or 5 minutes (GARS); where the plan itself is coarser, the square must be the very
same. MGRS and GARS do not stand for one another. Times must be right to the minute, altitudes to the metre.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache

from keepclear.errors import Malformed
from keepclear.geometry.grids import canonical_grid
from keepclear.line.views import Difference
from keepclear.model.acts import ReadBack
from keepclear.model.plans import Plan

COARSEST_MGRS_FIGURES = 2
"""Figures each of easting and northing: 2 is a square of 1 km."""
MGRS_PREFIX = 5
"""Zone, band and the two letters of the 100 km square, in the canonical spelling."""
GARS_LETTERS_AT = 3


def differences(plan: Plan, said: ReadBack) -> tuple[Difference, ...]:
    """What differs between a plan and a read-back of it; empty if the read-back is right."""
    wrong: list[Difference] = []
    if not same_place(plan.names[0].grid, said.grid):
        wrong.append(Difference(field="grid", expected=plan.names[0].grid, said=said.grid))
    for field in ("starts_at", "ends_at"):
        expected, repeated = minute(getattr(plan.window, field)), minute(getattr(said.window, field))
        if expected != repeated:
            wrong.append(Difference(field=f"window.{field}", expected=expected, said=repeated))
    for field in ("lower_wgs84_m", "upper_wgs84_m"):
        height, repeated_height = getattr(plan.band, field), getattr(said.band, field)
        if abs(height - repeated_height) > 0.5:
            wrong.append(Difference(field=f"band.{field}", expected=f"{height:g}", said=f"{repeated_height:g}"))
    return tuple(wrong)


def minute(moment: datetime) -> str:
    """A moment as it is read over a voice line: to the minute, UTC."""
    return moment.strftime("%Y-%m-%dT%H:%MZ")


def same_place(expected: str, said: str) -> bool:
    """Whether a grid read back names the place of the grid expected, by the rule above; what cannot be read is not."""
    one, other = canonical(expected), canonical(said)
    if one is None or other is None:
        return False
    if is_gars(one) or is_gars(other):
        return _same_gars(one, other)
    if one[:MGRS_PREFIX] != other[:MGRS_PREFIX]:
        return False
    (east, north), (east_said, north_said) = _figures(one), _figures(other)
    figures = min(len(east), len(east_said))
    if figures < min(COARSEST_MGRS_FIGURES, len(east)):
        return False
    if len(east) < COARSEST_MGRS_FIGURES:
        return one == other
    return (east[:figures], north[:figures]) == (east_said[:figures], north_said[:figures])


@lru_cache(maxsize=10_000)
def canonical(grid: str) -> str | None:
    """The one spelling of a grid; None where it names no square. Remembered: to find a square takes a while."""
    try:
        return canonical_grid(grid)
    except Malformed:
        return None


def is_gars(grid: str) -> bool:
    """Whether a canonical grid is a GARS cell: three figures before its letters (an MGRS zone has two)."""
    return grid[:GARS_LETTERS_AT].isdigit()


def _same_gars(one: str, other: str) -> bool:
    """GARS cells nest by appending one figure for 15 minutes and one for 5, the finest there is: so they must agree."""
    return one == other


def _figures(grid: str) -> tuple[str, str]:
    figures = grid[MGRS_PREFIX:]
    half = len(figures) // 2
    return figures[:half], figures[half:]

"""How vague a way is in time: past how many of its way-points its mover may be at one moment.

Early and late as they may run, any of the legs that one mover may be on is held against any of those of the other: two
vague ways take time as the product of what each may be at.
"""

from __future__ import annotations

import numpy as np

from keepclear.errors import Malformed
from keepclear.geometry.columns import Plans
from keepclear.geometry.earth import FloatArray

MOST_AT_ONCE = 1_000
"""As many as a way has at most that a party says (`model/plans.py`), so only longer ones can be too vague. Two ways of
5,000 way-points that run beside each other all the time then take a second or two."""


def at_once(t_s: FloatArray, slack_s: float) -> int:
    """The most way-points, at rising moments, past which a mover may be at one moment that is early and late by
    `slack_s` in all."""
    last = np.searchsorted(t_s, t_s + slack_s, side="right")
    return int((last - np.arange(len(t_s))).max(initial=0))


def check_vagueness(plans: Plans) -> None:
    """Malformed naming the first plan whose mover may be past more than `MOST_AT_ONCE` way-points at one moment."""
    if len(plans.t_s) <= MOST_AT_ONCE:
        return
    slack_s = plans.room[:, 2] + plans.room[:, 3]
    for i in np.flatnonzero((np.diff(plans.point_from) > MOST_AT_ONCE) & (slack_s > 0.0)).tolist():
        count = at_once(plans.t_s[slice(*plans.point_from[i : i + 2])], float(slack_s[i]))
        if count > MOST_AT_ONCE:
            raise too_vague(count, MOST_AT_ONCE, f"plans[{plans.ids[i]}].points")


def too_vague(count: int, most: int, field: str) -> Malformed:
    """The refusal of a way that is vaguer than may be."""
    message = (
        f"early and late as it may run, it may be at any of {count} way-points at one moment; {most} is the most: "
        "leave some out"
    )
    return Malformed(message, field=field, code="too_vague", count=count, most=most)

"""Why two plans are too near, and how deep a breach must be to be one."""

from __future__ import annotations

from enum import StrEnum

DEPTH_M = 0.001
"""A breach is deeper than this: two plans just one minimum apart are not in conflict. `KC_DEPTH_M` of the kernels."""


class Reason(StrEnum):
    """What of one plan comes near what of the other."""

    WAYS_NEAR = "ways_near"
    """Two movers."""
    WAY_THROUGH_VOLUME = "way_through_volume"
    """A mover and a volume."""
    VOLUMES_MEET = "volumes_meet"
    """Two volumes."""


REASONS = tuple(Reason)
"""`reason` of a row of `kernels.BREACH` is a place in this list."""

"""How long each step may take before it is a finding. All the clocks of the line that an act does not set itself.

A limit runs from the step before it. `None`: at this urgency the line does not wait for the step.
"""

from __future__ import annotations

from datetime import timedelta

from keepclear.model.acts import Urgency

STEPS = ("delivered", "opened", "read_back", "acknowledged", "passed", "crew_briefed", "crew_acknowledged")
"""The way of a notice, from the sender's queue to the crew."""

HOP_LIMITS_S: dict[Urgency, dict[str, float | None]] = {
    Urgency.ROUTINE: {
        "delivered": 300.0,
        "opened": 3_600.0,
        "read_back": 3_600.0,
        "acknowledged": 7_200.0,
        "passed": None,
        "crew_briefed": None,
        "crew_acknowledged": None,
    },
    Urgency.PRIORITY: {
        "delivered": 120.0,
        "opened": 600.0,
        "read_back": 900.0,
        "acknowledged": 1_800.0,
        "passed": 1_800.0,
        "crew_briefed": 3_600.0,
        "crew_acknowledged": 3_600.0,
    },
    Urgency.IMMEDIATE: {
        "delivered": 60.0,
        "opened": 120.0,
        "read_back": 180.0,
        "acknowledged": 300.0,
        "passed": 300.0,
        "crew_briefed": 600.0,
        "crew_acknowledged": 600.0,
    },
}

RESIDUAL_GAP_S = 1_800.0
"""How far apart two reports around T0 may be and still tell where an asset was."""
ENCOUNTER_NEAR_M = 5_000.0
"""Two groups whose closest members come this near have met."""
ENCOUNTER_GAP_S = 3_600.0
"""How far apart two reports may be and still tell of a moment between them, when groups meet."""
CLOCK_TOLERANCE = timedelta(seconds=5)
"""A peer's clock may run ahead by this much unremarked (ASTM F3548-21, TimeSyncMaxDifferentialSeconds)."""
CLOCK_REFUSED = timedelta(days=2)
"""A peer's act dated later than this ahead of our clock is refused."""
LOOK_BACK = timedelta(days=1)
"""How far before its last report a group is looked at for members that left, joined, or stand apart."""

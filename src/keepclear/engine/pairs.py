"""All pairs of plans, given in any shape."""

from __future__ import annotations

from keepclear.conflict import pairs
from keepclear.conflict.breaches import Breaches
from keepclear.conflict.crew import Progress
from keepclear.conflict.separation import Separation
from keepclear.engine.sources import plans


def conflicts(
    source: object,
    separation: Separation = None,
    *,
    threads: int | None = None,
    progress: Progress | None = None,
) -> Breaches:
    """Every pair of plans that is in conflict: `conflict.pairs.conflicts`, of all that `plans` takes."""
    return pairs.conflicts(plans(source), separation, threads=threads, progress=progress)

"""A live watch that takes fences and positions in any shape."""

from __future__ import annotations

from typing import Any

from keepclear.engine.sources import plans, positions
from keepclear.watch import live
from keepclear.watch.fences import Fences
from keepclear.watch.live_findings import LiveFindings


class Watch(live.Watch):
    """`watch.live.Watch`, which tells what else it is made with; fences and positions are all that `engine.sources`
    takes."""

    def __init__(self, *, fences: object = None, **more: Any) -> None:
        ready = fences is None or isinstance(fences, Fences)
        super().__init__(fences=fences if ready else plans(fences), **more)

    def feed(self, reported: object) -> LiveFindings:
        """What these positions show."""
        return super().feed(positions(reported))

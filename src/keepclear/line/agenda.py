"""What a node must look at again: matters that changed, and matters whose time has come.

It is a note to oneself, not a truth: it can be thrown away and made again by folding the record. `Agenda` is the one
thing in the state that `keepclear.line.duties` may change, so that a second with nothing new costs nothing.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from datetime import datetime

Matter = tuple[str, str]
"""What kind of thing (`thread`, `line`, `group`, `pair`, `clock`), and which."""


class Agenda:
    """Matters to look at."""

    __slots__ = ("_timers", "changed")

    def __init__(self) -> None:
        self.changed: dict[Matter, None] = {}
        """A set in order of coming."""
        self._timers: list[tuple[datetime, Matter]] = []

    def touch(self, kind: str, name: str) -> None:
        """Something about this matter changed."""
        self.changed[(kind, name)] = None

    def settled(self, matter: Matter, look_again: Iterable[datetime | None]) -> None:
        """The matter was looked at and nothing is owed; look again when the first of these moments has come."""
        self.changed.pop(matter, None)
        moments = [moment for moment in look_again if moment is not None]
        if moments:
            heapq.heappush(self._timers, (min(moments), matter))

    def due(self, now: datetime) -> list[Matter]:
        """What to look at now. Matters stay until they are settled."""
        while self._timers and self._timers[0][0] <= now:
            _, matter = heapq.heappop(self._timers)
            self.changed[matter] = None
        return list(self.changed)

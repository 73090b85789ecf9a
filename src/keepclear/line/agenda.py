"""What a node must look at again: matters that changed, and matters whose time has come.

It is a note to oneself, not a truth: it can be thrown away and made again by folding the record. `Agenda` is the one
thing in the state that `keepclear.line.duties` may change, so that a second with nothing new costs nothing.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterable
from datetime import datetime

Matter = tuple[str, str]
"""What kind of thing (`thread`, `line`, `asset`, `group`, `pair`, `clock`), and which."""


class Agenda:
    """Matters to look at, each with the earliest moment about which there is something new (None: only time passed)."""

    __slots__ = ("_timers", "changed")

    def __init__(self) -> None:
        self.changed: dict[Matter, datetime | None] = {}
        self._timers: list[tuple[datetime, Matter]] = []

    def touch(self, kind: str, name: str, since: datetime | None = None) -> None:
        """Something about this matter changed, concerning what was so from `since` on."""
        before = self.changed.get((kind, name))
        known = [moment for moment in (before, since) if moment is not None]
        self.changed[(kind, name)] = min(known) if known else None

    def settled(self, matter: Matter, look_again: Iterable[datetime | None] = ()) -> None:
        """The matter was looked at and nothing is owed; look again when the first of these moments has come."""
        self.changed.pop(matter, None)
        moments = [moment for moment in look_again if moment is not None]
        if moments:
            heapq.heappush(self._timers, (min(moments), matter))

    def due(self, now: datetime) -> list[tuple[Matter, datetime | None]]:
        """What to look at now, in the order in which it came up. Matters stay until they are settled."""
        while self._timers and self._timers[0][0] <= now:
            _, matter = heapq.heappop(self._timers)
            self.changed.setdefault(matter, None)
        return list(self.changed.items())

"""What time it is, and waiting: the only places where a node learns either.

`SystemClock` reads the machine's clock and waits on the monotonic one, so a step of the wall clock neither fires a
timer early nor twice. `HandClock` stands still until it is set; stories and tests move it.
"""

from __future__ import annotations

import asyncio
import heapq
import itertools
from datetime import UTC, datetime, timedelta
from typing import Protocol


class Clock(Protocol):
    """What a node needs of a clock."""

    def now(self) -> datetime:
        """The time in UTC, with its zone. It may step back; callers that must not, keep the last value themselves."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return when so many seconds have gone by on this clock; at least one turn of the loop later."""
        ...


class SystemClock:
    """The clock of this machine."""

    def now(self) -> datetime:
        """See `Clock.now`."""
        return datetime.now(UTC)

    async def sleep(self, seconds: float) -> None:
        """See `Clock.sleep`."""
        await asyncio.sleep(seconds)


class HandClock:
    """A clock that stands still until `set` moves it. For one event loop."""

    def __init__(self, at: datetime) -> None:
        self._now = _utc(at)
        self._order = itertools.count()
        self._sleepers: list[tuple[datetime, int, asyncio.Future[None]]] = []

    def now(self) -> datetime:
        """See `Clock.now`."""
        return self._now

    async def sleep(self, seconds: float) -> None:
        """See `Clock.sleep`."""
        if seconds <= 0:
            await asyncio.sleep(0)
            return
        woken: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + timedelta(seconds=seconds), next(self._order), woken))
        await woken

    def set(self, at: datetime) -> None:
        """Move to `at`, forward or back, and wake whoever was waiting for a moment that is now reached."""
        self._now = _utc(at)
        while self._sleepers and self._sleepers[0][0] <= self._now:
            woken = heapq.heappop(self._sleepers)[2]
            if not woken.done():
                woken.set_result(None)


def _utc(at: datetime) -> datetime:
    if at.utcoffset() != timedelta(0):
        raise ValueError("a clock is set in UTC")
    return at

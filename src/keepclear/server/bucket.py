"""A token bucket per caller: so many requests at once, then so many a second. A flood uses up nobody else's share."""

from __future__ import annotations

from collections import OrderedDict


class Buckets:
    """`burst` requests at once and `per_s` a second after that, for each key. Holds at most `max_keys` of them.

    Whoever was quiet longest is forgotten first, which can only favour the forgotten one with a full bucket.
    """

    def __init__(self, *, burst: float, per_s: float, max_keys: int = 10_000) -> None:
        self._burst = burst
        self._per_s = per_s
        self._max_keys = max_keys
        self._held: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, key: str, now_s: float) -> bool:
        """Whether one more request of `key` may pass at `now_s` (seconds of a clock that never goes back)."""
        level, since = self._held.pop(key, (self._burst, now_s))
        level = min(self._burst, level + max(0.0, now_s - since) * self._per_s)
        passes = level >= 1.0
        self._held[key] = (level - 1.0 if passes else level, now_s)
        if len(self._held) > self._max_keys:
            self._held.popitem(last=False)
        return passes

    def wait_s(self, key: str) -> float:
        """How long until `key` may pass again, seen from its last request."""
        level, _ = self._held.get(key, (self._burst, 0.0))
        return max(0.0, (1.0 - level) / self._per_s)

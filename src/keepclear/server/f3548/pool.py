"""The instances of the pool this node is part of, as far as it was told of them: kept in memory while it runs."""

from __future__ import annotations

from datetime import datetime

from keepclear.formats.f3548.volumes import Wire


class Heartbeat(Wire, frozen=True, omit_defaults=False):
    """Heartbeat. `next_heartbeat_expected_before` is left out if nobody said."""

    timestamp: datetime
    source: str
    index: int
    reporter: str


class PromisedHeartbeat(Heartbeat, frozen=True):
    """A heartbeat that says when the next one comes."""

    next_heartbeat_expected_before: datetime


class Instance(Wire, frozen=True):
    """DSSInstance."""

    id: str
    most_recent_heartbeat: Heartbeat


class Instances(Wire, frozen=True):
    """DSSInstancesResponse."""

    dss_instances: tuple[Instance, ...]


class Pool:
    """What this instance says of itself and its pool. `dar_id` names the pool's airspace representation."""

    def __init__(self, dar_id: str, id: str, started_at: datetime) -> None:
        self.dar_id = dar_id
        self._id = id
        self._last = Heartbeat(started_at, "Startup", 0, "")

    def beat(self, source: str, reporter: str, at: datetime, next_before: datetime | None) -> None:
        """A heartbeat of this instance."""
        index = self._last.index + 1
        if next_before is None:
            self._last = Heartbeat(at, source, index, reporter)
        else:
            self._last = PromisedHeartbeat(at, source, index, reporter, next_before)

    def instances(self) -> Instances:
        """The instances that are known."""
        return Instances((Instance(self._id, self._last),))

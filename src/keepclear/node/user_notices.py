"""What the operators of this node's own flights were told of conflicts (F3548-21 SCD0090, SCD0095)."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from keepclear.model.utm import Way
from keepclear.node.calling import exchange
from keepclear.node.utm_desk import UtmDesk

MAX_KEPT = 10_000


class Why(StrEnum):
    """The requirement a notice answers."""

    CAUSED = "SCD0090"
    """The operator's own plan meets others of lower priority."""
    OBSERVED = "SCD0095"
    """Another's plan meets the operator's."""


@dataclass(frozen=True, slots=True)
class Notice:
    """One notice to one operator (`client`) about one of his flights: how many intents it meets."""

    at: datetime
    client: str
    flight: str
    why: Why
    conflicts: int


class UserNotices:
    """The last notices, for whoever asks; all are on record."""

    def __init__(self, desk: UtmDesk) -> None:
        self._desk = desk
        self._kept: deque[Notice] = deque(maxlen=MAX_KEPT)

    async def give(self, client: str, flight: str, why: Why, conflicts: int) -> None:
        """Tell an operator."""
        notice = Notice(self._desk.now(), client, flight, why, conflicts)
        self._kept.append(notice)
        said = exchange(
            Way.SENT, client, "notifyUser", notice.at, why.value, entity=flight, body=f"conflicts: {conflicts}".encode()
        )
        await self._desk.file(said)

    def between(self, client: str, after: datetime, before: datetime) -> list[Notice]:
        """What an operator was told from `after` to `before`, both included."""
        return [each for each in self._kept if each.client == client and after <= each.at <= before]

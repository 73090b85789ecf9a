"""What waits for the writer's turn (`keepclear.node.writer`), and which of it may share a transaction.

Acts share one only where the judgement of one cannot hang on another being in force. What peers said is judged by
signature, membership and place in its chain. Of this node's own acts the kinds in `JUDGED_TOGETHER` may share, for none
of them changes what `keepclear.line.decide` asks about another; any other is judged when everything before it is in
force, and kept by itself. A test holds this to a writer that does one act at a time.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from keepclear.errors import KeepclearError
from keepclear.line.message import Message
from keepclear.line.state import State
from keepclear.model import acts as a
from keepclear.model.acts import Said
from keepclear.node.urgent import URGENT
from keepclear.record import Envelope

JUDGED_TOGETHER = (
    a.Positions,
    a.Coverage,
    a.Notice,
    a.ClearRequest,
    a.Proposal,
    a.DangerCall,
    a.LegBlocked,
    a.Waiting,
    a.PublishStatement,
    a.Receipt,
    a.Remark,
    a.LineCheck,
    a.LineCheckAnswer,
    a.Noticed,
    a.Gazetteer,
    a.DeclareBoundary,
    a.UtmChange,
    a.UtmExchange,
    a.Attachment,
)


class Waiting:
    """An act waiting to be judged, and whoever waits for the answer: the kept message, or a KeepclearError.

    None answers a composition that found nothing to say.
    """

    def __init__(self) -> None:
        self.answer: asyncio.Future[Message | None] = asyncio.get_running_loop().create_future()
        self.taken = False

    def take(self, message: Message | None) -> None:
        """It is kept."""
        self.taken = True
        if not self.answer.done():
            self.answer.set_result(message)

    def refuse(self, error: KeepclearError) -> None:
        """It is not kept."""
        if not self.answer.done():
            self.answer.set_exception(error)
            self.answer.exception()  # a caller that has gone away need not collect it


class Submission(Waiting):
    """An act of an author this node holds the key of; not yet signed."""

    def __init__(self, author: str, line: str, said: Said, said_at: datetime | None) -> None:
        super().__init__()
        self.author = author
        self.line = line
        self.said = said
        self.said_at = said_at


class Composition(Waiting):
    """Acts of the node itself on its own line, composed when it is their turn, from the state as it then is.

    `compose(state, now)` gives the acts, the last of which is the one answered for; none if nothing is to be said. It
    raises Refused, or changes nothing. A `UtmChange` is in force for the next composition at once, before it is on
    disk, and taken back if the disk refuses. So requests that hang on one another share a transaction.
    """

    def __init__(self, compose: Callable[[State, datetime], Sequence[a.Act]]) -> None:
        super().__init__()
        self.compose = compose


class Arrival(Waiting):
    """An envelope that came from a peer, found to be signed with `key` (None: it is kept already)."""

    def __init__(self, raw: bytes, sender: str, envelope: Envelope, message: Message, key: str | None) -> None:
        super().__init__()
        self.raw = raw
        self.sender = sender
        self.envelope = envelope
        self.message = message
        self.key = key


@dataclass(frozen=True, slots=True)
class Judged:
    """An act to be kept, and all who wait for it."""

    message: Message
    raw: bytes
    leaf: bytes
    recorded_at: datetime
    waiting: list[Waiting]

    @property
    def from_peer(self) -> bool:
        """Whether a peer brought it."""
        return any(isinstance(each, Arrival) for each in self.waiting)


class Batch:
    """Acts judged that will share a transaction, by id, and what must be known of them to let one more in."""

    def __init__(self) -> None:
        self.acts: dict[str, Judged] = {}
        self._peers_may_join = True
        self._own_may_join = True
        self._plans: set[str] = set()
        self._drafts: set[str | None] = set()

    def add(self, judged: Judged) -> None:
        """One more act."""
        act = judged.message.act
        self.acts[judged.message.id] = judged
        together = isinstance(act, JUDGED_TOGETHER)
        self._peers_may_join &= judged.from_peer or together
        self._own_may_join &= together
        self._drafts.add(judged.message.said.draft)
        if isinstance(act, a.Notice):
            self._plans.add(act.plan.id)

    def takes(self, waiting: Waiting, kept: Mapping[str, Message]) -> bool:
        """Whether an act may be judged before the acts of the batch are in force; see the head of this file."""
        if isinstance(waiting, Composition):
            return self._own_may_join
        if not isinstance(waiting, Submission):
            return self._peers_may_join
        act = waiting.said.act
        re = getattr(act, "re", None)
        if not self._own_may_join or not isinstance(act, JUDGED_TOGETHER) or (re is not None and re not in kept):
            return False
        if waiting.said.draft is not None and waiting.said.draft in self._drafts:
            return False
        return not (isinstance(act, a.Notice) and act.plan.id in self._plans)


def is_urgent(waiting: Waiting) -> bool:
    """Whether it goes before all that waits."""
    act = waiting.said.act if isinstance(waiting, Submission) else None
    return isinstance(waiting.message.act if isinstance(waiting, Arrival) else act, URGENT)


def urgent_first(waiting: list[Waiting]) -> list[Waiting]:
    """The same, the urgent ones first, and with them what a peer's author said before on that line."""
    urgent: set[int] = set()
    last: dict[tuple[str, str], int] = {}
    for place, each in enumerate(waiting):
        if is_urgent(each):
            urgent.add(place)
            if isinstance(each, Arrival):
                last[each.message.line, each.message.author] = place
    if not urgent:
        return waiting
    for place, each in enumerate(waiting):
        if isinstance(each, Arrival) and place < last.get((each.message.line, each.message.author), -1):
            urgent.add(place)
    first = [each for place, each in enumerate(waiting) if place in urgent]
    return first + [each for place, each in enumerate(waiting) if place not in urgent]

"""A message: one act with its header, and, once it is kept, where and when this node's record holds it."""

from __future__ import annotations

from datetime import datetime

import msgspec

from keepclear.formats.wire import read_said
from keepclear.model.acts import Act, Said
from keepclear.record.envelope import Envelope


class Message(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One act as the rules see it.

    `id`, `line`, `author`, `seq`, `prev` and `said_at` are the signed header. `index` and `recorded_at` are this node's
    own: -1 and None until the act is kept.
    """

    id: str
    line: str
    author: str
    seq: int
    prev: str
    said_at: datetime
    said: Said
    index: int = -1
    recorded_at: datetime | None = None

    @property
    def act(self) -> Act:
        """What is said."""
        return self.said.act

    @property
    def role(self) -> str:
        """The role that said it."""
        return self.said.role

    @property
    def exercise(self) -> bool:
        """Whether it is marked as an exercise."""
        return self.said.exercise

    @property
    def at(self) -> datetime:
        """When it was said, for the clocks of the line: the author's time, but never later than it was recorded.

        An author whose clock runs ahead cannot so put off that something is missing.
        """
        return self.said_at if self.recorded_at is None else min(self.said_at, self.recorded_at)

    @property
    def order(self) -> tuple[datetime, str, int]:
        """A total order of acts that every node finds alike, whatever it heard first."""
        return (self.said_at, self.author, self.seq)


def read_message(envelope: Envelope) -> Message:
    """Read the body of an envelope. Malformed naming the field. The signature is checked elsewhere."""
    header = envelope.header
    return Message(
        id=envelope.id,
        line=header.line,
        author=header.author,
        seq=header.seq,
        prev=header.prev,
        said_at=header.said_at,
        said=read_said(envelope.body),
    )


def kept(message: Message, index: int, recorded_at: datetime) -> Message:
    """The message as this node's record holds it."""
    return msgspec.structs.replace(message, index=index, recorded_at=recorded_at)

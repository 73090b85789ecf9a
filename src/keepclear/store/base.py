"""What the line needs from a store, on one page. One test suite runs over every store (`tests/store`).

A store keeps one node's record: rows indexed 0, 1, 2 … without gaps, never changed, never removed; beside them a few
durable positions (`cursor`) and small values (`note`). It does not look into envelopes and does not know the tree.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol, runtime_checkable

from keepclear.errors import Forked, Malformed

MAX_SEQ = 2**53 - 1
MAX_ROW_BYTES = 65_535
MAX_NOTE_BYTES = 16 * 2**20
_ACT_ID = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class NewRow:
    """To be kept. `act_id`: 64 lower-case hex digits; `recorded_at`: UTC; `leaf_hash`: 32 bytes; `seq`: from 1."""

    act_id: str
    recorded_at: datetime
    envelope: bytes
    leaf_hash: bytes
    line: str
    author: str
    seq: int


@dataclass(frozen=True, slots=True)
class Row(NewRow):
    """A kept entry and its index from 0."""

    index: int


class Store(Protocol):
    """May be called from any thread; calls wait for one another, so a read may wait for a running append.

    Any call raises StoreFailed when bytes cannot be kept or read, or after `close`.
    """

    def append(self, batch: Sequence[NewRow]) -> list[int]:
        """Keep a batch in one transaction, all or nothing; it is on disk when this returns. The index of each row.

        A row whose `act_id` is already kept (or earlier in the batch) is not appended again: its existing index is
        returned. Forked if another act holds the same (line, author, seq); Malformed naming a field out of range; then
        nothing was kept. After StoreFailed nothing of the batch can be seen here; should the process die before the
        next append, the batch may be found whole at the next opening, never in part.
        """
        ...

    def rows(self, start: int = 0, stop: int | None = None) -> Iterator[Row]:
        """The rows from `start` up to, not including, `stop` (by default all that are kept at the time of the call)."""
        ...

    def row(self, index: int) -> Row:
        """One row; Malformed (`index`) if there is none."""
        ...

    def index_of(self, act_id: str) -> int | None:
        """The index of an act, or None if it is not kept."""
        ...

    def size(self) -> int:
        """How many rows are kept."""
        ...

    def leaf_hashes(self, start: int = 0) -> Iterator[bytes]:
        """The leaf hashes from `start` on, 32 bytes each, in order, up to the size at the time of the call."""
        ...

    def cursor(self, name: str) -> int:
        """A named position; 0 if it was never set."""
        ...

    def set_cursor(self, name: str, value: int) -> None:
        """Keep a named position (0 to 2**63 - 1); on disk when this returns."""
        ...

    def note(self, name: str) -> bytes | None:
        """A small named value; None if it was never set."""
        ...

    def set_note(self, name: str, value: bytes) -> None:
        """Keep a small named value (at most 16 MiB); on disk when this returns."""
        ...

    def close(self) -> None:
        """Let go of the files. Closing twice is allowed."""
        ...


class Turn(Protocol):
    """The sole right to append to a shared store, from when it was given until `append` or `end`."""

    new: Sequence[Row]
    """What others appended after the rows that the asker knew."""

    def append(self, batch: Sequence[NewRow]) -> list[int]:
        """Keep a batch behind all that is there and end the turn; the index of each row, when it is on disk.

        None of it is kept already, or this is BrokenRecord. StoreLost if the turn was taken away or the store cannot be
        reached: then the batch was kept whole or not at all, and the next turn shows which. Any other StoreFailed:
        nothing was kept.
        """
        ...

    def end(self) -> None:
        """Append nothing. Raises nothing, also when the turn was lost or is over."""
        ...


@runtime_checkable
class SharedStore(Store, Protocol):
    """A store that several instances of one node append to, in turns. `append` waits for a turn of its own."""

    def turn(self, known: int, last: bytes) -> Turn | None:
        """Wait for the turn. `known` is how many rows the asker has, `last` the leaf hash of the last of them.

        Whoever waited longest is next. A holder that falls silent loses the turn after a few seconds. None if so much
        is new that it is better read first, while others append. BrokenRecord if the record is not the one the asker
        knows.
        """
        ...

    def raise_note(self, name: str, value: bytes, rank: int) -> None:
        """Keep a small named value, unless one of the same or a higher rank (from 1) is kept under that name."""
        ...


def is_act_id(text: str) -> bool:
    """Whether this is 64 lower-case hex digits."""
    return _ACT_ID.fullmatch(text) is not None


def check_row(row: NewRow) -> None:
    """Malformed naming the first field that no store may keep."""
    if not is_act_id(row.act_id):
        raise Malformed("an act id is 64 lower-case hex digits", field="act_id")
    if row.recorded_at.utcoffset() != timedelta(0):
        raise Malformed("the record time must be in UTC and carry its zone", field="recorded_at")
    if not 1 <= len(row.envelope) <= MAX_ROW_BYTES:
        raise Malformed(f"an envelope has 1 to {MAX_ROW_BYTES} bytes", field="envelope")
    if len(row.leaf_hash) != 32:
        raise Malformed("a leaf hash has 32 bytes", field="leaf_hash")
    check_name(row.line, "line")
    check_name(row.author, "author")
    if not 1 <= row.seq <= MAX_SEQ:
        raise Malformed(f"seq is 1 to {MAX_SEQ}", field="seq")


def check_name(name: str, field: str) -> None:
    """Malformed unless a name has 1 to 255 printable characters."""
    if not 1 <= len(name) <= 255 or not name.isprintable():
        raise Malformed("a name has 1 to 255 printable characters", field=field)


def check_range(start: int, stop: int | None) -> None:
    """Malformed if a range begins or ends below 0."""
    if start < 0:
        raise Malformed("the first index is 0", field="start")
    if stop is not None and stop < 0:
        raise Malformed("the first index is 0", field="stop")


def check_cursor(name: str, value: int) -> None:
    """Malformed unless it is a named position a store can keep."""
    check_name(name, "name")
    if not 0 <= value < 2**63:
        raise Malformed("a position is 0 to 2**63 - 1", field="value")


def check_note(name: str, value: bytes) -> None:
    """Malformed unless it is a small named value."""
    check_name(name, "name")
    if len(value) > MAX_NOTE_BYTES:
        raise Malformed(f"a note has at most {MAX_NOTE_BYTES} bytes", field="value")


def forked(row: NewRow) -> Forked:
    """The refusal of a second act in the place of another."""
    return Forked(
        f"{row.author} already said something else as number {row.seq} on {row.line}",
        field="seq",
        line=row.line,
        author=row.author,
        seq=row.seq,
    )


def no_such_row(index: int, size: int) -> Malformed:
    """The refusal of an index that is not kept."""
    return Malformed(f"the record has {size} entries; there is no entry {index}", field="index", code="no_such_entry")

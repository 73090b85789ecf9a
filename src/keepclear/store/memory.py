"""A store in memory: the twin of the SQLite store, for worlds in one process. Nothing survives the process."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from dataclasses import fields

from keepclear.errors import StoreFailed
from keepclear.store.base import (
    NewRow,
    Row,
    check_cursor,
    check_note,
    check_range,
    check_row,
    forked,
    no_such_row,
)

_FIELDS = [field.name for field in fields(NewRow)]


class MemoryStore:
    """A `Store` whose disk is a list. Never fails but by being closed."""

    def __init__(self) -> None:
        self._lock = threading.RLock()
        self._rows: list[Row] = []
        self._index: dict[str, int] = {}
        self._places: set[tuple[str, str, int]] = set()
        self._cursors: dict[str, int] = {}
        self._notes: dict[str, bytes] = {}
        self._closed = False

    def append(self, batch: Sequence[NewRow]) -> list[int]:
        """See `Store.append`."""
        with self._lock:
            self._check_open()
            new: list[Row] = []
            index: dict[str, int] = {}
            places: set[tuple[str, str, int]] = set()
            answer: list[int] = []
            for row in batch:
                check_row(row)
            for row in batch:
                known = self._index.get(row.act_id, index.get(row.act_id))
                if known is None:
                    place = (row.line, row.author, row.seq)
                    if place in self._places or place in places:
                        raise forked(row)
                    known = len(self._rows) + len(new)
                    new.append(Row(**{name: getattr(row, name) for name in _FIELDS}, index=known))
                    index[row.act_id] = known
                    places.add(place)
                answer.append(known)
            self._rows += new
            self._index |= index
            self._places |= places
            return answer

    def rows(self, start: int = 0, stop: int | None = None) -> Iterator[Row]:
        """See `Store.rows`."""
        with self._lock:
            self._check_open()
            check_range(start, stop)
            return iter(self._rows[start:stop])

    def row(self, index: int) -> Row:
        """See `Store.row`."""
        with self._lock:
            self._check_open()
            if not 0 <= index < len(self._rows):
                raise no_such_row(index, len(self._rows))
            return self._rows[index]

    def index_of(self, act_id: str) -> int | None:
        """See `Store.index_of`."""
        with self._lock:
            self._check_open()
            return self._index.get(act_id)

    def size(self) -> int:
        """See `Store.size`."""
        with self._lock:
            self._check_open()
            return len(self._rows)

    def leaf_hashes(self, start: int = 0) -> Iterator[bytes]:
        """See `Store.leaf_hashes`."""
        return (row.leaf_hash for row in self.rows(start))

    def cursor(self, name: str) -> int:
        """See `Store.cursor`."""
        with self._lock:
            self._check_open()
            return self._cursors.get(name, 0)

    def set_cursor(self, name: str, value: int) -> None:
        """See `Store.set_cursor`."""
        with self._lock:
            self._check_open()
            check_cursor(name, value)
            self._cursors[name] = value

    def note(self, name: str) -> bytes | None:
        """See `Store.note`."""
        with self._lock:
            self._check_open()
            return self._notes.get(name)

    def set_note(self, name: str, value: bytes) -> None:
        """See `Store.set_note`."""
        with self._lock:
            self._check_open()
            check_note(name, value)
            self._notes[name] = value

    def close(self) -> None:
        """See `Store.close`."""
        with self._lock:
            self._closed = True

    def _check_open(self) -> None:
        if self._closed:
            raise StoreFailed("the store is closed")

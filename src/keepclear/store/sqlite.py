"""The SQLite store: one file per node, through apsw; WAL and synchronous=FULL, so what is answered is on disk.

The connection holds the file exclusively (`locking_mode=EXCLUSIVE`): a second node, in this or another process, cannot
open it, and the lock dies with the process. Nothing else in the process may open the file, even to read it: closing it
again would drop the lock (POSIX). Not promised: network file systems, and disks that lie about fsync.
"""

from __future__ import annotations

import contextlib
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import apsw

from keepclear.errors import StoreFailed, StoreTooOld
from keepclear.store.base import (
    NewRow,
    Row,
    check_cursor,
    check_note,
    check_range,
    check_row,
    forked,
    is_act_id,
    no_such_row,
)

OLDEST_SQLITE = (3, 51, 3)
"""Before this, the WAL-reset fault could lose committed data."""
APPLICATION_ID = 0x6B706372
"""`kpcr` in the file's header: this is a keepclear store."""
LAYOUT = 1
"""Version of the tables, in the file's `user_version`."""

_TABLES = """
CREATE TABLE entry (
    idx INTEGER PRIMARY KEY,
    act_id BLOB NOT NULL UNIQUE,
    recorded_us INTEGER NOT NULL,
    line TEXT NOT NULL,
    author TEXT NOT NULL,
    seq INTEGER NOT NULL,
    envelope BLOB NOT NULL,
    UNIQUE (line, author, seq)
) STRICT;
CREATE TABLE leaf (idx INTEGER PRIMARY KEY, hash BLOB NOT NULL) STRICT;
CREATE TABLE position (name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;
CREATE TABLE note (name TEXT PRIMARY KEY, value BLOB NOT NULL) STRICT;
"""
# Leaf hashes lie apart from the envelopes: building the tree at start reads 40 bytes a row, not the whole record.

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PAGE = 512

T = TypeVar("T")


class SqliteStore:
    """A `Store` in one SQLite file, created when absent.

    StoreTooOld if the SQLite library can lose data; StoreFailed if the file is held by another node, is not a keepclear
    store, was written by a newer version, or cannot be read.
    """

    def __init__(self, path: str | os.PathLike[str], *, vfs: str | None = None) -> None:
        check_sqlite_version(apsw.sqlite_lib_version())
        self._path = os.path.abspath(path)
        self._lock = threading.RLock()
        self._connection: apsw.Connection | None = None
        try:
            _create(self._path)
            self._connection = apsw.Connection(self._path, vfs=vfs)
            self._open(self._connection)
        except (apsw.Error, OSError) as error:
            self.close()
            raise _failed(f"the store {self._path} cannot be opened", error) from error
        except StoreFailed:
            self.close()
            raise

    def append(self, batch: Sequence[NewRow]) -> list[int]:
        """See `Store.append`."""
        for row in batch:
            check_row(row)
        return self._write(lambda connection: _append(connection, batch))

    def rows(self, start: int = 0, stop: int | None = None) -> Iterator[Row]:
        """See `Store.rows`. Read in pages, so that appends go on between them."""
        check_range(start, stop)
        size = self.size()
        return self._pages(start, size if stop is None else min(stop, size))

    def row(self, index: int) -> Row:
        """See `Store.row`."""
        size = self.size()
        if not 0 <= index < size:
            raise no_such_row(index, size)
        return next(self._pages(index, index + 1))

    def index_of(self, act_id: str) -> int | None:
        """See `Store.index_of`."""
        key = bytes.fromhex(act_id) if is_act_id(act_id) else b""
        found: int | None = self._read("SELECT idx FROM entry WHERE act_id = ?", (key,))
        return found

    def size(self) -> int:
        """See `Store.size`."""
        count: int = self._read("SELECT coalesce(max(idx) + 1, 0) FROM entry", ())
        return count

    def leaf_hashes(self, start: int = 0) -> Iterator[bytes]:
        """See `Store.leaf_hashes`."""
        check_range(start, None)
        return self._leaf_pages(start, self.size())

    def cursor(self, name: str) -> int:
        """See `Store.cursor`."""
        return self._read("SELECT value FROM position WHERE name = ?", (name,)) or 0

    def set_cursor(self, name: str, value: int) -> None:
        """See `Store.set_cursor`."""
        check_cursor(name, value)
        self._write(lambda connection: connection.execute("REPLACE INTO position VALUES (?, ?)", (name, value)))

    def note(self, name: str) -> bytes | None:
        """See `Store.note`."""
        value: bytes | None = self._read("SELECT value FROM note WHERE name = ?", (name,))
        return value

    def set_note(self, name: str, value: bytes) -> None:
        """See `Store.set_note`."""
        check_note(name, value)
        self._write(lambda connection: connection.execute("REPLACE INTO note VALUES (?, ?)", (name, value)))

    def close(self) -> None:
        """See `Store.close`."""
        with self._lock:
            connection, self._connection = self._connection, None
            if connection is not None:
                # What was answered for is in the write-ahead log; the next opening finishes what closing cannot.
                with contextlib.suppress(apsw.Error):
                    connection.close()

    def _open(self, connection: apsw.Connection) -> None:
        connection.execute("PRAGMA locking_mode=EXCLUSIVE")  # first, or the WAL index would be shared memory
        application_id = connection.execute("PRAGMA application_id").get
        layout = connection.execute("PRAGMA user_version").get
        is_new = not connection.execute("SELECT count(*) FROM sqlite_schema").get
        if not is_new or application_id or layout:
            if application_id != APPLICATION_ID:
                raise StoreFailed(f"{self._path} is not a keepclear store")
            if layout != LAYOUT:
                raise StoreFailed(f"{self._path} has layout {layout}; this version of keepclear reads layout {LAYOUT}")
        if connection.execute("PRAGMA journal_mode=WAL").get != "wal":
            raise StoreFailed(f"{self._path} lies where SQLite cannot keep a write-ahead log")
        connection.execute("PRAGMA synchronous=FULL; PRAGMA fullfsync=ON; PRAGMA trusted_schema=OFF")
        connection.execute("BEGIN IMMEDIATE")  # takes the exclusive lock now, not at the first append
        if is_new:
            connection.execute(_TABLES)
            connection.execute(f"PRAGMA application_id={APPLICATION_ID}; PRAGMA user_version={LAYOUT}")
        connection.execute("COMMIT")

    def _write(self, work: Callable[[apsw.Connection], T]) -> T:
        """Run `work` in one transaction; when this returns it is on disk, when it raises nothing of it is kept."""
        with self._lock:
            connection = self._opened()
            try:
                connection.execute("BEGIN IMMEDIATE")
                result = work(connection)
                connection.execute("COMMIT")
            except apsw.Error as error:
                raise _failed("the store could not keep this", error) from error
            finally:
                self._roll_back(connection)
            return result

    def _roll_back(self, connection: apsw.Connection) -> None:
        """End a transaction that is still open. If even that fails, close: rows nobody was promised may not be seen."""
        try:
            if not connection.get_autocommit():
                connection.execute("ROLLBACK")
        except apsw.Error as error:
            self.close()
            raise _failed("the store had to be closed", error) from error

    def _read(self, query: str, values: tuple[object, ...]) -> Any:
        """The single value a query gives, or None."""
        with self._lock:
            try:
                return self._opened().execute(query, values).get
            except apsw.Error as error:
                raise _failed("the store cannot be read", error) from error

    def _read_all(self, query: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                return self._opened().execute(query, values).fetchall()
            except apsw.Error as error:
                raise _failed("the store cannot be read", error) from error

    def _pages(self, start: int, stop: int) -> Iterator[Row]:
        query = (
            "SELECT entry.idx, act_id, recorded_us, envelope, hash, line, author, seq FROM entry JOIN leaf USING (idx)"
            " WHERE entry.idx >= ? AND entry.idx < ? ORDER BY entry.idx"
        )
        for page in range(start, stop, _PAGE):
            for index, act_id, recorded_us, envelope, hash_, line, author, seq in self._read_all(
                query, (page, min(page + _PAGE, stop))
            ):
                recorded_at = _EPOCH + recorded_us * _MICROSECOND
                yield Row(act_id.hex(), recorded_at, envelope, hash_, line, author, seq, index=index)

    def _leaf_pages(self, start: int, stop: int) -> Iterator[bytes]:
        query = "SELECT hash FROM leaf WHERE idx >= ? AND idx < ? ORDER BY idx"
        for page in range(start, stop, 64 * _PAGE):
            for (hash_,) in self._read_all(query, (page, min(page + 64 * _PAGE, stop))):
                yield hash_

    def _opened(self) -> apsw.Connection:
        if self._connection is None:
            raise StoreFailed("the store is closed")
        return self._connection


def _create(path: str) -> None:
    """Make a new store's file readable by its owner alone; SQLite gives the files beside it the same mode.

    A file that is there is not opened: closing it would drop the locks that this process may hold on it (POSIX).
    """
    with contextlib.suppress(FileExistsError):
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600))


def check_sqlite_version(version: str) -> None:
    """StoreTooOld unless the SQLite library is at least 3.51.3."""
    if tuple(int(part) for part in version.split(".")) < OLDEST_SQLITE:
        oldest = ".".join(str(part) for part in OLDEST_SQLITE)
        raise StoreTooOld(f"SQLite {version} can lose data that was answered for; at least {oldest} is needed")


def _append(connection: apsw.Connection, batch: Sequence[NewRow]) -> list[int]:
    next_index: int = connection.execute("SELECT coalesce(max(idx) + 1, 0) FROM entry").get
    answer = []
    for row in batch:
        act_id = bytes.fromhex(row.act_id)
        recorded_us = (row.recorded_at - _EPOCH) // _MICROSECOND
        try:
            connection.execute(
                "INSERT INTO entry (idx, act_id, recorded_us, line, author, seq, envelope)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (next_index, act_id, recorded_us, row.line, row.author, row.seq, row.envelope),
            )
        except apsw.ConstraintError:
            known: int | None = connection.execute("SELECT idx FROM entry WHERE act_id = ?", (act_id,)).get
            if known is None:
                raise forked(row) from None
            answer.append(known)
            continue
        connection.execute("INSERT INTO leaf (idx, hash) VALUES (?, ?)", (next_index, row.leaf_hash))
        answer.append(next_index)
        next_index += 1
    return answer


def _failed(what: str, error: Exception) -> StoreFailed:
    """One sentence for the person at the desk."""
    if isinstance(error, apsw.BusyError):
        return StoreFailed(f"{what}: another node has it open")
    if isinstance(error, apsw.FullError):
        return StoreFailed(f"{what}: the disk is full")
    if isinstance(error, apsw.NotADBError | apsw.CorruptError):
        return StoreFailed(f"{what}: the file is damaged or is not a store")
    return StoreFailed(f"{what}: {error}")

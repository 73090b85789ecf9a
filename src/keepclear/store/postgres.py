"""The PostgreSQL store: one schema for each node in a database that several instances of the node share.

Every append is a transaction that first locks one table of the schema, so appends stand in a queue, rows are numbered
without gaps, and whoever has the lock sees all that was kept before. Readers wait for nobody. A holder of the lock that
falls silent is cut off by the server. What is answered is committed with `synchronous_commit` on: it is on the server's
disk, and on that of its synchronous standbys if it has any.

Not promised: servers with `fsync` off (refused), a failover to a standby that has not everything, poolers that hand
a session's transactions to different servers or sessions.
"""

from __future__ import annotations

import contextlib
import hashlib
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo
from psycopg.pq import TransactionStatus

from keepclear.errors import BrokenRecord, Malformed, StoreFailed, StoreLost, StoreUnusable
from keepclear.store.base import (
    NewRow,
    Row,
    check_cursor,
    check_name,
    check_note,
    check_range,
    check_row,
    forked,
    is_act_id,
    no_such_row,
)
from keepclear.store.postgres_sql import Statements

LAYOUT = 1
"""Version of the tables, in the table `about`."""
SILENT_HOLDER_S = 3
"""A holder of the turn that is idle for so long loses it to the server."""
LONG_WAIT_S = 10
"""Whoever has waited so long for the turn takes it from a holder that has done nothing new since."""
MAX_NEW = 500
"""Rows that are read while the turn is held."""
MAX_IDLE = 6

_DEFAULTS = {
    "target_session_attrs": "read-write",
    "connect_timeout": "5",
    "keepalives_idle": "5",
    "keepalives_interval": "2",
    "keepalives_count": "3",
    "tcp_user_timeout": "10000",
}
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_PAGE = 512

Connection = psycopg.Connection[tuple[Any, ...]]
T = TypeVar("T")


def schema_of(node: str) -> str:
    """The schema that holds the record of a node."""
    return f"keepclear_{hashlib.sha256(node.encode()).hexdigest()[:20]}"


class PostgresStore:
    """A `SharedStore` in a PostgreSQL database, made when absent.

    `address` is a URL or a connection string of libpq; what it leaves out comes from PGPASSWORD, PGPASSFILE and so on.
    Malformed (`store`) if it is none; StoreUnusable if the database cannot be reached, is read-only, does not keep what
    it answers for, or holds something else, or a later layout, under this node's name.
    """

    def __init__(self, address: str, node: str) -> None:
        check_name(node, "node")
        self._conninfo = _conninfo(address, node)
        self._node = node
        self._sql = Statements.of(schema_of(node))
        self._lock = threading.Lock()
        self._idle: list[Connection] = []
        self._closed = False
        try:
            self._ask(self._open)
        except StoreFailed as error:
            raise StoreUnusable(str(error)) from None

    def __repr__(self) -> str:
        return f"PostgresStore({self._node!r})"

    def append(self, batch: Sequence[NewRow]) -> list[int]:
        """See `Store.append`."""
        for row in batch:
            check_row(row)
        return self._ask(lambda connection: self._append(connection, batch))

    def rows(self, start: int = 0, stop: int | None = None) -> Iterator[Row]:
        """See `Store.rows`. Read in pages, so that a long record is never in memory as a whole."""
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
        found: int | None = self._value(self._sql.index_of, bytes.fromhex(act_id) if is_act_id(act_id) else b"")
        return found

    def size(self) -> int:
        """See `Store.size`. All that any instance was answered for before this was called counts."""
        size: int = self._value(self._sql.size)
        return size

    def leaf_hashes(self, start: int = 0) -> Iterator[bytes]:
        """See `Store.leaf_hashes`."""
        check_range(start, None)
        return self._leaf_pages(start, self.size())

    def cursor(self, name: str) -> int:
        """See `Store.cursor`."""
        return self._value(self._sql.cursor, name) or 0

    def set_cursor(self, name: str, value: int) -> None:
        """See `Store.set_cursor`."""
        check_cursor(name, value)
        self._ask(lambda connection: connection.execute(self._sql.set_cursor, (name, value)))

    def note(self, name: str) -> bytes | None:
        """See `Store.note`."""
        value: bytes | None = self._value(self._sql.note, name)
        return value

    def set_note(self, name: str, value: bytes) -> None:
        """See `Store.set_note`."""
        check_note(name, value)
        self._ask(lambda connection: connection.execute(self._sql.set_note, (name, value)))

    def raise_note(self, name: str, value: bytes, rank: int) -> None:
        """See `SharedStore.raise_note`."""
        check_note(name, value)
        self._ask(lambda connection: connection.execute(self._sql.raise_note, (name, value, rank)))

    def turn(self, known: int, last: bytes) -> PostgresTurn | None:
        """See `SharedStore.turn`."""
        try:
            turn = self._ask(lambda connection: self._begin(connection, known), keep=True)
        except TurnHeld:
            self._ask(lambda connection: connection.execute(self._sql.dislodge, (timedelta(seconds=LONG_WAIT_S),)))
            turn = self._ask(lambda connection: self._begin(connection, known), keep=True)
        if turn.size < known or (known and turn.last != last):
            turn.end()
            raise BrokenRecord("store", f"the record had {known} entries, and has others now")
        if turn.size > known + len(turn.new):
            turn.end()
            return None
        return turn

    def close(self) -> None:
        """See `Store.close`. What is going on in other threads ends as it would have."""
        with self._lock:
            self._closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    # ── connections ──

    def _ask(self, work: Callable[[Connection], T], *, keep: bool = False) -> T:
        """Do something that may be done twice, over a new connection if the one at hand turns out to be lost.

        `keep`: the result goes on using the connection and gives it back.
        """
        while True:
            connection, is_new = self._take()
            try:
                result = work(connection)
            except psycopg.Error as error:
                lost = is_lost(connection)
                self.give_back(connection)
                if lost and not is_new:
                    self._forget_idle()
                    continue
                raise failed("the database did not do this", error) from None
            except BaseException:
                self.give_back(connection)
                raise
            if not keep:
                self.give_back(connection)
            return result

    def _take(self) -> tuple[Connection, bool]:
        """A connection that nobody uses, and whether it is new."""
        with self._lock:
            if self._closed:
                raise StoreFailed("the store is closed")
            if self._idle:
                return self._idle.pop(), False
        try:
            connection = psycopg.connect(self._conninfo, autocommit=True)
        except psycopg.Error as error:
            raise failed("the database cannot be reached", error) from None
        try:
            self._set_up(connection)
        except psycopg.Error as error:
            connection.close()
            raise failed("the database cannot be used", error) from None
        except BaseException:
            connection.close()
            raise
        return connection, True

    def give_back(self, connection: Connection) -> None:
        """For another to use; closed if it is not as it was taken."""
        with self._lock:
            sound = not is_lost(connection) and connection.info.transaction_status == TransactionStatus.IDLE
            if sound and not self._closed and len(self._idle) < MAX_IDLE:
                self._idle.append(connection)
                return
        connection.close()

    def _forget_idle(self) -> None:
        """One was lost: whatever happened to it happened to the others."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.close()

    def _set_up(self, connection: Connection) -> None:
        found = connection.execute(self._sql.set_up, (f"{SILENT_HOLDER_S}s", f"{LONG_WAIT_S}s")).fetchone()
        fsync, encoding = found[-2:] if found else ("", "")
        if fsync != "on":
            raise StoreFailed("this database runs with fsync off: it does not keep what it answers for")
        if encoding != "UTF8":
            raise StoreFailed(f"this database is in {encoding}; it must be in UTF8")

    # ── inside ──

    def _open(self, connection: Connection) -> None:
        """Make the tables where there is nothing, and check whose they are."""
        with connection.transaction():
            connection.execute(self._sql.lock_name, (self._node,))
            # Who may not make schemas in this database is given an empty one.
            if not _one(connection.execute(self._sql.schema_is_there, (self._sql.schema,))):
                connection.execute(self._sql.create_schema)
            tables = {name for (name,) in connection.execute(self._sql.tables, (self._sql.schema,))}
            if not tables:
                connection.execute(self._sql.create)
                connection.execute(self._sql.introduce, (LAYOUT, self._node))
            elif "about" not in tables:
                raise StoreFailed(f"the schema {self._sql.schema} of this database is not a keepclear store")
            found = connection.execute(self._sql.about).fetchall()
        if len(found) != 1 or found[0][1] != self._node:
            raise StoreFailed(f"the schema {self._sql.schema} of this database is not the record of {self._node}")
        if found[0][0] != LAYOUT:
            raise StoreFailed(
                f"the record in this database has layout {found[0][0]}; this version of keepclear reads layout {LAYOUT}"
            )

    def _append(self, connection: Connection, batch: Sequence[NewRow]) -> list[int]:
        with connection.transaction():
            connection.execute(self._sql.lock)
            size: int = _one(connection.execute(self._sql.size))
            ids = [bytes.fromhex(row.act_id) for row in batch]
            index = {act_id.hex(): idx for act_id, idx in connection.execute(self._sql.known, (ids,))}
            places = set(connection.execute(self._sql.places, _places(batch)))
            new: list[NewRow] = []
            for row in batch:
                if row.act_id not in index:
                    place = (row.line, row.author, row.seq)
                    if place in places:
                        raise forked(row)
                    places.add(place)
                    index[row.act_id] = size + len(new)
                    new.append(row)
            if new:
                connection.execute(self._sql.insert, _columns(size, new))
        return [index[row.act_id] for row in batch]

    def _begin(self, connection: Connection, known: int) -> PostgresTurn:
        answers = connection.execute(self._sql.begin % (known - 1, known, MAX_NEW))
        size, last = answers.set_result(2).fetchone() or (0, None)
        new = [_row(each) for each in answers.set_result(3)]
        return PostgresTurn(self, connection, self._sql, size, last, new)

    def _value(self, query: bytes, *values: object) -> Any:
        """The single value a query gives, or None."""
        return self._ask(lambda connection: _one(connection.execute(query, values, binary=True)))

    def _page(self, query: bytes, start: int, stop: int) -> list[tuple[Any, ...]]:
        return self._ask(lambda connection: connection.execute(query, (start, stop), binary=True).fetchall())

    def _pages(self, start: int, stop: int) -> Iterator[Row]:
        for page in range(start, stop, _PAGE):
            yield from map(_row, self._page(self._sql.rows, page, min(page + _PAGE, stop)))

    def _leaf_pages(self, start: int, stop: int) -> Iterator[bytes]:
        for page in range(start, stop, 64 * _PAGE):
            for (leaf,) in self._page(self._sql.leaves, page, min(page + 64 * _PAGE, stop)):
                yield leaf


@dataclass(slots=True)
class PostgresTurn:
    """See `Turn`: an open transaction that has locked the queue. `last` is the leaf of the last row the asker knew."""

    _store: PostgresStore
    _connection: Connection
    _sql: Statements
    size: int
    last: bytes | None
    new: Sequence[Row]
    _over: bool = False

    def append(self, batch: Sequence[NewRow]) -> list[int]:
        """See `Turn.append`."""
        for row in batch:
            check_row(row)
        try:
            with self._connection.pipeline():
                self._connection.execute(self._sql.insert, _columns(self.size, batch))
                self._connection.execute(b"COMMIT")
        except psycopg.errors.UniqueViolation as error:
            raise BrokenRecord("store", f"it holds already what was to be appended: {_first_line(error)}") from None
        except psycopg.Error as error:
            if is_lost(self._connection):
                raise StoreLost(f"the database was lost while it kept this: {_first_line(error)}") from None
            raise failed("the database could not keep this", error) from None
        finally:
            self.end()
        return list(range(self.size, self.size + len(batch)))

    def end(self) -> None:
        """See `Turn.end`."""
        if not self._over:
            self._over = True
            with contextlib.suppress(psycopg.Error):
                self._connection.rollback()
            self._store.give_back(self._connection)


def is_lost(connection: Connection) -> bool:
    """Whether nothing more can be asked over a connection."""
    return connection.closed or connection.broken


class TurnHeld(StoreFailed):
    """The other instances did not give up the turn in time."""


def failed(what: str, error: psycopg.Error) -> StoreFailed:
    """One sentence for the person at the desk. The server's own words never hold a password."""
    if isinstance(error, psycopg.errors.LockNotAvailable):
        return TurnHeld(f"{what}: the other instances of this node did not give up the turn")
    for kind, why in _WHY.items():
        if isinstance(error, kind):
            return StoreFailed(f"{what}: {why}")
    return StoreFailed(f"{what}: {_first_line(error)}")


_WHY: dict[type[psycopg.Error], str] = {
    psycopg.errors.DiskFull: "its disk is full",
    psycopg.errors.TooManyConnections: "it has no connection left",
    psycopg.errors.ReadOnlySqlTransaction: "it is read-only",
    psycopg.errors.InsufficientPrivilege: "this user may not do it",
}


def _first_line(error: psycopg.Error) -> str:
    return (error.diag.message_primary or str(error) or type(error).__name__).splitlines()[0]


def _conninfo(address: str, node: str) -> str:
    try:
        given = {name: str(value) for name, value in conninfo_to_dict(address).items() if value is not None}
    except (psycopg.Error, UnicodeError, ValueError):
        # The reader's own words may repeat the address, password and all.
        message = "this is not the address of a PostgreSQL database: postgresql://user@host/database"
        raise Malformed(message, field="store", code="store_address") from None
    settings = {**_DEFAULTS, "application_name": f"keepclear {node}", **given, "client_encoding": "utf8"}
    return make_conninfo("", **settings)


def _one(cursor: psycopg.Cursor[tuple[Any, ...]]) -> Any:
    found = cursor.fetchone()
    return None if found is None else found[0]


def _row(found: tuple[Any, ...]) -> Row:
    index, act_id, recorded_us, envelope, leaf, line, author, seq = found
    return Row(act_id.hex(), _EPOCH + recorded_us * _MICROSECOND, envelope, leaf, line, author, seq, index=index)


def _columns(size: int, rows: Sequence[NewRow]) -> tuple[list[Any], ...]:
    return (
        list(range(size, size + len(rows))),
        [bytes.fromhex(row.act_id) for row in rows],
        [(row.recorded_at - _EPOCH) // _MICROSECOND for row in rows],
        [row.envelope for row in rows],
        [row.leaf_hash for row in rows],
        *_places(rows),
    )


def _places(rows: Sequence[NewRow]) -> tuple[list[str], list[str], list[int]]:
    return [row.line for row in rows], [row.author for row in rows], [row.seq for row in rows]

"""What the PostgreSQL store says to its server. The names of schemas are digits of our own, never anybody's text."""

from __future__ import annotations

from dataclasses import dataclass

_COLUMNS = "idx, act_id, recorded_us, envelope, leaf, line, author, seq"

# Weaker commits than `on` are made `on`; stronger ones are left. A lock is waited for longer than one may be silent.
_SET_UP = """
SELECT set_config('idle_in_transaction_session_timeout', %s, false),
    set_config('lock_timeout', %s, false),
    set_config('statement_timeout', '60s', false),
    set_config('default_transaction_isolation', 'read committed', false),
    set_config('synchronous_commit', CASE WHEN current_setting('synchronous_commit') IN ('off', 'local', 'remote_write')
        THEN 'on' ELSE current_setting('synchronous_commit') END, false),
    current_setting('fsync'), current_setting('server_encoding')
"""

# A table is locked for the turn: to lock a row would write, and an advisory lock anybody in the database can take.
_CREATE = """
CREATE TABLE {s}.about (layout integer NOT NULL, node text NOT NULL);
CREATE TABLE {s}.turn ();
CREATE TABLE {s}.entry (
    idx bigint PRIMARY KEY,
    recorded_us bigint NOT NULL,
    seq bigint NOT NULL,
    act_id bytea NOT NULL UNIQUE,
    leaf bytea NOT NULL,
    line text NOT NULL,
    author text NOT NULL,
    envelope bytea NOT NULL,
    UNIQUE (line, author, seq)
);
CREATE TABLE {s}.position (name text PRIMARY KEY, value bigint NOT NULL);
CREATE TABLE {s}.note (name text PRIMARY KEY, value bytea NOT NULL, rank bigint NOT NULL);
"""

_INSERT = f"""
INSERT INTO {{s}}.entry ({_COLUMNS}) SELECT * FROM unnest(
    %b::bigint[], %b::bytea[], %b::bigint[], %b::bytea[], %b::bytea[], %b::text[], %b::text[], %b::bigint[])
"""
_PLACES = """
SELECT line, author, seq FROM {s}.entry
    JOIN unnest(%b::text[], %b::text[], %b::bigint[]) AS asked (line, author, seq) USING (line, author, seq)
"""
_SET_NOTE = """
INSERT INTO {s}.note VALUES (%s, %b, 0) ON CONFLICT (name) DO UPDATE SET value = excluded.value, rank = 0
"""
_RAISE_NOTE = """
INSERT INTO {s}.note VALUES (%s, %b, %s)
    ON CONFLICT (name) DO UPDATE SET value = excluded.value, rank = excluded.rank WHERE note.rank < excluded.rank
"""
_SET_CURSOR = """
INSERT INTO {s}.position VALUES (%s, %s) ON CONFLICT (name) DO UPDATE SET value = excluded.value
"""
# One simple query: it is one round trip, and after a pipeline the server does not count how long its client is idle in
# the transaction. Each statement sees what was committed when it began, so the last two see all there is.
_BEGIN = f"""
BEGIN;
LOCK TABLE {{s}}.turn IN EXCLUSIVE MODE;
SELECT coalesce(max(idx) + 1, 0), (SELECT leaf FROM {{s}}.entry WHERE idx = %d) FROM {{s}}.entry;
SELECT {_COLUMNS} FROM {{s}}.entry WHERE idx >= %d ORDER BY idx LIMIT %d
"""
# A holder that was stopped while it sent is not idle to its server.
_DISLODGE = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_locks JOIN pg_stat_activity USING (pid)
    WHERE locktype = 'relation' AND relation = '{s}.turn'::regclass AND granted AND mode = 'ExclusiveLock'
    AND clock_timestamp() - state_change > %s
"""
_TABLES = "SELECT relname FROM pg_class WHERE relnamespace = to_regnamespace(%s) AND relkind = 'r'"


@dataclass(frozen=True, slots=True)
class Statements:
    """Each statement for one schema, as it goes to the server."""

    schema: str
    set_up: bytes
    lock_name: bytes
    tables: bytes
    schema_is_there: bytes
    create_schema: bytes
    create: bytes
    introduce: bytes
    about: bytes
    lock: bytes
    begin: bytes
    dislodge: bytes
    size: bytes
    rows: bytes
    leaves: bytes
    index_of: bytes
    known: bytes
    places: bytes
    insert: bytes
    cursor: bytes
    set_cursor: bytes
    note: bytes
    set_note: bytes
    raise_note: bytes

    @classmethod
    def of(cls, schema: str) -> Statements:
        """The statements for a schema, whose name holds lower-case letters, digits and _ only."""

        def said(text: str) -> bytes:
            return text.format(s=schema).encode()

        return cls(
            schema=schema,
            set_up=said(_SET_UP),
            lock_name=said("SELECT pg_advisory_xact_lock(hashtextextended(%s, 2017))"),
            tables=said(_TABLES),
            schema_is_there=said("SELECT to_regnamespace(%s) IS NOT NULL"),
            create_schema=said("CREATE SCHEMA {s}"),
            create=said(_CREATE),
            introduce=said("INSERT INTO {s}.about VALUES (%s, %s)"),
            about=said("SELECT layout, node FROM {s}.about"),
            lock=said("LOCK TABLE {s}.turn IN EXCLUSIVE MODE"),
            begin=said(_BEGIN),
            dislodge=said(_DISLODGE),
            size=said("SELECT coalesce(max(idx) + 1, 0) FROM {s}.entry"),
            rows=said(f"SELECT {_COLUMNS} FROM {{s}}.entry WHERE idx >= %s AND idx < %s ORDER BY idx"),
            leaves=said("SELECT leaf FROM {s}.entry WHERE idx >= %s AND idx < %s ORDER BY idx"),
            index_of=said("SELECT idx FROM {s}.entry WHERE act_id = %s"),
            known=said("SELECT act_id, idx FROM {s}.entry WHERE act_id = ANY(%b::bytea[])"),
            places=said(_PLACES),
            insert=said(_INSERT),
            cursor=said("SELECT value FROM {s}.position WHERE name = %s"),
            set_cursor=said(_SET_CURSOR),
            note=said("SELECT value FROM {s}.note WHERE name = %s"),
            set_note=said(_SET_NOTE),
            raise_note=said(_RAISE_NOTE),
        )

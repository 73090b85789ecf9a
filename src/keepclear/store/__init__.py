"""Where bytes are kept: the only room with SQL. `base.Store` says what the line needs of a store.

`postgres.PostgresStore` is not named here: it needs psycopg, which only those install who share a store.
"""

from __future__ import annotations

from keepclear.store.base import NewRow, Row, SharedStore, Store, Turn
from keepclear.store.memory import MemoryStore
from keepclear.store.opening import open_store
from keepclear.store.sqlite import SqliteStore

__all__ = ["MemoryStore", "NewRow", "Row", "SharedStore", "SqliteStore", "Store", "Turn", "open_store"]

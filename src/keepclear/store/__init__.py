"""Where bytes are kept: the only room with SQL. `base.Store` says what the line needs of a store."""

from __future__ import annotations

from keepclear.store.base import NewRow, Row, Store
from keepclear.store.memory import MemoryStore
from keepclear.store.sqlite import SqliteStore

__all__ = ["MemoryStore", "NewRow", "Row", "SqliteStore", "Store"]

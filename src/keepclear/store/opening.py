"""Which store an address means."""

from __future__ import annotations

from pathlib import Path

from keepclear.errors import Malformed, StoreUnusable
from keepclear.store.base import Store
from keepclear.store.sqlite import SqliteStore

SCHEMES = ("postgresql://", "postgres://")


def open_store(address: str | None, node: str, file: Path) -> Store:
    """The store of a node: in the database of this address, or, where it is None, in its own file.

    Malformed (`store`) if the address is none of PostgreSQL; StoreFailed if the store cannot be opened; so if, for a
    database, psycopg is not installed.
    """
    if address is None:
        return SqliteStore(file)
    if not address.startswith(SCHEMES):
        message = "the address of a store begins with postgresql://"
        raise Malformed(message, field="store", code="store_address")
    try:
        from keepclear.store.postgres import PostgresStore
    except ImportError as error:
        raise StoreUnusable(f"a store in PostgreSQL needs keepclear[postgres]: {error}") from None
    return PostgresStore(address, node)

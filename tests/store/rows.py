"""Rows to keep in tests. Their envelopes are any bytes: a store does not look into them."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

from keepclear.store import NewRow, Row, Store

MORNING = datetime(2017, 9, 8, 5, 10, tzinfo=UTC)


def new_row(number: int, author: str = "russia", words: str = "", size: int = 40) -> NewRow:
    """The act `number` (from 0) of an author; other `words` make another act in the same place."""
    said = f"{author} {number} {words}"
    act_id = hashlib.sha256(said.encode()).hexdigest()
    return NewRow(
        act_id=act_id,
        recorded_at=MORNING + timedelta(microseconds=number),
        envelope=(said.encode() + b" \xff\x00\n").ljust(size, b"."),
        leaf_hash=hashlib.sha256(act_id.encode()).digest(),
        line="avoidance",
        author=author,
        seq=number + 1,
    )


def kept(row: NewRow, index: int) -> Row:
    """What a store gives back for a row it keeps at `index`."""
    fields = (row.act_id, row.recorded_at, row.envelope, row.leaf_hash, row.line, row.author, row.seq)
    return Row(*fields, index=index)


def assert_whole(store: Store) -> list[Row]:
    """The store's rows, after checking that every way of asking for them agrees."""
    rows = list(store.rows())
    assert [row.index for row in rows] == list(range(store.size()))
    assert [row.leaf_hash for row in rows] == list(store.leaf_hashes())
    assert [store.index_of(row.act_id) for row in rows] == [row.index for row in rows]
    assert len({(row.line, row.author, row.seq) for row in rows}) == len(rows)
    return rows

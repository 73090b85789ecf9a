"""Keeping entries on disk: the store, beside a bare file with one fdatasync for the same groups."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from bench.clock import in_turn
from keepclear.store.base import NewRow
from keepclear.store.sqlite import SqliteStore

ENVELOPE = b"x" * 900
ROWS = 512


def rows(first: int) -> Iterator[NewRow]:
    """Distinct rows of an ordinary size, numbered from `first`."""
    at = datetime(2026, 1, 1, tzinfo=UTC)
    for number in range(first, first + ROWS):
        digest = hashlib.sha256(number.to_bytes(8, "big"))
        yield NewRow(digest.hexdigest(), at, ENVELOPE, digest.digest(), "avoidance", "russia", number + 1)


def keeping() -> list[tuple[str, float, str, float]]:
    """For groups of 1, 16 and 64: rows a second kept by the store, and by a bare file."""
    found = []
    with tempfile.TemporaryDirectory(dir=".") as folder:
        store = SqliteStore(Path(folder) / "record.sqlite")
        bare = os.open(Path(folder) / "bare", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        kept = 0
        for group in (1, 16, 64):

            def with_store(group: int = group) -> int:
                nonlocal kept
                batch = list(rows(kept))
                for start in range(0, ROWS, group):
                    store.append(batch[start : start + group])
                kept += ROWS
                return ROWS

            def with_file(group: int = group) -> int:
                for _ in range(0, ROWS, group):
                    os.write(bare, ENVELOPE * group)
                    os.fdatasync(bare)
                return ROWS

            ours, floor = in_turn(5, with_store, with_file)
            found.append((f"entries kept, {group} a commit", ours, "append + fdatasync of the same bytes", floor))
        os.close(bare)
        store.close()
    return found

"""The disk fails at its N-th write or fsync, for every N of an append: a clean failure, nothing lost."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import apsw
import pytest

from keepclear.errors import StoreFailed
from keepclear.store import SqliteStore
from tests.store.rows import assert_whole, kept, new_row


class Disk:
    """Counts calls, and fails from the one asked for on, once or until mended."""

    def __init__(self) -> None:
        self.calls = 0
        self.fails_at = 0
        self.lasting = False
        self.error: type[apsw.Error] = apsw.IOError

    def touched(self) -> None:
        self.calls += 1
        if self.fails_at and (self.calls == self.fails_at or (self.lasting and self.calls > self.fails_at)):
            raise self.error("the disk fails here, as the test asked")

    def arm(self, at: int, error: type[apsw.Error], lasting: bool) -> None:
        self.calls, self.fails_at, self.error, self.lasting = 0, at, error, lasting

    def mend(self) -> None:
        self.fails_at = 0


DISK = Disk()


class FailingFile(apsw.VFSFile):
    """A file of the real disk whose writes, fsyncs and cuts go through DISK first."""

    def __init__(self, name: Any, flags: list[int]) -> None:
        super().__init__("", name, flags)

    def xWrite(self, data: bytes, offset: int) -> None:
        DISK.touched()
        super().xWrite(data, offset)

    def xSync(self, flags: int) -> None:
        DISK.touched()
        super().xSync(flags)

    def xTruncate(self, newsize: int) -> None:
        DISK.touched()
        super().xTruncate(newsize)


class FailingVFS(apsw.VFS):
    """The real file system, with FailingFile."""

    def __init__(self) -> None:
        super().__init__("failing", "")

    def xOpen(self, name: Any, flags: list[int]) -> FailingFile:
        return FailingFile(name, flags)


@pytest.fixture
def vfs() -> Iterator[str]:
    """The name of the failing file system."""
    registered = FailingVFS()
    DISK.mend()
    yield "failing"
    DISK.mend()
    registered.unregister()


FIRST = [new_row(i) for i in range(3)]
BATCH = [new_row(i, size=9_000) for i in range(3, 8)]
LATER = [new_row(8), new_row(9)]


def calls_of_one_append(path: Path) -> int:
    """How often one append of BATCH touches the disk when nothing fails."""
    store = SqliteStore(path, vfs="failing")
    store.append(FIRST)
    DISK.calls = 0
    store.append(BATCH)
    calls = DISK.calls
    store.close()
    return calls


@pytest.mark.parametrize("lasting", [False, True], ids=["once", "lasting"])
@pytest.mark.parametrize("error", [apsw.IOError, apsw.FullError], ids=["io error", "disk full"])
def test_a_failure_at_every_call_of_one_append(
    tmp_path: Path, vfs: str, error: type[apsw.Error], lasting: bool
) -> None:
    calls = calls_of_one_append(tmp_path / "counted.db")
    assert calls > 5
    for at in range(1, calls + 1):
        path = tmp_path / f"{at}.db"
        store = SqliteStore(path, vfs=vfs)
        store.append(FIRST)
        DISK.arm(at, error, lasting)
        with pytest.raises(StoreFailed):
            store.append(BATCH)
        with_first = [kept(row, i) for i, row in enumerate(FIRST)]
        assert assert_whole(store) == with_first, f"after a failure at call {at}"
        DISK.mend()
        # The same store goes on, and so does the batch that failed.
        assert store.append(LATER[:1]) == [3]
        assert store.append(BATCH) == [4, 5, 6, 7, 8]
        expected = assert_whole(store)
        store.close()
        reopened = SqliteStore(path)
        assert assert_whole(reopened) == expected
        assert reopened.append(LATER) == [3, 9]
        reopened.close()


def test_a_process_that_dies_after_the_failure_leaves_all_or_nothing(tmp_path: Path, vfs: str) -> None:
    calls = calls_of_one_append(tmp_path / "counted.db")
    found = set()
    for at in range(1, calls + 1):
        path, copy = tmp_path / f"{at}.db", tmp_path / f"{at}-copy.db"
        store = SqliteStore(path, vfs=vfs)
        store.append(FIRST)
        DISK.arm(at, apsw.IOError, lasting=True)
        with pytest.raises(StoreFailed):
            store.append(BATCH)
        # What a crash would leave: the files as they are now.
        copy.write_bytes(path.read_bytes())
        Path(f"{copy}-wal").write_bytes(Path(f"{path}-wal").read_bytes())
        DISK.mend()
        store.close()
        reopened = SqliteStore(copy)
        rows = assert_whole(reopened)
        found.add(len(rows))
        assert rows == [kept(row, i) for i, row in enumerate([*FIRST, *BATCH][: len(rows)])]
        assert len(rows) in (len(FIRST), len(FIRST) + len(BATCH))
        assert reopened.append(BATCH) == [3, 4, 5, 6, 7]
        reopened.close()
    assert len(FIRST) in found


def test_a_failure_while_the_store_is_made(tmp_path: Path, vfs: str) -> None:
    DISK.calls = 0
    SqliteStore(tmp_path / "counted.db", vfs=vfs).close()
    for at in range(1, DISK.calls + 1):
        path = tmp_path / f"{at}.db"
        DISK.arm(at, apsw.IOError, lasting=True)
        with contextlib.suppress(StoreFailed):  # a failure while closing is none
            SqliteStore(path, vfs=vfs).close()
        DISK.mend()
        store = SqliteStore(path)
        assert store.append(FIRST) == [0, 1, 2]
        store.close()


def test_a_read_that_fails_says_so(tmp_path: Path) -> None:
    path = tmp_path / "node.db"
    store = SqliteStore(path)
    store.append([new_row(i, size=3_000) for i in range(2_000)])
    store.close()
    size = path.stat().st_size
    with path.open("r+b") as file:  # a disk that gives back other bytes
        for offset in range(8192, size, 4096):
            file.seek(offset)
            file.write(b"\xff" * 200)
    store = SqliteStore(path)
    with pytest.raises(StoreFailed):
        list(store.rows())
    store.close()

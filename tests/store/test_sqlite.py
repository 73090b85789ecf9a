"""What only the SQLite store promises: one owner, a known file, a library that loses no data, settings that hold."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import apsw
import pytest

from keepclear.errors import StoreFailed, StoreTooOld
from keepclear.store import SqliteStore
from keepclear.store.sqlite import APPLICATION_ID, check_sqlite_version
from tests.store.rows import assert_whole, kept, new_row


def test_what_was_kept_is_there_after_reopening(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "node.db")
    store.append([new_row(0), new_row(1)])
    store.set_cursor("outbox", 2)
    store.set_note("checkpoint", b"head")
    store.close()
    store = SqliteStore(tmp_path / "node.db")
    assert assert_whole(store) == [kept(new_row(0), 0), kept(new_row(1), 1)]
    assert (store.cursor("outbox"), store.note("checkpoint")) == (2, b"head")
    assert store.append([new_row(1), new_row(2)]) == [1, 2]
    store.close()


def test_the_settings_that_durability_needs(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "node.db")
    connection = store._opened()
    assert connection.execute("PRAGMA journal_mode").get == "wal"
    assert connection.execute("PRAGMA synchronous").get == 2
    assert connection.execute("PRAGMA locking_mode").get == "exclusive"
    assert connection.execute("PRAGMA application_id").get == APPLICATION_ID
    store.close()


@pytest.mark.parametrize("version", ["3.40.1", "3.51.2", "3.7.0", "2.99.99"])
def test_a_library_that_can_lose_data_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, version: str) -> None:
    monkeypatch.setattr(apsw, "sqlite_lib_version", lambda: version)
    with pytest.raises(StoreTooOld):
        SqliteStore(tmp_path / "node.db")
    assert not (tmp_path / "node.db").exists()


@pytest.mark.parametrize("version", ["3.51.3", "3.52.0", "3.100.0", "4.0.0", "3.54.0.1"])
def test_a_good_library_is_taken(version: str) -> None:
    check_sqlite_version(version)


def test_two_nodes_cannot_open_one_store(tmp_path: Path) -> None:
    path = tmp_path / "node.db"
    store = SqliteStore(path)
    with pytest.raises(StoreFailed, match="another node has it open"):
        SqliteStore(path)
    other = "import sys\nfrom keepclear.store import SqliteStore\nSqliteStore(sys.argv[1])"
    for link in (path, tmp_path / "link.db"):
        if link != path:
            link.symlink_to(path)
        run = subprocess.run([sys.executable, "-c", other, link], capture_output=True, text=True, check=False)
        assert "another node has it open" in run.stderr
    assert store.append([new_row(0)]) == [0]
    store.close()
    SqliteStore(path).close()


def test_a_file_of_another_kind_is_refused_and_left_alone(tmp_path: Path) -> None:
    text = tmp_path / "minutes.txt"
    text.write_bytes(b"the minutes of the desk" * 100)
    with pytest.raises(StoreFailed, match="not a store"):
        SqliteStore(text)
    assert text.read_bytes() == b"the minutes of the desk" * 100

    foreign = tmp_path / "foreign.db"
    other = apsw.Connection(str(foreign))
    other.execute("CREATE TABLE mine (x)")
    other.close()
    before = foreign.read_bytes()
    with pytest.raises(StoreFailed, match="not a keepclear store"):
        SqliteStore(foreign)
    assert foreign.read_bytes() == before


def test_a_store_of_a_later_version_is_refused(tmp_path: Path) -> None:
    SqliteStore(tmp_path / "node.db").close()
    other = apsw.Connection(str(tmp_path / "node.db"))
    other.execute("PRAGMA user_version=2")
    other.close()
    with pytest.raises(StoreFailed, match="layout 2"):
        SqliteStore(tmp_path / "node.db")


def test_only_the_owner_may_read_it(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "node.db")
    store.append([new_row(0)])
    assert {file.name: oct(file.stat().st_mode & 0o777) for file in tmp_path.iterdir()} == {
        "node.db": "0o600",
        "node.db-wal": "0o600",
    }
    store.close()


class StuckConnection:
    """A connection on which a transaction can neither be finished nor be undone."""

    def __init__(self, real: apsw.Connection) -> None:
        self.real = real

    def execute(self, statement: str, values: tuple[object, ...] = ()) -> object:
        """Run it, but for the two that fail."""
        if statement in {"COMMIT", "ROLLBACK"}:
            raise apsw.IOError("stuck")
        return self.real.execute(statement, values)

    def get_autocommit(self) -> bool:
        """As the real one says."""
        return self.real.get_autocommit()

    def close(self) -> None:
        """As the real one."""
        self.real.close()


def test_what_cannot_be_undone_closes_the_store(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "node.db")
    store.append([new_row(0)])
    store._connection = StuckConnection(store._opened())  # type: ignore[assignment]
    with pytest.raises(StoreFailed, match="had to be closed"):
        store.append([new_row(1)])
    with pytest.raises(StoreFailed, match="the store is closed"):
        store.size()
    store = SqliteStore(tmp_path / "node.db")
    assert assert_whole(store) == [kept(new_row(0), 0)]
    store.close()


def test_a_place_that_cannot_be_written_is_a_failure(tmp_path: Path) -> None:
    for path in (tmp_path / "no" / "such" / "folder.db", tmp_path, ""):
        with pytest.raises(StoreFailed):
            SqliteStore(path)


def test_a_full_disk_refuses_and_recovers(tmp_path: Path) -> None:
    store = SqliteStore(tmp_path / "node.db")
    store.append([new_row(0)])
    pages = store._opened().execute("PRAGMA page_count").get
    store._opened().execute(f"PRAGMA max_page_count={pages + 2}")
    with pytest.raises(StoreFailed, match="the disk is full"):
        store.append([new_row(i, size=50_000) for i in range(1, 4)])
    assert assert_whole(store) == [kept(new_row(0), 0)]
    store._opened().execute("PRAGMA max_page_count=1000000")
    assert store.append([new_row(1, size=50_000)]) == [1]
    store.close()

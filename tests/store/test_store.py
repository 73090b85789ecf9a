"""One suite for every store: what is kept stays, once, in order; what is refused leaves nothing behind."""

from __future__ import annotations

import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from keepclear.errors import Forked, Malformed, StoreFailed
from keepclear.store import MemoryStore, NewRow, Row, SqliteStore, Store
from tests.postgres import Server, new_node
from tests.store.rows import MORNING, assert_whole, kept, new_row


@pytest.fixture(params=["memory", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """Each kind of store, new."""
    made: Store
    if request.param == "memory":
        made = MemoryStore()
    elif request.param == "sqlite":
        made = SqliteStore(tmp_path / "node.db")
    else:
        made = postgres_store(request.getfixturevalue("database"))
    yield made
    made.close()


def postgres_store(database: Server) -> Store:
    """A new store in PostgreSQL."""
    from keepclear.store.postgres import PostgresStore

    return PostgresStore(database.url, new_node())


def test_a_new_store_is_empty(store: Store) -> None:
    assert store.size() == 0
    assert list(store.rows()) == []
    assert list(store.leaf_hashes()) == []
    assert store.index_of("0" * 64) is None
    assert store.append([]) == []


def test_what_is_kept_is_given_back_exactly(store: Store) -> None:
    rows = [new_row(i, author) for i in range(3) for author in ("russia", "coalition")]
    assert store.append(rows[:2]) == [0, 1]
    assert store.append(rows[2:]) == [2, 3, 4, 5]
    assert list(store.rows()) == [kept(row, i) for i, row in enumerate(rows)]
    assert store.row(4) == kept(rows[4], 4)
    assert store.index_of(rows[5].act_id) == 5
    assert_whole(store)


@pytest.mark.parametrize(
    "recorded_at",
    [
        datetime(1970, 1, 1, tzinfo=UTC),
        datetime(1969, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
        datetime(2017, 9, 8, 5, 10, 0, 1, tzinfo=UTC),
        datetime(2100, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    ],
)
def test_times_are_kept_to_the_microsecond(store: Store, recorded_at: datetime) -> None:
    store.append([replace(new_row(0), recorded_at=recorded_at)])
    assert store.row(0).recorded_at == recorded_at
    assert store.row(0).recorded_at.utcoffset() == timedelta(0)


def test_ranges(store: Store) -> None:
    rows = [new_row(i) for i in range(10)]
    store.append(rows)

    def indices(start: int = 0, stop: int | None = None) -> list[int]:
        return [row.index for row in store.rows(start, stop)]

    assert indices(7) == [7, 8, 9]
    assert indices(2, 4) == [2, 3]
    assert indices(4, 2) == []
    assert indices(8, 99) == [8, 9]
    assert indices(10) == indices(99) == []
    assert list(store.leaf_hashes(8)) == [row.leaf_hash for row in rows[8:]]
    for ask in (lambda: store.rows(-1), lambda: store.rows(0, -1), lambda: store.leaf_hashes(-1)):
        with pytest.raises(Malformed):
            ask()
    for index in (-1, 10):
        with pytest.raises(Malformed) as refused:
            store.row(index)
        assert refused.value.field == "index"


def test_a_reader_sees_the_rows_of_the_time_it_asked(store: Store) -> None:
    store.append([new_row(i) for i in range(3)])
    rows, hashes = store.rows(), store.leaf_hashes()
    store.append([new_row(3)])
    assert len(list(rows)) == len(list(hashes)) == 3


def test_many_pages(store: Store) -> None:
    rows = [new_row(i) for i in range(1300)]
    store.append(rows)
    assert [row.act_id for row in store.rows(5, 1290)] == [row.act_id for row in rows[5:1290]]
    assert_whole(store)


def test_nothing_is_said_twice(store: Store) -> None:
    assert store.append([new_row(0), new_row(1)]) == [0, 1]
    later = replace(new_row(0), recorded_at=MORNING + timedelta(days=1), leaf_hash=b"\1" * 32)
    assert store.append([later]) == [0]
    assert store.append([new_row(2), new_row(1), new_row(2), new_row(3)]) == [2, 1, 2, 3]
    assert list(store.rows()) == [kept(new_row(i), i) for i in range(4)]


def test_a_fork_is_refused_and_its_batch_with_it(store: Store) -> None:
    store.append([new_row(0)])
    for batch in (
        [new_row(1), new_row(0, words="another story")],
        [new_row(1), new_row(1, words="another story")],
    ):
        with pytest.raises(Forked) as refused:
            store.append(batch)
        assert refused.value.field == "seq"
        assert refused.value.values["author"] == "russia"
        assert store.size() == 1
    on_another_line = replace(new_row(0, words="x"), line="other")
    assert store.append([new_row(1, "coalition"), on_another_line, new_row(1)]) == [1, 2, 3]
    assert_whole(store)


@pytest.mark.parametrize(
    ("bad", "field"),
    [
        (replace(new_row(1), act_id="3F" * 32), "act_id"),
        (replace(new_row(1), act_id="3f" * 31), "act_id"),
        (replace(new_row(1), act_id=""), "act_id"),
        (replace(new_row(1), recorded_at=MORNING.replace(tzinfo=None)), "recorded_at"),
        (replace(new_row(1), recorded_at=MORNING.astimezone(timezone(timedelta(hours=3)))), "recorded_at"),
        (replace(new_row(1), envelope=b""), "envelope"),
        (replace(new_row(1), envelope=b"x" * 65_536), "envelope"),
        (replace(new_row(1), leaf_hash=b"x" * 31), "leaf_hash"),
        (replace(new_row(1), line=""), "line"),
        (replace(new_row(1), line="a\nb"), "line"),
        (replace(new_row(1), author="x" * 256), "author"),
        (replace(new_row(1), author="\ud800"), "author"),
        (replace(new_row(1), seq=0), "seq"),
        (replace(new_row(1), seq=2**53), "seq"),
    ],
)
def test_a_bad_row_is_refused_and_its_batch_with_it(store: Store, bad: NewRow, field: str) -> None:
    with pytest.raises(Malformed) as refused:
        store.append([new_row(0), bad])
    assert refused.value.field == field
    assert store.size() == 0
    assert store.append([new_row(0)]) == [0]


def test_cursors_and_notes(store: Store) -> None:
    assert (store.cursor("outbox coalition"), store.note("checkpoint")) == (0, None)
    store.set_cursor("outbox coalition", 2**63 - 1)
    store.set_cursor("outbox coalition", 17)
    store.set_cursor("outbox desk", 4)
    store.set_note("checkpoint", b"\x00\xff")
    store.set_note("checkpoint", b"")
    assert (store.cursor("outbox coalition"), store.cursor("outbox desk"), store.note("checkpoint")) == (17, 4, b"")
    assert store.cursor("checkpoint") == 0
    refusals: list[tuple[Callable[[], None], str]] = [
        (lambda: store.set_cursor("x", -1), "value"),
        (lambda: store.set_cursor("x", 2**63), "value"),
        (lambda: store.set_cursor("", 1), "name"),
        (lambda: store.set_note("a\0b", b""), "name"),
        (lambda: store.set_note("x", bytes(16 * 2**20 + 1)), "value"),
    ]
    for ask, field in refusals:
        with pytest.raises(Malformed) as refused:
            ask()
        assert refused.value.field == field
    assert (store.cursor("x"), store.note("x")) == (0, None)


def test_a_closed_store_says_so(store: Store) -> None:
    store.append([new_row(0)])
    store.close()
    store.close()
    asks: list[Callable[[], object]] = [
        lambda: store.append([new_row(1)]),
        store.rows,
        lambda: store.row(0),
        lambda: store.index_of("0" * 64),
        store.size,
        store.leaf_hashes,
        lambda: store.cursor("x"),
        lambda: store.set_cursor("x", 1),
        lambda: store.note("x"),
        lambda: store.set_note("x", b""),
    ]
    for ask in asks:
        with pytest.raises(StoreFailed):
            ask()


def test_many_threads_at_once(store: Store) -> None:
    authors = [f"party{i}" for i in range(4)]
    failed: list[BaseException] = []

    def say(author: str) -> None:
        try:
            for i in range(25):
                (index,) = store.append([new_row(i, author)])
                assert store.row(index) == kept(new_row(i, author), index)
                assert len(list(store.rows(max(0, index - 3)))) >= 1
        except BaseException as error:  # a thread's failure must reach the test
            failed.append(error)

    threads = [threading.Thread(target=say, args=(author,)) for author in authors]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    rows = assert_whole(store)
    for author in authors:
        assert [row.seq for row in rows if row.author == author] == list(range(1, 26))


def test_what_is_not_an_id_is_not_found(store: Store) -> None:
    act_id = new_row(0).act_id
    store.append([new_row(0)])
    assert store.index_of(act_id) == 0
    for other in (
        act_id.upper(),
        act_id[:-2],
        f" {act_id}",
        f"{act_id[:2]} {act_id[2:]}",
        "",
        "zz" * 32,
        "\ud800" * 64,
    ):
        assert store.index_of(other) is None


class BothStores(RuleBasedStateMachine):
    """Whatever is done, the SQLite store and the list in memory answer alike."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.twins: tuple[Store, Store] = (MemoryStore(), SqliteStore(Path(self.folder.name) / "node.db"))

    def both(self, ask: Callable[[Store], object]) -> None:
        answers = []
        for store in self.twins:
            try:
                answers.append(ask(store))
            except (Forked, Malformed) as refused:
                answers.append((type(refused), refused.field))
        assert answers[0] == answers[1]

    @rule(
        numbers=st.lists(
            st.tuples(st.integers(-1, 6), st.sampled_from(["russia", "coalition"]), st.sampled_from(["", "other"])),
            max_size=5,
        )
    )
    def append(self, numbers: list[tuple[int, str, str]]) -> None:
        self.both(lambda store: store.append([new_row(*number) for number in numbers]))

    @rule(value=st.integers(-1, 5), name=st.sampled_from(["a", "b", ""]))
    def move(self, value: int, name: str) -> None:
        self.both(lambda store: store.set_cursor(name, value))
        self.both(lambda store: store.set_note(name, str(value).encode()))
        self.both(lambda store: (store.cursor(name), store.note(name)))

    @rule(start=st.integers(-1, 12), stop=st.none() | st.integers(-1, 12))
    def read(self, start: int, stop: int | None) -> None:
        self.both(lambda store: list(store.rows(start, stop)))
        self.both(lambda store: list(store.leaf_hashes(start)))
        self.both(lambda store: store.row(start))

    @invariant()
    def alike(self) -> None:
        rows: list[list[Row]] = [assert_whole(store) for store in self.twins]
        assert rows[0] == rows[1]

    def teardown(self) -> None:
        for store in self.twins:
            store.close()
        self.folder.cleanup()


TestBothStores = BothStores.TestCase

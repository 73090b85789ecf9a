"""What only the PostgreSQL store promises: turns, one owner of a name, a server that may be lost, secrets kept."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest
from hypothesis import settings
from hypothesis.stateful import run_state_machine_as_test

from keepclear.errors import BrokenRecord, Malformed, StoreFailed, StoreLost
from keepclear.store import SharedStore, open_store, postgres
from keepclear.store.postgres import PostgresStore, PostgresTurn, schema_of
from tests.postgres import Server, new_node
from tests.store.rows import assert_whole, kept, new_row
from tests.store.test_store import BothStores


@pytest.fixture
def node() -> str:
    return new_node()


@pytest.fixture
def store(database: Server, node: str) -> Iterator[PostgresStore]:
    made = PostgresStore(database.url, node)
    yield made
    made.close()


def begun(store: PostgresStore, known: int = 0) -> PostgresTurn:
    """A turn for who knows so many rows."""
    turn = store.turn(known, store.row(known - 1).leaf_hash if known else b"")
    assert turn is not None
    return turn


# ── the same as every store ──


def test_it_answers_as_the_others_do_whatever_is_done(database: Server) -> None:
    class WithPostgres(BothStores):
        def __init__(self) -> None:
            super().__init__()
            self.twins = (self.twins[0], PostgresStore(database.url, new_node()))

    quick = settings(max_examples=12, stateful_step_count=15, derandomize=True, deadline=None)
    run_state_machine_as_test(WithPostgres, settings=quick)


def test_what_was_kept_is_there_after_reopening(database: Server, store: PostgresStore, node: str) -> None:
    store.append([new_row(0), new_row(1)])
    store.set_cursor("outbox", 2)
    store.set_note("checkpoint", b"head")
    store.close()
    again = PostgresStore(database.url, node)
    assert assert_whole(again) == [kept(new_row(0), 0), kept(new_row(1), 1)]
    assert (again.cursor("outbox"), again.note("checkpoint")) == (2, b"head")
    again.close()


# ── turns ──


def test_a_turn_begins_with_what_is_new_and_ends_with_what_is_appended(database: Server, node: str) -> None:
    one, other = (PostgresStore(database.url, node) for _ in range(2))
    assert isinstance(one, SharedStore)
    turn = begun(one)
    assert turn.new == []
    assert turn.append([new_row(0), new_row(1)]) == [0, 1]
    turn = begun(other)
    assert turn.new == [kept(new_row(0), 0), kept(new_row(1), 1)]
    turn.end()
    turn.end()
    turn = begun(one, 1)
    assert turn.new == [kept(new_row(1), 1)]
    assert turn.append([new_row(2)]) == [2]
    assert_whole(other)
    one.close()
    other.close()


def test_turns_are_taken_in_the_order_in_which_they_were_asked_for(database: Server, node: str) -> None:
    stores = [PostgresStore(database.url, node) for _ in range(4)]
    first = begun(stores[0])
    order: list[int] = []

    def take(place: int) -> None:
        turn = begun(stores[place])
        order.append(place)
        turn.append([new_row(place)])

    with ThreadPoolExecutor() as threads:
        waiting = []
        for place in (1, 2, 3):
            waiting.append(threads.submit(take, place))
            while len(waiting_for_the_turn(database, node)) < place:
                pass
        assert order == []
        first.end()
        for each in waiting:
            each.result()
    assert order == [1, 2, 3]
    assert [row.seq for row in stores[0].rows()] == [2, 3, 4]
    for store in stores:
        store.close()


def waiting_for_the_turn(database: Server, node: str) -> list[tuple[object, ...]]:
    return database.say(
        f"SELECT pid FROM pg_locks WHERE NOT granted AND relation = to_regclass('{schema_of(node)}.turn')"
    )


def test_readers_and_notes_wait_for_no_turn(store: PostgresStore) -> None:
    store.append([new_row(0)])
    turn = begun(store, 1)
    assert store.size() == 1
    assert store.row(0) == kept(new_row(0), 0)
    store.set_note("a", b"b")
    store.set_cursor("a", 3)
    turn.end()


def test_whoever_is_far_behind_gets_no_turn_and_keeps_nobody_waiting(
    store: PostgresStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "MAX_NEW", 3)
    store.append([new_row(i) for i in range(4)])
    assert store.turn(0, b"") is None
    turn = begun(store, 1)
    assert len(turn.new) == 3
    turn.end()


def test_another_record_than_the_one_known_is_told(store: PostgresStore) -> None:
    store.append([new_row(0), new_row(1)])
    for known, last in ((3, new_row(2).leaf_hash), (2, new_row(0).leaf_hash), (1, b"")):
        with pytest.raises(BrokenRecord):
            store.turn(known, last)
    begun(store, 2).end()


def test_what_is_kept_already_breaks_a_turn(store: PostgresStore) -> None:
    store.append([new_row(0)])
    with pytest.raises(BrokenRecord):
        begun(store, 1).append([new_row(0)])
    assert store.append([new_row(1)]) == [1]


def test_a_bad_row_is_refused_before_anything_is_sent(store: PostgresStore) -> None:
    turn = begun(store)
    with pytest.raises(Malformed):
        turn.append([new_row(0, author="")])
    turn.end()
    assert store.append([new_row(0)]) == [0]


def test_a_silent_holder_loses_the_turn_and_hears_so(
    database: Server, node: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(postgres, "SILENT_HOLDER_S", 1)
    silent, other = (PostgresStore(database.url, node) for _ in range(2))
    lost = begun(silent)
    assert begun(other).append([new_row(0)]) == [0]
    with pytest.raises(StoreLost):
        lost.append([new_row(1)])
    assert [row.seq for row in silent.rows()] == [1]
    assert begun(silent, 1).append([new_row(1)]) == [1]
    silent.close()
    other.close()


def test_a_holder_that_its_server_takes_for_busy_is_dislodged(
    database: Server, node: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = PostgresStore(database.url, node)
    lost = begun(silent)
    # After a pipeline the server does not count idle time: it is as if the holder had stopped while it sent.
    with lost._connection.pipeline():
        lost._connection.execute("SELECT 1")
    monkeypatch.setattr(postgres, "LONG_WAIT_S", 1)
    other = PostgresStore(database.url, node)
    assert begun(other).append([new_row(0)]) == [0]
    with pytest.raises(StoreLost):
        lost.append([new_row(1)])
    silent.close()
    other.close()


def test_threads_of_many_instances_leave_no_gap(database: Server, node: str) -> None:
    stores = [PostgresStore(database.url, node) for _ in range(3)]

    def say(store: PostgresStore, author: str) -> None:
        for number in range(10):
            turn = begun(store)
            turn.append([new_row(number, author)])

    threads = [
        threading.Thread(target=say, args=(store, f"party{which}.{n}"))
        for which, store in enumerate(stores)
        for n in range(2)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(assert_whole(stores[0])) == 60
    for store in stores:
        store.close()


def test_a_ranked_note_is_only_ever_raised(store: PostgresStore) -> None:
    for value, rank in ((b"7", 7), (b"3", 3), (b"other 7", 7), (b"9", 9), (b"8", 8)):
        store.raise_note("checkpoint", value, rank)
    assert store.note("checkpoint") == b"9"


# ── whose it is ──


def test_nodes_in_one_database_have_records_of_their_own(database: Server, node: str, store: PostgresStore) -> None:
    other = PostgresStore(database.url, new_node())
    store.append([new_row(0)])
    assert other.size() == 0
    turn = begun(store, 1)
    assert other.append([new_row(0), new_row(1)]) == [0, 1]  # no turn of another node is waited for
    turn.end()
    other.close()


def test_a_record_of_another_node_or_layout_is_refused_and_left_alone(
    database: Server, node: str, store: PostgresStore
) -> None:
    store.append([new_row(0)])
    schema = schema_of(node)
    for change, words in (
        ("SET layout = 2", "layout 2"),
        ("SET layout = 1, node = 'somebody.else'", "not the record of"),
    ):
        database.say(f"UPDATE {schema}.about {change}")
        with pytest.raises(StoreFailed, match=words):
            PostgresStore(database.url, node)
    database.say(f"UPDATE {schema}.about SET node = '{node}'")
    PostgresStore(database.url, node).close()


def test_a_schema_of_another_kind_is_refused_and_an_empty_one_taken(database: Server, node: str) -> None:
    schema = schema_of(node)
    database.say(f"CREATE SCHEMA {schema}")
    database.say(f"CREATE TABLE {schema}.mine (x integer)")
    with pytest.raises(StoreFailed, match="not a keepclear store"):
        PostgresStore(database.url, node)
    assert database.say(f"SELECT relname FROM pg_class WHERE relnamespace = '{schema}'::regnamespace") == [("mine",)]
    database.say(f"DROP TABLE {schema}.mine")
    PostgresStore(database.url, node).close()


def test_instances_that_start_at_once_make_one_store(database: Server, node: str) -> None:
    with ThreadPoolExecutor() as threads:
        stores = list(threads.map(lambda _: PostgresStore(database.url, node), range(4)))
    stores[0].append([new_row(0)])
    assert [store.size() for store in stores] == [1, 1, 1, 1]
    for store in stores:
        store.close()


def test_a_user_who_may_not_is_told_so(database: Server, node: str) -> None:
    database.say("CREATE ROLE guest LOGIN")
    guest = database.url.replace("keepclear@", "guest@")
    with pytest.raises(StoreFailed, match="may not"):
        PostgresStore(guest, node)
    database.say(f"CREATE SCHEMA {schema_of(node)} AUTHORIZATION guest")
    PostgresStore(guest, node).close()


# ── a server that does not keep what it answers for, or goes away ──


def test_commits_are_on_disk_whatever_the_server_does_for_others(database: Server, node: str) -> None:
    def durability(address: str) -> object:
        store = PostgresStore(address, node)
        found = store._value(b"SHOW synchronous_commit")
        store.close()
        return found

    assert durability(database.url) == "on"
    assert durability(f"{database.url}&options=-csynchronous_commit%3Doff") == "on"
    assert durability(f"{database.url}&options=-csynchronous_commit%3Dremote_apply") == "remote_apply"


def test_a_server_without_fsync_or_that_only_reads_is_refused(database: Server, node: str) -> None:
    with pytest.raises(StoreFailed, match="cannot be reached"):
        PostgresStore(f"{database.url}&options=-cdefault_transaction_read_only%3Don", node)
    database.say("ALTER SYSTEM SET fsync = off")
    database.say("SELECT pg_reload_conf()")
    try:
        with psycopg.connect(database.url, autocommit=True) as connection:
            while connection.execute("SHOW fsync").fetchone() != ("off",):
                pass
        with pytest.raises(StoreFailed, match="fsync"):
            PostgresStore(database.url, node)
    finally:
        database.say("ALTER SYSTEM RESET fsync")
        database.say("SELECT pg_reload_conf()")
        with psycopg.connect(database.url, autocommit=True) as connection:
            while connection.execute("SHOW fsync").fetchone() != ("on",):
                pass


def test_a_server_that_went_away_is_told_and_found_again(database: Server, node: str, store: PostgresStore) -> None:
    store.append([new_row(0)])
    turn = begun(store, 1)
    database.stop()
    with pytest.raises(StoreFailed, match="cannot be reached"):
        store.size()
    with pytest.raises(StoreLost):
        turn.append([new_row(1)])
    with pytest.raises(StoreFailed, match="cannot be reached"):
        store.turn(1, b"")
    database.start()
    assert assert_whole(store) == [kept(new_row(0), 0)]
    assert begun(store, 1).append([new_row(1)]) == [1]


def test_a_connection_that_was_cut_is_made_anew_unnoticed(database: Server, store: PostgresStore) -> None:
    store.append([new_row(0)])
    ours = "FROM pg_stat_activity WHERE application_name ~ '^keepclear'"
    for ask in (store.size, lambda: len(begun_and_ended(store)), lambda: store.append([new_row(0)])[0] + 1):
        assert database.say(f"SELECT pg_terminate_backend(pid, 5000) {ours}") == [(True,)]
        assert ask() == 1


def begun_and_ended(store: PostgresStore) -> list[object]:
    turn = begun(store)
    turn.end()
    return list(turn.new)


def test_a_closed_store_gives_no_turn(database: Server, node: str) -> None:
    store = PostgresStore(database.url, node)
    turn = begun(store)
    store.close()
    with pytest.raises(StoreFailed, match="closed"):
        store.turn(0, b"")
    turn.end()
    assert database.say(f"SELECT 1 FROM pg_stat_activity WHERE application_name = 'keepclear {node}'") == []


# ── its address ──


@pytest.mark.parametrize(
    "address",
    ["postgresql://desk:hunter2@[::1/record", "postgresql://desk:hunter2@host/record?no=such", "password=hunter2 host"],
)
def test_what_is_no_address_is_refused_without_repeating_it(address: str) -> None:
    with pytest.raises(Malformed) as refused:
        PostgresStore(address, "desk.node")
    assert (refused.value.field, refused.value.code) == ("store", "store_address")
    assert "hunter2" not in str(refused.value)
    assert refused.value.__suppress_context__


def test_the_password_is_in_no_message_and_no_description(database: Server, node: str) -> None:
    url = database.url.replace("keepclear@", "nobody:hunter2@")
    with pytest.raises(StoreFailed) as refused:
        PostgresStore(url, node)
    assert "hunter2" not in str(refused.value)
    store = PostgresStore(database.url.replace("keepclear@", "keepclear:hunter2@"), node)
    assert "hunter2" not in repr(store)
    store.close()


def test_which_store_an_address_means(database: Server, node: str, tmp_path: object) -> None:
    store = open_store(database.url, node, None)  # type: ignore[arg-type]
    assert isinstance(store, PostgresStore)
    store.close()
    for address in ("mysql://host/record", "record.sqlite", ""):
        with pytest.raises(Malformed) as refused:
            open_store(address, node, None)  # type: ignore[arg-type]
        assert refused.value.field == "store"

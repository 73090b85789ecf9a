"""Threads that share out work: whatever is quick or slow, each piece is done once."""

from __future__ import annotations

import signal
import threading
from collections import deque
from collections.abc import Callable, Iterator
from time import sleep

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.conflict.crew import Crew, pieces_for, shared_out


@given(pieces=st.integers(0, 40), hands=st.integers(1, 6))
def test_shares_are_all_there_is_in_order_and_about_as_long(pieces: int, hands: int) -> None:
    shares = shared_out(range(pieces), hands)
    assert [piece for share in shares for piece in share] == list(range(pieces))
    assert len(shares) == hands
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@given(pieces=st.integers(0, 40), hands=st.integers(1, 6), turns=st.lists(st.integers(0, 5), max_size=200))
def test_every_piece_is_done_once_whoever_is_quick(pieces: int, hands: int, turns: list[int]) -> None:
    shares = shared_out(range(pieces), hands)
    at_work = [pieces_for(hand, shares) for hand in range(hands)]
    done: list[list[int]] = [[] for _ in range(hands)]
    for hand in [*(turn % hands for turn in turns), *(k % hands for k in range((pieces + 1) * hands))]:
        piece = next(at_work[hand], None)
        if piece is not None:
            done[hand].append(piece)
    assert sorted(piece for each in done for piece in each) == list(range(pieces))


def test_who_is_through_takes_the_last_half_of_the_largest_share_in_order() -> None:
    shares = [deque[int](), deque([1, 2]), deque([3, 4, 5, 6, 7])]
    mine = pieces_for(0, shares)
    assert next(mine) == 5
    assert shares == [deque([6, 7]), deque([1, 2]), deque([3, 4])]
    assert [next(mine), next(mine), next(mine)] == [6, 7, 2]


def test_a_hand_that_is_held_up_is_helped() -> None:
    """The first piece is not done before the second is, which lies behind it in the same share."""
    second, done = threading.Event(), deque[int]()

    def work(_: int, piece: int) -> None:
        if piece == 0:
            assert second.wait(30)
        elif piece == 1:
            second.set()
        done.append(piece)

    with Crew(2) as crew:
        crew.each(range(4), work)
    assert sorted(done) == [0, 1, 2, 3]


@pytest.mark.parametrize("fails", [0, 1])
def test_what_a_hand_raises_ends_the_work_of_the_others(fails: int) -> None:
    failing, begun = threading.Event(), deque[int]()

    def work(hand: int, piece: int) -> None:
        begun.append(piece)
        if hand == fails:
            failing.set()
            raise MemoryError
        assert failing.wait(30)
        sleep(0.001)  # the other has time to say so

    with Crew(2) as crew, pytest.raises(MemoryError):
        crew.each(range(10_000), work)
    assert len(begun) < 5_000


@pytest.mark.parametrize("hands", [1, 2, 5])
def test_what_all_raise_is_raised_once(hands: int) -> None:
    begun: list[int] = []

    def work(_: int, piece: int) -> None:
        begun.append(piece)
        if len(begun) > 3:
            raise MemoryError

    with Crew(hands) as crew, pytest.raises(MemoryError):
        crew.each(range(1_000), work)
    assert 4 <= len(begun) <= 3 + hands


def slowly(over: deque[int], piece: int) -> None:
    """Whoever does not wait for this to be over is through before it is."""
    sleep(0.05)
    over.append(piece)


@pytest.mark.parametrize("fails", [0, 1, 2])
@pytest.mark.parametrize("error", [MemoryError, KeyboardInterrupt])
def test_nobody_is_at_work_when_what_a_hand_raised_is_raised(fails: int, error: type[BaseException]) -> None:
    all_begun, over = threading.Barrier(3), deque[int]()

    def work(hand: int, piece: int) -> None:
        all_begun.wait(30)
        if hand == fails:
            raise error
        slowly(over, piece)

    with Crew(3) as crew:
        with pytest.raises(error):
            crew.each(range(3), work)
        assert len(over) == 2


def test_nobody_is_at_work_when_progress_fails() -> None:
    begun, over = threading.Event(), deque[int]()

    def work(hand: int, piece: int) -> None:
        if hand == 0:
            assert begun.wait(30)
        else:
            begun.set()
            slowly(over, piece)

    def refuse(done: int, of: int) -> None:
        raise KeyboardInterrupt

    with Crew(2) as crew:
        with pytest.raises(KeyboardInterrupt):
            crew.each(range(2), work, refuse)
        assert list(over) == [1]


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Even in a process that was begun to ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


@pytest.mark.usefixtures("interruptible")
def test_nobody_is_at_work_when_who_asks_is_interrupted_again_and_again() -> None:
    """While there is nothing left to do but to wait for the other."""
    asks, begun, over = threading.main_thread().ident, threading.Event(), deque[int]()
    assert asks is not None

    def work(hand: int, piece: int) -> None:
        if hand == 0:
            assert begun.wait(30)
            return
        begun.set()
        for _ in range(3):
            sleep(0.02)  # whoever asks has time to see it
            signal.pthread_kill(asks, signal.SIGINT)
        slowly(over, piece)

    with Crew(2) as crew:
        with pytest.raises(KeyboardInterrupt):
            crew.each([0, 1], work)
        assert list(over) == [1]


def test_nobody_is_at_work_when_a_hand_is_not_to_be_had(monkeypatch: pytest.MonkeyPatch) -> None:
    start: Callable[[threading.Thread], None] = threading.Thread.start
    began, over, threads = threading.Event(), deque[int](), deque[threading.Thread]()

    def start_one(thread: threading.Thread) -> None:
        threads.append(thread)
        if len(threads) > 1:
            assert began.wait(30)
            raise RuntimeError("can't start new thread")
        start(thread)

    def work(_: int, piece: int) -> None:
        began.set()
        slowly(over, piece)

    monkeypatch.setattr(threading.Thread, "start", start_one)
    with Crew(3) as crew:
        with pytest.raises(RuntimeError):
            crew.each(range(300), work)
        assert len(over) == 1
        assert not threads[0].is_alive()


@pytest.mark.parametrize("hands", [1, 3])
def test_progress_is_told_piece_by_piece_in_the_asking_thread(hands: int) -> None:
    told: list[tuple[int, int]] = []

    def tell(done: int, of: int) -> None:
        assert threading.current_thread() is threading.main_thread()
        told.append((done, of))

    with Crew(hands) as crew:
        crew.each(range(20), lambda *_: None, tell)
        crew.each([], lambda *_: None, tell)
    assert told == [(k + 1, 20) for k in range(20)]

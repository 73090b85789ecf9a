"""Threads that share out pieces of work: each does its own in order, and who is through helps another."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from contextlib import ExitStack
from itertools import pairwise
from typing import TypeVar

Piece = TypeVar("Piece")
Progress = Callable[[int, int], None]
"""Told how many pieces of the work are done, and of how many."""


class Crew:
    """So many hands, the asking thread among them, for as long as the `with` lasts."""

    def __init__(self, hands: int) -> None:
        self.hands = hands
        self._held = ExitStack()
        self._helpers: ThreadPoolExecutor | None = None

    def __enter__(self) -> Crew:
        if self.hands > 1:
            self._helpers = self._held.enter_context(ThreadPoolExecutor(self.hands - 1))
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def each(
        self, pieces: Sequence[Piece], work: Callable[[int, Piece], None], progress: Progress | None = None
    ) -> None:
        """Call `work` with a hand, from 0 on, and a piece, for every piece; `progress` is called in this thread.

        A hand does one piece at a time, and pieces that follow upon one another in turn as far as it can be. What one
        raises is raised here; nobody then begins anything more. However it ends, nobody is at work when it has: what
        they worked on may be given back.
        """
        shares, done, told = shared_out(pieces, self.hands), deque[None](), 0

        def help_out(hand: int, tell: Callable[[], None] | None = None) -> None:
            try:
                for piece in pieces_for(hand, shares):
                    work(hand, piece)
                    done.append(None)
                    if tell is not None:
                        tell()
            except BaseException:
                stop()
                raise

        def stop() -> None:
            for share in shares:
                share.clear()

        def tell() -> None:
            nonlocal told
            while progress is not None and told < len(done):
                told += 1
                progress(told, len(pieces))

        others: list[Future[None]] = []
        try:
            if self._helpers is not None:
                others.extend(self._helpers.submit(help_out, hand) for hand in range(1, self.hands))
            help_out(0, tell)
            for other in others:
                other.result()
        except BaseException:
            stop()
            self._dismiss(others)
            raise
        tell()

    def _dismiss(self, others: Sequence[Future[None]]) -> None:
        """Wait until they are through, however often this thread is interrupted, and let all helpers go."""
        while self._helpers is not None:
            try:
                wait(others)
                self._helpers.shutdown(cancel_futures=True)  # one may wait for a thread that could not be begun
                self._helpers = None
            except KeyboardInterrupt:
                continue  # something is raised already


def shared_out(pieces: Sequence[Piece], hands: int) -> list[deque[Piece]]:
    """As many shares as hands, of about as many pieces each."""
    ends = [len(pieces) * hand // hands for hand in range(hands + 1)]
    return [deque(pieces[begin:end]) for begin, end in pairwise(ends)]


def pieces_for(hand: int, shares: Sequence[deque[Piece]]) -> Iterator[Piece]:
    """The pieces of one hand's share, and when there are none, the last half of the largest share, until all are empty.

    Any hand may do the same at the same time: a piece lies in one share at most, and to put it in or to take it out is
    one step of the deque.
    """
    mine = shares[hand]
    while True:
        try:
            yield mine.popleft()
        except IndexError:
            theirs = max(shares, key=len)
            if not theirs:
                return
            _take_half(theirs, mine)


def _take_half(theirs: deque[Piece], mine: deque[Piece]) -> None:
    for _ in range((len(theirs) + 1) // 2):
        try:
            mine.appendleft(theirs.pop())
        except IndexError:  # others were quicker
            return

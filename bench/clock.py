"""How long a thing takes: the median of several rounds, taken in turn with what it is compared to."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median


def in_turn(rounds: int, *work: Callable[[], int]) -> list[float]:
    """Run each piece of work once a round, one after the other; items a second for each, median over the rounds.

    Each piece returns how many items it did. Taking turns keeps a busy moment of the machine from favouring one.
    """
    rates: list[list[float]] = [[] for _ in work]
    for _ in range(rounds):
        for which, piece in enumerate(work):
            start = time.perf_counter()
            done = piece()
            rates[which].append(done / (time.perf_counter() - start))
    return [median(each) for each in rates]


SLOW_S = 1.0


def seconds_in_turn(rounds: int, work: dict[str, Callable[[], object]], budget_s: float = 60.0) -> dict[str, float]:
    """The same for work that is timed as a whole: the median seconds of each, by name.

    A piece that would need more than `budget_s` in all its rounds is run less often, at least once. What is quicker
    than a fifth of a second is run several times each time, so that the clock is not what is measured. After a piece
    that took more than `SLOW_S`, all that are quicker are timed again: what the machine was lent for meanwhile then
    slows both.
    """
    taken: dict[str, list[float]] = {name: [] for name in work}
    for turn in range(rounds):
        for name, piece in work.items():
            if turn and turn * median(taken[name]) * (turn + 1) / turn > budget_s:
                continue
            taken[name].append(_seconds(piece))
            if taken[name][-1] > SLOW_S:
                for quick in (each for each in work if taken[each] and median(taken[each]) <= SLOW_S):
                    taken[quick].append(_seconds(work[quick]))
    return {name: median(each) for name, each in taken.items()}


def _seconds(piece: Callable[[], object]) -> float:
    spent, times = 0.0, 0
    while times == 0 or (spent < 0.2 and times < 100):
        start = time.perf_counter()
        piece()
        spent += time.perf_counter() - start
        times += 1
    return spent / times


def latencies(work: list[Callable[[], object]]) -> list[float]:
    """Seconds of each piece, run once, one after the other, in rising order."""
    taken = []
    for piece in work:
        start = time.perf_counter()
        piece()
        taken.append(time.perf_counter() - start)
    return sorted(taken)

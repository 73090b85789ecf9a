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

"""Fences and nearness when there is no memory: it is said, nothing is half done, and asked again it is done."""

from __future__ import annotations

import gc
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from keepclear.watch.fences import Fences
from keepclear.watch.intake import Intake
from keepclear.watch.live_findings import LiveFindings
from keepclear.watch.proximity import Proximity
from tests import out_of_memory
from tests.watch.streams import ORIGINS, some_fences, stream

MOST = 48
"""So many of the places at which memory is asked for are tried in each case, from the first to the last."""
SIDE_M = 500.0
Told = list[tuple[str, ...]]
Done = TypeVar("Done")


def told(found: LiveFindings) -> Told:
    """What was told in an order that does not hang on the numbers of fences."""
    return sorted((str(each.kind), each.subject, each.other, repr(each.t_s), repr(each.margin_m)) for each in found)


def refuse_everywhere() -> None:
    """Run in a process of its own by `out_of_memory.refusals`."""
    rng = np.random.default_rng(7)
    intake, fed = Intake(), []
    for movers, reports in ((30, 60), (1_100, 1_000), (1_100, 100), (1_100, 100)):
        batch = intake.take(stream(rng, ORIGINS[0], movers, reports, SIDE_M))[0]
        fed.append((batch, intake.movers()))
    few, others, many = (some_fences(rng, ORIGINS[0], count, SIDE_M) for count in (12, 8, 70))
    memory = out_of_memory.memory()
    refused = 0

    def run(between: bool, place: int, times: int) -> tuple[int, object]:
        """How often memory was asked for, so often refused from one place on; what is left, and told of what is new."""
        nonlocal refused
        memory.test_refuse(place, times)

        def until_done(step: Callable[[], Done]) -> Done:
            nonlocal refused
            try:
                return step()
            except MemoryError:
                refused += 1
                memory.test_refuse(-1, 0)
                return step()

        watched: list[Fences | Proximity] = []
        until_done(lambda: watched.append(Fences(dwell_s=20.0, between_reports=between)))
        until_done(lambda: watched.append(Proximity(60.0, hysteresis=0.0)))
        fences, proximity = watched
        assert isinstance(fences, Fences)
        assert isinstance(proximity, Proximity)

        def feed(number: int) -> list[LiveFindings]:
            batch, movers = fed[number]
            return [until_done(partial(each.feed, batch, movers)) for each in (fences, proximity)]

        until_done(lambda: fences.put(few))
        feed(0)
        until_done(lambda: fences.put(others))
        feed(1)
        fences.remove(["f3", "f11"])
        until_done(lambda: fences.put(many))
        feed(2)
        until_done(lambda: fences.tick(2e9, fed[2][1]))
        fences.remove([f"f{k}" for k in range(0, 70, 2)])
        until_done(lambda: fences.put(few))
        asked = memory.test_asked()
        memory.test_refuse(-1, 0)  # what is seen by what is refused memory is lost
        news = [told(found) for found in feed(3)]
        return asked, (sorted(fences.stays()), proximity.pairs().tolist(), news, len(fences))

    held = memory.test_held()
    for between in (False, True):
        asked, whole = run(between, -1, 0)
        for step in range(MOST // 2):
            for times in (1, 1_000_000):
                place = asked * (2 * step + (times > 1)) // MOST
                assert run(between, place, times)[1] == whole, f"refused {times} times from {place} of {asked} on"
    gc.collect()
    assert memory.test_held() == held
    print("refused", refused)


def test_what_is_refused_is_said_and_spoils_nothing(tmp_path: Path) -> None:
    assert out_of_memory.refusals(refuse_everywhere, tmp_path) > 80

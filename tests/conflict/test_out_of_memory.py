"""The sweep when there is no memory for what it asks: it says so, keeps nothing, and finds all when asked again."""

from __future__ import annotations

import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from keepclear.conflict import pairs
from keepclear.conflict.airspace import Airspace
from keepclear.conflict.pairs import stays_between
from keepclear.conflict.separation import Minimum, minima
from keepclear.geometry import kernels
from keepclear.geometry.columns import Plans
from keepclear.geometry.kernels import MinimaStruct
from keepclear.geometry.pack import Packed, pack
from tests import out_of_memory
from tests.conflict.scenes import scene
from tests.conflict.test_airspace import told

MOST = 24
"""So many of the places at which memory is asked for are tried in each case, from the first to the last."""


def crowd(n: int) -> Packed:
    """Each has the one before it and the one after it within 150 m."""
    times, lat, still = np.tile([0.0, 60.0], n), np.repeat(np.arange(n) * 1e-3, 2), np.zeros(2 * n)
    return pack(Plans.of(Plans.of_ways([f"p{k}" for k in range(n)], np.arange(n + 1) * 2, times, lat, still, still)))


def refuse_everywhere() -> None:
    """Run in a process of its own by `out_of_memory.refusals`."""
    library: Any = kernels.LIBRARY
    memory = out_of_memory.memory()
    wide = minima(Minimum(5_000.0, 300.0))
    cases: list[tuple[Packed, MinimaStruct]] = [(pack(scene(seed, 40)), wide) for seed in (0, 2)]
    cases.append((crowd(3_000), minima(Minimum(150.0, 100.0))))
    held = memory.test_held()

    def forget() -> None:
        while pairs._ROOMS:
            library.kc_sweep_room_free(pairs._ROOMS.pop())

    whole = [stays_between(*case).tobytes() for case in cases]
    refused = 0
    for threads in (1, 3):
        for k, case in enumerate(cases):
            forget()
            memory.test_refuse(-1, 0)
            stays_between(*case, threads=threads)
            asked = memory.test_asked()
            for place in sorted({asked * step // MOST for step in range(MOST)}):
                for many in (1, 1_000_000):
                    if place % 2 == 0:
                        forget()
                    memory.test_refuse(place, many)
                    try:
                        assert stays_between(*case, threads=threads).tobytes() == whole[k]
                    except MemoryError:
                        refused += 1
                    memory.test_refuse(-1, 0)
                    other = (k + place) % len(cases)  # in the rooms that were left so
                    assert stays_between(*cases[other], threads=threads).tobytes() == whole[other]
    forget()
    gc.collect()
    assert memory.test_held() == held
    print("refused", refused)


def refuse_the_live_set() -> None:
    """Run in a process of its own by `out_of_memory.refusals`."""
    memory = out_of_memory.memory()
    there, given, others = (scene(seed, 40) for seed in (0, 2, 4))
    steps: list[Callable[[Airspace], object]] = [
        lambda air: told(air.check(given)),
        lambda air: told(air.check_and_put(given)),
        lambda air: told(air.check_and_put(given, only_free=True)),
        lambda air: air.put(given),
    ]

    def begun() -> Airspace:
        memory.test_refuse(-1, 0)
        air = Airspace(Minimum(5_000.0, 300.0))
        air.put(there)
        for id in air.ids()[::4]:
            air.remove(id)
        return air

    gc.collect()
    held, refused = memory.test_held(), 0
    for step in steps:
        air = begun()
        memory.test_refuse(-1, 0)
        whole = step(air)
        asked = memory.test_asked()
        after = air.ids(), told(air.check(others))
        for place in sorted({asked * k // MOST for k in range(MOST)}):
            air = begun()
            before = air.ids()
            memory.test_refuse(place, 1 if place % 2 else 1_000_000)
            try:
                assert step(air) == whole
            except MemoryError:
                refused += 1
                memory.test_refuse(-1, 0)
                assert air.ids() == before
                assert step(air) == whole
            memory.test_refuse(-1, 0)
            assert (air.ids(), told(air.check(others))) == after
            del air
    gc.collect()
    assert memory.test_held() == held
    print("refused", refused)


def test_what_is_refused_is_said_and_spoils_nothing(tmp_path: Path) -> None:
    assert out_of_memory.refusals(refuse_everywhere, tmp_path) > 100


def test_the_live_set_takes_in_all_or_nothing(tmp_path: Path) -> None:
    assert out_of_memory.refusals(refuse_the_live_set, tmp_path) > 40

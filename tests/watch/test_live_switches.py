"""Switches and runs over many rows at once, against going through the rows one by one."""

from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from keepclear.watch.live_switches import Runs, Switches

ROWS = st.lists(st.tuples(st.integers(0, 3), st.sampled_from([1, 0, -1])), max_size=40)


@given(st.lists(ROWS, max_size=4))
def test_switches_as_one_by_one(batches: list[list[tuple[int, int]]]) -> None:
    switches, state = Switches(4), [False] * 4
    for rows in batches:
        turned: tuple[list[int], list[int]] = ([], [])
        for i, (which, said) in enumerate(rows):
            now = state[which] if said < 0 else said == 1
            if now != state[which]:
                turned[0 if now else 1].append(i)
            state[which] = now
        things, said_ = np.array([row[0] for row in rows], dtype=np.int64), np.array([row[1] for row in rows])
        on, off = switches.turn(things, said_ == 1, said_ == 0)
        assert (on.tolist(), off.tolist()) == turned
        assert switches.on.tolist() == state


STEPS = st.lists(st.tuples(st.integers(0, 2), st.integers(1, 30), st.booleans()), max_size=40)


@given(st.lists(STEPS, max_size=4))
def test_runs_as_one_by_one(batches: list[list[tuple[int, int, bool]]]) -> None:
    runs, state, clock = Runs(3, 20.0), dict.fromkeys(range(3), (0, 0.0, 0.0)), 0.0
    for batch in batches:
        rows = []
        came, ceased = [], []
        for i, (key, step, shown) in enumerate(batch):
            clock += step
            rows.append((key, clock, shown))
            count, since, until = state[key]
            lasted = count >= 3 and until - since >= 20.0
            goes_on = shown and count > 0 and clock - until <= 25.0
            if lasted and not goes_on:
                ceased.append((i, since))
            new = (count + 1, since, clock) if goes_on else (1, clock, clock) if shown else (0, 0.0, 0.0)
            state[key] = new
            if new[0] >= 3 and new[2] - new[1] >= 20.0 and not (lasted and goes_on):
                came.append((i, new[1]))
        keys, t = np.array([r[0] for r in rows], dtype=np.int64), np.array([r[1] for r in rows], dtype=float)
        lasting, over = runs.add(keys, t, np.array([r[2] for r in rows], dtype=bool), np.full(len(rows), 25.0))
        assert sorted(zip(lasting.row.tolist(), lasting.since_s.tolist(), strict=True)) == came
        assert sorted(zip(over.row.tolist(), over.since_s.tolist(), strict=True)) == ceased
        for key, (count, since, until) in state.items():
            kept = [column.tolist()[0] for column in runs.of(np.array([key]))]
            assert kept == [count, since, until] if count else kept[0] == 0

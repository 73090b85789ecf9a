from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from keepclear.audit.tracks import ways
from keepclear.geometry.columns import Positions

GAP_S = 60.0


def reports(rows: list[tuple[int, float, float]]) -> Positions:
    """Mover, seconds, kilometres north of the equator."""
    n = len(rows)
    return Positions(
        ids=("a", "b", "c"),
        mover=np.array([row[0] for row in rows], dtype=np.int64),
        t_s=np.array([row[1] for row in rows]),
        lat_deg=np.array([row[2] for row in rows]) / 110.574,
        lon_deg=np.zeros(n),
        alt_m=np.zeros(n),
        uncertainty_m=np.zeros(n),
    )


def runs(rows: list[tuple[int, float, float]]) -> list[tuple[int, list[float]]]:
    plans, track = ways(reports(rows), GAP_S)
    bounds = plans.point_from.tolist()
    return [(int(track[k]), plans.t_s[bounds[k] : bounds[k + 1]].tolist()) for k in range(len(plans))]


def runs_slowly(rows: list[tuple[int, float, float]]) -> list[tuple[int, list[float]]]:
    """The obvious twin: report by report."""
    found: list[tuple[int, list[float]]] = []
    for mover in (0, 1, 2):
        first: dict[float, float] = {}
        for which, t, km in rows:
            if which == mover:
                first.setdefault(t, km)
        run: list[float] = []
        for t in sorted(first):
            far = run and (
                t - run[-1] > GAP_S
                or abs(first[t] - first[run[-1]]) > 500.0
                or abs(first[t] - first[run[-1]]) > 1.5 * (t - run[-1])
            )
            if far:
                found.append((mover, run))
                run = []
            run.append(t)
        found.append((mover, run))
    return [(mover, run) for mover, run in found if len(run) > 1]


rows = st.lists(
    st.tuples(st.integers(0, 2), st.integers(0, 400).map(float), st.sampled_from([0.0, 0.7, 38.9, 800.0])), max_size=40
)


@given(rows)
def test_runs_are_those_of_the_rule(given_rows: list[tuple[int, float, float]]) -> None:
    assert runs(given_rows) == runs_slowly(given_rows)


def test_neither_a_silence_nor_a_jump_is_bridged() -> None:
    assert runs([(0, 0.0, 0.0), (0, 60.0, 1.0), (0, 121.0, 2.0), (0, 130.0, 3.0)]) == [
        (0, [0.0, 60.0]),
        (0, [121.0, 130.0]),
    ]
    assert runs([(0, 0.0, 0.0), (0, 10.0, 16.0)]) == []
    assert runs([(0, 0.0, 0.0), (0, 10.0, 14.0)]) == [(0, [0.0, 10.0])]


def test_one_report_is_no_way_and_none_is_none() -> None:
    assert runs([(1, 0.0, 0.0)]) == []
    assert runs([]) == []

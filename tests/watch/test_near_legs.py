"""Legs of two ways near one another: the kernel against its twin, and what is near against what is not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.geometry.earth import FloatArray, distance_m
from keepclear.geometry.kernels import LIBRARY
from keepclear.geometry.pack import Legs, fix_legs
from keepclear.watch.live_ground import latlon
from keepclear.watch.near_legs import (
    LEG,
    NEAREST,
    NEAREST_T,
    OPEN_END,
    OPEN_START,
    OTHER_LEG,
    PAIR,
    PLACE,
    T0,
    T1,
    near_legs,
    near_legs_slowly,
)
from tests.watch.reports import DESERT, PLACES, Spot, track

pytestmark = pytest.mark.kernels
needs_kernels = pytest.mark.skipif(LIBRARY is None, reason="no compiled kernels")
NEAR_M = 5_000.0
GAP = 3_600.0
CENTIMETRE, MILLISECOND = 0.01, 0.001


def way(spots: list[Spot], place: tuple[float, float] = DESERT) -> Legs:
    return fix_legs(track("x", spots, place=place).fixes, GAP)


def both(ours: list[Legs], theirs: list[Legs], near_m: float = NEAR_M) -> tuple[FloatArray, FloatArray]:
    pairs = np.array([(i, j) for i in range(len(ours)) for j in range(len(theirs))])
    return near_legs(ours, theirs, pairs, near_m), near_legs_slowly(ours, theirs, pairs, near_m)


def apart_m(ours: list[Legs], theirs: list[Legs], row: FloatArray, at_s: float) -> float:
    pair = int(row[PAIR])
    one, other = ours[pair // len(theirs)], theirs[pair % len(theirs)]
    (lat, lon), (other_lat, other_lon) = one.at(int(row[LEG]), at_s), other.at(int(row[OTHER_LEG]), at_s)
    return distance_m(float(lat[0]), float(lon[0]), float(other_lat[0]), float(other_lon[0]))


SPOTS = st.lists(
    st.tuples(st.integers(1, 90), st.floats(-40_000, 40_000), st.floats(-40_000, 40_000)), min_size=1, max_size=6
).map(lambda steps: [(sum(s[0] for s in steps[: k + 1]), e, n) for k, (_, e, n) in enumerate(steps)])


@needs_kernels
@pytest.mark.parametrize("place", PLACES)
@given(ours=st.lists(SPOTS, min_size=1, max_size=3), theirs=st.lists(SPOTS, min_size=1, max_size=3))
def test_the_kernel_as_the_twin(place: tuple[float, float], ours: list[list[Spot]], theirs: list[list[Spot]]) -> None:
    mine, its = [way(each, place) for each in ours], [way(each, place) for each in theirs]
    rows, slow = ({tuple(row[:3]): row for row in found} for found in both(mine, its))
    for only in rows.keys() ^ slow.keys():  # a mere touch is either
        assert (rows | slow)[only][NEAREST] == pytest.approx(NEAR_M, abs=CENTIMETRE)
    for key in rows.keys() & slow.keys():
        row, twin = rows[key], slow[key]
        assert row[NEAREST] == pytest.approx(twin[NEAREST], abs=CENTIMETRE)
        assert apart_m(mine, its, row, row[NEAREST_T]) == pytest.approx(row[NEAREST], abs=CENTIMETRE)
        lat, lon = latlon(row[PLACE])
        twin_lat, twin_lon = latlon(twin[PLACE])
        if abs(row[NEAREST_T] - twin[NEAREST_T]) < MILLISECOND:
            assert distance_m(float(lat), float(lon), float(twin_lat), float(twin_lon)) < 0.2
        for end in (T0, T1):  # where the distance hardly changes a moment is not sharp: then by the distance
            if row[end] != pytest.approx(twin[end], abs=MILLISECOND):
                assert apart_m(mine, its, row, row[end]) == pytest.approx(
                    apart_m(mine, its, twin, twin[end]), abs=CENTIMETRE
                )
        for end, flag in ((T0, OPEN_START), (T1, OPEN_END)):
            if row[flag] != twin[flag]:
                assert apart_m(mine, its, row, row[end]) == pytest.approx(NEAR_M, abs=CENTIMETRE)


@pytest.mark.parametrize("how", [near_legs, near_legs_slowly])
def test_legs_near_and_far(how: object) -> None:
    ours = [way([(0, 0, 0), (30, 9_000, 0)])]
    theirs = [
        way([(0, 0, 5_100), (30, 9_000, 5_100)]),  # never so near
        way([(40, 0, 0), (50, 0, 0)]),  # at another time
        way([(15, 4_500, 1_000)]),  # a lone report, for its moment
        way([(0, 0, 4_900), (30, 9_000, 4_900)]),  # all the time
    ]
    rows = how(ours, theirs, np.array([(0, j) for j in range(4)]), NEAR_M)  # type: ignore[operator]
    assert rows[:, PAIR].tolist() == [2.0, 3.0]
    assert rows[0, T0] == rows[0, T1] == rows[0, NEAREST_T]
    assert rows[0, NEAREST] == pytest.approx(1_000.0, abs=0.5)
    assert rows[1, T1] - rows[1, T0] == 1_800.0
    assert rows[:, [OPEN_START, OPEN_END]].all()


@needs_kernels
def test_there_is_room_for_all_that_is_found() -> None:
    """Everybody stands at one place: more rows than legs."""
    ours = [way([(10 * k, 0, 0) for k in range(8)])] * 30
    rows, slow = both(ours, ours)
    assert len(rows) == len(slow) == 900 * 7
    assert rows[:, :3].tolist() == slow[:, :3].tolist()


def test_beyond_what_the_planes_are_good_for_the_twin_serves() -> None:
    rows, slow = both([way([(0, 0, 0), (30, 9_000, 0)])], [way([(0, 0, 200_000), (30, 0, 150_000)])], 180_000.0)
    assert rows.tolist() == slow.tolist()
    assert len(rows)

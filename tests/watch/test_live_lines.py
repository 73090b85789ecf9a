"""Places and legs against long lines: the kernels, their twins, and the rooms that work on values."""

from __future__ import annotations

import math
from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.geometry.earth import FloatArray, distance_m, plane_about, points_in_space
from keepclear.geometry.kernels import LIBRARY
from keepclear.geometry.shapes import locate_on_polyline
from keepclear.watch import live_lines
from keepclear.watch.live_ground import latlon
from keepclear.watch.live_lines import (
    APART,
    CHAINAGE,
    CROSSINGS,
    FIRST_SHARE,
    LEAST,
    OFF,
    Lines,
    legs_and_lines_slowly,
    on_routes_slowly,
)
from tests.watch.reports import PLACES, spot

needs_kernels = pytest.mark.skipif(LIBRARY is None, reason="no compiled kernels")
pytestmark = pytest.mark.kernels
METRES = st.floats(-30_000, 30_000)
SPOTS = st.lists(st.tuples(METRES, METRES), min_size=2, max_size=60)


def line(place: tuple[float, float], spots: list[tuple[float, float]], every_s: float = 60.0) -> Lines:
    lat, lon = np.array([spot(place, *each) for each in spots]).T
    return Lines.of([(lat, lon, np.arange(len(spots), dtype=np.float64) * every_s)])


def points(place: tuple[float, float], spots: list[tuple[float, float]]) -> FloatArray:
    return points_in_space(*np.array([spot(place, *each) for each in spots]).T)


@needs_kernels
@pytest.mark.parametrize("place", PLACES)
@given(
    spots=SPOTS, at=st.lists(st.tuples(METRES, METRES), min_size=1, max_size=5), doubt=st.sampled_from([0.0, 50.0, 3e3])
)
def test_routes_as_the_twin(
    place: tuple[float, float], spots: list[tuple[float, float]], at: list[tuple[float, float]], doubt: float
) -> None:
    lines, here = line(place, spots), points(place, at)
    times = np.linspace(-10.0, 60.0 * len(spots), len(at))
    given_ = (lines, np.zeros(len(at), dtype=np.int64), times, here, np.full(len(at), doubt))
    assert live_lines.on_routes(*given_) == pytest.approx(on_routes_slowly(*given_), abs=1e-5)


@needs_kernels
@pytest.mark.parametrize("place", PLACES)
@given(spots=SPOTS, ends=st.tuples(METRES, METRES, st.floats(-7_000, 7_000), st.floats(-7_000, 7_000)))
def test_legs_and_lines_as_the_twin(
    place: tuple[float, float], spots: list[tuple[float, float]], ends: tuple[float, float, float, float]
) -> None:
    begin, end = points(place, [(ends[0], ends[1]), (ends[0] + ends[2], ends[1] + ends[3])])
    given_ = (line(place, spots), np.zeros(1, dtype=np.int64), begin[None], end[None], np.array([5_000.0]))
    found, twin = live_lines.legs_and_lines(*given_)[0], legs_and_lines_slowly(*given_)[0]
    assert found[: LEAST + 1] == pytest.approx(twin[: LEAST + 1], abs=1e-5)
    swapped = legs_and_lines_slowly(*given_[:2], end[None], begin[None], given_[4])[0]
    if min(found[APART], swapped[APART]) > 0.001:  # an end on the line is on whichever side the rounding has it
        assert (found[CROSSINGS] - twin[CROSSINGS]) % 2 == 0  # through a bend it crosses both edges, or neither
        if found[CROSSINGS] == twin[CROSSINGS]:
            assert found[FIRST_SHARE] == pytest.approx(twin[FIRST_SHARE], abs=1e-3, nan_ok=True)


@pytest.mark.parametrize("how", [live_lines.on_routes, on_routes_slowly])
@pytest.mark.parametrize("place", PLACES)
@given(spots=SPOTS, east=METRES, north=METRES)
def test_the_nearest_is_the_nearest(
    how: Callable[..., FloatArray],
    place: tuple[float, float],
    spots: list[tuple[float, float]],
    east: float,
    north: float,
) -> None:
    lines, here = line(place, spots), points(place, [(east, north)])
    found = how(lines, np.zeros(1, dtype=np.int64), np.zeros(1), here, np.zeros(1))[0]
    plane = plane_about(*([v] for v in spot(place, east, north)))
    drawn = plane.to_xy(*latlon(lines.nodes))
    truth = locate_on_polyline(np.zeros((1, 2)), drawn)
    # Of passages within a metre of the nearest, the one the plan has is meant.
    assert -0.02 <= found[OFF] - float(truth.cross_track_m[0]) <= 1.02
    assert 0.0 <= found[CHAINAGE] <= lines.length_m(0)


@pytest.mark.parametrize("how", [live_lines.legs_and_lines, legs_and_lines_slowly])
def test_a_line_far_away_is_only_far_and_one_near_is_not(how: Callable[..., FloatArray]) -> None:
    lines = line((35.0, 40.0), [(0.0, -5_000.0), (0.0, 5_000.0)])
    begin, end = points((35.0, 40.0), [(2_000.0, 0.0), (1_000.0, 0.0)])
    far = how(lines, np.zeros(1, dtype=np.int64), begin[None] + 0.0, end[None], np.array([100.0]))[0]
    near = how(lines, np.zeros(1, dtype=np.int64), begin[None], end[None], np.array([8_000.0]))[0]
    assert near[:2] == pytest.approx([1_000.0, 1_000.0], abs=1e-3)
    assert near[3] == 0
    # The ball about the line's one leg is 5 km wide: within it nothing is passed over.
    assert math.isfinite(far[0])
    away = points((35.0, 40.0), [(20_000.0, 0.0), (19_000.0, 0.0)])
    assert how(lines, np.zeros(1, dtype=np.int64), away[:1], away[1:], np.array([100.0]))[0][0] == math.inf


def test_a_line_has_its_length() -> None:
    lines = line((35.0, 40.0), [(0.0, 0.0), (25_000.0, 0.0)])
    assert len(lines.nodes) == 4
    assert lines.length_m(0) == pytest.approx(distance_m(35.0, 40.0, *spot((35.0, 40.0), 25_000.0, 0.0)), abs=1e-3)

"""How outlines and holes must lie, of many areas at once: against cases known by hand, and one by one."""

from __future__ import annotations

import numpy as np
import pytest
import shapely
from hypothesis import assume, given
from hypothesis import strategies as st

from keepclear.errors import Malformed
from keepclear.geometry import kernels
from keepclear.geometry.columns import Plans
from keepclear.geometry.earth import FloatArray
from keepclear.geometry.outlines import check_outlines
from keepclear.geometry.shapes import check_polygon
from tests.geometry.drawn import PLACES, Drawn, Place, at, of_rings, plans_of, rough_ring

pytestmark = pytest.mark.kernels

SQUARE = [(-4e3, -4e3), (4e3, -4e3), (4e3, 4e3), (-4e3, 4e3)]
HOLE = [(-1e3, -1e3), (1e3, -1e3), (0.0, 1e3)]

CASES: dict[str, tuple[Drawn, str | None]] = {
    "a square": ([SQUARE], None),
    "a circle": (50.0, None),
    "closed": ([[*SQUARE, SQUARE[0]]], None),
    "a vertex said twice": ([[*SQUARE[:2], *SQUARE[1:]]], None),
    "a vertex on a side": ([[SQUARE[0], (0.0, -4e3), *SQUARE[1:]]], None),
    "a hole": ([SQUARE, HOLE], None),
    "a hole that touches the outline in one point": ([SQUARE, [(0.0, 0.0), (1e3, 0.0), (4e3, 4e3)]], None),
    "900 km": ([[(-9e5, 0.0), (9e5, 0.0), (0.0, 9e5)]], None),
    "a bow-tie": ([[(-4e3, -4e3), (4e3, 4e3), (4e3, -4e3), (-4e3, 4e3)]], "polygon_crossing"),
    "a touch": ([[(-4e3, -4e3), (4e3, -4e3), (4e3, 4e3), (0.0, -4e3), (-4e3, 4e3)]], "polygon_crossing"),
    "a vertex visited twice": (
        [[(-4e3, 0), (0, 0), (-4e3, 4e3), (4e3, 4e3), (0, 0), (4e3, 0), (0, -4e3)]],
        "polygon_crossing",
    ),
    "a spike of no width": ([[*SQUARE, (-9e3, 4e3), (-4e3, 4e3)]], "polygon_crossing"),
    "a line": ([[(0.0, 0.0), (1e3, 1e3), (2e3, 2e3)]], "polygon_no_area"),
    "there and back": ([[(0.0, 0.0), (1e3, 1e3)]], "polygon_no_area"),
    "a spot": ([[(0.0, 0.0)] * 4], "polygon_no_area"),
    "a postage stamp": ([[(0.0, 0.0), (0.5, 0.0), (0.0, 0.5)]], "polygon_no_area"),
    "too wide": ([[(-1.5e6, 0.0), (1.5e6, 0.0), (0.0, 1.5e6)]], "too_wide"),
    "a hole outside": ([SQUARE, [(5e3, 5e3), (6e3, 5e3), (5e3, 6e3)]], "hole_outside"),
    "a hole in a hole": ([SQUARE, HOLE, [(-1e2, -1e2), (1e2, -1e2), (0.0, 1e2)]], "hole_outside"),
    "a hole across the outline": ([SQUARE, [(3e3, 3e3), (6e3, 5e3), (5e3, 6e3)]], "polygon_crossing"),
    "holes that cross": ([SQUARE, HOLE, [(-2e3, 0.0), (2e3, 0.0), (0.0, 500.0)]], "polygon_crossing"),
    "a hole that crosses itself": ([SQUARE, [(-1e3, -1e3), (1e3, 1e3), (1e3, -1e3), (-1e3, 1e3)]], "polygon_crossing"),
    "a hole along the outline": ([SQUARE, [(4e3, -1e3), (4e3, 1e3), (0.0, 0.0)]], "polygon_crossing"),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("place", [*PLACES, (90.0, 0.0)])
@pytest.mark.parametrize("compiled", [True, False])
def test_how_outlines_may_lie(monkeypatch: pytest.MonkeyPatch, compiled: bool, place: Place, name: str) -> None:
    if not compiled:
        monkeypatch.setattr(kernels, "LIBRARY", None)
    area, code = CASES[name]
    plans = plans_of([SQUARE], area, [SQUARE], place=place)
    if code is None:
        check_outlines(plans)
        return
    with pytest.raises(Malformed) as refusal:
        check_outlines(plans)
    assert (refusal.value.code, refusal.value.field) == (code, "plans[plan1].volumes[0].rings")


def test_the_first_at_fault_is_named_and_where() -> None:
    bow_tie, line = CASES["a bow-tie"][0], CASES["a line"][0]
    with pytest.raises(Malformed, match=r"near 35\.1\d+, 40\.4\d+") as refusal:
        check_outlines(plans_of([SQUARE], 20.0, bow_tie, line))
    assert refusal.value.field == "plans[plan2].volumes[0].rings"


def test_all_round_the_earth_is_too_wide() -> None:
    for ring in ([(0.0, 0.0), (0.0, 120.0), (0.0, -120.0)], [(0.0, lon) for lon in range(-180, 180, 10)]):
        with pytest.raises(Malformed, match="1000 km"):
            check_outlines(of_rings([[ring]]))


def refused(plans: Plans) -> str | None:
    try:
        check_outlines(plans)
    except Malformed as refusal:
        return refusal.code
    return None


@given(
    st.sampled_from(PLACES),
    st.lists(st.tuples(st.integers(-6, 6), st.integers(-6, 6)), min_size=3, max_size=9),
    st.sampled_from([0.3, 700.0, 20_000.0]),
)
def test_it_agrees_with_the_rule_on_values(place: Place, corners: list[tuple[int, int]], scale: float) -> None:
    """Corners on a grid: that outlines touch themselves is as likely as not."""
    assume(corners[0] != corners[-1] and len(set(corners)) > 2)  # a ring closed by hand is a fault there only
    ring = at(np.array(corners, dtype=np.float64) * scale, place)
    expected: str | None = None
    try:
        check_polygon(ring[:, 0], ring[:, 1])
    except Malformed as refusal:
        expected = refusal.code
    told = refused(of_rings([[ring]]))
    touches = min(
        shapely.Point(corner).distance(shapely.LineString((start, end)))
        for corner in corners
        for start, end in zip(corners, [*corners[1:], corners[0]], strict=True)
        if corner not in (start, end)
    )
    assume(touches > 0.0)  # whether a corner is on an edge, or a hair off it, is another matter on another plane
    assert told == expected
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "LIBRARY", None)
        assert told == refused(of_rings([[ring]]))


@given(st.sampled_from(PLACES), st.integers(0, 2**32 - 1), st.integers(3, 70), st.sampled_from([50.0, 3e3, 3e4]))
def test_what_is_in_order_passes(place: Place, seed: int, corners: int, size: float) -> None:
    random = np.random.default_rng(seed)
    outline: list[FloatArray] = [rough_ring(random, size, corners)]
    assert refused(plans_of(outline, [*outline, rough_ring(random, 0.1 * size, 5)], place=place)) is None
    turn = 2.0 * np.pi * np.arange(corners + 1) / (corners + 1)
    around = size * np.column_stack((np.sin(turn), np.cos(turn)))
    around[[0, 1]] = around[[1, 0]]
    assert refused(plans_of([around], place=place)) == "polygon_crossing"


def test_stars_of_ten_thousand_vertices() -> None:
    turn = 2.0 * np.pi * np.arange(10_000) / 10_000
    away = np.where(np.arange(10_000) % 2, 1e3, 3e3)
    star = np.column_stack((away * np.sin(turn), away * np.cos(turn)))
    assert refused(plans_of([star])) is None
    assert refused(plans_of([np.vstack((star[::3], star[1::3], star[2::3]))])) == "polygon_crossing"

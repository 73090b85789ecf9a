"""Which outlines are refused, which only look odd, and that the kernel is sure of nothing that is not so."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.errors import Malformed
from keepclear.geometry import kernels
from keepclear.geometry.simple import closely, simple_area_km2
from tests.geometry.drawn import DATELINE, DESERT, POLE, Place, Ring, at

pytestmark = pytest.mark.kernels

PLACES: tuple[Place, ...] = (DESERT, DATELINE, POLE, (-90.0, 0.0), (0.0, -180.0), (50.0, 7.0))
SQUARE = [(-4e3, -4e3), (4e3, -4e3), (4e3, 4e3), (-4e3, 4e3)]
TURNS = np.linspace(0.0, 2.0 * np.pi, 10_000, endpoint=False)
STAR = np.column_stack((np.sin(TURNS), np.cos(TURNS))) * 1e4 * (1.0 + 0.5 * np.sin(50.0 * TURNS))[:, None]

IN_ORDER: dict[str, tuple[Ring, float]] = {
    "a square": (SQUARE, 64.0),
    "the other way round": (SQUARE[::-1], 64.0),
    "a vertex on a side": ([SQUARE[0], (0.0, -4e3), *SQUARE[1:]], 64.0),
    "a bay that nearly closes": ([*SQUARE, (-4e3, 1e-3), (3.999e3, 0.0), (-4e3, -1e-3)], 64.0),
    "as small as a coin": ([(0.0, 0.0), (0.02, 0.0), (0.02, 0.02), (0.0, 0.02)], 4e-10),
    "a sliver of 1 mm": ([(0.0, 0.0), (5e3, 0.0), (5e3, 1e-3)], 2.5e-6),
    "ten thousand vertices": (STAR, np.pi * 1e2 * 1.125),
}
FAULTY: dict[str, tuple[Ring, str]] = {
    "two vertices": (SQUARE[:2], "utm_vertices"),
    "closed": ([*SQUARE, SQUARE[0]], "utm_vertex_twice"),
    "a vertex said twice": ([*SQUARE[:2], *SQUARE[1:]], "utm_vertex_twice"),
    "a vertex visited twice": ([(-4e3, 0), (0, 0), (-4e3, 4e3), (4e3, 4e3), (0, 0), (4e3, -4e3)], "utm_vertex_twice"),
    "a spot": ([(1.0, 1.0)] * 3, "utm_vertex_twice"),
    "a bow-tie": ([(-4e3, -4e3), (4e3, 4e3), (4e3, -4e3), (-4e3, 4e3)], "polygon_crossing"),
    "a spike that crosses by a centimetre": (
        [*SQUARE, (-4e3, 10.0), (4e3 + 0.01, 0.0), (-4e3, -10.0)],
        "polygon_crossing",
    ),
    "ten thousand that cross once": (np.vstack((STAR[:-2], STAR[:-3:-1])), "polygon_crossing"),
    "next to nothing": ([(0.0, 0.0), (5e-3, 0.0), (0.0, 5e-3)], "polygon_no_area"),
    "too wide": ([(-1.5e6, 0.0), (1.5e6, 0.0), (0.0, 1e6)], "too_large"),
}


@pytest.mark.parametrize("name", IN_ORDER)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("compiled", [True, False])
def test_what_is_in_order(compiled: bool, place: Place, name: str) -> None:
    ring, area_km2 = IN_ORDER[name]
    lat, lng = at(ring, place).T.tolist()
    look = simple_area_km2 if compiled else closely
    assert look(lat, lng, "here") == pytest.approx(area_km2, rel=0.02)


@pytest.mark.parametrize("name", FAULTY)
@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("compiled", [True, False])
def test_what_is_refused(compiled: bool, place: Place, name: str) -> None:
    ring, code = FAULTY[name]
    lat, lng = at(ring, place).T.tolist()
    look = simple_area_km2 if compiled else closely
    with pytest.raises(Malformed) as refused:
        look(lat, lng, "here")
    assert refused.value.code == code
    assert refused.value.field.startswith("here")


def test_where_it_crosses_is_said() -> None:
    lat, lng = at(FAULTY["a bow-tie"][0], (50.0, 7.0)).T.tolist()
    with pytest.raises(Malformed, match=r"near 50\.0000., 7\.0000.$"):
        simple_area_km2(lat, lng, "here")


def test_the_vertex_said_twice_is_named() -> None:
    with pytest.raises(Malformed) as refused:
        simple_area_km2([1.0, 1.0, 2.0, 1.0], [1.0, 2.0, 2.0, 1.0], "here")
    assert refused.value.field == "here[3]"


@pytest.mark.parametrize(
    ("lat", "lng"),
    [
        ([1.0, 2.0, 1.0, 0.5], [180.0, 179.0, -180.0, 179.0]),
        ([90.0, 89.0, 89.0, 90.0, 89.0], [0.0, 0.0, 90.0, 90.0, -90.0]),
    ],
    ids=["the antimeridian", "a pole"],
)
def test_one_place_may_have_two_names(lat: list[float], lng: list[float]) -> None:
    with pytest.raises(Malformed) as refused:
        simple_area_km2(lat, lng, "here")
    assert refused.value.code == "utm_vertex_twice"


def test_an_outline_along_the_antimeridian_is_in_order() -> None:
    assert simple_area_km2([1.0, 1.0, 2.0, 2.0], [180.0, 179.0, 179.0, -180.0], "here") == pytest.approx(
        12_304, rel=0.01
    )


def test_round_a_pole_the_smaller_side_is_meant() -> None:
    assert simple_area_km2([89.9] * 3, [0.0, 120.0, -120.0], "here") == pytest.approx(162.1, rel=0.01)
    assert simple_area_km2([89.0] * 3, [0.0, 120.0, -120.0], "here") == pytest.approx(16_210.0, rel=0.01)


@given(
    place=st.sampled_from(PLACES),
    corners=st.lists(st.tuples(st.integers(-6, 6), st.integers(-6, 6)), min_size=3, max_size=8, unique=True),
    metres=st.sampled_from([0.1, 300.0, 20_000.0]),
)
def test_the_kernel_agrees_with_a_close_look(place: Place, corners: list[tuple[int, int]], metres: float) -> None:
    """On a grid much touches and much lies in one line: what the kernel takes for simple is so."""
    lat, lng = at(np.array(corners) * metres, place).T.tolist()

    def said(look: object) -> float | str:
        try:
            return look(lat, lng, "here")  # type: ignore[operator, no-any-return]
        except Malformed as refusal:
            return refusal.code

    quick, close = said(simple_area_km2), said(closely)
    assert quick == (close if isinstance(close, str) else pytest.approx(close, rel=1e-5))


@pytest.mark.skipif(kernels.LIBRARY is None, reason="no compiled kernels here")
def test_the_kernel_knows_plain_outlines_by_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keepclear.geometry.simple.closely", None)
    for place in PLACES:
        lat, lng = at(SQUARE, place).T.tolist()
        assert simple_area_km2(lat, lng, "here") == pytest.approx(64.0, rel=0.01)

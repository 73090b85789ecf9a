"""Two volumes: how far apart, whether they overlap. The kernel, its twin, and cases known by hand."""

from __future__ import annotations

from types import ModuleType

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.geometry import areas, areas_twin, kernels
from keepclear.geometry.earth import FloatArray
from keepclear.geometry.pack import Packed, pack
from tests.geometry.drawn import (
    DESERT,
    GEOD,
    PLACES,
    Drawn,
    Place,
    along,
    at,
    of_rings,
    packed_of,
    plans_of,
    rough_ring,
    true_depths,
)

pytestmark = pytest.mark.kernels

ENGINES = pytest.mark.parametrize("engine", [areas, areas_twin], ids=["kernels", "twin"])


def box(x: float, y: float, half: float = 2_000.0, tall: float | None = None) -> list[tuple[float, float]]:
    up = half if tall is None else tall
    return [(x - half, y - up), (x + half, y - up), (x + half, y + up), (x - half, y + up)]


def meet(engine: ModuleType, one: Packed, other: Packed, across: float, height: float = 0.0) -> npt.NDArray[np.void]:
    """What is found, whichever comes first."""
    found: npt.NDArray[np.void] = engine.volumes_meet(one, 0, other, 0, across, height)
    turned = engine.volumes_meet(other, 0, one, 0, across, height)
    assert len(found) == len(turned)
    assert np.abs(found["horizontal_m"] - turned["horizontal_m"]).max(initial=0.0) < 0.01
    return found


CASES: dict[str, tuple[Drawn, Drawn, bool]] = {
    "the same": ([box(0, 0)], [box(0, 0)], True),
    "the same the other way round": ([box(0, 0)], [box(0, 0)[::-1]], True),
    "a shared side": (
        [[(-4e3, -2e3), (0, -2e3), (0, 2e3), (-4e3, 2e3)]],
        [[(0, -2e3), (4e3, -2e3), (4e3, 2e3), (0, 2e3)]],
        False,
    ),
    "part of a side": ([[(-4e3, 0), (4e3, 0), (0, -5e3)]], [[(-1e3, 0), (1e3, 0), (0, 5e3)]], False),
    "a shared corner": ([box(0, 0)], [[(2e3, 2e3), (5e3, 2e3), (5e3, 5e3)]], False),
    "half a millimetre": ([[(-4e3, 0), (4e3, 0), (0, -5e3)]], [[(-1e3, -0.0005), (1e3, -0.0005), (0, 5e3)]], False),
    "three millimetres": ([[(-4e3, 0), (4e3, 0), (0, -5e3)]], [[(-1e3, -0.003), (1e3, -0.003), (0, 5e3)]], True),
    "one within": ([box(0, 0)], [box(100, 50, 500)], True),
    "apart": ([box(0, 0)], [box(4_001, 0)], False),
    "far apart": ([box(0, 0)], [box(90_000, 0)], False),
    "a cross": ([box(0, 0, 9_000, 400)], [box(0, 0, 400, 9_000)], True),
    "in a hole": ([box(0, 0), box(0, 0, 1_000)], [box(0, 0, 500)], False),
    "filling a hole": ([box(0, 0), box(0, 0, 1_000)], [box(0, 0, 1_000)], False),
    "touching a hole": ([box(0, 0), box(0, 0, 1_000)], [[(1_000, -1_000), (1_000, 1_000), (-900, 0)]], False),
    "over a hole": ([box(0, 0), box(0, 0, 1_000)], [box(0, 0, 1_500)], True),
    "over all": ([box(0, 0), box(0, 0, 1_000)], [box(0, 0, 9_000)], True),
    "a frame in a hole": ([box(0, 0), box(0, 0, 1_000)], [box(0, 0, 900), box(0, 0, 800)], False),
    "a frame about a frame": ([box(0, 0), box(0, 0, 1_000)], [box(0, 0, 4_000), box(0, 0, 2_000)], False),
    "frames that cross": ([box(0, 0), box(0, 0, 1_900)], [box(1_000, 1_000), box(1_000, 1_000, 1_900)], True),
    "a circle in a box": (300.0, [box(0, 0)], True),
    "a circle in a hole": (300.0, [box(0, 0), box(0, 0, 1_000)], False),
    "a circle over a hole": (1_100.0, [box(0, 0), box(0, 0, 1_000)], True),
    "a circle about a box": (9_000.0, [box(0, 0)], True),
    "a circle short of a box": (999.0, [box(3_000, 0)], False),
    "a circle on a box": (1_001.0, [box(3_000, 0)], True),
    "a circle beyond a box": (1_001.0, [box(60_000, 0)], False),
}


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("place", PLACES)
@ENGINES
def test_what_is_an_overlap(engine: ModuleType, place: Place, name: str) -> None:
    one, other, expected = CASES[name]
    found = meet(engine, packed_of(one, place=place), packed_of(other, place=place), 0.0)
    assert len(found) == expected
    if expected:
        assert found["horizontal_m"][0] == 0.0
        for each in (one, other):
            assert engine.depths_m(packed_of(each, place=place), 0, found["place"])[0] < 0.01


@pytest.mark.parametrize("name", CASES)
@ENGINES
def test_what_overlaps_is_near_and_what_touches_too(engine: ModuleType, name: str) -> None:
    one, other, overlap = CASES[name]
    found = meet(engine, packed_of(one), packed_of(other), 0.5)
    touching = ("a shared side", "part of a side", "a shared corner", "half a millimetre", "filling a hole")
    expected = overlap or name in touching or name in ("touching a hole", "a frame about a frame")
    assert len(found) == expected


@pytest.mark.parametrize("place", PLACES)
@ENGINES
def test_how_far_apart(engine: ModuleType, place: Place) -> None:
    frame = packed_of([box(0, 0), box(0, 0, 1_000)], place=place)
    for inner, across, expected in (
        ([box(0, 0, 500)], 400.0, None),
        ([box(0, 0, 500)], 600.0, 500.0),
        (700.0, 400.0, 300.0),
    ):
        found = meet(engine, frame, packed_of(inner, place=place), across)
        assert found["horizontal_m"].tolist() == pytest.approx([] if expected is None else [expected], abs=0.1)
    one, other = (pack(plans_of(2_000.0, places=[spot])) for spot in (place, tuple(at([(9_000.0, 0.0)], place)[0])))
    assert len(meet(engine, one, other, 5_000.0)) == 0
    (found,) = meet(engine, one, other, 5_001.0)
    assert found["horizontal_m"] == pytest.approx(5_000.0, abs=0.01)
    assert engine.depths_m(one, 0, found["place"][None])[0] == pytest.approx(2_500.0, abs=1.0)


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("size", [100.0, 5_000.0, 300_000.0])
@pytest.mark.parametrize("gap", [3.0, 800.0, 9_999.0])
@ENGINES
def test_how_far_apart_agrees_with_geodesics(engine: ModuleType, place: Place, size: float, gap: float) -> None:
    """A wedge that points at the middle of an edge, from outside."""
    ring = at(rough_ring(np.random.default_rng(int(size + gap)), size, 7), place)
    foot = along(ring[:1], ring[1:2], np.array([0.5]))[0]
    onward = GEOD.inv(foot[1], foot[0], ring[1, 1], ring[1, 0])[0]
    outward = np.radians(onward - 90.0)  # the ring goes round with the sun
    tip, wide = 0.7 * gap, 0.3 * size
    wedge = np.array([(0.0, tip), (0.1 * wide, tip + wide), (-0.1 * wide, tip + wide)])
    turned = wedge @ np.array([[np.cos(outward), -np.sin(outward)], [np.sin(outward), np.cos(outward)]])
    other = at(turned, (float(foot[0]), float(foot[1])))
    least = min(float(true_depths([ring], other).min()), float(true_depths([other], ring).min()))
    assert 0.0 < least < gap
    found = meet(engine, pack(of_rings([[ring]])), pack(of_rings([[other]])), gap)
    assert found["horizontal_m"] == pytest.approx([least], abs=0.01)
    assert len(meet(engine, pack(of_rings([[ring]])), pack(of_rings([[other]])), least - 0.01)) == 0


areas_drawn = st.tuples(st.integers(0, 2**32 - 1), st.sampled_from(["circle", "outline", "holed"]), st.integers(3, 40))


def drawn(seed: int, kind: str, corners: int, size: float) -> Drawn:
    random = np.random.default_rng(seed)
    radius = size * float(random.uniform(0.3, 1.0))
    if kind == "circle":
        return radius
    outline: list[FloatArray] = [rough_ring(random, radius, corners)]
    return outline if kind == "outline" else [*outline, rough_ring(random, 0.2 * radius, 5)]


@given(
    st.sampled_from(PLACES),
    areas_drawn,
    areas_drawn,
    st.sampled_from([100.0, 5_000.0, 60_000.0]),
    st.sampled_from([0.0, 0.5, 300.0, 10_000.0]),
    st.floats(0.0, 2.2),
    st.floats(0.0, 360.0),
)
def test_two_areas_agree_with_the_twin(
    place: Place,
    first: tuple[int, str, int],
    second: tuple[int, str, int],
    size: float,
    across: float,
    away: float,
    bearing: float,
) -> None:
    there = at([(away * size * np.sin(np.radians(bearing)), away * size * np.cos(np.radians(bearing)))], place)[0]
    one = pack(plans_of(drawn(*first, size), places=[place]))
    other = pack(plans_of(drawn(*second, size), places=[(float(there[0]), float(there[1]))]))
    mine, theirs = (meet(engine, one, other, across, np.inf) for engine in (areas, areas_twin))
    if len(mine) != len(theirs):  # only where they are as far apart as asked, to a centimetre
        (certain,) = meet(areas, one, other, across + 0.02, np.inf)
        assert certain["horizontal_m"] == pytest.approx(across, abs=0.02)
    elif len(mine):
        assert mine["horizontal_m"] == pytest.approx(theirs["horizontal_m"], abs=0.01)
        if mine["horizontal_m"][0] == 0.0:
            for each in (one, other):
                assert areas.depths_m(each, 0, mine["place"])[0] < 0.01


@pytest.mark.parametrize(
    ("limits", "height", "expected"),
    [
        ((0.0, 100.0, 0.0, 500.0), 0.0, (50.0, 100.0, 0.0)),
        ((0.0, 50.0, 0.0, 500.0), 0.0, None),  # one begins as the other ends
        ((0.0, 60.0, 0.0, 100.0), 0.0, None),  # one lies on the other
        ((0.0, 60.0, 0.0, 100.002), 0.0, (50.0, 60.0, 0.0)),
        ((0.0, 60.0, 0.0, 40.0), 60.0, None),
        ((0.0, 60.0, 0.0, 40.0), 61.0, (50.0, 60.0, 60.0)),
        ((0.0, 60.0, 0.0, 40.0), np.inf, (50.0, 60.0, 60.0)),
        ((0.0, 300.0, 900.0, 990.0), 0.0, None),
    ],
)
@ENGINES
def test_windows_and_bands(
    engine: ModuleType,
    limits: tuple[float, float, float, float],
    height: float,
    expected: tuple[float, float, float] | None,
) -> None:
    one = pack(plans_of([box(0, 0)], limits=(50.0, 200.0, 100.0, 800.0)))
    found = meet(engine, one, pack(plans_of([box(500, 0)], limits=limits)), 0.0, height)
    told = [(float(each["t0_s"]), float(each["t1_s"]), float(each["vertical_m"])) for each in found]
    assert told == ([] if expected is None else [expected])


def star(place: Place, inner: float, outer: float, points: int, turned: float = 0.0) -> FloatArray:
    turn = 2.0 * np.pi * (np.arange(points) + turned) / points
    away = np.where(np.arange(points) % 2, inner, outer)
    return at(np.column_stack((away * np.sin(turn), away * np.cos(turn))), place)


@pytest.mark.parametrize("points", [90, 2_000])
def test_outlines_of_many_vertices(points: int) -> None:
    """Known by hand: blocks of edges must neither lose a crossing nor make one."""
    if kernels.LIBRARY is None and points > 90:
        pytest.skip("the twin has no blocks, and takes minutes")
    beside = at([(6_100.0, 0.0)], DESERT)[0]
    one = pack(of_rings([[star(DESERT, 1e3, 3e3, points)]]))
    turned = pack(of_rings([[star(DESERT, 1e3, 3e3, points, 0.5)]]))
    other = pack(of_rings([[star((beside[0], beside[1]), 1e3, 3e3, points)]]))
    about = pack(of_rings([[star(DESERT, 4e3, 4e3, points), star(DESERT, 1e3, 3e3, points)]]))
    ring = pack(of_rings([[star(DESERT, 4e3, 4e3, points), star(DESERT, 3.01e3, 3.01e3, points)]]))
    touching = pack(of_rings([[star(DESERT, 4e3, 4e3, points), star(DESERT, 3.2e3, 3e3, points)]]))
    assert [len(meet(areas, one, each, 0.0)) for each in (one, turned, other, about, ring, touching)] == [
        1,
        1,
        0,
        0,
        0,
        0,
    ]
    assert [len(meet(areas, one, each, 5.0)) for each in (one, turned, other, about, ring, touching)] == [
        1,
        1,
        0,
        1,
        0,
        1,
    ]
    (near,) = meet(areas, one, other, 500.0)
    assert near["horizontal_m"] == pytest.approx(100.0, abs=15.0 if points < 100 else 0.1)

"""Coverings, against another library's cells and planar truth: no touched cell is left out, none farther off is named.

Truth is drawn where all great circles are straight lines, on the plane that touches the sphere at the middle of a
shape; so cells, outlines and circles are shapes of shapely there. Ids and corners of cells are those of s2sphere.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable

import numpy as np
import pytest
import s2sphere
import shapely
from hypothesis import given
from hypothesis import strategies as st

from keepclear.errors import Malformed
from keepclear.geometry import cells, cells_twin, kernels
from keepclear.geometry.cells import (
    LEVEL,
    MARGIN_M,
    MAX_CELLS,
    area_km2,
    cells_of_circle,
    cells_of_polygon,
    circle_area_km2,
)
from keepclear.geometry.earth import FloatArray
from tests.geometry.drawn import GEOD, Place, at

pytestmark = pytest.mark.kernels

EARTH_M = 6_371_010.0
CUBE = (math.degrees(math.atan(math.sqrt(0.5))), 45.0)
"""Where three faces of the cube meet."""
PLACES: tuple[Place, ...] = ((90.0, 0.0), (-90.0, 77.0), (0.0, 180.0), (-56.0, 178.0), CUBE, (45.0, 0.0), (0.0, -45.0))

places = st.sampled_from(PLACES) | st.tuples(st.floats(-90.0, 90.0), st.floats(-180.0, 180.0))
shifts = st.tuples(st.floats(-3e3, 3e3), st.floats(-3e3, 3e3))
sizes_m = st.floats(-4.0, 4.0).map(lambda power: 10.0**power)


@st.composite
def outlines(draw: st.DrawFn) -> tuple[list[float], list[float]]:
    """An outline that goes once round a place near one of those where something could go wrong: 10 cm to 20 km wide."""
    place = shifted(draw(places), draw(shifts))
    count = draw(st.integers(3, 9))
    angles = np.sort(draw(st.lists(st.floats(0.0, 359.0), min_size=count, max_size=count, unique=True)))
    reach = np.array(draw(st.lists(st.floats(0.05, 1.0), min_size=count, max_size=count))) * draw(sizes_m)
    turned = np.radians(angles)
    lat, lng = at(np.column_stack((reach * np.sin(turned), reach * np.cos(turned))), place).T
    return lat.tolist(), lng.tolist()


def shifted(place: Place, by_m: tuple[float, float]) -> Place:
    lat, lng = at([by_m], place)[0]
    return float(lat), float(lng)


def cell_of(lat_deg: float, lng_deg: float) -> int:
    """The id of the cell in which a place lies."""
    return int(s2sphere.CellId.from_lat_lng(s2sphere.LatLng.from_degrees(lat_deg, lng_deg)).parent(LEVEL).id())


def in_space(lat_deg: Iterable[float], lng_deg: Iterable[float]) -> FloatArray:
    lat, lng = np.radians(np.asarray(lat_deg)), np.radians(np.asarray(lng_deg))
    return np.column_stack((np.cos(lat) * np.cos(lng), np.cos(lat) * np.sin(lng), np.sin(lat)))


class Plane:
    """The plane that touches the sphere at a place: metres, true near the place, where great circles are straight."""

    def __init__(self, middle: FloatArray) -> None:
        self.up = middle / np.linalg.norm(middle)
        self.east = np.cross(self.up, np.eye(3)[np.abs(self.up).argmin()])
        self.east /= np.linalg.norm(self.east)
        self.north = np.cross(self.up, self.east)

    def of(self, points: FloatArray) -> FloatArray:
        across = np.column_stack((points @ self.east, points @ self.north))
        return np.asarray(EARTH_M * across / (points @ self.up)[:, None])

    def cell(self, id: int) -> shapely.Polygon:
        cell = s2sphere.Cell(s2sphere.CellId(id))
        return shapely.Polygon(self.of(np.array([tuple(cell.get_vertex(k)) for k in range(4)])))


def with_neighbours(covering: Iterable[int]) -> set[int]:
    found = set(covering)
    for id in covering:
        found |= {each.id() for each in s2sphere.CellId(id).get_all_neighbors(LEVEL)}
    return found


def agrees(covering: tuple[int, ...], plane: Plane, shape: shapely.Geometry, margin_m: float) -> None:
    """The covering has all the cells that meet the shape, and none that is farther from it than the margin."""
    for id in with_neighbours(covering):
        apart = shapely.distance(plane.cell(id), shape)
        if apart == 0.0:
            assert id in covering
        elif id in covering:
            assert apart <= margin_m


# ── cells ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("compiled", [True, False])
@given(place=places, by_m=shifts)
def test_a_place_lies_in_the_cell_that_the_field_names(compiled: bool, place: Place, by_m: tuple[float, float]) -> None:
    lat, lng = shifted(place, by_m)
    with pytest.MonkeyPatch.context() as patch:
        if not compiled:
            patch.setattr(kernels, "LIBRARY", None)
        covering = cells_of_polygon([lat], [lng])
        assert cell_of(lat, lng) in covering
        assert len(covering) <= 4  # a place near the corner of a cell
        assert cell_of(lat, lng) in cells_of_circle(lat, lng, 1e-4)
    assert list(covering) == sorted(covering)
    assert {s2sphere.CellId(id).level() for id in covering} == {LEVEL}


@given(outline=outlines())
def test_an_outline_is_covered_and_nothing_farther_off(outline: tuple[list[float], list[float]]) -> None:
    corners = in_space(*outline)
    plane = Plane(corners.mean(axis=0))
    shape = shapely.make_valid(shapely.Polygon(plane.of(corners)))
    agrees(cells_of_polygon(*outline), plane, shape, MARGIN_M * 1.01 + 0.4)  # edges of 40 km bend 0.1 m


@given(outline=outlines())
def test_the_geodesics_between_vertices_are_covered_too(outline: tuple[list[float], list[float]]) -> None:
    covering = set(cells_of_polygon(*outline))
    for k in range(len(outline[0])):
        (lat0, lat1), (lng0, lng1) = (values[k - 1 : k + 1] or (values[-1], values[0]) for values in outline)
        for lng, lat in GEOD.npts(lng0, lat0, lng1, lat1, 20):
            assert cell_of(lat, lng) in covering


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("bearing_deg", [20.0, 90.0, 135.0])
def test_a_long_geodesic_is_covered_though_it_bends_off_the_great_circle(place: Place, bearing_deg: float) -> None:
    """By up to 210 m in 1,800 km."""
    lat0, lng0 = place
    lng1, lat1, _ = GEOD.fwd(lng0, lat0, bearing_deg, 1_800e3)
    covering = cells_of_polygon([lat0, lat1], [lng0, lng1])
    on_it = {cell_of(lat, lng) for lng, lat in GEOD.npts(lng0, lat0, lng1, lat1, 4_000)}
    assert on_it <= set(covering)
    assert len(covering) <= 6 * len(on_it)


@given(place=places, by_m=shifts, radius_m=sizes_m)
def test_a_circle_is_covered_and_nothing_farther_off(place: Place, by_m: tuple[float, float], radius_m: float) -> None:
    lat, lng = shifted(place, by_m)
    covering = cells_of_circle(lat, lng, radius_m)
    plane = Plane(in_space([lat], [lng])[0])
    middle = shapely.Point(0.0, 0.0)
    widest = radius_m * 1.01 + MARGIN_M
    assert max(shapely.distance(plane.cell(id), middle) for id in covering) <= widest * (1.0 + (widest / EARTH_M) ** 2)
    turns = np.linspace(0.0, 360.0, 64)
    for share in (0.5, 1.0):
        there = GEOD.fwd(np.full(64, lng), np.full(64, lat), turns, np.full(64, share * radius_m))
        assert {cell_of(*each) for each in zip(there[1], there[0], strict=True)} <= set(covering)


def test_a_circle_is_not_cut_to_a_polygon_within_it() -> None:
    """One of 20 sides, as others take, falls 1.2 % of the radius short: here it misses the cell in the north."""
    edge = s2sphere.Cell(s2sphere.CellId(cell_of(0.0, 10.0)))
    north = max(s2sphere.LatLng.from_point(edge.get_vertex(k)).lat().degrees for k in range(4))
    lat = north - 1_000.0 / 110_574.0
    assert cell_of(north + 1e-4, 10.0) not in cells_of_circle(lat, 10.0, 990.0)
    assert cell_of(north + 1e-4, 10.0) in cells_of_circle(lat, 10.0, 1_002.0)


@pytest.mark.parametrize("place", PLACES)
def test_a_cell_that_is_swallowed_whole_counts(place: Place) -> None:
    ring = [(3e4 * math.cos(turn), 3e4 * math.sin(turn)) for turn in (0.3, 1.8, 3.4, 5.1)]
    lat, lng = at(ring, place).T.tolist()
    covering = cells_of_polygon(lat, lng)
    assert cell_of(*place) in covering
    inside = at(np.random.default_rng(1).uniform(-1e4, 1e4, (300, 2)), place)
    assert {cell_of(*each) for each in inside} <= set(covering)
    area = sum(s2sphere.Cell(s2sphere.CellId(id)).exact_area() for id in covering) * (EARTH_M / 1e3) ** 2
    assert area_km2(lat, lng) <= area <= area_km2(lat, lng) * 1.2
    assert len(set(covering)) == len(covering)


def test_three_faces_of_the_cube() -> None:
    assert {id >> 61 for id in cells_of_circle(*CUBE, 1_000.0)} == {0, 1, 2}
    lat, lng = at([(-900.0, -900.0), (900.0, -900.0), (0.0, 1_000.0)], CUBE).T
    assert {id >> 61 for id in cells_of_polygon(lat, lng)} == {0, 1, 2}


# ── what changes nothing ─────────────────────────────────────────────────────────────────────────────────────────────


@given(outline=outlines(), start=st.integers(0, 8))
def test_neither_winding_nor_start_nor_a_turn_round_the_earth_changes_a_covering(
    outline: tuple[list[float], list[float]], start: int
) -> None:
    lat, lng = outline
    covering = cells_of_polygon(lat, lng)
    assert cells_of_polygon(lat[::-1], lng[::-1]) == covering
    assert cells_of_polygon(lat[start:] + lat[:start], lng[start:] + lng[:start]) == covering
    assert cells_of_polygon(lat, [each + 360.0 for each in lng]) == covering
    assert cells_of_polygon([*lat, lat[0]], [*lng, lng[0]]) == covering


@given(outline=outlines(), place=places, radius_m=sizes_m)
def test_the_kernel_and_its_twin_say_the_same(
    outline: tuple[list[float], list[float]], place: Place, radius_m: float
) -> None:
    assert list(cells_of_polygon(*outline)) == cells_twin.polygon(*outline)
    assert list(cells_of_circle(*place, radius_m)) == cells_twin.circle(*place, radius_m)


# ── thin, tiny, many, far ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("place", PLACES)
def test_what_has_next_to_no_area_is_covered(place: Place) -> None:
    for ring in (
        [(0.0, 0.0)] * 3,
        [(0.0, 0.0), (1e-4, 0.0), (0.0, 1e-4)],
        [(0.0, 0.0), (9e3, 0.0), (18e3, 0.0)],
        [(0.0, 0.0), (0.0, 2e4), (1e-7, 1e4)],
        [(0.0, 0.0), (0.0, 2e4)],
    ):
        lat, lng = at(ring, place).T.tolist()
        covering = cells_of_polygon(lat, lng)
        assert {cell_of(*each) for each in zip(lat, lng, strict=True)} <= set(covering)
        assert len(covering) <= 70
        assert list(covering) == cells_twin.polygon(lat, lng)


def test_ten_thousand_vertices() -> None:
    turns = np.linspace(0.0, 2.0 * np.pi, 10_000, endpoint=False)
    reach = 1e4 * (1.0 + 0.3 * np.sin(40.0 * turns) + 0.05 * np.sin(1e3 * turns))
    lat, lng = at(np.column_stack((reach * np.sin(turns), reach * np.cos(turns))), (-33.0, 179.95)).T.tolist()
    covering = cells_of_polygon(lat, lng)
    assert list(covering) == cells_twin.polygon(lat, lng)
    corners = in_space(lat, lng)
    plane = Plane(corners.mean(axis=0))
    agrees(covering, plane, shapely.Polygon(plane.of(corners)), MARGIN_M * 1.01)


def test_a_crossing_outline_has_inside_what_it_goes_round() -> None:
    bow = [(-6e3, -6e3), (6e3, 6e3), (6e3, -6e3), (-6e3, 6e3)]
    lat, lng = at(bow, (20.0, 30.0)).T
    covering = cells_of_polygon(lat, lng)
    assert cell_of(*at([(5e3, 0.0)], (20.0, 30.0))[0]) in covering
    assert cell_of(*at([(0.0, 4e3)], (20.0, 30.0))[0]) not in covering


@pytest.mark.parametrize("compiled", [True, False])
def test_what_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch, compiled: bool) -> None:
    if not compiled:
        monkeypatch.setattr(kernels, "LIBRARY", None)
    assert 15_000 < len(cells_of_circle(46.0, 7.0, 75_000.0)) <= MAX_CELLS
    to_and_fro = [(600e3 * (k % 2), 0.1 * k) for k in range(2_001)]
    shapes: tuple[Callable[[], object], ...] = (
        lambda: cells_of_circle(46.0, 7.0, 100_000.0),
        lambda: cells_of_circle(46.0, 7.0, 20_000_000.0),
        lambda: cells_of_polygon([0.0, 0.0, 3.0, 3.0], [0.0, 3.0, 3.0, 0.0]),
        lambda: cells_of_polygon([80.0, 80.0, 80.0], [0.0, 120.0, -120.0]),
        lambda: cells_of_polygon([0.0, 0.0, 0.0], [0.0, 120.0, -120.0]),
        lambda: cells_of_polygon([10.0, -10.0], [0.0, 180.0]),
        lambda: cells_of_polygon(*at(to_and_fro, (46.0, 7.0)).T),
    )
    for shape in shapes:
        with pytest.raises(Malformed) as refused:
            shape()
        assert refused.value.code == "too_large"


def test_a_long_thin_one_is_not_too_large() -> None:
    lat, lng = at([(-9e5, 0.0), (9e5, 0.0), (0.0, 10.0)], (46.0, 7.0)).T
    covering = cells_of_polygon(lat, lng)
    assert 1_500 < len(covering) < 5_000
    assert cell_of(46.0, 7.0) in covering


# ── areas ────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_areas_are_those_of_the_smaller_side() -> None:
    square = [0.0, 0.0, 1.0, 1.0], [179.5, -179.5, -179.5, 179.5]
    assert area_km2(*square) == pytest.approx(12_308.8, rel=1e-4)
    assert area_km2(square[0][::-1], square[1][::-1]) == pytest.approx(area_km2(*square), rel=1e-9)
    assert area_km2([89.0] * 4, [0.0, 90.0, 180.0, -90.0]) == pytest.approx(2.0 * 111.69**2, rel=1e-3)
    assert area_km2([1.0, 2.0], [3.0, 4.0]) == 0.0


def test_areas_of_circles() -> None:
    assert circle_area_km2(1_000.0) == pytest.approx(math.pi, rel=1e-6)
    assert circle_area_km2(20_100_000.0) == pytest.approx(510_065_622.0, rel=1e-6)


def test_the_constants_are_one() -> None:
    assert cells_twin.LEVEL == LEVEL
    assert cells.MAX_CELLS == cells_twin.MOST_CELLS

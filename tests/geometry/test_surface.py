"""Places in space and the nodes of ways: the kernel against its twin, and both against PROJ's geodesics."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from pyproj import Geod, Transformer

from keepclear.geometry import kernels, pack, surface
from keepclear.geometry.columns import IntArray, Plans
from keepclear.geometry.earth import FloatArray, points_in_space
from keepclear.geometry.pack import LONGEST_CHORD_M, along, lengths_m, parts_of

pytestmark = pytest.mark.kernels

compiled = pytest.mark.skipif(kernels.LIBRARY is None, reason="no compiled kernels here")
GEOD = Geod(ellps="WGS84")
TO_DEGREES = Transformer.from_pipeline("+proj=pipeline +inv +step +proj=cart +ellps=WGS84")

latitudes = st.sampled_from([0.0, 90.0, -90.0, 89.9999, -89.9, 1e-9, 45.0]) | st.floats(-90, 90)
longitudes = st.sampled_from([0.0, 180.0, -180.0, 179.9999, 90.0, -90.0, 135.0]) | st.floats(-180, 180)
bearings = st.sampled_from([0.0, 90.0, 180.0, 270.0, 45.0]) | st.floats(0, 360)
lengths = st.sampled_from([0.0, 1e-6, 1.0, 19_980.0, 19_999.999, 20_000.001, 39_000.0, 99_990.0, 100_010.0, 3e6, 1.2e7])
lengths |= st.floats(0.0, 200_000.0) | st.floats(0.0, 1.9e7)
heights = st.sampled_from([0.0, 300.0, 300.0, np.nan]) | st.floats(-500, 20_000)


def ways(*paths: Sequence[tuple[float, float, float, float]], band: tuple[float, float] = (-np.inf, np.inf)) -> Plans:
    """Plans of points (t, lat, lon, height)."""
    points = np.array([point for path in paths for point in path]).reshape(-1, 4)
    begin = np.concatenate(([0], np.cumsum([len(path) for path in paths])))
    ids = [str(k) for k in range(len(paths))]
    plans = Plans.of_ways(ids, begin, points[:, 0], points[:, 1], points[:, 2], points[:, 3])
    plans.band_m[:] = band
    return plans


def slowly(plans: Plans) -> tuple[IntArray, FloatArray]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "LIBRARY", None)
        packed = pack.pack(plans)
    return packed.node_from, packed.nodes


def degrees(points: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Latitudes, longitudes and heights, by PROJ."""
    lon, lat, height = TO_DEGREES.transform(points[:, 0], points[:, 1], points[:, 2])
    return np.asarray(lat), np.asarray(lon), np.asarray(height)


def anywhere(random: np.random.Generator, n: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Latitudes, longitudes and bearings; a third about the poles, a third about the equator."""
    lat = np.degrees(np.arcsin(random.uniform(-1.0, 1.0, n)))
    lat[: n // 3] = np.copysign(90.0 - np.minimum(random.exponential(0.2, n // 3), 5.0), lat[: n // 3])
    lat[n // 3 : 2 * n // 3] = random.normal(0.0, 0.3, 2 * n // 3 - n // 3)
    return lat, random.uniform(-180.0, 180.0, n), random.uniform(0.0, 360.0, n)


@pytest.fixture(params=["kernel", "twin"])
def served(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways in which these functions are served."""
    if request.param == "twin":
        monkeypatch.setattr(kernels, "LIBRARY", None)
    elif kernels.LIBRARY is None:
        pytest.skip("no compiled kernels here")
    return str(request.param)


@compiled
@given(st.lists(st.tuples(latitudes, longitudes), max_size=300))
@example([(90.0, 0.0)] * 129)
def test_places_are_those_of_the_twin(points: list[tuple[float, float]]) -> None:
    lat, lon = np.array(points).reshape(-1, 2).T
    assert np.abs(surface.places(lat, lon) - points_in_space(lat, lon)).max(initial=0.0) < 1e-8


@compiled
def test_a_pole_has_no_longitude_and_the_antimeridian_one_side() -> None:
    lon = np.linspace(-180.0, 180.0, 721)
    assert not surface.places(np.full(721, 90.0), lon)[:, :2].any()
    assert not surface.places(np.full(721, -90.0), lon)[:, :2].any()
    lat = np.linspace(-90.0, 90.0, 361)
    assert (surface.places(lat, np.full(361, 180.0)) == surface.places(lat, np.full(361, -180.0))).all()


def test_places_of_columns_that_lie_apart_in_memory(served: str) -> None:
    both = np.array([[35.0, 40.0], [36.0, -41.0], [37.0, 180.0]])
    assert surface.places(both[:, 0], both[:, 1]) == pytest.approx(points_in_space(*both.T), abs=1e-8)
    assert surface.places([], []).shape == (0, 3)
    assert np.isnan(surface.places([np.nan], [0.0])).all()


@given(latitudes, longitudes, bearings, lengths)
def test_a_cut_leg_is_the_geodesic_in_even_parts(lat: float, lon: float, bearing: float, length: float) -> None:
    next_lon, next_lat, _ = GEOD.fwd(lon, lat, bearing, length)
    plans = ways([(0.0, lat, lon, 100.0), (1000.0, next_lat, next_lon, 700.0)])
    node_from, nodes = slowly(plans)
    chord = float(np.linalg.norm(np.diff(points_in_space(plans.lat_deg, plans.lon_deg), axis=0)))
    exact = float(2 * 6_335_439.0 * np.arcsin(min(1.0, chord / 2 / 6_335_439.0))) / LONGEST_CHORD_M
    assume(length < 1000.0 or abs(exact - round(exact)) > 1e-9)  # there rounding decides between two good answers
    packed = pack.pack(plans)
    assert packed.node_from.tolist() == node_from.tolist() == [0, len(packed.nodes)]
    assert (packed.nodes[:, [0, 4, 5]] == nodes[:, [0, 4, 5]]).all()
    assert np.abs(packed.nodes[:, 1:4] - nodes[:, 1:4]).max() < 1e-3
    steps = lengths_m(*_ends(packed.nodes))
    assert steps.max() <= LONGEST_CHORD_M + 1e-6
    assert steps == pytest.approx(np.full(len(steps), length / len(steps)), abs=2e-3)


def _ends(nodes: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    lat, lon, _ = degrees(nodes[:, 1:4])
    return lat[:-1], lon[:-1], lat[1:], lon[1:]


@compiled
@pytest.mark.parametrize("length", [20_001.0, 60_000.0, 99_900.0, 100_100.0, 1e6, 1e7])
def test_the_kernel_cuts_to_a_tenth_of_a_millimetre(length: float) -> None:
    n = 60 if length > 1e6 else 600
    lat, lon, bearing = anywhere(np.random.default_rng(7), n)
    end_lon, end_lat, _ = GEOD.fwd(lon, lat, bearing, np.full(n, length))
    ends = zip(lat, lon, end_lat, end_lon, strict=True)
    plans = ways(*([(0.0, a, b, 0.0), (1.0, c, d, 0.0)] for a, b, c, d in ends))
    node_from, nodes, left = surface.nodes(plans, np.zeros((n, 2)))
    assert not len(left)
    leg = np.repeat(np.arange(n), np.diff(node_from))
    true = points_in_space(*along(lat[leg], lon[leg], end_lat[leg], end_lon[leg], nodes[:, 0]))
    assert np.linalg.norm(nodes[:, 1:4] - true, axis=1).max() < 1e-4


@compiled
def test_only_what_is_nearly_antipodal_is_left_to_proj() -> None:
    ends = [(0.0, 0.0, 0.3, 179.7), (35.0, 40.0, -35.1, -140.3), (0.0, 0.0, 0.0, 180.0)]
    fine = [(0.0, 0.0, 5.0, 178.0), (90.0, 0.0, -89.0, 70.0), (60.0, 0.0, 60.0, 180.0), (0.0, -100.0, 0.0, 70.0)]
    plans = ways(*([(0.0, a, b, 0.0), (1.0, c, d, 0.0)] for a, b, c, d in ends + fine))
    _, _, left = surface.nodes(plans, np.zeros((7, 2)))
    assert left[:, 0].tolist() == [0, 2, 4]
    packed = pack.pack(plans)
    for k, (a, b, c, d) in enumerate(ends + fine):
        nodes = packed.nodes[packed.node_from[k] : packed.node_from[k + 1]]
        steps = lengths_m(*_ends(nodes))
        assert steps.sum() == pytest.approx(GEOD.inv(b, a, d, c)[2], abs=1e-3)
        assert steps == pytest.approx(np.full(len(steps), steps.mean()), abs=1e-3)


path = st.lists(st.tuples(st.floats(30, 36), longitudes.filter(lambda lon: abs(lon) < 179), heights), max_size=6)


@compiled
@given(st.lists(path, max_size=5), st.sampled_from([(-np.inf, np.inf), (100.0, 300.0), (300.0, np.inf)]))
def test_nodes_of_many_ways_are_those_of_the_twin(
    paths: list[list[tuple[float, float, float]]], band: tuple[float, float]
) -> None:
    plans = ways(*([(60.0 * k, *point) for k, point in enumerate(path)] for path in paths), band=band)
    node_from, nodes = slowly(plans)
    packed = pack.pack(plans)
    assert packed.node_from.tolist() == node_from.tolist()
    assert (packed.nodes[:, [0, 4, 5]] == nodes[:, [0, 4, 5]]).all()
    assert np.abs(packed.nodes[:, 1:4] - nodes[:, 1:4]).max(initial=0.0) < 1e-3


def test_where_heights_jump_two_nodes_stand_at_one_moment(served: str) -> None:
    points = [(0.0, 300.0), (1.0, 400.0), (2.0, np.nan), (3.0, np.nan), (4.0, 200.0), (5.0, 250.0)]
    plans = ways([(60.0 * t, 35.0, 40.0 + 0.01 * t, height) for t, height in points], band=(100.0, np.inf))
    top = pack.BOUNDLESS_M
    assert pack.pack(plans).nodes[:, [0, 4, 5]].tolist() == [
        [0.0, 300.0, 300.0],
        [60.0, 400.0, 400.0],
        [60.0, 100.0, top],
        [120.0, 100.0, top],
        [180.0, 100.0, top],
        [240.0, 100.0, top],
        [240.0, 200.0, 200.0],
        [300.0, 250.0, 250.0],
    ]


def test_plans_without_legs_have_no_nodes(served: str) -> None:
    point = (0.0, 35.0, 40.0, 100.0)
    packed = pack.pack(ways([], [point], [point, (60.0, 35.1, 40.0, 100.0)], [point]))
    assert packed.node_from.tolist() == [0, 0, 0, 2, 2]
    assert pack.pack(ways()).nodes.shape == (0, 6)


@given(latitudes, longitudes, bearings, st.floats(1.0, 2.0e7))
def test_a_chord_bounds_the_parts_from_above(lat: float, lon: float, bearing: float, length: float) -> None:
    far_lon, far_lat, _ = GEOD.fwd(lon, lat, bearing, length)
    true = GEOD.inv(lon, lat, far_lon, far_lat)[2]
    chord = np.linalg.norm(np.diff(points_in_space(np.array([lat, far_lat]), np.array([lon, far_lon])), axis=0), axis=1)
    parts = int(parts_of(chord)[0])
    assert true <= parts * LONGEST_CHORD_M + 1e-6
    if true < 6e6:
        assert (parts - 1) * LONGEST_CHORD_M <= true * 1.002


@compiled
@pytest.mark.parametrize(("length", "ground", "above"), [(20_000.0, 0.003, 0.05), (10_000.0, 0.0003, 0.012)])
def test_a_place_on_a_leg_is_that_of_the_geodesic(length: float, ground: float, above: float) -> None:
    n = 4_000
    random = np.random.default_rng(11)
    lat, lon, bearing = anywhere(random, n)
    reach, share = length * np.sqrt(random.uniform(0.5, 1.0, n)), random.uniform(0.0, 1.0, n)
    nodes = np.zeros((2 * n, 6))
    nodes[0::2, 1:4] = surface.places(lat, lon)
    end_lon, end_lat, _ = GEOD.fwd(lon, lat, bearing, reach)
    nodes[1::2, 1:4] = surface.places(end_lat, end_lon)
    here_lat, here_lon, height = degrees(surface.on_legs(nodes, np.arange(0, 2 * n, 2), share))
    true_lon, true_lat, _ = GEOD.fwd(lon, lat, bearing, reach * share)
    assert lengths_m(here_lat, here_lon, np.asarray(true_lat), np.asarray(true_lon)).max() < ground
    assert np.abs(height).max() < above


@compiled
@pytest.mark.parametrize(
    ("reach", "off", "aside", "stretched"),
    [(2e4, 1e-6, 1.2e-4, 1.7e-6), (5e4, 4e-5, 2e-3, 1.1e-5), (1e5, 5e-4, 1.5e-2, 4.2e-5)],
)
def test_the_plane_keeps_what_its_comment_claims(reach: float, off: float, aside: float, stretched: float) -> None:
    random = np.random.default_rng(13)
    for lat, lon, _ in zip(*anywhere(random, 90), strict=True):
        bearing, distance = random.uniform(0.0, 360.0, 60), reach * np.sqrt(random.uniform(0.0, 1.0, 60))
        distance[:20] = reach
        lons, lats, _ = GEOD.fwd(np.full(60, lon), np.full(60, lat), bearing, distance)
        xy = surface.on_plane(surface.places([lat], [lon])[0], surface.places(lats, lons))
        radians = np.radians(bearing)
        true = np.column_stack((distance * np.sin(radians), distance * np.cos(radians)))
        assert np.abs(np.linalg.norm(xy, axis=1) - distance).max() < off
        assert np.linalg.norm(xy - true, axis=1).max() < aside
        apart = lengths_m(lats[:30], lons[:30], lats[30:], lons[30:])
        ratio = np.linalg.norm(xy[:30] - xy[30:], axis=1) / apart
        assert ratio.min() > 1.0 - 2e-8
        assert ratio.max() < 1.0 + stretched

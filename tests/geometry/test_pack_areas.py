"""Areas as the kernels have them: rings with edges cut, a ball about each, a point well within each."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.errors import Malformed
from keepclear.geometry import areas, kernels
from keepclear.geometry.areas_twin import degrees_of
from keepclear.geometry.columns import Plans
from keepclear.geometry.earth import FloatArray, points_in_space
from keepclear.geometry.pack import Packed, pack
from keepclear.geometry.pack_areas import LONGEST_EDGE_M, _cut_rings, _plain_rings
from tests.geometry.drawn import DESERT, GEOD, PLACES, Place, along, at, of_rings, plans_of, rough_ring, true_depths

pytestmark = pytest.mark.kernels


def both_ways(plans: Plans) -> list[Packed]:
    """By the kernels, and by the twin."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernels, "LIBRARY", None)
        slow = pack(plans)
    return [pack(plans), slow]


@given(
    st.sampled_from([*PLACES, (-90.0, 0.0), (0.0, -180.0)]),
    st.integers(0, 2**32 - 1),
    st.sampled_from([30.0, 4_000.0, 120_000.0, 950_000.0]),
    st.integers(3, 30),
    st.booleans(),
)
def test_balls_and_inner_points(place: Place, seed: int, size: float, corners: int, holed: bool) -> None:
    random = np.random.default_rng(seed)
    rings = [at(rough_ring(random, size, corners), place)]
    if holed:
        rings.append(at(rough_ring(random, 0.2 * size, 5), place))
    plans = of_rings([rings])
    fast, slow = both_ways(plans)
    assert np.abs(fast.vertices - slow.vertices).max() < 1e-6
    assert fast.areas[0, :5] == pytest.approx(slow.areas[0, :5], abs=1e-5)
    shares = random.uniform(0.0, 1.0, 20)
    for packed in (fast, slow):
        area = packed.areas[0]
        assert area[4] == 0.0
        for ring in rings:
            for start, end in zip(ring, np.roll(ring, -1, axis=0), strict=True):
                on_edge = points_in_space(*along(start, end, shares).T)
                assert np.linalg.norm(on_edge - area[:3], axis=1).max() <= area[3]
        assert np.linalg.norm(packed.vertices - area[:3], axis=1).max() == pytest.approx(area[3], abs=0.2)
        surface = np.array([area[:3], area[5:]])
        assert np.abs(points_in_space(*degrees_of(surface)) - surface).max() < 1e-3
        (depth,) = true_depths(rings, np.column_stack(degrees_of(area[None, 5:])))
        assert depth < -1e-4 * size


@pytest.mark.parametrize("place", [*PLACES, (90.0, 0.0)])
def test_edges_are_cut_along_the_geodesic(place: Place) -> None:
    ring = at([(0.0, 0.0), (95_000.0, 0.0), (95_000.0, 9_000.0), (9_000.0, 700_000.0)], place)
    for packed in both_ways(of_rings([[ring]])):
        lat, lon = degrees_of(packed.vertices)
        n = len(lat)
        length = np.asarray(GEOD.inv(lon, lat, np.roll(lon, -1), np.roll(lat, -1))[2])
        assert length.max() <= LONGEST_EDGE_M
        edges = np.asarray(GEOD.inv(ring[:, 1], ring[:, 0], np.roll(ring[:, 1], -1), np.roll(ring[:, 0], -1))[2])
        assert n == np.ceil(edges / LONGEST_EDGE_M).sum()
        assert length.sum() == pytest.approx(edges.sum(), abs=0.01)  # no detour: they lie on the edges
        corners = points_in_space(*ring.T)
        assert np.linalg.norm(packed.vertices[:, None] - corners, axis=2).min(axis=0).max() < 1e-6


def test_a_vertex_said_again_at_the_end_is_dropped() -> None:
    square = [(0.0, 179.99), (0.0, -179.99), (0.02, -179.99), (0.02, 179.99)]
    at_180 = [(0.0, 180.0), (0.0, -179.98), (0.02, 179.99)]
    for packed in both_ways(of_rings([[square], [[*square, square[0]]], [[*at_180, (0.0, -180.0)]]])):
        assert packed.vertex_from.tolist() == [0, 4, 8, 11]
        assert packed.areas[0] == pytest.approx(packed.areas[1])


def test_circles_among_polygons() -> None:
    outline: list[FloatArray] = [rough_ring(np.random.default_rng(1), 3_000.0, 6)]
    for packed in both_ways(plans_of(500.0, outline, 20.0, outline, 7.0)):
        assert packed.areas[[0, 2, 4], 4].tolist() == [500.0, 20.0, 7.0]
        assert (packed.areas[[0, 2, 4], 3] > packed.areas[[0, 2, 4], 4]).all()
        assert packed.ring_from.tolist() == [0, 0, 1, 1, 2, 2]
        assert packed.areas[1] == pytest.approx(packed.areas[3])
        middle = points_in_space(*np.array([DESERT]).T)[0]
        assert np.abs(packed.areas[0, :3] - middle).max() < 1e-6
    for packed in both_ways(plans_of()):
        assert packed.areas.shape == (0, 8)
        assert packed.vertices.shape == (0, 3)


def test_many_at_once_are_as_one_by_one() -> None:
    random = np.random.default_rng(3)
    rings = [
        [at(rough_ring(random, 3_000.0, int(random.integers(4, 11))), place)] for place in (*PLACES, (0.0, 0.0)) * 5
    ]
    whole = pack(of_rings(rings))
    for j, area in enumerate(rings):
        assert whole.areas[j].tolist() == pack(of_rings([area])).areas[0].tolist()
        assert areas.depths_m(whole, j, whole.areas[j : j + 1, 5:])[0] < -50.0


@pytest.mark.skipif(kernels.LIBRARY is None, reason="no compiled kernels here")
@pytest.mark.parametrize(
    ("size", "closed", "plain"), [(3_000.0, False, True), (3_000.0, True, True), (40_000.0, False, False)]
)
@pytest.mark.parametrize("place", [*PLACES, (-90.0, 0.0)])
def test_rings_without_long_edges_are_the_same_in_one_pass(
    place: Place, size: float, closed: bool, plain: bool
) -> None:
    rings = [at(rough_ring(np.random.default_rng(k), size, corners), place) for k, corners in enumerate((5, 9, 200))]
    rings[2] = rings[2][: 6 if not plain else None]  # two edges of the last one are longer than a leg of an area
    plans = of_rings([[np.vstack((ring, ring[:1])) if closed else ring] for ring in rings])
    quick, slow = _plain_rings(plans), _cut_rings(plans)
    assert (quick is not None) is plain
    if quick:
        assert quick[0].tolist() == slow[0].tolist() == [0, 5, 14, 214]
        assert quick[1].tolist() == slow[1].tolist()


def test_a_thin_outline_has_a_point_within() -> None:
    # A band a metre wide bent like a hook; the middle of its box is far outside.
    hook = [(0, 0), (9_000, 0), (9_000, 9_000), (8_999, 9_000), (8_999, 1), (0, 1)]
    for packed in both_ways(plans_of([hook])):
        assert areas.depths_m(packed, 0, packed.areas[:, 5:])[0] == pytest.approx(-0.5, abs=0.2)


def test_the_point_within_is_deep_where_the_middle_is_narrow() -> None:
    bone = [
        (-4e3, -9e3),
        (4e3, -9e3),
        (4e3, -2e3),
        (5, -1e3),
        (5, 1e3),
        (4e3, 2e3),
        (4e3, 9e3),
        (-4e3, 9e3),
        (-4e3, 2e3),
    ]
    packed = pack(plans_of([[*bone, (-5, 1e3), (-5, -1e3), (-4e3, -2e3)]]))
    if kernels.LIBRARY is not None:  # the twin takes any point within
        assert areas.depths_m(packed, 0, packed.areas[:, 5:])[0] < -2_000.0


@pytest.mark.parametrize(
    ("ring", "code"),
    [([], "outline_vertices"), ([(0.0, 0.0), (0.0, 120.0), (0.0, -120.0)], "too_wide")],
)
def test_what_cannot_be_packed_is_refused(ring: list[tuple[float, float]], code: str) -> None:
    good = [(0.0, 0.0), (0.0, 0.1), (0.1, 0.0)]
    with pytest.raises(Malformed) as refusal:
        pack(of_rings([[good], [good, ring]]))
    assert (refusal.value.code, refusal.value.field) == (code, "plans[plan1].volumes[0].rings")

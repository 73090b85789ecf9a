"""Views of Remote ID: what a large one shows hides where flights are, and loses none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.formats.f3411.search import View
from keepclear.geometry.earth import distance_m
from keepclear.utm.display import MIN_SIDE_M, check_view, clusters, inside, volume_of
from keepclear.utm.index import extent_of
from keepclear.utm.ruling import TooLarge

HOME = View(34.55, 69.2, 34.58, 69.23)


def test_a_view_is_no_larger_than_the_standard_has_it() -> None:
    assert check_view(HOME) == pytest.approx(4_321, abs=10)
    assert check_view(View(34.5, 69.2, 34.5631, 69.2)) == pytest.approx(7_000, abs=10)
    with pytest.raises(TooLarge) as caught:
        check_view(View(34.5, 69.2, 34.5632, 69.2))
    assert caught.value.field == "view"


def test_a_point_on_the_edge_is_in_a_view_and_one_beside_it_is_not() -> None:
    assert inside(HOME, 34.55, 69.23)
    assert not inside(HOME, 34.5499, 69.2)
    assert not inside(HOME, 34.56, 69.2301)


@pytest.mark.parametrize("view", [HOME, View(0, 0, 0, 0), View(90, 10, 90, 10), View(-90, 180, -89.99, 180)])
def test_every_view_has_cells_to_search(view: View) -> None:
    assert extent_of((volume_of(view),)).cells


@given(
    south=st.floats(-80, 79),
    west=st.floats(-179, 178),
    height=st.floats(0, 0.03),
    width=st.floats(0, 0.03),
    parts=st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), max_size=12),
)
def test_clusters_hold_every_flight_and_are_wide_and_large_enough(
    south: float, west: float, height: float, width: float, parts: list[tuple[float, float]]
) -> None:
    view = View(south, west, south + height, west + width)
    points = [
        (min(view.north_deg, south + part * height), min(view.east_deg, west + other * width)) for part, other in parts
    ]
    found = clusters(view, points)
    assert sum(each.flights for each in found) == len(points)
    assert len(found) <= 4
    for each in found:
        box = each.box
        middle = (box.south_deg + box.north_deg) / 2
        sides = (
            distance_m(box.south_deg, box.west_deg, box.north_deg, box.west_deg),
            distance_m(middle, box.west_deg, middle, box.east_deg),
        )
        assert min(sides) >= MIN_SIDE_M * 0.999
        assert each.area_m2 == pytest.approx(sides[0] * sides[1])
        assert (box.north_deg - box.south_deg) * (box.east_deg - box.west_deg) >= 0.15 * height * width
    for lat, lng in points:
        assert any(
            each.box.south_deg - 1e-9 <= lat <= each.box.north_deg + 1e-9
            and each.box.west_deg - 1e-9 <= lng <= each.box.east_deg + 1e-9
            for each in found
        )


def test_where_a_flight_is_in_its_cluster_changes_nothing() -> None:
    one = clusters(HOME, [(34.551, 69.201), (34.552, 69.214)])
    assert one == clusters(HOME, [(34.564, 69.202), (34.5501, 69.2001)])
    assert [each.flights for each in one] == [2]
    assert clusters(HOME, []) == []

"""A read-back is right only if grid, time and altitude are: B4."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.geometry.grids import MgrsDigits, to_gars, to_mgrs
from keepclear.line.read_back import differences, same_place
from keepclear.model.times import Window
from keepclear.model.volumes import AltitudeBand
from tests.line.cast import at, movement, read_back, window

ACT = "ab" * 32


def test_what_was_said_is_right_when_repeated() -> None:
    assert differences(movement(), read_back(ACT)) == ()


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"grid": "37SDU908553"}, "grid"),
        ({"grid": "37SDU9045"}, ""),
        ({"grid": "37S DU 908 453"}, ""),
        ({"grid": "37SDU"}, "grid"),
        ({"grid": "37ZZZ908453"}, "grid"),
        ({"grid": "438LK25"}, "grid"),
        ({"window": window(61, 240)}, "window.starts_at"),
        ({"window": window(60, 239)}, "window.ends_at"),
        ({"window": Window(starts_at=at(60) + timedelta(seconds=30), ends_at=at(240))}, ""),
        ({"band": AltitudeBand(lower_wgs84_m=1.0, upper_wgs84_m=9000.0)}, "band.lower_wgs84_m"),
        ({"band": AltitudeBand(lower_wgs84_m=0.0, upper_wgs84_m=9001.0)}, "band.upper_wgs84_m"),
        ({"band": AltitudeBand(lower_wgs84_m=0.0, upper_wgs84_m=9000.4)}, ""),
        ({"band": AltitudeBand(lower_wgs84_m=0.0, upper_wgs84_m=2743.2)}, "band.upper_wgs84_m"),
    ],
)
def test_each_part_is_compared(changes: dict[str, Any], field: str) -> None:
    """An empty field: this is no difference. The last is the classic one, 9,000 feet read as metres."""
    found = differences(movement(), read_back(ACT, **changes))
    assert [each.field for each in found] == ([field] if field else [])


def test_nine_kilometres_are_found() -> None:
    """The distance between the place given and the place struck on 17 September 2016."""
    plan = movement()
    assert plan.trajectory is not None
    start = plan.trajectory.waypoints[0]
    wrong = to_mgrs(start.lat_deg + 0.081, start.lon_deg)
    assert [d.field for d in differences(plan, read_back(ACT, grid=wrong))] == ["grid"]


def test_all_differences_are_shown_with_both_sides() -> None:
    found = differences(movement(), read_back(ACT, grid="37SDU9999", window=window(61, 241)))
    assert [each.field for each in found] == ["grid", "window.starts_at", "window.ends_at"]
    assert (found[1].expected, found[1].said) == ("2017-09-08T06:00Z", "2017-09-08T06:01Z")


PLACES = st.tuples(st.floats(-79, 83), st.floats(-179.9, 179.9))


@given(PLACES, st.sampled_from([2, 3, 4, 5]), st.sampled_from([2, 3, 4, 5]))
def test_any_two_precisions_down_to_a_kilometre_agree(
    place: tuple[float, float], one: MgrsDigits, other: MgrsDigits
) -> None:
    assert same_place(to_mgrs(*place, one), to_mgrs(*place, other))


@given(PLACES, st.sampled_from([0, 1]))
def test_coarser_than_a_kilometre_reads_back_no_finer_grid(place: tuple[float, float], digits: MgrsDigits) -> None:
    coarse = to_mgrs(*place, digits)
    assert not same_place(to_mgrs(*place, 3), coarse)
    assert same_place(coarse, coarse)
    assert not same_place(coarse, to_mgrs(*place, 3))


@given(PLACES)
def test_a_gars_cell_is_repeated_whole_and_never_stands_for_a_square(place: tuple[float, float]) -> None:
    cell = to_gars(*place)
    assert same_place(cell, cell.lower())
    assert not same_place(cell, cell[:-1])
    assert not same_place(cell, to_mgrs(*place))
    assert not same_place(to_mgrs(*place), cell)


def test_a_grid_read_back_with_figures_swapped_or_unreadable_is_wrong() -> None:
    assert same_place("37SDU882603", "37 s du 882 603")
    assert not same_place("37SDU882603", "37SDU882604")
    assert not same_place("37SDU882603", "37SDU603882"), "easting and northing swapped"
    assert not same_place("say again", "say again")

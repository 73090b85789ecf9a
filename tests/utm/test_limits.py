"""What is too large, too long, too far ahead or no outline at all is refused, and the part at fault named."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from msgspec.structs import replace

from keepclear.errors import Malformed, Refused
from keepclear.model.utm import UtmCircle, UtmPoint, UtmVolume
from keepclear.phrases import LANGUAGES, say
from keepclear.utm.index import extent_of
from keepclear.utm.limits import AREA, CONSTRAINT, INTENT, QUERY, SUBSCRIPTION, Limits, Names, check_volumes
from keepclear.utm.ruling import TooLarge

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
SECOND, HOUR, DAY = timedelta(seconds=1), timedelta(hours=1), timedelta(days=1)
SQUARE = [(46.0, 7.0), (46.0, 7.01), (46.01, 7.01), (46.01, 7.0)]
EVERY = (INTENT, CONSTRAINT, SUBSCRIPTION, AREA, QUERY)
CLAIMS = (INTENT, CONSTRAINT, SUBSCRIPTION, AREA)
VERTICES = "volume.outline_polygon.vertices"


def volume(
    corners: Sequence[tuple[float, float]] = SQUARE,
    *,
    starts: timedelta | None = HOUR,
    ends: timedelta | None = 2 * HOUR,
    lower_m: float | None = 50.0,
    upper_m: float | None = 120.0,
) -> UtmVolume:
    return UtmVolume(
        polygon=tuple(UtmPoint(lat_deg=lat, lng_deg=lng) for lat, lng in corners),
        lower_m=lower_m,
        upper_m=upper_m,
        starts_at=None if starts is None else NOW + starts,
        ends_at=None if ends is None else NOW + ends,
    )


def circle(radius_m: float) -> UtmVolume:
    middle = UtmPoint(lat_deg=46.0, lng_deg=7.0)
    return replace(volume(), polygon=(), circle=UtmCircle(centre=middle, radius_m=radius_m))


def square_of(km2: float) -> list[tuple[float, float]]:
    """About the equator, where it has nearly this area."""
    side = km2**0.5 / 110.57
    return [(0.0, 0.0), (0.0, side), (side, side), (side, 0.0)]


def ring_of(count: int) -> list[tuple[float, float]]:
    turns = np.linspace(0.0, 2.0 * np.pi, count, endpoint=False)
    return [(46.0 + 0.01 * float(np.sin(turn)), 7.0 + 0.01 * float(np.cos(turn))) for turn in turns]


def refused(limits: Limits, *volumes: UtmVolume, field: str = "extents") -> Refused:
    with pytest.raises(Refused) as found:
        check_volumes(volumes, NOW, limits, field)
    return found.value


def said(refusal: Refused) -> tuple[str, str]:
    for lang in LANGUAGES:
        assert say(lang, f"errors.{refusal.code}", **refusal.values)
    return refusal.field, refusal.code


def at(limits: Limits) -> str:
    return "extents[0]" if limits.listed else "extents"


# ── what is in order ─────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("limits", EVERY)
def test_what_keeps_to_the_limits_comes_back_as_its_extent(limits: Limits) -> None:
    assert check_volumes([volume()], NOW, limits) == extent_of([volume()])
    assert check_volumes([circle(300.0)], NOW, limits) == extent_of([circle(300.0)])


def test_an_intent_may_have_volumes_that_are_over_and_others_that_lie_far_ahead() -> None:
    over = volume(starts=-3 * HOUR, ends=-2 * HOUR)
    far = volume(starts=40 * DAY, ends=900 * DAY)
    assert check_volumes([over, volume(), far], NOW, INTENT).ends_s == (NOW + 900 * DAY).timestamp()


def test_what_looks_odd_and_is_an_outline() -> None:
    """Others refuse polygons as small as a drone, or with a vertex on a side."""
    tiny = [(46.0, 7.0), (46.0, 7.000001), (46.000001, 7.0)]
    on_a_side = [(46.0, 7.0), (46.0, 7.005), (46.0, 7.01), (46.01, 7.005)]
    for corners in (tiny, on_a_side, SQUARE[::-1]):
        check_volumes([volume(corners)], NOW, INTENT)


def test_a_query_may_be_about_the_past_and_about_one_moment_and_height() -> None:
    check_volumes([volume(starts=-9 * DAY, ends=-8 * DAY)], NOW, QUERY)
    check_volumes([volume(starts=HOUR, ends=HOUR, lower_m=5.0, upper_m=5.0)], NOW, QUERY)
    check_volumes([volume(starts=None, ends=None, lower_m=None, upper_m=None)], NOW, QUERY)


# ── heights and times ────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("limits", [INTENT, CONSTRAINT])
def test_times_that_must_be_given(limits: Limits) -> None:
    assert said(refused(limits, volume(), volume(starts=None))) == ("extents[1].time_start", "missing_field")
    assert said(refused(limits, volume(ends=None))) == ("extents[0].time_end", "missing_field")


def test_heights_that_must_be_given() -> None:
    assert said(refused(INTENT, volume(lower_m=None))) == ("extents[0].volume.altitude_lower", "missing_field")
    assert said(refused(INTENT, volume(upper_m=None))) == ("extents[0].volume.altitude_upper", "missing_field")
    check_volumes([volume(lower_m=None, upper_m=None)], NOW, CONSTRAINT)


@pytest.mark.parametrize("limits", EVERY)
def test_no_volume_at_all(limits: Limits) -> None:
    assert said(refused(limits)) == ("extents", "missing_field")


@pytest.mark.parametrize("limits", EVERY)
def test_the_end_comes_after_the_start_and_the_top_above_the_bottom(limits: Limits) -> None:
    backwards = volume(starts=2 * HOUR, ends=HOUR)
    assert said(refused(limits, backwards)) == (f"{at(limits)}.time_end", "times_order")
    upside_down = volume(lower_m=120.0, upper_m=119.0)
    assert said(refused(limits, upside_down)) == (f"{at(limits)}.volume.altitude_upper", "utm_heights")


@pytest.mark.parametrize("limits", CLAIMS)
def test_what_is_claimed_lasts_and_has_a_height(limits: Limits) -> None:
    assert said(refused(limits, volume(starts=HOUR, ends=HOUR)))[1] == "times_order"
    assert said(refused(limits, volume(lower_m=5.0, upper_m=5.0)))[1] == "utm_heights"


@pytest.mark.parametrize("limits", CLAIMS)
def test_what_is_over_is_refused(limits: Limits) -> None:
    over = volume(starts=-2 * HOUR, ends=-SECOND)
    assert said(refused(limits, over)) == (f"{at(limits)}.time_end", "in_the_past")
    check_volumes([volume(starts=-2 * HOUR, ends=SECOND)], NOW, limits)


@pytest.mark.parametrize(("limits", "days"), [(INTENT, 30), (CONSTRAINT, 56)])
def test_how_far_ahead_it_may_begin(limits: Limits, days: int) -> None:
    check_volumes([volume(starts=days * DAY, ends=99 * DAY)], NOW, limits)
    late = refused(limits, volume(starts=days * DAY + SECOND, ends=99 * DAY))
    assert said(late) == ("extents[0].time_start", "utm_too_far_ahead")
    assert late.values == {"days": days}


def test_a_subscription_lasts_a_day() -> None:
    check_volumes([volume(starts=HOUR, ends=25 * HOUR)], NOW, SUBSCRIPTION)
    assert said(refused(SUBSCRIPTION, volume(starts=HOUR, ends=25 * HOUR + SECOND))) == (
        "extents.time_end",
        "utm_too_long",
    )
    check_volumes([volume(starts=HOUR, ends=None)], NOW, SUBSCRIPTION)


# ── outlines ─────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("limits", EVERY)
def test_outlines_that_are_none(limits: Limits) -> None:
    vertices = f"{at(limits)}.{VERTICES}"
    closed = volume([*SQUARE, SQUARE[0]])
    assert said(refused(limits, closed)) == (f"{vertices}[4]", "utm_vertex_twice")
    spot = volume([SQUARE[0]] * 3)
    assert said(refused(limits, spot)) == (f"{vertices}[1]", "utm_vertex_twice")
    crossing = volume([SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3]])
    assert said(refused(limits, crossing)) == (vertices, "polygon_crossing")
    line = volume([(0.0, 7.0), (0.0, 7.01), (0.0, 7.02)])
    assert said(refused(limits, line)) == (vertices, "polygon_no_area")
    assert said(refused(limits, volume(SQUARE[:2]))) == (vertices, "utm_vertices")


@pytest.mark.parametrize(("limits", "most"), [(INTENT, 10_000), (CONSTRAINT, 1_000), (SUBSCRIPTION, 10_000)])
def test_how_many_vertices_there_may_be_in_all(limits: Limits, most: int) -> None:
    if not limits.listed:
        check_volumes([volume(ring_of(most))], NOW, limits)
        return
    half = volume(ring_of(most // 2))
    check_volumes([half, volume(ring_of(most // 2))], NOW, limits)
    many = refused(limits, half, half, circle(100.0))
    assert said(many) == ("extents", "utm_vertices_most")
    assert many.values == {"count": most + 1, "most": most}


@pytest.mark.parametrize("limits", [INTENT, SUBSCRIPTION, AREA])
def test_how_large_an_outline_may_be(limits: Limits) -> None:
    check_volumes([volume(square_of(2_450.0))], NOW, limits)
    large = refused(limits, volume(square_of(2_550.0)))
    assert said(large) == (f"{at(limits)}.{VERTICES}", "utm_area")
    assert isinstance(large, Malformed)
    assert large.values["most_km2"] == 2_500


def test_how_large_a_constraint_may_be_in_all() -> None:
    check_volumes([volume(square_of(4_900.0))] * 2, NOW, CONSTRAINT)
    assert said(refused(CONSTRAINT, *[volume(square_of(5_100.0))] * 2)) == ("extents", "utm_area")
    assert said(refused(CONSTRAINT, volume(square_of(10_200.0)))) == (f"extents[0].{VERTICES}", "utm_area")


@pytest.mark.parametrize("limits", EVERY)
def test_how_large_a_circle_may_be(limits: Limits) -> None:
    check_volumes([circle(56_000.0)], NOW, limits)
    large = refused(limits, circle(57_000.0))
    assert said(large)[0] == f"{at(limits)}.volume.outline_circle"
    assert isinstance(large, TooLarge) is limits.looks


def test_too_large_a_query_is_told_from_a_malformed_one() -> None:
    check_volumes([volume(square_of(650.0))], NOW, QUERY, "area_of_interest")
    for corners in (square_of(2_550.0), square_of(9e6)):
        large = refused(QUERY, volume(corners), field="area_of_interest")
        assert said(large) == (f"area_of_interest.{VERTICES}", "utm_too_large")
        assert isinstance(large, TooLarge)
    crossing = [SQUARE[0], SQUARE[2], SQUARE[1], SQUARE[3]]
    assert isinstance(refused(QUERY, volume(crossing)), Malformed)


def test_more_cells_than_can_be_covered_are_too_large_whatever_the_area() -> None:
    """A comb of thin teeth over 250 x 250 km."""
    teeth = [
        corner
        for k in range(200)
        for corner in ((0.01, 0.012 * k), (2.3, 0.012 * k + 1e-5), (0.01, 0.012 * k + 2e-5), (0.0101, 0.012 * k + 0.01))
    ]
    comb = volume([(0.0, 0.0), *teeth, (0.0, 2.5)])
    assert said(refused(INTENT, comb)) == ("extents", "too_large")
    assert isinstance(refused(QUERY, comb), TooLarge)


def test_the_parts_are_named_as_another_standard_names_them() -> None:
    older = Names(vertices="spatial_volume.footprint.vertices", upper="spatial_volume.altitude_hi")
    for wrong, field in (
        (volume(SQUARE[:2]), "extents.spatial_volume.footprint.vertices"),
        (volume(upper_m=0.0), "extents.spatial_volume.altitude_hi"),
    ):
        with pytest.raises(Malformed) as found:
            check_volumes([wrong], NOW, AREA, names=older)
        assert found.value.field == field

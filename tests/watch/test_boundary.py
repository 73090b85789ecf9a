"""Boundary watch: two versions of a border, and a convoy that keeps off it, nears it, crosses it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.geometry.earth import distance_m
from keepclear.model.base import Name
from keepclear.model.boundaries import Boundary
from keepclear.watch import boundary as boundary_file
from keepclear.watch.boundary import BoundaryWatch, is_out_of_reach, watch_boundary
from keepclear.watch.history import History
from tests.watch.reports import (
    DATELINE,
    DESERT,
    MADE_UP,
    PLACES,
    Spot,
    act,
    history,
    latlon,
    minutes,
    moment,
    spot,
    track,
)


def border(
    points: Sequence[tuple[float, float]] = ((-300_000, 0), (300_000, 0)),
    *,
    place: tuple[float, float] = DESERT,
    uncertainty_m: float = 100.0,
    approach_m: float = 20_000.0,
) -> Boundary:
    return Boundary(
        id="border",
        name=Name(en="Border", ar="الحدود"),
        vertices=tuple(latlon(place, east, north) for east, north in points),
        uncertainty_m=uncertainty_m,
        approach_m=approach_m,
    )


SHORT = ((-30_000.0, 0.0), (0.0, 0.0), (30_000.0, 0.0))


def watch(
    spots: Sequence[Spot], boundary: Boundary | None = None, until: float = 1e5, uncertainty_m: float = 10.0
) -> BoundaryWatch:
    bus = history("bus", spots, uncertainty_m=uncertainty_m)
    return watch_boundary([bus], boundary or border(), moment(until))


@pytest.mark.parametrize("place", PLACES)
def test_never_nearer_than_computed(place: tuple[float, float]) -> None:
    bus = history("bus", [(0, -5_000, -30_000), (20, 5_000, -30_000), (40, 5_000, -30_000)], place=place)
    found = watch_boundary([bus], border(SHORT, place=place), moment(60))
    assert found.nearest_m == pytest.approx(30_000, abs=5)
    # 10 m of the reports, 100 m of the line, and what twenty minutes for 10 km allow
    assert found.nearest_low_m == pytest.approx(30_000 - 110 - 3_317, abs=10)
    assert not found.approaching
    assert found.reach_s is None
    assert found.crossed_at is None
    assert not found.crossed_certain
    assert found.acts == (act(1),)


def test_the_nearest_moment_lies_between_reports() -> None:
    corner = border([(-40_000, 20_000), (0, 0), (40_000, 20_000)])
    found = watch([(0, -10_000, -1_000), (20, 10_000, -1_000)], corner)
    assert minutes(found.nearest_at) == pytest.approx(10, abs=0.01)
    assert found.nearest_m == pytest.approx(1_000, abs=0.5)
    assert found.nearest_asset == "bus"


def test_each_party_has_its_own_version() -> None:
    spots = [(0.0, 0.0, -30_000.0), (20.0, 0.0, -22_000.0)]
    assert not watch(spots).approaching
    assert watch(spots, border(((-300_000, -5_000), (300_000, -5_000)))).approaching


def test_approaching_since_the_first_report_in_a_row() -> None:
    spots = [(0.0, 0.0, -15_000.0), (10.0, 0.0, -25_000.0), (20.0, 0.0, -19_000.0), (30.0, 0.0, -16_000.0)]
    found = watch(spots)
    assert found.approaching
    assert minutes(found.approaching_since) == 20
    away = watch([*spots, (40.0, 0.0, -21_000.0)])
    assert not away.approaching
    assert away.approaching_since is None
    assert watch([(0, 0, -21_000)], uncertainty_m=1_000.0).approaching


def test_time_to_reach_is_arithmetic_on_the_last_two_reports() -> None:
    found = watch([(0, 0, -40_000), (10, 0, -20_000), (20, 0, -14_000)])
    assert found.reach_s == pytest.approx(14_000 / 10, rel=1e-3)
    assert watch([(0, 0, -14_000), (10, 0, -14_000)]).reach_s is None
    assert watch([(0, 0, -14_000), (10, 0, -20_000)]).reach_s is None
    assert watch([(0, 0, -14_000)]).reach_s is None
    assert watch([(0, 0, -20_000), (10, 0, -19_985)]).reach_s is None  # within the uncertainties
    assert watch([(0, 0, -20_000), (181, 0, -14_000)]).reach_s is None  # too long ago


@pytest.mark.parametrize("place", PLACES)
def test_crossing(place: tuple[float, float]) -> None:
    spots = [(0.0, 1_000.0, -6_000.0), (10.0, 1_000.0, -2_000.0), (20.0, 1_000.0, 6_000.0), (30.0, 1_000.0, 9_000.0)]
    found = watch_boundary([history("bus", spots, place=place)], border(SHORT, place=place), moment(60))
    assert minutes(found.crossed_at) == pytest.approx(12.5, abs=0.01)
    assert found.crossed_certain
    assert found.crossed_asset == "bus"
    assert found.nearest_m == 0.0
    assert found.nearest_low_m == 0.0


def test_a_crossing_within_the_uncertainty_is_not_certain() -> None:
    found = watch([(0, 0, -6_000), (10, 0, 90)])
    assert found.crossed_at is not None
    assert not found.crossed_certain
    assert watch([(0, 0, -6_000), (10, 0, 90), (20, 0, 111)]).crossed_certain
    assert not watch([(0, 0, -105), (10, 0, 6_000)]).crossed_certain


def test_to_and_fro_on_the_line_and_then_over_it_is_certain() -> None:
    found = watch([(0, 0, -6_000), (10, 0, 50), (20, 0, -50), (30, 0, 6_000)])
    assert found.crossed_certain
    assert minutes(found.crossed_at) == pytest.approx(10 * 6_000 / 6_050, abs=0.01)


def test_a_certain_crossing_goes_before_an_earlier_doubtful_one() -> None:
    found = watch([(0, 0, -6_000), (10, 0, 50), (20, 0, -6_000), (30, 0, 6_000)])
    assert found.crossed_certain
    assert minutes(found.crossed_at) == pytest.approx(25, abs=0.01)


def test_there_and_back_within_the_uncertainty_is_not_certain() -> None:
    found = watch([(0, 0, -6_000), (10, 0, 50), (20, 0, -6_000)])
    assert found.crossed_at is not None
    assert not found.crossed_certain


def test_past_the_end_of_a_line_nobody_crosses_it() -> None:
    found = watch([(0, 31_000, -6_000), (10, 31_000, 6_000)], border(SHORT))
    assert found.crossed_at is None
    assert found.nearest_m == pytest.approx(1_000, abs=1)


def test_a_gap_says_nothing() -> None:
    spots = [(0.0, 0.0, -6_000.0), (200.0, 0.0, 6_000.0)]
    found = watch(spots)
    assert found.crossed_at is None
    assert found.nearest_m == pytest.approx(6_000, abs=1)
    assert found.nearest_low_m == pytest.approx(6_000 - 110, abs=1)


def test_a_gap_parts_the_reports_that_make_a_crossing_certain() -> None:
    found = watch([(0, 0, -6_000), (200, 0, -50), (210, 0, 6_000)])
    assert found.crossed_at is not None
    assert not found.crossed_certain


def test_reports_after_until_are_not_known_yet_and_before_since_no_more() -> None:
    spots = [(t, 0.0, -30_000.0 + 1_000 * t) for t in range(0, 61, 10)]
    assert watch(spots, until=25).nearest_m == pytest.approx(10_000, abs=1)
    assert watch(spots, until=25).crossed_at is None
    later = watch_boundary([history("bus", spots)], border(), moment(60), since=moment(45))
    assert later.crossed_at is None
    assert later.nearest_m == pytest.approx(10_000, abs=1)


def test_the_nearest_of_several_vehicles() -> None:
    near, far = history("near", [(0, 0, -9_000)], said=1), history("far", [(0, 0, -12_000)], said=2)
    found = watch_boundary([far, near], border(), moment(1))
    assert found.nearest_asset == "near"
    assert found.acts == (act(1),)


def test_without_reports_nothing_is_known() -> None:
    found = watch_boundary([History("bus", history("bus", [(0, 0, 0)]).kind)], border(), moment(1))
    assert (found.nearest_m, found.nearest_low_m, found.nearest_at, found.reach_s, found.acts) == (None,) * 4 + ((),)
    assert not found.approaching


def test_made_up_positions_are_labelled() -> None:
    bus = history("bus", [(0, 0, -30_000)])
    assert not watch_boundary([bus], border(), moment(60)).synthetic
    bus.add(track("bus", [(10, 0, -20_000)], basis=MADE_UP), act(2))
    assert watch_boundary([bus], border(), moment(60)).synthetic


# ── the slow twin ────────────────────────────────────────────────────────────────────────────────────────────────────

ways = st.lists(
    st.tuples(st.integers(1, 60), st.integers(-20_000, 20_000), st.integers(-20_000, 20_000)), min_size=1, max_size=5
)


@given(ways, st.sampled_from([DESERT, DATELINE]), st.integers(-8_000, 8_000))
def test_agrees_with_dense_sampling(steps: list[tuple[int, int, int]], place: tuple[float, float], bend: int) -> None:
    """The line is a chain of points 50 m apart, and the way one of positions a minute apart, with all their sides."""
    at = 0
    spots: list[Spot] = []
    for step, east, north in steps:
        at += step
        spots.append((float(at), float(east), float(north)))
    bus = history("bus", spots, place=place)
    corners = [(-25_000.0, 0.0), (0.0, float(bend)), (25_000.0, 0.0)]
    found = watch_boundary([bus], border(corners, place=place), moment(1e5), max_gap_s=3_600.0)
    chain = [
        spot(place, a[0] + (b[0] - a[0]) * k / 100, a[1] + (b[1] - a[1]) * k / 100)
        for a, b in pairwise(corners)
        for k in range(101)
    ]
    samples = [t for t in [spots[0][0] + 2 * k for k in range(160)] if t <= spots[-1][0]]
    samples += [t for t, _, _ in spots]
    least = min(
        distance_m(place_at.lat_deg, place_at.lon_deg, *point)
        for t in samples
        if (place_at := bus.estimate(moment(t), 3_600.0)) is not None
        for point in chain[::4]
    )
    assert found.nearest_m is not None
    assert found.nearest_low_m is not None
    assert found.nearest_low_m <= found.nearest_m <= least + 1.0
    fastest = max(
        (math.dist(a[1:], b[1:]) / (b[0] - a[0]) for a, b in pairwise(spots)),
        default=0.0,
    )
    assert found.nearest_m >= least - fastest - 600.0  # half of two minutes and of a kilometre, and a margin
    sides = [north - bend * (1.0 - abs(east) / 25_000.0) for _, east, north in spots]
    if min(sides) < -50.0 and max(sides) > 50.0:
        assert found.crossed_at is not None
    if found.crossed_at is not None:
        assert found.nearest_m < 0.01


@given(ways, st.booleans())
def test_the_same_way_mirrored_across_the_antimeridian_ends_the_same(
    steps: list[tuple[int, int, int]], mirrored: bool
) -> None:
    flip = -1.0 if mirrored else 1.0
    at = 0
    spots: list[Spot] = []
    for step, east, north in steps:
        at += step
        spots.append((float(at), float(east), float(north)))
    corners = [(-25_000.0, -3_000.0), (2_000.0, 1_000.0), (25_000.0, 0.0)]

    def found(place: tuple[float, float], sign: float) -> BoundaryWatch:
        line = border([(sign * x, y) for x, y in corners], place=place)
        return watch_boundary([history("bus", [(t, sign * x, y) for t, x, y in spots], place=place)], line, moment(1e5))

    here, there = found((-18.0, 40.0), 1.0), found(DATELINE, flip)
    assert there.nearest_m == pytest.approx(here.nearest_m, abs=1.0)
    assert there.nearest_low_m == pytest.approx(here.nearest_low_m, abs=1.0)
    assert (there.crossed_at is None, there.approaching) == (here.crossed_at is None, here.approaching)


def test_the_quick_look_lets_through_what_matters() -> None:
    def out(spots: Sequence[Spot], since: float | None = None) -> bool:
        bus = history("bus", spots, uncertainty_m=10.0)
        return is_out_of_reach([bus], border(), moment(1e5), since=None if since is None else moment(since))

    assert out([])
    assert out([(0, 0, -40_000), (20, 0, -30_000)])
    assert not out([(0, 0, -40_000), (20, 0, -20_050)]), "approaching"
    assert not out([(0, 0, -40_000), (20, 0, 40_000)]), "across, both reports far away"
    assert not out([(0, 0, -40_000), (20, 0, 40_000), (40, 0, 50_000)], since=19.9), "the leg that was going on"
    assert out([(0, 0, -40_000), (20, 0, 40_000), (40, 0, 50_000)], since=20)


@given(ways, st.sampled_from([DESERT, DATELINE]), st.integers(0, 400), st.sampled_from([100.0, 2_000.0]))
def test_whom_the_quick_look_passes_over_the_long_look_finds_away(
    steps: list[tuple[int, int, int]], place: tuple[float, float], since: int, approach_m: float
) -> None:
    at = 0
    spots: list[Spot] = []
    for step, east, north in steps:
        at += step
        spots.append((float(at), float(east), float(north)))
    bus = history("bus", spots, place=place)
    line = border([(-25_000.0, 0.0), (0.0, 4_000.0), (25_000.0, 0.0)], place=place, approach_m=approach_m)
    if is_out_of_reach([bus], line, moment(1e5), since=moment(since)):
        found = watch_boundary([bus], line, moment(1e5), max_gap_s=1e6, since=moment(since))
        assert not found.approaching
        assert found.crossed_at is None


def test_a_path_to_and_fro_over_a_line_is_not_gone_through_without_end(monkeypatch: pytest.MonkeyPatch) -> None:
    line = border()
    bus = history("bus", [(t, 100.0 * t, 3_000.0 * (t % 2) - 1_400.0) for t in range(20)])
    whole = watch_boundary([bus], line, moment(1e5))
    monkeypatch.setattr("keepclear.watch.boundary.MOST_LEGS", 3)
    some = watch_boundary([bus], line, moment(1e5))
    assert whole.nearest_m is not None
    assert some.nearest_m is not None
    assert whole.nearest_m == some.nearest_m == 0.0
    assert some.nearest_low_m == whole.nearest_low_m == 0.0
    assert some.crossed_at is not None
    monkeypatch.setattr("keepclear.watch.boundary.MOST_LEGS", 0)
    none = watch_boundary([bus], line, moment(1e5))
    assert none.crossed_at is None
    assert none.nearest_m is not None
    assert none.nearest_m >= whole.nearest_m
    assert none.nearest_low_m == 0.0


def test_of_whom_no_ball_comes_near_the_line_nothing_is_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    measured: list[int] = []
    from_line_m = boundary_file._from_line_m
    monkeypatch.setattr(
        boundary_file,
        "_from_line_m",
        lambda lat, lon, line: measured.append(len(lat)) or from_line_m(lat, lon, line),  # type: ignore[func-returns-value]
    )
    far = history("bus", [(0, 0, -60_000), (20, 0, -50_000)])
    assert is_out_of_reach([far], border(), moment(1e5))
    assert measured == []
    near = history("bus", [(0, 0, -40_000), (20, 0, -20_050)])
    assert not is_out_of_reach([far, near], border(), moment(1e5))
    assert measured

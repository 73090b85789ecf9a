"""What may be said between two reports, and that nothing is said beyond them."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.geometry.earth import distance_m
from keepclear.model.groups import AssetKind
from keepclear.watch.history import HASTE, History, stray_m
from tests.watch.reports import DATELINE, MADE_UP, PLACES, START, act, history, minutes, moment, spot, track


def test_at_a_report_it_is_the_report() -> None:
    bus = history("bus", [(0, 0, 0), (10, 6_000, 0)], said=7)
    place = bus.estimate(moment(10), 3_600)
    assert place is not None
    assert (place.lat_deg, place.lon_deg) == spot((35.1, 40.4), 6_000, 0)
    assert (place.uncertainty_m, place.acts, place.synthetic) == (10.0, (act(7),), False)


@pytest.mark.parametrize("place", PLACES)
def test_between_two_reports_it_is_on_the_even_way(place: tuple[float, float]) -> None:
    bus = history("bus", [(0, -3_000, 1_000), (10, 3_000, 1_000)], place=place, heights=[100.0, 200.0])
    here = bus.estimate(moment(5), 3_600)
    assert here is not None
    assert distance_m(here.lat_deg, here.lon_deg, *spot(place, 0, 1_000)) < 1.0
    assert here.alt_wgs84_m == pytest.approx(150.0)
    assert here.uncertainty_m == pytest.approx(10.0 + 3_000 * math.sqrt(HASTE**2 - 1), rel=1e-6)


@pytest.mark.parametrize("at", [-0.01, 10.01, 600.0])
def test_nothing_is_said_beyond_the_reports(at: float) -> None:
    assert history("bus", [(0, 0, 0), (10, 6_000, 0)]).estimate(moment(at), 1e9) is None


def test_nothing_is_said_within_a_gap_that_is_too_long() -> None:
    bus = history("bus", [(0, 0, 0), (10, 6_000, 0)])
    assert bus.estimate(moment(5), 599.0) is None
    assert bus.estimate(moment(5), 600.0) is not None
    assert bus.estimate(moment(10), 0.0) is not None


def test_a_height_is_unknown_if_either_report_has_none() -> None:
    here = history("bus", [(0, 0, 0), (10, 0, 0)], heights=[100.0, None]).estimate(moment(5), 600.0)
    assert here is not None
    assert here.alt_wgs84_m is None


def test_what_rests_on_a_made_up_report_says_so() -> None:
    bus = history("bus", [(0, 0, 0), (20, 0, 0)])
    bus.add(track("bus", [(10, 0, 0)], basis=MADE_UP), act(2))
    for at, synthetic in ((0, False), (5, True), (10, True), (15, True), (20, False)):
        here = bus.estimate(moment(at), 3_600)
        assert here is not None
        assert here.synthetic is synthetic


def test_of_one_moment_fact_goes_before_what_was_made_up_and_then_the_smaller_uncertainty() -> None:
    bus = history("bus", [(0, 0, 0)], uncertainty_m=500.0, said=3)
    bus.add(track("bus", [(0, 9_000, 0)], uncertainty_m=1.0, basis=MADE_UP), act(1))
    last = bus.last()
    assert last is not None
    assert last.act == act(3)
    bus.add(track("bus", [(0, 100, 0)], uncertainty_m=50.0), act(2))
    last = bus.last()
    assert last is not None
    assert (last.act, len(bus)) == (act(2), 1)


@given(st.permutations(range(6)), st.data())
def test_the_order_of_arrival_makes_no_difference(order: list[int], data: st.DataObject) -> None:
    tracks = [
        track("bus", [(float(t), float(k), 0.0)], uncertainty_m=float(u))
        for k in range(6)
        for t, u in [data.draw(st.tuples(st.integers(0, 3), st.integers(0, 1)))]
    ]
    one, other = History("bus", AssetKind.BUS), History("bus", AssetKind.BUS)
    for k, each in enumerate(tracks):
        one.add(each, act(k))
    for k in [*order, *order]:
        other.add(tracks[k], act(k))
    assert one.between() == other.between()


def test_a_track_of_another_asset_is_refused() -> None:
    bus = history("bus", [(0, 0, 0)])
    with pytest.raises(ValueError, match="asset"):
        bus.add(track("truck", [(1, 0, 0)]), act(2))
    assert len(bus) == 1


def test_looking_up() -> None:
    bus = history("bus", [(t, 0, 0) for t in (0, 10, 20, 30)])

    def times(reports: object) -> list[float | None]:
        assert isinstance(reports, tuple)
        return [minutes(report.fix.at) for report in reports]

    assert times(bus.between(moment(10), moment(20))) == [10, 20]
    assert times(bus.since(moment(15))) == [10, 20, 30]
    assert times(bus.since(moment(20), moment(29))) == [20]
    assert times(bus.since(None)) == [0, 10, 20, 30]
    assert [minutes(report.fix.at) for report in bus.backwards(moment(25))] == [20, 10, 0]
    assert bus.last(moment(-1)) is None
    for found, at in ((bus.last(moment(25)), 20), (bus.last(), 30), (bus.following(moment(10)), 20)):
        assert found is not None
        assert minutes(found.fix.at) == at
    assert bus.following(moment(30)) is None
    assert bus.last(START) == bus.between()[0]


@given(st.floats(0.0, 1.0), st.floats(0.0, math.tau), st.floats(0.0, 1.0))
def test_nobody_strays_farther_at_that_speed(share: float, angle: float, reach: float) -> None:
    """Any place that both ends can reach in time lies within the allowance of the even way."""
    length = 1_000.0
    x = HASTE * share * length * reach * math.cos(angle)
    y = HASTE * share * length * reach * math.sin(angle)
    if math.hypot(length - x, y) <= HASTE * (1 - share) * length:
        assert math.hypot(x - share * length, y) <= stray_m(length, share) + 1e-6


def test_the_allowance_is_just_reached_in_the_middle() -> None:
    aside = stray_m(1_000.0, 0.5)
    assert math.hypot(500.0, aside) == pytest.approx(HASTE * 500.0)
    assert (stray_m(0.0, 0.5), stray_m(1_000.0, 0.0), stray_m(1_000.0, 1.0)) == (0.0, 0.0, 0.0)


def test_across_the_antimeridian() -> None:
    bus = history("bus", [(0, -5_000, 0), (10, 5_000, 0)], place=DATELINE)
    here = bus.estimate(moment(5), 600.0)
    assert here is not None
    assert abs(here.lon_deg) == pytest.approx(180.0, abs=1e-6)

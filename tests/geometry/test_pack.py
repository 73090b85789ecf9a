"""Values become arrays: moments, legs, gaps, cuts."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.geometry.earth import distance_m
from keepclear.geometry.pack import (
    LONGEST_LEG_M,
    Legs,
    fix_legs,
    line_points,
    moment,
    pairs_in_time,
    seconds,
    trajectory_legs,
)
from keepclear.model.base import EARLIEST, LATEST, utc
from keepclear.model.places import LatLon
from keepclear.model.plans import Trajectory, Waypoint
from keepclear.model.tracks import Fix
from keepclear.model.volumes import AltitudeBand

START = datetime(2017, 9, 8, 7, tzinfo=UTC)
BAND = AltitudeBand(lower_wgs84_m=100.0, upper_wgs84_m=900.0)


def fix(minutes: float, lon: float = 40.0, height: float | None = None, lat: float = 35.0) -> Fix:
    return Fix(at=START + timedelta(minutes=minutes), lat_deg=lat, lon_deg=lon, uncertainty_m=5.0, alt_wgs84_m=height)


def spans(legs: Legs) -> list[tuple[float, float]]:
    zero = seconds(START)
    return [((a - zero) / 60, (b - zero) / 60) for a, b in zip(legs.t0_s.tolist(), legs.t1_s.tolist(), strict=True)]


@given(st.datetimes(datetime(1970, 1, 1), datetime(2099, 12, 31), timezones=st.just(UTC)))  # noqa: DTZ001
def test_a_moment_comes_back_to_the_microsecond(at: datetime) -> None:
    assert moment(seconds(at)) == at


@pytest.mark.parametrize("t_s", [-1e9, 4.2e9])
def test_a_moment_outside_1970_to_2100_is_the_first_or_the_last(t_s: float) -> None:
    at = moment(t_s)
    utc(at, "at")
    assert at in (EARLIEST, LATEST - timedelta(microseconds=1))


def test_what_nothing_can_have_flown_is_a_gap() -> None:
    # 91 km apart; a minute is enough for 1,500 m/s, fifty seconds are not.
    assert len(fix_legs([fix(0), fix(1, 40.98)], 600.0)) == 9
    assert fix_legs([fix(0), fix(5 / 6, 40.98)], 600.0).lengths_m().tolist() == [0.0, 0.0]
    vague = [
        Fix(at=each.at, lat_deg=each.lat_deg, lon_deg=each.lon_deg, uncertainty_m=20_000.0)
        for each in (fix(0), fix(5 / 6, 40.98))
    ]
    assert len(fix_legs(vague, 600.0)) == 9


def test_reports_half_a_thousand_kilometres_apart_are_not_joined() -> None:
    assert len(fix_legs([fix(0), fix(60, 45.4)], 3_600.0)) == 50
    assert spans(fix_legs([fix(0), fix(60, 45.5)], 3_600.0)) == [(0, 0), (60, 60)]


def test_reports_too_far_apart_are_not_joined() -> None:
    legs = fix_legs([fix(0), fix(10), fix(20), fix(31), fix(50), fix(60)], 600.0)
    assert spans(legs) == [(0, 10), (10, 20), (31, 31), (50, 60)]
    assert legs.source.tolist() == [0, 1, 3, 4]


@pytest.mark.parametrize(
    ("fixes", "expected"), [([], []), ([fix(3)], [(3, 3)]), ([fix(0), fix(11)], [(0, 0), (11, 11)])]
)
def test_none_one_or_two_alone(fixes: list[Fix], expected: list[tuple[float, float]]) -> None:
    assert spans(fix_legs(fixes, 600.0)) == expected


def test_a_height_unknown_at_one_end_is_unknown_on_the_leg() -> None:
    legs = fix_legs([fix(0, height=100.0), fix(5, height=200.0), fix(10)], 600.0)
    assert legs.lower0_m.tolist()[0] == legs.upper0_m.tolist()[0] == 100.0
    assert np.isnan([legs.lower0_m[1], legs.lower1_m[1], legs.upper0_m[1], legs.upper1_m[1]]).all()


def test_an_unknown_height_of_a_plan_fills_its_band() -> None:
    way = Trajectory(
        waypoints=tuple(
            Waypoint(at=START + timedelta(minutes=t), lat_deg=35.0, lon_deg=40.0, alt_wgs84_m=height)
            for t, height in ((0, 300.0), (1, 400.0), (2, None))
        ),
        buffer_m=0.0,
    )
    legs = trajectory_legs(way, BAND)
    assert [legs.lower0_m.tolist(), legs.lower1_m.tolist()] == [[300.0, 100.0], [400.0, 100.0]]
    assert [legs.upper0_m.tolist(), legs.upper1_m.tolist()] == [[300.0, 900.0], [400.0, 900.0]]


@pytest.mark.parametrize("lon", [40.0, 179.5, -179.0])
def test_long_legs_are_cut_evenly_and_meet(lon: float) -> None:
    legs = fix_legs([fix(0, lon, 0.0), fix(10, lon + 1.0 if lon < 179 else -179.5, 1_000.0)], 600.0)
    lengths = legs.lengths_m()
    assert len(legs) == np.ceil(lengths.sum() / LONGEST_LEG_M)
    assert lengths.max() <= LONGEST_LEG_M
    assert lengths == pytest.approx(np.full(len(legs), lengths.mean()), abs=1e-3)
    for k in range(len(legs) - 1):
        ends = (legs.lat1_deg[k], legs.lon1_deg[k], legs.lat0_deg[k + 1], legs.lon0_deg[k + 1])
        assert distance_m(*(float(x) for x in ends)) < 1e-6
        assert legs.t1_s[k] == pytest.approx(legs.t0_s[k + 1])
        assert legs.lower1_m[k] == pytest.approx(legs.lower0_m[k + 1])
    assert set(legs.source.tolist()) == {0}


def test_where_a_mover_is_on_a_leg() -> None:
    legs = fix_legs([fix(0, 179.99, lat=0.0), fix(10, -179.99, lat=0.0)], 600.0)
    lat, lon = legs.at([0, 0, 0], seconds(START) + np.array([0.0, 300.0, 600.0]))
    assert lat == pytest.approx([0.0, 0.0, 0.0], abs=1e-9)
    assert np.abs(lon) == pytest.approx([179.99, 180.0, 179.99])
    lone = fix_legs([fix(3)], 600.0)
    assert lone.at(0, seconds(START) + 180.0)[1] == pytest.approx([40.0])


def test_a_line_keeps_its_vertices_and_gets_more() -> None:
    lat, lon = line_points(
        [LatLon(lat_deg=35.0, lon_deg=40.0), LatLon(lat_deg=35.0, lon_deg=40.5), LatLon(lat_deg=35.3, lon_deg=40.5)]
    )
    points = list(zip(lat.round(9).tolist(), lon.round(9).tolist(), strict=True))
    for vertex in ((35.0, 40.0), (35.0, 40.5), (35.3, 40.5)):
        assert vertex in points
    assert len(points) == 1 + 5 + 4


times = st.lists(st.tuples(st.integers(0, 40), st.integers(0, 5)), min_size=1, max_size=8)


def timed(steps: list[tuple[int, int]]) -> Legs:
    """Legs one after the other, with pauses between them."""
    at, ends = 0, []
    for pause, lasts in steps:
        ends.append((at + pause, at + pause + lasts))
        at += pause + lasts
    first, last = (np.array([float(end[k]) for end in ends]) for k in (0, 1))
    z = np.zeros(len(ends))
    return Legs(first, last, z, z, z, z, z, z, z, z, source=np.arange(len(ends)))


@given(times, times, st.sampled_from([0.0, 3.0]), st.sampled_from([0.0, 7.0]))
def test_pairs_in_time_agree_with_looking_at_all(
    one: list[tuple[int, int]], other: list[tuple[int, int]], behind: float, ahead: float
) -> None:
    a, b = timed(one), timed(other)
    expected = [
        (i, j)
        for i in range(len(a))
        for j in range(len(b))
        if b.t1_s[j] >= a.t0_s[i] - behind and b.t0_s[j] <= a.t1_s[i] + ahead
    ]
    i, j = pairs_in_time(a, b, behind, ahead)
    assert list(zip(i.tolist(), j.tolist(), strict=True)) == expected

"""From when to when a mover is within reach of an area, against looking at every moment."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.geometry.earth import FloatArray, LocalPlane, destination, distance_m
from keepclear.geometry.pack import fix_legs
from keepclear.geometry.passage import Outline, holds, joined, meeting, passages, within
from keepclear.geometry.shapes import Interval
from keepclear.model.places import LatLon
from keepclear.model.times import Window
from keepclear.model.tracks import Fix
from keepclear.model.volumes import AltitudeBand, Area, Circle, Polygon

PLACES = [(35.1, 40.4), (-18.0, 180.0), (89.99, 10.0)]
NOTCHED = ((-4.0, -4.0), (4.0, -4.0), (4.0, 4.0), (0.0, -2.0), (-4.0, 4.0))
"""A square with a deep notch from the north, in kilometres."""


def area(points: tuple[tuple[float, float], ...], place: tuple[float, float] = PLACES[0], east: float = 0.0) -> Polygon:
    spots = [
        destination(*place, math.degrees(math.atan2(x + east, y)), 1_000 * math.hypot(x + east, y)) for x, y in points
    ]
    return Polygon(vertices=tuple(LatLon(lat_deg=lat, lon_deg=lon) for lat, lon in spots))


def disc(east: float, radius: float, place: tuple[float, float] = PLACES[0]) -> Circle:
    lat, lon = destination(*place, 90.0, 1_000 * east)
    return Circle(centre=LatLon(lat_deg=lat, lon_deg=lon), radius_m=1_000 * radius)


coordinates = st.tuples(st.integers(-8_000, 8_000), st.integers(-8_000, 8_000)).map(lambda p: np.array(p, dtype=float))


def covered(spans: list[Interval], t: float, slack: float) -> bool:
    return any(begin - slack <= t <= end + slack for begin, end in spans)


@given(coordinates, coordinates, st.sampled_from([-500.0, -1.0, 0.0, 300.0, 2_000.0]), st.booleans())
def test_times_within_agree_with_sampling(
    start: FloatArray,
    end: FloatArray,
    reach: float,
    round_: bool,
) -> None:
    outline = Outline.of(disc(0, 4) if round_ else area(NOTCHED))
    spans = outline.times_within(start, end, 0.0, 100.0, reach)
    assert spans == sorted(spans)
    for k in range(101):
        t = float(k)
        lat, lon = outline.plane.to_latlon([start + (end - start) * t / 100.0])
        depth = float(outline.depths_m(lat, lon)[0])
        if depth < reach - 0.01:
            assert covered(spans, t, 1e-6)
        if depth > reach + 0.01:
            assert not covered(spans, t, -1e-6)


@pytest.mark.parametrize("place", PLACES)
def test_depths(place: tuple[float, float]) -> None:
    ring = Outline.of(area(NOTCHED, place))
    round_ = Outline.of(disc(0, 4, place))
    for bearing, away, expected in ((180.0, 3_000.0, -1_000.0), (180.0, 5_000.0, 1_000.0), (90.0, 9_000.0, 5_000.0)):
        lat, lon = destination(*place, bearing, away)
        assert ring.depths_m([lat], [lon])[0] == pytest.approx(expected, abs=0.1)
        assert round_.depths_m([lat], [lon])[0] == pytest.approx(away - 4_000.0, abs=1e-3)
    notch = destination(*place, 0.0, 2_000.0)
    assert ring.depths_m([notch[0]], [notch[1]])[0] > 500.0


@given(coordinates, coordinates, st.booleans())
def test_the_nearest_place_agrees_with_sampling(
    start: FloatArray,
    end: FloatArray,
    round_: bool,
) -> None:
    outline = Outline.of(disc(0, 4) if round_ else area(NOTCHED))
    distance, share = outline.nearest(start, end)
    points = [start + (end - start) * k / 200 for k in range(201)]
    depths = outline.depths_m(*outline.plane.to_latlon(points))
    step = float(np.hypot(*(end - start))) / 200
    assert max(0.0, float(depths.min())) - step - 0.1 <= distance <= max(0.0, float(depths.min())) + 0.1
    here = outline.depths_m(*outline.plane.to_latlon([start + (end - start) * share]))
    assert max(0.0, float(here[0])) == pytest.approx(distance, abs=0.01)


SQUARE = ((-4.0, -4.0), (4.0, -4.0), (4.0, 4.0), (-4.0, 4.0))


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize(
    ("one", "other", "apart"),
    [
        (area(SQUARE), "square 10 east", 2_000.0),
        (area(SQUARE), "disc 10 east", 3_000.0),
        (disc(0, 4), "disc 10 east", 3_000.0),
        (disc(0, 4), "square 10 east", 2_000.0),
        (disc(0, 8), "square 10 east", 0.0),
        (area(SQUARE), "square 7 east", 0.0),
    ],
)
def test_how_far_apart(place: tuple[float, float], one: Area, other: str, apart: float) -> None:
    here: Area = area(SQUARE, place) if isinstance(one, Polygon) else disc(0, one.radius_m / 1_000, place)
    kind, east, _ = other.split()
    there: Area = area(SQUARE, place, float(east)) if kind == "square" else disc(float(east), 3, place)
    for a, b in ((here, there), (there, here)):
        distance, lat, lon = meeting(a, b)
        assert distance == pytest.approx(apart, abs=3.0)
        for each in (a, b):
            assert Outline.of(each).depths_m([lat], [lon])[0] <= apart + 5.0
        assert within(a, b, apart + 5.0)
        if apart > 0.0:
            assert not within(a, b, apart - 5.0)
            assert not within(a, b, -0.001)
        else:
            assert within(a, b, -0.001)


def test_a_touch_is_no_overlap() -> None:
    one, other = area(SQUARE), area(SQUARE, east=8.0)
    assert within(one, other, 0.01)
    assert not within(one, other, -0.01)
    assert within(area(SQUARE, east=7.999), one, -0.01)


def test_one_area_in_the_notch_of_another_is_apart() -> None:
    small = area(((-0.2, 2.0), (0.2, 2.0), (0.2, 2.4), (-0.2, 2.4)))
    assert meeting(area(NOTCHED), small)[0] > 500.0
    assert not holds(area(NOTCHED), small)
    assert holds(area(SQUARE), small)
    assert meeting(area(SQUARE), small)[0] == 0.0


def test_two_circles_meet_halfway() -> None:
    distance, lat, lon = meeting(disc(0, 1), disc(10, 3))
    assert distance == pytest.approx(6_000.0)
    assert distance_m(lat, lon, *PLACES[0]) == pytest.approx(4_000.0)
    inside = meeting(disc(0, 20), disc(10, 3))
    assert inside[0] == 0.0
    assert distance_m(inside[1], inside[2], disc(10, 3).centre.lat_deg, disc(10, 3).centre.lon_deg) <= 3_000.0


def test_intervals_are_joined() -> None:
    assert joined([(3.0, 4.0), (0.0, 1.0), (1.0, 2.0), (3.5, 3.7)]) == [(0.0, 2.0), (3.0, 4.0)]
    assert joined([]) == []


def test_a_circle_lies_on_the_plane_about_its_centre() -> None:
    outline = Outline.of(disc(5, 2))
    assert isinstance(outline.plane, LocalPlane)
    assert outline.ring is None
    assert outline.times_within(np.array([-9.0, 0.0]), np.array([9.0, 0.0]), 0.0, 1.0, -3_000.0) == []


# ── on the other side of the earth ───────────────────────────────────────────────────────────────────────────────────


def below(place: tuple[float, float]) -> tuple[float, float]:
    return -place[0], place[1] - 180.0 if place[1] > 0.0 else place[1] + 180.0


@pytest.mark.parametrize("place", PLACES)
@pytest.mark.parametrize("round_", [(False, False), (False, True), (True, False), (True, True)])
def test_areas_on_opposite_sides_of_the_earth_are_far_apart(
    place: tuple[float, float], round_: tuple[bool, bool]
) -> None:
    one, other = (
        disc(0, 50, spot) if is_round else area(((-50, -50), (50, -50), (50, 50), (-50, 50)), spot)
        for is_round, spot in zip(round_, (place, below(place)), strict=True)
    )
    for reach in (0.0, 1_000_000.0, -1.0):
        assert not within(one, other, reach)
        assert not within(other, one, reach)
    assert meeting(one, other)[0] > 15_000_000.0


@pytest.mark.parametrize("round_", [True, False])
def test_a_mover_on_the_other_side_of_the_earth_is_not_within(round_: bool) -> None:
    square = area(((-4, -4), (4, -4), (4, 4), (-4, 4)))
    lat, lon = below(PLACES[0])
    start = datetime(2017, 9, 8, 7, tzinfo=UTC)
    ends = ((-0.02, 0), (0.02, 60))  # across the antipode itself, where a plane has no directions
    fixes = [
        Fix(at=start + timedelta(seconds=t), lat_deg=lat + up, lon_deg=lon + up, uncertainty_m=0.0) for up, t in ends
    ]
    outline = Outline.of(disc(0, 4) if round_ else square)
    band, window = AltitudeBand(lower_wgs84_m=0.0, upper_wgs84_m=9e3), Window(starts_at=start, ends_at=fixes[-1].at)
    assert passages(fix_legs(fixes, 60.0), outline, band, window, reach_m=1_000.0, vertical_m=0.0) == []

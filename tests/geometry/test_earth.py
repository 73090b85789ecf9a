"""Distances, bearings and planes: against Vincenty's formula, another projection, and the same earth turned round."""

from __future__ import annotations

import math

import numpy as np
import pyproj
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from keepclear.errors import Malformed
from keepclear.geometry.earth import (
    LocalPlane,
    Planes,
    at_most_m,
    bearing_deg,
    destination,
    distance_m,
    distances_m,
    full_circle,
    plane_about,
    points_in_space,
    stretch,
)

latitudes = st.floats(-90.0, 90.0)
longitudes = st.floats(-180.0, 180.0)
places = st.tuples(latitudes, longitudes)


def vincenty_m(lat1: float, lon1: float, lat2: float, lon2: float) -> float:
    """The slow twin: Vincenty's inverse formula (1975), written out; good where it converges."""
    a, f = 6378137.0, 1 / 298.257223563
    b = a * (1 - f)
    u1, u2 = (math.atan((1 - f) * math.tan(math.radians(lat))) for lat in (lat1, lat2))
    turn = lam = math.radians(lon2 - lon1)
    for _ in range(1000):
        sin_sigma = math.hypot(
            math.cos(u2) * math.sin(lam),
            math.cos(u1) * math.sin(u2) - math.sin(u1) * math.cos(u2) * math.cos(lam),
        )
        if sin_sigma == 0.0:
            return 0.0
        cos_sigma = math.sin(u1) * math.sin(u2) + math.cos(u1) * math.cos(u2) * math.cos(lam)
        sigma = math.atan2(sin_sigma, cos_sigma)
        sin_alpha = math.cos(u1) * math.cos(u2) * math.sin(lam) / sin_sigma
        cos2_alpha = 1 - sin_alpha**2
        cos_2m = cos_sigma - 2 * math.sin(u1) * math.sin(u2) / cos2_alpha if cos2_alpha > 1e-15 else 0.0
        c = f / 16 * cos2_alpha * (4 + f * (4 - 3 * cos2_alpha))
        before = lam
        lam = turn + (1 - c) * f * sin_alpha * (sigma + c * sin_sigma * (cos_2m + c * cos_sigma * (2 * cos_2m**2 - 1)))
        if abs(lam - before) < 1e-13:
            break
    u_sq = cos2_alpha * (a**2 - b**2) / b**2
    big_a = 1 + u_sq / 16384 * (4096 + u_sq * (-768 + u_sq * (320 - 175 * u_sq)))
    big_b = u_sq / 1024 * (256 + u_sq * (-128 + u_sq * (74 - 47 * u_sq)))
    correction = (
        big_b
        * sin_sigma
        * (
            cos_2m
            + big_b
            / 4
            * (cos_sigma * (2 * cos_2m**2 - 1) - big_b / 6 * cos_2m * (4 * sin_sigma**2 - 3) * (4 * cos_2m**2 - 3))
        )
    )
    return b * big_a * (sigma - correction)


@given(latitudes, st.floats(-89.0, 89.0), longitudes, st.floats(-120.0, 120.0))
def test_distance_agrees_with_vincenty(lat1: float, lat2: float, lon1: float, turn: float) -> None:
    # Vincenty does not converge near the antipode, so pairs stay within 120 degrees of longitude.
    assert distance_m(lat1, lon1, lat2, lon1 + turn) == pytest.approx(
        vincenty_m(lat1, lon1, lat2, lon1 + turn), abs=0.002
    )


def test_known_lengths() -> None:
    # One degree along the equator is a circle of radius a; pole to equator is the quarter meridian of WGS 84.
    assert distance_m(0.0, 0.0, 0.0, 1.0) == pytest.approx(6378137.0 * math.pi / 180, abs=1e-6)
    assert distance_m(90.0, 17.0, 0.0, 122.0) == pytest.approx(10_001_965.729, abs=1e-3)
    assert distance_m(-90.0, 0.0, -90.0, 111.0) == pytest.approx(0.0, abs=1e-6)
    assert distance_m(10.0, 180.0, 10.0, -180.0) == pytest.approx(0.0, abs=1e-6)


def test_known_bearings() -> None:
    assert bearing_deg(0.0, 10.0, 5.0, 10.0) == 0.0
    assert bearing_deg(0.0, 10.0, 0.0, 11.0) == pytest.approx(90.0)
    assert bearing_deg(5.0, 10.0, 0.0, 10.0) == pytest.approx(180.0)
    assert bearing_deg(0.0, 179.5, 0.0, -179.5) == pytest.approx(90.0), "the short way is over the antimeridian"
    assert bearing_deg(0.0, -179.5, 0.0, 179.5) == pytest.approx(270.0)
    assert bearing_deg(34.0, 38.0, 34.0, 38.0) == 0.0


def test_full_circle_never_says_360() -> None:
    assert full_circle(-1e-17) == 0.0
    assert full_circle(-90.0) == 270.0
    assert full_circle(360.0) == 0.0


@given(places, st.floats(0.0, 359.99), st.floats(1.0, 15_000_000.0))
def test_going_there_and_measuring_back(place: tuple[float, float], bearing: float, length: float) -> None:
    lat, lon = destination(*place, bearing, length)
    assert -180.0 <= lon <= 180.0
    assert distance_m(*place, lat, lon) == pytest.approx(length, abs=1e-3)
    if abs(place[0]) < 89.9 and length < 10_000_000.0:
        apart = abs(bearing_deg(*place, lat, lon) - bearing)
        assert min(apart, 360.0 - apart) < 1e-4


@given(places, places, st.floats(-180.0, 180.0))
def test_the_earth_turned_round_gives_the_same_answers(
    one: tuple[float, float], other: tuple[float, float], turn: float
) -> None:
    before = distance_m(*one, *other)
    assert distance_m(one[0], one[1] + turn, other[0], other[1] + turn) == pytest.approx(before, abs=1e-4)
    assert distance_m(*other, *one) == pytest.approx(before, abs=1e-6)
    assume(before < 15_000_000.0)  # near the antipode any direction is as good as another
    plane, turned = LocalPlane(*one), LocalPlane(one[0], one[1] + turn)
    np.testing.assert_allclose(
        turned.to_xy([other[0]], [other[1] + turn]), plane.to_xy([other[0]], [other[1]]), atol=1e-3
    )


@given(places, st.floats(-60.0, 60.0), st.floats(-179.0, 179.0))
def test_longitude_means_the_same_modulo_360(place: tuple[float, float], lat: float, lon: float) -> None:
    other = lon + 360.0 if lon <= 0.0 else lon - 360.0
    assert distance_m(*place, lat, other) == pytest.approx(distance_m(*place, lat, lon), abs=1e-4)


@given(places, st.lists(st.tuples(st.floats(0.0, 3_000_000.0), st.floats(0.0, 360.0)), min_size=1, max_size=8))
def test_plane_there_and_back_and_against_proj(origin: tuple[float, float], polar: list[tuple[float, float]]) -> None:
    xy = np.array([(r * math.sin(math.radians(a)), r * math.cos(math.radians(a))) for r, a in polar])
    plane = LocalPlane(*origin)
    lat, lon = plane.to_latlon(xy)
    np.testing.assert_allclose(plane.to_xy(lat, lon), xy, atol=1e-3)
    assume(abs(origin[0]) < 89.9)  # PROJ's own projection turns its axes at the poles
    twin = pyproj.Proj(proj="aeqd", lat_0=origin[0], lon_0=origin[1], ellps="WGS84")
    np.testing.assert_allclose(np.column_stack(twin(lon, lat)), xy, atol=1e-3)


@given(
    places,
    st.floats(1_000.0, 1_000_000.0),
    st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 360.0)),
    st.tuples(st.floats(0.0, 1.0), st.floats(0.0, 360.0)),
)
def test_a_plane_stretches_by_no_more_than_it_says(
    origin: tuple[float, float], reach: float, one: tuple[float, float], other: tuple[float, float]
) -> None:
    ends = [destination(*origin, angle, share * reach) for share, angle in (one, other)]
    xy = LocalPlane(*origin).to_xy([end[0] for end in ends], [end[1] for end in ends])
    on_plane = math.dist(xy[0], xy[1])
    on_earth = distance_m(*ends[0], *ends[1])
    assert on_earth - 1e-4 <= on_plane <= on_earth * stretch(reach) + 1e-4


def test_stretch_figures_of_the_docstring() -> None:
    for reach_km, percent in ((50, 0.0011), (100, 0.0042), (300, 0.038), (1000, 0.42)):
        assert 0.9 * percent < (stretch(reach_km * 1000.0) - 1.0) * 100.0 <= percent
    assert stretch(0.0) == 1.0


def test_the_bound_is_met_on_the_equator() -> None:
    # Across the line of sight, 1,000 km from the origin: were the bound smaller, this would break it.
    plane = LocalPlane(0.0, 0.0)
    a, b = destination(0.0, 0.0, 45.0, 1e6), destination(0.0, 0.0, 45.01, 1e6)
    xy = plane.to_xy([a[0], b[0]], [a[1], b[1]])
    ratio = math.dist(xy[0], xy[1]) / distance_m(*a, *b)
    assert ratio > 1.0 + 0.99 * (stretch(1e6) - 1.0)


def test_distances_to_many_are_the_distances_to_each() -> None:
    lats, lons = [34.0, -89.0, 0.0, 90.0], [38.0, 179.0, -180.0, 0.0]
    expected = [distance_m(34.5, 39.0, lat, lon) for lat, lon in zip(lats, lons, strict=True)]
    np.testing.assert_allclose(distances_m(34.5, 39.0, lats, lons), expected)


@pytest.mark.parametrize(
    ("lat", "lon", "field"),
    [
        (90.0001, 0.0, "lat_deg"),
        (-91.0, 0.0, "lat_deg"),
        (math.nan, 0.0, "lat_deg"),
        (1e308, 0.0, "lat_deg"),
        (0.0, math.inf, "lon_deg"),
        (0.0, 360.5, "lon_deg"),
        (0.0, math.nan, "lon_deg"),
    ],
)
def test_wrong_coordinates_are_refused_by_name(lat: float, lon: float, field: str) -> None:
    def at_first() -> object:
        return distance_m(lat, lon, 0.0, 0.0)

    def at_second() -> object:
        return bearing_deg(0.0, 0.0, lat, lon)

    def as_start() -> object:
        return destination(lat, lon, 0.0, 1.0)

    def as_origin() -> object:
        return LocalPlane(lat, lon)

    def as_point() -> object:
        return LocalPlane(0.0, 0.0).to_xy([0.0, lat], [0.0, lon])

    for attempt in (at_first, at_second, as_start, as_origin, as_point):
        with pytest.raises(Malformed) as refusal:
            attempt()
        assert refusal.value.field == field


def test_wrong_shapes_and_figures_are_refused_by_name() -> None:
    plane = LocalPlane(34.0, 38.0)
    with pytest.raises(Malformed) as refusal:
        plane.to_xy([34.0, 35.0], [38.0])
    assert refusal.value.field == "lon_deg"
    with pytest.raises(Malformed) as refusal:
        plane.to_latlon([[1.0, 2.0, 3.0]])
    assert refusal.value.field == "xy"
    with pytest.raises(Malformed) as refusal:
        plane.to_latlon([[1.0, math.nan]])
    assert refusal.value.field == "xy"
    with pytest.raises(Malformed) as refusal:
        destination(34.0, 38.0, 0.0, math.inf)
    assert refusal.value.field == "distance_m"
    with pytest.raises(Malformed) as refusal:
        stretch(6_000_000.0)
    assert refusal.value.field == "reach_m"


@given(places, st.lists(st.tuples(st.floats(0.0, 100_000.0), st.floats(0.0, 360.0)), min_size=1, max_size=8))
def test_a_plane_about_points_has_them_near(middle: tuple[float, float], polar: list[tuple[float, float]]) -> None:
    points = [destination(*middle, angle, length) for length, angle in polar]
    plane = plane_about([lat for lat, _ in points], [lon for _, lon in points])
    farthest = max(distance_m(*middle, *point) for point in points)
    assert distance_m(*middle, plane.lat0_deg, plane.lon0_deg) <= farthest * 1.01 + 500.0


def test_points_all_round_the_earth_have_no_middle() -> None:
    with pytest.raises(Malformed) as refusal:
        plane_about([0.0, 0.0], [0.0, 180.0])
    assert refusal.value.code == "too_wide"
    with pytest.raises(Malformed):
        plane_about([], [])


@given(latitudes, longitudes, latitudes, longitudes)
def test_the_quick_bounds_hold(lat1: float, lon1: float, lat2: float, lon2: float) -> None:
    apart = distance_m(lat1, lon1, lat2, lon2)
    assert at_most_m(lat1, lon1, lat2, lon2) >= apart - 1e-6
    one, other = points_in_space(np.array([lat1, lat2]), np.array([lon1, lon2]))
    assert math.dist(one, other) <= apart + 1e-6


def test_the_quick_bounds_are_near_for_what_is_near() -> None:
    assert at_most_m(35.0, 40.0, 35.0, 40.0) == 0.0
    assert at_most_m(35.0, 179.99, 35.0, -179.99) == pytest.approx(distance_m(35.0, 179.99, 35.0, -179.99), rel=0.01)
    apart = distance_m(35.0, 40.0, 35.1, 40.1)
    assert apart <= at_most_m(35.0, 40.0, 35.1, 40.1) < 1.5 * apart
    one, other = points_in_space(np.array([35.0, 35.1]), np.array([40.0, 40.1]))
    assert math.dist(one, other) == pytest.approx(apart, rel=1e-4)


@given(
    st.lists(places, min_size=1, max_size=4),
    st.lists(st.tuples(st.floats(0, 360), st.floats(0, 5e4)), min_size=2, max_size=4),
)
def test_planes_taken_together_are_planes_one_by_one(
    middles: list[tuple[float, float]], rays: list[tuple[float, float]]
) -> None:
    spots = np.array([[destination(*middle, *ray) for middle in middles] for ray in rays])
    lat, lon = spots[:, :, 0], spots[:, :, 1]
    together = Planes.about(lat, lon)
    xy = together.to_xy(lat, lon)
    back_lat, back_lon = together.to_latlon(xy)
    for k in range(len(middles)):
        alone = plane_about(lat[:, k], lon[:, k])
        assert xy[:, k] == pytest.approx(alone.to_xy(lat[:, k], lon[:, k]), abs=1e-3)
        for m in range(len(rays)):
            assert distance_m(back_lat[m, k], back_lon[m, k], lat[m, k], lon[m, k]) < 1e-3

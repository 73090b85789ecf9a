"""Points in space against the geodesic: distances, places between, planes there and back."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.geometry.earth import FloatArray, destination, distance_m, points_in_space
from keepclear.geometry.pack import along
from keepclear.watch.live_ground import Plane, apart_m, between, latlon

LATS = st.floats(-90, 90) | st.sampled_from([90.0, -90.0, 89.9999, 0.0])
LONS = st.floats(-180, 180) | st.sampled_from([180.0, -180.0])


def point(lat: float, lon: float) -> FloatArray:
    return np.asarray(points_in_space(np.array([lat]), np.array([lon]))[0])


@given(LATS, LONS, st.floats(0, 360), st.floats(0, 100_000))
def test_a_distance_is_the_geodesic(lat: float, lon: float, bearing: float, length: float) -> None:
    there = destination(lat, lon, bearing, length)
    assert float(apart_m(point(lat, lon), point(*there))) == pytest.approx(length, abs=2e-3)


@given(LATS, LONS, st.floats(0, 360), st.floats(100_000, 1_000_000))
def test_a_long_distance_is_nearly_so(lat: float, lon: float, bearing: float, length: float) -> None:
    there = destination(lat, lon, bearing, length)
    assert float(apart_m(point(lat, lon), point(*there))) == pytest.approx(length, rel=1e-5)


@pytest.mark.parametrize(("longest", "within"), [(20_000.0, 0.003), (500_000.0, 2.5)])
@given(lat=LATS, lon=LONS, bearing=st.floats(0, 360), part=st.floats(0, 1), share=st.floats(0, 1))
def test_a_place_between_is_on_the_geodesic(
    longest: float, within: float, lat: float, lon: float, bearing: float, part: float, share: float
) -> None:
    there = destination(lat, lon, bearing, longest * part)
    found = between(point(lat, lon), point(*there), np.asarray(share))
    here, to = (np.array([lat]), np.array([lon])), (np.array([there[0]]), np.array([there[1]]))
    lats, lons = along(*here, *to, np.array([share]))
    assert np.linalg.norm(found - point(lats[0], lons[0])) <= within


@given(LATS, LONS)
def test_degrees_come_back(lat: float, lon: float) -> None:
    back = latlon(point(lat, lon))
    assert distance_m(lat, lon, float(back[0]), float(back[1])) < 1e-6


@given(LATS, LONS, st.floats(-50_000, 50_000), st.floats(-50_000, 50_000))
def test_a_plane_there_and_back(lat: float, lon: float, east: float, north: float) -> None:
    plane = Plane.at(point(lat, lon))
    there = plane.to_space(np.array([east, north]))
    assert plane.to_xy(there) == pytest.approx([east, north], abs=1e-3)
    assert float(apart_m(plane.origin, there)) == pytest.approx(math.hypot(east, north), abs=6e-3)

"""The batch engine against geodesics: anywhere on earth, no breach missed, none told that is not there.

The reference shares nothing with the kernels: places along the geodesic and distances between them come from PROJ, and
the least of max(distance - across, gap - height) over the time that two legs share, a convex function of time, is found
by dividing the interval. Two plans of a pair share a window of time with nobody else, so one call checks many pairs.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from keepclear.conflict.pairs import conflicts
from keepclear.conflict.separation import Minimum
from keepclear.geometry.columns import Plans
from keepclear.geometry.earth import FloatArray

pytestmark = pytest.mark.kernels

GEOD = Geod(ellps="WGS84")
DEPTH_M, RIGHT_TO_M = 0.001, 0.01
ENDS_RIGHT_TO_M = 0.02
"""A breach may begin and end tens of kilometres from the plane's origin, which is where the two are nearest."""
PAIRS = 100
GOLDEN = (math.sqrt(5.0) - 1.0) / 2.0


@dataclass(frozen=True)
class Ways:
    """n pairs of ways of one leg each: arrays of shape (n, 2) or, at both ends, (n, 2, 2)."""

    t_s: FloatArray  # (n, 2, 2)
    lat_deg: FloatArray
    lon_deg: FloatArray
    alt_m: FloatArray

    def at(self, t_s: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Latitude, longitude and height of both movers at n times, each of shape (n, 2)."""
        share = (t_s[:, None] - self.t_s[:, :, 0]) / (self.t_s[:, :, 1] - self.t_s[:, :, 0])
        azimuth, _, length = GEOD.inv(
            self.lon_deg[:, :, 0], self.lat_deg[:, :, 0], self.lon_deg[:, :, 1], self.lat_deg[:, :, 1]
        )
        lon, lat, _ = GEOD.fwd(self.lon_deg[:, :, 0], self.lat_deg[:, :, 0], azimuth, length * share)
        return lat, lon, self.alt_m[:, :, 0] + share * (self.alt_m[:, :, 1] - self.alt_m[:, :, 0])

    def apart(self, t_s: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Metres on the ground and metres of height between the movers of each pair."""
        lat, lon, alt = self.at(t_s)
        _, _, across = GEOD.inv(lon[:, 0], lat[:, 0], lon[:, 1], lat[:, 1])
        return np.asarray(across), np.abs(alt[:, 0] - alt[:, 1])

    def plans(self) -> Plans:
        n = 2 * len(self.t_s)
        ids = [f"{pair}-{which}" for pair in range(len(self.t_s)) for which in "ab"]
        columns = (self.t_s, self.lat_deg, self.lon_deg, self.alt_m)
        return Plans.of_ways(ids, np.arange(0, 2 * n + 1, 2), *(column.reshape(-1) for column in columns))


def least(ways: Ways, minimum: Minimum) -> FloatArray:
    """The least of max(distance - across, gap - height) while both movers of each pair are on their way, metres.

    Infinite for two that never are.
    """
    begin, end = ways.t_s[:, :, 0].max(axis=1), ways.t_s[:, :, 1].min(axis=1)
    never = begin >= end

    def short(t_s: FloatArray) -> FloatArray:
        across, gap = ways.apart(t_s)
        return np.maximum(across - minimum.horizontal_m, gap - minimum.vertical_m)

    found = np.minimum(short(begin), short(end))
    one, other = end - GOLDEN * (end - begin), begin + GOLDEN * (end - begin)
    at_one, at_other = short(one), short(other)
    for _ in range(60):
        left = at_one <= at_other
        begin, end = np.where(left, begin, one), np.where(left, other, end)
        fresh = np.where(left, end - GOLDEN * (end - begin), begin + GOLDEN * (end - begin))
        value = short(fresh)
        one, other = np.where(left, fresh, other), np.where(left, one, fresh)
        at_one, at_other = np.where(left, value, at_other), np.where(left, at_one, value)
    return np.where(never, np.inf, np.minimum(found, np.minimum(at_one, at_other)))


def drawn(seed: int, far_m: float, minimum: Minimum) -> Ways:
    """Pairs that pass at about the minimum: anywhere, and more often at the poles and on the antimeridian."""
    rng = np.random.default_rng(seed)
    lat = np.degrees(np.arcsin(rng.uniform(-1.0, 1.0, PAIRS)))
    pole = rng.random(PAIRS) < 0.2
    lat = np.where(pole, np.sign(lat) * (90.0 - rng.exponential(0.05, PAIRS)), lat)
    lat = np.clip(lat, -90.0, 90.0)
    lon = np.where(rng.random(PAIRS) < 0.2, 180.0 - rng.exponential(0.01, PAIRS), rng.uniform(-180.0, 180.0, PAIRS))

    def from_there(lats: FloatArray, lons: FloatArray, away_m: FloatArray) -> tuple[FloatArray, FloatArray]:
        there_lon, there_lat, _ = GEOD.fwd(lons, lats, rng.uniform(0.0, 360.0, PAIRS), away_m)
        return np.asarray(there_lat), np.asarray(there_lon)

    # Both pass near one place at about one time, by about the minimum, each on a leg of its own length and bearing.
    lats, lons, times = np.empty((PAIRS, 2, 2)), np.empty((PAIRS, 2, 2)), np.empty((PAIRS, 2, 2))
    for which in (0, 1):
        offset = np.zeros(PAIRS) if which == 0 else minimum.horizontal_m * rng.uniform(0.0, 1.6, PAIRS)
        offset = np.where(rng.random(PAIRS) < 0.2, minimum.horizontal_m, offset) if which else offset
        at_lat, at_lon = from_there(lat, lon, offset)
        bearing = rng.uniform(0.0, 360.0, PAIRS)
        before, after = far_m * rng.random(PAIRS), far_m * rng.random(PAIRS)
        lons[:, which, 0], lats[:, which, 0], _ = GEOD.fwd(at_lon, at_lat, bearing, -before)
        lons[:, which, 1], lats[:, which, 1], _ = GEOD.fwd(at_lon, at_lat, bearing, after)
        speed = rng.uniform(5.0, 250.0, PAIRS)
        middle = 1e6 + 100_000.0 * np.arange(PAIRS) + rng.normal(0.0, 0.3, PAIRS) * minimum.horizontal_m / speed
        times[:, which, 0] = middle - np.maximum(before / speed, 1.0)
        times[:, which, 1] = middle + np.maximum(after / speed, 1.0)
    base = rng.uniform(1_000.0, 12_000.0, (PAIRS, 1, 1))
    gap = np.where(np.isinf(minimum.vertical_m), 1000.0, minimum.vertical_m)
    alts = base + rng.uniform(-1.2, 1.2, (PAIRS, 2, 2)) * gap
    return Ways(times, lats, lons, alts)


seeds = st.integers(0, 2**63)


@given(
    seed=seeds,
    far_m=st.sampled_from([50.0, 3_000.0, 19_000.0, 60_000.0]),
    across=st.sampled_from([1.0, 30.0, 500.0, 5_000.0, 10_000.0]),
    height=st.sampled_from([30.0, 300.0, math.inf]),
)
def test_no_breach_is_missed_and_none_is_made_up(seed: int, far_m: float, across: float, height: float) -> None:
    minimum = Minimum(across, height)
    ways = drawn(seed, far_m, minimum)
    truth = least(ways, minimum)
    found = conflicts(ways.plans(), minimum)
    pairs = {tuple(sorted(pair)) for pair in found.pairs()}
    told = np.array([(f"{pair}-a", f"{pair}-b") in pairs for pair in range(PAIRS)])
    assert len(pairs) == told.sum(), "plans of different pairs never share a moment"
    missed = ~told & (truth < -DEPTH_M - RIGHT_TO_M)
    made_up = told & (truth > -DEPTH_M + RIGHT_TO_M)
    assert not missed.any(), (np.flatnonzero(missed), truth[missed])
    assert not made_up.any(), (np.flatnonzero(made_up), truth[made_up])


@given(seed=seeds, far_m=st.sampled_from([3_000.0, 60_000.0]), across=st.sampled_from([30.0, 500.0, 10_000.0]))
def test_a_breach_begins_ends_and_is_nearest_where_it_says(seed: int, far_m: float, across: float) -> None:
    minimum = Minimum(across, math.inf)
    ways = drawn(seed, far_m, minimum)
    truth = least(ways, minimum)
    checked = 0
    for conflict in conflicts(ways.plans(), minimum):
        pair = int(conflict.a.split("-")[0])
        one = Ways(*(column[pair : pair + 1] for column in (ways.t_s, ways.lat_deg, ways.lon_deg, ways.alt_m)))
        begin, end = float(one.t_s[:, :, 0].max()), float(one.t_s[:, :, 1].min())
        worst = min(conflict.breaches, key=lambda breach: breach.horizontal_m)
        assert worst.horizontal_m == pytest.approx(float(truth[pair]) + across, abs=RIGHT_TO_M)
        for breach in conflict.breaches:
            at = np.array([breach.starts_s, breach.ends_s, breach.nearest_s])
            away = [float(one.apart(at[k : k + 1])[0][0]) for k in range(3)]
            if breach.starts_s > begin + 1e-6:
                assert away[0] == pytest.approx(across - DEPTH_M, abs=ENDS_RIGHT_TO_M)
            if breach.ends_s < end - 1e-6:
                assert away[1] == pytest.approx(across - DEPTH_M, abs=ENDS_RIGHT_TO_M)
            assert away[2] == pytest.approx(breach.horizontal_m, abs=RIGHT_TO_M)
            checked += 1
    # A reference that found nothing to check would prove nothing.
    assert checked or not (truth < -DEPTH_M - RIGHT_TO_M).any()


def test_the_reference_sees_what_is_there() -> None:
    """Head on at one height: they meet. At two heights just one minimum apart, or a minimum aside: they do not."""
    minimum = Minimum(500.0, 300.0)
    lat, lon = np.zeros((1, 2, 2)), np.array([[[0.0, 0.1], [0.1, 0.0]]])
    times = np.array([[[0.0, 100.0], [0.0, 100.0]]])
    heights = np.zeros((1, 2, 2))
    assert least(Ways(times, lat, lon, heights), minimum)[0] < -299.0
    heights = np.array([[[0.0, 0.0], [300.0, 300.0]]])
    assert least(Ways(times, lat, lon, heights), minimum)[0] == pytest.approx(0.0)
    aside = np.array([[[0.0, 0.0], [0.01, 0.01]]])
    assert least(Ways(times, aside, lon, np.zeros((1, 2, 2))), minimum)[0] > 500.0

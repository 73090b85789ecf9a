"""Who is near whom: the rule, and every pair against all distances."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.errors import Malformed
from keepclear.geometry.columns import Datum
from keepclear.geometry.earth import distance_m
from keepclear.watch.live import Watch
from keepclear.watch.live_findings import HEIGHT_UNKNOWN, HEIGHTS_NOT_COMPARABLE, LiveKind
from keepclear.watch.proximity import Proximity
from tests.watch.streams import ORIGINS, T0, Setting, at

pytestmark = pytest.mark.kernels

settings_of = pytest.mark.parametrize("setting", [Setting(False), Setting(True)], ids=["kernel", "twin"])


@settings_of
@pytest.mark.parametrize("origin", ORIGINS)
def test_near_and_apart_take_turns_with_room_between(setting: Setting, origin: tuple[float, float]) -> None:
    watch = setting.watch(proximity=setting.proximity(100.0, hysteresis=0.2))
    away = (150, 99, 110, 119, 121, 105, 99, 0)
    reports = [("still", 0, 0, 0), *(("a", t, float(x), 0.0) for t, x in enumerate(away))]
    found = setting.feed(watch, at(origin, reports))
    assert [(each.kind, each.t_s - T0, round(each.value, 3), round(each.margin_m, 3)) for each in found] == [
        (LiveKind.NEAR, 1.0, 99.0, 1.0),
        (LiveKind.APART, 4.0, 121.0, -21.0),
        (LiveKind.NEAR, 6.0, 99.0, 1.0),
    ]
    first, still = found[0], (float(watch.movers.lat_deg[0]), float(watch.movers.lon_deg[0]))
    assert (first.subject, first.other) == ("a", "still")
    assert distance_m(first.lat_deg, first.lon_deg, *still) == pytest.approx(49.5, abs=1e-3)


@settings_of
def test_just_the_radius_apart_is_not_near(setting: Setting) -> None:
    for metres, near in ((100.0, False), (99.9995, False), (99.998, True)):
        watch = setting.watch(proximity=setting.proximity(100.0))
        assert len(setting.feed(watch, at(ORIGINS[0], [("a", 0, 0, 0), ("b", 0, metres, 0)]))) == near


@settings_of
def test_a_report_too_old_says_nothing_and_a_pair_is_forgotten(setting: Setting) -> None:
    watch = setting.watch(proximity=setting.proximity(100.0, max_age_s=30.0))
    reports = [("a", 0, 0, 0), ("b", 31, 5, 0), ("a", 32, 0, 0), ("b", 70, 5, 0), ("a", 71, 0, 500), ("a", 90, 0, 0)]
    found = setting.feed(watch, at(ORIGINS[0], reports))
    assert [(each.kind, each.subject, each.t_s - T0) for each in found] == [
        (LiveKind.NEAR, "a", 32.0),
        (LiveKind.NEAR, "a", 90.0),
    ]
    assert watch.proximity is not None
    assert watch.proximity.pairs().tolist() == [[0, 1]]


@settings_of
def test_heights_count_where_asked(setting: Setting) -> None:
    watch = setting.watch(proximity=setting.proximity(100.0, vertical_m=50.0, hysteresis=0.0))
    here = ORIGINS[0]
    setting.feed(watch, at(here, [("a", 0, 0, 0)], 100.0))
    assert len(setting.feed(watch, at(here, [("b", 0, 1, 0)], 150.0))) == 0
    (near,) = setting.feed(watch, at(here, [("b", 1, 1, 0)], 149.0))
    assert near.kind is LiveKind.NEAR
    (apart,) = setting.feed(watch, at(here, [("b", 2, 1, 0)], 160.0))
    assert apart.kind is LiveKind.APART
    (unknown,) = setting.feed(watch, at(here, [("b", 3, 1, 0)], math.nan))
    assert unknown.flags == HEIGHT_UNKNOWN
    others = setting.feed(watch, at(here, [("c", 4, 90, 0)], 999.0, Datum.MSL))
    assert others.flags.tolist() == [HEIGHTS_NOT_COMPARABLE, HEIGHTS_NOT_COMPARABLE]


@given(
    seed=st.integers(0, 2**32),
    origin=st.sampled_from(ORIGINS),
    radius=st.sampled_from([20.0, 700.0, 60_000.0]),
    spread=st.floats(0.3, 5.0),
)
def test_pairs_are_those_of_all_distances(seed: int, origin: tuple[float, float], radius: float, spread: float) -> None:
    rng = np.random.default_rng(seed)
    watch = Watch(proximity=Proximity(radius, hysteresis=0.0))
    for tick in range(2):
        xy = rng.normal(0.0, radius * spread, (40, 2))
        watch.feed(at(origin, [(f"m{i}", tick, x, y) for i, (x, y) in enumerate(xy)]))
    movers, told = watch.movers, set(map(tuple, watch.proximity.pairs().tolist())) if watch.proximity else set()
    for one in range(40):
        for other in range(one + 1, 40):
            straight = float(np.linalg.norm(movers.place[one] - movers.place[other]))
            if not 0.99 * radius < straight < 1.01 * radius:
                assert ((one, other) in told) == (straight < radius)
                continue
            ends = (float(x) for k in (one, other) for x in (movers.lat_deg[k], movers.lon_deg[k]))
            metres = distance_m(*ends)
            assert abs(metres - radius) < 0.01 or ((one, other) in told) == (metres < radius)


def test_those_who_come_when_there_is_no_room_left_find_those_before() -> None:
    watch, n = Watch(proximity=Proximity(20.0)), 900
    for beside in (0.0, 10.0):
        crowd = [(f"{beside}-{i}", 0, 40.0 * (i % 30) + beside, 40.0 * (i // 30)) for i in range(n)]
        watch.feed(at(ORIGINS[0], crowd))
    assert watch.proximity is not None
    # Each is 10 m from the one beside it, and 30 m from the next.
    assert watch.proximity.pairs().tolist() == [[i, n + i] for i in range(n)]


@pytest.mark.parametrize(
    "what", [{"radius_m": 0.0}, {"radius_m": math.nan}, {"radius_m": 1e6}, {"max_age_s": -1.0}, {"hysteresis": -0.1}]
)
def test_what_makes_no_sense_is_refused(what: dict[str, float]) -> None:
    with pytest.raises(Malformed) as refusal:
        Proximity(**{"radius_m": 100.0, **what})
    assert refusal.value.field == next(iter(what))

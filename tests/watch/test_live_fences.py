"""Who is within which fence: the rule, awkward fences, and fences that come and go."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from keepclear.errors import Malformed
from keepclear.geometry.columns import Datum, Plans, Positions
from keepclear.geometry.earth import LocalPlane
from keepclear.geometry.kernels import LIBRARY
from keepclear.geometry.pack import along
from keepclear.watch.fences import Fences, Insiders
from keepclear.watch.live import Watch
from keepclear.watch.live_findings import HEIGHT_UNKNOWN, HEIGHTS_NOT_COMPARABLE, LiveKind
from tests.watch.streams import FOREVER, ORIGINS, T0, Setting, Volume, at, plans_of, same, some_fences, star, stream

pytestmark = pytest.mark.kernels

SQUARE = star((0.0, 0.0), 100.0 * math.sqrt(2.0), 4, math.pi / 4.0)
"""200 m by 200 m about the origin."""
settings_of = pytest.mark.parametrize("setting", [Setting(False), Setting(True)], ids=["kernel", "twin"])


def square(**limits: float) -> Plans:
    from_s, upto_s = limits.get("from_s", FOREVER[0]), limits.get("upto_s", FOREVER[1])
    limit = (from_s, upto_s, limits.get("lower_m", -np.inf), limits.get("upper_m", np.inf))
    return plans_of(ORIGINS[1], {"square": [(limit, [SQUARE])]})


@settings_of
def test_entered_dwelt_and_left_with_margins(setting: Setting) -> None:
    watch = setting.watch(fences=setting.fences(square(), dwell_s=20.0))
    reports = [("a", 0, 0, 300), ("a", 10, 0, 60), ("a", 30, 0, 0), ("a", 40, 0, 0), ("a", 50, 0, -250)]
    found = setting.feed(watch, at(ORIGINS[1], reports))
    assert [(each.kind, each.subject, each.other, each.t_s - T0) for each in found] == [
        (LiveKind.ENTERED, "a", "square", 10.0),
        (LiveKind.DWELT, "a", "square", 30.0),
        (LiveKind.LEFT, "a", "square", 50.0),
    ]
    assert found.margin_m == pytest.approx([40.0, 100.0, -150.0], abs=1e-3)
    assert found.value[1:] == pytest.approx([20.0, 40.0])
    assert found.lat_deg[1] == pytest.approx(0.0, abs=1e-9)


@settings_of
def test_time_alone_shows_that_one_dwells_but_not_of_one_long_silent(setting: Setting) -> None:
    watch = setting.watch(fences=setting.fences(square(), dwell_s=20.0))
    setting.feed(watch, at(ORIGINS[1], [("a", 0, 0, 0), ("b", -50, 0, 0)]))
    assert len(watch.tick(T0 + 19.0)) == 0
    (told,) = watch.tick(T0 + 20.0)
    assert (told.kind, told.subject, told.value) == (LiveKind.DWELT, "a", 20.0)
    assert abs(told.lon_deg) == pytest.approx(180.0)
    assert len(watch.tick(T0 + 30.0)) == 0


@settings_of
def test_after_a_silence_a_stay_is_counted_anew(setting: Setting) -> None:
    watch = setting.watch(fences=setting.fences(square(), dwell_s=20.0))
    found = setting.feed(watch, at(ORIGINS[1], [("a", 0, 0, 0), ("a", 61, 0, 0), ("a", 80, 0, 0), ("a", 81, 0, 0)]))
    assert [(each.kind, each.t_s - T0) for each in found] == [(LiveKind.ENTERED, 0.0), (LiveKind.DWELT, 81.0)]


@settings_of
def test_the_rim_itself_is_not_within(setting: Setting) -> None:
    watch = setting.watch(fences=setting.fences(square()))
    reports = [("on", 0, 100.0, 0), ("just on", 0, 99.9993, 20.0), ("in", 0, 99.998, 0), ("corner", 0, 100.0, 100.0)]
    assert setting.feed(watch, at(ORIGINS[1], reports)).subject.tolist() == ["in"]


@settings_of
def test_a_window_and_a_band_count(setting: Setting) -> None:
    plans = square(from_s=T0 + 10.0, upto_s=T0 + 20.0, lower_m=100.0, upper_m=200.0)
    for alt, within in ((150.0, True), (100.0, False), (100.002, True), (250.0, False)):
        watch = setting.watch(fences=setting.fences(plans))
        reports = [("a", t, 0, 0) for t in (9.9, 10.0, 19.9, 20.0)]
        found = setting.feed(watch, at(ORIGINS[1], reports, alt))
        assert [each.t_s - T0 for each in found] == pytest.approx([10.0, 20.0] if within else [])


@settings_of
def test_heights_that_cannot_be_compared_are_flagged(setting: Setting) -> None:
    plans = square(lower_m=100.0, upper_m=200.0)
    for alt, datum, flags in ((math.nan, Datum.WGS84, HEIGHT_UNKNOWN), (999.0, Datum.MSL, HEIGHTS_NOT_COMPARABLE)):
        watch = setting.watch(fences=setting.fences(plans))
        (entered,) = setting.feed(watch, at(ORIGINS[1], [("a", 0, 0, 0)], alt, datum))
        assert entered.flags == flags


@settings_of
def test_a_fence_of_two_volumes_is_entered_and_left_once(setting: Setting) -> None:
    two = [(FOREVER, [SQUARE]), (FOREVER, [SQUARE + np.array([150.0, 0.0])]), (FOREVER, (900.0, 0.0, 50.0))]
    watch = setting.watch(fences=setting.fences(plans_of(ORIGINS[0], {"both": two})))
    reports = [("a", t, x, 0) for t, x in enumerate((-200, 0, 100, 200, 300, 900))]
    found = setting.feed(watch, at(ORIGINS[0], reports))
    assert [(each.kind, each.t_s - T0) for each in found] == [
        (LiveKind.ENTERED, 1.0),
        (LiveKind.LEFT, 4.0),
        (LiveKind.ENTERED, 5.0),
    ]


@settings_of
@pytest.mark.parametrize("origin", ORIGINS)
def test_a_hole_is_outside_wherever_on_earth(setting: Setting, origin: tuple[float, float]) -> None:
    rings = [star((0.0, 0.0), 3_000.0, 7), star((0.0, 0.0), 500.0, 5)]
    watch = setting.watch(fences=setting.fences(plans_of(origin, {"ring": [(FOREVER, rings)]})))
    reports = [("hole", 0, 10, 10), ("in", 0, -1_500, 300), ("out", 0, 0, 3_100), ("far", 0, 250_000, 0)]
    assert setting.feed(watch, at(origin, reports)).subject.tolist() == ["in"]


@pytest.mark.parametrize("reach", [5.0, 40_000.0, 900_000.0])
@pytest.mark.parametrize("origin", ORIGINS)
def test_fences_of_ten_metres_and_of_a_thousand_kilometres_are_exact_by_their_rim(
    reach: float, origin: tuple[float, float]
) -> None:
    """Places 2 cm and more within, or outside, edges of geodesics, whatever the fence's size."""
    rng = np.random.default_rng(int(reach))
    plans = plans_of(origin, {"fence": [(FOREVER, [star((0.0, 0.0), reach, 9)])]})
    vertices = plans.vertices
    edge = rng.integers(0, len(vertices), 400)
    share = rng.uniform(0.35, 0.65, 400)
    nxt = (edge + 1) % len(vertices)
    ends = vertices[edge, 0], vertices[edge, 1], vertices[nxt, 0], vertices[nxt, 1]
    lat, lon = along(*ends, share)
    lat2, lon2 = along(*ends, share + 1e-6)
    off = rng.choice([-1.0, 1.0], 400) * 10 ** rng.uniform(math.log10(0.02), math.log10(0.5), 400)
    geod = Geod(ellps="WGS84")
    course = geod.inv(lon, lat, lon2, lat2)[0]
    lon, lat, _ = geod.fwd(lon, lat, np.asarray(course) - 90.0, off)  # outlines go round leftwards: left is within
    positions = Positions(
        ids=tuple(f"m{i}" for i in range(400)),
        mover=np.arange(400),
        t_s=np.full(400, T0),
        lat_deg=np.asarray(lat),
        lon_deg=np.asarray(lon),
        alt_m=np.full(400, np.nan),
        uncertainty_m=np.zeros(400),
    )
    found = Watch(fences=plans).feed(positions)
    assert set(found.subject) == {f"m{i}" for i in np.flatnonzero(off > 0.0)}
    assert found.margin_m == pytest.approx(off[off > 0.0], abs=0.01)


@given(seed=st.integers(0, 2**32), origin=st.sampled_from(ORIGINS[:4]))
def test_stays_are_those_of_shapely(seed: int, origin: tuple[float, float]) -> None:
    """On one plane, 6 km about its middle, where lines bow by less than the 2 cm left out."""
    rng = np.random.default_rng(seed)
    rings = {
        f"f{i}": star(tuple(rng.uniform(-5e3, 5e3, 2)), 10 ** rng.uniform(1, 3.5) * rng.uniform(0.5, 1, 12), 12)
        for i in range(12)
    }
    watch = Watch(fences=plans_of(origin, {name: [(FOREVER, [ring])] for name, ring in rings.items()}))
    xy = rng.uniform(-6e3, 6e3, (120, 2))
    watch.feed(at(origin, [(f"m{i}", 0, x, y) for i, (x, y) in enumerate(xy)]))
    assert watch.fences is not None
    stays = set(watch.fences.stays())
    points = shapely.points(xy)
    for name, ring in rings.items():
        area = shapely.Polygon(ring)
        clear = shapely.distance(points, area.exterior) > 0.02
        within = shapely.contains(area, points)
        assert all(((mover, name) in stays) == within[mover] for mover in np.flatnonzero(clear).tolist())


def test_an_outline_of_ten_thousand_corners() -> None:
    rng = np.random.default_rng(3)
    reach = 5_000.0 * rng.uniform(0.9, 1.0, 10_000)
    ring = star((0.0, 0.0), reach, 10_000)
    watch = Watch(fences=plans_of(ORIGINS[0], {"coast": [(FOREVER, [ring])]}))
    xy = rng.uniform(-5_200.0, 5_200.0, (500, 2))
    found = watch.feed(at(ORIGINS[0], [(f"m{i}", 0, x, y) for i, (x, y) in enumerate(xy)]))
    area = shapely.Polygon(ring)
    clear = shapely.distance(shapely.points(xy), area.exterior) > 0.02
    within = {f"m{i}" for i in np.flatnonzero(shapely.contains(area, shapely.points(xy)) & clear)}
    assert within <= set(found.subject) <= within | {f"m{i}" for i in np.flatnonzero(~clear)}


@settings_of
def test_fences_come_and_go(setting: Setting) -> None:
    fences = setting.fences(square())
    watch = setting.watch(fences=fences)
    assert setting.feed(watch, at(ORIGINS[1], [("a", 0, 0, 0)])).other.tolist() == ["square"]
    fences.put(plans_of(ORIGINS[1], {"round": [(FOREVER, (0.0, 0.0, 50.0))]}))
    assert setting.feed(watch, at(ORIGINS[1], [("a", 1, 0, 0)])).other.tolist() == ["round"]
    fences.remove(["square"])
    found = setting.feed(watch, at(ORIGINS[1], [("a", 2, 70, 0)]))
    assert [(each.kind, each.other) for each in found] == [(LiveKind.LEFT, "round")]
    fences.put(square())
    assert setting.feed(watch, at(ORIGINS[1], [("a", 3, 70, 0)])).other.tolist() == ["square"]
    fences.put(square(upper_m=10.0))
    assert "square" in fences
    assert len(fences) == 2
    again = setting.feed(watch, at(ORIGINS[1], [("a", 4, 70, 0)], 50.0))
    assert len(again) == 0
    with pytest.raises(KeyError):
        fences.remove(["nobody's"])


@pytest.mark.skipif(LIBRARY is None, reason="the twin has no cells")
def test_what_comes_and_goes_leaves_no_memory_behind() -> None:
    fences = Fences(plans_of(ORIGINS[0], {"stays": [(FOREVER, [star((0.0, 0.0), 2_000.0, 9)])]}))
    insiders = fences._insiders
    assert isinstance(insiders, Insiders)
    before = insiders.cells()
    for turn in range(300):
        place = (turn * 500.0, -turn * 300.0)
        shapes: dict[str, Sequence[Volume]] = {
            "a": [(FOREVER, [star(place, 3_000.0, 9)])],
            "b": [(FOREVER, (*place, 800.0))],
        }
        fences.put(plans_of(ORIGINS[0], shapes))
        fences.remove(["a", "b"])
    after = insiders.cells()
    assert after[0] == before[0]
    assert after[1] <= 4 * before[1]
    assert len(insiders._kept) == 1


def test_what_is_no_fence_is_refused_and_those_up_stay_up() -> None:
    fences = Fences(square())
    way = Plans.of_ways(["way"], [0, 2], [T0, T0 + 1], [0.0, 0.1], [0.0, 0.0], [0.0, 0.0])
    with pytest.raises(Malformed) as refusal:
        fences.put(way)
    assert refusal.value.field == "plans[way].volumes"
    assert len(fences) == 1
    with pytest.raises(Malformed):
        Fences(square(), dwell_s=0.0)


@settings_of
def test_between_reports_every_crossing_has_its_moment(setting: Setting) -> None:
    fences = setting.fences(square(), dwell_s=12.0, between_reports=True)
    watch = setting.watch(fences=fences)
    found = setting.feed(
        watch, at(ORIGINS[1], [("a", 0, -500, 0), ("a", 10, 500, 0), ("a", 50, 0, 0), ("a", 60, 0, 200)])
    )
    assert [(each.kind, round(each.t_s - T0, 3)) for each in found] == [
        (LiveKind.ENTERED, 4.0),
        (LiveKind.LEFT, 6.0),
        (LiveKind.ENTERED, 42.0),
        (LiveKind.DWELT, 55.0),
        (LiveKind.LEFT, 55.0),
    ]
    assert found.margin_m == pytest.approx(0.0, abs=0.01)
    assert found.value[1] == pytest.approx(2.0, abs=1e-3)


@settings_of
def test_reports_alone_do_not_show_what_lies_between(setting: Setting) -> None:
    watch = setting.watch(fences=setting.fences(square()))
    assert len(setting.feed(watch, at(ORIGINS[1], [("a", 0, -500, 0), ("a", 10, 500, 0)]))) == 0


@settings_of
def test_between_reports_a_window_ends_and_a_band_is_crossed(setting: Setting) -> None:
    here = ORIGINS[4]
    limit = (T0 + 3.0, T0 + 20.0, 100.0, 200.0)
    plans = plans_of(here, {"square": [(limit, [SQUARE])]})
    watch = setting.watch(fences=setting.fences(plans, between_reports=True))
    setting.feed(watch, at(here, [("w", 0, 0, 0)], 150.0))
    found = setting.feed(watch, at(here, [("w", 30, 0, 0)], 150.0))
    assert [(each.kind, each.t_s - T0) for each in found] == [(LiveKind.ENTERED, 3.0), (LiveKind.LEFT, 20.0)]
    setting.feed(watch, at(here, [("b", 5, 0, 0)], 0.0))
    found = setting.feed(watch, at(here, [("b", 15, 0, 0)], 300.0))
    assert [(each.kind, round(each.t_s - T0, 3)) for each in found] == [
        (LiveKind.ENTERED, 8.333),
        (LiveKind.LEFT, 11.667),
    ]


@settings_of
def test_between_reports_that_are_not_joined_nothing_is_told(setting: Setting) -> None:
    watch = setting.watch(fences=setting.fences(square(), between_reports=True))
    assert len(setting.feed(watch, at(ORIGINS[1], [("a", 0, -500, 0), ("a", 61, 500, 0)]))) == 0


@given(seed=st.integers(0, 2**32), origin=st.sampled_from(ORIGINS), side=st.sampled_from([3_000.0, 40_000.0]))
def test_between_reports_kernel_and_twin_find_the_same(seed: int, origin: tuple[float, float], side: float) -> None:
    rng = np.random.default_rng(seed)
    plans = some_fences(rng, origin, 3, side)
    positions = stream(rng, origin, 2, 16, side)
    found = []
    for twin in (False, True):
        setting = Setting(twin)
        fences = setting.fences(plans, dwell_s=20.0, between_reports=True)
        found.append(setting.feed(setting.watch(fences=fences), positions))
    same(*found)


@settings_of
@pytest.mark.parametrize("origin", [(0.0, 180.0), (-90.0, 0.0), (46.0, 8.0)])
@pytest.mark.parametrize("off_m", [0.0, 1e-6, 300.0])
def test_who_turns_up_on_the_other_side_of_the_earth_has_jumped_far_outside(
    setting: Setting, origin: tuple[float, float], off_m: float
) -> None:
    watch = setting.watch(fences=setting.fences(plans_of(origin, {"square": [(FOREVER, [SQUARE])]})))
    setting.feed(watch, at(origin, [("a", 0, 0, 0)]))
    lat, lon = LocalPlane(-origin[0], origin[1] - 180.0).to_latlon([(off_m, 0.0)])
    there = at(origin, [("a", 10, 0, 0)])
    jump, left = setting.feed(watch, replace(there, lat_deg=lat, lon_deg=lon))
    assert (jump.kind, left.kind) == (LiveKind.JUMP, LiveKind.LEFT)
    assert left.margin_m < -1e7

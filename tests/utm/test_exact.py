"""Which of the coarse conflicts are real: by volumes as they are, not by cells."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import Geod

from keepclear.model.utm import IntentState, UtmCircle, UtmConstraint, UtmIntent, UtmPoint, UtmVolume
from keepclear.utm.exact import Sifted, in_the_way, named, sift
from keepclear.utm.index import Index, extent_of
from tests.utm.cast import (
    ALFA,
    BRAVO,
    FAR,
    HOME,
    ONE,
    T0,
    THREE,
    TWO,
    Desk,
    at,
    closing,
    uuid,
    volume,
    wanted,
)

WGS84 = Geod(ellps="WGS84")


def intent(number: int, *volumes: UtmVolume) -> UtmIntent:
    return UtmIntent(
        id=uuid(number),
        manager="alfa",
        state=IntentState.ACCEPTED,
        uss_base_url="https://alfa.example",
        version=1,
        ovn="0123456789abcdef",
        volumes=volumes,
    )


def meets(one: UtmVolume, other: UtmVolume) -> bool:
    """Whether two volumes meet, found from either side alike."""
    there, back = sift([one], [intent(1, other)]), sift([other], [intent(1, one)])
    assert (len(there.real), there.saved) == (len(back.real), back.saved)
    assert len(there.real) + there.saved == 1
    assert there.undecided == back.undecided == ()
    return bool(there.real)


def sifted_at(desk: Desk, volumes: list[UtmVolume], but: str = "") -> Sifted:
    """What the desk's ledger names for these volumes, sifted."""
    return in_the_way(volumes, named(desk.ledger, volumes, desk.now, but=but), desk.now)


def away(metres: float, radius_m: float = 100.0) -> UtmVolume:
    """A circle whose centre is so far east of `HOME`."""
    lng, lat, _ = WGS84.fwd(HOME[1], HOME[0], 90.0, metres)
    return volume((lat, lng), radius_m)


@pytest.mark.parametrize(("gap_m", "expected"), [(-1.0, True), (-0.01, True), (0.0, True), (0.02, False), (1.0, False)])
def test_circles_meet_to_the_centimetre(gap_m: float, expected: bool) -> None:
    assert meets(volume(radius_m=100.0), away(200.0 + gap_m)) is expected


@pytest.mark.parametrize(("gap_m", "expected"), [(-1.0, True), (-0.01, True), (0.0, True), (0.02, False), (1.0, False)])
def test_heights_meet_to_the_centimetre(gap_m: float, expected: bool) -> None:
    assert meets(volume(heights=(0.0, 120.0)), volume(heights=(120.0 + gap_m, 200.0))) is expected


@pytest.mark.parametrize(("gap_s", "expected"), [(-1.0, True), (-0.01, True), (0.0, False), (1.0, False)])
def test_times_meet_if_there_is_a_moment_in_both(gap_s: float, expected: bool) -> None:
    later = at(volume(), starts_at=T0 + timedelta(minutes=60, seconds=gap_s), ends_at=T0 + timedelta(minutes=90))
    assert meets(volume(), later) is expected


def test_what_is_not_bounded_reaches_as_far_as_there_is_any() -> None:
    for heights in ((None, None), (None, 0.0), (120.0, None)):
        assert meets(volume(), volume(heights=heights))
    for times in ((None, None), (None, 0.1), (59.9, None)):
        assert meets(volume(), volume(times=times))
    assert not meets(volume(), volume(heights=(None, -0.1)))
    assert not meets(volume(), volume(heights=(120.1, None)))
    assert not meets(volume(), volume(times=(None, 0.0)))
    assert not meets(volume(), volume(FAR, heights=(None, None), times=(None, None)))


def test_heights_beyond_the_engine_reach_on() -> None:
    assert meets(volume(heights=(50_000.0, 60_000.0)), volume(heights=(70_000.0, 80_000.0)))
    assert meets(volume(heights=(-8_000.0, -7_000.0)), volume(heights=(-600.0, -550.0)))
    assert not meets(volume(heights=(50_000.0, 60_000.0)), volume())
    assert not meets(volume(heights=(-8_000.0, -7_000.0)), volume())


def test_a_volume_of_one_moment_meets_what_is_there_then() -> None:
    assert meets(volume(times=(30, 30)), volume())
    assert not meets(volume(times=(61, 61)), volume())


def test_one_volume_of_many_is_enough_and_all_are_held_against_all() -> None:
    mine = (volume(heights=(0.0, 50.0), times=(0, 10)), volume(FAR, times=(10, 20)))
    never = intent(1, volume(heights=(60.0, 90.0), times=(0, 10)), volume(FAR, times=(21, 30)), volume(times=(10, 20)))
    once = intent(2, volume(heights=(60.0, 90.0)), volume(FAR, times=(15, 30)))
    sifted = sift(mine, [never, once])
    assert (sifted.real, sifted.false_alarms, sifted.saved) == ((once,), (never,), 1)


def test_what_the_engine_cannot_take_counts_as_real() -> None:
    giant = UtmVolume(circle=UtmCircle(centre=UtmPoint(lat_deg=0.0, lng_deg=0.0), radius_m=600_000.0))
    crossing = UtmVolume(
        polygon=tuple(
            UtmPoint(lat_deg=lat, lng_deg=lng) for lat, lng in ((0.0, 0.0), (0.1, 0.1), (0.0, 0.1), (0.1, 0.0))
        )
    )
    sifted = sift([volume()], [intent(1, giant), intent(2, crossing), intent(3, volume(FAR))])
    assert [each.id for each in sifted.real] == list(sifted.undecided) == [ONE, TWO]
    assert sifted.saved == 1
    assert sift([giant], [intent(3, volume(FAR))]).undecided == (THREE,)


def test_one_entity_may_stand_there_as_an_intent_and_another_under_the_same_id_as_a_constraint() -> None:
    desk = Desk()
    desk.plan(ALFA, ONE, wanted())
    desk.close(ONE, closing(volume(heights=(100.0, 400.0))))
    sifted = sifted_at(desk, [volume(heights=(0.0, 90.0))])
    assert [type(each) for each in sifted.real] == [UtmIntent]
    assert sifted.saved == 0  # 100 m and up is no coarse conflict either
    sifted = sifted_at(desk, [volume(heights=(110.0, 130.0))])
    assert [type(each) for each in sifted.real] == [UtmIntent, UtmConstraint]


def test_the_ledger_is_sifted_but_for_oneself_and_for_what_is_over() -> None:
    desk = Desk()
    near = desk.plan(ALFA, ONE, wanted(away(250.0), volume(FAR, times=(30, 40))))
    desk.plan(BRAVO, TWO, wanted(away(2_000.0, 50.0), volume(FAR, times=(0, 10)), by=BRAVO, key=[near.ovn]))
    mine = [volume(radius_m=200.0), volume(FAR, times=(0, 10))]
    sifted = sifted_at(desk, mine)
    assert [each.id for each in sifted.real] == [ONE, TWO]
    assert [each.id for each in sifted_at(desk, mine, but=ONE).real] == [TWO]
    desk.pass_minutes(10)  # the second volumes of mine and of TWO are over
    later = sifted_at(desk, mine)
    assert ([each.id for each in later.real], later.saved) == ([ONE], 1)
    desk.pass_minutes(51)
    assert sifted_at(desk, mine).real == ()


@pytest.mark.parametrize(
    ("centre", "other"),
    [((90.0, 0.0), (89.999, 180.0)), ((0.0, 180.0), (0.0, -179.999)), ((-90.0, 77.0), (-89.9995, -10.0))],
)
def test_pole_and_antimeridian_are_no_cases(centre: tuple[float, float], other: tuple[float, float]) -> None:
    _, _, apart_m = WGS84.inv(centre[1], centre[0], other[1], other[0])
    for gap_m, expected in ((-0.05, True), (0.05, False)):
        assert meets(volume(centre, apart_m / 2), volume(other, apart_m / 2 - gap_m)) is expected


numbers = st.integers(0, 6)
volumes = st.builds(
    lambda x, y, radius_m, low, high, start, last: volume(
        (HOME[0] + x / 500, HOME[1] + y / 500),
        radius_m,
        (low * 20.0, (low + high) * 20.0 + 0.5),
        (start * 10.0, (start + last) * 10.0 + 0.5),
    ),
    numbers,
    numbers,
    st.floats(20.0, 400.0),
    numbers,
    numbers,
    numbers,
    numbers,
)


@given(st.lists(volumes, min_size=1, max_size=4), st.lists(volumes, min_size=1, max_size=4))
def test_against_distances_by_hand_and_never_more_than_the_cells_say(
    mine: list[UtmVolume], theirs: list[UtmVolume]
) -> None:
    def by_hand(one: UtmVolume, other: UtmVolume) -> float:
        """How far apart two circles are, infinite if they are never there at one time and height."""
        assert one.circle is not None
        assert other.circle is not None
        here, there = extent_of([one]), extent_of([other])
        if max(here.starts_s, there.starts_s) >= min(here.ends_s, there.ends_s):
            return math.inf
        if max(here.lower_m, there.lower_m) > min(here.upper_m, there.upper_m):
            return math.inf
        a, b = one.circle.centre, other.circle.centre
        _, _, apart_m = WGS84.inv(a.lng_deg, a.lat_deg, b.lng_deg, b.lat_deg)
        return float(apart_m) - one.circle.radius_m - other.circle.radius_m

    nearest_m = min(by_hand(one, other) for one in mine for other in theirs)
    found = sift(mine, [intent(1, *theirs)])
    if abs(nearest_m - 0.005) > 0.015:
        assert bool(found.real) is (nearest_m < 0)
    index = Index()
    index.put(ONE, theirs)
    if found.real:
        assert index.meeting(extent_of(mine)) == [ONE]

"""Encounters: forces pass a convoy that stands. When, how near, how long; and what is none."""

from __future__ import annotations

import math
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.geometry.earth import distance_m
from keepclear.watch.encounter import Encounter, encounters
from keepclear.watch.history import History
from keepclear.watch.path import Path
from tests.watch.reports import DATELINE, DESERT, MADE_UP, PLACES, Spot, act, history, minutes, moment, spot, track

GAP = 1_200.0


def buses(count: int = 11, place: tuple[float, float] = DESERT) -> list[History]:
    """A column along the road, standing, each bus reporting every ten minutes."""
    return [
        history(f"bus{k}", [(t, k * 50.0, 0.0) for t in range(0, 121, 10)], place=place, said=k) for k in range(count)
    ]


def forces(place: tuple[float, float] = DESERT) -> list[History]:
    """Two vehicles that pass 1 km to the north at 10 m/s, abreast of the first bus after an hour."""
    return [
        history(f"force{k}", [(t, 600.0 * (t - 60) - 100 * k, 1_000.0) for t in range(0, 121, 7)], place=place, said=50)
        for k in range(2)
    ]


@pytest.mark.parametrize("place", PLACES)
def test_forces_pass_a_standing_convoy(place: tuple[float, float]) -> None:
    (met,) = encounters(buses(place=place), forces(place), 2_000.0, GAP)
    # Abreast of the first bus at 60 min; 2 km is reached 1,732 m before it and left 1,732 m after the last.
    assert minutes(met.starts_at) == pytest.approx(60 - 1_732.05 / 600, abs=0.02)
    assert minutes(met.ends_at) == pytest.approx(60 + (1_732.05 + 500 + 100) / 600, abs=0.02)
    assert met.nearest_m == pytest.approx(1_000.0, abs=0.5)
    assert met.duration_s == (met.ends_at - met.starts_at).total_seconds()
    assert (met.open_start, met.open_end, met.synthetic) == (False, False, False)
    assert len(met.a_assets) == 11
    assert met.b_assets == ("force0", "force1")
    assert met.a_asset in met.a_assets
    assert act(50) in met.acts
    assert met.nearest_low_m == 0.0  # seven minutes at 10 m/s leave room for more than a kilometre
    assert met.nearest_high_m > 1_020.0


def test_frequent_reports_leave_little_doubt() -> None:
    force = history("force", [(t / 6, 100.0 * t - 36_000, 1_000.0) for t in range(721)])
    (met,) = encounters(buses(1), [force], 2_000.0, GAP)
    assert 940.0 < met.nearest_low_m < met.nearest_m < met.nearest_high_m < 1_060.0
    assert met.nearest_low_m <= met.nearest_m - 20.0 <= met.nearest_m + 20.0 <= met.nearest_high_m


def test_who_stays_farther_off_does_not_meet() -> None:
    assert encounters(buses(), forces(), 990.0, GAP) == ()


def test_two_groups_that_stand_near_one_another_do_not_meet() -> None:
    camp = [history("camp", [(t, 0.0, 500.0) for t in range(0, 121, 10)])]
    assert encounters(buses(), camp, 2_000.0, GAP) == ()
    jitter = [history("camp", [(t, t % 3 * 6.0, 500.0) for t in range(0, 121, 10)])]
    assert encounters(buses(), jitter, 2_000.0, GAP) == ()
    drives_off = [history("camp", [(t, 0.0 if t < 60 else 3_000.0, 500.0) for t in range(0, 121, 10)])]
    (met,) = encounters(buses(1), drives_off, 2_000.0, GAP)
    assert (met.open_start, met.open_end) == (True, False)


def test_nobody_meets_itself() -> None:
    force = forces()
    assert encounters(force, force[:1], 50.0, GAP) == ()
    assert len(encounters(force, force[:1], 150.0, GAP)) == 1


def test_nothing_is_said_of_a_gap() -> None:
    """The passing falls between two reports half an hour apart."""
    force = history("force", [(t, 600.0 * (t - 60), 1_000.0) for t in (0, 15, 30, 45, 75, 90)])
    assert encounters(buses(), [force], 2_000.0, GAP) == ()
    assert len(encounters(buses(), [force], 2_000.0, 1_800.0)) == 1


def test_an_encounter_the_reports_break_off_is_open_at_that_end() -> None:
    force = history("force", [(t, 600.0 * (t - 60), 1_000.0) for t in (53, 56, 59)])
    (met,) = encounters(buses(), [force], 2_000.0, GAP)
    assert (met.open_start, met.open_end) == (False, True)
    assert met.ends_at == moment(59)


def test_a_lone_report_counts_for_its_moment() -> None:
    force = history("force", [(25, 200.0, 1_000.0)])
    moving = history("bus0", [(t, 60.0 * t, 0.0) for t in range(0, 121, 10)])
    (met,) = encounters([moving], [force], 2_000.0, GAP)
    assert met.starts_at == met.ends_at == moment(25)
    assert met.open_start
    assert met.open_end
    assert encounters(buses(1), [force], 2_000.0, GAP) == ()  # neither is seen to move


def test_what_rests_on_made_up_positions_says_so() -> None:
    force = History("force", forces()[0].kind)
    force.add(track("force", [(t, 600.0 * (t - 60), 1_000.0) for t in range(0, 121, 7)], basis=MADE_UP), act(9))
    (met,) = encounters(buses(1), [force], 2_000.0, GAP)
    assert met.synthetic


def test_since_finds_an_open_encounter_whole_and_leaves_out_what_is_over() -> None:
    there_and_back = [history("force", [(t, 600.0 * (abs((t % 60) - 30) - 15), 1_000.0) for t in range(0, 121, 3)])]
    whole = encounters(buses(1), there_and_back, 2_000.0, GAP)
    assert len(whole) == 4
    for k, met in enumerate(whole):
        assert encounters(buses(1), there_and_back, 2_000.0, GAP, since=met.starts_at) == whole[k:]
    assert encounters(buses(1), there_and_back, 2_000.0, GAP, since=moment(115)) == ()


def test_it_does_not_matter_who_comes_first() -> None:
    (one,) = encounters(buses(), forces(), 2_000.0, GAP)
    (other,) = encounters(forces(), buses(), 2_000.0, GAP)
    assert (one.starts_at, one.ends_at, one.nearest_m) == (other.starts_at, other.ends_at, other.nearest_m)
    assert (one.a_assets, one.b_assets) == (other.b_assets, other.a_assets)


def test_groups_without_reports_do_not_meet() -> None:
    empty = History("bus", buses(1)[0].kind)
    assert encounters([empty], forces(), 2_000.0, GAP) == ()
    assert encounters([], [], 2_000.0, GAP) == ()


# ── the slow twin ────────────────────────────────────────────────────────────────────────────────────────────────────

journeys = st.lists(
    st.tuples(st.integers(1, 25), st.integers(-8_000, 8_000), st.integers(-8_000, 8_000)), min_size=1, max_size=5
)


def told(steps: list[tuple[int, int, int]]) -> list[Spot]:
    """Where it goes; by 50 m at least each time, for two that stand do not meet."""
    spots: list[Spot] = []
    at = 0
    for step, east, north in steps:
        at += step
        if spots and math.dist(spots[-1][1:], (east, north)) < 50.0:
            east += 100
        spots.append((float(at), float(east), float(north)))
    return spots


def apart(one: History, other: History, at: float) -> float | None:
    a, b = one.estimate(moment(at), GAP), other.estimate(moment(at), GAP)
    return None if a is None or b is None else distance_m(a.lat_deg, a.lon_deg, b.lat_deg, b.lon_deg)


@given(journeys, journeys, journeys, st.sampled_from(PLACES))
def test_agrees_with_dense_sampling(
    one: list[tuple[int, int, int]],
    two: list[tuple[int, int, int]],
    other: list[tuple[int, int, int]],
    place: tuple[float, float],
) -> None:
    ours = [history("one", told(one), place=place), history("two", told(two), place=place)]
    theirs = history("other", told(other), place=place)
    met = encounters(ours, [theirs], 3_000.0, GAP)
    for k in range(125):
        at = k + 0.4
        distances = [d for mine in ours if (d := apart(mine, theirs, at)) is not None]
        during = [each for each in met if minutes_of(each)[0] <= at <= minutes_of(each)[1]]
        if distances and min(distances) < 2_999.9:
            assert during
        for each in during:
            assert min(distances) < 3_000.1
            assert each.nearest_m <= min(distances) + 0.1
    for each in met:
        nearest = [d for mine in ours if (d := apart(mine, theirs, minutes_of(each)[2])) is not None]
        assert min(nearest) == pytest.approx(each.nearest_m, abs=0.1)


def minutes_of(met: Encounter) -> tuple[float, float, float]:
    begin, end, nearest = minutes(met.starts_at), minutes(met.ends_at), minutes(met.nearest_at)
    assert begin is not None
    assert end is not None
    assert nearest is not None
    return begin, end, nearest


@given(journeys, journeys, st.booleans())
def test_the_same_story_mirrored_across_the_antimeridian_ends_the_same(
    one: list[tuple[int, int, int]], other: list[tuple[int, int, int]], mirrored: bool
) -> None:
    flip = -1.0 if mirrored else 1.0

    def at(place: tuple[float, float], sign: float) -> tuple[Encounter, ...]:
        a = history("one", [(t, sign * x, y) for t, x, y in told(one)], place=place)
        b = history("other", [(t, sign * x, y) for t, x, y in told(other)], place=place)
        return encounters([a], [b], 3_000.0, GAP)

    here, there = at((-18.0, 40.0), 1.0), at(DATELINE, flip)
    assert [minutes_of(met)[:2] for met in here] == [pytest.approx(minutes_of(met)[:2], abs=0.01) for met in there]
    assert [met.nearest_m for met in here] == [pytest.approx(met.nearest_m, abs=0.1) for met in there]


def test_the_place_is_halfway() -> None:
    (met,) = encounters(buses(1), forces()[:1], 2_000.0, GAP)
    assert distance_m(met.lat_deg, met.lon_deg, *spot(DESERT, 0, 500)) < 2.0


# ── several authors on one asset ─────────────────────────────────────────────────────────────────────────────────────


def test_what_another_author_reports_neither_hides_nor_ends_an_encounter() -> None:
    column = [history("bus", [(t, 0, 0) for t in range(0, 61, 10)], author="desk")]
    comes = history("force", [(0, -12_000, 500), (60, 0, 500)], author="ground")
    (met,) = encounters(column, [comes], 2_000.0, 3_600.0)
    assert met.open_end
    goes = history("force", [(0, -12_000, 500), (60, 0, 500), (62, 40_000, 500)], author="another")
    (still,) = encounters(
        [*column, history("bus", [(t, 0, 0) for t in range(0, 71, 10)])], [comes, goes], 2_000.0, 3_600.0
    )
    assert still.open_end
    assert still.starts_at == met.starts_at
    assert still.nearest_m == pytest.approx(met.nearest_m, abs=0.01)
    nowhere = history("force", [(0, 90_000, 0), (60, 90_000, 0)], author="another")
    assert encounters(column, [comes, nowhere], 2_000.0, 3_600.0) == (met,)


@given(st.lists(st.tuples(st.integers(-9, 9), st.integers(-9, 9)), min_size=2, max_size=5), st.integers(0, 12))
def test_the_quick_look_passes_over_no_encounter(steps: list[tuple[int, int]], away: int) -> None:
    goes = history("force", [(10 * k, 1_000 * x + 1_000 * away, 1_000 * y) for k, (x, y) in enumerate(steps)])
    stands = history("bus", [(0, 0, 0), (10 * len(steps), 0, 0)])
    nearest = min(
        math.hypot(
            steps[k][0] + away + (steps[k + 1][0] - steps[k][0]) * s / 50,
            steps[k][1] + (steps[k + 1][1] - steps[k][1]) * s / 50,
        )
        for k in range(len(steps) - 1)
        for s in range(51)
    )
    if nearest < 2.9 and len(set(steps)) > 1:
        assert encounters([stands], [goes], 3_000.0, 3_600.0)


def test_of_who_cannot_come_near_no_path_is_drawn(monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[str] = []
    path_of = Path.of

    def noted(whole: History, max_gap_s: float, since: datetime | None = None) -> Path:
        drawn.append(whole.asset)
        return path_of(whole, max_gap_s, since)

    monkeypatch.setattr(Path, "of", noted)
    far = history("far", [(t, 600.0 * (t - 60), 60_000.0) for t in range(0, 121, 10)])
    assert encounters(buses(2), [far], 2_000.0, GAP) == ()
    assert drawn == []
    assert len(encounters(buses(2), [far, *forces()], 2_000.0, GAP)) == 1
    assert sorted(drawn) == ["bus0", "bus1", "force0", "force1"]


def test_the_nearest_moment_is_told_to_the_millisecond_within_the_encounter() -> None:
    (met,) = encounters(buses(1), forces()[:1], 2_000.0, GAP)
    assert met.nearest_at == moment(60)
    begun = history("force", [(56, -2_400, 1_000), (60.0000123, 7.38e-3, 1_000)])
    (open_,) = encounters(buses(1), [begun], 2_000.0, GAP)
    assert open_.starts_at <= open_.nearest_at <= open_.ends_at

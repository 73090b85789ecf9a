"""Encounters of groups and fences that move with them, against `encounters` of the same histories."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.geometry.earth import distance_m
from keepclear.geometry.kernels import LIBRARY
from keepclear.watch import company, live_encounters
from keepclear.watch.encounter import Encounter, encounters
from keepclear.watch.history import History
from keepclear.watch.live_encounters import Encounters, GroupFences, Stay
from keepclear.watch.live_findings import LiveFinding, LiveFindings, LiveKind
from keepclear.watch.live_groups import Following, Groups
from tests.rounds import rounds
from tests.watch.group_streams import Report, Stream, histories, seconds
from tests.watch.reports import DESERT, PLACES, group, spot

NEAR = 2_000.0
GAP = 7_200.0  # so that no report is a lone one
END = 100.0
CONVOY, FORCE = ("bus0", "bus1", "bus2"), ("force0", "force1")
HOW = [
    pytest.param("", marks=pytest.mark.skipif(LIBRARY is None, reason="no compiled kernels")),
    "_slowly",
]


def two_groups() -> Groups:
    one = group(CONVOY)
    return Groups.of([one, type(one)(id="force", name=one.name, members=group(FORCE).members)], fence_m=[NEAR, np.nan])


class Live:
    """A watch of two groups, or of the fence of one."""

    def __init__(self, *, hysteresis: float = 0.0, fence: bool = False) -> None:
        self.following = Following(two_groups())
        kind = GroupFences if fence else Encounters
        self.watch: Encounters | GroupFences = (
            kind(self.following, hysteresis=hysteresis, max_gap_s=GAP)
            if kind is GroupFences
            else Encounters(self.following, NEAR, hysteresis=hysteresis, max_gap_s=GAP)
        )
        self.ended: list[Stay] = []

    def feed(self, reports: list[Report], cuts: list[int], place: tuple[float, float] = DESERT) -> list[LiveFinding]:
        parts = []
        for batch, movers in Stream(place, GAP).batches(reports, cuts):
            parts.append(self.watch.hear(self.following.hear(batch, movers)))
            self.ended += self.watch.ended
        return list(LiveFindings.joined(parts))

    @property
    def stays(self) -> list[Stay]:
        going = self.watch.going_on if isinstance(self.watch, Encounters) else self.watch.within
        return sorted([*self.ended, *going], key=lambda stay: stay.start_s)


@st.composite
def streams(draw: st.DrawFn, assets: tuple[str, ...] = CONVOY + FORCE) -> list[Report]:
    """Movers that go to and fro and stand; all report at the beginning and at the end."""
    reports = []
    for k, asset in enumerate(assets):
        times = draw(st.lists(st.integers(1, int(END) - 1), max_size=9, unique=True))
        east = float(draw(st.sampled_from([0.0, 3_000.0, 8_000.0])))
        for t in [0.01 * k, *sorted(float(t) for t in times), END]:
            step = draw(st.sampled_from([0.0, 0.0, 3.0, 1_500.0, -1_500.0, 7_000.0, -9_000.0, 30_000.0]))
            reports.append(Report(asset, t, east, 111.0 * k, draw(st.sampled_from([0.0, 10.0, 200.0]))))
            east += step
    return sorted(reports, key=lambda report: report.minutes)


def members(known: dict[str, History], names: tuple[str, ...]) -> list[History]:
    return [known[name] for name in names]


def told_by_the_twin(met: tuple[Encounter, ...]) -> list[Encounter]:
    """Without those of no length: those of lone reports, and mere touches."""
    return [each for each in met if each.duration_s > 0.01]


def agree(stays: list[Stay], met: list[Encounter]) -> None:
    stays = [stay for stay in stays if stay.until_s - stay.start_s > 0.01]
    assert len(stays) == len(met)
    for stay, truth in zip(stays, met, strict=True):
        assert stay.began_s == pytest.approx(truth.starts_at.timestamp(), abs=0.02)
        assert stay.until_s == pytest.approx(truth.ends_at.timestamp(), abs=0.02)
        assert stay.nearest_m == pytest.approx(truth.nearest_m, abs=0.05)
        assert stay.low_m == pytest.approx(truth.nearest_low_m, abs=0.2)
        assert (stay.open_start, stay.open_end) == (truth.open_start, truth.open_end)


@pytest.mark.kernels
@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("place", PLACES)
@rounds(20)
@given(reports=streams(), cuts=st.lists(st.integers(0, 60)))
def test_encounters_are_those_of_the_twin(
    how: str, place: tuple[float, float], reports: list[Report], cuts: list[int]
) -> None:
    live = Live()
    with pytest.MonkeyPatch.context() as patch:
        if how:
            for name in ("near_balls", "meetings", "track_balls"):
                patch.setattr(company, "LIBRARY", None)
                patch.setattr(live_encounters, name, getattr(company, name))
        live.feed(reports, cuts, place)
    known = histories(reports, place)
    agree(live.stays, told_by_the_twin(encounters(members(known, CONVOY), members(known, FORCE), NEAR, GAP)))


@rounds(15)
@given(reports=streams(("bus0", "bus1", "bus2", "car")), cuts=st.lists(st.integers(0, 60)))
def test_the_fence_of_a_group_is_an_encounter_of_a_lone_mover(reports: list[Report], cuts: list[int]) -> None:
    live = Live(fence=True)
    live.feed(reports, cuts)
    known = histories(reports)
    truth = told_by_the_twin(encounters(members(known, CONVOY), [known["car"]], NEAR, GAP))
    stays = [stay for stay in live.stays if stay.until_s - stay.start_s > 0.01]
    # The twin asks that one of the two moves; a fence does not.
    for met in truth:
        assert any(
            stay.began_s == pytest.approx(met.starts_at.timestamp(), abs=0.02)
            and stay.until_s == pytest.approx(met.ends_at.timestamp(), abs=0.02)
            and stay.nearest_m == pytest.approx(met.nearest_m, abs=0.05)
            for stay in stays
        )
    assert len(stays) >= len(truth)


@pytest.mark.parametrize("fence", [False, True])
@rounds(15)
@given(reports=streams(), cuts=st.lists(st.integers(0, 60)))
def test_how_reports_are_cut_into_batches_changes_nothing(fence: bool, reports: list[Report], cuts: list[int]) -> None:
    found = Live(hysteresis=0.1, fence=fence).feed(reports, cuts)
    apart = Live(hysteresis=0.1, fence=fence).feed(reports, list(range(len(reports))))
    assert sorted(map(_rounded, found)) == sorted(map(_rounded, apart))


def _rounded(found: LiveFinding) -> tuple[str, str, str, float, float]:
    return found.kind.value, found.subject, found.other, round(found.t_s, 4), round(found.margin_m, 4)


@rounds(15)
@given(
    asked=st.lists(
        st.tuples(st.floats(-2e4, 2e4), st.floats(-2e4, 2e4), st.sampled_from([0.0, 5.0, 900.0, 3e4])), max_size=12
    ),
    there=st.lists(
        st.tuples(st.floats(-2e4, 2e4), st.floats(-2e4, 2e4), st.sampled_from([0.0, 5.0, 900.0, 3e4])), max_size=12
    ),
    near=st.sampled_from([0.0, 100.0, 5e3]),
)
def test_balls_that_come_near_are_found_and_no_others(
    asked: list[tuple[float, float, float]], there: list[tuple[float, float, float]], near: float
) -> None:
    one, other = (
        np.array([(x, y, x + y, r) for x, y, r in balls], dtype=np.float64).reshape(-1, 4) for balls in (asked, there)
    )
    teams = np.arange(len(one)) % 3, np.arange(len(other)) % 3
    found = company.near_balls(one, teams[0], other, teams[1], near)
    truth = company.near_balls_slowly(one, teams[0], other, teams[1], near)
    assert sorted(map(tuple, found.tolist())) == sorted(map(tuple, truth.tolist()))


def passing(until: int = 100, north: float = 1_000.0) -> list[Report]:
    """The convoy stands; two vehicles pass it at 10 m/s, abreast after an hour."""
    reports = [
        Report(asset, t + 0.01 * k, 50.0 * k, 0.0) for k, asset in enumerate(CONVOY) for t in range(0, until + 1, 10)
    ]
    reports += [
        Report(asset, t + 0.1 * k, 600.0 * (t + 0.1 * k - 60), north)
        for k, asset in enumerate(FORCE)
        for t in range(0, until + 1, 5)
    ]
    return sorted(reports, key=lambda report: report.minutes)


def test_forces_pass_a_standing_convoy() -> None:
    found = Live().feed(passing(), [])
    assert [f.kind for f in found] == [LiveKind.ENCOUNTER_BEGAN, LiveKind.ENCOUNTER_ENDED]
    began, ended = found
    assert (began.subject, began.other) == ("convoy", "force")
    assert began.t_s == pytest.approx(seconds(60 - 1_732.05 / 600), abs=1.0)
    assert ended.t_s == pytest.approx(seconds(60 + (1_732.05 + 100) / 600), abs=1.0)
    assert ended.margin_m == pytest.approx(1_000.0, abs=1.0)
    assert ended.value == pytest.approx(ended.t_s - began.t_s)
    assert distance_m(ended.lat_deg, ended.lon_deg, *spot(DESERT, 50.0, 500.0)) < 60.0


def test_one_that_hovers_about_the_distance_ends_no_encounter() -> None:
    """In at 1,900 m, out to 2,100 m, in again: one encounter with hysteresis, two without."""
    reports = [Report(asset, t + 0.01 * k, 0.0, 0.0) for k, asset in enumerate(CONVOY) for t in range(0, 101, 10)]
    north = [9_000.0, 1_900.0, 2_100.0, 1_900.0, 9_000.0, 9_000.0]
    reports += [Report("force0", 20.0 * k, 0.0, metres) for k, metres in enumerate(north)]
    reports = sorted(reports, key=lambda report: report.minutes)
    kinds = [LiveKind.ENCOUNTER_BEGAN, LiveKind.ENCOUNTER_ENDED]
    assert [f.kind for f in Live(hysteresis=0.1).feed(reports, [])] == kinds
    assert [f.kind for f in Live(hysteresis=0.0).feed(reports, [])] == kinds * 2


def test_two_that_stand_near_one_another_do_not_meet_but_are_within_the_fence() -> None:
    reports = [
        Report(asset, t + 0.01 * k, 100.0 * k, 0.0) for k, asset in enumerate(CONVOY + FORCE) for t in range(0, 61, 10)
    ]
    reports = sorted(reports, key=lambda report: report.minutes)
    assert Live().feed(reports, []) == []
    (came,) = Live(fence=True).feed(reports, [])
    assert (came.kind, came.subject, came.other) == (LiveKind.ENTERED, "force", "convoy")
    assert came.margin_m == pytest.approx(NEAR - 100.0, abs=1.0)


def test_silence_ends_an_encounter_with_the_reports() -> None:
    live = Live()
    live.feed(passing(until=60), [])
    assert len(live.watch.tick(seconds(175.0))) == 0
    (ended,) = list(live.watch.tick(seconds(181.0)))
    assert ended.kind is LiveKind.ENCOUNTER_ENDED
    assert ended.t_s == pytest.approx(seconds(60.0), abs=2.0)
    (stay,) = live.watch.ended
    assert stay.open_end


def test_of_a_gap_between_reports_nothing_is_said() -> None:
    """The force is on either side of the convoy, with three hours between: no encounter is made of that."""
    reports = [Report(asset, 10.0 * t + 0.01 * k, 0.0, 0.0) for k, asset in enumerate(CONVOY) for t in range(22)]
    reports += [Report("force0", t, east, 0.0) for t, east in ((0.0, -9_000.0), (5.0, -8_000.0), (190.0, 8_000.0))]
    assert Live().feed(sorted(reports, key=lambda report: report.minutes), []) == []

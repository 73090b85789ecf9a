"""Movers and lines they should not cross, against `watch_boundary` of the same histories."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.geometry.earth import distance_m
from keepclear.geometry.kernels import LIBRARY
from keepclear.model.base import Name
from keepclear.model.boundaries import Boundary
from keepclear.watch import live_boundaries, live_lines
from keepclear.watch.boundary import watch_boundary
from keepclear.watch.live_boundaries import Boundaries
from keepclear.watch.live_findings import LiveFinding, LiveFindings, LiveKind
from keepclear.watch.live_groups import Following, Groups
from tests.rounds import rounds
from tests.watch.group_streams import Report, Stream, histories, seconds
from tests.watch.reports import DESERT, PLACES, group, latlon, moment, spot

GAP = 1_200.0
HOW = [
    pytest.param("", marks=pytest.mark.skipif(LIBRARY is None, reason="no compiled kernels")),
    "_slowly",
]
ZIGZAG = [(0.0, -40_000.0), (500.0, -3_000.0), (-500.0, 2_000.0), (400.0, 9_000.0), (0.0, 40_000.0)]


def boundary(place: tuple[float, float] = DESERT, uncertainty_m: float = 50.0) -> Boundary:
    """A line that runs from south to north past the place, with bends."""
    return Boundary(
        id="line",
        name=Name(en="Line", ar="خط"),
        vertices=tuple(latlon(place, *each) for each in ZIGZAG),
        uncertainty_m=uncertainty_m,
        approach_m=4_000.0,
    )


class Live:
    """A watch of one group and one boundary."""

    def __init__(self, place: tuple[float, float] = DESERT, members: tuple[str, ...] = ("bus0", "bus1")) -> None:
        self.following = Following(Groups.of([group(members)]))
        self.watch = Boundaries(self.following, [boundary(place)], max_gap_s=GAP)

    def feed(self, reports: list[Report], cuts: list[int], place: tuple[float, float] = DESERT) -> list[LiveFinding]:
        parts = []
        for batch, movers in Stream(place, GAP).batches(reports, cuts):
            parts.append(self.watch.hear(self.following.hear(batch, movers)))
        return list(LiveFindings.joined(parts))


@st.composite
def streams(draw: st.DrawFn) -> list[Report]:
    """Two movers that come and go on either side of the line, with gaps."""
    reports = []
    for asset in ("bus0", "bus1"):
        t, north = draw(st.floats(0, 5)), float(draw(st.integers(-6_000, 10_000)))
        for _ in range(draw(st.integers(1, 12))):
            east = draw(
                st.sampled_from([-20_000.0, -9_000.0, -5_000.0, -2_000.0, -520.0, 30.0, 700.0, 3_000.0, 8_000.0])
            )
            reports.append(Report(asset, t, east, north, draw(st.sampled_from([5.0, 100.0, 1_000.0]))))
            t += draw(st.sampled_from([2.0, 10.0, 19.0, 19.0, 25.0]))
            north += draw(st.sampled_from([0.0, 500.0, -1_500.0]))
    return sorted(reports, key=lambda report: report.minutes)


@pytest.mark.kernels
@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("place", PLACES)
@rounds(20)
@given(reports=streams(), cuts=st.lists(st.integers(0, 40)))
def test_a_boundary_is_watched_as_the_twin_does(
    how: str, place: tuple[float, float], reports: list[Report], cuts: list[int]
) -> None:
    live = Live(place)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(live_boundaries, "legs_and_lines", getattr(live_lines, "legs_and_lines" + how))
        live.feed(reports, cuts, place)
    now = reports[-1].minutes
    truth = watch_boundary(histories(reports, place).values(), boundary(place), moment(now), max_gap_s=GAP)
    movers = range(len(live.following.names))
    runs = live.watch.near
    since = [float(runs.since_s[k]) for k in range(len(runs.keys)) if runs.count[k]]
    assert bool(since) == truth.approaching
    if truth.approaching_since is not None:
        assert min(since) == pytest.approx(truth.approaching_since.timestamp(), abs=1e-3)
    crossed = min(live.watch.crossed.values(), key=lambda each: (not each[1], each[0]), default=None)
    assert (crossed is None) == (truth.crossed_at is None)
    if crossed is not None and truth.crossed_at is not None:
        assert crossed[1] == truth.crossed_certain
        assert crossed[0] == pytest.approx(truth.crossed_at.timestamp(), abs=0.1)
    found = [each for mover in movers if (each := live.watch.nearest(mover, 0)) is not None]
    assert truth.nearest_m is not None
    if truth.nearest_m < 4_000.0:
        assert min(each.nearest_m for each in found) == pytest.approx(truth.nearest_m, abs=0.1)
        assert min(each.low_m for each in found) == pytest.approx(truth.nearest_low_m, abs=0.5)
    elif found:
        assert min(each.nearest_m for each in found) >= truth.nearest_m - 0.1


@rounds(15)
@given(reports=streams(), cuts=st.lists(st.integers(0, 40)))
def test_how_reports_are_cut_into_batches_changes_nothing(reports: list[Report], cuts: list[int]) -> None:
    found, apart = Live().feed(reports, cuts), Live().feed(reports, list(range(len(reports))))
    assert sorted(map(str, found)) == sorted(map(str, apart))


def kinds(found: list[LiveFinding]) -> list[LiveKind]:
    return [finding.kind for finding in found]


def test_a_bus_comes_near_crosses_and_goes_away() -> None:
    east = [-9_000.0, -6_000.0, -3_000.0, 3_000.0, 6_000.0]
    found = Live().feed([Report("bus0", 10.0 * k, metres, 0.0, 5.0) for k, metres in enumerate(east)], [])
    assert kinds(found) == [LiveKind.BOUNDARY_APPROACH, LiveKind.BOUNDARY_CROSSED, LiveKind.BOUNDARY_LEFT]
    approach, crossed, left = found
    # From 6 km to 3 km away in ten minutes: as far again in ten more. (The line's bend is 100 m west of the place.)
    assert approach.value == pytest.approx(600.0 * (3_000.0 - 100.0) / 3_000.0, rel=0.02)
    assert 1_000.0 < approach.margin_m < 1_300.0  # of 4 km, and what is uncertain
    assert crossed.value == 1.0
    assert seconds(20.0) < crossed.t_s < seconds(30.0)
    assert distance_m(crossed.lat_deg, crossed.lon_deg, *spot(DESERT, -100.0, 0.0)) < 150.0
    assert left.margin_m < 0.0


def test_a_crossing_that_becomes_certain_later_is_told_again() -> None:
    reports = [Report("bus0", 0.0, -3_000.0, 0.0, 5.0), Report("bus0", 5.0, 60.0, 0.0, 500.0)]
    live = Live()
    (first,) = [f for f in live.feed(reports, []) if f.kind is LiveKind.BOUNDARY_CROSSED]
    assert first.value == 0.0
    assert first.margin_m < 0.0
    assert next(iter(live.watch.crossed.values()))[1] is False
    live = Live()
    told = live.feed([*reports, Report("bus0", 10.0, 2_000.0, 0.0, 5.0)], [])
    assert [f.value for f in told if f.kind is LiveKind.BOUNDARY_CROSSED] == [0.0, 1.0]
    assert next(iter(live.watch.crossed.values())) == (first.t_s, True)


def test_there_and_back_in_the_dark_is_no_certain_crossing_and_none_is_seen_in_a_gap() -> None:
    over = [Report("bus0", 0.0, -3_000.0, 0.0, 5.0), Report("bus0", 5.0, 60.0, 0.0, 500.0)]
    back = [Report("bus0", 10.0, -3_000.0, 0.0, 5.0)]
    crossed = [f.value for f in Live().feed(over + back, []) if f.kind is LiveKind.BOUNDARY_CROSSED]
    assert crossed == [0.0, 0.0]
    gap = [Report("bus0", 0.0, -3_000.0, 0.0, 5.0), Report("bus0", 25.0, 3_000.0, 0.0, 5.0)]
    assert LiveKind.BOUNDARY_CROSSED not in kinds(Live().feed(gap, []))


def test_far_from_the_line_nothing_is_found_and_movers_of_no_group_are_not_watched() -> None:
    live = Live()
    assert live.feed([Report("bus0", 5.0 * k, 200_000.0 + 100.0 * k, 0.0) for k in range(9)], []) == []
    assert live.watch.nearest(0, 0) is None
    live = Live()
    assert live.feed([Report("car", 5.0 * k, 1_000.0 * (k - 4), 0.0) for k in range(9)], []) == []
    assert not len(live.watch.near.keys)

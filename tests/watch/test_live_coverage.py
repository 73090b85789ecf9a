"""Areas watched by sensors that move, against looking at many moments one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.errors import Malformed
from keepclear.geometry.earth import distance_m
from keepclear.model.coverage import CoverageState
from keepclear.watch.history import History, stray_m
from keepclear.watch.live_coverage import Coverage, WatchedArea
from keepclear.watch.live_findings import LiveFinding, LiveFindings, LiveKind
from tests.rounds import rounds
from tests.watch.group_streams import Report, Stream, histories, seconds
from tests.watch.reports import DESERT, PLACES, moment, spot

GAP = 1_200.0
SQUARE = ((-1_000.0, -1_000.0), (1_000.0, -1_000.0), (1_000.0, 1_000.0), (-1_000.0, 1_000.0))
FOOTPRINT = {"drone": 5_000.0, "plane": 9_000.0}


def areas(place: tuple[float, float] = DESERT) -> list[WatchedArea]:
    outline = [spot(place, *corner) for corner in SQUARE]
    return [
        WatchedArea(id="square", vertices=outline, sensors=("drone", "plane")),
        WatchedArea(id="circle", vertices=[spot(place, 2_000.0, 0.0)], radius_m=1_500.0, sensors=("plane",)),
    ]


def feed(
    coverage: Coverage, reports: list[Report], cuts: list[int], place: tuple[float, float] = DESERT
) -> list[LiveFinding]:
    return list(LiveFindings.joined(coverage.feed(*each) for each in Stream(place, GAP).batches(reports, cuts)))


@st.composite
def streams(draw: st.DrawFn) -> list[Report]:
    reports = []
    for asset in FOOTPRINT:
        t = draw(st.floats(0, 5))
        for _ in range(draw(st.integers(1, 10))):
            east = draw(st.sampled_from([-30_000.0, -6_000.0, -2_500.0, 0.0, 500.0, 4_000.0, 7_000.0]))
            reports.append(
                Report(asset, t, east, draw(st.sampled_from([0.0, 3_000.0])), draw(st.sampled_from([0.0, 300.0])))
            )
            t += draw(st.sampled_from([3.0, 10.0, 19.0, 30.0]))
    return sorted(reports, key=lambda report: report.minutes)


def seen(history: History | None, area: WatchedArea, radius_m: float, minutes: float) -> tuple[CoverageState, float]:
    """What one sensor shows of an area at a moment, and by how many metres that is far from being another state."""
    at = moment(minutes)
    estimate = history.estimate(at, GAP) if history is not None else None
    before, after = (history.last(at), history.following(at)) if history is not None else (None, None)
    if estimate is None or before is None or after is None:
        return CoverageState.UNKNOWN, np.inf
    length = distance_m(before.fix.lat_deg, before.fix.lon_deg, after.fix.lat_deg, after.fix.lon_deg)
    doubt = max(before.fix.uncertainty_m, after.fix.uncertainty_m) + stray_m(length, 0.5)
    farthest = max(distance_m(estimate.lat_deg, estimate.lon_deg, *vertex) for vertex in area.vertices)
    inside = radius_m - area.radius_m - farthest
    state = (
        CoverageState.WATCHED if inside >= doubt else CoverageState.GAP if inside < -doubt else CoverageState.UNKNOWN
    )
    return state, min(abs(inside - doubt), abs(inside + doubt))


@pytest.mark.parametrize("place", PLACES)
@rounds(15)
@given(reports=streams(), cuts=st.lists(st.integers(0, 30)))
def test_what_is_known_of_areas_is_what_every_moment_shows(
    place: tuple[float, float], reports: list[Report], cuts: list[int]
) -> None:
    coverage = Coverage(areas(place), FOOTPRINT, max_gap_s=GAP)
    feed(coverage, reports, cuts, place)
    coverage.tick(seconds(reports[-1].minutes + 60.0), Stream(place).movers)
    known = histories(reports, place)
    for k, area in enumerate(areas(place)):
        spans = coverage.spans(k, seconds(0.0), seconds(reports[-1].minutes + 1.0))
        for minutes in np.arange(0.137, reports[-1].minutes, 0.61).tolist():
            shown = [seen(known.get(sensor), area, FOOTPRINT[sensor], minutes) for sensor in area.sensors]
            if min(far for _, far in shown) < 1.0:
                continue  # too near a change to tell
            states = [state for state, _ in shown]
            truth = CoverageState.UNKNOWN
            if CoverageState.WATCHED in states:
                truth = CoverageState.WATCHED
            elif all(state is CoverageState.GAP for state in states):
                truth = CoverageState.GAP
            (found,) = [span.state for span in spans if span.start_s <= seconds(minutes) < span.end_s]
            assert found is truth


@rounds(15)
@given(reports=streams(), cuts=st.lists(st.integers(0, 30)))
def test_how_reports_are_cut_into_batches_changes_nothing(reports: list[Report], cuts: list[int]) -> None:
    found = feed(Coverage(areas(), FOOTPRINT, max_gap_s=GAP), reports, cuts)
    apart = feed(Coverage(areas(), FOOTPRINT, max_gap_s=GAP), reports, list(range(len(reports))))
    assert sorted(map(str, found)) == sorted(map(str, apart))


def test_a_drone_passes_over_an_area() -> None:
    area = WatchedArea(id="site", vertices=[DESERT], radius_m=500.0, sensors=["drone"])
    coverage = Coverage([area], {"drone": 2_000.0}, max_gap_s=GAP)
    found = feed(coverage, [Report("drone", t, -9_000.0 + 1_000.0 * t, 0.0, 0.0) for t in range(19)], [])
    assert [f.kind for f in found] == [
        LiveKind.COVERAGE_GAP,
        LiveKind.COVERAGE_ENDED,
        LiveKind.COVERAGE_BEGAN,
        LiveKind.COVERAGE_ENDED,
        LiveKind.COVERAGE_GAP,
    ]
    # A kilometre a minute, in reach for 1,500 m on either side, less 332 m that it may have strayed.
    began = found[2]
    assert began.t_s == pytest.approx(seconds(9.0 - (1.5 - 0.3317)), abs=1.0)
    assert found[3].t_s == pytest.approx(seconds(9.0 + (1.5 - 0.3317)), abs=1.0)
    assert began.subject == "site"
    assert began.margin_m > 0.0
    assert (began.lat_deg, began.lon_deg) == pytest.approx(DESERT)


def test_a_silent_sensor_is_no_gap_and_does_not_watch() -> None:
    area = WatchedArea(id="site", vertices=[DESERT], sensors=["drone"])
    coverage = Coverage([area], {"drone": 2_000.0}, max_gap_s=GAP)
    found = feed(coverage, [Report("drone", 0.0, 0.0, 0.0), Report("drone", 5.0, 0.0, 0.0)], [])
    assert [f.kind for f in found] == [LiveKind.COVERAGE_BEGAN]
    assert len(coverage.tick(seconds(24.0), Stream().movers)) == 0
    (ended,) = list(coverage.tick(seconds(26.0), Stream().movers))
    assert ended.kind is LiveKind.COVERAGE_ENDED
    assert ended.t_s == pytest.approx(seconds(5.0))
    assert ended.value == pytest.approx(300.0)
    states = [span.state for span in coverage.spans(0, seconds(-5.0), seconds(30.0))]
    assert states == [CoverageState.UNKNOWN, CoverageState.WATCHED, CoverageState.UNKNOWN]


def test_two_halves_are_not_the_whole_and_one_that_is_away_leaves_it_to_the_other() -> None:
    wide = WatchedArea(id="wide", vertices=[spot(DESERT, e, 0.0) for e in (-4_000.0, 4_000.0)], sensors=["a", "b"])
    still = [Report(name, t, east, 0.0) for t in (0.0, 5.0) for name, east in (("a", -4_000.0), ("b", 4_000.0))]
    coverage = Coverage([wide], {"a": 5_000.0, "b": 5_000.0}, max_gap_s=GAP)
    assert [f.kind for f in feed(coverage, still, [])] == [LiveKind.COVERAGE_GAP]
    coverage = Coverage([wide], {"a": 5_000.0, "b": 9_000.0}, max_gap_s=GAP)
    assert [f.kind for f in feed(coverage, still, [])] == [LiveKind.COVERAGE_BEGAN]


def test_what_was_told_can_be_forgotten() -> None:
    area = WatchedArea(id="site", vertices=[DESERT], radius_m=500.0, sensors=["drone"])
    coverage = Coverage([area], {"drone": 2_000.0}, max_gap_s=GAP)
    feed(coverage, [Report("drone", t, -9_000.0 + 1_000.0 * t, 0.0, 0.0) for t in range(19)], [])
    whole = coverage.spans(0, seconds(9.0), seconds(18.0))
    coverage.forget(seconds(9.0))
    assert coverage.spans(0, seconds(9.0), seconds(18.0)) == whole


@pytest.mark.parametrize(
    ("area", "footprint", "field"),
    [
        (WatchedArea(id="x", vertices=[DESERT], sensors=["a"]), {}, "areas[x].sensors"),
        (WatchedArea(id="x", vertices=[], sensors=["a"]), {"a": 1.0}, "areas[x].vertices"),
        (WatchedArea(id="x", vertices=[(91.0, 0.0)], sensors=["a"]), {"a": 1.0}, "areas[x].vertices[0].lat_deg"),
        (WatchedArea(id="x", vertices=[DESERT], sensors=["a"]), {"a": float("nan")}, "footprint_m[a]"),
    ],
)
def test_what_cannot_be_watched_is_refused(area: WatchedArea, footprint: dict[str, float], field: str) -> None:
    with pytest.raises(Malformed) as refusal:
        Coverage([area], footprint)
    assert refusal.value.field == field

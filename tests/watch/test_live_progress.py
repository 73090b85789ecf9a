"""Groups as their reports come in, against `assess` of the same histories: place, route, halts, silence."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.errors import Malformed
from keepclear.geometry.columns import Plans
from keepclear.geometry.earth import FloatArray, distance_m
from keepclear.geometry.kernels import LIBRARY
from keepclear.model.plans import Trajectory, Waypoint
from keepclear.watch import group_reports, live_groups
from keepclear.watch.group_reports import AT, MIDDLE, SPREAD_OF_DOUBT
from keepclear.watch.live_findings import LiveFinding, LiveFindings, LiveKind
from keepclear.watch.live_ground import latlon
from keepclear.watch.live_groups import Following, Groups
from keepclear.watch.live_lines import CHAINAGE, EXPECTED, LATE, OFF
from keepclear.watch.live_routes import Routes
from keepclear.watch.live_standing import Standing, halted_since_s, is_moving
from keepclear.watch.progress import assess
from tests.rounds import rounds
from tests.watch.group_streams import Report, Stream, histories, seconds
from tests.watch.reports import DESERT, PLACES, group, moment, spot

WAY = [(0.0, 0.0, 0.0), (30.0, 18_000.0, 0.0), (50.0, 18_000.0, 500.0), (90.0, 18_000.0, 30_000.0)]
"""Minutes, metres east, metres north; all but a halt from the 30th minute to the 50th."""


def plans(place: tuple[float, float] = DESERT) -> Plans:
    lat, lon = np.array([spot(place, east, north) for _, east, north in WAY]).T
    t = [seconds(minutes) for minutes, _, _ in WAY]
    return Plans.of_ways(["way"], [0, len(WAY)], t, lat, lon, np.zeros(len(WAY)))


def trajectory(place: tuple[float, float] = DESERT) -> Trajectory:
    points = []
    for minutes, east, north in WAY:
        lat, lon = spot(place, east, north)
        points.append(Waypoint(at=moment(minutes), lat_deg=lat, lon_deg=lon))
    return Trajectory(waypoints=tuple(points), buffer_m=0.0)


def declared(count: int, place: tuple[float, float] = DESERT) -> tuple[Groups, object]:
    value = group([f"bus{k}" for k in range(count)])
    groups = Groups.of([value], plans(place))
    object.__setattr__(groups, "route", np.zeros(1, dtype=np.int64))
    return groups, value


class Live:
    """What a watch of one group keeps."""

    def __init__(self, groups: Groups) -> None:
        self.following = Following(groups)
        self.standing = Standing(self.following)
        self.routes = Routes(self.following)

    def feed(self, reports: list[Report], cuts: list[int], place: tuple[float, float] = DESERT) -> list[LiveFinding]:
        parts: list[LiveFindings] = []
        for batch, movers in Stream(place).batches(reports, cuts):
            heard = self.following.hear(batch, movers)
            parts += [self.standing.hear(heard), self.routes.hear(heard)]
        return list(LiveFindings.joined(parts))


@st.composite
def streams(draw: st.DrawFn, members: int = 4, rounds: int = 14) -> list[Report]:
    """Members that go, stand, fall silent and come again, more or less along the way; in order of time."""
    reports = []
    for k in range(draw(st.integers(1, members))):
        t, east, north = draw(st.floats(0, 8)), -100.0 * k, float(draw(st.integers(-200, 200)))
        for _ in range(draw(st.integers(1, rounds))):
            reports.append(Report(f"bus{k}", t, east, north, draw(st.sampled_from([0.0, 10.0, 300.0]))))
            minutes = draw(st.sampled_from([3.0, 5.0, 7.0, 11.0, 200.0]))
            pace = draw(st.sampled_from([0.0, 0.0, 1.0, 500.0, 900.0]))
            t, east, north = t + minutes, east + pace * minutes, north + draw(st.sampled_from([0.0, 3.0, 2_000.0]))
    return sorted(reports, key=lambda report: report.minutes)


HOW = [
    pytest.param(group_reports.hear, marks=pytest.mark.skipif(LIBRARY is None, reason="no compiled kernels")),
    group_reports.hear_slowly,
]


@pytest.mark.kernels
@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("place", PLACES)
@rounds(15)
@given(reports=streams(), cuts=st.lists(st.integers(0, 60)))
def test_a_group_stands_as_the_twin_has_it(
    how: Callable[..., FloatArray], place: tuple[float, float], reports: list[Report], cuts: list[int]
) -> None:
    groups, value = declared(4, place)
    live = Live(groups)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(live_groups, "hear", how)
        live.feed(reports, cuts, place)
    now = reports[-1].minutes
    truth = assess(value, trajectory(place), histories(reports, place), moment(now))  # type: ignore[arg-type]
    row = live.following.row[0]
    assert truth.at is not None
    assert truth.lat_deg is not None
    assert truth.lon_deg is not None
    assert row[AT] == pytest.approx(truth.at.timestamp(), abs=1e-5)
    lat, lon = latlon(row[MIDDLE])
    assert distance_m(float(lat), float(lon), truth.lat_deg, truth.lon_deg) < 0.05
    assert row[SPREAD_OF_DOUBT] == pytest.approx(truth.uncertainty_m, abs=0.05)
    since = halted_since_s(live.following, 0)
    assert (since is None) == (truth.halted_since is None)
    if truth.halted_since is not None:
        assert since == pytest.approx(truth.halted_since.timestamp(), abs=1e-3)
    assert is_moving(live.following, 0) == truth.moving
    along = live.routes.along[0]
    assert along[OFF] == pytest.approx(truth.off_route_m, abs=0.1)
    assert along[EXPECTED] == pytest.approx(truth.expected_chainage_m, abs=0.1)
    if along[CHAINAGE] == pytest.approx(truth.chainage_m, abs=1.0):  # of two passages alike either may be meant
        assert along[LATE] == pytest.approx(truth.late_s, abs=5.0)


@rounds(15)
@given(reports=streams(), cuts=st.lists(st.integers(0, 60)))
def test_how_reports_are_cut_into_batches_changes_nothing(reports: list[Report], cuts: list[int]) -> None:
    groups, _ = declared(4)
    whole, one_by_one = Live(groups), Live(groups)
    found = whole.feed(reports, cuts)
    apart = one_by_one.feed(reports, list(range(len(reports))))
    assert sorted(map(str, found)) == sorted(map(str, apart))
    assert whole.following.row == pytest.approx(one_by_one.following.row, nan_ok=True)


def kinds(found: list[LiveFinding]) -> list[LiveKind]:
    return [finding.kind for finding in found]


def along_the_way(late_min: float = 0.0, off_m: float = 0.0, until: float = 90.0) -> list[Report]:
    """Four buses on the way, late or beside it from the 10th minute on."""
    reports = []
    for t in range(0, int(until) + 1, 5):
        due = t - (late_min if t > 10 else 0.0)
        east, north = (
            float(np.interp(due, [w[0] for w in WAY], [w[axis] for w in WAY]))
            + (off_m if t > 10 and axis == 2 else 0.0)
            for axis in (1, 2)
        )
        reports += [Report(f"bus{k}", t + 0.01 * k, east - 30.0 * k, north) for k in range(4)]
    return reports


def test_a_group_on_its_way_is_neither_late_nor_off_nor_found_halted_where_it_was_to_halt() -> None:
    groups, _ = declared(4)
    live = Live(groups)
    assert kinds(live.feed(along_the_way(), [])) == []
    assert live.routes.share(0) == pytest.approx(1.0, abs=0.01)


def test_late_is_found_with_place_and_margin() -> None:
    groups, _ = declared(4)
    found = Live(groups).feed(along_the_way(late_min=40.0), [])
    (late,) = [finding for finding in found if finding.kind is LiveKind.LATE]
    assert late.value > 1_800.0
    assert late.margin_m < 0.0
    assert late.subject == "convoy"
    assert distance_m(late.lat_deg, late.lon_deg, *DESERT) < 20_000.0


def test_off_route_is_entered_once_and_left_once() -> None:
    groups, _ = declared(4)
    reports = along_the_way(off_m=-6_000.0, until=30.0)
    reports += [Report(f"bus{k}", 35 + 0.01 * k, 18_000.0, 0.0) for k in range(4)]
    found = [f for f in Live(groups).feed(reports, []) if f.kind in (LiveKind.OFF_ROUTE, LiveKind.BACK_ON_ROUTE)]
    assert kinds(found) == [LiveKind.OFF_ROUTE, LiveKind.BACK_ON_ROUTE]
    assert found[0].margin_m < 0.0 < found[1].margin_m
    assert found[0].value > 5_000.0


def test_a_group_halts_and_moves_again() -> None:
    groups, _ = declared(3)
    reports = [Report(f"bus{k}", t + 0.1 * k, min(t, 20.0) * 300.0, 0.0) for t in range(0, 61, 5) for k in range(3)]
    reports += [
        Report(f"bus{k}", 70 + t + 0.1 * k, 6_000.0 + 600.0 * t, 0.0) for t in range(0, 11, 5) for k in range(3)
    ]
    found = [f for f in Live(groups).feed(reports, []) if f.kind in (LiveKind.HALTED, LiveKind.MOVING)]
    assert kinds(found) == [LiveKind.HALTED, LiveKind.MOVING]
    assert found[0].t_s == pytest.approx(seconds(50.1), abs=0.1)  # half an hour after more than half stood
    assert found[0].value >= 1_800.0


@pytest.mark.parametrize("ticks", [[], [60.0, 120.0, 240.0, 400.0]])
def test_lost_contact_is_of_the_same_moment_whether_or_not_anybody_looked(ticks: list[float]) -> None:
    groups, _ = declared(2)
    live = Live(groups)
    first, again = [Report("bus0", 0.0, 0.0, 0.0)], [Report("bus0", 500.0, 100.0, 0.0)]
    stream, parts = Stream(), []
    for batch, movers in stream.batches(first):
        parts.append(live.standing.hear(live.following.hear(batch, movers)))
    parts += [live.standing.tick(seconds(t)) for t in ticks]
    for batch, movers in stream.batches(again):
        parts.append(live.standing.hear(live.following.hear(batch, movers)))
    found = list(LiveFindings.joined(parts))
    assert kinds(found) == [LiveKind.LOST_CONTACT, LiveKind.HEARD_AGAIN]
    assert found[0].t_s == pytest.approx(seconds(180.0))
    assert found[1].value == pytest.approx(30_000.0)


def test_a_mover_of_two_groups_is_refused() -> None:
    one = group(["bus0"])
    with pytest.raises(Malformed) as refusal:
        Groups.of([one, type(one)(id="other", name=one.name, members=one.members)])
    assert refusal.value.field == "groups.members"

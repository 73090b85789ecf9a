"""Clearing airspace: who is affected, and who was where at T0."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from keepclear.model.acts import Inside, ResidualItem
from keepclear.model.base import Name
from keepclear.model.basis import DECLARED, Basis
from keepclear.model.groups import AssetKind
from keepclear.model.places import PlaceNames
from keepclear.model.plans import Plan, PlanKind, Trajectory, Waypoint
from keepclear.model.volumes import AltitudeBand, Circle, Polygon, Volume
from keepclear.watch.clearance import Affected, Why, affected, residual
from keepclear.watch.history import History
from tests.watch.reports import DESERT, MADE_UP, Spot, act, history, latlon, minutes, moment, spot, track, window

T0 = 60.0
"""The volume is to be clear from minute 60 to minute 300."""
BAND = AltitudeBand(lower_wgs84_m=0.0, upper_wgs84_m=6_000.0)
CIRCLE = Volume(area=Circle(centre=latlon(DESERT, 0, 0), radius_m=20_000.0), band=BAND, window=window(T0, 300))
BOX = Volume(
    area=Polygon(
        vertices=tuple(latlon(DESERT, x, y) for x, y in ((-20e3, -20e3), (20e3, -20e3), (20e3, 20e3), (-20e3, 20e3)))
    ),
    band=BAND,
    window=window(T0, 300),
)
BOTH = pytest.mark.parametrize("volume", [CIRCLE, BOX], ids=["circle", "box"])
OUT, IN = 30_000.0, 5_000.0


def drone(
    spots: Sequence[tuple[float, float]], *, heights: Sequence[float | None] | None = None, uncertainty_m: float = 50.0
) -> History:
    """A drone by minute and metres east of the middle."""
    whole: list[Spot] = [(t, east, 0.0) for t, east in spots]
    return history("drone", whole, kind=AssetKind.DRONE, heights=heights, uncertainty_m=uncertainty_m)


def at_t0(flown: History, volume: Volume = CIRCLE, since: float | None = None) -> ResidualItem:
    (item,) = residual(
        volume, ["drone"], {"drone": flown}, max_gap_s=900.0, since=None if since is None else moment(since)
    )
    return item


@BOTH
def test_inside_in_both_reports_around_t0(volume: Volume) -> None:
    item = at_t0(drone([(40, OUT), (55, IN), (65, IN)]), volume)
    assert item.status is Inside.INSIDE
    assert minutes(item.last_seen_at) == 65
    assert item.left_at is None
    assert item.evidence == (act(1),)


@BOTH
def test_left_before_t0(volume: Volume) -> None:
    item = at_t0(drone([(20, IN), (30, IN), (40, OUT), (55, OUT), (65, OUT)]), volume)
    assert item.status is Inside.LEFT
    assert minutes(item.left_at) == 40


@BOTH
def test_never_inside(volume: Volume) -> None:
    assert at_t0(drone([(0, OUT), (55, OUT), (65, OUT), (75, IN)]), volume).status is Inside.OUTSIDE


@BOTH
@pytest.mark.parametrize("ends", [(IN, OUT), (OUT, IN)], ids=["out of it", "into it"])
def test_who_crosses_around_t0_is_unknown(volume: Volume, ends: tuple[float, float]) -> None:
    item = at_t0(drone([(40, ends[0]), (55, ends[0]), (65, ends[1])]), volume)
    assert item.status is Inside.UNKNOWN
    assert item.left_at is None


@BOTH
def test_who_passes_through_around_t0_is_unknown(volume: Volume) -> None:
    assert at_t0(drone([(40, -OUT), (55, -OUT), (65, OUT)]), volume).status is Inside.UNKNOWN
    beside = history("drone", [(55, -OUT, 25_000), (65, OUT, 25_000)], kind=AssetKind.DRONE)
    assert at_t0(beside, volume).status is Inside.OUTSIDE


def test_a_report_at_t0_decides_alone() -> None:
    assert at_t0(drone([(T0, IN), (65, OUT)])).status is Inside.INSIDE
    assert at_t0(drone([(55, IN), (T0, OUT), (65, IN)])).status is Inside.LEFT
    assert minutes(at_t0(drone([(55, IN), (T0, OUT)])).left_at) == T0
    assert at_t0(drone([(T0, OUT)])).status is Inside.OUTSIDE


@pytest.mark.parametrize(
    "spots",
    [
        [(40, IN), (55, IN)],
        [(40, OUT), (55, OUT)],
        [(65, IN)],
        [(65, OUT)],
        [(52, IN), (68, IN)],
        [(52, OUT), (68, OUT)],
    ],
    ids=["silent inside", "silent outside", "first seen inside", "first seen outside", "gap inside", "gap outside"],
)
def test_reports_that_do_not_bracket_t0_closely_leave_it_unknown(spots: list[tuple[float, float]]) -> None:
    assert at_t0(drone(spots)).status is Inside.UNKNOWN


def test_a_gap_of_just_the_length_allowed_will_do() -> None:
    assert at_t0(drone([(52, IN), (67, IN)])).status is Inside.INSIDE


def test_an_asset_never_heard_of_is_unknown() -> None:
    assert residual(CIRCLE, ["ghost"], {}) == (ResidualItem(asset="ghost", status=Inside.UNKNOWN),)
    assert at_t0(History("drone", AssetKind.DRONE)).last_seen_at is None


@BOTH
@pytest.mark.parametrize(
    ("heights", "status"),
    [
        ([3_000.0, 3_000.0], Inside.INSIDE),
        ([6_000.0, 6_000.0], Inside.INSIDE),
        ([6_000.1, 6_000.1], Inside.OUTSIDE),
        ([None, None], Inside.INSIDE),
        ([7_000.0, None], Inside.UNKNOWN),
        ([7_000.0, 5_000.0], Inside.UNKNOWN),
        ([7_000.0, -100.0], Inside.UNKNOWN),
    ],
    ids=["in the band", "at its top", "above it", "unknown", "above, then unknown", "descending", "through the band"],
)
def test_height(volume: Volume, heights: list[float | None], status: Inside) -> None:
    assert at_t0(drone([(55, IN), (65, IN)], heights=heights), volume).status is status


def test_within_the_uncertainty_counts_as_inside() -> None:
    assert at_t0(drone([(55, 20_400), (65, 20_400)], uncertainty_m=500.0)).status is Inside.INSIDE
    assert at_t0(drone([(55, 20_600), (65, 20_600)], uncertainty_m=500.0)).status is Inside.OUTSIDE


def test_who_left_before_the_request_did_not_leave_because_of_it() -> None:
    flown = drone([(0, IN), (10, OUT), (30, OUT), (55, OUT), (65, OUT)])
    assert at_t0(flown).status is Inside.LEFT
    assert at_t0(flown, since=30).status is Inside.OUTSIDE
    assert at_t0(flown, since=5).status is Inside.LEFT  # still inside in the last report before the request


def test_made_up_reports_are_labelled() -> None:
    flown = drone([(55, IN)])
    flown.add(track("drone", [(65, IN, 0)], kind=AssetKind.DRONE, basis=MADE_UP), act(2))
    item = at_t0(flown)
    assert item.synthetic
    assert item.evidence == (act(1), act(2))
    assert not at_t0(drone([(55, IN), (65, IN)])).synthetic


def test_three_aircraft_that_leave_at_different_times() -> None:
    flights = {
        "first": history("first", [(t, IN if t < 30 else OUT, 0) for t in range(0, 91, 5)], kind=AssetKind.DRONE),
        "second": history("second", [(t, IN if t < 50 else OUT, 0) for t in range(0, 91, 5)], kind=AssetKind.DRONE),
        "third": history("third", [(t, IN if t < 80 else OUT, 0) for t in range(0, 91, 5)], kind=AssetKind.DRONE),
    }
    items = residual(CIRCLE, flights, flights)
    assert [(item.asset, item.status, minutes(item.left_at)) for item in items] == [
        ("first", Inside.LEFT, 30),
        ("second", Inside.LEFT, 50),
        ("third", Inside.INSIDE, None),
    ]


# ── who is affected ──────────────────────────────────────────────────────────────────────────────────────────────────


def flight(
    stops: Sequence[tuple[float, float, float | None]] = (),
    *,
    kind: PlanKind = PlanKind.FLIGHT,
    volumes: Sequence[Volume] = (),
    assets: tuple[str, ...] = ("drone",),
    basis: Basis = DECLARED,
    **slack: float,
) -> Plan:
    points = [(t, *spot(DESERT, east, 0), height) for t, east, height in stops]
    way = (
        Trajectory(
            waypoints=tuple(
                Waypoint(at=moment(t), lat_deg=lat, lon_deg=lon, alt_wgs84_m=height) for t, lat, lon, height in points
            ),
            buffer_m=slack.pop("buffer_m", 0.0),
            **slack,
        )
        if stops
        else None
    )
    return Plan(
        id="watching",
        kind=kind,
        name=Name(en="Watching", ar="مراقبة"),
        window=window(0, 600),
        band=AltitudeBand(lower_wgs84_m=1_000.0, upper_wgs84_m=2_000.0),
        trajectory=way,
        volumes=tuple(volumes),
        names=(PlaceNames(grid="37SDU882603", nearest=Name(en="Well", ar="بئر"), bearing_deg=10.0, distance_m=5.0),),
        assets=assets,
        basis=basis,
    )


def touched(plan: Plan) -> list[Affected]:
    return affected(CIRCLE, [], {act(5): plan}, moment(0))


def test_a_flight_planned_through_the_volume_is_affected() -> None:
    (found,) = touched(flight([(60, -40_000, 3_000), (120, 40_000, 3_000)]))
    assert (found.asset, found.plan, found.why) == ("drone", "watching", Why.PLANNED_INSIDE)
    assert minutes(found.since) == pytest.approx(75, abs=0.1)
    assert found.act_ids == (act(5),)
    assert not found.synthetic


UNTOUCHED = {
    "over before": flight([(0, -40_000, 3_000), (15, 0, 3_000)]),
    "passes beside": flight([(60, 21_000, 3_000), (120, 40_000, 3_000)]),
    "passes above": flight([(60, -40_000, 6_001), (120, 40_000, 6_001)]),
    "on the ground": flight([(60, -40_000, 100), (120, 40_000, 100)], kind=PlanKind.GROUND_MOVEMENT),
    "another closure": flight(kind=PlanKind.CLOSURE, volumes=[CIRCLE]),
    "volume at another time": flight(volumes=[Volume(area=CIRCLE.area, band=BAND, window=window(0, T0))]),
    "volume elsewhere": flight(
        volumes=[
            Volume(area=Circle(centre=latlon(DESERT, 50_000, 0), radius_m=29_000.0), band=BAND, window=window(60, 90))
        ]
    ),
    "volume above": flight(
        volumes=[
            Volume(
                area=CIRCLE.area,
                band=AltitudeBand(lower_wgs84_m=6_001.0, upper_wgs84_m=7_000.0),
                window=window(60, 90),
            )
        ]
    ),
}


@pytest.mark.parametrize("name", UNTOUCHED)
def test_plans_that_keep_out_are_not_affected(name: str) -> None:
    assert touched(UNTOUCHED[name]) == []


def test_buffers_and_delays_count() -> None:
    assert len(touched(flight([(60, 21_000, 3_000), (120, 40_000, 3_000)], buffer_m=1_100.0))) == 1
    assert len(touched(flight([(60, -40_000, 6_100), (120, 40_000, 6_100)], vertical_buffer_m=100.0))) == 1
    assert len(touched(flight([(0, -40_000, 3_000), (15, 0, 3_000)], late_s=3_600.0))) == 1


def test_a_block_of_air_planned_for_watching_is_affected_and_may_name_no_aircraft() -> None:
    block = Volume(area=CIRCLE.area, band=BAND, window=window(0, 90))
    (found,) = touched(flight(kind=PlanKind.OBSERVATION, volumes=[block], assets=(), basis=MADE_UP))
    assert (found.asset, found.plan, minutes(found.since), found.synthetic) == (None, "watching", 60, True)


def test_who_was_last_reported_inside_is_affected() -> None:
    inside, outside = drone([(0, OUT), (10, IN)]), history("far", [(10, OUT, 0)], kind=AssetKind.AIRCRAFT)
    (found,) = affected(CIRCLE, [outside, inside], {}, moment(20))
    assert (found.asset, found.why, minutes(found.since)) == ("drone", Why.REPORTED_INSIDE, 10)
    assert found.act_ids == (act(1),)


@pytest.mark.parametrize(
    "flown",
    [
        drone([(0, IN), (10, OUT)]),
        drone([(-60, IN)]),
        drone([(30, IN)]),
        drone([(10, IN)], heights=[6_500.0]),
        History("drone", AssetKind.DRONE),
    ],
    ids=["gone", "an old report", "not yet reported", "above", "no report"],
)
def test_who_is_not_affected(flown: History) -> None:
    assert affected(CIRCLE, [flown], {}, moment(20)) == []


# ── what others report ───────────────────────────────────────────────────────────────────────────────────────────────

STAYED = [(t, IN) for t in (40, 55, 65)]
LEFT = [(40, IN), (45, OUT), (55, OUT), (65, OUT)]
NEVER = [(40, OUT), (55, OUT), (65, OUT)]
SILENT = [(40, IN)]


@pytest.mark.parametrize(
    ("own", "other", "status"),
    [
        (STAYED, LEFT, Inside.INSIDE),
        (STAYED, STAYED, Inside.INSIDE),
        (STAYED, SILENT, Inside.INSIDE),
        (LEFT, NEVER, Inside.LEFT),
        (LEFT, SILENT, Inside.LEFT),
        (LEFT, STAYED, Inside.UNKNOWN),
        (NEVER, LEFT, Inside.OUTSIDE),
        (NEVER, STAYED, Inside.UNKNOWN),
        (SILENT, LEFT, Inside.UNKNOWN),
        (SILENT, NEVER, Inside.UNKNOWN),
        (SILENT, STAYED, Inside.INSIDE),
    ],
)
def test_others_add_a_doubt_and_take_none_away(
    own: list[tuple[float, float]], other: list[tuple[float, float]], status: Inside
) -> None:
    (item,) = residual(
        CIRCLE, ["drone"], {"drone": drone(own)}, others={"drone": [drone(NEVER), drone(other)]}, max_gap_s=900.0
    )
    assert item.status is status
    assert (item.left_at is not None) == (status is Inside.LEFT)

"""Whose reports count: a spoofed source may add a warning, never remove one."""

from __future__ import annotations

from collections.abc import Callable

import msgspec
import pytest

from keepclear.errors import Malformed
from keepclear.line import movement, view
from keepclear.line.clearing import affected_now, residual_now
from keepclear.line.duties import duties
from keepclear.line.groups import declared
from keepclear.line.procedure import MOST_BOUNDARIES
from keepclear.model import acts as a
from keepclear.model.basis import Basis, BasisKind
from keepclear.model.boundaries import Boundary
from keepclear.model.findings import FindingKind
from keepclear.model.groups import AssetKind
from keepclear.model.places import LatLon
from keepclear.model.plans import Plan, PlanKind
from keepclear.model.tracks import SensorClass, Track
from keepclear.model.volumes import Polygon, Volume
from tests.line.cast import (
    AVOIDANCE,
    BAND,
    DESK,
    STALL,
    Node,
    World,
    at,
    clear_request,
    drone,
    group,
    name,
    names,
    notice,
    track,
    window,
    words,
)

SEEN = Basis(kind=BasisKind.OBSERVED)
LAT, LON = STALL
FAR = (LAT, LON + 1.0)


def hear(world: World, who: str, act: a.Act, line: str = AVOIDANCE) -> None:
    """What Russia says, heard by another's node; its own node does not hold it to the rules."""
    world[who].hear(world["russia"].say("russia", act, line, own=False))


def bird(*fixes: tuple[float, float, float], **more: object) -> Track:
    fields: dict[str, object] = {"basis": SEEN, "sensor": SensorClass.GROUND, "uncertainty_m": 0.0}
    return track("drone-1", AssetKind.DRONE, *fixes, **(fields | more))  # type: ignore[arg-type]


def by_its_own(*minutes: float, lon: float = LON) -> Track:
    return drone("drone-1", *((minute, LAT, lon) for minute in minutes))


# ── who was inside ───────────────────────────────────────────────────────────────────────────────────────────────────


def asked(*own: Track) -> tuple[World, str]:
    """Russia asked; the Coalition's drone-1 reported itself over the volume before, and after T0 what is given."""
    world = World()
    node = world["coalition"]
    node.say("coalition", a.Positions(tracks=(by_its_own(-5),)))
    request = world["russia"].say("russia", clear_request())
    node.hear(request)
    node.do_duties()
    world.set(at(65))
    node.say("coalition", a.Positions(tracks=own))
    return world, request.id


def status(world: World, request: str) -> a.ResidualItem:
    (item,) = residual_now(world["coalition"].state, request, "coalition", world["coalition"].now)
    return item


@pytest.mark.parametrize(
    "lie",
    [
        bird((59.99, 40.0, 45.0), (60.01, 40.0, 45.0), alt=5000.0),
        bird((40, *FAR), (50, *FAR), (62, *FAR)),
        bird((40, *FAR), (50, *FAR), (62, *FAR), basis=Basis(kind=BasisKind.DECLARED), sensor=SensorClass.TRACKER),
    ],
    ids=["around T0", "the same moments, surer", "as if by itself"],
)
def test_no_others_report_clears_who_was_inside(lie: Track) -> None:
    world, request = asked(by_its_own(40, 50, 62))
    assert status(world, request).status is a.Inside.INSIDE
    hear(world, "coalition", a.Positions(tracks=(lie,)))
    assert status(world, request).status is a.Inside.INSIDE


def test_where_own_reports_are_missing_others_do_not_clear() -> None:
    world, request = asked(by_its_own(10))
    assert status(world, request).status is a.Inside.UNKNOWN
    hear(world, "coalition", a.Positions(tracks=(bird((50, *FAR), (62, *FAR)),)))
    assert status(world, request).status is a.Inside.UNKNOWN
    seen = a.Positions(tracks=(bird((50, LAT, LON), (62, LAT, LON)),))
    world["coalition"].hear(world["convoy"].say("convoy", seen, DESK))
    assert status(world, request).status is a.Inside.INSIDE


def test_others_who_saw_it_inside_make_that_it_left_a_doubt() -> None:
    world, request = asked(by_its_own(40), by_its_own(50, 62, lon=FAR[1]))
    left = status(world, request)
    assert (left.status, left.left_at) == (a.Inside.LEFT, at(50))
    hear(world, "coalition", a.Positions(tracks=(bird((59, LAT, LON), (61, LAT, LON)),)))
    doubt = status(world, request)
    assert (doubt.status, doubt.left_at) == (a.Inside.UNKNOWN, None)
    assert set(left.evidence) < set(doubt.evidence)


@pytest.mark.parametrize(
    "lie",
    [
        track("drone-1", AssetKind.BUS, (-300, 0.0, 0.0)),
        bird((-0.5, 0.0, 0.0), sensor=SensorClass.SATELLITE),
        bird((-2, 0.0, 0.0), (-1, 0.0, 0.0)),
    ],
    ids=["called a bus", "a newer report", "the same moments"],
)
@pytest.mark.parametrize("first", [True, False], ids=["before", "after"])
def test_no_others_report_hides_who_is_affected(lie: Track, first: bool) -> None:
    world = World()
    node = world["coalition"]
    if first:
        hear(world, "coalition", a.Positions(tracks=(lie,)))
    node.say("coalition", a.Positions(tracks=(by_its_own(-2, -1),)))
    if not first:
        hear(world, "coalition", a.Positions(tracks=(lie,)))
    hear(world, "coalition", clear_request())
    node.do_duties()
    (found,) = node.findings(FindingKind.AFFECTED)
    assert found.subjects == ("coalition", "drone-1")
    (shown,) = view.picture(node.state, node.now).assets
    assert (shown.kind, shown.reported_by, shown.lat_deg) == (AssetKind.DRONE, "coalition", LAT)


def test_others_may_show_that_an_aircraft_is_affected() -> None:
    world = World()
    node = world["coalition"]
    node.say("coalition", a.Positions(tracks=(by_its_own(-1, lon=FAR[1]),)))
    hear(world, "coalition", clear_request())
    (request,) = node.state.requests
    thread = node.state.threads[request]
    assert affected_now(node.state, thread, "coalition", node.now) == []
    hear(world, "coalition", a.Positions(tracks=(bird((-1, LAT, LON)),)))
    assert [each.asset for each in affected_now(node.state, thread, "coalition", node.now)] == ["drone-1"]


# ── how a group stands ───────────────────────────────────────────────────────────────────────────────────────────────


def convoy() -> tuple[World, Node]:
    """Two buses, as their own desk reports them, standing since minute -40."""
    world = World()
    node = world["convoy"]
    convoy = msgspec.structs.replace(group("buses", 2), silent_after_s=1800.0, halted_after_s=600.0)
    node.say("convoy", a.DeclareGroup(group=convoy), DESK)
    say_where(node, -40, -20, 0)
    node.do_duties()
    return world, node


def say_where(node: Node, *minutes: float) -> None:
    spots = [(minute, 34.7, 39.4) for minute in minutes]
    tracks = tuple(track(f"bus-{n}", AssetKind.BUS, *spots) for n in (1, 2))
    node.say("convoy", a.Positions(tracks=tracks), DESK)


def open_findings(node: Node) -> set[str]:
    found = (node.state.finding(key) for key in node.state.findings)
    kinds = {each.kind for each in found if each is not None and each.until is None}
    return {kind.value for kind in kinds - {FindingKind.LINE_UNCHECKED, FindingKind.LINE_DOWN}}


def both(*fixes: tuple[float, float, float]) -> a.Positions:
    tracks = (
        track(f"bus-{n}", AssetKind.BUS, *fixes, basis=SEEN, sensor=SensorClass.GROUND, uncertainty_m=0.0)
        for n in (1, 2)
    )
    return a.Positions(tracks=tuple(tracks))


def test_others_do_not_set_a_halted_group_moving() -> None:
    world, node = convoy()
    assert "halted" in open_findings(node)
    hear(world, "convoy", both((-15, 34.0, 39.0), (-8, 34.3, 39.2), (-1, 34.9, 39.9), (0, 35.0, 40.0)), DESK)
    node.do_duties()
    assert "halted" in open_findings(node)
    (shown,) = view.picture(node.state, node.now).groups
    assert shown.state == "halted"


@pytest.mark.parametrize("said", ["ahead", "later"])
def test_others_do_not_hide_that_contact_is_lost(said: str) -> None:
    world, node = convoy()
    if said == "ahead":
        hear(world, "convoy", both(*((minute, 34.7, 39.4) for minute in range(5, 1250, 5))), DESK)
    world.set(at(1200))
    if said == "later":
        hear(world, "convoy", both((1199, 34.7, 39.4)), DESK)
    node.do_duties()
    assert "lost_contact" in open_findings(node)
    say_where(node, 1200)
    node.do_duties()
    assert "lost_contact" not in open_findings(node)


def test_what_lies_ahead_of_its_saying_was_seen_by_nobody() -> None:
    _, node = convoy()
    say_where(node, 0.05, 30)  # three seconds are within what clocks may differ
    history = node.state.histories["bus-1"]["convoy"]
    assert [report.fix.at for report in history.between()] == [at(-40), at(-20), at(0), at(0.05)]
    say_where(node, 40)
    assert len(history) == 4


def test_of_a_member_its_declarer_is_silent_about_others_tell() -> None:
    world = World()
    node = world["coalition"]
    node.say("coalition", a.DeclareGroup(group=group("buses", 2)), DESK)
    hear(world, "coalition", both((-90, 34.7, 39.4), (0, 34.7, 39.4)), DESK)
    own = declared(node.state, ("coalition", "buses"))
    assert own is not None
    assert movement.stand(node.state, own, node.now).state == "halted"
    assert {shown.reported_by for shown in view.picture(node.state, node.now).assets} == {"russia"}


# ── what comes near ──────────────────────────────────────────────────────────────────────────────────────────────────


def border(number: int = 0, *points: tuple[float, float]) -> a.DeclareBoundary:
    ends = points or ((34.75, 39.0), (34.75, 40.0))
    return a.DeclareBoundary(
        boundary=Boundary(
            id=f"border-{number}",
            name=name("border"),
            vertices=tuple(LatLon(lat_deg=lat, lon_deg=lon) for lat, lon in ends),
            uncertainty_m=0.0,
            approach_m=20_000.0,
        )
    )


def test_others_do_not_end_an_approach_but_may_show_one() -> None:
    world, node = convoy()
    node.say("convoy", border(), DESK)
    node.do_duties()
    assert "boundary_approach" in open_findings(node)
    hear(world, "convoy", both((0, 30.0, 30.0)), DESK)
    node.do_duties()
    assert "boundary_approach" in open_findings(node)

    world, node = convoy()
    node.say("convoy", border(0, (36.0, 39.0), (36.0, 40.0)), DESK)
    node.do_duties()
    assert "boundary_approach" not in open_findings(node)
    hear(world, "convoy", both((0, 35.95, 39.5)), DESK)
    node.do_duties()
    assert "boundary_approach" in open_findings(node)


def test_others_do_not_end_an_encounter() -> None:
    world, node = convoy()
    force = msgspec.structs.replace(group("force", 1), members=(group("x", 1).members[0],))
    force = msgspec.structs.replace(force, members=(msgspec.structs.replace(force.members[0], asset="gf-1"),))
    node.say("ground", a.DeclareGroup(group=force), DESK)
    near = track("gf-1", AssetKind.GROUND_FORCE, (-20, 34.7, 39.6), (0, 34.71, 39.4))
    node.say("ground", a.Positions(tracks=(near,)), DESK)
    node.do_duties()
    assert "encounter" in open_findings(node)
    world.set(at(2))
    away = track("gf-1", AssetKind.GROUND_FORCE, (-20, 34.7, 39.6), (0, 34.71, 39.4), (2, 36.0, 39.4))
    hear(world, "convoy", a.Positions(tracks=(away,)), DESK)
    node.do_duties()
    assert "encounter" in open_findings(node)


# ── nothing said makes a node fail, or stand still ───────────────────────────────────────────────────────────────────


def plan_of(plan_id: str, area: Polygon) -> Plan:
    return Plan(
        id=plan_id,
        kind=PlanKind.FLIGHT,
        name=name("plan"),
        window=window(),
        band=BAND,
        volumes=(Volume(area=area, band=BAND, window=window()),),
        names=(names(),),
    )


def square(lat: float, lon: float) -> Polygon:
    corners = ((-0.5, -0.5), (-0.5, 0.5), (0.5, 0.5), (0.5, -0.5))
    return Polygon(vertices=tuple(LatLon(lat_deg=lat + y, lon_deg=lon + x) for y, x in corners))


HERE, BELOW = square(LAT, LON), square(-LAT, LON - 180.0)


def antipodal_members(world: World) -> None:
    hear(world, "coalition", a.DeclareGroup(group=group("g", 2)))
    tracks = (track("bus-1", AssetKind.BUS, (-5, 0.0, 0.0)), track("bus-2", AssetKind.BUS, (-5, 0.0, 180.0)))
    hear(world, "coalition", a.Positions(tracks=tracks))


def antipodal_plans(world: World) -> None:
    world["coalition"].say("coalition", notice(("russia",), plan=plan_of("mine", HERE)))
    hear(world, "coalition", notice(("coalition",), plan=plan_of("theirs", BELOW)))


def antipodal_request(world: World) -> None:
    world["coalition"].say("coalition", notice(("russia",), plan=plan_of("mine", HERE)))
    volume = Volume(area=BELOW, band=BAND, window=window())
    hear(
        world,
        "coalition",
        a.ClearRequest(to=("coalition",), volume=volume, names=(names(),), why=words(), answer_by=at(30)),
    )


@pytest.mark.parametrize("attack", [antipodal_members, antipodal_plans, antipodal_request])
def test_what_lies_round_the_earth_stops_nothing(attack: Callable[[World], None]) -> None:
    world = World()
    attack(world)
    node = world["coalition"]
    said = node.do_duties()
    assert not any(isinstance(act, a.Noticed) and act.finding.kind is FindingKind.CONFLICT for act in said)
    assert all(found.values["count"] == 0.0 for found in node.findings(FindingKind.AFFECTED))
    assert duties(node.state, node.now) == []
    view.picture(node.state, node.now)


def test_a_party_draws_so_many_boundaries_and_no_more() -> None:
    world, node = convoy()
    for number in range(MOST_BOUNDARIES + 1):
        hear(world, "convoy", border(number), DESK)
    assert len(node.state.boundaries) == MOST_BOUNDARIES
    hear(world, "convoy", border(0, (36.0, 39.0), (36.0, 40.0)), DESK)  # a new version of one is none more
    held = node.state.boundaries["border-0"]["russia"].act
    assert isinstance(held, a.DeclareBoundary)
    assert held.boundary.vertices[0].lat_deg == 36.0
    node.say("convoy", border(), DESK)
    assert set(node.state.boundaries["border-0"]) == {"russia", "convoy"}


@pytest.mark.parametrize(
    ("points", "field"),
    [
        (((34.0, 30.0), (34.0, 36.0)), "act.boundary.vertices[1]"),
        (((34.0, 39.0), (34.0, 40.0), (-34.0, 40.0)), "act.boundary.vertices[2]"),
        (((34.0, 36.0), (34.0, 40.0)) * 6, "act.boundary.vertices"),
    ],
)
def test_a_line_too_long_is_refused(points: tuple[tuple[float, float], ...], field: str) -> None:
    world = World()
    with pytest.raises(Malformed) as refusal:
        hear(world, "coalition", border(0, *points), DESK)
    assert (refusal.value.field, refusal.value.code) == (field, "too_long")
    hear(world, "coalition", border(0, *(((34.0, 36.0), (34.0, 40.0)) * 4)), DESK)

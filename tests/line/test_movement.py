"""What a node notices of groups: each state begins once, ends once, and is not said again with every report."""

from __future__ import annotations

from datetime import timedelta

import pytest

from keepclear.geometry.earth import destination
from keepclear.line import view
from keepclear.line.views import GroupView
from keepclear.model import acts as a
from keepclear.model.basis import Basis, BasisKind
from keepclear.model.boundaries import Boundary
from keepclear.model.findings import Finding, FindingKind
from keepclear.model.groups import AssetKind, Group, Member
from keepclear.model.places import LatLon
from keepclear.model.plans import Plan, PlanKind
from keepclear.model.times import Precision, TimeSaid
from tests.line.cast import BAND, DESK, STALL, World, at, clear_request, name, names, notice, track, way, window, words

LAT, LON = STALL
OWN = "own.desk.node"
SPEED_MPS = 10.0


@pytest.fixture
def world() -> World:
    world = World()
    world.settle()
    return world


def east(metres: float, north: float = 0.0) -> tuple[float, float]:
    """A place so many metres east (and north) of the stall area."""
    lat, lon = destination(LAT, LON, 90.0, metres)
    return destination(lat, lon, 0.0, north)


def put(
    world: World, *assets: str, to: tuple[float, float], kind: AssetKind = AssetKind.BUS, basis: Basis | None = None
) -> None:
    """The assets report themselves at a place, now, on the desk's own log."""
    minute = (world["convoy"].now - at(0)) / timedelta(minutes=1)
    fixes = tuple(track(asset, kind, (minute, *to), basis=basis or Basis(kind=BasisKind.DECLARED)) for asset in assets)
    world.say("convoy", a.Positions(tracks=fixes), OWN)


def go(
    world: World, start: float, end: float, *assets: str, metres: float = 0.0, to: float | None = None, step: float = 10
) -> None:
    """The assets travel east from `metres` (or stand there), reporting every `step` minutes; duties are done."""
    steps = max(1, round((end - start) / step))
    for n in range(steps + 1):
        world.set(at(start + n * step))
        share = n / steps
        place = metres if to is None else metres + (to - metres) * share
        put(world, *assets, to=east(place))
        world.settle()


BUSES = ("bus-1", "bus-2", "bus-3")


def declare(
    world: World,
    *assets: str,
    group: str = "buses",
    plan: str | None = None,
    split_from: str | None = None,
    author: str = "convoy",
) -> None:
    members = tuple(Member(asset=asset, kind=AssetKind.BUS) for asset in assets)
    declared = Group(id=group, name=name(group), members=members, plan=plan, split_from=split_from)
    world.tell(author, a.DeclareGroup(group=declared), DESK)


def found(world: World, kind: FindingKind, who: str = "convoy") -> list[Finding]:
    return world[who].findings(kind)


def entries(world: World, kind: FindingKind) -> int:
    """How often a kind was put on record."""
    return sum(1 for m in world["convoy"].state.log if isinstance(m.act, a.Noticed) and m.act.finding.kind is kind)


def shown(world: World, group: str = "buses") -> GroupView:
    groups = view.picture(world["convoy"].state, world["convoy"].now).groups
    return next(each for each in groups if each.id == group)


def route(end: float = 120, metres: float = 72_000) -> Plan:
    """Straight east at 10 m/s from minute 0."""
    lat, lon = east(metres)
    return Plan(
        id="route",
        kind=PlanKind.GROUND_MOVEMENT,
        name=name("route"),
        window=window(0, 2000),
        band=BAND,
        trajectory=way((0, LAT, LON), (end, lat, lon)),
        names=(names(),),
        group="buses",
    )


def test_nothing_is_known_before_the_first_report(world: World) -> None:
    declare(world, *BUSES)
    assert (shown(world).state, shown(world).since) == ("unknown", None)


def test_moving_then_halted_is_one_finding_until_it_moves_again(world: World) -> None:
    declare(world, *BUSES)
    go(world, 0, 60, *BUSES, to=36_000)
    assert (shown(world).state, found(world, FindingKind.HALTED)) == ("moving", [])
    go(world, 70, 600, *BUSES, metres=36_000)
    assert (shown(world).state, shown(world).since) == ("halted", at(60))
    (halted,) = found(world, FindingKind.HALTED)
    assert (halted.since, halted.until) == (at(60), None)
    assert entries(world, FindingKind.HALTED) == 1
    go(world, 610, 700, *BUSES, metres=36_000, to=80_000)
    assert shown(world).state == "moving"
    assert found(world, FindingKind.HALTED)[0].until is not None
    assert entries(world, FindingKind.HALTED) == 2


def test_contact_is_lost_when_the_clock_says_so_and_found_with_a_report(world: World) -> None:
    declare(world, *BUSES)
    go(world, 0, 30, *BUSES, to=18_000)
    world.pass_time(at(30 + 179))
    assert found(world, FindingKind.LOST_CONTACT) == []
    world.pass_time(at(30 + 181), step=timedelta(minutes=1))
    (lost,) = found(world, FindingKind.LOST_CONTACT)
    assert (lost.since, lost.until, shown(world).state) == (at(30), None, "lost_contact")
    go(world, 300, 330, *BUSES, metres=40_000, to=58_000)
    assert found(world, FindingKind.LOST_CONTACT)[0].until is not None


def test_late_and_off_route_begin_grow_and_end(world: World) -> None:
    world.tell("convoy", notice(to=("russia",), plan=route()), DESK)
    declare(world, *BUSES, plan="route")
    go(world, 0, 20, *BUSES, to=12_000)
    assert found(world, FindingKind.LATE) == []
    go(world, 30, 400, *BUSES, metres=12_000)
    (late,) = found(world, FindingKind.LATE)
    assert late.until is None
    assert 2 <= entries(world, FindingKind.LATE) <= 5
    world.set(at(410))
    put(world, *BUSES, to=east(12_000, north=30_000))
    world.settle()
    (off,) = found(world, FindingKind.OFF_ROUTE)
    assert off.until is None
    assert isinstance(off.values["off_route_m"], float)
    assert off.values["off_route_m"] > 29_000
    world.set(at(420))
    put(world, *BUSES, to=east(71_900))
    world.settle()
    assert found(world, FindingKind.OFF_ROUTE)[0].until == at(420)
    assert found(world, FindingKind.LATE)[0].until == at(420)


def test_who_has_arrived_is_neither_halted_nor_late(world: World) -> None:
    world.tell("convoy", notice(to=("russia",), plan=route()), DESK)
    declare(world, *BUSES, plan="route")
    go(world, 0, 120, *BUSES, to=72_000)
    go(world, 130, 500, *BUSES, metres=72_000)
    assert found(world, FindingKind.HALTED) == []
    assert found(world, FindingKind.LATE) == []


def test_waiting_is_said_at_once_and_ends_when_it_moves(world: World) -> None:
    declare(world, *BUSES)
    go(world, 0, 60, *BUSES, to=36_000)
    world.set(at(65))
    put(world, *BUSES, to=east(36_000))
    world.tell("convoy", a.Waiting(group="buses", since=at(60), waits_for="the road east"), DESK)
    world.settle()
    (waiting,) = found(world, FindingKind.WAITING)
    assert (waiting.since, waiting.values["waits_for"], waiting.values["said"]) == (at(60), "the road east", True)
    assert (shown(world).state, shown(world).waits_for) == ("waiting", "the road east")
    go(world, 70, 4000, *BUSES, metres=36_000, step=120)
    assert entries(world, FindingKind.WAITING) == 1
    go(world, 4010, 4100, *BUSES, metres=36_000, to=90_000)
    assert found(world, FindingKind.WAITING)[0].until is not None
    assert shown(world).state == "moving"


def test_waiting_follows_from_standing_before_a_blocked_leg_until_there_is_another_route(world: World) -> None:
    sent = world.tell("convoy", notice(to=("russia",), plan=route()), DESK)
    declare(world, *BUSES, plan="route")
    said = TimeSaid(text="this morning", precision=Precision.VAGUE)
    blocked = a.LegBlocked(plan="route", from_place="one", to_place="two", at=said, words=words())
    world.set(at(5))
    leg = world.tell("russia", blocked, DESK)
    go(world, 10, 30, *BUSES, to=12_000)
    assert found(world, FindingKind.WAITING) == []
    assert [each.until for each in found(world, FindingKind.LEG_BLOCKED)] == [None]
    go(world, 40, 100, *BUSES, metres=12_000)
    (waiting,) = found(world, FindingKind.WAITING)
    assert (waiting.values["waits_for"], waiting.values["said"]) == ("leg_blocked", False)
    assert leg.id in waiting.evidence
    world.tell("convoy", a.Correction(re=sent.id, plan=route(end=240), reason=words()), DESK)
    world.settle()
    go(world, 110, 120, *BUSES, metres=12_000)
    assert found(world, FindingKind.LEG_BLOCKED)[0].until == at(100)
    assert found(world, FindingKind.WAITING)[0].until is not None
    assert shown(world).state == "halted"


def test_waiting_follows_from_standing_while_a_request_about_its_plan_is_unanswered(world: World) -> None:
    world.tell("convoy", notice(to=("russia",), plan=route()), DESK)
    declare(world, *BUSES, plan="route")
    go(world, 0, 20, *BUSES, metres=0)
    asked = world.tell("convoy", clear_request(to=("russia",), answer_by=30, plan="route"), DESK)
    go(world, 30, 90, *BUSES, metres=0)
    assert found(world, FindingKind.WAITING)[0].values["waits_for"] == "answer"
    world.tell("russia", a.Answer(re=asked.id, reply=a.Reply.CANNOT), DESK)
    go(world, 100, 110, *BUSES, metres=0)
    assert found(world, FindingKind.WAITING)[0].until is not None


def test_one_who_stays_behind_leaves_and_a_strange_car_joins(world: World) -> None:
    declare(world, *BUSES)
    for minute in range(0, 61, 10):
        world.set(at(minute))
        put(world, "bus-1", "bus-2", to=east(minute * 600.0))
        put(world, "bus-3", to=east(0))
        put(world, "car-9", to=east(minute * 600.0 + 500), kind=AssetKind.CAR)
        world.settle()
    assert [each.subjects for each in found(world, FindingKind.LEAVER)] == [("buses", "bus-3")]
    assert [each.subjects for each in found(world, FindingKind.JOINER)] == [("buses", "car-9")]
    assert entries(world, FindingKind.LEAVER) == entries(world, FindingKind.JOINER) == 1


def test_a_member_of_another_group_is_no_joiner(world: World) -> None:
    declare(world, *BUSES)
    declare(world, "car-9", group="others")
    for minute in range(0, 61, 10):
        world.set(at(minute))
        put(world, *BUSES, to=east(minute * 600.0))
        put(world, "car-9", to=east(minute * 600.0 + 500), kind=AssetKind.CAR)
        world.settle()
    assert found(world, FindingKind.JOINER) == []


def test_a_split_is_seen_then_said_and_the_whole_is_no_longer_watched(world: World) -> None:
    six = tuple(f"bus-{n}" for n in range(1, 7))
    declare(world, *six, group="convoy")
    go(world, 0, 20, *six, to=12_000)
    for minute in range(30, 91, 10):
        world.set(at(minute))
        put(world, *six[:4], to=east(12_000))
        put(world, *six[4:], to=east(12_000 - (minute - 20) * 600.0))
        world.settle()
    (split,) = found(world, FindingKind.SPLIT)
    assert (split.subjects, split.until, split.values["largest"]) == (("convoy",), None, 4.0)
    declare(world, *six[:4], group="stayed", split_from="convoy")
    declare(world, *six[4:], group="went", split_from="convoy")
    world.settle()
    assert shown(world, "convoy").state == "split"
    said = {each.subjects: each.until for each in found(world, FindingKind.SPLIT)}
    assert said.keys() == {("convoy",), ("convoy", "stayed"), ("convoy", "went")}
    assert all(until is not None for until in said.values())
    go(world, 100, 300, *six[:4], metres=12_000)
    open_now = {each.subjects for each in found(world, FindingKind.HALTED) if each.until is None}
    assert open_now == {("stayed",)}


def passing(world: World, basis: Basis | None = None) -> None:
    """Buses stand; forces come from 30 km west, pass 1 km north of them about minute 50, and go on."""
    declare(world, *BUSES)
    members = (Member(asset="force-1", kind=AssetKind.GROUND_FORCE),)
    forces = Group(id="forces", name=name("forces"), members=members)
    world.tell("ground", a.DeclareGroup(group=forces), DESK)
    for minute in range(0, 121, 10):
        world.set(at(minute))
        put(world, *BUSES, to=east(0), basis=basis)
        put(world, "force-1", to=east(-30_000 + minute * 600.0, north=1_000), kind=AssetKind.GROUND_FORCE, basis=basis)
        world.settle()


def test_an_encounter_is_put_on_record_when_it_begins_and_when_it_has_ended(world: World) -> None:
    passing(world)
    (met,) = found(world, FindingKind.ENCOUNTER)
    assert met.subjects == ("buses", "forces")
    assert met.until is not None
    assert at(40) < met.since < at(50) < met.until < at(60)
    assert met.values["nearest_m"] == pytest.approx(1_000, abs=5)
    assert met.values["nearest_at"] == "2017-09-08T05:50:00Z"
    assert met.values["end_known"] is True
    assert not met.synthetic
    assert 2 <= entries(world, FindingKind.ENCOUNTER) <= 4


def test_an_encounter_on_made_up_positions_says_so(world: World) -> None:
    passing(world, Basis(kind=BasisKind.SYNTHETIC))
    assert found(world, FindingKind.ENCOUNTER)[0].synthetic


def test_positions_that_come_late_show_an_encounter_of_long_ago(world: World) -> None:
    declare(world, *BUSES)
    declare(world, "force-1", group="forces")
    go(world, 0, 120, *BUSES, metres=0)
    world.pass_time(at(5000), step=timedelta(hours=4))
    assert found(world, FindingKind.ENCOUNTER) == []
    fixes = tuple((minute, *east(-30_000 + minute * 600.0, north=1_000)) for minute in range(0, 121, 10))
    late = track("force-1", AssetKind.GROUND_FORCE, *((float(m), lat, lon) for m, lat, lon in fixes))
    world.say("ground", a.Positions(tracks=(late,)), OWN)
    world.settle()
    (met,) = found(world, FindingKind.ENCOUNTER)
    assert met.values["nearest_at"] == "2017-09-08T05:50:00Z"


def test_a_group_and_what_split_from_it_do_not_meet(world: World) -> None:
    declare(world, *BUSES, "bus-4")
    declare(world, "bus-1", "bus-2", group="one", split_from="buses")
    declare(world, "bus-3", "bus-4", group="two", split_from="buses")
    go(world, 0, 60, *BUSES, "bus-4", to=36_000)
    assert found(world, FindingKind.ENCOUNTER) == []


def boundary(metres: float, approach_m: float) -> a.DeclareBoundary:
    """A line from north to south, so many metres east."""
    ends = (east(metres, north=-100_000), east(metres, north=100_000))
    vertices = tuple(LatLon(lat_deg=lat, lon_deg=lon) for lat, lon in ends)
    line = Boundary(id="border", name=name("border"), vertices=vertices, uncertainty_m=0.0, approach_m=approach_m)
    return a.DeclareBoundary(boundary=line)


def test_each_partys_version_of_a_boundary_is_watched(world: World) -> None:
    declare(world, *BUSES)
    world.tell("coalition", boundary(50_000, 20_000), DESK)
    world.tell("russia", boundary(80_000, 20_000), DESK)
    go(world, 0, 70, *BUSES, to=42_000)
    approaches = found(world, FindingKind.BOUNDARY_APPROACH)
    assert [each.subjects for each in approaches] == [("buses", "coalition", "border")]
    assert approaches[0].since == at(50)
    assert found(world, FindingKind.BOUNDARY_CROSSED) == []
    near = {each.party: each for each in view.picture(world["convoy"].state, at(70)).nearness}
    assert near["coalition"].nearest_m == pytest.approx(8_000, abs=100)
    assert near["coalition"].reach_s == pytest.approx(800, rel=0.05)
    assert (near["coalition"].approaching, near["russia"].approaching) == (True, False)
    go(world, 80, 100, *BUSES, metres=48_000, to=60_000)
    (crossed,) = found(world, FindingKind.BOUNDARY_CROSSED)
    assert crossed.subjects[:3] == ("buses", "coalition", "border")
    assert crossed.values["certain"] is True


def test_a_boundary_is_left_again(world: World) -> None:
    declare(world, *BUSES)
    world.tell("coalition", boundary(50_000, 20_000), DESK)
    go(world, 0, 60, *BUSES, to=36_000)
    go(world, 70, 130, *BUSES, metres=30_000, to=0)
    (approach,) = found(world, FindingKind.BOUNDARY_APPROACH)
    assert approach.until is not None


def test_who_declared_a_group_first_says_who_is_in_it(world: World) -> None:
    declare(world, *BUSES)
    members = (Member(asset="bus-1", kind=AssetKind.BUS),)
    other = a.DeclareGroup(group=Group(id="buses", name=name("buses"), members=members))
    world["russia"].say("russia", other, DESK, own=False)
    world.deliver()
    assert len(shown(world).members) == 3
    declare(world, "bus-1", "bus-2")
    assert len(shown(world).members) == 2


def test_days_of_reports_make_few_entries(world: World) -> None:
    """Four days, 17 buses, a report each half hour: what is put on record is what changed."""
    convoy = tuple(f"bus-{n}" for n in range(1, 18))
    declare(world, *convoy)
    world.tell("coalition", boundary(200_000, 50_000), DESK)
    go(world, 0, 300, *convoy, to=150_000, step=30)
    go(world, 330, 5700, *convoy, metres=150_000, step=30)
    said = [m for m in world["convoy"].state.log if isinstance(m.act, a.Noticed)]
    assert 2 <= len(said) <= 10

"""Asking for airspace: who is affected, the answers, who was inside at T0, giving back."""

from __future__ import annotations

import pytest

from keepclear.errors import NotNow
from keepclear.line import view
from keepclear.line.clearing import affected_now, residual_now
from keepclear.line.views import ThreadView
from keepclear.model import acts as a
from keepclear.model.basis import Basis, BasisKind
from keepclear.model.findings import Finding, FindingKind
from keepclear.model.groups import AssetKind
from keepclear.model.plans import Plan, PlanKind
from keepclear.model.tracks import SensorClass
from tests.line.cast import (
    BAND,
    STALL,
    VOLUME,
    World,
    at,
    clear_request,
    drone,
    name,
    names,
    notice,
    track,
    way,
    window,
    words,
)

LAT, LON = STALL
FAR = LON + 1.0
"""90 km east of the volume's middle; its radius is 20 km."""


@pytest.fixture
def world() -> World:
    world = World()
    world.settle()
    return world


def shown(world: World, thread: str, who: str = "russia") -> ThreadView:
    return view.thread(world[who].state, thread, world[who].now)


def found(world: World, who: str, kind: FindingKind) -> list[Finding]:
    return world[who].findings(kind)


def say_positions(world: World, *tracks: object, author: str = "coalition", line: str = "own.coalition.node") -> None:
    world.say(author, a.Positions(tracks=tracks), line)  # type: ignore[arg-type]


def watching(asset: str, start: float = 0, end: float = 120) -> Plan:
    """An observation flight over the stall area."""
    return Plan(
        id=f"watch-{asset}",
        kind=PlanKind.OBSERVATION,
        name=name(asset),
        window=window(start, end),
        band=BAND,
        trajectory=way((start, LAT, LON), (end, LAT, LON + 0.01), alt=5000.0),
        names=(names(),),
        assets=(asset,),
    )


def test_who_is_affected_is_found_from_plans_and_from_tracks_of_ones_own(world: World) -> None:
    world.say("coalition", notice(to=("russia",), plan=watching("planned-1")))
    say_positions(world, drone("tracked-1", (-5, LAT, LON)), drone("away-1", (-5, LAT, FAR)))
    say_positions(world, track("theirs-1", AssetKind.AIRCRAFT, (-5, LAT, LON), sensor=SensorClass.AIRCRAFT, alt=3000.0))
    say_positions(world, track("bus-1", AssetKind.BUS, (-5, LAT, LON)))
    world.deliver()
    asked = world.tell("russia", clear_request())
    world.settle()
    thread = world["coalition"].state.threads[asked.id]
    near = affected_now(world["coalition"].state, thread, "coalition", at(0))
    assert [(each.asset, each.why.value) for each in near] == [
        ("planned-1", "planned_inside"),
        ("tracked-1", "reported_inside"),
    ]
    (finding,) = found(world, "coalition", FindingKind.AFFECTED)
    assert finding.subjects == ("coalition", "planned-1", "tracked-1")
    assert finding.thread == asked.id
    assert found(world, "russia", FindingKind.AFFECTED) == []


def test_an_aircraft_that_comes_later_is_affected_too_and_one_that_left_stays_listed(world: World) -> None:
    say_positions(world, drone("one", (-5, LAT, LON)))
    world.tell("russia", clear_request())
    world.settle()
    world.set(at(20))
    say_positions(world, drone("one", (20, LAT, FAR)), drone("two", (20, LAT, LON)))
    world.settle()
    assert found(world, "coalition", FindingKind.AFFECTED)[0].subjects == ("coalition", "one", "two")


def test_waiting_is_timed_and_overdue_is_a_finding_that_an_answer_ends(world: World) -> None:
    asked = world.tell("russia", clear_request(answer_by=30))
    world.settle()
    waiting = shown(world, asked.id)
    assert (waiting.status, waiting.waiting_for, waiting.due_at) == ("waiting", ("coalition",), at(30))
    world.set(at(30))
    world.settle()
    assert not shown(world, asked.id).overdue
    assert found(world, "russia", FindingKind.ANSWER_OVERDUE) == []
    world.set(at(31))
    world.settle()
    for who in ("russia", "coalition"):
        assert shown(world, asked.id, who).overdue
        (overdue,) = found(world, who, FindingKind.ANSWER_OVERDUE)
        assert (overdue.since, overdue.until, overdue.subjects) == (at(30), None, ("coalition",))
    world.tell("coalition", a.Answer(re=asked.id, reply=a.Reply.WILL_COMPLY))
    world.settle()
    answered = shown(world, asked.id)
    assert (answered.status, answered.waiting_for, answered.overdue) == ("answered", (), False)
    assert answered.recipients[0].answer_s == 31 * 60.0
    assert found(world, "russia", FindingKind.ANSWER_OVERDUE)[0].until == at(31)


@pytest.mark.parametrize(
    ("reply", "status"),
    [
        (a.Reply.WILL_COMPLY, "answered"),
        (a.Reply.WITH_CONDITIONS, "answered"),
        (a.Reply.CANNOT, "refused"),
        (a.Reply.NOT_UNDERSTOOD, "answered"),
        (a.Reply.COUNTER_PROPOSAL, "answered"),
    ],
)
def test_each_reply(world: World, reply: a.Reply, status: str) -> None:
    asked = world.tell("russia", clear_request())
    world.tell("coalition", a.Answer(re=asked.id, reply=reply, conditions=words(), counter=VOLUME))
    assert shown(world, asked.id).status == status
    assert shown(world, asked.id).recipients[0].answer is reply


def test_the_last_answer_counts(world: World) -> None:
    asked = world.tell("russia", clear_request())
    world.tell("coalition", a.Answer(re=asked.id, reply=a.Reply.CANNOT))
    world.tell("coalition", a.Answer(re=asked.id, reply=a.Reply.WILL_COMPLY))
    assert shown(world, asked.id).status == "answered"


def comply(world: World) -> str:
    asked = world.tell("russia", clear_request())
    world.settle()
    world.tell("coalition", a.Answer(re=asked.id, reply=a.Reply.WILL_COMPLY))
    return asked.id


def test_a_report_must_answer_for_every_affected_aircraft(world: World) -> None:
    say_positions(world, drone("one", (-5, LAT, LON)), drone("two", (-5, LAT, LON)))
    asked = comply(world)
    world.set(at(20))
    say_positions(world, drone("one", (20, LAT, FAR)))
    one = a.ResidualItem(asset="one", status=a.Inside.LEFT, left_at=at(20))
    with pytest.raises(NotNow) as refusal:
        world.say("coalition", a.Done(re=asked, reported_clear_at=at(20), residual=(one,)))
    assert (refusal.value.field, refusal.value.code) == ("act.residual", "residual_incomplete")
    assert refusal.value.values["missing"] == "two"
    two = a.ResidualItem(asset="two", status=a.Inside.UNKNOWN)
    world.tell("coalition", a.Done(re=asked, reported_clear_at=at(20), residual=(one, two)))
    assert shown(world, asked).status == "reported_clear"


def test_the_residual_is_who_was_inside_left_or_unknown_at_t0(world: World) -> None:
    """T0 is minute 60. One left at 50, one still inside, one silent since before, one never near."""
    say_positions(world, *(drone(asset, (-5, LAT, LON)) for asset in ("left", "inside", "silent")))
    say_positions(world, drone("away", (-5, LAT, FAR)))
    asked = comply(world)
    world.set(at(80))
    say_positions(
        world,
        drone("left", (40, LAT, LON), (50, LAT, FAR), (58, LAT, FAR), (62, LAT, FAR)),
        drone("inside", (58, LAT, LON), (62, LAT, LON), (75, LAT, FAR)),
        drone("silent", (10, LAT, LON)),
        drone("away", (62, LAT, FAR)),
    )
    world.settle()
    items = residual_now(world["coalition"].state, asked, "coalition", at(80))
    assert {item.asset: item.status for item in items} == {
        "left": a.Inside.LEFT,
        "inside": a.Inside.INSIDE,
        "silent": a.Inside.UNKNOWN,
    }
    assert next(item for item in items if item.asset == "left").left_at == at(50)
    (residual,) = found(world, "coalition", FindingKind.RESIDUAL)
    assert residual.subjects == ("coalition", "inside", "silent")
    assert (residual.values["left"], residual.values["inside"], residual.values["count_inside"]) == (
        "left",
        "inside",
        1.0,
    )
    assert not residual.synthetic
    assert found(world, "russia", FindingKind.RESIDUAL) == []


def test_late_tracks_change_the_residual_and_made_up_ones_are_marked(world: World) -> None:
    say_positions(world, drone("one", (-5, LAT, LON)))
    asked = comply(world)
    world.set(at(61))
    say_positions(world, drone("one", (50, LAT, FAR)))
    world.settle()
    assert found(world, "coalition", FindingKind.RESIDUAL)[0].values["one"] == "unknown"
    made_up = Basis(kind=BasisKind.SYNTHETIC)
    world.set(at(100))
    say_positions(world, drone("one", (70, LAT, FAR), basis=made_up))
    world.settle()
    (residual,) = found(world, "coalition", FindingKind.RESIDUAL)
    assert (residual.values["one"], residual.synthetic) == ("left", True)
    assert residual_now(world["coalition"].state, asked, "coalition", at(100))[0].synthetic


def test_given_back_expired_and_never_given_back(world: World) -> None:
    kept, back = comply(world), comply(world)
    world.tell("russia", a.GiveBack(re=back))
    assert shown(world, back, "coalition").status == "given_back"
    world.pass_time(at(241), step=at(60) - at(0))
    for who in ("russia", "coalition"):
        assert shown(world, kept, who).status == "expired"
        assert [each.thread for each in found(world, who, FindingKind.NOT_GIVEN_BACK)] == [kept]
    world.tell("russia", a.GiveBack(re=kept))
    world.settle()
    assert shown(world, kept).status == "given_back"
    assert found(world, "russia", FindingKind.NOT_GIVEN_BACK)[0].until == at(241)


def test_what_nobody_agreed_to_keep_clear_need_not_be_given_back(world: World) -> None:
    world.tell("russia", clear_request())
    world.pass_time(at(241), step=at(60) - at(0))
    assert found(world, "russia", FindingKind.NOT_GIVEN_BACK) == []


def test_several_addressed_parties(world: World) -> None:
    asked = world.tell("convoy", clear_request(to=("coalition", "russia")), "desk")
    world.tell("russia", a.Answer(re=asked.id, reply=a.Reply.CANNOT), "desk")
    assert shown(world, asked.id, "convoy").waiting_for == ("coalition",)
    world.tell("coalition", a.Answer(re=asked.id, reply=a.Reply.WILL_COMPLY), "desk")
    assert shown(world, asked.id, "convoy").status == "answered"
    world.tell("coalition", a.Done(re=asked.id, reported_clear_at=at(0), residual=()), "desk")
    assert shown(world, asked.id, "convoy").status == "reported_clear"


def test_an_exercise_finds_nobody_and_stays_apart(world: World) -> None:
    say_positions(world, drone("one", (-5, LAT, LON)))
    asked = world.tell("russia", clear_request(), exercise=True)
    world.tell("coalition", a.Answer(re=asked.id, reply=a.Reply.WILL_COMPLY), exercise=True)
    world.pass_time(at(300), step=at(60) - at(0))
    assert shown(world, asked.id).exercise
    assert shown(world, asked.id).recipients[0].state == "opened"
    for kind in (FindingKind.AFFECTED, FindingKind.RESIDUAL, FindingKind.NOT_GIVEN_BACK, FindingKind.ANSWER_OVERDUE):
        assert found(world, "coalition", kind) == []
    assert view.picture(world["coalition"].state, at(0)).clearings == ()

"""Danger calls: anybody on watch takes them, and they climb by the clock until somebody has. (27 minutes, 2016.)"""

from __future__ import annotations

import pytest

from keepclear.line import view
from keepclear.line.danger import NOBODY_NAMED
from keepclear.line.views import ThreadView
from keepclear.model import acts as a
from keepclear.model.findings import FindingKind
from tests.line.cast import World, at, desk, words

LADDER = (("duty officer", 0.0), ("duty director", 120.0), ("chief of staff", 300.0))


@pytest.fixture
def world() -> World:
    world = World()
    world.tell("coalition", desk(*LADDER))
    world.settle()
    return world


def call(world: World, *, exercise: bool = False) -> str:
    said = a.DangerCall(to=("coalition",), words=words("you are striking us"))
    return world.tell("russia", said, exercise=exercise).id


def shown(world: World, thread: str, who: str = "russia") -> ThreadView:
    return view.thread(world[who].state, thread, world[who].now)


def test_it_climbs_step_by_step_until_it_is_taken(world: World) -> None:
    made = call(world)
    world.settle()
    assert shown(world, made).escalated_to == ("coalition: duty officer",)
    world.pass_time(at(2), step=at(1) - at(0))
    for who in ("russia", "coalition"):
        assert shown(world, made, who).escalated_to == ("coalition: duty officer", "coalition: duty director")
        steps = world[who].findings(FindingKind.ESCALATED)
        assert [(step.values["role"], step.since) for step in steps] == [
            ("duty officer", at(0)),
            ("duty director", at(2)),
        ]
    world.set(at(4))
    world.tell("coalition", a.Take(re=made), role="linguist")
    world.pass_time(at(30))
    taken = shown(world, made)
    assert (taken.status, taken.taken_by, taken.status_since) == ("taken", "coalition: linguist", at(4))
    assert len(world["russia"].findings(FindingKind.ESCALATED)) == 2


def test_who_takes_it_need_not_be_on_the_roster_but_it_is_shown(world: World) -> None:
    one, two = call(world), call(world)
    world.tell("coalition", a.Take(re=one), role="duty officer")
    world.tell("coalition", a.Take(re=two), role="passer-by")
    assert shown(world, one).taken_on_roster is True
    assert shown(world, two).taken_on_roster is False


def test_where_no_roster_was_shown_it_still_climbs(world: World) -> None:
    made = world.tell("coalition", a.DangerCall(to=("russia",), words=words())).id
    world.pass_time(at(2), step=at(1) - at(0))
    assert shown(world, made).escalated_to == (f"russia: {NOBODY_NAMED[0].role}",)


def test_two_who_take_it_at_once_agree_on_who_was_first(world: World) -> None:
    """Both parties' acts cross on the way; each node heard the other one second."""
    world.tell("russia", desk(*LADDER), "desk")
    made = world.tell("convoy", a.DangerCall(to=("coalition", "russia"), words=words()), "desk").id
    world.set(at(1))
    world.say("coalition", a.Take(re=made), "desk")
    world.say("russia", a.Take(re=made), "desk")
    world.deliver()
    world.settle()
    for who in ("coalition", "russia", "convoy"):
        state = world[who].state
        assert view.thread(state, made, at(1)).taken_by == "coalition: duty officer"
        effects = {
            act.author: act.without_effect
            for act in view.thread(state, made, at(1)).acts[1:]
            if act.said.act.__class__ is a.Take
        }
        assert effects == {"coalition": None, "russia": "already_taken"}


def test_a_suspended_line_carries_it(world: World) -> None:
    world.tell("russia", a.Suspend(reason=words()))
    made = call(world)
    world.tell("coalition", a.Take(re=made))
    assert shown(world, made).status == "taken"


def test_closed_by_who_called_or_who_took_it(world: World) -> None:
    one, two = call(world), call(world)
    world.tell("russia", a.Close(re=one, outcome=words()))
    world.tell("coalition", a.Take(re=two))
    world.tell("coalition", a.Close(re=two, outcome=words()))
    assert [shown(world, each).status for each in (one, two)] == ["closed", "closed"]
    world.pass_time(at(30))
    assert {finding.thread for finding in world["russia"].findings(FindingKind.ESCALATED)} <= {one, two}


def test_an_exercise_climbs_in_its_own_thread_and_alarms_nobody(world: World) -> None:
    made = call(world, exercise=True)
    world.pass_time(at(10))
    assert len(shown(world, made).escalated_to) == 3
    assert world["coalition"].findings(FindingKind.ESCALATED) == []


def test_who_is_on_watch_is_shown_on_the_line(world: World) -> None:
    (line,) = (each for each in view.lines(world["russia"].state, at(0)) if each.id == "avoidance")
    members = {member.party: member for member in line.members}
    assert (members["coalition"].on_watch, members["coalition"].staffed) == (("duty officer",), True)
    assert (members["russia"].on_watch, members["russia"].staffed) == ((), None)
    later = view.lines(world["russia"].state, at(7000))
    assert next(m for each in later if each.id == "avoidance" for m in each.members).staffed is False

"""The state of the line itself: checks, answer times, down, unchecked, suspended; seen by both sides (B5)."""

from __future__ import annotations

from datetime import timedelta

import pytest

from keepclear.line import view
from keepclear.line.duties import duties
from keepclear.line.views import LineView, MemberView
from keepclear.model import acts as a
from keepclear.model.findings import FindingKind
from tests.line.cast import AVOIDANCE, T, World, at, words


@pytest.fixture
def world() -> World:
    return World()


def line(world: World, who: str, line_id: str = AVOIDANCE) -> LineView:
    return next(each for each in view.lines(world[who].state, world[who].now) if each.id == line_id)


def member(world: World, who: str, of: str) -> MemberView:
    return next(each for each in line(world, who).members if each.party == of)


def cut(world: World, to: float, step: float = 5) -> None:
    """Time passes; each node does its duties and nothing travels on any line."""
    moment = world["russia"].now
    while moment < at(to):
        moment = min(moment + timedelta(minutes=step), at(to))
        world.set(moment)
        for node in world.nodes.values():
            node.do_duties()


def test_nothing_is_known_before_the_first_answer(world: World) -> None:
    assert (line(world, "russia").state, line(world, "russia").since) == ("unchecked", T)


def test_checks_are_made_on_schedule_and_answered_by_the_other_node(world: World) -> None:
    world.pass_time(at(131))
    for who in ("russia", "coalition"):
        shown = line(world, who)
        assert (shown.state, shown.since) == ("up", T + timedelta(minutes=10))
        assert (shown.checks, shown.answered, shown.median_answer_s) == (3, 3, 0.0)
        assert world[who].findings(FindingKind.LINE_UNCHECKED) == []


def test_the_answer_time_is_from_sending_the_check_to_having_the_answer(world: World) -> None:
    world["russia"].do_duties()
    world.set(at(2))
    world.deliver()
    world["coalition"].do_duties()
    world.set(at(3))
    world.deliver()
    assert line(world, "russia").median_answer_s == 180.0
    assert member(world, "russia", "coalition").last_answer_s == 180.0


def test_a_cut_line_is_down_on_both_sides_since_the_first_check_without_answer(world: World) -> None:
    """The first check is made at minute 10, the next at 70; an answer is due within 5 minutes."""
    world.pass_time(at(30))
    cut(world, 75)
    for who, other in (("russia", "coalition"), ("coalition", "russia")):
        assert member(world, who, other).state == "up"
        assert world[who].findings(FindingKind.LINE_DOWN) == []
    cut(world, 80)
    for who, other in (("russia", "coalition"), ("coalition", "russia")):
        assert (member(world, who, other).state, member(world, who, other).since) == ("down", at(70))
        assert line(world, who).state == "down"
        downs = [each for each in world[who].findings(FindingKind.LINE_DOWN) if each.values["line"] == AVOIDANCE]
        assert [(each.since, each.until) for each in downs] == [(at(70), None)]


def test_it_is_up_again_with_the_next_answer_and_the_finding_ends(world: World) -> None:
    world.pass_time(at(30))
    cut(world, 300)
    world.pass_time(at(310))
    for who in ("russia", "coalition"):
        assert line(world, who).state == "up"
        assert all(each.until is not None for each in world[who].findings(FindingKind.LINE_DOWN))


def test_after_days_apart_only_the_last_check_is_answered(world: World) -> None:
    world.pass_time(at(30))
    cut(world, 2000, step=60)
    before = len(world["coalition"].state.log)
    world.pass_time(at(2001))
    said = world["coalition"].state.log[before:]
    answers = [
        m for m in said if isinstance(m.act, a.LineCheckAnswer) and m.author == "coalition.node" and m.line == AVOIDANCE
    ]
    assert len(answers) == 1
    assert line(world, "russia").answered < line(world, "russia").checks


def test_a_check_by_hand_counts_and_an_exercise_does_not(world: World) -> None:
    world.settle()
    before = line(world, "russia").checks
    world.tell("russia", a.LineCheck())
    world.tell("russia", a.LineCheck(), exercise=True)
    world.settle()
    assert line(world, "russia").checks == before + 1


def test_a_suspension_is_a_fact_on_both_sides_until_it_is_resumed(world: World) -> None:
    world.settle()
    world.set(at(1))
    suspended = world.tell("russia", a.Suspend(reason=words()))
    for who in ("russia", "coalition"):
        shown = line(world, who)
        assert (shown.state, shown.since, shown.suspended_by) == ("suspended", at(1), ("russia",))
        assert view.thread(world[who].state, suspended.id, at(1)).status == "suspended"
    world.set(at(9))
    world.tell("russia", a.Resume())
    for who in ("russia", "coalition"):
        assert line(world, who).suspended_by == ()
        assert view.thread(world[who].state, suspended.id, at(9)).status == "resumed"
    assert line(world, "coalition").state == "up"


def test_a_node_none_of_whose_parties_uses_the_line_makes_no_checks(world: World) -> None:
    world.settle()
    world.tell("russia", a.Suspend(reason=words()))
    world.set(at(70))
    drafts = duties(world["russia"].state, at(70))
    assert not [each for each in drafts if isinstance(each.act, a.LineCheck)]


def test_a_line_not_checked_for_one_and_a_half_intervals_is_unchecked_until_an_answer_comes(world: World) -> None:
    """As after a night in which this node was off: its next check is made at once, and is not answered yet."""
    world.settle()
    world.set(at(90))
    assert line(world, "russia").state == "up"
    world.set(at(100))
    world["russia"].do_duties()
    assert (member(world, "russia", "coalition").state, line(world, "russia").since) == ("unchecked", at(90))
    (unchecked,) = world["russia"].findings(FindingKind.LINE_UNCHECKED)
    assert (unchecked.since, unchecked.until, unchecked.subjects) == (at(90), None, ("coalition",))
    world.set(at(106))
    world["russia"].do_duties()
    assert member(world, "russia", "coalition").state == "down"
    world.deliver()
    world.settle()
    assert line(world, "russia").state == "up"
    assert world["russia"].findings(FindingKind.LINE_UNCHECKED)[0].until is not None


def test_the_own_log_is_no_line(world: World) -> None:
    assert line(world, "russia", "own.russia.node").state == "own"
    assert line(world, "russia", "own.russia.node").checks == 0

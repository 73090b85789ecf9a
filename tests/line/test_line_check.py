"""The state of the line itself: checks, answer times, down, unchecked, suspended; seen by both sides (B5)."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.line import line_check, view
from keepclear.line import line_findings as line_findings_of
from keepclear.line.duties import duties
from keepclear.line.line_check import (
    PATIENCE,
    Standing,
    answers_owed,
    check_due_at,
    own_checks,
    peer_standing,
    recorded,
    take_answer,
    take_check,
)
from keepclear.line.line_findings import line_findings
from keepclear.line.message import Message
from keepclear.line.noticing import Noticing
from keepclear.line.state import Line, State
from keepclear.line.views import LineView, MemberView
from keepclear.model import acts as a
from keepclear.model.acts import Said
from keepclear.model.base import Name
from keepclear.model.findings import FindingKind
from keepclear.model.parties import LineCard
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


# ── a burst of checks ────────────────────────────────────────────────────────────────────────────────────────────────

NODE, PEER, DESK = "russia.node", "coalition.node", "desk"
CARD = LineCard(
    id=DESK,
    name=Name(en="Desk", ar="مكتب"),
    members=("russia", "coalition"),
    check_every_s=600,
    answer_within_s=120,
)


def heard(number: int, author: str, minutes: float, act: a.LineCheck | a.LineCheckAnswer) -> Message:
    said, moment = Said(role="node", act=act), T + timedelta(minutes=minutes)
    id = f"{number:064x}"
    return Message(
        id=id, line=DESK, author=author, seq=1, prev="", said_at=moment, said=said, index=number, recorded_at=moment
    )


def with_checks(checks: list[tuple[float, float | None]]) -> State:
    """A line with checks of this node, each asked at a minute and answered so many minutes later, or not."""
    state = State(NODE)
    state.lines[DESK] = Line(CARD, T)
    state.home |= {NODE: NODE, "russia": NODE, "coalition": PEER, PEER: PEER}
    for number, (asked, after) in enumerate(sorted(checks, key=lambda each: each[0])):
        check = heard(2 * number, NODE, asked, a.LineCheck())
        take_check(state, check)
        if after is not None:
            answer = heard(2 * number + 1, PEER, asked + after, a.LineCheckAnswer(re=check.id))
            take_answer(state, answer, check)
    return state


def slow_standing(state: State, at: datetime) -> Standing:
    """`peer_standing` from the first check on."""
    within, patience = timedelta(seconds=CARD.answer_within_s), timedelta(seconds=CARD.check_every_s * PATIENCE)
    up_since = down_since = good_until = None
    for check in own_checks(state, DESK, at):
        asked, answer = recorded(check.message), check.answers.get(PEER)
        if answer is not None and recorded(answer) <= at:
            if down_since is not None or good_until is None or asked > good_until:
                up_since = recorded(answer)
            down_since, good_until = None, asked + patience
        elif down_since is None and at - asked > within:
            down_since = asked
    if down_since is not None:
        return Standing("down", down_since)
    if good_until is None:
        return Standing("unchecked", T)
    return Standing("unchecked", good_until) if at > good_until else Standing("up", up_since)


@given(
    st.lists(st.tuples(st.integers(0, 60), st.none() | st.integers(0, 30)), max_size=12),
    st.integers(0, 90),
)
def test_looking_back_finds_what_going_through_from_the_start_finds(
    checks: list[tuple[int, int | None]], minutes: int
) -> None:
    state, moment = with_checks([(float(asked), after) for asked, after in checks]), T + timedelta(minutes=minutes)
    assert peer_standing(state, DESK, PEER, moment) == slow_standing(state, moment)


def test_what_is_owed_after_many_answered_checks_looks_at_few_of_them(monkeypatch: pytest.MonkeyPatch) -> None:
    """A thousand checks by hand once cost every further act a look at each of them."""
    state = with_checks([(number * 0.01, 0.001) for number in range(1000)])
    looked_at = 0

    def counting(message: Message) -> datetime:
        nonlocal looked_at
        looked_at += 1
        return recorded(message)

    monkeypatch.setattr(line_check, "recorded", counting)
    monkeypatch.setattr(line_findings_of, "recorded", counting)
    noticing = Noticing(state, T + timedelta(minutes=10))
    line_findings(noticing, DESK)
    assert check_due_at(state, DESK) is not None
    assert answers_owed(state, DESK) == []
    assert 0 < looked_at < 20

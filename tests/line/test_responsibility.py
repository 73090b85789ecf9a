"""Responsibility moves by offer and acceptance, and by nothing else (S10)."""

from __future__ import annotations

import pytest

from keepclear.line import view
from keepclear.line.responsibility import holder
from keepclear.line.views import HeldView
from keepclear.model import acts as a
from tests.line.cast import DESK, World, at, words


@pytest.fixture
def world() -> World:
    return World()


def offer(to: str, group: str = "buses") -> a.ResponsibilityOffer:
    return a.ResponsibilityOffer(group=group, to=to, terms=words())


def held(world: World, who: str = "coalition") -> HeldView:
    (found,) = view.picture(world[who].state, world[who].now).held
    return found


def status(world: World, thread: str, who: str = "coalition") -> str:
    return view.thread(world[who].state, thread, world[who].now).status


def test_an_assertion_moves_nothing(world: World) -> None:
    said = world.tell("coalition", a.ResponsibilityAssertion(group="buses", holder="ground", words=words()), DESK)
    assert (held(world).holder, held(world).assertions) == (None, (said.id,))
    assert status(world, said.id) == "asserted"


def test_an_offer_moves_nothing_until_it_is_accepted(world: World) -> None:
    made = world.tell("convoy", offer("ground"), DESK)
    assert (held(world).holder, status(world, made.id)) == (None, "offered")
    world.set(at(5))
    world.tell("ground", a.ResponsibilityAnswer(re=made.id, accepts=True), DESK)
    for who in ("coalition", "russia", "convoy"):
        assert (held(world, who).holder, held(world, who).since) == ("ground", at(5))
        assert status(world, made.id, who) == "accepted"


def test_a_declined_offer_moves_nothing(world: World) -> None:
    made = world.tell("convoy", offer("ground"), DESK)
    world.tell("ground", a.ResponsibilityAnswer(re=made.id, accepts=False), DESK)
    assert (held(world).holder, status(world, made.id)) == (None, "declined")


def test_the_first_answer_counts(world: World) -> None:
    made = world.tell("convoy", offer("ground"), DESK)
    world.tell("ground", a.ResponsibilityAnswer(re=made.id, accepts=False), DESK)
    second = world["ground"].say("ground", a.ResponsibilityAnswer(re=made.id, accepts=True), DESK, own=False)
    world.deliver()
    assert held(world).holder is None
    assert (
        view.act(world["coalition"].state, world["coalition"].state.acts[second.id]).without_effect
        == "already_answered"
    )


def test_it_goes_from_holder_to_holder(world: World) -> None:
    for minute, (author, to) in enumerate((("convoy", "ground"), ("ground", "russia"), ("russia", "coalition"))):
        world.set(at(minute))
        made = world.tell(author, offer(to), DESK)
        world.tell(to, a.ResponsibilityAnswer(re=made.id, accepts=True), DESK)
        assert held(world).holder == to


def test_who_does_not_hold_it_cannot_give_it_away(world: World) -> None:
    made = world.tell("convoy", offer("ground"), DESK)
    world.tell("ground", a.ResponsibilityAnswer(re=made.id, accepts=True), DESK)
    world.set(at(1))
    false = world["russia"].say("russia", offer("coalition"), DESK, own=False)
    world.deliver()
    world["coalition"].say("coalition", a.ResponsibilityAnswer(re=false.id, accepts=True), DESK, own=False)
    world.deliver()
    for who in ("coalition", "russia", "convoy"):
        assert held(world, who).holder == "ground"
        state = world[who].state
        effects = [act.without_effect for act in view.thread(state, false.id, at(1)).acts]
        assert set(effects) - {None} == {"not_holder"}


def test_two_offers_accepted_at_once_leave_one_holder_everywhere(world: World) -> None:
    first = world.tell("convoy", offer("russia"), DESK)
    second = world.tell("convoy", offer("coalition"), DESK)
    world.set(at(1))
    world.say("russia", a.ResponsibilityAnswer(re=first.id, accepts=True), DESK)
    world.say("coalition", a.ResponsibilityAnswer(re=second.id, accepts=True), DESK)
    world.deliver()
    assert {who: held(world, who).holder for who in ("russia", "coalition", "convoy")} == dict.fromkeys(
        ("russia", "coalition", "convoy"), "coalition"
    )


def test_an_exercise_hands_nothing_over(world: World) -> None:
    made = world.tell("convoy", offer("ground"), DESK, exercise=True)
    world.tell("ground", a.ResponsibilityAnswer(re=made.id, accepts=True), DESK, exercise=True)
    assert status(world, made.id) == "accepted"
    assert holder(world["coalition"].state, "buses") is None


def test_an_agreement_binds_who_consents_for_itself(world: World) -> None:
    terms = a.Agreement(id="deal", parties=("convoy", "ground", "somebody elsewhere"), terms=words(), group="buses")
    stated = world.tell("convoy", terms, DESK)
    assert status(world, stated.id) == "stated"
    world.tell("convoy", a.Consent(re=stated.id, consents=True), DESK)
    assert status(world, stated.id) == "stated"
    world.tell("ground", a.Consent(re=stated.id, consents=True), DESK)
    assert status(world, stated.id) == "consented"
    world.tell("ground", a.Consent(re=stated.id, consents=False), DESK)
    assert status(world, stated.id) == "stated"


def test_an_agreement_of_people_who_are_not_here_stays_stated(world: World) -> None:
    stated = world.tell("convoy", a.Agreement(id="deal", parties=("x", "y"), terms=words()), DESK)
    world.tell("ground", a.Consent(re=stated.id, consents=True), DESK)
    assert status(world, stated.id) == "stated"

"""A request to clear airspace and the intents in it: the constraint it becomes, and where each intent stands."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from keepclear.line import view
from keepclear.line.clearing import residual_now
from keepclear.line.utm_requests import (
    asked_volume,
    constraint_id,
    intents_in,
    standing_requests,
)
from keepclear.line.views import IntentView
from keepclear.model import acts as a
from keepclear.model.findings import FindingKind
from keepclear.model.utm import EntityKind, IntentState, UtmSubscription
from keepclear.utm.demands import check_id
from tests.line.cast import AVOIDANCE, T, World, at, clear_request, words
from tests.line.services import AWAY, ID, INTENT, Services, circle

SUBSCRIPTION = "00000000-0000-4000-8000-000000000009"


@pytest.fixture
def world() -> World:
    world = World()
    world.settle()
    return world


@pytest.fixture
def services(world: World) -> Services:
    return Services(world)


def ask(world: World) -> str:
    """Russia asks the coalition, which stands for the services here, to clear the stall area from minute 60."""
    message = world.tell("russia", clear_request())
    world.settle()
    return message.id


def standing(world: World, request: str, who: str = "coalition") -> list[IntentView]:
    return list(view.thread(world[who].state, request, world[who].now).intents)


def tell(services: Services, request: str, outcome: str = "204") -> None:
    """The service was told of the constraint by its subscription."""
    services.change(
        UtmSubscription(
            id=SUBSCRIPTION,
            manager="alfa",
            uss_base_url="https://alfa.example",
            version="v" * 16,
            notification_index=1,
            for_intents=False,
            for_constraints=True,
            implicit=False,
            volumes=(circle(),),
        )
    )
    services.told(constraint_id(request), SUBSCRIPTION, outcome)


# ── the constraint ──


def test_a_request_is_one_constraint_with_an_id_of_its_own(world: World) -> None:
    request = ask(world)
    check_id(constraint_id(request), "id")
    assert constraint_id(request) == constraint_id(request) != constraint_id("0" * 64)
    assert constraint_id(request)[14] == "4"
    asked = asked_volume(world["coalition"].state.threads[request])
    assert asked.circle is not None
    assert (asked.circle.radius_m, asked.lower_m, asked.upper_m) == (20_000.0, 0.0, 9_000.0)
    assert (asked.starts_at, asked.ends_at) == (at(60), at(240))


@pytest.mark.parametrize(
    "end",
    [
        lambda world, request: world.tell("russia", a.Cancel(re=request, reason=words())),
        lambda world, request: world.tell("russia", a.GiveBack(re=request)),
        lambda world, request: world.set(at(240)),
    ],
    ids=["cancelled", "given back", "over"],
)
def test_a_request_stands_until_it_is_taken_back_or_over(world: World, end: Callable[[World, str], object]) -> None:
    request = ask(world)

    def held() -> list[str]:
        node = world["coalition"]
        return [thread.id for thread in standing_requests(node.state, AVOIDANCE, "coalition", node.now)]

    assert held() == [request]
    world.tell("coalition", a.Answer(re=request, reply=a.Reply.CANNOT))
    assert held() == [request], "that it was asked stays true"
    end(world, request)
    assert held() == []


def test_an_exercise_and_a_request_to_others_are_told_to_nobody(world: World) -> None:
    world.tell("russia", clear_request(), exercise=True)
    world.tell("coalition", clear_request(to=("russia",)))
    node = world["coalition"]
    assert list(standing_requests(node.state, AVOIDANCE, "coalition", node.now)) == []


def test_the_intents_in_a_request_are_found_at_the_grain_of_the_dss(world: World, services: Services) -> None:
    request = world["coalition"].state.threads[ask(world)]
    services.intent()
    services.intent(circle(AWAY), id="00000000-0000-4000-8000-000000000002")
    assert intents_in(services.node.state, request) == [ID]


# ── where intents stand ──


def test_an_intent_stands_inside_until_its_service_changes_it(world: World, services: Services) -> None:
    services.intent()
    services.say()
    world.set(at(5))
    request = ask(world)
    (stands,) = standing(world, request)
    assert (stands.plan, stands.service, stands.state, stands.since) == (INTENT, "alfa", "inside", T)
    assert stands.told_at is None
    assert standing(world, request, "russia") == [stands], "both sides see the same"
    world.set(at(10))
    change = services.intent(circle(AWAY))
    services.say()
    (stands,) = standing(world, request)
    assert (stands.state, stands.since, stands.change) == ("changed", at(10), change.id)
    assert isinstance(services.node.state.acts[stands.act].act, a.Correction)
    assert standing(world, request, "russia") == [stands]
    world.set(at(15))
    services.intent()
    services.say()
    (stands,) = standing(world, request)
    assert (stands.state, stands.since) == ("inside", T)


def test_an_intent_that_ends_says_so_and_by_what(world: World, services: Services) -> None:
    services.intent()
    services.say()
    request = ask(world)
    world.set(at(10))
    change = services.end()
    services.say()
    (stands,) = standing(world, request)
    assert (stands.state, stands.since, stands.change) == ("ended", at(10), change.id)


def test_an_intent_whose_time_is_over_has_ended(world: World, services: Services) -> None:
    services.intent(circle(minutes=(30, 70)))
    services.say()
    request = ask(world)
    world.set(at(70))
    (stands,) = standing(world, request)
    assert (stands.state, stands.since) == ("ended", at(70))


def test_of_what_flies_outside_its_plan_the_plan_tells_nothing(world: World, services: Services) -> None:
    services.intent()
    services.say()
    request = ask(world)
    world.set(at(10))
    services.intent(circle(AWAY), state=IntentState.CONTINGENT)
    services.say()
    (stands,) = standing(world, request)
    assert (stands.state, stands.since) == ("unknown", at(10))


def test_better_knowledge_is_not_a_change(world: World, services: Services) -> None:
    services.intent(circle(AWAY, radius_m=50_000.0))
    services.say()
    request = ask(world)
    assert [each.state for each in standing(world, request)] == ["inside"]
    world.set(at(5))
    services.say(details=(circle(AWAY),))
    assert standing(world, request) == [], "its details never met the volume"


def test_what_left_before_the_request_does_not_stand_in_it(world: World, services: Services) -> None:
    services.intent()
    services.say()
    world.set(at(5))
    services.intent(circle(AWAY))
    services.say()
    world.set(at(10))
    assert standing(world, ask(world)) == []
    world.set(at(15))
    services.end()
    services.say()
    world.set(at(20))
    assert standing(world, ask(world)) == []


@pytest.mark.parametrize(
    "volume",
    [circle(AWAY), circle(minutes=(30, 59)), circle(minutes=(240, 250)), circle(heights=(9_001.0, 9_100.0))],
    ids=["elsewhere", "before", "after", "above"],
)
def test_an_intent_apart_in_place_time_or_height_does_not_stand_in_it(
    world: World, services: Services, volume: object
) -> None:
    services.intent(volume)  # type: ignore[arg-type]
    services.say()
    assert standing(world, ask(world)) == []


def test_a_flight_that_no_service_claims_is_no_intent(world: World, services: Services) -> None:
    services.intent()
    said = services.owed().said
    assert said is not None
    world.tell("coalition", said.act)
    assert standing(world, ask(world)) == []


# ── told, and T0 ──


def test_only_a_message_that_was_taken_has_told_a_service(world: World, services: Services) -> None:
    services.intent()
    services.say()
    request = ask(world)
    tell(services, request, "503")
    assert standing(world, request)[0].told_at is None
    services.told("00000000-0000-4000-8000-000000000099", SUBSCRIPTION)
    assert standing(world, request)[0].told_at is None, "that was of something else"
    world.set(at(3))
    services.told(constraint_id(request), SUBSCRIPTION)
    (stands,) = standing(world, request)
    assert (stands.told_at, stands.told_outcome) == (at(3), "204")
    assert standing(world, request, "russia")[0].told_at is None, "only who told it knows"
    services.intent(id="00000000-0000-4000-8000-000000000002", manager="bravo")
    services.say("intent.00000000-0000-4000-8000-000000000002")
    assert [each.told_at for each in standing(world, request)] == [at(3), None]


def test_at_t0_it_is_a_finding_who_was_told_and_has_not_changed(world: World, services: Services) -> None:
    services.intent()
    services.say()
    request = ask(world)
    tell(services, request)
    world.settle()
    services.pass_to(at(59))
    assert services.node.findings(FindingKind.INTENT_UNCHANGED) == []
    services.pass_to(at(60))
    (found,) = services.node.findings(FindingKind.INTENT_UNCHANGED)
    assert (found.subjects, found.since, found.until) == (("coalition", INTENT), at(60), None)
    assert found.thread == request
    assert all(services.node.state.acts[each].line == AVOIDANCE for each in found.evidence)
    assert world["russia"].findings(FindingKind.INTENT_UNCHANGED) == []
    services.intent(circle(AWAY))
    services.say()
    services.pass_to(at(62))
    (found,) = services.node.findings(FindingKind.INTENT_UNCHANGED)
    assert found.until is not None


@pytest.mark.parametrize("why", ["not told", "changed", "given back"])
def test_at_t0_there_is_nothing_to_find(world: World, services: Services, why: str) -> None:
    services.intent()
    services.say()
    request = ask(world)
    if why != "not told":
        tell(services, request)
    services.pass_to(at(10))
    if why == "changed":
        services.intent(circle(AWAY))
        services.say()
    if why == "given back":
        world.tell("russia", a.GiveBack(re=request))
    world.settle()
    services.pass_to(at(60))
    services.pass_to(at(61))
    assert services.node.findings(FindingKind.INTENT_UNCHANGED) == []


# ── the residual ──


def test_the_residual_lists_an_intent_as_unknown_with_what_its_service_did(world: World, services: Services) -> None:
    services.intent()
    services.say()
    request = ask(world)
    world.set(at(10))
    change = services.intent(circle(AWAY))
    services.say()
    services.pass_to(at(61))
    (item,) = residual_now(services.node.state, request, "coalition", services.node.now)
    assert (item.asset, item.status) == (INTENT, a.Inside.UNKNOWN)
    (stands,) = standing(world, request)
    assert item.evidence == (stands.act, change.id)
    world.tell("coalition", a.Answer(re=request, reply=a.Reply.WILL_COMPLY))
    world.tell("coalition", a.Done(re=request, reported_clear_at=at(61), residual=(item,)))
    assert view.thread(world["russia"].state, request, at(62)).status == "reported_clear"


def test_the_ends_of_constraints_leave_intents_alone(world: World, services: Services) -> None:
    services.intent()
    services.say()
    services.constraint()
    services.end(kind=EntityKind.CONSTRAINT)
    assert services.owed().said is None

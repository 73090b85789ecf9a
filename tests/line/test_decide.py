"""What is refused: from anybody, what cannot be kept; from one's own desk, what the rules do not allow."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import msgspec
import pytest

from keepclear.errors import Forged, Forked, Malformed, OutOfOrder, Refused
from keepclear.line.decide import decide
from keepclear.line.message import Message
from keepclear.model import acts as a
from keepclear.model.parties import NodeCard, PartyCard
from keepclear.model.places import LatLon
from keepclear.model.times import Window
from keepclear.model.volumes import Polygon, Volume
from tests.line.cast import (
    AVOIDANCE,
    BAND,
    DESK,
    T,
    World,
    at,
    card,
    clear_request,
    desk,
    key,
    movement,
    name,
    names,
    notice,
    read_back,
    window,
    words,
)

UNKNOWN = "ab" * 32


@pytest.fixture
def world() -> World:
    world = World()
    world.settle()
    return world


def refused(world: World, message: Message, *, own: bool = False) -> Refused:
    """The refusal at the author's node (`own`) or at the Coalition's; the state is as before."""
    node = world[message.author] if own else world["coalition"]
    before = (len(node.state.log), dict(node.state.thread_of), {k: c.seq for k, c in node.state.chains.items()})
    with pytest.raises(Refused) as refusal:
        decide(node.state, message, node.now, own=own)
    assert before == (len(node.state.log), node.state.thread_of, {k: c.seq for k, c in node.state.chains.items()})
    return refusal.value


# ── from anybody ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_unknown_line_or_author_and_one_who_is_not_on_the_line(world: World) -> None:
    good = world["russia"].draft("russia", notice())
    assert refused(world, msgspec.structs.replace(good, line="elsewhere")).code == "unknown_line"
    assert refused(world, msgspec.structs.replace(good, author="nobody")).code == "unknown_author"
    assert refused(world, msgspec.structs.replace(good, author="convoy")).code == "not_a_member"
    assert refused(world, msgspec.structs.replace(good, line="own.coalition.node")).code == "not_a_member"
    assert isinstance(refused(world, msgspec.structs.replace(good, author="desk.node")), Forged)


def test_a_gap_names_the_first_act_missing(world: World) -> None:
    world.say("russia", notice())
    world.say("russia", notice(plan=movement("second")))
    third = world["russia"].draft("russia", notice(plan=movement("third")))
    refusal = refused(world, third)
    assert isinstance(refusal, OutOfOrder)
    assert refusal.need_seq == 1


def test_the_same_act_twice_is_said_to_be_kept(world: World) -> None:
    sent = world.tell("russia", notice())
    refusal = refused(world, sent)
    assert (refusal.code, refusal.values["index"]) == ("already_kept", world["coalition"].state.acts[sent.id].index)


def test_two_acts_under_one_number_are_a_fork(world: World) -> None:
    sent = world.tell("russia", notice())
    other = msgspec.structs.replace(sent, id="cd" * 32, index=-1, recorded_at=None)
    refusal = refused(world, other)
    assert isinstance(refusal, Forked)
    assert (refusal.values["held"], refusal.values["offered"]) == (sent.id, "cd" * 32)


def test_an_act_that_follows_one_we_never_saw_is_a_fork(world: World) -> None:
    world.tell("russia", notice())
    second = world["russia"].draft("russia", notice(plan=movement("second")))
    refusal = refused(world, msgspec.structs.replace(second, prev="ef" * 32))
    assert isinstance(refusal, Forked)
    assert refusal.field == "prev"


@pytest.mark.parametrize(("ahead", "kept"), [(timedelta(days=2), True), (timedelta(days=2, seconds=1), False)])
def test_a_peer_two_days_ahead_is_refused(world: World, ahead: timedelta, kept: bool) -> None:
    message = world["russia"].draft("russia", notice(), said_at=T + ahead)
    if kept:
        decide(world["coalition"].state, message, T, own=False)
    else:
        assert refused(world, message).code == "clock"


def test_years_late_is_normal(world: World) -> None:
    message = world["russia"].draft("russia", notice(), said_at=T - timedelta(days=3000))
    decide(world["coalition"].state, message, T, own=False)


def outline(*vertices: tuple[float, float]) -> Polygon:
    return Polygon(vertices=tuple(LatLon(lat_deg=lat, lon_deg=lon) for lat, lon in vertices))


BOW_TIE = outline((34.6, 39.3), (34.9, 39.5), (34.9, 39.3), (34.6, 39.5))
WIDE = outline((0, 0), (0, 60), (60, 30))
POINT = outline((1, 1), (1, 1), (1, 1))
NO_OUTLINE = [(BOW_TIE, "polygon_crossing"), (WIDE, "too_wide"), (POINT, "polygon_no_area")]


@pytest.mark.parametrize(("area", "code"), NO_OUTLINE)
def test_an_outline_that_is_none_is_refused_wherever_it_stands(world: World, area: Polygon, code: str) -> None:
    volume = Volume(area=area, band=BAND, window=window())
    plan = msgspec.structs.replace(movement(), volumes=(volume,))
    request = msgspec.structs.replace(clear_request(), volume=volume)
    counter = a.Answer(re=UNKNOWN, reply=a.Reply.COUNTER_PROPOSAL, counter=volume)
    for act, field in ((notice(plan=plan), "act.plan.volumes[0]"), (request, "act.volume"), (counter, "act.counter")):
        refusal = refused(world, world["russia"].draft("russia", act))
        assert isinstance(refusal, Malformed)
        assert refusal.code == code
        assert refusal.field.startswith(f"{field}.area.vertices")


def test_a_grid_that_names_no_square_is_refused(world: World) -> None:
    nowhere = msgspec.structs.replace(names(), grid="37SZZ000000")
    plan = msgspec.structs.replace(movement(), names=(names(34.75, 38.9), nowhere))
    refusal = refused(world, world["russia"].draft("russia", notice(plan=plan)))
    assert refusal.field == "act.plan.names[1].grid"


# ── who is here ──────────────────────────────────────────────────────────────────────────────────────────────────────


def enrol(world: World, node: NodeCard) -> Refused:
    return refused(
        world, world["coalition"].draft("coalition.node", a.Enrol(node=node), "own.coalition.node"), own=True
    )


def test_a_key_is_never_replaced(world: World) -> None:
    russia = card("russia.node")
    other = "+00000000+" + "B" * 44
    assert enrol(world, msgspec.structs.replace(russia, key="russia.node" + other)).code == "key_differs"
    party = msgspec.structs.replace(russia.parties[0], key="russia" + other)
    assert enrol(world, msgspec.structs.replace(russia, parties=(party,))).field == "act.node.parties[0].key"


def test_ids_are_one_to_a_party_over_all_nodes(world: World) -> None:
    def stranger(node_id: str, party: str) -> NodeCard:
        parties = (PartyCard(id=party, name=name(party), key=key(party)),)
        return NodeCard(id=node_id, key=key(node_id), address="http://127.0.0.1:1", parties=parties)

    assert enrol(world, stranger("new.node", "russia")).code == "id_taken"
    assert enrol(world, stranger("new.node", "russia.node")).code == "id_taken"
    assert enrol(world, stranger("russia", "new")).code == "id_taken"


def test_a_party_cannot_be_left_out_but_an_address_may_change(world: World) -> None:
    desk_card = card("desk.node")
    assert enrol(world, msgspec.structs.replace(desk_card, parties=desk_card.parties[:1])).code == "party_missing"
    moved = msgspec.structs.replace(desk_card, address="http://127.0.0.1:9999")
    world["coalition"].say("coalition.node", a.Enrol(node=moved), "own.coalition.node")
    assert world["coalition"].state.nodes["desk.node"].address == "http://127.0.0.1:9999"


def test_a_line_keeps_its_terms_and_opening_it_again_changes_nothing(world: World) -> None:
    node = world["coalition"]
    held = node.state.lines[AVOIDANCE].card
    node.say("coalition.node", a.OpenLine(line=held), node.state.own_line)
    assert node.state.lines[AVOIDANCE].opened_at == T

    def opening(**changes: object) -> Refused:
        line = msgspec.structs.replace(held, **changes)
        return refused(world, node.draft("coalition.node", a.OpenLine(line=line), node.state.own_line), own=True)

    assert opening(check_every_s=60.0).code == "line_exists"
    assert opening(id="second", members=("coalition", "nobody")).code == "unknown_party"
    assert opening(id="second", members=("russia", "convoy")).code == "not_a_member"
    assert opening(id="own.second").code == "own_line"


def test_nobody_enrols_or_opens_from_outside(world: World) -> None:
    for act in (a.Enrol(node=card("russia.node")), a.OpenLine(line=world["coalition"].state.lines[AVOIDANCE].card)):
        assert refused(world, world["russia"].draft("russia.node", act)).code == "only_own_node"
        assert refused(world, world["coalition"].draft("coalition", act, "own.coalition.node")).code == "only_own_node"


# ── from one's own desk ──────────────────────────────────────────────────────────────────────────────────────────────

Case = Callable[[World], tuple[str, a.Act, str]]


def on_notice(author: str, act: Callable[[str], a.Act], *before: Callable[[str], tuple[str, a.Act]]) -> Case:
    """An act about a notice of Russia to the Coalition, after other acts about it."""

    def case(world: World) -> tuple[str, a.Act, str]:
        sent = world.tell("russia", notice())
        world.settle()
        for each in before:
            world.tell(*each(sent.id))
        return author, act(sent.id), AVOIDANCE

    return case


def on_request(author: str, act: Callable[[str], a.Act], *before: Callable[[str], tuple[str, a.Act]]) -> Case:
    def case(world: World) -> tuple[str, a.Act, str]:
        sent = world.tell("russia", clear_request())
        world.settle()
        for each in before:
            world.tell(*each(sent.id))
        return author, act(sent.id), AVOIDANCE

    return case


def on_call(author: str, act: Callable[[str], a.Act], *before: Callable[[str], tuple[str, a.Act]]) -> Case:
    def case(world: World) -> tuple[str, a.Act, str]:
        sent = world.tell("russia", a.DangerCall(to=("coalition",), words=words()))
        world.settle()
        for each in before:
            world.tell(*each(sent.id))
        return author, act(sent.id), AVOIDANCE

    return case


def plainly(author: str, act: a.Act, line: str = AVOIDANCE, *before: tuple[str, a.Act, str]) -> Case:
    def case(world: World) -> tuple[str, a.Act, str]:
        for each in before:
            world.tell(*each)
        return author, act, line

    return case


def at_minute(minute: float, case: Case) -> Case:
    def later(world: World) -> tuple[str, a.Act, str]:
        found = case(world)
        world.set(at(minute))
        return found

    return later


CANCEL = lambda re: ("russia", a.Cancel(re=re, reason=words()))  # noqa: E731
GIVE_BACK = lambda re: ("russia", a.GiveBack(re=re))  # noqa: E731
COMPLY = lambda re: ("coalition", a.Answer(re=re, reply=a.Reply.WILL_COMPLY))  # noqa: E731
TAKE = lambda re: ("coalition", a.Take(re=re))  # noqa: E731
DONE = lambda re: a.Done(re=re, reported_clear_at=T, residual=())  # noqa: E731
ELSEWHERE = msgspec.structs.replace(movement(), names=(names(34.9, 39.4),))
FOR_CONVOY = a.ResponsibilityOffer(group="buses", to="ground", terms=words())

OWN: dict[str, tuple[Case, str, str]] = {
    "read back what is not addressed to it": (on_notice("russia", read_back), "not_addressed", "act.re"),
    "read back what is cancelled": (on_notice("coalition", read_back, CANCEL), "over", "act.re"),
    "read back what is over": (at_minute(240, on_notice("coalition", read_back)), "over", "act.re"),
    "read back with a grid that is none": (
        on_notice("coalition", lambda re: read_back(re, grid="37SZZ000000")),
        "grid_form",
        "act.grid",
    ),
    "read back what nobody said": (plainly("coalition", read_back(UNKNOWN)), "unknown_act", "act.re"),
    "read back a request": (on_request("coalition", read_back), "wrong_matter", "act.re"),
    "acknowledge what it has not received": (
        on_notice("coalition", lambda re: a.Receipt(re=re, hop=a.Hop.ACKNOWLEDGED)),
        "not_received",
        "act.hop",
    ),
    "acknowledge after a wrong read-back": (
        on_notice(
            "coalition",
            lambda re: a.Receipt(re=re, hop=a.Hop.ACKNOWLEDGED),
            lambda re: ("coalition", read_back(re, grid="37SDU9999")),
        ),
        "not_received",
        "act.hop",
    ),
    "confirm its own notice": (
        on_notice("russia", lambda re: a.Receipt(re=re, hop=a.Hop.OPENED)),
        "not_addressed",
        "act.re",
    ),
    "cancel what is another's": (
        on_notice("coalition", lambda re: a.Cancel(re=re, reason=words())),
        "not_author",
        "act.re",
    ),
    "cancel twice": (on_notice("russia", lambda re: a.Cancel(re=re, reason=words()), CANCEL), "cancelled", "act.re"),
    "cancel what is over": (
        at_minute(240, on_notice("russia", lambda re: a.Cancel(re=re, reason=words()))),
        "over",
        "act.re",
    ),
    "correct what is another's": (
        on_notice("coalition", lambda re: a.Correction(re=re, plan=movement(), reason=words())),
        "not_author",
        "act.re",
    ),
    "correct what is cancelled": (
        on_notice("russia", lambda re: a.Correction(re=re, plan=movement(), reason=words()), CANCEL),
        "cancelled",
        "act.re",
    ),
    "correct into another plan": (
        on_notice("russia", lambda re: a.Correction(re=re, plan=movement("other"), reason=words())),
        "plan_differs",
        "act.plan.id",
    ),
    "give notice twice of one plan": (on_notice("russia", lambda re: notice()), "plan_in_force", "act.plan.id"),
    "give notice of the past": (at_minute(240, plainly("russia", notice())), "in_the_past", "act.plan.window.ends_at"),
    "give notice to who is not on the line": (
        plainly("russia", notice(to=("coalition", "convoy"))),
        "addressee_not_on_line",
        "act.to[1]",
    ),
    "give notice to itself": (plainly("russia", notice(to=("russia",))), "addressed_to_self", "act.to[0]"),
    "give notice twice to one": (plainly("russia", notice(to=("coalition",) * 2)), "addressee_twice", "act.to"),
    "name a grid where the plan is not": (
        plainly("russia", notice(plan=ELSEWHERE)),
        "grid_elsewhere",
        "act.plan.names[0].grid",
    ),
    "name a grid where the volume is not": (
        plainly("russia", msgspec.structs.replace(clear_request(), names=(names(35.0, 39.4),))),
        "grid_elsewhere",
        "act.names[0].grid",
    ),
    "ask for what is over": (
        at_minute(240, plainly("russia", clear_request(answer_by=300))),
        "in_the_past",
        "act.volume.window.ends_at",
    ),
    "ask for an answer in the past": (
        at_minute(31, plainly("russia", clear_request())),
        "in_the_past",
        "act.answer_by",
    ),
    "propose with an answer in the past": (
        plainly("russia", a.Proposal(to=("coalition",), topic="t", words=words(), answer_by=T)),
        "in_the_past",
        "act.answer_by",
    ),
    "answer its own request": (
        on_request("russia", lambda re: a.Answer(re=re, reply=a.Reply.WILL_COMPLY)),
        "not_addressed",
        "act.re",
    ),
    "answer after it was given back": (
        on_request("coalition", lambda re: a.Answer(re=re, reply=a.Reply.CANNOT), GIVE_BACK),
        "over",
        "act.re",
    ),
    "answer when it is over": (
        at_minute(240, on_request("coalition", lambda re: a.Answer(re=re, reply=a.Reply.CANNOT))),
        "over",
        "act.re",
    ),
    "report done without having agreed": (on_request("coalition", DONE), "not_agreed", "act.re"),
    "report done of its own request": (on_request("russia", DONE), "not_addressed", "act.re"),
    "report what has not happened": (
        on_request("coalition", lambda re: a.Done(re=re, reported_clear_at=at(5), residual=()), COMPLY),
        "in_the_future",
        "act.reported_clear_at",
    ),
    "report done after it was given back": (on_request("coalition", DONE, COMPLY, GIVE_BACK), "over", "act.re"),
    "give back what it did not ask for": (
        on_request("coalition", lambda re: a.GiveBack(re=re)),
        "not_author",
        "act.re",
    ),
    "give back twice": (on_request("russia", lambda re: a.GiveBack(re=re), GIVE_BACK), "already_given_back", "act.re"),
    "give back what it cancelled": (on_request("russia", lambda re: a.GiveBack(re=re), CANCEL), "cancelled", "act.re"),
    "take its own call": (on_call("russia", lambda re: a.Take(re=re)), "not_addressed", "act.re"),
    "take what is taken": (on_call("coalition", lambda re: a.Take(re=re), TAKE), "already_taken", "act.re"),
    "take what is closed": (
        on_call("coalition", lambda re: a.Take(re=re), lambda re: ("russia", a.Close(re=re, outcome=words()))),
        "over",
        "act.re",
    ),
    "close a call it did not take": (
        on_call("coalition", lambda re: a.Close(re=re, outcome=words())),
        "not_taken",
        "act.re",
    ),
    "close twice": (
        on_call(
            "russia",
            lambda re: a.Close(re=re, outcome=words()),
            lambda re: ("russia", a.Close(re=re, outcome=words())),
        ),
        "already_closed",
        "act.re",
    ),
    "speak of what is on another line": (
        lambda world: ("coalition", read_back(world.tell("russia", notice()).id), DESK),
        "other_line",
        "act.re",
    ),
    "mix an exercise with what is real": (
        lambda world: ("coalition", read_back(world.tell("russia", notice(), exercise=True).id), AVOIDANCE),
        "exercise_mixed",
        "act.re",
    ),
    "offer what another holds": (
        lambda world: (
            "russia",
            a.ResponsibilityOffer(group="buses", to="coalition", terms=words()),
            world.tell(
                "ground",
                a.ResponsibilityAnswer(re=world.tell("convoy", FOR_CONVOY, DESK).id, accepts=True),
                DESK,
            ).line,
        ),
        "not_holder",
        "act",
    ),
    "offer to who is not on the line": (
        plainly("russia", a.ResponsibilityOffer(group="buses", to="convoy", terms=words())),
        "addressee_not_on_line",
        "act.to",
    ),
    "answer an offer made to another": (
        lambda world: (
            "russia",
            a.ResponsibilityAnswer(re=world.tell("convoy", FOR_CONVOY, DESK).id, accepts=True),
            DESK,
        ),
        "not_addressed",
        "act.re",
    ),
    "answer an assertion": (
        lambda world: (
            "ground",
            a.ResponsibilityAnswer(
                re=world.tell(
                    "convoy", a.ResponsibilityAssertion(group="buses", holder="ground", words=words()), DESK
                ).id,
                accepts=True,
            ),
            DESK,
        ),
        "wrong_matter",
        "act.re",
    ),
    "resume what it has not suspended": (plainly("russia", a.Resume()), "not_suspended", "act"),
    "suspend its node's own log": (plainly("russia", a.Suspend(reason=words()), "own.russia.node"), "own_line", "line"),
    "give notice on a line it has suspended": (
        plainly("russia", notice(), AVOIDANCE, ("russia", a.Suspend(reason=words()), AVOIDANCE)),
        "suspended",
        "line",
    ),
    "let its node speak as a party": (plainly("russia.node", notice()), "node_may_not", "act"),
    "let a party find as a node": (
        plainly("russia", a.OpenLine(line=World().nodes["russia.node"].state.lines[AVOIDANCE].card), "own.russia.node"),
        "only_own_node",
        "line",
    ),
}


@pytest.mark.parametrize(("case", "code", "field"), OWN.values(), ids=OWN.keys())
def test_a_desk_cannot(world: World, case: Case, code: str, field: str) -> None:
    author, act, line = case(world)
    refusal = refused(world, world[author].draft(author, act, line), own=True)
    assert (refusal.code, refusal.field) == (code, field)


def test_a_node_does_not_speak_for_the_parties_of_another(world: World) -> None:
    message = world["coalition"].draft("russia", notice())
    with pytest.raises(Forged) as refusal:
        decide(world["coalition"].state, message, T, own=True)
    assert refusal.value.code == "not_hosted"


def test_ones_own_act_is_not_dated_ahead(world: World) -> None:
    decide(
        world["russia"].state, world["russia"].draft("russia", notice(), said_at=T + timedelta(seconds=5)), T, own=True
    )
    late = world["russia"].draft("russia", notice(), said_at=T + timedelta(seconds=6))
    assert refused(world, late, own=True).code == "clock"


@pytest.mark.parametrize(
    "act",
    [
        a.DangerCall(to=("coalition",), words=words()),
        a.LineCheck(),
        a.Resume(),
    ],
)
def test_a_suspended_line_still_carries_what_must_get_through(world: World, act: a.Act) -> None:
    world.tell("russia", a.Suspend(reason=words()))
    world.tell("russia", act)
    assert world["coalition"].state.log[-1].act == act


def test_a_line_suspended_by_one_is_open_to_the_others(world: World) -> None:
    world.tell("russia", a.Suspend(reason=words()))
    sent = world.tell("coalition", notice(to=("russia",)))
    world.tell("russia", a.Receipt(re=sent.id, hop=a.Hop.OPENED))
    assert refused(world, world["russia"].draft("russia", read_back(sent.id)), own=True).code == "suspended"
    world.tell("russia", a.Resume())
    world.tell("russia", read_back(sent.id))


def test_an_exercise_is_never_stopped_by_a_suspension(world: World) -> None:
    world.tell("russia", a.Suspend(reason=words()))
    world.tell("russia", notice(), exercise=True)


def test_an_ordinary_day_is_allowed(world: World) -> None:
    """The other side of all the refusals: the same acts in their right place and order."""
    world.tell("coalition", desk(("duty officer", 0.0)))
    sent = world.tell("russia", notice())
    world.tell("coalition", read_back(sent.id))
    world.tell("coalition", a.Receipt(re=sent.id, hop=a.Hop.ACKNOWLEDGED))
    later = msgspec.structs.replace(movement(), window=Window(starts_at=at(60), ends_at=at(300)))
    corrected = world.tell("russia", a.Correction(re=sent.id, plan=later, reason=words()))
    world.tell("coalition", read_back(corrected.id, later))
    asked = world.tell("russia", clear_request())
    world.tell("coalition", a.Answer(re=asked.id, reply=a.Reply.WITH_CONDITIONS, conditions=words()))
    world.tell("coalition", a.Done(re=asked.id, reported_clear_at=T, residual=()))
    world.tell("russia", a.GiveBack(re=asked.id))
    world.tell("russia", a.Cancel(re=sent.id, reason=words()))
    called = world.tell("russia", a.DangerCall(to=("coalition",), words=words()))
    world.tell("coalition", a.Take(re=called.id))
    world.tell("coalition", a.Close(re=called.id, outcome=words()))
    world.settle()
    assert world["russia"].state.threads.keys() == world["coalition"].state.threads.keys()

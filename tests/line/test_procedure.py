"""What a peer says against the rules is kept, and changes nothing: it is evidence."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest

from keepclear.line import view
from keepclear.line.duties import fork_finding
from keepclear.model import acts as a
from keepclear.model.findings import FindingKind
from keepclear.model.statements import Claim
from keepclear.model.times import Precision, TimeSaid
from tests.line.cast import (
    AVOIDANCE,
    DESK,
    T,
    World,
    at,
    clear_request,
    desk,
    group,
    movement,
    name,
    notice,
    read_back,
    words,
)

SILENT = TimeSaid(text="today", precision=Precision.VAGUE)
STATEMENT = a.PublishStatement(
    id="s",
    topic="t",
    title="t",
    publisher=name("p"),
    published=SILENT,
    claims=(Claim(id="k", speaker="s", side="s", said=SILENT, words="w", lang="en", verbatim=True),),
)


@pytest.fixture
def world() -> World:
    world = World()
    world.settle()
    return world


Breach = tuple[a.Act, str, Callable[[str], a.Act], str]
BREACHES: dict[str, Breach] = {
    "a read-back by the sender": (notice(), "russia", read_back, "not_addressed"),
    "a correction by the receiver": (
        notice(),
        "coalition",
        lambda re: a.Correction(re=re, plan=movement(east=1.0), reason=words()),
        "not_author",
    ),
    "a cancel by the receiver": (notice(), "coalition", lambda re: a.Cancel(re=re, reason=words()), "not_author"),
    "an answer to a notice": (notice(), "coalition", lambda re: a.Answer(re=re, reply=a.Reply.CANNOT), "wrong_matter"),
    "a take of a notice": (notice(), "coalition", lambda re: a.Take(re=re), "wrong_matter"),
    "an answer by the asker": (
        clear_request(),
        "russia",
        lambda re: a.Answer(re=re, reply=a.Reply.CANNOT),
        "not_addressed",
    ),
    "a give-back by who was asked": (clear_request(), "coalition", lambda re: a.GiveBack(re=re), "not_author"),
    "a report by the asker": (
        clear_request(),
        "russia",
        lambda re: a.Done(re=re, reported_clear_at=T, residual=()),
        "not_addressed",
    ),
    "a consent to a notice": (notice(), "coalition", lambda re: a.Consent(re=re, consents=True), "wrong_matter"),
    "a node that acknowledges": (
        notice(),
        "coalition.node",
        lambda re: a.Receipt(re=re, hop=a.Hop.ACKNOWLEDGED),
        "node_may_not",
    ),
    "a node that answers": (
        clear_request(),
        "coalition.node",
        lambda re: a.Answer(re=re, reply=a.Reply.WILL_COMPLY),
        "node_may_not",
    ),
    "a node that confirms what is not its": (
        notice(),
        "russia.node",
        lambda re: a.Receipt(re=re, hop=a.Hop.DELIVERED),
        "not_addressed",
    ),
    "an answer to what is no check": (notice(), "coalition.node", lambda re: a.LineCheckAnswer(re=re), "wrong_matter"),
    "an answer to what nobody said": (
        notice(),
        "coalition",
        lambda re: a.Answer(re="ab" * 32, reply=a.Reply.CANNOT),
        "unknown_act",
    ),
}


@pytest.mark.parametrize(("opener", "author", "breach", "code"), BREACHES.values(), ids=BREACHES.keys())
def test_it_is_kept_without_effect_on_both_sides(
    world: World, opener: a.Act, author: str, breach: Callable[[str], a.Act], code: str
) -> None:
    opened = world.tell("russia", opener)
    world.settle()
    before = {who: view.thread(world[who].state, opened.id, T) for who in ("russia", "coalition")}
    said = world[author].say(author, breach(opened.id), own=False)
    world.deliver()
    for who in ("russia", "coalition"):
        state = world[who].state
        assert view.act(state, state.acts[said.id]).without_effect == code
        after = view.thread(state, opened.id, T)
        assert (after.status, after.recipients, after.plan) == (
            before[who].status,
            before[who].recipients,
            before[who].plan,
        )


def test_it_is_a_finding_on_both_sides(world: World) -> None:
    sent = world.tell("russia", notice())
    said = world["coalition"].say("coalition", a.Cancel(re=sent.id, reason=words()), own=False)
    world.deliver()
    world.settle()
    for who in ("russia", "coalition"):
        (found,) = world[who].findings(FindingKind.WITHOUT_EFFECT)
        assert (found.values["reason"], found.values["act"], found.evidence) == ("not_author", "cancel", (said.id,))


def test_an_act_across_lines_has_no_effect(world: World) -> None:
    sent = world.tell("russia", notice())
    said = world["coalition"].say("coalition", read_back(sent.id), DESK, own=False)
    world.deliver()
    state = world["russia"].state
    assert view.act(state, state.acts[said.id]).without_effect == "other_line"
    assert view.thread(state, sent.id, T).status == "announced"


def test_real_acts_do_not_touch_an_exercise_nor_exercises_what_is_real(world: World) -> None:
    real, drill = world.tell("russia", notice()), world.tell("russia", notice(plan=movement("two")), exercise=True)
    world["coalition"].say("coalition", read_back(real.id), own=False, exercise=True)
    world["coalition"].say("coalition", read_back(drill.id, movement("two")), own=False)
    world.deliver()
    for who in ("russia", "coalition"):
        statuses = [view.thread(world[who].state, each.id, T).status for each in (real, drill)]
        assert statuses == ["announced", "announced"]


def test_an_exercise_changes_no_register(world: World) -> None:
    node = world["coalition"]
    for author, act, line in (
        ("russia", desk(("officer", 0.0)), AVOIDANCE),
        ("russia", a.Suspend(reason=words()), AVOIDANCE),
        ("convoy", a.DeclareGroup(group=group()), DESK),
        ("russia", STATEMENT, AVOIDANCE),
        ("russia", notice(), AVOIDANCE),
        ("russia", clear_request(), AVOIDANCE),
    ):
        said = world.tell(author, act, line, exercise=True)
        assert node.state.acts[said.id].exercise
    now = view.picture(node.state, T)
    assert (now.groups, now.plans, now.clearings) == ((), (), ())
    assert view.statements(node.state, T) == []
    assert node.state.rosters == {}
    assert [line.state for line in view.lines(node.state, T) if line.id == AVOIDANCE] == ["up"]


def test_a_clock_that_runs_ahead_is_a_finding_that_grows_and_ends(world: World) -> None:
    def from_russia(ahead: float) -> None:
        node = world["russia"]
        node.say("russia", a.LineCheck(), said_at=world["russia"].now + timedelta(seconds=ahead), own=False)
        world.deliver()
        world.settle()

    node = world["coalition"]
    from_russia(5)
    assert node.findings(FindingKind.CLOCK_AHEAD) == []
    from_russia(3600)
    (found,) = node.findings(FindingKind.CLOCK_AHEAD)
    assert (found.subjects, found.values["ahead_s"], found.until) == (("russia",), 3600.0, None)
    from_russia(4000)
    assert node.findings(FindingKind.CLOCK_AHEAD)[0].values["ahead_s"] == 3600.0
    from_russia(7200)
    assert node.findings(FindingKind.CLOCK_AHEAD)[0].values["ahead_s"] == 7200.0
    from_russia(0)
    assert node.findings(FindingKind.CLOCK_AHEAD)[0].until is not None


def test_the_draft_of_a_fork_can_be_kept(world: World) -> None:
    node = world["coalition"]
    sent = world.tell("russia", notice())
    draft = fork_finding(AVOIDANCE, "russia", sent.seq, sent.id, "cd" * 32, "coalition.node", at(1))
    node.say(draft.author, draft.act, draft.line, role=draft.role)
    (found,) = node.findings(FindingKind.FORK)
    assert (found.values["held"], found.values["offered"], found.evidence) == (sent.id, "cd" * 32, (sent.id,))

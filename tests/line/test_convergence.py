"""Whatever came first where: nodes that hold the same acts show the same threads, and a fold is a fold."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.line import view
from keepclear.line.apply import apply
from keepclear.line.disclosure import as_seen_by, sees
from keepclear.line.duties import duties
from keepclear.line.message import Message
from keepclear.line.replay import replay
from keepclear.line.state import State
from keepclear.model import acts as a
from keepclear.model.groups import AssetKind
from tests.line.cast import (
    AVOIDANCE,
    DESK,
    HOME,
    NODES,
    STALL,
    Node,
    T,
    World,
    at,
    clear_request,
    desk,
    drone,
    group,
    movement,
    notice,
    read_back,
    track,
    words,
)

PARTIES = tuple(HOME)
Line = Callable[[str, str], a.Act]


def others(author: str) -> tuple[str, ...]:
    return tuple(party for party in PARTIES if party != author)[:2]


OPENERS: tuple[Line, ...] = (
    lambda author, _: notice(to=others(author), plan=movement(f"plan-{author}")),
    lambda author, _: clear_request(to=others(author)),
    lambda author, _: a.Proposal(to=others(author), topic="topic", words=words(), answer_by=at(40)),
    lambda author, _: a.DangerCall(to=others(author), words=words()),
    lambda author, _: a.Agreement(id="deal", parties=("convoy", "ground"), terms=words()),
    lambda author, _: a.ResponsibilityOffer(group="buses", to=others(author)[0], terms=words()),
    lambda author, _: a.ResponsibilityAssertion(group="buses", holder="ground", words=words()),
    lambda author, _: a.Suspend(reason=words()),
    lambda author, _: a.Resume(),
    lambda author, _: desk(("officer", 0.0), ("chief", 300.0)),
    lambda author, _: a.DeclareGroup(group=group()),
    lambda author, _: a.Positions(tracks=(track("bus-1", AssetKind.BUS, (1, *STALL)), drone("one", (2, *STALL)))),
)
REPLIES: tuple[Line, ...] = (
    lambda _, re: read_back(re),
    lambda author, re: read_back(re, movement(east=0.2)),
    lambda author, re: a.Correction(re=re, plan=movement(f"plan-{author}", east=0.2), reason=words()),
    lambda _, re: a.Cancel(re=re, reason=words()),
    lambda _, re: a.Receipt(re=re, hop=a.Hop.OPENED),
    lambda _, re: a.Receipt(re=re, hop=a.Hop.ACKNOWLEDGED),
    lambda _, re: a.Receipt(re=re, hop=a.Hop.CREW_BRIEFED, crew="KITE 2"),
    lambda _, re: a.Answer(re=re, reply=a.Reply.WILL_COMPLY),
    lambda _, re: a.Answer(re=re, reply=a.Reply.CANNOT),
    lambda _, re: a.Done(re=re, reported_clear_at=T, residual=()),
    lambda _, re: a.GiveBack(re=re),
    lambda _, re: a.Take(re=re),
    lambda _, re: a.Close(re=re, outcome=words()),
    lambda _, re: a.Consent(re=re, consents=True),
    lambda _, re: a.ResponsibilityAnswer(re=re, accepts=True),
    lambda _, re: a.Remark(re=re, words=words()),
)


def story(seed: int, length: int = 40) -> World:
    """Parties say things in any order, right and wrong, while acts travel or do not. Ends with all delivered."""
    chance = random.Random(seed)
    world = World()
    minute = 0.0
    said: list[str] = []
    for _ in range(length):
        minute += chance.choice((0.0, 0.0, 1.0, 7.0))
        world.set(at(minute))
        author = chance.choice(PARTIES)
        act = chance.choice(OPENERS)(author, "") if not said or chance.random() < 0.35 else None
        if act is None:
            act = chance.choice(REPLIES)(author, chance.choice(said[-8:]))
        backdated = timedelta(minutes=chance.choice((0, 0, 0, 3)))
        message = world[author].say(
            author, act, DESK, own=False, exercise=chance.random() < 0.1, said_at=at(minute) - backdated
        )
        said.append(message.id)
        if chance.random() < 0.3:
            deliver_some(world, chance)
        if chance.random() < 0.2:
            world[chance.choice(PARTIES)].do_duties()
    world.deliver()
    world.settle()
    return world


def deliver_some(world: World, chance: random.Random) -> None:
    """One node hears what another's parties have said so far, and nothing else."""
    sender, receiver = (world.nodes[each].state for each in chance.sample(NODES, 2))
    for message in list(sender.log):
        told = sender.is_hosted(message.author) and receiver.node_id in sender.peers(message.line)
        if told and receiver.chain(message.line, message.author).seq < message.seq:
            world.nodes[receiver.node_id].hear(message)


def shared(state: State, line: str, now_minute: float) -> list[Any]:
    """The threads of a line as a node shows them, without what is its own: record times, indices, findings."""

    def plain(value: Any) -> Any:
        if isinstance(value, dict):
            dropped = ("recorded_at", "index", "findings")
            return {name: plain(inner) for name, inner in value.items() if name not in dropped}
        return [plain(inner) for inner in value] if isinstance(value, list | tuple) else value

    shown = [msgspec.to_builtins(view.thread(state, each, at(now_minute))) for each in state.threads]
    found = [plain(each) for each in shown if each["line"] == line]
    for each in found:
        each["acts"].sort(key=lambda act: act["id"])
    return sorted(found, key=lambda each: str(each["id"]))


@given(st.integers(0, 10**6))
def test_all_nodes_show_the_same_threads(seed: int) -> None:
    world = story(seed)
    for minute in (0, 35, 60, 100, 241, 10_000):
        shown = [shared(world.nodes[node].state, DESK, minute) for node in NODES]
        assert shown[0] == shown[1] == shown[2]
        assert shown[0]


@given(st.integers(0, 10**6))
def test_any_interleaving_of_the_authors_chains_gives_the_same_threads(seed: int) -> None:
    world = story(seed, length=25)
    told = world.nodes["coalition.node"].state
    chains: dict[tuple[str, str], list[Message]] = {}
    for message in told.log:
        if message.line == DESK:
            chains.setdefault((message.line, message.author), []).append(message)
    fresh = Node("coalition.node")
    for message in told.log:
        if message.line == told.own_line and isinstance(message.act, a.Enrol | a.OpenLine):
            fresh.now = message.recorded_at or T
            fresh.keep(message)
    fresh.now = at(10_000)
    chance = random.Random(seed + 1)
    while chains:
        key = chance.choice(sorted(chains))
        fresh.keep(chains[key].pop(0))
        if not chains[key]:
            del chains[key]
    for minute in (0, 35, 100, 241):
        assert shared(fresh.state, DESK, minute) == shared(told, DESK, minute)


@given(st.integers(0, 10**6))
def test_duties_come_to_an_end_and_once_done_are_not_owed_again(seed: int) -> None:
    world = story(seed, length=25)
    for node in world.nodes.values():
        assert duties(node.state, node.now) == []
        again = replay(list(node.state.log), node.state.node_id)
        assert duties(again, node.now) == []


@given(st.integers(0, 10**6), st.integers(0, 200))
def test_a_replay_is_the_fold_of_what_was_recorded_by_then(seed: int, cut: int) -> None:
    world = story(seed, length=25)
    node = world.nodes["desk.node"]
    log = node.state.log
    moment = log[min(cut, len(log) - 1)].recorded_at
    assert moment is not None
    past = replay(log, "desk.node", until=moment)
    by_hand = [message for message in log if message.recorded_at is not None and message.recorded_at <= moment]
    assert [message.id for message in past.log] == [message.id for message in by_hand]
    folded = State("desk.node")
    for message in by_hand:
        apply(folded, message)
    for minute in (0, 100, 241):
        assert view.threads(past, at(minute)) == view.threads(folded, at(minute))
        assert view.picture(past, at(minute)) == view.picture(folded, at(minute))


@given(st.integers(0, 10**6))
def test_a_party_knows_its_share_and_no_more(seed: int) -> None:
    world = story(seed, length=25)
    node = world.nodes["desk.node"]
    node.say("convoy", a.Positions(tracks=(track("bus-9", AssetKind.BUS, (3, *STALL)),)), "own.desk.node")
    node.do_duties()
    convoy, ground = as_seen_by(node.state, "convoy"), as_seen_by(node.state, "ground")
    assert "bus-9" in convoy.histories
    assert "bus-9" not in ground.histories
    for party, share in (("convoy", convoy), ("ground", ground)):
        assert [m.id for m in share.log] == [m.id for m in node.state.log if sees(node.state, party, m)]
        assert shared(share, DESK, 100) == shared(node.state, DESK, 100)
        late = replay(node.state.log, "desk.node", party=party)
        assert view.threads(late, at(100)) == view.threads(share, at(100))
    with pytest.raises(KeyError):
        as_seen_by(node.state, "russia")


def test_a_share_follows_what_comes_after() -> None:
    world = World()
    node = world["convoy"]
    before = as_seen_by(node.state, "ground")
    sent = world.tell("convoy", notice(to=("russia",)), DESK)
    after = as_seen_by(node.state, "ground")
    assert after is before
    assert sent.id in after.threads
    assert as_seen_by(after, "ground") is after
    only = world["russia"].state
    assert as_seen_by(only, "russia") is only


def test_a_finding_that_rests_on_anothers_own_tracks_stays_from_the_other() -> None:
    """On a neutral desk: the convoy's positions on the node's own log make a finding that ground must not see."""
    world = World()
    node = world["convoy"]
    node.say("convoy", a.DeclareGroup(group=group(count=1)), "own.desk.node")
    fixes = tuple((float(minute), *STALL) for minute in range(-120, 1, 10))
    node.say("convoy", a.Positions(tracks=(track("bus-1", AssetKind.BUS, *fixes),)), "own.desk.node")
    world.settle()
    halted = [each.kind.value for each in view.picture(node.state, T, "convoy").findings]
    assert "halted" in halted
    assert view.picture(node.state, T, "ground").findings == ()


def test_an_answer_heard_before_its_question_takes_effect_when_that_comes() -> None:
    world = World()
    sent = world.say("convoy", notice(to=("coalition", "russia")), DESK)
    world["russia"].hear(sent)
    answer = world["russia"].say("russia", read_back(sent.id), DESK)
    early = world["coalition"]
    early.hear(answer)
    assert view.act(early.state, early.state.acts[answer.id]).without_effect == "unknown_act"
    assert early.state.threads == {}
    early.hear(sent)
    shown = {each.party: each.state for each in view.thread(early.state, sent.id, T).recipients}
    assert shown == {"coalition": "queued", "russia": "received"}
    assert view.act(early.state, early.state.acts[answer.id]).without_effect is None
    assert early.state.unresolved == {}


def test_avoidance_is_not_told_to_the_desk() -> None:
    world = World()
    world.tell("russia", notice())
    world.settle()
    assert AVOIDANCE not in world["convoy"].state.lines
    assert [m.line for m in world["convoy"].state.log if m.line == AVOIDANCE] == []

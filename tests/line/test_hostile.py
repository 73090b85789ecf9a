"""What a member that means harm, or errs, cannot do to the others: each test is one way that was once open."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime, timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.errors import NotNow
from keepclear.line import duties as duties_file
from keepclear.line import statements as judging
from keepclear.line import view
from keepclear.line.duties import duties
from keepclear.line.groups import MOST_GROUPS, assets, declarations, declared, may_meet
from keepclear.line.noticing import Noticing
from keepclear.line.procedure import MOST_DESKS
from keepclear.line.state import GroupKey, State, Thread
from keepclear.line.thread_findings import MOST_WITHOUT_EFFECT, thread_findings
from keepclear.line.views import GroupView
from keepclear.model import acts as a
from keepclear.model import statements as s
from keepclear.model.base import EARLIEST, LATEST
from keepclear.model.findings import FindingKind
from keepclear.model.groups import AssetKind, Group, Member
from keepclear.model.parties import Desk, EscalationStep
from keepclear.model.plans import Trajectory, Waypoint
from keepclear.model.statements import Claim, Verdict
from keepclear.model.times import Precision, TimeSaid, Window
from tests.line.cast import (
    AVOIDANCE,
    DESK,
    STALL,
    Node,
    World,
    at,
    buses,
    group,
    movement,
    name,
    notice,
    read_back,
    track,
    words,
)


@pytest.fixture
def world() -> World:
    world = World()
    world.settle()
    return world


def tell(world: World, author: str, act: a.Act, line: str = DESK, **options: object) -> str:
    """Said by a node that holds itself to no rules, and heard by everybody on the line."""
    sent = world[author].say(author, act, line, own=False, **options)  # type: ignore[arg-type]
    world.deliver()
    return sent.id


def seen(world: World, key: GroupKey, who: str = "coalition") -> GroupView:
    shown = view.picture(world[who].state, world[who].now).groups
    (found,) = (each for each in shown if (each.declared_by, each.id) == key)
    return found


# ── a rule that fails on one matter ──────────────────────────────────────────────────────────────────────────────────


def test_a_matter_that_cannot_be_looked_at_stops_no_other_and_is_on_record(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    bad = tell(world, "convoy", notice(to=("coalition",), plan=movement("bad")))
    good = tell(world, "convoy", notice(to=("coalition",), plan=movement("good")))

    def failing(noticing: Noticing, thread: Thread) -> None:
        if thread.id == bad:
            raise ZeroDivisionError
        thread_findings(noticing, thread)

    monkeypatch.setattr(duties_file, "thread_findings", failing)
    node = world["coalition"]
    node.do_duties()
    assert good in {m.act.re for m in node.state.log if isinstance(m.act, a.Receipt)}
    (found,) = node.findings(FindingKind.NOT_LOOKED_AT)
    assert (found.thread, found.until, found.values["error"]) == (bad, None, "ZeroDivisionError")
    tell(world, "convoy", a.Remark(re=bad, words=words()))
    assert node.do_duties() == []
    monkeypatch.undo()
    tell(world, "convoy", a.Remark(re=bad, words=words()))
    node.do_duties()
    assert [each.until for each in node.findings(FindingKind.NOT_LOOKED_AT)] == [node.now]
    assert {good, bad} <= {m.act.re for m in node.state.log if isinstance(m.act, a.Receipt)}


@pytest.mark.parametrize("where", ["groups_of", "pairs_of", "group_findings", "pair_findings"])
def test_nor_does_a_failure_about_movements(world: World, monkeypatch: pytest.MonkeyPatch, where: str) -> None:
    def failing(*_: object) -> None:
        raise ValueError(where)

    monkeypatch.setattr(duties_file, where, failing)
    for author in ("convoy", "ground"):
        asset = f"{author}-1"
        members = (Member(asset=asset, kind=AssetKind.BUS),)
        tell(world, author, a.DeclareGroup(group=msgspec.structs.replace(group(author), members=members)))
        tell(world, author, a.Positions(tracks=(track(asset, AssetKind.BUS, (-1, *STALL)),)))
    tell(world, "convoy", notice(to=("coalition",)))
    node = world["coalition"]
    assert any(isinstance(act, a.Receipt) for act in node.do_duties())
    assert node.findings(FindingKind.NOT_LOOKED_AT)
    monkeypatch.undo()
    for author in ("convoy", "ground"):
        tell(world, author, a.Positions(tracks=(track(f"{author}-1", AssetKind.BUS, (0, *STALL)),)))
    node.do_duties()
    assert [each for each in node.findings(FindingKind.NOT_LOOKED_AT) if each.until is None] == []


@pytest.mark.parametrize(
    ("first", "slack"), [(EARLIEST, "early_s"), (LATEST - timedelta(hours=2), "late_s")], ids=["1970", "2100"]
)
def test_plans_that_reach_beyond_the_years_that_can_be_written(world: World, first: datetime, slack: str) -> None:
    last = first + timedelta(hours=1)
    points = tuple(
        Waypoint(at=moment, lat_deg=STALL[0], lon_deg=STALL[1] + east) for moment, east in ((first, 0.0), (last, 0.1))
    )
    way = msgspec.structs.replace(Trajectory(waypoints=points, buffer_m=500.0), **{slack: 366 * 86_400.0})
    window = Window(starts_at=first, ends_at=last)
    for plan_id in ("one", "two"):
        plan = msgspec.structs.replace(movement(plan_id), trajectory=way, window=window)
        tell(world, "convoy" if plan_id == "one" else "russia", notice(to=("coalition",), plan=plan))
    world.settle()
    for node in world.nodes.values():
        assert duties(node.state, node.now) == []
        assert node.findings(FindingKind.NOT_LOOKED_AT) == []
    found = world["coalition"].findings(FindingKind.CONFLICT)
    assert [set(each.subjects) for each in found] == ([{"one", "two"}] if slack == "late_s" else [])


# ── groups ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_nobody_can_take_the_name_of_a_group(world: World) -> None:
    squatted = msgspec.structs.replace(group(), members=(Member(asset="x", kind=AssetKind.CAR),))
    world.say("russia", a.DeclareGroup(group=squatted), DESK)
    world.say("convoy", a.DeclareGroup(group=group()), DESK)
    world.deliver()
    world.settle()
    for node in world.nodes.values():
        assert {key: assets(held[-1].group) for key, held in node.state.groups.items()} == {
            ("russia", "buses"): {"x"},
            ("convoy", "buses"): {"bus-1", "bus-2", "bus-3"},
        }
    shown = view.picture(world["coalition"].state, at(0)).groups
    assert {(each.id, each.declared_by) for each in shown} == {("buses", "convoy"), ("buses", "russia")}


def test_nobody_ends_anothers_group_by_declaring_that_it_split(world: World) -> None:
    tell(world, "convoy", a.DeclareGroup(group=group()))
    tell(world, "russia", a.DeclareGroup(group=group("theirs", split_from="buses")))
    world.settle()
    assert seen(world, ("convoy", "buses")).state != "split"
    assert world["coalition"].findings(FindingKind.SPLIT) == []
    tell(world, "convoy", a.DeclareGroup(group=group("ours", split_from="buses")))
    world.settle()
    assert seen(world, ("convoy", "buses")).state == "split"
    assert [each.subjects for each in world["coalition"].findings(FindingKind.SPLIT)] == [("buses", "ours")]


def test_no_meeting_is_hidden_by_declaring_anothers_vehicles(world: World) -> None:
    truck = Member(asset="truck", kind=AssetKind.TRUCK)
    tell(world, "convoy", a.DeclareGroup(group=group()))
    unit = msgspec.structs.replace(group("unit", split_from="buses"), members=(*buses(), truck))
    tell(world, "russia", a.DeclareGroup(group=unit))
    for asset, author, east in (("bus-1", "convoy", 0.0), ("truck", "russia", 0.02)):
        fixes = (-10, STALL[0], STALL[1] + east), (0, *STALL)
        tell(world, author, a.Positions(tracks=(track(asset, AssetKind.BUS, *fixes),)))
    world.settle()
    assert [set(each.subjects) for each in world["coalition"].findings(FindingKind.ENCOUNTER)] == [{"buses", "unit"}]


def test_the_same_vehicles_told_twice_do_not_meet_themselves(world: World) -> None:
    tell(world, "convoy", a.DeclareGroup(group=group()))
    tell(world, "ground", a.DeclareGroup(group=group("seen")))
    for number in (1, 2):
        fixes = (-10, STALL[0], STALL[1] + 0.01), (0, *STALL)
        tell(world, "convoy", a.Positions(tracks=(track(f"bus-{number}", AssetKind.BUS, *fixes),)))
    world.settle()
    assert world["coalition"].findings(FindingKind.ENCOUNTER) == []


def test_who_has_a_group_of_that_name_says_nothing_of_anothers_waiting(world: World) -> None:
    for author in ("convoy", "russia"):
        tell(world, author, a.DeclareGroup(group=group()))
    tell(world, "russia", a.Waiting(group="buses", since=at(-5), waits_for="x"))
    assert seen(world, ("russia", "buses")).state == "waiting"
    assert seen(world, ("convoy", "buses")).state != "waiting"
    tell(world, "ground", a.Waiting(group="buses", since=at(-5), waits_for="an answer"))
    assert seen(world, ("convoy", "buses")).waits_for == "an answer"


def test_what_a_declarer_says_last_holds_however_it_is_dated(world: World) -> None:
    tell(world, "convoy", a.DeclareGroup(group=group(count=3)), said_at=at(0))
    tell(world, "convoy", a.DeclareGroup(group=group(count=2)), said_at=at(-60))
    assert len(seen(world, ("convoy", "buses")).members) == 2


def test_one_more_declaration_is_looked_at_with_its_kin_alone(world: World) -> None:
    for number in range(10):
        members = (Member(asset=f"x-{number}", kind=AssetKind.BUS),)
        made = Group(id=f"g-{number}", name=name("g"), members=members, split_from="g-0" if number == 1 else None)
        tell(world, "convoy", a.DeclareGroup(group=made))
    world.settle()
    again = msgspec.structs.replace(declared(world["coalition"].state, ("convoy", "g-0")).group, late_s=60.0)  # type: ignore[union-attr]
    tell(world, "convoy", a.DeclareGroup(group=again))
    touched = {name for kind, name in world["coalition"].state.agenda.changed if kind == "group"}
    assert touched == {"convoy/g-0", "convoy/g-1"}


def test_a_stray_vehicle_brings_no_two_groups_together(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(4):
        members = (Member(asset=f"x-{number}", kind=AssetKind.BUS),)
        tell(world, "convoy", a.DeclareGroup(group=Group(id=f"g-{number}", name=name("g"), members=members)))
        tell(world, "convoy", a.Positions(tracks=(track(f"x-{number}", AssetKind.BUS, (-1, *STALL)),)))
    world.settle()
    pairs: list[str] = []
    monkeypatch.setattr(duties_file, "pair_findings", lambda noticing, pair, since: pairs.append(pair))
    tell(world, "ground", a.Positions(tracks=(track("stray", AssetKind.BUS, (0, *STALL)),)))
    world["coalition"].do_duties()
    assert pairs == []
    tell(world, "convoy", a.Positions(tracks=(track("x-0", AssetKind.BUS, (0, *STALL)),)))
    world["coalition"].do_duties()
    assert set(pairs) == {f"convoy/g-0|convoy/g-{other}" for other in (1, 2, 3)}


def test_an_author_declares_so_many_groups_on_a_line_and_no_more(world: World) -> None:
    for number in range(MOST_GROUPS):
        world.say("russia", a.DeclareGroup(group=group(f"g-{number}")), DESK)
    over = world["russia"].say("russia", a.DeclareGroup(group=group("over")), DESK, own=False)
    world["russia"].say("russia", a.DeclareGroup(group=group("g-0", count=1)), DESK)
    world.say("convoy", a.DeclareGroup(group=group("over")), DESK)
    world.deliver()
    for who in ("russia", "coalition"):
        state = world[who].state
        assert view.act(state, state.acts[over.id]).without_effect == "too_many"
        assert set(state.groups_named["over"]) == {("convoy", "over")}
        assert len(state.groups) == MOST_GROUPS + 1
    with pytest.raises(NotNow) as refused:
        world.say("russia", a.DeclareGroup(group=group("another")), DESK)
    assert refused.value.code == "too_many"


@given(st.integers(0, 10**6))
def test_registers_of_groups_are_what_a_search_finds_whatever_was_heard_first(seed: int) -> None:
    chance = random.Random(seed)
    world = World()
    for _ in range(25):
        author, line = chance.choice((("russia", DESK), ("russia", AVOIDANCE), ("coalition", AVOIDANCE)))
        members = tuple(Member(asset=f"x-{n}", kind=AssetKind.BUS) for n in sorted(chance.sample(range(4), 2)))
        parent, plan = chance.choice((None, "g-0", "g-1")), chance.choice((None, "way"))
        made = Group(id=f"g-{chance.randrange(3)}", name=name("g"), members=members, split_from=parent, plan=plan)
        said_at = at(-chance.randrange(5))
        world[author].say(author, a.DeclareGroup(group=made), line, own=False, said_at=said_at)
    world["convoy"].state.log.clear()
    told = [m for who in ("russia", "coalition") for m in world[who].state.log if isinstance(m.act, a.DeclareGroup)]
    chains = {
        (m.line, m.author): [each for each in told if (each.line, each.author) == (m.line, m.author)] for m in told
    }
    fresh = Node("coalition.node")
    for message in World()["coalition"].state.log:
        fresh.keep(message)
    while chains:
        key = chance.choice(sorted(chains))
        fresh.keep(chains[key].pop(0))
        if not chains[key]:
            del chains[key]
    other = Node("coalition.node")
    for message in World()["coalition"].state.log:
        other.keep(message)
    for message in told:
        other.keep(message)
    state = fresh.state
    for key in state.groups:
        assert [d.message.id for d in declarations(state, key)] == [
            d.message.id for d in declarations(other.state, key)
        ]
    now = {key: held[-1].group for key, held in state.groups.items()}
    for asset in (f"x-{n}" for n in range(4)):
        assert set(state.groups_with.get(asset, ())) == {key for key, each in now.items() if asset in assets(each)}
    for one in now:
        split = {key for key, each in now.items() if each.split_from == one[1] and key[0] == one[0]}
        assert set(state.parts.get(one, ())) == split
        for two in now:
            assert may_meet(state, one, two) == may_meet(other.state, two, one) == slow_may_meet(now, one, two)


def slow_may_meet(now: dict[GroupKey, Group], one: GroupKey, two: GroupKey) -> bool:
    def dissolved(key: GroupKey) -> bool:
        parts = [each for k, each in now.items() if each.split_from == key[1] and k[0] == key[0] and k != key]
        return bool(parts) and assets(now[key]) <= set().union(*(assets(part) for part in parts))

    if one == two or dissolved(one) or dissolved(two):
        return False
    if one[0] != two[0]:
        return assets(now[one]) != assets(now[two])
    names = {one[1], now[one].split_from} & {two[1], now[two].split_from}
    return not (names - {None}) and not assets(now[one]) & assets(now[two])


# ── plans ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("followed", [True, False])
@pytest.mark.parametrize("squats_first", [True, False])
def test_a_blocked_leg_stays_blocked_whatever_another_does_under_the_plans_id(
    world: World, squats_first: bool, followed: bool
) -> None:
    def squat() -> None:
        made = tell(world, "russia", notice(to=("coalition",), plan=movement("road")))
        tell(world, "russia", a.Cancel(re=made, reason=words()))

    blocked = a.LegBlocked(plan="road", from_place="a", to_place="b", at=said("now", Precision.VAGUE), words=words())
    if squats_first:
        squat()
    own = tell(world, "convoy", notice(to=("coalition",), plan=movement("road")))
    if followed:
        tell(world, "convoy", a.DeclareGroup(group=group(plan="road")))
    tell(world, "ground", blocked)
    if not squats_first:
        squat()
    world.settle()
    for who in ("coalition", "convoy"):
        assert [each.until for each in world[who].findings(FindingKind.LEG_BLOCKED)] == [None]
    tell(world, "convoy", a.Cancel(re=own, reason=words()))
    world.settle()
    assert [each.until for each in world["coalition"].findings(FindingKind.LEG_BLOCKED)] == [world["convoy"].now]


def test_a_blocked_leg_ends_with_the_plan_of_the_group_that_follows_it(world: World) -> None:
    tell(world, "russia", notice(to=("coalition",), plan=movement("road")))
    own = tell(world, "convoy", notice(to=("coalition",), plan=movement("road")))
    tell(world, "convoy", a.DeclareGroup(group=group(plan="road")))
    where = said("now", Precision.VAGUE)
    tell(world, "ground", a.LegBlocked(plan="road", from_place="a", to_place="b", at=where, words=words()))
    tell(world, "convoy", a.Cancel(re=own, reason=words()))
    world.settle()
    assert [each.until is None for each in world["coalition"].findings(FindingKind.LEG_BLOCKED)] == [False]


def test_a_plan_id_used_by_another_stops_nobody_from_giving_notice(world: World) -> None:
    tell(world, "russia", notice(to=("coalition",), plan=movement("road")))
    own = world.tell("convoy", notice(to=("coalition",), plan=movement("road")), DESK)
    assert view.thread(world["coalition"].state, own.id, at(0)).status == "announced"


# ── corrections ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_a_correction_dated_back_is_not_what_the_crew_was_briefed_on(world: World) -> None:
    sent = tell(world, "convoy", notice(to=("coalition",)))
    world.set(at(10))
    hops = (
        {"hop": a.Hop.ACKNOWLEDGED},
        {"hop": a.Hop.PASSED, "echelon": "cell"},
        {"hop": a.Hop.CREW_BRIEFED, "crew": "KITE"},
        {"hop": a.Hop.CREW_ACKNOWLEDGED, "crew": "KITE"},
    )
    tell(world, "coalition", read_back(sent))
    for hop in hops:
        tell(world, "coalition", a.Receipt(re=sent, **hop))
    world.set(at(50))
    moved = movement(east=1.0)
    correction = tell(world, "convoy", a.Correction(re=sent, plan=moved, reason=words()), said_at=at(1))
    for who in ("coalition", "convoy"):
        shown = view.thread(world[who].state, sent, at(50))
        (one,) = shown.recipients
        assert (one.state, one.missing_hop, shown.version, shown.status) == (
            "queued",
            "delivered",
            correction,
            "announced",
        )
        assert {hop.version for hop in one.hops} == {sent}
    tell(world, "coalition", read_back(correction, moved))
    tell(world, "coalition", a.Receipt(re=correction, hop=a.Hop.ACKNOWLEDGED))
    (one,) = view.thread(world["convoy"].state, sent, at(50)).recipients
    assert (one.state, one.received) == ("acknowledged", True)


# ── danger calls ─────────────────────────────────────────────────────────────────────────────────────────────────────


def ladder(desk: str, *steps: tuple[str, float]) -> a.Roster:
    escalation = tuple(EscalationStep(role=role, after_s=after_s) for role, after_s in steps)
    return a.Roster(desk=Desk(id=desk, name=name("desk"), escalation=escalation))


def climbed(world: World, who: str = "coalition") -> list[str]:
    return [str(each.values["role"]) for each in world[who].findings(FindingKind.ESCALATED)]


def test_a_roster_shown_later_climbs_no_step_that_was_due_before(world: World) -> None:
    tell(world, "russia", ladder("one", ("officer", 0.0), ("chief", 1200.0)), AVOIDANCE)
    calls = [tell(world, "coalition", a.DangerCall(to=("russia",), words=words(str(n))), AVOIDANCE) for n in range(3)]
    world.settle()
    assert climbed(world) == ["officer"] * 3
    world.set(at(10))
    for number in range(5):
        tell(world, "russia", ladder("one", *((f"r-{number}-{step}", 0.0) for step in range(20))), AVOIDANCE)
        tell(world, "russia", ladder("two", (f"b-{number}", 0.0)), AVOIDANCE, said_at=at(-1))
        world.settle()
    assert climbed(world) == ["officer"] * 3
    assert view.thread(world["coalition"].state, calls[0], at(10)).escalated_to[0] == "russia: b-4"  # dated back
    assert not [each for each in view.thread(world["coalition"].state, calls[0], at(10)).escalated_to if ": r-" in each]
    tell(world, "russia", ladder("one", ("director", 1200.0)), AVOIDANCE)
    world.pass_time(at(30))
    assert climbed(world) == ["officer"] * 3 + ["director"] * 3
    assert len(calls) == 3


def test_a_role_is_gone_to_once_for_each_time_whatever_desks_name_it(world: World) -> None:
    for desk in ("one", "two", "three"):
        tell(world, "russia", ladder(desk, ("officer", 0.0)), AVOIDANCE)
    tell(world, "coalition", a.DangerCall(to=("russia",), words=words()), AVOIDANCE)
    world.settle()
    assert climbed(world) == ["officer"]


def test_a_roster_touches_open_calls_alone(world: World) -> None:
    calls = [tell(world, "coalition", a.DangerCall(to=("russia",), words=words(str(n))), AVOIDANCE) for n in range(3)]
    tell(world, "russia", a.Take(re=calls[0]), AVOIDANCE)
    tell(world, "coalition", a.Close(re=calls[1], outcome=words()), AVOIDANCE)
    world.settle()
    tell(world, "coalition", ladder("one", ("officer", 600.0)), AVOIDANCE)
    assert [name for kind, name in world["coalition"].state.agenda.changed if kind == "thread"] == []
    tell(world, "russia", ladder("one", ("officer", 600.0)), AVOIDANCE)
    touched = [name for kind, name in world["coalition"].state.agenda.changed if kind == "thread"]
    assert touched == [calls[2]]


def test_a_party_shows_so_many_desks_on_a_line_and_no_more(world: World) -> None:
    for number in range(MOST_DESKS):
        tell(world, "russia", ladder(f"d-{number}"))
    over = tell(world, "russia", ladder("over", ("intruder", 60.0)))
    tell(world, "russia", ladder("d-0", ("officer", 60.0)))
    state = world["coalition"].state
    assert view.act(state, state.acts[over]).without_effect == "too_many"
    assert len(state.rosters[(DESK, "russia")]) == MOST_DESKS
    tell(world, "coalition", a.DangerCall(to=("russia",), words=words()))
    world.pass_time(at(5))
    assert climbed(world) == ["officer"]
    with pytest.raises(NotNow) as refused:
        world.say("russia", ladder("more"), DESK)
    assert refused.value.code == "too_many"


def test_of_many_takes_of_one_call_the_first_few_are_findings(world: World) -> None:
    made = tell(world, "convoy", a.DangerCall(to=("russia", "coalition"), words=words()))
    for number in range(30):
        world.set(at(number))
        tell(world, "russia", a.Take(re=made))
        if number % 7 == 0:
            world["convoy"].do_duties()
    tell(world, "coalition", a.Take(re=made))
    world.settle()
    told = [each.subjects[0] for each in world["convoy"].findings(FindingKind.WITHOUT_EFFECT)]
    assert sorted(told) == ["coalition"] + ["russia"] * MOST_WITHOUT_EFFECT
    shown = view.thread(world["convoy"].state, made, at(60)).acts
    assert sum(each.without_effect == "already_taken" for each in shown) == 30


# ── statements ───────────────────────────────────────────────────────────────────────────────────────────────────────


def said(text: str, precision: Precision, value: datetime | None = None) -> TimeSaid:
    return TimeSaid(text=text, precision=precision, value=value, zone=None if value is None else "UTC")


def claim_of(about: s.About, number: int = 1) -> Claim:
    figure = None if isinstance(about, s.LineWas) else s.Figure(value=3, unit="buses")
    return Claim(
        id=f"c-{number}",
        speaker="who",
        side="x",
        said=said("then", Precision.SECOND, at(0)),
        words="w",
        lang="en",
        verbatim=False,
        figure=figure,
        about=about,
    )


def file(world: World, about: s.About, number: int) -> None:
    statement = a.PublishStatement(
        id=f"s-{number}",
        topic="t",
        title="t",
        publisher=name("p"),
        published=said("then", Precision.SECOND, at(0)),
        claims=(claim_of(about, number),),
    )
    tell(world, "russia", statement)


@pytest.mark.parametrize("value", [EARLIEST, LATEST - timedelta(microseconds=1)], ids=["1970", "2100"])
@pytest.mark.parametrize("precision", [each for each in Precision if each is not Precision.VAGUE])
def test_claims_of_the_first_and_last_moment_are_judged(world: World, value: datetime, precision: Precision) -> None:
    edge = said("then", precision, value)
    file(world, s.LineWas(line=DESK, at=edge, up=True), 1)
    file(world, s.MemberCountClaim(group="buses", at=edge), 2)
    window = judging.span(edge)
    assert window is not None
    assert window.starts_at < window.ends_at
    judged = [each.judgement for shown in view.statements(world["coalition"].state, at(0)) for each in shown.claims]
    assert len(judged) == 2
    assert "not_judged" not in {each.reason for each in judged}


def test_a_claim_that_cannot_be_judged_hides_no_other(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(state: State, claim: Claim, about: s.About, now: datetime) -> judging.Found:
        raise OverflowError

    judges: dict[type, Callable[..., judging.Found]] = {**judging._JUDGES, s.Tally: failing}
    monkeypatch.setattr(judging, "_JUDGES", judges)
    file(world, s.Tally(topic="killed"), 1)
    file(world, s.LineWas(line="none", at=said("then", Precision.DAY, at(0)), up=True), 2)
    shown = [each.judgement for one in view.statements(world["coalition"].state, at(0)) for each in one.claims]
    assert [(each.verdict, each.reason) for each in shown] == [
        (Verdict.CANNOT_TELL, "not_judged"),
        (Verdict.CANNOT_TELL, "no_such_line"),
    ]


def test_parties_that_count_differently_under_one_name_settle_no_claim(world: World) -> None:
    claim = claim_of(s.MemberCountClaim(group="buses", at=said("then", Precision.DAY, at(0))))
    tell(world, "convoy", a.DeclareGroup(group=group(count=3)))
    state = world["coalition"].state
    assert judging.judge(state, claim, at(1)).verdict is Verdict.CONSISTENT
    tell(world, "russia", a.DeclareGroup(group=group(count=2)))
    found = judging.judge(state, claim, at(1))
    assert (found.verdict, found.reason, len(found.entries)) == (Verdict.CANNOT_TELL, "counts_differ", 2)

"""Claims against the record: consistent, contradicted, not supported, cannot tell."""

from __future__ import annotations

import msgspec
import pytest

from keepclear.geometry.earth import destination
from keepclear.line import view
from keepclear.line.statements import span
from keepclear.model import acts as a
from keepclear.model import statements as s
from keepclear.model.basis import Basis, BasisKind, Certainty
from keepclear.model.coverage import CoverageSpan, CoverageState
from keepclear.model.groups import AssetKind, Group, HeadClass, Headcount, Member
from keepclear.model.statements import Claim, Figure, Judgement, Verdict
from keepclear.model.times import Precision, TimeSaid, Window
from keepclear.model.tracks import SensorClass
from tests.line.cast import AVOIDANCE, DESK, STALL, VOLUME, World, at, clear_request, drone, name, track, words

LAT, LON = STALL
YES, NO = Verdict.CONSISTENT, Verdict.CONTRADICTED
UNSUPPORTED, UNKNOWN = Verdict.NOT_SUPPORTED, Verdict.CANNOT_TELL
MADE_UP = Basis(kind=BasisKind.SYNTHETIC)
OWN = "own.desk.node"


@pytest.fixture
def world() -> World:
    world = World()
    world.settle()
    return world


def moment(minute: float, precision: Precision = Precision.HOUR) -> TimeSaid:
    return TimeSaid(text="a time", precision=precision, value=at(minute), zone="UTC")


NO_ZONE = TimeSaid(text="7 in the morning", precision=Precision.HOUR)
DAWN = TimeSaid(text="at dawn", precision=Precision.VAGUE)


def claim(
    about: s.About | None, figure: Figure | None = None, claim_id: str = "k", said: TimeSaid | None = None
) -> Claim:
    return Claim(
        id=claim_id,
        speaker="a spokesman",
        side="coalition",
        said=said or moment(600),
        words="words",
        lang="en",
        verbatim=False,
        figure=figure,
        about=about,
    )


def file(world: World, *claims: Claim, statement: str = "s", topic: str = "t") -> None:
    world.tell(
        "convoy",
        a.PublishStatement(
            id=statement, topic=topic, title="t", publisher=name("p"), published=moment(600), claims=claims
        ),
        DESK,
    )


def judged(world: World, who: str = "convoy") -> dict[str, Judgement]:
    statements = view.statements(world[who].state, world[who].now)
    return {each.claim.id: each.judgement for shown in statements for each in shown.claims}


def verdict(
    world: World, about: s.About | None, figure: Figure | None = None, who: str = "convoy"
) -> tuple[Verdict, str]:
    claims = len(judged(world))
    file(world, claim(about, figure, f"k{claims}"), statement=f"s{claims}")
    found = judged(world, who)[f"k{claims}"]
    return found.verdict, found.reason


def test_a_claim_without_a_reading_cannot_be_told(world: World) -> None:
    assert verdict(world, None) == (UNKNOWN, "no_machine_reading")


@pytest.mark.parametrize(
    ("said", "start", "end"),
    [
        (moment(60, Precision.SECOND), 60 - 1 / 60, 60 + 1 / 60),
        (moment(60, Precision.MINUTE), 59, 61),
        (moment(60, Precision.HOUR), 0, 120),
        (moment(60, Precision.DAY), 60, 60 + 24 * 60),
    ],
)
def test_what_a_time_said_may_mean(said: TimeSaid, start: float, end: float) -> None:
    assert span(said) == Window(starts_at=at(start), ends_at=at(end))


def test_a_time_without_value_means_no_moment() -> None:
    assert span(NO_ZONE) is None
    assert span(TimeSaid(text="dawn", precision=Precision.VAGUE, value=at(0), zone="UTC")) is None


# ── passing and departure ────────────────────────────────────────────────────────────────────────────────────────────


def pass_by(world: World, basis: Basis) -> None:
    """Forces pass the standing buses, a kilometre off, at minute 120 (07:00Z)."""
    for author, group, asset in (("convoy", "buses", "bus-1"), ("ground", "forces", "force-1")):
        members = (Member(asset=asset, kind=AssetKind.BUS),)
        world.tell(author, a.DeclareGroup(group=Group(id=group, name=name(group), members=members)), DESK)
    north = destination(LAT, LON, 0.0, 1_000)
    way = [(float(m), *destination(*north, 90.0, (m - 120) * 600.0)) for m in range(60, 181, 10)]
    there = [(float(m), LAT, LON) for m in range(60, 181, 10)]
    world.set(at(180))
    tracks = (
        track("bus-1", AssetKind.BUS, *there, basis=basis),
        track("force-1", AssetKind.GROUND_FORCE, *way, basis=basis),
    )
    world.tell("convoy", a.Positions(tracks=tracks), DESK)
    world.settle()


def passing(at_: TimeSaid) -> s.Passing:
    return s.Passing(group="buses", other="forces", at=at_)


def test_no_encounter_on_record_bears_nothing_out(world: World) -> None:
    assert verdict(world, passing(moment(120))) == (UNSUPPORTED, "no_encounter_on_record")


def test_passing_is_held_against_the_encounter_on_record(world: World) -> None:
    pass_by(world, Basis(kind=BasisKind.DECLARED))
    assert verdict(world, passing(moment(120))) == (YES, "at_that_time")
    assert verdict(world, passing(moment(120, Precision.MINUTE))) == (YES, "at_that_time")
    assert verdict(world, passing(moment(-60))) == (NO, "at_another_time")
    assert verdict(world, passing(NO_ZONE)) == (UNKNOWN, "time_without_zone")
    assert verdict(world, passing(DAWN)) == (UNKNOWN, "time_vague")
    marks = {key: each.marks for key, each in judged(world).items()}
    assert [key for key, each in marks.items() if "time_without_zone" in each] == ["k3"]
    evidence = judged(world)["k0"]
    assert evidence.values["nearest_at"] == "2017-09-08T07:00:00Z"
    assert evidence.entries[0] in world["convoy"].state.acts


def test_made_up_positions_contradict_nobody(world: World) -> None:
    pass_by(world, MADE_UP)
    assert verdict(world, passing(moment(-60))) == (UNSUPPORTED, "at_another_time")
    assert verdict(world, passing(moment(120))) == (YES, "at_that_time")
    assert all("synthetic_positions" in each.marks for each in judged(world).values())


def test_every_node_with_the_tracks_comes_to_the_same_verdict(world: World) -> None:
    pass_by(world, Basis(kind=BasisKind.DECLARED))
    file(world, claim(passing(moment(120))))
    assert {judged(world, who)["k"].verdict for who in ("convoy", "russia", "coalition")} == {YES}


def fly(world: World, *leaving: float | None, basis: Basis | None = None) -> None:
    """A request for minute 60; drones inside that leave at these minutes (None: not by minute 180)."""
    flights = []
    for number, minute in enumerate(leaving):
        inside = [(float(m), LAT, LON) for m in range(0, 181, 10) if minute is None or m < minute]
        outside = [(float(m), LAT, LON + 1.0) for m in range(0, 181, 10) if minute is not None and m >= minute]
        flights.append(drone(f"drone-{number}", *inside, *outside, basis=basis or Basis(kind=BasisKind.DECLARED)))
    for flight in flights:
        first = msgspec.structs.replace(flight, fixes=flight.fixes[:1])
        world.say("coalition", a.Positions(tracks=(first,)), "own.coalition.node")
    world.tell("russia", clear_request())
    world.settle()
    world.set(at(181))
    world.say("coalition", a.Positions(tracks=tuple(flights)), "own.coalition.node")
    world.settle()


def departure(order: s.Order | None = None, at_: TimeSaid | None = None) -> s.Departure:
    return s.Departure(party="coalition", group="buses", other="forces", order=order, at=at_)


BEFORE, AFTER = s.Order.LEFT_BEFORE_PASSING, s.Order.LEFT_AFTER_PASSING


@pytest.mark.parametrize(
    ("leaving", "before", "after"),
    [
        ((70, 80), (YES, "all_left_before"), (NO, "all_left_before")),
        ((130, 140), (NO, "all_left_after"), (YES, "all_left_after")),
        ((130, None), (NO, "all_left_after"), (YES, "all_left_after")),
        ((70, 130), (NO, "some_left_after"), (NO, "some_left_before")),
        ((70, None), (NO, "some_left_after"), (NO, "some_left_before")),
    ],
)
def test_the_order_of_leaving_and_passing(
    world: World, leaving: tuple[float | None, ...], before: tuple[Verdict, str], after: tuple[Verdict, str]
) -> None:
    fly(world, *leaving)
    pass_by(world, Basis(kind=BasisKind.DECLARED))
    assert verdict(world, departure(BEFORE), who="coalition") == before
    assert verdict(world, departure(AFTER), who="coalition") == after


def test_leaving_on_made_up_tracks_contradicts_nobody(world: World) -> None:
    fly(world, 70, 130, basis=MADE_UP)
    pass_by(world, MADE_UP)
    assert verdict(world, departure(BEFORE), who="coalition") == (UNSUPPORTED, "some_left_after")


def test_leaving_at_a_time_and_leaving_at_all(world: World) -> None:
    assert verdict(world, departure(), who="coalition") == (UNSUPPORTED, "no_departure_on_record")
    fly(world, 60, 120)
    pass_by(world, Basis(kind=BasisKind.DECLARED))
    assert verdict(world, departure(), who="coalition") == (YES, "departed")
    assert verdict(world, departure(at_=moment(90)), who="coalition") == (YES, "left_at_that_time")
    one_minute = departure(at_=moment(60, Precision.MINUTE))
    assert verdict(world, one_minute, who="coalition") == (NO, "left_at_different_times")
    assert verdict(world, departure(at_=moment(-100)), who="coalition") == (NO, "left_at_another_time")
    assert verdict(world, departure(at_=DAWN), who="coalition") == (UNKNOWN, "time_vague")


def test_some_left_and_none_left(world: World) -> None:
    fly(world, 70, None)
    assert verdict(world, departure(), who="coalition") == (YES, "some_left")
    assert verdict(world, departure(BEFORE), who="coalition") == (UNKNOWN, "no_encounter_on_record")


def test_without_tracks_the_partys_own_report_speaks(world: World) -> None:
    """Russia has none of the Coalition's tracks; it has the report with its residual."""
    fly(world, 50, 55)
    thread = world["coalition"].state.requests[0]
    world.tell("coalition", a.Answer(re=thread, reply=a.Reply.WILL_COMPLY))
    items = tuple(a.ResidualItem(asset=f"drone-{n}", status=a.Inside.LEFT, left_at=at(50)) for n in range(2))
    world.tell("coalition", a.Done(re=thread, reported_clear_at=at(100), residual=items))
    assert verdict(world, departure(at_=moment(50, Precision.MINUTE)), who="russia") == (YES, "left_at_that_time")


# ── watching ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def watch(world: World, sensor: SensorClass, state: CoverageState, start: float, end: float) -> None:
    covered = CoverageSpan(
        sensor=sensor,
        state=state,
        area=VOLUME.area,
        area_name=name("stall"),
        window=Window(starts_at=at(start), ends_at=at(end)),
        group="buses",
    )
    world.tell("coalition", a.Coverage(spans=(covered,)), DESK)


def watching(state: CoverageState, start: float, end: float, sensor: SensorClass | None = None) -> s.Watching:
    window = Window(starts_at=at(start), ends_at=at(end))
    return s.Watching(party="coalition", group="buses", window=window, state=state, sensor=sensor)


def test_watching_is_held_against_what_was_declared_for_each_kind(world: World) -> None:
    watch(world, SensorClass.AIRCRAFT, CoverageState.WATCHED, 0, 60)
    watch(world, SensorClass.AIRCRAFT, CoverageState.GAP, 60, 120)
    watched, gap, drones = CoverageState.WATCHED, CoverageState.GAP, SensorClass.AIRCRAFT
    assert verdict(world, watching(watched, 0, 60, drones)) == (YES, "as_declared")
    assert verdict(world, watching(gap, 60, 120, drones)) == (YES, "as_declared")
    assert verdict(world, watching(watched, 60, 120, drones)) == (NO, "declared_gap")
    assert verdict(world, watching(gap, 0, 60, drones)) == (NO, "declared_watched")
    assert verdict(world, watching(watched, 30, 90, drones)) == (UNSUPPORTED, "watched_in_part")
    assert verdict(world, watching(watched, 200, 300, drones)) == (UNSUPPORTED, "not_declared")
    assert verdict(world, watching(gap, 200, 300, drones)) == (UNSUPPORTED, "not_declared")
    assert verdict(world, watching(CoverageState.UNKNOWN, 200, 300)) == (YES, "as_declared")
    assert verdict(world, watching(CoverageState.UNKNOWN, 0, 60)) == (NO, "record_knows")


def test_that_all_watching_stopped_is_not_borne_out_while_satellites_are_unknown(world: World) -> None:
    watch(world, SensorClass.AIRCRAFT, CoverageState.GAP, 60, 120)
    assert verdict(world, watching(CoverageState.GAP, 60, 120)) == (UNSUPPORTED, "some_kinds_unknown")
    for sensor in SensorClass:
        watch(world, sensor, CoverageState.GAP, 60, 120)
    assert verdict(world, watching(CoverageState.GAP, 60, 120)) == (YES, "as_declared")


def test_silence_is_marked_and_is_no_denial(world: World) -> None:
    window = Window(starts_at=at(60), ends_at=at(120))
    silence = s.Silence(party="coalition", group="buses", window=window, sensor=SensorClass.SATELLITE)
    assert verdict(world, silence) == (UNKNOWN, "record_silent_too")
    watch(world, SensorClass.SATELLITE, CoverageState.WATCHED, 60, 120)
    assert verdict(world, silence) == (YES, "record_knows")
    assert all(each.marks == ("silence",) for each in judged(world).values())


def test_what_was_declared_of_the_whole_holds_for_its_parts(world: World) -> None:
    watch(world, SensorClass.AIRCRAFT, CoverageState.GAP, 60, 120)
    members = (Member(asset="bus-1", kind=AssetKind.BUS),)
    part = Group(id="part", name=name("part"), members=members, split_from="buses")
    world.tell("convoy", a.DeclareGroup(group=part), DESK)
    window = Window(starts_at=at(60), ends_at=at(120))
    about = s.Watching(
        party="coalition", group="part", window=window, state=CoverageState.GAP, sensor=SensorClass.AIRCRAFT
    )
    assert verdict(world, about) == (YES, "as_declared")


# ── figures ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def people(
    value: float,
    *,
    approximate: bool = False,
    as_of: float = 0,
    unit: str = "people",
    definition: str | None = None,
) -> Figure:
    return Figure(
        value=value,
        unit=unit,
        definition=definition,
        approximate=approximate,
        as_of=moment(as_of, Precision.DAY),
    )


def count(
    world: World, *counts: tuple[HeadClass, int | None, float, Basis], members: int = 3, group: str = "buses"
) -> None:
    declared = Group(
        id=group,
        name=name(group),
        members=tuple(Member(asset=f"bus-{n}", kind=AssetKind.BUS) for n in range(members)),
        headcounts=tuple(Headcount(head_class=c, count=n, as_of=at(m), basis=basis) for c, n, m, basis in counts),
    )
    world.tell("convoy", a.DeclareGroup(group=declared), DESK)


DECLARED = Basis(kind=BasisKind.DECLARED)
DISPUTED = Basis(kind=BasisKind.REPORTED, certainty=Certainty.DISPUTED)
CONFIRMED = Basis(kind=BasisKind.REPORTED, certainty=Certainty.CONFIRMED)
HEADS = s.HeadCountClaim(group="buses", head_class=HeadClass.PEOPLE)


def test_a_head_count(world: World) -> None:
    assert verdict(world, HEADS, people(639)) == (UNSUPPORTED, "no_count_on_record")
    count(world, (HeadClass.PEOPLE, 639, 0, DECLARED), (HeadClass.WOUNDED, None, 0, DECLARED))
    assert verdict(world, HEADS, people(639)) == (YES, "same_count")
    assert verdict(world, HEADS, people(670, approximate=True)) == (YES, "near_count")
    assert verdict(world, HEADS, people(670)) == (NO, "counts_differ")
    assert verdict(world, HEADS, people(300, approximate=True)) == (NO, "counts_differ")
    wounded = s.HeadCountClaim(group="buses", head_class=HeadClass.WOUNDED)
    assert verdict(world, wounded, people(25)) == (UNKNOWN, "count_unknown")
    assert judged(world)["k3"].values["count"] == 639.0


@pytest.mark.parametrize(("basis", "against"), [(DISPUTED, UNSUPPORTED), (CONFIRMED, NO), (MADE_UP, UNSUPPORTED)])
def test_an_uncertain_count_contradicts_nobody(world: World, basis: Basis, against: Verdict) -> None:
    count(world, (HeadClass.PEOPLE, 639, 0, basis))
    assert verdict(world, HEADS, people(300)) == (against, "counts_differ")


def test_the_count_nearest_in_time_is_meant(world: World) -> None:
    count(world, (HeadClass.PEOPLE, 639, 0, DECLARED), (HeadClass.PEOPLE, 400, 10_000, DECLARED))
    assert verdict(world, HEADS, people(400, as_of=9_000)) == (YES, "same_count")
    assert verdict(world, HEADS, people(400, as_of=100)) == (NO, "counts_differ")


def test_classes_counted_at_once_are_summed(world: World) -> None:
    count(world, (HeadClass.FIGHTERS, 308, 0, DECLARED), (HeadClass.CIVILIANS, 331, 0, DECLARED))
    assert verdict(world, HEADS, people(639)) == (YES, "same_count")


def test_a_member_count_is_of_the_declaration_then_in_force(world: World) -> None:
    world.set(at(10))
    count(world, members=17)
    world.set(at(3000))
    count(world, members=11)
    about = s.MemberCountClaim(group="buses", at=moment(20, Precision.MINUTE))
    assert verdict(world, about, people(17, unit="buses")) == (YES, "same_count")
    assert verdict(world, about, people(11, unit="buses")) == (NO, "counts_differ")
    assert verdict(world, about, people(0, unit="ambulances")) == (YES, "same_count")
    later = s.MemberCountClaim(group="buses", at=moment(3010, Precision.MINUTE))
    assert verdict(world, later, people(11, unit="vehicles")) == (YES, "same_count")
    early = s.MemberCountClaim(group="buses", at=moment(0, Precision.MINUTE))
    assert verdict(world, early, people(17)) == (UNSUPPORTED, "not_declared")
    bare = s.MemberCountClaim(group="buses", at=NO_ZONE)
    assert verdict(world, bare, people(17)) == (UNKNOWN, "time_without_zone")


def tally(claim_id: str, value: float, day: int, definition: str, unit: str = "fighters", topic: str = "hit") -> Claim:
    figure = people(value, as_of=day * 24 * 60, definition=definition, unit=unit)
    return claim(s.Tally(topic=topic), figure, claim_id)


def test_a_figure_used_again_and_a_definition_that_changed_are_noticed(world: World) -> None:
    """The 85 of 3 and 7 September: struck, then killed, then killed while leaving."""
    file(world, tally("k34", 85, 3, "killed"), tally("k40", 40, 3, "destroyed", "vehicles"))
    file(world, tally("k35", 85, 7, "struck since the start"), statement="s2")
    file(world, tally("k38", 85, 8, "killed", "people"), tally("k99", 85, 9, "killed", topic="other"), statement="s3")
    found = judged(world)
    assert {each.verdict for each in found.values()} == {UNKNOWN}
    assert {each.reason for each in found.values()} == {"record_keeps_no_count"}
    assert found["k34"].marks == ("definition_changed", "unit_changed")
    assert found["k35"].marks == ("definition_changed", "same_figure_reused", "unit_changed")
    assert found["k38"].marks == ("definition_changed", "same_figure_reused", "unit_changed")
    assert found["k40"].marks == found["k99"].marks == ()
    assert len(found["k35"].entries) == 2


# ── responsibility, line, answers ────────────────────────────────────────────────────────────────────────────────────


def holds(party: str, holds_it: bool = True) -> s.Holder:
    return s.Holder(group="buses", party=party, holds=holds_it)


def test_responsibility_asserted_is_not_accepted(world: World) -> None:
    assert verdict(world, holds("ground")) == (UNSUPPORTED, "never_offered")
    world.tell("coalition", a.ResponsibilityAssertion(group="buses", holder="ground", words=words()), DESK)
    assert verdict(world, holds("ground")) == (UNSUPPORTED, "asserted_not_accepted")
    assert verdict(world, holds("convoy", False)) == (UNSUPPORTED, "asserted_not_accepted")
    made = world.tell("convoy", a.ResponsibilityOffer(group="buses", to="ground", terms=words()), DESK)
    assert verdict(world, holds("ground")) == (UNSUPPORTED, "offered_not_accepted")
    world.tell("ground", a.ResponsibilityAnswer(re=made.id, accepts=True), DESK)
    assert verdict(world, holds("ground")) == (YES, "holds")
    assert verdict(world, holds("ground", False)) == (NO, "holds")
    assert verdict(world, holds("russia")) == (NO, "held_by_another")
    assert verdict(world, holds("convoy", False)) == (YES, "handed_over")
    assert verdict(world, holds("russia", False)) == (UNSUPPORTED, "held_by_another")


def line_was(minute: float, up: bool, line: str = AVOIDANCE) -> s.LineWas:
    return s.LineWas(line=line, at=moment(minute, Precision.MINUTE), up=up)


def test_whether_the_line_was_up_is_answered_by_its_checks(world: World) -> None:
    """Two sides that disagreed: 'working non-stop', 'suspended'."""
    world.pass_time(at(130))
    world.set(at(140))
    world.tell("russia", a.Suspend(reason=words()))
    world.set(at(200))
    world.tell("russia", a.Resume())
    world.pass_time(at(250))
    file(
        world,
        claim(line_was(120, True), claim_id="up"),
        claim(line_was(120, False), claim_id="up-denied"),
        claim(line_was(150, True), claim_id="suspended-denied"),
        claim(line_was(150, False), claim_id="suspended"),
        claim(line_was(-100, True), claim_id="before"),
        claim(line_was(120, True, "other"), claim_id="other"),
        claim(s.LineWas(line=AVOIDANCE, at=NO_ZONE, up=True), claim_id="bare"),
    )
    assert {key: (each.verdict, each.reason) for key, each in judged(world, "coalition").items()} == {
        "up": (YES, "line_was_up"),
        "up-denied": (NO, "line_was_up"),
        "suspended-denied": (NO, "line_was_suspended"),
        "suspended": (YES, "line_was_suspended"),
        "before": (UNSUPPORTED, "line_was_unchecked"),
        "other": (UNKNOWN, "no_such_line"),
        "bare": (UNKNOWN, "time_without_zone"),
    }


def test_a_line_that_was_down(world: World) -> None:
    for minute in range(0, 200, 10):
        world.set(at(minute))
        world["coalition"].do_duties()
    world.deliver()
    assert verdict(world, line_was(100, True), who="coalition") == (NO, "line_was_down")


def test_an_answer_that_was_never_given(world: World) -> None:
    """The women and children: 'an arrangement was reached', 'no traction'."""
    agreed = s.AnswerClaim(thread_topic="women-and-children", agreed=True)
    not_agreed = s.AnswerClaim(thread_topic="women-and-children", agreed=False)
    assert verdict(world, agreed) == (UNKNOWN, "no_such_proposal")
    proposal = a.Proposal(to=("russia",), topic="women-and-children", words=words(), answer_by=at(9000))
    made = world.tell("coalition", proposal, DESK)
    assert verdict(world, agreed) == (UNSUPPORTED, "no_answer_on_record")
    assert verdict(world, not_agreed) == (YES, "no_answer_on_record")
    world.tell("russia", a.Answer(re=made.id, reply=a.Reply.CANNOT), DESK)
    assert verdict(world, agreed) == (NO, "answered_otherwise")
    assert verdict(world, not_agreed) == (YES, "answered_otherwise")
    world.tell("russia", a.Answer(re=made.id, reply=a.Reply.WILL_COMPLY), DESK)
    assert verdict(world, agreed) == (YES, "agreed_on_record")
    assert verdict(world, not_agreed) == (NO, "agreed_on_record")


def test_a_verdict_is_of_the_record_at_that_time(world: World) -> None:
    file(world, claim(s.AnswerClaim(thread_topic="t", agreed=True)))
    before = judged(world)["k"]
    proposal = a.Proposal(to=("russia",), topic="t", words=words(), answer_by=at(9000))
    made = world.tell("coalition", proposal, DESK)
    world.tell("russia", a.Answer(re=made.id, reply=a.Reply.WILL_COMPLY), DESK)
    after = judged(world)["k"]
    assert (before.verdict, after.verdict) == (UNKNOWN, YES)
    assert set(after.entries) <= world["convoy"].state.acts.keys()

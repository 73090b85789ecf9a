"""The way of a notice to the crew: B1 and B4, as a story between Russia and the Coalition."""

from __future__ import annotations

import pytest

from keepclear.line import view
from keepclear.line.timings import HOP_LIMITS_S, STEPS
from keepclear.line.views import RecipientView, ThreadView
from keepclear.model import acts as a
from keepclear.model.findings import FindingKind
from tests.line.cast import T, World, at, movement, notice, read_back, words


@pytest.fixture
def world() -> World:
    world = World()
    world.settle()
    return world


def shown(world: World, thread: str, who: str = "russia") -> ThreadView:
    return view.thread(world[who].state, thread, world[who].now)


def far(world: World, thread: str, who: str = "russia") -> RecipientView:
    return shown(world, thread, who).recipients[0]


def test_a_notice_waits_in_the_queue_until_the_other_node_has_it(world: World) -> None:
    sent = world.say("russia", notice())
    assert (far(world, sent.id).state, far(world, sent.id).missing_hop) == ("queued", "delivered")
    world.settle()
    for who in ("russia", "coalition"):
        assert (far(world, sent.id, who).state, far(world, sent.id, who).missing_hop) == ("delivered", "opened")
        assert shown(world, sent.id, who).status == "announced"


def test_the_whole_way_to_the_crew(world: World) -> None:
    sent = world.tell("russia", notice(urgency=a.Urgency.PRIORITY))
    world.settle()
    steps: list[tuple[a.Act, str, str | None]] = [
        (a.Receipt(re=sent.id, hop=a.Hop.OPENED), "opened", "read_back"),
        (read_back(sent.id), "received", "acknowledged"),
        (a.Receipt(re=sent.id, hop=a.Hop.ACKNOWLEDGED), "acknowledged", "passed"),
        (a.Receipt(re=sent.id, hop=a.Hop.PASSED, echelon="air operations floor"), "passed", "crew_briefed"),
        (a.Receipt(re=sent.id, hop=a.Hop.CREW_BRIEFED, crew="KITE 2"), "crew_briefed", "crew_acknowledged"),
        (a.Receipt(re=sent.id, hop=a.Hop.CREW_ACKNOWLEDGED, crew="KITE 2"), "crew_acknowledged", None),
    ]
    for act, state, missing in steps:
        world.tell("coalition", act)
        for who in ("russia", "coalition"):
            going = far(world, sent.id, who)
            assert (going.state, going.missing_hop) == (state, missing)
            assert going.received == (state not in ("opened",))
    assert shown(world, sent.id).status == "received"
    assert far(world, sent.id).hops[-1].crew == "KITE 2"


def test_one_crew_does_not_answer_for_another(world: World) -> None:
    sent = world.tell("russia", notice(urgency=a.Urgency.PRIORITY))
    world.settle()
    world.tell("coalition", read_back(sent.id))
    world.tell("coalition", a.Receipt(re=sent.id, hop=a.Hop.ACKNOWLEDGED))
    world.tell("coalition", a.Receipt(re=sent.id, hop=a.Hop.PASSED, echelon="air operations floor"))
    for crew in ("KITE 1", "KITE 2"):
        world.tell("coalition", a.Receipt(re=sent.id, hop=a.Hop.CREW_BRIEFED, crew=crew))
    world.tell("coalition", a.Receipt(re=sent.id, hop=a.Hop.CREW_ACKNOWLEDGED, crew="KITE 1"))
    assert (far(world, sent.id).state, far(world, sent.id).missing_hop) == ("crew_briefed", "crew_acknowledged")
    world.tell("coalition", a.Receipt(re=sent.id, hop=a.Hop.CREW_ACKNOWLEDGED, crew="KITE 2"))
    assert (far(world, sent.id).state, far(world, sent.id).missing_hop) == ("crew_acknowledged", None)


def test_a_plan_filed_on_the_own_log_waits_for_nobody(world: World) -> None:
    filed = world["coalition"].say("coalition", notice(to=("coalition",)), "own.coalition.node")
    world.settle()
    assert far(world, filed.id, "coalition").missing_hop is None
    world.pass_time(at(90))
    assert world["coalition"].findings(FindingKind.HOP_MISSING) == []


def test_acknowledging_is_not_receiving(world: World) -> None:
    """What a peer's lax node lets through is on record, and the hop before it is still missing."""
    sent = world.tell("russia", notice())
    world.settle()
    world["coalition"].say("coalition", a.Receipt(re=sent.id, hop=a.Hop.ACKNOWLEDGED), own=False)
    world.deliver()
    going = far(world, sent.id)
    assert (going.state, going.received, going.missing_hop) == ("opened", False, "read_back")
    assert [hop.hop for hop in going.hops] == [a.Hop.DELIVERED, a.Hop.ACKNOWLEDGED]
    assert shown(world, sent.id).status == "announced"


def test_a_skipped_hop_is_the_missing_one(world: World) -> None:
    sent = world.tell("russia", notice(urgency=a.Urgency.IMMEDIATE))
    world.tell("coalition", read_back(sent.id))
    world.tell("coalition", a.Receipt(re=sent.id, hop=a.Hop.CREW_BRIEFED, crew="KITE 2"))
    assert (far(world, sent.id).state, far(world, sent.id).missing_hop) == ("received", "acknowledged")


def test_a_wrong_read_back_shows_what_differs_and_the_next_one_counts(world: World) -> None:
    sent = world.tell("russia", notice())
    world.tell("coalition", read_back(sent.id, grid="37SDU908553"))
    world.settle()
    going = far(world, sent.id)
    assert (going.state, going.received) == ("read_back_wrong", False)
    assert [each.field for each in going.differences] == ["grid"]
    wrong = world["russia"].findings(FindingKind.READ_BACK_WRONG)
    assert [each.until for each in wrong] == [None]
    world.tell("coalition", read_back(sent.id))
    world.settle()
    assert (far(world, sent.id).state, far(world, sent.id).differences) == ("received", ())
    assert world["russia"].findings(FindingKind.READ_BACK_WRONG)[0].until is not None


def test_a_wrong_read_back_after_a_right_one_is_heard(world: World) -> None:
    sent = world.tell("russia", notice())
    world.tell("coalition", read_back(sent.id))
    world.tell("coalition", read_back(sent.id, grid="37SDU908553"))
    assert far(world, sent.id).state == "read_back_wrong"


def test_after_a_correction_the_whole_way_begins_again(world: World) -> None:
    sent = world.tell("russia", notice())
    world.tell("coalition", read_back(sent.id))
    world.tell("coalition", a.Receipt(re=sent.id, hop=a.Hop.ACKNOWLEDGED))
    world.set(at(5))
    moved = movement(east=0.1)
    corrected = world.tell("russia", a.Correction(re=sent.id, plan=moved, reason=words()))
    assert (far(world, sent.id).state, far(world, sent.id).received) == ("queued", False)
    world.settle()
    assert far(world, sent.id).state == "delivered"
    assert shown(world, sent.id).status == "announced"
    world.set(at(6))
    world.tell("coalition", read_back(sent.id, moved))  # of the first version, whatever it says
    assert far(world, sent.id).state == "delivered"
    world.tell("coalition", read_back(corrected.id))
    assert far(world, sent.id).state == "read_back_wrong"
    world.tell("coalition", read_back(corrected.id, moved))
    assert far(world, sent.id).state == "received"
    assert shown(world, sent.id).plan == moved


def test_a_read_back_on_its_way_when_a_correction_is_said_speaks_of_the_old_version(world: World) -> None:
    sent = world.tell("russia", notice())
    world.set(at(1))
    world.say("coalition", read_back(sent.id))
    world.set(at(2))
    widened = movement()
    corrected = world.say("russia", a.Correction(re=sent.id, plan=widened, reason=words()))
    world.deliver()
    for who in ("russia", "coalition"):
        assert not far(world, sent.id, who).received
    world.set(at(3))
    world.tell("coalition", read_back(corrected.id, widened))
    assert far(world, sent.id).received


def test_all_addressed_parties_must_have_read_it_back(world: World) -> None:
    sent = world.tell("convoy", notice(to=("coalition", "russia")), "desk")
    world.tell("coalition", read_back(sent.id), "desk")
    assert shown(world, sent.id, "convoy").status == "announced"
    world.tell("russia", read_back(sent.id), "desk")
    assert shown(world, sent.id, "convoy").status == "received"


def test_a_cancelled_notice_and_one_whose_time_is_over(world: World) -> None:
    sent = world.tell("russia", notice())
    other = world.tell("russia", notice(plan=movement("second")))
    world.tell("russia", a.Cancel(re=sent.id, reason=words()))
    assert shown(world, sent.id, "coalition").status == "cancelled"
    world.set(at(240))
    assert shown(world, other.id, "coalition").status == "ended"
    assert shown(world, other.id, "coalition").status_since == at(240)


@pytest.mark.parametrize("urgency", list(a.Urgency))
def test_a_missing_hop_is_a_finding_when_its_time_is_up_and_not_before(world: World, urgency: a.Urgency) -> None:
    world.tell("russia", notice(urgency=urgency))
    world.settle()
    limit = HOP_LIMITS_S[urgency]["opened"]
    assert limit is not None
    world.set(at(limit / 60 - 0.1))
    world.settle()
    assert world["russia"].findings(FindingKind.HOP_MISSING) == []
    world.set(at(limit / 60))
    world.settle()
    for who in ("russia", "coalition"):
        (missing,) = world[who].findings(FindingKind.HOP_MISSING)
        assert (missing.values["hop"], missing.subjects, missing.since) == ("opened", ("coalition",), at(limit / 60))


def test_a_routine_notice_does_not_wait_for_the_crew_but_an_urgent_one_does(world: World) -> None:
    for urgency, plan, waited_for in ((a.Urgency.ROUTINE, "one", None), (a.Urgency.PRIORITY, "two", "passed")):
        sent = world.tell("russia", notice(urgency=urgency, plan=movement(plan)))
        world.tell("coalition", read_back(sent.id, movement(plan)))
        world.tell("coalition", a.Receipt(re=sent.id, hop=a.Hop.ACKNOWLEDGED))
        assert HOP_LIMITS_S[urgency]["passed"] is None or waited_for == "passed"
    world.set(at(120))
    world.settle()
    missing = world["russia"].findings(FindingKind.HOP_MISSING)
    assert [(each.thread == sent.id, each.values["hop"]) for each in missing] == [(True, "passed")]


def test_the_finding_follows_the_notice_and_ends(world: World) -> None:
    sent = world.tell("russia", notice(urgency=a.Urgency.IMMEDIATE))
    world.pass_time(at(30))
    assert [each.values["hop"] for each in world["russia"].findings(FindingKind.HOP_MISSING)] == ["opened"]
    world.tell("coalition", read_back(sent.id))
    world.settle()
    assert [each.until for each in world["russia"].findings(FindingKind.HOP_MISSING)] == [at(30)]
    world.pass_time(at(50))
    (missing,) = world["russia"].findings(FindingKind.HOP_MISSING)
    assert (missing.values["hop"], missing.until) == ("acknowledged", None)


def test_a_clock_set_ahead_cannot_put_off_that_a_hop_is_missing(world: World) -> None:
    sent = world.say("russia", notice())
    world.deliver()
    receipt = world["coalition"].draft("coalition", a.Receipt(re=sent.id, hop=a.Hop.OPENED), said_at=at(24 * 60))
    world["russia"].hear(receipt)
    assert far(world, sent.id).missing_since == T


def test_every_urgency_has_a_limit_for_every_step() -> None:
    assert {urgency: tuple(limits) for urgency, limits in HOP_LIMITS_S.items()} == dict.fromkeys(a.Urgency, STEPS)

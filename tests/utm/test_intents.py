"""Operational intent references, in the words of F3548-21, Annex A4."""

from __future__ import annotations

import pytest

from keepclear.errors import Malformed, Refused
from keepclear.model.utm import NO_SUBSCRIPTION, Availability, EntityKind, IntentState, UtmVolume
from keepclear.utm import intents
from keepclear.utm.asked import IntentAsked, Rules
from keepclear.utm.ruling import Asker, Down, MissingKnowledge, NotAllowed, NotFound, Stale
from keepclear.utm.shown import begins, ends
from keepclear.utm.versions import NO_OVN
from tests.utm.cast import (
    ALFA,
    ALFA_CM,
    BRAVO,
    BRAVO_CP,
    FAR,
    ONE,
    OTHER_SUB,
    STRICT,
    SUB,
    T0,
    THREE,
    TWO,
    Desk,
    closing,
    gone,
    indices,
    minutes,
    state_of,
    volume,
    wanted,
    watching,
)

ACTIVATED, NONCONFORMING, CONTINGENT = IntentState.ACTIVATED, IntentState.NONCONFORMING, IntentState.CONTINGENT


def refused(desk: Desk, kind: type[Refused], asker: Asker, id: str, asked: IntentAsked) -> Refused:
    """The refusal of an intent that is asked for; nothing has changed."""
    before = state_of(desk.ledger)
    with pytest.raises(kind) as caught:
        desk.planned(asker, id, asked)
    assert type(caught.value) is kind
    assert state_of(desk.ledger) == before
    return caught.value


def missing(desk: Desk, asker: Asker, id: str, asked: IntentAsked) -> tuple[set[str], set[str]]:
    error = refused(desk, MissingKnowledge, asker, id, asked)
    assert isinstance(error, MissingKnowledge)
    return {each.id for each in error.intents}, {each.id for each in error.constraints}


# ── creating, reading, removing ──────────────────────────────────────────────────────────────────────────────────────


def test_a_created_intent_is_at_version_1_of_whoever_asked() -> None:
    desk = Desk()
    intent = desk.plan(ALFA, ONE, wanted())
    assert (intent.manager, intent.version, intent.state, intent.subscription) == ("alfa", 1, "Accepted", None)
    assert (begins(intent.volumes), ends(intent.volumes)) == (T0, T0 + minutes(60))
    assert intents.get(desk.ledger, ALFA, ONE) == intent
    assert intents.query(desk.ledger, ALFA, volume(), desk.now) == [intent]


def test_every_change_has_another_ovn_and_the_next_version() -> None:
    desk = Desk()
    seen = [desk.plan(ALFA, ONE, wanted()) for _ in range(5)]
    assert [intent.version for intent in seen] == [1, 2, 3, 4, 5]
    assert len({intent.ovn for intent in seen}) == 5
    assert all(16 <= len(intent.ovn) <= 128 for intent in seen)


def test_another_service_sees_the_reference_without_its_ovn() -> None:
    desk = Desk()
    intent = desk.plan(ALFA, ONE, wanted())
    assert intents.get(desk.ledger, BRAVO, ONE).ovn == NO_OVN
    [found] = intents.query(desk.ledger, BRAVO, volume(), desk.now)
    assert (found.id, found.ovn) == (ONE, NO_OVN)
    assert desk.ledger.intents[ONE].ovn == intent.ovn


def test_an_id_is_created_once() -> None:
    desk = Desk()
    desk.plan(ALFA, ONE, wanted())
    for asker in (ALFA, BRAVO):
        with pytest.raises(Stale):
            intents.create(desk.ledger, asker, ONE, wanted(), desk.now, desk.nonce(), STRICT)


def test_what_is_not_there_cannot_be_changed_read_or_removed() -> None:
    desk = Desk()
    with pytest.raises(Malformed):
        intents.update(desk.ledger, ALFA, ONE, "x" * 20, wanted(), desk.now, desk.nonce(), STRICT)
    with pytest.raises(NotFound):
        intents.get(desk.ledger, ALFA, ONE)
    with pytest.raises(NotFound):
        intents.delete(desk.ledger, ALFA, ONE, "x" * 20, desk.now)


def test_only_its_manager_changes_or_removes_an_intent() -> None:
    desk = Desk()
    ovn = desk.plan(ALFA, ONE, wanted()).ovn
    refused(desk, NotAllowed, BRAVO, ONE, wanted(by=BRAVO))
    with pytest.raises(NotAllowed):
        intents.delete(desk.ledger, BRAVO, ONE, ovn, desk.now)
    with pytest.raises(NotAllowed):  # whose it is comes before its version
        intents.delete(desk.ledger, BRAVO, ONE, "x" * 20, desk.now)


def test_only_the_current_ovn_changes_or_removes_an_intent() -> None:
    desk = Desk()
    first = desk.plan(ALFA, ONE, wanted()).ovn
    desk.plan(ALFA, ONE, wanted())
    for ovn, kind in ((first, Stale), ("x" * 20, Stale), (NO_OVN, Stale), ("", Malformed)):
        with pytest.raises(kind):
            intents.update(desk.ledger, ALFA, ONE, ovn, wanted(), desk.now, desk.nonce(), STRICT)
        with pytest.raises(kind):
            intents.delete(desk.ledger, ALFA, ONE, ovn, desk.now)


def test_a_removed_intent_is_gone_and_its_id_is_free() -> None:
    desk = Desk()
    intent = desk.plan(ALFA, ONE, wanted())
    ruling = desk.end(ALFA, ONE)
    assert ruling.of == intent
    assert intents.query(desk.ledger, ALFA, volume(), desk.now) == []
    assert desk.plan(BRAVO, ONE, wanted(by=BRAVO)).version == 1


@pytest.mark.parametrize(
    "elsewhere",
    [
        volume(FAR),
        volume(heights=(120.1, 200.0)),
        volume(times=(60.1, 90.0)),
        volume(times=(None, -0.1)),
    ],
)
def test_a_search_finds_nothing_in_other_cells_heights_or_times(elsewhere: UtmVolume) -> None:
    desk = Desk()
    desk.plan(ALFA, ONE, wanted())
    assert intents.query(desk.ledger, ALFA, elsewhere, desk.now) == []


@pytest.mark.parametrize("where", [volume(heights=(None, None), times=(None, None)), volume(times=(30, 30))])
def test_a_search_may_leave_bounds_open_or_be_of_one_moment(where: UtmVolume) -> None:
    desk = Desk()
    desk.plan(ALFA, ONE, wanted())
    assert [found.id for found in intents.query(desk.ledger, BRAVO, where, desk.now)] == [ONE]


def test_an_ended_intent_is_readable_and_in_nobodys_way() -> None:
    desk = Desk()
    desk.subscribe(BRAVO, SUB, watching(volume(times=(0, 24 * 60)), by=BRAVO))
    desk.plan(ALFA, ONE, wanted())
    desk.pass_minutes(60.01)
    assert intents.get(desk.ledger, ALFA, ONE).id == ONE
    assert intents.query(desk.ledger, ALFA, volume(times=(0, 60)), desk.now) == []
    desk.plan(BRAVO, TWO, wanted(volume(times=(59, 90)), by=BRAVO))  # no key needed
    with pytest.raises(Stale):  # but its id is taken until it is removed
        intents.create(desk.ledger, BRAVO, ONE, wanted(volume(times=(61, 90))), desk.now, desk.nonce(), STRICT)
    assert indices(desk.end(ALFA, ONE)) == {SUB: 3}  # who subscribed for that time hears that it is cleared away


# ── the request in itself ────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (IntentAsked((), IntentState.ACCEPTED, "https://a.example"), "missing_field"),
        (wanted(volume(times=(None, 60))), "missing_field"),
        (wanted(volume(times=(0, None))), "missing_field"),
        (wanted(volume(heights=(None, 10.0))), "missing_field"),
        (wanted(volume(heights=(10.0, None))), "missing_field"),
        (wanted(volume(heights=(10.0, 9.0))), "utm_heights"),
        (wanted(volume(times=(30, 20))), "times_order"),
        (wanted(volume(times=(-30, -20))), "in_the_past"),
        (wanted(state=ACTIVATED, subscription=NO_SUBSCRIPTION), "utm_subscription_needed"),
        (wanted(state=ACTIVATED), "utm_subscription_needed"),
        (wanted(state=ACTIVATED, implicit=True), "utm_state"),
        (wanted(implicit=True, subscription=SUB), "utm_two_subscriptions"),
        (wanted(implicit=True, subscription=NO_SUBSCRIPTION), "utm_two_subscriptions"),
        (wanted(subscription=SUB), "utm_no_subscription"),
        (wanted(subscription="4e5cf6f1c5a84e4d9f8b4f9b9d0e6a7b"), "utm_not_uuid"),
        (wanted(ovn_suffix="abc"), "utm_ovn_suffix"),
    ],
)
def test_a_request_that_is_not_in_order_is_refused(asked: IntentAsked, code: str) -> None:
    assert refused(Desk(), Malformed, ALFA, ONE, asked).code == code


@pytest.mark.parametrize("id", ["", "not_uuid_format", ONE.upper().replace("8000", "8A00"), ONE + "0", ONE + "\n"])
def test_an_id_is_a_uuid(id: str) -> None:
    assert refused(Desk(), Malformed, ALFA, id, wanted()).code == "utm_not_uuid"


@pytest.mark.parametrize(
    "url",
    [
        "",
        "utm.example",
        "//utm.example/x",
        "/uss",
        "ftp://utm.example",
        "https://",
        "https:///path",
        "https://user@utm.example",
        "https://utm.example/#part",
        "https://utm.example/a b",
        "https://utm.example:port/",
        "https://utm.example:65536/",
        "https://utm.example/" + "x" * 2_000,
    ],
)
def test_a_base_url_is_absolute(url: str) -> None:
    asked = IntentAsked((volume(),), IntentState.ACCEPTED, url)
    with pytest.raises(Malformed, match="base URL"):
        intents.create(Desk().ledger, ALFA, ONE, asked, T0, "1", Rules(allow_http_base_urls=True))


def test_a_base_url_without_tls_is_for_operators_who_allow_it() -> None:
    desk = Desk()
    asked = IntentAsked((volume(),), IntentState.ACCEPTED, "http://localhost:8074/mock?x=1")
    assert refused(desk, Malformed, ALFA, ONE, asked).code == "utm_url_https"
    loose = Rules(allow_http_base_urls=True)
    assert intents.create(desk.ledger, ALFA, ONE, asked, T0, "1", loose).of.id == ONE  # type: ignore[union-attr]


def test_limits_come_first_and_too_large_a_search_is_refused_as_the_field_has_it() -> None:
    desk = Desk()
    desk.plan(ALFA, ONE, wanted())
    giant = volume(radius_m=60_000.0)
    assert refused(desk, Malformed, ALFA, TWO, wanted(giant)).code == "utm_area"
    assert refused(desk, Malformed, BRAVO, ONE, wanted(giant, by=BRAVO)).code == "utm_area"
    late = wanted(volume(times=(31 * 24 * 60, 31 * 24 * 60 + 30)))
    assert refused(desk, Malformed, ALFA, TWO, late).code == "utm_too_far_ahead"
    with pytest.raises(Malformed) as caught:
        intents.query(desk.ledger, ALFA, giant, desk.now)
    assert caught.value.field.startswith("area_of_interest")


# ── states ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_an_intent_goes_from_accepted_to_activated_and_back_into_conformance() -> None:
    desk = Desk()
    desk.plan(ALFA_CM, ONE, wanted(implicit=True))
    for state in (ACTIVATED, NONCONFORMING, ACTIVATED, NONCONFORMING, CONTINGENT, CONTINGENT):
        held = desk.ledger.intents[ONE].subscription
        assert desk.plan(ALFA_CM, ONE, wanted(state=state, subscription=held)).state is state


@pytest.mark.parametrize("state", [IntentState.ACCEPTED, ACTIVATED, NONCONFORMING])
def test_a_contingent_intent_can_only_end(state: IntentState) -> None:
    desk = Desk()
    for each in (IntentState.ACCEPTED, CONTINGENT):
        desk.plan(ALFA_CM, ONE, wanted(state=each, implicit=True))
    assert refused(desk, Malformed, ALFA_CM, ONE, wanted(state=state, implicit=True)).code == "utm_state"
    desk.end(ALFA_CM, ONE)


@pytest.mark.parametrize("state", [NONCONFORMING, CONTINGENT])
def test_to_leave_the_plan_needs_the_role_that_says_so(state: IntentState) -> None:
    desk = Desk()
    desk.plan(ALFA, ONE, wanted(implicit=True))
    refused(desk, NotAllowed, ALFA, ONE, wanted(state=state, implicit=True))
    desk.plan(ALFA_CM, ONE, wanted(state=state, implicit=True))


# ── keys ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


def test_the_key_must_name_exactly_what_is_in_the_way() -> None:
    desk = Desk()
    one = desk.plan(ALFA, ONE, wanted(volume(times=(0, 20))))
    two = desk.plan(ALFA, TWO, wanted(volume(times=(30, 60))))
    desk.plan(ALFA, OTHER_SUB, wanted(volume(FAR)))
    assert missing(desk, BRAVO, THREE, wanted(volume(times=(0, 20)), by=BRAVO)) == ({ONE}, set())
    assert missing(desk, BRAVO, THREE, wanted(volume(times=(30, 60)), by=BRAVO)) == ({TWO}, set())
    assert missing(desk, BRAVO, THREE, wanted(volume(), by=BRAVO)) == ({ONE, TWO}, set())
    assert missing(desk, BRAVO, THREE, wanted(volume(), by=BRAVO, key=[one.ovn])) == ({TWO}, set())
    assert missing(desk, BRAVO, THREE, wanted(volume(), by=BRAVO, key=[two.ovn, "y" * 20])) == ({ONE}, set())
    desk.plan(BRAVO, THREE, wanted(volume(), by=BRAVO, key=[one.ovn, two.ovn]))


def test_the_refusal_shows_no_foreign_ovn_and_ones_own() -> None:
    desk = Desk()
    desk.plan(ALFA, ONE, wanted())
    two = desk.plan(BRAVO, TWO, wanted(by=BRAVO, key=[desk.ledger.intents[ONE].ovn]))
    error = refused(desk, MissingKnowledge, BRAVO, THREE, wanted(by=BRAVO))
    assert isinstance(error, MissingKnowledge)
    assert {each.id: each.ovn for each in error.intents} == {ONE: NO_OVN, TWO: two.ovn}


def test_an_ovn_that_was_hidden_opens_nothing() -> None:
    desk = Desk()
    desk.plan(ALFA, ONE, wanted())
    assert missing(desk, BRAVO, TWO, wanted(by=BRAVO, key=[NO_OVN])) == ({ONE}, set())


def test_an_intent_need_not_know_of_itself_but_of_what_came_since() -> None:
    desk = Desk()
    one = desk.plan(ALFA, ONE, wanted())
    desk.plan(ALFA, ONE, wanted())
    old = one.ovn
    one = desk.ledger.intents[ONE]
    two = desk.plan(BRAVO, TWO, wanted(by=BRAVO, key=[one.ovn]))
    assert missing(desk, ALFA, ONE, wanted()) == ({TWO}, set())
    assert missing(desk, ALFA, ONE, wanted(key=[one.ovn, old])) == ({TWO}, set())
    desk.plan(ALFA, ONE, wanted(key=[two.ovn]))
    assert missing(desk, BRAVO, TWO, wanted(by=BRAVO, key=[one.ovn])) == ({ONE}, set())  # of its old version


@pytest.mark.parametrize("state", [NONCONFORMING, CONTINGENT])
def test_who_flies_off_the_plan_needs_no_key(state: IntentState) -> None:
    desk = Desk()
    desk.plan(BRAVO, TWO, wanted(volume(FAR), by=BRAVO))
    desk.plan(ALFA, ONE, wanted(implicit=True))
    assert missing(desk, ALFA, ONE, wanted(volume(FAR), implicit=True, state=ACTIVATED)) == ({TWO}, set())
    desk.plan(ALFA_CM, ONE, wanted(volume(FAR), implicit=True, state=state))


def test_of_a_service_that_is_down_only_what_it_planned_is_passed_over() -> None:
    desk = Desk()
    one = desk.plan(ALFA, ONE, wanted(implicit=True))
    two = desk.plan(ALFA, TWO, wanted(implicit=True, key=[one.ovn]))
    desk.plan(ALFA, TWO, wanted(implicit=True, state=ACTIVATED, key=[one.ovn, two.ovn]))
    desk.say("alfa", Availability.DOWN)
    assert missing(desk, BRAVO, THREE, wanted(by=BRAVO)) == ({TWO}, set())
    desk.say("alfa", Availability.NORMAL)
    assert missing(desk, BRAVO, THREE, wanted(by=BRAVO)) == ({ONE, TWO}, set())


def test_constraints_are_asked_for_only_of_who_processes_them() -> None:
    desk = Desk()
    desk.close(TWO, closing())
    closed = desk.constraint(TWO).ovn
    desk.plan(BRAVO, THREE, wanted(by=BRAVO, implicit=True))
    desk.end(BRAVO, THREE)
    asked = {"by": BRAVO, "implicit": True, "told_of_constraints": True}
    assert missing(desk, BRAVO_CP, ONE, wanted(**asked)) == (set(), {TWO})  # type: ignore[arg-type]
    assert missing(desk, BRAVO_CP, ONE, wanted(key=["z" * 20], **asked)) == (set(), {TWO})  # type: ignore[arg-type]
    desk.plan(BRAVO_CP, ONE, wanted(key=[closed], **asked))  # type: ignore[arg-type]


def test_constraints_elsewhere_or_ended_are_not_asked_for() -> None:
    desk = Desk()
    for id, where in ((ONE, volume(FAR)), (TWO, volume(heights=(500.0, None))), (THREE, volume(times=(0, 5)))):
        desk.close(id, closing(where))
    desk.pass_minutes(6)
    desk.plan(BRAVO_CP, ONE, wanted(by=BRAVO, implicit=True, told_of_constraints=True))


def test_an_intents_own_subscription_may_tell_of_constraints_without_the_role_that_processes_them() -> None:
    desk = Desk()
    desk.plan(BRAVO, ONE, wanted(by=BRAVO, implicit=True, told_of_constraints=True))
    assert [each.for_constraints for each in desk.ledger.subscriptions.values()] == [True]


def test_a_full_ledger_hides_nothing() -> None:
    desk = Desk()
    held = [f"00000000-0000-4000-9000-{number:012d}" for number in range(300)]
    key: list[str] = []
    for id in held:
        key.append(desk.plan(ALFA, id, wanted(key=key)).ovn)
    assert missing(desk, BRAVO, ONE, wanted(by=BRAVO)) == (set(held), set())
    assert missing(desk, BRAVO, ONE, wanted(by=BRAVO, key=key[:-1])) == ({held[-1]}, set())
    assert len(intents.query(desk.ledger, BRAVO, volume(), desk.now)) == 300


# ── a service that is down ───────────────────────────────────────────────────────────────────────────────────────────


def test_a_service_that_is_down_neither_plans_nor_takes_back() -> None:
    desk = Desk()
    desk.plan(ALFA, ONE, wanted(implicit=True))
    desk.say("alfa", Availability.DOWN)
    refused(desk, Down, ALFA, TWO, wanted(volume(FAR)))
    refused(desk, Down, ALFA, ONE, wanted(implicit=True))
    refused(desk, Down, ALFA, ONE, wanted(implicit=True, state=ACTIVATED))
    with pytest.raises(Down):
        intents.delete(desk.ledger, ALFA, ONE, desk.ledger.intents[ONE].ovn, desk.now)
    desk.plan(ALFA_CM, ONE, wanted(implicit=True, state=NONCONFORMING))  # what is so may be said
    desk.plan(BRAVO, TWO, wanted(volume(FAR), by=BRAVO))
    desk.say("alfa", Availability.NORMAL)
    desk.end(ALFA, ONE)


# ── the OVN a service asks for ───────────────────────────────────────────────────────────────────────────────────────


def suffix(after_minutes: float, version: str = "7", tail: str = "a18-9b61-552a7ed277b3") -> str:
    made_ms = int((T0 + minutes(after_minutes)).timestamp() * 1_000)
    digits = f"{made_ms:012x}"
    return f"{digits[:8]}-{digits[8:]}-{version}{tail}"


@pytest.mark.parametrize("after", [-5, 0, 4.99])
def test_a_service_may_ask_for_its_ovn(after: float) -> None:
    asked = suffix(after)
    assert Desk().plan(ALFA, ONE, wanted(ovn_suffix=asked)).ovn == f"{ONE}_{asked}"


@pytest.mark.parametrize(
    "asked",
    [
        "",
        "abc",
        suffix(0, version="6"),
        suffix(0, tail="a18-1b61-552a7ed277b3"),
        suffix(-5.001),
        suffix(5.001),
        suffix(0) + "\n",
        "0192b9ff-793a-7a18-9b61-552a7ed277b3",
        "ffffffff-ffff-7a18-9b61-552a7ed277b3",
    ],
)
def test_but_only_for_a_uuid_v7_of_this_moment(asked: str) -> None:
    assert refused(Desk(), Malformed, ALFA, ONE, wanted(ovn_suffix=asked)).code == "utm_ovn_suffix"


def test_the_next_version_needs_another_ovn() -> None:
    desk = Desk()
    desk.plan(ALFA, ONE, wanted(ovn_suffix=suffix(0)))
    refused(desk, Malformed, ALFA, ONE, wanted(ovn_suffix=suffix(0)))
    assert desk.plan(ALFA, ONE, wanted(ovn_suffix=suffix(1))).ovn == f"{ONE}_{suffix(1)}"


# ── who is told ──────────────────────────────────────────────────────────────────────────────────────────────────────


def test_who_subscribed_there_is_told_each_time_under_the_next_number() -> None:
    desk = Desk()
    desk.subscribe(BRAVO, SUB, watching(by=BRAVO))
    assert indices(desk.planned(ALFA, ONE, wanted())) == {SUB: 1}
    assert indices(desk.planned(ALFA, ONE, wanted())) == {SUB: 2}
    assert indices(desk.end(ALFA, ONE)) == {SUB: 3}
    assert desk.ledger.subscriptions[SUB].notification_index == 3


def test_the_change_says_where_the_word_goes() -> None:
    desk = Desk()
    desk.subscribe(BRAVO, SUB, watching(by=BRAVO))
    [told] = desk.planned(ALFA, ONE, wanted()).told
    assert told.url == "https://bravo.example/utm/subscribed"


@pytest.mark.parametrize(
    "where",
    [
        volume(FAR),
        volume(heights=(120.5, 500.0)),
        volume(times=(61, 90)),
    ],
)
def test_who_subscribed_elsewhere_is_not_told(where: UtmVolume) -> None:
    desk = Desk()
    desk.subscribe(BRAVO, SUB, watching(where, by=BRAVO))
    assert desk.planned(ALFA, ONE, wanted()).told == ()


def test_who_wants_constraints_only_is_not_told_of_intents() -> None:
    desk = Desk()
    desk.subscribe(BRAVO_CP, SUB, watching(by=BRAVO, intents=False, constraints=True))
    assert desk.planned(ALFA, ONE, wanted()).told == ()


def test_a_subscription_that_has_ended_is_not_told() -> None:
    desk = Desk()
    desk.subscribe(BRAVO, SUB, watching(volume(times=(0, 30)), by=BRAVO))
    desk.pass_minutes(30.01)
    assert desk.planned(ALFA, ONE, wanted()).told == ()


def test_of_a_move_both_hear_whom_it_leaves_and_whom_it_reaches() -> None:
    desk = Desk()
    desk.subscribe(BRAVO, SUB, watching(by=BRAVO))
    desk.subscribe(BRAVO, OTHER_SUB, watching(volume(FAR), by=BRAVO))
    assert indices(desk.planned(ALFA, ONE, wanted())) == {SUB: 1}
    assert indices(desk.planned(ALFA, ONE, wanted(volume(FAR)))) == {SUB: 2, OTHER_SUB: 1}
    assert indices(desk.planned(ALFA, ONE, wanted(volume(FAR)))) == {OTHER_SUB: 2}


def test_ones_own_subscription_is_told_too() -> None:
    desk = Desk()
    ruling = desk.planned(ALFA, ONE, wanted(implicit=True))
    own = desk.ledger.intents[ONE].subscription
    assert own is not None
    assert indices(ruling) == {own: 1}
    assert desk.ledger.subscriptions[own].notification_index == 1
    assert gone(desk.end(ALFA, ONE)) == {(EntityKind.INTENT, ONE), (EntityKind.SUBSCRIPTION, own)}

"""Subscriptions, explicit and implicit, in the words of F3548-21, Annex A4."""

from __future__ import annotations

from datetime import timedelta

import pytest

from keepclear.errors import Malformed, Refused
from keepclear.model.utm import NO_SUBSCRIPTION, EntityKind, IntentState, UtmVolume
from keepclear.utm import subscriptions
from keepclear.utm.asked import SubscriptionAsked
from keepclear.utm.ruling import Asker, NotAllowed, NotFound, Stale, TooLarge
from keepclear.utm.scopes import CONSTRAINT_PROCESSING
from keepclear.utm.shown import begins, ends
from keepclear.utm.versions import NO_OVN
from tests.utm.cast import (
    ALFA,
    BRAVO,
    BRAVO_CP,
    FAR,
    HOME,
    ONE,
    OTHER_SUB,
    STRICT,
    SUB,
    T0,
    TWO,
    Desk,
    closing,
    gone,
    minutes,
    state_of,
    volume,
    wanted,
    watching,
)

DAY = 24 * 60.0
CP_ONLY = Asker("bravo", frozenset({CONSTRAINT_PROCESSING}))


def refused(desk: Desk, kind: type[Refused], asker: Asker, id: str, asked: SubscriptionAsked) -> Refused:
    """The refusal of a subscription that is asked for; nothing has changed."""
    before = state_of(desk.ledger)
    put = desk.resubscribe if id in desk.ledger.subscriptions else desk.subscribe
    with pytest.raises(kind) as caught:
        put(asker, id, asked)
    assert type(caught.value) is kind
    assert state_of(desk.ledger) == before
    return caught.value


def own(desk: Desk, id: str) -> str:
    """The subscription of an intent."""
    name = desk.ledger.intents[id].subscription
    assert name is not None
    return name


# ── creating, reading, removing ──────────────────────────────────────────────────────────────────────────────────────


def test_a_subscription_is_its_services_own() -> None:
    desk = Desk()
    made = desk.subscribe(ALFA, SUB, watching())
    assert (made.manager, made.notification_index, made.implicit) == ("alfa", 0, False)
    assert subscriptions.get(desk.ledger, ALFA, SUB) == made
    assert subscriptions.query(desk.ledger, ALFA, volume(), desk.now) == [made]
    assert subscriptions.query(desk.ledger, BRAVO, volume(), desk.now) == []
    with pytest.raises(NotAllowed):
        subscriptions.get(desk.ledger, BRAVO, SUB)
    with pytest.raises(NotAllowed):
        subscriptions.delete(desk.ledger, BRAVO, SUB, made.version, desk.now)
    refused(desk, NotAllowed, BRAVO, SUB, watching(by=BRAVO))


def test_what_is_not_there_cannot_be_changed_read_or_removed() -> None:
    desk = Desk()
    with pytest.raises(Malformed):
        subscriptions.update(desk.ledger, ALFA, SUB, "1", watching(), desk.now, desk.nonce(), STRICT)
    with pytest.raises(NotFound):
        subscriptions.get(desk.ledger, ALFA, SUB)
    with pytest.raises(NotFound):
        subscriptions.delete(desk.ledger, ALFA, SUB, "1", desk.now)


def test_an_id_is_created_once() -> None:
    desk = Desk()
    desk.subscribe(ALFA, SUB, watching())
    for asker in (ALFA, BRAVO):
        with pytest.raises(Stale):
            subscriptions.create(desk.ledger, asker, SUB, watching(by=asker), desk.now, desk.nonce(), STRICT)


def test_only_the_current_version_changes_or_removes_a_subscription() -> None:
    desk = Desk()
    first = desk.subscribe(ALFA, SUB, watching()).version
    second = desk.resubscribe(ALFA, SUB, watching()).version
    assert first != second
    for version, kind in ((first, Stale), ("1", Stale), ("", Malformed)):
        with pytest.raises(kind):
            subscriptions.update(desk.ledger, ALFA, SUB, version, watching(), desk.now, desk.nonce(), STRICT)
        with pytest.raises(kind):
            subscriptions.delete(desk.ledger, ALFA, SUB, version, desk.now)
    assert gone(desk.unsubscribe(ALFA, SUB)) == {(EntityKind.SUBSCRIPTION, SUB)}


def test_a_notification_is_no_new_version() -> None:
    desk = Desk()
    made = desk.subscribe(ALFA, SUB, watching())
    desk.plan(BRAVO, ONE, wanted(by=BRAVO))
    held = desk.ledger.subscriptions[SUB]
    assert (held.version, held.notification_index) == (made.version, 1)
    assert desk.resubscribe(ALFA, SUB, watching()).notification_index == 1


@pytest.mark.parametrize(
    ("asker", "asked", "kind", "code"),
    [
        (ALFA, watching(intents=False), Malformed, "utm_no_trigger"),
        (ALFA, watching(constraints=True), NotAllowed, "utm_scope"),
        (CP_ONLY, watching(by=BRAVO), NotAllowed, "utm_scope"),
        (ALFA, SubscriptionAsked(volume(), "http://a.example", True), Malformed, "utm_url_https"),
        (ALFA, watching(volume(heights=(10.0, 9.0))), Malformed, "utm_heights"),
        (ALFA, watching(volume(times=(20, 10))), Malformed, "times_order"),
        (ALFA, watching(volume(times=(-5.01, 10))), Malformed, "in_the_past"),
        (ALFA, watching(volume(times=(-4, -1))), Malformed, "in_the_past"),
        (ALFA, watching(volume(times=(0, DAY + 0.01))), Malformed, "utm_too_long"),
        (ALFA, watching(volume(times=(None, DAY + 0.01))), Malformed, "utm_too_long"),
    ],
)
def test_a_request_that_is_not_in_order_is_refused(
    asker: Asker, asked: SubscriptionAsked, kind: type[Refused], code: str
) -> None:
    desk = Desk()
    assert refused(desk, kind, asker, SUB, asked).code == code
    desk.subscribe(asker, SUB, watching(by=BRAVO, intents=asker is not CP_ONLY, constraints=asker is CP_ONLY))
    assert refused(desk, kind, asker, SUB, asked).code == code


@pytest.mark.parametrize("id", ["", "not_uuid", SUB + "\n"])
def test_an_id_is_a_uuid(id: str) -> None:
    desk = Desk()
    assert refused(desk, Malformed, ALFA, id, watching()).code == "utm_not_uuid"
    with pytest.raises(Malformed):
        subscriptions.get(desk.ledger, ALFA, id)


def test_the_id_that_means_none_is_nobodys() -> None:
    assert refused(Desk(), Malformed, ALFA, NO_SUBSCRIPTION, watching()).code == "utm_null_id"


def test_too_large_an_area_is_refused() -> None:
    desk, giant = Desk(), volume(radius_m=60_000.0)
    assert refused(desk, Malformed, ALFA, SUB, watching(giant)).code == "utm_area"
    with pytest.raises(TooLarge):
        subscriptions.query(desk.ledger, ALFA, giant, desk.now)


# ── times ────────────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        ((None, None), (0.0, DAY)),
        ((60, None), (60, 60 + DAY)),
        ((None, 30), (0, 30)),
        ((-5, None), (-5, DAY - 5)),
        ((10, 10 + DAY), (10, 10 + DAY)),
    ],
)
def test_times_that_are_not_given(times: tuple[float | None, float | None], expected: tuple[float, float]) -> None:
    made = Desk().subscribe(ALFA, SUB, watching(volume(times=times)))
    assert begins(made.volumes) == T0 + minutes(expected[0])
    assert ends(made.volumes) == T0 + minutes(expected[1])


def test_times_that_are_not_given_stay_when_it_is_changed() -> None:
    desk = Desk()
    desk.subscribe(ALFA, SUB, watching(volume(times=(0, 90))))
    desk.pass_minutes(20)
    changed = desk.resubscribe(ALFA, SUB, watching(volume(times=(None, None))))
    assert (begins(changed.volumes), ends(changed.volumes)) == (T0, T0 + minutes(90))
    same = desk.resubscribe(ALFA, SUB, watching(volume(times=(0, 100))))  # the start it has is no start in the past
    assert begins(same.volumes) == T0
    refused(desk, Malformed, ALFA, SUB, watching(volume(times=(1, 100))))


def test_an_ended_subscription_is_found_by_no_search_and_its_id_can_be_created_again() -> None:
    desk = Desk()
    desk.subscribe(ALFA, SUB, watching(volume(times=(0, 10))))
    desk.plan(BRAVO, ONE, wanted(by=BRAVO))
    desk.pass_minutes(10)
    assert subscriptions.query(desk.ledger, ALFA, volume(times=(None, None)), desk.now)
    desk.now += timedelta(microseconds=1)
    assert subscriptions.query(desk.ledger, ALFA, volume(times=(None, None)), desk.now) == []
    assert subscriptions.query(desk.ledger, ALFA, volume(times=(0, 5)), desk.now) == []
    asked = watching(volume(times=(None, 90)), by=BRAVO)
    with pytest.raises(Stale):  # it is another service's still
        subscriptions.create(desk.ledger, BRAVO, SUB, asked, desk.now, desk.nonce(), STRICT)
    anew = desk.subscribe(ALFA, SUB, watching(volume(times=(None, 90))))
    assert anew.notification_index == 0
    assert begins(anew.volumes) == desk.now


# ── what is there when one subscribes ────────────────────────────────────────────────────────────────────────────────


def test_who_subscribes_hears_of_what_is_there_and_only_of_what_he_asked_for() -> None:
    desk = Desk()
    desk.plan(ALFA, ONE, wanted())
    desk.plan(ALFA, TWO, wanted(volume(FAR)))
    desk.close(ONE, closing())
    desk.close(TWO, closing(volume(heights=(500.0, 600.0))))
    both = desk.subscribe(BRAVO_CP, SUB, watching(by=BRAVO, constraints=True))
    found = subscriptions.relevant(desk.ledger, both, desk.now)
    assert found.intents is not None
    assert found.constraints is not None
    assert [(each.id, each.ovn) for each in found.intents] == [(ONE, NO_OVN)]
    assert [(each.id, each.ovn) for each in found.constraints] == [(ONE, NO_OVN)]
    first = subscriptions.relevant(desk.ledger, desk.subscribe(ALFA, OTHER_SUB, watching()), desk.now)
    assert first.constraints is None
    assert first.intents == [desk.ledger.intents[ONE]]  # one's own, with its OVN
    second = desk.resubscribe(BRAVO_CP, SUB, watching(by=BRAVO, intents=False, constraints=True))
    assert subscriptions.relevant(desk.ledger, second, desk.now).intents is None
    desk.pass_minutes(60.01)
    assert subscriptions.relevant(desk.ledger, both, desk.now) == ([], [])


# ── explicit subscriptions and the intents that hang on them ─────────────────────────────────────────────────────────


def test_an_intent_may_hang_on_a_subscription_that_covers_it() -> None:
    desk = Desk()
    desk.subscribe(ALFA, SUB, watching())
    assert desk.plan(ALFA, ONE, wanted(subscription=SUB)).subscription == SUB
    assert subscriptions.dependents(desk.ledger, SUB) == [ONE]
    desk.end(ALFA, ONE)
    assert subscriptions.dependents(desk.ledger, SUB) == []
    assert SUB in desk.ledger.subscriptions


@pytest.mark.parametrize(
    "where",
    [
        volume(FAR),
        volume(radius_m=5_000.0),
        volume(heights=(-1.0, 120.0)),
        volume(heights=(0.0, 121.0)),
        volume(times=(0, 60.1)),
    ],
)
def test_but_not_on_one_that_does_not(where: UtmVolume) -> None:
    desk = Desk()
    desk.subscribe(ALFA, SUB, watching())
    desk.plan(ALFA, ONE, wanted(subscription=SUB))
    for asked in (wanted(where, subscription=SUB),):
        with pytest.raises(Malformed) as caught:
            desk.planned(ALFA, ONE, asked)
        assert caught.value.code == "utm_not_covered"
        with pytest.raises(Malformed):
            desk.planned(ALFA, TWO, asked)


def test_what_starts_later_than_an_intent_does_not_cover_it_unless_the_intent_has_begun() -> None:
    desk = Desk()
    desk.subscribe(ALFA, SUB, watching(volume(times=(10, 100))))
    with pytest.raises(Malformed):
        desk.plan(ALFA, ONE, wanted(volume(times=(9, 60)), subscription=SUB))
    desk.pass_minutes(10)
    desk.plan(ALFA, ONE, wanted(volume(times=(9, 60)), subscription=SUB))


def test_an_unbounded_subscription_covers_any_height() -> None:
    desk = Desk()
    desk.subscribe(ALFA, SUB, watching(volume(heights=(None, None))))
    desk.plan(ALFA, ONE, wanted(volume(heights=(-300.0, 9_000.0)), subscription=SUB))


def test_an_intent_does_not_hang_on_anothers_subscription_nor_on_one_that_tells_of_no_intents() -> None:
    desk = Desk()
    desk.subscribe(BRAVO_CP, SUB, watching(by=BRAVO, intents=False, constraints=True))
    with pytest.raises(NotAllowed):
        desk.plan(ALFA, ONE, wanted(subscription=SUB))
    with pytest.raises(Malformed):
        desk.plan(BRAVO, ONE, wanted(by=BRAVO, subscription=SUB))


@pytest.mark.parametrize(
    "smaller",
    [
        volume((HOME[0] + 0.05, HOME[1])),
        volume(radius_m=50.0),
        volume(heights=(10.0, 120.0)),
        volume(heights=(0.0, 110.0)),
        volume(times=(5.1, 60)),
        volume(times=(0, 59)),
    ],
)
@pytest.mark.parametrize("implicit", [True, False])
def test_a_subscription_does_not_shrink_below_its_intents(smaller: UtmVolume, implicit: bool) -> None:
    desk = Desk()
    where = volume(radius_m=2_500.0)  # some cells more than a circle of 50 m
    if not implicit:
        desk.subscribe(ALFA, SUB, watching(where))
    desk.plan(ALFA, ONE, wanted(where, implicit=implicit, subscription=None if implicit else SUB))
    if smaller.circle is not None and smaller.circle.radius_m == 300.0:
        smaller = volume(
            (smaller.circle.centre.lat_deg, smaller.circle.centre.lng_deg),
            2_500.0,
            (smaller.lower_m, smaller.upper_m),
            (5.1 if begins([smaller]) != T0 else 0.0, 59 if ends([smaller]) != T0 + minutes(60) else 60),
        )
    assert refused(desk, Malformed, ALFA, own(desk, ONE), watching(smaller)).code == "utm_not_covered"


def test_its_start_may_follow_the_clock_by_five_minutes() -> None:
    desk = Desk()
    ahead = volume(times=(20, 80))
    desk.plan(ALFA, ONE, wanted(ahead, implicit=True))
    desk.resubscribe(ALFA, own(desk, ONE), watching(volume(times=(25, 80))))
    refused(desk, Malformed, ALFA, own(desk, ONE), watching(volume(times=(25.01, 80))))


def test_it_goes_on_telling_of_intents_while_one_hangs_on_it() -> None:
    desk = Desk()
    desk.plan(BRAVO_CP, ONE, wanted(by=BRAVO, implicit=True, told_of_constraints=True))
    asked = watching(by=BRAVO, intents=False, constraints=True)
    assert refused(desk, Malformed, BRAVO_CP, own(desk, ONE), asked).code == "utm_not_covered"


def test_ended_intents_need_no_cover() -> None:
    desk = Desk()
    desk.subscribe(ALFA, SUB, watching(volume(times=(0, 120))))
    desk.plan(ALFA, ONE, wanted(subscription=SUB))
    desk.pass_minutes(60.01)
    desk.resubscribe(ALFA, SUB, watching(volume(FAR, times=(60, 70))))


@pytest.mark.parametrize("implicit", [True, False])
def test_a_subscription_with_intents_is_not_removed(implicit: bool) -> None:
    desk = Desk()
    if not implicit:
        desk.subscribe(ALFA, SUB, watching())
    desk.plan(ALFA, ONE, wanted(implicit=implicit, subscription=None if implicit else SUB))
    name = own(desk, ONE)
    with pytest.raises(Malformed) as caught:
        subscriptions.delete(desk.ledger, ALFA, name, desk.ledger.subscriptions[name].version, desk.now)
    assert caught.value.code == "utm_dependents"
    with pytest.raises(Stale):  # its version comes first
        subscriptions.delete(desk.ledger, ALFA, name, "1", desk.now)


# ── implicit subscriptions ───────────────────────────────────────────────────────────────────────────────────────────


def test_an_implicit_subscription_is_as_its_intent() -> None:
    desk = Desk()
    intent = desk.plan(ALFA, ONE, wanted(implicit=True))
    made = subscriptions.get(desk.ledger, ALFA, own(desk, ONE))
    assert made.implicit
    assert made.for_intents
    assert not made.for_constraints
    assert made.volumes == intent.volumes
    assert made.uss_base_url == "https://alfa.example/utm/told"
    assert subscriptions.query(desk.ledger, ALFA, volume(), desk.now) == [made]


def test_it_goes_with_its_last_intent() -> None:
    desk = Desk()
    desk.plan(ALFA, ONE, wanted(implicit=True))
    name = own(desk, ONE)
    desk.plan(ALFA, TWO, wanted(subscription=name, key=[desk.ledger.intents[ONE].ovn]))
    desk.end(ALFA, ONE)
    assert name in desk.ledger.subscriptions
    assert gone(desk.end(ALFA, TWO)) == {(EntityKind.INTENT, TWO), (EntityKind.SUBSCRIPTION, name)}
    assert desk.ledger.subscriptions == {}


def test_it_grows_with_its_intents_and_does_not_shrink() -> None:
    desk = Desk()
    desk.plan(ALFA, ONE, wanted(implicit=True))
    name = own(desk, ONE)
    before = desk.ledger.subscriptions[name]
    desk.plan(ALFA, ONE, wanted(volume(heights=(10.0, 300.0), times=(5, 90)), subscription=name))
    grown = desk.ledger.subscriptions[name]
    assert grown.volumes == (volume(heights=(0.0, 300.0), times=(0, 90)),)
    assert grown.version != before.version
    desk.plan(ALFA, ONE, wanted(volume(times=(5, 10)), subscription=name))
    assert desk.ledger.subscriptions[name].volumes == grown.volumes
    assert desk.ledger.subscriptions[name].version == grown.version
    desk.plan(ALFA, ONE, wanted(volume(FAR), subscription=name))
    assert desk.ledger.subscriptions[name].volumes == (*grown.volumes, volume(FAR))
    desk.subscribe(BRAVO, SUB, watching(by=BRAVO))
    assert desk.ledger.subscriptions[name].implicit


@pytest.mark.parametrize("instead", ["explicit", "none", "null id", "another"])
def test_it_goes_when_its_intent_hangs_on_another_or_on_none(instead: str) -> None:
    desk = Desk()
    desk.subscribe(ALFA, SUB, watching())
    desk.plan(ALFA, ONE, wanted(implicit=True))
    name = own(desk, ONE)
    asked = {
        "explicit": wanted(subscription=SUB),
        "none": wanted(),
        "null id": wanted(subscription=NO_SUBSCRIPTION),
        "another": wanted(implicit=True),
    }[instead]
    ruling = desk.planned(ALFA, ONE, asked)
    assert gone(ruling) == {(EntityKind.SUBSCRIPTION, name)}
    assert name not in {told.subscription for told in ruling.told}
    held = desk.ledger.intents[ONE].subscription
    assert {"explicit": held == SUB, "another": held not in (None, SUB, name)}.get(instead, held is None)


def test_one_that_others_hang_on_stays() -> None:
    desk = Desk()
    one = desk.plan(ALFA, ONE, wanted(implicit=True))
    name = own(desk, ONE)
    desk.plan(ALFA, TWO, wanted(subscription=name, key=[one.ovn]))
    ruling = desk.planned(ALFA, ONE, wanted(key=[desk.ledger.intents[TWO].ovn]))
    assert gone(ruling) == set()
    assert name in desk.ledger.subscriptions


def test_put_by_its_service_it_is_explicit_and_outlives_its_intent() -> None:
    desk = Desk()
    desk.plan(ALFA, ONE, wanted(implicit=True))
    name = own(desk, ONE)
    assert not desk.resubscribe(ALFA, name, watching()).implicit
    with pytest.raises(Malformed):  # and grows no more
        desk.plan(ALFA, ONE, wanted(volume(times=(0, 90)), subscription=name))
    assert gone(desk.end(ALFA, ONE)) == {(EntityKind.INTENT, ONE)}
    desk.unsubscribe(ALFA, name)


def test_a_nonconforming_intent_takes_its_implicit_subscription_along() -> None:
    desk = Desk()
    desk.plan(ALFA, ONE, wanted(implicit=True))
    name = own(desk, ONE)
    for step in range(1, 6):
        along = volume((HOME[0] + step / 100, HOME[1]), times=(0, 60 + step))
        desk.plan(ALFA, ONE, wanted(along, subscription=name, state=IntentState.ACTIVATED))
    assert len(desk.ledger.subscriptions[name].volumes) == 6
    for step in range(1, 6):
        again = volume((HOME[0] + step / 100, HOME[1]), times=(0, 70 + step))
        desk.plan(ALFA, ONE, wanted(again, subscription=name, state=IntentState.ACTIVATED))
    assert len(desk.ledger.subscriptions[name].volumes) == 6

"""What is owed follows from the record: whatever crashes, each subscriber hears each change, in order, until final."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.model.acts import UtmChange, UtmExchange
from keepclear.model.utm import (
    Availability,
    EntityKind,
    Gone,
    IntentState,
    RidSubscription,
    Told,
    UtmAvailability,
    UtmCircle,
    UtmFlight,
    UtmIntent,
    UtmPoint,
    UtmSubscription,
    UtmVolume,
    Way,
)
from keepclear.utm import owing
from keepclear.utm.ledger import Ledger
from keepclear.utm.owing import Debt, Owing, pause, wanted

T = datetime(2026, 5, 1, 8, 0, tzinfo=UTC)
INTENT = "2f8343be-6482-4d1b-a474-16847e01af1e"
ONE, TWO, THREE = "https://one.example", "https://two.example", "https://three.example"


def sub(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


def volume(ends_at: datetime | None = T + timedelta(hours=1)) -> UtmVolume:
    circle = UtmCircle(centre=UtmPoint(lat_deg=34.75, lng_deg=39.4), radius_m=300.0)
    return UtmVolume(circle=circle, lower_m=0.0, upper_m=120.0, starts_at=T, ends_at=ends_at)


def intent(version: int) -> UtmIntent:
    return UtmIntent(
        id=INTENT,
        manager="keepclear",
        state=IntentState.ACCEPTED,
        uss_base_url="https://own.example",
        version=version,
        ovn=f"ovn-{version}",
        volumes=(volume(),),
    )


def change(number: int, *told: tuple[int, str], pushed: bool = True, gone: bool = False) -> UtmChange:
    return UtmChange(
        number=number,
        by="keepclear",
        did="updateOperationalIntentReference",
        put=() if gone else (intent(number),),
        gone=(Gone(kind=EntityKind.INTENT, id=INTENT),) if gone else (),
        told=tuple(Told(subscription=sub(each), index=number, url=url) for each, url in told),
        pushed=pushed,
    )


def said(debt: Debt, outcome: str, at: datetime, final: bool, attempt: int = 1) -> UtmExchange:
    return UtmExchange(
        way=Way.SENT,
        peer="one.example",
        url=debt.url + "/uss/v1/operational_intents",
        did="notifyOperationalIntentDetailsChanged",
        at=at,
        outcome=outcome,
        entity=INTENT,
        change=debt.number,
        told=debt.told,
        attempt=attempt,
        final=final,
    )


def next_of(debts: Owing, url: str) -> Debt:
    debt = debts.next(url)
    assert debt is not None
    return debt


def test_one_message_to_a_url_however_many_of_its_subscriptions_are_concerned() -> None:
    debts = Owing()
    debts.owe(change(1, (1, ONE), (2, TWO), (3, ONE)), T)
    assert debts.count == 2
    assert [told.subscription for told in next_of(debts, ONE).told] == [sub(1), sub(3)]


def test_a_change_that_its_writer_carries_himself_is_not_owed_by_this_node() -> None:
    debts = Owing()
    debts.owe(change(1, (1, ONE), pushed=False), T)
    assert debts.count == 0


def test_what_was_put_and_the_details_behind_it_are_those_of_the_change_though_it_changed_again() -> None:
    debts = Owing()
    flight = UtmFlight(id=INTENT, client="desk", usage_state="Planned", uas_state="Nominal", intent=INTENT)
    first = change(1, (1, ONE))
    debts.owe(
        UtmChange(number=1, by="keepclear", did=first.did, put=(*first.put, flight), told=first.told, pushed=True), T
    )
    debts.owe(change(2, (1, ONE)), T)
    debt = next_of(debts, ONE)
    assert (debt.entity, debt.details) == (intent(1), flight)


def test_of_an_intent_that_is_gone_only_its_id_is_known() -> None:
    debts = Owing()
    debts.owe(change(4, (1, ONE), gone=True), T)
    debt = next_of(debts, ONE)
    assert (debt.subject, debt.kind, debt.entity) == (INTENT, EntityKind.INTENT, None)


def test_a_change_about_no_entity_that_is_shared_owes_nothing() -> None:
    down = UtmAvailability(uss="uss1", state=Availability.DOWN, version="1")
    debts = Owing()
    debts.owe(UtmChange(number=1, by="uss1", did="set", put=(down,), told=change(1, (1, ONE)).told, pushed=True), T)
    assert debts.count == 0


def test_what_is_said_is_owed_no_more_and_the_next_change_follows() -> None:
    debts = Owing()
    for number in (1, 2):
        debts.owe(change(number, (1, ONE)), T)
    debts.hear(said(next_of(debts, ONE), "204", T, final=True))
    assert next_of(debts, ONE).number == 2
    debts.hear(said(next_of(debts, ONE), "204", T, final=True))
    assert debts.next(ONE) is None
    assert debts.lanes == {}


def test_a_receipt_for_another_change_or_another_url_settles_nothing() -> None:
    debts = Owing()
    debts.owe(change(1, (1, ONE), (2, TWO)), T)
    other_change = Debt(7, ONE, False, next_of(debts, ONE).told, T, "k", EntityKind.INTENT, INTENT, None, None)
    debts.hear(said(other_change, "204", T, final=True))
    debts.hear(
        said(
            Debt(1, THREE, False, change(1, (9, THREE)).told, T, "k", EntityKind.INTENT, INTENT, None, None),
            "204",
            T,
            True,
        )
    )
    received = said(next_of(debts, ONE), "204", T, final=True)
    debts.hear(
        UtmExchange(way=Way.RECEIVED, peer="uss1", did=received.did, at=T, outcome="204", change=1, told=received.told)
    )
    assert debts.count == 2


def test_pauses_grow_to_a_minute_and_end_with_a_success() -> None:
    debts = Owing()
    debts.owe(change(1, (1, ONE)), T)
    debts.owe(change(2, (1, ONE)), T)
    at = T
    pauses = []
    for attempt in range(1, 9):
        debts.hear(said(next_of(debts, ONE), "503", at, final=False, attempt=attempt))
        assert next_of(debts, ONE).attempts == attempt
        until = debts.not_before(ONE)
        assert until is not None
        pauses.append((until - at).total_seconds())
        at = until
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60]
    debts.hear(said(next_of(debts, ONE), "204", at, final=True))
    assert debts.not_before(ONE) is None


@pytest.mark.parametrize(
    ("outcome", "final"),
    [
        ("204", True),
        ("200", True),
        ("here", True),
        ("400", True),
        ("403", True),
        ("409", True),
        ("not_callable outbound_not_enrolled", True),
        (owing.EXPIRED, True),
        ("401", False),
        ("429", False),
        ("500", False),
        ("503", False),
        ("timeout", False),
        ("unreachable", False),
    ],
)
def test_what_would_be_refused_again_is_not_said_again(outcome: str, final: bool) -> None:
    debts = Owing()
    debts.owe(change(1, (1, ONE)), T)
    assert debts.is_final(next_of(debts, ONE), outcome, T) is final


def test_after_ten_minutes_the_next_failure_is_the_last() -> None:
    debts = Owing()
    debts.owe(change(1, (1, ONE)), T)
    debt = next_of(debts, ONE)
    assert not debts.is_final(debt, "timeout", T + timedelta(seconds=owing.GIVE_UP_AFTER_S - 2))
    assert debts.is_final(debt, "timeout", T + timedelta(seconds=owing.GIVE_UP_AFTER_S))


def test_a_url_that_was_given_up_is_not_pestered_with_the_changes_that_waited_behind() -> None:
    debts = Owing()
    for number in (1, 2):
        debts.owe(change(number, (1, ONE)), T)
    late = T + timedelta(seconds=owing.GIVE_UP_AFTER_S)
    debts.hear(said(next_of(debts, ONE), "timeout", late, final=True))
    assert next_of(debts, ONE).number == 2
    assert debts.not_before(ONE) == late + pause(1)


def test_a_subscription_that_moved_hears_first_at_its_old_url() -> None:
    debts = Owing()
    debts.owe(change(1, (1, ONE)), T)
    debts.owe(change(2, (1, TWO)), T)
    debts.owe(change(3, (2, TWO)), T)
    assert debts.next(TWO) is None
    first = next_of(debts, ONE)
    debts.hear(said(first, "204", T, final=True))
    assert debts.waiting_at(first.told) == {TWO}
    assert next_of(debts, TWO).number == 2


@pytest.mark.parametrize("rid", [False, True])
def test_a_subscription_that_has_ended_or_is_gone_is_not_wanted(rid: bool) -> None:
    ledger = Ledger()
    ends_at = T + timedelta(hours=1)
    if rid:
        ledger.rid_subscriptions[sub(1)] = RidSubscription(
            id=sub(1), owner="uss1", uss_base_url=ONE, version="1", notification_index=0, volume=volume(ends_at)
        )
    else:
        ledger.subscriptions[sub(1)] = UtmSubscription(
            id=sub(1),
            manager="uss1",
            uss_base_url=ONE,
            version="1",
            notification_index=0,
            for_intents=True,
            for_constraints=False,
            implicit=False,
            volumes=(volume(T), volume(ends_at)),
        )
    told = Told(subscription=sub(1), index=1, url=ONE, rid=rid)
    assert wanted(told, ledger, ends_at - timedelta(seconds=1))
    assert not wanted(told, ledger, ends_at)
    assert not wanted(Told(subscription=sub(2), index=1, url=ONE, rid=rid), ledger, T)


# ── any interleaving ──


@dataclass
class World:
    """A node that may crash between saying and recording, and subscribers that may fail; the record outlives it all."""

    record: list[tuple[UtmChange | UtmExchange, datetime]] = field(default_factory=list)
    heard: dict[str, list[int]] = field(default_factory=dict)
    finals: set[tuple[str, int]] = field(default_factory=set)
    now: datetime = T
    debts: Owing = field(default_factory=Owing)

    def keep(self, act: UtmChange | UtmExchange) -> None:
        self.record.append((act, self.now))
        self._fold(self.debts, act, self.now)

    def crash(self) -> None:
        self.debts = Owing()
        for act, at in self.record:
            self._fold(self.debts, act, at)

    @staticmethod
    def _fold(debts: Owing, act: UtmChange | UtmExchange, at: datetime) -> None:
        if isinstance(act, UtmChange):
            debts.owe(act, at)
        else:
            debts.hear(act)

    def attempt(self, url: str, outcome: str, crashes: bool) -> None:
        debt = self.debts.next(url)
        not_before = self.debts.not_before(url)
        if debt is None or (not_before is not None and self.now < not_before):
            return
        for told in debt.told:
            assert (told.subscription, debt.number) not in self.finals, "said again after it was final"
            self.heard.setdefault(told.subscription, []).append(debt.number)
        if crashes:
            self.crash()
            return
        final = self.debts.is_final(debt, outcome, self.now)
        self.keep(said(debt, outcome, self.now, final, debt.attempts + 1))
        if final:
            self.finals |= {(told.subscription, debt.number) for told in debt.told}


URLS = (ONE, TWO, THREE)
told_lists = st.lists(st.tuples(st.integers(1, 4), st.sampled_from(URLS)), max_size=4, unique_by=lambda each: each[0])
steps = st.lists(
    st.one_of(
        st.tuples(st.just("change"), told_lists),
        st.tuples(
            st.just("attempt"),
            st.sampled_from(URLS),
            st.sampled_from(["204", "204", "503", "timeout", "400", "here"]),
            st.booleans(),
        ),
        st.tuples(st.just("crash")),
        st.tuples(st.just("wait"), st.integers(1, 400)),
    ),
    max_size=60,
)


@given(steps)
def test_whatever_happens_each_hears_each_change_in_order_until_it_is_final(story: list[tuple[object, ...]]) -> None:
    world = World()
    owed: dict[str, list[int]] = {}
    number = 0
    for step in story:
        if step[0] == "change":
            number += 1
            told: list[tuple[int, str]] = step[1]  # type: ignore[assignment]
            world.keep(change(number, *told))
            for each, _ in told:
                owed.setdefault(sub(each), []).append(number)
        elif step[0] == "attempt":
            world.attempt(str(step[1]), str(step[2]), bool(step[3]))
        elif step[0] == "wait":
            world.now += timedelta(seconds=int(str(step[1])))
        else:
            world.crash()
    rounds = 0
    while world.debts.count:
        rounds += 1
        assert rounds <= 4 * (number + 1), "somebody waits for ever"
        world.now += timedelta(seconds=owing.LONGEST_PAUSE_S)
        for url in URLS:
            world.attempt(url, "204", crashes=False)
    for subscription, numbers in owed.items():
        heard = world.heard[subscription]
        assert sorted(set(heard)) == numbers
        assert heard == sorted(heard), "out of order"
    assert set(world.heard) <= set(owed)
    world.crash()
    assert world.debts.count == 0

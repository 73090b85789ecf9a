"""What is long over leaves the places, and no answer changes: held beside a ledger folded anew from the same record."""

from __future__ import annotations

from typing import Any

import pytest

from keepclear.model.acts import UtmChange
from keepclear.model.utm import EntityKind, UtmVolume
from keepclear.utm import constraints, intents, subscriptions
from keepclear.utm.ledger import INDEXED, Ledger
from keepclear.utm.ruling import Stale
from tests.utm.cast import ALFA, BRAVO, CIVIL, ONE, STRICT, SUB, THREE, TWO, Desk, closing, volume, wanted, watching

DAYS = 60.0 * 24


def with_much_behind_it() -> Desk:
    """Two days ago an intent, a constraint and a subscription ended; an intent is planned for the next hour."""
    desk = Desk()
    desk.plan(ALFA, ONE, wanted(implicit=True))
    desk.close(TWO, closing())
    desk.subscribe(BRAVO, SUB, watching(by=BRAVO))
    desk.pass_minutes(2 * DAYS)
    desk.plan(ALFA, THREE, wanted(volume(times=(2 * DAYS, 2 * DAYS + 60.0))))
    return desk


def refolded(desk: Desk) -> Ledger:
    """What a node holds that starts anew on the same record."""
    ledger = Ledger()
    for change in desk.changes:
        ledger.take(change, f"{change.number:064x}")
    return ledger


def answers(ledger: Ledger, desk: Desk) -> list[Any]:
    """What services are told, of the past as well, and what a change of what is over would come to."""
    implicit = ledger.intents[ONE].subscription
    assert implicit is not None
    whole = volume(radius_m=5_000.0, times=(-DAYS, 20 * DAYS))
    held = ledger.subscriptions[implicit]
    over = (ledger.intents[ONE].ovn, ledger.constraints[TWO].ovn)
    return [
        [intents.get(ledger, ALFA, id) for id in (ONE, THREE)],
        constraints.get(ledger, CIVIL, TWO),
        [subscriptions.get(ledger, ALFA, implicit), subscriptions.dependents(ledger, implicit)],
        subscriptions.get(ledger, BRAVO, SUB),
        [each.id for each in intents.query(ledger, ALFA, whole, desk.now)],
        constraints.query(ledger, CIVIL, whole, desk.now),
        subscriptions.query(ledger, BRAVO, whole, desk.now),
        subscriptions.relevant(ledger, held, desk.now),
        intents.delete(ledger, ALFA, ONE, over[0], desk.now),
        constraints.delete(ledger, CIVIL, TWO, over[1], desk.now),
        subscriptions.create(ledger, BRAVO, SUB, watching(whole_day(), by=BRAVO), desk.now, "0" * 32, STRICT),
        ledger.history,
    ]


def whole_day() -> UtmVolume:
    return volume(times=(2 * DAYS, 3 * DAYS))


def test_no_answer_changes_when_what_is_long_over_leaves_the_places() -> None:
    desk = with_much_behind_it()
    desk.ledger.forget_long_over(desk.now)
    assert {name for kind in INDEXED for name in desk.ledger.places[kind].extents} == {THREE}
    assert ONE in refolded(desk).places[EntityKind.INTENT].extents
    assert answers(desk.ledger, desk) == answers(refolded(desk), desk)
    for ledger in (desk.ledger, refolded(desk)):
        with pytest.raises(Stale):
            intents.create(ledger, ALFA, ONE, wanted(whole_day()), desk.now, "0" * 32, STRICT)


def test_what_ended_just_now_stays_in_its_place() -> None:
    desk = with_much_behind_it()
    desk.pass_minutes(60.0 + DAYS)
    desk.ledger.forget_long_over(desk.now)
    assert desk.ledger.places[EntityKind.INTENT].extents.keys() == {THREE}
    desk.pass_minutes(1.0)
    desk.ledger.forget_long_over(desk.now)
    assert not desk.ledger.places[EntityKind.INTENT].extents


def test_what_left_its_place_can_still_be_taken_away_and_put_anew() -> None:
    desk = with_much_behind_it()
    desk.ledger.forget_long_over(desk.now)
    ruling = intents.delete(desk.ledger, ALFA, ONE, desk.ledger.intents[ONE].ovn, desk.now)
    number = desk.ledger.number + 1
    change = UtmChange(number=number, by="alfa", did=ruling.did, put=ruling.put, gone=ruling.gone, told=ruling.told)
    desk.ledger.take(change, "e" * 64, ahead=True)
    assert ONE not in desk.ledger.intents
    desk.ledger.undo(number)
    assert ONE in desk.ledger.intents
    desk.ledger.take(change, "e" * 64)
    desk.plan(ALFA, ONE, wanted(whole_day(), key=[desk.ledger.intents[THREE].ovn]))
    assert desk.ledger.places[EntityKind.INTENT].extents.keys() == {ONE, THREE}

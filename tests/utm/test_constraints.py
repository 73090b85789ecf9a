"""Constraint references, in the words of F3548-21, Annex A4."""

from __future__ import annotations

import pytest

from keepclear.errors import Malformed
from keepclear.model.utm import EntityKind, UtmConstraint, UtmVolume
from keepclear.utm import constraints
from keepclear.utm.asked import ConstraintAsked
from keepclear.utm.ruling import NotAllowed, NotFound, Stale
from keepclear.utm.versions import NO_OVN
from tests.utm.cast import (
    ALFA,
    BRAVO,
    BRAVO_CP,
    CIVIL,
    FAR,
    ONE,
    OTHER_SUB,
    STRICT,
    SUB,
    Desk,
    closing,
    gone,
    indices,
    state_of,
    volume,
    watching,
)


def test_a_constraint_is_at_version_1_of_whoever_asked_and_then_at_2() -> None:
    desk = Desk()
    first = desk.close(ONE, closing()).of
    assert isinstance(first, UtmConstraint)
    assert (first.manager, first.version) == ("civil", 1)
    second = desk.close(ONE, closing(volume(FAR))).of
    assert isinstance(second, UtmConstraint)
    assert second.version == 2
    assert second.ovn != first.ovn
    assert constraints.query(desk.ledger, CIVIL, volume(), desk.now) == []
    assert constraints.query(desk.ledger, CIVIL, volume(FAR), desk.now) == [second]
    assert gone(desk.open(ONE)) == {(EntityKind.CONSTRAINT, ONE)}
    with pytest.raises(NotFound):
        constraints.get(desk.ledger, CIVIL, ONE)


def test_others_see_it_without_its_ovn() -> None:
    desk = Desk()
    desk.close(ONE, closing())
    assert constraints.get(desk.ledger, CIVIL, ONE).ovn == desk.constraint(ONE).ovn
    assert constraints.get(desk.ledger, BRAVO, ONE).ovn == NO_OVN
    assert [found.ovn for found in constraints.query(desk.ledger, BRAVO, volume(), desk.now)] == [NO_OVN]


def test_heights_may_be_left_open() -> None:
    desk = Desk()
    desk.close(ONE, closing(volume(heights=(None, None))))
    assert constraints.query(desk.ledger, ALFA, volume(heights=(9_000.0, 9_001.0)), desk.now)


@pytest.mark.parametrize("where", [volume(FAR), volume(heights=(121.0, 130.0)), volume(times=(61, 62))])
def test_a_search_finds_nothing_in_other_cells_heights_or_times(where: UtmVolume) -> None:
    desk = Desk()
    desk.close(ONE, closing())
    assert constraints.query(desk.ledger, ALFA, where, desk.now) == []


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (ConstraintAsked((), "https://civil.example"), "missing_field"),
        (ConstraintAsked((volume(),), "civil.example"), "utm_url"),
        (ConstraintAsked((volume(),), "http://civil.example"), "utm_url_https"),
        (closing(volume(times=(None, 60))), "missing_field"),
        (closing(volume(times=(0, None))), "missing_field"),
        (closing(volume(times=(10, 5))), "times_order"),
        (closing(volume(times=(-10, -5))), "in_the_past"),
        (closing(volume(heights=(5.0, 4.0))), "utm_heights"),
    ],
)
def test_a_request_that_is_not_in_order_is_refused(asked: ConstraintAsked, code: str) -> None:
    desk = Desk()
    for _ in range(2):  # to create it, and to change it
        before = state_of(desk.ledger)
        with pytest.raises(Malformed) as caught:
            desk.close(ONE, asked)
        assert caught.value.code == code
        assert state_of(desk.ledger) == before
        if ONE not in desk.ledger.constraints:
            desk.close(ONE, closing())


def test_too_large_a_search_is_refused_as_the_field_has_it() -> None:
    with pytest.raises(Malformed):
        constraints.query(Desk().ledger, ALFA, volume(radius_m=60_000.0), Desk().now)


def test_whose_it_is_comes_first_and_then_its_version() -> None:
    desk = Desk()
    desk.close(ONE, closing())
    ovn = desk.constraint(ONE).ovn
    with pytest.raises(Stale):
        constraints.create(desk.ledger, CIVIL, ONE, closing(), desk.now, desk.nonce(), STRICT)
    for asker, given, kind in (
        (ALFA, ovn, NotAllowed),
        (ALFA, "x" * 20, NotAllowed),
        (CIVIL, "x" * 20, Stale),
        (CIVIL, "", Malformed),
    ):
        with pytest.raises(kind):
            constraints.update(desk.ledger, asker, ONE, given, closing(), desk.now, desk.nonce(), STRICT)
        with pytest.raises(kind):
            constraints.delete(desk.ledger, asker, ONE, given, desk.now)
    desk.open(ONE)
    with pytest.raises(Malformed):
        constraints.update(desk.ledger, CIVIL, ONE, ovn, closing(), desk.now, desk.nonce(), STRICT)
    with pytest.raises(NotFound):
        constraints.delete(desk.ledger, CIVIL, ONE, ovn, desk.now)


def test_who_asked_to_be_told_of_constraints_there_is_told_and_nobody_else() -> None:
    desk = Desk()
    desk.subscribe(ALFA, OTHER_SUB, watching())
    desk.subscribe(BRAVO_CP, SUB, watching(by=BRAVO, intents=False, constraints=True))
    assert indices(desk.close(ONE, closing())) == {SUB: 1}
    assert indices(desk.close(ONE, closing(volume(FAR)))) == {SUB: 2}
    assert indices(desk.close(ONE, closing(volume(FAR)))) == {}
    assert indices(desk.close(ONE, closing())) == {SUB: 3}
    assert indices(desk.open(ONE)) == {SUB: 4}


def test_an_ended_constraint_is_readable_and_not_searched() -> None:
    desk = Desk()
    desk.close(ONE, closing())
    desk.pass_minutes(60.01)
    assert constraints.get(desk.ledger, ALFA, ONE).id == ONE
    assert constraints.query(desk.ledger, ALFA, volume(times=(None, None)), desk.now) == []

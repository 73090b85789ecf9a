"""What arbitrators say of services."""

from __future__ import annotations

import pytest

from keepclear.errors import Malformed
from keepclear.model.utm import Availability, UtmAvailability
from keepclear.utm import availability
from keepclear.utm.ruling import Down, Stale
from tests.utm.cast import ARBITER, Desk


def test_of_a_service_that_nothing_was_said_of_nothing_is_known() -> None:
    desk = Desk()
    said = availability.get(desk.ledger, "never heard of")
    assert (said.uss, said.state, said.version) == ("never heard of", Availability.UNKNOWN, "")
    assert availability.of_manager(desk.ledger, "never heard of") is Availability.UNKNOWN


def test_what_was_said_last_holds() -> None:
    desk = Desk()
    versions = set()
    for state in (Availability.NORMAL, Availability.DOWN, Availability.DOWN, Availability.UNKNOWN):
        said = desk.say("alfa", state).of
        assert isinstance(said, UtmAvailability)
        assert availability.get(desk.ledger, "alfa") == said
        assert availability.of_manager(desk.ledger, "alfa") is state
        versions.add(said.version)
    assert len(versions) == 4
    assert availability.get(desk.ledger, "bravo").version == ""


def test_only_who_knows_what_was_said_last_says_something_new() -> None:
    desk = Desk()

    def attempt(version: str) -> None:
        availability.set(desk.ledger, ARBITER, "alfa", Availability.DOWN, version, desk.now, desk.nonce())

    with pytest.raises(Stale):
        attempt("1")
    desk.say("alfa", Availability.NORMAL)
    first = availability.get(desk.ledger, "alfa").version
    desk.say("alfa", Availability.NORMAL)
    for version in ("", "1", first):
        with pytest.raises(Stale):
            attempt(version)


@pytest.mark.parametrize("name", ["", "x" * 201])
def test_a_service_has_a_name(name: str) -> None:
    with pytest.raises(Malformed):
        availability.set(Desk().ledger, ARBITER, name, Availability.DOWN, "", Desk().now, "1")


def test_only_a_service_that_is_down_is_held_up() -> None:
    desk = Desk()
    for state in (Availability.UNKNOWN, Availability.NORMAL):
        desk.say("alfa", state)
        availability.check_not_down(desk.ledger, "alfa")
    desk.say("alfa", Availability.DOWN)
    with pytest.raises(Down):
        availability.check_not_down(desk.ledger, "alfa")
    availability.check_not_down(desk.ledger, "bravo")

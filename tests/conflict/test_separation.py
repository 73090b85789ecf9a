"""The table of minima: what needs to keep apart, and what does not."""

from __future__ import annotations

import math
from itertools import combinations_with_replacement
from typing import Any

import pytest

from keepclear.conflict.separation import Minimum, minima, minimum
from keepclear.errors import Malformed
from keepclear.model.plans import PlanKind

FLIGHT, GROUND, SITE = PlanKind.FLIGHT, PlanKind.GROUND_MOVEMENT, PlanKind.PROTECTED_SITE
CLOSURE, OBSERVATION = PlanKind.CLOSURE, PlanKind.OBSERVATION


@pytest.mark.parametrize(("one", "other"), list(combinations_with_replacement(PlanKind, 2)))
def test_it_does_not_matter_who_comes_first(one: PlanKind, other: PlanKind) -> None:
    assert minimum(one, other) == minimum(other, one)


@pytest.mark.parametrize("kind", [FLIGHT, OBSERVATION])
def test_to_be_in_closed_air_at_all_is_the_breach(kind: PlanKind) -> None:
    found = minimum(kind, CLOSURE)
    assert found is not None
    assert (found.horizontal_m, found.vertical_m) == (0.0, 0.0)


@pytest.mark.parametrize(
    ("one", "other"),
    [(OBSERVATION, GROUND), (OBSERVATION, SITE), (CLOSURE, GROUND), (CLOSURE, SITE), (CLOSURE, CLOSURE), (SITE, SITE)],
)
def test_these_need_none(one: PlanKind, other: PlanKind) -> None:
    assert minimum(one, other) is None


def test_every_other_pair_must_keep_apart_on_the_ground() -> None:
    pairs = [(FLIGHT, FLIGHT), (FLIGHT, OBSERVATION), (OBSERVATION, OBSERVATION)]
    pairs += [(FLIGHT, GROUND), (FLIGHT, SITE), (GROUND, GROUND), (GROUND, SITE)]
    for one, other in pairs:
        found = minimum(one, other)
        assert found is not None
        assert found.horizontal_m > 0.0
        assert found.vertical_m > 0.0


NEAR = Minimum(500.0, 50.0)


def test_minima_that_are_given_take_the_place_of_those_in_the_table() -> None:
    asked = minima({frozenset({FLIGHT}): NEAR, frozenset({FLIGHT, GROUND}): None})
    table = minima()
    assert (asked.across[0], asked.height[0]) == (500.0, 50.0)
    told = ([None if math.isnan(each) else each for each in one.across] for one in (asked, table))
    # Flight and flight; flight and ground movement, in either order.
    assert sum(one != other for one, other in zip(*told, strict=True)) == 3


@pytest.mark.parametrize(
    "asked",
    [
        (9260.0, 300.0),
        9260.0,
        {(FLIGHT, FLIGHT): NEAR},
        {FLIGHT: NEAR},
        {frozenset({FLIGHT, "plane"}): NEAR},
        {frozenset({FLIGHT, GROUND, SITE}): NEAR},
        {frozenset({FLIGHT}): (500.0, 50.0)},
    ],
)
def test_minima_that_would_be_passed_over_are_refused(asked: Any) -> None:
    with pytest.raises(Malformed) as refusal:
        minima(asked)
    assert (refusal.value.field, refusal.value.code) == ("separation", "not_minima")

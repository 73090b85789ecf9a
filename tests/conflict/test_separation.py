"""The table of minima: what needs to keep apart, and what does not."""

from __future__ import annotations

from itertools import combinations_with_replacement

import pytest

from keepclear.conflict.separation import minimum
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

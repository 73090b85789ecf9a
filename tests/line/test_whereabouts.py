"""Which groups may have come near which: the glance rejects those far apart, and never two that met."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.line.movement import histories_of, pairs_of
from keepclear.line.state import GroupKey
from keepclear.line.timings import ENCOUNTER_GAP_S, ENCOUNTER_NEAR_M
from keepclear.line.whereabouts import Whereabouts
from keepclear.model import acts as a
from keepclear.model.groups import AssetKind, Group, Member
from keepclear.watch.encounter import encounters
from tests.line.cast import DESK, Node, World, at, name, track
from tests.watch.reports import PLACES, spot

Spots = list[tuple[float, float, float]]
"""Minutes, metres east and north of a place."""


def node_with(place: tuple[float, float], *ways: Spots) -> tuple[Node, list[GroupKey]]:
    """A node that was told of groups of one vehicle, and where each was."""
    node = World()["russia"]
    node.now = at(600)
    for number, spots in enumerate(ways):
        members = (Member(asset=f"x-{number}", kind=AssetKind.BUS),)
        node.say("russia", a.DeclareGroup(group=Group(id=f"g-{number}", name=name("g"), members=members)), DESK)
        if spots:
            fixes = [(minute, *spot(place, east, north)) for minute, east, north in spots]
            node.say("russia", a.Positions(tracks=(track(f"x-{number}", AssetKind.BUS, *fixes),)), DESK)
    return node, [("russia", f"g-{number}") for number in range(len(ways))]


@pytest.mark.parametrize("place", PLACES)
def test_groups_far_apart_are_passed_over_and_near_ones_are_not(place: tuple[float, float]) -> None:
    stands: Spots = [(0, 0, 0), (10, 0, 0)]
    near: Spots = [(0, 4_900, 0), (10, 4_950, 0)]
    far: Spots = [(0, 0, 9_000), (10, 0, 9_500)]
    node, (one, two, three, four) = node_with(place, stands, near, far, [])
    seen = Whereabouts.since(node.state, at(0))
    assert seen.near(one) == {two}
    assert seen.near(two) == {one}
    assert seen.near(three) == seen.near(four) == set()
    assert list(pairs_of(node.state, one, seen)) == ["russia/g-0|russia/g-1"]


@pytest.mark.parametrize("place", PLACES)
def test_who_went_by_between_two_reports_is_not_passed_over(place: tuple[float, float]) -> None:
    """Both of its reports are 200 km away, and so is the chord between them from the ground: 3 km."""
    node, (one, two) = node_with(place, [(0, 0, 0), (60, 0, 0)], [(0, -200_000, 0), (60, 200_000, 0)])
    assert Whereabouts.since(node.state, at(0)).near(one) == {two}


def test_where_a_group_was_before_the_time_looked_at_plays_no_part() -> None:
    node, (one, two) = node_with(PLACES[0], [(0, 0, 0), (500, 0, 0)], [(0, 100, 0), (100, 90_000, 0), (500, 90_000, 0)])
    assert Whereabouts.since(node.state, at(161)).near(one) == set()  # an hour before it, and the report before that
    assert Whereabouts.since(node.state, at(159)).near(one) == {two}


JOURNEYS = st.lists(
    st.tuples(st.integers(1, 70), st.integers(-40, 40), st.integers(-40, 40)), min_size=1, max_size=5
).map(lambda steps: [(sum(s[0] for s in steps[: k + 1]), 1e3 * e, 1e3 * n) for k, (_, e, n) in enumerate(steps)])


@given(JOURNEYS, JOURNEYS, st.integers(0, 300), st.sampled_from(PLACES))
def test_no_two_that_met_are_passed_over(one: Spots, other: Spots, news: int, place: tuple[float, float]) -> None:
    node, (a_key, b_key) = node_with(place, one, other)
    start = at(news) - timedelta(seconds=ENCOUNTER_GAP_S)
    ours, theirs = (histories_of(node.state, node.state.groups[key][-1].group) for key in (a_key, b_key))
    if encounters(ours, theirs, ENCOUNTER_NEAR_M, ENCOUNTER_GAP_S, since=start):
        assert b_key in Whereabouts.since(node.state, at(news)).near(a_key)

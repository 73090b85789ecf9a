"""Naming a position: from what the parties here have named; another's word only where there is none, and marked so."""

from __future__ import annotations

import pytest

from keepclear.errors import Malformed
from keepclear.line.state import State
from keepclear.model.base import Name
from keepclear.model.parties import NodeCard, PartyCard
from keepclear.model.places import Place, Position
from keepclear.server.local import place_names

LAT, LON = 34.8853, 38.8711


def a_place(name: str, lat: float, lon: float) -> Place:
    return Place(id=name, name=Name(en=name, ar="مكان"), position=Position(lat_deg=lat, lon_deg=lon, uncertainty_m=1.0))


def state(party: str | None = None) -> State:
    """A node that hosts north and west; south is elsewhere."""
    held = State("north.node", party)
    cards = {
        each: PartyCard(id=each, name=Name(en=each.title(), ar="طرف"), key=f"{each}+0")
        for each in ("north", "west", "south")
    }
    held.parties = dict(cards)
    held.nodes["north.node"] = NodeCard(
        id="north.node", key="north.node+0", address="http://127.0.0.1:1", parties=(cards["north"], cards["west"])
    )
    held.home = {"north": "north.node", "west": "north.node", "south": "south.node"}
    return held


def test_anothers_place_is_never_nearest_while_there_is_one_of_our_own() -> None:
    held = state()
    held.places = {"far": {"north": a_place("far", LAT + 1, LON)}, "here": {"south": a_place("here", LAT, LON)}}
    named = place_names(held, LAT, LON)
    assert (named.nearest.en, named.described) == ("far", None)
    assert named.distance_m > 100_000


def test_a_place_another_calls_by_our_id_does_not_replace_ours() -> None:
    held = state()
    held.places = {"far": {"north": a_place("far", LAT + 1, LON), "south": a_place("far", LAT, LON)}}
    assert place_names(held, LAT, LON).distance_m > 100_000


def test_where_there_is_none_of_our_own_it_is_said_whose_it_is() -> None:
    held = state()
    held.places = {"here": {"south": a_place("here", LAT, LON)}}
    named = place_names(held, LAT, LON)
    assert named.nearest.en == "here"
    assert named.described is not None
    assert "South" in named.described
    assert "طرف" in named.described


def test_a_party_that_asks_for_itself_has_its_own_places_first() -> None:
    held = state("west")
    held.places = {"far": {"west": a_place("far", LAT + 1, LON)}, "here": {"north": a_place("here", LAT, LON)}}
    assert place_names(held, LAT, LON).nearest.en == "far"


def test_without_any_place_it_cannot_be_named() -> None:
    with pytest.raises(Malformed):
        place_names(state(), LAT, LON)

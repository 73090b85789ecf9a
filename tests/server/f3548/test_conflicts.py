"""Which of what the DSS names by its cells really is in the way: for any service that asks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.server.f3548.surface import CM, CONSTRAINTS, CP, HOME, INTENTS, ONE, SC, TWO, Dss, uuid, with_dss

CONFLICTS = "/keepclear/v1/conflicts/query"
THREE = uuid(3)
BESIDE = (HOME[0] + 0.004, HOME[1])
"""440 m away: often in the same cell, but not within two circles of 100 m."""


async def crowd(dss: Dss) -> None:
    """One intent at home, one beside it, and a constraint at home but above."""
    near = await dss.ask("PUT", f"{INTENTS}/{ONE}", dss.intent(dss.volume(radius_m=100.0)))
    key = [near.must(201)["operational_intent_reference"]["ovn"]]
    other = dss.intent(dss.volume(BESIDE, radius_m=100.0), by="bravo", key=key)
    (await dss.ask("PUT", f"{INTENTS}/{TWO}", other, by="bravo")).must(201)
    closed = dss.constraint(dss.volume(radius_m=100.0, heights=(100.0, 400.0)))
    (await dss.ask("PUT", f"{CONSTRAINTS}/{THREE}", closed, by="civil")).must(201)


def ids(found: Any) -> list[str]:
    return [each["id"] for each in found]


def test_what_really_meets_is_told_apart_from_what_only_shares_a_cell(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        await crowd(dss)
        asked = {"extents": [dss.volume(radius_m=150.0)]}
        found = (await dss.ask("POST", CONFLICTS, asked, by="carol")).must(200)
        assert ids(found["operational_intent_references"]) == [ONE]
        assert ids(found["constraint_references"]) == [THREE]
        assert (found["false_alarms"], found["undecided"]) == ([TWO], [])
        assert "ovn" not in found["operational_intent_references"][0], "an OVN is its manager's to give"
        low = {"extents": [dss.volume(radius_m=150.0, heights=(0.0, 50.0))]}
        assert (await dss.ask("POST", CONFLICTS, low, by="carol")).must(200)["constraint_references"] == []

    with_dss(tmp_path, work)


def test_nobody_is_in_its_own_way_and_constraints_are_for_those_who_may_see_them(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        await crowd(dss)
        asked = {"extents": [dss.volume(radius_m=150.0)], "entityid": ONE.upper()}
        found = (await dss.ask("POST", CONFLICTS, asked, scopes=SC)).must(200)
        assert (found["operational_intent_references"], found["constraint_references"]) == ([], [])
        assert found["false_alarms"] == [TWO]
        both = (await dss.ask("POST", CONFLICTS, asked, scopes=f"{SC} {CP}")).must(200)
        assert ids(both["constraint_references"]) == [THREE]

    with_dss(tmp_path, work)


@pytest.mark.parametrize("scopes", ["", CM, CP])
def test_it_is_for_services_that_coordinate(tmp_path: Path, scopes: str) -> None:
    async def work(dss: Dss) -> None:
        (await dss.ask("POST", CONFLICTS, {"extents": [dss.volume()]}, scopes=scopes)).refused(403, "authorization")

    with_dss(tmp_path, work)


def test_what_is_asked_keeps_to_the_limits_of_an_intent_and_changes_nothing(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        before = dss.node.size
        (await dss.ask("POST", CONFLICTS, {})).refused(400, "extents")
        (await dss.ask("POST", CONFLICTS, {"extents": []})).refused(400, "extents")
        upside_down = dss.volume(heights=(100.0, 50.0))
        reply = await dss.ask("POST", CONFLICTS, {"extents": [upside_down]})
        assert (reply.status, reply["field"][:10]) == (400, "extents[0]")
        (await dss.ask("POST", CONFLICTS, {"extents": [dss.volume()], "entityid": "x"})).refused(400, "entityid")
        assert dss.node.size == before

    with_dss(tmp_path, work)

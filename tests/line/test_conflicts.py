"""Plans against plans in force: one finding for each pair, that ends when a plan is corrected, cancelled or over."""

from __future__ import annotations

import math
import random
from datetime import timedelta

import msgspec
import pytest
from msgspec.structs import force_setattr

from keepclear.conflict.detect import conflicts as one_by_one
from keepclear.conflict.separation import minimum
from keepclear.errors import Malformed
from keepclear.line.sound import MOST_EDGES, check_sound
from keepclear.model import acts as a
from keepclear.model.findings import Finding, FindingKind
from keepclear.model.places import LatLon
from keepclear.model.plans import Plan, Trajectory, Waypoint
from keepclear.model.volumes import Polygon, Volume
from tests.line.cast import DESK, World, at, movement, notice, words


@pytest.fixture
def world() -> World:
    return World()


def conflicts(world: World, who: str = "coalition") -> list[Finding]:
    return world[who].findings(FindingKind.CONFLICT)


def announce(world: World, author: str, plan: Plan) -> str:
    sent = world.tell(author, notice(to=("coalition",) if author != "coalition" else ("russia",), plan=plan), DESK)
    world.settle()
    return sent.id


def test_two_plans_for_one_road_at_one_time_are_in_conflict_for_everybody_who_knows_both(world: World) -> None:
    first = announce(world, "convoy", movement("one"))
    assert conflicts(world) == []
    announce(world, "russia", movement("two", east=0.01))
    for who in ("coalition", "russia", "convoy"):
        (found,) = conflicts(world, who)
        assert (set(found.subjects), found.until, found.since) == ({"one", "two"}, None, at(60))
        assert isinstance(found.values["margin_m"], float)
        assert found.values["margin_m"] < 0
        assert found.values["reason"] == "ways_near"
    world.tell("convoy", a.Cancel(re=first, reason=words()), DESK)
    world.settle()
    assert conflicts(world)[0].until is not None


def test_plans_far_apart_in_place_or_time_are_not(world: World) -> None:
    announce(world, "convoy", movement("one"))
    announce(world, "russia", movement("two", east=2.0))
    assert conflicts(world) == []


def test_a_correction_makes_and_ends_conflicts(world: World) -> None:
    announce(world, "convoy", movement("one"))
    second = announce(world, "russia", movement("two", east=2.0))
    world.set(at(1))
    world.tell("russia", a.Correction(re=second, plan=movement("two"), reason=words()), DESK)
    world.settle()
    assert [each.until for each in conflicts(world)] == [None]
    world.set(at(2))
    world.tell("russia", a.Correction(re=second, plan=movement("two", east=2.0), reason=words()), DESK)
    world.settle()
    assert [each.until is None for each in conflicts(world)] == [False]


def test_it_is_over_when_the_breach_is(world: World) -> None:
    announce(world, "convoy", movement("one"))
    announce(world, "russia", movement("two"))
    world.pass_time(at(241))
    assert conflicts(world)[0].until is not None


def test_plans_of_one_group_or_under_one_id_are_one_matter(world: World) -> None:
    announce(world, "russia", movement("one", group="buses"))
    announce(world, "russia", movement("two", group="buses"))
    world.tell("russia", notice(to=("coalition",), plan=movement("two", group="buses")))
    world.settle()
    assert conflicts(world) == []


def test_no_conflict_is_hidden_by_naming_anothers_group_or_asset(world: World) -> None:
    announce(world, "convoy", movement("one", group="buses"))
    announce(world, "russia", movement("two", group="buses"))
    world.settle()
    assert [set(each.subjects) for each in conflicts(world)] == [{"one", "two"}]
    announce(world, "ground", msgspec.structs.replace(movement("three"), assets=("bus-1",)))
    announce(world, "coalition", msgspec.structs.replace(movement("four"), assets=("bus-1",)))
    world.settle()
    assert {"three", "four"} in [set(each.subjects) for each in conflicts(world)]


def test_an_exercise_conflicts_with_nothing(world: World) -> None:
    announce(world, "convoy", movement("one"))
    world.tell("russia", notice(to=("coalition",), plan=movement("two")), DESK, exercise=True)
    world.settle()
    assert conflicts(world) == []


@pytest.mark.parametrize("seed", range(3))
def test_a_new_plan_is_held_against_every_other_as_if_one_by_one(world: World, seed: int) -> None:
    """The live set finds what going through all pairs of plans, on values, would find."""
    chance = random.Random(seed)
    plans = []
    for number in range(14):
        author = chance.choice(["convoy", "russia"])
        plan = movement(f"{author}-{number}", east=chance.uniform(0.0, 0.25))
        plans.append((author, plan))
        announce(world, author, plan)
    expected = {
        frozenset((one.id, other.id))
        for k, (author, one) in enumerate(plans)
        for other_author, other in plans[:k]
        if one_by_one(one, other, minimum(one.kind, other.kind)) and not (author == other_author and shares(one, other))
    }
    assert {frozenset(found.subjects) for found in conflicts(world)} == expected
    assert 0 < len(expected) < len(plans) * (len(plans) - 1) / 2


def shares(one: Plan, other: Plan) -> bool:
    return (one.group is not None and one.group == other.group) or bool(set(one.assets) & set(other.assets))


def test_what_the_engine_would_refuse_is_refused_before_it_is_recorded(world: World) -> None:
    plan = movement("one")
    assert plan.trajectory is not None
    first, second, *rest = plan.trajectory.waypoints
    same_moment = msgspec.structs.replace(second, at=first.at)
    way = msgspec.structs.replace(plan.trajectory)
    force_setattr(way, "waypoints", (first, same_moment, *rest))  # past the checks of the value itself
    with pytest.raises(Malformed) as refused:
        check_sound(notice(plan=msgspec.structs.replace(plan, trajectory=way)))
    assert refused.value.field.startswith("act.plan.points[1]")
    check_sound(notice(plan=plan))


def test_outlines_that_would_hold_up_the_engine_are_refused_before_they_are_recorded() -> None:
    def star(corners: int, far_deg: float) -> Volume:
        angles = [2.0 * math.pi * k / corners for k in range(corners)]
        reach = [far_deg if k % 2 else 0.1 * far_deg for k in range(corners)]
        points = [(35.0 + r * math.sin(a), 40.0 + r * math.cos(a)) for r, a in zip(reach, angles, strict=True)]
        area = Polygon(vertices=tuple(LatLon(lat_deg=lat, lon_deg=lon) for lat, lon in points))
        return Volume(area=area, band=plan.band, window=plan.window)

    plan = movement("one")

    def fault(volume: Volume, times: int) -> Malformed:
        with pytest.raises(Malformed) as refused:
            check_sound(notice(plan=msgspec.structs.replace(plan, volumes=(volume,) * times)))
        return refused.value

    plan = movement("one")
    small, wide = star(1000, 0.01), star(400, 3.0)
    check_sound(notice(plan=msgspec.structs.replace(plan, volumes=(small,) * 10)))
    for refused in (fault(small, 11), fault(wide, 1)):
        assert (refused.field, refused.code, refused.values["most"]) == ("act.plan.volumes", "more_than", MOST_EDGES)


def test_a_way_too_vague_in_time_is_refused_and_one_that_says_less_is_not(world: World) -> None:
    plan = movement("one")
    assert plan.trajectory is not None
    first, *_, last = plan.trajectory.waypoints
    whole_s = (last.at - first.at).total_seconds()

    def drawn(points: int, late_s: float) -> Plan:
        shares = [k / (points - 1) for k in range(points)]
        waypoints = tuple(
            Waypoint(
                at=first.at + timedelta(seconds=share * whole_s),
                lat_deg=first.lat_deg,
                lon_deg=first.lon_deg + share * (last.lon_deg - first.lon_deg),
            )
            for share in shares
        )
        return msgspec.structs.replace(plan, trajectory=Trajectory(waypoints=waypoints, buffer_m=0.0, late_s=late_s))

    check_sound(notice(plan=drawn(1000, 0.0)))
    check_sound(notice(plan=drawn(1000, whole_s * 99.0 / 999.0 - 1.0)))
    check_sound(notice(plan=drawn(100, 86_400.0)))
    for points, late_s in ((101, 86_400.0), (1000, whole_s * 100.0 / 999.0 + 1.0)):
        with pytest.raises(Malformed) as refused:
            check_sound(notice(plan=drawn(points, late_s)))
        assert (refused.value.code, refused.value.field) == ("too_vague", "act.plan.trajectory.waypoints")

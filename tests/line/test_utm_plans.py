"""What UTM services plan, said on a line: once, of what concerns the line, and no more than is known."""

from __future__ import annotations

import math
from datetime import timedelta

import pytest
from msgspec.structs import replace

from keepclear.geometry.earth import distance_m
from keepclear.line.utm_plans import AT_MOST_EVERY, sourced
from keepclear.model import acts as a
from keepclear.model.plans import Plan, PlanKind
from keepclear.model.utm import EntityKind, IntentState, UtmPoint, UtmVolume
from keepclear.model.volumes import Circle, Polygon
from tests.line.cast import STALL, World, at
from tests.line.services import AWAY, ELSEWHERE, ID, INTENT, TERMS, Services, circle


@pytest.fixture
def world() -> World:
    world = World()
    world.settle()
    return world


@pytest.fixture
def services(world: World) -> Services:
    return Services(world)


def plan_of(act: a.Act) -> Plan:
    assert isinstance(act, a.Notice | a.Correction)
    return act.plan


def later(services: Services, minutes: float = 1) -> None:
    services.pass_to(services.node.now + timedelta(minutes=minutes))


def test_an_intent_is_a_flight_claimed_by_its_service_and_said_once(services: Services, world: World) -> None:
    change = services.intent(circle(radius_m=300.0))
    act = services.say()
    assert isinstance(act, a.Notice)
    assert act.to == ("russia",)
    plan = act.plan
    assert (plan.id, plan.kind, plan.assets) == (INTENT, PlanKind.FLIGHT, ())
    assert (plan.window, plan.band) == (plan.volumes[0].window, plan.volumes[0].band)
    (volume,) = plan.volumes
    assert volume.area == Circle(centre=TERMS.area.centre, radius_m=300.0)
    assert plan.basis.sources == ("uss:alfa", "volumes:reference", f"change:{change.id}")
    assert plan.basis.note is not None
    assert "alfa" in plan.basis.note.en
    assert "alfa" in plan.basis.note.ar
    (held,) = world["russia"].state.plans.values()
    assert held.plan == plan
    assert services.owed().said is None


def test_a_change_is_a_correction_and_the_end_takes_it_back(services: Services) -> None:
    services.intent()
    services.say()
    later(services)
    services.intent(circle(AWAY))
    act = services.say()
    assert isinstance(act, a.Correction)
    assert "Its service has changed it" in act.reason.text
    end = services.end()
    said = services.owed().said
    assert said is not None
    assert sourced(said.basis, "change") == end.id
    assert isinstance(services.say(), a.Cancel)
    later(services)
    services.intent()
    assert isinstance(services.say(), a.Notice), "what comes again under its id is told anew"


def test_what_is_the_same_where_and_when_is_not_said_again(services: Services) -> None:
    services.intent()
    services.say()
    later(services)
    services.intent(state=IntentState.ACTIVATED)
    assert services.owed().said is None
    services.intent(state=IntentState.NONCONFORMING)
    act = services.say()
    assert plan_of(act).name.en.endswith("outside its plan")
    assert sourced(plan_of(act).basis, "state") == "Nonconforming"


def test_details_stand_where_they_are_known_and_stay_known(services: Services) -> None:
    services.intent(circle(radius_m=5_000.0))
    services.say()
    later(services)
    exact = (circle(radius_m=100.0), circle(radius_m=200.0, minutes=(100, 110)))
    act = services.say(details=exact)
    assert isinstance(act, a.Correction)
    assert "More is known" in act.reason.text
    assert sourced(act.plan.basis, "volumes") == "details"
    assert len(act.plan.volumes) == 2
    later(services)
    assert services.owed(details=None).said is None, "forgotten here, and still on the line"
    services.intent(circle(radius_m=6_000.0))
    assert sourced(plan_of(services.say()).basis, "volumes") == "reference", "of the new version nothing is known"


def test_only_what_is_in_the_area_and_begins_soon_is_said(services: Services) -> None:
    services.intent(circle(ELSEWHERE))
    assert services.owed().said is None
    assert services.owed(requested=True).said is not None
    day = 24 * 60
    services.intent(circle(minutes=(day + 30, day + 60)))
    found = services.owed()
    assert (found.said, found.again_at) == (None, at(30))
    services.pass_to(at(31))
    assert isinstance(services.say(), a.Notice)
    services.intent(circle(ELSEWHERE, minutes=(day + 30, day + 60)))
    later(services)
    act = services.say()
    assert isinstance(act, a.Cancel)
    assert "no longer in the area" in act.reason.text


def test_what_is_over_is_not_said_and_needs_no_end(services: Services) -> None:
    services.intent(circle(minutes=(0, 10)))
    services.say()
    services.pass_to(at(10))
    assert services.owed().said is None
    services.end()
    assert services.owed().said is None


def test_a_service_that_changes_its_mind_faster_than_the_line_reads_waits(services: Services) -> None:
    services.intent()
    services.say()
    services.intent(circle(AWAY))
    found = services.owed()
    assert (found.said, found.again_at) == (None, services.node.now + AT_MOST_EVERY)
    services.pass_to(services.node.now + AT_MOST_EVERY)
    assert isinstance(services.say(), a.Correction)


def test_the_same_words_after_other_words_are_said_under_another_draft(services: Services) -> None:
    services.intent()
    drafts = []
    for where in (STALL, AWAY, STALL, AWAY):
        services.intent(circle(where))
        said = services.owed().said
        assert said is not None
        drafts.append(said.draft)
        services.say()
        later(services)
    assert len(set(drafts)) == 4


def test_a_constraint_is_a_closure_and_those_of_this_node_are_not_told_back(services: Services) -> None:
    plan = f"constraint.{ID}"
    services.constraint()
    assert plan_of(services.say(plan)).kind is PlanKind.CLOSURE
    services.end(kind=EntityKind.CONSTRAINT)
    assert isinstance(services.say(plan), a.Cancel)
    later(services)
    services.constraint(manager=TERMS.manager)
    assert services.owed(plan).said is None


def test_only_so_many_are_in_force_but_what_a_request_concerns_is_always_said(
    services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("keepclear.line.utm_plans.MOST_PLANS", 1)
    services.intent()
    services.say()
    other = "00000000-0000-4000-8000-000000000002"
    services.intent(id=other)
    found = services.owed(f"intent.{other}")
    assert found.said is None
    assert found.again_at is not None
    assert services.owed(f"intent.{other}", requested=True).said is not None


# ── what the line cannot hold ──


def ring(count: int, radius_deg: float = 0.01) -> tuple[UtmPoint, ...]:
    return tuple(
        UtmPoint(
            lat_deg=STALL[0] + radius_deg * math.sin(2 * math.pi * n / count),
            lng_deg=STALL[1] + radius_deg * math.cos(2 * math.pi * n / count),
        )
        for n in range(count)
    )


def shaped(*points: UtmPoint) -> UtmVolume:
    return replace(circle(), circle=None, polygon=points)


def contains(plan: Plan, volumes: tuple[UtmVolume, ...]) -> bool:
    """Whether every vertex of the volumes lies in the circle of the same number, or in the only one."""
    for number, volume in enumerate(volumes):
        around = plan.volumes[min(number, len(plan.volumes) - 1)]
        if not isinstance(around.area, Circle):
            return False
        points = volume.polygon or ((volume.circle.centre,) if volume.circle else ())
        reach = volume.circle.radius_m if volume.circle else 0.0
        centre = around.area.centre
        for point in points:
            away = distance_m(centre.lat_deg, centre.lon_deg, point.lat_deg, point.lng_deg)
            if away + reach > around.area.radius_m:
                return False
        if not (around.window.starts_at <= at(30) and at(200) <= around.window.ends_at):
            return False
    return True


@pytest.mark.parametrize(
    "volumes",
    [
        (shaped(*ring(1_001)),),
        tuple(circle((STALL[0] + n * 1e-4, STALL[1])) for n in range(51)),
        tuple(shaped(*ring(400, 0.001 * (n + 1))) for n in range(20)),
        (shaped(*ring(5)[::2], *ring(5)[1::2]),),
    ],
    ids=["vertices", "volumes", "bytes", "crosses itself"],
)
def test_what_a_line_cannot_hold_is_drawn_around_and_said_to_be(
    services: Services, volumes: tuple[UtmVolume, ...]
) -> None:
    services.intent()
    act = services.say(details=volumes)
    plan = plan_of(act)
    assert sourced(plan.basis, "volumes") == "outline"
    assert plan.basis.note is not None
    assert "an outline around it" in plan.basis.note.en
    assert contains(plan, volumes)


def test_an_outline_that_fits_is_said_as_it_is(services: Services) -> None:
    services.intent(shaped(*ring(1_000)))
    plan = plan_of(services.say())
    assert isinstance(plan.volumes[0].area, Polygon)
    assert len(plan.volumes[0].area.vertices) == 1_000
    assert sourced(plan.basis, "volumes") == "reference"


@pytest.mark.parametrize(
    ("heights", "band"),
    [
        ((-600.0, 50_000.0), (-500.0, 40_000.0)),
        ((41_000.0, 42_000.0), (40_000.0, 40_000.0)),
        ((None, 10.0), (-500.0, 10.0)),
    ],
)
def test_heights_end_where_those_of_the_line_end(
    services: Services, heights: tuple[float | None, float], band: tuple[float, float]
) -> None:
    services.intent(circle(heights=heights))
    plan = plan_of(services.say())
    assert (plan.band.lower_wgs84_m, plan.band.upper_wgs84_m) == band
    assert sourced(plan.basis, "volumes") == ("reference" if heights[0] is None else "outline")


def test_what_no_circle_holds_may_be_anywhere_in_the_area(services: Services) -> None:
    services.intent()
    far = shaped(
        UtmPoint(lat_deg=STALL[0], lng_deg=STALL[1]),
        UtmPoint(lat_deg=STALL[0] + 10, lng_deg=STALL[1]),
        *(UtmPoint(lat_deg=STALL[0] + 9 - n * 1e-3, lng_deg=STALL[1] + 1) for n in range(1_000)),
    )
    plan = plan_of(services.say(details=(far,)))
    assert plan.volumes[0].area == TERMS.area
    assert sourced(plan.basis, "volumes") == "outline"


def test_the_name_of_a_service_cannot_hide_anything(services: Services) -> None:
    services.intent(manager="al\u3164fa\u202e" + "x" * 190)
    plan = plan_of(services.say())
    assert sourced(plan.basis, "uss") == "al?fa?" + "x" * 54


def test_nothing_said_permits_anything(services: Services) -> None:
    services.intent()
    plan = plan_of(services.say())
    assert plan.basis.note is not None
    text = f"{plan.name.en} {plan.basis.note.en}".lower()
    assert not any(word in text for word in ("approved", "cleared", "safe", "granted"))

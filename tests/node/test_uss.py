"""The planner: what it plans over, what bars it, and that nothing a peer tells is believed unchecked."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from datetime import timedelta
from typing import Any

import pytest
from msgspec.structs import replace

from keepclear.errors import NotNow
from keepclear.model.utm import IntentState, UtmIntent, UtmPoint, UtmVolume, Way
from keepclear.node.clock import HandClock
from keepclear.node.uss import Outcome, Planned
from keepclear.store import MemoryStore
from keepclear.utm.flights import Condition, FlightAsked, Usage
from tests.node.skies import OWN, Service, Sky, flight, full, sky, telling
from tests.utm.cast import ALFA, ALFA_CM, BRAVO, FAR, T0, uuid, volume

FLIGHT, SECOND = uuid(100), uuid(101)
IN_USE = Usage.IN_USE
NEAR = (34.55, 69.2075)
"""Some 690 m from where flights are: in a cell with them, and not in their way at 300 m."""


def alone(work: Callable[[Sky, HandClock], Coroutine[Any, Any, None]]) -> None:
    """On a node whose DSS nobody else writes to."""

    async def played() -> None:
        clock = HandClock(T0)
        here = await sky(MemoryStore(), clock)
        try:
            await work(here, clock)
        finally:
            await here.stop()

    asyncio.run(played())


def beside(
    work: Callable[[Sky, Service, UtmIntent], Coroutine[Any, Any, None]],
    *,
    state: IntentState = IntentState.ACCEPTED,
    at: tuple[float, float] = NEAR,
) -> None:
    """Beside one intent of a service on loopback, which tells its details truly until the test says otherwise."""

    async def played() -> None:
        async with Service() as alfa:
            here = await sky(MemoryStore(), HandClock(T0), alfa)
            alfa.answers = telling(lambda id: full(here.node.state.utm.intents[id]))
            try:
                intent = await here.put(1, ALFA, alfa.url(), volume(at))
                if state is not IntentState.ACCEPTED:
                    by = ALFA if state is IntentState.ACTIVATED else ALFA_CM
                    intent = await here.put(1, by, alfa.url(), volume(at), state=state)
                await work(here, alfa, intent)
            finally:
                await here.stop()

    asyncio.run(played())


def rejected(planned: Planned, code: str, state: IntentState | None = None) -> None:
    assert planned.outcome is Outcome.REJECTED
    assert planned.state is state
    assert planned.why is not None
    assert planned.why.code == code


# ── a flight's life ──


def test_a_flight_is_planned_flown_and_ended_with_its_details_in_the_same_changes() -> None:
    async def work(here: Sky, clock: HandClock) -> None:
        planned = await here.uss.plan("desk", FLIGHT, flight(priority=5))
        assert (planned.outcome, planned.state, planned.advisories) == (Outcome.COMPLETED, IntentState.ACCEPTED, 0)
        ledger = here.node.state.utm
        intent, details = ledger.intents[FLIGHT], ledger.flights[FLIGHT]
        assert (intent.manager, intent.version, details.priority, details.client) == (OWN, 1, 5, "desk")
        assert intent.subscription in ledger.subscriptions
        subscription = intent.subscription
        assert ledger.history[FLIGHT] == [ledger.history[FLIGHT][0]] * 2
        for asked, state in (
            (flight(usage=IN_USE), IntentState.ACTIVATED),
            (flight(volume(NEAR), usage=IN_USE, condition=Condition.OFF_NOMINAL), IntentState.NONCONFORMING),
            (flight(volume(NEAR), usage=IN_USE, condition=Condition.CONTINGENT), IntentState.CONTINGENT),
        ):
            assert (await here.uss.plan("desk", FLIGHT, asked)).state is state
            assert ledger.intents[FLIGHT].subscription == subscription
            if state is IntentState.NONCONFORMING:
                kept = ledger.flights[FLIGHT]
                assert (kept.volumes, kept.off_nominal_volumes) == ((volume(),), (volume(NEAR),))
        assert ledger.flights[FLIGHT].volumes == ()
        ended = await here.uss.end("desk", FLIGHT)
        assert ended == Planned(Outcome.COMPLETED, None)
        assert (ledger.intents, ledger.flights, ledger.subscriptions) == ({}, {}, {})

    alone(work)


def test_a_flight_in_use_at_once_is_accepted_first() -> None:
    async def work(here: Sky, clock: HandClock) -> None:
        assert (await here.uss.plan("desk", FLIGHT, flight(usage=IN_USE))).state is IntentState.ACTIVATED
        assert here.node.state.utm.intents[FLIGHT].version == 2

    alone(work)


DAY = 24 * 60.0


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        (flight(volume(times=(30 * DAY + 1, 30 * DAY + 60))), "utm_too_far_ahead"),
        (flight(volume(times=(-60, -0.1))), "in_the_past"),
        (flight(volume(times=(0, None))), "missing_field"),
        (flight(volume(heights=(None, 120.0))), "missing_field"),
        (flight(volume(times=(60, 30))), "times_order"),
        (FlightAsked((), Usage.PLANNED), "missing_field"),
        (flight(volume(times=(1, 30)), usage=IN_USE), "utm_plan_not_in_use"),
        (flight(usage=IN_USE, condition=Condition.CONTINGENT), "utm_plan_state"),
        (flight(condition=Condition.OFF_NOMINAL), "utm_plan_state"),
        (flight(*[volume(radius_m=float(number)) for number in range(1, 10_002)]), "utm_vertices_most"),
    ],
)
def test_what_cannot_be_planned_is_refused_and_leaves_nothing(asked: Any, code: str) -> None:
    async def work(here: Sky, clock: HandClock) -> None:
        rejected(await here.uss.plan("desk", FLIGHT, asked), code)
        assert here.node.state.utm.number == 0

    alone(work)


def test_thirty_days_ahead_is_not_too_far_and_a_clock_five_seconds_ahead_may_activate() -> None:
    async def work(here: Sky, clock: HandClock) -> None:
        planned = await here.uss.plan("desk", FLIGHT, flight(volume(times=(30 * DAY, 30 * DAY + 60))))
        assert planned.outcome is Outcome.COMPLETED
        activated = await here.uss.plan("desk", SECOND, flight(volume(FAR, times=(4 / 60, 60)), usage=IN_USE))
        assert activated.state is IntentState.ACTIVATED

    alone(work)


@pytest.mark.parametrize(
    ("first", "then"),
    [
        (flight(usage=IN_USE), flight()),
        (flight(usage=IN_USE, condition=Condition.CONTINGENT), flight(usage=IN_USE)),
    ],
)
def test_a_state_does_not_go_back(first: Any, then: Any) -> None:
    async def work(here: Sky, clock: HandClock) -> None:
        await here.uss.plan("desk", FLIGHT, flight())
        state = (await here.uss.plan("desk", FLIGHT, first)).state
        rejected(await here.uss.plan("desk", FLIGHT, then), "utm_plan_state", state)

    alone(work)


def test_a_flight_is_its_clients_alone_and_an_id_in_the_dss_is_not_taken_over() -> None:
    async def work(here: Sky, clock: HandClock) -> None:
        await here.uss.plan("desk", FLIGHT, flight())
        for attempt in (here.uss.plan("other", FLIGHT, flight()), here.uss.end("other", FLIGHT)):
            with pytest.raises(NotNow) as refusal:
                await attempt
            assert refusal.value.code == "utm_not_yours"
        assert here.node.state.utm.intents[FLIGHT].version == 1
        await here.put(1, ALFA, "http://127.0.0.1:1", volume(FAR))
        rejected(await here.uss.plan("desk", uuid(1), flight(volume((34.9, 69.9)))), "busy")
        assert here.node.state.utm.intents[uuid(1)].manager == "alfa"
        assert await here.uss.end("desk", uuid(1)) is None

    alone(work)


def test_only_said_nothing_is_written() -> None:
    async def work(here: Sky, clock: HandClock) -> None:
        await here.uss.plan("desk", FLIGHT, flight())
        number = here.node.state.utm.number
        over = await here.uss.plan("desk", SECOND, flight(priority=1), really=False)
        assert (over.outcome, over.advisories) == (Outcome.COMPLETED, 1)
        rejected(await here.uss.plan("desk", SECOND, flight(), really=False), "utm_conflict")
        assert here.node.state.utm.number == number

    alone(work)


def test_clearing_an_area_ends_own_flights_there_whoever_flies_them_and_no_others() -> None:
    async def work(here: Sky, clock: HandClock) -> None:
        await here.uss.plan("desk", FLIGHT, flight())
        await here.uss.plan("other", SECOND, flight(volume(heights=(200, 300))))
        await here.uss.plan("desk", uuid(102), flight(volume(FAR)))
        await here.put(1, ALFA, "http://127.0.0.1:1", volume(heights=(400, 500)))
        assert await here.uss.clear(volume(heights=(0, 1000), times=(-60, 600))) == []
        assert here.node.state.utm.intents.keys() == {uuid(102), uuid(1)}

    alone(work)


# ── conflicts among own flights ──


@pytest.mark.parametrize(("priority", "other", "bars"), [(0, 0, True), (0, 1, True), (1, 0, False), (-5, -6, False)])
def test_only_a_lower_priority_is_planned_over_and_both_operators_are_told(
    priority: int, other: int, bars: bool
) -> None:
    async def work(here: Sky, clock: HandClock) -> None:
        await here.uss.plan("theirs", SECOND, flight(priority=other))
        planned = await here.uss.plan("mine", FLIGHT, flight(priority=priority))
        mine, theirs = (here.uss.notices.between(each, T0, T0) for each in ("mine", "theirs"))
        if bars:
            rejected(planned, "utm_conflict")
            assert SECOND in str(planned.why)
            assert (mine, theirs) == ([], [])
        else:
            assert (planned.outcome, planned.advisories) == (Outcome.COMPLETED, 1)
            assert [(each.flight, each.why.value, each.conflicts) for each in mine] == [(FLIGHT, "SCD0090", 1)]
            assert [(each.flight, each.why.value) for each in theirs] == [(SECOND, "SCD0095")]
            assert len(here.exchanges("notifyUser", Way.SENT)) == 2

    alone(work)


def square(west: float, east: float) -> UtmVolume:
    corners = ((34.55, west), (34.55, east), (34.56, east), (34.56, west))
    outline = tuple(UtmPoint(lat_deg=lat, lng_deg=lng) for lat, lng in corners)
    return replace(volume(), circle=None, polygon=outline)


CM = 1 / (111_319.49 * 0.8236) / 100
"""A centimetre eastward at this latitude, in degrees."""


@pytest.mark.parametrize(("apart_cm", "bars"), [(-1.0, True), (3.0, False)])
def test_an_overlap_of_a_centimetre_is_a_conflict_and_a_gap_of_three_is_none(apart_cm: float, bars: bool) -> None:
    async def work(here: Sky, clock: HandClock) -> None:
        await here.uss.plan("desk", FLIGHT, flight(square(69.20, 69.21)))
        planned = await here.uss.plan("desk", SECOND, flight(square(69.21 + apart_cm * CM, 69.22)))
        assert planned.outcome is (Outcome.REJECTED if bars else Outcome.COMPLETED)

    alone(work)


def test_changing_into_a_conflict_is_refused_and_the_old_plan_stays() -> None:
    async def work(here: Sky, clock: HandClock) -> None:
        await here.uss.plan("desk", FLIGHT, flight(volume(NEAR)))
        await here.uss.plan("desk", SECOND, flight())
        for asked, state in ((flight(), IntentState.ACCEPTED), (flight(usage=IN_USE), IntentState.ACCEPTED)):
            rejected(await here.uss.plan("desk", FLIGHT, asked), "utm_conflict", state)
        await here.uss.plan("desk", FLIGHT, flight(volume(NEAR), usage=IN_USE))
        rejected(await here.uss.plan("desk", FLIGHT, flight(usage=IN_USE)), "utm_conflict", IntentState.ACTIVATED)
        assert here.node.state.utm.flights[FLIGHT].volumes == (volume(NEAR),)
        assert here.node.state.utm.intents[FLIGHT].version == 2

    alone(work)


def test_a_conflict_that_was_there_before_does_not_bar_changing_what_is_in_use() -> None:
    async def work(here: Sky, clock: HandClock) -> None:
        await here.uss.plan("desk", FLIGHT, flight(usage=IN_USE))
        await here.uss.plan("other", SECOND, flight(priority=1))
        moved = await here.uss.plan("desk", FLIGHT, flight(volume(radius_m=200.0), usage=IN_USE))
        assert (moved.outcome, moved.advisories) == (Outcome.COMPLETED, 1)
        await here.uss.plan("other", SECOND, flight(volume(NEAR), priority=1))
        await here.uss.plan("desk", FLIGHT, flight(volume(radius_m=100.0), usage=IN_USE))
        rejected(
            await here.uss.plan("desk", FLIGHT, flight(volume(radius_m=900.0), usage=IN_USE)),
            "utm_conflict",
            IntentState.ACTIVATED,
        )

    alone(work)


def test_what_is_only_planned_gives_way_to_what_was_planned_over_it() -> None:
    async def work(here: Sky, clock: HandClock) -> None:
        await here.uss.plan("desk", FLIGHT, flight())
        await here.uss.plan("other", SECOND, flight(priority=1))
        for asked in (flight(volume(radius_m=200.0)), flight(usage=IN_USE)):
            rejected(await here.uss.plan("desk", FLIGHT, asked), "utm_conflict", IntentState.ACCEPTED)

    alone(work)


def test_what_is_off_nominal_is_told_whatever_is_in_its_way() -> None:
    async def work(here: Sky, clock: HandClock) -> None:
        await here.uss.plan("desk", FLIGHT, flight(volume(NEAR), usage=IN_USE))
        await here.uss.plan("desk", SECOND, flight(priority=9))
        gone = await here.uss.plan("desk", FLIGHT, flight(usage=IN_USE, condition=Condition.OFF_NOMINAL))
        assert gone.state is IntentState.NONCONFORMING

    alone(work)


# ── beside other services ──


def test_beside_a_peers_intent_its_details_are_asked_once_and_the_key_names_it() -> None:
    async def work(here: Sky, alfa: Service, intent: UtmIntent) -> None:
        assert (await here.uss.plan("desk", FLIGHT, flight())).outcome is Outcome.COMPLETED
        assert (await here.uss.plan("desk", FLIGHT, flight(usage=IN_USE))).outcome is Outcome.COMPLETED
        assert [path for _, path, _ in alfa.asked] == [f"/uss/v1/operational_intents/{intent.id}"]
        (asked,) = here.exchanges("getOperationalIntentDetails", Way.SENT)
        assert (asked.outcome, asked.entity, asked.peer) == ("200", intent.id, "127.0.0.1")
        assert asked.body
        assert intent.ovn in asked.body

    beside(work)


@pytest.mark.parametrize(("mine", "theirs", "bars"), [(0, 0, True), (1, 0, False), (1, 2, True)])
def test_a_peers_intent_in_the_way_counts_by_the_priority_its_manager_tells(mine: int, theirs: int, bars: bool) -> None:
    async def work(here: Sky, alfa: Service, intent: UtmIntent) -> None:
        alfa.answers = telling(lambda id: full(here.node.state.utm.intents[id], priority=theirs))
        planned = await here.uss.plan("desk", FLIGHT, flight(priority=mine))
        if bars:
            rejected(planned, "utm_conflict")
            assert FLIGHT not in here.node.state.utm.intents
        else:
            assert (planned.outcome, planned.advisories) == (Outcome.COMPLETED, 1)

    beside(work, at=(34.55, 69.2))


def wire_of(one: UtmVolume) -> Any:
    intent = UtmIntent(
        id=uuid(9),
        manager="x",
        state=IntentState.ACCEPTED,
        uss_base_url="http://x",
        version=1,
        ovn="x",
        volumes=(one,),
    )
    return full(intent)["operational_intent"]["details"]["volumes"][0]


def crossed(held: UtmIntent) -> Any:
    """An hourglass within the circle of the intent."""
    found = wire_of(held.volumes[0])
    lat, lng = NEAR
    corners = ((-0.001, -0.001), (0.001, 0.001), (0.001, -0.001), (-0.001, 0.001))
    found["volume"]["outline_polygon"] = {"vertices": [{"lat": lat + y, "lng": lng + x} for y, x in corners]}
    del found["volume"]["outline_circle"]
    return found


HOSTILE: dict[str, Callable[[UtmIntent], Any]] = {
    "a state there is not": lambda held: full(held, reference_={"state": "Flying"}),
    "a priority that is none": lambda held: full(held, priority=1.2),
    "both, as the field's test does": lambda held: full(held, priority=1.2, reference_={"state": "Flying"}),
    "another intent": lambda held: full(held, reference_={"id": uuid(77)}),
    "another manager": lambda held: full(held, reference_={"manager": "bravo"}),
    "another OVN": lambda held: full(held, reference_={"ovn": "0123456789abcdef0123"}),
    "no OVN": lambda held: full(held, reference_={"ovn": None}),
    "another version": lambda held: full(held, reference_={"version": 7}),
    "another state": lambda held: full(held, reference_={"state": "Activated"}),
    "no volumes": lambda held: full(held, volumes=[]),
    "off-nominal volumes": lambda held: full(held, off_nominal_volumes=[wire_of(held.volumes[0])]),
    "volumes elsewhere": lambda held: full(held, volumes=[wire_of(volume(FAR))]),
    "volumes that are higher": lambda held: full(held, volumes=[wire_of(volume(NEAR, heights=(0, 121)))]),
    "volumes that last longer": lambda held: full(held, volumes=[wire_of(volume(NEAR, times=(0, 61)))]),
    "volumes that begin earlier": lambda held: full(held, volumes=[wire_of(volume(NEAR, times=(-1, 60)))]),
    "volumes without an end": lambda held: full(held, volumes=[wire_of(volume(NEAR, times=(0, None)))]),
    "volumes back to front": lambda held: full(held, volumes=[wire_of(volume(NEAR, times=(60, 30)))]),
    "an outline that crosses itself": lambda held: full(held, volumes=[crossed(held)]),
    "heights in feet": lambda held: full(
        held, volumes=[{"volume": {"altitude_lower": {"value": 0, "reference": "W84", "units": "FT"}}}]
    ),
    "a number for a name": lambda held: full(held, reference_={"manager": 5}),
    "a list": lambda held: [],
    "nothing": lambda held: {},
    "not found": lambda held: None,
}


@pytest.mark.parametrize("tells", HOSTILE)
def test_beside_a_peer_that_tells_what_cannot_be_nothing_is_planned_and_it_is_on_record(tells: str) -> None:
    async def work(here: Sky, alfa: Service, intent: UtmIntent) -> None:
        clock = here.node.clock
        assert isinstance(clock, HandClock)

        def found(id: str) -> Any:
            return HOSTILE[tells](here.node.state.utm.intents[id])

        alfa.answers = telling(found)
        number = here.node.state.utm.number
        planning = asyncio.ensure_future(here.uss.plan("desk", FLIGHT, flight()))
        async with asyncio.timeout(10):
            while not planning.done():
                clock.set(clock.now() + timedelta(seconds=1))
                await asyncio.sleep(0.001)
        planned = await planning
        assert (planned.outcome, planned.state) == (Outcome.FAILED, None)
        assert planned.why is not None
        assert planned.why.code.startswith("utm_un")
        assert here.node.state.utm.number == number
        refusals = [each for each in here.exchanges() if each.outcome != "200"]
        assert refusals
        assert {each.entity for each in refusals} == {intent.id}

    beside(work)


def test_a_manager_whose_answer_lags_behind_the_dss_is_asked_again() -> None:
    async def work(here: Sky, alfa: Service, intent: UtmIntent) -> None:
        clock = here.node.clock
        assert isinstance(clock, HandClock)
        tells = iter((full(intent, reference_={"version": 0}), full(intent)))
        alfa.answers = telling(lambda id: next(tells))
        planning = asyncio.ensure_future(here.uss.plan("desk", FLIGHT, flight()))
        await alfa.heard(1)
        async with asyncio.timeout(10):
            while not planning.done():
                clock.set(clock.now() + timedelta(seconds=1))
                await asyncio.sleep(0.001)
        assert (await planning).outcome is Outcome.COMPLETED
        assert len(alfa.asked) == 2

    beside(work)


def test_who_is_quicker_is_weighed_too() -> None:
    """While a manager is asked, another writes right where the flight is to be."""

    async def work(here: Sky, alfa: Service, intent: UtmIntent) -> None:
        honest = alfa.answers

        async def meanwhile(method: str, path: str, body: bytes) -> tuple[int, bytes]:
            if path.endswith(intent.id):
                await here.put(2, BRAVO, alfa.url(), volume())
            return await honest(method, path, body)

        alfa.answers = meanwhile
        rejected(await here.uss.plan("desk", FLIGHT, flight()), "utm_conflict")
        assert len(alfa.asked) == 2

    beside(work)


@pytest.mark.parametrize(
    ("state", "bars"),
    [
        (IntentState.ACCEPTED, False),
        (IntentState.ACTIVATED, True),
        (IntentState.NONCONFORMING, True),
        (IntentState.CONTINGENT, True),
    ],
)
def test_a_manager_that_is_down_and_silent_loses_what_it_planned_and_keeps_what_it_flies(
    state: IntentState, bars: bool
) -> None:
    async def work(here: Sky, alfa: Service, intent: UtmIntent) -> None:
        await alfa.close()
        assert (await here.uss.plan("desk", FLIGHT, flight(priority=100))).outcome is Outcome.FAILED
        await here.say_down("alfa")
        planned = await here.uss.plan("desk", FLIGHT, flight(priority=100))
        if bars:
            rejected(planned, "utm_conflict")
        else:
            assert planned.outcome is Outcome.COMPLETED

    beside(work, state=state, at=(34.55, 69.2))


def test_a_manager_that_is_marked_down_but_tells_its_details_is_weighed_by_them() -> None:
    async def work(here: Sky, alfa: Service, intent: UtmIntent) -> None:
        await here.say_down("alfa")
        assert (await here.uss.plan("desk", FLIGHT, flight(priority=1))).outcome is Outcome.COMPLETED
        rejected(await here.uss.plan("desk", SECOND, flight()), "utm_conflict")

    beside(work, state=IntentState.ACTIVATED, at=(34.55, 69.2))

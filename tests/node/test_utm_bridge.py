"""The bridge: it says once what is owed, whatever was missed, and tells services what a line asks to be cleared."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from keepclear.geometry.grids import to_mgrs
from keepclear.line.state import State
from keepclear.line.utm_plans import Owed, Terms, owed, sourced
from keepclear.line.utm_requests import KIND, constraint_id
from keepclear.model import acts as a
from keepclear.model.base import Name, Words
from keepclear.model.findings import FindingKind
from keepclear.model.parties import LineCard
from keepclear.model.places import LatLon, PlaceNames
from keepclear.model.times import Window
from keepclear.model.volumes import AltitudeBand, Circle, Volume
from keepclear.node import utm_bridge
from keepclear.node.clock import HandClock
from keepclear.node.utm_bridge import UtmBridge
from keepclear.store import MemoryStore
from keepclear.utm import constraints, intents, subscriptions
from keepclear.utm.asked import SubscriptionAsked
from keepclear.utm.ruling import NotAllowed
from tests.node.skies import OWN, RULES, Service, Sky, flight, full, sky, telling
from tests.utm.cast import ALFA, BRAVO_CP, FAR, HOME, SUB, T0, minutes, uuid, volume

LINE = LineCard(id="desks", name=Name(en="Desks", ar="المكاتب"), members=("convoy", "ground"))
"""The node speaks for both: `ground` stands for UTM services, `convoy` asks."""
TERMS = Terms(
    line="desks",
    party="ground",
    area=Circle(centre=LatLon(lat_deg=HOME[0], lon_deg=HOME[1]), radius_m=100_000.0),
    place=Name(en="Bagram", ar="بغرام"),
    ahead=timedelta(hours=24),
    manager=OWN,
)
VOLUME = Volume(
    area=Circle(centre=LatLon(lat_deg=HOME[0], lon_deg=HOME[1]), radius_m=2_000.0),
    band=AltitudeBand(lower_wgs84_m=0.0, upper_wgs84_m=1_000.0),
    window=Window(starts_at=T0 + minutes(20), ends_at=T0 + minutes(50)),
)
LATER_S = 5.0
"""By then time has brought what it had to, and a plan may be said again."""
NAMES = PlaceNames(grid=to_mgrs(*HOME), nearest=Name(en="Bagram", ar="بغرام"), bearing_deg=0.0, distance_m=0.0)


class Scene:
    """A sky with a bridge to the line."""

    def __init__(self, here: Sky, clock: HandClock) -> None:
        self.here = here
        self.clock = clock
        self.bridge = UtmBridge(here.node, here.uss, TERMS, RULES, pause_s=0.0)

    async def ask(self, volume: Volume = VOLUME, *, exercise: bool = False) -> str:
        act = a.ClearRequest(
            to=("ground",),
            volume=volume,
            names=(NAMES,),
            why=Words(text="A movement passes.", lang="en"),
            answer_by=T0 + minutes(10),
        )
        return await self.say(act, exercise=exercise)

    async def say(self, act: a.Act, *, author: str = "convoy", exercise: bool = False) -> str:
        said = a.Said(role="watch", act=act, exercise=exercise)
        receipt = await self.here.node.submit(author, "desks", said)
        return receipt.act_id

    async def settle(self, *, seconds: float = 0.0) -> None:
        """What is owed is said; after `seconds`."""
        if seconds:
            self.clock.set(self.clock.now() + timedelta(seconds=seconds))
            for _ in range(5):
                await asyncio.sleep(0)
        await self.bridge.settled()

    def said(self, kind: type[a.Act] | None = None) -> list[a.Act]:
        log = self.here.node.state.log
        acts = [message.act for message in log if message.line == "desks" and message.author == "ground"]
        return [act for act in acts if kind is None or isinstance(act, kind)]

    def closed(self) -> set[str]:
        ledger = self.here.node.state.utm
        assert set(ledger.closures) == {id for id, each in ledger.constraints.items() if each.manager == OWN}
        return set(ledger.closures)


@asynccontextmanager
async def scene(store: MemoryStore, clock: HandClock, *services: Service, start: bool = True) -> AsyncIterator[Scene]:
    here = await sky(store, clock, *services)
    found = Scene(here, clock)
    if "desks" not in here.node.state.lines:
        await here.node.open_line(LINE)
    if start:
        found.bridge.start()
    try:
        yield found
    finally:
        await found.bridge.stop()
        await here.stop()


def on_a_line(work: Callable[[Scene], Coroutine[Any, Any, None]]) -> None:
    async def played() -> None:
        async with scene(MemoryStore(), HandClock(T0)) as found:
            await work(found)

    asyncio.run(played())


async def delete(here: Sky, number: int) -> None:
    ovn = (await here.desk.ledger()).intents[uuid(number)].ovn
    await here.desk.write(ALFA, b"", lambda ledger, now, nonce: intents.delete(ledger, ALFA, uuid(number), ovn, now))


def test_each_plan_is_said_once_whatever_was_missed() -> None:
    async def played() -> None:
        store, clock = MemoryStore(), HandClock(T0)
        async with scene(store, clock, start=False) as one:
            for number in range(1, 41):
                await one.here.put(number, ALFA, "http://127.0.0.1:9", volume((HOME[0] + number * 0.02, HOME[1])))
            assert one.said() == []
            one.bridge.start()
            while not one.said():
                await asyncio.sleep(0)
            await one.bridge.stop()  # as if the power went: some are said, some are on their way
            assert len(one.said()) < 40
        async with scene(store, clock) as two:
            await two.settle()
            plans = [act.plan.id for act in two.said() if isinstance(act, a.Notice)]
            assert sorted(plans) == [f"intent.{uuid(number)}" for number in range(1, 41)]
            await delete(two.here, 1)
            await two.settle()
            assert len(two.said(a.Cancel)) == 1
            await two.bridge.stop()
            await delete(two.here, 2)
            await two.here.put(3, ALFA, "http://127.0.0.1:9", volume(radius_m=500.0))
        clock.set(T0 + minutes(1))
        async with scene(store, clock) as three:
            await three.settle()
            assert len(three.said(a.Notice)) == 40
            assert len(three.said(a.Cancel)) == 2
            (correction,) = three.said(a.Correction)
            assert isinstance(correction, a.Correction)
            assert correction.plan.id == f"intent.{uuid(3)}"
            size = three.here.node.size
        async with scene(store, clock) as four:
            await four.settle()
            assert four.here.node.size == size

    asyncio.run(played())


def test_what_was_kept_and_not_known_to_be_is_not_said_twice() -> None:
    async def work(here: Scene) -> None:
        await here.bridge.stop()
        await here.here.put(1, ALFA, "http://127.0.0.1:9")
        node = here.here.node
        said = owed(node.state, TERMS, f"intent.{uuid(1)}", None, T0).said
        assert said is not None
        first = await node.submit("ground", "desks", said)
        again = await node.submit("ground", "desks", said)
        assert first.act_id == again.act_id
        assert len(here.said(a.Notice)) == 1

    on_a_line(work)


def test_changes_of_one_plan_while_it_waits_become_one() -> None:
    async def work(here: Scene) -> None:
        await here.here.put(1, ALFA, "http://127.0.0.1:9")
        await here.settle()
        for radius_m in (100.0, 200.0, 400.0):
            await here.here.put(1, ALFA, "http://127.0.0.1:9", volume(radius_m=radius_m))
            await here.settle()
        assert here.said(a.Correction) == []
        await here.settle(seconds=LATER_S)
        (correction,) = here.said(a.Correction)
        assert isinstance(correction, a.Correction)
        assert isinstance(correction.plan.volumes[0].area, Circle)
        assert correction.plan.volumes[0].area.radius_m == 400.0

    on_a_line(work)


def test_what_begins_late_is_said_when_its_time_comes_and_what_is_far_away_is_not() -> None:
    async def work(here: Scene) -> None:
        day = 24 * 60.0
        await here.here.put(1, ALFA, "http://127.0.0.1:9", volume(times=(day + 10, day + 20)))
        await here.here.put(2, ALFA, "http://127.0.0.1:9", volume((HOME[0] + 3, HOME[1])))
        await here.settle()
        assert here.said() == []
        await here.settle(seconds=10 * 60 + LATER_S)
        (notice,) = here.said(a.Notice)
        assert isinstance(notice, a.Notice)
        assert notice.plan.id == f"intent.{uuid(1)}"

    on_a_line(work)


def test_own_flights_and_what_was_told_are_said_exactly() -> None:
    async def work(here: Scene) -> None:
        planned = await here.here.uss.plan("operator", uuid(100), flight(volume(radius_m=150.0)))
        assert planned.why is None
        await here.settle()
        (notice,) = here.said(a.Notice)
        assert isinstance(notice, a.Notice)
        assert notice.plan.basis.sources[:2] == (f"uss:{OWN}", "volumes:details")

    on_a_line(work)


# ── requests ──


def test_a_request_becomes_a_constraint_told_to_subscribers_and_goes_with_it() -> None:
    async def played() -> None:
        async with Service() as alfa, scene(MemoryStore(), HandClock(T0), alfa) as here:
            asked = SubscriptionAsked(volume(), alfa.url(), for_constraints=True)
            await here.here.desk.write(
                BRAVO_CP,
                b"",
                lambda ledger, now, nonce: subscriptions.create(ledger, BRAVO_CP, SUB, asked, now, nonce, RULES),
            )
            request = await here.ask()
            await here.settle()
            id = constraint_id(request)
            assert here.closed() == {id}
            closure = here.here.node.state.utm.closures[id]
            assert (closure.act, closure.kind) == (request, KIND)
            ((_, path, told),) = await alfa.heard(1)
            assert path == "/uss/v1/constraints"
            assert told["constraint"]["details"]["type"] == KIND
            assert here.said() == [], "it answers nothing, and tells its own constraint to nobody on the line"
            await here.say(a.GiveBack(re=request))
            await here.settle()
            assert here.closed() == set()
            (_, (_, _, ended)) = await alfa.heard(2)
            assert (ended["constraint_id"], "constraint" in ended) == (id, False)

    asyncio.run(played())


@pytest.mark.parametrize("how", ["cancelled", "over", "while away"])
def test_a_constraint_goes_when_its_request_does(how: str) -> None:
    async def played() -> None:
        store, clock = MemoryStore(), HandClock(T0)
        async with scene(store, clock) as here:
            request = await here.ask()
            await here.settle()
            assert here.closed()
            if how == "while away":
                await here.bridge.stop()
            if how == "over":
                await here.settle(seconds=50 * 60)
            else:
                await here.say(a.Cancel(re=request, reason=Words(text="no more", lang="en")))
            if how == "while away":
                assert here.closed()
            else:
                await here.settle()
                assert here.closed() == set()
        async with scene(store, clock) as again:
            await again.settle()
            assert again.closed() == set()

    asyncio.run(played())


def test_an_exercise_is_told_to_no_service() -> None:
    async def work(here: Scene) -> None:
        await here.ask(exercise=True)
        await here.settle()
        assert here.closed() == set()

    on_a_line(work)


def test_a_request_the_dss_does_not_take_is_left_and_stops_nothing() -> None:
    async def work(here: Scene) -> None:
        large = Circle(centre=LatLon(lat_deg=HOME[0], lon_deg=HOME[1]), radius_m=80_000.0)
        await here.ask(Volume(area=large, band=VOLUME.band, window=VOLUME.window))
        request = await here.ask()
        await here.settle()
        assert here.closed() == {constraint_id(request)}
        size = here.here.node.size
        await here.settle(seconds=LATER_S)
        assert here.here.node.size == size

    on_a_line(work)


def test_the_manager_of_an_intent_in_the_way_is_asked_for_its_details() -> None:
    async def played() -> None:
        async with Service() as alfa, scene(MemoryStore(), HandClock(T0), alfa) as here:
            alfa.answers = telling(lambda id: full(here.here.node.state.utm.intents[id]))
            await here.here.put(1, ALFA, alfa.url(), volume(FAR))
            await here.here.put(2, ALFA, alfa.url())
            await here.settle()
            assert alfa.asked == []
            await here.ask()
            await here.settle()
            assert [path.rpartition("/")[2] for _, path, _ in alfa.asked] == [uuid(2)]
            await here.settle(seconds=LATER_S)
            (correction,) = here.said(a.Correction)
            assert isinstance(correction, a.Correction)
            assert sourced(correction.plan.basis, "volumes") == "details"
            await here.settle(seconds=LATER_S)
            assert len(alfa.asked) == 1

    asyncio.run(played())


def test_a_suspended_line_is_left_alone_and_caught_up_with() -> None:
    async def work(here: Scene) -> None:
        await here.say(a.Suspend(reason=Words(text="power", lang="en")), author="ground")
        await here.here.put(1, ALFA, "http://127.0.0.1:9")
        await here.settle()
        assert here.said(a.Notice) == []
        await here.say(a.Resume(), author="ground")
        await here.settle()
        assert len(here.said(a.Notice)) == 1

    on_a_line(work)


def test_an_entity_that_cannot_be_looked_at_keeps_no_other_from_being_said(monkeypatch: pytest.MonkeyPatch) -> None:
    faulty = f"intent.{uuid(1)}"

    def fails_on_one(state: State, terms: Terms, plan: str, *rest: Any, **more: Any) -> Owed:
        if plan == faulty:
            raise ZeroDivisionError(plan)
        return owed(state, terms, plan, *rest, **more)

    monkeypatch.setattr(utm_bridge, "owed", fails_on_one)

    async def work(here: Scene) -> None:
        for number in (1, 2, 3):
            await here.here.put(number, ALFA, "http://127.0.0.1:9", volume((HOME[0] + number * 0.02, HOME[1])))
        await here.settle()
        assert [act.plan.id for act in here.said(a.Notice) if isinstance(act, a.Notice)] == [
            f"intent.{uuid(number)}" for number in (2, 3)
        ]

    on_a_line(work)


def test_nobody_else_can_take_the_constraint_of_a_request_away() -> None:
    async def work(here: Scene) -> None:
        request = await here.ask()
        await here.settle()
        id = constraint_id(request)
        ovn = here.here.node.state.utm.constraints[id].ovn
        with pytest.raises(NotAllowed):
            await here.here.desk.write(
                ALFA, b"", lambda ledger, now, nonce: constraints.delete(ledger, ALFA, id, ovn, now)
            )
        assert here.closed() == {id}

    on_a_line(work)


def test_an_intent_too_large_for_one_envelope_is_said_too() -> None:
    async def work(here: Scene) -> None:
        many = [volume((HOME[0] + number * 1e-5, HOME[1])) for number in range(600)]
        await here.here.put(1, ALFA, "http://127.0.0.1:9", *many)
        await here.settle()
        (notice,) = here.said(a.Notice)
        assert isinstance(notice, a.Notice)
        assert sourced(notice.plan.basis, "volumes") == "outline"

    on_a_line(work)


def test_intents_beside_one_another_are_no_conflicts_of_the_line() -> None:
    async def work(here: Scene) -> None:
        for number in range(1, 6):
            await here.here.put(number, ALFA, "http://127.0.0.1:9")
        await here.settle()
        await here.here.node.tick()
        kinds = [act.finding.kind for act in _acts(here) if isinstance(act, a.Noticed)]
        assert FindingKind.CONFLICT not in kinds
        plan = here.said(a.Notice)[0]
        assert isinstance(plan, a.Notice)
        mine = msgspec.structs.replace(plan.plan, id="mine", group=None)
        await here.say(a.Notice(to=("ground",), plan=mine))
        await here.here.node.tick()
        kinds = [act.finding.kind for act in _acts(here) if isinstance(act, a.Noticed)]
        assert kinds.count(FindingKind.CONFLICT) == 5, "with what others plan they are"

    on_a_line(work)


def _acts(here: Scene) -> list[a.Act]:
    return [message.act for message in here.here.node.state.log]

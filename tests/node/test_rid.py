"""Remote ID: what of our own aircraft is offered, the areas kept about them, and what a view shows of others' word."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Coroutine
from datetime import datetime, timedelta
from typing import Any

import pytest

from keepclear.formats.f3411.search import View
from keepclear.line.remote_id import flying
from keepclear.line.state import own_line
from keepclear.model import acts as a
from keepclear.model.acts import Said, UtmExchange
from keepclear.model.basis import Basis, BasisKind
from keepclear.model.groups import AssetKind
from keepclear.model.tracks import Fix, SensorClass, Track
from keepclear.model.utm import RidArea, RidEdition, UtmVolume
from keepclear.node.clock import HandClock
from keepclear.node.rid import RADIUS_M, RemoteId, area_id, shown
from keepclear.node.rid_display import Display
from keepclear.store import MemoryStore
from keepclear.utm import areas, rid_subscriptions
from keepclear.utm.asked import RidAsked, Rules
from keepclear.utm.ruling import Asker, NotFound, TooLarge
from tests.node.skies import OWN, OWN_URL, RULES, Answers, Service, Sky, sky
from tests.utm.cast import ALFA, BRAVO, HOME, T0, uuid, volume

LAT, LNG = HOME
SMALL = View(LAT - 0.005, LNG - 0.005, LAT + 0.005, LNG + 0.005)
LARGE = View(LAT - 0.02, LNG - 0.02, LAT + 0.02, LNG + 0.02)
HUGE = View(LAT - 0.1, LNG - 0.1, LAT + 0.1, LNG + 0.1)
OWN_RID = f"{OWN_URL}/rid/v2"
CONVOY = ("convoy",)


def seconds(count: float) -> timedelta:
    return timedelta(seconds=count)


def fix(at: datetime, north_m: float = 0.0) -> Fix:
    return Fix(at=at, lat_deg=LAT + north_m / 111_000, lon_deg=LNG, uncertainty_m=5.0, alt_wgs84_m=120.0)


async def report(
    here: Sky,
    *fixes: Fix,
    party: str = "convoy",
    asset: str = "drone-1",
    kind: AssetKind = AssetKind.DRONE,
    sensor: SensorClass = SensorClass.TRACKER,
    basis: BasisKind = BasisKind.REPORTED,
    exercise: bool = False,
) -> None:
    track = Track(asset=asset, kind=kind, sensor=sensor, fixes=fixes, basis=Basis(kind=basis))
    act = a.Positions(tracks=(track,))
    await here.node.submit(party, own_line("desk.node"), Said(role="pilot", act=act, exercise=exercise))


def play(
    work: Callable[[Sky, HandClock, Service], Coroutine[Any, Any, None]], parties: tuple[str, ...] = CONVOY
) -> None:
    """On a node that offers the flights of these parties, beside one other service on loopback."""

    async def played() -> None:
        async with Service() as alfa:
            clock = HandClock(T0)
            here = await sky(MemoryStore(), clock, alfa, rid_parties=parties)
            try:
                await work(here, clock, alfa)
            finally:
                await here.stop()

    asyncio.run(played())


def held(here: Sky) -> list[RidArea]:
    return list(here.node.state.utm.areas.values())


# ── what is offered ──


def test_only_the_aircraft_of_parties_that_asked_are_offered_and_only_where_they_said_they_were() -> None:
    async def work(here: Sky, clock: HandClock, alfa: Service) -> None:
        await report(here, fix(T0 - seconds(20)), fix(T0))
        await report(here, fix(T0), asset="seen", sensor=SensorClass.GROUND)
        await report(here, fix(T0), asset="bus-1", kind=AssetKind.BUS)
        await report(here, fix(T0), asset="made-up", basis=BasisKind.SYNTHETIC)
        await report(here, fix(T0), asset="falls-silent")
        await report(here, fix(T0), asset="drone-2", party="ground")
        clock.set(T0 + seconds(60))
        await report(here, fix(T0 + seconds(60), 100))
        offered = await here.remote_id.flights()
        assert [flight.party for flight in offered] == ["convoy", "convoy"]
        clock.set(T0 + seconds(61))
        (flight,) = await here.remote_id.flights()
        assert flight.last.fix == fix(T0 + seconds(60), 100)
        assert "drone" not in flight.id
        assert flying(here.node.state, ("ground",), T0)[0].party == "ground"

    play(work)


def test_nobody_is_offered_unless_it_is_asked_for() -> None:
    async def work(here: Sky, clock: HandClock, alfa: Service) -> None:
        await report(here, fix(T0))
        await here.remote_id.look()
        assert await here.remote_id.flights() == []
        assert held(here) == []

    play(work, ())


def test_a_flight_keeps_its_id_while_it_reports_and_the_next_one_has_another() -> None:
    async def work(here: Sky, clock: HandClock, alfa: Service) -> None:
        ids = []
        for minute in (0, 9, 18, 29):
            clock.set(T0 + timedelta(minutes=minute))
            await report(here, fix(clock.now()))
            ids.append((await here.remote_id.flights())[0].id)
            (anew,) = flying(here.node.state, CONVOY, clock.now())  # as after a restart
            assert anew.id == ids[-1]
        assert ids[0] == ids[1] == ids[2] != ids[3]

    play(work)


def test_an_exercise_is_offered_to_nobody() -> None:
    async def work(here: Sky, clock: HandClock, alfa: Service) -> None:
        await report(here, fix(T0), exercise=True)
        assert await here.remote_id.flights() == []
        assert await here.display.show(SMALL) == Display()

    play(work)


def test_a_view_shows_the_way_in_it_and_the_steps_across_its_edge() -> None:
    async def work(here: Sky, clock: HandClock, alfa: Service) -> None:
        norths = (-2_000, -1_000, 0, 100, 1_000, 2_000)
        fixes = [fix(T0 - seconds(50 - 10 * number), north) for number, north in enumerate(norths)]
        await report(here, *fixes)
        (flight,) = await here.remote_id.flights()
        assert shown(flight, SMALL, seconds(60), T0) == tuple(fixes[1:5])
        assert shown(flight, SMALL, seconds(15), T0) == (fixes[4],)
        assert shown(flight, SMALL, seconds(0), T0) == ()
        assert shown(flight, View(0, 0, 1, 1), seconds(60), T0) is None

    play(work)


# ── areas ──


def test_an_area_is_made_moved_renewed_and_removed_with_its_flight() -> None:
    async def work(here: Sky, clock: HandClock, alfa: Service) -> None:
        await report(here, fix(T0))
        await here.remote_id.look()
        (made,) = held(here)
        assert (made.owner, made.uss_base_url, made.edition) == (OWN, OWN_RID, RidEdition.V22A)
        assert made.id == area_id((await here.remote_id.flights())[0])
        assert made.volume.circle is not None
        assert (made.volume.circle.radius_m, made.volume.lower_m) == (RADIUS_M, None)
        await here.remote_id.look()
        assert held(here) == [made]
        clock.set(T0 + seconds(60))
        await report(here, fix(clock.now(), 4_000))
        await here.remote_id.look()
        (moved,) = held(here)
        assert moved.volume.circle is not None
        assert moved.volume.circle.centre.lat_deg == fix(T0, 4_000).lat_deg
        assert moved.volume.starts_at == T0
        for minute in (3, 5, 7):
            clock.set(T0 + timedelta(minutes=minute))
            await report(here, fix(clock.now(), 4_000))
            await here.remote_id.look()
        (renewed,) = held(here)
        assert renewed.volume.ends_at is not None
        assert renewed.volume.ends_at > clock.now() + timedelta(minutes=5)
        clock.set(clock.now() + seconds(181))
        await here.remote_id.look()
        assert held(here) == []
        assert len(here.node.state.utm.history[made.id]) == 4

    play(work)


def test_areas_of_others_are_left_alone() -> None:
    async def work(here: Sky, clock: HandClock, alfa: Service) -> None:
        for number, (by, url) in enumerate(((ALFA, OWN_RID), (Asker(OWN), "http://127.0.0.1:9/other"))):
            await put_area(here, number, by, url)
        before = held(here)
        await here.remote_id.look()
        assert held(here) == before

    play(work)


def test_an_area_that_is_refused_keeps_no_other_from_being_kept() -> None:
    async def work(here: Sky, clock: HandClock, alfa: Service) -> None:
        strict = RemoteId(here.uss.desk, OWN, OWN_RID, CONVOY, Rules())
        await put_area(here, 1, Asker(OWN), OWN_RID)
        await report(here, fix(T0))
        await strict.look()
        assert held(here) == []  # plain http is refused, and what no flight needs is removed all the same

    play(work)


async def put_area(
    here: Sky, number: int, by: Asker, url: str, edition: RidEdition = RidEdition.V22A, where: UtmVolume | None = None
) -> None:
    asked = RidAsked(where or volume(), url, edition)
    await here.desk.write(
        by, b"", lambda ledger, now, nonce: areas.create(ledger, by, uuid(number), asked, now, nonce, RULES)
    )


@pytest.mark.parametrize(
    ("edition", "path", "scope"),
    [
        (RidEdition.V22A, "/told/uss/identification_service_areas", "rid.service_provider"),
        (RidEdition.V19, "/told", "dss.write.identification_service_areas"),
    ],
)
def test_subscribers_are_told_of_areas_in_the_words_of_their_edition(
    edition: RidEdition, path: str, scope: str
) -> None:
    async def played() -> None:
        async with Service() as alfa:
            clock = HandClock(T0)
            here = await sky(MemoryStore(), clock, alfa, push="all")
            try:
                asked = RidAsked(volume(), alfa.url("told"), edition)
                await here.desk.write(
                    BRAVO,
                    b"",
                    lambda ledger, now, nonce: rid_subscriptions.create(
                        ledger, BRAVO, uuid(11), asked, now, nonce, RULES
                    ),
                )
                await put_area(here, 1, ALFA, "http://127.0.0.1:9/alfa", edition)
                version = held(here)[0].version
                await here.desk.write(
                    ALFA, b"", lambda ledger, now, nonce: areas.delete(ledger, ALFA, uuid(1), version, edition, now)
                )
                first, second = await alfa.heard(2)
                await here.notifier.settled()
                assert (first[0], first[1], second[1]) == ("POST", f"{path}/{uuid(1)}", f"{path}/{uuid(1)}")
                assert first[2]["subscriptions"] == [{"subscription_id": uuid(11), "notification_index": 1}]
                assert first[2]["service_area"]["id"] == uuid(1)
                assert ("uss_base_url" in first[2]["service_area"]) == (edition is RidEdition.V22A)
                assert second[2] == {"subscriptions": [{"subscription_id": uuid(11), "notification_index": 2}]}
                assert set(here.tokens.scopes) == {scope}
                assert [act.outcome for act in here.exchanges("postIdentificationServiceArea")] == ["204", "204"]
            finally:
                await here.stop()

    asyncio.run(played())


def test_own_areas_are_told_to_subscribers() -> None:
    async def work(here: Sky, clock: HandClock, alfa: Service) -> None:
        asked = RidAsked(volume(), alfa.url("told"))
        await here.desk.write(
            BRAVO,
            b"",
            lambda ledger, now, nonce: rid_subscriptions.create(ledger, BRAVO, uuid(11), asked, now, nonce, RULES),
        )
        await report(here, fix(T0))
        await here.remote_id.look()
        ((_, path, body),) = await alfa.heard(1)
        assert path == f"/told/uss/identification_service_areas/{held(here)[0].id}"
        assert body["extents"]["volume"]["outline_circle"]["radius"]["value"] == RADIUS_M
        assert body["service_area"]["uss_base_url"] == OWN_RID

    play(work)


# ── what a view shows ──


def told(id: str, at: datetime, lat: float = LAT, lng: float = LNG, **more: Any) -> dict[str, Any]:
    """A flight as another service tells of it."""
    time = {"value": at.isoformat().replace("+00:00", "Z"), "format": "RFC3339"}
    state = {
        "timestamp": time,
        "timestamp_accuracy": 1.0,
        "speed_accuracy": "SA3mps",
        "speed": 12.5,
        "track": 361,
        "position": {
            "lat": lat,
            "lng": lng,
            "alt": 300.5,
            "accuracy_h": "HA3m",
            "height": {"reference": "GroundLevel"},
        },
    }
    return {"id": id, "aircraft_type": "Helicopter", "current_state": state, **more}


def answering(*flights: dict[str, Any], details: Any = None) -> Answers:
    async def answers(method: str, path: str, body: bytes) -> tuple[int, bytes]:
        if path.endswith("/details"):
            return (404, b"{}") if details is None else (200, json.dumps(details).encode())
        time = {"value": T0.isoformat().replace("+00:00", "Z"), "format": "RFC3339"}
        return 200, json.dumps({"timestamp": time, "flights": flights}).encode()

    return answers


def ids(display: Display) -> list[str]:
    return [each.flight.id for each in display.flights]


def test_a_view_shows_our_own_and_others_flights_of_the_last_minute_as_told() -> None:
    async def work(here: Sky, clock: HandClock, alfa: Service) -> None:
        await put_area(here, 1, ALFA, alfa.url("rid"))
        alfa.answers = answering(
            told("here", T0 - seconds(59)),
            told("gone", T0 - seconds(61)),
            told("ahead", T0 + seconds(6)),
            told("outside", T0, lat=LAT + 0.01),
            told("nowhere", T0, lat=0, lng=0),
            {"id": "area only", "aircraft_type": "Glider", "operating_area": {"volumes": []}},
        )
        await report(here, fix(T0))
        display = await here.display.show(SMALL)
        (theirs, ours) = display.flights
        assert (theirs.flight.id, theirs.service, ours.service) == ("here", "127.0.0.1", "127.0.0.1")
        assert theirs.last.position.alt == 300.5
        assert (display.clusters, display.silent) == ((), ())
        ((method, path, _),) = alfa.asked
        assert method == "GET"
        assert path.startswith("/rid/uss/flights?view=34.5450000,69.1950000,34.5550000,69.2050000")
        assert path.endswith("&recent_positions_duration=60")
        assert here.tokens.scopes == ["rid.display_provider"]

    play(work)


def test_what_is_shown_is_kept_nowhere_and_changes_nothing() -> None:
    async def work(here: Sky, clock: HandClock, alfa: Service) -> None:
        await put_area(here, 1, ALFA, alfa.url("rid"))
        alfa.answers = answering(told("here", T0))
        before, findings = here.node.size, dict(here.node.state.findings)
        assert ids(await here.display.show(SMALL)) == ["here"]
        assert here.node.size == before
        assert dict(here.node.state.findings) == findings
        assert here.node.state.histories == {}

    play(work)


async def broken(method: str, path: str, body: bytes) -> tuple[int, bytes]:
    return 500, b""


@pytest.mark.parametrize(
    "answers",
    [
        broken,
        answering(told("x" * 256, T0)),
        answering(told("right\u202eleft", T0)),
        answering(told("north of it all", T0, lat=91)),
        answering({"id": "no type"}),
    ],
    ids=["fails", "long", "hidden", "bounds", "missing"],
)
def test_a_service_that_gives_no_proper_answer_is_named_as_silent(answers: Answers) -> None:
    async def work(here: Sky, clock: HandClock, alfa: Service) -> None:
        await put_area(here, 1, ALFA, alfa.url("rid"))
        await put_area(here, 2, BRAVO, "http://elsewhere.example/rid")
        alfa.answers = answers
        await report(here, fix(T0))
        display = await here.display.show(SMALL)
        assert len(display.flights) == 1
        assert display.silent == ("127.0.0.1", "elsewhere.example")

    play(work)


def test_services_are_asked_once_and_only_where_and_when_they_have_an_area_of_this_edition() -> None:
    async def work(here: Sky, clock: HandClock, alfa: Service) -> None:
        await put_area(here, 1, ALFA, alfa.url("later"), where=volume(times=(10, 60)))
        await put_area(here, 2, ALFA, alfa.url("far"), where=volume((LAT + 1, LNG)))
        await put_area(here, 3, ALFA, alfa.url("v1"), RidEdition.V19)
        alfa.answers = answering()
        assert await here.display.show(SMALL) == Display()
        assert alfa.asked == []
        await put_area(here, 4, ALFA, alfa.url("rid"))
        await put_area(here, 5, ALFA, alfa.url("rid/"))
        await here.display.show(SMALL)
        assert len(alfa.asked) == 1

    play(work)


def test_a_large_view_shows_clusters_only_and_a_larger_one_nothing() -> None:
    async def work(here: Sky, clock: HandClock, alfa: Service) -> None:
        await put_area(here, 1, ALFA, alfa.url("rid"))
        north_east = {"lat": LAT + 0.01, "lng": LNG + 0.01}
        alfa.answers = answering(
            told("a", T0, **north_east), told("b", T0, LAT + 0.011, LNG + 0.001), told("c", T0, LAT - 0.01, LNG - 0.01)
        )
        display = await here.display.show(LARGE)
        assert display.flights == ()
        south_west, north_east_cluster = display.clusters
        assert (south_west.flights, north_east_cluster.flights) == (1, 2)
        assert south_west.box == pytest.approx(View(LAT - 0.02, LNG - 0.02, LAT, LNG))
        with pytest.raises(TooLarge):
            await here.display.show(HUGE)

    play(work)


def test_details_are_asked_of_the_service_that_told_of_the_flight() -> None:
    async def work(here: Sky, clock: HandClock, alfa: Service) -> None:
        await put_area(here, 1, ALFA, alfa.url("rid"))
        details = {"details": {"id": "flight-7", "operator_id": "FIN87", "uas_id": {"serial_number": "S1"}, "more": 1}}
        alfa.answers = answering(told("flight-7", T0), told("../else", T0), details=details)
        await report(here, fix(T0))
        theirs, odd, ours = (await here.display.show(SMALL)).flights
        found = await here.display.details(theirs.id)
        assert found is not None
        assert found.operator_id == "FIN87"
        assert alfa.asked[-1][1] == "/rid/uss/flights/flight-7/details"
        assert await here.display.details(ours.id) is None
        assert await here.display.details(odd.id) is None
        assert len(alfa.asked) == 2  # an id that could lead elsewhere is not called
        alfa.answers = answering(told("flight-7", T0))
        with pytest.raises(NotFound):
            await here.display.details(theirs.id)
        with pytest.raises(NotFound):
            await here.display.details(uuid(1))
        assert not [act for act in (m.act for m in here.node.state.log) if isinstance(act, UtmExchange)]

    play(work)

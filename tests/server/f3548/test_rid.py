"""Remote ID over the wire: the DSS in both editions, this node's flights, and what it shows of others'."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from keepclear.errors import Malformed
from keepclear.node.outbound import Outbound
from keepclear.server.f3548.own_uss import UssSettings, open_uss
from keepclear.utm.asked import Rules
from tests.node.skies import FakeTokens, Service
from tests.node.test_rid import answering, fix, report, told
from tests.server.f3548.surface import HOME, ONE, OTHER_SUB, SUB, TWO, Dss, Reply, time, uuid, with_dss
from tests.server.f3548.uss_side import UssSide, uss_side

SQUARE = 0.01


@dataclass(frozen=True)
class Edition:
    """How an edition is spoken: its paths and scopes, and what its bodies look like."""

    base: str
    displays: str
    provides: str
    area: Callable[[Dss, str, dict[str, Any]], dict[str, Any]]
    subscription: Callable[[Dss, str, dict[str, Any]], dict[str, Any]]
    extents: Callable[..., dict[str, Any]]

    @property
    def areas(self) -> str:
        return f"{self.base}/dss/identification_service_areas"

    @property
    def subscriptions(self) -> str:
        return f"{self.base}/dss/subscriptions"


def corners(at: tuple[float, float], side: float = SQUARE) -> list[dict[str, float]]:
    lat, lng = at
    return [
        {"lat": lat, "lng": lng},
        {"lat": lat, "lng": lng + side},
        {"lat": lat + side, "lng": lng + side},
        {"lat": lat + side, "lng": lng},
    ]


def extents_22a(
    dss: Dss, at: tuple[float, float] = HOME, times_min: tuple[float, float] = (0, 60), side: float = SQUARE
) -> dict[str, Any]:
    extents = dss.volume(times_min=times_min)
    del extents["volume"]["outline_circle"]
    extents["volume"]["outline_polygon"] = {"vertices": corners(at, side)}
    return extents


def extents_19(
    dss: Dss, at: tuple[float, float] = HOME, times_min: tuple[float, float] = (0, 60), side: float = SQUARE
) -> dict[str, Any]:
    times = dss.times(*times_min)
    return {
        "spatial_volume": {"footprint": {"vertices": corners(at, side)}, "altitude_lo": 0, "altitude_hi": 120},
        "time_start": times["time_start"]["value"],
        "time_end": times["time_end"]["value"],
    }


def with_base_url(dss: Dss, by: str, extents: dict[str, Any]) -> dict[str, Any]:
    return {"extents": extents, "uss_base_url": f"https://{by}.example/rid"}


V22A = Edition("/rid/v2", "rid.display_provider", "rid.service_provider", with_base_url, with_base_url, extents_22a)
V19 = Edition(
    "/v1",
    "dss.read.identification_service_areas",
    "dss.write.identification_service_areas",
    lambda dss, by, extents: {"extents": extents, "flights_url": f"https://{by}.example/rid/flights"},
    lambda dss, by, extents: {
        "extents": extents,
        "callbacks": {"identification_service_area_url": f"https://{by}.example/rid/areas"},
    },
    extents_19,
)
EDITIONS = pytest.mark.parametrize("rid", [V22A, V19], ids=["22a", "19"])


class Speaker:
    """One who speaks an edition to a DSS, with the scope that each operation takes."""

    def __init__(self, dss: Dss, rid: Edition) -> None:
        self.dss, self.rid = dss, rid

    async def area(self, id: str = ONE, version: str | None = None, by: str = "alfa", **extents: Any) -> Reply:
        body = self.rid.area(self.dss, by, self.rid.extents(self.dss, **extents))
        return await self.put(self.rid.areas, id, version, body, by, self.rid.provides)

    async def subscription(self, id: str = SUB, version: str | None = None, by: str = "bravo", **extents: Any) -> Reply:
        body = self.rid.subscription(self.dss, by, self.rid.extents(self.dss, **extents))
        return await self.put(self.rid.subscriptions, id, version, body, by, self.rid.displays)

    async def put(self, base: str, id: str, version: str | None, body: object, by: str, scope: str) -> Reply:
        path = f"{base}/{id}" if version is None else f"{base}/{id}/{version}"
        return await self.dss.ask("PUT", path, body, by=by, scopes=scope)

    async def remove(self, id: str, version: str, by: str = "alfa") -> Reply:
        return await self.dss.ask("DELETE", f"{self.rid.areas}/{id}/{version}", by=by, scopes=self.rid.provides)

    async def unsubscribe(self, id: str, version: str, by: str = "bravo") -> Reply:
        path = f"{self.rid.subscriptions}/{id}/{version}"
        return await self.dss.ask("DELETE", path, by=by, scopes=self.rid.displays)

    async def found(self, area: str | None = None, more: str = "", base: str | None = None, by: str = "bravo") -> Reply:
        area = ",".join(f"{each['lat']},{each['lng']}" for each in corners(HOME)) if area is None else area
        path = f"{base or self.rid.areas}?area={area}{more}"
        return await self.dss.ask("GET", path, by=by, scopes=self.rid.displays)

    async def get(self, base: str, id: str, by: str = "bravo") -> Reply:
        return await self.dss.ask("GET", f"{base}/{id}", by=by, scopes=self.rid.displays)


def test_an_area_of_22a_is_said_as_the_standard_has_it(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        rid = Speaker(dss, V22A)
        made = (await rid.area()).must(200).json
        times = dss.times()
        assert made == {
            "service_area": {
                "id": ONE,
                "owner": "alfa",
                "uss_base_url": "https://alfa.example/rid",
                "version": made["service_area"]["version"],
                "time_start": {"value": dss.clock.now().isoformat().replace("+00:00", "Z"), "format": "RFC3339"},
                "time_end": {**times["time_end"], "value": made["service_area"]["time_end"]["value"]},
            },
            "subscribers": [],
        }
        assert (await rid.get(V22A.areas, ONE)).must(200).json == {"service_area": made["service_area"]}
        assert (await rid.found()).must(200).json == {"service_areas": [made["service_area"]]}
        put = (await rid.subscription()).must(200).json
        assert put["service_areas"] == [made["service_area"]]
        assert put["subscription"]["notification_index"] == 0
        assert put["subscription"]["owner"] == "bravo"
        gone = (await rid.remove(ONE, made["service_area"]["version"])).must(200).json
        told = {
            "subscriptions": [{"subscription_id": SUB, "notification_index": 1}],
            "url": "https://bravo.example/rid",
        }
        assert gone == {"service_area": made["service_area"], "subscribers": [told]}
        assert (await rid.get(V22A.subscriptions, SUB)).must(200)["subscription"]["notification_index"] == 1

    with_dss(tmp_path, work)


def test_an_area_of_19_is_said_as_the_standard_has_it(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        rid = Speaker(dss, V19)
        put = (await rid.subscription()).must(200)["subscription"]
        assert put["callbacks"] == {"identification_service_area_url": "https://bravo.example/rid/areas"}
        made = (await rid.area()).must(200).json
        area = made["service_area"]
        assert (area["flights_url"], area["owner"]) == ("https://alfa.example/rid/flights", "alfa")
        assert area["time_start"] == dss.clock.now().isoformat().replace("+00:00", "Z")
        told = [{"subscription_id": SUB, "notification_index": 1}]
        assert made["subscribers"] == [{"subscriptions": told, "url": "https://bravo.example/rid/areas"}]
        assert (await rid.found()).must(200).json == {"service_areas": [area]}
        assert (await Speaker(dss, V22A).found()).must(200).json == {"service_areas": []}

    with_dss(tmp_path, work)


@EDITIONS
def test_changes_name_the_version_and_stale_ones_are_told_from_such_as_never_were(tmp_path: Path, rid: Edition) -> None:
    async def work(dss: Dss) -> None:
        says = Speaker(dss, rid)
        first = (await says.area()).must(200)["service_area"]["version"]
        (await says.area(times_min=(0, 50))).refused(409, "id")
        second = (await says.area(version=first, times_min=(0, 61))).must(200)["service_area"]["version"]
        assert second != first
        (await says.area(version=first, times_min=(0, 62))).refused(409, "version")
        (await says.area(version=second, by="bravo")).refused(403, "id")
        (await says.area(TWO, version=second)).refused(400, "id")
        for version, status in (("", 400), ("notacorrectversion", 400), (first, 409), (second[1:-1], 409)):
            (await says.remove(ONE, version)).refused(status, "version")
        (await says.remove(TWO, second)).refused(404, "id")
        (await says.remove(ONE, second, by="bravo")).refused(403, "id")
        (await says.remove(ONE, second)).must(200)
        (await says.get(rid.areas, ONE)).refused(404, "id")
        assert (await says.found()).must(200)["service_areas"] == []

    with_dss(tmp_path, work)


@EDITIONS
def test_an_expired_area_is_read_by_its_id_and_not_found(tmp_path: Path, rid: Edition) -> None:
    async def work(dss: Dss) -> None:
        says = Speaker(dss, rid)
        (await says.area(times_min=(0, 1))).must(200)
        dss.clock.set(dss.clock.now() + timedelta(seconds=61))
        assert (await says.found()).must(200)["service_areas"] == []
        assert (await says.get(rid.areas, ONE)).must(200)["service_area"]["id"] == ONE

    with_dss(tmp_path, work)


@EDITIONS
def test_a_search_has_an_area_and_times(tmp_path: Path, rid: Edition) -> None:
    async def work(dss: Dss) -> None:
        says = Speaker(dss, rid)
        (await says.area()).must(200)
        (await says.subscription()).must(200)
        late, later = (time(dss.clock.now() + delta) for delta in (timedelta(minutes=59), timedelta(minutes=61)))
        for more, count in (
            ("", 1),
            (f"&earliest_time={late['value']}", 1),
            (f"&earliest_time={later['value']}", 0),
            (f"&latest_time={late['value']}&earliest_time={late['value']}", 1),
        ):
            assert len((await says.found(more=more)).must(200)["service_areas"]) == count
        (await says.found(more=f"&latest_time={late['value']}&earliest_time={later['value']}")).refused(
            400, "latest_time"
        )
        (await says.found(more="&earliest_time=noon")).refused(400, "earliest_time")
        (await says.found(more="&earliest_time=2026-03-01T12:00:00%2B01:00")).refused(400, "earliest_time")
        loop = ",".join(f"{each['lat']},{each['lng']}" for each in [*corners(HOME), corners(HOME)[0]])
        for base in (rid.areas, rid.subscriptions):
            for area in ("", "34.5", "34.5,69,34.6,69", "34.5,69,34.6,69.1,x,69", "95,69,95,70,96,70", "NaN,1,2,3,4,5"):
                (await says.found(area, base=base)).refused(400, "area")
            (await says.found(loop, base=base)).refused(400, "area.vertices[4]")
            huge = ",".join(f"{each['lat']},{each['lng']}" for each in corners(HOME, 1))
            (await says.found(huge, base=base)).refused(413, "area.vertices")
            (await dss.ask("GET", base, by="bravo", scopes=rid.displays)).refused(400, "area")
        assert [each["id"] for each in (await says.found(base=rid.subscriptions)).must(200)["subscriptions"]] == [SUB]
        assert (await says.found(base=rid.subscriptions, by="alfa")).must(200)["subscriptions"] == []

    with_dss(tmp_path, work)


@EDITIONS
def test_each_operation_takes_the_scope_of_its_role(tmp_path: Path, rid: Edition) -> None:
    async def work(dss: Dss) -> None:
        says = Speaker(dss, rid)
        area = rid.area(dss, "alfa", rid.extents(dss))
        subscription = rid.subscription(dss, "alfa", rid.extents(dss))
        version = (await says.area()).must(200)["service_area"]["version"]
        (await says.subscription()).must(200)
        asked: list[tuple[str, str, object, str]] = [
            ("PUT", f"{rid.areas}/{TWO}", area, rid.displays),
            ("PUT", f"{rid.areas}/{ONE}/{version}", area, rid.displays),
            ("DELETE", f"{rid.areas}/{ONE}/{version}", None, rid.displays),
            ("GET", f"{rid.areas}?area=1,2,3,4,5,6", None, rid.provides),
            ("PUT", f"{rid.subscriptions}/{OTHER_SUB}", subscription, rid.provides),
            ("GET", f"{rid.subscriptions}?area=1,2,3,4,5,6", None, rid.provides),
        ]
        for method, path, body, scope in asked:
            for shown in (scope, "utm.strategic_coordination", ""):
                (await dss.ask(method, path, body, scopes=shown)).refused(403, "authorization")
            assert (await dss.ask(method, path, body, by=None)).status == 401
        read = await dss.ask("GET", f"{rid.subscriptions}/{SUB}", by="alfa", scopes=rid.provides)
        assert read.must(200)["subscription"]["id"] == SUB

    with_dss(tmp_path, work)


@EDITIONS
def test_bodies_are_read_strictly_and_unknown_fields_ignored(tmp_path: Path, rid: Edition) -> None:
    async def work(dss: Dss) -> None:
        good = rid.area(dss, "alfa", rid.extents(dss))
        shape = "volume" if rid is V22A else "spatial_volume"
        outline = "outline_polygon" if rid is V22A else "footprint"
        url = "uss_base_url" if rid is V22A else "flights_url"

        async def put(body: object) -> Reply:
            return await dss.ask("PUT", f"{rid.areas}/{ONE}", body, scopes=rid.provides)

        def changed(change: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
            body = rid.area(dss, "alfa", rid.extents(dss))
            change(body)
            return body

        (await put(changed(lambda body: body.pop("extents")))).refused(400, "extents")
        (await put(changed(lambda body: body.pop(url)))).refused(400, url)
        (await put({**good, url: "ftp://alfa.example/"})).refused(400, url)
        (await put(changed(lambda body: body["extents"].pop(shape)))).refused(400, f"extents.{shape}")
        no_outline = await put(changed(lambda body: body["extents"][shape].pop(outline)))
        no_outline.refused(400, f"extents.{shape}.{outline}")
        short = await put(changed(lambda body: body["extents"][shape][outline]["vertices"].clear()))
        short.refused(400, f"extents.{shape}.{outline}.vertices")
        far = rid.area(dss, "alfa", rid.extents(dss, at=(130, 23)))
        assert (await put(far)).must(400)["field"].startswith(f"extents.{shape}.{outline}.vertices")
        (await put(rid.area(dss, "alfa", rid.extents(dss, times_min=(-10, 60))))).refused(400, "extents.time_start")
        huge = rid.area(dss, "alfa", rid.extents(dss, side=1))
        (await put(huge)).refused(400, f"extents.{shape}.{outline}.vertices")
        (await put(b"{")).refused(400, "body")
        (await dss.ask("PUT", f"{rid.areas}/nonsense", good, scopes=rid.provides)).refused(400, "id")
        (await put({**good, "more": [1]})).must(200)

    with_dss(tmp_path, work)


@EDITIONS
def test_the_eleventh_subscription_in_an_area_is_too_many(tmp_path: Path, rid: Edition) -> None:
    async def work(dss: Dss) -> None:
        says = Speaker(dss, rid)
        for number in range(10):
            (await says.subscription(uuid(100 + number))).must(200)
        (await says.subscription(uuid(200))).refused(429, "extents")
        (await says.subscription(uuid(200), by="charlie")).must(200)
        (await says.subscription(uuid(100), times_min=(0, 24 * 60 + 10))).refused(400, "extents.time_end")
        version = (await says.get(rid.subscriptions, uuid(100))).must(200)["subscription"]["version"]
        (await says.unsubscribe(uuid(100), "notacorrectversion")).refused(400, "version")
        (await says.unsubscribe(uuid(100), version, by="alfa")).refused(403, "id")
        (await says.unsubscribe(uuid(100), version)).must(200)
        (await says.subscription(uuid(200), by="bravo")).refused(409, "id")
        (await says.subscription(uuid(201))).must(200)

    with_dss(tmp_path, work)


@EDITIONS
def test_a_hundred_areas_at_once_and_nothing_is_lost(tmp_path: Path, rid: Edition) -> None:
    async def work(dss: Dss) -> None:
        says = Speaker(dss, rid)
        (await says.subscription()).must(200)
        ids = [uuid(1000 + number) for number in range(100)]
        made = await asyncio.gather(*[says.area(id) for id in ids])
        indices = [reply.must(200)["subscribers"][0]["subscriptions"][0]["notification_index"] for reply in made]
        assert sorted(indices) == list(range(1, 101))
        assert [each["id"] for each in (await says.found()).must(200)["service_areas"]] == ids
        versions = [reply["service_area"]["version"] for reply in made]
        removed = await asyncio.gather(*[says.remove(id, version) for id, version in zip(ids, versions, strict=True)])
        assert {reply.status for reply in removed} == {200}
        assert (await says.found()).must(200)["service_areas"] == []
        assert (await says.get(rid.subscriptions, SUB)).must(200)["subscription"]["notification_index"] == 200

    with_dss(tmp_path, work)


@EDITIONS
def test_a_write_whose_answer_was_lost_is_answered_again(tmp_path: Path, rid: Edition) -> None:
    """Also after a restart, where the subscription is removed by the number it was last told under."""

    async def lose(dss: Dss) -> tuple[dict[str, Any], dict[str, Any], str]:
        says = Speaker(dss, rid)
        body = rid.area(dss, "alfa", rid.extents(dss))
        path = f"{rid.areas}/{ONE}"
        watched = (await says.subscription()).must(200)["subscription"]["version"]
        await dss.ask("PUT", path, body, scopes=rid.provides, gone=True)
        again = (await dss.ask("PUT", path, body, scopes=rid.provides)).must(200).json
        assert again["subscribers"][0]["subscriptions"] == [{"subscription_id": SUB, "notification_index": 1}]
        (await dss.ask("PUT", path, body, scopes=rid.provides)).refused(409, "id")
        await dss.ask("DELETE", f"{rid.subscriptions}/{SUB}/{watched}", by="bravo", scopes=rid.displays, gone=True)
        return again, body, watched

    async def after(dss: Dss) -> None:
        says = Speaker(dss, rid)
        assert (await dss.ask("PUT", f"{rid.areas}/{ONE}", body, scopes=rid.provides)).must(200).json == made
        gone = (await says.unsubscribe(SUB, watched)).must(200)["subscription"]
        assert (gone["id"], gone["notification_index"]) == (SUB, 1)
        (await says.unsubscribe(SUB, watched)).refused(404, "id")

    made, body, watched = with_dss(tmp_path, lose)
    with_dss(tmp_path, after)


# ── this node's flights, and what it shows ──


VIEW = f"view={HOME[0] - 0.005},{HOME[1] - 0.005},{HOME[0] + 0.005},{HOME[1] + 0.005}"
FLIGHTS, DISPLAY = "/rid/v2/uss/flights", "/rid/v2/observation/display_data"


def test_flights_are_told_to_display_providers_and_whoever_looks_closer_is_on_record() -> None:
    async def work(side: UssSide, alfa: Service) -> None:
        at = side.clock.now()
        await report(side.here, fix(at - timedelta(seconds=30), -50), fix(at))
        found = (await side.ask("GET", f"{FLIGHTS}?{VIEW}&recent_positions_duration=60", scopes=V22A.displays)).must(
            200
        )
        assert found["no_isas_present"] is True
        (flight,) = found["flights"]
        state = flight["current_state"]
        assert state["timestamp"] == {"value": "2026-03-01T12:00:00Z", "format": "RFC3339"}
        assert state["position"]["lat"] == HOME[0]
        assert (state["position"]["alt"], state["position"]["accuracy_h"]) == (120.0, "HA10m")
        assert (state["track"], state["speed"], state["vertical_speed"]) == (361.0, 255.0, 63.0)
        assert flight["aircraft_type"] == "NotDeclared"
        assert len(flight["recent_positions"]) == 2
        assert not any(name in found.body.decode() for name in ("drone-1", "convoy"))
        now_only = (await side.ask("GET", f"{FLIGHTS}?{VIEW}", scopes=V22A.displays)).must(200)
        assert "recent_positions" not in now_only["flights"][0]
        details = (await side.ask("GET", f"{FLIGHTS}/{flight['id']}/details", scopes=V22A.displays)).must(200)
        assert details.json == {"details": {"id": flight["id"], "uas_id": {"utm_id": flight["id"]}}}
        (looked,) = side.here.exchanges("getFlightDetails")
        assert (looked.peer, looked.entity) == ("alfa", flight["id"])
        await side.here.remote_id.look()
        assert (await side.ask("GET", f"{FLIGHTS}?{VIEW}", scopes=V22A.displays))["no_isas_present"] is False
        (area,) = side.node.state.utm.areas
        path = f"/rid/v2/uss/identification_service_areas/{area}"
        extents = (await side.ask("GET", path, scopes=V22A.displays)).must(200)["extents"]
        assert extents["volume"]["outline_circle"]["radius"] == {"value": 5000.0, "units": "M"}

    uss_side(work, rid_parties=("convoy",))


def test_what_is_no_view_or_no_flight_is_refused() -> None:
    async def work(side: UssSide, alfa: Service) -> None:
        async def get(path: str, scopes: str = V22A.displays) -> Reply:
            return await side.ask("GET", path, scopes=scopes)

        for base in (FLIGHTS, DISPLAY):
            for view in ("", "?view=1,2,3", "?view=1,2,3,4,5,6", "?view=a,b,c,d", "?view=0,0,91,0"):
                (await get(f"{base}{view}")).refused(400, "view")
            (await get(f"{base}?view=34,69,35,70")).refused(413, "view")
            (await get(f"{base}?{VIEW}", V22A.provides)).refused(403, "authorization")
        for seconds in ("-1", "61", "x"):
            path = f"{FLIGHTS}?{VIEW}&recent_positions_duration={seconds}"
            (await get(path)).refused(400, "recent_positions_duration")
        await report(side.here, fix(side.clock.now()), party="ground")
        assert (await get(f"{FLIGHTS}?{VIEW}")).must(200)["flights"] == []
        (await get(f"{FLIGHTS}/{ONE}/details")).refused(404, "id")
        (await get(f"/rid/v2/uss/identification_service_areas/{ONE}")).refused(404, "id")
        (await get(f"{DISPLAY}/{ONE}")).refused(404, "id")
        (await get(f"{DISPLAY}/nonsense")).refused(400, "id")

    uss_side(work, rid_parties=("convoy",))


def test_what_others_tell_is_shown_in_the_words_of_the_fields_interface() -> None:
    async def work(side: UssSide, alfa: Service) -> None:
        details = {
            "details": {
                "id": "f1",
                "operator_id": "FIN87",
                "uas_id": {"serial_number": "S1"},
                "operator_location": {
                    "position": {"lat": 1, "lng": 2},
                    "altitude": {"value": 19.5, "reference": "W84", "units": "M"},
                    "altitude_type": "Takeoff",
                },
            }
        }
        alfa.answers = answering(told("f1", side.clock.now()), details=details)
        body = {"extents": side.volume(), "uss_base_url": alfa.url("rid")}
        await side.ask("PUT", f"{V22A.areas}/{ONE}", body, scopes=V22A.provides)
        shown = (await side.ask("GET", f"{DISPLAY}?{VIEW}", scopes=V19.displays)).must(200).json
        (flight,) = shown["flights"]
        assert shown["clusters"] == []
        assert flight["most_recent_position"]["alt"] == 300.5
        assert (flight["current_state"]["speed"], "track" in flight["current_state"]) == (12.5, False)
        assert flight["aircraft_type"] == "Helicopter"
        assert flight["recent_paths"] == [{"positions": [flight["most_recent_position"]]}]
        known = (await side.ask("GET", f"{DISPLAY}/{flight['id']}", scopes=V22A.displays)).must(200).json
        assert known == {
            "operator": {
                "id": "FIN87",
                "location": {"lat": 1.0, "lng": 2.0},
                "altitude": {"altitude": 19.5, "altitude_type": "Takeoff"},
            },
            "uas": {"id": "S1"},
        }
        wide = f"view={HOME[0] - 0.02},{HOME[1] - 0.02},{HOME[0] + 0.02},{HOME[1] + 0.02}"
        large = (await side.ask("GET", f"{DISPLAY}?{wide}", scopes=V22A.displays)).must(200).json
        assert large["flights"] == []
        assert [each["number_of_flights"] for each in large["clusters"]] == [1]

    uss_side(work)


def test_only_parties_of_this_node_can_be_offered(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        wanted = UssSettings(base_url="https://own.example", manager="own", rid_parties=("convoy", "russia"))
        with pytest.raises(Malformed) as caught:
            open_uss(dss.node, wanted, Rules(), cast(Outbound, None), FakeTokens(), dss.services.desk)
        assert (caught.value.field, caught.value.code) == ("f3548.json.uss.rid_parties", "utm_rid_party")

    with_dss(tmp_path, work)

"""UTM services on a line, over real sockets: told of a request, their plans followed, and all of it proven."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from keepclear.cli import main
from keepclear.errors import Malformed
from keepclear.line.utm_requests import constraint_id
from keepclear.model.base import Name
from keepclear.model.parties import LineCard
from keepclear.node.card import card_text, read_card
from keepclear.record import Entry
from keepclear.record.export import write_export
from keepclear.record.note import VerifierKey
from keepclear.record.verify import verify_export
from keepclear.server.f3548.settings import FILE, Settings, read_settings
from keepclear.server.run import Service as Running
from tests.node.skies import Service
from tests.server.desks import LINE, Desk, at, clear_request, desk, free_port, make_home, soon
from tests.server.f3548.surface import CP, INTENTS, SC, SUBSCRIPTIONS
from tests.utm.cast import uuid

IN = (35.1, 39.5)
OUT = (35.6, 39.5)
"""Some 55 km from the volume of the example request."""
SETTINGS: dict[str, Any] = {
    "audiences": ["127.0.0.1"],
    "allow_http_base_urls": True,
    "development_tokens": True,
    "uss": {"base_url": "http://127.0.0.1:9/own", "manager": "keepclear"},
    "line": {
        "line": LINE,
        "party": "south",
        "hours": 12,
        "area": {"name": {"en": "Sukhna", "ar": "السخنة"}, "lat_deg": 35.0, "lon_deg": 39.0, "radius_m": 200_000},
    },
}


class Alfa:
    """A service with one intent and a subscription to constraints, that answers for its details."""

    def __init__(self, dss: httpx.AsyncClient, server: Service) -> None:
        self.dss = dss
        self.server = server
        self.reference: dict[str, Any] = {}
        self.extents: list[dict[str, Any]] = []
        server.answers = self._answer

    async def enter(self) -> None:
        """Subscribe to constraints."""
        extents = {**volume(IN, 40_000), "time_start": time(minutes=0), "time_end": time(hours=20)}
        body = {"extents": extents, "uss_base_url": self.server.url(), "notify_for_constraints": True}
        await self._ask("PUT", f"{SUBSCRIPTIONS}/{uuid(2)}", body, CP)

    async def plan(self, where: tuple[float, float]) -> None:
        """Create the intent there, or change it."""
        self.extents = [{**volume(where, 300), "time_start": time(minutes=30), "time_end": time(hours=3)}]
        ovn = f"/{self.reference['ovn']}" if self.reference else ""
        body = {
            "extents": self.extents,
            "state": "Accepted",
            "uss_base_url": self.server.url(),
            "key": [],
            "new_subscription": {"uss_base_url": self.server.url(), "notify_for_constraints": False},
        }
        answer = await self._ask("PUT", f"{INTENTS}/{uuid(1)}{ovn}", body, SC)
        self.reference = answer["operational_intent_reference"]

    async def end(self) -> None:
        await self._ask("DELETE", f"{INTENTS}/{uuid(1)}/{self.reference['ovn']}", None, SC)

    async def told(self, count: int) -> list[dict[str, Any]]:
        """What it was told of constraints, when that is so many."""
        async with asyncio.timeout(15):
            seen = 0
            while True:
                asked = [body for method, path, body in self.server.asked if path == "/uss/v1/constraints"]
                if len(asked) >= count:
                    return asked
                seen = len(self.server.asked)
                await self.server.heard(seen + 1)

    async def _ask(self, method: str, path: str, body: object, scope: str) -> Any:
        query = {"sub": "alfa", "intended_audience": "127.0.0.1", "scope": scope}
        token = (await self.dss.get("/token", params=query)).json()["access_token"]
        answer = await self.dss.request(method, path, json=body, headers={"authorization": f"Bearer {token}"})
        assert answer.status_code < 300, answer.text
        return answer.json()

    async def _answer(self, method: str, path: str, body: bytes) -> tuple[int, bytes]:
        if method == "GET":
            details = {"volumes": self.extents, "off_nominal_volumes": [], "priority": 0}
            return 200, json.dumps({"operational_intent": {"reference": self.reference, "details": details}}).encode()
        return 204, b""


def time(**ahead: float) -> dict[str, str]:
    return {"value": at(datetime.now(UTC) + timedelta(**ahead)), "format": "RFC3339"}


def volume(where: tuple[float, float], radius_m: float) -> dict[str, Any]:
    circle = {"center": {"lat": where[0], "lng": where[1]}, "radius": {"value": radius_m, "units": "M"}}
    heights = [{"value": height, "reference": "W84", "units": "M"} for height in (0, 120)]
    return {"volume": {"outline_circle": circle, "altitude_lower": heights[0], "altitude_upper": heights[1]}}


@asynccontextmanager
async def scene(folder: Path) -> AsyncIterator[tuple[Desk, Desk, Alfa]]:
    """North, south which stands for UTM services, and the service alfa."""
    line = LineCard(id=LINE, name=Name(en="Avoidance line", ar="خط تجنّب الاصطدام"), members=("north", "south"))
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(Service())
        home = make_home(folder, "south")
        content = {**SETTINGS, "outgoing": {"local_hosts": [server.host]}}
        (home.directory / FILE).write_text(json.dumps(content))
        north = await stack.enter_async_context(desk(make_home(folder, "north")))
        running = Running(home, f3548=f"127.0.0.1:{free_port()}")
        await running.start()
        stack.push_async_callback(running.stop)
        headers = {"authorization": f"Bearer {home.token}"}
        local = httpx.AsyncClient(base_url=running.local_url, headers=headers, trust_env=False, timeout=15)
        south = Desk("south", running, await stack.enter_async_context(local))
        desks = (north, south)
        cards = [
            read_card(card_text(each.service.node.card, (line,), each.service.node.keys[each.service.node.id]))
            for each in desks
        ]
        for each, card in zip(desks, reversed(cards), strict=True):
            await each.service.node.enrol(card.node)
            await each.service.node.open_line(card.lines[0])
        dss = await stack.enter_async_context(httpx.AsyncClient(base_url=running.utm_url, trust_env=False))
        yield north, south, Alfa(dss, server)


def test_a_service_is_told_what_is_to_be_cleared_and_what_it_does_is_seen_on_the_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def story() -> None:
        async with scene(tmp_path) as (north, south, alfa):
            await alfa.enter()
            await alfa.plan(IN)
            plan = await planned(north)
            assert plan["author"] == "south"
            assert plan["plan"]["id"] == f"intent.{uuid(1)}"
            assert plan["plan"]["volumes"][0]["area"] == {"shape": "circle", "centre": list(IN), "radius_m": 300.0}
            assert plan["basis"]["sources"][:2] == ["uss:alfa", "volumes:reference"]
            assert "not checked" in plan["basis"]["note"]["en"]

            # asked, and told
            act = clear_request(datetime.now(UTC) + timedelta(hours=1))
            request = await north.say(**{"kind": act.pop("act"), **act})
            (told,) = await alfa.told(1)
            id = constraint_id(request)
            assert told["constraint_id"] == told["constraint"]["reference"]["id"] == id
            assert told["constraint"]["details"]["type"] == "keepclear.clear_request"
            (cleared,) = told["constraint"]["details"]["volumes"]
            assert cleared["volume"]["outline_circle"]["radius"]["value"] == 15_000

            inside = await south.until(
                request, lambda thread: bool(thread["intents"] and thread["intents"][0]["told_at"])
            )
            (stands,) = inside["intents"]
            assert (stands["state"], stands["service"], stands["told_outcome"]) == ("inside", "alfa", "204")
            assert inside["status"] == "waiting", "no machine answers"
            there = await north.until(request, lambda thread: bool(thread["intents"]))
            assert [each["state"] for each in there["intents"]] == ["inside"]

            # changed
            await alfa.plan(OUT)
            changed = await north.until(request, lambda thread: thread["intents"][0]["state"] == "changed")
            (stands,) = changed["intents"]
            history = south.service.node.state.utm.history[uuid(1)]
            assert stands["change"] == history[-1] != history[0]
            draft = await south.get(f"/api/threads/{request}/residual", party="south")
            (item,) = draft["residual"]
            assert (item["asset"], item["status"]) == (f"intent.{uuid(1)}", "unknown"), "a plan is no position"
            assert set(item["evidence"]) == {stands["act"], stands["change"]}
            assert (draft["intents"][0]["state"], draft["intents"][0]["since"]) == ("changed", stands["since"])
            await south.say("answer", re=request, reply="will_comply")
            done = {"residual": draft["residual"], "evidence": draft["evidence"]}
            await south.say("done", re=request, reported_clear_at=soon(), **done)
            await north.until(request, lambda thread: thread["status"] == "reported_clear")

            # given back
            await north.say("give_back", re=request)
            told_twice = await alfa.told(2)
            assert told_twice[1]["constraint_id"] == id
            assert "constraint" not in told_twice[1]
            assert south.service.node.state.utm.constraints == {}
            await alfa.end()
            await north.until(plan["id"], lambda thread: thread["status"] == "cancelled")
            await proven(south, tmp_path / "out")
            await remembered(south, request)
            await printed(tmp_path / "south", request, capsys)

    asyncio.run(story())


async def planned(desk: Desk) -> dict[str, Any]:
    """The one notice, when it has come."""
    async with asyncio.timeout(15):
        while True:
            notices = [each for each in await desk.get("/api/threads") if each["kind"] == "notice"]
            if notices:
                found: dict[str, Any] = notices[0]
                return found
            await asyncio.sleep(0.05)


async def proven(desk: Desk, out: Path) -> None:
    """The exported record verifies, and holds what the ledger, the messages and the line have seen."""
    node = desk.service.node
    rows = await node.entries(0, node.size)
    keys = {author: VerifierKey.from_vkey(vkey) for author, vkey in (await desk.get("/api/keys")).items()}
    entries = [Entry(row.index, row.recorded_at, row.envelope) for row in rows]
    write_export(out, entries, keys, node.keys[node.id], node.id)
    assert verify_export(out, node=node.id).size == len(rows)
    said = [message.act.__struct_config__.tag for message in node.state.log]
    for kind in ("utm_change", "utm_exchange", "notice", "clear_request", "correction", "done", "give_back", "cancel"):
        assert kind in said
    assert said.count("notice") == 1


async def remembered(south: Desk, request: str) -> None:
    """Any instant of the intent and of the constraint, who was told, and where in the record each stands."""
    path = f"/api/utm/entities/{uuid(1)}"
    whole = await south.get(path)
    assert [each["did"] for each in whole["changes"]] == [
        "createOperationalIntentReference",
        "updateOperationalIntentReference",
        "deleteOperationalIntentReference",
    ]
    assert whole["state"] == []
    assert {each["by"] for each in whole["changes"]} == {"alfa"}
    for change, where in zip(whole["changes"][:2], (IN, OUT), strict=True):
        then = await south.get(path, at=change["at"])
        (intent,) = then["state"]
        centre = intent["volumes"][0]["circle"]["centre"]
        assert tuple(centre) == where
        assert intent["ovn"] == "Available from USS"
        assert len(then["changes"]) == 1 + [IN, OUT].index(where)
        entry = await south.get(f"/api/entries/{change['entry']}")
        assert entry["entry"]["id"] == change["act"]
        assert len(entry["proof"]) > 0
    asked = next(each for each in whole["messages"] if each["did"] == "getOperationalIntentDetails")
    assert (asked["way"], asked["outcome"]) == ("sent", "200")

    closed = await south.get(f"/api/utm/entities/{constraint_id(request)}")
    created, removed = closed["changes"]
    assert [each["is"] for each in created["put"]] == ["constraint", "closure"]
    assert created["put"][1]["act"] == request
    assert removed["gone"] == ["constraint", "closure"]
    for change in (created, removed):
        assert change["pushed"]
        (told,) = change["told"]
        assert (told["subscription"], told["service"], told["answers"][0]["outcome"]) == (uuid(2), "alfa", "204")
    counts = await south.get("/api/utm", exact=True)
    assert (counts["intents"], counts["subscriptions"], counts["owed"]) == (0, 1, 0)
    assert counts["meetings"] == {"coarse": 0, "exact": 0, "undecided": 0}
    missing = await south.http.get(f"/api/utm/entities/{uuid(77)}")
    assert (missing.status_code, missing.json()["error"]["field"]) == (404, "id")
    figures = (await south.http.get("/metrics")).text
    assert 'keepclear_utm_entities{kind="subscription"} 1\n' in figures
    assert "keepclear_utm_owed 0\n" in figures


async def printed(folder: Path, request: str, capsys: pytest.CaptureFixture[str]) -> None:
    """The command says the same to a person, in both languages, and to a program."""

    async def keepclear(*arguments: str) -> str:
        capsys.readouterr()
        assert await asyncio.to_thread(exit_status, [*arguments[:1], str(folder), *arguments[1:]]) == 0
        return capsys.readouterr().out

    en = await keepclear("utm", constraint_id(request))
    assert {"alfa", uuid(2), "204", "deleteConstraintReference", "request behind it: gone"} <= told_in(en)
    ar = await keepclear("utm", constraint_id(request), "--lang", "ar")
    assert f"\u2066{uuid(2)}\u2069" in ar
    assert "من أُبلغ بكل تغيير" in ar
    whole = json.loads(await keepclear("utm", uuid(1), "--json"))
    assert len(whole["changes"]) == 3
    assert "warnings that exactness saves" in await keepclear("utm", "--exact")
    thread = await keepclear("thread", request)
    assert {f"intent.{uuid(1)}", "ended", "Drone operations in the volume, by their plans (no positions)"} <= told_in(
        thread
    )
    assert "approved" not in thread.lower() + en.lower()


def told_in(text: str) -> set[str]:
    """The cells of printed tables, and their titles."""
    return {cell.strip() for line in text.splitlines() for cell in line.split("  ")}


def exit_status(arguments: list[str]) -> int:
    try:
        main(arguments)
    except SystemExit as ended:
        return int(ended.code or 0)
    return 0


def test_a_line_needs_a_service_of_ones_own_and_a_party_of_ones_own(tmp_path: Path) -> None:
    home = make_home(tmp_path, "south")
    content = {key: value for key, value in SETTINGS.items() if key != "uss"}
    (home.directory / FILE).write_text(json.dumps(content))
    with pytest.raises(Malformed) as refused:
        read_settings(home.directory)
    assert refused.value.field == f"{FILE}.uss"

    async def start() -> None:
        settings = msgspec.convert({**SETTINGS, "line": {**SETTINGS["line"], "party": "west"}}, Settings)
        service = Running(home, f3548="127.0.0.1:0", utm=settings)
        with pytest.raises(Malformed) as refused:
            await service.start()
        assert refused.value.field == f"{FILE}.line.party"

    asyncio.run(start())

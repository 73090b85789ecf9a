"""What the local API shows of Remote ID: from another node's DSS side to this one's desk, over real sockets."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

from keepclear.line.state import own_line
from keepclear.server.f3548.settings import read_settings
from keepclear.server.run import Service
from tests.server.desks import Desk, free_port, make_home

VIEW = "34.545,69.195,34.555,69.205"
LARGE = "34.53,69.18,34.57,69.22"


def test_a_desk_sees_what_flies_labelled_and_our_own_flights_bring_an_area_into_the_dss(tmp_path: Path) -> None:
    async def play() -> None:
        home = make_home(tmp_path, "north")
        port = free_port()
        settings: dict[str, Any] = {
            "audiences": ["127.0.0.1"],
            "development_tokens": True,
            "allow_http_base_urls": True,
            "outgoing": {"local_hosts": [f"127.0.0.1:{port}"]},
            "uss": {"base_url": f"http://127.0.0.1:{port}", "manager": "north", "rid_parties": ["north"]},
        }
        (home.directory / "f3548.json").write_text(json.dumps(settings))
        service = Service(home, f3548=f"127.0.0.1:{port}", utm=read_settings(home.directory))
        await service.start()
        headers = {"authorization": f"Bearer {home.token}"}
        try:
            async with httpx.AsyncClient(base_url=service.local_url, headers=headers, trust_env=False) as http:
                await look(Desk("north", service, http))
        finally:
            await service.stop()

    asyncio.run(play())


async def look(desk: Desk) -> None:
    label = {"en": "Remote ID, not verified", "ar": "هوية عن بُعد، لم يتحقق منها أحد"}
    empty = {"label": label, "flights": [], "clusters": [], "silent": []}
    assert await desk.get("/api/remote-id", view=VIEW) == empty
    kept = desk.service.node.subscribe()
    now = datetime.now(UTC)
    fix = {"at": now.isoformat().replace("+00:00", "Z"), "lat_deg": 34.55, "lon_deg": 69.2, "uncertainty_m": 5}
    track = {"asset": "drone-1", "kind": "drone", "sensor": "tracker", "fixes": [fix], "basis": {"kind": "reported"}}
    answer = await desk.post({"act": "positions", "tracks": [track]}, line=own_line("north.node"))
    assert answer.status_code == 201, answer.text
    (flight,) = (await desk.get("/api/remote-id", view=VIEW))["flights"]
    assert (flight["lat_deg"], flight["lon_deg"], flight["alt_wgs84_m"]) == (34.55, 69.2, None)
    assert (flight["service"], flight["simulated"]) == ("127.0.0.1", False)
    large = await desk.get("/api/remote-id", view=LARGE)
    assert large["flights"] == []
    assert [each["flights"] for each in large["clusters"]] == [1]
    async with asyncio.timeout(60):
        async for message in kept:
            if getattr(message.act, "did", "") == "createIdentificationServiceArea":
                break
    scope = "rid.display_provider"
    async with httpx.AsyncClient(base_url=desk.service.utm_url, trust_env=False) as peer:
        asked = {"sub": "south", "intended_audience": "127.0.0.1", "scope": scope}
        token = (await peer.get("/token", params=asked)).json()["access_token"]
        shown = {"authorization": f"Bearer {token}"}
        area = "34.5,69.1,34.5,69.3,34.6,69.3,34.6,69.1"
        found = await peer.get("/rid/v2/dss/identification_service_areas", params={"area": area}, headers=shown)
        (there,) = found.json()["service_areas"]
        flights = await peer.get(
            there["uss_base_url"] + "/uss/flights",
            params={"view": VIEW, "recent_positions_duration": 60},
            headers=shown,
        )
        assert [len(each["recent_positions"]) for each in flights.json()["flights"]] == [1]
    refusal = await desk.http.get("/api/remote-id", params={"view": "34,69,35,70"})
    assert (refusal.status_code, refusal.json()["error"]["field"]) == (400, "view")


def test_a_node_that_is_no_uss_shows_none(tmp_path: Path) -> None:
    async def play() -> None:
        home = make_home(tmp_path, "north")
        service = Service(home)
        await service.start()
        headers = {"authorization": f"Bearer {home.token}"}
        try:
            async with httpx.AsyncClient(base_url=service.local_url, headers=headers, trust_env=False) as http:
                answer = await http.get("/api/remote-id", params={"view": VIEW})
                assert answer.status_code == 404
                assert answer.json()["error"]["field"] == "remote_id"
        finally:
            await service.stop()

    asyncio.run(play())

"""The UTM listener of a node that runs: over real sockets, signed tokens and TLS, with clients that hang up."""

from __future__ import annotations

import asyncio
import json
import ssl
import threading
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from keepclear.errors import Refused
from keepclear.server.f3548.settings import FILE, Settings
from keepclear.server.run import Service
from keepclear.store import NewRow
from tests.server.desks import make_home
from tests.server.f3548.surface import INTENTS, ONE, SC, time
from tests.server.f3548.tokens import claims, pem, rsa_key, token


def bearer(**changed: object) -> dict[str, str]:
    now_s = datetime.now(UTC).timestamp()
    said = {"sub": "alfa", "aud": "127.0.0.1", "exp": now_s + 600, "scope": SC, **changed}
    return {"authorization": f"Bearer {token(body=claims(**said))}"}


def serving(folder: Path, work: Callable[[Service], Awaitable[None]], **settings: object) -> None:
    """Run a node with a UTM listener on a free port, and do the work meanwhile."""

    async def run() -> None:
        home = make_home(folder, "north")
        (home.directory / "authority.pem").write_bytes(pem(rsa_key("issuer")))
        content = {"keys": ["authority.pem"], "audiences": ["127.0.0.1"], **settings}
        (home.directory / FILE).write_text(json.dumps(content))
        service = Service(home, f3548="127.0.0.1:0")
        await service.start()
        try:
            await work(service)
        finally:
            await service.stop()

    asyncio.run(run())


def intent() -> dict[str, object]:
    now = datetime.now(UTC)
    volume = {
        "outline_circle": {"center": {"lat": 34.55, "lng": 69.2}, "radius": {"value": 300, "units": "M"}},
        "altitude_lower": {"value": 0, "reference": "W84", "units": "M"},
        "altitude_upper": {"value": 120, "reference": "W84", "units": "M"},
    }
    extent = {"volume": volume, "time_start": time(now), "time_end": time(now + timedelta(hours=1))}
    return {"extents": [extent], "state": "Accepted", "uss_base_url": "https://alfa.example/utm"}


def test_a_signed_token_opens_it_and_nothing_else_does(tmp_path: Path) -> None:
    async def work(service: Service) -> None:
        assert service.utm_url.startswith("http://127.0.0.1:")
        async with httpx.AsyncClient(base_url=service.utm_url) as http:
            made = await http.put(f"{INTENTS}/{ONE}", json=intent(), headers=bearer())
            assert made.status_code == 201, made.text
            for wrong in (
                {},
                bearer(aud="elsewhere"),
                bearer(exp=1),
                {"authorization": bearer()["authorization"][:-9]},
            ):
                refused = await http.get(f"{INTENTS}/{ONE}", headers=wrong)
                assert (refused.status_code, refused.json()["field"]) == (401, "authorization")
            twice = [("authorization", bearer()["authorization"])] * 2
            assert (await http.get(f"{INTENTS}/{ONE}", headers=twice)).status_code == 401
            assert (await http.get(f"{INTENTS}/{ONE}", headers=bearer(scope=""))).status_code == 403
            assert (await http.get(f"{INTENTS}/{ONE}", headers=bearer(sub="bravo"))).status_code == 200
            # The other listeners know nothing of it.
            assert (await http.get(f"{service.local_url}{INTENTS}/{ONE}", headers=bearer())).status_code == 401

    serving(tmp_path, work)


def test_a_client_that_hung_up_before_its_answer_gets_it_when_it_asks_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def work(service: Service) -> None:
        body = json.dumps(intent()).encode()
        address = service.utm_url.removeprefix("http://")
        host, port = address.split(":")
        head = f"PUT {INTENTS}/{ONE} HTTP/1.1\r\nhost: {address}\r\ncontent-length: {len(body)}\r\n"
        request = f"{head}authorization: {bearer()['authorization']}\r\n\r\n".encode() + body
        hung_up = threading.Event()
        append = service.node.store.append

        def slow(batch: Sequence[NewRow]) -> list[int]:
            assert hung_up.wait(30)
            return append(batch)

        monkeypatch.setattr(service.node.store, "append", slow)
        async with httpx.AsyncClient(base_url=service.utm_url) as http:
            _, writer = await asyncio.open_connection(host, int(port))
            writer.write(request)
            async with asyncio.timeout(30):
                while not service.node.state.utm.ahead:
                    await asyncio.sleep(0)
                writer.close()
                await writer.wait_closed()
                # Another round trip, so the server has heard of it.
                assert (await http.get("/healthy")).status_code == 200
                hung_up.set()
                await service.node.current()
            first = await http.put(f"{INTENTS}/{ONE}", content=body, headers=bearer())
            again = await http.put(f"{INTENTS}/{ONE}", content=body, headers=bearer())
        assert (first.status_code, again.status_code) == (201, 409)
        assert first.json()["operational_intent_reference"]["version"] == 1

    serving(tmp_path, work)


def test_with_a_certificate_it_speaks_tls(tmp_path: Path) -> None:
    async def work(service: Service) -> None:
        assert service.utm_url.startswith("https://")
        trusting = ssl.create_default_context(cafile=str(tmp_path / "north" / "tls.crt"))
        async with httpx.AsyncClient(base_url=service.utm_url, verify=trusting) as http:
            assert (await http.get("/healthy")).text == "ok"

    serving(tmp_path, work, certificate="tls.crt", certificate_key="tls.key")


def test_beyond_this_machine_it_does_not_start_in_plain_http(tmp_path: Path) -> None:
    home = make_home(tmp_path, "north")
    with pytest.raises(Refused) as refused:
        Service(home, f3548="0.0.0.0:0")
    assert refused.value.field == "f3548"
    Service(home, f3548="0.0.0.0:0", utm=Settings(behind_proxy=True))


def test_without_keys_the_node_does_not_start_and_leaves_nothing_open(tmp_path: Path) -> None:
    async def work() -> None:
        service = Service(make_home(tmp_path, "north"), f3548="127.0.0.1:0")
        with pytest.raises(Refused) as refused:
            await service.start()
        assert refused.value.field == "keys"

    asyncio.run(work())


def test_a_node_without_the_option_has_no_such_listener(tmp_path: Path) -> None:
    async def work() -> None:
        service = Service(make_home(tmp_path, "north"))
        await service.start()
        assert service.utm_url == ""
        await service.stop()

    asyncio.run(work())

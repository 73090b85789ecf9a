"""What the listeners refuse, over real sockets; after each refusal the record is as it was."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from litestar.testing import TestClient

from keepclear.errors import Refused
from keepclear.node.node import Node
from keepclear.server.bucket import Buckets
from keepclear.server.local import MAX_BODY_BYTES
from keepclear.server.peer import peer_app
from keepclear.server.run import LOCAL_URL_FILE, Service, host_and_port
from tests.server.desks import Desk, desk, free_port, make_home


@asynccontextmanager
async def one_desk(folder: Path) -> AsyncIterator[Desk]:
    async with desk(make_home(folder, "north")) as north:
        yield north


def own(act: str) -> str:
    return json.dumps({"party": "north", "line": "own.north.node", "said": {"role": "r", "act": json.loads(act)}})


REMARK = '{"act": "remark", "re": "' + "0" * 64 + '", "words": {"text": "w", "lang": "en"}}'
CHECK = '{"role": "r", "act": {"act": "line_check"}}'

BODIES: dict[str, tuple[bytes, int, str, str]] = {
    "nothing": (b"", 400, "body", "not_json"),
    "not json": (b"{", 400, "body", "not_json"),
    "a list": (b"[]", 400, "", "malformed"),
    "too large": (b"{" + b" " * MAX_BODY_BYTES + b"}", 413, "", "too_large"),
    "not utf-8": (b'{"party": "\xff"}', 400, "body", "not_json"),
    "no party": (b'{"line": "a", "said": {}}', 400, "party", "malformed"),
    "party of a wrong kind": (b'{"party": 1, "line": "a", "said": {}}', 400, "party", "malformed"),
    "an unknown field": (b'{"party": "north", "line": "a", "said": {}, "more": 1}', 400, "more", "malformed"),
    "a name twice": (f'{{"party": "south", "party": "north", "line": "a", "said": {CHECK}}}'.encode(), 400, "body",
                     "duplicate_field"),
    "a name twice inside": (own('{"act": "line_check"}').replace('"role": "r"', '"role": "r", "role": "q"').encode(),
                            400, "said.role", "duplicate_field"),
    "no such act": (own('{"act": "strike"}').encode(), 400, "said.act.act", "malformed"),
    "an unknown field inside": (own('{"act": "line_check", "target": "x"}').encode(), 400, "said.act.target",
                                "unknown_field"),
    "a hidden character": (own(REMARK.replace('"w"', '"a\\u202eb"')).encode(), 400, "said.act.words.text", "malformed"),
    "nested deep": (b'{"party": ' + b"[" * 40_000, 400, "party", "malformed"),
    "a name twice and a figure of many digits": (
        b'{"party": "a", "party": "north", "line": "a", "said": ' + b"9" * 5000 + b"}", 400, "body", "not_json"),
    "nested deep inside": (b'{"party": "north", "line": "a", "said": ' + b"[" * 40_000, 400, "body", "not_json"),
    "another's party": (f'{{"party": "south", "line": "a", "said": {CHECK}}}'.encode(), 403, "party", "not_hosted"),
    "no such line": (f'{{"party": "north", "line": "a", "said": {CHECK}}}'.encode(), 400, "line", "unknown_line"),
    "about nothing": (own(REMARK).encode(), 400, "said.act.re", "unknown_act"),
}  # fmt: skip


def test_what_is_posted_wrongly_is_refused_and_changes_nothing(tmp_path: Path) -> None:
    async def story() -> dict[str, tuple[int, str, str]]:
        found: dict[str, tuple[int, str, str]] = {}
        async with one_desk(tmp_path) as north:
            size = north.service.node.size
            for name, (body, *_) in BODIES.items():
                answer = await north.http.post("/api/acts", content=body)
                error = answer.json()["error"]
                assert answer.headers["content-type"] == "application/problem+json"
                found[name] = (answer.status_code, error["field"], error["code"])
                assert north.service.node.size == size, name
        return found

    found = asyncio.run(story())
    for name, (_, *expected) in BODIES.items():
        assert found[name] == tuple(expected), name


QUESTIONS: list[tuple[str, int, str]] = [
    ("/api/threads?att=2026-01-01T00:00:00Z", 400, "att"),
    ("/api/threads?at=yesterday", 400, "at"),
    ("/api/threads?at=2026-01-01T00:00:00", 400, "at"),
    ("/api/threads?at=2026-01-01T00:00:00%2B03:00", 400, "at"),
    ("/api/threads?at=1800-01-01T00:00:00Z", 400, "at"),
    ("/api/threads?party=south", 403, "party"),
    ("/api/threads?party=north.node", 403, "party"),
    ("/api/threads/abcdef12", 404, "id"),
    ("/api/threads/ABC", 400, "id"),
    ("/api/threads/..%2f..%2ftoken", 404, "path"),
    ("/api/entries/9999", 404, "index"),
    ("/api/entries/-1", 400, "id"),
    ("/api/timeline?limit=1001", 400, "limit"),
    ("/api/timeline?limit=x", 400, "limit"),
    ("/api/name?lat=91&lon=0", 400, "lat_deg"),
    ("/api/name?lat=nan&lon=0", 400, "lat_deg"),
    ("/api/name?lat=1", 400, "lon"),
    ("/api/proof/inclusion?index=0&size=99", 400, "size"),
    ("/api/proof/consistency?from=0", 400, "from"),
    ("/api/leaves?start=0&count=257", 400, "count"),
    ("/api/phrases/fr", 404, "lang"),
    ("/api/nothing", 404, ""),
    ("//api/threads", 404, "path"),
    ("/%2fapi/threads", 404, "path"),
    ("/node.json", 404, "path"),
    ("/%2e%2e/token", 404, "path"),
]


def test_what_is_asked_wrongly_is_refused_with_the_field_named(tmp_path: Path) -> None:
    async def story() -> list[tuple[str, int, str]]:
        async with one_desk(tmp_path) as north:
            found = []
            for path, *_ in QUESTIONS:
                answer = await north.http.get(path)
                found.append((path, answer.status_code, answer.json()["error"]["field"]))
            return found

    assert asyncio.run(story()) == QUESTIONS


def test_neither_a_wrong_token_nor_a_foreign_name_comes_through(tmp_path: Path) -> None:
    async def story() -> None:
        async with one_desk(tmp_path) as north, httpx.AsyncClient(trust_env=False) as stranger:
            url = north.service.local_url
            for headers in (
                {},
                {"authorization": "Bearer x"},
                {"cookie": f"token={north.http.headers['authorization']}"},
            ):
                for path in ("/api/status", "/api/events", "/api/openapi.json", "/metrics"):
                    assert (await stranger.get(url + path, headers=headers)).status_code == 401
            answer = await north.http.get("/api/status", headers={"host": "rebound.example"})
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "wrong_host")
            page = await stranger.get(url + "/")
            assert page.status_code == 200
            assert "default-src 'self'" in page.headers["content-security-policy"]
            assert north.http.headers["authorization"].removeprefix("Bearer ") not in page.text
            assert (await stranger.get(url + "/healthz")).text == "alive\n"
            assert (await stranger.get(url + "/readyz")).text == "ready\n"
            assert "keepclear_entries 1" in (await north.http.get("/metrics")).text

    asyncio.run(story())


def test_the_peer_listener_has_nothing_but_what_peers_say(tmp_path: Path) -> None:
    async def story() -> None:
        async with one_desk(tmp_path) as north:
            card = north.service.node.card
            context = ssl.create_default_context(cadata=card.certificate)
            context.check_hostname = False
            headers = dict(north.http.headers)
            async with httpx.AsyncClient(
                base_url=card.address, verify=context, headers=headers, trust_env=False
            ) as peer:
                for path in ("/", "/api/status", "/api/acts", "/api/events", "/metrics", "/peer/v1/acts", "/peer"):
                    assert (await peer.get(path)).status_code in (404, 405), path
                assert (await peer.post("/peer/v1/acts", content=b"{}")).json()["trouble"]["code"] == "unknown_version"
                large = await peer.post("/peer/v1/acts", content=b" " * (2 * 2**20 + 1))
                assert large.status_code == 413
                assert (await peer.post("/peer/v1/pull", content=b"x")).json()["trouble"]["code"] != ""
                assert (await peer.get("/peer/v1/checkpoint")).status_code == 405
            with pytest.raises(httpx.ConnectError):
                async with httpx.AsyncClient(verify=ssl.create_default_context(), trust_env=False) as stranger:
                    await stranger.get(f"{card.address}/peer/v1/checkpoint")

    asyncio.run(story())


def test_no_way_of_writing_a_path_comes_round_the_token(tmp_path: Path) -> None:
    paths = ["//api/threads", "/%2fapi/threads", "/./api/threads", "/api%2fthreads", "/%61pi/threads", "/metrics/",
             "//metrics", "//api/events", "//api/leaves?start=0", "/api/threads/../threads"]  # fmt: skip

    async def answer(port: int, path: str, host: str) -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"GET {path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        await writer.drain()
        first = await asyncio.wait_for(reader.readline(), 5)
        writer.close()
        return int(first.split()[1])

    async def story() -> None:
        async with one_desk(tmp_path) as north:
            port = int(north.service.local_url.rpartition(":")[2])
            found = {path: await answer(port, path, "localhost") for path in paths}
            assert {path: status for path, status in found.items() if status not in (401, 404)} == {}
            assert await answer(port, "/healthz", "127.0.0.1:65535") == 200
            assert await answer(port, "/healthz", "127.0.0.1:99999") == 403

    asyncio.run(story())


def test_a_flood_of_one_peer_is_met_before_anything_is_read() -> None:
    now = [0.0]
    app = peer_app(cast("Node", object()), Buckets(burst=3, per_s=1), lambda: now[0])
    with TestClient(app) as http:
        assert [http.post("/peer/v1/pull", content=b"x").status_code for _ in range(4)] == [200, 200, 200, 429]
        refused = http.post("/peer/v1/acts", content=b"x")
        assert (refused.status_code, refused.json()["error"]["code"]) == (429, "too_many")
        assert refused.headers["retry-after"] == "1"
        now[0] = 2.0
        assert [http.post("/peer/v1/pull", content=b"x").status_code for _ in range(3)] == [200, 200, 429]


@pytest.mark.parametrize("local", ["0.0.0.0:0", "192.0.2.1:0", "[::]:0", "example.org:0"])
def test_the_local_listener_stays_on_this_machine(tmp_path: Path, local: str) -> None:
    with pytest.raises(Refused) as refused:
        Service(make_home(tmp_path, "north"), local=local)
    assert (refused.value.field, refused.value.code) == ("local", "not_loopback")
    Service(make_home(tmp_path / "other", "north"), local=local, behind_proxy="line.example")


@pytest.mark.parametrize("text", ["", "x", "127.0.0.1", "127.0.0.1:x", "127.0.0.1:70000", ":1", "a@b:1", "a:1/x"])
def test_an_address_is_a_host_and_a_port(text: str) -> None:
    with pytest.raises(Refused) as refused:
        host_and_port(text, "local")
    assert (refused.value.field, refused.value.code) == ("local", "address_unreadable")


def test_an_address_in_use_is_said_and_leaves_nothing_open(tmp_path: Path) -> None:
    async def story() -> None:
        port = free_port()
        home = make_home(tmp_path, "north")
        taken = await asyncio.start_server(lambda reader, writer: None, "127.0.0.1", port)
        async with taken:
            with pytest.raises(Refused) as refused:
                await Service(home, local=f"127.0.0.1:{port}").start()
            assert (refused.value.field, refused.value.code) == ("local", "address_in_use")
        service = Service(home, local=f"127.0.0.1:{port}")
        await service.start()
        assert (home.directory / LOCAL_URL_FILE).read_text().strip() == service.local_url == f"http://127.0.0.1:{port}"
        await service.stop()
        assert not (home.directory / LOCAL_URL_FILE).exists()

    asyncio.run(story())


def test_a_second_node_on_the_same_folder_is_refused(tmp_path: Path) -> None:
    async def story() -> Any:
        home = make_home(tmp_path, "north")
        first = Service(home)
        await first.start()
        try:
            with pytest.raises(Exception) as failed:
                await Service(home, peers=f"127.0.0.1:{free_port()}").start()
            return failed.value
        finally:
            await first.stop()

    assert type(asyncio.run(story())).__name__ == "StoreFailed"

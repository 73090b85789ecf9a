"""What stands before the local API: host name, token, headers."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest

from keepclear.server.guard import LocalGuard
from keepclear.server.tokens import Tokens

TOKEN = "a-token-of-some-length"


async def inside(scope: Any, receive: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": [(b"cache-control", b"max-age=9")]})
    await send({"type": "http.response.body", "body": b"inside"})


def ask(path: str, *headers: tuple[str, str], names: tuple[str, ...] = ("localhost", "127.0.0.1", "[::1]")) -> Any:
    """The status, headers and body of one request through the guard."""
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    scope = {"type": "http", "path": path, "headers": [(n.encode(), v.encode()) for n, v in headers]}
    guard = LocalGuard(inside, Tokens(TOKEN, Path("nowhere")), names, ("/", "/assets/a.js"))
    asyncio.run(guard(scope, None, send))  # type: ignore[arg-type]
    return sent[0]["status"], dict(sent[0]["headers"]), sent[1]["body"]


BEARER: tuple[str, str] = ("authorization", f"Bearer {TOKEN}")


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "127.0.0.1:8017", "LOCALHOST:1", "[::1]:8017"])
def test_our_own_names_are_answered(host: str) -> None:
    assert ask("/api/status", ("host", host), BEARER)[0] == 200


@pytest.mark.parametrize(
    "host",
    ["", "evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "evil.example:8017", "127.0.0.2",
     "localhost:8017@evil", "localhost:x", "[::2]"],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/", "/api/status", "/healthz"])
def test_a_foreign_host_name_is_refused_everywhere(host: str, path: str) -> None:
    status, _, body = ask(path, ("host", host), BEARER)
    assert status == 403
    assert msgspec.json.decode(body)["error"]["code"] == "wrong_host"


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", "Bearer wrong", f"Basic {TOKEN}", TOKEN, f"Bearer {TOKEN}x", f"Bearer {TOKEN[:-1]}",
     f"Bearer  x{TOKEN}"],
)  # fmt: skip
@pytest.mark.parametrize("path", ["/api/status", "/api", "/api/", "/metrics", "/api/events"])
def test_a_wrong_token_is_refused(authorization: str, path: str) -> None:
    status, headers, body = ask(path, ("host", "localhost"), ("authorization", authorization))
    assert status == 401
    assert headers[b"www-authenticate"] == b"Bearer"
    assert b"inside" not in body


@pytest.mark.parametrize("path", ["/nothing", "/assets", "/assets/b.js", "/index.html/", "/API/threads", "/metrics/"])
def test_whatever_is_not_one_of_them_needs_it(path: str) -> None:
    assert ask(path, ("host", "localhost"))[0] == 401


@pytest.mark.parametrize(
    "path",
    ["//", "//api/threads", "//api//threads", "/api//threads", "/./api/threads", "/api/../api/threads", "/api/..",
     "/assets/../api/threads", "//metrics", "", "api/threads", "http://localhost/api/threads"],
)  # fmt: skip
@pytest.mark.parametrize("headers", [(), (BEARER,)])
def test_a_path_written_in_an_unusual_way_is_not_looked_at(path: str, headers: tuple[tuple[str, str], ...]) -> None:
    status, _, body = ask(path, ("host", "localhost"), *headers)
    assert status == 404
    assert b"inside" not in body


@pytest.mark.parametrize("path", ["/api/threads", "/api/threads/", "/assets/a..b", "/api/threads/...", "/.well-known"])
def test_any_other_path_is_let_through_with_the_token(path: str) -> None:
    assert ask(path, ("host", "localhost"), BEARER)[0] == 200


@pytest.mark.parametrize("path", ["/", "/assets/a.js", "/healthz", "/readyz"])
def test_the_consoles_files_need_no_token(path: str) -> None:
    assert ask(path, ("host", "localhost"))[0] == 200


@pytest.mark.parametrize(("path", "status"), [("/", 200), ("/api/status", 401), ("/api/status", 200)])
def test_every_answer_tells_the_browser_what_it_may_not_do(path: str, status: int) -> None:
    given = [("host", "localhost"), *([BEARER] if status == 200 else [])]
    found, headers, _ = ask(path, *given)
    assert found == status
    policy = headers[b"content-security-policy"].decode()
    for rule in ("default-src 'self'", "frame-ancestors 'none'", "base-uri 'none'", "form-action 'none'"):
        assert rule in policy
    assert "unsafe" not in policy
    assert headers[b"x-content-type-options"] == b"nosniff"
    assert headers[b"cache-control"] == (b"max-age=9" if path == "/" else b"no-store")


def test_a_proxys_name_is_answered_where_it_was_named() -> None:
    assert ask("/", ("host", "line.example"), names=("localhost", "line.example"))[0] == 200


def test_a_refusal_is_in_the_callers_language() -> None:
    _, _, body = ask("/api/status", ("host", "localhost"), ("accept-language", "ar-SY,en;q=0.5"))
    assert "العقدة" in msgspec.json.decode(body)["detail"]

"""Access tokens for calls: signed here, or asked of a server, once for as long as they last."""

from __future__ import annotations

import asyncio
import json
import stat
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from joserfc import jwt
from joserfc.jwk import RSAKey

from keepclear.errors import CallFailed, Malformed
from keepclear.node.access_tokens import (
    DEVELOPMENT_KEY,
    RENEWED_S,
    SelfSigned,
    Style,
    TokenKey,
    TokenServer,
    audience_of,
    development_key,
    read_token_key,
)
from keepclear.node.outbound import Outbound
from keepclear.node.outbound_url import NotCallable

NOW = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)
URL = "https://uss.example.org:8443/uss/v1/reports"
SCOPE = "utm.strategic_coordination"


@pytest.fixture(scope="module")
def key() -> TokenKey:
    return TokenKey(rsa.generate_private_key(public_exponent=65537, key_size=2048))


def claims(token: str, key: TokenKey) -> dict[str, Any]:
    return jwt.decode(token, RSAKey.import_key(key.key.public_key()), ["RS256"]).claims


def test_the_audience_is_the_host_without_the_port() -> None:
    assert audience_of(URL) == "uss.example.org"
    assert audience_of("http://USS.example.org") == "uss.example.org"
    with pytest.raises(NotCallable):
        audience_of("https://uss.example.org@evil.example/")


def test_a_token_signed_here_says_who_for_whom_and_until_when(key: TokenKey) -> None:
    source = SelfSigned(key, "uss_north", "keepclear.example")
    found = claims(asyncio.run(source.token(URL, ["b", "a"], NOW)), key)
    assert (found["sub"], found["iss"], found["aud"]) == ("uss_north", "keepclear.example", "uss.example.org")
    assert found["scope"] == "a b"
    assert 0 < found["exp"] - NOW.timestamp() <= 3600
    assert found["nbf"] <= NOW.timestamp()


def test_a_token_is_signed_anew_for_other_scopes_another_audience_and_before_it_ends(key: TokenKey) -> None:
    source = SelfSigned(key, "uss_north", "x")

    def token(url: str = URL, scope: str = SCOPE, after_s: float = 0) -> str:
        return asyncio.run(source.token(url, [scope], NOW + timedelta(seconds=after_s)))

    first = token()
    ends_s = claims(first, key)["exp"] - NOW.timestamp()
    assert token() == token("https://uss.example.org/other") == token(after_s=ends_s - RENEWED_S) == first
    later = token(after_s=ends_s - RENEWED_S + 1)
    assert len({first, later, token(scope="other"), token("https://dss.example.org/")}) == 4
    assert claims(later, key)["exp"] > claims(first, key)["exp"]


def test_the_development_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    made = development_key(tmp_path)
    file = tmp_path / DEVELOPMENT_KEY
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert made.key.key_size == 2048
    assert [each.name for each in tmp_path.iterdir()] == [DEVELOPMENT_KEY]
    assert development_key(tmp_path).key.private_numbers() == made.key.private_numbers()
    assert "2048" in repr(made)
    file.chmod(0o640)
    with pytest.raises(Malformed) as refused:
        development_key(tmp_path)
    assert refused.value.code == "not_private"


@pytest.mark.parametrize("content", [b"", b"hello", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"])
def test_a_file_that_holds_no_key_is_refused_by_name(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "own.pem"
    file.write_bytes(content)
    file.chmod(0o600)
    with pytest.raises(Malformed) as refused:
        read_token_key(file)
    assert refused.value.field == "own.pem"


def test_a_key_that_is_weak_or_of_another_kind_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "own.pem"
    for made in (
        rsa.generate_private_key(public_exponent=65537, key_size=1024),
        ec.generate_private_key(ec.SECP256R1()),
    ):
        file.write_bytes(made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
        file.chmod(0o600)
        with pytest.raises(Malformed, match="2048"):
            read_token_key(file)


class Server:
    """An authorization server: what it was asked, and what it says."""

    def __init__(self, body: object, status: int = 200) -> None:
        self.body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.status = status
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.heads: list[str] = []

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        method, target, _ = head.split(" ", 2)
        lengths = [line for line in head.lower().split("\r\n") if line.startswith("content-length:")]
        body = (await reader.readexactly(int(lengths[0].split(":")[1]))).decode() if lengths else ""
        given = parse_qs(body if method == "POST" else target.partition("?")[2], keep_blank_values=True)
        self.asked.append((method, {name: value for name, [value] in given.items()}))
        self.heads.append(head.lower())
        writer.write(
            f"HTTP/1.1 {self.status} X\r\ncontent-length: {len(self.body)}\r\nconnection: close\r\n\r\n".encode()
            + self.body
        )
        await writer.drain()
        writer.close()


@asynccontextmanager
async def asking(server: Server, style: Style) -> AsyncIterator[TokenServer]:
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    place = f"127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    outbound = Outbound([], [place], allow_http=True)
    try:
        yield TokenServer(outbound, f"http://{place}/token", style, "uss_north", "s&cret")
    finally:
        await outbound.close()
        listening.close()


def test_a_server_of_test_set_ups_is_asked_with_a_query() -> None:
    async def story() -> None:
        server = Server({"access_token": "a.b.c"})
        async with asking(server, Style.DUMMY) as source:
            assert await source.token(URL, ["b", "a"], NOW) == "a.b.c"
        [(method, given)] = server.asked
        assert method == "GET"
        assert given["scope"] == "a b"
        assert (given["intended_audience"], given["sub"]) == ("uss.example.org", "uss_north")
        assert given["grant_type"] == "client_credentials"
        assert "s%26cret" not in server.heads[0]

    asyncio.run(story())


def test_an_authorization_server_is_asked_with_a_form() -> None:
    async def story() -> None:
        server = Server({"access_token": "a.b.c", "token_type": "Bearer", "expires_in": 300})
        async with asking(server, Style.OAUTH) as source:
            assert await source.token(URL, [SCOPE], NOW) == "a.b.c"
        [(method, given)] = server.asked
        assert method == "POST"
        assert given == {
            "grant_type": "client_credentials",
            "scope": SCOPE,
            "client_id": "uss_north",
            "client_secret": "s&cret",
            "audience": "uss.example.org",
        }
        assert "content-type: application/x-www-form-urlencoded" in server.heads[0]

    asyncio.run(story())


def test_a_token_is_asked_for_once_for_as_long_as_it_lasts() -> None:
    async def story() -> None:
        server = Server({"access_token": "a.b.c", "expires_in": 300})
        async with asking(server, Style.OAUTH) as source:
            await asyncio.gather(*(source.token(URL, [SCOPE], NOW) for _ in range(5)))
            await source.token(URL, [SCOPE], NOW + timedelta(seconds=300 - RENEWED_S))
            assert len(server.asked) == 1
            await source.token(URL, [SCOPE], NOW + timedelta(seconds=301 - RENEWED_S))
            assert len(server.asked) == 2

    asyncio.run(story())


def test_how_long_a_token_lasts_is_read_from_it_where_the_server_does_not_say(key: TokenKey) -> None:
    async def story() -> None:
        server = Server({"access_token": key.sign({"exp": int(NOW.timestamp()) + 600})})
        async with asking(server, Style.DUMMY) as source:
            await source.token(URL, [SCOPE], NOW)
            await source.token(URL, [SCOPE], NOW + timedelta(seconds=600 - RENEWED_S))
            assert len(server.asked) == 1
            await source.token(URL, [SCOPE], NOW + timedelta(seconds=601 - RENEWED_S))
            assert len(server.asked) == 2

    asyncio.run(story())


NO_TOKEN: dict[str, tuple[object, int]] = {
    "refused": ({"error": "invalid_client"}, 401),
    "created": ({"access_token": "a.b.c"}, 201),
    "no JSON": (b"<html>", 200),
    "not UTF-8": (b'{"access_token":"\xff"}', 200),
    "no token": ({}, 200),
    "token is a number": ({"access_token": 7}, 200),
    "token with a line break": ({"access_token": "a\r\nx: y"}, 200),
    "empty token": ({"access_token": ""}, 200),
    "token without end": ({"access_token": "a" * 9000}, 200),
    "lasts for words": ({"access_token": "a.b.c", "expires_in": "soon"}, 200),
    "nested without end": (b"[" * 100_000, 200),
}


@pytest.mark.parametrize("name", NO_TOKEN)
def test_an_answer_without_a_token_is_none(name: str) -> None:
    async def story() -> None:
        async with asking(Server(*NO_TOKEN[name]), Style.OAUTH) as source:
            with pytest.raises(CallFailed) as failed:
                await source.token(URL, [SCOPE], NOW)
            assert failed.value.code == "outbound_no_token"
            assert "cret" not in str(failed.value)

    asyncio.run(story())


def test_a_token_server_that_may_not_be_called_is_refused_at_once() -> None:
    with pytest.raises(NotCallable):
        TokenServer(Outbound(["uss.example.org"]), "https://auth.example.org/token", Style.OAUTH, "uss_north")

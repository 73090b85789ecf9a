"""Calls to services are as the settings allow them, and a setting that is wrong is named."""

from __future__ import annotations

import asyncio
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from keepclear.errors import Malformed
from keepclear.node.access_tokens import TokenServer
from keepclear.node.outbound_url import NotCallable
from keepclear.server.f3548.auth import Verifier
from keepclear.server.f3548.keys import public_key
from keepclear.server.f3548.outgoing import Outgoing, open_outgoing
from keepclear.server.f3548.settings import FILE, Settings, read_settings, verifier_of
from tests.server.f3548.tokens import NOW, rsa_key

URL = "https://uss.example.org/uss/v1"


def key_file(folder: Path, mode: int = 0o600) -> str:
    file = folder / "own.pem"
    file.write_bytes(rsa_key("own").private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    file.chmod(mode)
    return file.name


def token(settings: Outgoing, folder: Path, *, development: bool = False, at: datetime = NOW) -> str:
    async def asked() -> str:
        outbound, tokens = open_outgoing(settings, folder, "uss_north", allow_http=False, development=development)
        try:
            return await tokens.token(URL, ["a.read"], at)
        finally:
            await outbound.close()

    return asyncio.run(asked())


def test_tokens_signed_with_ones_own_key_are_taken_by_who_has_the_public_one(tmp_path: Path) -> None:
    settings = Outgoing(token_key=key_file(tmp_path), issuer="north.example")
    verifier = Verifier([public_key(rsa_key("own").public_key())], ["uss.example.org"], ["north.example"])
    asker = verifier.asker(f"Bearer {token(settings, tmp_path)}", NOW)
    assert (asker.sub, asker.scopes) == ("uss_north", frozenset({"a.read"}))


def test_in_development_the_development_key_signs(tmp_path: Path) -> None:
    shown = f"Bearer {token(Outgoing(), tmp_path, development=True)}"
    verifier = verifier_of(Settings(audiences=("uss.example.org",), development_tokens=True), tmp_path)
    assert verifier.asker(shown, NOW).sub == "uss_north"


def test_only_the_hosts_of_the_settings_are_called(tmp_path: Path) -> None:
    settings = Outgoing(hosts=("uss.example.org",), local_hosts=("localhost:8083",), token_key=key_file(tmp_path))
    for allow_http in (False, True):
        outbound, _ = open_outgoing(settings, tmp_path, "uss_north", allow_http=allow_http, development=False)
        assert outbound.check(URL).host == "uss.example.org"
        assert outbound.check("https://localhost:8083/").port == 8083
        refused = ["https://uss.example.com/", "https://localhost/"]
        for url in refused if allow_http else [*refused, "http://localhost:8083/"]:
            with pytest.raises(NotCallable):
                outbound.check(url)


def test_the_secret_is_read_from_a_file_of_its_owner(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("correct horse\n")
    settings = Outgoing(hosts=("auth.example.org",), token_url="https://auth.example.org/token", client_secret="secret")
    secret.chmod(0o644)
    with pytest.raises(Malformed) as refused:
        open_outgoing(settings, tmp_path, "uss_north", allow_http=False, development=False)
    assert (refused.value.field, refused.value.code) == ("secret", "not_private")
    secret.chmod(0o600)
    _, tokens = open_outgoing(settings, tmp_path, "uss_north", allow_http=False, development=False)
    assert isinstance(tokens, TokenServer)
    secret.write_text("\n")
    with pytest.raises(Malformed) as refused:
        open_outgoing(settings, tmp_path, "uss_north", allow_http=False, development=False)
    assert refused.value.field == "secret"


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({}, "f3548.json.outgoing.token_key", "utm_token_source"),
    ({"token_key": "own.pem", "token_url": URL}, "f3548.json.outgoing.token_url", "utm_token_source"),
    ({"token_key": "gone.pem"}, "gone.pem", "malformed"),
    ({"token_url": URL}, "f3548.json.outgoing.token_url", "outbound_not_enrolled"),
    (
        {"token_url": "http://uss.example.org/", "hosts": ["uss.example.org"]},
        "f3548.json.outgoing.token_url",
        "outbound_https",
    ),
    ({"token_key": "own.pem", "hosts": ["*"]}, "f3548.json.outgoing.hosts", "outbound_host"),
    ({"token_key": "own.pem", "local_hosts": ["a:0"]}, "f3548.json.outgoing.local_hosts", "outbound_port"),
    ({"token_key": "own.pem", "authorities": "gone.pem"}, "f3548.json.outgoing.authorities", "outbound_authorities"),
]


@pytest.mark.parametrize(("given", "field", "code"), BAD)
def test_a_setting_that_is_wrong_is_named(tmp_path: Path, given: dict[str, Any], field: str, code: str) -> None:
    key_file(tmp_path)
    with pytest.raises(Malformed) as refused:
        open_outgoing(msgspec.convert(given, Outgoing), tmp_path, "uss_north", allow_http=False, development=False)
    assert (refused.value.field, refused.value.code) == (field, code)


def test_they_are_part_of_the_settings_of_the_listener(tmp_path: Path) -> None:
    file = tmp_path / FILE
    file.write_text('{"outgoing": {"hosts": ["uss.example.org"], "token_style": "dummy"}}')
    found = read_settings(tmp_path).outgoing
    assert found is not None
    assert found.hosts == ("uss.example.org",)
    file.write_text('{"outgoing": {"host": ["uss.example.org"]}}')
    with pytest.raises(Malformed) as refused:
        read_settings(tmp_path)
    assert refused.value.field == f"{FILE}.outgoing.host"

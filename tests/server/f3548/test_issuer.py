"""Tokens for development: whoever asks gets one, where it is switched on, and it opens this listener only."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import pytest
import structlog

from keepclear.errors import KeepclearError, Malformed, Refused
from keepclear.node.access_tokens import DEVELOPMENT_KEY, development_key
from keepclear.server.f3548.auth import Unauthenticated
from keepclear.server.f3548.issuer import MAX_SCOPES, development_routes
from keepclear.server.f3548.routes import Answer, Call
from keepclear.server.f3548.settings import FILE, Settings, read_settings, verifier_of
from keepclear.utm.ruling import Asker
from tests.server.f3548.tokens import NOW, NOW_S, pem, rsa_key, token

ASKED = {"sub": "uss_north", "intended_audience": "localhost", "scope": "a.read b.write"}
DEVELOPMENT = Settings(audiences=("localhost",), development_tokens=True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("node")


def ask(folder: Path, **changed: str | None) -> str:
    """The token that the route gives for these parameters; one that is None is left out."""
    [route] = development_routes(development_key(folder))
    assert (route.method, route.path, route.scopes) == ("GET", "/token", None)
    query = {name: value for name, value in {**ASKED, **changed}.items() if value is not None}
    services = SimpleNamespace(desk=SimpleNamespace(now=lambda: NOW))

    async def asked() -> Answer:
        return await route.handler(services, Call(Asker(""), {}, query, b""))

    answer = asyncio.run(asked())
    assert answer.status == 200
    found: dict[str, str] = json.loads(answer.body)
    return found["access_token"]


def test_a_token_of_the_route_opens_the_listener_it_is_for(folder: Path) -> None:
    asker = verifier_of(DEVELOPMENT, folder).asker(f"Bearer {ask(folder)}", NOW)
    assert (asker.sub, asker.scopes) == ("uss_north", frozenset({"a.read", "b.write"}))


def test_without_the_setting_the_development_key_opens_nothing(folder: Path) -> None:
    (folder / "authority.pem").write_bytes(pem(rsa_key("issuer")))
    strict = Settings(audiences=("localhost", "dss.example.org"), keys=("authority.pem",))
    with pytest.raises(Unauthenticated):
        verifier_of(strict, folder).asker(f"Bearer {ask(folder)}", NOW)
    both = msgspec.structs.replace(strict, development_tokens=True)
    assert verifier_of(both, folder).asker(f"Bearer {ask(folder)}", NOW).sub == "uss_north"
    assert verifier_of(both, folder).asker(f"Bearer {token()}", NOW).sub == "uss_north"


def test_without_keys_and_without_the_setting_nothing_is_verified(tmp_path: Path) -> None:
    with pytest.raises(Malformed) as refused:
        verifier_of(Settings(audiences=("localhost",)), tmp_path)
    assert refused.value.code == "utm_no_keys"
    assert not (tmp_path / DEVELOPMENT_KEY).exists()


def test_issuer_and_end_may_be_chosen(folder: Path) -> None:
    verifier = verifier_of(msgspec.structs.replace(DEVELOPMENT, issuers=("dummy",)), folder)
    assert verifier.asker(f"Bearer {ask(folder, issuer='dummy')}", NOW).sub == "uss_north"
    with pytest.raises(Unauthenticated):
        verifier.asker(f"Bearer {ask(folder)}", NOW)
    with pytest.raises(Unauthenticated) as refused:
        verifier.asker(f"Bearer {ask(folder, issuer='dummy', expire=str(NOW_S - 60))}", NOW)
    assert refused.value.code == "utm_token_expired"


def test_a_token_without_scopes_may_be_asked_for(folder: Path) -> None:
    assert verifier_of(DEVELOPMENT, folder).asker(f"Bearer {ask(folder, scope='')}", NOW).scopes == frozenset()


BAD: list[tuple[dict[str, str | None], str]] = [
    ({"sub": None}, "sub"),
    ({"sub": ""}, "sub"),
    ({"sub": "s" * 201}, "sub"),
    ({"sub": "a\nb"}, "sub"),
    ({"sub": "a\u202eb"}, "sub"),
    ({"intended_audience": None}, "intended_audience"),
    ({"intended_audience": ""}, "intended_audience"),
    ({"scope": None}, "scope"),
    ({"scope": "s" * (MAX_SCOPES + 1)}, "scope"),
    ({"scope": "a\tb"}, "scope"),
    ({"issuer": ""}, "issuer"),
    ({"expire": ""}, "expire"),
    ({"expire": "soon"}, "expire"),
    ({"expire": "-1"}, "expire"),
    ({"expire": "1e9"}, "expire"),
    ({"expire": "٣"}, "expire"),
    ({"expire": "9" * 5000}, "expire"),
    ({"expire": str(NOW_S + 3601)}, "expire"),
]


@pytest.mark.parametrize(("changed", "field"), BAD)
def test_what_is_missing_or_out_of_bounds_is_refused(folder: Path, changed: dict[str, Any], field: str) -> None:
    with pytest.raises(Malformed) as refused:
        ask(folder, **changed)
    assert refused.value.field == field


def test_that_tokens_are_given_to_anybody_is_said_in_the_log(folder: Path) -> None:
    with structlog.testing.capture_logs() as logged:
        development_routes(development_key(folder))
    assert [(each["log_level"], each["event"]) for each in logged] == [("warning", "f3548.development_tokens")]


def test_it_is_for_this_machine_only(tmp_path: Path) -> None:
    tls = {"certificate": "tls.crt", "certificate_key": "tls.key"}
    Settings(audiences=("localhost",), **tls).check_may_leave_machine()  # type: ignore[arg-type]
    for settings in (DEVELOPMENT, Settings(development_tokens=True, **tls)):  # type: ignore[arg-type]
        with pytest.raises(Refused) as refused:
            settings.check_may_leave_machine()
        assert refused.value.code == "utm_development_tokens"
    (tmp_path / FILE).write_text('{"development_tokens": true, "behind_proxy": true}')
    with pytest.raises(KeepclearError) as error:
        read_settings(tmp_path)
    assert getattr(error.value, "code", "") == "utm_development_tokens"
    assert not Settings().development_tokens

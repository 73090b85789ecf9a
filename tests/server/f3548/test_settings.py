"""Settings of the UTM listener: strict by default, nothing unknown taken, options before the file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from keepclear.cli import main
from keepclear.errors import Malformed, Refused
from keepclear.server.f3548.listener import tls_context
from keepclear.server.f3548.settings import FILE, Settings, read_settings, verifier_of
from keepclear.server.run import Service
from tests.server.desks import make_home
from tests.server.f3548.tokens import pem, rsa_key


def write(folder: Path, **settings: Any) -> Path:
    (folder / FILE).write_text(json.dumps(settings))
    return folder


def test_without_a_file_nothing_is_loosened_and_nobody_is_let_in(tmp_path: Path) -> None:
    settings = read_settings(tmp_path)
    assert settings == Settings()
    assert not settings.rules().allow_http_base_urls
    with pytest.raises(Malformed) as refused:
        verifier_of(settings, tmp_path)
    assert refused.value.field == "keys"


def test_keys_are_found_in_the_folder_and_an_audience_is_needed(tmp_path: Path) -> None:
    (tmp_path / "authority.pem").write_bytes(pem(rsa_key("issuer")))
    write(tmp_path, keys=["authority.pem"])
    with pytest.raises(Malformed) as refused:
        verifier_of(read_settings(tmp_path), tmp_path)
    assert refused.value.field == "audiences"
    verifier_of(read_settings(tmp_path, audiences=["localhost"]), tmp_path)


def test_options_go_before_the_file_and_name_keys_from_where_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    node = tmp_path / "node"
    node.mkdir()
    write(node, keys=["gone.pem"], audiences=["elsewhere"], issuers=["authority"])
    (tmp_path / "here.pem").write_bytes(pem(rsa_key("issuer")))
    monkeypatch.chdir(tmp_path)
    settings = read_settings(node, keys=["here.pem"], audiences=["localhost"], allow_http=True)
    assert (settings.audiences, settings.issuers) == (("localhost",), ("authority",))
    assert settings.rules().allow_http_base_urls
    verifier_of(settings, node)


@pytest.mark.parametrize(
    ("content", "field"),
    [
        ('{"key": ["a.pem"]}', f"{FILE}.key"),
        ('{"keys": "a.pem"}', f"{FILE}.keys"),
        ('{"audiences": [""]}', f"{FILE}.audiences[0]"),
        ('{"allow_http_base_urls": "yes"}', f"{FILE}.allow_http_base_urls"),
        ('{"certificate": "a.pem"}', f"{FILE}.certificate_key"),
        ('{"certificate_key": "a.pem"}', f"{FILE}.certificate"),
        ("[]", FILE),
        ("{", FILE),
        ("", FILE),
    ],
)
def test_what_is_no_setting_is_refused_by_its_name(tmp_path: Path, content: str, field: str) -> None:
    (tmp_path / FILE).write_text(content)
    with pytest.raises(Malformed) as refused:
        read_settings(tmp_path)
    assert refused.value.field == field


def test_in_plain_http_it_is_for_this_machine_unless_a_proxy_stands_before_it() -> None:
    with pytest.raises(Refused) as refused:
        Settings().check_may_leave_machine()
    assert (refused.value.field, refused.value.code) == ("f3548", "utm_plain_http")
    Settings(behind_proxy=True).check_may_leave_machine()
    Settings(certificate="a.pem", certificate_key="a.key").check_may_leave_machine()


def test_a_certificate_that_cannot_be_used_is_named(tmp_path: Path) -> None:
    assert tls_context(Settings(), tmp_path) is None
    (tmp_path / "a.pem").write_text("none")
    for certificate in ("a.pem", "gone.pem"):
        with pytest.raises(Malformed) as refused:
            tls_context(Settings(certificate=certificate, certificate_key="a.pem"), tmp_path)
        assert refused.value.field == f"{FILE}.certificate"


@pytest.mark.parametrize(
    "option", [["--f3548-key", "a.pem"], ["--f3548-audience", "localhost"], ["--f3548-allow-http"]]
)
def test_options_of_a_listener_that_is_not_asked_for_are_refused(
    tmp_path: Path, option: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    make_home(tmp_path, "north")
    with pytest.raises(SystemExit) as ended:
        main(["serve", str(tmp_path / "north"), *option])
    assert ended.value.code == 2
    assert "--f3548 must be given" in capsys.readouterr().err


def test_a_file_that_cannot_be_read_holds_up_only_a_node_that_lets_services_in(tmp_path: Path) -> None:
    home = make_home(tmp_path, "north")
    (home.directory / FILE).write_text("{")
    Service(home)
    with pytest.raises(Malformed) as refused:
        Service(home, f3548="127.0.0.1:0")
    assert refused.value.field == FILE

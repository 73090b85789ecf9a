"""`keepclear utm-token` prints a token that a listener with `development_tokens` takes."""

from __future__ import annotations

import json
import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from keepclear.cli import main
from keepclear.model.base import Name
from keepclear.node.access_tokens import DEVELOPMENT_KEY
from keepclear.node.home import HostedParty, create
from keepclear.server.f3548.settings import Settings, verifier_of

SCOPES = ("utm.strategic_coordination", "utm.availability_arbitration")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    party = HostedParty(id="north", name=Name(en="North", ar="الشمال"))
    create(tmp_path / "north", "north.node", [party], "https://127.0.0.1:1", datetime.now(UTC))
    return tmp_path / "north"


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as ended:
        main([str(each) for each in arguments])
    return int(ended.value.code or 0)


def test_the_token_opens_a_listener_of_this_node(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    scopes = [each for scope in SCOPES for each in ("--scope", scope)]
    assert run("utm-token", folder, "--sub", "uss_north", "--audience", "localhost", *scopes) == 0
    printed = capsys.readouterr()
    [token] = printed.out.split()
    assert "uss_north" in printed.err
    assert stat.S_IMODE((folder / DEVELOPMENT_KEY).stat().st_mode) == 0o600
    verifier = verifier_of(Settings(audiences=("localhost",), development_tokens=True), folder)
    asker = verifier.asker(f"Bearer {token}", datetime.now(UTC))
    assert (asker.sub, asker.scopes) == ("uss_north", frozenset(SCOPES))

    assert run("utm-token", folder, "--sub", "uss_south", "--audience", "localhost", "--json") == 0
    answer = json.loads(capsys.readouterr().out)
    asker = verifier.asker(f"Bearer {answer['access_token']}", datetime.now(UTC))
    assert (asker.sub, asker.scopes) == ("uss_south", frozenset())


@pytest.mark.parametrize(
    ("option", "text"),
    [("--sub", ""), ("--sub", "a\nb"), ("--sub", " a"), ("--audience", "a" * 201), ("--scope", "a\tb")],
)
def test_what_no_listener_would_take_is_not_signed(
    folder: Path, capsys: pytest.CaptureFixture[str], option: str, text: str
) -> None:
    asked = {"--sub": "uss_north", "--audience": "localhost", option: text}
    assert run("utm-token", folder, *(each for pair in asked.items() for each in pair)) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert option.removeprefix("--") in printed.err
    assert not (folder / DEVELOPMENT_KEY).exists()


def test_a_folder_that_is_no_nodes_is_refused(tmp_path: Path) -> None:
    assert run("utm-token", tmp_path, "--sub", "uss_north", "--audience", "localhost") == 2

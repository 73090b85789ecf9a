"""`keepclear audit`: what it prints in both languages, its JSON, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from pyarrow import parquet

from keepclear.cli import main
from keepclear.phrases import LANGUAGES, say
from tests.audit.tracks import write_tracks


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return write_tracks(tmp_path_factory.mktemp("tracks"), tracks=20)


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as ended:
        main(["audit", *arguments])
    return int(ended.value.code or 0)


@pytest.mark.parametrize("lang", LANGUAGES)
def test_it_says_how_many_and_where(
    files: list[str], tmp_path: Path, lang: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    assert run(*files, "--out", str(out), "-s", "4000,500", "-e", "1500", "--lang", lang) == 0
    table = parquet.read_table(out / "findings.parquet").to_pylist()
    conflicts = sum(row["rule"] == "conflict" for row in table)
    encounters = sum(row["rule"] == "encounter" for row in table)
    assert conflicts
    said = capsys.readouterr().out.splitlines()[1]
    assert said == say(
        lang, "cli.audit_found", conflicts=conflicts, encounters=encounters, path=out / "findings.parquet"
    )


def test_json_for_programs(files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "out")
    assert run(*files, "--out", out, "--separation", "4000,inf", "--json") == 0
    first = json.loads(capsys.readouterr().out)
    assert first["conflicts"] == parquet.read_table(first["findings"]).num_rows > 0
    assert first["encounters"] is None
    assert first["separation"] == {"horizontal_m": 4000.0, "vertical_m": None}
    assert first["done_before"] == 0
    assert run(*files, "--out", out, "--separation", "4000,inf", "--json") == 0
    assert json.loads(capsys.readouterr().out) == first | {"done_before": first["slices"]}


def test_a_folder_with_another_audit_is_refused(
    files: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = str(tmp_path / "out")
    assert run(*files, "--out", out) == 0
    assert run(*files, "--out", out, "--gap", "30") == 2
    assert say("en", "errors.other_audit") in capsys.readouterr().err

"""The contracts on imports cover every room, and break when they should.

The real tree is checked by `lint-imports` in `make check`. Here the same contracts are held against a small house
in which every room stands empty, and then against that house with one forbidden import put in.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parent.parent
PURE = {"model", "geometry", "conflict", "watch", "record", "formats", "line", "phrases", "utm"}
ROOMS = PURE | {"cli", "config", "server", "stories", "node", "audit", "engine", "store", "errors"}


def contracts() -> list[dict[str, Any]]:
    config: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())
    found: list[dict[str, Any]] = config["tool"]["importlinter"]["contracts"]
    return found


def lint(house: Path) -> subprocess.CompletedProcess[str]:
    config = ROOT / "pyproject.toml"
    command = [str(Path(sys.executable).parent / "lint-imports"), "--config", str(config), "--no-cache", "--no-logo"]
    environment = {**os.environ, "PYTHONPATH": str(house)}
    return subprocess.run(command, cwd=house, env=environment, capture_output=True, text=True, check=False)


@pytest.fixture
def house(tmp_path: Path) -> Path:
    package = tmp_path / "keepclear"
    package.mkdir()
    (package / "__init__.py").touch()
    for room in ROOMS:
        (package / room).mkdir()
        (package / room / "__init__.py").touch()
    return tmp_path


def test_every_room_has_a_floor() -> None:
    layers = next(contract["layers"] for contract in contracts() if contract["type"] == "layers")
    named = {room.strip(" ()") for layer in layers for room in layer.split("|")}
    assert named == ROOMS
    package = ROOT / "src" / "keepclear"
    here = {path.stem for path in package.glob("*.py")} | {path.parent.name for path in package.glob("*/__init__.py")}
    assert here - {"__init__", "__main__"} <= named


def test_every_pure_room_that_stands_is_held_to_it() -> None:
    held = next(
        contract["source_modules"] for contract in contracts() if "time" in contract.get("forbidden_modules", ())
    )
    standing = {room for room in PURE if (ROOT / "src" / "keepclear" / room / "__init__.py").exists()}
    assert {room.removeprefix("keepclear.") for room in held} >= standing, "add the room to the contract in pyproject"


def test_an_orderly_house_is_kept(house: Path) -> None:
    (house / "keepclear" / "line" / "__init__.py").write_text("import keepclear.model, keepclear.watch, hashlib\n")
    answer = lint(house)
    assert answer.returncode == 0, answer.stdout + answer.stderr


@pytest.mark.parametrize(
    ("room", "forbidden"),
    [
        ("errors", "keepclear.model"),
        ("model", "keepclear.geometry"),
        ("geometry", "keepclear.phrases"),
        ("watch", "keepclear.conflict"),
        ("record", "keepclear.store"),
        ("store", "keepclear.line"),
        ("line", "keepclear.node"),
        ("node", "keepclear.server"),
        ("server", "keepclear.stories"),
        ("model", "numpy"),
        ("model", "time"),
        ("geometry", "random"),
    ],
)
def test_a_forbidden_import_is_refused(house: Path, room: str, forbidden: str) -> None:
    (house / "keepclear" / room / "__init__.py").write_text(f"import {forbidden}\n")
    answer = lint(house)
    assert answer.returncode == 1, answer.stdout + answer.stderr
    assert f"keepclear.{room}" in answer.stdout

"""The commands of the page on UTM services, as a stranger types them, in two windows."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.server.desks import free_port

PAGE = Path(__file__).parents[3] / "docs" / "f3548.md"
ENVIRONMENT = {name: text for name, text in os.environ.items() if not name.startswith("KEEPCLEAR_")}


def windows(port: int) -> list[str]:
    """What is typed in each window: the two blocks of "Try it", on a port that is free."""
    part = PAGE.read_text(encoding="utf-8").partition("## Try it\n")[2].partition("\n## ")[0]
    first, second = re.findall(r"```sh\n(.*?)```", part, re.DOTALL)
    first = first.replace("keepclear serve north", "exec keepclear serve north --local 127.0.0.1:0 --peers 127.0.0.1:0")
    return [block.replace("8082", str(port)) for block in (first, second)]


@pytest.mark.skipif(shutil.which("curl") is None, reason="the page uses curl")
def test_the_page_works_as_it_is_written(tmp_path: Path) -> None:
    serve, ask = windows(free_port())
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    command = bin_folder / "keepclear"
    command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m keepclear.cli "$@"\n')
    command.chmod(0o755)
    environment = ENVIRONMENT | {"PATH": f"{bin_folder}:{os.environ['PATH']}"}
    shell = ("bash", "-e", "-c")
    with (tmp_path / "log").open("w") as log:
        node = subprocess.Popen(
            [*shell, serve], cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=log, text=True
        )
    try:
        assert node.stdout is not None
        assert any("UTM services" in line for line in node.stdout), (tmp_path / "log").read_text()
        ended = subprocess.run(
            [*shell, ask], cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120, check=False
        )
    finally:
        node.terminate()
        node.wait(30)
    assert ended.returncode == 0, (ended.stdout, ended.stderr)
    decoder = json.JSONDecoder()
    made, end = decoder.raw_decode(ended.stdout)
    found, end = decoder.raw_decode(ended.stdout, end)
    shown = ended.stdout[end:]
    reference = made["operational_intent_reference"]
    assert (reference["manager"], reference["state"], reference["version"]) == ("uss_one", "Accepted", 1)
    assert found == {"operational_intent_references": [reference]}
    assert "createOperationalIntentReference" in shown
    assert "uss_one" in shown

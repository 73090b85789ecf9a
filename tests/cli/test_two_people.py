"""Two people, two folders, and the commands they type: the quick start as it is written, on real processes."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import redirect_stderr, redirect_stdout
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from keepclear.cli import main
from tests.server.desks import clear_request, free_port, notice, read_back_of

ENVIRONMENT = {name: text for name, text in os.environ.items() if not name.startswith("KEEPCLEAR_")}


def keepclear(*arguments: object, status: int = 0, typed: str = "") -> tuple[str, str]:
    """Run a command in this process; what it printed on standard output and standard error."""
    out, error = io.StringIO(), io.StringIO()
    typing = mock.patch("sys.stdin", io.StringIO(typed))
    with typing, redirect_stdout(out), redirect_stderr(error), pytest.raises(SystemExit) as ended:
        main([str(each) for each in arguments])
    assert (ended.value.code or 0) == status, (arguments, out.getvalue(), error.getvalue())
    return out.getvalue(), error.getvalue()


def ask(*arguments: object) -> Any:
    """The JSON a command prints."""
    return json.loads(keepclear(*arguments, "--json")[0])


def minute(written: str) -> str:
    """A time of JSON as a person reads it, to the minute."""
    return written[:16].replace("T", " ")


def wait_for(holds: Callable[[], Any]) -> Any:
    """What `holds` gives, once it gives something."""
    until = time.monotonic() + 15
    while not (found := holds()):
        assert time.monotonic() < until
        time.sleep(0.1)
    return found


class Node:
    """A node as a process."""

    def __init__(self, folder: Path, party: str) -> None:
        self.folder = folder / party
        name = ["--name-en", party.title(), "--name-ar", "طرف"]
        listen = f"127.0.0.1:{free_port()}"
        keepclear("init", self.folder, "--node", f"{party}.node", "--party", party, *name, "--listen", listen)
        self.serve()

    def serve(self) -> None:
        command = [sys.executable, "-m", "keepclear.cli", "serve", str(self.folder), "--local", "127.0.0.1:0"]
        pipe = subprocess.PIPE
        self.process = subprocess.Popen(command, env=ENVIRONMENT, stdout=pipe, stderr=pipe, text=True)
        assert self.process.stdout is not None
        first = self.process.stdout.readline()
        assert "is running" in first, (first, self.process.communicate(timeout=10))

    def kill(self, how: signal.Signals) -> None:
        self.process.send_signal(how)
        self.process.communicate(timeout=10)


@pytest.fixture
def nodes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Node]]:
    for name in ("KEEPCLEAR_LANG", "KEEPCLEAR_ROLE"):
        monkeypatch.delenv(name, raising=False)
    found: list[Node] = []
    try:
        for party in ("north", "south"):
            found.append(Node(tmp_path, party))
        yield found
    finally:
        for node in found:
            if node.process.poll() is None:
                node.kill(signal.SIGKILL)


def pair(north: Node, south: Node, folder: Path) -> None:
    """What two people do on the telephone."""
    line = ["--line", "avoidance", "--member", "south", "--name-en", "Avoidance line", "--name-ar", "خط"]
    digits = {}
    for node, extra in ((north, line), (south, [])):
        card = folder / f"{node.folder.name}.card"
        out, error = keepclear("card", node.folder, *extra, "--out", card)
        assert "Card written" in out
        digits[node.folder.name] = re.search(r"((?:\d{5} ){11}\d{5})", error)[1]  # type: ignore[index]
    keepclear("pair", south.folder, folder / "north.card", "--fingerprint", digits["north"])
    keepclear("pair", north.folder, folder / "south.card", typed="y\n")


def test_two_people_pair_their_nodes_and_talk(nodes: list[Node], tmp_path: Path) -> None:
    north, south = nodes
    pair(north, south, tmp_path)
    out, _ = keepclear("line-check", north.folder, "avoidance")
    assert "Recorded as entry" in out
    assert "خط" in keepclear("lines", south.folder, "--lang", "ar")[0]

    plan_file = tmp_path / "plan.json"
    plan_file.write_text(json.dumps(notice(), indent=2))
    thread = ask("notice", north.folder, "--file", plan_file)["act_id"]
    wait_for(lambda: any(each["id"] == thread for each in ask("threads", south.folder)))
    plan = ask("thread", south.folder, thread[:8])["plan"]
    said = read_back_of(plan)
    for lang, band in (("en", "0–6000 m"), ("ar", "\u20660–6000 m\u2069")):
        read_aloud = keepclear("thread", south.folder, thread[:8], "--lang", lang)[0]
        assert said["grid"] in read_aloud
        assert band in read_aloud
        assert minute(said["window"]["starts_at"]) in read_aloud
        assert minute(said["window"]["ends_at"]) in read_aloud
    heights = ["--lower", said["band"]["lower_wgs84_m"], "--upper", said["band"]["upper_wgs84_m"]]
    times = ["--from", said["window"]["starts_at"], "--to", said["window"]["ends_at"]]
    out, _ = keepclear("read-back", south.folder, thread[:8], "--grid", "37SEU054674", *times, *heights)
    assert "expected 37SEU045674, said 37SEU054674" in out
    for lang in ("en", "ar"):
        assert "37SEU054674" in keepclear("told", south.folder, thread[:8], "--lang", lang)[0]
        assert "37SEU054674" in keepclear("thread", south.folder, thread[:8], "--lang", lang)[0]
    out, _ = keepclear("read-back", south.folder, thread[:8], "--grid", said["grid"], *times, *heights)
    assert "counts as received" in out
    wait_for(lambda: ask("told", north.folder, thread[:8])[0]["received"])
    out, _ = keepclear("told", north.folder, thread[:8], "--lang", "ar")
    assert "south" in out

    corrected_file = tmp_path / "corrected.json"
    corrected_file.write_text(json.dumps(plan))
    keepclear("correct", north.folder, thread[:8], "--reason", "the same again", "--file", corrected_file)
    wait_for(lambda: ask("thread", south.folder, thread[:8])["version"] != thread)
    assert not ask("told", south.folder, thread[:8])[0]["received"]
    keepclear("read-back", south.folder, thread[:8], "--grid", said["grid"], *times, *heights)
    keepclear("receipt", south.folder, thread[:8], "acknowledged")
    wait_for(lambda: ask("told", north.folder, thread[:8])[0]["state"] == "acknowledged")

    request_file = tmp_path / "request.json"
    request_file.write_text(json.dumps(clear_request(datetime.now(UTC) + timedelta(minutes=5))))
    request = ask("clear", north.folder, "--file", request_file)["act_id"]
    wait_for(lambda: any(each["id"] == request for each in ask("threads", south.folder)))
    keepclear("answer", south.folder, request[:8], "will_comply")
    _, error = keepclear("done", south.folder, request[:8], typed="n\n", status=2)
    assert ask("thread", south.folder, request)["status"] == "answered"
    out, _ = keepclear("done", south.folder, request[:8], "--yes")
    assert "Residual at T0" in out
    wait_for(lambda: ask("thread", north.folder, request)["status"] == "reported_clear")
    keepclear("give-back", north.folder, request[:8])
    wait_for(lambda: ask("thread", south.folder, request)["status"] == "given_back")

    call = ask("danger", north.folder, "Aircraft over the column")["act_id"]
    wait_for(lambda: any(each["id"] == call for each in ask("threads", south.folder)))
    keepclear("take", south.folder, call[:8], "--role", "battle captain")
    keepclear("close", south.folder, call[:8], "--outcome", "It left")
    wait_for(lambda: ask("thread", north.folder, call)["status"] == "closed")
    keepclear("suspend", south.folder, "avoidance", "--reason", "The desk moves")
    _, error = keepclear("remark", south.folder, call[:8], "still here", status=2)
    assert error.startswith("refused")
    keepclear("resume", south.folder, "avoidance")

    now = ask("status", north.folder)["now"]
    replayed = ask("replay", north.folder, "--at", now, "--party", "north")
    assert {each["id"] for each in replayed["threads"]} >= {thread, request, call}
    for command in ("status", "threads", "timeline", "picture", "statements"):
        assert keepclear(command, north.folder)[0]
        assert keepclear(command, north.folder, "--lang", "ar")[0]
    made = ask("token", north.folder, "--party", "north", "--role", "driver")
    assert made["id"] in keepclear("token", north.folder)[0]
    keepclear("token", north.folder, "--revoke", made["id"])
    assert ask("token", north.folder) == []
    keepclear("token", north.folder, "--party", "south", status=2)
    assert thread in keepclear("show", north.folder, thread[:8])[0]


def test_killed_while_it_serves_a_node_goes_on_where_it_was(nodes: list[Node], tmp_path: Path) -> None:
    north, south = nodes
    pair(north, south, tmp_path)
    said = [ask("line-check", north.folder, "avoidance")["act_id"] for _ in range(3)]
    north.kill(signal.SIGKILL)
    _, error = keepclear("status", north.folder, status=3)
    assert "the node does not answer" in error

    out = tmp_path / "offline"
    keepclear("export", north.folder, out)
    assert "proves itself" in keepclear("verify", out)[0]
    north.serve()
    held = {each["id"] for each in ask("timeline", north.folder)}
    assert held >= set(said)
    said.append(ask("line-check", north.folder, "avoidance")["act_id"])
    wait_for(lambda: {each["id"] for each in ask("timeline", south.folder)} >= set(said))

    running = tmp_path / "running"
    keepclear("export", north.folder, running)
    verified = ask("verify", running)
    assert verified["size"] > ask("verify", out)["size"]
    north.kill(signal.SIGTERM)
    assert north.process.returncode == 0
    assert not (north.folder / "local-url").exists()
    _, error = keepclear("status", north.folder, status=3)
    assert "keepclear serve" in error


def test_an_export_with_one_byte_changed_does_not_verify(nodes: list[Node], tmp_path: Path) -> None:
    north, south = nodes
    pair(north, south, tmp_path)
    keepclear("line-check", north.folder, "avoidance")
    whole = tmp_path / "whole"
    keepclear("export", north.folder, whole)
    keys = (whole / "keys").read_text().split()
    trusted = [part for key in keys for part in ("--key", key)]
    assert "given as trusted" in keepclear("verify", whole, *trusted)[0]
    assert "any key may have signed" in keepclear("verify", whole)[0]
    named, _ = keepclear("verify", whole, *trusted, "--node", "north.node")
    assert "signed by north.node: " in named
    assert "any key may have signed" not in named
    _, error = keepclear("verify", whole, *trusted, "--node", "south.node", status=1)
    assert "it is signed by north.node" in error
    _, error = keepclear("verify", whole, "--key", keys[0], status=1)
    assert "not one of the trusted keys" in error
    for number, file in enumerate(sorted(each for each in whole.rglob("*") if each.is_file())):
        changed = tmp_path / f"changed-{number}"
        shutil.copytree(whole, changed)
        content = bytearray((changed / file.relative_to(whole)).read_bytes())
        content[len(content) // 2] ^= 1
        (changed / file.relative_to(whole)).write_bytes(content)
        _, error = keepclear("verify", changed, status=1)
        assert "does not prove itself" in error
        assert "لا يثبت نفسه" in keepclear("verify", changed, "--lang", "ar", status=1)[1]

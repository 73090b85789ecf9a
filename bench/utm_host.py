"""A node with the UTM listener as users start it: a folder, and `keepclear serve` in a process of its own."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

SCOPES = (
    "utm.strategic_coordination",
    "utm.constraint_management",
    "utm.constraint_processing",
    "utm.conformance_monitoring_sa",
)
KEEPCLEAR = (sys.executable, "-m", "keepclear.cli")


def folder(at: Path) -> Path:
    """A fresh node's folder with tokens for development allowed."""
    names = ("--party", "desk", "--name-en", "Desk", "--name-ar", "المكتب", "--listen", "127.0.0.1:0")
    _run("init", str(at), "--node", "desk.node", *names)
    settings = {"audiences": ["127.0.0.1"], "development_tokens": True, "allow_http_base_urls": True}
    (at / "f3548.json").write_text(json.dumps(settings))
    return at


def token(at: Path, sub: str) -> str:
    """An access token of the development key."""
    scopes = [part for scope in SCOPES for part in ("--scope", scope)]
    return _run("utm-token", str(at), "--sub", sub, "--audience", "127.0.0.1", *scopes).strip().splitlines()[-1]


@contextlib.contextmanager
def serving(at: Path) -> Iterator[tuple[int, int]]:
    """The port of the UTM listener and the process id, while the node runs."""
    command = [*KEEPCLEAR, "serve", str(at), "--local", "127.0.0.1:0", "--f3548", "127.0.0.1:0", "--json"]
    with (at / "log").open("w") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
    try:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            with contextlib.suppress(json.JSONDecodeError):
                yield int(json.loads(said)["f3548"].rsplit(":", 1)[1].rstrip("/")), process.pid
                break
        else:
            raise RuntimeError(f"the node did not start: {(at / 'log').read_text()[-2000:]}")
    finally:
        process.terminate()
        process.wait(30)


def resident_mb(pid: int) -> float:
    """Megabytes a process holds in memory."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    raise RuntimeError("no VmRSS")


def settled(pid: int) -> None:
    """Returns when a process has done nothing for a fifth of a second."""
    before = -1.0
    while before != (before := busy_s(pid)):
        time.sleep(0.2)


def busy_s(pid: int) -> float:
    """Seconds a process has kept a core busy."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _run(*arguments: str) -> str:
    done = subprocess.run([*KEEPCLEAR, *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"keepclear {arguments[0]}: {done.stderr}")
    return done.stdout

"""A node with the UTM listener in a process of its own, and clients that hang up, wait and try again."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from keepclear.line.message import read_message
from keepclear.model.acts import UtmChange
from keepclear.record import parse
from keepclear.store import SqliteStore

KEEPCLEAR = (sys.executable, "-m", "keepclear.cli")
SCOPE = "utm.strategic_coordination"


class Served:
    """A node's folder, and the process that serves it while there is one."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        names = ("--party", "desk", "--name-en", "Desk", "--name-ar", "المكتب", "--listen", "127.0.0.1:0")
        subprocess.run(
            [*KEEPCLEAR, "init", str(folder), "--node", "desk.node", *names], check=True, capture_output=True
        )
        settings = {"audiences": ["127.0.0.1"], "development_tokens": True}
        (folder / "f3548.json").write_text(json.dumps(settings))
        self._process: subprocess.Popen[str] | None = None
        self.port = 0

    def start(self) -> None:
        """Serve; returns when it listens."""
        command = (*KEEPCLEAR, "serve", str(self.folder), "--local", "127.0.0.1:0", "--f3548", "127.0.0.1:0", "--json")
        with (self.folder / "log").open("a") as log:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        assert self._process.stdout is not None
        said = ""
        for line in self._process.stdout:
            said += line
            try:
                self.port = int(json.loads(said)["f3548"].rstrip("/").rsplit(":", 1)[1])
            except json.JSONDecodeError:
                continue
            return
        raise AssertionError((self.folder / "log").read_text())

    def kill(self) -> None:
        """SIGKILL, now."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """End it in peace, if it runs."""
        if self._process is not None and self._process.poll() is None:
            self._process.terminate()
            self._process.wait(30)

    def changes(self) -> Iterator[UtmChange]:
        """What the record holds of the ledger, in order. Of a node that is stopped."""
        store = SqliteStore(self.folder / "record.sqlite")
        for row in store.rows():
            act = read_message(parse(row.envelope)).act
            if isinstance(act, UtmChange):
                yield act
        store.close()


@dataclass
class Reply:
    """Status and JSON; status 0 if the connection broke before an answer came."""

    status: int = 0
    body: Any = field(default_factory=dict)


async def ask(served: Served, method: str, path: str, value: Any = None, token: str = "") -> Reply:
    """One request over a connection of its own."""
    body = b"" if value is None else json.dumps(value).encode()
    head = f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\ncontent-length: {len(body)}\r\n"
    shown = f"authorization: Bearer {token}\r\n" if token else ""
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
        writer.write(f"{head}{shown}\r\n".encode() + body)
        answer = await reader.read()
        writer.close()
    except OSError:
        return Reply()
    head_bytes, _, content = answer.partition(b"\r\n\r\n")
    if not head_bytes.startswith(b"HTTP/1.1 ") or (b"content-length" in head_bytes and not content):
        return Reply()
    return Reply(int(head_bytes[9:12]), json.loads(content) if content else None)


async def token_of(served: Served, sub: str) -> str:
    """An access token of the development key."""
    found = await ask(served, "GET", f"/token?sub={sub}&intended_audience=127.0.0.1&scope={SCOPE}")
    token: str = found.body["access_token"]
    return token

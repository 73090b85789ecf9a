"""A PostgreSQL server of our own, in a scratch folder and reached through a socket there; started once for all."""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

USER = "keepclear"
_SETTINGS = ("listen_addresses=", "shared_buffers=32MB", "max_connections=60", "autovacuum=off")


def new_node() -> str:
    """The id of a node nobody has used: its record is empty."""
    return f"n{uuid.uuid4().hex[:20]}.node"


def programs() -> Path | None:
    """Where the newest installed PostgreSQL has its programs; None if there is none, or nobody it could run as."""
    found = [path for path in Path("/usr/lib/postgresql").glob("*/bin") if (path / "initdb").exists()]
    if os.geteuid() == 0 and not any(account.pw_name == "postgres" for account in pwd.getpwall()):
        return None
    return max(found, key=lambda path: int(path.parent.name), default=None)


class Server:
    """A running server. `url` is the address of its first database."""

    def __init__(self, place: Path, folder: Path) -> None:
        self._place = place
        self._folder = folder
        self.url = self.url_of("postgres")
        self._user = "postgres" if os.geteuid() == 0 else None

    def url_of(self, database: str) -> str:
        """The address of a database."""
        return f"postgresql://{USER}@/{database}?host={self._folder}"

    def without(self, node: str) -> str:
        """The address of its first database, after the record of this node was thrown away."""
        from keepclear.store.postgres import schema_of

        self.say(f"DROP SCHEMA IF EXISTS {schema_of(node)} CASCADE")
        return self.url

    def say(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement as its master; what it answers."""
        import psycopg

        with psycopg.connect(self.url, autocommit=True) as connection:
            answer = connection.execute(statement.encode())
            return answer.fetchall() if answer.description else []

    def run(self, program: str, *arguments: str) -> None:
        """Run one of its programs, as the user its package made if we are root."""
        command = (str(self._place / program), "-D", str(self._folder / "data"), *arguments)
        done = subprocess.run(
            command, user=self._user, cwd=self._folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stdout.decode(errors='replace')}")

    def make(self) -> None:
        """Make its folder."""
        if self._user:
            account = pwd.getpwnam(self._user)
            os.chown(self._folder, account.pw_uid, account.pw_gid)
        self.run("initdb", "-A", "trust", "-U", USER, "--no-sync", "-E", "UTF8", "--locale", "C")

    def start(self, *settings: str) -> None:
        """Start it with these settings beside our own, and wait until it answers."""
        given = (*_SETTINGS, f"unix_socket_directories={self._folder}", *settings)
        options = " ".join(f"-c {setting}" for setting in given)
        # Its output goes to a file: whatever it starts would hold a pipe of ours open.
        self.run("pg_ctl", "-w", "-s", "-l", str(self._folder / "log"), "-o", options, "start")

    def stop(self) -> None:
        """Stop it at once, as a loss of power would: what was answered is on disk."""
        self.run("pg_ctl", "-w", "-s", "-m", "immediate", "stop")


@contextmanager
def server() -> Iterator[Server]:
    """A server that lives as long as the block."""
    place = programs()
    if place is None:
        raise RuntimeError("there is no PostgreSQL on this machine")
    folder = Path(tempfile.mkdtemp(prefix="keepclear-postgres-"))
    try:
        made = Server(place, folder)
        made.make()
        made.start()
        try:
            yield made
        finally:
            made.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)

"""Runs the field's own suites for F3548-21 against a fresh node: the prober of interuss-monitoring, and its scenarios.

The prober runs twice on the same node, as what a run leaves behind must not trouble the next; and all of it over SQLite
and over PostgreSQL, where there is one: there two instances share the record, and the scenarios write at one and read
at the other. Exit status 0 only if every test of all rounds and every check of the scenarios passed. The suites live in
an environment of their own; its Python is the first argument.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from xml.etree import ElementTree

from tests import postgres

TESTS = 177
"""In interuss-monitoring 0.37.0; fewer would mean that some were skipped."""
ROUNDS = 2
KEEPCLEAR = str(Path(sys.executable).with_name("keepclear"))
RESOURCES = Path(__file__).parent / "resources"
_PUBLIC_KEY = "from monitoring.monitorlib.auth import NoAuth; print(NoAuth.dummy_private_key.export_to_pem().decode())"
_SUITE = "import monitoring.prober; print(monitoring.prober.__path__[0])"


def main() -> int:
    suite_python = Path(sys.argv[1]).absolute()
    failed = _all(suite_python, "SQLite")
    if postgres.programs() is None:
        print("conformance: NOT RUN over PostgreSQL, for there is none on this machine", flush=True)
        return failed
    with postgres.server() as database:
        return _all(suite_python, "PostgreSQL", database.url) or failed


def _all(suite_python: Path, over: str, store: str | None = None) -> int:
    """Both suites over one kind of store; 0 if all of it passed."""
    with ExitStack() as opened:
        scratch = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        folder = scratch / "node"
        _make(folder, suite_python)
        urls = [opened.enter_context(_served(folder, store))]
        if store:
            again = scratch / "again"
            shutil.copytree(folder, again)
            urls.append(opened.enter_context(_served(again, store)))
        for number in range(1, ROUNDS + 1):
            began = time.monotonic()
            passed = _round(suite_python, urls[0], scratch)
            took = f"in {time.monotonic() - began:.0f} s"
            print(f"prober over {over}, round {number}: {passed} of {TESTS} passed {took}", flush=True)
            if passed != TESTS:
                return 1
        scenarios = Path(__file__).with_name("scenarios.py")
        return subprocess.run([suite_python, scenarios, *urls], check=False).returncode


def _make(folder: Path, suite_python: Path) -> None:
    """A node's fresh folder, whose settings take the suite's tokens."""
    names = ["--name-en", "Desk", "--name-ar", "مكتب"]
    made = ["init", str(folder), "--node", "desk.node", "--party", "desk", *names]
    subprocess.run([KEEPCLEAR, *made, "--listen", "http://127.0.0.1:0"], check=True, stdout=subprocess.DEVNULL)
    (folder / "authority.pem").write_text(_said_by(suite_python, _PUBLIC_KEY))
    settings = {"keys": ["authority.pem"], "audiences": ["127.0.0.1"]}
    (folder / "f3548.json").write_text(json.dumps(settings))


@contextmanager
def _served(folder: Path, store: str | None) -> Iterator[str]:
    """The address of a node served from this folder, its record in this database if one is given."""
    log, port = folder.with_suffix(".log"), _free_port()
    serve = [KEEPCLEAR, "serve", str(folder), "--local", "127.0.0.1:0", "--f3548", f"127.0.0.1:{port}"]
    serve += ["--store", store] if store else []
    with log.open("w") as stream:
        node = subprocess.Popen(serve, stdout=stream, stderr=subprocess.STDOUT)
    url = f"http://127.0.0.1:{port}"
    try:
        _wait_for(f"{url}/healthy", node, log)
        yield url
    finally:
        node.terminate()
        node.wait(30)


def _round(suite_python: Path, url: str, scratch: Path) -> int:
    """How many tests of the suite pass."""
    options, report = scratch / "prober.ini", scratch / "report.xml"
    options.write_text("[pytest]\n")  # not the options of whatever stands around the suite
    auth = [f"--{each}=NoAuth(sub=fake_uss)" for each in ("rid-auth", "rid-v2-auth", "scd-auth1")]
    subprocess.run(
        [
            *(str(suite_python), "-m", "pytest", _said_by(suite_python, _SUITE)),
            *("-c", str(options), "--rootdir", str(scratch), "-p", "no:cacheprovider", "-q", "--tb=short"),
            *("-W", "ignore", f"--junitxml={report}"),
            *("--dss-endpoint", url, *auth, "--scd-auth2=NoAuth(sub=fake_uss2)", "--scd-api-version=1.0.0"),
        ],
        cwd=RESOURCES,
        check=False,
    )
    counts = ElementTree.parse(report).getroot().find("testsuite")
    if counts is None:
        return 0
    return int(counts.get("tests", 0)) - sum(int(counts.get(each, 0)) for each in ("failures", "errors", "skipped"))


def _said_by(suite_python: Path, code: str) -> str:
    said = subprocess.run([suite_python, "-c", code], check=True, stdout=subprocess.PIPE, text=True)
    return said.stdout.strip()


def _free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def _wait_for(url: str, node: subprocess.Popen[bytes], log: Path) -> None:
    for _ in range(600):
        try:
            with urllib.request.urlopen(url, timeout=5):
                return
        except OSError:
            if node.poll() is not None:
                break
            time.sleep(0.1)
    raise SystemExit(f"the node did not start:\n{log.read_text()}")


if __name__ == "__main__":
    sys.exit(main())

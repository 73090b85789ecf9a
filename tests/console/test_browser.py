"""The built page in a real Chromium over real nodes: every area in both languages and sizes, and acts on threads."""

from __future__ import annotations

import asyncio
import json
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.server.desks import NORTH, Desk, at, clear_request, notice, read_back_of, two_desks

ROOT = Path(__file__).parents[2]
CONSOLE = ROOT / "console"
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SECONDS = 240

pytestmark = pytest.mark.browser


@pytest.fixture
def browser() -> str:
    """The path of a Chromium; without one, or without what drives it, the test is skipped and says why."""
    found = next(filter(None, map(shutil.which, BROWSERS)), None)
    if found is None:
        pytest.skip(f"BROWSER TEST SKIPPED: none of {', '.join(BROWSERS)} is installed")
    if shutil.which("node") is None:
        pytest.skip("BROWSER TEST SKIPPED: node is not installed")
    if not (CONSOLE / "node_modules" / "playwright-core").is_dir():
        pytest.skip("BROWSER TEST SKIPPED: console/node_modules is missing; run `make console`")
    if not (ROOT / "src" / "keepclear" / "console_dist" / "index.html").is_file():
        pytest.skip("BROWSER TEST SKIPPED: the console is not built; run `make console`")
    return found


async def run(script: str, *arguments: object, typed: str = "") -> tuple[int | None, str]:
    """Run a script of the console while the nodes serve; its exit status and all that it printed."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *("node", f"e2e/{script}", *map(str, arguments)),
        cwd=CONSOLE,
        stdin=pipe,
        stdout=pipe,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        async with asyncio.timeout(SECONDS):
            printed, _ = await process.communicate(typed.encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, printed.decode()


def token(desk: Desk) -> str:
    return desk.http.headers["authorization"].removeprefix("Bearer ")


async def open_matters(north: Desk, south: Desk) -> dict[str, str]:
    """A notice, a clear request and a danger call by north that south holds; the id of each by its kind."""
    opened: dict[str, str] = {}
    danger: dict[str, Any] = {
        "act": "danger_call",
        "to": ["south"],
        "words": {"text": "An aircraft over the column", "lang": "en"},
    }
    for act in (notice(), clear_request(datetime.now(UTC) + timedelta(minutes=2)), danger):
        kind: str = act.pop("act")
        opened[kind] = await north.say(kind, **act)
        await south.until(opened[kind], bool)
    return opened


def acts_of(thread: dict[str, Any]) -> list[tuple[str, str]]:
    """Who said what kind of act. In the order this desk heard them: two desks that speak at once hear it both ways."""
    return [(each["author"], each["said"]["act"]["act"]) for each in thread["acts"]]


def briefed(thread: dict[str, Any]) -> list[str]:
    hops = thread["recipients"][0]["hops"]
    return sorted(hop["crew"] for hop in hops if hop["hop"] == "crew_briefed" and hop["version"] == thread["version"])


def test_every_area_in_both_languages_on_small_and_large_screens(browser: str, tmp_path: Path) -> None:
    async def look() -> None:
        async with two_desks(tmp_path / "nodes") as (north, south):
            opened = await open_matters(north, south)
            thread = await south.thread(opened["notice"])
            for grid in ("37SEU054674", NORTH):
                await south.say("read_back", re=thread["version"], **read_back_of(thread["plan"], grid=grid))
            await south.say("receipt", re=thread["version"], hop="acknowledged")
            await south.say("receipt", re=thread["version"], hop="crew_briefed", crew="drone-1")
            await south.say("answer", re=opened["clear_request"], reply="will_comply")
            await north.until(opened["clear_request"], lambda each: each["status"] == "answered")
            status, printed = await run(
                "console.mjs", north.service.local_url, token(north), tmp_path / "seen", browser
            )
            assert status == 0, printed

    asyncio.run(look())


def test_acts_on_threads_said_by_two_parties_each_on_its_own_page(browser: str, tmp_path: Path) -> None:
    async def talk() -> None:
        async with two_desks(tmp_path / "nodes") as (north, south):
            opened = await open_matters(north, south)
            call, request, danger = (opened[kind] for kind in ("notice", "clear_request", "danger_call"))
            plan = (await south.thread(call))["plan"]

            def step(desk: Desk, thread: str, act: str, *fields: str, last: str | None = None) -> dict[str, Any]:
                lang = "ar" if desk is south else "en"
                page = {"base": desk.service.local_url, "token": token(desk), "lang": lang}
                return {**page, "thread": thread, "act": act, "role": "duty officer", "fields": fields, "last": last}

            def typed_read_back() -> list[str]:
                said = read_back_of(plan)
                heights = [str(said["band"][edge]) for edge in ("lower_wgs84_m", "upper_wgs84_m")]
                return [said["grid"], said["window"]["starts_at"], said["window"]["ends_at"], *heights]

            steps = [
                step(south, call, "read_back", *typed_read_back()),
                step(north, call, "correction", last="The column is longer"),
            ]
            status, printed = await run("acts.mjs", tmp_path / "before", browser, typed=json.dumps(steps))
            assert status == 0, printed
            await south.until(call, lambda each: each["version"] != call)  # what south says now is of the correction

            steps = [
                step(south, call, "read_back", *typed_read_back()),
                step(south, call, "receipt.acknowledged"),
                step(south, call, "receipt.passed", "drone cell"),
                step(south, call, "receipt.crew_briefed", "drone-1"),
                step(south, call, "receipt.crew_acknowledged", "drone-1"),
                step(south, call, "receipt.crew_briefed", "drone-3"),
                step(south, request, "answer", "with_conditions", "تغادر طائرة بعد أخرى"),
                step(south, request, "done", at(datetime.now(UTC))),
                step(north, request, "give_back"),
                step(south, danger, "take"),
                step(south, danger, "close", "ابتعدت الطائرة"),
                step(north, danger, "remark", "Thank you"),
            ]
            status, printed = await run("acts.mjs", tmp_path / "seen", browser, typed=json.dumps(steps))
            assert status == 0, printed

            for desk in (north, south):
                held = await desk.until(request, lambda each: each["status"] == "given_back")
                assert held["recipients"][0]["answer"] == "with_conditions"
                assert ("north", "give_back") in acts_of(held)
                held = await desk.until(danger, lambda each: ("north", "remark") in acts_of(each))
                held = await desk.until(danger, lambda each: each["status"] == "closed")
                assert held["taken_by"] == "south: duty officer"
                held = await desk.until(call, lambda each: briefed(each) == ["drone-1", "drone-3"])
                told = held["recipients"][0]
                assert held["version"] != call
                reached = (told["received"], told["state"], told["missing_hop"])
                assert reached == (True, "crew_briefed", "crew_acknowledged")

    asyncio.run(talk())

"""Playing a story: real nodes, each with its own keys, store and listeners on loopback, and a clock set by hand.

The player is the officers' hands and nothing else: it says each act of the script through `Node.submit` when the
story's clock has come to it, and lets time go by. What the nodes notice, refuse, deliver and record is theirs. An act
that its node refuses is told and left out; whether the record shows what it should is for `judge.py`.
"""

from __future__ import annotations

import asyncio
import random
import shutil
import signal
import socket
from collections.abc import Callable, Collection, Iterator
from contextlib import AsyncExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec

from keepclear.errors import Refused
from keepclear.line.clearing import residual_now
from keepclear.model.acts import Done, Said
from keepclear.node.clock import HandClock
from keepclear.node.home import Home, HostedParty, create
from keepclear.node.node import Node
from keepclear.phrases import say
from keepclear.record import Entry, VerifierKey, write_export
from keepclear.server.run import Service
from keepclear.stories import judge
from keepclear.stories.script import Step, Story, read_story, resolve

OWN_PACE = 0.0
"""As `speed`: quick where little happens and slow where much does, as the story itself says."""
REST = timedelta(minutes=30)
"""Story time never goes by in longer strides than this, so that what is due is noticed when it is due."""
FRAME_S = 0.1
"""Real seconds between two strides of the clock when somebody looks on."""
SETTLE_WITHIN_S = 60.0
PATIENCE_S = 0.25
"""Real seconds in which nodes that speak on loopback are done, unless one of them waits for its clock."""
MARK = "story.json"
HOMES = "nodes"

Tell = Callable[[str], None]


def run_story(
    name: str, out: Path, speed: float | None, lang: str, console: bool, on_line: Tell, stay: bool = False
) -> int:
    """Play a story into `out`, export every record, judge them; 0 if all expectations hold, 1 if not, 130 if stopped.

    `speed`: seconds of the story in one real second; None plays without waiting; `OWN_PACE` plays at the story's pace.
    With `console` the addresses of the consoles are told; with `stay` the nodes run on afterwards until they are
    interrupted, so that somebody can look around.
    `out` is new, empty, or holds an earlier run, which is replaced. Lines for a person go to `on_line`.
    """
    story = read_story(name)
    _make_room(out, story.id)
    try:
        return asyncio.run(_run(story, out, speed, lang, console, on_line, stay))
    except KeyboardInterrupt:
        on_line(say(lang, "story.stopped"))
        return 130


async def _run(
    story: Story, out: Path, speed: float | None, lang: str, console: bool, on_line: Tell, stay: bool
) -> int:
    async with AsyncExitStack() as stack:
        stage = Stage(story, out, on_line, lang)
        await stack.enter_async_context(stage)
        if console:
            for service in stage.services.values():
                on_line(say(lang, "story.console", node=service.node.id, url=service.console_url))
        await stage.play(speed)
        for node in stage.nodes:
            await export(node, out / node.id)
            on_line(say(lang, "story.exported", node=node.id, entries=node.size))
        expected = judge.read_expectations(story.id)
        judged = await asyncio.to_thread(judge.judge, out, expected)
        for line in judge.table(judged, lang):
            on_line(line)
        if stay:
            on_line(say(lang, "story.looking"))
            await _interrupted()
        return 0 if all(row.holds for row in judged) else 1


class Stage:
    """The nodes of a story, started and introduced to each other. For `async with`."""

    def __init__(self, story: Story, out: Path, on_line: Tell, lang: str, omit: Collection[str] = ()) -> None:
        self._story = story
        self._out = out
        self._tell = on_line
        self._lang = lang
        self._omit = frozenset(omit)
        self._ids: dict[str, str] = {}
        self._clock = HandClock(story.starts_at)
        self._rate: float | None = None
        self._waited_until = 0.0
        self.refused: list[str] = []
        """The keys of acts that their node refused."""
        self.services: dict[str, Service] = {}

    @property
    def nodes(self) -> list[Node]:
        """The running nodes."""
        return [service.node for service in self.services.values()]

    async def __aenter__(self) -> Stage:
        try:
            for home in _make_homes(self._story, self._out / HOMES):
                service = Service(home, clock=self._clock, story=self._status)
                await service.start()
                self.services[home.settings.id] = service
            await self._introduce()
        except BaseException:
            await self._stop()
            raise
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stop()

    async def play(self, speed: float | None) -> None:
        """Say every act when its time has come, and let time go by until the story ends."""
        with _progress(self._story, speed, self._lang) as moved:
            for step in self._story.steps:
                await self._go_to(step.at, speed, moved)
                await self._say(step)
            await self._go_to(self._story.ends_at, speed, moved)

    async def _introduce(self) -> None:
        """Every node enrols every other and opens the lines it is on."""
        hosts = {party: place.id for place in self._story.nodes for party in place.parties}
        for node in self.nodes:
            for other in self.nodes:
                if other is not node:
                    await node.enrol(other.card)
            for line in self._story.lines:
                if any(hosts[member] == node.id for member in line.members):
                    await node.open_line(line)
        await self._settle()

    async def _go_to(self, at: datetime, speed: float | None, moved: Callable[[datetime], None]) -> None:
        """Let the story's time go by up to `at`, in strides; at each, every node does what is due."""
        while self._clock.now() < at:
            now = self._clock.now()
            stride = min(REST, at - now)
            if speed is not None:
                self._rate = speed or self._story.rate(now)
                stride = min(stride, timedelta(seconds=self._rate * FRAME_S))
                await self._wait(stride.total_seconds() / self._rate)
            self._clock.set(now + stride)
            await self._settle()
            moved(self._clock.now())

    async def _wait(self, seconds: float) -> None:
        """Let so much real time go by from the end of the last wait; what was lost to work is made up for, in part."""
        real = asyncio.get_running_loop().time
        self._waited_until = max(self._waited_until, real() - 1.0) + seconds
        await asyncio.sleep(max(0.0, self._waited_until - real()))

    async def _settle(self) -> None:
        """What is due is done, and everybody has everything."""
        async with asyncio.timeout(SETTLE_WITHIN_S):
            while True:
                before = sum(node.size for node in self.nodes)
                for node in self.nodes:
                    await node.tick()
                while not await self._all_settled():
                    # A node that was turned away rests by the story's clock before it tries again.
                    self._clock.set(self._clock.now() + timedelta(seconds=1))
                if before == sum(node.size for node in self.nodes):
                    return

    async def _all_settled(self) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE_S):
                for node in self.nodes:
                    await node.settled()
                return True
        return False

    async def _say(self, step: Step) -> None:
        if step.key in self._omit:
            return
        node = next(node for node in self.nodes if step.author in node.keys)
        said = self._complete(resolve(step.said, self._ids), node, step)
        try:
            receipt = await node.submit(step.author, step.line, said)
        except Refused as error:
            self.refused.append(step.key)
            self._tell(say(self._lang, "story.refused", key=step.key, why=error))
            return
        self._ids[step.key] = receipt.act_id
        await self._settle()

    def _complete(self, said: Said, node: Node, step: Step) -> Said:
        """A `Done` in a script has no residual: it is what the author's node computes from its tracks."""
        act = said.act
        if not isinstance(act, Done):
            return said
        items = residual_now(node.state, act.re, step.author, self._clock.now()) if act.re in node.state.threads else ()
        evidence = tuple(dict.fromkeys(each for item in items for each in item.evidence))
        return msgspec.structs.replace(said, act=msgspec.structs.replace(act, residual=items, evidence=evidence))

    def _status(self) -> dict[str, Any]:
        """What consoles show of the story beside the node's own time."""
        return {
            "id": self._story.id,
            "name": msgspec.to_builtins(self._story.name),
            "at": self._clock.now(),
            "ends_at": self._story.ends_at,
            "rate": self._rate,
        }

    async def _stop(self) -> None:
        # One at a time: a node that stops says farewell to nobody, and the others must not wait for it.
        for service in self.services.values():
            await service.stop()


def _make_homes(story: Story, directory: Path) -> Iterator[Home]:
    names = {actor.id: actor.name for actor in story.actors}
    for place in story.nodes:
        parties = [HostedParty(id=party, name=names[party]) for party in place.parties]
        address = f"https://127.0.0.1:{_free_port()}"
        # The certificate is checked against the machine's own time, whatever the story's is.
        yield create(directory / place.id, place.id, parties, address, datetime.now(UTC))


def _free_port() -> int:
    """A port nobody listens on, below those the system hands out by itself, so that nobody is given it meanwhile."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as listening, suppress(OSError):
            listening.bind(("127.0.0.1", port))
            return port


def _make_room(out: Path, story: str) -> None:
    """A folder for a run. Refused if it holds anything but an earlier run."""
    if out.is_dir() and (out / MARK).is_file():
        shutil.rmtree(out)
    if out.exists() and (not out.is_dir() or any(out.iterdir())):
        raise Refused("there is something else in this folder already", field="out", code="not_empty")
    out.mkdir(parents=True, exist_ok=True)
    (out / MARK).write_bytes(msgspec.json.encode({"story": story}) + b"\n")


async def export(node: Node, directory: Path) -> None:
    """The whole record of a node as plain files."""
    rows = await node.entries(0, node.size)
    state = node.state
    keys = {
        author: VerifierKey.from_vkey(card.key)
        for cards in (state.nodes, state.parties)
        for author, card in cards.items()
    }
    entries = [Entry(row.index, row.recorded_at, row.envelope) for row in rows]
    await asyncio.to_thread(write_export, directory, entries, keys, node.key, node.id)


@contextmanager
def _progress(story: Story, speed: float | None, lang: str) -> Iterator[Callable[[datetime], None]]:
    """A bar of story time on a terminal; nothing elsewhere."""
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[at]}"), TimeRemainingColumn())
    with Progress(*columns, transient=True) as progress:
        total = (story.ends_at - story.starts_at).total_seconds()
        task = progress.add_task(say(lang, "story.playing"), total=total, at="")

        def moved(now: datetime) -> None:
            progress.update(task, completed=(now - story.starts_at).total_seconds(), at=f"{now:%Y-%m-%d %H:%MZ}")

        yield moved


async def _interrupted() -> None:
    """Returns when the person presses Ctrl-C."""
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for each in (signal.SIGINT, signal.SIGTERM):
        with suppress(NotImplementedError):
            loop.add_signal_handler(each, stopped.set)
    await stopped.wait()

"""A world in one process: nodes, the networks between them, their disks and their clocks, all from one seed.

Time stands still while anybody has something to do, and jumps to the next moment somebody waits for when nobody has.
Chance is a seeded generator, nothing runs in a thread, so the same seed gives the same world, event for event.

The cast: coalition and russia, each with its own node; a neutral desk that speaks for the convoy and for the ground
forces. Two lines: `avoidance` between coalition and russia, `movement` with everybody.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import random
import selectors
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from keepclear.errors import PeerUnreachable, StoreFailed
from keepclear.model.base import Name
from keepclear.model.parties import LineCard, NodeCard, PartyCard
from keepclear.node.node import Node
from keepclear.node.peers import handle_pull, handle_push
from keepclear.record import SigningKey
from keepclear.store import MemoryStore, NewRow, Row

START = datetime(2017, 9, 8, 5, 0, tzinfo=UTC)
CAST = {
    "coalition.node": ("coalition",),
    "russia.node": ("russia",),
    "desk.node": ("convoy", "ground"),
}
NAMES = {
    "coalition": Name(en="Coalition", ar="التحالف"),
    "russia": Name(en="Russia", ar="روسيا"),
    "convoy": Name(en="Convoy", ar="القافلة"),
    "ground": Name(en="Ground forces", ar="القوات البرية"),
}
AVOIDANCE = LineCard(
    id="avoidance", name=Name(en="Avoidance line", ar="خط تجنّب الاصطدام"), members=("coalition", "russia")
)
MOVEMENT = LineCard(
    id="movement",
    name=Name(en="Movement line", ar="خط الحركة"),
    members=("coalition", "russia", "convoy", "ground"),
)
LINES = (AVOIDANCE, MOVEMENT)

T = TypeVar("T")


def key(name: str) -> SigningKey:
    """The key of a node or party: always the same for a name."""
    return SigningKey.from_raw(name, hashlib.sha256(name.encode()).digest())


def node_card(node: str) -> NodeCard:
    return NodeCard(
        id=node,
        key=key(node).verifier.vkey,
        address="http://127.0.0.1:1",
        parties=tuple(PartyCard(id=party, name=NAMES[party], key=key(party).verifier.vkey) for party in CAST[node]),
    )


def home_of(party: str) -> str:
    return next(node for node, parties in CAST.items() if party in parties)


# ── time ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


class _NoWaiting(selectors.SelectSelector):
    """Never waits: where it would, time jumps instead."""

    def __init__(self) -> None:
        super().__init__()
        self.time_s = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise RuntimeError("everybody in this world waits for somebody else")
        self.time_s += max(0.0, timeout)
        return super().select(0)


class WorldLoop(asyncio.SelectorEventLoop):
    """An event loop whose time is its own."""

    def __init__(self) -> None:
        self._world_time = _NoWaiting()
        super().__init__(self._world_time)

    def time(self) -> float:
        return self._world_time.time_s


def play(story: Coroutine[Any, Any, T]) -> T:
    """Run a story in a world's own time, to its end."""
    with asyncio.Runner(loop_factory=WorldLoop) as runner:
        return runner.run(story)


class WorldClock:
    """The clock of one node: the world's time, and how far the node's clock is off."""

    def __init__(self) -> None:
        self.off_s = 0.0

    def now(self) -> datetime:
        return START + timedelta(microseconds=round((asyncio.get_running_loop().time() + self.off_s) * 1e6))

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


# ── disk ─────────────────────────────────────────────────────────────────────────────────────────────────────────────


class TearingDisk:
    """A store over a platter that outlives it. It can refuse to write, and lose power at any moment.

    A batch it refused may still be found on the platter after a loss of power, whole, as `Store.append` allows.
    """

    def __init__(self, platter: MemoryStore, chance: random.Random) -> None:
        self._platter = platter
        self._chance = chance
        self.fails = 0.0
        """How often an append is refused."""
        self.loses_power = 0.0
        """How often power is lost in an append; `on_power_lost` is then called."""
        self.on_power_lost: Callable[[], None] = lambda: None
        self._dead = False
        self._refused: Sequence[NewRow] = ()

    def cut_power(self) -> None:
        if not self._dead and self._refused and self._chance.random() < 0.5:
            self._platter.append(self._refused)
        self._dead = True

    def append(self, batch: Sequence[NewRow]) -> list[int]:
        self._check()
        if self._chance.random() < self.fails:
            self._refused = tuple(batch)
            raise StoreFailed("the disk is full")
        if self._chance.random() < self.loses_power:
            self._refused = tuple(batch)
            self.cut_power()
            self.on_power_lost()
            raise StoreFailed("the power is gone")
        self._refused = ()
        return self._platter.append(batch)

    def rows(self, start: int = 0, stop: int | None = None) -> Iterator[Row]:
        self._check()
        return self._platter.rows(start, stop)

    def row(self, index: int) -> Row:
        self._check()
        return self._platter.row(index)

    def index_of(self, act_id: str) -> int | None:
        self._check()
        return self._platter.index_of(act_id)

    def size(self) -> int:
        self._check()
        return self._platter.size()

    def leaf_hashes(self, start: int = 0) -> Iterator[bytes]:
        self._check()
        return self._platter.leaf_hashes(start)

    def cursor(self, name: str) -> int:
        self._check()
        return self._platter.cursor(name)

    def set_cursor(self, name: str, value: int) -> None:
        self._check()
        self._platter.set_cursor(name, value)

    def note(self, name: str) -> bytes | None:
        self._check()
        return self._platter.note(name)

    def set_note(self, name: str, value: bytes) -> None:
        self._check()
        self._platter.set_note(name, value)

    def close(self) -> None:
        self._dead = True

    def _check(self) -> None:
        if self._dead:
            raise StoreFailed("the power is gone")


# ── network ──────────────────────────────────────────────────────────────────────────────────────────────────────────

Handler = Callable[[Node, bytes], Awaitable[bytes]]


@dataclass
class Weather:
    """What becomes of what is sent. Chances are 0 to 1; `cut` holds the (from, to) ways that are cut."""

    loses: float = 0.0
    doubles: float = 0.0
    garbles: float = 0.0
    slowest_s: float = 0.05
    cut: set[tuple[str, str]] = field(default_factory=set)

    def part(self, *sides: Sequence[str]) -> None:
        """Cut every way between nodes of different sides."""
        for side in sides:
            for other in sides:
                if other is not side:
                    self.cut |= {(a, b) for a in side for b in other}

    def clear(self) -> None:
        self.loses = self.doubles = self.garbles = 0.0
        self.slowest_s = 0.05
        self.cut.clear()


class Way:
    """The network as one running node sees it."""

    TIMEOUT_S = 5.0

    def __init__(self, world: World, node: str) -> None:
        self._world = world
        self._node = node
        self.dead = False

    async def push(self, peer: NodeCard, body: bytes) -> bytes:
        return await self._carry(peer.id, handle_push, body)

    async def pull(self, peer: NodeCard, body: bytes) -> bytes:
        return await self._carry(peer.id, handle_pull, body)

    async def close(self) -> None:
        self.dead = True

    async def _carry(self, peer: str, handler: Handler, body: bytes) -> bytes:
        weather, chance = self._world.weather, self._world.chance
        try:
            async with asyncio.timeout(self.TIMEOUT_S):
                await self._leg(self._node, peer)
                if chance.random() < weather.doubles:
                    self._world.later(self._again(peer, handler, body))
                if chance.random() < weather.garbles:
                    place = chance.randrange(len(body))
                    body = body[:place] + bytes([chance.randrange(256)]) + body[place + 1 :]
                answer = await self._handed_over(peer, handler, body)
                await self._leg(peer, self._node)
        except TimeoutError:
            raise PeerUnreachable(f"{peer} does not answer") from None
        if self.dead:
            raise PeerUnreachable("this node is gone")
        return answer

    async def _leg(self, sender: str, receiver: str) -> None:
        weather, chance = self._world.weather, self._world.chance
        await asyncio.sleep(chance.uniform(0.0, weather.slowest_s))
        if self.dead or (sender, receiver) in weather.cut or chance.random() < weather.loses:
            await asyncio.sleep(self.TIMEOUT_S)

    async def _again(self, peer: str, handler: Handler, body: bytes) -> None:
        await asyncio.sleep(self._world.chance.uniform(0.0, 20.0))
        with contextlib.suppress(PeerUnreachable):
            await self._handed_over(peer, handler, body)

    async def _handed_over(self, peer: str, handler: Handler, body: bytes) -> bytes:
        node = self._world.nodes.get(peer)
        if node is None:
            raise PeerUnreachable(f"{peer} is down")
        return await handler(node, body)


# ── the world ────────────────────────────────────────────────────────────────────────────────────────────────────────


class World:
    """Nodes by id while they run; their platters and clocks for ever."""

    def __init__(self, seed: int, cast: Mapping[str, Sequence[str]] | None = None) -> None:
        self.seed = seed
        self.chance = random.Random(seed)
        self.weather = Weather()
        self.cast = dict(cast or CAST)
        self.platters = {node: MemoryStore() for node in self.cast}
        self.clocks = {node: WorldClock() for node in self.cast}
        self.disks: dict[str, TearingDisk] = {}
        self.ways: dict[str, Way] = {}
        self.nodes: dict[str, Node] = {}
        self._errands: set[asyncio.Task[None]] = set()
        self._switching = {node: asyncio.Lock() for node in self.cast}

    def now(self) -> datetime:
        """The true time."""
        return START + timedelta(seconds=asyncio.get_running_loop().time())

    def later(self, errand: Coroutine[Any, Any, None]) -> None:
        """Let something happen beside the story."""
        task = asyncio.get_running_loop().create_task(errand)
        self._errands.add(task)
        task.add_done_callback(self._errands.discard)

    async def aside(self, work: Callable[[], T]) -> T:
        """A blocking call of a node: others go on before and after it."""
        await asyncio.sleep(self.chance.uniform(0.0, 0.003))
        result = work()
        await asyncio.sleep(self.chance.uniform(0.0, 0.003))
        return result

    async def start(self, *names: str) -> None:
        """Switch nodes on (all by default); their records are as they were left. Those that run go on."""
        for name in names or tuple(self.cast):
            async with self._switching[name]:
                if name not in self.nodes:
                    await self._start(name)

    async def _start(self, name: str) -> None:
        disk = self.disks[name] = TearingDisk(self.platters[name], self.chance)
        disk.on_power_lost = lambda: self.later(self._come_back(name))
        way = self.ways[name] = Way(self, name)
        node = Node(
            node_card(name),
            {author: key(author) for author in (name, *self.cast[name])},
            disk,
            self.clocks[name],
            way,
            aside=self.aside,
            rng=random.Random(self.chance.random()),
        )
        await node.start()
        self.nodes[name] = node

    async def _come_back(self, name: str) -> None:
        await self.kill(name)
        await asyncio.sleep(self.chance.uniform(0.0, 20.0))
        await self.start(name)

    async def pair(self, *names: str, lines: Sequence[LineCard] = LINES) -> None:
        """Let nodes (all by default) enrol each other and open the lines their parties are on."""
        everybody = names or tuple(self.cast)
        for name in everybody:
            for other in everybody:
                if other != name:
                    await self.nodes[name].enrol(node_card(other))
            for line in lines:
                if any(party in line.members for party in self.cast[name]):
                    await self.nodes[name].open_line(line)

    async def kill(self, name: str) -> None:
        """Take a node's power away: what was not on its platter is gone, and nobody hears of it any more."""
        async with self._switching[name]:
            node = self.nodes.pop(name, None)
            if node is not None:
                self.disks[name].cut_power()
                self.ways[name].dead = True
                await node.stop()

    async def restart(self, name: str) -> None:
        await self.kill(name)
        await self.start(name)

    async def end(self) -> None:
        """Switch everything off."""
        for errand in list(self._errands):
            errand.cancel()
        for name in list(self.nodes):
            await self.nodes.pop(name).stop()

    async def settled(self, within_s: float = 30.0) -> float:
        """Wait until everything is delivered and nothing is owed; the seconds that took. TimeoutError after too many.

        An answer to one act is another act, so nodes are asked in turn until none has moved.
        """
        loop = asyncio.get_running_loop()
        began = loop.time()
        async with asyncio.timeout(within_s):
            sizes: list[int] | None = None
            while sizes != (now := [node.size for node in self.nodes.values()]):
                sizes = now
                for node in list(self.nodes.values()):
                    await node.tick()
                    await node.settled()
        return loop.time() - began

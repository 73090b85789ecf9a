"""Between two nodes: late pairing, lost disks, peers that are away, refuse, or talk nonsense."""

from __future__ import annotations

import asyncio
import copy
from collections.abc import Awaitable, Callable

import pytest

from keepclear.model import acts as a
from keepclear.model.parties import NodeCard
from keepclear.node.courier import PeerView
from keepclear.node.exchange import PullReply, PushReply, PushResult, Trouble, write
from keepclear.node.node import Node
from keepclear.store import MemoryStore
from tests.node import saying
from tests.world import AVOIDANCE, MOVEMENT, START, Way, World, node_card, play

NOW = START


def heard(node: Node) -> list[str]:
    """The words of every danger call in a record."""
    return [message.act.words.text for message in node.state.log if isinstance(message.act, a.DangerCall)]


def peer(node: Node, name: str) -> PeerView:
    return next(view for view in node.peers() if view.node == name)


async def call(world: World, text: str, line: str = "avoidance") -> str:
    to = "coalition" if line == "avoidance" else "convoy"
    return (await world.nodes["russia.node"].submit("russia", line, saying.danger(to, text=text))).act_id


def test_a_peer_that_is_enrolled_late_hears_what_was_said_before() -> None:
    async def story() -> None:
        world = World(0)
        await world.start()
        russia, coalition = world.nodes["russia.node"], world.nodes["coalition.node"]
        await russia.enrol(node_card("coalition.node"))
        await russia.open_line(AVOIDANCE)
        await call(world, "before")
        await asyncio.sleep(100)
        assert heard(coalition) == []
        assert "not enrolled" in str(peer(russia, "coalition.node").why)
        await coalition.enrol(node_card("russia.node"))
        await coalition.open_line(AVOIDANCE)
        await world.settled()
        assert heard(coalition) == ["before"]
        assert peer(russia, "coalition.node").why is None
        await world.end()

    play(story())


def test_a_line_not_open_there_is_shown_and_holds_up_no_other() -> None:
    async def story() -> None:
        world = World(0)
        await world.start("russia.node", "coalition.node")
        russia, coalition = world.nodes["russia.node"], world.nodes["coalition.node"]
        await russia.enrol(node_card("coalition.node"))
        await russia.enrol(node_card("desk.node"))
        await russia.open_line(AVOIDANCE)
        await russia.open_line(MOVEMENT)
        await coalition.enrol(node_card("russia.node"))
        await coalition.open_line(AVOIDANCE)
        await call(world, "not there yet", "movement")
        await call(world, "urgent")
        await asyncio.sleep(5)
        assert heard(coalition) == ["urgent"]
        stuck = peer(russia, "coalition.node").stuck
        assert {(lane.line, lane.author, lane.trouble.code) for lane in stuck} == {
            ("movement", "russia", "unknown_line"),
            ("movement", "russia.node", "unknown_line"),
        }
        assert peer(russia, "coalition.node").waiting >= 2
        await coalition.enrol(node_card("desk.node"))
        await coalition.open_line(MOVEMENT)
        await asyncio.sleep(5)
        assert heard(coalition) == ["urgent", "not there yet"]
        assert peer(russia, "coalition.node").stuck == ()
        await world.end()

    play(story())


class Counting:
    """A network that counts, and lets a test answer in a peer's place."""

    def __init__(self, way: Way) -> None:
        self.way = way
        self.asked = 0
        self.answers: Callable[[str], bytes] | None = None

    async def push(self, peer: NodeCard, body: bytes) -> bytes:
        return await self._ask("push", self.way.push, peer, body)

    async def pull(self, peer: NodeCard, body: bytes) -> bytes:
        return await self._ask("pull", self.way.pull, peer, body)

    async def close(self) -> None:
        await self.way.close()

    async def _ask(
        self, kind: str, onward: Callable[[NodeCard, bytes], Awaitable[bytes]], peer: NodeCard, body: bytes
    ) -> bytes:
        self.asked += 1
        if self.answers is not None:
            await asyncio.sleep(0.01)
            return self.answers(kind)
        return await onward(peer, body)


async def counted() -> tuple[World, Node, Counting]:
    world = World(0)
    await world.start("russia.node", "coalition.node")
    await world.pair("russia.node", "coalition.node", lines=[AVOIDANCE])
    await world.settled()
    russia = world.nodes["russia.node"]
    network = russia.network = Counting(world.ways["russia.node"])
    return world, russia, network


def test_a_peer_that_is_away_is_shown_so_tried_in_measure_and_found_again() -> None:
    async def story() -> None:
        world, russia, network = await counted()
        await world.kill("coalition.node")
        await call(world, "is anybody there")
        await asyncio.sleep(3600)
        view = peer(russia, "coalition.node")
        assert view.unreachable_since is not None
        assert (view.unreachable_since - NOW).total_seconds() < 5
        assert view.why == "coalition.node is down"
        assert view.waiting >= 1
        assert 300 < network.asked < 900
        await world.start("coalition.node")
        await asyncio.sleep(11)
        assert heard(world.nodes["coalition.node"]) == ["is anybody there"]
        assert peer(russia, "coalition.node").unreachable_since is None
        await world.end()

    play(story())


def test_with_nothing_to_say_nobody_is_asked() -> None:
    async def story() -> None:
        world, _, network = await counted()
        await asyncio.sleep(800)
        assert network.asked == 0
        await world.end()

    play(story())


def test_a_peer_that_is_heard_from_is_tried_again_sooner() -> None:
    async def story() -> float:
        world, _, _ = await counted()
        world.weather.cut.add(("russia.node", "coalition.node"))
        await call(world, "one way only")
        await asyncio.sleep(200)
        world.weather.clear()
        began = world.now()
        await world.nodes["coalition.node"].submit("coalition", "avoidance", saying.danger("russia", text="hello"))
        while "one way only" not in heard(world.nodes["coalition.node"]):
            await asyncio.sleep(0.1)
        await world.end()
        return (world.now() - began).total_seconds()

    assert play(story()) < 7.0


NONSENSE: list[tuple[str, Callable[[str], bytes]]] = [
    ("bytes", lambda kind: b"\xff\x00"),
    ("other json", lambda kind: b'{"ok":true}'),
    ("no results", lambda kind: write(PushReply()) if kind == "push" else write(PullReply())),
    ("too many", lambda kind: write(PushReply(results=(PushResult(index=1),) * 100)) if kind == "push" else b"{}"),
    (
        "endless more",
        lambda kind: write(PullReply(acts=(b"x",), more=True)) if kind == "pull" else write(PushReply()),
    ),
    (
        "go back for ever",
        lambda kind: (
            write(PushReply(results=(PushResult(trouble=Trouble(code="out_of_order", message="", need_seq=1)),)))
            if kind == "push"
            else b"{}"
        ),
    ),
]


@pytest.mark.parametrize("answers", [case[1] for case in NONSENSE], ids=[case[0] for case in NONSENSE])
def test_a_peer_that_talks_nonsense_is_tried_in_measure_and_nothing_is_lost(answers: Callable[[str], bytes]) -> None:
    async def story() -> None:
        world, russia, network = await counted()
        network.answers = answers
        await call(world, "serious")
        await asyncio.sleep(600)
        assert network.asked < 300
        view = peer(russia, "coalition.node")
        assert view.why is not None or view.stuck
        network.answers = None
        await asyncio.sleep(40)
        assert heard(world.nodes["coalition.node"]) == ["serious"]
        await world.end()

    play(story())


def test_a_peer_that_asks_without_end_is_not_sent_to_without_end() -> None:
    async def story() -> None:
        world, russia, network = await counted()
        refusing = PushReply(results=(PushResult(trouble=Trouble(code="unknown_line", message="no")),))
        network.answers = lambda kind: write(refusing) if kind == "push" else write(PullReply())
        await call(world, "serious")
        await asyncio.sleep(60)
        assert peer(russia, "coalition.node").stuck
        network.asked = 0
        for _ in range(100):
            russia.asked_by("coalition.node")
            await asyncio.sleep(0.05)
        assert 2 <= network.asked <= 8
        network.answers = None
        russia.asked_by("coalition.node")
        await asyncio.sleep(2)
        assert heard(world.nodes["coalition.node"]) == ["serious"]
        await world.end()

    play(story())


def test_a_peer_that_lost_its_disk_is_told_again() -> None:
    async def story() -> None:
        world = World(0)
        await world.start()
        await world.pair()
        await call(world, "one")
        await world.settled()
        old = copy.copy(world.platters["coalition.node"]._rows)
        for text in ("two", "three"):
            await call(world, text)
        await world.settled()
        await world.kill("coalition.node")
        await world.kill("desk.node")
        platter = world.platters["coalition.node"] = MemoryStore()
        platter.append(old)
        await world.start("coalition.node")
        await asyncio.sleep(10)
        assert heard(world.nodes["coalition.node"]) == ["one", "two", "three"]
        await world.end()

    play(story())


def test_a_node_that_forgot_what_it_said_itself_is_caught() -> None:
    async def story() -> None:
        world = World(0)
        await world.start("russia.node", "coalition.node")
        await world.pair("russia.node", "coalition.node", lines=[AVOIDANCE])
        await world.settled()
        old = copy.copy(world.platters["russia.node"]._rows)
        await call(world, "said once")
        await world.settled()
        await world.kill("russia.node")
        platter = world.platters["russia.node"] = MemoryStore()
        platter.append(old)
        await world.start("russia.node")
        await call(world, "said otherwise")
        await asyncio.sleep(30)
        coalition = world.nodes["coalition.node"]
        assert heard(coalition) == ["said once"]
        assert [m for m in coalition.state.log if isinstance(m.act, a.Noticed) and m.act.finding.kind == "fork"]
        (stuck, *_) = [
            lane for lane in peer(world.nodes["russia.node"], "coalition.node").stuck if lane.author == "russia"
        ]
        assert stuck.trouble.code == "forked"
        await world.end()

    play(story())


def test_what_is_on_the_own_line_goes_nowhere() -> None:
    async def story() -> None:
        world = World(0)
        await world.start()
        await world.pair()
        russia = world.nodes["russia.node"]
        await russia.submit("russia", "own.russia.node", saying.positions(NOW, "drone-7"))
        await world.settled()
        for name in ("coalition.node", "desk.node"):
            lines = {message.line for message in world.nodes[name].state.log}
            assert "own.russia.node" not in lines
        await world.end()

    play(story())


def test_a_line_of_two_is_not_heard_by_the_third() -> None:
    async def story() -> None:
        world = World(0)
        await world.start()
        await world.pair()
        await call(world, "between us")
        await call(world, "for all", "movement")
        await world.settled()
        assert heard(world.nodes["desk.node"]) == ["for all"]
        assert heard(world.nodes["coalition.node"]) == ["between us", "for all"]
        await world.end()

    play(story())

"""Nodes that lose messages, power and their way, and agree in the end. Every failure names the seed that repeats it.

python -m pytest tests/node/test_world.py -k "seed17"
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest

from keepclear.errors import Refused, StoreFailed
from keepclear.line.state import State
from keepclear.line.view import threads
from keepclear.model import acts as a
from keepclear.model.acts import Said
from keepclear.node.node import Node
from keepclear.record import Entry
from keepclear.record.export import write_export
from keepclear.record.verify import verify_export
from tests.node import saying
from tests.node.saying import said
from tests.world import CAST, LINES, World, home_of, key, play

SEEDS = range(60)
LONG_SEEDS = range(1000, 3000)
STEPS = 60
PARTIES = ("coalition", "russia", "convoy", "ground")
OWN_VIEW = {"recorded_at", "index", "findings", "missing_since"}
"""What two nodes may see differently of one thread: when each heard of things, and what each noticed."""
OWN_CLOCK = {"status_since", "waiting_since", "overdue", "escalated_to", "answered_at", "answer_s"}
"""What they may also see differently while their clocks differ: an act counts from when it was said, but never from
later than its arrival by one's own clock."""


class Story:
    """Random parties say random things while random things go wrong."""

    def __init__(self, seed: int) -> None:
        self.world = World(seed)
        self.chance = random.Random(-1 - seed)
        self.answered: list[tuple[str, str, int]] = []
        """(node, act, index) of everything that was acknowledged."""
        self.outcomes: Counter[str] = Counter()
        self.clocks_agree = seed % 2 == 0

    async def play(self) -> None:
        world, chance = self.world, self.chance
        await world.start()
        await world.pair()
        saying_it: list[asyncio.Task[None]] = []
        for _ in range(STEPS):
            await asyncio.sleep(chance.expovariate(1.0))
            if chance.random() < 0.3:
                await self.trouble()
            else:
                for _ in range(chance.choice((1, 1, 1, 5))):
                    saying_it.append(asyncio.create_task(self.say(chance.choice(PARTIES))))
        await asyncio.gather(*saying_it)

    async def trouble(self) -> None:
        """Something goes wrong, or right again."""
        world, chance = self.world, self.chance
        name = chance.choice(list(CAST))
        match chance.choice(("weather", "weather", "cut", "one way", "clear", "power", "power", "disk", "clock")):
            case "weather":
                world.weather.loses = chance.uniform(0.0, 0.4)
                world.weather.doubles = chance.uniform(0.0, 0.3)
                world.weather.garbles = chance.choice((0.0, 0.1))
                world.weather.slowest_s = chance.choice((0.01, 0.5, 3.0))
            case "cut":
                world.weather.part([name], [other for other in CAST if other != name])
            case "one way":
                world.weather.cut.add((name, chance.choice([other for other in CAST if other != name])))
            case "clear":
                world.weather.clear()
            case "power":
                await world.kill(name)
                world.later(self.come_back(name, chance.uniform(0.0, 30.0)))
            case "disk":
                if name in world.nodes:
                    world.disks[name].fails = chance.choice((0.0, 0.2, 0.7))
                    world.disks[name].loses_power = chance.choice((0.0, 0.02))
            case "clock":
                world.clocks[name].off_s = 0.0 if self.clocks_agree else chance.choice((0.0, -4.0, 4.0, -40.0))

    async def come_back(self, name: str, after_s: float) -> None:
        await asyncio.sleep(after_s)
        await self.world.start(name)

    async def say(self, party: str) -> None:
        name = home_of(party)
        node = self.world.nodes.get(name)
        if node is None:
            return
        line, what = self.words(node, party)
        try:
            receipt = await node.submit(party, line, what)
        except Refused as error:
            self.outcomes[error.code] += 1
        except StoreFailed:
            self.outcomes["store_failed"] += 1
        else:
            self.outcomes["answered"] += 1
            self.answered.append((name, receipt.act_id, receipt.index))

    def words(self, node: Node, party: str) -> tuple[str, Said]:
        """Something this party could say now, sensible or not."""
        chance, now = self.chance, node.clock.now()
        line = chance.choice([line for line in LINES if party in line.members])
        to = chance.choice([member for member in line.members if member != party])
        about = [thread for thread in node.state.threads.values() if thread.line == line.id]
        if not about or chance.random() < 0.4:
            return line.id, chance.choice(
                (
                    saying.notice(now, to, id=f"plan-{chance.randrange(20)}"),
                    saying.danger(to, text=f"danger {chance.random()}"),
                    saying.proposal(now, to, topic=f"topic-{chance.randrange(5)}"),
                    saying.positions(now, f"bus-{chance.randrange(3)}", 35.0 + chance.random()),
                    said(a.LineCheck()),
                    said(a.Suspend(reason=saying.words("storm"))),
                    said(a.Resume()),
                )
            )
        thread = chance.choice(about)
        kind = thread.kind if chance.random() < 0.8 else chance.choice(("notice", "danger_call", "proposal", "line"))
        whole_second = now - timedelta(microseconds=now.microsecond)
        remark = said(a.Remark(re=thread.id, words=saying.words(f"remark {chance.random()}")))
        replies = {
            "notice": (
                saying.read_back(thread.id, whole_second, right=chance.random() < 0.8),
                said(a.Receipt(re=thread.id, hop=chance.choice((a.Hop.OPENED, a.Hop.ACKNOWLEDGED)))),
                said(a.Cancel(re=thread.id, reason=saying.words("not today"))),
                remark,
            ),
            "danger_call": (
                said(a.Take(re=thread.id)),
                said(a.Close(re=thread.id, outcome=saying.words("over"))),
                remark,
            ),
            "proposal": (said(a.Answer(re=thread.id, reply=a.Reply.WILL_COMPLY)), remark),
        }
        return line.id, chance.choice(replies.get(kind, (said(a.Resume()), remark)))

    async def heal(self) -> float:
        """Everything works again; how many seconds it took until all was delivered."""
        world = self.world
        world.weather.clear()
        for clock in world.clocks.values():
            clock.off_s = 0.0
        for disk in world.disks.values():
            disk.fails = disk.loses_power = 0.0
        await world.start()
        return await world.settled(within_s=30.0)


def seen_of(state: State, line: str, now: datetime, own: set[str]) -> dict[str, Any]:
    """The threads of a line as every node on it must see them alike: without what is `own` to each."""
    return {view.id: _without(msgspec.to_builtins(view), own) for view in threads(state, now) if view.line == line}


def _without(value: Any, own: set[str]) -> Any:
    if isinstance(value, dict):
        return {name: _without(inner, own) for name, inner in value.items() if name not in own}
    if isinstance(value, list | tuple):
        return sorted((_without(inner, own) for inner in value), key=repr)
    return value


def chains_on(state: State, line: str) -> dict[str, list[str]]:
    return {author: list(chain.ids) for (on, author), chain in state.chains.items() if on == line}


def check_agreement(story: Story) -> None:
    """All nodes on a line hold the same acts of it, in the same chains, and see the same threads."""
    world = story.world
    now = world.now()
    own = OWN_VIEW if story.clocks_agree else OWN_VIEW | OWN_CLOCK
    for line in LINES:
        names = [name for name, parties in CAST.items() if any(party in line.members for party in parties)]
        first, *others = [world.nodes[name].state for name in names]
        for name, other in zip(names[1:], others, strict=True):
            assert chains_on(other, line.id) == chains_on(first, line.id), (line.id, names[0], name)
            assert seen_of(other, line.id, now, own) == seen_of(first, line.id, now, own), (line.id, names[0], name)


def check_nothing_lost(story: Story) -> None:
    """What was answered is where it was said to be, and there only."""
    for name, act, index in story.answered:
        node = story.world.nodes[name]
        assert node.state.log[index].id == act, (name, act)
        assert story.world.platters[name].row(index).act_id == act
    for name, node in story.world.nodes.items():
        ids = [row.act_id for row in story.world.platters[name].rows()]
        assert ids == [message.id for message in node.state.log]
        assert len(ids) == len(set(ids))
        assert not [peer.stuck for peer in node.peers() if peer.stuck]


def check_records(story: Story, directory: Path) -> None:
    """Each record proves itself, offline."""
    for name, node in story.world.nodes.items():
        rows = story.world.platters[name].rows()
        entries = (Entry(row.index, row.recorded_at, row.envelope) for row in rows)
        authors = {author: key(author).verifier for author in (*CAST, *PARTIES)}
        write_export(directory / name, entries, authors, node.key, name)
        verified = verify_export(directory / name, [node.key.verifier, *authors.values()])
        assert verified.size == node.size


async def whole_story(seed: int, directory: Path) -> Story:
    story = Story(seed)
    await story.play()
    await story.heal()
    check_agreement(story)
    check_nothing_lost(story)
    check_records(story, directory)
    heads = {name: node.checkpoint() for name, node in story.world.nodes.items()}
    for name in CAST:
        await story.world.nodes.pop(name).stop()
        await story.world.start(name)
        assert story.world.nodes[name].checkpoint() == heads[name]
    check_agreement(story)
    await story.world.end()
    return story


@pytest.mark.parametrize("seed", SEEDS, ids=lambda seed: f"seed{seed}")
def test_whatever_goes_wrong_all_agree_when_it_is_over(seed: int, tmp_path: Path) -> None:
    play(whole_story(seed, tmp_path))


@pytest.mark.soak
@pytest.mark.parametrize("seed", LONG_SEEDS, ids=lambda seed: f"seed{seed}")
def test_whatever_goes_wrong_for_long(seed: int, tmp_path: Path) -> None:
    play(whole_story(seed, tmp_path))


def test_the_stories_are_full_of_trouble(tmp_path: Path) -> None:
    """If they were not, the tests above would prove little."""
    outcomes: Counter[str] = Counter()
    for seed in SEEDS[:5]:
        outcomes += play(whole_story(seed, tmp_path / str(seed))).outcomes
    assert outcomes["answered"] > 150
    assert outcomes["store_failed"] > 5
    assert len(outcomes) > 6


def test_the_same_seed_is_the_same_world(tmp_path: Path) -> None:
    def told(directory: str) -> list[tuple[str, int, Any]]:
        story = play(whole_story(3, tmp_path / directory))
        return [(row.act_id, row.index, row.recorded_at) for p in story.world.platters.values() for row in p.rows()]

    assert told("once") == told("again")

"""Two hundred clients in one cell, over sockets, and a node that is killed under them.

The history is judged afterwards from the record alone: nothing was planned in ignorance of what it meets, no update
was lost, no subscription's notifications skip a number or bear one twice; and what was answered is there.
"""

from __future__ import annotations

import asyncio
import random
import uuid
from collections import defaultdict
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from keepclear.model.acts import UtmChange
from keepclear.model.utm import UtmIntent
from tests.server.f3548.crowd import Reply, Served, ask, token_of

INTENTS = "/dss/v1/operational_intent_references"
CLIENTS = 200
TOGETHER = 5
"""Clients whose intents all meet one another: they share a layer of height; the layers share the cell."""
STARTS = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    node = Served(tmp_path / "node")
    node.start()
    yield node
    node.stop()


def time(moment: datetime) -> dict[str, str]:
    return {"value": moment.isoformat().replace("+00:00", "Z"), "format": "RFC3339"}


def intent(layer: int, key: list[str]) -> dict[str, Any]:
    def height(value: float) -> dict[str, Any]:
        return {"value": value, "reference": "W84", "units": "M"}

    circle = {"center": {"lat": 34.5, "lng": 40.0}, "radius": {"value": 100, "units": "M"}}
    volume = {
        "outline_circle": circle,
        "altitude_lower": height(20.0 * layer),
        "altitude_upper": height(20.0 * layer + 15.0),
    }
    times = {"time_start": time(STARTS), "time_end": time(STARTS + timedelta(hours=1))}
    base = "https://uss1.example/utm"
    return {
        "extents": [{"volume": volume, **times}],
        "key": key,
        "state": "Accepted",
        "uss_base_url": base,
        "new_subscription": {"uss_base_url": base},
    }


class Client:
    """Plans one intent, and learns from each refusal what else is there."""

    def __init__(self, served: Served, token: str, number: int) -> None:
        self.served = served
        self.token = token
        self.layer = number // TOGETHER
        self.id = str(uuid.uuid4())
        self.key: list[str] = []
        self.answer: Any = None

    async def plan(self) -> None:
        while self.answer is None:
            reply = await self.try_once()
            if reply.status == 201:
                self.answer = reply.body
            elif reply.status == 409:
                missing = reply.body["missing_operational_intents"]
                assert missing, reply.body
                self.key += [each["ovn"] for each in missing]
            else:
                raise AssertionError((reply.status, reply.body))

    async def try_once(self) -> Reply:
        return await ask(self.served, "PUT", f"{INTENTS}/{self.id}", intent(self.layer, self.key), self.token)


class StubbornClient(Client):
    """Asks the very same again until there is an answer."""

    async def try_once(self) -> Reply:
        while True:
            reply = await super().try_once()
            if reply.status != 0:
                return reply
            await asyncio.sleep(0.05)


def judge(changes: list[UtmChange]) -> dict[str, UtmIntent]:
    """The intents as they stand at the end, by id, the history being as it must be."""
    assert [change.number for change in changes] == list(range(1, len(changes) + 1))
    held: dict[str, UtmIntent] = {}
    heard: defaultdict[str, list[int]] = defaultdict(list)
    for change in changes:
        for entity in change.put:
            if isinstance(entity, UtmIntent):
                before = held.get(entity.id)
                assert entity.version == (1 if before is None else before.version + 1), "an update was lost"
                held[entity.id] = entity
        for told in change.told:
            heard[told.subscription].append(told.index)
    for subscription, indices in heard.items():
        assert indices == list(range(indices[0], indices[0] + len(indices))), subscription
        assert indices[0] in (0, 1)
    return held


def check_knowledge(clients: list[Client], changes: list[UtmChange]) -> None:
    """Whoever came later in a layer knew the OVNs of those before it."""
    order = [entity.id for change in changes for entity in change.put if isinstance(entity, UtmIntent)]
    layers: defaultdict[int, list[Client]] = defaultdict(list)
    for client in sorted(clients, key=lambda each: order.index(each.id)):
        ovns = {other.answer["operational_intent_reference"]["ovn"] for other in layers[client.layer]}
        assert ovns <= set(client.key)
        layers[client.layer].append(client)


def test_two_hundred_clients_in_one_cell(served: Served) -> None:
    clients: list[Client] = []

    async def crowd() -> None:
        token = await token_of(served, "uss1")
        clients.extend(Client(served, token, number) for number in range(CLIENTS))
        random.Random(1).shuffle(clients)
        await asyncio.gather(*(client.plan() for client in clients))
        await update_one(token)

    async def update_one(token: str) -> None:
        """All at once change the first client's intent by the OVN they know: exactly one can."""
        first = clients[0]
        ovn = first.answer["operational_intent_reference"]["ovn"]
        subscription = first.answer["operational_intent_reference"]["subscription_id"]
        everything = [client.answer["operational_intent_reference"]["ovn"] for client in clients]
        asked = intent(first.layer, everything)
        del asked["new_subscription"]
        changed = [
            {**asked, "subscription_id": subscription, "uss_base_url": f"https://u{n}.example"} for n in range(20)
        ]
        path = f"{INTENTS}/{first.id}/{ovn}"
        replies = await asyncio.gather(*(ask(served, "PUT", path, each, token) for each in changed))
        assert sorted(reply.status for reply in replies) == [200, *[409] * 19]

    asyncio.run(crowd())
    served.stop()
    changes = list(served.changes())
    held = judge(changes)
    assert len(held) == CLIENTS
    assert held[clients[0].id].version == 2
    check_knowledge(clients, changes)


def test_a_node_killed_under_its_clients_has_what_it_answered_and_they_go_on(served: Served) -> None:
    clients: list[Client] = []

    async def crowd() -> None:
        token = await token_of(served, "uss1")
        clients.extend(StubbornClient(served, token, number) for number in range(CLIENTS // 2))
        planning = asyncio.gather(*(client.plan() for client in clients))
        for least in (5, 25, 60):
            while sum(client.answer is not None for client in clients) < least:
                await asyncio.sleep(0.002)
            served.kill()
            await asyncio.to_thread(served.start)
        await planning

    asyncio.run(crowd())
    served.stop()
    changes = list(served.changes())
    held = judge(changes)
    assert held.keys() == {client.id for client in clients}
    for client in clients:
        reference = client.answer["operational_intent_reference"]
        assert (reference["ovn"], reference["version"]) == (held[client.id].ovn, 1)
    check_knowledge(clients, changes)

"""Instances of the neutral desk over one record, for tests of pools."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from keepclear.errors import PeerUnreachable
from keepclear.model import acts as a
from keepclear.model.base import Name
from keepclear.model.parties import LineCard, NodeCard
from keepclear.node.clock import Clock, SystemClock
from keepclear.node.network import Network
from keepclear.node.node import Node
from keepclear.store.postgres import PostgresStore
from tests.world import CAST, key, node_card

NODE = "desk.node"
AUTHORS = (NODE, *CAST[NODE])
DESK = LineCard(id="desk", name=Name(en="At the desk", ar="على المكتب"), members=("convoy", "ground"))


class NoNetwork:
    """Nobody is there."""

    async def push(self, peer: NodeCard, body: bytes) -> bytes:
        raise PeerUnreachable(f"{peer.id} is not there")

    async def pull(self, peer: NodeCard, body: bytes) -> bytes:
        raise PeerUnreachable(f"{peer.id} is not there")

    async def close(self) -> None:
        pass


async def instance(
    store: PostgresStore,
    *,
    clock: Clock | None = None,
    network: Network | None = None,
    tick_every_s: float | None = None,
) -> Node:
    """One more instance of the desk, started."""
    keys = {author: key(author) for author in AUTHORS}
    node = Node(node_card(NODE), keys, store, clock or SystemClock(), network or NoNetwork(), tick_every_s=tick_every_s)
    await node.start()
    return node


@asynccontextmanager
async def pool(url: str, count: int = 2, *, tick_every_s: float | None = None) -> AsyncIterator[list[Node]]:
    """Instances with a line at the desk; stopped at the end, after it is seen that they hold one record."""
    nodes = [await instance(PostgresStore(url, NODE), tick_every_s=tick_every_s) for _ in range(count)]
    try:
        await nodes[0].open_line(DESK)
        for node in nodes:
            await node.current()
        yield nodes
        await one_record(nodes)
    finally:
        for node in nodes:
            await node.stop()
            node.store.close()


async def one_record(nodes: Sequence[Node]) -> None:
    """All instances hold the same record, in which every chain is whole and time never goes back."""
    for node in nodes:
        await node.settled()
    for node in nodes:
        await node.current()
    first = nodes[0]
    assert len({node.checkpoint() for node in nodes}) == 1
    ids = [message.id for message in first.state.log]
    assert len(set(ids)) == len(ids) == first.store.size()
    for node in nodes:
        assert [message.id for message in node.state.log] == ids
        assert node.state.utm.availability == first.state.utm.availability
    times = [message.recorded_at for message in first.state.log if message.recorded_at is not None]
    assert times == sorted(times)
    assert len(times) == len(ids)


def changes(node: Node) -> list[a.UtmChange]:
    """The changes of the UTM ledger on record."""
    return [message.act for message in node.state.log if isinstance(message.act, a.UtmChange)]

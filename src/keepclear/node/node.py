"""A node: a record, the rules, and the peers, held together by one writer.

Everything goes through `submit` (an act of a party this node speaks for) and `take_in` (acts a peer brought). Both
answer only when the act is on disk. Everything that is shown is computed from `state`, and follows from the record.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from datetime import datetime
from functools import partial
from typing import TypeVar

import msgspec
import structlog

from keepclear.errors import BrokenRecord, Forged, KeepclearError, Malformed, Refused, StoreFailed
from keepclear.line.duties import NODE_ROLE
from keepclear.line.message import Message
from keepclear.line.state import State
from keepclear.model.acts import Act, Enrol, OpenLine, Said
from keepclear.model.parties import LineCard, NodeCard
from keepclear.node.clock import Clock
from keepclear.node.courier import Courier, PeerView
from keepclear.node.network import Network
from keepclear.node.peers import PullsSeen, key_of_peer
from keepclear.node.turns import Aside
from keepclear.node.waiting import Arrival, Composition, Submission
from keepclear.node.writer import Writer
from keepclear.record import Checkpoint, SigningKey, VerifierKey, open_checkpoint, sign_checkpoint
from keepclear.store import Row, SharedStore, Store

MAX_BEHIND = 10_000
"""Messages a subscriber may be behind before it is let go; it can go on from the record."""
LAST_CHECKPOINT = "checkpoint"
FOLLOW_EVERY_S = 0.25
"""How often an instance looks whether others have written, at a store that is shared."""

T = TypeVar("T")
log = structlog.get_logger("keepclear.node")


class Receipt(msgspec.Struct, frozen=True, kw_only=True):
    """What an author gets back: where the record of this node holds the act, and the signed head of that record.

    `leaf_hash` is 32 bytes. With `Node.inclusion_proof(index)` it proves the act to be in the record.
    """

    act_id: str
    index: int
    recorded_at: datetime
    leaf_hash: bytes
    checkpoint: bytes


class Subscription:
    """The messages kept since `subscribe` was called, in order of the record, for `async for`.

    It ends when the node stops, when it is closed, or when the reader has fallen too far behind.
    """

    def __init__(self, forget: Callable[[Subscription], None]) -> None:
        self._forget = forget
        self._queue: asyncio.Queue[Message | None] = asyncio.Queue()
        self._open = True

    def put(self, message: Message) -> None:
        """One more message. For the node."""
        if self._queue.qsize() >= MAX_BEHIND:
            self.close()
        else:
            self._queue.put_nowait(message)

    def close(self) -> None:
        """Take no more; what is already here can still be read."""
        if self._open:
            self._open = False
            self._forget(self)
            self._queue.put_nowait(None)

    def __aiter__(self) -> AsyncIterator[Message]:
        return self

    async def __anext__(self) -> Message:
        message = await self._queue.get()
        if message is None:
            self._queue.put_nowait(None)
            raise StopAsyncIteration
        return message


class Node:
    """One node. Store, clock and network belong to the caller, who closes them after `stop`.

    `card` says what this node is; `keys` holds the key of the node and of each party on the card, by id. `aside` runs
    blocking calls of the store; `rng` makes retries uneven; what is due is done every `tick_every_s` on the clock, or,
    for None, only when `tick` is called.
    """

    def __init__(
        self,
        card: NodeCard,
        keys: Mapping[str, SigningKey],
        store: Store,
        clock: Clock,
        network: Network,
        *,
        aside: Aside = asyncio.to_thread,
        rng: random.Random | None = None,
        tick_every_s: float | None = 1.0,
    ) -> None:
        for author, vkey in ((card.id, card.key), *((party.id, party.key) for party in card.parties)):
            if author not in keys or keys[author].verifier.vkey != vkey:
                raise Malformed(f"the key of {author} is not the one on the card", field="keys")
        self.id = card.id
        self.card = card
        self.store = store
        self.clock = clock
        self.network = network
        self.key = keys[card.id]
        self.keys = keys
        self.aside = aside
        self.pulls_seen = PullsSeen()
        self._rng = rng or random.Random()
        self._tick_every_s = tick_every_s
        self._writer = Writer(card.id, keys, store, clock, aside, self._on_kept)
        self._subscriptions: list[Subscription] = []
        self._couriers: dict[str, Courier] = {}
        self._tasks: list[asyncio.Task[None]] = []
        self._writing: asyncio.Task[None] | None = None
        self._started = False
        self._came_to_rest = asyncio.Event()
        self._signed: tuple[int, bytes] | None = None
        self._kept_checkpoint_size = -1
        self._peer_checkpoints: dict[str, tuple[Checkpoint, bytes]] = {}
        self._unkept_peer_checkpoints: dict[str, tuple[int, bytes]] = {}

    # ── its life ──

    async def start(self) -> None:
        """Fold the record, check it against the last checkpoint this node signed, and begin to work.

        An empty record begins with the node's own enrolment, and so does one whose node has changed its card.
        BrokenRecord if the record does not prove itself; StoreFailed if it cannot be read or written.
        """
        # Read first: while this instance loads, another may sign a longer record.
        last = await self.aside(partial(self.store.note, LAST_CHECKPOINT))
        await self.aside(self._writer.load)
        self._check_record(last)
        self._writing = asyncio.create_task(self._writer.run(), name=f"{self.id} writer")
        self._started = True
        self._meet_peers()
        if self.state.nodes.get(self.id) != self.card:
            await self.compose(self._own_enrolment)
        await self._load_peer_checkpoints()
        if self._tick_every_s is not None:
            self._tasks.append(asyncio.create_task(self._tick_for_ever(self._tick_every_s), name=f"{self.id} ticks"))
            if isinstance(self.store, SharedStore):
                self._tasks.append(asyncio.create_task(self._follow(), name=f"{self.id} follows"))

    async def stop(self) -> None:
        """Answer what has arrived, then end. The record is whole at every moment; this only spares the next start."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()
        if self._writing is not None:
            self._writer.stop()
            await asyncio.gather(self._writing, return_exceptions=True)
            try:
                await self._keep_checkpoints()
            except StoreFailed as error:
                log.warning("store.failed", why=str(error))
        for subscription in list(self._subscriptions):
            subscription.close()
        self._started = False
        self._came_to_rest.set()

    @property
    def failed(self) -> BaseException | None:
        """Why the writer ended by itself, if it did: the node then takes nothing more and must be started anew."""
        if self._writing is None or not self._writing.done() or self._writing.cancelled():
            return None
        return self._writing.exception()

    @property
    def duties_failed(self) -> str | None:
        """Why this node cannot tell what it owes to say, if so: it takes acts, but gives no receipts or findings."""
        return self._writer.duties_failed

    # ── saying and hearing ──

    async def submit(self, author: str, line: str, said: Said, said_at: datetime | None = None) -> Receipt:
        """Say something for the node or a party it speaks for; the answer comes when it is on disk.

        Forged (`author`) if this node holds no such key; any other Refused if the rules of the line do not allow it,
        naming the field; StoreFailed if it could not be kept. After an error nothing was said. What was already said
        under the same draft is answered as it was then; other words under it are NotNow (`draft_reused`).
        """
        submission = Submission(author, line, said, said_at)
        self._writer.put(submission)
        return self._receipt(await submission.answer)

    async def compose(self, compose: Callable[[State, datetime], Sequence[Act]]) -> Message | None:
        """Let the node say, on its own line, what `compose(state, now)` gives when it is its turn: see `Composition`.

        The message of the last act when it is on disk; None if there was nothing to say. Raises what `compose` raises
        (Refused), or StoreFailed; then nothing was said.
        """
        composition = Composition(compose)
        self._writer.put(composition)
        return await composition.answer

    async def current(self) -> State:
        """The state, when what its UTM ledger holds is on disk: what answers to readers are made from.

        It holds all that this node, at any of its instances, had answered for when this was called. StoreFailed if that
        cannot be known.
        """
        await self._writer.current()
        return self.state

    async def receive(self, raw: bytes, from_peer: str) -> Receipt:
        """Take in one envelope, signed by its author, whoever brought it. The same bytes again give the same index.

        Raises like `submit`; OutOfOrder if the author's act before it is missing.
        """
        arrival = self._writer.arrival(raw, from_peer)
        self._writer.put(arrival)
        return self._receipt(await arrival.answer)

    async def take_in(self, raws: Sequence[bytes], sender: str) -> list[int | KeepclearError]:
        """Take in several envelopes in order; for each its index in the record, or why it was not taken."""
        arrivals: list[Arrival | KeepclearError] = []
        for raw in raws:
            try:
                arrival = self._writer.arrival(raw, sender)
                self._writer.put(arrival)
            except KeepclearError as error:
                arrivals.append(error)
            else:
                arrivals.append(arrival)
        outcomes: list[int | KeepclearError] = []
        for waiting in arrivals:
            if isinstance(waiting, Arrival):
                try:
                    outcomes.append(_kept(await waiting.answer).index)
                except KeepclearError as error:
                    outcomes.append(error)
            else:
                outcomes.append(waiting)
        return outcomes

    async def enrol(self, card: NodeCard) -> Receipt:
        """Take a node and its parties into the register (an act of this node on its own line)."""
        return await self.submit(self.id, self.state.own_line, Said(role=NODE_ROLE, act=Enrol(node=card)))

    async def open_line(self, card: LineCard) -> Receipt:
        """Open a line on these terms (an act of this node on its own line). Every other node on it does the same."""
        return await self.submit(self.id, self.state.own_line, Said(role=NODE_ROLE, act=OpenLine(line=card)))

    async def tick(self) -> None:
        """Do what is due now: checks, receipts, findings, escalations. Returns when it is kept."""
        await self._writer.tick()

    # ── looking ──

    @property
    def state(self) -> State:
        """The state, to be read only. It changes between two awaits of the reader, never during one look."""
        return self._writer.state

    @property
    def size(self) -> int:
        """How many entries the record has."""
        return self._writer.tree.size

    @property
    def clock_behind_s(self) -> float:
        """How far the clock stands behind the last record time: 0, unless it was put back."""
        return self._writer.clock_behind_s

    async def entries(self, start: int, stop: int) -> list[Row]:
        """The entries from `start` up to, not including, `stop`, as they are kept."""
        return await self.aside(lambda: list(self.store.rows(start, stop)))

    def checkpoint(self) -> bytes:
        """The head of the record as it is now, signed by the node (C2SP tlog-checkpoint; origin: the node id)."""
        size = self.size
        if self._signed is None or self._signed[0] != size:
            self._signed = (size, sign_checkpoint(Checkpoint(self.id, size, self._writer.tree.root()), self.key))
        return self._signed[1]

    def leaf_hash(self, index: int) -> bytes:
        """The leaf hash of an entry. Malformed (`index`) if there is none."""
        return self._writer.tree.leaf(index)

    def inclusion_proof(self, index: int, size: int | None = None) -> list[bytes]:
        """That an entry is in the record of `size` entries (by default all). Malformed if it is not."""
        return self._writer.tree.inclusion_proof(index, size)

    def consistency_proof(self, old: int, new: int | None = None) -> list[bytes]:
        """That the record of `new` entries begins with that of `old`. Malformed if there are not so many."""
        return self._writer.tree.consistency_proof(old, new)

    def subscribe(self) -> Subscription:
        """The messages kept from now on."""
        subscription = Subscription(self._subscriptions.remove)
        self._subscriptions.append(subscription)
        return subscription

    def peers(self) -> tuple[PeerView, ...]:
        """How it stands with each peer, by id."""
        return tuple(courier.view() for _, courier in sorted(self._couriers.items()))

    def peer_checkpoint(self, peer: str) -> bytes | None:
        """The largest checkpoint a peer has shown us, as it signed it."""
        known = self._peer_checkpoints.get(peer)
        return None if known is None else known[1]

    async def settled(self) -> None:
        """Returns when all that arrived is written and every peer has, and has given, all it should.

        While a peer is away or refuses something this does not return: give it a time limit.
        """
        while True:
            await self._writer.idle()
            if not self._started or all(courier.idle for courier in self._couriers.values()):
                return
            self._came_to_rest.clear()
            await self._came_to_rest.wait()

    # ── for those who carry and answer ──

    def chance(self) -> float:
        """A number from 0 to 1."""
        return self._rng.random()

    def nonce(self) -> str:
        """32 hex digits, not used before. It need not be secret: what it is in is signed."""
        return f"{self._rng.getrandbits(128):032x}"

    def came_to_rest(self) -> None:
        """A courier has nothing to do."""
        self._came_to_rest.set()

    def heard_from(self, peer: str) -> None:
        """A peer has spoken to us: it may be reachable again."""
        courier = self._couriers.get(peer)
        if courier is not None:
            courier.heard()

    def asked_by(self, peer: str) -> None:
        """A peer has asked for our acts: it may now take, and show, what it refused before."""
        courier = self._couriers.get(peer)
        if courier is not None:
            courier.heard()
            courier.reconsider()

    def heard_checkpoint(self, peer: str, raw: bytes) -> None:
        """Check a peer's checkpoint and remember the largest. Malformed or Forged if it is not the peer's own.

        Two checkpoints of one size with different roots are kept both: the peer has signed two records.
        """
        checkpoint, _ = open_checkpoint(raw, [key_of_peer(self, peer)])
        if checkpoint.origin != peer:
            raise Forged("this is the checkpoint of another record", field="checkpoint")
        known = self._peer_checkpoints.get(peer)
        if known is None or checkpoint.size > known[0].size:
            self._peer_checkpoints[peer] = (checkpoint, raw)
            self._unkept_peer_checkpoints[_of_peer(peer)] = (checkpoint.size, raw)
        elif checkpoint.size == known[0].size and checkpoint.root != known[0].root:
            log.error("peer.two_records", peer=peer, size=checkpoint.size)
            self._unkept_peer_checkpoints[f"{_of_peer(peer)}.conflicting"] = (checkpoint.size, raw)

    # ── inside ──

    def _receipt(self, answer: Message | None) -> Receipt:
        message = _kept(answer)
        if message.recorded_at is None:
            raise ValueError("only a kept message has a receipt")
        return Receipt(
            act_id=message.id,
            index=message.index,
            recorded_at=message.recorded_at,
            leaf_hash=self.leaf_hash(message.index),
            checkpoint=self.checkpoint(),
        )

    def _on_kept(self, messages: Sequence[Message]) -> None:
        """Acts are on disk and in force: tell whoever listens, and the peers."""
        for subscription in list(self._subscriptions):
            for message in messages:
                subscription.put(message)
        lines = {message.line for message in messages if message.line != self.state.own_line}
        for peer in sorted({peer for line in lines for peer in self.state.peers(line)}):
            if peer in self._couriers:
                self._couriers[peer].look()
        if self._started and any(isinstance(message.act, Enrol | OpenLine) for message in messages):
            self._meet_peers()

    def _meet_peers(self) -> None:
        """Every enrolled peer has a courier; who is here or on which line has changed, so all are asked again."""
        for peer in sorted(self.state.nodes):
            if peer == self.id:
                continue
            if peer not in self._couriers:
                courier = self._couriers[peer] = Courier(self, peer)
                self._tasks.append(asyncio.create_task(courier.run(), name=f"{self.id} to {peer}"))
            self._couriers[peer].pull()

    def _own_enrolment(self, state: State, now: datetime) -> list[Act]:
        """Instances that start at once enrol their node once."""
        return [] if state.nodes.get(self.id) == self.card else [Enrol(node=self.card)]

    async def _follow(self) -> None:
        """Hear what other instances write, also when nobody asks here."""
        while self.failed is None:
            await self.clock.sleep(FOLLOW_EVERY_S)
            try:
                await self._writer.current()
            except KeepclearError as error:
                log.warning("store.failed", why=str(error))

    async def _tick_for_ever(self, every_s: float) -> None:
        while True:
            try:
                await self.tick()
                await self._keep_checkpoints()
            except StoreFailed as error:
                log.warning("store.failed", why=str(error))
            await self.clock.sleep(every_s)

    # ── checkpoints ──

    def _check_record(self, raw: bytes | None) -> None:
        """The record continues the last checkpoint that was kept; BrokenRecord if anything was cut off or changed."""
        if raw is None:
            return
        try:
            last, _ = open_checkpoint(raw, [self.key.verifier])
        except Refused as error:
            raise BrokenRecord("checkpoint", f"the last one kept is not this node's: {error}") from error
        if last.size > self.size:
            raise BrokenRecord("checkpoint", f"the record had {last.size} entries and has {self.size}")
        if self._writer.tree.root(last.size) != last.root:
            raise BrokenRecord("checkpoint", f"the first {last.size} entries are not those that were signed")

    async def _keep_checkpoints(self) -> None:
        if self.size != self._kept_checkpoint_size:
            size, raw = self.size, self.checkpoint()
            await self._keep_note(LAST_CHECKPOINT, raw, size)
            self._kept_checkpoint_size = size
        while self._unkept_peer_checkpoints:
            name, (size, raw) = self._unkept_peer_checkpoints.popitem()
            await self._keep_note(name, raw, size)

    async def _keep_note(self, name: str, raw: bytes, size: int) -> None:
        """Keep a checkpoint; where other instances keep theirs too, only over a smaller one."""
        if isinstance(self.store, SharedStore):
            await self.aside(partial(self.store.raise_note, name, raw, size))
        else:
            await self.aside(partial(self.store.set_note, name, raw))

    async def _load_peer_checkpoints(self) -> None:
        for peer in self.state.nodes:
            raw = await self.aside(partial(self.store.note, _of_peer(peer)))
            if raw is not None and peer not in self._peer_checkpoints:
                key = VerifierKey.from_vkey(self.state.nodes[peer].key)
                self._peer_checkpoints[peer] = (open_checkpoint(raw, [key])[0], raw)


def _of_peer(peer: str) -> str:
    return f"peer.{peer}.checkpoint"


def _kept(answer: Message | None) -> Message:
    if answer is None:
        raise ValueError("only a composition may find nothing to say")
    return answer

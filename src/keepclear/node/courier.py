"""One task for each peer: asks it for what was missed, hands it what is queued, and tries again if it does not answer.

It waits on an event when there is nothing to do and on the clock after a failure; it never spins. The wait doubles up
to `MOST_BACK_OFF_S`, so after a break everything is on its way again within that time. A peer that is heard from is
tried again sooner, but not more than once a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

import structlog

from keepclear.errors import Malformed, PeerUnreachable, StoreFailed
from keepclear.model.parties import NodeCard
from keepclear.node.clock import Clock
from keepclear.node.exchange import (
    MAX_ACTS,
    MAX_BATCH_BYTES,
    Have,
    PullReply,
    PullRequest,
    Push,
    PushReply,
    Trouble,
    read,
    sign_pull,
    sign_push,
)
from keepclear.node.network import MAX_ANSWER_BYTES
from keepclear.node.outbox import Chain, Lane, Outbox, Queued, Stuck, back_off, shared_chains
from keepclear.store import Store

if TYPE_CHECKING:
    from keepclear.node.node import Node

MOST_BACK_OFF_S = 10.0
MOST_REST_S = 15.0
"""The longest a stuck lane rests before it is tried again."""
RECONSIDER_EVERY_S = 1.0
"""How often a peer that asks for our acts may end the rest of its stuck lanes."""
MAX_HAVE = 1000

log = structlog.get_logger("keepclear.node")


@dataclass(frozen=True, slots=True)
class PeerView:
    """How it stands with one peer. `unreachable_since` and `why` are None while it answers; `reached_at`: last answer.

    `waiting` counts acts it has not yet taken, `stuck` names the lanes it refuses; `pull_refused` is why it shows us
    nothing.
    """

    node: str
    address: str
    waiting: int
    stuck: tuple[Stuck, ...]
    reached_at: datetime | None
    unreachable_since: datetime | None
    why: str | None
    pull_refused: Trouble | None


class Courier:
    """Runs between one node and one peer. `run` ends only by being cancelled."""

    def __init__(self, node: Node, peer: str) -> None:
        self.peer = peer
        self._node = node
        self._outbox = Outbox()
        self._work = asyncio.Event()
        self._heard = asyncio.Event()
        self._rests: set[asyncio.Task[None]] = set()
        self._reconsidered = False
        self._reconsider_again = False
        self._pull_due = True
        self._pull_refused: Trouble | None = None
        self._pull_refusals = 0
        self._busy = True
        self._failures = 0
        self._reached_at: datetime | None = None
        self._unreachable_since: datetime | None = None
        self._why: str | None = None

    def look(self) -> None:
        """There may be something new to send."""
        self._work.set()

    def pull(self) -> None:
        """There may be something new to ask for."""
        self._pull_due = True
        self._work.set()

    def heard(self) -> None:
        """The peer was heard from, so it may be reachable again."""
        self._heard.set()

    def reconsider(self) -> None:
        """The peer has asked for our acts, so it may now take, and show, what it refused before.

        At most once in `RECONSIDER_EVERY_S`: a peer that asks without end does not make us send without end.
        """
        if self._reconsidered:
            self._reconsider_again = True
            return
        self._reconsidered, self._reconsider_again = True, False
        self._after(RECONSIDER_EVERY_S, self._may_reconsider)
        self._outbox.wake()
        if self._pull_refused is not None:
            self._pull_due = True
        self._work.set()

    def _may_reconsider(self) -> None:
        self._reconsidered = False
        if self._reconsider_again:
            self.reconsider()

    @property
    def idle(self) -> bool:
        """Whether the peer has everything that is for it and was asked for everything it has."""
        shared = shared_chains(self._node.state, self.peer)
        return not (self._busy or self._pull_due or self._outbox.waiting(self._node.state, shared))

    def view(self) -> PeerView:
        """How it stands with the peer."""
        state = self._node.state
        shared = shared_chains(state, self.peer)
        return PeerView(
            node=self.peer,
            address=self._card.address,
            waiting=self._outbox.waiting(state, shared),
            stuck=self._outbox.stuck(shared),
            reached_at=self._reached_at,
            unreachable_since=self._unreachable_since,
            why=self._why,
            pull_refused=self._pull_refused,
        )

    async def run(self) -> None:
        """Carry, for as long as the node runs."""
        try:
            while True:
                await self._round()
        finally:
            for rest in self._rests:
                rest.cancel()

    async def _round(self) -> None:
        self._busy = True
        self._work.clear()
        try:
            pulled = self._pull_due
            if pulled:
                await self._pull()
            sent = await self._push()
        except (PeerUnreachable, Malformed) as error:
            self._failed(str(error))
            await self._back_off()
            return
        except StoreFailed as error:
            log.warning("outbox.store_failed", peer=self.peer, why=str(error))
            await self._back_off()
            return
        if pulled or sent:
            self._reached()
        if not sent and not self._work.is_set():
            self._busy = False
            self._node.came_to_rest()
            await self._work.wait()

    # ── to the peer ──

    async def _push(self) -> bool:
        """Send one batch; False if there was none."""
        state = self._node.state
        shared = shared_chains(state, self.peer)
        for chain in shared:
            if self._outbox.lane(chain) is None:
                self._outbox.open(chain, min(await self._kept(chain), state.chain(*chain).seq))
        queued = self._outbox.next(state, shared, MAX_ACTS)
        if not queued:
            return False
        raws = await self._node.aside(lambda: _envelopes(self._node.store, queued))
        queued = queued[: len(raws)]
        push = Push(checkpoint=self._node.checkpoint(), acts=tuple(raws))
        answer = await self._node.network.push(self._card, sign_push(push, self.peer, self._node.key))
        reply = read(answer, PushReply, MAX_ANSWER_BYTES)
        if reply.trouble is not None:
            raise PeerUnreachable(f"{self.peer} refuses what we send: {reply.trouble.message}")
        if len(reply.results) != len(queued):
            raise PeerUnreachable(f"{self.peer} answered {len(reply.results)} acts of {len(queued)}")
        before = {chain: lane.accepted for chain, lane in self._lanes(queued)}
        for lane in self._outbox.answered(queued, reply.results, self._node.clock.now()):
            self._rest(lane)
        for chain, lane in self._lanes(queued):
            if lane.accepted != before[chain]:
                await self._keep(chain, lane.accepted)
        return True

    def _lanes(self, queued: Sequence[Queued]) -> list[tuple[Chain, Lane]]:
        lanes = ((chain, self._outbox.lane(chain)) for chain in sorted({item.chain for item in queued}))
        return [(chain, lane) for chain, lane in lanes if lane is not None]

    def _rest(self, lane: Lane) -> None:
        stuck = lane.stuck
        if stuck is not None and lane.refusals == 1:
            log.warning("outbox.stuck", peer=self.peer, line=stuck.line, author=stuck.author, code=stuck.trouble.code)

        def wake() -> None:
            lane.resting = False
            self._work.set()

        self._later(lane.refusals, wake)

    async def _kept(self, chain: Chain) -> int:
        name = _cursor(self.peer, chain)
        return await self._node.aside(lambda: self._node.store.cursor(name))

    async def _keep(self, chain: Chain, accepted: int) -> None:
        name = _cursor(self.peer, chain)
        await self._node.aside(lambda: self._node.store.set_cursor(name, accepted))

    # ── from the peer ──

    async def _pull(self) -> None:
        """Ask until there is no more, or nothing of what comes can be taken."""
        self._pull_due = False
        more = True
        try:
            while more:
                request = self._request()
                answer = await self._node.network.pull(self._card, sign_pull(request, self._node.key))
                reply = read(answer, PullReply, MAX_ANSWER_BYTES)
                self._shown(reply.trouble)
                taken = await self._node.take_in(reply.acts, self.peer)
                more = reply.more and self._request().have != request.have
                for error in taken:
                    if isinstance(error, StoreFailed):
                        raise error
        except BaseException:
            self._pull_due = True
            raise

    def _shown(self, refused: Trouble | None) -> None:
        """Keep whether the peer shows us its acts; if it does not, ask again later."""
        if refused is None:
            self._pull_refusals = 0
        else:
            self._pull_refusals += 1
            if self._pull_refused is None:
                log.warning("peer.pull_refused", peer=self.peer, code=refused.code)
            self._later(self._pull_refusals, self.pull)
        self._pull_refused = refused

    def _request(self) -> PullRequest:
        state = self._node.state
        authors = {self.peer, *(party.id for party in self._card.parties)}
        have = [
            Have(line=line, author=author, seq=chain.seq)
            for (line, author), chain in sorted(state.chains.items())
            if author in authors and line != state.own_line
        ]
        return PullRequest(
            asker=state.node_id,
            asked=self.peer,
            at=self._node.clock.now(),
            nonce=self._node.nonce(),
            have=tuple(have[:MAX_HAVE]),
        )

    # ── whether it answers ──

    def _later(self, attempt: int, call: Callable[[], None]) -> None:
        """Call it after a rest that grows with the number of attempts."""
        self._after(back_off(attempt, MOST_REST_S, self._node.chance), call)

    def _after(self, seconds: float, call: Callable[[], None]) -> None:
        async def rest() -> None:
            await self._node.clock.sleep(seconds)
            call()

        task = asyncio.get_running_loop().create_task(rest())
        self._rests.add(task)
        task.add_done_callback(self._rests.discard)

    @property
    def _card(self) -> NodeCard:
        return self._node.state.nodes[self.peer]

    def _reached(self) -> None:
        if self._unreachable_since is not None:
            log.info("peer.reached", peer=self.peer)
        self._failures = 0
        self._reached_at = self._node.clock.now()
        self._unreachable_since = None
        self._why = None

    def _failed(self, why: str) -> None:
        if self._unreachable_since is None:
            self._unreachable_since = self._node.clock.now()
            log.warning("peer.unreachable", peer=self.peer, why=why)
        self._why = why
        self._pull_due = True

    async def _back_off(self) -> None:
        self._failures += 1
        self._heard.clear()
        seconds = back_off(self._failures, MOST_BACK_OFF_S, self._node.chance)
        first = min(seconds, 1.0)
        await self._node.clock.sleep(first)
        if seconds > first:
            await _sleep_unless(self._heard, self._node.clock, seconds - first)


async def _sleep_unless(event: asyncio.Event, clock: Clock, seconds: float) -> None:
    """Sleep, but no longer than until the event."""
    tasks = [asyncio.ensure_future(clock.sleep(seconds)), asyncio.ensure_future(event.wait())]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()


def _cursor(peer: str, chain: Chain) -> str:
    line, author = chain
    return f"out.{peer}.{line}.{author}"


def _envelopes(store: Store, queued: Sequence[Queued]) -> list[bytes]:
    """The envelopes of the first of these, up to MAX_BATCH_BYTES, at least one."""
    raws: list[bytes] = []
    total = 0
    for item in queued:
        raw = store.row(item.index).envelope
        total += len(raw)
        if raws and total > MAX_BATCH_BYTES:
            break
        raws.append(raw)
    return raws

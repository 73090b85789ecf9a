"""What is still to be said to one peer, and how far it has come. No network here: `courier.py` carries it.

Each chain (one author on one line) is a lane of its own, for a peer takes a chain only in order: an act it will not
take holds up what the same author said after it on the same line, and nothing else. Such a lane is *stuck*: shown with
the peer's reason, tried again from time to time, never skipped in silence. What is queued leaves in record order, but
urgent acts (`urgent.py`) first, and with them what their author said before on that line.

How far a lane has come is kept in the store, but only to spare repetition: acts sent twice are taken once.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import chain, islice

from keepclear.line.state import State
from keepclear.node.exchange import PushResult, Trouble
from keepclear.node.urgent import URGENT

Chain = tuple[str, str]
"""(line, author)"""


@dataclass(frozen=True, slots=True)
class Stuck:
    """The peer does not take act `seq` of a lane, for this reason, since then."""

    line: str
    author: str
    seq: int
    trouble: Trouble
    since: datetime


@dataclass(frozen=True, slots=True)
class Queued:
    """One act to be sent: which of its chain it is, and which entry of the record holds it."""

    chain: Chain
    seq: int
    index: int


class Lane:
    """One chain on its way to one peer. The peer has acts 1 to `accepted`. A resting lane sends nothing."""

    def __init__(self, chain: Chain, accepted: int) -> None:
        self.chain = chain
        self.accepted = accepted
        self.stuck: Stuck | None = None
        self.resting = False
        self.refusals = 0
        self._went_back_from = 0
        self._looked_to = accepted
        self._urgent_to = 0

    def took(self, seq: int) -> None:
        """The peer has act `seq` on its disk."""
        self.accepted = max(self.accepted, seq)
        self.stuck = None
        self.refusals = 0

    def needs(self, seq: int, need_seq: int) -> bool:
        """The peer, sent act `seq`, says it first needs `need_seq`. True if going back there may help.

        A peer that forgot acts it took is served again, but one that asks to go back twice from the same place is not.
        """
        if not 1 <= need_seq < seq or self._went_back_from >= seq:
            return False
        self._went_back_from = seq
        self.accepted = need_seq - 1
        return True

    def urgent_to(self, state: State) -> int:
        """The last urgent act of the chain; 0 if there is none. Each act is looked at once."""
        ids = state.chain(*self.chain).ids
        for seq in range(self._looked_to + 1, len(ids) + 1):
            if isinstance(state.acts[ids[seq - 1]].act, URGENT):
                self._urgent_to = seq
        self._looked_to = len(ids)
        return self._urgent_to

    def refused(self, seq: int, trouble: Trouble, now: datetime) -> None:
        """The peer does not take act `seq`; rest before trying again."""
        line, author = self.chain
        since = self.stuck.since if self.stuck is not None and self.stuck.seq == seq else now
        self.stuck = Stuck(line, author, seq, trouble, since)
        self.resting = True
        self.refusals += 1
        self._went_back_from = 0


class Outbox:
    """The lanes to one peer."""

    def __init__(self) -> None:
        self._lanes: dict[Chain, Lane] = {}

    def lane(self, chain: Chain) -> Lane | None:
        """The lane of a chain, if it was opened."""
        return self._lanes.get(chain)

    def open(self, chain: Chain, accepted: int) -> Lane:
        """Begin a lane whose first `accepted` acts the peer is known to have."""
        lane = self._lanes[chain] = Lane(chain, accepted)
        return lane

    def next(self, state: State, shared: Iterable[Chain], most: int) -> list[Queued]:
        """The oldest acts, at most so many, that the peer has not yet taken: what is urgent, then the rest.

        Each in the order of the record.
        """
        first: list[Iterator[Queued]] = []
        rest: list[Iterator[Queued]] = []
        for lane in self._some(shared):
            if not lane.resting:
                urgent_to = max(lane.accepted, lane.urgent_to(state))
                first.append(_waiting(lane, state, lane.accepted, urgent_to))
                rest.append(_waiting(lane, state, urgent_to))
        return list(islice(chain(_merged(first), _merged(rest)), most))

    def answered(self, sent: Sequence[Queued], results: Sequence[PushResult], now: datetime) -> list[Lane]:
        """Take in the peer's answer to what was sent. Returns the lanes that were refused, to be woken after a rest."""
        troubled: set[Chain] = set()
        refused: list[Lane] = []
        for queued, result in zip(sent, results, strict=True):
            lane = self._lanes[queued.chain]
            if queued.chain in troubled:
                continue  # what follows a refused act of the same chain cannot have been taken
            if result.trouble is None:
                lane.took(queued.seq)
                continue
            troubled.add(queued.chain)
            need_seq = result.trouble.need_seq
            if need_seq is None or not lane.needs(queued.seq, need_seq):
                lane.refused(queued.seq, result.trouble, now)
                refused.append(lane)
        return refused

    def waiting(self, state: State, shared: Iterable[Chain]) -> int:
        """How many acts the peer has not yet taken, stuck ones too."""
        return sum(state.chain(*chain).seq - self._accepted(chain) for chain in shared)

    def stuck(self, shared: Iterable[Chain]) -> tuple[Stuck, ...]:
        """The lanes the peer does not take."""
        return tuple(lane.stuck for lane in self._some(shared) if lane.stuck is not None)

    def wake(self) -> None:
        """End the rest of every lane: the peer has shown that it may have changed its mind."""
        for lane in self._lanes.values():
            lane.resting = False

    def _some(self, shared: Iterable[Chain]) -> Iterator[Lane]:
        return (self._lanes[chain] for chain in shared if chain in self._lanes)

    def _accepted(self, chain: Chain) -> int:
        lane = self._lanes.get(chain)
        return lane.accepted if lane is not None else 0


def shared_chains(state: State, peer: str) -> list[Chain]:
    """The chains a peer is owed: what this node and its parties said on the lines the peer is on."""
    return sorted(
        (line, author)
        for line, author in state.chains
        if line != state.own_line and state.is_hosted(author) and peer in state.peers(line)
    )


def _merged(waiting: Iterable[Iterator[Queued]]) -> Iterator[Queued]:
    return heapq.merge(*waiting, key=lambda queued: queued.index)


def _waiting(lane: Lane, state: State, after: int, last: int | None = None) -> Iterator[Queued]:
    """The acts of a lane after one number up to another."""
    ids = state.chain(*lane.chain).ids
    for seq in range(after + 1, (len(ids) if last is None else last) + 1):
        yield Queued(lane.chain, seq, state.acts[ids[seq - 1]].index)


def back_off(attempt: int, most_s: float, chance: Callable[[], float]) -> float:
    """Seconds to wait after the `attempt`-th failure in a row (from 1): doubling from half a second, and no two alike.

    `chance` gives numbers from 0 to 1; the wait is between half and all of the step, never more than `most_s`.
    """
    step = min(most_s, 0.5 * 2.0 ** min(attempt - 1, 30))
    return step * (0.5 + 0.5 * chance())

"""The state as a hosted party knew it at a time of the record: the live one, or a replay, of which a few are kept."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from collections import OrderedDict
from datetime import datetime

from keepclear.line.disclosure import as_seen_by
from keepclear.line.message import Message
from keepclear.line.replay import replay
from keepclear.line.state import State
from keepclear.node.node import Node
from keepclear.server.problems import NotYours

KEPT = 8


class Replays:
    """Replays of one node's record; the `kept` last ones asked for are remembered.

    A replay depends on how much of the record is folded and on whose share of it, and is remembered under these two.
    """

    def __init__(self, node: Node, kept: int = KEPT) -> None:
        self._node = node
        self._kept = kept
        self._known: OrderedDict[tuple[int, str | None], State] = OrderedDict()
        self._one_at_a_time = asyncio.Lock()

    async def seen(self, party: str | None, at: datetime | None) -> tuple[State, datetime]:
        """The state and the moment to look from: now, or `at` if that is earlier. NotYours if `party` is not hosted.

        `at` is a time of the record: everything recorded up to and including it is known.
        """
        now = self._node.clock.now()
        live = self._node.state
        if party is not None and party not in live.hosted():
            raise NotYours("this node does not speak for that party", field="party", party=party)
        if at is None or at >= now:
            return as_seen_by(live, party), now
        size = bisect_right(live.log, at, key=lambda message: message.recorded_at or at)
        key = (size, party)
        async with self._one_at_a_time:
            state = self._known.get(key)
            if state is None:
                # In a thread, so that the writer goes on; it works on its own copy of the log.
                state = await asyncio.to_thread(_replay, live.log[:size], live.node_id, party)
                self._known[key] = state
            self._known.move_to_end(key)
            while len(self._known) > self._kept:
                self._known.popitem(last=False)
        return state, at


def _replay(log: list[Message], node_id: str, party: str | None) -> State:
    try:
        return replay(log, node_id, party=party)
    except KeyError:
        return State(node_id, party)  # Before the node spoke for this party, the party knew nothing here.

"""The desk UTM services stand at: a judged request becomes a signed act, kept before it is answered.

What is asked is judged against the ledger as it is when its turn comes, by one of the functions of `keepclear.utm`;
see `keepclear.node.waiting.Composition`.
"""

from __future__ import annotations

import hashlib
import secrets
from collections import deque
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from keepclear.line.state import State
from keepclear.model.acts import Act, UtmChange, UtmExchange
from keepclear.node.node import Node
from keepclear.utm.carried import packed
from keepclear.utm.ledger import Ledger
from keepclear.utm.ruling import Asker, Ruling

Judge = Callable[[Ledger, datetime, str], Ruling]
"""Judges a request: the ledger, the moment, and a nonce of 32 hex digits that nobody else knows."""

LOOKS_THROUGH = timedelta(hours=1)
"""How often what is long over is taken out of the places of the ledger."""


class UtmDesk:
    """The UTM ledger of a node, for its listeners. `pushes`: this node carries notifications itself."""

    def __init__(self, node: Node, *, pushes: bool = False) -> None:
        self.node = node
        self.pushes = pushes
        self._looked_through = node.clock.now()
        self.wrote: deque[int] = deque(maxlen=1_000)
        """The numbers of the last changes that were composed here, kept or not."""

    async def write(self, asker: Asker, body: bytes, judge: Judge, retry_key: str | None = None) -> Ruling:
        """Judge a request and keep what it comes to; the ruling when that is on disk. Raises what `judge` raises.

        `retry_key` is kept with it: by what the caller will know the request again.
        """
        rulings: list[Ruling] = []

        def compose(state: State, now: datetime) -> Sequence[Act]:
            if now - self._looked_through >= LOOKS_THROUGH:
                self._looked_through = now
                state.utm.forget_long_over(now)
            ruling = judge(state.utm, now, secrets.token_hex(16))
            rulings.append(ruling)
            self.wrote.append(state.utm.number + 1)
            change = UtmChange(
                number=state.utm.number + 1,
                by=asker.sub,
                did=ruling.did,
                asked=hashlib.sha256(body).hexdigest() if body else None,
                retry_key=retry_key,
                put=ruling.put,
                gone=ruling.gone,
                told=ruling.told,
                pushed=self.pushes and bool(ruling.told),
            )
            return packed(change)

        await self.node.compose(compose)
        return rulings[-1]

    async def ledger(self) -> Ledger:
        """The ledger to answer a reader from: nothing in it is ahead of the disk."""
        return (await self.node.current()).utm

    def now(self) -> datetime:
        """The node's clock."""
        return self.node.clock.now()

    async def file(self, exchange: UtmExchange) -> None:
        """Put a message between services on record."""
        await self.node.compose(lambda state, now: [exchange])

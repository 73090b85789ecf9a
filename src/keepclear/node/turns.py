"""How a node's writer comes to append: at any time where the store is its own, in its turn where instances share it.

A turn begins with what the others appended meanwhile, so the writer judges against the whole record, and nobody else
appends until it ends. See docs/decisions/0006-instances-of-one-node.md.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol, TypeVar

from keepclear.record import Tree
from keepclear.store import NewRow, Row, SharedStore, Store, Turn

READ_AT_ONCE = 500

T = TypeVar("T")


class Aside(Protocol):
    """Runs a blocking call while the event loop goes on; `asyncio.to_thread` is one."""

    def __call__(self, work: Callable[[], T], /) -> Coroutine[Any, Any, T]:
        """Run it and return its result, or raise what it raises."""
        ...


class Turns(Protocol):
    """What the writer needs; each call but the last two is part of one turn, and made by the writer alone."""

    shared: bool
    """Whether there are others."""

    def begin(self, tree: Tree) -> Coroutine[Any, Any, Sequence[Row] | None]:
        """Wait for the turn: what others appended beyond the tree. None, and no turn, if that is better read first.

        BrokenRecord if the store holds another record than the tree; StoreFailed if the turn cannot be had.
        """
        ...

    async def append(self, rows: Sequence[NewRow]) -> list[int]:
        """Keep these and end the turn; see `Turn.append`."""
        ...

    async def end(self) -> None:
        """End the turn without a word."""
        ...

    async def size(self) -> int:
        """How many entries anybody had kept when this was called, or a little later; 0 where nobody else writes."""
        ...

    async def rows(self, start: int, stop: int) -> Sequence[Row]:
        """Some of the entries from `start` on, before `stop`, in order; at least one if there are any."""
        ...


class Alone:
    """The store is this writer's own: it is always its turn, and nothing is ever new."""

    shared = False

    def __init__(self, store: Store, aside: Aside) -> None:
        self._store = store
        self._aside = aside

    async def begin(self, tree: Tree) -> Sequence[Row]:
        """See `Turns.begin`."""
        return ()

    async def append(self, rows: Sequence[NewRow]) -> list[int]:
        """See `Turns.append`."""
        return await self._aside(lambda: self._store.append(rows))

    async def end(self) -> None:
        """See `Turns.end`."""

    async def size(self) -> int:
        """See `Turns.size`."""
        return 0

    async def rows(self, start: int, stop: int) -> Sequence[Row]:
        """See `Turns.rows`."""
        return ()


class Shared:
    """Several instances append to the store."""

    shared = True

    def __init__(self, store: SharedStore, aside: Aside) -> None:
        self._store = store
        self._aside = aside
        self._turn: Turn | None = None
        self._next: asyncio.Future[int] | None = None
        self._asking: asyncio.Task[None] | None = None

    async def begin(self, tree: Tree) -> Sequence[Row] | None:
        """See `Turns.begin`."""
        known = tree.size
        last = tree.leaf(known - 1) if known else b""
        self._turn = await self._aside(lambda: self._store.turn(known, last))
        return None if self._turn is None else self._turn.new

    async def append(self, rows: Sequence[NewRow]) -> list[int]:
        """See `Turns.append`."""
        turn = self._held()
        return await self._aside(lambda: turn.append(rows))

    async def end(self) -> None:
        """See `Turns.end`."""
        await self._aside(self._held().end)

    async def size(self) -> int:
        """See `Turns.size`. Whoever asks before the next question leaves shares it, so many readers cost one look."""
        if self._next is None:
            self._next = asyncio.get_running_loop().create_future()
            if self._asking is None:
                self._asking = asyncio.create_task(self._ask())
        return await asyncio.shield(self._next)

    async def rows(self, start: int, stop: int) -> Sequence[Row]:
        """See `Turns.rows`."""
        return await self._aside(lambda: list(self._store.rows(start, min(stop, start + READ_AT_ONCE))))

    async def _ask(self) -> None:
        while self._next is not None:
            answer, self._next = self._next, None
            try:
                answer.set_result(await self._aside(self._store.size))
            except Exception as error:
                answer.set_exception(error)
                answer.exception()  # whoever asked may have gone away
        self._asking = None

    def _held(self) -> Turn:
        turn, self._turn = self._turn, None
        if turn is None:
            raise RuntimeError("there is no turn to end")
        return turn


def turns_of(store: Store, aside: Aside) -> Turns:
    """How a writer over this store takes turns."""
    return Shared(store, aside) if isinstance(store, SharedStore) else Alone(store, aside)

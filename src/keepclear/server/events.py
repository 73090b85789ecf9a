"""The live stream: every newly recorded act, as server-sent events numbered by record index.

Whoever reconnects with the last number it saw (Last-Event-ID, as browsers send it, or `?after=`) gets all that it
missed, in order, before anything new. Each reader has a bounded queue; one that reads too slowly is cut off and loses
nothing by it, because it resumes by number.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass, field

from litestar.types import Receive, Send

from keepclear.errors import NotNow

HEARTBEAT_S = 15.0
SEND_WITHIN_S = 20.0
MAX_WAITING = 1000
MAX_READERS = 500
PAGE = 200


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of the record (index from 0) and its JSON; `shares` has it for each hosted party that may know it."""

    index: int
    data: bytes
    shares: Mapping[str, bytes] = field(default_factory=dict)

    def frame(self, party: str | None) -> bytes | None:
        """The event as the stream carries it, or None if the party may not know it.

        The JSON has no raw newline, so one data line holds it.
        """
        data = self.data if party is None else self.shares.get(party)
        return None if data is None else b"id: %d\nevent: act\ndata: %s\n\n" % (self.index, data)


class Reader:
    """One open stream's queue. After `cut` is set nothing more comes."""

    def __init__(self, max_waiting: int) -> None:
        self._waiting: asyncio.Queue[Event | None] = asyncio.Queue(max_waiting + 1)
        self._max = max_waiting
        self.cut = False

    def offer(self, event: Event) -> bool:
        """Queue an event; False if the reader is too slow and was cut off."""
        if self._waiting.qsize() >= self._max:
            self.end()
            return False
        self._waiting.put_nowait(event)
        return True

    def end(self) -> None:
        """Nothing more will come; what waits is dropped, since the reader can ask again by number."""
        self.cut = True
        while not self._waiting.empty():
            self._waiting.get_nowait()
        self._waiting.put_nowait(None)

    async def next(self) -> Event | None:
        """The next event, or None after the end."""
        return await self._waiting.get()


class Hub:
    """Hands each new event to every reader. `history(start, count)` gives recorded events from index `start` on."""

    def __init__(
        self, history: Callable[[int, int], Sequence[Event]], size: Callable[[], int], max_waiting: int = MAX_WAITING
    ) -> None:
        self._history = history
        self._size = size
        self._max_waiting = max_waiting
        self._readers: set[Reader] = set()
        self._closed = False
        self._streams = 0

    @property
    def readers(self) -> int:
        """How many readers wait for what is new."""
        return len(self._readers)

    def publish(self, event: Event) -> None:
        """A newly recorded act. Never waits."""
        for reader in list(self._readers):
            if not reader.offer(event):
                self._readers.discard(reader)

    def cut_all(self) -> None:
        """Something was missed: every reader must ask again by number."""
        for reader in self._readers:
            reader.end()
        self._readers.clear()

    def close(self) -> None:
        """End every stream, so that the listener can stop."""
        self._closed = True
        self.cut_all()

    async def follow(self, after: int | None, reader: Reader) -> AsyncGenerator[Event, None]:
        """Events after number `after` (None: only new ones), without a gap or a repeat, until the reader is cut off."""
        next_index = self._size() if after is None else after + 1
        while not self._closed:
            page = self._history(next_index, PAGE)
            if not page:
                # Nothing is awaited between the empty page and joining, so no event can fall between them.
                self._readers.add(reader)
                break
            for event in page:
                yield event
            next_index = page[-1].index + 1
        try:
            while not self._closed and (new := await reader.next()) is not None:
                if new.index >= next_index:
                    yield new
                    next_index = new.index + 1
        finally:
            self._readers.discard(reader)

    async def serve(
        self,
        after: int | None,
        receive: Receive,
        send: Send,
        heartbeat_s: float = HEARTBEAT_S,
        party: str | None = None,
    ) -> None:
        """Run one stream over ASGI until the client leaves, is too slow to take what is sent, or the hub closes.

        With `party`, only what that hosted party may know. NotNow if too many streams are open.
        """
        if self._streams >= MAX_READERS:
            raise NotNow("too many live streams are open", code="too_many")
        self._streams += 1
        try:
            await self._serve(after, receive, send, heartbeat_s, party)
        finally:
            self._streams -= 1

    async def _serve(
        self, after: int | None, receive: Receive, send: Send, heartbeat_s: float, party: str | None
    ) -> None:
        headers = [(b"content-type", b"text/event-stream; charset=utf-8"), (b"x-accel-buffering", b"no")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        frames: asyncio.Queue[bytes] = asyncio.Queue(1)
        jobs = {
            asyncio.create_task(self._fill(after, party, frames)),
            asyncio.create_task(_drain(frames, send, heartbeat_s)),
            asyncio.create_task(_left(receive)),
        }
        try:
            done, _ = await asyncio.wait(jobs, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for job in jobs:
                job.cancel()
            await asyncio.gather(*jobs, return_exceptions=True)
        for job in done:
            if not job.cancelled() and (error := job.exception()) and not isinstance(error, TimeoutError):
                raise error
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(1.0):
                await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _fill(self, after: int | None, party: str | None, frames: asyncio.Queue[bytes]) -> None:
        await frames.put(b"retry: 2000\n\n")
        async with contextlib.aclosing(self.follow(after, Reader(self._max_waiting))) as events:
            async for event in events:
                frame = event.frame(party)
                if frame is not None:
                    await frames.put(frame)


async def _drain(frames: asyncio.Queue[bytes], send: Send, heartbeat_s: float) -> None:
    while True:
        # Not `wait_for`: in Python 3.11 it can swallow a cancellation.
        try:
            async with asyncio.timeout(heartbeat_s):
                frame = await frames.get()
        except TimeoutError:
            frame = b": still here\n\n"
        async with asyncio.timeout(SEND_WITHIN_S):
            await send({"type": "http.response.body", "body": frame, "more_body": True})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass

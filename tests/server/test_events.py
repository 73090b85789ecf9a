"""The live stream: no gap and no repeat however a reader comes and goes; a slow one is cut off and loses nothing."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.errors import NotNow
from keepclear.server.events import Event, Hub, Reader


class Log:
    """A record in memory that a hub reads from."""

    def __init__(self, size: int = 0) -> None:
        self.events = [Event(index, b"%d" % index) for index in range(size)]

    def history(self, start: int, count: int) -> list[Event]:
        return self.events[start : start + count]

    def hub(self, max_waiting: int = 1000) -> Hub:
        return Hub(self.history, lambda: len(self.events), max_waiting)

    def add(self, hub: Hub) -> None:
        event = Event(len(self.events), b"%d" % len(self.events))
        self.events.append(event)
        hub.publish(event)


async def take(hub: Hub, after: int | None, count: int) -> list[int]:
    seen: list[int] = []
    async for event in hub.follow(after, Reader(1000)):
        seen.append(event.index)
        if len(seen) == count:
            break
    return seen


def test_a_new_reader_sees_only_what_is_new() -> None:
    async def story() -> list[int]:
        log = Log(5)
        hub = log.hub()
        reading = asyncio.create_task(take(hub, None, 2))
        await asyncio.sleep(0)
        log.add(hub)
        log.add(hub)
        return await reading

    assert asyncio.run(story()) == [5, 6]


@given(
    size=st.integers(0, 450),
    after=st.integers(-1, 460),
    more=st.integers(1, 30),
    pauses=st.lists(st.booleans(), max_size=30),
)
def test_a_reader_that_resumes_gets_every_later_event_once(
    size: int, after: int, more: int, pauses: list[bool]
) -> None:
    async def story() -> list[int]:
        log = Log(size)
        hub = log.hub()
        expected = max(0, size + more - max(after + 1, 0))
        reading = asyncio.create_task(take(hub, after, expected)) if expected else None
        for number in range(more):
            if number < len(pauses) and pauses[number]:
                await asyncio.sleep(0)
            log.add(hub)
        return await asyncio.wait_for(reading, 5) if reading else []

    assert asyncio.run(story()) == list(range(max(after + 1, 0), size + more))


def test_a_slow_reader_is_cut_off_and_resumes_without_loss() -> None:
    async def story() -> tuple[list[int], list[int]]:
        log = Log(0)
        hub = log.hub(max_waiting=10)
        reader = Reader(10)
        seen: list[int] = []
        stream = hub.follow(-1, reader)
        first = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        log.add(hub)
        seen.append((await first).index)
        for _ in range(50):
            log.add(hub)
        assert reader.cut
        seen += [event.index async for event in stream]
        assert hub.readers == 0
        return seen, await take(hub, seen[-1], 50)

    seen, rest = asyncio.run(story())
    assert seen + rest == list(range(51))
    assert len(seen) < 51


def serve(after: int | None, then: Callable[[Log, Hub], None], stop: Callable[[bytes], bool]) -> bytes:
    """Run one stream over ASGI until what was sent satisfies `stop`, then have the client leave."""

    async def story() -> bytes:
        log = Log(3)
        hub = log.hub()
        sent = bytearray()
        left = asyncio.Event()

        async def receive() -> dict[str, str]:
            await left.wait()
            return {"type": "http.disconnect"}

        async def send(message: dict[str, object]) -> None:
            body = message.get("body", b"")
            assert isinstance(body, bytes)
            sent.extend(body)
            if stop(bytes(sent)):
                left.set()

        serving = asyncio.create_task(hub.serve(after, receive, send, heartbeat_s=0.05))  # type: ignore[arg-type]
        await asyncio.sleep(0.01)
        then(log, hub)
        await asyncio.wait_for(serving, 5)
        assert hub.readers == 0
        return bytes(sent)

    return asyncio.run(story())


def test_frames_carry_the_index_and_resume_after_it() -> None:
    sent = serve(1, lambda log, hub: log.add(hub), lambda sent: b"id: 3" in sent)
    assert sent.startswith(b"retry: 2000\n\nid: 2\nevent: act\ndata: 2\n\nid: 3\nevent: act\ndata: 3\n\n")


def test_silence_is_filled_with_heartbeats() -> None:
    assert b": still here\n\n" in serve(None, lambda log, hub: None, lambda sent: b"still here" in sent)


def test_closing_the_hub_ends_every_stream() -> None:
    assert serve(None, lambda log, hub: hub.close(), lambda sent: False).startswith(b"retry")


def test_a_client_that_takes_nothing_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keepclear.server.events.SEND_WITHIN_S", 0.05)

    async def story() -> int:
        hub = Log(3).hub()
        started = asyncio.Event()

        async def receive() -> dict[str, str]:
            await asyncio.Event().wait()
            return {}

        async def send(message: dict[str, object]) -> None:
            if started.is_set():
                await asyncio.Event().wait()
            started.set()

        await asyncio.wait_for(hub.serve(-1, receive, send), 5)  # type: ignore[arg-type]
        return hub.readers

    assert asyncio.run(story()) == 0


def test_no_more_streams_are_opened_than_may_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("keepclear.server.events.MAX_READERS", 0)
    with pytest.raises(NotNow) as refused:
        asyncio.run(Log(0).hub().serve(None, None, None))  # type: ignore[arg-type]
    assert refused.value.code == "too_many"


def test_a_party_sees_only_its_share() -> None:
    event = Event(4, b"whole", {"north": b"share"})
    assert event.frame(None) == b"id: 4\nevent: act\ndata: whole\n\n"
    assert event.frame("north") == b"id: 4\nevent: act\ndata: share\n\n"
    assert event.frame("south") is None

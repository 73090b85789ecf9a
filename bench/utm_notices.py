"""Two hundred services that want to hear of changes, and how long each waits for word of one."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bench.utm_client import Caller
from bench.utm_host import folder, serving, token
from bench.utm_intents import INTENTS, Chain

SUBSCRIBERS = 200
EVERY_S = 0.5
"""Between two changes, each of which concerns all of them."""


class Listeners:
    """One server that stands for all subscribers, each under a path of its own; it keeps when each heard of what."""

    def __init__(self) -> None:
        self.heard: dict[str, dict[str, float]] = {}
        """By entity, then by subscriber's path: on `time.perf_counter`."""

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        """The port, while it listens."""
        server = await asyncio.start_server(self._answer, "127.0.0.1", 0)
        async with server:
            yield server.sockets[0].getsockname()[1]

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                at = head.lower().find(b"content-length:")
                length = int(head[at + 15 : head.index(b"\r", at)]) if at >= 0 else 0
                body = await reader.readexactly(length)
                verb, path, _ = head.split(b" ", 2)
                if verb == b"POST":
                    about = json.loads(body)["operational_intent_id"]
                    self.heard.setdefault(about, {}).setdefault(path.decode(), time.perf_counter())
                    writer.write(b"HTTP/1.1 204 No Content\r\n\r\n")
                else:
                    writer.write(b"HTTP/1.1 404 Not Found\r\ncontent-length: 2\r\n\r\n{}")
        except (asyncio.IncompleteReadError, asyncio.CancelledError):
            writer.close()


def notices(at: Path, changes: int) -> list[float]:
    """Seconds from asking for a change to a subscriber's having word of it, for each of both, in rising order."""
    return asyncio.run(_notices(at, changes))


async def _notices(at: Path, changes: int) -> list[float]:
    listeners = Listeners()
    async with listeners.listening() as port:
        folder(at)
        settings = json.loads((at / "f3548.json").read_text())
        settings["outgoing"] = {"local_hosts": [f"127.0.0.1:{port}"]}
        settings["uss"] = {"base_url": "http://127.0.0.1:1", "manager": "north", "push": "all"}
        (at / "f3548.json").write_text(json.dumps(settings))
        shown = await asyncio.to_thread(token, at, "uss1")
        with serving(at) as (node, _):
            caller = await Caller.to(node, shown)
            base = f"http://127.0.0.1:{port}"
            chain = Chain(34.5, 40.0, 100.0)
            for number in range(SUBSCRIBERS):
                await _subscribe(caller, chain, f"{base}/s{number}")
            begun: dict[str, float] = {}
            for _ in range(changes):
                about = str(uuid.uuid4())
                begun[about] = time.perf_counter()
                asked = {**json.loads(chain.body()), "uss_base_url": base}
                asked["new_subscription"] = {"uss_base_url": f"{base}/own"}
                written = await caller.ask("PUT", f"{INTENTS}/{about}", asked, 201)
                chain.key = [*chain.key[-1:], written["operational_intent_reference"]["ovn"]]
                chain.done = (chain.done + 1) % 100
                await asyncio.sleep(max(0.0, begun[about] + EVERY_S - time.perf_counter()))
            while any(len(listeners.heard.get(about, {})) < SUBSCRIBERS for about in begun):
                await asyncio.sleep(0.05)
            caller.close()
    waits = (heard - begun[about] for about, by in listeners.heard.items() for heard in by.values())
    return sorted(waits)


async def _subscribe(caller: Caller, chain: Chain, url: str) -> None:
    extents = json.loads(chain.body())["extents"][0]
    extents.pop("time_start")
    extents.pop("time_end")
    asked = {"extents": extents, "uss_base_url": url, "notify_for_operational_intents": True}
    await caller.ask("PUT", f"/dss/v1/subscriptions/{uuid.uuid4()}", asked)

"""A sky for tests: a node that is a USS on its own DSS, and other services as real listeners on loopback."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from keepclear.formats.f3548 import details as wire
from keepclear.formats.f3548.volumes import wire_volume
from keepclear.model.acts import UtmExchange
from keepclear.model.utm import Availability, EntityKind, IntentState, UtmIntent, UtmVolume, Way
from keepclear.node.calling import Caller
from keepclear.node.clock import Clock
from keepclear.node.hearing import Hearing
from keepclear.node.node import Node
from keepclear.node.notifier import Notifier
from keepclear.node.outbound import Outbound
from keepclear.node.peer_book import PeerBook
from keepclear.node.rid import RemoteId, area_speaker
from keepclear.node.rid_display import RemoteIdDisplay
from keepclear.node.telling import Telling
from keepclear.node.uss import Uss
from keepclear.node.utm_desk import UtmDesk
from keepclear.store import Store
from keepclear.utm import availability, intents, subscriptions
from keepclear.utm.asked import ImplicitAsked, IntentAsked, Rules, SubscriptionAsked
from keepclear.utm.flights import Condition, FlightAsked, Usage
from keepclear.utm.ledger import Ledger
from keepclear.utm.ruling import Asker, Ruling
from tests.node.test_writer import inline
from tests.utm.cast import ARBITER, uuid, volume
from tests.world import CAST, World, key, node_card
from tests.world import Way as WorldWay

OWN = "keepclear"
OWN_URL = "http://127.0.0.1:9/own"
RULES = Rules(allow_http_base_urls=True)

Answers = Callable[[str, str, bytes], Awaitable[tuple[int, bytes]]]
"""(method, path, body) -> (status, body)"""


async def no_content(method: str, path: str, body: bytes) -> tuple[int, bytes]:
    return 204, b""


class Service:
    """A service on loopback that remembers what it was asked, and answers as `answers` says."""

    def __init__(self, answers: Answers = no_content) -> None:
        self.answers = answers
        self.asked: list[tuple[str, str, Any]] = []
        """(method, path, JSON)"""
        self._changed = asyncio.Condition()
        self._server: asyncio.Server | None = None
        self._port = 0
        self._open: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> Service:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self._port)
        self._port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *error: object) -> None:
        await self.close()

    async def close(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in self._open:
            writer.close()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self._port}"

    def url(self, name: str = "") -> str:
        return f"http://{self.host}{'/' + name if name else ''}"

    async def heard(self, count: int) -> list[tuple[str, str, Any]]:
        """What it was asked, when that is so many."""
        async with self._changed, asyncio.timeout(10):
            await self._changed.wait_for(lambda: len(self.asked) >= count)
        return self.asked

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open.add(writer)
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                lines = head.decode().split("\r\n")
                method, path, _ = lines[0].split(" ")
                headers = dict(line.lower().split(": ", 1) for line in lines[1:] if line)
                body = await reader.readexactly(int(headers.get("content-length", "0")))
                async with self._changed:
                    self.asked.append((method, path, json.loads(body) if body else None))
                    self._changed.notify_all()
                status, content = await self.answers(method, path, body)
                writer.write(b"HTTP/1.1 %d X\r\ncontent-length: %d\r\n\r\n" % (status, len(content)) + content)
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._open.discard(writer)
            writer.close()


class FakeTokens:
    """Gives the same token to everybody, and remembers for what."""

    def __init__(self) -> None:
        self.scopes: list[str] = []

    async def token(self, url: str, scopes: Collection[str], now: datetime) -> str:
        self.scopes.extend(scopes)
        return "token"


@dataclass
class Sky:
    """The node with all its parts."""

    node: Node
    desk: UtmDesk
    uss: Uss
    notifier: Notifier
    outbound: Outbound
    tokens: FakeTokens
    remote_id: RemoteId
    display: RemoteIdDisplay

    async def stop(self) -> None:
        await self.remote_id.stop()
        await self.notifier.stop()
        await self.outbound.close()
        await self.node.stop()

    def exchanges(self, did: str = "", way: Way | None = None) -> list[UtmExchange]:
        """What is on record of messages between services."""
        acts = [message.act for message in self.node.state.log]
        return [
            act
            for act in acts
            if isinstance(act, UtmExchange) and (not did or act.did == did) and (way is None or act.way is way)
        ]

    # ── what other services do at this DSS ──

    async def subscribe(self, number: int, by: Asker, url: str, where: UtmVolume | None = None) -> str:
        """Subscribe, or change the subscription."""
        asked = SubscriptionAsked(where or volume(), url, for_intents=True)
        id = uuid(number)

        def judge(ledger: Ledger, now: datetime, nonce: str) -> Ruling:
            held = ledger.subscriptions.get(id)
            if held is None:
                return subscriptions.create(ledger, by, id, asked, now, nonce, RULES)
            return subscriptions.update(ledger, by, id, held.version, asked, now, nonce, RULES)

        await self.desk.write(by, b"", judge)
        return id

    async def put(
        self,
        number: int,
        by: Asker,
        url: str,
        *volumes: UtmVolume,
        state: IntentState = IntentState.ACCEPTED,
        key: Collection[str] | None = None,
    ) -> UtmIntent:
        """Create or change another service's intent; by default with a key that names everything."""
        ledger = await self.desk.ledger()
        held = ledger.intents.get(uuid(number))
        every = frozenset(intent.ovn for intent in ledger.intents.values())
        asked = IntentAsked(
            volumes=volumes or (volume(),),
            state=state,
            uss_base_url=url,
            key=every if key is None else frozenset(key),
            subscription=None if held is None else held.subscription,
            new_subscription=ImplicitAsked(url) if held is None or held.subscription is None else None,
        )
        if held is None:
            await self.desk.write(
                by, b"", lambda ledger, now, nonce: intents.create(ledger, by, uuid(number), asked, now, nonce, RULES)
            )
        else:
            ovn = held.ovn
            await self.desk.write(
                by,
                b"",
                lambda ledger, now, nonce: intents.update(ledger, by, uuid(number), ovn, asked, now, nonce, RULES),
            )
        return (await self.desk.ledger()).intents[uuid(number)]

    async def say_down(self, uss: str) -> None:
        await self.desk.write(
            ARBITER,
            b"",
            lambda ledger, now, nonce: availability.set(ledger, ARBITER, uss, Availability.DOWN, "", now, nonce),
        )


async def sky(
    store: Store,
    clock: Clock,
    *services: Service,
    push: str = "own",
    whole_s: float = 5.0,
    start: bool = True,
    wrote_here: bool = True,
    rid_parties: Collection[str] = (),
) -> Sky:
    """A node over a store, that may call these services. The areas of Remote ID are kept when a test says `look`."""
    keys = {author: key(author) for author in ("desk.node", *CAST["desk.node"])}
    world = World(0, {"desk.node": CAST["desk.node"]})
    node = Node(
        node_card("desk.node"), keys, store, clock, WorldWay(world, "desk.node"), aside=inline, tick_every_s=None
    )
    await node.start()
    outbound = Outbound((), [service.host for service in services], allow_http=True, whole_s=whole_s)
    tokens = FakeTokens()
    caller = Caller(outbound, tokens, clock)
    desk = UtmDesk(node, pushes=push == "all")
    own = UtmDesk(node, pushes=True)
    book = PeerBook(own, caller)
    uss = Uss(own, book, OWN, OWN_URL, RULES)
    desks = (desk, own) if wrote_here else ()
    speakers = {**Telling(own, book).speakers, EntityKind.AREA: area_speaker(own)}
    notifier = Notifier(node, caller, speakers, OWN_URL, Hearing(uss).change, desks)
    remote_id = RemoteId(own, OWN, f"{OWN_URL}/rid/v2", rid_parties, RULES)
    if start:
        notifier.start()
    display = RemoteIdDisplay(own, caller, remote_id)
    return Sky(node, desk, uss, notifier, outbound, tokens, remote_id, display)


def flight(
    *volumes: UtmVolume,
    usage: Usage = Usage.PLANNED,
    condition: Condition = Condition.NOMINAL,
    priority: int = 0,
) -> FlightAsked:
    return FlightAsked(volumes or (volume(),), usage, condition, priority)


def reference(intent: UtmIntent, **changed: Any) -> dict[str, Any]:
    """An intent's reference as its manager writes it."""
    starts = min(each.starts_at for each in intent.volumes if each.starts_at)
    ends = max(each.ends_at for each in intent.volumes if each.ends_at)
    return {
        "id": intent.id,
        "manager": intent.manager,
        "uss_availability": "Unknown",
        "version": intent.version,
        "state": intent.state.value,
        "ovn": intent.ovn,
        "time_start": {"value": starts.strftime("%Y-%m-%dT%H:%M:%SZ"), "format": "RFC3339"},
        "time_end": {"value": ends.strftime("%Y-%m-%dT%H:%M:%SZ"), "format": "RFC3339"},
        "uss_base_url": intent.uss_base_url,
        "subscription_id": intent.subscription,
        **changed,
    }


def full(intent: UtmIntent, priority: Any = 0, reference_: Mapping[str, Any] | None = None, **details: Any) -> Any:
    """GetOperationalIntentDetailsResponse as the intent's manager writes it, with what is changed."""
    wires = [json.loads(wire._encoder.encode(wire_volume(each))) for each in intent.volumes]
    nominal = intent.state in (IntentState.ACCEPTED, IntentState.ACTIVATED)
    found: dict[str, Any] = {
        "volumes": wires if nominal else [],
        "off_nominal_volumes": [] if nominal else wires,
        "priority": priority,
        **details,
    }
    return {"operational_intent": {"reference": reference(intent, **(reference_ or {})), "details": found}}


def telling(found: Callable[[str], Any]) -> Answers:
    """A manager that answers for details with what `found(id)` gives (None: 404), and takes notifications."""

    async def answers(method: str, path: str, body: bytes) -> tuple[int, bytes]:
        if method != "GET":
            return 204, b""
        told = found(path.rsplit("/", 1)[-1])
        return (404, b"{}") if told is None else (200, json.dumps(told).encode())

    return answers

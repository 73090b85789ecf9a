"""What the listener needs of this node as a USS, put together from its settings."""

from __future__ import annotations

import asyncio
import hashlib
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from keepclear.errors import Malformed, NotNow
from keepclear.formats.flight_planning import TelemetryPoint
from keepclear.model.base import Id, Value
from keepclear.model.utm import EntityKind, Manager
from keepclear.node.access_tokens import TokenSource
from keepclear.node.calling import Caller
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
from keepclear.server.f3548.routes import Answer
from keepclear.utm.asked import Rules

RID_BASE = "/rid/v2"
"""Where the paths of F3411-22a begin."""
MAX_REQUESTS = 1_000


class Push(StrEnum):
    """Whose changes this node carries to subscribers: its own, or those of every service that writes here."""

    OWN = "own"
    ALL = "all"


class UssSettings(Value, frozen=True, kw_only=True):
    """This node as a USS: `base_url` is where other services reach this listener, `manager` the name its access tokens
    bear (`sub`). With `push` "all" it also tells subscribers of what other services change, whose writers then need
    not; those of the standard's own kind do all the same, and their subscribers hear it twice. `rid_parties` are those
    of the node's parties whose aircraft are offered as Remote ID while they report themselves.
    """

    base_url: Annotated[str, Meta(min_length=8, max_length=2_000)]
    manager: Manager
    push: Push = Push.OWN
    rid_parties: Annotated[tuple[Id, ...], Meta(max_length=100)] = ()


class Requests:
    """Answers to requests by the id their client gave them, so that one sent twice is done once."""

    def __init__(self) -> None:
        self._answers: OrderedDict[tuple[str, str], tuple[bytes, asyncio.Future[Answer]]] = OrderedDict()
        """With the digest of the request: a thousand bodies of the size that is taken would be gigabytes."""

    async def once(self, client: str, id: str, body: bytes, answer: Callable[[], Awaitable[Answer]]) -> Answer:
        """The answer; that of before if this came before. NotNow (`utm_request_reused`) if that was another request."""
        digest = hashlib.sha256(body).digest()
        held = self._answers.get((client, id))
        if held is not None:
            if held[0] != digest:
                raise NotNow("another request came under this id", field="request_id", code="utm_request_reused")
            return await asyncio.shield(held[1])
        working = asyncio.ensure_future(answer())
        working.add_done_callback(lambda done: self._forget_failed(client, id, done))
        self._answers[client, id] = (digest, working)
        if len(self._answers) > MAX_REQUESTS:
            self._answers.popitem(last=False)
        return await asyncio.shield(working)

    def _forget_failed(self, client: str, id: str, done: asyncio.Future[Answer]) -> None:
        """What failed may be tried again under the same id."""
        if done.cancelled() or done.exception() is not None:
            self._answers.pop((client, id), None)


@dataclass
class OwnUss:
    """The parts of the USS. `start` when the node has been started; `close` before it stops."""

    uss: Uss
    hearing: Hearing
    notifier: Notifier
    outbound: Outbound
    remote_id: RemoteId
    display: RemoteIdDisplay
    requests: Requests = field(default_factory=Requests)
    telemetry: dict[str, tuple[TelemetryPoint, ...]] = field(default_factory=dict)
    """By flight: what its operator reports, in order of time; what lies ahead is not told yet."""

    def start(self) -> None:
        """Begin to say what is owed, and to offer what flies."""
        self.notifier.start()
        self.remote_id.start()

    async def close(self) -> None:
        """End; what is owed is said after the next start."""
        await self.remote_id.stop()
        await self.notifier.stop()
        await self.outbound.close()


def open_uss(
    node: Node,
    settings: UssSettings,
    rules: Rules,
    outbound: Outbound,
    tokens: TokenSource,
    listener: UtmDesk,
) -> OwnUss:
    """The USS of a node; it owns `outbound`. `listener` is the desk at which other services write.

    Malformed (`f3548.json.uss.rid_parties`) if a party whose flights are to be offered is not this node's.
    """
    hosted = {party.id for party in node.card.parties}
    for party in settings.rid_parties:
        if party not in hosted:
            message = f"{party} is not one of this node's parties"
            raise Malformed(message, field="f3548.json.uss.rid_parties", code="utm_rid_party", party=party)
    desk = UtmDesk(node, pushes=True)
    caller = Caller(outbound, tokens, node.clock)
    book = PeerBook(desk, caller)
    uss = Uss(desk, book, settings.manager, settings.base_url.rstrip("/"), rules)
    hearing = Hearing(uss)
    remote_id = RemoteId(desk, settings.manager, f"{uss.base_url}{RID_BASE}", settings.rid_parties, rules)
    every = {**Telling(desk, book).speakers, EntityKind.AREA: area_speaker(desk)}
    notifier = Notifier(node, caller, every, uss.base_url, hearing.change, (desk, listener))
    return OwnUss(uss, hearing, notifier, outbound, remote_id, RemoteIdDisplay(desk, caller, remote_id))

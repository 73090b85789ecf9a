"""Calling another UTM service, and what goes on record of it."""

from __future__ import annotations

import hashlib
import itertools
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol
from urllib.parse import urlsplit

from keepclear.errors import PeerUnreachable, Refused
from keepclear.model.acts import UtmExchange
from keepclear.model.base import hidden_in
from keepclear.model.utm import Told, Way
from keepclear.node.access_tokens import TokenSource
from keepclear.node.clock import Clock
from keepclear.node.outbound import Reply
from keepclear.node.outbound_url import NotCallable
from keepclear.utm.owing import NOT_CALLABLE, succeeded

MAX_BODY = 20_000
"""Bytes of a message that are kept whole (`UtmExchange.body`)."""
MAX_URL = 2_000
MAX_TOLD = 15_000
"""Characters of URLs and ids in `UtmExchange.told`; what a message names beyond is there by its digest only."""
UNREACHABLE = "unreachable"


class Outbound(Protocol):
    """The way out to services; `keepclear.node.outbound` is one."""

    async def call(
        self, method: str, url: str, body: bytes | None = None, token: str = "", media_type: str = "application/json"
    ) -> Reply:
        """Ask; the answer, whatever its status. NotCallable if it may not be asked, PeerUnreachable if none came."""
        ...


@dataclass(frozen=True, slots=True)
class Answered:
    """How a call ended: the HTTP status in digits or one word for why there was none, and the body."""

    outcome: str
    body: bytes = b""

    @property
    def ok(self) -> bool:
        """Whether the status is a 2xx."""
        return succeeded(self.outcome)


class Caller:
    """Calls other services as this one, with an access token for each."""

    def __init__(self, outbound: Outbound, tokens: TokenSource, clock: Clock) -> None:
        self._outbound = outbound
        self._tokens = tokens
        self._clock = clock

    async def call(self, method: str, url: str, body: bytes | None, scope: str) -> Answered:
        """Call, and say how it ended; raises nothing but what cancels."""
        try:
            token = await self._tokens.token(url, (scope,), self._clock.now())
            reply = await self._outbound.call(method, url, body, token)
        except NotCallable as error:
            return Answered(f"{NOT_CALLABLE} {error.code}")
        except (PeerUnreachable, Refused) as error:
            return Answered(str(getattr(error, "code", UNREACHABLE)))
        return Answered(f"{reply.status:03}", reply.body)


def host_of(url: str) -> str:
    """The host a URL names; the whole of what is no URL."""
    try:
        return (urlsplit(url).hostname or url)[:200]
    except ValueError:
        return url[:200]


def place_of(url: str) -> str:
    """The host and port a URL names; the whole of what is no URL."""
    try:
        return urlsplit(url).netloc.lower() or url
    except ValueError:
        return url


def exchange(
    way: Way,
    peer: str,
    did: str,
    at: datetime,
    outcome: str,
    *,
    url: str | None = None,
    entity: str | None = None,
    change: int | None = None,
    told: tuple[Told, ...] = (),
    attempt: int = 1,
    final: bool = True,
    body: bytes = b"",
    keep_body: bool = True,
) -> UtmExchange:
    """What goes on record of a message; it fits one envelope whatever others made of it.

    A body that is too long, not UTF-8 or hides characters is there by digest. Of very many subscriptions the first are
    named.
    """
    text: str | None = None
    if body and keep_body and len(body) <= MAX_BODY:
        text = body.decode("utf-8", "replace")
        text = text if text.encode() == body and hidden_in(text) is None else None
    return UtmExchange(
        way=way,
        peer=peer[:200],
        url=None if url is None else url[:2_000],
        did=did,
        at=at,
        outcome=outcome[:200],
        entity=entity,
        change=change,
        told=_first(told),
        attempt=attempt,
        final=final,
        body_sha256=hashlib.sha256(body).hexdigest() if body else None,
        body=text,
    )


def _first(told: tuple[Told, ...]) -> tuple[Told, ...]:
    """At least one, if there is one."""
    sizes = itertools.accumulate(len(each.url) + 120 for each in told)
    return told[: max(1, sum(1 for size in sizes if size <= MAX_TOLD))]

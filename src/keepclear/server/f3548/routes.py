"""What a route of the UTM listener is: a method, a path, the scopes that open it, and what answers."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import msgspec

from keepclear.utm.ruling import Asker

_encoder = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class Call:
    """One request: who asks, what stands in the path's braces, the query, and the body as it came.

    `token` is the access token as shown, for calls on somebody's behalf; "" where the route takes none.
    """

    asker: Asker
    path: Mapping[str, str]
    query: Mapping[str, str]
    body: bytes
    token: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Answer:
    """Status and body; JSON unless `media_type` says otherwise.

    `on_sent` is called once it was handed over to a client that had not gone away; not otherwise.
    """

    status: int
    body: bytes = b""
    media_type: str = "application/json"
    headers: tuple[tuple[str, str], ...] = ()
    on_sent: Callable[[], None] | None = None


Handler = Callable[[Any, Call], Awaitable[Answer]]
"""`async def handler(services, call)`; `services` is `keepclear.server.f3548.app.Services`."""


@dataclass(frozen=True, slots=True)
class Route:
    """`path` is a template with `{name}` for one segment. `scopes`: any one of them opens it; None: no token is asked.

    An empty tuple means that any valid token opens it.
    """

    method: str
    path: str
    handler: Handler
    scopes: tuple[str, ...] | None


def answer_json(value: Any, status: int = 200, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """A value as JSON."""
    return Answer(status, _encoder.encode(value), headers=headers)

"""What callers may hold of the UTM listener: length of headers, time to send them, connections, requests a second.

uvicorn bounds none of these. A connection that sends nothing, or too slowly, or does not take its answer, is let go;
when there are too many, those go first that have waited longest without a whole request. What is refused here is
answered by a status alone (408, 431, 503): nothing is known yet of who asks, or in what language.
"""

from __future__ import annotations

import asyncio
import http
from collections import OrderedDict
from typing import Annotated, Any

from msgspec import Meta
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from keepclear.model.base import Value

OTHER_FILES = 512
"""Files that are open beside those connections."""

Seconds = Annotated[float, Meta(gt=0.0, le=3_600.0)]


class Limits(Value, frozen=True, kw_only=True):
    """`connections`: open at a time. `header_bytes`: of a request's line and headers together. `request_s`: from the
    first byte of a request to its last, and for an answer to be taken. `requests_per_s`: of one address, `burst` at
    once; addresses of this machine are not limited, for a proxy's stands for everybody.
    """

    connections: Annotated[int, Meta(ge=1, le=100_000)] = 2_000
    header_bytes: Annotated[int, Meta(ge=1_000, le=1_000_000)] = 32_768
    request_s: Seconds = 30.0
    requests_per_s: Annotated[float, Meta(gt=0.0, le=1e6)] = 2_000.0
    burst: Annotated[int, Meta(ge=1, le=1_000_000)] = 10_000


def limited(limits: Limits) -> type[asyncio.Protocol]:
    """The protocol of one listener: all its connections are counted together."""
    idle: OrderedDict[_Limited, None] = OrderedDict()
    return type("Limited", (_Limited,), {"limits": limits, "idle": idle})


def allow_files(limits: Limits) -> None:
    """Let this process have as many files open as the connections need, as far as the system lets it."""
    try:
        import resource
    except ImportError:  # not on Windows
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = limits.connections + OTHER_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted:
        most = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, most), hard))


class _Limited(HttpToolsProtocol):
    limits: Limits
    idle: OrderedDict[_Limited, None]
    """Connections on which there is no whole request to be answered, by how long."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._head_bytes = 0
        self._in_head = False
        self._slow: asyncio.TimerHandle | None = None
        self._stuck: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """One more; if there are too many the one goes that has waited longest, or else this one."""
        super().connection_made(transport)
        if len(self.connections) > self.limits.connections:
            if not self.idle:
                self._refuse(503)
                return
            oldest, _ = self.idle.popitem(last=False)
            oldest.transport.abort()
        self.idle[self] = None
        self._wait()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        self.idle.pop(self, None)
        self._waited()
        self._taken()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Some bytes; those of headers that have no end are counted."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self._in_head:
            self._head_bytes += len(data)
            if self._head_bytes > self.limits.header_bytes:
                self._refuse(431)

    def on_message_begin(self) -> None:
        """The first byte of a request: the others must follow."""
        super().on_message_begin()
        self._in_head, self._head_bytes = True, 0
        self._wait()

    def on_headers_complete(self) -> None:
        """They may have come all at once. What is raised ends the reading of this connection."""
        self._in_head = False
        size = len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
        if size > self.limits.header_bytes:
            self._refuse(431)
            raise ValueError("the headers are too long")
        super().on_headers_complete()

    def on_message_complete(self) -> None:
        """A whole request."""
        self._waited()
        self.idle.pop(self, None)
        super().on_message_complete()
        if self.cycle.response_complete:
            self.idle[self] = None  # answered before its end

    def on_response_complete(self) -> None:
        """It is answered; now it waits, as long as uvicorn keeps it."""
        self.idle[self] = None
        super().on_response_complete()

    def pause_writing(self) -> None:
        """The client does not take its answer as quickly as it is made."""
        super().pause_writing()
        self._taken()
        self._stuck = self.loop.call_later(self.limits.request_s, self.transport.abort)

    def resume_writing(self) -> None:
        """It took it."""
        self._taken()
        super().resume_writing()

    def send_400_response(self, msg: str) -> None:
        """What is no HTTP is answered once."""
        if not self.transport.is_closing():
            super().send_400_response(msg)

    # ── inside ──

    def _wait(self) -> None:
        self._waited()
        self._slow = self.loop.call_later(self.limits.request_s, self._refuse, 408)

    def _waited(self) -> None:
        if self._slow is not None:
            self._slow.cancel()
            self._slow = None

    def _taken(self) -> None:
        if self._stuck is not None:
            self._stuck.cancel()
            self._stuck = None

    def _refuse(self, status: int) -> None:
        """Answer by a status, if an answer is not under way, and let go of the connection."""
        if self.transport.is_closing():
            return
        if self.cycle is None or self.cycle.response_complete:
            phrase = http.HTTPStatus(status).phrase
            line = f"HTTP/1.1 {status} {phrase}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
            self.transport.write(line.encode())
            self.transport.close()
        else:
            self.transport.abort()

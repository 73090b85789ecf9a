"""The one way out to services: HTTPS to hosts that were enrolled, at an address that was looked at before.

A host is resolved once a call, every address it resolves to is checked, and the connection goes to the checked address
itself, with the host's name in TLS and in the Host header; so a name that resolves to something else a moment later
changes nothing. Redirects are not followed, proxies and other settings of the environment not read, cookies not kept.
"""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from collections.abc import Awaitable, Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import httpx

from keepclear.errors import CallFailed, Malformed
from keepclear.node.outbound_url import (
    IpAddress,
    NotCallable,
    Target,
    check_address,
    find_place,
    read_place,
    read_url,
)

CONNECT_S = 2.0
WHOLE_S = 5.0
MAX_ANSWER_BYTES = 4 * 2**20
MAX_CONNECTIONS = 8
"""To one host at a time."""
MAX_ADDRESSES = 3
"""Of one host that are tried, one after another, until one can be connected to."""
METHODS = ("GET", "POST", "PUT", "DELETE")

_TOKEN = re.compile(r"[A-Za-z0-9._~+/-]+=*", re.ASCII)

Resolver = Callable[[str, int], Awaitable[Sequence[str]]]
"""The IP addresses of a host, best first; OSError if it has none."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a service answered, whatever its status (but 3xx, which is no answer to what was asked)."""

    status: int
    body: bytes


class Outbound:
    """Calls services. `hosts` may be called, as `host` or `host:port`; `local` ones even at private addresses.

    `authorities` is a file of further certificates (PEM) to trust, beside the usual ones. Malformed naming the setting
    if one of these cannot be read.
    """

    def __init__(
        self,
        hosts: Collection[str],
        local: Collection[str] = (),
        *,
        allow_http: bool = False,
        authorities: Path | None = None,
        resolve: Resolver | None = None,
        connect_s: float = CONNECT_S,
        whole_s: float = WHOLE_S,
        max_answer_bytes: int = MAX_ANSWER_BYTES,
    ) -> None:
        self._hosts = frozenset(read_place(each, "hosts") for each in hosts)
        self._local = frozenset(read_place(each, "local_hosts") for each in local)
        self._allow_http = allow_http
        self._connect_s = connect_s
        self._whole_s = whole_s
        self._max_answer_bytes = max_answer_bytes
        self._context = _context(authorities)
        self._names = _Names()
        self._resolve = resolve or self._names.resolve
        self._transports: dict[tuple[str, str, int], httpx.AsyncHTTPTransport] = {}

    def check(self, url: str) -> Target:
        """The URL taken apart, if it may be called as far as it can be told without resolving it; NotCallable."""
        target = read_url(url, allow_http=self._allow_http)
        if not (find_place(target, self._hosts) or find_place(target, self._local)):
            message = f"{target.shown_host} is not one of the hosts that may be called"
            raise NotCallable(message, code="outbound_not_enrolled", host=target.shown_host)
        return target

    async def call(
        self,
        method: str,
        url: str,
        body: bytes | None = None,
        token: str = "",
        media_type: str = "application/json",
    ) -> Reply:
        """Ask a service; its answer, all of it (at most 4 MB).

        NotCallable if the URL, or the address it leads to, may not be called (nothing was sent). CallFailed if no whole
        answer came within 5 seconds, or one that was compressed, too large, or a redirect.
        """
        target = self.check(url)
        if method not in METHODS:
            raise ValueError(f"{method} is not one of {METHODS}")
        if token and not _TOKEN.fullmatch(token):
            raise NotCallable("the access token has characters that tokens do not have", code="outbound_token")
        request = _Request(method, target, body, token, media_type)
        try:
            async with asyncio.timeout(self._whole_s):
                return await self._call(request)
        except TimeoutError:
            raise request.failed(f"it gave no whole answer in {self._whole_s:g} s", "outbound_slow") from None

    async def close(self) -> None:
        """Let go of open connections."""
        transports, self._transports = list(self._transports.values()), {}
        for transport in transports:
            await transport.aclose()
        self._names.close()

    async def _call(self, request: _Request) -> Reply:
        addresses = await self._addresses(request)
        transport = self._transport(request.target)
        for number, address in enumerate(addresses, start=1):
            try:
                return await self._ask(transport, request, address)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                if number == len(addresses):
                    why = str(error) or type(error).__name__
                    raise request.failed(f"no connection: {why}", "outbound_no_connection", sent=False) from error
            except httpx.TimeoutException as error:
                raise request.failed(f"it took too long: {type(error).__name__}", "outbound_slow") from error
            except (httpx.HTTPError, ssl.SSLError, OSError) as error:
                why = str(error) or type(error).__name__
                raise request.failed(f"the connection broke: {why}", "outbound_broken") from error
        raise AssertionError("a host has at least one address")

    async def _ask(self, transport: httpx.AsyncHTTPTransport, request: _Request, address: IpAddress) -> Reply:
        answer = await transport.handle_async_request(request.at(address, self._connect_s, self._whole_s))
        try:
            if 300 <= answer.status_code < 400:
                raise request.failed(f"it redirects (status {answer.status_code})", "outbound_redirect")
            if answer.headers.get("content-encoding", "identity").strip().lower() not in ("", "identity"):
                raise request.failed("its answer is compressed", "outbound_encoded")
            if int(answer.headers.get("content-length", "0")) > self._max_answer_bytes:
                raise self._too_large(request)
            content = bytearray()
            async for chunk in answer.aiter_raw():
                content += chunk
                if len(content) > self._max_answer_bytes:
                    raise self._too_large(request)
            return Reply(answer.status_code, bytes(content))
        finally:
            await answer.aclose()

    def _too_large(self, request: _Request) -> CallFailed:
        return request.failed(f"its answer has more than {self._max_answer_bytes} bytes", "outbound_too_large")

    async def _addresses(self, request: _Request) -> list[IpAddress]:
        """Where the host is, best first: NotCallable if any of its addresses may not be called."""
        target = request.target
        try:
            found = await self._resolve(target.host, target.port)
        except (OSError, UnicodeError) as error:
            raise request.failed(f"its name does not resolve: {error}", "outbound_no_name", sent=False) from error
        if not found:
            raise request.failed("its name has no address", "outbound_no_name", sent=False)
        local = find_place(target, self._local) is not None
        return list(dict.fromkeys(check_address(each, target, local=local) for each in found))[:MAX_ADDRESSES]

    def _transport(self, target: Target) -> httpx.AsyncHTTPTransport:
        """One for each host: a connection made for one name is never used for another at the same address."""
        place = (target.scheme, target.host, target.port)
        if place not in self._transports:
            self._transports[place] = httpx.AsyncHTTPTransport(
                verify=self._context,
                trust_env=False,
                limits=httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=2, keepalive_expiry=15),
            )
        return self._transports[place]


class _Request:
    """What is to be sent."""

    def __init__(self, method: str, target: Target, body: bytes | None, token: str, media_type: str) -> None:
        self.target = target
        self._method = method
        self._body = body
        headers = {
            "host": target.shown_host,
            "accept": "application/json",
            "accept-encoding": "identity",
            "user-agent": "keepclear",
        }
        if body is not None:
            headers["content-type"] = media_type
        if token:
            headers["authorization"] = f"Bearer {token}"
        self._headers = headers

    def at(self, address: IpAddress, connect_s: float, whole_s: float) -> httpx.Request:
        """The request to this very address, in the host's name."""
        host = f"[{address}]" if address.version == 6 else str(address)
        return httpx.Request(
            self._method,
            httpx.URL(scheme=self.target.scheme, host=host, port=self.target.port, raw_path=self.target.path.encode()),
            headers=self._headers,
            content=self._body,
            extensions={
                "sni_hostname": self.target.host,
                "timeout": {"connect": connect_s, "read": whole_s, "write": whole_s, "pool": whole_s},
            },
        )

    def failed(self, why: str, code: str, *, sent: bool = True) -> CallFailed:
        """The error for a call that came to nothing."""
        return CallFailed(f"{self.target.shown_host}: {why}", code, sent=sent, host=self.target.shown_host)


class _Names:
    """Resolves names in threads of its own, so that a name server that hangs holds up nothing else."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(max_workers=4, thread_name_prefix="keepclear-names")
        self._under_way: dict[tuple[str, int], asyncio.Future[list[str]]] = {}

    async def resolve(self, host: str, port: int) -> Sequence[str]:
        """See `Resolver`. Calls at one time for one name share the answer."""
        place = (host, port)
        if place not in self._under_way:
            asked = asyncio.get_running_loop().run_in_executor(self._threads, _look_up, host, port)
            self._under_way[place] = asked
            asked.add_done_callback(lambda done: self._end(place, done))
        return await asyncio.shield(self._under_way[place])

    def _end(self, place: tuple[str, int], done: asyncio.Future[list[str]]) -> None:
        del self._under_way[place]
        if not done.cancelled():
            done.exception()  # whoever asked may have given up waiting

    def close(self) -> None:
        """Start no more."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _look_up(host: str, port: int) -> list[str]:
    return [str(found[4][0]) for found in socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)]


def _context(authorities: Path | None) -> ssl.SSLContext:
    context = httpx.create_ssl_context(trust_env=False)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if authorities is not None:
        try:
            context.load_verify_locations(cafile=authorities)
        except (OSError, ssl.SSLError) as error:
            message = f"{authorities} holds no certificates (PEM) that can be read: {error.strerror or error}"
            raise Malformed(message, field="authorities", code="outbound_authorities") from None
    return context

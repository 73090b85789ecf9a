"""The UTM listener as one ASGI application: finds the route, asks who it is, reads the body, and writes the answer.

One order of checks for every route: is there such a path (404) and method (405), the token (401), its scopes (403), the
size of the body (413), and then what the route itself checks: the request (400), whose it is (403), and its version
(409). Nothing of a body is read before its sender is known. Whatever comes in, the answer to it is no 5xx.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, MutableMapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl, unquote_to_bytes

import structlog

from keepclear.errors import KeepclearError, Malformed
from keepclear.model.utm import Availability
from keepclear.node.node import Node
from keepclear.node.utm_bridge import UtmBridge
from keepclear.node.utm_desk import UtmDesk
from keepclear.server.bucket import Buckets
from keepclear.server.f3548.auth import Verifier, authorization_in
from keepclear.server.f3548.bodies import MAX_BODY_BYTES, Bodies, Gone, Receive
from keepclear.server.f3548.faults import of_problem, of_refusal
from keepclear.server.f3548.own_uss import OwnUss
from keepclear.server.f3548.pool import Pool
from keepclear.server.f3548.retry import Retries
from keepclear.server.f3548.routes import Answer, Call, Route
from keepclear.server.f3548.settings import Settings
from keepclear.server.problems import language
from keepclear.utm.availability import of_manager
from keepclear.utm.ruling import Asker, NotAllowed

MAX_QUERY = 20
OWN_MACHINE = ("127.", "::1", "::ffff:127.")

Message = MutableMapping[str, Any]
Send = Callable[[Message], Awaitable[None]]

log = structlog.get_logger("keepclear.server")


@dataclass(kw_only=True)
class Services:
    """What the routes work with."""

    desk: UtmDesk
    settings: Settings
    node: Node
    verifier: Verifier
    uss: OwnUss | None = None
    bridge: UtmBridge | None = None
    retries: Retries = field(init=False)
    pool: Pool = field(init=False)

    def __post_init__(self) -> None:
        self.retries = Retries(self.desk)
        self.pool = Pool(self.settings.pool or self.node.id, self.node.id, self.desk.now())

    @property
    def own(self) -> OwnUss:
        """The USS, for routes that are there only where the node is one."""
        if self.uss is None:
            raise TypeError("this node is no USS")
        return self.uss


class _Place:
    """A place in the tree of paths: what a next segment may be, and what answers here, by method."""

    def __init__(self) -> None:
        self.named: dict[str, _Place] = {}
        self.any: _Place | None = None
        self.routes: dict[str, tuple[Route, tuple[str, ...]]] = {}


class UtmApp:
    """Answers the routes it is given."""

    def __init__(self, services: Services, routes: Iterable[Route]) -> None:
        self.services = services
        limits = services.settings.limits
        self._buckets = Buckets(burst=limits.burst, per_s=limits.requests_per_s)
        self._bodies = Bodies()
        self._root = _Place()
        for route in routes:
            self._add(route)

    async def __call__(self, scope: Mapping[str, Any], receive: Receive, send: Send) -> None:
        """One request."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008})
        if scope["type"] != "http":
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        lang = language(headers.get("accept-language"))
        asker: list[Asker] = []
        try:
            answer = await self._answered(scope, headers, lang, receive, asker)
        except KeepclearError as error:
            answer = of_refusal(error, lang, asker[0].sub if asker else "", self._availability)
        except Gone:
            return
        except Exception:
            # The outermost edge: whatever else went wrong is our fault and is logged; the caller learns nothing more.
            log.exception("unexpected", method=scope["method"], path=scope["path"])
            answer = of_problem(500, "internal", "something went wrong in this node", lang)
        await _send(answer, receive, send)

    async def _answered(
        self, scope: Mapping[str, Any], headers: Mapping[str, str], lang: str, receive: Receive, known: list[Asker]
    ) -> Answer:
        refused = self._flood(scope.get("client"), lang)
        if refused is not None:
            return refused
        found = self._find(scope.get("raw_path") or scope["path"].encode())
        if found is None:
            return of_problem(404, "no_such", "there is no such path here", lang)
        place, segments = found
        method = scope["method"]
        if method not in place.routes:
            allowed = (("allow", ", ".join(sorted(place.routes))),)
            return of_problem(405, "method", "this path does not take that method", lang, allowed)
        route, names = place.routes[method]
        asker, token = Asker(""), ""
        if route.scopes is not None:
            authorization = authorization_in(scope["headers"])
            asker = self.services.verifier.asker(authorization, self.services.desk.now())
            token = (authorization or "").partition(" ")[2]
            if route.scopes and not asker.has(*route.scopes):
                wanted = " / ".join(route.scopes)
                message = f"the token has none of the scopes that this needs: {wanted}"
                raise NotAllowed(message, field="authorization", code="utm_scopes", scopes=wanted)
        known.append(asker)
        if _too_long(headers):
            return _too_large(lang)
        with self._bodies.share(asker.sub) as share:
            body = await share.read(receive)
            if body is None:
                return _too_large(lang)
            call = Call(asker, _path(names, segments), _query(scope["query_string"]), body, token, headers)
            return await route.handler(self.services, call)

    def _flood(self, client: tuple[str, int] | None, lang: str) -> Answer | None:
        """The refusal, if there are too many requests of this address."""
        address = "" if client is None else client[0]
        if not address or address.startswith(OWN_MACHINE) or self._buckets.take(address, time.monotonic()):
            return None
        headers = (("retry-after", str(max(1, round(self._buckets.wait_s(address))))),)
        return of_problem(429, "too_many", "too many requests from this address", lang, headers)

    def _availability(self, manager: str) -> Availability:
        """For the references in a refusal: the writer has taken in what all instances kept when it came to refuse."""
        return of_manager(self.services.node.state.utm, manager)

    # ── the tree of paths ──

    def _add(self, route: Route) -> None:
        place, names = self._root, []
        for segment in route.path.split("/"):
            if segment.startswith("{"):
                names.append(segment[1:-1])
                place.any = place.any or _Place()
                place = place.any
            else:
                place = place.named.setdefault(segment, _Place())
        if route.method in place.routes:
            raise ValueError(f"two routes for {route.method} {route.path}")
        place.routes[route.method] = (route, tuple(names))

    def _find(self, raw_path: bytes) -> tuple[_Place, list[bytes]] | None:
        """The place of a path, and what stands in its braces. A word of the path goes before a brace."""
        place, segments = self._root, []
        for segment in raw_path.split(b"/"):
            below = place.named.get(segment.decode("latin-1"))
            if below is None:
                below = place.any
                segments.append(segment)
            if below is None:
                return None
            place = below
        return (place, segments) if place.routes else None


def _path(names: tuple[str, ...], segments: list[bytes]) -> dict[str, str]:
    found = {}
    for name, segment in zip(names, segments, strict=True):
        try:
            found[name] = (unquote_to_bytes(segment) if b"%" in segment else segment).decode("utf-8")
        except UnicodeDecodeError:
            raise Malformed("not UTF-8", field=name, code="not_utf8") from None
    return found


def _query(raw: bytes) -> dict[str, str]:
    if not raw:
        return {}
    try:
        pairs = parse_qsl(raw.decode("ascii"), keep_blank_values=True, errors="strict", max_num_fields=MAX_QUERY)
    except ValueError:  # not ASCII, not UTF-8 behind its escapes, or too many
        raise Malformed("the query cannot be read", field="query") from None
    found = dict(pairs)
    if len(found) != len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise Malformed("a name is given twice", field=twice, code="duplicate_field")
    return found


def _too_long(headers: Mapping[str, str]) -> bool:
    length = headers.get("content-length", "0")
    return not length.isdecimal() or len(length) > 10 or int(length) > MAX_BODY_BYTES


def _too_large(lang: str) -> Answer:
    message = f"a body has at most {MAX_BODY_BYTES} bytes"
    return of_problem(413, "too_large", message, lang, (("connection", "close"),))


async def _send(answer: Answer, receive: Receive, send: Send) -> None:
    """Write the answer. Whether the client is still there is asked right before, without waiting."""
    headers = [
        (b"content-type", answer.media_type.encode()),
        (b"content-length", b"%d" % len(answer.body)),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        *((name.encode(), value.encode()) for name, value in answer.headers),
    ]
    gone = answer.on_sent is not None and _has_gone(receive)
    with contextlib.suppress(OSError):  # some servers say so when they find the client gone
        await send({"type": "http.response.start", "status": answer.status, "headers": headers})
        await send({"type": "http.response.body", "body": answer.body})
        if answer.on_sent is not None and not gone:
            answer.on_sent()


def _has_gone(receive: Receive) -> bool:
    """Whether the client has gone away. The next message of a request that is whole says so, or does not come yet."""
    step = receive().__await__()
    try:
        next(step)
    except StopIteration as arrived:
        return bool(arrived.value["type"] == "http.disconnect")
    step.close()
    return False

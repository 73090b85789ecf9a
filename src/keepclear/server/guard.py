"""What stands before the local API: whose name it is called by, who may ask, and what a browser may do with the answer.

Plain ASGI, so that nothing behind it runs before it has said yes.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

from litestar.enums import ScopeType
from litestar.types import ASGIApp, Message, Receive, Scope, Send

from keepclear.server.problems import encoded, language, problem
from keepclear.server.tokens import Grant, Tokens

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
OPEN_PATHS = ("/healthz", "/readyz")
"""Answered without a token: they say one line about the process and nothing about the record."""
MAX_PORT = 65_535

_HEADERS = (
    (
        b"content-security-policy",
        b"default-src 'self'; worker-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'",
    ),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"cross-origin-opener-policy", b"same-origin"),
)
_NO_STORE = (b"cache-control", b"no-store")
_HOST = re.compile(r"(?P<name>\[[0-9a-f:]+\]|[a-z0-9.-]+)(:(?P<port>[0-9]{1,5}))?", re.ASCII)
_PLAIN = re.compile(r"/|(/(?!\.{1,2}(/|\Z))[^/]+)+/?")
"""A path with no empty part, no `.` and no `..`: what it says is what every router makes of it."""


class LocalGuard:
    """Refuses a foreign Host header (DNS rebinding) and, outside the console's own files, a missing or wrong token.

    `files` are the paths of those files; every other path, known or not, needs the token, and one that is written in an
    unusual way (`//api`) is not looked at. `names` are the host names this node may be called by. The token is taken
    from the Authorization header only, never from a cookie or the address, so no other page can make a browser send it.
    What it opens goes on in the scope's state, as `grant`.
    """

    def __init__(
        self, app: ASGIApp, tokens: Tokens, names: Collection[str] = LOOPBACK_NAMES, files: Collection[str] = ("/",)
    ) -> None:
        self._app = app
        self._tokens = tokens
        self._names = frozenset(name.lower() for name in names)
        self._open = frozenset(files) | frozenset(OPEN_PATHS)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a refusal, or pass the request on with headers put on its answer."""
        if scope["type"] != ScopeType.HTTP:
            await self._app(scope, receive, send)
            return
        path = scope["path"]
        secret = path not in self._open
        headers = dict(scope["headers"])

        async def with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                held = [*message.get("headers", ()), *_HEADERS]
                if secret:
                    held = [(name, value) for name, value in held if name.lower() != b"cache-control"] + [_NO_STORE]
                message["headers"] = held
            await send(message)

        lang = language(headers.get(b"accept-language", b"").decode("latin-1"))
        if not self._is_our_name(headers.get(b"host", b"").decode("latin-1")):
            message = "this node does not answer to that host name"
            await _refuse(with_headers, encoded(problem(403, "wrong_host", message, lang, "host")), 403)
            return
        if not _PLAIN.fullmatch(path):
            message = "there is no such page here"
            await _refuse(with_headers, encoded(problem(404, "no_such", message, lang, "path")), 404)
            return
        grant = self._grant(headers.get(b"authorization", b"")) if secret else None
        if secret and grant is None:
            message = "the token of this node must be given as 'Authorization: Bearer …'"
            await _refuse(with_headers, encoded(problem(401, "no_token", message, lang, "authorization")), 401)
            return
        scope.setdefault("state", {})["grant"] = grant
        await self._app(scope, receive, with_headers)

    def _is_our_name(self, host: str) -> bool:
        match = _HOST.fullmatch(host.lower())
        return match is not None and match["name"] in self._names and int(match["port"] or 0) <= MAX_PORT

    def _grant(self, authorization: bytes) -> Grant | None:
        scheme, _, given = authorization.partition(b" ")
        return self._tokens.grant(given.strip()) if scheme.lower() == b"bearer" else None


async def _refuse(send: Any, body: bytes, status: int) -> None:
    headers = [(b"content-type", b"application/problem+json"), (b"content-length", str(len(body)).encode())]
    if status == 401:
        headers.append((b"www-authenticate", b"Bearer"))
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": body})

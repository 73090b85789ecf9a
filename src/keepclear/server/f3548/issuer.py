"""Access tokens for whoever asks, for development on one machine: GET /token, as test set-ups of the field have it.

It asks nobody who they are. So it is there only where the settings say `development_tokens`, on a listener that no
other machine can reach, and the log says so when it starts. Parameters and answers are those of the "Dummy OAuth
Provider" of InterUSS (version 1.0.0); `keepclear utm-token` signs with the same key.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import structlog

from keepclear.errors import Malformed
from keepclear.model.base import hidden_in
from keepclear.node.access_tokens import TokenKey, access_claims
from keepclear.server.f3548.auth import MAX_AHEAD_S, MAX_TEXT
from keepclear.server.f3548.routes import Answer, Call, Route, answer_json

ISSUER = "keepclear-development"
PATH = "/token"
MAX_SCOPES = 2_000

log = structlog.get_logger("keepclear.server")


def development_routes(key: TokenKey) -> tuple[Route, ...]:
    """The route that signs with this key; that it is open is put into the log as a warning."""

    async def token(services: Any, call: Call) -> Answer:
        now = services.desk.now()
        sub, audience = _text(call.query, "sub"), _text(call.query, "intended_audience")
        scopes = _text(call.query, "scope", least=0, most=MAX_SCOPES).split()
        issuer = _text(call.query, "issuer") if "issuer" in call.query else ISSUER
        ends_s = _ends_s(call.query, int(now.timestamp()))
        claims = access_claims(sub, audience, scopes, issuer, now, ends_s)
        return answer_json({"access_token": key.sign(claims)})

    log.warning("f3548.development_tokens", path=PATH, why="anybody on this machine gets any access token here")
    return (Route("GET", PATH, token, None),)


def _text(query: Mapping[str, str], name: str, least: int = 1, most: int = MAX_TEXT) -> str:
    value = query.get(name)
    if value is None:
        raise Malformed(f"{name} is missing", field=name, code="missing_field")
    if not least <= len(value) <= most:
        message = f"{name} has {least} to {most} characters"
        raise Malformed(message, field=name, code="not_between", value=len(value), least=least, most=most)
    if not value.isprintable() or hidden_in(value) is not None:
        raise Malformed(f"{name} has a hidden or control character", field=name, code="hidden_character")
    return value


def _ends_s(query: Mapping[str, str], now_s: int) -> int:
    """`expire` in seconds since 1970; the past is taken too, so that refusals can be tried. An hour if not given."""
    text = query.get("expire")
    if text is None:
        return now_s + MAX_AHEAD_S
    least, most = 0, now_s + MAX_AHEAD_S
    if not (text.isascii() and text.isdecimal() and len(text) <= 12 and int(text) <= most):
        message = f"expire is a whole number of seconds since 1970, {least} to {most}"
        raise Malformed(message, field="expire", code="not_between", value=text[:20], least=least, most=most)
    return int(text)

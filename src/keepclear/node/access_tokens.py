"""Access tokens for calls to services: signed by this node itself, or asked of an authorization server.

F3548-21 section 4.2: JWT signed with RS256, for one audience (the host name of the service) and certain scopes.
"""

from __future__ import annotations

import asyncio
import os
import re
import secrets
from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlencode

import msgspec
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from joserfc import jws, jwt
from joserfc.errors import JoseError
from joserfc.jwk import RSAKey

from keepclear.errors import CallFailed, Malformed, StoreFailed
from keepclear.node.home import read_secret, write_new
from keepclear.node.outbound import Outbound
from keepclear.node.outbound_url import read_url

ALGORITHM = "RS256"
KEY_BITS = 2048
DEVELOPMENT_KEY = "f3548-dev-key.pem"
LASTS_S = 1800
"""How long a token signed here lasts."""
LONGEST_S = 3600
RENEWED_S = 60
"""A token is not shown any more when it has less than this to live."""
UNKNOWN_LASTS_S = 120
"""How long a token is taken to last that does not say."""
MAX_HELD = 1000
MAX_TOKEN = 8192

_TOKEN = re.compile(rf"[A-Za-z0-9._~+/-]{{1,{MAX_TOKEN}}}=*", re.ASCII)


class TokenSource(Protocol):
    """Where access tokens for outgoing calls come from."""

    async def token(self, url: str, scopes: Collection[str], now: datetime) -> str:
        """A token for the service at this URL with these scopes; CallFailed or NotCallable if none is to be had."""
        ...


@dataclass(frozen=True, slots=True, repr=False)
class TokenKey:
    """An RSA private key that signs access tokens."""

    key: rsa.RSAPrivateKey

    def __repr__(self) -> str:
        return f"TokenKey({self.key.key_size} bits)"

    def sign(self, claims: dict[str, Any]) -> str:
        """These claims as a JWT signed with RS256."""
        return jwt.encode({"alg": ALGORITHM}, claims, RSAKey.import_key(self.key), [ALGORITHM])


def access_claims(
    sub: str, audience: str, scopes: Collection[str], issuer: str, now: datetime, ends_s: int
) -> dict[str, Any]:
    """The claims of an access token as services expect them; `ends_s` is in seconds since 1970."""
    now_s = int(now.timestamp())
    return {
        "iss": issuer,
        "sub": sub,
        "client_id": sub,
        "aud": audience,
        "scope": " ".join(sorted(scopes)),
        "iat": now_s,
        "nbf": now_s - 1,
        "exp": ends_s,
        "jti": secrets.token_hex(16),
    }


def read_token_key(file: Path) -> TokenKey:
    """The RSA private key (PEM, mode 0600) in a file; Malformed naming the file."""
    try:
        key = load_pem_private_key(read_secret(file), password=None)
    except (ValueError, TypeError):
        raise Malformed(f"{file} does not hold a private key", field=file.name) from None
    if not isinstance(key, rsa.RSAPrivateKey) or key.key_size < KEY_BITS:
        raise Malformed(f"{file} does not hold an RSA key of {KEY_BITS} bits or more", field=file.name)
    return TokenKey(key)


def development_key(directory: Path) -> TokenKey:
    """The key in a node's folder that signs tokens for development; made when it is first asked for.

    Malformed naming the file if it cannot be read, StoreFailed if it cannot be made.
    """
    file = directory / DEVELOPMENT_KEY
    if not file.exists():
        made = rsa.generate_private_key(public_exponent=65537, key_size=KEY_BITS)
        new = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
        try:
            write_new(new, made.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            try:
                os.link(new, file)  # whole or not at all, and never over another's
            except FileExistsError:
                pass
            finally:
                new.unlink()
        except OSError as error:
            raise StoreFailed(f"{file} cannot be made: {error.strerror}") from error
    return read_token_key(file)


class SelfSigned:
    """Tokens signed with a key of this node's; services must have been given the public one."""

    def __init__(self, key: TokenKey, sub: str, issuer: str) -> None:
        self._key = key
        self._sub = sub
        self._issuer = issuer
        self._held = _Held()

    async def token(self, url: str, scopes: Collection[str], now: datetime) -> str:
        """See `TokenSource.token`."""
        audience = audience_of(url)
        wanted = (audience, frozenset(scopes))
        token = self._held.get(wanted, now)
        if token is None:
            ends_s = int(now.timestamp()) + LASTS_S
            token = self._key.sign(access_claims(self._sub, audience, scopes, self._issuer, now, ends_s))
            self._held.keep(wanted, token, ends_s)
        return token


class Style(StrEnum):
    """How an authorization server is asked."""

    OAUTH = "oauth"
    """RFC 6749 section 4.4: POST of a form with `client_id`, `client_secret`, `scope` and `audience`."""
    DUMMY = "dummy"
    """GET with `scope`, `intended_audience`, `issuer` and `sub` in the query, as test set-ups of the field do."""


class TokenServer:
    """Tokens of an authorization server (client credentials). Calls for the same token at one time ask once."""

    def __init__(self, outbound: Outbound, url: str, style: Style, client: str, secret: str = "") -> None:
        outbound.check(url)
        self._outbound = outbound
        self._url = url
        self._style = style
        self._client = client
        self._secret = secret
        self._held = _Held()
        self._asking: dict[_Wanted, asyncio.Lock] = {}

    async def token(self, url: str, scopes: Collection[str], now: datetime) -> str:
        """See `TokenSource.token`."""
        wanted = (audience_of(url), frozenset(scopes))
        token = self._held.get(wanted, now)
        if token is not None:
            return token
        lock = self._asking.setdefault(wanted, asyncio.Lock())
        try:
            async with lock:
                token = self._held.get(wanted, now)
                if token is None:
                    token, lasts_s = await self._ask(wanted, now)
                    self._held.keep(wanted, token, now.timestamp() + lasts_s)
                return token
        finally:
            if not lock.locked():
                self._asking.pop(wanted, None)

    async def _ask(self, wanted: _Wanted, now: datetime) -> tuple[str, float]:
        audience, scopes = wanted
        asked = {"grant_type": "client_credentials", "scope": " ".join(sorted(scopes))}
        if self._style is Style.DUMMY:
            query = urlencode({**asked, "intended_audience": audience, "issuer": "keepclear", "sub": self._client})
            reply = await self._outbound.call("GET", f"{self._url}{'&' if '?' in self._url else '?'}{query}")
        else:
            named = {"client_id": self._client, "client_secret": self._secret, "audience": audience}
            form = urlencode({**asked, **named}).encode()
            reply = await self._outbound.call("POST", self._url, form, media_type="application/x-www-form-urlencoded")
        if reply.status != 200:
            raise self._none(f"it answered with HTTP status {reply.status}")
        try:
            granted = msgspec.json.decode(reply.body, type=_Granted)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise self._none("its answer holds no access_token") from None
        if not _TOKEN.fullmatch(granted.access_token):
            raise self._none("what it gave as a token is none")
        lasts_s = granted.expires_in if granted.expires_in is not None else _lasts_s(granted.access_token, now)
        return granted.access_token, min(max(lasts_s, 0.0), LONGEST_S)

    def _none(self, why: str) -> CallFailed:
        host = self._outbound.check(self._url).shown_host
        return CallFailed(f"{host} gave no access token: {why}", "outbound_no_token", sent=True, host=host)


def audience_of(url: str) -> str:
    """For whom a token is that is shown at this URL: its host name, without the port. NotCallable if it is no URL."""
    return read_url(url, allow_http=True).host


_Wanted = tuple[str, frozenset[str]]


class _Granted(msgspec.Struct):
    access_token: str
    expires_in: float | None = None


class _Held:
    """Tokens by audience and scopes; the ones used longest ago go first."""

    def __init__(self) -> None:
        self._tokens: OrderedDict[_Wanted, tuple[str, float]] = OrderedDict()

    def get(self, wanted: _Wanted, now: datetime) -> str | None:
        """A token that will live for a while yet."""
        token, ends_s = self._tokens.get(wanted, ("", 0.0))
        if not token or now.timestamp() > ends_s - RENEWED_S:
            return None
        self._tokens.move_to_end(wanted)
        return token

    def keep(self, wanted: _Wanted, token: str, ends_s: float) -> None:
        """One more."""
        self._tokens[wanted] = (token, ends_s)
        self._tokens.move_to_end(wanted)
        if len(self._tokens) > MAX_HELD:
            self._tokens.popitem(last=False)


def _lasts_s(token: str, now: datetime) -> float:
    """How long a token says that it lasts; the server vouches for it, so its signature is not looked at."""
    try:
        claims = msgspec.json.decode(jws.extract_compact(token.encode()).payload, type=_Ends)
    except (JoseError, msgspec.MsgspecError, ValueError, RecursionError):
        return UNKNOWN_LASTS_S
    return claims.exp - now.timestamp()


class _Ends(msgspec.Struct):
    exp: float

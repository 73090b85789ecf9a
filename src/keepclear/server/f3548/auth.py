"""Who asks: access tokens of UTM services (F3548-21 section 4.2; JWT, RFC 7519, signed with RS256).

What is not plainly a token of this kind, for us, now, and signed with one of the configured keys is refused, whatever
is wrong with it, as `Unauthenticated`. The token never chooses how it is verified: the algorithm is fixed, and a `kid`
only picks among the keys that are there.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import OrderedDict
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from joserfc import jws
from joserfc.jwk import RSAKey
from joserfc.util import urlsafe_b64decode

from keepclear.errors import Malformed, Refused
from keepclear.model.base import hidden_in
from keepclear.server.f3548.keys import ALGORITHM, MAX_KEY_ID, Key, strict_object
from keepclear.utm.ruling import Asker

MAX_TOKEN_BYTES = 8192
MAX_TEXT = 200
"""Characters in `sub` and `iss`."""
MAX_AUDIENCES = 20
MAX_AHEAD_S = 3600
"""A token that lives longer is refused."""
TOLERANCE_S = 5
"""How far an issuer's clock may be ahead of ours."""
MAX_CACHED = 4096

_PART = "[A-Za-z0-9_-]+"
_TOKEN = re.compile(rf"{_PART}\.{_PART}\.{_PART}")
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]+")
"""RFC 6749 section 3.3."""
_TYPES = ("jwt", "at+jwt", "application/at+jwt")
_REFUSED_HEADERS = ("crit", "b64", "jku", "jwk", "x5u", "x5c", "cty", "enc", "zip", "epk", "p2c", "p2s")
"""What changes how the rest is read, brings a key along, or says where to get one."""


class Unauthenticated(Refused):
    """There is no access token, or not one that says who asks (401). `field` is "authorization"."""

    code = "utm_unauthenticated"

    def __init__(self, message: str, *, code: str | None = None, **values: object) -> None:
        super().__init__(message, field="authorization", code=code, **values)


@dataclass(frozen=True, slots=True)
class _Verified:
    """`asker` from `starts_s` until before `ends_s` (seconds since 1970)."""

    asker: Asker
    starts_s: float
    ends_s: float


class Verifier:
    """Verifies access tokens; remembers the last few thousand that were good until they expire.

    `audiences` are what `aud` may name (host names; compared exactly), `issuers` what `iss` may be (None: anything).
    Malformed if there is no key or no audience. What is not a good token is never remembered, so it pushes none out.
    """

    def __init__(
        self,
        keys: Sequence[Key],
        audiences: Collection[str],
        issuers: Collection[str] | None = None,
        max_cached: int = MAX_CACHED,
    ) -> None:
        if not keys:
            raise Malformed("no public key is named, so no token could be verified", field="keys", code="utm_no_keys")
        if isinstance(audiences, str) or not audiences or not all(audiences):
            raise Malformed("no audience is named, so every token would be refused", field="audiences")
        self._by_kid = {key.kid: key.key for key in keys if key.kid is not None}
        self._nameless = [key.key for key in keys if key.kid is None]
        self._all = [key.key for key in keys]
        self._audiences = frozenset(audiences)
        self._issuers = None if issuers is None else frozenset(issuers)
        self._max_cached = max_cached
        self._cached: OrderedDict[bytes, _Verified] = OrderedDict()
        self._registry = jws.JWSRegistry(algorithms=[ALGORITHM], strict_check_header=False)

    def asker(self, authorization: str | None, now: datetime) -> Asker:
        """Who shows this Authorization header: `Bearer` and one token. Unauthenticated, and nothing else, if nobody."""
        token = _shown(authorization)
        digest = hashlib.sha256(token).digest()
        now_s = now.timestamp()
        found = self._cached.get(digest)
        if found is None:
            found = self._verify(token)
            _check_time(found, now_s)
            self._cached[digest] = found
            if len(self._cached) > self._max_cached:
                self._cached.popitem(last=False)
        else:
            _check_time(found, now_s)
            self._cached.move_to_end(digest)
        return found.asker

    def _verify(self, token: bytes) -> _Verified:
        try:
            header = strict_object(urlsafe_b64decode(token.partition(b".")[0]))
        except ValueError as error:
            raise _unreadable(f"its header is no JSON object: {error}") from None
        keys = self._keys_for(_checked_header(header))
        payload = next((found for key in keys if (found := self._signed(token, key)) is not None), None)
        if payload is None:
            raise Unauthenticated("the signature of the access token does not verify", code="utm_token_forged")
        try:
            claims = strict_object(payload)
        except ValueError as error:
            raise _unreadable(f"its claims are no JSON object: {error}") from None
        return self._judged(claims)

    def _keys_for(self, kid: str | None) -> list[RSAKey]:
        """The key of this `kid`; where no key has it, those that have no name. All, if the token names none."""
        if kid is None:
            return self._all
        if kid in self._by_kid:
            return [self._by_kid[kid]]
        if not self._nameless:
            raise Unauthenticated("no key that is known here signed the token", code="utm_token_unknown_key")
        return self._nameless

    def _signed(self, token: bytes, key: RSAKey) -> bytes | None:
        """The payload, if this key signed it."""
        try:
            return jws.deserialize_compact(token, key, [ALGORITHM], self._registry).payload
        except Exception:  # foreign bytes in a library: whatever it trips over did not verify
            return None

    def _judged(self, claims: dict[str, Any]) -> _Verified:
        issuer = _text(claims, "iss")
        if self._issuers is not None and issuer not in self._issuers:
            raise _bad_claim("iss", "the issuer of the token is not one of those taken here")
        audience = claims.get("aud")
        named = audience if isinstance(audience, list) else [audience]
        if not 1 <= len(named) <= MAX_AUDIENCES or not all(isinstance(each, str) for each in named):
            raise _bad_claim("aud", "the token must say for whom it is: a text, or a list of texts")
        if self._audiences.isdisjoint(named):
            raise Unauthenticated("the token is for another audience", code="utm_token_audience")
        ends_s = _seconds(claims, "exp")
        starts_s = max(
            ends_s - MAX_AHEAD_S,
            _seconds(claims, "nbf") if "nbf" in claims else -math.inf,
            _seconds(claims, "iat") if "iat" in claims else -math.inf,
        )
        return _Verified(Asker(_text(claims, "sub"), _scopes(claims)), starts_s - TOLERANCE_S, ends_s)


def authorization_in(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    """The one Authorization header of a request as ASGI gives it (names in lower case); None if there is none.

    Unauthenticated if there are several, for two readers could take different ones.
    """
    found = [value for name, value in headers if name == b"authorization"]
    if len(found) > 1:
        raise _unreadable("there is more than one Authorization header")
    return found[0].decode("latin-1") if found else None


def _shown(authorization: str | None) -> bytes:
    """The token in the header, if it has the form of one: `Bearer`, a space, three parts of base64url."""
    if not authorization:
        message = "an access token must be shown (Authorization: Bearer and the token)"
        raise Unauthenticated(message, code="utm_no_token")
    if len(authorization) > MAX_TOKEN_BYTES + len("Bearer "):
        raise _unreadable(f"it has more than {MAX_TOKEN_BYTES} characters")
    scheme, _, token = authorization.partition(" ")
    if scheme.lower() != "bearer":
        message = "the Authorization header must be Bearer and an access token"
        raise Unauthenticated(message, code="utm_no_token")
    if not _TOKEN.fullmatch(token):
        raise _unreadable("it is not three parts of base64url with dots between them")
    return token.encode("ascii")


def _checked_header(header: dict[str, Any]) -> str | None:
    """The `kid` of a header that may be: RS256, a JWT, and nothing that changes how the rest is read."""
    if header.get("alg") != ALGORITHM:
        raise Unauthenticated(f"an access token is signed with {ALGORITHM}", code="utm_token_algorithm")
    for name in _REFUSED_HEADERS:
        if name in header:
            raise _unreadable(f"its header must not have {name}")
    kind = header.get("typ", "JWT")
    if not isinstance(kind, str) or kind.lower() not in _TYPES:
        raise _unreadable("it is of another type than JWT")
    kid = header.get("kid")
    if "kid" in header and not (isinstance(kid, str) and 1 <= len(kid) <= MAX_KEY_ID):
        raise _unreadable("its kid is not a short text")
    return kid


def _text(claims: dict[str, Any], name: str) -> str:
    value = claims.get(name)
    if not isinstance(value, str) or not 1 <= len(value) <= MAX_TEXT:
        raise _bad_claim(name, f"the token must have {name}, a text of 1 to {MAX_TEXT} characters")
    if not value.isprintable() or hidden_in(value) is not None or value != value.strip():
        raise _bad_claim(name, f"{name} has a hidden character in it, or space around it")
    return value


def _seconds(claims: dict[str, Any], name: str) -> float:
    """A NumericDate: a finite number of seconds since 1970."""
    value = claims.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not -1e12 < value < 1e12:
        raise _bad_claim(name, f"the token must have {name} as a number of seconds since 1970")
    return float(value)


def _scopes(claims: dict[str, Any]) -> frozenset[str]:
    """`scope` is words with spaces between them; none if it is missing or empty."""
    value = claims.get("scope", "")
    if not isinstance(value, str):
        raise _bad_claim("scope", "scope is one text: words with spaces between them")
    words = [word for word in value.split(" ") if word]
    if not all(_SCOPE.fullmatch(word) for word in words):
        raise _bad_claim("scope", "a scope has a character that no scope has")
    return frozenset(words)


def _check_time(found: _Verified, now_s: float) -> None:
    if now_s >= found.ends_s:
        raise Unauthenticated("the access token has expired", code="utm_token_expired")
    if now_s < found.starts_s:
        message = "the access token is not valid yet, or lives for more than an hour"
        raise Unauthenticated(message, code="utm_token_not_yet")


def _unreadable(why: str) -> Unauthenticated:
    return Unauthenticated(f"the access token cannot be read: {why}", code="utm_token_unreadable", why=why)


def _bad_claim(claim: str, message: str) -> Unauthenticated:
    return Unauthenticated(message, code="utm_token_claim", claim=claim)

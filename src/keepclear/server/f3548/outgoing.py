"""Calls to other services as the settings allow them: to which hosts, and with whose access tokens."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from msgspec import Meta

from keepclear.errors import Malformed
from keepclear.model.base import Short, Value
from keepclear.model.utm import Url
from keepclear.node.access_tokens import (
    SelfSigned,
    Style,
    TokenServer,
    TokenSource,
    development_key,
    read_token_key,
)
from keepclear.node.home import read_secret
from keepclear.node.outbound import Outbound
from keepclear.node.outbound_url import NotCallable
from keepclear.server.f3548.issuer import ISSUER

FIELD = "f3548.json.outgoing"
MAX_HOSTS = 1_000
MAX_SECRET = 1_000

File = Annotated[str, Meta(min_length=1, max_length=1_000)]
Places = Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=300)], ...], Meta(max_length=MAX_HOSTS)]


class Outgoing(Value, frozen=True, kw_only=True):
    """`hosts`: the services that may be called, as `host` or `host:port`, compared exactly. `local_hosts`: more, which
    may be on this machine or at private addresses. `authorities`: a file of certificates (PEM) to trust beside the
    usual ones.

    Access tokens are signed with `token_key` (a file with an RSA private key, mode 0600), in the name of `issuer`; or
    asked for at `token_url` as `token_style` says ("oauth": RFC 6749 client credentials; "dummy": the GET of test
    set-ups), as `client_id` with the secret in the file `client_secret` (mode 0600).
    """

    hosts: Places = ()
    local_hosts: Places = ()
    authorities: File | None = None
    token_key: File | None = None
    issuer: Short | None = None
    token_url: Url | None = None
    token_style: Style = Style.OAUTH
    client_id: Short | None = None
    client_secret: File | None = None


def open_outgoing(
    settings: Outgoing, directory: Path, sub: str, *, allow_http: bool, development: bool
) -> tuple[Outbound, TokenSource]:
    """The way out, and the tokens for it, which say that `sub` calls. Whoever opens it closes the `Outbound`.

    Without a key and a server the development key signs, where `development` says so. Files are named relative to the
    folder. Malformed naming the setting (`f3548.json.outgoing.token_url`) or the file that is at fault.
    """
    if settings.token_key is not None and settings.token_url is not None:
        message = "tokens are signed here or asked for, not both"
        raise Malformed(message, field=f"{FIELD}.token_url", code="utm_token_source")
    authorities = None if settings.authorities is None else directory / settings.authorities
    try:
        outbound = Outbound(settings.hosts, settings.local_hosts, allow_http=allow_http, authorities=authorities)
    except Malformed as error:
        error.field = f"{FIELD}.{error.field}"
        raise
    return outbound, _tokens(settings, directory, sub, outbound, development)


def _tokens(settings: Outgoing, directory: Path, sub: str, outbound: Outbound, development: bool) -> TokenSource:
    if settings.token_url is not None:
        secret = "" if settings.client_secret is None else _secret(directory / settings.client_secret)
        try:
            return TokenServer(outbound, settings.token_url, settings.token_style, settings.client_id or sub, secret)
        except NotCallable as error:
            error.field = f"{FIELD}.token_url"
            raise
    if settings.token_key is not None:
        return SelfSigned(read_token_key(directory / settings.token_key), sub, settings.issuer or sub)
    if development:
        return SelfSigned(development_key(directory), sub, settings.issuer or ISSUER)
    message = "calls to services need access tokens: name a key to sign them with, or where to ask for them"
    raise Malformed(message, field=f"{FIELD}.token_key", code="utm_token_source")


def _secret(file: Path) -> str:
    content = read_secret(file).strip()
    if not 1 <= len(content) <= MAX_SECRET or not content.isascii():
        raise Malformed(f"{file} does not hold a secret of 1 to {MAX_SECRET} ASCII characters", field=file.name)
    return content.decode("ascii")

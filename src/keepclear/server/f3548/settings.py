"""What a person settles of the UTM listener: `f3548.json` in the node's folder, and options that go before it.

    {
      "keys": ["authority.pem"],
      "audiences": ["utm.example.org"],
      "allow_http_base_urls": false
    }

Strict by default: without a key and an audience nothing is listened to, for nobody could be let in. A name that is not
a setting is refused. Files are named relative to the folder.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from keepclear.errors import Malformed, Refused
from keepclear.formats.wire import refusal
from keepclear.model.base import Short, Value
from keepclear.node.access_tokens import DEVELOPMENT_KEY, development_key
from keepclear.server.f3548.auth import Verifier
from keepclear.server.f3548.connections import Limits
from keepclear.server.f3548.keys import Key, public_key, read_keys
from keepclear.server.f3548.on_line import LineSettings
from keepclear.server.f3548.outgoing import Outgoing
from keepclear.server.f3548.own_uss import UssSettings
from keepclear.utm.asked import Rules

FILE = "f3548.json"
File = Annotated[str, Meta(min_length=1, max_length=1_000)]
Names = Annotated[tuple[Short, ...], Meta(max_length=100)]


class Settings(Value, frozen=True, kw_only=True):
    """`keys`: files of public keys (PEM or JWKS) that verify access tokens. `audiences`: what `aud` may name, compared
    exactly; a client takes the host of the URL it calls, without the port. `issuers`: what `iss` may be (all if not
    given). `allow_http_base_urls`: whether a service may be reached over plain http. `certificate` and
    `certificate_key`: PEM files for TLS; without them the listener speaks plain http, on this machine only, unless
    `behind_proxy` says that a proxy which speaks TLS stands before it. `development_tokens`: whether the listener also
    signs tokens for whoever asks (`GET /token`) and takes them; never where another machine could ask. `pool`: the name
    of the DSS Airspace Representation this node is part of (by default its own id). `outgoing`: calls to other
    services. `uss`: this node as a USS, beside its DSS; it needs `outgoing`. `line`: the line on which the services
    take part; it needs `uss`. `limits`: what callers may hold.
    """

    keys: Annotated[tuple[File, ...], Meta(max_length=20)] = ()
    audiences: Names = ()
    issuers: Names | None = None
    allow_http_base_urls: bool = False
    certificate: File | None = None
    certificate_key: File | None = None
    behind_proxy: bool = False
    development_tokens: bool = False
    pool: Short | None = None
    outgoing: Outgoing | None = None
    uss: UssSettings | None = None
    line: LineSettings | None = None
    limits: Limits = Limits()

    def rules(self) -> Rules:
        """What is loosened of the rules."""
        return Rules(allow_http_base_urls=self.allow_http_base_urls)

    def check_may_leave_machine(self) -> None:
        """Tokens are not to be read on the way (F3548-21 section 4.2): Refused (`f3548`) if nothing encrypts them; and
        not given to other machines: Refused if they are given to anybody.
        """
        if self.development_tokens:
            raise _for_this_machine_only()
        if self.certificate is None and not self.behind_proxy:
            message = "another machine may reach this listener only by TLS: name a certificate, or say behind_proxy"
            raise Refused(message, field="f3548", code="utm_plain_http")


def read_settings(
    directory: Path,
    *,
    keys: Sequence[str] = (),
    audiences: Sequence[str] = (),
    allow_http: bool = False,
) -> Settings:
    """The settings in a node's folder, with what was given on the command line in their place.

    Keys given by option are named relative to where the command runs. Malformed naming the setting (`f3548.json.keys`)
    if the file is not as it must be, or if a certificate is named without its key.
    """
    settings = _in_folder(directory / FILE)
    if keys:
        settings = msgspec.structs.replace(settings, keys=tuple(str(Path(each).absolute()) for each in keys))
    if audiences:
        settings = msgspec.structs.replace(settings, audiences=tuple(audiences))
    if allow_http:
        settings = msgspec.structs.replace(settings, allow_http_base_urls=True)
    if (settings.certificate is None) != (settings.certificate_key is None):
        absent = "certificate" if settings.certificate is None else "certificate_key"
        message = "a certificate and its key are named together"
        raise Malformed(message, field=f"{FILE}.{absent}", code="missing_field")
    if settings.line is not None and settings.uss is None:
        message = "services take part in a line through this node as a USS"
        raise Malformed(message, field=f"{FILE}.uss", code="missing_field")
    if settings.development_tokens and settings.behind_proxy:
        raise _for_this_machine_only()
    return settings


def verifier_of(settings: Settings, directory: Path) -> Verifier:
    """Who verifies the tokens. Malformed naming `keys` or `audiences`, or the file that cannot be read."""
    keys: tuple[Key, ...] = ()
    if settings.development_tokens:
        keys = (public_key(development_key(directory).key.public_key(), DEVELOPMENT_KEY),)
    if settings.keys or not keys:
        keys += read_keys([directory / each for each in settings.keys])
    return Verifier(keys, settings.audiences, settings.issuers)


def _for_this_machine_only() -> Refused:
    message = "anybody who asks gets any token, so it is for a listener on this machine without a proxy only"
    return Refused(message, field=f"{FILE}.development_tokens", code="utm_development_tokens")


def _in_folder(file: Path) -> Settings:
    try:
        content = file.read_bytes()
    except FileNotFoundError:
        return Settings()
    except OSError as error:
        raise Malformed(f"{file} cannot be read: {error.strerror}", field=FILE) from None
    try:
        return msgspec.json.decode(content, type=Settings)
    except msgspec.ValidationError as error:
        found = refusal(str(error))
        found.field = f"{FILE}.{found.field}" if found.field else FILE
        raise found from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"not JSON: {error}", field=FILE, code="not_json") from None

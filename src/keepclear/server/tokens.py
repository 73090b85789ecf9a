"""Who may ask the local API for what: the node's own token, and tokens narrowed to one party and certain roles.

`DIR/token` opens everything. `DIR/tokens.json` lists further ones by their SHA-256: whoever shows one sees only what
its party could know and speaks only for that party, in the roles named (any, if none is). It is read again when it
changes, so a token that is taken out stops working at once.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta

from keepclear.errors import Malformed, NotNow, StoreFailed
from keepclear.model.base import Id, Short, Value

FILE = "tokens.json"


@dataclass(frozen=True)
class Grant:
    """What a token opens: everything (`party` None), or one party's share in these roles (none named: any)."""

    party: str | None = None
    roles: tuple[str, ...] = ()

    def may_speak_as(self, party: str, role: str) -> bool:
        """Whether an act of this party in this role may be posted."""
        return self.party is None or (party == self.party and (not self.roles or role in self.roles))


WHOLE = Grant()


class Narrowed(Value, frozen=True, kw_only=True):
    """A token narrowed to a party, as the file keeps it. The token itself is not kept."""

    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}\Z")]
    party: Id
    roles: Annotated[tuple[Short, ...], Meta(max_length=20)] = ()

    @property
    def id(self) -> str:
        """What it is called when it is listed or taken out."""
        return self.sha256[:8]


class Tokens:
    """The tokens of a node's folder, compared in constant time."""

    def __init__(self, token: str, directory: Path) -> None:
        self._token = _sha256(token.encode())
        self._file = directory / FILE
        self._seen: tuple[int, int] | None = None
        self._narrowed: tuple[Narrowed, ...] = ()

    def grant(self, given: bytes) -> Grant | None:
        """What a shown token opens; None if it is none of ours."""
        shown = _sha256(given)
        if hmac.compare_digest(shown, self._token):
            return WHOLE
        self._read_again()
        found = None
        for each in self._narrowed:
            if hmac.compare_digest(shown, each.sha256):
                found = Grant(each.party, each.roles)
        return found

    def _read_again(self) -> None:
        """A file that cannot be read opens nothing."""
        try:
            status = self._file.stat()
        except OSError:
            self._seen, self._narrowed = None, ()
            return
        seen = (status.st_mtime_ns, status.st_size)
        if seen != self._seen:
            try:
                self._narrowed = read_tokens(self._file.parent)
            except Malformed:
                self._narrowed = ()
            self._seen = seen


def read_tokens(directory: Path) -> tuple[Narrowed, ...]:
    """The narrowed tokens of a folder; Malformed naming the file if it cannot be read."""
    try:
        content = (directory / FILE).read_bytes()
    except FileNotFoundError:
        return ()
    except OSError as error:
        raise Malformed(f"{directory / FILE} cannot be read: {error.strerror}", field=FILE) from None
    try:
        return msgspec.json.decode(content, type=tuple[Narrowed, ...])
    except msgspec.MsgspecError as error:
        raise Malformed(f"{directory / FILE} cannot be read: {error}", field=FILE) from None


def add_token(directory: Path, party: str, roles: tuple[str, ...]) -> tuple[str, Narrowed]:
    """Make a token narrowed to a party and roles; the token, which is kept nowhere, and its entry in the file."""
    token = secrets.token_urlsafe(32)
    entry = msgspec.convert({"sha256": _sha256(token.encode()), "party": party, "roles": roles}, Narrowed)
    _write(directory, (*read_tokens(directory), entry))
    return token, entry


def take_out_token(directory: Path, token_id: str) -> None:
    """A token stops working; NotNow if there is none of this id."""
    held = read_tokens(directory)
    left = tuple(each for each in held if each.id != token_id)
    if len(left) == len(held):
        raise NotNow("there is no token of this id", field="revoke", code="no_such_token")
    _write(directory, left)


def _write(directory: Path, tokens: tuple[Narrowed, ...]) -> None:
    new = directory / f"{FILE}.new"
    try:
        with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as stream:
            stream.write(msgspec.json.format(msgspec.json.encode(tokens), indent=2) + b"\n")
            stream.flush()
            os.fsync(stream.fileno())
        new.replace(directory / FILE)
    except OSError as error:
        raise StoreFailed(f"{directory / FILE} cannot be written: {error.strerror}") from None


def _sha256(token: bytes) -> str:
    return hashlib.sha256(b"keepclear.token.v1\n" + token).hexdigest()

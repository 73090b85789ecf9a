"""The bytes nodes exchange: a signed push of acts, a signed pull, a signed ask for the checkpoint, and their answers.

Read strictly: unknown fields, wrong kinds and sizes are Malformed. What is in them is believed only as far as its own
signatures carry; see `peers.py`.
"""

from __future__ import annotations

import hashlib
from typing import Annotated, TypeVar

import msgspec
from msgspec import Meta

from keepclear.errors import Forged, KeepclearError, Malformed, OutOfOrder, Refused, StoreFailed
from keepclear.model.base import Id, Instant, Value, utc
from keepclear.record import MAX_ENVELOPE_BYTES, SigningKey, VerifierKey, open_note, sign_note

MAX_ACTS = 100
MAX_BATCH_BYTES = 2**20
"""Of envelopes in one push or one answer to a pull. Base64 makes it a third more on the wire."""
MAX_PUSH_BYTES = 1_600_000
MAX_PULL_BYTES = 250_000

_PULL_FIRST_LINE = b"keepclear.pull.v1\n"
_PUSH_FIRST_LINE = b"keepclear.push.v1\n"
_PUSH_NOTE_LINES = 4
"""A push begins with a note of so many lines: the first, the head, an empty one, the signature. Then comes the push."""

EnvelopeBytes = Annotated[bytes, Meta(max_length=MAX_ENVELOPE_BYTES)]
T = TypeVar("T")


class Trouble(Value, frozen=True, kw_only=True):
    """Why something was not taken. `need_seq` is the first act missing before it, where that is the reason."""

    code: Annotated[str, Meta(max_length=100)]
    message: Annotated[str, Meta(max_length=2000)]
    field: Annotated[str, Meta(max_length=400)] = ""
    need_seq: int | None = None


class PushHead(Value, frozen=True, kw_only=True):
    """What the sender of a push signs: who hands over to whom, and the SHA-256 of what follows.

    It has no time: acts taken twice count once, and a clock that is off must not keep a danger call back.
    """

    sender: Id
    receiver: Id
    sha256: Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]


class Push(Value, frozen=True, kw_only=True):
    """Acts handed over, each chain in order, with the sender's own checkpoint (a signed note)."""

    checkpoint: Annotated[bytes, Meta(max_length=4000)]
    acts: Annotated[tuple[EnvelopeBytes, ...], Meta(max_length=MAX_ACTS)]


class PushResult(Value, frozen=True, kw_only=True):
    """What became of one act: its index in the receiver's record, or why it was not taken."""

    index: int | None = None
    trouble: Trouble | None = None

    def __post_init__(self) -> None:
        if (self.index is None) == (self.trouble is None):
            raise ValueError("index or trouble must be given, and not both")


class PushReply(Value, frozen=True, kw_only=True):
    """One result for each act, in order; or why the push as a whole was refused."""

    results: Annotated[tuple[PushResult, ...], Meta(max_length=MAX_ACTS)] = ()
    trouble: Trouble | None = None


class Have(Value, frozen=True, kw_only=True):
    """The asker has this author's acts on this line up to and including `seq`."""

    line: Id
    author: Id
    seq: Annotated[int, Meta(ge=1)]


class PullRequest(Value, frozen=True, kw_only=True):
    """Asks `asked` for what it and its parties said and `asker` lacks; a chain not named is wanted from its first."""

    asker: Id
    asked: Id
    at: Instant
    nonce: Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$")]
    have: Annotated[tuple[Have, ...], Meta(max_length=1000)] = ()

    def __post_init__(self) -> None:
        utc(self.at, "at")


class PullReply(Value, frozen=True, kw_only=True):
    """Envelopes, each chain in order; `more` if there are others beyond them; or why nothing is shown."""

    acts: Annotated[tuple[EnvelopeBytes, ...], Meta(max_length=MAX_ACTS)] = ()
    more: bool = False
    trouble: Trouble | None = None


class CheckpointReply(Value, frozen=True, kw_only=True):
    """The signed head of the answering node's record, or why it is not shown."""

    checkpoint: Annotated[bytes, Meta(max_length=4000)] | None = None
    trouble: Trouble | None = None


def write(value: Push | PushReply | PullReply | CheckpointReply) -> bytes:
    """As JSON."""
    return msgspec.json.encode(value)


def read(body: bytes, kind: type[T], max_bytes: int) -> T:
    """From JSON. Malformed if it is too large or is not one."""
    if len(body) > max_bytes:
        raise Malformed(f"at most {max_bytes} bytes are read here", field="body", code="too_large")
    try:
        return msgspec.json.decode(body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"this is not what nodes say to each other: {error}", field="body") from None


def sign_push(push: Push, receiver: str, key: SigningKey) -> bytes:
    """A push to one node, signed by the sender: a short signed note, then the push."""
    body = write(push)
    head = PushHead(sender=key.name, receiver=receiver, sha256=hashlib.sha256(body).hexdigest())
    return sign_note(_PUSH_FIRST_LINE + msgspec.json.encode(head) + b"\n", key) + body


def peek_push(body: bytes) -> PushHead:
    """What a push says of itself, before it is known who says it. Malformed if it is none."""
    first_line, _, rest = body[:MAX_PULL_BYTES].partition(b"\n")
    if first_line + b"\n" != _PUSH_FIRST_LINE:
        raise Malformed("this is not a push", field="body", code="unknown_version")
    return read(rest.partition(b"\n")[0], PushHead, MAX_PULL_BYTES)


def open_push(body: bytes, sender: VerifierKey) -> tuple[PushHead, Push]:
    """The push, once it is known that the sender signed exactly it. Forged if not; Malformed if it is none."""
    *note, rest = body.split(b"\n", _PUSH_NOTE_LINES)
    try:
        text, _ = open_note(b"".join(line + b"\n" for line in note), [sender])
    except Malformed as error:
        raise Forged(error.message, field="signature") from None
    head = peek_push(text)
    if head.sender != sender.name or head.sha256 != hashlib.sha256(rest).hexdigest():
        raise Forged("what follows is not what was signed", field="sha256")
    return head, read(rest, Push, MAX_PUSH_BYTES)


def sign_pull(request: PullRequest, key: SigningKey) -> bytes:
    """The request as a note signed by the asker."""
    return sign_note(_PULL_FIRST_LINE + msgspec.json.encode(request) + b"\n", key)


def peek_pull(body: bytes) -> PullRequest:
    """What a pull says, before it is known who says it. Malformed if it is none."""
    first_line, _, rest = body.partition(b"\n")
    if first_line + b"\n" != _PULL_FIRST_LINE:
        raise Malformed("this is not a pull", field="body", code="unknown_version")
    return read(rest.partition(b"\n")[0], PullRequest, MAX_PULL_BYTES)


def open_pull(body: bytes, asker: VerifierKey) -> PullRequest:
    """The request, once it is known that the asker signed exactly it. Forged if not; Malformed if it is none."""
    text, _ = open_note(body, [asker])
    request = peek_pull(text)
    if request.asker != asker.name:
        raise Forged("signed with another node's key", field="asker")
    return request


CLOSED_TO_IT = frozenset({"unknown_line", "unknown_author", "not_a_member", "unknown_key", "forged"})
"""Told to a peer as one: which lines there are here, and who is on them, is not for whoever asks by trying."""


def trouble_of(error: KeepclearError) -> Trouble:
    """An error as it is told to a peer."""
    if isinstance(error, Refused) and error.code in CLOSED_TO_IT:
        return Trouble(code="unknown_line", message="no such line is open here to such an author", field="line")
    if isinstance(error, OutOfOrder):
        return Trouble(code=error.code, message=error.message, field=error.field, need_seq=error.need_seq)
    if isinstance(error, Refused):
        return Trouble(code=error.code, message=error.message[:2000], field=error.field[:400])
    if isinstance(error, StoreFailed):
        return Trouble(code="store_failed", message="the receiving node could not keep it")
    raise error

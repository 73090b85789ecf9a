"""The envelope of an act: a readable text, signed by its author as a C2SP note.

    keepclear.act.v1
    line avoidance
    author russia
    seq 12
    prev <64 hex digits: the id of this author's act before this one on this line; zeros for seq 1>
    said 2017-09-08T05:10:00Z
    <one line of JSON, opaque here>

    — russia <base64 of key id and signature>

There is exactly one way to write an envelope; every deviation is Malformed and names the field. The first line keeps
acts and checkpoints apart: no signature of one can pass for the other (a checkpoint's second line is a number).
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime

from keepclear.errors import Forged, Malformed
from keepclear.record.instant import format_instant, parse_instant
from keepclear.record.note import SigningKey, VerifierKey, sign_note, split_note

ACT_VERSION = "keepclear.act.v1"
MAX_ENVELOPE_BYTES = 60_000
"""With the record time before it, a leaf stays under the 65,535 bytes of a C2SP entry bundle's length prefix."""
MAX_SEQ = 2**53 - 1
NO_PREVIOUS = "0" * 64
"""`prev` of an author's first act on a line."""

_NAME = re.compile(r"[a-z][a-z0-9._-]{0,47}")
_ID = re.compile(r"[0-9a-f]{64}")
_SEQ = re.compile(r"[1-9][0-9]{0,15}")
_HEADER_LINES = 6


@dataclass(frozen=True, slots=True)
class Header:
    """Who says it, on which line, as their how-many-eth act (from 1), after which (`prev`), and when by their clock."""

    line: str
    author: str
    seq: int
    prev: str
    said_at: datetime


@dataclass(frozen=True, slots=True)
class Envelope:
    """An envelope taken apart; `raw` is exactly what arrived. The signature is not checked until `check_signature`.

    `id` is the SHA-256 of the signed text in hex: the name of the act, and the key under which it is never said twice.
    """

    id: str
    header: Header
    body: bytes
    text: bytes
    key_id: bytes
    signature: bytes
    raw: bytes


def seal(header: Header, body: bytes, key: SigningKey) -> bytes:
    """Sign one act. Malformed naming the field if the result would not be an envelope; the key's name is the author."""
    lines = (
        ACT_VERSION,
        f"line {header.line}",
        f"author {header.author}",
        f"seq {header.seq}",
        f"prev {header.prev}",
        f"said {format_instant(header.said_at, 'said')}",
    )
    text = "\n".join(lines).encode() + b"\n" + body + b"\n"
    raw = sign_note(text, key)
    parse(raw)  # a newline smuggled into a field makes more lines than an envelope has
    return raw


def parse(raw: bytes) -> Envelope:
    """Take an envelope apart, strictly. Does not check the signature. Malformed naming the field."""
    if len(raw) > MAX_ENVELOPE_BYTES:
        raise Malformed(f"an envelope has at most {MAX_ENVELOPE_BYTES} bytes", field="envelope", code="too_large")
    note = split_note(raw)
    lines = note.text[:-1].decode("utf-8").split("\n")
    if lines[0] != ACT_VERSION:
        raise Malformed(f"the first line must be {ACT_VERSION}", field="version", code="unknown_version")
    if len(lines) != _HEADER_LINES + 1:
        raise Malformed("six header lines and one line of body are expected", field="body")
    header = Header(
        line=_matching(_value(lines[1], "line"), _NAME, "line"),
        author=_matching(_value(lines[2], "author"), _NAME, "author"),
        seq=int(_matching(_value(lines[3], "seq"), _SEQ, "seq")),
        prev=_matching(_value(lines[4], "prev"), _ID, "prev"),
        said_at=parse_instant(_value(lines[5], "said"), "said"),
    )
    if header.seq > MAX_SEQ:
        raise Malformed(f"seq is at most {MAX_SEQ}", field="seq")
    if (header.seq == 1) != (header.prev == NO_PREVIOUS):
        raise Malformed("prev is 64 zeros for seq 1 and only then", field="prev")
    if not lines[6]:
        raise Malformed("the body is empty", field="body")
    if len(note.signatures) != 1:
        raise Malformed("an envelope has exactly one signature", field="signature")
    signed = note.signatures[0]
    if signed.name != header.author:
        raise Malformed("the signing key does not bear the author's name", field="signature")
    if len(signed.signature) != 64:
        raise Malformed("an Ed25519 signature has 64 bytes", field="signature")
    return Envelope(
        id=hashlib.sha256(note.text).hexdigest(),
        header=header,
        body=lines[6].encode("utf-8"),
        text=note.text,
        key_id=signed.key_id,
        signature=signed.signature,
        raw=raw,
    )


def check_signature(envelope: Envelope, verifier: VerifierKey) -> None:
    """Forged unless this key, under the author's name, signed exactly this text."""
    if verifier.name != envelope.header.author:
        raise Forged(f"the key of {verifier.name} may not speak for {envelope.header.author}", field="author")
    if verifier.key_id != envelope.key_id:
        raise Forged(f"signed with a key that is not the enrolled one of {verifier.name}", field="signature")
    if not verifier.verifies(envelope.text, envelope.signature):
        raise Forged(f"the signature of {verifier.name} does not verify", field="signature")


def _value(line: str, word: str) -> str:
    if not line.startswith(word + " "):
        raise Malformed(f"a line starting with '{word} ' is expected here", field=word)
    return line[len(word) + 1 :]


def _matching(value: str, shape: re.Pattern[str], field: str) -> str:
    if not shape.fullmatch(value):
        raise Malformed(f"not a {field} as envelopes write it", field=field)
    return value

"""Checkpoints as C2SP writes them (c2sp.org/tlog-checkpoint): origin, size and root of a tree, signed as a note."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from keepclear.errors import Malformed
from keepclear.record.check import MAX_SIZE
from keepclear.record.envelope import ACT_VERSION
from keepclear.record.note import (
    SigningKey,
    VerifierKey,
    check_key_name,
    decode_base64,
    encode_base64,
    open_note,
    sign_note,
)
from keepclear.record.tree import HASH_BYTES

_SIZE = re.compile(r"0|[1-9][0-9]{0,18}")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A tree head: which log (`origin`, one line), how many leaves, the 32-byte root, and lines opaque to us."""

    origin: str
    size: int
    root: bytes
    extensions: tuple[str, ...] = ()


def format_checkpoint(checkpoint: Checkpoint) -> bytes:
    """The text that is signed. Malformed naming the field if it would not read back as the same checkpoint."""
    lines = (checkpoint.origin, str(checkpoint.size), encode_base64(checkpoint.root), *checkpoint.extensions)
    text = "\n".join(lines).encode() + b"\n"
    if parse_checkpoint(text) != checkpoint:
        raise Malformed("a line of the checkpoint holds a newline", field="checkpoint")
    return text


def parse_checkpoint(text: bytes) -> Checkpoint:
    """Read the text of a checkpoint, strictly; Malformed naming the field."""
    try:
        lines = text.decode("utf-8").split("\n")
    except UnicodeDecodeError:
        raise Malformed("not UTF-8", field="checkpoint", code="not_utf8") from None
    if len(lines) < 4 or lines.pop() != "":
        raise Malformed("a checkpoint has at least three whole lines", field="checkpoint")
    if "" in lines:
        raise Malformed("a checkpoint has no empty line", field="checkpoint")
    origin, size, root, *extensions = lines
    if origin == ACT_VERSION:
        raise Malformed("this is an act, not a checkpoint", field="origin")
    if not _SIZE.fullmatch(size) or int(size) > MAX_SIZE:
        raise Malformed("the size is a decimal number without leading zeros", field="size")
    root_bytes = decode_base64(root, "root")
    if len(root_bytes) != HASH_BYTES:
        raise Malformed("the root has 32 bytes", field="root")
    return Checkpoint(origin, int(size), root_bytes, tuple(extensions))


def sign_checkpoint(checkpoint: Checkpoint, key: SigningKey) -> bytes:
    """The signed note. A node signs only checkpoints that continue those it signed before."""
    return sign_note(format_checkpoint(checkpoint), key)


def open_checkpoint(raw: bytes, known: Sequence[VerifierKey]) -> tuple[Checkpoint, tuple[VerifierKey, ...]]:
    """The checkpoint and the known keys that signed it; Raises like `open_note` and `parse_checkpoint`."""
    text, signers = open_note(raw, known)
    return parse_checkpoint(text), signers


def check_origin(origin: str, key: VerifierKey) -> None:
    """Malformed unless the origin is the key's name, or starts with it and a slash: nobody signs for another's log."""
    check_key_name(origin, "origin")
    if origin != key.name and not origin.startswith(f"{key.name}/"):
        raise Malformed(f"{key.name} cannot sign for the log {origin}", field="origin")

"""The leaf of a node's log: when this node knew it, and exactly the bytes that arrived.

    keepclear.entry.v1
    2017-09-08T05:10:02.125000Z
    <the envelope, byte for byte>

So the record time is in the tree too: a node cannot later claim to have known earlier or later than it logged.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from keepclear.errors import Malformed
from keepclear.record.envelope import MAX_ENVELOPE_BYTES
from keepclear.record.instant import format_instant, parse_instant

ENTRY_VERSION = b"keepclear.entry.v1"


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its index from 0, the record time of this node (UTC), and the envelope's bytes."""

    index: int
    recorded_at: datetime
    envelope: bytes


def leaf_bytes(entry: Entry) -> bytes:
    """The bytes that are hashed into the tree (at most 60,047). Malformed if a field is out of range."""
    _check_length(entry.envelope)
    return ENTRY_VERSION + b"\n" + format_instant(entry.recorded_at, "recorded_at").encode() + b"\n" + entry.envelope


def parse_leaf(index: int, leaf: bytes) -> Entry:
    """Read `leaf_bytes` back; the envelope is cut out, not looked into. Malformed naming the field."""
    version, _, rest = leaf.partition(b"\n")
    if version != ENTRY_VERSION:
        raise Malformed("the first line must be keepclear.entry.v1", field="version", code="unknown_version")
    instant, _, envelope = rest.partition(b"\n")
    recorded_at = parse_instant(instant.decode("ascii", "replace"), "recorded_at")
    _check_length(envelope)
    return Entry(index, recorded_at, envelope)


def _check_length(envelope: bytes) -> None:
    if not 1 <= len(envelope) <= MAX_ENVELOPE_BYTES:
        raise Malformed(f"an envelope has 1 to {MAX_ENVELOPE_BYTES} bytes", field="envelope", code="too_large")

"""Verifying an export offline, beside the bare Ed25519 checks it cannot do without."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from bench.clock import in_turn
from keepclear.record.entry import Entry
from keepclear.record.envelope import NO_PREVIOUS, Header, parse, seal
from keepclear.record.export import write_export
from keepclear.record.note import SigningKey
from keepclear.record.verify import verify_export

ENTRIES = 5000
BODY = b'{"role":"duty officer","act":{"act":"line_check"}}'


def proving() -> list[tuple[str, float, str, float]]:
    """Entries a second proven, and signatures a second checked with nothing around them."""
    author, node = SigningKey.generate("russia"), SigningKey.generate("russia.node")
    at = datetime(2026, 1, 1, tzinfo=UTC)
    entries, prev = [], NO_PREVIOUS
    for index in range(ENTRIES):
        raw = seal(Header("avoidance", "russia", index + 1, prev, at), BODY, author)
        prev = parse(raw).id
        entries.append(Entry(index, at, raw))
    envelopes = [parse(entry.envelope) for entry in entries]
    verifier = author.verifier
    with tempfile.TemporaryDirectory(dir=".") as folder:
        export = Path(folder) / "export"
        write_export(export, entries, {"russia": verifier}, node, "russia.node")

        def whole() -> int:
            return verify_export(export, None).size

        def bare() -> int:
            return sum(verifier.verifies(envelope.text, envelope.signature) for envelope in envelopes)

        ours, floor = in_turn(3, whole, bare)
    return [("entries of an export proven", ours, "Ed25519 signatures checked alone", floor)]

"""The provable record: signed acts, the log's Merkle tree, checkpoints, export as plain files and its offline check."""

from __future__ import annotations

from keepclear.record.check import (
    check_consistency,
    check_inclusion,
    check_subtree_consistency,
    check_subtree_inclusion,
)
from keepclear.record.checkpoint import Checkpoint, open_checkpoint, parse_checkpoint, sign_checkpoint
from keepclear.record.entry import Entry, leaf_bytes, parse_leaf
from keepclear.record.envelope import (
    MAX_ENVELOPE_BYTES,
    NO_PREVIOUS,
    Envelope,
    Header,
    check_signature,
    parse,
    seal,
)
from keepclear.record.export import read_entries, write_export
from keepclear.record.note import SigningKey, VerifierKey, fingerprint, open_note, sign_note
from keepclear.record.tree import EMPTY_ROOT, Tree, leaf_hash
from keepclear.record.verify import VerifiedRecord, verify_export

__all__ = [
    "EMPTY_ROOT",
    "MAX_ENVELOPE_BYTES",
    "NO_PREVIOUS",
    "Checkpoint",
    "Entry",
    "Envelope",
    "Header",
    "SigningKey",
    "Tree",
    "VerifiedRecord",
    "VerifierKey",
    "check_consistency",
    "check_inclusion",
    "check_signature",
    "check_subtree_consistency",
    "check_subtree_inclusion",
    "fingerprint",
    "leaf_bytes",
    "leaf_hash",
    "open_checkpoint",
    "open_note",
    "parse",
    "parse_checkpoint",
    "parse_leaf",
    "read_entries",
    "seal",
    "sign_checkpoint",
    "sign_note",
    "verify_export",
    "write_export",
]

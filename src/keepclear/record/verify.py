"""Does an export prove itself? Checked offline, from its files and the parties' public keys alone, in one pass.

Checked: that exactly the expected files are there; the node's signature on the checkpoint; every entry's form and its
author's signature; that each author's acts on each line are numbered 1, 2, 3 … and each names the one before; every
hash in every tile; and that all of it gives the root in the checkpoint. The first thing wrong is named.

Not checked, because an export alone cannot show it: that the node showed everyone this same record and left nothing out
at the end (two checkpoints that do not connect would show that), and that its clock or an author's was right.
"""

from __future__ import annotations

import os
import re
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from errno import errorcode
from pathlib import Path

from keepclear.errors import BrokenRecord, Forged, KeepclearError, Malformed
from keepclear.record.checkpoint import Checkpoint, check_origin, parse_checkpoint
from keepclear.record.entry import parse_leaf
from keepclear.record.envelope import NO_PREVIOUS, Envelope, check_signature, parse
from keepclear.record.instant import format_instant
from keepclear.record.note import MAX_NOTE_BYTES, VerifierKey, fingerprint, open_note, split_note
from keepclear.record.tiles import ENTRIES, MAX_BUNDLE_BYTES, TILE_WIDTH, Tiling, belongs, split_bundle, tile_path
from keepclear.record.tree import HASH_BYTES, Frontier, leaf_hash

MAX_KEYS_BYTES = 1_000_000
MAX_REMARKS = 100

_FOLDER = re.compile(r"tile(/(entries|[0-9]{1,2})(/x[0-9]{3}){0,5}(/[0-9]{3}\.p)?)?")


@dataclass(frozen=True, slots=True)
class VerifiedRecord:
    """What was proved. `authors` counts entries; `fingerprints` is by key name; `remarks` are oddities, not faults.

    `node` is whoever signed the checkpoint. With no trusted keys given, this proves only that the files belong
    together: compare the fingerprints.
    """

    origin: str
    node: str
    size: int
    root: bytes
    authors: dict[str, int]
    first_recorded_at: datetime | None
    last_recorded_at: datetime | None
    fingerprints: dict[str, str]
    remarks: tuple[str, ...]


def verify_export(
    directory: Path,
    trusted: Sequence[VerifierKey] | None = None,
    on_progress: Callable[[int, int], None] | None = None,
    *,
    node: str | None = None,
) -> VerifiedRecord:
    """Verify an export; BrokenRecord names the first file or entry that is wrong, and why.

    `trusted`: the only keys that count; any other key in the export is a fault. `node`: whose record this must be, by
    id or by whole key (vkey text); without it any of the keys may have signed the checkpoint, a party's too.
    `on_progress(done, size)` hears of every 256 entries. Memory does not grow with the length of the record.
    """
    keys = _read_keys(directory, trusted)
    checkpoint, signer = _read_checkpoint(directory, keys)
    if node is not None and node not in (signer.name, signer.vkey):
        digits = fingerprint(signer)
        why = f"it is signed by {signer.name} ({digits}), not by {node}"
        raise BrokenRecord("checkpoint", why, code="other_signer", signer=signer.name, fingerprint=digits, node=node)
    _check_files(directory, checkpoint.size)
    reading = _Reading(directory, keys)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        while reading.size < checkpoint.size:
            reading.read_bundle(min(TILE_WIDTH, checkpoint.size - reading.size), pool)
            if on_progress:
                on_progress(reading.size, checkpoint.size)
    reading.finish(checkpoint.root)
    for name in keys:
        if name != signer.name and name not in reading.authors:
            why = f"the key of {name} is used by nothing in this record"
            raise BrokenRecord("keys", why, code="unused_key", name=name)
    return VerifiedRecord(
        origin=checkpoint.origin,
        node=signer.name,
        size=checkpoint.size,
        root=checkpoint.root,
        authors=dict(reading.authors),
        first_recorded_at=reading.first_recorded_at,
        last_recorded_at=reading.last_recorded_at,
        fingerprints={name: fingerprint(key) for name, key in keys.items()},
        remarks=reading.remarks(),
    )


class _Reading:
    """One pass over the entries: what has been seen so far."""

    def __init__(self, directory: Path, keys: dict[str, VerifierKey]) -> None:
        self.size = 0
        self.authors: Counter[str] = Counter()
        self.first_recorded_at: datetime | None = None
        self.last_recorded_at: datetime | None = None
        self._directory = directory
        self._keys = keys
        self._chains: dict[tuple[str, str], tuple[int, str]] = {}
        self._frontier = Frontier()
        self._tiling = Tiling(self._check_tile)
        self._remarks: list[str] = []
        self._steps_back = 0

    def read_bundle(self, width: int, pool: ThreadPoolExecutor) -> None:
        """Check the next bundle, which has `width` entries, and the tiles that it completes."""
        path = tile_path(ENTRIES, self.size // TILE_WIDTH, width)
        try:
            leaves = split_bundle(_read(self._directory, path, MAX_BUNDLE_BYTES))
        except Malformed as error:
            raise BrokenRecord.of(path, error) from None
        first = self.size
        envelopes: list[Envelope] = []
        fault: KeepclearError | None = None
        for leaf in leaves[:width]:
            try:
                entry = parse_leaf(self.size, leaf)
                envelopes.append(parse(entry.envelope))
                self._follow(envelopes[-1])
            except (Malformed, BrokenRecord) as error:
                fault = error
                break
            self._note_time(entry.recorded_at)
            self.size += 1
        _check_signatures(pool, envelopes, self._keys, first)
        if isinstance(fault, Malformed):
            raise BrokenRecord.of(f"entry {self.size}", fault, entry=self.size)
        if fault:
            raise fault
        if len(leaves) != width:
            why = f"it has {len(leaves)} entries; the checkpoint asks for {width}"
            raise BrokenRecord(path, why, code="entry_count", found=len(leaves), expected=width)
        for leaf in leaves:
            hash_ = leaf_hash(leaf)
            self._frontier.append(hash_)
            self._tiling.append(hash_)

    def finish(self, root: bytes) -> None:
        """After the last bundle: the partial tiles and the root."""
        self._tiling.finish()
        if self._frontier.root() != root:
            raise BrokenRecord("checkpoint", "its root is not the root of these entries", code="other_root")

    def remarks(self) -> tuple[str, ...]:
        """What is odd but proves nothing wrong."""
        unsaid = self._steps_back - len(self._remarks)
        return (*self._remarks, f"the record time goes back {unsaid} more times") if unsaid else tuple(self._remarks)

    def _follow(self, envelope: Envelope) -> None:
        """Its number and `prev` continue what this author said before on this line."""
        header = envelope.header
        chain = (header.line, header.author)
        last_seq, last_id = self._chains.get(chain, (0, NO_PREVIOUS))
        who = f"{header.author} on {header.line}"

        def broken(why: str, code: str) -> BrokenRecord:
            here = {"entry": self.size, "seq": header.seq, "author": header.author, "line": header.line}
            return BrokenRecord(f"entry {self.size}", why, code=code, expected=last_seq + 1, before=last_seq, **here)

        if header.seq == last_seq and envelope.id == last_id:
            raise broken(f"number {header.seq} of {who} is here twice", code="act_twice")
        if header.seq == last_seq:
            raise broken(f"a fork: two different acts are number {header.seq} of {who}", code="fork")
        if header.seq != last_seq + 1:
            raise broken(f"number {header.seq} of {who} stands where {last_seq + 1} belongs", code="other_number")
        if header.prev != last_id:
            why = f"number {header.seq} of {who} does not name number {last_seq} as the one before"
            raise broken(why, code="other_before")
        self._chains[chain] = (header.seq, envelope.id)
        self.authors[header.author] += 1

    def _note_time(self, recorded_at: datetime) -> None:
        if self.last_recorded_at is None:
            self.first_recorded_at = recorded_at
        elif recorded_at < self.last_recorded_at:
            self._steps_back += 1
            if len(self._remarks) < MAX_REMARKS:
                back = f"{format_instant(self.last_recorded_at, '')} to {format_instant(recorded_at, '')}"
                self._remarks.append(f"entry {self.size}: the record time goes back, from {back}")
        self.last_recorded_at = recorded_at

    def _check_tile(self, level: int, number: int, hashes: bytes) -> None:
        path = tile_path(level, number, len(hashes) // HASH_BYTES)
        found = _read(self._directory, path, TILE_WIDTH * HASH_BYTES)
        if len(found) != len(hashes):
            why = f"it has {len(found)} bytes, not {len(hashes)}"
            raise BrokenRecord(path, why, code="byte_count", found=len(found), expected=len(hashes))
        if found != hashes:
            at = next(i for i, (a, b) in enumerate(zip(found, hashes, strict=True)) if a != b) // HASH_BYTES
            of = number * TILE_WIDTH + at
            why = f"hash {at} in it is not the hash of {f'entry {of}' if level == 0 else f'tile {of} below it'}"
            raise BrokenRecord(path, why, code="hash_of_entry" if level == 0 else "hash_of_tile", at=at, of=of)


def _check_signatures(
    pool: ThreadPoolExecutor, envelopes: Sequence[Envelope], keys: dict[str, VerifierKey], first: int
) -> None:
    """Every envelope is signed by its author; `first` is the index of the first one. One share for each core."""
    share = -(-len(envelopes) // (os.cpu_count() or 1)) or 1
    shares = [range(at, min(at + share, len(envelopes))) for at in range(0, len(envelopes), share)]

    def first_fault(indices: range) -> BrokenRecord | None:
        for i in indices:
            author, entry = envelopes[i].header.author, first + i
            where = f"entry {entry}"
            key = keys.get(author)
            if key is None:
                why = f"there is no key of {author} in keys"
                return BrokenRecord(where, why, code="no_key", author=author, entry=entry)
            try:
                check_signature(envelopes[i], key)
            except Forged as error:
                why, same = str(error), key.key_id == envelopes[i].key_id
                return BrokenRecord(where, why, code="signature" if same else "other_key", author=author, entry=entry)
        return None

    for fault in pool.map(first_fault, shares):
        if fault:
            raise fault


def _read_keys(directory: Path, trusted: Sequence[VerifierKey] | None) -> dict[str, VerifierKey]:
    raw = _read(directory, "keys", MAX_KEYS_BYTES)
    try:
        lines = raw.decode("utf-8").split("\n")
        if lines.pop() != "":
            raise Malformed("the last line does not end", code="open_line")
        keys = [VerifierKey.from_vkey(line) for line in lines]
    except UnicodeDecodeError as error:
        raise BrokenRecord("keys", str(error), code="not_utf8") from None
    except Malformed as error:
        raise BrokenRecord.of("keys", error) from None
    if lines != sorted(lines):
        raise BrokenRecord("keys", "the lines are not sorted", code="not_sorted")
    by_name = {key.name: key for key in keys}
    if len(by_name) != len(keys):
        raise BrokenRecord("keys", "two keys bear the same name", code="name_twice")
    if trusted is not None:
        counted = frozenset(trusted)
        for key in keys:
            if key not in counted:
                digits = fingerprint(key)
                why = f"the key of {key.name} is not one of the trusted keys ({digits})"
                raise BrokenRecord("keys", why, code="not_trusted", name=key.name, fingerprint=digits)
    return by_name


def _read_checkpoint(directory: Path, keys: dict[str, VerifierKey]) -> tuple[Checkpoint, VerifierKey]:
    raw = _read(directory, "checkpoint", MAX_NOTE_BYTES)
    try:
        if len(split_note(raw).signatures) != 1:
            why = "an export's checkpoint has exactly one signature"
            raise Malformed(why, field="signature", code="one_signature")
        text, (node,) = open_note(raw, list(keys.values()))
        checkpoint = parse_checkpoint(text)
        check_origin(checkpoint.origin, node)
    except (Malformed, Forged) as error:
        raise BrokenRecord.of("checkpoint", error) from None
    return checkpoint, node


def _check_files(directory: Path, size: int) -> None:
    """Nothing is there that does not belong; what is missing is found when it is read."""
    for path in _walk(directory, ""):
        if path not in {"keys", "checkpoint"} and not belongs(path, size):
            raise BrokenRecord(_shown(path), "this file does not belong to this export", code="foreign_file")


def _walk(directory: Path, path: str) -> Iterator[str]:
    """The relative path of every file under `path`, in order of names; no folder but those of the layout is entered."""
    try:
        with os.scandir(directory / path) as found:
            items = sorted(found, key=lambda item: item.name)
    except OSError as error:
        why, system = f"cannot be listed ({error.strerror})", errorcode.get(error.errno or 0, "?")
        raise BrokenRecord(path or "the export", why, code="cannot_list", system=system, path=path) from None
    for item in items:
        name = f"{path}/{item.name}" if path else item.name
        is_folder = item.is_dir(follow_symlinks=False)
        if is_folder and not _FOLDER.fullmatch(name):
            raise BrokenRecord(_shown(name), "this folder does not belong to this export", code="foreign_folder")
        if not is_folder and not item.is_file(follow_symlinks=False):
            raise BrokenRecord(_shown(name), "neither a file nor a folder", code="no_file")
        if is_folder:
            yield from _walk(directory, name)
        else:
            yield name


def _read(directory: Path, path: str, limit: int) -> bytes:
    try:
        if not (directory / path).is_file():
            raise BrokenRecord(path, "this file is missing", code="missing_file")
        with (directory / path).open("rb") as file:
            content = file.read(limit + 1)
    except OSError as error:
        why, system = f"cannot be read ({error.strerror})", errorcode.get(error.errno or 0, "?")
        raise BrokenRecord(path, why, code="cannot_read", system=system) from None
    if len(content) > limit:
        raise BrokenRecord(path, f"it has more than {limit} bytes", code="too_many_bytes", limit=limit)
    return content


def _shown(path: str) -> str:
    """A foreign file name, harmless on a terminal."""
    return path if path.isascii() and path.isprintable() else ascii(path)

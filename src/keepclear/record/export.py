"""Writing a node's record as plain files, and reading the entries back. `verify.py` says whether they prove themselves.

    checkpoint            the tree head, signed by the node
    keys                  one vkey a line, sorted: of every author in the entries, and of the node
    tile/entries/000      the entries, 256 a file
    tile/0/000            the hashes, 256 a file (level 0, 1, …)

The layout is C2SP tlog-tiles; only `keys` is ours. `checkpoint` is written last: a broken-off export never verifies.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Iterator, Mapping
from errno import errorcode
from pathlib import Path

from keepclear.errors import BrokenRecord, Malformed, Refused, StoreFailed
from keepclear.record.checkpoint import Checkpoint, check_origin, sign_checkpoint
from keepclear.record.entry import Entry, leaf_bytes, parse_leaf
from keepclear.record.envelope import parse
from keepclear.record.note import SigningKey, VerifierKey
from keepclear.record.tiles import ENTRIES, MAX_BUNDLE_BYTES, TILE_WIDTH, Tiling, join_bundle, split_bundle, tile_path
from keepclear.record.tree import HASH_BYTES, Frontier, leaf_hash


def write_export(
    directory: Path,
    entries: Iterable[Entry],
    keys: Mapping[str, VerifierKey],
    node_key: SigningKey,
    origin: str,
    on_progress: Callable[[int], None] | None = None,
) -> Checkpoint:
    """Write the record of a node into a new or empty directory; returns the checkpoint it signed.

    `entries` in order from index 0; `keys` says whose key each author signs with; `origin` is the node key's name, or
    starts with it and a slash. Refused (`directory`) if it is not empty; Malformed if an entry is not in order, not an
    envelope, or of an author without a key; StoreFailed if the disk fails. `on_progress` hears how many are written.
    """
    node = node_key.verifier
    check_origin(origin, node)
    _make_empty(directory)
    used = {node.name: node}
    frontier = Frontier()
    tiling = Tiling(lambda level, number, hashes: _write(directory, tile_path(level, number, _width(hashes)), hashes))
    leaves: list[bytes] = []
    for entry in entries:
        if entry.index != frontier.size:
            raise Malformed(f"entry {entry.index} stands where {frontier.size} belongs", field="index")
        author = parse(entry.envelope).header.author
        if author not in keys:
            raise Malformed(f"no key of {author} was given", field="keys")
        if used.setdefault(author, keys[author]) != keys[author]:
            raise Malformed(f"{author} has one key as node and another as author", field="keys")
        leaf = leaf_bytes(entry)
        hash_ = leaf_hash(leaf)
        tiling.append(hash_)
        frontier.append(hash_)
        leaves.append(leaf)
        if len(leaves) == TILE_WIDTH:
            _write(directory, tile_path(ENTRIES, entry.index // TILE_WIDTH), join_bundle(leaves))
            leaves.clear()
            if on_progress:
                on_progress(frontier.size)
    if leaves:
        _write(directory, tile_path(ENTRIES, frontier.size // TILE_WIDTH, len(leaves)), join_bundle(leaves))
    tiling.finish()
    _write(directory, "keys", "".join(f"{vkey}\n" for vkey in sorted(key.vkey for key in used.values())).encode())
    checkpoint = Checkpoint(origin, frontier.size, frontier.root())
    _write(directory, "checkpoint", sign_checkpoint(checkpoint, node_key))
    if on_progress:
        on_progress(frontier.size)
    return checkpoint


def read_entries(directory: Path) -> Iterator[Entry]:
    """The entries of an export in order, without proving anything: run `verify_export` first.

    BrokenRecord if a bundle cannot be read or taken apart.
    """
    index = 0
    while True:
        path = tile_path(ENTRIES, index // TILE_WIDTH)
        partial = sorted((directory / f"{path}.p").glob("*"))
        file = directory / path if (directory / path).exists() else next(iter(partial), None)
        if file is None:
            return
        leaves = _split(file)
        for leaf in leaves:
            try:
                yield parse_leaf(index, leaf)
            except Malformed as error:
                raise BrokenRecord.of(f"entry {index}", error, entry=index) from None
            index += 1
        if len(leaves) != TILE_WIDTH:
            return


def _split(file: Path) -> list[bytes]:
    try:
        with file.open("rb") as bundle:
            return split_bundle(bundle.read(MAX_BUNDLE_BYTES))
    except OSError as error:
        why, system = f"cannot be read ({error.strerror})", errorcode.get(error.errno or 0, "?")
        raise BrokenRecord(str(file), why, code="cannot_read", system=system) from None
    except Malformed as error:
        raise BrokenRecord.of(str(file), error) from None


def _make_empty(directory: Path) -> None:
    try:
        directory.mkdir(parents=True, exist_ok=True)
        with os.scandir(directory) as found:
            is_empty = next(found, None) is None
    except OSError as error:
        raise StoreFailed(f"cannot write to {directory}: {error.strerror}") from error
    if not is_empty:
        raise Refused(f"{directory} is not empty; nothing was written", field="directory", code="not_empty")


def _write(directory: Path, path: str, content: bytes) -> None:
    file = directory / path
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("xb") as out:
            out.write(content)
    except OSError as error:
        raise StoreFailed(f"cannot write {file}: {error.strerror}") from error


def _width(hashes: bytes) -> int:
    return len(hashes) // HASH_BYTES

"""The file layout of a tiled log (c2sp.org/tlog-tiles): where tiles and entry bundles lie, and what is in them.

A tile holds up to 256 hashes of one level; level 0 are leaf hashes, each hash above is the root over a full tile below.
A bundle holds the leaves under a level-0 tile, each after its length (two bytes, big-endian). Paths are relative, `/`.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

from keepclear.errors import Malformed
from keepclear.record.tree import HASH_BYTES, Frontier

TILE_WIDTH = 256
MAX_BUNDLE_BYTES = TILE_WIDTH * (2 + 0xFFFF)
ENTRIES = "entries"
"""The level's name in the path of a bundle."""

_PATH = re.compile(r"tile/(entries|[0-9]{1,2})/((?:x[0-9]{3}/){0,5}[0-9]{3})(?:\.p/[0-9]{1,3})?")


def tile_path(level: int | str, number: int, width: int = TILE_WIDTH) -> str:
    """Where a tile or bundle lies: `tile/0/x001/234` when full, `tile/0/x001/234.p/17` when 17 wide."""
    groups = [f"{number % 1000:03d}"]
    while number := number // 1000:
        groups.append(f"x{number % 1000:03d}")
    full = f"tile/{level}/{'/'.join(reversed(groups))}"
    return full if width == TILE_WIDTH else f"{full}.p/{width}"


def belongs(path: str, size: int) -> bool:
    """Whether the export of a log with `size` entries has a tile or bundle at this path."""
    parts = _PATH.fullmatch(path)
    if not parts:
        return False
    name, digits = parts.groups()
    level = 0 if name == ENTRIES else int(name)
    number = int(digits.replace("x", "").replace("/", ""))
    hashes = size >> 8 * level
    width = min(TILE_WIDTH, hashes - number * TILE_WIDTH)
    return width > 0 and path == tile_path(name, number, width) and (name == ENTRIES or str(level) == name)


def join_bundle(leaves: Sequence[bytes]) -> bytes:
    """A bundle of leaves, each under 65,536 bytes."""
    return b"".join(len(leaf).to_bytes(2, "big") + leaf for leaf in leaves)


def split_bundle(bundle: bytes) -> list[bytes]:
    """The leaves of a bundle; Malformed if there are more than 256 or the last one is cut short."""
    leaves: list[bytes] = []
    at = 0
    while at < len(bundle):
        if len(leaves) == TILE_WIDTH:
            raise Malformed(f"a bundle has at most {TILE_WIDTH} entries", field="bundle", code="too_large")
        end = at + 2 + int.from_bytes(bundle[at : at + 2], "big")
        if at + 2 > len(bundle) or end > len(bundle):
            raise Malformed("the last entry is cut short", field="bundle")
        leaves.append(bundle[at + 2 : end])
        at = end
    return leaves


class Tiling:
    """Turns leaf hashes, one after the other, into tiles; `emit(level, number, hashes)` gets each when it is done.

    Holds at most one unfinished tile a level. A full tile comes before the tile above it.
    """

    def __init__(self, emit: Callable[[int, int, bytes], None]) -> None:
        self._emit = emit
        self._unfinished: list[bytearray] = []
        self._done: list[int] = []

    def append(self, hash_: bytes) -> None:
        """Add the next leaf hash."""
        self._push(0, hash_)

    def finish(self) -> None:
        """Emit the partial tiles, lowest level first."""
        for level, hashes in enumerate(self._unfinished):
            if hashes:
                self._emit(level, self._done[level], bytes(hashes))

    def _push(self, level: int, hash_: bytes) -> None:
        if level == len(self._unfinished):
            self._unfinished.append(bytearray())
            self._done.append(0)
        hashes = self._unfinished[level]
        hashes += hash_
        if len(hashes) == TILE_WIDTH * HASH_BYTES:
            self._emit(level, self._done[level], bytes(hashes))
            above = Frontier()
            for at in range(0, len(hashes), HASH_BYTES):
                above.append(bytes(hashes[at : at + HASH_BYTES]))
            hashes.clear()
            self._done[level] += 1
            self._push(level + 1, above.root())

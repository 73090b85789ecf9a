"""The Merkle tree of RFC 6962 section 2.1 over SHA-256: hashing, roots and proofs. Checking proofs is in `check.py`."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from keepclear.errors import Malformed

HASH_BYTES = 32
EMPTY_ROOT = hashlib.sha256(b"").digest()
"""The root of a tree without leaves."""


def leaf_hash(leaf: bytes) -> bytes:
    """SHA-256(0x00 || leaf)."""
    return hashlib.sha256(b"\x00" + leaf).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """SHA-256(0x01 || left || right)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def split_point(size: int) -> int:
    """The largest power of two smaller than `size` (at least 2): how many leaves go left."""
    return 1 << (size - 1).bit_length() - 1


class Tree:
    """An append-only tree that keeps every complete subtree (64 bytes a leaf in all), so proofs cost O(log n).

    `append` takes leaf hashes, 32 bytes. Any earlier size can still be asked for. Not for use by two threads at once.
    """

    def __init__(self, leaf_hashes: Iterable[bytes] = ()) -> None:
        # _levels[k] holds the hashes of the complete subtrees of 2**k leaves, side by side, 32 bytes each.
        self._levels: list[bytearray] = [bytearray()]
        for hash_ in leaf_hashes:
            self.append(hash_)

    @property
    def size(self) -> int:
        """How many leaves there are."""
        return len(self._levels[0]) // HASH_BYTES

    def append(self, hash_: bytes) -> int:
        """Add one leaf by its hash; returns its index."""
        if len(hash_) != HASH_BYTES:
            raise Malformed("a leaf hash has 32 bytes", field="leaf_hash")
        index = self.size
        level = 0
        self._levels[0] += hash_
        while index >> level & 1:
            left = bytes(self._levels[level][-2 * HASH_BYTES : -HASH_BYTES])
            hash_ = node_hash(left, hash_)
            level += 1
            if level == len(self._levels):
                self._levels.append(bytearray())
            self._levels[level] += hash_
        return index

    def leaf(self, index: int) -> bytes:
        """The leaf hash at `index`; Malformed if there is none."""
        if not 0 <= index < self.size:
            raise Malformed(f"the tree has {self.size} leaves", field="index")
        return self._subtree(index, index + 1)

    def root(self, size: int | None = None) -> bytes:
        """The root over the first `size` leaves (all by default); Malformed if there are not so many."""
        size = self._size_asked(size, "size")
        return self._subtree(0, size) if size else EMPTY_ROOT

    def inclusion_proof(self, index: int, size: int | None = None) -> list[bytes]:
        """PATH(index, D[size]) of RFC 6962 section 2.1.1, lowest sibling first; Malformed unless 0 <= index < size."""
        size = self._size_asked(size, "size")
        if not 0 <= index < size:
            raise Malformed(f"a tree of {size} leaves has no leaf {index}", field="index")
        proof = []
        start, end = 0, size
        while end - start > 1:
            middle = start + split_point(end - start)
            if index < middle:
                proof.append(self._subtree(middle, end))
                end = middle
            else:
                proof.append(self._subtree(start, middle))
                start = middle
        return proof[::-1]

    def consistency_proof(self, old: int, new: int | None = None) -> list[bytes]:
        """PROOF(old, D[new]) of RFC 6962 section 2.1.2; Malformed unless 0 < old <= new <= size."""
        new = self._size_asked(new, "new")
        if not 0 < old <= new:
            raise Malformed(f"no consistency proof leads from size {old} to size {new}", field="old")
        proof = []
        start, end = 0, new
        while old != end:
            middle = start + split_point(end - start)
            if old <= middle:
                proof.append(self._subtree(middle, end))
                end = middle
            else:
                proof.append(self._subtree(start, middle))
                start = middle
        if start:
            proof.append(self._subtree(start, end))
        return proof[::-1]

    def _size_asked(self, size: int | None, field: str) -> int:
        if size is None:
            return self.size
        if not 0 <= size <= self.size:
            raise Malformed(f"the tree has {self.size} leaves, not {size}", field=field)
        return size

    def _subtree(self, start: int, end: int) -> bytes:
        """The hash over leaves start to end of a subtree that RFC 6962 splitting reaches."""
        length = end - start
        if length & (length - 1) == 0:
            at = start // length * HASH_BYTES
            return bytes(self._levels[length.bit_length() - 1][at : at + HASH_BYTES])
        middle = start + split_point(length)
        return node_hash(self._subtree(start, middle), self._subtree(middle, end))


class Frontier:
    """The same root as `Tree` with memory for O(log n) hashes: for reading or writing a long log once."""

    def __init__(self) -> None:
        self._complete: list[bytes] = []  # hashes of complete subtrees, largest first
        self.size = 0

    def append(self, hash_: bytes) -> None:
        """Add one leaf by its hash."""
        bits = self.size
        while bits & 1:
            hash_ = node_hash(self._complete.pop(), hash_)
            bits >>= 1
        self._complete.append(hash_)
        self.size += 1

    def root(self) -> bytes:
        """The root over all leaves so far."""
        if not self._complete:
            return EMPTY_ROOT
        root = self._complete[-1]
        for left in reversed(self._complete[:-1]):
            root = node_hash(left, root)
        return root

"""The slow, obvious twin of `tree.py` and `check.py`: RFC 6962 section 2.1 written down as it is printed.

Proof checks here walk down from the root by the recursion that makes the proof, and so share nothing with the bit
arithmetic of `check.py`.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence


def sha256(data: bytes) -> bytes:
    """HASH."""
    return hashlib.sha256(data).digest()


def largest_power_below(n: int) -> int:
    """k of section 2.1: the largest power of two smaller than n."""
    k = 1
    while k * 2 < n:
        k *= 2
    return k


class SlowTree:
    """D[n], given as leaf hashes; hashes over [start, end) are remembered, or 301 sizes would take hours."""

    def __init__(self, leaf_hashes: Sequence[bytes]) -> None:
        self.leaves = leaf_hashes
        self._known: dict[tuple[int, int], bytes] = {}

    def mth(self, start: int, end: int) -> bytes:
        """MTH(D[start:end])."""
        if start == end:
            return sha256(b"")
        if end - start == 1:
            return self.leaves[start]
        if (start, end) not in self._known:
            k = start + largest_power_below(end - start)
            self._known[start, end] = sha256(b"\x01" + self.mth(start, k) + self.mth(k, end))
        return self._known[start, end]

    def path(self, m: int, start: int, end: int) -> list[bytes]:
        """PATH(m, D[start:end]), section 2.1.1."""
        if end - start == 1:
            return []
        k = largest_power_below(end - start)
        if m < k:
            return [*self.path(m, start, start + k), self.mth(start + k, end)]
        return [*self.path(m - k, start + k, end), self.mth(start, start + k)]

    def subtree_proof(self, first: int, last: int, start: int, end: int, known: bool) -> list[bytes]:
        """SUBTREE_SUBPROOF(first, last, D[start:end], known) of draft-ietf-plants-merkle-tree-certs.

        With first = start it is SUBPROOF of RFC 6962 section 2.1.2.
        """
        if (first, last) == (start, end):
            return [] if known else [self.mth(start, end)]
        k = start + largest_power_below(end - start)
        if last <= k:
            return [*self.subtree_proof(first, last, start, k, known), self.mth(k, end)]
        if k <= first:
            return [*self.subtree_proof(first, last, k, end, known), self.mth(start, k)]
        return [*self.subtree_proof(k, last, k, end, False), self.mth(start, k)]


def root_of_path(m: int, n: int, leaf: bytes, proof: Sequence[bytes]) -> bytes | None:
    """The root to which PATH(m, D[n]) leads, or None if it has the wrong length."""
    if n == 1:
        return None if proof else leaf
    if not proof:
        return None
    k = largest_power_below(n)
    inner = root_of_path(m, k, leaf, proof[:-1]) if m < k else root_of_path(m - k, n - k, leaf, proof[:-1])
    if inner is None:
        return None
    return sha256(b"\x01" + inner + proof[-1]) if m < k else sha256(b"\x01" + proof[-1] + inner)


def roots_of_consistency(m: int, n: int, proof: Sequence[bytes], known: bytes | None) -> tuple[bytes, bytes] | None:
    """The old and the new root to which SUBPROOF(m, D[n], b) leads; `known` is the old root while b is true."""
    if m == n:
        if known is not None:
            return None if proof else (known, known)
        return (proof[0], proof[0]) if len(proof) == 1 else None
    if not proof:
        return None
    k = largest_power_below(n)
    inner = (
        roots_of_consistency(m, k, proof[:-1], known)
        if m <= k
        else roots_of_consistency(m - k, n - k, proof[:-1], None)
    )
    if inner is None:
        return None
    old, new = inner
    if m <= k:
        return old, sha256(b"\x01" + new + proof[-1])
    return sha256(b"\x01" + proof[-1] + old), sha256(b"\x01" + proof[-1] + new)

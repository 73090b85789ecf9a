"""Checking Merkle proofs (RFC 6962 section 2.1, RFC 9162 section 2.1.3.2 and 2.1.4.2), readable alone.

The subtree forms are those of draft-ietf-plants-merkle-tree-certs: [start, end) is a subtree when `start` is a multiple
of the smallest power of two that is not below end - start. The whole tree is the subtree that starts at 0.
Each function returns nothing when the proof holds and raises BrokenRecord when it does not.
"""

from __future__ import annotations

from collections.abc import Sequence

from keepclear.errors import BrokenRecord
from keepclear.record.tree import EMPTY_ROOT, HASH_BYTES, node_hash

MAX_SIZE = 2**63 - 1


def check_inclusion(index: int, size: int, leaf_hash: bytes, proof: Sequence[bytes], root: bytes) -> None:
    """The leaf with this hash is at `index` in the tree of `size` leaves with this root."""
    check_subtree_inclusion(index, 0, size, leaf_hash, proof, root)


def check_consistency(old: int, new: int, proof: Sequence[bytes], old_root: bytes, new_root: bytes) -> None:
    """The tree of `new` leaves begins with the tree of `old` leaves, unchanged; `old` is at least 1."""
    if old == 0:
        raise BrokenRecord("consistency proof", "nothing follows from an empty tree")
    check_subtree_consistency(0, old, new, proof, old_root, new_root)


def check_subtree_inclusion(
    index: int, start: int, end: int, leaf_hash: bytes, proof: Sequence[bytes], subtree_root: bytes
) -> None:
    """The leaf with this hash is at `index` (counted in the whole tree) in the subtree [start, end) with this root."""
    where = "inclusion proof"
    _check_subtree(where, start, end)
    _check_hashes(where, leaf_hash, *proof)
    if not start <= index < end:
        raise BrokenRecord(where, f"leaf {index} is not in [{start}, {end})")
    here, last = index - start, end - start - 1
    reached = leaf_hash
    for sibling in proof:
        if last == 0:
            raise BrokenRecord(where, "it is too long")
        if here & 1 or here == last:
            reached = node_hash(sibling, reached)
            while not here & 1 and here:
                here >>= 1
                last >>= 1
        else:
            reached = node_hash(reached, sibling)
        here >>= 1
        last >>= 1
    if last != 0:
        raise BrokenRecord(where, "it is too short")
    if reached != subtree_root:
        raise BrokenRecord(where, "it leads to another root")


def check_subtree_consistency(
    start: int, end: int, size: int, proof: Sequence[bytes], subtree_root: bytes, root: bytes
) -> None:
    """The tree of `size` leaves with this root holds the subtree [start, end) with that root.

    An empty subtree is in every tree: it has the empty root and no proof.
    """
    where = "consistency proof"
    if not end <= size <= MAX_SIZE:
        raise BrokenRecord(where, f"[{start}, {end}) is not in a tree of {size} leaves")
    if 0 <= start == end:
        if proof or subtree_root != EMPTY_ROOT:
            raise BrokenRecord(where, "an empty subtree has the empty root and no proof")
        return
    _check_subtree(where, start, end)
    _check_hashes(where, *proof)
    first, subtree_last, last = start, end - 1, size - 1
    # Climb to the largest complete subtree that ends where [start, end) ends: the proof starts there.
    while first != subtree_last and (subtree_last & 1 or subtree_last == last):
        first, subtree_last, last = first >> 1, subtree_last >> 1, last >> 1
    if first == subtree_last:
        rest = proof
        reached_subtree = reached_root = subtree_root
    elif proof:
        rest = proof[1:]
        reached_subtree = reached_root = proof[0]
    else:
        raise BrokenRecord(where, "it is too short")
    for sibling in rest:
        if last == 0:
            raise BrokenRecord(where, "it is too long")
        if subtree_last & 1 or subtree_last == last:
            if first < subtree_last:
                reached_subtree = node_hash(sibling, reached_subtree)
            reached_root = node_hash(sibling, reached_root)
            while not subtree_last & 1 and subtree_last:
                first, subtree_last, last = first >> 1, subtree_last >> 1, last >> 1
        else:
            reached_root = node_hash(reached_root, sibling)
        first, subtree_last, last = first >> 1, subtree_last >> 1, last >> 1
    if last != 0:
        raise BrokenRecord(where, "it is too short")
    if reached_subtree != subtree_root:
        raise BrokenRecord(where, "it leads to another old root")
    if reached_root != root:
        raise BrokenRecord(where, "it leads to another new root")


def _check_subtree(where: str, start: int, end: int) -> None:
    if not 0 <= start < end <= MAX_SIZE:
        raise BrokenRecord(where, f"[{start}, {end}) holds no leaves")
    if start % (1 << (end - start - 1).bit_length()):
        raise BrokenRecord(where, f"[{start}, {end}) is not a subtree")


def _check_hashes(where: str, *hashes: bytes) -> None:
    if any(len(hash_) != HASH_BYTES for hash_ in hashes):
        raise BrokenRecord(where, "a hash in it has not 32 bytes")

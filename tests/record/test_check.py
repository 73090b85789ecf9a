"""Proof checks: the public vectors judged right, and every single-step mutation of our own proofs refused.

One kind of mutation a Merkle proof cannot tell: another tree size that gives the leaf a path of the same shape. There
the verdict must be that of the slow twin; it is the signed checkpoint that binds size and root together.
"""

from __future__ import annotations

import base64
import json
import random
from collections import Counter
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from keepclear.errors import BrokenRecord
from keepclear.record import (
    EMPTY_ROOT,
    Tree,
    check_consistency,
    check_inclusion,
    check_subtree_consistency,
    check_subtree_inclusion,
    leaf_hash,
)
from keepclear.record.tree import node_hash
from tests.record.slow_tree import SlowTree, root_of_path, roots_of_consistency

VECTORS: list[dict[str, Any]] = json.loads((Path(__file__).parent / "vectors" / "rfc6962.json").read_text("utf-8"))
SIZE = 300
LEAVES = [leaf_hash(b"leaf %d" % i) for i in range(SIZE)]
TREE = Tree(LEAVES)
SLOW = SlowTree(LEAVES)
GARBAGE = b"\xa5" * 32
ROOTS = [EMPTY_ROOT, *(SLOW.mth(0, size) for size in range(1, SIZE + 1))]

Proof = list[bytes]


def unpack(text: str | None) -> bytes:
    """A hash as the vectors write it."""
    return base64.b64decode(text or "")


def judge(kind: str, case: dict[str, Any]) -> None:
    """Run one public case."""
    proof = [unpack(hash_) for hash_ in case["proof"] or []]
    if kind == "inclusion":
        check_inclusion(case["leafIdx"], case["treeSize"], unpack(case["leafHash"]), proof, unpack(case["root"]))
    elif kind == "consistency":
        check_consistency(case["size1"], case["size2"], proof, unpack(case["root1"]), unpack(case["root2"]))
    elif kind == "subtreeinclusion":
        leaf, root = unpack(case["leafHash"]), unpack(case["root"])
        check_subtree_inclusion(case["leafIdx"], case["start"], case["end"], leaf, proof, root)
    else:
        assert kind == "subtreeconsistency"
        old, new = unpack(case["root1"]), unpack(case["root2"])
        check_subtree_consistency(case["start"], case["end"], case["size"], proof, old, new)


def test_all_vectors_are_here() -> None:
    assert Counter((vector["kind"], vector["case"]["wantErr"]) for vector in VECTORS) == {
        ("inclusion", False): 6,
        ("inclusion", True): 92,
        ("consistency", False): 6,
        ("consistency", True): 92,
        ("subtreeinclusion", False): 12,
        ("subtreeinclusion", True): 192,
        ("subtreeconsistency", False): 12,
        ("subtreeconsistency", True): 106,
    }


@pytest.mark.parametrize("vector", VECTORS, ids=lambda vector: vector["path"])
def test_vector(vector: dict[str, Any]) -> None:
    if vector["case"]["wantErr"]:
        with pytest.raises(BrokenRecord):
            judge(vector["kind"], vector["case"])
    else:
        judge(vector["kind"], vector["case"])


def accepts_inclusion(index: int, size: int, leaf: bytes, proof: Proof, root: bytes) -> bool:
    """The verdict of check_inclusion."""
    try:
        check_inclusion(index, size, leaf, proof, root)
    except BrokenRecord:
        return False
    return True


def accepts_consistency(old: int, new: int, proof: Proof, old_root: bytes, new_root: bytes) -> bool:
    """The verdict of check_consistency."""
    try:
        check_consistency(old, new, proof, old_root, new_root)
    except BrokenRecord:
        return False
    return True


def mutations(proof: Proof, others: Sequence[bytes], chance: random.Random) -> Iterator[Proof]:
    """Every proof one step away: a hash bent, dropped, doubled, cut, swapped, or a foreign one put in anywhere."""
    for at, hash_ in enumerate(proof):
        bit = chance.randrange(256)
        bent = (int.from_bytes(hash_, "big") ^ 1 << bit).to_bytes(32, "big")
        yield [*proof[:at], bent, *proof[at + 1 :]]
        yield [*proof[:at], hash_[:-1], *proof[at + 1 :]]
        yield [*proof[:at], *proof[at + 1 :]]
        yield [*proof[:at], hash_, *proof[at:]]
        if at and proof[at - 1] != hash_:
            yield [*proof[: at - 1], hash_, proof[at - 1], *proof[at + 1 :]]
    for at in range(len(proof) + 1):
        for other in others:
            yield [*proof[:at], other, *proof[at:]]


def chosen(size: int, chance: random.Random) -> list[int]:
    """Leaves to look at in a tree: both ends, both sides of the split, and some between."""
    if size <= 64:
        return list(range(size))
    split = 1 << (size - 1).bit_length() - 1
    return sorted({0, 1, split - 1, split, size - 2, size - 1, *(chance.randrange(size) for _ in range(2))})


def other_numbers(number: int) -> set[int]:
    """Numbers one step from this one."""
    return {number - 1, number + 1, number ^ 2, number * 2, number // 2, -number, number + 2**63} - {number}


def test_every_true_proof_is_accepted() -> None:
    for size in range(1, SIZE + 1):
        for index in range(size):
            check_inclusion(index, size, LEAVES[index], TREE.inclusion_proof(index, size), ROOTS[size])
            check_consistency(index + 1, size, TREE.consistency_proof(index + 1, size), ROOTS[index + 1], ROOTS[size])


def test_no_mutated_inclusion_proof_is_accepted() -> None:
    chance = random.Random(6962)
    tried = 0
    for size in range(1, SIZE + 1):
        for index in chosen(size, chance):
            leaf, root = LEAVES[index], ROOTS[size]
            proof = TREE.inclusion_proof(index, size)
            for bent in mutations(proof, (leaf, root, GARBAGE), chance):
                tried += 1
                assert not accepts_inclusion(index, size, leaf, bent, root), (index, size, bent)
            for other in other_numbers(index):
                assert not accepts_inclusion(other, size, leaf, proof, root), (other, size)
            for other in other_numbers(size):
                same_shape = index < other < 2**62 and root_of_path(index, other, leaf, proof) == root
                assert accepts_inclusion(index, other, leaf, proof, root) == same_shape, (index, other)
            for wrong in (GARBAGE, EMPTY_ROOT, ROOTS[size - 1], b"", root[:-1]):
                assert not accepts_inclusion(index, size, leaf, proof, wrong)
                assert not accepts_inclusion(index, size, wrong, proof, root) or wrong == leaf
    assert tried > 50_000


def test_no_mutated_consistency_proof_is_accepted() -> None:
    chance = random.Random(9162)
    tried = 0
    for new in range(1, SIZE + 1):
        for old in (index + 1 for index in chosen(new, chance)):
            old_root, new_root = ROOTS[old], ROOTS[new]
            proof = TREE.consistency_proof(old, new)
            for bent in mutations(proof, (old_root, new_root, GARBAGE), chance):
                tried += 1
                assert not accepts_consistency(old, new, bent, old_root, new_root), (old, new, bent)
            for other_old, other_new in (
                *((other, new) for other in other_numbers(old)),
                *((old, other) for other in other_numbers(new)),
            ):
                shape = 0 < other_old <= other_new < 2**62
                same = shape and roots_of_consistency(other_old, other_new, proof, old_root) == (old_root, new_root)
                assert accepts_consistency(other_old, other_new, proof, old_root, new_root) == same
            if old != new:
                assert not accepts_consistency(old, new, proof, new_root, old_root)
            for wrong in (GARBAGE, EMPTY_ROOT, ROOTS[old - 1], b"", new_root[:-1]):
                assert not accepts_consistency(old, new, proof, wrong, new_root)
                assert not accepts_consistency(old, new, proof, old_root, wrong) or wrong == new_root
    assert tried > 50_000


def test_subtrees_of_every_tree() -> None:
    for size in range(1, 65):
        for width in range(1, size + 1):
            step = 1 << (width - 1).bit_length()
            for start in range(0, size - width + 1, step):
                end = start + width
                root = SLOW.mth(start, end)
                proof = SLOW.subtree_proof(start, end, 0, size, True)
                check_subtree_consistency(start, end, size, proof, root, ROOTS[size])
                if proof:
                    with pytest.raises(BrokenRecord):
                        check_subtree_consistency(start, end, size, proof[:-1], root, ROOTS[size])
                    with pytest.raises(BrokenRecord):
                        check_subtree_consistency(start, end, size, [GARBAGE, *proof[1:]], root, ROOTS[size])
                index = start + width // 2
                path = SLOW.path(index - start, start, end)
                check_subtree_inclusion(index, start, end, LEAVES[index], path, root)


def test_a_range_that_is_no_subtree_is_refused_though_its_hashes_hold() -> None:
    check_subtree_inclusion(2, 2, 4, LEAVES[2], [LEAVES[3]], node_hash(LEAVES[2], LEAVES[3]))
    with pytest.raises(BrokenRecord, match="not a subtree"):
        check_subtree_inclusion(1, 1, 3, LEAVES[1], [LEAVES[2]], node_hash(LEAVES[1], LEAVES[2]))


def test_a_hash_has_32_bytes_everywhere_in_a_proof() -> None:
    # Bytes moved from one hash to its neighbour would leave what is hashed unchanged.
    with pytest.raises(BrokenRecord, match="32 bytes"):
        check_inclusion(1, 2, LEAVES[1][1:], [LEAVES[0] + LEAVES[1][:1]], ROOTS[2])
    proof = TREE.consistency_proof(3, 7)
    with pytest.raises(BrokenRecord, match="32 bytes"):
        check_consistency(3, 7, [proof[0], proof[1][:-1], *proof[2:]], ROOTS[3], ROOTS[7])


@pytest.mark.parametrize(("start", "end"), [(1, 3), (4, 9), (2, 5), (-4, 4), (5, 4)])
def test_what_is_not_a_subtree_is_refused(start: int, end: int) -> None:
    with pytest.raises(BrokenRecord):
        check_subtree_consistency(start, end, 16, [GARBAGE] * 4, GARBAGE, ROOTS[16])
    with pytest.raises(BrokenRecord):
        check_subtree_inclusion(max(start, 0), start, end, GARBAGE, [GARBAGE], GARBAGE)

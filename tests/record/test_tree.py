"""The tree agrees with RFC 6962 written down slowly, at every size from 0 to 300."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.errors import Malformed
from keepclear.record import EMPTY_ROOT, Tree, leaf_hash
from keepclear.record.tree import Frontier, node_hash, split_point
from tests.record.slow_tree import SlowTree, largest_power_below, sha256

SIZE = 300
LEAVES = [leaf_hash(b"leaf %d" % i) for i in range(SIZE)]
TREE = Tree(LEAVES)
SLOW = SlowTree(LEAVES)


def test_hashes_are_prefixed_as_the_rfc_says() -> None:
    assert leaf_hash(b"x") == sha256(b"\x00x")
    assert node_hash(b"l" * 32, b"r" * 32) == sha256(b"\x01" + b"l" * 32 + b"r" * 32)
    assert sha256(b"") == EMPTY_ROOT == Tree().root() == Frontier().root()


def test_the_root_of_every_size() -> None:
    tree, frontier = Tree(), Frontier()
    for size in range(SIZE + 1):
        slow = SLOW.mth(0, size)
        assert tree.root() == frontier.root() == TREE.root(size) == slow
        assert tree.size == frontier.size == size
        if size < SIZE:
            assert tree.append(LEAVES[size]) == size
            frontier.append(LEAVES[size])


def test_every_inclusion_proof() -> None:
    for size in range(1, SIZE + 1):
        for index in range(size):
            assert TREE.inclusion_proof(index, size) == SLOW.path(index, 0, size)


def test_every_consistency_proof() -> None:
    for new in range(1, SIZE + 1):
        for old in range(1, new + 1):
            assert TREE.consistency_proof(old, new) == SLOW.subtree_proof(0, old, 0, new, True)


def test_proofs_are_short() -> None:
    assert max(len(TREE.inclusion_proof(index)) for index in range(SIZE)) <= 9


def test_leaves_are_kept() -> None:
    assert [TREE.leaf(index) for index in range(SIZE)] == LEAVES


@given(st.integers(2, 2**70))
def test_the_split_point(size: int) -> None:
    assert split_point(size) == largest_power_below(size)


@pytest.mark.parametrize(("index", "size"), [(-1, 5), (5, 5), (0, 0), (0, SIZE + 1), (0, -1), (SIZE, None)])
def test_no_inclusion_proof_where_there_is_no_leaf(index: int, size: int | None) -> None:
    with pytest.raises(Malformed):
        TREE.inclusion_proof(index, size)


@pytest.mark.parametrize(("old", "new"), [(0, 5), (-1, 5), (6, 5), (1, SIZE + 1), (1, -1), (SIZE + 1, None), (0, 0)])
def test_no_consistency_proof_between_sizes_that_never_were(old: int, new: int | None) -> None:
    with pytest.raises(Malformed):
        TREE.consistency_proof(old, new)


def test_what_is_not_there_is_refused() -> None:
    for size in (-1, SIZE + 1):
        with pytest.raises(Malformed):
            TREE.root(size)
    for index in (-1, SIZE):
        with pytest.raises(Malformed):
            TREE.leaf(index)
    with pytest.raises(Malformed):
        Tree().append(b"short")

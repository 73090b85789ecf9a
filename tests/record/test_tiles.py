"""The layout of C2SP tlog-tiles: paths, bundles, and tiles that hold the hashes they should."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.errors import Malformed
from keepclear.record import Tree, leaf_hash
from keepclear.record.tiles import Tiling, belongs, join_bundle, split_bundle, tile_path
from tests.record.slow_tree import SlowTree


def slow_paths(size: int) -> set[str]:
    """Every path of a log with `size` entries, counted out as the specification defines partial tiles."""
    paths: set[str] = set()
    level = 0
    while size // 256**level:
        for name in (str(level), *(["entries"] if level == 0 else [])):
            paths |= {tile_path(name, number) for number in range(size // 256 ** (level + 1))}
            if partial := size // 256**level % 256:
                paths.add(tile_path(name, size // 256 ** (level + 1), partial))
        level += 1
    return paths


def test_paths_are_those_of_the_specification() -> None:
    assert tile_path(0, 1234067) == "tile/0/x001/x234/067"
    assert tile_path(0, 0) == "tile/0/000"
    assert tile_path("entries", 273, 112) == "tile/entries/273.p/112"
    seventy_thousand = slow_paths(70_000)
    assert {"tile/0/272", "tile/0/273.p/112", "tile/1/000", "tile/1/001.p/17", "tile/2/000.p/1"} <= seventy_thousand
    assert len([path for path in seventy_thousand if path.startswith("tile/0/")]) == 274
    assert slow_paths(256) == {"tile/0/000", "tile/entries/000", "tile/1/000.p/1"}


@pytest.mark.parametrize("size", [0, 1, 255, 256, 257, 511, 512, 65_535, 65_536, 70_000])
def test_a_path_belongs_when_the_specification_counts_it(size: int) -> None:
    paths = slow_paths(size)
    assert all(belongs(path, size) for path in paths)
    neighbours = slow_paths(size + 1) | slow_paths(max(size - 1, 0)) | slow_paths(size * 2) | slow_paths(100)
    assert not [path for path in neighbours - paths if belongs(path, size)]


@pytest.mark.parametrize(
    "path",
    [
        "tile/0/0",
        "tile/00/000",
        "tile/0/x000/000",
        "tile/0/000.p/044",
        "tile/0/000.p/0",
        "tile/0/000.p/300",
        "tile/1/000",
        "tile/-1/000",
        "tile/0/000/",
        "/tile/0/000",
        "tile/0/../0/000",
        "tile/data/000",
        "tile/0/٠٠٠",
        "tile/0/000\n",
        "checkpoint",
    ],
)
def test_other_paths_do_not_belong(path: str) -> None:
    assert belongs("tile/0/000", 300)
    assert not belongs(path, 300)


@given(st.lists(st.binary(max_size=300), max_size=8))
def test_a_bundle_reads_back_and_no_cut_of_it_does(leaves: list[bytes]) -> None:
    bundle = join_bundle(leaves)
    assert split_bundle(bundle) == leaves
    for length in range(len(bundle)):
        try:
            found = split_bundle(bundle[:length])
        except Malformed:
            continue
        assert found == leaves[: len(found)]
        assert join_bundle(found) == bundle[:length]


def test_a_bundle_has_at_most_256_entries() -> None:
    assert len(split_bundle(bytes(2 * 256))) == 256
    with pytest.raises(Malformed):
        split_bundle(bytes(2 * 257))


def test_the_largest_leaf_fits_and_one_byte_more_does_not() -> None:
    assert split_bundle(join_bundle([b"x" * 65_535])) == [b"x" * 65_535]
    with pytest.raises(OverflowError):
        join_bundle([b"x" * 65_536])


def test_tiles_hold_the_hashes_the_specification_names() -> None:
    size = 600
    leaves = [leaf_hash(b"%d" % i) for i in range(size)]
    slow = SlowTree(leaves)
    tiles: dict[str, bytes] = {}
    tiling = Tiling(lambda level, number, hashes: tiles.update({tile_path(level, number, len(hashes) // 32): hashes}))
    for hash_ in leaves:
        tiling.append(hash_)
    tiling.finish()
    assert set(tiles) == {path for path in slow_paths(size) if "entries" not in path}
    assert tiles["tile/0/001"] == b"".join(leaves[256:512])
    assert tiles["tile/0/002.p/88"] == b"".join(leaves[512:])
    assert tiles["tile/1/000.p/2"] == slow.mth(0, 256) + slow.mth(256, 512)


def test_three_levels_of_tiles_give_the_root() -> None:
    size = 256 * 256 + 256 + 1
    hash_ = leaf_hash(b"again")
    tiles: dict[str, bytes] = {}
    tiling = Tiling(lambda level, number, hashes: tiles.update({tile_path(level, number, len(hashes) // 32): hashes}))
    for _ in range(size):
        tiling.append(hash_)
    tiling.finish()
    assert set(tiles) == {path for path in slow_paths(size) if "entries" not in path}
    tree = Tree([hash_] * size)
    assert tiles["tile/2/000.p/1"] == tree.root(256 * 256)
    assert tiles["tile/1/001.p/1"] == tree.root(256)
    assert tiles["tile/0/257.p/1"] == hash_

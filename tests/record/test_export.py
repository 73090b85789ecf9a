"""Exports: what is written verifies and reads back; nothing is written over; a bad entry stops the writing."""

from __future__ import annotations

from pathlib import Path

import pytest

from keepclear.errors import BrokenRecord, Malformed, Refused, StoreFailed
from keepclear.record import (
    EMPTY_ROOT,
    Entry,
    SigningKey,
    Tree,
    fingerprint,
    leaf_bytes,
    leaf_hash,
    read_entries,
    verify_export,
    write_export,
)
from tests.record.cast import COALITION, KEYS, MORNING, NODE, RUSSIA, STRANGER, TRUSTED, say, story

ORIGIN = "node-a/avoidance"


@pytest.mark.parametrize("count", [1, 3, 255, 256, 257, 520])
def test_an_export_verifies_and_reads_back(tmp_path: Path, count: int) -> None:
    entries = list(story(count))
    heard: list[int] = []
    checkpoint = write_export(tmp_path / "out", entries, KEYS, NODE, ORIGIN, heard.append)
    tree = Tree(leaf_hash(leaf_bytes(entry)) for entry in entries)
    assert (checkpoint.size, checkpoint.root) == (count, tree.root())
    assert heard[-1] == count

    progress: list[tuple[int, int]] = []
    found = verify_export(tmp_path / "out", TRUSTED, lambda done, size: progress.append((done, size)))
    assert (found.size, found.root, found.origin, found.node) == (count, tree.root(), ORIGIN, "node-a")
    assert found.authors == {key: len(range(i, count, 3)) for i, key in enumerate(KEYS) if i < count}
    assert (found.first_recorded_at, found.last_recorded_at) == (MORNING, entries[-1].recorded_at)
    assert found.fingerprints["russia"] == fingerprint(RUSSIA.verifier)
    assert found.remarks == ()
    assert progress[-1] == (count, count)
    assert list(read_entries(tmp_path / "out")) == entries


def test_the_files_are_those_of_the_layout(tmp_path: Path) -> None:
    write_export(tmp_path, story(300), KEYS, NODE, ORIGIN)
    files = sorted(str(file.relative_to(tmp_path)) for file in tmp_path.rglob("*") if file.is_file())
    assert files == [
        "checkpoint",
        "keys",
        "tile/0/000",
        "tile/0/001.p/44",
        "tile/1/000.p/1",
        "tile/entries/000",
        "tile/entries/001.p/44",
    ]
    assert (tmp_path / "tile/0/000").stat().st_size == 8192
    keys = (tmp_path / "keys").read_text().splitlines()
    assert keys == sorted(key.vkey for key in TRUSTED)


def test_an_empty_record_verifies(tmp_path: Path) -> None:
    write_export(tmp_path, [], KEYS, NODE, "node-a")
    found = verify_export(tmp_path, [NODE.verifier])
    assert (found.size, found.root, found.authors, found.first_recorded_at) == (0, EMPTY_ROOT, {}, None)
    assert list(read_entries(tmp_path)) == []


def test_only_the_keys_that_were_used_are_written(tmp_path: Path) -> None:
    write_export(tmp_path, story(2), {**KEYS, "stranger": STRANGER.verifier}, NODE, ORIGIN)
    names = {line.split("+")[0] for line in (tmp_path / "keys").read_text().splitlines()}
    assert names == {"russia", "coalition", "node-a"}


def test_a_node_may_sign_acts_and_checkpoints_with_one_key(tmp_path: Path) -> None:
    write_export(tmp_path, [Entry(0, MORNING, say(RUSSIA))], KEYS, RUSSIA, "russia/avoidance")
    assert verify_export(tmp_path, [RUSSIA.verifier]).authors == {"russia": 1}


def test_a_folder_in_use_is_refused_and_left_alone(tmp_path: Path) -> None:
    (tmp_path / "minutes.txt").write_text("ours")
    with pytest.raises(Refused) as refused:
        write_export(tmp_path, story(3), KEYS, NODE, ORIGIN)
    assert refused.value.field == "directory"
    assert [file.name for file in tmp_path.iterdir()] == ["minutes.txt"]


def test_a_file_in_the_way_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("ours")
    with pytest.raises(StoreFailed):
        write_export(tmp_path / "file", story(3), KEYS, NODE, ORIGIN)
    with pytest.raises(StoreFailed):
        write_export(tmp_path / "file" / "below", story(3), KEYS, NODE, ORIGIN)


GOOD = Entry(0, MORNING, say(RUSSIA))


@pytest.mark.parametrize(
    ("entries", "field"),
    [
        ([Entry(1, MORNING, say())], "index"),
        ([GOOD, GOOD], "index"),
        ([Entry(0, MORNING, b"not an envelope")], "note"),
        ([Entry(0, MORNING.replace(tzinfo=None), say())], "recorded_at"),
        ([Entry(0, MORNING, say(STRANGER))], "keys"),
    ],
)
def test_a_bad_entry_stops_the_writing_and_no_checkpoint_is_left(
    tmp_path: Path, entries: list[Entry], field: str
) -> None:
    with pytest.raises(Malformed) as refused:
        write_export(tmp_path / "out", entries, KEYS, NODE, ORIGIN)
    assert refused.value.field == field
    with pytest.raises(BrokenRecord):
        verify_export(tmp_path / "out")


def test_one_name_has_one_key(tmp_path: Path) -> None:
    other = SigningKey.from_raw("russia", COALITION.to_raw())
    with pytest.raises(Malformed):
        write_export(tmp_path / "out", [GOOD], KEYS, other, "russia")


def test_a_node_does_not_sign_for_the_log_of_another(tmp_path: Path) -> None:
    with pytest.raises(Malformed) as refused:
        write_export(tmp_path / "out", story(3), KEYS, NODE, "node-b/avoidance")
    assert refused.value.field == "origin"
    assert not (tmp_path / "out").exists()


def test_entries_of_a_damaged_export_are_not_read(tmp_path: Path) -> None:
    write_export(tmp_path, story(3), KEYS, NODE, ORIGIN)
    bundle = tmp_path / "tile/entries/000.p/3"
    whole = bundle.read_bytes()
    bundle.write_bytes(whole[:-1])
    with pytest.raises(BrokenRecord):
        list(read_entries(tmp_path))
    bundle.write_bytes(whole.replace(b"keepclear.entry.v1", b"keepclear.entry.v9"))
    with pytest.raises(BrokenRecord):
        list(read_entries(tmp_path))
    bundle.unlink()
    bundle.mkdir()
    with pytest.raises(BrokenRecord):
        list(read_entries(tmp_path))

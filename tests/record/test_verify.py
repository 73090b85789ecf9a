"""Offline verify: every change to an export is found, by whomever it was made.

Two kinds of hand: one that changes files and cannot sign (bytes, files, records), and one that can rebuild the whole
tree and sign it as a node, so that only the authors' own signatures and chains stand in the way.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Sequence
from datetime import timedelta
from pathlib import Path

import pytest

from keepclear.errors import BrokenRecord
from keepclear.record import (
    Checkpoint,
    Entry,
    SigningKey,
    VerifierKey,
    fingerprint,
    parse,
    sign_checkpoint,
    verify_export,
    write_export,
)
from keepclear.record.tiles import join_bundle, split_bundle
from keepclear.record.verify import MAX_REMARKS
from tests.record.cast import COALITION, DESK, KEYS, MORNING, NODE, RUSSIA, STRANGER, TRUSTED, say, story

ORIGIN = "node-a/avoidance"
COUNT = 40
BUNDLE = f"tile/entries/000.p/{COUNT}"


@pytest.fixture
def export(tmp_path: Path) -> Path:
    """A true export of 40 entries by three authors."""
    write_export(tmp_path / "export", story(COUNT), KEYS, NODE, ORIGIN)
    return tmp_path / "export"


def fault(export: Path, trusted: Sequence[VerifierKey] | None = TRUSTED) -> BrokenRecord:
    """The first thing verify finds wrong."""
    with pytest.raises(BrokenRecord) as found:
        verify_export(export, trusted)
    return found.value


def files_of(export: Path) -> list[Path]:
    """Every file of an export, in order."""
    return sorted(file for file in export.rglob("*") if file.is_file())


@pytest.mark.parametrize("trusted", [TRUSTED, None], ids=["trusted", "unknown"])
def test_every_changed_byte_is_found(export: Path, trusted: Sequence[VerifierKey] | None) -> None:
    chance = random.Random(40)
    tried = 0
    for file in files_of(export):
        whole = file.read_bytes()
        for at in chance.sample(range(len(whole)), min(len(whole), 160)):
            bent = bytearray(whole)
            bent[at] ^= 1 << chance.randrange(8)
            file.write_bytes(bent)
            assert fault(export, trusted).where, (file, at)
            tried += 1
        file.write_bytes(whole)
    assert tried >= 600
    verify_export(export, trusted)


def test_every_cut_and_every_added_byte_is_found(export: Path) -> None:
    chance = random.Random(41)
    for file in files_of(export):
        whole = file.read_bytes()
        for length in {0, 1, len(whole) - 1, *chance.sample(range(len(whole)), 20)}:
            file.write_bytes(whole[:length])
            fault(export)
        for extra in (b"\0", b"\n", whole):
            file.write_bytes(whole + extra)
            fault(export)
        file.write_bytes(whole)
    verify_export(export, TRUSTED)


def test_every_missing_file_is_named(export: Path) -> None:
    for file in files_of(export):
        away = export.parent / "away"
        file.rename(away)
        assert fault(export).where == str(file.relative_to(export))
        away.rename(file)
    verify_export(export, TRUSTED)


@pytest.mark.parametrize(
    "path",
    [
        "notes.txt",
        ".hidden",
        "tile/2/000.p/1",
        "tile/0/000.p/39",
        "tile/0/000",
        "tile/entries/001.p/1",
        "tile/0/000.p/deeper/file",
        "tile/x/000",
        "other/file",
        "tile/checkpoint",
        "tile/0/\x1b[2J",
    ],
)
def test_every_extra_file_is_found(export: Path, path: str) -> None:
    (export / path).parent.mkdir(parents=True, exist_ok=True)
    (export / path).write_text("x")
    found = fault(export)
    assert "does not belong" in found.why
    assert found.where.isprintable()


@pytest.mark.parametrize("path", ["empty", "tile/tile", "tile/0/x0001", "tile/0/" + "x001/" * 40])
def test_every_extra_folder_is_found(export: Path, path: str) -> None:
    (export / path).mkdir(parents=True)
    assert "does not belong" in fault(export).why


def test_links_and_pipes_are_not_followed(export: Path) -> None:
    outside = export.parent / "keys-elsewhere"
    (export / "keys").rename(outside)
    (export / "keys").symlink_to(outside)
    assert fault(export).where == "keys"
    (export / "keys").unlink()
    os.mkfifo(export / "keys")
    assert fault(export).where == "keys"
    (export / "keys").unlink()
    outside.rename(export / "keys")
    os.mkfifo(export / "tile" / "pipe")
    assert fault(export).where == "tile/pipe"


def test_a_folder_that_is_not_there_or_is_a_file(tmp_path: Path) -> None:
    fault(tmp_path / "nowhere")
    (tmp_path / "file").write_text("x")
    fault(tmp_path / "file")
    fault(tmp_path)


Edit = Callable[[list[bytes]], list[bytes]]
EDITS: dict[str, Edit] = {
    "first removed": lambda leaves: leaves[1:],
    "last removed": lambda leaves: leaves[:-1],
    "middle removed": lambda leaves: [*leaves[:20], *leaves[21:]],
    "one doubled": lambda leaves: [*leaves[:20], leaves[19], *leaves[20:]],
    "one put at the end": lambda leaves: [*leaves, leaves[5]],
    "neighbours swapped": lambda leaves: [*leaves[:9], leaves[10], leaves[9], *leaves[11:]],
    "ends swapped": lambda leaves: [leaves[-1], *leaves[1:-1], leaves[0]],
    "one replaced by another": lambda leaves: [*leaves[:9], leaves[12], *leaves[10:]],
    "an empty one put in": lambda leaves: [*leaves[:9], b"", *leaves[9:]],
    "an empty one in place": lambda leaves: [*leaves[:9], b"", *leaves[10:]],
    "all removed": lambda leaves: [],
}


@pytest.mark.parametrize("edit", EDITS.values(), ids=EDITS)
def test_every_changed_record_is_found(export: Path, edit: Edit) -> None:
    bundle = export / BUNDLE
    bundle.write_bytes(join_bundle(edit(split_bundle(bundle.read_bytes()))))
    assert fault(export).where in {BUNDLE, "tile/0/000.p/40", *(f"entry {i}" for i in range(COUNT))}


def test_a_changed_record_time_is_found(export: Path) -> None:
    bundle = export / BUNDLE
    bundle.write_bytes(bundle.read_bytes().replace(b"v1\n2017-09-08T05:10:20Z", b"v1\n2017-09-08T05:10:19Z"))
    found = fault(export)
    assert (found.where, found.why) == ("tile/0/000.p/40", "hash 20 in it is not the hash of entry 20")


def test_tiles_above_the_leaves_are_checked(tmp_path: Path) -> None:
    write_export(tmp_path, story(300), KEYS, NODE, ORIGIN)
    tile = tmp_path / "tile/1/000.p/1"
    tile.write_bytes(b"\0" * 32)
    assert fault(tmp_path).where == "tile/1/000.p/1"


# From here on the hand can rebuild the tree and sign it as the node.


def rebuilt(tmp_path: Path, envelopes: Sequence[bytes], keys: dict[str, VerifierKey] = KEYS) -> Path:
    """An export whose files, hashes and node signature are all in order, over these envelopes."""
    entries = [Entry(i, MORNING + timedelta(seconds=i), envelope) for i, envelope in enumerate(envelopes)]
    write_export(tmp_path / "rebuilt", entries, keys, NODE, ORIGIN)
    return tmp_path / "rebuilt"


ONE = say(RUSSIA, 1)
TWO = say(RUSSIA, 2, parse(ONE).id)
THREE = say(RUSSIA, 3, parse(TWO).id)


def test_the_honest_chain_verifies(tmp_path: Path) -> None:
    elsewhere = say(RUSSIA, 1, line="other-line")
    assert verify_export(rebuilt(tmp_path, [ONE, say(DESK), elsewhere, TWO, THREE])).authors == {"russia": 4, "desk": 1}


@pytest.mark.parametrize(
    ("envelopes", "where", "why"),
    [
        ([TWO], "entry 0", "number 2 of russia on avoidance stands where 1 belongs"),
        ([ONE, THREE], "entry 1", "number 3 of russia on avoidance stands where 2 belongs"),
        ([ONE, TWO, TWO], "entry 2", "number 2 of russia on avoidance is here twice"),
        ([ONE, TWO, THREE, TWO], "entry 3", "number 2 of russia on avoidance stands where 4 belongs"),
        ([TWO, ONE], "entry 0", "number 2 of russia on avoidance stands where 1 belongs"),
        (
            [ONE, TWO, say(RUSSIA, 2, parse(ONE).id, b'{"another":"story"}')],
            "entry 2",
            "a fork: two different acts are number 2 of russia on avoidance",
        ),
        (
            [ONE, say(RUSSIA, 2, parse(TWO).id)],
            "entry 1",
            "number 2 of russia on avoidance does not name number 1 as the one before",
        ),
        ([ONE, say(RUSSIA, 2, parse(ONE).id, line="other-line")], "entry 1", None),
        ([ONE, say(RUSSIA, 1, body=b"{}")], "entry 1", None),
    ],
)
def test_a_broken_chain_is_found_though_the_node_signs_it(
    tmp_path: Path, envelopes: list[bytes], where: str, why: str | None
) -> None:
    found = fault(rebuilt(tmp_path, envelopes))
    assert found.where == where
    assert why in (None, found.why)


def test_an_act_forged_by_the_node_is_found(tmp_path: Path) -> None:
    forged = say(SigningKey.from_raw("russia", NODE.to_raw()), 2, parse(ONE).id)
    found = fault(rebuilt(tmp_path, [ONE, forged, TWO]))
    assert found.where == "entry 1"
    assert "key" in found.why


def test_a_body_changed_under_the_signature_is_found(tmp_path: Path) -> None:
    bent = say(RUSSIA, 2, parse(ONE).id, b'{"act":"10"}').replace(b'"10"', b'"19"')
    found = fault(rebuilt(tmp_path, [ONE, bent]))
    assert (found.where, found.why) == ("entry 1", "signature: the signature of russia does not verify")


def test_the_first_of_several_faults_is_named(tmp_path: Path) -> None:
    bent = [say(key, body=b'{"act":"10"}').replace(b'"10"', b'"19"') for key in (COALITION, DESK)]
    good = [say(RUSSIA, 1)]
    for seq in range(2, 30):
        good.append(say(RUSSIA, seq, parse(good[-1]).id))
    assert fault(rebuilt(tmp_path, [*good[:7], bent[0], *good[7:], bent[1], TWO])).where == "entry 7"
    shutil.rmtree(tmp_path / "rebuilt")
    assert fault(rebuilt(tmp_path, [*good[:7], TWO, *good[7:], *bent])).where == "entry 7"


def test_a_forger_with_a_key_of_his_own_needs_trust(tmp_path: Path) -> None:
    impostor = SigningKey.from_raw("russia", STRANGER.to_raw())
    write_export(tmp_path, [Entry(0, MORNING, say(impostor))], {"russia": impostor.verifier}, NODE, ORIGIN)
    assert fault(tmp_path).where == "keys"
    # Without trusted keys it holds together: only its fingerprints tell.
    assert verify_export(tmp_path).fingerprints["russia"] == fingerprint(impostor.verifier)


def resign(export: Path, key: SigningKey, **changes: object) -> None:
    """Put another signed checkpoint in place."""
    record = verify_export(export)
    values = {"origin": ORIGIN, "size": record.size, "root": record.root} | changes
    (export / "checkpoint").write_bytes(sign_checkpoint(Checkpoint(**values), key))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "changes",
    [{"root": b"\0" * 32}, {"size": COUNT - 1}, {"size": COUNT + 1}, {"size": 0}, {"size": 2**62}, {"origin": "desk"}],
)
def test_a_checkpoint_for_other_entries_is_found(export: Path, changes: dict[str, object]) -> None:
    resign(export, NODE, **changes)
    fault(export)


def test_an_author_cannot_sign_the_log_of_the_node(export: Path) -> None:
    resign(export, RUSSIA)
    assert fault(export).why == "origin: russia cannot sign for the log node-a/avoidance"


def test_a_trusted_party_cannot_pass_its_own_log_off_as_the_nodes(tmp_path: Path) -> None:
    write_export(tmp_path, [Entry(0, MORNING, say(RUSSIA))], {"russia": RUSSIA.verifier}, RUSSIA, "russia")
    assert verify_export(tmp_path, TRUSTED).node == "russia"
    for named in (NODE.name, NODE.verifier.vkey, SigningKey.from_raw("russia", STRANGER.to_raw()).verifier.vkey):
        with pytest.raises(BrokenRecord, match="it is signed by russia") as found:
            verify_export(tmp_path, TRUSTED, node=named)
        assert found.value.where == "checkpoint"
    for named in ("russia", RUSSIA.verifier.vkey):
        assert verify_export(tmp_path, TRUSTED, node=named).node == "russia"


def test_a_checkpoint_has_one_signature(export: Path) -> None:
    signature = (export / "checkpoint").read_bytes().split(b"\n\n")[1]
    (export / "checkpoint").write_bytes((export / "checkpoint").read_bytes() + signature)
    assert fault(export).where == "checkpoint"


def test_keys_are_exactly_those_that_are_used(export: Path) -> None:
    keys = (export / "keys").read_text().splitlines()

    def with_keys(lines: list[str]) -> BrokenRecord:
        (export / "keys").write_text("".join(f"{line}\n" for line in lines))
        return fault(export, None)

    assert "used by nothing" in with_keys(sorted([*keys, STRANGER.verifier.vkey])).why
    assert "not sorted" in with_keys(keys[::-1]).why
    assert "same name" in with_keys(sorted([*keys, keys[0]])).why
    assert with_keys([line for line in keys if not line.startswith("russia")]).where == "entry 0"
    assert with_keys([line for line in keys if not line.startswith("node-a")]).where == "checkpoint"
    (export / "keys").write_text("\n".join(keys))
    assert fault(export).where == "keys"


def test_no_file_is_read_without_end(export: Path) -> None:
    (export / "keys").write_bytes(b"k" * 2_000_000)
    assert fault(export).why == "it has more than 1000000 bytes"


def test_an_untrusted_key_is_named_with_its_fingerprint(export: Path) -> None:
    found = fault(export, [*KEYS.values()])
    assert found.where == "keys"
    assert fingerprint(NODE.verifier) in found.why


def test_times_that_go_back_are_a_remark(tmp_path: Path) -> None:
    envelopes = [ONE, TWO, THREE]
    times = [MORNING, MORNING - timedelta(hours=1), MORNING]
    entries = [Entry(i, at, raw) for i, (at, raw) in enumerate(zip(times, envelopes, strict=True))]
    write_export(tmp_path, entries, KEYS, NODE, ORIGIN)
    assert verify_export(tmp_path).remarks == (
        "entry 1: the record time goes back, from 2017-09-08T05:10:00Z to 2017-09-08T04:10:00Z",
    )


def test_remarks_do_not_fill_the_memory(tmp_path: Path) -> None:
    count = MAX_REMARKS + 20
    entries = [Entry(e.index, MORNING - timedelta(seconds=e.index), e.envelope) for e in story(count)]
    write_export(tmp_path, entries, KEYS, NODE, ORIGIN)
    remarks = verify_export(tmp_path).remarks
    assert len(remarks) == MAX_REMARKS + 1
    assert remarks[-1] == "the record time goes back 19 more times"


def test_a_fault_in_a_later_bundle_is_found(tmp_path: Path) -> None:
    write_export(tmp_path, story(300), KEYS, NODE, ORIGIN)
    bundle = tmp_path / "tile/entries/001.p/44"
    bundle.write_bytes(bundle.read_bytes().replace(b'"number":299', b'"number":298'))
    assert fault(tmp_path).where == "entry 299"

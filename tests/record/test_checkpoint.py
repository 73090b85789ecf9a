"""Checkpoints: the C2SP example reads; whatever is bent is refused; no act passes for one, nor one for an act."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.errors import Forged, Malformed
from keepclear.record import (
    Checkpoint,
    check_signature,
    open_checkpoint,
    parse,
    parse_checkpoint,
    sign_checkpoint,
    sign_note,
)
from keepclear.record.checkpoint import check_origin, format_checkpoint
from keepclear.record.note import split_note
from tests.record.cast import NODE, RUSSIA, STRANGER, say

ROOT = bytes(range(32))
HERE = Checkpoint("node-a/avoidance", 42, ROOT)
B64 = base64.b64encode(ROOT).decode()

# The example of c2sp.org/tlog-checkpoint.
SPEC_TEXT = b"example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
SPEC_NOTE = (
    SPEC_TEXT
    + "\n— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeO".encode()
    + b"oRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=\n"
)


def test_the_example_of_the_specification_reads() -> None:
    checkpoint = parse_checkpoint(split_note(SPEC_NOTE).text)
    assert (checkpoint.origin, checkpoint.size) == ("example.com/behind-the-sofa", 20852163)
    assert format_checkpoint(checkpoint) == SPEC_TEXT


def test_what_is_signed_opens() -> None:
    assert open_checkpoint(sign_checkpoint(HERE, NODE), [NODE.verifier]) == (HERE, (NODE.verifier,))
    with pytest.raises(Forged):
        open_checkpoint(sign_checkpoint(HERE, STRANGER), [NODE.verifier])


@given(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1),
    st.integers(0, 2**63 - 1),
    st.binary(min_size=32, max_size=32),
    st.lists(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1), max_size=3),
)
def test_what_is_written_reads_back(origin: str, size: int, root: bytes, extensions: list[str]) -> None:
    checkpoint = Checkpoint(origin, size, root, tuple(extensions))
    assert parse_checkpoint(format_checkpoint(checkpoint)) == checkpoint


@pytest.mark.parametrize(
    ("text", "field"),
    [
        ("", "checkpoint"),
        ("node-a\n42\n", "checkpoint"),
        (f"node-a\n42\n{B64}", "checkpoint"),
        (f"\n42\n{B64}\n", "checkpoint"),
        (f"node-a\n42\n{B64}\n\n", "checkpoint"),
        (f"node-a\n42\n{B64}\n\nmore\n", "checkpoint"),
        (f"node-a\n042\n{B64}\n", "size"),
        (f"node-a\n-1\n{B64}\n", "size"),
        (f"node-a\n+1\n{B64}\n", "size"),
        (f"node-a\n4_2\n{B64}\n", "size"),
        (f"node-a\n٤٢\n{B64}\n", "size"),
        (f"node-a\n 42\n{B64}\n", "size"),
        (f"node-a\n{2**63}\n{B64}\n", "size"),
        (f"node-a\n42\n{B64[:-1]}\n", "root"),
        (f"node-a\n42\n{B64} \n", "root"),
        (f"node-a\n42\n{base64.b64encode(ROOT[:-1]).decode()}\n", "root"),
        (f"keepclear.act.v1\n42\n{B64}\n", "origin"),
    ],
)
def test_other_texts_are_refused(text: str, field: str) -> None:
    with pytest.raises(Malformed) as refused:
        parse_checkpoint(text.encode())
    assert refused.value.field == field


@pytest.mark.parametrize(
    "checkpoint",
    [
        Checkpoint("", 0, ROOT),
        Checkpoint("a\nb", 0, ROOT),
        Checkpoint("node-a", -1, ROOT),
        Checkpoint("node-a", 1, b"short"),
        Checkpoint("node-a", 1, ROOT, ("",)),
        Checkpoint("node-a", 1, ROOT, ("two\nlines",)),
        Checkpoint("keepclear.act.v1", 1, ROOT),
    ],
)
def test_what_would_not_read_back_is_not_signed(checkpoint: Checkpoint) -> None:
    with pytest.raises(Malformed):
        sign_checkpoint(checkpoint, NODE)


def test_bytes_that_are_not_text_are_refused() -> None:
    with pytest.raises(Malformed):
        parse_checkpoint(b"\xff\n1\n\n")


def test_an_act_never_passes_for_a_checkpoint_nor_a_checkpoint_for_an_act() -> None:
    act = say(RUSSIA)
    with pytest.raises(Malformed):
        open_checkpoint(act, [RUSSIA.verifier])
    head = sign_checkpoint(Checkpoint("russia", 42, ROOT), RUSSIA)
    with pytest.raises(Malformed):
        parse(head)
    # Nor does a signature taken from one hold under the other's text, though the same key made both.
    signature_of_act = act.split(b"\n\n")[1]
    with pytest.raises(Forged):
        open_checkpoint(head.split(b"\n\n")[0] + b"\n\n" + signature_of_act, [RUSSIA.verifier])
    mixed = act.split(b"\n\n")[0] + b"\n\n" + head.split(b"\n\n")[1]
    with pytest.raises(Forged):
        check_signature(parse(mixed), RUSSIA.verifier)


@given(st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1))
def test_no_text_is_both(origin: str) -> None:
    for first in (origin, "keepclear.act.v1"):
        raw = sign_note(f"{first}\n42\n{B64}\na\nb\nc\nd\n".encode(), RUSSIA)
        with pytest.raises(Malformed):
            parse(raw)


def test_nobody_signs_for_the_log_of_another() -> None:
    for origin in ("node-a", "node-a/avoidance"):
        check_origin(origin, NODE.verifier)
    for origin in ("node-b", "node-ab", "node-a/ x", "node-a/\u202ex", "", "x/node-a"):
        with pytest.raises(Malformed) as refused:
            check_origin(origin, NODE.verifier)
        assert refused.value.field == "origin"

"""Envelopes: one way to write an act; every deviation refused by the name of its field; nobody speaks for another."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta, timezone

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from keepclear.errors import Forged, Malformed, Refused
from keepclear.record import (
    MAX_ENVELOPE_BYTES,
    NO_PREVIOUS,
    Header,
    SigningKey,
    check_signature,
    parse,
    seal,
    sign_note,
)
from tests.record.cast import COALITION, INSTANTS, MORNING, RUSSIA, STRANGER, key_of, say

FIRST = Header("avoidance", "russia", 1, NO_PREVIOUS, MORNING)
LINES = [
    "keepclear.act.v1",
    "line avoidance",
    "author russia",
    "seq 12",
    f"prev {'3f' * 32}",
    "said 2017-09-08T05:10:00Z",
    '{"role":"duty officer","act":{}}',
]


def signed(lines: list[str], key: SigningKey = RUSSIA) -> bytes:
    """These lines, whatever they say, under a signature that holds."""
    return sign_note("".join(line + "\n" for line in lines).encode(), key)


def test_an_envelope_reads_as_it_was_said() -> None:
    raw = signed(LINES)
    envelope = parse(raw)
    check_signature(envelope, RUSSIA.verifier)
    assert envelope.header == Header("avoidance", "russia", 12, "3f" * 32, MORNING)
    assert envelope.body == LINES[6].encode()
    assert envelope.raw == raw
    assert envelope.id == hashlib.sha256("".join(line + "\n" for line in LINES).encode()).hexdigest()
    assert seal(envelope.header, envelope.body, RUSSIA) == raw


names = st.from_regex(r"[a-z][a-z0-9._-]{0,47}", fullmatch=True)
bodies = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), min_size=1, max_size=100)


@given(
    line=names,
    author=names,
    seq=st.integers(2, 2**53 - 1),
    prev=st.binary(min_size=32, max_size=32).filter(any),
    said_at=INSTANTS,
    body=bodies,
)
@example(line="a", author="b", seq=2, prev=b"\x01" * 32, said_at=MORNING, body="— russia AAAA")
def test_what_is_sealed_parses_back(
    line: str, author: str, seq: int, prev: bytes, said_at: datetime, body: str
) -> None:
    header = Header(line, author, seq, prev.hex(), said_at)
    key = key_of(author)
    envelope = parse(seal(header, body.encode(), key))
    check_signature(envelope, key.verifier)
    assert (envelope.header, envelope.body) == (header, body.encode())


def changed(at: int, line: str) -> list[str]:
    """The good lines, with one of them replaced."""
    return [*LINES[:at], line, *LINES[at + 1 :]]


@pytest.mark.parametrize(
    ("lines", "field"),
    [
        (changed(0, "keepclear.act.v2"), "version"),
        (changed(0, "keepclear.act.v1 "), "version"),
        (changed(0, "\ufeffkeepclear.act.v1"), "version"),
        (LINES[1:], "version"),
        (changed(1, "line Avoidance"), "line"),
        (changed(1, "line  avoidance"), "line"),
        (changed(1, "line avoidance "), "line"),
        (changed(1, "line "), "line"),
        (changed(1, "line 9lives"), "line"),
        (changed(1, f"line {'a' * 49}"), "line"),
        (changed(1, "line аvoidance"), "line"),
        (changed(1, "Line avoidance"), "line"),
        ([LINES[0], LINES[2], LINES[1], *LINES[3:]], "line"),
        (changed(2, "author Russia"), "author"),
        (changed(2, "author rus/sia"), "author"),
        (changed(2, "author"), "author"),
        (changed(3, "seq 012"), "seq"),
        (changed(3, "seq 0"), "seq"),
        (changed(3, "seq -1"), "seq"),
        (changed(3, "seq +12"), "seq"),
        (changed(3, "seq 1_2"), "seq"),
        (changed(3, "seq ١٢"), "seq"),
        (changed(3, "seq 12.0"), "seq"),
        (changed(3, f"seq {2**53}"), "seq"),
        (changed(3, "seq 99999999999999999"), "seq"),
        (changed(3, "seq 1"), "prev"),
        (changed(4, f"prev {'3F' * 32}"), "prev"),
        (changed(4, f"prev {'3f' * 31}"), "prev"),
        (changed(4, f"prev {'3f' * 33}"), "prev"),
        (changed(4, f"prev {NO_PREVIOUS}"), "prev"),
        (changed(5, "said 2017-09-08T05:10:00.000000Z"), "said"),
        (changed(5, "said 2017-09-08T08:10:00+03:00"), "said"),
        (changed(5, "said 1969-12-31T23:59:59Z"), "said"),
        (changed(5, "said 2017-09-08"), "said"),
        (LINES[:6], "body"),
        (changed(6, ""), "body"),
        ([*LINES, "{}"], "body"),
        ([*LINES, ""], "body"),
        ([*LINES[:6], "", LINES[6]], "body"),
        ([LINES[0], "", *LINES[1:]], "body"),
    ],
)
def test_any_other_way_to_write_it_is_refused(lines: list[str], field: str) -> None:
    with pytest.raises(Malformed) as refused:
        parse(signed(lines))
    assert refused.value.field == field


TEXT = "".join(line + "\n" for line in LINES).encode()
SIGNATURE = signed(LINES)[len(TEXT) + 1 :]


@pytest.mark.parametrize(
    ("raw", "field"),
    [
        (signed(LINES).replace(b"\n", b"\r\n"), "note"),
        (signed(LINES)[:-1], "signature"),
        (signed(LINES) + b"\n", "signature"),
        (signed(LINES) + SIGNATURE, "signature"),
        (signed(LINES) + signed(LINES, COALITION)[len(TEXT) + 1 :], "signature"),
        (signed(LINES, COALITION), "signature"),
        (TEXT + b"\n", "signature"),
        (TEXT, "note"),
        (TEXT + b"\n" + "— russia AAAAAAAA\n".encode(), "signature"),
        (TEXT.replace(b"{", b"\t{") + b"\n" + SIGNATURE, "note"),
        (TEXT.replace(b"{", b"\x7f\xff{") + b"\n" + SIGNATURE, "note"),
        (b"", "note"),
        (b"x" * (MAX_ENVELOPE_BYTES + 1), "envelope"),
    ],
)
def test_a_broken_frame_is_refused(raw: bytes, field: str) -> None:
    with pytest.raises(Malformed) as refused:
        parse(raw)
    assert refused.value.field == field


def test_every_cut_is_refused() -> None:
    raw = signed(LINES)
    for length in range(len(raw)):
        with pytest.raises(Malformed):
            parse(raw[:length])


def test_every_changed_bit_is_refused() -> None:
    raw = signed(LINES)
    for at in range(len(raw)):
        for bit in range(8):
            bent = raw[:at] + bytes([raw[at] ^ 1 << bit]) + raw[at + 1 :]
            with pytest.raises((Malformed, Forged)):
                check_signature(parse(bent), RUSSIA.verifier)


@given(st.binary(max_size=300) | st.lists(st.sampled_from(LINES), min_size=1, max_size=9).map(signed))
def test_any_bytes_are_read_or_refused(raw: bytes) -> None:
    try:
        envelope = parse(raw)
    except Malformed:
        return
    assert seal(envelope.header, envelope.body, RUSSIA) == raw


@pytest.mark.parametrize(
    ("header", "body", "field"),
    [
        (Header("Avoidance", "russia", 1, NO_PREVIOUS, MORNING), b"{}", "line"),
        (Header("a\nb", "russia", 1, NO_PREVIOUS, MORNING), b"{}", "body"),
        (Header("avoidance", "coalition", 1, NO_PREVIOUS, MORNING), b"{}", "signature"),
        (Header("avoidance", "russia", 0, NO_PREVIOUS, MORNING), b"{}", "seq"),
        (Header("avoidance", "russia", 2, NO_PREVIOUS, MORNING), b"{}", "prev"),
        (Header("avoidance", "russia", 1, "3f" * 32, MORNING), b"{}", "prev"),
        (Header("avoidance", "russia", 1, NO_PREVIOUS, MORNING.replace(tzinfo=None)), b"{}", "said"),
        (
            Header("avoidance", "russia", 1, NO_PREVIOUS, MORNING.astimezone(timezone(timedelta(hours=3)))),
            b"{}",
            "said",
        ),
        (FIRST, b"", "body"),
        (FIRST, b"{\n}", "body"),
        (FIRST, b"\n", "body"),
        (FIRST, b"{\r}", "note"),
        (FIRST, b"\xff", "note"),
        (FIRST, b"x" * MAX_ENVELOPE_BYTES, "envelope"),
    ],
)
def test_what_would_not_parse_is_not_sealed(header: Header, body: bytes, field: str) -> None:
    with pytest.raises(Malformed) as refused:
        seal(header, body, RUSSIA)
    assert refused.value.field == field


def test_the_largest_envelope_is_sealed_and_one_byte_more_is_not() -> None:
    room = MAX_ENVELOPE_BYTES - len(seal(FIRST, b"x", RUSSIA)) + 1
    assert len(seal(FIRST, b"x" * room, RUSSIA)) == MAX_ENVELOPE_BYTES
    with pytest.raises(Malformed):
        seal(FIRST, b"x" * (room + 1), RUSSIA)


def test_nobody_speaks_for_another() -> None:
    envelope = parse(say(RUSSIA))
    impostor = SigningKey.from_raw("russia", STRANGER.to_raw())
    for key, field in ((COALITION, "author"), (impostor, "signature")):
        with pytest.raises(Forged) as refused:
            check_signature(envelope, key.verifier)
        assert refused.value.field == field
    with pytest.raises(Refused):
        check_signature(parse(say(impostor)), RUSSIA.verifier)


def test_the_same_words_have_the_same_id_and_other_words_another() -> None:
    assert parse(say()).id == parse(say()).id
    assert len({parse(say(body=body)).id for body in (b"{}", b"{ }", b"[]")}) == 3

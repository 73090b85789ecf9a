"""Signed notes: those of the Go implementation read and are written alike; whatever is bent is refused."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.errors import Forged, Malformed
from keepclear.record import SigningKey, VerifierKey, fingerprint, open_note, sign_note
from keepclear.record.note import MAX_NOTE_BYTES, MAX_SIGNATURES, decode_base64, split_note
from tests.record.cast import COALITION, RUSSIA, STRANGER

# The example of golang.org/x/mod/sumdb/note (BSD-3-Clause): key, private key, text and signature.
GO_VKEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_PRIVATE = base64.b64decode("AYEKFALVFGyNhPJEMzD1QIDr+Y7hfZx09iUvxdXHKDFz")[1:]
GO_TEXT = b"If you think cryptography is the answer to your problem,\nthen you don't know what your problem is.\n"
GO_NOTE = (
    GO_TEXT
    + "\n— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZIn".encode()
    + b"NIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=\n"
)
TEXT = b"first\n\nsecond\n"


def test_the_go_example_opens() -> None:
    assert open_note(GO_NOTE, [VerifierKey.from_vkey(GO_VKEY)]) == (GO_TEXT, (VerifierKey.from_vkey(GO_VKEY),))


def test_the_go_example_is_written_byte_for_byte() -> None:
    key = SigningKey.from_raw("PeterNeumann", GO_PRIVATE)
    assert key.verifier.vkey == GO_VKEY
    assert sign_note(GO_TEXT, key) == GO_NOTE


def test_the_text_ends_at_the_last_empty_line() -> None:
    assert open_note(sign_note(TEXT, RUSSIA), [RUSSIA.verifier])[0] == TEXT


def test_unknown_signatures_are_ignored_and_known_ones_reported() -> None:
    by_two = sign_note(TEXT, RUSSIA) + sign_note(TEXT, COALITION)[len(TEXT) + 1 :]
    assert open_note(by_two, [COALITION.verifier])[1] == (COALITION.verifier,)
    assert open_note(by_two, [COALITION.verifier, RUSSIA.verifier])[1] == (RUSSIA.verifier, COALITION.verifier)


def test_a_note_signed_by_nobody_known_is_refused() -> None:
    with pytest.raises(Forged):
        open_note(sign_note(TEXT, STRANGER), [RUSSIA.verifier])


def test_one_bad_signature_of_a_known_key_spoils_the_note() -> None:
    elsewhere = sign_note(b"something else\n", RUSSIA).split(b"\n\n")[1]
    both = sign_note(TEXT, COALITION) + elsewhere
    assert open_note(both, [COALITION.verifier])[0] == TEXT
    with pytest.raises(Forged):
        open_note(both, [COALITION.verifier, RUSSIA.verifier])


def test_a_name_is_not_a_key() -> None:
    impostor = SigningKey.from_raw("russia", STRANGER.to_raw())
    with pytest.raises(Forged):
        open_note(sign_note(TEXT, impostor), [RUSSIA.verifier])


SIGNATURE = sign_note(TEXT, RUSSIA)[len(TEXT) + 1 :]


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"\n",
        b"\n\n" + SIGNATURE,
        TEXT,
        TEXT + b"\n",
        TEXT + SIGNATURE,
        TEXT + b"\n" + SIGNATURE[:-1],
        TEXT + b"\n" + SIGNATURE + b"x",
        TEXT + b"\n" + SIGNATURE.replace("— ".encode(), b"- "),
        TEXT + b"\n" + SIGNATURE.replace(b"russia", b""),
        TEXT + b"\n" + SIGNATURE.replace(b"russia", b"rus+sia"),
        TEXT + b"\n" + SIGNATURE.replace(b"russia", "rus\u00a0sia".encode()),
        TEXT + b"\n" + SIGNATURE.replace(b"russia", "rus\u202esia".encode()),
        TEXT + b"\n" + SIGNATURE.replace(b"russia ", b"russia  "),
        TEXT + b"\n" + SIGNATURE.replace(b"\n", b"\r\n"),
        TEXT + b"\n" + "— russia AAAA\n".encode(),
        TEXT + b"\n" + "— russia\n".encode(),
        TEXT + b"\n" + "— russia not*base64\n".encode(),
        b"tab\there\n\n" + SIGNATURE,
        b"null\0\n\n" + SIGNATURE,
        b"\xff\n\n" + SIGNATURE,
        b"\xed\xa0\x80 surrogate\n\n" + SIGNATURE,
        TEXT + b"\n" + SIGNATURE * (MAX_SIGNATURES + 1),
        b"x" * MAX_NOTE_BYTES + b"\n\n" + SIGNATURE,
    ],
)
def test_what_is_not_a_note_is_refused(raw: bytes) -> None:
    with pytest.raises(Malformed):
        split_note(raw)


@pytest.mark.parametrize("text", [b"", b"\n", b"no newline", b"a\rb\n", b"\x1b[2J\n", b"\xc3\n"])
def test_what_no_note_may_say_is_not_signed(text: bytes) -> None:
    with pytest.raises(Malformed):
        sign_note(text, RUSSIA)


@given(st.data())
def test_any_changed_bit_is_refused(data: st.DataObject) -> None:
    raw = bytearray(sign_note(TEXT, RUSSIA))
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] ^= 1 << data.draw(st.integers(0, 7))
    with pytest.raises((Malformed, Forged)):
        open_note(bytes(raw), [RUSSIA.verifier])


@given(st.binary(max_size=200))
def test_any_bytes_open_or_are_refused(raw: bytes) -> None:
    with pytest.raises((Malformed, Forged)):
        open_note(raw, [RUSSIA.verifier])


@given(st.binary(max_size=12))
def test_base64_has_one_spelling(data: bytes) -> None:
    assert decode_base64(base64.b64encode(data).decode(), "x") == data


@pytest.mark.parametrize("text", ["QR==", "QQ=", "QQ", "QQ==\n", " QQ==", "QQ==QQ==", "Q-==", "٠٠٠٠", "=", "QUI=Q"])
def test_other_base64_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        decode_base64(text, "x")


def test_a_key_reads_back_from_its_text() -> None:
    assert VerifierKey.from_vkey(RUSSIA.verifier.vkey) == RUSSIA.verifier


@given(st.data())
def test_any_changed_character_of_a_key_is_refused(data: st.DataObject) -> None:
    text = RUSSIA.verifier.vkey
    at = data.draw(st.integers(0, len(text) - 1))
    other = data.draw(st.characters(codec="utf-8").filter(lambda c: c != text[at]))
    with pytest.raises(Malformed):
        VerifierKey.from_vkey(text[:at] + other + text[at + 1 :])


@pytest.mark.parametrize(
    "text", ["", "russia", "russia+00000000", "+c74f20a3+ARpc", GO_VKEY + "\n", GO_VKEY.upper(), " " + GO_VKEY]
)
def test_what_is_not_a_key_is_refused(text: str) -> None:
    with pytest.raises(Malformed):
        VerifierKey.from_vkey(text)


# Twin of the check for weak keys: the curve of RFC 8032 section 5.1, written out.
P = 2**255 - 19
D = -121665 * pow(121666, -1, P) % P
Point = tuple[int, int]


def add(a: Point, b: Point) -> Point:
    """Edwards addition, RFC 8032 section 5.1.4 in affine form."""
    (x1, y1), (x2, y2) = a, b
    t = D * x1 * x2 * y1 * y2 % P
    return (x1 * y2 + x2 * y1) * pow(1 + t, -1, P) % P, (y1 * y2 + x1 * x2) * pow(1 - t, -1, P) % P


def on_curve(y: int) -> Point | None:
    """A point with this y, or None."""
    x2 = (y * y - 1) * pow(D * y * y + 1, -1, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if x * x % P != x2:
        x = x * pow(2, (P - 1) // 4, P) % P
    return (x, y) if x * x % P == x2 else None


def small_subgroup() -> set[Point]:
    """The eight points whose order divides 8, found by multiplying points by the prime order."""
    order = 2**252 + 27742317777372353535851937790883648493
    found: set[Point] = set()
    for y in range(2, 60):
        doubling, total, left = on_curve(y), (0, 1), order
        while doubling and left:
            if left & 1:
                total = add(total, doubling)
            doubling, left = add(doubling, doubling), left >> 1
        found.add(total)
        found.add((-total[0] % P, total[1]))
    return found


def test_keys_of_the_small_subgroup_are_refused() -> None:
    points = small_subgroup()
    assert len(points) == 8
    for x, y in points:
        for encoded in (y | (x & 1) << 255, y | (x & 1 ^ 1) << 255):
            with pytest.raises(Malformed) as refused:
                VerifierKey("weak", encoded.to_bytes(32, "little"))
            assert refused.value.code == "weak_key"


@pytest.mark.parametrize("y", [P, P + 1, 2**255 - 1])
def test_keys_not_in_canonical_form_are_refused(y: int) -> None:
    with pytest.raises(Malformed):
        VerifierKey("odd", y.to_bytes(32, "little"))


@pytest.mark.parametrize("name", ["", "a b", "a+b", "a\tb", "a\nb", "\u2003", "a\u200bb", "x" * 256])
def test_names_no_key_may_bear(name: str) -> None:
    with pytest.raises(Malformed):
        SigningKey.generate(name)
    with pytest.raises(Malformed):
        VerifierKey(name, RUSSIA.verifier.public)


def test_keys_of_another_length_are_refused() -> None:
    with pytest.raises(Malformed):
        SigningKey.from_raw("russia", b"short")
    with pytest.raises(Malformed):
        VerifierKey("russia", b"short")


def test_a_signing_key_never_shows_itself() -> None:
    assert repr(RUSSIA) == "SigningKey('russia')"
    assert SigningKey.from_raw("russia", RUSSIA.to_raw()).verifier == RUSSIA.verifier


def test_the_fingerprint_is_twelve_groups_and_names_the_key() -> None:
    groups = fingerprint(RUSSIA.verifier).split(" ")
    assert [len(group) for group in groups] == [5] * 12
    assert "".join(groups).isascii()
    assert "".join(groups).isdigit()
    renamed = VerifierKey("coalition", RUSSIA.verifier.public)
    assert len({fingerprint(key) for key in (RUSSIA.verifier, COALITION.verifier, renamed)}) == 3


def test_the_fingerprint_stays_what_was_read_out() -> None:
    read_out = "30709 80310 25460 07914 96296 54304 33591 76152 89171 85537 82998 67776"
    assert fingerprint(VerifierKey.from_vkey(GO_VKEY)) == read_out

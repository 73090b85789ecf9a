"""The body of an act: what is written is read back the same, and everything else is refused with the field named."""

from __future__ import annotations

import json
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.errors import Malformed
from keepclear.formats.wire import MAX_BODY_BYTES, read_act, read_said, write_said
from keepclear.model import acts as a
from keepclear.model.base import Words, hidden_in
from tests.model.examples import ACT, EXAMPLES, T0

REMARK = b'{"role":"officer","act":{"act":"remark","re":"%s","words":{"text":"x","lang":"en"}}}' % ACT.encode()


@pytest.mark.parametrize("act", EXAMPLES, ids=lambda act: type(act).__name__)
def test_every_act_is_read_as_it_was_written(act: a.Act) -> None:
    said = a.Said(role="ضابط مناوب", act=act, exercise=True)
    body = write_said(said)
    assert b"\n" not in body
    assert read_said(body) == said
    assert read_act(msgspec.json.encode(act)) == act
    assert read_act(json.loads(msgspec.json.encode(act))) == act


REFUSED: dict[str, tuple[bytes, str, str]] = {
    "nothing": (b"", "", "not_json"),
    "two lines": (REMARK.replace(b",", b",\n", 1), "", "not_one_line"),
    "carriage return": (REMARK + b"\r", "", "not_one_line"),
    "not UTF-8": (b'{"role":"\xff","act":{"act":"line_check"}}', "", "not_json"),
    "cut off": (REMARK[:-1], "", "not_json"),
    "something after it": (REMARK + b"{}", "", "not_json"),
    "a list": (b"[1]", "", "malformed"),
    "deep": (b'{"role":"a","act":' * 3000, "", "too_deep"),
    "deep list": (b"[" * 50_000, "", "malformed"),
    "unknown act": (b'{"role":"a","act":{"act":"strike"}}', "act.act", "malformed"),
    "no act": (b'{"role":"a"}', "act", "missing_field"),
    "no kind of act": (b'{"role":"a","act":{}}', "act.act", "missing_field"),
    "unknown field": (REMARK[:-1] + b',"target":1}', "target", "unknown_field"),
    "unknown field inside": (REMARK.replace(b'"lang":"en"', b'"lang":"en","x":1'), "act.words.x", "unknown_field"),
    "missing field inside": (REMARK.replace(b',"lang":"en"', b""), "act.words.lang", "missing_field"),
    "name twice": (b'{"role":"a","role":"b","act":{"act":"line_check"}}', "role", "duplicate_field"),
    "name twice inside": (REMARK.replace(b'"text":"x"', b'"text":"x","text":"y"'), "text", "duplicate_field"),
    "name twice, escaped": (b'{"role":"a","\\u0072ole":"b","act":{"act":"line_check"}}', "role", "duplicate_field"),
    "role empty": (REMARK.replace(b'"officer"', b'""'), "role", "malformed"),
    "role too long": (REMARK.replace(b"officer", b"o" * 201), "role", "malformed"),
    "text too long": (REMARK.replace(b'"x"', b'"' + b"x" * 4001 + b'"'), "act.words.text", "malformed"),
    "direction override": (REMARK.replace(b"officer", "o\u202efficer".encode()), "role", "hidden_character"),
    "escaped override": (REMARK.replace(b"officer", b"o\\u202efficer"), "role", "hidden_character"),
    "zero width": (REMARK.replace(b"officer", "o\u200bfficer".encode()), "role", "hidden_character"),
    "control character": (REMARK.replace(b"officer", b"o\\u0007fficer"), "role", "hidden_character"),
    "tab": (REMARK.replace(b"officer", b"o\\tfficer"), "role", "hidden_character"),
    "half a character": (REMARK.replace(b"officer", b"\\ud800"), "", "not_json"),
    "id with a newline": (REMARK.replace(ACT.encode(), ACT.encode() + b"\\n"), "act.re", "malformed"),
    "id in capitals": (REMARK.replace(ACT.encode(), ACT.upper().encode()), "act.re", "malformed"),
    "number as text": (
        b'{"role":"a","act":{"act":"consent","re":"%s","consents":"true"}}' % ACT.encode(),
        "act.consents",
        "malformed",
    ),
    "time without zone": (
        b'{"role":"a","act":{"act":"waiting","group":"g","since":"2017-09-08T05:00:00","waits_for":"x"}}',
        "act.since",
        "malformed",
    ),
    "time in another zone": (
        b'{"role":"a","act":{"act":"waiting","group":"g","since":"2017-09-08T05:00:00+03:00","waits_for":"x"}}',
        "act.since",
        "malformed",
    ),
    "leap second": (
        b'{"role":"a","act":{"act":"waiting","group":"g","since":"2016-12-31T23:59:60Z","waits_for":"x"}}',
        "act.since",
        "malformed",
    ),
}


@pytest.mark.parametrize(("body", "field", "code"), REFUSED.values(), ids=REFUSED.keys())
def test_what_is_amiss_is_refused_with_its_field(body: bytes, field: str, code: str) -> None:
    with pytest.raises(Malformed) as refusal:
        read_said(body)
    assert (refusal.value.field, refusal.value.code) == (field, code)


def track(lat: str, lon: str = "39.4", uncertainty: str = "50") -> bytes:
    fix = f'{{"at":"2017-09-08T06:00:00Z","lat_deg":{lat},"lon_deg":{lon},"uncertainty_m":{uncertainty}}}'
    return (
        '{"role":"a","act":{"act":"positions","tracks":[{"asset":"d","kind":"drone","sensor":"tracker",'
        f'"fixes":[{fix}],"basis":{{"kind":"declared"}}}}]}}}}'
    ).encode()


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "-1e999", '"34.7"', "90.001", "-91", "null", "true"])
def test_numbers_out_of_range_are_refused(number: str) -> None:
    with pytest.raises(Malformed):
        read_said(track(number))


def test_a_longitude_of_the_other_convention_is_refused() -> None:
    assert isinstance(read_said(track("34.7")).act, a.Positions)
    with pytest.raises(Malformed) as refusal:
        read_said(track("34.7", "219.4"))
    assert refusal.value.field == "act.tracks[0].fixes[0].lon_deg" or refusal.value.field.endswith("lon_deg")


def test_the_limit_of_size_is_exact() -> None:
    body = REMARK[:-1] + b" " * (MAX_BODY_BYTES - len(REMARK)) + b"}"
    assert len(body) == MAX_BODY_BYTES
    assert read_said(body).role == "officer"
    with pytest.raises(Malformed) as refusal:
        read_said(body[:-1] + b" }")
    assert refusal.value.code == "too_large"


def test_what_a_reader_would_refuse_is_not_written() -> None:
    with pytest.raises(Malformed) as refusal:
        write_said(a.Said(role="\u202eofficer", act=a.LineCheck()))
    assert refusal.value.code == "hidden_character"
    with pytest.raises(Malformed) as refusal:
        write_said(a.Said(role="a", act=a.Remark(re="not an id", words=Words(text="x", lang="en"))))
    assert refusal.value.field == "act.re"


def test_objects_that_json_cannot_hold_are_refused() -> None:
    for value in ({"act": "waiting", "since": T0}, {"act": float("nan")}):
        with pytest.raises(Malformed) as refusal:
            read_act(value)
        assert refusal.value.code == "not_json"


@given(st.binary(max_size=200))
def test_any_bytes_are_read_or_refused(body: bytes) -> None:
    try:
        read_said(body)
    except Malformed:
        return


@given(st.integers(0, len(REMARK) - 1), st.integers(1, 255))
def test_one_changed_byte_is_read_as_something_else_or_refused(place: int, change: int) -> None:
    changed = bytearray(REMARK)
    changed[place] ^= change
    try:
        said = read_said(bytes(changed))
    except Malformed:
        return
    assert said != read_said(REMARK) or changed.replace(b" ", b"") == REMARK


SEEN = st.characters(exclude_categories=("Cc", "Cf", "Co", "Cn", "Cs", "Mn", "Zl", "Zp")).filter(
    lambda character: hidden_in(character) is None
)
"""Letters, marks that take room, digits, signs and spaces; the fillers among them are left out."""


@given(st.text(SEEN, min_size=1), st.integers(0, 10**9))
def test_any_plain_words_are_read_as_they_were_written(text: str, after_s: int) -> None:
    words = Words(text=text, lang="ar")
    since = T0 + timedelta(seconds=after_s)
    said = a.Said(role="officer", act=a.Waiting(group="g", since=since, waits_for="road", words=words))
    assert read_said(write_said(said)) == said

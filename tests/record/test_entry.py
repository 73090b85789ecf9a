"""The leaf of the log: record time, then the bytes that arrived."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.errors import Malformed
from keepclear.record import MAX_ENVELOPE_BYTES, Entry, leaf_bytes, parse_leaf
from tests.record.cast import INSTANTS, MORNING


def test_a_leaf_is_the_time_and_the_bytes() -> None:
    leaf = leaf_bytes(Entry(7, MORNING.replace(microsecond=125000), b"whatever\n\xff"))
    assert leaf == b"keepclear.entry.v1\n2017-09-08T05:10:00.125000Z\nwhatever\n\xff"


@given(INSTANTS, st.binary(min_size=1))
def test_a_leaf_reads_back(recorded_at: datetime, envelope: bytes) -> None:
    entry = Entry(3, recorded_at, envelope)
    assert parse_leaf(3, leaf_bytes(entry)) == entry


def test_the_largest_leaf_fits_an_entry_bundle() -> None:
    largest = leaf_bytes(Entry(0, MORNING.replace(microsecond=1), b"x" * MAX_ENVELOPE_BYTES))
    assert len(largest) <= 0xFFFF


@pytest.mark.parametrize(
    ("leaf", "field"),
    [
        (b"", "version"),
        (b"keepclear.entry.v2\n2017-09-08T05:10:00Z\nx", "version"),
        (b"keepclear.entry.v1\r\n2017-09-08T05:10:00Z\nx", "version"),
        (b"keepclear.entry.v1", "recorded_at"),
        (b"keepclear.entry.v1\n2017-09-08 05:10:00Z\nx", "recorded_at"),
        (b"keepclear.entry.v1\n\xff\nx", "recorded_at"),
        (b"keepclear.entry.v1\n2017-09-08T05:10:00Z", "envelope"),
        (b"keepclear.entry.v1\n2017-09-08T05:10:00Z\n", "envelope"),
        (b"keepclear.entry.v1\n2017-09-08T05:10:00Z\n" + b"x" * (MAX_ENVELOPE_BYTES + 1), "envelope"),
    ],
)
def test_what_is_not_a_leaf_is_refused(leaf: bytes, field: str) -> None:
    with pytest.raises(Malformed) as refused:
        parse_leaf(0, leaf)
    assert refused.value.field == field


@pytest.mark.parametrize(
    ("entry", "field"),
    [
        (Entry(0, MORNING, b""), "envelope"),
        (Entry(0, MORNING, b"x" * (MAX_ENVELOPE_BYTES + 1)), "envelope"),
        (Entry(0, MORNING.replace(tzinfo=None), b"x"), "recorded_at"),
    ],
)
def test_what_would_not_read_back_is_not_written(entry: Entry, field: str) -> None:
    with pytest.raises(Malformed) as refused:
        leaf_bytes(entry)
    assert refused.value.field == field

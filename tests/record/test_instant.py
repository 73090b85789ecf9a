"""One instant has one spelling."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.errors import Malformed
from keepclear.record.instant import format_instant, parse_instant
from tests.record.cast import INSTANTS, MORNING


@given(INSTANTS)
def test_what_is_written_reads_back(instant: datetime) -> None:
    assert parse_instant(format_instant(instant, "said"), "said") == instant


@given(st.text("0123456789-T:.Z+ ", max_size=28) | st.datetimes().map(lambda when: when.isoformat() + "Z"))
def test_what_is_read_is_the_only_spelling(text: str) -> None:
    try:
        instant = parse_instant(text, "said")
    except Malformed:
        return
    assert format_instant(instant, "said") == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2017-09-08T05:10:00",
        "2017-09-08T05:10:00z",
        "2017-09-08t05:10:00Z",
        "2017-09-08 05:10:00Z",
        "2017-09-08T05:10:00+00:00",
        "2017-09-08T05:10:00.0Z",
        "2017-09-08T05:10:00.000000Z",
        "2017-09-08T05:10:00.250Z",
        "2017-09-08T05:10:00.2500001Z",
        "2017-09-08T05:10:00,250000Z",
        "2017-09-08T05:10Z",
        "2017-09-08T24:00:00Z",
        "2017-09-08T05:10:60Z",
        "2017-02-29T00:00:00Z",
        "2017-9-8T05:10:00Z",
        "1969-12-31T23:59:59Z",
        "2101-01-01T00:00:00Z",
        "+2017-09-08T05:10:00Z",
        "2017-09-08T05:10:00Z\n",
        "٢٠١٧-09-08T05:10:00Z",
    ],
)
def test_other_spellings_are_refused(text: str) -> None:
    with pytest.raises(Malformed) as refused:
        parse_instant(text, "said")
    assert refused.value.field == "said"


@pytest.mark.parametrize(
    "instant",
    [
        MORNING.replace(tzinfo=None),
        datetime(2017, 9, 8, 5, 10, tzinfo=timezone(timedelta(hours=3))),
        datetime(1969, 12, 31, tzinfo=UTC),
        datetime(2101, 1, 1, tzinfo=UTC),
    ],
)
def test_only_utc_in_range_is_written(instant: datetime) -> None:
    with pytest.raises(Malformed) as refused:
        format_instant(instant, "said")
    assert refused.value.field == "said"

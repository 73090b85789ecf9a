"""The one way an instant is written in signed and hashed bytes.

`2017-09-08T05:10:00Z`, or `2017-09-08T05:10:00.250000Z` when the microseconds are not zero: UTC, upper-case T and Z
(RFC 3339), six decimals or none, years 1970 to 2100. One instant has one spelling, so equal times give equal bytes.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from keepclear.errors import Malformed

FIRST_YEAR = 1970
LAST_YEAR = 2100
_SHAPE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{6})?Z")


def format_instant(instant: datetime, field: str) -> str:
    """Write a tz-aware UTC instant; Malformed naming `field` if it is not UTC or its year is out of range."""
    if instant.utcoffset() != timedelta(0):
        raise Malformed("the time must be in UTC and carry its zone", field=field, code="time_not_utc")
    if not FIRST_YEAR <= instant.year <= LAST_YEAR:
        raise Malformed(f"the year must be {FIRST_YEAR} to {LAST_YEAR}", field=field, code="time_out_of_range")
    return instant.replace(tzinfo=None).isoformat() + "Z"


def parse_instant(text: str, field: str) -> datetime:
    """Read what `format_instant` writes, and nothing else; Malformed naming `field`."""
    if not _SHAPE.fullmatch(text) or text.endswith(".000000Z"):
        raise Malformed("not a UTC time such as 2017-09-08T05:10:00Z", field=field, code="time_unreadable")
    try:
        instant = datetime.fromisoformat(text[:-1]).replace(tzinfo=UTC)
    except ValueError as error:
        raise Malformed(f"no such time: {error}", field=field, code="time_unreadable") from None
    if not FIRST_YEAR <= instant.year <= LAST_YEAR:
        raise Malformed(f"the year must be {FIRST_YEAR} to {LAST_YEAR}", field=field, code="time_out_of_range")
    return instant

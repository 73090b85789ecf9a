"""Bounds and building blocks that every value shares.

Values are frozen msgspec structs: one type serves memory, record and wire. Unknown fields, NaN, infinities and numbers
written as strings are refused when a value is read; lengths and ranges are part of the type.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated

import msgspec
from msgspec import Meta

Id = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9._-]{0,47}$(?!\n)")]
"""A party, node, line, group, asset, place or plan: lower-case ASCII, so that no two look alike."""

ActId = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
"""SHA-256 of the signed text of an act, in hex. It names the act and is the idempotency key."""

Short = Annotated[str, Meta(min_length=1, max_length=200)]
Long = Annotated[str, Meta(min_length=1, max_length=4000)]
Language = Annotated[str, Meta(pattern=r"^[a-z]{2,3}$(?!\n)")]
Instant = Annotated[datetime, Meta(tz=True)]
"""A moment in UTC. A time without a zone, or with another zone, is refused: see `utc`."""

Latitude = Annotated[float, Meta(ge=-90.0, le=90.0)]
Longitude = Annotated[float, Meta(ge=-180.0, le=180.0)]
Altitude = Annotated[float, Meta(ge=-500.0, le=40_000.0)]
"""Metres above the WGS 84 ellipsoid."""
Uncertainty = Annotated[float, Meta(ge=0.0, le=500_000.0)]
"""Metres, a radius within which the speaker holds the true place to be."""
Radius = Annotated[float, Meta(gt=0.0, le=500_000.0)]
Seconds = Annotated[float, Meta(ge=0.0, le=366 * 86_400.0)]

EARLIEST = datetime(1970, 1, 1, tzinfo=UTC)
LATEST = datetime(2100, 1, 1, tzinfo=UTC)

_BIDI_AND_CONTROL = {
    *range(0x20),
    *range(0x7F, 0xA0),
    0x061C,
    *range(0x200B, 0x2010),
    *range(0x2028, 0x202F),
    *range(0x2060, 0x2070),
    0xFEFF,
}
_NEWLINE = 0x0A


class Value(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """The base of everything a party can say."""


class Name(Value, frozen=True, kw_only=True):
    """What a thing is called in the two languages of the line."""

    en: Short
    ar: Short

    def __post_init__(self) -> None:
        plain(self.en, "en")
        plain(self.ar, "ar")


class Words(Value, frozen=True, kw_only=True):
    """Free text exactly as written, with the language it was written in."""

    text: Long
    lang: Language

    def __post_init__(self) -> None:
        plain(self.text, "text")


def utc(moment: datetime, field: str) -> None:
    """Refuse a moment that is not in UTC or lies outside 1970 to 2100."""
    if moment.utcoffset() != timedelta(0):
        raise ValueError(f"{field} must be in UTC (end in Z)")
    if not EARLIEST <= moment < LATEST:
        raise ValueError(f"{field} must lie between 1970 and 2100")


def plain(text: str, field: str) -> None:
    """Refuse control characters, invisible characters and direction overrides (Unicode TR 36: spoofing by order)."""
    for character in text:
        code = ord(character)
        if code in _BIDI_AND_CONTROL and code != _NEWLINE:
            raise ValueError(f"{field} contains a hidden or control character U+{code:04X}")

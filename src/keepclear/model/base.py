"""Bounds and building blocks that every value shares.

Values are frozen msgspec structs: one type serves memory, record and wire. Unknown fields, NaN, infinities and numbers
written as strings are refused when a value is read; lengths and ranges are part of the type.
"""

from __future__ import annotations

import re
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

HIDDEN = (
    r"\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    r"\u3164\ue000-\uf8ff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a"
    r"\U000e0000-\U0010ffff"
)
"""As a class of a regular expression: characters that are not seen, turn the reading order, or mean what two parties
agreed in private (Unicode 17, Default_Ignorable_Code_Point, Bidi_Control, private use). C0 controls are apart."""

_REFUSED = re.compile(rf"[{HIDDEN}\x00-\x09\x0b-\x1f]")


class Value(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True, gc=False):
    """The base of everything a party can say. Frozen and without lists, so nothing in it can refer back to it."""


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
    """Refuse control, invisible and direction-changing characters; a newline is kept (Unicode TR 36: spoofing)."""
    found = hidden_in(text)
    if found is not None:
        raise ValueError(f"{field} contains a hidden or control character {found}")


def hidden_in(text: str) -> str | None:
    """The first character that must not stand in any text, as "U+202E"; None if there is none."""
    found = _REFUSED.search(text)
    return None if found is None else f"U+{ord(found[0]):04X}"

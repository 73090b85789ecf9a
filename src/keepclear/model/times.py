"""Windows of time, and times as somebody said them."""

from __future__ import annotations

from enum import StrEnum

from keepclear.model.base import Instant, Short, Value, plain, utc


class Window(Value, frozen=True, kw_only=True):
    """From `starts_at` up to, not including, `ends_at`, both UTC."""

    starts_at: Instant
    ends_at: Instant

    def __post_init__(self) -> None:
        utc(self.starts_at, "starts_at")
        utc(self.ends_at, "ends_at")
        if self.ends_at <= self.starts_at:
            raise ValueError("ends_at must be after starts_at")


class Precision(StrEnum):
    """How finely a time was said."""

    SECOND = "second"
    MINUTE = "minute"
    HOUR = "hour"
    DAY = "day"
    VAGUE = "vague"


class TimeSaid(Value, frozen=True, kw_only=True):
    """A time in a speaker's words, and what it can be taken to mean.

    `value` is absent where the words do not fix a moment: "7 in the morning" without a zone has a text, a precision and
    no value. It is never filled in.
    """

    text: Short
    precision: Precision
    value: Instant | None = None
    zone: Short | None = None

    def __post_init__(self) -> None:
        plain(self.text, "text")
        if self.value is not None:
            utc(self.value, "value")
            if self.zone is None:
                raise ValueError("zone must be given where a value is: a clock time without its zone is not a moment")

"""Statements: what somebody said in public, in their own words, and what of it a record can be asked.

A claim keeps the speaker's words. Its `about` is a reading of those words made by whoever filed it, in terms a record
can answer; a claim that cannot be read so has none, and the verdict on it is "cannot tell".
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import msgspec
from msgspec import Meta

from keepclear.model.base import ActId, Id, Language, Long, Short, Value, plain
from keepclear.model.coverage import CoverageState
from keepclear.model.groups import HeadClass
from keepclear.model.times import TimeSaid, Window
from keepclear.model.tracks import SensorClass


class Verdict(StrEnum):
    """What the record says of a claim. It never says that anybody lied."""

    CONSISTENT = "consistent"
    CONTRADICTED = "contradicted"
    NOT_SUPPORTED = "not_supported"
    CANNOT_TELL = "cannot_tell"


class Figure(Value, frozen=True, kw_only=True):
    """A number somebody gave, with what it counts. `definition` is the speaker's own ("struck", "killed")."""

    value: Annotated[float, Meta(ge=0.0, le=1e9)]
    unit: Short
    definition: Short | None = None
    as_of: TimeSaid | None = None
    approximate: bool = False


class Passing(Value, tag="passing", tag_field="claims", frozen=True, kw_only=True):
    """Two groups passed one another."""

    group: Id
    other: Id
    at: TimeSaid


class Order(StrEnum):
    """Which came first, the aircraft leaving or the groups passing."""

    LEFT_BEFORE_PASSING = "left_before_passing"
    LEFT_AFTER_PASSING = "left_after_passing"


class Departure(Value, tag="departure", tag_field="claims", frozen=True, kw_only=True):
    """A party's aircraft left the airspace asked for in `request`."""

    party: Id
    group: Id
    other: Id
    at: TimeSaid | None = None
    order: Order | None = None


class Watching(Value, tag="watching", tag_field="claims", frozen=True, kw_only=True):
    """A party watched, or did not watch, a group; `sensor` absent means every kind of watching."""

    party: Id
    group: Id
    window: Window
    state: CoverageState
    sensor: SensorClass | None = None


class HeadCountClaim(Value, tag="head_count", tag_field="claims", frozen=True, kw_only=True):
    """So many people of a class were with a group; the number is in the claim's figure."""

    group: Id
    head_class: HeadClass


class MemberCountClaim(Value, tag="member_count", tag_field="claims", frozen=True, kw_only=True):
    """So many vehicles were in a group; the number is in the claim's figure."""

    group: Id
    at: TimeSaid


class Holder(Value, tag="holder", tag_field="claims", frozen=True, kw_only=True):
    """A party was responsible for a group, or (`holds` false) no longer was."""

    group: Id
    party: Id
    holds: bool = True


class Tally(Value, tag="tally", tag_field="claims", frozen=True, kw_only=True):
    """A running count that the record does not keep; figures on one `topic` are compared with one another."""

    topic: Id


class LineWas(Value, tag="line_was", tag_field="claims", frozen=True, kw_only=True):
    """The line was up, or was not, at a time; or was used, or was not."""

    line: Id
    at: TimeSaid
    up: bool


class AnswerClaim(Value, tag="answer", tag_field="claims", frozen=True, kw_only=True):
    """A proposal or request was agreed to, or was not answered."""

    thread_topic: Id
    agreed: bool


class Silence(Value, tag="silence", tag_field="claims", frozen=True, kw_only=True):
    """The statement does not say whether `sensor` watched `group` in `window`; silence is not a denial."""

    party: Id
    group: Id
    window: Window
    sensor: SensorClass | None = None


About = (
    Passing
    | Departure
    | Watching
    | HeadCountClaim
    | MemberCountClaim
    | Holder
    | Tally
    | LineWas
    | AnswerClaim
    | Silence
)


class Claim(Value, frozen=True, kw_only=True):
    """One thing a speaker claims.

    `words` are the speaker's own where `verbatim`, else a summary of the source by whoever filed it, in `lang`.
    """

    id: Id
    speaker: Short
    side: Short
    said: TimeSaid
    words: Long
    lang: Language
    verbatim: bool
    sources: Annotated[tuple[Short, ...], Meta(max_length=20)] = ()
    figure: Figure | None = None
    about: About | None = None

    def __post_init__(self) -> None:
        plain(self.words, "words")
        if isinstance(self.about, HeadCountClaim | MemberCountClaim | Tally) and self.figure is None:
            raise ValueError("figure must be given for a claim about a number")


class Judgement(Value, frozen=True, kw_only=True):
    """A verdict on a claim: the reason as a code with its figures, and the entries it rests on.

    `marks` are what is noticed beside the verdict: a figure used again, a definition that changed, a time without zone.
    """

    claim: Id
    verdict: Verdict
    reason: Id
    values: dict[str, str | float | bool | None] = msgspec.field(default_factory=dict)
    entries: tuple[ActId, ...] = ()
    marks: tuple[Id, ...] = ()

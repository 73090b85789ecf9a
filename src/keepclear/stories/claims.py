"""The claims of `sources.json` as statements to file: one statement for each topic and publication.

The words are the summary the sources file holds, in English, so never `verbatim`; a phrase the summary puts in
quotation marks stays as it is. What a record can be asked of a claim (`about`) is a reading made for the story, in
`readings.json`; a claim without one is filed all the same, and the record cannot tell.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from typing import NamedTuple

import msgspec

from keepclear.model.acts import PublishStatement
from keepclear.model.base import Id, Instant, Name
from keepclear.model.statements import About, Claim, Figure
from keepclear.model.times import Precision, TimeSaid
from keepclear.stories.sources import ReportedClaim, Source, Sources

_LOCAL = timezone(timedelta(hours=3))
_ZONE = "UTC+03:00"
_DAY = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


class Reading(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a claim says in terms a record can answer, and the figure in it."""

    about: About | None = None
    figure: Figure | None = None


class Readings(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Who files the statements on which line; publishers' names in Arabic; the readings by claim id."""

    author: Id
    line: Id
    filed_at_hour: int
    undated_at: Instant
    publishers: dict[str, str]
    claims: dict[Id, Reading]


class Filing(NamedTuple):
    """A statement and when it is filed."""

    key: str
    at: datetime
    act: PublishStatement


def read_readings(raw: bytes) -> Readings:
    """Decode readings.json; a ValidationError names the field that is wrong."""
    return msgspec.json.decode(raw, type=Readings)


def statements(sources: Sources, readings: Readings) -> Iterator[Filing]:
    """Every claim of every topic, in the publication its first source names, filed on the day that came out."""
    filed = 0
    for topic in sources.conflicts:
        groups: dict[str, list[ReportedClaim]] = {}
        for claim in topic.claims:
            groups.setdefault(claim.source_ids[0], []).append(claim)
        for source_id, claims in groups.items():
            source = sources.source(source_id)
            key = f"{topic.id}.{source_id}"
            act = PublishStatement(
                id=key,
                topic=topic.id,
                title=f"{source.title}\n{source.url}",
                publisher=Name(en=source.publisher, ar=readings.publishers[source.publisher]),
                published=_day_said(source.date),
                claims=tuple(_claim(claim, readings.claims.get(claim.id, Reading())) for claim in claims),
            )
            yield Filing(f"statement.{key}", _filed_at(source, readings, filed), act)
            filed += 1


def _claim(claim: ReportedClaim, reading: Reading) -> Claim:
    return Claim(
        id=claim.id,
        speaker=claim.speaker,
        side=claim.side,
        said=_day_said(claim.said_on),
        words=claim.claim,
        lang="en",
        verbatim=False,
        sources=claim.source_ids,
        figure=reading.figure,
        about=reading.about,
    )


def _day_said(text: str) -> TimeSaid:
    """A date of the sources file: local days, UTC+3. What is no full date keeps its words and gets no value."""
    if not _DAY.fullmatch(text):
        return TimeSaid(text=text, precision=Precision.VAGUE)
    start = datetime.fromisoformat(text).replace(tzinfo=_LOCAL).astimezone(UTC)
    return TimeSaid(text=text, precision=Precision.DAY, value=start, zone=_ZONE)


def _filed_at(source: Source, readings: Readings, number: int) -> datetime:
    """In the evening of the day of publication, a few seconds apart so that the order is always the same."""
    aside = timedelta(seconds=10 * number)
    if not _DAY.fullmatch(source.date):
        return readings.undated_at + aside
    return datetime.fromisoformat(source.date).replace(tzinfo=UTC, hour=readings.filed_at_hour) + aside

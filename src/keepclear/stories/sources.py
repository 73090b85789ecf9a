"""The public reports a story rests on, as carried over: places, lines, sources, and who claimed what."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

from keepclear.model import places as model
from keepclear.model.base import Name


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """A place with how well its coordinates are known."""

    id: str
    name_en: str
    name_ar: str
    lat: float
    lon: float
    precision_km: float
    kind: str
    mgrs: str
    gars: str
    coord_source: str

    @property
    def name(self) -> Name:
        """The place's name in both languages."""
        return Name(en=self.name_en, ar=self.name_ar)

    @property
    def is_area(self) -> bool:
        """True where no source gives a point."""
        return self.kind == "area"

    @property
    def uncertainty_m(self) -> float:
        """Metres within which the place lies."""
        return self.precision_km * 1000.0

    def as_model(self) -> model.Place:
        """The place as a party would say it."""
        position = model.Position(lat_deg=self.lat, lon_deg=self.lon, uncertainty_m=self.uncertainty_m)
        return model.Place(id=self.id, name=self.name, position=position, is_area=self.is_area)


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """One publication."""

    id: str
    title: str
    publisher: str
    date: str
    lang: str
    url: str
    kind: str
    note: str = ""


class ReportedClaim(msgspec.Struct, frozen=True, kw_only=True):
    """One claim as summarised from its sources; the speaker by role."""

    id: str
    speaker: str
    side: str
    said_on: str
    source_ids: tuple[str, ...]
    claim: str
    value: float | str | None
    unit: str | None


class Topic(msgspec.Struct, frozen=True, kw_only=True):
    """A matter on which reports differ."""

    id: str
    topic: str
    assessment: str
    claims: tuple[ReportedClaim, ...]


class MapLine(msgspec.Struct, frozen=True, kw_only=True):
    """A line on the ground; coordinates are [longitude, latitude] as the source gives them."""

    id: str
    name_en: str
    name_ar: str
    source_id: str
    coordinates: tuple[tuple[float, float], ...]


class Sources(msgspec.Struct, frozen=True, kw_only=True):
    """Everything carried over. What this code does not read stays as it is."""

    meta: dict[str, Any]
    sources: tuple[Source, ...]
    places: tuple[Place, ...]
    lines: tuple[MapLine, ...]
    conflicts: tuple[Topic, ...]

    def place(self, place_id: str) -> Place:
        """The place of that id, or KeyError."""
        return _one(self.places, place_id, "place")

    def source(self, source_id: str) -> Source:
        """The publication of that id, or KeyError."""
        return _one(self.sources, source_id, "source")

    def line(self, line_id: str) -> tuple[tuple[float, float], ...]:
        """(longitude, latitude) of each vertex of a line, or KeyError."""
        return _one(self.lines, line_id, "line").coordinates


_Thing = TypeVar("_Thing", Place, Source, MapLine)


def _one(items: tuple[_Thing, ...], wanted: str, what: str) -> _Thing:
    for item in items:
        if item.id == wanted:
            return item
    raise KeyError(f"no {what} {wanted!r} in sources.json")


def read_sources(raw: bytes) -> Sources:
    """Decode sources.json; a ValidationError names the field that is wrong."""
    return msgspec.json.decode(raw, type=Sources)

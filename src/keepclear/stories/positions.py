"""Positions between reports, made up by rule and labelled so.

Nobody published where the vehicles of a story were from hour to hour. So that a picture and an encounter can be
computed at all, each is held to have driven evenly between the places the reports name, in a column. The same data give
the same positions, always; every track carries `Basis` SYNTHETIC with a note in both languages, and an uncertainty that
goes evenly from that of the one place to that of the next.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import NamedTuple

import msgspec

from keepclear.geometry.earth import bearing_deg, destination, distance_m
from keepclear.model.acts import Positions
from keepclear.model.base import Id, Instant
from keepclear.model.basis import Basis, BasisKind
from keepclear.model.groups import AssetKind
from keepclear.model.tracks import Fix, SensorClass, Track
from keepclear.stories.sources import Sources

_RANGE = re.compile(r"(?P<stem>[a-z][a-z0-9.-]*-)(?P<first>[0-9]+)\.\.(?P<last>[0-9]+)")


class PathPoint(msgspec.Struct, array_like=True, frozen=True):
    """At `at` the head of the column is at a named place, or at a bearing and distance from it."""

    at: Instant
    place: str
    bearing_deg: float = 0.0
    distance_m: float = 0.0


class Reporting(msgspec.Struct, array_like=True, frozen=True):
    """From `since` on, a report every so many seconds."""

    since: Instant
    every_s: float


class Movement(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A column of vehicles on one path. Vehicle number n drives `(first_in_column + n) * spacing_m` behind the head."""

    key: str
    author: Id
    line: Id
    sensor: SensorClass
    kind: AssetKind
    assets: Id
    """One name, or several as `bus-01..17`."""
    path: tuple[PathPoint, ...]
    reports: tuple[Reporting, ...]
    until: Instant
    basis: str
    spacing_m: float = 50.0
    first_in_column: int = 0
    uncertainty_m: float | None = None
    alt_wgs84_m: float | None = None


class Here(NamedTuple):
    """A point on the way: degrees, and metres of uncertainty."""

    lat_deg: float
    lon_deg: float
    uncertainty_m: float


class Report(NamedTuple):
    """What one author reports at one time on one line."""

    key: str
    at: datetime
    author: str
    line: str
    act: Positions
    basis: Basis


def read_movements(raw: bytes) -> tuple[Movement, ...]:
    """Decode movements.json; a ValidationError names the field that is wrong."""
    return msgspec.json.decode(raw, type=tuple[Movement, ...])


def reports(movements: Iterable[Movement], sources: Sources, bases: Mapping[str, Basis]) -> list[Report]:
    """One act for each author, line and moment, holding the tracks of every movement that reports then."""
    found: dict[tuple[datetime, str, str, str], list[Track]] = {}
    for movement in movements:
        basis = bases[movement.basis]
        if basis.kind is not BasisKind.SYNTHETIC:
            raise ValueError(f"{movement.key}: positions between reports must have a synthetic basis")
        way = Way(movement, sources)
        for at in report_times(movement):
            tracks = found.setdefault((at, movement.author, movement.line, movement.basis), [])
            for number, asset in enumerate(asset_names(movement.assets)):
                tracks.append(_track(movement, asset, way.at(at, number), at, basis))
    return [
        Report(
            f"positions.{author}.{basis}.{at:%d%H%M}", at, author, line, Positions(tracks=tuple(tracks)), bases[basis]
        )
        for (at, author, line, basis), tracks in sorted(found.items(), key=lambda item: item[0][:3])
    ]


def asset_names(text: str) -> list[str]:
    """`bus-01..17` as seventeen names; a name without dots as itself."""
    found = _RANGE.fullmatch(text)
    if not found:
        return [text]
    width = len(found["first"])
    return [f"{found['stem']}{number:0{width}d}" for number in range(int(found["first"]), int(found["last"]) + 1)]


def report_times(movement: Movement) -> Iterator[datetime]:
    """The moments at which a movement reports, up to and including `until`."""
    ends = [reporting.since for reporting in movement.reports[1:]] + [movement.until]
    for reporting, end in zip(movement.reports, ends, strict=True):
        at = reporting.since
        while at < end:
            yield at
            at += timedelta(seconds=reporting.every_s)
    yield movement.until


class Way:
    """A movement's path measured along the ground, so that a column can be laid on it."""

    def __init__(self, movement: Movement, sources: Sources) -> None:
        self._movement = movement
        self._points = [_point(step, sources, movement.uncertainty_m) for step in movement.path]
        self._chainage = [0.0]
        for a, b in pairwise(self._points):
            self._chainage.append(self._chainage[-1] + distance_m(a.lat_deg, a.lon_deg, b.lat_deg, b.lon_deg))

    def at(self, moment: datetime, number: int) -> Here:
        """Where vehicle `number` of the column is held to be. Before the path begins and after it ends it stands."""
        behind = (self._movement.first_in_column + number) * self._movement.spacing_m
        leg, part = self._head(moment)
        lat, lon = self._place(_between(self._chainage[leg], self._chainage[leg + 1], part) - behind)
        a, b = self._points[leg], self._points[leg + 1]
        return Here(lat, lon, round(_between(a.uncertainty_m, b.uncertainty_m, part)))

    def _head(self, moment: datetime) -> tuple[int, float]:
        """The leg the head of the column is on, and how much of it is behind it."""
        times = [step.at for step in self._movement.path]
        for leg, (start, end) in enumerate(pairwise(times)):
            if moment <= end:
                return leg, max(0.0, (moment - start) / (end - start))
        return len(times) - 2, 1.0

    def _place(self, chainage: float) -> tuple[float, float]:
        for leg, (start, end) in enumerate(pairwise(self._chainage)):
            if end > start and (chainage <= end or end == self._chainage[-1]):
                a, b = self._points[leg], self._points[leg + 1]
                bearing = bearing_deg(a.lat_deg, a.lon_deg, b.lat_deg, b.lon_deg)
                return destination(a.lat_deg, a.lon_deg, bearing, chainage - start)
        return self._points[0].lat_deg, self._points[0].lon_deg


def _between(a: float, b: float, part: float) -> float:
    return a + part * (b - a)


def _point(step: PathPoint, sources: Sources, uncertainty_m: float | None) -> Here:
    place = sources.place(step.place)
    lat, lon = destination(place.lat, place.lon, step.bearing_deg, step.distance_m)
    return Here(lat, lon, place.uncertainty_m if uncertainty_m is None else uncertainty_m)


def _track(movement: Movement, asset: str, here: Here, at: datetime, basis: Basis) -> Track:
    fix = Fix(
        at=at,
        lat_deg=round(here.lat_deg, 5),
        lon_deg=round(here.lon_deg, 5),
        uncertainty_m=here.uncertainty_m,
        alt_wgs84_m=movement.alt_wgs84_m,
    )
    return Track(asset=asset, kind=movement.kind, sensor=movement.sensor, fixes=(fix,), basis=basis)

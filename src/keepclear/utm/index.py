"""Where and when entities are, at the grain the standard works at: cells, one range of heights, one of times.

That is what a DSS compares (F3548-21, Annex A2): the union of the cells of all volumes of an entity, from its lowest to
its highest height and from its first to its last moment. It may say that two meet which do not, never the other way
round; `keepclear.utm.exact` says which of them really do.

Ranges are closed, as in the standard's volumes, so what only touches meets: an entity that ends at the very moment, or
has its top at the very height, where another begins. A metre or a second between them, and they do not.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from keepclear.errors import Malformed
from keepclear.geometry.cells import MAX_CELLS, cells_of_circle, cells_of_polygon
from keepclear.geometry.earth import FloatArray
from keepclear.model.utm import UtmVolume

REMEMBERED = 32
"""One request asks for an extent several times: as it is judged, as it is taken in, and for its subscription."""
MAX_COVERED = 10 * MAX_CELLS
"""Cells of all volumes of one entity, each counted as often as it is covered."""
CROWDED, SPARSE = 48, 16
"""Entities in one cell: above the one they are kept in columns, below the other one by one again."""


class Extent(NamedTuple):
    """Cells (ids of S2 cells of level 13), metres above WGS 84, seconds since 1970 UTC; unbounded ends are infinite."""

    cells: tuple[int, ...]
    lower_m: float
    upper_m: float
    starts_s: float
    ends_s: float


def extent_of(volumes: Iterable[UtmVolume]) -> Extent:
    """The extent of one entity.

    Malformed (`too_large`) if an outline cannot be covered (`keepclear.geometry.cells`), or if there would be more than
    `MAX_CELLS` cells, or `MAX_COVERED` where volumes lie upon one another.
    """
    return _extent_of(tuple(volumes))


def cells_of(volume: UtmVolume) -> tuple[int, ...]:
    """The cells a volume's outline touches."""
    if volume.circle is not None:
        centre = volume.circle.centre
        return cells_of_circle(centre.lat_deg, centre.lng_deg, volume.circle.radius_m)
    return cells_of_polygon([point.lat_deg for point in volume.polygon], [point.lng_deg for point in volume.polygon])


@lru_cache(maxsize=REMEMBERED)
def _extent_of(volumes: tuple[UtmVolume, ...]) -> Extent:
    cells: set[int] = set()
    covered = 0
    lower_m, upper_m, starts_s, ends_s = math.inf, -math.inf, math.inf, -math.inf
    for volume in volumes:
        touched = cells_of(volume)
        cells.update(touched)
        covered += len(touched)
        if len(cells) > MAX_CELLS or covered > MAX_COVERED:
            raise Malformed("the volumes together are too large to be covered", code="too_large")
        lower_m = min(lower_m, -math.inf if volume.lower_m is None else volume.lower_m)
        upper_m = max(upper_m, math.inf if volume.upper_m is None else volume.upper_m)
        starts_s = min(starts_s, -math.inf if volume.starts_at is None else volume.starts_at.timestamp())
        ends_s = max(ends_s, math.inf if volume.ends_at is None else volume.ends_at.timestamp())
    return Extent(tuple(sorted(cells)), lower_m, upper_m, starts_s, ends_s)


class Index:
    """Entities by where and when they are."""

    def __init__(self) -> None:
        self.extents: dict[str, Extent] = {}
        self._by_cell: dict[int, list[str] | _Columns] = {}

    def put(self, name: str, volumes: Sequence[UtmVolume]) -> None:
        """Add an entity, or replace where it is. Malformed, with nothing changed, if it cannot be covered."""
        extent = extent_of(volumes)
        self.remove(name)
        self.extents[name] = extent
        for cell in extent.cells:
            shelf = self._by_cell.get(cell)
            if shelf is None:
                self._by_cell[cell] = [name]
            elif isinstance(shelf, _Columns):
                shelf.add(name, extent)
            else:
                shelf.append(name)
                if len(shelf) > CROWDED:
                    self._by_cell[cell] = _Columns((each, self.extents[each]) for each in shelf)

    def remove(self, name: str) -> None:
        """Take an entity out, if it is there."""
        extent = self.extents.pop(name, None)
        for cell in () if extent is None else extent.cells:
            shelf = self._by_cell[cell]
            shelf.remove(name)
            if isinstance(shelf, _Columns):
                if len(shelf.places) < SPARSE:
                    self._by_cell[cell] = list(shelf.places)
            elif not shelf:
                del self._by_cell[cell]

    def meeting(self, extent: Extent) -> list[str]:
        """The entities whose extent meets this one, sorted by name."""
        cells, lower_m, upper_m, starts_s, ends_s = extent
        near: set[str] = set()
        found: set[str] = set()
        for cell in cells:
            shelf = self._by_cell.get(cell)
            if shelf is None:
                continue
            if isinstance(shelf, _Columns):
                found.update(shelf.meeting(extent))
            else:
                near.update(shelf)
        for name in near:
            other = self.extents[name]
            if (
                other.starts_s <= ends_s
                and starts_s <= other.ends_s
                and other.lower_m <= upper_m
                and lower_m <= other.upper_m
            ):
                found.add(name)
        return sorted(found)


class _Columns:
    """The entities of one crowded cell. A place that is free holds NaN, which meets nothing."""

    __slots__ = ("bounds", "free", "names", "places")

    def __init__(self, held: Iterable[tuple[str, Extent]]) -> None:
        self.places: dict[str, int] = {}
        self.names: list[str] = []
        self.free: list[int] = []
        self.bounds: FloatArray = np.full((4, 2 * CROWDED), np.nan)
        for name, extent in held:
            self.add(name, extent)

    def add(self, name: str, extent: Extent) -> None:
        if self.free:
            place = self.free.pop()
            self.names[place] = name
        else:
            place = len(self.names)
            self.names.append(name)
            room = self.bounds.shape[1]
            if place == room:
                wider = np.full((4, 2 * room), np.nan)
                wider[:, :room] = self.bounds
                self.bounds = wider
        self.places[name] = place
        self.bounds[:, place] = extent[1:]

    def remove(self, name: str) -> None:
        place = self.places.pop(name)
        self.names[place] = ""
        self.bounds[:, place] = np.nan
        self.free.append(place)

    def meeting(self, extent: Extent) -> Iterator[str]:
        _, lower_m, upper_m, starts_s, ends_s = extent
        lower, upper, starts, ends = self.bounds[:, : len(self.names)]
        meets = starts <= ends_s
        meets &= ends >= starts_s
        meets &= lower <= upper_m
        meets &= upper >= lower_m
        return map(self.names.__getitem__, np.flatnonzero(meets).tolist())

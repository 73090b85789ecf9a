"""Where and when entities are, at the grain the standard works at: cells, one range of heights, one of times.

That is what a DSS compares (F3548-21, Annex A2): the union of the cells of all volumes of an entity, from its lowest to
its highest height and from its first to its last moment. It may say that two meet which do not, never the other way
round; `keepclear.utm.exact` says which of them really do.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from typing import NamedTuple

from keepclear.geometry.cells import cells_of_circle, cells_of_polygon
from keepclear.model.utm import UtmVolume


class Extent(NamedTuple):
    """Cells (ids of S2 cells of level 13), metres above WGS 84, seconds since 1970 UTC; unbounded ends are infinite."""

    cells: tuple[int, ...]
    lower_m: float
    upper_m: float
    starts_s: float
    ends_s: float


def extent_of(volumes: Iterable[UtmVolume]) -> Extent:
    """The extent of one entity. Malformed if an outline cannot be covered; see `keepclear.geometry.cells`."""
    cells: set[int] = set()
    lower_m, upper_m, starts_s, ends_s = math.inf, -math.inf, math.inf, -math.inf
    for volume in volumes:
        cells.update(cells_of(volume))
        lower_m = min(lower_m, -math.inf if volume.lower_m is None else volume.lower_m)
        upper_m = max(upper_m, math.inf if volume.upper_m is None else volume.upper_m)
        starts_s = min(starts_s, -math.inf if volume.starts_at is None else volume.starts_at.timestamp())
        ends_s = max(ends_s, math.inf if volume.ends_at is None else volume.ends_at.timestamp())
    return Extent(tuple(sorted(cells)), lower_m, upper_m, starts_s, ends_s)


def cells_of(volume: UtmVolume) -> tuple[int, ...]:
    """The cells a volume's outline touches."""
    if volume.circle is not None:
        centre = volume.circle.centre
        return cells_of_circle(centre.lat_deg, centre.lng_deg, volume.circle.radius_m)
    return cells_of_polygon([point.lat_deg for point in volume.polygon], [point.lng_deg for point in volume.polygon])


class Index:
    """Entities by where and when they are. Touching counts as meeting, as it does in the standard's closed ranges."""

    def __init__(self) -> None:
        self.extents: dict[str, Extent] = {}
        self._by_cell: dict[int, dict[str, Extent]] = {}

    def put(self, name: str, volumes: Sequence[UtmVolume]) -> None:
        """Add an entity, or replace where it is."""
        self.remove(name)
        extent = extent_of(volumes)
        self.extents[name] = extent
        for cell in extent.cells:
            self._by_cell.setdefault(cell, {})[name] = extent

    def remove(self, name: str) -> None:
        """Take an entity out, if it is there."""
        extent = self.extents.pop(name, None)
        for cell in () if extent is None else extent.cells:
            shelf = self._by_cell[cell]
            del shelf[name]
            if not shelf:
                del self._by_cell[cell]

    def meeting(self, extent: Extent) -> list[str]:
        """The entities whose extent meets this one, sorted by name."""
        found: set[str] = set()
        for cell in extent.cells:
            for name, other in self._by_cell.get(cell, {}).items():
                if (
                    other.lower_m <= extent.upper_m
                    and extent.lower_m <= other.upper_m
                    and other.starts_s <= extent.ends_s
                    and extent.starts_s <= other.ends_s
                ):
                    found.add(name)
        return sorted(found)

"""The slow, obvious twin of `keepclear.utm.index.Index`: every entity is looked at."""

from __future__ import annotations

from collections.abc import Sequence

from keepclear.model.utm import UtmVolume
from keepclear.utm.index import Extent, extent_of


class PlainIndex:
    """Entities by where and when they are."""

    def __init__(self) -> None:
        self.extents: dict[str, Extent] = {}

    def put(self, name: str, volumes: Sequence[UtmVolume]) -> None:
        self.extents[name] = extent_of(volumes)

    def remove(self, name: str) -> None:
        self.extents.pop(name, None)

    def meeting(self, extent: Extent) -> list[str]:
        return sorted(name for name, other in self.extents.items() if meet(extent, other))


def meet(one: Extent, other: Extent) -> bool:
    """Whether two extents share a cell, a height and a moment, if only one."""
    return (
        not set(one.cells).isdisjoint(other.cells)
        and max(one.lower_m, other.lower_m) <= min(one.upper_m, other.upper_m)
        and max(one.starts_s, other.starts_s) <= min(one.ends_s, other.ends_s)
    )

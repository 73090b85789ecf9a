"""Views of network Remote ID (F3411-22a): how large one may be, and what is shown in a large one."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from keepclear.formats.f3411.search import View
from keepclear.geometry.earth import distance_m
from keepclear.model.utm import UtmPoint, UtmVolume
from keepclear.utm.ruling import TooLarge

MAX_DIAGONAL_M = 7_000.0
"""NetMaxDisplayAreaDiagonal."""
DETAILED_DIAGONAL_M = 2_000.0
"""NetDetailsMaxDisplayAreaDiagonal: in larger views no flight is shown by itself."""
MIN_SIDE_M = 600.0
"""A cluster is at least twice NetMinObfuscationDistance wide, whoever is in it."""
PARTS = 2
"""A view is parted so often each way, so that each part has 25 % of it (NetMinClusterSize: 15 %)."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """How many flights there are somewhere in a box."""

    box: View
    area_m2: float
    flights: int


def check_view(view: View) -> float:
    """The diagonal in metres. TooLarge if it is more than the standard lets anybody see at once."""
    diagonal_m = distance_m(view.south_deg, view.west_deg, view.north_deg, view.east_deg)
    if diagonal_m > MAX_DIAGONAL_M:
        raise TooLarge(f"the diagonal of a view has at most {MAX_DIAGONAL_M / 1000:g} km", field="view")
    return diagonal_m


def inside(view: View, lat_deg: float, lng_deg: float) -> bool:
    """Whether a point is in a view, its edges included."""
    return view.south_deg <= lat_deg <= view.north_deg and view.west_deg <= lng_deg <= view.east_deg


def volume_of(view: View) -> UtmVolume:
    """The view as a volume of all heights and times; one without an extent is given a little."""
    south, west, north, east = view
    if north - south < 1e-6:
        south, north = max(-90.0, south - 1e-6), min(90.0, north + 1e-6)
    if east - west < 1e-6:
        west, east = max(-180.0, west - 1e-6), min(180.0, east + 1e-6)
    corners = ((south, west), (south, east), (north, east), (north, west))
    return UtmVolume(polygon=tuple(UtmPoint(lat_deg=lat, lng_deg=lng) for lat, lng in corners))


def clusters(view: View, points: Iterable[tuple[float, float]]) -> list[Cluster]:
    """Points of a view (lat, lng; degrees) by the quarter they are in. Where in it they are cannot be told."""
    lat_step, lng_step = (view.north_deg - view.south_deg) / PARTS, (view.east_deg - view.west_deg) / PARTS
    counts = Counter(
        (_part(lat - view.south_deg, lat_step), _part(lng - view.west_deg, lng_step)) for lat, lng in points
    )
    return [_cluster(view, lat_step, lng_step, row, column, count) for (row, column), count in sorted(counts.items())]


def _part(offset_deg: float, step_deg: float) -> int:
    return min(PARTS - 1, max(0, math.floor(offset_deg / step_deg))) if step_deg > 0 else 0


def _cluster(view: View, lat_step: float, lng_step: float, row: int, column: int, count: int) -> Cluster:
    south, west = view.south_deg + row * lat_step, view.west_deg + column * lng_step
    box = _widened(View(south, west, south + lat_step, west + lng_step))
    height_m, width_m = _sides_m(box)
    return Cluster(box, height_m * width_m, count)


def _sides_m(box: View) -> tuple[float, float]:
    """Height and width of a small box, along its middle."""
    middle = (box.south_deg + box.north_deg) / 2.0
    height_m = distance_m(box.south_deg, box.west_deg, box.north_deg, box.west_deg)
    return height_m, distance_m(middle, box.west_deg, middle, box.east_deg)


def _widened(box: View) -> View:
    """A box no side of which is shorter than `MIN_SIDE_M`, about the same middle, within what degrees there are."""
    lat, lng = (box.south_deg + box.north_deg) / 2.0, (box.west_deg + box.east_deg) / 2.0
    half_lat, half_lng = (box.north_deg - box.south_deg) / 2.0, (box.east_deg - box.west_deg) / 2.0
    height_m, width_m = _sides_m(box)
    if height_m < MIN_SIDE_M:
        half_lat = math.degrees(MIN_SIDE_M / 2.0 / 6_300_000.0)
    if width_m < MIN_SIDE_M:
        half_lng = math.degrees(MIN_SIDE_M / 2.0 / 6_300_000.0) / max(math.cos(math.radians(lat)), 1e-3)
    return View(
        max(-90.0, lat - half_lat), max(-180.0, lng - half_lng), min(90.0, lat + half_lat), min(180.0, lng + half_lng)
    )

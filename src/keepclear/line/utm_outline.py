"""Volumes of UTM services as volumes of the line: exactly where the line can hold them, else in an outline around them.

A line takes at most 50 volumes, 1,000 vertices an outline, -500 to 40,000 m and what fits one envelope; a service may
say more than that. What does not fit is drawn as circles that surely contain it, and said to be so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from keepclear.errors import Malformed
from keepclear.geometry.earth import distances_m
from keepclear.model.base import EARLIEST, LATEST
from keepclear.model.places import LatLon
from keepclear.model.times import Window
from keepclear.model.utm import UtmCircle, UtmPoint, UtmVolume
from keepclear.model.volumes import MAX_VERTICES, AltitudeBand, Area, Circle, Polygon, Volume

MOST_VOLUMES = 50
LOWEST_M, HIGHEST_M = -500.0, 40_000.0
LARGEST_RADIUS_M = 500_000.0
BEYOND = 1.001
"""By how much a circle drawn around an outline is wider than its farthest vertex. Within 500 km a circle holds the
shortest way between any two points of it, so it holds the edges too."""
_LAST = LATEST - timedelta(microseconds=1)


class Outline(NamedTuple):
    """Volumes for a line. `whole`: they are what the service said, not an outline around it."""

    volumes: tuple[Volume, ...]
    whole: bool


def exactly(volumes: Sequence[UtmVolume]) -> Outline | None:
    """The volumes one by one; None if there are more, or larger ones, than a line takes.

    Heights and times beyond those a line knows end where these end; then it is not the `whole`.
    """
    if not volumes or len(volumes) > MOST_VOLUMES:
        return None
    if any(
        len(each.polygon) > MAX_VERTICES or (each.circle and each.circle.radius_m > LARGEST_RADIUS_M)
        for each in volumes
    ):
        return None
    return Outline(
        tuple(Volume(area=_area(each), band=_band((each,)), window=_window((each,))) for each in volumes),
        all(_is_known(each) for each in volumes),
    )


def around(volumes: Sequence[UtmVolume], widest: Circle) -> Outline:
    """Circles that contain the volumes: one around each where there are few enough, else one around all.

    What no circle of 500 km contains is drawn as `widest`, the area that the line is about: as far as the line looks,
    it may be anywhere.
    """
    groups = [(each,) for each in volumes] if len(volumes) <= MOST_VOLUMES else [tuple(volumes)]
    return Outline(
        tuple(
            Volume(area=circle_around(group) or widest, band=_band(group), window=_window(group)) for group in groups
        ),
        False,
    )


def for_services(volume: Volume) -> UtmVolume:
    """A volume of the line as a service would say it."""
    area = volume.area
    circle = UtmCircle(centre=_point(area.centre), radius_m=area.radius_m) if isinstance(area, Circle) else None
    return UtmVolume(
        polygon=() if isinstance(area, Circle) else tuple(_point(vertex) for vertex in area.vertices),
        circle=circle,
        lower_m=volume.band.lower_wgs84_m,
        upper_m=volume.band.upper_wgs84_m,
        starts_at=volume.window.starts_at,
        ends_at=volume.window.ends_at,
    )


def circle_around(volumes: Sequence[UtmVolume]) -> Circle | None:
    """A circle that contains all of the volumes; None if none of at most 500 km does."""
    points = [point for each in volumes for point in each.polygon]
    points += [each.circle.centre for each in volumes if each.circle is not None]
    reaches = [0.0 for each in volumes for _ in each.polygon]
    reaches += [each.circle.radius_m for each in volumes if each.circle is not None]
    centre = _middle(points)
    if centre is None:
        return None
    try:
        away_m = distances_m(
            centre.lat_deg, centre.lon_deg, [each.lat_deg for each in points], [each.lng_deg for each in points]
        )
    except Malformed:
        return None
    radius_m = max(apart + reach for apart, reach in zip(away_m.tolist(), reaches, strict=True)) * BEYOND + 1.0
    return Circle(centre=centre, radius_m=radius_m) if radius_m <= LARGEST_RADIUS_M else None


def _area(volume: UtmVolume) -> Area:
    if volume.circle is not None:
        centre = volume.circle.centre
        return Circle(centre=_lat_lon(centre), radius_m=volume.circle.radius_m)
    return Polygon(vertices=tuple(_lat_lon(each) for each in volume.polygon))


def _middle(points: Sequence[UtmPoint]) -> LatLon | None:
    """The middle of points as directions from the centre of the earth, which knows no date line and no poles."""
    x = y = z = 0.0
    for point in points:
        lat, lng = math.radians(point.lat_deg), math.radians(point.lng_deg)
        x += math.cos(lat) * math.cos(lng)
        y += math.cos(lat) * math.sin(lng)
        z += math.sin(lat)
    if math.hypot(x, y, z) < 1e-6 * len(points):
        return None
    lat_deg, lon_deg = math.degrees(math.atan2(z, math.hypot(x, y))), math.degrees(math.atan2(y, x))
    return LatLon(lat_deg=round(lat_deg, 6), lon_deg=round(lon_deg, 6))


def _band(volumes: Sequence[UtmVolume]) -> AltitudeBand:
    lower_m = min(LOWEST_M if each.lower_m is None else each.lower_m for each in volumes)
    upper_m = max(HIGHEST_M if each.upper_m is None else each.upper_m for each in volumes)
    return AltitudeBand(
        lower_wgs84_m=min(max(lower_m, LOWEST_M), HIGHEST_M), upper_wgs84_m=max(min(upper_m, HIGHEST_M), LOWEST_M)
    )


def _window(volumes: Sequence[UtmVolume]) -> Window:
    starts_at = min(EARLIEST if each.starts_at is None else each.starts_at for each in volumes)
    ends_at = max(_LAST if each.ends_at is None else each.ends_at for each in volumes)
    starts_at = min(max(starts_at, EARLIEST), _LAST - timedelta(seconds=1))
    return Window(starts_at=starts_at, ends_at=_after(starts_at, min(ends_at, _LAST)))


def _after(starts_at: datetime, ends_at: datetime) -> datetime:
    return ends_at if ends_at > starts_at else starts_at + timedelta(milliseconds=1)


def _is_known(volume: UtmVolume) -> bool:
    lower_m, upper_m = volume.lower_m, volume.upper_m
    starts_at, ends_at = volume.starts_at, volume.ends_at
    return (
        (lower_m is None or lower_m >= LOWEST_M)
        and (upper_m is None or upper_m <= HIGHEST_M)
        and (starts_at is None or starts_at >= EARLIEST)
        and (ends_at is None or ends_at < LATEST)
    )


def _lat_lon(point: UtmPoint) -> LatLon:
    return LatLon(lat_deg=point.lat_deg, lon_deg=point.lng_deg)


def _point(place: LatLon) -> UtmPoint:
    return UtmPoint(lat_deg=place.lat_deg, lng_deg=place.lon_deg)

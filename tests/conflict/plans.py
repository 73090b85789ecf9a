"""Plans for tests, laid out in metres east and north of a place and seconds after a moment."""

from __future__ import annotations

import math
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

from keepclear.geometry.earth import destination
from keepclear.model.base import Name
from keepclear.model.basis import DECLARED, Basis
from keepclear.model.places import LatLon, PlaceNames
from keepclear.model.plans import Plan, PlanKind, Trajectory, Waypoint
from keepclear.model.times import Window
from keepclear.model.volumes import AltitudeBand, Area, Circle, Polygon, Volume

START = datetime(2017, 9, 8, 7, tzinfo=UTC)
DESERT = (35.1, 40.4)
DATELINE = (-18.0, 180.0)
POLE = (89.99, 10.0)
PLACES = (DESERT, DATELINE, POLE)
NAMES = (PlaceNames(grid="37SDU882603", nearest=Name(en="Well", ar="بئر"), bearing_deg=10.0, distance_m=5.0),)

Stop = tuple[float, float, float, float | None]
"""Seconds after `START`, metres east, metres north, height."""


def moment(seconds: float) -> datetime:
    return START + timedelta(seconds=seconds)


def spot(place: tuple[float, float], east: float, north: float) -> tuple[float, float]:
    """The point so far east and north, by bearing and distance: no plane is used."""
    return destination(*place, math.degrees(math.atan2(east, north)), math.hypot(east, north))


def band(lower: float, upper: float) -> AltitudeBand:
    return AltitudeBand(lower_wgs84_m=lower, upper_wgs84_m=upper)


def window(begin: float, end: float) -> Window:
    return Window(starts_at=moment(begin), ends_at=moment(end))


def way(
    stops: Sequence[Stop],
    *,
    place: tuple[float, float] = DESERT,
    buffer_m: float = 0.0,
    vertical_buffer_m: float = 0.0,
    early_s: float = 0.0,
    late_s: float = 0.0,
) -> Trajectory:
    points = [(t, *spot(place, east, north), height) for t, east, north, height in stops]
    return Trajectory(
        waypoints=tuple(
            Waypoint(at=moment(t), lat_deg=lat, lon_deg=lon, alt_wgs84_m=height) for t, lat, lon, height in points
        ),
        buffer_m=buffer_m,
        vertical_buffer_m=vertical_buffer_m,
        early_s=early_s,
        late_s=late_s,
    )


def square(east: float, north: float, half: float, place: tuple[float, float] = DESERT) -> Polygon:
    corners = [(-half, -half), (half, -half), (half, half), (-half, half)]
    points = [spot(place, east + x, north + y) for x, y in corners]
    return Polygon(vertices=tuple(LatLon(lat_deg=lat, lon_deg=lon) for lat, lon in points))


def circle(east: float, north: float, radius: float, place: tuple[float, float] = DESERT) -> Circle:
    lat, lon = spot(place, east, north)
    return Circle(centre=LatLon(lat_deg=lat, lon_deg=lon), radius_m=radius)


def volume(area: Area, begin: float, end: float, lower: float = 0.0, upper: float = 10_000.0) -> Volume:
    return Volume(area=area, band=band(lower, upper), window=window(begin, end))


def plan(
    trajectory: Trajectory | None = None,
    volumes: Sequence[Volume] = (),
    *,
    kind: PlanKind = PlanKind.FLIGHT,
    heights: tuple[float, float] = (0.0, 10_000.0),
    basis: Basis = DECLARED,
) -> Plan:
    return Plan(
        id="plan",
        kind=kind,
        name=Name(en="Plan", ar="خطة"),
        window=window(0.0, 86_400.0),
        band=band(*heights),
        volumes=tuple(volumes),
        trajectory=trajectory,
        names=NAMES,
        basis=basis,
    )

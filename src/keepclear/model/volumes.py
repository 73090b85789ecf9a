"""Blocks of air: an area, an altitude band and a window of time."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from keepclear.model.base import Altitude, Radius, Value
from keepclear.model.places import LatLon
from keepclear.model.times import Window

MAX_VERTICES = 1000


class AltitudeBand(Value, frozen=True, kw_only=True):
    """Metres above the WGS 84 ellipsoid, both ends included."""

    lower_wgs84_m: Altitude
    upper_wgs84_m: Altitude

    def __post_init__(self) -> None:
        if self.upper_wgs84_m < self.lower_wgs84_m:
            raise ValueError("upper_wgs84_m must not be below lower_wgs84_m")


class Polygon(Value, tag="polygon", tag_field="shape", frozen=True, kw_only=True):
    """A simple closed outline; the last vertex joins the first. Whether it crosses itself is checked by `geometry`."""

    vertices: Annotated[tuple[LatLon, ...], Meta(min_length=3, max_length=MAX_VERTICES)]


class Circle(Value, tag="circle", tag_field="shape", frozen=True, kw_only=True):
    """All points within `radius_m` of `centre` along the ellipsoid."""

    centre: LatLon
    radius_m: Radius


Area = Polygon | Circle


class Volume(Value, frozen=True, kw_only=True):
    """An area through an altitude band for a window of time."""

    area: Area
    band: AltitudeBand
    window: Window

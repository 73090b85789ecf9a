"""Positions, and places named in two independent ways."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from keepclear.model.base import Altitude, Id, Latitude, Longitude, Name, Short, Uncertainty, Value

Grid = Annotated[str, Meta(pattern=r"^[0-9]{1,3}[A-Z0-9 ]{2,17}$(?!\n)")]
"""An MGRS reference or a GARS cell, WGS 84, as read over a voice line ("37SDU882603", "438LK25")."""


class LatLon(Value, array_like=True, frozen=True, kw_only=True):
    """A point in WGS 84 degrees. On the wire: [latitude, longitude]."""

    lat_deg: Latitude
    lon_deg: Longitude


class Position(Value, frozen=True, kw_only=True):
    """A point with the radius the speaker is willing to stand for."""

    lat_deg: Latitude
    lon_deg: Longitude
    uncertainty_m: Uncertainty
    alt_wgs84_m: Altitude | None = None


class Place(Value, frozen=True, kw_only=True):
    """A named place. Where `uncertainty_m` is large it is an area and must be drawn as one."""

    id: Id
    name: Name
    position: Position
    is_area: bool = False


class PlaceNames(Value, frozen=True, kw_only=True):
    """One place named in two ways that share no digits: a grid, and bearing and distance from a named place.

    `bearing_deg` is true, from the named place toward the position; `distance_m` along the ellipsoid.
    """

    grid: Grid
    nearest: Name
    bearing_deg: Annotated[float, Meta(ge=0.0, lt=360.0)]
    distance_m: Annotated[float, Meta(ge=0.0, le=2_000_000.0)]
    described: Short | None = None

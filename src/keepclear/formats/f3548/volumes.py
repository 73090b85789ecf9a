"""Volumes, times and ids as F3548-21 writes them, and the values of `keepclear.model.utm` they stand for.

The bounds are the standard's (schemas Volume4D, Altitude, Circle, Polygon, Time); how large or how far off a volume may
be is a matter of the rules in `keepclear.utm`.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Literal, TypeVar

import msgspec
from msgspec import Meta

from keepclear.errors import Malformed
from keepclear.formats.wire import refusal
from keepclear.model.base import Latitude, Longitude
from keepclear.model.utm import (
    MAX_OUTLINE,
    UTM_EARLIEST,
    UTM_LATEST,
    Height,
    UtmCircle,
    UtmPoint,
    UtmVolume,
)

T = TypeVar("T")

Uuid4 = Annotated[
    str, Meta(pattern=r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-4[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$(?!\n)")
]
Uuid7 = Annotated[
    str, Meta(pattern=r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-7[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$(?!\n)")
]
WireUrl = Annotated[str, Meta(pattern=r"^[\x21-\x7e]{8,2000}$(?!\n)")]
"""Printable ASCII (RFC 3986); the scheme is a matter of the rules."""

_UUID4 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}")


class Wire(msgspec.Struct, frozen=True, omit_defaults=True):
    """The base of what is on the wire. Unknown fields are ignored."""


class Time(Wire, frozen=True, omit_defaults=False):
    """RFC 3339 in UTC. `format` is always there."""

    value: datetime
    format: Literal["RFC3339"]


class Altitude(Wire, frozen=True, omit_defaults=False):
    """Metres above the WGS 84 ellipsoid."""

    value: Height
    reference: Literal["W84"]
    units: Literal["M"]


class Radius(Wire, frozen=True, omit_defaults=False):
    """Metres along the ellipsoid; at most half way round the earth."""

    value: Annotated[float, Meta(gt=0.0, le=20_100_000.0)]
    units: Literal["M"]


class LatLngPoint(Wire, frozen=True, omit_defaults=False):
    """Degrees, WGS 84."""

    lat: Latitude
    lng: Longitude


class Circle(Wire, frozen=True):
    """Both are needed, though the schema requires neither: a circle without one of them is nowhere."""

    center: LatLngPoint
    radius: Radius


class Polygon(Wire, frozen=True):
    """An outline, wound either way, whose last vertex is joined to its first."""

    vertices: Annotated[tuple[LatLngPoint, ...], Meta(min_length=3, max_length=MAX_OUTLINE)]


class Volume3D(Wire, frozen=True):
    """Exactly one of the outlines is there."""

    outline_circle: Circle | None = None
    outline_polygon: Polygon | None = None
    altitude_lower: Altitude | None = None
    altitude_upper: Altitude | None = None


class Volume4D(Wire, frozen=True):
    """What is left out is not bounded."""

    volume: Volume3D
    time_start: Time | None = None
    time_end: Time | None = None


def decoded(decoder: msgspec.json.Decoder[T], body: bytes) -> T:
    """A message from its bytes. Malformed naming the field, or `body` if it is not JSON."""
    try:
        return decoder.decode(body)
    except msgspec.ValidationError as error:
        found = refusal(str(error))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        found = Malformed(f"not JSON in UTF-8: {error}", field="body", code="not_json")
    found.field = found.field or "body"
    raise found


def entity_id(text: str, field: str) -> str:
    """A UUID (version 4) in lower case, from either case. Malformed naming the field."""
    lowered = text.lower()
    if not _UUID4.fullmatch(lowered):
        raise Malformed("an id is a UUID of version 4", field=field, code="utm_not_uuid")
    return lowered


def volume_of(wire: Volume4D, field: str) -> UtmVolume:
    """The volume that is meant. Malformed (`<field>.volume.…`) for none or two outlines, or a time that is not UTC."""
    shape = wire.volume
    if (shape.outline_circle is None) == (shape.outline_polygon is None):
        missing = shape.outline_circle is None
        raise Malformed(
            "a volume has an outline_polygon or an outline_circle" if missing else "a volume has one outline, not two",
            field=f"{field}.volume.{'outline_polygon' if missing else 'outline_circle'}",
            code="missing_field" if missing else "utm_two_outlines",
        )
    polygon: tuple[UtmPoint, ...] = ()
    circle = None
    if shape.outline_polygon is not None:
        polygon = tuple([UtmPoint(lat_deg=each.lat, lng_deg=each.lng) for each in shape.outline_polygon.vertices])
    elif shape.outline_circle is not None:
        centre = shape.outline_circle.center
        circle = UtmCircle(
            centre=UtmPoint(lat_deg=centre.lat, lng_deg=centre.lng), radius_m=shape.outline_circle.radius.value
        )
    return UtmVolume(
        polygon=polygon,
        circle=circle,
        lower_m=None if shape.altitude_lower is None else shape.altitude_lower.value,
        upper_m=None if shape.altitude_upper is None else shape.altitude_upper.value,
        starts_at=moment_of(wire.time_start, f"{field}.time_start"),
        ends_at=moment_of(wire.time_end, f"{field}.time_end"),
    )


def volumes_of(wires: Sequence[Volume4D], field: str) -> tuple[UtmVolume, ...]:
    """Several volumes; Malformed names the one (`extents[2].volume.…`)."""
    return tuple([volume_of(each, f"{field}[{number}]") for number, each in enumerate(wires)])


def moment_of(time: Time | None, field: str) -> datetime | None:
    """The moment; Malformed (`<field>.value`) if it is not in UTC, or outside 1900 to 2200."""
    return None if time is None else utc(time.value, f"{field}.value")


def utc(value: datetime, field: str) -> datetime:
    """The moment; Malformed naming the field if it is not in UTC, or outside 1900 to 2200."""
    offset = value.utcoffset()
    if offset is None or offset:
        raise Malformed("a time is in UTC and ends in Z", field=field, code="time_not_utc")
    if not UTM_EARLIEST <= value < UTM_LATEST:
        raise Malformed("a time is from 1900 to 2200", field=field, code="utm_time_range")
    return value


def wire_time(moment: datetime | None) -> Time | None:
    """A moment as it is written; None stays None."""
    return None if moment is None else Time(moment.astimezone(UTC), "RFC3339")


def wire_volume(volume: UtmVolume) -> Volume4D:
    """A volume as it is written."""
    shape = Volume3D(
        outline_circle=None
        if volume.circle is None
        else Circle(
            LatLngPoint(volume.circle.centre.lat_deg, volume.circle.centre.lng_deg),
            Radius(volume.circle.radius_m, "M"),
        ),
        outline_polygon=Polygon(tuple([LatLngPoint(each.lat_deg, each.lng_deg) for each in volume.polygon]))
        if volume.polygon
        else None,
        altitude_lower=None if volume.lower_m is None else Altitude(volume.lower_m, "W84", "M"),
        altitude_upper=None if volume.upper_m is None else Altitude(volume.upper_m, "W84", "M"),
    )
    return Volume4D(shape, wire_time(volume.starts_at), wire_time(volume.ends_at))

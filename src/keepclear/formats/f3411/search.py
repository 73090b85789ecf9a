"""What stands in the queries of F3411: areas, views and times, as text."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from keepclear.errors import Malformed
from keepclear.formats.f3548.volumes import utc
from keepclear.model.utm import MAX_OUTLINE, UtmPoint, UtmVolume

_number = msgspec.json.Decoder(float)


class View(NamedTuple):
    """The smallest box about two corners; degrees, WGS 84. It does not reach over the antimeridian."""

    south_deg: float
    west_deg: float
    north_deg: float
    east_deg: float


def read_search(query: Mapping[str, str]) -> UtmVolume:
    """The volume that is searched: `area`, and `earliest_time` and `latest_time` if they are given.

    Malformed naming the parameter.
    """
    if "area" not in query:
        raise Malformed("Object missing required field", field="area", code="missing_field")
    points = _points(query["area"], "area")
    if len(points) < 3:
        raise Malformed("an area has three vertices or more: lat,lng,lat,lng,…", field="area", code="utm_area_text")
    earliest, latest = _time(query, "earliest_time"), _time(query, "latest_time")
    if earliest is not None and latest is not None and latest < earliest:
        raise Malformed("it must not end before it begins", field="latest_time", code="times_order")
    return UtmVolume(polygon=tuple(points), starts_at=earliest, ends_at=latest)


def read_view(query: Mapping[str, str]) -> View:
    """The `view`: lat1,lng1,lat2,lng2. Malformed naming it."""
    if "view" not in query:
        raise Malformed("Object missing required field", field="view", code="missing_field")
    points = _points(query["view"], "view")
    if len(points) != 2:
        raise Malformed("a view has two corners: lat1,lng1,lat2,lng2", field="view", code="utm_area_text")
    lats, lngs = sorted(each.lat_deg for each in points), sorted(each.lng_deg for each in points)
    return View(lats[0], lngs[0], lats[1], lngs[1])


def read_seconds(query: Mapping[str, str], name: str, most: float) -> float:
    """A duration of 0 to `most` seconds; 0 if it is not given. Malformed naming it."""
    if name not in query:
        return 0.0
    try:
        seconds = _number.decode(query[name])
    except (msgspec.DecodeError, UnicodeEncodeError):
        raise Malformed("not a number of seconds", field=name) from None
    if not 0.0 <= seconds <= most:
        raise Malformed(f"seconds must be from 0 to {most:g}", field=name)
    return seconds


def _points(text: str, field: str) -> Sequence[UtmPoint]:
    words = text.split(",")
    if len(words) > 2 * MAX_OUTLINE:
        raise Malformed("too many vertices", field=field, code="utm_area_text")
    if len(words) % 2:
        raise Malformed("every lat needs its lng: lat,lng,lat,lng,…", field=field, code="utm_area_text")
    return [
        UtmPoint(lat_deg=_degrees(lat, 90.0, field), lng_deg=_degrees(lng, 180.0, field)) for lat, lng in _pairs(words)
    ]


def _pairs(words: list[str]) -> list[tuple[str, str]]:
    return list(zip(words[::2], words[1::2], strict=True))


def _degrees(word: str, most: float, field: str) -> float:
    try:
        value = _number.decode(word.strip())
    except (msgspec.DecodeError, UnicodeEncodeError):
        raise Malformed("not a number of degrees", field=field, code="utm_area_text") from None
    if not -most <= value <= most:
        raise Malformed(f"degrees must be from -{most:g} to {most:g}", field=field, code="utm_area_text")
    return value


def _time(query: Mapping[str, str], name: str) -> datetime | None:
    if name not in query:
        return None
    try:
        return utc(msgspec.convert(query[name], datetime), name)
    except msgspec.ValidationError:
        raise Malformed("a time is in UTC and ends in Z", field=name, code="time_not_utc") from None

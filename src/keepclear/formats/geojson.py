"""Plans and positions in GeoJSON (RFC 7946). The shapes, with examples, are in docs/formats.md.

Members that this page does not name are ignored, as the format says (section 6.1). What is named must be as it should:
nothing is repaired, and a coordinate system other than WGS 84 is refused.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, NoReturn

import msgspec
import numpy as np
from msgspec import Meta

from keepclear.errors import Malformed
from keepclear.formats.draft import Draft, DraftVolume, Found, datum_of, kind_of, plans_of, seconds
from keepclear.geometry.columns import Datum, Positions, checked_positions
from keepclear.geometry.earth import FloatArray
from keepclear.model.plans import PlanKind

MAX_BYTES = 512 * 2**20
_WGS84_NAMES = ("urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:OGC::CRS84")

_Coordinate = Annotated[list[float], Meta(min_length=2, max_length=3)]
_Line = list[_Coordinate]


class _Point(msgspec.Struct, tag_field="type", tag="Point"):
    coordinates: _Coordinate


class _LineString(msgspec.Struct, tag_field="type", tag="LineString"):
    coordinates: _Line


class _MultiLineString(msgspec.Struct, tag_field="type", tag="MultiLineString"):
    coordinates: list[_Line]


class _Polygon(msgspec.Struct, tag_field="type", tag="Polygon"):
    coordinates: list[_Line]


class _MultiPolygon(msgspec.Struct, tag_field="type", tag="MultiPolygon"):
    coordinates: list[list[_Line]]


class _MultiPoint(msgspec.Struct, tag_field="type", tag="MultiPoint"):
    pass


class _GeometryCollection(msgspec.Struct, tag_field="type", tag="GeometryCollection"):
    pass


_Geometry = _Point | _LineString | _MultiLineString | _Polygon | _MultiPolygon | _MultiPoint | _GeometryCollection


class _CoordinateProperties(msgspec.Struct):
    times: Any = None


class _Properties(msgspec.Struct, rename={"coord_times": "coordTimes", "each": "coordinateProperties"}):
    id: str | int | None = None
    name: str | None = None
    kind: str | None = None
    datum: str | None = None
    times: Any = None
    coord_times: Any = None
    datetimes: Any = None
    each: _CoordinateProperties | None = None
    time: Any = None
    starts_at: Any = None
    ends_at: Any = None
    lower_m: float | None = None
    upper_m: float | None = None
    radius_m: float | None = None
    buffer_m: float | None = None
    vertical_buffer_m: float | None = None
    early_s: float | None = None
    late_s: float | None = None
    uncertainty_m: float | None = None


class _Feature(msgspec.Struct, tag_field="type", tag="Feature"):
    geometry: _Geometry | None
    properties: _Properties | None
    id: str | int | None = None
    crs: Any = None


class _FeatureCollection(msgspec.Struct, tag_field="type", tag="FeatureCollection"):
    features: list[_Feature]
    crs: Any = None


_Whole = _FeatureCollection | _Feature | _Geometry
_decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(_Whole)
_WORDS = re.compile(r"(?P<words>.*?)(?: - at `\$\.?(?P<path>[^`]*)`)?$", re.DOTALL)


def read_plans(source: bytes | Mapping[str, Any], name: str) -> Found:
    """The plans of a GeoJSON text or object; those without an id are `name#1`, `name#2` by the place of their feature.

    Features of the same id are one plan: one line at most, any number of areas. Features without geometry, and points
    with a time (positions), are left out and counted. Malformed naming the member.
    """
    left_out: Counter[str] = Counter()
    drafts: dict[str, Draft] = {}
    for number, where, feature in _features(source):
        if feature.geometry is None:
            left_out["without_geometry"] += 1
        elif isinstance(feature.geometry, _Point) and _properties(feature).radius_m is None:
            if _properties(feature).time is None:
                raise Malformed("a circle needs radius_m", field=f"{where}properties.radius_m", code="missing_field")
            left_out["positions"] += 1
        else:
            for draft in _drafts(feature, where, f"{name}#{number}"):
                _gather(drafts, draft, where)
    return Found(plans_of(list(drafts.values())), left_out)


def read_positions(source: bytes | Mapping[str, Any]) -> Positions:
    """Positions: points with an id and a time; any other feature is refused. Malformed naming the member."""
    places: dict[str, int] = {}
    rows: list[tuple[float, ...]] = []
    datums = set()
    for _, where, feature in _features(source):
        said = _properties(feature)
        if not isinstance(feature.geometry, _Point):
            raise Malformed("a position is a point", field=f"{where}geometry", code="not_positions")
        for member, value in (("id", _id(feature, where)), ("time", said.time)):
            if value is None:
                raise Malformed("a position needs this", field=f"{where}properties.{member}", code="missing_field")
        mover = places.setdefault(str(_id(feature, where)), len(places))
        lon, lat, alt = _coordinates([feature.geometry.coordinates])[0]
        at = seconds(said.time, f"{where}properties.time")
        rows.append((mover, at, lat, lon, alt, said.uncertainty_m or 0.0))
        datums.add(datum_of(said.datum or Datum.WGS84, f"{where}properties.datum"))
        if len(datums) > 1:
            message = "positions that are read together have one datum"
            raise Malformed(message, field=f"{where}properties.datum", code="one_datum")
    table = np.array(rows, dtype=np.float64).reshape(len(rows), 6)
    return checked_positions(
        Positions(
            ids=tuple(places),
            mover=table[:, 0].astype(np.int64),
            t_s=table[:, 1],
            lat_deg=table[:, 2],
            lon_deg=table[:, 3],
            alt_m=table[:, 4],
            uncertainty_m=table[:, 5],
            datum=datums.pop() if datums else Datum.WGS84,
        )
    )


# ── the text ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def _features(source: bytes | Mapping[str, Any]) -> Iterator[tuple[int, str, _Feature]]:
    """The number of each feature from 1, the path to it (ending in a dot, if there is one), and the feature."""
    whole = _read(source)
    if isinstance(whole, _FeatureCollection):
        _refuse_other_crs(whole.crs, "crs")
        for i, feature in enumerate(whole.features):
            _refuse_other_crs(feature.crs, f"features[{i}].crs")
            yield i + 1, f"features[{i}].", feature
    elif isinstance(whole, _Feature):
        _refuse_other_crs(whole.crs, "crs")
        yield 1, "", whole
    else:
        message = "a bare geometry has no times; put it in a Feature"
        raise Malformed(message, field="type", code="wrong_geometry", kind=type(whole).__name__.removeprefix("_"))


def _read(source: bytes | Mapping[str, Any]) -> Any:
    try:
        if not isinstance(source, bytes):
            return _of_object(source)
        if len(source) > MAX_BYTES:
            raise Malformed(f"more than {MAX_BYTES} bytes", code="too_large")
        return _decoder.decode(source.removeprefix(b"\xef\xbb\xbf"))
    except msgspec.ValidationError as error:
        _refuse(str(error))
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(f"not JSON in UTF-8: {error}", code="not_json") from None
    except RecursionError:
        raise Malformed("nested too deep", code="too_deep") from None


def _of_object(source: Mapping[str, Any]) -> Any:
    """As of text. Numbers and arrays of NumPy, and times as `datetime`, count as what they would be written as."""
    try:
        return msgspec.convert(source, _Whole)
    except msgspec.ValidationError as error:
        try:
            written = msgspec.to_builtins(source, enc_hook=_written)
        except TypeError:
            raise error from None
        return msgspec.convert(written, _Whole)


def _written(value: object) -> object:
    if isinstance(value, np.generic | np.ndarray):
        return value.tolist()
    raise TypeError


def _refuse(text: str) -> NoReturn:
    found = _WORDS.fullmatch(text)
    assert found is not None
    raise Malformed(found["words"], field=found["path"] or "")


def _refuse_other_crs(crs: Any, field: str) -> None:
    """The `crs` of the older GeoJSON of 2008 may only name what RFC 7946 means anyway."""
    if crs is None:
        return
    name = crs.get("properties", {}).get("name") if isinstance(crs, dict) else crs
    if name not in _WGS84_NAMES:
        raise Malformed(
            f"coordinates must be WGS 84, not {name}", field=field, code="coordinate_system", name=str(name)
        )


# ── a feature ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _properties(feature: _Feature) -> _Properties:
    return feature.properties or _Properties()


def _id(feature: _Feature, where: str) -> str | None:
    """The id of the feature, else the id or the name in its properties."""
    said = _properties(feature)
    if feature.id is not None and said.id is not None and str(feature.id) != str(said.id):
        message = f"the feature's own id is another: {feature.id}"
        raise Malformed(message, field=f"{where}properties.id", code="said_otherwise")
    found = next((each for each in (feature.id, said.id, said.name) if each is not None), None)
    return None if found is None else str(found)


def _drafts(feature: _Feature, where: str, otherwise: str) -> Iterator[Draft]:
    """The plan of a feature; a line of several parts is a plan for each, their ids numbered from the second on."""
    shape = feature.geometry
    id = _id(feature, where) or otherwise
    if isinstance(shape, _LineString):
        yield _way(feature, where, id, shape.coordinates, f"{where}geometry.coordinates", _times(feature, where))
    elif isinstance(shape, _MultiLineString):
        times = _listed(_times(feature, where), len(shape.coordinates), f"{where}properties.times")
        for part, line in enumerate(shape.coordinates):
            field = f"{where}geometry.coordinates[{part}]"
            yield _way(feature, where, id if part == 0 else f"{id}#{part + 1}", line, field, times[part])
    elif isinstance(shape, _Point | _Polygon | _MultiPolygon):
        yield _area(feature, where, id)
    else:
        kind = type(shape).__name__.removeprefix("_")
        raise Malformed(f"no plan is a {kind}", field=f"{where}geometry.type", code="wrong_geometry", kind=kind)


def _gather(drafts: dict[str, Draft], draft: Draft, where: str) -> None:
    """Put a feature to the plan of its id."""
    first = drafts.setdefault(draft.id, draft)
    if first is draft:
        return
    if len(first.points) and len(draft.points):
        raise Malformed(f"{draft.id} has a line already", field=f"{where}id", code="id_twice", id=draft.id)
    for member in ("kind", "datum"):
        if getattr(first, member) != getattr(draft, member):
            message = f"another {member} was given for {draft.id} before"
            raise Malformed(message, field=f"{where}properties.{member}", code="said_otherwise")
    first.volumes += draft.volumes
    if len(draft.points):
        first.points, first.band_m, first.room = draft.points, draft.band_m, draft.room


def _way(feature: _Feature, where: str, id: str, line: _Line, field: str, times: object) -> Draft:
    said = _properties(feature)
    if said.radius_m is not None:
        raise Malformed("a line has buffer_m, not a radius", field=f"{where}properties.radius_m", code="unknown_field")
    if len(line) < 2:
        raise Malformed("a line has two positions or more", field=field, code="single_point")
    at = _listed(times, len(line), f"{where}properties.times")
    lon_lat_alt = _coordinates(line)
    t_s = [seconds(each, f"{where}properties.times[{i}]") for i, each in enumerate(at)]
    return Draft(
        id=id,
        kind=kind_of(said.kind or PlanKind.FLIGHT, f"{where}properties.kind"),
        datum=datum_of(said.datum or Datum.WGS84, f"{where}properties.datum"),
        band_m=_band(said),
        room=(said.buffer_m or 0.0, said.vertical_buffer_m or 0.0, said.early_s or 0.0, said.late_s or 0.0),
        points=np.column_stack([t_s, lon_lat_alt[:, 1], lon_lat_alt[:, 0], lon_lat_alt[:, 2]]),
    )


def _times(feature: _Feature, where: str) -> object:
    """The times of a line, under whichever name; only one of them may be given."""
    said = _properties(feature)
    given = {"times": said.times, "coordTimes": said.coord_times, "datetimes": said.datetimes}
    if said.each is not None:
        given["coordinateProperties.times"] = said.each.times
    found = {name: value for name, value in given.items() if value is not None}
    if not found:
        raise Malformed("a line needs a time for each position", field=f"{where}properties.times", code="missing_field")
    if len(found) > 1:
        names = " and ".join(found)
        raise Malformed(f"times are given twice: {names}", field=f"{where}properties.times", code="duplicate_field")
    return next(iter(found.values()))


def _listed(value: object, count: int, field: str) -> Sequence[object]:
    if not isinstance(value, list | tuple) or len(value) != count:
        raise Malformed(f"a list of {count} is needed, one for each position", field=field, code="shape")
    return value


def _area(feature: _Feature, where: str, id: str) -> Draft:
    said = _properties(feature)
    for member, value in (("kind", said.kind), ("starts_at", said.starts_at), ("ends_at", said.ends_at)):
        if value is None:
            raise Malformed("an area needs this", field=f"{where}properties.{member}", code="missing_field")
    for member in ("buffer_m", "vertical_buffer_m", "early_s", "late_s"):
        if getattr(said, member) is not None:
            message = "an area has no room around it; draw it larger, or longer in time"
            raise Malformed(message, field=f"{where}properties.{member}", code="unknown_field")
    window = (
        seconds(said.starts_at, f"{where}properties.starts_at"),
        seconds(said.ends_at, f"{where}properties.ends_at"),
    )
    shape = feature.geometry
    if said.radius_m is not None and not isinstance(shape, _Point):
        raise Malformed("a polygon has no radius", field=f"{where}properties.radius_m", code="unknown_field")
    field = f"{where}geometry.coordinates"
    volumes: list[DraftVolume] = []
    if isinstance(shape, _Point):
        lon, lat, _ = _coordinates([shape.coordinates])[0]
        circle = (float(lat), float(lon), said.radius_m or 0.0)
        volumes.append(DraftVolume(window, _band(said), circle))
    elif isinstance(shape, _Polygon):
        volumes.append(DraftVolume(window, _band(said), rings=_rings(shape.coordinates, field)))
    elif isinstance(shape, _MultiPolygon):
        if not shape.coordinates:
            raise Malformed("there is no polygon in it", field=field, code="empty")
        for i, polygon in enumerate(shape.coordinates):
            volumes.append(DraftVolume(window, _band(said), rings=_rings(polygon, f"{field}[{i}]")))
    return Draft(
        id=id,
        kind=kind_of(said.kind, f"{where}properties.kind"),
        datum=datum_of(said.datum or Datum.WGS84, f"{where}properties.datum"),
        volumes=volumes,
    )


def _band(said: _Properties) -> tuple[float, float]:
    """The band of height; an edge that is not given is without limit."""
    lower = -math.inf if said.lower_m is None else said.lower_m
    return lower, math.inf if said.upper_m is None else said.upper_m


def _rings(polygon: list[_Line], field: str) -> list[FloatArray]:
    if not polygon:
        raise Malformed("there is no ring in it", field=field, code="empty")
    rings = []
    for i, ring in enumerate(polygon):
        places = _coordinates(ring)
        if len(places) < 4 or (places[0, :2] != places[-1, :2]).any():
            message = "a ring has four positions or more, and the last is the first again"
            raise Malformed(message, field=f"{field}[{i}]", code="ring_open")
        rings.append(places[:-1, 1::-1])
    return rings


def _coordinates(line: _Line) -> FloatArray:
    """Longitude, latitude, height of each position, shape (n, 3); a height that is not given is NaN."""
    widths = set(map(len, line))
    if widths == {2, 3}:
        line = [each if len(each) == 3 else [*each, math.nan] for each in line]
    table = np.array(line, dtype=np.float64).reshape(len(line), -1)
    return np.column_stack([table, np.full(len(table), np.nan)]) if table.shape[1] == 2 else table.reshape(-1, 3)

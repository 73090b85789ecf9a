"""Grid references a voice can carry (MGRS and GARS, both WGS 84), and a place named from its neighbour.

MGRS (NGA.SIG.0012) names a square of a metric grid by its south-west corner: "37SDU882603" is 100 m wide. GARS
(NGA.STND.0018) names a cell of the geographic grid: "438LK" is 30 minutes wide, "438LK2" 15, "438LK25" 5. Both name an
area, never a point: a position belongs to the square that contains it, south and west edges included, and digits are
cut off, not rounded.

MGRS here covers 80° S to 84° N. Nearer the poles its letters follow other rules that nobody reads over a line; GARS
serves there.
"""

from __future__ import annotations

import functools
import math
import re
from collections.abc import Mapping
from typing import Generic, Literal, NamedTuple, TypeVar

import mgrs
import numpy as np
import shapely
from pyproj import Proj

from keepclear.errors import Malformed
from keepclear.geometry.earth import bearing_deg, distances_m

MgrsDigits = Literal[0, 1, 2, 3, 4, 5]
GarsMinutes = Literal[30, 15, 5]
PlaceKey = TypeVar("PlaceKey")

MGRS_SOUTH_DEG, MGRS_NORTH_DEG = -80.0, 84.0

_BANDS = "CDEFGHJKLMNPQRSTUVWX"
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"  # without I and O
_MGRS_FORM = re.compile(r"([0-9]{1,2})([C-HJ-NP-X])([A-HJ-NP-Z])([A-HJ-NP-V])([0-9]{0,10})")
_GARS_FORM = re.compile(r"([0-9]{3})([A-HJ-NP-Q])([A-HJ-NP-Z])(?:([1-4])([1-9])?)?")
_LONGEST_TEXT = 40
# Norway and Svalbard: zones that are wider, narrower or absent (NGA.SIG.0012).
_ZONE_EXCEPTIONS_DEG = {
    (31, "V"): (0.0, 3.0),
    (32, "V"): (3.0, 12.0),
    (31, "X"): (0.0, 9.0),
    (33, "X"): (9.0, 21.0),
    (35, "X"): (21.0, 33.0),
    (37, "X"): (33.0, 42.0),
}
_ABSENT = {(32, "X"), (34, "X"), (36, "X")}

_converter = mgrs.MGRS()


class MgrsSquare(NamedTuple):
    """The centre of an MGRS square (degrees, WGS 84) and the length of its side in metres of the grid."""

    lat_deg: float
    lon_deg: float
    size_m: int


class GarsCell(NamedTuple):
    """The edges of a GARS cell, in degrees."""

    south_deg: float
    west_deg: float
    north_deg: float
    east_deg: float

    @property
    def centre(self) -> tuple[float, float]:
        """Latitude and longitude of the middle."""
        return (self.south_deg + self.north_deg) / 2, (self.west_deg + self.east_deg) / 2


class NamedPosition(NamedTuple, Generic[PlaceKey]):
    """A position told from a named place: go `distance_m` from it on `bearing_deg` (true)."""

    nearest: PlaceKey
    bearing_deg: float
    distance_m: float


def to_mgrs(lat_deg: float, lon_deg: float, digits: MgrsDigits = 3) -> str:
    """The MGRS square that contains a position, with `digits` for each axis: 5 is 1 m, 3 is 100 m, 0 is 100 km.

    Written without spaces, the zone always with two figures. Raises `Malformed` outside 80° S to 84° N or -180 to 180.
    """
    _in_range(lat_deg, lon_deg)
    if digits not in range(6):
        raise Malformed(f"must be 0 to 5, not {digits}", field="digits", code="out_of_range", value=digits)
    if not MGRS_SOUTH_DEG <= lat_deg <= MGRS_NORTH_DEG:
        raise Malformed(
            f"{lat_deg} has no MGRS square here: it covers 80 S to 84 N. Use GARS",
            field="lat_deg",
            code="grid_polar",
            value=lat_deg,
        )
    full: str = _converter.toMGRS(lat_deg, lon_deg, MGRSPrecision=5)
    head, easting, northing = full[:-10], full[-10:-5], full[-5:]
    return head + easting[:digits] + northing[:digits]


def from_mgrs(text: str, field: str = "grid") -> MgrsSquare:
    """Where an MGRS reference is. Spaces and lower case are allowed.

    Raises `Malformed`, saying what is wrong, if it is not written as one or if there is no such square: a letter that
    the zone does not use, or a square that lies wholly outside the zone and band it names.
    """
    zone, band, column, row, figures = _split_mgrs(text, field)
    name = f"{zone:02d}{band}{column}{row}{figures}"
    if (zone, band) in _ABSENT:
        raise _no_such(name, f"there is no zone {zone}{band}", field)
    if column not in ("ABCDEFGH", "JKLMNPQR", "STUVWXYZ")[(zone - 1) % 3]:
        raise _no_such(name, f"zone {zone} has no column {column}", field)
    digits = len(figures) // 2
    size = 10 ** (5 - digits)
    corner = _corner(zone, band, column, row, figures, digits)
    if corner is None:
        raise _no_such(name, f"square {column}{row} does not touch zone {zone}{band}", field)
    lon, lat = _utm(zone)(corner[0] + size / 2, corner[1] + size / 2, inverse=True)
    return MgrsSquare(float(lat), float(lon), size)


def to_gars(lat_deg: float, lon_deg: float, minutes: GarsMinutes = 5) -> str:
    """The GARS cell of 30, 15 or 5 minutes that contains a position; the pole counts to the northernmost row.

    Raises `Malformed` if a coordinate is out of range. 180° E is the same as 180° W.
    """
    _in_range(lat_deg, lon_deg)
    if minutes not in (30, 15, 5):
        raise Malformed(f"must be 30, 15 or 5, not {minutes}", field="minutes", code="out_of_range", value=minutes)
    north = min(math.floor((lat_deg + 90.0) * 12.0), 180 * 12 - 1)  # in cells of 5 minutes
    east = math.floor((lon_deg + 180.0) * 12.0) % (360 * 12)
    row, column = north // 6, east // 6
    name = f"{column + 1:03d}{_LETTERS[row // 24]}{_LETTERS[row % 24]}"
    if minutes == 30:
        return name
    quadrant = (1 if north % 6 >= 3 else 3) + (1 if east % 6 >= 3 else 0)
    if minutes == 15:
        return f"{name}{quadrant}"
    key = (2 - north % 3) * 3 + east % 3 + 1
    return f"{name}{quadrant}{key}"


def from_gars(text: str, field: str = "grid") -> GarsCell:
    """The edges of a GARS cell. Spaces and lower case are allowed.

    Raises `Malformed`, saying what is wrong, if it is not written as one or if there is no such cell.
    """
    found = _GARS_FORM.fullmatch(_squeezed(text, field))
    if not found:
        raise Malformed(
            f"{_shown(text)} is not a GARS cell: 3 figures, 2 letters without I and O, then at most a quadrant 1-4 "
            "and a key 1-9",
            field=field,
            code="grid_form",
            value=_shown(text),
        )
    band, first, second, quadrant, key = found.groups()
    column = int(band) - 1
    row = _LETTERS.index(first) * 24 + _LETTERS.index(second)
    if not 0 <= column < 720:
        raise _no_such(text, "the first three figures run from 001 to 720", field)
    if row >= 360:
        raise _no_such(text, "the letters run from AA to QZ", field)
    south, west, width = row * 6, column * 6, 6  # in cells of 5 minutes from the south pole and 180° W
    if quadrant:
        south += 3 if quadrant in "12" else 0
        west += 3 if quadrant in "24" else 0
        width = 3
    if key:
        south += 2 - (int(key) - 1) // 3
        west += (int(key) - 1) % 3
        width = 1
    return GarsCell(
        south / 12.0 - 90.0, west / 12.0 - 180.0, (south + width) / 12.0 - 90.0, (west + width) / 12.0 - 180.0
    )


def canonical_grid(text: str, field: str = "grid") -> str:
    """One spelling for a grid reference, MGRS or GARS: no spaces, upper case, the MGRS zone with two figures.

    Raises `Malformed` if it is neither, or names a square that is not there.
    """
    squeezed = _squeezed(text, field)
    if _GARS_FORM.fullmatch(squeezed):
        from_gars(squeezed, field)
        return squeezed
    zone, band, column, row, figures = _split_mgrs(text, field)
    from_mgrs(squeezed, field)
    return f"{zone:02d}{band}{column}{row}{figures}"


def name_position(
    lat_deg: float, lon_deg: float, gazetteer: Mapping[PlaceKey, tuple[float, float]]
) -> NamedPosition[PlaceKey]:
    """Name a position by the nearest place of a gazetteer (key: latitude and longitude of a point, not of an area).

    `bearing_deg` is from the place toward the position, 0 where they are the same point. Of places equally near, the
    first serves. Raises `Malformed` if the gazetteer is empty or a coordinate is out of range.
    """
    _in_range(lat_deg, lon_deg)
    if not gazetteer:
        raise Malformed("must name at least one place", field="gazetteer", code="empty")
    keys = list(gazetteer)
    lats, lons = np.array([gazetteer[key] for key in keys], dtype=np.float64).T
    distances = distances_m(lat_deg, lon_deg, lats, lons)
    nearest = int(distances.argmin())
    bearing = bearing_deg(float(lats[nearest]), float(lons[nearest]), lat_deg, lon_deg)
    return NamedPosition(keys[nearest], bearing, float(distances[nearest]))


def _in_range(lat_deg: float, lon_deg: float) -> None:
    for name, value, limit in (("lat_deg", lat_deg, 90.0), ("lon_deg", lon_deg, 180.0)):
        if not -limit <= value <= limit:  # NaN fails this too
            raise Malformed(
                f"{value} is not between {-limit:g} and {limit:g}", field=name, code="out_of_range", value=value
            )


def _shown(text: str) -> str:
    return repr(text[:_LONGEST_TEXT])


def _squeezed(text: str, field: str) -> str:
    if len(text) > _LONGEST_TEXT:
        raise Malformed(f"{_shown(text)}... is too long for a grid reference", field=field, code="too_long")
    if not text.isascii():  # or a long s would pass for an S
        raise Malformed(f"{_shown(text)} holds letters or figures that no grid uses", field=field, code="grid_form")
    return text.replace(" ", "").upper()


def _no_such(text: str, why: str, field: str) -> Malformed:
    return Malformed(f"{_shown(text)} is no grid square: {why}", field=field, code="grid_no_such_square", value=text)


def _split_mgrs(text: str, field: str) -> tuple[int, str, str, str, str]:
    found = _MGRS_FORM.fullmatch(_squeezed(text, field))
    if not found:
        raise Malformed(
            f"{_shown(text)} is not an MGRS reference: a zone 1-60, a band C-X, 2 letters without I and O, then an "
            "even number of figures, 10 at most",
            field=field,
            code="grid_form",
            value=_shown(text),
        )
    zone, band, column, row, figures = found.groups()
    if not 1 <= int(zone) <= 60:
        raise _no_such(text, "zones run from 1 to 60", field)
    if len(figures) % 2:
        raise Malformed(
            f"{_shown(text)} has {len(figures)} figures: one for the other axis is missing or too many",
            field=field,
            code="grid_odd_figures",
            value=_shown(text),
        )
    return int(zone), band, column, row, figures


@functools.lru_cache(maxsize=60)
def _utm(zone: int) -> Proj:
    """UTM with northings counted from the equator, negative south of it: one plane for the whole zone."""
    return Proj(proj="utm", zone=zone, ellps="WGS84")


def _corner(zone: int, band: str, column: str, row: str, figures: str, digits: int) -> tuple[float, float] | None:
    """The south-west corner of a square, or None if no row so lettered touches the zone and band it names."""
    size = 10.0 ** (5 - digits)
    letters = ("ABCDEFGH", "JKLMNPQR", "STUVWXYZ")[(zone - 1) % 3]
    easting = (letters.index(column) + 1) * 100_000.0 + int(figures[:digits] or 0) * size
    # Rows repeat every 2,000 km; even zones begin with F at the equator, odd ones with A.
    row_index = (_LETTERS.index(row) - (0 if zone % 2 else 5)) % 20
    within = row_index * 100_000.0 + int(figures[digits:] or 0) * size
    land = _zone_and_band(zone, band)
    for cycle in range(-5, 5):
        northing = within + cycle * 2_000_000.0
        if _touches(zone, easting, northing, size, land):
            return easting, northing
    return None


def _zone_and_band(zone: int, band: str) -> tuple[float, float, float, float]:
    """West, south, east and north edge of a grid zone, in degrees."""
    south = MGRS_SOUTH_DEG + 8.0 * _BANDS.index(band)
    north = MGRS_NORTH_DEG if band == "X" else south + 8.0
    west, east = _ZONE_EXCEPTIONS_DEG.get((zone, band), (zone * 6.0 - 186.0, zone * 6.0 - 180.0))
    return west, south, east, north


def _touches(zone: int, easting: float, northing: float, size: float, land: tuple[float, float, float, float]) -> bool:
    west, south, east, north = land
    if abs(northing) > 9_400_000.0:  # nearer the pole than any band
        return False
    steps = np.linspace(0.0, size, 9)
    low, high = np.zeros_like(steps), np.full_like(steps, size)
    xs = easting + np.concatenate((steps, high, steps[::-1], low))
    ys = northing + np.concatenate((low, steps, high, steps[::-1]))
    lons, lats = _utm(zone)(xs, ys, inverse=True)
    middle = (west + east) / 2
    lons = (np.asarray(lons) - middle + 180.0) % 360.0 - 180.0  # about the zone's middle, so 180° is no edge
    half = (east - west) / 2
    cell = shapely.polygons(np.column_stack((lons, lats)))
    hair = 1e-6  # degrees, 0.1 m: squares that meet the edge within rounding count
    return bool(shapely.intersects(cell, shapely.box(-half - hair, south - hair, half + hair, north + hair)))

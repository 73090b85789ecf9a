"""Grid references: against the published places of the 2017 story, against slow twins, and wrong in every way."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from pyproj import Proj

from keepclear.errors import Malformed
from keepclear.geometry.earth import bearing_deg, destination, distance_m
from keepclear.geometry.grids import (
    GarsMinutes,
    MgrsDigits,
    canonical_grid,
    from_gars,
    from_mgrs,
    name_position,
    to_gars,
    to_mgrs,
)

# The places of the 2017 story as its data file gives them, both grids worked out there by other programs.
PLACES = [
    ("arsal", 34.1794, 36.4208, "37SBT622850", "433LJ43"),
    ("qara", 34.1556, 36.7428, "37SBT919817", "434LJ36"),
    ("flita", 34.04, 36.62, "37SBT802691", "434LJ38"),
    ("sheikh_ali_crossing", 34.12, 36.58, "37SBT768781", "434LJ34"),
    ("homs", 34.7241, 36.7256, "37SBU917448", "434LK33"),
    ("palmyra", 34.5624, 38.284, "37SDU343247", "437LK47"),
    ("sukhna", 34.8853, 38.8711, "37SDU882603", "438LK25"),
    ("humaymah", 34.28, 39.72, "37SET662934", "440LJ19"),
    ("t2_station", 34.37, 40.16, "37SFU066037", "441LJ15"),
    ("stall_area", 34.75, 39.4, "37SEU366453", "439LK28"),
    ("kabajib", 34.97, 39.58, "37SEU529698", "440LK11"),
    ("shola", 35.13, 39.91, "37SEU829878", "440LL45"),
    ("deir_ez_zor", 35.3359, 40.1408, "37SFV036108", "441LL15"),
    ("mayadin", 35.0198, 40.4515, "37SFU324762", "441LL49"),
    ("bukamal", 34.4523, 40.9185, "37SFU762139", "442LJ23"),
    ("qaim", 34.3925, 40.9895, "37SFU828074", "442LJ26"),
    ("ghanem_ali", 35.79, 39.36, "37SEV325607", "439LM28"),
    ("madan", 35.7552, 39.5984, "37SEV540569", "440LM18"),
    ("khasham", 35.3009, 40.2892, "37SFV172071", "441LL27"),
    ("tanf", 33.5058, 38.6178, "37SDT645074", "438LH38"),
    ("hmeimim", 35.401, 35.949, "36SYE678215", "432LL26"),
    ("al_udeid", 25.117, 51.315, "39RWH317779", "463KQ44"),
    ("jusi_crossing", 34.43, 36.51, "37SBU711126", "434LJ11"),
]
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
digits_of_an_axis = st.sampled_from((0, 1, 2, 3, 4, 5))
minutes_of_a_cell = st.sampled_from((30, 15, 5))
inside_mgrs = st.floats(-80.0, 84.0)
longitudes = st.floats(-180.0, 180.0)


def near_a_seam(step: float, low: float, high: float) -> st.SearchStrategy[float]:
    """Numbers on, or a hair beside, the multiples of `step`: where zones and bands meet."""
    seams = st.integers(math.ceil(low / step), math.floor(high / step)).map(lambda k: k * step)
    return st.builds(
        lambda at, by: min(high, max(low, at + by)), seams, st.sampled_from((-1e-4, -1e-9, 0.0, 1e-9, 1e-4))
    )


@pytest.mark.parametrize(("place", "lat", "lon", "mgrs", "gars"), PLACES)
def test_places_of_the_story(place: str, lat: float, lon: float, mgrs: str, gars: str) -> None:
    assert to_mgrs(lat, lon) == mgrs
    assert to_gars(lat, lon) == gars
    square, cell = from_mgrs(mgrs), from_gars(gars)
    assert square.size_m == 100
    assert distance_m(lat, lon, square.lat_deg, square.lon_deg) < 71.0
    assert cell.south_deg <= lat < cell.north_deg
    assert cell.west_deg <= lon < cell.east_deg


def test_known_squares() -> None:
    assert to_mgrs(34.8853, 38.8711, 5) == "37SDU8822160330"
    assert to_mgrs(34.8853, 38.8711, 0) == "37SDU"
    assert to_mgrs(0.0, 0.0, 2) == "31NAA6600"
    assert to_mgrs(60.0, 5.0, 0) == "32VKM", "Norway's zone 32 reaches west to 3 E"
    assert to_mgrs(75.0, 10.0, 0)[:3] == "33X", "there is no zone 32X"
    assert to_mgrs(10.0, 180.0) == to_mgrs(10.0, -180.0)
    assert to_mgrs(10.0, -179.9)[:2] == "01"


def mgrs_by_hand(lat: float, lon: float, zone: int, digits: int) -> tuple[str, str]:
    """The figures of the slow twin: UTM by PROJ, cut to the square of 100 km, cut to digits."""
    easting, northing = Proj(proj="utm", zone=zone, ellps="WGS84", south=lat < 0.0)(lon, lat)
    keep = 10 ** (5 - digits)
    return (
        f"{math.floor(easting % 100_000) // keep:0{digits}d}" if digits else "",
        f"{math.floor(northing % 100_000) // keep:0{digits}d}" if digits else "",
    )


@given(inside_mgrs, longitudes, digits_of_an_axis)
def test_figures_are_those_of_utm_cut_off(lat: float, lon: float, digits: MgrsDigits) -> None:
    text = to_mgrs(lat, lon, digits)
    easting, northing = Proj(proj="utm", zone=int(text[:2]), ellps="WGS84", south=lat < 0.0)(lon, lat)
    near_an_edge = min(easting % 1.0, 1.0 - easting % 1.0, northing % 1.0, 1.0 - northing % 1.0) < 0.01
    assume(not near_an_edge)
    assert text[5:] == "".join(mgrs_by_hand(lat, lon, int(text[:2]), digits))


@given(inside_mgrs | near_a_seam(8.0, -80.0, 84.0), longitudes | near_a_seam(3.0, -180.0, 180.0), digits_of_an_axis)
def test_mgrs_there_and_back(lat: float, lon: float, digits: MgrsDigits) -> None:
    text = to_mgrs(lat, lon, digits)
    square = from_mgrs(text)
    assert square.size_m == 10 ** (5 - digits)
    assert distance_m(lat, lon, square.lat_deg, square.lon_deg) <= square.size_m * math.sqrt(0.5) * 1.002 + 0.01
    assert canonical_grid(text) == text


@given(st.floats(-79.0, 83.0), longitudes, digits_of_an_axis)
def test_the_centre_lies_in_its_own_square(lat: float, lon: float, digits: MgrsDigits) -> None:
    text = to_mgrs(lat, lon, digits)
    square = from_mgrs(text)
    again = to_mgrs(square.lat_deg, square.lon_deg, digits)
    assume(again[:3] == text[:3])  # a square cut by a seam may have its middle beyond it
    assert again == text


@pytest.mark.parametrize("lat", [84.0001, 90.0, -80.0001, -90.0])
def test_mgrs_refuses_the_poles(lat: float) -> None:
    with pytest.raises(Malformed, match="GARS") as refusal:
        to_mgrs(lat, 10.0)
    assert refusal.value.field == "lat_deg"


@pytest.mark.parametrize(
    ("lat", "lon", "field"),
    [(90.5, 0.0, "lat_deg"), (math.nan, 0.0, "lat_deg"), (0.0, 180.5, "lon_deg"), (0.0, math.inf, "lon_deg")],
)
def test_grids_refuse_what_is_nowhere(lat: float, lon: float, field: str) -> None:
    with pytest.raises(Malformed) as refusal:
        to_mgrs(lat, lon)
    assert refusal.value.field == field
    with pytest.raises(Malformed) as refusal:
        to_gars(lat, lon)
    assert refusal.value.field == field
    with pytest.raises(Malformed) as refusal:
        name_position(lat, lon, {"sukhna": (34.8853, 38.8711)})
    assert refusal.value.field == field


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "grid_form"),
        ("37S", "grid_form"),
        ("37SDU88x603", "grid_form"),
        ("37IDU882603", "grid_form"),
        ("37SDI882603", "grid_form"),
        ("37SDW882603", "grid_form"),
        ("ZAH1122", "grid_form"),
        ("37SDU123456123456", "grid_form"),
        ("-7SDU882603", "grid_form"),
        ("37SDU882.603", "grid_form"),
        ("37SDU\n882603", "grid_form"),
        ("37\u017fDU882603", "grid_form"),  # a long s, which is an S in upper case
        ("٣٧SDU882603", "grid_form"),
        ("438LK25", "grid_form"),
        ("37SDU" + "1" * 100, "too_long"),
        ("37SDU88260", "grid_odd_figures"),
        ("00SDU882603", "grid_no_such_square"),
        ("61SDU882603", "grid_no_such_square"),
        ("38SDU882603", "grid_no_such_square"),
        ("32XMG11", "grid_no_such_square"),
        ("37SAA11", "grid_no_such_square"),
        ("37RDU882603", "grid_no_such_square"),
        ("37TDU882603", "grid_no_such_square"),
    ],
)
def test_wrong_mgrs_is_refused_with_its_reason(text: str, code: str) -> None:
    with pytest.raises(Malformed) as refusal:
        from_mgrs(text, field="notice.grid")
    assert refusal.value.code == code
    assert refusal.value.field == "notice.grid"
    assert len(str(refusal.value)) < 250


def gars_by_search(lat: float, lon: float) -> str:
    """The slow twin: walk the cells of each size until one holds the point, south and west edges included."""
    column = next(k for k in range(720) if -180.0 + k / 2 <= lon < -180.0 + (k + 1) / 2)
    row = next(k for k in range(360) if -90.0 + k / 2 <= lat < -90.0 + (k + 1) / 2)
    name = f"{column + 1:03d}{LETTERS[row // 24]}{LETTERS[row % 24]}"
    east = (lon + 180.0 - column / 2) * 60.0
    north = (lat + 90.0 - row / 2) * 60.0
    quadrant = {(True, False): 1, (True, True): 2, (False, False): 3, (False, True): 4}[north >= 15.0, east >= 15.0]
    keypad = ((7, 8, 9), (4, 5, 6), (1, 2, 3))
    return f"{name}{quadrant}{keypad[int(north % 15.0 // 5.0)][int(east % 15.0 // 5.0)]}"


@given(st.integers(-90 * 240, 90 * 240 - 1), st.integers(-180 * 240, 180 * 240 - 1))
def test_gars_agrees_with_a_search(quarter_minutes_north: int, quarter_minutes_east: int) -> None:
    # Half a step off a lattice of quarter minutes, so that no point sits where rounding decides.
    lat, lon = (quarter_minutes_north + 0.5) / 240.0, (quarter_minutes_east + 0.5) / 240.0
    assert to_gars(lat, lon) == gars_by_search(lat, lon)


@given(st.floats(-90.0, 90.0), longitudes, minutes_of_a_cell)
def test_gars_there_and_back(lat: float, lon: float, minutes: GarsMinutes) -> None:
    text = to_gars(lat, lon, minutes)
    cell = from_gars(text)
    hair = 1e-9
    assert cell.south_deg - hair <= lat <= cell.north_deg + hair
    assert cell.west_deg - hair <= lon <= cell.east_deg + hair or (lon > 180.0 - hair and cell.west_deg == -180.0)
    assert cell.north_deg - cell.south_deg == pytest.approx(minutes / 60.0)
    assert cell.east_deg - cell.west_deg == pytest.approx(minutes / 60.0)
    assert to_gars(*cell.centre, minutes) == text
    assert to_gars(lat, lon, 5).startswith(text)


def test_corners_of_the_gars_world() -> None:
    assert to_gars(-90.0, -180.0) == "001AA37"
    assert to_gars(90.0, 0.0) == "361QZ11"
    assert to_gars(89.99, 179.99) == "720QZ23"
    assert to_gars(0.0, 180.0) == to_gars(0.0, -180.0)
    assert from_gars("001AA37") == pytest.approx((-90.0, -180.0, -90.0 + 1 / 12, -180.0 + 1 / 12))


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "grid_form"),
        ("438", "grid_form"),
        ("438L", "grid_form"),
        ("38LK25", "grid_form"),
        ("438LK55", "grid_form"),
        ("438LK20", "grid_form"),
        ("438LK255", "grid_form"),
        ("438IK25", "grid_form"),
        ("438LO25", "grid_form"),
        ("438RA25", "grid_form"),
        ("37SDU882603", "grid_form"),
        ("000LK25", "grid_no_such_square"),
        ("721LK25", "grid_no_such_square"),
        ("4" * 100, "too_long"),
    ],
)
def test_wrong_gars_is_refused_with_its_reason(text: str, code: str) -> None:
    with pytest.raises(Malformed) as refusal:
        from_gars(text, field="notice.grid")
    assert refusal.value.code == code
    assert refusal.value.field == "notice.grid"


def test_canonical_spelling() -> None:
    assert canonical_grid(" 1n aa 66 ") == "01NAA66"
    assert canonical_grid("438lk25") == "438LK25"
    assert canonical_grid("37 s du 882 603") == "37SDU882603"
    assert canonical_grid("7SDU11") == "07SDU11"
    with pytest.raises(Malformed) as refusal:
        canonical_grid("nowhere", field="read_back.grid")
    assert refusal.value.field == "read_back.grid"


GAZETTEER = {place: (lat, lon) for place, lat, lon, _, _ in PLACES}


@given(st.floats(-89.0, 89.0), longitudes)
def test_a_position_is_named_from_the_nearest_place(lat: float, lon: float) -> None:
    named = name_position(lat, lon, GAZETTEER)
    slow = min(GAZETTEER, key=lambda place: distance_m(lat, lon, *GAZETTEER[place]))
    assert named.distance_m == pytest.approx(distance_m(lat, lon, *GAZETTEER[slow]))
    assert named.bearing_deg == bearing_deg(*GAZETTEER[named.nearest], lat, lon)
    assert 0.0 <= named.bearing_deg < 360.0
    back = destination(*GAZETTEER[named.nearest], named.bearing_deg, named.distance_m)
    assert distance_m(lat, lon, *back) < 0.01


def test_naming_at_the_place_itself_and_over_the_antimeridian() -> None:
    here = name_position(34.8853, 38.8711, GAZETTEER)
    assert here == ("sukhna", 0.0, 0.0)
    across = name_position(-17.0, -179.9, {"west": (-17.0, 179.9), "east": (-17.0, -170.0)})
    assert across.nearest == "west"
    assert across.bearing_deg == pytest.approx(90.0, abs=0.1)


def test_an_empty_gazetteer_is_refused() -> None:
    with pytest.raises(Malformed) as refusal:
        name_position(34.0, 38.0, {})
    assert refusal.value.field == "gazetteer"


def test_unknown_precisions_are_refused() -> None:
    with pytest.raises(Malformed) as refusal:
        to_mgrs(34.0, 38.0, 6)  # type: ignore[arg-type]
    assert refusal.value.field == "digits"
    with pytest.raises(Malformed) as refusal:
        to_gars(34.0, 38.0, 10)  # type: ignore[arg-type]
    assert refusal.value.field == "minutes"

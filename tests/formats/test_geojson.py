"""GeoJSON: what RFC 7946 allows and plans need is read; what is not so is refused, naming the member."""

from __future__ import annotations

import json
import math
from datetime import datetime
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.errors import Malformed
from keepclear.formats import geojson, reading
from keepclear.geometry.columns import DATUMS, KINDS, Datum
from keepclear.model.plans import PlanKind

TIMES = ["2026-12-01T06:00:00Z", "2026-12-01T06:10:00.5Z"]
FROM_S = 1796104800.0
AREA = {"kind": "closure", "starts_at": TIMES[0], "ends_at": TIMES[1]}
RING = [[40.0, 35.0], [40.2, 35.0], [40.2, 35.2], [40.0, 35.0]]
HOLE = [[40.1, 35.05], [40.12, 35.05], [40.12, 35.06], [40.1, 35.05]]


def feature(geometry: dict[str, Any] | None, properties: dict[str, Any] | None, **members: Any) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": properties, **members}


def line(*coordinates: list[float], **properties: Any) -> dict[str, Any]:
    shape = {"type": "LineString", "coordinates": list(coordinates) or [[40.0, 35.0, 3000.0], [40.5, 35.3, 3100.0]]}
    return feature(shape, {"id": "alpha", "times": TIMES} | properties)


def area(shape: str, coordinates: Any, **properties: Any) -> dict[str, Any]:
    return feature({"type": shape, "coordinates": coordinates}, {"id": "site"} | AREA | properties)


def collection(*features: dict[str, Any]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(features)}


def read(whole: dict[str, Any]) -> Any:
    return geojson.read_plans(json.dumps(whole).encode(), "file").plans


def test_a_line_with_times_is_a_way() -> None:
    plans = read(line(buffer_m=500, late_s=60.5, kind="observation", datum="msl", lower_m=100, colour="red"))
    assert plans.ids == ("alpha",)
    assert KINDS[plans.kind[0]] is PlanKind.OBSERVATION
    assert DATUMS[plans.datum[0]] is Datum.MSL
    assert plans.t_s.tolist() == [FROM_S, FROM_S + 600.5]
    assert plans.lat_deg.tolist() == [35.0, 35.3]
    assert plans.lon_deg.tolist() == [40.0, 40.5]
    assert plans.alt_m.tolist() == [3000.0, 3100.0]
    assert plans.room.tolist() == [[500.0, 0.0, 0.0, 60.5]]
    assert plans.band_m.tolist() == [[100.0, math.inf]]


@pytest.mark.parametrize("name", ["times", "coordTimes", "datetimes"])
def test_times_have_several_names(name: str) -> None:
    given = line()
    given["properties"] = {"id": "alpha", name: [FROM_S, TIMES[1]]}
    assert read(given).t_s.tolist() == [FROM_S, FROM_S + 600.5]


def test_times_as_togeojson_writes_them() -> None:
    given = line()
    given["properties"] = {"name": "alpha", "coordinateProperties": {"times": TIMES, "heart": [80, 81]}}
    assert read(given).ids == ("alpha",)


def test_heights_may_be_unknown_at_some_points() -> None:
    assert np.isnan(read(line([40.0, 35.0], [40.5, 35.3, 9.0])).alt_m).tolist() == [True, False]
    assert np.isnan(read(line([40.0, 35.0], [40.5, 35.3])).alt_m).all()


def test_the_parts_of_a_line_are_plans_of_their_own() -> None:
    shape = {"type": "MultiLineString", "coordinates": [[[40, 35], [40.5, 35.3]], [[41, 35], [41.5, 35.3]]]}
    plans = read(feature(shape, {"coordTimes": [TIMES, TIMES]}, id=7))
    assert plans.ids == ("7", "7#2")


def test_polygons_with_holes_circles_and_several_polygons_are_areas() -> None:
    plans = read(
        collection(
            area("Polygon", [RING, HOLE], lower_m=0, upper_m=900),
            area("Point", [40.6, 35.4, 12.0], radius_m=400, id="round"),
            area("MultiPolygon", [[RING], [[[-180, 0], [-179, 0], [-179, 1], [-180, 0]]]], id="two"),
        )
    )
    assert plans.ids == ("site", "round", "two")
    assert plans.volumes.tolist()[0] == [FROM_S, FROM_S + 600.5, 0.0, 900.0]
    assert plans.volumes.tolist()[1][2:] == [-math.inf, math.inf]
    assert plans.circles[1].tolist() == [35.4, 40.6, 400.0]
    assert np.isnan(plans.circles[[0, 2, 3]]).all()
    assert plans.volume_from.tolist() == [0, 1, 2, 4]
    assert plans.ring_from.tolist() == [0, 2, 2, 3, 4]
    assert plans.vertices[:3].tolist() == [[35.0, 40.0], [35.0, 40.2], [35.2, 40.2]]


def test_features_of_one_id_are_one_plan() -> None:
    plans = read(collection(area("Polygon", [RING], id="alpha", kind="flight"), line(), line(id="bravo")))
    assert plans.ids == ("alpha", "bravo")
    assert plans.point_from.tolist() == [0, 2, 4]
    assert plans.volume_from.tolist() == [0, 1, 1]


def test_what_has_no_id_is_called_after_its_place() -> None:
    shape = {"type": "LineString", "coordinates": [[40, 35], [41, 35]]}
    assert read(collection(line(), feature(shape, {"times": TIMES}))).ids == ("alpha", "file#2")


def test_what_is_no_plan_is_left_out_and_counted() -> None:
    report = feature({"type": "Point", "coordinates": [40, 35]}, {"id": "truck", "time": TIMES[0]})
    found = geojson.read_plans(collection(feature(None, None), report, report, line()), "file")
    assert found.plans.ids == ("alpha",)
    assert found.left_out == {"without_geometry": 1, "positions": 2}


@pytest.mark.parametrize("crs", ["urn:ogc:def:crs:OGC:1.3:CRS84", "urn:ogc:def:crs:OGC::CRS84"])
def test_a_coordinate_system_that_says_the_same_is_taken(crs: str) -> None:
    assert len(read(collection(line()) | {"crs": {"type": "name", "properties": {"name": crs}}})) == 1


def test_an_object_and_its_text_are_the_same() -> None:
    whole = collection(line(), area("Polygon", [RING]))
    of_object, of_text = reading.plans(whole).plans, read(whole)
    assert of_object.ids == of_text.ids
    np.testing.assert_array_equal(of_object.vertices, of_text.vertices)
    assert reading.plans(b"\xef\xbb\xbf\r\n" + json.dumps(whole).encode()).plans.ids == of_text.ids


def test_an_object_may_hold_what_would_be_written_as_numbers_and_times() -> None:
    whole = line([40.0, 35.0, 100.0], [41.0, 35.5, 200.0], times=TIMES, buffer_m=500.0)
    other = json.loads(json.dumps(whole))
    other["geometry"]["coordinates"] = np.array(whole["geometry"]["coordinates"])
    other["properties"]["times"] = [datetime.fromisoformat(time) for time in TIMES]
    other["properties"]["buffer_m"] = np.float32(500.0)
    of_object, of_text = reading.plans(other).plans, read(whole)
    for name in ("t_s", "lat_deg", "lon_deg", "alt_m", "room"):
        np.testing.assert_array_equal(getattr(of_object, name), getattr(of_text, name))
    other["properties"]["times"] = [datetime.fromisoformat(time).replace(tzinfo=None) for time in TIMES]
    with pytest.raises(Malformed) as refusal:
        reading.plans(other)
    assert (refusal.value.field, refusal.value.code) == ("properties.times[0]", "time_not_utc")
    other["properties"]["times"] = [object()] * 2
    with pytest.raises(Malformed) as refusal:
        reading.plans(other)
    assert refusal.value.field


def test_no_features_are_no_plans() -> None:
    assert len(read(collection())) == 0


WRONG: dict[str, tuple[dict[str, Any], str, str]] = {
    "no times": (line(times=None), "properties.times", "missing_field"),
    "times twice": (line(coordTimes=TIMES), "properties.times", "duplicate_field"),
    "too few times": (line(times=TIMES[:1]), "properties.times", "shape"),
    "times that are no list": (line(times=TIMES[0]), "properties.times", "shape"),
    "a time without a zone": (line(times=["2026-12-01T06:00:00", TIMES[1]]), "properties.times[0]", "time_not_utc"),
    "a time elsewhere": (line(times=[TIMES[0], "2026-12-01T09:00:00+02:00"]), "properties.times[1]", "time_not_utc"),
    "no such day": (line(times=["2026-02-30T06:00:00Z", TIMES[1]]), "properties.times[0]", "time_unreadable"),
    "a leap second": (line(times=["2016-12-31T23:59:60Z", TIMES[1]]), "properties.times[0]", "time_unreadable"),
    "a day of the week": (line(times=["2026-W49-2T06:00Z", TIMES[1]]), "properties.times[0]", "time_unreadable"),
    "other digits": (line(times=["٢٠٢٦-12-01T06:00:00Z", TIMES[1]]), "properties.times[0]", "time_unreadable"),
    "a truth for a time": (line(times=[True, TIMES[1]]), "properties.times[0]", "time_unreadable"),
    "milliseconds": (line(times=[FROM_S * 1000, FROM_S * 1000 + 1]), "plans[alpha].points[0].t_s", "not_seconds"),
    "times that stand still": (line(times=[TIMES[0]] * 2), "plans[alpha].points[1].t_s", "times_not_rising"),
    "one position": (line([40.0, 35.0], times=TIMES[:1]), "geometry.coordinates", "single_point"),
    "one number": (line([40.0], [41.0, 35.0]), "geometry.coordinates[0]", "malformed"),
    "four numbers": (line([40.0, 35.0, 1.0, 2.0], [41.0, 35.0]), "geometry.coordinates[0]", "malformed"),
    "a number as text": (line(["40.0", 35.0], [41.0, 35.0]), "geometry.coordinates[0][0]", "malformed"),  # type: ignore[list-item]
    "swapped": (line([35.0, 140.0], [35.1, 140.0]), "plans[alpha].points[0].lat_deg", "no_latitude"),
    "round the world": (line([190.0, 35.0], [191.0, 35.0]), "plans[alpha].points[0].lon_deg", "not_between"),
    "1e308": (line([40.0, 35.0, 1e308], [41.0, 35.0, 0.0]), "plans[alpha].points[0].alt_m", "not_between"),
    "negative room": (line(buffer_m=-1), "plans[alpha].buffer_m", "not_between"),
    "room as text": (line(buffer_m="500"), "properties.buffer_m", "malformed"),
    "an unknown kind": (line(kind="rocket"), "properties.kind", "unknown_word"),
    "an unknown datum": (line(datum="agl"), "properties.datum", "unknown_word"),
    "a radius of a line": (line(radius_m=5), "properties.radius_m", "unknown_field"),
    "hidden id": (line(id="al\u202epha"), "plans[#0].id", "hidden_character"),
    "two ids": (line() | {"id": "bravo"}, "properties.id", "said_otherwise"),
    "two lines of one id": (collection(line(), line()), "features[1].id", "id_twice"),
    "two kinds of one id": (
        collection(line(), area("Polygon", [RING], id="alpha")),
        "features[1].properties.kind",
        "said_otherwise",
    ),
    "an area without kind": (area("Polygon", [RING], kind=None), "properties.kind", "missing_field"),
    "an area without end": (area("Polygon", [RING], ends_at=None), "properties.ends_at", "missing_field"),
    "a window reversed": (
        area("Polygon", [RING], starts_at=TIMES[1], ends_at=TIMES[0]),
        "plans[site].volumes[0].window",
        "window_reversed",
    ),
    "a band upside down": (
        area("Polygon", [RING], lower_m=10, upper_m=9),
        "plans[site].volumes[0].band",
        "band_upside_down",
    ),
    "room round an area": (area("Polygon", [RING], buffer_m=5), "properties.buffer_m", "unknown_field"),
    "a radius of a polygon": (area("Polygon", [RING], radius_m=5), "properties.radius_m", "unknown_field"),
    "an open ring": (area("Polygon", [[*RING[:3], [40.1, 35.3]]]), "geometry.coordinates[0]", "ring_open"),
    "a ring of three": (area("Polygon", [RING[1:]]), "geometry.coordinates[0]", "ring_open"),
    "an open hole": (area("Polygon", [RING, HOLE[:3]]), "geometry.coordinates[1]", "ring_open"),
    "no rings": (area("Polygon", []), "geometry.coordinates", "empty"),
    "no polygons": (area("MultiPolygon", []), "geometry.coordinates", "empty"),
    "no radius": (area("Point", [40.0, 35.0]), "properties.radius_m", "missing_field"),
    "a radius of 0": (area("Point", [40.0, 35.0], radius_m=0), "plans[site].volumes[0].circle.radius_m", "no_radius"),
    "many points": (feature({"type": "MultiPoint", "coordinates": []}, AREA), "geometry.type", "wrong_geometry"),
    "a collection": (
        feature({"type": "GeometryCollection", "geometries": []}, AREA),
        "geometry.type",
        "wrong_geometry",
    ),
    "a bare geometry": ({"type": "Point", "coordinates": [40, 35]}, "type", "wrong_geometry"),
    "another crs": (
        collection(line()) | {"crs": {"type": "name", "properties": {"name": "urn:ogc:def:crs:EPSG::3857"}}},
        "crs",
        "coordinate_system",
    ),
    "a crs by link": (collection(line()) | {"crs": {"type": "link"}}, "crs", "coordinate_system"),
    "no such type": ({"type": "Topology"}, "type", "malformed"),
    "no features": ({"type": "FeatureCollection"}, "", "malformed"),
    "no properties": ({"type": "Feature", "geometry": None}, "", "malformed"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_refused_and_named(case: str) -> None:
    whole, field, code = WRONG[case]
    with pytest.raises(Malformed) as refusal:
        read(whole)
    assert (refusal.value.field, refusal.value.code) == (field, code)


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b'{"type": "Feature"', "not_json"),
        (b'{"type": "Feature", "geometry": null, "properties": {"lower_m": NaN}}', "not_json"),
        (b'{"type": "Feature", "geometry": null, "properties": {"lower_m": 1e999}}', "malformed"),
        (b'{"type": "Feature", "geometry": null, "properties": {"name": "\xff"}}', "not_json"),
        (b'{"type": "Feature", "geometry": null, "properties": ' + b'{"a":' * 100_000, "too_deep"),
        (b'{"type": "Feature", "geometry": ' + b"[" * 100_000, "malformed"),
        (b"[]", "malformed"),
    ],
)
def test_a_hostile_text_is_refused(text: bytes, code: str) -> None:
    with pytest.raises(Malformed) as refusal:
        reading.read_plans(text, "file")
    assert refusal.value.code == code


def test_a_text_too_large_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(geojson, "MAX_BYTES", 100)
    with pytest.raises(Malformed) as refusal:
        geojson.read_plans(b" " * 101, "file")
    assert refusal.value.code == "too_large"


numbers = st.floats(-80, 80, allow_nan=False)


@given(st.lists(st.tuples(numbers, numbers, st.floats(0, 9000)), min_size=2, max_size=20))
def test_numbers_come_in_as_they_are_written(points: list[tuple[float, float, float]]) -> None:
    plans = read(line(*map(list, points), times=[FROM_S + i for i in range(len(points))]))
    assert list(zip(plans.lon_deg, plans.lat_deg, plans.alt_m, strict=True)) == points


# ── positions ────────────────────────────────────────────────────────────────────────────────────────────────────────


def report(id: str | None = "truck", time: Any = TIMES[0], **properties: Any) -> dict[str, Any]:
    return feature({"type": "Point", "coordinates": [40.1, 35.1, 210]}, {"id": id, "time": time} | properties)


def test_points_with_times_are_positions() -> None:
    whole = collection(report(uncertainty_m=30), report("car", time=TIMES[1]), report())
    positions = reading.positions(whole)
    assert positions.ids == ("truck", "car")
    assert positions.mover.tolist() == [0, 1, 0]
    assert positions.t_s.tolist() == [FROM_S, FROM_S + 600.5, FROM_S]
    assert positions.uncertainty_m.tolist() == [30.0, 0.0, 0.0]
    assert reading.positions(json.dumps(whole).encode()).ids == positions.ids
    assert len(reading.positions(collection())) == 0


@pytest.mark.parametrize(
    ("whole", "field", "code"),
    [
        (collection(report(id=None)), "features[0].properties.id", "missing_field"),
        (collection(report(time=None)), "features[0].properties.time", "missing_field"),
        (collection(report(), line()), "features[1].geometry", "not_positions"),
        (collection(report(), report(datum="msl")), "features[1].properties.datum", "one_datum"),
        (collection(report(uncertainty_m=-1)), "positions[0].uncertainty_m", "not_between"),
    ],
)
def test_what_is_no_position_is_refused(whole: dict[str, Any], field: str, code: str) -> None:
    with pytest.raises(Malformed) as refusal:
        reading.positions(whole)
    assert (refusal.value.field, refusal.value.code) == (field, code)

"""GPX 1.1: timed tracks and routes are plans; bombs, other documents and half a time are refused."""

from __future__ import annotations

import pytest

from keepclear.errors import Malformed
from keepclear.formats import gpx, reading
from keepclear.geometry.columns import DATUMS, KINDS, Datum
from keepclear.model.plans import PlanKind

NAMESPACE = 'xmlns="http://www.topografix.com/GPX/1/1"'


def point(minute: int, ele: str | None = "210", tag: str = "trkpt", more: str = "", **attributes: str) -> str:
    at = {"lat": f"35.{minute:02}", "lon": "40.1"} | attributes
    said = " ".join(f'{name}="{value}"' for name, value in at.items())
    height = "" if ele is None else f"<ele>{ele}</ele>"
    return f"<{tag} {said}>{height}<time>2026-12-01T06:{minute:02}:00Z</time>{more}</{tag}>"


def segment(*points: str) -> str:
    return f"<trkseg>{''.join(points)}</trkseg>"


def track(*segments: str, name: str = "<name> convoy </name>", more: str = "") -> str:
    return f"<trk>{name}{more}{''.join(segments)}</trk>"


TWO = segment(point(0), point(1))


def whole(inside: str, head: str = '<?xml version="1.0" encoding="UTF-8"?>', root: str = NAMESPACE) -> bytes:
    return f'{head}\n<gpx version="1.1" creator="x" {root}>{inside}</gpx>'.encode()


def test_a_track_is_a_plan_above_mean_sea_level() -> None:
    content = whole(track(segment(point(0), point(1, ele=None)), more="<type>ground_movement</type>"))
    plans = reading.read_plans(content, "file").plans
    assert plans.ids == ("convoy",)
    assert KINDS[plans.kind[0]] is PlanKind.GROUND_MOVEMENT
    assert DATUMS[plans.datum[0]] is Datum.MSL
    assert plans.t_s.tolist() == [1796104800.0, 1796104860.0]
    assert plans.lat_deg.tolist() == [35.00, 35.01]
    assert plans.alt_m[0] == 210.0
    assert plans.alt_m[1] != plans.alt_m[1]


def test_segments_and_routes_are_plans_and_the_rest_is_left_out() -> None:
    content = whole(
        "<metadata><name>trip</name><bounds minlat='1'/></metadata><wpt lat='1' lon='2'><name>well</name></wpt>"
        + track(TWO, segment(point(4)), segment(), segment(point(5), point(6)))
        + f"<rte><name>back</name>{point(7, tag='rtept')}{point(8, tag='rtept')}</rte>"
        + track(TWO, name="", more="<type>hiking</type>")
        + "<extensions><x:speed xmlns:x='urn:x'>3<x:deep/></x:speed></extensions>"
    )
    found = gpx.read_plans(content, "file")
    assert found.plans.ids == ("convoy", "convoy#2", "back", "file#3")
    assert found.left_out == {"way_points": 1, "single_points": 1}
    assert {KINDS[i] for i in found.plans.kind} == {PlanKind.FLIGHT}


def test_what_points_say_besides_is_passed_over() -> None:
    more = "<sat>7</sat><name>gate</name><extensions><a xmlns='urn:a'><time>junk</time></a></extensions>"
    assert len(gpx.read_plans(whole(track(segment(point(0, more=more), point(1)))), "file").plans) == 1


def test_other_encodings_that_xml_names_are_read() -> None:
    text = whole(track(TWO, name="<name>Café</name>"), head='<?xml version="1.0" encoding="ISO-8859-1"?>')
    assert gpx.read_plans(text.decode().encode("latin-1"), "file").plans.ids == ("Café",)


BOMB = "".join(f'<!ENTITY a{i} "{f"&a{i - 1};" * 10}">' for i in range(1, 11))
WRONG: dict[str, tuple[bytes, str, str]] = {
    "a billion laughs": (
        whole(track(TWO), head=f'<!DOCTYPE gpx [<!ENTITY a0 "ha">{BOMB}]>'),
        "",
        "document_type",
    ),
    "a file asked for": (
        whole(track(TWO), head='<!DOCTYPE gpx [<!ENTITY f SYSTEM "file:///x">]>'),
        "",
        "document_type",
    ),
    "a type fetched": (whole(track(TWO), head='<!DOCTYPE gpx SYSTEM "http://example.org/x.dtd">'), "", "document_type"),
    "an entity undeclared": (whole(track(TWO, name="<name>&f;</name>")), "", "not_xml"),
    "cut short": (whole(track(TWO))[:-10], "", "not_xml"),
    "no namespace": (whole(track(TWO), root=""), "gpx", "not_gpx"),
    "GPX 1.0": (whole(track(TWO), root='xmlns="http://www.topografix.com/GPX/1/0"'), "gpx", "not_gpx"),
    "another document": (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "svg", "not_gpx"),
    "an unknown element": (whole(track(TWO, more="<colour>red</colour>")), "trk[0].colour", "unknown_field"),
    "a foreign element": (whole(track("<x xmlns='urn:x'/>")), "trk[0].x", "unknown_field"),
    "text between": (whole("hello" + track(TWO)), "gpx", "unknown_field"),
    "no time": (
        whole(track(segment(point(0), '<trkpt lat="1" lon="2"/>'))),
        "trk[0].trkseg[0].trkpt[1].time",
        "missing_field",
    ),
    "no zone": (
        whole(track(TWO).replace("06:01:00Z", "06:01:00")),
        "trk[0].trkseg[0].trkpt[1].time",
        "time_not_utc",
    ),
    "two times": (
        whole(track(segment(point(0, more="<time>2026-12-01T06:00:00Z</time>")))),
        "trk[0].trkseg[0].trkpt[0].time",
        "duplicate_field",
    ),
    "no latitude": (
        whole(track(segment('<trkpt lon="2"><time>2026-12-01T06:00:00Z</time></trkpt>'))),
        "trk[0].trkseg[0].trkpt[0].lat",
        "not_numbers",
    ),
    "not a number": (whole(track(segment(point(0, lat="NaN")))), "trk[0].trkseg[0].trkpt[0].lat", "not_numbers"),
    "other digits": (whole(track(segment(point(0, lat="٣٥")))), "trk[0].trkseg[0].trkpt[0].lat", "not_numbers"),
    "an infinite height": (whole(track(segment(point(0, ele="inf")))), "trk[0].trkseg[0].trkpt[0].ele", "not_numbers"),
    "a place elsewhere": (
        whole(track(segment(point(0), point(1, lat="95")))),
        "plans[convoy].points[1].lat_deg",
        "no_latitude",
    ),
    "one time twice": (
        whole(track(segment(point(0), point(0)))),
        "plans[convoy].points[1].t_s",
        "times_not_rising",
    ),
    "one name twice": (whole(track(TWO) + track(TWO)), "plans[convoy]", "id_twice"),
    "a name without end": (whole(track(TWO, name=f"<name>{'x' * 2000}</name>")), "trk[0].name", "too_long"),
    "a hidden name": (whole(track(TWO, name="<name>a\u202eb</name>")), "plans[#0].id", "hidden_character"),
    "an encoding that is none": (whole(track(TWO)).replace(b"?>", b' encoding="rot13"?>', 1), "", "not_xml"),
    "another": (whole(track(TWO)).replace(b"?>", b' encoding="idna"?>', 1), "", "not_xml"),
    "too deep": (whole(f"<metadata>{'<a>' * 5000}{'</a>' * 5000}</metadata>"), "", "too_deep"),
}


@pytest.mark.parametrize("case", WRONG)
def test_what_is_wrong_is_refused_and_named(case: str) -> None:
    content, field, code = WRONG[case]
    with pytest.raises(Malformed) as refusal:
        reading.read_plans(content, "file")
    assert (refusal.value.field, refusal.value.code) == (field, code)


def test_a_file_too_large_is_refused_before_it_is_read(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpx, "MAX_BYTES", 100)
    with pytest.raises(Malformed) as refusal:
        gpx.read_plans(whole(track(TWO)), "file")
    assert refusal.value.code == "too_large"


def test_gpx_holds_no_positions() -> None:
    with pytest.raises(Malformed) as refusal:
        reading.positions(whole(track(TWO)))
    assert refusal.value.code == "not_positions"

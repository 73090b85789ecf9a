"""The wire of F3548-21: what is written is read back the same, and what is not as the standard has it is named."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.errors import Malformed
from keepclear.formats.f3548 import answers, requests
from keepclear.formats.f3548.volumes import Volume4D, entity_id, volume_of, wire_volume
from keepclear.model.utm import (
    NO_SUBSCRIPTION,
    UTM_EARLIEST,
    UTM_LATEST,
    Availability,
    IntentState,
    Told,
    UtmCircle,
    UtmIntent,
    UtmPoint,
    UtmSubscription,
    UtmVolume,
    span_of,
)

ID = "0d9b1d34-8f0a-4a6f-9d54-0f6d4b1c2a3e"

points = st.builds(UtmPoint, lat_deg=st.floats(-90, 90), lng_deg=st.floats(-180, 180))
heights = st.none() | st.floats(-8_000, 100_000)
moments = st.none() | st.datetimes(
    UTM_EARLIEST.replace(tzinfo=None), UTM_LATEST.replace(tzinfo=None) - timedelta(seconds=1), timezones=st.just(UTC)
)
outlines = st.lists(points, min_size=3, max_size=6).map(lambda found: {"polygon": tuple(found)}) | st.builds(
    UtmCircle, centre=points, radius_m=st.floats(0, 20_100_000, exclude_min=True)
).map(lambda found: {"circle": found})


@st.composite
def volumes(draw: st.DrawFn) -> UtmVolume:
    return UtmVolume(
        **draw(outlines),
        lower_m=draw(heights),
        upper_m=draw(heights),
        starts_at=draw(moments),
        ends_at=draw(moments),
    )


def volume() -> dict[str, Any]:
    vertices = [{"lat": 1.0, "lng": 2.0}, {"lat": 1.0, "lng": 2.1}, {"lat": 1.1, "lng": 2.0}]
    altitude = {"value": 10.5, "reference": "W84", "units": "M"}
    moment = {"value": "2026-05-04T10:00:00.123456Z", "format": "RFC3339"}
    return {
        "volume": {"outline_polygon": {"vertices": vertices}, "altitude_lower": altitude, "altitude_upper": altitude},
        "time_start": moment,
        "time_end": moment,
    }


def intent(**more: Any) -> dict[str, Any]:
    return {"extents": [volume()], "state": "Accepted", "uss_base_url": "https://alfa.example", **more}


def query(area: object) -> bytes:
    return json.dumps({"area_of_interest": area}).encode()


@given(volumes())
def test_a_volume_that_is_written_is_read_back_the_same_to_the_microsecond(said: UtmVolume) -> None:
    body = msgspec.json.encode({"area_of_interest": wire_volume(said)})
    assert requests.read_query(body) == said


@given(volumes())
def test_a_volume_is_written_as_the_standard_has_it(said: UtmVolume) -> None:
    wire = json.loads(msgspec.json.encode(wire_volume(said)))
    assert ("outline_polygon" in wire["volume"]) != ("outline_circle" in wire["volume"])
    for name in ("altitude_lower", "altitude_upper"):
        if name in wire["volume"]:
            assert set(wire["volume"][name]) == {"value", "reference", "units"}
    for name in ("time_start", "time_end"):
        if name in wire:
            assert wire[name]["format"] == "RFC3339"
            assert wire[name]["value"].endswith("Z")


def test_unknown_fields_are_ignored_and_objects_may_be_null() -> None:
    said = volume()
    said["volume"] |= {"outline_circle": None, "colour": "red"}
    body = intent(extents=[said], key=None, new_subscription=None, subscription_id=None, priority={"a": [1]})
    read = requests.read_intent(json.dumps(body).encode())
    assert (read.key, read.new_subscription, read.state) == (None, None, IntentState.ACCEPTED)
    assert volume_of(read.extents[0], "extents[0]").lower_m == 10.5


@pytest.mark.parametrize(
    ("path", "value", "field"),
    [
        ("volume.outline_polygon.vertices.0.lat", 90.001, None),
        ("volume.outline_polygon.vertices.1.lng", -180.001, None),
        ("volume.outline_polygon.vertices.0.lat", "1.0", None),
        ("volume.outline_polygon.vertices", [{"lat": 1, "lng": 1}] * 2, None),
        ("volume.outline_polygon.vertices", [{"lat": 1, "lng": 1}] * 10_001, None),
        ("volume.outline_polygon", {}, "area_of_interest.volume.outline_polygon.vertices"),
        ("volume.outline_polygon", None, None),
        ("volume.altitude_lower.units", "FT", None),
        ("volume.altitude_lower.reference", "MSL", None),
        ("volume.altitude_lower.value", -8_000.1, None),
        ("volume.altitude_lower.value", 100_000.1, None),
        ("volume.altitude_lower", {"value": 1, "units": "M"}, "area_of_interest.volume.altitude_lower.reference"),
        ("volume.outline_circle", {}, "area_of_interest.volume.outline_circle.center"),
        ("time_start.format", "RFC3330", None),
        ("time_start.value", "2026-05-04T10:00:00", None),
        ("time_start.value", "2026-05-04T12:00:00+02:00", None),
        ("time_start.value", "2026-05-04T25:00:00Z", None),
        ("time_start.value", "1899-12-31T23:59:59Z", None),
        ("time_start.value", "2200-01-01T00:00:00Z", None),
        ("time_start.value", 1_700_000_000, None),
        ("time_start", "2026-05-04T10:00:00Z", None),
        ("volume", None, None),
    ],
)
def test_what_is_not_as_the_standard_has_it_is_refused_by_its_path(path: str, value: object, field: str | None) -> None:
    said: Any = volume()
    *way, last = (int(each) if each.isdigit() else each for each in path.split("."))
    place = said
    for each in way:
        place = place[each]
    place[last] = value
    with pytest.raises(Malformed) as refused:
        requests.read_query(query(said))
    expected = "area_of_interest." + path.replace(".0.", "[0].").replace(".1.", "[1].")
    assert refused.value.field == (field or expected)


@pytest.mark.parametrize("radius", [0, -1, 20_100_001, "300"])
def test_a_radius_is_above_zero_and_no_more_than_half_the_earth(radius: object) -> None:
    said = volume()
    said["volume"] = {"outline_circle": {"center": {"lat": 90, "lng": 180}, "radius": {"value": radius, "units": "M"}}}
    with pytest.raises(Malformed) as refused:
        requests.read_query(query(said))
    assert refused.value.field == "area_of_interest.volume.outline_circle.radius.value"


def test_a_volume_has_one_outline() -> None:
    said = volume()
    said["volume"]["outline_circle"] = {"center": {"lat": 1, "lng": 2}, "radius": {"value": 3, "units": "M"}}
    with pytest.raises(Malformed) as refused:
        requests.read_query(query(said))
    assert (refused.value.field, refused.value.code) == ("area_of_interest.volume.outline_circle", "utm_two_outlines")


BODIES = (b"", b"{", b"[]", b"null", b"\xff", b'{"extents": NaN}', b"[" * 100_000, b'{"a":1e999}', b"\xef\xbb\xbf{}")


@pytest.mark.parametrize("body", BODIES, ids=range(len(BODIES)))
def test_what_is_no_object_of_json_is_refused(body: bytes) -> None:
    for read in (
        requests.read_intent,
        requests.read_constraint,
        requests.read_subscription,
        requests.read_availability,
        requests.read_report,
        requests.read_query,
    ):
        with pytest.raises(Malformed) as refused:
            read(body)
        assert refused.value.field


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"state": "Ended"}, "state"),
        ({"state": None}, "state"),
        ({"uss_base_url": "https://a b"}, "uss_base_url"),
        ({"uss_base_url": "https://\u202emoc"}, "uss_base_url"),
        ({"uss_base_url": "https://" + "x" * 2_000}, "uss_base_url"),
        ({"key": [1]}, "key[0]"),
        ({"key": "x"}, "key"),
        ({"subscription_id": "5"}, "subscription_id"),
        ({"subscription_id": ID.replace("-4", "-1")}, "subscription_id"),
        ({"requested_ovn_suffix": ID}, "requested_ovn_suffix"),
        ({"new_subscription": {}}, "new_subscription.uss_base_url"),
        ({"new_subscription": {"uss_base_url": "https://a.b", "notify_for_constraints": 1}}, None),
    ],
)
def test_a_wrong_field_of_an_intent_is_named(changed: dict[str, Any], field: str | None) -> None:
    with pytest.raises(Malformed) as refused:
        requests.read_intent(json.dumps(intent(**changed)).encode())
    assert refused.value.field == (field or "new_subscription.notify_for_constraints")


def test_a_missing_field_is_named() -> None:
    for name in ("extents", "state", "uss_base_url"):
        body = intent()
        del body[name]
        with pytest.raises(Malformed) as refused:
            requests.read_intent(json.dumps(body).encode())
        assert (refused.value.field, refused.value.code) == (name, "missing_field")


@pytest.mark.parametrize("text", [ID, ID.upper()])
def test_ids_are_taken_in_either_case(text: str) -> None:
    assert entity_id(text, "entityid") == ID


@pytest.mark.parametrize("text", ["", ID[:-1], ID + "0", ID + "\n", f"{{{ID}}}", ID.replace("-4", "-7"), "٠" * 36])
def test_what_is_no_uuid_of_version_4_is_no_id(text: str) -> None:
    with pytest.raises(Malformed) as refused:
        entity_id(text, "entityid")
    assert refused.value.field == "entityid"


@pytest.mark.parametrize("word", ["Unknown", "unknown", "Normal", "normal", "Down", "down"])
def test_availability_is_taken_as_the_standard_and_its_clients_write_it(word: str) -> None:
    body = json.dumps({"availability": word}).encode()
    assert requests.read_availability(body) == (Availability(word.capitalize()), "")


def extent(starts: int | None, ends: int | None) -> UtmVolume:
    day = datetime(2026, 5, 4, tzinfo=UTC)
    circle = UtmCircle(centre=UtmPoint(lat_deg=1.0, lng_deg=2.0), radius_m=3.0)
    return UtmVolume(
        circle=circle,
        starts_at=None if starts is None else day + timedelta(hours=starts),
        ends_at=None if ends is None else day + timedelta(hours=ends),
    )


def test_a_reference_reaches_from_the_first_to_the_last_moment_of_its_volumes() -> None:
    first, last = span_of((extent(3, 4), extent(1, 2), extent(2, 9)))
    assert (first, last) == (extent(1, 9).starts_at, extent(1, 9).ends_at)
    assert span_of((extent(3, None), extent(None, 2))) == (None, None)


def test_an_ovn_is_written_for_its_manager_only() -> None:
    held = UtmIntent(
        id=ID,
        manager="alfa",
        state=IntentState.ACCEPTED,
        uss_base_url="https://alfa.example",
        version=3,
        ovn="o" * 20,
        volumes=(extent(1, 2),),
    )
    for asker, shown in (("alfa", "o" * 20), ("bravo", None)):
        wire = json.loads(msgspec.json.encode(answers.intent_reference(held, asker, lambda _: Availability.DOWN)))
        assert wire.get("ovn") == shown
        assert wire["uss_availability"] == "Down"
        assert wire["subscription_id"] == NO_SUBSCRIPTION


def test_flags_and_lists_are_written_even_where_they_are_false_or_empty() -> None:
    held = UtmSubscription(
        id=ID,
        manager="alfa",
        uss_base_url="https://alfa.example",
        version="v",
        notification_index=0,
        for_intents=False,
        for_constraints=False,
        implicit=False,
        volumes=(extent(None, 2),),
    )
    wire = json.loads(msgspec.json.encode(answers.subscription_shown(held, ())))
    assert wire["notification_index"] == 0
    assert wire["implicit_subscription"] is wire["notify_for_constraints"] is False
    assert wire["dependent_operational_intents"] == []
    assert "time_start" not in wire
    assert wire["time_end"] == {"value": "2026-05-04T02:00:00Z", "format": "RFC3339"}


def test_subscribers_are_grouped_by_url_in_the_order_they_come() -> None:
    urls = ("https://b", "https://a") * 2
    told = [Told(subscription=str(number), index=number, url=url) for number, url in enumerate(urls)]
    grouped = json.loads(msgspec.json.encode(answers.subscribers_to_notify(told)))
    assert [each["uss_base_url"] for each in grouped] == ["https://b", "https://a"]
    assert [[state["subscription_id"] for state in each["subscriptions"]] for each in grouped] == [
        ["0", "2"],
        ["1", "3"],
    ]


def test_volumes_of_the_wire_are_named_by_number() -> None:
    with pytest.raises(Malformed) as refused:
        volume_of(Volume4D(msgspec.convert({}, type(wire_volume(extent(1, 2)).volume))), "extents[7]")
    assert refused.value.field == "extents[7].volume.outline_polygon"

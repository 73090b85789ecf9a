"""What parties say is bounded and typed: every act can be written and read, and what is out of bounds is refused."""

from __future__ import annotations

import json
from typing import Any, get_args

import msgspec
import pytest

from keepclear.model.acts import Act, Said
from keepclear.model.base import Value, hidden_in
from keepclear.model.basis import Basis, BasisKind
from tests.model.examples import ACT, EXAMPLES

DECODER = msgspec.json.Decoder(Said)


def wire(act: Act) -> dict[str, Any]:
    """An act as the JSON a peer would send, to be spoilt by a test."""
    body: dict[str, Any] = json.loads(msgspec.json.encode(Said(role="duty officer", act=act)))
    return body


def example(tag: str) -> dict[str, Any]:
    return next(body for body in map(wire, EXAMPLES) if body["act"]["act"] == tag)


def set_at(body: dict[str, Any], path: str, value: object) -> bytes:
    """`body` with the thing at `path` (dots, numbers for positions) replaced."""
    *way, last = (int(step) if step.isdigit() else step for step in path.split("."))
    place: Any = body["act"]
    for step in way:
        place = place[step]
    place[last] = value
    return json.dumps(body).encode()


def test_there_is_an_example_of_every_act() -> None:
    assert {type(act) for act in EXAMPLES} == set(get_args(Act))


@pytest.mark.parametrize("act", EXAMPLES, ids=lambda act: type(act).__name__)
def test_every_act_survives_the_wire(act: Act) -> None:
    said = Said(role="duty officer", act=act)
    assert DECODER.decode(msgspec.json.encode(said)) == said


@pytest.mark.parametrize("act", EXAMPLES, ids=lambda act: type(act).__name__)
def test_an_unknown_field_is_refused_in_every_act(act: Act) -> None:
    body = wire(act)
    body["act"]["target"] = "x"
    with pytest.raises(msgspec.ValidationError, match="target"):
        DECODER.decode(json.dumps(body).encode())


@pytest.mark.parametrize(
    ("tag", "path", "value", "names"),
    [
        ("read_back", "re", ACT.upper(), "re"),
        ("read_back", "re", ACT[:-1], "re"),
        ("read_back", "grid", "37SDU88260é", "grid"),
        ("read_back", "grid", "", "grid"),
        ("notice", "to", [], "to"),
        ("notice", "to", ["Coalition"], "to"),
        ("notice", "to", ["coalition\u0430"], "to"),
        ("notice", "plan.trajectory", None, "volumes or trajectory"),
        ("notice", "plan.trajectory.waypoints.0.lat_deg", 90.1, "lat_deg"),
        ("notice", "plan.trajectory.waypoints.0.lat_deg", "34.9", "lat_deg"),
        ("notice", "plan.trajectory.waypoints.0.lat_deg", True, "lat_deg"),
        ("notice", "plan.trajectory.waypoints.0.lon_deg", -180.5, "lon_deg"),
        ("notice", "plan.trajectory.waypoints.1.at", "2017-09-08T06:00:00Z", "order of time"),
        ("notice", "plan.trajectory.waypoints.1.at", "2017-09-08T06:00:00", "RFC3339|timezone"),
        ("notice", "plan.trajectory.waypoints.1.at", "2017-09-08T12:00:00+03:00", "UTC"),
        ("notice", "plan.trajectory.waypoints.1.at", "2217-09-08T12:00:00Z", "2100"),
        ("notice", "plan.window.ends_at", "2017-09-08T06:00:00Z", "after starts_at"),
        ("notice", "plan.band.upper_wgs84_m", -1.0, "below"),
        ("notice", "plan.band.upper_wgs84_m", 1e308, "upper_wgs84_m"),
        ("notice", "plan.kind", "strike", "kind"),
        ("notice", "words.text", "a\u202eb", "U\\+202E"),
        ("notice", "words.text", "a\u0000b", "U\\+0000"),
        ("notice", "words.text", "a\u200bb", "U\\+200B"),
        ("notice", "words.text", "a\u00adb", "U\\+00AD"),
        ("notice", "words.text", "a\u3164b", "U\\+3164"),
        ("notice", "words.text", "a\ufff9b", "U\\+FFF9"),
        ("notice", "words.text", "a\U000e0041b", "U\\+E0041"),
        ("notice", "words.text", "a\ue000b", "U\\+E000"),
        ("notice", "plan.name.en", "a\u180eb", "U\\+180E"),
        ("notice", "words.text", "x" * 4001, "text"),
        ("notice", "plan.name.ar", "", "ar"),
        ("clear_request", "volume.area.radius_m", 0, "radius_m"),
        ("clear_request", "volume.area.shape", "square", "shape"),
        ("receipt", "echelon", None, "echelon"),
        ("answer", "conditions", None, "conditions"),
        ("answer", "reply", "approved", "reply"),
        ("positions", "tracks.0.fixes.0.uncertainty_m", -1, "uncertainty_m"),
        ("positions", "tracks.0.fixes", [], "fixes"),
        ("positions", "tracks.0.kind", "hostile", "kind"),
        ("declare_group", "group.headcounts.0.count", -1, "count"),
        ("declare_group", "group.headcounts.0.count", 1.5, "count"),
        ("statement", "claims.0.figure", None, "figure"),
        ("statement", "claims.0.said.zone", None, "zone"),
        ("enrol", "node.key", "other.node+0123abcd+" + "A" * 44, "key"),
        ("enrol", "node.address", "https://user:pass@host", "address"),
        ("enrol", "node.address", "file:///etc/passwd", "address"),
        ("enrol", "node.parties.0.id", "desk.node", "key"),
        ("open_line", "line.members", ["coalition", "coalition"], "different"),
        ("roster", "desk.escalation.0.after_s", 500, "order of after_s"),
    ],
)
def test_what_is_out_of_bounds_is_refused_by_name(tag: str, path: str, value: object, names: str) -> None:
    body = example(tag)
    DECODER.decode(json.dumps(body).encode())
    with pytest.raises(msgspec.ValidationError, match=names):
        DECODER.decode(set_at(body, path, value))


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity", "1e999"])
def test_numbers_that_are_none_are_refused(number: str) -> None:
    text = json.dumps(example("clear_request")).replace("20000.0", number)
    assert number in text
    with pytest.raises(msgspec.DecodeError):
        DECODER.decode(text.encode())


@pytest.mark.parametrize(
    "text", ["القوات ستمر", "Ground forces, 07:00Z\nsecond line", "Дорога", "é e\u0301 ñ", "😀 °±"]
)
def test_what_people_write_is_not_hidden(text: str) -> None:
    assert hidden_in(text) is None


def test_a_value_cannot_be_changed() -> None:
    with pytest.raises(AttributeError):
        EXAMPLES[0].node = None  # type: ignore[misc,union-attr]


@pytest.mark.parametrize("kind", list(BasisKind))
def test_only_what_was_made_up_is_not_a_fact(kind: BasisKind) -> None:
    assert Basis(kind=kind).is_fact == (kind not in (BasisKind.SYNTHETIC, BasisKind.ASSUMED))


def test_nothing_a_party_can_say_has_a_place_for_a_target() -> None:
    """Guard rail: no field of any value is named for targeting, hostility or permission."""
    forbidden = ("target", "hostile", "enemy", "strike", "weapon", "approve", "permit", "safe")
    waiting: list[type] = [Value]
    while waiting:
        kind = waiting.pop()
        waiting += kind.__subclasses__()
        for field in getattr(kind, "__struct_fields__", ()):
            assert not any(word in field for word in forbidden), f"{kind.__name__}.{field}"

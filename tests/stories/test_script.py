"""The story of 2017 as data: every act is a checked value, nothing in it is unlabelled, and no person is named."""

from __future__ import annotations

import json
import re
from itertools import pairwise

import msgspec
import pytest

from keepclear.errors import Malformed
from keepclear.geometry.earth import distance_m
from keepclear.geometry.grids import from_mgrs, to_gars, to_mgrs
from keepclear.model.acts import ClearRequest, Done, Notice, Positions, PublishStatement, ReadBack, Said
from keepclear.model.basis import BasisKind
from keepclear.stories.query import holds, meets, values_at
from keepclear.stories.script import folder, placeholder, read_story, resolve

STORY = read_story("convoy2017")
NAMES_OF_PERSONS = re.compile(
    r"Dillon|Braga|Townsend|McGurk|Nasrallah|Galloway|Nordland|Maatouk|Khalimov|\bCol\.|Lt Gen|Brig|غالاوي|نصر الله"
)


def step(key: str) -> Said:
    return next(step.said for step in STORY.steps if step.key == key)


def test_every_act_survives_the_wire() -> None:
    for each in STORY.steps:
        assert msgspec.json.decode(msgspec.json.encode(each.said), type=Said) == each.said, each.key


def test_acts_come_in_order_of_time_and_within_the_story() -> None:
    times = [step.at for step in STORY.steps]
    assert times == sorted(times)
    assert STORY.starts_at <= times[0]
    assert times[-1] <= STORY.ends_at


def test_every_author_is_hosted_once_and_on_the_line_it_speaks_on() -> None:
    hosted = [party for node in STORY.nodes for party in node.parties]
    assert sorted(hosted) == sorted(actor.id for actor in STORY.actors)
    members = {line.id: set(line.members) for line in STORY.lines}
    members |= {f"own.{node.id}": set(node.parties) for node in STORY.nodes}
    assert [step.key for step in STORY.steps if step.author not in members[step.line]] == []


def test_every_act_but_a_statement_says_what_it_rests_on() -> None:
    unlabelled = [s.key for s in STORY.steps if s.said.basis is None and not isinstance(s.said.act, PublishStatement)]
    assert unlabelled == []


def test_every_position_is_labelled_synthetic_in_both_languages() -> None:
    tracks = [track for s in STORY.steps if isinstance(s.said.act, Positions) for track in s.said.act.tracks]
    assert len(tracks) > 1000
    assert {track.basis.kind for track in tracks} == {BasisKind.SYNTHETIC}
    assert all(track.basis.note is not None for track in tracks)


def test_what_was_never_published_is_labelled_assumed() -> None:
    request = step("clear").act
    assert isinstance(request, ClearRequest)
    assert request.basis.kind is BasisKind.ASSUMED
    plans = [s.said.act.plan for s in STORY.steps if isinstance(s.said.act, Notice)]
    assert {plan.basis.kind for plan in plans} == {BasisKind.ASSUMED}


def test_no_person_is_named_outside_web_addresses() -> None:
    files = ("sources.json", "script.json", "readings.json", "movements.json", "expectations.json")
    for name in files:
        text = re.sub(r"https?://[^\s\"\\]+", "", folder("convoy2017").joinpath(name).read_text("utf-8"))
        assert NAMES_OF_PERSONS.findall(text) == [], name


def test_names_of_persons_would_be_found() -> None:
    assert NAMES_OF_PERSONS.search("Coalition spokesman Col. R. Dillon")


def test_all_claims_of_all_fifteen_topics_are_filed_once_in_the_words_of_the_sources() -> None:
    filed = [
        (s.said.act.topic, claim)
        for s in STORY.steps
        if isinstance(s.said.act, PublishStatement) and s.said.act.topic.startswith("c_")
        for claim in s.said.act.claims
    ]
    expected = {claim.id: (topic.id, claim.claim) for topic in STORY.sources.conflicts for claim in topic.claims}
    assert len({topic for topic, _ in filed}) == 15
    assert {claim.id: (topic, claim.words) for topic, claim in filed} == expected
    assert len(filed) == len(expected)
    assert not any(claim.verbatim for _, claim in filed)


def test_no_statement_is_filed_before_the_day_it_was_published() -> None:
    for each in STORY.steps:
        act = each.said.act
        if isinstance(act, PublishStatement) and act.published.value is not None:
            assert act.published.value <= each.at, each.key


def test_a_place_lies_where_its_grids_say() -> None:
    for place in STORY.sources.places:
        assert to_mgrs(place.lat, place.lon) == place.mgrs, place.id
        assert to_gars(place.lat, place.lon) == place.gars, place.id


def test_the_stall_area_is_an_area_of_45_km() -> None:
    place = STORY.sources.place("stall_area")
    assert place.is_area
    assert place.as_model().position.uncertainty_m == 45_000.0


def test_every_read_back_but_one_repeats_the_plan_in_force() -> None:
    wrong = []
    plans = {}
    for each in STORY.steps:
        act = each.said.act
        plan = getattr(act, "plan", None)
        if isinstance(act, Notice):
            plans[placeholder(each.key)] = act.plan
        elif plan is not None and hasattr(act, "re"):
            plans[placeholder(each.key)] = plan
        elif isinstance(act, ReadBack):
            now = plans[act.re]
            if (act.grid, act.window, act.band) != (now.names[0].grid, now.window, now.band):
                wrong.append(each.key)
    assert wrong == ["readback.forces.wrong"]


def test_every_plan_begins_at_the_grid_it_names() -> None:
    for each in STORY.steps:
        plan = getattr(each.said.act, "plan", None)
        if plan is None or isinstance(plan, str) or plan.trajectory is None:
            continue
        square, first = from_mgrs(plan.names[0].grid), plan.trajectory.waypoints[0]
        assert distance_m(square.lat_deg, square.lon_deg, first.lat_deg, first.lon_deg) < 100.0, each.key


def test_no_vehicle_drives_faster_than_a_vehicle_can() -> None:
    fixes: dict[str, list[tuple[float, float, float]]] = {}
    kinds = {}
    for each in STORY.steps:
        if isinstance(each.said.act, Positions):
            for track in each.said.act.tracks:
                fix = track.fixes[0]
                fixes.setdefault(track.asset, []).append((fix.at.timestamp(), fix.lat_deg, fix.lon_deg))
                kinds[track.asset] = track.kind.value
    for asset, points in fixes.items():
        limit_mps = 120.0 if kinds[asset] == "drone" else 20.0
        for (t0, *a), (t1, *b) in pairwise(points):
            assert t1 > t0, asset
            assert distance_m(*a, *b) / (t1 - t0) < limit_mps, asset


def test_the_story_leaves_the_residual_to_the_node() -> None:
    done = step("done.clear").act
    assert isinstance(done, Done)
    assert done.residual == ()


def test_references_are_put_in_when_the_act_has_been_said() -> None:
    said = resolve(step("readback.forces"), {"notice.forces": "ab" * 32})
    assert isinstance(said.act, ReadBack)
    assert said.act.re == "ab" * 32


def test_a_reference_to_nothing_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(Malformed, match="there is no story"):
        read_story("nowhere")
    with pytest.raises(Malformed, match="there is no story"):
        read_story("../convoy2017")


def test_sources_are_complete_for_every_citation() -> None:
    known = {source.id for source in STORY.sources.sources}
    for each in STORY.steps:
        text = json.loads(msgspec.json.encode(each.said))
        assert set(_sources(text)) <= known, each.key


def _sources(value: object) -> list[str]:
    if isinstance(value, dict):
        own = [str(each) for each in value.get("sources", ())]
        return own + [found for inner in value.values() for found in _sources(inner)]
    if isinstance(value, list):
        return [found for inner in value for found in _sources(inner)]
    return []


@pytest.mark.parametrize(
    ("value", "condition", "expected"),
    [
        (3, 3, True),
        (3, 4, False),
        (None, None, True),
        (3, {"min": 3, "max": 5}, True),
        (6, {"min": 3, "max": 5}, False),
        (True, {"min": 0}, False),
        (None, {"min": 0}, False),
        ("2017-09-08T07:00:00Z", {"min": "2017-09-08T06:59:59.5Z"}, True),
        ("2017-09-08T07:00:00Z", {"max": "2017-09-08T06:59:59.5Z"}, False),
        ("a", {"in": ["a", "b"]}, True),
        ("c", {"in": ["a", "b"]}, False),
        (["x", "y"], {"has": ["y"]}, True),
        (["x", "y"], {"has": ["y", "z"]}, False),
        ("open 24 hours", {"has": "24"}, True),
        (None, {"has": "24"}, False),
        ([1, 2], {"count": 2}, True),
        ([1, 2], {"count": {"min": 3}}, False),
        (None, {"count": 0}, False),
        (None, {"null": True}, True),
        (1, {"null": True}, False),
        (1, {"not": 1}, False),
        (2, {"not": 1}, True),
    ],
)
def test_conditions(value: object, condition: object, expected: bool) -> None:
    assert holds(value, condition) is expected


def test_an_unknown_condition_is_an_error_and_not_a_pass() -> None:
    with pytest.raises(ValueError, match="no condition"):
        holds(1, {"minimum": 0})


def test_paths() -> None:
    item = {"a": [{"b": 1}, {"b": 2}], "c": {"d": None}}
    assert meets(item, {"a.0.b": 1})
    assert meets(item, {"a.*.b": {"min": 1}})
    assert not meets(item, {"a.*.b": 1})
    assert meets(item, {"a.+.b": 2})
    assert not meets(item, {"a.+.b": 3})
    assert not meets({"a": []}, {"a.*.b": 1}), "nothing is not every"
    assert meets(item, {"c.d": {"null": True}, "x.y": None})
    assert values_at(item, "a.*.b") == [1, 2]

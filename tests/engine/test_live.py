"""A live set and a watch, with plans, fences and positions in any shape."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import keepclear as kc
from keepclear.model.base import Name
from keepclear.model.groups import AssetKind, Member
from tests.engine.test_sources import NAMES, T0, rows, shapes


@pytest.mark.parametrize("name", NAMES)
def test_an_airspace_takes_every_shape(name: str, tmp_path: Path) -> None:
    alpha, bravo = (shapes(id, tmp_path)[name] for id in ("alpha", "bravo"))
    air = kc.Airspace()
    air.put(alpha)
    assert air.ids() == ("alpha",)
    assert air.check(bravo).pairs() == [("bravo", "alpha")]
    assert "bravo" not in air
    suggested = air.suggest(bravo)
    assert suggested
    assert all(not air.check(each.plan).pairs() for each in suggested)
    assert air.check_and_put(suggested[0].plan).pairs() == []
    air.remove("alpha")
    assert air.ids() == ("bravo",)
    assert air.check(alpha).pairs() == []


def fence() -> dict[str, Any]:
    ring = [[40.1, 35.05], [40.3, 35.05], [40.3, 35.15], [40.1, 35.15], [40.1, 35.05]]
    said = {"kind": "closure", "starts_at": T0 - 3600, "ends_at": T0 + 3600}
    return {
        "type": "Feature",
        "id": "bridge",
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "properties": said,
    }


def report(lat: float, t: float) -> dict[str, Any]:
    shape = {"type": "Point", "coordinates": [40.2, lat]}
    return {"type": "Feature", "id": "truck", "geometry": shape, "properties": {"time": t}}


def test_a_watch_takes_fences_and_positions_in_any_shape() -> None:
    watch = kc.Watch(fences=fence())
    first = watch.feed(report(35.0, T0))
    second = watch.feed({"id": ["truck"], "t": [T0 + 60.0], "lat": [35.1], "lon": [40.2]})
    assert len(second) > 0
    assert isinstance(first, kc.LiveFindings)
    again = kc.Watch(fences=kc.plans(fence()))
    both = {name: [*values] for name, values in rows("truck").items()} | {"lat": [35.0, 35.1], "t": [T0, T0 + 60.0]}
    assert len(again.feed(both)) == len(first) + len(second)
    assert len(kc.Watch().feed(both)) < len(first) + len(second)


def test_a_watch_takes_groups_as_they_are_declared_and_routes_in_any_shape(tmp_path: Path) -> None:
    def convoy(id: str, asset: str) -> kc.Group:
        return kc.Group(
            id=id, name=Name(en=id, ar=id), members=(Member(asset=asset, kind=AssetKind.TRUCK),), plan="alpha"
        )

    routes = shapes("alpha", tmp_path)[NAMES[0]]
    watch = kc.Watch(groups=[convoy("one", "truck"), convoy("two", "van")], routes=routes, encounters_m=500.0)
    near = {"id": ["truck", "van", "truck", "van"], "t": [T0, T0, T0 + 60.0, T0 + 60.0]}
    told = watch.feed(near | {"lat": [35.0, 35.1, 35.05, 35.0501], "lon": [40.2] * 4})
    kinds = {each["kind"] for each in told.to_dicts()}
    assert "encounter_began" in kinds
    alone = kc.Watch(groups=kc.Groups.of([convoy("one", "truck"), convoy("two", "van")]))
    apart = alone.feed(near | {"lat": [35.0, 35.1, 35.05, 35.0501], "lon": [40.2] * 4})
    assert "encounter_began" not in {each["kind"] for each in apart.to_dicts()}


def test_fences_are_taken_in_any_shape(tmp_path: Path) -> None:
    file = tmp_path / "fence.geojson"
    file.write_text(json.dumps(fence()), encoding="utf-8")
    reports = {"id": ["truck"] * 2, "t": [T0, T0 + 60.0], "lat": [35.0, 35.2], "lon": [40.2] * 2}
    for given in (file, str(file), file.read_bytes(), fence(), kc.plans(fence())):
        # From south of it to north of it: no report is within.
        assert kc.Watch(fences=given).feed(reports).to_dicts() == []
        through = kc.Watch(fences=kc.Fences(given, between_reports=True)).feed(reports)
        assert [each["kind"] for each in through.to_dicts()] == ["entered", "left"]


def test_how_long_a_silence_may_be_is_said_to_the_watch() -> None:
    pause = {"id": ["truck"] * 2, "t": [T0, T0 + 600.0], "lat": [35.0, 35.2], "lon": [40.2] * 2}
    for max_gap_s, count in ((300.0, 0), (900.0, 2)):
        fences = kc.Fences(fence(), between_reports=True, max_gap_s=max_gap_s)
        assert len(kc.Watch(fences=fences, max_gap_s=max_gap_s).feed(pause)) == count
    with pytest.raises(kc.Malformed) as refusal:
        kc.Watch(max_gap_s=-1.0)
    assert refusal.value.field == "max_gap_s"


def test_what_would_be_passed_over_is_refused() -> None:
    member = Member(asset="truck", kind=AssetKind.TRUCK)
    group = kc.Group(id="one", name=Name(en="one", ar="one"), members=(member,))
    made = kc.Groups.of([group])
    asked: list[tuple[dict[str, Any], str, str]] = [
        ({"encounters_m": 500.0}, "encounters_m", "groups_otherwise"),
        ({"routes": rows("alpha")}, "routes", "groups_otherwise"),
        ({"groups": made, "routes": rows("alpha")}, "routes", "groups_otherwise"),
        ({"groups": kc.GroupWatch(made), "encounters_m": 500.0}, "encounters_m", "groups_otherwise"),
        ({"groups": [group], "encounters_m": float("nan")}, "encounters_m", "not_between"),
        ({"groups": [group], "encounters_m": 0.0}, "encounters_m", "not_between"),
        ({"groups": [group, {"id": "two"}]}, "groups[1]", "malformed"),
        ({"groups": "groups.json"}, "groups[0]", "malformed"),
        ({"groups": group, "boundaries": "border"}, "boundaries[0]", "malformed"),
    ]
    for given, field, code in asked:
        with pytest.raises(kc.Malformed) as refusal:
            kc.Watch(**given)
        assert (refusal.value.field, refusal.value.code) == (field, code)
    kc.Watch(groups=made, encounters_m=500.0)
    kc.Watch(groups=group, encounters_m=500.0)


def test_a_moment_that_is_none_is_refused() -> None:
    air = kc.Airspace()
    air.put(rows("alpha"))
    for call in (air.expire, kc.Watch().tick):
        with pytest.raises(kc.Malformed) as refusal:
            call(float("nan"))
        assert refusal.value.field == "now_s"
    assert air.ids() == ("alpha",)
    assert air.expire(float("inf")) == ("alpha",)


def test_findings_say_in_a_line_what_they_are() -> None:
    watch = kc.Watch(fences=fence())
    assert repr(watch.feed(report(35.0, T0))) == "<LiveFindings: none>"
    both = {"id": ["truck", "van"] * 2, "t": [T0 + 60.0] * 2 + [T0 + 120.0] * 2, "lon": [40.2] * 4}
    assert repr(watch.feed(both | {"lat": [35.1, 35.1, 35.1, 35.2]})) == "<LiveFindings: entered 2, left 1>"

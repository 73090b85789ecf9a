"""Columns of plans and positions: what is in order passes, and one defect anywhere is named."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from typing import Any

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.errors import Malformed
from keepclear.geometry import kernels
from keepclear.geometry.columns import DATUMS, KINDS, Datum, Plans, Positions, checked, checked_positions, running
from keepclear.geometry.soundness import HIGHEST_M, LAST_S, MOST_VERTICES, _surely_sound
from keepclear.model.places import LatLon
from keepclear.model.plans import Plan, PlanKind, Trajectory
from keepclear.model.volumes import Circle, Polygon, Volume
from tests.conflict.plans import band, plan, way, window

SQUARE = [(0.0, 0.0), (0.0, 1.0), (1.0, 1.0), (1.0, 0.0)]
HOLE = [(0.4, 0.4), (0.6, 0.4), (0.5, 0.6), (0.4, 0.4)]  # closed: the first vertex said again
SHAPES = ("way", "circle", "polygon", "holed", "both")


def plans_of(shapes: list[str], legs: int) -> Plans:
    """A plan of each shape, with ways of `legs` legs; their ids are p0, p1 and so on."""
    ways = [legs + 1 if shape in ("way", "both") else 0 for shape in shapes]
    rings = [{"polygon": [SQUARE], "holed": [SQUARE, HOLE], "both": [SQUARE]}.get(shape, []) for shape in shapes]
    areas = [shape for shape in shapes if shape != "way"]
    t = np.concatenate([[], *(1e9 + np.arange(count) * 60.0 for count in ways)])
    return Plans.of(
        {
            "ids": [f"p{i}" for i in range(len(shapes))],
            "kind": [KINDS[i % len(KINDS)] for i in range(len(shapes))],
            "datum": [DATUMS[i % len(DATUMS)] for i in range(len(shapes))],
            "point_from": running(ways),
            "t_s": t,
            "lat_deg": np.linspace(-90.0, 90.0, len(t)),
            "lon_deg": np.linspace(-180.0, 180.0, len(t)),
            "alt_m": np.where(np.arange(len(t)) % 3, 1000.0, np.nan),
            "volume_from": running([shape != "way" for shape in shapes]),
            "volumes": np.tile([1e9, 1e9 + 3600.0, -np.inf, 3000.0], (len(areas), 1)),
            "circles": [[10.0, 20.0, 500.0] if shape == "circle" else [np.nan] * 3 for shape in areas]
            if areas
            else np.empty((0, 3)),
            "ring_from": running([len(each) for each, shape in zip(rings, shapes, strict=True) if shape != "way"]),
            "vertex_from": running([len(ring) for each in rings for ring in each]),
            "vertices": np.array([v for each in rings for ring in each for v in ring]).reshape(-1, 2),
        }
    )


shapes = st.lists(st.sampled_from(SHAPES), min_size=1, max_size=6)


@dataclass
class Defect:
    """One number of one column put wrong: at which places there is one to put wrong, and what is then refused."""

    column: str
    value: float
    name: str
    code: str
    among: Callable[[Plans], Any] = lambda plans: slice(None)
    part: int | None = None


def polygon_volumes(plans: Plans) -> Any:
    return np.flatnonzero(np.diff(plans.ring_from))


def circle_volumes(plans: Plans) -> Any:
    return np.flatnonzero(np.diff(plans.ring_from) == 0)


POINTS = [
    Defect("t_s", np.nan, "t_s", "not_finite"),
    Defect("t_s", np.inf, "t_s", "not_finite"),
    Defect("t_s", -1.0, "t_s", "not_between"),
    Defect("t_s", LAST_S + 1.0, "t_s", "not_between"),
    Defect("t_s", 1.8e12, "t_s", "not_seconds"),
    Defect("t_s", 1.8e18, "t_s", "not_seconds"),
    Defect("lat_deg", np.nan, "lat_deg", "not_finite"),
    Defect("lat_deg", 90.001, "lat_deg", "no_latitude"),
    Defect("lat_deg", -1e308, "lat_deg", "not_between"),
    Defect("lon_deg", -np.inf, "lon_deg", "not_finite"),
    Defect("lon_deg", 180.5, "lon_deg", "not_between"),
    Defect("alt_m", np.inf, "alt_m", "not_finite"),
    Defect("alt_m", HIGHEST_M + 1.0, "alt_m", "not_between"),
    Defect("alt_m", -501.0, "alt_m", "not_between"),
]
PLANS = [
    Defect("kind", len(KINDS), "kind", "not_between"),
    Defect("datum", len(DATUMS), "datum", "not_between"),
    Defect("band_m", np.nan, "lower_m", "not_finite", part=0),
    Defect("band_m", np.inf, "lower_m", "not_finite", part=0),
    Defect("band_m", -np.inf, "upper_m", "not_finite", part=1),
    Defect("band_m", 50_000.0, "upper_m", "not_between", part=1),
    Defect("room", -1.0, "buffer_m", "not_between", part=0),
    Defect("room", np.nan, "vertical_buffer_m", "not_finite", part=1),
    Defect("room", 1e9, "early_s", "not_between", part=2),
    Defect("room", -1e-9, "late_s", "not_between", part=3),
]
VOLUMES = [
    Defect("volumes", np.nan, "starts_s", "not_finite", part=0),
    Defect("volumes", 1e9 + 3600.0, "window", "window_reversed", part=0),
    Defect("volumes", 1e9, "window", "window_reversed", part=1),
    Defect("volumes", 5e9, "ends_s", "not_between", part=1),
    Defect("volumes", 1.8e15, "ends_s", "not_seconds", part=1),
    Defect("volumes", 3001.0, "band", "band_upside_down", part=2),
    Defect("volumes", np.nan, "upper_m", "not_finite", part=3),
    Defect("circles", 0.0, "circle.radius_m", "no_radius", circle_volumes, 2),
    Defect("circles", -5.0, "circle.radius_m", "not_between", circle_volumes, 2),
    Defect("circles", np.nan, "circle.lat_deg", "not_finite", circle_volumes, 0),
    Defect("circles", 120.0, "circle.lat_deg", "no_latitude", circle_volumes, 0),
    Defect("circles", 1.0, "", "circle_or_polygon", polygon_volumes, 0),
]
VERTICES = [
    Defect("vertices", np.nan, "lat_deg", "not_finite", part=0),
    Defect("vertices", 200.0, "lon_deg", "not_between", part=1),
]


def wrong(plans: Plans, defect: Defect, at: int) -> Plans:
    column = getattr(plans, defect.column).copy()
    column[at if defect.part is None else (at, defect.part)] = defect.value
    return replace(plans, **{defect.column: column})


def refused(plans: Plans) -> Malformed:
    with pytest.raises(Malformed) as refusal:
        checked(plans)
    return refusal.value


def owner(offsets: Any, i: int) -> tuple[int, int]:
    """The slow way: which run member i is in, and where in it."""
    for run in range(len(offsets) - 1):
        if offsets[run] <= i < offsets[run + 1]:
            return run, i - int(offsets[run])
    raise AssertionError


@pytest.mark.parametrize("defect", POINTS, ids=lambda each: f"{each.column}-{each.value:g}")
@given(shapes=shapes, legs=st.integers(1, 5), data=st.data())
def test_a_wrong_point_is_named(defect: Defect, shapes: list[str], legs: int, data: st.DataObject) -> None:
    plans = plans_of([*shapes, "way"], legs)
    at = data.draw(st.integers(0, len(plans.t_s) - 1))
    refusal = refused(wrong(plans, defect, at))
    plan, point = owner(plans.point_from, at)
    assert (refusal.field, refusal.code) == (f"plans[p{plan}].points[{point}].{defect.name}", defect.code)


@pytest.mark.parametrize("defect", PLANS, ids=lambda each: f"{each.column}-{each.value:g}")
@given(shapes=shapes, data=st.data())
def test_a_wrong_plan_is_named(defect: Defect, shapes: list[str], data: st.DataObject) -> None:
    plans = plans_of(shapes, 2)
    at = data.draw(st.integers(0, len(plans) - 1))
    refusal = refused(wrong(plans, defect, at))
    assert (refusal.field, refusal.code) == (f"plans[p{at}].{defect.name}", defect.code)


@pytest.mark.parametrize("defect", VOLUMES, ids=lambda each: f"{each.column}-{each.name}-{each.value:g}")
@given(shapes=shapes, data=st.data())
def test_a_wrong_volume_is_named(defect: Defect, shapes: list[str], data: st.DataObject) -> None:
    plans = plans_of([*shapes, "circle", "holed"], 2)
    at = data.draw(st.sampled_from(np.arange(len(plans.volumes))[defect.among(plans)].tolist()))
    refusal = refused(wrong(plans, defect, at))
    plan, volume = owner(plans.volume_from, at)
    where = f"plans[p{plan}].volumes[{volume}]"
    assert (refusal.field, refusal.code) == (f"{where}.{defect.name}" if defect.name else where, defect.code)


@pytest.mark.parametrize("defect", VERTICES, ids=lambda each: each.name)
@given(shapes=shapes, data=st.data())
def test_a_wrong_vertex_is_named(defect: Defect, shapes: list[str], data: st.DataObject) -> None:
    plans = plans_of([*shapes, "holed"], 2)
    at = data.draw(st.integers(0, len(plans.vertices) - 1))
    refusal = refused(wrong(plans, defect, at))
    ring, vertex = owner(plans.vertex_from, at)
    volume, ring_there = owner(plans.ring_from, ring)
    plan, volume_there = owner(plans.volume_from, volume)
    where = f"plans[p{plan}].volumes[{volume_there}].rings[{ring_there}].vertices[{vertex}].{defect.name}"
    assert (refusal.field, refusal.code) == (where, defect.code)


@given(shapes=shapes, legs=st.integers(1, 5), data=st.data(), step=st.sampled_from([0.0, 30.0, 1e6]))
def test_a_time_not_later_than_the_one_before_is_named(
    shapes: list[str], legs: int, data: st.DataObject, step: float
) -> None:
    plans = plans_of([*shapes, "way", "way"], legs)
    followers = np.setdiff1d(np.arange(len(plans.t_s)), plans.point_from)
    at = int(data.draw(st.sampled_from(followers.tolist())))
    t = plans.t_s.copy()
    t[at] = t[at - 1] - step
    plan, point = owner(plans.point_from, at)
    refusal = refused(replace(plans, t_s=t))
    assert (refusal.field, refusal.code) == (f"plans[p{plan}].points[{point}].t_s", "times_not_rising")


@pytest.mark.kernels
@pytest.mark.skipif(kernels.LIBRARY is None, reason="no compiled kernels here")
@given(shapes=shapes, legs=st.integers(1, 5))
def test_the_kernels_find_in_order_what_is(shapes: list[str], legs: int) -> None:
    # What is not in order they must leave to be named: all the tests of a wrong number go through them first.
    assert _surely_sound(plans_of(shapes, legs))


@given(shapes=shapes, legs=st.integers(1, 5))
def test_what_is_in_order_passes_and_is_not_looked_at_twice(shapes: list[str], legs: int) -> None:
    plans = plans_of(shapes, legs)
    assert checked(plans) is plans
    again = checked(replace(plans, ids=plans.ids))
    assert again is not plans
    assert_same(again, plans)


def assert_same(one: Plans, other: Plans) -> None:
    assert one.ids == other.ids
    for each in fields(Plans):
        if each.init and each.name != "ids":
            np.testing.assert_array_equal(getattr(one, each.name), getattr(other, each.name), err_msg=each.name)


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"ids": ("p0", "p0", "p2")}, "plans[p0]", "id_twice"),
        ({"ids": ("p0", "", "p2")}, "plans[#1].id", "no_id"),
        ({"ids": ("p0", "p1", "x" * 201)}, "plans[#2].id", "too_long"),
        ({"ids": ("p0", "a\u202eb", "p2")}, "plans[#1].id", "hidden_character"),
        ({"ids": ("p0", "a\nb", "p2")}, "plans[#1].id", "hidden_character"),
        ({"ids": ("p0", 7, "p2")}, "plans[#1].id", "no_id"),
        ({"ids": ("p0", ["p1"], "p2")}, "plans[#1].id", "no_id"),
        ({"ids": "abc"}, "ids", "no_id"),
        ({"ids": ("p0", "p1")}, "kind", "shape"),
        ({"kind": np.zeros(4, dtype=np.uint8)}, "kind", "shape"),
        ({"kind": np.array([0, 1, 300])}, "kind", "out_of_range"),
        ({"kind": np.array([0.0, 1.0, 2.0])}, "kind", "not_numbers"),
        ({"band_m": np.zeros((3, 3))}, "band_m", "shape"),
        ({"lat_deg": np.zeros(5)}, "lat_deg", "shape"),
        ({"lat_deg": np.array(["1"] * 6)}, "lat_deg", "not_numbers"),
        ({"t_s": np.zeros(6, dtype=complex)}, "t_s", "not_numbers"),
        ({"point_from": np.array([0, 3, 6])}, "point_from", "shape"),
        ({"point_from": np.array([1, 3, 6, 6])}, "point_from[0]", "offsets_not_rising"),
        ({"point_from": np.array([0, 4, 3, 6])}, "point_from[2]", "offsets_not_rising"),
        ({"point_from": np.array([0, 3, 6, 7])}, "point_from[3]", "offsets_not_rising"),
        ({"point_from": np.array([0.0, 3.0, 6.0, 6.0])}, "point_from", "not_numbers"),
        ({"point_from": np.array([0, 1, 6, 6])}, "plans[p0].points", "single_point"),
        ({"point_from": np.array([0, 0, 6, 6])}, "plans[p0]", "nothing_planned"),
        ({"ring_from": np.array([0, 3])}, "ring_from[1]", "offsets_not_rising"),
        ({"vertex_from": np.array([0, 6, 8])}, "plans[p2].volumes[0].rings[1]", "outline_vertices"),
        ({"circles": np.zeros((2, 3))}, "circles", "shape"),
    ],
)
def test_wrong_shapes_and_ids_are_named(change: dict[str, Any], field: str, code: str) -> None:
    refusal = refused(replace(plans_of(["way", "way", "holed"], 2), **change))
    assert (refusal.field, refusal.code) == (field, code)


def test_an_outline_of_ten_thousand_vertices_is_taken_and_one_more_is_not() -> None:
    def outline(count: int) -> dict[str, Any]:
        turn = np.linspace(0.0, 2 * math.pi, count, endpoint=False)
        return {
            "ids": ["round"],
            "volume_from": [0, 1],
            "volumes": [[0.0, 60.0, 0.0, 100.0]],
            "ring_from": [0, 1],
            "vertex_from": [0, count],
            "vertices": np.column_stack([10 + np.cos(turn), 20 + np.sin(turn)]),
        }

    assert len(Plans.of(outline(MOST_VERTICES))) == 1
    with pytest.raises(Malformed) as refusal:
        Plans.of(outline(MOST_VERTICES + 1))
    assert refusal.value.code == "outline_vertices"


def test_arrays_of_other_types_and_layouts_are_taken_where_nothing_is_lost() -> None:
    plans = plans_of(["way", "holed"], 3)
    other = replace(
        plans,
        t_s=np.repeat(plans.t_s, 2)[::2],
        point_from=plans.point_from.astype(np.int32),
        kind=plans.kind.astype(np.int64),
        vertices=np.asfortranarray(plans.vertices),
    )
    again = checked(other)
    assert all(getattr(again, name).flags.c_contiguous for name in ("t_s", "vertices"))
    assert_same(again, plans)


@given(shapes=shapes, cuts=st.lists(st.integers(0, 6), max_size=3), legs=st.integers(1, 4))
def test_plans_taken_apart_and_put_together_are_the_same(shapes: list[str], cuts: list[int], legs: int) -> None:
    plans = plans_of(shapes, legs)
    ends = sorted({0, len(plans), *(min(cut, len(plans)) for cut in cuts)})
    parts = [plans.take(range(begin, end)) for begin, end in itertools.pairwise(ends)]
    assert_same(Plans.concatenated(parts), plans)
    assert_same(checked(Plans.concatenated([plans.take([]), *parts])), plans)


@given(shapes=shapes, data=st.data())
def test_taking_some_gives_those_by_value(shapes: list[str], data: st.DataObject) -> None:
    plans = plans_of(shapes, 2)
    chosen = data.draw(st.permutations(range(len(plans))))[: data.draw(st.integers(0, len(plans)))]
    taken = plans.take(chosen)
    assert taken.ids == tuple(plans.ids[i] for i in chosen)
    assert_same(checked(replace(taken, ids=taken.ids)), taken)
    mask = np.isin(np.arange(len(plans)), chosen)
    assert_same(plans.take(mask), plans.take(sorted(chosen)))


def test_the_same_plan_taken_twice_is_noticed() -> None:
    plans = plans_of(["way", "circle"], 2)
    assert refused(plans.take([1, 1])).code == "id_twice"
    assert refused(Plans.concatenated([plans, plans])).code == "id_twice"


def named(id: str, trajectory: Trajectory | None = None, **given: Any) -> Plan:
    return msgspec.structs.replace(plan(trajectory, **given), id=id)


def test_plans_of_values() -> None:
    mover = named("mover", way([(0, 0, 0, 100.0), (60, 500, 0, None)], buffer_m=50.0, late_s=30.0))
    ring = tuple(LatLon(lat_deg=lat, lon_deg=lon) for lat, lon in SQUARE)
    areas = (
        Volume(area=Polygon(vertices=ring), band=band(0, 900), window=window(0, 60)),
        Volume(area=Circle(centre=ring[2], radius_m=700.0), band=band(5, 9), window=window(60, 90)),
    )
    plans = Plans.of([mover, named("site", kind=PlanKind.PROTECTED_SITE, volumes=areas)])
    assert plans.ids == ("mover", "site")
    assert [KINDS[i] for i in plans.kind] == [mover.kind, PlanKind.PROTECTED_SITE]
    assert plans.point_from.tolist() == [0, 2, 2]
    assert plans.room.tolist() == [[50.0, 0.0, 0.0, 30.0], [0.0] * 4]
    assert plans.alt_m[0] == 100.0
    assert np.isnan(plans.alt_m[1])
    assert mover.trajectory is not None
    assert plans.t_s.tolist() == [point.at.timestamp() for point in mover.trajectory.waypoints]
    assert plans.vertices.tolist() == [list(each) for each in SQUARE]
    assert plans.circles[1].tolist() == [1.0, 1.0, 700.0]
    assert np.isnan(plans.circles[0]).all()
    assert plans.volumes[:, 2:].tolist() == [[0.0, 900.0], [5.0, 9.0]]
    assert_same(Plans.of(mover), plans.take([0]))


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ({"point_from": [0]}, "missing_field"),
        ({"ids": [], "colour": []}, "unknown_field"),
        ({"ids": ["a"], "kind": "rocket"}, "unknown_word"),
        ({"ids": ["a"], "datum": ["agl"]}, "unknown_word"),
        ({"ids": ["a"]}, "nothing_planned"),
        ("flights.csv", "not_plans"),
        (7, "not_plans"),
        ([1, 2], "not_plans"),
    ],
)
def test_what_cannot_be_plans_is_refused(source: object, code: str) -> None:
    with pytest.raises(Malformed) as refusal:
        Plans.of(source)
    assert refusal.value.code == code


def test_no_plans_at_all_are_plans() -> None:
    assert len(Plans.of([])) == len(Plans.of({"ids": []})) == len(Plans.concatenated([])) == 0


# ── positions ────────────────────────────────────────────────────────────────────────────────────────────────────────


def positions(n: int = 6) -> Positions:
    return Positions.of(
        {
            "ids": ["a", "b"],
            "mover": np.arange(n) % 2,
            "t_s": 1e9 - np.arange(n),  # out of order is no fault of the columns
            "lat_deg": np.full(n, 5.0),
            "lon_deg": np.full(n, 6.0),
            "uncertainty_m": 20.0,
            "datum": "msl",
        }
    )


@pytest.mark.parametrize(
    ("column", "value", "code"),
    [
        ("mover", 2, "not_between"),
        ("mover", -1, "not_between"),
        ("t_s", np.nan, "not_finite"),
        ("t_s", 1.8e12, "not_seconds"),
        ("lat_deg", 100.0, "no_latitude"),
        ("lon_deg", 1e308, "not_between"),
        ("alt_m", -np.inf, "not_finite"),
        ("uncertainty_m", -1.0, "not_between"),
        ("uncertainty_m", np.nan, "not_finite"),
    ],
)
@given(at=st.integers(0, 5))
def test_a_wrong_position_is_named(column: str, value: float, code: str, at: int) -> None:
    array = getattr(positions(), column).copy()
    array[at] = value
    with pytest.raises(Malformed) as refusal:
        checked_positions(replace(positions(), **{column: array}))
    assert (refusal.value.field, refusal.value.code) == (f"positions[{at}].{column}", code)


def test_a_figure_just_out_of_range_is_told_apart_from_the_range() -> None:
    with pytest.raises(Malformed) as refusal:
        checked_positions(replace(positions(), lat_deg=np.full(6, 90.00001)))
    assert "90.00001 is not a latitude" in str(refusal.value)


def test_positions_in_order_pass() -> None:
    some = positions()
    assert np.isnan(some.alt_m).all()
    assert some.uncertainty_m.tolist() == [20.0] * 6
    assert some.datum is Datum.MSL
    assert len(Positions.of(some)) == 6
    assert len(positions(0)) == 0


@pytest.mark.parametrize(
    ("change", "field", "code"),
    [
        ({"ids": ("a", "a")}, "ids[a]", "id_twice"),
        ({"ids": ("a", ["b"])}, "ids[#1].id", "no_id"),
        ({"t_s": np.zeros(5)}, "t_s", "shape"),
        ({"mover": np.zeros(6)}, "mover", "not_numbers"),
    ],
)
def test_wrong_columns_of_positions_are_named(change: dict[str, Any], field: str, code: str) -> None:
    with pytest.raises(Malformed) as refusal:
        checked_positions(replace(positions(), **change))
    assert (refusal.value.field, refusal.value.code) == (field, code)


@pytest.mark.parametrize("source", [{"ids": ["a"]}, [1], {"ids": [], "mover": [], "t_s": [], "lat_deg": [], "x": []}])
def test_what_cannot_be_positions_is_refused(source: object) -> None:
    with pytest.raises(Malformed):
        Positions.of(source)

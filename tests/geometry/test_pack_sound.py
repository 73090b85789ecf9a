"""Plans that are looked through and packed in one go are those that are so step by step, and what is refused is the
same."""

from __future__ import annotations

import ctypes
from dataclasses import fields, replace
from typing import Any

import numpy as np
import pytest

from keepclear.errors import Malformed
from keepclear.geometry import kernels
from keepclear.geometry.columns import Plans
from keepclear.geometry.kernels import PlansStruct
from keepclear.geometry.pack import Packed, pack
from keepclear.geometry.pack_sound import Given
from tests.conflict.scenes import scene

pytestmark = pytest.mark.kernels
compiled = pytest.mark.skipif(kernels.LIBRARY is None, reason="no compiled kernels here")

START_S = 1_780_000_000.0


def fresh(plans: Plans) -> Plans:
    """The same columns, of which nobody knows that they were checked."""
    return Plans(**{each.name: getattr(plans, each.name) for each in fields(plans) if each.init})


def seen_by_kernels(given: Given) -> dict[str, list[Any]]:
    """What stands at `given.at`, column by column."""
    assert given.at is not None
    struct, like = PlansStruct.from_address(given.at), given.packed
    assert struct.count == len(given)
    return {name: _read(getattr(struct, name), getattr(like, name)) for name in Packed.__slots__}


def _read(address: int | None, like: np.ndarray[Any, np.dtype[Any]]) -> list[Any]:
    if not like.size:
        return []
    raw = ctypes.string_at(address or 0, like.nbytes)
    numbers: list[Any] = np.frombuffer(raw, like.dtype).reshape(like.shape).tolist()
    return numbers


def two_ways(**changed: Any) -> Plans:
    columns: dict[str, Any] = {"point_from": [0, 2, 5], "t_s": START_S + np.array([0.0, 60.0, 5.0, 30.0, 90.0])}
    columns |= {"lat_deg": [35.0, 35.1, 35.0, 35.2, 35.3], "lon_deg": [40.0] * 5, "alt_m": [900.0] * 5}
    made = Plans.of_ways(("a", "b"), **(columns | {k: v for k, v in changed.items() if k in columns}))
    return replace(made, **{k: v for k, v in changed.items() if k not in columns})


def area(vertices: list[tuple[float, float]]) -> Plans:
    """One plan that is a polygon."""
    return replace(
        Plans.of_ways(("zone",), [0, 0], [], [], [], []),
        volume_from=np.array([0, 1]),
        volumes=np.array([[START_S, START_S + 60.0, -np.inf, np.inf]]),
        circles=np.full((1, 3), np.nan),
        ring_from=np.array([0, 1]),
        vertex_from=np.array([0, len(vertices)]),
        vertices=np.array(vertices),
    )


@compiled
@pytest.mark.parametrize("seed", range(8))
def test_packed_in_one_go_they_are_as_step_by_step(seed: int) -> None:
    plans = scene(seed, 40)
    in_one_go = 0
    for part in (plans, *(plans.take([i]) for i in range(40))):
        given, steps = Given.of(fresh(part)), pack(part)
        in_one_go += given._packed is None
        seen = seen_by_kernels(given)
        for name in Packed.__slots__:
            column = getattr(steps, name)
            assert seen[name] == (column.tolist() if column.size else []), name
    assert in_one_go > 20


@compiled
def test_heights_without_end_and_unknown_ones_are_as_step_by_step() -> None:
    banded = two_ways(alt_m=[900.0, np.nan, 900.0, 950.0, np.nan], band_m=np.array([[-np.inf, np.inf], [0.0, np.inf]]))
    for plans in (banded, area([(35.0, 40.0), (35.01, 40.0), (35.0, 40.01)])):
        given = Given.of(plans)
        assert given._packed is None  # in one go
        seen = seen_by_kernels(given)
        assert seen["nodes"] == pack(plans).nodes.tolist()
        assert seen["volumes"] == pack(plans).volumes.tolist()


@compiled
@pytest.mark.parametrize(
    "plans",
    [
        two_ways(lon_deg=[40.0, -140.0, 40.0, 40.0, 40.0]),  # a leg half round the earth
        two_ways(lat_deg=[35.0, 38.0, 35.0, 35.2, 35.3]),  # one of 300 km
        area([(35.0, 40.0), (35.5, 40.0), (35.0, 40.5)]),  # edges that are to be cut
        replace(two_ways(), t_s=two_ways().t_s.astype(np.int64)),  # other numbers
        replace(two_ways(), room=np.zeros((4, 4))[::2]),  # not in one piece
        replace(two_ways(), ids=["a", "b"]),  # type: ignore[arg-type] # ids as they may come
    ],
    ids=["half round", "long leg", "long edge", "whole numbers", "every other", "list"],
)
def test_what_is_not_plain_is_packed_step_by_step(plans: Plans) -> None:
    given = Given.of(plans)
    assert given._packed is not None
    assert seen_by_kernels(given)["nodes"] == pack(Plans.of(plans)).nodes.tolist()


def test_arrays_that_are_not_to_be_written_to_are_taken() -> None:
    plans = two_ways()
    for name in ("room", "t_s", "point_from"):
        getattr(plans, name).flags.writeable = False
    assert np.array_equal(Given.of(plans).packed.nodes, pack(two_ways()).nodes)


FAULTS: dict[str, tuple[Plans, str, str]] = {
    "latitude": (two_ways(lat_deg=[35.0, 95.0, 35.0, 35.2, 35.3]), "plans[a].points[1].lat_deg", "no_latitude"),
    "not a number": (two_ways(t_s=[np.nan, 60.0, 5.0, 30.0, 90.0]), "plans[a].points[0].t_s", "not_finite"),
    "time": (two_ways(t_s=START_S + np.array([0, 60, 5, 5, 90.0])), "plans[b].points[1].t_s", "times_not_rising"),
    "one point": (two_ways(point_from=[0, 4, 5]), "plans[b].points", "single_point"),
    "offsets": (two_ways(point_from=[0, 2, 9]), "point_from[2]", "offsets_not_rising"),
    "kind": (replace(two_ways(), kind=np.array([0, 9], dtype=np.uint8)), "plans[b].kind", "not_between"),
    "short": (replace(two_ways(), band_m=np.zeros((1, 2))), "band_m", "shape"),
    "narrow": (replace(two_ways(), room=np.zeros((2, 3))), "room", "shape"),
    "words": (replace(two_ways(), t_s=np.array(["x"] * 5)), "t_s", "not_numbers"),
    "same id": (replace(two_ways(), ids=("a", "a")), "plans[a]", "id_twice"),
    "no id": (replace(two_ways(), ids=("a", "")), "plans[#1].id", "no_id"),
    "crossing": (
        area([(35.0, 40.0), (35.01, 40.01), (35.01, 40.0), (35.0, 40.02)]),
        "plans[zone].volumes[0].rings",
        "polygon_crossing",
    ),
    "window": (
        replace(area([(35.0, 40.0), (35.01, 40.0), (35.0, 40.01)]), volumes=np.array([[START_S, START_S, 0.0, 9.0]])),
        "plans[zone].volumes[0].window",
        "window_reversed",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_what_is_wrong_is_named_as_step_by_step(fault: str) -> None:
    plans, field, code = FAULTS[fault]
    for take in (Given.of, Plans.of):
        with pytest.raises(Malformed) as refused:
            take(plans)
        assert (refused.value.field, refused.value.code) == (field, code)

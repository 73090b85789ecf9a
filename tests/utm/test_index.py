"""The index finds what meets, in crowded cells and in empty ones, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.errors import Malformed
from keepclear.geometry import cells
from keepclear.model.utm import UtmCircle, UtmPoint, UtmVolume
from keepclear.utm import index
from keepclear.utm.index import Extent, Index, cells_of, extent_of
from tests.utm.plain_index import PlainIndex

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
ANTARCTIC = UtmPoint(lat_deg=-56.0, lng_deg=178.0)


def circle(
    point: UtmPoint = ANTARCTIC,
    *,
    radius_m: float = 50.0,
    heights: tuple[float | None, float | None] = (0.0, 120.0),
    minutes: tuple[float | None, float | None] = (0.0, 60.0),
) -> UtmVolume:
    starts, ends = (None if each is None else NOON + timedelta(minutes=each) for each in minutes)
    return UtmVolume(
        circle=UtmCircle(centre=point, radius_m=radius_m),
        lower_m=heights[0],
        upper_m=heights[1],
        starts_at=starts,
        ends_at=ends,
    )


# ── what meets ───────────────────────────────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("entities", [1, 100])
def test_twenty_one_after_another_or_above_another_are_apart_by_a_minute_or_a_metre(entities: int) -> None:
    """As in the field's test of heavy traffic: 9 minutes of every 10, and 19 metres of every 20."""
    held = Index()
    for k in range(entities):
        held.put(f"later {k}", [circle(minutes=(10.0 * k, 10.0 * k + 9.0))])
        held.put(f"higher {k}", [circle(heights=(200.0 + 20.0 * k, 219.0 + 20.0 * k))])
    for k in range(entities):
        assert held.meeting(extent_of([circle(minutes=(10.0 * k, 10.0 * k + 9.0))])) == [f"later {k}"]
        higher = circle(heights=(200.0 + 20.0 * k, 219.0 + 20.0 * k))
        assert held.meeting(extent_of([higher])) == [f"higher {k}"]
        assert held.meeting(extent_of([circle(minutes=(10.0 * k + 9.1, 10.0 * k + 9.9))])) == []


def test_what_touches_meets() -> None:
    held = Index()
    held.put("it", [circle()])
    assert held.meeting(extent_of([circle(heights=(120.0, 200.0))])) == ["it"]
    assert held.meeting(extent_of([circle(heights=(120.01, 200.0))])) == []
    assert held.meeting(extent_of([circle(minutes=(60.0, 70.0))])) == ["it"]
    assert held.meeting(extent_of([circle(minutes=(60.001, 70.0))])) == []
    assert held.meeting(extent_of([circle(minutes=(-10.0, 0.0))])) == ["it"]
    assert held.meeting(extent_of([circle(minutes=(-10.0, -0.001))])) == []


def test_what_is_not_bounded_reaches_everywhere() -> None:
    held = Index()
    held.put("it", [circle(heights=(None, 10.0), minutes=(None, None))])
    assert held.meeting(extent_of([circle(heights=(-500.0, -400.0), minutes=(9e5, 9e6))])) == ["it"]
    assert held.meeting(extent_of([circle(heights=(11.0, None))])) == []


def test_an_entity_is_as_high_and_as_long_as_all_its_volumes_together() -> None:
    """A DSS keeps one range: two volumes far apart fill what lies between them."""
    volumes = (
        circle(heights=(0.0, 10.0), minutes=(0.0, 5.0)),
        circle(UtmPoint(lat_deg=-56.05, lng_deg=178.0), heights=(90.0, 100.0), minutes=(50.0, 55.0)),
    )
    extent = extent_of(volumes)
    assert extent[1:] == (0.0, 100.0, NOON.timestamp(), NOON.timestamp() + 55.0 * 60.0)
    assert set(extent.cells) == set(cells_of(volumes[0])) | set(cells_of(volumes[1]))
    held = Index()
    held.put("it", volumes)
    assert held.meeting(extent_of([circle(heights=(40.0, 50.0), minutes=(20.0, 30.0))])) == ["it"]
    assert held.meeting(extent_of([circle(UtmPoint(lat_deg=-56.5, lng_deg=178.0))])) == []


def test_outlines_and_circles_meet_alike() -> None:
    corners = [(-56.001, 177.999), (-56.001, 178.001), (-55.999, 178.0)]
    outline = UtmVolume(polygon=tuple(UtmPoint(lat_deg=lat, lng_deg=lng) for lat, lng in corners))
    held = Index()
    held.put("it", [outline])
    assert held.meeting(extent_of([circle()])) == ["it"]


def test_an_area_that_cannot_be_covered_changes_nothing() -> None:
    held = Index()
    held.put("it", [circle()])
    with pytest.raises(Malformed) as refused:
        held.put("it", [circle(radius_m=5e6)])
    assert refused.value.code == "too_large"
    assert held.meeting(extent_of([circle()])) == ["it"]


@pytest.mark.parametrize(("count", "apart_deg"), [(400, 0.0), (30, 0.5)])
def test_many_large_volumes_are_too_large_together(count: int, apart_deg: float) -> None:
    """Whether they lie upon one another or beside one another."""
    some = [circle(UtmPoint(lat_deg=10.0, lng_deg=20.0 + apart_deg * k), radius_m=2e4) for k in range(count)]
    assert extent_of(some[: count // 2]).cells
    with pytest.raises(Malformed) as refused:
        extent_of(some)
    assert refused.value.code == "too_large"


# ── against the plain twin ───────────────────────────────────────────────────────────────────────────────────────────

names = st.integers(0, 25).map(str)
bounds = st.tuples(st.integers(0, 6), st.integers(0, 3)).map(lambda pair: (float(pair[0]), float(sum(pair))))
points = st.sampled_from([UtmPoint(lat_deg=-56.0 + 0.02 * k, lng_deg=178.0) for k in range(3)])
volumes = st.builds(
    circle, points, radius_m=st.sampled_from([50.0, 3_000.0]), heights=bounds | st.just((None, 2.0)), minutes=bounds
)
steps = st.lists(st.tuples(names, st.none() | st.lists(volumes, min_size=1, max_size=2)), max_size=60)


@pytest.mark.parametrize("crowded", [3, index.CROWDED])
@given(taken=steps, asked=st.lists(volumes, min_size=1, max_size=2))
def test_it_finds_what_its_plain_twin_finds(
    crowded: int, taken: list[tuple[str, list[UtmVolume] | None]], asked: list[UtmVolume]
) -> None:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(index, "CROWDED", crowded)
        patch.setattr(index, "SPARSE", crowded - 1)
        held, plain = Index(), PlainIndex()
        for name, where in taken:
            for each in (held, plain):
                each.remove(name) if where is None else each.put(name, where)
            assert held.meeting(extent_of(asked)) == plain.meeting(extent_of(asked))
        assert held.extents == plain.extents


def test_a_crowded_cell_that_empties_and_fills_again() -> None:
    held, plain = Index(), PlainIndex()
    for name in [*range(200), *range(100, 300)]:
        for each in (held, plain):
            each.put(str(name), [circle(minutes=(name % 50, name % 50 + 3.0))])
    everything = extent_of([circle(minutes=(None, None))])
    some = extent_of([circle(minutes=(7.5, 8.5))])
    for name in range(299, -1, -1):
        assert held.meeting(some) == plain.meeting(some)
        for each in (held, plain):
            each.remove(str(name))
        if name % 50 == 0:
            assert held.meeting(everything) == plain.meeting(everything)
    assert held.meeting(everything) == []
    assert held.extents == {}


# ── covered once ─────────────────────────────────────────────────────────────────────────────────────────────────────


def test_one_request_covers_an_outline_once(monkeypatch: pytest.MonkeyPatch) -> None:
    covered: list[float] = []

    def counted(lat_deg: float, lng_deg: float, radius_m: float) -> tuple[int, ...]:
        covered.append(lat_deg)
        return cells.cells_of_circle(lat_deg, lng_deg, radius_m)

    monkeypatch.setattr(index, "cells_of_circle", counted)
    asked = (circle(UtmPoint(lat_deg=12.5, lng_deg=33.25)),)
    held = Index()
    judged = extent_of(asked)
    held.put("intent", asked)
    held.put("subscription", [circle(UtmPoint(lat_deg=12.5, lng_deg=33.25))])
    assert covered == [12.5]
    assert held.extents == {"intent": judged, "subscription": judged}
    assert isinstance(judged, Extent)

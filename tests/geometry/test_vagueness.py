"""Ways vague in time: how vague they are, and from where on they are refused."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import keepclear as kc
from keepclear.geometry.vagueness import MOST_AT_ONCE, at_once

T0 = 1796104800.0
TOO_MANY = MOST_AT_ONCE + 1


def way(id: str, points: int, early_s: float, late_s: float) -> kc.Plans:
    """A way with a point every second, that nobody has looked through yet."""
    along = np.linspace(35.0, 35.3, points)
    short = {"ids": [id], "point_from": [0, 2], "t_s": [T0, T0 + 1.0], "lat_deg": [35.0, 35.1], "lon_deg": [40.0] * 2}
    return replace(
        kc.Plans.of(short | {"room": [0.0, 0.0, early_s, late_s]}),
        point_from=np.array([0, points]),
        t_s=T0 + np.arange(points, dtype=float),
        lat_deg=along,
        lon_deg=np.full(points, 40.0),
        alt_m=np.full(points, 1_000.0),
    )


@given(steps=st.lists(st.integers(1, 20), max_size=30), slack=st.integers(0, 100))
def test_at_how_many_at_once(steps: list[int], slack: int) -> None:
    times = np.cumsum([0, *steps]).astype(float)
    counts = [sum(first <= then <= first + slack for then in times.tolist()) for first in times.tolist()]
    assert at_once(times, float(slack)) == max(counts)


@pytest.mark.parametrize("early_s", [0.0, 400.0])
def test_a_way_too_vague_is_refused_and_one_a_little_less_so_is_not(early_s: float) -> None:
    def told(points: int, slack_s: float) -> tuple[str, str] | None:
        try:
            kc.Plans.of(way("alpha", points, early_s, slack_s - early_s))
        except kc.Malformed as refusal:
            return refusal.field, refusal.code
        return None

    refused = "plans[alpha].points", "too_vague"
    assert told(5_000, MOST_AT_ONCE - 0.5) is None
    assert told(5_000, float(MOST_AT_ONCE)) == refused
    assert told(MOST_AT_ONCE, 366 * 86_400.0) is None
    assert told(TOO_MANY, 366 * 86_400.0) == refused


CALLS: dict[str, Callable[[kc.Airspace, kc.Plans], object]] = {
    "put": kc.Airspace.put,
    "check": kc.Airspace.check,
    "check_and_put": kc.Airspace.check_and_put,
    "suggest": kc.Airspace.suggest,
    "conflicts": lambda air, plans: kc.conflicts(plans),
}


@pytest.mark.parametrize("call", CALLS)
def test_no_engine_takes_a_way_too_vague(call: str) -> None:
    air = kc.Airspace()
    CALLS[call](air, way("alpha", TOO_MANY, 0.0, 30.0))
    before = air.ids()
    with pytest.raises(kc.Malformed) as refusal:
        CALLS[call](air, way("bravo", TOO_MANY, 0.0, 86_400.0))
    assert refusal.value.field == "plans[bravo].points"
    assert refusal.value.values == {"count": TOO_MANY, "most": MOST_AT_ONCE}
    assert air.ids() == before


def test_the_one_among_many_is_named() -> None:
    parts = [way("alpha", 3_000, 0.0, 5.0), way("bravo", 2_000, 900.0, 900.0), way("charlie", 9, 1e6, 1e6)]
    with pytest.raises(kc.Malformed) as refusal:
        kc.conflicts(parts)
    assert refusal.value.field == "plans[bravo].points"
    assert len(kc.plans([parts[0], parts[2]])) == 2

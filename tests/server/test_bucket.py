"""A token bucket for each caller."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from keepclear.server.bucket import Buckets


def test_a_burst_passes_and_then_so_many_a_second() -> None:
    buckets = Buckets(burst=3, per_s=2)
    assert [buckets.take("a", 0.0) for _ in range(5)] == [True, True, True, False, False]
    assert buckets.wait_s("a") == 0.5
    assert [buckets.take("a", 0.5), buckets.take("a", 0.5)] == [True, False]


def test_one_callers_flood_leaves_the_others_alone() -> None:
    buckets = Buckets(burst=2, per_s=1)
    for _ in range(100):
        buckets.take("flood", 0.0)
    assert buckets.take("quiet", 0.0)


def test_a_clock_that_goes_back_fills_nothing() -> None:
    buckets = Buckets(burst=1, per_s=1)
    assert buckets.take("a", 10.0)
    assert not buckets.take("a", 5.0)


def test_it_holds_no_more_callers_than_it_may() -> None:
    buckets = Buckets(burst=1, per_s=1, max_keys=10)
    for number in range(1000):
        buckets.take(str(number), 0.0)
    assert len(buckets._held) == 10


@given(st.lists(st.floats(0, 10), min_size=1, max_size=60))
def test_never_more_than_burst_and_rate_allow(gaps: list[float]) -> None:
    buckets = Buckets(burst=4, per_s=0.5)
    now = 0.0
    passed = 0
    for gap in gaps:
        now += gap
        passed += buckets.take("a", now)
        assert passed <= 4 + 0.5 * now + 1e-6

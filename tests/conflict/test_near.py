"""Two legs with slack: the closed form against a search that knows nothing of ellipses."""

from __future__ import annotations

import math
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.conflict.near import Leg, Near, Slack, near

coordinates = st.integers(-100, 100).map(float)
points = st.tuples(coordinates, coordinates)
slacks = st.tuples(st.sampled_from([0.0, 0.0, 5.0, 20.0]), st.sampled_from([0.0, 0.0, 3.0, 40.0])).map(
    lambda pair: Slack(*pair)
)


@st.composite
def legs(draw: st.DrawFn) -> Leg:
    t0 = draw(st.integers(0, 30))
    lower0, lower1 = draw(coordinates), draw(coordinates)
    thick0, thick1 = draw(st.integers(0, 20)), draw(st.integers(0, 20))
    return Leg(
        t0=float(t0),
        t1=float(t0 + draw(st.integers(1, 60))),
        start=draw(points),
        end=draw(points),
        lower0=lower0,
        lower1=lower1,
        upper0=lower0 + thick0,
        upper1=lower1 + thick1,
    )


def least(low: float, high: float, value_at: Callable[[float], float]) -> float:
    """The least value of a convex function, by golden sections."""
    golden = (math.sqrt(5.0) - 1.0) / 2.0
    a, b = high - golden * (high - low), low + golden * (high - low)
    at_a, at_b = value_at(a), value_at(b)
    for _ in range(38):
        if at_a <= at_b:
            high, b, at_b = b, a, at_a
            a = high - golden * (high - low)
            at_a = value_at(a)
        else:
            low, a, at_a = a, b, at_b
            b = low + golden * (high - low)
            at_b = value_at(b)
    return min(at_a, at_b, value_at(low), value_at(high))


def excess(one: Leg, other: Leg, u: float, v: float, horizontal: float, vertical: float) -> float:
    """By how much the two are too far apart, the first where its plan has it at u and the second at v."""
    lower, upper = one.heights(u)
    other_lower, other_upper = other.heights(v)
    gap = max(lower - other_upper, other_lower - upper)
    return max(math.dist(one.place(u), other.place(v)) - horizontal, gap - vertical)


def least_excess(
    one: Leg, other: Leg, slack: Slack, other_slack: Slack, t: float, horizontal: float, vertical: float
) -> float:
    """The same at a true time t, for the worst of all they may be early or late. Convex in both, so searched."""
    u0, u1 = max(one.t0, t - slack.late), min(one.t1, t + slack.early)
    v0, v1 = max(other.t0, t - other_slack.late), min(other.t1, t + other_slack.early)
    if u0 > u1 or v0 > v1:
        return math.inf
    return least(
        u0,
        u1,
        lambda u: least(v0, v1, lambda v: excess(one, other, u, v, horizontal, vertical)),
    )


def check(one: Leg, other: Leg, slack: Slack, other_slack: Slack, horizontal: float, vertical: float) -> Near | None:
    found = near(one, other, slack, other_slack, horizontal, vertical)
    begin = max(one.t0 - slack.early, other.t0 - other_slack.early)
    end = min(one.t1 + slack.late, other.t1 + other_slack.late)
    samples = [begin + (end - begin) * k / 6 for k in range(7)]
    if found is not None:
        assert excess(one, other, found.u, found.v, horizontal, vertical) <= 1e-6
        assert found.t0 <= found.t1
        samples += [found.t0, (found.t0 + found.t1) / 2, found.t1]
    for t in samples:
        value = least_excess(one, other, slack, other_slack, t, horizontal, vertical)
        if value < -1e-5:
            assert found is not None
            assert found.t0 - 1e-6 <= t <= found.t1 + 1e-6
        if found is not None and found.t0 <= t <= found.t1:
            # At an end the true time may be off by rounding, and then one of them has no place at all.
            value = min(
                least_excess(one, other, slack, other_slack, t + slip, horizontal, vertical)
                for slip in (0, -1e-7, 1e-7)
            )
            assert value <= 1e-3
    return found


@given(legs(), legs(), slacks, slacks, st.sampled_from([1.0, 30.0, 80.0]), st.sampled_from([-5.0, 0.0, 25.0, math.inf]))
def test_agrees_with_a_search(
    one: Leg, other: Leg, slack: Slack, other_slack: Slack, horizontal: float, vertical: float
) -> None:
    check(one, other, slack, other_slack, horizontal, vertical)


@given(legs(), legs(), slacks, slacks, st.sampled_from([1.0, 30.0, 80.0]))
def test_is_the_same_from_the_other_side(one: Leg, other: Leg, slack: Slack, other_slack: Slack, reach: float) -> None:
    found, mirrored = (
        near(one, other, slack, other_slack, reach, 25.0),
        near(other, one, other_slack, slack, reach, 25.0),
    )
    assert (found is None) == (mirrored is None)
    if found is not None and mirrored is not None:
        assert (found.t0, found.t1) == pytest.approx((mirrored.t0, mirrored.t1), abs=1e-6)


@given(legs(), legs(), slacks, slacks)
def test_more_slack_never_ends_a_conflict(one: Leg, other: Leg, slack: Slack, other_slack: Slack) -> None:
    tight = near(one, other, slack, other_slack, 30.0, 25.0)
    loose = near(one, other, Slack(slack.early + 2.0, slack.late + 1.0), other_slack, 30.0, 25.0)
    if tight is not None:
        assert loose is not None
        assert loose.t0 <= tight.t0 + 1e-6
        assert loose.t1 >= tight.t1 - 1e-6


def straight(t0: float, t1: float, start: tuple[float, float], end: tuple[float, float], height: float = 0.0) -> Leg:
    return Leg(t0, t1, start, end, height, height, height, height)


NONE = Slack(0.0, 0.0)


def test_two_that_meet_head_on() -> None:
    one, other = straight(0, 100, (0, 0), (1000, 0)), straight(0, 100, (1000, 0), (0, 0))
    found = check(one, other, NONE, NONE, 100.0, 10.0)
    assert found is not None
    assert (found.t0, found.t1, found.u) == pytest.approx((45.0, 55.0, 50.0))


def test_crossing_ways_a_minute_apart_do_not_meet_unless_one_is_late() -> None:
    one, other = straight(0, 100, (0, 0), (1000, 0)), straight(60, 160, (500, -500), (500, 500))
    assert near(one, other, NONE, NONE, 50.0, 10.0) is None
    found = check(one, other, Slack(0.0, 60.0), NONE, 50.0, 10.0)
    assert found is not None
    # The second is at the crossing at 110, by which time the first, due at 50, may be just there.
    assert found.t0 < 110 < found.t1


def test_a_gap_in_height_keeps_them_apart_until_it_closes() -> None:
    one = Leg(0, 100, (0, 0), (1000, 0), 0, 0, 0, 0)
    other = Leg(0, 100, (0, 10), (1000, 10), 200, 0, 200, 0)
    found = check(one, other, NONE, NONE, 50.0, 100.0)
    assert found is not None
    assert (found.t0, found.t1) == pytest.approx((50.0, 100.0))


def test_legs_with_no_time_in_common_do_not_meet() -> None:
    assert near(straight(0, 10, (0, 0), (1, 0)), straight(11, 20, (1, 0), (2, 0)), NONE, NONE, 50.0, 10.0) is None


def test_two_on_one_way_one_behind_the_other() -> None:
    one, other = straight(0, 100, (0, 0), (1000, 0)), straight(10, 110, (0, 0), (1000, 0))
    assert near(one, other, NONE, NONE, 99.0, 10.0) is None
    found = check(one, other, NONE, NONE, 101.0, 10.0)
    assert found is not None
    assert (found.t0, found.t1) == pytest.approx((10.0, 100.0))
    assert check(one, other, Slack(0.0, 0.0), Slack(10.0, 0.0), 1.0, 10.0) is not None

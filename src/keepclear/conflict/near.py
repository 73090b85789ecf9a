"""Two movers, each on one leg and each perhaps early or late: from when to when they may be too near. Closed form.

Let u be the moment at which the plan of the first has it where it is, v the same for the second. On a plane both go
evenly, so their distance squared is a convex quadratic in (u, v) and the gap between their heights the larger of two
linear functions. At a true time t the first, up to `early` ahead and `late` behind, may be anywhere on its plan with
t - late <= u <= t + early; so for the second. The pairs (u, v) possible at one time, on the legs, and near enough in
height, form a convex polygon; those near enough on the ground an ellipse in it (or a band, for two on parallel ways).
What is asked for is where the distance is least on that polygon, and how early and how late t can be on its part within
the ellipse: each found at a corner, on an edge, or at one known point inside. With no slack the polygon is the segment
u = v, and the same steps give the classic closest approach.
"""

from __future__ import annotations

import math
from typing import NamedTuple

Point = tuple[float, float]
HalfPlane = tuple[float, float, float]
"""(p, q, r): all (u, v) with p·u + q·v <= r."""

_SLIP_S = 1e-9


class Leg(NamedTuple):
    """An even motion on a plane, metres and seconds, with the band of heights it fills at both ends."""

    t0: float
    t1: float
    start: Point
    end: Point
    lower0: float
    lower1: float
    upper0: float
    upper1: float

    def velocity(self) -> Point:
        """Metres a second east and north."""
        span = self.t1 - self.t0
        return (self.end[0] - self.start[0]) / span, (self.end[1] - self.start[1]) / span

    def place(self, t: float) -> Point:
        """Where it is by plan at `t`."""
        x, y = self.velocity()
        return self.start[0] + x * (t - self.t0), self.start[1] + y * (t - self.t0)

    def heights(self, t: float) -> tuple[float, float]:
        """The lower and the upper end of its band by plan at `t`."""
        share = (t - self.t0) / (self.t1 - self.t0)
        return (
            self.lower0 + (self.lower1 - self.lower0) * share,
            self.upper0 + (self.upper1 - self.upper0) * share,
        )


class Slack(NamedTuple):
    """Seconds by which a mover may run ahead of and behind its plan."""

    early: float
    late: float


class Near(NamedTuple):
    """Two movers may be too near from `t0` to `t1`; nearest where their plans have them at `u` and at `v`."""

    t0: float
    t1: float
    u: float
    v: float


def near(one: Leg, other: Leg, slack: Slack, other_slack: Slack, horizontal_m: float, vertical_m: float) -> Near | None:
    """When the two may be within both figures of one another, or None if they cannot be.

    `vertical_m` may be infinite; where it is negative the bands must overlap by so much. The legs must last longer
    than no time. Of equally near places one is named.
    """
    planes = _possible(one, other, slack, other_slack, vertical_m)
    corners = _corners(one, other, slack, other_slack, planes)
    if not corners:
        return None
    apart = _Apart(one, other)
    nearest = apart.least(corners, planes)
    if apart.square(nearest) > horizontal_m**2:
        return None
    # How early: the later of u - early and v - early must be least. On either side of the line where the two are
    # equal, one of them is the later.
    shift = slack.early - other_slack.early
    first_rules: HalfPlane = (-1.0, 1.0, -shift)  # v - early' <= u - early
    second_rules: HalfPlane = (1.0, -1.0, shift)
    begins = [
        *(u - slack.early for u, _ in apart.bounds(corners, planes, first_rules, horizontal_m, axis=0)),
        *(v - other_slack.early for _, v in apart.bounds(corners, planes, second_rules, horizontal_m, axis=1)),
    ]
    shift = other_slack.late - slack.late
    first_rules, second_rules = (1.0, -1.0, shift), (-1.0, 1.0, -shift)  # u + late <= v + late'
    finishes = [
        *(u + slack.late for u, _ in apart.bounds(corners, planes, first_rules, horizontal_m, axis=0)),
        *(v + other_slack.late for _, v in apart.bounds(corners, planes, second_rules, horizontal_m, axis=1)),
    ]
    u, v = nearest
    begins.append(max(u - slack.early, v - other_slack.early))
    finishes.append(min(u + slack.late, v + other_slack.late))
    return Near(min(begins), max(finishes), u, v)


def _possible(one: Leg, other: Leg, slack: Slack, other_slack: Slack, vertical_m: float) -> list[HalfPlane]:
    """What (u, v) must satisfy: to be on the legs, possible at one time, and near enough in height."""
    planes: list[HalfPlane] = [
        (-1.0, 0.0, -one.t0),
        (1.0, 0.0, one.t1),
        (0.0, -1.0, -other.t0),
        (0.0, 1.0, other.t1),
        (1.0, -1.0, slack.early + other_slack.late),
        (-1.0, 1.0, slack.late + other_slack.early),
    ]
    if math.isinf(vertical_m):
        return planes
    span, other_span = one.t1 - one.t0, other.t1 - other.t0
    for sign, height0, height1, other0, other1 in (
        (1.0, one.lower0, one.lower1, other.upper0, other.upper1),
        (-1.0, one.upper0, one.upper1, other.lower0, other.lower1),
    ):
        rate, other_rate = (height1 - height0) / span, (other1 - other0) / other_span
        at_zero = (height0 - rate * one.t0) - (other0 - other_rate * other.t0)
        planes.append((sign * rate, -sign * other_rate, vertical_m - sign * at_zero))
    return planes


def _corners(one: Leg, other: Leg, slack: Slack, other_slack: Slack, planes: list[HalfPlane]) -> list[Point]:
    """The corners of the polygon of possible (u, v), in order round it: two for a segment, none if there is none."""
    if not any((*slack, *other_slack)):
        begin, end = max(one.t0, other.t0), min(one.t1, other.t1)
        corners: list[Point] = [(begin, begin), (end, end)] if begin <= end else []
        planes = planes[6:]
    else:
        corners = [(one.t0, other.t0), (one.t1, other.t0), (one.t1, other.t1), (one.t0, other.t1)]
        planes = planes[4:]
    for plane in planes:
        corners = _clip(corners, plane)
    return corners


def _clip(corners: list[Point], plane: HalfPlane) -> list[Point]:
    """The part of a convex polygon, or of a segment, in a half-plane (Sutherland and Hodgman)."""
    p, q, r = plane
    kept: list[Point] = []
    for k, (u, v) in enumerate(corners):
        before_u, before_v = corners[k - 1]
        here, before = p * u + q * v - r, p * before_u + q * before_v - r
        if (here > 0.0) != (before > 0.0):
            share = before / (before - here)
            kept.append((before_u + share * (u - before_u), before_v + share * (v - before_v)))
        if here <= 0.0:
            kept.append((u, v))
    return kept


class _Apart:
    """The distance of two movers as a function of (u, v): the length of c + a·(u - u0) - b·(v - v0)."""

    def __init__(self, one: Leg, other: Leg) -> None:
        self.u0, self.v0 = one.t0, other.t0
        self.c = (one.start[0] - other.start[0], one.start[1] - other.start[1])
        self.a, self.b = one.velocity(), other.velocity()

    def vector(self, at: Point) -> Point:
        du, dv = at[0] - self.u0, at[1] - self.v0
        return (
            self.c[0] + self.a[0] * du - self.b[0] * dv,
            self.c[1] + self.a[1] * du - self.b[1] * dv,
        )

    def square(self, at: Point) -> float:
        x, y = self.vector(at)
        return x * x + y * y

    def least(self, corners: list[Point], planes: list[HalfPlane]) -> Point:
        """The place in the polygon where the distance is least: where the ways cross, or on the rim."""
        candidates = [self._least_between(p, q) for p, q in _edges(corners)]
        turn = self.a[0] * self.b[1] - self.a[1] * self.b[0]
        if len(corners) > 2 and turn != 0.0:
            du = (self.b[0] * self.c[1] - self.b[1] * self.c[0]) / turn
            dv = (self.a[0] * self.c[1] - self.a[1] * self.c[0]) / turn
            crossing = (self.u0 + du, self.v0 + dv)
            if _holds(planes, crossing):
                return crossing
        return min(candidates, key=self.square)

    def bounds(
        self, corners: list[Point], planes: list[HalfPlane], half: HalfPlane, reach_m: float, axis: int
    ) -> list[Point]:
        """Places among which are those with the least and the greatest u (`axis` 0) or v (1), of all in the polygon, in
        one half of it, and no farther than `reach_m` apart."""
        part = _clip(corners, half)
        places = [corner for corner in part if self.square(corner) <= reach_m**2]
        for p, q in _edges(part):
            step = (q[0] - p[0], q[1] - p[1])
            places += [_onward(p, step, share) for share in self._at_reach(p, step, reach_m) if 0.0 <= share <= 1.0]
        # Where the ellipse itself has its least and greatest u, the distance does not change with v.
        fixed, free = (self.a, self.b) if axis == 0 else (self.b, self.a)
        square = free[0] ** 2 + free[1] ** 2
        if len(corners) > 2 and square > 0.0:
            x, y = self.c
            sign = 1.0 if axis == 0 else -1.0
            constant = sign * (free[0] * x + free[1] * y) / square
            rate = (fixed[0] * free[0] + fixed[1] * free[1]) / square
            if axis == 0:
                begin, step = (self.u0, self.v0 + constant), (1.0, rate)
            else:
                begin, step = (self.u0 + constant, self.v0), (rate, 1.0)
            inside = [*planes, half]
            touching = [_onward(begin, step, share) for share in self._at_reach(begin, step, reach_m)]
            places += [place for place in touching if _holds(inside, place)]
        return places

    def _least_between(self, p: Point, q: Point) -> Point:
        step = (q[0] - p[0], q[1] - p[1])
        x, y = self.vector(p)
        dx, dy = self._change(step)
        square = dx * dx + dy * dy
        share = min(max(-(x * dx + y * dy) / square, 0.0), 1.0) if square > 0.0 else 0.0
        return _onward(p, step, share)

    def _change(self, step: Point) -> Point:
        return self.a[0] * step[0] - self.b[0] * step[1], self.a[1] * step[0] - self.b[1] * step[1]

    def _at_reach(self, p: Point, step: Point, reach_m: float) -> list[float]:
        """The shares of a step, on and on both ways, at which the distance is just `reach_m`."""
        x, y = self.vector(p)
        dx, dy = self._change(step)
        square = dx * dx + dy * dy
        if square == 0.0:
            return []
        middle = -(x * dx + y * dy) / square
        miss = (x * dy - y * dx) ** 2 / square
        if miss > reach_m**2:
            return []
        half = math.sqrt((reach_m**2 - miss) / square)
        return [middle - half, middle + half]


def _onward(p: Point, step: Point, share: float) -> Point:
    return p[0] + share * step[0], p[1] + share * step[1]


def _edges(corners: list[Point]) -> list[tuple[Point, Point]]:
    return [(corners[k - 1], corner) for k, corner in enumerate(corners)]


def _holds(planes: list[HalfPlane], at: Point) -> bool:
    return all(p * at[0] + q * at[1] - r <= _SLIP_S * max(1.0, abs(p), abs(q)) for p, q, r in planes)

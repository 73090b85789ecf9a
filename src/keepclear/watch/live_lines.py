"""Long lines on the ground, routes and boundaries, and where places and movers are to them: the kernels of
`kernels/routes.c` and `kernels/boundaries.c`, and their twins in NumPy."""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from keepclear.geometry.columns import IntArray, Plans
from keepclear.geometry.earth import FloatArray, points_in_space
from keepclear.geometry.kernels import LIBRARY, pointer
from keepclear.geometry.pack import LONGEST_LEG_M, along, lengths_m
from keepclear.watch.live_ground import Plane

BLOCK = 16
CHAINAGE, OFF, EXPECTED, LATE = range(4)
"""Columns of `on_routes`."""
APART, LEAST, SHARE, CROSSINGS, FIRST_SHARE = range(5)
"""Columns of `legs_and_lines`."""


@dataclass(frozen=True, slots=True)
class Lines:
    """n lines, cut to legs of `LONGEST_LEG_M`: `kc_lines` of lines.h. Of each node the metres along its line from the
    start, and the moment it is planned for (NaN of a line that nobody is to travel)."""

    node_from: IntArray  # (n + 1,)
    block_from: IntArray  # (n + 1,)
    nodes: FloatArray  # (m, 3)
    balls: FloatArray  # (blocks, 4)
    chainage_m: FloatArray  # (m,)
    planned_s: FloatArray  # (m,)

    @classmethod
    def of(cls, lines: Sequence[tuple[FloatArray, FloatArray, FloatArray]]) -> Lines:
        """Of latitudes, longitudes and planned moments of each line's points, two or more."""
        parts = [_cut(*line) for line in lines]
        node_from = np.concatenate(([0], np.cumsum([len(part[0]) for part in parts]))).astype(np.int64)
        balls = [_balls(nodes) for nodes, _, _ in parts]
        block_from = np.concatenate(([0], np.cumsum([len(part) for part in balls]))).astype(np.int64)
        nodes, chainage, planned = (
            np.ascontiguousarray(np.concatenate([part[k] for part in parts]) if parts else np.empty(shape))
            for k, shape in ((0, (0, 3)), (1, (0,)), (2, (0,)))
        )
        return cls(
            node_from, block_from, nodes, np.concatenate(balls) if balls else np.empty((0, 4)), chainage, planned
        )

    @classmethod
    def of_ways(cls, plans: Plans, which: Sequence[int]) -> Lines:
        """The ways of some plans."""
        spans = [slice(int(plans.point_from[i]), int(plans.point_from[i + 1])) for i in which]
        return cls.of([(plans.lat_deg[span], plans.lon_deg[span], plans.t_s[span]) for span in spans])

    def __len__(self) -> int:
        return len(self.node_from) - 1

    def length_m(self, line: int) -> float:
        """Metres from one end of a line to the other."""
        return float(self.chainage_m[self.node_from[line + 1] - 1])


def _cut(lat_deg: FloatArray, lon_deg: FloatArray, t_s: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Points in space, metres from the start, and moments, of a line cut as `pack.trajectory_legs` cuts it."""
    length = lengths_m(lat_deg[:-1], lon_deg[:-1], lat_deg[1:], lon_deg[1:])
    parts = np.maximum(1, np.ceil(length / LONGEST_LEG_M)).astype(np.int64)
    leg = np.repeat(np.arange(len(length)), parts)
    share = (np.arange(len(leg)) - np.repeat(np.cumsum(parts) - parts, parts)) / parts[leg]
    lat, lon = along(lat_deg[leg], lon_deg[leg], lat_deg[leg + 1], lon_deg[leg + 1], share)
    nodes = points_in_space(np.append(lat, lat_deg[-1]), np.append(lon, lon_deg[-1]))
    chainage = np.append(0.0, np.cumsum(length[leg] / parts[leg]))
    return nodes, chainage, np.append(t_s[leg] + share * (t_s[leg + 1] - t_s[leg]), t_s[-1])


def _balls(nodes: FloatArray) -> FloatArray:
    """A ball about each block of legs, 20 m larger, for the bow of the legs above their chords."""
    found = []
    for first in range(0, len(nodes) - 1, BLOCK):
        block = nodes[first : first + BLOCK + 1]
        middle = (block.min(axis=0) + block.max(axis=0)) / 2
        found.append([*middle, np.sqrt(((block - middle) ** 2).sum(axis=1)).max() + 20.0])
    return np.array(found)


if LIBRARY is not None:
    _P, _N = ctypes.c_void_p, ctypes.c_int64
    LIBRARY.kc_on_routes.argtypes = [_N, *[_P] * 11]
    LIBRARY.kc_on_routes.restype = None
    LIBRARY.kc_legs_and_lines.argtypes = [_N, *[_P] * 9]
    LIBRARY.kc_legs_and_lines.restype = None


def on_routes(lines: Lines, route: IntArray, at_s: FloatArray, place: FloatArray, doubt_m: FloatArray) -> FloatArray:
    """Where n places lie along their routes, shape (n, 4): `kc_on_routes`."""
    if LIBRARY is None:
        return on_routes_slowly(lines, route, at_s, place, doubt_m)
    out = np.empty((len(route), 4))
    given = tuple(np.ascontiguousarray(array) for array in (route, at_s, place, doubt_m))
    drawn = (lines.node_from, lines.block_from, lines.nodes, lines.balls, lines.chainage_m, lines.planned_s)
    LIBRARY.kc_on_routes(len(route), *(pointer(array) for array in (*given, *drawn, out)))
    return out


def on_routes_slowly(
    lines: Lines, route: IntArray, at_s: FloatArray, place: FloatArray, doubt_m: FloatArray
) -> FloatArray:
    """The twin of the kernel."""
    out = np.empty((len(route), 4))
    for row, line in enumerate(route.tolist()):
        span = slice(int(lines.node_from[line]), int(lines.node_from[line + 1]))
        chainage, planned, at, doubt = lines.chainage_m[span], lines.planned_s[span], at_s[row], doubt_m[row]
        expected = float(np.interp(at, planned, chainage))
        off, share = _off_legs(place[row], lines.nodes[span])
        along_m = chainage[:-1] + share * np.diff(chainage)
        near = np.flatnonzero(off <= off.min() + doubt + 1.0)
        runs = np.split(near, np.flatnonzero(np.diff(near) > 1) + 1)
        best = min((run[off[run].argmin()] for run in runs), key=lambda i: abs(along_m[i] - expected))
        latest = _due(chainage, planned, min(along_m[best] + doubt, chainage[-1]), last=True)
        earliest = _due(chainage, planned, max(along_m[best] - doubt, 0.0), last=False)
        out[row] = along_m[best], off[best], expected, at - latest if at > latest else min(at - earliest, 0.0)
    return out


def _off_legs(place: FloatArray, nodes: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Metres from a place to each leg of a line, and the share of the leg that is nearest."""
    xy = Plane.at(place).to_xy(nodes)
    a, step = xy[:-1], np.diff(xy, axis=0)
    square = (step * step).sum(axis=1)
    share = np.clip(-(a * step).sum(axis=1) / np.where(square > 0.0, square, 1.0), 0.0, 1.0)
    foot = a + share[:, None] * step
    return np.hypot(foot[:, 0], foot[:, 1]), share


def _due(chainage: FloatArray, planned: FloatArray, at_m: float, *, last: bool) -> float:
    if last and at_m >= chainage[-1]:
        return float("inf")
    if not last and at_m <= chainage[0]:
        return float("-inf")
    side = int(np.searchsorted(chainage, at_m, side="right" if last else "left"))
    i, j = (side - 1, side) if last else (side, side - 1)
    return float(planned[i] + (at_m - chainage[i]) / (chainage[j] - chainage[i]) * (planned[j] - planned[i]))


def legs_and_lines(lines: Lines, line: IntArray, begin: FloatArray, end: FloatArray, reach_m: FloatArray) -> FloatArray:
    """How near n legs of movers come to a line each, and where they cross it, shape (n, 5): `kc_legs_and_lines`."""
    if LIBRARY is None:
        return legs_and_lines_slowly(lines, line, begin, end, reach_m)
    out = np.empty((len(line), 5))
    given = tuple(np.ascontiguousarray(array) for array in (line, begin, end, reach_m))
    drawn = (lines.node_from, lines.block_from, lines.nodes, lines.balls)
    LIBRARY.kc_legs_and_lines(len(line), *(pointer(array) for array in (*given, *drawn, out)))
    return out


def legs_and_lines_slowly(
    lines: Lines, line: IntArray, begin: FloatArray, end: FloatArray, reach_m: FloatArray
) -> FloatArray:
    """The twin of the kernel."""
    out = np.full((len(line), 5), np.nan)
    for row, i in enumerate(line.tolist()):
        a, b = begin[row], end[row]
        middle = (a + b) / 2
        balls = lines.balls[lines.block_from[i] : lines.block_from[i + 1]]
        off = np.sqrt(((balls[:, :3] - middle) ** 2).sum(axis=1)) - balls[:, 3]
        out[row, :4] = np.inf, np.inf, np.nan, 0.0
        if off.min() > np.linalg.norm(b - a) / 2 + reach_m[row] + 10.0:
            continue
        nodes = lines.nodes[lines.node_from[i] : lines.node_from[i + 1]]
        out[row, APART] = _off_legs(b, nodes)[0].min()
        plane = Plane.at(middle)
        drawn, (start, stop) = plane.to_xy(nodes), plane.to_xy(np.array([a, b]))
        step, span, from_node = stop - start, np.diff(drawn, axis=0), start - drawn[:-1]
        side = span[:, 0] * from_node[:, 1] - span[:, 1] * from_node[:, 0]
        turn = span[:, 0] * step[1] - span[:, 1] * step[0]
        ahead = step[0] * (drawn[:, 1] - start[1]) - step[1] * (drawn[:, 0] - start[0]) > 0.0
        crosses = ((side > 0.0) != (side + turn > 0.0)) & (ahead[:-1] != ahead[1:])
        shares = np.sort(-side[crosses] / turn[crosses])
        least, at = _least(start, stop, drawn)
        if least <= reach_m[row]:
            out[row, LEAST], out[row, SHARE] = least, at
        out[row, CROSSINGS] = len(shares)
        out[row, FIRST_SHARE] = shares[0] if len(shares) else np.nan
    return out


def _least(start: FloatArray, stop: FloatArray, drawn: FloatArray) -> tuple[float, float]:
    """The least distance of a stretch from a line on a plane, and the share of the stretch where it is found."""
    step, other = stop - start, np.diff(drawn, axis=0)
    turn = step[0] * other[:, 1] - step[1] * other[:, 0]
    safe = np.where(turn != 0.0, turn, 1.0)
    to = drawn[:-1] - start
    s = (to[:, 0] * other[:, 1] - to[:, 1] * other[:, 0]) / safe
    r = (to[:, 0] * step[1] - to[:, 1] * step[0]) / safe
    cuts = (turn != 0.0) & (s >= 0.0) & (s <= 1.0) & (r >= 0.0) & (r <= 1.0)
    if cuts.any():
        return 0.0, float(s[cuts][0])
    found: list[tuple[float, float]] = []
    for share, end in ((0.0, start), (1.0, stop)):
        found.append((float(_to_stretches(end, drawn[:-1], other).min()), share))
    square = float(step @ step)
    shares = np.clip((drawn - start) @ step / square, 0.0, 1.0) if square > 0.0 else np.zeros(len(drawn))
    off = drawn - start - shares[:, None] * step
    away = np.hypot(off[:, 0], off[:, 1])
    found.append((float(away.min()), float(shares[away.argmin()])))
    return min(found)


def _to_stretches(point: FloatArray, begin: FloatArray, step: FloatArray) -> FloatArray:
    square = (step * step).sum(axis=1)
    share = np.clip(((point - begin) * step).sum(axis=1) / np.where(square > 0.0, square, 1.0), 0.0, 1.0)
    off = point - begin - share[:, None] * step
    return np.asarray(np.hypot(off[:, 0], off[:, 1]))

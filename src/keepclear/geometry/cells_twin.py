"""What the kernel of coverings says, slowly: which cells a circle or an outline touches, in plain Python.

`cells.py` says what each function promises. The earth is a cube around a sphere (S2 Geometry): on one of its six faces
great circles are straight lines, and cells are rectangles between lines that `line` gives. So a covering is a drawing
of straight edges on a grid, everything made wider by a margin; an outline over several faces is first cut along them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

LEVEL = 13
SIDE = 1 << LEVEL
"""Cells along the side of a face."""
MOST_CELLS = 20_000
MOST_STEPS = 1_000_000
"""Cells that the edges of an outline may pass together, each as often as it is passed."""
FARTHEST = 0.157
"""Radians, 1,000 km: how far the vertices of an outline may lie from its middle."""
WIDEST_M = 150_000.0
"""A circle of a larger radius surely touches too many cells."""
EARTH_M = 6_371_010.0
MAJOR_M = 6_378_137.0
ECCENTRICITY2 = 6.69437999014e-3
LEAST_CURVATURE_M = MAJOR_M * (1.0 - ECCENTRICITY2)
"""The least radius of curvature of the ellipsoid: of the meridian at the equator."""
MARGIN = 0.7 / EARTH_M
"""Radians. On a face, where lengths are up to three times those on the ground: 0.23 to 0.7 m, 1 m at corners."""
BEND = 4.6e-4
"""A geodesic with a chord c (of a sphere of radius 1) bends no more than BEND * c² off the great circle, in radians.
Measured on WGS 84 for c up to 0.32: 4.2e-4."""
STRETCH = 3.1
"""Lengths on a face are at most this much those on the sphere."""
BEYOND = 1.01
"""Where outlines are cut, so that the cuts lie beyond the edge of the face and touch no cell."""

_POSITIONS = ((0, 1, 3, 2), (0, 3, 1, 2), (2, 3, 1, 0), (2, 1, 3, 0))
_TURNS = (1, 0, 0, 3)

Vector = tuple[float, float, float]
Cell = tuple[int, int]
"""The column and the row of a cell on its face."""


def circle(lat_deg: float, lng_deg: float, radius_m: float) -> list[int] | None:
    """The cells that a circle touches, sorted; None if they are too many."""
    if not radius_m <= WIDEST_M:
        return None
    nearest = math.radians(abs(lat_deg)) - radius_m / LEAST_CURVATURE_M
    sine = math.sin(nearest) if nearest > 0.0 else 0.0
    # Nowhere in the circle is the ellipsoid more curved than this, so on a sphere it is at most so many radians.
    meridian_m = LEAST_CURVATURE_M / (1.0 - ECCENTRICITY2 * sine * sine) ** 1.5
    angle = radius_m / min(meridian_m, EARTH_M) + 0.5 * MARGIN
    middle = _vector(lat_deg, lng_deg)
    found: list[int] = []
    for face in range(6):
        found += [identifier(face, i, j) for i, j in _round_on_face(_on_face(face, middle), angle)]
    return sorted(found) if len(found) <= MOST_CELLS else None


def polygon(lat_deg: Sequence[float], lng_deg: Sequence[float]) -> list[int] | None:
    """The cells that the smaller side of an outline touches, sorted; None if they are too many."""
    corners = [_vector(lat, lng) for lat, lng in zip(lat_deg, lng_deg, strict=True)]
    middle = _middle(corners)
    if middle is None:
        return None
    longest2 = max(_chord2(a, b) for a, b in zip(corners, [*corners[1:], corners[0]], strict=True))
    wider = MARGIN + STRETCH * BEND * longest2
    face = max(range(6), key=lambda face: _on_face(face, middle)[2])
    seen = [_on_face(face, corner) for corner in corners]
    inside = 1.0 - 2.0 * wider
    if all(w > 0.0 and abs(u) <= inside * w and abs(v) <= inside * w for u, v, w in seen):
        drawn = {face: seen}
    else:
        drawn = {face: _cut([_on_face(face, corner) for corner in corners]) for face in range(6)}
    found: list[int] = []
    steps = 0
    for face, ring in drawn.items():
        drawing = _Drawing(wider, steps)
        for a, b in zip(ring, [*ring[1:], *ring[:1]], strict=True):
            if not drawing.edge(a[0] / a[2], a[1] / a[2], b[0] / b[2], b[1] / b[2]):
                return None
        steps = drawing.steps
        drawing.fill()
        found += [identifier(face, i, j) for i, j in drawing.cells]
    return sorted(found) if len(found) <= MOST_CELLS else None


def identifier(face: int, i: int, j: int) -> int:
    """The S2 cell id of the cell in column i and row j of a face: where it lies along the Hilbert curve."""
    turned, place = face & 1, face
    for bit in range(LEVEL - 1, -1, -1):
        position = _POSITIONS[turned][(i >> bit & 1) << 1 | (j >> bit & 1)]
        place = place << 2 | position
        turned ^= _TURNS[position]
    return (place << 1 | 1) << 2 * (30 - LEVEL)


def line(part: float) -> float:
    """Where on a face, from -1 to 1, the line lies before which there is this part (0 to 1) of the cells."""
    return (4.0 * part * part - 1.0) / 3.0 if part >= 0.5 else (1.0 - 4.0 * (1.0 - part) * (1.0 - part)) / 3.0


def place(u: float) -> int:
    """The column, or row, in which a place from -1 to 1 lies; the first or last for what lies beyond."""
    if u <= -1.0:
        return 0
    part = 0.5 * math.sqrt(1.0 + 3.0 * u) if u >= 0.0 else 1.0 - 0.5 * math.sqrt(1.0 - 3.0 * u)
    return min(SIDE - 1, int(part * SIDE))


# ── outlines ─────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Drawing:
    """The cells of one face that are touched so far, and where each column is crossed."""

    def __init__(self, wider: float, steps: int) -> None:
        self.wider = wider
        self.steps = steps
        self.cells: set[Cell] = set()
        self.crossed: dict[int, list[int]] = {}

    def edge(self, u0: float, v0: float, u1: float, v1: float) -> bool:
        """Add the cells that an edge touches; False if there are too many."""
        if u1 < u0:
            u0, v0, u1, v1 = u1, v1, u0, v0
        wider = self.wider
        if u1 + wider < -1.0 or u0 - wider > 1.0:
            return True
        for i in range(place(u0 - wider), place(u1 + wider) + 1):
            va = _along(u0, v0, u1, v1, line(i / SIDE) - wider)
            vb = _along(u0, v0, u1, v1, line((i + 1) / SIDE) + wider)
            lowest, highest = min(va, vb), max(va, vb)
            if highest + wider < -1.0 or lowest - wider > 1.0:
                self.steps += 1
                continue
            first, last = place(lowest - wider), place(highest + wider)
            self.steps += last - first + 1
            if self.steps > MOST_STEPS:
                return False
            self.cells.update((i, j) for j in range(first, last + 1))
        for i in range(place(u0), place(u1) + 1):
            middle = line((i + 0.5) / SIDE)
            if u0 <= middle < u1:
                self.crossed.setdefault(i, []).append(_first_above(_along(u0, v0, u1, v1, middle)))
        return True

    def fill(self) -> None:
        """Add the cells whose middles are inside: a cell that no edge touches is inside as a whole, or outside."""
        for i, crossings in self.crossed.items():
            crossings.sort()
            for first, stop in zip(crossings[::2], crossings[1::2], strict=True):
                self.cells.update((i, j) for j in range(first, stop))


def _along(u0: float, v0: float, u1: float, v1: float, u: float) -> float:
    """The height of an edge above u, or at the end that is nearer to it."""
    return v0 if u <= u0 else v1 if u >= u1 else v0 + (u - u0) / (u1 - u0) * (v1 - v0)


def _first_above(v: float) -> int:
    """The first row with its middle above v."""
    if v > 1.0:
        return SIDE
    row = place(v)
    return row if line((row + 0.5) / SIDE) > v else row + 1


def _cut(ring: list[Vector]) -> list[Vector]:
    """The part of an outline that lies over a face, and a little beyond its edges (Sutherland and Hodgman)."""
    for axis in (0, 1):
        for sign in (1.0, -1.0):
            depths = [BEYOND * corner[2] + sign * corner[axis] for corner in ring]
            kept: list[Vector] = []
            for k, corner in enumerate(ring):
                before, depth_before, depth = ring[k - 1], depths[k - 1], depths[k]
                if (depth_before > 0.0) != (depth > 0.0):
                    t = depth_before / (depth_before - depth)
                    u, v, w = (a + t * (b - a) for a, b in zip(before, corner, strict=True))
                    kept.append((u, v, w))
                if depth > 0.0:
                    kept.append(corner)
            ring = kept
    return [corner for corner in ring if corner[2] > 0.0]


def _middle(corners: list[Vector]) -> Vector | None:
    """The middle of a box around the vertices; None if one lies too far from it."""
    x, y, z = (0.5 * (min(values) + max(values)) for values in zip(*corners, strict=True))
    length = math.sqrt(x * x + y * y + z * z)
    if length < 0.5:
        return None
    middle = (x / length, y / length, z / length)
    return middle if all(_chord2(middle, corner) <= FARTHEST * FARTHEST for corner in corners) else None


# ── circles ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _round_on_face(middle: Vector, angle: float) -> list[Cell]:
    """The cells of a face within an angle of a place: there the circle is an ellipse, taken column by column."""
    cu, cv, cw = middle
    sine = math.sin(angle)
    if abs(cu) - cw > math.sqrt(2.0) * sine or abs(cv) - cw > math.sqrt(2.0) * sine:
        return []
    across, toward_u = math.sqrt(cu * cu + cw * cw), math.atan2(cu, cw)
    along, toward_v = math.sqrt(cv * cv + cw * cw), math.atan2(cv, cw)
    half_u, half_v = math.asin(sine / across), math.asin(sine / along)
    west, east = math.tan(toward_u - half_u), math.tan(toward_u + half_u)
    bottom, top = math.tan(toward_v - half_v), math.tan(toward_v + half_v)
    if east < -1.0 or west > 1.0 or top < -1.0 or bottom > 1.0:
        return []
    bottom_u = cu / (cw + sine * math.sin(toward_v - half_v))
    top_u = cu / (cw - sine * math.sin(toward_v + half_v))
    cells: list[Cell] = []
    for i in range(place(west), place(east) + 1):
        left, right = line(i / SIDE), line((i + 1) / SIDE)
        lowest, highest = math.inf, -math.inf
        for u in (left, right):
            if west <= u <= east:
                low, high = _slice(middle, sine, u)
                lowest, highest = min(lowest, low), max(highest, high)
        if left <= bottom_u <= right:
            lowest = bottom
        if left <= top_u <= right:
            highest = top
        if lowest <= 1.0 and highest >= -1.0:
            cells += [(i, j) for j in range(place(lowest), place(highest) + 1)]
    return cells


def _slice(middle: Vector, sine: float, u: float) -> tuple[float, float]:
    """From where to where the line at u, upright on a face, is within the circle."""
    cu, cv, cw = middle
    length = math.sqrt(1.0 + u * u)
    off = (cu - u * cw) / length
    half = math.asin(math.sqrt(max(0.0, (sine * sine - off * off) / (1.0 - off * off))))
    toward = math.atan2(cv, (u * cu + cw) / length)
    return length * math.tan(toward - half), length * math.tan(toward + half)


# ── the sphere ───────────────────────────────────────────────────────────────────────────────────────────────────────


def _vector(lat_deg: float, lng_deg: float) -> Vector:
    lat, lng = math.radians(lat_deg), math.radians(lng_deg)
    return math.cos(lat) * math.cos(lng), math.cos(lat) * math.sin(lng), math.sin(lat)


def _on_face(face: int, vector: Vector) -> Vector:
    """The vector as seen from a face: to its right, up, and out of it."""
    x, y, z = vector
    return ((y, z, x), (-x, z, y), (-x, -y, z), (-z, -y, -x), (-z, x, -y), (y, x, -z))[face]


def _chord2(a: Vector, b: Vector) -> float:
    u, v, w = a[0] - b[0], a[1] - b[1], a[2] - b[2]
    return u * u + v * v + w * w

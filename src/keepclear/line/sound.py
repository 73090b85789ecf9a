"""What a reader of JSON cannot see: outlines that cross themselves, lines too long, grids that name no square, names
that do not agree.

`check_sound` holds for every act, from anybody. `check_names` is for one's own acts, before they are signed: the grid
given for the place of a plan must lie where the plan lies. (In 2015 at Kunduz grid and description disagreed, and
nothing stopped it.)
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from functools import lru_cache

import numpy as np

from keepclear.errors import Malformed
from keepclear.geometry.columns import Plans
from keepclear.geometry.earth import LocalPlane, distance_m
from keepclear.geometry.grids import canonical_grid, from_gars, from_mgrs
from keepclear.geometry.pack import lengths_m, pack
from keepclear.geometry.pack_areas import LONGEST_EDGE_M
from keepclear.geometry.shapes import check_polygon, distance_to_edge_m, points_in_polygon
from keepclear.geometry.vagueness import at_once, too_vague
from keepclear.line.read_back import canonical, is_gars
from keepclear.model import acts as a
from keepclear.model.places import LatLon, PlaceNames
from keepclear.model.plans import Plan, Trajectory, Waypoint
from keepclear.model.volumes import Area, Circle, Polygon

TOLERANCE_M = 2_000.0
"""How far beyond the edge of its grid square a place may lie from what the grid is given for."""


LONGEST_LEG_M = 500_000.0
"""From one vertex of a boundary, or way-point, to the next. Between points farther apart a line is anybody's guess."""
LONGEST_BOUNDARY_M = 3_000_000.0
LONGEST_WAY_M = 10_000_000.0
MOST_EDGES = 10_000
"""Of all outlines of a plan, long ones cut to 10 km. To hold two plans against each other takes time as the product of
theirs."""

MOST_AT_ONCE = 100
"""Way-points past which a mover may be at one moment, early and late as it may run. To hold two vague ways against each
other takes time as the product of theirs; a way that may be a day late says as much with a way-point every hour."""


def check_sound(act: a.Act) -> None:
    """Malformed naming the field if an outline is not a simple polygon, a line too long, or a grid names no square."""
    for field, area in areas(act):
        if isinstance(area, Polygon):
            lats, lons = [v.lat_deg for v in area.vertices], [v.lon_deg for v in area.vertices]
            check_polygon(lats, lons, f"{field}.vertices")
    for field, points, longest_m in ways(act):
        _check_length(field, points, longest_m)
    if isinstance(act, a.Notice | a.Correction):
        _check_plan(act.plan)
    for field, names in places(act):
        if canonical(names.grid) is None:
            canonical_grid(names.grid, f"{field}.grid")


def _check_plan(plan: Plan) -> None:
    """What the engine of conflicts would refuse must not be recorded: applying it would fail ever after. Nor must what
    it would be held up by for seconds."""
    _check_edges(plan)
    if plan.trajectory is not None:
        _check_vagueness(plan.trajectory)
    try:
        pack(Plans.of(plan))
    except Malformed as wrong:
        field = wrong.field.replace(f"plans[{plan.id}]", "act.plan")
        raise Malformed(wrong.message, field=field, code=wrong.code, **wrong.values) from None


def _check_edges(plan: Plan) -> None:
    edges = 0
    for outline in (volume.area.vertices for volume in plan.volumes if isinstance(volume.area, Polygon)):
        lat, lon = np.array([vertex.lat_deg for vertex in outline]), np.array([vertex.lon_deg for vertex in outline])
        sides_m = lengths_m(lat, lon, np.roll(lat, -1), np.roll(lon, -1))
        edges += int(np.maximum(np.ceil(sides_m / LONGEST_EDGE_M), 1.0).sum())
    if edges > MOST_EDGES:
        raise Malformed(
            f"the outlines have {edges} edges, long ones counted once for every 10 km; {MOST_EDGES} is the most",
            field="act.plan.volumes",
            code="more_than",
            count=edges,
            most=MOST_EDGES,
        )


def _check_vagueness(way: Trajectory) -> None:
    times = np.array([point.at.timestamp() for point in way.waypoints])
    count = at_once(times, way.early_s + way.late_s)
    if count > MOST_AT_ONCE:
        raise too_vague(count, MOST_AT_ONCE, "act.plan.trajectory.waypoints")


def check_names(act: a.Act) -> None:
    """Malformed (`grid_elsewhere`) if the first grid of a plan or request is not where the plan or request begins."""
    if isinstance(act, a.ReadBack):
        canonical_grid(act.grid, "act.grid")
    elif isinstance(act, a.Notice | a.Correction):
        _check_near(_from_plan(act.plan, act.plan.names[0].grid), "act.plan.names[0].grid")
    elif isinstance(act, a.ClearRequest):
        _check_near(_from_area(act.volume.area, act.names[0].grid), "act.names[0].grid")
    elif isinstance(act, a.DangerCall) and act.names is not None and act.position is not None:
        lat, lon, reach = centre(act.names.grid)
        away = distance_m(lat, lon, act.position.lat_deg, act.position.lon_deg) - reach - act.position.uncertainty_m
        _check_near(away, "act.names.grid")


def areas(act: a.Act) -> Iterator[tuple[str, Area]]:
    """Every area in an act, with its field."""
    if isinstance(act, a.Notice | a.Correction):
        for number, volume in enumerate(act.plan.volumes):
            yield f"act.plan.volumes[{number}].area", volume.area
    elif isinstance(act, a.ClearRequest):
        yield "act.volume.area", act.volume.area
    elif isinstance(act, a.Answer) and act.counter is not None:
        yield "act.counter.area", act.counter.area
    elif isinstance(act, a.Coverage):
        for number, span in enumerate(act.spans):
            yield f"act.spans[{number}].area", span.area


def ways(act: a.Act) -> Iterator[tuple[str, Sequence[LatLon | Waypoint], float]]:
    """Every line in an act, with its field, and how long it may be in all (metres)."""
    if isinstance(act, a.Notice | a.Correction) and act.plan.trajectory is not None:
        yield "act.plan.trajectory.waypoints", act.plan.trajectory.waypoints, LONGEST_WAY_M
    elif isinstance(act, a.DeclareBoundary):
        yield "act.boundary.vertices", act.boundary.vertices, LONGEST_BOUNDARY_M


def places(act: a.Act) -> Iterator[tuple[str, PlaceNames]]:
    """Every place named in two ways in an act, with its field."""
    if isinstance(act, a.Notice | a.Correction):
        for number, names in enumerate(act.plan.names):
            yield f"act.plan.names[{number}]", names
    elif isinstance(act, a.ClearRequest):
        for number, names in enumerate(act.names):
            yield f"act.names[{number}]", names
    elif isinstance(act, a.DangerCall) and act.names is not None:
        yield "act.names", act.names


@lru_cache(maxsize=10_000)
def centre(grid: str) -> tuple[float, float, float]:
    """The middle of a grid square (degrees), and the distance in metres from there to its farthest corner."""
    one = canonical(grid) or canonical_grid(grid)
    if is_gars(one):
        cell = from_gars(one)
        lat, lon = cell.centre
        return lat, lon, max(distance_m(lat, lon, edge, cell.east_deg) for edge in (cell.south_deg, cell.north_deg))
    square = from_mgrs(one)
    return square.lat_deg, square.lon_deg, square.size_m * math.sqrt(0.5)


def _check_length(field: str, points: Sequence[LatLon | Waypoint], longest_m: float) -> None:
    lat, lon = np.array([point.lat_deg for point in points]), np.array([point.lon_deg for point in points])
    legs = lengths_m(lat[:-1], lon[:-1], lat[1:], lon[1:])
    at = int(legs.argmax())
    if legs[at] > LONGEST_LEG_M:
        raise Malformed(
            f"this is {legs[at] / 1000.0:.0f} km from the point before it; {LONGEST_LEG_M / 1000.0:.0f} km is the most",
            field=f"{field}[{at + 1}]",
            code="too_long",
            value=float(legs[at]),
        )
    if legs.sum() > longest_m:
        raise Malformed(
            f"the line is {legs.sum() / 1000.0:.0f} km long; {longest_m / 1000.0:.0f} km is the most",
            field=field,
            code="too_long",
            value=float(legs.sum()),
        )


def _check_near(away_m: float, field: str) -> None:
    if away_m > TOLERANCE_M:
        raise Malformed(
            f"the grid lies {away_m / 1000.0:.1f} km from the place it is given for",
            field=field,
            code="grid_elsewhere",
            distance_m=away_m,
        )


def _from_plan(plan: Plan, grid: str) -> float:
    if plan.trajectory is not None:
        lat, lon, reach = centre(grid)
        first = plan.trajectory.waypoints[0]
        return distance_m(lat, lon, first.lat_deg, first.lon_deg) - reach - plan.trajectory.buffer_m
    return min(_from_area(volume.area, grid) for volume in plan.volumes)


def _from_area(area: Area, grid: str) -> float:
    lat, lon, reach = centre(grid)
    if isinstance(area, Circle):
        return distance_m(lat, lon, area.centre.lat_deg, area.centre.lon_deg) - area.radius_m - reach
    plane = LocalPlane(lat, lon)
    ring = plane.to_xy([v.lat_deg for v in area.vertices], [v.lon_deg for v in area.vertices])
    here = [[0.0, 0.0]]
    return 0.0 if points_in_polygon(here, ring)[0] else float(distance_to_edge_m(here, ring)[0]) - reach

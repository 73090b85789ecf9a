"""What is wrong with columns of plans or positions, and with which item: the checks behind `columns.checked`.

Each looks at whole columns at once and only then for the first item at fault, so that what is in order costs a few
passes over memory. The bounds are those of what parties say (`model/base.py`).
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from operator import attrgetter
from typing import Any, NoReturn

import numpy as np
import numpy.typing as npt

from keepclear.errors import Malformed
from keepclear.geometry import kernels
from keepclear.geometry.columns import DATUMS, KINDS, IntArray, Plans, Positions
from keepclear.geometry.earth import FloatArray
from keepclear.geometry.kernels import ColumnsStruct, pointer
from keepclear.geometry.outlines import check_outlines
from keepclear.geometry.vagueness import check_vagueness
from keepclear.model.base import EARLIEST, LATEST, hidden_in

MOST_PLANS = 5_000_000
MOST_POINTS = 500_000_000
MOST_VOLUMES = 5_000_000
MOST_RINGS = 1_000
"""Of one area: its outline and its holes."""
MOST_VERTICES = 10_000
"""Of one outline or hole (ASTM F3548-21, `OiMaxVertices`)."""
LONGEST_ID = 200
LOWEST_M, HIGHEST_M = -500.0, 40_000.0
WIDEST_M = 500_000.0
"""The largest buffer, radius or uncertainty."""
LONGEST_S = 366 * 86_400.0
FIRST_S, LAST_S = EARLIEST.timestamp(), LATEST.timestamp()
SURELY_S = 500_000_000.0
"""A time told in milliseconds, or finer, is after this one (1985) where anybody plans by it."""
_MOMENTS = ("t_s", "starts_s", "ends_s")

LIMITS = np.array(
    [
        *(LOWEST_M, HIGHEST_M, FIRST_S, LAST_S, WIDEST_M, LONGEST_S),
        *map(float, (len(KINDS), len(DATUMS), MOST_RINGS, MOST_VERTICES)),
    ]
)
"""`limits` of `kernels/sound.h`."""

if kernels.LIBRARY is not None:
    for _name in ("plans", "volumes"):
        _function = getattr(kernels.LIBRARY, f"kc_{_name}_are_sound")
        _function.argtypes, _function.restype = [ctypes.c_void_p] * 2, ctypes.c_int

_arrays = attrgetter(
    *("kind", "datum", "band_m", "room", "point_from", "t_s", "lat_deg", "lon_deg", "alt_m"),
    *("volume_from", "volumes", "circles", "ring_from", "vertex_from", "vertices"),
)
_NOTHING = ctypes.c_char * 0
_BYTE, _WHOLE, _REAL = (np.dtype(each) for each in (np.uint8, np.int64, np.float64))
_TYPES = [
    *(_BYTE, _BYTE, _REAL, _REAL, _WHOLE, _REAL, _REAL, _REAL, _REAL),
    *(_WHOLE, _REAL, _REAL, _WHOLE, _WHOLE, _REAL),
]

Item = Callable[[int], str]
"""The name of the item at a place of a column."""
BoolArray = npt.NDArray[np.bool_]


def check_plans(plans: Plans) -> None:
    """Refuse what is not in order, in the order told at `columns.checked`. The arrays have their types and shapes."""
    if _surely_sound(plans):
        check_ids(plans.ids, "plans")
    else:
        _check_in_order(plans)
    check_vagueness(plans)
    if len(plans.volumes):
        check_outlines(plans)


def columns_of(plans: Plans) -> ColumnsStruct | None:
    """The arrays as a C struct; the plans must outlive it. None unless each is contiguous, of its type and shape, as
    long as the others say, and no longer than may be."""
    try:
        arrays = _arrays(plans)
        n, m, k = len(plans.ids), len(plans.t_s), len(plans.volumes)
        rings, vertices = len(plans.vertex_from) - 1, len(plans.vertices)
        if [array.dtype for array in arrays] != _TYPES or [array.shape for array in arrays] != [
            *((n,), (n,), (n, 2), (n, 4), (n + 1,), (m,), (m,), (m,), (m,), (n + 1,)),
            *((k, 4), (k, 3), (k + 1,), (rings + 1,), (vertices, 2)),
        ]:
            return None
    except (AttributeError, TypeError):  # these are no arrays
        return None
    if n > MOST_PLANS or m > MOST_POINTS or k > MOST_VOLUMES:
        return None
    try:
        places = [ctypes.addressof(_NOTHING.from_buffer(array)) if len(array) else None for array in arrays]
    except (TypeError, ValueError):  # not contiguous, or not to be written to
        if not all(array.flags.c_contiguous for array in arrays):
            return None
        places = [pointer(array) for array in arrays]
    return ColumnsStruct(n, m, k, rings, vertices, *places)


def _surely_sound(plans: Plans) -> bool:
    """Whether the kernels find nothing wrong but, perhaps, ids and how outlines lie. Without them nothing is sure."""
    library = kernels.LIBRARY
    columns = columns_of(plans) if library is not None else None
    if library is None or columns is None:
        return False
    sound, at = pointer(LIMITS), ctypes.byref(columns)
    return bool(library.kc_plans_are_sound(sound, at) and library.kc_volumes_are_sound(sound, at))


def _check_in_order(plans: Plans) -> None:
    n, m, k = len(plans), len(plans.t_s), len(plans.volumes)
    for name, length, expected in (
        ("kind", len(plans.kind), n),
        ("datum", len(plans.datum), n),
        ("band_m", len(plans.band_m), n),
        ("room", len(plans.room), n),
        ("lat_deg", len(plans.lat_deg), m),
        ("lon_deg", len(plans.lon_deg), m),
        ("alt_m", len(plans.alt_m), m),
        ("circles", len(plans.circles), k),
    ):
        _as_long(name, length, expected)
    _check_offsets(plans.point_from, n, m, "point_from")
    _check_offsets(plans.volume_from, n, k, "volume_from")
    _check_offsets(plans.ring_from, k, len(plans.vertex_from) - 1, "ring_from")
    _check_offsets(plans.vertex_from, len(plans.vertex_from) - 1, len(plans.vertices), "vertex_from")
    for count, most, what in ((n, MOST_PLANS, "plans"), (m, MOST_POINTS, "points"), (k, MOST_VOLUMES, "volumes")):
        _at_most(count, most, what)
    check_ids(plans.ids, "plans")
    _check_said_once(plans)
    _check_points(plans)
    if k:
        _Volumes(plans).check()


def check_positions(positions: Positions) -> None:
    """Refuse what is not in order. The arrays have their types and shapes."""
    n = len(positions)
    for name in ("t_s", "lat_deg", "lon_deg", "alt_m", "uncertainty_m"):
        _as_long(name, len(getattr(positions, name)), n)
    _at_most(n, MOST_POINTS, "positions")
    _check_known_ids(positions.ids)

    def item(i: int) -> str:
        return f"positions[{i}]"

    _check_range(positions.mover, 0, len(positions.ids) - 1, item, "mover")
    _check_place(positions.t_s, positions.lat_deg, positions.lon_deg, positions.alt_m, item)
    _check_range(positions.uncertainty_m, 0.0, WIDEST_M, item, "uncertainty_m")


# ── how many, and whose ──────────────────────────────────────────────────────────────────────────────────────────────


def _as_long(name: str, length: int, expected: int) -> None:
    if length != expected:
        raise Malformed(f"{length} of them, not {expected}", field=name, code="shape")


def _at_most(count: int, most: int, what: str) -> None:
    if count > most:
        raise Malformed(f"{count} of them; {most} at most", field=what, code="more_than", count=count, most=most)


def _check_offsets(offsets: IntArray, count: int, size: int, name: str) -> None:
    """Offsets of `count` runs, which together are `size` long, begin at 0 and never fall."""
    _as_long(name, len(offsets), count + 1)
    wrong = np.concatenate(([offsets[0] != 0], offsets[1:] < offsets[:-1]))
    wrong[-1] |= offsets[-1] != size
    if wrong.any():
        message = f"offsets rise from 0 to {size}"
        raise Malformed(message, field=f"{name}[{wrong.argmax()}]", code="offsets_not_rising", size=size)


def check_ids(ids: tuple[str, ...], what: str) -> None:
    """An id is a text that can be read, and no two are the same."""
    if set(map(type, ids)) <= {str} and all(ids):
        whole = "".join(ids)
        plain = whole.isascii() and whole.isprintable()
        if plain and max(map(len, ids), default=0) <= LONGEST_ID and len(set(ids)) == len(ids):
            return
    seen: set[str] = set()
    for i, id in enumerate(ids):
        where = f"{what}[#{i}].id"
        if not isinstance(id, str) or not id:
            raise Malformed("an id is a text that is not empty", field=where, code="no_id")
        if len(id) > LONGEST_ID:
            raise Malformed(f"an id has at most {LONGEST_ID} characters", field=where, code="too_long")
        if "\n" in id or hidden_in(id) is not None:
            raise Malformed("the id holds a hidden or control character", field=where, code="hidden_character")
        if id in seen:
            raise Malformed(f"{id} is used twice", field=f"{what}[{id}]", code="id_twice", id=id)
        seen.add(id)


_known_ids: list[tuple[str, ...]] = [()]


def _check_known_ids(ids: tuple[str, ...]) -> None:
    """The ids of movers; a watcher is fed the same tuple again and again, so the last one is remembered."""
    if ids is not _known_ids[0]:
        check_ids(ids, "ids")
        _known_ids[0] = ids


# ── what a plan says once, and its points ────────────────────────────────────────────────────────────────────────────


def _check_said_once(plans: Plans) -> None:
    def item(i: int) -> str:
        return f"plans[{plans.ids[i]}]"

    _check_range(plans.kind, 0, len(KINDS) - 1, item, "kind")
    _check_range(plans.datum, 0, len(DATUMS) - 1, item, "datum")
    _check_band(plans.band_m[:, 0], plans.band_m[:, 1], item)
    room = (("buffer_m", WIDEST_M), ("vertical_buffer_m", WIDEST_M), ("early_s", LONGEST_S), ("late_s", LONGEST_S))
    for column, (name, most) in enumerate(room):
        _check_range(plans.room[:, column], 0.0, most, item, name)
    points, volumes = np.diff(plans.point_from), np.diff(plans.volume_from)
    _refuse_where(points == 1, item, "points", "a way has two points or more", code="single_point")
    nothing = (points == 0) & (volumes == 0)
    _refuse_where(nothing, item, "", "a plan needs a way or a volume", code="nothing_planned")


def _check_points(plans: Plans) -> None:
    def item(i: int) -> str:
        plan = _owner(plans.point_from, i)
        return f"plans[{plans.ids[plan]}].points[{i - int(plans.point_from[plan])}]"

    _check_place(plans.t_s, plans.lat_deg, plans.lon_deg, plans.alt_m, item)
    if len(plans.t_s) > 1:
        wrong = np.concatenate(([False], plans.t_s[1:] <= plans.t_s[:-1], [False]))
        wrong[plans.point_from] = False  # a plan's first point follows none
        _refuse_where(wrong, item, "t_s", "a point must be later than the one before it", code="times_not_rising")


def _check_place(t_s: FloatArray, lat_deg: FloatArray, lon_deg: FloatArray, alt_m: FloatArray, item: Item) -> None:
    _check_range(t_s, FIRST_S, LAST_S, item, "t_s")
    _check_range(lat_deg, -90.0, 90.0, item, "lat_deg")
    _check_range(lon_deg, -180.0, 180.0, item, "lon_deg")
    _check_range(alt_m, LOWEST_M, HIGHEST_M, item, "alt_m", unknown=True)


# ── volumes ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class _Volumes:
    """The volumes of plans: windows, bands, and shapes but for how their outlines lie."""

    def __init__(self, plans: Plans) -> None:
        self.plans = plans

    def check(self) -> None:
        plans = self.plans
        starts, ends, lower, upper = plans.volumes.T
        _check_range(starts, FIRST_S, LAST_S, self.item, "starts_s")
        _check_range(ends, FIRST_S, LAST_S, self.item, "ends_s")
        _refuse_where(ends <= starts, self.item, "window", "a window must end after it starts", code="window_reversed")
        _check_band(lower, upper, self.item)
        rings = np.diff(plans.ring_from)
        circle = ~np.isnan(plans.circles).all(axis=1)
        message = "a volume is a circle or a polygon, one of the two"
        _refuse_where(circle == (rings > 0), self.item, "", message, code="circle_or_polygon")
        _refuse_where(rings > MOST_RINGS, self.item, "rings", f"{MOST_RINGS} rings at most", code="too_many_rings")
        self._check_circles(np.flatnonzero(circle))
        self._check_rings()

    def _check_circles(self, places: IntArray) -> None:
        def item(i: int) -> str:
            return f"{self.item(int(places[i]))}.circle"

        lat_deg, lon_deg, radius_m = self.plans.circles[places].T
        _check_range(lat_deg, -90.0, 90.0, item, "lat_deg")
        _check_range(lon_deg, -180.0, 180.0, item, "lon_deg")
        _check_range(radius_m, 0.0, WIDEST_M, item, "radius_m")
        _refuse_where(radius_m == 0.0, item, "radius_m", "a radius is more than 0", code="no_radius")

    def _check_rings(self) -> None:
        plans = self.plans
        lat_deg, lon_deg = plans.vertices.T
        _check_range(lat_deg, -90.0, 90.0, self.vertex, "lat_deg")
        _check_range(lon_deg, -180.0, 180.0, self.vertex, "lon_deg")
        first, count = plans.vertex_from[:-1], np.diff(plans.vertex_from)
        some = count > 1
        closed = plans.vertices[first[some]] == plans.vertices[first[some] + count[some] - 1]
        count[some] -= closed.all(axis=1)  # the first vertex said again at the end
        wrong = (count < 3) | (count > MOST_VERTICES)
        _refuse_where(wrong, self.ring, "", f"an outline has 3 to {MOST_VERTICES} vertices", code="outline_vertices")

    def item(self, i: int) -> str:
        plan = _owner(self.plans.volume_from, i)
        return f"plans[{self.plans.ids[plan]}].volumes[{i - int(self.plans.volume_from[plan])}]"

    def ring(self, i: int) -> str:
        volume = _owner(self.plans.ring_from, i)
        return f"{self.item(volume)}.rings[{i - int(self.plans.ring_from[volume])}]"

    def vertex(self, i: int) -> str:
        ring = _owner(self.plans.vertex_from, i)
        return f"{self.ring(ring)}.vertices[{i - int(self.plans.vertex_from[ring])}]"


# ── numbers ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _owner(offsets: IntArray, i: int) -> int:
    """The run that member i belongs to."""
    return int(np.searchsorted(offsets, i, side="right")) - 1


def _check_range(
    values: npt.NDArray[Any], least: float, most: float, item: Item, name: str, *, unknown: bool = False
) -> None:
    """Refuse what does not lie between the two, and NaN unless it means unknown."""
    if not len(values):
        return
    lowest, highest = values.min(), values.max()  # NaN if there is one: quicker than to compare each
    if unknown and np.isnan(lowest):
        lowest, highest = np.fmin.reduce(values), np.fmax.reduce(values)
        if np.isnan(lowest):
            return
    if not (least <= lowest and highest <= most):
        _outside(values, least, most, item, name, unknown)


def _outside(values: npt.NDArray[Any], least: float, most: float, item: Item, name: str, unknown: bool) -> NoReturn:
    wrong = ~((values >= least) & (values <= most))
    if unknown:
        wrong &= ~np.isnan(values)
    i = int(wrong.argmax())
    value = values[i].item()
    where = f"{item(i)}.{name}"
    if not np.isfinite(value):
        raise Malformed(f"{value} is not a finite number", field=where, code="not_finite")
    if name == "lat_deg" and abs(value) <= 180.0:
        message = f"{value:.10g} is not a latitude; are latitude and longitude swapped?"
        raise Malformed(message, field=where, code="no_latitude", value=value)
    raise no_time(value, where) if name in _MOMENTS else not_between(value, least, most, where)


def no_time(value: float, field: str) -> Malformed:
    """The refusal of a figure that is no time in seconds since 1970."""
    if any(SURELY_S <= value / finer <= LAST_S for finer in (1e3, 1e6, 1e9)):
        message = f"{value:.10g} is no time in seconds since 1970; are these milliseconds, or finer?"
        return Malformed(message, field=field, code="not_seconds", value=value)
    return not_between(value, FIRST_S, LAST_S, field)


def not_between(value: float, least: float, most: float, field: str) -> Malformed:
    """The refusal of a figure that is out of range."""
    message = f"{value:.10g} is not between {least:.10g} and {most:.10g}"
    return Malformed(message, field=field, code="not_between", value=value, least=least, most=most)


def _check_band(lower: FloatArray, upper: FloatArray, item: Item) -> None:
    """Both edges are in range or without limit, the upper not below the lower."""
    _check_range(np.where(lower == -np.inf, 0.0, lower), LOWEST_M, HIGHEST_M, item, "lower_m")
    _check_range(np.where(upper == np.inf, 0.0, upper), LOWEST_M, HIGHEST_M, item, "upper_m")
    _refuse_where(upper < lower, item, "band", "the upper edge is below the lower", code="band_upside_down")


def _refuse_where(wrong: BoolArray, item: Item, name: str, message: str, *, code: str) -> None:
    if wrong.any():
        where = item(int(wrong.argmax()))
        raise Malformed(message, field=f"{where}.{name}" if name else where, code=code)

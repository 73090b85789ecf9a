"""Many plans, or many positions, as columns: the form in which the engines take them.

Angles are degrees WGS 84, latitudes -90 to 90, longitudes -180 to 180; times are seconds since 1970 UTC; heights are
metres above what `datum` says. Arrays are contiguous and are not changed after they were given.

`checked` and `checked_positions` refuse what is not so with one `Malformed` that names the item, such as
`plans[alpha].points[3].lat_deg`. What is not refused has a meaning: a leg of no length is standing still; no plans at
all have no conflicts; heights of different datums are not compared (docs/conflict.md).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from keepclear.errors import Malformed
from keepclear.geometry.earth import FloatArray
from keepclear.model.plans import Plan, PlanKind
from keepclear.model.volumes import Circle, Volume

IntArray = npt.NDArray[np.int64]
ByteArray = npt.NDArray[np.uint8]

KINDS = tuple(PlanKind)
"""`Plans.kind` holds places in this list."""


class Datum(StrEnum):
    """Above what a height is counted. Heights above different things are never compared: see docs/conflict.md."""

    WGS84 = "wgs84"
    """The WGS 84 ellipsoid."""
    MSL = "msl"
    """Mean sea level, by whichever geoid."""
    PRESSURE = "pressure"
    """The standard pressure surface of 1013.25 hPa: flight levels."""
    GROUND = "ground"
    """The ground beneath."""


DATUMS = tuple(Datum)
"""`Plans.datum` and `Positions.datum` hold places in this list."""


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Plans:
    """n plans, each with a way (two or more points), with volumes, or with both.

    The points of plan i are `point_from[i]` up to `point_from[i + 1]` of `t_s`, `lat_deg`, `lon_deg`, `alt_m`. A height
    of NaN is unknown: the mover then fills its plan's band, `band_m`, which may be infinite. The volumes of plan i are
    `volume_from[i]` up to `volume_from[i + 1]`; each is a circle (`circles`, NaN if it is none) or a polygon: rings
    `ring_from[j]` up to `ring_from[j + 1]`, its outline first, then its holes; the points of ring r are
    `vertex_from[r]` up to `vertex_from[r + 1]` of `vertices`, the last joined to the first along the geodesic, whether
    or not it repeats it.
    """

    ids: tuple[str, ...]
    kind: ByteArray  # (n,) places in KINDS
    datum: ByteArray  # (n,) places in DATUMS
    band_m: FloatArray  # (n, 2) lower, upper
    room: FloatArray  # (n, 4) of the way: buffer m, vertical buffer m, early s, late s
    point_from: IntArray  # (n + 1,)
    t_s: FloatArray  # (m,)
    lat_deg: FloatArray  # (m,)
    lon_deg: FloatArray  # (m,)
    alt_m: FloatArray  # (m,)
    volume_from: IntArray  # (n + 1,)
    volumes: FloatArray  # (k, 4) from s, up to s, lower m, upper m
    circles: FloatArray  # (k, 3) latitude and longitude of the middle, radius m
    ring_from: IntArray  # (k + 1,)
    vertex_from: IntArray  # (rings + 1,)
    vertices: FloatArray  # (v, 2) latitude, longitude
    _checked: bool = field(default=False, init=False, repr=False, compare=False)

    def __len__(self) -> int:
        return len(self.ids)

    def __repr__(self) -> str:
        return f"<Plans: {len(self)}, points: {len(self.t_s)}, volumes: {len(self.volumes)}>"

    @classmethod
    def of_ways(
        cls,
        ids: Sequence[str],
        point_from: npt.ArrayLike,
        t_s: npt.ArrayLike,
        lat_deg: npt.ArrayLike,
        lon_deg: npt.ArrayLike,
        alt_m: npt.ArrayLike,
        *,
        kind: PlanKind = PlanKind.FLIGHT,
        datum: Datum = Datum.WGS84,
        room: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0),
    ) -> Plans:
        """n plans of one kind that have ways only. Shapes as of the class; nothing is checked yet (`checked`)."""
        n = len(ids)
        return cls(
            ids=tuple(ids),
            kind=np.full(n, KINDS.index(kind), dtype=np.uint8),
            datum=np.full(n, DATUMS.index(datum), dtype=np.uint8),
            band_m=np.tile([-np.inf, np.inf], (n, 1)),
            room=np.tile(room, (n, 1)),
            point_from=np.ascontiguousarray(point_from, dtype=np.int64),
            t_s=np.ascontiguousarray(t_s, dtype=np.float64),
            lat_deg=np.ascontiguousarray(lat_deg, dtype=np.float64),
            lon_deg=np.ascontiguousarray(lon_deg, dtype=np.float64),
            alt_m=np.ascontiguousarray(alt_m, dtype=np.float64),
            volume_from=np.zeros(n + 1, dtype=np.int64),
            volumes=np.empty((0, 4)),
            circles=np.empty((0, 3)),
            ring_from=np.zeros(1, dtype=np.int64),
            vertex_from=np.zeros(1, dtype=np.int64),
            vertices=np.empty((0, 2)),
        )

    @classmethod
    def of(cls, source: object) -> Plans:
        """Checked plans from columns, from one `Plan` or many, or from a mapping with the fields of this class.

        A mapping gives `ids`, and `point_from`, `t_s`, `lat_deg`, `lon_deg`, `alt_m` or the columns of volumes or both.
        `kind` and `datum` may be one word for all or a word for each (left out: flight, wgs84); `band_m` and `room` one
        row for all or a row for each (left out: without limit, no room). Malformed naming the item.
        """
        if isinstance(source, Plans):
            return checked(source)
        if isinstance(source, Plan):
            return checked(_of_values((source,)))
        if isinstance(source, Mapping):
            return checked(_of_mapping(source))
        if isinstance(source, Iterable) and not isinstance(source, str | bytes):
            values = tuple(source)
            if all(isinstance(each, Plan) for each in values):
                return checked(_of_values(values))
            if all(isinstance(each, Plans) for each in values):
                return checked(cls.concatenated(values))
        raise Malformed(f"{type(source).__name__} is not taken as plans", field="plans", code="not_plans")

    @staticmethod
    def concatenated(parts: Iterable[Plans]) -> Plans:
        """The plans of all parts in order; ids are not compared until `checked`."""
        whole = [*parts]

        def joined(name: str) -> Any:
            return np.concatenate([getattr(part, name) for part in whole])

        def offsets(name: str) -> IntArray:
            return running(np.concatenate([np.diff(getattr(part, name)) for part in whole]))

        if len(whole) == 1:
            return whole[0]
        if not whole:
            return Plans.of_ways((), [0], [], [], [], [])
        names = [each.name for each in fields(Plans) if each.init and each.name != "ids"]
        arrays: dict[str, Any] = {name: offsets(name) if name.endswith("_from") else joined(name) for name in names}
        return Plans(ids=tuple(id for part in whole for id in part.ids), **arrays)

    def take(self, indices: npt.ArrayLike) -> Plans:
        """The plans at these places, in this order; a mask of shape (n,) takes those where it is true."""
        which = np.asarray(indices)
        chosen = np.flatnonzero(which) if which.dtype == np.bool_ else which.astype(np.int64)
        point_from, points = _gathered(self.point_from, chosen)
        volume_from, volumes = _gathered(self.volume_from, chosen)
        ring_from, rings = _gathered(self.ring_from, volumes)
        vertex_from, vertices = _gathered(self.vertex_from, rings)
        taken = Plans(
            ids=tuple(self.ids[i] for i in chosen.tolist()),
            kind=self.kind[chosen],
            datum=self.datum[chosen],
            band_m=self.band_m[chosen],
            room=self.room[chosen],
            point_from=point_from,
            t_s=self.t_s[points],
            lat_deg=self.lat_deg[points],
            lon_deg=self.lon_deg[points],
            alt_m=self.alt_m[points],
            volume_from=volume_from,
            volumes=self.volumes[volumes],
            circles=self.circles[volumes],
            ring_from=ring_from,
            vertex_from=vertex_from,
            vertices=self.vertices[vertices],
        )
        if self._checked and len(set(taken.ids)) == len(taken):
            _mark(taken)
        return taken


@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class Positions:
    """n reported positions, in the order in which they came. `mover[i]` is a place in `ids`.

    A height of NaN is unknown. `uncertainty_m` is a radius within which the true place is held to be.
    """

    ids: tuple[str, ...]
    mover: IntArray  # (n,)
    t_s: FloatArray  # (n,)
    lat_deg: FloatArray  # (n,)
    lon_deg: FloatArray  # (n,)
    alt_m: FloatArray  # (n,)
    uncertainty_m: FloatArray  # (n,)
    datum: Datum = Datum.WGS84

    def __len__(self) -> int:
        return len(self.mover)

    def __repr__(self) -> str:
        return f"<Positions: {len(self)}, movers: {len(self.ids)}>"

    @classmethod
    def of(cls, source: object) -> Positions:
        """Checked positions from columns, or from a mapping with the fields of this class.

        A mapping gives `ids`, `mover`, `t_s`, `lat_deg`, `lon_deg`, and may give `alt_m` (left out: unknown),
        `uncertainty_m` (one for all or one for each; left out: 0) and `datum` (one word). Malformed naming the item.
        """
        if isinstance(source, Positions):
            return checked_positions(source)
        if not isinstance(source, Mapping):
            name = type(source).__name__
            raise Malformed(f"{name} is not taken as positions", field="positions", code="not_positions")
        given = _known(source, [each.name for each in fields(cls)], ("ids", "mover", "t_s", "lat_deg", "lon_deg"))
        n = len(_array(given["mover"], "mover"))
        word = DATUMS[place(given.pop("datum", Datum.WGS84), DATUMS, "datum")]
        left_out: dict[str, Any] = {"alt_m": np.full(n, np.nan), "uncertainty_m": 0.0}
        whole = left_out | given
        whole["uncertainty_m"] = _for_each(whole["uncertainty_m"], (n,))
        return checked_positions(cls(**whole, datum=word))


def checked(plans: Plans) -> Plans:
    """The same plans once all is in order, every array contiguous and of its type.

    Raises `Malformed` naming the first thing that is not, in this order: shapes of the arrays, how many there are, ids
    (text without hidden characters, no two the same), kinds, datums, bands, room, points (two or more; finite, in
    range, later than the one before), volumes (window, band, one shape, vertices), how vague ways are in time, how
    outlines lie. The bounds are in `geometry/soundness.py` and `geometry/vagueness.py`. What was checked once is not
    checked again.
    """
    from keepclear.geometry.soundness import check_plans

    if plans._checked:
        return plans
    sound = Plans(ids=_ids(plans.ids), **_arrays(plans))
    check_plans(sound)
    _mark(sound)
    return sound


def checked_positions(positions: Positions) -> Positions:
    """The same positions once all is in order; they need not be in order of time.

    Raises `Malformed` naming the item, such as `positions[17].lat_deg`.
    """
    from keepclear.geometry.soundness import check_positions

    sound = Positions(ids=_ids(positions.ids), datum=positions.datum, **_arrays(positions))
    check_positions(sound)
    return sound


def _mark(plans: Plans) -> None:
    object.__setattr__(plans, "_checked", True)


# ── arrays ───────────────────────────────────────────────────────────────────────────────────────────────────────────

_ROWS: dict[str, tuple[type, tuple[int, ...]]] = {
    "kind": (np.uint8, ()),
    "datum": (np.uint8, ()),
    "band_m": (np.float64, (2,)),
    "room": (np.float64, (4,)),
    "point_from": (np.int64, ()),
    "t_s": (np.float64, ()),
    "lat_deg": (np.float64, ()),
    "lon_deg": (np.float64, ()),
    "alt_m": (np.float64, ()),
    "volume_from": (np.int64, ()),
    "volumes": (np.float64, (4,)),
    "circles": (np.float64, (3,)),
    "ring_from": (np.int64, ()),
    "vertex_from": (np.int64, ()),
    "vertices": (np.float64, (2,)),
    "mover": (np.int64, ()),
    "uncertainty_m": (np.float64, ()),
}
"""The type of each column, and the shape of each of its rows."""
_TYPES = {name: np.dtype(kind) for name, (kind, _) in _ROWS.items()}
_OF_PLANS = tuple(each.name for each in fields(Plans) if each.name in _ROWS)
_OF_POSITIONS = tuple(each.name for each in fields(Positions) if each.name in _ROWS and each.name != "datum")


def _arrays(columns: Plans | Positions) -> dict[str, Any]:
    """The arrays, contiguous and of their types; `Malformed` naming one whose type or shape is another."""
    names = _OF_POSITIONS if isinstance(columns, Positions) else _OF_PLANS
    return {name: _array(getattr(columns, name), name) for name in names}


def _array(value: Any, name: str) -> npt.NDArray[Any]:
    kind, row = _ROWS[name]
    in_place = type(value) is np.ndarray and value.dtype is _TYPES[name] and value.ndim and value.shape[1:] == row
    if in_place and value.flags.c_contiguous:  # as it nearly always is
        return np.asarray(value)
    array = value if isinstance(value, np.ndarray) else np.asarray(value)
    if array.dtype != kind:
        numbers = "iu" if kind is not np.float64 else "iuf"
        if array.dtype.kind not in numbers and array.size:
            raise Malformed(f"numbers are needed, not {array.dtype}", field=name, code="not_numbers")
        narrow = kind is np.uint8 and array.size and not (array.min() >= 0 and array.max() <= 255)
        if narrow:
            raise Malformed("a place in a list is needed", field=name, code="out_of_range")
    array = np.ascontiguousarray(array, dtype=kind)
    if array.shape[1:] != row:
        wanted = f"(n, {row[0]})" if row else "(n,)"
        raise Malformed(f"the shape is {array.shape}, not {wanted}", field=name, code="shape")
    return array


def _ids(value: Any) -> tuple[str, ...]:
    """Ids as texts; NumPy's own texts become Python's."""
    if isinstance(value, str) or not isinstance(value, Iterable):
        raise Malformed("ids are a sequence of texts", field="ids", code="no_id")
    return (
        value
        if isinstance(value, tuple)
        else tuple(np.asarray(value).tolist() if isinstance(value, np.ndarray) else value)
    )


def _gathered(offsets: IntArray, chosen: IntArray) -> tuple[IntArray, IntArray]:
    """The offsets of the chosen runs put one after the other, and the places of their members."""
    counts = offsets[1:][chosen] - offsets[:-1][chosen]
    new = running(counts)
    return new, np.arange(new[-1]) + np.repeat(offsets[:-1][chosen] - new[:-1], counts)


def running(counts: npt.ArrayLike) -> IntArray:
    """The offsets of runs of these lengths: n + 1 of them, from 0."""
    return np.concatenate([[0], np.cumsum(np.asarray(counts, dtype=np.int64))]).astype(np.int64)


# ── from values and from mappings ────────────────────────────────────────────────────────────────────────────────────


def _of_values(values: Sequence[Plan]) -> Plans:
    ways = [plan.trajectory for plan in values]
    points = [point for way in ways if way is not None for point in way.waypoints]
    volumes = [volume for plan in values for volume in plan.volumes]
    outlines = [() if isinstance(each.area, Circle) else each.area.vertices for each in volumes]
    rooms = [
        (way.buffer_m, way.vertical_buffer_m, way.early_s, way.late_s) if way else (0.0, 0.0, 0.0, 0.0) for way in ways
    ]
    return Plans(
        ids=tuple(plan.id for plan in values),
        kind=np.array([KINDS.index(plan.kind) for plan in values], dtype=np.uint8),
        datum=np.full(len(values), DATUMS.index(Datum.WGS84), dtype=np.uint8),
        band_m=_table([(plan.band.lower_wgs84_m, plan.band.upper_wgs84_m) for plan in values], 2),
        room=_table(rooms, 4),
        point_from=running([len(way.waypoints) if way else 0 for way in ways]),
        t_s=np.array([point.at.timestamp() for point in points]),
        lat_deg=np.array([point.lat_deg for point in points]),
        lon_deg=np.array([point.lon_deg for point in points]),
        alt_m=np.array([np.nan if point.alt_wgs84_m is None else point.alt_wgs84_m for point in points]),
        volume_from=running([len(plan.volumes) for plan in values]),
        volumes=_table([_window_and_band(volume) for volume in volumes], 4),
        circles=_table([_circle(volume) for volume in volumes], 3),
        ring_from=running([1 if outline else 0 for outline in outlines]),
        vertex_from=running([len(outline) for outline in outlines if outline]),
        vertices=_table([(vertex.lat_deg, vertex.lon_deg) for outline in outlines for vertex in outline], 2),
    )


def _window_and_band(volume: Volume) -> tuple[float, float, float, float]:
    window, band = volume.window, volume.band
    return window.starts_at.timestamp(), window.ends_at.timestamp(), band.lower_wgs84_m, band.upper_wgs84_m


def _circle(volume: Volume) -> tuple[float, float, float]:
    area = volume.area
    if isinstance(area, Circle):
        return area.centre.lat_deg, area.centre.lon_deg, area.radius_m
    return np.nan, np.nan, np.nan


def _table(rows: Sequence[tuple[float, ...]], width: int) -> FloatArray:
    return np.array(rows, dtype=np.float64).reshape(len(rows), width)


def _of_mapping(source: Mapping[str, Any]) -> Plans:
    given = _known(source, [each.name for each in fields(Plans) if each.init], ("ids",))
    ids = _ids(given["ids"])
    n, m, k = (
        len(ids),
        len(_array(given.get("t_s", []), "t_s")),
        len(_array(given.get("volumes", np.empty((0, 4))), "volumes")),
    )
    left_out = {
        "band_m": (-np.inf, np.inf),
        "room": (0.0, 0.0, 0.0, 0.0),
        "point_from": np.zeros(n + 1, dtype=np.int64),
        "t_s": [],
        "lat_deg": [],
        "lon_deg": [],
        "alt_m": np.full(m, np.nan),
        "volume_from": np.zeros(n + 1, dtype=np.int64),
        "volumes": np.empty((0, 4)),
        "circles": np.full((k, 3), np.nan),
        "ring_from": np.zeros(k + 1, dtype=np.int64),
        "vertex_from": [0],
        "vertices": np.empty((0, 2)),
    }
    whole = left_out | given
    return Plans(
        **whole
        | {
            "ids": ids,
            "kind": _places(given.get("kind", PlanKind.FLIGHT), KINDS, n, "kind"),
            "datum": _places(given.get("datum", Datum.WGS84), DATUMS, n, "datum"),
            "band_m": _for_each(whole["band_m"], (n, 2)),
            "room": _for_each(whole["room"], (n, 4)),
        }
    )


def _known(source: Mapping[str, Any], names: Sequence[str], needed: Sequence[str]) -> dict[str, Any]:
    for name in source:
        if name not in names:
            raise Malformed(f"no column is called {name}", field=str(name), code="unknown_field")
    for name in needed:
        if name not in source:
            raise Malformed("this column is needed", field=name, code="missing_field")
    return dict(source)


def _for_each(value: Any, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """One row for all becomes a row for each."""
    array = np.asarray(value)
    return np.broadcast_to(array, shape) if array.shape == shape[1:] else array


def _places(value: Any, words: Sequence[str], n: int, name: str) -> npt.NDArray[Any]:
    """The places in `words` of one word for all, of a word for each, or of places already."""
    array = np.asarray(value)
    if array.dtype.kind not in "UO":
        return array
    texts = [str(each) for each in np.broadcast_to(array, (n,)).tolist()] if array.ndim == 0 else array.tolist()
    return np.array([place(each, words, name) for each in texts], dtype=np.uint8)


def place(word: object, words: Sequence[str], field: str) -> int:
    """Where a word stands in a list of them; `Malformed` naming `field` if it does not."""
    if word not in words:
        known = ", ".join(words)
        raise Malformed(f"{word} is none of {known}", field=field, code="unknown_word", value=str(word), known=known)
    return words.index(str(word))

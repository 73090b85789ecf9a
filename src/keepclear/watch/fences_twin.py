"""Who is within which fence without the compiled kernel: every fence held against the reports near it, with shapely."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import shapely

from keepclear.geometry import areas_twin
from keepclear.geometry.columns import IntArray, Plans
from keepclear.geometry.earth import FloatArray, LocalPlane, points_in_space
from keepclear.geometry.pack import LONGEST_CHORD_M, Packed, along, lengths_m
from keepclear.watch.batch import Batch
from keepclear.watch.live_findings import HEIGHT_UNKNOWN, HEIGHTS_NOT_COMPARABLE
from keepclear.watch.sightings import DWELT, ENTERED, LEFT, SEEN, degrees

_DEPTH_M = 0.001
_EDGE_M = 2_000.0
"""Edges are cut to this for shapely: 1,000 km from the middle of a plane such an edge bows by 8 mm."""
_BOUNDLESS_M = 1e6
_SEAM_S = 1e-6
_DATUM = 6


@dataclass(frozen=True, slots=True)
class _Part:
    """One volume of a fence: its area on a plane about its middle."""

    limits: FloatArray  # from s, up to s, lower m, upper m
    datum: int
    middle: FloatArray  # (3,)
    ball_m: float
    plane: LocalPlane
    area: shapely.Polygon | None
    radius_m: float

    packed: Packed
    volume: int

    def hold(self, lat_deg: FloatArray, lon_deg: FloatArray) -> npt.NDArray[np.bool_]:
        """Whether places are within the rim by more than a millimetre, shape (n,)."""
        xy = self.plane.to_xy(lat_deg, lon_deg)
        if self.area is None:
            return np.asarray(np.hypot(xy[:, 0], xy[:, 1]) < self.radius_m - _DEPTH_M)
        points = shapely.points(xy)
        return np.asarray(
            shapely.contains(self.area, points) & (shapely.distance(points, self.area.boundary) > _DEPTH_M)
        )


@dataclass(slots=True)
class _Stay:
    since_s: float
    told: bool = False


@dataclass(frozen=True, slots=True)
class _Told:
    t_s: float
    what: int
    number: int
    value: float
    flags: int = 0


class InsidersTwin:
    """The same as `Insiders`."""

    def __init__(self, between_reports: bool) -> None:
        self._between = between_reports
        self._fences: dict[int, list[_Part]] = {}
        self._stays: list[dict[int, _Stay]] = []
        self._last: list[float] = []

    def put(self, numbers: list[int], plans: Plans, packed: Packed) -> None:
        """Put up plan i under number `numbers[i]`, which is free."""
        for plan, number in enumerate(numbers):
            volumes = range(plans.volume_from[plan], plans.volume_from[plan + 1])
            self._fences[number] = [_part(plans, packed, plan, volume) for volume in volumes]

    def remove(self, number: int) -> None:
        """Take down a fence."""
        del self._fences[number]
        for stays in self._stays:
            stays.pop(number, None)

    def feed(self, batch: Batch, movers: int, dwell_s: float) -> npt.NDArray[np.void]:
        """What the reports show, shape (n,) of `SEEN`."""
        more = movers - len(self._last)
        self._stays += [{} for _ in range(more)]
        self._last += [np.nan] * more
        held: list[dict[int, int]] = [{} for _ in range(len(batch))]
        for number in sorted(self._fences):
            for part in self._fences[number]:
                for row, flags in self._within(part, batch):
                    held[row][number] = min(held[row].get(number, flags), flags)
        found: list[tuple[object, ...]] = []
        for row in range(len(batch)):
            found += self._report(batch, row, held[row], dwell_s)
        return np.array(found, dtype=SEEN)

    def tick(self, now_s: float, dwell_s: float, max_gap_s: float) -> npt.NDArray[np.void]:
        """What time shows, shape (n,) of `SEEN`."""
        found: list[tuple[object, ...]] = []
        for mover, stays in enumerate(self._stays):
            for number in sorted(stays):
                stay, lasted = stays[number], now_s - stays[number].since_s
                if now_s - self._last[mover] <= max_gap_s and not stay.told and lasted >= dwell_s:
                    stay.told = True
                    found.append((DWELT, 0, -1, mover, number, now_s, (0.0, 0.0, 0.0), np.nan, lasted))
        return np.array(found, dtype=SEEN)

    def stays(self) -> IntArray:
        """The numbers of movers and of the fences they are within, shape (n, 2)."""
        stays = [(mover, number) for mover, within in enumerate(self._stays) for number in sorted(within)]
        return np.array(stays, dtype=np.int64).reshape(-1, 2)

    @staticmethod
    def _within(part: _Part, batch: Batch) -> list[tuple[int, int]]:
        """The reports that a part holds, and the flags of each."""
        begins, ends, lower, upper = part.limits
        at_hand = np.linalg.norm(batch.place - part.middle, axis=1) <= part.ball_m + 1.0
        at_hand &= (batch.t_s >= begins) & (batch.t_s < ends)
        flags = np.zeros(len(batch), dtype=np.uint8)
        if lower > -_BOUNDLESS_M or upper < _BOUNDLESS_M:
            unknown, other = np.isnan(batch.alt_m), batch.datum != part.datum
            flags[unknown], flags[other] = HEIGHT_UNKNOWN, HEIGHTS_NOT_COMPARABLE
            at_hand &= (flags > 0) | ((batch.alt_m > lower + _DEPTH_M) & (batch.alt_m < upper - _DEPTH_M))
        rows = np.flatnonzero(at_hand)
        if not len(rows):
            return []
        held = part.hold(batch.lat_deg[rows], batch.lon_deg[rows])
        return [(row, int(flags[row])) for row in rows[held].tolist()]

    def _report(self, batch: Batch, row: int, held: dict[int, int], dwell_s: float) -> list[tuple[object, ...]]:
        mover, t = int(batch.mover[row]), float(batch.t_s[row])
        stays = self._stays[mover]
        self._last[mover] = t
        told: list[_Told] = []
        if self._between and batch.joined[row]:
            way = _way(batch, row)
            for number in sorted(self._fences):
                told += self._pass(way, number, stays, held, dwell_s)
            told.sort(key=lambda one: (one.t_s, one.number))
        else:
            for number in sorted(set(stays) - set(held)):
                told.append(_Told(t, LEFT, number, t - stays.pop(number).since_s))
            for number in sorted(set(held) - set(stays)):
                stays[number] = _Stay(t)
                told.append(_Told(t, ENTERED, number, np.nan, held[number]))
        for number in sorted(stays):
            if not batch.joined[row]:
                stays[number] = _Stay(t)
            stay = stays[number]
            if not stay.told and t - stay.since_s >= dwell_s:
                stay.told = True
                told.append(_Told(t, DWELT, number, t - stay.since_s, held[number]))
        found: list[tuple[object, ...]] = []
        for one in told:
            place = batch.place[row] if one.t_s == t else _place_at(way, one.t_s)
            margin = self._margin_m(one.number, place)
            found.append((one.what, one.flags, row, mover, one.number, one.t_s, tuple(place), margin, one.value))
        return found

    def _pass(
        self, way: FloatArray, number: int, stays: dict[int, _Stay], held: dict[int, int], dwell_s: float
    ) -> list[_Told]:
        """What the way to a report does to the stay of its mover in one fence; sets the stay."""
        spans: list[tuple[float, float]] = []
        for part in self._fences[number]:
            legs = way.copy()
            if part.datum != way[0, _DATUM]:
                legs[:, 4:6] = -_BOUNDLESS_M, _BOUNDLESS_M
            for leg in range(len(way) - 1):
                met = areas_twin.leg_in_volume(legs[leg : leg + 2, :6], 0.0, 0.0, part.packed, part.volume, 0.0, 0.0)
                spans += [(float(one["t0_s"]), float(one["t1_s"])) for one in met]
        end, told = float(way[-1, 0]), []
        joined: list[tuple[float, float]] = []
        for first, last in sorted(spans):
            if joined and first <= joined[-1][1] + _SEAM_S:
                joined[-1] = joined[-1][0], max(joined[-1][1], last)
            else:
                joined.append((first, last))
        for k, (first, last) in enumerate(joined):
            if number not in stays:
                stays[number] = _Stay(first)
                told.append(_Told(first, ENTERED, number, np.nan, held.get(number, 0)))
            if number in held and k + 1 == len(joined):
                continue
            stay = stays.pop(number)
            if not stay.told and last - stay.since_s >= dwell_s:
                told.append(_Told(last, DWELT, number, last - stay.since_s, held.get(number, 0)))
            told.append(_Told(last, LEFT, number, last - stay.since_s))
        if number in stays and number not in held:
            told.append(_Told(end, LEFT, number, end - stays.pop(number).since_s))
        if number not in stays and number in held:
            stays[number] = _Stay(end)
            told.append(_Told(end, ENTERED, number, np.nan, held[number]))
        return told

    def _margin_m(self, number: int, place: FloatArray) -> float:
        parts = self._fences[number]
        return max(-float(areas_twin.depths_m(part.packed, part.volume, place[None, :])[0]) for part in parts)


def _way(batch: Batch, row: int) -> FloatArray:
    """Nodes of the way from the report before, no farther apart than legs may be, shape (n, 7): as those of `Packed`,
    then the datum of the heights."""
    places = np.vstack((batch.before_place[row], batch.place[row]))
    lat, lon = degrees(places)
    length = float(lengths_m(lat[:1], lon[:1], lat[1:], lon[1:])[0])
    parts = max(1, int(np.ceil(length / (0.999 * LONGEST_CHORD_M))))
    share = np.arange(parts + 1) / parts
    every = np.ones(parts + 1)
    way = np.empty((parts + 1, 7))
    way[:, 0] = batch.before_t_s[row] + share * (batch.t_s[row] - batch.before_t_s[row])
    way[-1, 0] = batch.t_s[row]
    way[:, 1:4] = points_in_space(*along(lat[0] * every, lon[0] * every, lat[1] * every, lon[1] * every, share))
    heights = batch.before_alt_m[row] + share * (batch.alt_m[row] - batch.before_alt_m[row])
    unknown = bool(np.isnan(heights).any())
    way[:, 4] = -_BOUNDLESS_M if unknown else heights
    way[:, 5] = _BOUNDLESS_M if unknown else heights
    way[:, _DATUM] = batch.datum[row]
    return way


def _place_at(way: FloatArray, t_s: float) -> FloatArray:
    """Where on the way a mover is at a moment, shape (3,)."""
    leg = int(np.clip(np.searchsorted(way[:, 0], t_s) - 1, 0, len(way) - 2))
    lat, lon = degrees(way[leg : leg + 2, 1:4])
    share = np.array([(t_s - way[leg, 0]) / (way[leg + 1, 0] - way[leg, 0])])
    return np.asarray(points_in_space(*along(lat[:1], lon[:1], lat[1:], lon[1:], share))[0])


def _part(plans: Plans, packed: Packed, plan: int, volume: int) -> _Part:
    middle, ball_m = packed.areas[volume, :3], float(packed.areas[volume, 3])
    lat, lon = degrees(middle[None, :])
    plane = LocalPlane(float(lat[0]), float(lon[0]))
    rings = []
    for ring in range(plans.ring_from[volume], plans.ring_from[volume + 1]):
        vertices = plans.vertices[plans.vertex_from[ring] : plans.vertex_from[ring + 1]]
        rings.append(plane.to_xy(*_cut(vertices[:, 0], vertices[:, 1])))
    if not rings:
        centre = plans.circles[volume]
        plane = LocalPlane(float(centre[0]), float(centre[1]))
        middle = points_in_space(centre[:1], centre[1:2])[0]
    area = shapely.Polygon(rings[0], rings[1:]) if rings else None
    if area is not None:
        shapely.prepare(area)
    radius_m = 0.0 if rings else float(plans.circles[volume, 2])
    return _Part(packed.volumes[volume], int(plans.datum[plan]), middle, ball_m, plane, area, radius_m, packed, volume)


def _cut(lat: FloatArray, lon: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The same ring with points put in along its edges."""
    next_lat, next_lon = np.roll(lat, -1), np.roll(lon, -1)
    parts = np.maximum(1, np.ceil(lengths_m(lat, lon, next_lat, next_lon) / _EDGE_M)).astype(np.int64)
    edge = np.repeat(np.arange(len(lat)), parts)
    share = (np.arange(len(edge)) - np.repeat(np.cumsum(parts) - parts, parts)) / parts[edge]
    between_lat, between_lon = along(lat[edge], lon[edge], next_lat[edge], next_lon[edge], share)
    whole = share == 0.0
    return np.where(whole, lat[edge], between_lat), np.where(whole, lon[edge], between_lon)

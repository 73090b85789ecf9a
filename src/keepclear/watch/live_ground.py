"""Metres along the ground between points in space, and flat planes about them, for arrays.

Points are on the ellipsoid, metres along three axes from the centre of the earth, shape (..., 3); arrays of points go
together as NumPy has it. The formulas are those of `geometry/kernels/earth.h` and `reports.h`, which say how right
they are; no angle is taken, so no place on earth is special.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from keepclear.geometry.earth import FloatArray
from keepclear.watch.history import HASTE

MAJOR_M = 6378137.0
ECCENTRICITY2 = 6.69437999014131699614e-3
MEAN_RADIUS_M = 6371008.8
_STRAY = (HASTE**2 - 1.0) ** 0.5


class Plane(NamedTuple):
    """A plane that touches the earth, or many: `kc_plane` of earth.h."""

    origin: FloatArray  # (..., 3)
    east: FloatArray  # (..., 3)
    north: FloatArray  # (..., 3)
    east_bend: FloatArray  # (...)
    north_bend: FloatArray  # (...)

    @classmethod
    def at(cls, origin: FloatArray) -> Plane:
        """The plane about each of the points."""
        away = up(origin)
        across = np.hypot(away[..., 0], away[..., 1])
        off_axis = across > 1e-12
        safe = np.where(off_axis, across, 1.0)
        east = np.zeros_like(away)
        east[..., 0] = np.where(off_axis, -away[..., 1] / safe, 1.0)
        east[..., 1] = np.where(off_axis, away[..., 0] / safe, 0.0)
        flat = 1.0 - ECCENTRICITY2 * away[..., 2] ** 2
        along = MAJOR_M * (1.0 - ECCENTRICITY2) / (flat * np.sqrt(flat))
        return cls(origin, east, np.cross(away, east), flat / (6.0 * MAJOR_M**2), 1.0 / (6.0 * along**2))

    def to_xy(self, points: FloatArray) -> FloatArray:
        """Metres east and north, shape (..., 2)."""
        step = points - self.origin
        x, y = (step * self.east).sum(axis=-1), (step * self.north).sum(axis=-1)
        bend = x * x * self.east_bend + y * y * self.north_bend
        return np.asarray(np.stack((x, y), axis=-1) * (1.0 + bend * (1.0 + 2.7 * bend))[..., None])

    def to_space(self, xy: FloatArray) -> FloatArray:
        """The points of the ellipsoid of which `to_xy` is the place on the plane."""
        bend = xy[..., 0] ** 2 * self.east_bend + xy[..., 1] ** 2 * self.north_bend
        flat = xy * (1.0 - bend + 0.3 * bend * bend)[..., None]
        drop = 0.5 * np.hypot(xy[..., 0], xy[..., 1]) * np.sqrt(6.0 * bend)
        down = np.cross(self.north, self.east)
        return to_surface(self.origin + flat[..., :1] * self.east + flat[..., 1:] * self.north + drop[..., None] * down)


def up(points: FloatArray) -> FloatArray:
    """The directions away from the ground."""
    away = np.array(points, dtype=np.float64)
    away[..., 2] /= 1.0 - ECCENTRICITY2
    return np.asarray(away / np.sqrt((away * away).sum(axis=-1))[..., None])


def apart_m(points: FloatArray, others: FloatArray) -> FloatArray:
    """Metres along the ground: to 1 mm within 100 km, to a part in 100,000 within 1,000 km."""
    step = others - points
    chord2 = (step * step).sum(axis=-1)
    away = up(0.5 * (points + others))
    across = np.hypot(away[..., 0], away[..., 1])
    turned = away[..., 0] * step[..., 1] - away[..., 1] * step[..., 0]
    east = np.where(across > 1e-12, turned / np.maximum(across, 1e-12), step[..., 0])
    flat = 1.0 - ECCENTRICITY2 * away[..., 2] ** 2
    along = (1.0 - ECCENTRICITY2) / flat
    k = 0.25 * (east * east + np.maximum(chord2 - east * east, 0.0) / (along * along)) * flat / MAJOR_M**2
    series = 1.0 + k * (1.0 / 6.0 + k * (3.0 / 40.0 + k * (15.0 / 336.0)))
    half = np.sqrt(np.clip(k, 1e-6, 1.0))
    return np.asarray(np.sqrt(chord2) * np.where(k < 1e-3, series, np.arcsin(half) / half))


def to_surface(points: FloatArray) -> FloatArray:
    """Points near the ellipsoid brought onto it, straight down or up."""
    weight = np.array([1.0, 1.0, 1.0 / (1.0 - ECCENTRICITY2)])
    for _ in range(3):
        away = up(points)
        beyond = (points * points * weight).sum(axis=-1) / MAJOR_M**2 - 1.0
        slope = 2.0 * (points * away * weight).sum(axis=-1) / MAJOR_M**2
        points = points - (beyond / slope)[..., None] * away
    return points


def between(points: FloatArray, others: FloatArray, share: FloatArray) -> FloatArray:
    """The points a share (0 to 1) of the way from each to the other: to 2 mm on ways up to 20 km, 2 m on 500 km."""
    step = others - points
    half = np.arcsin(np.minimum(1.0, 0.5 * np.sqrt((step * step).sum(axis=-1)) / MEAN_RADIUS_M))
    safe = np.maximum(half, 1e-9)
    along = np.where(half > 7e-4, 0.5 + 0.5 * np.tan((share - 0.5) * 2.0 * safe) / np.tan(safe), share)
    found = to_surface(points + along[..., None] * step)
    return np.asarray(np.where(share[..., None] <= 0.0, points, np.where(share[..., None] >= 1.0, others, found)))


def stray_m(length_m: FloatArray, share: FloatArray) -> FloatArray:
    """`watch.history.stray_m` for arrays."""
    return np.asarray(length_m * _STRAY * np.sqrt(np.maximum(share * (1.0 - share), 0.0)))


def latlon(points: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Latitudes and longitudes in degrees of points on the ellipsoid."""
    across = np.hypot(points[..., 0], points[..., 1])
    lat = np.degrees(np.arctan2(points[..., 2] / (1.0 - ECCENTRICITY2), across))
    return np.asarray(lat), np.asarray(np.degrees(np.arctan2(points[..., 1], points[..., 0])))

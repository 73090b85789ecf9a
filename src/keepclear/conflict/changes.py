"""One plan changed: at another time, at another height, or somewhere else."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from pyproj import Geod

from keepclear.geometry.columns import Plans
from keepclear.geometry.earth import FloatArray, LocalPlane, plane_about

_WGS84 = Geod(ellps="WGS84")
SHARPEST = 2.0
"""At a turn a way-point is put aside farther than the legs, but by no more than this factor."""


def at_another_time(plan: Plans, later_s: float) -> Plans:
    """All of it so much later, or earlier if that is negative."""
    return replace(plan, t_s=plan.t_s + later_s, volumes=plan.volumes + np.array([later_s, later_s, 0.0, 0.0]))


def at_another_height(plan: Plans, higher_m: float) -> Plans:
    """All of it so much higher, or lower if that is negative; what has no end up or down keeps none."""
    return replace(
        plan,
        alt_m=plan.alt_m + higher_m,
        band_m=plan.band_m + higher_m,
        volumes=plan.volumes + np.array([0.0, 0.0, higher_m, higher_m]),
    )


class Parallel:
    """A way with every way-point put to the right, so that it runs beside itself. Times stay, so that speeds change.

    `farthest` is how far the mover is put aside at most for every metre.
    """

    def __init__(self, plan: Plans) -> None:
        """`plan` is one plan with a way that goes somewhere."""
        self._plan = plan
        lat, lon = plan.lat_deg, plan.lon_deg
        out, back, length = (np.asarray(each) for each in _WGS84.inv(lon[:-1], lat[:-1], lon[1:], lat[1:]))
        going = np.flatnonzero(length > 0.1)
        # At each way-point the leg that comes in and the one that goes out; where it stands still, those next to that.
        point = np.arange(len(lat))
        before = going[np.clip(np.searchsorted(going, point, side="left") - 1, 0, len(going) - 1)]
        after = going[np.clip(np.searchsorted(going, point, side="left"), 0, len(going) - 1)]
        arriving = np.where(before < point, back[before] + 180.0, out[before])
        leaving = np.where(after >= point, out[after], back[after] + 180.0)
        half = (leaving - arriving + 180.0) % 360.0 / 2.0 - 90.0  # of the turn, -90 to 90
        self._bearing_deg = arriving + half + 90.0
        self._factor = 1.0 / np.maximum(np.cos(np.radians(half)), 1.0 / SHARPEST)
        self.farthest = float(self._factor.max())

    def at(self, right_m: float) -> Plans:
        """The way so many metres to the right, or to the left if that is negative."""
        lon, lat, _ = _WGS84.fwd(self._plan.lon_deg, self._plan.lat_deg, self._bearing_deg, self._factor * right_m)
        return replace(self._plan, lat_deg=np.asarray(lat), lon_deg=np.asarray(lon))


class Moved:
    """A plan shoved over the ground as it is, neither turned nor stretched (to a thousandth, within 300 km)."""

    def __init__(self, plan: Plans, bearing_deg: float) -> None:
        """`plan` is one plan; the bearing is that at its middle."""
        self._plan, self._bearing_deg = plan, bearing_deg
        round_ = ~np.isnan(plan.circles[:, 0])
        self._round = round_
        lat = np.concatenate([plan.lat_deg, plan.circles[round_, 0], plan.vertices[:, 0]])
        lon = np.concatenate([plan.lon_deg, plan.circles[round_, 1], plan.vertices[:, 1]])
        self._plane = plane_about(lat, lon)
        self._xy = self._plane.to_xy(lat, lon)

    def at(self, metres: float) -> Plans:
        """The plan so many metres away."""
        lon, lat, back = _WGS84.fwd(self._plane.lon0_deg, self._plane.lat0_deg, self._bearing_deg, metres)
        there = LocalPlane(float(lat), float(lon))
        # What was on the bearing before lies on the bearing that the way there arrives with.
        turn = np.radians(float(back) + 180.0 - self._bearing_deg)
        x, y = self._xy.T
        xy = np.column_stack((x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn)))
        places: FloatArray = np.column_stack(there.to_latlon(xy))
        points, circles = len(self._plan.lat_deg), int(self._round.sum())
        middles = self._plan.circles.copy()
        middles[self._round, :2] = places[points : points + circles]
        return replace(
            self._plan,
            lat_deg=places[:points, 0].copy(),
            lon_deg=places[:points, 1].copy(),
            circles=middles,
            vertices=places[points + circles :].copy(),
        )


def length_m(plan: Plans) -> float:
    """Metres of a plan's way along the ellipsoid."""
    if len(plan.lat_deg) < 2:
        return 0.0
    lat, lon = plan.lat_deg, plan.lon_deg
    return float(np.sum(_WGS84.inv(lon[:-1], lat[:-1], lon[1:], lat[1:])[2]))


def fastest_m_s(plan: Plans) -> tuple[float, float]:
    """The greatest speeds of a plan's way over the ground, and up or down (infinite where a height is unknown)."""
    if len(plan.lat_deg) < 2:
        return 0.0, 0.0
    lat, lon, lasts = plan.lat_deg, plan.lon_deg, np.diff(plan.t_s)
    over = np.asarray(_WGS84.inv(lon[:-1], lat[:-1], lon[1:], lat[1:])[2]) / lasts
    up = np.abs(np.diff(plan.alt_m)) / lasts
    return float(over.max()), float("inf") if np.isnan(up).any() else float(up.max())

"""Histories for tests, laid out in metres east and north of a place and minutes after a moment."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta

from keepclear.geometry.earth import destination
from keepclear.model.base import Name
from keepclear.model.basis import DECLARED, Basis, BasisKind
from keepclear.model.groups import AssetKind, Group, Member
from keepclear.model.places import LatLon
from keepclear.model.times import Window
from keepclear.model.tracks import Fix, SensorClass, Track
from keepclear.watch.history import History

START = datetime(2017, 9, 8, 7, tzinfo=UTC)
DESERT = (35.1, 40.4)
DATELINE = (-18.0, 180.0)
POLE = (89.99, 10.0)
PLACES = (DESERT, DATELINE, POLE)
MADE_UP = Basis(kind=BasisKind.SYNTHETIC)

Spot = tuple[float, float, float]
"""Minutes after `START`, metres east, metres north."""


def moment(minutes: float) -> datetime:
    return START + timedelta(minutes=minutes)


def minutes(at: datetime | None) -> float | None:
    return None if at is None else (at - START).total_seconds() / 60


def window(begin: float, end: float) -> Window:
    return Window(starts_at=moment(begin), ends_at=moment(end))


def spot(place: tuple[float, float], east: float, north: float) -> tuple[float, float]:
    """The point so far east and north, by bearing and distance: no plane is used."""
    return destination(*place, math.degrees(math.atan2(east, north)), math.hypot(east, north))


def latlon(place: tuple[float, float], east: float, north: float) -> LatLon:
    lat, lon = spot(place, east, north)
    return LatLon(lat_deg=lat, lon_deg=lon)


def act(number: int) -> str:
    return f"{number:064x}"


def track(
    asset: str,
    spots: Iterable[Spot],
    *,
    kind: AssetKind = AssetKind.BUS,
    place: tuple[float, float] = DESERT,
    uncertainty_m: float = 10.0,
    heights: Sequence[float | None] | None = None,
    basis: Basis = DECLARED,
    sensor: SensorClass = SensorClass.TRACKER,
) -> Track:
    fixes = []
    for k, (t, east, north) in enumerate(spots):
        lat, lon = spot(place, east, north)
        height = heights[k] if heights is not None else None
        fixes.append(Fix(at=moment(t), lat_deg=lat, lon_deg=lon, uncertainty_m=uncertainty_m, alt_wgs84_m=height))
    return Track(asset=asset, kind=kind, sensor=sensor, fixes=tuple(fixes), basis=basis)


def history(
    asset: str,
    spots: Iterable[Spot],
    *,
    kind: AssetKind = AssetKind.BUS,
    place: tuple[float, float] = DESERT,
    uncertainty_m: float = 10.0,
    heights: Sequence[float | None] | None = None,
    basis: Basis = DECLARED,
    said: int = 1,
    author: str = "",
) -> History:
    whole = History(asset, kind, author)
    whole.add(
        track(asset, spots, kind=kind, place=place, uncertainty_m=uncertainty_m, heights=heights, basis=basis),
        act(said),
    )
    return whole


def group(assets: Iterable[str], *, spread_m: float = 3_000.0, halted_after_s: float = 1_800.0) -> Group:
    return Group(
        id="convoy",
        name=Name(en="Convoy", ar="قافلة"),
        members=tuple(Member(asset=asset, kind=AssetKind.BUS) for asset in assets),
        spread_m=spread_m,
        halted_after_s=halted_after_s,
    )

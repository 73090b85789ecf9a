"""Tracks: reported positions of one asset from one kind of source."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from keepclear.model.base import Altitude, Id, Instant, Latitude, Longitude, Uncertainty, Value, utc
from keepclear.model.basis import Basis
from keepclear.model.groups import AssetKind


class SensorClass(StrEnum):
    """By what means something was seen. Coverage is kept for each class apart."""

    AIRCRAFT = "aircraft"
    """Cameras and radar on aircraft and drones."""
    SATELLITE = "satellite"
    GROUND = "ground"
    """Observers on the ground."""
    TRACKER = "tracker"
    """The asset's own position, sent by itself."""
    ADSB = "adsb"
    VOICE = "voice"


class Fix(Value, frozen=True, kw_only=True):
    """One reported position. It holds for the moment `at` and for no other."""

    at: Instant
    lat_deg: Latitude
    lon_deg: Longitude
    uncertainty_m: Uncertainty
    alt_wgs84_m: Altitude | None = None

    def __post_init__(self) -> None:
        utc(self.at, "at")


class Track(Value, frozen=True, kw_only=True):
    """Positions of one asset in order of time, from one class of sensor."""

    asset: Id
    kind: AssetKind
    sensor: SensorClass
    fixes: Annotated[tuple[Fix, ...], Meta(min_length=1, max_length=500)]
    basis: Basis

    def __post_init__(self) -> None:
        for before, after in zip(self.fixes, self.fixes[1:], strict=False):
            if after.at <= before.at:
                raise ValueError("fixes must be in order of time, no two at the same moment")

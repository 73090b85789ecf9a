"""Plans: four-dimensional claims of where somebody will be, or where nobody should be."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from keepclear.model.base import Altitude, Id, Instant, Latitude, Longitude, Name, Seconds, Uncertainty, Value, utc
from keepclear.model.basis import DECLARED, Basis
from keepclear.model.places import PlaceNames
from keepclear.model.times import Window
from keepclear.model.volumes import AltitudeBand, Volume


class PlanKind(StrEnum):
    """What a plan is about."""

    FLIGHT = "flight"
    GROUND_MOVEMENT = "ground_movement"
    PROTECTED_SITE = "protected_site"
    CLOSURE = "closure"
    OBSERVATION = "observation"


class Waypoint(Value, frozen=True, kw_only=True):
    """Where the mover means to be at `at`. Between two way-points it is held to move evenly."""

    at: Instant
    lat_deg: Latitude
    lon_deg: Longitude
    alt_wgs84_m: Altitude | None = None
    place: Id | None = None

    def __post_init__(self) -> None:
        utc(self.at, "at")


class Trajectory(Value, frozen=True, kw_only=True):
    """Timed way-points with the room the mover asks around them.

    `buffer_m` is horizontal, `vertical_buffer_m` vertical; `early_s` and `late_s` say how far ahead of or behind its
    times it may run.
    """

    waypoints: Annotated[tuple[Waypoint, ...], Meta(min_length=2, max_length=1000)]
    buffer_m: Uncertainty
    vertical_buffer_m: Uncertainty = 0.0
    early_s: Seconds = 0.0
    late_s: Seconds = 0.0

    def __post_init__(self) -> None:
        for before, after in zip(self.waypoints, self.waypoints[1:], strict=False):
            if after.at <= before.at:
                raise ValueError("waypoints must be in order of time, no two at the same moment")


class Plan(Value, frozen=True, kw_only=True):
    """A claim on room and time. It holds volumes, a trajectory, or both; `band` is what a read-back must repeat.

    `names` says where it begins (first) and ends (last), each in two independent ways.
    """

    id: Id
    kind: PlanKind
    name: Name
    window: Window
    band: AltitudeBand
    volumes: Annotated[tuple[Volume, ...], Meta(max_length=50)] = ()
    trajectory: Trajectory | None = None
    names: Annotated[tuple[PlaceNames, ...], Meta(min_length=1, max_length=20)]
    group: Id | None = None
    assets: Annotated[tuple[Id, ...], Meta(max_length=200)] = ()
    basis: Basis = DECLARED

    def __post_init__(self) -> None:
        if not self.volumes and self.trajectory is None:
            raise ValueError("volumes or trajectory must be given")

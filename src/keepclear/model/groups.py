"""Groups: a convoy, its members, and how many people of what kind are said to be with it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from keepclear.model.base import Id, Instant, Name, Value, utc
from keepclear.model.basis import DECLARED, Basis


class AssetKind(StrEnum):
    """What moves."""

    BUS = "bus"
    AMBULANCE = "ambulance"
    CAR = "car"
    TRUCK = "truck"
    GROUND_FORCE = "ground_force"
    AIRCRAFT = "aircraft"
    DRONE = "drone"


class HeadClass(StrEnum):
    """Classes in which people are counted. A class is the claim of whoever counted, never a finding of this system."""

    PEOPLE = "people"
    CIVILIANS = "civilians"
    FIGHTERS = "fighters"
    WOUNDED = "wounded"
    CREW = "crew"


class Headcount(Value, frozen=True, kw_only=True):
    """How many people of a class are said to be with a group. `count` is absent where nobody knows."""

    head_class: HeadClass
    count: Annotated[int, Meta(ge=0, le=1_000_000)] | None
    as_of: Instant
    basis: Basis = DECLARED

    def __post_init__(self) -> None:
        utc(self.as_of, "as_of")


class Member(Value, frozen=True, kw_only=True):
    """One vehicle or aircraft of a group."""

    asset: Id
    kind: AssetKind


class Group(Value, frozen=True, kw_only=True):
    """Vehicles that move together. A later declaration of the same id replaces the earlier one.

    `spread_m` is how far a member may be from the next one and still be with the group; `halted_after_s` how long the
    group may stand still before it counts as halted; `silent_after_s` how old its last report may be; `plan` the plan
    whose trajectory is its route.
    """

    id: Id
    name: Name
    members: Annotated[tuple[Member, ...], Meta(min_length=1, max_length=500)]
    headcounts: Annotated[tuple[Headcount, ...], Meta(max_length=20)] = ()
    plan: Id | None = None
    split_from: Id | None = None
    spread_m: Annotated[float, Meta(gt=0.0, le=100_000.0)] = 3_000.0
    off_route_m: Annotated[float, Meta(gt=0.0, le=100_000.0)] = 5_000.0
    late_s: Annotated[float, Meta(gt=0.0, le=864_000.0)] = 1_800.0
    halted_after_s: Annotated[float, Meta(gt=0.0, le=864_000.0)] = 1_800.0
    silent_after_s: Annotated[float, Meta(gt=0.0, le=864_000.0)] = 10_800.0
    basis: Basis = DECLARED

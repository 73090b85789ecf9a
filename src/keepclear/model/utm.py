"""What UTM services put on the line through ASTM F3548-21 and F3411: references, subscriptions, areas, as kept values.

The words are the standards' own. A reference says that something is there and who manages it; its details stay with its
manager (F3548-21, Annex A4). All heights are metres above the WGS 84 ellipsoid, all times UTC.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from keepclear.model.base import Instant, Latitude, Longitude, Short, Value

MAX_OUTLINE = 10_000
"""F3548-21 OiMaxVertices: vertices in all outlines of one operational intent."""

UTM_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
UTM_LATEST = datetime(2200, 1, 1, tzinfo=UTC)
"""Wider than what the line takes: a DSS sets no bounds to times, and the field's services write 1969 and 2120."""

NO_SUBSCRIPTION = "00000000-0000-4000-8000-000000000000"
"""The id by which services say that an intent has, or is to have, no subscription; no subscription has it."""

EntityId = Annotated[str, Meta(pattern=r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$(?!\n)")]
"""A UUID in lower case."""
Height = Annotated[float, Meta(ge=-8_000.0, le=100_000.0)]
"""Metres above the WGS 84 ellipsoid (F3548-21, Altitude)."""
Manager = Annotated[str, Meta(min_length=1, max_length=200)]
"""The `sub` of the access token it was written with."""
Url = Annotated[str, Meta(min_length=8, max_length=2_000)]
Count = Annotated[int, Meta(ge=0)]


class UtmPoint(Value, frozen=True, kw_only=True, array_like=True):
    """Degrees, WGS 84. Kept as `[lat, lng]`."""

    lat_deg: Latitude
    lng_deg: Longitude


class UtmCircle(Value, frozen=True, kw_only=True):
    """All points within `radius_m` of the centre along the ellipsoid."""

    centre: UtmPoint
    radius_m: Annotated[float, Meta(gt=0.0, le=20_100_000.0)]


class UtmVolume(Value, frozen=True, kw_only=True):
    """A Volume4D: an outline (polygon or circle), heights and times; what is None is not bounded.

    An outline is closed without repeating its first vertex and may be wound either way; the smaller side is meant.
    """

    polygon: Annotated[tuple[UtmPoint, ...], Meta(max_length=MAX_OUTLINE)] = ()
    circle: UtmCircle | None = None
    lower_m: Height | None = None
    upper_m: Height | None = None
    starts_at: Instant | None = None
    ends_at: Instant | None = None

    def __post_init__(self) -> None:
        if bool(self.polygon) == (self.circle is not None):
            raise ValueError("a polygon or a circle must be given, not both")
        for moment, name in ((self.starts_at, "starts_at"), (self.ends_at, "ends_at")):
            if moment is not None and not (moment.tzinfo is UTC or moment.utcoffset() == timedelta(0)):
                raise ValueError(f"{name} must be in UTC (end in Z)")
            if moment is not None and not UTM_EARLIEST <= moment < UTM_LATEST:
                raise ValueError(f"{name} must lie between 1900 and 2200")


def span_of(volumes: Sequence[UtmVolume]) -> tuple[datetime | None, datetime | None]:
    """From the first to the last moment of an entity's volumes; None where one of them is not bounded."""
    starts = [each.starts_at for each in volumes if each.starts_at is not None]
    ends = [each.ends_at for each in volumes if each.ends_at is not None]
    return min(starts) if len(starts) == len(volumes) else None, max(ends) if len(ends) == len(volumes) else None


class IntentState(StrEnum):
    """OperationalIntentState."""

    ACCEPTED = "Accepted"
    ACTIVATED = "Activated"
    NONCONFORMING = "Nonconforming"
    CONTINGENT = "Contingent"


class Availability(StrEnum):
    """UssAvailabilityState."""

    UNKNOWN = "Unknown"
    NORMAL = "Normal"
    DOWN = "Down"


class UtmIntent(Value, tag="intent", tag_field="is", frozen=True, kw_only=True):
    """An operational intent reference. `subscription` is the one that keeps its manager informed, if any."""

    id: EntityId
    manager: Manager
    state: IntentState
    uss_base_url: Url
    version: Count
    ovn: Short
    volumes: Annotated[tuple[UtmVolume, ...], Meta(min_length=1)]
    subscription: EntityId | None = None


class UtmConstraint(Value, tag="constraint", tag_field="is", frozen=True, kw_only=True):
    """A constraint reference."""

    id: EntityId
    manager: Manager
    uss_base_url: Url
    version: Count
    ovn: Short
    volumes: Annotated[tuple[UtmVolume, ...], Meta(min_length=1)]


class UtmSubscription(Value, tag="subscription", tag_field="is", frozen=True, kw_only=True):
    """A subscription. One volume if it was asked for; an implicit one grows by those of the intents that hang on it."""

    id: EntityId
    manager: Manager
    uss_base_url: Url
    version: Short
    notification_index: Count
    for_intents: bool
    for_constraints: bool
    implicit: bool
    volumes: Annotated[tuple[UtmVolume, ...], Meta(min_length=1)]


class UtmAvailability(Value, tag="availability", tag_field="is", frozen=True, kw_only=True):
    """What an arbitrator says of a service."""

    uss: Manager
    state: Availability
    version: Short


class RidEdition(StrEnum):
    """The editions of F3411. What is written by one is not seen by the other, whose services could not ask for more."""

    V19 = "F3411-19"
    V22A = "F3411-22a"


class RidArea(Value, tag="area", tag_field="is", frozen=True, kw_only=True):
    """An identification service area (F3411): where a service may have flights to show.

    In F3411-19 `uss_base_url` is its `flights_url`, as it was given.
    """

    id: EntityId
    owner: Manager
    uss_base_url: Url
    version: Short
    volume: UtmVolume
    edition: RidEdition = RidEdition.V22A


class RidSubscription(Value, tag="rid_subscription", tag_field="is", frozen=True, kw_only=True):
    """Who wants to hear of identification service areas (F3411).

    In F3411-19 `uss_base_url` is its `identification_service_area_url`, as it was given.
    """

    id: EntityId
    owner: Manager
    uss_base_url: Url
    version: Short
    notification_index: Count
    volume: UtmVolume
    edition: RidEdition = RidEdition.V22A


class UtmFlight(Value, tag="flight", tag_field="is", frozen=True, kw_only=True):
    """A flight this node plans as a USS: the details behind one of its own operational intents.

    `id` is the flight plan's; `intent` the operational intent's, if there is one now. `volumes` are nominal.
    """

    id: EntityId
    client: Manager
    usage_state: Short
    uas_state: Short
    priority: Annotated[int, Meta(ge=-(2**31), lt=2**31)] = 0
    volumes: tuple[UtmVolume, ...] = ()
    off_nominal_volumes: tuple[UtmVolume, ...] = ()
    intent: EntityId | None = None


class UtmClosure(Value, tag="closure", tag_field="is", frozen=True, kw_only=True):
    """The details behind one of this node's own constraints: what the line asks to be kept clear, and by what act."""

    id: EntityId
    act: Short
    kind: Short
    volumes: Annotated[tuple[UtmVolume, ...], Meta(min_length=1)]


Entity = (
    UtmIntent | UtmConstraint | UtmSubscription | UtmAvailability | RidArea | RidSubscription | UtmFlight | UtmClosure
)
"""Everything a UTM ledger keeps under an id (an availability under the name of the service)."""


class EntityKind(StrEnum):
    """The registers of a UTM ledger; the same words as the tags of `Entity`."""

    INTENT = "intent"
    CONSTRAINT = "constraint"
    SUBSCRIPTION = "subscription"
    AVAILABILITY = "availability"
    AREA = "area"
    RID_SUBSCRIPTION = "rid_subscription"
    FLIGHT = "flight"
    CLOSURE = "closure"


class Gone(Value, frozen=True, kw_only=True):
    """An entity that is no more."""

    kind: EntityKind
    id: Short


class Told(Value, frozen=True, kw_only=True):
    """A subscription that a change concerns, the number its notification bears, and where it goes."""

    subscription: EntityId
    index: Count
    url: Url
    rid: bool = False
    """Whether it is an F3411 subscription."""


class Way(StrEnum):
    """Which way a message between services went, seen from this node."""

    SENT = "sent"
    RECEIVED = "received"

"""What a DSS is asked and says of areas and subscriptions, by F3411-22a and by F3411-19, whose words differ.

An edition's words are in one `Dialect`; what they mean is the same values.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated

import msgspec
from msgspec import Meta

from keepclear.formats.f3548.answers import SubscriptionState, subscribers_to_notify
from keepclear.formats.f3548.volumes import (
    LatLngPoint,
    Time,
    Volume4D,
    Wire,
    WireUrl,
    decoded,
    utc,
    volume_of,
    wire_time,
)
from keepclear.model.utm import (
    MAX_OUTLINE,
    Height,
    RidArea,
    RidEdition,
    RidSubscription,
    Told,
    UtmPoint,
    UtmVolume,
)

Put = tuple[UtmVolume, str]
"""The volume and the URL that are asked for."""


# ── what both editions share ──


class SubscriberToNotify(Wire, frozen=True):
    """Whom the owner of an area tells: one entry for each URL."""

    subscriptions: tuple[SubscriptionState, ...]
    url: str


class AreaChanged(Wire, frozen=True):
    """PutIdentificationServiceAreaResponse, DeleteIdentificationServiceAreaResponse."""

    service_area: Area22a | Area19
    subscribers: tuple[SubscriberToNotify, ...]


class AreaGot(Wire, frozen=True):
    """GetIdentificationServiceAreaResponse."""

    service_area: Area22a | Area19


class AreasFound(Wire, frozen=True):
    """SearchIdentificationServiceAreasResponse."""

    service_areas: tuple[Area22a | Area19, ...]


class SubscriptionPut(Wire, frozen=True):
    """PutSubscriptionResponse."""

    subscription: Subscription22a | Subscription19
    service_areas: tuple[Area22a | Area19, ...]


class SubscriptionGot(Wire, frozen=True):
    """GetSubscriptionResponse, DeleteSubscriptionResponse."""

    subscription: Subscription22a | Subscription19


class SubscriptionsFound(Wire, frozen=True):
    """SearchSubscriptionsResponse."""

    subscriptions: tuple[Subscription22a | Subscription19, ...]


def subscribers(told: Sequence[Told]) -> tuple[SubscriberToNotify, ...]:
    """Whom to tell, one entry for each URL."""
    return tuple([SubscriberToNotify(each.subscriptions, each.uss_base_url) for each in subscribers_to_notify(told)])


# ── F3411-22a ──


class Put22a(Wire, frozen=True):
    """Create- and UpdateIdentificationServiceAreaParameters, Create- and UpdateSubscriptionParameters."""

    extents: Volume4D
    uss_base_url: WireUrl


class Area22a(Wire, frozen=True):
    """IdentificationServiceArea."""

    id: str
    owner: str
    uss_base_url: str
    version: str
    time_start: Time | None
    time_end: Time | None


class Subscription22a(Wire, frozen=True):
    """Subscription."""

    id: str
    owner: str
    uss_base_url: str
    version: str
    notification_index: int
    time_start: Time | None
    time_end: Time | None


_put_22a = msgspec.json.Decoder(Put22a)


def _read_22a(body: bytes) -> Put:
    put = decoded(_put_22a, body)
    return volume_of(put.extents, "extents"), put.uss_base_url


def area_22a(area: RidArea) -> Area22a:
    """An area as it is written in F3411-22a."""
    volume = area.volume
    times = wire_time(volume.starts_at), wire_time(volume.ends_at)
    return Area22a(area.id, area.owner, area.uss_base_url, area.version, *times)


def _subscription_22a(held: RidSubscription) -> Subscription22a:
    times = wire_time(held.volume.starts_at), wire_time(held.volume.ends_at)
    return Subscription22a(held.id, held.owner, held.uss_base_url, held.version, held.notification_index, *times)


# ── F3411-19 ──


class _Footprint19(Wire, frozen=True):
    vertices: Annotated[tuple[LatLngPoint, ...], Meta(min_length=3, max_length=MAX_OUTLINE)]


class _Volume3D19(Wire, frozen=True):
    footprint: _Footprint19
    altitude_lo: Height | None = None
    altitude_hi: Height | None = None


class _Volume4D19(Wire, frozen=True):
    spatial_volume: _Volume3D19
    time_start: datetime | None = None
    time_end: datetime | None = None


class PutArea19(Wire, frozen=True):
    """Create- and UpdateIdentificationServiceAreaParameters."""

    extents: _Volume4D19
    flights_url: WireUrl


class _Callbacks19(Wire, frozen=True):
    """The URL is needed, though the schema does not require it: without it there is nobody to tell."""

    identification_service_area_url: WireUrl


class PutSubscription19(Wire, frozen=True):
    """Create- and UpdateSubscriptionParameters."""

    extents: _Volume4D19
    callbacks: _Callbacks19


class Area19(Wire, frozen=True):
    """IdentificationServiceArea."""

    id: str
    owner: str
    flights_url: str
    version: str
    time_start: datetime | None
    time_end: datetime | None


class Callbacks19(Wire, frozen=True):
    """SubscriptionCallbacks."""

    identification_service_area_url: str


class Subscription19(Wire, frozen=True):
    """Subscription. `url`, which the schema requires and does not describe, is the callback's."""

    id: str
    owner: str
    url: str
    callbacks: Callbacks19
    version: str
    notification_index: int
    time_start: datetime | None
    time_end: datetime | None


_area_19 = msgspec.json.Decoder(PutArea19)
_subscription_19 = msgspec.json.Decoder(PutSubscription19)


def _read_area_19(body: bytes) -> Put:
    put = decoded(_area_19, body)
    return _volume_19(put.extents), put.flights_url


def _read_subscription_19(body: bytes) -> Put:
    put = decoded(_subscription_19, body)
    return _volume_19(put.extents), put.callbacks.identification_service_area_url


def _volume_19(wire: _Volume4D19) -> UtmVolume:
    shape = wire.spatial_volume
    return UtmVolume(
        polygon=tuple([UtmPoint(lat_deg=each.lat, lng_deg=each.lng) for each in shape.footprint.vertices]),
        lower_m=shape.altitude_lo,
        upper_m=shape.altitude_hi,
        starts_at=None if wire.time_start is None else utc(wire.time_start, "extents.time_start"),
        ends_at=None if wire.time_end is None else utc(wire.time_end, "extents.time_end"),
    )


def _area_shown_19(area: RidArea) -> Area19:
    times = _moment(area.volume.starts_at), _moment(area.volume.ends_at)
    return Area19(area.id, area.owner, area.uss_base_url, area.version, *times)


def _subscription_shown_19(held: RidSubscription) -> Subscription19:
    url, times = held.uss_base_url, (_moment(held.volume.starts_at), _moment(held.volume.ends_at))
    return Subscription19(held.id, held.owner, url, Callbacks19(url), held.version, held.notification_index, *times)


def _moment(at: datetime | None) -> datetime | None:
    return None if at is None else at.astimezone(UTC)


# ── the editions ──


@dataclass(frozen=True, slots=True)
class Dialect:
    """How an edition is read and written. What reads raises Malformed naming the field."""

    edition: RidEdition
    read_area: Callable[[bytes], Put]
    read_subscription: Callable[[bytes], Put]
    area: Callable[[RidArea], Area22a | Area19]
    subscription: Callable[[RidSubscription], Subscription22a | Subscription19]


V22A = Dialect(RidEdition.V22A, _read_22a, _read_22a, area_22a, _subscription_22a)
V19 = Dialect(RidEdition.V19, _read_area_19, _read_subscription_19, _area_shown_19, _subscription_shown_19)

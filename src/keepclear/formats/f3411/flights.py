"""What services tell each other of aircraft and areas (F3411-22a, the paths under /uss): written and read.

What is not known stands as the standard's own value for that. Whatever is read was said by somebody who could say
anything: it is bounded here, and believed nowhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from keepclear.errors import Malformed
from keepclear.formats.f3411.areas import V19, Area19, Area22a, area_22a
from keepclear.formats.f3548.answers import SubscriptionState
from keepclear.formats.f3548.volumes import LatLngPoint, Time, Volume4D, Wire, decoded, utc, wire_time, wire_volume
from keepclear.model.base import Latitude, Longitude, hidden_in
from keepclear.model.tracks import Fix
from keepclear.model.utm import RidArea, RidEdition, Told

MAX_FLIGHTS = 5_000
MAX_RECENT = 1_000
NO_HEIGHT = -1_000.0
NO_TRACK, NO_SPEED, NO_VERTICAL_SPEED = 361.0, 255.0, 63.0

Code = Annotated[str, Meta(max_length=64)]
"""One word of an enumeration, of whichever edition of the standard."""
Text = Annotated[str, Meta(max_length=500)]
HeightM = Annotated[float, Meta(ge=-10_000.0, le=100_000.0)]
_ACCURACY_M = (
    (1.0, "HA1m"),
    (3.0, "HA3m"),
    (10.0, "HA10m"),
    (30.0, "HA30m"),
    (92.6, "HA005NM"),
    (185.2, "HA01NM"),
    (555.6, "HA03NM"),
    (926.0, "HA05NM"),
    (1_852.0, "HA1NM"),
    (3_704.0, "HA2NM"),
    (7_408.0, "HA4NM"),
    (18_520.0, "HA10NM"),
)


class Position(Wire, frozen=True, omit_defaults=False):
    """RIDAircraftPosition."""

    lat: Latitude
    lng: Longitude
    alt: HeightM = NO_HEIGHT
    accuracy_h: Code = "HAUnknown"
    accuracy_v: Code = "VAUnknown"
    extrapolated: bool = False


class Recent(Wire, frozen=True):
    """RIDRecentAircraftPosition."""

    time: Time
    position: Position


class State(Wire, frozen=True, omit_defaults=False):
    """RIDAircraftState."""

    timestamp: Time
    position: Position
    timestamp_accuracy: Annotated[float, Meta(ge=0.0, le=1e6)] = 0.0
    operational_status: Code = "Undeclared"
    track: Annotated[float, Meta(ge=0.0, le=361.0)] = NO_TRACK
    speed: Annotated[float, Meta(ge=0.0, le=255.0)] = NO_SPEED
    speed_accuracy: Code = "SAUnknown"
    vertical_speed: Annotated[float, Meta(ge=-100.0, le=100.0)] = NO_VERTICAL_SPEED


class Flight(Wire, frozen=True):
    """RIDFlight. One without a state (only with an area it operates in) is nowhere to be shown."""

    id: Annotated[str, Meta(min_length=1, max_length=255)]
    aircraft_type: Code
    current_state: State | UnsetType | None = UNSET
    simulated: bool = False
    recent_positions: Annotated[tuple[Recent, ...], Meta(max_length=MAX_RECENT)] = ()


class Flights(Wire, frozen=True, omit_defaults=False):
    """GetFlightsResponse."""

    timestamp: Time
    flights: Annotated[tuple[Flight, ...], Meta(max_length=MAX_FLIGHTS)] = ()
    no_isas_present: bool = False


class UasId(Wire, frozen=True):
    """UASID."""

    serial_number: Text = ""
    registration_id: Text = ""
    utm_id: Text = ""
    specific_session_id: Text = ""


class Altitude(Wire, frozen=True):
    """Altitude, as an operator's place has it."""

    value: HeightM
    reference: Code
    units: Code


class OperatorLocation(Wire, frozen=True):
    """OperatorLocation."""

    position: LatLngPoint
    altitude: Altitude | None = None
    altitude_type: Code = ""


class Details(Wire, frozen=True):
    """RIDFlightDetails."""

    id: Annotated[str, Meta(min_length=1, max_length=255)]
    uas_id: UasId | None = None
    operator_id: Text = ""
    operator_location: OperatorLocation | None = None
    operation_description: Text = ""


class GotDetails(Wire, frozen=True):
    """GetFlightDetailsResponse."""

    details: Details


class GotAreaDetails(Wire, frozen=True):
    """GetIdentificationServiceAreaDetailsResponse."""

    extents: Volume4D


class _AreaNotification(Wire, frozen=True):
    """PutIdentificationServiceAreaNotificationParameters; without an area, and extents, it is gone."""

    subscriptions: tuple[SubscriptionState, ...]
    service_area: Area22a | Area19 | None = None
    extents: Volume4D | None = None


_flights = msgspec.json.Decoder(Flights)
_details = msgspec.json.Decoder(GotDetails)
_encoder = msgspec.json.Encoder()


# ── what this node tells ──


def position_of(fix: Fix) -> Position:
    """A reported position. Its accuracy is the bound next above its uncertainty."""
    accuracy = next((word for most_m, word in _ACCURACY_M if fix.uncertainty_m <= most_m), "HA10NMPlus")
    height = NO_HEIGHT if fix.alt_wgs84_m is None else fix.alt_wgs84_m
    return Position(fix.lat_deg, fix.lon_deg, height, accuracy)


def flight_of(id: str, last: Fix, recent: Sequence[Fix]) -> Flight:
    """A flight with its last position. Speed and track were not reported, and are not made up."""
    state = State(Time(last.at, "RFC3339"), position_of(last))
    told = tuple([Recent(Time(each.at, "RFC3339"), position_of(each)) for each in recent])
    return Flight(id, "NotDeclared", state, recent_positions=told)


def details_of(id: str) -> GotDetails:
    """As little as the standard allows: an id of this flight only."""
    return GotDetails(Details(id, UasId(utm_id=id)))


def area_details(area: RidArea) -> GotAreaDetails:
    """Where an area is."""
    return GotAreaDetails(wire_volume(area.volume))


def area_notification(area: RidArea | None, edition: RidEdition, told: Sequence[Told]) -> bytes:
    """postIdentificationServiceArea, in the words of the edition; without an area it is gone."""
    states = tuple([SubscriptionState(each.subscription, each.index) for each in told])
    if area is None:
        return _encoder.encode(_AreaNotification(states))
    if edition is RidEdition.V19:
        return _encoder.encode(_AreaNotification(states, V19.area(area)))
    return _encoder.encode(_AreaNotification(states, area_22a(area), wire_volume(area.volume)))


def flights_at(at: datetime, flights: Sequence[Flight], *, areas: bool) -> Flights:
    """The answer to a search; `areas`: whether this node has an identification service area there."""
    time = wire_time(at)
    if time is None:
        raise TypeError(at)
    return Flights(time, tuple(flights), no_isas_present=not areas)


# ── what others tell ──


def read_flights(body: bytes) -> Flights:
    """GetFlightsResponse of another service. Malformed naming the field."""
    read = decoded(_flights, body)
    for number, flight in enumerate(read.flights):
        at = f"flights[{number}]"
        _plain(f"{at}.id", flight.id, flight.aircraft_type)
        if flight.current_state:
            utc(flight.current_state.timestamp.value, f"{at}.current_state.timestamp.value")
            _plain(f"{at}.current_state.operational_status", flight.current_state.operational_status)
        for index, each in enumerate(flight.recent_positions):
            utc(each.time.value, f"{at}.recent_positions[{index}].time.value")
    return read


def read_details(body: bytes) -> Details:
    """GetFlightDetailsResponse of another service. Malformed naming the field."""
    details = decoded(_details, body).details
    uas = details.uas_id or UasId()
    _plain("details.id", details.id)
    _plain("details.operator_id", details.operator_id, details.operation_description)
    _plain("details.uas_id", uas.serial_number, uas.registration_id, uas.utm_id, uas.specific_session_id)
    return details


def _plain(field: str, *texts: str) -> None:
    """Malformed if a text hides characters from whoever reads it."""
    if any(hidden_in(text) is not None for text in texts):
        raise Malformed("a control character is not allowed there", field=field, code="control_character")

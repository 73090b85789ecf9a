"""What a display provider shows, in the words of the field's interface (InterUSS automated testing, observation)."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET, UnsetType

from keepclear.formats.f3411.flights import NO_HEIGHT, NO_SPEED, NO_TRACK, Details, Flight, Recent
from keepclear.formats.f3411.flights import Position as ToldPosition
from keepclear.formats.f3411.search import View
from keepclear.formats.f3548.volumes import LatLngPoint, Wire


class Position(Wire, frozen=True, omit_defaults=False):
    """Position. What is not known is left out."""

    lat: float
    lng: float
    alt: float | UnsetType = UNSET
    accuracy_h: str | UnsetType = UNSET
    accuracy_v: str | UnsetType = UNSET


class Path(Wire, frozen=True, omit_defaults=False):
    """Path."""

    positions: tuple[Position, ...]


class CurrentState(Wire, frozen=True, omit_defaults=False):
    """CurrentState. What is not known is left out."""

    timestamp: str
    timestamp_accuracy: float
    operational_status: str
    speed_accuracy: str
    track: float | UnsetType = UNSET
    speed: float | UnsetType = UNSET
    vertical_speed: float | UnsetType = UNSET


class ShownFlight(Wire, frozen=True, omit_defaults=False):
    """Flight."""

    id: str
    aircraft_type: str
    most_recent_position: Position
    recent_paths: tuple[Path, ...]
    current_state: CurrentState | UnsetType = UNSET


class ShownCluster(Wire, frozen=True, omit_defaults=False):
    """Cluster."""

    corners: tuple[Position, Position]
    area_sqm: float
    number_of_flights: int


class DisplayData(Wire, frozen=True, omit_defaults=False):
    """GetDisplayDataResponse."""

    flights: tuple[ShownFlight, ...]
    clusters: tuple[ShownCluster, ...]


class OperatorAltitude(Wire, frozen=True):
    """OperatorAltitude."""

    altitude: float
    altitude_type: str = ""


class Operator(Wire, frozen=True):
    """Operator."""

    id: str = ""
    location: LatLngPoint | None = None
    altitude: OperatorAltitude | None = None


class Uas(Wire, frozen=True):
    """UAS."""

    id: str = ""


class DetailsShown(Wire, frozen=True):
    """GetDetailsResponse."""

    operator: Operator | None = None
    uas: Uas | None = None


def shown_flight(id: str, flight: Flight, positions: Sequence[Recent]) -> ShownFlight:
    """A flight under the id it is shown by; `positions` in order of time, the newest last."""
    told = flight.current_state
    state: CurrentState | UnsetType = UNSET
    if told:
        state = CurrentState(
            told.timestamp.value.isoformat().replace("+00:00", "Z"),
            told.timestamp_accuracy,
            told.operational_status,
            told.speed_accuracy,
            UNSET if told.track == NO_TRACK else told.track,
            UNSET if told.speed == NO_SPEED else told.speed,
            UNSET if abs(told.vertical_speed) > 62.0 else told.vertical_speed,
        )
    path = tuple([_position(each.position) for each in positions])
    return ShownFlight(id, flight.aircraft_type, path[-1], (Path(path),), state)


def shown_cluster(box: View, area_m2: float, flights: int) -> ShownCluster:
    """How many flights are in a box."""
    corners = Position(box.south_deg, box.west_deg), Position(box.north_deg, box.east_deg)
    return ShownCluster(corners, area_m2, flights)


def shown_details(details: Details | None) -> DetailsShown:
    """What is told of a flight; nothing if nothing is."""
    if details is None:
        return DetailsShown()
    uas, place = details.uas_id, details.operator_location
    identity = "" if uas is None else uas.serial_number or uas.registration_id or uas.utm_id or uas.specific_session_id
    altitude = None
    if place is not None and place.altitude is not None:
        altitude = OperatorAltitude(place.altitude.value, place.altitude_type)
    operator = Operator(details.operator_id, None if place is None else place.position, altitude)
    return DetailsShown(operator, Uas(identity))


def _position(told: ToldPosition) -> Position:
    height = UNSET if told.alt == NO_HEIGHT else told.alt
    return Position(told.lat, told.lng, height, told.accuracy_h, told.accuracy_v)

"""The wire of InterUSS flight_planning v1 (0.7.0), by which the field's tests play an operator at a USS."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta

from keepclear.errors import Malformed
from keepclear.formats.f3548.requests import MAX_VOLUMES
from keepclear.formats.f3548.volumes import (
    Altitude,
    Circle,
    LatLngPoint,
    Polygon,
    Time,
    Volume3D,
    Volume4D,
    Wire,
    decoded,
    moment_of,
    volume_of,
)
from keepclear.model.utm import Height, UtmVolume

MAX_STATES = 10_000
Short = Annotated[str, Meta(min_length=1, max_length=200)]


@dataclass(frozen=True, slots=True)
class TelemetryPoint:
    """Where an aircraft is at a moment, as its operator reports it. Altitude in metres above the WGS 84 ellipsoid."""

    at: datetime
    lat_deg: float | None
    lng_deg: float | None
    alt_wgs84_m: float | None
    accuracy_h: str
    accuracy_v: str
    speed_mps: float | None
    track_deg: float


@dataclass(frozen=True, slots=True)
class PlanRead:
    """What an operator asks: the words are the standard's. `telemetry` is to be reported at its times."""

    request_id: str
    style: str
    usage: str
    condition: str
    volumes: tuple[UtmVolume, ...]
    priority: int
    telemetry: tuple[TelemetryPoint, ...]


class OtherDatum(Malformed):
    """A height is not above the WGS 84 ellipsoid, and nothing here could turn it into one that is."""

    code = "utm_other_datum"


class _AnyAltitude(Wire, frozen=True):
    value: Height
    reference: Literal["W84", "SFC", "Takeoff"]
    units: Literal["M"]


class _Volume3D(Wire, frozen=True):
    outline_circle: Circle | None = None
    outline_polygon: Polygon | None = None
    altitude_lower: _AnyAltitude | None = None
    altitude_upper: _AnyAltitude | None = None


class _Volume4D(Wire, frozen=True):
    volume: _Volume3D
    time_start: Time | None = None
    time_end: Time | None = None


class _Basic(Wire, frozen=True):
    usage_state: Literal["Planned", "InUse", "Closed"]
    uas_state: Literal["Nominal", "OffNominal", "Contingent", "NotSpecified"] = "NotSpecified"
    area: Annotated[tuple[_Volume4D, ...], Meta(max_length=MAX_VOLUMES)] = ()


class _F3548(Wire, frozen=True):
    priority: Annotated[int, Meta(ge=-(2**31), lt=2**31)] = 0


class _Position(Wire, frozen=True):
    location: LatLngPoint | None = None
    altitudes: tuple[_AnyAltitude, ...] = ()
    accuracy_h: Annotated[str, Meta(pattern=r"^HA[0-9A-Za-z]{1,12}$(?!\n)")] = "HAUnknown"
    accuracy_v: Annotated[str, Meta(pattern=r"^VA[0-9A-Za-z]{1,12}$(?!\n)")] = "VAUnknown"


class _State(Wire, frozen=True):
    id: Short
    timestamp: Time
    position: _Position | None = None
    speed: Annotated[float, Meta(ge=0.0, le=1_000_000.0)] | None = None
    track: Annotated[float, Meta(ge=0.0, le=360.0)] = 360.0


class _Telemetry(Wire, frozen=True):
    states: Annotated[tuple[_State, ...], Meta(max_length=MAX_STATES)] = ()


class _Plan(Wire, frozen=True):
    basic_information: _Basic
    astm_f3548_21: _F3548 | None = None
    telemetry: _Telemetry | None = None


class Upsert(Wire, frozen=True):
    """UpsertFlightPlanRequest."""

    flight_plan: _Plan
    execution_style: Literal["Hypothetical", "IfAllowed", "InReality"]
    request_id: Short


class Clear(Wire, frozen=True):
    """ClearAreaRequest."""

    request_id: Short
    extent: _Volume4D


_upsert = msgspec.json.Decoder(Upsert)
_clear = msgspec.json.Decoder(Clear)


def read_plan(body: bytes, now: datetime) -> PlanRead:
    """UpsertFlightPlanRequest. A volume without a start begins `now`. Malformed naming the field; OtherDatum."""
    asked = decoded(_upsert, body)
    plan = asked.flight_plan
    field = "flight_plan.basic_information.area"
    return PlanRead(
        asked.request_id,
        asked.execution_style,
        plan.basic_information.usage_state,
        plan.basic_information.uas_state,
        tuple([_volume(each, f"{field}[{place}]", now) for place, each in enumerate(plan.basic_information.area)]),
        0 if plan.astm_f3548_21 is None else plan.astm_f3548_21.priority,
        () if plan.telemetry is None else _points(plan.telemetry.states),
    )


def read_clear(body: bytes) -> tuple[str, UtmVolume]:
    """ClearAreaRequest: its id and the extent. Malformed naming the field; OtherDatum."""
    asked = decoded(_clear, body)
    return asked.request_id, _volume(asked.extent, "extent", None)


def _volume(read: _Volume4D, field: str, now: datetime | None) -> UtmVolume:
    shape = read.volume
    lower, upper = (
        _w84(each, f"{field}.volume.{name}")
        for each, name in ((shape.altitude_lower, "altitude_lower"), (shape.altitude_upper, "altitude_upper"))
    )
    found = volume_of(
        Volume4D(Volume3D(shape.outline_circle, shape.outline_polygon, lower, upper), read.time_start, read.time_end),
        field,
    )
    return msgspec.structs.replace(found, starts_at=now) if found.starts_at is None else found


def _w84(altitude: _AnyAltitude | None, field: str) -> Altitude | None:
    if altitude is None:
        return None
    if altitude.reference != "W84":
        raise OtherDatum("only heights above the WGS 84 ellipsoid (W84) are planned with", field=f"{field}.reference")
    return Altitude(altitude.value, "W84", altitude.units)


def _points(states: Sequence[_State]) -> tuple[TelemetryPoint, ...]:
    found = []
    for place, state in enumerate(states):
        at = moment_of(state.timestamp, f"flight_plan.telemetry.states[{place}].timestamp")
        position = state.position or _Position()
        heights = [each.value for each in position.altitudes if each.reference == "W84"]
        if at is not None:
            found.append(
                TelemetryPoint(
                    at,
                    None if position.location is None else position.location.lat,
                    None if position.location is None else position.location.lng,
                    heights[0] if heights else None,
                    position.accuracy_h,
                    position.accuracy_v,
                    state.speed,
                    state.track,
                )
            )
    return tuple(sorted(found, key=lambda point: point.at))


# ── written ──


class PlanAnswer(Wire, frozen=True):
    """UpsertFlightPlanResponse and DeleteFlightPlanResponse. The words of the states are the interface's own."""

    planning_result: Literal["Completed", "Rejected", "Failed", "NotSupported"]
    flight_plan_status: Literal["NotPlanned", "Planned", "OkToFly", "OffNominal", "Closed"]
    notes: str = ""
    includes_advisories: Literal["Unknown", "AtLeastOneAdvisoryOrCondition", "NoAdvisoriesOrConditions"] = "Unknown"


class UserNotification(Wire, frozen=True):
    """UserNotification."""

    observed_at: Time
    message: str
    conflicts: Literal["Unknown", "None", "Single", "Multiple"]


class UserNotifications(Wire, frozen=True):
    """QueryUserNotificationsResponse."""

    user_notifications: tuple[UserNotification, ...]


def telemetry_answer(id: str, point: TelemetryPoint, next_at: datetime | None) -> dict[str, Any]:
    """GetOperationalIntentTelemetryResponse of F3548-21, of a point that was reported this way."""
    position: dict[str, Any] = {"accuracy_h": point.accuracy_h, "accuracy_v": point.accuracy_v, "extrapolated": False}
    if point.lat_deg is not None and point.lng_deg is not None:
        position |= {"latitude": point.lat_deg, "longitude": point.lng_deg}
    if point.alt_wgs84_m is not None:
        position["altitude"] = Altitude(point.alt_wgs84_m, "W84", "M")
    telemetry: dict[str, Any] = {"time_measured": Time(point.at, "RFC3339"), "position": position}
    if point.speed_mps is not None:
        telemetry["velocity"] = {
            "speed": point.speed_mps,
            "units_speed": "MetersPerSecond",
            "track": point.track_deg,
        }
    answer: dict[str, Any] = {"operational_intent_id": id, "telemetry": telemetry}
    return answer if next_at is None else {**answer, "next_telemetry_opportunity": Time(next_at, "RFC3339")}

"""Answers of the UTM listener that are put together where they are given: here they have a name, for its page."""

from __future__ import annotations

from keepclear.formats.f3548 import answers, details, requests
from keepclear.formats.f3548.volumes import Altitude, Time, Wire
from keepclear.server.f3548.faults import Error


class Version(Wire, frozen=True):
    """What runs here."""

    version: str


class Nothing(Wire, frozen=True):
    """An empty object."""


class PoolOf(Wire, frozen=True):
    """The pool this instance is part of."""

    dar_id: str


class Certificates(Wire, frozen=True):
    """Certificates that instances take of one another."""

    CAs: tuple[str, ...]


class Options(Wire, frozen=True, omit_defaults=False):
    """Options that the instances of a pool must share."""

    scd_global_lock: bool
    scd_hash_lock: bool
    time_based_notification_index: bool


class SystemVersion(Wire, frozen=True):
    """GetVersionResponse."""

    system_identity: str
    system_version: str


class Report(Wire, frozen=True):
    """ErrorReport with its id."""

    exchange: requests.ExchangeRecord
    report_id: str


class Status(Wire, frozen=True):
    """StatusResponse."""

    status: str
    api_name: str
    api_version: str


class Cleared(Wire, frozen=True):
    """ClearAreaOutcome."""

    success: bool
    message: str | None = None


class ClearedAnswer(Wire, frozen=True):
    """ClearAreaResponse."""

    outcome: Cleared


class Position(Wire, frozen=True):
    """Position."""

    accuracy_h: str
    accuracy_v: str
    extrapolated: bool
    latitude: float | None = None
    longitude: float | None = None
    altitude: Altitude | None = None


class Velocity(Wire, frozen=True):
    """Velocity."""

    speed: float
    units_speed: str
    track: float


class VehicleTelemetry(Wire, frozen=True):
    """VehicleTelemetry."""

    time_measured: Time
    position: Position
    velocity: Velocity | None = None


class Telemetry(Wire, frozen=True):
    """GetOperationalIntentTelemetryResponse."""

    operational_intent_id: str
    telemetry: VehicleTelemetry
    next_telemetry_opportunity: Time | None = None


class Messages(Wire, frozen=True):
    """GetLogSetResponse, with the messages of the service that asks."""

    messages: tuple[requests.ExchangeRecord, ...]


class Token(Wire, frozen=True):
    """TokenResponse."""

    access_token: str


class OwnIntent(Wire, frozen=True):
    """OperationalIntent, as its manager gives it."""

    reference: answers.IntentReference
    details: details.IntentDetails


class GotOwnIntent(Wire, frozen=True):
    """GetOperationalIntentDetailsResponse."""

    operational_intent: OwnIntent


class LacksOrError(Error, frozen=True):
    """AirspaceConflictResponse, where OVNs are missing in the key; else ErrorResponse."""

    missing_operational_intents: tuple[answers.IntentReference, ...] | None = None
    missing_constraints: tuple[answers.ConstraintReference, ...] | None = None

"""What each operation of the UTM listener is called, takes, gives and refuses: what `openapi` makes its page from.

The names are those of the interfaces the operations belong to; where two interfaces share a name, that of Remote ID has
its edition before it. A test holds this to the tables of routes.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from keepclear.formats import flight_planning as fp
from keepclear.formats.f3411 import areas as rid
from keepclear.formats.f3411 import flights
from keepclear.formats.f3411.observation import DetailsShown, DisplayData
from keepclear.formats.f3548 import answers, details, requests
from keepclear.formats.f3548.volumes import Wire
from keepclear.server.f3548.pool import Instances
from keepclear.server.f3548.said import (
    Certificates,
    ClearedAnswer,
    GotOwnIntent,
    LacksOrError,
    Messages,
    Nothing,
    Options,
    PoolOf,
    Report,
    Status,
    SystemVersion,
    Telemetry,
    Token,
    Version,
)

UNKNOWN, CONFLICT, DOWN = 404, 409, 412


@dataclass(frozen=True, slots=True)
class Parameter:
    """What may stand in the query."""

    name: str
    kind: Any
    says: str
    required: bool = False


@dataclass(frozen=True, slots=True)
class About:
    """One operation. `name` is its operationId; `gives` the status of an answer and the type of its body (None: there
    is none; str: plain text). `refuses` are statuses beside those that every operation may answer, and 401 and 403.
    `writes`: whether it may be sent again under an Idempotency-Key.
    """

    name: str
    says: str
    gives: Any
    takes: Any = None
    status: int = 200
    refuses: tuple[int, ...] = ()
    query: tuple[Parameter, ...] = ()
    writes: bool = False
    bodies: Mapping[int, Any] = field(default_factory=dict)
    """Types of the bodies of refusals that are not `Error`."""


_Instant = datetime
_Text = Annotated[str, Meta(min_length=1, max_length=200)]
_Area = Annotated[str, Meta(pattern=r"^-?[0-9.]+(,-?[0-9.]+){5,}$")]

_View = Annotated[str, Meta(pattern=r"^-?[0-9.]+(,-?[0-9.]+){3}$")]


def _rid(edition: str, name: str, **fields: Any) -> type:
    return msgspec.defstruct(f"{name}{edition}", list(fields.items()), bases=(Wire,), frozen=True)


def _of_rid(base: str, edition: str, area: type, subscription: type, takes: tuple[type, type]) -> dict[str, About]:
    areas, subscriptions = f"{base}/dss/identification_service_areas", f"{base}/dss/subscriptions"
    got = _rid(edition, "AreaGot", service_area=area)
    found = _rid(edition, "AreasFound", service_areas=tuple[area, ...])  # type: ignore[valid-type]
    changed = _rid(edition, "AreaChanged", service_area=area, subscribers=tuple[rid.SubscriberToNotify, ...])
    listens = _rid(edition, "SubscriptionGot", subscription=subscription)
    listening = _rid(edition, "SubscriptionsFound", subscriptions=tuple[subscription, ...])  # type: ignore[valid-type]
    put = _rid(
        edition,
        "SubscriptionPut",
        subscription=subscription,
        service_areas=tuple[area, ...],  # type: ignore[valid-type]
    )
    where = (
        Parameter("area", _Area, "lat,lng,lat,lng,… of the vertices of an outline; degrees, WGS 84", required=True),
        Parameter("earliest_time", _Instant, "what ends before is not wanted"),
        Parameter("latest_time", _Instant, "what begins after is not wanted"),
    )
    own = (Parameter("area", _Area, "as in a search of areas", required=True),)

    def about(name: str, says: str, gives: Any, **more: Any) -> About:
        return About(f"{edition}_{name}", says, gives, **more)

    changes = {"writes": True, "refuses": (UNKNOWN, CONFLICT)}
    return {
        f"GET {areas}": about("searchIdentificationServiceAreas", "Areas that meet an outline", found, query=where),
        f"GET {areas}/{{id}}": about("getIdentificationServiceArea", "One area", got, refuses=(UNKNOWN,)),
        f"PUT {areas}/{{id}}": about(
            "createIdentificationServiceArea", "Say where there may be flights", changed, takes=takes[0], **changes
        ),
        f"PUT {areas}/{{id}}/{{version}}": about(
            "updateIdentificationServiceArea", "Change an area", changed, takes=takes[0], **changes
        ),
        f"DELETE {areas}/{{id}}/{{version}}": about(
            "deleteIdentificationServiceArea", "End an area", changed, **changes
        ),
        f"GET {subscriptions}": about("searchSubscriptions", "Own subscriptions", listening, query=own),
        f"GET {subscriptions}/{{id}}": about("getSubscription", "One subscription", listens, refuses=(UNKNOWN,)),
        f"PUT {subscriptions}/{{id}}": about(
            "createSubscription", "Ask to be told of areas", put, takes=takes[1], **changes
        ),
        f"PUT {subscriptions}/{{id}}/{{version}}": about(
            "updateSubscription", "Change a subscription", put, takes=takes[1], **changes
        ),
        f"DELETE {subscriptions}/{{id}}/{{version}}": about(
            "deleteSubscription", "End a subscription", listens, **changes
        ),
    }


_INTENTS, _CONSTRAINTS = "/dss/v1/operational_intent_references", "/dss/v1/constraint_references"
_SUBSCRIPTIONS, _USS = "/dss/v1/subscriptions", "/dss/v1/uss_availability/{uss_id}"
_LACKS = {CONFLICT: LacksOrError}

_DSS = {
    "POST /keepclear/v1/conflicts/query": About(
        "queryExactConflicts",
        "What is in the way in truth, to a centimetre, and what only by the cells of the DSS",
        answers.ConflictsFound,
        requests.Conflicts,
    ),
    f"POST {_INTENTS}/query": About(
        "queryOperationalIntentReferences", "References in an area", answers.IntentsFound, requests.Query
    ),
    f"GET {_INTENTS}/{{entityid}}": About(
        "getOperationalIntentReference", "One reference", answers.IntentGot, refuses=(UNKNOWN,)
    ),
    f"PUT {_INTENTS}/{{entityid}}": About(
        "createOperationalIntentReference",
        "Put an operational intent into the airspace",
        answers.IntentChanged,
        requests.PutIntent,
        status=201,
        refuses=(CONFLICT, DOWN),
        writes=True,
        bodies=_LACKS,
    ),
    f"PUT {_INTENTS}/{{entityid}}/{{ovn}}": About(
        "updateOperationalIntentReference",
        "Change an operational intent",
        answers.IntentChanged,
        requests.PutIntent,
        refuses=(CONFLICT, DOWN),
        writes=True,
        bodies=_LACKS,
    ),
    f"DELETE {_INTENTS}/{{entityid}}/{{ovn}}": About(
        "deleteOperationalIntentReference",
        "End an operational intent",
        answers.IntentChanged,
        refuses=(UNKNOWN, CONFLICT, DOWN),
        writes=True,
    ),
    f"POST {_CONSTRAINTS}/query": About(
        "queryConstraintReferences", "References in an area", answers.ConstraintsFound, requests.Query
    ),
    f"GET {_CONSTRAINTS}/{{entityid}}": About(
        "getConstraintReference", "One reference", answers.ConstraintGot, refuses=(UNKNOWN,)
    ),
    f"PUT {_CONSTRAINTS}/{{entityid}}": About(
        "createConstraintReference",
        "Put a constraint into the airspace",
        answers.ConstraintChanged,
        requests.PutConstraint,
        status=201,
        refuses=(CONFLICT,),
        writes=True,
    ),
    f"PUT {_CONSTRAINTS}/{{entityid}}/{{ovn}}": About(
        "updateConstraintReference",
        "Change a constraint",
        answers.ConstraintChanged,
        requests.PutConstraint,
        refuses=(CONFLICT,),
        writes=True,
    ),
    f"DELETE {_CONSTRAINTS}/{{entityid}}/{{ovn}}": About(
        "deleteConstraintReference",
        "End a constraint",
        answers.ConstraintChanged,
        refuses=(UNKNOWN, CONFLICT),
        writes=True,
    ),
    f"POST {_SUBSCRIPTIONS}/query": About(
        "querySubscriptions", "Own subscriptions in an area", answers.SubscriptionsFound, requests.Query
    ),
    f"GET {_SUBSCRIPTIONS}/{{subscriptionid}}": About(
        "getSubscription", "One of the own subscriptions", answers.SubscriptionGot, refuses=(UNKNOWN,)
    ),
    f"PUT {_SUBSCRIPTIONS}/{{subscriptionid}}": About(
        "createSubscription",
        "Ask to be told of changes",
        answers.SubscriptionPut,
        requests.PutSubscription,
        refuses=(CONFLICT,),
        writes=True,
    ),
    f"PUT {_SUBSCRIPTIONS}/{{subscriptionid}}/{{version}}": About(
        "updateSubscription",
        "Change a subscription",
        answers.SubscriptionPut,
        requests.PutSubscription,
        refuses=(CONFLICT,),
        writes=True,
    ),
    f"DELETE {_SUBSCRIPTIONS}/{{subscriptionid}}/{{version}}": About(
        "deleteSubscription",
        "End a subscription",
        answers.SubscriptionGot,
        refuses=(UNKNOWN, CONFLICT),
        writes=True,
    ),
    "POST /dss/v1/reports": About(
        "makeDssReport", "Report an exchange that went wrong", Report, requests.ErrorReport, status=201
    ),
    f"GET {_USS}": About("getUssAvailability", "What is known of a service", answers.AvailabilityGot),
    f"PUT {_USS}": About(
        "setUssAvailability",
        "Say whether a service is available",
        answers.AvailabilityGot,
        requests.PutAvailability,
        refuses=(CONFLICT,),
        writes=True,
    ),
}

_OWN = "/uss/v1/operational_intents"
_USS_SIDE = {
    f"GET {_OWN}/{{entityid}}": About(
        "getOperationalIntentDetails", "Details of an own intent", GotOwnIntent, refuses=(UNKNOWN,)
    ),
    f"GET {_OWN}/{{entityid}}/telemetry": About(
        "getOperationalIntentTelemetry",
        "Where an off-nominal flight was last",
        Telemetry,
        refuses=(UNKNOWN, CONFLICT, DOWN),
    ),
    f"POST {_OWN}": About(
        "notifyOperationalIntentDetailsChanged",
        "Tell of an intent of one's own",
        None,
        details.IntentHeard,
        status=204,
        refuses=(CONFLICT,),
    ),
    "GET /uss/v1/constraints/{entityid}": About(
        "getConstraintDetails", "Details of an own constraint", details.GotConstraint, refuses=(UNKNOWN,)
    ),
    "POST /uss/v1/constraints": About(
        "notifyConstraintDetailsChanged",
        "Tell of a constraint of one's own",
        None,
        details.ConstraintHeard,
        status=204,
        refuses=(CONFLICT,),
    ),
    "POST /uss/v1/reports": About(
        "makeUssReport", "Report an exchange that went wrong", Report, requests.ErrorReport, status=201
    ),
    "GET /uss/v1/log_sets/{log_set_id}": About(
        "getLogSet", "What the asker sent of an entity", Messages, refuses=(UNKNOWN,)
    ),
}

_FLIGHTS = "/flight_planning/v1"
_PLANNING = {
    f"GET {_FLIGHTS}/status": About("GetStatus", "Whether tests may begin", Status),
    f"POST {_FLIGHTS}/clear_area_requests": About(
        "ClearArea", "End all own flights in an area", ClearedAnswer, fp.Clear, refuses=(CONFLICT,)
    ),
    f"PUT {_FLIGHTS}/flight_plans/{{flight_plan_id}}": About(
        "UpsertFlightPlan", "Plan or change a flight", fp.PlanAnswer, fp.Upsert, refuses=(CONFLICT,)
    ),
    f"DELETE {_FLIGHTS}/flight_plans/{{flight_plan_id}}": About(
        "DeleteFlightPlan", "End a flight", fp.PlanAnswer, refuses=(UNKNOWN, CONFLICT)
    ),
    f"GET {_FLIGHTS}/user_notifications": About(
        "QueryUserNotifications",
        "What the asker was told of conflicts",
        fp.UserNotifications,
        query=(
            Parameter("after", _Instant, "from when on", required=True),
            Parameter("before", _Instant, "until when; now if not given"),
        ),
    ),
}

_AUX = {
    "GET /aux/v1/version": About("getVersion", "What runs here", Version),
    "GET /aux/v1/validate_oauth": About(
        "validateOauth", "Whether a token is good", Nothing, query=(Parameter("owner", _Text, "whose it must be"),)
    ),
    "GET /aux/v1/pool": About("getPool", "The pool this instance is part of", PoolOf),
    "GET /aux/v1/pool/dss_instances": About("getDSSInstances", "Known instances", Instances),
    "PUT /aux/v1/pool/dss_instances/heartbeat": About(
        "putDSSInstancesHeartbeat",
        "A sign of life",
        Instances,
        status=201,
        query=(
            Parameter("source", _Text, "what beats", required=True),
            Parameter("timestamp", _Instant, "when; now if not given"),
            Parameter("next_heartbeat_expected_before", _Instant, "when the next one comes"),
        ),
    ),
    "GET /aux/v1/configuration/accepted_ca_certs": About("getAcceptedCAs", "None are needed", Certificates),
    "GET /aux/v1/configuration/ca_certs": About("getInstanceCAs", "None are needed", Certificates),
    "GET /aux/v1/configuration/global_options": About("getGlobalOptions", "Options of a pool", Options),
    "GET /healthy": About("healthy", "Whether this listener answers", str),
    "GET /versioning/versions/{system_identity}": About("GetVersion", "What runs here", SystemVersion),
    "GET /versions/{system_identity}": About("GetVersionOfDss", "What runs here", SystemVersion),
    "GET /token": About(
        "getToken",
        "An access token for whoever asks; on development machines only",
        Token,
        query=(
            Parameter("sub", _Text, "who calls", required=True),
            Parameter("intended_audience", _Text, "for whom it is", required=True),
            Parameter("scope", str, "words with spaces between them", required=True),
            Parameter("issuer", _Text, "who is said to have signed it"),
            Parameter("expire", Annotated[int, Meta(ge=0)], "seconds since 1970"),
        ),
    ),
    "GET /openapi.json": About("getOpenapi", "This page", dict[str, Any]),
}

_VIEW = Parameter("view", _View, "lat1,lng1,lat2,lng2 of two corners; degrees, WGS 84; 7 km at most", required=True)
_RECENT = Annotated[float, Meta(ge=0.0, le=60.0)]

_RID_USS = {
    "GET /rid/v2/uss/flights": About(
        "rid_v2_searchFlights",
        "Flights in a view",
        flights.Flights,
        query=(_VIEW, Parameter("recent_positions_duration", _RECENT, "seconds; 0 if not given")),
    ),
    "GET /rid/v2/uss/flights/{id}/details": About(
        "rid_v2_getFlightDetails", "What is told of a flight", flights.GotDetails, refuses=(UNKNOWN,)
    ),
    "GET /rid/v2/uss/identification_service_areas/{id}": About(
        "rid_v2_getIdentificationServiceAreaDetails", "Where an area is", flights.GotAreaDetails, refuses=(UNKNOWN,)
    ),
    "GET /rid/v2/observation/display_data": About(
        "rid_getDisplayData", "What a view shows, as told by others and not verified", DisplayData, query=(_VIEW,)
    ),
    "GET /rid/v2/observation/display_data/{id}": About(
        "rid_getDetails", "What is told of a flight that was shown", DetailsShown, refuses=(UNKNOWN,)
    ),
}

ABOUT: Mapping[str, About] = {
    **_DSS,
    **_USS_SIDE,
    **_PLANNING,
    **_AUX,
    **_of_rid("/rid/v2", "rid_v2", rid.Area22a, rid.Subscription22a, (rid.Put22a, rid.Put22a)),
    **_RID_USS,
    **_of_rid("/v1", "rid_v1", rid.Area19, rid.Subscription19, (rid.PutArea19, rid.PutSubscription19)),
}
"""By method and path, as in the tables of routes."""

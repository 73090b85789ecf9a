"""F3411-22a, the paths under /rid/v2/uss: the flights of this node's parties, for display providers.

Who looks at the details of a flight is put on record before the answer goes out.
"""

from __future__ import annotations

from datetime import timedelta

from keepclear.formats.f3411 import flights as says
from keepclear.formats.f3411.search import read_seconds, read_view
from keepclear.formats.f3548.volumes import entity_id
from keepclear.model.utm import RidEdition, Way
from keepclear.node.calling import exchange
from keepclear.node.rid import RemoteId, shown
from keepclear.server.f3548.app import Services
from keepclear.server.f3548.own_uss import RID_BASE
from keepclear.server.f3548.routes import Answer, Call, Route, answer_json
from keepclear.utm.display import check_view, volume_of
from keepclear.utm.index import extent_of
from keepclear.utm.rid import areas_in
from keepclear.utm.ruling import NotFound
from keepclear.utm.scopes import RID_DISPLAY_PROVIDER


async def search_flights(services: Services, call: Call) -> Answer:
    """searchFlights: those that were in the view within the last minute."""
    view = read_view(call.query)
    recent = timedelta(seconds=read_seconds(call.query, "recent_positions_duration", 60.0))
    check_view(view)
    own, now = _own(services), services.desk.now()
    found = []
    for flight in await own.flights():
        fixes = shown(flight, view, recent, now)
        if fixes is not None:
            found.append(says.flight_of(flight.id, flight.last.fix, fixes))
    ledger = await services.desk.ledger()
    here = areas_in(ledger, extent_of((volume_of(view),)), RidEdition.V22A, now)
    is_there = any(each.uss_base_url == own.url for each in here)
    return answer_json(says.flights_at(now, found, areas=is_there))


async def get_details(services: Services, call: Call) -> Answer:
    """getFlightDetails."""
    id = call.path["id"]
    if not any(flight.id == id for flight in await _own(services).flights()):
        raise NotFound("there is no such flight now", field="id", id=id)
    at = services.desk.now()
    await services.desk.file(exchange(Way.RECEIVED, call.asker.sub, "getFlightDetails", at, "200", entity=id))
    return answer_json(says.details_of(id))


async def get_area(services: Services, call: Call) -> Answer:
    """getIdentificationServiceAreaDetails, of an area of this node."""
    id = entity_id(call.path["id"], "id")
    found = [each for each in _own(services).own_areas(await services.desk.ledger()) if each.id == id]
    if not found:
        raise NotFound("this service has no area under this id", field="id", id=id)
    return answer_json(says.area_details(found[0]))


def _own(services: Services) -> RemoteId:
    if services.uss is None:
        raise TypeError("these routes are for a node that is a USS")
    return services.uss.remote_id


_DISPLAYS = (RID_DISPLAY_PROVIDER,)

ROUTES = (
    Route("GET", f"{RID_BASE}/uss/flights", search_flights, _DISPLAYS),
    Route("GET", f"{RID_BASE}/uss/flights/{{id}}/details", get_details, _DISPLAYS),
    Route("GET", f"{RID_BASE}/uss/identification_service_areas/{{id}}", get_area, _DISPLAYS),
)

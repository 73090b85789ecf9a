"""The field's interface to what a Remote ID display provider shows (InterUSS automated testing, rid/v1/observation)."""

from __future__ import annotations

from keepclear.formats.f3411.observation import DisplayData, shown_cluster, shown_details, shown_flight
from keepclear.formats.f3411.search import read_view
from keepclear.formats.f3548.volumes import entity_id
from keepclear.node.rid_display import RemoteIdDisplay
from keepclear.server.f3548.app import Services
from keepclear.server.f3548.own_uss import RID_BASE
from keepclear.server.f3548.routes import Answer, Call, Route, answer_json
from keepclear.utm.scopes import RID_DISPLAY_PROVIDER, RID_V19_READ


async def get_display(services: Services, call: Call) -> Answer:
    """getDisplayData."""
    display = await _display(services).show(read_view(call.query))
    flights = tuple([shown_flight(each.id, each.flight, each.positions) for each in display.flights])
    clusters = tuple([shown_cluster(each.box, each.area_m2, each.flights) for each in display.clusters])
    return answer_json(DisplayData(flights, clusters))


async def get_details(services: Services, call: Call) -> Answer:
    """getDetails."""
    return answer_json(shown_details(await _display(services).details(entity_id(call.path["id"], "id"))))


def _display(services: Services) -> RemoteIdDisplay:
    if services.uss is None:
        raise TypeError("these routes are for a node that is a USS")
    return services.uss.display


_OBSERVES = (RID_DISPLAY_PROVIDER, RID_V19_READ)

ROUTES = (
    Route("GET", f"{RID_BASE}/observation/display_data", get_display, _OBSERVES),
    Route("GET", f"{RID_BASE}/observation/display_data/{{id}}", get_details, _OBSERVES),
)

"""The listener of a node that is a USS beside its DSS: `tests.node.skies` with `tests.server.f3548.surface`."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Coroutine
from typing import Any, cast

from keepclear.model.utm import UtmVolume
from keepclear.node.clock import HandClock
from keepclear.node.hearing import Hearing
from keepclear.server.f3548 import planning, rid_display, rid_flights, uss
from keepclear.server.f3548.app import Services, UtmApp
from keepclear.server.f3548.auth import Verifier
from keepclear.server.f3548.listener import ROUTES
from keepclear.server.f3548.own_uss import OwnUss
from keepclear.server.f3548.settings import Settings
from keepclear.store import MemoryStore
from tests.node.skies import Service, Sky, sky
from tests.server.f3548.surface import ByName, Dss
from tests.utm.cast import T0, volume

PLANS = "/flight_planning/v1/flight_plans"
PLAN, DIRECT = "interuss.flight_planning.plan", "interuss.flight_planning.direct_automated_test"


class UssSide(Dss):
    """A listener with everything of the USS side, and the sky it is in."""

    def __init__(self, here: Sky, clock: HandClock) -> None:
        self.here = here
        self.node = here.node
        self.clock = clock
        hearing = Hearing(here.uss)
        own = OwnUss(here.uss, hearing, here.notifier, here.outbound, here.remote_id, here.display)
        settings = Settings(allow_http_base_urls=True)
        verifier = cast(Verifier, ByName())
        self.services = Services(desk=here.desk, settings=settings, node=here.node, verifier=verifier, uss=own)
        routes = (*ROUTES, *uss.ROUTES, *planning.ROUTES, *rid_flights.ROUTES, *rid_display.ROUTES)
        self.app = UtmApp(self.services, routes)


def uss_side(work: Callable[[UssSide, Service], Coroutine[Any, Any, None]], rid_parties: Collection[str] = ()) -> None:
    """Run a test with such a listener and one other service on loopback."""

    async def played() -> None:
        async with Service() as alfa:
            clock = HandClock(T0)
            here = await sky(MemoryStore(), clock, alfa, rid_parties=rid_parties)
            try:
                await work(UssSide(here, clock), alfa)
            finally:
                await here.stop()

    asyncio.run(played())


def wire(one: UtmVolume | None = None, reference: str = "W84") -> dict[str, Any]:
    """A volume as both interfaces write it."""
    one = one or volume()
    assert one.circle is not None
    centre = one.circle.centre
    shape: dict[str, Any] = {
        "outline_circle": {
            "center": {"lat": centre.lat_deg, "lng": centre.lng_deg},
            "radius": {"value": one.circle.radius_m, "units": "M"},
        }
    }
    for name, height in (("altitude_lower", one.lower_m), ("altitude_upper", one.upper_m)):
        if height is not None:
            shape[name] = {"value": height, "reference": reference, "units": "M"}
    found: dict[str, Any] = {"volume": shape}
    for name, moment in (("time_start", one.starts_at), ("time_end", one.ends_at)):
        if moment is not None:
            found[name] = {"value": moment.isoformat().replace("+00:00", "Z"), "format": "RFC3339"}
    return found


def plan(
    *volumes: UtmVolume,
    usage: str = "Planned",
    uas: str = "Nominal",
    priority: int = 0,
    request_id: str = "",
    style: str = "IfAllowed",
    **more: Any,
) -> dict[str, Any]:
    """UpsertFlightPlanRequest; a new request each time unless it has an id."""
    plan.count += 1  # type: ignore[attr-defined]
    return {
        "flight_plan": {
            "basic_information": {
                "usage_state": usage,
                "uas_state": uas,
                "area": [wire(each) for each in volumes or (volume(),)],
            },
            "astm_f3548_21": {"priority": priority},
            **more,
        },
        "execution_style": style,
        "request_id": request_id or f"request {plan.count}",  # type: ignore[attr-defined]
    }


plan.count = 0  # type: ignore[attr-defined]

"""What is offered as Remote ID in a view, for the console's map: somebody's word, and labelled as that."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any

import msgspec
from litestar import Request, get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from keepclear.formats.f3411.flights import NO_HEIGHT
from keepclear.formats.f3411.search import read_view
from keepclear.node.rid_display import Display, RemoteIdDisplay, Seen
from keepclear.phrases import LANGUAGES, say
from keepclear.server.problems import NoSuch
from keepclear.utm.display import Cluster

LABEL = "console.remote_id.label"


class RemoteIdFlight(msgspec.Struct, frozen=True, kw_only=True):
    """A flight as `service` (a host) tells of it: where it says it was at `at`. `id` is this node's own for it."""

    id: str
    service: str
    at: datetime
    lat_deg: float
    lon_deg: float
    alt_wgs84_m: float | None
    simulated: bool


class RemoteIdCluster(msgspec.Struct, frozen=True, kw_only=True):
    """How many flights are somewhere in a box, in degrees; in a large view no more is shown."""

    south_deg: float
    west_deg: float
    north_deg: float
    east_deg: float
    flights: int


class RemoteIdView(msgspec.Struct, frozen=True, kw_only=True):
    """What a view shows. `label` is to stand beside it, by language; `silent` are hosts that gave no proper answer."""

    label: dict[str, str]
    flights: list[RemoteIdFlight]
    clusters: list[RemoteIdCluster]
    silent: list[str]


def remote_id_route(display: Callable[[], RemoteIdDisplay | None]) -> HTTPRouteHandler:
    """The route; `display` gives what shows flights, if this node is a Remote ID display provider."""

    @get("/api/remote-id", opt={"everyone": True})
    async def remote_id(
        request: Request[Any, Any, Any],
        view: Annotated[str, QueryParameter(description="two corners, lat,lng,lat,lng; degrees, 7 km apart at most")],
    ) -> RemoteIdView:
        """Who flies in a view now, as other services tell (ASTM F3411). Not verified; it is kept nowhere."""
        shows = display()
        if shows is None:
            raise NoSuch("this node shows no Remote ID", field="remote_id")
        return _shown(await shows.show(read_view({"view": view})))

    return remote_id


def _shown(display: Display) -> RemoteIdView:
    return RemoteIdView(
        label={lang: say(lang, LABEL) for lang in LANGUAGES},
        flights=[_flight(each) for each in display.flights],
        clusters=[_cluster(each) for each in display.clusters],
        silent=list(display.silent),
    )


def _flight(seen: Seen) -> RemoteIdFlight:
    position = seen.last.position
    return RemoteIdFlight(
        id=seen.id,
        service=seen.service,
        at=seen.last.time.value,
        lat_deg=position.lat,
        lon_deg=position.lng,
        alt_wgs84_m=None if position.alt == NO_HEIGHT else position.alt,
        simulated=seen.flight.simulated,
    )


def _cluster(cluster: Cluster) -> RemoteIdCluster:
    south, west, north, east = cluster.box
    return RemoteIdCluster(south_deg=south, west_deg=west, north_deg=north, east_deg=east, flights=cluster.flights)

"""The line on which UTM services take part, from the settings of the listener."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from msgspec import Meta

from keepclear.errors import Malformed
from keepclear.line.utm_plans import Terms
from keepclear.model.base import Id, Latitude, Longitude, Name, Radius, Value
from keepclear.model.places import LatLon
from keepclear.model.volumes import Circle
from keepclear.node.node import Node
from keepclear.node.uss import Uss
from keepclear.node.utm_bridge import UtmBridge
from keepclear.utm.asked import Rules


class LineArea(Value, frozen=True, kw_only=True):
    """What of the services' plans the line is about: all within `radius_m` of a place, and what the place is called."""

    name: Name
    lat_deg: Latitude
    lon_deg: Longitude
    radius_m: Radius


class LineSettings(Value, frozen=True, kw_only=True):
    """`line`: the line on which `party`, a party of this node that stands for UTM services, says what they plan, if it
    meets `area` and begins within `hours`; requests to that party are told to the services.
    """

    line: Id
    party: Id
    area: LineArea
    hours: Annotated[float, Meta(gt=0.0, le=720.0)] = 24.0


def open_bridge(node: Node, settings: LineSettings, uss: Uss, rules: Rules, file: str) -> UtmBridge:
    """The bridge to a line, which may be opened later. Malformed (`line.party`) if the party is not this node's."""
    if settings.party not in node.state.hosted():
        message = "this node does not speak for that party"
        raise Malformed(message, field=f"{file}.line.party", code="not_hosted", author=settings.party)
    area = settings.area
    terms = Terms(
        line=settings.line,
        party=settings.party,
        area=Circle(centre=LatLon(lat_deg=area.lat_deg, lon_deg=area.lon_deg), radius_m=area.radius_m),
        place=area.name,
        ahead=timedelta(hours=settings.hours),
        manager=uss.manager,
    )
    return UtmBridge(node, uss, terms, rules)

"""How large, how long and how far ahead what a service asks may be, and whether its outlines are outlines.

The limits are those of F3548-21 where it sets one, else those the field's DSSs keep to. An outline may have 2,500 km²,
a constraint 10,000 km² in all. For circles neither sets a limit: here the most is 10,000 km², so that one request
covers no more cells than can be answered for. An intent or a constraint has ended when the last of its volumes has; it
begins with the first. Queries may be about the past, and about one moment or one height.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from keepclear.errors import Malformed, Refused
from keepclear.geometry.cells import circle_area_km2
from keepclear.geometry.simple import simple_area_km2
from keepclear.model.utm import MAX_OUTLINE, UtmVolume
from keepclear.utm.index import Extent, extent_of
from keepclear.utm.ruling import TooLarge

MAX_OUTLINE_KM2 = 2_500.0
MAX_CONSTRAINT_KM2 = 10_000.0
"""F3548-21, CstrMaxArea."""
MAX_CIRCLE_KM2 = 10_000.0


@dataclass(frozen=True, slots=True)
class Limits:
    """What one kind of request must keep to. `ahead` is from now to its start, `lasts` from its start to its end."""

    vertices: int = MAX_OUTLINE
    outline_km2: float = MAX_OUTLINE_KM2
    whole_km2: float | None = None
    ahead: timedelta | None = None
    lasts: timedelta | None = None
    listed: bool = False
    """Whether there may be several volumes, which are named by number."""
    timed: bool = False
    banded: bool = False
    """Whether every volume needs both its times, both its heights."""
    looks: bool = False
    """A query: it claims nothing, so it may be over, and of one moment or height."""


INTENT = Limits(ahead=timedelta(days=30), listed=True, timed=True, banded=True)
"""OiMaxVertices, OiMaxPlanHorizon."""
CONSTRAINT = Limits(
    vertices=1_000,
    outline_km2=MAX_CONSTRAINT_KM2,
    whole_km2=MAX_CONSTRAINT_KM2,
    ahead=timedelta(days=56),
    listed=True,
    timed=True,
)
"""CstrMaxVertices, CstrMaxArea, CstrMaxPlanningHorizon."""
SUBSCRIPTION = Limits(lasts=timedelta(hours=24))
"""DSSMaxSubscriptionDuration; also of F3411 (NetDSSMaxSubscriptionDuration)."""
AREA = Limits()
"""An identification service area (F3411)."""
QUERY = Limits(looks=True)


@dataclass(frozen=True, slots=True)
class Names:
    """What the wire calls the parts of a volume."""

    vertices: str = "volume.outline_polygon.vertices"
    circle: str = "volume.outline_circle"
    lower: str = "volume.altitude_lower"
    upper: str = "volume.altitude_upper"
    starts: str = "time_start"
    ends: str = "time_end"


WIRE = Names()
"""F3548-21, and F3411-22a."""


def check_volumes(
    volumes: Sequence[UtmVolume], now: datetime, limits: Limits, field: str = "extents", names: Names = WIRE
) -> Extent:
    """The extent of volumes that keep to the limits. What has no times yet is checked again once it has.

    Malformed naming the part at fault, such as `extents[0].volume.outline_polygon.vertices[3]`; for a query of too
    large an area TooLarge.
    """
    if not volumes:
        raise Malformed("at least one volume must be given", field=field, code="missing_field")
    where = [f"{field}[{number}]" for number in range(len(volumes))] if limits.listed else [field]
    count = sum(len(volume.polygon) or 1 for volume in volumes)
    if count > limits.vertices:
        raise Malformed(
            f"all outlines together have at most {limits.vertices} vertices, not {count}",
            field=field if limits.listed else f"{field}.{names.vertices}",
            code="utm_vertices_most",
            count=count,
            most=limits.vertices,
        )
    for volume, at in zip(volumes, where, strict=True):
        _check_bounds(volume, limits, at, names)
    _check_times(volumes, now, limits, where, names)
    whole_km2 = 0.0
    for volume, at in zip(volumes, where, strict=True):
        whole_km2 += _checked_area_km2(volume, limits, at, names)
    if limits.whole_km2 is not None and whole_km2 > limits.whole_km2:
        raise _too_large(limits, field, whole_km2, limits.whole_km2)
    try:
        return extent_of(volumes)
    except Malformed as refusal:
        kind = TooLarge if limits.looks else Malformed
        raise kind(refusal.message, field=field, code="too_large") from refusal


def _check_bounds(volume: UtmVolume, limits: Limits, at: str, names: Names) -> None:
    """What must be there is, and is in order."""
    for needed, value, name, message in (
        (limits.timed, volume.starts_at, names.starts, "a start time must be given"),
        (limits.timed, volume.ends_at, names.ends, "an end time must be given"),
        (limits.banded, volume.lower_m, names.lower, "a lower height must be given"),
        (limits.banded, volume.upper_m, names.upper, "an upper height must be given"),
    ):
        if needed and value is None:
            raise Malformed(message, field=f"{at}.{name}", code="missing_field")
    starts, ends, lower, upper = volume.starts_at, volume.ends_at, volume.lower_m, volume.upper_m
    if starts is not None and ends is not None and (ends < starts or (ends == starts and not limits.looks)):
        raise Malformed("it must end after it starts", field=f"{at}.{names.ends}", code="times_order")
    if lower is not None and upper is not None and (upper < lower or (upper == lower and not limits.looks)):
        raise Malformed("its top must be above its bottom", field=f"{at}.{names.upper}", code="utm_heights")


def _check_times(volumes: Sequence[UtmVolume], now: datetime, limits: Limits, where: list[str], names: Names) -> None:
    """The whole is not over, does not begin too far ahead and does not last too long."""
    starts = [volume.starts_at for volume in volumes if volume.starts_at is not None]
    ends = [volume.ends_at for volume in volumes if volume.ends_at is not None]
    if not limits.looks and len(ends) == len(volumes) and max(ends) < now:
        place = ends.index(max(ends))
        raise Malformed("the end time is over", field=f"{where[place]}.{names.ends}", code="in_the_past")
    if limits.ahead is not None and starts and min(starts) - now > limits.ahead:
        place = starts.index(min(starts))
        raise Malformed(
            f"it begins more than {limits.ahead.days} days ahead",
            field=f"{where[place]}.{names.starts}",
            code="utm_too_far_ahead",
            days=limits.ahead.days,
        )
    if limits.lasts is not None and starts and ends and max(ends) - min(starts) > limits.lasts:
        raise Malformed("a subscription lasts 24 hours at most", field=f"{where[0]}.{names.ends}", code="utm_too_long")


def _checked_area_km2(volume: UtmVolume, limits: Limits, at: str, names: Names) -> float:
    if volume.circle is not None:
        field, area_km2, most = f"{at}.{names.circle}", circle_area_km2(volume.circle.radius_m), MAX_CIRCLE_KM2
    else:
        field, most = f"{at}.{names.vertices}", limits.outline_km2
        lat_deg, lng_deg = [each.lat_deg for each in volume.polygon], [each.lng_deg for each in volume.polygon]
        try:
            area_km2 = simple_area_km2(lat_deg, lng_deg, field)
        except Malformed as refusal:
            if refusal.code == "too_large" and limits.looks:
                raise TooLarge(refusal.message, field=field) from refusal
            raise
    if area_km2 > most:
        raise _too_large(limits, field, area_km2, most)
    return area_km2


def _too_large(limits: Limits, field: str, area_km2: float, most_km2: float) -> Refused:
    message = f"the area has {area_km2:,.0f} km²; {most_km2:,.0f} km² is the most"
    kind, code = (TooLarge, TooLarge.code) if limits.looks else (Malformed, "utm_area")
    return kind(message, field=field, code=code, area_km2=round(area_km2), most_km2=round(most_km2))

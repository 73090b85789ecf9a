"""What areas and subscriptions of network Remote ID have in common (F3411, both editions)."""

from __future__ import annotations

import re
from datetime import datetime, timedelta
from typing import NamedTuple

from msgspec.structs import replace

from keepclear.errors import Malformed
from keepclear.model.utm import EntityKind, RidArea, RidEdition, RidSubscription, UtmVolume
from keepclear.utm.asked import RidAsked, Rules
from keepclear.utm.demands import check_id, check_url
from keepclear.utm.index import Extent
from keepclear.utm.ledger import Ledger
from keepclear.utm.limits import QUERY, WIRE, Limits, Names, check_volumes
from keepclear.utm.ruling import Asker, NotAllowed, NotFound, Stale
from keepclear.utm.telling import present
from keepclear.utm.versions import CLOCK_SKEW

_VERSION = re.compile(r"[0-9a-f]{1,24}")
_SEARCHED = Names(vertices="vertices")


class Words(NamedTuple):
    """What an edition calls the parts of what is asked."""

    volume: Names
    area_url: str
    subscription_url: str


WORDS = {
    RidEdition.V19: Words(
        Names(
            vertices="spatial_volume.footprint.vertices",
            circle="spatial_volume.footprint",
            lower="spatial_volume.altitude_lo",
            upper="spatial_volume.altitude_hi",
        ),
        "flights_url",
        "callbacks.identification_service_area_url",
    ),
    RidEdition.V22A: Words(WIRE, "uss_base_url", "uss_base_url"),
}


def check_asked(id: str, asked: RidAsked, url_field: str, rules: Rules) -> None:
    """Malformed unless the id is a UUID and the URL one that may be called."""
    check_id(id, "id")
    check_url(asked.uss_base_url, url_field, rules)


def timed(asked: RidAsked, now: datetime, held: UtmVolume | None, limits: Limits, lasts: timedelta | None) -> UtmVolume:
    """The volume with both its times. Malformed if one is missing, or it does not keep to the limits.

    Times not given are those `held`; without one it starts now, and lasts as long as it may, if `lasts` says how long.
    A start lies at most `CLOCK_SKEW` in the past, or is the one that is held.
    """
    names = WORDS[asked.edition].volume
    first, last = (None, None) if held is None else (held.starts_at, held.ends_at)
    starts_at = asked.volume.starts_at or first or now
    ends_at = asked.volume.ends_at or last or (None if lasts is None else starts_at + lasts)
    if ends_at is None:
        raise Malformed("an end time must be given", field=f"extents.{names.ends}", code="missing_field")
    volume = replace(asked.volume, starts_at=starts_at, ends_at=ends_at)
    check_volumes((volume,), now, limits, names=names)
    if starts_at != first and now - starts_at > CLOCK_SKEW:
        raise Malformed("it starts now or later", field=f"extents.{names.starts}", code="in_the_past")
    return volume


def check_version(version: str) -> None:
    """Malformed if a version is none that could ever have been given (`keepclear.utm.versions`); it may be outdated."""
    if not version:
        raise Malformed("the version must be given", field="version", code="missing_field")
    if not _VERSION.fullmatch(version):
        raise Malformed("this is no version", field="version", code="utm_no_version")


def check_held(held: RidArea | RidSubscription, asker: Asker, version: str) -> None:
    """NotAllowed if it is another's, Stale if it has another version."""
    if held.owner != asker.sub:
        raise NotAllowed("it is another service's", field="id")
    if held.version != version:
        raise Stale("the version given is not the current one", field="version")


def not_here(id: str) -> NotFound:
    """There is nothing under this id, in this edition."""
    return NotFound("there is nothing under this id", field="id", id=id)


def taken(id: str) -> Stale:
    """There is something under this id, in whichever edition."""
    return Stale("the id is taken", field="id", code="id_taken", id=id)


def searched(volume: UtmVolume, now: datetime) -> Extent:
    """The extent of what is searched. Malformed (`area…`) if it is not in order, TooLarge if it is too large."""
    return check_volumes((volume,), now, QUERY, "area", _SEARCHED)


def areas_in(ledger: Ledger, extent: Extent, edition: RidEdition, now: datetime) -> list[RidArea]:
    """The areas of one edition that meet an extent and have not ended."""
    found = [ledger.areas[name] for name in present(ledger, EntityKind.AREA, extent, now)]
    return [each for each in found if each.edition is edition]


def subscriptions_in(ledger: Ledger, extent: Extent, edition: RidEdition, now: datetime) -> list[RidSubscription]:
    """The subscriptions of one edition, whoever's, that meet an extent and have not ended."""
    found = [ledger.rid_subscriptions[name] for name in present(ledger, EntityKind.RID_SUBSCRIPTION, extent, now)]
    return [each for each in found if each.edition is edition]

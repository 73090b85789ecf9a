"""What every request must keep to before anything is looked up: ids, base URLs, bounds in height and time."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from keepclear.errors import Malformed
from keepclear.model.utm import UtmVolume
from keepclear.utm.asked import Rules

MAX_URL = 2_000
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_URL = re.compile(r"(https?)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~-]+)(:[0-9]{1,5})?(/[!-~]*|\?[!-~]*)?")


def check_id(id: str, field: str) -> None:
    """Malformed unless the id is a UUID in lower case (F3548-21, UUIDv4Format)."""
    if not _ID.fullmatch(id):
        raise Malformed("an id is a UUID in lower case", field=field, code="utm_not_uuid")


def check_url(url: str, field: str, rules: Rules) -> None:
    """Malformed unless it is an absolute https URL without user or fragment; http only if the operator allows it."""
    found = _URL.fullmatch(url) if len(url) <= MAX_URL else None
    if found is None or "#" in url:
        raise Malformed("a base URL is absolute, without user name or fragment", field=field, code="utm_url")
    if found[1] == "http" and not rules.allow_http_base_urls:
        raise Malformed("a base URL must begin with https", field=field, code="utm_url_https")


def check_bounds(volumes: Sequence[UtmVolume], now: datetime, *, heights: bool) -> None:
    """Malformed unless every volume has a start and an end, and the last of them has not ended.

    `heights`: every volume needs a lower and an upper height too (F3548-21, PutOperationalIntentReferenceParameters).
    """
    for place, volume in enumerate(volumes):
        field = f"extents[{place}]"
        if volume.starts_at is None:
            raise Malformed("a start time must be given", field=f"{field}.time_start", code="missing_field")
        if volume.ends_at is None:
            raise Malformed("an end time must be given", field=f"{field}.time_end", code="missing_field")
        for height, name in ((volume.lower_m, "altitude_lower"), (volume.upper_m, "altitude_upper")):
            if heights and height is None:
                raise Malformed("a height must be given", field=f"{field}.volume.{name}", code="missing_field")
    check_order(volumes)
    if max(volume.ends_at for volume in volumes if volume.ends_at is not None) < now:
        raise Malformed("the end time is over", field="extents", code="in_the_past")


def check_order(volumes: Sequence[UtmVolume], field: str = "extents") -> None:
    """Malformed unless there is a volume, and no volume ends before it starts or has its top below its bottom."""
    if not volumes:
        raise Malformed("at least one volume must be given", field=field, code="missing_field")
    for volume in volumes:
        if volume.starts_at is not None and volume.ends_at is not None and volume.ends_at < volume.starts_at:
            raise Malformed("it ends before it starts", field=f"{field}.time_end", code="times_order")
        if volume.lower_m is not None and volume.upper_m is not None and volume.upper_m < volume.lower_m:
            raise Malformed("its top is below its bottom", field=f"{field}.volume.altitude_upper", code="utm_heights")

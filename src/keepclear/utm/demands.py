"""What every request must keep to before anything is looked up: ids, base URLs, areas that may be searched."""

from __future__ import annotations

import re
from datetime import datetime

from keepclear.errors import Malformed
from keepclear.model.utm import UtmVolume
from keepclear.utm.asked import Rules
from keepclear.utm.index import Extent
from keepclear.utm.limits import QUERY, check_volumes
from keepclear.utm.ruling import TooLarge

MAX_URL = 2_000
MAX_PORT = 65_535
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_URL = re.compile(r"(https?)://(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9._~-]+)(:[0-9]{1,5})?(/[!-~]*|\?[!-~]*)?")


def check_id(id: str, field: str) -> None:
    """Malformed unless the id is a UUID in lower case (F3548-21, UUIDv4Format)."""
    if not _ID.fullmatch(id):
        raise Malformed("an id is a UUID in lower case", field=field, code="utm_not_uuid")


def check_url(url: str, field: str, rules: Rules) -> None:
    """Malformed unless it is an absolute https URL without user or fragment; http only if the operator allows it."""
    found = _URL.fullmatch(url) if len(url) <= MAX_URL else None
    if found is None or "#" in url or int((found[3] or ":443")[1:]) > MAX_PORT:
        raise Malformed("a base URL is absolute, without user name or fragment", field=field, code="utm_url")
    if found[1] == "http" and not rules.allow_http_base_urls:
        raise Malformed("a base URL must begin with https", field=field, code="utm_url_https")


def check_searched(volume: UtmVolume, now: datetime) -> Extent:
    """The extent of an area that is searched for intents or constraints. Malformed if it is not in order, or too large.

    The standard would have 413 for what is too large; the field's services and their tests expect 400.
    """
    try:
        return check_volumes((volume,), now, QUERY, "area_of_interest")
    except TooLarge as refusal:
        raise Malformed(refusal.message, field=refusal.field, code=refusal.code, **refusal.values) from refusal

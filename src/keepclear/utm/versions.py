"""Versions, OVNs and new ids: each from the nonce of its request, so that a rule needs no chance of its own."""

from __future__ import annotations

import base64
import hashlib
import re
from datetime import datetime, timedelta

from keepclear.errors import Malformed

CLOCK_SKEW = timedelta(minutes=5)
"""How far the clocks of two services may be apart (F3548-21, TimeSyncMaxDifferentialSeconds, with the field's room)."""
NO_OVN = "Available from USS"
"""What stands for an OVN that the asker must obtain from the service that manages the entity."""

_UUID_7 = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", re.IGNORECASE)


def ovn_of(id: str, nonce: str) -> str:
    """An OVN that nobody can guess and that never comes twice: 43 characters that may stand in a URL."""
    digest = hashlib.sha256(f"ovn {id} {nonce}".encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def version_of(id: str, nonce: str) -> str:
    """The version of a subscription or an availability: opaque, and another with every change."""
    return hashlib.sha256(f"version {id} {nonce}".encode()).hexdigest()[:24]


def id_of(purpose: str, nonce: str) -> str:
    """A new id in the form of a UUIDv4."""
    digits = hashlib.sha256(f"id {purpose} {nonce}".encode()).hexdigest()
    variant = "89ab"[int(digits[16], 16) % 4]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"


def requested_ovn(id: str, suffix: str, now: datetime) -> str:
    """The OVN `{id}_{suffix}` that a service asked for (`requested_ovn_suffix`).

    Malformed if the suffix is not a UUIDv7 of a moment within `CLOCK_SKEW` of `now`.
    """
    field = "requested_ovn_suffix"
    if not _UUID_7.fullmatch(suffix):
        raise Malformed("the suffix of an OVN must be a UUIDv7", field=field, code="utm_ovn_suffix")
    made_ms = int(suffix[:8] + suffix[9:13], 16)
    if abs(made_ms - now.timestamp() * 1_000) > CLOCK_SKEW.total_seconds() * 1_000:
        raise Malformed("the suffix of an OVN must be of this moment", field=field, code="utm_ovn_suffix")
    return f"{id}_{suffix}"

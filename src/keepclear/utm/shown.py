"""What an asker may see of an entity, and what an answer says beside it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from msgspec.structs import replace

from keepclear.model.utm import UtmConstraint, UtmIntent, UtmVolume, span_of
from keepclear.utm.versions import NO_OVN

Reference = TypeVar("Reference", UtmIntent, UtmConstraint)


def shown(entity: Reference, sub: str) -> Reference:
    """The reference as the service `sub` may see it: the OVN of another's entity stands as `NO_OVN`.

    An OVN is the proof that its manager was asked for the details, so only its manager hands it out (F3548-21,
    OperationalIntentReference).
    """
    return entity if entity.manager == sub else replace(entity, ovn=NO_OVN)


def begins(volumes: Sequence[UtmVolume]) -> datetime | None:
    """`time_start` of an entity: the first moment of its volumes; None if one of them has no start."""
    return span_of(volumes)[0]


def ends(volumes: Sequence[UtmVolume]) -> datetime | None:
    """`time_end` of an entity: the last moment of its volumes; None if one of them has no end."""
    return span_of(volumes)[1]

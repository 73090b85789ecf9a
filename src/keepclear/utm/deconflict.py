"""Which intents bar a plan, and which it may be planned over, by priority (F3548-21 SCD0015 to SCD0050).

A plan gives way to what has a higher priority and to what has its own, for a conflict between equals is for a regulator
to allow and none is allowed here; what has a lower priority is planned over, and its operator told. A conflict that an
intent in use already has does not bar changing it, or it could never be flown out of.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec.structs import replace

from keepclear.model.utm import UtmIntent, UtmVolume
from keepclear.utm.exact import sift


@dataclass(frozen=True, slots=True)
class Other:
    """An intent in the way, with what is known of its details. `priority` None: not known, so above all."""

    intent: UtmIntent
    volumes: tuple[UtmVolume, ...]
    priority: int | None


@dataclass(frozen=True, slots=True)
class Weighed:
    """`barring` must not be met, `under` are met and have a lower priority, `before` were met already."""

    barring: tuple[Other, ...] = ()
    under: tuple[Other, ...] = ()
    before: tuple[Other, ...] = ()


def weigh(
    volumes: Sequence[UtmVolume], priority: int, others: Sequence[Other], flown: Sequence[UtmVolume] = ()
) -> Weighed:
    """Whom volumes of this priority really meet. `flown`: the volumes the intent has now, if it is in use."""
    met = meeting(volumes, others)
    before = {each.intent.id for each in meeting(flown, met)} if flown else set()
    over = [each for each in met if each.priority is None or each.priority >= priority]
    return Weighed(
        barring=tuple([each for each in over if each.intent.id not in before]),
        under=tuple([each for each in met if each.priority is not None and each.priority < priority]),
        before=tuple([each for each in over if each.intent.id in before]),
    )


def meeting(volumes: Sequence[UtmVolume], others: Sequence[Other]) -> list[Other]:
    """Those of the others that have a volume meeting one of these, to a centimetre."""
    if not others:
        return []
    found = sift(volumes, [replace(each.intent, volumes=each.volumes) for each in others])
    real = {each.id for each in found.real}
    return [each for each in others if each.intent.id in real]

"""Whether what a service tells of its own intent or constraint can be true, given what it put into the DSS.

Planning rests on it (F3548-21 SCD0015 to SCD0050), so what is missing, senseless or another thing than what the DSS
holds is Untrue, and nothing is planned beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from keepclear.errors import Malformed, Refused
from keepclear.formats.f3548.details import ConstraintTold, IntentTold
from keepclear.model.base import EARLIEST
from keepclear.model.utm import EntityKind, IntentState, UtmConstraint, UtmIntent, UtmVolume
from keepclear.utm.index import Extent, extent_of
from keepclear.utm.ledger import Ledger
from keepclear.utm.limits import CONSTRAINT, INTENT, Limits, check_volumes

TIME_GRAIN = timedelta(milliseconds=1)
HEIGHT_GRAIN_M = 0.01
"""How far two services may be apart that mean the same (F3548-21 IntersectionMinimumPrecision)."""
_INTENT, _CONSTRAINT = replace(INTENT, ahead=None), replace(CONSTRAINT, ahead=None)
"""When they begin was checked as they were planned."""


class Untrue(Refused):
    """What a service tells of its entity is not what it put into the DSS, or cannot be."""

    code = "utm_untrue"


def check_intent(ledger: Ledger, held: UtmIntent, told: IntentTold) -> None:
    """Untrue, naming the field, unless this is the intent that the DSS holds, in that version, within its extent."""
    _same(held.id, told.id, "reference.id")
    _same(held.manager, told.manager, "reference.manager")
    _same(held.version, told.version, "reference.version")
    _same(held.ovn, told.ovn, "reference.ovn")
    _same(held.state, told.state, "reference.state")
    nominal = told.state in (IntentState.ACCEPTED, IntentState.ACTIVATED)
    if nominal and not told.volumes:
        raise Untrue("it has no volumes", field="details.volumes", code="utm_untrue_volumes")
    if nominal and told.off_nominal:
        raise Untrue("off-nominal in this state", field="details.off_nominal_volumes", code="utm_untrue_volumes")
    if not nominal and not told.off_nominal:
        raise Untrue("nothing is off-nominal", field="details.off_nominal_volumes", code="utm_untrue_volumes")
    _check_within(ledger, EntityKind.INTENT, held, (*told.volumes, *told.off_nominal), _INTENT)


def check_constraint(ledger: Ledger, held: UtmConstraint, told: ConstraintTold) -> None:
    """The same for a constraint."""
    _same(held.id, told.id, "reference.id")
    _same(held.manager, told.manager, "reference.manager")
    _same(held.version, told.version, "reference.version")
    _same(held.ovn, told.ovn, "reference.ovn")
    _check_within(ledger, EntityKind.CONSTRAINT, held, told.volumes, _CONSTRAINT)


def _same(held: object, told: object, field: str) -> None:
    if held != told:
        raise Untrue("it is not what the manager put into the DSS", field=field)


def _check_within(
    ledger: Ledger,
    kind: EntityKind,
    held: UtmIntent | UtmConstraint,
    volumes: Sequence[UtmVolume],
    limits: Limits,
) -> None:
    """The details are sound, and all of them lie in the extent of the reference, at the grain of the DSS."""
    try:
        inner = check_volumes(volumes, EARLIEST, limits, "details.volumes")
    except Malformed as error:
        raise Untrue(error.message, field=error.field, code="utm_untrue_volumes") from None
    outer = ledger.places[kind].extents.get(held.id) or extent_of(held.volumes)
    if not _covers(outer, inner):
        raise Untrue("the details reach out of the reference", field="details.volumes", code="utm_untrue_extent")


def _covers(outer: Extent, inner: Extent) -> bool:
    grain_s = TIME_GRAIN.total_seconds()
    return (
        set(inner.cells) <= set(outer.cells)
        and outer.lower_m - HEIGHT_GRAIN_M <= inner.lower_m
        and inner.upper_m <= outer.upper_m + HEIGHT_GRAIN_M
        and outer.starts_s - grain_s <= inner.starts_s
        and inner.ends_s <= outer.ends_s + grain_s
    )

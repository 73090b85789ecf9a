"""What arbitrators say of services: normal, down, or unknown (F3548-21, UssAvailabilityState)."""

from __future__ import annotations

from datetime import datetime

from keepclear.errors import Malformed
from keepclear.model.base import hidden_in
from keepclear.model.utm import Availability, UtmAvailability
from keepclear.utm.ledger import Ledger
from keepclear.utm.ruling import Asker, Down, Ruling, Stale
from keepclear.utm.versions import version_of

MAX_NAME = 200


def get(ledger: Ledger, uss: str) -> UtmAvailability:
    """What is said of a service. Of one that nothing was ever said of: unknown, with the version ""."""
    return ledger.availability.get(uss) or UtmAvailability(uss=uss, state=Availability.UNKNOWN, version="")


def of_manager(ledger: Ledger, manager: str) -> Availability:
    """`uss_availability` of a reference: that of its manager."""
    return get(ledger, manager).state


def set(
    ledger: Ledger, asker: Asker, uss: str, state: Availability, old_version: str, now: datetime, nonce: str
) -> Ruling:
    """setUssAvailability. Stale unless `old_version` is the current one: two arbitrators must not overwrite each other.

    Malformed if the name is empty, longer than `MAX_NAME` characters, or hides characters.
    """
    if not 0 < len(uss) <= MAX_NAME or not uss.isprintable() or hidden_in(uss) is not None:
        raise Malformed("the name of a service has 1 to 200 plain characters", field="uss_id", code="utm_name")
    if get(ledger, uss).version != old_version:
        raise Stale("the version given is not the current one", field="old_version", code="utm_stale")
    said = UtmAvailability(uss=uss, state=state, version=version_of(uss, nonce))
    return Ruling(did="setUssAvailability", of=said, put=(said,))


def check_not_down(ledger: Ledger, sub: str) -> None:
    """Down (412) if the service is marked so: it may not plan, nor take back what others hold it to."""
    if of_manager(ledger, sub) is Availability.DOWN:
        raise Down("this service is marked as down", code="utm_down", uss=sub)

"""What is held under an id: whether there is anything, whose it is, and in which version."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

from keepclear.errors import Malformed
from keepclear.model.utm import UtmConstraint, UtmIntent, UtmSubscription
from keepclear.utm.ruling import Asker, NotAllowed, NotFound, Stale

T = TypeVar("T", UtmIntent, UtmConstraint, UtmSubscription)


def find(register: Mapping[str, T], id: str, field: str = "entityid") -> T:
    """What is there, to be read or taken away. NotFound if nothing is."""
    held = register.get(id)
    if held is None:
        raise NotFound("there is nothing under this id", field=field, id=id)
    return held


def find_to_update(register: Mapping[str, T], id: str, field: str = "entityid") -> T:
    """What is there, to be put in another version. Malformed if nothing is, as the field has it, not NotFound."""
    held = register.get(id)
    if held is None:
        raise Malformed("there is nothing under this id to be updated", field=field, code="utm_not_here", id=id)
    return held


def check_owner(held: UtmIntent | UtmConstraint | UtmSubscription, asker: Asker, field: str = "entityid") -> None:
    """NotAllowed if it is another service's."""
    if held.manager != asker.sub:
        raise NotAllowed("it is another service's", field=field)


def check_ovn(held: UtmIntent | UtmConstraint, asker: Asker, ovn: str) -> None:
    """NotAllowed if it is another service's, Malformed without an OVN, Stale if it has another."""
    check_owner(held, asker)
    if not ovn:
        raise Malformed("the OVN must be given", field="ovn", code="missing_field")
    if held.ovn != ovn:
        raise Stale("the OVN given is not the current one", field="ovn")


def check_version(held: UtmSubscription, asker: Asker, version: str) -> None:
    """NotAllowed if it is another service's, Malformed without a version, Stale if it has another."""
    check_owner(held, asker, "subscriptionid")
    if not version:
        raise Malformed("the version must be given", field="version", code="missing_field")
    if held.version != version:
        raise Stale("the version given is not the current one", field="version")

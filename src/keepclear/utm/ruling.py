"""What a judged request comes to: the change to keep, and what its answer is made of."""

from __future__ import annotations

from dataclasses import dataclass, field

from keepclear.errors import NotNow, Refused
from keepclear.model.utm import Entity, Gone, Told, UtmConstraint, UtmIntent


@dataclass(frozen=True, slots=True)
class Ruling:
    """The change a request makes: what `UtmChange` holds, but its number, author and the digest of the request.

    `told` is whom the standard tells the writer to notify, already with the raised notification indices. `of` is the
    entity the request was about, as it is afterwards (or was, if it is gone).
    """

    did: str
    of: Entity
    put: tuple[Entity, ...] = ()
    gone: tuple[Gone, ...] = ()
    told: tuple[Told, ...] = ()


class NotFound(Refused):
    """There is nothing under this id (404)."""

    code = "utm_not_found"


class NotAllowed(Refused):
    """The scopes of the token do not cover this, or the entity is another service's (403)."""

    code = "utm_not_allowed"


class TooLarge(Refused):
    """The area asked for is larger than may be searched (413)."""

    code = "utm_too_large"


class TooMany(Refused):
    """The service holds as many of these here as it may (429)."""

    code = "utm_too_many"


class Stale(NotNow):
    """The version or OVN given is not the current one, or the id is taken (409)."""

    code = "utm_stale"


class Down(NotNow):
    """The service that asks is marked as down, so it may not do this (412)."""

    code = "utm_down"


class MissingKnowledge(NotNow):
    """The key does not show knowledge of all that is there (409, AirspaceConflictResponse)."""

    code = "utm_missing_ovns"

    def __init__(self, intents: tuple[UtmIntent, ...], constraints: tuple[UtmConstraint, ...]) -> None:
        count = len(intents) + len(constraints)
        super().__init__(f"the key lacks the OVNs of {count} entities in the way", field="key", count=count)
        self.intents = intents
        self.constraints = constraints


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: the `sub` of the token, and its scopes."""

    sub: str
    scopes: frozenset[str] = field(default_factory=frozenset)

    def has(self, *scopes: str) -> bool:
        """Whether one of these scopes was granted."""
        return not self.scopes.isdisjoint(scopes)

"""What every operation that writes has in common: it is judged once, and its answer is made of what it came to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any, TypeVar

from keepclear.formats.f3548.answers import AvailabilityOf
from keepclear.model.utm import Availability, Entity, EntityKind
from keepclear.node.utm_desk import Judge
from keepclear.server.f3548.app import Services
from keepclear.server.f3548.retry import Write, digest_of, retry_key
from keepclear.server.f3548.routes import Answer, Call, answer_json
from keepclear.utm.availability import of_manager
from keepclear.utm.ledger import Ledger
from keepclear.utm.ruling import Ruling

T = TypeVar("T")
Said = Callable[[Ledger, Ruling, str], Any]
"""What is said of a ruling, to the service that asked."""


async def written(
    services: Services,
    call: Call,
    did: str,
    kind: EntityKind,
    id: str,
    given: str | None,
    judge: Judge,
    said: Said,
    status: int = 200,
) -> Answer:
    """Have a write judged, or answer it as before if its answer was lost; see `keepclear.server.f3548.retry`."""
    write = Write(call.asker.sub, did, kind, id, given, digest_of(call.body))
    ruling, sent = await services.retries.write(call.asker, write, call.body, retry_key(call.headers), judge)
    answer = answer_json(said(services.node.state.utm, ruling, call.asker.sub), status)
    return replace(answer, on_sent=sent)


def availability_in(ledger: Ledger) -> AvailabilityOf:
    """What the ledger knows of a service."""

    def state(manager: str) -> Availability:
        return of_manager(ledger, manager)

    return state


def expect(kind: type[T], entity: Entity) -> T:
    """The entity, which is of this kind."""
    if not isinstance(entity, kind):
        raise TypeError(type(entity))
    return entity

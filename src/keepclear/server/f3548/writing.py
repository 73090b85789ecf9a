"""What every operation that writes has in common: it is judged once, and its answer is made of what it came to."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from typing import Any, Generic, TypeVar

from keepclear.formats.f3548.answers import AvailabilityOf
from keepclear.formats.f3548.volumes import entity_id
from keepclear.model.utm import Availability, Entity, EntityKind
from keepclear.node.utm_desk import Judge
from keepclear.server.f3548.app import Services
from keepclear.server.f3548.retry import Write, digest_of, retry_key
from keepclear.server.f3548.routes import Answer, Call, answer_json
from keepclear.utm.asked import Rules
from keepclear.utm.availability import of_manager
from keepclear.utm.ledger import Ledger
from keepclear.utm.ruling import Asker, Ruling

A = TypeVar("A")
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Writes(Generic[A]):
    """The three operations that write entities of one kind, for the tables of routes: `create`, `update`, `delete`.

    `name` is what they are called after, `id` and `version` what the path calls them. `read` takes what is asked out of
    a body; `creates`, `updates` and `deletes` are the rules of the kind in `keepclear.utm`; `put` and `gone` say what
    came of it, to the service that asked.
    """

    name: str
    kind: EntityKind
    id: str = "entityid"
    version: str = "ovn"
    read: Callable[[bytes], A]
    creates: Callable[[Ledger, Asker, str, A, datetime, str, Rules], Ruling]
    updates: Callable[[Ledger, Asker, str, str, A, datetime, str, Rules], Ruling]
    deletes: Callable[[Ledger, Asker, str, str, datetime], Ruling]
    put: Callable[[Services, Ledger, Ruling, str], Any]
    gone: Callable[[Services, Ledger, Ruling, str], Any]
    created: int = 201

    async def create(self, services: Services, call: Call) -> Answer:
        """Put what is not there yet."""
        id = entity_id(call.path[self.id], self.id)
        asked, rules = self.read(call.body), services.settings.rules()

        def judge(ledger: Ledger, now: datetime, nonce: str) -> Ruling:
            return self.creates(ledger, call.asker, id, asked, now, nonce, rules)

        did, said = f"create{self.name}", partial(self.put, services)
        return await written(services, call, did, self.kind, id, None, judge, said, self.created)

    async def update(self, services: Services, call: Call) -> Answer:
        """Put what is there in the version that is named."""
        id, version = entity_id(call.path[self.id], self.id), call.path[self.version]
        asked, rules = self.read(call.body), services.settings.rules()

        def judge(ledger: Ledger, now: datetime, nonce: str) -> Ruling:
            return self.updates(ledger, call.asker, id, version, asked, now, nonce, rules)

        did, said = f"update{self.name}", partial(self.put, services)
        return await written(services, call, did, self.kind, id, version, judge, said)

    async def delete(self, services: Services, call: Call) -> Answer:
        """Take away what is there in the version that is named."""
        id, version = entity_id(call.path[self.id], self.id), call.path[self.version]

        def judge(ledger: Ledger, now: datetime, nonce: str) -> Ruling:
            return self.deletes(ledger, call.asker, id, version, now)

        did, said = f"delete{self.name}", partial(self.gone, services)
        return await written(services, call, did, self.kind, id, version, judge, said)


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

"""The exact answer beside the DSS: which of the entities it names by its cells really are in the way."""

from __future__ import annotations

from functools import partial

from keepclear.formats.f3548 import answers as says
from keepclear.formats.f3548.requests import read_conflicts
from keepclear.formats.f3548.volumes import volumes_of
from keepclear.model.utm import UtmConstraint, UtmIntent
from keepclear.server.f3548.app import Services
from keepclear.server.f3548.references import constraints_shown, intents_shown
from keepclear.server.f3548.routes import Answer, Call, Route, answer_json
from keepclear.utm.exact import in_the_way, named
from keepclear.utm.limits import INTENT, check_volumes
from keepclear.utm.scopes import CONSTRAINT_MANAGEMENT, CONSTRAINT_PROCESSING, STRATEGIC_COORDINATION


async def query_conflicts(services: Services, call: Call) -> Answer:
    """queryExactConflicts: to a centimetre, between the volumes asked about and those that the DSS holds.

    A service that may not see constraints is told of none. Worked out beside the event loop, as there may be thousands.
    """
    asked = read_conflicts(call.body)
    volumes = volumes_of(asked.extents, "extents")
    now = services.desk.now()
    check_volumes(volumes, now, INTENT)
    ledger = await services.desk.ledger()
    candidates = named(ledger, volumes, now, but="" if asked.entityid is None else asked.entityid.lower())
    if not call.asker.has(CONSTRAINT_MANAGEMENT, CONSTRAINT_PROCESSING):
        candidates = [each for each in candidates if isinstance(each, UtmIntent)]
    found = await services.node.aside(partial(in_the_way, volumes, candidates, now))
    sub = call.asker.sub
    return answer_json(
        says.ConflictsFound(
            intents_shown(ledger, [each for each in found.real if isinstance(each, UtmIntent)], sub),
            constraints_shown(ledger, [each for each in found.real if isinstance(each, UtmConstraint)], sub),
            tuple(each.id for each in found.false_alarms),
            found.undecided,
        )
    )


ROUTES = (Route("POST", "/keepclear/v1/conflicts/query", query_conflicts, (STRATEGIC_COORDINATION,)),)

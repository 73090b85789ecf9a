"""The local API's routes about UTM services: how many there are of what, and what became of each, with its proof."""

from __future__ import annotations

import asyncio
from typing import Annotated

from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter, QueryParameter

from keepclear.model.utm import EntityKind
from keepclear.server.answers import UtmCounts
from keepclear.server.problems import NoSuch
from keepclear.server.reading import instant
from keepclear.server.replays import Replays
from keepclear.utm.past import MOST_HELD_AGAINST, Meetings, Past, live, meetings, past

At = Annotated[str | None, QueryParameter(description="RFC 3339, UTC: as known at this time of the record")]


def utm_routes(replays: Replays) -> list[HTTPRouteHandler]:
    """The routes. They are for the node's own token: the ledger is the node's, and no party's."""

    @get("/api/utm")
    async def utm(
        at: At = None,
        exact: Annotated[bool, QueryParameter(description="also hold all live intents against each other")] = False,
    ) -> UtmCounts:
        """What UTM services have here, in figures."""
        state, moment = await replays.seen(None, instant(at, "at"))
        ledger = state.utm
        intents = len(live(ledger, EntityKind.INTENT, moment))
        found: Meetings | None = None
        if exact and intents <= MOST_HELD_AGAINST:
            found = Meetings(coarse=0, exact=0, undecided=0)
            for so_far in meetings(ledger, moment):
                found = so_far
                await asyncio.sleep(0)  # services are answered between two of them
        return UtmCounts(
            at=moment,
            changes=ledger.number,
            intents=intents,
            constraints=len(live(ledger, EntityKind.CONSTRAINT, moment)),
            subscriptions=len(live(ledger, EntityKind.SUBSCRIPTION, moment)),
            areas=len(live(ledger, EntityKind.AREA, moment)),
            owed=state.owing.count,
            meetings=found,
        )

    @get("/api/utm/entities/{id:str}")
    async def utm_entity(
        id: Annotated[str, PathParameter(description="of an intent, constraint, subscription or area")], at: At = None
    ) -> Past:
        """One entity as it was, every change of it with who was told and what they answered, and all messages."""
        state, now = await replays.seen(None, None)
        moment = min(instant(at, "at") or now, now)
        try:
            return past(state, id.lower() if id.lower() in state.utm.history else id, moment)
        except KeyError:
            raise NoSuch("nothing was ever here under this id", field="id", code="utm_never_here") from None

    return [utm, utm_entity]

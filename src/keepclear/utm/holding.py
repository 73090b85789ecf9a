"""How much one service may hold at a node, so that none uses up what all share: memory, and the time of every write.

The standard sets no such limits to a DSS for F3548-21. These are far above what a service needs, and count only what
can be had cheaply and costs much: wide entities, each of which fills thousands of cells, and subscriptions in one
place, each of which is told of every change there.
"""

from __future__ import annotations

from datetime import datetime

from keepclear.model.utm import EntityKind
from keepclear.utm.index import Extent
from keepclear.utm.ledger import WIDE, Ledger
from keepclear.utm.ruling import Asker, TooMany
from keepclear.utm.telling import present

MAX_WIDE_CELLS = 3_000_000
"""Cells of all wide entities of one service that have not ended: some 300 of the largest."""
MAX_IN_ONE_PLACE = 1_000
"""Subscriptions a service asked for that meet one another."""


def check_wide(ledger: Ledger, asker: Asker, extent: Extent, field: str = "extents") -> None:
    """TooMany if the service would hold more wide entities than it may."""
    count = len(extent.cells)
    if count > WIDE and ledger.wide_cells.get(asker.sub, 0) + count > MAX_WIDE_CELLS:
        message = f"what a service holds covers at most {MAX_WIDE_CELLS} cells"
        raise TooMany(message, field=field, most=MAX_WIDE_CELLS)


def check_in_one_place(ledger: Ledger, asker: Asker, extent: Extent, now: datetime) -> None:
    """TooMany if the service asked for as many subscriptions that meet this extent as it may."""
    if len(ledger.subscriptions) < MAX_IN_ONE_PLACE:
        return
    met = [ledger.subscriptions[name] for name in present(ledger, EntityKind.SUBSCRIPTION, extent, now)]
    if sum(1 for each in met if each.manager == asker.sub and not each.implicit) >= MAX_IN_ONE_PLACE:
        message = f"a service has at most {MAX_IN_ONE_PLACE} subscriptions in one place"
        raise TooMany(message, field="extents", most=MAX_IN_ONE_PLACE)

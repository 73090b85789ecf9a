"""Which acts go before others where acts wait: in a node's queue, and on their way to a peer."""

from __future__ import annotations

from keepclear.model import acts as a

URGENT = (a.DangerCall, a.Take, a.ClearRequest, a.Answer, a.Done)
"""People in danger, and the clearing of the air above them."""

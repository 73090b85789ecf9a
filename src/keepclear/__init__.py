"""keepclear: the deconfliction line as software.

    import keepclear as kc

    kc.conflicts(plans)                                       # every pair, with its breaches
    air = kc.Airspace(); air.put(plans); air.check(plan)      # a set that lives
    watch = kc.Watch(fences=plans); watch.feed(positions)     # positions as they come

Names are loaded when they are first asked for, so that the import itself takes no time.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from keepclear.conflict.breaches import Breach, Breaches, Conflict
    from keepclear.conflict.separation import Minimum
    from keepclear.conflict.suggest import Change, Limits, Suggestion
    from keepclear.engine.airspace import Airspace
    from keepclear.engine.pairs import conflicts
    from keepclear.engine.sources import LeftOut, plans, positions
    from keepclear.engine.watch import Watch
    from keepclear.errors import KeepclearError, Malformed
    from keepclear.geometry.columns import Datum, Plans, Positions
    from keepclear.model.plans import Plan, PlanKind
    from keepclear.watch.live_findings import LiveFindings

__version__ = "0.1.0"

__all__ = [
    "Airspace",
    "Breach",
    "Breaches",
    "Change",
    "Conflict",
    "Datum",
    "KeepclearError",
    "LeftOut",
    "Limits",
    "LiveFindings",
    "Malformed",
    "Minimum",
    "Plan",
    "PlanKind",
    "Plans",
    "Positions",
    "Suggestion",
    "Watch",
    "conflicts",
    "plans",
    "positions",
]

_ROOMS = {
    "conflict.breaches": ("Breach", "Breaches", "Conflict"),
    "conflict.separation": ("Minimum",),
    "conflict.suggest": ("Change", "Limits", "Suggestion"),
    "engine.airspace": ("Airspace",),
    "engine.pairs": ("conflicts",),
    "engine.sources": ("LeftOut", "plans", "positions"),
    "engine.watch": ("Watch",),
    "errors": ("KeepclearError", "Malformed"),
    "geometry.columns": ("Datum", "Plans", "Positions"),
    "model.plans": ("Plan", "PlanKind"),
    "watch.live_findings": ("LiveFindings",),
}
"""Where each name is."""


def __getattr__(name: str) -> Any:
    for room, names in _ROOMS.items():
        if name in names:
            value = getattr(import_module(f"keepclear.{room}"), name)
            globals()[name] = value
            return value
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})

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
    from keepclear.conflict.suggest import Change, Limits, Suggestion, Suggestions
    from keepclear.engine.airspace import Airspace
    from keepclear.engine.pairs import conflicts
    from keepclear.engine.sources import LeftOut, plans, positions
    from keepclear.engine.watch import Fences, Watch
    from keepclear.errors import KeepclearError, Malformed
    from keepclear.geometry.columns import Datum, Plans, Positions
    from keepclear.model.base import Name
    from keepclear.model.boundaries import Boundary
    from keepclear.model.groups import AssetKind, Group, Member
    from keepclear.model.places import LatLon
    from keepclear.model.plans import Plan, PlanKind
    from keepclear.watch.live_coverage import Coverage
    from keepclear.watch.live_findings import LiveFindings, LiveKind
    from keepclear.watch.live_group_watch import GroupWatch
    from keepclear.watch.live_groups import Groups
    from keepclear.watch.proximity import Proximity

__version__ = "0.1.0"

__all__ = [
    "Airspace",
    "AssetKind",
    "Boundary",
    "Breach",
    "Breaches",
    "Change",
    "Conflict",
    "Coverage",
    "Datum",
    "Fences",
    "Group",
    "GroupWatch",
    "Groups",
    "KeepclearError",
    "LatLon",
    "LeftOut",
    "Limits",
    "LiveFindings",
    "LiveKind",
    "Malformed",
    "Member",
    "Minimum",
    "Name",
    "Plan",
    "PlanKind",
    "Plans",
    "Positions",
    "Proximity",
    "Suggestion",
    "Suggestions",
    "Watch",
    "conflicts",
    "plans",
    "positions",
]

_ROOMS = {
    "conflict.breaches": ("Breach", "Breaches", "Conflict"),
    "conflict.separation": ("Minimum",),
    "conflict.suggest": ("Change", "Limits", "Suggestion", "Suggestions"),
    "engine.airspace": ("Airspace",),
    "engine.pairs": ("conflicts",),
    "engine.sources": ("LeftOut", "plans", "positions"),
    "engine.watch": ("Fences", "Watch"),
    "errors": ("KeepclearError", "Malformed"),
    "geometry.columns": ("Datum", "Plans", "Positions"),
    "model.boundaries": ("Boundary",),
    "model.base": ("Name",),
    "model.groups": ("AssetKind", "Group", "Member"),
    "model.places": ("LatLon",),
    "model.plans": ("Plan", "PlanKind"),
    "watch.live_coverage": ("Coverage",),
    "watch.live_findings": ("LiveFindings", "LiveKind"),
    "watch.live_group_watch": ("GroupWatch",),
    "watch.live_groups": ("Groups",),
    "watch.proximity": ("Proximity",),
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

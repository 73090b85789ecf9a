"""The coverage ledger's words: which class of sensor watched which area, when, and what was declared a gap."""

from __future__ import annotations

from enum import StrEnum

from keepclear.model.base import Id, Name, Value
from keepclear.model.basis import DECLARED, Basis
from keepclear.model.times import Window
from keepclear.model.tracks import SensorClass
from keepclear.model.volumes import Area


class CoverageState(StrEnum):
    """What can be said of an area, a class of sensor and a time. Where nobody said anything it is unknown."""

    WATCHED = "watched"
    GAP = "declared_gap"
    UNKNOWN = "unknown"


class CoverageSpan(Value, frozen=True, kw_only=True):
    """A party's declaration about its own watching. `state` UNKNOWN takes back what was declared before."""

    sensor: SensorClass
    state: CoverageState
    area: Area
    area_name: Name
    window: Window
    group: Id | None = None
    basis: Basis = DECLARED

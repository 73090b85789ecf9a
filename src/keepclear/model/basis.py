"""Where a value comes from, so that no surface can show an assumption as a fact."""

from __future__ import annotations

from enum import StrEnum

from keepclear.model.base import Name, Short, Value


class BasisKind(StrEnum):
    """How a value came to be said."""

    DECLARED = "declared"
    """The party's own intent or its own equipment."""
    OBSERVED = "observed"
    """Seen by a sensor or a person, of somebody else."""
    REPORTED = "reported"
    """Taken from a public source; `sources` names it."""
    SYNTHETIC = "synthetic"
    """Made up to fill the time between reports; never evidence of where anything was."""
    ASSUMED = "assumed"
    """Never published; chosen for a story or an exercise."""


class Certainty(StrEnum):
    """How far the sources carry a reported value (scale of the 2017 data)."""

    CONFIRMED = "confirmed"
    REPORTED = "reported"
    SINGLE_SOURCE = "single_source"
    DISPUTED = "disputed"
    UNSUPPORTED = "unsupported"


class Basis(Value, frozen=True, kw_only=True):
    """The ground a value stands on."""

    kind: BasisKind
    certainty: Certainty | None = None
    note: Name | None = None
    sources: tuple[Short, ...] = ()

    @property
    def is_fact(self) -> bool:
        """False for what was made up for a story: such values are labelled wherever they are shown."""
        return self.kind not in (BasisKind.SYNTHETIC, BasisKind.ASSUMED)


DECLARED = Basis(kind=BasisKind.DECLARED)

"""Boundaries: lines that somebody must not come near, in each party's own version."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from keepclear.model.base import Id, Name, Uncertainty, Value
from keepclear.model.basis import DECLARED, Basis
from keepclear.model.places import LatLon


class Boundary(Value, frozen=True, kw_only=True):
    """A party's version of a line on the ground. Drawing it endorses nothing.

    `approach_m` is the distance at which a group counts as approaching.
    """

    id: Id
    name: Name
    vertices: Annotated[tuple[LatLon, ...], Meta(min_length=2, max_length=1000)]
    uncertainty_m: Uncertainty
    approach_m: Annotated[float, Meta(gt=0.0, le=200_000.0)]
    basis: Basis = DECLARED

"""BlueSky's state-based conflict detection in C++, fed with arrays, without its simulator around it."""

from __future__ import annotations

import contextlib
import io
from dataclasses import dataclass
from typing import Any

import numpy as np

from bench.brute import Pairs
from keepclear.geometry.earth import FloatArray

RADIUS_M = 6_371_000.0
"""Of BlueSky's sphere."""


@dataclass
class Traffic:
    """Aircraft as BlueSky's detection reads them: degrees, metres, metres a second."""

    id: list[Any]
    lat: FloatArray
    lon: FloatArray
    trk: FloatArray
    gs: FloatArray
    alt: FloatArray
    vs: FloatArray

    @property
    def ntraf(self) -> int:
        """How many."""
        return len(self.id)


def detect(traffic: Traffic, across_m: float, height_m: float, ahead_s: float) -> Pairs:
    """The pairs of numbers, the lower first, that come nearer than both figures within `ahead_s`."""
    with contextlib.redirect_stdout(io.StringIO()):  # it greets
        from bluesky.traffic.asas import cstatebased

    each = np.ones(traffic.ntraf)
    found = cstatebased.detect(traffic, traffic, each * across_m, each * height_m, each * ahead_s)[0]
    return {(a, b) for a, b in found if a < b}

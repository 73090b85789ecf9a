"""Which of the entities that a DSS says are in the way really are.

A DSS compares the cells, the lowest to the highest height and the first to the last moment of whole entities, so it
warns of many that never meet. Here every volume is held against every other by the engine of `keepclear.conflict`:
circles and geodesic outlines as they are, to a centimetre (F3548-21, IntersectionMinimumPrecisionCm).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import numpy as np
from msgspec.structs import replace

from keepclear.conflict.airspace import Airspace
from keepclear.conflict.separation import Minimum
from keepclear.errors import Malformed
from keepclear.geometry.columns import Plans
from keepclear.geometry.soundness import FIRST_S, HIGHEST_M, LAST_S, LOWEST_M
from keepclear.model.utm import EntityKind, UtmConstraint, UtmIntent, UtmVolume
from keepclear.utm.index import extent_of
from keepclear.utm.ledger import Ledger
from keepclear.utm.telling import present

MEETING = Minimum(0.01, 0.01)
"""Nearer than this in plan and in height at once, two volumes are held to meet. To touch counts, but not in time."""
INSTANT_S = 0.001
"""What a volume lasts that ends as it starts."""

Candidate = UtmIntent | UtmConstraint


@dataclass(frozen=True, slots=True)
class Sifted:
    """Of the entities that the cells say are in the way: `real` ones, and `false_alarms`, which never come near.

    `undecided` are those of `real` that the engine cannot take (a radius over 500 km, an outline that crosses itself);
    they count as real, for a doubt is never resolved in favour of flying.
    """

    real: tuple[Candidate, ...]
    false_alarms: tuple[Candidate, ...]
    undecided: tuple[str, ...] = ()

    @property
    def saved(self) -> int:
        """How many false alarms there are."""
        return len(self.false_alarms)


def named(ledger: Ledger, volumes: Sequence[UtmVolume], now: datetime, *, but: str = "") -> list[Candidate]:
    """The intents and constraints that a DSS names for these volumes, but the one with the id `but`."""
    extent = extent_of(volumes)
    coarse: list[Candidate] = [ledger.intents[name] for name in present(ledger, EntityKind.INTENT, extent, now)]
    coarse += [ledger.constraints[name] for name in present(ledger, EntityKind.CONSTRAINT, extent, now)]
    return [each for each in coarse if each.id != but]


def in_the_way(volumes: Sequence[UtmVolume], candidates: Iterable[Candidate], now: datetime) -> Sifted:
    """The candidates, sifted. What is over is in nobody's way: only from `now` on do volumes meet."""
    return sift(_ahead(volumes, now), candidates)


def sift(volumes: Sequence[UtmVolume], candidates: Iterable[Candidate]) -> Sifted:
    """Which of the candidates have a volume that meets one of these.

    A volume without a height or a time reaches as far as there is any. Heights beyond -500 m and 40 km, where the
    engine ends, are taken as reaching on without end: a volume is only ever made larger.
    """
    every = tuple(candidates)
    if not volumes or not every:
        return Sifted(real=(), false_alarms=every)
    named = {f"{place} {each.id}": each for place, each in enumerate(every)}
    airspace = Airspace(MEETING)
    undecided = _put(airspace, {name: each.volumes for name, each in named.items()})
    met = set(named)
    try:
        found = airspace.check(_columns({"asked": volumes}))
    except Malformed:
        undecided = set(named)
    else:
        met = undecided | {pair.b for pair in found}
    return Sifted(
        real=tuple(each for name, each in named.items() if name in met),
        false_alarms=tuple(each for name, each in named.items() if name not in met),
        undecided=tuple(each.id for name, each in named.items() if name in undecided),
    )


def _ahead(volumes: Sequence[UtmVolume], now: datetime) -> list[UtmVolume]:
    left = [volume for volume in volumes if volume.ends_at is None or volume.ends_at >= now]
    return [
        replace(volume, starts_at=now if volume.starts_at is None else max(volume.starts_at, now)) for volume in left
    ]


def _put(airspace: Airspace, every: Mapping[str, Sequence[UtmVolume]]) -> set[str]:
    """Put all in, and name those that the engine refuses: together if it refuses none, else one by one."""
    try:
        airspace.put(_columns(every))
    except Malformed:
        if len(every) == 1:
            return set(every)
        return set[str]().union(*(_put(airspace, {name: volumes}) for name, volumes in every.items()))
    return set()


def _columns(every: Mapping[str, Sequence[UtmVolume]]) -> Plans:
    volume_from, ring_from, vertex_from = [0], [0], [0]
    circles, vertices, bounds = [], [], []
    for volumes in every.values():
        for volume in volumes:
            circle = volume.circle
            if circle is None:
                circles.append((math.nan, math.nan, math.nan))
                vertices += [(point.lat_deg, point.lng_deg) for point in volume.polygon]
                vertex_from.append(len(vertices))
            else:
                circles.append((circle.centre.lat_deg, circle.centre.lng_deg, circle.radius_m))
            ring_from.append(len(vertex_from) - 1)
            bounds.append((*_window(volume), *_band(volume)))
        volume_from.append(len(bounds))
    return Plans.of(
        {
            "ids": list(every),
            "volume_from": volume_from,
            "volumes": bounds,
            "circles": circles,
            "ring_from": ring_from,
            "vertex_from": vertex_from,
            "vertices": np.array(vertices, dtype=np.float64).reshape(-1, 2),
        }
    )


def _window(volume: UtmVolume) -> tuple[float, float]:
    starts_s = FIRST_S if volume.starts_at is None else volume.starts_at.timestamp()
    ends_s = LAST_S if volume.ends_at is None else volume.ends_at.timestamp()
    return starts_s, max(ends_s, starts_s + INSTANT_S)


def _band(volume: UtmVolume) -> tuple[float, float]:
    lower_m = -math.inf if volume.lower_m is None or volume.lower_m < LOWEST_M else min(volume.lower_m, HIGHEST_M)
    upper_m = math.inf if volume.upper_m is None or volume.upper_m > HIGHEST_M else max(volume.upper_m, LOWEST_M)
    return lower_m, upper_m

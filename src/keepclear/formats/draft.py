"""Plans as a format gives them, one after the other, until all are known and become columns."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import numpy as np

from keepclear.errors import Malformed
from keepclear.geometry.columns import DATUMS, KINDS, Datum, Plans, checked, place, running
from keepclear.geometry.earth import FloatArray
from keepclear.model.plans import PlanKind

_TIME = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{1,9})?)?(?P<zone>[Zz]|[+-]\d\d:\d\d)?", re.ASCII)
_UTC = ("Z", "z", "+00:00", "-00:00")


@dataclass(frozen=True)
class Found:
    """The plans of one source, checked, and how many of what was left out of them, by the word of `cli.left_out.*`."""

    plans: Plans
    left_out: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class DraftVolume:
    """One area for a time and a band of height; a circle (latitude, longitude, radius m) or rings of shape (n, 2)."""

    window: tuple[float, float]
    band_m: tuple[float, float]
    circle: tuple[float, float, float] | None = None
    rings: Sequence[FloatArray] = ()


@dataclass
class Draft:
    """One plan. `points` has shape (m, 4): time s, latitude, longitude, height m (NaN: unknown)."""

    id: str
    kind: PlanKind
    datum: Datum = Datum.WGS84
    band_m: tuple[float, float] = (-np.inf, np.inf)
    room: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    points: FloatArray = field(default_factory=lambda: np.empty((0, 4)))
    volumes: list[DraftVolume] = field(default_factory=list)


def plans_of(drafts: Sequence[Draft]) -> Plans:
    """The plans as columns, checked: `Malformed` naming the item if anything is amiss."""
    points = np.concatenate([np.empty((0, 4)), *(draft.points for draft in drafts)])
    volumes = [volume for draft in drafts for volume in draft.volumes]
    rings = [ring for volume in volumes for ring in volume.rings]
    nowhere = (np.nan, np.nan, np.nan)
    return checked(
        Plans(
            ids=tuple(draft.id for draft in drafts),
            kind=np.array([KINDS.index(draft.kind) for draft in drafts], dtype=np.uint8),
            datum=np.array([DATUMS.index(draft.datum) for draft in drafts], dtype=np.uint8),
            band_m=_table([draft.band_m for draft in drafts], 2),
            room=_table([draft.room for draft in drafts], 4),
            point_from=running([len(draft.points) for draft in drafts]),
            t_s=points[:, 0],
            lat_deg=points[:, 1],
            lon_deg=points[:, 2],
            alt_m=points[:, 3],
            volume_from=running([len(draft.volumes) for draft in drafts]),
            volumes=_table([(*volume.window, *volume.band_m) for volume in volumes], 4),
            circles=_table([volume.circle or nowhere for volume in volumes], 3),
            ring_from=running([len(volume.rings) for volume in volumes]),
            vertex_from=running([len(ring) for ring in rings]),
            vertices=np.concatenate([np.empty((0, 2)), *rings]),
        )
    )


def kind_of(word: object, field: str) -> PlanKind:
    """The kind a word stands for; `Malformed` naming the field if it is none."""
    return KINDS[place(word, KINDS, field)]


def datum_of(word: object, field: str) -> Datum:
    """The datum a word stands for; `Malformed` naming the field if it is none."""
    return DATUMS[place(word, DATUMS, field)]


def seconds(value: object, field: str) -> float:
    """Seconds since 1970 of an RFC 3339 time in UTC, or of such seconds as a number; `Malformed` naming the field."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    shape = _TIME.fullmatch(value) if isinstance(value, str) else None
    if shape is None:
        raise Malformed("not a time such as 2017-09-08T07:00:00Z", field=field, code="time_unreadable")
    if shape["zone"] not in _UTC:
        raise Malformed("the time must be in UTC and end in Z", field=field, code="time_not_utc")
    try:
        return datetime.fromisoformat(shape[0].replace("t", "T")).timestamp()
    except ValueError:
        raise Malformed("there is no such time", field=field, code="time_unreadable") from None


def _table(rows: Sequence[tuple[Any, ...]], width: int) -> FloatArray:
    return np.array(rows, dtype=np.float64).reshape(len(rows), width)

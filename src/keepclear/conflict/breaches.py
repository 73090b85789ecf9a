"""What was found among many plans: breaches as columns, and pair by pair as values."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from keepclear.conflict.reasons import REASONS, Reason
from keepclear.geometry.columns import KINDS, IntArray
from keepclear.geometry.earth import FloatArray
from keepclear.geometry.kernels import MinimaStruct
from keepclear.geometry.pack import moment

if TYPE_CHECKING:
    import pandas
    import pyarrow

HEIGHTS_NOT_COMPARABLE, WAY_OF_B = 1, 2
"""Flags of a row of `kernels.BREACH`, as in kernels/kernels.h."""

_MAJOR_M, _MINOR_M = 6_378_137.0, 6_356_752.314245179
_ECCENTRICITY2, _SECOND_ECCENTRICITY2 = 6.69437999014131699614e-3, 6.73949674227643495478e-3


@dataclass(frozen=True, slots=True, kw_only=True)
class Breach:
    """Two plans are too near from `starts_s` to `ends_s`, seconds since 1970.

    `horizontal_m` is the least distance on the ground while the gap in height is too small, `vertical_m` that gap then
    (0 where the bands overlap), at `nearest_s` and (`lat_deg`, `lon_deg`): halfway between two movers, the mover's
    place where it is near a volume, or a place in both volumes. The rule that was broken asks for
    `required_horizontal_m` or for `required_vertical_m` (infinite if any height counts), buffers included. `margin_m`
    is how far from enough it is: the larger of the two figures less what is required, below zero. Where heights are not
    comparable the two speak of different datums and were judged on the ground alone; `vertical_m` then says nothing.
    """

    starts_s: float
    ends_s: float
    nearest_s: float
    lat_deg: float
    lon_deg: float
    horizontal_m: float
    vertical_m: float
    margin_m: float
    required_horizontal_m: float
    required_vertical_m: float
    reason: Reason
    heights_comparable: bool

    @property
    def depth_m(self) -> float:
        """By how much it is breached at the nearest: metres by which the lesser of the two shortfalls is short."""
        return -self.margin_m

    @property
    def starts_at(self) -> datetime:
        """The moment at which it begins, in UTC."""
        return moment(self.starts_s)

    @property
    def ends_at(self) -> datetime:
        """The moment at which it ends, in UTC."""
        return moment(self.ends_s)

    @property
    def nearest_at(self) -> datetime:
        """The moment at which the two are nearest, in UTC."""
        return moment(self.nearest_s)


@dataclass(frozen=True, slots=True, kw_only=True)
class Conflict:
    """Two plans, by their ids, and their breaches in order of time."""

    a: str
    b: str
    breaches: tuple[Breach, ...]


class Breaches:
    """m breaches, those of one pair together and in order of time. Its length is how many pairs are in conflict.

    `array` has shape (m,) of `kernels.BREACH`; `a` in it is a place in `ids`, `b` in `other_ids`. `required_m`, shape
    (m, 2), is what was required on the ground and in height; it may be given as a function that is called for it once.
    """

    def __init__(
        self,
        array: npt.NDArray[np.void],
        ids: Sequence[str],
        other_ids: Sequence[str],
        required_m: FloatArray | Callable[[], FloatArray],
    ) -> None:
        self.array = array
        self.ids = ids
        self.other_ids = other_ids
        self._required_m = required_m

    @cached_property
    def required_m(self) -> FloatArray:
        """What was required on the ground and in height, shape (m, 2)."""
        return self._required_m() if callable(self._required_m) else self._required_m

    @cached_property
    def _pair_from(self) -> IntArray:
        """Where the breaches of each pair begin, and where the last ones end."""
        array = self.array
        if not len(array):
            return np.zeros(1, dtype=np.int64)
        fresh = np.ones(len(array) + 1, dtype=bool)
        fresh[1:-1] = (array["a"][1:] != array["a"][:-1]) | (array["b"][1:] != array["b"][:-1])
        return np.flatnonzero(fresh)

    def __len__(self) -> int:
        return len(self._pair_from) - 1

    def __repr__(self) -> str:
        return f"<Breaches: {len(self)} pairs, {len(self.array)} breaches>"

    def __iter__(self) -> Iterator[Conflict]:
        lat, lon = self.places()
        for pair in range(len(self)):
            yield self._conflict(pair, lat, lon)

    def __getitem__(self, pair: int) -> Conflict:
        """The conflict of one pair, counted from 0, or from the last with -1."""
        index = range(len(self))[pair]
        return self._conflict(index, *self.places())

    def pairs(self) -> list[tuple[str, str]]:
        """The ids of the pairs in conflict."""
        rows = self.array[self._pair_from[:-1]]
        return [(self.ids[a], self.other_ids[b]) for a, b in zip(rows["a"].tolist(), rows["b"].tolist(), strict=True)]

    def places(self) -> tuple[FloatArray, FloatArray]:
        """Latitudes and longitudes of where the two are nearest, degrees, both of shape (m,)."""
        return self._places

    @cached_property
    def _places(self) -> tuple[FloatArray, FloatArray]:
        x, y, z = self.array["place"].T
        across = np.hypot(x, y)
        # Bowring's formula: right to a nanometre this near the ellipsoid.
        angle = np.arctan2(z * _MAJOR_M, across * _MINOR_M)
        lat = np.arctan2(
            z + _SECOND_ECCENTRICITY2 * _MINOR_M * np.sin(angle) ** 3,
            across - _ECCENTRICITY2 * _MAJOR_M * np.cos(angle) ** 3,
        )
        return np.degrees(lat), np.degrees(np.arctan2(y, x))

    def columns(self) -> dict[str, npt.NDArray[Any]]:
        """Every breach as columns of shape (m,): the fields of `Breach`, and the ids `a` and `b`."""
        rows, (lat, lon) = self.array, self.places()
        return {
            "a": np.array(self.ids, dtype=object)[rows["a"]] if len(rows) else np.empty(0, dtype=object),
            "b": np.array(self.other_ids, dtype=object)[rows["b"]] if len(rows) else np.empty(0, dtype=object),
            "starts_s": rows["t0_s"],
            "ends_s": rows["t1_s"],
            "nearest_s": rows["nearest_s"],
            "lat_deg": lat,
            "lon_deg": lon,
            "horizontal_m": rows["horizontal_m"],
            "vertical_m": rows["vertical_m"],
            "margin_m": rows["margin_m"],
            "required_horizontal_m": self.required_m[:, 0],
            "required_vertical_m": self.required_m[:, 1],
            "reason": np.array([reason.value for reason in REASONS], dtype=object)[rows["reason"]],
            "heights_comparable": rows["flags"] & HEIGHTS_NOT_COMPARABLE == 0,
        }

    def to_dicts(self) -> list[dict[str, Any]]:
        """A mapping for every breach, with the names of `columns`."""
        columns = {name: column.tolist() for name, column in self.columns().items()}
        return [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]

    def to_arrow(self) -> pyarrow.Table:
        """An Arrow table with a row for every breach; times have the zone UTC. Needs pyarrow."""
        import pyarrow as pa

        columns = {}
        for name, column in self.columns().items():
            if name in ("starts_s", "ends_s", "nearest_s"):
                micros = pa.array(np.rint(column * 1e6).astype(np.int64))
                columns[f"{name[:-2]}_at"] = micros.cast(pa.timestamp("us", tz="UTC"))
            elif column.dtype == object:
                columns[name] = pa.array(column, type=pa.string())
            else:
                columns[name] = pa.array(np.ascontiguousarray(column))
        return pa.table(columns)

    def to_pandas(self) -> pandas.DataFrame:
        """A frame with a row for every breach; times have the zone UTC. Needs pandas."""
        import pandas as pd

        columns: dict[str, Any] = {}
        for name, column in self.columns().items():
            if name in ("starts_s", "ends_s", "nearest_s"):
                micros = np.rint(column * 1e6).astype(np.int64).astype("datetime64[us]")
                columns[f"{name[:-2]}_at"] = pd.Series(micros).dt.tz_localize("UTC")
            else:
                columns[name] = column
        return pd.DataFrame(columns)

    def _conflict(self, pair: int, lat: FloatArray, lon: FloatArray) -> Conflict:
        first, last = int(self._pair_from[pair]), int(self._pair_from[pair + 1])
        rows = self.array
        return Conflict(
            a=self.ids[int(rows["a"][first])],
            b=self.other_ids[int(rows["b"][first])],
            breaches=tuple(
                Breach(
                    starts_s=float(rows["t0_s"][k]),
                    ends_s=float(rows["t1_s"][k]),
                    nearest_s=float(rows["nearest_s"][k]),
                    lat_deg=float(lat[k]),
                    lon_deg=float(lon[k]),
                    horizontal_m=float(rows["horizontal_m"][k]),
                    vertical_m=float(rows["vertical_m"][k]),
                    margin_m=float(rows["margin_m"][k]),
                    required_horizontal_m=float(self.required_m[k, 0]),
                    required_vertical_m=float(self.required_m[k, 1]),
                    reason=REASONS[int(rows["reason"][k])],
                    heights_comparable=not int(rows["flags"][k]) & HEIGHTS_NOT_COMPARABLE,
                )
                for k in range(first, last)
            ),
        )


def required_m(
    array: npt.NDArray[np.void],
    minima: MinimaStruct,
    kinds: tuple[npt.NDArray[Any], npt.NDArray[Any]],
    rooms: tuple[FloatArray, FloatArray],
) -> FloatArray:
    """What each of m breaches falls short of, on the ground and in height, buffers included; shape (m, 2).

    `kinds` are, of the first and the second plan of each, places in `KINDS`, shape (m,); `rooms` as `Plans.room`, shape
    (m, 4).
    """
    pair = kinds[0].astype(np.int64) * len(KINDS) + kinds[1]
    flags, reason = array["flags"], array["reason"]
    required = np.empty((len(array), 2))
    required[:, 0], required[:, 1] = np.frombuffer(minima.across)[pair], np.frombuffer(minima.height)[pair]
    required[flags & HEIGHTS_NOT_COMPARABLE != 0, 1] = np.inf
    if rooms[0].any() or rooms[1].any():
        ways = reason == REASONS.index(Reason.WAYS_NEAR)
        through = reason == REASONS.index(Reason.WAY_THROUGH_VOLUME)
        way_of_b = flags & WAY_OF_B != 0
        required += np.where((ways | (through & ~way_of_b))[:, None], rooms[0][:, :2], 0.0)
        required += np.where((ways | (through & way_of_b))[:, None], rooms[1][:, :2], 0.0)
    return required

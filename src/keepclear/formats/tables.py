"""Plans and positions as tables, one row a point: what the columns may be called and what they mean.

Columns that are not named here are passed over. docs/formats.md has the list with examples; the shape of frames of the
`traffic` library is the one in which heights are pressure altitudes in feet.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from keepclear.errors import Malformed
from keepclear.formats.draft import Found, datum_of
from keepclear.formats.table import Table, Words
from keepclear.geometry.columns import (
    DATUMS,
    KINDS,
    ByteArray,
    Datum,
    IntArray,
    Plans,
    Positions,
    checked,
    checked_positions,
    place,
)
from keepclear.geometry.earth import FloatArray

ID = ("id", "flight_id")
TIME = ("time", "timestamp", "t", "t_s")
LATITUDE = ("lat", "latitude", "lat_deg")
LONGITUDE = ("lon", "longitude", "lon_deg")
METRES = ("altitude_m", "alt_m")
FEET = "altitude"
ROOM = ("buffer_m", "vertical_buffer_m", "early_s", "late_s")
BAND = ("lower_m", "upper_m")
SAID_ONCE = ("kind", "datum", *ROOM, *BAND)
NAMES = (*ID, "icao24", "callsign", *TIME, *LATITUDE, *LONGITUDE, *METRES, FEET, *SAID_ONCE, "uncertainty_m")
"""All the columns that are read."""

FOOT_M = 0.3048
ANOTHER_FLIGHT_S = 600.0
"""Rows of one aircraft that are further apart belong to two flights, where no flight_id says so; as in `traffic`."""


def plans_of_rows(table: Table) -> Found:
    """One plan for each id; its rows stand in order of time, and what it says once is the same in all of them.

    Rows without a position, and plans of a single row, are left out and counted. Malformed naming the row or item.
    """
    rows = _Rows(table)
    order = np.argsort(rows.whose.codes, kind="stable")
    order = order[~rows.nowhere[order]]
    codes, t_s = rows.whose.codes[order], rows.t_s[order]
    begins = np.flatnonzero(np.concatenate(([True], codes[1:] != codes[:-1]))) if len(codes) else np.empty(0, np.int64)
    ids = [rows.whose.words[code] for code in codes[begins]]
    if rows.in_flights:
        begins, ids = _flights(begins, ids, t_s)
    counts = np.diff(np.append(begins, len(order)))
    single = counts == 1
    kept = np.repeat(~single, counts)
    order, counts = order[kept], counts[~single]
    first = order[np.cumsum(counts) - counts]
    once = _Once(table, order, counts, first, [id for id, alone in zip(ids, single, strict=True) if not alone])
    plans = Plans.of_ways(
        once.ids,
        np.concatenate([[0], np.cumsum(counts)]),
        rows.t_s[order],
        rows.lat_deg[order],
        rows.lon_deg[order],
        rows.alt_m[order],
    )
    whole = replace(
        plans,
        kind=once.words("kind", KINDS, plans.kind),
        datum=once.words("datum", DATUMS, np.full(len(plans), DATUMS.index(rows.datum), dtype=np.uint8)),
        band_m=once.numbers(BAND, plans.band_m),
        room=once.numbers(ROOM, plans.room),
    )
    return Found(checked(whole), Counter(without_position=int(rows.nowhere.sum()), single_points=int(single.sum())))


def positions_of_rows(table: Table) -> Positions:
    """Each row a position, in the order of the rows; rows without a position are passed over."""
    rows = _Rows(table)
    here = ~rows.nowhere
    n = int(here.sum())
    uncertainty = table.numbers("uncertainty_m")[here] if "uncertainty_m" in table.names else np.zeros(n)
    datum = rows.datum
    if "datum" in table.names:
        given = table.texts("datum")
        if len(given.words) > 1 or (given.codes < 0).any():
            message = "positions that are read together have one datum"
            raise Malformed(message, field="datum", code="one_datum")
        datum = datum_of(given.words[0], "datum") if given.words else datum
    return checked_positions(
        Positions(
            ids=tuple(rows.whose.words),
            mover=rows.whose.codes[here],
            t_s=rows.t_s[here],
            lat_deg=rows.lat_deg[here],
            lon_deg=rows.lon_deg[here],
            alt_m=rows.alt_m[here],
            uncertainty_m=uncertainty,
            datum=datum,
        )
    )


class _Rows:
    """Whose each row is, when and where."""

    def __init__(self, table: Table) -> None:
        self.whose, self.in_flights = _whose(table)
        self.t_s = table.times(_column(table, TIME, "time"))
        _refuse_missing(np.isnan(self.t_s), "time", "time_unreadable")
        self.lat_deg = table.numbers(_column(table, LATITUDE, "latitude"))
        self.lon_deg = table.numbers(_column(table, LONGITUDE, "longitude"))
        self.nowhere = np.isnan(self.lat_deg) & np.isnan(self.lon_deg)
        self.alt_m, self.datum = _heights(table)


class _Once:
    """What a plan says once, said again in each of its rows; `order` holds the rows plan by plan."""

    def __init__(self, table: Table, order: IntArray, counts: IntArray, first: IntArray, ids: list[str]) -> None:
        self.table = table
        self.order = order
        self.counts = counts
        self.first = first
        self.ids = ids

    def numbers(self, names: Sequence[str], otherwise: FloatArray) -> FloatArray:
        """One column of the answer for each name; where a table has no such column, or no number, as `otherwise`."""
        found = otherwise.copy()
        for k, name in enumerate(names):
            if name in self.table.names:
                given = self._same(self.table.numbers(name), name)
                found[:, k] = np.where(np.isnan(given), otherwise[:, k], given)
        return found

    def words(self, name: str, words: Sequence[str], otherwise: ByteArray) -> ByteArray:
        """Places in `words`; where a table has no such column, or no word, as `otherwise`."""
        if name not in self.table.names:
            return otherwise
        given = self.table.texts(name)
        places = np.array([*(place(word, words, name) for word in given.words), 0])
        codes = self._same(given.codes, name)
        return np.where(codes < 0, otherwise, places[codes]).astype(np.uint8)

    def _same(self, values: npt.NDArray[Any], name: str) -> npt.NDArray[Any]:
        first = values[self.first]
        all_rows = values[self.order]
        expected = np.repeat(first, self.counts)
        other = (all_rows != expected) & ~((all_rows != all_rows) & (expected != expected))
        if other.any():
            plan = int(np.searchsorted(np.cumsum(self.counts), other.argmax(), side="right"))
            message = "it is not the same in all rows of the plan"
            raise Malformed(message, field=f"plans[{self.ids[plan]}].{name}", code="differs_between_rows")
        return first


def _whose(table: Table) -> tuple[Words, bool]:
    """The id of each row, and whether it names an aircraft, whose flights are then told apart by the time between."""
    for name in ID:
        if name in table.names:
            words = table.texts(name)
            _refuse_missing(words.codes < 0, name, "no_id")
            return words, False
    if "icao24" in table.names:
        aircraft = table.texts("icao24")
        _refuse_missing(aircraft.codes < 0, "icao24", "no_id")
        if "callsign" not in table.names:
            return aircraft, True
        called = table.texts("callsign")
        both = aircraft.codes * (len(called.words) + 1) + called.codes + 1
        pairs, first, codes = np.unique(both, return_index=True, return_inverse=True)
        names = [_called(called, i) + aircraft.words[aircraft.codes[i]] for i in first]
        order = np.argsort(first)  # in the order in which they come
        rank = np.empty(len(pairs), dtype=np.int64)
        rank[order] = np.arange(len(pairs))
        return Words(rank[codes], [names[i] for i in order]), True
    if "callsign" in table.names:
        words = table.texts("callsign")
        _refuse_missing(words.codes < 0, "callsign", "no_id")
        return words, True
    return table.texts(_column(table, (*ID, "icao24", "callsign"), "id")), False


def _called(called: Words, row: int) -> str:
    code = called.codes[row]
    return f"{called.words[code].strip()}/" if code >= 0 and called.words[code].strip() else ""


def _flights(begins: IntArray, ids: list[str], t_s: FloatArray) -> tuple[IntArray, list[str]]:
    """Cut the rows of an aircraft where they are too far apart in time; later flights get `#2`, `#3` after the id."""
    cut = np.zeros(len(t_s), dtype=bool)
    cut[1:] = np.diff(t_s) > ANOTHER_FLIGHT_S
    cut[begins] = True
    each = np.flatnonzero(cut)
    aircraft = np.searchsorted(begins, each, side="right") - 1
    number = np.arange(len(each)) - np.searchsorted(each, begins)[aircraft] + 1
    pairs = zip(aircraft.tolist(), number.tolist(), strict=True)
    return each, [ids[i] if n == 1 else f"{ids[i]}#{n}" for i, n in pairs]


def _heights(table: Table) -> tuple[FloatArray, Datum]:
    """Metres, and above what: `altitude_m` is above the ellipsoid, the `altitude` of `traffic` pressure in feet."""
    for name in METRES:
        if name in table.names:
            return table.numbers(name), Datum.WGS84
    if FEET not in table.names:
        return np.full(table.rows, np.nan), Datum.WGS84
    if not {"timestamp", "latitude", "longitude"} <= {*table.names}:
        raise Malformed("feet or metres? metres are in altitude_m", field=FEET, code="feet_or_metres")
    return table.numbers(FEET) * FOOT_M, Datum.PRESSURE


def _column(table: Table, names: Sequence[str], field: str) -> str:
    for name in names:
        if name in table.names:
            return name
    known = ", ".join(names)
    raise Malformed(f"none of the columns {known} is there", field=field, code="column_missing", names=known)


def _refuse_missing(missing: npt.NDArray[np.bool_], name: str, code: str) -> None:
    if missing.any():
        raise Malformed("it is missing", field=f"rows[{missing.argmax()}].{name}", code=code)

"""Tracks in Parquet files: from when to when they go, and the rows of a slice of time, without reading the rest."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from keepclear.audit.job import InputFile
from keepclear.errors import Malformed
from keepclear.formats.table import Arrow
from keepclear.formats.tables import LATITUDE, LONGITUDE, NAMES, TIME, positions_of_rows
from keepclear.geometry.columns import Positions

if TYPE_CHECKING:
    import pyarrow
    import pyarrow.dataset

_ITEM = re.compile(r"(positions|rows)\[(\d+)\]")


@dataclass(frozen=True, slots=True)
class Tracks:
    """Parquet files of one shape, read as one: the columns are those of `formats.tables`, times as times or seconds."""

    dataset: pyarrow.dataset.Dataset
    columns: tuple[str, ...]
    time: str

    @classmethod
    def of(cls, paths: Sequence[str]) -> Tracks:
        """Open files. Raises `Malformed` if one cannot be read, if they differ in shape, or if pyarrow is missing."""
        pyarrow, dataset = _pyarrow()
        try:
            opened = dataset.dataset(list(paths), format="parquet")
        except (pyarrow.ArrowException, OSError, ValueError) as error:
            why = str(error).splitlines()[0] if str(error) else type(error).__name__
            raise Malformed(f"this table cannot be read: {why}", code="not_table", why=why) from None
        names = opened.schema.names
        time = next((name for name in TIME if name in names), None)
        if time is None:
            known = ", ".join(TIME)
            raise Malformed(f"none of the columns {known} is there", field="time", code="column_missing", names=known)
        kind = opened.schema.field(time).type
        if not (pyarrow.types.is_timestamp(kind) or pyarrow.types.is_integer(kind) or pyarrow.types.is_floating(kind)):
            raise Malformed("it must hold times, or seconds since 1970", field=time, code="time_unreadable")
        if pyarrow.types.is_timestamp(kind) and kind.tz not in ("UTC", "Etc/UTC", "+00:00", "Z"):
            raise Malformed("the times must have the zone UTC", field=time, code="time_not_utc")
        return cls(opened, tuple(name for name in names if name in NAMES), time)

    def rows(self) -> int:
        """How many rows there are in all, from the files' own count."""
        return int(self.dataset.count_rows())

    def span_s(self) -> tuple[float, float] | None:
        """The first and the last time, seconds since 1970; None if there is no row. Reads only the column of times."""
        import pyarrow.compute as compute

        first, last = None, None
        for batch in self.dataset.to_batches(columns=[self.time]):
            ends = compute.min_max(batch.column(0))
            if ends["min"].is_valid:
                first = ends["min"] if first is None or ends["min"].as_py() < first.as_py() else first
                last = ends["max"] if last is None or ends["max"].as_py() > last.as_py() else last
        return None if first is None else (_seconds(first), _seconds(last))

    def count(self, from_s: float, upto_s: float) -> int:
        """How many rows lie from one time up to another, not included."""
        return int(self.dataset.count_rows(filter=self._between(from_s, upto_s)))

    def between(self, from_s: float, upto_s: float) -> Positions:
        """The reports from one time up to another, not included. Raises `Malformed` naming what is wrong with one, by
        its file and its row there, such as `october.parquet: rows[17].lat_deg`."""
        table = self.dataset.to_table(columns=list(self.columns), filter=self._between(from_s, upto_s))
        try:
            return positions_of_rows(Arrow(table))
        except Malformed as wrong:
            found = _ITEM.match(wrong.field)
            if found is None:
                raise
            place = int(found[2]) if found[1] == "rows" else int(_somewhere(table)[int(found[2])])
            field = f"{self._row(place, from_s, upto_s)}{wrong.field[found.end() :]}"
            raise Malformed(wrong.message, field=field, code=wrong.code, **wrong.values) from None

    def _row(self, place: int, from_s: float, upto_s: float) -> str:
        """The file and the row in it of one of the rows from one time up to another."""
        import pyarrow.dataset

        between = self._between(from_s, upto_s)
        files = self.dataset.to_table(columns=["__filename"], filter=between).column(0).to_pylist()
        file, before = files[place], files[:place].count(files[place])
        times = pyarrow.dataset.dataset(file, format="parquet").to_table(columns={"it": between}).column(0)
        row = int(np.flatnonzero(times.fill_null(False).to_numpy())[before])
        name = Path(file).name
        return f"{name if name.isprintable() else ascii(name)}: rows[{row}]"

    def _between(self, from_s: float, upto_s: float) -> pyarrow.dataset.Expression:
        import pyarrow
        from pyarrow.dataset import field

        kind = self.dataset.schema.field(self.time).type
        if not pyarrow.types.is_timestamp(kind):
            return (field(self.time) >= from_s) & (field(self.time) < upto_s)
        ends = (pyarrow.scalar(datetime.fromtimestamp(at, UTC), type=kind) for at in (from_s, upto_s))
        begin, end = ends
        return (field(self.time) >= begin) & (field(self.time) < end)


def _somewhere(table: pyarrow.Table) -> npt.NDArray[np.intp]:
    """The places of the rows that have a position."""
    rows = Arrow(table)
    lat_deg, lon_deg = (
        rows.numbers(next(name for name in names if name in rows.names)) for names in (LATITUDE, LONGITUDE)
    )
    return np.flatnonzero(~(np.isnan(lat_deg) & np.isnan(lon_deg)))


def input_files(paths: Sequence[str]) -> tuple[InputFile, ...]:
    """The files as they are now, by name. Raises `Malformed` naming one that is not there."""
    found = []
    for name in sorted({str(Path(path).resolve()) for path in paths}):
        try:
            stat = Path(name).stat()
        except OSError:
            raise Malformed(f"no file {name}", field="file", code="no_file", path=name) from None
        found.append(InputFile(path=name, size=stat.st_size, changed_ns=stat.st_mtime_ns))
    return tuple(found)


def _seconds(moment: Any) -> float:
    value = moment.as_py()
    return float(value.timestamp() if hasattr(value, "timestamp") else value)


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.dataset
    except ImportError:
        message = "this needs more packages: pip install 'keepclear[tables]'"
        raise Malformed(message, code="extra_missing") from None
    return pyarrow, pyarrow.dataset

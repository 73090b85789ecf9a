"""A table, wherever it comes from: columns by name as numbers, as times, and as words.

Arrow and pandas are imported only where one of their tables, or a file only they can read, is at hand.
"""

from __future__ import annotations

import csv
import io
import itertools
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from keepclear.errors import Malformed
from keepclear.formats.draft import seconds
from keepclear.geometry.columns import IntArray
from keepclear.geometry.earth import FloatArray

if TYPE_CHECKING:
    import pyarrow

MAX_BYTES = 2**31
MAX_ROWS = 500_000_000
MAX_COLUMNS = 2_000
_SOME_ROWS = 1_000
_PLAIN = frozenset("0123456789.+-eEnaNifINF ")
"""What a number in a text is made of: no digits of other scripts, no underscores."""


class Words:
    """Texts, each different one once: row i has `words[codes[i]]`, or none where the code is -1."""

    def __init__(self, codes: IntArray, words: Sequence[str]) -> None:
        self.codes = codes
        self.words = words

    @classmethod
    def of(cls, texts: Iterable[object]) -> Words:
        """The words of texts; None, NaN and the empty text are none, and whole numbers are taken as written."""
        places: dict[object, int] = {None: -1, "": -1}
        codes = [places.setdefault(text, len(places) - 2) if text == text else -1 for text in texts]
        words = [*places][2:]
        if not all(isinstance(word, str | int) and not isinstance(word, bool) for word in words):
            raise TypeError
        return cls(np.array(codes, dtype=np.int64), [str(word) for word in words])


class Table(ABC):
    """Columns of one length, by name."""

    names: Sequence[str]
    rows: int

    @abstractmethod
    def numbers(self, name: str) -> FloatArray:
        """Float64, shape (rows,); NaN where there is none. Malformed if the column holds something else."""

    @abstractmethod
    def times(self, name: str) -> FloatArray:
        """Seconds since 1970, shape (rows,); NaN where there is none. Malformed if they are not times in UTC."""

    @abstractmethod
    def texts(self, name: str) -> Words:
        """Words. Malformed if the column holds something else."""

    def _not(self, name: str, what: str) -> Malformed:
        code = {"numbers": "not_numbers", "times": "time_unreadable", "texts": "no_id"}[what]
        return Malformed(f"{what} are needed", field=name, code=code)


class Arrays(Table):
    """A mapping of NumPy arrays (or lists); times are datetime64, which NumPy counts in UTC, seconds, or texts."""

    def __init__(self, columns: Mapping[str, Any]) -> None:
        self.columns = {name: np.asarray(values) for name, values in columns.items()}
        self.names = [*self.columns]
        self.rows = 0
        for place, (name, array) in enumerate(self.columns.items()):
            if array.ndim != 1:
                raise Malformed(f"a list of values is needed, not of {array.ndim} dimensions", field=name, code="shape")
            if place and len(array) != self.rows:
                raise Malformed(f"{len(array)} rows, where {self.names[0]} has {self.rows}", field=name, code="shape")
            self.rows = len(array)

    def numbers(self, name: str) -> FloatArray:
        """As of the table."""
        array = self.columns[name]
        if array.dtype.kind == "O":
            array = _objects(array, float, name)
        if array.dtype.kind not in "iuf":
            raise self._not(name, "numbers")
        return array.astype(np.float64)

    def times(self, name: str) -> FloatArray:
        """As of the table."""
        array = self.columns[name]
        if array.dtype.kind == "M":
            return _since_1970(array)
        if array.dtype.kind in "UO":
            return _read_times(array.tolist(), name)
        return self.numbers(name)

    def texts(self, name: str) -> Words:
        """As of the table."""
        try:
            return Words.of(self.columns[name].tolist())
        except TypeError:
            raise self._not(name, "texts") from None


class Csv(Table):
    """Comma-separated values (RFC 4180) in UTF-8, the names of the columns in the first line."""

    def __init__(self, content: bytes) -> None:
        if len(content) > MAX_BYTES:
            raise Malformed(f"more than {MAX_BYTES} bytes", code="too_large")
        try:
            lines = csv.reader(io.StringIO(content.decode("utf-8-sig"), newline=""), strict=True)
            self.names = _header([name.strip() for name in next(lines, [])])
            cells = _columns(lines, len(self.names))
        except (UnicodeDecodeError, csv.Error) as error:
            raise Malformed(f"not comma-separated values in UTF-8: {error}", code="not_csv") from None
        self.columns = dict(zip(self.names, cells, strict=True))
        self.rows = len(cells[0]) if cells else 0

    def numbers(self, name: str) -> FloatArray:
        """As of the table."""
        cells = self.columns[name]
        try:
            if not _PLAIN.issuperset("".join(cells)):
                raise ValueError
            return np.array([float(cell) if cell else np.nan for cell in cells], dtype=np.float64)
        except ValueError:
            number = next(i for i, cell in enumerate(cells) if not _is_number(cell))
            raise Malformed("a number is needed", field=f"rows[{number}].{name}", code="not_numbers") from None

    def times(self, name: str) -> FloatArray:
        """As of the table."""
        cells = self.columns[name]
        first = next((cell for cell in cells if cell), "")
        return self.numbers(name) if _is_number(first) else _read_times(cells, name)

    def texts(self, name: str) -> Words:
        """As of the table."""
        return Words.of(self.columns[name])


def _header(names: list[str]) -> list[str]:
    """The names of the columns of a text, if they can be such."""
    if len(names) == 1 and any(mark in names[0] for mark in ";\t|"):
        raise Malformed("commas are needed between the cells", code="not_csv")
    if len(names) > MAX_COLUMNS:
        raise Malformed("too many columns", code="more_than", count=len(names), most=MAX_COLUMNS)
    twice = next((name for name, count in Counter(names).items() if count > 1), None)
    if twice is not None:
        raise Malformed(f"two columns are called {twice}", field=twice, code="duplicate_field")
    return names


def _columns(lines: Iterable[list[str]], width: int) -> list[list[str]]:
    """The cells of rows, column by column; empty lines are no rows. Some rows at a time, as all at once would be held
    twice."""
    columns: list[list[str]] = [[] for _ in range(width)]
    rows, done = (row for row in lines if row), 0
    while some := list(itertools.islice(rows, _SOME_ROWS)):
        for number, row in enumerate(some, start=done):
            if len(row) != width:
                raise Malformed(f"{len(row)} cells under {width} names", field=f"rows[{number}]", code="shape")
        for column, cells in zip(columns, zip(*some, strict=True), strict=True):
            column += cells
        done += len(some)
    return columns


class Arrow(Table):
    """An Arrow table. Its times have a zone, and it is UTC, or are seconds."""

    def __init__(self, table: pyarrow.Table) -> None:
        self.table = table
        self.names = table.column_names
        self.rows = table.num_rows
        if len(set(self.names)) != len(self.names):
            twice = next(name for name in self.names if self.names.count(name) > 1)
            raise Malformed(f"two columns are called {twice}", field=twice, code="duplicate_field")

    def numbers(self, name: str) -> FloatArray:
        """As of the table."""
        import pyarrow.types as kinds

        column = self.table[name]
        if not (kinds.is_integer(column.type) or kinds.is_floating(column.type) or kinds.is_null(column.type)):
            raise self._not(name, "numbers")
        return np.asarray(column.cast("float64").to_numpy(), dtype=np.float64)

    def times(self, name: str) -> FloatArray:
        """As of the table."""
        import pyarrow.types as kinds

        column = self.table[name]
        if kinds.is_timestamp(column.type):
            if column.type.tz not in ("UTC", "Etc/UTC", "+00:00", "Z"):
                raise Malformed("the times must have the zone UTC", field=name, code="time_not_utc")
            return _since_1970(column.to_numpy())
        if kinds.is_string(column.type) or kinds.is_large_string(column.type):
            return _read_times(column.to_pylist(), name)
        return self.numbers(name)

    def texts(self, name: str) -> Words:
        """As of the table."""
        import pyarrow.types as kinds

        column = self.table[name].combine_chunks()
        if kinds.is_nested(column.type):
            raise self._not(name, "texts")
        if kinds.is_integer(column.type):
            column = column.cast("string")
        if not kinds.is_dictionary(column.type):
            column = column.dictionary_encode()
        whole = column.combine_chunks() if hasattr(column, "combine_chunks") else column
        codes = whole.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
        words = whole.dictionary.to_pylist()
        if not all(isinstance(word, str) for word in words):
            raise self._not(name, "texts")
        return Words(codes, words)


class Frame(Table):
    """A pandas frame, its columns by whatever engine. Its times have a zone, or are seconds."""

    def __init__(self, frame: Any) -> None:
        self.frame = frame
        self.names = [str(name) for name in frame.columns]
        self.rows = len(frame)
        if len(set(self.names)) != len(self.names):
            twice = next(name for name in self.names if self.names.count(name) > 1)
            raise Malformed(f"two columns are called {twice}", field=twice, code="duplicate_field")

    def numbers(self, name: str) -> FloatArray:
        """As of the table."""
        from pandas.api import types

        column = self.frame[name]
        if not types.is_numeric_dtype(column.dtype) or types.is_bool_dtype(column.dtype):
            raise self._not(name, "numbers")
        return np.asarray(column.to_numpy(dtype=np.float64, na_value=np.nan), dtype=np.float64)

    def times(self, name: str) -> FloatArray:
        """As of the table."""
        import pandas

        column = self.frame[name]
        if pandas.api.types.is_datetime64_any_dtype(column.dtype) or str(column.dtype).startswith("timestamp"):
            if column.dt.tz is None:
                raise Malformed("the times must have the zone UTC", field=name, code="time_not_utc")
            return _since_1970(column.dt.tz_convert("UTC").dt.tz_localize(None).to_numpy(dtype="datetime64[ns]"))
        if pandas.api.types.is_numeric_dtype(column.dtype):
            return self.numbers(name)
        return _read_times(column.tolist(), name)

    def texts(self, name: str) -> Words:
        """As of the table."""
        import pandas

        codes, words = pandas.factorize(self.frame[name])
        try:
            return Words(codes.astype(np.int64), Words.of(words.tolist()).words)
        except TypeError:
            raise self._not(name, "texts") from None


def of_parquet(content: bytes, columns: Iterable[str]) -> Arrow:
    """Those of the named columns that are in a Parquet file. Malformed if it cannot be read, or pyarrow is missing."""
    pyarrow = _pyarrow()
    from pyarrow import parquet

    try:
        file = parquet.ParquetFile(pyarrow.BufferReader(content))
        _bounded(file.metadata.num_rows, file.metadata.num_columns)
        wanted = set(columns)
        return _sound(file.read([name for name in file.schema_arrow.names if name in wanted]))
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise _unreadable(error) from None


def of_arrow_file(content: bytes, columns: Iterable[str]) -> Arrow:
    """The same of an Arrow IPC file ("Feather")."""
    pyarrow = _pyarrow()
    from pyarrow import ipc

    try:
        with ipc.open_file(pyarrow.BufferReader(content)) as file:
            wanted = set(columns)
            table = file.read_all()
            _bounded(table.num_rows, table.num_columns)
            return _sound(table.select([name for name in table.column_names if name in wanted]))
    except (pyarrow.ArrowException, OSError, ValueError) as error:
        raise _unreadable(error) from None


def _sound(table: pyarrow.Table) -> Arrow:
    """The table, once every offset in it was looked at: Arrow itself believes what a file says, and would crash."""
    table.validate(full=True)
    return Arrow(table)


def _pyarrow() -> Any:
    try:
        import pyarrow
    except ImportError:
        message = "this needs more packages: pip install 'keepclear[tables]'"
        raise Malformed(message, code="extra_missing") from None
    return pyarrow


def _bounded(rows: int, columns: int) -> None:
    for count, most, what in ((rows, MAX_ROWS, "rows"), (columns, MAX_COLUMNS, "columns")):
        if count > most:
            raise Malformed(f"{count} of them; {most} at most", field=what, code="more_than", count=count, most=most)


def _unreadable(error: Exception) -> Malformed:
    why = str(error).splitlines()[0] if str(error) else type(error).__name__
    return Malformed(f"this table cannot be read: {why}", code="not_table", why=why)


def _since_1970(array: npt.NDArray[Any]) -> FloatArray:
    whole = array.astype("datetime64[s]")
    nanoseconds = (array - whole).astype("timedelta64[ns]").astype(np.float64)
    found = whole.astype(np.int64) + nanoseconds * 1e-9
    return np.where(np.isnat(array), np.nan, found)


def _read_times(values: Iterable[object], name: str) -> FloatArray:
    """Times written as texts; what is missing is NaN."""
    found = [
        np.nan if value is None or value == "" or value != value else seconds(value, f"rows[{i}].{name}")
        for i, value in enumerate(values)
    ]
    return np.array(found, dtype=np.float64)


def _objects(array: npt.NDArray[Any], kind: type, name: str) -> npt.NDArray[Any]:
    try:
        if any(isinstance(each, str | bool) for each in array.tolist()):
            raise TypeError
        return np.array([np.nan if each is None else kind(each) for each in array.tolist()], dtype=np.float64)
    except (TypeError, ValueError):
        raise Malformed("numbers are needed", field=name, code="not_numbers") from None


def _is_number(cell: str) -> bool:
    try:
        float(cell or "nan")
    except ValueError:
        return False
    return _PLAIN.issuperset(cell)

"""Plans and positions from whatever they are in: the content decides which format reads it, the name only names it.

Each format is loaded when it is met, so that reading one small file does not wait for all of them.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any

from keepclear.errors import Malformed
from keepclear.formats.draft import Found
from keepclear.geometry.columns import Plans, Positions, checked
from keepclear.model.plans import Plan

if TYPE_CHECKING:
    from keepclear.formats.table import Table

_PARQUET, _ARROW, _ZIPPED = b"PAR1", b"ARROW1", (b"PK\x03\x04", b"\x1f\x8b")
_SPACE = b" \t\r\n\xef\xbb\xbf"


def read_plans(content: bytes, name: str) -> Found:
    """The plans in a file's bytes. `name` is put into the ids of those that have none. Malformed naming the item."""
    kind = _format(content)
    if kind == "geojson":
        from keepclear.formats import geojson

        return geojson.read_plans(content, name)
    if kind == "gpx":
        from keepclear.formats import gpx

        return gpx.read_plans(content, name)
    return _plans_of(_table(kind, content))


def read_positions(content: bytes) -> Positions:
    """The positions in a file's bytes: GeoJSON points or a table. Malformed naming the item."""
    kind = _format(content)
    if kind == "geojson":
        from keepclear.formats import geojson

        return geojson.read_positions(content)
    if kind == "gpx":
        raise Malformed("GPX holds plans here, not positions", code="not_positions")
    return _positions_of(_table(kind, content))


def plans(source: object, name: str = "plan") -> Found:
    """The plans in columns, values, a GeoJSON object, a table of rows (a mapping of arrays, Arrow, pandas), or bytes.

    Several of these in a sequence are put together. Malformed naming the item, or saying what cannot be taken.
    """
    if isinstance(source, Plans | Plan):
        return Found(Plans.of(source))
    if isinstance(source, bytes):
        return read_plans(source, name)
    if isinstance(source, Mapping) and "type" in source:
        from keepclear.formats import geojson

        return geojson.read_plans(source, name)
    if isinstance(source, Mapping) and "ids" in source:
        return Found(Plans.of(source))
    table = as_table(source)
    if table is not None:
        return _plans_of(table)
    if isinstance(source, Iterable) and not isinstance(source, str | Mapping):
        parts = list(source)
        if all(isinstance(part, Plan) for part in parts):
            return Found(Plans.of(parts))
        return together([plans(part, name) for part in parts])
    raise Malformed(f"{type(source).__name__} is not taken as plans", field="plans", code="not_plans")


def positions(source: object) -> Positions:
    """The positions in columns, a GeoJSON object, a table of rows, or bytes. Malformed as of `plans`."""
    if isinstance(source, bytes):
        return read_positions(source)
    if isinstance(source, Mapping) and "type" in source:
        from keepclear.formats import geojson

        return geojson.read_positions(source)
    table = None if isinstance(source, Mapping) and "ids" in source else as_table(source)
    return Positions.of(source) if table is None else _positions_of(table)


def together(found: Iterable[Found]) -> Found:
    """The plans of several sources as one, checked; what was left out is added up."""
    parts = [*found]
    left_out: Counter[str] = Counter()
    for part in parts:
        left_out.update(part.left_out)
    return Found(checked(Plans.concatenated(part.plans for part in parts)), left_out)


def as_table(source: object) -> Table | None:
    """A table of rows, if the source is one: a mapping of arrays, an Arrow table or stream, a pandas frame, or a thing
    of the `traffic` library that holds a frame."""
    from keepclear.formats.table import Arrays, Arrow, Frame

    if isinstance(source, Mapping):
        return Arrays({str(name): values for name, values in source.items()})
    if _is_frame(source):
        return Frame(source)
    if _is_frame(getattr(source, "data", None)):
        return Frame(source.data)  # type: ignore[attr-defined]
    if hasattr(source, "__arrow_c_stream__"):
        import pyarrow

        return Arrow(pyarrow.table(source))
    return None


def _is_frame(source: Any) -> bool:
    return type(source).__name__.endswith("DataFrame") and hasattr(source, "iloc")


def _format(content: bytes) -> str:
    if content.startswith(_PARQUET):
        return "parquet"
    if content.startswith(_ARROW):
        return "arrow"
    first = content[:1000].lstrip(_SPACE)[:1]
    if first in (b"{", b"["):
        return "geojson"
    if first == b"<":
        return "gpx"
    if not first or content.startswith(_ZIPPED) or b"\0" in content[:1000]:
        raise Malformed("none of GeoJSON, GPX, Parquet, Arrow and CSV", code="not_known_format")
    return "csv"


def _table(kind: str, content: bytes) -> Table:
    from keepclear.formats.table import Csv, of_arrow_file, of_parquet
    from keepclear.formats.tables import NAMES

    if kind == "parquet":
        return of_parquet(content, NAMES)
    return of_arrow_file(content, NAMES) if kind == "arrow" else Csv(content)


def _plans_of(table: Table) -> Found:
    from keepclear.formats.tables import plans_of_rows

    return plans_of_rows(table)


def _positions_of(table: Table) -> Positions:
    from keepclear.formats.tables import positions_of_rows

    return positions_of_rows(table)

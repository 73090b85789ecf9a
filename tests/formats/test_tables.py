"""Tables: the same rows say the same in CSV, Parquet, Arrow, pandas and NumPy, and what is wrong is named."""

from __future__ import annotations

import contextlib
import io
from dataclasses import fields
from typing import Any

import numpy as np
import pandas
import pyarrow
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyarrow import feather, parquet

from keepclear.errors import Malformed
from keepclear.formats import reading
from keepclear.formats.draft import Found
from keepclear.geometry.columns import DATUMS, KINDS, Datum, Plans, Positions
from keepclear.model.plans import PlanKind

START = pandas.Timestamp("2026-12-01T06:00:00Z")
START_S = 1796104800.0


def rows(**changed: Any) -> dict[str, list[Any]]:
    """Rows of two plans, mixed, as lists; times are pandas' own."""
    whole = {
        "id": ["b", "a", "b", "a", "b"],
        "time": [START + pandas.Timedelta(seconds=s) for s in (0.5, 0, 60, 90, 120)],
        "lat": [35.0, 10.0, 35.1, 10.1, 35.2],
        "lon": [40.0, -179.9, 40.1, 179.9, 40.2],
        "altitude_m": [3000.0, np.nan, np.nan, 200.0, 3100.0],
        "kind": ["flight", "ground_movement", "flight", "ground_movement", "flight"],
        "buffer_m": [500.0, 0.0, 500.0, 0.0, 500.0],
        "colour": ["red", "blue", "red", "blue", "red"],
    } | changed
    return {name: values for name, values in whole.items() if values is not None}


def as_frame(columns: dict[str, Any]) -> Any:
    return pandas.DataFrame(columns)


def as_arrow_frame(columns: dict[str, Any]) -> Any:
    return pyarrow.Table.from_pandas(as_frame(columns)).to_pandas(types_mapper=pandas.ArrowDtype)


def as_arrow(columns: dict[str, Any]) -> Any:
    return pyarrow.Table.from_pandas(as_frame(columns), preserve_index=False)


def as_words(columns: dict[str, Any]) -> Any:
    """Texts as a dictionary, and in chunks."""
    table = as_arrow(columns)
    coded = [column.dictionary_encode() if pyarrow.types.is_string(column.type) else column for column in table.columns]
    table = pyarrow.table(coded, names=table.column_names)
    return pyarrow.concat_tables([table.slice(0, 2), table.slice(2)]) if table.num_rows > 2 else table


def as_parquet(columns: dict[str, Any]) -> bytes:
    sink = io.BytesIO()
    parquet.write_table(as_arrow(columns), sink)
    return sink.getvalue()


def as_feather(columns: dict[str, Any]) -> bytes:
    sink = io.BytesIO()
    feather.write_feather(as_arrow(columns), sink, compression="uncompressed")
    return sink.getvalue()


def as_csv(columns: dict[str, Any]) -> bytes:
    return bytes(as_frame(columns).to_csv(index=False).encode())


def as_numpy(columns: dict[str, Any]) -> dict[str, Any]:
    arrays = {name: np.array(values) for name, values in columns.items() if name not in ("time", "timestamp")}
    frame = as_frame(columns)
    times = {name: frame[name] for name in ("time", "timestamp") if name in columns}
    return arrays | {name: each.dt.tz_localize(None).to_numpy() for name, each in times.items()}


KINDS_OF_TABLES = [as_frame, as_arrow_frame, as_arrow, as_words, as_parquet, as_feather, as_csv, as_numpy]
tables = pytest.mark.parametrize("table", KINDS_OF_TABLES)


def assert_same(one: Plans, other: Plans) -> None:
    for each in fields(Plans):
        if each.init:
            np.testing.assert_array_equal(getattr(one, each.name), getattr(other, each.name), err_msg=each.name)


def refused(source: Any) -> Malformed:
    with pytest.raises(Malformed) as refusal:
        reading.plans(source)
    return refusal.value


@tables
def test_rows_are_gathered_by_id(table: Any) -> None:
    found = reading.plans(table(rows()))
    plans = found.plans
    assert sorted(plans.ids) == ["a", "b"]
    at = plans.take([plans.ids.index("b"), plans.ids.index("a")])
    assert at.point_from.tolist() == [0, 3, 5]
    assert at.t_s.tolist() == [START_S + s for s in (0.5, 60.0, 120.0, 0.0, 90.0)]
    assert at.lat_deg.tolist() == [35.0, 35.1, 35.2, 10.0, 10.1]
    assert at.lon_deg.tolist() == [40.0, 40.1, 40.2, -179.9, 179.9]
    np.testing.assert_array_equal(at.alt_m, [3000.0, np.nan, 3100.0, np.nan, 200.0])
    assert [KINDS[i] for i in at.kind] == [PlanKind.FLIGHT, PlanKind.GROUND_MOVEMENT]
    assert [DATUMS[i] for i in at.datum] == [Datum.WGS84] * 2
    assert at.room.tolist() == [[500.0, 0.0, 0.0, 0.0], [0.0] * 4]
    assert at.band_m.tolist() == [[-np.inf, np.inf]] * 2
    assert not +found.left_out  # type: ignore[operator]


def traffic(**changed: Any) -> dict[str, Any]:
    seconds = [0, 10, 20, 1000, 1010, 0, 10, 5]
    whole = {
        "timestamp": [START + pandas.Timedelta(seconds=s) for s in seconds],
        "icao24": ["4b1805"] * 5 + ["a0b1c2"] * 2 + ["ffffff"],
        "callsign": ["SWR12"] * 5 + [None, None, "LONE"],
        "latitude": [46.0, 46.1, np.nan, 46.3, 46.4, 47.0, 47.1, 48.0],
        "longitude": [8.0, 8.1, np.nan, 8.3, 8.4, 9.0, 9.1, 9.2],
        "altitude": [10000.0, 10000.0, 10000.0, 5000.0, np.nan, 100.0, 200.0, 300.0],
        "groundspeed": [450.0] * 8,
    } | changed
    return {name: values for name, values in whole.items() if values is not None}


@tables
def test_frames_of_traffic(table: Any) -> None:
    """Feet of pressure altitude; flights of one aircraft are told apart by ten minutes without a row."""
    found = reading.plans(table(traffic()))
    plans = found.plans
    assert sorted(plans.ids) == ["SWR12/4b1805", "SWR12/4b1805#2", "a0b1c2"]
    assert {DATUMS[i] for i in plans.datum} == {Datum.PRESSURE}
    first = plans.take([plans.ids.index("SWR12/4b1805")])
    np.testing.assert_allclose(first.alt_m, [3048.0, 3048.0])
    assert dict(found.left_out) == {"without_position": 1, "single_points": 1}


@tables
def test_a_flight_id_is_believed_whatever_the_gaps(table: Any) -> None:
    ids = ["one"] * 5 + ["two"] * 2 + ["three"]
    assert sorted(reading.plans(table(traffic(flight_id=ids))).plans.ids) == ["one", "two"]


def test_a_thing_that_holds_a_frame_is_its_frame() -> None:
    class Traffic:
        data = as_frame(traffic())

    assert_same(reading.plans(Traffic()).plans, reading.plans(Traffic.data).plans)


@tables
def test_positions_keep_their_order(table: Any) -> None:
    source = table(
        rows(lat=[35.0, 10.0, np.nan, 10.1, 35.2], lon=[40.0, 1.0, np.nan, 1.0, 2.0], uncertainty_m=[5.0] * 5)
    )
    positions: Positions = reading.positions(source)
    assert [positions.ids[i] for i in positions.mover] == ["b", "a", "a", "b"]
    assert positions.t_s.tolist() == [START_S + s for s in (0.5, 0.0, 90.0, 120.0)]
    assert positions.uncertainty_m.tolist() == [5.0] * 4
    assert positions.datum is Datum.WGS84
    with_datum = table(rows(datum=["msl"] * 5))
    assert reading.positions(with_datum).datum is Datum.MSL
    with pytest.raises(Malformed) as refusal:
        reading.positions(table(rows(datum=["msl", "wgs84"] * 2 + ["msl"])))
    assert (refusal.value.field, refusal.value.code) == ("datum", "one_datum")


@tables
@pytest.mark.parametrize(
    ("changed", "field", "code"),
    [
        ({"id": None}, "id", "column_missing"),
        ({"time": None}, "time", "column_missing"),
        ({"lat": None}, "latitude", "column_missing"),
        ({"lat": [35.0, 10.0, np.nan, 10.1, 35.2]}, "plans[b].points[1].lat_deg", "not_finite"),
        ({"lat": [35.0, 10.0, 35.1, 100.0, 35.2]}, "plans[a].points[1].lat_deg", "no_latitude"),
        ({"lon": [40.0, -179.9, 400.1, 179.9, 40.2]}, "plans[b].points[1].lon_deg", "not_between"),
        ({"altitude_m": [3000.0, 1.0, 2.0, 200.0, np.inf]}, "plans[b].points[2].alt_m", "not_finite"),
        ({"lat": ["x", "y", "z", "x", "y"]}, None, "not_numbers"),
        ({"kind": ["flight", "closure", "closure", "closure", "flight"]}, "plans[b].kind", "differs_between_rows"),
        ({"kind": ["rocket"] * 5}, "kind", "unknown_word"),
        ({"datum": ["agl"] * 5}, "datum", "unknown_word"),
        ({"buffer_m": [0.0, 0.0, 0.0, 1.0, 0.0]}, "plans[a].buffer_m", "differs_between_rows"),
        ({"buffer_m": [-1.0] * 5}, None, "not_between"),
        ({"altitude_m": None, "altitude": [1.0] * 5}, "altitude", "feet_or_metres"),
        ({"id": ["b", None, "b", "a", "b"]}, "rows[1].id", "no_id"),
        ({"id": ["a\u202e"] * 5, "kind": None, "buffer_m": None}, "plans[#0].id", "hidden_character"),
    ],
)
def test_what_is_wrong_is_named(table: Any, changed: dict[str, Any], field: str | None, code: str) -> None:
    refusal = refused(table(rows(**changed)))
    assert refusal.code == code
    if field is not None:
        assert refusal.field == field


@tables
def test_rows_out_of_order_and_twice_are_named(table: Any) -> None:
    times = [START + pandas.Timedelta(seconds=s) for s in (60, 0, 60, 90, 120)]
    refusal = refused(table(rows(time=times)))
    assert (refusal.field, refusal.code) == ("plans[b].points[1].t_s", "times_not_rising")


@tables
def test_a_row_without_a_time_is_named(table: Any) -> None:
    times = [START, START, START, pandas.NaT, START]
    refusal = refused(table(rows(time=times)))
    assert (refusal.field, refusal.code) == ("rows[3].time", "time_unreadable")


@pytest.mark.parametrize("table", [as_frame, as_arrow_frame, as_arrow, as_parquet, as_csv])
def test_times_without_a_zone_are_refused(table: Any) -> None:
    refusal = refused(table(rows(time=[each.tz_localize(None) for each in rows()["time"]])))
    assert refusal.code == "time_not_utc"


def test_times_of_another_zone() -> None:
    """A pandas frame says which moment is meant; an Arrow table of another zone is refused."""
    elsewhere = rows(time=[each.tz_convert("Asia/Damascus") for each in rows()["time"]])
    assert_same(reading.plans(as_frame(elsewhere)).plans, reading.plans(as_frame(rows())).plans)
    assert refused(as_arrow(elsewhere)).code == "time_not_utc"


@tables
def test_seconds_are_times_too(table: Any) -> None:
    seconds = {"time": None, "t": [START_S + s for s in (0.5, 0.0, 60.0, 90.0, 120.0)]}
    assert_same(reading.plans(table(rows(**seconds))).plans, reading.plans(table(rows())).plans)


@tables
def test_no_rows_are_no_plans(table: Any) -> None:
    frame = as_frame(rows()).iloc[:0]
    empty: dict[str, list[Any]] = {name: [] for name in rows()}
    if table in (as_frame, as_csv):
        assert len(reading.plans(table(frame)).plans) == 0
    elif table is as_numpy:
        assert len(reading.plans({name: np.array(values, dtype=float) for name, values in empty.items()}).plans) == 0
    else:
        assert len(reading.plans(pyarrow.Table.from_pandas(frame)).plans) == 0


def test_ids_are_not_of_several_parts() -> None:
    moments = pyarrow.array([0, 60], pyarrow.timestamp("s", tz="UTC"))
    for ids in ([{"x": 1}] * 2, [["a"]] * 2):
        table = pyarrow.table({"id": ids, "time": moments, "lat": [1.0, 1.0], "lon": [1.0, 2.0]})
        with pytest.raises(Malformed) as refusal:
            reading.plans(table)
        assert refusal.value.field == "id"


@pytest.mark.parametrize("kind", [int, str])
def test_ids_may_be_whole_numbers(kind: type) -> None:
    numbered = rows(id=[kind(i) for i in (2, 1, 2, 1, 2)])
    for table in KINDS_OF_TABLES:
        assert sorted(reading.plans(table(numbered)).plans.ids) == ["1", "2"]


@pytest.mark.parametrize("table", [as_frame, as_arrow, as_parquet, as_numpy])
def test_ids_are_not_fractions_or_truths(table: Any) -> None:
    for ids in ([1.5] * 5, [True, False, True, False, True]):
        assert refused(table(rows(id=ids))).code == "no_id"


# ── CSV ──────────────────────────────────────────────────────────────────────────────────────────────────────────────

HEAD = b"id,time,lat,lon,altitude_m\n"
LINE = b"a,2026-12-01T06:00:00Z,35.0,40.0,\n"


@pytest.mark.parametrize(
    ("content", "field", "code"),
    [
        (HEAD + LINE + b"a,2026-12-01T06:01:00Z,35.0\n", "rows[1]", "shape"),
        (HEAD + b"a,2026-12-01T06:00:00Z,35.0,40.0,,9\n", "rows[0]", "shape"),
        (HEAD + LINE + b"a,2026-12-01T06:01:00Z,x,40.0,\n", "rows[1].lat", "not_numbers"),
        (HEAD + LINE + b"a,2026-12-01T06:01:00Z,3_5,40.0,\n", "rows[1].lat", "not_numbers"),
        (HEAD + LINE + "a,2026-12-01T06:01:00Z,٣٥,40.0,\n".encode(), "rows[1].lat", "not_numbers"),
        (HEAD + LINE + b"a,2026-12-01T06:01:00Z,0x10,40.0,\n", "rows[1].lat", "not_numbers"),
        (HEAD + LINE + b"a,2026-12-01T06:01:00Z,inf,40.0,\n", "plans[a].points[1].lat_deg", "not_finite"),
        (HEAD + LINE + b"a,yesterday,35.0,40.0,\n", "rows[1].time", "time_unreadable"),
        (HEAD + LINE + b"a,2026-12-01T06:01:00,35.0,40.0,\n", "rows[1].time", "time_not_utc"),
        (HEAD + b'a,"2026\n', "", "not_csv"),
        (b"id,time,lat,lon,lat\n" + LINE, "lat", "duplicate_field"),
        (b"id;time;lat;lon\na;2026-12-01T06:00:00Z;35;40\n", "", "not_csv"),
        (b"name,time,lat,lon\na,2026-12-01T06:00:00Z,35,40\n", "id", "column_missing"),
        (HEAD + b"\xff\xfe\n", "", "not_csv"),
        (HEAD + b"a" * 200_000 + LINE, "", "not_csv"),
        (b",".join(b"c%d" % i for i in range(3000)) + b"\n", "", "more_than"),
        (b"", "", "not_known_format"),
        (b"   \n", "", "not_known_format"),
        (b"PK\x03\x04 a zip", "", "not_known_format"),
        (b"id,\0time\n", "", "not_known_format"),
        (b"PAR1 and then nothing PAR1", "", "not_table"),
        (b"ARROW1\0\0 and then nothing ARROW1", "", "not_table"),
    ],
)
def test_a_hostile_file_is_refused(content: bytes, field: str, code: str) -> None:
    refusal = refused(content)
    assert (refusal.field, refusal.code) == (field, code)


@pytest.mark.parametrize("cut", [0.2, 0.5, 0.9])
@pytest.mark.parametrize("table", [as_parquet, as_feather])
def test_a_file_cut_short_is_refused(table: Any, cut: float) -> None:
    content = table(rows())
    assert refused(content[: int(len(content) * cut)]).code == "not_table"


@given(at=st.integers(0, 10_000), value=st.integers(0, 255))
def test_a_changed_byte_is_read_or_refused(at: int, value: int) -> None:
    """Never a crash, nor an error of another family."""
    for content in (PARQUET, FEATHER, CSV):
        changed = bytearray(content)
        changed[at % len(changed)] = value
        with contextlib.suppress(Malformed):
            assert len(reading.plans(bytes(changed)).plans) <= 5


PARQUET, FEATHER, CSV = as_parquet(rows()), as_feather(rows()), as_csv(rows())


def test_csv_of_excel_with_its_mark_and_its_line_ends() -> None:
    content = b"\xef\xbb\xbf" + as_csv(rows()).replace(b"\n", b"\r\n") + b"\r\n"
    assert_same(reading.plans(content).plans, reading.plans(as_csv(rows())).plans)


def test_parquet_without_its_package_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    refusal = refused(PARQUET)
    assert refusal.code == "extra_missing"
    assert "keepclear[tables]" in refusal.message


# ── several sources ──────────────────────────────────────────────────────────────────────────────────────────────────


def test_several_sources_are_put_together_and_what_was_left_out_is_added_up() -> None:
    found: Found = reading.plans(
        [as_frame(traffic()), as_csv(rows()), reading.plans(as_numpy(rows(id=list("xyxyx")))).plans]
    )
    assert set(found.plans.ids) == {"SWR12/4b1805", "SWR12/4b1805#2", "a0b1c2", "a", "b", "x", "y"}
    assert found.left_out["single_points"] == 1


def test_one_id_in_two_sources_is_refused() -> None:
    refusal = refused([as_csv(rows()), as_frame(rows())])
    assert (refusal.field, refusal.code) == ("plans[b]", "id_twice")


@pytest.mark.parametrize("source", ["flights.csv", 7, None, [None], {"id": [1], "time": [1, 2]}, {"id": [[1]]}])
def test_what_holds_no_plans_is_refused(source: object) -> None:
    assert refused(source).code in ("not_plans", "shape")

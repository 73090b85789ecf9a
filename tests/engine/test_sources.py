"""`import keepclear as kc`: at once, and then plans in whatever shape they are at hand."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas
import pyarrow
import pytest

import keepclear as kc
from keepclear.geometry.columns import KINDS

T0 = 1796104800.0


def rows(id: str, north: float = 0.0) -> dict[str, Any]:
    return {
        "id": [id, id],
        "t": [T0, T0 + 600.0],
        "lat": [35.0 + north, 35.3 + north],
        "lon": [40.2, 40.2],
        "altitude_m": [2400.0, 2400.0],
    }


def feature(id: str) -> dict[str, Any]:
    given = rows(id)
    line = [list(each) for each in zip(given["lon"], given["lat"], given["altitude_m"], strict=True)]
    return {
        "type": "Feature",
        "id": id,
        "geometry": {"type": "LineString", "coordinates": line},
        "properties": {"times": given["t"]},
    }


def shapes(id: str, folder: Path) -> dict[str, Any]:
    given = rows(id)
    file = folder / f"{id}.geojson"
    file.write_text(json.dumps(feature(id)), encoding="utf-8")
    columns = {"ids": [id], "point_from": [0, 2], "t_s": given["t"], "lat_deg": given["lat"], "lon_deg": given["lon"]}
    return {
        "a path": file,
        "a path as text": str(file),
        "bytes": file.read_bytes(),
        "GeoJSON": feature(id),
        "rows": {name: np.array(values) for name, values in given.items()},
        "a frame": pandas.DataFrame(given),
        "an Arrow table": pyarrow.table(given),
        "columns": columns | {"alt_m": given["altitude_m"]},
        "plans": kc.plans(pandas.DataFrame(given)),
    }


NAMES = ("a path", "a path as text", "bytes", "GeoJSON", "rows", "a frame", "an Arrow table", "columns", "plans")


@pytest.mark.parametrize("name", NAMES)
def test_every_shape_says_the_same(name: str, tmp_path: Path) -> None:
    whole = shapes("alpha", tmp_path)
    assert whole.keys() == set(NAMES)
    plans = kc.plans(whole[name])
    assert plans.ids == ("alpha",)
    assert plans.t_s.tolist() == [T0, T0 + 600.0]
    assert plans.lat_deg.tolist() == [35.0, 35.3]
    assert plans.alt_m.tolist() == [2400.0, 2400.0]
    assert KINDS[plans.kind[0]] is kc.PlanKind.FLIGHT


@pytest.mark.parametrize("name", NAMES)
def test_conflicts_of_every_shape(name: str, tmp_path: Path) -> None:
    both = [shapes("alpha", tmp_path)[name], shapes("bravo", tmp_path)[name]]
    assert kc.conflicts(both).pairs() == [("alpha", "bravo")]
    assert kc.conflicts(both[:1]).pairs() == []
    far = kc.plans([both[0], rows("bravo", north=3.0)])
    assert kc.conflicts(far).pairs() == []
    assert kc.conflicts(far, kc.Minimum(400_000.0, 100.0)).pairs() == [("alpha", "bravo")]


def test_what_is_left_out_is_told(tmp_path: Path) -> None:
    lonely = {name: values[:1] for name, values in rows("lonely").items()}
    with pytest.warns(kc.LeftOut, match="single points: 1"):
        assert kc.plans(lonely).ids == ()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert len(kc.plans(rows("alpha"))) == 1


def test_what_is_left_out_is_told_where_the_caller_stands() -> None:
    lonely = {name: values[:1] for name, values in rows("lonely").items()}
    calls: list[Callable[[], object]] = [
        lambda: kc.plans(lonely),
        lambda: kc.conflicts(lonely),
        lambda: kc.Airspace().put(lonely),
    ]
    for call in calls:
        with pytest.warns(kc.LeftOut) as told:
            call()
        assert told[0].filename == __file__


@pytest.mark.parametrize(
    ("name", "code"),
    [("no-such-file.geojson", "file_unreadable"), ("a\0b", "file_unreadable"),
     (json.dumps(feature("alpha")), "not_file_name"), ("id,time\nalpha,1\n", "not_file_name"),
     ("a" * 100_000, "not_file_name")],
)  # fmt: skip
def test_a_text_that_is_no_name_of_a_file_is_refused(name: str, code: str) -> None:
    for taken in (kc.plans, kc.positions):
        with pytest.raises(kc.Malformed) as refusal:
            taken(name)
        assert (refusal.value.field, refusal.value.code) == ("file", code)
        assert len(str(refusal.value)) < 200


def test_the_column_that_is_not_as_the_others_is_named() -> None:
    for odd in ({"lat": [35.0]}, {"lat": 35.0}, {"lat": [[35.0, 35.3]]}):
        with pytest.raises(kc.Malformed) as refusal:
            kc.plans(rows("alpha") | odd)
        assert (refusal.value.field, refusal.value.code) == ("lat", "shape")


@pytest.mark.parametrize("threads", [0, -1])
def test_threads_that_cannot_be_are_refused(threads: int) -> None:
    with pytest.raises(kc.Malformed) as refusal:
        kc.conflicts(rows("alpha"), threads=threads)
    assert (refusal.value.field, refusal.value.code) == ("threads", "not_between")


def test_positions_of_a_file_and_of_rows(tmp_path: Path) -> None:
    assert kc.positions(rows("alpha")).ids == ("alpha",)
    (tmp_path / "rows.csv").write_text("id,t,lat,lon\nalpha,1796104800,35,40\n", encoding="utf-8")
    assert kc.positions(tmp_path / "rows.csv").t_s.tolist() == [T0]


def test_the_import_loads_nothing() -> None:
    code = "import sys; before = set(sys.modules); import keepclear; print(*sorted(set(sys.modules) - before))"
    answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"numpy", "msgspec", "pyproj", "shapely", "pyarrow", "pandas"} & set(answer.stdout.split())


def test_every_public_name_is_there() -> None:
    for name in kc.__all__:
        assert getattr(kc, name) is not None
        assert name in dir(kc)
    with pytest.raises(AttributeError, match="no_such"):
        kc.no_such  # noqa: B018


def test_conflicts_one_by_one_are_those_in_order() -> None:
    found = kc.conflicts([rows("alpha"), rows("bravo"), rows("charlie")])
    assert len(found) == 3
    assert [found[i] for i in range(3)] == list(found)
    assert found[-1] == found[2]
    assert found.places() is found.places()  # worked out once, not for each conflict that is asked for


def test_a_table_of_many_rows_is_read_as_one_of_few(tmp_path: Path) -> None:
    count = 2_500  # more than are read at a time
    lines = [f"p{i},{T0 + 600 * j},{35 + i / 1000},{40 + j / 10}" for i in range(count) for j in range(2)]
    lines.insert(1_500, "")
    file = tmp_path / "many.csv"
    file.write_text("\n".join(["id,t,lat,lon", *lines]), encoding="utf-8")
    plans = kc.plans(file)
    assert plans.ids == tuple(f"p{i}" for i in range(count))
    assert plans.lat_deg.tolist() == [35 + i / 1000 for i in range(count) for _ in range(2)]
    file.write_text("\n".join(["id,t,lat,lon", *lines, "one,too,few"]), encoding="utf-8")
    with pytest.raises(kc.Malformed) as refusal:
        kc.plans(file)
    assert (refusal.value.field, refusal.value.code) == (f"rows[{2 * count}]", "shape")

"""The page on formats: every example in it is a file that is read, or a program that runs."""

from __future__ import annotations

import math
import re
import subprocess
import sys
from pathlib import Path

import pytest
from pyproj import Geod

from keepclear.formats import reading, tables
from keepclear.geometry import soundness
from keepclear.geometry.columns import DATUMS, KINDS

PAGE = (Path(__file__).parents[2] / "docs" / "formats.md").read_text(encoding="utf-8")
FILES = dict(re.findall(r"^`([\w.-]+)`:\n\n```\w+\n(.*?)```$", PAGE, flags=re.DOTALL | re.MULTILINE))
PROGRAMS = re.findall(r"^```python\n(.*?)```$", PAGE, flags=re.DOTALL | re.MULTILINE)
PLANS = {
    "flights.geojson": {"alpha", "bravo", "bridge", "hospital"},
    "convoy.gpx": {"convoy"},
    "flights.csv": {"charlie", "delta"},
}


def test_every_file_on_the_page_is_one_of_these() -> None:
    assert FILES.keys() == {*PLANS, "reports.geojson"}


@pytest.mark.parametrize("name", PLANS)
def test_the_files_hold_plans(name: str) -> None:
    found = reading.read_plans(FILES[name].encode(), Path(name).stem)
    assert set(found.plans.ids) == PLANS[name]
    assert not any(found.left_out.values())


def test_the_reports_are_positions() -> None:
    positions = reading.read_positions(FILES["reports.geojson"].encode())
    assert positions.ids == ("truck-1", "truck-2")


@pytest.mark.parametrize("number", range(len(PROGRAMS)))
def test_the_programs_run(number: int, tmp_path: Path) -> None:
    for name, text in FILES.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    (tmp_path / "program.py").write_text(PROGRAMS[number], encoding="utf-8")
    command = [sys.executable, "-W", "error", "program.py"]
    answer = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout


def test_every_column_of_tables_is_on_the_page() -> None:
    part = PAGE.partition("## Tables")[2]
    assert not [name for name in tables.NAMES if f"`{name}`" not in part]


def test_kinds_datums_and_limits_are_those_of_the_code() -> None:
    assert not [word for word in (*KINDS, *DATUMS) if f"`{word}`" not in PAGE]
    for most in (soundness.MOST_PLANS, soundness.MOST_POINTS, soundness.MOST_VERTICES, soundness.MOST_RINGS):
        assert f"{most:,}" in PAGE


@pytest.mark.parametrize(("length_m", "away_m"), [(10_000.0, 2.0), (100_000.0, 196.0), (500_000.0, 4_900.0)])
def test_how_far_an_edge_is_from_a_line_of_degrees(length_m: float, away_m: float) -> None:
    geod = Geod(ellps="WGS84")
    east, _, _ = geod.fwd(0.0, 45.0, 90.0, length_m)
    azimuth, _, length = geod.inv(0.0, 45.0, east, 45.0)
    lon, lat, _ = geod.fwd(0.0, 45.0, azimuth, length / 2)
    assert geod.inv(lon, lat, east / 2, 45.0)[2] == pytest.approx(away_m, rel=0.03)
    assert length_m**2 * math.tan(math.radians(45.0)) / 51e6 == pytest.approx(away_m, rel=0.03)

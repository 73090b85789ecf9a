"""`keepclear check`: what it prints in both languages, its JSON, its exit status, and what it refuses."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from keepclear.cli import main
from keepclear.cli.check import LONG_WORK
from keepclear.phrases import LANGUAGES, catalogue, say

LATER = "2026-12-01T06:10:00Z"
NOW = "2026-12-01T06:00:00Z"


def flight(id: str, *line: list[float], **properties: Any) -> dict[str, Any]:
    shape = {"type": "LineString", "coordinates": [*line]}
    said = {"times": [NOW, LATER]} | properties
    return {"type": "Feature", "id": id, "geometry": shape, "properties": said}


def closure(id: str, lon: float, lat: float) -> dict[str, Any]:
    ring = [[lon, lat], [lon + 0.2, lat], [lon + 0.2, lat + 0.1], [lon, lat + 0.1], [lon, lat]]
    said = {"kind": "closure", "starts_at": NOW, "ends_at": LATER, "upper_m": 6000}
    return {"type": "Feature", "id": id, "geometry": {"type": "Polygon", "coordinates": [ring]}, "properties": said}


ALPHA = flight("alpha", [39.9, 35.0, 3000], [40.5, 35.3, 3000], buffer_m=500)
BRAVO = flight("bravo", [40.5, 35.0, 3200], [39.9, 35.3, 3200])
FAR = flight("far", [10.0, 35.0, 3000], [10.5, 35.3, 3000])
POINT = {
    "type": "Feature",
    "id": "p",
    "geometry": {"type": "Point", "coordinates": [1, 2]},
    "properties": {"time": NOW},
}


@pytest.fixture
def file(tmp_path: Path) -> Any:
    def write(name: str, *features: dict[str, Any]) -> str:
        path = tmp_path / name
        path.write_text(json.dumps({"type": "FeatureCollection", "features": features}), encoding="utf-8")
        return str(path)

    return write


def run(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, str, str]:
    with pytest.raises(SystemExit) as ended:
        main(["check", *arguments])
    out, err = capsys.readouterr()
    return int(ended.value.code or 0), out, err


@pytest.mark.parametrize("lang", LANGUAGES)
def test_a_conflict_is_told_in_a_table(lang: str, file: Any, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, file("plans.geojson", ALPHA, BRAVO), "--lang", lang)
    assert status == 1
    assert err == ""
    for value in ("alpha", "bravo", "2026-12-01 06:05Z", "35.1506 40.2000", "10,500 m", "200 m", "600 m"):
        assert (f"\u2066{value}\u2069" if lang == "ar" else value) in out
    assert catalogue(lang)["cli.reason.ways_near"] in out
    assert say(lang, "cli.conflicts_found", count=1, plans=2, files=1) in out


@pytest.mark.parametrize("lang", LANGUAGES)
def test_no_conflict_says_nothing_about_anybody_else(lang: str, file: Any, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, err = run(capsys, file("a.geojson", ALPHA), file("b.geojson", FAR), "--lang", lang)
    assert (status, err) == (0, "")
    assert out == say(lang, "cli.no_conflicts", plans=2, files=2) + "\n"
    if lang == "en":
        assert out.startswith("No conflict found among these plans. That says nothing about anybody else.")


def test_json_has_the_shape_the_page_tells(file: Any, capsys: pytest.CaptureFixture[str]) -> None:
    name = file("plans.geojson", ALPHA, BRAVO, POINT)
    status, out, err = run(capsys, name, "--json", "--separation", "9260,300")
    whole = json.loads(out)
    assert status == 1
    assert "1" in err
    assert whole["files"] == [name]
    assert (whole["plans"], whole["left_out"]) == (2, {"positions": 1})
    assert whole["separation"] == {"horizontal_m": 9260.0, "vertical_m": 300.0}
    (conflict,) = whole["conflicts"]
    assert (conflict["a"], conflict["b"]) == ("alpha", "bravo")
    (breach,) = conflict["breaches"]
    assert breach["reason"] == "ways_near"
    assert breach["required_horizontal_m"] == 9760.0
    assert breach["required_vertical_m"] == 300.0
    assert breach["vertical_m"] == pytest.approx(200.0)
    assert breach["starts_at"] < breach["nearest_at"] < breach["ends_at"]
    assert breach["nearest_at"].startswith("2026-12-01T06:0")
    page = (Path(__file__).parents[2] / "docs" / "cli.md").read_text(encoding="utf-8")
    told = set(re.findall(r"`(\w+)`", page.partition("### `keepclear check`")[2].partition("\n## ")[0]))
    assert {*whole, *conflict, *breach} <= told


def test_without_a_conflict_json_has_none(file: Any, capsys: pytest.CaptureFixture[str]) -> None:
    status, out, _ = run(capsys, file("plans.geojson", ALPHA, FAR), "--json")
    assert status == 0
    assert json.loads(out)["conflicts"] == []
    assert json.loads(out)["separation"] is None


def test_to_be_inside_and_heights_that_cannot_be_compared(file: Any, capsys: pytest.CaptureFixture[str]) -> None:
    msl = BRAVO | {"properties": BRAVO["properties"] | {"datum": "msl"}}
    name = file("plans.geojson", flight("mover", [39.9, 35.0, 90], [40.5, 35.3, 90]), closure("air", 40.1, 35.1), msl)
    status, out, _ = run(capsys, name)
    assert status == 1
    assert "ground: inside" in out
    assert "height: inside" in out
    assert "height: not comparable" in out
    _, out, _ = run(capsys, name, "--json")
    breaches = [breach for conflict in json.loads(out)["conflicts"] for breach in conflict["breaches"]]
    assert {breach["reason"] for breach in breaches} == {"ways_near", "way_through_volume"}
    apart = [breach for breach in breaches if not breach["heights_comparable"]]
    assert apart
    assert all(breach["vertical_m"] is breach["required_vertical_m"] is None for breach in apart)


def test_kinds_choose_what_is_required(file: Any, capsys: pytest.CaptureFixture[str]) -> None:
    columns = [each | {"properties": each["properties"] | {"kind": "ground_movement"}} for each in (ALPHA, BRAVO)]
    _, out, _ = run(capsys, file("plans.geojson", *columns))
    assert "2,500 m" in out
    assert "height: any" in out


def test_the_earliest_stand_first_and_the_rest_is_counted(file: Any, capsys: pytest.CaptureFixture[str]) -> None:
    many = [flight(f"f{i}", [40.0, 35.0 + i / 100, 3000], [40.5, 35.0, 3000]) for i in range(5)]
    _, out, _ = run(capsys, file("plans.geojson", *many), "--limit", "3")
    assert out.count("from 2026") == 3
    assert say("en", "cli.more_breaches", count=7) in out
    assert say("en", "cli.conflicts_found", count=10, plans=5, files=1) in out


@pytest.mark.parametrize("lang", LANGUAGES)
def test_what_is_left_out_is_said(lang: str, file: Any, capsys: pytest.CaptureFixture[str]) -> None:
    _, _, err = run(capsys, file("plans.geojson", ALPHA, POINT, POINT), "--lang", lang)
    assert err == say(lang, "cli.left_out.positions", count=2) + "\n"


@pytest.mark.parametrize("lang", LANGUAGES)
def test_bad_input_names_the_file_and_the_item(lang: str, file: Any, capsys: pytest.CaptureFixture[str]) -> None:
    name = file("plans.geojson", flight("alpha", [39.9, 35.0], [40.5, 95.0]))
    status, out, err = run(capsys, file("good.geojson", BRAVO), name, "--lang", lang)
    assert (status, out) == (2, "")
    assert f"{name}: plans[alpha].points[1].lat_deg" in err
    assert err.count("\n") == 1


@pytest.mark.parametrize(
    ("arguments", "code"),
    [(["--separation", "9260"], "two_distances"), (["--separation", "-1,5"], "two_distances"),
     (["--separation", "nan,5"], "two_distances")],
)  # fmt: skip
def test_a_separation_is_two_distances(
    arguments: list[str], code: str, file: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    status, _, err = run(capsys, file("plans.geojson", ALPHA), *arguments)
    assert status == 2
    assert catalogue("en")[f"errors.{code}"] in err


def test_what_is_no_file_of_plans_is_refused(tmp_path: Path, file: Any, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "empty.csv").write_text("id,time,lat,lon\n", encoding="utf-8")
    for name, key in ((str(tmp_path), "is_folder"), (str(tmp_path / "empty.csv"), "no_plans")):
        status, out, err = run(capsys, name)
        assert (status, out) == (2, "")
        assert catalogue("en")[f"errors.{key}"] in err
    assert run(capsys, str(tmp_path / "none.geojson"))[0] == 2
    status, _, err = run(capsys, file("a.geojson", ALPHA), file("b.geojson", ALPHA))
    assert status == 2
    assert "plans[alpha]" in err


def test_what_a_file_says_does_not_move_the_cursor(file: Any, capsys: pytest.CaptureFixture[str]) -> None:
    kind = "\x1b[2J\u202erocket" + "x" * 10_000
    status, _, err = run(capsys, file("plans.geojson", flight("alpha", [39.9, 35.0], [40.5, 35.0], kind=kind)))
    assert status == 2
    assert "<U+001B>[2J<U+202E>rocket" in err
    assert "\x1b" not in err
    assert len(err) < 1000


def test_no_result_reads_as_permission() -> None:
    words = re.compile(r"\b(approved|cleared|safe|permitted)\b", re.IGNORECASE)
    assert not [text for key, text in catalogue("en").items() if key.startswith("cli.no_conf") and words.search(text)]


LOADED = """
import sys
from keepclear.cli import main
try:
    main(sys.argv[1:])
except SystemExit:
    print("loaded", *sorted(sys.modules))
"""


def test_a_small_check_loads_only_what_it_needs(file: Any) -> None:
    """Half of the time of a small check is imports: no tables, no progress bar, nothing of a node."""
    command = [sys.executable, "-c", LOADED, "check", file("plans.geojson", ALPHA, FAR)]
    answer = subprocess.run(command, capture_output=True, text=True, check=True)
    loaded = set(answer.stdout.splitlines()[-1].split())
    assert "keepclear.conflict.pairs" in loaded
    assert not loaded & {"pandas", "pyarrow", "rich.progress", "rich.table", "litestar", "scipy"}
    assert not {each for each in loaded if each.startswith(("keepclear.utm", "keepclear.line", "keepclear.node"))}


def test_long_work_shows_a_bar_and_says_the_same(
    file: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    name = file("plans.geojson", ALPHA, BRAVO)
    short = run(capsys, name)
    assert LONG_WORK > 4
    monkeypatch.setattr("keepclear.cli.check.LONG_WORK", 1)
    assert run(capsys, name) == short


def test_the_name_of_a_file_does_not_move_the_cursor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "\x1b[2Jred.csv").write_text("id,time,lat,lon\n", encoding="utf-8")
    status, _, err = run(capsys, str(tmp_path / "\x1b[2Jred.csv"))
    assert status == 2
    assert "<U+001B>[2Jred.csv" in err
    assert "\x1b" not in err


def test_a_device_is_no_file_of_plans(capsys: pytest.CaptureFixture[str]) -> None:
    status, _, err = run(capsys, "/dev/zero")  # which has no end
    assert status == 2
    assert "/dev/zero" in err


def test_an_id_in_two_files_is_refused_naming_the_second(file: Any, capsys: pytest.CaptureFixture[str]) -> None:
    one, other = file("one.geojson", ALPHA, BRAVO), file("other.geojson", FAR, BRAVO)
    for second, id in ((other, "bravo"), (one, "alpha")):
        status, _, err = run(capsys, one, second)
        assert status == 2
        assert f"{second}: plans[{id}]" in err
        assert say("en", "errors.id_twice", id=id) in err


ENDING = """
import atexit, sys, types
from keepclear.cli import main
class Held:
    def __del__(self):
        print("taken down")
held = Held()
atexit.register(print, "put away")
if sys.argv.pop() == "with Arrow":
    sys.modules["pyarrow"] = types.ModuleType("pyarrow")
main()
"""


@pytest.mark.parametrize("arrow", [True, False])
def test_where_arrow_was_loaded_the_process_ends_before_it_is_taken_down(arrow: bool, file: Any) -> None:
    plans = file("plans.geojson", ALPHA, BRAVO)
    command = [sys.executable, "-c", ENDING, "check", plans, "with Arrow" if arrow else "without"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (answer.returncode, answer.stderr) == (1, "")
    told = answer.stdout.splitlines()
    assert told[0].startswith(catalogue("en")["cli.title.conflicts"])
    assert told[told.index("put away") + 1 :] == ([] if arrow else ["taken down"])

"""Whole audits: whatever the slices, whoever does them and however often cut off, the findings are the same."""

from __future__ import annotations

import math
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pytest
from pyarrow import parquet

from keepclear.audit.findings import joined
from keepclear.audit.job import Rules, Slice
from keepclear.audit.parquet import Tracks
from keepclear.audit.run import audit
from keepclear.audit.slice_work import work
from keepclear.errors import Malformed
from tests.audit.tracks import BEGIN_S, write_tracks

RULES = Rules(across_m=4_000.0, height_m=150.0, encounter_m=1_500.0)


def findings(folder: Path) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = parquet.read_table(folder / "findings.parquet").to_pylist()
    return sorted(rows, key=lambda row: (row["rule"], row["a"], row["b"], row["starts_at"]))


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    return write_tracks(tmp_path_factory.mktemp("tracks"))


@pytest.fixture(scope="module")
def whole(files: list[str], tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    """All in one slice."""
    out = tmp_path_factory.mktemp("whole") / "out"
    summary = audit(files, out, RULES, rows_a_slice=10**9)
    assert summary.slices == 1
    found = findings(out)
    assert sum(row["rule"] == "conflict" for row in found) > 30
    assert sum(row["rule"] == "encounter" for row in found) > 20
    return found


@pytest.mark.parametrize("rows_a_slice", [300, 1000, 7000])
def test_the_bounds_of_slices_change_nothing(
    files: list[str], whole: list[dict[str, Any]], tmp_path: Path, rows_a_slice: int
) -> None:
    summary = audit(files, tmp_path / "out", RULES, rows_a_slice=rows_a_slice)
    assert summary.slices > 1
    assert findings(tmp_path / "out") == whole
    assert sum(summary.findings.values()) == len(whole)


def test_a_slice_of_too_many_rows_is_done_in_pieces(
    files: list[str], whole: list[dict[str, Any]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []
    between = Tracks.between

    def counted(self: Tracks, from_s: float, upto_s: float) -> Any:
        reports = between(self, from_s, upto_s)
        read.append(len(reports))
        return reports

    monkeypatch.setattr(Tracks, "between", counted)
    monkeypatch.setattr("keepclear.audit.slice_work.MOST_ROWS", 4000)
    audit(files, tmp_path / "out", RULES, rows_a_slice=10**9, workers=1)
    assert len(read) > 2
    assert max(read) < 4000
    assert findings(tmp_path / "out") == whole


def test_what_a_slice_says_lies_within_it(files: list[str]) -> None:
    part = Slice(0, BEGIN_S + 3000.0, BEGIN_S + 3600.0)
    found = joined(work(Tracks.of(files), part, RULES))
    assert len(found)
    assert (found.starts_s >= part.from_s).all()
    assert (found.ends_s <= part.upto_s).all()
    told = ~np.isnan(found.nearest_s)
    assert told.any()
    assert ((found.nearest_s[told] >= part.from_s) & (found.nearest_s[told] < part.upto_s)).all()


def test_an_audit_that_was_killed_goes_on_where_it_stopped(
    files: list[str], whole: list[dict[str, Any]], tmp_path: Path
) -> None:
    out = tmp_path / "out"
    program = (
        "import sys, time; from pathlib import Path; from keepclear.audit.job import Rules; "
        "from keepclear.audit.run import audit; "
        "audit(sys.argv[2:], Path(sys.argv[1]), Rules(across_m=4000.0, height_m=150.0, encounter_m=1500.0), "
        "workers=1, rows_a_slice=300, progress=lambda done, total: time.sleep(0.05))"
    )
    running = subprocess.Popen([sys.executable, "-c", program, str(out), *files])
    deadline = time.monotonic() + 60.0
    while len(list(out.glob("parts/*.parquet"))) < 3 and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(running.pid, signal.SIGKILL)
    running.wait()
    kept = len(list(out.glob("parts/*.parquet")))
    assert kept >= 3
    assert not (out / "findings.parquet").exists()
    summary = audit(files, out, RULES, rows_a_slice=300)
    assert summary.taken_over >= kept
    assert summary.taken_over < summary.slices
    assert findings(out) == whole


def test_another_audit_is_not_mixed_in(files: list[str], tmp_path: Path) -> None:
    out = tmp_path / "out"
    audit(files, out, RULES)
    before = (out / "findings.parquet").read_bytes()
    with pytest.raises(Malformed) as refused:
        audit(files, out, Rules(across_m=4_001.0, height_m=150.0, encounter_m=1_500.0))
    assert refused.value.code == "other_audit"
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "letter.txt").touch()
    with pytest.raises(Malformed) as refused:
        audit(files, tmp_path / "mine", RULES)
    assert refused.value.code == "not_empty"
    assert (out / "findings.parquet").read_bytes() == before


def test_a_file_that_changed_is_another_input(tmp_path: Path) -> None:
    paths = write_tracks(tmp_path, tracks=5, files=1)
    audit(paths, tmp_path / "out", RULES)
    write_tracks(tmp_path, tracks=6, files=1)
    with pytest.raises(Malformed) as refused:
        audit(paths, tmp_path / "out", RULES)
    assert refused.value.code == "other_audit"


def test_no_rows_no_findings(tmp_path: Path) -> None:
    columns = {"id": pyarrow.array([], "string"), **{name: pyarrow.array([], "double") for name in ("t", "lat", "lon")}}
    parquet.write_table(pyarrow.table(columns), tmp_path / "empty.parquet")
    summary = audit([str(tmp_path / "empty.parquet")], tmp_path / "out", RULES)
    assert (summary.rows, summary.slices) == (0, 0)
    assert findings(tmp_path / "out") == []


@pytest.mark.parametrize(
    ("columns", "field", "code"),
    [
        ({"id": ["a"], "lat": [1.0], "lon": [1.0]}, "time", "column_missing"),
        ({"id": ["a"], "t": [1_796_104_800_000], "lat": [1.0], "lon": [1.0]}, "t", "not_seconds"),
        ({"id": ["a"], "time": ["noon"], "lat": [1.0], "lon": [1.0]}, "time", "time_unreadable"),
        ({"id": ["a"], "t": [1.0], "lat": [91.0], "lon": [1.0]}, "bad.parquet: rows[0].lat_deg", "no_latitude"),
    ],
)
def test_what_is_wrong_with_a_file_is_named(
    tmp_path: Path, columns: dict[str, list[object]], field: str, code: str
) -> None:
    parquet.write_table(pyarrow.table(columns), tmp_path / "bad.parquet")
    with pytest.raises(Malformed) as refused:
        audit([str(tmp_path / "bad.parquet")], tmp_path / "out", RULES)
    assert (refused.value.field, refused.value.code) == (field, code)


def test_what_is_wrong_with_a_row_is_named_by_its_file(tmp_path: Path) -> None:
    count = 40
    good: dict[str, list[Any]] = {"id": ["a"] * count, "t": [600.0 * k for k in range(count)]}
    good |= {"lat": [1.0] * count, "lon": [2.0] * count}
    nowhere = {name: [*good[name]] for name in good} | {"id": ["b"] * count}
    for name in ("lat", "lon"):
        nowhere[name] = [math.nan if k % 3 == 0 else value for k, value in enumerate(good[name])]
    for name, columns in (("a", good), ("b", nowhere)):
        parquet.write_table(pyarrow.table(columns), tmp_path / f"{name}.parquet")
    paths = [str(tmp_path / f"{name}.parquet") for name in "ab"]
    audit(paths, tmp_path / "before", RULES)
    for row, column, value in ((31, "lat", 95.0), (32, "lon", math.inf), (31, "lat", math.nan)):
        bad = nowhere | {column: [*nowhere[column][:row], value, *nowhere[column][row + 1 :]]}
        # Out of order of time, as files may be.
        parquet.write_table(pyarrow.table({name: [*reversed(values)] for name, values in bad.items()}), paths[1])
        with pytest.raises(Malformed) as refused:
            audit(paths, tmp_path / f"{row}{column}{value}", RULES, rows_a_slice=15)
        assert refused.value.field == f"b.parquet: rows[{count - 1 - row}].{column}_deg"


def test_rules_that_make_no_sense_are_refused(files: list[str], tmp_path: Path) -> None:
    for rules, field in ((Rules(across_m=0.0), "across_m"), (Rules(max_gap_s=float("nan")), "max_gap_s")):
        with pytest.raises(Malformed) as refused:
            audit(files, tmp_path / "out", rules)
        assert refused.value.field == field
    with pytest.raises(Malformed) as refused:
        audit([str(tmp_path / "nowhere.parquet")], tmp_path / "out", RULES)
    assert refused.value.code == "no_file"


def broken(path: Path, content: bytes | None) -> None:
    path.unlink()
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)


@pytest.mark.parametrize("content", [None, b"", b"PAR1 cut short", "half", "other columns"])
def test_a_part_that_was_changed_by_hand_is_named_and_can_be_worked_again(
    tmp_path: Path, content: bytes | str | None
) -> None:
    paths = write_tracks(tmp_path, tracks=5, files=1)
    audit(paths, tmp_path / "out", RULES)
    before = findings(tmp_path / "out")
    part = tmp_path / "out" / "parts" / "000000.parquet"
    if content == "other columns":
        parquet.write_table(pyarrow.table({"rule": ["conflict"]}), part)
    else:
        whole = part.read_bytes()
        broken(part, whole[: len(whole) // 2] if isinstance(content, str) else content)
    with pytest.raises(Malformed) as refused:
        audit(paths, tmp_path / "out", RULES)
    assert (refused.value.field, refused.value.code) == (str(part), "not_table")
    part.rmdir() if content is None else part.unlink()
    audit(paths, tmp_path / "out", RULES)
    assert findings(tmp_path / "out") == before


@pytest.mark.parametrize("time_s", [1e30, float("inf"), float("nan"), -1.0])
def test_a_time_that_is_none_is_refused_before_the_time_is_cut(tmp_path: Path, time_s: float) -> None:
    columns = {"id": ["a", "a"], "t": [time_s, time_s], "lat": [1.0, 1.0], "lon": [1.0, 1.0]}
    parquet.write_table(pyarrow.table(columns), tmp_path / "bad.parquet")
    with pytest.raises(Malformed) as refused:
        audit([str(tmp_path / "bad.parquet")], tmp_path / "out", RULES)
    assert (refused.value.field, refused.value.code) == ("t", "not_between")
    assert not (tmp_path / "out").exists()


def test_a_place_where_no_folder_can_be_is_refused(files: list[str], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "link").symlink_to(tmp_path / "nowhere" / "at all")
    for name in ("file", "link"):
        with pytest.raises(Malformed) as refused:
            audit(files, tmp_path / name, RULES)
        assert (refused.value.field, refused.value.code) == ("out", "folder_unusable")


def test_an_audit_that_was_killed_as_it_began_is_begun_again(tmp_path: Path) -> None:
    paths = write_tracks(tmp_path, tracks=5, files=1)
    (tmp_path / "out" / "parts").mkdir(parents=True)
    (tmp_path / "out" / ".job.json.77").write_bytes(b"{")
    assert audit(paths, tmp_path / "out", RULES).rows > 0


def test_two_audits_of_the_same_in_one_folder_do_not_disturb_each_other(tmp_path: Path) -> None:
    paths = write_tracks(tmp_path, tracks=5, files=1)
    command = [sys.executable, "-c", "from keepclear.cli import main; raise SystemExit(main())", "audit"]
    command += [*paths, "--out", str(tmp_path / "out")]
    running = [subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) for _ in range(3)]
    said = [each.communicate()[0] for each in running]
    assert [each.returncode for each in running] == [0, 0, 0], said
    assert sorted(each.name for each in (tmp_path / "out").iterdir()) == ["findings.parquet", "job.json", "parts"]

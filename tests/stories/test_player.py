"""The story on real nodes with real listeners, judged from the exports alone; and when an act is left out."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from keepclear.errors import BrokenRecord, Refused
from keepclear.stories import judge
from keepclear.stories.player import run_story
from tests.stories.plays import failing, play, rows, the_day


@pytest.fixture(scope="module")
def the_day_as_written(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("day")
    assert play(the_day(), out) == []
    return out


@pytest.fixture(scope="module")
def whole_story(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, int, list[str]]:
    out = tmp_path_factory.mktemp("story") / "out"
    lines: list[str] = []
    return out, run_story("convoy2017", out, None, "ar", False, lines.append), lines


def test_the_whole_story_holds_and_is_told_in_arabic(whole_story: tuple[Path, int, list[str]]) -> None:
    _, status, lines = whole_story
    told = "\n".join(lines)
    assert status == 0, told
    assert "الصفوف المتحققة" in told
    assert all(f" S{number} " in told for number in range(1, 13))


def test_the_verdict_needs_nothing_but_the_exports(whole_story: tuple[Path, int, list[str]], tmp_path: Path) -> None:
    out, _, _ = whole_story
    expected = judge.read_expectations("convoy2017")
    for node in expected.nodes:
        shutil.copytree(out / node, tmp_path / node)
    assert all(row.holds for row in judge.judge(tmp_path, expected))


def test_the_day_alone_holds(the_day_as_written: Path) -> None:
    found = rows(the_day_as_written, "S2", "S3")
    assert [failing(row) for row in found.values()] == [[], []]


@pytest.mark.parametrize(
    ("omitted", "row", "missing"),
    [
        ("readback.forces", "S2", "Received only after the right read-back"),
        ("readback.forces.wrong", "S2", "After the first read-back: not received; what differs is shown"),
        ("crew.1", "S2", None),
        (
            "done.clear",
            "S3",
            "Reported clear, with who was where at T0: two had left at different times, one was still inside",
        ),
        ("answer.clear", "S3", "Answered, with conditions"),
        ("clear", "S3", "Three Coalition aircraft are affected, computed from tracks and plans"),
        ("positions.coalition.drone-tracks.080630", "S3", None),
    ],
)
def test_without_an_act_the_row_it_belongs_to_fails(
    omitted: str, row: str, missing: str | None, tmp_path: Path
) -> None:
    """None: an act without which the row still holds, for it rests on others."""
    play(the_day(), tmp_path, omit=(omitted,))
    wrong = failing(rows(tmp_path, row)[row])
    if missing is None:
        assert wrong == []
    else:
        assert missing in wrong


def test_one_changed_byte_is_found_before_anything_is_judged(the_day_as_written: Path, tmp_path: Path) -> None:
    out = tmp_path / "changed"
    shutil.copytree(the_day_as_written, out)
    bundle = next(path for path in sorted((out / "russia.node" / "tile" / "entries").rglob("*")) if path.is_file())
    content = bytearray(bundle.read_bytes())
    content[len(content) // 2] ^= 1
    bundle.write_bytes(content)
    with pytest.raises(BrokenRecord):
        rows(out, "S2")


def test_records_of_different_runs_do_not_pass_for_one(the_day_as_written: Path, tmp_path: Path) -> None:
    """Each record is whole, but the keys in them are not the same parties'."""
    out = tmp_path / "mixed"
    play(the_day(), out, speed=1e6)
    shutil.rmtree(out / "russia.node")
    shutil.copytree(the_day_as_written / "russia.node", out / "russia.node")
    with pytest.raises(BrokenRecord, match="the key of"):
        rows(out, "S2")


def test_a_record_under_another_nodes_name_is_refused(the_day_as_written: Path, tmp_path: Path) -> None:
    for node in ("coalition.node", "russia.node", "desk.node"):
        shutil.copytree(the_day_as_written / "coalition.node", tmp_path / node)
    with pytest.raises(BrokenRecord, match="this is the record of coalition"):
        rows(tmp_path, "S2")


def test_a_folder_with_something_else_in_it_is_refused(tmp_path: Path) -> None:
    kept = tmp_path / "letter.txt"
    kept.write_text("not a story")
    with pytest.raises(Refused, match="something else"):
        run_story("convoy2017", tmp_path, None, "en", False, lambda line: None)
    assert kept.read_text() == "not a story"

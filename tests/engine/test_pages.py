"""The programs on the pages of conflict and watch run as they stand, given plans and positions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import keepclear as kc
from tests.engine.test_sources import T0, rows

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.parametrize("page", ["conflict", "watch"])
def test_the_programs_on_the_page_run(page: str, capsys: pytest.CaptureFixture[str]) -> None:
    text = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    programs = re.findall(r"^```python\n(.*?)```$", text, flags=re.DOTALL | re.MULTILINE)
    plans = kc.plans([rows("alpha"), rows("bravo")])
    area = {
        "ids": ["bridge"],
        "kind": "closure",
        "volume_from": [0, 1],
        "volumes": [[T0 - 60.0, T0 + 3_600.0, 0.0, 9_000.0]],
        "circles": [[35.0, 40.2, 5_000.0]],
    }
    known = {
        "kc": kc,
        "plans": plans,
        "plan": plans.take([0]),
        "areas": area,
        "positions": {"id": ["truck-1", "truck-2"], "t": [T0] * 2, "lat": [35.0] * 2, "lon": [40.2] * 2},
        "now_s": T0 + 60.0,
    }
    assert len(programs) == 2
    for program in programs:
        exec(program, known)  # noqa: S102 (our own page)
    assert capsys.readouterr().out

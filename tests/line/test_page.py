"""The page on the line names every act, with its required fields, and every clock as it runs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import msgspec
import pytest

from keepclear.line.timings import HOP_LIMITS_S
from keepclear.model import acts as a

PAGE = (Path(__file__).parents[2] / "docs" / "line.md").read_text(encoding="utf-8")
ROWS = dict(re.findall(r"^\| `([a-z_]+)` \| ([^|]*)\|", PAGE, re.MULTILINE))
ACTS = {str(act.__struct_config__.tag): act for act in get_args(a.Act)}


def test_every_act_is_on_the_page_and_no_other() -> None:
    assert ROWS.keys() == ACTS.keys()


@pytest.mark.parametrize("tag", ACTS)
def test_its_required_fields_are_in_bold(tag: str) -> None:
    required = {field.name for field in msgspec.structs.fields(ACTS[tag]) if field.required}
    bold = {name.strip() for part in re.findall(r"\*\*(.+?)\*\*", ROWS[tag]) for name in part.split(",")}
    assert bold == required
    others = {name.strip() for name in re.sub(r"\*\*.+?\*\*", "", ROWS[tag]).split(",")} - {""}
    assert others <= {field.name for field in msgspec.structs.fields(ACTS[tag]) if not field.required}


def test_the_limits_on_the_page_are_the_limits_in_force() -> None:
    for step in HOP_LIMITS_S[a.Urgency.ROUTINE]:
        row = re.search(rf"^\| {step.replace('_', ' ')} \| (.*) \|$", PAGE, re.MULTILINE)
        assert row is not None, step
        limits = [HOP_LIMITS_S[urgency][step] for urgency in a.Urgency]
        assert [cell.strip() for cell in row[1].split("|")] == [
            "–" if limit is None else f"{limit / 60:g} min" for limit in limits
        ]

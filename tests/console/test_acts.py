"""Every act the page can say, as its own tests build it, is read by the node's reader."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, get_args

import pytest

from keepclear.errors import Malformed
from keepclear.formats.wire import read_said
from keepclear.model.acts import Act

EXAMPLES: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "console" / "test" / "acts.json").read_text(encoding="utf-8")
)
ASKED_FOR = {
    # What a person must be able to say from the page, and by which form where one act has several.
    "notice": ["notice"],
    "read_back": ["read_back"],
    "correction": ["correction"],
    "cancel": ["cancel"],
    "receipt": [f"receipt.{hop}" for hop in ("opened", "acknowledged", "passed", "crew_briefed", "crew_acknowledged")],
    "clear_request": ["clear_request"],
    "answer": ["answer"],
    "done": ["done"],
    "give_back": ["give_back"],
    "danger_call": ["danger_call"],
    "take": ["take"],
    "close": ["close"],
    "line_check": ["line_check"],
    "suspend": ["suspend"],
    "resume": ["resume"],
    "proposal": ["proposal"],
    "agreement": ["agreement"],
    "consent": ["consent"],
    "responsibility_offer": ["responsibility_offer"],
    "responsibility_answer": ["responsibility_answer"],
    "responsibility_assertion": ["responsibility_assertion"],
    "waiting": ["waiting"],
    "statement": ["statement"],
    "remark": ["remark"],
}
NOT_SAID_FROM_THE_PAGE = {
    *("enrol", "open_line", "roster", "gazetteer", "line_check_answer", "finding"),  # by nodes and their keepers
    *("utm_change", "utm_exchange", "attachment"),  # by nodes, for UTM services
    *("positions", "declare_group", "declare_boundary", "coverage", "leg_blocked"),  # by feeds, files and commands
}


def body(act: dict[str, Any]) -> bytes:
    return json.dumps({"role": "watch officer", "act": act}, ensure_ascii=False).encode()


@pytest.mark.parametrize("example", EXAMPLES, ids=[each["form"] for each in EXAMPLES])
def test_what_a_form_builds_is_read(example: dict[str, Any]) -> None:
    assert read_said(body(example["act"])).act.__struct_config__.tag == example["act"]["act"]


@pytest.mark.parametrize("example", EXAMPLES, ids=[each["form"] for each in EXAMPLES])
def test_with_a_field_nobody_knows_it_is_refused(example: dict[str, Any]) -> None:
    with pytest.raises(Malformed):
        read_said(body({**example["act"], "grounds": "x"}))


def test_every_act_a_person_says_has_its_forms() -> None:
    forms: dict[str, list[str]] = {}
    for example in EXAMPLES:
        forms.setdefault(example["act"]["act"], []).append(example["form"])
    assert forms == ASKED_FOR


def test_every_act_of_the_line_is_accounted_for() -> None:
    tags = {str(kind.__struct_config__.tag) for kind in get_args(Act)}
    assert tags == set(ASKED_FOR) | NOT_SAID_FROM_THE_PAGE

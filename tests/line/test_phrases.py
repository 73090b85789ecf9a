"""Every code that the line shows or refuses with has its words, in both languages."""

from __future__ import annotations

import re
from collections.abc import Iterable
from enum import StrEnum
from pathlib import Path
from typing import get_args

import pytest

from keepclear.conflict.detect import Reason
from keepclear.line.procedure import OBJECTIONS
from keepclear.line.receipts import REACHED
from keepclear.line.standing import STATUSES
from keepclear.line.statements import MARKS, REASONS
from keepclear.line.timings import STEPS
from keepclear.model import acts as a
from keepclear.model.basis import BasisKind, Certainty
from keepclear.model.coverage import CoverageState
from keepclear.model.findings import FindingKind
from keepclear.model.groups import AssetKind, HeadClass
from keepclear.model.plans import PlanKind
from keepclear.model.statements import Order, Verdict
from keepclear.model.times import Precision
from keepclear.model.tracks import SensorClass
from keepclear.phrases import LANGUAGES, catalogue
from keepclear.watch.clearance import Why

SOURCE = Path(a.__file__).parent.parent
ROOMS = ("formats", "geometry", "conflict", "watch", "record", "utm", "line")

ENUMS: dict[str, type[StrEnum]] = {
    "statuses.reply": a.Reply,
    "statuses.inside": a.Inside,
    "statuses.urgency": a.Urgency,
    "statuses.hop": a.Hop,
    "statuses.plan_kind": PlanKind,
    "statuses.asset": AssetKind,
    "statuses.head_class": HeadClass,
    "statuses.sensor": SensorClass,
    "statuses.coverage": CoverageState,
    "statuses.basis": BasisKind,
    "statuses.certainty": Certainty,
    "statuses.precision": Precision,
    "statuses.order": Order,
    "statuses.why": Why,
    "statuses.conflict": Reason,
    "findings": FindingKind,
    "verdicts": Verdict,
}
RECIPIENT = ("queued", "read_back_wrong", *REACHED.values())


def wordless(keys: Iterable[str]) -> list[str]:
    return [f"{lang} {key}" for key in keys for lang in LANGUAGES if key not in catalogue(lang)]


def test_every_act_has_a_name() -> None:
    tags = [str(act.__struct_config__.tag) for act in get_args(a.Act)]
    assert len(set(tags)) == len(tags) == 38
    assert not wordless(f"acts.{tag}" for tag in tags)


@pytest.mark.parametrize(("where", "enum"), ENUMS.items())
def test_every_member_of_every_list_has_words(where: str, enum: type[StrEnum]) -> None:
    assert not wordless(f"{where}.{member.value}" for member in enum)


def test_every_status_has_words() -> None:
    assert not wordless(f"acts.{kind}" for kind in STATUSES)
    assert not wordless(f"statuses.{kind}.{status}" for kind, statuses in STATUSES.items() for status in statuses)
    assert not wordless(f"statuses.line.{state}" for state in ("up", "unchecked", "down", "suspended", "own"))
    assert not wordless(f"statuses.recipient.{state}" for state in RECIPIENT)
    assert not wordless(f"statuses.hop.{step}" for step in STEPS)
    states = ("unknown", "moving", "halted", "waiting", "lost_contact", "split")
    assert not wordless(f"statuses.group.{state}" for state in states)
    assert not wordless(f"statuses.without_effect.{code}" for code in OBJECTIONS)


def test_every_reason_and_mark_has_words() -> None:
    assert not wordless(
        [*(f"verdicts.reason.{code}" for code in REASONS), *(f"verdicts.mark.{code}" for code in MARKS)]
    )
    accusing = re.compile(r"\b(lied?|liar|lying)\b|كذب|كاذب")
    assert not [key for lang in LANGUAGES for key, text in catalogue(lang).items() if accusing.search(text)]


def test_every_code_of_a_refusal_has_words() -> None:
    found = set(re.findall(r'\bcode *= *"([a-z_]+)"', (SOURCE / "errors.py").read_text()))
    for room in ROOMS:
        for file in (SOURCE / room).glob("*.py"):
            found |= set(re.findall(r'\bcode(?: *= *|, inner = )"([a-z_]+)"', file.read_text(encoding="utf-8")))
    assert len(found) > 50
    broken = {code for code in found if f"errors.broken.{code}" in catalogue("en")}  # see tests/record/test_told.py
    assert not wordless(f"errors.{code}" for code in {*found, *OBJECTIONS} - broken)
    assert wordless(["errors.no_such_code"]) == ["en errors.no_such_code", "ar errors.no_such_code"]


def test_the_reasons_that_are_listed_are_the_reasons_that_are_given() -> None:
    text = (SOURCE / "line" / "statements.py").read_text()
    judged = text.partition("MARKS = (")[2]
    assert not [reason for reason in REASONS if f'"{reason}"' not in judged and not reason.startswith("line_was_")]
    given = set(re.findall(r'(?:YES|NO|UNSUPPORTED|UNKNOWN), "([a-z_]+)"', judged))
    assert given
    assert given <= set(REASONS)


def test_the_objections_that_are_listed_are_the_objections_that_are_made() -> None:
    texts = [(SOURCE / "line" / f"{name}.py").read_text() for name in ("procedure", "responsibility")]
    text = texts[0].replace(texts[0].partition("OBJECTIONS = (")[2].partition(")")[0], "") + texts[1]
    assert not [code for code in OBJECTIONS if f'"{code}"' not in text]

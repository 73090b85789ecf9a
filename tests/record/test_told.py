"""What verify finds wrong is told in English and in Arabic."""

from __future__ import annotations

import ast
import inspect
import re
from pathlib import Path

import pytest

from keepclear.cli.options import sentence
from keepclear.errors import BrokenRecord, Malformed
from keepclear.phrases import LANGUAGES, catalogue
from keepclear.record import export as export_module
from keepclear.record import verify as verify_module
from keepclear.record import verify_export, write_export
from tests.record.cast import KEYS, NODE, TRUSTED, story

ARABIC = re.compile(r"[\u0600-\u06ff]")
VALUES = re.compile(r"\u2066[^\u2069 ]*(?: [0-9a-f]+)*\u2069|UTF-8|base64")
"""What may be Latin in an Arabic sentence: isolated values of one word or of digits, and names of encodings."""


def calls() -> list[ast.Call]:
    """Every call in the two modules that can break a record."""
    trees = [ast.parse(inspect.getsource(module)) for module in (verify_module, export_module)]
    return [node for tree in trees for node in ast.walk(tree) if isinstance(node, ast.Call)]


def test_every_code_has_a_phrase_in_both_languages() -> None:
    given = [keyword.value for call in calls() for keyword in call.keywords if keyword.arg == "code"]
    constants = [each for value in given for each in ast.walk(value) if isinstance(each, ast.Constant)]
    codes = {each.value for each in constants if isinstance(each.value, str)}
    assert len(codes) >= 25
    for lang in LANGUAGES:
        known = catalogue(lang)
        assert not [code for code in codes if not {f"errors.broken.{code}", f"errors.{code}"} & known.keys()]


def test_no_broken_record_is_without_a_code() -> None:
    made = [call for call in calls() if isinstance(call.func, ast.Name) and call.func.id == "BrokenRecord"]
    assert len(made) >= 15
    assert not [call.lineno for call in made if "code" not in {keyword.arg for keyword in call.keywords}]


def test_flipped_bytes_are_told_in_arabic(tmp_path: Path) -> None:
    export = tmp_path / "export"
    write_export(export, story(12), KEYS, NODE, "node-a/avoidance")
    told = set()
    for file in sorted(each for each in export.rglob("*") if each.is_file()):
        whole = file.read_bytes()
        for at in range(0, len(whole), 7):
            file.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
            with pytest.raises(BrokenRecord) as found:
                verify_export(export, TRUSTED)
            arabic = sentence(found.value, "ar")
            assert ARABIC.search(arabic)
            assert not re.search(r"[A-Za-z]", VALUES.sub("", arabic)), arabic
            assert sentence(found.value, "en").isascii()
            told.add(found.value.code)
        file.write_bytes(whole)
    assert {"signature", "malformed", "forged", "hash_of_entry"} <= told


def test_a_fault_is_told_with_its_place() -> None:
    broken = BrokenRecord("entry 260", "x", code="signature", author="convoy", entry=260)
    assert sentence(broken, "ar") == (
        "السجل لا يثبت نفسه: القيد \u2066260\u2069: التوقيع غير صحيح. القائل: \u2066convoy\u2069"
    )
    note = BrokenRecord.of("checkpoint", Malformed("a note has a text", field="note"))
    assert sentence(note, "en") == "the record does not prove itself: checkpoint: note: a note has a text"
    assert sentence(note, "ar").endswith("\u2066checkpoint\u2069: \u2066note\u2069: تعذرت قراءته")
    assert sentence(BrokenRecord("store", "no code"), "en").endswith("store: no code")

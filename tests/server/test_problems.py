"""Errors as HTTP answers: the status, the code, the field, and a sentence in the caller's language."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest

from keepclear.errors import (
    BrokenRecord,
    CallFailed,
    Forged,
    Forked,
    KeepclearError,
    Malformed,
    NotNow,
    OutOfOrder,
    Refused,
    StoreFailed,
    StoreLost,
    StoreTooOld,
    StoreUnusable,
)
from keepclear.phrases import LANGUAGES, catalogue
from keepclear.server.problems import NoSuch, NotYours, encoded, language, of_error


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (Malformed("m", field="plan.window"), 400, "malformed"),
        (Malformed("m", field="x", code="unknown_field"), 400, "unknown_field"),
        (Forged("m"), 403, "forged"),
        (NotNow("m"), 409, "not_now"),
        (Forked("m", field="seq", line="avoidance"), 409, "forked"),
        (OutOfOrder("m", need_seq=7), 409, "out_of_order"),
        (NoSuch("m"), 404, "no_such"),
        (NotYours("m", field="party"), 403, "not_hosted"),
        (Refused("m"), 400, "refused"),
        (Refused("m", code="busy"), 503, "busy"),
        (StoreFailed("m"), 503, "store_failed"),
        (StoreTooOld("m"), 503, "store_failed"),
        (StoreLost("m"), 503, "store_lost"),
        (StoreUnusable("m"), 503, "store_unusable"),
        (BrokenRecord("entry 3", "why"), 500, "broken_record"),
        (CallFailed("m", "outbound_slow", sent=True, host="uss.example.org"), 502, "outbound_slow"),
    ],
)
def test_each_error_has_its_status(error: KeepclearError, status: int, code: str) -> None:
    for lang in LANGUAGES:
        body = msgspec.json.decode(encoded(of_error(error, lang)))
        assert (body["status"], body["error"]["code"]) == (status, code)
        assert body["error"]["message"] == body["detail"] != ""
        if isinstance(error, Refused):
            assert body["error"]["field"] == error.field


def test_the_values_of_an_error_are_readable_by_programs() -> None:
    error = Malformed("m", field="at", when=datetime(2026, 1, 1, tzinfo=UTC), size=3, odd=object)
    body = msgspec.json.decode(encoded(of_error(error, "en")))
    assert body["error"]["values"]["when"] == "2026-01-01T00:00:00Z"
    assert body["error"]["values"]["size"] == 3


def test_a_code_without_a_phrase_keeps_its_own_sentence() -> None:
    assert of_error(Malformed("just so", code="never_heard_of"), "ar").detail == "just so"


def test_every_code_that_is_raised_has_a_phrase() -> None:
    """Stories have phrases of their own; what they refuse is for whoever writes one."""
    package = Path(__file__).parents[2] / "src" / "keepclear"
    files = [file for file in package.rglob("*.py") if "stories" not in file.parts]
    raised = {code for file in files for code in re.findall(r'\bcode="([a-z0-9_]+)"', file.read_text(encoding="utf-8"))}
    assert len(raised) > 50
    keys = {key.partition(".")[2] for key in catalogue("en") if key.startswith(("errors.", "server."))}
    known = {key.removeprefix("broken.") for key in keys}
    assert not raised - known


def test_a_general_code_keeps_what_was_wrong_with_it() -> None:
    error = Malformed("Expected `str`, got `int`", field="act.re")
    assert of_error(error, "en").detail == "Expected `str`, got `int`"
    arabic = of_error(error, "ar").detail
    assert arabic.startswith(catalogue("ar")["errors.malformed"])
    assert "Expected `str`, got `int`" in arabic


def test_a_phrase_whose_values_are_missing_does_not_hide_the_error() -> None:
    assert "{" in catalogue("en")["server.file_unreadable"]
    assert of_error(Malformed("just so", code="file_unreadable"), "en").detail == "just so"


@pytest.mark.parametrize(
    ("header", "lang"),
    [(None, "en"), ("", "en"), ("ar", "ar"), ("AR-sy;q=0.9, en", "ar"), ("fr, ar", "ar"), ("en-GB, ar", "en"),
     ("*", "en"), (",,;", "en")],
)  # fmt: skip
def test_the_first_language_we_speak_is_taken(header: str | None, lang: str) -> None:
    assert language(header) == lang

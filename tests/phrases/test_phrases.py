"""English and Arabic stand side by side: same keys, same values, and no value loses its order inside a sentence."""

from __future__ import annotations

import re
from importlib import resources

import pytest

from keepclear.phrases import LANGUAGES, catalogue, isolate, placeholders, say

ARABIC = re.compile(r"[\u0600-\u06ff]")
OWN_NAMES = {"console.lang.en", "console.lang.ar"}
"""A language calls itself by its own name, whatever is spoken around it."""


def test_both_languages_have_the_same_files() -> None:
    folders = [resources.files("keepclear.phrases") / lang for lang in LANGUAGES]
    files = [{file.name for file in folder.iterdir() if file.name.endswith(".json")} for folder in folders]
    assert files[0] == files[1] != set()


def test_every_phrase_exists_in_both_languages() -> None:
    english, arabic = catalogue("en"), catalogue("ar")
    assert english.keys() == arabic.keys()


def test_every_phrase_takes_the_same_values_in_both_languages() -> None:
    english, arabic = catalogue("en"), catalogue("ar")
    differing = [key for key in english if placeholders(english[key]) != placeholders(arabic[key])]
    assert not differing


def test_arabic_phrases_are_arabic_and_english_ones_are_not() -> None:
    bare = re.compile(r"\{[^}]*\}|[A-Z0-9 .:/()%+-]*")
    latin_only = {key for key, text in catalogue("ar").items() if bare.sub("", text) and not ARABIC.search(text)}
    assert latin_only <= OWN_NAMES
    assert {key for key, text in catalogue("en").items() if ARABIC.search(text)} <= OWN_NAMES


def test_no_phrase_grants_permission() -> None:
    """Notification is not permission: no status or sentence reads as a grant, or calls a place safe."""
    english = re.compile(r"\b(approved|cleared to|is safe|are safe|permitted|granted)\b", re.IGNORECASE)
    arabic = re.compile(r"تمت الموافقة|مسموح ب|مصرّح|المكان آمن|المنطقة آمنة")
    assert not [key for key, text in catalogue("en").items() if english.search(text)]
    assert not [key for key, text in catalogue("ar").items() if arabic.search(text)]


@pytest.mark.parametrize("value", ["37SDU882603", "36.2021°N, 37.1343°E", "2017-09-08 07:00Z", "a3f1"])
def test_codes_are_isolated_inside_arabic(value: str) -> None:
    assert isolate(value, "ar") == f"\u2066{value}\u2069"
    assert isolate(value, "en") == value


def test_arabic_names_are_isolated_inside_english() -> None:
    assert isolate("السخنة", "en") == "\u2068السخنة\u2069"
    assert isolate("السخنة", "ar") == "السخنة"


def test_a_missing_value_or_key_is_an_error() -> None:
    key = next(key for key, text in catalogue("en").items() if placeholders(text))
    with pytest.raises(KeyError):
        say("en", key)
    with pytest.raises(KeyError):
        say("en", "no.such.key")
    with pytest.raises(ValueError, match="lang"):
        say("fr", key)

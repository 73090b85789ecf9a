"""Every sentence a person reads, in English and Arabic, under one key.

The catalogues are JSON files, one a surface, in `en/` and `ar/`; a test holds the two to the same keys and the same
placeholders. Sentences are written as "label: value" where a number would force a plural. A value put into a sentence
is isolated, so that a coordinate, call sign, time or id inside Arabic text keeps its own order (Unicode UAX 9).
"""

from __future__ import annotations

import re
from functools import cache
from importlib import resources

import msgspec

LANGUAGES = ("en", "ar")
_PLACEHOLDER = re.compile(r"\{([a-z_][a-z0-9_]*)\}")
_RIGHT_TO_LEFT = re.compile(r"[\u0590-\u08ff\ufb1d-\ufdff\ufe70-\ufeff]")
_LRI, _FSI, _PDI = "\u2066", "\u2068", "\u2069"


@cache
def catalogue(lang: str) -> dict[str, str]:
    """All phrases of a language, key to sentence. Keys are `surface.key`, the surface being the file's name."""
    if lang not in LANGUAGES:
        raise ValueError(f"lang must be one of {', '.join(LANGUAGES)}")
    phrases: dict[str, str] = {}
    folder = resources.files(__name__) / lang
    for file in sorted(folder.iterdir(), key=lambda f: f.name):
        if file.name.endswith(".json"):
            surface = file.name.removesuffix(".json")
            for key, sentence in msgspec.json.decode(file.read_bytes(), type=dict[str, str]).items():
                phrases[f"{surface}.{key}"] = sentence
    return phrases


def isolate(value: object, lang: str) -> str:
    """A value as text that keeps its own reading order inside a sentence of `lang`."""
    text = str(value)
    if _RIGHT_TO_LEFT.search(text):
        return f"{_FSI}{text}{_PDI}" if lang == "en" else text
    return f"{_LRI}{text}{_PDI}" if lang == "ar" else text


def placeholders(sentence: str) -> set[str]:
    """The names a sentence expects."""
    return set(_PLACEHOLDER.findall(sentence))


def say(lang: str, key: str, /, **values: object) -> str:
    """The sentence for `key` in `lang` with its values in place. An unknown key or a missing value is a KeyError."""
    return _PLACEHOLDER.sub(lambda match: isolate(values[match[1]], lang), catalogue(lang)[key])

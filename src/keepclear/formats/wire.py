"""The body of an act on the wire: one line of JSON, read strictly.

Refused with the dotted path of the field: what is not JSON, too large, of the wrong kind, out of bounds, unknown or
missing; NaN and infinities; a name given twice (RFC 8259 section 4 leaves its meaning open, so two readers could
differ); hidden and direction-changing characters in any text (Unicode TR 36). Nothing is repaired.

The bytes that are signed are the bytes that arrived; `write_said` makes the bytes of one's own acts.
"""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from keepclear.errors import Malformed
from keepclear.model.acts import Act, Said
from keepclear.model.base import HIDDEN, hidden_in

MAX_BODY_BYTES = 59_000
"""Leaves room for the header and the signature in an envelope of 60,000 bytes."""

_said = msgspec.json.Decoder(Said)
_act: msgspec.json.Decoder[Act] = msgspec.json.Decoder(Act)
_encoder = msgspec.json.Encoder()

_PATH = re.compile(r" - at `\$\.?(?P<path>[^`]*)`$")
_NAMED = re.compile(r"`(?P<name>[^`]*)`")
_OWN_WORDS = re.compile(r"(?P<name>[a-z_0-9]+) (?:must|contains) ")
_SUSPECT = re.compile(rf"[{HIDDEN}]|\\[urtbf]")
"""In text as the encoder writes it: a hidden character, or an escape (the newline's apart) that may hide one."""


def read_said(body: bytes) -> Said:
    """Read the body of an act. Malformed naming the field (`act.plan.window.ends_at`) if anything is amiss."""
    said: Said = _read(_said, body)
    return said


def read_act(source: bytes | dict[str, Any]) -> Act:
    """Read an act alone, from JSON bytes or from an object already taken out of JSON. Malformed naming the field."""
    if isinstance(source, bytes):
        act: Act = _read(_act, source)
        return act
    try:
        body = json.dumps(source, ensure_ascii=False, allow_nan=False).encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise Malformed(f"not something JSON can hold: {error}", code="not_json") from None
    return read_act(body)


def write_said(said: Said) -> bytes:
    """The body of one's own act: one line of UTF-8 JSON, defaults left out.

    What is written is read back first, so that nothing leaves that a reader would refuse: Malformed naming the field.
    """
    body = _encoder.encode(said)
    read_said(body)
    return body


def _read(decoder: msgspec.json.Decoder[Any], body: bytes) -> Any:
    if len(body) > MAX_BODY_BYTES:
        raise Malformed(f"an act has at most {MAX_BODY_BYTES} bytes", code="too_large", bytes=len(body))
    if b"\n" in body or b"\r" in body:
        raise Malformed("an act is exactly one line", code="not_one_line")
    try:
        value = decoder.decode(body)
    except msgspec.ValidationError as error:
        raise refusal(str(error)) from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise Malformed(f"not JSON in UTF-8: {error}", code="not_json") from None
    except RecursionError:
        raise Malformed("nested too deep", code="too_deep") from None
    written = _encoder.encode(value)
    if written != body:
        _refuse_names_given_twice(body)
    if not _plainly_written(written) and _SUSPECT.search(written.decode()):
        _refuse_hidden(msgspec.to_builtins(value), "")
    return value


def _plainly_written(written: bytes) -> bool:
    """Whether text as the encoder writes it is ASCII without an escape or a DEL, and so hides nothing."""
    return written.isascii() and b"\\" not in written and b"\x7f" not in written


def refusal(text: str) -> Malformed:
    """The error for a message of msgspec, which ends in " - at `$.path`", with the field taken out of it."""
    found = _PATH.search(text)
    path = found["path"] if found else ""
    words = text[: found.start()] if found else text
    code = "malformed"
    inner = None
    if words.startswith("Object contains unknown field"):
        code, inner = "unknown_field", _NAMED.search(words)
    elif words.startswith("Object missing required field"):
        code, inner = "missing_field", _NAMED.search(words)
    else:
        inner = _OWN_WORDS.match(words)
    if inner is not None:
        path = f"{path}.{inner['name']}" if path else inner["name"]
    return Malformed(words, field=path, code=code)


def _refuse_names_given_twice(body: bytes) -> None:
    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        seen = dict(items)
        if len(seen) != len(items):
            names = [name for name, _ in items]
            twice = next(name for name in names if names.count(name) > 1)
            raise Malformed(f"{twice} is given twice", field=twice, code="duplicate_field")
        return seen

    json.loads(body, object_pairs_hook=pairs)


def _refuse_hidden(value: object, path: str) -> None:
    if isinstance(value, str):
        found = hidden_in(value)
        if found is not None:
            raise Malformed(f"contains a hidden or control character {found}", field=path, code="hidden_character")
    elif isinstance(value, dict):
        for name, inner in value.items():
            _refuse_hidden(name, path)
            _refuse_hidden(inner, f"{path}.{name}" if path else str(name))
    elif isinstance(value, list | tuple):
        for number, inner in enumerate(value):
            _refuse_hidden(inner, f"{path}[{number}]")

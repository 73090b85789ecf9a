"""Reading what comes in with a request: times, ids, and a posted act, strictly and with the field named."""

from __future__ import annotations

import json
import re
from datetime import datetime

import msgspec

from keepclear.errors import Malformed, Refused
from keepclear.formats.wire import read_said
from keepclear.line.state import State
from keepclear.model.base import Id, utc
from keepclear.server.answers import Posted
from keepclear.server.problems import NoSuch

SHORTEST_ID = 6
"""Digits with which an id may be called."""
_ID_DIGITS = re.compile(rf"[0-9a-f]{{{SHORTEST_ID},64}}")


class _Outer(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    party: Id
    line: Id
    said: msgspec.Raw


_outer = msgspec.json.Decoder(_Outer)


def instant(text: str | None, field: str) -> datetime | None:
    """A time as RFC 3339 writes it, in UTC; Malformed naming the field. None stays None."""
    if text is None:
        return None
    try:
        at: datetime = msgspec.convert(text.strip(), datetime, strict=False)
        if at.tzinfo is None:
            raise ValueError(f"{field} must be in UTC (end in Z)")
        utc(at, field)
    except (msgspec.ValidationError, ValueError) as error:
        raise Malformed(str(error), field=field, code="time_unreadable") from None
    return at


def posted(body: bytes) -> Posted:
    """An act to be said. Malformed naming the field, with `said.` before fields of what is said."""
    try:
        outer = _outer.decode(body)
        # One line, as the record wants it; a name given twice stays there twice, and is refused when it is read.
        said = msgspec.json.format(bytes(outer.said), indent=-1)
    except msgspec.ValidationError as error:
        text, _, path = str(error).partition(" - at `$.")
        named = re.search("field `([^`]*)`", text)
        raise Malformed(text, field=path.rstrip("`") or (named[1] if named else "")) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise Malformed(f"not JSON: {error}", field="body", code="not_json") from None
    if said_twice(outer, body):
        raise Malformed("a name is given twice", field="body", code="duplicate_field")
    try:
        return Posted(party=outer.party, line=outer.line, said=read_said(said))
    except Malformed as error:
        error.field = f"said.{error.field}" if error.field else "said"
        raise


def said_twice(outer: _Outer, body: bytes) -> bool:
    """Whether one of the three names is there more than once. Asked the slow way only where it could be."""
    usual = msgspec.json.format(msgspec.json.encode(outer), indent=-1) == msgspec.json.format(body, indent=-1)
    if usual:
        return False
    try:
        return len(json.loads(body, object_pairs_hook=list)) != 3
    except (ValueError, RecursionError) as error:  # a figure of thousands of digits, or nested too deep for this reader
        raise Malformed(f"not JSON: {error}", field="body", code="not_json") from None


def placed(error: Refused) -> Refused:
    """An error of the rules, its field as it is called in what was posted: `act.re` is `said.act.re` there."""
    if error.field.partition(".")[0].partition("[")[0] in ("act", "exercise", "role", "basis", "draft"):
        error.field = f"said.{error.field}"
    elif error.field == "author":
        error.field = "party"
    return error


def act_id(state: State, digits: str) -> str:
    """The id of an act the state holds, from all of its digits or at least the first six; NoSuch, or Malformed if more
    than one begins so.
    """
    if digits in state.acts:
        return digits
    if not _ID_DIGITS.fullmatch(digits):
        raise Malformed("an id is 64 hex digits, of which the first six or more will do", field="id")
    found = [each for each in state.acts if each.startswith(digits)]
    if len(found) > 1:
        raise Malformed("more than one act begins with these digits", field="id", code="ambiguous_id")
    if not found:
        raise NoSuch("there is no such act here", field="id")
    return found[0]

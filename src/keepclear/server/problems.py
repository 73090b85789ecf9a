"""The one place that turns errors into HTTP answers (RFC 9457 problem details), in the caller's language.

    {"type": "about:blank", "title": "…", "status": 409, "detail": "<one sentence>",
     "error": {"code": "not_now", "field": "re", "message": "<the same sentence>", "values": {…}}}

`error` is what programs read: `code` is stable, `field` names the part of the input at fault, `values` carries the
figures of the sentence. `refusals.py` has Litestar call this; the commands use it for their own sentences.
"""

from __future__ import annotations

import contextlib
import http
import re
from typing import Any

import msgspec

from keepclear.errors import (
    BrokenRecord,
    CallFailed,
    Forged,
    Forked,
    KeepclearError,
    Malformed,
    NodeStopped,
    NotNow,
    OutOfOrder,
    Refused,
    StoreFailed,
    StoreLost,
    StoreUnusable,
)
from keepclear.phrases import LANGUAGES, catalogue, isolate, say


class NoSuch(Refused):
    """A thread, entry or page that this node does not hold."""

    code = "no_such"


class NotYours(Refused):
    """Only parties that this node hosts may be asked for, or spoken for, here."""

    code = "not_hosted"


_STATUS: tuple[tuple[type[KeepclearError], int], ...] = (
    (NoSuch, 404),
    (NotYours, 403),
    (Malformed, 400),
    (Forged, 403),
    (NotNow, 409),
    (OutOfOrder, 409),
    (Forked, 409),
    (Refused, 400),
    (StoreFailed, 503),
    (BrokenRecord, 500),
    (CallFailed, 502),
)


GENERAL = frozenset(kind.code for kind in (Refused, Malformed, Forged, NotNow, NoSuch)) | {"unknown_field"}


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """What programs read of a problem."""

    code: str
    field: str
    message: str
    values: dict[str, Any]


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """A problem as RFC 9457 writes it, with `error` beside it."""

    type: str
    title: str
    status: int
    detail: str
    error: Fault


_STATUS_BY_CODE = {"busy": 503, "too_many": 503, "not_judged": 500}


def status_of(error: KeepclearError) -> int:
    """The HTTP status of an error: 400 malformed, 403 forged, 404 unknown, 409 not now, 502 a service that was called
    gave no answer, 503 store failed or busy.
    """
    if isinstance(error, Refused) and error.code in _STATUS_BY_CODE:
        return _STATUS_BY_CODE[error.code]
    return next((status for kind, status in _STATUS if isinstance(error, kind)), 500)


def language(accept: str | None) -> str:
    """The first language of an Accept-Language header that we speak; English if there is none."""
    for part in (accept or "").lower().split(","):
        wanted = re.split(r"[;\-]", part.strip(), maxsplit=1)[0]
        if wanted in LANGUAGES:
            return wanted
    return "en"


def sentence(lang: str, code: str, message: str, values: dict[str, Any]) -> str:
    """The phrase for an error code in this language; the English message where no phrase fits, or where it says more.

    The phrases of the general codes only say what kind of error it is, so the message stays with them.
    """
    if code in GENERAL and lang == "en":
        return message
    for surface in ("errors", "server"):
        if f"{surface}.{code}" in catalogue(lang):
            with contextlib.suppress(KeyError):
                phrase = say(lang, f"{surface}.{code}", **values)
                return f"{phrase} ({isolate(message, lang)})" if code in GENERAL else phrase
    return message


def problem(status: int, code: str, message: str, lang: str, field: str = "", **values: Any) -> Problem:
    """The body of an error answer."""
    shown = msgspec.to_builtins(values, str_keys=True, enc_hook=str)
    text = sentence(lang, code, message, {"field": field, "message": message, **values})
    fault = Fault(code=code, field=field, message=text, values=shown)
    return Problem(type="about:blank", title=http.HTTPStatus(status).phrase, status=status, detail=text, error=fault)


def of_error(error: KeepclearError, lang: str) -> Problem:
    """The problem for an error of our own."""
    status = status_of(error)
    if isinstance(error, Refused):
        return problem(status, error.code, error.message, lang, error.field, **error.values)
    if isinstance(error, NodeStopped):
        return problem(status, "node_stopped", str(error), lang, why=error.why)
    if isinstance(error, CallFailed):
        return problem(status, error.code, str(error), lang, host=error.host)
    if isinstance(error, StoreUnusable):
        return problem(status, "store_unusable", str(error), lang, why=error.why)
    if isinstance(error, StoreLost):
        return problem(status, "store_lost", str(error), lang)
    code = "store_failed" if isinstance(error, StoreFailed) else "broken_record"
    return problem(status, code, str(error), lang)


def encoded(body: Problem) -> bytes:
    """The bytes of a problem, media type application/problem+json."""
    return msgspec.json.encode(body)

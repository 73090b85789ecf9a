"""What went wrong, as an answer of the UTM listener, in the caller's language.

    {"message": "extents[0].volume: <one sentence>", "code": "…", "field": "extents[0].volume"}

`message` is what the standard asks for (ErrorResponse); `code` and `field` are for programs, as in the local API. A key
that lacks OVNs is answered with the references it lacks (AirspaceConflictResponse).
"""

from __future__ import annotations

from keepclear.errors import KeepclearError, Refused
from keepclear.formats.f3548.answers import (
    AirspaceConflict,
    AvailabilityOf,
    constraint_reference,
    intent_reference,
)
from keepclear.formats.f3548.volumes import Wire
from keepclear.phrases import isolate
from keepclear.server.f3548.auth import Unauthenticated
from keepclear.server.f3548.routes import Answer, answer_json
from keepclear.server.problems import of_error, problem, status_of
from keepclear.utm.ruling import Down, MissingKnowledge, NotAllowed, NotFound, Stale, TooLarge, TooMany


class KeyReused(Refused):
    """Another request came with this Idempotency-Key before (422, draft-ietf-httpapi-idempotency-key-header)."""

    code = "utm_key_reused"


class NoTelemetry(Refused):
    """The flight is off-nominal, and nothing was reported of where it is (412)."""

    code = "utm_no_telemetry"


_STATUS: tuple[tuple[type[KeepclearError], int], ...] = (
    (Unauthenticated, 401),
    (NotAllowed, 403),
    (NotFound, 404),
    (Stale, 409),
    (MissingKnowledge, 409),
    (Down, 412),
    (NoTelemetry, 412),
    (TooLarge, 413),
    (KeyReused, 422),
    (TooMany, 429),
)
_HEADERS: dict[int, tuple[tuple[str, str], ...]] = {
    401: (("www-authenticate", "Bearer"),),
    503: (("retry-after", "1"),),
}


class Error(Wire, frozen=True):
    """ErrorResponse, with what programs read beside it."""

    message: str
    code: str
    field: str


def utm_status(error: KeepclearError) -> int:
    """The HTTP status of an error, by its kind."""
    return next((status for kind, status in _STATUS if isinstance(error, kind)), None) or status_of(error)


def of_refusal(error: KeepclearError, lang: str, asker: str, availability: AvailabilityOf) -> Answer:
    """The answer to an error of our own; `asker` sees its own OVNs only."""
    status = utm_status(error)
    fault = of_error(error, lang).error
    message = f"{isolate(fault.field, lang)}: {fault.message}" if fault.field else fault.message
    body: Wire = Error(message, fault.code, fault.field)
    if isinstance(error, MissingKnowledge):
        body = AirspaceConflict(
            message,
            fault.code,
            fault.field,
            tuple([intent_reference(each, asker, availability) for each in error.intents]),
            tuple([constraint_reference(each, asker, availability) for each in error.constraints]),
        )
    return answer_json(body, status, _HEADERS.get(status, ()))


def of_problem(status: int, code: str, message: str, lang: str, headers: tuple[tuple[str, str], ...] = ()) -> Answer:
    """The answer to what is not a matter of any rule: no such path, no such method, too much, our own fault."""
    said = problem(status, code, message, lang).error.message
    return answer_json(Error(said, code, ""), status, headers)

"""Litestar's error handlers: whatever goes wrong behind a route becomes the answer that `problems.py` writes."""

from __future__ import annotations

import re
from typing import Any

import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException

from keepclear.errors import KeepclearError
from keepclear.server.problems import Problem, encoded, language, of_error, problem

log = structlog.get_logger("keepclear.server")

_CODES = {401: "no_token", 404: "no_such", 405: "method", 413: "too_large", 429: "too_many"}


def _answer(request: Request[Any, Any, Any], body: Problem) -> Response[bytes]:
    return Response(encoded(body), status_code=body.status, media_type="application/problem+json")


def on_own(request: Request[Any, Any, Any], error: KeepclearError) -> Response[bytes]:
    """Litestar's handler for the errors of keepclear."""
    return _answer(request, of_error(error, language(request.headers.get("accept-language"))))


def on_http(request: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    """Litestar's handler for its own refusals: unknown pages, wrong methods, unreadable parameters."""
    lang = language(request.headers.get("accept-language"))
    field = _field(error)
    field = request.route_handler.opt.get("query", {}).get(field, field) if "route_handler" in request.scope else field
    code = _CODES.get(error.status_code, "malformed")
    return _answer(request, problem(error.status_code, code, error.detail, lang, field))


def _field(error: HTTPException) -> str:
    """The parameter at fault, from Litestar's list of faults or, where one is missing, from its sentence."""
    if isinstance(error.extra, list) and error.extra and isinstance(error.extra[0], dict):
        return str(error.extra[0].get("key", ""))
    missing = re.search(r"[Mm]issing required \w+ parameter '(\w+)'", error.detail)
    return missing[1] if missing else ""


def on_other(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """The outermost edge: whatever else went wrong is our fault and is logged; the caller learns nothing more."""
    log.error("unexpected", method=request.method, path=request.scope.get("path"), exc_info=error)
    lang = language(request.headers.get("accept-language"))
    return _answer(request, problem(500, "internal", "something went wrong in this node", lang))


HANDLERS = {KeepclearError: on_own, HTTPException: on_http, Exception: on_other}

"""The OpenAPI 3.1 page of the UTM listener: `GET /openapi.json`, made from the tables of routes and their types.

The schemas come from msgspec, so they say what is accepted: bounds, patterns, what is needed. What is beyond a schema
(whether an outline crosses itself, whether a time is over) is refused with 400 and the name of the field.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from keepclear import __version__
from keepclear.server.f3548.contract import ABOUT, About
from keepclear.server.f3548.faults import Error
from keepclear.server.f3548.retry import MAX_KEY
from keepclear.server.f3548.routes import Answer, Call, Route

PATH = "/openapi.json"
ALWAYS = (400, 413, 429, 503)
"""What every operation may answer: not in order, too large a body, too many requests, not kept."""
GUARDED = (401, 403)
UUID = r"^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-4[0-9a-fA-F]{3}-[89abAB][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$"
_IDS = ("entityid", "subscriptionid", "id", "flight_plan_id", "log_set_id")
_TAGS = (
    ("/dss/v1/", "DSS (F3548-21)"),
    ("/uss/v1/", "USS (F3548-21)"),
    ("/rid/v2/", "Remote ID (F3411-22a)"),
    ("/v1/", "Remote ID (F3411-19)"),
    ("/flight_planning/", "Flight planning (InterUSS)"),
    ("/aux/", "DSS auxiliary (InterUSS)"),
)


def with_page(routes: Iterable[Route]) -> tuple[Route, ...]:
    """The routes, and the one that describes them all; it asks for no token."""
    page = b""

    async def openapi(services: Any, call: Call) -> Answer:
        return Answer(200, page)

    every = (*routes, Route("GET", PATH, openapi, None))
    page = msgspec.json.encode(describe(every))
    return every


def describe(routes: Sequence[Route]) -> dict[str, Any]:
    """The whole page. A route that `contract` says nothing about is not on it; a test holds that there is none."""
    routes = [route for route in routes if f"{route.method} {route.path}" in ABOUT]
    about = {route: ABOUT[f"{route.method} {route.path}"] for route in routes}
    kinds: list[Any] = [Error]
    for each in about.values():
        kinds += [kind for kind in (each.takes, each.gives, *each.bodies.values()) if kind is not None]
        kinds += [parameter.kind for parameter in each.query]
    schemas, components = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    schema_of = {repr(kind): schema for kind, schema in zip(kinds, schemas, strict=True)}
    paths: dict[str, Any] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, about[route], schema_of)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "keepclear for UTM services",
            "version": __version__,
            "description": "ASTM F3548-21, ASTM F3411 and the field's interfaces for tests, as this node answers them. "
            "Fields that are not named here are ignored. Notification is not permission.",
        },
        "servers": [{"url": "/"}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {
                "authority": {
                    "type": "http",
                    "scheme": "bearer",
                    "bearerFormat": "JWT",
                    "description": "An access token (RS256) of the authority; one of the scopes named is needed.",
                }
            },
        },
    }


def _operation(route: Route, about: About, schema_of: dict[str, Any]) -> dict[str, Any]:
    refusals = {*ALWAYS, *about.refuses, *(GUARDED if route.scopes is not None else ())}
    if about.writes:
        refusals.add(422)
    answers = {str(about.status): _answer(about.status, about.gives, schema_of)}
    for status in sorted(refusals):
        answers[str(status)] = _answer(status, about.bodies.get(status, Error), schema_of)
    operation: dict[str, Any] = {
        "operationId": about.name,
        "summary": about.says,
        "tags": [next((tag for start, tag in _TAGS if route.path.startswith(start)), "This listener")],
        "parameters": [*_in_path(route), *_in_query(about, schema_of), *(_RETRY if about.writes else ())],
        "responses": answers,
        "security": [{"authority": [scope]} for scope in route.scopes or ()]
        or ([{"authority": []}] if route.scopes is not None else []),
    }
    if about.takes is not None:
        content = {"application/json": {"schema": schema_of[repr(about.takes)]}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _answer(status: int, kind: Any, schema_of: dict[str, Any]) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if kind is str:
        answer["content"] = {"text/plain": {"schema": {"type": "string"}}}
    elif kind is not None:
        answer["content"] = {"application/json": {"schema": schema_of[repr(kind)]}}
    return answer


def _in_path(route: Route) -> list[dict[str, Any]]:
    names = [part[1:-1] for part in route.path.split("/") if part.startswith("{")]
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": {"type": "string", "pattern": UUID} if name in _IDS else {"type": "string", "minLength": 1},
        }
        for name in names
    ]


def _in_query(about: About, schema_of: dict[str, Any]) -> list[dict[str, Any]]:
    return [
        {
            "name": each.name,
            "in": "query",
            "required": each.required,
            "description": each.says,
            "schema": schema_of[repr(each.kind)],
        }
        for each in about.query
    ]


_RETRY = (
    {
        "name": "Idempotency-Key",
        "in": "header",
        "required": False,
        "description": "The same request under the same key is done once, and answered alike for a day.",
        "schema": {"type": "string", "pattern": rf"^[!-~]([ -~]{{0,{MAX_KEY - 2}}}[!-~])?$"},
    },
)

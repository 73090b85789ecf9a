"""The OpenAPI 3.1 description of the local API, made from the routes and their types.

The schemas come from msgspec itself, so that they say exactly what is accepted: bounds, patterns, tags of unions.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, get_args

import msgspec
from litestar import Response
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter, QueryParameter

from keepclear import __version__
from keepclear.server.problems import Problem


@dataclass(frozen=True)
class Parameter:
    """One parameter of a route: `place` is path or query, `argument` what the function calls it."""

    name: str
    argument: str
    place: str
    required: bool
    schema: dict[str, Any]
    description: str


def parameters(route: HTTPRouteHandler) -> list[Parameter]:
    """The parameters of a route, from its signature."""
    found = []
    for each in inspect.signature(route.fn, eval_str=True).parameters.values():
        kind, *marks = get_args(each.annotation) or (each.annotation,)
        for mark in marks:
            if isinstance(mark, PathParameter | QueryParameter):
                bounds = {"minimum": mark.ge, "maximum": mark.le}
                schema = msgspec.json.schema(kind) | {
                    name: value for name, value in bounds.items() if value is not None
                }
                found.append(
                    Parameter(
                        name=mark.name or each.name,
                        argument=each.name,
                        place="path" if isinstance(mark, PathParameter) else "query",
                        required=each.default is each.empty,
                        schema=schema,
                        description=mark.description or "",
                    )
                )
    return found


def describe(routes: Sequence[HTTPRouteHandler]) -> dict[str, Any]:
    """The whole description. The type of a route's body, where it has one, is its `opt["body"]`."""
    answers = {route: inspect.signature(route.fn, eval_str=True).return_annotation for route in routes}
    bodies = {route: route.opt["body"] for route in routes if "body" in route.opt}
    kinds = [Problem, *bodies.values(), *(kind for kind in answers.values() if not _is_bytes(kind))]
    schemas, components = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    schema_of = {repr(kind): schema for kind, schema in zip(kinds, schemas, strict=True)}
    paths: dict[str, Any] = {}
    for route in routes:
        answer = {} if _is_bytes(answers[route]) else schema_of[repr(answers[route])]
        body = schema_of[repr(bodies[route])] if route in bodies else None
        for path in sorted(route.paths):
            for method in sorted(route.http_methods):
                paths.setdefault(_plain(path), {})[str(method).lower()] = _operation(route, answer, body)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "keepclear local API",
            "version": __version__,
            "description": "What a node tells its own people and programs. Notification is not permission.",
        },
        "security": [{"token": []}],
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _is_bytes(kind: Any) -> bool:
    return getattr(kind, "__origin__", None) is Response


def _operation(route: HTTPRouteHandler, answer: Any, body: Any) -> dict[str, Any]:
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    media = str(route.media_type) if isinstance(route.media_type, str) and route.media_type else "application/json"
    operation: dict[str, Any] = {
        "operationId": route.handler_name,
        "summary": inspect.getdoc(route.fn) or "",
        "parameters": [
            {
                "name": each.name,
                "in": each.place,
                "required": each.required,
                "schema": each.schema,
                "description": each.description,
            }
            for each in parameters(route)
        ],
        "responses": {
            str(route.status_code or 200): {"description": "the answer", "content": {media: {"schema": answer}}},
            "4XX": {"description": "refused: the field is named", "content": problem},
            "5XX": {"description": "not kept, or not well", "content": problem},
        },
    }
    if body is not None:
        operation["requestBody"] = {"required": True, "content": {"application/json": {"schema": body}}}
    return operation


def _plain(path: str) -> str:
    """`/api/threads/{id:str}` as OpenAPI writes it: `/api/threads/{id}`."""
    return "/".join(part.split(":")[0] + "}" if part.startswith("{") else part for part in path.split("/"))

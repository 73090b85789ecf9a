"""The OpenAPI 3.1 description of the local API, made from the routes and their types.

The schemas come from msgspec itself, so that they say exactly what is accepted: bounds, patterns, tags of unions.
"""

from __future__ import annotations

import inspect
from collections.abc import Sequence
from typing import Any

import msgspec
from litestar.handlers import HTTPRouteHandler

from keepclear import __version__
from keepclear.server.problems import Problem

_PLACES = {"path", "query"}


def describe(routes: Sequence[HTTPRouteHandler]) -> dict[str, Any]:
    """The whole description. A route's `opt` may hold `body` (a type), `answer` (a type) and `media` (a media type)."""
    kinds: list[Any] = [Problem]
    for route in routes:
        kinds += [route.opt[part] for part in ("body", "answer") if part in route.opt]
    schemas, components = msgspec.json.schema_components(kinds, ref_template="#/components/schemas/{name}")
    schema_of = {id(kind): schema for kind, schema in zip(kinds, schemas, strict=True)}
    paths: dict[str, Any] = {}
    for route in routes:
        for path in sorted(route.paths):
            for method in sorted(route.http_methods):
                operation = _operation(route, schema_of)
                paths.setdefault(_plain(path), {})[str(method).lower()] = operation
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


def _operation(route: HTTPRouteHandler, schema_of: dict[int, Any]) -> dict[str, Any]:
    media = route.opt.get("media", "application/json")
    content = {media: {"schema": schema_of[id(route.opt["answer"])] if "answer" in route.opt else {}}}
    problem = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
    operation: dict[str, Any] = {
        "operationId": route.handler_name,
        "summary": inspect.getdoc(route.fn) or "",
        "parameters": _parameters(route),
        "responses": {
            str(route.status_code or 200): {"description": "the answer", "content": content},
            "4XX": {"description": "refused: the field is named", "content": problem},
            "5XX": {"description": "not kept, or not well", "content": problem},
        },
    }
    if "body" in route.opt:
        body = {"application/json": {"schema": schema_of[id(route.opt["body"])]}}
        operation["requestBody"] = {"required": True, "content": body}
    return operation


def _parameters(route: HTTPRouteHandler) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": place, "required": place == "path", "schema": {"type": "string"}, "description": text}
        for place in sorted(_PLACES)
        for name, text in route.opt.get(place, {}).items()
    ]


def _plain(path: str) -> str:
    """`/api/threads/{id:str}` as OpenAPI writes it: `/api/threads/{id}`."""
    return "/".join(part.split(":")[0] + "}" if part.startswith("{") else part for part in path.split("/"))

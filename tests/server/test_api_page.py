"""Every route is on the page of the API, and in the description for programs."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any, cast

import pytest

from keepclear.node.node import Node
from keepclear.server.local import Local, api_routes, local_app
from keepclear.server.openapi import describe

PAGE = (Path(__file__).parents[2] / "docs" / "api.md").read_text(encoding="utf-8")


class Still:
    """A node that nobody asks anything: the routes are looked at, not used."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(name)


@pytest.fixture(scope="module")
def description() -> dict[str, Any]:
    return describe(api_routes(Local(cast("Node", Still()))))


def test_the_page_has_exactly_the_routes_there_are() -> None:
    app, _ = local_app(cast("Node", Still()))
    served = {
        f"{method} {re.sub(r':[a-z]+}', '}', route.path)}"
        for route in app.routes
        for method in (getattr(route, "methods", None) or ["GET"])
        if route.path.startswith("/api/") and method not in ("OPTIONS", "HEAD")
    }
    told = set(re.findall(r"^### `([A-Z]+ /api/\S+)`$", PAGE, re.MULTILINE))
    assert served - {"GET /api/openapi.json"} == told
    assert "/api/openapi.json" in PAGE


def test_every_parameter_is_on_the_page(description: dict[str, Any]) -> None:
    sections = dict(re.findall(r"^### `[A-Z]+ (/api/\S+)`\n(.*?)(?=^##|\Z)", PAGE, re.DOTALL | re.MULTILINE))
    for path, methods in description["paths"].items():
        for operation in methods.values():
            for parameter in operation["parameters"]:
                if parameter["in"] == "query":
                    assert f"`{parameter['name']}`" in sections[path], (path, parameter["name"])


def test_the_description_says_what_is_accepted(description: dict[str, Any]) -> None:
    schemas = description["components"]["schemas"]
    notice = schemas["Notice"]
    assert notice["properties"]["act"] == {"enum": ["notice"]}
    assert notice["additionalProperties"] is False
    body = description["paths"]["/api/acts"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    assert body == {"$ref": "#/components/schemas/Posted"}


def test_every_reference_in_the_description_leads_somewhere(description: dict[str, Any]) -> None:
    def walk(value: Any) -> None:
        if isinstance(value, dict):
            if "$ref" in value:
                assert value["$ref"].removeprefix("#/components/schemas/") in description["components"]["schemas"]
            for inner in value.values():
                walk(inner)
        elif isinstance(value, list):
            for inner in value:
                walk(inner)

    walk(description)

"""One order of checks for every operation: path and method, token, scopes, size, and only then what is asked."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from keepclear.phrases import catalogue
from keepclear.server.f3548.bodies import MAX_BODY_BYTES
from keepclear.server.f3548.listener import ROUTES
from keepclear.server.f3548.routes import Route
from tests.server.f3548.surface import (
    CONSTRAINTS,
    EVERY_SCOPE,
    INTENTS,
    ONE,
    SUBSCRIPTIONS,
    USS,
    Dss,
    with_dss,
)

GUARDED = [route for route in ROUTES if route.scopes is not None]


def place(route: Route) -> str:
    """A path of the route, with something in each of its braces."""
    return "/".join(ONE if part.startswith("{") else part for part in route.path.split("/"))


def name(route: Route) -> str:
    return f"{route.method} {route.path}"


def test_all_eighteen_operations_are_there_with_the_scopes_of_the_standard() -> None:
    """F3548-21, Annex A4: the security of each operation."""
    sc, cm, cp = "strategic_coordination", "constraint_management", "constraint_processing"
    cmsa, aa = "conformance_monitoring_sa", "availability_arbitration"
    expected = {
        f"POST {INTENTS}/query": {sc, cmsa},
        f"GET {INTENTS}/{{entityid}}": {sc, cmsa},
        f"PUT {INTENTS}/{{entityid}}": {sc, cmsa},
        f"PUT {INTENTS}/{{entityid}}/{{ovn}}": {sc, cmsa},
        f"DELETE {INTENTS}/{{entityid}}/{{ovn}}": {sc, cmsa},
        f"POST {CONSTRAINTS}/query": {cm, cp},
        f"GET {CONSTRAINTS}/{{entityid}}": {cm, cp},
        f"PUT {CONSTRAINTS}/{{entityid}}": {cm},
        f"PUT {CONSTRAINTS}/{{entityid}}/{{ovn}}": {cm},
        f"DELETE {CONSTRAINTS}/{{entityid}}/{{ovn}}": {cm},
        f"POST {SUBSCRIPTIONS}/query": {sc, cp},
        f"GET {SUBSCRIPTIONS}/{{subscriptionid}}": {sc, cp},
        f"PUT {SUBSCRIPTIONS}/{{subscriptionid}}": {sc, cp},
        f"PUT {SUBSCRIPTIONS}/{{subscriptionid}}/{{version}}": {sc, cp},
        f"DELETE {SUBSCRIPTIONS}/{{subscriptionid}}/{{version}}": {sc, cp},
        "POST /dss/v1/reports": {sc, cm, cp, cmsa, aa},
        f"GET {USS}/{{uss_id}}": {sc, cmsa, aa},
        f"PUT {USS}/{{uss_id}}": {aa},
    }
    found = {name(route): route.scopes for route in ROUTES if route.path.startswith("/dss/v1/")}
    assert {each: {scope.removeprefix("utm.") for scope in scopes or ()} for each, scopes in found.items()} == expected


def test_the_token_comes_first_then_its_scopes_then_the_request(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        for route in GUARDED:
            path = place(route)
            reply = await dss.ask(route.method, path, b"{not json", by=None)
            assert reply.refused(401, "authorization").headers["www-authenticate"] == "Bearer", name(route)
            (await dss.ask(route.method, path, b"{not json", scopes="utm.unheard_of")).refused(403, "authorization")
            (await dss.ask(route.method, path, b"{not json", scopes="")).refused(403, "authorization")
            if route.path.startswith("/dss/v1") and route.method in ("PUT", "POST"):
                (await dss.ask(route.method, path, b"{not json")).refused(400, "body")
        assert dss.node.state.utm.number == 0

    with_dss(tmp_path, work)


def test_each_operation_is_opened_by_each_of_its_scopes_and_by_no_other(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        for route in GUARDED:
            for scope in EVERY_SCOPE.split():
                reply = await dss.ask(route.method, place(route), b"{}", scopes=scope)
                assert (reply.status == 403) == (scope not in (route.scopes or ())), f"{name(route)} {scope}"

    with_dss(tmp_path, work)


def test_what_is_not_there_is_404_and_another_method_405(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        for path in (
            "/",
            "",
            "//",
            "/dss/v1",
            "/dss/v2/subscriptions/query",
            f"{INTENTS}/{ONE}/x/y",
            "/dss/v1/reports/",
        ):
            (await dss.ask("GET", path, by=None)).must(404)
        reply = (await dss.ask("PATCH", f"{INTENTS}/{ONE}", by=None)).must(405)
        assert reply.headers["allow"] == "GET, PUT"
        (await dss.ask("GET", f"{INTENTS}/query")).must(405)

    with_dss(tmp_path, work)


@pytest.mark.parametrize("kind", [INTENTS, CONSTRAINTS, SUBSCRIPTIONS])
def test_an_empty_ovn_or_version_is_400_never_5xx(tmp_path: Path, kind: str) -> None:
    field = "version" if kind == SUBSCRIPTIONS else "ovn"

    async def work(dss: Dss) -> None:
        body = {
            INTENTS: dss.intent(by="alfa"),
            CONSTRAINTS: dss.constraint(by="alfa"),
            SUBSCRIPTIONS: dss.subscription(),
        }[kind]
        (await dss.ask("PUT", f"{kind}/{ONE}", body))
        (await dss.ask("PUT", f"{kind}/{ONE}/", body)).refused(400, field)
        (await dss.ask("DELETE", f"{kind}/{ONE}/")).refused(400, field)
        for method in ("GET", "POST"):
            (await dss.ask(method, f"{kind}/{ONE}/")).must(405)
        (await dss.ask("DELETE", f"{kind}//x")).refused(400, "subscriptionid" if kind == SUBSCRIPTIONS else "entityid")

    with_dss(tmp_path, work)


def test_a_body_is_at_most_4_megabytes(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        path = f"{INTENTS}/{ONE}"
        said = {"content-length": str(MAX_BODY_BYTES + 1)}
        (await dss.ask("PUT", path, b"", headers=said)).must(413)
        (await dss.ask("PUT", path, b" " * (MAX_BODY_BYTES + 1))).must(413)
        (await dss.ask("PUT", path, b" " * MAX_BODY_BYTES)).refused(400, "body")
        (await dss.ask("PUT", path, b"", headers=said, by=None)).must(401)
        for odd in ("-1", "1e9", "x", "9" * 30):
            (await dss.ask("PUT", path, b"", headers={"content-length": odd})).must(413)

    with_dss(tmp_path, work)


def test_errors_are_said_in_the_callers_language_and_name_the_field(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        body = dss.intent(state="Flying")
        english = (await dss.ask("PUT", f"{INTENTS}/{ONE}", body)).refused(400, "state")
        arabic = (await dss.ask("PUT", f"{INTENTS}/{ONE}", body, headers={"Accept-Language": "ar"})).must(400)
        assert (arabic["field"], arabic["code"]) == (english["field"], english["code"])
        assert "state" in arabic["message"]
        assert catalogue("ar")["errors.malformed"] in arabic["message"]
        unknown = (await dss.ask("GET", f"{INTENTS}/{ONE}", headers={"Accept-Language": "ar"})).must(404)
        assert catalogue("ar")["errors.utm_not_found"] in unknown["message"]

    with_dss(tmp_path, work)


HOSTILE_PATHS = ("%ff", "%00", "..", "%2e%2e", "a%2fb", "%", "%zz", "\x7f", "ء", "x" * 5000, "{entityid}")


def test_nothing_in_a_path_is_a_5xx(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        for segment in HOSTILE_PATHS:
            await stands(dss, segment)

    async def stands(dss: Dss, segment: str) -> None:
        for kind in (INTENTS, CONSTRAINTS, SUBSCRIPTIONS):
            for path in (f"{kind}/{segment}", f"{kind}/{ONE}/{segment}", f"{kind}/{segment}/{segment}"):
                for method in ("GET", "PUT", "DELETE"):
                    reply = await dss.ask(method, path, dss.intent())
                    assert 400 <= reply.status < 500
        for method in ("GET", "PUT"):
            reply = await dss.ask(method, f"{USS}/{segment}", {"old_version": "", "availability": "Down"})
            assert reply.status in (200, 400, 409)

    with_dss(tmp_path, work)


def test_nothing_in_a_query_is_a_5xx(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        read = "dss.read.identification_service_areas"
        for query in ("owner=%ff", "owner=a&owner=b", "&" * 50 + "a=b", "=", "owner", "owner=%", "\xff"):
            reply = await dss.ask("GET", f"/aux/v1/validate_oauth?{query}", scopes=read)
            assert reply.status in (200, 400, 403)

    with_dss(tmp_path, work)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=10,
)


def spoiled(value: Any, path: list[Any], by: Any) -> Any:
    """A copy of a JSON value with what is at a path replaced."""
    if not path:
        return by
    copied = list(value) if isinstance(value, list) else dict(value)
    copied[path[0]] = spoiled(value[path[0]], path[1:], by)
    return copied


def paths(value: Any) -> list[list[Any]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [[], *([key, *rest] for key, each in inner for rest in paths(each))]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=25)
@given(data=st.data())
def test_no_body_is_a_5xx(tmp_path_factory: pytest.TempPathFactory, data: st.DataObject) -> None:
    """Right requests with one thing in them replaced by any JSON, at every operation that takes a body."""

    async def work(dss: Dss) -> None:
        bodies = [
            ("PUT", f"{INTENTS}/{ONE}", dss.intent()),
            ("PUT", f"{CONSTRAINTS}/{ONE}", dss.constraint()),
            ("PUT", f"{SUBSCRIPTIONS}/{ONE}", dss.subscription()),
            ("PUT", f"{USS}/alfa", {"old_version": "", "availability": "Normal"}),
            ("POST", f"{INTENTS}/query", {"area_of_interest": dss.volume()}),
            ("POST", "/dss/v1/reports", report()),
        ]
        for _ in range(8):
            method, path, body = data.draw(st.sampled_from(bodies))
            wrong = spoiled(body, data.draw(st.sampled_from(paths(body))), data.draw(JSON))
            reply = await dss.ask(method, path, json.dumps(wrong).encode("utf-8", "surrogatepass"))
            assert 200 <= reply.status < 500
            if reply.status >= 400:
                assert reply["message"]

    with_dss(tmp_path_factory.mktemp("dss"), work)


def report() -> dict[str, Any]:
    return {
        "exchange": {
            "url": "https://bravo.example/uss/v1/operational_intents",
            "method": "POST",
            "recorder_role": "Client",
            "request_time": {"value": "2026-01-01T00:00:00Z", "format": "RFC3339"},
            "response_code": 500,
        }
    }

"""The page that describes the listener: valid, whole, and true of what is answered."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator

from keepclear.server.f3548 import listener, planning, rid_display, rid_flights, uss
from keepclear.server.f3548.contract import ABOUT
from keepclear.server.f3548.issuer import PATH as TOKEN
from keepclear.server.f3548.openapi import PATH, describe, with_page
from keepclear.server.f3548.routes import Route
from tests.server.f3548.surface import (
    CONSTRAINTS,
    INTENTS,
    ONE,
    SUB,
    SUBSCRIPTIONS,
    TWO,
    USS,
    Dss,
    Reply,
    uuid,
    with_dss,
)

ROUTES = with_page((*listener.ROUTES, *uss.ROUTES, *planning.ROUTES, *rid_flights.ROUTES, *rid_display.ROUTES))
PAGE: dict[str, Any] = json.loads(json.dumps(describe(ROUTES)))
OPERATIONS = {
    operation["operationId"]: (path, method, operation)
    for path, methods in PAGE["paths"].items()
    for method, operation in methods.items()
}

F3548 = """
    queryOperationalIntentReferences getOperationalIntentReference createOperationalIntentReference
    updateOperationalIntentReference deleteOperationalIntentReference queryConstraintReferences
    getConstraintReference createConstraintReference updateConstraintReference deleteConstraintReference
    querySubscriptions getSubscription createSubscription updateSubscription deleteSubscription makeDssReport
    setUssAvailability getUssAvailability getOperationalIntentDetails getOperationalIntentTelemetry
    notifyOperationalIntentDetailsChanged getConstraintDetails notifyConstraintDetailsChanged makeUssReport
    getLogSet
"""
"""The 25 operations of Annex A4."""
F3411 = """
    searchIdentificationServiceAreas getIdentificationServiceArea createIdentificationServiceArea
    updateIdentificationServiceArea deleteIdentificationServiceArea searchSubscriptions getSubscription
    createSubscription updateSubscription deleteSubscription
"""
"""Those of a DSS in either edition."""


def conforms(reply: Reply, name: str) -> Reply:
    """The answer is one that the page says the operation may give."""
    answers = OPERATIONS[name][2]["responses"]
    assert str(reply.status) in answers, (name, reply.status)
    content: Mapping[str, Any] = answers[str(reply.status)].get("content", {})
    if not content:
        assert not reply.body
        return reply
    (media,) = content
    assert reply.headers["content-type"].partition(";")[0] == media
    schema = {**content[media]["schema"], "components": PAGE["components"]}
    Draft202012Validator(schema).validate(reply.json)
    return reply


def test_the_page_is_valid() -> None:
    OpenAPIV31SpecValidator(PAGE).validate()


def test_every_operation_of_the_standards_is_on_it_under_its_name() -> None:
    assert len(F3548.split()) == 25
    assert set(F3548.split()) <= OPERATIONS.keys()
    assert {f"rid_{edition}_{name}" for edition in ("v1", "v2") for name in F3411.split()} <= OPERATIONS.keys()


def test_every_route_is_on_it_with_its_scopes_and_nothing_else_is() -> None:
    def key(route: Route) -> tuple[str, str]:
        return route.path, route.method.lower()

    found = {(path, method): operation for path, method, operation in OPERATIONS.values()}
    assert found.keys() == {key(route) for route in ROUTES}
    for route in ROUTES:
        scopes = [scope for each in found[key(route)]["security"] for scope in each["authority"]]
        assert tuple(scopes) == (route.scopes or ())
        assert ("401" in found[key(route)]["responses"]) == (route.scopes is not None)
    assert ABOUT.keys() - {f"{route.method} {route.path}" for route in ROUTES} == {f"GET {TOKEN}"}


def test_what_is_in_the_path_is_described(tmp_path: Path) -> None:
    for path, _, operation in OPERATIONS.values():
        named = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
        assert named == {part[1:-1] for part in path.split("/") if part.startswith("{")}


def test_it_is_served_to_whoever_asks(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        reply = (await dss.ask("GET", PATH, by=None)).must(200)
        assert reply.headers["content-type"] == "application/json"
        assert reply["paths"].keys() >= {f"{INTENTS}/{{entityid}}", "/healthy", PATH}

    with_dss(tmp_path, work)


def test_the_answers_of_a_worked_example_are_as_it_says(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        async def ask(name: str, path: str, body: object = None, by: str = "alfa", **more: Any) -> Reply:
            return conforms(await dss.ask(OPERATIONS[name][1].upper(), path, body, by=by, **more), name)

        area = {"area_of_interest": dss.volume()}
        wants = dss.subscription(notify_for_constraints=True)
        listens = (await ask("createSubscription", f"{SUBSCRIPTIONS}/{SUB}", wants)).must(200)["subscription"]
        closed = await ask("createConstraintReference", f"{CONSTRAINTS}/{TWO}", dss.constraint(), by="civil")
        barred = closed.must(201)["constraint_reference"]["ovn"]
        made = await ask("createOperationalIntentReference", f"{INTENTS}/{ONE}", dss.intent())
        ovn = made.must(201)["operational_intent_reference"]["ovn"]
        lacks = dss.intent(by="bravo", new_subscription={"uss_base_url": "https://bravo.example"})
        refused = await ask("createOperationalIntentReference", f"{INTENTS}/{uuid(3)}", lacks, by="bravo")
        assert refused.must(409)["missing_operational_intents"]
        (await ask("createOperationalIntentReference", f"{INTENTS}/{ONE}", dss.intent(state="Activated"))).must(400)
        (await ask("getOperationalIntentReference", f"{INTENTS}/{ONE}", by="bravo")).must(200)
        (await ask("getOperationalIntentReference", f"{INTENTS}/{uuid(9)}")).must(404)
        (await ask("getOperationalIntentReference", f"{INTENTS}/{ONE}", by=None)).must(401)  # type: ignore[arg-type]
        (await ask("getOperationalIntentReference", f"{INTENTS}/{ONE}", scopes="utm.other")).must(403)
        for name, place in (
            ("queryOperationalIntentReferences", INTENTS),
            ("queryConstraintReferences", CONSTRAINTS),
            ("querySubscriptions", SUBSCRIPTIONS),
        ):
            found = (await ask(name, f"{place}/query", area)).must(200)
            assert any(found.json.values()), name
        changed = dss.intent(state="Activated", subscription_id=listens["id"], key=[ovn, barred])
        moved = await ask("updateOperationalIntentReference", f"{INTENTS}/{ONE}/{ovn}", changed)
        ovn = moved.must(200)["operational_intent_reference"]["ovn"]
        (await ask("deleteOperationalIntentReference", f"{INTENTS}/{ONE}/old")).must(409)
        (await ask("deleteOperationalIntentReference", f"{INTENTS}/{ONE}/{ovn}")).must(200)
        (await ask("getSubscription", f"{SUBSCRIPTIONS}/{SUB}")).must(200)
        (await ask("deleteSubscription", f"{SUBSCRIPTIONS}/{SUB}/{listens['version']}")).must(200)
        (await ask("getUssAvailability", f"{USS}/alfa")).must(200)
        said = {"availability": "Normal", "old_version": ""}
        (await ask("setUssAvailability", f"{USS}/alfa", said)).must(200)
        (await ask("setUssAvailability", f"{USS}/alfa", said, by="bravo")).must(409)
        when = dss.times()["time_start"]
        exchange = {"url": "https://a", "method": "GET", "recorder_role": "Client", "request_time": when}
        (await ask("makeDssReport", "/dss/v1/reports", {"exchange": exchange})).must(201)

    with_dss(tmp_path, work)


@pytest.mark.parametrize("name", ["getVersion", "healthy", "getAcceptedCAs"])
def test_so_are_those_that_ask_for_no_token(tmp_path: Path, name: str) -> None:
    async def work(dss: Dss) -> None:
        path, method, _ = OPERATIONS[name]
        reply = await dss.ask(method.upper(), path, by=None)
        if name == "healthy":
            assert (reply.status, reply.body) == (200, b"ok")
        else:
            conforms(reply, name)

    with_dss(tmp_path, work)

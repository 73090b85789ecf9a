"""Whatever a caller with a good token sends, by the page or against it, is answered as the page says and never by 5xx.

Schemathesis makes the requests from the page; ids and versions are often ones that are there, and bodies often good
ones with one part changed, so that many come through and meet what others left. `make fuzz` sends many more.
"""

from __future__ import annotations

import asyncio
import json
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from schemathesis import Case, GenerationMode
from schemathesis.core import NotSet
from schemathesis.openapi import from_dict

from keepclear.server.f3548.openapi import PATH
from tests.node.skies import Service
from tests.server.f3548.surface import ONE, SUB, THREE, TWO, Dss, Reply
from tests.server.f3548.test_openapi import OPERATIONS, PAGE, conforms
from tests.server.f3548.uss_side import UssSide, plan, uss_side, wire

SCOPES = " ".join(
    sorted({scope for _, _, each in OPERATIONS.values() for one in each["security"] for scope in one["authority"]})
)
IDS = (ONE, TWO, THREE, SUB)
SCHEMA = from_dict(PAGE)
TESTED = sorted(name for name, (path, _, _) in OPERATIONS.items() if path != PATH)

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(["", "\x00", "\u202e", "1969-12-31T23:59:60Z", 1e999, -0.0, 90, 180, -180, 2**63, 10**400]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=4,
)


def good(dss: Dss, name: str) -> Any:
    """A body that the operation takes; empty if none is known."""
    schema = OPERATIONS[name][2]["requestBody"]["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]
    makes: dict[str, Callable[[], Any]] = {
        "PutIntent": dss.intent,
        "PutConstraint": dss.constraint,
        "PutSubscription": dss.subscription,
        "Query": lambda: {"area_of_interest": dss.volume()},
        "PutAvailability": lambda: {"availability": "Normal", "old_version": ""},
        "Upsert": plan,
        "Clear": lambda: {"request_id": "1", "extent": wire()},
        "Put22a": lambda: {"extents": dss.volume(), "uss_base_url": "https://alfa.example"},
    }
    return makes.get(schema, dict)()


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """Where something could be changed in a JSON value."""
    found = [at]
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        found += places(inner, (*at, key))
    return found


@st.composite
def nudged(draw: st.DrawFn, value: Any) -> Any:
    """The value with one part replaced by anything, or taken away, or as it is."""
    value = json.loads(json.dumps(value))
    at = draw(st.sampled_from(places(value)))
    if not at:
        return value
    holder = value
    for key in at[:-1]:
        holder = holder[key]
    if draw(st.booleans()):
        del holder[at[-1]]
    else:
        holder[at[-1]] = draw(JSON)
    return value


def current(dss: Dss, id: str) -> str:
    """The version to name for what is under an id; any if nothing is."""
    utm = dss.node.state.utm
    for register in (utm.intents, utm.constraints):
        if id in register:
            return register[id].ovn
    for listed in (utm.subscriptions, utm.areas, utm.rid_subscriptions):
        if id in listed:
            return listed[id].version
    return "x"


def request(
    dss: Dss, name: str, case: Case[Any], known: bool, data: st.DataObject
) -> tuple[str, bytes, dict[str, str]]:
    """The target, the body and the headers of a case; `known`: joined to what is there, with a good body or nearly."""
    params = {key: str(value) for key, value in (case.path_parameters or {}).items()}
    for key in params:
        if known and key.endswith("id"):
            params[key] = data.draw(st.sampled_from(IDS), key)
    for key in ("ovn", "version"):
        if known and key in params:
            params[key] = current(dss, next(value for name, value in params.items() if name.endswith("id")))
    path = OPERATIONS[name][0]
    for key, text in params.items():
        path = path.replace("{" + key + "}", quote(text, safe="", errors="replace"))
    query = urlencode(dict(case.query or {}), errors="replace")
    headers = {
        key: str(value)
        for key, value in (case.headers or {}).items()
        if str(value).isascii() and str(value).isprintable() and key.lower() not in ("authorization", "content-length")
    }
    body = case.body
    if known and "requestBody" in OPERATIONS[name][2]:
        body = good(dss, name)
        if data.draw(st.booleans(), "nudged"):
            body = data.draw(nudged(body), "body")
    if isinstance(body, NotSet):
        raw = b""
    else:
        raw = body if isinstance(body, bytes) else json.dumps(body).encode("utf-8", "surrogatepass")
    return f"{path}?{query}" if query else path, raw, headers


def test_nothing_sent_is_answered_but_as_the_page_says() -> None:
    """All operations, one after the other and round again, at one node."""
    answered: Counter[tuple[str, bool]] = Counter()
    most = settings().max_examples

    def beat(dss: Dss, name: str, loop: asyncio.AbstractEventLoop) -> None:
        operation = SCHEMA[OPERATIONS[name][0]][OPERATIONS[name][1].upper()]
        anything = [st.tuples(operation.as_strategy(generation_mode=mode), st.just(False)) for mode in GenerationMode]
        takes: dict[str, Any] = (
            {"body": {}} if "requestBody" in OPERATIONS[name][2] else {}
        )  # to make one up is what takes long
        known = st.tuples(operation.as_strategy(**takes), st.just(True))
        cases = st.one_of(*anything, *(known for _ in range(4)))

        @settings(max_examples=max(8, most // 16), suppress_health_check=list(HealthCheck), database=None)
        @given(cases, st.data())
        def once(case: tuple[Case[Any], bool], data: st.DataObject) -> None:
            path, raw, headers = request(dss, name, *case, data)
            asking = dss.ask(OPERATIONS[name][1].upper(), path, raw, scopes=SCOPES, headers=headers)
            reply: Reply = asyncio.run_coroutine_threadsafe(asking, loop).result(60)
            if reply.status == 404 and reply["code"] == "no_such":
                return  # there is no such path if a part of it is left out
            answered[name, reply.status < 300] += 1
            if name != "healthy":
                conforms(reply, name)

        once()

    async def work(dss: UssSide, service: Service) -> None:
        for name in TESTED:
            await asyncio.to_thread(beat, dss, name, asyncio.get_running_loop())

    uss_side(work)
    assert {name for name, _ in answered} == set(TESTED)
    assert sum(count for (_, well), count in answered.items() if well) * 20 > answered.total()

"""Tokens narrowed to a party: a desk that hosts two shows each its own share, and lets each speak for itself."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from keepclear.errors import Malformed, NotNow
from keepclear.model.base import Name
from keepclear.model.parties import LineCard
from keepclear.node.home import HostedParty, create
from keepclear.server.run import Service
from keepclear.server.tokens import WHOLE, Grant, Tokens, add_token, read_tokens, take_out_token
from tests.server.desks import free_port

NAME = Name(en="Name", ar="اسم")


def test_a_token_opens_what_it_was_made_for_and_no_more(tmp_path: Path) -> None:
    tokens = Tokens("the-nodes-own-token", tmp_path)
    made, entry = add_token(tmp_path, "convoy", ("driver",))
    assert tokens.grant(b"the-nodes-own-token") == WHOLE
    assert tokens.grant(made.encode()) == Grant("convoy", ("driver",))
    for wrong in (b"", b"the-nodes-own-toke", made.encode()[:-1], entry.sha256.encode(), entry.id.encode()):
        assert tokens.grant(wrong) is None
    assert made not in (tmp_path / "tokens.json").read_text()
    assert (tmp_path / "tokens.json").stat().st_mode & 0o077 == 0
    take_out_token(tmp_path, entry.id)
    assert tokens.grant(made.encode()) is None
    with pytest.raises(NotNow):
        take_out_token(tmp_path, entry.id)


def test_a_grant_is_for_one_party_in_its_roles() -> None:
    assert WHOLE.may_speak_as("anybody", "any role")
    assert Grant("convoy").may_speak_as("convoy", "any role")
    assert Grant("convoy", ("driver",)).may_speak_as("convoy", "driver")
    assert not Grant("convoy", ("driver",)).may_speak_as("convoy", "leader")
    assert not Grant("convoy", ("driver",)).may_speak_as("ground", "driver")


def test_a_damaged_list_of_tokens_opens_nothing(tmp_path: Path) -> None:
    made, _ = add_token(tmp_path, "convoy", ())
    tokens = Tokens("own", tmp_path)
    (tmp_path / "tokens.json").write_text("[{}]")
    assert tokens.grant(made.encode()) is None
    assert tokens.grant(b"own") == WHOLE
    with pytest.raises(Malformed):
        read_tokens(tmp_path)


def test_a_desk_that_hosts_two_parties_keeps_them_apart(tmp_path: Path) -> None:
    async def story() -> None:
        parties = [HostedParty(id=each, name=NAME) for each in ("convoy", "ground")]
        address = f"https://127.0.0.1:{free_port()}"
        home = create(tmp_path / "desk", "desk.node", parties, address, datetime.now(UTC))
        token, _ = add_token(home.directory, "convoy", ("driver",))
        service = Service(home)
        await service.start()
        try:
            await service.node.open_line(LineCard(id="both", name=NAME, members=("convoy", "ground")))
            await service.node.open_line(LineCard(id="ground-only", name=NAME, members=("ground",)))
            async with (
                httpx.AsyncClient(base_url=service.local_url, trust_env=False) as whole,
                httpx.AsyncClient(base_url=service.local_url, trust_env=False) as convoy,
            ):
                whole.headers["authorization"] = f"Bearer {home.token}"
                convoy.headers["authorization"] = f"Bearer {token}"
                await scene(whole, convoy)
        finally:
            await service.stop()

    async def scene(whole: httpx.AsyncClient, convoy: httpx.AsyncClient) -> None:
        async def say(http: httpx.AsyncClient, party: str, line: str, role: str) -> httpx.Response:
            act = {"act": "suspend", "reason": {"text": "Why", "lang": "en"}}
            return await http.post("/api/acts", json={"party": party, "line": line, "said": {"role": role, "act": act}})

        secret = (await say(whole, "ground", "ground-only", "leader")).json()
        shared = (await say(whole, "ground", "both", "leader")).json()
        assert (await say(convoy, "convoy", "both", "driver")).status_code == 201
        for party, role in (("convoy", "leader"), ("ground", "driver"), ("desk.node", "driver")):
            answer = await say(convoy, party, "both", role)
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "not_granted")

        def ids(answer: httpx.Response) -> set[str]:
            return {each["id"] for each in answer.json()}

        for path in ("/api/timeline", "/api/threads"):
            assert secret["act_id"] in ids(await whole.get(path))
            assert secret["act_id"] not in ids(await convoy.get(path))
            assert shared["act_id"] in ids(await convoy.get(path))
            assert (await convoy.get(path, params={"party": "ground"})).status_code == 403
        assert ids(await convoy.get("/api/lines")) == {"own.desk.node", "both"}
        status = (await convoy.get("/api/status")).json()
        assert {each["id"] for each in status["lines"]} == {"own.desk.node", "both"}
        assert [each["id"] for each in status["parties"] if each["hosted"]] == ["convoy"]
        assert (await convoy.get(f"/api/threads/{secret['act_id']}")).status_code == 404
        assert (await convoy.get(f"/api/entries/{secret['index']}")).status_code == 403
        assert (await convoy.get(f"/api/entries/{shared['index']}")).status_code == 200
        for path in ("/api/leaves?start=0", "/metrics"):
            assert (await whole.get(path)).status_code == 200
            assert (await convoy.get(path)).status_code == 403
        assert (await convoy.get("/api/events", params={"party": "ground"})).status_code == 403
        assert secret["index"] not in await stream(convoy, shared["index"])
        assert secret["index"] in await stream(whole, shared["index"])

    async def stream(http: httpx.AsyncClient, until: int) -> list[int]:
        seen: list[int] = []
        async with asyncio.timeout(10), http.stream("GET", "/api/events", params={"after": -1}) as answer:
            async for line in answer.aiter_lines():
                if line.startswith("data: "):
                    view: dict[str, Any] = json.loads(line[6:])
                    seen.append(view["index"])
                    if view["index"] >= until:
                        break
        return seen

    asyncio.run(story())

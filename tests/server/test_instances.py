"""One node served twice: two copies of its folder, one record in a database, two sets of listeners."""

from __future__ import annotations

import asyncio
import shutil
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import cast

import httpx
import msgspec
import pytest

from keepclear.cli import main
from keepclear.errors import Malformed, Refused, StoreUnusable
from keepclear.model.base import Name
from keepclear.model.parties import LineCard
from keepclear.model.utm import Way
from keepclear.node.calling import exchange
from keepclear.node.home import Home, HostedParty, create, open_home
from keepclear.node.utm_desk import UtmDesk
from keepclear.server.f3548.app import Services
from keepclear.server.f3548.auth import Verifier
from keepclear.server.f3548.own_uss import OwnUss
from keepclear.server.f3548.routes import Call
from keepclear.server.f3548.settings import Settings
from keepclear.server.f3548.uss import get_log_set
from keepclear.server.run import Service
from keepclear.store import SqliteStore
from tests.node import saying
from tests.node.pool import pool
from tests.postgres import Server
from tests.utm.cast import ALFA, ONE

NOW = datetime(2017, 9, 8, 5, 0, tzinfo=UTC)
NODE = "served.node"
LINE = LineCard(id="desk", name=Name(en="Desk", ar="المكتب"), members=("north", "south"))


def copies(folder: Path, store: str | None, count: int = 2) -> list[Home]:
    """Copies of one node's folder; the store is in its settings."""
    parties = [HostedParty(id=each, name=Name(en=each, ar="طرف")) for each in LINE.members]
    home = create(folder / "0", NODE, parties, "http://127.0.0.1:1", NOW)
    if store is not None:
        settings = msgspec.structs.replace(home.settings, store=store)
        (folder / "0" / "node.json").write_bytes(msgspec.json.encode(settings))
    for number in range(1, count):
        shutil.copytree(folder / "0", folder / f"{number}")
    return [open_home(folder / f"{number}") for number in range(count)]


def test_what_one_instance_was_told_the_other_shows(database: Server, tmp_path: Path) -> None:
    async def story() -> None:
        homes = copies(tmp_path, database.without(NODE))
        one, other = (Service(home, peers="127.0.0.1:0") for home in homes)
        await one.start()
        await other.start()
        try:
            assert one.node.card == other.node.card
            heard = other.node.subscribe()
            await one.node.open_line(LINE)
            receipt = await one.node.submit("north", "desk", saying.notice(datetime.now(UTC), "south"))
            async with asyncio.timeout(30):
                async for message in heard:
                    if message.id == receipt.act_id:
                        break
            heard.close()
            async with httpx.AsyncClient(headers={"authorization": f"Bearer {homes[1].token}"}) as client:
                shown = await client.get(f"{other.local_url}/api/threads/{receipt.act_id}")
            assert shown.status_code == 200
            assert receipt.act_id in shown.text
        finally:
            await one.stop()
            await other.stop()

    asyncio.run(story())
    assert not list(tmp_path.glob("*/record.sqlite"))


def test_a_service_finds_at_one_instance_what_it_told_another(database: Server) -> None:
    async def story() -> None:
        async with pool(database.url) as (one, other):
            told = exchange(Way.RECEIVED, ALFA.sub, "notifyOperationalIntentDetailsChanged", NOW, "204", entity=ONE)
            await UtmDesk(one).file(told)
            assert told not in [message.act for message in other.state.log]
            services = Services(
                desk=UtmDesk(other),
                settings=Settings(),
                node=other,
                verifier=cast(Verifier, None),
                uss=cast(OwnUss, SimpleNamespace(uss=SimpleNamespace(base_url="https://desk.example"))),
            )
            answer = await get_log_set(services, Call(ALFA, {"log_set_id": ONE}, {}, b"", "", {}))
            (message,) = msgspec.json.decode(answer.body)["messages"]
            assert (message["method"], message["response_code"]) == ("POST", 204)

    asyncio.run(story())


def test_export_reads_the_database_when_no_instance_runs(
    database: Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def story() -> int:
        service = Service(copies(tmp_path, None, 1)[0], peers="127.0.0.1:0", store=database.without(NODE))
        await service.start()
        size = service.node.size
        await service.stop()
        return size

    size = asyncio.run(story())
    with pytest.raises(SystemExit) as ended:
        main(["export", str(tmp_path / "0"), str(tmp_path / "out"), "--store", database.url])
    assert not ended.value.code
    with pytest.raises(SystemExit) as ended:
        main(["verify", str(tmp_path / "out"), "--json"])
    assert not ended.value.code
    assert f'"size":{size}' in capsys.readouterr().out.replace(" ", "")


def test_a_folder_with_a_record_is_not_started_on_a_database(database: Server, tmp_path: Path) -> None:
    (home,) = copies(tmp_path, None, 1)
    SqliteStore(home.record).close()
    with pytest.raises(Refused) as refused:
        asyncio.run(Service(home, peers="127.0.0.1:0", store=database.url).start())
    assert refused.value.code == "record_here"


@pytest.mark.parametrize(
    "store", ["postgresql://user:secret@host/record", "postgresql://user@host/record?password=secret"]
)
def test_a_password_in_the_settings_is_refused_and_not_repeated(tmp_path: Path, store: str) -> None:
    with pytest.raises(Malformed) as refused:
        copies(tmp_path, store)
    assert (refused.value.field, refused.value.code) == ("store", "store_password")
    assert "secret" not in str(refused.value)


@pytest.mark.parametrize("lang", ["en", "ar"])
def test_why_a_database_cannot_be_used_is_said(
    tmp_path: Path, lang: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    copies(tmp_path, None, 1)
    monkeypatch.setenv("KEEPCLEAR_STORE", f"postgresql://user:hunter2@/record?host={tmp_path}/nowhere")
    with pytest.raises(SystemExit) as ended:
        main(["serve", str(tmp_path / "0"), "--local", "127.0.0.1:0", "--peers", "127.0.0.1:0", "--lang", lang])
    assert ended.value.code == 3
    said = capsys.readouterr()
    assert "nowhere" in said.err
    assert "hunter2" not in said.err + said.out


def test_the_driver_is_asked_for_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (home,) = copies(tmp_path, "postgresql://host/record", 1)
    monkeypatch.setitem(__import__("sys").modules, "keepclear.store.postgres", None)
    with pytest.raises(StoreUnusable, match=r"keepclear\[postgres\]"):
        asyncio.run(Service(home, peers="127.0.0.1:0").start())

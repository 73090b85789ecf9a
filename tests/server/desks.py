"""Two real nodes on loopback for tests: each with its folder, its listeners and a desk that talks to its local API."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx

from keepclear.model.base import Name
from keepclear.model.parties import LineCard
from keepclear.node.card import card_text, read_card
from keepclear.node.home import Home, HostedParty, create
from keepclear.server.run import Service

LINE = "avoidance"
NORTH = "37SEU045674"
"""The grid where the plan of `notice` begins."""


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        port: int = listening.getsockname()[1]
        return port


def make_home(folder: Path, party: str) -> Home:
    name = Name(en=party.title(), ar="طرف")
    address = f"https://127.0.0.1:{free_port()}"
    return create(folder / party, f"{party}.node", [HostedParty(id=party, name=name)], address, datetime.now(UTC))


@dataclass
class Desk:
    """One party at its node's local API."""

    party: str
    service: Service
    http: httpx.AsyncClient

    async def get(self, path: str, **parameters: object) -> Any:
        answer = await self.http.get(path, params={name: str(each) for name, each in parameters.items()})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def post(self, act: dict[str, Any], line: str = LINE, **more: Any) -> httpx.Response:
        said = {"role": "watch officer", "act": act, **more}
        return await self.http.post("/api/acts", json={"party": self.party, "line": line, "said": said})

    async def say(self, kind: str, **fields: Any) -> str:
        """Say an act; the id of it."""
        answer = await self.post({"act": kind, **fields})
        assert answer.status_code == 201, answer.text
        act_id: str = answer.json()["act_id"]
        return act_id

    async def refused(self, kind: str, **fields: Any) -> dict[str, Any]:
        """Say an act that must be refused; the error."""
        answer = await self.post({"act": kind, **fields})
        assert 400 <= answer.status_code < 500, answer.text
        error: dict[str, Any] = answer.json()["error"]
        return error

    async def thread(self, act_id: str, **parameters: object) -> dict[str, Any]:
        found: dict[str, Any] = await self.get(f"/api/threads/{act_id}", **parameters)
        return found

    async def until(self, act_id: str, holds: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait until a thread is known here and something holds of it."""
        async with asyncio.timeout(60):
            while True:
                answer = await self.http.get(f"/api/threads/{act_id}")
                if answer.status_code == 200 and holds(answer.json()):
                    found: dict[str, Any] = answer.json()
                    return found
                await asyncio.sleep(0.05)


@asynccontextmanager
async def desk(home: Home) -> AsyncIterator[Desk]:
    """A running node and a desk at it."""
    service = Service(home)
    await service.start()
    headers = {"authorization": f"Bearer {home.token}"}
    try:
        async with httpx.AsyncClient(base_url=service.local_url, headers=headers, trust_env=False, timeout=60) as http:
            yield Desk(home.settings.parties[0].id, service, http)
    finally:
        await service.stop()


@asynccontextmanager
async def two_desks(folder: Path) -> AsyncIterator[tuple[Desk, Desk]]:
    """North and south, paired by their cards, with one line open between them."""
    line = LineCard(id=LINE, name=Name(en="Avoidance line", ar="خط تجنّب الاصطدام"), members=("north", "south"))
    async with AsyncExitStack() as stack:
        desks = [await stack.enter_async_context(desk(make_home(folder, party))) for party in ("north", "south")]
        cards = [
            read_card(card_text(each.service.node.card, (line,), each.service.node.keys[each.service.node.id]))
            for each in desks
        ]
        for each, card in zip(desks, reversed(cards), strict=True):
            await each.service.node.enrol(card.node)
            await each.service.node.open_line(card.lines[0])
        yield desks[0], desks[1]


def at(moment: datetime) -> str:
    return moment.astimezone(UTC).replace(microsecond=0).isoformat().replace("+00:00", "Z")


def soon(**delta: float) -> str:
    """A moment from now, to the second."""
    return at(datetime.now(UTC) + timedelta(**delta))


EXAMPLES = Path(__file__).parents[2] / "src" / "keepclear" / "cli" / "examples"


def notice() -> dict[str, Any]:
    """The example notice, addressed to south and taking place from now on."""
    act: dict[str, Any] = json.loads((EXAMPLES / "notice.json").read_text(encoding="utf-8"))
    act["to"] = ["south"]
    act["plan"]["window"] = {"starts_at": soon(hours=1), "ends_at": soon(hours=7)}
    first, last = act["plan"]["trajectory"]["waypoints"]
    first["at"], last["at"] = soon(hours=1), soon(hours=7)
    return act


def read_back_of(plan: dict[str, Any], grid: str = NORTH) -> dict[str, Any]:
    """What a right read-back of a plan repeats."""
    return {"grid": grid, "window": plan["window"], "band": plan["band"]}


def clear_request(t0: datetime) -> dict[str, Any]:
    """The example request, addressed to south, with T0 at `t0`."""
    act: dict[str, Any] = json.loads((EXAMPLES / "clear.json").read_text(encoding="utf-8"))
    act["to"] = ["south"]
    act["volume"]["window"] = {"starts_at": at(t0), "ends_at": at(t0 + timedelta(hours=4))}
    act["answer_by"] = soon(minutes=30)
    return act

"""A node with its UTM listener for tests: on SQLite, with a hand-set clock, asked through ASGI without a socket.

Whoever asks shows `Bearer <sub> <scopes>`; that tokens are verified is tested elsewhere (`test_auth`, `test_listener`).
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, MutableMapping
from contextlib import closing
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar, cast

from keepclear.node.clock import HandClock
from keepclear.node.node import Node
from keepclear.node.utm_desk import UtmDesk
from keepclear.server.f3548.app import Services, UtmApp
from keepclear.server.f3548.auth import Unauthenticated, Verifier
from keepclear.server.f3548.listener import ROUTES
from keepclear.server.f3548.openapi import with_page
from keepclear.server.f3548.settings import Settings
from keepclear.store import SqliteStore
from keepclear.utm.ruling import Asker
from tests.node.test_writer import desk
from tests.world import START

SC, CM, CP = "utm.strategic_coordination", "utm.constraint_management", "utm.constraint_processing"
CMSA, AA = "utm.conformance_monitoring_sa", "utm.availability_arbitration"
EVERY_SCOPE = " ".join((SC, CM, CP, CMSA, AA))
INTENTS, CONSTRAINTS = "/dss/v1/operational_intent_references", "/dss/v1/constraint_references"
SUBSCRIPTIONS, USS = "/dss/v1/subscriptions", "/dss/v1/uss_availability"
HOME = (34.55, 69.2)
FAR = (34.95, 69.2)

T = TypeVar("T")


class ByName:
    """Believes what is shown."""

    def asker(self, authorization: str | None, now: datetime) -> Asker:
        if not authorization or not authorization.startswith("Bearer "):
            raise Unauthenticated("an access token must be shown", code="utm_no_token")
        _, sub, *scopes = authorization.split(" ")
        return Asker(sub, frozenset(scopes))


@dataclass
class Reply:
    """What came back. `status` is 0 if nothing did."""

    status: int = 0
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    def __getitem__(self, name: str) -> Any:
        return self.json[name]

    def must(self, status: int) -> Reply:
        assert self.status == status, self.body.decode()
        return self

    def refused(self, status: int, field: str) -> Reply:
        """It is an error that names the field, also in its sentence."""
        self.must(status)
        assert self["field"] == field
        assert not field or self["message"].startswith(f"{field}: ")
        return self


class Dss:
    """The listener, and the ways to ask it."""

    def __init__(self, node: Node, clock: HandClock, settings: Settings) -> None:
        self.node = node
        self.clock = clock
        services = Services(desk=UtmDesk(node), settings=settings, node=node, verifier=cast(Verifier, ByName()))
        self.services = services
        self.app = UtmApp(services, with_page(ROUTES))

    async def ask(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        by: str | None = "alfa",
        scopes: str = EVERY_SCOPE,
        headers: Mapping[str, str] | None = None,
        gone: bool = False,
        client: str = "127.0.0.1",
        disk_fails: bool = False,
    ) -> Reply:
        """Ask; `gone`: the client goes away once the request is sent. Nothing but a disk that fails leads to a 5xx."""
        shown = {"authorization": f"Bearer {by} {scopes}".rstrip()} if by is not None else {}
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        target, _, query = path.partition("?")
        scope = {
            "type": "http",
            "method": method,
            "path": target,
            "raw_path": target.encode(),
            "query_string": query.encode(),
            "client": (client, 50_000),
            "headers": [
                (name.lower().encode(), value.encode()) for name, value in {**shown, **(headers or {})}.items()
            ],
        }
        reply = Reply()
        left = [{"type": "http.request", "body": raw, "more_body": False}]
        never = asyncio.Event()

        async def receive() -> MutableMapping[str, Any]:
            if left:
                return cast(MutableMapping[str, Any], left.pop())
            if not gone:
                await never.wait()
            return {"type": "http.disconnect"}

        async def send(message: MutableMapping[str, Any]) -> None:
            if gone:
                return
            if message["type"] == "http.response.start":
                reply.status = message["status"]
                reply.headers = {name.decode(): value.decode() for name, value in message["headers"]}
            else:
                reply.body += message["body"]

        await self.app(scope, receive, send)
        assert reply.status < 500 or (disk_fails and reply.status == 503), reply.body
        return reply

    def times(self, starts_min: float = 0, ends_min: float = 60) -> dict[str, Any]:
        now = self.clock.now()
        return {
            "time_start": time(now + timedelta(minutes=starts_min)),
            "time_end": time(now + timedelta(minutes=ends_min)),
        }

    def volume(
        self,
        at: tuple[float, float] = HOME,
        radius_m: float = 300.0,
        heights: tuple[float, float] = (0.0, 120.0),
        times_min: tuple[float, float] = (0.0, 60.0),
    ) -> dict[str, Any]:
        """A circle from now on for an hour, unless told otherwise."""
        return {
            "volume": {
                "outline_circle": {
                    "center": {"lat": at[0], "lng": at[1]},
                    "radius": {"value": radius_m, "units": "M"},
                },
                "altitude_lower": {"value": heights[0], "reference": "W84", "units": "M"},
                "altitude_upper": {"value": heights[1], "reference": "W84", "units": "M"},
            },
            **self.times(*times_min),
        }

    def intent(self, *extents: dict[str, Any], by: str = "alfa", **more: Any) -> dict[str, Any]:
        """What a service asks for an intent, with a subscription of its own unless `subscription_id` is given."""
        asked: dict[str, Any] = {
            "extents": list(extents) or [self.volume()],
            "state": "Accepted",
            "uss_base_url": f"https://{by}.example/utm",
            "key": [],
        }
        if "subscription_id" not in more:
            asked["new_subscription"] = {"uss_base_url": f"https://{by}.example/utm"}
        return {**asked, **more}

    def constraint(self, *extents: dict[str, Any], by: str = "civil") -> dict[str, Any]:
        return {"extents": list(extents) or [self.volume()], "uss_base_url": f"https://{by}.example/utm"}

    def subscription(self, extents: dict[str, Any] | None = None, by: str = "alfa", **more: Any) -> dict[str, Any]:
        asked = {
            "extents": extents or self.volume(),
            "uss_base_url": f"https://{by}.example/utm",
            "notify_for_operational_intents": True,
        }
        return {**asked, **more}

    async def plan(self, id: str, *extents: dict[str, Any], by: str = "alfa", **more: Any) -> Any:
        """Create an intent; its reference."""
        reply = await self.ask("PUT", f"{INTENTS}/{id}", self.intent(*extents, by=by, **more), by=by)
        return reply.must(201)["operational_intent_reference"]

    async def subscribe(self, id: str, by: str = "alfa", **more: Any) -> Any:
        reply = await self.ask("PUT", f"{SUBSCRIPTIONS}/{id}", self.subscription(by=by, **more), by=by)
        return reply.must(200)["subscription"]


def time(at: datetime) -> dict[str, str]:
    """A moment as the standard writes it."""
    return {"value": at.isoformat(timespec="microseconds").replace("+00:00", "Z"), "format": "RFC3339"}


def uuid(number: int) -> str:
    return f"00000000-0000-4000-8000-{number:012d}"


ONE, TWO, THREE = uuid(1), uuid(2), uuid(3)
SUB, OTHER_SUB = uuid(11), uuid(12)


def with_dss(
    folder: Path,
    work: Callable[[Dss], Awaitable[T]],
    *,
    settings: Settings | None = None,
    at: datetime = START,
) -> T:
    """Start a node on the record in this folder, do the work, and stop it; again on the same folder it goes on."""

    async def run() -> T:
        clock = HandClock(at)
        with closing(SqliteStore(folder / "record.sqlite")) as store:
            node = await desk(store, clock)  # type: ignore[arg-type]
            try:
                return await work(Dss(node, clock, settings or Settings()))
            finally:
                await node.stop()

    return asyncio.run(run())

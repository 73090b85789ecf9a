"""Carries out what `keepclear.utm.owing` says is owed: one lane for each URL, each message on record when it is said.

The lanes know nothing of each other: a subscriber that is slow or gone holds up nobody else. Those that failed last
time share a few places of their own. A receipt goes through the node's writer like any act, so those of many
subscribers share a transaction; what was said and not yet on record when the power went is said again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from weakref import WeakValueDictionary

import structlog

from keepclear.errors import KeepclearError, NodeStopped, Refused, StoreFailed
from keepclear.model.acts import UtmChange
from keepclear.model.utm import EntityKind, Told, Way
from keepclear.node.calling import Answered, Caller, exchange, host_of, place_of
from keepclear.node.node import Node
from keepclear.node.outbound import MAX_CONNECTIONS
from keepclear.node.utm_desk import UtmDesk
from keepclear.store import SharedStore
from keepclear.utm.owing import EXPIRED, FIRST_PAUSE_S, Debt, wanted

AT_ONCE = 256
"""Messages on their way at a time to subscribers that answered last time."""
AT_ONE_HOST = MAX_CONNECTIONS
"""And to one host, so that a host with a thousand slow URLs holds up none but its own."""
AILING_AT_ONCE = 32
"""And to those that did not."""
PATIENCE = timedelta(seconds=5)
"""How long an instance lets the one that wrote a change tell of it (UssOiChangeNotificationMaxSeconds)."""
MOST_NAMED = 100
"""Subscriptions that a receipt names: one settles the message, and an envelope must hold it."""
HERE = "here"
FAULT = "fault"
"""The outcome where this node could not put the message together; it is tried again like any failure."""

log = structlog.get_logger("keepclear.node")


@dataclass(frozen=True, slots=True)
class Message:
    """What is said of a change to one URL: a POST of JSON. `did` is the operation by its name in the standard."""

    did: str
    url: str
    body: bytes
    scope: str


Speaker = Callable[[Debt, Sequence[Told]], Awaitable[Message]]
"""Puts the message of a debt together, for those of its subscriptions that still are."""


class Notifier:
    """Says what a node owes to subscribers, from `start` to `stop`. What goes to `own_url` is heard by `here`.

    Where instances of the node share a record, what was written at one of `desks` is this instance's to say; what
    another wrote it says only if that one has not within `PATIENCE`.
    """

    def __init__(
        self,
        node: Node,
        caller: Caller,
        speakers: Mapping[EntityKind, Speaker],
        own_url: str | None = None,
        here: Callable[[Debt], Awaitable[None]] | None = None,
        desks: Sequence[UtmDesk] = (),
    ) -> None:
        self._node = node
        self._caller = caller
        self._speakers = speakers
        self._own_url = None if own_url is None else own_url.rstrip("/")
        self._here = here
        self._desks = desks
        self._shared = isinstance(node.store, SharedStore)
        self._lanes: dict[str, asyncio.Task[None]] = {}
        self._well = asyncio.Semaphore(AT_ONCE)
        self._ailing = asyncio.Semaphore(AILING_AT_ONCE)
        self._hosts: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        self._watching: asyncio.Task[None] | None = None
        self._settled = asyncio.Event()

    def start(self) -> None:
        """Begin with what is owed already; the node has been started."""
        self._watching = asyncio.create_task(self._watch(), name=f"{self._node.id} notifier")

    async def stop(self) -> None:
        """End at once; what is on its way and not on record is said again after the next start."""
        tasks = [*self._lanes.values(), *([] if self._watching is None else [self._watching])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._watching = None

    async def settled(self) -> None:
        """Returns when nothing is owed; while a subscriber is away that takes until it is given up."""
        while self._node.state.owing.count:
            self._settled.clear()
            await self._settled.wait()

    # ── inside ──

    async def _watch(self) -> None:
        while True:
            # A reader that fell too far behind is let go: what is owed is in the state, so begin again from there.
            kept = self._node.subscribe()
            try:
                self._wake(list(self._node.state.owing.lanes))
                async for message in kept:
                    act = message.act
                    if isinstance(act, UtmChange) and act.pushed:
                        urls = {told.url for told in act.told}
                        self._wake(urls if act.attached is None else list(self._node.state.owing.lanes))
            finally:
                kept.close()

    def _wake(self, urls: Sequence[str] | set[str]) -> None:
        for url in urls:
            if url not in self._lanes and self._node.state.owing.next(url) is not None:
                self._lanes[url] = asyncio.create_task(self._lane(url), name=f"{self._node.id} tells {host_of(url)}")

    async def _lane(self, url: str) -> None:
        owing = self._node.state.owing
        try:
            while (debt := owing.next(url)) is not None:
                wait_s = self._wait_s(debt)
                if wait_s > 0:
                    await self._node.clock.sleep(wait_s)
                    continue  # meanwhile another instance may have said it
                try:
                    await self._say(debt)
                except NodeStopped:
                    return
                except (StoreFailed, Refused) as error:
                    log.warning("notification.not_on_record", url=url, why=str(error))
                    await self._node.clock.sleep(FIRST_PAUSE_S)
        finally:
            del self._lanes[url]
            self._settled.set()

    def _wait_s(self, debt: Debt) -> float:
        """How long until this may be said."""
        until = self._node.state.owing.not_before(debt.url) or debt.since
        if self._shared and not any(debt.number in desk.wrote for desk in self._desks):
            until = max(until, debt.since + PATIENCE)
        return (until - self._node.clock.now()).total_seconds()

    async def _say(self, debt: Debt) -> None:
        state = self._node.state
        now = self._node.clock.now()
        told = tuple([each for each in debt.told if wanted(each, state.utm, now)])
        did, url, body = "", debt.url, b""
        if not told:
            answered = Answered(EXPIRED)
        elif debt.url.rstrip("/") == self._own_url:
            answered = await self._hear(debt)
        else:
            everywhere = self._ailing if state.owing.not_before(debt.url) is not None else self._well
            async with self._at(debt.url), everywhere:
                message = await self._message(debt, told)
                if message is None:
                    answered = Answered(FAULT)
                else:
                    did, url, body = message.did, message.url, message.body
                    answered = await self._caller.call("POST", url, body, message.scope)
        at = self._node.clock.now()
        final = state.owing.is_final(debt, answered.outcome, at)
        said = exchange(
            Way.SENT,
            host_of(url),
            did or f"notify {debt.kind}",
            at,
            answered.outcome,
            url=url,
            entity=debt.subject,
            change=debt.number,
            told=(told or debt.told)[:MOST_NAMED],
            attempt=debt.attempts + 1,
            final=final,
            body=body,
            keep_body=False,  # the change is on record itself; a copy for each subscriber would say nothing more
        )
        await self._node.compose(lambda state, now: [said])
        if final and answered.outcome not in (HERE, EXPIRED) and not answered.ok:
            log.warning("notification.given_up", url=url, outcome=answered.outcome, change=debt.number)
        self._wake(state.owing.waiting_at(debt.told))

    def _at(self, url: str) -> asyncio.Semaphore:
        """The places of one host, which all who wait for one of them share."""
        place = place_of(url)
        held = self._hosts.get(place)
        if held is None:
            held = self._hosts[place] = asyncio.Semaphore(AT_ONE_HOST)
        return held

    async def _hear(self, debt: Debt) -> Answered:
        try:
            if self._here is not None:
                await self._here(debt)
        except KeepclearError as error:
            log.warning("notification.not_heard", change=debt.number, why=str(error))
            return Answered(FAULT)
        return Answered(HERE)

    async def _message(self, debt: Debt, told: Sequence[Told]) -> Message | None:
        speaker = self._speakers.get(debt.kind)
        if speaker is None:
            return None
        try:
            return await speaker(debt, told)
        except Exception:
            # The edge toward what others said and kept: a message that cannot be made must not end the lane.
            log.exception("notification.not_made", change=debt.number, url=debt.url)
            return None

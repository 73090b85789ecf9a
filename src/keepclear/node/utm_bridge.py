"""Between UTM services and a line: what they plan is said there, and what the line asks to be cleared is told to them.

It follows the record and says what is owed (`keepclear.line.utm_plans`, `keepclear.line.utm_requests`): what was missed
while it was not running, too, and nothing twice. It runs beside the listener, a few plans at a time with a pause after
them, and never in the way of an answer. It answers no request: that is for a person of the party.
"""

from __future__ import annotations

import asyncio
import contextlib
import heapq
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from itertools import chain, islice

import structlog

from keepclear.errors import KeepclearError, Malformed, NodeStopped, Refused
from keepclear.formats.f3548.details import IntentTold
from keepclear.line.message import Message
from keepclear.line.state import State, Thread
from keepclear.line.utm_plans import Terms, owed
from keepclear.line.utm_requests import KIND, asked_volume, constraint_id, intents_in, standing_requests
from keepclear.model import acts as a
from keepclear.model.utm import EntityKind, Gone, UtmClosure, UtmConstraint, UtmFlight, UtmIntent, UtmVolume, Way
from keepclear.node.node import Node
from keepclear.node.uss import Uss
from keepclear.utm import constraints
from keepclear.utm.asked import ConstraintAsked, Rules
from keepclear.utm.carried import unpacked
from keepclear.utm.ledger import Ledger
from keepclear.utm.owing import succeeded
from keepclear.utm.ruling import Asker, Ruling, Stale
from keepclear.utm.scopes import CONSTRAINT_MANAGEMENT

AT_ONCE = 4
"""Plans said in one go."""
LOOKED_AT = 1_000
"""Entities looked at for it: most are far away."""
PAUSE_S = 0.25
"""After something was said: services have the node for themselves, and more changes of one plan become one."""
LOOK_EVERY_S = 1.0
"""How often it is looked what time has brought: plans that begin soon enough, requests that are over."""
AFTER_A_FAULT_S = 60.0
"""Before all is gone through again after a fault of ours, which may well come again."""
MOST_CONSTRAINTS = 200
"""Requests that are told to services at a time."""
AGAIN_AFTER = timedelta(hours=1)
"""A request that the DSS's rules do not take as a constraint is tried again so late."""
MOST_ASKED = 16
"""Managers that are asked for details at a time."""
REMEMBERED = 10_000

log = structlog.get_logger("keepclear.node")


class UtmBridge:
    """The bridge between the UTM ledger of a node and one of its lines, from `start` to `stop`."""

    def __init__(self, node: Node, uss: Uss, terms: Terms, rules: Rules, *, pause_s: float = PAUSE_S) -> None:
        self._node = node
        self._uss = uss
        self._terms = terms
        self._rules = rules
        self._pause_s = pause_s
        self._asker = Asker(uss.manager, frozenset({CONSTRAINT_MANAGEMENT}))
        self._due: dict[str, None] = {}
        """Plan ids to be looked at, in order."""
        self._requests_due = False
        self._later: list[tuple[datetime, str]] = []
        self._again_at: dict[str, datetime] = {}
        """When to look at a plan again, in order; and by plan, for only the last such note of it counts."""
        self._requested: frozenset[str] = frozenset()
        """The plan ids of intents that a standing request may concern."""
        self._not_before: dict[str, datetime] = {}
        self._asked: OrderedDict[str, str] = OrderedDict()
        """By intent: the OVN for which its manager was asked for the details."""
        self._asking: set[asyncio.Task[None]] = set()
        self._parts: dict[str, dict[int, str]] = {}
        self._woken = asyncio.Event()
        self._rested = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    def start(self) -> None:
        """Begin with what is owed already; the node has been started."""
        name = f"{self._node.id} bridge"
        self._tasks = [
            asyncio.create_task(each, name=name) for each in (self._follow(), self._work(), self._watch_the_time())
        ]

    async def stop(self) -> None:
        """End; what is owed then is said after the next start."""
        tasks = [*self._tasks, *self._asking]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._tasks = []

    async def settled(self) -> None:
        """Returns when all that the record holds by now has been looked at, and what is owed at once is said."""
        await asyncio.sleep(0)
        while self._due or self._requests_due or self._asking or not self._rested.is_set():
            self._rested.clear()
            self._woken.set()
            await self._rested.wait()

    # ── hearing ──

    async def _follow(self) -> None:
        while True:
            # A reader that fell too far behind is let go: what is owed is in the state, so begin again from there.
            kept = self._node.subscribe()
            try:
                self._look_at_everything()
                async for message in kept:
                    self._hear(message)
            finally:
                kept.close()
            if self._node.failed is not None:
                return

    def _look_at_everything(self) -> None:
        state = self._node.state
        self._parts.clear()
        self._look_at(held.plan.id for held in state.plans.values() if held.message.author == self._terms.party)
        self._look_at(f"intent.{id}" for id in state.utm.intents)
        self._look_at(f"constraint.{id}" for id in state.utm.constraints)
        self._look_at_requests()

    def _hear(self, message: Message) -> None:
        act = message.act
        if isinstance(act, a.Attachment):
            self._parts.setdefault(act.sha256, {})[act.part] = act.base64
        elif isinstance(act, a.UtmChange):
            try:
                whole = unpacked(act, self._parts.pop(act.attached, None)) if act.attached else act
            except Malformed:  # its attachment was kept before this began to listen
                self._look_at_everything()
            else:
                self._look_at(_named(whole))
        elif isinstance(act, a.UtmExchange):
            if act.way is Way.RECEIVED and act.did.startswith("notify") and act.entity and succeeded(act.outcome):
                self._look_at((f"{'constraint' if 'Constraint' in act.did else 'intent'}.{act.entity}",))
        elif isinstance(act, a.OpenLine):
            self._look_at_everything()
        elif message.line == self._terms.line:
            if isinstance(act, a.Resume) and message.author == self._terms.party:
                self._look_at_everything()
            elif isinstance(act, a.ClearRequest | a.Cancel | a.GiveBack):
                self._look_at_requests()

    def _look_at(self, plans: Iterable[str]) -> None:
        self._due.update(dict.fromkeys(each for each in plans if each.startswith(("intent.", "constraint."))))
        if self._due:
            self._woken.set()

    def _look_again(self, plan: str, at: datetime) -> None:
        before = self._again_at.get(plan)
        if before is None or at < before:
            self._again_at[plan] = at
            heapq.heappush(self._later, (at, plan))

    def _look_at_requests(self) -> None:
        self._requests_due = True
        self._woken.set()

    async def _watch_the_time(self) -> None:
        while True:
            await self._node.clock.sleep(LOOK_EVERY_S)
            now = self._node.clock.now()
            while self._later and self._later[0][0] <= now:
                at, plan = heapq.heappop(self._later)
                if self._again_at.get(plan) == at:
                    del self._again_at[plan]
                    self._look_at((plan,))
            if self._node.state.requests or self._node.state.utm.closures:
                self._look_at_requests()

    # ── saying ──

    async def _work(self) -> None:
        while True:
            if not self._due and not self._requests_due:
                self._rested.set()
                await self._woken.wait()
            self._woken.clear()
            try:
                await self._go()
            except NodeStopped:
                return
            except KeepclearError as error:
                log.warning("bridge.not_said", why=str(error))
                await self._node.clock.sleep(LOOK_EVERY_S)
                self._look_at_everything()
            except Exception:
                # The outermost edge toward what others put into the ledger: a fault must not end the bridge unheard.
                log.exception("bridge.failed")
                await self._node.clock.sleep(AFTER_A_FAULT_S)
                self._look_at_everything()

    async def _go(self) -> None:
        state = await self._node.current()
        terms = self._terms
        if terms.line not in state.lines or terms.party not in state.members(terms.line):
            self._due.clear()
            self._requests_due = False
            return
        if self._requests_due:
            self._requests_due = False
            await self._requests(state)
        said: list[tuple[str, a.Said]] = []
        first = [plan for plan in self._requested if plan in self._due]
        for plan in dict.fromkeys(islice(chain(first, list(self._due)), LOOKED_AT)):
            if len(said) == AT_ONCE:
                break
            self._due.pop(plan, None)
            try:
                found = self._look(plan)
            except Exception:
                # One entity that cannot be drawn must not keep the others from being said.
                log.exception("bridge.not_looked_at", plan=plan)
                continue
            if found is not None:
                said.append((plan, found))
            await asyncio.sleep(0)  # services are answered between two of them
        ended = await asyncio.gather(*[self._say(*each) for each in said], return_exceptions=True)
        for each in ended:
            if isinstance(each, BaseException):
                raise each
        if said:
            await self._node.clock.sleep(self._pause_s)

    def _look(self, plan: str) -> a.Said | None:
        """What is to be said of an entity now."""
        state, now = self._node.state, self._node.clock.now()
        requested = plan in self._requested
        found = owed(state, self._terms, plan, self._details(state.utm, plan), now, requested=requested)
        if found.again_at is not None:
            self._look_again(plan, found.again_at)
        if requested:
            self._ask(state.utm, plan)
        return found.said

    async def _say(self, plan: str, said: a.Said) -> None:
        try:
            await self._node.submit(self._terms.party, self._terms.line, said)
        except Refused as error:
            # Such as a suspended line: it is looked at again when that ends, or when the entity changes.
            log.warning("bridge.refused", plan=plan, why=str(error))

    def _details(self, ledger: Ledger, plan: str) -> Sequence[UtmVolume] | None:
        kind, _, id = plan.partition(".")
        if kind == "constraint":
            barred = ledger.constraints.get(id)
            known = None if barred is None else self._uss.book.known(id, barred.ovn)
            return None if known is None else known.volumes
        intent = ledger.intents.get(id)
        if intent is None:
            return None
        own = self._uss.flight(ledger, id)
        if own is not None:
            return (*own[1].volumes, *own[1].off_nominal_volumes) or None
        told = self._uss.book.known(id, intent.ovn)
        return (*told.volumes, *told.off_nominal) if isinstance(told, IntentTold) else None

    def _ask(self, ledger: Ledger, plan: str) -> None:
        """Ask the manager of an intent in the way of a request for its details, once for each version."""
        id = plan.partition(".")[2]
        intent = ledger.intents.get(id)
        if intent is None or self._details(ledger, plan) is not None or self._asked.get(id) == intent.ovn:
            return
        if len(self._asking) >= MOST_ASKED:
            self._look_again(plan, self._node.clock.now())
            return
        self._asked[id] = intent.ovn
        self._asked.move_to_end(id)
        if len(self._asked) > REMEMBERED:
            self._asked.popitem(last=False)
        task = asyncio.create_task(self._fetch(plan, id), name=f"{self._node.id} asks for {plan}")
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _fetch(self, plan: str, id: str) -> None:
        try:
            await self._uss.book.intent(id)
        except KeepclearError:
            return  # on record already; its reference stands
        finally:
            self._woken.set()
        self._look_at((plan,))

    # ── telling ──

    async def _requests(self, state: State) -> None:
        """Bring the constraints in step with the requests that stand, and look at the intents these may concern."""
        now = self._node.clock.now()
        standing = {
            constraint_id(thread.id): thread
            for thread in standing_requests(state, self._terms.line, self._terms.party, now)
        }
        requested = frozenset(f"intent.{id}" for thread in standing.values() for id in intents_in(state, thread))
        changed = requested ^ self._requested
        self._requested = requested
        self._look_at(sorted(changed))
        if len(standing) > MOST_CONSTRAINTS:
            log.warning("bridge.too_many_requests", count=len(standing), most=MOST_CONSTRAINTS)
        for id, thread in list(standing.items())[:MOST_CONSTRAINTS]:
            held = state.utm.constraints.get(id)
            up_to_date = held is not None and held.uss_base_url == self._uss.base_url
            if not up_to_date and self._not_before.get(id, now) <= now:
                await self._put(id, thread, now)
        for id in [id for id, each in state.utm.closures.items() if each.kind == KIND and id not in standing]:
            await self._remove(id)

    async def _put(self, id: str, thread: Thread, now: datetime) -> None:
        volumes = (asked_volume(thread),)
        closure = UtmClosure(id=id, act=thread.id, kind=KIND, volumes=volumes)
        asked = ConstraintAsked(volumes, self._uss.base_url)

        def judge(ledger: Ledger, now: datetime, nonce: str) -> Ruling:
            held = ledger.constraints.get(id)
            if held is None:
                ruling = constraints.create(ledger, self._asker, id, asked, now, nonce, self._rules)
            else:
                ruling = constraints.update(ledger, self._asker, id, held.ovn, asked, now, nonce, self._rules)
            return Ruling(ruling.did, ruling.of, (*ruling.put, closure), ruling.gone, ruling.told)

        try:
            await self._uss.desk.write(self._asker, b"", judge)
        except Refused as error:
            self._not_before[id] = now + AGAIN_AFTER
            log.warning("bridge.request_not_told", request=thread.id, why=str(error))

    async def _remove(self, id: str) -> None:
        def judge(ledger: Ledger, now: datetime, nonce: str) -> Ruling:
            closure, held = ledger.closures.get(id), ledger.constraints.get(id)
            if closure is None:
                raise Stale("another instance of this node has removed it", field="entityid")
            gone = Gone(kind=EntityKind.CLOSURE, id=id)
            if held is None or held.manager != self._uss.manager:
                return Ruling(did="endClosure", of=closure, gone=(gone,))
            ruling = constraints.delete(ledger, self._asker, id, held.ovn, now)
            return Ruling(ruling.did, ruling.of, ruling.put, (*ruling.gone, gone), ruling.told)

        with contextlib.suppress(Stale):
            await self._uss.desk.write(self._asker, b"", judge)


def _named(change: a.UtmChange) -> Iterable[str]:
    """The plans that a change of the ledger concerns."""
    for entity in change.put:
        if isinstance(entity, UtmIntent | UtmFlight):
            yield f"intent.{entity.id}"
        elif isinstance(entity, UtmConstraint):
            yield f"constraint.{entity.id}"
    for gone in change.gone:
        if gone.kind in (EntityKind.INTENT, EntityKind.CONSTRAINT):
            yield f"{gone.kind.value}.{gone.id}"

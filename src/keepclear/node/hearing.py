"""What other services tell this one of changes (F3548-21, POST under /uss/v1), taken as evidence.

Only the manager of an entity, as the DSS knows it, may tell of it; what it tells is checked against the DSS and put on
record whatever comes of it. It changes no state here: it is remembered by its OVN for planning, and the operators of
own flights that it meets are told. It comes from whoever holds a token, so it adds a warning and never takes one away.
"""

from __future__ import annotations

from collections import OrderedDict

from keepclear.errors import Malformed, Refused
from keepclear.formats.f3548.details import (
    ConstraintTold,
    IntentTold,
    Notification,
    read_constraint_notification,
    read_intent_notification,
)
from keepclear.line.state import State
from keepclear.model.acts import UtmChange
from keepclear.model.utm import EntityKind, Gone, UtmConstraint, UtmIntent, Way
from keepclear.node.calling import exchange
from keepclear.node.uss import Uss
from keepclear.utm.ledger import Ledger
from keepclear.utm.owing import Debt
from keepclear.utm.past import whole_change
from keepclear.utm.peers import Untrue, check_constraint, check_intent
from keepclear.utm.ruling import Asker, NotAllowed, Stale

MAX_HEARD = 10_000


class Hearing:
    """Takes in what is told to a USS."""

    def __init__(self, uss: Uss) -> None:
        self._uss = uss
        self._heard: OrderedDict[str, IntentTold | ConstraintTold] = OrderedDict()
        """By id: the last version that was told."""

    async def intent(self, asker: Asker, body: bytes) -> None:
        """notifyOperationalIntentDetailsChanged. Malformed, NotAllowed if it is another's, Stale if it is outdated."""
        await self._take(EntityKind.INTENT, "notifyOperationalIntentDetailsChanged", asker, body)

    async def constraint(self, asker: Asker, body: bytes) -> None:
        """notifyConstraintDetailsChanged; the same for a constraint."""
        await self._take(EntityKind.CONSTRAINT, "notifyConstraintDetailsChanged", asker, body)

    async def change(self, debt: Debt) -> None:
        """A change by another service that this node carries to its own subscriptions: see `Notifier`."""
        if isinstance(debt.entity, UtmIntent) and debt.entity.manager != self._uss.manager:
            try:
                found = await self._uss.book.intent(debt.subject)
            except Refused:
                return  # on record already
            if found is not None:
                await self._uss.observe(found[0], (*found[1].volumes, *found[1].off_nominal))

    # ── inside ──

    async def _take(self, kind: EntityKind, did: str, asker: Asker, body: bytes) -> None:
        said: Notification | None = None
        held: UtmIntent | UtmConstraint | None = None
        refusal: Refused | None = None
        try:
            said = (read_intent_notification if kind is EntityKind.INTENT else read_constraint_notification)(body)
            held = self._check(await self._uss.desk.ledger(), kind, asker, said)
        except Refused as error:
            refusal = error
        at, entity = self._uss.desk.now(), None if said is None else said.id
        heard = exchange(Way.RECEIVED, asker.sub, did, at, _outcome(refusal), entity=entity, body=body)
        await self._uss.desk.file(heard)
        if refusal is not None:
            raise refusal
        if said is None or said.now is None:
            return
        if held is not None or said.now.id in self._heard:
            self._remember(said.now)
        if isinstance(said.now, IntentTold) and isinstance(held, UtmIntent):
            await self._uss.observe(held, (*said.now.volumes, *said.now.off_nominal))

    def _check(
        self, ledger: Ledger, kind: EntityKind, asker: Asker, said: Notification
    ) -> UtmIntent | UtmConstraint | None:
        held = ledger.intents.get(said.id) if kind is EntityKind.INTENT else ledger.constraints.get(said.id)
        manager = _last_manager(self._uss.desk.node.state, kind, said.id) if held is None else held.manager
        if manager != asker.sub:
            raise NotAllowed("only the manager of an entity tells of it", field="authorization", code="utm_not_manager")
        if said.now is None:
            return held
        before = self._heard.get(said.id)
        if before is not None and held is not None and said.now.ovn == held.ovn != before.ovn:
            before = None  # it is what the DSS holds; if it ended and began anew its versions did too
        if before is not None and (
            said.now.version < before.version or (said.now.version == before.version and said.now != before)
        ):
            raise Stale("a later version was told before", field="reference.version", code="utm_told_before")
        if said.now.manager != asker.sub:
            raise NotAllowed(
                "only the manager of an entity tells of it", field="reference.manager", code="utm_not_manager"
            )
        if held is None or said.now.version < held.version:
            return None  # it was so, and is no more: a notification may come late
        try:
            if isinstance(held, UtmIntent) and isinstance(said.now, IntentTold):
                check_intent(ledger, held, said.now)
            elif isinstance(held, UtmConstraint) and isinstance(said.now, ConstraintTold):
                check_constraint(ledger, held, said.now)
        except Untrue as error:
            raise Malformed(error.message, field=error.field, code=error.code) from None
        self._uss.book.keep(said.now)
        return held

    def _remember(self, told: IntentTold | ConstraintTold) -> None:
        self._heard[told.id] = told
        self._heard.move_to_end(told.id)
        if len(self._heard) > MAX_HEARD:
            self._heard.popitem(last=False)


def _outcome(refusal: Refused | None) -> str:
    """The HTTP status the caller is given, and why."""
    if refusal is None:
        return "204"
    status = "403" if isinstance(refusal, NotAllowed) else "409" if isinstance(refusal, Stale) else "400"
    return f"{status} {refusal.code}"


def _last_manager(state: State, kind: EntityKind, id: str) -> str | None:
    """Whose an entity was that is in the DSS no more; None if there never was one.

    Somebody else may have something of another kind under the same id since.
    """
    for act_id in reversed(state.utm.history.get(id, ())):
        message = state.acts.get(act_id)
        if message is None or not isinstance(message.act, UtmChange):
            continue
        if Gone(kind=kind, id=id) in whole_change(state, message).gone:
            return message.act.by
    return None

"""Who is still owed word of a change: it follows from the record alone, so a writer that crashes leaves nobody untold.

Each kept change that this node carries itself (`UtmChange.pushed`) owes every URL in `told` one message, until a
`UtmExchange` that says it is final is on record for that change and URL. What is owed to one URL, and to one
subscription wherever it moves, is said strictly in the order of the changes, and may be said twice after a crash.
(F3548-21: a receiver refuses what is older than what it heard, and takes what it heard before.)
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from keepclear.model.acts import UtmChange, UtmExchange
from keepclear.model.utm import (
    EntityKind,
    RidArea,
    Told,
    UtmClosure,
    UtmConstraint,
    UtmFlight,
    UtmIntent,
    Way,
)
from keepclear.utm.ledger import KINDS, Ledger

FIRST_PAUSE_S = 1.0
LONGEST_PAUSE_S = 60.0
GIVE_UP_AFTER_S = 600.0
"""How long after a change a next attempt may begin; each change is tried at least once."""
TRY_AGAIN = ("401", "408", "425", "429")
"""Refusals that may have passed the next time; any other 4xx would be said again just so."""
NOT_CALLABLE = "not_callable"
"""How the outcome begins where this node does not call a URL at all: nothing was sent, and nothing will be."""
EXPIRED = "expired"
"""The outcome where nobody wants to hear any more: the subscriptions have ended, or are gone."""

SUBJECTS = (EntityKind.INTENT, EntityKind.CONSTRAINT, EntityKind.AREA)


@dataclass(slots=True, eq=False)
class Debt:
    """One message owed: what change `number` did to `subject`, to the subscriptions `told` at `url`.

    `entity` is the subject as the change left it, None if it is gone; `details` what this node keeps behind it if it is
    its own; `manager` whose it is. `attempts` were made and failed.
    """

    number: int
    url: str
    rid: bool
    told: tuple[Told, ...]
    since: datetime
    manager: str
    kind: EntityKind
    subject: str
    entity: UtmIntent | UtmConstraint | RidArea | None
    details: UtmFlight | UtmClosure | None
    attempts: int = 0


@dataclass(slots=True)
class Lane:
    """What is owed to one URL, in order, and how it stands with it: `failures` in a row, no attempt `not_before`."""

    debts: deque[Debt] = field(default_factory=deque)
    failures: int = 0
    not_before: datetime | None = None


class Owing:
    """The debts of a node. `owe` and `hear` fold the record; nothing else changes it."""

    def __init__(self) -> None:
        self.lanes: dict[str, Lane] = {}
        """By URL; a lane without debts stays while its last attempts failed."""
        self._pending: dict[str, deque[Debt]] = {}
        """By subscription, in the order of the changes."""

    def owe(self, change: UtmChange, since: datetime) -> None:
        """A change is kept, whole (`keepclear.utm.carried.unpacked`), recorded at `since`.

        Of a change that is about no intent, constraint or area there is nothing to say.
        """
        subject = _subject_of(change) if change.pushed else None
        if subject is None:
            return
        by_url: dict[tuple[str, bool], list[Told]] = {}
        for told in change.told:
            by_url.setdefault((told.url, told.rid), []).append(told)
        for (url, rid), told_here in by_url.items():
            debt = Debt(change.number, url, rid, tuple(told_here), since, change.by, *subject)
            self.lanes.setdefault(url, Lane()).debts.append(debt)
            for told in told_here:
                self._pending.setdefault(told.subscription, deque()).append(debt)

    def hear(self, exchange: UtmExchange) -> None:
        """A message between services is on record: it may settle a debt, or count as an attempt at it."""
        if exchange.way is not Way.SENT or exchange.change is None or not exchange.told:
            return
        lane = self.lanes.get(exchange.told[0].url)
        debt = None if lane is None else _find(lane, exchange.change, exchange.told[0].rid)
        if lane is None or debt is None:
            return
        if succeeded(exchange.outcome):
            lane.failures, lane.not_before = 0, None
        elif not _silent(exchange.outcome):
            lane.failures += 1
            lane.not_before = exchange.at + pause(lane.failures)
        if not exchange.final:
            debt.attempts = exchange.attempt
            return
        lane.debts.remove(debt)
        if not lane.debts and not lane.failures:
            del self.lanes[debt.url]
        for told in debt.told:
            pending = self._pending[told.subscription]
            pending.remove(debt)
            if not pending:
                del self._pending[told.subscription]

    def next(self, url: str) -> Debt | None:
        """What is to be said to this URL next, if anything.

        None also if one of the subscriptions is first owed something at the URL it had before.
        """
        lane = self.lanes.get(url)
        if lane is None or not lane.debts:
            return None
        debt = lane.debts[0]
        return debt if all(self._pending[told.subscription][0] is debt for told in debt.told) else None

    def not_before(self, url: str) -> datetime | None:
        """When the next attempt at this URL may be made; None: at once."""
        lane = self.lanes.get(url)
        return None if lane is None else lane.not_before

    def waiting_at(self, subscriptions: Iterable[Told]) -> set[str]:
        """Where these subscriptions are owed something next: what may be said there now that something is settled."""
        firsts = (self._pending.get(told.subscription) for told in subscriptions)
        return {pending[0].url for pending in firsts if pending}

    def is_final(self, debt: Debt, outcome: str, at: datetime) -> bool:
        """Whether an attempt with this outcome is the last: it succeeded, is refused for good, or time is up."""
        if succeeded(outcome) or _silent(outcome):
            return True
        if len(outcome) == 3 and outcome.startswith("4") and outcome not in TRY_AGAIN:
            return True
        failures = self.lanes[debt.url].failures + 1 if debt.url in self.lanes else 1
        return at + pause(failures) > debt.since + timedelta(seconds=GIVE_UP_AFTER_S)

    @property
    def count(self) -> int:
        """How many messages are owed in all."""
        return sum(len(lane.debts) for lane in self.lanes.values())


def pause(failures: int) -> timedelta:
    """How long to leave a URL alone after so many failures in a row (at least one)."""
    return timedelta(seconds=min(FIRST_PAUSE_S * 2.0 ** min(failures - 1, 10), LONGEST_PAUSE_S))


def succeeded(outcome: str) -> bool:
    """Whether an outcome is a 2xx, or says that the message stayed in this node ("here")."""
    return outcome == "here" or (len(outcome) == 3 and outcome.startswith("2"))


def _silent(outcome: str) -> bool:
    """Whether nothing was sent at all, which says nothing of how the subscriber is."""
    return outcome == EXPIRED or outcome.startswith(NOT_CALLABLE)


def wanted(told: Told, ledger: Ledger, now: datetime) -> bool:
    """Whether a subscription still is there and has not ended."""
    if told.rid:
        area = ledger.rid_subscriptions.get(told.subscription)
        return area is not None and (area.volume.ends_at is None or area.volume.ends_at > now)
    held = ledger.subscriptions.get(told.subscription)
    return held is not None and any(each.ends_at is None or each.ends_at > now for each in held.volumes)


def _find(lane: Lane, number: int, rid: bool) -> Debt | None:
    return next((debt for debt in lane.debts if debt.number == number and debt.rid == rid), None)


_Subject = tuple[EntityKind, str, UtmIntent | UtmConstraint | RidArea | None, UtmFlight | UtmClosure | None]


def _subject_of(change: UtmChange) -> _Subject | None:
    """What a change is about: the intent, constraint or area it puts or ends, and what is kept behind it."""
    details = next((each for each in change.put if isinstance(each, UtmFlight | UtmClosure)), None)
    for entity in change.put:
        if isinstance(entity, UtmIntent | UtmConstraint | RidArea):
            return KINDS[type(entity)], entity.id, entity, details
    for gone in change.gone:
        if gone.kind in SUBJECTS:
            return gone.kind, gone.id, None, None
    return None

"""A slow and obvious DSS, written from F3548-21 (Annex A4) and not from the code it is held against.

Plain lists that are gone through from end to end: no index, no cells, no undo, no signatures. Places are sets of
labels, heights metres, times minutes since the story began. An OVN is an id with a version; who knows both knows
the details. A request is answered or raises `No` with the HTTP status it gets.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

SKEW, DAY = 5.0, 24 * 60.0
Known = tuple[str, str, int]
"""What a key shows knowledge of: "intent" or "constraint", an id and a version."""


class No(Exception):
    """The request is refused with this status; of a conflict, what the key should have named."""

    def __init__(self, status: int, missing: frozenset[tuple[str, str]] = frozenset()) -> None:
        super().__init__(status, missing)
        self.status = status
        self.missing = missing


@dataclass(frozen=True)
class Box:
    """Labels of places, from a lowest to a highest height, from a first to a last minute."""

    where: frozenset[str]
    low: float
    high: float
    start: float
    end: float


def about(boxes: Iterable[Box]) -> Box:
    """The one box a DSS remembers of an entity."""
    all_ = list(boxes)
    return Box(
        frozenset().union(*(box.where for box in all_)),
        min(box.low for box in all_),
        max(box.high for box in all_),
        min(box.start for box in all_),
        max(box.end for box in all_),
    )


def meet(one: Box, other: Box) -> bool:
    return (
        bool(one.where & other.where)
        and one.low <= other.high
        and other.low <= one.high
        and one.start <= other.end
        and other.start <= one.end
    )


@dataclass
class Entity:
    """An intent (with a state, and perhaps a subscription) or a constraint."""

    kind: str
    id: str
    manager: str
    boxes: list[Box]
    version: int = 1
    state: str = ""
    subscription: str | None = None

    @property
    def box(self) -> Box:
        return about(self.boxes)


@dataclass
class Subscription:
    id: str
    manager: str
    boxes: list[Box]
    intents: bool
    constraints: bool
    implicit: bool
    version: int = 1
    index: int = 0

    @property
    def box(self) -> Box:
        return about(self.boxes)


@dataclass
class IntentWish:
    """What is asked for an intent. `new`: an implicit subscription; `new_constraints`: one that tells of those too."""

    boxes: list[Box]
    state: str
    key: frozenset[Known]
    subscription: str | None = None
    new: bool = False
    new_constraints: bool = False


@dataclass
class SubscriptionWish:
    """What is asked for a subscription; a minute that is not given is None."""

    box: Box
    start: float | None
    end: float | None
    intents: bool
    constraints: bool


@dataclass
class ModelDss:
    now: float = 0.0
    intents: list[Entity] = field(default_factory=list)
    constraints: list[Entity] = field(default_factory=list)
    subscriptions: list[Subscription] = field(default_factory=list)
    down: set[str] = field(default_factory=set)

    # ── intents ──

    def put_intent(
        self, who: str, scopes: frozenset[str], id: str, version: int | None, wish: IntentWish, fresh: str
    ) -> dict[str, int]:
        """Create (`version` None) or update; whom the writer must notify, with the numbers.

        `fresh` names an implicit subscription if one is made.
        """
        if about(wish.boxes).end < self.now:
            raise No(400)
        if wish.state != "Accepted" and wish.subscription is None and not wish.new:
            raise No(400)
        if wish.new and wish.subscription is not None:
            raise No(400)
        off_nominal = wish.state in ("Nonconforming", "Contingent")
        if off_nominal and "cmsa" not in scopes:
            raise No(403)
        if version is None and wish.state != "Accepted":
            raise No(400)
        if who in self.down and not off_nominal:
            raise No(412)
        old = _found(self.intents, id)
        if version is None and old is not None:
            raise No(409)
        if version is not None:
            if old is None:
                raise No(400)
            _check_pair(old.manager, old.version, who, version)
            if old.state == "Contingent" and wish.state != "Contingent":
                raise No(400)

        subscription = self._subscription_for(who, wish, fresh)
        if not off_nominal:
            self._check_key(id, wish, subscription)

        before = [] if old is None else [old.box]
        if subscription is not None and wish.subscription is not None and not self._covers(subscription, wish.boxes):
            subscription.boxes = [*subscription.boxes, *wish.boxes]
            subscription.version += 1
        if wish.new and subscription is not None:
            self.subscriptions.append(subscription)
        entity = Entity("intent", id, who, wish.boxes, 1 if old is None else old.version + 1, wish.state)
        entity.subscription = None if subscription is None else subscription.id
        if old is not None:
            self.intents.remove(old)
        self.intents.append(entity)
        if old is not None:
            self._drop_orphan(old.subscription)
        return self._notify("intent", [*before, entity.box])

    def delete_intent(self, who: str, id: str, version: int) -> dict[str, int]:
        if who in self.down:
            raise No(412)
        old = _found(self.intents, id)
        if old is None:
            raise No(404)
        _check_pair(old.manager, old.version, who, version)
        self.intents.remove(old)
        self._drop_orphan(old.subscription)
        return self._notify("intent", [old.box])

    def _subscription_for(self, who: str, wish: IntentWish, fresh: str) -> Subscription | None:
        if wish.new:
            return Subscription(fresh, who, list(wish.boxes), True, wish.new_constraints, True)
        if wish.subscription is None:
            return None
        for each in self.subscriptions:
            if each.id == wish.subscription:
                if each.manager != who:
                    raise No(403)
                if not each.intents:
                    raise No(400)
                if not each.implicit and not self._covers(each, wish.boxes):
                    raise No(400)
                return each
        raise No(400)

    def _covers(self, subscription: Subscription, boxes: list[Box], skew: float = 0.0) -> bool:
        have, need = subscription.box, about(boxes)
        begins_in_time = have.start <= need.start + skew or have.start <= self.now
        return (
            need.where <= have.where
            and have.low <= need.low
            and need.high <= have.high
            and begins_in_time
            and need.end <= have.end
        )

    def _check_key(self, id: str, wish: IntentWish, subscription: Subscription | None) -> None:
        missing: set[tuple[str, str]] = set()
        told_of_constraints = subscription is not None and subscription.constraints
        for each in [*self.intents, *(self.constraints if told_of_constraints else [])]:
            itself = (each.kind, each.id) == ("intent", id)
            passed_over = each.state == "Accepted" and each.manager in self.down
            known = (each.kind, each.id, each.version) in wish.key
            if self._is_there(each, about(wish.boxes)) and not (itself or passed_over or known):
                missing.add((each.kind, each.id))
        if missing:
            raise No(409, frozenset(missing))

    def _is_there(self, entity: Entity, box: Box) -> bool:
        return entity.box.end >= self.now and meet(entity.box, box)

    def _drop_orphan(self, subscription: str | None) -> None:
        hanging = [each.id for each in self.intents if each.subscription == subscription]
        self.subscriptions = [
            each for each in self.subscriptions if each.id != subscription or not each.implicit or hanging
        ]

    def _notify(self, kind: str, boxes: list[Box]) -> dict[str, int]:
        told: dict[str, int] = {}
        for each in self.subscriptions:
            wants = each.intents if kind == "intent" else each.constraints
            if wants and each.box.end >= self.now and any(meet(each.box, box) for box in boxes):
                each.index += 1
                told[each.id] = each.index
        return told

    # ── constraints ──

    def put_constraint(self, who: str, id: str, version: int | None, boxes: list[Box]) -> dict[str, int]:
        if about(boxes).end < self.now:
            raise No(400)
        old = _found(self.constraints, id)
        if version is None and old is not None:
            raise No(409)
        if version is not None:
            if old is None:
                raise No(400)
            _check_pair(old.manager, old.version, who, version)
        if old is not None:
            self.constraints.remove(old)
        entity = Entity("constraint", id, who, boxes, 1 if old is None else old.version + 1)
        self.constraints.append(entity)
        return self._notify("constraint", [entity.box] if old is None else [old.box, entity.box])

    def delete_constraint(self, who: str, id: str, version: int) -> dict[str, int]:
        old = _found(self.constraints, id)
        if old is None:
            raise No(404)
        _check_pair(old.manager, old.version, who, version)
        self.constraints.remove(old)
        return self._notify("constraint", [old.box])

    # ── subscriptions ──

    def put_subscription(
        self, who: str, scopes: frozenset[str], id: str, version: int | None, wish: SubscriptionWish
    ) -> tuple[set[str] | None, set[str] | None]:
        """The intents and constraints the answer lists; None for what was not asked for."""
        if not wish.intents and not wish.constraints:
            raise No(400)
        if (wish.intents and "sc" not in scopes) or (wish.constraints and "cp" not in scopes):
            raise No(403)
        old = next((each for each in self.subscriptions if each.id == id), None)
        kept = old if version is not None else None
        start = wish.start if wish.start is not None else kept.box.start if kept else self.now
        end = wish.end if wish.end is not None else kept.box.end if kept else start + DAY
        unchanged = kept is not None and start == kept.box.start
        if end <= start or end < self.now or end - start > DAY or (start < self.now - SKEW and not unchanged):
            raise No(400)
        if version is None and old is not None and not (old.manager == who and old.box.end < self.now):
            raise No(409)
        if version is not None:
            if old is None:
                raise No(400)
            _check_pair(old.manager, old.version, who, version)
        box = Box(wish.box.where, wish.box.low, wish.box.high, start, end)
        new = Subscription(id, who, [box], wish.intents, wish.constraints, False)
        for each in self.intents:
            hangs = each.subscription == id and each.box.end >= self.now
            if hangs and not (wish.intents and self._covers(new, each.boxes, SKEW)):
                raise No(400)
        if old is not None:
            new.version = old.version + 1
            new.index = 0 if version is None else old.index
            self.subscriptions.remove(old)
        self.subscriptions.append(new)
        return (
            {each.id for each in self.intents if self._is_there(each, box)} if wish.intents else None,
            {each.id for each in self.constraints if self._is_there(each, box)} if wish.constraints else None,
        )

    def delete_subscription(self, who: str, id: str, version: int) -> None:
        old = next((each for each in self.subscriptions if each.id == id), None)
        if old is None:
            raise No(404)
        _check_pair(old.manager, old.version, who, version)
        if any(each.subscription == id for each in self.intents):
            raise No(400)
        self.subscriptions.remove(old)

    # ── searches ──

    def search(self, box: Box) -> tuple[set[str], set[str]]:
        """The intents and the constraints in a box."""
        return (
            {each.id for each in self.intents if self._is_there(each, box)},
            {each.id for each in self.constraints if self._is_there(each, box)},
        )

    def search_subscriptions(self, who: str, box: Box) -> set[str]:
        return {
            each.id
            for each in self.subscriptions
            if each.manager == who and each.box.end >= self.now and meet(each.box, box)
        }


def _found(entities: list[Entity], id: str) -> Entity | None:
    return next((each for each in entities if each.id == id), None)


def _check_pair(manager: str, version: int, who: str, given: int) -> None:
    if manager != who:
        raise No(403)
    if version != given:
        raise No(409)

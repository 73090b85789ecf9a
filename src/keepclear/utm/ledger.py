"""The registers of UTM entities, changed by kept `UtmChange` acts only, and their way back if one could not be kept.

Changes are numbered from 1. A node takes its own change into the ledger as soon as it is judged, so that the next
request is judged against it, and before it is on disk; `undo` takes it back if the disk refuses. Whoever reads for an
answer waits until nothing is ahead of the disk (`Node.current`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from msgspec.structs import replace

from keepclear.model.acts import UtmChange
from keepclear.model.utm import (
    Entity,
    EntityKind,
    Gone,
    RidArea,
    RidSubscription,
    Told,
    UtmAvailability,
    UtmClosure,
    UtmConstraint,
    UtmFlight,
    UtmIntent,
    UtmSubscription,
    UtmVolume,
)
from keepclear.utm.index import Extent, Index, extent_of

Back = list[Callable[[], object]]
"""Steps that undo a change, to be taken in reverse."""

KINDS: dict[type, EntityKind] = {
    UtmIntent: EntityKind.INTENT,
    UtmConstraint: EntityKind.CONSTRAINT,
    UtmSubscription: EntityKind.SUBSCRIPTION,
    UtmAvailability: EntityKind.AVAILABILITY,
    RidArea: EntityKind.AREA,
    RidSubscription: EntityKind.RID_SUBSCRIPTION,
    UtmFlight: EntityKind.FLIGHT,
    UtmClosure: EntityKind.CLOSURE,
}
INDEXED = (
    EntityKind.INTENT,
    EntityKind.CONSTRAINT,
    EntityKind.SUBSCRIPTION,
    EntityKind.AREA,
    EntityKind.RID_SUBSCRIPTION,
)

WIDE = 100
"""More cells than this make an entity a wide one (`Ledger.wide_cells`)."""
LONG_OVER = timedelta(days=1)
"""After so long nothing that has ended is looked for by its place."""


def volumes_of(entity: Entity | None) -> tuple[UtmVolume, ...]:
    """Where an entity of an indexed kind is; () for None."""
    if isinstance(entity, RidArea | RidSubscription):
        return (entity.volume,)
    return entity.volumes if isinstance(entity, UtmIntent | UtmConstraint | UtmSubscription) else ()


class Ledger:
    """What UTM services hold at this node. Read it freely; only `take` and `undo` change it."""

    def __init__(self) -> None:
        self.number = 0
        """The number of the last change taken."""
        self.intents: dict[str, UtmIntent] = {}
        self.constraints: dict[str, UtmConstraint] = {}
        self.subscriptions: dict[str, UtmSubscription] = {}
        self.availability: dict[str, UtmAvailability] = {}
        self.areas: dict[str, RidArea] = {}
        self.rid_subscriptions: dict[str, RidSubscription] = {}
        self.flights: dict[str, UtmFlight] = {}
        self.closures: dict[str, UtmClosure] = {}
        self.dependents: dict[str, dict[str, None]] = {}
        """By subscription: the intents that hang on it."""
        self.places: dict[EntityKind, Index] = {kind: Index() for kind in INDEXED}
        """Where and when the entities of each kind are, at the grain of cells."""
        self.history: dict[str, list[str]] = {}
        """By entity id: the acts that changed it, in order."""
        self.requested_ovns: set[str] = set()
        """All OVNs that services ever asked for by a suffix of their own; none of them may come a second time."""
        self.wide_cells: dict[str, int] = {}
        """By service: the cells of its wide entities, each as often as it is covered, but for those long over."""
        self._registers: dict[EntityKind, dict[str, Any]] = {
            EntityKind.INTENT: self.intents,
            EntityKind.CONSTRAINT: self.constraints,
            EntityKind.SUBSCRIPTION: self.subscriptions,
            EntityKind.AVAILABILITY: self.availability,
            EntityKind.AREA: self.areas,
            EntityKind.RID_SUBSCRIPTION: self.rid_subscriptions,
            EntityKind.FLIGHT: self.flights,
            EntityKind.CLOSURE: self.closures,
        }
        self._back: deque[tuple[int, Back]] = deque()

    def take(self, change: UtmChange, act_id: str, *, ahead: bool = False) -> None:
        """Take a change in; one that was taken already (by its number) is passed over.

        `ahead`: it is not on disk yet, so it is remembered how to `undo` it until `on_disk` is called.
        """
        if change.number <= self.number:
            return
        back: Back = []
        before = self.number
        back.append(lambda: setattr(self, "number", before))
        self.number = change.number
        for gone in change.gone:
            self._remove(gone, act_id, back)
        for entity in change.put:
            self._put(entity, act_id, back)
        for told in change.told:
            self._tell(told, back)
        if ahead:
            self._back.append((change.number, back))

    def check(self, change: UtmChange) -> None:
        """Malformed (`too_large`), with nothing changed, if something in a change cannot be placed: `take` would fail.

        What is on disk must fold again, so this is asked before a change is kept.
        """
        for entity in change.put:
            if volumes := volumes_of(entity):
                extent_of(volumes)

    def undo(self, number: int) -> None:
        """Take back the change of this number and all after it; only what was taken `ahead` can be."""
        while self._back and self._back[-1][0] >= number:
            _, back = self._back.pop()
            for step in reversed(back):
                step()

    def on_disk(self, number: int) -> None:
        """Changes up to this number are kept and will not be undone."""
        while self._back and self._back[0][0] <= number:
            self._back.popleft()

    def register(self, kind: EntityKind) -> Mapping[str, Entity]:
        """The entities of a kind by id (availability by the name of the service)."""
        return self._registers[kind]

    def forget_long_over(self, now: datetime) -> None:
        """Take what has been over for a day out of the places, which it fills for nothing: no search would find it.

        It is still held under its id, and comes back if it is put anew.
        """
        until_s = (now - LONG_OVER).timestamp()
        for kind, index in self.places.items():
            for name in [name for name, extent in index.extents.items() if extent.ends_s < until_s]:
                self._count(self._registers[kind][name], index.extents[name], -1)
                index.remove(name)

    @property
    def ahead(self) -> bool:
        """Whether there are changes that are not on disk yet."""
        return bool(self._back)

    # ── inside ──

    def _put(self, entity: Entity, act_id: str, back: Back) -> None:
        kind = KINDS[type(entity)]
        name = entity.uss if isinstance(entity, UtmAvailability) else entity.id
        self._set(kind, name, entity, self._registers[kind].get(name), back)
        self._file(name, act_id, back)
        if isinstance(entity, UtmIntent) and entity.ovn.startswith(f"{entity.id}_"):
            ovn = entity.ovn
            if ovn not in self.requested_ovns:
                self.requested_ovns.add(ovn)
                back.append(lambda: self.requested_ovns.discard(ovn))

    def _remove(self, gone: Gone, act_id: str, back: Back) -> None:
        before = self._registers[gone.kind].get(gone.id)
        if before is not None:
            self._set(gone.kind, gone.id, None, before, back)
            self._file(gone.id, act_id, back)

    def _tell(self, told: Told, back: Back) -> None:
        kind = EntityKind.RID_SUBSCRIPTION if told.rid else EntityKind.SUBSCRIPTION
        register = self._registers[kind]
        held = register.get(told.subscription)
        if isinstance(held, UtmSubscription | RidSubscription):
            bumped = replace(held, notification_index=told.index)
            register[told.subscription] = bumped
            back.append(lambda: register.__setitem__(told.subscription, held))

    def _set(self, kind: EntityKind, name: str, new: Entity | None, before: Entity | None, back: Back) -> None:
        register = self._registers[kind]
        self._place(kind, name, new, before)
        if new is None:
            del register[name]
        else:
            register[name] = new

        def undo() -> None:
            self._place(kind, name, before, new)
            if before is None:
                del register[name]
            else:
                register[name] = before

        back.append(undo)

    def _place(self, kind: EntityKind, name: str, new: Entity | None, before: Entity | None) -> None:
        """Keep the index and the dependents in step."""
        if kind is EntityKind.INTENT:
            if isinstance(before, UtmIntent) and before.subscription is not None:
                hanging = self.dependents[before.subscription]
                del hanging[name]
                if not hanging:
                    del self.dependents[before.subscription]
            if isinstance(new, UtmIntent) and new.subscription is not None:
                self.dependents.setdefault(new.subscription, {})[name] = None
        index = self.places.get(kind)
        if index is None:
            return
        old_volumes, new_volumes = volumes_of(before), volumes_of(new)
        if old_volumes == new_volumes:
            return
        if before is not None and name in index.extents:
            self._count(before, index.extents[name], -1)
        if new is not None and new_volumes:
            index.put(name, new_volumes)
            self._count(new, index.extents[name], 1)
        else:
            index.remove(name)

    def _count(self, entity: Entity, extent: Extent, sign: int) -> None:
        """Keep `wide_cells` in step."""
        if len(extent.cells) > WIDE:
            whose = entity.owner if isinstance(entity, RidArea | RidSubscription) else getattr(entity, "manager", "")
            count = self.wide_cells.get(whose, 0) + sign * len(extent.cells)
            if count:
                self.wide_cells[whose] = count
            else:
                self.wide_cells.pop(whose, None)

    def _file(self, name: str, act_id: str, back: Back) -> None:
        acts = self.history.setdefault(name, [])
        acts.append(act_id)
        back.append(acts.clear if len(acts) == 1 else acts.pop)

"""A write whose answer was lost may be sent again, and gets its answer; it does not happen twice.

A client that sends `Idempotency-Key` gets the same answer to the same request for a day, whatever came after. Clients
that know nothing of this header are helped too: a write of the same service with the same method, path and body as the
one that made what is there now gets that one's answer, if it is not known to have been delivered and is younger than
ten minutes. It is known to have been delivered when it was handed to a connection that still stood; after a restart
nothing is known of what was answered before. What was delivered is not repeated: a second create is a conflict.

All this is judged in the writer's turn, so a retry that overtakes its first attempt waits for it. What was answered
before a restart is made again from the record.
"""

from __future__ import annotations

import asyncio
import hashlib
from bisect import bisect_right
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from msgspec.structs import replace

from keepclear.errors import Malformed, Refused, StoreFailed
from keepclear.line.message import Message
from keepclear.line.state import State
from keepclear.model.acts import Attachment, UtmChange
from keepclear.model.utm import (
    Entity,
    EntityKind,
    Gone,
    RidSubscription,
    UtmAvailability,
    UtmConstraint,
    UtmIntent,
    UtmSubscription,
)
from keepclear.node.utm_desk import Judge, UtmDesk
from keepclear.server.f3548.faults import KeyReused
from keepclear.utm.carried import unpacked
from keepclear.utm.ledger import KINDS, Ledger
from keepclear.utm.ruling import Asker, Ruling

LOST_WITHIN = timedelta(minutes=10)
KEY_LASTS = timedelta(hours=24)
MAX_KEY = 200


@dataclass(frozen=True, slots=True)
class Write:
    """What makes two writes the same: who, the operation, what it is about, the version in the path, and the body."""

    by: str
    did: str
    kind: EntityKind
    id: str
    given: str | None
    digest: str | None


@dataclass(slots=True, eq=False)
class _Made:
    """A write that was judged in this run of the node, what it came to, and whether that could be kept."""

    write: Write
    at: datetime
    key: str | None
    ruling: Ruling
    kept: asyncio.Future[bool]


class _Again(Refused):
    """Ends the judging of a write that was made before."""

    def __init__(self, ruling: Ruling, made: _Made | Message) -> None:
        super().__init__("this was answered before")
        self.ruling = ruling
        self.made = made


class Retries:
    """Remembers which writes may have lost their answer. One for each listener; made when the record is folded."""

    def __init__(self, desk: UtmDesk) -> None:
        self._desk = desk
        self._number_at_start = self._state.utm.number
        self._undelivered: dict[tuple[EntityKind, str], _Made] = {}
        self._settled: set[str] = set()
        """Acts from before the start whose answer was given again since."""
        self._keys: dict[tuple[str, str], _Made | Message] = {}
        self._read = self._first_within(desk.now() - KEY_LASTS)
        """Up to which entry of the record the keys in it are known."""
        self._read_keys()

    @property
    def _state(self) -> State:
        return self._desk.node.state

    async def write(
        self, asker: Asker, write: Write, body: bytes, key: str | None, judge: Judge
    ) -> tuple[Ruling, Callable[[], None]]:
        """Judge a write and keep it, or find that it was made; what it came to, and what to call once that is told.

        Raises what `judge` raises; KeyReused if the key came with another request; StoreFailed if it could not be kept.
        """
        made: _Made | None = None

        def judged(ledger: Ledger, now: datetime, nonce: str) -> Ruling:
            nonlocal made
            self._forget(made)  # the writer may ask twice, if somebody else wrote first
            made = None
            self._raise_if_made(write, key, ledger, now)
            ruling = judge(ledger, now, nonce)
            made = _Made(write, now, key, ruling, asyncio.get_running_loop().create_future())
            self._remember(made)
            return ruling

        try:
            ruling = await self._desk.write(asker, body, judged, key)
        except _Again as again:
            return await self._again(again)
        except BaseException:
            self._forget(made)
            raise
        if made is not None:
            made.kept.set_result(True)
        return ruling, lambda: self._delivered(made)

    # ── inside ──

    async def _again(self, again: _Again) -> tuple[Ruling, Callable[[], None]]:
        made = again.made
        if isinstance(made, Message):
            return again.ruling, lambda: self._settled.add(made.id)
        if not await asyncio.shield(made.kept):
            raise StoreFailed("it could not be kept; nothing was changed")
        return again.ruling, lambda: self._delivered(made)

    def _raise_if_made(self, write: Write, key: str | None, ledger: Ledger, now: datetime) -> None:
        if key is not None:
            self._read_keys()
            known = self._keys.get((write.by, key))
            if known is not None and now - _at(known) < KEY_LASTS:
                ruling = known.ruling if isinstance(known, _Made) and known.write == write else None
                if isinstance(known, Message):
                    ruling = self._from_record(known, write)
                if ruling is None:
                    message = "another request came with this Idempotency-Key"
                    raise KeyReused(message, field="Idempotency-Key")
                raise _Again(ruling, known)
        lost = self._undelivered.get((write.kind, write.id))
        if lost is not None:
            if lost.write == write and now - lost.at < LOST_WITHIN and _is_there(lost.ruling, write, ledger):
                raise _Again(lost.ruling, lost)
            return
        acts = ledger.history.get(write.id)
        last = self._state.acts.get(acts[-1]) if acts else None
        if last is None or last.id in self._settled or now - _at(last) >= LOST_WITHIN:
            return
        if not isinstance(last.act, UtmChange) or last.act.number > self._number_at_start:
            return
        ruling = self._from_record(last, write)
        if ruling is not None:
            raise _Again(ruling, last)

    def _remember(self, made: _Made) -> None:
        """Held until delivered; what is too old to be repeated goes."""
        place = (made.write.kind, made.write.id)
        self._undelivered.pop(place, None)
        self._undelivered[place] = made
        while (oldest := next(iter(self._undelivered.values()))).at <= made.at - LOST_WITHIN:
            del self._undelivered[oldest.write.kind, oldest.write.id]
        if made.key is not None:
            self._keys.pop((made.write.by, made.key), None)
            self._keys[made.write.by, made.key] = made
            while _at(next(iter(self._keys.values()))) <= made.at - KEY_LASTS:
                del self._keys[next(iter(self._keys))]

    def _forget(self, made: _Made | None) -> None:
        """It was not kept."""
        if made is not None:
            made.kept.set_result(False)
            self._delivered(made)
            if made.key is not None and self._keys.get((made.write.by, made.key)) is made:
                del self._keys[made.write.by, made.key]

    def _delivered(self, made: _Made | None) -> None:
        if made is not None and self._undelivered.get((made.write.kind, made.write.id)) is made:
            del self._undelivered[made.write.kind, made.write.id]

    # ── from the record ──

    def _first_within(self, since: datetime) -> int:
        """The first entry that was recorded after a moment."""
        return bisect_right(self._state.log, since, key=_at)

    def _read_keys(self) -> None:
        """Learn the keys that came since, here or at another instance of this node."""
        for message in self._state.log[self._read :]:
            change = message.act
            if isinstance(change, UtmChange) and change.retry_key is not None:
                place = (change.by, change.retry_key)
                if not isinstance(self._keys.get(place), _Made):
                    self._keys[place] = message
        self._read = len(self._state.log)

    def _from_record(self, message: Message, write: Write) -> Ruling | None:
        """What an act of this node came to, if it is the one that this write asked for."""
        change = message.act
        if not isinstance(change, UtmChange) or message.author != self._state.node_id:
            return None
        if (change.by, change.did, change.asked) != (write.by, write.did, write.digest):
            return None
        whole = self._whole(message, change)
        before = None if write.given is None else self._before(message, write)
        if write.given is not None and (before is None or version_of(before) != write.given):
            return None
        of = before if _is_gone(write, whole) else next((each for each in whole.put if _is(each, write)), None)
        return None if of is None else Ruling(whole.did, of, whole.put, whole.gone, whole.told)

    def _before(self, message: Message, write: Write) -> Entity | None:
        """The entity as it was before an act changed it; a subscription with the index it was last told under."""
        acts = self._state.utm.history[write.id]
        for act_id in reversed(acts[: acts.index(message.id)]):
            earlier = self._state.acts[act_id]
            if not isinstance(earlier.act, UtmChange):
                continue
            whole = self._whole(earlier, earlier.act)
            put = next((each for each in whole.put if _is(each, write)), None)
            if isinstance(put, UtmSubscription | RidSubscription):
                return replace(put, notification_index=self._last_index(put, earlier.index, message.index))
            if put is not None or _is_gone(write, whole):
                return put
        return None

    def _last_index(self, subscription: UtmSubscription | RidSubscription, start: int, stop: int) -> int:
        for index in range(stop - 1, start - 1, -1):
            message = self._state.log[index]
            if isinstance(message.act, UtmChange):
                for told in self._whole(message, message.act).told:
                    if told.subscription == subscription.id:
                        return told.index
        return subscription.notification_index

    def _whole(self, message: Message, change: UtmChange) -> UtmChange:
        """The change with what was attached to it; the parts come right before it."""
        if change.attached is None:
            return change
        parts: dict[int, str] = {}
        for index in range(message.index - 1, -1, -1):
            part = self._state.log[index].act
            if isinstance(part, Attachment) and part.sha256 == change.attached:
                parts[part.part] = part.base64
                if len(parts) == part.of:
                    break
        return unpacked(change, parts)


def retry_key(headers: Mapping[str, str]) -> str | None:
    """The Idempotency-Key of a request. Malformed if it is not 1 to 200 printable ASCII characters."""
    key = headers.get("idempotency-key")
    if key is not None and not (1 <= len(key) <= MAX_KEY and key.isascii() and key.isprintable()):
        message = f"a key is 1 to {MAX_KEY} printable ASCII characters"
        raise Malformed(message, field="Idempotency-Key")
    return key


def digest_of(body: bytes) -> str | None:
    """What the record keeps of a request's body."""
    return hashlib.sha256(body).hexdigest() if body else None


def version_of(entity: Entity) -> str | None:
    """What an entity's next write must name: its OVN or its version."""
    return entity.ovn if isinstance(entity, UtmIntent | UtmConstraint) else getattr(entity, "version", None)


def _is(entity: Entity, write: Write) -> bool:
    name = entity.uss if isinstance(entity, UtmAvailability) else entity.id
    return KINDS[type(entity)] is write.kind and name == write.id


def _is_gone(write: Write, change: UtmChange | Ruling) -> bool:
    return Gone(kind=write.kind, id=write.id) in change.gone


def _is_there(ruling: Ruling, write: Write, ledger: Ledger) -> bool:
    """Whether what is there now is what the ruling made."""
    held = ledger.register(write.kind).get(write.id)
    if held is None or _is_gone(write, ruling):
        return held is None and _is_gone(write, ruling)
    return version_of(held) == version_of(ruling.of)


def _at(known: _Made | Message) -> datetime:
    at = known.at if isinstance(known, _Made) else known.recorded_at
    if at is None:
        raise ValueError("only a kept act is remembered")
    return at

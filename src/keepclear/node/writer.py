"""The single writer: the only task that adds to the record and changes the state.

It takes all that has arrived, judges each act in turn, keeps those taken in one transaction, and only then takes them
into the tree and the state, answers, and tells others. So nobody sees an act that is not on disk, and if the disk fails
nothing has changed.

What may share a transaction is said in `keepclear.node.waiting`.

Urgent acts (`keepclear.node.urgent`) go before all that waits, from one transaction to the next; what a peer's author
said on that line before an urgent act of his goes with it, for a chain is taken in order.

Where instances of the node share the store, each transaction is made in the writer's turn (`keepclear.node.turns`):
what others kept is taken in first, and published like one's own. A turn that was lost is taken again, and what was to
be kept in it is judged anew unless it turns out to be kept.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from datetime import datetime
from functools import partial

import structlog

from keepclear.errors import (
    BrokenRecord,
    Forged,
    Forked,
    KeepclearError,
    Malformed,
    NodeStopped,
    NotNow,
    Refused,
    StoreFailed,
    StoreLost,
)
from keepclear.formats.wire import write_said
from keepclear.line.apply import apply
from keepclear.line.decide import decide
from keepclear.line.duties import NODE_ROLE, Draft, duties, fork_finding
from keepclear.line.message import Message, kept, read_message
from keepclear.line.state import Chain, State
from keepclear.model import acts as a
from keepclear.model.acts import Said
from keepclear.node.clock import Clock
from keepclear.node.turns import Aside, turns_of
from keepclear.node.waiting import Arrival, Batch, Composition, Judged, Submission, Waiting, is_urgent, urgent_first
from keepclear.record import (
    Entry,
    Envelope,
    Header,
    SigningKey,
    Tree,
    VerifierKey,
    check_signature,
    leaf_bytes,
    leaf_hash,
    parse,
    seal,
)
from keepclear.store import NewRow, Row, Store
from keepclear.utm.carried import unpacked

MAX_BATCH = 500
MAX_WAITING = 10_000
"""Acts that may wait to be judged; more are refused at once (`busy`)."""
DUTY_ROUNDS = 3
"""How often in a row what a node does of itself may bring forth more of it."""
MAX_LOST_TURNS = 5
"""How often in a row a turn at a shared store may be lost before whoever waits is told."""
CLOCK_SKEW_S = 1.0
"""How far the clock may stand behind the record before the log says so: instances' clocks differ a little."""

log = structlog.get_logger("keepclear.node")


class Writer:
    """Owns the state and the tree of one node. `load` first, then `run` as a task until `stop`."""

    def __init__(
        self,
        node_id: str,
        keys: Mapping[str, SigningKey],
        store: Store,
        clock: Clock,
        aside: Aside,
        on_kept: Callable[[Sequence[Message]], None],
    ) -> None:
        self.state = State(node_id)
        self.tree = Tree()
        self.clock_behind_s = 0.0
        """How far the clock stands behind the last record time; 0 but after it was put back."""
        self.duties_failed: str | None = None
        """Why this node cannot tell what it owes to say (receipts, findings); None while it can."""
        self._keys = keys
        self._store = store
        self._clock = clock
        self._aside = aside
        self._turns = turns_of(store, aside)
        self._on_kept = on_kept
        self._last_recorded_at: datetime | None = None
        self._queue: list[Waiting] = []
        self._taken: list[Waiting] = []
        self._in_hand: list[Waiting] = []
        self._ticks: list[asyncio.Future[None]] = []
        self._ticking: list[asyncio.Future[None]] = []
        self._reading: list[asyncio.Future[None]] = []
        self._wanted = 0
        self._lost_turns = 0
        self._in_doubt: dict[str, list[Waiting]] = {}
        self._broken: BrokenRecord | None = None
        self._behind = asyncio.Event()
        self._arrived = asyncio.Event()
        self._idle = asyncio.Event()
        self._stopping = False
        self._gone: str | None = None
        self._forks: dict[str, tuple[Envelope, Draft]] = {}

    # ── for the node ──

    def load(self) -> None:
        """Fold the whole record into the state. BrokenRecord names the first entry that does not prove itself."""
        for row in self._store.rows():
            self._fold(row)

    def put(self, waiting: Waiting) -> None:
        """Hand an act in. Refused (`busy`) if too many wait; NodeStopped if the writer has ended."""
        if self._gone is not None:
            raise NodeStopped(self._gone)
        if len(self._queue) >= MAX_WAITING:
            raise Refused("too much is waiting to be written; try again", code="busy")
        self._queue.append(waiting)
        self._wake()

    def arrival(self, raw: bytes, sender: str) -> Arrival:
        """Read what a peer brought and check its author's signature, so that nothing forged ever waits with the rest.

        Malformed, or Forged, if it is not what an enrolled author signed.
        """
        try:
            envelope = parse(raw)
            known = self.state.acts.get(envelope.id)
            if known is not None:
                return Arrival(raw, sender, envelope, known, None)
            key = self._check_author(envelope)
            return Arrival(raw, sender, envelope, read_message(envelope), key)
        except Refused:
            raise
        except Exception:
            # The outermost edge toward foreign bytes: a fault in reading must not stop the line for everybody.
            log.exception("act.not_judged")
            raise Refused("this node could not judge the act", code="not_judged") from None

    def tick(self) -> asyncio.Future[None]:
        """Ask for what is due now to be done; resolves when it is kept."""
        if self._gone is not None:
            raise NodeStopped(self._gone)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._ticks.append(done)
        self._wake()
        return done

    async def idle(self) -> None:
        """Returns when nothing waits to be judged."""
        await self._idle.wait()

    async def current(self) -> None:
        """Returns when the state holds all that any instance had kept when this was called, and nothing not on disk.

        NodeStopped if the writer has ended; StoreFailed if a shared store cannot be read.
        """
        before = self.tree.size
        size = await self._turns.size()
        if self._turns.shared and size < before:
            self._broken = BrokenRecord("store", f"the record had {before} entries and has {size}")
            self._wake()
            raise self._broken
        while self.state.utm.ahead or self.tree.size < size:
            if self._gone is not None:
                raise NodeStopped(self._gone)
            if self.tree.size < size:
                self._wanted = max(self._wanted, size)
                self._behind.set()
                self._wake()
            changed: asyncio.Future[None] = asyncio.get_running_loop().create_future()
            self._reading.append(changed)
            await changed

    def stop(self) -> None:
        """Let `run` end when what has arrived is answered."""
        self._stopping = True
        self._arrived.set()

    async def run(self) -> None:
        """Write until stopped. What goes wrong with one act or one transaction is its callers' answer, not the end."""
        try:
            while not self._stopping or self._queue or self._ticks:
                if not self._queue and not self._ticks and self._wanted <= self.tree.size:
                    self._idle.set()
                    await self._arrived.wait()
                self._arrived.clear()
                if self._broken is not None:
                    raise self._broken
                await self._catch_up()
                if not self._queue and not self._ticks:
                    continue
                self._taken, self._queue = self._queue, []
                self._ticking, self._ticks = self._ticks, []
                await self._write_taken()
                await self._say_forks()
                if self._ticking or not self._queue:
                    await self._do_duties()
                for tick in self._ticking:
                    if not tick.done():
                        tick.set_result(None)
        except Exception as error:
            log.exception("writer.ended")
            self._gone = f"{type(error).__name__}: {error}"
            raise
        finally:
            self._gone = self._gone or "it was told to stop"
            for left in (*self._in_hand, *self._taken, *self._queue):
                left.refuse(NodeStopped(self._gone))
            for tick in (*self._ticking, *self._ticks):
                if not tick.done():
                    tick.set_exception(NodeStopped(self._gone))
            for reader in self._reading:
                if not reader.done():
                    reader.set_result(None)
            self._idle.set()

    # ── one round ──

    def _wake(self) -> None:
        self._idle.clear()
        self._arrived.set()

    async def _write_taken(self) -> None:
        """Write what was taken from the queue; an urgent act that comes meanwhile goes before what is left."""
        waited = self._turns.shared
        while self._taken:
            try:
                await self._begin()
            except StoreFailed as error:
                log.error("store.failed", why=str(error), acts=len(self._taken))
                self._refuse(self._taken)
                self._taken = []
                return
            if waited or any(is_urgent(waiting) for waiting in self._queue):
                self._taken, self._queue = [*self._taken, *self._queue], []
                waited = False
            self._in_hand = urgent_first(self._taken)
            batch, self._taken = self._judge(self._in_hand)
            if batch:
                again = await self._keep(batch)
                self._taken = [*again, *self._taken]
            else:
                await self._turns.end()

    async def _begin(self) -> bool:
        """Take the turn, and what others kept before it; whether there was any. Raises as `Turns.begin`."""
        if not self._turns.shared:
            return False
        before = self.tree.size
        while (new := await self._turn()) is None:
            self._wanted = await self._turns.size()
            await self._catch_up()
        try:
            self._take_over([row for row in new if row.index >= self.tree.size])
        except BaseException:
            await self._turns.end()
            raise
        self._in_doubt = {}  # whatever was kept of it has been taken over now
        return self.tree.size > before

    async def _turn(self) -> Sequence[Row] | None:
        """Wait for the turn at a shared store; who only reads is served meanwhile."""
        turn = asyncio.ensure_future(self._turns.begin(self.tree))
        try:
            while not turn.done():
                self._behind.clear()
                await self._catch_up()
                behind = asyncio.ensure_future(self._behind.wait())
                await asyncio.wait((turn, behind), return_when=asyncio.FIRST_COMPLETED)
                behind.cancel()
        except BaseException:
            with suppress(KeepclearError):
                if await turn is not None:
                    await self._turns.end()
            raise
        return turn.result()

    async def _catch_up(self) -> None:
        """Take over what others kept, as far as somebody asked for it."""
        while self.tree.size < self._wanted:
            try:
                rows = await self._turns.rows(self.tree.size, self._wanted)
            except StoreFailed as error:
                self._wanted = 0
                self._tell_readers(error)
                return
            if not rows:
                raise BrokenRecord("store", f"it had {self._wanted} entries and has {self.tree.size}")
            self._take_over(rows)
            self._tell_readers()
            await asyncio.sleep(0)

    def _take_over(self, rows: Sequence[Row]) -> None:
        """What other instances kept enters the state, and is told as if it had been kept here."""
        messages = [self._fold(row) for row in rows]
        for message in messages:
            for waiting in self._in_doubt.get(message.id, ()):
                waiting.take(message)
        if messages:
            self._on_kept(messages)

    def _fold(self, row: Row) -> Message:
        """One entry of the record enters the tree and the state. BrokenRecord if it does not prove itself."""
        where = f"entry {row.index}"
        if row.index != self.tree.size:
            raise BrokenRecord(where, f"entry {self.tree.size} is missing")
        hash_ = leaf_hash(leaf_bytes(Entry(row.index, row.recorded_at, row.envelope)))
        if hash_ != row.leaf_hash:
            raise BrokenRecord(where, "its bytes do not give the hash that was kept with it")
        try:
            message = kept(read_message(parse(row.envelope)), row.index, row.recorded_at)
        except Malformed as error:
            raise BrokenRecord(where, f"it cannot be read: {error}") from error
        if message.id != row.act_id or message.seq != self.state.chain(message.line, message.author).seq + 1:
            raise BrokenRecord(where, "it is not the act that was kept there")
        self.tree.append(hash_)
        apply(self.state, message)
        self._last_recorded_at = row.recorded_at
        return message

    def _tell_readers(self, error: StoreFailed | None = None) -> bool:
        """Something was kept, or taken over: whoever waits to read looks again. Whether anybody does."""
        readers, self._reading = self._reading, []
        for each in readers:
            if each.done():
                continue
            if error is None:
                each.set_result(None)
            else:
                each.set_exception(error)
        return bool(readers)

    def _refuse(self, left: Sequence[Waiting]) -> None:
        """The store refuses. What may yet turn out to be kept is not called lost."""
        doubtful = {waiting for each in self._in_doubt.values() for waiting in each}
        self._in_doubt = {}
        for waiting in left:
            if waiting in doubtful:
                waiting.refuse(StoreLost("the store was lost while it kept this; the record will show whether it did"))
            else:
                waiting.refuse(StoreFailed("it could not be kept; nothing was changed"))

    async def _do_duties(self) -> None:
        """What the node owes to say of itself. A duty refused now is tried again when the next act or tick comes."""
        for _ in range(DUTY_ROUNDS):
            if not await self._say(self._owed):
                return

    def _owed(self) -> list[Draft]:
        try:
            drafts = duties(self.state, self._stamp())
        except Exception as error:
            # What follows from the record would fail again at every start: better to go on without, and say so.
            why = f"{type(error).__name__}: {error}"
            if why != self.duties_failed:
                log.exception("duties.failed")
            self.duties_failed = why
            return []
        self.duties_failed = None
        return drafts

    async def _say(self, owed: Callable[[], Sequence[Draft]]) -> bool:
        """Say what is owed; if others kept something before our turn, what is owed then. Whether anything was."""
        asked = _submissions(owed())
        left: list[Waiting] = [*asked]
        while left:
            try:
                anew = await self._begin()
            except StoreFailed as error:
                log.error("store.failed", why=str(error), acts=len(left))
                break
            if anew:
                fresh = _submissions(owed())
                asked += fresh
                left = [*fresh]
            batch, left = self._judge(left)
            if batch:
                again = await self._keep(batch)
                left = [*again, *left]
            else:
                await self._turns.end()
        for submission in asked:
            refusal = submission.answer.exception() if submission.answer.done() else None
            if refusal is not None:
                log.warning("duty.not_done", act=type(submission.said.act).__name__, why=str(refusal))
        return bool(asked)

    # ── judging: no await in here, so nobody sees the chains while they are counted on ──

    def _judge(self, arrived: Sequence[Waiting]) -> tuple[list[Judged], list[Waiting]]:
        """The acts from the front that are taken and may share a transaction, and all that must come after them."""
        batch = Batch()
        most = max(1, MAX_BATCH >> self._lost_turns)  # a turn may be lost because judging takes long
        with self._counting_on() as count_on:
            for place, waiting in enumerate(arrived):
                if waiting.taken:
                    continue
                if batch.acts and (len(batch.acts) >= most or not batch.takes(waiting, self.state.acts)):
                    return list(batch.acts.values()), list(arrived[place:])
                try:
                    if isinstance(waiting, Composition):
                        self._judge_composed(waiting, batch, count_on)
                        continue
                    judged = self._judge_one(waiting, batch.acts)
                except Refused as error:
                    waiting.refuse(error)
                except Exception:
                    # The outermost edge toward foreign bytes: a fault in a rule must not stop the line for everybody.
                    log.exception("act.not_judged")
                    waiting.refuse(Refused("this node could not judge the act", code="not_judged"))
                else:
                    if judged is not None:
                        batch.add(judged)
                        count_on(judged.message)
        return list(batch.acts.values()), []

    def _judge_one(self, waiting: Waiting, batch: Mapping[str, Judged]) -> Judged | None:
        """One act; None if it is already kept, and answered, or already in the batch."""
        now = self._stamp()
        if isinstance(waiting, Submission):
            before = self._said_before(waiting)
            if before is not None:
                waiting.take(before)
                return None
            raw = self._sealed(waiting, now)
            message = read_message(parse(raw))
            decide(self.state, message, now, own=True)
        elif isinstance(waiting, Arrival):
            raw = waiting.raw
            envelope = waiting.envelope
            known = self.state.acts.get(envelope.id)
            if known is not None:
                waiting.take(known)
                return None
            if envelope.id in batch:
                batch[envelope.id].waiting.append(waiting)
                return None
            if self.state.key_of(envelope.header.author) != waiting.key:
                self._check_author(envelope)  # enrolled anew while this waited
            message = waiting.message
            try:
                decide(self.state, message, now, own=False)
            except Forked as fork:
                self._note_fork(envelope, str(fork.values["held"]), now)
                raise
        else:
            raise TypeError(type(waiting))
        return Judged(message, raw, leaf_bytes(Entry(self.tree.size + len(batch), now, raw)), now, [waiting])

    def _judge_composed(self, waiting: Composition, batch: Batch, count_on: Callable[[Message], None]) -> None:
        """Compose and judge. What could not be folded again is refused before anything of it is to be kept."""
        now = self._stamp()
        acts = waiting.compose(self.state, now)
        change = None
        if acts and isinstance(acts[-1], a.UtmChange):
            parts = {each.part: each.base64 for each in acts if isinstance(each, a.Attachment)}
            change = unpacked(acts[-1], parts)
            self.state.utm.check(change)
        for act in acts:
            said = Said(role=NODE_ROLE, act=act)
            raw = self._sealed(Submission(self.state.node_id, self.state.own_line, said, None), now)
            message = read_message(parse(raw))
            decide(self.state, message, now, own=True)
            leaf = leaf_bytes(Entry(self.tree.size + len(batch.acts), now, raw))
            batch.add(Judged(message, raw, leaf, now, [waiting] if act is acts[-1] else []))
            count_on(message)
        if not acts:
            waiting.take(None)
        elif change is not None:
            if isinstance(message.act, a.UtmChange) and message.act.attached is None:
                change = message.act  # so the ledger and the log hold the same entities, not two of each
            self.state.utm.take(change, message.id, ahead=True)

    def _said_before(self, submission: Submission) -> Message | None:
        """The act already kept under this draft; NotNow if it was another one."""
        author, draft = submission.author, submission.said.draft
        if draft is None or author not in self._keys or (author, draft) not in self.state.drafts:
            return None
        message = self.state.acts[self.state.drafts[author, draft]]
        if (message.line, message.said) != (submission.line, submission.said):
            raise NotNow(
                "something else was said under this draft", field="draft", code="draft_reused", held=message.id
            )
        return message

    def _sealed(self, submission: Submission, now: datetime) -> bytes:
        key = self._keys.get(submission.author)
        if key is None:
            raise Forged(f"this node holds no key of {submission.author}", field="author", code="not_hosted")
        chain = self.state.chain(submission.line, submission.author)
        header = Header(submission.line, submission.author, chain.seq + 1, chain.last, submission.said_at or now)
        return seal(header, write_said(submission.said), key)

    def _check_author(self, envelope: Envelope) -> str:
        """The key it is signed with. Forged if it is not its author's, or the author is not enrolled."""
        author = envelope.header.author
        key = self.state.key_of(author)
        if key is None:
            raise Forged(f"{author} is not enrolled here", field="author", code="unknown_author")
        check_signature(envelope, VerifierKey.from_vkey(key))
        return key

    def _stamp(self) -> datetime:
        """The record time: the clock's, but never earlier than the entry before."""
        now = self._clock.now()
        last = self._last_recorded_at
        behind_s = 0.0 if last is None else max(0.0, (last - now).total_seconds())
        if behind_s >= CLOCK_SKEW_S > self.clock_behind_s:
            log.warning("clock.behind", seconds=behind_s)
        self.clock_behind_s = behind_s
        return now if last is None else max(now, last)

    @contextmanager
    def _counting_on(self) -> Iterator[Callable[[Message], None]]:
        """Lets acts judged but not yet kept count as the last of their chains, until the batch is closed."""
        counted: list[tuple[str, str]] = []

        def count_on(message: Message) -> None:
            place = (message.line, message.author)
            self.state.chains.setdefault(place, Chain()).ids.append(message.id)
            counted.append(place)

        try:
            yield count_on
        finally:
            for place in reversed(counted):
                chain = self.state.chains[place]
                chain.ids.pop()
                if not chain.ids:
                    del self.state.chains[place]

    # ── keeping ──

    async def _keep(self, batch: Sequence[Judged]) -> list[Waiting]:
        """Keep a batch and answer it, which ends the turn. Those to be judged again, if the turn was lost before."""
        again: list[Waiting] = []
        try:
            again = await self._keep_rows(batch)
        finally:
            if self._tell_readers():
                await asyncio.sleep(0)  # they look before the next batch is judged, or they would wait for ever
        return again

    async def _keep_rows(self, batch: Sequence[Judged]) -> list[Waiting]:
        rows = [
            NewRow(
                act_id=judged.message.id,
                recorded_at=judged.recorded_at,
                envelope=judged.raw,
                leaf_hash=leaf_hash(judged.leaf),
                line=judged.message.line,
                author=judged.message.author,
                seq=judged.message.seq,
            )
            for judged in batch
        ]
        try:
            indices = await self._turns.append(rows)
        except BrokenRecord:
            raise
        except KeepclearError as error:
            self.state.utm.undo(1)
            waiting = [each for judged in batch for each in judged.waiting]
            if isinstance(error, StoreLost):
                log.warning("turn.lost", why=str(error), acts=len(rows))
                self._in_doubt = {judged.message.id: judged.waiting for judged in batch}
                self._lost_turns += 1
                if self._lost_turns <= MAX_LOST_TURNS:
                    return waiting
                self._lost_turns = 0
            else:
                log.error("store.failed", why=str(error), acts=len(rows))
            self._refuse(waiting)
            return []
        self._lost_turns = 0
        first = self.tree.size
        if indices != list(range(first, first + len(rows))):
            raise BrokenRecord("store", f"it put acts at {indices}, not from {first} on")
        messages = []
        for judged, row, index in zip(batch, rows, indices, strict=True):
            message = kept(judged.message, index, judged.recorded_at)
            self.tree.append(row.leaf_hash)
            apply(self.state, message)
            self._last_recorded_at = judged.recorded_at
            messages.append(message)
        for judged, message in zip(batch, messages, strict=True):
            for each in judged.waiting:
                each.take(message)
        self._on_kept(messages)
        return []

    # ── a peer that says two things ──

    def _note_fork(self, envelope: Envelope, held: str, now: datetime) -> None:
        """An author signed two acts for one place in its chain: to be said on the own line."""
        header, node_id = envelope.header, self.state.node_id
        draft = fork_finding(header.line, header.author, header.seq, held, envelope.id, node_id, now)
        key = draft.act.finding.key if isinstance(draft.act, a.Noticed) else ""
        if self.state.finding(key) is None:
            self._forks.setdefault(key, (envelope, draft))

    async def _say_forks(self) -> None:
        """Keep the second act of each fork beside the record, where whoever doubts the finding can ask for it."""
        forks, self._forks = self._forks, {}
        for key, (envelope, draft) in forks.items():
            log.error("act.forked", line=envelope.header.line, author=envelope.header.author, seq=envelope.header.seq)
            try:
                await self._aside(partial(self._store.set_note, f"fork.{envelope.id}", envelope.raw))
            except StoreFailed as error:
                log.error("store.failed", why=str(error))
                continue
            await self._say(partial(self._fork_owed, key, draft))

    def _fork_owed(self, key: str, draft: Draft) -> list[Draft]:
        return [draft] if self.state.finding(key) is None else []


def _submissions(drafts: Sequence[Draft]) -> list[Submission]:
    return [Submission(draft.author, draft.line, draft.said, None) for draft in drafts]

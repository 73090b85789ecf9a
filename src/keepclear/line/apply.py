"""The only place where the state changes: one kept act at a time, in the order of the record.

Nothing is judged here. An act that breaks the rules of procedure was signed and is on record; it is filed with the
thread it speaks of, and `keepclear.line.procedure` says, whenever somebody asks, that it has no effect and why. What
is changed here at once are registers in which an author's later act replaces its own earlier one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from keepclear.line.danger import taken
from keepclear.line.groups import concerned_by, file_group, name_of
from keepclear.line.line_check import take_answer, take_check
from keepclear.line.message import Message
from keepclear.line.plans import columns, reach
from keepclear.line.procedure import cancelled_by, first, too_many_boundaries, too_many_desks
from keepclear.line.receipts import in_force, plan_of
from keepclear.line.reports import file_track
from keepclear.line.state import THREAD_KINDS, Chain, HeldPlan, Line, State, Thread
from keepclear.line.timings import CLOCK_TOLERANCE
from keepclear.model import acts as a
from keepclear.model.base import EARLIEST
from keepclear.model.findings import FindingKind
from keepclear.model.tracks import SensorClass, Track
from keepclear.utm.carried import unpacked
from keepclear.watch.clearance import FLOWN
from keepclear.watch.history import FLYING

BY_ITSELF = (SensorClass.TRACKER, SensorClass.VOICE)


def apply(state: State, message: Message) -> None:
    """Take one kept act (with `index` and `recorded_at`) into the state. Acts of one author on one line come in order.

    Raises nothing for acts that `decide` let through; whoever folds a record hands in what was decided before.
    """
    state.log.append(message)
    state.acts[message.id] = message
    if message.said.draft is not None:
        state.drafts.setdefault((message.author, message.said.draft), message.id)
    chain = state.chains.get((message.line, message.author))
    if chain is None:
        chain = state.chains[(message.line, message.author)] = Chain()
    chain.ids.append(message.id)
    _hear(state, message)
    act = message.act
    kind = THREAD_KINDS.get(type(act))
    if kind is not None:
        _open(state, kind, message)
    else:
        re = getattr(act, "re", None)
        if re is not None:
            _attach(state, message, re)
    register = _REGISTERS.get(type(act))
    if register is not None and not message.exercise:
        register(state, message, act)
    _resolve(state, message.id)


def _resolve(state: State, act_id: str) -> None:
    """Acts that waited for this one are filed now."""
    for waiting in state.unresolved.pop(act_id, ()):
        _attach(state, waiting, act_id)


def _hear(state: State, message: Message) -> None:
    line = state.lines[message.line]
    if message.recorded_at is None:
        raise ValueError("only a kept message can be applied")
    line.heard[message.author] = message.recorded_at
    ahead = message.said_at - message.recorded_at > CLOCK_TOLERANCE
    if ahead or message.author in state.clock_ahead:
        if ahead:
            state.clock_ahead[message.author] = message
        else:
            del state.clock_ahead[message.author]
        state.agenda.touch("clock", message.author)


def _open(state: State, kind: str, message: Message) -> None:
    thread = Thread(kind, message)
    state.threads[message.id] = thread
    state.thread_of[message.id] = message.id
    state.agenda.touch("thread", message.id)
    act = message.act
    if isinstance(act, a.Notice):
        state.plan_threads.setdefault(act.plan.id, []).append(message.id)
        _hold_plan(state, thread)
        _touch_plan(state, act.plan.id)
    elif isinstance(act, a.ClearRequest):
        state.requests.append(message.id)
        _touch_plan(state, act.plan)
    elif isinstance(act, a.DangerCall):
        state.calls[message.id] = None
    elif isinstance(act, a.Proposal):
        state.proposals.setdefault(act.topic, []).append(message.id)
    elif isinstance(act, a.ResponsibilityOffer | a.ResponsibilityAssertion):
        state.responsibility.setdefault(act.group, []).append(message.id)
    elif isinstance(act, a.PublishStatement):
        state.statements.append(message.id)
    elif isinstance(act, a.LegBlocked):
        state.blocked_legs.setdefault(act.plan, []).append(message.id)
        _touch_plan(state, act.plan)


def _hold_plan(state: State, thread: Thread) -> None:
    """Keep at hand which plan a real notice now carries, and the aircraft it names as its author's own."""
    current = in_force(state, thread)
    plan = plan_of(current)
    if thread.exercise or plan is None or cancelled_by(state, thread) is not None:
        if state.plans.pop(thread.id, None) is not None:
            state.air.remove(thread.id)
        return
    before = state.plans.get(thread.id)
    state.plans[thread.id] = HeldPlan(current, plan, *reach(plan))
    if before is None or before.message.id != current.id:
        state.air.put(columns(thread.id, plan))
    if plan.kind in FLOWN:
        state.aircraft.setdefault(thread.author, set()).update(plan.assets)


def _touch_plan(state: State, plan: str | None) -> None:
    """What is said of a plan concerns its blocked legs and the groups that follow it."""
    if plan is None:
        return
    for thread_id in state.blocked_legs.get(plan, ()):
        state.agenda.touch("thread", thread_id)
    for group in state.followers.get(plan, ()):
        state.agenda.touch("group", name_of(group))


def _attach(state: State, message: Message, re: str) -> None:
    referred = state.acts.get(re)
    if referred is None:
        state.unresolved.setdefault(re, []).append(message)
        return
    if isinstance(message.act, a.LineCheckAnswer):
        take_answer(state, message, referred)
        return
    thread = state.thread_for(re)
    if thread is None:
        if hasattr(referred.act, "re"):  # it waits itself for an act not yet heard
            state.unresolved.setdefault(re, []).append(message)
        return
    if thread.line != message.line:
        return
    thread.acts.append(message)
    state.thread_of[message.id] = thread.id
    state.agenda.touch("thread", thread.id)
    act = message.act
    if isinstance(act, a.Correction):
        threads = state.plan_threads.setdefault(act.plan.id, [])
        if thread.id not in threads:
            threads.append(thread.id)
    opener = thread.opener.act
    if isinstance(opener, a.Notice) and isinstance(act, a.Correction | a.Cancel):
        _hold_plan(state, thread)
        _touch_plan(state, opener.plan.id)
    elif isinstance(opener, a.ClearRequest):
        _touch_plan(state, opener.plan)
    if thread.kind == "responsibility" and isinstance(thread.opener.act, a.ResponsibilityOffer):
        # who may offer next follows from who accepted before
        for other in state.responsibility[thread.opener.act.group]:
            state.agenda.touch("thread", other)
    _resolve(state, message.id)


# ── registers ────────────────────────────────────────────────────────────────────────────────────────────────────────


def _enrol(state: State, message: Message, act: a.Enrol) -> None:
    if message.line != state.own_line or message.author != state.node_id:
        return
    node = act.node
    state.nodes[node.id] = node
    state.home[node.id] = node.id
    for party in node.parties:
        state.parties[party.id] = party
        state.home[party.id] = node.id


def _open_line(state: State, message: Message, act: a.OpenLine) -> None:
    if message.line != state.own_line or message.author != state.node_id:
        return
    if act.line.id not in state.lines:
        state.lines[act.line.id] = Line(act.line, message.recorded_at)
        state.agenda.touch("line", act.line.id)


def _roster(state: State, message: Message, act: a.Roster) -> None:
    if too_many_desks(state, message, act.desk.id):
        return
    shown = state.rosters.setdefault((message.line, message.author), {})
    shown.setdefault(act.desk.id, []).append(message)
    for thread_id in list(state.calls):
        thread = state.threads[thread_id]
        if taken(state, thread) is not None or first(state, thread, a.Close) is not None:
            del state.calls[thread_id]
        elif message.author in thread.to:
            state.agenda.touch("thread", thread_id)


def _gazetteer(state: State, message: Message, act: a.Gazetteer) -> None:
    for place in act.places:
        state.places.setdefault(place.id, {})[message.author] = place


def _line_check(state: State, message: Message, act: a.LineCheck) -> None:
    take_check(state, message)


def _suspend(state: State, message: Message, act: a.Suspend) -> None:
    state.lines[message.line].suspensions.setdefault(message.author, []).append(message.id)
    state.agenda.touch("line", message.line)


def _resume(state: State, message: Message, act: a.Resume) -> None:
    state.agenda.touch("line", message.line)
    suspensions = state.lines[message.line].suspensions.get(message.author)
    if suspensions:
        thread = state.threads[suspensions[-1]]
        thread.acts.append(message)
        state.thread_of[message.id] = thread.id


def _positions(state: State, message: Message, act: a.Positions) -> None:
    for track in act.tracks:
        file_track(state, message, track)
        if reports_itself(track):
            state.aircraft.setdefault(message.author, set()).add(track.asset)


def reports_itself(track: Track) -> bool:
    """Whether a track is a flier's own position, sent or called in by itself, and so of its author's own aircraft."""
    return track.kind in FLYING and track.sensor in BY_ITSELF


def _declare_group(state: State, message: Message, act: a.DeclareGroup) -> None:
    for group in file_group(state, message, act.group):
        state.agenda.touch("group", name_of(group), EARLIEST)
    for thread_id in state.blocked_legs.get(act.group.plan or "", ()):
        state.agenda.touch("thread", thread_id)
    members = {member.asset for member in act.group.members}
    joined = [state.finding(key) for key in state.findings if key.startswith(f"{FindingKind.JOINER.value}:")]
    left = [each.subjects[0] for each in joined if each is not None and each.subjects[-1] in members]
    for group in concerned_by(state, left):
        state.agenda.touch("group", name_of(group))


def _declare_boundary(state: State, message: Message, act: a.DeclareBoundary) -> None:
    if too_many_boundaries(state, message, act.boundary.id):
        return
    state.boundaries.setdefault(act.boundary.id, {})[message.author] = message
    for group in state.groups:
        state.agenda.touch("group", name_of(group), EARLIEST)


def _coverage(state: State, message: Message, act: a.Coverage) -> None:
    state.ledger.declare(message.author, act.spans, message.id, message.said_at)


def _waiting(state: State, message: Message, act: a.Waiting) -> None:
    state.waiting_acts.setdefault(act.group, []).append(message)
    for group in concerned_by(state, (act.group,)):
        state.agenda.touch("group", name_of(group))


def _utm_change(state: State, message: Message, act: a.UtmChange) -> None:
    parts = state.attachments.pop(act.attached, None) if act.attached else None
    whole = unpacked(act, parts)
    state.utm.take(whole, message.id)
    state.utm.on_disk(act.number)
    if whole.pushed and message.recorded_at is not None:
        state.owing.owe(whole, message.recorded_at)


def _utm_exchange(state: State, message: Message, act: a.UtmExchange) -> None:
    state.owing.hear(act)
    if act.entity is not None:
        state.utm_messages.setdefault(act.entity, []).append(message.id)


def _attachment(state: State, message: Message, act: a.Attachment) -> None:
    state.attachments.setdefault(act.sha256, {})[act.part] = act.base64


def _noticed(state: State, message: Message, act: a.Noticed) -> None:
    if message.author == state.node_id and message.line == state.own_line:
        state.findings[act.finding.key] = message


_REGISTERS: dict[type, Callable[[State, Message, Any], None]] = {
    a.Enrol: _enrol,
    a.OpenLine: _open_line,
    a.Roster: _roster,
    a.Gazetteer: _gazetteer,
    a.LineCheck: _line_check,
    a.Suspend: _suspend,
    a.Resume: _resume,
    a.Positions: _positions,
    a.DeclareGroup: _declare_group,
    a.DeclareBoundary: _declare_boundary,
    a.Coverage: _coverage,
    a.Waiting: _waiting,
    a.Noticed: _noticed,
    a.UtmChange: _utm_change,
    a.UtmExchange: _utm_exchange,
    a.Attachment: _attachment,
}

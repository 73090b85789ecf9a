"""Requests to clear airspace that reach UTM services: the constraint each becomes, and where each intent in it stands.

A constraint tells; it is no order and no answer. What the services then do is read from what the party that stands for
them says of their plans. That a plan no longer meets the volume is a fact about a plan: where the aircraft is, only
tracks tell (`keepclear.line.clearing`).
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from keepclear.errors import Malformed
from keepclear.line.message import Message
from keepclear.line.procedure import cancelled_by, first
from keepclear.line.receipts import plan_of, versions
from keepclear.line.state import State, Thread
from keepclear.line.utm_outline import for_services
from keepclear.line.utm_plans import ROLE, shown, sourced
from keepclear.line.views import IntentView
from keepclear.model import acts as a
from keepclear.model.plans import Plan
from keepclear.model.utm import EntityKind, UtmVolume
from keepclear.utm.index import extent_of
from keepclear.utm.owing import succeeded
from keepclear.utm.past import manager_of
from keepclear.watch.clearance import affected

KIND = "keepclear.clear_request"
"""The type of such a constraint (F3548-21, ConstraintDetails)."""
INTENT = "intent."


def constraint_id(act_id: str) -> str:
    """The id of the constraint that a request becomes: a UUID that follows from the request's act."""
    digits = hashlib.sha256(f"constraint {act_id}".encode()).hexdigest()
    variant = "89ab"[int(digits[16], 16) % 4]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:32]}"


def standing_requests(state: State, line: str, party: str, now: datetime) -> Iterator[Thread]:
    """The real requests to a party that still ask for something: not cancelled, given back or over.

    One that the party refused is among them: it was asked, and nobody takes that back but the asker.
    """
    for thread_id in state.requests:
        thread = state.threads[thread_id]
        if thread.line == line and party in thread.to and asks(state, thread, now):
            yield thread


def asks(state: State, thread: Thread, now: datetime) -> bool:
    """Whether a request is real and still asks for something."""
    act = thread.opener.act
    return (
        isinstance(act, a.ClearRequest)
        and not thread.exercise
        and now < act.volume.window.ends_at
        and cancelled_by(state, thread) is None
        and first(state, thread, a.GiveBack) is None
    )


def asked_volume(thread: Thread) -> UtmVolume:
    """The volume of a request as a service would say it."""
    act = thread.opener.act
    if not isinstance(act, a.ClearRequest):
        raise TypeError(thread.kind)
    return for_services(act.volume)


def intents_in(state: State, thread: Thread) -> list[str]:
    """The ids of the intents that may meet the volume of a request, at the grain of the DSS.

    Where the volume is too large for that grain: all that there are.
    """
    try:
        return state.utm.places[EntityKind.INTENT].meeting(extent_of((asked_volume(thread),)))
    except Malformed:
        return sorted(state.utm.intents)


def intent_stands(state: State, thread: Thread, now: datetime) -> tuple[IntentView, ...]:
    """Of every intent whose plan met the volume of a request since it was made: where it stands at `now`.

    - `inside`: its plan meets the volume;
    - `changed`: it met it, and does not since its service changed it;
    - `ended`: its service ended it, or its time is over;
    - `unknown`: its aircraft is outside its plan or in an emergency, so the plan does not tell.

    Whoever holds the line's acts finds the same. Whether its service was told is known to the node that told it.
    """
    act = thread.opener.act
    if not isinstance(act, a.ClearRequest):
        return ()
    found = []
    for plan_id, notices in _plans_of(state, thread):
        for notice in notices:
            stands = _stands(state, thread, act, plan_id, notice, now)
            if stands is not None:
                found.append(stands)
    return tuple(sorted(found, key=lambda each: (each.plan, each.since)))


def told_of(state: State, request: str, service: str) -> tuple[str, datetime, str] | None:
    """How the first message that told a service of a request's constraint, and was taken, is on record: the act, when,
    and the outcome. None if there is none."""
    id = constraint_id(request)
    for act_id in state.utm_messages.get(id, ()):
        message = state.acts[act_id]
        said = message.act
        if isinstance(said, a.UtmExchange) and succeeded(said.outcome):
            managers = (manager_of(state, told.subscription) for told in said.told)
            if service in {shown(manager) for manager in managers if manager is not None}:
                return act_id, said.at, said.outcome
    return None


# ── inside ──


def _plans_of(state: State, request: Thread) -> Iterator[tuple[str, list[Thread]]]:
    for plan_id, threads in state.plan_threads.items():
        if plan_id.startswith(INTENT):
            held = (state.threads[each] for each in threads)
            notices = [
                each
                for each in held
                if each.line == request.line
                and each.author in request.to
                and not each.exercise
                and each.opener.role == ROLE
            ]
            if notices:
                yield plan_id, notices


def _stands(
    state: State, request: Thread, act: a.ClearRequest, plan_id: str, notice: Thread, now: datetime
) -> IntentView | None:
    asked_at = request.opener.at
    cancel = cancelled_by(state, notice)
    if cancel is not None and cancel.at < asked_at:
        return None
    plans = _by_change(versions(state, notice))
    before = [index for index, each in enumerate(plans) if each.at < asked_at]
    met = [index for index in range(max([0, *before[-1:]]), len(plans)) if _meets(act, plans[index].plan, asked_at)]
    if not met:
        return None
    _, evidence, plan = plans[-1]
    state_, since = "inside", plans[met[0]].at
    if cancel is not None:
        state_, since, evidence = "ended", cancel.at, cancel
    elif plan.window.ends_at <= now:
        state_, since = "ended", plan.window.ends_at
    elif sourced(plan.basis, "state") is not None:
        state_, since = "unknown", plans[-1].at
    elif met[-1] != len(plans) - 1:
        since, evidence, _ = plans[met[-1] + 1]
        state_ = "changed"
    service = sourced(plan.basis, "uss") or ""
    told = told_of(state, request.id, service)
    basis = evidence.said.basis or plan.basis
    return IntentView(
        plan=plan_id,
        thread=notice.id,
        party=notice.author,
        service=service,
        state=state_,
        since=since,
        act=evidence.id,
        change=sourced(basis, "change"),
        told_at=None if told is None else told[1],
        told_act=None if told is None else told[0],
        told_outcome=None if told is None else told[2],
    )


class _Version(NamedTuple):
    """A plan as one change of the ledger left it: when it was first said, and the act that says best what is known."""

    at: datetime
    message: Message
    plan: Plan


def _by_change(messages: Sequence[Message]) -> list[_Version]:
    """The versions of a plan that its service made: that more became known of one is not a change."""
    found: list[_Version] = []
    for message in messages:
        plan = plan_of(message)
        if plan is None:
            continue
        change = sourced(plan.basis, "change")
        if found and change is not None and change == sourced(found[-1].plan.basis, "change"):
            found[-1] = _Version(found[-1].at, message, plan)
        else:
            found.append(_Version(message.at, message, plan))
    return found


def _meets(act: a.ClearRequest, plan: Plan, at: datetime) -> bool:
    window = act.volume.window
    if plan.window.ends_at <= window.starts_at or window.ends_at <= plan.window.starts_at:
        return False
    return bool(affected(act.volume, (), {"": plan}, at))

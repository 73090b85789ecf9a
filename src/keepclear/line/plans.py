"""Plans in force, and what is said of their legs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

from msgspec.structs import replace

from keepclear.geometry.columns import Plans
from keepclear.line.message import Message
from keepclear.line.procedure import cancelled_by
from keepclear.line.receipts import in_force, plan_of, versions
from keepclear.line.state import State, Thread
from keepclear.model import acts as a
from keepclear.model.plans import Plan


def current_plan(state: State, thread: Thread) -> tuple[Message, Plan] | None:
    """The plan a notice now carries and the act it is in, whether its time is over or not; None for other threads."""
    message = in_force(state, thread)
    plan = plan_of(message)
    return None if plan is None else (message, plan)


def plans_in_force(state: State, now: datetime) -> Iterator[tuple[Thread, Message, Plan]]:
    """Every real plan that is neither cancelled nor over at `now`."""
    for thread_id, held in state.plans.items():
        if now < held.plan.window.ends_at:
            yield state.threads[thread_id], held.message, held.plan


def is_in_force(state: State, thread: Thread, now: datetime) -> bool:
    """Whether a notice is real, not cancelled, and its plan's time not over."""
    found = state.plans.get(thread.id)
    return found is not None and now < found.plan.window.ends_at


def columns(thread_id: str, plan: Plan) -> Plans:
    """A plan as the engine of conflicts takes it, called by its thread. Raises `Malformed` naming what is wrong."""
    return Plans.of(replace(plan, id=thread_id))


def reach(plan: Plan) -> tuple[datetime, datetime]:
    """From when to when a plan is anywhere, with the slack it allows itself."""
    starts = [volume.window.starts_at for volume in plan.volumes]
    ends = [volume.window.ends_at for volume in plan.volumes]
    way = plan.trajectory
    if way is not None:
        starts.append(way.waypoints[0].at - timedelta(seconds=way.early_s))
        ends.append(way.waypoints[-1].at + timedelta(seconds=way.late_s))
    return min(starts), max(ends)


def plans_by_id(state: State, plan_id: str) -> dict[str, tuple[Thread, Message, Plan]]:
    """By party: its real plan under an id, in force or not, as it last gave notice of it."""
    threads = [state.threads[thread_id] for thread_id in state.plan_threads.get(plan_id, ())]
    found: dict[str, tuple[Thread, Message, Plan]] = {}
    for thread in sorted(threads, key=lambda each: each.opener.order):
        current = None if thread.exercise else current_plan(state, thread)
        if current is not None:
            found[thread.author] = (thread, *current)
    return found


def plan_by_id(state: State, plan_id: str, author: str) -> tuple[Thread, Message, Plan] | None:
    """The plan under an id: `author`'s if it has one, else the one said first, by the time it was said."""
    known = plans_by_id(state, plan_id)
    return known.get(author) or next(iter(sorted(known.values(), key=lambda plan: plan[0].opener.order)), None)


def plans_blocked(state: State, thread: Thread, declarer: str | None = None) -> list[tuple[Thread, Message, Plan]]:
    """The plans that a blocked leg is said to be of, several parties having plans under one id.

    That of whoever says so; else of `declarer`, whose group follows it (None: of any party whose group follows it);
    else every party's.
    """
    act = thread.opener.act
    if not isinstance(act, a.LegBlocked):
        return []
    known = plans_by_id(state, act.plan)
    following = {party for party, _ in state.followers.get(act.plan, ())}
    for meant in ({thread.author}, following if declarer is None else {declarer}, set(known)):
        found = [plan for party, plan in known.items() if party in meant]
        if found:
            return found
    return []


def blocked_until(state: State, thread: Thread, now: datetime, declarer: str | None = None) -> datetime | None:
    """When a blocked leg ceased to matter; None while it does. Where several plans are meant, when it did for the last.

    For one plan: when that was corrected after the leg was said to be blocked, or cancelled, or its time over.
    """
    ceased = [_ceased(state, thread, plan, now) for plan in plans_blocked(state, thread, declarer)]
    known = [moment for moment in ceased if moment is not None]
    return max(known) if known and len(known) == len(ceased) else None


def _ceased(state: State, blocked: Thread, found: tuple[Thread, Message, Plan], now: datetime) -> datetime | None:
    notice, _, plan = found
    for version in versions(state, notice)[1:]:
        if version.said_at > blocked.opener.said_at:
            return version.at
    cancel = cancelled_by(state, notice)
    if cancel is not None:
        return cancel.at
    return plan.window.ends_at if now >= plan.window.ends_at else None

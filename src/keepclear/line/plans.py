"""Plans in force, and what is said of their legs."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta

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


def reach(plan: Plan) -> tuple[datetime, datetime]:
    """From when to when a plan is anywhere, with the slack it allows itself."""
    starts = [volume.window.starts_at for volume in plan.volumes]
    ends = [volume.window.ends_at for volume in plan.volumes]
    way = plan.trajectory
    if way is not None:
        starts.append(way.waypoints[0].at - timedelta(seconds=way.early_s))
        ends.append(way.waypoints[-1].at + timedelta(seconds=way.late_s))
    return min(starts), max(ends)


def plan_by_id(state: State, plan_id: str, author: str | None = None) -> tuple[Thread, Message, Plan] | None:
    """The plan under an id: `author`'s if it has one, else that of whoever gave notice first by this record."""
    threads = [state.threads[thread_id] for thread_id in state.plan_threads.get(plan_id, ())]
    real = [thread for thread in threads if not thread.exercise]
    wanted = [thread for thread in real if thread.author == author] or [
        thread for thread in real if thread.author == real[0].author
    ]
    if not wanted:
        return None
    found = current_plan(state, wanted[-1])
    return None if found is None else (wanted[-1], *found)


def blocked_until(state: State, thread: Thread, now: datetime) -> datetime | None:
    """When a blocked leg ceased to matter: the plan was corrected after it was said, cancelled, or its time over."""
    act = thread.opener.act
    found = plan_by_id(state, act.plan) if isinstance(act, a.LegBlocked) else None
    if found is None:
        return None
    notice, _, plan = found
    for version in versions(state, notice)[1:]:
        if version.said_at > thread.opener.said_at:
            return version.at
    cancel = cancelled_by(state, notice)
    if cancel is not None:
        return cancel.at
    return plan.window.ends_at if now >= plan.window.ends_at else None

"""Plans that come nearer than their separation: one finding for each pair of plans in force that this node knows of.

A new or corrected plan is held once against all others; what was found is remembered by the acts that carry the two
plans, and is a note only: a fold makes it again.
"""

from __future__ import annotations

from datetime import timedelta

from keepclear.conflict.detect import Breach, conflicts
from keepclear.conflict.separation import minimum
from keepclear.line.message import Message
from keepclear.line.noticing import Noticing, finding
from keepclear.line.plans import current_plan, is_in_force, plans_in_force
from keepclear.line.state import Thread
from keepclear.model.findings import Finding, FindingKind
from keepclear.model.plans import Plan, PlanKind
from keepclear.model.times import Window

Known = tuple[Thread, Message, Plan]

FLOWN = (PlanKind.FLIGHT, PlanKind.OBSERVATION)


def is_flown(thread: Thread) -> bool:
    """Whether any version of a notice is of a flight or an observation."""
    plans = (getattr(message.act, "plan", None) for message in thread.acts)
    return any(isinstance(plan, Plan) and plan.kind in FLOWN for plan in plans)


def conflict_findings(noticing: Noticing, thread: Thread) -> None:
    """Conflicts of the plan of one notice with every other plan in force."""
    state, now = noticing.state, noticing.now
    met = state.conflicts.get(thread.id)
    found = current_plan(state, thread)
    here = None if found is None or not is_in_force(state, thread, now) else (thread, *found)
    version = None if here is None else here[1].id
    if met is None or met[0] != version:
        with_whom = {} if here is None else _against_all(noticing, here)
        for before in [] if met is None else met[1]:
            with_whom.setdefault(before, ())
        met = state.conflicts[thread.id] = (version, with_whom)
    for other_id, breaches in met[1].items():
        other = state.threads[other_id]
        key = _key(thread, other)
        lasting = [breach for breach in breaches if breach.ends_at > now]
        there = current_plan(state, other)
        if here is None or there is None or not is_in_force(state, other, now) or not lasting:
            noticing.notice(key, None)
            continue
        noticing.look_at(min(breach.ends_at for breach in lasting))
        noticing.notice(key, _found(key, here, (other, *there), lasting))


def _against_all(noticing: Noticing, here: Known) -> dict[str, tuple[Breach, ...]]:
    thread, _, plan = here
    state, now = noticing.state, noticing.now
    met: dict[str, tuple[Breach, ...]] = {}
    for other, other_message, other_plan in plans_in_force(state, now):
        if other.id == thread.id or _same_matter(thread, plan, other, other_plan):
            continue
        breaches: tuple[Breach, ...] = ()
        if _together(plan, other_plan):
            breaches = conflicts(plan, other_plan, minimum(plan.kind, other_plan.kind))
        if breaches:
            met[other.id] = breaches
        known = state.conflicts.get(other.id)
        if known is not None and known[0] == other_message.id and (breaches or thread.id in known[1]):
            known[1][thread.id] = breaches
    return met


def _same_matter(thread: Thread, plan: Plan, other: Thread, other_plan: Plan) -> bool:
    """Whether two plans speak of the same mover: one party's under one id, or for one group, or sharing an asset."""
    if thread.author == other.author and plan.id == other_plan.id:
        return True
    if plan.group is not None and plan.group == other_plan.group:
        return True
    return bool(set(plan.assets) & set(other_plan.assets))


def _together(plan: Plan, other: Plan) -> bool:
    """Whether two plans overlap in time at all, with the slack that each allows itself."""
    one, two = _reach(plan), _reach(other)
    return one.starts_at < two.ends_at and two.starts_at < one.ends_at


def _reach(plan: Plan) -> Window:
    starts = [plan.window.starts_at, *(volume.window.starts_at for volume in plan.volumes)]
    ends = [plan.window.ends_at, *(volume.window.ends_at for volume in plan.volumes)]
    way = plan.trajectory
    if way is not None:
        starts.append(way.waypoints[0].at - timedelta(seconds=way.early_s))
        ends.append(way.waypoints[-1].at + timedelta(seconds=way.late_s))
    return Window(starts_at=min(starts), ends_at=max(ends))


def _key(thread: Thread, other: Thread) -> str:
    return ":".join((FindingKind.CONFLICT.value, *sorted((thread.id[:16], other.id[:16]))))


def _found(key: str, one: Known, other: Known, breaches: list[Breach]) -> Finding:
    first, second = sorted((one, other), key=lambda known: known[0].id)
    worst = min(breaches, key=lambda breach: breach.margin_m)
    return finding(
        FindingKind.CONFLICT,
        key,
        breaches[0].starts_at,
        (first[2].id, second[2].id),
        thread=first[0].id,
        values={
            "reason": worst.reason.value,
            "breaches": float(len(breaches)),
            "starts_at": worst.starts_at.isoformat(),
            "ends_at": worst.ends_at.isoformat(),
            "nearest_at": worst.nearest_at.isoformat(),
            "horizontal_m": worst.horizontal_m,
            "vertical_m": worst.vertical_m,
            "margin_m": worst.margin_m,
            "lat_deg": worst.lat_deg,
            "lon_deg": worst.lon_deg,
        },
        evidence=(first[1].id, second[1].id),
        synthetic=any(breach.synthetic for breach in breaches),
    )

"""Plans that come nearer than their separation: one finding for each pair of plans in force that this node knows of.

A new or corrected plan is held once against all others; what was found is remembered by the acts that carry the two
plans, and is a note only: a fold makes it again.
"""

from __future__ import annotations

from datetime import datetime

from keepclear.conflict.breaches import Breach
from keepclear.line.message import Message
from keepclear.line.noticing import Noticing, finding
from keepclear.line.plans import columns, is_in_force
from keepclear.line.state import State, Thread
from keepclear.model.findings import Finding, FindingKind
from keepclear.model.plans import Plan
from keepclear.watch.clearance import FLOWN

Known = tuple[Thread, Message, Plan]


def is_flown(thread: Thread) -> bool:
    """Whether any version of a notice is of a flight or an observation."""
    plans = (getattr(message.act, "plan", None) for message in thread.acts)
    return any(isinstance(plan, Plan) and plan.kind in FLOWN for plan in plans)


def conflict_findings(noticing: Noticing, thread: Thread) -> None:
    """Conflicts of the plan of one notice with every other plan in force."""
    state, now = noticing.state, noticing.now
    met = state.conflicts.get(thread.id)
    here = _held(state, thread, now)
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
        there = _held(state, other, now)
        if here is None or there is None or not lasting:
            noticing.notice(key, None)
            continue
        noticing.look_at(min(breach.ends_at for breach in lasting))
        noticing.notice(key, _found(key, here, there, lasting))


def _held(state: State, thread: Thread, now: datetime) -> Known | None:
    if not is_in_force(state, thread, now):
        return None
    held = state.plans[thread.id]
    return thread, held.message, held.plan


def _against_all(noticing: Noticing, here: Known) -> dict[str, tuple[Breach, ...]]:
    """The breaches of one plan with each other, by thread; what the others know of it is brought up to date as well."""
    thread, _, plan = here
    state, now = noticing.state, noticing.now
    found = {each.b: each.breaches for each in state.air.check(columns(thread.id, plan))}
    met: dict[str, tuple[Breach, ...]] = {}
    for other_id, breaches in found.items():
        other = state.plans[other_id]
        if now < other.plan.window.ends_at and not _same_matter(thread, plan, state.threads[other_id], other.plan):
            met[other_id] = breaches
    for other_id, (version, with_whom) in state.conflicts.items():
        held = state.plans.get(other_id)
        if (other_id in met or thread.id in with_whom) and held is not None and version == held.message.id:
            with_whom[thread.id] = met.get(other_id, ())
    return met


def _same_matter(thread: Thread, plan: Plan, other: Thread, other_plan: Plan) -> bool:
    """Whether two plans of one party speak of the same mover: under one id, for one group, or sharing an asset.

    What another party calls its group or asset hides no conflict with it.
    """
    if thread.author != other.author:
        return False
    if plan.id == other_plan.id:
        return True
    if plan.group is not None and plan.group == other_plan.group:
        return True
    return bool(set(plan.assets) & set(other_plan.assets))


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
        synthetic=not (first[2].basis.is_fact and second[2].basis.is_fact),
    )

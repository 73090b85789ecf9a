"""Who is affected by a request to clear airspace, and who was still inside at T0 (the residual).

Both are computed for one addressed party from what the node that hosts it holds: the party's flight and observation
plans in force, and the tracks of its own aircraft. An aircraft is a party's own if the party reported its position as
sent or called in by the aircraft itself, or named it in such a plan. What another party's sensors say of it can add it
to those inside, or make its whereabouts a doubt, never clear it.
"""

from __future__ import annotations

from datetime import datetime

from msgspec.structs import replace

from keepclear.line.plans import plans_in_force
from keepclear.line.reports import others_reports, own_reports
from keepclear.line.state import State, Thread
from keepclear.line.timings import RESIDUAL_GAP_S
from keepclear.line.utm_requests import intent_stands
from keepclear.line.views import IntentView
from keepclear.model import acts as a
from keepclear.model.findings import FindingKind
from keepclear.model.plans import Plan
from keepclear.model.volumes import Volume
from keepclear.watch.clearance import FLOWN, Affected, affected, residual
from keepclear.watch.history import History


def volume_of(thread: Thread) -> Volume:
    """The volume a request asks to be cleared."""
    act = thread.opener.act
    if not isinstance(act, a.ClearRequest):
        raise TypeError(thread.kind)
    return act.volume


def flying_plans(state: State, party: str, now: datetime) -> dict[str, Plan]:
    """The flight and observation plans of a party in force, by the act that carries each."""
    return {
        message.id: plan
        for thread, message, plan in plans_in_force(state, now)
        if thread.author == party and plan.kind in FLOWN
    }


def own_aircraft(state: State, party: str) -> dict[str, History]:
    """A party's own reports of its own aircraft, by asset id; of those it ever reported."""
    own = ((asset, own_reports(state, asset, party)) for asset in sorted(state.aircraft.get(party, ())))
    return {asset: history for asset, history in own if history is not None}


def aircraft_by_others(state: State, party: str) -> dict[str, list[History]]:
    """What others report of a party's own aircraft, by asset id."""
    return {asset: others_reports(state, asset, party) for asset in sorted(state.aircraft.get(party, ()))}


def affected_now(state: State, thread: Thread, party: str, now: datetime) -> list[Affected]:
    """The party's aircraft that the requested volume concerns, with why and on what acts."""
    others = (history for each in aircraft_by_others(state, party).values() for history in each)
    reports = (*own_aircraft(state, party).values(), *others)
    return affected(volume_of(thread), reports, flying_plans(state, party, now), now)


def name_of(each: Affected) -> str:
    """The asset affected, or, where a plan names none, the plan: both are answered for by their id."""
    return each.asset or each.plan or ""


def affected_ever(
    state: State, thread: Thread, party: str, now: datetime, seen: list[Affected] | None = None
) -> tuple[str, ...]:
    """All that are affected now or were found so before: one that has left since is still to be answered for.

    `seen`: those affected now, if they are known already.
    """
    here = affected_now(state, thread, party, now) if seen is None else seen
    assets = dict.fromkeys(name_of(each) for each in here)
    found = state.finding(affected_key(thread, party))
    if found is not None:
        assets.update(dict.fromkeys(subject for subject in found.subjects if subject != party))
    return tuple(sorted(assets))


def residual_now(state: State, request_id: str, party: str, now: datetime) -> tuple[a.ResidualItem, ...]:
    """Where each affected aircraft of a party was at T0, as far as tracks tell by now: what a Done must carry.

    KeyError if there is no such request. An aircraft that no two reports place around T0 is unknown, never outside.
    That a UTM service changed or ended its plan is among the evidence, and makes no aircraft known.
    """
    thread = state.threads[request_id]
    assets = affected_ever(state, thread, party, now)
    items = residual(
        volume_of(thread),
        assets,
        own_aircraft(state, party),
        others=aircraft_by_others(state, party),
        max_gap_s=RESIDUAL_GAP_S,
        since=thread.opener.said_at,
    )
    stands = {each.plan: each for each in intent_stands(state, thread, now) if each.party == party}
    return tuple(_with_plan(item, stands.get(item.asset)) for item in items)


def _with_plan(item: a.ResidualItem, stands: IntentView | None) -> a.ResidualItem:
    if stands is None:
        return item
    said = (stands.act,) if stands.change is None else (stands.act, stands.change)
    return replace(item, evidence=tuple(dict.fromkeys((*item.evidence, *said))))


def not_listed(state: State, thread: Thread, party: str, done: a.Done, now: datetime) -> list[str]:
    """The affected aircraft that a report leaves out of its residual."""
    listed = {item.asset for item in done.residual}
    return [asset for asset in affected_ever(state, thread, party, now) if asset not in listed]


def affected_key(thread: Thread, party: str) -> str:
    """The key of the finding that names who is affected."""
    return f"{FindingKind.AFFECTED.value}:{thread.id[:16]}:{party}"

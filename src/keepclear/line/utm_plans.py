"""What UTM services plan, as plans on a line: said once by the party that stands for them, corrected, and taken back.

Each operational intent is a plan of flight under `intent.<id>`, each constraint of another service a closure under
`constraint.<id>`. What is owed follows from the record alone, so a restart says nothing twice. A plan is a claim of its
service: nobody has checked it, and the line shows whose it is, and by which change of the ledger it came.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from msgspec.structs import replace

from keepclear.errors import Malformed
from keepclear.geometry.earth import bearing_deg, distance_m
from keepclear.geometry.grids import MGRS_NORTH_DEG, MGRS_SOUTH_DEG, to_gars, to_mgrs
from keepclear.geometry.passage import within
from keepclear.line.plans import current_plan
from keepclear.line.procedure import cancelled_by
from keepclear.line.sound import check_names, check_sound
from keepclear.line.state import State, Thread
from keepclear.line.utm_outline import Outline, around, circle_around, exactly
from keepclear.model import acts as a
from keepclear.model.base import Name, Words, hidden_in
from keepclear.model.basis import Basis, BasisKind
from keepclear.model.places import PlaceNames
from keepclear.model.plans import Plan, PlanKind
from keepclear.model.times import Window
from keepclear.model.utm import IntentState, UtmConstraint, UtmIntent, UtmVolume
from keepclear.model.volumes import AltitudeBand, Circle, Volume

ROLE = "utm bridge"
GROUP = "utm.services"
"""All these plans are of one group, so they are not held against each other: services do that among themselves, and by
another measure than this line's separation (F3548-21, strategic coordination)."""
MOST_PLANS = 500
"""Plans the party has in force on the line by this machine; beyond them only what a request concerns is said."""
AT_MOST_EVERY = timedelta(seconds=2)
"""A plan is corrected, or said again, no sooner after it was last said: a service may change its mind faster."""
MAX_PLAN_BYTES = 40_000
"""Of JSON: what leaves room for the rest of an envelope."""
_TITLES = {
    "intent": ("Drone operation", "عملية مسيّرة"),
    "constraint": ("Constraint", "قيد"),
}
_STATES = {
    IntentState.NONCONFORMING: ("outside its plan", "خارج خطتها"),
    IntentState.CONTINGENT: ("in an emergency", "في حالة طوارئ"),
}
_VOLUMES = {
    "details": ("Volumes: its details.", "الحجوم: تفاصيلها."),
    "reference": (
        "Volumes: what it gave the DSS, which contain it.",
        "الحجوم: ما قدّمته إلى خدمة التنسيق، وهي تحتويها.",
    ),
    "outline": ("Volumes: an outline around it.", "الحجوم: إطار يحيط بها."),
}
ENDED = "Its service has ended it. · أنهته خدمته."
AWAY = "It is no longer in the area of this line. · لم يعد في منطقة هذا الخط."
CHANGED = "Its service has changed it. · غيّرته خدمته."
KNOWN = "More is known of where it is. · عُرف المزيد عن مكانه."

_encode = msgspec.json.Encoder().encode


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is said on which line: by the hosted `party` that stands for UTM services there, of what meets `area` and
    begins within `ahead`. `place` is what the middle of the area is called. `manager` is this node's own service.
    """

    line: str
    party: str
    area: Circle
    place: Name
    ahead: timedelta
    manager: str


@dataclass(frozen=True, slots=True)
class Owed:
    """What is to be said of one entity now, and when to look again whatever happens."""

    said: a.Said | None = None
    again_at: datetime | None = None


NOTHING = Owed()


def plan_id(entity: UtmIntent | UtmConstraint) -> str:
    """The id of its plan on the line."""
    return f"{'intent' if isinstance(entity, UtmIntent) else 'constraint'}.{entity.id}"


def owed(
    state: State,
    terms: Terms,
    plan: str,
    details: Sequence[UtmVolume] | None,
    now: datetime,
    *,
    requested: bool = False,
) -> Owed:
    """What the party owes the line of the entity behind a plan id.

    `details` are its exact volumes, None if this node does not know them. `requested`: a request to clear airspace
    concerns it, so it is said whatever the area, the time and the number of plans.
    """
    kind, _, id = plan.partition(".")
    entity = state.utm.intents.get(id) if kind == "intent" else state.utm.constraints.get(id)
    thread = _thread(state, terms, plan)
    held = None if thread is None or cancelled_by(state, thread) is not None else current_plan(state, thread)
    if held is not None and held[1].window.ends_at <= now:
        held = None
    if isinstance(entity, UtmConstraint) and entity.manager == terms.manager:
        entity = None
    if entity is None:
        return NOTHING if thread is None or held is None else _cancel(state, thread, held[1], ENDED)
    if held is None and not requested and not _may_concern(terms, entity.volumes, now):
        return NOTHING
    change = state.utm.history[id][-1]
    wanted = plan_for(terms, entity, details, change)
    again_at = wanted.window.starts_at - terms.ahead
    if wanted.window.ends_at <= now:
        return NOTHING if thread is None or held is None else _cancel(state, thread, held[1], ENDED)
    if not requested and not any(within(each.area, terms.area, 0.0) for each in wanted.volumes):
        return NOTHING if thread is None or held is None else _cancel(state, thread, held[1], AWAY)
    if held is None or thread is None:
        if not requested and again_at > now:
            return Owed(again_at=again_at)
        if not requested and _in_force(state, terms, now) >= MOST_PLANS:
            return Owed(again_at=now + timedelta(minutes=1))
        to = tuple(member for member in state.members(terms.line) if member != terms.party)
        return _no_sooner(state, thread, a.Notice(to=to, plan=wanted), wanted.basis, now)
    if _same(held[1], wanted, details is None):
        return NOTHING
    known_better = sourced(held[1].basis, "change") == change
    reason = Words(text=KNOWN if known_better else CHANGED, lang="en")
    return _no_sooner(state, thread, a.Correction(re=thread.id, plan=wanted, reason=reason), wanted.basis, now)


def plan_for(terms: Terms, entity: UtmIntent | UtmConstraint, details: Sequence[UtmVolume] | None, change: str) -> Plan:
    """The plan of an entity as the ledger's change (an act) left it; one that the line takes, whatever was said."""
    volumes = entity.volumes if details is None else tuple(details)
    named = "reference" if details is None else "details"
    drawn = exactly(volumes)
    if drawn is not None:
        plan = _plan(terms, entity, drawn, named if drawn.whole else "outline", change)
        if _fits(plan):
            return plan
    return _plan(terms, entity, around(volumes, terms.area), "outline", change)


def sourced(basis: Basis | None, what: str) -> str | None:
    """What a plan by this machine, or the end of one, says of where it comes from.

    `uss`: the service whose claim it is; `volumes`: `details`, `reference` or `outline`; `change`: the act of the
    ledger's change it came by; `state`: of what is outside its plan, or in an emergency, the standard's word for it.
    """
    found = (each.partition(":") for each in (basis.sources if basis else ()))
    return next((value for name, _, value in found if name == what), None)


# ── inside ──


def _plan(terms: Terms, entity: UtmIntent | UtmConstraint, drawn: Outline, named: str, change: str) -> Plan:
    intent = isinstance(entity, UtmIntent)
    volumes = drawn.volumes
    title = _TITLES["intent" if intent else "constraint"]
    state = _STATES.get(entity.state) if isinstance(entity, UtmIntent) else None
    service = shown(entity.manager)
    tail = ("", "") if state is None else tuple(f", {each}" for each in state)
    return Plan(
        id=plan_id(entity),
        kind=PlanKind.FLIGHT if intent else PlanKind.CLOSURE,
        name=Name(
            en=f"{title[0]} {entity.id[:8]} ({service}){tail[0]}", ar=f"{title[1]} {entity.id[:8]} ({service}){tail[1]}"
        ),
        window=Window(
            starts_at=min(each.window.starts_at for each in volumes),
            ends_at=max(each.window.ends_at for each in volumes),
        ),
        band=AltitudeBand(
            lower_wgs84_m=min(each.band.lower_wgs84_m for each in volumes),
            upper_wgs84_m=max(each.band.upper_wgs84_m for each in volumes),
        ),
        volumes=volumes,
        names=(_names(terms, volumes[0]),),
        group=GROUP,
        basis=Basis(
            kind=BasisKind.DECLARED,
            note=Name(
                en=f"Claimed by the UTM service {service}; not checked here. {_VOLUMES[named][0]}",
                ar=f"تصرّح بها خدمة حركة المسيّرات {service}؛ لم يُتحقق منها هنا. {_VOLUMES[named][1]}",
            ),
            sources=(
                f"uss:{service}",
                f"volumes:{named}",
                f"change:{change}",
                *((f"state:{entity.state.value}",) if state is not None and isinstance(entity, UtmIntent) else ()),
            ),
        ),
    )


def _names(terms: Terms, volume: Volume) -> PlaceNames:
    area = volume.area
    where = area.centre if isinstance(area, Circle) else area.vertices[0]
    middle = terms.area.centre
    polar = not MGRS_SOUTH_DEG <= where.lat_deg <= MGRS_NORTH_DEG
    return PlaceNames(
        grid=(to_gars if polar else to_mgrs)(where.lat_deg, where.lon_deg),
        nearest=terms.place,
        bearing_deg=bearing_deg(middle.lat_deg, middle.lon_deg, where.lat_deg, where.lon_deg),
        distance_m=min(distance_m(middle.lat_deg, middle.lon_deg, where.lat_deg, where.lon_deg), 2_000_000.0),
    )


def shown(manager: str) -> str:
    """The name of a service as it may stand in a text."""
    return "".join("?" if char == "\n" or hidden_in(char) else char for char in manager[:60])


def _may_concern(terms: Terms, volumes: Sequence[UtmVolume], now: datetime) -> bool:
    """Whether it is worth a closer look, at a hundredth of its cost: what is over or far away is not."""
    if all(each.ends_at is not None and each.ends_at <= now for each in volumes):
        return False
    circle = circle_around(volumes)
    return circle is None or within(circle, terms.area, 0.0)


def _fits(plan: Plan) -> bool:
    if len(_encode(plan)) > MAX_PLAN_BYTES:
        return False
    notice = a.Notice(to=("x",), plan=plan)
    try:
        check_sound(notice)
        check_names(notice)
    except Malformed:
        return False
    return True


def _thread(state: State, terms: Terms, plan: str) -> Thread | None:
    """The last notice of this plan by the party on the line."""
    threads = (state.threads[each] for each in state.plan_threads.get(plan, ()))
    own = [each for each in threads if each.author == terms.party and each.line == terms.line and not each.exercise]
    return max(own, key=lambda each: each.opener.seq, default=None)


def _same(held: Plan, wanted: Plan, details_unknown: bool) -> bool:
    """Whether nothing is new: neither where and when it is, nor its state, nor how well that is known."""
    kept_details = sourced(held.basis, "volumes") == "details" and _same_in(held, wanted, "change")
    if details_unknown and kept_details:
        return True  # the details of this version were known when it was said
    return replace(held, basis=wanted.basis) == wanted and _same_in(held, wanted, "uss", "volumes", "state")


def _same_in(held: Plan, wanted: Plan, *names: str) -> bool:
    return all(sourced(held.basis, name) == sourced(wanted.basis, name) for name in names)


def _in_force(state: State, terms: Terms, now: datetime) -> int:
    return sum(
        held.message.author == terms.party and held.message.line == terms.line and held.plan.window.ends_at > now
        for held in state.plans.values()
    )


def _cancel(state: State, thread: Thread, plan: Plan, reason: str) -> Owed:
    history = state.utm.history.get(plan.id.partition(".")[2])
    sources = (*plan.basis.sources[:1], *((f"change:{history[-1]}",) if history else ()))
    act = a.Cancel(re=thread.id, reason=Words(text=reason, lang="en"))
    return Owed(_said(thread, act, replace(plan.basis, sources=sources)))


def _no_sooner(state: State, thread: Thread | None, act: a.Act, basis: Basis, now: datetime) -> Owed:
    if thread is not None:
        last = max(message.at for message in thread.acts if message.author == thread.author)
        if now < last + AT_MOST_EVERY:
            return Owed(again_at=last + AT_MOST_EVERY)
    return Owed(_said(thread, act, basis))


def _said(thread: Thread | None, act: a.Act, basis: Basis) -> a.Said:
    """The act with a draft that follows from it and from what the party last said of this plan: it is said once."""
    before = "" if thread is None else [each.id for each in thread.acts if each.author == thread.author][-1]
    draft = hashlib.sha256(f"utm {before} ".encode() + _encode(act)).hexdigest()[:32]
    return a.Said(role=ROLE, act=act, basis=basis, draft=draft)

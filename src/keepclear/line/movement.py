"""How groups stand, and what is to be noticed of them: late, off route, halted, waiting, split, lost, met, near a line.

A group waits if somebody says so, or if it stands while a leg of its plan is blocked or a request about its plan is
unanswered; it waits until it has moved. Waiting is the most exposed state of a convoy, so it is a state of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from keepclear.geometry.earth import distance_m
from keepclear.line.message import Message
from keepclear.line.noticing import Noticing, finding
from keepclear.line.plans import blocked_until, plan_by_id
from keepclear.line.standing import standing
from keepclear.line.state import State
from keepclear.line.timings import ENCOUNTER_GAP_S, ENCOUNTER_NEAR_M, LOOK_BACK
from keepclear.model import acts as a
from keepclear.model.boundaries import Boundary
from keepclear.model.findings import FigureValue, Finding, FindingKind
from keepclear.model.groups import Group
from keepclear.model.plans import Plan
from keepclear.watch.boundary import BoundaryWatch, is_out_of_reach, watch_boundary
from keepclear.watch.cohesion import FLYING, cohesion
from keepclear.watch.encounter import Encounter, encounters
from keepclear.watch.history import History
from keepclear.watch.progress import Progress, assess

PAIR = "|"
Figures = dict[str, FigureValue]
ARRIVED_SHARE = 0.98
"""Of its route: how far a group must have come for standing still to mean that it has arrived."""


class Declared(NamedTuple):
    """A group as its first declarer last declared it, and the act."""

    group: Group
    message: Message


class Waits(NamedTuple):
    """That a group waits: since when, for what (the words of whoever said so, or a code), by which acts."""

    since: datetime
    waits_for: str
    said: bool
    acts: tuple[str, ...]


class Stand(NamedTuple):
    """How a group stands: unknown, moving, halted, waiting, lost_contact or split, and since when that is known."""

    state: str
    since: datetime | None
    waits: Waits | None
    progress: Progress
    plan: Plan | None


# ── groups ───────────────────────────────────────────────────────────────────────────────────────────────────────────


def declarations(state: State, group_id: str) -> list[Declared]:
    """Every declaration of a group by whoever declared it first, in that party's order."""
    acts = state.group_acts.get(group_id, [])
    return [Declared(m.act.group, m) for m in acts if m.author == acts[0].author and isinstance(m.act, a.DeclareGroup)]


def declared(state: State, group_id: str) -> Declared | None:
    """A group as last declared; None if it never was."""
    found = declarations(state, group_id)
    return found[-1] if found else None


def offspring(state: State, group_id: str) -> list[Declared]:
    """The groups said to have split from a group, in the order declared here."""
    found = (declared(state, other) for other in state.group_acts if other != group_id)
    return [each for each in found if each is not None and each.group.split_from == group_id]


def dissolved_at(state: State, group_id: str) -> datetime | None:
    """When a group ceased to be: all its members are in groups that split from it."""
    own = declared(state, group_id)
    parts = offspring(state, group_id)
    if own is None or not parts:
        return None
    gone = {member.asset for part in parts for member in part.group.members}
    if any(member.asset not in gone for member in own.group.members):
        return None
    return max(part.message.at for part in parts)


def assets(group: Group) -> set[str]:
    """The members' asset ids."""
    return {member.asset for member in group.members}


def histories_of(state: State, group: Group) -> list[History]:
    """What is known of the members, of those that were ever reported."""
    return [state.histories[member.asset] for member in group.members if member.asset in state.histories]


def groups_of(state: State, asset: str) -> Iterator[str]:
    """The groups that new positions of an asset concern: its own; of a vehicle of no group, every one it may join."""
    history = state.histories[asset]
    own = [group_id for group_id in state.group_acts if _is_member(state, group_id, asset)]
    yield from own if own or history.kind in FLYING else list(state.group_acts)


def pairs_of(state: State, group_id: str) -> Iterator[str]:
    """The pairs in which a group can meet another: no member in common, and not split from one another or from one."""
    own = declared(state, group_id)
    if own is None or dissolved_at(state, group_id) is not None:
        return
    for other_id in state.group_acts:
        other = declared(state, other_id)
        if other is None or other_id == group_id or dissolved_at(state, other_id) is not None:
            continue
        kin = {own.group.split_from, group_id} & {other.group.split_from, other_id} - {None}
        if not kin and not assets(own.group) & assets(other.group):
            yield PAIR.join(sorted((group_id, other_id)))


# ── how it stands ────────────────────────────────────────────────────────────────────────────────────────────────────


def stand(state: State, own: Declared, now: datetime) -> Stand:
    """How a group stands at `now`, by its reports and by what is said of it."""
    group = own.group
    known = plan_by_id(state, group.plan, own.message.author) if group.plan is not None else None
    plan = None if known is None else known[2]
    progress = assess(group, None if plan is None else plan.trajectory, state.histories, now)
    split_at = dissolved_at(state, group.id)
    waits = None if split_at is not None else why_waiting(state, group, progress, now)
    if split_at is not None:
        return Stand("split", split_at, None, progress, plan)
    if waits is not None and (waits.said or progress.lost_contact_since is None):
        return Stand("waiting", waits.since, waits, progress, plan)
    if progress.lost_contact_since is not None:
        return Stand("lost_contact", progress.lost_contact_since, waits, progress, plan)
    if progress.halted_since is not None:
        return Stand("halted", progress.halted_since, waits, progress, plan)
    return Stand("moving" if progress.moving else "unknown", None, waits, progress, plan)


def why_waiting(state: State, group: Group, progress: Progress, now: datetime) -> Waits | None:
    """Whether a group waits, by the rule at the head of this file."""
    for message in reversed(state.waiting_acts.get(group.id, [])):
        act = message.act
        if isinstance(act, a.Waiting) and not _moved_since(state, group, act.since, progress, now):
            return Waits(act.since, act.waits_for, True, (message.id,))
    if progress.halted_since is None or group.plan is None:
        return None
    for thread_id in state.blocked_legs.get(group.plan, ()):
        thread = state.threads[thread_id]
        if not thread.exercise and blocked_until(state, thread, now) is None:
            return Waits(progress.halted_since, "leg_blocked", False, (thread_id, *progress.acts))
    for thread_id in state.requests:
        thread = state.threads[thread_id]
        act = thread.opener.act
        if isinstance(act, a.ClearRequest) and act.plan == group.plan and not thread.exercise:
            stands = standing(state, thread, now)
            if stands.status == "waiting":
                since = max(progress.halted_since, stands.since)
                return Waits(since, "answer", False, (thread_id, *progress.acts))
    return None


def nearness(
    state: State, group: Group, boundary: Boundary, now: datetime, since: datetime | None = None
) -> BoundaryWatch:
    """How near a group came to one version of a boundary, by all its reports up to `now`, or those from `since`."""
    return watch_boundary(histories_of(state, group), boundary, now, max_gap_s=group.silent_after_s, since=since)


# ── findings ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def group_findings(noticing: Noticing, group_id: str, since: datetime | None) -> None:
    """Everything to be noticed of one group, something new being known of the time from `since` on (None: nothing)."""
    state, now = noticing.state, noticing.now
    own = declared(state, group_id)
    if own is None:
        return
    stands = stand(state, own, now)
    over = stands.state == "split"
    evidence = (own.message.id, *stands.progress.acts)
    _standing_findings(noticing, own.group, stands, evidence)
    _route_findings(noticing, own.group, stands, evidence)
    _cohesion_findings(noticing, own.group, over)
    if since is not None or over:
        for boundary_id, versions in state.boundaries.items():
            for author, message in versions.items():
                _boundary_findings(noticing, own.group, boundary_id, author, message, over, since or now)
    _declared_split(noticing, own)
    last = stands.progress.last_report_at
    if last is not None:
        for seconds in (own.group.halted_after_s, own.group.silent_after_s):
            noticing.look_at(last + timedelta(seconds=seconds, milliseconds=1))


def _standing_findings(noticing: Noticing, group: Group, stands: Stand, evidence: tuple[str, ...]) -> None:
    progress, waits = stands.progress, stands.waits
    over = stands.state == "split" or _arrived(progress)
    place = _place(progress)
    _notice(
        noticing,
        FindingKind.HALTED,
        (group.id,),
        None if over else progress.halted_since,
        place,
        evidence,
        progress.synthetic,
    )
    _notice(
        noticing,
        FindingKind.WAITING,
        (group.id,),
        None if waits is None else waits.since,
        {"waits_for": waits.waits_for, "said": waits.said, **place} if waits is not None else {},
        evidence if waits is None else (*evidence, *waits.acts),
        progress.synthetic,
    )
    _notice(
        noticing,
        FindingKind.LOST_CONTACT,
        (group.id,),
        None if stands.state == "split" else progress.lost_contact_since,
        place,
        evidence,
        progress.synthetic,
    )


def _route_findings(noticing: Noticing, group: Group, stands: Stand, evidence: tuple[str, ...]) -> None:
    progress, plan = stands.progress, stands.plan
    on = plan is not None and stands.state != "split" and plan.window.starts_at <= noticing.now < plan.window.ends_at
    late = on and progress.late_s is not None and progress.late_s > group.late_s and not _arrived(progress)
    figures = {
        "late_s": progress.late_s,
        "chainage_m": progress.chainage_m,
        "expected_chainage_m": progress.expected_chainage_m,
        "route_m": progress.route_m,
    }
    _notice(
        noticing,
        FindingKind.LATE,
        (group.id,),
        progress.at if late else None,
        {name: value for name, value in figures.items() if value is not None},
        evidence,
        progress.synthetic,
        running=True,
    )
    away, doubt = progress.off_route_m, progress.uncertainty_m
    off = on and away is not None and doubt is not None and away - doubt > group.off_route_m
    _notice(
        noticing,
        FindingKind.OFF_ROUTE,
        (group.id,),
        progress.at if off else None,
        {"off_route_m": away, **_place(progress)} if off else {},
        evidence,
        progress.synthetic,
        running=True,
    )


def _cohesion_findings(noticing: Noticing, group: Group, over: bool) -> None:
    state, now = noticing.state, noticing.now
    grouped = {
        member.asset
        for group_id in state.group_acts
        if (each := declared(state, group_id)) is not None
        for member in each.group.members
    }
    others = [history for asset, history in state.histories.items() if asset not in grouped]
    reports = [report for history in histories_of(state, group) if (report := history.last(now)) is not None]
    if not reports:
        return
    since = max(report.fix.at for report in reports) - LOOK_BACK
    holds = cohesion(group, state.histories, others, now, since=since)
    figures: Figures = {
        "bodies": float(len(holds.bodies)),
        "largest": float(len(holds.bodies[0])) if holds.bodies else 0.0,
    }
    begun = None if over else holds.split_since
    _notice(noticing, FindingKind.SPLIT, (group.id,), begun, figures, holds.acts, holds.synthetic, running=True)
    for kind, stays in ((FindingKind.LEAVER, holds.leavers), (FindingKind.JOINER, holds.joiners)):
        seen = {} if over else {stay.asset: stay for stay in stays}
        held = [key for key in state.findings if key.startswith(f"{kind.value}:{group.id}:")]
        for asset in dict.fromkeys([*seen, *(key.split(":", 2)[2] for key in held)]):
            stay = seen.get(asset)
            _notice(
                noticing,
                kind,
                (group.id, asset),
                None if stay is None else stay.since,
                {} if stay is None else {"reports": float(stay.reports)},
                () if stay is None else stay.acts,
                stay is not None and stay.synthetic,
                running=True,
            )


def _boundary_findings(
    noticing: Noticing,
    group: Group,
    boundary_id: str,
    author: str,
    message: Message,
    over: bool,
    since: datetime,
) -> None:
    if not isinstance(message.act, a.DeclareBoundary):
        return
    about = (group.id, author, boundary_id)
    approach = _key(FindingKind.BOUNDARY_APPROACH, about)
    if is_out_of_reach(histories_of(noticing.state, group), message.act.boundary, noticing.now, since=since):
        noticing.notice(approach, None)
        return
    # Only what is new is gone through: a crossing before it is on record, and so is how near an approach came.
    seen = nearness(noticing.state, group, message.act.boundary, noticing.now, since)
    figures: Figures = {
        "nearest_m": seen.nearest_m,
        "nearest_low_m": seen.nearest_low_m,
        "reach_s": seen.reach_s,
        "nearest_at": _text(seen.nearest_at),
    }
    held = noticing.state.finding(approach)
    if held is not None and held.until is None and seen.nearest_m is not None:
        before = held.values.get("nearest_m")
        if isinstance(before, float) and before < seen.nearest_m:
            figures |= {name: held.values.get(name) for name in ("nearest_m", "nearest_low_m", "nearest_at")}
    _notice(
        noticing,
        FindingKind.BOUNDARY_APPROACH,
        about,
        seen.approaching_since if seen.approaching and not over else None,
        {name: value for name, value in figures.items() if value is not None},
        (message.id, *seen.acts),
        seen.synthetic,
        running=True,
    )
    if seen.crossed_at is not None and seen.crossed_asset is not None:
        key = _key(FindingKind.BOUNDARY_CROSSED, about)
        found = finding(
            FindingKind.BOUNDARY_CROSSED,
            key,
            seen.crossed_at,
            (*about, seen.crossed_asset),
            until=seen.crossed_at,
            values={"certain": seen.crossed_certain},
            evidence=(message.id, *seen.acts),
            synthetic=seen.synthetic,
        )
        noticing.notice(key, found)


def _declared_split(noticing: Noticing, own: Declared) -> None:
    parent = own.group.split_from
    if parent is None:
        return
    key = _key(FindingKind.SPLIT, (parent, own.group.id))
    at = declarations(noticing.state, own.group.id)[0].message
    found = finding(
        FindingKind.SPLIT,
        key,
        at.at,
        (parent, own.group.id),
        until=at.at,
        values={"said": True, "members": float(len(own.group.members))},
        evidence=(at.id,),
    )
    noticing.notice(key, found)


def pair_findings(noticing: Noticing, pair: str, since: datetime | None) -> None:
    """The encounters of two groups, as far as something new is known of the time from `since` on."""
    state, now = noticing.state, noticing.now
    one_id, _, other_id = pair.partition(PAIR)
    one, other = declared(state, one_id), declared(state, other_id)
    held = encounter_findings(state, one_id, other_id)
    going_on = [each for each in held.values() if each.until is None]
    if one is None or other is None or (since is None and not going_on):
        return
    if pair not in pairs_of(state, one_id):
        for key in held:
            noticing.notice(key, None)
        return
    known = [moment for moment in (since, *(each.since for each in going_on)) if moment is not None]
    found = encounters(
        histories_of(state, one.group),
        histories_of(state, other.group),
        ENCOUNTER_NEAR_M,
        ENCOUNTER_GAP_S,
        since=min(known) - timedelta(seconds=ENCOUNTER_GAP_S),  # a new report joins on to the one before it
    )
    declared_by = (one.message.id, other.message.id)
    for met in found:
        fresh = _key(FindingKind.ENCOUNTER, (one_id, other_id, str(len(held) + 1)))
        key = next((key for key, each in held.items() if _overlaps(each, met)), fresh)
        noticed = _met(key, (one_id, other_id), met, now, declared_by)
        held[key] = noticed
        noticing.notice(key, noticed)
        if noticed.until is None:
            noticing.look_at(met.ends_at + timedelta(seconds=ENCOUNTER_GAP_S, milliseconds=1))


def encounter_findings(state: State, one: str, other: str) -> dict[str, Finding]:
    """What is on record of meetings of two groups, by key, in order."""
    start = _key(FindingKind.ENCOUNTER, (*sorted((one, other)), ""))
    found = {key: state.finding(key) for key in state.findings if key.startswith(start)}
    return {key: each for key, each in found.items() if each is not None}


def _met(key: str, pair: tuple[str, str], met: Encounter, now: datetime, declared_by: tuple[str, ...]) -> Finding:
    lasts = met.open_end and (now - met.ends_at).total_seconds() <= ENCOUNTER_GAP_S
    return finding(
        FindingKind.ENCOUNTER,
        key,
        met.starts_at,
        pair,
        until=None if lasts else met.ends_at,
        values={
            "nearest_m": met.nearest_m,
            "nearest_low_m": met.nearest_low_m,
            "nearest_high_m": met.nearest_high_m,
            "nearest_at": _text(met.nearest_at),
            "duration_s": met.duration_s,
            "lat_deg": met.lat_deg,
            "lon_deg": met.lon_deg,
            "end_known": not met.open_end,
        },
        evidence=(*declared_by, *met.acts),
        synthetic=met.synthetic,
    )


def _overlaps(held: Finding, met: Encounter) -> bool:
    return held.since <= met.ends_at and (held.until is None or met.starts_at <= held.until)


def _notice(
    noticing: Noticing,
    kind: FindingKind,
    about: tuple[str, ...],
    since: datetime | None,
    values: Figures,
    evidence: tuple[str, ...],
    synthetic: bool,
    *,
    running: bool = False,
) -> None:
    """Notice a state that lasts (`since`) or is over (None). A running one keeps the beginning first put on record."""
    key = _key(kind, about)
    if since is None:
        noticing.notice(key, None)
        return
    held = noticing.state.finding(key)
    if running and held is not None and held.until is None:
        since = min(since, held.since)
    found = finding(kind, key, since, about, values=values, evidence=evidence, synthetic=synthetic)
    noticing.notice(key, found)


def _key(kind: FindingKind, about: tuple[str, ...]) -> str:
    return ":".join((kind.value, *about))


def _is_member(state: State, group_id: str, asset: str) -> bool:
    own = declared(state, group_id)
    return own is not None and any(member.asset == asset for member in own.group.members)


def _arrived(progress: Progress) -> bool:
    at, length = progress.chainage_m, progress.route_m
    return at is not None and length is not None and at >= ARRIVED_SHARE * length


def _moved_since(state: State, group: Group, since: datetime, progress: Progress, now: datetime) -> bool:
    """Whether the middle of a group is elsewhere than at `since`, by more than its spread and both uncertainties."""
    then = assess(group, None, state.histories, since)
    if then.lat_deg is None or then.lon_deg is None or progress.lat_deg is None or progress.lon_deg is None:
        return progress.moving and progress.at is not None and progress.at > since
    away = distance_m(then.lat_deg, then.lon_deg, progress.lat_deg, progress.lon_deg)
    doubt = (then.uncertainty_m or 0.0) + (progress.uncertainty_m or 0.0)
    return away - doubt > group.spread_m


def _place(progress: Progress) -> Figures:
    if progress.lat_deg is None or progress.lon_deg is None:
        return {}
    return {"lat_deg": progress.lat_deg, "lon_deg": progress.lon_deg, "uncertainty_m": progress.uncertainty_m}


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")

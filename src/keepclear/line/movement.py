"""How groups stand, and what is to be noticed of them: late, off route, halted, waiting, split, lost, met, near a line.

A group waits if somebody says so, or if it stands while a leg of its plan is blocked or a request about its plan is
unanswered; it waits until it has moved. Waiting is the most exposed state of a convoy, so it is a state of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import NamedTuple

from keepclear.geometry.earth import distance_m
from keepclear.line.groups import (
    apart,
    declarations,
    declared,
    dissolved_at,
    is_reported,
    may_meet,
    named,
    pair_name,
    pair_of,
)
from keepclear.line.message import Message
from keepclear.line.noticing import Noticing, finding
from keepclear.line.plans import blocked_until, plan_by_id
from keepclear.line.reports import all_reports, flies, standing_reports
from keepclear.line.standing import standing
from keepclear.line.state import Declared, GroupKey, State
from keepclear.line.timings import ENCOUNTER_GAP_S, ENCOUNTER_NEAR_M, LOOK_BACK
from keepclear.line.whereabouts import Whereabouts
from keepclear.model import acts as a
from keepclear.model.boundaries import Boundary
from keepclear.model.findings import FigureValue, Finding, FindingKind
from keepclear.model.groups import Group
from keepclear.model.plans import Plan
from keepclear.watch.boundary import BoundaryWatch, is_out_of_reach, watch_boundary
from keepclear.watch.cohesion import cohesion
from keepclear.watch.encounter import Encounter, encounters
from keepclear.watch.history import History
from keepclear.watch.progress import Progress, assess

Figures = dict[str, FigureValue]
ARRIVED_SHARE = 0.98
"""Of its route: how far a group must have come for standing still to mean that it has arrived."""


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


def histories_of(state: State, group: Group, among: set[str] | None = None) -> list[History]:
    """What each author reported of the members (of those `among` these), of those that were ever reported."""
    return all_reports(state, (each.asset for each in group.members if among is None or each.asset in among))


def groups_of(state: State, asset: str) -> list[GroupKey]:
    """The groups that new positions of an asset concern: its own; of a vehicle of no group, every one it may join."""
    own = state.groups_with.get(asset)
    if own or flies(state, asset):
        return list(own or ())
    return [key for key in state.groups if is_reported(state, key)]


def pairs_of(state: State, key: GroupKey, whereabouts: Whereabouts) -> Iterator[str]:
    """The pairs, as the agenda names them, in which a group may have met another, by where they were reported."""
    for other in whereabouts.near(key):
        if may_meet(state, key, other):
            yield pair_name(key, other)


# ── how it stands ────────────────────────────────────────────────────────────────────────────────────────────────────


def stand(state: State, own: Declared, now: datetime) -> Stand:
    """How a group stands at `now`, by its reports and by what is said of it."""
    group = own.group
    key = (own.message.author, group.id)
    known = plan_by_id(state, group.plan, own.message.author) if group.plan is not None else None
    plan = None if known is None else known[2]
    progress = assess(group, None if plan is None else plan.trajectory, standing_reports(state, own, now), now)
    split_at = dissolved_at(state, key)
    waits = None if split_at is not None else why_waiting(state, own, progress, now)
    if split_at is not None:
        return Stand("split", split_at, None, progress, plan)
    if waits is not None and (waits.said or progress.lost_contact_since is None):
        return Stand("waiting", waits.since, waits, progress, plan)
    if progress.lost_contact_since is not None:
        return Stand("lost_contact", progress.lost_contact_since, waits, progress, plan)
    if progress.halted_since is not None:
        return Stand("halted", progress.halted_since, waits, progress, plan)
    return Stand("moving" if progress.moving else "unknown", None, waits, progress, plan)


def why_waiting(state: State, own: Declared, progress: Progress, now: datetime) -> Waits | None:
    """Whether a group waits, by the rule at the head of this file.

    Who has declared a group under this id speaks of its own; who has not, of all under it.
    """
    group, declarer = own.group, own.message.author
    for message in reversed(state.waiting_acts.get(group.id, [])):
        act = message.act
        if message.author != declarer and (message.author, group.id) in state.groups:
            continue
        if isinstance(act, a.Waiting) and not _moved_since(state, own, act.since, progress):
            return Waits(act.since, act.waits_for, True, (message.id,))
    if progress.halted_since is None or group.plan is None:
        return None
    for thread_id in state.blocked_legs.get(group.plan, ()):
        thread = state.threads[thread_id]
        if not thread.exercise and blocked_until(state, thread, now, declarer) is None:
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
    """How near a group came to one version of a boundary, by everybody's reports up to `now`, or those from `since`."""
    return watch_boundary(histories_of(state, group), boundary, now, max_gap_s=group.silent_after_s, since=since)


# ── findings ─────────────────────────────────────────────────────────────────────────────────────────────────────────


def group_findings(noticing: Noticing, key: GroupKey, since: datetime | None) -> None:
    """Everything to be noticed of one group, something new being known of the time from `since` on (None: nothing)."""
    state, now = noticing.state, noticing.now
    own = declared(state, key)
    if own is None:
        return
    stands = stand(state, own, now)
    over = stands.state == "split"
    evidence = (own.message.id, *stands.progress.acts)
    _standing_findings(noticing, key, own.group, stands, evidence)
    _route_findings(noticing, key, own.group, stands, evidence)
    _cohesion_findings(noticing, key, own, over)
    if since is not None or over:
        for boundary_id, versions in state.boundaries.items():
            for author, message in versions.items():
                _boundary_findings(noticing, key, own.group, boundary_id, author, message, over, since or now)
    _declared_split(noticing, own)
    last = stands.progress.last_report_at
    if last is not None:
        for seconds in (own.group.halted_after_s, own.group.silent_after_s):
            noticing.look_at(last + timedelta(seconds=seconds, milliseconds=1))


def _standing_findings(
    noticing: Noticing, key: GroupKey, group: Group, stands: Stand, evidence: tuple[str, ...]
) -> None:
    progress, waits = stands.progress, stands.waits
    over = stands.state == "split" or _arrived(progress)
    place = _place(progress)
    _notice(
        noticing,
        FindingKind.HALTED,
        (named(key),),
        (group.id,),
        None if over else progress.halted_since,
        place,
        evidence,
        progress.synthetic,
    )
    _notice(
        noticing,
        FindingKind.WAITING,
        (named(key),),
        (group.id,),
        None if waits is None else waits.since,
        {"waits_for": waits.waits_for, "said": waits.said, **place} if waits is not None else {},
        evidence if waits is None else (*evidence, *waits.acts),
        progress.synthetic,
    )
    _notice(
        noticing,
        FindingKind.LOST_CONTACT,
        (named(key),),
        (group.id,),
        None if stands.state == "split" else progress.lost_contact_since,
        place,
        evidence,
        progress.synthetic,
    )


def _route_findings(noticing: Noticing, key: GroupKey, group: Group, stands: Stand, evidence: tuple[str, ...]) -> None:
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
        (named(key),),
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
        (named(key),),
        (group.id,),
        progress.at if off else None,
        {"off_route_m": away, **_place(progress)} if off else {},
        evidence,
        progress.synthetic,
        running=True,
    )


def _cohesion_findings(noticing: Noticing, key: GroupKey, own: Declared, over: bool) -> None:
    state, now, group = noticing.state, noticing.now, own.group
    others = all_reports(state, (asset for asset in state.histories if not state.groups_with.get(asset)))
    members = standing_reports(state, own, now)
    reports = [report for history in members.values() if (report := history.last(now)) is not None]
    if not reports:
        return
    since = max(report.fix.at for report in reports) - LOOK_BACK
    holds = cohesion(group, members, others, now, since=since)
    figures: Figures = {
        "bodies": float(len(holds.bodies)),
        "largest": float(len(holds.bodies[0])) if holds.bodies else 0.0,
    }
    begun = None if over else holds.split_since
    _notice(
        noticing,
        FindingKind.SPLIT,
        (named(key),),
        (group.id,),
        begun,
        figures,
        holds.acts,
        holds.synthetic,
        running=True,
    )
    for kind, stays in ((FindingKind.LEAVER, holds.leavers), (FindingKind.JOINER, holds.joiners)):
        seen = {} if over else {stay.asset: stay for stay in stays}
        start = f"{kind.value}:{named(key)}:"
        held = [text.removeprefix(start) for text in state.findings if text.startswith(start)]
        for asset in dict.fromkeys([*seen, *held]):
            stay = seen.get(asset)
            _notice(
                noticing,
                kind,
                (named(key), asset),
                (group.id, asset),
                None if stay is None else stay.since,
                {} if stay is None else {"reports": float(stay.reports)},
                () if stay is None else stay.acts,
                stay is not None and stay.synthetic,
                running=True,
            )


def _boundary_findings(
    noticing: Noticing,
    key: GroupKey,
    group: Group,
    boundary_id: str,
    author: str,
    message: Message,
    over: bool,
    since: datetime,
) -> None:
    if not isinstance(message.act, a.DeclareBoundary):
        return
    keyed, about = (named(key), author, boundary_id), (group.id, author, boundary_id)
    approach = _key(FindingKind.BOUNDARY_APPROACH, keyed)
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
        keyed,
        about,
        seen.approaching_since if seen.approaching and not over else None,
        {name: value for name, value in figures.items() if value is not None},
        (message.id, *seen.acts),
        seen.synthetic,
        running=True,
    )
    if seen.crossed_at is not None and seen.crossed_asset is not None:
        crossed = _key(FindingKind.BOUNDARY_CROSSED, keyed)
        before_it = noticing.state.finding(crossed)
        if before_it is not None and before_it.values.get("certain") and not seen.crossed_certain:
            return  # a doubtful crossing does not take the place of a certain one
        found = finding(
            FindingKind.BOUNDARY_CROSSED,
            crossed,
            seen.crossed_at,
            (*about, seen.crossed_asset),
            until=seen.crossed_at,
            values={"certain": seen.crossed_certain},
            evidence=(message.id, *seen.acts),
            synthetic=seen.synthetic,
        )
        noticing.notice(crossed, found)


def _declared_split(noticing: Noticing, own: Declared) -> None:
    parent, declarer = own.group.split_from, own.message.author
    if parent is None or declared(noticing.state, (declarer, parent)) is None:
        return  # of another party's group it says nothing
    key = _key(FindingKind.SPLIT, (named((declarer, parent)), named((declarer, own.group.id))))
    at = declarations(noticing.state, (declarer, own.group.id))[0].message
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
    one_key, other_key = pair_of(pair)
    one, other = declared(state, one_key), declared(state, other_key)
    held = encounter_findings(state, one_key, other_key)
    going_on = [each for each in held.values() if each.until is None]
    if one is None or other is None or (since is None and not going_on):
        return
    if not may_meet(state, one_key, other_key):
        for key in held:
            noticing.notice(key, None)
        return
    mine, theirs = apart(one.group, other.group)
    known = [moment for moment in (since, *(each.since for each in going_on)) if moment is not None]
    found = encounters(
        histories_of(state, one.group, mine),
        histories_of(state, other.group, theirs),
        ENCOUNTER_NEAR_M,
        ENCOUNTER_GAP_S,
        since=min(known) - timedelta(seconds=ENCOUNTER_GAP_S),  # a new report joins on to the one before it
    )
    declared_by = (one.message.id, other.message.id)
    for met in found:
        fresh = _encounter_key(one_key, other_key, str(len(held) + 1))
        key = next((key for key, each in held.items() if _overlaps(each, met)), fresh)
        noticed = _met(key, (one_key[1], other_key[1]), met, now, declared_by)
        held[key] = noticed
        noticing.notice(key, noticed)
        if noticed.until is None:
            noticing.look_at(met.ends_at + timedelta(seconds=ENCOUNTER_GAP_S, milliseconds=1))


def encounter_findings(state: State, one: GroupKey, other: GroupKey) -> dict[str, Finding]:
    """What is on record of meetings of two groups, by key, in order."""
    start = _encounter_key(one, other, "")
    found = {key: state.finding(key) for key in state.findings if key.startswith(start)}
    return {key: each for key, each in found.items() if each is not None}


def _encounter_key(one: GroupKey, other: GroupKey, number: str) -> str:
    return _key(FindingKind.ENCOUNTER, (*(named(key) for key in sorted((one, other))), number))


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
    keyed: tuple[str, ...],
    about: tuple[str, ...],
    since: datetime | None,
    values: Figures,
    evidence: tuple[str, ...],
    synthetic: bool,
    *,
    running: bool = False,
) -> None:
    """Notice a state that lasts (`since`) or is over (None). A running one keeps the beginning first put on record.

    `keyed` tells the matter from every other; `about` are the ids it speaks of.
    """
    key = _key(kind, keyed)
    if since is None:
        noticing.notice(key, None)
        return
    held = noticing.state.finding(key)
    if running and held is not None and held.until is None:
        since = min(since, held.since)
    found = finding(kind, key, since, about, values=values, evidence=evidence, synthetic=synthetic)
    noticing.notice(key, found)


def _key(kind: FindingKind, keyed: tuple[str, ...]) -> str:
    return ":".join((kind.value, *keyed))


def _arrived(progress: Progress) -> bool:
    at, length = progress.chainage_m, progress.route_m
    return at is not None and length is not None and at >= ARRIVED_SHARE * length


def _moved_since(state: State, own: Declared, since: datetime, progress: Progress) -> bool:
    """Whether the middle of a group is elsewhere than at `since`, by more than its spread and both uncertainties."""
    then = assess(own.group, None, standing_reports(state, own, since), since)
    if then.lat_deg is None or then.lon_deg is None or progress.lat_deg is None or progress.lon_deg is None:
        return progress.moving and progress.at is not None and progress.at > since
    away = distance_m(then.lat_deg, then.lon_deg, progress.lat_deg, progress.lon_deg)
    doubt = (then.uncertainty_m or 0.0) + (progress.uncertainty_m or 0.0)
    return away - doubt > own.group.spread_m


def _place(progress: Progress) -> Figures:
    if progress.lat_deg is None or progress.lon_deg is None:
        return {}
    return {"lat_deg": progress.lat_deg, "lon_deg": progress.lon_deg, "uncertainty_m": progress.uncertainty_m}


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")

"""Findings about a thread: a missing hop, a wrong read-back, an overdue answer, who is affected and who was inside.

Exercises give none: what is not real must not raise an alarm.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import timedelta

from keepclear.line.clearing import affected_ever, affected_key, affected_now, name_of, residual_now, volume_of
from keepclear.line.conflicts import conflict_findings, is_flown
from keepclear.line.danger import climbs
from keepclear.line.message import Message
from keepclear.line.noticing import Noticing, finding
from keepclear.line.plans import blocked_until, plans_blocked
from keepclear.line.procedure import objection
from keepclear.line.receipts import in_force, overdue_at, spoken_of, versions, way
from keepclear.line.standing import Standing, last_by_party, reply_of, standing
from keepclear.line.state import State, Thread
from keepclear.line.timings import RESIDUAL_GAP_S
from keepclear.line.utm_requests import asks, intent_stands
from keepclear.model import acts as a
from keepclear.model.findings import FindingKind

AFTERMATH = timedelta(days=1)
"""For so long after its time is over, late reports still change who was inside a cleared volume at T0."""
LOOK_AGAIN = timedelta(seconds=30)
"""How often after T0 the intents in a volume are looked through: what changes there is said on other threads."""
OVER = ("given_back", "expired", "cancelled", "refused")
MOST_WITHOUT_EFFECT = 5
"""Of one author on one thread: so many acts without effect are findings."""
COMPLYING = (a.Reply.WILL_COMPLY, a.Reply.WITH_CONDITIONS)


def thread_findings(noticing: Noticing, thread: Thread) -> None:
    """Everything to be noticed of one thread at this moment."""
    if thread.exercise:
        return
    stands = standing(noticing.state, thread, noticing.now)
    noticing.look_at(stands.changes_at)
    _without_effect(noticing, thread)
    if thread.kind == "notice":
        _hops(noticing, thread, stands)
        conflict_findings(noticing, thread)
        if is_flown(thread):
            for request in noticing.state.requests:
                if standing(noticing.state, noticing.state.threads[request], noticing.now).status not in OVER:
                    _affected(noticing, noticing.state.threads[request])
    elif thread.kind == "clear_request":
        _overdue(noticing, thread, stands)
        _affected(noticing, thread)
        _residual(noticing, thread, stands)
        _intents_unchanged(noticing, thread)
        _not_given_back(noticing, thread, stands)
    elif thread.kind == "proposal":
        _overdue(noticing, thread, stands)
    elif thread.kind == "danger_call":
        _escalated(noticing, thread)
    elif thread.kind == "leg_blocked":
        _leg_blocked(noticing, thread)


def requests_of(state: State, asset: str) -> Iterator[str]:
    """The requests that new positions of an asset may concern."""
    for thread_id in state.requests:
        thread = state.threads[thread_id]
        if not thread.exercise and any(asset in state.aircraft.get(party, ()) for party in thread.to):
            yield thread_id


def key_for(kind: FindingKind, thread: Thread, *rest: str) -> str:
    """The key of a finding about a thread."""
    return ":".join((kind.value, thread.id[:16], *rest))


def _without_effect(noticing: Noticing, thread: Thread) -> None:
    """Of each author the first acts without effect are put on record; that there are more can be read from the acts."""
    told: dict[str, int] = {}
    for message in thread.acts:
        if without_effect_key(message) in noticing.state.findings:
            told[message.author] = told.get(message.author, 0) + 1
    for message in thread.acts:
        held = without_effect_key(message) in noticing.state.findings
        if not held and told.get(message.author, 0) >= MOST_WITHOUT_EFFECT:
            continue
        why = objection(noticing.state, message)
        if why is None:
            continue
        _one_without_effect(noticing, message, why, thread.id)
        if not held:
            told[message.author] = told.get(message.author, 0) + 1


def without_effect_key(message: Message) -> str:
    """The key of the finding that an act has no effect."""
    return f"{FindingKind.WITHOUT_EFFECT.value}:{message.id[:16]}"


def _one_without_effect(noticing: Noticing, message: Message, why: str, thread_id: str | None) -> None:
    key = without_effect_key(message)
    values: dict[str, str | float | bool | None] = {"reason": why, "act": act_tag(message.act)}
    found = finding(
        FindingKind.WITHOUT_EFFECT,
        key,
        message.at,
        (message.author,),
        until=message.at,
        thread=thread_id,
        values=values,
        evidence=(message.id,),
    )
    noticing.notice(key, found)


def act_tag(act: a.Act) -> str:
    """The word that names an act on the wire."""
    return str(type(act).__struct_config__.tag)


def _hops(noticing: Noticing, thread: Thread, stands: Standing) -> None:
    opener = thread.opener.act
    if not isinstance(opener, a.Notice):
        return
    state, now = noticing.state, noticing.now
    current = in_force(state, thread)
    for party in thread.to:
        going = way(state, thread, party)
        wrong_key = key_for(FindingKind.READ_BACK_WRONG, thread, party)
        wrong = None
        if going.differences and stands.status == "announced":
            values: dict[str, str | float | bool | None] = {}
            for difference in going.differences:
                values[f"{difference.field}.expected"] = difference.expected
                values[f"{difference.field}.said"] = difference.said
            known = versions(state, thread)
            backs = (message for message, _ in thread.of(a.ReadBack) if message.author == party)
            said = [message for message in backs if spoken_of(known, message).id == current.id]
            last = max(said, key=lambda message: message.seq)
            wrong = finding(
                FindingKind.READ_BACK_WRONG,
                wrong_key,
                last.at,
                (party,),
                thread=thread.id,
                values=values,
                evidence=(current.id, last.id),
            )
        noticing.notice(wrong_key, wrong)
        hop_key = key_for(FindingKind.HOP_MISSING, thread, party)
        due = overdue_at(going, opener.urgency)
        if due is None or due > now or stands.status in ("ended", "cancelled"):
            noticing.notice(hop_key, None)
            if stands.status in ("announced", "received"):
                noticing.look_at(due)
            continue
        noticing.notice(
            hop_key,
            finding(
                FindingKind.HOP_MISSING,
                hop_key,
                due,
                (party,),
                thread=thread.id,
                values={"hop": going.missing, "urgency": opener.urgency.value},
                evidence=(current.id,),
            ),
        )


def _overdue(noticing: Noticing, thread: Thread, stands: Standing) -> None:
    key = key_for(FindingKind.ANSWER_OVERDUE, thread)
    if not stands.overdue or stands.due_at is None:
        noticing.notice(key, None)
        noticing.look_at(None if stands.due_at is None else stands.due_at + timedelta(milliseconds=1))
        return
    found = finding(
        FindingKind.ANSWER_OVERDUE, key, stands.due_at, stands.waiting_for, thread=thread.id, evidence=(thread.id,)
    )
    noticing.notice(key, found)


def _affected(noticing: Noticing, thread: Thread) -> None:
    state, now = noticing.state, noticing.now
    over = standing(state, thread, now).status in OVER
    for party in thread.to:
        if not state.is_hosted(party) or thread.exercise:
            continue
        key = affected_key(thread, party)
        if over:
            noticing.notice(key, None)
            continue
        held = state.finding(key)
        values = {} if held is None else dict(held.values)
        seen = affected_now(state, thread, party, now)
        values.update({name_of(each): each.why.value for each in seen})
        assets = affected_ever(state, thread, party, now, seen)
        values["count"] = float(len(assets))
        evidence = [thread.id, *(() if held is None else held.evidence), *(i for each in seen for i in each.act_ids)]
        found = finding(
            FindingKind.AFFECTED,
            key,
            thread.opener.at,
            (party, *assets),
            thread=thread.id,
            values=values,
            evidence=tuple(evidence),
            synthetic=any(each.synthetic for each in seen),
        )
        noticing.notice(key, found)


def _residual(noticing: Noticing, thread: Thread, stands: Standing) -> None:
    state, now = noticing.state, noticing.now
    window = volume_of(thread).window
    t0 = window.starts_at
    noticing.look_at(t0)
    noticing.look_at(t0 + timedelta(seconds=RESIDUAL_GAP_S))
    if now < t0 or stands.status == "cancelled" or (stands.since < t0 and stands.status in OVER):
        return
    if now > window.ends_at + AFTERMATH:
        return
    over_at = stands.since if stands.status in OVER else None
    for party in thread.to:
        if not state.is_hosted(party):
            continue
        key = key_for(FindingKind.RESIDUAL, thread, party)
        items = residual_now(state, thread.id, party, now)
        values: dict[str, str | float | bool | None] = {item.asset: item.status.value for item in items}
        for status in a.Inside:
            values[f"count_{status.value}"] = float(sum(1 for item in items if item.status is status))
        still = tuple(item.asset for item in items if item.status in (a.Inside.INSIDE, a.Inside.UNKNOWN))
        found = finding(
            FindingKind.RESIDUAL,
            key,
            t0,
            (party, *still),
            until=over_at,
            thread=thread.id,
            values=values,
            evidence=(thread.id, *(act_id for item in items for act_id in item.evidence)),
            synthetic=any(item.synthetic for item in items),
        )
        noticing.notice(key, found)


def _intents_unchanged(noticing: Noticing, thread: Thread) -> None:
    """At T0, and until the request is over: intents still inside whose services this node told."""
    state, now = noticing.state, noticing.now
    t0 = volume_of(thread).window.starts_at
    noticing.look_at(t0)
    if now < t0:
        return
    lasts = asks(state, thread, now)
    if lasts:
        noticing.look_at(now + LOOK_AGAIN)
    stands = intent_stands(state, thread, now) if lasts else ()
    still = [each for each in stands if each.state == "inside" and each.told_at is not None]
    for party in thread.to:
        if not state.is_hosted(party):
            continue
        key = key_for(FindingKind.INTENT_UNCHANGED, thread, party)
        own = [each for each in still if each.party == party]
        if not own:
            noticing.notice(key, None)
            continue
        found = finding(
            FindingKind.INTENT_UNCHANGED,
            key,
            t0,
            (party, *(each.plan for each in own)),
            thread=thread.id,
            values={"count": float(len(own))},
            # Not the messages by which the services were told: those are the node's, and this is for the party too.
            evidence=(thread.id, *(each.act for each in own)),
        )
        noticing.notice(key, found)


def _not_given_back(noticing: Noticing, thread: Thread, stands: Standing) -> None:
    state = noticing.state
    key = key_for(FindingKind.NOT_GIVEN_BACK, thread)
    answers = last_by_party(state, thread, a.Answer)
    kept = [party for party, message in answers.items() if reply_of(message) in COMPLYING]
    if stands.status != "expired" or not kept:
        noticing.notice(key, None)
        return
    found = finding(
        FindingKind.NOT_GIVEN_BACK,
        key,
        stands.since,
        (thread.author, *kept),
        thread=thread.id,
        evidence=(thread.id, *(answers[party].id for party in kept)),
    )
    noticing.notice(key, found)


def _escalated(noticing: Noticing, thread: Thread) -> None:
    for climb in climbs(noticing.state, thread):
        if climb.at > noticing.now:
            noticing.look_at(climb.at)
            break
        if climb.known_at is not None and climb.known_at > climb.at:
            continue  # heard of only when its time was over: by then the ladder known here had been climbed
        role = hashlib.sha256(climb.role.encode()).hexdigest()[:8]
        key = key_for(FindingKind.ESCALATED, thread, climb.party, f"{climb.after_s:g}", role)
        found = finding(
            FindingKind.ESCALATED,
            key,
            climb.at,
            (climb.party,),
            until=climb.at,
            thread=thread.id,
            values={"role": climb.role, "after_s": climb.after_s},
            evidence=(thread.id,),
        )
        noticing.notice(key, found)


def _leg_blocked(noticing: Noticing, thread: Thread) -> None:
    act = thread.opener.act
    if not isinstance(act, a.LegBlocked):
        return
    until = blocked_until(noticing.state, thread, noticing.now)
    for _, _, plan in plans_blocked(noticing.state, thread):
        noticing.look_at(plan.window.ends_at)
    key = key_for(FindingKind.LEG_BLOCKED, thread)
    found = finding(
        FindingKind.LEG_BLOCKED,
        key,
        act.at.value or thread.opener.at,
        (act.plan, act.from_place, act.to_place),
        until=until,
        thread=thread.id,
        evidence=(thread.id,),
    )
    noticing.notice(key, found)

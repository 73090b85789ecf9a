"""The views: what is shown of a state at `now`, for a person, the HTTP API and the story's judge.

Each function takes a state and `now`; with `party`, it shows what that hosted party may know (see
`keepclear.line.disclosure`). Nothing here is kept: ask again and it is computed again.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from keepclear.line import danger, line_check, movement
from keepclear.line import statements as judging
from keepclear.line.disclosure import as_seen_by
from keepclear.line.groups import dissolved_at
from keepclear.line.message import Message
from keepclear.line.plans import current_plan, plans_in_force
from keepclear.line.procedure import objection
from keepclear.line.receipts import in_force, way
from keepclear.line.reports import first_heard
from keepclear.line.responsibility import assertions, holder, offers
from keepclear.line.standing import last_by_party, reply_of, standing
from keepclear.line.state import Declared, State, Thread
from keepclear.line.utm_requests import intent_stands
from keepclear.line.views import (
    ActView,
    AssetView,
    BoundaryView,
    CoverageView,
    GroupView,
    HeldView,
    JudgedClaim,
    LineView,
    MemberView,
    NearnessView,
    PartyView,
    Picture,
    RecipientView,
    StatementView,
    ThreadView,
)
from keepclear.model import acts as a
from keepclear.model.base import Name
from keepclear.model.basis import Basis
from keepclear.model.findings import Finding
from keepclear.model.parties import PartyCard
from keepclear.model.plans import Plan
from keepclear.model.volumes import Volume
from keepclear.record.note import VerifierKey, fingerprint

TRAIL = 100
"""How many earlier reports of an asset are shown."""
OVER = ("given_back", "expired", "cancelled", "refused")


def act(state: State, message: Message) -> ActView:
    """One act as this record holds it."""
    return ActView(
        id=message.id,
        index=message.index,
        recorded_at=line_check.recorded(message),
        said_at=message.said_at,
        line=message.line,
        author=message.author,
        said=message.said,
        thread=state.thread_of.get(message.id),
        without_effect=objection(state, message),
    )


def timeline(
    state: State,
    *,
    since: datetime | None = None,
    until: datetime | None = None,
    after: int = -1,
    limit: int | None = None,
    party: str | None = None,
) -> list[ActView]:
    """Acts in record order: recorded from `since` up to, not including, `until`; indexes above `after`."""
    state = as_seen_by(state, party)
    shown: list[ActView] = []
    for message in state.log:
        recorded = line_check.recorded(message)
        if message.index <= after or (since is not None and recorded < since):
            continue
        if (until is not None and recorded >= until) or (limit is not None and len(shown) >= limit):
            break
        shown.append(act(state, message))
    return shown


def threads(state: State, now: datetime, party: str | None = None) -> list[ThreadView]:
    """Every thread without its acts, the one heard first first."""
    state = as_seen_by(state, party)
    found = findings_by_thread(state)
    return [_thread(state, each, now, (), tuple(found.get(each.id, ()))) for each in state.threads.values()]


def thread(state: State, thread_id: str, now: datetime, party: str | None = None) -> ThreadView:
    """One thread with its acts in record order. KeyError if there is none (or the party may not know it)."""
    state = as_seen_by(state, party)
    held = state.threads[thread_id]
    acts = tuple(act(state, message) for message in sorted(held.acts, key=lambda message: message.index))
    return _thread(state, held, now, acts, tuple(findings_by_thread(state).get(thread_id, ())))


def findings_by_thread(state: State) -> dict[str, list[Finding]]:
    """The last finding on each matter, by the thread it is about."""
    found: dict[str, list[Finding]] = {}
    for key in state.findings:
        finding = state.finding(key)
        if finding is not None and finding.thread is not None:
            found.setdefault(finding.thread, []).append(finding)
    return found


def lines(state: State, now: datetime, party: str | None = None) -> list[LineView]:
    """Every line and how it stands, the node's own log first."""
    state = as_seen_by(state, party)
    shown = (line for line in state.lines if state.party is None or line == state.own_line or _is_on(state, line))
    return [_line(state, line, now) for line in shown]


def parties(state: State) -> list[PartyView]:
    """The parties in this node's register, by id."""
    return [_party(state, card) for _, card in sorted(state.parties.items())]


def statements(state: State, now: datetime, party: str | None = None) -> list[StatementView]:
    """Every filed statement, each claim with what the record at `now` says of it."""
    state = as_seen_by(state, party)
    filed = judging.filed_claims(state)
    shown: list[StatementView] = []
    for thread_id in state.statements:
        opener = state.threads[thread_id].opener
        said = opener.act
        if not isinstance(said, a.PublishStatement) or opener.exercise:
            continue
        claims = (JudgedClaim(claim=c, judgement=judging.judged(state, c, now, filed)) for c in said.claims)
        shown.append(
            StatementView(
                act=opener.id,
                id=said.id,
                topic=said.topic,
                title=said.title,
                publisher=said.publisher,
                filed_by=opener.author,
                published=said.published,
                claims=tuple(claims),
            )
        )
    return shown


def picture(state: State, now: datetime, party: str | None = None) -> Picture:
    """Everything that has a place, as known at `now`."""
    state = as_seen_by(state, party)
    groups = [declarations[-1] for declarations in state.groups.values()]
    return Picture(
        at=now,
        party=party or state.party,
        size=state.size,
        places=tuple(dict.fromkeys(place for by in state.places.values() for place in by.values())),
        plans=tuple((each.id, plan) for each, _, plan in plans_in_force(state, now)),
        clearings=tuple(_clearings(state, now)),
        assets=tuple(_assets(state, now)),
        groups=tuple(_group(state, own, now) for own in groups),
        coverage=tuple(_coverage(state)),
        boundaries=tuple(_boundaries(state)),
        held=tuple(_held(state)),
        findings=tuple(found for key in state.findings if (found := state.finding(key)) is not None),
        nearness=tuple(_nearness(state, groups, now)),
    )


# ── threads ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _thread(
    state: State, held: Thread, now: datetime, acts: tuple[ActView, ...], findings: tuple[Finding, ...]
) -> ThreadView:
    stands = standing(state, held, now)
    opener = held.opener.act
    found = current_plan(state, held) if held.kind == "notice" else None
    plan = None if found is None else found[1]
    taken = danger.taken(state, held) if held.kind == "danger_call" else None
    words = _words(opener)
    return ThreadView(
        id=held.id,
        version=in_force(state, held).id,
        kind=held.kind,
        status=stands.status,
        status_since=stands.since,
        line=held.line,
        author=held.author,
        opened_at=held.opener.said_at,
        recorded_at=line_check.recorded(held.opener),
        exercise=held.exercise,
        urgency=opener.urgency if isinstance(opener, a.Notice | a.ClearRequest) else None,
        title=plan.name if plan is not None else _title(opener),
        words=words,
        waiting_for=stands.waiting_for,
        waiting_since=stands.waiting_since,
        due_at=stands.due_at,
        overdue=stands.overdue,
        escalated_to=danger.escalated_to(state, held, now) if held.kind == "danger_call" else (),
        taken_by=None if taken is None else f"{taken.author}: {taken.role}",
        taken_on_roster=danger.taken_on_roster(state, held) if held.kind == "danger_call" else None,
        recipients=tuple(_recipient(state, held, each) for each in held.to),
        plan=plan,
        volume=opener.volume if isinstance(opener, a.ClearRequest) else None,
        basis=_basis(held, plan),
        intents=intent_stands(state, held, now) if acts else (),
        acts=acts,
        findings=findings,
    )


def _recipient(state: State, held: Thread, party: str) -> RecipientView:
    going = way(state, held, party)
    answer: a.Reply | None = None
    answered_at: datetime | None = None
    if held.kind in ("clear_request", "proposal"):
        last = last_by_party(state, held, a.Answer).get(party)
        if last is not None:
            answer, answered_at = reply_of(last), last.at
    return RecipientView(
        party=party,
        state=going.state,
        received=going.received,
        hops=going.hops,
        differences=going.differences,
        answer=answer,
        answered_at=answered_at,
        answer_s=None if answered_at is None else (answered_at - held.opener.at).total_seconds(),
        missing_hop=going.missing,
        missing_since=going.missing_since,
    )


def _title(opener: a.Act) -> Name | None:
    if isinstance(opener, a.ClearRequest):
        return opener.names[0].nearest
    return opener.publisher if isinstance(opener, a.PublishStatement) else None


def _words(opener: a.Act) -> str | None:
    if isinstance(opener, a.PublishStatement):
        return opener.title
    for field in ("words", "why", "terms", "reason"):
        said = getattr(opener, field, None)
        if said is not None:
            return str(said.text)
    return None


def _basis(held: Thread, plan: Plan | None) -> Basis | None:
    """What the matter stands on: of the act as a whole if that was said, else of the plan or the act's own field."""
    if held.opener.said.basis is not None:
        return held.opener.said.basis
    own: Basis | None = getattr(held.opener.act, "basis", None)
    return plan.basis if plan is not None else own


# ── lines and parties ────────────────────────────────────────────────────────────────────────────────────────────────


def _is_on(state: State, line: str) -> bool:
    return state.party in state.members(line)


def _line(state: State, line: str, now: datetime) -> LineView:
    held = state.lines[line]
    stands = line_check.line_standing(state, line, now)
    answers = line_check.answer_times(state, line, now)
    return LineView(
        id=line,
        name=held.card.name,
        state=stands.state,
        since=stands.since,
        members=tuple(_member(state, line, party, now) for party in state.members(line)),
        suspended_by=line_check.suspended_by(state, line),
        last_check_at=answers.last_check_at,
        median_answer_s=answers.median_answer_s,
        checks=answers.checks,
        answered=answers.answered,
        fallback=held.card.fallback,
    )


def _member(state: State, line: str, party: str, now: datetime) -> MemberView:
    stands = line_check.member_standing(state, line, party, now)
    heard = state.lines[line].heard
    moments = [heard[author] for author in (party, state.home.get(party, "")) if author in heard]
    return MemberView(
        party=party,
        state=stands.state,
        since=stands.since,
        last_heard_at=max(moments, default=None),
        last_answer_s=None if state.is_hosted(party) else line_check.last_answer_s(state, line, party, now),
        on_watch=danger.on_watch(state, line, party, now),
        staffed=danger.staffed(state, line, party, now),
    )


def _party(state: State, card: PartyCard) -> PartyView:
    return PartyView(
        id=card.id,
        name=card.name,
        node=state.home[card.id],
        hosted=state.is_hosted(card.id),
        fingerprint=fingerprint(VerifierKey.from_vkey(card.key)),
    )


# ── the picture ──────────────────────────────────────────────────────────────────────────────────────────────────────


def _clearings(state: State, now: datetime) -> Iterator[tuple[str, str, Volume, Basis]]:
    for thread_id in state.requests:
        held = state.threads[thread_id]
        opener = held.opener.act
        status = standing(state, held, now).status
        if isinstance(opener, a.ClearRequest) and not held.exercise and status not in OVER:
            yield (thread_id, status, opener.volume, opener.basis)


def _assets(state: State, now: datetime) -> Iterator[AssetView]:
    """One report of each asset: of the viewer itself, else of who declared it its own, else of whoever saw it last."""
    viewers = state.hosted() if state.party is None else (state.party,)
    for asset in sorted(state.histories):
        declarers = (author for author, _ in state.groups_with.get(asset, ()))
        owners = sorted(party for party, aircraft in state.aircraft.items() if asset in aircraft)
        history = first_heard(state, asset, (*viewers, *declarers, *owners), now)
        if history is None:
            continue
        reports = history.between(None, now)
        last = reports[-1]
        fix = last.fix
        yield AssetView(
            asset=asset,
            kind=history.kind,
            sensor=last.sensor,
            at=fix.at,
            age_s=(now - fix.at).total_seconds(),
            lat_deg=fix.lat_deg,
            lon_deg=fix.lon_deg,
            uncertainty_m=fix.uncertainty_m,
            alt_wgs84_m=fix.alt_wgs84_m,
            reported_by=history.author,
            basis=last.basis,
            trail=tuple((each.fix.lat_deg, each.fix.lon_deg) for each in reports[-TRAIL - 1 : -1]),
        )


def _group(state: State, own: Declared, now: datetime) -> GroupView:
    group = own.group
    stands = movement.stand(state, own, now)
    return GroupView(
        id=group.id,
        name=group.name,
        declared_by=own.message.author,
        members=tuple((member.asset, member.kind) for member in group.members),
        headcounts=group.headcounts,
        state=stands.state,
        since=stands.since,
        waits_for=None if stands.waits is None else stands.waits.waits_for,
        plan=group.plan,
        chainage_m=stands.progress.chainage_m,
        route_m=stands.progress.route_m,
        off_route_m=stands.progress.off_route_m,
        late_s=stands.progress.late_s,
        split_from=group.split_from,
        basis=group.basis,
    )


def _coverage(state: State) -> Iterator[CoverageView]:
    for party in state.ledger.parties():
        for declaration in state.ledger.declarations(party):
            yield CoverageView(party=party, span=declaration.span, act=declaration.act)


def _boundaries(state: State) -> Iterator[BoundaryView]:
    for versions in state.boundaries.values():
        for author, message in versions.items():
            if isinstance(message.act, a.DeclareBoundary):
                yield BoundaryView(party=author, boundary=message.act.boundary)


def _nearness(state: State, groups: list[Declared], now: datetime) -> Iterator[NearnessView]:
    for own in groups:
        if dissolved_at(state, (own.message.author, own.group.id)) is not None:
            continue
        for version in _boundaries(state):
            seen = movement.nearness(state, own.group, version.boundary, now)
            if seen.nearest_m is None or seen.nearest_low_m is None or seen.nearest_at is None:
                continue
            yield NearnessView(
                group=own.group.id,
                party=version.party,
                boundary=version.boundary.id,
                nearest_m=seen.nearest_m,
                nearest_low_m=seen.nearest_low_m,
                nearest_at=seen.nearest_at,
                approaching=seen.approaching,
                synthetic=seen.synthetic,
                reach_s=seen.reach_s,
                crossed_at=seen.crossed_at,
            )


def _held(state: State) -> Iterator[HeldView]:
    for group in state.responsibility:
        move = holder(state, group)
        yield HeldView(
            group=group,
            holder=None if move is None else move.holder,
            since=None if move is None else move.at,
            offers=tuple(thread.id for thread in offers(state, group)),
            assertions=tuple(message.id for message in assertions(state, group)),
        )

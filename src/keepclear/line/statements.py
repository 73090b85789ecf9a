"""Statements held against the record (S11): what of a claim it bears out, speaks against, or cannot tell.

    consistent      the record says the same
    contradicted    the record says otherwise
    not supported   the record says nothing that bears the claim out
    cannot tell     the claim, or the record, does not say enough to compare

A verdict is about the record at `now`, never about the speaker: records are incomplete, and silence is not a denial.
Positions that were made up for a story contradict nobody: where a verdict would rest on them it is "not supported" at
worst, and marked. Nothing is filled in: a clock time without a zone stays one that cannot be compared.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import msgspec

from keepclear.line.clearing import affected_ever, own_aircraft, volume_of
from keepclear.line.groups import declarations, named_groups, offspring
from keepclear.line.line_check import line_standing, own_checks
from keepclear.line.movement import encounter_findings
from keepclear.line.procedure import objection
from keepclear.line.responsibility import assertions, holder, moves, offers
from keepclear.line.standing import last_by_party, reply_of
from keepclear.line.state import GroupKey, State, Thread
from keepclear.line.timings import RESIDUAL_GAP_S
from keepclear.model import acts as a
from keepclear.model import statements as s
from keepclear.model.base import EARLIEST, LATEST
from keepclear.model.basis import Basis, BasisKind, Certainty
from keepclear.model.coverage import CoverageState
from keepclear.model.findings import FigureValue, Finding
from keepclear.model.groups import AssetKind, HeadClass, Headcount
from keepclear.model.statements import Claim, Judgement, Verdict
from keepclear.model.times import Precision, TimeSaid, Window
from keepclear.watch.clearance import residual

YES, NO = Verdict.CONSISTENT, Verdict.CONTRADICTED
UNSUPPORTED, UNKNOWN = Verdict.NOT_SUPPORTED, Verdict.CANNOT_TELL

REASONS = (
    "agreed_on_record",
    "all_left_after",
    "all_left_before",
    "answered_otherwise",
    "as_declared",
    "at_another_time",
    "at_that_time",
    "count_unknown",
    "counts_differ",
    "declared_gap",
    "declared_watched",
    "departed",
    "departure_unknown",
    "handed_over",
    "held_by_another",
    "holds",
    "left_at_another_time",
    "left_at_different_times",
    "left_at_that_time",
    "line_was_down",
    "line_was_suspended",
    "line_was_unchecked",
    "line_was_up",
    "near_count",
    "never_offered",
    "no_answer_on_record",
    "no_count_on_record",
    "no_departure_on_record",
    "no_encounter_on_record",
    "no_machine_reading",
    "no_such_line",
    "no_such_proposal",
    "none_left",
    "not_declared",
    "not_judged",
    "asserted_not_accepted",
    "offered_not_accepted",
    "record_keeps_no_count",
    "record_knows",
    "record_silent_too",
    "same_count",
    "some_kinds_unknown",
    "some_left",
    "some_left_after",
    "some_left_before",
    "time_vague",
    "time_without_zone",
    "watched_in_part",
)
"""Every reason a judgement can give."""
MARKS = (
    "definition_changed",
    "same_figure_reused",
    "silence",
    "synthetic_positions",
    "time_without_zone",
    "unit_changed",
)
"""Everything that can be noticed beside a verdict."""

NEAR = 0.1
"""How far, of the count on record, a number said to be approximate may be from it."""

TOLERANCE = {
    Precision.SECOND: timedelta(seconds=1),
    Precision.MINUTE: timedelta(minutes=1),
    Precision.HOUR: timedelta(hours=1),
}
"""By how much a time said so finely may be off, either way. A day begins at its value and lasts 24 hours."""

CLOCK = tuple(TOLERANCE)

_AGREED = (a.Reply.WILL_COMPLY, a.Reply.WITH_CONDITIONS)
_COUNTED = {
    "bus": AssetKind.BUS,
    "buses": AssetKind.BUS,
    "ambulance": AssetKind.AMBULANCE,
    "ambulances": AssetKind.AMBULANCE,
    "car": AssetKind.CAR,
    "cars": AssetKind.CAR,
    "truck": AssetKind.TRUCK,
    "trucks": AssetKind.TRUCK,
}


@dataclass(frozen=True, slots=True)
class Found:
    """What the record says of one claim, before what is noticed beside it."""

    verdict: Verdict
    reason: str
    values: dict[str, FigureValue] = field(default_factory=dict)
    entries: tuple[str, ...] = ()
    synthetic: bool = False


class Filed(NamedTuple):
    """A claim, the statement it stands in, and the act that filed it."""

    claim: Claim
    topic: str
    act: str


def filed_claims(state: State) -> list[Filed]:
    """Every claim of every real statement on record, in the order all nodes find alike."""
    openers = [state.threads[thread_id].opener for thread_id in state.statements]
    found: list[Filed] = []
    for message in sorted((m for m in openers if not m.exercise), key=lambda m: m.order):
        act = message.act
        if isinstance(act, a.PublishStatement):
            found += [Filed(claim, act.topic, message.id) for claim in act.claims]
    return found


def judge(state: State, claim: Claim, now: datetime, others: Iterable[Filed] = ()) -> Judgement:
    """What the record at `now` says of a claim. `others` are the claims it is compared with for figures used again."""
    about = claim.about
    found = Found(UNKNOWN, "no_machine_reading") if about is None else _JUDGES[type(about)](state, claim, about, now)
    marks, entries = _marks(claim, others)
    if isinstance(about, s.Silence):
        marks.add("silence")
    if found.synthetic:
        marks.add("synthetic_positions")
        if found.verdict is NO:
            found = replace(found, verdict=UNSUPPORTED)
    return Judgement(
        claim=claim.id,
        verdict=found.verdict,
        reason=found.reason,
        values=found.values,
        entries=tuple(dict.fromkeys((*found.entries, *entries))),
        marks=tuple(sorted(marks)),
    )


def judged(state: State, claim: Claim, now: datetime, others: Iterable[Filed] = ()) -> Judgement:
    """What `judge` says of a claim; where it fails on one, that this claim was not judged, and no other suffers."""
    try:
        return judge(state, claim, now, others)
    except Exception:
        return Judgement(claim=claim.id, verdict=UNKNOWN, reason="not_judged")


def span(said: TimeSaid) -> Window | None:
    """The stretch of time that a time said may mean; None where it has no value or is vague."""
    if said.value is None or said.precision is Precision.VAGUE:
        return None
    if said.precision is Precision.DAY:
        return _window(said.value, said.value + timedelta(days=1))
    slack = TOLERANCE[said.precision]
    return _window(said.value - slack, said.value + slack)


def _window(starts_at: datetime, ends_at: datetime) -> Window:
    """A stretch of time, cut to the years that can be written."""
    last = LATEST - timedelta(seconds=1)
    return Window(starts_at=min(max(starts_at, EARLIEST), last - timedelta(seconds=1)), ends_at=min(ends_at, last))


def _untimed(said: TimeSaid) -> Found:
    """The finding on a time that cannot be compared."""
    return Found(UNKNOWN, "time_without_zone" if said.value is None and said.precision in CLOCK else "time_vague")


# ── passing and departure ────────────────────────────────────────────────────────────────────────────────────────────


def _family(state: State, group: str) -> list[GroupKey]:
    """The groups under an id and those that split from them: where the whole is spoken of, its parts are meant too."""
    family: list[GroupKey] = []
    for key in named_groups(state, group):
        family += [key, *((key[0], part.group.id) for part in offspring(state, key))]
    return family


def _lineage(state: State, group: str) -> list[str]:
    """A group and those it split from, nearest first, as far as all who declare them say the same."""
    line = [group]
    while True:
        said = {declarations(state, key)[-1].group.split_from for key in named_groups(state, line[-1])}
        parent = said.pop() if len(said) == 1 else None
        if parent is None or parent in line:
            return line
        line.append(parent)


def _meetings(state: State, group: str, other: str) -> list[tuple[Finding, str]]:
    """What is on record of meetings of two groups or their parts, with the entries, in order of time."""
    found = [
        (met, state.findings[key].id)
        for one in _family(state, group)
        for two in _family(state, other)
        for key, met in encounter_findings(state, one, two).items()
    ]
    return sorted(found, key=lambda pair: pair[0].since)


def _passing(state: State, claim: Claim, about: s.Passing, now: datetime) -> Found:
    if about.at.value is None:
        met = _meetings(state, about.group, about.other)
        return replace(_untimed(about.at), entries=tuple(entry for _, entry in met), values=_times(met))
    met = _meetings(state, about.group, about.other)
    if not met:
        return Found(UNSUPPORTED, "no_encounter_on_record")
    window = span(about.at)
    if window is None:
        return replace(_untimed(about.at), entries=tuple(entry for _, entry in met), values=_times(met))
    then = [each for each in met if each[0].since < window.ends_at and (each[0].until or now) >= window.starts_at]
    shown = then or met
    return Found(
        YES if then else NO,
        "at_that_time" if then else "at_another_time",
        _times(shown),
        tuple(entry for _, entry in shown),
        any(each.synthetic for each, _ in shown),
    )


def _times(met: list[tuple[Finding, str]]) -> dict[str, FigureValue]:
    if not met:
        return {}
    first = met[0][0]
    values = {name: first.values.get(name) for name in ("nearest_at", "nearest_m", "duration_s")}
    return {"encounters": float(len(met)), "from_at": _text(first.since), **values}


class _Left(NamedTuple):
    """One aircraft that was inside: when first reported outside (None: not yet, or not `known`), on what acts."""

    asset: str
    at: datetime | None
    known: bool
    acts: tuple[str, ...]
    synthetic: bool


def _departures(state: State, party: str, now: datetime) -> list[_Left]:
    """The affected aircraft of a party under the last request made to it, and when each left."""
    threads = [
        state.threads[t] for t in state.requests if party in state.threads[t].to and not state.threads[t].exercise
    ]
    if not threads:
        return []
    thread = max(threads, key=lambda each: each.opener.order)
    reported = {
        item.asset: item
        for message in last_by_party(state, thread, a.Done).values()
        if message.author == party and isinstance(message.act, a.Done)
        for item in message.act.residual
    }
    assets = tuple(dict.fromkeys([*affected_ever(state, thread, party, now), *reported]))
    found = (_left(state, thread, party, asset, reported.get(asset), now) for asset in assets)
    return [each for each in found if each is not None]


def _left(
    state: State, thread: Thread, party: str, asset: str, reported: a.ResidualItem | None, now: datetime
) -> _Left | None:
    """When an aircraft left a volume: by tracks up to its last report, or, without tracks, as the party reported.

    None if it never was inside.
    """
    history = own_aircraft(state, party).get(asset)
    last = None if history is None else history.last(now)
    if history is None or last is None:
        if reported is None or reported.status is a.Inside.UNKNOWN:
            return _Left(asset, None, False, (), False)
        if reported.status is a.Inside.OUTSIDE:
            return None
        return _Left(asset, reported.left_at, True, reported.evidence, reported.synthetic)
    volume = volume_of(thread)
    until = _window(last.fix.at, last.fix.at + timedelta(seconds=1))
    then = msgspec.structs.replace(volume, window=until)
    item = residual(then, (asset,), {asset: history}, max_gap_s=RESIDUAL_GAP_S, since=thread.opener.said_at)[0]
    if item.status is a.Inside.OUTSIDE:
        return None
    return _Left(asset, item.left_at, item.status is not a.Inside.UNKNOWN, item.evidence, item.synthetic)


def _departure(state: State, claim: Claim, about: s.Departure, now: datetime) -> Found:
    all_of_them = _departures(state, about.party, now)
    left = [each for each in all_of_them if each.known]
    entries = tuple(dict.fromkeys(act for each in all_of_them for act in each.acts))
    synthetic = any(each.synthetic for each in all_of_them)
    values: dict[str, FigureValue] = {each.asset: _text(each.at) for each in left}
    if not all_of_them:
        return Found(UNSUPPORTED, "no_departure_on_record")
    if not left:
        return Found(UNSUPPORTED, "departure_unknown", values, entries, synthetic)
    if about.order is not None:
        met = _meetings(state, about.group, about.other)
        if not met:
            return Found(UNKNOWN, "no_encounter_on_record", values, entries, synthetic)
        passed_at = _nearest_at(met[0][0])
        values["passed_at"] = _text(passed_at)
        entries = (*entries, *(entry for _, entry in met[:1]))
        verdict, reason = _order(left, len(all_of_them), passed_at, about.order)
        return Found(verdict, reason, values, entries, synthetic or met[0][0].synthetic)
    if about.at is not None:
        window = span(about.at)
        if window is None:
            return replace(_untimed(about.at), values=values, entries=entries)
        then = [each for each in left if each.at is not None and window.starts_at <= each.at < window.ends_at]
        if len(then) == len(all_of_them):
            return Found(YES, "left_at_that_time", values, entries, synthetic)
        reason = "left_at_different_times" if then else "left_at_another_time"
        return Found(NO, reason, values, entries, synthetic)
    gone = [each for each in left if each.at is not None]
    if not gone:
        return Found(NO, "none_left", values, entries, synthetic)
    return Found(YES, "departed" if len(gone) == len(all_of_them) else "some_left", values, entries, synthetic)


def _order(left: list[_Left], count: int, passed_at: datetime, order: s.Order) -> tuple[Verdict, str]:
    before = [each for each in left if each.at is not None and each.at <= passed_at]
    claimed_before = order is s.Order.LEFT_BEFORE_PASSING
    if len(before) == count:
        return (YES if claimed_before else NO), "all_left_before"
    if not before:
        if len(left) < count:
            return UNSUPPORTED, "departure_unknown"
        return (NO if claimed_before else YES), "all_left_after"
    return NO, "some_left_after" if claimed_before else "some_left_before"


def _nearest_at(met: Finding) -> datetime:
    text = met.values.get("nearest_at")
    return datetime.fromisoformat(text.replace("Z", "+00:00")) if isinstance(text, str) else met.since


# ── watching, and silence about it ───────────────────────────────────────────────────────────────────────────────────


class _Watch(NamedTuple):
    states: set[CoverageState]
    values: dict[str, FigureValue]
    entries: tuple[str, ...]


def _watch(state: State, about: s.Watching | s.Silence) -> _Watch:
    """What the party declared of its watching of the group; where nothing, of the group that it split from."""
    found = _Watch({CoverageState.UNKNOWN}, {}, ())
    for group in _lineage(state, about.group):
        answers = state.ledger.ask(about.party, about.window, group=group, sensor=about.sensor)
        length = dict.fromkeys(CoverageState, 0.0)
        for answer in answers:
            length[answer.state] += (answer.window.ends_at - answer.window.starts_at).total_seconds()
        values: dict[str, FigureValue] = {f"{kind.value}_s": length[kind] for kind in CoverageState}
        entries = tuple(dict.fromkeys(act for answer in answers for act in answer.acts))
        found = _Watch({answer.state for answer in answers}, values, entries)
        if found.states != {CoverageState.UNKNOWN}:
            break
    return found


def _watching(state: State, claim: Claim, about: s.Watching, now: datetime) -> Found:
    said = _watch(state, about)
    if said.states == {about.state}:
        return Found(YES, "as_declared", said.values, said.entries)
    if about.state is CoverageState.GAP:
        if CoverageState.WATCHED in said.states:
            return Found(NO, "declared_watched", said.values, said.entries)
        return Found(
            UNSUPPORTED,
            "some_kinds_unknown" if about.sensor is None else "not_declared",
            said.values,
            said.entries,
        )
    if about.state is CoverageState.WATCHED:
        if said.states == {CoverageState.GAP}:
            return Found(NO, "declared_gap", said.values, said.entries)
        part = CoverageState.WATCHED in said.states
        return Found(UNSUPPORTED, "watched_in_part" if part else "not_declared", said.values, said.entries)
    return Found(NO, "record_knows", said.values, said.entries)


def _silence(state: State, claim: Claim, about: s.Silence, now: datetime) -> Found:
    said = _watch(state, about)
    if said.states == {CoverageState.UNKNOWN}:
        return Found(UNKNOWN, "record_silent_too", said.values, said.entries)
    return Found(YES, "record_knows", said.values, said.entries)


# ── figures ──────────────────────────────────────────────────────────────────────────────────────────────────────────


def _head_count(state: State, claim: Claim, about: s.HeadCountClaim, now: datetime) -> Found:
    figure = claim.figure
    if figure is None:
        return Found(UNKNOWN, "no_machine_reading")
    known = _head_counts(state, about.group, about.head_class)
    if not known:
        return Found(UNSUPPORTED, "no_count_on_record")
    asked = figure.as_of.value if figure.as_of is not None and figure.as_of.value is not None else claim.said.value
    if asked is not None:
        nearest = min(abs((count.as_of - asked).total_seconds()) for count, _ in known)
        known = [pair for pair in known if abs((pair[0].as_of - asked).total_seconds()) == nearest]
    counted = [pair for pair in known if pair[0].count is not None]
    entries = tuple(dict.fromkeys(act for _, act in known))
    if not counted:
        return Found(UNKNOWN, "count_unknown", {}, entries)
    best = min(counted, key=lambda pair: abs((pair[0].count or 0) - figure.value))
    return _compare(float(best[0].count or 0), figure, best[0].basis, {"as_of_at": _text(best[0].as_of)}, entries)


def _head_counts(state: State, group: str, head_class: HeadClass) -> list[tuple[Headcount, str]]:
    """The counts on record of a class in a group, with the acts; of all people, also sums of classes of one count."""
    found: list[tuple[Headcount, str]] = []
    for declared in (each for key in named_groups(state, group) for each in declarations(state, key)):
        message, counts = declared.message, declared.group.headcounts
        same = [count for count in counts if count.head_class is head_class]
        if not same and head_class is HeadClass.PEOPLE:
            parts = [c for c in counts if c.head_class in (HeadClass.FIGHTERS, HeadClass.CIVILIANS)]
            moments = {part.as_of for part in parts if part.count is not None}
            for moment in moments:
                total = sum(part.count or 0 for part in parts if part.as_of == moment)
                basis = next(part.basis for part in parts if part.as_of == moment)
                same.append(Headcount(head_class=head_class, count=total, as_of=moment, basis=basis))
        found += [(count, message.id) for count in same]
    return found


def _member_count(state: State, claim: Claim, about: s.MemberCountClaim, now: datetime) -> Found:
    figure, window = claim.figure, span(about.at)
    if figure is None:
        return Found(UNKNOWN, "no_machine_reading")
    if window is None:
        return _untimed(about.at)
    found: list[Found] = []
    kind = _COUNTED.get(figure.unit.strip().lower())
    for key in named_groups(state, about.group):
        then = [each for each in declarations(state, key) if each.message.at < window.ends_at]
        if then:
            members = [member for member in then[-1].group.members if kind is None or member.kind is kind]
            found.append(_compare(float(len(members)), figure, then[-1].group.basis, {}, (then[-1].message.id,)))
    if not found:
        return Found(UNSUPPORTED, "not_declared")
    if len({each.verdict for each in found}) > 1:  # parties that declare a group of this name do not agree
        return Found(UNKNOWN, "counts_differ", entries=tuple(entry for each in found for entry in each.entries))
    return found[0]


def _compare(
    count: float, figure: s.Figure, basis: Basis, values: dict[str, FigureValue], entries: tuple[str, ...]
) -> Found:
    values = {"count": count, "claimed": figure.value, **values}
    if figure.value == count:
        return Found(YES, "same_count", values, entries)
    if figure.approximate and abs(figure.value - count) <= NEAR * count:
        return Found(YES, "near_count", values, entries)
    certain = basis.kind in (BasisKind.DECLARED, BasisKind.OBSERVED) or basis.certainty is Certainty.CONFIRMED
    return Found(NO if certain and basis.is_fact else UNSUPPORTED, "counts_differ", values, entries)


def _tally(state: State, claim: Claim, about: s.Tally, now: datetime) -> Found:
    return Found(UNKNOWN, "record_keeps_no_count", {"claimed": claim.figure.value} if claim.figure else {})


def _matter(claim: Claim) -> tuple[str, ...] | None:
    """What a figure is a figure of: figures of one matter are compared with one another."""
    about = claim.about
    if isinstance(about, s.Tally):
        return ("tally", about.topic)
    if isinstance(about, s.HeadCountClaim):
        return ("head_count", about.group, about.head_class.value)
    if isinstance(about, s.MemberCountClaim):
        return ("member_count", about.group)
    return None


def _marks(claim: Claim, others: Iterable[Filed]) -> tuple[set[str], tuple[str, ...]]:
    """What is noticed beside the verdict, and the acts that show it."""
    marks: set[str] = set()
    entries: list[str] = []
    at = getattr(claim.about, "at", None)
    if isinstance(at, TimeSaid) and at.value is None and at.precision in CLOCK:
        marks.add("time_without_zone")
    mine, matter = claim.figure, _matter(claim)
    if mine is None or matter is None:
        return marks, ()
    for other in others:
        theirs = other.claim.figure
        if other.claim.id == claim.id or theirs is None or _matter(other.claim) != matter or theirs.value != mine.value:
            continue
        noticed = set()
        before, then = _as_of(other.claim), _as_of(claim)
        if isinstance(claim.about, s.Tally) and before is not None and then is not None and before < then:
            noticed.add("same_figure_reused")
        if theirs.definition is not None and mine.definition is not None and theirs.definition != mine.definition:
            noticed.add("definition_changed")
        if theirs.unit != mine.unit:
            noticed.add("unit_changed")
        if noticed:
            marks |= noticed
            entries.append(other.act)
    return marks, tuple(dict.fromkeys(entries))


def _as_of(claim: Claim) -> datetime | None:
    figure = claim.figure
    if figure is not None and figure.as_of is not None and figure.as_of.value is not None:
        return figure.as_of.value
    return claim.said.value


# ── responsibility, the line, answers ────────────────────────────────────────────────────────────────────────────────


def _holder(state: State, claim: Claim, about: s.Holder, now: datetime) -> Found:
    groups = _lineage(state, about.group)
    held = next((move for group in groups if (move := holder(state, group)) is not None), None)
    if held is not None:
        entries, values = (held.offer, held.acceptance), {"holder": held.holder, "since_at": _text(held.at)}
        if held.holder == about.party:
            return Found(YES if about.holds else NO, "holds", dict(values), entries)
        if about.holds:
            return Found(NO, "held_by_another", dict(values), entries)
        gave = any(state.threads[m.offer].author == about.party for group in groups for m in moves(state, group))
        return Found(YES if gave else UNSUPPORTED, "handed_over" if gave else "held_by_another", dict(values), entries)
    offered = tuple(thread.id for group in groups for thread in offers(state, group))
    asserted = tuple(message.id for group in groups for message in assertions(state, group))
    reason = "offered_not_accepted" if offered else "asserted_not_accepted" if asserted else "never_offered"
    counts: dict[str, FigureValue] = {"offers": float(len(offered)), "assertions": float(len(asserted))}
    return Found(UNSUPPORTED, reason, counts, (*offered, *asserted))


def _line_was(state: State, claim: Claim, about: s.LineWas, now: datetime) -> Found:
    if about.line not in state.lines:
        return Found(UNKNOWN, "no_such_line")
    window = span(about.at)
    if window is None:
        return _untimed(about.at)
    at = min(about.at.value or window.starts_at, now)
    stands = line_standing(state, about.line, at)
    checks = own_checks(state, about.line, at)[-3:]
    entries = tuple(
        act for check in checks for act in (check.message.id, *(answer.id for answer in check.answers.values()))
    )
    entries = (*entries, *(t for threads in state.lines[about.line].suspensions.values() for t in threads))
    values: dict[str, FigureValue] = {"state": stands.state, "since_at": _text(stands.since)}
    if stands.state in ("up", "own"):
        return Found(YES if about.up else NO, "line_was_up", values, entries)
    if stands.state == "unchecked":
        return Found(UNSUPPORTED, "line_was_unchecked", values, entries)
    return Found(NO if about.up else YES, f"line_was_{stands.state}", values, entries)


def _answer(state: State, claim: Claim, about: s.AnswerClaim, now: datetime) -> Found:
    threads = [state.threads[t] for t in state.proposals.get(about.thread_topic, ()) if not state.threads[t].exercise]
    if not threads:
        return Found(UNKNOWN, "no_such_proposal")
    answers = [m for t in threads for m in last_by_party(state, t, a.Answer).values() if objection(state, m) is None]
    entries = (*(thread.id for thread in threads), *(message.id for message in answers))
    if not answers:
        return Found(UNSUPPORTED if about.agreed else YES, "no_answer_on_record", {}, entries)
    agreed = any(reply_of(message) in _AGREED for message in answers)
    values: dict[str, FigureValue] = {m.author: str(reply_of(m)) for m in answers}
    if agreed:
        return Found(YES if about.agreed else NO, "agreed_on_record", values, entries)
    return Found(NO if about.agreed else YES, "answered_otherwise", values, entries)


def _text(moment: datetime | None) -> str | None:
    return None if moment is None else moment.strftime("%Y-%m-%dT%H:%M:%SZ")


_JUDGES: dict[type, Callable[[State, Claim, Any, datetime], Found]] = {
    s.Passing: _passing,
    s.Departure: _departure,
    s.Watching: _watching,
    s.HeadCountClaim: _head_count,
    s.MemberCountClaim: _member_count,
    s.Holder: _holder,
    s.Tally: _tally,
    s.LineWas: _line_was,
    s.AnswerClaim: _answer,
    s.Silence: _silence,
}

"""What a person or another machine sees: values computed from the state, one struct for each thing shown.

Nothing here is a truth of its own; every field can be traced to entries of the record. Codes (`kind`, `status`) are
words for `keepclear.phrases`; times are UTC; "unknown" is shown as a missing value, never filled in.
"""

from __future__ import annotations

from datetime import datetime

import msgspec

from keepclear.model.acts import Hop, Reply, Said, Urgency
from keepclear.model.base import Name
from keepclear.model.basis import Basis
from keepclear.model.boundaries import Boundary
from keepclear.model.coverage import CoverageSpan
from keepclear.model.findings import Finding
from keepclear.model.groups import AssetKind, Headcount
from keepclear.model.places import Place
from keepclear.model.plans import Plan
from keepclear.model.statements import Claim, Judgement
from keepclear.model.times import TimeSaid
from keepclear.model.tracks import SensorClass
from keepclear.model.volumes import Volume


class View(msgspec.Struct, frozen=True, kw_only=True):
    """The base of everything shown."""


class ActView(View, frozen=True, kw_only=True):
    """One act as this record holds it."""

    id: str
    index: int
    recorded_at: datetime
    said_at: datetime
    line: str
    author: str
    said: Said
    thread: str | None
    without_effect: str | None = None
    """Why the act changed nothing (a code), where it did not."""


class Difference(View, frozen=True, kw_only=True):
    """One thing a read-back got wrong."""

    field: str
    expected: str
    said: str


class HopView(View, frozen=True, kw_only=True):
    """One step of a notice toward the crew. `version` is the act it was said of: the notice, or a correction."""

    hop: Hop
    version: str
    said_at: datetime
    recorded_at: datetime
    act: str
    echelon: str | None = None
    crew: str | None = None


class RecipientView(View, frozen=True, kw_only=True):
    """How far a notice or request has come with one addressed party.

    `state`: queued, delivered, opened, read_back_wrong, received, acknowledged, passed, crew_briefed or
    crew_acknowledged.
    `missing_hop` is the next hop not yet proven, `missing_since` when the one before it was recorded.
    """

    party: str
    state: str
    received: bool
    hops: tuple[HopView, ...]
    differences: tuple[Difference, ...] = ()
    answer: Reply | None = None
    answered_at: datetime | None = None
    answer_s: float | None = None
    missing_hop: str | None = None
    missing_since: datetime | None = None


class IntentView(View, frozen=True, kw_only=True):
    """One operational intent that a request to clear airspace concerns, as its service's plan says where it stands.

    `state`: inside, changed (its plan no longer meets the volume), ended or unknown; `since` when that began; `act`
    what said so on the line and `change` the act of the UTM ledger it came by. `told_at`: when its service took the
    message that the volume is to be kept clear; missing where this node told it nothing. A plan, not a position.
    """

    plan: str
    thread: str
    party: str
    service: str
    state: str
    since: datetime
    act: str
    change: str | None = None
    told_at: datetime | None = None
    told_act: str | None = None
    told_outcome: str | None = None


class ThreadView(View, frozen=True, kw_only=True):
    """One matter: the act that opened it and what came of it.

    `kind`: notice, clear_request, proposal, danger_call, agreement, responsibility, statement, leg_blocked or line.
    `status` by kind: notice: announced, received, cancelled, ended; clear_request: waiting, answered, reported_clear,
    given_back, expired, refused, cancelled; proposal: waiting, answered, cancelled; danger_call: calling, taken,
    closed; agreement: stated, consented; responsibility: offered, accepted, declined, asserted; statement: filed;
    leg_blocked: reported; line: suspended, resumed. See `keepclear.line.standing`.

    `version` is the act that carries what now holds: the last correction, or the opener. A read-back or receipt of it
    names that act.
    """

    id: str
    version: str
    kind: str
    status: str
    status_since: datetime
    line: str
    author: str
    opened_at: datetime
    recorded_at: datetime
    exercise: bool
    urgency: Urgency | None = None
    title: Name | None = None
    words: str | None = None
    waiting_for: tuple[str, ...] = ()
    waiting_since: datetime | None = None
    due_at: datetime | None = None
    overdue: bool = False
    escalated_to: tuple[str, ...] = ()
    taken_by: str | None = None
    """Of a danger call: the party and the role that took it."""
    taken_on_roster: bool | None = None
    """Whether that role was on the roster then; missing while nobody has taken it."""
    recipients: tuple[RecipientView, ...] = ()
    plan: Plan | None = None
    volume: Volume | None = None
    basis: Basis | None = None
    intents: tuple[IntentView, ...] = ()
    """Of a request to clear airspace, where it is shown with its acts: the operational intents in it."""
    acts: tuple[ActView, ...] = ()
    findings: tuple[Finding, ...] = ()


class MemberView(View, frozen=True, kw_only=True):
    """One member of a line as this node sees it. `state`: up, unchecked, down, suspended."""

    party: str
    state: str
    since: datetime | None
    last_heard_at: datetime | None = None
    last_answer_s: float | None = None
    on_watch: tuple[str, ...] = ()
    staffed: bool | None = None


class LineView(View, frozen=True, kw_only=True):
    """One line and how it stands. `state`: up, unchecked, down, suspended, own; `since` is when that began."""

    id: str
    name: Name
    state: str
    since: datetime | None
    members: tuple[MemberView, ...]
    suspended_by: tuple[str, ...] = ()
    last_check_at: datetime | None = None
    median_answer_s: float | None = None
    checks: int = 0
    answered: int = 0
    fallback: Name | None = None


class PartyView(View, frozen=True, kw_only=True):
    """A party in this node's register."""

    id: str
    name: Name
    node: str
    hosted: bool
    fingerprint: str


class AssetView(View, frozen=True, kw_only=True):
    """The last report of one asset. It is as old as `age_s` says; nothing is drawn ahead of it."""

    asset: str
    kind: AssetKind
    sensor: SensorClass
    at: datetime
    age_s: float
    lat_deg: float
    lon_deg: float
    uncertainty_m: float
    alt_wgs84_m: float | None
    reported_by: str
    basis: Basis
    trail: tuple[tuple[float, float], ...] = ()
    """Earlier positions, [lat, lon], oldest first, as reported."""


class GroupView(View, frozen=True, kw_only=True):
    """A group and how it stands. `state`: unknown, moving, halted, waiting, lost_contact or split; `since` when that
    began. `waits_for` are the words of whoever said that it waits, or the code `leg_blocked` or `answer`.
    """

    id: str
    name: Name
    declared_by: str
    members: tuple[tuple[str, AssetKind], ...]
    headcounts: tuple[Headcount, ...]
    state: str
    since: datetime | None = None
    waits_for: str | None = None
    plan: str | None = None
    chainage_m: float | None = None
    route_m: float | None = None
    off_route_m: float | None = None
    late_s: float | None = None
    split_from: str | None = None
    basis: Basis | None = None


class CoverageView(View, frozen=True, kw_only=True):
    """One line of the coverage ledger: a declaration, and the act that made it."""

    party: str
    span: CoverageSpan
    act: str


class BoundaryView(View, frozen=True, kw_only=True):
    """One party's version of a boundary."""

    party: str
    boundary: Boundary


class NearnessView(View, frozen=True, kw_only=True):
    """How near a group came to one party's version of a boundary, by its reports so far.

    `reach_s` is arithmetic on the last two reports, not a prediction; missing where the distance did not shrink.
    """

    group: str
    party: str
    boundary: str
    nearest_m: float
    nearest_low_m: float
    nearest_at: datetime
    approaching: bool
    synthetic: bool
    reach_s: float | None = None
    crossed_at: datetime | None = None


class HeldView(View, frozen=True, kw_only=True):
    """Who holds responsibility for a group. `holder` is missing where nobody ever took it."""

    group: str
    holder: str | None
    since: datetime | None
    offers: tuple[str, ...] = ()
    assertions: tuple[str, ...] = ()


class JudgedClaim(View, frozen=True, kw_only=True):
    """A claim and what the record says of it."""

    claim: Claim
    judgement: Judgement


class StatementView(View, frozen=True, kw_only=True):
    """A filed statement with a judgement on each claim."""

    act: str
    id: str
    topic: str
    title: str
    publisher: Name
    filed_by: str
    published: TimeSaid
    claims: tuple[JudgedClaim, ...]


class Picture(View, frozen=True, kw_only=True):
    """Everything that has a place, as `party` knew it at `at`, up to and including entry `size` - 1."""

    at: datetime
    party: str | None
    size: int
    places: tuple[Place, ...]
    plans: tuple[tuple[str, Plan], ...]
    """(thread id, plan) of every notice in force."""
    clearings: tuple[tuple[str, str, Volume, Basis], ...]
    """(thread id, status, volume, basis) of every clear-airspace request not over."""
    assets: tuple[AssetView, ...]
    groups: tuple[GroupView, ...]
    coverage: tuple[CoverageView, ...]
    boundaries: tuple[BoundaryView, ...]
    held: tuple[HeldView, ...]
    findings: tuple[Finding, ...]
    nearness: tuple[NearnessView, ...] = ()

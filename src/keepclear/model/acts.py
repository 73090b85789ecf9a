"""Acts: everything a party, or a node, can say on a line.

An act is said in a message whose header (line, author, sequence number, previous act, time) is part of the signed
text; see `keepclear.record.envelope`. `re` names the act spoken about. A thread is the act that opened it and all that
refers to it.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from keepclear.model.base import ActId, Id, Instant, Long, Name, Short, Value, Words, utc
from keepclear.model.basis import DECLARED, Basis
from keepclear.model.boundaries import Boundary
from keepclear.model.coverage import CoverageSpan
from keepclear.model.findings import Finding
from keepclear.model.groups import Group
from keepclear.model.parties import Desk, LineCard, NodeCard
from keepclear.model.places import Grid, Place, PlaceNames, Position
from keepclear.model.plans import Plan
from keepclear.model.statements import Claim
from keepclear.model.times import TimeSaid, Window
from keepclear.model.tracks import Track
from keepclear.model.utm import Count, Entity, EntityId, Gone, Manager, Told, Url, Way
from keepclear.model.volumes import AltitudeBand, Volume

To = Annotated[tuple[Id, ...], Meta(min_length=1, max_length=50)]


class Urgency(StrEnum):
    """How soon somebody must look. Danger calls have their own act."""

    ROUTINE = "routine"
    PRIORITY = "priority"
    IMMEDIATE = "immediate"


class Hop(StrEnum):
    """The way of a notice to the people it is for. Queued is the sender's own knowledge and is not said."""

    DELIVERED = "delivered"
    OPENED = "opened"
    ACKNOWLEDGED = "acknowledged"
    PASSED = "passed"
    CREW_BRIEFED = "crew_briefed"
    CREW_ACKNOWLEDGED = "crew_acknowledged"


class Reply(StrEnum):
    """An answer to a request or a proposal."""

    WILL_COMPLY = "will_comply"
    WITH_CONDITIONS = "with_conditions"
    CANNOT = "cannot"
    NOT_UNDERSTOOD = "not_understood"
    COUNTER_PROPOSAL = "counter_proposal"


class Inside(StrEnum):
    """Where an asset was at T0 in relation to a volume, as far as tracks tell."""

    INSIDE = "inside"
    LEFT = "left"
    OUTSIDE = "outside"
    UNKNOWN = "unknown"


# ── who is here ──────────────────────────────────────────────────────────────────────────────────────────────────────


class Enrol(Value, tag="enrol", tag_field="act", frozen=True, kw_only=True):
    """The node takes a node (a peer, or itself) and its parties into its register. By the node, on its own line."""

    node: NodeCard


class OpenLine(Value, tag="open_line", tag_field="act", frozen=True, kw_only=True):
    """The node opens a line with these members and terms. Said by the node, on its own line."""

    line: LineCard


class Roster(Value, tag="roster", tag_field="act", frozen=True, kw_only=True):
    """A party shows who is on watch at its desk, by role, and how a danger call climbs."""

    desk: Desk


class Gazetteer(Value, tag="gazetteer", tag_field="act", frozen=True, kw_only=True):
    """Named places a party refers to."""

    places: Annotated[tuple[Place, ...], Meta(min_length=1, max_length=200)]


# ── the line itself ──────────────────────────────────────────────────────────────────────────────────────────────────


class LineCheck(Value, tag="line_check", tag_field="act", frozen=True, kw_only=True):
    """Are you there?"""


class LineCheckAnswer(Value, tag="line_check_answer", tag_field="act", frozen=True, kw_only=True):
    """We are here."""

    re: ActId


class Suspend(Value, tag="suspend", tag_field="act", frozen=True, kw_only=True):
    """The author stops using the line. The other members see it as a fact signed by the author."""

    reason: Words


class Resume(Value, tag="resume", tag_field="act", frozen=True, kw_only=True):
    """The author uses the line again."""

    remark: Words | None = None


# ── notices ──────────────────────────────────────────────────────────────────────────────────────────────────────────


class Notice(Value, tag="notice", tag_field="act", frozen=True, kw_only=True):
    """Tells others of a plan. It informs; it asks nobody's permission and gives none."""

    to: To
    plan: Plan
    urgency: Urgency = Urgency.ROUTINE
    words: Words | None = None


class ReadBack(Value, tag="read_back", tag_field="act", frozen=True, kw_only=True):
    """The receiver repeats grid, time and altitude. Only a right one makes the notice count as received."""

    re: ActId
    grid: Grid
    window: Window
    band: AltitudeBand


class Correction(Value, tag="correction", tag_field="act", frozen=True, kw_only=True):
    """Replaces the plan of a notice. Whoever read back the old one must read back the new one."""

    re: ActId
    plan: Plan
    reason: Words


class Cancel(Value, tag="cancel", tag_field="act", frozen=True, kw_only=True):
    """Takes back a notice, request or proposal of one's own."""

    re: ActId
    reason: Words


class Receipt(Value, tag="receipt", tag_field="act", frozen=True, kw_only=True):
    """One hop on the way to the crew. `echelon` names the role or unit reached, `crew` the call sign briefed."""

    re: ActId
    hop: Hop
    echelon: Short | None = None
    crew: Short | None = None
    remark: Words | None = None

    def __post_init__(self) -> None:
        if self.hop is Hop.PASSED and self.echelon is None:
            raise ValueError("echelon must be named when a notice is passed on")
        if self.hop in (Hop.CREW_BRIEFED, Hop.CREW_ACKNOWLEDGED) and self.crew is None:
            raise ValueError("crew must be named by call sign or role")


# ── asking for airspace to be cleared ────────────────────────────────────────────────────────────────────────────────


class ClearRequest(Value, tag="clear_request", tag_field="act", frozen=True, kw_only=True):
    """Asks others to keep their aircraft out of a volume. T0 is the start of the volume's window."""

    to: To
    volume: Volume
    names: Annotated[tuple[PlaceNames, ...], Meta(min_length=1, max_length=20)]
    why: Words
    answer_by: Instant
    urgency: Urgency = Urgency.PRIORITY
    plan: Id | None = None
    basis: Basis = DECLARED

    def __post_init__(self) -> None:
        utc(self.answer_by, "answer_by")


class Answer(Value, tag="answer", tag_field="act", frozen=True, kw_only=True):
    """The answer of one addressed party to a request or proposal."""

    re: ActId
    reply: Reply
    conditions: Words | None = None
    counter: Volume | None = None

    def __post_init__(self) -> None:
        if self.reply is Reply.WITH_CONDITIONS and self.conditions is None:
            raise ValueError("conditions must be given with this reply")
        if self.reply is Reply.COUNTER_PROPOSAL and self.counter is None and self.conditions is None:
            raise ValueError("counter (a volume) or conditions (words) must be given with a counter-proposal")


class ResidualItem(Value, frozen=True, kw_only=True):
    """One asset and where it was at T0. `left_at` is the first report outside; `last_seen_at` the last report used.

    `synthetic` is true if any report used was made up.
    """

    asset: Id
    status: Inside
    left_at: Instant | None = None
    last_seen_at: Instant | None = None
    evidence: Annotated[tuple[ActId, ...], Meta(max_length=20)] = ()
    synthetic: bool = False


class Done(Value, tag="done", tag_field="act", frozen=True, kw_only=True):
    """The author reports the airspace clear as of `reported_clear_at`.

    `residual` is who was still inside at T0 and who is unknown, from the tracks named in `evidence`. It is a report,
    not a warrant.
    """

    re: ActId
    reported_clear_at: Instant
    residual: Annotated[tuple[ResidualItem, ...], Meta(max_length=200)]
    evidence: Annotated[tuple[ActId, ...], Meta(max_length=200)] = ()

    def __post_init__(self) -> None:
        utc(self.reported_clear_at, "reported_clear_at")


class GiveBack(Value, tag="give_back", tag_field="act", frozen=True, kw_only=True):
    """The asker no longer needs the airspace kept clear."""

    re: ActId
    remark: Words | None = None


class Proposal(Value, tag="proposal", tag_field="act", frozen=True, kw_only=True):
    """Anything else put to others that waits for an answer. `topic` lets statements refer to it."""

    to: To
    topic: Id
    words: Words
    answer_by: Instant
    basis: Basis = DECLARED

    def __post_init__(self) -> None:
        utc(self.answer_by, "answer_by")


# ── danger ───────────────────────────────────────────────────────────────────────────────────────────────────────────


class DangerCall(Value, tag="danger_call", tag_field="act", frozen=True, kw_only=True):
    """People are in danger now. Any officer on watch may take it."""

    to: To
    words: Words
    names: PlaceNames | None = None
    position: Position | None = None


class Take(Value, tag="take", tag_field="act", frozen=True, kw_only=True):
    """A role on watch takes a danger call and answers for acting on it."""

    re: ActId


class Close(Value, tag="close", tag_field="act", frozen=True, kw_only=True):
    """A danger call is over, with what came of it."""

    re: ActId
    outcome: Words


# ── agreements and responsibility ────────────────────────────────────────────────────────────────────────────────────


class Agreement(Value, tag="agreement", tag_field="act", frozen=True, kw_only=True):
    """The terms of a deal and who is said to be party to it; each consents for itself, if it is on the line at all."""

    id: Id
    parties: Annotated[tuple[Short, ...], Meta(min_length=1, max_length=20)]
    terms: Words
    group: Id | None = None
    basis: Basis = DECLARED


class Consent(Value, tag="consent", tag_field="act", frozen=True, kw_only=True):
    """The author binds itself to an agreement, or says that it does not."""

    re: ActId
    consents: bool


class ResponsibilityOffer(Value, tag="responsibility_offer", tag_field="act", frozen=True, kw_only=True):
    """The author, who holds responsibility for a group, offers it to another party."""

    group: Id
    to: Id
    terms: Words


class ResponsibilityAnswer(Value, tag="responsibility_answer", tag_field="act", frozen=True, kw_only=True):
    """The party offered to accepts or declines. Only an acceptance moves responsibility."""

    re: ActId
    accepts: bool
    remark: Words | None = None


class ResponsibilityAssertion(Value, tag="responsibility_assertion", tag_field="act", frozen=True, kw_only=True):
    """The author says that somebody is responsible. It moves nothing."""

    group: Id
    holder: Short
    words: Words
    basis: Basis = DECLARED


# ── what is seen ─────────────────────────────────────────────────────────────────────────────────────────────────────


class Positions(Value, tag="positions", tag_field="act", frozen=True, kw_only=True):
    """Reported positions."""

    tracks: Annotated[tuple[Track, ...], Meta(min_length=1, max_length=200)]


class DeclareGroup(Value, tag="declare_group", tag_field="act", frozen=True, kw_only=True):
    """Declares a group, or replaces an earlier declaration of it."""

    group: Group


class DeclareBoundary(Value, tag="declare_boundary", tag_field="act", frozen=True, kw_only=True):
    """The author's version of a boundary."""

    boundary: Boundary


class Coverage(Value, tag="coverage", tag_field="act", frozen=True, kw_only=True):
    """What the author says of its own watching."""

    spans: Annotated[tuple[CoverageSpan, ...], Meta(min_length=1, max_length=100)]


class LegBlocked(Value, tag="leg_blocked", tag_field="act", frozen=True, kw_only=True):
    """A leg of a movement cannot be driven. `at` is when this is said to have happened."""

    plan: Id
    from_place: Id
    to_place: Id
    at: TimeSaid
    words: Words
    basis: Basis = DECLARED


class Waiting(Value, tag="waiting", tag_field="act", frozen=True, kw_only=True):
    """A group stands and waits: for whom, and since when. The most exposed state of a convoy."""

    group: Id
    since: Instant
    waits_for: Short
    words: Words | None = None
    basis: Basis = DECLARED

    def __post_init__(self) -> None:
        utc(self.since, "since")


class PublishStatement(Value, tag="statement", tag_field="act", frozen=True, kw_only=True):
    """Files a statement made in public: its title, who published it and when, and the claims in it."""

    id: Id
    topic: Id
    title: Long
    publisher: Name
    published: TimeSaid
    claims: Annotated[tuple[Claim, ...], Meta(min_length=1, max_length=50)]


class Noticed(Value, tag="finding", tag_field="act", frozen=True, kw_only=True):
    """A node puts on record what it noticed."""

    finding: Finding


class Remark(Value, tag="remark", tag_field="act", frozen=True, kw_only=True):
    """Free words on a thread. They change no state."""

    re: ActId
    words: Words


# ── UTM services ─────────────────────────────────────────────────────────────────────────────────────────────────────

Digest = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$(?!\n)")]
"""SHA-256 in hex."""
MAX_PART = 40_000
"""Characters of base64 in one part of an attachment: what leaves room for the rest of an envelope."""


class UtmChange(Value, tag="utm_change", tag_field="act", frozen=True, kw_only=True):
    """A node changed its UTM ledger: what it now holds (`put`), what is no more (`gone`), whom it concerns (`told`).

    `number` counts the changes of the ledger from 1. `by` is the service that asked, `did` the operation by its name in
    the standard, `asked` the SHA-256 of the request's body, `retry_key` the Idempotency-Key it came with. `pushed` says
    that this node itself carries the notifications in `told`. Too large for one envelope, `put`, `gone` and `told`
    stand in an attachment, named by its digest, and are empty here.
    """

    number: Annotated[int, Meta(ge=1)]
    by: Manager
    did: Short
    asked: Digest | None = None
    retry_key: Short | None = None
    put: tuple[Entity, ...] = ()
    gone: tuple[Gone, ...] = ()
    told: tuple[Told, ...] = ()
    pushed: bool = False
    attached: Digest | None = None


class UtmExchange(Value, tag="utm_exchange", tag_field="act", frozen=True, kw_only=True):
    """One message between this node and a UTM service, and how it was answered: evidence, not state.

    `peer` is the service (the `sub` of its token) or, of what was sent, the host. `did` is the operation by its name in
    the standard. `entity` is what it was about, `change` the number of the change it told of, `told` the
    subscriptions it named. `outcome` is the HTTP status in digits, or one word for why there was none. `body` is the
    message as sent or received if it is no longer than 20,000 characters; `body_sha256` is over the whole.
    """

    way: Way
    peer: Manager
    url: Url | None = None
    did: Short
    at: Instant
    outcome: Short
    entity: EntityId | None = None
    change: Count | None = None
    told: tuple[Told, ...] = ()
    attempt: Annotated[int, Meta(ge=1)] = 1
    final: bool = True
    """Whether no further attempt follows."""
    body_sha256: Digest | None = None
    body: Annotated[str, Meta(max_length=20_000)] | None = None

    def __post_init__(self) -> None:
        utc(self.at, "at")


class Attachment(Value, tag="attachment", tag_field="act", frozen=True, kw_only=True):
    """One part of bytes too long for an envelope; a later act names the whole by its SHA-256. Parts count from 1."""

    sha256: Digest
    part: Annotated[int, Meta(ge=1, le=1_000)]
    of: Annotated[int, Meta(ge=1, le=1_000)]
    base64: Annotated[str, Meta(max_length=MAX_PART)]


Act = (
    Enrol
    | OpenLine
    | Roster
    | Gazetteer
    | LineCheck
    | LineCheckAnswer
    | Suspend
    | Resume
    | Notice
    | ReadBack
    | Correction
    | Cancel
    | Receipt
    | ClearRequest
    | Answer
    | Done
    | GiveBack
    | Proposal
    | DangerCall
    | Take
    | Close
    | Agreement
    | Consent
    | ResponsibilityOffer
    | ResponsibilityAnswer
    | ResponsibilityAssertion
    | Positions
    | DeclareGroup
    | DeclareBoundary
    | Coverage
    | LegBlocked
    | Waiting
    | PublishStatement
    | Noticed
    | Remark
    | UtmChange
    | UtmExchange
    | Attachment
)


class Said(Value, frozen=True, kw_only=True):
    """The body of a message: the act, the role that said it, and whether it is an exercise.

    An exercise is marked in the signed bytes and never changes the state of what is real. `basis` says where the act
    itself comes from when the author did not simply say it: replayed from public reports, or made up for a story.
    `draft` is the desk's own number for the act, made before it was signed: what a desk hands its node twice under one
    draft is said once. To everybody else it means nothing.
    """

    role: Short
    act: Act
    exercise: bool = False
    basis: Basis | None = None
    draft: Annotated[str, Meta(pattern=r"^[0-9a-f]{32}$(?!\n)")] | None = None

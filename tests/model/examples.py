"""One example of every act, used wherever a test needs all of them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from keepclear.model import acts as a
from keepclear.model.base import Name, Words
from keepclear.model.basis import Basis, BasisKind, Certainty
from keepclear.model.boundaries import Boundary
from keepclear.model.coverage import CoverageSpan, CoverageState
from keepclear.model.findings import Finding, FindingKind
from keepclear.model.groups import AssetKind, Group, HeadClass, Headcount, Member
from keepclear.model.parties import Desk, EscalationStep, LineCard, NodeCard, PartyCard, Watch
from keepclear.model.places import LatLon, Place, PlaceNames, Position
from keepclear.model.plans import Plan, PlanKind, Trajectory, Waypoint
from keepclear.model.statements import Claim, Figure, Tally
from keepclear.model.times import Precision, TimeSaid, Window
from keepclear.model.tracks import Fix, SensorClass, Track
from keepclear.model.utm import (
    EntityKind,
    Gone,
    IntentState,
    Told,
    UtmCircle,
    UtmIntent,
    UtmPoint,
    UtmVolume,
    Way,
)
from keepclear.model.volumes import AltitudeBand, Circle, Volume

T0 = datetime(2017, 9, 8, 6, 0, tzinfo=UTC)
ACT = "ab" * 32
NAME = Name(en="Sukhna", ar="السخنة")
WORDS = Words(text="القوات ستمر في البادية", lang="ar")
WINDOW = Window(starts_at=T0, ends_at=T0 + timedelta(hours=3))
BAND = AltitudeBand(lower_wgs84_m=0.0, upper_wgs84_m=9000.0)
CIRCLE = Circle(centre=LatLon(lat_deg=34.75, lon_deg=39.4), radius_m=20_000.0)
VOLUME = Volume(area=CIRCLE, band=BAND, window=WINDOW)
NAMES = PlaceNames(grid="37SDU882603", nearest=NAME, bearing_deg=110.0, distance_m=51_000.0)
TIME = TimeSaid(text="07:00 GMT", precision=Precision.HOUR, value=T0 + timedelta(hours=1), zone="GMT")
REPORTED = Basis(kind=BasisKind.REPORTED, certainty=Certainty.DISPUTED, note=NAME, sources=("centcom-0908",))
PLAN = Plan(
    id="ground-advance",
    kind=PlanKind.GROUND_MOVEMENT,
    name=NAME,
    window=WINDOW,
    band=BAND,
    trajectory=Trajectory(
        waypoints=(
            Waypoint(at=T0, lat_deg=34.8853, lon_deg=38.8711, place="sukhna"),
            Waypoint(at=T0 + timedelta(hours=3), lat_deg=35.3359, lon_deg=40.1408, place="deir_ez_zor"),
        ),
        buffer_m=2_000.0,
    ),
    names=(NAMES,),
)
NODE = NodeCard(
    id="desk.node",
    key="desk.node+0123abcd+" + "A" * 44,
    address="https://127.0.0.1:8443",
    parties=(PartyCard(id="desk", name=NAME, key="desk+0123abcd+" + "A" * 44),),
)

ENTITY = "2f8343be-6482-4d1b-a474-16847e01af1e"
UTM_VOLUME = UtmVolume(
    circle=UtmCircle(centre=UtmPoint(lat_deg=34.75, lng_deg=39.4), radius_m=300.0),
    lower_m=0.0,
    upper_m=120.0,
    starts_at=T0,
    ends_at=T0 + timedelta(minutes=20),
)

EXAMPLES: tuple[a.Act, ...] = (
    a.Enrol(node=NODE),
    a.OpenLine(line=LineCard(id="avoidance", name=NAME, members=("coalition", "russia"))),
    a.Roster(
        desk=Desk(
            id="night",
            name=NAME,
            watches=(Watch(role="duty officer", window=WINDOW, languages=("en", "ar")),),
            escalation=(EscalationStep(role="duty officer", after_s=0.0), EscalationStep(role="chief", after_s=120.0)),
        )
    ),
    a.Gazetteer(
        places=(
            Place(id="sukhna", name=NAME, position=Position(lat_deg=34.8853, lon_deg=38.8711, uncertainty_m=2000.0)),
        )
    ),
    a.LineCheck(),
    a.LineCheckAnswer(re=ACT),
    a.Suspend(reason=WORDS),
    a.Resume(),
    a.Notice(to=("coalition",), plan=PLAN, urgency=a.Urgency.PRIORITY, words=WORDS),
    a.ReadBack(re=ACT, grid="37S DU 882 603", window=WINDOW, band=BAND),
    a.Correction(re=ACT, plan=PLAN, reason=WORDS),
    a.Cancel(re=ACT, reason=WORDS),
    a.Receipt(re=ACT, hop=a.Hop.PASSED, echelon="air operations floor"),
    a.ClearRequest(to=("coalition",), volume=VOLUME, names=(NAMES,), why=WORDS, answer_by=T0),
    a.Answer(re=ACT, reply=a.Reply.WITH_CONDITIONS, conditions=WORDS),
    a.Done(
        re=ACT,
        reported_clear_at=T0,
        residual=(a.ResidualItem(asset="drone-3", status=a.Inside.INSIDE, left_at=T0, evidence=(ACT,)),),
        evidence=(ACT,),
    ),
    a.GiveBack(re=ACT),
    a.Proposal(to=("russia",), topic="women-and-children", words=WORDS, answer_by=T0),
    a.DangerCall(
        to=("coalition",), words=WORDS, names=NAMES, position=Position(lat_deg=34.7, lon_deg=39.4, uncertainty_m=500.0)
    ),
    a.Take(re=ACT),
    a.Close(re=ACT, outcome=WORDS),
    a.Agreement(id="evacuation", parties=("a", "b"), terms=WORDS, group="convoy", basis=REPORTED),
    a.Consent(re=ACT, consents=True),
    a.ResponsibilityOffer(group="convoy", to="ground", terms=WORDS),
    a.ResponsibilityAnswer(re=ACT, accepts=False),
    a.ResponsibilityAssertion(group="convoy", holder="Syrian government forces", words=WORDS, basis=REPORTED),
    a.Positions(
        tracks=(
            Track(
                asset="drone-1",
                kind=AssetKind.DRONE,
                sensor=SensorClass.TRACKER,
                fixes=(Fix(at=T0, lat_deg=34.7, lon_deg=39.4, uncertainty_m=50.0, alt_wgs84_m=6000.0),),
                basis=Basis(kind=BasisKind.SYNTHETIC),
            ),
        )
    ),
    a.DeclareGroup(
        group=Group(
            id="convoy",
            name=NAME,
            members=(Member(asset="bus-1", kind=AssetKind.BUS),),
            headcounts=(Headcount(head_class=HeadClass.CIVILIANS, count=331, as_of=T0, basis=REPORTED),),
        )
    ),
    a.DeclareBoundary(
        boundary=Boundary(
            id="border",
            name=NAME,
            vertices=(LatLon(lat_deg=34.3, lon_deg=40.7), LatLon(lat_deg=34.4, lon_deg=41.0)),
            uncertainty_m=3000.0,
            approach_m=20_000.0,
        )
    ),
    a.Coverage(
        spans=(
            CoverageSpan(
                sensor=SensorClass.AIRCRAFT, state=CoverageState.GAP, area=CIRCLE, area_name=NAME, window=WINDOW
            ),
        )
    ),
    a.LegBlocked(plan="route", from_place="humaymah", to_place="bukamal", at=TIME, words=WORDS, basis=REPORTED),
    a.Waiting(group="convoy", since=T0, waits_for="passage east"),
    a.PublishStatement(
        id="s1",
        topic="c_casualties",
        title="Statement of 3 September",
        publisher=NAME,
        published=TimeSaid(text="3 September", precision=Precision.DAY),
        claims=(
            Claim(
                id="k34",
                speaker="Coalition spokesman",
                side="coalition",
                said=TIME,
                words="About 85 killed",
                lang="en",
                verbatim=False,
                figure=Figure(value=85.0, unit="fighters", definition="killed", approximate=True),
                about=Tally(topic="fighters-hit"),
            ),
        ),
    ),
    a.Noticed(finding=Finding(kind=FindingKind.ENCOUNTER, key="encounter.a.b", subjects=("a", "b"), since=T0)),
    a.Remark(re=ACT, words=WORDS),
    a.UtmChange(
        number=1,
        by="uss1",
        did="createOperationalIntentReference",
        asked=ACT,
        put=(
            UtmIntent(
                id=ENTITY,
                manager="uss1",
                state=IntentState.ACCEPTED,
                uss_base_url="https://uss1.example/utm",
                version=1,
                ovn="0123456789abcdef0123",
                volumes=(UTM_VOLUME,),
            ),
        ),
        gone=(Gone(kind=EntityKind.SUBSCRIPTION, id=ENTITY),),
        told=(Told(subscription=ENTITY, index=3, url="https://uss2.example/utm"),),
    ),
    a.UtmExchange(
        way=Way.SENT,
        peer="uss2.example",
        url="https://uss2.example/utm/uss/v1/operational_intents",
        did="notifyOperationalIntentDetailsChanged",
        at=T0,
        outcome="204",
        entity=ENTITY,
        change=1,
        told=(Told(subscription=ENTITY, index=3, url="https://uss2.example/utm"),),
        body_sha256=ACT,
    ),
    a.Attachment(sha256=ACT, part=1, of=2, base64="a2VlcGNsZWFy"),
)

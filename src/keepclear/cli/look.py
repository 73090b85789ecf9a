"""Commands that look: the line, threads, who was told what, the picture, and any instant as a party knew it."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import typer

from keepclear.cli.contents import contents
from keepclear.cli.desk import Look, open_look, window_text
from keepclear.cli.options import given, read_time
from keepclear.cli.speak import NOTHING, Speaker, how_long, moment, short
from keepclear.cli.utm import intents_table
from keepclear.errors import Malformed
from keepclear.line.views import ActView, Difference, LineView, Picture, RecipientView, StatementView, ThreadView
from keepclear.model.acts import Hop, Positions
from keepclear.model.basis import Basis
from keepclear.model.findings import Finding
from keepclear.model.places import PlaceNames
from keepclear.model.statements import Judgement
from keepclear.server.answers import EntryProof, Status

Thread = Annotated[str, typer.Argument(help="argument.thread", show_default=False)]
CREW_HOPS = (Hop.CREW_BRIEFED, Hop.CREW_ACKNOWLEDGED)


@given(open_look)
def status(look: Look) -> None:
    """Who this node is and how it stands."""
    answer = look.get("/api/status", Status)
    if look.speaker.as_json:
        look.speaker.json(answer)
        return
    speaker = look.speaker
    speaker.print("status", node=answer.node, size=answer.size, now=answer.now)
    rows = [
        [speaker.value(party.id), speaker.name(party.name), speaker.value(party.node), speaker.value(party.fingerprint)]
        for party in answer.parties
    ]
    speaker.table("title.parties", ["party", "name", "node", "fingerprint"], rows)


@given(open_look)
def lines(look: Look) -> None:
    """The lines and how they stand."""
    found = look.get("/api/lines", list[LineView])
    if look.speaker.as_json:
        look.speaker.json(found)
        return
    speaker = look.speaker
    rows = [
        [
            speaker.value(line.id),
            speaker.name(line.name),
            speaker.word("line", line.state),
            speaker.value(line.since),
            "\n".join(f"{speaker.value(each.party)}: {speaker.word('line', each.state)}" for each in line.members),
            speaker.value(line.last_check_at),
            speaker.value(f"{line.answered}/{line.checks}"),
            speaker.value(how_long(line.median_answer_s)),
        ]
        for line in found
    ]
    columns = ["line", "name", "state", "since", "members", "last_check", "answered", "median_answer"]
    speaker.table("title.lines", columns, rows)


@given(open_look)
def threads(look: Look) -> None:
    """Every matter and how it stands."""
    found = look.get("/api/threads", list[ThreadView])
    if look.speaker.as_json:
        look.speaker.json(found)
        return
    speaker = look.speaker
    rows = [
        [
            speaker.value(short(each.id)),
            speaker.word("thread", each.kind),
            speaker.status(each.kind, each.status) + _exercise(speaker, each),
            speaker.value(each.opened_at),
            speaker.value(each.author),
            speaker.value(", ".join(each.waiting_for)),
            speaker.value(each.due_at) + (f" {speaker.say('overdue')}" if each.overdue else ""),
            _title(speaker, each),
        ]
        for each in found
    ]
    columns = ["thread", "kind", "state", "opened", "author", "waiting_for", "due", "title"]
    speaker.table("title.threads", columns, rows)


@given(open_look)
def thread(look: Look, thread: Thread) -> None:
    """One matter with every act in it."""
    found = look.thread(thread)
    if look.speaker.as_json:
        look.speaker.json(found)
        return
    speaker = look.speaker
    print(f"{speaker.word('act', found.kind)} {speaker.value(short(found.id))}: {_title(speaker, found)}")
    print(
        f"{speaker.status(found.kind, found.status)} · {speaker.value(found.status_since)}{_exercise(speaker, found)}"
    )
    for text in contents(speaker, found):
        print(text)
    intents_table(speaker, found.intents)
    _told(speaker, found)
    _acts(speaker, found.acts, "title.acts")


@given(open_look)
def told(look: Look, thread: Thread) -> None:
    """Who was told what, when, and how far it came."""
    found = look.thread(thread)
    if look.speaker.as_json:
        look.speaker.json(found.recipients)
        return
    _told(look.speaker, found)


@given(open_look)
def timeline(
    look: Look,
    since: Annotated[str | None, typer.Option("--from", help="option.from", show_default=False)] = None,
    until: Annotated[str | None, typer.Option("--to", help="option.to", show_default=False)] = None,
    limit: Annotated[int, typer.Option("--limit", help="option.limit", min=1, max=1000)] = 100,
) -> None:
    """The record in its own order."""
    window = {name: read_time(text, name).isoformat() for name, text in (("from", since), ("to", until)) if text}
    found = look.get("/api/timeline", list[ActView], limit=limit, **window)
    if look.speaker.as_json:
        look.speaker.json(found)
        return
    _acts(look.speaker, found, "title.timeline")


@given(open_look)
def picture(look: Look) -> None:
    """Plans, clearings, groups, reported positions and findings."""
    _picture(look, look.get("/api/picture", Picture))


@given(open_look)
def replay(look: Look) -> None:
    """Any instant as a party knew it: needs --at and --party."""
    if look.at is None or look.party is None:
        missing = "at" if look.at is None else "party"
        raise Malformed(f"--{missing} must be given", field=missing, code="option_missing", option=f"--{missing}")
    found = look.get("/api/picture", Picture)
    open_threads = look.get("/api/threads", list[ThreadView])
    if look.speaker.as_json:
        look.speaker.json({"picture": found, "threads": open_threads})
        return
    look.speaker.print("replay", party=look.party, at=look.at, size=found.size)
    rows = [
        [
            look.speaker.value(short(each.id)),
            look.speaker.word("thread", each.kind),
            look.speaker.status(each.kind, each.status) + _exercise(look.speaker, each),
            look.speaker.value(each.status_since),
            _title(look.speaker, each),
        ]
        for each in open_threads
    ]
    look.speaker.table("title.threads", ["thread", "kind", "state", "since", "title"], rows)
    _picture(look, found)


@given(open_look)
def statements(look: Look) -> None:
    """Statements and what the record says of each claim."""
    found = look.get("/api/statements", list[StatementView])
    if look.speaker.as_json:
        look.speaker.json(found)
        return
    speaker = look.speaker
    rows = [
        [
            speaker.value(each.id),
            speaker.value(judged.claim.speaker),
            speaker.value(" ".join(judged.claim.words.split())),
            speaker.word("verdict", judged.judgement.verdict),
            _reason(speaker, judged.judgement),
            speaker.value(", ".join(short(entry) for entry in judged.judgement.entries)),
        ]
        for each in found
        for judged in each.claims
    ]
    speaker.table("title.statements", ["statement", "speaker", "words", "verdict", "reason", "entries"], rows)


@given(open_look)
def show(look: Look, entry: Annotated[str, typer.Argument(help="argument.entry", show_default=False)]) -> None:
    """One entry: the signed text and the proof that the record holds it."""
    found = look.get(f"/api/entries/{entry}", EntryProof)
    if look.speaker.as_json:
        look.speaker.json(found)
        return
    look.speaker.print("entry", index=found.entry.index, at=found.entry.recorded_at, id=found.entry.id)
    print(found.envelope)
    look.speaker.print("proven", size=found.size, hashes=len(found.proof))
    print(found.checkpoint)


@given(open_look)
def name(
    look: Look,
    lat: Annotated[float, typer.Argument(help="argument.lat", min=-90, max=90, show_default=False)],
    lon: Annotated[float, typer.Argument(help="argument.lon", min=-180, max=180, show_default=False)],
) -> None:
    """A place in two independent ways: grid, and bearing and distance from a named place."""
    names = look.get("/api/name", PlaceNames, lat=lat, lon=lon)
    if look.speaker.as_json:
        look.speaker.json(names)
        return
    look.speaker.print(
        "place",
        grid=names.grid,
        nearest=look.speaker.name(names.nearest),
        bearing_deg=f"{names.bearing_deg:03.0f}",
        distance_km=f"{names.distance_m / 1000:.1f}",
    )


def _title(speaker: Speaker, thread: ThreadView) -> str:
    if thread.title is not None:
        return speaker.name(thread.title)
    return speaker.value(" ".join((thread.words or "").split()))


def _exercise(speaker: Speaker, thread: ThreadView) -> str:
    return f" {speaker.say('exercise')}" if thread.exercise else ""


def _told(speaker: Speaker, thread: ThreadView) -> None:
    rows = [
        [
            speaker.value(each.party),
            speaker.word("recipient", each.state),
            "\n".join([*_steps(speaker, thread, each), *_crews(speaker, thread, each)]) or "–",
            "\n".join(difference(speaker, wrong) for wrong in each.differences) or "–",
            speaker.word("reply", each.answer),
            speaker.word("hop", each.missing_hop),
            speaker.value(each.missing_since),
        ]
        for each in thread.recipients
    ]
    columns = ["recipient", "state", "hops", "read_back", "answer", "missing_hop", "missing_since"]
    speaker.table("title.told", columns, rows)


def _steps(speaker: Speaker, thread: ThreadView, told: RecipientView) -> list[str]:
    """A line a step, up to the crews: what was said of the version in force, then the step that is missing."""
    lines = [
        " ".join([speaker.word("hop", hop.hop), *(speaker.value(each) for each in (hop.said_at, hop.echelon) if each)])
        for hop in told.hops
        if hop.version == thread.version and hop.hop not in CREW_HOPS
    ]
    missing = told.missing_hop
    if missing is not None and not (missing in CREW_HOPS and _crews(speaker, thread, told)):
        lines.append(_missing(speaker, missing, told.missing_since))
    return lines


def _crews(speaker: Speaker, thread: ThreadView, told: RecipientView) -> list[str]:
    """A line a crew, for one crew's word says nothing of another: when it was briefed, when it acknowledged."""
    said: dict[str, dict[Hop, datetime]] = {}
    for hop in told.hops:
        if hop.version == thread.version and hop.hop in CREW_HOPS:
            said.setdefault(hop.crew or "", {}).setdefault(hop.hop, hop.said_at)
    lines = []
    for crew, times in said.items():
        steps = [f"{speaker.word('hop', hop)} {speaker.value(times[hop])}" for hop in CREW_HOPS if hop in times]
        if Hop.CREW_ACKNOWLEDGED not in times:
            steps.append(_missing(speaker, Hop.CREW_ACKNOWLEDGED, times[Hop.CREW_BRIEFED]))
        elif Hop.CREW_BRIEFED not in times and told.missing_hop == Hop.CREW_BRIEFED:
            steps.append(_missing(speaker, Hop.CREW_BRIEFED, told.missing_since))
        lines.append(f"{speaker.value(crew)}: {' · '.join(steps)}")
    return lines


def _missing(speaker: Speaker, hop: str, since: datetime | None) -> str:
    return speaker.say("missing", hop=speaker.word("hop", hop), since=NOTHING if since is None else moment(since))


def _acts(speaker: Speaker, acts: Any, title: str) -> None:
    rows = [
        [
            speaker.value(str(each.index)),
            speaker.value(each.recorded_at),
            speaker.value(each.line),
            speaker.value(each.author),
            speaker.word("act", kind_of(each)),
            speaker.value(short(each.thread or each.id)),
            _basis(speaker, basis_of(each)),
            speaker.word("without_effect", each.without_effect),
        ]
        for each in acts
    ]
    speaker.table(title, ["entry", "recorded", "line", "author", "kind", "thread", "basis", "without_effect"], rows)


def basis_of(view: ActView) -> Basis | None:
    """What an act stands on, where it says so: of positions, the first that was made up, if any was."""
    act = view.said.act
    if view.said.basis is not None:
        return view.said.basis
    if isinstance(act, Positions):
        return next((track.basis for track in act.tracks if not track.basis.is_fact), act.tracks[0].basis)
    held = getattr(act, "plan", None) or getattr(act, "group", None) or act
    found = getattr(held, "basis", None)
    return found if isinstance(found, Basis) else getattr(act, "basis", None)


def kind_of(view: ActView) -> str:
    """The code of an act, as its JSON carries it in `act`."""
    return str(view.said.act.__struct_config__.tag)


def difference(speaker: Speaker, wrong: Difference) -> str:
    """What a read-back got wrong: `window.starts_at` is called by the word for its last part."""
    field = speaker.word("read", wrong.field.rpartition(".")[2])
    return speaker.say("difference", field=field, expected=wrong.expected, said=wrong.said)


def _picture(look: Look, found: Picture) -> None:
    speaker = look.speaker
    if speaker.as_json:
        speaker.json(found)
        return
    plans = [
        [
            speaker.value(short(thread)),
            speaker.name(plan.name),
            speaker.value(window_text(plan.window.starts_at, plan.window.ends_at)),
            speaker.value(plan.names[0].grid),
            speaker.value(plan.names[-1].grid),
            _basis(speaker, plan.basis),
        ]
        for thread, plan in found.plans
    ]
    speaker.table("title.plans", ["thread", "name", "window", "from_grid", "to_grid", "basis"], plans)
    clearings = [
        [
            speaker.value(short(thread)),
            speaker.status("clear_request", state),
            speaker.value(window_text(volume.window.starts_at, volume.window.ends_at)),
            speaker.value(f"{volume.band.lower_wgs84_m:.0f}–{volume.band.upper_wgs84_m:.0f} m"),
            _basis(speaker, basis),
        ]
        for thread, state, volume, basis in found.clearings
    ]
    speaker.table("title.clearings", ["thread", "state", "window", "band", "basis"], clearings)
    groups = [
        [
            speaker.value(each.id),
            speaker.name(each.name),
            speaker.word("group", each.state),
            speaker.value(each.since),
            speaker.value(how_long(each.late_s)),
            _basis(speaker, each.basis),
        ]
        for each in found.groups
    ]
    speaker.table("title.groups", ["group", "name", "state", "since", "late", "basis"], groups)
    assets = [
        [
            speaker.value(each.asset),
            speaker.word("sensor", each.sensor),
            speaker.value(each.at),
            speaker.value(how_long(each.age_s)),
            speaker.value(f"{each.lat_deg:.4f} {each.lon_deg:.4f} ±{each.uncertainty_m:.0f} m"),
            speaker.value(each.reported_by),
            _basis(speaker, each.basis),
        ]
        for each in found.assets
    ]
    speaker.table("title.assets", ["asset", "sensor", "reported", "age", "position", "author", "basis"], assets)
    coverage = [
        [
            speaker.value(each.party),
            speaker.word("sensor", each.span.sensor),
            speaker.word("coverage", each.span.state),
            speaker.name(each.span.area_name),
            speaker.value(window_text(each.span.window.starts_at, each.span.window.ends_at)),
            speaker.value(short(each.act)),
        ]
        for each in found.coverage
    ]
    speaker.table("title.coverage", ["party", "sensor", "state", "area", "window", "act"], coverage)
    held = [
        [
            speaker.value(each.group),
            speaker.value(each.holder),
            speaker.value(each.since),
            speaker.value(", ".join(short(act) for act in each.offers)),
            speaker.value(", ".join(short(act) for act in each.assertions)),
        ]
        for each in found.held
    ]
    speaker.table("title.held", ["group", "holder", "since", "offers", "assertions"], held)
    findings = [
        [
            _finding(speaker, each),
            speaker.value(each.since),
            speaker.value(each.until),
            speaker.say("synthetic") if each.synthetic else "–",
        ]
        for each in found.findings
    ]
    speaker.table("title.findings", ["finding", "since", "until", "basis"], findings)


def _finding(speaker: Speaker, found: Finding) -> str:
    values = {**found.values, "subjects": ", ".join(found.subjects)}
    return speaker.sentence(f"findings.{found.kind}", values, otherwise=f"{found.kind}: {values['subjects']}")


def _reason(speaker: Speaker, judgement: Judgement) -> str:
    return speaker.sentence(f"verdicts.reason.{judgement.reason}", judgement.values, otherwise=judgement.reason)


def _basis(speaker: Speaker, basis: Any) -> str:
    return speaker.word("basis", basis.kind) if basis is not None else "–"


COMMANDS = {
    "status": status,
    "lines": lines,
    "threads": threads,
    "thread": thread,
    "told": told,
    "timeline": timeline,
    "picture": picture,
    "replay": replay,
    "statements": statements,
    "show": show,
    "name": name,
}

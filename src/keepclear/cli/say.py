"""Commands that say something on a line. Each is one act: signed, and on disk when the command returns."""

from __future__ import annotations

import json
from contextlib import suppress
from importlib import resources
from pathlib import Path
from typing import Annotated

import typer

from keepclear.cli.desk import Desk, open_desk, read_act_file, read_value, value
from keepclear.cli.look import difference
from keepclear.cli.options import given, read_time
from keepclear.cli.speak import short
from keepclear.cli.utm import intents_table
from keepclear.errors import KeepclearError, Malformed
from keepclear.model.acts import (
    Act,
    Answer,
    Cancel,
    ClearRequest,
    Close,
    Correction,
    DangerCall,
    Done,
    GiveBack,
    Hop,
    LineCheck,
    Notice,
    PublishStatement,
    ReadBack,
    Receipt,
    Remark,
    Reply,
    Resume,
    Suspend,
    Take,
)
from keepclear.model.places import PlaceNames, Position
from keepclear.model.plans import Plan
from keepclear.model.volumes import AltitudeBand, Volume
from keepclear.server.answers import ResidualDraft

Thread = Annotated[str, typer.Argument(help="argument.thread", show_default=False)]
LineArgument = Annotated[str, typer.Argument(help="argument.line", show_default=False)]
File = Annotated[Path | None, typer.Option("--file", "-f", help="option.file", show_default=False)]
Example = Annotated[bool, typer.Option("--example", help="option.example")]
Reason = Annotated[str, typer.Option("--reason", help="option.reason", show_default=False)]
Text = Annotated[str | None, typer.Option("--words", "-w", help="option.words", show_default=False)]

EXAMPLES = ("notice", "clear", "statement", "positions")


@given(open_desk)
def line_check(desk: Desk, line: LineArgument) -> None:
    """Ask: are you there?"""
    desk.say(LineCheck(), line=line)


@given(open_desk)
def suspend(desk: Desk, line: LineArgument, reason: Reason) -> None:
    """Stop using a line; the other members see it at once."""
    desk.say(Suspend(reason=desk.words(reason)), line=line)


@given(open_desk)
def resume(desk: Desk, line: LineArgument, words: Text = None) -> None:
    """Use a line again."""
    desk.say(Resume(remark=desk.words(words) if words else None), line=line)


@given(open_desk)
def notice(desk: Desk, file: File = None, example: Example = False) -> None:
    """Give notice of a plan, from a file; --example prints one to edit."""
    if example:
        print_example(desk, "notice")
    else:
        desk.say(read_act_file(Notice, needed(file)))


@given(open_desk)
def read_back(
    desk: Desk,
    thread: Thread,
    grid: Annotated[str, typer.Option("--grid", help="option.grid", show_default=False)],
    starts: Annotated[str, typer.Option("--from", help="option.from", show_default=False)],
    ends: Annotated[str, typer.Option("--to", help="option.to", show_default=False)],
    lower: Annotated[float, typer.Option("--lower", help="option.lower", show_default=False)],
    upper: Annotated[float, typer.Option("--upper", help="option.upper", show_default=False)],
) -> None:
    """Repeat the grid, times and heights of a notice; only a right read-back makes it count as received."""
    found = desk.thread(thread)
    window = {"starts_at": read_time(starts, "from"), "ends_at": read_time(ends, "to")}
    band = value(AltitudeBand, {"lower_wgs84_m": lower, "upper_wgs84_m": upper}, "lower")
    said = value(ReadBack, {"re": found.version, "grid": grid, "window": window, "band": band}, "grid")
    desk.say_on(found, said)
    mine = next((each for each in desk.thread(found.id).recipients if each.party == desk.speaking_party()), None)
    if mine is None:
        return
    if mine.received:
        desk.speaker.print("read_back_right")
    for wrong in mine.differences:
        desk.speaker.line(difference(desk.speaker, wrong))


@given(open_desk)
def correct(desk: Desk, thread: Thread, reason: Reason, file: File = None) -> None:
    """Replace the plan of a notice of one's own; it must be read back again."""
    found = desk.thread(thread)
    desk.say_on(found, Correction(re=found.id, plan=read_value(Plan, needed(file)), reason=desk.words(reason)))


@given(open_desk)
def cancel(desk: Desk, thread: Thread, reason: Reason) -> None:
    """Take back a notice, request or proposal of one's own."""
    found = desk.thread(thread)
    desk.say_on(found, Cancel(re=found.id, reason=desk.words(reason)))


@given(open_desk)
def receipt(
    desk: Desk,
    thread: Thread,
    hop: Annotated[Hop, typer.Argument(help="argument.hop", show_default=False)],
    echelon: Annotated[str | None, typer.Option("--echelon", help="option.echelon", show_default=False)] = None,
    crew: Annotated[str | None, typer.Option("--crew", help="option.crew", show_default=False)] = None,
) -> None:
    """Say how far a notice came on its way to the crew."""
    found = desk.thread(thread)
    said = value(Receipt, {"re": found.version, "hop": hop, "echelon": echelon, "crew": crew}, "hop")
    desk.say_on(found, said)


@given(open_desk)
def clear(desk: Desk, file: File = None, example: Example = False) -> None:
    """Ask for airspace to be cleared, from a file; --example prints one to edit."""
    if example:
        print_example(desk, "clear")
    else:
        desk.say(read_act_file(ClearRequest, needed(file)))


@given(open_desk)
def answer(
    desk: Desk,
    thread: Thread,
    reply: Annotated[Reply, typer.Argument(help="argument.reply", show_default=False)],
    conditions: Annotated[
        str | None, typer.Option("--conditions", help="option.conditions", show_default=False)
    ] = None,
    file: Annotated[Path | None, typer.Option("--counter", help="option.counter", show_default=False)] = None,
) -> None:
    """Answer a request or proposal."""
    found = desk.thread(thread)
    given_values = {
        "re": found.id,
        "reply": reply,
        "conditions": desk.words(conditions) if conditions else None,
        "counter": read_value(Volume, file, "counter") if file else None,
    }
    desk.say_on(found, value(Answer, given_values, "reply"))


@given(open_desk)
def done(
    desk: Desk,
    thread: Thread,
    at: Annotated[str | None, typer.Option("--clear-at", help="option.clear_at", show_default=False)] = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="option.yes")] = False,
) -> None:
    """Report airspace clear, with who was still inside at T0 and who is unknown; asks before saying it."""
    found = desk.thread(thread)
    draft = desk.caller.get(f"/api/threads/{found.id}/residual", ResidualDraft, party=desk.speaking_party())
    speaker = desk.speaker
    if not speaker.as_json:
        speaker.print("residual", t0=draft.t0)
        rows = [
            [
                speaker.value(item.asset),
                speaker.word("inside", item.status),
                speaker.value(item.left_at),
                speaker.value(item.last_seen_at),
                speaker.value(", ".join(short(act) for act in item.evidence)),
            ]
            for item in draft.residual
        ]
        speaker.table("title.residual", ["asset", "state", "left_at", "last_seen", "entries"], rows)
        intents_table(speaker, draft.intents)
    if not yes and not typer.confirm(speaker.say("ask_done"), err=True):
        raise typer.Exit(2)
    reported = read_time(at, "clear-at") if at else desk.status.now
    desk.say_on(found, Done(re=found.id, reported_clear_at=reported, residual=draft.residual, evidence=draft.evidence))


@given(open_desk)
def give_back(desk: Desk, thread: Thread, words: Text = None) -> None:
    """Say that airspace need no longer be kept clear."""
    found = desk.thread(thread)
    desk.say_on(found, GiveBack(re=found.id, remark=desk.words(words) if words else None))


@given(open_desk)
def danger(
    desk: Desk,
    words: Annotated[str, typer.Argument(help="argument.words", show_default=False)],
    lat: Annotated[float | None, typer.Option("--lat", help="option.lat", show_default=False)] = None,
    lon: Annotated[float | None, typer.Option("--lon", help="option.lon", show_default=False)] = None,
    uncertainty_m: Annotated[float, typer.Option("--uncertainty-m", help="option.uncertainty", min=0)] = 500.0,
    to: Annotated[list[str] | None, typer.Option("--to", help="option.recipient", show_default=False)] = None,
) -> None:
    """Call: people are in danger now. It goes to every other member of the line unless --to names some."""
    line = desk.speaking_line()
    others = to or desk.others_on(line)
    if (lat is None) != (lon is None):
        raise Malformed("--lat and --lon are given together", field="lat", code="lat_and_lon")
    place = None
    names = None
    if lat is not None:
        place = value(Position, {"lat_deg": lat, "lon_deg": lon, "uncertainty_m": uncertainty_m}, "lat")
        names = desk.caller.get("/api/name", PlaceNames, lat=lat, lon=lon)
    call = value(DangerCall, {"to": others, "words": desk.words(words), "position": place, "names": names}, "to")
    desk.say(call, line=line)


@given(open_desk)
def take(desk: Desk, thread: Thread) -> None:
    """Take a danger call: this role answers for acting on it."""
    found = desk.thread(thread)
    desk.say_on(found, Take(re=found.id))


@given(open_desk)
def close(
    desk: Desk, thread: Thread, outcome: Annotated[str, typer.Option("--outcome", help="option.outcome")]
) -> None:
    """A danger call is over, with what came of it."""
    found = desk.thread(thread)
    desk.say_on(found, Close(re=found.id, outcome=desk.words(outcome)))


@given(open_desk)
def remark(
    desk: Desk, thread: Thread, words: Annotated[str, typer.Argument(help="argument.words", show_default=False)]
) -> None:
    """Free words on a thread; they change no state."""
    found = desk.thread(thread)
    desk.say_on(found, Remark(re=found.id, words=desk.words(words)))


@given(open_desk)
def statement(desk: Desk, file: File = None, example: Example = False) -> None:
    """File a statement made in public, from a file; --example prints one to edit."""
    if example:
        print_example(desk, "statement")
    else:
        desk.say(read_act_file(PublishStatement, needed(file)))


@given(open_desk)
def act(desk: Desk, file: File = None, example: Example = False) -> None:
    """Say any other act, from a file; --example prints one to edit."""
    if example:
        print_example(desk, "positions")
    else:
        said: Act = read_act_file(Act, needed(file))
        desk.say(said)


def needed(file: Path | None) -> Path:
    """The file of an act; Malformed if none was named."""
    if file is None:
        raise Malformed("--file must name the file (or --example prints one)", field="file", code="file_missing")
    return file


def example_text(kind: str) -> str:
    """A filled example of an act, as JSON to edit: one of EXAMPLES."""
    return (resources.files("keepclear.cli") / "examples" / f"{kind}.json").read_text(encoding="utf-8")


def print_example(desk: Desk, kind: str) -> None:
    """Print a filled example of an act, addressed to the others on the line where the node can be asked."""
    example = json.loads(example_text(kind))
    if "to" in example:
        with suppress(KeepclearError):
            example["to"] = desk.others_on(desk.speaking_line())
    print(json.dumps(example, ensure_ascii=False, indent=2))


COMMANDS = {
    "line-check": line_check,
    "suspend": suspend,
    "resume": resume,
    "notice": notice,
    "read-back": read_back,
    "correct": correct,
    "cancel": cancel,
    "receipt": receipt,
    "clear": clear,
    "answer": answer,
    "done": done,
    "give-back": give_back,
    "danger": danger,
    "take": take,
    "close": close,
    "remark": remark,
    "statement": statement,
    "act": act,
}

"""The command `utm`: what UTM services have here, and what became of one intent, with who was told of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from keepclear.cli.desk import Look, open_look
from keepclear.cli.options import given
from keepclear.cli.speak import NOTHING, Speaker, short
from keepclear.line.views import IntentView
from keepclear.model.utm import EntityKind, UtmIntent
from keepclear.server.answers import UtmCounts
from keepclear.utm.ledger import KINDS
from keepclear.utm.past import Change, Exchanged, Past, Telling


@given(open_look)
def utm(
    look: Look,
    entity: Annotated[str | None, typer.Argument(help="argument.entity", show_default=False)] = None,
    exact: Annotated[bool, typer.Option("--exact", help="option.exact")] = False,
) -> None:
    """What UTM services have here; or one intent, constraint or subscription with its whole past."""
    speaker = look.speaker
    if entity is None:
        counts = look.get("/api/utm", UtmCounts, **({"exact": "true"} if exact else {}))
        if speaker.as_json:
            speaker.json(counts)
        else:
            _counts(speaker, counts)
        return
    found = look.get(f"/api/utm/entities/{entity}", Past)
    if speaker.as_json:
        speaker.json(found)
        return
    speaker.print("utm_entity", id=found.id, at=found.at, kinds=", ".join(_state(speaker, found)) or NOTHING)
    rows = [
        [
            speaker.value(str(each.entry)),
            speaker.value(each.at),
            speaker.value(each.by),
            speaker.value(each.did),
            _became(speaker, each),
            speaker.value(short(each.act)),
        ]
        for each in found.changes
    ]
    speaker.table("title.utm_changes", ["entry", "recorded", "service", "operation", "became", "act"], rows)
    told = [_told(speaker, change, each) for change in found.changes for each in change.told]
    columns = ["entry", "service", "subscription", "index", "answer", "told_at", "entries"]
    speaker.table("title.utm_told", columns, told)
    messages = [
        [
            speaker.value(str(each.entry)),
            speaker.value(each.at),
            speaker.word("way", each.way),
            speaker.value(each.peer),
            speaker.value(each.did),
            speaker.value(each.outcome),
        ]
        for each in found.messages
    ]
    speaker.table("title.utm_messages", ["entry", "at", "way", "service", "operation", "answer"], messages)


def intents_table(speaker: Speaker, intents: Sequence[IntentView]) -> None:
    """Where the intents in a request stand, if there are any."""
    if not intents:
        return
    rows = [
        [
            speaker.value(each.plan),
            speaker.value(each.service),
            speaker.word("utm_intent", each.state),
            speaker.value(each.since),
            speaker.value(each.told_at),
            speaker.value(", ".join(short(act) for act in (each.act, each.change) if act)),
        ]
        for each in intents
    ]
    speaker.table("title.intents", ["plan", "service", "state", "since", "told_at", "entries"], rows)


def _counts(speaker: Speaker, counts: UtmCounts) -> None:
    held = ("intents", "constraints", "subscriptions", "areas", "changes", "owed")
    rows = [[speaker.say(f"utm.{name}"), speaker.value(str(getattr(counts, name)))] for name in held]
    if counts.meetings is not None:
        met = counts.meetings
        figures = (("coarse", met.coarse), ("exact", met.exact), ("saved", met.coarse - met.exact))
        rows += [[speaker.say(f"utm.{name}"), speaker.value(str(figure))] for name, figure in figures]
    speaker.table("title.utm", ["what", "count"], rows)


def _state(speaker: Speaker, found: Past) -> list[str]:
    return [
        _named(speaker, KINDS[type(each)], each.state if isinstance(each, UtmIntent) else None) for each in found.state
    ]


def _became(speaker: Speaker, change: Change) -> str:
    now = [
        _named(speaker, KINDS[type(each)], each.state if isinstance(each, UtmIntent) else None) for each in change.put
    ]
    return "\n".join([*now, *(f"{_named(speaker, kind, None)}: {speaker.say('utm.gone')}" for kind in change.gone)])


def _named(speaker: Speaker, kind: EntityKind, state: str | None) -> str:
    word = speaker.word("utm_entity", kind)
    return word if state is None else f"{word}: {speaker.value(state)}"


def _told(speaker: Speaker, change: Change, told: Telling) -> list[str]:
    last: Exchanged | None = told.answers[-1] if told.answers else None
    waiting = speaker.say("utm.waiting" if change.pushed else "utm.by_writer")
    return [
        speaker.value(str(change.entry)),
        speaker.value(told.service),
        speaker.value(told.subscription),
        speaker.value(str(told.index)),
        waiting if last is None else speaker.value(last.outcome),
        speaker.value(None if last is None else last.at),
        speaker.value(", ".join(str(each.entry) for each in told.answers)),
    ]


COMMANDS = {"utm": utm}

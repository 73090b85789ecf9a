"""What a command works with: the running node, the party it speaks for, the line it speaks on, and the printer."""

from __future__ import annotations

import functools
import secrets
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import UnionType
from typing import TypeVar, cast

import msgspec

from keepclear.cli.caller import Caller, folder_token, folder_url
from keepclear.cli.options import AsJson, At, Directory, Exercise, Lang, Line, Party, Role, read_bytes, read_time
from keepclear.cli.speak import Language, Speaker, moment, short
from keepclear.errors import Malformed
from keepclear.line.views import ThreadView
from keepclear.model.acts import Act, Said
from keepclear.model.base import Words
from keepclear.server.answers import Posted, Recorded, Status

T = TypeVar("T")


@dataclass
class Look:
    """Looking at what the node holds; `party` and `at` ask for it as that party knew it at that time of the record."""

    directory: Path
    speaker: Speaker
    party: str | None
    at: datetime | None

    @functools.cached_property
    def caller(self) -> Caller:
        """The way to the running node; NoAnswer if none runs in this folder."""
        return Caller(folder_url(self.directory), folder_token(self.directory), self.speaker.lang)

    def close(self) -> None:
        """Let go of the connection, if there was one."""
        if "caller" in self.__dict__:
            self.caller.close()

    def get(self, path: str, kind: type[T], **parameters: object) -> T:
        """Ask the node, as the party and at the time that were asked for."""
        at = self.at.isoformat() if self.at else None
        return self.caller.get(path, kind, party=self.party, at=at, **parameters)

    def thread(self, act: str) -> ThreadView:
        """The thread an act belongs to; the first digits of an id will do."""
        return self.get(f"/api/threads/{act}", ThreadView)


@dataclass
class Desk(Look):
    """Speaking for one hosted party."""

    line: str | None
    role: str
    exercise: bool

    @functools.cached_property
    def status(self) -> Status:
        """Who this node is and which lines it has."""
        return self.caller.get("/api/status", Status)

    def speaking_party(self) -> str:
        """The party asked for, or the only one this node hosts."""
        hosted = [party.id for party in self.status.parties if party.hosted]
        return self.party or _only(hosted, "party")

    def speaking_line(self) -> str:
        """The line asked for, or the only one this node shares with somebody."""
        shared = [line.id for line in self.status.lines if line.state != "own"]
        return self.line or _only(shared, "line")

    def others_on(self, line: str) -> list[str]:
        """The members of a line but the party that speaks; none if this node does not have the line."""
        members = next((each.members for each in self.status.lines if each.id == line), ())
        return [each.party for each in members if each.party != self.speaking_party()]

    def say(self, act: Act, line: str | None = None, party: str | None = None) -> Recorded:
        """Say an act and print the receipt: it is on disk when this returns."""
        said = Said(role=self.role, act=act, exercise=self.exercise, draft=secrets.token_hex(16))
        body = Posted(party=party or self.speaking_party(), line=line or self.speaking_line(), said=said)
        receipt = self.caller.post("/api/acts", body, Recorded)
        if self.speaker.as_json:
            self.speaker.json(receipt)
        self.speaker.print("recorded", index=receipt.index, id=short(receipt.act_id), at=receipt.recorded_at)
        return receipt

    def words(self, text: str) -> Words:
        """Free text in the language of this command."""
        return value(Words, {"text": text, "lang": self.speaker.lang}, "words")

    def say_on(self, thread: ThreadView, act: Act) -> Recorded:
        """Say an act about a thread, on the thread's own line."""
        return self.say(act, line=self.line or thread.line)


@contextmanager
def open_look(
    directory: Directory, party: Party = None, at: At = None, as_json: AsJson = False, lang: Lang = Language.EN
) -> Iterator[Look]:
    """Look through the running node of a folder."""
    look = Look(directory, Speaker(lang, as_json), party, read_time(at, "at") if at else None)
    with closing(look):
        yield look


@contextmanager
def open_desk(
    directory: Directory,
    party: Party = None,
    line: Line = None,
    role: Role = None,
    exercise: Exercise = False,
    as_json: AsJson = False,
    lang: Lang = Language.EN,
) -> Iterator[Desk]:
    """Speak through the running node of a folder."""
    speaker = Speaker(lang, as_json)
    desk = Desk(directory, speaker, party, None, line, role or speaker.say("default_role"), exercise)
    with closing(desk):
        yield desk


def _only(found: Sequence[str], field: str) -> str:
    if len(found) == 1:
        return found[0]
    if not found:
        raise Malformed(f"this node has no {field} yet", field=field, code=f"no_{field}")
    message = f"one of {', '.join(found)} must be named with --{field}"
    raise Malformed(message, field=field, code=f"which_{field}", found=", ".join(found))


def value(kind: type[T], given: object, field: str) -> T:
    """A typed value from plain ones; Malformed naming the field if it cannot be one."""
    try:
        return msgspec.convert(given, kind)
    except msgspec.ValidationError as error:
        raise Malformed(str(error), field=field) from None


def read_value(kind: type[T], file: Path, field: str = "file") -> T:
    """A typed value from a JSON file, strictly; Malformed naming the field if it cannot be one."""
    try:
        return msgspec.json.decode(read_bytes(file, field), type=kind)
    except msgspec.MsgspecError as error:
        raise Malformed(f"{file}: {error}", field=field) from None


def read_act_file(kind: type[T] | UnionType, file: Path) -> T:
    """An act of this kind from a JSON file, read as strictly as from a peer; Malformed naming the field."""
    from keepclear.formats.wire import read_act

    content = read_bytes(file, "file")
    try:
        act = read_act(msgspec.json.format(content, indent=-1))
    except msgspec.MsgspecError as error:
        raise Malformed(f"{file}: {error}", field="file", code="not_json") from None
    if not isinstance(act, kind):
        found = type(act).__struct_config__.tag
        raise Malformed(f"{file} holds another act: {found}", field="file", code="other_act", found=found)
    return cast("T", act)


def window_text(starts_at: datetime, ends_at: datetime) -> str:
    """A window of time as people read it."""
    return f"{moment(starts_at)} – {moment(ends_at)}"

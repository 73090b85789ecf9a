"""The options that commands share, and how a command is given the desk or the window it works with.

A command names only what is its own; `given(open_desk)` puts the shared options in front of it, opens what it works
with, and turns an error into one sentence and an exit status: 2 refused, 1 a record that does not prove itself, 3 the
node or the disk did not answer.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Concatenate, TypeVar

import typer

from keepclear.cli.caller import NoAnswer
from keepclear.cli.speak import Language, Speaker
from keepclear.errors import BrokenRecord, KeepclearError, Malformed, Refused
from keepclear.phrases import catalogue, say

# Help texts are keys of the phrases; `translate` in the package's first file puts the sentences in.
Directory = Annotated[Path, typer.Argument(help="argument.directory", show_default=False)]
Lang = Annotated[Language, typer.Option("--lang", envvar="KEEPCLEAR_LANG", help="option.lang", show_envvar=False)]
AsJson = Annotated[bool, typer.Option("--json", help="option.json")]
Party = Annotated[str | None, typer.Option("--party", "-p", help="option.party", show_default=False)]
Line = Annotated[str | None, typer.Option("--line", "-l", help="option.line", show_default=False)]
Role = Annotated[
    str | None,
    typer.Option("--role", "-r", envvar="KEEPCLEAR_ROLE", help="option.role", show_envvar=False, show_default=False),
]
Exercise = Annotated[bool, typer.Option("--exercise", help="option.exercise")]
At = Annotated[str | None, typer.Option("--at", help="option.at", show_default=False)]

REFUSED, UNPROVEN, NO_ANSWER = 2, 1, 3

T = TypeVar("T")
Opening = Callable[..., AbstractContextManager[T]]


def given(opening: Opening[T]) -> Callable[[Callable[Concatenate[T, ...], None]], Callable[..., None]]:
    """Make a command out of a function: its first parameter is what `opening` opens, whose own parameters become
    options of the command (the first of them stays the first argument). A name both have is the function's to declare.
    """
    shared = list(inspect.signature(opening, eval_str=True).parameters.values())

    def decorate(function: Callable[Concatenate[T, ...], None]) -> Callable[..., None]:
        own = list(inspect.signature(function, eval_str=True).parameters.values())[1:]
        own_names = {each.name for each in own}

        def command(**values: Any) -> None:
            lang = str(values.get("lang", Language.EN))
            try:
                with opening(**{each.name: values[each.name] for each in shared}) as thing:
                    function(thing, **{name: values[name] for name in own_names})
            except KeepclearError as error:
                print(sentence(error, lang), file=sys.stderr)
                raise typer.Exit(exit_status(error)) from None

        rest = [each for each in shared if each.name not in own_names]
        first = [each for each in rest[:1] if each.default is each.empty]
        parameters = [*first, *own, *rest[len(first) :]]
        keyword_only = [each.replace(kind=each.KEYWORD_ONLY) for each in parameters]
        setattr(command, "__signature__", inspect.Signature(keyword_only))  # noqa: B010 (typer reads it)
        command.__annotations__ = {each.name: each.annotation for each in parameters}
        command.__name__ = function.__name__
        command.__module__ = function.__module__
        return command

    return decorate


def sentence(error: KeepclearError, lang: str) -> str:
    """One sentence for the person at the desk."""
    from keepclear.server.problems import of_error

    if isinstance(error, BrokenRecord):
        return Speaker(lang).say("broken_record", where=_where(error, lang), why=_why(error, lang))
    if isinstance(error, NoAnswer):
        return Speaker(lang).say(error.phrase, **error.values)
    body = of_error(error, lang)
    return Speaker(lang).say(
        "refused_field" if body.error.field else "refused", field=body.error.field, why=body.detail
    )


def _where(error: BrokenRecord, lang: str) -> str:
    """The file, or the words for the entry, that does not prove itself."""
    if "entry" in error.values:
        return say(lang, "errors.broken.where.entry", number=error.values["entry"])
    return say(lang, "errors.broken.where.export") if error.values.get("path") == "" else error.where


def _why(error: BrokenRecord, lang: str) -> str:
    """What was found wrong; in English the message itself where the phrase would only say what kind of error it is."""
    from keepclear.server.problems import GENERAL

    if lang == "en" and error.code in GENERAL:
        return error.why
    known = catalogue(lang)
    key = next((key for key in (f"errors.broken.{error.code}", f"errors.{error.code}") if key in known), None)
    if key is None:
        return error.why
    why = say(lang, key, **error.values)
    field = error.values.get("field")
    return say(lang, "errors.broken.field", field=field, why=why) if field else why


def exit_status(error: KeepclearError) -> int:
    """2 for what was refused, 1 for a record that does not prove itself, 3 where node or disk did not answer."""
    if isinstance(error, Refused):
        return REFUSED
    return UNPROVEN if isinstance(error, BrokenRecord) else NO_ANSWER


def read_time(text: str, field: str) -> datetime:
    """A time as `moment` prints it, or as RFC 3339 writes it; it must be in UTC and say so with a Z."""
    try:
        at = datetime.fromisoformat(text.strip().replace(" ", "T"))
    except ValueError:
        raise Malformed("not a time such as 2017-09-08 07:00Z", field=field, code="time_unreadable") from None
    if not text.strip().endswith(("Z", "z")) or at.tzinfo is None:
        raise Malformed("the time must be in UTC and end in Z", field=field, code="time_not_utc")
    return at


def read_bytes(file: Path, field: str) -> bytes:
    """What is in a file; Malformed naming the field if it cannot be read."""
    try:
        return file.read_bytes()
    except OSError as error:
        why = error.strerror or str(error)
        message = f"{file} cannot be read: {why}"
        raise Malformed(message, field=field, code="file_unreadable", file=str(file), why=why) from None

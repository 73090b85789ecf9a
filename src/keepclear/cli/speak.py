"""What a command prints: sentences in the reader's language, tables, times and ids, all written one way."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec

from keepclear.phrases import catalogue, isolate, say

if TYPE_CHECKING:
    from rich.console import Console

    from keepclear.model.base import Name


PIPE_WIDTH = 200
NOTHING = "–"
WORDS = {"act": "acts.{}", "thread": "acts.{}", "verdict": "verdicts.{}", "read": "cli.read.{}"}
"""Where the words of a group are; those of every other group are in `statuses`."""


class Language(StrEnum):
    """The languages of the line."""

    EN = "en"
    AR = "ar"


class Speaker:
    """Prints in one language. With `as_json` only JSON goes to standard output."""

    def __init__(self, lang: str, as_json: bool = False) -> None:
        self.lang = lang
        self.as_json = as_json

    def say(self, key: str, /, **values: object) -> str:
        """A phrase of the surface `cli`."""
        return say(self.lang, f"cli.{key}", **values)

    def word(self, group: str, code: str | None) -> str:
        """The word for a code, such as `word("hop", "opened")`. Where there is none, the code itself."""
        if code is None:
            return NOTHING
        key = WORDS.get(group, f"statuses.{group}.{{}}").format(code)
        return catalogue(self.lang).get(key) or self.value(code)

    def status(self, kind: str, code: str) -> str:
        """The words for how a thread of this kind stands."""
        return self.word(kind, code)

    def sentence(self, key: str, values: Mapping[str, object], otherwise: str) -> str:
        """The sentence of a finding or verdict with its figures, each with its unit; `otherwise` if there is none."""
        shown = {name: self._figure(name, each) for name, each in values.items()}
        try:
            return say(self.lang, key, **shown)
        except KeyError:
            return self.value(otherwise)

    def _figure(self, name: str, value: object) -> object:
        """A figure by the unit its name ends in; `waits_for` and `hop` are codes."""
        if isinstance(value, float):
            if name.endswith("_s"):
                return how_long(value)
            return how_far(value) if name.endswith("_m") else f"{value:g}"
        if isinstance(value, str) and name in ("hop", "waits_for"):
            return catalogue(self.lang).get(f"statuses.{name}.{value}", value)
        return NOTHING if value is None else value

    def name(self, name: Name) -> str:
        """A name in the reader's language."""
        return name.ar if self.lang == "ar" else name.en

    def value(self, value: object) -> str:
        """A value as it stands in a table: isolated, so that it keeps its own order inside Arabic text."""
        if value is None or value == "":
            return NOTHING
        if isinstance(value, datetime):
            return isolate(moment(value), self.lang)
        if isinstance(value, float):
            return isolate(f"{value:,.0f}" if abs(value) >= 100 else f"{value:.4g}", self.lang)
        return isolate(value, self.lang)

    def print(self, key: str, /, **values: object) -> None:
        """Print a phrase as a line of its own, unless only JSON is wanted."""
        self.line(self.say(key, **{name: self._plain(value) for name, value in values.items()}))

    def line(self, text: str) -> None:
        """Print ready text as a line of its own, unless only JSON is wanted."""
        if not self.as_json:
            print(text, flush=True)

    def warn(self, key: str, /, **values: object) -> None:
        """Print a phrase to standard error, also when only JSON is wanted."""
        print(self.say(key, **{name: self._plain(value) for name, value in values.items()}), file=sys.stderr)

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]], *, apart: bool = False) -> None:
        """Print a table; `title` and `columns` are phrase keys, cells are ready text. `apart`: a line between rows."""
        from rich import box
        from rich.table import Table
        from rich.text import Text

        justify: Any = "right" if self.lang == "ar" else "left"
        table = Table(title=self.say(title), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False, leading=apart)
        for column in columns:
            table.add_column(self.say(f"column.{column}"), justify=justify, overflow="fold")
        for row in rows:
            table.add_row(*(Text(cell) for cell in row))
        self._console().print(table)

    def json(self, value: object) -> None:
        """Print JSON, indented."""
        print(msgspec.json.format(msgspec.json.encode(value), indent=2).decode(), flush=True)

    @contextmanager
    def progress(self, key: str) -> Iterator[Callable[[int, int], None]]:
        """A progress bar on standard error, where that is a terminal; call what it gives with (done, of all)."""
        from rich.console import Console
        from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        console = Console(stderr=True)
        with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
            task = bar.add_task(self.say(key), total=None)
            yield lambda done, size: bar.update(task, completed=done, total=size)

    def _plain(self, value: object) -> object:
        return moment(value) if isinstance(value, datetime) else value

    def _console(self) -> Console:
        from rich.console import Console

        # A pipe has no width of its own: wide enough that nothing is folded which need not be.
        return Console(highlight=False, width=None if sys.stdout.isatty() else PIPE_WIDTH)


def moment(at: datetime) -> str:
    """A time as people of the line write it: `2017-09-08 07:00Z`, with seconds only where it has them."""
    at = at.astimezone(UTC)
    return at.strftime("%Y-%m-%d %H:%M:%SZ" if at.second or at.microsecond else "%Y-%m-%d %H:%MZ")


def short(act_id: str | None) -> str:
    """The first eight digits of an id."""
    return act_id[:8] if act_id else NOTHING


def how_long(seconds: float | None) -> str:
    """A length of time: `45 s`, `12 min`, `3 h 20 min`, `2 d 4 h`."""
    if seconds is None:
        return NOTHING
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    minutes = whole // 60
    if minutes < 120:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes} min" if minutes else f"{hours} h"
    days, hours = divmod(hours, 24)
    return f"{days} d {hours} h" if hours else f"{days} d"


def how_far(metres: float) -> str:
    """A distance: `350 m`, `9.3 km`, `120 km`."""
    if metres < 1000:
        return f"{metres:.0f} m"
    return f"{metres / 1000:.1f} km" if metres < 100_000 else f"{metres / 1000:.0f} km"

"""What a command prints: sentences in the reader's language, tables, times and ids, all written one way."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from enum import StrEnum
from typing import TYPE_CHECKING, Any

import msgspec

from keepclear.phrases import catalogue, isolate, placeholders, say

if TYPE_CHECKING:
    from rich.console import Console

    from keepclear.model.base import Name


PIPE_WIDTH = 200
NOTHING = "–"
SURFACES = ("errors",)


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
        """The word for a code, as in the console: `word("status", "received")`. Without one, the code."""
        if code is None:
            return NOTHING
        phrase = catalogue(self.lang).get(f"{group}.{code}" if group in SURFACES else f"console.{group}.{code}", "")
        return self.value(code) if not phrase or placeholders(phrase) else phrase

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

    def table(self, title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Print a table; `title` and `columns` are phrase keys, cells are ready text."""
        from rich import box
        from rich.table import Table
        from rich.text import Text

        justify: Any = "right" if self.lang == "ar" else "left"
        table = Table(title=self.say(title), title_justify="left", box=box.SIMPLE_HEAD, pad_edge=False)
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

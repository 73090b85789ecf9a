"""Judging a story from the exported records alone.

`expectations.json` says, for each row of the mission, what must be seen. Each check names a collection
(`evidence.py`), which of its items are meant (`where`), how many there must be (`count`, at least one if not given) and
what must hold of each of them (`each`); see `query.py`. `show` are the figures to print. Nobody who played the story
has a say here.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from io import StringIO
from pathlib import Path
from typing import Any

import msgspec

from keepclear.model.base import Instant, Name
from keepclear.phrases import say
from keepclear.stories.evidence import Evidence, Item
from keepclear.stories.query import holds, meets, values_at
from keepclear.stories.script import folder

MOST_ENTRIES_SHOWN = 6
TABLE_WIDTH = 120


class Check(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One thing that must be seen."""

    what: Name
    see: str
    node: str | None = None
    at: Instant | None = None
    party: str | None = None
    args: dict[str, Any] = {}
    where: dict[str, Any] = {}
    count: Any = msgspec.field(default_factory=lambda: {"min": 1})
    each: dict[str, Any] = {}
    show: tuple[str, ...] = ()


class Row(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A row of the mission and its checks."""

    row: str
    says: Name
    checks: tuple[Check, ...]


class Expectations(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the records of these nodes must show."""

    nodes: tuple[str, ...]
    rows: tuple[Row, ...]


class Seen(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a check: how many items were meant, the entries they rest on, the figures asked for."""

    what: Name
    node: str | None
    found: int
    holds: bool
    entries: tuple[int, ...]
    figures: tuple[str, ...]


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """What came of a row."""

    row: str
    says: Name
    seen: tuple[Seen, ...]

    @property
    def holds(self) -> bool:
        """Whether every check of the row holds."""
        return all(seen.holds for seen in self.seen)


def read_expectations(name: str) -> Expectations:
    """What the records of that story must show."""
    return msgspec.json.decode(folder(name).joinpath("expectations.json").read_bytes(), type=Expectations)


def judge(out: Path, expected: Expectations, on_line: Callable[[str], None] | None = None) -> tuple[Judged, ...]:
    """Verify the exports in `out` (one folder a node) and put every question to them. BrokenRecord if one is broken."""
    evidence = Evidence(out, expected.nodes)
    judged = []
    for row in expected.rows:
        judged.append(Judged(row=row.row, says=row.says, seen=tuple(look(evidence, check) for check in row.checks)))
        if on_line is not None:
            on_line(row.row)
    return tuple(judged)


def look(evidence: Evidence, check: Check) -> Seen:
    """Put one question to the records."""
    items = evidence.see(check.see, check.node, check.at, check.party, check.args)
    meant = [item for item in items if meets(item, check.where)]
    return Seen(
        what=check.what,
        node=check.node,
        found=len(meant),
        holds=holds(len(meant), check.count) and all(meets(item, check.each) for item in meant),
        entries=tuple(dict.fromkeys(entry for item in meant for entry in item["entries"])),
        figures=tuple(_figure(path, meant) for path in check.show),
    )


def table(judged: tuple[Judged, ...], lang: str) -> list[str]:
    """The rows as lines of text: what was asked, what the record shows, whether it holds."""
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.table import Table

    drawn = Table(box=SIMPLE_HEAD, expand=True)
    drawn.add_column(say(lang, "story.column.row"), no_wrap=True)
    drawn.add_column(say(lang, "story.column.shows"), ratio=1)
    drawn.add_column(say(lang, "story.column.holds"), no_wrap=True)
    for row in judged:
        drawn.add_row(f"[bold]{row.row}[/]", f"[bold]{_in(row.says, lang)}[/]", _yes(row.holds, lang))
        for seen in row.seen:
            drawn.add_row("", _told(seen, lang), _yes(seen.holds, lang))
    held = sum(row.holds for row in judged)
    page = StringIO()
    console = Console(file=page, width=TABLE_WIDTH, no_color=True, highlight=False)
    console.print(drawn)
    return [
        *(line.rstrip() for line in page.getvalue().splitlines()),
        say(lang, "story.held", held=held, of=len(judged)),
    ]


def _told(seen: Seen, lang: str) -> str:
    from rich.markup import escape

    parts = [_in(seen.what, lang), say(lang, "story.found", found=seen.found)]
    if seen.entries and seen.node is not None:
        shown = " ".join(f"#{entry}" for entry in seen.entries[:MOST_ENTRIES_SHOWN])
        more = len(seen.entries) - MOST_ENTRIES_SHOWN
        parts.append(say(lang, "story.entries", node=seen.node, entries=shown + (f" +{more}" if more > 0 else "")))
    parts += seen.figures
    return escape(" · ".join(parts))


def _figure(path: str, meant: list[Item]) -> str:
    values = list(dict.fromkeys(_written(value) for item in meant for value in values_at(item, path)))
    name = path.replace(".*", "").replace(".+", "").rsplit(".", 1)[-1]
    shown = ", ".join(values[:MOST_ENTRIES_SHOWN]) or "-"
    return f"{name}={shown}" + (" …" if len(values) > MOST_ENTRIES_SHOWN else "")


def _written(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value).strftime("%m-%d %H:%MZ") if value[:2] == "20" else value
        except ValueError:
            return value
    return str(value)


def _in(name: Name, lang: str) -> str:
    return name.ar if lang == "ar" else name.en


def _yes(holds: bool, lang: str) -> str:
    return say(lang, "story.yes") if holds else f"[bold reverse]{say(lang, 'story.no')}[/]"

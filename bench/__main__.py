"""`make bench`: measures each group of jobs beside its peers, prints a table, and keeps the figures as JSON.

python -m bench                                  every group
python -m bench conflict live --small            some groups, in sizes that take seconds
python -m bench --write docs/performance.md      put the figures last measured into a page
python -m bench --figures docs/figures           draw how cost grows, from the figures last measured
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from rich.console import Console
from rich.table import Table

from bench import ahead, conflict, flights, growth, live, record, utm, watch
from bench.machine import described
from bench.page import fill
from bench.row import COLUMNS, Group, Row, cells, read, write

GROUPS: dict[str, tuple[str, Callable[[bool], Iterator[Row]]]] = {
    "conflict": (conflict.TITLE, conflict.conflict),
    "flights": (flights.TITLE, flights.flights),
    "ahead": (ahead.TITLE, ahead.ahead),
    "live": (live.TITLE, live.live),
    "watch": (watch.TITLE, watch.watch),
    "growth": (growth.TITLE, growth.growth),
    "record": (record.TITLE, record.record),
    "utm": (utm.TITLE, utm.utm),
}

WIDTH = 200
"""Of the tables where they go to a file."""


def main(arguments: list[str] | None = None) -> int:
    """Run what was asked for; 1 if a peer disagrees with us beyond what is explained, else 0."""
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__.splitlines()[0])
    parser.add_argument("groups", nargs="*", metavar="GROUP", help=f"some of {', '.join(GROUPS)}; none: all of them")
    parser.add_argument("--small", action="store_true", help="small sizes: whether all runs and agrees, not how fast")
    parser.add_argument("--json", type=Path, default=Path("out/bench.json"), help="where the figures are kept")
    parser.add_argument("--write", type=Path, metavar="PAGE", help="put kept figures into this page, measure nothing")
    asked = parser.parse_args(arguments)
    unknown = [name for name in asked.groups if name not in GROUPS]
    if unknown:
        parser.error(f"no such group: {', '.join(unknown)}")
    if asked.write:
        kept = [group for group in read(asked.json) if group.name in (asked.groups or GROUPS)]
        if not kept:
            parser.error(f"nothing was measured yet that is kept in {asked.json}")
        small = [group.name for group in kept if group.size != "full"]
        if small:
            parser.error(f"measured in small sizes, which no page quotes: {', '.join(small)}")
        if any(group.name == "growth" for group in kept):
            from bench.figures import draw

            draw(asked.write.parent / "figures", kept)
        print("written:", ", ".join(fill(asked.write, kept)))
        return 0
    console = Console()
    if not console.is_terminal:
        console = Console(width=WIDTH)
    wrong = 0
    for name in asked.groups or GROUPS:
        title, measure = GROUPS[name]
        machine, rows = described(), []
        with console.status(f"measuring: {title}"):
            for row in measure(asked.small):
                rows.append(row)
                console.print(f"[dim]{' | '.join(cell for cell in cells(row) if cell)}", highlight=False, markup=True)
        group = Group(name=name, title=title, size="small" if asked.small else "full", machine=machine, rows=rows)
        write(asked.json, group)
        console.print(_table(group))
        wrong += sum(not row.agrees for row in rows)
    return 1 if wrong else 0


def _table(group: Group) -> Table:
    columns = [at for at in range(1, len(COLUMNS)) if any(cells(row)[at] for row in group.rows)]
    table = Table(*(COLUMNS[at] for at in columns), title=f"{group.title} ({group.size} size)")
    job = ""
    for row in group.rows:
        if row.job != job:
            job = row.job
            table.add_section()
            table.add_row(f"[bold]{job}")
        table.add_row(*(cells(row)[at] for at in columns))
    return table


if __name__ == "__main__":
    sys.exit(main())

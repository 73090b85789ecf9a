"""Puts figures that a run produced into a page, between two marks; the words around them are written by hand."""

from __future__ import annotations

import re
from pathlib import Path

from bench.row import COLUMNS, Group, cells

_PLACE = re.compile(r"(<!-- figures: (\w+) -->\n).*?(<!-- end of figures -->)", re.DOTALL)


def fill(page: Path, groups: list[Group]) -> list[str]:
    """Replace what stands between `<!-- figures: NAME -->` and `<!-- end of figures -->` for every group measured.

    Groups that were not measured keep what they had. Figures of small sizes are refused: they show that all runs, not
    how fast. Returns the names of the groups that were written.
    """
    measured = {group.name: group for group in groups}
    small = [group.name for group in groups if group.size != "full"]
    if small:
        raise ValueError(f"measured in small sizes, which no page quotes: {', '.join(small)}")
    written: list[str] = []

    def one(found: re.Match[str]) -> str:
        group = measured.get(found[2])
        if group is None:
            return found[0]
        written.append(group.name)
        return f"{found[1]}{text(group)}{found[3]}"

    page.write_text(_PLACE.sub(one, page.read_text(encoding="utf-8")), encoding="utf-8")
    return written


def text(group: Group) -> str:
    """A group as a table of Markdown, after what it was measured on. Columns that are empty are left out."""
    machine = "; ".join(f"{name}: {value}" for name, value in group.machine.items())
    columns = [at for at in range(len(COLUMNS)) if any(cells(row)[at] for row in group.rows)]
    table = [" | ".join(COLUMNS[at] for at in columns), " | ".join("---" for _ in columns)]
    table += [" | ".join(cells(row)[at].replace("|", "/") for at in columns) for row in group.rows]
    lines = [f"| {line} |" for line in table]
    pictures = sorted({f"growth-{row.figures['what']}.svg" for row in group.rows if row.figures})
    lines += [""] + [f"![{name}](figures/{name})" for name in pictures] if pictures else []
    return "\n".join(("", f"Measured on: {machine}.", "", *lines, "", ""))

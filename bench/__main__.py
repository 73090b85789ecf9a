"""`make bench`: prints each figure, its bare cost in the same run, and the ratio of the two."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table

from bench.keeping import keeping
from bench.proving import proving


def main() -> None:
    """Run every bench and print one table."""
    console = Console()
    table = Table("what", "a second", "beside", "a second", "ratio", title="Medians, taken in turn on this machine")
    with console.status("measuring") as status:
        for bench in (keeping, proving):
            status.update(f"measuring: {bench.__name__}")
            for what, ours, beside, floor in bench():
                table.add_row(what, f"{ours:,.0f}", beside, f"{floor:,.0f}", f"{ours / floor:.2f}")
    console.print(table)


if __name__ == "__main__":
    main()

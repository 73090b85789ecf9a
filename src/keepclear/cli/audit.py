"""The command `audit`: every conflict and encounter in Parquet files of tracks."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Annotated

import typer

from keepclear.cli.check import open_speaker, read_separation
from keepclear.cli.options import given
from keepclear.cli.speak import Speaker, how_long


@given(open_speaker)
def audit(
    speaker: Speaker,
    files: Annotated[list[str], typer.Argument(help="argument.track_files", show_default=False, metavar="PARQUET")],
    out: Annotated[Path, typer.Option("--out", "-o", help="option.audit_out", show_default=False)],
    separation: Annotated[str, typer.Option("--separation", "-s", help="option.audit_separation")] = "9260,300",
    encounter: Annotated[
        float | None, typer.Option("--encounter", "-e", help="option.encounter", show_default=False)
    ] = None,
    gap: Annotated[float, typer.Option("--gap", help="option.gap")] = 300.0,
    workers: Annotated[int, typer.Option("--workers", "-w", help="option.workers", min=1, max=256)] = 2,
    ray: Annotated[str | None, typer.Option("--ray", help="option.ray", show_default=False)] = None,
) -> None:
    """Find all conflicts and encounters in months of tracks; goes on where it was cut off."""
    from keepclear.audit.findings import CONFLICT, ENCOUNTER
    from keepclear.audit.job import Rules
    from keepclear.audit.run import audit as run

    minimum = read_separation(separation)
    assert minimum is not None
    height_m = None if math.isinf(minimum.vertical_m) else minimum.vertical_m
    rules = Rules(across_m=minimum.horizontal_m, height_m=height_m, encounter_m=encounter, max_gap_s=gap)
    with speaker.progress("auditing") as step:
        summary = run(files, out, rules, workers=workers, ray_address=ray, progress=step)
    found = out / "findings.parquet"
    if speaker.as_json:
        speaker.json(
            {
                "reports": summary.rows,
                "slices": summary.slices,
                "done_before": summary.taken_over,
                "separation": {"horizontal_m": rules.across_m, "vertical_m": rules.height_m},
                "encounter_m": encounter,
                "gap_s": gap,
                "conflicts": summary.findings[CONFLICT],
                "encounters": None if encounter is None else summary.findings[ENCOUNTER],
                "findings": str(found),
            }
        )
        return
    speaker.print(
        "audit_rows", rows=f"{summary.rows:,}", slices=f"{summary.slices:,}", before=f"{summary.taken_over:,}"
    )
    counts = {"conflicts": f"{summary.findings[CONFLICT]:,}", "path": found}
    if encounter is None:
        speaker.print("audit_found_conflicts", **counts)
    else:
        speaker.print("audit_found", encounters=f"{summary.findings[ENCOUNTER]:,}", **counts)
    speaker.print("audit_means", gap=how_long(gap))


COMMANDS = {"audit": audit}

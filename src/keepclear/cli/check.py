"""The command `check`: plans in files against each other, as a table or as JSON."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, nullcontext
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from keepclear.cli.options import AsJson, Lang, given, read_bytes
from keepclear.cli.speak import Language, Speaker, moment
from keepclear.errors import Malformed
from keepclear.model.base import HIDDEN

if TYPE_CHECKING:
    from keepclear.conflict.breaches import Breach, Breaches, Conflict
    from keepclear.conflict.separation import Minimum
    from keepclear.formats.draft import Found

Files = Annotated[list[Path], typer.Argument(help="argument.plan_files", show_default=False, metavar="FILE")]
LONG_WORK = 100_000
"""Points with which a progress bar is shown."""
LONGEST_VALUE = 200
_HIDDEN = re.compile(rf"[{HIDDEN}\x00-\x1f]")
FOUND = 1
"""The exit status where there are conflicts."""


@contextmanager
def open_speaker(as_json: AsJson = False, lang: Lang = Language.EN) -> Iterator[Speaker]:
    """Work on files only."""
    yield Speaker(lang, as_json)


@given(open_speaker)
def check(
    speaker: Speaker,
    files: Files,
    separation: Annotated[
        str | None, typer.Option("--separation", "-s", help="option.separation", show_default=False)
    ] = None,
    limit: Annotated[int, typer.Option("--limit", help="option.limit", min=1)] = 50,
    threads: Annotated[int | None, typer.Option("--threads", help="option.threads", show_default=False, min=1)] = None,
) -> None:
    """Find all conflicts among the plans in files; the exit status says whether there are any."""
    from keepclear.conflict.pairs import conflicts

    required = read_separation(separation)
    found = read_files(files)
    left_out = {what: count for what, count in found.left_out.items() if count}
    for what, count in left_out.items():
        speaker.warn(f"left_out.{what}", count=count)
    if not len(found.plans):
        raise Malformed(
            "there are no plans in it", field=", ".join(str(visible(str(file))) for file in files), code="no_plans"
        )
    # The bar takes longer to load than a few files take to check.
    long = len(found.plans.t_s) + len(found.plans.vertices) >= LONG_WORK
    with speaker.progress("checking") if long else nullcontext() as step:
        breaches = conflicts(found.plans, required, threads=threads, progress=step)
    ordered = in_order(breaches)
    if speaker.as_json:
        speaker.json(
            {
                "files": [str(file) for file in files],
                "plans": len(found.plans),
                "left_out": left_out,
                "separation": required and {"horizontal_m": required.horizontal_m, "vertical_m": required.vertical_m},
                "conflicts": [plain(each) for each in ordered],
            }
        )
    else:
        show(speaker, ordered, limit)
        summary = {"plans": len(found.plans), "files": len(files)}
        if ordered:
            speaker.print("conflicts_found", count=len(ordered), **summary)
        else:
            speaker.print("no_conflicts", **summary)
    if ordered:
        raise typer.Exit(FOUND)


def read_separation(text: str | None) -> Minimum | None:
    """Two numbers of metres with a comma between, such as "9260,300"; None (by kinds) if there are none."""
    if text is None:
        return None
    from keepclear.conflict.separation import Minimum

    try:
        horizontal_m, vertical_m = (float(each) for each in text.split(","))
        if not (0.0 <= horizontal_m <= 500_000.0 and vertical_m >= 0.0):
            raise ValueError
    except ValueError:
        message = "two numbers of metres are needed, such as 9260,300"
        raise Malformed(message, field="--separation", code="two_distances") from None
    return Minimum(horizontal_m, vertical_m)


def read_files(files: Sequence[Path]) -> Found:
    """The plans of all files together; Malformed naming the file, and the item in it."""
    from keepclear.formats.reading import read_plans, together

    parts = []
    where_from: dict[str, str] = {}
    for file in files:
        shown = str(visible(str(file)))
        if file.is_dir():
            raise Malformed(f"{shown} is a folder", field=shown, code="is_folder")
        if file.is_char_device() or file.is_block_device():  # some have no end
            why = "it is a device"
            message = f"{shown} cannot be read: {why}"
            raise Malformed(message, field=shown, code="file_unreadable", file=shown, why=why)
        content = read_bytes(file, shown)
        try:
            parts.append(read_plans(content, file.stem))
        except Malformed as error:
            where = f"{shown}: {visible(error.field)}" if error.field else shown
            values = {name: visible(value) for name, value in error.values.items()}
            raise Malformed(str(visible(error.message)), field=where, code=error.code, **values) from None
        ids = parts[-1].plans.ids
        if (twice := next((id for id in ids if id in where_from), None)) is not None:
            message = f"{twice} is in {where_from[twice]} already"
            raise Malformed(message, field=f"{shown}: plans[{twice}]", code="id_twice", id=twice)
        where_from |= dict.fromkeys(ids, shown)
    return together(parts)


def visible(value: object) -> object:
    """A value out of a file that was refused, as it can be printed: short, and nothing in it that moves the cursor."""
    if not isinstance(value, str):
        return value
    cut = value if len(value) <= LONGEST_VALUE else f"{value[:LONGEST_VALUE]}…"
    return _HIDDEN.sub(lambda found: f"<U+{ord(found[0]):04X}>", cut)


def in_order(breaches: Breaches) -> list[Conflict]:
    """The conflicts in order of their first breach."""
    return sorted(breaches, key=lambda each: (each.breaches[0].starts_s, each.a, each.b))


def plain(conflict: Conflict) -> dict[str, Any]:
    """A conflict in the shape of `--json`, which docs/cli.md tells."""
    return {"a": conflict.a, "b": conflict.b, "breaches": [_plain(breach) for breach in conflict.breaches]}


def _plain(breach: Breach) -> dict[str, Any]:
    any_height = math.isinf(breach.required_vertical_m)
    return {
        "reason": breach.reason,
        "starts_at": breach.starts_at,
        "ends_at": breach.ends_at,
        "nearest_at": breach.nearest_at,
        "lat_deg": round(breach.lat_deg, 7),
        "lon_deg": round(breach.lon_deg, 7),
        "horizontal_m": round(breach.horizontal_m, 3),
        "required_horizontal_m": breach.required_horizontal_m,
        "vertical_m": None if any_height else round(breach.vertical_m, 3),
        "required_vertical_m": None if any_height else breach.required_vertical_m,
        "heights_comparable": breach.heights_comparable,
    }


def show(speaker: Speaker, found: Sequence[Conflict], limit: int) -> None:
    """A table of the first breaches, each a row; how many more there are under it."""
    all_of_them = [(conflict, breach) for conflict in found for breach in conflict.breaches]
    if all_of_them:
        rows = [_row(speaker, conflict, breach) for conflict, breach in all_of_them[:limit]]
        speaker.table("title.conflicts", ["plans", "too_near", "apart"], rows, apart=True)
    if len(all_of_them) > limit:
        speaker.print("more_breaches", count=len(all_of_them) - limit)


def _row(speaker: Speaker, conflict: Conflict, breach: Breach) -> list[str]:
    if not breach.heights_comparable:
        height = speaker.say("heights_not_comparable")
    elif math.isinf(breach.required_vertical_m):
        height = speaker.say("any_height")
    else:
        height = _apart(speaker, "height", breach.vertical_m, breach.required_vertical_m)
    moments = (("from_time", breach.starts_at), ("nearest_time", breach.nearest_at), ("until_time", breach.ends_at))
    return [
        f"{speaker.value(conflict.a)}\n{speaker.value(conflict.b)}\n{speaker.say(f'reason.{breach.reason}')}",
        "\n".join(speaker.say(key, at=_clock(at)) for key, at in moments),
        f"{_apart(speaker, 'ground', breach.horizontal_m, breach.required_horizontal_m)}\n{height}\n"
        + speaker.say("nearest_place", place=f"{breach.lat_deg:.4f} {breach.lon_deg:.4f}"),
    ]


def _apart(speaker: Speaker, which: str, apart_m: float, required_m: float) -> str:
    """How far apart, in whole metres rounded down so that what falls short is seen to; and how far is required."""
    if required_m == 0.0:
        return speaker.say(f"{which}_within")
    required = f"{required_m:,.1f}".removesuffix(".0")
    return speaker.say(which, apart=f"{math.floor(apart_m):,} m", required=f"{required} m")


def _clock(at: datetime) -> str:
    return moment(at.replace(microsecond=0))


COMMANDS = {"check": check}

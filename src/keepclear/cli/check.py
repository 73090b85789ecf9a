"""The command `check`: plans in files against each other, as a table or as JSON."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from keepclear.cli.options import AsJson, Lang, given
from keepclear.cli.speak import Language, Speaker, moment
from keepclear.errors import Malformed

if TYPE_CHECKING:
    from keepclear.conflict.breaches import Breaches
    from keepclear.conflict.separation import Minimum
    from keepclear.formats.draft import Found
    from keepclear.geometry.columns import Plans

Files = Annotated[list[Path], typer.Argument(help="argument.plan_files", show_default=False, metavar="FILE")]
REASONS = ("ways_near", "way_through_volume", "volumes_meet")  # as in geometry/kernels/kernels.h
HEIGHTS_NOT_COMPARABLE = 1
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
        raise Malformed("there are no plans in it", field=", ".join(map(str, files)), code="no_plans")
    with speaker.progress("checking") as step:
        breaches = conflicts(found.plans, required, threads=threads, progress=step)
    conflict_list = listed(found.plans, breaches, required)
    if speaker.as_json:
        speaker.json(
            {
                "files": [str(file) for file in files],
                "plans": len(found.plans),
                "left_out": left_out,
                "separation": required and {"horizontal_m": required.horizontal_m, "vertical_m": required.vertical_m},
                "conflicts": conflict_list,
            }
        )
    else:
        show(speaker, conflict_list, limit)
        summary = {"plans": len(found.plans), "files": len(files)}
        if conflict_list:
            speaker.print("conflicts_found", count=len(conflict_list), **summary)
        else:
            speaker.print("no_conflicts", **summary)
    if conflict_list:
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
    from keepclear.cli.desk import read_bytes
    from keepclear.formats.reading import read_plans, together

    parts = []
    for file in files:
        if file.is_dir():
            raise Malformed(f"{file} is a folder", field=str(file), code="is_folder")
        content = read_bytes(file, str(file))
        try:
            parts.append(read_plans(content, file.stem))
        except Malformed as error:
            where = f"{file}: {error.field}" if error.field else str(file)
            raise Malformed(error.message, field=where, code=error.code, **error.values) from None
    return together(parts)


def listed(plans: Plans, breaches: Breaches, separation: Minimum | None) -> list[dict[str, Any]]:
    """The conflicts as plain values, in order of their first breach: the shape of `--json`, told in docs/cli.md."""
    from keepclear.conflict.separation import minimum
    from keepclear.geometry.columns import KINDS

    rows = breaches.array
    lat_deg, lon_deg = (each.tolist() for each in breaches.places())
    room = plans.room[:, :2]
    found = []
    for row, lat, lon in zip(rows.tolist(), lat_deg, lon_deg, strict=True):
        said = dict(zip(rows.dtype.names, row, strict=True))
        a, b = said["a"], said["b"]
        needed = separation or minimum(KINDS[plans.kind[a]], KINDS[plans.kind[b]])
        assert needed is not None
        compared = not said["flags"] & HEIGHTS_NOT_COMPARABLE and math.isfinite(needed.vertical_m)
        found.append(
            {
                "a": plans.ids[a],
                "b": plans.ids[b],
                "reason": REASONS[said["reason"]],
                "starts_at": _moment(said["t0_s"]),
                "ends_at": _moment(said["t1_s"]),
                "nearest_at": _moment(said["nearest_s"]),
                "lat_deg": round(lat, 7),
                "lon_deg": round(lon, 7),
                "horizontal_m": round(said["horizontal_m"], 3),
                "required_horizontal_m": float(needed.horizontal_m + room[a, 0] + room[b, 0]),
                "vertical_m": round(said["vertical_m"], 3) if compared else None,
                "required_vertical_m": float(needed.vertical_m + room[a, 1] + room[b, 1]) if compared else None,
                "heights_comparable": not said["flags"] & HEIGHTS_NOT_COMPARABLE,
            }
        )
    found.sort(key=lambda each: (each["a"], each["b"], each["starts_at"]))
    pairs = [
        {"a": a, "b": b, "breaches": [{k: v for k, v in each.items() if k not in "ab"} for each in of_pair]}
        for (a, b), of_pair in groupby(found, key=lambda each: (each["a"], each["b"]))
    ]
    return sorted(pairs, key=lambda each: (each["breaches"][0]["starts_at"], each["a"], each["b"]))


def show(speaker: Speaker, found: Sequence[dict[str, Any]], limit: int) -> None:
    """A table of the first breaches, each a row; how many more there are under it."""
    rows = []
    for conflict in found:
        for breach in conflict["breaches"]:
            if len(rows) == limit:
                break
            rows.append(_row(speaker, conflict["a"], conflict["b"], breach))
    if rows:
        speaker.table("title.conflicts", ["plans", "too_near", "nearest", "apart", "what"], rows, apart=True)
    hidden = sum(len(conflict["breaches"]) for conflict in found) - len(rows)
    if hidden:
        speaker.print("more_breaches", count=hidden)


def _row(speaker: Speaker, a: str, b: str, breach: dict[str, Any]) -> list[str]:
    if not breach["heights_comparable"]:
        height = speaker.say("heights_not_comparable")
    elif breach["required_vertical_m"] is None:
        height = speaker.say("any_height")
    else:
        height = _apart(speaker, "height", breach["vertical_m"], breach["required_vertical_m"])
    starts, ends, nearest = (_clock(breach[name]) for name in ("starts_at", "ends_at", "nearest_at"))
    place = f"{breach['lat_deg']:.4f} {breach['lon_deg']:.4f}"
    return [
        f"{speaker.value(a)}\n{speaker.value(b)}",
        f"{speaker.say('from_time', at=starts)}\n{speaker.say('until_time', at=ends)}",
        f"{speaker.value(nearest)}\n{speaker.value(place)}",
        f"{_apart(speaker, 'ground', breach['horizontal_m'], breach['required_horizontal_m'])}\n{height}",
        speaker.say(f"reason.{breach['reason']}"),
    ]


def _apart(speaker: Speaker, which: str, apart_m: float, required_m: float) -> str:
    """How far apart, and how far is required; whole metres, rounded down, so that what falls short is seen to."""
    if required_m == 0.0:
        return speaker.say(f"{which}_within")
    return speaker.say(which, apart=f"{math.floor(apart_m):,} m", required=f"{required_m:,.0f} m")


def _moment(t_s: float) -> datetime:
    return datetime.fromtimestamp(t_s, UTC)


def _clock(at: datetime) -> str:
    return moment(at.replace(microsecond=0))


COMMANDS = {"check": check}

"""Commands that play a story on real nodes of this machine."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

from keepclear.cli.options import Lang, given
from keepclear.cli.speak import Language, Speaker
from keepclear.errors import Malformed

FASTEST = "max"
OWN_PACE = "story"


@contextmanager
def open_stage(lang: Lang = Language.EN) -> Iterator[Speaker]:
    """A printer; stories bring their own nodes."""
    yield Speaker(lang)


@given(open_stage)
def story(
    speaker: Speaker,
    name: Annotated[str, typer.Argument(help="argument.story", show_default=False)],
    out: Annotated[Path, typer.Option("--out", "-o", help="option.story_out", show_default=False)],
    speed: Annotated[str, typer.Option("--speed", help="option.speed")] = FASTEST,
) -> None:
    """Play a story and judge it from the record; the exit status says whether every expectation holds."""
    raise typer.Exit(_play(name, out, speed, speaker, console=False))


@given(open_stage)
def demo(
    speaker: Speaker,
    out: Annotated[Path, typer.Option("--out", "-o", help="option.story_out")] = Path("demo-data"),
    speed: Annotated[str, typer.Option("--speed", help="option.speed")] = OWN_PACE,
    stay: Annotated[bool | None, typer.Option("--stay/--end", help="option.stay", show_default=False)] = None,
) -> None:
    """Three nodes on this machine play the story of 2017, with the console open to look on."""
    somebody_there = sys.stdin.isatty() if stay is None else stay
    raise typer.Exit(_play("convoy2017", out, speed, speaker, console=True, stay=somebody_there))


def _play(name: str, out: Path, speed: str, speaker: Speaker, *, console: bool, stay: bool = False) -> int:
    from keepclear.server.logs import set_up_logs
    from keepclear.stories.player import run_story

    # What goes on between the nodes is part of the play; only what should not happen is told.
    set_up_logs(logging.ERROR)
    return run_story(name, out, read_speed(speed), speaker.lang, console, speaker.line, stay)


def read_speed(text: str) -> float | None:
    """How many times faster than life; None for "max", 0 for the story's own pace. Malformed for anything else."""
    if text == FASTEST:
        return None
    if text == OWN_PACE:
        return 0.0
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0.0 < speed <= 1e6:
        raise Malformed("speed is max, story, or a number above 0", field="speed", code="speed_unreadable")
    return speed


COMMANDS = {"story": story, "demo": demo}

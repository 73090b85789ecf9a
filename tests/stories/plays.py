"""Playing the day of 8 September alone, so that a test can leave an act out and see which row fails."""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from keepclear.stories import judge
from keepclear.stories.player import Stage, export
from keepclear.stories.script import Step, Story, read_story

STARTS = datetime(2017, 9, 7, 17, 0, tzinfo=UTC)
ENDS = datetime(2017, 9, 8, 10, 0, tzinfo=UTC)
BEFORE = ("roster.coalition", "roster.russia")


def the_day() -> Story:
    """What is said on the collision-avoidance line, and the Coalition's own log, from the evening before to noon."""
    story = read_story("convoy2017")

    def is_of_the_day(step: Step) -> bool:
        return step.key in BEFORE or (step.line != "desk" and STARTS <= step.at <= ENDS)

    steps = tuple(step for step in story.steps if is_of_the_day(step))
    return msgspec.structs.replace(story, starts_at=STARTS, ends_at=ENDS, steps=steps)


def play(story: Story, out: Path, omit: Collection[str] = (), speed: float | None = None) -> list[str]:
    """Play on real nodes and export their records; returns the acts their nodes refused."""

    async def run() -> list[str]:
        async with Stage(story, out, lambda line: None, "en", omit) as stage:
            await stage.play(speed)
            for node in stage.nodes:
                await export(node, out / node.id)
            return stage.refused

    return asyncio.run(run())


def rows(out: Path, *names: str) -> dict[str, judge.Judged]:
    """What the judge says of some rows."""
    expected = judge.read_expectations("convoy2017")
    chosen = tuple(row for row in expected.rows if row.row in names)
    return {row.row: row for row in judge.judge(out, msgspec.structs.replace(expected, rows=chosen))}


def failing(row: judge.Judged) -> list[str]:
    """What of a row does not hold."""
    return [seen.what.en for seen in row.seen if not seen.holds]

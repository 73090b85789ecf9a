"""Who was told what, as `keepclear told` prints it: a line a crew, and what is missing with the time since when."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from keepclear.cli.look import _acts, _crews, _steps, _told
from keepclear.cli.speak import Speaker
from keepclear.line.views import ActView, HopView, RecipientView, ThreadView
from keepclear.model.acts import Hop, LineCheck, Positions, Said
from keepclear.model.basis import Basis, BasisKind
from tests.model.examples import EXAMPLES

NOTICE, CORRECTION = "a" * 64, "b" * 64
WORDS = Speaker("en")


def at(time: str) -> datetime:
    return datetime.fromisoformat(f"2017-09-08T{time}").replace(tzinfo=UTC)


def hop(name: str, time: str, crew: str | None = None, version: str = NOTICE) -> HopView:
    said = at(time)
    return HopView(hop=Hop(name), version=version, said_at=said, recorded_at=said, act="c" * 64, crew=crew)


def told(*hops: HopView, missing: str | None = None, since: datetime | None = None) -> RecipientView:
    return RecipientView(
        party="coalition", state="opened", received=True, hops=hops, missing_hop=missing, missing_since=since
    )


def notice(one: RecipientView, status: str = "announced", version: str = NOTICE) -> ThreadView:
    then = at("05:00")
    return ThreadView(
        id=NOTICE,
        version=version,
        kind="notice",
        status=status,
        status_since=then,
        line="avoidance",
        author="russia",
        opened_at=then,
        recorded_at=then,
        exercise=False,
        recipients=(one,),
    )


THREE_CREWS = told(
    hop("passed", "05:24"),
    hop("crew_briefed", "05:30", "drone-1"),
    hop("crew_acknowledged", "05:33", "drone-1"),
    hop("crew_briefed", "05:48", "drone-3"),
    missing="crew_acknowledged",
    since=at("05:48"),
)


@pytest.mark.parametrize("status", ["announced", "ended"])
def test_each_crew_has_a_line_and_the_one_that_never_acknowledged_is_missing(status: str) -> None:
    thread = notice(THREE_CREWS, status)
    assert _steps(WORDS, thread, THREE_CREWS) == ["passed on 2017-09-08 05:24Z"]
    assert _crews(WORDS, thread, THREE_CREWS) == [
        "drone-1: crew briefed 2017-09-08 05:30Z · crew acknowledged 2017-09-08 05:33Z",
        "drone-3: crew briefed 2017-09-08 05:48Z · MISSING: crew acknowledged, since 2017-09-08 05:48Z",
    ]


def test_what_was_said_of_an_older_version_does_not_count() -> None:
    thread = notice(THREE_CREWS, version=CORRECTION)
    assert _crews(WORDS, thread, THREE_CREWS) == []
    assert _steps(WORDS, thread, THREE_CREWS) == ["MISSING: crew acknowledged, since 2017-09-08 05:48Z"]


def test_a_crew_that_acknowledged_without_a_briefing_on_record() -> None:
    early = told(hop("crew_acknowledged", "05:33", "drone-1"), missing="crew_briefed", since=at("05:24"))
    assert _crews(WORDS, notice(early), early) == [
        "drone-1: crew acknowledged 2017-09-08 05:33Z · MISSING: crew briefed, since 2017-09-08 05:24Z"
    ]


def test_the_missing_step_of_the_party_stands_after_what_is_proven() -> None:
    one = told(hop("delivered", "05:00"), missing="opened", since=at("05:00"))
    assert _steps(WORDS, notice(one), one) == [
        "delivered 2017-09-08 05:00Z",
        "MISSING: opened, since 2017-09-08 05:00Z",
    ]
    through = told(hop("delivered", "05:00"))
    assert _steps(WORDS, notice(through), through) == ["delivered 2017-09-08 05:00Z"]


@pytest.mark.parametrize(("lang", "words"), [("en", "MISSING"), ("ar", "لم يتمّ")])
def test_the_table_says_it_in_both_languages(lang: str, words: str, capsys: pytest.CaptureFixture[str]) -> None:
    _told(Speaker(lang), notice(THREE_CREWS))
    printed = capsys.readouterr().out
    assert any("drone-3" in line and words in line for line in printed.splitlines()), printed
    assert not any("drone-1" in line and words in line for line in printed.splitlines())


def test_the_table_of_acts_says_what_was_made_up(capsys: pytest.CaptureFixture[str]) -> None:
    positions = next(act for act in EXAMPLES if isinstance(act, Positions))
    said = (
        Said(role="officer", act=positions),
        Said(role="officer", act=LineCheck(), basis=Basis(kind=BasisKind.ASSUMED)),
        Said(role="officer", act=LineCheck()),
    )
    views = [
        ActView(
            id=CORRECTION,
            index=n,
            recorded_at=at("05:00"),
            said_at=at("05:00"),
            line="l",
            author="a",
            said=each,
            thread=None,
        )
        for n, each in enumerate(said)
    ]
    _acts(Speaker("en"), views, "title.acts")
    printed = capsys.readouterr().out
    assert [("SYNTHETIC" in row, "ASSUMED" in row) for row in printed.splitlines() if " l " in row] == [
        (True, False),
        (False, True),
        (False, False),
    ]

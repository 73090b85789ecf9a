"""The ledger: watched, declared gap, unknown; nothing is filled in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.model.base import Name
from keepclear.model.basis import DECLARED, Basis
from keepclear.model.coverage import CoverageSpan, CoverageState
from keepclear.model.tracks import SensorClass
from keepclear.model.volumes import Area, Circle, Polygon
from keepclear.watch.coverage import CoverageAnswer, Ledger
from tests.watch.reports import DESERT, MADE_UP, act, latlon, minutes, moment, window

WATCHED, GAP, UNKNOWN = CoverageState.WATCHED, CoverageState.GAP, CoverageState.UNKNOWN
AIR, SATELLITE = SensorClass.AIRCRAFT, SensorClass.SATELLITE


def circle(east: float, radius: float) -> Circle:
    return Circle(centre=latlon(DESERT, east, 0), radius_m=radius)


def box(half: float, east: float = 0.0) -> Polygon:
    return Polygon(
        vertices=tuple(
            latlon(DESERT, east + x, y) for x, y in ((-half, -half), (half, -half), (half, half), (-half, half))
        )
    )


def span(
    state: CoverageState,
    begin: float,
    end: float,
    *,
    sensor: SensorClass = AIR,
    area: Area | None = None,
    group: str | None = "convoy",
    basis: Basis = DECLARED,
) -> CoverageSpan:
    return CoverageSpan(
        sensor=sensor,
        state=state,
        area=area or circle(0, 10_000),
        area_name=Name(en="Desert", ar="البادية"),
        window=window(begin, end),
        group=group,
        basis=basis,
    )


def told(answers: tuple[CoverageAnswer, ...]) -> list[tuple[float | None, float | None, CoverageState]]:
    return [(minutes(a.window.starts_at), minutes(a.window.ends_at), a.state) for a in answers]


def test_watched_then_a_gap_and_unknown_around_them() -> None:
    ledger = Ledger()
    ledger.declare("coalition", [span(WATCHED, 10, 20), span(GAP, 20, 30)], act(1), moment(0))
    answers = ledger.ask("coalition", window(0, 40), group="convoy", sensor=AIR)
    assert told(answers) == [(0, 10, UNKNOWN), (10, 20, WATCHED), (20, 30, GAP), (30, 40, UNKNOWN)]
    assert [a.acts for a in answers] == [(), (act(1),), (act(1),), ()]


@pytest.mark.parametrize(
    ("party", "group", "sensor"),
    [("russia", "convoy", AIR), ("coalition", "other", AIR), ("coalition", "convoy", SATELLITE)],
)
def test_nobody_speaks_for_another_party_group_or_sensor(party: str, group: str, sensor: SensorClass) -> None:
    ledger = Ledger()
    ledger.declare("coalition", [span(WATCHED, 0, 40)], act(1), moment(0))
    assert told(ledger.ask(party, window(0, 40), group=group, sensor=sensor)) == [(0, 40, UNKNOWN)]


def test_what_was_said_later_wins_and_can_be_taken_back() -> None:
    ledger = Ledger()
    ledger.declare("coalition", [span(GAP, 10, 20)], act(1), moment(60))
    ledger.declare("coalition", [span(WATCHED, 0, 40)], act(9), moment(0))
    ledger.declare("coalition", [span(UNKNOWN, 15, 18)], act(2), moment(70))
    answers = ledger.ask("coalition", window(0, 40), group="convoy", sensor=AIR)
    assert told(answers) == [
        (0, 10, WATCHED),
        (10, 15, GAP),
        (15, 18, UNKNOWN),
        (18, 20, GAP),
        (20, 40, WATCHED),
    ]
    assert answers[2].acts == (act(2),)


def test_every_kind_of_watching_stopped_only_if_each_kind_is_declared_so() -> None:
    ledger = Ledger()
    ledger.declare("coalition", [span(GAP, 0, 40)], act(1), moment(0))
    (answer,) = ledger.ask("coalition", window(0, 40), group="convoy")
    assert (answer.state, answer.acts) == (UNKNOWN, (act(1),))
    ledger.declare("coalition", [span(GAP, 0, 40, sensor=sensor) for sensor in SensorClass], act(2), moment(1))
    assert told(ledger.ask("coalition", window(0, 40), group="convoy")) == [(0, 40, GAP)]
    ledger.declare("coalition", [span(WATCHED, 0, 40, sensor=SATELLITE)], act(3), moment(2))
    (answer,) = ledger.ask("coalition", window(0, 40), group="convoy")
    assert (answer.state, answer.acts) == (WATCHED, (act(3),))


AREAS: dict[str, tuple[Area, Area, bool]] = {
    "the same circle": (circle(0, 10_000), circle(0, 10_000), True),
    "a circle within": (circle(0, 10_000), circle(4_000, 5_000), True),
    "a circle half out": (circle(0, 10_000), circle(6_000, 5_000), False),
    "a box in a circle": (circle(0, 10_000), box(7_000), True),
    "a box with its corners out": (circle(0, 10_000), box(7_100), False),
    "the same box": (box(5_000), box(5_000), True),
    "a box within": (box(5_000), box(4_999), True),
    "a box half out": (box(5_000), box(5_000, 10), False),
    "a circle in a box": (box(5_000), circle(0, 4_999), True),
    "a circle out of a box": (box(5_000), circle(0, 5_001), False),
}


@pytest.mark.parametrize("name", AREAS)
def test_to_watch_a_part_is_not_to_watch_the_whole(name: str) -> None:
    declared, asked, holds = AREAS[name]
    ledger = Ledger()
    ledger.declare("coalition", [span(WATCHED, 0, 40, area=declared, group=None)], act(1), moment(0))
    (answer,) = ledger.ask("coalition", window(0, 40), area=asked, sensor=AIR)
    assert answer.state is (WATCHED if holds else UNKNOWN)


def test_an_assumed_gap_is_labelled() -> None:
    ledger = Ledger()
    ledger.declare("coalition", [span(GAP, 0, 20, basis=MADE_UP), span(GAP, 20, 40)], act(1), moment(0))
    answers = ledger.ask("coalition", window(0, 40), group="convoy", sensor=AIR)
    assert [answer.synthetic for answer in answers] == [True, False]


def test_a_question_about_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="group or area"):
        Ledger().ask("coalition", window(0, 40))


spans = st.builds(
    lambda state, begin, length, sensor: span(state, begin, begin + length, sensor=sensor),
    st.sampled_from(CoverageState),
    st.integers(0, 30),
    st.integers(1, 20),
    st.sampled_from([AIR, SATELLITE]),
)


@given(st.lists(st.tuples(st.integers(0, 5), spans), max_size=8), st.randoms())
def test_answers_agree_minute_by_minute_in_any_order_of_arrival(
    said: list[tuple[int, CoverageSpan]], chance: object
) -> None:
    numbered = list(enumerate(said))
    shuffled = list(numbered)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    ledger = Ledger()
    for number, (at, each) in [*shuffled, *shuffled]:
        ledger.declare("coalition", [each], act(number), moment(at))
    answers = ledger.ask("coalition", window(0, 50), group="convoy", sensor=AIR)
    assert [a.window.ends_at for a in answers[:-1]] == [a.window.starts_at for a in answers[1:]]
    for minute in range(50):
        holding = [
            (at, number, each)
            for number, (at, each) in numbered
            if each.sensor is AIR and each.window.starts_at <= moment(minute) < each.window.ends_at
        ]
        expected = max(holding, key=lambda one: one[:2])[2].state if holding else UNKNOWN
        (answer,) = [a for a in answers if a.window.starts_at <= moment(minute) < a.window.ends_at]
        assert answer.state is expected

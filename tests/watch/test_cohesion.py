"""Who is with the convoy: split, leavers, joiners."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from keepclear.model.groups import AssetKind
from keepclear.watch.cohesion import Cohesion, cohesion
from keepclear.watch.history import History
from tests.watch.reports import DESERT, MADE_UP, PLACES, act, group, history, minutes, moment, track

NAMES = tuple(f"bus{k:02}" for k in range(6))
EVERY_FIVE = range(0, 61, 5)


def convoy(
    way: Callable[[int, float], tuple[float, float]] = lambda k, t: (500.0 * k, 0.0),
    place: tuple[float, float] = DESERT,
    uncertainty_m: float = 10.0,
) -> dict[str, History]:
    """Six buses; `way` gives metres east and north by number and minute."""
    return {
        name: history(name, [(t, *way(k, t)) for t in EVERY_FIVE], place=place, uncertainty_m=uncertainty_m, said=k)
        for k, name in enumerate(NAMES)
    }


def held(histories: dict[str, History], *others: History, now: float = 60, since: float | None = None) -> Cohesion:
    return cohesion(
        group(NAMES, spread_m=3_000.0),
        histories,
        others,
        moment(now),
        since=None if since is None else moment(since),
    )


@pytest.mark.parametrize("place", PLACES)
def test_a_column_is_one_body(place: tuple[float, float]) -> None:
    found = held(convoy(lambda k, t: (2_500.0 * (k - 2.5), 300.0 * t), place))
    assert found.bodies == (NAMES,)
    assert (found.apart, found.unplaced, found.leavers, found.joiners, found.split_since) == ((), (), (), (), None)
    assert found.at == moment(60)


@pytest.mark.parametrize("place", PLACES)
def test_two_go_another_way(place: tuple[float, float]) -> None:
    """The last two stay behind from minute 20 on, the others drive on at 600 m a minute."""
    found = held(convoy(lambda k, t: (600.0 * (min(t, 20) if k > 3 else t), 0.0), place))
    assert found.bodies == (NAMES[:4], NAMES[4:])
    assert minutes(found.split_since) == 30  # 3 km apart at 25, more at 30
    assert found.leavers == ()


def test_a_split_that_healed_is_over() -> None:
    found = held(convoy(lambda k, t: (9_000.0 if k > 3 and t < 50 else 0.0, 0.0)))
    assert found.bodies == (NAMES,)
    assert found.split_since is None


def test_a_split_is_certain_only_beyond_the_uncertainties() -> None:
    def parted(k: int, t: float) -> tuple[float, float]:
        return (0.0 if k < 3 else 4_000.0), 0.0

    assert len(held(convoy(parted)).bodies) == 2
    assert len(held(convoy(parted, uncertainty_m=500.0)).bodies) == 1


def test_a_leaver_is_away_for_three_reports_and_a_quarter_of_an_hour() -> None:
    def leaving(since: float) -> Cohesion:
        return held(convoy(lambda k, t: (0.0, 9_000.0 if k == 5 and t >= since else 0.0)))

    (leaver,) = leaving(45).leavers
    assert (leaver.asset, leaver.reports) == (NAMES[5], 4)
    assert (minutes(leaver.since), minutes(leaver.until)) == (45, 60)
    assert act(5) in leaver.acts
    assert leaving(45).apart == (NAMES[5],)
    assert leaving(45).split_since is None
    assert leaving(50).leavers == ()  # ten minutes
    assert leaving(50).apart == (NAMES[5],)


def test_three_reports_are_needed() -> None:
    histories = convoy()
    histories[NAMES[5]] = history(NAMES[5], [(0, 0, 0), (20, 9_000, 0), (60, 9_000, 0)])
    assert held(histories).leavers == ()
    histories[NAMES[5]] = history(NAMES[5], [(0, 0, 0), (20, 9_000, 0), (40, 9_000, 0), (60, 9_000, 0)])
    assert len(held(histories).leavers) == 1


def test_who_came_back_has_not_left() -> None:
    assert held(convoy(lambda k, t: (0.0, 9_000.0 if k == 5 and t < 60 else 0.0))).leavers == ()


def test_away_from_whom_nobody_can_place_is_not_away() -> None:
    histories = convoy()
    for name in NAMES[:4]:
        histories[name] = history(name, [(0, 0, 0)])
    histories[NAMES[5]] = history(NAMES[5], [(t, 9_000, 0) for t in EVERY_FIVE])
    assert held(histories).leavers == ()


def test_a_vehicle_that_drives_along_is_a_joiner() -> None:
    driving = convoy(lambda k, t: (600.0 * t - 500.0 * k, 0.0))
    stranger = history("truck", [(t, 600.0 * t, 400.0) for t in (30, 40, 50)], kind=AssetKind.TRUCK, said=77)
    (joiner,) = held(driving, stranger).joiners
    assert (joiner.asset, minutes(joiner.since), minutes(joiner.until)) == ("truck", 30, 50)
    assert act(77) in joiner.acts


@pytest.mark.parametrize(
    "stranger",
    [
        history("truck", [(t, 600.0 * t, 400.0) for t in (40, 50)]),
        history("truck", [(t, 600.0 * t, 400.0) for t in (50, 55, 60)]),
        history("truck", [(t, 0.0, 400.0) for t in EVERY_FIVE]),
        history("truck", [(t, 600.0 * t, 5_000.0) for t in EVERY_FIVE]),
        history("drone", [(t, 600.0 * t, 400.0) for t in EVERY_FIVE], kind=AssetKind.DRONE),
        history("truck", [(t, 600.0 * t, 400.0) for t in EVERY_FIVE], uncertainty_m=3_001.0),
        history(NAMES[3], [(t, 600.0 * t, 400.0) for t in EVERY_FIVE]),
    ],
    ids=["two reports", "ten minutes", "passed by", "too far off", "a drone above", "who knows where", "a member"],
)
def test_who_does_not_join(stranger: History) -> None:
    assert held(convoy(lambda k, t: (600.0 * t - 500.0 * k, 0.0)), stranger).joiners == ()


def test_positions_are_compared_at_one_moment() -> None:
    """A truck whose reports follow the convoy's last ones cannot be compared with it; nothing is drawn on."""
    late = history("truck", [(t, 0.0, 0.0) for t in (61, 70, 80, 90)])
    assert held(convoy(), late, now=90).joiners == ()


def test_who_is_silent_is_not_placed() -> None:
    histories = convoy()
    histories[NAMES[0]] = history(NAMES[0], [(0, 0, 0)])
    del histories[NAMES[1]]
    found = held(histories)
    assert found.unplaced == NAMES[:2]
    assert found.bodies == (NAMES[2:],)


def test_without_reports_nothing_is_known() -> None:
    found = held({})
    assert (found.at, found.bodies, found.unplaced) == (None, (), NAMES)


def test_since_bounds_what_is_looked_at() -> None:
    histories = convoy(lambda k, t: (0.0 if k < 3 else 9_000.0, 0.0))
    assert minutes(held(histories).split_since) == 0
    assert minutes(held(histories, since=33).split_since) == 35
    away = convoy(lambda k, t: (0.0, 9_000.0 if k == 5 else 0.0))
    assert minutes(held(away, since=33).leavers[0].since) == 35


def test_made_up_positions_are_labelled() -> None:
    histories = convoy()
    assert not held(histories).synthetic
    histories[NAMES[2]].add(track(NAMES[2], [(65, 0, 0)], basis=MADE_UP), act(9))
    for name in NAMES:
        if name != NAMES[2]:
            histories[name].add(track(name, [(65, 0, 0)]), act(10))
    assert held(histories, now=65).synthetic

"""A convoy along its route: where, how late, how far off, standing or moving, heard of or not."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from keepclear.model.plans import Trajectory, Waypoint
from keepclear.watch.history import History
from keepclear.watch.progress import Progress, assess
from tests.watch.reports import DESERT, MADE_UP, PLACES, Spot, act, group, history, minutes, moment, spot, track

ASSETS = ("a", "b", "c")


def route(stops: Sequence[Spot], place: tuple[float, float] = DESERT) -> Trajectory:
    points = [(t, *spot(place, east, north)) for t, east, north in stops]
    return Trajectory(
        waypoints=tuple(Waypoint(at=moment(t), lat_deg=lat, lon_deg=lon) for t, lat, lon in points), buffer_m=0.0
    )


EAST = route([(0, 0, 0), (60, 36_000, 0)])


def convoy(
    spots: Sequence[Spot], uncertainty_m: float = 10.0, place: tuple[float, float] = DESERT
) -> dict[str, History]:
    """Three vehicles with 100 m between them, the middle one at the spots."""
    return {
        asset: history(
            asset, [(t, x + 100 * (k - 1), y) for t, x, y in spots], uncertainty_m=uncertainty_m, place=place, said=k
        )
        for k, asset in enumerate(ASSETS)
    }


def stand(histories: dict[str, History], now: float, trajectory: Trajectory | None = EAST, **more: float) -> Progress:
    return assess(group(ASSETS, **more), trajectory, histories, moment(now))


@pytest.mark.parametrize("place", PLACES)
def test_on_time(place: tuple[float, float]) -> None:
    way = route([(0, -18_000, 0), (60, 18_000, 0)], place)
    now = stand(convoy([(t, 600 * (t - 30), 0) for t in range(0, 31, 5)], place=place), 32, way)
    assert now.at == now.last_report_at == moment(30)
    assert now.chainage_m == pytest.approx(18_000, abs=1)
    assert now.expected_chainage_m == pytest.approx(18_000, abs=1)
    assert now.route_m == pytest.approx(36_000, abs=1)
    assert now.late_s == 0.0
    assert now.off_route_m == pytest.approx(0.0, abs=1)
    assert now.moving
    assert now.halted_since is None
    assert now.lost_contact_since is None
    assert now.silent == ()
    assert not now.synthetic
    assert set(now.acts) == {act(0), act(1), act(2)}


def test_late_and_early_by_no_more_than_is_certain() -> None:
    late = stand(convoy([(t, 300 * t, 0) for t in range(0, 31, 5)]), 30)
    assert late.late_s == pytest.approx(15 * 60 - 1, abs=0.1)  # 9 km at 600 m a minute, and 10 m of doubt
    early = stand(convoy([(t, 900 * t, 0) for t in range(0, 31, 5)]), 30)
    assert early.late_s == pytest.approx(-15 * 60 + 1, abs=0.1)
    vague = stand(convoy([(t, 300 * t, 0) for t in range(0, 31, 5)], uncertainty_m=3_000), 30)
    assert vague.late_s == pytest.approx(10 * 60, abs=0.1)
    assert stand(convoy([(t, 300 * t, 0) for t in range(0, 31, 5)], uncertainty_m=9_001), 30).late_s == 0.0


def test_nothing_is_carried_forward_to_now() -> None:
    """The last report is half an hour old: late is what it was then, not what it would be."""
    then = stand(convoy([(t, 600 * t, 0) for t in range(0, 31, 5)]), 60)
    assert then.at == moment(30)
    assert then.expected_chainage_m == pytest.approx(18_000, abs=1)
    assert then.late_s == 0.0


def test_a_planned_halt_is_not_late() -> None:
    way = route([(0, 0, 0), (30, 18_000, 0), (150, 18_000, 0), (180, 36_000, 0)])
    standing = [(t, min(600 * t, 18_000), 0) for t in range(0, 241, 10)]
    assert stand(convoy(standing), 100, way).late_s == 0.0
    assert stand(convoy(standing), 180, way).late_s == pytest.approx(30 * 60 - 1, abs=1)
    before = stand(convoy([(0, 17_950, 0), (100, 17_950, 0)], uncertainty_m=60), 100, way)
    assert before.late_s == 0.0


def test_before_the_start_and_after_the_end_nobody_is_late() -> None:
    assert stand(convoy([(-30, 0, 0), (-20, 0, 0)]), -20).late_s == 0.0
    arrived = stand(convoy([(60, 36_000, 0), (300, 36_000, 0)]), 300)
    assert arrived.late_s == 0.0
    assert arrived.expected_chainage_m == pytest.approx(36_000, abs=1)
    assert stand(convoy([(300, 0, 0)]), 300).late_s == pytest.approx(300 * 60 - 1, abs=0.1)


def test_off_route() -> None:
    assert stand(convoy([(0, 0, 0), (30, 18_000, -6_000)]), 30).off_route_m == pytest.approx(6_000, abs=2)


def test_where_a_route_returns_the_passage_nearest_to_the_plan_is_meant() -> None:
    there_and_back = route([(0, 0, 0), (60, 36_000, 0), (120, 0, 0)])
    out = stand(convoy([(25, 15_000, 0)]), 25, there_and_back)
    back = stand(convoy([(95, 15_000, 0)]), 95, there_and_back)
    assert out.chainage_m == pytest.approx(15_000, abs=1)
    assert back.chainage_m == pytest.approx(57_000, abs=1)


def test_without_a_route_or_a_report_the_figures_are_missing() -> None:
    nowhere = stand({}, 30)
    assert (nowhere.at, nowhere.chainage_m, nowhere.last_report_at, nowhere.lost_contact_since) == (None,) * 4
    assert nowhere.silent == ASSETS
    assert not nowhere.moving
    assert stand(convoy([(0, 0, 0)]), 1, None).chainage_m is None


def test_halted_since_the_first_report_that_is_the_same_place() -> None:
    spots = [(t, min(600 * t, 12_000), 0) for t in range(0, 91, 5)]
    now = stand(convoy(spots), 90)
    assert minutes(now.halted_since) == 20
    assert not now.moving
    soon = stand(convoy([each for each in spots if each[0] <= 49]), 49)
    assert soon.halted_since is None
    assert soon.moving  # it showed itself elsewhere less than half an hour before
    just = stand(convoy([each for each in spots if each[0] <= 50]), 50)
    assert minutes(just.halted_since) == 20


def test_movement_smaller_than_the_uncertainty_is_none() -> None:
    jitter = convoy([(t, 30 if t % 10 else 0, 0) for t in range(0, 91, 5)], uncertainty_m=20)
    assert minutes(stand(jitter, 90).halted_since) == 0
    sharper = convoy([(t, 30 if t % 10 else 0, 0) for t in range(0, 91, 5)], uncertainty_m=14)
    assert stand(sharper, 90).halted_since is None


def test_a_crawl_of_small_steps_is_movement() -> None:
    crawl = convoy([(t, 15 * t, 0) for t in range(91)], uncertainty_m=20)
    now = stand(crawl, 90)
    assert now.moving
    assert now.halted_since is None


def test_a_long_silence_is_not_standing() -> None:
    now = stand(convoy([(0, 0, 0), (10, 0, 0), (200, 0, 0), (240, 0, 0)]), 240)
    assert minutes(now.halted_since) == 200
    two = stand(convoy([(0, 0, 0), (200, 0, 0)]), 200)
    assert two.halted_since is None
    assert not two.moving


def test_half_of_the_members_decide() -> None:
    histories = convoy([(t, 0, 0) for t in range(0, 91, 5)])
    histories["c"] = history("c", [(t, 600 * t, 0) for t in range(0, 91, 5)])
    now = stand(histories, 90)
    assert minutes(now.halted_since) == 0
    histories["b"] = history("b", [(t, 600 * t, 0) for t in range(0, 91, 5)])
    assert stand(histories, 90).moving
    assert stand(histories, 90).halted_since is None


def test_standing_counts_from_when_more_than_half_stood() -> None:
    histories = {
        asset: history(asset, [(t, min(600 * t, 600 * stop), 0) for t in range(0, 121, 5)])
        for asset, stop in zip(ASSETS, (10, 30, 60), strict=True)
    }
    assert minutes(stand(histories, 120).halted_since) == 30


def test_lost_contact() -> None:
    histories = convoy([(0, 0, 0), (10, 0, 0)])
    assert stand(histories, 10 + 180).lost_contact_since is None
    lost = stand(histories, 10 + 181)
    assert minutes(lost.lost_contact_since) == 10
    assert lost.silent == ASSETS
    assert lost.at == moment(10)


def test_a_member_fallen_silent_plays_no_part() -> None:
    histories = convoy([(t, 600 * t, 0) for t in range(0, 301, 10)])
    histories["a"] = history("a", [(0, 0, 0), (10, 0, 0)])
    now = stand(histories, 300)
    assert now.silent == ("a",)
    assert now.moving
    assert act(0) not in now.acts


def test_reports_after_now_are_not_known_yet() -> None:
    histories = convoy([(t, 600 * t, 0) for t in range(0, 61, 5)])
    assert stand(histories, 22).last_report_at == moment(20)


def test_made_up_positions_are_labelled() -> None:
    histories = convoy([(0, 0, 0)])
    histories["b"].add(track("b", [(10, 0, 0)], basis=MADE_UP), act(9))
    histories["a"].add(track("a", [(10, 0, 0)]), act(10))
    assert stand(histories, 0).synthetic is False
    assert stand(histories, 10).synthetic is True


def test_vehicles_that_report_at_different_times_are_placed_at_one_moment() -> None:
    histories = {
        asset: history(asset, [(t + k, 600 * (t + k), 0) for t in range(0, 61, 10)]) for k, asset in enumerate(ASSETS)
    }
    now = stand(histories, 62)
    assert minutes(now.at) == 61  # two of three can be placed then
    assert now.chainage_m == pytest.approx(36_000, abs=1)


def test_members_reported_on_opposite_sides_of_the_earth_have_no_middle() -> None:
    below = (-DESERT[0], DESERT[1] - 180.0)
    histories = {
        "a": history("a", [(t, 0, 0) for t in range(0, 61, 10)]),
        "b": history("b", [(t, 0, 0) for t in range(0, 61, 10)], place=below),
    }
    shown = assess(group(["a", "b"]), EAST, histories, moment(60))
    assert (shown.at, shown.lat_deg, shown.chainage_m, shown.off_route_m) == (None, None, None, None)
    assert minutes(shown.halted_since) == 0


def test_on_the_other_side_of_the_earth_is_far_off_the_route() -> None:
    lat, lon = DESERT
    stray = history("bus1", [(0, 0.0, 0.0), (10, 0.0, 0.0)], place=(-lat, lon - 180.0))
    found = assess(group(["bus1"]), EAST, {"bus1": stray}, moment(10))
    assert found.off_route_m is not None
    assert found.off_route_m > 12_000_000.0

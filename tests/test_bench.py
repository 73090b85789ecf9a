"""The benches make the same data every time, and their peers, where they are installed, give the right answers."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from time import sleep
from typing import Any

import numpy as np
import pytest
import shapely

from bench import clock, ours
from bench.brute import Pairs, brute, compiler
from bench.clock import seconds_in_turn
from bench.flat import Flat, boxes_near, flatten
from bench.fleet import NEAR_M, fences, fleet
from bench.outlines import blocks
from bench.page import fill, text
from bench.row import Group, Row, read, time_text, write
from bench.skies import AHEAD_S, sky
from bench.ways import ACROSS_M, HEIGHT_M, SIDE_M, START_S, flights
from keepclear.geometry.columns import Plans, checked
from keepclear.geometry.earth import distance_m
from keepclear.geometry.kernels import LIBRARY
from keepclear.geometry.pack import Packed, pack

CROWDED_M = 120_000.0


@pytest.fixture(scope="module")
def packed() -> Packed:
    """Eighty flights over a small square, so that some of them meet."""
    return pack(flights(80, side_m=CROWDED_M))


@pytest.fixture(scope="module")
def truth(packed: Packed) -> Pairs:
    """Which of them meet, by every pair of legs."""
    if compiler() is None:
        pytest.skip("no C compiler here")
    found = brute(packed, ACROSS_M, HEIGHT_M)
    assert 5 < len(found.pairs) < 80 * 79 // 4
    assert found.met >= len(found.pairs)
    assert found.tested > found.met
    return found.pairs


@pytest.fixture(scope="module")
def flat(packed: Packed) -> Flat:
    """The same on a plane."""
    return flatten(packed, ACROSS_M, HEIGHT_M)


def columns(plans: Plans) -> list[bytes]:
    return [getattr(plans, name).tobytes() for name in ("point_from", "t_s", "lat_deg", "lon_deg", "alt_m", "vertices")]


def test_the_same_seed_makes_the_same_data() -> None:
    assert columns(flights(50)) == columns(flights(50))
    assert columns(flights(50)) != columns(flights(50, seed=2))
    assert columns(blocks(50).plans()) == columns(blocks(50).plans())
    assert columns(fences(20).plans()) == columns(fences(20).plans())
    assert fleet(30).lat_deg.tobytes() == fleet(30).lat_deg.tobytes()
    assert columns(sky(30).plans()) == columns(sky(30).plans())


def test_made_data_is_sound_and_as_described() -> None:
    plans = checked(flights(300))
    counts = np.diff(plans.point_from)
    assert counts.min() >= 10
    assert counts.max() <= 120
    assert 55.0 < counts.mean() < 75.0
    first, last = plans.point_from[:-1], plans.point_from[1:] - 1
    lasts = plans.t_s[last] - plans.t_s[first]
    assert lasts.min() > 1_199.0
    assert lasts.max() < 9_001.0
    assert plans.t_s.min() >= START_S
    assert not (plans.alt_m % HEIGHT_M).any()
    assert np.degrees(SIDE_M / 2.0 / 6_371_008.8) + 1e-9 > np.abs(plans.lat_deg - 35.0).max() > 2.0
    checked(blocks(100).plans())
    checked(fences(50).plans())
    checked(sky(50).plans())


def test_blocks_on_the_plane_are_the_blocks_on_the_earth() -> None:
    made = blocks(30)
    a, b = made.latlon[0], made.latlon[1]
    assert distance_m(*a, *b) == pytest.approx(float(np.hypot(*(made.xy[0] - made.xy[1]))), rel=1e-4)
    assert shapely.is_valid(made.shapes).all()
    assert (made.boxes[:, :, 0] < made.boxes[:, :, 1]).all()
    part = made.plans(10, 12)
    assert part.ids == ("b10", "b11")
    assert len(part.vertices) == made.corner_from[12] - made.corner_from[10]


def test_those_who_know_one_distance_only_answer_a_narrower_question(flat: Flat, truth: Pairs) -> None:
    narrower = flat.within(truth, ACROSS_M)
    assert set() < narrower < truth
    assert narrower <= boxes_near(flat, ACROSS_M)


def test_nearest_on_the_plane_is_what_many_moments_show(flat: Flat, truth: Pairs) -> None:
    for a, b in sorted(truth)[:5]:
        (t, p), (s, q) = flat.way(a), flat.way(b)
        at = np.linspace(max(t[0], s[0]), min(t[-1], s[-1]), 20_001)
        apart = [np.interp(at, t, p[:, k]) - np.interp(at, s, q[:, k]) for k in range(3)]
        seen = float(np.sqrt(sum(each**2 for each in apart)).min())
        assert flat.nearest_m(a, b) <= seen + 1e-6
        assert flat.nearest_m(a, b) == pytest.approx(seen, abs=50.0)


def test_our_engine_finds_the_same_pairs_and_counts_what_it_worked_out(packed: Packed, truth: Pairs) -> None:
    assert ours.pairs(packed, ACROSS_M, HEIGHT_M) == truth
    if LIBRARY is not None:
        plain = brute(packed, ACROSS_M, HEIGHT_M)
        assert plain.met <= ours.exact_tests(packed, ACROSS_M, HEIGHT_M) < plain.tested


def test_duckdb_finds_the_same_pairs(packed: Packed, truth: Pairs) -> None:
    pytest.importorskip("duckdb")
    from bench.peers import duck

    with duck.connect(1) as base:
        duck.load(base, packed)
        assert duck.pairs(base, ACROSS_M, HEIGHT_M) == truth
        nearer = brute(packed, ACROSS_M / 4.0, HEIGHT_M).pairs
        assert duck.pairs(base, ACROSS_M / 4.0, HEIGHT_M) == nearer != truth


def test_meos_finds_what_it_should(flat: Flat, truth: Pairs) -> None:
    pytest.importorskip("pymeos")
    from bench.peers.meos import Meos

    assert Meos(flat).pairs(ACROSS_M) == flat.within(truth, ACROSS_M)


def test_postgis_finds_what_it_should(flat: Flat, truth: Pairs) -> None:
    pytest.importorskip("psycopg")
    from bench.peers import postgis

    if postgis.programs() is None:
        pytest.skip("no PostGIS here")
    narrower = flat.within(truth, ACROSS_M)
    with postgis.server() as base:
        postgis.load(base, flat, 79)
        assert postgis.pairs(base, ACROSS_M, 79) == {(a, b) for a, b in narrower if b < 79}
        postgis.insert(base, flat, 79)
        assert postgis.check(base, 79, ACROSS_M) == {a for a, b in narrower if b == 79}


def test_a_tree_at_every_tick_finds_nothing_wrong_and_not_all(flat: Flat, truth: Pairs) -> None:
    pytest.importorskip("scipy")
    from bench.peers import ticks

    narrower = flat.within(truth, ACROSS_M)
    assert ticks.pairs(flat, ACROSS_M, 2.0) <= narrower
    assert ticks.pairs(flat, ACROSS_M, 300.0) < ticks.pairs(flat, ACROSS_M, 2.0)


def test_bluesky_finds_the_same_pairs() -> None:
    pytest.importorskip("bluesky")
    from bench.peers import bluesky

    here = sky(300)
    truth = brute(pack(here.plans()), ACROSS_M, HEIGHT_M).pairs
    assert len(truth) > 5
    assert bluesky.detect(here.traffic(), ACROSS_M, HEIGHT_M, AHEAD_S) == truth


@pytest.mark.parametrize("kind", ["Sqlite", "Rtree"])
def test_boxes_in_an_index_find_every_block_that_meets(kind: str) -> None:
    if kind == "Rtree":
        pytest.importorskip("rtree")
    from bench.peers import boxes

    made = blocks(600, side_m=8_000.0)
    live: Any = getattr(boxes, kind)(made)
    live.load(500)
    hits = 0
    for i in range(500, 600):
        every = [
            j
            for j in range(i)
            if (made.boxes[i, 2:, 0] < made.boxes[j, 2:, 1]).all()
            and (made.boxes[j, 2:, 0] < made.boxes[i, 2:, 1]).all()
            and shapely.intersects(made.shapes[i], made.shapes[j])
        ]
        assert live.check(i) == every
        live.put(i)
        hits += len(every)
    assert 20 < hits < 100 * 500


def test_trees_say_who_is_within_and_who_is_near() -> None:
    pytest.importorskip("scipy")
    from bench.peers.live import Trees, changes

    movers, around = fleet(200, 2, side_m=15_000.0), fences(20, side_m=15_000.0)
    first, second = Trees(around).run(movers)
    for tick, said in enumerate((first, second)):
        xy = movers.xy[tick]
        inside = [i * 20 + j for i in range(200) for j in range(20) if around.shapes[j].contains(shapely.Point(xy[i]))]
        assert said.inside.tolist() == inside
        near = [i * 200 + j for i in range(200) for j in range(i + 1, 200) if np.hypot(*(xy[i] - xy[j])) < NEAR_M]
        assert said.near.tolist() == near
    began, ended = changes(first.inside, second.inside)
    assert len(first.inside) + len(began) - len(ended) == len(second.inside)


def test_what_is_slow_is_run_less_often() -> None:
    runs: dict[str, int] = {"quick": 0, "slow": 0}

    def run(name: str) -> None:
        runs[name] += 1
        if name == "slow":
            sum(range(200_000))

    taken = seconds_in_turn(2, {name: partial(run, name) for name in runs}, budget_s=0.0)
    assert set(taken) == {"quick", "slow"}
    assert runs["quick"] >= runs["slow"] >= 1
    assert all(seconds > 0.0 for seconds in taken.values())


def test_what_is_quick_is_timed_again_after_what_is_slow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "SLOW_S", 0.01)
    order: list[str] = []

    def run(name: str) -> None:
        if order[-1:] != [name]:  # it is run several times each time
            order.append(name)
        sleep(0.02 if name.startswith("slow") else 0.001)

    seconds_in_turn(2, {name: partial(run, name) for name in ("quick", "slow", "slower", "late")})
    first = ["quick", "slow", "quick", "slower", "quick", "late"]
    assert order == [*first, "quick", "slow", "quick", "late", "slower", "quick", "late"]


GROUP = Group(
    name="conflict",
    title="All pairs",
    size="full",
    machine={"processor": "one"},
    rows=[
        Row(job="2 plans", who="keepclear", seconds=0.0125, floor_s=0.005, answer="1 pair"),
        Row(job="2 plans", who="a | b", seconds=2.0, times=160.0),
    ],
)
END = "<!-- end of figures -->"
PAGE = f"words\n<!-- figures: conflict -->\nold\n{END}\nmore\n<!-- figures: live -->\nkept\n{END}\n"


def test_a_page_takes_the_figures_that_were_measured_and_keeps_the_rest(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    assert fill(page, [GROUP]) == ["conflict"]
    filled = page.read_text()
    assert "old" not in filled
    assert "kept" in filled
    assert filled.startswith("words\n<!-- figures: conflict -->\n")
    assert "| 2 plans | keepclear | 12.5 ms |" in filled
    assert "| 2 plans | a / b | 2 s |" in filled
    assert "| 160x |" in filled
    assert "| 5 ms; 2.5x |" in filled
    again = filled
    fill(page, [GROUP])
    assert page.read_text() == again


def test_figures_of_small_sizes_are_not_quoted(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(PAGE)
    small = Group(name="conflict", title="", size="small", machine={}, rows=[])
    with pytest.raises(ValueError, match="conflict"):
        fill(page, [small])
    assert page.read_text() == PAGE


def test_groups_are_kept_side_by_side(tmp_path: Path) -> None:
    file = tmp_path / "out" / "figures.json"
    assert read(file) == []
    write(file, GROUP)
    write(file, Group(name="live", title="", size="full", machine={}, rows=[]))
    write(file, GROUP)
    assert read(file)[0] == GROUP
    assert [group.name for group in read(file)] == ["conflict", "live"]


def test_empty_columns_are_left_out() -> None:
    assert "rate" not in text(GROUP)


@pytest.mark.parametrize(
    ("seconds", "words"), [(2.5, "2.5 s"), (0.0125, "12.5 ms"), (3.2e-6, "3.2 µs"), (4e-9, "4 ns"), (1234.0, "1,234 s")]
)
def test_times_as_people_read_them(seconds: float, words: str) -> None:
    assert time_text(seconds) == words

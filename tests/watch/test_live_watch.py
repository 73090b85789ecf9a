"""The compiled kernels against their twins, and one by one against all at once, on streams of every kind of report."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.errors import Malformed
from keepclear.watch.intake import Intake
from keepclear.watch.live import Watch, rounds
from keepclear.watch.live_findings import LiveFindings, LiveKind
from tests.watch.streams import ORIGINS, T0, Setting, at, part_of, same, some_fences, stream

pytestmark = pytest.mark.kernels


@given(seed=st.integers(0, 2**32), origin=st.sampled_from(ORIGINS), side=st.sampled_from([60.0, 3_000.0, 40_000.0]))
def test_kernels_and_twins_find_the_same(seed: int, origin: tuple[float, float], side: float) -> None:
    rng = np.random.default_rng(seed)
    plans = some_fences(rng, origin, 4, side)
    positions = stream(rng, origin, 5, 40, side)
    found = []
    for twin in (False, True):
        setting = Setting(twin)
        proximity = setting.proximity(side * 0.4, vertical_m=200.0, max_age_s=30.0)
        watch = setting.watch(fences=setting.fences(plans, dwell_s=20.0), proximity=proximity)
        parts = [setting.feed(watch, part_of(positions, slice(i, i + 20))) for i in range(0, 40, 20)]
        found.append(LiveFindings.joined([*parts, watch.tick(float(positions.t_s.max()))]))
        assert watch.counts.taken + watch.counts.late + watch.counts.doubled + watch.counts.at_odds == 40
    same(*found)


@given(seed=st.integers(0, 2**32), origin=st.sampled_from(ORIGINS), cut=st.integers(2, 20))
def test_the_batches_make_no_difference(seed: int, origin: tuple[float, float], cut: int) -> None:
    rng = np.random.default_rng(seed)
    plans = some_fences(rng, origin, 3, 2_000.0)
    positions = stream(rng, origin, 3, 24, 2_000.0)
    told: list[dict[LiveKind, LiveFindings]] = []
    for size in (24, cut, 1):
        setting = Setting(False)
        watch = setting.watch(fences=setting.fences(plans, dwell_s=15.0), proximity=setting.proximity(700.0))
        whole = LiveFindings.joined(watch.feed(part_of(positions, slice(i, i + size))) for i in range(0, 24, size))
        told.append({kind: whole.of_kind(kind) for kind in LiveKind})
    for kind in LiveKind:
        same(told[0][kind], told[1][kind], within_m=0.0)
        same(told[0][kind], told[2][kind], within_m=0.0)


@pytest.mark.parametrize(
    ("column", "value", "field"),
    [("lat_deg", np.nan, "lat_deg"), ("lon_deg", 181.0, "lon_deg"), ("t_s", np.inf, "t_s"), ("alt_m", np.inf, "alt_m")],
)
def test_a_bad_position_is_named_and_nothing_is_changed(column: str, value: float, field: str) -> None:
    watch = Watch(proximity=100.0)
    positions = at(ORIGINS[0], [("a", 0, 0, 0), ("b", 0, 10, 0), ("c", 0, 5, 0)])
    getattr(positions, column)[1] = value
    with pytest.raises(Malformed) as refusal:
        watch.feed(positions)
    assert refusal.value.field == f"positions[1].{field}"
    assert watch.counts.taken == 0
    assert len(watch.movers) == 0


def test_what_becomes_of_reports() -> None:
    for twin in (False, True):
        setting = Setting(twin)
        watch = setting.watch()
        reports = [("a", 10, 0, 0), ("a", 5, 0, 0), ("a", 10, 0, 0), ("a", 10, 7, 0), ("a", 20, 30_000, 0)]
        found = setting.feed(watch, at(ORIGINS[1], [*reports, ("a", 21, 30_010, 0), ("a", 81.1, 600_000, 0)]))
        kinds = [(finding.kind, round(finding.value, 3)) for finding in found]
        assert kinds == [
            (LiveKind.LATE_REPORT, 5.0),
            (LiveKind.AT_ODDS, 7.0),
            (LiveKind.JUMP, 30_000.0),
            (LiveKind.JUMP, pytest.approx(569_990.0, abs=1.0)),
        ]
        assert (watch.counts.taken, watch.counts.late, watch.counts.doubled) == (4, 1, 1)
        assert (watch.counts.at_odds, watch.counts.jumped) == (1, 2)
        assert watch.movers.t_s.tolist() == [T0 + 81.1]


def test_a_long_way_after_a_silence_is_no_jump() -> None:
    for twin in (False, True):
        setting = Setting(twin)
        watch = setting.watch()
        assert not setting.feed(watch, at(ORIGINS[0], [("a", 0, 0, 0), ("a", 900.0, 600_000, 0)]))
        batch, _ = watch._intake.take(at(ORIGINS[0], [("a", 905.0, 600_100, 0)]))
        assert batch.joined.tolist() == [True]


def test_movers_are_numbered_as_they_are_first_heard_of_however_many_come() -> None:
    intake = Intake()
    heard: list[str] = []
    for first in range(0, 300, 50):  # most were not heard of before, and come neither in order nor once
        names = [f"m{(37 * k + first) % 90 + first}" for k in range(60)] + [f"m{first}", f"m{first}"]
        positions = at(ORIGINS[0], [(name, float(first + k), 0.0, 0.0) for k, name in enumerate(names)])
        turned = replace(positions, ids=positions.ids[::-1], mover=len(positions.ids) - 1 - positions.mover)
        batch, _ = intake.take(positions if first % 100 else turned)
        heard += [name for name in dict.fromkeys(names) if name not in heard]
        assert intake.movers().ids.tolist() == heard
        assert [heard[number] for number in batch.mover] == names
        assert intake.movers().t_s[batch.mover[-1]] == T0 + first + 61.0
    assert len(heard) > 200


def test_rounds_hold_no_mover_twice_and_keep_the_order() -> None:
    batch, _ = Intake().take(
        at(ORIGINS[0], [("a", 0, 0, 0), ("b", 0, 0, 0), ("a", 1, 1, 0), ("a", 2, 2, 0), ("b", 3, 0, 0)])
    )
    assert [(once.mover.tolist(), (once.t_s - T0).tolist()) for once in rounds(batch)] == [
        ([0, 1], [0.0, 0.0]),
        ([0, 1], [1.0, 3.0]),
        ([0], [2.0]),
    ]


def test_findings_are_read_row_by_row_and_as_dictionaries() -> None:
    watch = Watch(proximity=100.0)
    found = watch.feed(at(ORIGINS[0], [("a", 0, 0, 0), ("b", 5, 30, 0)]))
    (finding,) = found
    assert (finding.kind, finding.subject, finding.other, finding.t_s) == (LiveKind.NEAR, "b", "a", T0 + 5)
    assert finding.value == pytest.approx(30.0, abs=1e-3)
    (row,) = found.to_dicts()
    assert row["kind"] == "near"
    assert row["margin_m"] == pytest.approx(70.0, abs=1e-3)
    assert Watch().feed(at(ORIGINS[0], [("a", 0, 0, 0)])).to_dicts() == []


def test_threads_may_share_a_watch_and_its_fences() -> None:
    """What each finds depends on who comes first; that nothing is torn shows under the sanitizers."""
    rng = np.random.default_rng(5)
    plans = some_fences(rng, ORIGINS[0], 12, 3_000.0)
    whole = [stream(rng, ORIGINS[0], 60, 300, 3_000.0) for _ in range(4)]
    watch = Watch(fences=plans, proximity=800.0)

    def work(k: int) -> None:
        assert watch.fences is not None
        for i in range(0, 300, 20):
            watch.feed(part_of(whole[k], slice(i, i + 20)))
            watch.tick(float(whole[k].t_s.max()))
            watch.fences.put(plans.take(np.array([k])))
            watch.fences.stays()

    with ThreadPoolExecutor(4) as pool:
        for done in [pool.submit(work, k) for k in range(4)]:
            done.result()
    counts = watch.counts
    assert counts.taken + counts.late + counts.doubled + counts.at_odds == 1_200
    assert watch.fences is not None
    assert sorted(fence for fence in plans.ids if fence in watch.fences) == sorted(plans.ids)

"""Groups through `Watch`: reports that are late, doubled or jump; the convoy of 2017 against the rooms on values."""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import cache

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.geometry.columns import Positions
from keepclear.model.acts import Positions as Said
from keepclear.model.base import Name
from keepclear.model.groups import AssetKind, Group, Member
from keepclear.model.tracks import Track
from keepclear.stories.script import read_story
from keepclear.watch.batch import Batch
from keepclear.watch.cohesion import cohesion
from keepclear.watch.encounter import encounters
from keepclear.watch.history import History
from keepclear.watch.intake import Intake
from keepclear.watch.live import Watch
from keepclear.watch.live_findings import LiveFinding, LiveKind
from keepclear.watch.live_group_watch import GroupWatch, in_order
from keepclear.watch.live_groups import Groups
from tests.rounds import rounds
from tests.watch.group_streams import Report, Stream, seconds
from tests.watch.reports import DESERT, group, spot

NAMES = ("bus0", "bus1", "bus2", "car")


def positions(reports: list[Report]) -> Positions:
    lat, lon = np.array([spot(DESERT, r.east, r.north) for r in reports]).reshape(-1, 2).T.copy()
    return Positions(
        ids=NAMES,
        mover=np.array([NAMES.index(r.asset) for r in reports], dtype=np.int64),
        t_s=np.array([seconds(r.minutes) for r in reports]),
        lat_deg=lat,
        lon_deg=lon,
        alt_m=np.full(len(reports), np.nan),
        uncertainty_m=np.array([r.uncertainty_m for r in reports]),
    )


def watch() -> Watch:
    groups = Groups.of([group(NAMES[:3])], fence_m=2_000.0)
    return Watch(groups=GroupWatch(groups, encounters_m=1_000.0), intake=Intake(max_gap_s=1_200.0))


def found(reports: list[Report], cuts: list[int]) -> list[str]:
    """What a watch tells of groups, the reports being fed in parts."""
    about, live = [], watch()
    own = (LiveKind.LATE_REPORT, LiveKind.AT_ODDS, LiveKind.JUMP)
    for rows in np.split(np.arange(len(reports)), sorted({cut for cut in cuts if cut < len(reports)})):
        about += [f for f in live.feed(positions([reports[k] for k in rows])) if f.kind not in own]
    return sorted(map(str, about))


@st.composite
def streams(draw: st.DrawFn) -> list[Report]:
    reports = []
    for k, asset in enumerate(NAMES):
        east = 0.0
        for t in [0.0, *sorted(draw(st.lists(st.integers(1, 90), max_size=10, unique=True)))]:
            reports.append(Report(asset, t + 0.01 * k, east, draw(st.sampled_from([0.0, 0.0, 2_500.0, 9_000.0]))))
            east += draw(st.sampled_from([0.0, 500.0, 3_000.0]))
    return sorted(reports, key=lambda report: report.minutes)


@rounds(15)
@given(reports=streams(), cuts=st.lists(st.integers(4, 60)))
def test_however_reports_are_fed_the_same_is_found(reports: list[Report], cuts: list[int]) -> None:
    assert found(reports, [4, *cuts]) == found(reports, list(range(1, len(reports))))


@rounds(15)
@given(reports=streams(), data=st.data())
def test_late_and_doubled_reports_change_nothing(reports: list[Report], data: st.DataObject) -> None:
    disturbed = list(reports)
    for _ in range(data.draw(st.integers(1, 6))):
        k = data.draw(st.integers(0, len(disturbed) - 1))
        again = disturbed[k]
        later = data.draw(st.integers(k + 1, len(disturbed)))
        disturbed.insert(later, again)  # the same once more: doubled, or late if the mover has reported since
    assert found(disturbed, list(range(1, len(disturbed)))) == found(reports, list(range(1, len(reports))))


def test_a_jump_makes_no_way_to_go_by() -> None:
    """The car is 900 km off between two reports a minute apart: no way leads through the fence."""
    still = [Report(name, t + 0.01 * k, 0.0, 0.0) for t in range(0, 25, 5) for k, name in enumerate(NAMES[:3])]
    car = [
        Report("car", 10.5, -450_000.0, 0.0),
        Report("car", 11.5, 450_000.0, 0.0),
        Report("car", 13.5, 451_000.0, 0.0),
    ]
    live = watch()
    told = list(live.feed(positions(sorted(still + car, key=lambda report: report.minutes))))
    assert [f.kind for f in told] == [LiveKind.JUMP]


def test_batches_are_cut_where_a_mover_comes_again_and_nowhere_else() -> None:
    def order(names: str) -> list[list[int]]:
        stream = Stream()
        (batch, _), *_ = stream.batches([Report(name, 1.0, 0.0, 0.0) for name in sorted(set(names))])
        rows = np.array([sorted(set(names)).index(name) for name in names])
        return [part.mover.tolist() for part in in_order(batch.take(rows))]

    assert order("abcd") == [[0, 1, 2, 3]]
    assert order("abacb") == [[0, 1], [0, 2, 1]]
    assert order("aab") == [[0], [0, 1]]
    assert isinstance(next(iter(in_order(Stream()._batch([Report("a", 0.0, 0.0, 0.0)])))), Batch)


# ── the convoy of 2017 ───────────────────────────────────────────────────────────────────────────────────────────────

CONVOY = tuple(f"bus-{n:02}" for n in range(1, 18))
FORCES = tuple(f"gf-{n:02}" for n in range(1, 5))
GAP = 21_600.0


@cache
def story_reports() -> tuple[tuple[datetime, Track], ...]:
    """Every reported position of the story, in order of time; positions between reports are made up and say so."""
    story = read_story("convoy2017")
    acts = [step.said.act for step in story.steps if isinstance(step.said.act, Said)]
    found = [(track.fixes[0].at, track) for act in acts for track in act.tracks]
    return tuple(sorted(found, key=lambda each: (each[0], each[1].asset)))


def convoy(assets: tuple[str, ...], name: str) -> Group:
    members = tuple(Member(asset=asset, kind=AssetKind.BUS) for asset in assets)
    return Group(id=name, name=Name(en=name, ar=name), members=members, silent_after_s=GAP)


def fed(end: datetime) -> tuple[GroupWatch, list[LiveFinding], dict[str, History]]:
    live = GroupWatch(Groups.of([convoy(CONVOY, "convoy"), convoy(FORCES, "forces")]), encounters_m=3_000.0)
    whole = Watch(groups=live, intake=Intake(max_gap_s=GAP))
    tracks = [track for at, track in story_reports() if at <= end]
    known: dict[str, History] = {}
    for track in tracks:
        known.setdefault(track.asset, History(track.asset, track.kind)).add(track, "0" * 64)
    names = tuple(known)
    told = whole.feed(
        Positions(
            ids=names,
            mover=np.array([names.index(track.asset) for track in tracks], dtype=np.int64),
            t_s=np.array([track.fixes[0].at.timestamp() for track in tracks]),
            lat_deg=np.array([track.fixes[0].lat_deg for track in tracks]),
            lon_deg=np.array([track.fixes[0].lon_deg for track in tracks]),
            alt_m=np.full(len(tracks), np.nan),
            uncertainty_m=np.array([track.fixes[0].uncertainty_m for track in tracks]),
        )
    )
    return live, list(told), known


def test_six_buses_of_2017_part_from_the_eleven() -> None:
    end = datetime.fromisoformat("2017-09-02T12:20:00Z")
    live, told, known = fed(end)
    truth = cohesion(convoy(CONVOY, "convoy"), known, [], end)
    assert truth.split_since is not None
    splits = [f for f in told if f.kind is LiveKind.SPLIT]
    assert splits
    assert live.membership.split.of(np.array([0]))[1][0] == pytest.approx(truth.split_since.timestamp())
    assert splits[-1].t_s == pytest.approx(truth.split_since.timestamp())
    assert splits[-1].margin_m < 0.0


def test_forces_pass_the_convoy_of_2017() -> None:
    end = datetime.fromisoformat("2017-09-08T08:30:00Z")
    live, told, known = fed(end)
    ours, theirs = ([known[name] for name in names] for names in (CONVOY, FORCES))
    since = datetime.fromisoformat("2017-09-08T05:00:00Z") - timedelta(hours=1)
    truth = [met for met in encounters(ours, theirs, 3_000.0, GAP, since) if met.duration_s > 1.0]
    assert truth
    assert live.encounters is not None
    began = [f for f in told if f.kind is LiveKind.ENCOUNTER_BEGAN]
    assert [f.t_s for f in began] == pytest.approx([met.starts_at.timestamp() for met in truth], abs=1.0)
    assert {(f.subject, f.other) for f in began} == {("convoy", "forces")}
    assert any(f.kind is LiveKind.HALTED and f.subject == "convoy" for f in told)

"""Members that leave, movers that join, groups that split, against `cohesion` of the same histories."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.geometry.earth import FloatArray
from keepclear.geometry.kernels import LIBRARY
from keepclear.model.groups import AssetKind
from keepclear.watch import group_reports, live_membership
from keepclear.watch.cohesion import Stay, cohesion
from keepclear.watch.live_findings import LiveFinding, LiveFindings, LiveKind
from keepclear.watch.live_groups import Following, Groups
from keepclear.watch.live_membership import Membership
from tests.rounds import rounds
from tests.watch.group_streams import Report, Stream, histories, seconds
from tests.watch.reports import DESERT, PLACES, group, moment

MEMBERS = ("bus0", "bus1", "bus2", "bus3")
VALUE = group(MEMBERS)
END = 150.0


class Live:
    """A watch of who is with one group."""

    def __init__(self) -> None:
        self.following = Following(Groups.of([VALUE]))
        self.membership = Membership(self.following, flying=["heli"])

    def feed(self, reports: list[Report], cuts: list[int], place: tuple[float, float] = DESERT) -> list[LiveFinding]:
        parts = []
        for batch, movers in Stream(place).batches(reports, cuts):
            parts.append(self.membership.hear(self.following.hear(batch, movers)))
        return list(LiveFindings.joined(parts))

    def stays(self, *, near: bool) -> set[tuple[str, float, float, int]]:
        """The runs that last: asset, since and until, reports."""
        runs = self.membership.near if near else self.membership.away
        names = self.following.names
        return {
            (
                str(names[runs.keys[k]]),
                round(float(runs.since_s[k]), 3),
                round(float(runs.until_s[k]), 3),
                int(runs.count[k]),
            )
            for k in np.flatnonzero(runs.lasting())
        }


def kept(stays: tuple[Stay, ...]) -> set[tuple[str, float, float, int]]:
    return {(s.asset, round(s.since.timestamp(), 3), round(s.until.timestamp(), 3), s.reports) for s in stays}


@st.composite
def streams(draw: st.DrawFn) -> list[Report]:
    """Members and others that go along, fall behind and come again; all report at the beginning and at the end."""
    reports = []
    for number, asset in enumerate((*MEMBERS, "car", "truck", "heli")):
        times = draw(st.lists(st.integers(1, int(END) - 1), max_size=10, unique=True))
        behind = 0.0
        for t in [0.01 * number, *sorted(float(t) for t in times), END]:
            behind = draw(st.sampled_from([behind, behind, behind, 0.0, 3_070.0, 9_000.0]))
            doubt = draw(st.sampled_from([10.0, 10.0, 400.0, 5_000.0]))
            reports.append(Report(asset, t, 200.0 * t - behind, draw(st.sampled_from([0.0, 0.0, 2_500.0])), doubt))
    return sorted(reports, key=lambda report: report.minutes)


HOW = [
    pytest.param("", marks=pytest.mark.skipif(LIBRARY is None, reason="no compiled kernels")),
    "_slowly",
]


@pytest.mark.kernels
@pytest.mark.parametrize("how", HOW)
@pytest.mark.parametrize("place", PLACES)
@rounds(15)
@given(reports=streams(), cuts=st.lists(st.integers(0, 60)))
def test_who_is_with_a_group_is_as_the_twin_has_it(
    how: str, place: tuple[float, float], reports: list[Report], cuts: list[int]
) -> None:
    live = Live()
    with pytest.MonkeyPatch.context() as patch:
        for name in ("hold_together", "near_groups"):
            slow: Callable[..., FloatArray] = getattr(group_reports, name + how)
            patch.setattr(live_membership, name, slow)
        live.feed(reports, cuts, place)
    known = histories([r for r in reports if r.asset != "heli"], place)
    known |= histories([r for r in reports if r.asset == "heli"], place, AssetKind.AIRCRAFT)
    others = [history for asset, history in known.items() if asset not in MEMBERS]
    truth = cohesion(VALUE, known, others, moment(END))
    assert live.stays(near=False) == kept(truth.leavers)
    assert live.stays(near=True) == kept(truth.joiners)
    since = live.membership.split.of(np.array([0]))[1][0]
    assert (truth.split_since is None) == bool(np.isnan(since))
    if truth.split_since is not None:
        assert since == pytest.approx(truth.split_since.timestamp(), abs=1e-3)


@rounds(15)
@given(reports=streams(), cuts=st.lists(st.integers(0, 60)))
def test_how_reports_are_cut_into_batches_changes_nothing(reports: list[Report], cuts: list[int]) -> None:
    beginning = list(range(8))  # before every member was heard of once, more may be known in a larger batch
    found = Live().feed(reports, beginning + cuts)
    apart = Live().feed(reports, list(range(len(reports))))
    assert sorted(map(str, found)) == sorted(map(str, apart))


def column(off: dict[str, float], until: int = 60) -> list[Report]:
    """The group on its way, with others at so many metres to the side."""
    reports = []
    for t in range(0, until + 1, 5):
        for k, asset in enumerate((*MEMBERS, *(name for name in off if name not in MEMBERS))):
            reports.append(Report(asset, t + 0.1 * k, 300.0 * t, off.get(asset, 0.0)))
    return reports


def test_a_stranger_that_goes_along_joins_after_a_quarter_of_an_hour() -> None:
    found = Live().feed(column({"car": 1_000.0, "heli": 500.0, "truck": 8_000.0}), [])
    assert [(f.kind, f.subject, f.other) for f in found] == [(LiveKind.JOINED, "car", "convoy")]
    assert found[0].t_s == pytest.approx(seconds(15.4))
    assert found[0].margin_m == pytest.approx(2_000.0, abs=50.0)
    assert found[0].value == pytest.approx(900.0)


def test_a_member_that_stays_away_has_left_and_one_that_comes_back_is_with_it_again() -> None:
    away = column({"bus3": 9_000.0})
    back = [r._replace(minutes=r.minutes + 65.0) for r in column({}, 10)]
    found = Live().feed(away + back, [])
    assert [(f.kind, f.subject) for f in found] == [(LiveKind.LEFT_GROUP, "bus3"), (LiveKind.JOINED, "bus3")]
    assert found[0].margin_m == pytest.approx(3_000.0 - 9_000.0, abs=400.0)  # the others are between reports
    assert found[0].margin_m < 0.0 < found[1].margin_m


def test_a_group_splits_and_is_one_again() -> None:
    parted = column({"bus2": 7_000.0, "bus3": 7_000.0}, 20)
    back = [r._replace(minutes=r.minutes + 25.0) for r in column({}, 10)]
    found = [f for f in Live().feed(parted + back, []) if f.kind in (LiveKind.SPLIT, LiveKind.REUNITED)]
    assert [(f.kind, f.subject) for f in found] == [(LiveKind.SPLIT, "convoy"), (LiveKind.REUNITED, "convoy")]
    assert found[0].margin_m < -3_000.0


def test_one_that_only_passes_does_not_join() -> None:
    passing = [Report("car", t, 300.0 * 10 + 2_000.0 * (t - 10), 500.0) for t in range(0, 61, 5)]
    found = Live().feed(sorted(column({}) + passing, key=lambda r: r.minutes), [])
    assert found == []

"""Clearing airspace: whose aircraft a request touches, and who was still inside when it was to be clear.

Only reports speak, each author's apart. An asset within its uncertainty of the area counts as inside it, and one of
unknown height as at every height: a doubt never clears anybody.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from types import MappingProxyType

import msgspec

from keepclear.geometry.pack import fix_legs, moment, trajectory_legs
from keepclear.geometry.passage import Outline, passages, within
from keepclear.model.acts import Inside, ResidualItem
from keepclear.model.plans import Plan, PlanKind
from keepclear.model.times import Window
from keepclear.model.volumes import AltitudeBand, Volume
from keepclear.watch.history import History, Report, acts_of

NOBODY: Mapping[str, Sequence[History]] = MappingProxyType({})
FLOWN = frozenset({PlanKind.FLIGHT, PlanKind.OBSERVATION})


class Why(StrEnum):
    """Why an asset is affected."""

    PLANNED_INSIDE = "planned_inside"
    """A plan has it, with its buffers, in the volume while the window lasts."""
    REPORTED_INSIDE = "reported_inside"
    """Its last report has it in the volume's area and band, or within its uncertainty of them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Affected:
    """An aircraft or drone that a request touches. `asset` is missing where a plan names none; then `plan` does.

    `since` is when it enters by plan, or the moment of its last report.
    """

    asset: str | None
    plan: str | None
    why: Why
    since: datetime
    synthetic: bool
    act_ids: tuple[str, ...]


def affected(
    volume: Volume,
    histories: Iterable[History],
    plans: Mapping[str, Plan],
    now: datetime,
    *,
    max_age_s: float = 3_600.0,
) -> list[Affected]:
    """Who is affected by a request to clear `volume`, by plans and by reports up to `now`; in order of asset and plan.

    `plans` are by the id of the act that gave them; of these only flights and observations count. `histories` are of
    what flies; where several authors report one asset, the first who has it inside is named, and one is enough. A last
    report older than `max_age_s` says nothing of where an asset is now.
    """
    outline = Outline.of(volume.area)
    found: list[Affected] = []
    for act, plan in plans.items():
        enters_at = _enters(plan, volume, outline) if plan.kind in FLOWN else None
        if enters_at is not None:
            found += [
                Affected(
                    asset=asset,
                    plan=plan.id,
                    why=Why.PLANNED_INSIDE,
                    since=enters_at,
                    synthetic=not plan.basis.is_fact,
                    act_ids=(act,),
                )
                for asset in (plan.assets or (None,))
            ]
    reported: set[str] = set()
    for history in histories:
        last = history.last(now)
        if history.asset in reported or last is None or (now - last.fix.at).total_seconds() > max_age_s:
            continue
        if _insides([last], volume.band, outline)[0]:
            reported.add(history.asset)
            found.append(
                Affected(
                    asset=history.asset,
                    plan=None,
                    why=Why.REPORTED_INSIDE,
                    since=last.fix.at,
                    synthetic=last.synthetic,
                    act_ids=(last.act,),
                )
            )
    return sorted(found, key=lambda one: (one.asset or "", one.plan or "", one.act_ids))


def residual(
    volume: Volume,
    assets: Iterable[str],
    own: Mapping[str, History],
    *,
    others: Mapping[str, Sequence[History]] = NOBODY,
    max_gap_s: float = 900.0,
    since: datetime | None = None,
) -> tuple[ResidualItem, ...]:
    """Where each asset was at T0, the start of the volume's window, as its reports tell; in the order given.

    The two reports around T0 decide, if they are no further apart than `max_gap_s`; a report at T0 itself is both.

    - both inside: `INSIDE`;
    - both outside, and the even path between them too: `LEFT` if an earlier report was inside (`left_at` is the first
      one after the last such that is outside), else `OUTSIDE`;
    - one of each, or a path that passes through: it crossed at a moment not known, `UNKNOWN`;
    - no report on one side of T0, or a longer gap: `UNKNOWN`. Nothing is drawn on from the last report.

    That is what the party's `own` reports say. What `others` report can add a doubt but never take one away: where one
    of them has the asset inside, `LEFT` and `OUTSIDE` become `UNKNOWN`, and `UNKNOWN` becomes `INSIDE`.

    With `since` (say, when the request was made), reports before the last one not after it are not looked at: who had
    left by then did not leave because of it, and counts as outside.
    """
    outline = Outline.of(volume.area)

    def at_t0(asset: str, history: History | None) -> ResidualItem:
        return _at_t0(asset, history, volume, outline, max_gap_s, since)

    return tuple(
        _worst(at_t0(asset, own.get(asset)), [at_t0(asset, each) for each in others.get(asset, ())]) for asset in assets
    )


def _worst(own: ResidualItem, others: Iterable[ResidualItem]) -> ResidualItem:
    """What a party's own reports say, and the doubt that another's add to it."""
    against = next((other for other in others if other.status is Inside.INSIDE), None)
    if against is None or own.status is Inside.INSIDE:
        return own
    if own.status is Inside.UNKNOWN:
        return against
    evidence = tuple(dict.fromkeys((*own.evidence, *against.evidence)))
    return msgspec.structs.replace(
        own,
        status=Inside.UNKNOWN,
        left_at=None,
        evidence=evidence,
        synthetic=own.synthetic or against.synthetic,
    )


def _at_t0(
    asset: str,
    history: History | None,
    volume: Volume,
    outline: Outline,
    max_gap_s: float,
    since: datetime | None,
) -> ResidualItem:
    t0 = volume.window.starts_at
    before = history.last(t0) if history is not None else None
    if history is None or before is None:
        after = history.following(t0) if history is not None else None
        return _item(asset, Inside.UNKNOWN, [after] if after else [])
    after = before if before.fix.at == t0 else history.following(t0)
    if after is None or (after.fix.at - before.fix.at).total_seconds() > max_gap_s:
        return _item(asset, Inside.UNKNOWN, [before])
    here = [before] if after is before else [before, after]
    insides = _insides(here, volume.band, outline)
    if all(insides):
        return _item(asset, Inside.INSIDE, here)
    if any(insides) or _passes_through(here, volume, outline):
        return _item(asset, Inside.UNKNOWN, here)
    earlier = history.since(since, before.fix.at)
    were_inside = [k for k, inside in enumerate(_insides(earlier, volume.band, outline)) if inside]
    if not were_inside:
        return _item(asset, Inside.OUTSIDE, here)
    leaving = earlier[were_inside[-1] : were_inside[-1] + 2]
    return _item(asset, Inside.LEFT, [*leaving, *here], left_at=leaving[1].fix.at)


def _insides(reports: Sequence[Report], band: AltitudeBand, outline: Outline) -> list[bool]:
    """For each report whether it is in the area, or within its uncertainty of it, and not known to be off the band."""
    if not reports:
        return []
    depths = outline.depths_m([report.fix.lat_deg for report in reports], [report.fix.lon_deg for report in reports])
    return [
        depth <= fix.uncertainty_m
        and (fix.alt_wgs84_m is None or band.lower_wgs84_m <= fix.alt_wgs84_m <= band.upper_wgs84_m)
        for depth, fix in zip(depths.tolist(), (report.fix for report in reports), strict=True)
    ]


def _passes_through(reports: Sequence[Report], volume: Volume, outline: Outline) -> bool:
    """Whether the even path between two reports comes inside, height included."""
    if len(reports) < 2:
        return False
    fixes = [report.fix for report in reports]
    gap_s = (fixes[1].at - fixes[0].at).total_seconds()
    around = Window(starts_at=fixes[0].at, ends_at=fixes[1].at)
    reach = max(fix.uncertainty_m for fix in fixes)
    return bool(passages(fix_legs(fixes, gap_s), outline, volume.band, around, reach_m=reach, vertical_m=0.0))


def _enters(plan: Plan, volume: Volume, outline: Outline) -> datetime | None:
    """The first moment at which a plan, with its buffers, is in the volume while its window lasts."""
    moments: list[datetime] = []
    path = plan.trajectory
    if path is not None:
        stays = passages(
            trajectory_legs(path, plan.band),
            outline,
            volume.band,
            volume.window,
            reach_m=path.buffer_m,
            vertical_m=path.vertical_buffer_m,
            early_s=path.early_s,
            late_s=path.late_s,
        )
        moments += [moment(stay.t0_s) for stay in stays]
    moments += [
        max(own.window.starts_at, volume.window.starts_at)
        for own in plan.volumes
        if own.window.starts_at < volume.window.ends_at
        and volume.window.starts_at < own.window.ends_at
        and own.band.lower_wgs84_m <= volume.band.upper_wgs84_m
        and volume.band.lower_wgs84_m <= own.band.upper_wgs84_m
        and within(own.area, volume.area, 0.0)
    ]
    return min(moments, default=None)


def _item(asset: str, status: Inside, reports: list[Report], left_at: datetime | None = None) -> ResidualItem:
    return ResidualItem(
        asset=asset,
        status=status,
        left_at=left_at,
        last_seen_at=max((report.fix.at for report in reports), default=None),
        evidence=acts_of(reports),
        synthetic=any(report.synthetic for report in reports),
    )

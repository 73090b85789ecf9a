"""What a thread says, line by line, in the order in which it is read to somebody over a telephone."""

from __future__ import annotations

from collections.abc import Iterator

from keepclear.cli.desk import window_text
from keepclear.cli.speak import Speaker, how_far, moment
from keepclear.line.views import ThreadView
from keepclear.model.acts import Answer, ClearRequest, DangerCall, Done, Proposal
from keepclear.model.basis import Basis
from keepclear.model.places import LatLon, PlaceNames
from keepclear.model.plans import Plan
from keepclear.model.times import Window
from keepclear.model.volumes import AltitudeBand, Area, Circle


def contents(speaker: Speaker, found: ThreadView) -> Iterator[str]:
    """The lines that say what this thread is about: words, places in two ways, times, heights, area, residual."""
    acts = [(view.author, view.said.act) for view in found.acts if view.without_effect is None]
    if found.words:
        yield speaker.say("says.words", words=found.words)
    if found.plan is not None:
        yield from _plan(speaker, found.plan)
    elif found.volume is not None:
        for _, act in acts:
            if isinstance(act, ClearRequest):
                yield from _places(speaker, act.names)
        yield from _window_and_band(speaker, found.volume.window, found.volume.band)
        yield _area(speaker, found.volume.area)
    yield from _basis(speaker, found.basis)
    for author, act in acts:
        if isinstance(act, ClearRequest | Proposal):
            yield speaker.say("says.answer_by", at=moment(act.answer_by))
        elif isinstance(act, DangerCall) and act.names is not None:
            yield from _places(speaker, (act.names,))
        elif isinstance(act, Answer):
            yield speaker.say("says.answer", party=author, reply=speaker.word("reply", act.reply))
            if act.conditions is not None:
                yield "  " + speaker.value(act.conditions.text)
        elif isinstance(act, Done):
            yield speaker.say("says.done", party=author, at=moment(act.reported_clear_at))
            yield from _residual(speaker, act)


def _residual(speaker: Speaker, done: Done) -> Iterator[str]:
    if not done.residual:
        yield "  " + speaker.say("says.residual_none")
    for item in done.residual:
        text = speaker.say("says.residual", asset=item.asset, status=speaker.word("inside", item.status))
        yield "  " + (text if item.left_at is None else f"{text} · {speaker.value(item.left_at)}")


def _plan(speaker: Speaker, plan: Plan) -> Iterator[str]:
    yield from _places(speaker, plan.names)
    yield from _window_and_band(speaker, plan.window, plan.band)
    if plan.trajectory is not None:
        for number, point in enumerate(plan.trajectory.waypoints, start=1):
            where = f"{point.lat_deg:.4f} {point.lon_deg:.4f}"
            yield "  " + speaker.say("says.waypoint", number=number, at=moment(point.at), where=where)
        yield "  " + speaker.say("says.buffer", distance=how_far(plan.trajectory.buffer_m))
    for volume in plan.volumes:
        yield "  " + _area(speaker, volume.area)


def _places(speaker: Speaker, names: tuple[PlaceNames, ...]) -> Iterator[str]:
    for place in names:
        yield speaker.say(
            "says.place",
            grid=place.grid,
            bearing=f"{place.bearing_deg:03.0f}°",
            distance=how_far(place.distance_m),
            name=speaker.name(place.nearest),
        )


def _window_and_band(speaker: Speaker, window: Window, band: AltitudeBand) -> Iterator[str]:
    yield speaker.say("says.window", window=window_text(window.starts_at, window.ends_at))
    yield speaker.say("says.band", band=f"{band.lower_wgs84_m:.0f}–{band.upper_wgs84_m:.0f} m")


def _area(speaker: Speaker, area: Area) -> str:
    if isinstance(area, Circle):
        return speaker.say("says.circle", radius=how_far(area.radius_m), centre=_point(area.centre))
    return speaker.say("says.polygon", corners="; ".join(map(_point, area.vertices)))


def _point(point: LatLon) -> str:
    return f"{point.lat_deg:.4f} {point.lon_deg:.4f}"


def _basis(speaker: Speaker, basis: Basis | None) -> Iterator[str]:
    if basis is not None:
        yield speaker.say("says.basis", basis=speaker.word("basis", basis.kind))
        if basis.note is not None:
            yield "  " + speaker.name(basis.note)

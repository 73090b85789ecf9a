"""This node as a Remote ID service provider (F3411-22a), for those of its parties that asked for it.

Their aircraft are offered to display providers while they report themselves, and an identification service area is kept
in the DSS about each: made, moved, renewed and removed. All that is told is where an aircraft said it was, and an id of
this one flight; nothing of whose it is, or what for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

import structlog

from keepclear.errors import KeepclearError, NodeStopped, Refused
from keepclear.formats.f3411.flights import area_notification
from keepclear.formats.f3411.search import View
from keepclear.geometry.earth import distance_m
from keepclear.line.remote_id import RECENT, Begun, Flying, flying
from keepclear.model.tracks import Fix
from keepclear.model.utm import RidArea, RidEdition, Told, UtmCircle, UtmPoint, UtmVolume
from keepclear.node.notifier import Message, Speaker
from keepclear.node.utm_desk import Judge, UtmDesk
from keepclear.utm import areas
from keepclear.utm.asked import RidAsked, Rules
from keepclear.utm.display import inside
from keepclear.utm.ledger import Ledger
from keepclear.utm.owing import Debt
from keepclear.utm.ruling import Asker, NotFound, Stale
from keepclear.utm.scopes import RID_SERVICE_PROVIDER, RID_V19_WRITE
from keepclear.utm.versions import id_of

LOOK_EVERY_S = 2.0
SILENT = timedelta(seconds=180)
"""So long after its last report the area about a flight is removed."""
RADIUS_M = 5_000.0
MOVED_M = 3_000.0
"""So far from its middle the area is moved to where the flight is."""
LASTS = timedelta(minutes=10)
RENEW_BEFORE = timedelta(minutes=5)

log = structlog.get_logger("keepclear.node")


class RemoteId:
    """Offers the flights of `parties`, as `manager`, at `url` (of this node's listener). `desk` must push."""

    def __init__(self, desk: UtmDesk, manager: str, url: str, parties: Collection[str], rules: Rules) -> None:
        self._desk = desk
        self._asker = Asker(manager, frozenset({RID_SERVICE_PROVIDER}))
        self.url = url
        self._parties = tuple(sorted(set(parties)))
        self._rules = rules
        self._begun: Begun = {}
        self._watching: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to keep areas; the node has been started."""
        if self._parties:
            self._watching = asyncio.create_task(self._watch(), name=f"{self._desk.node.id} remote id")

    async def stop(self) -> None:
        """End; the areas that are there end by themselves within minutes, or are found again after the next start."""
        if self._watching is not None:
            self._watching.cancel()
            await asyncio.gather(self._watching, return_exceptions=True)
            self._watching = None

    def own_areas(self, ledger: Ledger) -> list[RidArea]:
        """The areas this node keeps."""
        return [each for each in ledger.areas.values() if self._is_own(each)]

    async def flights(self) -> list[Flying]:
        """The flights that are up now."""
        return flying(await self._desk.node.current(), self._parties, self._desk.now(), begun=self._begun)

    async def look(self) -> None:
        """Bring the areas into step with the flights that are up."""
        state, now = await self._desk.node.current(), self._desk.now()
        wanted = {area_id(each): each for each in flying(state, self._parties, now, SILENT, self._begun)}
        for id, flight in wanted.items():
            held = state.utm.areas.get(id)
            if held is None:
                await self._write(self._creating(id, flight))
            elif self._is_own(held) and _outlived(held, flight.last.fix, now):
                await self._write(self._moving(held, flight))
        for held in self.own_areas(state.utm):
            if held.id not in wanted:
                await self._write(self._removing(held))

    # ── inside ──

    async def _watch(self) -> None:
        while True:
            try:
                await self.look()
            except NodeStopped:
                return
            except KeepclearError as error:
                log.warning("remote_id.not_kept", why=str(error))
            await self._desk.node.clock.sleep(LOOK_EVERY_S)

    def _creating(self, id: str, flight: Flying) -> Judge:
        return lambda ledger, now, nonce: areas.create(
            ledger, self._asker, id, self._asked(flight, now), now, nonce, self._rules
        )

    def _moving(self, held: RidArea, flight: Flying) -> Judge:
        return lambda ledger, now, nonce: areas.update(
            ledger, self._asker, held.id, held.version, self._asked(flight, now), now, nonce, self._rules
        )

    def _removing(self, held: RidArea) -> Judge:
        return lambda ledger, now, nonce: areas.delete(ledger, self._asker, held.id, held.version, held.edition, now)

    async def _write(self, judge: Judge) -> None:
        try:
            await self._desk.write(self._asker, b"", judge)
        except (Stale, NotFound):
            log.info("remote_id.done_elsewhere")  # another instance of this node was quicker
        except Refused as error:  # of one flight, which is no reason to keep none for the others
            log.warning("remote_id.refused", why=str(error))

    def _asked(self, flight: Flying, now: datetime) -> RidAsked:
        """A circle about where the flight is, of all heights; a start that is held stays."""
        fix = flight.last.fix
        centre = UtmPoint(lat_deg=fix.lat_deg, lng_deg=fix.lon_deg)
        return RidAsked(UtmVolume(circle=UtmCircle(centre=centre, radius_m=RADIUS_M), ends_at=now + LASTS), self.url)

    def _is_own(self, area: RidArea) -> bool:
        return area.owner == self._asker.sub and area.uss_base_url == self.url


def area_speaker(desk: UtmDesk) -> Speaker:
    """Puts the messages together that tell subscribers of areas, of whichever edition they are."""

    async def speak(debt: Debt, told: Sequence[Told]) -> Message:
        area = debt.entity if isinstance(debt.entity, RidArea) else None
        held = desk.node.state.utm.rid_subscriptions.get(told[0].subscription)
        edition = RidEdition.V22A if held is None else held.edition
        url, scope = debt.url.rstrip("/"), RID_SERVICE_PROVIDER
        if edition is RidEdition.V19:
            scope = RID_V19_WRITE
        else:
            url += "/uss/identification_service_areas"
        body = area_notification(area, edition, told)
        return Message("postIdentificationServiceArea", f"{url}/{debt.subject}", body, scope)

    return speak


def area_id(flight: Flying) -> str:
    """The id of the area about a flight."""
    return id_of("remote id area", flight.id)


def shown(flight: Flying, view: View, recent: timedelta, now: datetime) -> tuple[Fix, ...] | None:
    """What a view shows of a flight that was in it within the last minute; None if it was not.

    The positions of the last `recent` that are in it, and the one before and after each way in or out of it.
    """
    fixes = [each.fix for each in flight.reports if now - each.fix.at <= RECENT]
    there = [inside(view, each.lat_deg, each.lon_deg) for each in fixes]
    if not any(there):
        return None
    if not recent:
        return ()
    near = [any(there[max(0, number - 1) : number + 2]) for number in range(len(fixes))]
    return tuple([fix for fix, is_near in zip(fixes, near, strict=True) if is_near and now - fix.at <= recent])


def _outlived(held: RidArea, fix: Fix, now: datetime) -> bool:
    """Whether an area no longer does for a flight that is there."""
    circle, ends_at = held.volume.circle, held.volume.ends_at
    if circle is None or ends_at is None or ends_at - now <= RENEW_BEFORE:
        return True
    centre = circle.centre
    return distance_m(centre.lat_deg, centre.lng_deg, fix.lat_deg, fix.lon_deg) > MOVED_M

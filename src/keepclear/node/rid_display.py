"""This node as a Remote ID display provider (F3411-22a): who flies in a view, as the services say that offer them.

The DSS says which services may have flights there, and each is asked for them, this node's own among them without a
call. What they tell is anybody's word: nothing verifies that it is where it says, or that it is at all. So it is shown
as such, goes into no register, starts no warning and ends none, and is kept nowhere but for what details need: which
service told of a flight. A service that does not answer, or not as the standard has it, is named as silent.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from urllib.parse import quote

from keepclear.errors import Malformed
from keepclear.formats.f3411.flights import Details, Flight, Recent, flight_of, read_details, read_flights
from keepclear.formats.f3411.search import View
from keepclear.line.remote_id import RECENT
from keepclear.model.utm import RidEdition
from keepclear.node.calling import Caller, host_of
from keepclear.node.rid import RemoteId, shown
from keepclear.node.utm_desk import UtmDesk
from keepclear.utm.display import DETAILED_DIAGONAL_M, Cluster, check_view, clusters, inside, volume_of
from keepclear.utm.index import extent_of
from keepclear.utm.rid import areas_in
from keepclear.utm.ruling import NotFound
from keepclear.utm.scopes import RID_DISPLAY_PROVIDER
from keepclear.utm.versions import id_of

AT_ONCE = 16
"""Services that are asked at a time."""
MAX_SERVICES = 100
MAX_REMEMBERED = 10_000
AHEAD = timedelta(seconds=5)
"""A position of a time further ahead than this, by this node's clock, is not shown."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A flight as a service tells of it: the newest position in the view, and those of the last minute before it.

    `id` is this node's own, of the flight and the service that told of it; `service` is that service's host.
    """

    id: str
    service: str
    flight: Flight
    positions: tuple[Recent, ...]

    @property
    def last(self) -> Recent:
        """The newest position."""
        return self.positions[-1]


@dataclass(frozen=True, slots=True)
class Display:
    """What a view shows: flights, or in a large view clusters. `silent`: the hosts that gave no proper answer."""

    flights: tuple[Seen, ...] = ()
    clusters: tuple[Cluster, ...] = ()
    silent: tuple[str, ...] = ()


class RemoteIdDisplay:
    """Shows what is offered as Remote ID; `own` is what this node offers itself."""

    def __init__(self, desk: UtmDesk, caller: Caller, own: RemoteId) -> None:
        self._desk = desk
        self._caller = caller
        self._own = own
        self._told_by: OrderedDict[str, tuple[str, str]] = OrderedDict()
        """By the id shown: the service's URL, and its own id of the flight."""

    async def show(self, view: View) -> Display:
        """Who flies in a view now. TooLarge if it is larger than the standard lets anybody see."""
        diagonal_m = check_view(view)
        now = self._desk.now()
        here = extent_of((volume_of(view),))._replace(starts_s=now.timestamp(), ends_s=now.timestamp())
        found = areas_in(await self._desk.ledger(), here, RidEdition.V22A, now)
        urls = sorted({each.uss_base_url.rstrip("/") for each in found} - {self._own.url})
        asked, turns = urls[:MAX_SERVICES], asyncio.Semaphore(AT_ONCE)
        answers = await asyncio.gather(*[self._ask(url, view, turns) for url in asked])
        silent = [url for url, answer in zip(asked, answers, strict=True) if answer is None] + urls[MAX_SERVICES:]
        now = self._desk.now()
        seen = _newest([each for answer in answers for each in answer or ()], view, now)
        seen += _newest(await self._ours(view, now), view, now)
        for each, (url, id) in seen:
            self._told_by[each.id] = (url, id)
            self._told_by.move_to_end(each.id)
        while len(self._told_by) > MAX_REMEMBERED:
            self._told_by.popitem(last=False)
        hosts = tuple(sorted({host_of(url) for url in silent}))
        flights = tuple([each for each, _ in seen])
        if diagonal_m > DETAILED_DIAGONAL_M:
            points = [(each.last.position.lat, each.last.position.lng) for each in flights]
            return Display(clusters=tuple(clusters(view, points)), silent=hosts)
        return Display(flights, silent=hosts)

    async def details(self, id: str) -> Details | None:
        """What its service tells of a flight that was shown; None if it is one of this node's own, or it tells nothing.

        NotFound if it was not shown lately, or is there no more.
        """
        told_by = self._told_by.get(id)
        if told_by is None:
            raise NotFound("no such flight was shown here", field="id", id=id)
        url, flight_id = told_by
        if url == self._own.url:
            return None
        path = f"{url}/uss/flights/{quote(flight_id, safe='')}/details"
        answered = await self._caller.call("GET", path, None, RID_DISPLAY_PROVIDER)
        if answered.outcome == "404":
            raise NotFound("the flight is there no more", field="id", id=id)
        try:
            return read_details(answered.body) if answered.ok else None
        except Malformed:
            return None

    # ── inside ──

    async def _ask(self, url: str, view: View, turns: asyncio.Semaphore) -> list[tuple[str, Flight]] | None:
        """The flights that a service tells of; None if it gives no proper answer."""
        corners = ",".join(f"{each:.7f}" for each in view)
        path = f"{url}/uss/flights?view={corners}&recent_positions_duration={RECENT.total_seconds():.0f}"
        async with turns:
            answered = await self._caller.call("GET", path, None, RID_DISPLAY_PROVIDER)
        if not answered.ok:
            return None
        try:
            return [(url, each) for each in read_flights(answered.body).flights]
        except Malformed:
            return None

    async def _ours(self, view: View, now: datetime) -> list[tuple[str, Flight]]:
        found = []
        for flight in await self._own.flights():
            fixes = shown(flight, view, RECENT, now)
            if fixes is not None:
                found.append((self._own.url, flight_of(flight.id, flight.last.fix, fixes)))
        return found


def _newest(told: Iterable[tuple[str, Flight]], view: View, now: datetime) -> list[tuple[Seen, tuple[str, str]]]:
    """What a view shows of flights: those with a position in it within the last minute, each once."""
    found: dict[str, tuple[Seen, tuple[str, str]]] = {}
    for url, flight in told:
        positions = list(flight.recent_positions)
        if flight.current_state:
            positions.append(Recent(flight.current_state.timestamp, flight.current_state.position))
        recent = {each.time.value: each for each in positions if now - RECENT <= each.time.value <= now + AHEAD}
        there = [recent[at] for at in sorted(recent) if _is_in(view, recent[at])]
        if there:
            id = id_of("remote id shown", f"{url} {flight.id}")
            found[id] = (Seen(id, host_of(url), flight, tuple(there)), (url, flight.id))
    return list(found.values())


def _is_in(view: View, each: Recent) -> bool:
    """Whether a position is in a view. Where there is none the standard has it at 0, 0."""
    position = each.position
    return (position.lat, position.lng) != (0.0, 0.0) and inside(view, position.lat, position.lng)

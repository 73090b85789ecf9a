"""The local API: what a node tells its own people, and takes from them. docs/api.md has a page on every route.

Every read takes `party` and `at`: as that hosted party knew it, at that time of the record. Every write is an act,
signed with a hosted key, and is on disk before it is answered.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import parse_qsl, urlencode

import msgspec
from litestar import Litestar, Request, Response, asgi, get, post
from litestar.exceptions import NotAuthorizedException
from litestar.handlers import HTTPRouteHandler
from litestar.params import PathParameter, QueryParameter
from litestar.types import Receive, Scope, Send

from keepclear.errors import Malformed, Refused
from keepclear.geometry.grids import MGRS_NORTH_DEG, MGRS_SOUTH_DEG, name_position, to_gars, to_mgrs
from keepclear.line import view
from keepclear.line.clearing import residual_now, volume_of
from keepclear.line.disclosure import as_seen_by, sees
from keepclear.line.message import Message
from keepclear.line.noticing import MOST_EVIDENCE
from keepclear.line.state import State
from keepclear.line.utm_requests import intent_stands
from keepclear.line.views import ActView, LineView, Picture, StatementView, ThreadView
from keepclear.model.places import PlaceNames
from keepclear.node.node import Node
from keepclear.node.rid_display import RemoteIdDisplay
from keepclear.phrases import LANGUAGES, catalogue
from keepclear.record import Entry, leaf_bytes, leaf_hash
from keepclear.record.tiles import TILE_WIDTH, join_bundle
from keepclear.server.answers import (
    CheckpointNote,
    EntryProof,
    PeerStanding,
    Posted,
    Proof,
    Recorded,
    ResidualDraft,
    Status,
)
from keepclear.server.console import built_console, console_files
from keepclear.server.events import Event, Hub
from keepclear.server.metrics import metrics_text
from keepclear.server.openapi import describe, parameters
from keepclear.server.problems import NoSuch, NotYours
from keepclear.server.reading import SHORTEST_ID, act_id, instant, placed, posted
from keepclear.server.refusals import HANDLERS
from keepclear.server.remote_id import remote_id_route
from keepclear.server.replays import Replays
from keepclear.server.tokens import WHOLE, Grant
from keepclear.server.utm_routes import utm_routes

MAX_BODY_BYTES = 64 * 1024
MAX_PAGE = 1000
OCTETS = "application/octet-stream"
EVERYONE = {"everyone": True}
"""Marks routes that a narrowed token may use although they take no `party`; they narrow the answer themselves."""

Party = Annotated[str | None, QueryParameter(description="a party this node hosts: only what it could know")]
At = Annotated[str | None, QueryParameter(description="RFC 3339, UTC: as known at this time of the record")]
Degrees = Annotated[float, QueryParameter(description="degrees, WGS 84")]
ThreadPath = Annotated[str, PathParameter(description="the id of any act in it, or its first six or more digits")]


class Local:
    """What the routes share: the node, its replays, its live stream, and the story that is played, if one is."""

    def __init__(self, node: Node, story: Callable[[], dict[str, Any] | None] = lambda: None) -> None:
        self.node = node
        self.story = story
        self.replays = Replays(node)
        self.hub = Hub(self._history, lambda: len(node.state.log))
        self.remote_id: RemoteIdDisplay | None = None
        """What shows Remote ID, where this node is a display provider."""

    def event(self, message: Message) -> Event:
        """A newly recorded act as the live stream carries it, whole and for each hosted party that may know it."""
        state = self.node.state
        shares = {
            party: msgspec.json.encode(view.act(as_seen_by(state, party), message))
            for party in state.hosted()
            if sees(state, party, message)
        }
        return Event(message.index, msgspec.json.encode(view.act(state, message)), shares)

    async def entries(self, start: int, stop: int) -> list[Entry]:
        """The entries from `start` up to `stop`, or to the end if that comes first."""
        rows = await self.node.entries(start, max(start, min(stop, self.node.size)))
        return [Entry(row.index, row.recorded_at, row.envelope) for row in rows]

    async def entry(self, index: int) -> Entry:
        """One entry of the record; NoSuch if there is none."""
        if not 0 <= index < self.node.size:
            raise NoSuch(f"the record has {self.node.size} entries", field="index", size=self.node.size)
        return (await self.entries(index, index + 1))[0]

    def _history(self, start: int, count: int) -> list[Event]:
        return [self.event(message) for message in self.node.state.log[start : start + count]]


def local_app(
    node: Node, story: Callable[[], dict[str, Any] | None] = lambda: None, console: Path | None = None
) -> tuple[Litestar, Local]:
    """The application behind the local listener, and what it shares. `guard.LocalGuard` must stand before it."""
    local = Local(node, story)
    api = api_routes(local)
    description = msgspec.json.encode(describe(api))

    @get("/api/openapi.json", sync_to_thread=False, opt=EVERYONE)
    def openapi() -> Response[bytes]:
        return Response(description, media_type="application/json")

    @asgi("/api/events", copy_scope=True)
    async def events(scope: Scope, receive: Receive, send: Send) -> None:
        party = party_asked(_parameters_of(scope).get("party"), _grant(scope))
        if party is not None and party not in node.state.hosted():
            raise NotYours("this node does not speak for that party", field="party", party=party)
        await local.hub.serve(_last_event(scope), receive, send, party=party)

    app = Litestar(
        [*api, openapi, events, *plain_routes(local), *console_files(console or built_console())],
        exception_handlers=HANDLERS,  # type: ignore[arg-type]
        before_request=_within_grant,
        request_max_body_size=MAX_BODY_BYTES,
        openapi_config=None,
        logging_config=None,
    )
    return app, local


def api_routes(local: Local) -> list[HTTPRouteHandler]:
    """Every route that answers JSON or bytes, with its types for the description."""
    node, replays = local.node, local.replays

    @get("/api/status", opt=EVERYONE)
    async def status(request: Request[Any, Any, Any]) -> Status:
        """Who this node is, which lines it has, how long its record is, and the signed head of it."""
        now = node.clock.now()
        party = _grant(request.scope).party
        known = view.parties(node.state)
        mine = [msgspec.structs.replace(each, hosted=each.hosted and party in (None, each.id)) for each in known]
        return Status(
            node=node.id,
            parties=mine,
            lines=view.lines(node.state, now, party),
            peers=[msgspec.convert(each, PeerStanding, from_attributes=True) for each in node.peers()],
            size=node.size,
            checkpoint=node.checkpoint().decode(),
            now=now,
            story=local.story(),
        )

    @get("/api/phrases/{lang:str}", opt=EVERYONE)
    async def phrases(lang: Annotated[str, PathParameter(description="en or ar")]) -> dict[str, str]:
        """Every sentence a person reads, by key."""
        if lang not in LANGUAGES:
            raise NoSuch("there is no such language here", field="lang")
        return catalogue(lang)

    @get("/api/threads")
    async def threads(party: Party = None, at: At = None) -> list[ThreadView]:
        """Every thread, without its acts."""
        state, moment = await replays.seen(party, instant(at, "at"))
        return list(view.threads(state, moment))

    @get("/api/threads/{id:str}")
    async def thread(id: ThreadPath, party: Party = None, at: At = None) -> ThreadView:
        """One thread with its acts, by the id of any act in it or the first six or more digits of one."""
        state, moment = await replays.seen(party, instant(at, "at"))
        return view.thread(state, _thread_id(state, id), moment)

    @get("/api/threads/{id:str}/residual")
    async def residual(
        id: ThreadPath, party: Annotated[str, QueryParameter(description="the hosted party that would report")]
    ) -> ResidualDraft:
        """What a report of done by this party would have to say now, from the tracks it holds. It says nothing."""
        state, moment = await replays.seen(party, None)
        thread_id = _thread_id(state, id)
        if thread_id not in state.requests:
            raise NoSuch("that is not a request to clear airspace", field="id", code="no_request")
        items = residual_now(state, thread_id, party, moment)
        evidence = tuple(dict.fromkeys(act for item in items for act in item.evidence))[:MOST_EVIDENCE]
        stands = tuple(each for each in intent_stands(state, state.threads[thread_id], moment) if each.party == party)
        t0 = volume_of(state.threads[thread_id]).window.starts_at
        return ResidualDraft(thread=thread_id, t0=t0, residual=items, evidence=evidence, intents=stands)

    @get("/api/picture")
    async def picture(party: Party = None, at: At = None) -> Picture:
        """Everything that has a place. What is old says how old it is; nothing is drawn ahead of its last report."""
        state, moment = await replays.seen(party, instant(at, "at"))
        return view.picture(state, moment, party)

    @get("/api/lines")
    async def lines(party: Party = None, at: At = None) -> list[LineView]:
        """The lines and how they stand."""
        state, moment = await replays.seen(party, instant(at, "at"))
        return list(view.lines(state, moment))

    @get("/api/statements")
    async def statements(party: Party = None, at: At = None) -> list[StatementView]:
        """Filed statements, each claim with what the record says of it."""
        state, moment = await replays.seen(party, instant(at, "at"))
        return list(view.statements(state, moment))

    @get("/api/timeline")
    async def timeline(
        party: Party = None,
        since: Annotated[str | None, QueryParameter(name="from", description="recorded at or after this time")] = None,
        until: Annotated[str | None, QueryParameter(name="to", description="recorded before this time")] = None,
        after: Annotated[int, QueryParameter(ge=-1, description="entries after this index")] = -1,
        limit: Annotated[int, QueryParameter(ge=1, le=MAX_PAGE, description="at most so many")] = 200,
    ) -> list[ActView]:
        """Acts in the order of the record."""
        state, _ = await replays.seen(party, None)
        return list(
            view.timeline(state, since=instant(since, "from"), until=instant(until, "to"), after=after, limit=limit)
        )

    @get("/api/entries/{entry:str}", opt=EVERYONE)
    async def entry(
        request: Request[Any, Any, Any],
        entry: Annotated[str, PathParameter(description="an index, or an act's id")],
    ) -> EntryProof:
        """One entry: its signed text, and the proof that the record of the given size holds it."""
        index = _index_of(node.state, entry, node.size)
        kept = await local.entry(index)
        party = _grant(request.scope).party
        if party is not None and not sees(node.state, party, node.state.log[index]):
            raise NotYours("that entry is not for this party", field="entry", party=party)
        size = node.size
        return EntryProof(
            entry=view.act(node.state, node.state.log[index]),
            envelope=kept.envelope.decode(),
            leaf_hash=leaf_hash(leaf_bytes(kept)).hex(),
            size=size,
            proof=[each.hex() for each in node.inclusion_proof(index, size)],
            checkpoint=node.checkpoint().decode(),
        )

    @get("/api/name", opt=EVERYONE)
    async def name(request: Request[Any, Any, Any], lat: Degrees, lon: Degrees) -> PlaceNames:
        """A position named in two independent ways: grid, and bearing and distance from a named place."""
        return place_names(as_seen_by(node.state, _grant(request.scope).party), lat, lon)

    @post("/api/acts", opt={"body": Posted, **EVERYONE}, status_code=201)
    async def acts(request: Request[Any, Any, Any]) -> Recorded:
        """Say an act as a hosted party. It is signed, and on disk, when this answers."""
        said = posted(await request.body())
        if not _grant(request.scope).may_speak_as(said.party, said.said.role):
            raise NotYours("this token does not speak for that party in that role", field="party", code="not_granted")
        if not node.state.is_hosted(said.party):
            raise NotYours("this node does not speak for that party", field="party", party=said.party)
        try:
            receipt = await node.submit(said.party, said.line, said.said)
        except Refused as error:
            raise placed(error) from None
        return Recorded(
            act_id=receipt.act_id,
            index=receipt.index,
            recorded_at=receipt.recorded_at,
            leaf_hash=receipt.leaf_hash.hex(),
            checkpoint=receipt.checkpoint.decode(),
        )

    @get("/api/checkpoint", opt=EVERYONE)
    async def checkpoint() -> CheckpointNote:
        """The signed head of the record (a C2SP note)."""
        return CheckpointNote(size=node.size, checkpoint=node.checkpoint().decode())

    @get("/api/proof/inclusion", opt=EVERYONE)
    async def inclusion(
        index: Annotated[int, QueryParameter(ge=0, description="of the entry")],
        size: Annotated[int | None, QueryParameter(ge=0, description="of the tree; all, if left out")] = None,
    ) -> Proof:
        """The proof that the tree of `size` entries holds the entry (RFC 6962 section 2.1.1)."""
        return Proof(proof=[each.hex() for each in node.inclusion_proof(index, node.size if size is None else size)])

    @get("/api/proof/consistency", opt=EVERYONE)
    async def consistency(
        old: Annotated[int, QueryParameter(name="from", ge=1, description="the earlier size")],
        new: Annotated[int | None, QueryParameter(name="to", ge=1, description="the later size")] = None,
    ) -> Proof:
        """The proof that the tree of size `to` begins with the tree of size `from` (RFC 6962 section 2.1.2)."""
        return Proof(proof=[each.hex() for each in node.consistency_proof(old, node.size if new is None else new)])

    @get("/api/keys", opt=EVERYONE)
    async def keys() -> dict[str, str]:
        """The public key of every enrolled node and party (C2SP vkey), for whoever verifies an export."""
        authors = [*node.state.nodes, *node.state.parties]
        return {author: node.state.key_of(author) or "" for author in authors}

    @get("/api/leaves", media_type=OCTETS)
    async def leaves(
        start: Annotated[int, QueryParameter(ge=0, description="first index")],
        count: Annotated[int, QueryParameter(ge=1, le=TILE_WIDTH, description="how many")] = TILE_WIDTH,
    ) -> Response[bytes]:
        """Entries as the tree hashes them, each after its length in two bytes (a C2SP entry bundle): for export."""
        found = await local.entries(start, start + count)
        return Response(join_bundle([leaf_bytes(each) for each in found]), media_type=OCTETS)

    remote_id = remote_id_route(lambda: local.remote_id)
    routes = [
        status, phrases, threads, thread, residual, picture, lines, statements, timeline, entry, name, acts,
        checkpoint, inclusion, consistency, keys, leaves, remote_id, *utm_routes(replays),
    ]  # fmt: skip
    for route in routes:
        route.opt["query"] = {each.argument: each.name for each in parameters(route) if each.place == "query"}
    return routes


def plain_routes(local: Local) -> list[HTTPRouteHandler]:
    """Routes for whoever watches over the process, not over the line."""

    @get("/healthz", media_type="text/plain", sync_to_thread=False)
    def healthz() -> str:
        return "alive\n"

    @get("/readyz", media_type="text/plain", sync_to_thread=False)
    def readyz() -> Response[str]:
        node = local.node
        if node.failed is not None:
            return Response(f"not ready: it has stopped ({node.failed})\n", status_code=503)
        if node.duties_failed is not None:
            return Response(f"not ready: it gives no receipts or findings ({node.duties_failed})\n", status_code=503)
        return Response("ready\n", status_code=200)

    @get("/metrics", media_type="text/plain; version=0.0.4", sync_to_thread=False)
    def metrics() -> str:
        return metrics_text(local.node, local.hub.readers)

    return [healthz, readyz, metrics]


def place_names(state: State, lat_deg: float, lon_deg: float) -> PlaceNames:
    """A position named by its grid and from the nearest named place; Malformed where no place is known yet.

    The places are those that the parties here have named. Only where they have named none are others' taken, and then
    `described` says whose: anybody on a line can call a place by any name.
    """
    polar = not MGRS_SOUTH_DEG <= lat_deg <= MGRS_NORTH_DEG
    grid = to_gars(lat_deg, lon_deg) if polar else to_mgrs(lat_deg, lon_deg)
    known = {(each.id, author): each for by in state.places.values() for author, each in by.items() if not each.is_area}
    own = (state.party,) if state.party is not None else (state.node_id, *state.hosted())
    places = {key: place for key, place in known.items() if key[1] in own} or known
    found = name_position(
        lat_deg, lon_deg, {key: (place.position.lat_deg, place.position.lon_deg) for key, place in places.items()}
    )
    author = found.nearest[1]
    return PlaceNames(
        grid=grid,
        nearest=places[found.nearest].name,
        bearing_deg=found.bearing_deg,
        distance_m=found.distance_m,
        described=None if author in own else _as_named_by(state, author),
    )


def _as_named_by(state: State, author: str) -> str:
    """Whose word a place is, in both languages, as far as it fits."""
    card = state.parties.get(author)
    names = (author, author) if card is None else (card.name.en[:80], card.name.ar[:80])
    return f"as named by {names[0]} · كما سمّاه {names[1]}"


def _thread_id(state: State, digits: str) -> str:
    thread = state.thread_for(act_id(state, digits))
    if thread is None:
        raise NoSuch("that act belongs to no thread", field="id", code="no_thread")
    return thread.id


def _index_of(state: State, digits: str, size: int) -> int:
    """An index, or that of an act by its id or the beginning of it.

    One id in seventeen begins with six decimal digits: what is long enough for an id, and no index of the record, is
    taken as an id.
    """
    if digits.isdecimal() and (len(digits) < SHORTEST_ID or int(digits) < size):
        return int(digits)
    return state.acts[act_id(state, digits)].index


def _last_event(scope: Scope) -> int | None:
    """The number after which the stream goes on: the Last-Event-ID header, or `after` in the address."""
    header = dict(scope["headers"]).get(b"last-event-id", b"").decode("latin-1")
    text = header or _parameters_of(scope).get("after", "")
    if not text:
        return None
    if not text.lstrip("-").isdecimal() or len(text) > 15:
        raise Malformed("the number of the last event is a whole number", field="last-event-id")
    return max(-1, int(text))


def party_asked(party: str | None, grant: Grant) -> str | None:
    """As which party to look: the one asked for, which a narrowed token need not name and may not change."""
    if grant.party is not None and party not in (None, grant.party):
        raise NotYours("this token is for another party", field="party", code="not_granted", party=party)
    return party if grant.party is None else grant.party


def _grant(scope: Scope) -> Grant:
    """What the token that the guard let through opens; 401 if it let something through that shows none."""
    grant: Grant | None = scope["state"].get("grant")
    if grant is None:
        raise NotAuthorizedException("the token of this node must be given as 'Authorization: Bearer …'")
    return grant


def _parameters_of(scope: Scope) -> dict[str, str]:
    return dict(parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True))


async def _within_grant(request: Request[Any, Any, Any]) -> None:
    """Before every route: no unknown parameter, nothing beyond what the token opens; what is not named is denied."""
    if not any(path.startswith(("/api", "/metrics")) for path in request.route_handler.paths):
        return
    opt = request.route_handler.opt
    known = opt.get("query", {}).values()
    given = _parameters_of(request.scope)
    for each in given:
        if each not in known:
            # A misspelt `at` must not quietly show the present.
            raise Malformed("there is no such parameter", field=each, code="unknown_field")
    grant = _grant(request.scope)
    if grant is WHOLE:
        return
    if "party" in known:
        asked = party_asked(given.get("party"), grant)
        request.scope["query_string"] = urlencode({**given, "party": asked}).encode()
    elif not opt.get("everyone"):
        raise NotYours("this needs the node's own token", field="authorization", code="not_granted")

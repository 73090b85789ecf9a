"""Reading a story: who takes part, and what each says when.

A story is a folder beside this file:

    script.json        parties, nodes, lines, pace, and the acts in wire form
    sources.json       the public reports it rests on: places, lines, sources, claims
    movements.json     where vehicles are held to have been between reports (`positions.py`)
    readings.json      what of each claim a record can be asked (`claims.py`)
    expectations.json  what the record must show afterwards (`judge.py`)

Acts are written as a peer would send them, with these abbreviations, all resolved here:

- `"@key"` stands for the id of the act whose `key` it is;
- a `basis` given as a word is looked up in the script's `bases`;
- a way-point with a `place` and no coordinates is put there; `names`, `centre`, `grid` and `vertices` take place and
  line ids of `sources.json`; `places` takes `"all"`; a member `bus-01..17` stands for seventeen.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Mapping
from datetime import datetime
from importlib import resources
from importlib.resources.abc import Traversable
from typing import Any

import msgspec

from keepclear.errors import Malformed
from keepclear.geometry.grids import name_position, to_mgrs
from keepclear.model.acts import Said
from keepclear.model.base import Id, Instant, Name
from keepclear.model.basis import Basis
from keepclear.model.parties import LineCard
from keepclear.stories import claims, positions
from keepclear.stories.sources import Sources, read_sources


class Actor(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A party of the story and the role that speaks for it unless an act says otherwise."""

    id: Id
    name: Name
    role: str


class Place(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A node of the story and the parties it hosts."""

    id: Id
    parties: tuple[Id, ...]


class Pace(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Up to `until`, so many seconds of the story pass in one second of the demo."""

    until: Instant
    rate: float


class Step(msgspec.Struct, frozen=True, kw_only=True):
    """One act of the story. Ids in `said` are placeholders until `resolve` puts the real ones in."""

    key: str
    at: datetime
    author: str
    line: str
    said: Said


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """A whole story, its steps in order of time."""

    id: str
    name: Name
    starts_at: datetime
    ends_at: datetime
    actors: tuple[Actor, ...]
    nodes: tuple[Place, ...]
    lines: tuple[LineCard, ...]
    pace: tuple[Pace, ...]
    steps: tuple[Step, ...]
    sources: Sources

    def rate(self, at: datetime) -> float:
        """Seconds of the story in one second of the demo, at that moment of it."""
        return next((pace.rate for pace in self.pace if at < pace.until), self.pace[-1].rate)


class _ActEntry(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    key: str
    at: Instant
    author: Id
    line: Id
    act: dict[str, Any]
    basis: str | None = None
    role: str | None = None
    exercise: bool = False


class _Script(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    id: Id
    name: Name
    starts_at: Instant
    ends_at: Instant
    actors: tuple[Actor, ...]
    nodes: tuple[Place, ...]
    lines: tuple[LineCard, ...]
    pace: tuple[Pace, ...]
    bases: dict[str, Basis]
    acts: tuple[_ActEntry, ...]


def folder(name: str) -> Traversable:
    """The folder of a story. Malformed if there is no such story."""
    found = resources.files(__package__).joinpath(name)
    if not re.fullmatch(r"[a-z][a-z0-9]*", name) or not found.joinpath("script.json").is_file():
        raise Malformed(f"there is no story {name!r}", field="name", code="no_such_story", name=name)
    return found


def read_story(name: str) -> Story:
    """A story of that name, every act a checked value. Malformed naming the act if one is not."""
    where = folder(name)
    script = msgspec.json.decode(where.joinpath("script.json").read_bytes(), type=_Script)
    sources = read_sources(where.joinpath("sources.json").read_bytes())
    writer = _Writer(script.bases, sources)
    roles = {actor.id: actor.role for actor in script.actors}
    steps = [
        Step(
            key=entry.key,
            at=entry.at,
            author=entry.author,
            line=entry.line,
            said=writer.said(entry, roles[entry.author]),
        )
        for entry in script.acts
    ]
    movements = positions.read_movements(where.joinpath("movements.json").read_bytes())
    steps += [
        Step(key=key, at=at, author=author, line=line, said=Said(role=roles[author], act=act, basis=basis))
        for key, at, author, line, act, basis in positions.reports(movements, sources, script.bases)
    ]
    readings = claims.read_readings(where.joinpath("readings.json").read_bytes())
    steps += [
        Step(
            key=key, at=at, author=readings.author, line=readings.line, said=Said(role=roles[readings.author], act=act)
        )
        for key, at, act in claims.statements(sources, readings)
    ]
    steps.sort(key=lambda step: step.at)
    _check_references(steps)
    return Story(
        id=script.id,
        name=script.name,
        starts_at=script.starts_at,
        ends_at=script.ends_at,
        actors=script.actors,
        nodes=script.nodes,
        lines=script.lines,
        pace=script.pace,
        steps=tuple(steps),
        sources=sources,
    )


def placeholder(key: str) -> str:
    """What stands for the id of the act with this key until it has been said."""
    return hashlib.sha256(f"keepclear.story {key}".encode()).hexdigest()


def resolve(said: Said, ids: Mapping[str, str]) -> Said:
    """The same words with the ids of acts already said (`ids`: key to act id) in place of their placeholders."""
    text = msgspec.json.encode(said)
    for key, act_id in ids.items():
        text = text.replace(placeholder(key).encode(), act_id.encode())
    return msgspec.json.decode(text, type=Said)


def _check_references(steps: Iterable[Step]) -> None:
    """Every act refers only to acts said before it, and no key is used twice."""
    known: set[str] = set()
    seen: set[str] = set()
    for step in steps:
        if step.key in seen:
            raise Malformed(f"the key {step.key} is used twice", field="acts", code="story_key_twice", key=step.key)
        text = msgspec.json.encode(step.said).decode()
        for found in re.findall(r'"([0-9a-f]{64})"', text):
            if found not in known:
                raise Malformed(f"{step.key} refers to an act not said before it", field=f"acts.{step.key}")
        seen.add(step.key)
        known.add(placeholder(step.key))


class _Writer:
    """Turns the abbreviations of a script into the wire form of acts."""

    def __init__(self, bases: Mapping[str, Basis], sources: Sources) -> None:
        self._bases = bases
        self._sources = sources

    def said(self, entry: _ActEntry, role: str) -> Said:
        try:
            act = self._expand(entry.act, "act")
            body = {"role": entry.role or role, "act": act, "exercise": entry.exercise}
            if entry.basis is not None:
                body["basis"] = msgspec.to_builtins(self._bases[entry.basis])
            return msgspec.json.decode(msgspec.json.encode(body), type=Said)
        except (KeyError, ValueError) as error:
            raise Malformed(f"{entry.key}: {error}", field=f"acts.{entry.key}", code="story_act") from error

    def _expand(self, value: Any, key: str) -> Any:
        if isinstance(value, str):
            return self._word(value, key)
        if isinstance(value, list):
            if key == "members":
                return [member for item in value for member in _members(item)]
            if key == "names":
                return [self._names(place) for place in value]
            return [self._expand(item, key) for item in value]
        if isinstance(value, dict):
            body = {name: self._expand(item, name) for name, item in value.items()}
            if "at" in body and "place" in body and "lat_deg" not in body:
                place = self._sources.place(body["place"])
                body |= {"lat_deg": place.lat, "lon_deg": place.lon}
            return body
        return value

    def _word(self, text: str, key: str) -> Any:
        sources = self._sources
        if text.startswith("@"):
            return placeholder(text[1:])
        if key == "basis":
            return msgspec.to_builtins(self._bases[text])
        if key == "centre":
            return [sources.place(text).lat, sources.place(text).lon]
        if key == "grid" and text.islower():
            return to_mgrs(sources.place(text).lat, sources.place(text).lon)
        if key == "vertices":
            return [[lat, lon] for lon, lat in sources.line(text)]
        if key == "places" and text == "all":
            return [msgspec.to_builtins(place.as_model()) for place in sources.places]
        return text

    def _names(self, place_id: str) -> dict[str, Any]:
        """A place named in two ways: its grid, and how it lies from the nearest other named place."""
        here = self._sources.place(place_id)
        others = {p.id: (p.lat, p.lon) for p in self._sources.places if p.id != place_id and not p.is_area}
        found = name_position(here.lat, here.lon, others)
        return {
            "grid": to_mgrs(here.lat, here.lon),
            "nearest": msgspec.to_builtins(self._sources.place(found.nearest).name),
            "bearing_deg": round(found.bearing_deg, 1) % 360.0,
            "distance_m": round(found.distance_m),
            "described": here.name.ar,
        }


def _members(item: dict[str, Any]) -> list[dict[str, Any]]:
    return [item | {"asset": asset} for asset in positions.asset_names(item["asset"])]

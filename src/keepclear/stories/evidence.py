"""What exported records show, as plain values a question can be put to (`query.py`).

Nothing here comes from a running node: an export is verified, its entries are read and folded with `line.replay`, and
what is shown is what `line.view` shows of that state. Collections, each a list of plain values with the `entries`
(indices in that node's record) they rest on:

    acts        every act as the record holds it
    threads     one for each matter, with recipients and findings
    findings    the last finding on each matter
    groups, boundaries, nearness, held, clearings, coverage     as in the picture
    lines       how each line stands
    claims      every claim with its judgement
    ask         the coverage ledger's answers to `args` (party, group, sensor, from, to)

A field with its default value is left out, as on the wire, and reads as null. Over all records together:

    records     each record and what was proved of it
    shared      for each line and pair of nodes: the same acts?
    tracks      every reported track
    words       every text in an act, with its language
    names       every name, with whether its Arabic is in Arabic script
    catalogues  the phrases of each surface in both languages
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import cached_property
from itertools import combinations
from pathlib import Path
from typing import Any

import msgspec

from keepclear.errors import BrokenRecord
from keepclear.line import view
from keepclear.line.message import Message, kept, read_message
from keepclear.line.replay import replay
from keepclear.line.state import State
from keepclear.model.times import Window
from keepclear.model.tracks import SensorClass
from keepclear.phrases import LANGUAGES, catalogue, placeholders
from keepclear.record import VerifiedRecord, VerifierKey, parse, read_entries, verify_export

Item = dict[str, Any]
_ARABIC = re.compile("[\u0621-\u064a]")


class Held:
    """One node's exported record, verified, and what follows from it."""

    def __init__(self, directory: Path, node: str) -> None:
        self.node = node
        self.proved: VerifiedRecord = verify_export(directory)
        if self.proved.origin.split("/")[0] != node:
            raise BrokenRecord(str(directory), f"this is the record of {self.proved.origin}, not of {node}")
        self.keys = {
            key.name: key
            for key in map(VerifierKey.from_vkey, (directory / "keys").read_text("utf-8").split("\n")[:-1])
        }
        self.messages: list[Message] = [
            kept(read_message(parse(entry.envelope)), entry.index, entry.recorded_at)
            for entry in read_entries(directory)
        ]
        self._states: dict[tuple[datetime, str | None], State] = {}

    @property
    def ends_at(self) -> datetime:
        """When the last entry was recorded."""
        last = self.messages[-1].recorded_at
        if last is None:
            raise BrokenRecord(self.node, "an entry without a time")
        return last

    def state(self, at: datetime, party: str | None) -> State:
        """The state as this node, or a party it hosts, knew it at a moment of its record."""
        if (at, party) not in self._states:
            self._states[(at, party)] = replay(self.messages, self.node, until=at, party=party)
        return self._states[(at, party)]

    @cached_property
    def _indices(self) -> dict[str, int]:
        return {message.id: message.index for message in self.messages}

    def entries(self, acts: Iterable[str]) -> list[int]:
        """The entry numbers of acts; those that only others hold (a peer's own tracks) have none here."""
        return [self._indices[act] for act in acts if act in self._indices]


class Evidence:
    """The exported records of a story's nodes. BrokenRecord if one does not prove itself or two disagree on a key."""

    def __init__(self, out: Path, nodes: Iterable[str]) -> None:
        self.held = {node: Held(out / node, node) for node in nodes}
        self._seen: dict[str, list[Item]] = {}
        keys: dict[str, VerifierKey] = {}
        for held in self.held.values():
            for name, key in held.keys.items():
                if keys.setdefault(name, key) != key:
                    raise BrokenRecord(held.node, f"the key of {name} is another one than in the other records")

    def see(self, what: str, node: str | None, at: datetime | None, party: str | None, args: Item) -> list[Item]:
        """The items of a collection. ValueError if there is no such collection."""
        key = f"{what} {node} {at} {party} {sorted(args.items())}"
        if key not in self._seen:
            self._seen[key] = self._look(what, node, at, party, args)
        return self._seen[key]

    def _look(self, what: str, node: str | None, at: datetime | None, party: str | None, args: Item) -> list[Item]:
        if what in _OVER_ALL:
            return list(_OVER_ALL[what](self))
        if what not in _OF_ONE or node is None:
            raise ValueError(f"{what!r} cannot be seen, or only in the record of a node")
        held = self.held[node]
        now = at or held.ends_at
        return [_plain(item) for item in _OF_ONE[what](held, held.state(now, party), now, args)]


# ── of one record ────────────────────────────────────────────────────────────────────────────────────────────────────


def _acts(held: Held, state: State, now: datetime, args: Item) -> Iterator[Item]:
    for shown in view.timeline(state):
        yield _item(shown, [shown.index])


def _threads(held: Held, state: State, now: datetime, args: Item) -> Iterator[Item]:
    for thread_id in state.threads:
        shown = view.thread(state, thread_id, now)
        yield _item(shown, [act.index for act in shown.acts])


def _findings(held: Held, state: State, now: datetime, args: Item) -> Iterator[Item]:
    for key, message in state.findings.items():
        finding = state.finding(key)
        if finding is not None:
            yield _item(finding, [message.index])


def _groups(held: Held, state: State, now: datetime, args: Item) -> Iterator[Item]:
    for group in view.picture(state, now, None).groups:
        declared = state.groups[(group.declared_by, group.id)]
        yield _item(group, [each.message.index for each in declared])


def _boundaries(held: Held, state: State, now: datetime, args: Item) -> Iterator[Item]:
    for boundary in view.picture(state, now, None).boundaries:
        yield _item(boundary, [state.boundaries[boundary.boundary.id][boundary.party].index])


def _nearness(held: Held, state: State, now: datetime, args: Item) -> Iterator[Item]:
    for near in view.picture(state, now, None).nearness:
        yield _item(near, [state.boundaries[near.boundary][near.party].index])


def _held(held: Held, state: State, now: datetime, args: Item) -> Iterator[Item]:
    for responsibility in view.picture(state, now, None).held:
        acts = (*responsibility.offers, *responsibility.assertions)
        yield _item(responsibility, held.entries(acts))


def _clearings(held: Held, state: State, now: datetime, args: Item) -> Iterator[Item]:
    for thread_id, status, volume, basis in view.picture(state, now, None).clearings:
        yield {
            "thread": thread_id,
            "status": status,
            "volume": volume,
            "basis": basis,
            "entries": held.entries([thread_id]),
        }


def _coverage(held: Held, state: State, now: datetime, args: Item) -> Iterator[Item]:
    for declared in view.picture(state, now, None).coverage:
        yield _item(declared, held.entries([declared.act]))


def _lines(held: Held, state: State, now: datetime, args: Item) -> Iterator[Item]:
    for line in view.lines(state, now):
        yield _item(line, [])


def _claims(held: Held, state: State, now: datetime, args: Item) -> Iterator[Item]:
    for statement in view.statements(state, now):
        for judged in statement.claims:
            entries = held.entries([statement.act, *judged.judgement.entries])
            yield _item(judged, entries) | {"topic": statement.topic, "statement": statement.id}


def _ask(held: Held, state: State, now: datetime, args: Item) -> Iterator[Item]:
    window = Window(starts_at=datetime.fromisoformat(args["from"]), ends_at=datetime.fromisoformat(args["to"]))
    sensor = SensorClass(args["sensor"]) if "sensor" in args else None
    for answer in state.ledger.ask(args["party"], window, group=args["group"], sensor=sensor):
        yield {
            "state": answer.state.value,
            "window": answer.window,
            "acts": list(answer.acts),
            "synthetic": answer.synthetic,
            "entries": held.entries(answer.acts),
        }


_OF_ONE: Mapping[str, Callable[[Held, State, datetime, Item], Iterator[Item]]] = {
    "acts": _acts,
    "threads": _threads,
    "findings": _findings,
    "groups": _groups,
    "boundaries": _boundaries,
    "nearness": _nearness,
    "held": _held,
    "clearings": _clearings,
    "coverage": _coverage,
    "lines": _lines,
    "claims": _claims,
    "ask": _ask,
}


# ── over all records ─────────────────────────────────────────────────────────────────────────────────────────────────


def _records(evidence: Evidence) -> Iterator[Item]:
    for held in evidence.held.values():
        ids = [message.id for message in held.messages]
        yield {
            "node": held.node,
            "size": held.proved.size,
            "authors": len(held.proved.authors),
            "said_twice": len(ids) - len(set(ids)),
            "unresolved": sum(map(len, held.state(held.ends_at, None).unresolved.values())),
            "entries": [],
        }


def _shared(evidence: Evidence) -> Iterator[Item]:
    """For each line and each two nodes on it: what each holds of it, and whether it is the same."""
    lines = {line for held in evidence.held.values() for line in held.state(held.ends_at, None).lines}
    for line in sorted(line for line in lines if not line.startswith("own.")):
        holders = [held for held in evidence.held.values() if line in held.state(held.ends_at, None).lines]
        for one, other in combinations(holders, 2):
            here = {message.id for message in one.messages if message.line == line}
            there = {message.id for message in other.messages if message.line == line}
            yield {
                "line": line,
                "nodes": [one.node, other.node],
                "acts": len(here),
                "only_one_has": len(here ^ there),
                "same": here == there,
                "entries": [],
            }


def _tracks(evidence: Evidence) -> Iterator[Item]:
    for held in evidence.held.values():
        for message in held.messages:
            for track in getattr(message.act, "tracks", ()):
                yield _plain(_item(track, [message.index])) | {"node": held.node}


def _inside(evidence: Evidence, wanted: frozenset[str]) -> Iterator[Item]:
    """Every object in any act that has exactly these fields, once for each text."""
    seen: set[tuple[str, ...]] = set()
    for held in evidence.held.values():
        for message in held.messages:
            for value in _objects(msgspec.to_builtins(message.said)):
                key = tuple(str(value.get(name)) for name in sorted(wanted))
                if value.keys() == wanted and key not in seen:
                    seen.add(key)
                    yield value | {"node": held.node, "entries": [message.index]}


def _words(evidence: Evidence) -> Iterator[Item]:
    yield from _inside(evidence, frozenset({"text", "lang"}))


def _names(evidence: Evidence) -> Iterator[Item]:
    for name in _inside(evidence, frozenset({"en", "ar"})):
        yield name | {"arabic_script": _ARABIC.search(name["ar"]) is not None}


def _catalogues(evidence: Evidence) -> Iterator[Item]:
    one, other = (catalogue(lang) for lang in LANGUAGES)
    for surface in sorted({key.split(".")[0] for key in (*one, *other)}):
        keys = {key for key in (*one, *other) if key.split(".")[0] == surface}
        alone = {key for key in keys if key not in one or key not in other}
        differing = {key for key in keys - alone if placeholders(one[key]) != placeholders(other[key])}
        yield {
            "surface": surface,
            "phrases": len(keys),
            "in_one_language_only": sorted(alone),
            "placeholders_differ": sorted(differing),
            "entries": [],
        }


_OVER_ALL: Mapping[str, Callable[[Evidence], Iterator[Item]]] = {
    "records": _records,
    "shared": _shared,
    "tracks": _tracks,
    "words": _words,
    "names": _names,
    "catalogues": _catalogues,
}


def _item(shown: msgspec.Struct, entries: list[int]) -> Item:
    fields = {field: getattr(shown, field) for field in shown.__struct_fields__}
    return fields | {"entries": list(dict.fromkeys(entries))}


def _plain(item: Item) -> Item:
    plain: Item = msgspec.to_builtins(item)
    return plain


def _objects(value: Any) -> Iterator[Item]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from _objects(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _objects(inner)

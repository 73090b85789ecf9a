"""Where `export` takes the entries from: the running node, or, if none runs, the store itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

from keepclear.cli.caller import Caller, NoAnswer, folder_token, folder_url
from keepclear.formats.wire import read_said
from keepclear.model.acts import Enrol
from keepclear.model.parties import NodeCard
from keepclear.node.home import Home, open_record
from keepclear.record import Entry, VerifierKey, parse, parse_leaf
from keepclear.record.tiles import TILE_WIDTH, split_bundle
from keepclear.server.answers import Status
from keepclear.store import Store


@dataclass(frozen=True)
class Source:
    """The entries in order from index 0, how many there are, and the key of each author."""

    entries: Iterator[Entry]
    size: int
    keys: dict[str, VerifierKey]


@contextmanager
def entries_of(home: Home, lang: str, address: str | None = None) -> Iterator[Source]:
    """The record of a node, up to what it holds now; `address` as for `open_record`.

    NoAnswer or StoreFailed if neither node nor store can be read.
    """
    try:
        caller = Caller(folder_url(home.directory), folder_token(home.directory), lang)
    except NoAnswer:
        caller = None
    if caller is not None:
        with closing(caller):
            try:
                size = caller.get("/api/status", Status).size
            except NoAnswer:
                pass  # The address is left from a run that was cut short; the store is free then.
            else:
                vkeys = caller.get("/api/keys", dict[str, str])
                keys = {author: VerifierKey.from_vkey(vkey) for author, vkey in vkeys.items()}
                yield Source(_from_node(caller, size), size, keys)
                return
    with closing(open_record(home, address)) as store:
        entries = (Entry(row.index, row.recorded_at, row.envelope) for row in store.rows())
        yield Source(entries, store.size(), enrolled_keys(home, store))


def enrolled_keys(home: Home, store: Store) -> dict[str, VerifierKey]:
    """The key of every author this node ever enrolled, from its own line in the store."""
    node = home.settings.id
    keys = _keys_of(home.card)
    for row in store.rows():
        if row.author == node and row.line == f"own.{node}":
            act = read_said(parse(row.envelope).body).act
            if isinstance(act, Enrol):
                keys |= _keys_of(act.node)
    return keys


def _keys_of(card: NodeCard) -> dict[str, VerifierKey]:
    keys = [card.key, *(party.key for party in card.parties)]
    return {key.name: key for key in map(VerifierKey.from_vkey, keys)}


def _from_node(caller: Caller, size: int) -> Iterator[Entry]:
    for start in range(0, size, TILE_WIDTH):
        count = min(TILE_WIDTH, size - start)
        leaves = split_bundle(caller.get_bytes("/api/leaves", start=start, count=count))
        for index, leaf in enumerate(leaves, start):
            yield parse_leaf(index, leaf)

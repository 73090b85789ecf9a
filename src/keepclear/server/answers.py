"""Bodies of the local API that are not views of the state: what is posted, and what answers it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

import msgspec

from keepclear.line.views import ActView, IntentView, LineView, PartyView
from keepclear.model.acts import ResidualItem, Said
from keepclear.model.base import Id
from keepclear.utm.past import Meetings


class Posted(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """An act to be said: by which hosted party (or the node itself), on which line."""

    party: Id
    line: Id
    said: Said


class Recorded(msgspec.Struct, frozen=True, kw_only=True):
    """The act is on disk: its id, its entry, when it was recorded, and the signed head of the record that holds it.

    `leaf_hash` is hex; `checkpoint` a C2SP signed note whose tree has the entry.
    """

    act_id: str
    index: int
    recorded_at: datetime
    leaf_hash: str
    checkpoint: str


class PeerStanding(msgspec.Struct, frozen=True, kw_only=True):
    """How it stands with another node: acts it has not yet taken, when it last answered, and why it does not."""

    node: str
    address: str
    waiting: int
    reached_at: datetime | None
    unreachable_since: datetime | None
    why: str | None


class Status(msgspec.Struct, frozen=True, kw_only=True):
    """Who this node is, which lines it has, and how long its record is. `story` is set while a story is played."""

    node: str
    parties: list[PartyView]
    lines: list[LineView]
    peers: list[PeerStanding]
    size: int
    checkpoint: str
    now: datetime
    story: dict[str, Any] | None = None


class EntryProof(msgspec.Struct, frozen=True, kw_only=True):
    """One entry with its proof: `envelope` is the signed text, `proof` the hashes (hex, lowest sibling first)."""

    entry: ActView
    envelope: str
    leaf_hash: str
    size: int
    proof: list[str]
    checkpoint: str


class Proof(msgspec.Struct, frozen=True, kw_only=True):
    """A Merkle proof (RFC 6962), hashes in hex."""

    proof: list[str]


class CheckpointNote(msgspec.Struct, frozen=True, kw_only=True):
    """The signed head of the record as C2SP writes it."""

    size: int
    checkpoint: str


class ResidualDraft(msgspec.Struct, frozen=True, kw_only=True):
    """What a report of *done* would have to say now: who was inside at T0 or is unknown, from the tracks held here."""

    thread: str
    t0: datetime
    residual: tuple[ResidualItem, ...]
    evidence: tuple[str, ...]
    intents: tuple[IntentView, ...] = ()
    """Where the plans of UTM services in the volume stand: facts about plans, beside what tracks tell."""


class UtmCounts(msgspec.Struct, frozen=True, kw_only=True):
    """What UTM services have here: what has not ended, changes so far, and notifications that are still owed.

    `meetings`: pairs of intents that meet, if that was asked; missing where there are too many intents to tell at once.
    """

    at: datetime
    changes: int
    intents: int
    constraints: int
    subscriptions: int
    areas: int
    owed: int
    meetings: Meetings | None = None

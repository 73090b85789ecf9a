"""Parties, their nodes, their desks and the roles on watch. Roles, not names of persons."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from keepclear.model.base import Id, Language, Long, Name, Seconds, Short, Value
from keepclear.model.times import Window

VerifierKeyText = Annotated[str, Meta(pattern=r"^[a-z][a-z0-9._-]{0,47}\+[0-9a-f]{8}\+[A-Za-z0-9+/=]{44,48}$(?!\n)")]
"""A C2SP signed-note verifier key: name, key hash, base64 of algorithm byte and Ed25519 public key."""


class PartyCard(Value, frozen=True, kw_only=True):
    """A party and the key that speaks for it."""

    id: Id
    name: Name
    key: VerifierKeyText

    def __post_init__(self) -> None:
        if self.key.split("+", 1)[0] != self.id:
            raise ValueError("key must carry the party's own id as its name")


class NodeCard(Value, frozen=True, kw_only=True):
    """A node: its key, where peers reach it, and the parties it speaks for.

    `certificate` is the TLS certificate (PEM) its peers pin; empty where the address is plain http on loopback.
    """

    id: Id
    key: VerifierKeyText
    address: Annotated[str, Meta(pattern=r"^https?://[^\s/?#@]+$(?!\n)", max_length=200)]
    certificate: Annotated[str, Meta(max_length=4000)] = ""
    parties: Annotated[tuple[PartyCard, ...], Meta(min_length=1, max_length=50)]

    def __post_init__(self) -> None:
        if self.key.split("+", 1)[0] != self.id:
            raise ValueError("key must carry the node's own id as its name")
        names = [self.id, *(party.id for party in self.parties)]
        if len(set(names)) != len(names):
            raise ValueError("parties must have different ids, and none the node's own")


class LineCard(Value, frozen=True, kw_only=True):
    """The terms of one line: members, how often it is checked, how soon an answer is due, what to do when down."""

    id: Id
    name: Name
    members: Annotated[tuple[Id, ...], Meta(min_length=1, max_length=50)]
    check_every_s: Annotated[float, Meta(ge=60.0, le=86_400.0)] = 900.0
    answer_within_s: Annotated[float, Meta(ge=10.0, le=86_400.0)] = 300.0
    fallback: Name | None = None

    def __post_init__(self) -> None:
        if len(set(self.members)) != len(self.members):
            raise ValueError("members must be different")


class Watch(Value, frozen=True, kw_only=True):
    """One role on watch at a desk for a window of time, and the languages it can speak."""

    role: Short
    window: Window
    languages: Annotated[tuple[Language, ...], Meta(min_length=1, max_length=10)] = ("en",)


class EscalationStep(Value, frozen=True, kw_only=True):
    """Whom a danger call goes to next if nobody has taken it `after_s` seconds after it was made."""

    role: Short
    after_s: Seconds


class Desk(Value, frozen=True, kw_only=True):
    """A staffed watch of a party. With no watch covering a moment the desk is unstaffed, and is shown so."""

    id: Id
    name: Name
    watches: Annotated[tuple[Watch, ...], Meta(max_length=200)] = ()
    escalation: Annotated[tuple[EscalationStep, ...], Meta(max_length=20)] = ()
    fallback: Long | None = None

    def __post_init__(self) -> None:
        times = [step.after_s for step in self.escalation]
        if times != sorted(times):
            raise ValueError("escalation must be in order of after_s")

"""The pairing card: what two people exchange so that their two nodes can talk.

A card is one line of text, `keepclear-card-1.` and the base64url of a signed note: a node's own description (its key,
address, certificate and parties) and the lines it proposes, signed with the node's key. The signature shows that
whoever made the card holds the key in it. It does not show who that is: for that the two people read the card's
fingerprint to each other over a telephone, each from their own screen. It covers every byte of the card's content.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Annotated

import msgspec
from msgspec import Meta

from keepclear.errors import Malformed
from keepclear.model.base import Value
from keepclear.model.parties import LineCard, NodeCard
from keepclear.record import SigningKey, VerifierKey, open_note, sign_note

PREFIX = "keepclear-card-1."
MAX_CARD_CHARACTERS = 100_000
_FIRST_LINE = b"keepclear.card.v1\n"


class Card(Value, frozen=True, kw_only=True):
    """A node, and the lines it would open with whoever takes the card."""

    node: NodeCard
    lines: Annotated[tuple[LineCard, ...], Meta(max_length=20)] = ()


def card_text(node: NodeCard, lines: tuple[LineCard, ...], key: SigningKey) -> str:
    """The card as one line of text. `key` is the node's own; Malformed (`key`) if it is another."""
    if key.verifier.vkey != node.key:
        raise Malformed("a card is signed with the key that is in it", field="key")
    note = sign_note(_content(Card(node=node, lines=lines)), key)
    return PREFIX + base64.urlsafe_b64encode(note).decode("ascii").rstrip("=")


def read_card(text: str) -> Card:
    """Read a card and check its signature. White space in it is ignored, for it may have been wrapped on its way.

    Malformed naming the field if any of it is missing, out of range or not as `card_text` writes it; Forged if it was
    changed after it was signed.
    """
    if len(text) > MAX_CARD_CHARACTERS:
        raise Malformed("this is too long to be a card", field="card", code="too_large")
    compact = "".join(text.split())
    if not compact.startswith(PREFIX):
        raise Malformed(f"a card starts with {PREFIX}", field="card")
    encoded = compact.removeprefix(PREFIX)
    try:
        note = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise Malformed("the card is damaged: some of its characters are missing or changed", field="card") from None
    if base64.urlsafe_b64encode(note).decode("ascii").rstrip("=") != encoded:
        raise Malformed("the card is damaged: its last character is changed", field="card")
    first_line, _, rest = note.partition(b"\n")
    if first_line + b"\n" != _FIRST_LINE:
        raise Malformed("the content of the card is not of a kind known here", field="card", code="unknown_version")
    body = rest.partition(b"\n")[0]
    try:
        card = msgspec.json.decode(body, type=Card)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Malformed(f"the card cannot be read: {error}", field="card") from None
    key = _key(card.node.key, "card.node.key")
    for party in card.node.parties:
        _key(party.key, f"card.node.parties.{party.id}.key")
    signed, _ = open_note(note, [key])
    if signed != _content(card):
        raise Malformed("the content of the card is not written as cards are", field="card")
    return card


def card_fingerprint(card: Card) -> str:
    """Sixty decimal digits, twelve groups of five, over every byte of the card: equal digits, equal cards."""
    digest = hashlib.sha256(b"keepclear.card.fingerprint.v1\n" + _content(card)).digest()
    digits = f"{int.from_bytes(digest, 'big') % 10**60:060d}"
    return " ".join(digits[i : i + 5] for i in range(0, 60, 5))


def _content(card: Card) -> bytes:
    return _FIRST_LINE + msgspec.json.encode(card) + b"\n"


def _key(text: str, field: str) -> VerifierKey:
    try:
        return VerifierKey.from_vkey(text)
    except Malformed as error:
        raise Malformed(error.message, field=field) from None

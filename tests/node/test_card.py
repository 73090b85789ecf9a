"""The pairing card survives being wrapped, and no change to it goes unnoticed."""

from __future__ import annotations

import base64

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.errors import Forged, Malformed, Refused
from keepclear.model.base import Name
from keepclear.model.parties import LineCard, NodeCard, PartyCard
from keepclear.node.card import PREFIX, Card, card_fingerprint, card_text, read_card
from keepclear.record import SigningKey, sign_note


def key(name: str, number: int) -> SigningKey:
    return SigningKey.from_raw(name, bytes([number]) * 32)


NODE_KEY = key("russia.node", 1)
NODE = NodeCard(
    id="russia.node",
    key=NODE_KEY.verifier.vkey,
    address="https://192.0.2.1:8443",
    certificate="",
    parties=(PartyCard(id="russia", name=Name(en="Russia", ar="روسيا"), key=key("russia", 2).verifier.vkey),),
)
AVOIDANCE = LineCard(
    id="avoidance", name=Name(en="Avoidance line", ar="خط تجنّب الاصطدام"), members=("coalition", "russia")
)
CARD = Card(node=NODE, lines=(AVOIDANCE,))
TEXT = card_text(NODE, (AVOIDANCE,), NODE_KEY)


def signed(content: bytes, signer: SigningKey = NODE_KEY) -> str:
    """A card with any content, properly signed."""
    note = sign_note(content, signer)
    return PREFIX + base64.urlsafe_b64encode(note).decode().rstrip("=")


def test_a_card_is_one_line_and_reads_back() -> None:
    assert "\n" not in TEXT
    assert read_card(TEXT) == CARD


@given(
    st.lists(st.integers(min_value=0, max_value=len(TEXT)), max_size=20), st.sampled_from(["\n", "\r\n", "  ", "\t"])
)
def test_it_may_be_wrapped_on_its_way(places: list[int], space: str) -> None:
    wrapped = TEXT
    for place in sorted(places, reverse=True):
        wrapped = wrapped[:place] + space + wrapped[place:]
    assert read_card(wrapped) == CARD


@given(st.data())
def test_no_single_character_can_be_changed_left_out_or_added(data: st.DataObject) -> None:
    place = data.draw(st.integers(min_value=0, max_value=len(TEXT) - 1))
    character = data.draw(st.sampled_from("ABCxyz0189-_=.").filter(lambda c: c != TEXT[place]))
    kept = data.draw(st.sampled_from(["", TEXT[place]]))
    for changed in (TEXT[:place] + character + TEXT[place + 1 :], TEXT[:place] + kept + character + TEXT[place + 1 :]):
        with pytest.raises(Refused):
            read_card(changed)
    with pytest.raises(Refused):
        read_card(TEXT[:place] + TEXT[place + 1 :])


def test_every_part_of_the_card_is_in_its_fingerprint() -> None:
    other_party = PartyCard(id="russia", name=NODE.parties[0].name, key=key("russia", 3).verifier.vkey)
    replace = msgspec.structs.replace
    changed = [
        Card(node=NODE),
        Card(node=replace(NODE, address="https://192.0.2.2:8443"), lines=CARD.lines),
        Card(node=replace(NODE, certificate="x"), lines=CARD.lines),
        Card(node=replace(NODE, key=key("russia.node", 4).verifier.vkey), lines=CARD.lines),
        Card(node=replace(NODE, parties=(other_party,)), lines=CARD.lines),
        Card(node=NODE, lines=(replace(AVOIDANCE, check_every_s=901.0),)),
        Card(node=NODE, lines=(replace(AVOIDANCE, members=("russia", "coalition")),)),
    ]
    prints = {card_fingerprint(card) for card in [CARD, *changed]}
    assert len(prints) == len(changed) + 1
    assert card_fingerprint(read_card(TEXT)) == card_fingerprint(CARD)
    groups = card_fingerprint(CARD).split(" ")
    assert [len(group) for group in groups] == [5] * 12
    assert "".join(groups).isdecimal()


def test_a_card_signed_with_another_key_is_forged() -> None:
    content = base64.urlsafe_b64decode(TEXT.removeprefix(PREFIX) + "==").split(b"\n\n")[0] + b"\n"
    assert read_card(signed(content)) == CARD
    with pytest.raises(Forged):
        read_card(signed(content, key("russia.node", 9)))
    with pytest.raises(Forged):
        read_card(signed(content, key("somebody", 1)))


def test_a_node_signs_cards_with_its_own_key_only() -> None:
    with pytest.raises(Malformed) as refused:
        card_text(NODE, (), key("russia.node", 9))
    assert refused.value.field == "key"


BODY = msgspec.json.encode(CARD)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "starts with"),
        ("keepclear-card-2." + TEXT.removeprefix(PREFIX), "starts with"),
        (PREFIX, "not of a kind"),
        (PREFIX + "é", "damaged"),
        (PREFIX + "A" * 200_000, "too long"),
        (signed(b"keepclear.card.v9\n" + BODY + b"\n"), "not of a kind"),
        (signed(b"keepclear.card.v1\n" + b"[]\n"), "cannot be read"),
        (signed(b"keepclear.card.v1\n" + BODY.replace(b'"address"', b'"adress"') + b"\n"), "adress"),
        (signed(b"keepclear.card.v1\n" + BODY + b"\nand more\n"), "not written as cards are"),
        (signed(b"keepclear.card.v1\n " + BODY + b"\n"), "not written as cards are"),
        (signed(b"keepclear.card.v1\n" + BODY.replace(b"https://192", b"gopher://1") + b"\n"), "address"),
    ],
)
def test_what_is_no_card_is_refused_with_one_reason(text: str, words: str) -> None:
    with pytest.raises(Malformed, match=words):
        read_card(text)


def test_a_key_that_is_none_is_named() -> None:
    damaged = NODE_KEY.verifier.vkey.replace("+", "+00000000+", 1).split("+")
    vkey = f"{damaged[0]}+00000000+{damaged[-1]}"
    node = msgspec.structs.replace(NODE, key=vkey)
    with pytest.raises(Malformed) as refused:
        read_card(signed(b"keepclear.card.v1\n" + msgspec.json.encode(Card(node=node)) + b"\n"))
    assert refused.value.field == "card.node.key"

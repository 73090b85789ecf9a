"""Who holds responsibility for a group. Only an offer and its acceptance move it; an assertion moves nothing (S10).

If nobody is known to hold it, whoever says that it does may offer it; once a holder is known, only the holder may.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from keepclear.line.message import Message
from keepclear.line.state import State, Thread
from keepclear.model import acts as a


class Move(NamedTuple):
    """An acceptance that took effect."""

    order: tuple[datetime, str, int]
    at: datetime
    holder: str
    offer: str
    acceptance: str


def offers(state: State, group: str) -> list[Thread]:
    """The threads of real offers of a group, in the order all nodes find alike."""
    threads = [state.threads[thread_id] for thread_id in state.responsibility.get(group, ())]
    real = [t for t in threads if isinstance(t.opener.act, a.ResponsibilityOffer) and not t.exercise]
    return sorted(real, key=lambda thread: thread.opener.order)


def assertions(state: State, group: str) -> list[Message]:
    """What was asserted of a group, in the order all nodes find alike."""
    openers = [state.threads[thread_id].opener for thread_id in state.responsibility.get(group, ())]
    real = [m for m in openers if isinstance(m.act, a.ResponsibilityAssertion) and not m.exercise]
    return sorted(real, key=lambda message: message.order)


def answer_to(thread: Thread) -> tuple[Message, a.ResponsibilityAnswer] | None:
    """The first answer of the party an offer was made to."""
    for message, act in thread.of(a.ResponsibilityAnswer):
        if message.author in thread.to and message.exercise == thread.exercise:
            return message, act
    return None


def moves(state: State, group: str) -> list[Move]:
    """How responsibility moved: each accepted offer whose author held it, or that nobody held before."""
    accepted: list[tuple[Message, Thread]] = []
    for thread in offers(state, group):
        answer = answer_to(thread)
        if answer is not None and answer[1].accepts:
            accepted.append((answer[0], thread))
    accepted.sort(key=lambda pair: pair[0].order)
    made: list[Move] = []
    for message, thread in accepted:
        if not made or made[-1].holder == thread.author:
            made.append(Move(message.order, message.at, message.author, thread.id, message.id))
    return made


def holder(state: State, group: str, at: datetime | None = None) -> Move | None:
    """The move by which the holder (at a moment, or now) came to hold a group; None if nobody ever accepted it."""
    made = [move for move in moves(state, group) if at is None or move.at <= at]
    return made[-1] if made else None


def offer_objection(state: State, message: Message, act: a.ResponsibilityOffer) -> str | None:
    """`not_holder` if somebody else held the group when it was offered (or when the offer was accepted)."""
    made = moves(state, act.group)
    if any(move.offer == message.id for move in made):
        return None
    thread = state.threads.get(message.id)
    answer = None if thread is None else answer_to(thread)
    order = answer[0].order if answer is not None and answer[1].accepts else message.order
    before = [move for move in made if move.order < order]
    return "not_holder" if before and before[-1].holder != message.author else None

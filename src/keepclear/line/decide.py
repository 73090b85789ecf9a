"""Whether an act may be kept. It looks; it changes nothing.

`decide` holds two standards. What a peer has signed is evidence: it is kept unless it cannot be placed (unknown line or
author, a gap or a fork in the author's chain, not readable, dated days ahead), and if it breaks the rules of procedure
it is kept without effect. What a party's own node signs for it is held to all rules: a mistake is cheaper to refuse
than to take back.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any

from keepclear.errors import Forged, Forked, Malformed, NotNow, OutOfOrder, Refused
from keepclear.line.clearing import not_listed
from keepclear.line.line_check import suspended_since
from keepclear.line.message import Message
from keepclear.line.procedure import cancelled_by, first, objection
from keepclear.line.receipts import way
from keepclear.line.sound import check_names, check_sound
from keepclear.line.standing import standing
from keepclear.line.state import State, Thread
from keepclear.line.timings import CLOCK_REFUSED, CLOCK_TOLERANCE
from keepclear.model import acts as a
from keepclear.model.parties import NodeCard

ON_A_SUSPENDED_LINE = (
    a.DangerCall,
    a.Take,
    a.Close,
    a.Resume,
    a.Receipt,
    a.PublishStatement,
    a.LineCheck,
    a.LineCheckAnswer,
)
"""What a member may still say on a line that it has suspended."""

MEMBERS_ONLY = (a.Notice, a.ClearRequest, a.Proposal, a.DangerCall)

OBJECTION_WORDS = {
    "already_answered": "this offer was already answered",
    "already_closed": "this call is already closed",
    "already_given_back": "the airspace was already given back",
    "already_taken": "somebody already took this call",
    "cancelled": "this was already cancelled",
    "exercise_mixed": "an exercise and what is real are kept apart",
    "node_may_not": "this is for a party to say, not for its node",
    "not_addressed": "this was not addressed to the author",
    "not_author": "only who opened this may say so",
    "not_holder": "another party holds responsibility for this group",
    "not_suspended": "the author has not suspended this line",
    "only_own_node": "only a node says this, on its own line",
    "other_line": "the act spoken of is on another line",
    "too_many": "the author has declared as many of these as a line takes",
    "unknown_act": "no such act is known here",
    "wrong_matter": "this cannot be said of such an act",
}


def decide(state: State, message: Message, now: datetime, *, own: bool) -> None:
    """Refuse an act, or return. `own` is True for acts of an author hosted here, about to be signed.

    Raises Malformed (not sound), Forged (the author is unknown or not on the line), OutOfOrder (the author's chain has
    a gap before it), Forked (its place is taken by another act), Refused `already_kept` (it is held already), Refused
    `clock` (dated more than two days ahead; for one's own, five seconds), NotNow (own acts only: the rules do not
    allow it in this state). Signatures are checked before, by whoever holds the bytes.
    """
    _place(state, message)
    _chain(state, message)
    limit = CLOCK_TOLERANCE if own else CLOCK_REFUSED
    if message.said_at - now > limit:
        ahead = (message.said_at - now).total_seconds()
        raise Refused("the act is dated too far ahead of this node's clock", field="said", code="clock", ahead_s=ahead)
    check_sound(message.act)
    _registers(state, message)
    if own:
        _own(state, message, now)


def _place(state: State, message: Message) -> None:
    if message.line not in state.lines:
        raise Malformed("this line is not open here", field="line", code="unknown_line", line=message.line)
    first_word = isinstance(message.act, a.Enrol) and not state.nodes and message.author == state.node_id
    if not first_word and state.key_of(message.author) is None:
        raise Forged("the author is not enrolled here", field="author", code="unknown_author", author=message.author)
    if not first_word and not state.may_speak(message.line, message.author):
        raise Forged("the author is not on this line", field="author", code="not_a_member", author=message.author)


def _chain(state: State, message: Message) -> None:
    if message.id in state.acts:
        raise Refused("this act is already kept", code="already_kept", index=state.acts[message.id].index)
    chain = state.chain(message.line, message.author)
    if message.seq > chain.seq + 1:
        raise OutOfOrder("an act of this author that comes before is missing here", need_seq=chain.seq + 1)
    if message.seq <= chain.seq:
        raise _forked(message, "seq", held=chain.ids[message.seq - 1])
    if message.prev != chain.last:
        raise _forked(message, "prev", held=chain.last)


def _forked(message: Message, field: str, held: str) -> Forked:
    return Forked(
        f"{message.author} has said something else here before",
        field=field,
        line=message.line,
        author=message.author,
        seq=message.seq,
        held=held,
        offered=message.id,
    )


def _registers(state: State, message: Message) -> None:
    """Who is here is never changed by a mistake or from outside."""
    act = message.act
    if not isinstance(act, a.Enrol | a.OpenLine | a.UtmChange | a.UtmExchange | a.Attachment):
        return
    if message.author != state.node_id or message.line != state.own_line:
        raise Forged("only a node says this, on its own line", field="line", code="only_own_node")
    if message.exercise:
        raise Malformed("what a node says of itself is not for an exercise", field="exercise", code="exercise_mixed")
    if isinstance(act, a.Enrol):
        _enrol(state, act.node)
    elif isinstance(act, a.OpenLine):
        _open_line(state, act)


def _enrol(state: State, node: NodeCard) -> None:
    known = state.nodes.get(node.id)
    if not state.nodes and node.id != state.node_id:
        raise NotNow("a node enrols itself first", field="act.node.id", code="not_enrolled")
    if known is not None and known.key != node.key:
        raise NotNow("this node is enrolled with another key", field="act.node.key", code="key_differs", id=node.id)
    if node.id in state.parties:
        raise NotNow("a party is enrolled under this id", field="act.node.id", code="id_taken", id=node.id)
    for number, party in enumerate(node.parties):
        field = f"act.node.parties[{number}]"
        if party.id in state.nodes or state.home.get(party.id, node.id) != node.id:
            raise NotNow("this id is taken", field=f"{field}.id", code="id_taken", id=party.id)
        if party.id in state.parties and state.parties[party.id].key != party.key:
            raise NotNow(
                "this party is enrolled with another key", field=f"{field}.key", code="key_differs", id=party.id
            )
    if known is not None:
        kept = {party.id for party in node.parties}
        for party in known.parties:
            if party.id not in kept:
                raise NotNow(
                    "an enrolled party cannot be left out", field="act.node.parties", code="party_missing", id=party.id
                )


def _open_line(state: State, act: a.OpenLine) -> None:
    card = act.line
    if card.id.startswith("own."):
        raise Malformed("own lines are there by themselves", field="act.line.id", code="own_line")
    for number, member in enumerate(card.members):
        if member not in state.parties:
            raise NotNow(
                "this party is not enrolled here", field=f"act.line.members[{number}]", code="unknown_party", id=member
            )
    if not any(state.is_hosted(member) for member in card.members):
        raise NotNow("no party hosted here is on this line", field="act.line.members", code="not_a_member")
    if card.id in state.lines and state.lines[card.id].card != card:
        raise NotNow("this line is open on other terms", field="act.line.id", code="line_exists", line=card.id)


# ── what a party's own node will not say for it ──────────────────────────────────────────────────────────────────────


def _own(state: State, message: Message, now: datetime) -> None:
    act = message.act
    if not state.is_hosted(message.author) and state.nodes:
        raise Forged(
            "this node does not speak for the author", field="author", code="not_hosted", author=message.author
        )
    found = objection(state, message)
    if found == "unknown_act":
        raise Malformed(OBJECTION_WORDS[found], field="act.re", code=found)
    if found is not None and found != "exercise":
        raise NotNow(OBJECTION_WORDS[found], field="act.re" if hasattr(act, "re") else "act", code=found)
    suspended = suspended_since(state, message.line, message.author)
    if suspended is not None and not message.exercise and not isinstance(act, ON_A_SUSPENDED_LINE):
        raise NotNow("the author has suspended this line", field="line", code="suspended", since=suspended.isoformat())
    _addressees(state, message)
    check_names(act)
    re = getattr(act, "re", None)
    thread = state.thread_for(re) if re is not None else None
    rule = _OWN_RULES.get(type(act))
    if rule is not None:
        rule(state, message, act, thread, now)


def _addressees(state: State, message: Message) -> None:
    act = message.act
    to = (act.to,) if isinstance(act, a.ResponsibilityOffer) else act.to if isinstance(act, MEMBERS_ONLY) else ()
    for number, party in enumerate(to):
        field = "act.to" if isinstance(act, a.ResponsibilityOffer) else f"act.to[{number}]"
        if party not in state.members(message.line):
            raise Malformed("this party is not on the line", field=field, code="addressee_not_on_line", party=party)
        if party == message.author and message.line != state.own_line:
            raise Malformed("an act is not addressed to its author", field=field, code="addressed_to_self")
    if len(set(to)) != len(to):
        raise Malformed("a party is named twice", field="act.to", code="addressee_twice")


def _over(state: State, thread: Thread, now: datetime, *ended: str) -> None:
    status = standing(state, thread, now).status
    if status in ended:
        raise NotNow(f"this matter is over: {status}", field="act.re", code="over", status=status)


def _notice(state: State, message: Message, act: a.Notice, thread: Thread | None, now: datetime) -> None:
    if act.plan.window.ends_at <= now:
        raise NotNow("the plan's time is over", field="act.plan.window.ends_at", code="in_the_past")
    for thread_id in state.plan_threads.get(act.plan.id, ()):
        other = state.threads[thread_id]
        if other.exercise != message.exercise or other.author != message.author:
            continue
        if other.line == message.line and standing(state, other, now).status in ("announced", "received"):
            raise NotNow("this plan is in force; correct it instead", field="act.plan.id", code="plan_in_force")


def _correction(state: State, message: Message, act: a.Correction, thread: Thread | None, now: datetime) -> None:
    if thread is not None and isinstance(thread.opener.act, a.Notice):
        _over(state, thread, now, "ended")
        if act.plan.id != thread.opener.act.plan.id:
            raise Malformed("a correction keeps the plan's id", field="act.plan.id", code="plan_differs")
        if act.plan.window.ends_at <= now:
            raise NotNow("the plan's time is over", field="act.plan.window.ends_at", code="in_the_past")


def _cancel(state: State, message: Message, act: a.Cancel, thread: Thread | None, now: datetime) -> None:
    if thread is not None:
        _over(state, thread, now, "ended", "expired", "given_back")


def _read_back(state: State, message: Message, act: a.ReadBack, thread: Thread | None, now: datetime) -> None:
    if thread is not None:
        _over(state, thread, now, "cancelled", "ended")


def _receipt(state: State, message: Message, act: a.Receipt, thread: Thread | None, now: datetime) -> None:
    if thread is None or thread.kind != "notice" or act.hop is not a.Hop.ACKNOWLEDGED:
        return
    if not way(state, thread, message.author).received:
        raise NotNow("a notice is read back rightly before it is acknowledged", field="act.hop", code="not_received")


def _answer(state: State, message: Message, act: a.Answer, thread: Thread | None, now: datetime) -> None:
    if thread is not None:
        _over(state, thread, now, "cancelled", "given_back", "expired")


def _clear_request(state: State, message: Message, act: a.ClearRequest, thread: Thread | None, now: datetime) -> None:
    if act.volume.window.ends_at <= now:
        raise NotNow("the time asked for is over", field="act.volume.window.ends_at", code="in_the_past")
    if act.answer_by <= now:
        raise NotNow("there is no time left to answer", field="act.answer_by", code="in_the_past")


def _proposal(state: State, message: Message, act: a.Proposal, thread: Thread | None, now: datetime) -> None:
    if act.answer_by <= now:
        raise NotNow("there is no time left to answer", field="act.answer_by", code="in_the_past")


def _done(state: State, message: Message, act: a.Done, thread: Thread | None, now: datetime) -> None:
    if thread is None:
        return
    _over(state, thread, now, "cancelled", "given_back")
    answers = [reply for each, reply in thread.of(a.Answer) if each.author == message.author]
    if not any(reply.reply in (a.Reply.WILL_COMPLY, a.Reply.WITH_CONDITIONS) for reply in answers):
        raise NotNow("the author has not said that it will comply", field="act.re", code="not_agreed")
    if act.reported_clear_at > now + CLOCK_TOLERANCE:
        raise NotNow("what has not happened cannot be reported", field="act.reported_clear_at", code="in_the_future")
    missing = not_listed(state, thread, message.author, act, now)
    if missing:
        raise NotNow(
            "every affected aircraft must be listed, with where it was at T0",
            field="act.residual",
            code="residual_incomplete",
            missing=", ".join(missing),
        )


def _take(state: State, message: Message, act: a.Take, thread: Thread | None, now: datetime) -> None:
    if thread is not None:
        _over(state, thread, now, "closed")


def _close(state: State, message: Message, act: a.Close, thread: Thread | None, now: datetime) -> None:
    if thread is not None and message.author != thread.author and first(state, thread, a.Take) is None:
        raise NotNow("nobody has taken this call yet", field="act.re", code="not_taken")


def _give_back(state: State, message: Message, act: a.GiveBack, thread: Thread | None, now: datetime) -> None:
    if thread is not None and cancelled_by(state, thread) is not None:
        raise NotNow("this request was cancelled", field="act.re", code="cancelled")


def _suspend(state: State, message: Message, act: a.Suspend, thread: Thread | None, now: datetime) -> None:
    if message.line == state.own_line:
        raise NotNow("a node's own line cannot be suspended", field="line", code="own_line")


_OWN_RULES: dict[type, Callable[[State, Message, Any, Thread | None, datetime], None]] = {
    a.Notice: _notice,
    a.Correction: _correction,
    a.Cancel: _cancel,
    a.ReadBack: _read_back,
    a.Receipt: _receipt,
    a.Answer: _answer,
    a.ClearRequest: _clear_request,
    a.Proposal: _proposal,
    a.Done: _done,
    a.Take: _take,
    a.Close: _close,
    a.GiveBack: _give_back,
    a.Suspend: _suspend,
}

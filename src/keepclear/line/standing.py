"""How a matter stands: one word, since when, and for whom it waits. A function of the facts of its thread and of `now`.

notice           announced, received (read back rightly by all addressed), ended (its time is over), cancelled
clear_request    waiting, answered, refused (all said that they cannot), reported_clear (all that did not refuse
                 have reported), given_back, expired (its time is over, not given back), cancelled
proposal         waiting, answered, cancelled
danger_call      calling, taken, closed
agreement        stated, consented (by every named party that is on the line)
responsibility   offered, accepted, declined; asserted
statement        filed
leg_blocked      reported
line             suspended, resumed
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import NamedTuple

from keepclear.line.message import Message
from keepclear.line.procedure import cancelled_by, first, objection
from keepclear.line.receipts import in_force, plan_of, received_by_all
from keepclear.line.state import State, Thread
from keepclear.model import acts as a

STATUSES: dict[str, tuple[str, ...]] = {
    "notice": ("announced", "received", "ended", "cancelled"),
    "clear_request": (
        "waiting",
        "answered",
        "refused",
        "reported_clear",
        "given_back",
        "expired",
        "cancelled",
    ),
    "proposal": ("waiting", "answered", "cancelled"),
    "danger_call": ("calling", "taken", "closed"),
    "agreement": ("stated", "consented"),
    "responsibility": ("offered", "accepted", "declined", "asserted"),
    "statement": ("filed",),
    "leg_blocked": ("reported",),
    "line": ("suspended", "resumed"),
}


class Standing(NamedTuple):
    """How a matter stands.

    `since` is when that began. While it waits for an answer: for whom, since when, until when, and whether that is
    over. `changes_at` is when time alone will next change any of this.
    """

    status: str
    since: datetime
    waiting_for: tuple[str, ...] = ()
    waiting_since: datetime | None = None
    due_at: datetime | None = None
    overdue: bool = False
    changes_at: datetime | None = None


def standing(state: State, thread: Thread, now: datetime) -> Standing:
    """How a thread stands at `now`."""
    return _BY_KIND[thread.kind](state, thread, now)


def last_by_party(state: State, thread: Thread, kind: type[a.Answer] | type[a.Done]) -> dict[str, Message]:
    """Of each addressed party its last answer, or report that it is done, that took effect; in the order of `to`."""
    last: dict[str, Message] = {}
    for message, _ in thread.of(kind):
        if objection(state, message) is None:
            before = last.get(message.author)
            if before is None or before.seq < message.seq:
                last[message.author] = message
    return {party: last[party] for party in thread.to if party in last}


def reply_of(message: Message) -> a.Reply | None:
    """The reply an answer gives."""
    return message.act.reply if isinstance(message.act, a.Answer) else None


def _notice(state: State, thread: Thread, now: datetime) -> Standing:
    cancel = cancelled_by(state, thread)
    if cancel is not None:
        return Standing("cancelled", cancel.at)
    current = in_force(state, thread)
    plan = plan_of(current)
    ends_at = None if plan is None else plan.window.ends_at
    if ends_at is not None and now >= ends_at:
        return Standing("ended", ends_at)
    received = received_by_all(state, thread)
    if received is not None:
        return Standing("received", received, changes_at=ends_at)
    return Standing("announced", current.at, changes_at=ends_at)


def _clear_request(state: State, thread: Thread, now: datetime) -> Standing:
    act = thread.opener.act
    if not isinstance(act, a.ClearRequest):
        raise TypeError(thread.kind)
    cancel = cancelled_by(state, thread)
    if cancel is not None:
        return Standing("cancelled", cancel.at)
    given_back = first(state, thread, a.GiveBack)
    if given_back is not None:
        return Standing("given_back", given_back.at)
    answers = last_by_party(state, thread, a.Answer)
    done = last_by_party(state, thread, a.Done)
    if answers and all(reply_of(answers[p]) is a.Reply.CANNOT if p in answers else False for p in thread.to):
        return Standing("refused", max(message.at for message in answers.values()))
    ends_at = act.volume.window.ends_at
    if now >= ends_at:
        return Standing("expired", ends_at)
    waiting = _waiting(thread, answers, done, act.answer_by, now, ends_at)
    if waiting is not None:
        return waiting
    clearing = [party for party in thread.to if party in done or reply_of(answers[party]) is not a.Reply.CANNOT]
    if all(party in done for party in clearing):
        return Standing("reported_clear", max(done[party].at for party in clearing), changes_at=ends_at)
    return Standing("answered", max(message.at for message in answers.values()), changes_at=ends_at)


def _proposal(state: State, thread: Thread, now: datetime) -> Standing:
    act = thread.opener.act
    if not isinstance(act, a.Proposal):
        raise TypeError(thread.kind)
    cancel = cancelled_by(state, thread)
    if cancel is not None:
        return Standing("cancelled", cancel.at)
    answers = last_by_party(state, thread, a.Answer)
    waiting = _waiting(thread, answers, {}, act.answer_by, now, None)
    return waiting or Standing("answered", max(message.at for message in answers.values()))


def _waiting(
    thread: Thread,
    answers: dict[str, Message],
    done: dict[str, Message],
    due_at: datetime,
    now: datetime,
    ends_at: datetime | None,
) -> Standing | None:
    silent = tuple(party for party in thread.to if party not in answers and party not in done)
    if not silent:
        return None
    overdue = now > due_at
    return Standing(
        "waiting",
        thread.opener.at,
        waiting_for=silent,
        waiting_since=thread.opener.at,
        due_at=due_at,
        overdue=overdue,
        changes_at=ends_at if overdue else due_at if ends_at is None else min(due_at, ends_at),
    )


def _danger_call(state: State, thread: Thread, now: datetime) -> Standing:
    closed = first(state, thread, a.Close)
    if closed is not None:
        return Standing("closed", closed.at)
    taken = first(state, thread, a.Take)
    if taken is not None:
        return Standing("taken", taken.at)
    return Standing("calling", thread.opener.at, waiting_for=thread.to, waiting_since=thread.opener.at)


def _agreement(state: State, thread: Thread, now: datetime) -> Standing:
    act = thread.opener.act
    if not isinstance(act, a.Agreement):
        raise TypeError(thread.kind)
    last: dict[str, tuple[Message, bool]] = {}
    for message, consent in thread.of(a.Consent):
        if objection(state, message) is None and (
            message.author not in last or last[message.author][0].seq < message.seq
        ):
            last[message.author] = (message, consent.consents)
    named = [party for party in act.parties if party in state.members(thread.line)]
    if named and all(party in last and last[party][1] for party in named):
        return Standing("consented", max(last[party][0].at for party in named))
    return Standing("stated", thread.opener.at)


def _responsibility(state: State, thread: Thread, now: datetime) -> Standing:
    if isinstance(thread.opener.act, a.ResponsibilityAssertion):
        return Standing("asserted", thread.opener.at)
    for message, answer in thread.of(a.ResponsibilityAnswer):
        if objection(state, message) is None:
            return Standing("accepted" if answer.accepts else "declined", message.at)
    return Standing("offered", thread.opener.at)


def _statement(state: State, thread: Thread, now: datetime) -> Standing:
    return Standing("filed", thread.opener.at)


def _leg_blocked(state: State, thread: Thread, now: datetime) -> Standing:
    return Standing("reported", thread.opener.at)


def _line(state: State, thread: Thread, now: datetime) -> Standing:
    suspensions = state.lines[thread.line].suspensions.get(thread.author, [])
    resumed = thread.of(a.Resume)
    if resumed:
        return Standing("resumed", resumed[0][0].at)
    if thread.exercise or not suspensions or suspensions[-1] == thread.id:
        return Standing("suspended", thread.opener.at)
    later = state.threads[suspensions[suspensions.index(thread.id) + 1]]
    return Standing("resumed", later.opener.at)


_BY_KIND: dict[str, Callable[[State, Thread, datetime], Standing]] = {
    "notice": _notice,
    "clear_request": _clear_request,
    "proposal": _proposal,
    "danger_call": _danger_call,
    "agreement": _agreement,
    "responsibility": _responsibility,
    "statement": _statement,
    "leg_blocked": _leg_blocked,
    "line": _line,
}

"""Which acts take effect. What breaks the rules below is on record, and changes nothing.

A rule speaks of facts only (who opened the thread, to whom, what else was said), never of when this node heard of
them, so all nodes that hold the same acts find the same acts without effect. What a party's own node refuses to say
for it is stricter: see `keepclear.line.decide`.
"""

from __future__ import annotations

from typing import NamedTuple

from keepclear.line.groups import too_many
from keepclear.line.message import Message
from keepclear.line.responsibility import offer_objection
from keepclear.line.state import State, Thread
from keepclear.model import acts as a

AUTHOR = "author"
ADDRESSED = "addressed"
EITHER = "author or addressed"
ANYBODY = "anybody"

MOST_BOUNDARIES = 20
"""Of one party: each is held against every group."""
MOST_DESKS = 20
"""How many desks a party may show on one line; a roster beyond them has no effect."""


class Rule(NamedTuple):
    """Of which kinds of thread an act may speak, and who may say it."""

    kinds: tuple[str, ...]
    who: str


RULES: dict[type, Rule] = {
    a.ReadBack: Rule(("notice",), ADDRESSED),
    a.Correction: Rule(("notice",), AUTHOR),
    a.Cancel: Rule(("notice", "clear_request", "proposal"), AUTHOR),
    a.Receipt: Rule(("notice", "clear_request", "proposal", "danger_call", "responsibility"), ADDRESSED),
    a.Answer: Rule(("clear_request", "proposal"), ADDRESSED),
    a.Done: Rule(("clear_request",), ADDRESSED),
    a.GiveBack: Rule(("clear_request",), AUTHOR),
    a.Take: Rule(("danger_call",), ADDRESSED),
    a.Close: Rule(("danger_call",), EITHER),
    a.Consent: Rule(("agreement",), ANYBODY),
    a.ResponsibilityAnswer: Rule(("responsibility",), ADDRESSED),
}

NODE_ALONE = (a.Enrol, a.OpenLine, a.Noticed, a.UtmChange, a.UtmExchange, a.Attachment)
"""What only a node says, of itself, on its own line."""
ALSO_NODE = (a.Receipt, a.LineCheck, a.LineCheckAnswer)
"""What a node may say on a line in place of its parties; of receipts, only that it was delivered."""

OBJECTIONS = (
    "already_answered",
    "already_closed",
    "already_given_back",
    "already_taken",
    "cancelled",
    "exercise",
    "exercise_mixed",
    "node_may_not",
    "not_addressed",
    "not_author",
    "not_holder",
    "not_suspended",
    "only_own_node",
    "other_line",
    "too_many",
    "unknown_act",
    "wrong_matter",
)
"""Every code `objection` can give."""


def objection(state: State, message: Message) -> str | None:
    """Why an act has no effect (one of `OBJECTIONS`), or None if it has. Works for acts not yet kept, too."""
    act = message.act
    found = _speaker(state, message, act)
    if found is not None:
        return found
    re = getattr(act, "re", None)
    if re is not None:
        return _about(state, message, act, re)
    if isinstance(act, a.ResponsibilityOffer) and not message.exercise:
        return offer_objection(state, message, act)
    if isinstance(act, a.DeclareGroup) and not message.exercise:
        return "too_many" if too_many(state, message, act.group.id) else None
    if isinstance(act, a.Roster) and not message.exercise:
        return "too_many" if too_many_desks(state, message, act.desk.id) else None
    if isinstance(act, a.DeclareBoundary) and not message.exercise:
        return "too_many" if too_many_boundaries(state, message, act.boundary.id) else None
    if isinstance(act, a.Resume) and message.id not in state.thread_of:
        suspensions = state.lines[message.line].suspensions.get(message.author, [])
        open_ = suspensions and not state.threads[suspensions[-1]].of(a.Resume)
        return None if open_ and message.id not in state.acts else "not_suspended"
    if message.exercise and not isinstance(act, tuple(OPENERS)):
        return "exercise"
    return None


OPENERS = (
    a.Notice,
    a.ClearRequest,
    a.Proposal,
    a.DangerCall,
    a.Agreement,
    a.ResponsibilityOffer,
    a.ResponsibilityAssertion,
    a.PublishStatement,
    a.LegBlocked,
    a.Suspend,
)


def too_many_desks(state: State, message: Message, desk: str) -> bool:
    """Whether a roster is of one more desk than a party may show on a line."""
    shown = state.rosters.get((message.line, message.author), {})
    return desk not in shown and len(shown) >= MOST_DESKS


def too_many_boundaries(state: State, message: Message, boundary: str) -> bool:
    """Whether a boundary is one more than a party may draw."""
    own = (versions.get(message.author) for versions in state.boundaries.values())
    drawn = {each.act.boundary.id for each in own if each is not None and isinstance(each.act, a.DeclareBoundary)}
    return boundary not in drawn and len(drawn) >= MOST_BOUNDARIES


def cancelled_by(state: State, thread: Thread) -> Message | None:
    """The author's first cancel of a notice, request or proposal."""
    cancels = [message for message, _ in thread.of(a.Cancel) if _static(state, thread, message) is None]
    return min(cancels, key=lambda message: message.seq, default=None)


def first(state: State, thread: Thread, kind: type) -> Message | None:
    """The first act of a kind that was properly said on a thread, in the order all nodes find alike."""
    for message, _ in thread.of(kind):
        if _static(state, thread, message) is None:
            return message
    return None


def _speaker(state: State, message: Message, act: a.Act) -> str | None:
    if isinstance(act, NODE_ALONE):
        own = message.author == state.node_id and message.line == state.own_line
        return None if own else "only_own_node"
    if message.author in state.nodes and not isinstance(act, ALSO_NODE):
        return "node_may_not"
    return None


def _about(state: State, message: Message, act: a.Act, re: str) -> str | None:
    referred = state.acts.get(re)
    if referred is None:
        return "unknown_act"
    if referred.line != message.line:
        return "other_line"
    if isinstance(act, a.LineCheckAnswer):
        if not isinstance(referred.act, a.LineCheck):
            return "wrong_matter"
        return "exercise_mixed" if message.exercise != referred.exercise else None
    if isinstance(act, a.Remark):
        return None
    thread = state.thread_for(re)
    if thread is None:
        return "unknown_act" if _is_waiting(state, referred) else "wrong_matter"
    found = _static(state, thread, message)
    return found if found is not None else _in_thread(state, thread, message, act)


def _is_waiting(state: State, message: Message) -> bool:
    """Whether an act refers, itself or through others, to one not yet heard."""
    re = getattr(message.act, "re", None)
    while re is not None and re in state.acts:
        re = getattr(state.acts[re].act, "re", None)
    return re is not None


def _static(state: State, thread: Thread, message: Message) -> str | None:
    """What is wrong with an act whatever else is said on the thread."""
    act = message.act
    rule = RULES[type(act)]
    if message.exercise != thread.exercise:
        return "exercise_mixed"
    if thread.kind not in rule.kinds or (thread.kind == "responsibility" and not thread.to):
        return "wrong_matter"
    if rule.who == AUTHOR:
        return None if message.author == thread.author else "not_author"
    if rule.who == ANYBODY:
        return None
    if message.author in state.nodes:
        # only receipts get here: a node confirms delivery to the parties it speaks for
        delivered = isinstance(act, a.Receipt) and act.hop is a.Hop.DELIVERED
        if not delivered:
            return "node_may_not"
        return None if any(state.home.get(party) == message.author for party in thread.to) else "not_addressed"
    if message.author in thread.to or (rule.who == EITHER and message.author == thread.author):
        return None
    return "not_addressed"


def _in_thread(state: State, thread: Thread, message: Message, act: a.Act) -> str | None:
    """What is wrong with an act because of what else was said on the thread."""
    if isinstance(act, a.Correction | a.Cancel):
        cancel = cancelled_by(state, thread)
        return "cancelled" if cancel is not None and cancel.seq < message.seq else None
    for kind, code in (
        (a.Take, "already_taken"),
        (a.Close, "already_closed"),
        (a.GiveBack, "already_given_back"),
        (a.ResponsibilityAnswer, "already_answered"),
    ):
        if isinstance(act, kind):
            earliest = first(state, thread, kind)
            if earliest is not None and earliest.id != message.id:
                return code
    if isinstance(act, a.ResponsibilityAnswer) and isinstance(thread.opener.act, a.ResponsibilityOffer):
        return offer_objection(state, thread.opener, thread.opener.act)
    return None

"""Who may know what of a node's record: the lines a party is on, and its own part of the node's own line."""

from __future__ import annotations

from keepclear.line.apply import apply
from keepclear.line.message import Message
from keepclear.line.state import State
from keepclear.model import acts as a


def sees(state: State, party: str, message: Message) -> bool:
    """Whether a hosted party could know an act: it is on a line the party is on, or is the party's or the node's.

    Acts of other parties on the own line stay theirs, and so does a finding that rests on any act the party may not
    know. The UTM ledger is the node's alone; what of it concerns a line is told there as plans.
    """
    if message.line != state.own_line:
        return party in state.members(message.line)
    if message.author not in (party, state.node_id):
        return False
    if isinstance(message.act, a.UtmChange | a.UtmExchange | a.Attachment):
        return False
    if isinstance(message.act, a.Noticed):
        finding = message.act.finding
        told = [*finding.evidence, *([finding.thread] if finding.thread else [])]
        return all(act_id in state.acts and sees(state, party, state.acts[act_id]) for act_id in told)
    return True


def as_seen_by(state: State, party: str | None) -> State:
    """The state as a hosted party knows it (the state itself for None). KeyError if this node does not host the party.

    Where a node hosts several parties each has a share, kept beside the whole and brought up to date at each call, so
    asking again costs only what is new.
    """
    if party is None or party == state.party:
        return state
    hosted = state.hosted()
    if state.party is not None or party not in hosted:
        raise KeyError(party)
    if len(hosted) == 1:
        return state
    share = state.shares.get(party)
    if share is None:
        share = state.shares[party] = State(state.node_id, party)
    for message in state.log[share.taken_in :]:
        if sees(state, party, message):
            apply(share, message)
    share.taken_in = len(state.log)
    return share

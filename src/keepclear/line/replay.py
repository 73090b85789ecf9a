"""Who knew what when (B2): the state folded up to a moment of the record, as the node or a party it hosts knew it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from keepclear.line.apply import apply
from keepclear.line.disclosure import as_seen_by
from keepclear.line.line_check import recorded
from keepclear.line.message import Message, kept, read_message
from keepclear.line.state import State
from keepclear.record.entry import Entry
from keepclear.record.envelope import parse


def replay(
    entries: Iterable[Entry | Message],
    node_id: str,
    *,
    until: datetime | None = None,
    party: str | None = None,
) -> State:
    """Fold a node's record, given in order: all of it, or what was recorded up to and including `until`.

    With `party`, only what that hosted party could know: acts on lines it is on, its own and its node's on the node's
    own line. KeyError if the node did not host the party by then. Signatures are not looked at.
    """
    state = State(node_id)
    for entry in entries:
        message = entry if isinstance(entry, Message) else _read(entry)
        if until is not None and recorded(message) > until:
            break
        apply(state, message)
    return as_seen_by(state, party)


def _read(entry: Entry) -> Message:
    return kept(read_message(parse(entry.envelope)), entry.index, entry.recorded_at)

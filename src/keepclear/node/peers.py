"""What a node answers to its peers: plain functions from bytes to bytes, so that a server only routes them.

Nothing is answered but to an enrolled node that signed its request, naming this one; to anybody else the answer is the
same, whatever is wrong. Every act of a *push* stands on its author's signature besides; it is answered act by act, when
those taken are on disk. A *pull* holds for a minute, each once, and shows only what was said on lines its asker is on;
the same request asks for the *checkpoint*.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

from keepclear.errors import Forged, KeepclearError, Malformed, Refused
from keepclear.node.exchange import (
    MAX_ACTS,
    MAX_BATCH_BYTES,
    MAX_PULL_BYTES,
    MAX_PUSH_BYTES,
    CheckpointReply,
    PullReply,
    PullRequest,
    Push,
    PushReply,
    PushResult,
    Trouble,
    open_pull,
    open_push,
    peek_pull,
    peek_push,
    trouble_of,
    write,
)
from keepclear.node.outbox import shared_chains
from keepclear.record import VerifierKey

if TYPE_CHECKING:
    from keepclear.node.node import Node

PULL_HOLDS = timedelta(seconds=60)


async def handle_push(node: Node, body: bytes) -> bytes:
    """The answer to a push. What is wrong with it is said in the answer; nothing is raised."""
    try:
        sender, push = _read_push(node, body)
        node.heard_checkpoint(sender, push.checkpoint)
    except Refused as error:
        return write(PushReply(trouble=_trouble(error)))
    taken = await node.take_in(push.acts, sender)
    node.heard_from(sender)
    return write(PushReply(results=tuple(_result(outcome) for outcome in taken)))


async def handle_pull(node: Node, body: bytes) -> bytes:
    """The answer to a pull. What is wrong with it is said in the answer; nothing is raised."""
    try:
        request = _read_pull(node, body)
    except Refused as error:
        return write(PullReply(trouble=_trouble(error)))
    node.asked_by(request.asker)
    state = node.state
    have = {(item.line, item.author): item.seq for item in request.have}
    wanted: list[int] = []
    for chain in shared_chains(state, request.asker):
        ids = state.chain(*chain).ids
        wanted += [state.acts[act_id].index for act_id in ids[have.get(chain, 0) :][: MAX_ACTS + 1]]
    wanted.sort()
    acts: list[bytes] = []
    total = 0
    for index in wanted[:MAX_ACTS]:
        raw = (await node.aside(partial(node.store.row, index))).envelope
        total += len(raw)
        if acts and total > MAX_BATCH_BYTES:
            break
        acts.append(raw)
    return write(PullReply(acts=tuple(acts), more=len(acts) < len(wanted)))


async def handle_checkpoint(node: Node, body: bytes) -> bytes:
    """The answer to a signed ask for this node's checkpoint. What is wrong with it is said in the answer."""
    try:
        _read_pull(node, body)
    except Refused as error:
        return write(CheckpointReply(trouble=_trouble(error)))
    return write(CheckpointReply(checkpoint=node.checkpoint()))


def key_of_peer(node: Node, peer: str) -> VerifierKey:
    """The key of an enrolled peer; Forged (`unknown_node`) if there is none."""
    card = node.state.nodes.get(peer)
    if card is None or peer == node.id:
        raise _not_a_peer()
    return VerifierKey.from_vkey(card.key)


class PullsSeen:
    """The pulls of the last minutes, so that each is answered once. In memory: a pull holds for a minute anyway."""

    def __init__(self) -> None:
        self._seen: dict[tuple[str, str], datetime] = {}

    def take(self, request: PullRequest, now: datetime) -> None:
        """Forged unless the request is of this minute and was not seen before."""
        if abs(now - request.at) > PULL_HOLDS:
            raise Forged("the request is too old, or from the future", field="at", code="stale")
        # What is forgotten here is refused as stale by then.
        self._seen = {key: at for key, at in self._seen.items() if abs(now - at) <= 2 * PULL_HOLDS}
        key = (request.asker, request.nonce)
        if key in self._seen:
            raise Forged("this request was answered before", field="nonce", code="replayed")
        self._seen[key] = request.at


def _read_pull(node: Node, body: bytes) -> PullRequest:
    if len(body) > MAX_PULL_BYTES:
        raise Malformed(f"a pull has at most {MAX_PULL_BYTES} bytes", field="body", code="too_large")
    key = key_of_peer(node, peek_pull(body).asker)
    try:
        request = open_pull(body, key)
    except Refused:
        raise _not_a_peer() from None
    if request.asked != node.id:
        raise Forged("this request is for another node", field="asked")
    node.pulls_seen.take(request, node.clock.now())
    return request


def _read_push(node: Node, body: bytes) -> tuple[str, Push]:
    if len(body) > MAX_PUSH_BYTES:
        raise Malformed(f"a push has at most {MAX_PUSH_BYTES} bytes", field="body", code="too_large")
    key = key_of_peer(node, peek_push(body).sender)
    try:
        head, push = open_push(body, key)
    except Forged:
        raise _not_a_peer() from None
    if head.receiver != node.id:
        raise Forged("this push is for another node", field="receiver")
    return head.sender, push


def _not_a_peer() -> Forged:
    """Whoever is not enrolled, and whoever only says to be somebody who is, hear the same."""
    return Forged("the sender is not enrolled here, or did not sign this", field="signature", code="unknown_node")


def _trouble(error: Refused) -> Trouble:
    """Why a request as a whole is refused."""
    return Trouble(code=error.code, message=error.message[:2000], field=error.field[:400])


def _result(outcome: int | KeepclearError) -> PushResult:
    if isinstance(outcome, int):
        return PushResult(index=outcome)
    return PushResult(trouble=trouble_of(outcome))

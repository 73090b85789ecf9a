"""What is still to be said to a peer: in order, never skipped, and one stuck lane holds up nobody else."""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keepclear.line.state import State
from keepclear.model.acts import LineCheck
from keepclear.node.exchange import PushResult, Trouble
from keepclear.node.outbox import Chain, Outbox, Queued, back_off
from tests.node import saying

NOW = datetime(2017, 9, 8, 5, 10, tzinfo=UTC)
AVOIDANCE: Chain = ("avoidance", "russia")
MOVEMENT: Chain = ("movement", "russia")
TAKEN = PushResult(index=0)


def record(chains: list[Chain], urgent: Collection[int] = ()) -> State:
    """A record whose n-th entry is the next act of the n-th chain given; only what an outbox reads of it.

    Those of the entries named are danger calls.
    """
    ids: dict[Chain, list[str]] = {}
    for index, chain in enumerate(chains):
        ids.setdefault(chain, []).append(str(index))
    call, check = saying.danger("coalition").act, LineCheck()
    acts = {
        str(index): SimpleNamespace(index=index, act=call if index in urgent else check) for index in range(len(chains))
    }
    state = SimpleNamespace(
        acts=acts,
        chain=lambda line, author: SimpleNamespace(
            ids=ids.get((line, author), []), seq=len(ids.get((line, author), []))
        ),
    )
    return cast(State, state)


def refused(code: str = "unknown_line", need_seq: int | None = None) -> PushResult:
    return PushResult(trouble=Trouble(code=code, message="no", need_seq=need_seq))


def opened(*chains: Chain) -> Outbox:
    outbox = Outbox()
    for chain in chains:
        outbox.open(chain, 0)
    return outbox


def indices(queued: list[Queued]) -> list[int]:
    return [item.index for item in queued]


@given(st.lists(st.sampled_from([AVOIDANCE, MOVEMENT]), max_size=30), st.integers(min_value=1, max_value=40))
def test_acts_leave_in_the_order_of_the_record(chains: list[Chain], most: int) -> None:
    outbox, state = opened(AVOIDANCE, MOVEMENT), record(chains)
    sent: list[int] = []
    while queued := outbox.next(state, [AVOIDANCE, MOVEMENT], most):
        assert len(queued) <= most
        sent += indices(queued)
        assert outbox.answered(queued, [TAKEN] * len(queued), NOW) == []
    assert sent == list(range(len(chains)))
    assert outbox.waiting(state, [AVOIDANCE, MOVEMENT]) == 0


def test_an_urgent_act_and_what_its_author_said_before_it_leave_first() -> None:
    shared = [AVOIDANCE, MOVEMENT]
    chains = [AVOIDANCE, MOVEMENT, AVOIDANCE, MOVEMENT, MOVEMENT, AVOIDANCE]
    outbox, state = opened(*shared), record(chains, urgent=[3])
    assert indices(outbox.next(state, shared, 10)) == [1, 3, 0, 2, 4, 5]
    queued = outbox.next(state, shared, 2)
    assert indices(queued) == [1, 3]
    outbox.answered(queued, [TAKEN, TAKEN], NOW)
    assert indices(outbox.next(state, shared, 10)) == [0, 2, 4, 5]
    later = record([*chains, AVOIDANCE], urgent=[3, 6])
    assert indices(outbox.next(later, shared, 10)) == [0, 2, 5, 6, 4]


def test_an_urgent_act_on_a_resting_lane_waits_with_it() -> None:
    outbox, state = opened(AVOIDANCE, MOVEMENT), record([AVOIDANCE, MOVEMENT], urgent=[0])
    shared = [AVOIDANCE, MOVEMENT]
    outbox.answered(outbox.next(state, shared, 10), [refused(), TAKEN], NOW)
    assert outbox.next(state, shared, 10) == []


def test_only_lanes_that_are_shared_now_are_sent() -> None:
    outbox, state = opened(AVOIDANCE, MOVEMENT), record([AVOIDANCE, MOVEMENT])
    assert indices(outbox.next(state, [MOVEMENT], 10)) == [1]


def test_what_is_refused_holds_up_its_own_lane_and_no_other() -> None:
    outbox, state = opened(AVOIDANCE, MOVEMENT), record([AVOIDANCE, MOVEMENT, AVOIDANCE, MOVEMENT])
    shared = [AVOIDANCE, MOVEMENT]
    queued = outbox.next(state, shared, 10)
    lanes = outbox.answered(queued, [refused(), TAKEN, refused("out_of_order", need_seq=1), TAKEN], NOW)
    assert [lane.chain for lane in lanes] == [AVOIDANCE]
    assert outbox.next(state, shared, 10) == []
    (stuck,) = outbox.stuck(shared)
    assert (stuck.line, stuck.author, stuck.seq, stuck.trouble.code) == ("avoidance", "russia", 1, "unknown_line")
    assert outbox.waiting(state, shared) == 2


def test_a_stuck_lane_is_tried_again_after_its_rest_and_shown_since_when() -> None:
    outbox, state = opened(AVOIDANCE), record([AVOIDANCE, AVOIDANCE])
    first = outbox.next(state, [AVOIDANCE], 1)
    (lane,) = outbox.answered(first, [refused()], NOW)
    outbox.wake()
    again = outbox.next(state, [AVOIDANCE], 1)
    assert again == first
    later = NOW.replace(hour=9)
    assert outbox.answered(again, [refused("forged")], later) == [lane]
    assert lane.refusals == 2
    (stuck,) = outbox.stuck([AVOIDANCE])
    assert (stuck.since, stuck.trouble.code) == (NOW, "forged")
    outbox.wake()
    assert outbox.answered(outbox.next(state, [AVOIDANCE], 10), [TAKEN, TAKEN], later) == []
    assert outbox.stuck([AVOIDANCE]) == ()
    assert lane.refusals == 0


def test_a_peer_that_lost_acts_it_had_taken_is_served_again() -> None:
    outbox, state = Outbox(), record([AVOIDANCE] * 6)
    outbox.open(AVOIDANCE, 5)
    queued = outbox.next(state, [AVOIDANCE], 10)
    assert indices(queued) == [5]
    assert outbox.answered(queued, [refused("out_of_order", need_seq=3)], NOW) == []
    assert indices(outbox.next(state, [AVOIDANCE], 10)) == [2, 3, 4, 5]


def test_a_peer_that_asks_for_ever_to_go_back_is_made_to_wait() -> None:
    outbox, state = Outbox(), record([AVOIDANCE] * 3)
    outbox.open(AVOIDANCE, 2)
    rests = 0
    for _ in range(20):
        queued = outbox.next(state, [AVOIDANCE], 10)
        answer = [refused("out_of_order", need_seq=1)] * len(queued)
        rests += len(outbox.answered(queued, answer, NOW))
        if not outbox.next(state, [AVOIDANCE], 10):
            break
    assert rests == 1


@pytest.mark.parametrize("need_seq", [-5, 0, 2, 3, 10**9])
def test_a_peer_that_asks_for_what_makes_no_sense_is_made_to_wait(need_seq: int) -> None:
    outbox, state = Outbox(), record([AVOIDANCE] * 2)
    outbox.open(AVOIDANCE, 1)
    queued = outbox.next(state, [AVOIDANCE], 10)
    (lane,) = outbox.answered(queued, [refused("out_of_order", need_seq=need_seq)], NOW)
    assert lane.accepted == 1
    assert lane.resting


def test_waits_grow_to_a_limit_and_are_uneven() -> None:
    longest = [back_off(attempt, 10.0, lambda: 1.0) for attempt in range(1, 9)]
    assert longest == [0.5, 1.0, 2.0, 4.0, 8.0, 10.0, 10.0, 10.0]
    assert [back_off(attempt, 10.0, lambda: 0.0) for attempt in (1, 100, 10_000)] == [0.25, 5.0, 5.0]

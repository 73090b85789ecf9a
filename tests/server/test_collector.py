"""What is held for good is not gone through again and again, and what is let go is still reclaimed."""

from __future__ import annotations

import gc
import weakref

from keepclear.server.collector import settled


class Ring:
    """Something that only the collector can reclaim."""

    def __init__(self) -> None:
        self.me = self


def looked_at(thing: object) -> bool:
    """Whether the collector goes through it."""
    return any(each is thing for each in gc.get_objects())


def test_what_is_held_is_gone_through_once() -> None:
    before = (gc.get_threshold(), len(gc.callbacks), gc.get_freeze_count())
    held = [Ring()]
    with settled():
        assert not looked_at(held[0])
        held.append(Ring())
        assert looked_at(held[1])
        gc.collect()
        assert not looked_at(held[1])
    assert looked_at(held[0])
    assert looked_at(held[1])
    assert (gc.get_threshold(), len(gc.callbacks), gc.get_freeze_count()) == before


def test_what_came_since_and_is_let_go_is_reclaimed() -> None:
    with settled():
        ring = Ring()
        seen = weakref.ref(ring)
        del ring
        gc.collect()
        assert seen() is None

"""One thread at a time: what is made for one is lent to any number, each for a turn."""

from __future__ import annotations

from queue import SimpleQueue


class Turns:
    """`with turns:` has it alone while others wait. Not to be taken again by who has it."""

    def __init__(self) -> None:
        self._free: SimpleQueue[None] = SimpleQueue()
        self._free.put(None)

    def __enter__(self) -> None:
        self._free.get()

    def __exit__(self, *_: object) -> None:
        self._free.put(None)

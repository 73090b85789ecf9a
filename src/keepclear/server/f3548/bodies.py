"""Bodies of requests: at most so large, and at most so much of them held at a time, by one service and by all.

A thousand connections with four megabytes each would fill the memory of any machine; and a service that sends slowly
must not use up what others need.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, MutableMapping
from types import TracebackType
from typing import Any

from keepclear.errors import Refused

MAX_BODY_BYTES = 4 * 2**20
"""As much as the field's own DSS takes."""
MAX_OF_ONE = 8 * MAX_BODY_BYTES
MAX_OF_ALL = 32 * MAX_BODY_BYTES

Receive = Callable[[], Awaitable[MutableMapping[str, Any]]]


class Gone(Exception):
    """The client went away before its request was whole."""


class Bodies:
    """The bodies that are being read or worked on."""

    def __init__(self) -> None:
        self._of_one: Counter[str] = Counter()

    @property
    def held_bytes(self) -> int:
        """How much is held in all."""
        return self._of_one.total()

    def share(self, who: str) -> Share:
        """What one request of a service holds, until the block ends."""
        return Share(self._of_one, who)


class Share:
    """What one request holds."""

    def __init__(self, of_one: Counter[str], who: str) -> None:
        self._of_one = of_one
        self._who = who
        self._size = 0

    def __enter__(self) -> Share:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._of_one[self._who] -= self._size
        if not self._of_one[self._who]:
            del self._of_one[self._who]

    async def read(self, receive: Receive) -> bytes | None:
        """The whole body; None if it is too large. Refused (`busy`) if too much is held; Gone."""
        parts: list[bytes] = []
        more = True
        while more:
            message = await receive()
            if message["type"] == "http.disconnect":
                raise Gone
            part = message.get("body", b"")
            if self._size + len(part) > MAX_BODY_BYTES:
                return None
            if part:
                self._take(len(part))
                parts.append(part)
            more = message.get("more_body", False)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def _take(self, count: int) -> None:
        if self._of_one[self._who] + count > MAX_OF_ONE or self._of_one.total() + count > MAX_OF_ALL:
            raise Refused("too much is waiting to be read; try again", code="busy")
        self._of_one[self._who] += count
        self._size += count

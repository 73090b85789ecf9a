"""A caller of the UTM listener that costs as little as Python can: one kept-alive connection, one request at a time."""

from __future__ import annotations

import asyncio
import json
from typing import Any


class Caller:
    """One connection. `call` gives the status and the body as it came."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, token: str) -> None:
        self._reader = reader
        self._writer = writer
        self._head = f"host: 127.0.0.1\r\nauthorization: Bearer {token}\r\ncontent-type: application/json\r\n"

    @classmethod
    async def to(cls, port: int, token: str) -> Caller:
        """Connect."""
        return cls(*await asyncio.open_connection("127.0.0.1", port, limit=2**24), token)

    async def call(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        """Ask, and wait for the whole answer."""
        head = f"{method} {path} HTTP/1.1\r\n{self._head}content-length: {len(body)}\r\n\r\n"
        self._writer.write(head.encode() + body)
        answer = await self._reader.readuntil(b"\r\n\r\n")
        at = answer.lower().index(b"content-length:") + 15
        length = int(answer[at : answer.index(b"\r", at)])
        return int(answer[9:12]), await self._reader.readexactly(length) if length else b""

    async def ask(self, method: str, path: str, value: Any = None, expect: int = 200) -> Any:
        """The same in JSON; AssertionError if it is answered otherwise than expected."""
        status, body = await self.call(method, path, b"" if value is None else json.dumps(value).encode())
        assert status == expect, (method, path, status, body[:500])
        return json.loads(body) if body else None

    def close(self) -> None:
        """Hang up."""
        self._writer.close()

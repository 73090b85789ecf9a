"""An answer that is lost, over real sockets: the same is posted again, by hand or by a command, and is said once."""

from __future__ import annotations

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from keepclear.cli.caller import Caller, NoAnswer
from keepclear.errors import NotNow
from keepclear.model.acts import LineCheck, Said
from keepclear.server.answers import Posted, Recorded
from tests.server.desks import desk, make_home

OWN = "own.north.node"
DRAFT = "6f1c0a5be2d94783a1b05c9d7e3f4286"


def drafts(timeline: list[dict[str, Any]]) -> Counter[str]:
    return Counter(each["said"]["draft"] for each in timeline if each["said"].get("draft"))


def test_the_same_post_again_is_the_same_entry_and_other_words_are_409(tmp_path: Path) -> None:
    async def story() -> None:
        async with desk(make_home(tmp_path, "north")) as north:
            check = {"act": "line_check"}
            both = await asyncio.gather(*(north.post(check, OWN, draft=DRAFT) for _ in range(5)))
            again = await north.post(check, OWN, draft=DRAFT)
            assert {each.status_code for each in (*both, again)} == {201}
            assert len({(each.json()["act_id"], each.json()["index"]) for each in (*both, again)}) == 1
            assert drafts(await north.get("/api/timeline")) == {DRAFT: 1}

            size = north.service.node.size
            for lang, words in (("en", "other words"), ("ar", "قول آخر")):
                north.http.headers["accept-language"] = lang
                other = await north.post(check, OWN, draft=DRAFT, exercise=True)
                error = other.json()["error"]
                assert (other.status_code, error["code"], error["field"]) == (409, "draft_reused", "said.draft")
                assert error["values"] == {"held": again.json()["act_id"]}
                assert words in error["message"]
            unreadable = await north.post(check, OWN, draft="x")
            assert (unreadable.status_code, unreadable.json()["error"]["field"]) == (400, "said.draft")
            assert north.service.node.size == size

    asyncio.run(story())


class Losing:
    """Stands before a node and cuts the connection instead of giving the first answers to a POST."""

    def __init__(self, port: int, losses: int) -> None:
        self.port = port
        self.left = losses
        self.posts = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                size = next(
                    (int(line[15:]) for line in head.lower().split(b"\r\n") if line[:15] == b"content-length:"), 0
                )
                answer = await self._ask(head + await reader.readexactly(size))
                self.posts += head.startswith(b"POST")
                if self.left and head.startswith(b"POST"):
                    self.left -= 1
                    break
                writer.write(answer)
                await writer.drain()
                break
        finally:
            writer.close()

    async def _ask(self, request: bytes) -> bytes:
        """What the node answers; by then the act is on its disk."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        writer.write(request.replace(b"\r\n\r\n", b"\r\nconnection: close\r\n\r\n", 1))
        answer = await reader.read()
        writer.close()
        return answer


@pytest.mark.parametrize("losses", [0, 1, 2])
def test_a_command_whose_answer_is_lost_says_its_act_once(tmp_path: Path, losses: int) -> None:
    async def story() -> None:
        async with desk(make_home(tmp_path, "north")) as north:
            token = north.http.headers["authorization"].removeprefix("Bearer ")
            losing = Losing(int(north.service.local_url.rpartition(":")[2]), losses)
            async with await asyncio.start_server(losing.serve, "127.0.0.1", 0) as between:
                host, port = between.sockets[0].getsockname()
                caller = Caller(f"http://{host}:{port}", token, "en")
                body = Posted(party="north", line=OWN, said=Said(role="r", act=LineCheck(), draft=DRAFT))
                work = asyncio.to_thread(caller.post, "/api/acts", body, Recorded)
                if losses < 2:
                    assert (await work).index == north.service.node.size - 1
                else:
                    with pytest.raises(NoAnswer):
                        await work
                assert losing.posts == min(losses + 1, 2)
                assert drafts(await north.get("/api/timeline")) == {DRAFT: 1}

                other = Posted(party="north", line=OWN, said=Said(role="s", act=LineCheck(), draft=DRAFT))
                with pytest.raises(NotNow) as refused:
                    await asyncio.to_thread(caller.post, "/api/acts", other, Recorded)
                assert (refused.value.code, refused.value.field) == ("draft_reused", "said.draft")
                caller.close()

    asyncio.run(story())

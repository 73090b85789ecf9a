"""Hostile callers: each is answered by a 4xx or handled, and nobody else waits for them."""

from __future__ import annotations

import asyncio
import json
import math
import tracemalloc
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from keepclear.server.f3548.bodies import MAX_BODY_BYTES, MAX_OF_ONE
from keepclear.server.f3548.connections import Limits, allow_files
from keepclear.server.f3548.settings import Settings
from keepclear.server.run import Service
from tests.server.f3548.surface import EVERY_SCOPE, INTENTS, ONE, SUB, SUBSCRIPTIONS, USS, Dss, uuid, with_dss
from tests.server.f3548.test_listener import bearer, serving

AT_ONCE_S = 10.0
"""Longer than any answer takes on a busy machine; what is held up for ever is found out all the same."""
FIRST = f"PUT {INTENTS}/{ONE} HTTP/1.1\r\nhost: 127.0.0.1\r\n"
ALIVE = b"GET /healthy HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\n\r\n"


def shown() -> str:
    return f"authorization: {bearer()['authorization']}\r\n"


class Caller:
    """A connection, byte by byte."""

    def __init__(self, service: Service) -> None:
        where = urlsplit(service.utm_url)
        self._where = where.hostname, where.port
        self.reader: asyncio.StreamReader
        self.writer: asyncio.StreamWriter

    async def __aenter__(self) -> Caller:
        self.reader, self.writer = await asyncio.open_connection(*self._where)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.transport.abort()

    async def say(self, data: bytes | str) -> None:
        try:
            self.writer.write(data.encode("latin-1") if isinstance(data, str) else data)
            await self.writer.drain()
        except ConnectionError:
            pass  # it hung up, as it may

    async def hears(self) -> bytes:
        """All until it hangs up."""
        async with asyncio.timeout(AT_ONCE_S):
            heard = b""
            try:
                while part := await self.reader.read(65536):
                    heard += part
            except ConnectionError:
                pass
            return heard

    async def status(self) -> int:
        """That of the first answer; 0 if it hung up without one."""
        async with asyncio.timeout(AT_ONCE_S):
            try:
                line = await self.reader.readline()
            except ConnectionError:
                return 0
        return int(line.split()[1]) if line else 0


async def alive(service: Service) -> None:
    """Somebody else is answered."""
    async with Caller(service) as other:
        await other.say(ALIVE)
        assert (await other.hears()).endswith(b"ok")


def hostile(folder: Path, work: Callable[[Service], Awaitable[None]], **limits: Any) -> None:
    async def then_alive(service: Service) -> None:
        await work(service)
        await alive(service)

    serving(folder, then_alive, limits=limits)


# ── on the wire ──


NOT_HTTP = [
    b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 100,
    b"GET\r\n\r\n",
    b"GET / HTTP/9.9\r\n\r\n",
    b"FROB / HTTP/1.1\r\nhost: a\r\n\r\n",
    b"GET /\x00 HTTP/1.1\r\nhost: a\r\n\r\n",
    b"GET /healthy HTTP/1.1\r\nhost: a\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
    b"GET /healthy HTTP/1.1\r\nhost: a\r\ncontent-length: -1\r\n\r\n",
    b"GET /healthy HTTP/1.1\r\nhost: a\r\ncontent-length: 99999999999999999999999\r\n\r\n",
    b"GET /healthy HTTP/1.1\r\nhost: a\r\ncontent-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    b"GET /healthy HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n",
    b"GET /healthy HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    b"GET /healthy HTTP/1.1\r\nhost: a\r\ntransfer-encoding: xchunked\r\n\r\n0\r\n\r\n",
    b"GET /healthy HTTP/1.1\r\nhost: a\r\ntransfer-encoding : chunked\r\n\r\n0\r\n\r\n",
    b"PUT /healthy HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\nab\r\n",
    b"PUT /healthy HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\nab\r\n",
    b"GET /healthy HTTP/1.1\r\nhost: a\r\nx: a\x00b\r\n\r\n",
    b"GET /healthy HTTP/1.1\r\nhost: a\r\n folded: x\r\n\r\n",
]


def test_what_is_no_http_or_could_be_read_in_two_ways_is_refused_and_the_connection_closed(tmp_path: Path) -> None:
    async def work(service: Service) -> None:
        for said in NOT_HTTP:
            async with Caller(service) as mallory:
                await mallory.say(said + ALIVE)
                heard = await mallory.hears()
                assert heard.startswith((b"HTTP/1.1 4", b"HTTP/1.0 4")), (said, heard[:100])
                assert heard.count(b"HTTP/1.1 ") == 1  # what was hidden behind it is not taken for a request
                assert not heard.endswith(b"ok"), said

    hostile(tmp_path, work)


def test_headers_without_end_are_refused_before_they_fill_the_memory(tmp_path: Path) -> None:
    async def work(service: Service) -> None:
        for endless in ("a: b\r\n" * 1_000, "x" * 6_000, "/path" * 1_000):
            async with Caller(service) as mallory:
                path = endless.startswith("/")
                await mallory.say("GET /" if path else f"GET /healthy HTTP/1.1\r\nhost: a\r\n{endless}")
                for _ in range(200):
                    await mallory.say(endless)
                    await asyncio.sleep(0)
                assert await mallory.status() in (431, 0)

    hostile(tmp_path, work, header_bytes=16_384)


def test_headers_that_are_too_long_and_come_at_once_are_refused(tmp_path: Path) -> None:
    async def work(service: Service) -> None:
        async with Caller(service) as mallory:
            await mallory.say(f"GET /healthy HTTP/1.1\r\nhost: a\r\nx: {'y' * 2_000}\r\n\r\n")
            assert (await mallory.hears()).startswith(b"HTTP/1.1 431 ")
        async with Caller(service) as caller:
            await caller.say(f"GET /healthy HTTP/1.1\r\nhost: a\r\nconnection: close\r\nx: {'y' * 1_500}\r\n\r\n")
            assert (await caller.hears()).endswith(b"ok")

    hostile(tmp_path, work, header_bytes=2_000)


def test_long_bodies_do_not_count_as_headers(tmp_path: Path) -> None:
    async def work(service: Service) -> None:
        body = b" " * 1_000_000
        async with Caller(service) as caller:
            for _ in range(2):
                await caller.say(f"{FIRST}{shown()}content-length: {len(body)}\r\n\r\n".encode() + body)
            await caller.say(ALIVE)
            heard = await caller.hears()
            assert (heard.count(b"HTTP/1.1 400 "), heard.endswith(b"ok")) == (2, True)

    hostile(tmp_path, work, header_bytes=2_000)


def test_pipelined_requests_are_answered_in_order(tmp_path: Path) -> None:
    async def work(service: Service) -> None:
        async with Caller(service) as caller:
            await caller.say(ALIVE.replace(b"connection: close\r\n", b"") * 500 + ALIVE)
            assert (await caller.hears()).count(b"HTTP/1.1 200 ") == 501

    hostile(tmp_path, work)


def test_a_hundred_who_send_one_byte_now_and_then_hold_up_nobody_and_are_let_go(tmp_path: Path) -> None:
    async def work(service: Service) -> None:
        slow = [Caller(service) for _ in range(100)]
        for number, mallory in enumerate(slow):
            await mallory.__aenter__()
            head = f"{FIRST}{shown()}content-length: 1000\r\n\r\n"
            await mallory.say(("", head[:40], head, head + "{")[number % 4])
        await alive(service)
        statuses = [await mallory.status() for mallory in slow]
        assert set(statuses) <= {408, 0}
        assert statuses.count(408) >= 50
        for mallory in slow:
            await mallory.__aexit__()

    hostile(tmp_path, work, request_s=1.0)


def test_too_many_connections_push_out_those_that_wait_and_nobody_who_asks(tmp_path: Path) -> None:
    async def work(service: Service) -> None:
        idlers = [Caller(service) for _ in range(60)]
        for idler in idlers:
            await idler.__aenter__()
        for _ in range(3):
            await alive(service)
        gone = [idler for idler in idlers if idler.reader.at_eof() or idler.reader.exception() is not None]
        assert len(gone) >= 60 - 20
        assert gone == idlers[: len(gone)]  # who waited longest
        for idler in idlers:
            await idler.__aexit__()

    hostile(tmp_path, work, connections=20)


def test_one_who_does_not_take_its_answers_is_let_go(tmp_path: Path) -> None:
    async def work(service: Service) -> None:
        async with Caller(service) as mallory:
            mallory.writer.transport.pause_reading()  # type: ignore[attr-defined]
            asks = b"GET /openapi.json HTTP/1.1\r\nhost: a\r\n\r\n" * 500
            await mallory.say(asks)
            async with asyncio.timeout(AT_ONCE_S):
                while not mallory.writer.is_closing():
                    await mallory.say(b"G")
                    await asyncio.sleep(0.05)

    hostile(tmp_path, work, request_s=0.5)


def test_as_many_files_may_be_open_as_the_connections_need() -> None:
    resource = pytest.importorskip("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (600, hard))
        allow_files(Limits(connections=100))
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (612, hard)
        allow_files(Limits(connections=10))
        assert resource.getrlimit(resource.RLIMIT_NOFILE) == (612, hard)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# ── to the application ──


def test_an_address_that_floods_is_told_to_wait_and_no_other_is(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        statuses = [(await dss.ask("GET", "/healthy", client="203.0.113.9")).status for _ in range(5)]
        assert statuses == [200, 200, 200, 429, 429]
        refused = await dss.ask("GET", f"{INTENTS}/{ONE}", client="203.0.113.9")
        assert (refused["code"], refused.headers["retry-after"]) == ("too_many", "10")
        (await dss.ask("GET", "/healthy", client="203.0.113.10")).must(200)
        for _ in range(9):
            (await dss.ask("GET", "/healthy", client="127.0.0.1")).must(200)

    settings = Settings(limits=Limits(burst=3, requests_per_s=0.1))
    with_dss(tmp_path, work, settings=settings)


def nested(depth: int) -> bytes:
    return b"[" * depth + b"]" * depth


BODIES = {
    "nothing": b"",
    "null": b"null",
    "four megabytes of brackets": b"[" * MAX_BODY_BYTES,
    "deep": b'{"x":' + nested(100_000) + b"}",
    "NaN": b'{"extents":[NaN]}',
    "Infinity": b'{"extents":[{"volume":{"altitude_lower":{"value":Infinity}}}]}',
    "not UTF-8": b'{"state":"\xff\xfe"}',
    "lone surrogate": b'{"state":"\\ud800"}',
    "byte order mark": b"\xef\xbb\xbf{}",
    "UTF-16": '{"a":1}'.encode("utf-16"),
    "two values": b"{}{}",
    "long number": b'{"extents":' + b"9" * 1_000_000 + b"}",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES.keys())
def test_a_body_that_is_not_in_order_is_refused_by_every_operation_that_takes_one(tmp_path: Path, body: bytes) -> None:
    async def work(dss: Dss) -> None:
        for method, path in (
            ("PUT", f"{INTENTS}/{ONE}"),
            ("PUT", f"{INTENTS}/{ONE}/x"),
            ("POST", f"{INTENTS}/query"),
            ("PUT", f"{SUBSCRIPTIONS}/{SUB}"),
            ("PUT", f"{USS}/alfa"),
            ("POST", "/dss/v1/reports"),
            ("PUT", f"/rid/v2/dss/subscriptions/{SUB}"),
            ("PUT", f"/v1/dss/identification_service_areas/{ONE}"),
        ):
            scopes = f"{EVERY_SCOPE} rid.display_provider dss.write.identification_service_areas"
            assert (await dss.ask(method, path, body, scopes=scopes)).status == 400, path
        assert dss.node.state.utm.number == 0

    with_dss(tmp_path, work)


@pytest.mark.parametrize("extra", [b"NaN", b"1e999", b'"\xff"', b'"\\ud800"', nested(50_000), b"9" * 5_000])
def test_nor_is_a_report_that_holds_such_a_thing_where_nobody_looks(tmp_path: Path, extra: bytes) -> None:
    """A report is answered with all that it holds, also with what the standard does not name."""

    async def work(dss: Dss) -> None:
        when = dss.times()["time_start"]
        exchange = {"url": "https://a", "method": "GET", "recorder_role": "Client", "request_time": when}
        whole = json.dumps({"exchange": exchange}).encode()
        (await dss.ask("POST", "/dss/v1/reports", whole[:-1] + b',"x":' + extra + b"}")).must(400)
        (await dss.ask("POST", "/dss/v1/reports", whole[:-1] + b',"x":[1]}')).must(201)

    with_dss(tmp_path, work)


def test_of_a_key_that_is_given_twice_the_last_counts_as_in_every_reader_of_the_field(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        twice = b'{"state":"Nonsense",' + json.dumps(dss.intent()).encode()[1:]
        (await dss.ask("PUT", f"{INTENTS}/{ONE}", twice)).must(400)
        kept = json.dumps(dss.intent()).encode()[:-1] + b',"state":"Accepted"}'
        (await dss.ask("PUT", f"{INTENTS}/{ONE}", kept)).must(201)

    with_dss(tmp_path, work)


@pytest.mark.parametrize(
    "id", ["%00", "..%2f..", f"{ONE}%2f", f"{ONE}%00", f"{ONE}%0a", "%ff%fe", "%E2%80%AE", "%", "%zz", "x" * 60_000]
)
def test_an_id_that_is_none_is_refused_whatever_its_escapes(tmp_path: Path, id: str) -> None:
    async def work(dss: Dss) -> None:
        for method in ("GET", "PUT"):
            assert (await dss.ask(method, f"{INTENTS}/{id}", dss.intent())).status == 400
        assert (await dss.ask("GET", f"{SUBSCRIPTIONS}/{id}")).status == 400
        said = {"availability": "Down", "old_version": ""}
        assert (await dss.ask("PUT", f"{USS}/{id}", said)).status in (200, 400)
        assert (await dss.ask("GET", f"{USS}/{id}")).status in (200, 400)

    with_dss(tmp_path, work)


def test_a_name_that_hides_characters_is_nobodys(tmp_path: Path) -> None:
    """Else an arbitrator could be shown one name and mark another as down."""

    async def work(dss: Dss) -> None:
        for name in ("%00", "alfa%00", "al%E2%80%AEfa", "alfa%0A"):
            said = {"availability": "Down", "old_version": ""}
            (await dss.ask("PUT", f"{USS}/{name}", said)).refused(400, "uss_id")
        assert dss.node.state.utm.number == 0

    with_dss(tmp_path, work)


@pytest.mark.parametrize("method", ["POST", "PATCH", "HEAD", "OPTIONS", "TRACE", "CONNECT", "get", "FROB"])
def test_other_methods_are_405(tmp_path: Path, method: str) -> None:
    async def work(dss: Dss) -> None:
        reply = (await dss.ask(method, f"{INTENTS}/{ONE}", b"x" * 1_000)).must(405)
        assert reply.headers["allow"] == "GET, PUT"

    with_dss(tmp_path, work)


# ── outlines ──


def ring(at: tuple[float, float], radius_deg: float, count: int) -> list[tuple[float, float]]:
    turns = [2 * math.pi * number / count for number in range(count)]
    return [(at[0] + radius_deg * math.cos(turn), at[1] + radius_deg * math.sin(turn)) for turn in turns]


def outline(dss: Dss, points: Sequence[tuple[float, float]]) -> dict[str, Any]:
    volume = dss.volume()
    del volume["volume"]["outline_circle"]
    volume["volume"]["outline_polygon"] = {"vertices": [{"lat": lat, "lng": lng} for lat, lng in points]}
    return volume


OUTLINES: dict[str, tuple[int, Callable[[Dss], list[dict[str, Any]]]]] = {
    "ten thousand vertices": (201, lambda dss: [outline(dss, ring((40, 10), 0.2, 10_000))]),
    "ten thousand in each of seven": (400, lambda dss: [outline(dss, ring((40, 10), 0.2, 10_000))] * 7),
    "ten thousand small circles": (201, lambda dss: [dss.volume(radius_m=1.0)] * 10_000),
    "ten thousand circles along a line": (
        400,
        lambda dss: [dss.volume(at=(20 + number / 1_000, 10.0), radius_m=3_000.0) for number in range(10_000)],
    ),
    "one more than may be": (400, lambda dss: [dss.volume(radius_m=1.0)] * 10_001),
    "triangles upon triangles": (400, lambda dss: [outline(dss, ring((31, 10), 0.2, 3))] * 3_333),
    "crossing itself everywhere": (
        400,
        lambda dss: [outline(dss, [(40 + number / 25_000, 10 + number % 2 / 5) for number in range(5_001)])],
    ),
    "all in one point": (400, lambda dss: [outline(dss, [(40.0, 10.0)] * 9_999)]),
    "round the pole": (201, lambda dss: [outline(dss, [(89.9, lng / 2 - 180) for lng in range(720)])]),
    "through the pole": (400, lambda dss: [outline(dss, [(89, 0), (90, 0), (89, 180), (90, 90)])]),
    "round the equator": (400, lambda dss: [outline(dss, [(0, lng) for lng in range(-180, 180)])]),
    "a sliver round half the earth": (400, lambda dss: [outline(dss, [(0, 0), (0.0001, 179), (0.00005, 90)])]),
    "across the antimeridian": (
        201,
        lambda dss: [outline(dss, [(10, 179.9), (10, -179.9), (10.2, -179.9), (10.2, 179.9)])],
    ),
    "a circle about the pole": (201, lambda dss: [dss.volume(at=(90.0, 0.0), radius_m=50_000.0)]),
    "a circle that is the earth": (400, lambda dss: [dss.volume(at=(0.0, 0.0), radius_m=20_000_000.0)]),
}


@pytest.mark.parametrize("name", OUTLINES)
def test_an_outline_is_taken_or_refused_by_name_and_what_is_taken_folds_again(tmp_path: Path, name: str) -> None:
    status, extents = OUTLINES[name]

    async def work(dss: Dss) -> None:
        reply = (await dss.ask("PUT", f"{INTENTS}/{ONE}", dss.intent(*extents(dss)))).must(status)
        assert status == 201 or reply["field"].startswith("extents")
        area = {"area_of_interest": extents(dss)[0]}
        assert (await dss.ask("POST", f"{INTENTS}/query", area)).status in (200, 400)

    async def again(dss: Dss) -> None:
        assert (ONE in dss.node.state.utm.intents) == (status == 201)

    with_dss(tmp_path, work)
    with_dss(tmp_path, again)


# ── memory ──


def test_one_who_sends_many_large_bodies_slowly_is_told_to_wait_and_others_are_not(tmp_path: Path) -> None:
    async def work(service: Service) -> None:
        part = b" " * (MAX_BODY_BYTES - 1)
        mallory = [Caller(service) for _ in range(MAX_OF_ONE // MAX_BODY_BYTES + 1)]
        for caller in mallory:
            await caller.__aenter__()
            await caller.say(f"{FIRST}{shown()}content-length: {len(part) + 1}\r\n\r\n".encode() + part)
        answers = {asyncio.ensure_future(caller.status()): caller for caller in mallory}
        (refused,), _ = await asyncio.wait(answers, return_when=asyncio.FIRST_COMPLETED)
        assert refused.result() == 503
        async with Caller(service) as bravo:
            whole = part + b" "
            other = f"authorization: {bearer(sub='bravo')['authorization']}\r\n"
            await bravo.say(f"{FIRST}{other}content-length: {len(whole)}\r\n\r\n".encode() + whole)
            assert await bravo.status() == 400
        for answer, caller in answers.items():
            if answer is not refused:
                await caller.say(b" ")
                assert await answer == 400
        async with Caller(service) as again:
            await again.say(f"{FIRST}{shown()}content-length: {len(whole)}\r\n\r\n".encode() + whole)
            assert await again.status() == 400
        for caller in mallory:
            await caller.__aexit__()

    hostile(tmp_path, work)


def test_refused_requests_leave_nothing_behind(tmp_path: Path) -> None:
    async def work(dss: Dss) -> None:
        large = json.dumps(dss.intent(*[dss.volume()] * 200, key=["x" * 40] * 2_000)).encode()

        async def refused(first: int) -> None:
            for number in range(first, first + 40):
                bad = large.replace(b'"W84"', b'"AGL"', 1)
                assert (await dss.ask("PUT", f"{INTENTS}/{uuid(number)}", bad, by=f"u{number}")).status == 400
                assert (await dss.ask("GET", f"/{number}" * 500)).status == 404
                assert (await dss.ask("PUT", f"{INTENTS}/{uuid(number)}/x", large, by=f"u{number}")).status == 400

        await refused(0)
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            await refused(1_000)
            after, _ = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert after - before < 2_000_000  # a hundred and twenty bodies would be 30 MB

    with_dss(tmp_path, work)

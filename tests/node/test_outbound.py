"""Calls to services go to enrolled hosts at checked addresses only, over real sockets, and nobody can hold them up."""

from __future__ import annotations

import asyncio
import gzip
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from keepclear.errors import CallFailed, Malformed
from keepclear.node.outbound import Outbound, Reply
from keepclear.node.outbound_url import NotCallable, Target, check_address, read_url

URL = "https://uss.example.org/uss/v1"


def reason(url: str, *, allow_http: bool = False, hosts: Sequence[str] = ("uss.example.org",)) -> str:
    with pytest.raises(NotCallable) as refused:
        Outbound(hosts, allow_http=allow_http).check(url)
    assert refused.value.field == "url"
    return refused.value.code


HOST, PORT, CHARACTERS, PATH = "outbound_host", "outbound_port", "outbound_characters", "outbound_path"
TRICKS: dict[str, tuple[str, str]] = {
    "no scheme": ("uss.example.org/uss", "outbound_url"),
    "scheme-relative": ("//uss.example.org/uss", "outbound_url"),
    "empty": ("", "outbound_url"),
    "another scheme": ("file:///etc/passwd", "outbound_url"),
    "ftp": ("ftp://uss.example.org/", "outbound_url"),
    "gopher": ("gopher://uss.example.org:11211/_stats", "outbound_url"),
    "one slash": ("https:/uss.example.org/", "outbound_url"),
    "three slashes": ("https:///uss.example.org/", HOST),
    "plain http": ("http://uss.example.org/", "outbound_https"),
    "another host": ("https://uss.example.com/", "outbound_not_enrolled"),
    "a host below": ("https://x.uss.example.org/", "outbound_not_enrolled"),
    "a host that begins alike": ("https://uss.example.org.evil.example/", "outbound_not_enrolled"),
    "a host that ends alike": ("https://evil-uss.example.org/", "outbound_not_enrolled"),
    "another port": ("https://uss.example.org:8443/", "outbound_not_enrolled"),
    "user": ("https://user@uss.example.org/", "outbound_user"),
    "user and password": ("https://uss.example.org:443@evil.example/", "outbound_user"),
    "empty user": ("https://@uss.example.org/", "outbound_user"),
    "enrolled name as user": ("https://uss.example.org%40evil.example/", HOST),
    "backslash for slash": ("https:\\\\uss.example.org\\uss", CHARACTERS),
    "backslash before user": ("https://evil.example\\@uss.example.org/", CHARACTERS),
    "fragment": ("https://uss.example.org/#@evil.example", CHARACTERS),
    "fragment as user": ("https://evil.example#@uss.example.org/", CHARACTERS),
    "space at the end": ("https://uss.example.org/ ", CHARACTERS),
    "space in front": (" https://uss.example.org/", CHARACTERS),
    "tab inside": ("https://uss.exa\tmple.org/", CHARACTERS),
    "newline at the end": ("https://uss.example.org/\n", CHARACTERS),
    "line break and header": ("https://uss.example.org/ HTTP/1.1\r\nX: y", CHARACTERS),
    "nought": ("https://uss.example.org\x00.evil.example/", CHARACTERS),
    "delete": ("https://uss.example.org/\x7f", CHARACTERS),
    "Cyrillic look-alike": ("https://uss.ехample.org/", CHARACTERS),
    "wide full stop": ("https://uss。example.org/", CHARACTERS),
    "wide letters": ("https://ｕss.example.org/", CHARACTERS),
    "soft hyphen": ("https://uss.exam\u00adple.org/", CHARACTERS),
    "look-alike in punycode": ("https://uss.xn--xample-9uf.org/", "outbound_not_enrolled"),
    "percent in the host": ("https://uss.example%2eorg/", HOST),
    "trailing dot": ("https://uss.example.org./", HOST),
    "two dots": ("https://uss..example.org/", HOST),
    "leading dot": ("https://.uss.example.org/", HOST),
    "hyphen at an end": ("https://-uss.example.org/", HOST),
    "label too long": (f"https://{'a' * 64}.example.org/", HOST),
    "underscore": ("https://uss_1.example.org/", HOST),
    "no host": ("https://:443/", HOST),
    "decimal IP": ("https://2130706433/", HOST),
    "octal IP": ("https://0177.0.0.1/", HOST),
    "hex IP": ("https://0x7f.0.0.1/", HOST),
    "hex IP in one": ("https://0x7f000001/", HOST),
    "hex at the end": ("https://127.0.0.0x1/", HOST),
    "short IP": ("https://127.1/", HOST),
    "IP of five": ("https://127.0.0.0.1/", HOST),
    "IP out of range": ("https://256.0.0.1/", HOST),
    "IP with noughts": ("https://127.0.0.01/", HOST),
    "IP not enrolled": ("https://127.0.0.1/", "outbound_not_enrolled"),
    "IPv6 not enrolled": ("https://[::1]/", "outbound_not_enrolled"),
    "IPv6 with a zone": ("https://[fe80::1%25eth0]/", HOST),
    "IPv6 left open": ("https://[::1/", PORT),
    "IPv6 without brackets": ("https://::1/", PORT),
    "no IPv6": ("https://[uss.example.org]/", HOST),
    "after the bracket": ("https://[::1].evil.example/", PORT),
    "port 0": ("https://uss.example.org:0/", PORT),
    "port too large": ("https://uss.example.org:65536/", PORT),
    "port that wraps round": ("https://uss.example.org:65979/", PORT),
    "port empty": ("https://uss.example.org:/", PORT),
    "port with a sign": ("https://uss.example.org:+443/", PORT),
    "port with a nought": ("https://uss.example.org:0443/", PORT),
    "port is a word": ("https://uss.example.org:https/", PORT),
    "two ports": ("https://uss.example.org:443:80/", PORT),
    "dots in the path": ("https://uss.example.org/uss/../admin", PATH),
    "dots at the end": ("https://uss.example.org/uss/..", PATH),
    "dots written as percent": ("https://uss.example.org/uss/%2e%2E/admin", PATH),
    "slash written as percent": ("https://uss.example.org/uss%2fadmin", PATH),
    "backslash written as percent": ("https://uss.example.org/uss%5cadmin", PATH),
    "line break written as percent": ("https://uss.example.org/%0d%0aX:%20y", PATH),
    "nought written as percent": ("https://uss.example.org/a%00", PATH),
    "half a percent": ("https://uss.example.org/%2", PATH),
    "empty part": ("https://uss.example.org//evil.example/", PATH),
    "braces": ("https://uss.example.org/{id}", PATH),
    "braces in the query": ("https://uss.example.org/?{id}", PATH),
    "too long": (f"https://uss.example.org/{'a' * 2000}", "outbound_url"),
}


@pytest.mark.parametrize("name", TRICKS)
def test_url_tricks_are_refused(name: str) -> None:
    url, code = TRICKS[name]
    assert reason(url) == code


@pytest.mark.parametrize(
    ("url", "host", "port", "path"),
    [
        ("https://uss.example.org", "uss.example.org", 443, "/"),
        ("HTTPS://USS.Example.org:443/a/b?c=d%20e&f=/", "uss.example.org", 443, "/a/b?c=d%20e&f=/"),
        ("https://uss.example.org?a=1", "uss.example.org", 443, "/?a=1"),
        ("http://203.0.113.7:8080/a", "203.0.113.7", 8080, "/a"),
        ("https://[2001:DB8:0::1]:65535/", "2001:db8::1", 65535, "/"),
        ("http://uss.example.org/~a,b;c:@d/", "uss.example.org", 80, "/~a,b;c:@d/"),
    ],
)
def test_plain_urls_are_read(url: str, host: str, port: int, path: str) -> None:
    target = read_url(url, allow_http=True)
    assert (target.host, target.port, target.path) == (host, port, path)


PIECES = ["uss.example.org", "evil.example", "127.0.0.1", "0x7f", "[::1]", "@", ":", ":443", "/", "//", "\\", "#", "?",
          "%2e", "%00", ".", "..", " ", "\t", "é", "https://", "http:"]  # fmt: skip


@given(rest=st.lists(st.sampled_from(PIECES) | st.text(max_size=2), max_size=6).map("".join))
def test_what_is_taken_has_one_reading(rest: str) -> None:
    """Two readers of the field's make of it what this one does."""
    url = f"https://{rest}"
    try:
        target = read_url(url, allow_http=True)
    except NotCallable:
        return
    split, other = urlsplit(url), httpx.URL(url)
    assert split.hostname is not None
    assert _same(split.hostname) == _same(other.host) == target.host
    assert (split.port or 443) == (other.port or 443) == target.port
    assert other.raw_path.decode() == target.path
    assert split.username is split.password is None


def _same(host: str) -> str:
    """A host as one reader gives it, an address in its usual form."""
    try:
        return str(ip_address(host))
    except ValueError:
        return host


def test_only_the_very_host_and_port_are_enrolled() -> None:
    outbound = Outbound(["uss.example.org:8443", "[2001:db8::1]"], allow_http=True)
    assert outbound.check("https://uss.example.org:8443/a").shown_host == "uss.example.org:8443"
    assert outbound.check("http://uss.example.org:8443/a").port == 8443
    assert outbound.check("https://[2001:db8:0::1]/").shown_host == "[2001:db8::1]"
    assert outbound.check("http://[2001:db8::1]/").port == 80
    for url in ("https://uss.example.org/", "https://[2001:db8::1]:8443/"):
        with pytest.raises(NotCallable) as refused:
            outbound.check(url)
        assert refused.value.code == "outbound_not_enrolled"


@pytest.mark.parametrize("place", ["", "https://uss.example.org", "a/b", "a:0", "user@a", "127.1", "*.example.org"])
def test_a_setting_that_is_no_host_is_refused_by_name(place: str) -> None:
    with pytest.raises(Malformed) as refused:
        Outbound([place])
    assert refused.value.field == "hosts"
    with pytest.raises(Malformed) as refused:
        Outbound([], [place])
    assert refused.value.field == "local_hosts"


TARGET = Target("https", "uss.example.org", 443, "/")
ALWAYS_REFUSED = [
    "0.0.0.0", "::", "169.254.169.254", "169.254.1.1", "fe80::1", "fe80::1%2", "224.0.0.1", "ff02::1", "240.0.0.1",
    "255.255.255.255", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "::ffff:169.254.169.254",
    "64:ff9b::a9fe:a9fe", "2002:a9fe:a9fe::1", "::ffff:0.0.0.0", "not an address",
]  # fmt: skip
ONLY_LOCAL = [
    "127.0.0.1", "127.9.9.9", "::1", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fd12::1",
    "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::1",
]  # fmt: skip
PUBLIC = ["8.8.8.8", "2a00:1450:4001:80b::200e", "64:ff9b::808:808", "::ffff:8.8.8.8"]


def is_refused(address: str, *, local: bool) -> bool:
    with pytest.raises(NotCallable) as refused:
        check_address(address, TARGET, local=local)
    return refused.value.code == "outbound_address"


@pytest.mark.parametrize("address", ALWAYS_REFUSED)
def test_some_addresses_are_never_called(address: str) -> None:
    assert is_refused(address, local=False)
    assert is_refused(address, local=True)


@pytest.mark.parametrize("address", ONLY_LOCAL)
def test_private_addresses_are_called_for_local_hosts_only(address: str) -> None:
    assert is_refused(address, local=False)
    assert check_address(address, TARGET, local=True) == ip_address(address)


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_called(address: str) -> None:
    assert check_address(address, TARGET, local=False) == ip_address(address)


# ── over real sockets ──

Answer = Callable[[bytes, asyncio.StreamWriter], Awaitable[None]]


class Server:
    """A service on loopback, and what was asked of it."""

    def __init__(self) -> None:
        self.asked: list[bytes] = []
        self.names: list[str | None] = []
        self.port = 0
        self.gone = asyncio.Event()
        """A caller has gone away before the answer was whole."""


@asynccontextmanager
async def service(
    answer: Answer, context: ssl.SSLContext | None = None, host: str = "127.0.0.1", port: int = 0
) -> AsyncIterator[Server]:
    server = Server()

    def note_name(_socket: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
        server.names.append(name)

    if context is not None:
        context.sni_callback = note_name

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lengths = [line for line in head.lower().split(b"\r\n") if line.startswith(b"content-length:")]
                body = await reader.readexactly(int(lengths[0].split(b":")[1])) if lengths else b""
                server.asked.append(head + body)
                await answer(head, writer)
                await writer.drain()
        except asyncio.IncompleteReadError:
            pass
        except OSError:
            server.gone.set()
        finally:
            writer.close()

    listening = await asyncio.start_server(serve, host, port, ssl=context)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()


def whole(body: bytes = b"{}", status: str = "200 OK", *headers: str) -> Answer:
    async def answer(_head: bytes, writer: asyncio.StreamWriter) -> None:
        lines = [f"HTTP/1.1 {status}", f"content-length: {len(body)}", *headers, "", ""]
        writer.write("\r\n".join(lines).encode() + body)

    return answer


async def nowhere(_host: str, _port: int) -> Sequence[str]:
    raise AssertionError("nothing should have been resolved")


def resolver(*answers: Sequence[str]) -> tuple[list[str], Callable[[str, int], Awaitable[Sequence[str]]]]:
    """One that gives these answers in turn, and what it was asked."""
    asked: list[str] = []

    async def resolve(host: str, _port: int) -> Sequence[str]:
        asked.append(host)
        return answers[min(len(asked), len(answers)) - 1]

    return asked, resolve


@asynccontextmanager
async def calling(server: Server, *addresses: Sequence[str], **more: object) -> AsyncIterator[tuple[Outbound, str]]:
    """An Outbound that may call `uss.example.org` at the server's port, and the beginning of its URL."""
    _, resolve = resolver(*(addresses or (["127.0.0.1"],)))
    place = f"uss.example.org:{server.port}"
    outbound = Outbound([], [place], allow_http=True, resolve=resolve, **more)  # type: ignore[arg-type]
    try:
        yield outbound, f"http://{place}"
    finally:
        await outbound.close()


def run(story: Awaitable[None]) -> None:
    async def told() -> None:
        await story

    asyncio.run(told())


def test_a_call_carries_method_path_token_and_body() -> None:
    async def story() -> None:
        async with service(whole(b'{"a":1}', "201 Created")) as server, calling(server) as (outbound, url):
            reply = await outbound.call("PUT", f"{url}/uss/v1/x?y=%20z", b'{"b":2}', token="a.b-c_d")
            assert reply == Reply(201, b'{"a":1}')
            head, _, body = server.asked[0].partition(b"\r\n\r\n")
            lines = head.decode().lower().split("\r\n")
            assert lines[0] == "put /uss/v1/x?y=%20z http/1.1"
            assert f"host: uss.example.org:{server.port}" in lines
            assert "authorization: bearer a.b-c_d" in lines
            assert "accept-encoding: identity" in lines
            assert "content-type: application/json" in lines
            assert body == b'{"b":2}'
            assert (await outbound.call("GET", url)).status == 201
            assert b"authorization" not in server.asked[1].lower()
            assert b"content-type" not in server.asked[1].lower()

    run(story())


@pytest.mark.parametrize("status", ["400 Bad Request", "404 Not Found", "409 Conflict", "500 Internal Server Error"])
def test_a_refusal_of_the_service_is_a_reply(status: str) -> None:
    async def story() -> None:
        async with service(whole(b"no", status)) as server, calling(server) as (outbound, url):
            assert await outbound.call("GET", url) == Reply(int(status[:3]), b"no")

    run(story())


def test_the_environment_is_not_asked_for_a_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")

    async def story() -> None:
        async with service(whole()) as server, calling(server) as (outbound, url):
            assert (await outbound.call("GET", url)).status == 200

    run(story())


def test_cookies_are_not_kept() -> None:
    async def story() -> None:
        async with (
            service(whole(b"{}", "200 OK", "set-cookie: a=b; path=/")) as server,
            calling(server) as (outbound, url),
        ):
            await outbound.call("GET", url)
            await outbound.call("GET", url)
            assert len(server.asked) == 2
            assert b"cookie" not in server.asked[1].lower()

    run(story())


@pytest.mark.parametrize("status", ["301 Moved Permanently", "302 Found", "303 See Other", "307 Temporary Redirect"])
def test_redirects_are_not_followed(status: str) -> None:
    async def story() -> None:
        async with service(whole()) as other:
            place = f"location: http://uss.example.org:{other.port}/"
            async with service(whole(b"", status, place)) as server, calling(server) as (outbound, url):
                with pytest.raises(CallFailed) as failed:
                    await outbound.call("GET", url)
                assert (failed.value.code, failed.value.sent) == ("outbound_redirect", True)
                assert other.asked == []

    run(story())


def test_a_name_that_resolves_to_something_else_a_moment_later_changes_nothing() -> None:
    async def story() -> None:
        async with (
            service(whole(b"right")) as right,
            service(whole(b"wrong"), host="127.0.0.2", port=right.port) as wrong,
        ):
            asked, resolve = resolver(["127.0.0.1"], ["127.0.0.2"])
            place = f"uss.example.org:{right.port}"
            outbound = Outbound([], [place], allow_http=True, resolve=resolve)
            assert (await outbound.call("GET", f"http://{place}/")).body == b"right"
            assert asked == ["uss.example.org"]
            assert wrong.asked == []
            await outbound.close()

    run(story())


@pytest.mark.parametrize("answer", [["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["::ffff:127.0.0.1"], ["169.254.169.254"]])
def test_a_host_that_leads_to_this_machine_is_not_called(answer: list[str]) -> None:
    async def story() -> None:
        async with service(whole()) as server:
            _, resolve = resolver(answer)
            place = f"uss.example.org:{server.port}"
            outbound = Outbound([place], allow_http=True, resolve=resolve)
            with pytest.raises(NotCallable) as refused:
                await outbound.call("GET", f"http://{place}/")
            assert refused.value.code == "outbound_address"
            assert server.asked == []
            await outbound.close()

    run(story())


def test_every_call_looks_at_the_address_again() -> None:
    """Also when a connection from before is still open."""

    async def story() -> None:
        async with service(whole()) as server, calling(server, ["127.0.0.1"], ["169.254.169.254"]) as (outbound, url):
            assert (await outbound.call("GET", url)).status == 200
            with pytest.raises(NotCallable):
                await outbound.call("GET", url)
            assert len(server.asked) == 1

    run(story())


def test_what_may_not_be_called_is_not_even_resolved() -> None:
    async def story() -> None:
        outbound = Outbound(["uss.example.org"], resolve=nowhere)
        for url, _ in TRICKS.values():
            with pytest.raises(NotCallable):
                await outbound.call("GET", url)
        with pytest.raises(NotCallable) as refused:
            await outbound.call("GET", URL, token="a\r\nx: y")
        assert refused.value.code == "outbound_token"
        await outbound.close()

    run(story())


def test_the_next_address_is_tried_where_nothing_listens() -> None:
    async def story() -> None:
        async with service(whole()) as server, calling(server, ["127.0.0.3", "127.0.0.1"]) as (outbound, url):
            assert (await outbound.call("GET", url)).status == 200

    run(story())


async def no_name(_host: str, _port: int) -> Sequence[str]:
    raise OSError("no such name")


async def hanging(_host: str, _port: int) -> Sequence[str]:
    await asyncio.Event().wait()
    return []


def test_names_that_do_not_resolve() -> None:
    async def story() -> None:
        for resolve, code in (
            (no_name, "outbound_no_name"),
            (resolver([])[1], "outbound_no_name"),
            (hanging, "outbound_slow"),
        ):
            outbound = Outbound(["uss.example.org"], resolve=resolve, whole_s=0.05)
            with pytest.raises(CallFailed) as failed:
                await outbound.call("GET", URL)
            assert failed.value.code == code
            assert failed.value.host == "uss.example.org"
            await outbound.close()

    run(story())


def test_names_of_this_machine_resolve_by_themselves() -> None:
    async def story() -> None:
        async with service(whole()) as server:
            outbound = Outbound([], [f"localhost:{server.port}"], allow_http=True)
            url = f"http://localhost:{server.port}/"
            replies = await asyncio.gather(*(outbound.call("GET", url) for _ in range(5)))
            assert [reply.status for reply in replies] == [200] * 5
            await outbound.close()

    run(story())


def test_nobody_listens() -> None:
    async def story() -> None:
        async with service(whole()) as server:
            port = server.port
        server.port = port
        async with calling(server) as (outbound, url):
            with pytest.raises(CallFailed) as failed:
                await outbound.call("POST", url, b"{}")
            assert (failed.value.code, failed.value.sent) == ("outbound_no_connection", False)

    run(story())


async def silent(_head: bytes, _writer: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def dripping_head(_head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nx: ")
    while True:
        writer.write(b"y")
        await writer.drain()
        await asyncio.sleep(0.01)


async def dripping_body(_head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"1\r\ny\r\n")
        await writer.drain()
        await asyncio.sleep(0.01)


async def waiting_for_ever(_head: bytes, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 102 Processing\r\n\r\n")
        await writer.drain()
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("answer", [silent, dripping_head, dripping_body, waiting_for_ever])
def test_slow_answers_are_cut(answer: Answer) -> None:
    async def story() -> None:
        async with service(answer) as server, calling(server, whole_s=0.2) as (outbound, url):
            with pytest.raises(CallFailed) as failed:
                await outbound.call("GET", url)
            assert (failed.value.code, failed.value.sent) == ("outbound_slow", True)

    run(story())


async def endless_body(_head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n")
    while True:
        writer.write(b"x" * 65536)
        await writer.drain()


async def endless_chunks(_head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n")
    while True:
        writer.write(b"10000\r\n" + b"x" * 65536 + b"\r\n")
        await writer.drain()


async def promising_much(_head: bytes, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 4194305\r\n\r\n")
    await asyncio.Event().wait()


@pytest.mark.parametrize("answer", [endless_body, endless_chunks, promising_much])
def test_huge_answers_are_cut_early(answer: Answer) -> None:
    async def story() -> None:
        async with service(answer) as server, calling(server) as (outbound, url):
            with pytest.raises(CallFailed) as failed:
                await outbound.call("GET", url)
            assert failed.value.code == "outbound_too_large"
            if answer is not promising_much:
                await asyncio.wait_for(server.gone.wait(), 10)

    run(story())


def test_an_answer_as_large_as_may_be_is_taken() -> None:
    async def story() -> None:
        async with (
            service(whole(b"x" * 1000)) as server,
            calling(server, max_answer_bytes=1000) as (outbound, url),
        ):
            assert len((await outbound.call("GET", url)).body) == 1000

    run(story())


def test_compressed_answers_are_refused_without_opening_them() -> None:
    async def story() -> None:
        bomb = gzip.compress(b"x" * 2**22)
        async with (
            service(whole(bomb, "200 OK", "content-encoding: gzip")) as server,
            calling(server) as (outbound, url),
        ):
            with pytest.raises(CallFailed) as failed:
                await outbound.call("GET", url)
            assert failed.value.code == "outbound_encoded"

    run(story())


BROKEN = {
    "no HTTP": b"SSH-2.0-OpenSSH_9\r\n\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nxx",
    "length below nought": b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\n",
    "length is a word": b"HTTP/1.1 200 OK\r\ncontent-length: many\r\n\r\n",
    "length of many figures": b"HTTP/1.1 200 OK\r\ncontent-length: " + b"9" * 5000 + b"\r\n\r\n",
    "unknown coding": b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
    "broken chunk": b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
    "too short": b"HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc",
    "nothing": b"",
    "head without end": b"HTTP/1.1 200 OK\r\nx: " + b"y" * 200_000,
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_answers(name: str) -> None:
    async def answer(_head: bytes, writer: asyncio.StreamWriter) -> None:
        writer.write(BROKEN[name])
        writer.close()
        raise OSError

    async def story() -> None:
        async with service(answer) as server, calling(server) as (outbound, url):
            with pytest.raises(CallFailed) as failed:
                await outbound.call("GET", url)
            assert (failed.value.code, failed.value.sent) == ("outbound_broken", True)

    run(story())


# ── TLS ──


def certificate(folder: Path, name: str) -> tuple[Path, ssl.SSLContext]:
    """A certificate for this name, signed by itself, and a server's context with it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(name)]), critical=False)
        .sign(key, hashes.SHA256())
    )
    file = folder / f"{name}.pem"
    file.write_bytes(made.public_bytes(Encoding.PEM))
    private = folder / f"{name}.key"
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file, private)
    return file, context


def test_tls_is_for_the_name_though_the_connection_is_to_the_address(tmp_path: Path) -> None:
    async def story() -> None:
        trusted, context = certificate(tmp_path, "uss.example.org")
        async with service(whole(), context) as server:
            place = f"uss.example.org:{server.port}"
            _, resolve = resolver(["127.0.0.1"])
            outbound = Outbound([], [place], resolve=resolve, authorities=trusted)
            assert (await outbound.call("GET", f"https://{place}/")).status == 200
            assert server.names == ["uss.example.org"]
            assert f"host: {place}".encode() in server.asked[0].lower()
            await outbound.close()

    run(story())


def test_a_certificate_of_another_name_or_of_nobody_known_is_refused(tmp_path: Path) -> None:
    async def story() -> None:
        other, context = certificate(tmp_path, "uss.example.com")
        ours, _ = certificate(tmp_path, "uss.example.org")
        async with service(whole(), context) as server:
            place = f"uss.example.org:{server.port}"
            for trusted in (other, ours, None):
                _, resolve = resolver(["127.0.0.1"])
                outbound = Outbound([], [place], resolve=resolve, authorities=trusted)
                with pytest.raises(CallFailed) as failed:
                    await outbound.call("GET", f"https://{place}/")
                assert (failed.value.code, failed.value.sent) == ("outbound_no_connection", False)
                await outbound.close()
            assert server.asked == []

    run(story())


def test_two_names_at_one_address_do_not_share_a_connection(tmp_path: Path) -> None:
    """A connection whose TLS was for one name would else carry what is meant for another."""

    async def story() -> None:
        trusted, context = certificate(tmp_path, "uss.example.org")
        async with service(whole(), context) as server:
            one, two = f"uss.example.org:{server.port}", f"dss.example.org:{server.port}"
            _, resolve = resolver(["127.0.0.1"])
            outbound = Outbound([], [one, two], resolve=resolve, authorities=trusted)
            assert (await outbound.call("GET", f"https://{one}/")).status == 200
            with pytest.raises(CallFailed):
                await outbound.call("GET", f"https://{two}/")
            assert server.names == ["uss.example.org", "dss.example.org"]
            assert len(server.asked) == 1
            await outbound.close()

    run(story())


def test_authorities_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    broken = tmp_path / "ca.pem"
    broken.write_text("no certificate")
    for file in (broken, tmp_path / "gone.pem"):
        with pytest.raises(Malformed) as refused:
            Outbound([], authorities=file)
        assert refused.value.field == "authorities"

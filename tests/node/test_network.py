"""HTTP to exactly the certificate on the card: every other answer is no answer."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from keepclear.errors import Malformed, PeerUnreachable
from keepclear.model.base import Name
from keepclear.model.parties import NodeCard
from keepclear.node.home import Home, HostedParty, create
from keepclear.node.network import HttpNetwork, check_address

NOW = datetime.now(UTC)
PARTY = HostedParty(id="russia", name=Name(en="Russia", ar="روسيا"))

Answer = Callable[[bytes], bytes | None]
"""From the request's head to the whole answer; None drops the connection."""


def home(directory: Path, address: str = "https://127.0.0.1:1") -> Home:
    return create(directory, "russia.node", [PARTY], address, NOW)


def ok(body: bytes, status: bytes = b"200 OK") -> bytes:
    return b"HTTP/1.1 %s\r\ncontent-length: %d\r\nconnection: close\r\n\r\n%s" % (status, len(body), body)


@asynccontextmanager
async def listening(answer: Answer, certificate: Path | None = None, key: Path | None = None) -> AsyncIterator[int]:
    """A server on loopback that reads one request and answers; yields its port."""
    context = None
    if certificate is not None and key is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate, key)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            length = next(int(line.split(b":")[1]) for line in head.lower().split(b"\r\n") if b"content-length" in line)
            await reader.readexactly(length)
            content = answer(head)
            if content is not None:
                writer.write(content)
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0, ssl=context)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()
        await server.wait_closed()


def card(of: Home, port: int, scheme: str = "https") -> NodeCard:
    return msgspec.structs.replace(of.card, address=f"{scheme}://127.0.0.1:{port}", certificate=of.certificate)


async def pushed(network: HttpNetwork, peer: NodeCard) -> bytes:
    try:
        return await network.push(peer, b"acts")
    finally:
        await network.close()


def run(work: Awaitable[bytes]) -> bytes:
    async def within() -> bytes:
        return await asyncio.wait_for(work, 20)

    return asyncio.run(within())


def test_the_node_with_the_certificate_on_the_card_is_spoken_to(tmp_path: Path) -> None:
    peer = home(tmp_path / "a")
    heads: list[bytes] = []

    def answer(head: bytes) -> bytes:
        heads.append(head)
        return ok(b"taken")

    async def story() -> bytes:
        async with listening(answer, peer.certificate_file, peer.certificate_key_file) as port:
            return await pushed(HttpNetwork(), card(peer, port))

    assert run(story()) == b"taken"
    assert heads[0].startswith(b"POST /peer/v1/acts HTTP/1.1\r\n")


def test_another_certificate_is_refused_before_anything_is_said(tmp_path: Path) -> None:
    peer, other = home(tmp_path / "a"), home(tmp_path / "b")
    heard: list[bytes] = []

    async def story() -> bytes:
        async with listening(heard.append, other.certificate_file, other.certificate_key_file) as port:
            return await pushed(HttpNetwork(), card(peer, port))

    with pytest.raises(PeerUnreachable, match="certificate"):
        run(story())
    assert heard == []


def test_a_certificate_signed_with_the_pinned_key_is_another_certificate(tmp_path: Path) -> None:
    peer = home(tmp_path / "a")
    pinned = x509.load_pem_x509_certificate(peer.certificate.encode())
    pinned_key = load_pem_private_key(peer.certificate_key_file.read_bytes(), None)
    assert isinstance(pinned_key, ec.EllipticCurvePrivateKey)
    own_key = ec.generate_private_key(ec.SECP256R1())
    issued = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "intruder")]))
        .issuer_name(pinned.subject)
        .public_key(own_key.public_key())
        .serial_number(7)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
        .sign(pinned_key, hashes.SHA256())
    )
    chain, key = tmp_path / "chain.crt", tmp_path / "intruder.key"
    chain.write_bytes(issued.public_bytes(Encoding.PEM) + peer.certificate.encode())
    key.write_bytes(own_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))

    async def story() -> bytes:
        async with listening(lambda head: ok(b"taken"), chain, key) as port:
            return await pushed(HttpNetwork(), card(peer, port))

    with pytest.raises(PeerUnreachable, match="certificate"):
        run(story())


@pytest.mark.parametrize(
    ("answer", "words"),
    [
        (ok(b"", b"302 Found").replace(b"\r\n", b"\r\nlocation: http://127.0.0.1:1/\r\n", 1), "302"),
        (ok(b"", b"503 Service Unavailable"), "503"),
        (ok(b"x" * 5000), "more than 1000 bytes"),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort", "cannot be reached"),
        (b"nonsense\r\n\r\n", "cannot be reached"),
        (None, "cannot be reached"),
    ],
)
def test_what_is_no_whole_answer_is_said_to_be_none(tmp_path: Path, answer: bytes | None, words: str) -> None:
    peer = home(tmp_path / "a")

    async def story() -> bytes:
        async with listening(lambda head: answer) as port:
            return await pushed(HttpNetwork(max_answer_bytes=1000), card(peer, port, "http"))

    with pytest.raises(PeerUnreachable, match=words):
        run(story())


def test_a_peer_that_is_silent_or_drips_is_given_up_after_the_time_limit(tmp_path: Path) -> None:
    peer = home(tmp_path / "a")

    async def story() -> bytes:
        async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n")
            try:
                while True:
                    writer.write(b".")
                    await writer.drain()
                    await asyncio.sleep(0.05)
            except OSError:
                pass
            finally:
                writer.close()

        server = await asyncio.start_server(drip, "127.0.0.1", 0)
        async with server:
            return await pushed(HttpNetwork(timeout_s=0.3), card(peer, server.sockets[0].getsockname()[1], "http"))

    with pytest.raises(PeerUnreachable):
        run(story())


def test_nobody_listening_is_no_answer(tmp_path: Path) -> None:
    with pytest.raises(PeerUnreachable, match=r"russia\.node"):
        run(pushed(HttpNetwork(), home(tmp_path / "a").card))


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:8443", "http://127.3.2.1:1", "http://[::1]:8443", "http://localhost:1"]
)
def test_plain_http_is_allowed_on_this_machine(tmp_path: Path, address: str) -> None:
    assert check_address(home(tmp_path / "a", address).card) is False


@pytest.mark.parametrize(
    ("address", "field"),
    [
        ("http://192.0.2.1:8443", "address"),
        ("http://127.0.0.1.example.org:8443", "address"),
        ("http://0x7f000001:1", "address"),
        ("http://localhost.example.org:1", "address"),
        ("https://192.0.2.1:99999", "address"),
        ("https://:1", "address"),
    ],
)
def test_an_address_that_cannot_be_trusted_is_refused(tmp_path: Path, address: str, field: str) -> None:
    peer = msgspec.structs.replace(home(tmp_path / "a").card, address=address)
    with pytest.raises(Malformed) as refused:
        check_address(peer)
    assert refused.value.field == field
    with pytest.raises(PeerUnreachable):
        run(pushed(HttpNetwork(), peer))


def test_a_card_holds_exactly_one_certificate_and_no_authority(tmp_path: Path) -> None:
    peer = home(tmp_path / "a")
    authority_key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.oid.NameOID.COMMON_NAME, "authority")])
    builder = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(authority_key.public_key())
        .serial_number(1)
        .not_valid_before(NOW - timedelta(days=1))
        .not_valid_after(NOW + timedelta(days=1))
    )
    silent = builder.sign(authority_key, hashes.SHA256())
    authority = builder.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(
        authority_key, hashes.SHA256()
    )
    for certificate in (
        "",
        "nothing",
        peer.certificate[:200],
        peer.certificate * 2,
        silent.public_bytes(Encoding.PEM).decode(),
        authority.public_bytes(Encoding.PEM).decode(),
    ):
        with pytest.raises(Malformed) as refused:
            check_address(msgspec.structs.replace(peer.card, certificate=certificate))
        assert refused.value.field == "certificate"

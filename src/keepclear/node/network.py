"""The way to another node: a request of bytes, an answer of bytes.

What the bytes mean is in `peers.py`. `HttpNetwork` speaks HTTPS to exactly the certificate on the peer's card: no
authority vouches for it, and none needs to. Plain http is for nodes on one machine.
"""

from __future__ import annotations

import asyncio
import ipaddress
import ssl
from typing import Protocol
from urllib.parse import urlsplit

import httpx
from cryptography import x509

from keepclear.errors import Malformed, PeerUnreachable
from keepclear.model.parties import NodeCard

PUSH_PATH = "/peer/v1/acts"
PULL_PATH = "/peer/v1/pull"

MAX_ANSWER_BYTES = 4 * 2**20


class Network(Protocol):
    """What a node needs of the way to its peers. Each call raises PeerUnreachable if no whole answer came in time."""

    async def push(self, peer: NodeCard, body: bytes) -> bytes:
        """Hand acts to a peer; its answer."""
        ...

    async def pull(self, peer: NodeCard, body: bytes) -> bytes:
        """Ask a peer for acts; its answer."""
        ...

    async def close(self) -> None:
        """Let go of open connections."""
        ...


class HttpNetwork:
    """Peers over HTTP, a connection pool for each. Follows no redirects and reads no proxy settings."""

    def __init__(self, timeout_s: float = 10.0, max_answer_bytes: int = MAX_ANSWER_BYTES) -> None:
        self._timeout_s = timeout_s
        self._max_answer_bytes = max_answer_bytes
        self._clients: dict[tuple[str, str], httpx.AsyncClient] = {}

    async def push(self, peer: NodeCard, body: bytes) -> bytes:
        """See `Network.push`."""
        return await self._post(peer, PUSH_PATH, body)

    async def pull(self, peer: NodeCard, body: bytes) -> bytes:
        """See `Network.pull`."""
        return await self._post(peer, PULL_PATH, body)

    async def close(self) -> None:
        """See `Network.close`."""
        clients, self._clients = list(self._clients.values()), {}
        for client in clients:
            await client.aclose()

    async def _post(self, peer: NodeCard, path: str, body: bytes) -> bytes:
        headers = {"content-type": "application/json", "accept-encoding": "identity"}
        try:
            request = self._client(peer).stream("POST", peer.address + path, content=body, headers=headers)
            # httpx limits each step; the whole is limited here, so that no peer can drip an answer for ever.
            async with asyncio.timeout(self._timeout_s), request as answer:
                if answer.status_code != 200:
                    raise PeerUnreachable(f"{peer.id} answered with HTTP status {answer.status_code}")
                content = bytearray()
                async for chunk in answer.aiter_raw():
                    content += chunk
                    if len(content) > self._max_answer_bytes:
                        raise PeerUnreachable(f"{peer.id} answered with more than {self._max_answer_bytes} bytes")
                return bytes(content)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            raise PeerUnreachable(f"{peer.id} cannot be reached: {str(error) or type(error).__name__}") from error
        except Malformed as error:
            raise PeerUnreachable(f"{peer.id} cannot be reached: {error}") from error

    def _client(self, peer: NodeCard) -> httpx.AsyncClient:
        key = (peer.address, peer.certificate)
        if key not in self._clients:
            self._clients[key] = httpx.AsyncClient(
                verify=check_address(peer),
                timeout=self._timeout_s,
                follow_redirects=False,
                trust_env=False,
                limits=httpx.Limits(max_connections=4, max_keepalive_connections=2),
            )
        return self._clients[key]


def check_address(peer: NodeCard) -> ssl.SSLContext | bool:
    """How to trust this peer's address: a context that accepts only its certificate, or False for http on loopback.

    Malformed (`address` or `certificate`) if it can be trusted in neither way.
    """
    try:
        parts = urlsplit(peer.address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        raise Malformed("the port of the address is not one", field="address") from None
    if not host:
        raise Malformed("the address has no host", field="address")
    if parts.scheme == "http":
        if not _is_loopback(host):
            raise Malformed("plain http is for nodes on one machine; use https", field="address", code="not_https")
        return False
    return _pinned(peer.certificate)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _pinned(certificate: str) -> ssl.SSLContext:
    """Trusts one certificate. It must not be an authority, or it could vouch for others."""
    try:
        found = x509.load_pem_x509_certificates(certificate.encode("ascii"))
    except ValueError:
        raise Malformed("the card holds no certificate (PEM) to expect of this node", field="certificate") from None
    if len(found) != 1:
        raise Malformed("the card must hold exactly one certificate", field="certificate")
    try:
        authority = found[0].extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    except (x509.ExtensionNotFound, ValueError):
        authority = True
    if authority:
        raise Malformed("the certificate must say that it is not an authority", field="certificate")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    # The certificate itself is known, so the name in it adds nothing; a node may be reached by an address it lacks.
    context.check_hostname = False
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(cadata=certificate)
    return context

"""Which addresses of services may be called at all: what a URL says, read in one way only, and where it leads.

URLs of services come in with other people's requests. Two programs that read one URL differently are how a check is
passed with one host and the call goes to another; so what has more than one reading is refused, not repaired.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Collection
from dataclasses import dataclass

from keepclear.errors import Malformed

MAX_URL = 2_000
MAX_PORT = 65_535
DEFAULT_PORTS = {"https": 443, "http": 80}

_URL = re.compile(
    r"(?P<scheme>https?)://(?P<authority>[^/?]*)(?P<path>/[^?]*)?(?:\?(?P<query>.*))?", re.IGNORECASE | re.ASCII
)
_AUTHORITY = re.compile(r"(?P<host>\[[^\]]*\]|[^:]*)(?::(?P<port>[1-9][0-9]{0,4}))?", re.ASCII)
_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?", re.ASCII)
_NUMBER = re.compile(r"[0-9]+|0x[0-9a-f]*", re.ASCII)
_PATH = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/-]|%[0-9A-Fa-f]{2})*", re.ASCII)
_QUERY = re.compile(r"(?:[A-Za-z0-9._~!$&'()*+,;=:@/?-]|%[0-9A-Fa-f]{2})*", re.ASCII)
_HIDDEN_IN_PATH = re.compile(r"%(?:[01][0-9a-f]|7f|2e|2f|5c)", re.IGNORECASE)
"""Control characters, dots, slashes and backslashes written so that only some readers see them."""

_METADATA = frozenset(
    ipaddress.ip_address(each)
    for each in ("169.254.169.254", "fd00:ec2::254", "100.100.100.200", "168.63.129.16", "192.0.0.192")
)
"""Where clouds tell a machine its own secrets."""
_TRANSLATED = (ipaddress.IPv6Network("64:ff9b::/96"), ipaddress.IPv6Network("64:ff9b:1::/48"))
_COMPATIBLE = ipaddress.IPv6Network("::/96")

IpAddress = ipaddress.IPv4Address | ipaddress.IPv6Address


class NotCallable(Malformed):
    """This URL is not called, and why (`code`). `field` is "url" until whoever took it in names it better."""

    code = "outbound_url"

    def __init__(self, message: str, *, code: str | None = None, **values: object) -> None:
        super().__init__(message, field="url", code=code, **values)


@dataclass(frozen=True, slots=True)
class Target:
    """A URL taken apart. `host` is a name in lower case or an IP address in its usual form, IPv6 without brackets."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def shown_host(self) -> str:
        """As the Host header says it."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Place:
    """A host as settings list it. `port` None: the usual one of the scheme."""

    host: str
    port: int | None = None

    def holds(self, target: Target) -> bool:
        """Whether the target is exactly this host and port."""
        wanted = DEFAULT_PORTS[target.scheme] if self.port is None else self.port
        return (self.host, wanted) == (target.host, target.port)


def read_place(text: str, field: str) -> Place:
    """`host` or `host:port` as a setting names it; Malformed (`field`)."""
    try:
        host, port = _host_and_port(text)
    except NotCallable as error:
        raise Malformed(f"{text!r} is not a host or host:port: {error.message}", field=field, code=error.code) from None
    return Place(host, port)


def read_url(url: str, *, allow_http: bool = False) -> Target:
    """A URL taken apart; NotCallable with its reason if it is not plainly one: https, a host, perhaps a port, a path.

    Plain http only where `allow_http`. Nothing is normalised but the case of scheme and host.
    """
    if len(url) > MAX_URL:
        raise NotCallable(f"a URL has at most {MAX_URL} characters")
    if not url.isascii() or any(not "!" <= each <= "~" for each in url):
        raise NotCallable("a URL has no spaces, control characters or letters beyond ASCII", code="outbound_characters")
    if "\\" in url or "#" in url:
        raise NotCallable("a URL to call has no backslash and no fragment", code="outbound_characters")
    parts = _URL.fullmatch(url)
    if parts is None:
        raise NotCallable("a URL to call begins with https:// and a host")
    scheme = parts["scheme"].lower()
    host, port = _host_and_port(parts["authority"])
    if scheme == "http" and not allow_http:
        raise NotCallable("services are called with https only", code="outbound_https")
    path, query = parts["path"] or "/", parts["query"]
    if not _PATH.fullmatch(path) or _HIDDEN_IN_PATH.search(path):
        raise NotCallable("the path of the URL has characters that paths do not have", code="outbound_path")
    if "//" in path or any(part in (".", "..") for part in path.split("/")):
        raise NotCallable("the path of the URL has empty parts, or dots that lead elsewhere", code="outbound_path")
    if query is not None and not _QUERY.fullmatch(query):
        raise NotCallable("the query of the URL has characters that queries do not have", code="outbound_path")
    whole = path if query is None else f"{path}?{query}"
    return Target(scheme, host, DEFAULT_PORTS[scheme] if port is None else port, whole)


def check_address(text: str, target: Target, *, local: bool) -> IpAddress:
    """An address a host resolves to, if it may be called: public, or for a `local` host private or of this machine.

    Never link-local, multicast, reserved, unspecified, or where a cloud keeps a machine's secrets, however it is
    written (IPv4 inside IPv6 is looked at as IPv4 too). NotCallable (`outbound_address`).
    """
    try:
        address = ipaddress.ip_address(text)
    except ValueError:
        message = f"{target.host} resolves to {text!r}, which is no IP address"
        raise NotCallable(message, code="outbound_address", host=target.host, address=text) from None
    for each in (address, *_inside(address)):
        if not _may_be_called(each, local=local):
            message = f"{target.host} is at {text}, an address that is not called"
            raise NotCallable(message, code="outbound_address", host=target.host, address=text)
    return address


def find_place(target: Target, places: Collection[Place]) -> Place | None:
    """The listed place that is exactly the target's host and port, if any."""
    return next((place for place in places if place.holds(target)), None)


def _host_and_port(authority: str) -> tuple[str, int | None]:
    if "@" in authority:
        raise NotCallable("a URL to call names no user", code="outbound_user")
    parts = _AUTHORITY.fullmatch(authority)
    if parts is None or (parts["port"] is not None and int(parts["port"]) > MAX_PORT):
        raise NotCallable(f"a port is 1 to {MAX_PORT}, written plainly", code="outbound_port")
    return _host(parts["host"].lower()), int(parts["port"]) if parts["port"] else None


def _host(host: str) -> str:
    if host.startswith("["):
        try:
            if "%" in host:
                raise ValueError("a zone")
            return str(ipaddress.IPv6Address(host[1:-1]))
        except ValueError:
            raise NotCallable("this is no IPv6 address without a zone", code="outbound_host") from None
    labels = host.split(".")
    if _NUMBER.fullmatch(labels[-1]):
        # What ends in a number is an IPv4 address to some readers, in whatever base and however many parts.
        try:
            return str(ipaddress.IPv4Address(host))
        except ValueError:
            raise NotCallable("an IPv4 address is four decimal numbers", code="outbound_host") from None
    if len(host) > 253 or not all(_LABEL.fullmatch(label) for label in labels):
        message = "a host is labels of letters, digits and hyphens with single dots between them"
        raise NotCallable(message, code="outbound_host")
    return host


def _inside(address: IpAddress) -> list[IpAddress]:
    """The IPv4 addresses that an IPv6 address carries: mapped, compatible, 6to4, Teredo, NAT64."""
    if isinstance(address, ipaddress.IPv4Address):
        return []
    found: list[IpAddress] = []
    if address.ipv4_mapped is not None:
        found.append(address.ipv4_mapped)
    if address.sixtofour is not None:
        found.append(address.sixtofour)
    if address.teredo is not None:
        found.extend(address.teredo)
    plain = address in _COMPATIBLE and int(address) > 1
    if plain or any(address in network for network in _TRANSLATED):
        found.append(ipaddress.IPv4Address(int(address) & 0xFFFFFFFF))
    return found


def _may_be_called(address: IpAddress, *, local: bool) -> bool:
    if address in _METADATA or address.is_multicast or address.is_unspecified or address.is_link_local:
        return False
    if address.is_loopback:
        return local
    if address.is_reserved and not _carries_ipv4(address):
        return False
    return address.is_global or (local and address.is_private) or _carries_ipv4(address)


def _carries_ipv4(address: IpAddress) -> bool:
    """Whether what counts is the IPv4 address inside, which is looked at by itself."""
    return isinstance(address, ipaddress.IPv6Address) and bool(_inside(address))

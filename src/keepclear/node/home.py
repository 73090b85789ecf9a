"""A node's folder on disk: its settings, its keys, its certificate, its token and its record.

    node.json        id, address, parties
    keys/<id>.pem    a private key each for the node and its parties (PKCS 8, not encrypted, mode 0600)
    tls.crt tls.key  the certificate its peers pin, and its key
    token            what a local caller must show
    record.sqlite    the record; made when the node first starts, unless the record is in a database (`store`)

Whoever can read the folder can speak for the node and its parties.
"""

from __future__ import annotations

import ipaddress
import os
import re
import secrets
import stat
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated
from urllib.parse import urlsplit

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Meta

from keepclear.errors import Malformed, Refused, StoreFailed
from keepclear.model.base import Id, Name, Value
from keepclear.model.parties import NodeCard, PartyCard
from keepclear.record import SigningKey
from keepclear.store import Store, open_store

MAX_NODE_ID = 44
"""A node's own line is called `own.` and its id, and that is an id too (at most 48 letters)."""
CERTIFICATE_LASTS = timedelta(days=3650)

_PASSWORD = re.compile(r"//[^/@]*:[^/]*@|[?&]password=", re.IGNORECASE)

Address = Annotated[str, Meta(pattern=r"^https?://[^\s/?#@]+$", max_length=200)]


class HostedParty(Value, frozen=True, kw_only=True):
    """A party this node speaks for."""

    id: Id
    name: Name


class Settings(Value, frozen=True, kw_only=True):
    """What a person may read and change in `node.json`. `address` is where peers reach this node.

    `store` is the database that keeps the record, without a password; None: the record is in the folder.
    """

    id: Id
    address: Address
    parties: Annotated[tuple[HostedParty, ...], Meta(min_length=1, max_length=50)]
    store: Annotated[str, Meta(min_length=1, max_length=1000)] | None = None


@dataclass(frozen=True, slots=True, repr=False)
class Home:
    """An opened folder. `keys` is by author: the node and each hosted party."""

    directory: Path
    settings: Settings
    keys: Mapping[str, SigningKey]
    certificate: str
    token: str

    def __repr__(self) -> str:
        return f"Home({str(self.directory)!r})"

    @property
    def card(self) -> NodeCard:
        """This node as its peers see it. The certificate is left out where the address is plain http."""
        return NodeCard(
            id=self.settings.id,
            key=self.keys[self.settings.id].verifier.vkey,
            address=self.settings.address,
            certificate=self.certificate if self.settings.address.startswith("https://") else "",
            parties=tuple(
                PartyCard(id=party.id, name=party.name, key=self.keys[party.id].verifier.vkey)
                for party in self.settings.parties
            ),
        )

    @property
    def record(self) -> Path:
        """The file of the record."""
        return self.directory / "record.sqlite"

    @property
    def certificate_file(self) -> Path:
        """The certificate of the listener for peers (PEM)."""
        return self.directory / "tls.crt"

    @property
    def certificate_key_file(self) -> Path:
        """The private key of that certificate (PEM, mode 0600)."""
        return self.directory / "tls.key"


def create(directory: Path, node: str, parties: Iterable[HostedParty], address: str, now: datetime) -> Home:
    """Make a node's folder with fresh keys, certificate and token; returns it opened.

    Malformed naming the field if an id, name or address is not one; Refused (`directory`) if anything is there already;
    StoreFailed if the disk refuses.
    """
    settings = _settings(
        msgspec.json.encode({"id": node, "address": address, "parties": [msgspec.to_builtins(p) for p in parties]})
    )
    authors = [settings.id, *(party.id for party in settings.parties)]
    if len(set(authors)) != len(authors):
        raise Malformed("parties have different ids, and none the node's own", field="parties")
    if len(settings.id) > MAX_NODE_ID:
        raise Malformed(f"the id of a node has at most {MAX_NODE_ID} letters", field="node")
    host = _host(settings.address)
    try:
        directory.mkdir(parents=True, exist_ok=True, mode=0o700)
        if any(directory.iterdir()):
            raise Refused("there is something in this folder already", field="directory", code="not_empty")
        (directory / "keys").mkdir(mode=0o700)
        for author in authors:
            write_new(directory / "keys" / f"{author}.pem", _pem(Ed25519PrivateKey.generate()))
        certificate_key = ec.generate_private_key(ec.SECP256R1())
        write_new(directory / "tls.key", _pem(certificate_key))
        write_new(directory / "tls.crt", _certificate(settings.id, host, certificate_key, now), mode=0o644)
        write_new(directory / "token", secrets.token_urlsafe(32).encode() + b"\n")
        # Written last: a folder without it is one whose making broke off, and does not open.
        content = msgspec.json.format(msgspec.json.encode(settings), indent=2)
        write_new(directory / "node.json", content + b"\n", mode=0o644)
        for folder in (directory / "keys", directory, directory.parent):
            _sync(folder)
    except OSError as error:
        raise StoreFailed(f"the folder {directory} cannot be made: {error.strerror}") from error
    return open_home(directory)


def open_home(directory: Path) -> Home:
    """Open a node's folder. Malformed naming the file that is missing, damaged, or a key that others may read."""
    settings = _settings(_read(directory / "node.json"))
    keys = {}
    for author in (settings.id, *(party.id for party in settings.parties)):
        keys[author] = SigningKey(author, _private_key(directory / "keys" / f"{author}.pem"))
    home = Home(
        directory=directory,
        settings=settings,
        keys=keys,
        certificate=_read(directory / "tls.crt").decode("ascii", "replace"),
        token=read_secret(directory / "token").decode("ascii", "replace").strip(),
    )
    read_secret(home.certificate_key_file)
    if len(home.token) < 20:
        raise Malformed("the token is too short to protect anything", field="token")
    return home


def open_record(home: Home, address: str | None = None) -> Store:
    """The store of a node's record: in the database of this address, else of the setting `store`, else in the folder.

    Refused (`store`, `record_here`) if a database is named and the folder has a record too. Raises like `open_store`.
    """
    address = address or home.settings.store
    if address is not None and home.record.exists():
        message = f"{home.directory} has a record of its own, and a node has one record"
        raise Refused(message, field="store", code="record_here")
    return open_store(address, home.settings.id, home.record)


def _settings(content: bytes) -> Settings:
    try:
        settings = msgspec.json.decode(content, type=Settings)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise Malformed(f"the settings cannot be read: {error}", field="node.json") from None
    if settings.store is not None and _PASSWORD.search(settings.store):
        raise Malformed("others may read node.json; it takes no password", field="store", code="store_password")
    return settings


def _host(address: str) -> str:
    try:
        parts = urlsplit(address)
        host, _ = parts.hostname, parts.port
    except ValueError:
        host = None
    if not host:
        raise Malformed("an address is http:// or https://, a host and a port", field="address")
    return host


def _pem(key: Ed25519PrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


def _certificate(node: str, host: str, key: ec.EllipticCurvePrivateKey, now: datetime) -> bytes:
    """Self-signed, and not an authority: a peer that pins it trusts this certificate and no other."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, node)])
    try:
        alternative: x509.GeneralName = x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        alternative = x509.DNSName(host)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + CERTIFICATE_LASTS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName([alternative]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(key, hashes.SHA256())
    )
    return certificate.public_bytes(Encoding.PEM)


def write_new(file: Path, content: bytes, mode: int = 0o600) -> None:
    """Write a file that is not there yet, through to the disk. OSError."""
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise Malformed(f"{file} cannot be read: {error.strerror}", field=file.name) from None


def read_secret(file: Path) -> bytes:
    """The content of a file that only its owner may read; Malformed naming it, also if others may."""
    content = _read(file)
    if file.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise Malformed(f"{file} can be read by others; make it mode 0600", field=file.name, code="not_private")
    return content


def _private_key(file: Path) -> Ed25519PrivateKey:
    try:
        key = load_pem_private_key(read_secret(file), password=None)
    except (ValueError, TypeError):
        raise Malformed(f"{file} does not hold a private key", field=file.name) from None
    if not isinstance(key, Ed25519PrivateKey):
        raise Malformed(f"{file} does not hold an Ed25519 key", field=file.name)
    return key

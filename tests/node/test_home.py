"""A node's folder: made once, private, opened only when whole."""

from __future__ import annotations

import stat
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from keepclear.errors import Malformed, Refused, StoreFailed
from keepclear.line.state import own_line
from keepclear.model.base import Name
from keepclear.model.parties import LineCard
from keepclear.node.home import Home, HostedParty, create, open_home

NOW = datetime(2017, 9, 8, 5, 10, tzinfo=UTC)
CONVOY = HostedParty(id="convoy", name=Name(en="Convoy", ar="القافلة"))
FORCES = HostedParty(id="ground", name=Name(en="Ground forces", ar="القوات البرية"))


def make(directory: Path, address: str = "https://192.0.2.7:8443") -> Home:
    return create(directory, "desk.node", [CONVOY, FORCES], address, NOW)


def test_a_folder_is_made_and_opens_again_as_the_same_node(tmp_path: Path) -> None:
    home = make(tmp_path / "desk")
    again = open_home(tmp_path / "desk")
    assert again.card == home.card
    assert again.token == home.token
    assert set(again.keys) == {"desk.node", "convoy", "ground"}
    assert [party.id for party in again.card.parties] == ["convoy", "ground"]
    assert again.card.parties[0].name == CONVOY.name
    assert again.card.address == "https://192.0.2.7:8443"
    assert again.card.key == home.keys["desk.node"].verifier.vkey


def test_what_is_secret_is_readable_by_its_owner_only(tmp_path: Path) -> None:
    home = make(tmp_path / "desk")
    secrets = [*(home.directory / "keys").iterdir(), home.certificate_key_file, home.directory / "token"]
    assert len(secrets) == 5
    assert {stat.S_IMODE(file.stat().st_mode) for file in secrets} == {0o600}
    assert stat.S_IMODE(home.directory.stat().st_mode) == 0o700
    assert "desk" in repr(home)
    assert home.token not in repr(home)


def test_the_certificate_is_for_this_address_and_vouches_for_nobody(tmp_path: Path) -> None:
    certificate = x509.load_pem_x509_certificate(make(tmp_path / "a").certificate.encode())
    key = certificate.public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    assert isinstance(key.curve, ec.SECP256R1)
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(ip) for ip in names.get_values_for_type(x509.IPAddress)] == ["192.0.2.7"]
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    named = x509.load_pem_x509_certificate(make(tmp_path / "b", "https://desk.example.org:8443").certificate.encode())
    names = named.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["desk.example.org"]


def test_a_node_reached_by_plain_http_shows_no_certificate(tmp_path: Path) -> None:
    assert make(tmp_path / "desk", "http://127.0.0.1:8443").card.certificate == ""


def test_a_folder_with_anything_in_it_is_left_alone(tmp_path: Path) -> None:
    home = make(tmp_path / "desk")
    before = {file: file.read_bytes() for file in home.directory.rglob("*") if file.is_file()}
    with pytest.raises(Refused, match="directory") as refused:
        make(tmp_path / "desk")
    assert refused.value.code == "not_empty"
    assert {file: file.read_bytes() for file in home.directory.rglob("*") if file.is_file()} == before


@pytest.mark.parametrize(
    ("node", "parties", "address", "field"),
    [
        ("Desk Node", [CONVOY], "https://a:1", "node.json"),
        ("desk.node", [], "https://a:1", "node.json"),
        ("desk.node", [CONVOY], "ftp://a:1", "node.json"),
        ("desk.node", [CONVOY], "https://user@a:1", "node.json"),
        ("desk.node", [CONVOY], "https://a:port", "address"),
        ("desk.node", [CONVOY, CONVOY], "https://a:1", "parties"),
        ("convoy", [CONVOY], "https://a:1", "parties"),
    ],
)
def test_what_is_no_node_is_refused_and_nothing_is_made(
    tmp_path: Path, node: str, parties: list[HostedParty], address: str, field: str
) -> None:
    with pytest.raises(Malformed) as refused:
        create(tmp_path / "desk", node, parties, address, NOW)
    assert refused.value.field == field
    assert not (tmp_path / "desk").exists()


def test_the_id_of_a_node_leaves_room_for_its_own_line(tmp_path: Path) -> None:
    with pytest.raises(Malformed) as refused:
        create(tmp_path / "long", "n" * 45, [CONVOY], "https://192.0.2.7:8443", NOW)
    assert refused.value.field == "node"
    assert not (tmp_path / "long").exists()
    card = create(tmp_path / "just", "n" * 44, [CONVOY], "https://192.0.2.7:8443", NOW).card
    line = msgspec.convert({"id": own_line(card.id), "name": CONVOY.name, "members": ("convoy",)}, LineCard)
    assert line.id == "own." + "n" * 44


def test_a_folder_that_cannot_be_made_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here")
    with pytest.raises(StoreFailed, match="cannot be made"):
        make(tmp_path / "file" / "desk")


@pytest.mark.parametrize("name", ["node.json", "keys/convoy.pem", "tls.crt", "tls.key", "token"])
def test_a_missing_file_is_named(tmp_path: Path, name: str) -> None:
    file = make(tmp_path / "desk").directory / name
    file.unlink()
    with pytest.raises(Malformed) as refused:
        open_home(tmp_path / "desk")
    assert refused.value.field == file.name


@pytest.mark.parametrize("name", ["keys/convoy.pem", "tls.key", "token"])
def test_a_secret_that_others_can_read_is_refused(tmp_path: Path, name: str) -> None:
    file = make(tmp_path / "desk").directory / name
    file.chmod(0o640)
    with pytest.raises(Malformed, match="0600") as refused:
        open_home(tmp_path / "desk")
    assert refused.value.code == "not_private"


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
        ec.generate_private_key(ec.SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()),
    ],
    ids=["empty", "damaged", "of another kind"],
)
def test_a_damaged_key_is_named(tmp_path: Path, content: bytes) -> None:
    file = make(tmp_path / "desk").directory / "keys" / "ground.pem"
    file.write_bytes(content)
    with pytest.raises(Malformed) as refused:
        open_home(tmp_path / "desk")
    assert refused.value.field == "ground.pem"


@pytest.mark.parametrize(
    "content", [b"{", b"[]", b'{"id":"desk.node"}', b'{"id":1,"address":"https://a:1","parties":[]}']
)
def test_damaged_settings_are_refused(tmp_path: Path, content: bytes) -> None:
    (make(tmp_path / "desk").directory / "node.json").write_bytes(content)
    with pytest.raises(Malformed) as refused:
        open_home(tmp_path / "desk")
    assert refused.value.field == "node.json"


def test_a_token_too_short_is_refused(tmp_path: Path) -> None:
    (make(tmp_path / "desk").directory / "token").write_text("short\n")
    with pytest.raises(Malformed) as refused:
        open_home(tmp_path / "desk")
    assert refused.value.field == "token"

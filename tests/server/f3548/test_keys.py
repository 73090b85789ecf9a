"""Public keys are read from files, strictly; a private key or a weak one is refused with the file named."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from keepclear.errors import Malformed
from keepclear.server.f3548.auth import Unauthenticated, Verifier
from keepclear.server.f3548.keys import read_keys
from tests.server.f3548.tokens import NOW, header, jwk, pem, rsa_key, token

SPKI = (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def file(folder: Path, content: bytes | dict[str, Any], name: str = "keys.pem") -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else json.dumps(content).encode())
    return path


def test_keys_of_pem_files_and_sets_verify(tmp_path: Path) -> None:
    both = file(tmp_path, b"the keys of two issuers\n" + pem(rsa_key("stranger")) + pem(rsa_key("issuer")))
    others = {
        "keys": [{"kty": "EC", "crv": "P-256"}, jwk(rsa_key("issuer"), use="enc"), jwk(rsa_key("issuer"), kid="a")]
    }
    listed = file(tmp_path, others, "keys.json")
    assert len(read_keys([both])) == 2
    assert [key.kid for key in read_keys([listed])] == ["a"]
    for keys in (read_keys([both]), read_keys([listed]), read_keys([both, listed])):
        assert Verifier(keys, ["dss.example.org"]).asker(f"Bearer {token(header(kid='a'))}", NOW).sub == "uss_north"


def test_a_key_of_a_set_that_is_not_for_signatures_opens_nothing(tmp_path: Path) -> None:
    keys = [jwk(rsa_key("issuer"), use="enc"), jwk(rsa_key("stranger"))]
    verifier = Verifier(read_keys([file(tmp_path, {"keys": keys})]), ["dss.example.org"])
    with pytest.raises(Unauthenticated):
        verifier.asker(f"Bearer {token()}", NOW)


def private(key: Any, form: PrivateFormat = PrivateFormat.PKCS8) -> bytes:
    found: bytes = key.private_bytes(Encoding.PEM, form, NoEncryption())
    return found


def exponent(value: str) -> dict[str, Any]:
    return {"keys": [{**jwk(rsa_key("issuer")), "e": value}]}


BAD: dict[str, tuple[Any, str, str]] = {
    "empty": (lambda: b"", "k", "utm_key_unreadable"),
    "not a key": (lambda: b"hello", "k", "utm_key_unreadable"),
    "not text": (lambda: b"\xff\xfe", "k", "utm_key_unreadable"),
    "too large": (lambda: b"x" * (2**18 + 1), "k", "utm_key_unreadable"),
    "private key": (lambda: private(rsa_key("issuer")), "k", "utm_key_private"),
    "old private key": (
        lambda: private(rsa_key("issuer"), PrivateFormat.TraditionalOpenSSL),
        "k",
        "utm_key_private",
    ),
    "public key beside its private one": (
        lambda: pem(rsa_key("issuer")) + private(rsa_key("issuer")),
        "k",
        "utm_key_private",
    ),
    "weak": (lambda: pem(rsa_key("weak", 1024)), "k", "utm_key_weak"),
    "Ed25519": (
        lambda: ed25519.Ed25519PrivateKey.generate().public_key().public_bytes(*SPKI),
        "k",
        "utm_key_unreadable",
    ),
    "EC": (lambda: ec.generate_private_key(ec.SECP256R1()).public_key().public_bytes(*SPKI), "k", "utm_key_unreadable"),
    "certificate": (
        lambda: b"-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "k",
        "utm_key_unreadable",
    ),
    "damaged": (lambda: pem(rsa_key("issuer")).replace(b"A", b"B"), "k", "utm_key_unreadable"),
    "set that is no JSON": (lambda: b"{keys}", "k", "utm_key_unreadable"),
    "set with a name twice": (lambda: b'{"keys":[],"keys":[]}', "k", "utm_key_unreadable"),
    "set without keys": (lambda: {"key": []}, "k.keys", "utm_key_unreadable"),
    "empty set": (lambda: {"keys": []}, "k.keys", "utm_key_unreadable"),
    "set of other kinds": (lambda: {"keys": [jwk(rsa_key("issuer"), alg="RS512")]}, "k.keys", "utm_key_unreadable"),
    "set of no keys": (lambda: {"keys": [7]}, "k.keys[0]", "utm_key_unreadable"),
    "private key in a set": (
        lambda: {"keys": [jwk(rsa_key("stranger")), jwk(rsa_key("issuer"), d="AA")]},
        "k.keys[1]",
        "utm_key_private",
    ),
    "shared secret in a set": (lambda: {"keys": [{"kty": "oct", "k": "AAAA"}]}, "k.keys[0]", "utm_key_private"),
    "weak in a set": (lambda: {"keys": [jwk(rsa_key("weak", 1024))]}, "k.keys[0]", "utm_key_weak"),
    "no modulus": (lambda: {"keys": [{"kty": "RSA", "e": "AQAB"}]}, "k.keys[0].n", "utm_key_unreadable"),
    "exponent is no base64": (lambda: exponent("AQ=B"), "k.keys[0]", "utm_key_unreadable"),
    "exponent 1": (lambda: exponent("AQ"), "k.keys[0]", "utm_key_unreadable"),
    "kid is a number": (lambda: {"keys": [jwk(rsa_key("issuer"), kid=7)]}, "k.keys[0].kid", "utm_key_unreadable"),
    "kid twice": (
        lambda: {"keys": [jwk(rsa_key("issuer"), kid="a"), jwk(rsa_key("stranger"), kid="a")]},
        "keys",
        "utm_key_unreadable",
    ),
    "more than twenty": (lambda: pem(rsa_key("issuer")) * 21, "keys", "utm_no_keys"),
}


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_serve_is_refused_with_its_place(tmp_path: Path, name: str) -> None:
    make, field, code = BAD[name]
    with pytest.raises(Malformed) as refused:
        read_keys([file(tmp_path, make(), "k")])
    assert (refused.value.field, refused.value.code) == (field, code)


def test_a_private_key_is_met_with_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(Malformed, match="pubout"):
        read_keys([file(tmp_path, private(rsa_key("issuer")))])


def test_no_file_and_no_files_are_refused(tmp_path: Path) -> None:
    with pytest.raises(Malformed) as refused:
        read_keys([tmp_path / "gone.pem"])
    assert refused.value.field == "gone.pem"
    with pytest.raises(Malformed) as refused:
        read_keys([])
    assert refused.value.code == "utm_no_keys"

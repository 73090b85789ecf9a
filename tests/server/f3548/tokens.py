"""Access tokens for tests, good ones and forged ones: every part of them can be other than it should be."""

from __future__ import annotations

import base64
import json
from datetime import UTC, datetime
from functools import cache
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

NOW = datetime(2026, 5, 4, 10, 0, tzinfo=UTC)
NOW_S = int(NOW.timestamp())


@cache
def rsa_key(name: str, bits: int = 2048) -> rsa.RSAPrivateKey:
    """A key for each name; made once, for they take a while."""
    return rsa.generate_private_key(public_exponent=65537, key_size=bits)


def pem(key: rsa.RSAPrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def b64(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def number(value: int) -> str:
    return b64(value.to_bytes((value.bit_length() + 7) // 8, "big"))


def jwk(key: rsa.RSAPrivateKey, **fields: Any) -> dict[str, Any]:
    numbers = key.public_key().public_numbers()
    return {"kty": "RSA", "n": number(numbers.n), "e": number(numbers.e), **fields}


def claims(**changed: Any) -> dict[str, Any]:
    """Good claims, with these changed; one that is `...` is left out."""
    usual = {
        "sub": "uss_north",
        "iss": "auth.example.org",
        "aud": "dss.example.org",
        "exp": NOW_S + 1800,
        "scope": "utm.strategic_coordination",
    }
    return {name: value for name, value in {**usual, **changed}.items() if value is not ...}


def header(**changed: Any) -> dict[str, Any]:
    """A good header, with these changed; one that is `...` is left out."""
    return {name: value for name, value in {"alg": "RS256", "typ": "JWT", **changed}.items() if value is not ...}


def signed(head: bytes, body: bytes, key: rsa.RSAPrivateKey) -> str:
    """A token of these very bytes, with a signature (RS256) that verifies."""
    content = f"{b64(head)}.{b64(body)}"
    return f"{content}.{b64(key.sign(content.encode(), padding.PKCS1v15(), hashes.SHA256()))}"


def token(head: dict[str, Any] | bytes | None = None, body: dict[str, Any] | bytes | None = None) -> str:
    """A token signed with the key `issuer`; a part that is not given is a good one."""
    parts = [
        part if isinstance(part, bytes) else json.dumps(part, separators=(",", ":")).encode()
        for part in (header() if head is None else head, claims() if body is None else body)
    ]
    return signed(parts[0], parts[1], rsa_key("issuer"))

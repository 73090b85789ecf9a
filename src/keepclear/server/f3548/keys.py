"""The public keys that access tokens are verified with: files of PEM public keys, and JSON Web Key Sets (RFC 7517).

Files only: a key is never fetched from an address, least of all from one that a token names.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey, RSAPublicNumbers
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from joserfc.jwk import RSAKey
from joserfc.util import base64_to_int

from keepclear.errors import Malformed

ALGORITHM = "RS256"
LEAST_BITS, MOST_BITS = 2048, 8192
MAX_KEYS = 20
"""A token that names no key may be tried against each of them."""
MAX_FILE_BYTES = 2**18
MAX_KEY_ID = 200

_PEM = re.compile(r"-----BEGIN ([A-Z0-9 ]+)-----.*?-----END \1-----", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Key:
    """A public RSA key, and its `kid` if it was in a set that gives it one."""

    key: RSAKey
    kid: str | None = None


def read_keys(paths: Iterable[Path]) -> tuple[Key, ...]:
    """The keys in these files, 1 to 20 of them.

    A file is PEM (one or more `PUBLIC KEY`) or a JSON Web Key Set. Of a set the RSA keys for signatures are taken and
    other kinds passed over. Malformed naming the file, and the field in it, if it cannot be read or holds no key that
    serves, a private key, an RSA key of less than 2048 bits, or a `kid` that another key has.
    """
    found: list[Key] = []
    for path in paths:
        found += _keys_in(path)
    if not found:
        raise Malformed("no public key is named, so no token could be verified", field="keys", code="utm_no_keys")
    if len(found) > MAX_KEYS:
        raise Malformed(f"there are more than {MAX_KEYS} public keys", field="keys", code="utm_no_keys")
    kids = [each.kid for each in found if each.kid is not None]
    for kid in kids:
        if kids.count(kid) > 1:
            raise _unreadable("keys", f"two keys have the kid {kid!r}")
    return tuple(found)


def public_key(key: RSAPublicKey, field: str = "key", kid: str | None = None) -> Key:
    """A key at hand, checked for its size: Malformed (`field`) under 2048 or above 8192 bits."""
    if not LEAST_BITS <= key.key_size <= MOST_BITS:
        message = f"an RSA key has {LEAST_BITS} to {MOST_BITS} bits; this one has {key.key_size}"
        raise Malformed(message, field=field, code="utm_key_weak", bits=key.key_size)
    return Key(RSAKey.import_key(key), kid)


def strict_object(content: bytes) -> dict[str, Any]:
    """A JSON object in UTF-8; ValueError if it is none, has NaN or an infinity, or gives a name twice at any depth."""
    try:
        value = json.loads(content.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_constant)
    except RecursionError:
        raise ValueError("it is nested too deep") from None
    if not isinstance(value, dict):
        raise ValueError("it is not an object")
    return value


def _once(pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("a name is given twice")
    return found


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _keys_in(path: Path) -> list[Key]:
    try:
        with path.open("rb") as stream:
            content = stream.read(MAX_FILE_BYTES + 1)
    except OSError as error:
        raise _unreadable(path.name, f"{path} cannot be read: {error.strerror}") from None
    if len(content) > MAX_FILE_BYTES:
        raise _unreadable(path.name, f"{path} is larger than {MAX_FILE_BYTES} bytes")
    if content.lstrip()[:1] == b"{":
        return _of_set(content, path)
    return _of_pem(content, path)


def _of_pem(content: bytes, path: Path) -> list[Key]:
    try:
        blocks = list(_PEM.finditer(content.decode("ascii")))
    except UnicodeDecodeError:
        blocks = []
    found = []
    for block in blocks:
        if "PRIVATE" in block[1]:
            raise _private(path.name, path)
        if block[1] != "PUBLIC KEY":
            raise _unreadable(path.name, f"{path} holds a {block[1]}; a PUBLIC KEY is needed")
        try:
            key = load_pem_public_key(block[0].encode("ascii"))
        except Exception as error:  # what the library raises for damaged keys differs with the damage
            raise _unreadable(path.name, f"{path} holds a public key that cannot be read: {error}") from None
        if not isinstance(key, RSAPublicKey):
            raise _unreadable(path.name, f"{path} holds a key that is not RSA; tokens are signed with {ALGORITHM}")
        found.append(public_key(key, path.name))
    if not found:
        raise _unreadable(path.name, f"{path} holds neither a PEM public key nor a JSON Web Key Set")
    return found


def _of_set(content: bytes, path: Path) -> list[Key]:
    try:
        listed = strict_object(content).get("keys")
    except ValueError as error:
        raise _unreadable(path.name, f"{path} is not JSON: {error}") from None
    if not isinstance(listed, list):
        raise _unreadable(f"{path.name}.keys", f"{path} has no list of keys")
    found = []
    for number, each in enumerate(listed):
        field = f"{path.name}.keys[{number}]"
        if not isinstance(each, dict):
            raise _unreadable(field, f"{path} holds what is not a key")
        if "d" in each or "k" in each or each.get("kty") == "oct":
            raise _private(field, path)
        if _serves(each):
            found.append(_of_member(each, field))
    if not found:
        raise _unreadable(f"{path.name}.keys", f"{path} holds no RSA key for signatures ({ALGORITHM})")
    return found


def _serves(member: dict[str, Any]) -> bool:
    operations = member.get("key_ops", ["verify"])
    return (
        member.get("kty") == "RSA"
        and member.get("use", "sig") == "sig"
        and member.get("alg", ALGORITHM) == ALGORITHM
        and isinstance(operations, list)
        and "verify" in operations
    )


def _of_member(member: dict[str, Any], field: str) -> Key:
    kid = member.get("kid")
    if kid is not None and not (isinstance(kid, str) and 1 <= len(kid) <= MAX_KEY_ID):
        raise _unreadable(f"{field}.kid", f"a kid is a text of 1 to {MAX_KEY_ID} characters")
    for name in ("n", "e"):
        if not isinstance(member.get(name), str):
            raise _unreadable(f"{field}.{name}", f"an RSA key has {name} as base64url")
    try:
        key = RSAPublicNumbers(base64_to_int(member["e"]), base64_to_int(member["n"])).public_key()
    except (ValueError, TypeError, OverflowError) as error:
        raise _unreadable(field, f"the key cannot be read: {error}") from None
    return public_key(key, field, kid)


def _unreadable(field: str, message: str) -> Malformed:
    return Malformed(message, field=field, code="utm_key_unreadable", why=message)


def _private(field: str, path: Path) -> Malformed:
    message = f"{path} holds a private or secret key, which belongs to whoever issues tokens; name the public key"
    hint = "openssl pkey -pubout makes it"
    return Malformed(f"{message} ({hint})", field=field, code="utm_key_private", file=str(path))

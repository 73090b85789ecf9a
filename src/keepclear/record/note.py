"""Signed notes as C2SP writes them (c2sp.org/signed-note), with Ed25519 keys (signature type 0x01).

A note is UTF-8 text ending in a newline, an empty line, and signature lines
`— <key name> <base64(key id || signature)>`. Any tool that reads C2SP notes can check ours: `VerifierKey.vkey` is the
text form such tools take.

Ed25519 is checked as OpenSSL does it (RFC 8032 section 5.1.7, without the cofactor, S below the group order). Public
keys that are not canonical or lie in the small subgroup are refused: their signatures would bind nobody.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from keepclear.errors import Forged, Malformed

MAX_NOTE_BYTES = 256_000
MAX_SIGNATURES = 64
MAX_KEY_NAME_BYTES = 255
ED25519_TYPE = b"\x01"

_SIGNATURE_LINE_START = "— ".encode()
_CONTROL = bytes(code for code in range(0x20) if code != ord("\n"))
_FIELD_PRIME = 2**255 - 19
_Y_OF_ORDER_8 = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
_SMALL_SUBGROUP_Y = frozenset({0, 1, _FIELD_PRIME - 1, _Y_OF_ORDER_8, _FIELD_PRIME - _Y_OF_ORDER_8})


def encode_base64(data: bytes) -> str:
    """Standard base64 with padding (RFC 4648 section 4)."""
    return base64.b64encode(data).decode("ascii")


def decode_base64(text: str, field: str) -> bytes:
    """Read the one spelling `encode_base64` gives; Malformed naming `field` for any other (loose bits, no padding)."""
    try:
        data = base64.b64decode(text.encode("ascii"), validate=True)
    except (UnicodeEncodeError, binascii.Error):
        raise Malformed("not base64", field=field, code="not_base64") from None
    if encode_base64(data) != text:
        raise Malformed("not the canonical base64 of its bytes", field=field, code="not_base64")
    return data


def check_key_name(name: str, field: str) -> None:
    """C2SP: a key name is not empty, without Unicode spaces and plus; here also printable, at most 255 bytes."""
    if not name or any(c.isspace() or c == "+" or not c.isprintable() for c in name):
        raise Malformed("a key name is not empty and has no spaces, plus or control characters", field=field)
    if len(name.encode()) > MAX_KEY_NAME_BYTES:
        raise Malformed(f"a key name has at most {MAX_KEY_NAME_BYTES} bytes", field=field)


@lru_cache(maxsize=1024)
def _loaded(public: bytes) -> Ed25519PublicKey:
    return Ed25519PublicKey.from_public_bytes(public)


@lru_cache(maxsize=1024)
def _key_id(name: str, public: bytes) -> bytes:
    return hashlib.sha256(name.encode() + b"\n" + ED25519_TYPE + public).digest()[:4]


@dataclass(frozen=True, slots=True)
class VerifierKey:
    """Whose signature it is: a name and a 32-byte Ed25519 public key (RFC 8032)."""

    name: str
    public: bytes

    def __post_init__(self) -> None:
        check_key_name(self.name, "name")
        if len(self.public) != 32:
            raise Malformed("an Ed25519 public key has 32 bytes", field="public")
        y = int.from_bytes(self.public, "little") & (2**255 - 1)
        if y >= _FIELD_PRIME or y in _SMALL_SUBGROUP_Y:
            raise Malformed("this public key binds nobody: anyone could sign for it", field="public", code="weak_key")

    @property
    def key_id(self) -> bytes:
        """Four bytes: SHA-256(name, newline, type, public key), cut (C2SP signed-note)."""
        return _key_id(self.name, self.public)

    @property
    def vkey(self) -> str:
        """The text form other C2SP tools take: `name+key id in hex+base64(type || public key)`."""
        return f"{self.name}+{self.key_id.hex()}+{encode_base64(ED25519_TYPE + self.public)}"

    @classmethod
    def from_vkey(cls, text: str) -> VerifierKey:
        """Read `vkey`; Malformed if any part is missing, not canonical, or the key id is not this key's."""
        parts = text.split("+", 2)
        if len(parts) != 3:
            raise Malformed("not a key: expected name+id+base64", field="vkey")
        name, key_id, encoded = parts
        data = decode_base64(encoded, "vkey")
        if data[:1] != ED25519_TYPE or len(data) != 33:
            raise Malformed("not an Ed25519 note key", field="vkey")
        key = cls(name, data[1:])
        if key.key_id.hex() != key_id:
            raise Malformed("the key id does not belong to this name and key", field="vkey")
        return key

    def verifies(self, text: bytes, signature: bytes) -> bool:
        """Whether these 64 bytes are this key's Ed25519 signature of exactly this text."""
        try:
            _loaded(self.public).verify(signature, text)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True, repr=False)
class SigningKey:
    """A name and its Ed25519 private key. Its repr never shows the key."""

    name: str
    private: Ed25519PrivateKey
    verifier: VerifierKey = field(init=False)
    """The public half, under the same name."""

    def __post_init__(self) -> None:
        check_key_name(self.name, "name")
        public = self.private.public_key().public_bytes_raw()
        object.__setattr__(self, "verifier", VerifierKey(self.name, public))

    def __repr__(self) -> str:
        return f"SigningKey({self.name!r})"

    @classmethod
    def generate(cls, name: str) -> SigningKey:
        """A new key from the system's randomness."""
        return cls(name, Ed25519PrivateKey.generate())

    @classmethod
    def from_raw(cls, name: str, seed: bytes) -> SigningKey:
        """From the 32-byte RFC 8032 private key; Malformed at any other length."""
        if len(seed) != 32:
            raise Malformed("an Ed25519 private key has 32 bytes", field="private")
        return cls(name, Ed25519PrivateKey.from_private_bytes(seed))

    def to_raw(self) -> bytes:
        """The 32-byte RFC 8032 private key. Keep it where only the node can read it."""
        return self.private.private_bytes_raw()


@dataclass(frozen=True, slots=True)
class Signature:
    """One signature line: who is said to have signed, which key, and its bytes (64 for Ed25519). Not yet checked."""

    name: str
    key_id: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Note:
    """A note taken apart: the signed text (with its final newline) and the signature lines, none checked."""

    text: bytes
    signatures: tuple[Signature, ...]


def sign_note(text: bytes, key: SigningKey) -> bytes:
    """Sign a text (UTF-8, ending in a newline, no control characters but newline); returns the whole note."""
    _check_text(text)
    line = f"— {key.name} {encode_base64(key.verifier.key_id + key.private.sign(text))}\n"
    return text + b"\n" + line.encode()


def split_note(raw: bytes) -> Note:
    """Take a note apart by the last empty line; checks its form, not its signatures. Malformed if it is not a note."""
    if len(raw) > MAX_NOTE_BYTES:
        raise Malformed(f"a note has at most {MAX_NOTE_BYTES} bytes", field="note", code="too_large")
    end = raw.rfind(b"\n\n")
    if end < 0:
        raise Malformed("a note has a text, an empty line and signatures", field="note")
    text, block = raw[: end + 1], raw[end + 2 :]
    _check_text(text)
    if not block.endswith(b"\n"):
        raise Malformed("the last signature line does not end", field="signature")
    lines = block[:-1].split(b"\n")
    if len(lines) > MAX_SIGNATURES:
        raise Malformed(f"a note has at most {MAX_SIGNATURES} signatures", field="signature", code="too_large")
    return Note(text, tuple(_parse_signature_line(line) for line in lines))


def open_note(raw: bytes, known: Sequence[VerifierKey]) -> tuple[bytes, tuple[VerifierKey, ...]]:
    """The text of a note and the known keys that signed it.

    Signatures of unknown keys are ignored, as C2SP asks. Forged if a known key's signature does not verify or no known
    key signed; Malformed if it is not a note.
    """
    note = split_note(raw)
    by_id = {(key.name, key.key_id): key for key in known}
    signers: list[VerifierKey] = []
    for line in note.signatures:
        key = by_id.get((line.name, line.key_id))
        if key is None:
            continue
        if not key.verifies(note.text, line.signature):
            raise Forged(f"the signature of {key.name} does not verify", field="signature")
        if key not in signers:
            signers.append(key)
    if not signers:
        raise Forged("no known key signed this", field="signature", code="unknown_key")
    return note.text, tuple(signers)


def fingerprint(key: VerifierKey) -> str:
    """Sixty decimal digits, twelve groups of five, for two people to read to each other over a telephone.

    SHA-256 over the name and the public key, modulo 10**60. Strength: another key with the same digits costs about
    2**199 tries; two keys of one's own that agree about 2**99. Comparing fewer groups proves less: 16.6 bits a group.
    """
    digest = hashlib.sha256(b"keepclear.fingerprint.v1\n" + key.name.encode() + b"\n" + key.public).digest()
    digits = f"{int.from_bytes(digest, 'big') % 10**60:060d}"
    return " ".join(digits[i : i + 5] for i in range(0, 60, 5))


def _check_text(text: bytes) -> None:
    if not text.endswith(b"\n") or text == b"\n":
        raise Malformed("the text of a note ends in a newline and is not empty", field="note")
    if len(text.translate(None, _CONTROL)) != len(text):
        raise Malformed("control characters are not allowed", field="note", code="control_character")
    try:
        text.decode("utf-8")
    except UnicodeDecodeError:
        raise Malformed("not UTF-8", field="note", code="not_utf8") from None


def _parse_signature_line(line: bytes) -> Signature:
    if not line.startswith(_SIGNATURE_LINE_START):
        raise Malformed("a signature line starts with an em dash and a space", field="signature")
    try:
        name, separator, encoded = line.decode("utf-8")[2:].partition(" ")
    except UnicodeDecodeError:
        raise Malformed("not UTF-8", field="signature", code="not_utf8") from None
    if not separator:
        raise Malformed("a signature line has a name and a signature", field="signature")
    check_key_name(name, "signature")
    data = decode_base64(encoded, "signature")
    if len(data) < 5:
        raise Malformed("the signature is too short", field="signature")
    return Signature(name, data[:4], data[4:])

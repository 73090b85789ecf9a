"""How a change goes into envelopes: whole, or, if too large, as an attachment in parts and an act that names it."""

from __future__ import annotations

import base64
import hashlib
import zlib
from collections.abc import Mapping, Sequence

import msgspec

from keepclear.errors import Malformed
from keepclear.model.acts import MAX_PART, Attachment, UtmChange
from keepclear.model.base import Value
from keepclear.model.utm import Entity, Gone, Told

MAX_WHOLE = 50_000
"""Bytes of JSON up to which a change goes into its own envelope."""
MAX_UNPACKED = 64 * 2**20
_PART_BYTES = MAX_PART // 4 * 3


class _Contents(Value, frozen=True, kw_only=True):
    """What is attached."""

    put: tuple[Entity, ...] = ()
    gone: tuple[Gone, ...] = ()
    told: tuple[Told, ...] = ()


_decoder = msgspec.json.Decoder(_Contents)
_encoder = msgspec.json.Encoder()


def packed(change: UtmChange) -> list[Attachment | UtmChange]:
    """The acts that carry a change, in order; the change itself is the last."""
    contents = _encoder.encode(_Contents(put=change.put, gone=change.gone, told=change.told))
    if len(contents) <= MAX_WHOLE:
        return [change]
    raw = zlib.compress(contents, 6)
    sha256 = hashlib.sha256(raw).hexdigest()
    cuts = [raw[start : start + _PART_BYTES] for start in range(0, len(raw), _PART_BYTES)]
    parts = [
        Attachment(sha256=sha256, part=number, of=len(cuts), base64=base64.b64encode(cut).decode())
        for number, cut in enumerate(cuts, 1)
    ]
    return [*parts, msgspec.structs.replace(change, put=(), gone=(), told=(), attached=sha256)]


def unpacked(change: UtmChange, parts: Mapping[int, str] | None) -> UtmChange:
    """The whole change, from the parts of its attachment by number. Malformed (`attached`) if they do not give it."""
    if change.attached is None:
        return change
    held = parts or {}
    raw = b"".join(_decoded([held[number] for number in sorted(held)]))
    if hashlib.sha256(raw).hexdigest() != change.attached:
        raise Malformed("the attachment is not here, or not whole", field="act.attached", code="attachment_missing")
    inflate = zlib.decompressobj()
    contents = inflate.decompress(raw, MAX_UNPACKED)
    if not inflate.eof:
        raise Malformed("the attachment is too large", field="act.attached", code="too_large", bytes=len(contents))
    whole = _decoder.decode(contents)
    return msgspec.structs.replace(change, put=whole.put, gone=whole.gone, told=whole.told)


def _decoded(parts: Sequence[str]) -> list[bytes]:
    try:
        return [base64.b64decode(part, validate=True) for part in parts]
    except ValueError:
        raise Malformed("a part is not base64", field="act.attached", code="attachment_missing") from None

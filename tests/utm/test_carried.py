"""A change of any size goes into envelopes and comes out whole, or is refused."""

from __future__ import annotations

import base64
import hashlib
import random
import zlib
from datetime import UTC, datetime

import msgspec
import pytest

from keepclear.errors import Malformed
from keepclear.formats.wire import MAX_BODY_BYTES, write_said
from keepclear.model.acts import Attachment, Said, UtmChange
from keepclear.model.utm import IntentState, UtmIntent, UtmPoint, UtmVolume
from keepclear.utm.carried import packed, unpacked

T0 = datetime(2026, 1, 1, tzinfo=UTC)
ID = "2f8343be-6482-4d1b-a474-16847e01af1e"


def change(vertices: int) -> UtmChange:
    chance = random.Random(vertices)
    outline = tuple(
        UtmPoint(lat_deg=chance.uniform(-90, 90), lng_deg=chance.uniform(-180, 180)) for _ in range(vertices)
    )
    volume = UtmVolume(polygon=outline, lower_m=0.0, upper_m=100.0, starts_at=T0, ends_at=T0)
    intent = UtmIntent(
        id=ID,
        manager="uss1",
        state=IntentState.ACCEPTED,
        uss_base_url="https://uss1.example",
        version=1,
        ovn="0123456789abcdef",
        volumes=(volume,),
    )
    return UtmChange(number=7, by="uss1", did="createOperationalIntentReference", put=(intent,))


def parts_of(acts: list[Attachment | UtmChange]) -> dict[int, str]:
    return {act.part: act.base64 for act in acts if isinstance(act, Attachment)}


def test_a_small_change_is_its_own_act() -> None:
    assert packed(change(3)) == [change(3)]
    assert unpacked(change(3), None) == change(3)


@pytest.mark.parametrize("vertices", [1_500, 10_000])
def test_a_large_change_goes_in_parts_that_fit_an_envelope_and_comes_back_whole(vertices: int) -> None:
    whole = change(vertices)
    acts = packed(whole)
    assert len(acts) > 1
    assert all(len(write_said(Said(role="node", act=act))) < MAX_BODY_BYTES for act in acts)
    last = acts[-1]
    assert isinstance(last, UtmChange)
    assert (last.put, last.number) == ((), 7)
    assert msgspec.structs.replace(unpacked(last, parts_of(acts)), attached=None) == whole


@pytest.mark.parametrize("harm", ["missing", "changed", "not base64", "none"])
def test_an_attachment_that_is_not_the_one_named_is_refused(harm: str) -> None:
    acts = packed(change(3_000))
    parts = parts_of(acts)
    if harm == "missing":
        del parts[max(parts)]
    elif harm == "changed":
        raw = bytearray(base64.b64decode(parts[1]))
        raw[100] ^= 1
        parts[1] = base64.b64encode(bytes(raw)).decode()
    elif harm == "not base64":
        parts[1] = "§" + parts[1][1:]
    else:
        parts = {}
    last = acts[-1]
    assert isinstance(last, UtmChange)
    with pytest.raises(Malformed) as refused:
        unpacked(last, parts)
    assert refused.value.field == "act.attached"


def test_what_unpacks_to_more_than_memory_should_hold_is_refused() -> None:

    raw = zlib.compress(b'{"put":[' + b" " * (65 * 2**20) + b"]}")
    bomb = msgspec.structs.replace(change(3), put=(), attached=hashlib.sha256(raw).hexdigest())
    with pytest.raises(Malformed) as refused:
        unpacked(bomb, {1: base64.b64encode(raw).decode()})
    assert refused.value.code == "too_large"

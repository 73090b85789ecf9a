"""A named cast with fixed keys, and a record of what they said, so that a test reads as a story."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

from hypothesis import strategies as st

from keepclear.record import NO_PREVIOUS, Entry, Header, SigningKey, VerifierKey, parse, seal

LINE = "avoidance"
MORNING = datetime(2017, 9, 8, 5, 10, tzinfo=UTC)


def key_of(name: str) -> SigningKey:
    """The same key for the same name, every time."""
    return SigningKey.from_raw(name, hashlib.sha256(name.encode()).digest())


# Hypothesis wants the bounds without their zone.
INSTANTS = st.datetimes(
    datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None),
    datetime(2100, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC).replace(tzinfo=None),
    timezones=st.just(UTC),
)
"""Every time an envelope or an entry may bear."""

RUSSIA = key_of("russia")
COALITION = key_of("coalition")
DESK = key_of("desk")
NODE = key_of("node-a")
STRANGER = key_of("stranger")
AUTHORS = (RUSSIA, COALITION, DESK)
KEYS: dict[str, VerifierKey] = {key.name: key.verifier for key in AUTHORS}
TRUSTED = [*KEYS.values(), NODE.verifier]


def say(
    key: SigningKey = RUSSIA, seq: int = 1, prev: str = NO_PREVIOUS, body: bytes = b'{"act":{}}', line: str = LINE
) -> bytes:
    """A sealed act, said at 05:10Z plus `seq` seconds."""
    return seal(Header(line, key.name, seq, prev, MORNING + timedelta(seconds=seq)), body, key)


def story(count: int) -> Iterator[Entry]:
    """`count` entries by three authors in turn, each author's chain whole, one second apart."""
    last = {key.name: (0, NO_PREVIOUS) for key in AUTHORS}
    for index in range(count):
        key = AUTHORS[index % len(AUTHORS)]
        seq, prev = last[key.name]
        envelope = say(key, seq + 1, prev, b'{"number":%d,"text":"\xd9\x85\xd8\xb1\xd9\x88\xd8\xb1"}' % index)
        last[key.name] = (seq + 1, parse(envelope).id)
        yield Entry(index, MORNING + timedelta(seconds=index, microseconds=index % 2), envelope)

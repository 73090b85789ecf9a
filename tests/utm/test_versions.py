"""OVNs, versions and ids: of their form, never twice, and the same again from the same nonce."""

from __future__ import annotations

import re
import uuid

from hypothesis import given
from hypothesis import strategies as st

from keepclear.utm.shown import begins, ends
from keepclear.utm.versions import NO_OVN, id_of, ovn_of, version_of
from tests.utm.cast import ONE, T0, TWO, minutes, volume

nonces = st.text("0123456789abcdef", min_size=32, max_size=32)


@given(nonces)
def test_an_ovn_may_stand_in_a_url_and_a_made_id_is_a_uuid_v4(nonce: str) -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", ovn_of(ONE, nonce))
    made = uuid.UUID(id_of("subscription", nonce))
    assert (made.version, made.variant, str(made)) == (4, uuid.RFC_4122, id_of("subscription", nonce))


@given(nonces, nonces)
def test_what_is_made_hangs_on_the_nonce_on_the_entity_and_on_what_it_is_for(nonce: str, other: str) -> None:
    made = [f(of, each) for f in (ovn_of, version_of, id_of) for of in (ONE, TWO) for each in {nonce, other}]
    assert len(set(made)) == len(made)
    assert NO_OVN not in made
    assert not any(nonce in each for each in made)
    assert ovn_of(ONE, nonce) == ovn_of(ONE, nonce)


def test_an_entity_lasts_from_its_first_volume_to_its_last() -> None:
    volumes = [volume(times=(20, 30)), volume(times=(0, 10)), volume(times=(5, 90))]
    assert (begins(volumes), ends(volumes)) == (T0, T0 + minutes(90))
    assert begins([*volumes, volume(times=(None, 10))]) is None
    assert ends([*volumes, volume(times=(10, None))]) is None

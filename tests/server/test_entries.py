"""An entry is asked for by its index or by the beginning of its id, and the two are told apart."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from keepclear.server.local import _index_of
from keepclear.server.problems import NoSuch


def state(*ids: str) -> Any:
    return SimpleNamespace(acts={each: SimpleNamespace(index=number) for number, each in enumerate(ids)})


def test_an_id_that_begins_with_decimal_digits_is_an_id() -> None:
    here = state("a" * 64, "87405407" + "b" * 56, "5" * 64)
    assert _index_of(here, "87405407", 3) == 1
    assert _index_of(here, "874054", 3) == 1
    assert _index_of(here, "5" * 64, 3) == 2
    assert _index_of(here, "aaaaaa", 3) == 0


def test_a_number_of_the_record_is_an_index() -> None:
    here = state("a" * 64, "000001" + "b" * 58)
    assert _index_of(here, "1", 2) == 1
    assert _index_of(here, "0", 2) == 0
    assert _index_of(here, "000001", 2) == 1
    assert _index_of(here, "9999", 2) == 9999  # too short for an id: told as an index that is not there
    with pytest.raises(NoSuch):
        _index_of(here, "999999", 2)
